/* SPDX-License-Identifier: BSD-2-Clause */

#include "reputation.h"

#include "clock.h"
#include "control.h"
#include "option.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

#define MAX_SECRET 4096
#define RETRY_US (REPUTATION_RETRY * (int64_t)CLOCK_SECOND)
#define CONFIRMED "confirmed"

typedef struct {
    char id[BILLING_ID_SIZE];
    char policy[BILLING_NAME_SIZE];
    char said[16];
    int64_t epoch;
    char raw[FRAUD_SEAL_MAX_DATA + 1];
    int revealed;
    const char *state;
} verdict_t;

/* The next one, and whom it is about: the account is there, or is not. */
static db_rc look(billing_t *billing, void *data) {
    char account[BILLING_ACCOUNT_SIZE], box[BILLING_BOX_SIZE];
    verdict_t *verdict = data;
    db_t *db = billing->db;
    char pid[32];
    db_rc rc;

    rc = db_run(db,
                "SELECT id, policy, pid, epoch, said FROM verdict WHERE state "
                "= 'waiting' ORDER BY at, id LIMIT 1",
                DB_NO_ARGS);
    if (rc != DB_OK) {
        return rc;
    }
    (void)snprintf(verdict->id, sizeof(verdict->id), "%s", db_text(db, 0));
    (void)snprintf(verdict->policy, sizeof(verdict->policy), "%s",
                   db_text(db, 1));
    (void)snprintf(pid, sizeof(pid), "%s", db_text(db, 2));
    verdict->epoch = db_int(db, 3);
    (void)snprintf(verdict->said, sizeof(verdict->said), "%s", db_text(db, 4));
    rc =
        db_run(db,
               "SELECT r.account, r.box FROM incident i JOIN resolver r ON "
               "r.account = i.account WHERE i.policy = $1 AND i.pid = $2 AND "
               "i.epoch = $3 LIMIT 1",
               DB_ARGS(DB_T(verdict->policy), DB_T(pid), DB_I(verdict->epoch)));
    if (rc == DB_OK) {
        (void)snprintf(account, sizeof(account), "%s", db_text(db, 0));
        (void)snprintf(box, sizeof(box), "%s", db_text(db, 1));
        verdict->revealed = billing_open_account(
            billing, verdict->raw, sizeof(verdict->raw), account, box);
    }
    return rc == DB_NONE ? DB_OK : rc;
}

static db_rc write_down(billing_t *billing, void *data) {
    const verdict_t *verdict = data;
    db_rc rc;

    rc = db_run(billing->db,
                "UPDATE verdict SET state = $2 WHERE id = $1 AND state = "
                "'waiting'",
                DB_ARGS(DB_T(verdict->id), DB_T(verdict->state)));
    return rc == DB_NONE ? DB_OK : rc;
}

/* nginx still knows the secret of an epoch in the next one. */
static int lives(const billing_t *billing, const verdict_t *verdict,
                 int64_t now) {
    const fraud_policy_t *policy =
        billing_policy_now(billing, verdict->policy, now);

    return policy != NULL && policy->settings.id_epoch != 0 &&
           now / CLOCK_SECOND / policy->settings.id_epoch <= verdict->epoch + 1;
}

/* Return 0 if nobody answered. Whatever else was answered is final. */
static int order(const billing_t *billing, verdict_t *verdict) {
    static control_answer_t answer;
    const billing_conf_t *conf = &billing->conf;
    char secret[MAX_SECRET] = "";
    control_t control = {conf->control, conf->control_socket, NULL};
    int rc;

    if (conf->control_secret != NULL) {
        (void)option_secret(secret, sizeof(secret), conf->control_secret);
        control.secret = secret;
    }
    rc = control_send(&control,
                      strcmp(verdict->said, CONFIRMED) == 0 ? "raise" : "reset",
                      conf->identity, verdict->raw, &answer);
    billing_wipe(secret, sizeof(secret));
    billing_wipe(answer.text, sizeof(answer.text));
    if (!rc || answer.status != 200) {
        say(SAY_WARN, "nginx did not take a verdict",
            SAY(SAY_T("id", verdict->id), SAY_I("status", answer.status)));
        return 0;
    }
    return 1;
}

db_rc reputation_tick(billing_t *billing, int64_t now, int *done) {
    static int64_t retry; /* clock_us() */
    verdict_t verdict;
    db_rc rc;

    *done = 0;
    if (billing->conf.identity == NULL ||
        (now < retry && now >= retry - RETRY_US)) {
        return DB_OK;
    }
    memset(&verdict, 0, sizeof(verdict));
    rc = billing_again(billing, look, &verdict);
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_OK : rc;
    }
    verdict.state = "gone";
    if (verdict.revealed && lives(billing, &verdict, now)) {
        if (!order(billing, &verdict)) {
            retry = now + RETRY_US;
            billing_wipe(verdict.raw, sizeof(verdict.raw));
            return DB_OK;
        }
        verdict.state = "done";
    }
    billing_wipe(verdict.raw, sizeof(verdict.raw));
    failpoint("verdict-told");
    rc = billing_again(billing, write_down, &verdict);
    *done = rc == DB_OK;
    return rc;
}
