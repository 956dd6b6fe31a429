/* SPDX-License-Identifier: BSD-2-Clause */

#include "verify.h"

#include "clock.h"
#include "fraud_decide.h"

#include <stdio.h>
#include <string.h>

/* A policy of the time of a conduct, and what was in force on some days. */
typedef struct {
    const fraud_policy_t *then;
    int64_t from, to; /* us */
    fraud_settings_t meet;
} span_t;

static db_rc take(verify_t *v, db_rc rc, const char *check, const char *what) {
    db_t *db = v->billing->db;

    v->checks++;
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_OK : rc;
    }
    do {
        verify_found(v, check, db_text(db, 0), what, NULL);
    } while (db_next(db));
    return DB_OK;
}

/* By what each hold made of the account's day, in the order of the ledger. */
static db_rc check_caps(verify_t *v, const span_t *span) {
    return take(
        v,
        db_run(
            v->billing->db,
            "SELECT id FROM (SELECT m.id AS id, m.kind AS kind,"
            " m.policy AS policy, m.version AS version, m.at AS at,"
            " m.net AS net, SUM(m.net) OVER (PARTITION BY m.account, m.day"
            " ORDER BY m.seq) AS used FROM (SELECT t.id AS id, t.kind AS kind,"
            " t.policy AS policy, t.policy_version AS version, t.at AS at,"
            " t.seq AS seq, h.debit AS account, h.at / 86400000000 AS day,"
            " CASE t.kind WHEN 'hold' THEN t.amount ELSE -t.amount END AS net"
            " FROM transfer t JOIN transfer h ON h.kind = 'hold'"
            " AND h.id = CASE t.kind WHEN 'hold' THEN t.id ELSE t.pending END"
            " WHERE t.kind IN ('hold', 'release', 'void', 'expire',"
            " 'reverse')) AS m) AS d WHERE kind = 'hold' AND policy = $1"
            " AND version = $2 AND at >= $3 AND at < $4"
            " AND (net > $5 OR used > $6) LIMIT 100",
            DB_ARGS(DB_T(span->then->name), DB_I(span->then->version),
                    DB_I(span->from), DB_I(span->to),
                    DB_I(span->meet.cap_event), DB_I(span->meet.cap_day))),
        "I6", "is more than the caps of an incident and of a day leave");
}

static db_rc check_posts(verify_t *v, const span_t *span) {
    db_rc rc = take(
        v,
        db_run(v->billing->db,
               "SELECT p.id FROM transfer p JOIN transfer h ON h.id = p.pending"
               " WHERE p.kind = 'post' AND p.policy = $1"
               " AND p.policy_version = $2 AND p.at >= $3 AND p.at < $4"
               " AND p.at < h.at + $5 LIMIT 100",
               DB_ARGS(DB_T(span->then->name), DB_I(span->then->version),
                       DB_I(span->from), DB_I(span->to),
                       DB_I((int64_t)span->meet.window_hold * CLOCK_SECOND))),
        "I8", "was posted before the time to object was over");

    return rc != DB_OK
               ? rc
               : take(v,
                      db_run(v->billing->db,
                             "SELECT id FROM transfer WHERE kind = 'post'"
                             " AND policy = $1 AND policy_version = $2"
                             " AND at >= $3 AND at < $4 AND amount > $5"
                             " LIMIT 100",
                             DB_ARGS(DB_T(span->then->name),
                                     DB_I(span->then->version),
                                     DB_I(span->from), DB_I(span->to),
                                     DB_I(span->meet.cap_event))),
                      "I6", "is more than the cap of an incident");
}

static db_rc check_forbidden(verify_t *v, const span_t *span) {
    const uint32_t need = FRAUD_SETTING_BIT(FRAUD_PURPOSE_FRAUD) |
                          FRAUD_SETTING_BIT(FRAUD_PURPOSE_BILLING);

    if (span->meet.deduct != FRAUD_DEDUCT_FORBID &&
        (span->meet.purpose & need) == need) {
        return DB_OK;
    }
    return take(
        v,
        db_run(v->billing->db,
               "SELECT id FROM transfer WHERE kind IN ('hold', 'post')"
               " AND policy = $1 AND policy_version = $2 AND at >= $3"
               " AND at < $4 LIMIT 100",
               DB_ARGS(DB_T(span->then->name), DB_I(span->then->version),
                       DB_I(span->from), DB_I(span->to))),
        "I10", "its policy lets no money move");
}

/* The day on which the next version of a policy began, or never. */
static int64_t next_change(const billing_t *billing, const char *name,
                           uint32_t day) {
    int64_t next = INT64_MAX / CLOCK_DAY;
    const fraud_policy_t *policy;
    size_t i;

    for (i = 0; i < billing->npolicies; i++) {
        policy = &billing->policy[i];
        if (strcmp(policy->name, name) == 0 && policy->effective > day &&
            (int64_t)policy->effective < next) {
            next = policy->effective;
        }
    }
    return next;
}

static db_rc check_span(verify_t *v, const fraud_policy_t *then,
                        uint32_t effective) {
    span_t span;
    const fraud_policy_t *now;
    db_rc rc;

    span.then = then;
    span.from = (int64_t)effective * CLOCK_DAY;
    span.to = next_change(v->billing, then->name, effective) * CLOCK_DAY;
    now = billing_policy_now(v->billing, then->name, span.from);
    fraud_decide_meet(&span.meet, &then->settings,
                      now != NULL ? &now->settings : &then->settings);
    rc = check_caps(v, &span);
    if (rc == DB_OK) {
        rc = check_posts(v, &span);
    }
    return rc == DB_OK ? check_forbidden(v, &span) : rc;
}

/* A version that nobody has any more cannot be checked against. */
static db_rc check_known(verify_t *v) {
    db_t *db = v->billing->db;
    db_rc rc;

    v->checks++;
    rc = db_run(db,
                "SELECT policy, policy_version, MIN(id) FROM transfer "
                "WHERE incident IS NOT NULL GROUP BY policy, policy_version",
                DB_NO_ARGS);
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_OK : rc;
    }
    do {
        if (billing_policy_then(v->billing, db_text(db, 0),
                                (uint32_t)db_int(db, 1)) == NULL) {
            verify_found(v, "I10", db_text(db, 2),
                         "no file has its version of the policy",
                         db_text(db, 0));
        }
    } while (db_next(db));
    return DB_OK;
}

/* Whether the rule is among those that were confirmed, by commas around it. */
static db_rc check_author(verify_t *v, const billing_author_t *author) {
    char rule[BILLING_NAME_SIZE + 2];

    (void)snprintf(rule, sizeof(rule), ",%s,", author->rule);
    return take(
        v,
        db_run(v->billing->db,
               "SELECT DISTINCT r.id FROM review r JOIN review c"
               " ON c.incident = r.incident WHERE r.reviewer = $1"
               " AND r.action IN ('confirm', 'second', 'uphold', 'refute',"
               " 'assess', 'reject', 'reverse')"
               " AND c.action IN ('confirm', 'second')"
               " AND REPLACE(',' || c.reference || ',', $2, '')"
               " <> ',' || c.reference || ',' LIMIT 100",
               DB_ARGS(DB_T(author->author), DB_T(rule))),
        "I7", "is of somebody who wrote a rule of the case");
}

db_rc verify_policies(verify_t *v) {
    const billing_t *billing = v->billing;
    const fraud_policy_t *then;
    db_rc rc = check_known(v);
    size_t i, k;

    for (i = 0; rc == DB_OK && i < billing->npolicies; i++) {
        then = &billing->policy[i];
        for (k = 0; rc == DB_OK && k < billing->npolicies; k++) {
            if (strcmp(billing->policy[k].name, then->name) == 0) {
                rc = check_span(v, then, billing->policy[k].effective);
            }
        }
    }
    for (i = 0; rc == DB_OK && i < billing->conf.nauthors; i++) {
        rc = check_author(v, &billing->conf.author[i]);
    }
    return rc;
}
