/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_day.h"

#include "fraud_str.h"

#define YEAR_MIN 1970u
#define YEAR_MAX 9999u

static int is_leap(uint32_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint32_t month_days(uint32_t year, uint32_t month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* Leap days before the first of January of a year. */
static uint32_t leaps(uint32_t year) {
    year--;
    return year / 4 - year / 100 + year / 400;
}

static uint32_t year_start(uint32_t year) {
    return (year - YEAR_MIN) * 365 + leaps(year) - leaps(YEAR_MIN);
}

fraud_rc fraud_day_parse(uint32_t *day, const char *text, size_t len) {
    uint64_t year, month, d;
    uint32_t sum, m;

    if (len != 10 || text[4] != '-' || text[7] != '-' ||
        fraud_str_uint(&year, text, 4, YEAR_MAX) != FRAUD_OK ||
        fraud_str_uint(&month, text + 5, 2, 12) != FRAUD_OK ||
        fraud_str_uint(&d, text + 8, 2, 31) != FRAUD_OK || year < YEAR_MIN ||
        month == 0 || d == 0 ||
        d > month_days((uint32_t)year, (uint32_t)month)) {
        return FRAUD_EINVAL;
    }
    sum = year_start((uint32_t)year);
    for (m = 1; m < month; m++) {
        sum += month_days((uint32_t)year, m);
    }
    *day = sum + (uint32_t)d - 1;
    return FRAUD_OK;
}

void fraud_day_print(fraud_buf_t *buf, uint32_t day) {
    uint32_t year = YEAR_MIN + day / 366, month = 1;

    while (year_start(year + 1) <= day) {
        year++;
    }
    day -= year_start(year);
    while (day >= month_days(year, month)) {
        day -= month_days(year, month);
        month++;
    }
    fraud_buf_uint(buf, year, 4);
    fraud_buf_char(buf, '-');
    fraud_buf_uint(buf, month, 2);
    fraud_buf_char(buf, '-');
    fraud_buf_uint(buf, day + 1, 2);
}
