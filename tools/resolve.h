/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef RESOLVE_H
#define RESOLVE_H

/*
 * What is in force in a block: what is inherited, replaced, switched off and
 * added by what the block itself declares.
 */

#include "ruleset.h"

/* Declared in one block. */
typedef struct {
    identity_t **identities;
    size_t nidentities;
    rule_t **rules;
    size_t nrules;
    fraud_threshold_t *actions;
    size_t nactions;
} own_t;

/*
 * resolve(arena, scope, parent, own):
 * Set what is in force in ${scope}, inside ${parent} (NULL: in nothing) and
 * declaring ${own}. What nginx would refuse ends the program.
 */
void resolve(arena_t *arena, scope_t *scope, const scope_t *parent,
             const own_t *own);

#endif /* RESOLVE_H */
