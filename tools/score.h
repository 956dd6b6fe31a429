/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SCORE_H
#define SCORE_H

/*
 * The score of one log entry, as the module would have given it: rules of the
 * request, decision, then rules of the response and what is learned.
 */

#include "fraud_pid.h"
#include "ruleset.h"
#include "state.h"

/* Who took part, under one identity. */
typedef struct {
    const identity_t *identity;
    int present;
    fraud_str_t bytes; /* canonical */
    fraud_ip_t ip;     /* where those of an address are */
    fraud_pid_t pid;
} actor_t;

typedef struct asked_s asked_t;

typedef struct {
    ruleset_t *rules;
    state_t *state;
    vars_t *vars;
    fraud_op_t together; /* of a claimed account and an address */
    asked_t *asked;

    const entry_t *entry; /* and all that follows is about it */
    const scope_t *scope;
    unsigned score;
    fraud_action_t action;
    int trusted;
    int refused;                      /* the answer is the module's own */
    uint8_t fired[RULESET_MAX_RULES]; /* points + 1, or 0 */
    actor_t actor[RULESET_MAX_IDENTITIES];
    char text[4];
} score_t;

/*
 * score_init(score, rules, state):
 * Prepare for the entries of a log under ${rules}, with an empty ${state}.
 */
void score_init(score_t *score, ruleset_t *rules, state_t *state);

/*
 * score_entry(score, entry):
 * Score ${entry} and keep what later ones need. Return 0 if "fraud" is off
 * where it belongs: then nothing of ${score} says anything.
 */
int score_entry(score_t *score, const entry_t *entry);

#endif /* SCORE_H */
