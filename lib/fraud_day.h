/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_DAY_H
#define FRAUD_DAY_H

/*
 * Days of the Gregorian calendar, UTC, counted from 1970-01-01, as they stand
 * in policies: YYYY-MM-DD, years 1970 to 9999.
 */

#include "fraud_buf.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/*
 * fraud_day_parse(day, text, len):
 * Parse YYYY-MM-DD. FRAUD_EINVAL if it is anything else or no such day.
 */
fraud_rc fraud_day_parse(uint32_t *day, const char *text,
                         size_t len) FRAUD_CHECK;

/*
 * fraud_day_print(buf, day):
 * Append ${day} as YYYY-MM-DD.
 */
void fraud_day_print(fraud_buf_t *buf, uint32_t day);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_DAY_H */
