/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef LOOKUP_H
#define LOOKUP_H

/*
 * "NAME=VALUE" in lists as queries and cookies are.
 */

#include "fraud_types.h"

/*
 * lookup_find(list, name, separators):
 * Return the value of the first ${name} (in lower case; its own case does not
 * matter) in ${list}, empty if there is none. Members end at any of
 * ${separators}, a value at the first of them only.
 */
fraud_str_t lookup_find(fraud_str_t list, fraud_str_t name,
                        const char *separators);

#endif /* LOOKUP_H */
