/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_str.h"

#include <string.h>

static int is_digit(char ch) {
    return ch >= '0' && ch <= '9';
}

int fraud_str_is_name(const char *data, size_t len) {
    size_t i;

    if (len == 0 || len > FRAUD_NAME_MAX) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        char ch = data[i];

        if (!is_digit(ch) && ch != '_' && !(ch >= 'a' && ch <= 'z') &&
            !(ch >= 'A' && ch <= 'Z')) {
            return 0;
        }
    }
    return 1;
}

/* Append one decimal digit to a number of at most max. */
static fraud_rc push_digit(uint64_t *value, char ch, uint64_t max) {
    uint64_t digit;

    if (!is_digit(ch)) {
        return FRAUD_EINVAL;
    }
    digit = (uint64_t)(ch - '0');
    if (digit > max || *value > (max - digit) / 10) {
        return FRAUD_ELIMIT;
    }
    *value = *value * 10 + digit;
    return FRAUD_OK;
}

fraud_rc fraud_str_uint(uint64_t *value, const char *data, size_t len,
                        uint64_t max) {
    return fraud_str_fixed(value, data, len, 0, max);
}

fraud_rc fraud_str_fixed(uint64_t *value, const char *data, size_t len,
                         unsigned digits, uint64_t max) {
    uint64_t v = 0;
    size_t i;
    fraud_rc rc = FRAUD_EINVAL;

    for (i = 0; i < len && data[i] != '.'; i++) {
        rc = push_digit(&v, data[i], max);
        if (rc != FRAUD_OK) {
            return rc;
        }
    }
    if (rc != FRAUD_OK) {
        return rc; /* nothing before the point */
    }
    if (i < len && (digits == 0 || i + 1 == len || len - i - 1 > digits)) {
        return FRAUD_EINVAL;
    }
    for (i++; digits > 0; digits--, i++) {
        rc = push_digit(&v, i < len ? data[i] : '0', max);
        if (rc != FRAUD_OK) {
            return rc;
        }
    }
    *value = v;
    return FRAUD_OK;
}

/* Many in a long period: as few as possible in a shorter one. */
static void reduce(uint32_t *n, uint64_t *period_us) {
    uint64_t a = *n, b = *period_us, rest;

    if (*n <= 1000000) {
        return; /* as it was written, for those who read it again */
    }
    while (b != 0) {
        rest = a % b;
        a = b;
        b = rest;
    }
    *n = (uint32_t)(*n / a);
    *period_us /= a;
}

fraud_rc fraud_str_rate(uint32_t *n, uint64_t *period_us, const char *data,
                        size_t len) {
    static const struct {
        char text[4];
        uint64_t us;
    } units[] = {{"r/s", 1000000u},
                 {"r/m", 60u * 1000000u},
                 {"r/h", 3600u * 1000000ull},
                 {"r/d", 86400u * 1000000ull}};
    uint64_t value;
    size_t i;

    if (len < 4 ||
        fraud_str_uint(&value, data, len - 3, UINT32_MAX) != FRAUD_OK ||
        value == 0) {
        return FRAUD_EINVAL;
    }
    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (memcmp(data + len - 3, units[i].text, 3) == 0) {
            *n = (uint32_t)value;
            *period_us = units[i].us;
            reduce(n, period_us);
            return FRAUD_OK;
        }
    }
    return FRAUD_EINVAL;
}

/* The unit at the head of a text, as an index; past the last for none. */
static size_t time_unit(const char *data, size_t len, size_t *unit_len) {
    static const char names[] = "yMwdhms";
    const char *at;

    *unit_len = 1;
    if (len >= 2 && data[0] == 'm' && data[1] == 's') {
        *unit_len = 2;
        return 7;
    }
    at = len > 0 ? memchr(names, data[0], 7) : NULL;
    return at != NULL ? (size_t)(at - names) : 8;
}

fraud_rc fraud_str_time(uint64_t *ms, const char *data, size_t len,
                        uint64_t max) {
    static const uint64_t units[] = {
        31536000000, 2592000000, 604800000, 86400000, 3600000, 60000, 1000, 1};
    uint64_t n, sum = 0;
    size_t digits, unit, unit_len, next = 0;

    if (len == 0) {
        return FRAUD_EINVAL;
    }
    while (len > 0) {
        digits = 0;
        while (digits < len && is_digit(data[digits])) {
            digits++;
        }
        unit = time_unit(data + digits, len - digits, &unit_len);
        if (digits == len) {
            unit = 6;
            unit_len = 0;
        }
        if (digits == 0 || unit < next || unit > 7) {
            return FRAUD_EINVAL;
        }
        if (fraud_str_uint(&n, data, digits, (max - sum) / units[unit]) !=
            FRAUD_OK) {
            return FRAUD_ELIMIT;
        }
        sum += n * units[unit];
        next = unit + 1;
        data += digits + unit_len;
        len -= digits + unit_len;
    }
    *ms = sum;
    return FRAUD_OK;
}
