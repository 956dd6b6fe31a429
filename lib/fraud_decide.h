/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_DECIDE_H
#define FRAUD_DECIDE_H

/*
 * May money be deducted for what an incident says? A pure and total function
 * (POLICY §3.3, §3.4): it forbids, with the reason, or leaves it to a person,
 * with the most that person may decide on. There is no third answer.
 */

#include "fraud_setting.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_DECIDE_SIGNALS 2u /* independent ones, before a person looks */
#define FRAUD_DECIDE_EVENTS 20u /* observed, as well */

typedef enum {
    FRAUD_STATE_SUSPECTED = 0,
    FRAUD_STATE_CONFIRMED,
    FRAUD_STATE_REFUTED,
    FRAUD_STATE_N
} fraud_state_t;

/* NONE and DISPROVEN allow nothing, the others rise. */
typedef enum {
    FRAUD_HARM_NONE = 0,
    FRAUD_HARM_SUSPECTED,
    FRAUD_HARM_ASSESSED,
    FRAUD_HARM_PROVEN,
    FRAUD_HARM_DISPROVEN,
    FRAUD_HARM_N
} fraud_harm_t;

typedef enum {
    FRAUD_BY_ACCOUNT = 0,
    FRAUD_BY_DEVICE,
    FRAUD_BY_NETWORK,
    FRAUD_BY_N
} fraud_by_t;

/* Who says in which state fraud is. A rule can only suspect. */
typedef enum {
    FRAUD_BASIS_RULE = 0,
    FRAUD_BASIS_ISSUER, /* an early fraud warning */
    FRAUD_BASIS_REVIEWER,
    FRAUD_BASIS_ADMISSION,
    FRAUD_BASIS_DISPUTE_LOST,
    FRAUD_BASIS_DISPUTE_WON,
    FRAUD_BASIS_APPEAL,
    FRAUD_BASIS_COURT,
    FRAUD_BASIS_N
} fraud_basis_t;

typedef enum { FRAUD_FORBID = 0, FRAUD_REVIEW } fraud_verdict_t;

typedef enum {
    FRAUD_REASON_NONE = 0,    /* FRAUD_REVIEW only */
    FRAUD_REASON_POLICY,      /* the policy lets no money move */
    FRAUD_REASON_PURPOSE,     /* fraud and billing are not both purposes */
    FRAUD_REASON_ATTRIBUTION, /* not by the account itself */
    FRAUD_REASON_SUSPECTED,   /* fraud is not confirmed */
    FRAUD_REASON_REFUTED,
    FRAUD_REASON_DAMAGE,     /* none, disproven, or less than is asked for */
    FRAUD_REASON_METHOD,     /* nobody said how much the damage is */
    FRAUD_REASON_RESTRICTED, /* while the person's request is open */
    FRAUD_REASON_CAP_EVENT,
    FRAUD_REASON_CAP_DAY,
    FRAUD_REASON_CAP_ACCOUNT,
    FRAUD_REASON_BALANCE,
    FRAUD_REASON_N
} fraud_reason_t;

/* The incident. */
typedef struct {
    fraud_state_t fraud;
    fraud_harm_t harm;
    fraud_by_t by;
    int restricted;
    uint64_t amount; /* of the damage, minor units; 0: no method said any */
} fraud_incident_t;

/* What the ledger says, minor units, read in the transaction that decides. */
typedef struct {
    uint64_t used_incident; /* held or posted, and not given back */
    uint64_t used_day;      /* the same of the account, that day */
    uint64_t used_account;  /* the same of the account, ever */
    uint64_t balance;       /* the account's, without what is held */
} fraud_ledger_view_t;

typedef struct {
    fraud_verdict_t verdict;
    fraud_reason_t reason;
    uint64_t max_amount; /* FRAUD_REVIEW: at least 1; FRAUD_FORBID: 0 */
} fraud_decision_t;

/*
 * fraud_decide_meet(meet, then, now):
 * Set what ${meet} says of purposes, automation, deductions, caps, windows and
 * what an erasure does to open holds to the stricter of ${then}, at the time of
 * the conduct, and ${now}, and all else to ${now}. Longer windows are the
 * stricter ones. ${meet} may be one of the two.
 */
void fraud_decide_meet(fraud_settings_t *meet, const fraud_settings_t *then,
                       const fraud_settings_t *now);

/*
 * fraud_decide(decision, settings, incident, ledger):
 * Decide. Values outside of the enumerations are forbidden, too.
 */
void fraud_decide(fraud_decision_t *decision, const fraud_settings_t *settings,
                  const fraud_incident_t *incident,
                  const fraud_ledger_view_t *ledger);

/*
 * fraud_decide_reviewable(signals, observed, by):
 * Return 1 if there is enough for a person to look at it.
 */
int fraud_decide_reviewable(uint64_t signals, uint64_t observed, fraud_by_t by);

/*
 * fraud_decide_may_set(basis, state):
 * Return 1 if ${basis} may put fraud in ${state}.
 */
int fraud_decide_may_set(fraud_basis_t basis, fraud_state_t state);

/*
 * fraud_reason_name(reason), fraud_reason_words(reason):
 * Return the word for ${reason}, and a sentence for people.
 */
const char *fraud_reason_name(fraud_reason_t reason);
const char *fraud_reason_words(fraud_reason_t reason);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_DECIDE_H */
