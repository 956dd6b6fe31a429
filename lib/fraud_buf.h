/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_BUF_H
#define FRAUD_BUF_H

/*
 * A byte buffer over memory of the caller that cannot outgrow it: what does
 * not fit is left out whole and remembered in ${full}.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

typedef struct {
    uint8_t *data;
    size_t len;
    size_t size;
    int full;
} fraud_buf_t;

/*
 * fraud_buf_init(buf, data, size):
 * Make ${buf} an empty buffer over the ${size} bytes at ${data}.
 */
void fraud_buf_init(fraud_buf_t *buf, uint8_t *data, size_t size);

/*
 * fraud_buf_add(buf, data, len), fraud_buf_text(buf, text),
 * fraud_buf_char(buf, ch), fraud_buf_uint(buf, value, width):
 * Append bytes, a NUL-terminated text, one byte, or a decimal number padded
 * with zeros to ${width} digits.
 */
void fraud_buf_add(fraud_buf_t *buf, const void *data, size_t len);
void fraud_buf_text(fraud_buf_t *buf, const char *text);
void fraud_buf_char(fraud_buf_t *buf, char ch);
void fraud_buf_uint(fraud_buf_t *buf, uint64_t value, unsigned width);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_BUF_H */
