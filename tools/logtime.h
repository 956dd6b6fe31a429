/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef LOGTIME_H
#define LOGTIME_H

/*
 * The times that access logs have, in microseconds since 1970.
 */

#include "fraud_types.h"

#define LOGTIME_LOCAL_LEN 26 /* "01/May/2026:10:00:00 +0200" */

/*
 * logtime_local(us, text), logtime_iso(us, text), logtime_epoch(us, text):
 * Read $time_local, $time_iso8601 (with a fraction and with "Z" too), or
 * seconds since 1970 with a fraction as $msec (from 10^11 on milliseconds).
 * FRAUD_EINVAL if ${text} is anything else or before 1970 or after 2111.
 */
fraud_rc logtime_local(uint64_t *us, fraud_str_t text) FRAUD_CHECK;
fraud_rc logtime_iso(uint64_t *us, fraud_str_t text) FRAUD_CHECK;
fraud_rc logtime_epoch(uint64_t *us, fraud_str_t text) FRAUD_CHECK;

/*
 * logtime_any(us, text):
 * Any of these.
 */
fraud_rc logtime_any(uint64_t *us, fraud_str_t text) FRAUD_CHECK;

#endif /* LOGTIME_H */
