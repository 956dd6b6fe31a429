/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef HOLD_H
#define HOLD_H

/*
 * Exceptions from retention: a case has a copy of what it needs in a directory
 * of its own, for a ground that the policy knows, until it is released. The
 * original dies on time all the same.
 */

#include "fraud_policy.h"
#include "vault.h"

#define HOLD_REVIEW_DAYS 30u /* until somebody has to look at it again */

typedef struct {
    const char *name;   /* of the case */
    const char *ground; /* a word of the setting "hold" */
    const char *review; /* YYYY-MM-DD */
} hold_t;

/*
 * hold_open(vault, hold, policy, now):
 * Open the case, or set another date of review for one that is open. Return
 * the directory for its records. What the policy does not allow ends the
 * program.
 */
const char *hold_open(const vault_t *vault, const hold_t *hold,
                      const fraud_policy_t *policy, uint64_t now);

/*
 * hold_release(vault, name):
 * Destroy the records of the case.
 */
void hold_release(const vault_t *vault, const char *name);

/*
 * hold_overdue(vault, now):
 * Say which cases should have been looked at; return how many they are, or -1
 * if the date of one cannot be read.
 */
int hold_overdue(const vault_t *vault, uint64_t now);

/*
 * hold_cases(vault, n):
 * Return the directories of the ${*n} cases that are open.
 */
const char **hold_cases(const vault_t *vault, size_t *n);

#endif /* HOLD_H */
