/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_TYPES_H
#define FRAUD_TYPES_H

/*
 * What every unit shares: result codes, the error of a parser and the slice.
 * A slice never owns its bytes and is not NUL-terminated.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * nginx loads modules with RTLD_GLOBAL: without hidden visibility each name
 * of this library would be shared with every other module.
 */
#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#define FRAUD_CHECK __attribute__((warn_unused_result))
#else
#define FRAUD_CHECK
#endif

typedef enum {
    FRAUD_OK = 0,
    FRAUD_AGAIN,    /* not now: more input, or held by somebody else */
    FRAUD_NOTFOUND, /* looked for and not there */
    FRAUD_EINVAL,   /* malformed input */
    FRAUD_ELIMIT,   /* a stated maximum would be exceeded */
    FRAUD_ENOMEM,   /* the allocator said no */
    FRAUD_EIO       /* a file could not be opened, read or mapped */
} fraud_rc;

typedef struct {
    const uint8_t *data;
    size_t len;
} fraud_str_t;

/* Why and where a parser gave up; line and at count from 1, 0 = unknown. */
typedef struct {
    size_t line;
    size_t at;
    char why[128]; /* NUL-terminated, never quotes a person's data */
} fraud_err_t;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_TYPES_H */
