/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef VALUE_H
#define VALUE_H

/*
 * Texts with variables, as nginx writes them: "a$name-${other}b". Variables
 * are numbers into a list of their names, which are without case.
 */

#include "arena.h"
#include "fraud_types.h"

typedef struct {
    arena_t *arena;
    fraud_str_t *name; /* in lower case */
    size_t n;
} names_t;

typedef struct {
    fraud_str_t literal;
    size_t name;
    int variable; /* a name, not a literal */
} value_part_t;

typedef struct {
    value_part_t *part;
    size_t n; /* 0: the empty text */
} value_t;

/*
 * names_add(names, name):
 * Return the number of ${name}, which is added if it is new.
 */
size_t names_add(names_t *names, fraud_str_t name);

/*
 * value_compile(value, names, text, err):
 * Compile ${text}, which is kept by reference, into memory of the arena of
 * ${names}. FRAUD_EINVAL if it is malformed; ${err} says why.
 */
fraud_rc value_compile(value_t *value, names_t *names, fraud_str_t text,
                       fraud_err_t *err) FRAUD_CHECK;

/*
 * value_is(value, names, name):
 * Return 1 if ${value} is the variable ${name} and nothing else.
 */
int value_is(const value_t *value, const names_t *names, const char *name);

#endif /* VALUE_H */
