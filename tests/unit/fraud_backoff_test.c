/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* The last one is the ceiling, the first is 1, the middle is the half. */
static void ceilings(void **state) {
    static const struct {
        uint32_t base, max, attempt, ceiling;
    } cases[] = {
        {100, 10000, 0, 100},
        {100, 10000, 1, 100},
        {100, 10000, 2, 200},
        {100, 10000, 3, 400},
        {100, 10000, 7, 6400},
        {100, 10000, 8, 10000},
        {100, 10000, 9, 10000},
        {100, 10000, UINT32_MAX, 10000},
        {100, 100, 1, 100},
        {100, 99, 1, 99},
        {100, 0, 5, 1},
        {0, 50, 1, 1},
        {0, 50, 5, 16},
        {1, UINT32_MAX, 32, UINT32_C(1) << 31},
        {1, UINT32_MAX, 33, UINT32_MAX},
        {3, UINT32_MAX, UINT32_MAX, UINT32_MAX},
        {UINT32_MAX, UINT32_MAX, 1, UINT32_MAX},
        {UINT32_MAX, UINT32_MAX, 2, UINT32_MAX},
    };
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(fraud_backoff_delay(cases[i].base, cases[i].max,
                                             cases[i].attempt, UINT32_MAX),
                         cases[i].ceiling);
        assert_int_equal(fraud_backoff_delay(cases[i].base, cases[i].max,
                                             cases[i].attempt, 0),
                         1);
        assert_int_equal(fraud_backoff_delay(cases[i].base, cases[i].max,
                                             cases[i].attempt,
                                             UINT32_C(1) << 31),
                         1 + cases[i].ceiling / 2);
    }
}

/* Full jitter: every delay below the ceiling is as likely as any other. */
static void spread(void **state) {
    unsigned seen[1 + 400] = {0};
    uint32_t delay, random;
    unsigned i;

    (void)state;
    for (i = 0; i < 400 * 1000; i++) {
        random = (uint32_t)(((uint64_t)i << 32) / (400 * 1000));
        delay = fraud_backoff_delay(100, 10000, 3, random);
        assert_in_range(delay, 1, 400);
        seen[delay]++;
    }
    for (i = 1; i <= 400; i++) {
        assert_in_range(seen[i], 999, 1001);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ceilings),
        cmocka_unit_test(spread),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
