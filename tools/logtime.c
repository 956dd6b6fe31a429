/* SPDX-License-Identifier: BSD-2-Clause */

#include "logtime.h"

#include "fraud_op.h"
#include "fraud_str.h"

#include <string.h>

#define SECOND_US 1000000u
#define MILLISECONDS 100000000000u /* as seconds the year 5138 */

typedef struct {
    unsigned year, month, day, hour, minute, second;
    int east; /* of Greenwich, in minutes */
    uint64_t fraction_us;
} moment_t;

/* ${n} digits at ${*p}, which then is past them. */
static int digits(unsigned *value, const uint8_t **p, unsigned n) {
    for (*value = 0; n > 0; n--, (*p)++) {
        if (**p < '0' || **p > '9') {
            return 0;
        }
        *value = *value * 10 + (unsigned)(**p - '0');
    }
    return 1;
}

static int literal(const uint8_t **p, char ch) {
    return *(*p)++ == (uint8_t)ch;
}

/* Howard Hinnant's days_from_civil, from 1970 on. */
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day) {
    unsigned era, of_era, of_year;

    year -= month <= 2;
    era = year / 400;
    of_era = year - era * 400;
    of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return (uint64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
           of_year - 719468;
}

static fraud_rc from_moment(uint64_t *us, const moment_t *m) {
    int64_t seconds;

    if (m->year < 1970 || m->year > 2111 || m->month < 1 || m->month > 12 ||
        m->day < 1 || m->day > 31 || m->hour > 23 || m->minute > 59 ||
        m->second > 60) {
        return FRAUD_EINVAL;
    }
    seconds = (int64_t)days_since_1970(m->year, m->month, m->day) * 86400 +
              m->hour * 3600 + m->minute * 60 + m->second;
    seconds -= (int64_t)m->east * 60;
    if (seconds < 0) {
        return FRAUD_EINVAL;
    }
    *us = (uint64_t)seconds * SECOND_US + m->fraction_us;
    return FRAUD_OK;
}

static int read_zone(moment_t *m, const uint8_t **p, int colon) {
    unsigned hours, minutes;
    int west;

    west = **p == '-';
    if (!west && **p != '+') {
        return 0;
    }
    (*p)++;
    if (!digits(&hours, p, 2)) {
        return 0;
    }
    *p += colon && **p == ':';
    if (!digits(&minutes, p, 2) || hours > 23 || minutes > 59) {
        return 0;
    }
    m->east = (int)(hours * 60 + minutes) * (west ? -1 : 1);
    return 1;
}

static int read_month(unsigned *month, const uint8_t **p) {
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    unsigned i;

    for (i = 0; i < 12; i++) {
        if (memcmp(*p, names + 3 * i, 3) == 0) {
            *p += 3;
            *month = i + 1;
            return 1;
        }
    }
    return 0;
}

fraud_rc logtime_local(uint64_t *us, fraud_str_t text) {
    moment_t m = {0};
    const uint8_t *p = text.data;

    if (text.len != LOGTIME_LOCAL_LEN || !digits(&m.day, &p, 2) ||
        !literal(&p, '/') || !read_month(&m.month, &p) || !literal(&p, '/') ||
        !digits(&m.year, &p, 4) || !literal(&p, ':') ||
        !digits(&m.hour, &p, 2) || !literal(&p, ':') ||
        !digits(&m.minute, &p, 2) || !literal(&p, ':') ||
        !digits(&m.second, &p, 2) || !literal(&p, ' ') ||
        !read_zone(&m, &p, 0)) {
        return FRAUD_EINVAL;
    }
    return from_moment(us, &m);
}

static const uint8_t *read_fraction(uint64_t *us, const uint8_t *p) {
    uint64_t unit;

    *us = 0;
    for (unit = SECOND_US / 10; *p >= '0' && *p <= '9'; p++, unit /= 10) {
        *us += unit * (uint64_t)(*p - '0');
    }
    return p;
}

/* The copy ends in a NUL, which no part of a time is. */
fraud_rc logtime_iso(uint64_t *us, fraud_str_t text) {
    uint8_t copy[48] = {0};
    moment_t m = {0};
    const uint8_t *p = copy;

    if (text.len < 19 || text.len >= sizeof(copy)) {
        return FRAUD_EINVAL;
    }
    memcpy(copy, text.data, text.len);
    if (!digits(&m.year, &p, 4) || !literal(&p, '-') ||
        !digits(&m.month, &p, 2) || !literal(&p, '-') ||
        !digits(&m.day, &p, 2) || (*p != 'T' && *p != 't' && *p != ' ') ||
        !(p++, digits(&m.hour, &p, 2)) || !literal(&p, ':') ||
        !digits(&m.minute, &p, 2) || !literal(&p, ':') ||
        !digits(&m.second, &p, 2)) {
        return FRAUD_EINVAL;
    }
    if (*p == '.' || *p == ',') {
        p = read_fraction(&m.fraction_us, p + 1);
    }
    if (*p == 'Z' || *p == 'z') {
        p++;
    } else if (*p != '\0' && !read_zone(&m, &p, 1)) {
        return FRAUD_EINVAL;
    }
    return p == copy + text.len ? from_moment(us, &m) : FRAUD_EINVAL;
}

fraud_rc logtime_epoch(uint64_t *us, fraud_str_t text) {
    uint64_t fraction = 0, value;
    uint8_t copy[32] = {0};
    const uint8_t *p;
    size_t len = 0;

    if (text.len == 0 || text.len >= sizeof(copy)) {
        return FRAUD_EINVAL;
    }
    memcpy(copy, text.data, text.len);
    while (len < text.len && copy[len] != '.') {
        len++;
    }
    if (fraud_str_uint(&value, (const char *)copy, len, FRAUD_OP_MAX / 1000) !=
        FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    p = copy + len;
    if (*p == '.') {
        p = read_fraction(&fraction, p + 1);
    }
    *us = value >= MILLISECONDS ? value * 1000 + fraction / 1000
                                : value * SECOND_US + fraction;
    return p == copy + text.len && *us < FRAUD_OP_MAX ? FRAUD_OK : FRAUD_EINVAL;
}

fraud_rc logtime_any(uint64_t *us, fraud_str_t text) {
    if (logtime_iso(us, text) == FRAUD_OK ||
        logtime_local(us, text) == FRAUD_OK) {
        return FRAUD_OK;
    }
    return logtime_epoch(us, text);
}
