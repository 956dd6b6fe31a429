/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef VARS_H
#define VARS_H

/*
 * The variables of a configuration while one log entry is looked at. Whatever
 * the entry does not tell is unknown, which is not the same as empty: nothing
 * may be concluded from it.
 */

#include "accesslog.h"
#include "fraud_geo.h"
#include "fraud_types.h"
#include "map.h"
#include "value.h"

typedef struct vars_s vars_t;

/* What the module itself says of a request, once it is decided. */
typedef enum { GIVEN_ACTION = 0, GIVEN_SCORE, GIVEN_MODE, GIVEN_N } given_t;

/*
 * vars_new(names, server_name):
 * Return the variables of ${names}, in memory of its arena. ${server_name} is
 * the value of $server_name where a line has none of its own.
 */
vars_t *vars_new(names_t *names, fraud_str_t server_name);

/*
 * vars_add_map(vars, map), vars_add_geo(vars, geo):
 * Let ${map} set its variable, and ask ${geo} for $fraud_country and
 * $fraud_asn; both are owned by ${vars} from then on.
 */
void vars_add_map(vars_t *vars, map_t *map);
void vars_add_geo(vars_t *vars, fraud_geo_t *geo);

/*
 * vars_begin(vars, entry), vars_respond(vars):
 * Look at ${entry}, as a request that is not answered yet; then as answered.
 */
void vars_begin(vars_t *vars, const entry_t *entry);
void vars_respond(vars_t *vars);

/*
 * vars_give(vars, what, text):
 * From now on until vars_begin(), ${text} is $fraud_action, _score or _mode.
 */
void vars_give(vars_t *vars, given_t what, fraud_str_t text);

/*
 * vars_value(vars, value, text):
 * Set ${text} to ${value}, until vars_begin(). FRAUD_NOTFOUND if a variable in
 * it is unknown: vars_missing() returns its number.
 */
fraud_rc vars_value(vars_t *vars, const value_t *value,
                    fraud_str_t *text) FRAUD_CHECK;
size_t vars_missing(const vars_t *vars);

/*
 * vars_place(vars):
 * Return what the databases know about the client, NULL if there is none.
 */
const fraud_geo_record_t *vars_place(vars_t *vars);

/*
 * vars_free(vars):
 * Give back maps, databases and values; NULL is a no-op.
 */
void vars_free(vars_t *vars);

#endif /* VARS_H */
