/* SPDX-License-Identifier: BSD-2-Clause */

#include "review.h"

#include "amount.h"
#include "clock.h"
#include "evidence.h"
#include "settle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RULES_SIZE (EVIDENCE_RULES * BILLING_NAME_SIZE)
/* The reference of a reversal without an appeal: none that anyone can say. */
#define REFUTED "/refuted"

#if defined(__GNUC__)
static db_rc no(review_t *review, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void said(review_t *review, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#endif

static db_rc no(review_t *review, const char *format, ...) {
    va_list args;

    va_start(args, format);
    (void)vsnprintf(review->why, sizeof(review->why), format, args);
    va_end(args);
    return DB_NONE;
}

static void said(review_t *review, const char *format, ...) {
    va_list args;

    va_start(args, format);
    (void)vsnprintf(review->said, sizeof(review->said), format, args);
    va_end(args);
}

static db_rc note(db_t *db, const review_t *review, const char *reference) {
    return db_run(
        db,
        "INSERT INTO review (id, incident, reviewer, action, reason, amount,"
        " reference, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        DB_ARGS(DB_T(review->id), DB_T(review->incident), DB_T(review->who),
                DB_T(reason_action(review->action)), DB_T(review->reason->code),
                review->amount >= 0 ? DB_I(review->amount) : DB_N,
                DB_T(reference), DB_I(review->now)));
}

static db_rc set_fraud(db_t *db, incident_t *incident, const char *fraud) {
    (void)snprintf(incident->fraud, sizeof(incident->fraud), "%s", fraud);
    return db_run(db, "UPDATE incident SET fraud = $2 WHERE id = $1",
                  DB_ARGS(DB_T(incident->id), DB_T(fraud)));
}

/* The rules that are confirmed: known when their evidence is gone. */
static db_rc rules_of(db_t *db, const incident_t *incident,
                      char rules[RULES_SIZE]) {
    static evidence_t evidence;
    db_rc rc = evidence_read(db, &evidence, incident->id);
    size_t i, len = 0;
    int n;

    rules[0] = '\0';
    for (i = 0; i < evidence.nrules; i++) {
        n = snprintf(rules + len, RULES_SIZE - len, "%s%s", i == 0 ? "" : ",",
                     evidence.rule[i].rule);
        len += n > 0 ? (size_t)n : 0;
    }
    return rc;
}

/* Fraud is confirmed, and nothing is held for it, now or later. */
static db_rc close_case(billing_t *billing, review_t *review,
                        incident_t *incident, const char *rules) {
    db_rc rc = note(billing->db, review, rules);

    if (rc == DB_OK) {
        rc = set_fraud(billing->db, incident, "confirmed");
    }
    if (rc == DB_OK) {
        rc = incident_move(billing->db, incident, "closed", review->now);
    }
    return rc == DB_OK
               ? settle_verdict(billing, incident, "confirmed", review->now)
               : rc;
}

static db_rc hold(billing_t *billing, review_t *review, incident_t *incident,
                  const char *decision, const char *rules) {
    char amount[AMOUNT_SIZE], until[AMOUNT_SIZE];
    ledger_rc ledger;
    db_rc rc = note(billing->db, review, rules);

    if (rc == DB_OK) {
        rc = set_fraud(billing->db, incident, "confirmed");
    }
    failpoint("confirm-noted");
    if (rc != DB_OK) {
        return rc;
    }
    ledger = settle_hold(billing, incident, review->now, decision,
                         review->amount, &rc);
    if (ledger != LEDGER_OK) {
        return ledger == LEDGER_DB
                   ? rc
                   : no(review, "a hold was refused for this case before");
    }
    failpoint("confirm-held");
    amount_print(amount, review->amount, incident->currency);
    amount_time(until, incident->post_at);
    said(review, "%s is held, and deducted after %s unless the person objects",
         amount, until);
    return settle_verdict(billing, incident, "confirmed", review->now);
}

static db_rc ask_second(billing_t *billing, review_t *review,
                        incident_t *incident, const char *rules) {
    db_rc rc = note(billing->db, review, rules);

    said(review, "a second person has to confirm it");
    return rc == DB_OK
               ? incident_move(billing->db, incident, "second", review->now)
               : rc;
}

/* A cap or a balance that has no room: that is final. */
static int is_exhausted(fraud_reason_t reason) {
    return reason == FRAUD_REASON_CAP_EVENT || reason == FRAUD_REASON_CAP_DAY ||
           reason == FRAUD_REASON_CAP_ACCOUNT || reason == FRAUD_REASON_BALANCE;
}

static db_rc confirm_amount(billing_t *billing, review_t *review,
                            incident_t *incident, const char *rules) {
    char decision_id[BILLING_ID_SIZE], most[AMOUNT_SIZE];
    fraud_decision_t decision;
    db_rc rc =
        incident_decide(billing, incident, review->now, decision_id, &decision);

    if (rc != DB_OK) {
        return rc;
    }
    if (is_exhausted(decision.reason)) {
        rc = settle_refuse(billing, incident, review->now, review->amount,
                           fraud_reason_name(decision.reason));
        said(review, "fraud is confirmed, nothing is deducted: %s",
             fraud_reason_words(decision.reason));
        return rc == DB_OK ? close_case(billing, review, incident, rules) : rc;
    }
    if (decision.verdict != FRAUD_REVIEW) {
        return no(review, "%s", fraud_reason_words(decision.reason));
    }
    if ((uint64_t)review->amount > decision.max_amount) {
        amount_print(most, (int64_t)decision.max_amount, incident->currency);
        return no(review, "at most %s may be deducted (--amount %llu)", most,
                  (unsigned long long)decision.max_amount);
    }
    return hold(billing, review, incident, decision_id, rules);
}

static db_rc confirm(billing_t *billing, review_t *review,
                     incident_t *incident) {
    char rules[RULES_SIZE], first[BILLING_NAME_SIZE], most[AMOUNT_SIZE];
    int64_t amount = 0;
    int second = 0;
    db_rc rc = rules_of(billing->db, incident, rules);

    if (rc == DB_OK && review->action == ACTION_SECOND) {
        rc = gate_first(billing->db, incident, first, &amount);
        if (rc == DB_OK && review->amount > amount) {
            amount_print(most, amount, incident->currency);
            return no(review, "%s confirmed %s, and no more", first, most);
        }
    } else if (rc == DB_OK) {
        rc = gate_second(billing, review->who, review->amount, review->now,
                         &second);
    }
    if (rc != DB_OK) {
        return rc;
    }

    /* what is asked for is decided on before a second person is troubled */
    (void)snprintf(incident->fraud, sizeof(incident->fraud), "confirmed");
    if (second) {
        weighed_t weighed;

        rc = incident_weigh(billing, incident, review->now, &weighed);
        if (rc != DB_OK) {
            return rc;
        }
        if ((uint64_t)review->amount <= weighed.decision.max_amount) {
            return ask_second(billing, review, incident, rules);
        }
    }
    if (review->amount == 0) {
        said(review, "fraud is confirmed, nothing is deducted");
        return close_case(billing, review, incident, rules);
    }
    return confirm_amount(billing, review, incident, rules);
}

static db_rc refute(billing_t *billing, review_t *review,
                    incident_t *incident) {
    char decision_id[BILLING_ID_SIZE];
    int held = incident_is_held(incident);
    db_rc rc = note(billing->db, review, NULL);

    if (rc == DB_OK) {
        rc = set_fraud(billing->db, incident, "refuted");
    }
    if (rc == DB_OK) {
        rc = incident_decide(billing, incident, review->now, decision_id, NULL);
    }
    failpoint("refute-noted");
    if (rc != DB_OK) {
        return rc;
    }
    if (held) {
        said(review, "it was no fraud: what was held is given back");
        rc = settle_back(billing, incident, review->now, "void", decision_id);
    } else if (incident_is_open(incident)) {
        said(review, "it was no fraud: the case is closed");
        rc = incident_move(billing->db, incident, "refuted", review->now);
    } else {
        said(review,
             "it was no fraud: a reversal is proposed (fraudctl case "
             "reverse %s --reason refuted --amount N)",
             incident->id);
    }
    return rc == DB_OK
               ? settle_verdict(billing, incident, "refuted", review->now)
               : rc;
}

static db_rc assess(billing_t *billing, review_t *review,
                    incident_t *incident) {
    char decision_id[BILLING_ID_SIZE], amount[AMOUNT_SIZE];
    int none = strcmp(review->damage, "none") == 0 ||
               strcmp(review->damage, "disproven") == 0;
    const char *currency = incident->currency;
    db_rc rc;

    if (none != (review->amount == 0)) {
        return no(review,
                  none ? "damage that is \"%s\" has --amount 0"
                       : "damage that is \"%s\" has an amount above 0",
                  review->damage);
    }
    if (review->currency != NULL) {
        if (currency[0] != '\0' && strcmp(currency, review->currency) != 0) {
            return no(review, "the case is in %s", currency);
        }
        currency = review->currency;
    }
    if (currency[0] == '\0' && !none) {
        return no(review, "no flag named a currency: --currency has to");
    }
    rc = db_run(billing->db,
                "UPDATE incident SET damage = $2, amount = $3, currency = $4,"
                " changed = $5 WHERE id = $1",
                DB_ARGS(DB_T(incident->id), DB_T(review->damage),
                        DB_I(review->amount), DB_T(currency),
                        DB_I(review->now)));
    if (rc == DB_OK) {
        rc = incident_read(billing->db, incident, review->incident);
    }
    if (rc == DB_OK) {
        rc = note(billing->db, review, review->damage);
    }
    amount_print(amount, review->amount, currency);
    said(review, "the damage is %s: %s", review->damage, amount);
    return rc == DB_OK ? incident_decide(billing, incident, review->now,
                                         decision_id, NULL)
                       : rc;
}

static db_rc reverse(billing_t *billing, review_t *review,
                     incident_t *incident) {
    const char *appeal =
        review->reference != NULL ? review->reference : REFUTED;
    char amount[AMOUNT_SIZE];
    int64_t left = 0;
    db_rc rc = note(billing->db, review, appeal);

    if (rc == DB_OK) {
        rc = settle_left(billing->db, incident, &left);
    }
    if (rc != DB_OK) {
        return rc;
    }
    amount_print(amount, review->amount, incident->currency);
    said(review, "%s is given back", amount);
    switch (settle_reverse(billing, incident, review->now, appeal,
                           review->amount, &rc)) {
    case LEDGER_OK:
        return DB_OK;
    case LEDGER_REFUSED:
        amount_print(amount, left, incident->currency);
        return no(review, "at most %s is left to give back", amount);
    case LEDGER_EXISTS:
    case LEDGER_DIFFERS:
        return no(review, "there was a reversal for this already");
    case LEDGER_DB:
        break;
    }
    return rc;
}

static db_rc restrict_it(billing_t *billing, const review_t *review,
                         const incident_t *incident) {
    db_rc rc = note(billing->db, review, NULL);

    return rc == DB_OK
               ? db_run(billing->db,
                        "UPDATE incident SET restricted = $2, changed = $2 "
                        "WHERE id = $1",
                        DB_ARGS(DB_T(incident->id), DB_I(review->now)))
               : rc;
}

/* The time while nothing might be decided is nobody's loss. */
static db_rc lift(billing_t *billing, const review_t *review,
                  const incident_t *incident) {
    int64_t stood = review->now - incident->restricted;
    db_rc rc = note(billing->db, review, NULL);

    stood = stood > 0 ? stood : 0;
    return rc == DB_OK ? db_run(billing->db,
                                "UPDATE incident SET restricted = NULL,"
                                " post_at = post_at + $2,"
                                " expires_at = expires_at + $2, changed = $3 "
                                "WHERE id = $1",
                                DB_ARGS(DB_T(incident->id), DB_I(stood),
                                        DB_I(review->now)))
                       : rc;
}

static db_rc carry_out(billing_t *billing, review_t *review,
                       incident_t *incident) {
    const char *state = NULL;
    db_rc rc;

    switch (review->action) {
    case ACTION_CONFIRM:
    case ACTION_SECOND:
        return confirm(billing, review, incident);
    case ACTION_REFUTE:
        return refute(billing, review, incident);
    case ACTION_ASSESS:
        return assess(billing, review, incident);
    case ACTION_REVERSE:
        return reverse(billing, review, incident);
    case ACTION_RESTRICT:
        return restrict_it(billing, review, incident);
    case ACTION_LIFT:
        return lift(billing, review, incident);
    case ACTION_UPHOLD:
        state = "held";
        break;
    case ACTION_OBJECT:
        state = "objected";
        break;
    case ACTION_SHOW:
    case ACTION_APPEAL:
    case ACTION_REJECT:
    case ACTION_N:
        break;
    }
    rc = note(billing->db, review, review->reference);
    return rc == DB_OK && state != NULL
               ? incident_move(billing->db, incident, state, review->now)
               : rc;
}

/* A basis may not say everything: no rule, and no issuer, confirms. */
static int may_say(const review_t *review) {
    fraud_basis_t basis = review->reason->basis;

    switch (review->action) {
    case ACTION_CONFIRM:
    case ACTION_SECOND:
    case ACTION_UPHOLD:
        return fraud_decide_may_set(basis, FRAUD_STATE_CONFIRMED);
    case ACTION_REFUTE:
        return fraud_decide_may_set(basis, FRAUD_STATE_REFUTED);
    default:
        return 1;
    }
}

db_rc review_act(billing_t *billing, void *data) {
    review_t *review = data;
    incident_t incident;
    gate_t gate;
    db_rc rc;

    review->why[0] = '\0';
    (void)snprintf(review->said, sizeof(review->said), "done");
    rc = db_run(billing->db, "SELECT 1 FROM review WHERE id = $1",
                DB_ARGS(DB_T(review->id)));
    if (rc != DB_NONE) {
        return rc; /* it was done, and the answer did not come through */
    }
    rc = incident_lock(billing, &incident, review->incident, review->now);
    if (rc != DB_OK) {
        return rc == DB_NONE ? no(review, "there is no such case") : rc;
    }
    failpoint("review-locked");
    if (review->action == ACTION_CONFIRM &&
        strcmp(incident.state, "second") == 0) {
        review->action = ACTION_SECOND;
    }
    memset(&gate, 0, sizeof(gate));
    gate.action = review->action;
    gate.who = review->who;
    gate.reference = review->reference;
    gate.now = review->now;
    rc = gate_check(billing, &gate, &incident);
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_FAIL : rc;
    }
    if (gate.why[0] != '\0' || !may_say(review)) {
        return no(review, "%s", gate.why);
    }
    rc = carry_out(billing, review, &incident);
    failpoint("review-done");
    return rc == DB_NONE && review->why[0] == '\0' ? DB_FAIL : rc;
}
