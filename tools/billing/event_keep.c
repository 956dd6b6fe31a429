/* SPDX-License-Identifier: BSD-2-Clause */

#include "event.h"

#include "fraud_event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *event_by(fraud_by_t by) {
    static const char *const bys[FRAUD_BY_N] = {[FRAUD_BY_ACCOUNT] = "account",
                                                [FRAUD_BY_DEVICE] = "device",
                                                [FRAUD_BY_NETWORK] = "network"};

    return bys[by];
}

static void put(fraud_event_t *out, fraud_str_t key, const char *text) {
    fraud_event_str(out, key, text, strlen(text));
}

static void put_time(fraud_event_t *out, fraud_str_t key, int64_t us) {
    fraud_event_time(out, key, (uint64_t)us / 1000);
}

static void put_subject(fraud_event_t *out, const event_t *event) {
    fraud_event_open(out, FRAUD_STR("origin"));
    put(out, FRAUD_STR("node"), event->node);
    put(out, FRAUD_STR("boot"), event->writer);
    fraud_event_uint(out, FRAUD_STR("seq"), event->seq);
    fraud_event_close(out);
    fraud_event_open(out, FRAUD_STR("subject"));
    put(out, FRAUD_STR("domain"), "billing");
    fraud_event_uint(out, FRAUD_STR("epoch"), (uint64_t)event->epoch);
    put(out, FRAUD_STR("pid"), event->pid);
    fraud_event_close(out);
    put(out, FRAUD_STR("attribution"), event_by(event->by));
}

static void put_claims(fraud_event_t *out, const event_t *event) {
    char digits[24];

    fraud_event_open(out, FRAUD_STR("fraud"));
    put(out, FRAUD_STR("state"), "suspected");
    put(out, FRAUD_STR("basis"), "rule");
    fraud_event_close(out);
    fraud_event_open(out, FRAUD_STR("damage"));
    put(out, FRAUD_STR("state"), "suspected");
    put(out, FRAUD_STR("kind"), event->kind);
    if (event->amount != 0) {
        (void)snprintf(digits, sizeof(digits), "%" PRId64, event->amount);
        put(out, FRAUD_STR("method"), "metered");
        put(out, FRAUD_STR("amount_minor"), digits);
        put(out, FRAUD_STR("currency"), event->currency);
    }
    fraud_event_close(out);
}

static void put_evidence(fraud_event_t *out, const event_t *event) {
    size_t i;

    fraud_event_list(out, FRAUD_STR("rules"));
    fraud_event_open(out, FRAUD_EVENT_ITEM);
    put(out, FRAUD_STR("id"), event->rule);
    put(out, FRAUD_STR("family"), event->family);
    fraud_event_uint(out, FRAUD_STR("version"), event->rule_version);
    fraud_event_uint(out, FRAUD_STR("window_s"), event->window);
    fraud_event_uint(out, FRAUD_STR("threshold"), event->threshold);
    fraud_event_uint(out, FRAUD_STR("observed"), event->observed);
    put(out, FRAUD_STR("feature"), event->signals[0]);
    fraud_event_close(out);
    fraud_event_list_end(out);
    fraud_event_open(out, FRAUD_STR("evidence"));
    fraud_event_uint(out, FRAUD_STR("count"), event->observed);
    put_time(out, FRAUD_STR("first"), event->first);
    put_time(out, FRAUD_STR("last"), event->last);
    fraud_event_uint(out, FRAUD_STR("signals"), event->nsignals);
    fraud_event_list(out, FRAUD_STR("names"));
    for (i = 0; i < event->nsignals; i++) {
        put(out, FRAUD_EVENT_ITEM, event->signals[i]);
    }
    fraud_event_list_end(out);
    put(out, FRAUD_STR("root"), event->root);
    fraud_event_close(out);
}

int event_keep(const event_t *event, char *body, size_t size) {
    fraud_event_t out;

    fraud_event_begin(&out, (uint8_t *)body, size);
    put(&out, FRAUD_STR("id"), event->id);
    put_time(&out, FRAUD_STR("recordedtime"), event->recorded);
    put_time(&out, FRAUD_STR("expirytime"), event->expiry);
    fraud_event_open(&out, FRAUD_STR("data"));
    put(&out, FRAUD_STR("profile"), event->policy);
    fraud_event_uint(&out, FRAUD_STR("profile_version"), event->version);
    put(&out, FRAUD_STR("profile_digest"), event->digest);
    put_subject(&out, event);
    put_claims(&out, event);
    put_evidence(&out, event);
    fraud_event_close(&out);
    if (fraud_event_end(&out) != FRAUD_OK) {
        return 0;
    }
    body[out.buf.len - 1] = '\0'; /* no line feed */
    return 1;
}

void event_digest(const event_t *event, char digest[BILLING_HASH_SIZE]) {
    char version[24], epoch[24], amount[24], rule[24], window[24],
        threshold[24];

    (void)snprintf(version, sizeof(version), "%" PRIu32, event->version);
    (void)snprintf(epoch, sizeof(epoch), "%" PRId64, event->epoch);
    (void)snprintf(amount, sizeof(amount), "%" PRId64, event->amount);
    (void)snprintf(rule, sizeof(rule), "%" PRIu32, event->rule_version);
    (void)snprintf(window, sizeof(window), "%" PRIu32, event->window);
    (void)snprintf(threshold, sizeof(threshold), "%" PRIu32, event->threshold);
    billing_hash(digest, FRAUD_FLAG_TYPE, event->policy, version, event->digest,
                 event->pid, epoch, event_by(event->by), event->kind, amount,
                 event->currency, event->rule, rule, event->family, window,
                 threshold, NULL);
}
