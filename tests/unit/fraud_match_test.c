/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_match.h"
#include "failmem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const fraud_match_conf_t defaults = {0, 0, 0, 0};
static const fraud_match_conf_t nocase = {1, 0, 0, 0};

static fraud_match_t *load(const fraud_match_conf_t *conf, const char *text) {
    fraud_match_t *match = NULL;
    fraud_err_t err;

    assert_int_equal(
        fraud_match_load(&match, NULL, conf, text, strlen(text), &err),
        FRAUD_OK);
    return match;
}

/* The value ends where its memory does. */
static fraud_rc find(fraud_match_t *match, const char *value, size_t len) {
    uint8_t *exact = malloc(len != 0 ? len : 1);
    fraud_rc rc;

    assert_non_null(exact);
    memcpy(exact, value, len);
    rc = fraud_match_find(match, exact, len);
    free(exact);
    return rc;
}

static fraud_rc find_text(fraud_match_t *match, const char *value) {
    return find(match, value, strlen(value));
}

static uint64_t verified(const fraud_match_t *match) {
    fraud_match_stats_t stats;

    fraud_match_stats(match, &stats);
    return stats.verified;
}

static void test_one(void **state) {
    static const char pattern[] = " ^a b#$";
    fraud_match_t *match = NULL;
    fraud_err_t err;

    (void)state;
    assert_int_equal(
        fraud_match_one(&match, NULL, &defaults, pattern + 1, 6, &err),
        FRAUD_OK);
    assert_int_equal(fraud_match_count(match), 1);
    assert_int_equal(find_text(match, "a b#"), FRAUD_OK);
    assert_int_equal(find_text(match, "A b#"), FRAUD_NOTFOUND);
    assert_int_equal(find_text(match, ""), FRAUD_NOTFOUND);
    assert_int_equal(fraud_match_find(match, NULL, 0), FRAUD_NOTFOUND);
    fraud_match_free(match);
    fraud_match_free(NULL);

    /* the empty pattern matches everything; blanks belong to a pattern */
    assert_int_equal(fraud_match_one(&match, NULL, &defaults, "", 0, &err),
                     FRAUD_OK);
    assert_int_equal(find_text(match, ""), FRAUD_OK);
    assert_int_equal(fraud_match_find(match, NULL, 0), FRAUD_OK);
    fraud_match_free(match);
    assert_int_equal(fraud_match_one(&match, NULL, &defaults, pattern, 1, &err),
                     FRAUD_OK);
    assert_int_equal(find_text(match, "ab"), FRAUD_NOTFOUND);
    assert_int_equal(find_text(match, "a b"), FRAUD_OK);
    fraud_match_free(match);
}

static void test_load(void **state) {
    fraud_match_t *match;

    (void)state;
    match = load(&defaults, "# tools\n"
                            "\n"
                            "  sqlmap \t\r\n"
                            "\t# a pattern that begins with '#'\n"
                            " \t \r\n"
                            "^curl/\\d\n"
                            "x[0-9]y");
    assert_int_equal(fraud_match_count(match), 4);
    assert_int_equal(find_text(match, "sqlmap/1.7"), FRAUD_OK);
    assert_int_equal(find_text(match, "SQLMAP/1.7"), FRAUD_NOTFOUND);
    assert_int_equal(find_text(match, "# tools"), FRAUD_NOTFOUND);
    assert_int_equal(find_text(match, "curl/8.0"), FRAUD_OK);
    assert_int_equal(find_text(match, "curl/x"), FRAUD_NOTFOUND);
    assert_int_equal(find_text(match, " curl/8.0"), FRAUD_NOTFOUND);
    assert_int_equal(find_text(match, "x7y"), FRAUD_OK);
    fraud_match_free(match);
    match = load(&nocase, "sqlmap\n(?-i)curl\n");
    assert_int_equal(find_text(match, "SqlMap"), FRAUD_OK);
    assert_int_equal(find_text(match, "Curl"), FRAUD_NOTFOUND);
    fraud_match_free(match);
}

static void test_any_bytes(void **state) {
    fraud_match_t *match = load(&defaults, "ab\\x00\\xff\xfe");

    (void)state;
    assert_int_equal(find(match, "..ab\0\xff\xfe", 7), FRAUD_OK);
    assert_int_equal(find(match, "..ab\0\xff", 6), FRAUD_NOTFOUND);
    fraud_match_free(match);
}

static void test_errors(void **state) {
    static const struct {
        const char *text;
        size_t line, at;
        const char *why; /* a part of it */
    } cases[] = {
        {"", 0, 0, "no pattern"},
        {"\n# only\n \n", 0, 0, "no pattern"},
        {"ok\n\nab(cd\n", 3, 6, "parenthes"},
        {"ok\n  [z-a]", 2, 4, "range"},
        {"(*UTF)abc", 1, 0, "UTF"},
        {"\\C", 1, 0, "\\C"},
        {"abc\\", 1, 5, "\\"},
    };
    fraud_match_t *match = NULL;
    fraud_err_t err;
    fraud_rc rc;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rc = fraud_match_load(&match, NULL, &defaults, cases[i].text,
                              strlen(cases[i].text), &err);
        assert_int_equal(rc, FRAUD_EINVAL);
        assert_int_equal(err.line, cases[i].line);
        if (cases[i].at != 0) {
            assert_int_equal(err.at, cases[i].at);
        }
        assert_non_null(strstr(err.why, cases[i].why));
    }
    assert_int_equal(fraud_match_load(&match, NULL, &defaults, NULL, 0, &err),
                     FRAUD_EINVAL);
    assert_int_equal(fraud_match_one(&match, NULL, &defaults, "(", 1, &err),
                     FRAUD_EINVAL);
    assert_int_equal(err.line, 0);
    assert_int_equal(err.at, 2);
}

static void test_maxima(void **state) {
    static char text[4 * (FRAUD_MATCH_MAX_PATTERNS + 1) + 1];
    fraud_match_conf_t conf = defaults;
    fraud_match_t *match = NULL;
    fraud_err_t err;
    size_t i;

    (void)state;
    memset(text, 'a', FRAUD_MATCH_MAX_PATTERN_LEN + 1);
    assert_int_equal(fraud_match_one(&match, NULL, &defaults, text,
                                     FRAUD_MATCH_MAX_PATTERN_LEN, &err),
                     FRAUD_OK);
    fraud_match_free(match);
    assert_int_equal(fraud_match_one(&match, NULL, &defaults, text,
                                     FRAUD_MATCH_MAX_PATTERN_LEN + 1, &err),
                     FRAUD_ELIMIT);
    conf.memory = UINT32_MAX;
    assert_int_equal(fraud_match_one(&match, NULL, &conf, "a", 1, &err),
                     FRAUD_ELIMIT);
    for (i = 0; i < FRAUD_MATCH_MAX_PATTERNS + 1; i++) {
        memcpy(text + i * 4, "a.b\n", 4);
    }
    assert_int_equal(
        fraud_match_load(&match, NULL, &defaults, text, sizeof(text) - 1, &err),
        FRAUD_ELIMIT);
    assert_int_equal(err.line, FRAUD_MATCH_MAX_PATTERNS + 1);
}

/* PCRE2 sees a value only if it has a literal, and only once. */
static void test_economy(void **state) {
    fraud_match_t *match = load(&defaults, "nikto\nsqlmap/\\d");
    fraud_match_stats_t stats;

    (void)state;
    assert_int_equal(find_text(match, "Mozilla/5.0"), FRAUD_NOTFOUND);
    assert_int_equal(verified(match), 0);
    assert_int_equal(find_text(match, "NIKTO"), FRAUD_NOTFOUND);
    assert_int_equal(find_text(match, "NIKTO"), FRAUD_NOTFOUND);
    assert_int_equal(verified(match), 1);
    assert_int_equal(find_text(match, "sqlmap/1"), FRAUD_OK);
    assert_int_equal(find_text(match, "sqlmap/1"), FRAUD_OK);
    assert_int_equal(find_text(match, "sqlmap/x"), FRAUD_NOTFOUND);
    fraud_match_stats(match, &stats);
    assert_int_equal(stats.values, 6);
    assert_int_equal(stats.verified, 3);
    assert_int_equal(stats.limited, 0);
    fraud_match_free(match);

    match = load(&defaults, "nikto\n^\\d+$");
    assert_int_equal(find_text(match, "abc"), FRAUD_NOTFOUND);
    assert_int_equal(find_text(match, "abc"), FRAUD_NOTFOUND);
    assert_int_equal(verified(match), 1);
    assert_int_equal(find_text(match, "nikto"), FRAUD_OK);
    assert_int_equal(find_text(match, "123"), FRAUD_OK);
    assert_int_equal(verified(match), 3);
    fraud_match_free(match);
}

/* 4,096 values through a memory of 4 stay right. */
static void test_small_memory(void **state) {
    fraud_match_conf_t conf = defaults;
    fraud_match_t *match;
    char value[16];
    unsigned round, i;

    (void)state;
    conf.memory = 4;
    match = load(&conf, "v.*[05]$");
    for (round = 0; round < 2; round++) {
        for (i = 0; i < 2048; i++) {
            snprintf(value, sizeof(value), "v%u", i);
            assert_int_equal(find_text(match, value),
                             i % 5 == 0 ? FRAUD_OK : FRAUD_NOTFOUND);
        }
    }
    fraud_match_free(match);
}

/*
 * Patterns of exponential and of polynomial cost come to an end, and for
 * values of any length; so does the interpreter, where "(*NO_JIT)" asks for
 * it. The verdict of a limit is remembered as what it is.
 */
static void test_limits(void **state) {
    static const struct {
        const char *pattern;
        size_t len;
    } cases[] = {
        {"(a+)+$", 200},           {"(a+)+[xy]", 8000},
        {"(?:a|aa)+$", 4000},      {"a.*a.*a.*[xy]", 8000},
        {"a*a*[xy]", 8000},        {"(?:a.)*[xy]", 8000},
        {"(*NO_JIT)(a+)+$", 200},  {"(*NO_JIT)(?:a|aa)+$", 4000},
        {"(?:(?:a?){9}){9}$", 99}, {"(?i)(A+)+$", 200},
    };
    static char value[8000];
    fraud_match_stats_t stats;
    fraud_match_t *match;
    size_t i, len;

    (void)state;
    memset(value, 'a', sizeof(value));
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        match = load(&defaults, cases[i].pattern);
        len = cases[i].len;
        value[len - 1] = 'b';
        assert_int_equal(find(match, value, len), FRAUD_ELIMIT);
        assert_int_equal(find(match, value, len), FRAUD_ELIMIT);
        fraud_match_stats(match, &stats);
        assert_int_equal(stats.verified, len > 252 ? 2 : 1);
        assert_int_equal(stats.limited, stats.verified);
        value[len - 1] = 'a';
        fraud_match_free(match);
    }
}

/* A pattern that gave up does not hide one that matches, in either order. */
static void test_limit_and_match(void **state) {
    static char value[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaevil";
    fraud_match_t *match;

    (void)state;
    match = load(&defaults, "(a+)+$\nevil");
    assert_int_equal(find_text(match, value), FRAUD_OK);
    fraud_match_free(match);
    match = load(&defaults, "(?:evil)?(a+)+$\n(aa+)+$\n[e]v[i]l$");
    assert_int_equal(find_text(match, value), FRAUD_OK);
    fraud_match_free(match);
    match = load(&defaults, "(aa+)+$\n^\\d");
    assert_int_equal(find_text(match, value), FRAUD_ELIMIT);
    fraud_match_free(match);
}

/* What costs little goes through however long: the few places share all. */
static void test_long_and_harmless(void **state) {
    static const struct {
        const char *pattern;
        int found;
    } cases[] = {
        {"^.*[xy]", 0},           {"(?s)^.*[xy]", 0},     {".*[xy]", 0},
        {"union.*from.*[xy]", 0}, {"(?i)UNION.*[xy]", 0}, {"['\"].*[xy]", 0},
        {"union.*[s]ele", 1},
    };
    static char value[8000];
    fraud_match_t *match;
    size_t i;

    (void)state;
    memset(value, '-', sizeof(value));
    memcpy(value, "union '", 7);
    memcpy(value + 4000, "select from", 11);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        match = load(&defaults, cases[i].pattern);
        assert_int_equal(find(match, value, sizeof(value)),
                         cases[i].found ? FRAUD_OK : FRAUD_NOTFOUND);
        fraud_match_free(match);
    }
}

/* Places where a match may begin are counted whatever their case. */
static void test_places_of_both_cases(void **state) {
    static const char *const patterns[] = {"(?i)A(?:a.)*[xy]",
                                           "(?i)a(?:A.)*[xy]"};
    static char value[8000];
    fraud_match_t *match;
    size_t i;

    (void)state;
    for (i = 0; i < 4; i++) {
        memset(value, i % 2 == 0 ? 'a' : 'A', sizeof(value));
        match = load(&defaults, patterns[i / 2]);
        assert_int_equal(find(match, value, sizeof(value)), FRAUD_ELIMIT);
        fraud_match_free(match);
    }
}

static void test_configured_limits(void **state) {
    static const char value[] = "aaaaaaaaaaaab";
    fraud_match_conf_t conf = defaults;
    fraud_match_t *match;

    (void)state;
    match = load(&conf, "^(a+)+$");
    assert_int_equal(find_text(match, value), FRAUD_NOTFOUND);
    fraud_match_free(match);
    conf.match_limit = 2000; /* a fraction of what it takes */
    match = load(&conf, "^(a+)+$");
    assert_int_equal(find_text(match, value), FRAUD_ELIMIT);
    fraud_match_free(match);
    conf.match_limit = 0;
    conf.depth_limit = 5;
    match = load(&conf, "(*NO_JIT)^(a+)+$");
    assert_int_equal(find_text(match, value), FRAUD_ELIMIT);
    fraud_match_free(match);
}

static void *count_alloc(void *ctx, size_t size) {
    ++*(unsigned *)ctx;
    return malloc(size);
}

static void *count_resize(void *ctx, void *old, size_t size) {
    ++*(unsigned *)ctx;
    return realloc(old, size);
}

static void count_release(void *ctx, void *p) {
    ++*(unsigned *)ctx;
    free(p);
}

static void test_find_allocates_nothing(void **state) {
    static const char text[] = "nikto\n^\\d+(a|b)*c\n(a+)+$\n(.)(.)(.)\\3$";
    unsigned calls = 0, before;
    fraud_mem_t mem = {count_alloc, count_resize, count_release, &calls};
    fraud_match_t *match = NULL;
    fraud_err_t err;
    char value[400];
    size_t len;

    (void)state;
    assert_int_equal(
        fraud_match_load(&match, &mem, &defaults, text, sizeof(text) - 1, &err),
        FRAUD_OK);
    before = calls;
    memset(value, 'a', sizeof(value));
    for (len = 0; len < sizeof(value); len++) {
        value[len != 0 ? len - 1 : 0] = 'b';
        assert_int_not_equal(find(match, value, len), FRAUD_ENOMEM);
        value[len != 0 ? len - 1 : 0] = 'a';
    }
    assert_int_equal(calls, before);
    fraud_match_free(match);
}

/* JIT does without what it was not given: those failures do not show. */
static void sweep(int one) {
    static const char text[] = "nikto\nsql(map|ninja)\n\\d+";
    fraud_match_t *match = NULL;
    failmem_t fail;
    fraud_err_t err;
    fraud_rc rc;
    size_t n, refused = 0;

    for (n = 1;; n++) {
        failmem_init(&fail, n);
        rc = one ? fraud_match_one(&match, &fail.mem, &defaults, text, 5, &err)
                 : fraud_match_load(&match, &fail.mem, &defaults, text,
                                    sizeof(text) - 1, &err);
        if (rc == FRAUD_OK) {
            assert_int_equal(find_text(match, "nikto"), FRAUD_OK);
            assert_int_equal(find_text(match, "nikt"), FRAUD_NOTFOUND);
            fraud_match_free(match);
        } else {
            assert_int_equal(rc, FRAUD_ENOMEM);
            assert_true(err.why[0] != '\0');
            refused++;
        }
        assert_int_equal(fail.live, 0);
        if (!fail.failed) {
            break;
        }
    }
    assert_int_equal(rc, FRAUD_OK);
    assert_true(refused >= (one ? 15 : 20));
}

static void test_no_memory(void **state) {
    (void)state;
    sweep(0);
    sweep(1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_maxima),
        cmocka_unit_test(test_economy),
        cmocka_unit_test(test_small_memory),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limit_and_match),
        cmocka_unit_test(test_long_and_harmless),
        cmocka_unit_test(test_places_of_both_cases),
        cmocka_unit_test(test_configured_limits),
        cmocka_unit_test(test_find_allocates_nothing),
        cmocka_unit_test(test_no_memory),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
