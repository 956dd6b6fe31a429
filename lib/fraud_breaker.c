/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_breaker.h"

#include "fraud_backoff.h"

#include <string.h>

void fraud_breaker_init(fraud_breaker_t *b, uint32_t base_ms, uint32_t max_ms) {
    memset(b, 0, sizeof(*b));
    b->base_ms = base_ms;
    b->max_ms = max_ms;
}

int fraud_breaker_allows(const fraud_breaker_t *b) {
    return b->state == FRAUD_BREAKER_CLOSED;
}

int fraud_breaker_probe_due(const fraud_breaker_t *b, uint64_t now_ms) {
    return fraud_breaker_next(b, now_ms) == 0;
}

uint32_t fraud_breaker_next(const fraud_breaker_t *b, uint64_t now_ms) {
    if (b->state == FRAUD_BREAKER_CLOSED) {
        return FRAUD_BREAKER_NEVER;
    }
    if (now_ms >= b->due_ms) {
        return 0;
    }
    return b->due_ms - now_ms < FRAUD_BREAKER_NEVER
               ? (uint32_t)(b->due_ms - now_ms)
               : FRAUD_BREAKER_NEVER - 1;
}

static void open_until(fraud_breaker_t *b, uint64_t now_ms, uint32_t random) {
    b->state = FRAUD_BREAKER_OPEN;
    if (b->attempt < UINT32_MAX) {
        b->attempt++;
    }
    b->due_ms =
        now_ms + fraud_backoff_delay(b->base_ms, b->max_ms, b->attempt, random);
}

uint32_t fraud_breaker_probe_sent(fraud_breaker_t *b, uint64_t now_ms) {
    b->probe = b->probe < UINT32_MAX ? b->probe + 1 : 1;
    if (b->state != FRAUD_BREAKER_CLOSED) {
        b->state = FRAUD_BREAKER_PROBING;
        b->due_ms = now_ms + b->max_ms;
    }
    return b->probe;
}

int fraud_breaker_ok(fraud_breaker_t *b, uint32_t probe) {
    if (b->state == FRAUD_BREAKER_CLOSED) {
        b->misses = 0;
        return 0;
    }
    if (b->state == FRAUD_BREAKER_OPEN || probe != b->probe) {
        return 0;
    }
    b->state = FRAUD_BREAKER_CLOSED;
    b->misses = 0;
    b->attempt = 0;
    return 1;
}

int fraud_breaker_miss(fraud_breaker_t *b, uint32_t probe, uint64_t now_ms,
                       uint32_t random) {
    if (b->state == FRAUD_BREAKER_CLOSED) {
        if (++b->misses < FRAUD_BREAKER_MISSES) {
            return 0;
        }
        open_until(b, now_ms, random);
        return 1;
    }
    if (b->state == FRAUD_BREAKER_PROBING && probe == b->probe) {
        open_until(b, now_ms, random);
    }
    return 0;
}

int fraud_breaker_trip(fraud_breaker_t *b, uint64_t now_ms, uint32_t random) {
    int was_closed = b->state == FRAUD_BREAKER_CLOSED;

    if (b->state != FRAUD_BREAKER_OPEN) {
        open_until(b, now_ms, random);
    }
    return was_closed;
}
