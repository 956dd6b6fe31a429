/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_buf.h"

#include <string.h>

void fraud_buf_init(fraud_buf_t *buf, uint8_t *data, size_t size) {
    buf->data = data;
    buf->len = 0;
    buf->size = size;
    buf->full = 0;
}

void fraud_buf_add(fraud_buf_t *buf, const void *data, size_t len) {
    if (len > buf->size - buf->len) {
        buf->full = 1;
        return;
    }
    if (len != 0) {
        memcpy(buf->data + buf->len, data, len);
        buf->len += len;
    }
}

void fraud_buf_text(fraud_buf_t *buf, const char *text) {
    fraud_buf_add(buf, text, strlen(text));
}

void fraud_buf_char(fraud_buf_t *buf, char ch) {
    fraud_buf_add(buf, &ch, 1);
}

void fraud_buf_uint(fraud_buf_t *buf, uint64_t value, unsigned width) {
    char digits[20];
    size_t i;

    i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0 || (sizeof(digits) - i < width && i > 0));
    fraud_buf_add(buf, digits + i, sizeof(digits) - i);
}
