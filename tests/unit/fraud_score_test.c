/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_score.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_REASONS 40

static uint64_t random_state = 1;

static unsigned any(unsigned n) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

static fraud_reason_t reason(const char *name, uint32_t points) {
    fraud_reason_t r;

    r.name.data = (const uint8_t *)name;
    r.name.len = strlen(name);
    r.points = points;
    return r;
}

static void sums(void **state) {
    static const struct {
        uint32_t points[4];
        size_t n;
        uint32_t sum;
    } cases[] = {
        {{0}, 0, 0},
        {{0}, 1, 0},
        {{1, 2, 3, 4}, 4, 10},
        {{40, 20, 0, 39}, 4, 99},
        {{40, 20, 1, 39}, 4, 100},
        {{40, 20, 2, 39}, 4, 100},
        {{100}, 1, 100},
        {{101}, 1, 100},
        {{99, 1}, 2, 100},
        {{100, 100, 100, 100}, 4, 100},
        {{UINT32_MAX}, 1, 100},
        {{UINT32_MAX, 1}, 2, 100},
        {{1, UINT32_MAX}, 2, 100},
        {{50, UINT32_MAX - 49}, 2, 100},
        {{UINT32_MAX, UINT32_MAX, UINT32_MAX, 2}, 4, 100},
    };
    fraud_reason_t reasons[4];
    size_t i, k;

    (void)state;
    assert_int_equal(fraud_score_sum(NULL, 0), 0);
    for (i = 0; i < N(cases); i++) {
        for (k = 0; k < 4; k++) {
            reasons[k] = reason("a", cases[i].points[k]);
        }
        assert_int_equal(fraud_score_sum(reasons, cases[i].n), cases[i].sum);
    }
}

/* Falling, and of equals the one that was configured first stays first. */
static void sorts_stably(void **state) {
    static const char names[MAX_REASONS] = "";
    fraud_reason_t reasons[MAX_REASONS];
    unsigned rounds, i, n, sum, left;

    (void)state;
    fraud_score_sort(NULL, 0);
    for (rounds = 0; rounds < 5000; rounds++) {
        n = any(MAX_REASONS + 1);
        sum = 0;
        for (i = 0; i < n; i++) {
            reasons[i].name.data = (const uint8_t *)names + i;
            reasons[i].name.len = i;
            reasons[i].points = rounds % 4 == 0 ? UINT32_MAX - any(3) : any(5);
            sum += reasons[i].points * 31 + i;
        }
        fraud_score_sort(reasons, n);
        left = sum;
        for (i = 0; i < n; i++) {
            left -= reasons[i].points * 31 + (unsigned)reasons[i].name.len;
            assert_ptr_equal(reasons[i].name.data, names + reasons[i].name.len);
            if (i == 0) {
                continue;
            }
            assert_true(reasons[i - 1].points >= reasons[i].points);
            if (reasons[i - 1].points == reasons[i].points) {
                assert_true(reasons[i - 1].name.len < reasons[i].name.len);
            }
        }
        assert_int_equal(left, 0);
    }
}

static void prints(void **state) {
    fraud_reason_t reasons[3];
    uint8_t data[64], *exact;
    fraud_buf_t buf;
    size_t size;

    (void)state;
    fraud_buf_init(&buf, data, sizeof(data));
    fraud_score_print(&buf, NULL, 0);
    assert_int_equal(buf.len, 0);

    reasons[0] = reason("flood", 0);
    fraud_score_print(&buf, reasons, 1);
    assert_int_equal(buf.len, 7);
    assert_memory_equal(data, "flood=0", 7);

    /* in the order given, not sorted */
    reasons[0] = reason("b", 20);
    reasons[1] = reason("reputation.address", 100);
    reasons[2] = reason("a", UINT32_MAX);
    fraud_buf_init(&buf, data, sizeof(data));
    fraud_score_print(&buf, reasons, 3);
    assert_int_equal(buf.len, 40);
    assert_memory_equal(data, "b=20,reputation.address=100,a=4294967295", 40);
    assert_int_equal(buf.full, 0);

    for (size = 1; size < 40; size++) {
        exact = malloc(size);
        assert_non_null(exact);
        fraud_buf_init(&buf, exact, size);
        fraud_score_print(&buf, reasons, 3);
        assert_int_equal(buf.full, 1);
        free(exact);
    }
}

static void thresholds(void **state) {
    static const fraud_threshold_t list[] = {
        {0, FRAUD_ACTION_ALLOW, 0, 0},    {50, FRAUD_ACTION_DELAY, 0, 300},
        {70, FRAUD_ACTION_LIMIT, 0, 0},   {70, FRAUD_ACTION_DENY, 404, 0},
        {100, FRAUD_ACTION_DROP, 444, 0},
    };
    uint32_t score;
    size_t expect;

    (void)state;
    assert_null(fraud_score_threshold(NULL, 0, 100));
    for (score = 0; score <= 101; score++) {
        expect = score >= 100 ? 4 : score >= 70 ? 3 : score >= 50 ? 1 : 0;
        assert_ptr_equal(fraud_score_threshold(list, N(list), score),
                         &list[expect]);
        if (score < 50) {
            assert_null(fraud_score_threshold(list + 1, N(list) - 1, score));
        }
        if (score >= 50 && score < 70) {
            assert_ptr_equal(fraud_score_threshold(list + 1, 1, score),
                             &list[1]);
        }
    }
    assert_ptr_equal(fraud_score_threshold(list, N(list), UINT32_MAX),
                     &list[4]);
}

static void action_names(void **state) {
    static const char *const names[] = {"allow", "delay", "limit", "deny",
                                        "drop"};
    size_t i;

    (void)state;
    assert_int_equal(FRAUD_ACTION_N, N(names));
    for (i = 0; i < N(names); i++) {
        assert_string_equal(fraud_action_name((fraud_action_t)i), names[i]);
    }
    assert_non_null(fraud_action_name(FRAUD_ACTION_N));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),         cmocka_unit_test(sorts_stably),
        cmocka_unit_test(prints),       cmocka_unit_test(thresholds),
        cmocka_unit_test(action_names),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
