/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef KEEP_H
#define KEEP_H

/*
 * What is not to be kept: evidence past its time, unless a person still has to
 * decide on it, the bodies of dead events that nobody looked at, and erasures
 * that no flag can come after.
 */

#include "billing.h"

#define KEEP_AT_ONCE 1000 /* rows in one transaction */

/*
 * keep_purge(billing, now, done):
 * Forget some of it, in one transaction; ${*done} is how many rows.
 */
db_rc keep_purge(billing_t *billing, int64_t now, int64_t *done);

#endif /* KEEP_H */
