/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_day.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LAST_DAY 2932896u /* 9999-12-31 */

static fraud_rc parse(uint32_t *day, const char *text) {
    size_t len = strlen(text);
    char *exact = malloc(len != 0 ? len : 1);
    fraud_rc rc;

    assert_non_null(exact);
    memcpy(exact, text, len);
    rc = fraud_day_parse(day, exact, len);
    free(exact);
    return rc;
}

static void known_days(void **state) {
    static const struct {
        const char *text;
        uint32_t day;
    } cases[] = {
        {"1970-01-01", 0},      {"1970-12-31", 364},   {"1972-02-29", 789},
        {"1972-03-01", 790},    {"2000-02-29", 11016}, {"2018-05-18", 17669},
        {"2026-11-22", 20779},  {"2100-03-01", 47541}, {"9999-12-31", LAST_DAY},
    };
    uint8_t text[16];
    fraud_buf_t buf;
    uint32_t day;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(&day, cases[i].text), FRAUD_OK);
        assert_int_equal(day, cases[i].day);
        fraud_buf_init(&buf, text, sizeof(text));
        fraud_day_print(&buf, day);
        assert_int_equal(buf.len, 10);
        assert_memory_equal(text, cases[i].text, 10);
    }
}

static void no_days(void **state) {
    static const char *const cases[] = {
        "",           "2026",       "2026-1-01",   "2026-01-1",  "2026/01/01",
        "2026-13-01", "2026-00-01", "2026-01-00",  "2026-01-32", "2026-04-31",
        "2026-02-29", "2100-02-29", "1969-12-31",  "20260-01-0", "2026-01-011",
        "2026-0a-01", "+026-01-01", "2026-01-01 ", "0000-01-01", "yyyy-mm-dd",
    };
    uint32_t day;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(&day, cases[i]), FRAUD_EINVAL);
    }
}

/* Days up to 2134 and some of the rest, against the C library's calendar. */
static void every_day(void **state) {
    char want[16];
    uint8_t text[16];
    fraud_buf_t buf;
    uint32_t day, back;
    struct tm tm;
    time_t t;

    (void)state;
    for (day = 0; day <= LAST_DAY; day += day < 60000 ? 1 : 97) {
        t = (time_t)day * 86400;
        assert_non_null(gmtime_r(&t, &tm));
        assert_int_equal(strftime(want, sizeof(want), "%Y-%m-%d", &tm), 10);
        fraud_buf_init(&buf, text, sizeof(text));
        fraud_day_print(&buf, day);
        assert_memory_equal(text, want, 10);
        assert_int_equal(fraud_day_parse(&back, want, 10), FRAUD_OK);
        assert_int_equal(back, day);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_days),
        cmocka_unit_test(no_days),
        cmocka_unit_test(every_day),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
