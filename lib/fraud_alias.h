/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_ALIAS_H
#define FRAUD_ALIAS_H

/*
 * Variables that a configuration makes of others: by map, set, geo,
 * split_clients, auth_request_set and named groups of patterns. It is fed with
 * directives, as they stand in the files, and then tells what a text reads in
 * the end. Groups without a name ($1) and other modules' ways are not seen.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_ALIAS_EDGES                                                      \
    4096                      /* of all variables, to what they are made of    \
                               */
#define FRAUD_ALIAS_TEXTS 256 /* that one text reads */

typedef enum {
    FRAUD_ALIAS_REPEATS, /* the text is in the value */
    FRAUD_ALIAS_CHOOSES, /* it chooses between constants */
    FRAUD_ALIAS_WHETHER  /* it is the condition of another text */
} fraud_alias_use_t;

/* Slices point into the configuration's text. */
typedef struct {
    fraud_str_t name; /* without the '$' */
    fraud_str_t text;
    fraud_alias_use_t use;
} fraud_alias_edge_t;

/* Large: of a pool, not of a stack. */
typedef struct {
    fraud_alias_edge_t edges[FRAUD_ALIAS_EDGES];
    size_t n;
    size_t map;   /* blocks since the one of a map, 0: in none */
    size_t first; /* its edge */
    int full;     /* something was left out */
} fraud_alias_t;

/* A walk over what a text reads. */
typedef struct {
    fraud_alias_t *alias;
    fraud_str_t texts[FRAUD_ALIAS_TEXTS];
    size_t n;
    size_t text; /* being read */
    size_t at;
    int choices; /* of constants are followed */
} fraud_alias_walk_t;

/*
 * fraud_alias_init(alias):
 * There are none.
 */
void fraud_alias_init(fraud_alias_t *alias);

/*
 * fraud_alias_directive(alias, words, n):
 * fraud_alias_open(alias, words, n):
 * fraud_alias_close(alias):
 * Take a directive of ${n} words, or a block that begins with them or ends.
 * The bytes of words have to live as long as ${alias}.
 */
void fraud_alias_directive(fraud_alias_t *alias, const fraud_str_t *words,
                           size_t n);
void fraud_alias_open(fraud_alias_t *alias, const fraud_str_t *words, size_t n);
void fraud_alias_close(fraud_alias_t *alias);

/*
 * fraud_alias_walk(walk, alias, text, choices):
 * Begin with ${text}. ${alias} may be NULL: nothing is known. With ${choices}
 * a map of constants reads what it looks at. What is more than
 * FRAUD_ALIAS_TEXTS different texts is left out, and ${alias} is then full.
 */
void fraud_alias_walk(fraud_alias_walk_t *walk, fraud_alias_t *alias,
                      fraud_str_t text, int choices);

/*
 * fraud_alias_next(walk, name):
 * Set ${name} to the next variable that is read, without its '$', those of
 * the text itself first. Return 0 if there is none.
 */
int fraud_alias_next(fraud_alias_walk_t *walk, fraud_str_t *name);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_ALIAS_H */
