/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "show.h"

#include "amount.h"
#include "evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY 500 /* lines, the latest */

/* A page is made whole in memory: its transaction may have to be repeated. */
typedef struct {
    review_t *review;
    FILE *out;
    char *text;
    size_t len;
} page_t;

static db_rc record(db_t *db, const review_t *review) {
    return db_run(db,
                  "INSERT INTO review (id, incident, reviewer, action, reason,"
                  " at) VALUES ($1, $2, $3, 'show', 'opened', $4) "
                  "ON CONFLICT (id) DO NOTHING",
                  DB_ARGS(DB_T(review->id), DB_T(review->incident),
                          DB_T(review->who), DB_I(review->now)));
}

static void print_head(FILE *out, const incident_t *incident) {
    char first[AMOUNT_SIZE], last[AMOUNT_SIZE], time[AMOUNT_SIZE];

    amount_time(first, incident->first);
    amount_time(last, incident->last);
    (void)fprintf(out,
                  "Case %s\n"
                  "  state     %s, fraud is %s\n"
                  "  policy    %s, version %u at the time\n"
                  "  account   %s\n"
                  "  conduct   %s to %s\n",
                  incident->id, incident->state, incident->fraud,
                  incident->policy, incident->policy_version, incident->account,
                  first, last);
    if (incident->restricted != 0) {
        amount_time(time, incident->restricted);
        (void)fprintf(out, "  restricted since %s: all deadlines stand still\n",
                      time);
    }
    if (incident_is_held(incident)) {
        amount_time(time, incident->post_at);
        (void)fprintf(out, "  hold      until %s\n", time);
    }
}

static db_rc print_why(billing_t *billing, FILE *out,
                       const incident_t *incident) {
    static evidence_t evidence;
    const evidence_rule_t *rule;
    db_rc rc = evidence_read(billing->db, &evidence, incident->id);
    size_t i, k;

    (void)fprintf(
        out, "\nWhy: %" PRId64 " flags, of %" PRId64 " the evidence is there\n",
        evidence.flags, evidence.kept);
    for (i = 0; i < evidence.nrules; i++) {
        rule = &evidence.rule[i];
        (void)fprintf(out,
                      "  rule %s, version %" PRId64 "\n"
                      "    asks for %" PRId64 " events within %" PRId64
                      " s; observed: %" PRId64 ", in %" PRId64 " flags\n"
                      "    signals:",
                      rule->rule, rule->version, rule->threshold, rule->window,
                      rule->observed, rule->flags);
        for (k = 0; k < rule->nsignals; k++) {
            (void)fprintf(out, "%s %s", k == 0 ? "" : ",", rule->signals[k]);
        }
        (void)fputc('\n', out);
    }
    if (evidence.more) {
        (void)fprintf(out, "  and more rules\n");
    }
    return rc;
}

static void print_cap(FILE *out, const char *what, uint64_t cap, uint64_t used,
                      const char *currency) {
    char text[AMOUNT_SIZE], gone[AMOUNT_SIZE];

    amount_print(text, (int64_t)cap, currency);
    amount_print(gone, (int64_t)used, currency);
    (void)fprintf(out, "  %-20s%s, used %s\n", what, text, gone);
}

/* What could be deducted if a person confirmed it now. */
static db_rc print_money(billing_t *billing, FILE *out,
                         const incident_t *incident, int64_t now) {
    const char *currency = incident->currency;
    incident_t confirmed = *incident;
    char text[AMOUNT_SIZE];
    weighed_t weighed;
    db_rc rc;

    if (strcmp(incident->fraud, "suspected") == 0) {
        (void)snprintf(confirmed.fraud, sizeof(confirmed.fraud), "confirmed");
    }
    rc = incident_weigh(billing, &confirmed, now, &weighed);
    if (rc != DB_OK) {
        return rc;
    }
    amount_print(text, incident->amount, currency);
    (void)fprintf(out, "\nMoney\n  %-20s%s, %s (%s)\n", "damage", text,
                  incident->damage, incident->kind);
    if (strcmp(confirmed.fraud, "confirmed") == 0) {
        print_cap(out, "cap of an incident", weighed.settings.cap_event,
                  weighed.ledger.used_incident, currency);
        print_cap(out, "cap of a day", weighed.settings.cap_day,
                  weighed.ledger.used_day, currency);
        amount_print(text, (int64_t)weighed.ledger.balance, currency);
        (void)fprintf(out, "  %-20s%s\n", "balance", text);
    }
    if (weighed.decision.verdict == FRAUD_REVIEW) {
        amount_print(text, (int64_t)weighed.decision.max_amount, currency);
        (void)fprintf(out, "  %-20s%s (--amount %" PRIu64 ")\n",
                      "at most deducted", text, weighed.decision.max_amount);
    } else {
        (void)fprintf(out, "  %-20snothing: %s\n", "at most deducted",
                      fraud_reason_words(weighed.decision.reason));
    }
    return DB_OK;
}

static void print_codes(FILE *out, action_t action) {
    const reason_t *reason;
    unsigned i;

    for (i = 0; (reason = reason_get(i)) != NULL; i++) {
        if (reason_find(action, reason->code) == reason) {
            (void)fprintf(out, "              --reason %-16s%s\n", reason->code,
                          reason->words);
        }
    }
}

/*
 * As if the evidence had been open long enough, which is what this is for. An
 * appeal that is asked for has a reference of its own.
 */
static db_rc print_gates(billing_t *billing, FILE *out,
                         const incident_t *incident, const review_t *review) {
    gate_t gate;
    int i;
    db_rc rc;

    (void)fprintf(out, "\nWhat %s may do\n", review->who);
    for (i = ACTION_CONFIRM; i < ACTION_N; i++) {
        memset(&gate, 0, sizeof(gate));
        gate.action = (action_t)i;
        gate.who = review->who;
        gate.reference = review->reference;
        gate.now = review->now + (int64_t)GATE_DWELL * 1000000;
        if (gate.action == ACTION_APPEAL) {
            gate.reference = "";
        }
        rc = gate_check(billing, &gate, incident);
        if (rc != DB_OK) {
            return rc;
        }
        (void)fprintf(out, "  %-10s%s%s\n", reason_action(gate.action),
                      gate.why[0] == '\0' ? "yes" : "no: ", gate.why);
        if (gate.why[0] == '\0') {
            print_codes(out, gate.action);
        }
    }
    return DB_OK;
}

static db_rc print_history(billing_t *billing, FILE *out,
                           const incident_t *incident) {
    char amount[AMOUNT_SIZE], time[AMOUNT_SIZE];
    db_t *db = billing->db;
    db_rc rc;

    (void)fprintf(out, "\nHistory\n");
    rc = db_run(
        db,
        "SELECT at, what, who, reason, amount, reference FROM (SELECT at,"
        " 0 AS place, action AS what, reviewer AS who, reason, amount,"
        " reference FROM review WHERE incident = $1 UNION ALL SELECT at, 2,"
        " kind, '', '', amount, id FROM transfer WHERE incident = $1 UNION ALL"
        " SELECT at, 1, verdict, '', reason, max_amount, id FROM decision"
        " WHERE incident = $1) AS happened ORDER BY at, place LIMIT $2",
        DB_ARGS(DB_T(incident->id), DB_I(HISTORY)));
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_OK : rc;
    }
    do {
        amount_time(time, db_int(db, 0));
        amount[0] = '\0';
        if (db_int(db, 4) != 0) {
            amount_print(amount, db_int(db, 4), incident->currency);
        }
        (void)fprintf(out, "  %s  %-9s", time, db_text(db, 1));
        (void)fprintf(out, " %-12s %-16s", db_text(db, 2), db_text(db, 3));
        (void)fprintf(out, " %-14s %s\n", amount, db_text(db, 5));
    } while (db_next(db));
    return DB_OK;
}

static db_rc print_notice(billing_t *billing, FILE *out,
                          const incident_t *incident) {
    db_t *db = billing->db;
    db_rc rc;

    rc = db_run(db,
                "SELECT kind, text FROM notice WHERE incident = $1 "
                "ORDER BY at DESC, id LIMIT 1",
                DB_ARGS(DB_T(incident->id)));
    if (rc == DB_OK) {
        (void)fprintf(out, "\nThe latest notice to the person (%s)\n\n%s",
                      db_text(db, 0), db_text(db, 1));
    }
    return rc == DB_NONE ? DB_OK : rc;
}

static db_rc make_page(billing_t *billing, void *data) {
    page_t *page = data;
    review_t *review = page->review;
    incident_t incident;
    db_rc rc = incident_lock(billing, &incident, review->incident, review->now);

    if (rc != DB_OK) {
        (void)snprintf(review->why, sizeof(review->why),
                       "there is no such case");
        return rc;
    }
    rewind(page->out);
    rc = record(billing->db, review);
    rc = rc == DB_NONE ? DB_OK : rc;
    print_head(page->out, &incident);
    if (rc == DB_OK) {
        rc = print_why(billing, page->out, &incident);
    }
    if (rc == DB_OK) {
        rc = print_money(billing, page->out, &incident, review->now);
    }
    if (rc == DB_OK) {
        rc = print_gates(billing, page->out, &incident, review);
    }
    if (rc == DB_OK) {
        rc = print_history(billing, page->out, &incident);
    }
    if (rc == DB_OK) {
        rc = print_notice(billing, page->out, &incident);
    }
    return rc == DB_NONE ? DB_FAIL : rc;
}

db_rc show_case(billing_t *billing, review_t *review) {
    page_t page = {review, NULL, NULL, 0};
    db_rc rc;

    page.out = open_memstream(&page.text, &page.len);
    if (page.out == NULL) {
        return DB_FAIL;
    }
    rc = billing_again(billing, make_page, &page);
    (void)fclose(page.out);
    if (rc == DB_OK) {
        (void)fwrite(page.text, 1, page.len, stdout);
    }
    free(page.text);
    return rc;
}
