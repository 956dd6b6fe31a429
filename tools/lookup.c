/* SPDX-License-Identifier: BSD-2-Clause */

#include "lookup.h"

#include <string.h>

static uint8_t lower(uint8_t ch) {
    return ch >= 'A' && ch <= 'Z' ? (uint8_t)(ch | 0x20) : ch;
}

/* "NAME=" at ${p}. */
static int is_named(const uint8_t *p, const uint8_t *end, fraud_str_t name) {
    size_t i;

    if ((size_t)(end - p) <= name.len || p[name.len] != '=') {
        return 0;
    }
    for (i = 0; i < name.len; i++) {
        if (lower(p[i]) != name.data[i]) {
            return 0;
        }
    }
    return 1;
}

static int is_one_of(uint8_t ch, const char *separators) {
    return ch != '\0' && strchr(separators, ch) != NULL;
}

fraud_str_t lookup_find(fraud_str_t list, fraud_str_t name,
                        const char *separators) {
    const uint8_t *p = list.data, *end = p + list.len;
    fraud_str_t value = {(const uint8_t *)"", 0};

    while (p < end) {
        while (p < end && *p == ' ') {
            p++;
        }
        if (is_named(p, end, name)) {
            p += name.len + 1;
            value.data = p;
            while (p < end && *p != (uint8_t)separators[0]) {
                p++;
            }
            value.len = (size_t)(p - value.data);
            return value;
        }
        while (p < end && !is_one_of(*p, separators)) {
            p++;
        }
        p += p < end;
    }
    return value;
}
