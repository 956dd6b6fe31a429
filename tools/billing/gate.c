/* SPDX-License-Identifier: BSD-2-Clause */

#include "gate.h"

#include "clock.h"
#include "evidence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HOUR (3600ll * CLOCK_SECOND)

/* The decisions that judge a person, and those that go against him. */
#define JUDGES                                                                 \
    "action IN ('confirm', 'second', 'uphold', 'refute', 'assess', 'reject',"  \
    " 'reverse')"
#define DECIDES                                                                \
    "action IN ('confirm', 'second', 'uphold', 'refute', 'reject', 'reverse')"
#define AGAINST "action IN ('confirm', 'second', 'uphold', 'reject')"

/* In which states of the incident. */
static const char *const states[ACTION_N] = {
    [ACTION_SHOW] = ("watch case second held objected posted voided refuted "
                     "reversed closed"),
    [ACTION_CONFIRM] = "case",
    [ACTION_SECOND] = "second",
    [ACTION_UPHOLD] = "objected",
    [ACTION_REFUTE] = "case second held objected posted",
    [ACTION_ASSESS] = "case held objected",
    [ACTION_OBJECT] = "held",
    [ACTION_APPEAL] = "posted",
    [ACTION_REJECT] = "posted",
    [ACTION_REVERSE] = "posted",
    [ACTION_RESTRICT] = "watch case second held objected",
    [ACTION_LIFT] = "watch case second held objected",
};

#if defined(__GNUC__)
static db_rc no(gate_t *gate, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#endif

static db_rc no(gate_t *gate, const char *format, ...) {
    va_list args;

    va_start(args, format);
    (void)vsnprintf(gate->why, sizeof(gate->why), format, args);
    va_end(args);
    return DB_OK;
}

static int has_word(const char *words, const char *word) {
    size_t len = strlen(word), n;

    for (; *words != '\0'; words += n + (words[n] != '\0')) {
        n = strcspn(words, " ,");
        if (n == len && memcmp(words, word, n) == 0) {
            return 1;
        }
    }
    return 0;
}

static int wrote(const billing_t *billing, const char *who, const char *rule) {
    size_t i;

    for (i = 0; i < billing->conf.nauthors; i++) {
        if (strcmp(billing->conf.author[i].rule, rule) == 0 &&
            strcmp(billing->conf.author[i].author, who) == 0) {
            return 1;
        }
    }
    return 0;
}

static int wrote_any(const billing_t *billing, const char *who,
                     const evidence_t *evidence) {
    const evidence_rule_t *rule;
    size_t i, k;

    for (i = 0; i < evidence->nrules; i++) {
        rule = &evidence->rule[i];
        if (wrote(billing, who, rule->rule)) {
            return 1;
        }
        for (k = 0; k < rule->nsignals; k++) {
            if (wrote(billing, who, rule->signals[k])) {
                return 1;
            }
        }
    }
    return 0;
}

/* The rules that were confirmed are known when their evidence is gone. */
static db_rc wrote_confirmed(billing_t *billing, const gate_t *gate,
                             const incident_t *incident, int *author) {
    const billing_conf_t *conf = &billing->conf;
    size_t i;
    db_rc rc;

    rc = db_run(billing->db,
                "SELECT reference FROM review WHERE incident = $1"
                " AND action IN ('confirm', 'second')",
                DB_ARGS(DB_T(incident->id)));
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_OK : rc;
    }
    do {
        for (i = 0; i < conf->nauthors; i++) {
            *author |= strcmp(conf->author[i].author, gate->who) == 0 &&
                       has_word(db_text(billing->db, 0), conf->author[i].rule);
        }
    } while (db_next(billing->db));
    return DB_OK;
}

/* Whoever wrote a rule does not judge by it; without evidence nobody does. */
static db_rc check_evidence(billing_t *billing, gate_t *gate,
                            const incident_t *incident) {
    static evidence_t evidence;
    int author;
    db_rc rc = evidence_read(billing->db, &evidence, incident->id);

    if (rc != DB_OK) {
        return rc;
    }
    author = wrote(billing, gate->who, incident->family) ||
             wrote_any(billing, gate->who, &evidence);
    rc = wrote_confirmed(billing, gate, incident, &author);
    if (rc != DB_OK) {
        return rc;
    }
    if (author) {
        return no(gate, "%s wrote a rule of this case and does not judge by it",
                  gate->who);
    }
    if (evidence.kept == 0 &&
        (gate->action == ACTION_CONFIRM || gate->action == ACTION_SECOND ||
         gate->action == ACTION_UPHOLD)) {
        return no(gate, "the evidence is gone, its time was over");
    }
    return DB_OK;
}

/* The time of what is judged, the objection or the appeal; 0: neither. */
static db_rc find_asked(db_t *db, const gate_t *gate,
                        const incident_t *incident, int64_t *at) {
    db_rc rc;

    *at = 0;
    if (gate->action != ACTION_REJECT && gate->action != ACTION_REVERSE &&
        strcmp(incident->state, "objected") != 0) {
        return DB_OK;
    }
    rc = db_run(db,
                "SELECT CAST(COALESCE(MAX(at), 0) AS BIGINT) FROM review "
                "WHERE incident = $1 AND ((action = 'object' AND $2 = '') OR"
                " (action = 'appeal' AND reference = $2))",
                DB_ARGS(DB_T(incident->id),
                        DB_T(gate->reference != NULL ? gate->reference : "")));
    if (rc == DB_OK) {
        *at = db_int(db, 0);
    }
    return rc;
}

static db_rc check_opened(db_t *db, gate_t *gate, const incident_t *incident,
                          int64_t asked) {
    int64_t latest = gate->now - (int64_t)GATE_DWELL * CLOCK_SECOND;
    db_rc rc;

    rc = db_run(db,
                "SELECT 1 FROM review WHERE incident = $1 AND reviewer = $2"
                " AND action = 'show' AND at >= $3 AND at <= $4 LIMIT 1",
                DB_ARGS(DB_T(incident->id), DB_T(gate->who), DB_I(asked),
                        DB_I(latest)));
    if (rc == DB_NONE) {
        return no(gate,
                  "%s has to open the evidence first (fraudctl case show %s) "
                  "and take %d seconds for it",
                  gate->who, incident->id, GATE_DWELL);
    }
    return rc;
}

static db_rc check_new(db_t *db, gate_t *gate, const incident_t *incident) {
    db_rc rc;

    rc = db_run(db,
                "SELECT action FROM review WHERE incident = $1"
                " AND reviewer = $2 AND " JUDGES " LIMIT 1",
                DB_ARGS(DB_T(incident->id), DB_T(gate->who)));
    if (rc == DB_OK) {
        return no(gate,
                  "%s had a part in this case (%s): somebody new has to judge",
                  gate->who, db_text(db, 0));
    }
    return rc == DB_NONE ? DB_OK : rc;
}

/* One answer to each appeal. */
static db_rc check_reference(db_t *db, gate_t *gate,
                             const incident_t *incident) {
    int asked = 0, answered = 0;
    db_rc rc;

    if (gate->reference == NULL) {
        if (gate->action == ACTION_REVERSE &&
            strcmp(incident->fraud, "refuted") == 0) {
            return DB_OK;
        }
        return no(gate, "--reference has to say which appeal this is about");
    }
    rc = db_run(db,
                "SELECT CAST(SUM(CASE WHEN action = 'appeal' THEN 1 ELSE 0 END)"
                " AS BIGINT), CAST(SUM(CASE WHEN action = 'appeal' THEN 0 ELSE"
                " 1 END) AS BIGINT) FROM review WHERE incident = $1"
                " AND reference = $2"
                " AND action IN ('appeal', 'reject', 'reverse')",
                DB_ARGS(DB_T(incident->id), DB_T(gate->reference)));
    if (rc != DB_OK) {
        return rc;
    }
    asked = db_int(db, 0) != 0;
    answered = db_int(db, 1) != 0;
    if (gate->action == ACTION_APPEAL) {
        return asked
                   ? no(gate, "there is an appeal %s already", gate->reference)
                   : DB_OK;
    }
    if (!asked) {
        return no(gate, "there is no appeal %s", gate->reference);
    }
    return answered
               ? no(gate, "the appeal %s was answered already", gate->reference)
               : DB_OK;
}

static db_rc check_state(gate_t *gate, const incident_t *incident) {
    int64_t end = incident->post_at - (int64_t)INCIDENT_SLACK * CLOCK_SECOND;

    if (!has_word(states[gate->action], incident->state)) {
        return no(gate, "\"%s\" is not for a case that is \"%s\"",
                  reason_action(gate->action), incident->state);
    }
    if (gate->action == ACTION_REFUTE &&
        strcmp(incident->fraud, "refuted") == 0) {
        return no(gate, "it is refuted already");
    }
    if (gate->action == ACTION_UPHOLD && gate->now >= end) {
        return no(gate, "the hold is over, and nobody decided in time");
    }
    if (gate->action == ACTION_LIFT) {
        return incident->restricted == 0 ? no(gate, "it is not restricted")
                                         : DB_OK;
    }
    if (incident->restricted != 0 &&
        (gate->action == ACTION_CONFIRM || gate->action == ACTION_SECOND ||
         gate->action == ACTION_UPHOLD || gate->action == ACTION_RESTRICT)) {
        return no(gate, "%s", fraud_reason_words(FRAUD_REASON_RESTRICTED));
    }
    return DB_OK;
}

static db_rc check_second(db_t *db, gate_t *gate, const incident_t *incident) {
    char first[BILLING_NAME_SIZE];
    int64_t amount;
    db_rc rc = gate_first(db, incident, first, &amount);

    if (rc == DB_OK && strcmp(first, gate->who) == 0) {
        return no(gate, "%s confirmed it already: a second person has to",
                  gate->who);
    }
    return rc;
}

static int needs_new(const gate_t *gate, const incident_t *incident) {
    return gate->action == ACTION_UPHOLD || gate->action == ACTION_REJECT ||
           (gate->action == ACTION_REVERSE && gate->reference != NULL) ||
           (gate->action == ACTION_REFUTE &&
            strcmp(incident->state, "objected") == 0);
}

db_rc gate_check(billing_t *billing, gate_t *gate, const incident_t *incident) {
    db_t *db = billing->db;
    int64_t asked;
    db_rc rc;

    gate->why[0] = '\0';
    rc = check_state(gate, incident);
    if (rc == DB_OK && gate->why[0] == '\0' &&
        (gate->action == ACTION_APPEAL || gate->action == ACTION_REJECT ||
         gate->action == ACTION_REVERSE)) {
        rc = check_reference(db, gate, incident);
    }
    if (rc != DB_OK || gate->why[0] != '\0' || !reason_judges(gate->action)) {
        return rc;
    }
    rc = check_evidence(billing, gate, incident);
    if (rc == DB_OK && gate->why[0] == '\0') {
        rc = find_asked(db, gate, incident, &asked);
        if (rc == DB_OK) {
            rc = check_opened(db, gate, incident, asked);
        }
    }
    if (rc == DB_OK && gate->why[0] == '\0' && needs_new(gate, incident)) {
        rc = check_new(db, gate, incident);
    }
    if (rc == DB_OK && gate->why[0] == '\0' && gate->action == ACTION_SECOND) {
        rc = check_second(db, gate, incident);
    }
    return rc;
}

/* What one person decides is counted: nothing else of his may be under way. */
static db_rc one_at_a_time(db_t *db, const char *who) {
    char key[BILLING_NAME_SIZE + 16];

    (void)snprintf(key, sizeof(key), "reviewer.%s", who);
    return db_run(db,
                  "INSERT INTO meta (key, value) VALUES ($1, '') "
                  "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                  DB_ARGS(DB_T(key)));
}

db_rc gate_second(billing_t *billing, const char *who, int64_t amount,
                  int64_t now, int *needed) {
    int64_t recent, against;
    db_rc rc;

    *needed = (uint64_t)amount > billing->conf.second_person;
    rc = one_at_a_time(billing->db, who);
    if (rc != DB_OK) {
        return rc;
    }
    rc = db_run(billing->db,
                "SELECT COUNT(*) FROM review WHERE reviewer = $1"
                " AND at > $2 AND " DECIDES,
                DB_ARGS(DB_T(who), DB_I(now - HOUR)));
    if (rc != DB_OK) {
        return rc;
    }
    *needed |= db_int(billing->db, 0) >= GATE_HOUR;
    rc = db_run(billing->db,
                "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN " AGAINST
                " THEN 1 ELSE 0 END), 0) AS BIGINT) FROM (SELECT action"
                " FROM review WHERE reviewer = $1 AND " DECIDES
                " ORDER BY at DESC LIMIT $2) AS recent",
                DB_ARGS(DB_T(who), DB_I(GATE_RECENT)));
    if (rc != DB_OK) {
        return rc;
    }
    recent = db_int(billing->db, 0);
    against = db_int(billing->db, 1);
    *needed |= recent == GATE_RECENT && against * 100 > recent * GATE_APPROVE;
    return DB_OK;
}

db_rc gate_first(db_t *db, const incident_t *incident,
                 char who[BILLING_NAME_SIZE], int64_t *amount) {
    db_rc rc;

    rc = db_run(db,
                "SELECT reviewer, amount FROM review WHERE incident = $1"
                " AND action = 'confirm' ORDER BY at DESC LIMIT 1",
                DB_ARGS(DB_T(incident->id)));
    if (rc == DB_OK) {
        (void)snprintf(who, BILLING_NAME_SIZE, "%s", db_text(db, 0));
        *amount = db_int(db, 1);
    }
    return rc == DB_NONE ? DB_FAIL : rc;
}
