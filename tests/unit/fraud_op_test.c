/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_op.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define SECOND ((uint64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 ((uint64_t)1700000000 * SECOND)

__extension__ typedef __int128 wide_t;

static uint64_t seed;

/* splitmix64 */
static uint64_t random_u64(void) {
    uint64_t x;

    x = seed += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t random_below(uint64_t n) {
    return random_u64() % n;
}

static void random_bytes(void *p, size_t len) {
    uint8_t *bytes = p;

    while (len-- > 0) {
        *bytes++ = (uint8_t)random_u64();
    }
}

static void gcra_check(void **unused) {
    static const struct {
        fraud_gcra_conf_t conf;
        fraud_rc rc;
    } cases[] = {
        {{MINUTE, 5, 5}, FRAUD_OK},
        {{DAY, 1, 0}, FRAUD_OK},
        {{SECOND, 1000000, 0}, FRAUD_OK},
        {{1, 1, 0}, FRAUD_OK},
        {{FRAUD_OP_MAX - 1, 1, 0}, FRAUD_OK},
        {{FRAUD_OP_MAX / 2 - 1, 1000000, 1}, FRAUD_OK},
        {{1048576, 1, 4294967294u}, FRAUD_OK},
        {{1048576, 1, 4294967295u}, FRAUD_ELIMIT},
        {{0, 1, 0}, FRAUD_EINVAL},
        {{SECOND, 0, 0}, FRAUD_EINVAL},
        {{SECOND, 1000001, 0}, FRAUD_ELIMIT},
        {{MINUTE, 1000001, 0}, FRAUD_ELIMIT},
        {{SECOND - 1, 1000000, 0}, FRAUD_ELIMIT},
        {{1, 2, 0}, FRAUD_ELIMIT},
        {{FRAUD_OP_MAX, 1, 0}, FRAUD_ELIMIT},
        {{FRAUD_OP_MAX / 2, 1, 1}, FRAUD_ELIMIT},
        {{UINT64_MAX, 1, 0}, FRAUD_ELIMIT},
        {{UINT64_MAX, 1, UINT32_MAX}, FRAUD_ELIMIT},
    };
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(fraud_gcra_check(&cases[i].conf), cases[i].rc);
    }
}

typedef struct {
    uint64_t after_us; /* T0 */
    uint32_t cost;
    int charge;
    int over;
    uint64_t retry_us;
    uint64_t last_us; /* not 0: the state starts past all limits, at that */
} gcra_step_t;

typedef struct {
    fraud_gcra_conf_t conf;
    unsigned n;
    gcra_step_t steps[12];
} gcra_case_t;

static const gcra_case_t gcra_cases[] = {
    /* six pass, the seventh is over, one more every 12 seconds */
    {{MINUTE, 5, 5},
     12,
     {{0, 1, 1, 0, 0, 0},
      {0, 1, 1, 0, 0, 0},
      {0, 1, 1, 0, 0, 0},
      {0, 1, 1, 0, 0, 0},
      {0, 1, 1, 0, 0, 0},
      {0, 1, 0, 0, 0, 0},
      {0, 1, 1, 0, 0, 0},
      {0, 1, 0, 1, 12 * SECOND, 0},
      {0, 1, 1, 1, 12 * SECOND, 0},
      {12 * SECOND - 1, 1, 1, 1, 1, 0},
      {12 * SECOND, 1, 1, 0, 0, 0},
      {12 * SECOND, 1, 1, 1, 12 * SECOND, 0}}},
    /* idle: as new, not better than new; a high cost takes all */
    {{MINUTE, 5, 5},
     10,
     {{0, 6, 1, 0, 0, 0},
      {DAY, 7, 1, 1, 0, 0},
      {DAY, 6, 1, 0, 0, 0},
      {DAY, 0, 1, 0, 0, 0},
      {DAY, 0, 0, 0, 0, 0},
      {DAY, 6, 1, 1, 72 * SECOND, 0},
      {DAY, 7, 1, 1, 72 * SECOND, 0},
      {DAY, UINT32_MAX, 1, 1, 72 * SECOND, 0},
      {DAY + 36 * SECOND, 4, 1, 1, 12 * SECOND, 0},
      {DAY + 36 * SECOND, 3, 1, 0, 0, 0}}},
    {{DAY, 1, 0},
     4,
     {{0, 1, 1, 0, 0, 0},
      {HOUR, 1, 1, 1, 23 * HOUR, 0},
      {DAY - 1, 1, 1, 1, 1, 0},
      {DAY, 1, 1, 0, 0, 0}}},
    {{SECOND, 1000000, 0},
     5,
     {{0, 1, 1, 0, 0, 0},
      {0, 1, 1, 1, 1, 0},
      {1, 1, 1, 0, 0, 0},
      {0, 1, 1, 1, 2, 0},
      {2, 1, 1, 0, 0, 0}}},
    /* thirds of a second are kept as such */
    {{SECOND, 3, 1},
     8,
     {{0, 1, 1, 0, 0, 0},
      {0, 1, 1, 0, 0, 0},
      {0, 1, 1, 1, 333334, 0},
      {333333, 1, 1, 1, 1, 0},
      {333334, 1, 1, 0, 0, 0},
      {666666, 1, 1, 1, 1, 0},
      {666667, 1, 1, 0, 0, 0},
      {1000000, 1, 1, 0, 0, 0}}},
    /* ten seconds past the limit at most; a last charge ahead of now: believed
       to a second past its life */
    {{MINUTE, 5, 5},
     9,
     {{0, 1, 1, 1, 22 * SECOND, T0},
      {0, 6, 1, 1, 82 * SECOND, T0},
      {0, 7, 1, 1, 82 * SECOND, T0},
      {0, 0, 1, 0, 0, T0},
      {0, 1, 1, 1, 32 * SECOND, T0 + 10 * SECOND},
      {0, 1, 0, 1, 105 * SECOND, T0 + 83 * SECOND},
      {0, 1, 0, 0, 0, T0 + 83 * SECOND + 1},
      {0, 6, 0, 0, 0, FRAUD_OP_MAX},
      {0, 6, 0, 0, 0, UINT64_MAX}}},
    /* products beyond 64 bits */
    {{FRAUD_OP_MAX - 1, 1000000, 0},
     6,
     {{0, 1, 1, 0, 0, 0},
      {1, 1, 1, 1, 4503599627, 0},
      {0, UINT32_MAX, 1, 1, 4503599628, 0},
      {4503599627, 1, 1, 1, 1, 0},
      {4503599628, 1, 1, 0, 0, 0},
      {FRAUD_OP_MAX - 1 - T0, 1, 1, 0, 0, 0}}},
    {{FRAUD_OP_MAX - 1, 1, 0},
     2,
     {{0, 1, 0, 1, FRAUD_OP_MAX - 1, T0}, {0, 1, 0, 0, 0, FRAUD_OP_MAX}}},
};

static void gcra_table(void **unused) {
    const gcra_step_t *step;
    fraud_gcra_result_t result;
    fraud_gcra_t state, before;
    size_t i, j;
    int changed;

    (void)unused;
    for (i = 0; i < N(gcra_cases); i++) {
        memset(&state, 0, sizeof(state));
        for (j = 0; j < gcra_cases[i].n; j++) {
            step = &gcra_cases[i].steps[j];
            if (step->last_us != 0) {
                state.last_us = step->last_us;
                state.debt = UINT64_MAX;
            }
            before = state;
            memset(&result, 0xff, sizeof(result));
            changed = fraud_gcra(&state, &gcra_cases[i].conf, step->cost,
                                 T0 + step->after_us, step->charge, &result);
            assert_int_equal(result.over, step->over);
            assert_int_equal(result.retry_us, step->retry_us);
            assert_int_equal(changed,
                             !step->over && step->charge && step->cost != 0);
            assert_int_equal(changed, memcmp(&state, &before, 16) != 0);
        }
    }
}

/*
 * The other textbook form, virtual scheduling: the theoretical arrival time,
 * in 1/n microseconds since 1970.
 */
typedef struct {
    wide_t tat;
    uint64_t last_us;
} reference_t;

static fraud_gcra_result_t reference(reference_t *ref,
                                     const fraud_gcra_conf_t *conf,
                                     uint32_t cost, uint64_t now_us,
                                     int charge) {
    fraud_gcra_result_t result = {0, 0, 0};
    wide_t n = conf->n, most = (wide_t)conf->burst + 1, now, tat, late;
    uint64_t last_us = ref->last_us;

    tat = ref->tat;
    late = (wide_t)last_us - (wide_t)now_us - (wide_t)(11 * SECOND);
    if (late > 0 && late * n >= most * (wide_t)conf->period_us + n) {
        last_us = now_us;
        tat = 0;
    }
    if (last_us < now_us) {
        last_us = now_us;
    }
    now = (wide_t)last_us * n;
    if (tat < now) {
        tat = now;
    }
    result.debt = (uint64_t)(tat - (wide_t)now_us * n);
    tat += (cost <= most ? (wide_t)cost - most : 0) * (wide_t)conf->period_us;
    if (cost > most || tat > now) {
        result.over = 1;
        result.retry_us = (uint64_t)((tat + n - 1) / n - (wide_t)now_us);
    } else if (charge && cost != 0) {
        ref->tat = tat + most * (wide_t)conf->period_us;
        ref->last_us = last_us;
        result.debt = (uint64_t)(ref->tat - (wide_t)now_us * n);
    }
    return result;
}

/* To just before, at or after when something happens, or anywhere. */
static uint64_t random_time(uint64_t now_us, uint64_t interval,
                            uint64_t retry_us) {
    uint64_t back;

    switch (random_below(8)) {
    case 0:
        return now_us;
    case 1:
        return now_us + retry_us;
    case 2:
        return now_us + retry_us - (retry_us != 0);
    case 3:
        return now_us + random_below(20 * interval);
    case 4:
        back = random_below(8) != 0 ? interval : 40 * interval + 14 * SECOND;
        return now_us - random_below(back < T0 / 4 ? back : T0 / 4);
    default:
        return now_us + random_below(2 * interval);
    }
}

static void gcra_random_run(const fraud_gcra_conf_t *conf) {
    fraud_gcra_t state = {0, 0};
    fraud_gcra_result_t got = {0, 0, 0}, want;
    reference_t ref = {0, 0};
    uint64_t now_us = T0, interval = conf->period_us / conf->n;
    uint32_t cost;
    unsigned i;
    int charge;

    for (i = 0; i < 500; i++) {
        now_us = random_time(now_us, interval, got.retry_us);
        if (now_us > FRAUD_OP_MAX / 4 * 3 || now_us < T0 / 2) {
            now_us = T0;
        }
        cost = random_below(4) != 0
                   ? 1
                   : (uint32_t)random_below((uint64_t)conf->burst + 3);
        charge = random_below(4) != 0;
        want = reference(&ref, conf, cost, now_us, charge);
        fraud_gcra(&state, conf, cost, now_us, charge, &got);
        assert_int_equal(got.over, want.over);
        assert_int_equal(got.debt, want.debt);
        assert_int_equal(got.retry_us, want.retry_us);
        if (got.over && cost <= conf->burst + 1) {
            fraud_gcra(&state, conf, cost, now_us + want.retry_us, 0, &got);
            assert_int_equal(got.over, 0);
            fraud_gcra(&state, conf, cost, now_us + want.retry_us - 1, 0, &got);
            assert_int_equal(got.over, 1);
            assert_int_equal(got.retry_us, 1);
        }
        got = want;
    }
}

static void gcra_random(void **unused) {
    static const uint64_t periods[] = {SECOND, MINUTE, HOUR, DAY};
    fraud_gcra_conf_t conf;
    unsigned i;

    (void)unused;
    seed = 1;
    for (i = 0; i < 600; i++) {
        conf.period_us = periods[i % 4];
        conf.n = i < 8 ? 1 : (uint32_t)(random_u64() >> (44 + i % 20)) + 1;
        conf.n = conf.n > 1000000 || i % 50 == 0 ? 1000000 : conf.n;
        conf.burst = (uint32_t)random_below(i % 3 != 0 ? 20 : 2000);
        assert_int_equal(fraud_gcra_check(&conf), FRAUD_OK);
        gcra_random_run(&conf);
    }
}

/* As it is now, and after the charge if there was one. */
static void gcra_debt(void **unused) {
    static const struct {
        uint64_t now_us;
        uint32_t cost;
        int charge, over;
        uint64_t debt;
    } steps[] = {
        {T0, 1, 0, 0, 0},
        {T0, 2, 1, 0, 2 * MINUTE},
        {T0, 1, 0, 0, 2 * MINUTE},
        {T0, 0, 1, 0, 2 * MINUTE},
        {T0 + SECOND, 1, 0, 0, 2 * MINUTE - 5 * SECOND},
        {T0 + SECOND, 1, 1, 0, 3 * MINUTE - 5 * SECOND},
        {T0 + SECOND, 4, 1, 1, 3 * MINUTE - 5 * SECOND},
        {T0 + 2 * SECOND, 9, 1, 1, 3 * MINUTE - 10 * SECOND},
        /* the state is later */
        {T0, 1, 0, 0, 3 * MINUTE},
        {T0, 1, 1, 0, 4 * MINUTE},
        {T0, 3, 1, 1, 4 * MINUTE},
        {T0 + SECOND, 1, 0, 0, 4 * MINUTE - 5 * SECOND},
        {T0 + HOUR, 1, 0, 0, 0},
    };
    static const fraud_gcra_conf_t conf = {MINUTE, 5, 5};
    fraud_gcra_t state = {0, 0};
    fraud_gcra_result_t result;
    size_t i;

    (void)unused;
    for (i = 0; i < N(steps); i++) {
        fraud_gcra(&state, &conf, steps[i].cost, steps[i].now_us,
                   steps[i].charge, &result);
        assert_int_equal(result.over, steps[i].over);
        assert_int_equal(result.debt, steps[i].debt);
    }
}

/* Rate and burst, both so many times: an empty bucket holds as many more. */
static void gcra_widen(void **unused) {
    static const struct {
        fraud_gcra_conf_t conf;
        uint32_t factor;
        fraud_rc rc;
        uint32_t n, burst;
    } cases[] = {
        {{MINUTE, 5, 5}, 1, FRAUD_OK, 5, 5},
        {{MINUTE, 5, 5}, 10, FRAUD_OK, 50, 59},
        {{MINUTE, 5, 0}, 10, FRAUD_OK, 50, 9},
        {{SECOND, 100000, 0}, 10, FRAUD_OK, 1000000, 9},
        {{SECOND, 100000, 0}, 11, FRAUD_ELIMIT, 0, 0},
        {{DAY, 1, 51000}, 1, FRAUD_OK, 1, 51000},
        {{DAY, 1, 51000}, 2, FRAUD_ELIMIT, 0, 0},
        {{1, 1, 0}, 2, FRAUD_ELIMIT, 0, 0},
        {{1, 1, 4294967293u}, 1, FRAUD_OK, 1, 4294967293u},
        {{1048576, 1, 2147483646u}, 2, FRAUD_OK, 2, 4294967293u},
        {{1048576, 1, 2147483647u}, 2, FRAUD_ELIMIT, 0, 0},
        {{DAY, 1000000, 0}, 4295, FRAUD_ELIMIT, 0, 0},
        {{MINUTE, 5, 5}, UINT32_MAX, FRAUD_ELIMIT, 0, 0},
        {{MINUTE, 5, 5}, 0, FRAUD_EINVAL, 0, 0},
    };
    fraud_gcra_conf_t wide;
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(
            fraud_gcra_widen(&wide, &cases[i].conf, cases[i].factor),
            cases[i].rc);
        if (cases[i].rc == FRAUD_OK) {
            assert_int_equal(wide.period_us, cases[i].conf.period_us);
            assert_int_equal(wide.n, cases[i].n);
            assert_int_equal(wide.burst, cases[i].burst);
        }
    }
}

static unsigned pass_at_once(fraud_gcra_t *state, const fraud_gcra_conf_t *conf,
                             uint64_t now_us) {
    fraud_gcra_result_t result;
    unsigned n = 0;

    while (fraud_gcra(state, conf, 1, now_us, 1, &result)) {
        n++;
    }
    assert_int_equal(result.over, 1);
    return n;
}

/* One state under both: what was used up stays so when it widens or narrows. */
static void gcra_widened_state(void **unused) {
    static const fraud_gcra_conf_t conf = {MINUTE, 5, 5};
    fraud_gcra_conf_t wide;
    fraud_gcra_t state = {0, 0};
    fraud_gcra_result_t result;

    (void)unused;
    assert_int_equal(fraud_gcra_widen(&wide, &conf, 10), FRAUD_OK);
    assert_int_equal(pass_at_once(&state, &conf, T0), 6);
    assert_int_equal(pass_at_once(&state, &wide, T0), 54);

    /* one every 1.2 seconds now */
    fraud_gcra(&state, &wide, 1, T0, 0, &result);
    assert_int_equal(result.retry_us, 1200000);
    assert_int_equal(pass_at_once(&state, &wide, T0 + 1200000), 1);
    assert_int_equal(pass_at_once(&state, &wide, T0 + 13200000), 10);

    /* narrow again: past the limit by ten seconds, no more than that; a refusal
       forgives nothing */
    fraud_gcra(&state, &conf, 1, T0 + 13200000, 0, &result);
    assert_int_equal(result.over, 1);
    assert_int_equal(result.retry_us, 22 * SECOND);
    assert_int_equal(pass_at_once(&state, &conf, T0 + 13200000), 0);
    assert_int_equal(pass_at_once(&state, &wide, T0 + 13200000), 0);
    assert_int_equal(pass_at_once(&state, &wide, T0 + 13200000 + MINUTE), 50);
}

static void gcra_limit(void **unused) {
    static const struct {
        fraud_gcra_conf_t conf;
        uint64_t limit;
    } cases[] = {
        {{MINUTE, 5, 0}, MINUTE},
        {{MINUTE, 5, 5}, 6 * MINUTE},
        {{MINUTE, 1, 5}, 6 * MINUTE},
        {{1, 1, 0}, 1},
        /* burst + 1 and the product are past 32 bits */
        {{1, 1, UINT32_MAX}, (uint64_t)1 << 32},
        {{1048575, 1, UINT32_MAX}, FRAUD_OP_MAX - ((uint64_t)1 << 32)},
        {{1048576, 1, UINT32_MAX - 1}, FRAUD_OP_MAX - 1048576},
        {{FRAUD_OP_MAX - 1, 1000000, 0}, FRAUD_OP_MAX - 1},
        {{FRAUD_OP_MAX / 2 - 1, 1, 1}, FRAUD_OP_MAX - 2},
    };
    fraud_gcra_result_t result;
    fraud_gcra_t state;
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(fraud_gcra_check(&cases[i].conf), FRAUD_OK);
        assert_int_equal(fraud_gcra_limit(&cases[i].conf), cases[i].limit);
        /* the last request that passes brings the debt just there */
        state.last_us = T0;
        state.debt = cases[i].limit - cases[i].conf.period_us;
        assert_int_equal(fraud_gcra(&state, &cases[i].conf, 1, T0, 1, &result),
                         1);
        assert_int_equal(result.debt, cases[i].limit);
        assert_int_equal(fraud_gcra(&state, &cases[i].conf, 1, T0, 1, &result),
                         0);
        assert_int_equal(result.over, 1);
    }
}

static void gcra_wait(void **unused) {
    static const struct {
        fraud_gcra_conf_t conf;
        uint64_t debt, wait_us;
    } cases[] = {
        {{MINUTE, 5, 5}, 0, 0},
        {{MINUTE, 5, 5}, 6 * MINUTE - 1, 0},
        {{MINUTE, 5, 5}, 6 * MINUTE, 0},
        {{MINUTE, 5, 5}, 6 * MINUTE + 1, 1},
        {{MINUTE, 5, 5}, 6 * MINUTE + 5, 1},
        {{MINUTE, 5, 5}, 6 * MINUTE + 6, 2},
        {{MINUTE, 5, 5}, 7 * MINUTE, 12 * SECOND},
        {{MINUTE, 5, 0}, MINUTE, 0},
        {{MINUTE, 5, 0}, MINUTE + 1, 1},
        {{MINUTE, 5, 0}, 2 * MINUTE, 12 * SECOND},
        {{SECOND, 1000000, 0}, SECOND + 1000000, 1},
        {{SECOND, 1000000, 0}, SECOND + 1000001, 2},
        {{1, 1, 0}, 1, 0},
        {{1, 1, 0}, UINT64_MAX, UINT64_MAX - 1},
        {{1, 1, UINT32_MAX}, (uint64_t)1 << 32, 0},
        {{1, 1, UINT32_MAX}, ((uint64_t)1 << 32) + 7, 7},
        {{FRAUD_OP_MAX - 1, 1000000, 0}, FRAUD_OP_MAX - 1, 0},
        {{FRAUD_OP_MAX - 1, 1000000, 0}, FRAUD_OP_MAX, 1},
        {{FRAUD_OP_MAX - 1, 1, 0}, INT64_MAX, INT64_MAX - FRAUD_OP_MAX + 1},
        {{SECOND, 1000000, 0}, UINT64_MAX, 18446744073709},
        {{SECOND, 3, 0}, UINT64_MAX, (UINT64_MAX - SECOND) / 3 + 1},
    };
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(fraud_gcra_check(&cases[i].conf), FRAUD_OK);
        assert_int_equal(fraud_gcra_wait(&cases[i].conf, cases[i].debt),
                         cases[i].wait_us);
    }
}

static void gcra_most(void **unused) {
    static const struct {
        fraud_gcra_conf_t conf;
        uint64_t most;
    } cases[] = {
        {{MINUTE, 5, 5}, 410 * SECOND},
        {{SECOND, 1000000, 0}, 10000001 * SECOND},
        {{FRAUD_OP_MAX - 1, 1, 0}, FRAUD_OP_MAX - 1},
        {{FRAUD_OP_MAX - 10000001, 1, 0}, FRAUD_OP_MAX - 1},
        {{FRAUD_OP_MAX - 10000002, 1, 0}, FRAUD_OP_MAX - 2},
    };
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(fraud_gcra_most(&cases[i].conf), cases[i].most);
    }
}

/* 5 r/m, burst 5: the state at T0, what is folded in 10 seconds later. */
static void gcra_merge(void **unused) {
    static const fraud_gcra_conf_t conf = {MINUTE, 5, 5};
    static const struct {
        uint64_t last_us, debt;
        fraud_gcra_fold_t fold;
        uint64_t result;
        int changed;
        uint64_t after_us, after;
    } cases[] = {
        /* 50 seconds' worth drains in 10 */
        {T0, 80 * SECOND, {0, 0, 0}, 30 * SECOND, 0, 0, 0},
        {T0, 20 * SECOND, {0, 0, 0}, 0, 0, 0, 0},
        {0, 0, {0, 0, 0}, 0, 0, 0, 0},
        /* the drain takes from a sum, from what was added it took already */
        {T0, 20 * SECOND, {MINUTE, 0, 0}, 30 * SECOND, 1, 10, 30 * SECOND},
        {T0, 20 * SECOND, {20 * SECOND, 0, 0}, 0, 0, 0, 0},
        {T0, 20 * SECOND, {0, MINUTE, 0}, MINUTE, 1, 10, MINUTE},
        {T0, 80 * SECOND, {0, MINUTE, 0}, 90 * SECOND, 1, 10, 90 * SECOND},
        {T0, 80 * SECOND, {0, 0, 30 * SECOND}, 30 * SECOND, 0, 0, 0},
        {T0, 80 * SECOND, {0, 0, 31 * SECOND}, 31 * SECOND, 1, 10, 31 * SECOND},
        {T0,
         0,
         {80 * SECOND, 40 * SECOND, 50 * SECOND},
         50 * SECOND,
         1,
         10,
         50 * SECOND},
        /* past the limit by ten seconds at most */
        {T0, 360 * SECOND, {MINUTE, 0, 0}, 370 * SECOND, 1, 10, 370 * SECOND},
        {T0,
         360 * SECOND,
         {UINT64_MAX, 0, 0},
         410 * SECOND,
         1,
         10,
         410 * SECOND},
        {T0, 0, {0, UINT64_MAX, 0}, 410 * SECOND, 1, 10, 410 * SECOND},
        {T0, 0, {0, 0, UINT64_MAX}, 410 * SECOND, 1, 10, 410 * SECOND},
        {T0, UINT64_MAX, {0, 0, 0}, 360 * SECOND, 0, 0, 0},
        /* two seconds ahead: 10 more to drain */
        {T0 + 12 * SECOND, 20 * SECOND, {0, 0, 0}, 30 * SECOND, 0, 0, 0},
        {T0 + 12 * SECOND,
         20 * SECOND,
         {MINUTE, 0, 0},
         90 * SECOND,
         1,
         12,
         80 * SECOND},
        {T0 + 12 * SECOND,
         20 * SECOND,
         {0, 0, 30 * SECOND},
         30 * SECOND,
         0,
         0,
         0},
        {T0 + 12 * SECOND,
         20 * SECOND,
         {0, 0, 31 * SECOND},
         31 * SECOND,
         1,
         12,
         21 * SECOND},
        /* absurd */
        {T0 + 94 * SECOND, 20 * SECOND, {0, 0, 0}, 0, 0, 0, 0},
        {T0 + 94 * SECOND, 20 * SECOND, {1, 0, 0}, 1, 1, 10, 1},
        {UINT64_MAX, UINT64_MAX, {0, 2, 1}, 2, 1, 10, 2},
    };
    fraud_gcra_t state;
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        state.last_us = cases[i].last_us;
        state.debt = cases[i].debt;
        assert_int_equal(
            fraud_gcra_merge(&state, &conf, &cases[i].fold, T0 + 10 * SECOND),
            cases[i].result);
        if (!cases[i].changed) {
            assert_int_equal(state.last_us, cases[i].last_us);
            assert_int_equal(state.debt, cases[i].debt);
            continue;
        }
        assert_int_equal(state.last_us, T0 + cases[i].after_us * SECOND);
        assert_int_equal(state.debt, cases[i].after);
    }
}

/* What a merge tells is what a check knows: the time until a cost conforms. */
static void gcra_merge_agrees(void **unused) {
    static const fraud_gcra_conf_t conf = {MINUTE, 7, 9};
    static const fraud_gcra_fold_t none = {0, 0, 0};
    fraud_gcra_result_t result;
    fraud_gcra_t state;
    uint64_t debt;
    unsigned i;

    (void)unused;
    seed = 6;
    for (i = 0; i < 20000; i++) {
        state.last_us = T0 - 100 * SECOND + random_below(220 * SECOND);
        state.debt = random_below(1000 * SECOND);
        debt = fraud_gcra_merge(&state, &conf, &none, T0);
        fraud_gcra(&state, &conf, 11, T0, 1, &result);
        assert_int_equal(result.over, 1);
        assert_int_equal(result.retry_us, (debt + 6) / 7);
    }
}

/* An unsigned integer of many 32-bit words, the lowest first. */
typedef struct {
    uint32_t word[200];
    unsigned n;
} big_t;

static void big_square(big_t *a) {
    big_t p;
    uint64_t carry;
    unsigned i, j;

    memset(&p, 0, sizeof(p));
    for (i = 0; i < a->n; i++) {
        carry = 0;
        for (j = 0; j < a->n || carry != 0; j++) {
            carry += p.word[i + j];
            carry += j < a->n ? (uint64_t)a->word[i] * a->word[j] : 0;
            p.word[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    for (p.n = 2 * a->n; p.n > 1 && p.word[p.n - 1] == 0; p.n--) {
    }
    *a = p;
}

/* Whether x^256 <= 2^bits. */
static int power_fits(uint32_t x, unsigned bits) {
    big_t a;
    unsigned i, low, words = bits / 32;

    memset(&a, 0, sizeof(a));
    a.word[0] = x;
    a.n = 1;
    for (i = 0; i < 8; i++) {
        big_square(&a);
    }
    if (a.n != words + 1) {
        return a.n <= words;
    }
    low = 0;
    for (i = 0; i < words; i++) {
        low |= a.word[i];
    }
    return a.word[words] < 1u << bits % 32 ||
           (a.word[words] == 1u << bits % 32 && low == 0);
}

static void decay_factors(void **unused) {
    fraud_decay_t state;
    uint64_t value, v, after;
    uint32_t factor;
    unsigned i, halvings;

    (void)unused;
    seed = 2;
    for (i = 0; i < 256; i++) {
        factor = (uint32_t)exp2l(24 - (long double)i / 256);
        assert_true(power_fits(factor, 24 * 256 - i));
        assert_false(power_fits(factor + 1, 24 * 256 - i));
        for (v = FRAUD_DECAY_MAX; v > FRAUD_DECAY_MAX - 50; v--) {
            state.time_us = T0;
            state.value = v;
            halvings = (unsigned)random_below(26);
            after = 256 * SECOND * halvings + i * SECOND;
            after += random_below(SECOND);
            fraud_decay(&state, 256 * SECOND, 0, T0 + after, &value);
            assert_int_equal(value, v * factor >> 24 >> halvings);
            assert_int_equal(state.value, v);
        }
    }
}

/* A hit of 80 points is worth 1 a day later, forty are worth 50. */
static void decay_points(void **unused) {
    fraud_decay_t one = {0, 0}, forty = {0, 0};
    uint64_t value;
    unsigned i;

    (void)unused;
    assert_int_equal(fraud_decay(&one, 4 * HOUR, 80000, T0, &value), 1);
    assert_int_equal(value, 80000);
    assert_int_equal(fraud_decay(&one, 4 * HOUR, 0, T0 + DAY, &value), 0);
    assert_int_equal(value, 1250);
    for (i = 0; i < 40; i++) {
        fraud_decay(&forty, 4 * HOUR, 80000, T0 + i * SECOND, &value);
    }
    assert_int_equal(value, 3200000);
    fraud_decay(&forty, 4 * HOUR, 0, T0 + DAY + 39 * SECOND, &value);
    assert_int_equal(value, 50000);
}

static void decay_often(void **unused) {
    static const uint64_t half_lives[] = {
        3,      100,      257,           SECOND,
        MINUTE, 4 * HOUR, 365 * DAY + 1, ((uint64_t)1 << 45) - 1};
    fraud_decay_t state;
    uint64_t value, after, last, half;
    long double want;
    size_t i;
    unsigned k;

    (void)unused;
    for (i = 0; i < N(half_lives); i++) {
        half = half_lives[i];
        memset(&state, 0, sizeof(state));
        fraud_decay(&state, half, 8000000, T0, &value);
        want = 8000000;
        last = 0;
        for (k = 1; k <= 3000; k++) {
            after = half * k / 1000;
            fraud_decay(&state, half, 100, T0 + after, &value);
            want *= exp2l(-(long double)(after - last) / half);
            want += 100;
            last = after;
            assert_true(state.time_us <= T0 + after);
            assert_true(T0 + after - state.time_us <= half / 256 + 1);
            assert_true(value <= 8000000 + 100 * k);
            assert_true((long double)value > want * 0.99L);
            assert_true((long double)value < want * 1.01L || half < SECOND);
        }
    }
}

static void decay_edges(void **unused) {
    static const uint64_t half = 4 * HOUR;
    static const struct {
        fraud_decay_t state;
        uint64_t add;
        int changed;
        uint64_t value;
        fraud_decay_t after;
    } cases[] = {
        {{0, 0}, 0, 0, 0, {0, 0}},
        {{0, 0}, 7, 1, 7, {T0, 7}},
        {{T0, 10}, UINT64_MAX, 1, FRAUD_DECAY_MAX, {T0, FRAUD_DECAY_MAX}},
        {{T0, FRAUD_DECAY_MAX}, 1, 0, FRAUD_DECAY_MAX, {T0, FRAUD_DECAY_MAX}},
        {{T0, UINT64_MAX}, 0, 0, FRAUD_DECAY_MAX, {T0, UINT64_MAX}},
        {{T0 - 24 * half, FRAUD_DECAY_MAX}, 5, 1, 5, {T0, 5}},
        {{T0 - 23 * half, FRAUD_DECAY_MAX}, 5, 1, 6, {T0, 6}},
        {{T0 - half - 1, 10}, 1, 1, 6, {T0 - 1, 6}},
        {{T0 + 1, 10}, 1, 1, 11, {T0 + 1, 11}},
        {{T0 + 24 * half + SECOND, 10},
         1,
         1,
         11,
         {T0 + 24 * half + SECOND, 11}},
        {{T0 + 24 * half + SECOND + 1, 10}, 1, 1, 1, {T0, 1}},
        {{FRAUD_OP_MAX, 10}, 1, 1, 1, {T0, 1}},
        {{UINT64_MAX, UINT64_MAX}, 0, 0, 0, {UINT64_MAX, UINT64_MAX}},
    };
    fraud_decay_t state;
    uint64_t value;
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        state = cases[i].state;
        assert_int_equal(fraud_decay(&state, half, cases[i].add, T0, &value),
                         cases[i].changed);
        assert_int_equal(value, cases[i].value);
        assert_int_equal(state.time_us, cases[i].after.time_us);
        assert_int_equal(state.value, cases[i].after.value);
    }
}

static void distinct_estimates(void **unused) {
    fraud_distinct_t state;
    long double zero;
    unsigned ones;

    (void)unused;
    memset(&state, 0, sizeof(state));
    state.window = 5;
    state.n[1] = FRAUD_DISTINCT_BITMAP;
    for (ones = 0; ones <= FRAUD_DISTINCT_BITS; ones++) {
        if (ones > 0) {
            state.set[1][(ones - 1) / 8] |= (uint8_t)(1u << (ones - 1) % 8);
        }
        zero = ones < FRAUD_DISTINCT_BITS ? FRAUD_DISTINCT_BITS - ones : 0.5L;
        assert_int_equal(
            fraud_distinct_count(&state, SECOND, 5 * SECOND),
            (unsigned)(384 * logl(FRAUD_DISTINCT_BITS / zero) + 0.5L));
    }
}

/* Twenty values and twenty others that overlap them by ten: lists are exact. */
static void distinct_windows(void **unused) {
    static const struct {
        uint64_t after;
        uint32_t count;
    } cases[] = {
        {1, 30},         {2 * MINUTE - 1, 30}, {2 * MINUTE, 20},
        {3 * MINUTE, 0}, {4 * MINUTE, 0},      {DAY, 0},
    };
    static const uint64_t start = T0 / MINUTE * MINUTE;
    fraud_distinct_t state, early;
    uint32_t count;
    unsigned i;

    (void)unused;
    memset(&state, 0, sizeof(state));
    for (i = 0; i < 20; i++) {
        assert_int_equal(
            fraud_distinct(&state, MINUTE, 100 + i, start, 1, &count), 1);
        assert_int_equal(count, i + 1);
        assert_int_equal(fraud_distinct(&state, MINUTE, 100 + i,
                                        start + MINUTE - 1, 1, &count),
                         0);
        assert_int_equal(count, i + 1);
    }
    early = state;
    assert_int_equal(fraud_distinct(&state, MINUTE, 99, start, 0, &count), 0);
    assert_int_equal(count, 21);
    assert_memory_equal(&state, &early, sizeof(state));

    for (i = 0; i < 20; i++) {
        fraud_distinct(&state, MINUTE, 110 + i, start + MINUTE, 1, &count);
        assert_int_equal(count, i < 10 ? 20 : i + 11);
    }
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(
            fraud_distinct_count(&state, MINUTE, start + cases[i].after),
            cases[i].count);
    }
    fraud_distinct(&state, MINUTE, 1, start + 3 * MINUTE, 1, &count);
    assert_int_equal(count, 1);
}

static void distinct_backwards(void **unused) {
    static const uint64_t start = T0 / MINUTE * MINUTE;
    fraud_distinct_t state;
    uint32_t count;

    (void)unused;
    memset(&state, 0, sizeof(state));
    fraud_distinct(&state, MINUTE, 1, start, 1, &count);
    fraud_distinct(&state, MINUTE, 2, start - MINUTE, 1, &count);
    assert_int_equal(count, 2);
    assert_int_equal(state.window, start / MINUTE);
    fraud_distinct(&state, MINUTE, 3, start - 2 * MINUTE, 1, &count);
    assert_int_equal(count, 3);
    fraud_distinct(&state, MINUTE, 4, start - 3 * MINUTE, 1, &count);
    assert_int_equal(count, 1);
    assert_int_equal(state.window, start / MINUTE - 3);

    state.window = UINT64_MAX;
    assert_int_equal(fraud_distinct_count(&state, MINUTE, 5), 0);
    state.window = FRAUD_OP_MAX;
    assert_int_equal(fraud_distinct_count(&state, 1, FRAUD_OP_MAX - 1), 0);
}

/* A map holds what the list held, and a list merges with the other's map. */
static void distinct_convert(void **unused) {
    fraud_distinct_t state;
    uint8_t map[48] = {0};
    uint32_t count;
    unsigned i, bit;

    (void)unused;
    seed = 3;
    memset(&state, 0, sizeof(state));
    for (i = 0; i < 25; i++) {
        fraud_distinct(&state, MINUTE, i * 2621 + 7, T0, 1, &count);
        bit = (i * 2621 + 7) * 384 / 65536;
        map[bit / 8] |= (uint8_t)(1u << bit % 8);
        assert_int_equal(state.n[0], i < 24 ? i + 1 : FRAUD_DISTINCT_BITMAP);
        assert_true(count >= i + 1 && count <= i + 2);
    }
    assert_memory_equal(state.set[0], map, sizeof(map));
    assert_int_equal(fraud_distinct(&state, MINUTE, 7, T0, 1, &count), 0);
    fraud_distinct(&state, MINUTE, 7, T0 + MINUTE, 1, &count);
    assert_int_equal(state.n[0], 1);
    assert_int_equal(count, 26);
    fraud_distinct(&state, MINUTE, 0xffff, T0 + MINUTE, 1, &count);
    assert_int_equal(state.n[0], 2);
    assert_int_equal(count, 27);
}

static void add_range(fraud_distinct_t *s, unsigned from, unsigned to,
                      uint64_t now_us) {
    uint32_t count;

    for (; from < to; from++) {
        fraud_distinct(s, MINUTE, from * 2621u + 7, now_us, 1, &count);
    }
}

/* The first of each range a minute before the rest of it. */
static void distinct_merge(void **unused) {
    static const struct {
        unsigned from[2], half[2], to[2];
        uint64_t after;
        int changed;
        uint32_t count;
        unsigned n[2];
    } cases[] = {
        {{0, 0}, {0, 0}, {0, 0}, 0, 0, 0, {0, 0}},
        {{0, 0}, {0, 0}, {5, 5}, 0, 0, 5, {5, 0}},
        {{0, 3}, {0, 3}, {5, 8}, 0, 1, 8, {8, 0}},
        {{0, 3}, {2, 3}, {5, 8}, 0, 1, 8, {6, 2}},
        {{0, 0}, {4, 2}, {5, 5}, 0, 1, 5, {3, 4}},
        {{0, 12}, {0, 12}, {12, 24}, 0, 1, 24, {24, 0}},
        {{0, 12}, {0, 12}, {13, 25}, 0, 1, 26, {255, 0}},
        {{0, 0}, {0, 0}, {25, 3}, 0, 0, 26, {255, 0}},
        {{0, 0}, {0, 0}, {3, 25}, 0, 1, 26, {255, 0}},
        {{0, 0}, {0, 0}, {25, 25}, 0, 0, 26, {255, 0}},
        {{0, 10}, {0, 35}, {25, 35}, 0, 1, 27, {255, 255}},
        /* later: what both had before is what counts */
        {{0, 3}, {2, 5}, {5, 8}, MINUTE, 1, 6, {0, 6}},
        {{0, 3}, {5, 8}, {5, 8}, MINUTE, 0, 0, {0, 0}},
        {{0, 3}, {2, 5}, {5, 8}, 2 * MINUTE, 0, 0, {0, 0}},
    };
    static const uint64_t start = T0 / MINUTE * MINUTE;
    fraud_distinct_t s[2], before;
    size_t i;
    unsigned j;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        memset(s, 0, sizeof(s));
        for (j = 0; j < 2; j++) {
            add_range(&s[j], cases[i].from[j], cases[i].half[j], start);
            add_range(&s[j], cases[i].half[j], cases[i].to[j], start + MINUTE);
        }
        before = s[0];
        assert_int_equal(fraud_distinct_merge(&s[0], MINUTE, &s[1],
                                              start + MINUTE + cases[i].after),
                         cases[i].changed);
        assert_int_equal(fraud_distinct_count(&s[0], MINUTE,
                                              start + MINUTE + cases[i].after),
                         cases[i].count);
        if (!cases[i].changed) {
            assert_memory_equal(&s[0], &before, sizeof(before));
            continue;
        }
        assert_int_equal(s[0].n[0], cases[i].n[0]);
        assert_int_equal(s[0].n[1], cases[i].n[1]);
    }
}

/* One of the two is a window ahead, within a second, or beyond belief. */
static void distinct_merge_ahead(void **unused) {
    static const uint64_t start = T0 / MINUTE * MINUTE;
    fraud_distinct_t a = {0, {0, 0}, {{0}}}, b = a, s;

    (void)unused;
    add_range(&a, 0, 3, start);
    add_range(&b, 5, 7, start + MINUTE);
    s = a;
    assert_int_equal(fraud_distinct_merge(&s, MINUTE, &b, start), 1);
    assert_int_equal(s.window, start / MINUTE + 1);
    assert_int_equal(s.n[0], 2);
    assert_int_equal(s.n[1], 3);
    s = b;
    assert_int_equal(fraud_distinct_merge(&s, MINUTE, &a, start), 1);
    assert_int_equal(s.window, start / MINUTE + 1);
    assert_int_equal(s.n[0], 2);
    assert_int_equal(s.n[1], 3);
    b.window = FRAUD_OP_MAX;
    assert_int_equal(fraud_distinct_merge(&a, MINUTE, &b, start), 0);
    assert_int_equal(fraud_distinct_merge(&b, MINUTE, &a, start), 1);
    assert_int_equal(b.window, start / MINUTE);
    assert_int_equal(b.n[0], 3);
}

/* As good as if one host had seen all of it, in any order. */
static void distinct_merge_split(void **unused) {
    fraud_distinct_t one, two[2];
    uint64_t now_us, hash;
    uint32_t count;
    unsigned i, k, n, back;

    (void)unused;
    seed = 7;
    for (i = 0; i < 2000; i++) {
        memset(&one, 0, sizeof(one));
        memset(two, 0, sizeof(two));
        n = (unsigned)random_below(60);
        back = (unsigned)random_below(n + 1);
        for (k = 0; k < n; k++) {
            hash = random_below(3) != 0 ? random_u64() : k / 2 * 999;
            now_us = T0 + (k < back ? 0 : MINUTE);
            fraud_distinct(&one, MINUTE, hash, now_us, 1, &count);
            fraud_distinct(&two[random_below(2)], MINUTE, hash, now_us, 1,
                           &count);
        }
        fraud_distinct_merge(&two[0], MINUTE, &two[1], T0 + MINUTE);
        assert_int_equal(fraud_distinct_count(&two[0], MINUTE, T0 + MINUTE),
                         fraud_distinct_count(&one, MINUTE, T0 + MINUTE));
        assert_int_equal(
            fraud_distinct_merge(&two[0], MINUTE, &two[1], T0 + MINUTE), 0);
    }
}

/* ${n} values, the last of ${first} and the others a window later. */
static uint32_t simulate(unsigned n, unsigned first) {
    fraud_distinct_t state;
    uint64_t hash;
    uint32_t count = 0;
    unsigned i;

    memset(&state, 0, sizeof(state));
    for (i = 0; i < n; i++) {
        hash = random_u64();
        fraud_distinct(&state, MINUTE, hash, T0 + (i < first ? 0 : MINUTE), 1,
                       &count);
    }
    return count;
}

static void distinct_accuracy(void **unused) {
    static const struct {
        unsigned n, first, percent, trials;
    } cases[] = {
        {10, 10, 0, 990},    {20, 20, 0, 990},    {40, 20, 0, 980},
        {50, 50, 10, 980},   {100, 100, 10, 980}, {200, 200, 10, 980},
        {200, 100, 10, 980}, {200, 190, 10, 980}, {1000, 1000, 20, 950},
    };
    unsigned i, trial, good, count, off;

    (void)unused;
    seed = 4;
    for (i = 0; i < N(cases); i++) {
        good = 0;
        for (trial = 0; trial < 1000; trial++) {
            count = simulate(cases[i].n, cases[i].first);
            off = count > cases[i].n ? count - cases[i].n : cases[i].n - count;
            good += off * 100 <= cases[i].n * cases[i].percent;
        }
        print_message("# %u values, %u first: %u of 1000 within %u %%\n",
                      cases[i].n, cases[i].first, good, cases[i].percent);
        assert_true(good >= cases[i].trials);
    }
}

static void swap_register(void **unused) {
    fraud_swap_t state, before;
    uint8_t *bytes;
    uint64_t age;

    (void)unused;
    bytes = malloc(FRAUD_SWAP_MAX);
    assert_non_null(bytes);
    memset(bytes, 'x', FRAUD_SWAP_MAX);
    memset(&state, 0, sizeof(state));

    assert_int_equal(fraud_swap(&state, NULL, 0, T0, &before, &age), 0);
    assert_int_equal(before.len, 0);
    assert_int_equal(age, 0);
    assert_int_equal(fraud_swap(&state, bytes, SIZE_MAX, T0, &before, &age), 1);
    assert_int_equal(before.len, 0);
    assert_int_equal(state.len, FRAUD_SWAP_MAX);
    assert_memory_equal(state.bytes, bytes, FRAUD_SWAP_MAX);

    assert_int_equal(fraud_swap(&state, bytes + 31, 1, T0 + DAY, &before, &age),
                     1);
    assert_int_equal(before.len, FRAUD_SWAP_MAX);
    assert_memory_equal(before.bytes, bytes, FRAUD_SWAP_MAX);
    assert_int_equal(age, DAY);
    assert_int_equal(state.len, 1);
    assert_int_equal(state.bytes[1], 0);

    assert_int_equal(fraud_swap(&state, NULL, 0, T0, &before, &age), 0);
    assert_int_equal(before.len, 1);
    assert_int_equal(age, 0);
    state.len = FRAUD_SWAP_MAX + 1;
    fraud_swap(&state, NULL, 0, T0, &before, &age);
    assert_int_equal(before.len, 0);
    state.len = 1;
    state.time_us = FRAUD_OP_MAX;
    fraud_swap(&state, NULL, 0, T0, &before, &age);
    assert_int_equal(before.len, 0);
    free(bytes);
}

static void swap_merge(void **unused) {
    static const struct {
        fraud_swap_t state, other;
        uint64_t age_us;
        int changed;
        uint64_t time_us;
    } cases[] = {
        {{0, 0, ""}, {0, 0, ""}, 0, 0, 0},
        {{0, 0, ""}, {5, 2, "ab"}, HOUR, 1, T0 - HOUR},
        {{0, 0, ""}, {5, 2, "ab"}, UINT64_MAX, 1, 0},
        {{T0 - HOUR, 1, "x"}, {5, 2, "ab"}, HOUR - 1, 1, T0 - HOUR + 1},
        {{T0 - HOUR, 1, "x"}, {5, 2, "ab"}, HOUR, 0, 0},
        {{T0 - HOUR, 1, "x"}, {5, 2, "ab"}, HOUR + 1, 0, 0},
        {{T0 + HOUR, 1, "x"}, {5, 2, "ab"}, 0, 0, 0},
        {{T0 - HOUR, 1, "x"}, {5, 0, ""}, 0, 0, 0},
        {{T0 - HOUR, 1, "x"}, {5, 33, "ab"}, 0, 0, 0},
        {{T0, 33, "x"}, {5, 2, "ab"}, 1, 1, T0 - 1},
        {{FRAUD_OP_MAX, 1, "x"}, {5, 2, "ab"}, 1, 1, T0 - 1},
    };
    fraud_swap_t state;
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        state = cases[i].state;
        assert_int_equal(
            fraud_swap_merge(&state, &cases[i].other, cases[i].age_us, T0),
            cases[i].changed);
        if (cases[i].changed) {
            assert_int_equal(state.time_us, cases[i].time_us);
            assert_int_equal(state.len, 2);
            assert_memory_equal(state.bytes, "ab\0", 3);
        } else {
            assert_memory_equal(&state, &cases[i].state, sizeof(state));
        }
    }
}

/* When was it first so? Of two registers of one byte the older one stays. */
static void swap_merge_marks(void **unused) {
    static const struct {
        fraud_swap_t state, other;
        uint64_t age_us;
        int changed;
        uint64_t time_us;
    } cases[] = {
        {{T0 - HOUR, 1, "x"}, {5, 1, "y"}, HOUR + 1, 1, T0 - HOUR - 1},
        {{T0 - HOUR, 1, "x"}, {5, 1, "y"}, HOUR, 0, 0},
        {{T0 - HOUR, 1, "x"}, {5, 1, "y"}, HOUR - 1, 0, 0},
        {{T0 - HOUR, 1, "x"}, {5, 1, "y"}, 0, 0, 0},
        {{T0 - HOUR, 1, "x"}, {5, 1, "y"}, UINT64_MAX, 1, 0},
        {{T0 + HOUR, 1, "x"}, {5, 1, "y"}, 0, 1, T0},
        {{0, 1, "x"}, {5, 1, "y"}, UINT64_MAX, 0, 0},
        /* there was none */
        {{0, 0, ""}, {5, 1, "y"}, HOUR, 1, T0 - HOUR},
        {{FRAUD_OP_MAX, 1, "x"}, {5, 1, "y"}, 0, 1, T0},
        {{1, 33, "x"}, {5, 1, "y"}, 0, 1, T0},
        /* one of them is longer: the newer one */
        {{T0 - HOUR, 2, "x"}, {5, 1, "y"}, HOUR - 1, 1, T0 - HOUR + 1},
        {{T0 - HOUR, 2, "x"}, {5, 1, "y"}, HOUR + 1, 0, 0},
    };
    fraud_swap_t state;
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        state = cases[i].state;
        assert_int_equal(
            fraud_swap_merge(&state, &cases[i].other, cases[i].age_us, T0),
            cases[i].changed);
        if (cases[i].changed) {
            assert_int_equal(state.time_us, cases[i].time_us);
            assert_int_equal(state.len, 1);
            assert_memory_equal(state.bytes, "y\0", 3);
        } else {
            assert_memory_equal(&state, &cases[i].state, sizeof(state));
        }
    }
}

/* Random bytes, and random bytes that look like states, are states. */
static void garbage(void **unused) {
    static const fraud_gcra_conf_t conf = {MINUTE, 5, 5};
    fraud_gcra_result_t result;
    fraud_gcra_t gcra;
    fraud_decay_t decay;
    fraud_distinct_t distinct;
    fraud_swap_t swap, before;
    uint64_t value;
    uint32_t count;
    unsigned i;

    (void)unused;
    seed = 5;
    for (i = 0; i < 20000; i++) {
        random_bytes(&gcra, sizeof(gcra));
        random_bytes(&decay, sizeof(decay));
        random_bytes(&distinct, sizeof(distinct));
        random_bytes(&swap, sizeof(swap));
        if (i % 2 != 0) {
            gcra.last_us = decay.time_us = T0 + random_below(DAY) - DAY / 2;
            distinct.window = T0 / MINUTE - 1 + random_below(3);
        }
        fraud_gcra(&gcra, &conf, 1, T0, 1, &result);
        assert_in_range(result.retry_us, 0, 165 * SECOND);
        fraud_decay(&decay, HOUR, 1, T0, &value);
        assert_in_range(value, 1, FRAUD_DECAY_MAX);
        fraud_distinct(&distinct, MINUTE, random_u64(), T0, 1, &count);
        assert_in_range(count, 1, 2551);
        assert_in_range(distinct.window, T0 / MINUTE, T0 / MINUTE + 1);
        fraud_swap(&swap, (const uint8_t *)"a", 1, T0, &before, &value);
        assert_in_range(before.len, 0, FRAUD_SWAP_MAX);
        assert_in_range(value, 0, T0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gcra_check),
        cmocka_unit_test(gcra_table),
        cmocka_unit_test(gcra_random),
        cmocka_unit_test(gcra_debt),
        cmocka_unit_test(gcra_widen),
        cmocka_unit_test(gcra_widened_state),
        cmocka_unit_test(gcra_limit),
        cmocka_unit_test(gcra_wait),
        cmocka_unit_test(gcra_most),
        cmocka_unit_test(gcra_merge),
        cmocka_unit_test(gcra_merge_agrees),
        cmocka_unit_test(decay_factors),
        cmocka_unit_test(decay_points),
        cmocka_unit_test(decay_often),
        cmocka_unit_test(decay_edges),
        cmocka_unit_test(distinct_estimates),
        cmocka_unit_test(distinct_windows),
        cmocka_unit_test(distinct_backwards),
        cmocka_unit_test(distinct_convert),
        cmocka_unit_test(distinct_accuracy),
        cmocka_unit_test(distinct_merge),
        cmocka_unit_test(distinct_merge_ahead),
        cmocka_unit_test(distinct_merge_split),
        cmocka_unit_test(swap_register),
        cmocka_unit_test(swap_merge),
        cmocka_unit_test(swap_merge_marks),
        cmocka_unit_test(garbage),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
