/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SCOPE_H
#define SCOPE_H

/*
 * What is in force in one block: what it inherits and what it declares.
 */

#include "ruleset.h"

typedef enum { SCOPE_HTTP = 1, SCOPE_SERVER = 2, SCOPE_LOCATION = 4 } context_t;

/*
 * scope_read(rules, node, parent, context):
 * Return the scope of the block of directives that begins at ${node} (its
 * first, NULL if it is empty), which is a ${context} inside ${parent} (NULL:
 * none). Directives of http that concern all are noted in ${rules}.
 */
scope_t *scope_read(ruleset_t *rules, const conf_node_t *node,
                    const scope_t *parent, context_t context);

/*
 * scope_check(node):
 * End the program if there is a fraud_* directive in the block of ${node},
 * which is none of http, server and location.
 */
void scope_check(const conf_node_t *node);

#endif /* SCOPE_H */
