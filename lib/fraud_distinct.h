/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_DISTINCT_H
#define FRAUD_DISTINCT_H

/*
 * distinct, the one of fraud_op.h's four primitives that counts different
 * values; what is said there of states, clocks and numbers goes for it too.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_DISTINCT_LIST 24u /* fingerprints, then a bitmap */
#define FRAUD_DISTINCT_BITS 384u
#define FRAUD_DISTINCT_MAX 1000u /* largest max= that is allowed */

/*
 * distinct: how many different values were seen in the current and the
 * previous window. The first 24 of a window as 16-bit fingerprints, then the
 * same 48 bytes as a 384-bit map, counted linearly (Whang et al., "A
 * Linear-Time Probabilistic Counting Algorithm", 1990).
 */
typedef struct {
    uint64_t window;    /* number of the current window since 1970 */
    uint8_t n[2];       /* current, previous: fingerprints; 255 = bitmap */
    uint8_t set[2][48]; /* fingerprints little-endian, or the bitmap, whose
                           bit fingerprint * 384 / 65536 stands for one */
} fraud_distinct_t;

#define FRAUD_DISTINCT_BITMAP 255

/*
 * fraud_distinct(state, window_us, hash, now_us, add, count):
 * Set ${*count} to the number of distinct values in the union of the two
 * windows, ${hash} (uniformly distributed; its low 16 bits are used) included;
 * the state keeps it if ${add}. Exact up to 24 a window but for collisions of
 * 16 bits; within 10 % in 98 % of trials at 200. A value counts for at least
 * one and at most two windows. 0 < window_us < 2^45. Return 1 if the state
 * changed.
 */
int fraud_distinct(fraud_distinct_t *state, uint64_t window_us, uint64_t hash,
                   uint64_t now_us, int add, uint32_t *count);

/*
 * fraud_distinct_count(state, window_us, now_us):
 * Return the number of distinct values at ${now_us}, without adding one.
 */
uint32_t fraud_distinct_count(const fraud_distinct_t *state, uint64_t window_us,
                              uint64_t now_us);

/*
 * fraud_distinct_merge(state, window_us, other, now_us):
 * Unite ${state} with ${other}, both as they are at ${now_us}, or in the later
 * of their windows if that is ahead. Return 1 if the state changed.
 */
int fraud_distinct_merge(fraud_distinct_t *state, uint64_t window_us,
                         const fraud_distinct_t *other, uint64_t now_us);

/*
 * fraud_distinct_bits(map):
 * Return how many of the FRAUD_DISTINCT_BITS bits at ${map} are set.
 */
unsigned fraud_distinct_bits(const uint8_t *map);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_DISTINCT_H */
