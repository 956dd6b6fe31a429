/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "intake_int.h"

#include "clock.h"
#include "incident.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHARE 32 /* items that are worth a thread */

/* What of a policy decides about money. */
#define ABOUT_MONEY                                                            \
    (FRAUD_SETTING_BIT(FRAUD_SETTING_PURPOSE) |                                \
     FRAUD_SETTING_BIT(FRAUD_SETTING_AUTOMATION) |                             \
     FRAUD_SETTING_BIT(FRAUD_SETTING_DEDUCT) |                                 \
     FRAUD_SETTING_BIT(FRAUD_SETTING_DEDUCT_CAPS) |                            \
     FRAUD_SETTING_BIT(FRAUD_SETTING_DEDUCT_WINDOW) |                          \
     FRAUD_SETTING_BIT(FRAUD_SETTING_RIGHTS))

void intake_kill(intake_item_t *item, const char *reason) {
    item->fate = INTAKE_DEAD;
    (void)snprintf(item->reason, sizeof(item->reason), "%s", reason);
}

void intake_refuse(intake_item_t *item, const char *reason) {
    item->fate = INTAKE_REFUSED;
    (void)snprintf(item->reason, sizeof(item->reason), "%s", reason);
}

uint32_t intake_stricter(const billing_t *billing, const char *policy,
                         uint32_t a, uint32_t b) {
    const fraud_policy_t *one = billing_policy_then(billing, policy, a);
    const fraud_policy_t *other = billing_policy_then(billing, policy, b);

    if (one == NULL || other == NULL ||
        (fraud_policy_loosens(one, other) & ABOUT_MONEY) != 0) {
        return a;
    }
    return b;
}

/* Is this what the policy then says, and does it, and the one now, let money
   move at all? */
static int check_policy(const billing_t *billing, intake_item_t *item,
                        int64_t now) {
    const event_t *event = &item->event;
    const fraud_policy_t *then =
        billing_policy_then(billing, event->policy, event->version);
    const uint32_t need = FRAUD_SETTING_BIT(FRAUD_PURPOSE_FRAUD) |
                          FRAUD_SETTING_BIT(FRAUD_PURPOSE_BILLING);
    fraud_settings_t settings;

    if (then == NULL || !event_is_digest(event->digest, then->digest) ||
        !billing_settings(billing, &settings, event->policy, event->version,
                          now)) {
        intake_kill(item, "policy");
        return 0;
    }
    if (settings.deduct == FRAUD_DEDUCT_FORBID ||
        settings.automation != FRAUD_AUTOMATION_ASSIST ||
        (settings.purpose & need) != need || event->by != FRAUD_BY_ACCOUNT) {
        intake_refuse(item, "policy");
        return 0;
    }
    item->keep_until =
        event->last + (int64_t)then->settings.keep_evidence * CLOCK_SECOND;
    if (item->keep_until > event->expiry) {
        item->keep_until = event->expiry;
    }
    if (item->keep_until <= now) { /* nobody could judge by it any more */
        intake_refuse(item, "expired");
        return 0;
    }
    return 1;
}

static int check_time(intake_item_t *item, int64_t now) {
    int64_t latest = now + (int64_t)INTAKE_FUTURE * CLOCK_SECOND;

    if (item->event.last > latest || item->event.recorded > latest) {
        intake_kill(item, "future");
        return 0;
    }
    return 1;
}

static int check_seal(const billing_t *billing, intake_item_t *item) {
    const char *id = item->event.id, *seal = item->event.seal;
    uint8_t raw[FRAUD_SEAL_MAX_DATA];
    fraud_str_t account = {raw, 0};
    int opened;

    opened = billing_unseal(billing, raw, &account.len,
                            (fraud_str_t){(const uint8_t *)id, strlen(id)},
                            (fraud_str_t){(const uint8_t *)seal, strlen(seal)});
    if (opened) {
        billing_account(billing, item->account, item->event.policy, account);
        opened = billing_close_account(billing, item->box, sizeof(item->box),
                                       item->account, account);
    }
    billing_wipe(raw, sizeof(raw));
    if (!opened) {
        intake_kill(item, "seal");
    }
    return opened;
}

static void judge(const billing_t *billing, intake_item_t *item, int64_t now) {
    const intake_record_t *record = item->record;
    event_t *event = &item->event;

    item->fate = INTAKE_COUNTED;
    if (record->bad != NULL) {
        intake_kill(item, record->bad);
        return;
    }
    if (fraud_spool_is_end(record->event)) {
        item->fate = INTAKE_ENDED;
        return;
    }
    if (!event_parse(event, item->reason, record->event)) {
        item->fate = INTAKE_DEAD;
        return;
    }
    if (strcmp(event->writer, record->writer) != 0 ||
        event->seq != record->seq) {
        intake_kill(item, "origin");
        return;
    }
    if (!check_policy(billing, item, now) || !check_time(item, now) ||
        !check_seal(billing, item)) {
        return;
    }
    event_digest(event, item->digest);
    incident_id(item->incident, event->policy, item->account, event->family,
                clock_day(event->first));
    if (!event_keep(event, item->body, sizeof(item->body))) {
        intake_kill(item, "oversized");
    }
}

static void *check(void *data) {
    intake_share_t *share = data;
    size_t i;

    for (i = 0; i < share->n; i++) {
        judge(share->billing, &share->item[i], share->now);
        share->item[i].checked = share->item[i].fate;
    }
    return NULL;
}

void intake_check(intake_t *intake, const billing_t *billing) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t i, threads, done = 0;
    intake_share_t *share;

    threads = intake->n / SHARE + 1;
    if (processors > 0 && threads > (size_t)processors) {
        threads = (size_t)processors;
    }
    threads = threads < INTAKE_THREADS ? threads : INTAKE_THREADS;
    for (i = 0; i < threads; i++) {
        share = &intake->share[intake->nshares];
        share->billing = billing;
        share->item = intake->item + done;
        share->n = (intake->n - done) / (threads - i);
        share->now = intake->now;
        done += share->n;
        /* few are not worth a thread, and there may be none to be had */
        if (share->n < SHARE ||
            pthread_create(&share->thread, NULL, check, share) != 0) {
            (void)check(share);
        } else {
            intake->nshares++;
        }
    }
}

void intake_checked(intake_t *intake) {
    size_t i;

    for (i = 0; i < intake->nshares; i++) {
        (void)pthread_join(intake->share[i].thread, NULL);
    }
    intake->nshares = 0;
}
