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

#include "fraud_distinct.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_OP_MAX ((uint64_t)1 << 52) /* every value is below */
#define FRAUD_OP_SKEW_US 1000000u        /* that any state may lie ahead */

#define FRAUD_GCRA_MAX_RATE 1000000u   /* requests a second */
#define FRAUD_GCRA_EXCESS_US 10000000u /* that a debt may be past the limit */
#define FRAUD_DECAY_MAX 10000000u      /* millipoints */
#define FRAUD_DECAY_LIFE 24u           /* halvings of that to nothing */
#define FRAUD_SWAP_MAX 32u             /* bytes */

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
    uint64_t debt;     /* now: with what was charged, and with the drain of
                          the time by which last_us is later */
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
 * fraud_gcra_limit(conf):
 * Return the most that a debt can be by charges alone, (burst + 1) * period_us
 * in units of 1/n microseconds: the limit, itself not over. Below 2^52 for a
 * ${conf} that fraud_gcra_check() accepts.
 */
uint64_t fraud_gcra_limit(const fraud_gcra_conf_t *conf);

/*
 * fraud_gcra_wait(conf, debt):
 * Return after how many microseconds a ${debt} past fraud_gcra_limit() is not
 * past it any more, 0 if it is not.
 */
uint64_t fraud_gcra_wait(const fraud_gcra_conf_t *conf, uint64_t debt);

/*
 * fraud_gcra_most(conf):
 * Return the most that a debt can be: FRAUD_GCRA_EXCESS_US past the limit,
 * below 2^52.
 */
uint64_t fraud_gcra_most(const fraud_gcra_conf_t *conf);

/*
 * fraud_gcra(state, conf, cost, now_us, charge, result):
 * debt = max(0, debt - elapsed * n); over iff debt + cost * period_us >
 * fraud_gcra_limit(). Unless over, and if ${charge}, add cost *
 * period_us to the debt. Without ${charge} the state is only read: "would
 * the next one be over?". A ${cost} of 0 is never over; one above burst + 1
 * always is, and its retry_us is the time until the bucket is empty. A debt
 * past the limit (of a merge, or of a wider ${conf}) has to be waited for.
 * ${conf} is one that fraud_gcra_check() accepts. Return 1 if the state
 * changed.
 */
int fraud_gcra(fraud_gcra_t *state, const fraud_gcra_conf_t *conf,
               uint32_t cost, uint64_t now_us, int charge,
               fraud_gcra_result_t *result);

/*
 * What one host let through since it last heard from the others, all in units
 * of 1/n microseconds: ${sum} of the charges since, in which the drain of the
 * meantime is still to come; or ${add}, what was left of them after it (of a
 * host that was cut off); ${least}, the debt as this host knows it.
 */
typedef struct {
    uint64_t sum;
    uint64_t add;
    uint64_t least;
} fraud_gcra_fold_t;

/*
 * fraud_gcra_merge(state, conf, fold, now_us):
 * Fold ${fold} into a state that hosts share and return its debt at
 * ${now_us}: with d the debt as it was and t the time since, debt =
 * max(max(0, d - t * n) + add, d + sum - t * n, least); the charges of a sum
 * came meanwhile, so the drain takes from them too. It may go past the limit,
 * by FRAUD_GCRA_EXCESS_US at most: what hosts let through between them has to
 * be waited for. A fold of zeros only reads. A state that is later than now
 * counts as in fraud_gcra(), and what is returned includes what drains until
 * then.
 */
uint64_t fraud_gcra_merge(fraud_gcra_t *state, const fraud_gcra_conf_t *conf,
                          const fraud_gcra_fold_t *fold, uint64_t now_us);

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

/*
 * fraud_swap_merge(state, other, age_us, now_us):
 * Take the bytes of ${other}, which were written ${age_us} ago, unless those of
 * ${state} are newer or as old. A register of one byte is a mark: when was it
 * first so? There the older one stays. Return 1 if the state changed.
 */
int fraud_swap_merge(fraud_swap_t *state, const fraud_swap_t *other,
                     uint64_t age_us, uint64_t now_us);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_OP_H */
