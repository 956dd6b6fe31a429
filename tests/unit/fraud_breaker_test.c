/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define T0 ((uint64_t)1 << 40)
#define LONGEST UINT32_MAX /* a random number: all of the ceiling */

#define BASE 100
#define MAX 1000

static void is_closed(const fraud_breaker_t *b, uint64_t now) {
    assert_int_equal(b->state, FRAUD_BREAKER_CLOSED);
    assert_true(fraud_breaker_allows(b));
    assert_false(fraud_breaker_probe_due(b, now));
    assert_int_equal(fraud_breaker_next(b, now), FRAUD_BREAKER_NEVER);
}

/* Open or probing, and a probe is due after so long and not before. */
static void is_due_in(const fraud_breaker_t *b, uint64_t now, uint32_t ms) {
    assert_false(fraud_breaker_allows(b));
    assert_int_equal(fraud_breaker_next(b, now), ms);
    assert_int_equal(fraud_breaker_next(b, now + ms), 0);
    assert_int_equal(fraud_breaker_next(b, now + ms + 1000000), 0);
    assert_true(fraud_breaker_probe_due(b, now + ms));
    assert_true(fraud_breaker_probe_due(b, now + ms + 1000000));
    if (ms > 0) {
        assert_int_equal(fraud_breaker_next(b, now + ms - 1), 1);
        assert_false(fraud_breaker_probe_due(b, now + ms - 1));
    }
}

static void open_at(fraud_breaker_t *b, uint64_t now) {
    fraud_breaker_init(b, BASE, MAX);
    assert_int_equal(fraud_breaker_trip(b, now, LONGEST), 1);
    assert_int_equal(b->state, FRAUD_BREAKER_OPEN);
}

static void misses_in_a_row(void **state) {
    fraud_breaker_t b;
    unsigned i, k;

    (void)state;
    fraud_breaker_init(&b, BASE, MAX);
    is_closed(&b, T0);
    for (k = 0; k < 3; k++) {
        for (i = 0; i < FRAUD_BREAKER_MISSES - 1; i++) {
            assert_int_equal(fraud_breaker_miss(&b, 0, T0, LONGEST), 0);
            is_closed(&b, T0);
        }
        assert_int_equal(fraud_breaker_ok(&b, 0), 0);
    }
    for (i = 0; i < FRAUD_BREAKER_MISSES - 1; i++) {
        assert_int_equal(fraud_breaker_miss(&b, 0, T0, LONGEST), 0);
    }
    assert_int_equal(fraud_breaker_miss(&b, 0, T0, LONGEST), 1);
    is_due_in(&b, T0, BASE);

    /* what else was asked before is missed too, and changes nothing */
    assert_int_equal(fraud_breaker_miss(&b, 0, T0 + 50, LONGEST), 0);
    is_due_in(&b, T0, BASE);
}

static void trip(void **state) {
    fraud_breaker_t b;

    (void)state;
    open_at(&b, T0);
    is_due_in(&b, T0, BASE);
    assert_int_equal(fraud_breaker_trip(&b, T0 + 70, LONGEST), 0);
    is_due_in(&b, T0, BASE);

    fraud_breaker_init(&b, BASE, MAX);
    assert_int_equal(fraud_breaker_trip(&b, T0, 0), 1);
    is_due_in(&b, T0, 1);
}

/* Only the probe closes it, and all begins anew. */
static void probe_answered(void **state) {
    fraud_breaker_t b;
    uint32_t probe;
    unsigned i;

    (void)state;
    open_at(&b, T0);
    probe = fraud_breaker_probe_sent(&b, T0 + BASE);
    assert_int_not_equal(probe, 0);
    assert_int_equal(b.state, FRAUD_BREAKER_PROBING);
    is_due_in(&b, T0 + BASE, MAX);
    assert_int_equal(fraud_breaker_ok(&b, probe), 1);
    is_closed(&b, T0 + BASE);
    for (i = 0; i < FRAUD_BREAKER_MISSES - 1; i++) {
        assert_int_equal(fraud_breaker_miss(&b, probe, T0, LONGEST), 0);
    }
    assert_int_equal(fraud_breaker_miss(&b, 0, T0, LONGEST), 1);
    is_due_in(&b, T0, BASE);
}

static void probe_missed(void **state) {
    static const uint32_t delays[] = {200, 400, 800, MAX, MAX, MAX};
    fraud_breaker_t b;
    uint64_t now = T0;
    uint32_t probe;
    size_t i;

    (void)state;
    open_at(&b, now);
    for (i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        now += fraud_breaker_next(&b, now);
        probe = fraud_breaker_probe_sent(&b, now);
        now += 15;
        if (i % 2 == 0) {
            assert_int_equal(fraud_breaker_miss(&b, probe, now, LONGEST), 0);
        } else {
            assert_int_equal(fraud_breaker_trip(&b, now, LONGEST), 0);
        }
        assert_int_equal(b.state, FRAUD_BREAKER_OPEN);
        is_due_in(&b, now, delays[i]);
    }
    probe = fraud_breaker_probe_sent(&b, now + MAX);
    assert_int_equal(fraud_breaker_ok(&b, probe), 1);
    assert_int_equal(fraud_breaker_trip(&b, now, LONGEST), 1);
    is_due_in(&b, now, BASE);
}

/* Answers to what was asked before it opened, and to a probe given up. */
static void late_answers(void **state) {
    fraud_breaker_t b;
    uint32_t first, second;

    (void)state;
    open_at(&b, T0);
    assert_int_equal(fraud_breaker_ok(&b, 0), 0);
    is_due_in(&b, T0, BASE);

    first = fraud_breaker_probe_sent(&b, T0 + 100);
    assert_int_equal(fraud_breaker_ok(&b, 0), 0);
    assert_int_equal(fraud_breaker_miss(&b, 0, T0 + 101, LONGEST), 0);
    assert_int_equal(b.state, FRAUD_BREAKER_PROBING);
    is_due_in(&b, T0 + 100, MAX);

    assert_int_equal(fraud_breaker_miss(&b, first, T0 + 115, LONGEST), 0);
    assert_int_equal(fraud_breaker_ok(&b, first), 0);
    is_due_in(&b, T0 + 115, 200);

    second = fraud_breaker_probe_sent(&b, T0 + 315);
    assert_int_not_equal(first, second);
    assert_int_equal(fraud_breaker_ok(&b, first), 0);
    assert_int_equal(fraud_breaker_miss(&b, first, T0 + 316, LONGEST), 0);
    assert_int_equal(b.state, FRAUD_BREAKER_PROBING);
    assert_int_equal(fraud_breaker_ok(&b, second), 1);
    is_closed(&b, T0 + 317);
}

/* A probe of which nothing is heard does not hold it for ever. */
static void probe_forgotten(void **state) {
    fraud_breaker_t b;
    uint32_t probe, again;

    (void)state;
    open_at(&b, T0);
    probe = fraud_breaker_probe_sent(&b, T0 + 100);
    is_due_in(&b, T0 + 100, MAX);
    again = fraud_breaker_probe_sent(&b, T0 + 100 + MAX);
    is_due_in(&b, T0 + 100 + MAX, MAX);
    assert_int_equal(fraud_breaker_ok(&b, probe), 0);
    assert_int_equal(fraud_breaker_ok(&b, again), 1);
}

static void numbers_of_probes(void **state) {
    fraud_breaker_t b;
    uint32_t probe;

    (void)state;
    fraud_breaker_init(&b, BASE, MAX);
    assert_int_not_equal(fraud_breaker_probe_sent(&b, T0), 0);
    is_closed(&b, T0);

    open_at(&b, T0);
    b.probe = UINT32_MAX;
    b.attempt = UINT32_MAX;
    probe = fraud_breaker_probe_sent(&b, T0);
    assert_int_equal(probe, 1);
    assert_int_equal(fraud_breaker_miss(&b, probe, T0, LONGEST), 0);
    is_due_in(&b, T0, MAX);
    b.due_ms = UINT64_MAX;
    assert_int_equal(fraud_breaker_next(&b, T0), FRAUD_BREAKER_NEVER - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misses_in_a_row),   cmocka_unit_test(trip),
        cmocka_unit_test(probe_answered),    cmocka_unit_test(probe_missed),
        cmocka_unit_test(late_answers),      cmocka_unit_test(probe_forgotten),
        cmocka_unit_test(numbers_of_probes),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
