/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef REPUTATION_H
#define REPUTATION_H

/*
 * The way back: a confirmed case raises, a refuted one clears what nginx knows
 * of the account, by its "fraud_control" (control.h), for which the account is
 * revealed and forgotten again. Only while the epoch in which it was seen, or
 * the one after it, lasts: later its pseudonym stands for nobody. An account
 * that was erased here is nobody's either.
 */

#include "billing.h"

#define REPUTATION_RETRY 60 /* seconds, while nginx does not answer */

/*
 * reputation_tick(billing, now, done):
 * Carry out what waits longest. ${*done} is 0 if there was nothing, or nginx is
 * not asked again yet, or none is configured. Waits for nginx for at most 10 s.
 */
db_rc reputation_tick(billing_t *billing, int64_t now, int *done);

#endif /* REPUTATION_H */
