/* SPDX-License-Identifier: BSD-2-Clause */

#include "reason.h"

#include <string.h>

#define BIT(action) (1u << ACTION_##action)
#define AGAINST (BIT(CONFIRM) | BIT(SECOND) | BIT(UPHOLD))

static const char *const actions[ACTION_N] = {
    [ACTION_SHOW] = "show",         [ACTION_CONFIRM] = "confirm",
    [ACTION_SECOND] = "second",     [ACTION_UPHOLD] = "uphold",
    [ACTION_REFUTE] = "refute",     [ACTION_ASSESS] = "assess",
    [ACTION_OBJECT] = "object",     [ACTION_APPEAL] = "appeal",
    [ACTION_REJECT] = "reject",     [ACTION_REVERSE] = "reverse",
    [ACTION_RESTRICT] = "restrict", [ACTION_LIFT] = "lift",
};

static const reason_t reasons[] = {
    {"evidence", AGAINST, FRAUD_BASIS_REVIEWER, "the evidence shows fraud"},
    {"admission", AGAINST, FRAUD_BASIS_ADMISSION, "the person admitted it"},
    {"dispute_lost", AGAINST, FRAUD_BASIS_DISPUTE_LOST,
     "a dispute about it was lost"},
    {"court", AGAINST, FRAUD_BASIS_COURT, "a court said so"},
    {"false_alarm", BIT(REFUTE), FRAUD_BASIS_REVIEWER,
     "a rule fired on lawful use"},
    {"not_the_person", BIT(REFUTE), FRAUD_BASIS_REVIEWER,
     "somebody else used the account"},
    {"dispute_won", BIT(REFUTE), FRAUD_BASIS_DISPUTE_WON,
     "a dispute about it was won"},
    {"objection", BIT(REFUTE), FRAUD_BASIS_APPEAL,
     "the objection or appeal is right"},
    {"metered", BIT(ASSESS), FRAUD_BASIS_N, "the damage was metered"},
    {"invoice", BIT(ASSESS), FRAUD_BASIS_N, "an invoice says the damage"},
    {"reviewer", BIT(ASSESS), FRAUD_BASIS_N, "the reviewer estimates it"},
    {"person", BIT(OBJECT) | BIT(APPEAL), FRAUD_BASIS_N, "the person says so"},
    {"agent", BIT(OBJECT) | BIT(APPEAL), FRAUD_BASIS_N,
     "somebody says so for the person"},
    {"evidence_stands", BIT(REJECT), FRAUD_BASIS_N,
     "nothing speaks against the evidence"},
    {"appeal_right", BIT(REVERSE), FRAUD_BASIS_N, "the appeal is right"},
    {"goodwill", BIT(REVERSE), FRAUD_BASIS_N, "right or not, in goodwill"},
    {"refuted", BIT(REVERSE), FRAUD_BASIS_N, "it was no fraud after all"},
    {"accuracy", BIT(RESTRICT), FRAUD_BASIS_N,
     "the person says the data are wrong"},
    {"unlawful", BIT(RESTRICT), FRAUD_BASIS_N,
     "the person says it is unlawful"},
    {"claims", BIT(RESTRICT), FRAUD_BASIS_N,
     "the person needs the data for claims"},
    {"objected", BIT(RESTRICT), FRAUD_BASIS_N,
     "the person objected to the processing"},
    {"settled", BIT(LIFT), FRAUD_BASIS_N, "it was settled"},
    {"withdrawn", BIT(LIFT), FRAUD_BASIS_N, "the person withdrew it"},
};

#define NREASONS (sizeof(reasons) / sizeof(reasons[0]))

const char *reason_action(action_t action) {
    return actions[action];
}

int reason_judges(action_t action) {
    const unsigned judges =
        AGAINST | BIT(REFUTE) | BIT(ASSESS) | BIT(REJECT) | BIT(REVERSE);

    return (judges >> action & 1u) != 0;
}

const reason_t *reason_get(unsigned i) {
    return i < NREASONS ? &reasons[i] : NULL;
}

const reason_t *reason_find(action_t action, const char *code) {
    size_t i;

    for (i = 0; i < NREASONS; i++) {
        if ((reasons[i].actions >> action & 1u) != 0 &&
            strcmp(reasons[i].code, code) == 0) {
            return &reasons[i];
        }
    }
    return NULL;
}
