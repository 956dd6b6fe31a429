/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MAP_H
#define MAP_H

/*
 * nginx's "map" block: exact strings (without case) first, then names with a
 * mask ("hostnames"), then regular expressions in their order, then the
 * default. As in nginx, an empty source is never shown to a regular expression.
 */

#include "conf.h"
#include "fraud_types.h"
#include "value.h"

typedef struct map_s map_t;

/*
 * map_new(node, names):
 * Return the map of the block ${node}, in memory of the arena of ${names};
 * map_free() gives back what else it holds. A block that nginx would refuse
 * ends the program.
 */
map_t *map_new(const conf_node_t *node, names_t *names);

/*
 * map_variable(map), map_source(map), map_is_volatile(map):
 * Return the number of the variable that ${map} sets, the value it looks at,
 * and whether what it found is not remembered for the rest of a request.
 */
size_t map_variable(const map_t *map);
const value_t *map_source(const map_t *map);
int map_is_volatile(const map_t *map);

/*
 * map_find(map, text):
 * Return the value for ${text}.
 */
const value_t *map_find(const map_t *map, fraud_str_t text);

/*
 * map_free(map):
 * Give back the regular expressions; NULL is a no-op.
 */
void map_free(map_t *map);

#endif /* MAP_H */
