/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ARENA_H
#define ARENA_H

/*
 * Memory that is given back all at once. There is no failure to handle: when
 * there is no memory, the program says so and exits with status 2.
 */

#include "fraud_types.h"

typedef struct arena_block_s arena_block_t;

typedef struct {
    arena_block_t *blocks; /* NULL: nothing yet, a new arena is all zero */
} arena_t;

/*
 * arena_alloc(arena, size):
 * Return ${size} bytes of zeroes that live until arena_free().
 */
void *arena_alloc(arena_t *arena, size_t size);

/*
 * arena_grow(arena, old, n, size):
 * Return an array with room for one more than the ${n} elements of ${size}
 * bytes in ${old}, which is an array made by this function alone (NULL if
 * ${n} is 0) and is not used any more.
 */
void *arena_grow(arena_t *arena, void *old, size_t n, size_t size);

/*
 * arena_copy(arena, data, len):
 * Return a copy of the ${len} bytes at ${data}, with a NUL after them.
 */
fraud_str_t arena_copy(arena_t *arena, const void *data, size_t len);

/*
 * arena_join(arena, dir, name):
 * Return the path of ${name} in ${dir}.
 */
const char *arena_join(arena_t *arena, const char *dir, const char *name);

/*
 * arena_free(arena):
 * Give back everything; ${arena} is as new.
 */
void arena_free(arena_t *arena);

#endif /* ARENA_H */
