/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_share.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fraud_store.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define SECOND ((uint64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define T0 ((uint64_t)1700000040 * SECOND)

static const fraud_op_t rate = {
    FRAUD_OP_GCRA, 0x11111111, {.gcra = {MINUTE, 5, 5}}};
static const fraud_op_t single = {
    FRAUD_OP_GCRA, 0x11111112, {.gcra = {MINUTE, 5, 0}}};
/* limits of 1, of 15 and of 2^52 - 1 */
static const fraud_op_t fast = {FRAUD_OP_GCRA, 0x11111113, {.gcra = {1, 1, 0}}};
static const fraud_op_t odd = {FRAUD_OP_GCRA, 0x11111114, {.gcra = {5, 1, 2}}};
static const fraud_op_t slow = {
    FRAUD_OP_GCRA, 0x11111115, {.gcra = {FRAUD_OP_MAX - 1, 1, 0}}};
static const fraud_op_t points = {
    FRAUD_OP_DECAY, 0x22222222, {.half_life_us = 4 * HOUR}};
static const fraud_op_t agents = {
    FRAUD_OP_DISTINCT, 0x33333333, {.window_us = MINUTE}};
static const fraud_op_t place = {FRAUD_OP_SWAP, 0x44444444, {.window_us = 0}};

/* Past half of the limit, not at it. */
static void near_limits(void **unused) {
    static const struct {
        const fraud_op_t *op;
        uint64_t value, max;
        int near;
    } cases[] = {
        {&rate, 0, 0, 0},
        {&rate, 3 * MINUTE, 0, 0},
        {&rate, 3 * MINUTE + 1, 0, 1},
        {&rate, 6 * MINUTE, 0, 1},
        {&rate, UINT64_MAX, UINT64_MAX, 1},
        {&single, 30 * SECOND, 0, 0},
        {&single, 30 * SECOND + 1, 0, 1},
        {&fast, 0, 0, 0},
        {&fast, 1, 0, 1},
        {&odd, 7, 0, 0},
        {&odd, 8, 0, 1},
        {&slow, FRAUD_OP_MAX / 2 - 1, 0, 0},
        {&slow, FRAUD_OP_MAX / 2, 0, 1},
        {&slow, INT64_MAX, 0, 1},
        {&slow, (uint64_t)INT64_MAX + 1, 0, 1},
        {&agents, 0, 10, 0},
        {&agents, 5, 10, 0},
        {&agents, 6, 10, 1},
        {&agents, 5, 11, 0},
        {&agents, 0, 1, 0},
        {&agents, 1, 1, 1},
        {&agents, 0, 0, 0},
        {&agents, UINT64_MAX, 0, 1},
        {&agents, INT64_MAX, UINT64_MAX, 0},
        {&agents, (uint64_t)INT64_MAX + 1, UINT64_MAX, 1},
        {&points, 0, 0, 1},
        {&place, 0, UINT64_MAX, 1},
    };
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(
            fraud_share_near(cases[i].op, cases[i].value, cases[i].max),
            cases[i].near);
    }
}

static void echo(void **unused) {
    static const struct {
        const fraud_op_t *op;
        uint32_t unsent;
        uint64_t debt;
        int again;
    } cases[] = {
        {&rate, 1, 3 * MINUTE, 0},           {&rate, 1, 3 * MINUTE + 1, 1},
        {&rate, 0, 3 * MINUTE + 1, 0},       {&rate, 0, UINT64_MAX, 0},
        {&rate, UINT32_MAX, UINT64_MAX, 1},  {&rate, UINT32_MAX, 0, 0},
        {&single, 1, 30 * SECOND, 0},        {&single, 1, 30 * SECOND + 1, 1},
        {&slow, 1, FRAUD_OP_MAX / 2 - 1, 0}, {&slow, 1, FRAUD_OP_MAX / 2, 1},
        {&points, 1, UINT64_MAX, 0},         {&agents, 1, UINT64_MAX, 0},
        {&place, 1, UINT64_MAX, 0},
    };
    fraud_delta_t shared;
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        memset(&shared, 0, sizeof(shared));
        shared.gcra.least = cases[i].debt;
        assert_int_equal(
            fraud_share_echo(cases[i].op, cases[i].unsent, &shared),
            cases[i].again);
    }
}

/* By more than that, in whichever direction. */
static void differs(void **unused) {
    static const struct {
        const fraud_op_t *op;
        uint64_t one, two;
        int differs;
    } cases[] = {
        {&rate, 0, 0, 0},
        {&rate, MINUTE, MINUTE + 22500000, 0},
        {&rate, MINUTE, MINUTE + 22500001, 1},
        {&rate, 0, 6 * MINUTE, 1},
        {&rate, UINT64_MAX - 22500000, UINT64_MAX, 0},
        {&rate, UINT64_MAX - 22500001, UINT64_MAX, 1},
        {&rate, 0, UINT64_MAX, 1},
        {&rate, INT64_MAX, (uint64_t)INT64_MAX + 2, 0},
        {&single, 0, 3750000, 0},
        {&single, 0, 3750001, 1},
        /* a sixteenth of so little is nothing */
        {&fast, 0, 0, 0},
        {&fast, 0, 1, 1},
        {&odd, 15, 15, 0},
        {&odd, 14, 15, 1},
        {&slow, 0, FRAUD_OP_MAX / 16 - 1, 0},
        {&slow, 0, FRAUD_OP_MAX / 16, 1},
        {&points, 0, 500, 0},
        {&points, 0, 501, 1},
        {&points, FRAUD_DECAY_MAX - 500, FRAUD_DECAY_MAX, 0},
        {&points, 0, UINT64_MAX, 1},
        {&points, UINT64_MAX, UINT64_MAX, 0},
        {&agents, 0, UINT64_MAX, 0},
        {&place, 0, UINT64_MAX, 0},
    };
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(
            fraud_share_differs(cases[i].op, cases[i].one, cases[i].two),
            cases[i].differs);
        assert_int_equal(
            fraud_share_differs(cases[i].op, cases[i].two, cases[i].one),
            cases[i].differs);
    }
}

/* All of it is to be added, and nothing else is touched. */
static void adopt_gcra(void **unused) {
    static const uint64_t debts[] = {1, 6 * MINUTE, FRAUD_OP_MAX - 1, INT64_MAX,
                                     UINT64_MAX};
    fraud_delta_t state, want;
    size_t i;

    (void)unused;
    memset(&state, 0, sizeof(state));
    want = state;
    assert_int_equal(fraud_share_adopt(&rate, &state, 1), 0);
    assert_memory_equal(&state, &want, sizeof(state));
    for (i = 0; i < N(debts); i++) {
        memset(&state, 0, sizeof(state));
        state.gcra.least = debts[i];
        want.gcra.add = debts[i];
        assert_int_equal(fraud_share_adopt(&rate, &state, i % 2 != 0), 1);
        assert_memory_equal(&state, &want, sizeof(state));
    }
}

/* The others add up as they are. */
static void adopt_same(void **unused) {
    fraud_delta_t state, before;
    int i;

    (void)unused;
    for (i = 0; i < 2; i++) {
        memset(&state, 0, sizeof(state));
        assert_int_equal(fraud_share_adopt(&points, &state, i), 0);
        assert_int_equal(fraud_share_adopt(&place, &state, i), 0);
        assert_int_equal(fraud_share_adopt(&agents, &state, i), 0);

        state.decay = 1;
        before = state;
        assert_int_equal(fraud_share_adopt(&points, &state, i), 1);
        assert_int_equal(fraud_share_adopt(&place, &state, i), 0);
        assert_memory_equal(&state, &before, sizeof(state));

        state.decay = 0;
        state.swap.len = 1;
        state.age_us = HOUR;
        before = state;
        assert_int_equal(fraud_share_adopt(&place, &state, i), 1);
        assert_int_equal(fraud_share_adopt(&points, &state, i), 0);
        assert_memory_equal(&state, &before, sizeof(state));
    }
}

/* Under another secret the same value has another hash. */
static void adopt_distinct(void **unused) {
    static const uint8_t n[][2] = {
        {1, 0}, {0, 1}, {24, 24}, {FRAUD_DISTINCT_BITMAP, 0}};
    fraud_delta_t state, before, none;
    size_t i;

    (void)unused;
    memset(&none, 0, sizeof(none));
    for (i = 0; i < N(n); i++) {
        memset(&state, 0, sizeof(state));
        state.distinct.window = T0 / MINUTE;
        memcpy(state.distinct.n, n[i], 2);
        memset(state.distinct.set, 0x5a, sizeof(state.distinct.set));
        before = state;
        assert_int_equal(fraud_share_adopt(&agents, &state, 0), 1);
        assert_memory_equal(&state, &before, sizeof(state));
        assert_int_equal(fraud_share_adopt(&agents, &state, 1), 0);
        assert_memory_equal(&state, &none, sizeof(state));
    }
}

/* What was known under one pseudonym is known under the next. */
static void adopt_folds(void **unused) {
    static const fraud_gcra_t before = {T0, MINUTE};
    fraud_delta_t delta;
    fraud_gcra_t state;

    (void)unused;
    memset(&delta, 0, sizeof(delta));
    delta.gcra.least = 2 * MINUTE;
    assert_int_equal(fraud_share_adopt(&rate, &delta, 0), 1);
    state = before;
    assert_int_equal(
        fraud_gcra_merge(&state, &rate.u.gcra, &delta.gcra, T0 + SECOND),
        3 * MINUTE - 5 * SECOND);
    /* what drained meanwhile was the other's */
    state = before;
    assert_int_equal(
        fraud_gcra_merge(&state, &rate.u.gcra, &delta.gcra, T0 + MINUTE),
        2 * MINUTE);
}

/* A delta with nothing in it writes nothing, and so it is not worth sending. */
static void adopt_nothing(void **unused) {
    static const fraud_op_t *const ops[] = {&rate, &points, &agents, &place};
    uint8_t bytes[64], empty[64];
    fraud_store_argument_t a;
    fraud_delta_t delta;
    size_t i, len;

    (void)unused;
    fraud_store_begin(&a, empty, sizeof(empty), 60);
    memset(&delta, 0, sizeof(delta));
    fraud_store_merge(&a, &rate, &delta);
    assert_int_equal(fraud_store_end(&a), FRAUD_OK);
    len = a.buf.len;
    for (i = 0; i < N(ops); i++) {
        memset(&delta, 0, sizeof(delta));
        assert_int_equal(fraud_share_adopt(ops[i], &delta, 0), 0);
        fraud_store_begin(&a, bytes, sizeof(bytes), 60);
        fraud_store_merge(&a, ops[i], &delta);
        assert_int_equal(fraud_store_end(&a), FRAUD_OK);
        assert_int_equal(a.buf.len, len);
        assert_memory_equal(bytes, empty, len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_limits), cmocka_unit_test(echo),
        cmocka_unit_test(differs),     cmocka_unit_test(adopt_gcra),
        cmocka_unit_test(adopt_same),  cmocka_unit_test(adopt_distinct),
        cmocka_unit_test(adopt_folds), cmocka_unit_test(adopt_nothing),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
