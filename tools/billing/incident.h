/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef INCIDENT_H
#define INCIDENT_H

/*
 * An incident's life. watch: not enough to look at; case: a person should; held
 * after a person confirmed it (second: another one has to, as well); posted
 * when 14 days went by without an objection; objected: a new person upholds or
 * refutes; voided, refuted and reversed are ends, closed a case without a hold.
 */

#include "billing.h"
#include "fraud_decide.h"

/*
 * Added to every hold: clocks that are ten minutes wrong, either way, when it
 * begins and when it ends still post nothing early.
 */
#define INCIDENT_SLACK 1200 /* seconds */

typedef struct {
    char id[BILLING_ID_SIZE];
    char policy[BILLING_NAME_SIZE];
    uint32_t policy_version;
    char account[BILLING_ACCOUNT_SIZE];
    char family[BILLING_NAME_SIZE];
    int64_t day;
    char pid[32];
    int64_t epoch;
    int64_t events;
    int64_t observed;
    int64_t signals;
    int64_t first, last; /* us */
    char fraud[12];
    char damage[12];
    char kind[24];
    int64_t amount;
    char currency[4];
    char state[12];
    int64_t restricted; /* since; 0: not */
    char hold[BILLING_ID_SIZE];
    int64_t post_at, expires_at;
    int64_t changed, at;
} incident_t;

/*
 * incident_id(id, policy, account, family, day):
 * Write the id: the same for all that makes one incident.
 */
void incident_id(char id[BILLING_ID_SIZE], const char *policy,
                 const char *account, const char *family, int64_t day);

/*
 * incident_read(db, incident, id):
 * Read it. DB_NONE if there is none.
 */
db_rc incident_read(db_t *db, incident_t *incident, const char *id);

/*
 * incident_lock(billing, incident, id, now):
 * Hold the account of the incident ${id} for this transaction, and read the
 * incident as it is then. DB_NONE if there is none.
 */
db_rc incident_lock(billing_t *billing, incident_t *incident, const char *id,
                    int64_t now);

/* What a decision rests on. */
typedef struct {
    fraud_settings_t settings; /* the stricter of the policies then and now */
    uint32_t version_now;      /* 0: no policy is in force */
    fraud_ledger_view_t ledger;
    fraud_decision_t decision;
} weighed_t;

/*
 * incident_weigh(billing, incident, now, weighed):
 * Decide under the stricter of the policies then and now, as if the incident
 * had no open hold. Once fraud is confirmed the ledger matters, and the account
 * is locked for it. A policy that is not known forbids.
 */
db_rc incident_weigh(billing_t *billing, const incident_t *incident,
                     int64_t now, weighed_t *weighed);

/*
 * incident_decide(billing, incident, now, decision_id, decision):
 * Decide (incident_weigh()), and remember the decision if it is not the one
 * remembered last. ${decision} may be NULL.
 */
db_rc incident_decide(billing_t *billing, const incident_t *incident,
                      int64_t now, char decision_id[BILLING_ID_SIZE],
                      fraud_decision_t *decision);

/*
 * incident_counted(billing, id, now):
 * An event was just added to the incident: decide, and open a case, with its
 * message in the outbox, when there is enough for one.
 */
db_rc incident_counted(billing_t *billing, const char *id, int64_t now);

/*
 * incident_is_open(incident), incident_is_held(incident):
 * Return 1 while nobody decided for good; while money is held.
 */
int incident_is_open(const incident_t *incident);
int incident_is_held(const incident_t *incident);

/*
 * incident_move(db, incident, state, now):
 * Put it into ${state}, in the row too.
 */
db_rc incident_move(db_t *db, incident_t *incident, const char *state,
                    int64_t now);

/*
 * incident_tick(billing, now, done):
 * One transaction for one incident whose time has come: post, void what may
 * not be posted any more, let expire what nobody decided on or what is later
 * than the configured grace; or for one erasure that nothing stands in the way
 * of any more. ${*done} is 0 if there was none. One that cannot be carried out
 * is set aside (aside.h).
 */
db_rc incident_tick(billing_t *billing, int64_t now, int *done);

#endif /* INCIDENT_H */
