/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_mem.h"

#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *ctx, size_t size) {
    (void)ctx;
    return malloc(size);
}

static void *default_resize(void *ctx, void *old, size_t size) {
    (void)ctx;
    return realloc(old, size);
}

static void default_release(void *ctx, void *p) {
    (void)ctx;
    free(p);
}

static const fraud_mem_t default_mem = {default_alloc, default_resize,
                                        default_release, NULL};

const fraud_mem_t *fraud_mem_or_default(const fraud_mem_t *mem) {
    return mem != NULL ? mem : &default_mem;
}

void *fraud_mem_alloc(const fraud_mem_t *mem, size_t size) {
    return mem->alloc(mem->ctx, size != 0 ? size : 1);
}

void *fraud_mem_zalloc(const fraud_mem_t *mem, size_t size) {
    void *p;

    p = fraud_mem_alloc(mem, size);
    if (p != NULL) {
        memset(p, 0, size);
    }
    return p;
}

void *fraud_mem_resize(const fraud_mem_t *mem, void *old, size_t n,
                       size_t size) {
    if (size != 0 && n > SIZE_MAX / size) {
        return NULL;
    }
    return mem->resize(mem->ctx, old, n * size != 0 ? n * size : 1);
}

void fraud_mem_free(const fraud_mem_t *mem, void *p) {
    if (p != NULL) {
        mem->release(mem->ctx, p);
    }
}
