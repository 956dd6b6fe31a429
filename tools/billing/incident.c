/* SPDX-License-Identifier: BSD-2-Clause */

#include "incident.h"

#include "aside.h"
#include "clock.h"
#include "erase.h"
#include "ledger.h"
#include "outbox.h"
#include "say.h"
#include "settle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER 24

/* The decision that was remembered last; no id: none was. */
typedef struct {
    char id[BILLING_ID_SIZE];
    char reason[16];
    int64_t max_amount;
    int64_t version_then;
    int64_t version_now;
    int64_t at;
} standing_t;

static const char *const states[FRAUD_STATE_N] = {
    [FRAUD_STATE_SUSPECTED] = "suspected",
    [FRAUD_STATE_CONFIRMED] = "confirmed",
    [FRAUD_STATE_REFUTED] = "refuted",
};

static const char *const harms[FRAUD_HARM_N] = {
    [FRAUD_HARM_NONE] = "none",           [FRAUD_HARM_SUSPECTED] = "suspected",
    [FRAUD_HARM_ASSESSED] = "assessed",   [FRAUD_HARM_PROVEN] = "proven",
    [FRAUD_HARM_DISPROVEN] = "disproven",
};

/* The place of ${word} in ${words}, or ${n}. */
static size_t find(const char *const *words, size_t n, const char *word) {
    size_t i = 0;

    while (i < n && strcmp(words[i], word) != 0) {
        i++;
    }
    return i;
}

static void number(char text[NUMBER], int64_t value) {
    (void)snprintf(text, NUMBER, "%" PRId64, value);
}

#define TEXT(field, i)                                                         \
    (void)snprintf(field, sizeof(field), "%s", db_text(db, i))

void incident_id(char id[BILLING_ID_SIZE], const char *policy,
                 const char *account, const char *family, int64_t day) {
    char text[NUMBER];

    number(text, day);
    billing_id(id, "inc", policy, account, family, text, NULL);
}

static db_rc read_both(db_t *db, incident_t *incident, standing_t *standing,
                       const char *id) {
    db_rc rc;

    rc = db_run(
        db,
        "SELECT i.id, i.policy, i.policy_version, i.account, i.family, i.day,"
        " i.pid, i.epoch, i.events, i.observed, i.signals, i.first, i.last,"
        " i.fraud, i.damage, i.kind, i.amount, i.currency, i.state,"
        " i.restricted, i.hold, i.post_at, i.expires_at, i.changed, i.at,"
        " d.id, d.reason, d.max_amount, d.version_then, d.version_now, d.at "
        "FROM incident i LEFT JOIN decision d ON d.id = (SELECT l.id"
        " FROM decision l WHERE l.incident = i.id ORDER BY l.at DESC LIMIT 1) "
        "WHERE i.id = $1",
        DB_ARGS(DB_T(id)));
    if (rc != DB_OK) {
        return rc;
    }
    memset(incident, 0, sizeof(*incident));
    memset(standing, 0, sizeof(*standing));
    TEXT(incident->id, 0);
    TEXT(incident->policy, 1);
    incident->policy_version = (uint32_t)db_int(db, 2);
    TEXT(incident->account, 3);
    TEXT(incident->family, 4);
    incident->day = db_int(db, 5);
    TEXT(incident->pid, 6);
    incident->epoch = db_int(db, 7);
    incident->events = db_int(db, 8);
    incident->observed = db_int(db, 9);
    incident->signals = db_int(db, 10);
    incident->first = db_int(db, 11);
    incident->last = db_int(db, 12);
    TEXT(incident->fraud, 13);
    TEXT(incident->damage, 14);
    TEXT(incident->kind, 15);
    incident->amount = db_int(db, 16);
    TEXT(incident->currency, 17);
    TEXT(incident->state, 18);
    incident->restricted = db_int(db, 19);
    TEXT(incident->hold, 20);
    incident->post_at = db_int(db, 21);
    incident->expires_at = db_int(db, 22);
    incident->changed = db_int(db, 23);
    incident->at = db_int(db, 24);
    TEXT(standing->id, 25);
    TEXT(standing->reason, 26);
    standing->max_amount = db_int(db, 27);
    standing->version_then = db_int(db, 28);
    standing->version_now = db_int(db, 29);
    standing->at = db_int(db, 30);
    return DB_OK;
}

db_rc incident_read(db_t *db, incident_t *incident, const char *id) {
    standing_t standing;

    return read_both(db, incident, &standing, id);
}

db_rc incident_lock(billing_t *billing, incident_t *incident, const char *id,
                    int64_t now) {
    fraud_ledger_view_t view;
    db_rc rc = incident_read(billing->db, incident, id);

    if (rc == DB_OK) {
        rc = ledger_lock(billing->db, incident->account, incident->currency,
                         now, &view, id, clock_day(now));
    }
    return rc == DB_OK ? incident_read(billing->db, incident, id) : rc;
}

int incident_is_open(const incident_t *incident) {
    return strcmp(incident->state, "watch") == 0 ||
           strcmp(incident->state, "case") == 0 ||
           strcmp(incident->state, "second") == 0;
}

int incident_is_held(const incident_t *incident) {
    return strcmp(incident->state, "held") == 0 ||
           strcmp(incident->state, "objected") == 0;
}

db_rc incident_move(db_t *db, incident_t *incident, const char *state,
                    int64_t now) {
    (void)snprintf(incident->state, sizeof(incident->state), "%s", state);
    return db_run(db,
                  "UPDATE incident SET state = $2, changed = $3 WHERE id = $1",
                  DB_ARGS(DB_T(incident->id), DB_T(state), DB_I(now)));
}

/* The ledger as it would be without the open hold of the incident. */
static db_rc look(billing_t *billing, const incident_t *incident, int64_t now,
                  fraud_ledger_view_t *view) {
    int64_t amount = 0, day = clock_day(now);
    db_rc rc;

    if (incident_is_held(incident)) {
        rc =
            db_run(billing->db, "SELECT amount, at FROM transfer WHERE id = $1",
                   DB_ARGS(DB_T(incident->hold)));
        if (rc != DB_OK) {
            return rc == DB_NONE ? DB_FAIL : rc;
        }
        amount = db_int(billing->db, 0);
        day = clock_day(db_int(billing->db, 1));
    }
    rc = ledger_lock(billing->db, incident->account, incident->currency, now,
                     view, incident->id, day);
    if (rc == DB_OK) {
        view->used_incident -= (uint64_t)amount;
        view->used_day -= (uint64_t)amount;
        view->used_account -= (uint64_t)amount;
        view->balance += (uint64_t)amount;
    }
    return rc;
}

static db_rc remember(db_t *db, const incident_t *incident,
                      const standing_t *last, standing_t *standing,
                      fraud_verdict_t verdict) {
    char max_amount[NUMBER], then[NUMBER], now[NUMBER];

    if (last->id[0] != '\0' && strcmp(last->reason, standing->reason) == 0 &&
        last->max_amount == standing->max_amount &&
        last->version_then == standing->version_then &&
        last->version_now == standing->version_now) {
        memcpy(standing->id, last->id, sizeof(standing->id));
        return DB_OK;
    }

    /* the last one is told by its time, whatever the clock did */
    if (standing->at <= last->at) {
        standing->at = last->at + 1;
    }
    number(max_amount, standing->max_amount);
    number(then, standing->version_then);
    number(now, standing->version_now);
    billing_id(standing->id, "dec", incident->id, last->id, standing->reason,
               max_amount, then, now, NULL);
    return db_run(
        db,
        "INSERT INTO decision (id, incident, verdict, reason, max_amount,"
        " policy, version_then, version_now, at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        DB_ARGS(DB_T(standing->id), DB_T(incident->id),
                DB_T(verdict == FRAUD_REVIEW ? "review" : "forbid"),
                DB_T(standing->reason), DB_I(standing->max_amount),
                DB_T(incident->policy), DB_I(standing->version_then),
                DB_I(standing->version_now), DB_I(standing->at)));
}

db_rc incident_weigh(billing_t *billing, const incident_t *incident,
                     int64_t now, weighed_t *weighed) {
    const fraud_policy_t *policy =
        billing_policy_now(billing, incident->policy, now);
    fraud_incident_t known = {0};
    db_rc rc;

    memset(weighed, 0, sizeof(*weighed));
    weighed->version_now = policy != NULL ? policy->version : 0;
    if (!billing_settings(billing, &weighed->settings, incident->policy,
                          incident->policy_version, now)) {
        memset(&weighed->settings, 0, sizeof(weighed->settings));
    }
    known.fraud = (fraud_state_t)find(states, FRAUD_STATE_N, incident->fraud);
    known.harm = (fraud_harm_t)find(harms, FRAUD_HARM_N, incident->damage);
    known.by = FRAUD_BY_ACCOUNT;
    known.restricted = incident->restricted != 0;
    known.amount = (uint64_t)incident->amount;
    if (known.fraud == FRAUD_STATE_CONFIRMED) {
        rc = look(billing, incident, now, &weighed->ledger);
        if (rc != DB_OK) {
            return rc;
        }
    }
    fraud_decide(&weighed->decision, &weighed->settings, &known,
                 &weighed->ledger);
    return DB_OK;
}

static db_rc decide(billing_t *billing, const incident_t *incident,
                    const standing_t *last, int64_t now,
                    char decision_id[BILLING_ID_SIZE],
                    fraud_decision_t *decision) {
    standing_t standing = {0};
    weighed_t weighed;
    db_rc rc = incident_weigh(billing, incident, now, &weighed);

    if (rc != DB_OK) {
        return rc;
    }
    *decision = weighed.decision;
    (void)snprintf(standing.reason, sizeof(standing.reason), "%s",
                   fraud_reason_name(decision->reason));
    standing.max_amount = (int64_t)decision->max_amount;
    standing.version_then = incident->policy_version;
    standing.version_now = weighed.version_now;
    standing.at = now;
    rc = remember(billing->db, incident, last, &standing, decision->verdict);
    memcpy(decision_id, standing.id, BILLING_ID_SIZE);
    return rc;
}

db_rc incident_decide(billing_t *billing, const incident_t *incident,
                      int64_t now, char decision_id[BILLING_ID_SIZE],
                      fraud_decision_t *decision) {
    fraud_decision_t unwanted;
    incident_t same;
    standing_t last;
    db_rc rc = read_both(billing->db, &same, &last, incident->id);

    return rc == DB_OK ? decide(billing, incident, &last, now, decision_id,
                                decision != NULL ? decision : &unwanted)
                       : rc;
}

static db_rc open_case(billing_t *billing, incident_t *incident, int64_t now) {
    char id[BILLING_ID_SIZE];
    db_rc rc = incident_move(billing->db, incident, "case", now);

    billing_id(id, "cas", incident->id, NULL);
    return rc == DB_OK ? outbox_add(billing, id, "fraud.case.opened",
                                    incident->id, NULL, now)
                       : rc;
}

db_rc incident_counted(billing_t *billing, const char *id, int64_t now) {
    char decision_id[BILLING_ID_SIZE];
    fraud_decision_t decision;
    incident_t incident;
    standing_t last;
    db_rc rc = read_both(billing->db, &incident, &last, id);

    if (rc == DB_OK) {
        rc = decide(billing, &incident, &last, now, decision_id, &decision);
    }
    if (rc != DB_OK || strcmp(incident.state, "watch") != 0 ||
        decision.reason != FRAUD_REASON_SUSPECTED ||
        !fraud_decide_reviewable((uint64_t)incident.signals,
                                 (uint64_t)incident.observed,
                                 FRAUD_BY_ACCOUNT)) {
        return rc;
    }
    return open_case(billing, &incident, now);
}

static db_rc post_or_void(billing_t *billing, incident_t *incident,
                          int64_t now) {
    char decision_id[BILLING_ID_SIZE];
    fraud_decision_t decision;
    int due;
    db_rc rc = settle_due(billing, incident, now, &due);

    if (rc != DB_OK || !due) {
        return rc;
    }
    rc = incident_decide(billing, incident, now, decision_id, &decision);
    if (rc != DB_OK) {
        return rc;
    }
    failpoint("tick-decided");
    return decision.verdict == FRAUD_REVIEW
               ? settle_post(billing, incident, now, decision_id,
                             (int64_t)decision.max_amount)
               : settle_back(billing, incident, now, "void", decision_id);
}

typedef struct {
    int64_t now;
    int done;
    char id[BILLING_ID_SIZE]; /* or the account that is erased */
    char state[12];           /* that it is in now */
} tick_t;

static db_rc settle(billing_t *billing, tick_t *tick) {
    incident_t incident;
    db_rc rc = incident_lock(billing, &incident, tick->id, tick->now);

    if (rc != DB_OK || !incident_is_held(&incident) ||
        incident.restricted != 0 || incident.post_at > tick->now) {
        return rc; /* somebody was there in the meantime */
    }
    failpoint("tick-locked");
    rc = strcmp(incident.state, "objected") == 0 ||
                 tick->now > incident.expires_at
             ? settle_back(billing, &incident, tick->now, "expire", NULL)
             : post_or_void(billing, &incident, tick->now);
    failpoint("tick-settled");
    (void)snprintf(tick->state, sizeof(tick->state), "%s", incident.state);
    return rc;
}

static db_rc erase(billing_t *billing, tick_t *tick) {
    char account[BILLING_ACCOUNT_SIZE] = "";
    db_rc rc = erase_finish(billing, tick->now, account, &tick->done);

    memcpy(tick->id, account, sizeof(account));
    return rc;
}

static db_rc tick(billing_t *billing, void *data) {
    db_t *db = billing->db;
    tick_t *tick = data;
    db_rc rc;

    tick->done = 0;
    tick->id[0] = tick->state[0] = '\0';
    rc = db_run(db,
                "SELECT id FROM incident i WHERE state IN ('held', 'objected')"
                " AND restricted IS NULL AND post_at <= $1 AND NOT EXISTS"
                " (SELECT 1 FROM aside a WHERE a.id = i.id"
                " AND a.next_at > $1) ORDER BY post_at, id LIMIT 1",
                DB_ARGS(DB_I(tick->now)));
    if (rc == DB_OK) {
        TEXT(tick->id, 0);
        tick->done = 1;
        rc = settle(billing, tick);
    } else if (rc == DB_NONE) {
        rc = erase(billing, tick);
    }
    return rc == DB_OK && tick->done ? aside_clear(db, tick->id) : rc;
}

db_rc incident_tick(billing_t *billing, int64_t now, int *done) {
    tick_t data = {now, 0, "", ""};
    db_rc rc = billing_again(billing, tick, &data);

    *done = data.done;
    if (aside_is_final(rc) && data.id[0] != '\0') {
        return aside_put(billing, data.id, now);
    }
    if (rc == DB_OK && data.state[0] != '\0') {
        say(SAY_INFO,
            strcmp(data.state, "held") == 0 ? "hold put off" : "hold ended",
            SAY(SAY_T("incident", data.id), SAY_T("state", data.state)));
    }
    return rc;
}
