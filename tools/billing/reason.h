/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef REASON_H
#define REASON_H

/*
 * What a person does with a case, and the closed list of what he may give as
 * the reason. Nothing is free text.
 */

#include "fraud_decide.h"

typedef enum {
    ACTION_SHOW = 0,
    ACTION_CONFIRM,
    ACTION_SECOND, /* confirms what another one confirmed */
    ACTION_UPHOLD,
    ACTION_REFUTE,
    ACTION_ASSESS,
    ACTION_OBJECT,
    ACTION_APPEAL,
    ACTION_REJECT,
    ACTION_REVERSE,
    ACTION_RESTRICT,
    ACTION_LIFT,
    ACTION_N
} action_t;

typedef struct {
    const char *code;
    unsigned actions;    /* bits, 1 << action_t */
    fraud_basis_t basis; /* FRAUD_BASIS_N: says nothing about fraud */
    const char *words;
} reason_t;

/*
 * reason_action(action):
 * Return the word for it, as in the table of reviews.
 */
const char *reason_action(action_t action);

/*
 * reason_judges(action):
 * Return 1 if it decides about the person, by the evidence.
 */
int reason_judges(action_t action);

/*
 * reason_get(i), reason_find(action, code):
 * Return reason number ${i}, NULL past the last one; the one that is called
 * ${code} and may be given for ${action}, or NULL.
 */
const reason_t *reason_get(unsigned i);
const reason_t *reason_find(action_t action, const char *code);

#endif /* REASON_H */
