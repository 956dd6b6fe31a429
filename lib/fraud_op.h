/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_OP_H
#define FRAUD_OP_H

/*
 * The four primitives that everything stateful is made of: gcra, decay,
 * distinct and swap. Pure functions of (state, arguments, time) in integers;
 * every stored value is below 2^52, so that the same arithmetic is exact in
 * the doubles of a Redis script. Any bytes are a valid state: what no history
 * could have produced is clamped or empty, never trusted. A new state is all
 * zero.
 *
 * Clocks step back and hosts disagree. A state written later than now counts
 * as written now and keeps its time; but one that lies ahead by more than
 * FRAUD_OP_SKEW_US and its whole life (a full bucket drained, a value decayed
 * to nothing, two windows) is empty, so that no broken clock holds a subject
 * for ever. Every now_us is below FRAUD_OP_MAX, the year 2112.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_OP_MAX ((uint64_t)1 << 52) /* every value is below */
#define FRAUD_OP_SKEW_US 1000000u        /* that any state may lie ahead */

#define FRAUD_GCRA_MAX_RATE 1000000u /* requests a second */
#define FRAUD_DECAY_MAX 10000000u    /* millipoints */
#define FRAUD_DECAY_LIFE 24u         /* halvings of that to nothing */
#define FRAUD_DISTINCT_LIST 24u      /* fingerprints, then a bitmap */
#define FRAUD_DISTINCT_BITS 384u
#define FRAUD_DISTINCT_MAX 1000u /* largest max= that is allowed */
#define FRAUD_SWAP_MAX 32u       /* bytes */

/*
 * gcra: the generic cell rate algorithm (ITU-T I.371, annex A) as a virtual
 * queue, n requests per period_us microseconds, of which burst + 1 may come
 * at once. debt is in units of 1/n microseconds.
 */
typedef struct {
    uint64_t period_us; /* 1 to 2^52 - 1 */
    uint32_t n;         /* 1 to 1,000,000 */
    uint32_t burst;     /* (burst + 1) * period_us < 2^52 */
} fraud_gcra_conf_t;

typedef struct {
    uint64_t last_us;
    uint64_t debt;
} fraud_gcra_t;

typedef struct {
    int over;          /* not conforming, and nothing was charged */
    uint64_t retry_us; /* ask again after this long; 0 unless over */
} fraud_gcra_result_t;

/*
 * fraud_gcra_check(conf):
 * Return FRAUD_OK if ${conf} is within the ranges above and not faster than
 * FRAUD_GCRA_MAX_RATE, FRAUD_EINVAL for a zero, else FRAUD_ELIMIT.
 */
fraud_rc fraud_gcra_check(const fraud_gcra_conf_t *conf) FRAUD_CHECK;

/*
 * fraud_gcra_widen(wide, conf, factor):
 * Set ${wide} to ${conf} ${factor} times as wide, rate and burst; it works on
 * states of ${conf}, as both count in its period. Results as
 * fraud_gcra_check().
 */
fraud_rc fraud_gcra_widen(fraud_gcra_conf_t *wide,
                          const fraud_gcra_conf_t *conf,
                          uint32_t factor) FRAUD_CHECK;

/*
 * fraud_gcra(state, conf, cost, now_us, charge, result):
 * debt = max(0, debt - elapsed * n); over iff debt + cost * period_us >
 * (burst + 1) * period_us. Unless over, and if ${charge}, add cost *
 * period_us to the debt. Without ${charge} the state is only read: "would
 * the next one be over?". A ${cost} of 0 is never over; one above burst + 1
 * always is, and its retry_us is the time until the bucket is empty. ${conf}
 * is one that fraud_gcra_check() accepts. Return 1 if the state changed.
 */
int fraud_gcra(fraud_gcra_t *state, const fraud_gcra_conf_t *conf,
               uint32_t cost, uint64_t now_us, int charge,
               fraud_gcra_result_t *result);

/*
 * decay: a value that halves every half_life_us. Whole halvings by shift, the
 * rest in 256 steps by table, rounded down.
 */
typedef struct {
    uint64_t time_us;
    uint64_t value; /* millipoints at time_us, at most FRAUD_DECAY_MAX */
} fraud_decay_t;

/*
 * fraud_decay(state, half_life_us, add, now_us, value):
 * Set ${*value} to what is left at ${now_us} plus ${add} millipoints (capped
 * at FRAUD_DECAY_MAX). With ${add} = 0 the state is only read; else it is
 * brought forward by whole steps, so that frequent calls neither stop the
 * decay nor lose value to rounding more than once a step (below a second of
 * half-life a step is cut to microseconds, and decay may lag). 0 <
 * half_life_us < 2^45. Return 1 if the state changed.
 */
int fraud_decay(fraud_decay_t *state, uint64_t half_life_us, uint64_t add,
                uint64_t now_us, uint64_t *value);

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
 * swap: a register of up to 32 opaque bytes that remembers when it was
 * written.
 */
typedef struct {
    uint64_t time_us;
    uint8_t len; /* 0: never written */
    uint8_t bytes[FRAUD_SWAP_MAX];
} fraud_swap_t;

/*
 * fraud_swap(state, bytes, len, now_us, before, age_us):
 * Copy the register to ${before} (its len says if there was any) and its age
 * to ${age_us} (0 if none, or written later than now), then store ${bytes}.
 * ${len} = 0 only reads; more than FRAUD_SWAP_MAX is cut. A register lives
 * for ever. Return 1 if the state changed.
 */
int fraud_swap(fraud_swap_t *state, const uint8_t *bytes, size_t len,
               uint64_t now_us, fraud_swap_t *before, uint64_t *age_us);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_OP_H */
