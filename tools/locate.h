/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef LOCATE_H
#define LOCATE_H

/*
 * Which location a path belongs to, as nginx finds it: an exact one, else the
 * longest prefix, unless a regular expression matches.
 */

#include "ruleset.h"

/*
 * locate_add(rules, scope, node):
 * Add the location of the block ${node} to ${scope}.
 */
void locate_add(ruleset_t *rules, scope_t *scope, const conf_node_t *node);

/*
 * locate_find(server, path):
 * Return the scope of ${path}, ${server} itself if it is of no location.
 */
const scope_t *locate_find(const scope_t *server, fraud_str_t path);

/*
 * locate_free(scope):
 * Give back the regular expressions of the locations in ${scope}.
 */
void locate_free(scope_t *scope);

#endif /* LOCATE_H */
