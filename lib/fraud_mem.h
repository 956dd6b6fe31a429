/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_MEM_H
#define FRAUD_MEM_H

/*
 * The allocator that every constructor takes, so that a test can fail the
 * n-th allocation for every n. NULL stands for malloc.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

typedef struct {
    void *(*alloc)(void *ctx, size_t size);             /* NULL: no memory */
    void *(*resize)(void *ctx, void *old, size_t size); /* as realloc() */
    void (*release)(void *ctx, void *p);                /* as free() */
    void *ctx;
} fraud_mem_t;

/*
 * fraud_mem_or_default(mem):
 * Return ${mem}, or the allocator over malloc if ${mem} is NULL.
 */
const fraud_mem_t *fraud_mem_or_default(const fraud_mem_t *mem);

/*
 * fraud_mem_alloc(mem, size), fraud_mem_zalloc(mem, size):
 * Return ${size} bytes (zeroed by the second), or NULL. The caller gives
 * them back with fraud_mem_free() of the same ${mem}.
 */
void *fraud_mem_alloc(const fraud_mem_t *mem, size_t size) FRAUD_CHECK;
void *fraud_mem_zalloc(const fraud_mem_t *mem, size_t size) FRAUD_CHECK;

/*
 * fraud_mem_resize(mem, old, n, size):
 * Resize ${old} (or NULL) to ${n} elements of ${size} bytes. On overflow or
 * lack of memory return NULL and leave ${old} as it was.
 */
void *fraud_mem_resize(const fraud_mem_t *mem, void *old, size_t n,
                       size_t size) FRAUD_CHECK;

/*
 * fraud_mem_free(mem, p):
 * Give back ${p}; NULL is a no-op.
 */
void fraud_mem_free(const fraud_mem_t *mem, void *p);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_MEM_H */
