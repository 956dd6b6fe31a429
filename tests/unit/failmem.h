/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FAILMEM_H
#define FAILMEM_H

/*
 * A fraud_mem_t over malloc() that fails one allocation and counts the blocks
 * that live. A sweep fails the first, then the second, ... until none failed:
 *
 *     for (n = 1;; n++) {
 *         failmem_init(&fail, n);
 *         rc = fraud_foo_new(&foo, &fail.mem);
 *         if (!fail.failed) {
 *             break;
 *         }
 *         assert_int_equal(rc, FRAUD_ENOMEM);
 *         assert_int_equal(fail.live, 0);
 *     }
 */

#include "../../lib/fraud_mem.h"

#include <stdlib.h>

typedef struct {
    fraud_mem_t mem;
    size_t calls;   /* allocations and resizes asked for */
    size_t fail_at; /* which of them fails, from 1; 0: none */
    size_t live;    /* blocks not yet released */
    int failed;     /* that call came */
} failmem_t;

static inline int failmem_fails(failmem_t *fail) {
    fail->calls++;
    if (fail->calls != fail->fail_at) {
        return 0;
    }
    fail->failed = 1;
    return 1;
}

static inline void *failmem_resize(void *ctx, void *old, size_t size) {
    failmem_t *fail = ctx;
    void *p;

    if (failmem_fails(fail)) {
        return NULL;
    }
    p = realloc(old, size);
    if (p != NULL && old == NULL) {
        fail->live++;
    }
    return p;
}

static inline void *failmem_alloc(void *ctx, size_t size) {
    return failmem_resize(ctx, NULL, size);
}

static inline void failmem_release(void *ctx, void *p) {
    failmem_t *fail = ctx;

    fail->live--;
    free(p);
}

/*
 * failmem_init(fail, n):
 * Prepare ${fail} so that its ${n}-th allocation fails, none if ${n} is 0.
 */
static inline void failmem_init(failmem_t *fail, size_t n) {
    fail->mem.alloc = failmem_alloc;
    fail->mem.resize = failmem_resize;
    fail->mem.release = failmem_release;
    fail->mem.ctx = fail;
    fail->calls = 0;
    fail->fail_at = n;
    fail->live = 0;
    fail->failed = 0;
}

#endif /* FAILMEM_H */
