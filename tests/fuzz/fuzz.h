/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FUZZ_H
#define FUZZ_H

/*
 * What targets share: a claim that ends the run when it is false, copies that
 * end where their memory does, and numbers cut from the front of the input.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM(what)                                                            \
    do {                                                                       \
        if (!(what)) {                                                         \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__,   \
                          #what);                                              \
            abort();                                                           \
        }                                                                      \
    } while (0)

typedef struct {
    const uint8_t *p;
    size_t len;
} input_t;

static inline void *copy(const void *data, size_t len) {
    void *exact = malloc(len != 0 ? len : 1);

    CLAIM(exact != NULL);
    if (len != 0) {
        memcpy(exact, data, len);
    }
    return exact;
}

/* What the input lacks is zero. */
static inline void cut(input_t *in, void *to, size_t len) {
    size_t n = len < in->len ? len : in->len;

    memset(to, 0, len);
    if (n != 0) {
        memcpy(to, in->p, n);
    }
    in->p += n;
    in->len -= n;
}

static inline uint8_t cut_u8(input_t *in) {
    uint8_t value;

    cut(in, &value, sizeof(value));
    return value;
}

static inline uint32_t cut_u32(input_t *in) {
    uint32_t value;

    cut(in, &value, sizeof(value));
    return value;
}

static inline uint64_t cut_u64(input_t *in) {
    uint64_t value;

    cut(in, &value, sizeof(value));
    return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* FUZZ_H */
