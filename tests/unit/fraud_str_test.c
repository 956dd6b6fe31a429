/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_str.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define U32 UINT32_MAX
#define U64 UINT64_MAX

/* A copy that ends where its memory does. */
static char *copy(const char *text, size_t len) {
    char *exact = malloc(len != 0 ? len : 1);

    assert_non_null(exact);
    memcpy(exact, text, len);
    return exact;
}

static fraud_rc fixed(uint64_t *value, const char *text, unsigned digits,
                      uint64_t max) {
    char *exact = copy(text, strlen(text));
    fraud_rc rc = fraud_str_fixed(value, exact, strlen(text), digits, max);

    free(exact);
    return rc;
}

static fraud_rc number(uint64_t *value, const char *text, uint64_t max) {
    char *exact = copy(text, strlen(text));
    fraud_rc rc = fraud_str_uint(value, exact, strlen(text), max);

    free(exact);
    return rc;
}

static void names(void **state) {
    static const char *const good[] = {
        "a", "Z", "9", "_", "per_ip4", "abcdefghijklmnopqrstuvwxyz012345"};
    static const char *const bad[] = {"",
                                      "a-b",
                                      "a.b",
                                      "a b",
                                      " a",
                                      "a\n",
                                      "a=b",
                                      "a,b",
                                      "{a}",
                                      "a\"",
                                      "\xc3\xa4",
                                      "a/b",
                                      "a:b",
                                      "a@b",
                                      "[",
                                      "`",
                                      "abcdefghijklmnopqrstuvwxyz0123456"};
    char *exact, ch;
    size_t i;
    int all = 0;

    (void)state;
    for (i = 0; i < N(good); i++) {
        exact = copy(good[i], strlen(good[i]));
        assert_int_equal(fraud_str_is_name(exact, strlen(good[i])), 1);
        free(exact);
    }
    for (i = 0; i < N(bad); i++) {
        exact = copy(bad[i], strlen(bad[i]));
        assert_int_equal(fraud_str_is_name(exact, strlen(bad[i])), 0);
        free(exact);
    }
    assert_int_equal(fraud_str_is_name("a\0b", 3), 0);
    for (i = 0; i < 256; i++) {
        ch = (char)i;
        all += fraud_str_is_name(&ch, 1);
    }
    assert_int_equal(all, 26 + 26 + 10 + 1);
}

static void uints(void **state) {
    static const struct {
        const char *text;
        uint64_t max;
        fraud_rc rc;
        uint64_t value;
    } cases[] = {
        {"0", 0, FRAUD_OK, 0},
        {"0", U64, FRAUD_OK, 0},
        {"1", 0, FRAUD_ELIMIT, 0},
        {"007", 7, FRAUD_OK, 7},
        {"008", 7, FRAUD_ELIMIT, 0},
        {"100", 100, FRAUD_OK, 100},
        {"101", 100, FRAUD_ELIMIT, 0},
        {"1000", 100, FRAUD_ELIMIT, 0},
        {"10", 9, FRAUD_ELIMIT, 0},
        {"9", 3, FRAUD_ELIMIT, 0},
        {"4294967295", U32, FRAUD_OK, U32},
        {"4294967296", U32, FRAUD_ELIMIT, 0},
        {"4294967296", U64, FRAUD_OK, (uint64_t)U32 + 1},
        {"18446744073709551615", U64, FRAUD_OK, U64},
        {"18446744073709551615", U64 - 1, FRAUD_ELIMIT, 0},
        {"18446744073709551616", U64, FRAUD_ELIMIT, 0},
        {"18446744073709551620", U64, FRAUD_ELIMIT, 0},
        {"28446744073709551615", U64, FRAUD_ELIMIT, 0},
        {"184467440737095516150", U64, FRAUD_ELIMIT, 0},
        {"99999999999999999999999999999999", U64, FRAUD_ELIMIT, 0},
        {"00000000000000000000000000000001", U64, FRAUD_OK, 1},
        {"", U64, FRAUD_EINVAL, 0},
        {" 1", U64, FRAUD_EINVAL, 0},
        {"1 ", U64, FRAUD_EINVAL, 0},
        {"+1", U64, FRAUD_EINVAL, 0},
        {"-1", U64, FRAUD_EINVAL, 0},
        {"1.", U64, FRAUD_EINVAL, 0},
        {".1", U64, FRAUD_EINVAL, 0},
        {"1.0", U64, FRAUD_EINVAL, 0},
        {"0x10", U64, FRAUD_EINVAL, 0},
        {"1e3", U64, FRAUD_EINVAL, 0},
        {"1k", U64, FRAUD_EINVAL, 0},
        {"12a", U64, FRAUD_EINVAL, 0},
        {"\xd9\xa1", U64, FRAUD_EINVAL, 0},
        {"1/", U64, FRAUD_EINVAL, 0},
        {"1:", U64, FRAUD_EINVAL, 0},
    };
    uint64_t value;
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        value = 0;
        assert_int_equal(number(&value, cases[i].text, cases[i].max),
                         cases[i].rc);
        assert_int_equal(value, cases[i].value);
    }
    assert_int_equal(fraud_str_uint(&value, "1\0", 2, U64), FRAUD_EINVAL);
}

/* Around every maximum: the last that passes and the first that does not. */
static void every_maximum(void **state) {
    uint64_t max, value;
    char text[32];
    unsigned i, k;

    (void)state;
    for (i = 0; i < 64; i++) {
        for (k = 0; k < 21; k++) {
            max = ((uint64_t)1 << i) + k - 10;
            if ((i < 4 && k < 10) || (i == 63 && k > 20)) {
                continue; /* below zero */
            }
            (void)snprintf(text, sizeof(text), "%" PRIu64, max);
            assert_int_equal(number(&value, text, max), FRAUD_OK);
            assert_int_equal(value, max);
            if (max != 0) {
                assert_int_equal(number(&value, text, max - 1), FRAUD_ELIMIT);
            }
        }
    }
}

static void fixed_points(void **state) {
    static const struct {
        const char *text;
        unsigned digits;
        uint64_t max;
        fraud_rc rc;
        uint64_t value;
    } cases[] = {
        {"1.5", 3, U64, FRAUD_OK, 1500},
        {"1.500", 3, U64, FRAUD_OK, 1500},
        {"1.5", 1, U64, FRAUD_OK, 15},
        {"1", 3, U64, FRAUD_OK, 1000},
        {"0", 3, U64, FRAUD_OK, 0},
        {"0.001", 3, U64, FRAUD_OK, 1},
        {"0.0", 3, 0, FRAUD_OK, 0},
        {"00.10", 2, U64, FRAUD_OK, 10},
        {"100", 3, 100000, FRAUD_OK, 100000},
        {"100.000", 3, 100000, FRAUD_OK, 100000},
        {"100.001", 3, 100000, FRAUD_ELIMIT, 0},
        {"101", 3, 100000, FRAUD_ELIMIT, 0},
        {"0.002", 3, 1, FRAUD_ELIMIT, 0},
        {"18446744073709551.615", 3, U64, FRAUD_OK, U64},
        {"18446744073709551.616", 3, U64, FRAUD_ELIMIT, 0},
        {"18446744073709552", 3, U64, FRAUD_ELIMIT, 0},
        {"18446744073709551615", 1, U64, FRAUD_ELIMIT, 0},
        {"1.2345", 3, U64, FRAUD_EINVAL, 0},
        {"1.5", 0, U64, FRAUD_EINVAL, 0},
        {"1.", 3, U64, FRAUD_EINVAL, 0},
        {".5", 3, U64, FRAUD_EINVAL, 0},
        {".", 3, U64, FRAUD_EINVAL, 0},
        {"", 3, U64, FRAUD_EINVAL, 0},
        {"1.5.", 3, U64, FRAUD_EINVAL, 0},
        {"1..5", 3, U64, FRAUD_EINVAL, 0},
        {"1.5x", 3, U64, FRAUD_EINVAL, 0},
        {"1.-5", 3, U64, FRAUD_EINVAL, 0},
        {"-1.5", 3, U64, FRAUD_EINVAL, 0},
        {"1,5", 3, U64, FRAUD_EINVAL, 0},
    };
    uint64_t value;
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        value = 0;
        assert_int_equal(
            fixed(&value, cases[i].text, cases[i].digits, cases[i].max),
            cases[i].rc);
        assert_int_equal(value, cases[i].value);
    }
}

static void rates(void **state) {
    static const struct {
        const char *text;
        uint32_t n; /* 0: refused */
        uint64_t period;
    } cases[] = {
        {"1r/s", 1, 1000000},
        {"5r/m", 5, 60000000},
        {"100r/h", 100, 3600000000u},
        {"1r/d", 1, 86400000000u},
        {"05r/m", 5, 60000000},
        {"1000000r/s", 1000000, 1000000},
        {"1000000r/d", 1000000, 86400000000u},
        {"1000001r/s", 1000001, 1000000},
        {"1000001r/d", 1000001, 86400000000u},
        {"1000002r/s", 500001, 500000},
        {"2000000r/m", 1, 30},
        {"60000000r/m", 1, 1},
        {"86400000r/d", 1, 1000},
        {"86400001r/d", 86400001, 86400000000u},
        {"2000000000r/h", 5, 9},
        {"4000000000r/d", 5, 108},
        {"4294967295r/s", 858993459, 200000},
        {"4294967296r/s", 0, 0},
        {"18446744073709551617r/s", 0, 0},
        {"0r/s", 0, 0},
        {"000r/d", 0, 0},
        {"", 0, 0},
        {"r/s", 0, 0},
        {"5", 0, 0},
        {"5r", 0, 0},
        {"5r/", 0, 0},
        {"5/s", 0, 0},
        {"5r/S", 0, 0},
        {"5R/s", 0, 0},
        {"5r/w", 0, 0},
        {"5r/ms", 0, 0},
        {"5r/sec", 0, 0},
        {"5 r/s", 0, 0},
        {" 5r/s", 0, 0},
        {"5r/s ", 0, 0},
        {"-5r/s", 0, 0},
        {"+5r/s", 0, 0},
        {"1.5r/s", 0, 0},
        {"5r/s5r/s", 0, 0},
        {"5rr/s", 0, 0},
        {"0x5r/s", 0, 0},
    };
    uint64_t period;
    char *exact;
    uint32_t n;
    size_t i, len;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        len = strlen(cases[i].text);
        exact = copy(cases[i].text, len);
        n = 0;
        period = 0;
        assert_int_equal(fraud_str_rate(&n, &period, exact, len),
                         cases[i].n != 0 ? FRAUD_OK : FRAUD_EINVAL);
        assert_int_equal(n, cases[i].n);
        assert_int_equal(period, cases[i].period);
        free(exact);
    }
}

static fraud_rc duration(uint64_t *ms, const char *text, uint64_t max) {
    char *exact = copy(text, strlen(text));
    fraud_rc rc = fraud_str_time(ms, exact, strlen(text), max);

    free(exact);
    return rc;
}

static void times(void **state) {
    static const struct {
        const char *text;
        uint64_t max;
        fraud_rc rc;
        uint64_t ms;
    } cases[] = {
        {"0", 0, FRAUD_OK, 0},
        {"60", U64, FRAUD_OK, 60000},
        {"060", U64, FRAUD_OK, 60000},
        {"60s", U64, FRAUD_OK, 60000},
        {"500ms", U64, FRAUD_OK, 500},
        {"10m", U64, FRAUD_OK, 600000},
        {"4h", U64, FRAUD_OK, 14400000},
        {"1d", U64, FRAUD_OK, 86400000},
        {"1w", U64, FRAUD_OK, 604800000},
        {"1M", U64, FRAUD_OK, 2592000000u},
        {"1y", U64, FRAUD_OK, 31536000000u},
        {"1h30m", U64, FRAUD_OK, 5400000},
        {"1h30", U64, FRAUD_OK, 3630000},
        {"1m5s250ms", U64, FRAUD_OK, 65250},
        {"1y1M1w1d1h1m1s1ms", U64, FRAUD_OK, 34822861001},
        {"0h0m1", U64, FRAUD_OK, 1000},
        {"24h", 86400000, FRAUD_OK, 86400000},
        {"1d1ms", 86400000, FRAUD_ELIMIT, 0},
        {"1d0ms", 86400000, FRAUD_OK, 86400000},
        {"2d", 86400000, FRAUD_ELIMIT, 0},
        {"1", 999, FRAUD_ELIMIT, 0},
        {"1", 1000, FRAUD_OK, 1000},
        {"18446744073709551615ms", U64, FRAUD_OK, U64},
        {"18446744073709551616ms", U64, FRAUD_ELIMIT, 0},
        {"18446744073709551s615ms", U64, FRAUD_OK, U64},
        {"18446744073709551s616ms", U64, FRAUD_ELIMIT, 0},
        {"18446744073709552", U64, FRAUD_ELIMIT, 0},
        {"584942418y", U64, FRAUD_ELIMIT, 0},
        {"99999999999999999999y", U64, FRAUD_ELIMIT, 0},
        {"", U64, FRAUD_EINVAL, 0},
        {"s", U64, FRAUD_EINVAL, 0},
        {"ms", U64, FRAUD_EINVAL, 0},
        {" 1", U64, FRAUD_EINVAL, 0},
        {"1 ", U64, FRAUD_EINVAL, 0},
        {"1 h", U64, FRAUD_EINVAL, 0},
        {"-1", U64, FRAUD_EINVAL, 0},
        {"+1h", U64, FRAUD_EINVAL, 0},
        {"1.5h", U64, FRAUD_EINVAL, 0},
        {"1H", U64, FRAUD_EINVAL, 0},
        {"1us", U64, FRAUD_EINVAL, 0},
        {"1min", U64, FRAUD_EINVAL, 0},
        {"1hh", U64, FRAUD_EINVAL, 0},
        {"1sm", U64, FRAUD_EINVAL, 0},
        {"h1", U64, FRAUD_EINVAL, 0},
        {"1m1h", U64, FRAUD_EINVAL, 0},
        {"1h1h", U64, FRAUD_EINVAL, 0},
        {"1m1M", U64, FRAUD_EINVAL, 0},
        {"1s1", U64, FRAUD_EINVAL, 0},
        {"1ms1s", U64, FRAUD_EINVAL, 0},
        {"1ms1", U64, FRAUD_EINVAL, 0},
        {"forever", U64, FRAUD_EINVAL, 0},
    };
    uint64_t ms;
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        ms = 0;
        assert_int_equal(duration(&ms, cases[i].text, cases[i].max),
                         cases[i].rc);
        assert_int_equal(ms, cases[i].ms);
    }
    assert_int_equal(fraud_str_time(&ms, "1\0s", 3, U64), FRAUD_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),         cmocka_unit_test(uints),
        cmocka_unit_test(every_maximum), cmocka_unit_test(fixed_points),
        cmocka_unit_test(rates),         cmocka_unit_test(times),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
