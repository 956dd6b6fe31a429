/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_BACKOFF_H
#define FRAUD_BACKOFF_H

/*
 * How long to wait before trying again: a ceiling that doubles with every
 * attempt, and below it any time ("full jitter": M. Brooker, "Exponential
 * Backoff And Jitter", AWS Architecture Blog, 2015), so that many who lost the
 * same server do not come back as one.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/*
 * fraud_backoff_delay(base, max, attempt, random):
 * Return the delay before attempt ${attempt} (from 1; 0 counts as 1): one of
 * 1 .. min(${max}, ${base} * 2^(attempt - 1)), all alike if ${random} is one of
 * 0 .. 2^32 - 1, all alike. A ${base} or ${max} of 0 counts as 1. Whatever the
 * unit is.
 */
uint32_t fraud_backoff_delay(uint32_t base, uint32_t max, uint32_t attempt,
                             uint32_t random);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_BACKOFF_H */
