/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_BREAKER_H
#define FRAUD_BREAKER_H

/*
 * Whether to ask a server that may not answer. Closed, all is asked.
 * FRAUD_BREAKER_MISSES questions in a row without an answer in time, or a
 * trip, open it: nothing is asked but one probe after a backoff
 * (fraud_backoff.h). Only a probe that is answered in time closes it again; one
 * that is not makes the next backoff longer.
 *
 *               misses, trip             probe_sent
 *     CLOSED ------------------> OPEN <-------------> PROBING
 *        ^                            miss, trip         |
 *        +-----------------------------------------------+
 *                               ok
 *
 * Answers to what was asked before say nothing about now, so questions carry
 * the number that fraud_breaker_probe_sent() gave the probe, and 0 if they are
 * none. Times are in milliseconds of a clock that never goes back, random
 * numbers are of 0 .. 2^32 - 1.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_BREAKER_MISSES 5
#define FRAUD_BREAKER_NEVER UINT32_MAX

typedef enum {
    FRAUD_BREAKER_CLOSED = 0,
    FRAUD_BREAKER_OPEN,
    FRAUD_BREAKER_PROBING
} fraud_breaker_state_t;

typedef struct {
    fraud_breaker_state_t state;
    uint32_t base_ms;
    uint32_t max_ms;
    uint32_t misses;  /* in a row, while closed */
    uint32_t attempt; /* which probe is next since it was closed */
    uint32_t probe;   /* number of the last probe, never 0 */
    uint64_t due_ms;  /* of the next probe, unless closed */
} fraud_breaker_t;

/*
 * fraud_breaker_init(b, base_ms, max_ms):
 * Make ${b} a closed breaker, whose first probe comes up to ${base_ms} after it
 * opened and whose probes are at most ${max_ms} apart.
 */
void fraud_breaker_init(fraud_breaker_t *b, uint32_t base_ms, uint32_t max_ms);

/*
 * fraud_breaker_allows(b), fraud_breaker_probe_due(b, now_ms):
 * Return 1 if questions may be asked, and if a probe is to be sent now.
 */
int fraud_breaker_allows(const fraud_breaker_t *b);
int fraud_breaker_probe_due(const fraud_breaker_t *b, uint64_t now_ms);

/*
 * fraud_breaker_next(b, now_ms):
 * Return after how many milliseconds to ask fraud_breaker_probe_due() again;
 * FRAUD_BREAKER_NEVER if it is closed.
 */
uint32_t fraud_breaker_next(const fraud_breaker_t *b, uint64_t now_ms);

/*
 * fraud_breaker_probe_sent(b, now_ms):
 * A probe is on its way (connecting is one, too). Return its number, never 0.
 * The owner tells by fraud_breaker_ok() or fraud_breaker_miss() what came of
 * it; if he does not, another probe is due ${max_ms} later. Nothing changes if
 * ${b} is closed.
 */
uint32_t fraud_breaker_probe_sent(fraud_breaker_t *b, uint64_t now_ms);

/*
 * fraud_breaker_ok(b, probe):
 * A question was answered in time. Return 1 if that closed ${b}.
 */
int fraud_breaker_ok(fraud_breaker_t *b, uint32_t probe);

/*
 * fraud_breaker_miss(b, probe, now_ms, random):
 * A question was not answered in time. Return 1 if that opened ${b}, which was
 * closed.
 */
int fraud_breaker_miss(fraud_breaker_t *b, uint32_t probe, uint64_t now_ms,
                       uint32_t random);

/*
 * fraud_breaker_trip(b, now_ms, random):
 * It is known that nothing will be answered (a connection is lost): open at
 * once. Return 1 if ${b} was closed. While it is open, nothing changes.
 */
int fraud_breaker_trip(fraud_breaker_t *b, uint64_t now_ms, uint32_t random);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_BREAKER_H */
