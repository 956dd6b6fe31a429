/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SOURCE_H
#define SOURCE_H

/*
 * The patterns and lists of rules: one object for a file or a pattern, however
 * many rules look into it.
 */

#include "conf.h"
#include "declare.h"

/*
 * source_attach(declare, rule):
 * Load what ${rule}, a match or a list, looks into, and set its match, list or
 * strings. What cannot be loaded ends the program.
 */
void source_attach(declare_t *declare, rule_t *rule);

/*
 * source_free(source):
 * Give back ${source} and all that are linked to it; NULL is a no-op.
 */
void source_free(source_t *source);

#endif /* SOURCE_H */
