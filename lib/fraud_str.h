/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_STR_H
#define FRAUD_STR_H

/*
 * Reading the small words of the configuration language.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_NAME_MAX 32

/*
 * fraud_str_is_name(data, len):
 * Return 1 if the ${len} bytes are a name of a signal or an identity: 1 to
 * FRAUD_NAME_MAX of a-z, A-Z, 0-9 and '_', else 0. Names stand unquoted in
 * headers, variables and logs.
 */
int fraud_str_is_name(const char *data, size_t len);

/*
 * fraud_str_uint(value, data, len, max):
 * Parse a decimal number of at most ${max}. FRAUD_EINVAL unless all of the
 * text is digits, FRAUD_ELIMIT past ${max}.
 */
fraud_rc fraud_str_uint(uint64_t *value, const char *data, size_t len,
                        uint64_t max) FRAUD_CHECK;

/*
 * fraud_str_fixed(value, data, len, digits, max):
 * Parse a decimal number with at most ${digits} places after the point into
 * ${value}, scaled by 10^${digits}: "1.5" with 3 is 1500. Results as
 * fraud_str_uint().
 */
fraud_rc fraud_str_fixed(uint64_t *value, const char *data, size_t len,
                         unsigned digits, uint64_t max) FRAUD_CHECK;

/*
 * fraud_str_rate(n, period_us, data, len):
 * Parse a rate "Nr/s", "Nr/m", "Nr/h" or "Nr/d" with 1 <= N <= 2^32 - 1.
 * Above a million, ${n} and ${period_us} are divided by what both have in
 * common. FRAUD_EINVAL if it is anything else.
 */
fraud_rc fraud_str_rate(uint32_t *n, uint64_t *period_us, const char *data,
                        size_t len) FRAUD_CHECK;

/*
 * fraud_str_time(ms, data, len, max):
 * Parse a time as nginx writes it: numbers with the units y, M, w, d, h, m, s,
 * ms
 * in falling order, each at most once, the last one in seconds if it has no
 * unit: "1h30m", "500ms", "60". Results as fraud_str_uint(), ${max} in
 * milliseconds.
 */
fraud_rc fraud_str_time(uint64_t *ms, const char *data, size_t len,
                        uint64_t max) FRAUD_CHECK;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_STR_H */
