/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_decide.h"

/* What each basis may say: bits of fraud_state_t. */
#define SUSPECT (1u << FRAUD_STATE_SUSPECTED)
#define CONFIRM (1u << FRAUD_STATE_CONFIRMED)
#define REFUTE (1u << FRAUD_STATE_REFUTED)

static const unsigned may[FRAUD_BASIS_N] = {
    [FRAUD_BASIS_RULE] = SUSPECT,
    [FRAUD_BASIS_ISSUER] = SUSPECT,
    [FRAUD_BASIS_REVIEWER] = CONFIRM | REFUTE,
    [FRAUD_BASIS_ADMISSION] = CONFIRM,
    [FRAUD_BASIS_DISPUTE_LOST] = CONFIRM,
    [FRAUD_BASIS_DISPUTE_WON] = REFUTE,
    [FRAUD_BASIS_APPEAL] = REFUTE,
    [FRAUD_BASIS_COURT] = CONFIRM,
};

static const struct {
    const char *name;
    const char *words;
} reasons[FRAUD_REASON_N] = {
    [FRAUD_REASON_NONE] = {"none", "A person may decide."},
    [FRAUD_REASON_POLICY] = {"policy", "The privacy policy lets no money be "
                                       "deducted."},
    [FRAUD_REASON_PURPOSE] = {"purpose", "Fraud and billing are not both "
                                         "purposes of the privacy policy."},
    [FRAUD_REASON_ATTRIBUTION] = {"attribution",
                                  "It is not known that the account itself "
                                  "did it."},
    [FRAUD_REASON_SUSPECTED] = {"suspected", "Fraud is only suspected: a "
                                             "person has to confirm it first."},
    [FRAUD_REASON_REFUTED] = {"refuted", "It was no fraud."},
    [FRAUD_REASON_DAMAGE] = {"damage", "There is no damage, or less than the "
                                       "policy asks for, or it is deducted "
                                       "already."},
    [FRAUD_REASON_METHOD] = {"method", "Nobody has said how much the damage "
                                       "is, and how that is known."},
    [FRAUD_REASON_RESTRICTED] = {"restricted", "Processing is restricted while "
                                               "a request of the person is "
                                               "open."},
    [FRAUD_REASON_CAP_EVENT] = {"cap_event", "What may be deducted for one "
                                             "incident is used up."},
    [FRAUD_REASON_CAP_DAY] = {"cap_day", "What may be deducted from this "
                                         "account in one day is used up."},
    [FRAUD_REASON_CAP_ACCOUNT] = {"cap_account", "Nothing may be deducted from "
                                                 "a balance."},
    [FRAUD_REASON_BALANCE] = {"balance", "There is nothing on the balance that "
                                         "could be deducted."},
};

static uint32_t lower(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Of choices, whose strictest is 0, as well as for what is none of them. */
static uint32_t stricter(uint32_t a, uint32_t b, uint32_t last) {
    return a > last || b > last ? 0 : lower(a, b);
}

static uint32_t higher(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

void fraud_decide_meet(fraud_settings_t *meet, const fraud_settings_t *then,
                       const fraud_settings_t *now) {
    fraud_settings_t both = *now;

    both.purpose = then->purpose & now->purpose;
    both.automation =
        stricter(then->automation, now->automation, FRAUD_AUTOMATION_ASSIST);
    both.deduct = stricter(then->deduct, now->deduct, FRAUD_DEDUCT_SUSPECTED);
    both.cap_event = lower(then->cap_event, now->cap_event);
    both.cap_day = lower(then->cap_day, now->cap_day);
    both.cap_account =
        stricter(then->cap_account, now->cap_account, FRAUD_CAP_BALANCE);
    both.window_hold = higher(then->window_hold, now->window_hold);
    both.window_appeal = higher(then->window_appeal, now->window_appeal);
    both.inflight =
        stricter(then->inflight, now->inflight, FRAUD_INFLIGHT_FINISH);
    *meet = both;
}

/* Does the policy let money move at all? */
static fraud_reason_t decide_policy(const fraud_settings_t *settings) {
    const uint32_t need = FRAUD_SETTING_BIT(FRAUD_PURPOSE_FRAUD) |
                          FRAUD_SETTING_BIT(FRAUD_PURPOSE_BILLING);

    if (settings->deduct == FRAUD_DEDUCT_FORBID ||
        settings->deduct > FRAUD_DEDUCT_SUSPECTED ||
        settings->automation != FRAUD_AUTOMATION_ASSIST) {
        return FRAUD_REASON_POLICY;
    }
    return (settings->purpose & need) == need ? FRAUD_REASON_NONE
                                              : FRAUD_REASON_PURPOSE;
}

/* Is the damage as bad as the policy asks for? */
static int is_damage(uint32_t deduct, fraud_harm_t harm) {
    switch (harm) {
    case FRAUD_HARM_PROVEN:
        return 1;
    case FRAUD_HARM_ASSESSED:
        return deduct >= FRAUD_DEDUCT_ASSESSED;
    case FRAUD_HARM_SUSPECTED:
        return deduct >= FRAUD_DEDUCT_SUSPECTED;
    case FRAUD_HARM_NONE:
    case FRAUD_HARM_DISPROVEN:
    case FRAUD_HARM_N:
        break;
    }
    return 0;
}

static fraud_reason_t decide_incident(const fraud_settings_t *settings,
                                      const fraud_incident_t *incident) {
    if (incident->fraud == FRAUD_STATE_REFUTED) {
        return FRAUD_REASON_REFUTED;
    }
    if (incident->by != FRAUD_BY_ACCOUNT) {
        return FRAUD_REASON_ATTRIBUTION;
    }
    if (incident->fraud != FRAUD_STATE_CONFIRMED) {
        return FRAUD_REASON_SUSPECTED;
    }
    if (!is_damage(settings->deduct, incident->harm)) {
        return FRAUD_REASON_DAMAGE;
    }
    if (incident->amount == 0) {
        return FRAUD_REASON_METHOD;
    }
    return incident->restricted ? FRAUD_REASON_RESTRICTED : FRAUD_REASON_NONE;
}

/* Lower the maximum to ${cap} without ${used}; who gets it to 0 says why. */
static void lower_to(fraud_decision_t *decision, uint64_t cap, uint64_t used,
                     fraud_reason_t reason) {
    uint64_t left = cap > used ? cap - used : 0;

    if (left < decision->max_amount) {
        decision->max_amount = left;
        decision->reason = left == 0 ? reason : FRAUD_REASON_NONE;
    }
}

void fraud_decide(fraud_decision_t *decision, const fraud_settings_t *settings,
                  const fraud_incident_t *incident,
                  const fraud_ledger_view_t *ledger) {
    decision->verdict = FRAUD_FORBID;
    decision->max_amount = 0;
    decision->reason = decide_policy(settings);
    if (decision->reason == FRAUD_REASON_NONE) {
        decision->reason = decide_incident(settings, incident);
    }
    if (decision->reason != FRAUD_REASON_NONE) {
        return;
    }

    decision->max_amount = UINT64_MAX;
    lower_to(decision, incident->amount, ledger->used_incident,
             FRAUD_REASON_DAMAGE);
    lower_to(decision, settings->cap_event, ledger->used_incident,
             FRAUD_REASON_CAP_EVENT);
    lower_to(decision, settings->cap_day, ledger->used_day,
             FRAUD_REASON_CAP_DAY);
    if (settings->cap_account != FRAUD_CAP_BALANCE) {
        lower_to(decision, 0, 0, FRAUD_REASON_CAP_ACCOUNT);
    }
    lower_to(decision, ledger->balance, 0, FRAUD_REASON_BALANCE);
    if (decision->max_amount != 0) {
        decision->verdict = FRAUD_REVIEW;
    }
}

int fraud_decide_reviewable(uint64_t signals, uint64_t observed,
                            fraud_by_t by) {
    return by == FRAUD_BY_ACCOUNT && signals >= FRAUD_DECIDE_SIGNALS &&
           observed >= FRAUD_DECIDE_EVENTS;
}

int fraud_decide_may_set(fraud_basis_t basis, fraud_state_t state) {
    return (unsigned)basis < FRAUD_BASIS_N && (unsigned)state < FRAUD_STATE_N &&
           (may[basis] >> state & 1u) != 0;
}

const char *fraud_reason_name(fraud_reason_t reason) {
    return (unsigned)reason < FRAUD_REASON_N ? reasons[reason].name : "";
}

const char *fraud_reason_words(fraud_reason_t reason) {
    return (unsigned)reason < FRAUD_REASON_N ? reasons[reason].words : "";
}
