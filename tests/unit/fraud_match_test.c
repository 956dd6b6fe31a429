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

/* A match of one member, of a text or of one pattern. */
typedef struct {
    const fraud_mem_t *mem;
    const fraud_match_conf_t *conf;
    int nocase;
    int one;
} make_t;

static const fraud_match_conf_t defaults = {0, 0, 0, 0};

static fraud_rc make(fraud_match_t **match, make_t how, const char *text,
                     size_t len, fraud_err_t *err) {
    fraud_match_t *m;
    fraud_rc rc;

    memset(err, 0, sizeof(*err));
    rc = fraud_match_new(&m, how.mem, how.conf);
    if (rc != FRAUD_OK) {
        return rc;
    }
    rc = how.one ? fraud_match_add(m, 0, how.nocase, text, len, err)
                 : fraud_match_add_text(m, 0, how.nocase, text, len, err);
    assert_true((rc == FRAUD_OK) == (err->why[0] == '\0'));
    if (rc == FRAUD_OK) {
        rc = fraud_match_finish(m);
    }
    if (rc != FRAUD_OK) {
        fraud_match_free(m);
        return rc;
    }
    *match = m;
    return FRAUD_OK;
}

static fraud_match_t *make_ok(make_t how, const char *text, size_t len) {
    fraud_match_t *match = NULL;
    fraud_err_t err;

    assert_int_equal(make(&match, how, text, len, &err), FRAUD_OK);
    return match;
}

static fraud_match_t *load(const fraud_match_conf_t *conf, const char *text) {
    return make_ok((make_t){NULL, conf, 0, 0}, text, strlen(text));
}

static fraud_rc one(const char *pattern, size_t len, fraud_err_t *err) {
    fraud_match_t *match;
    fraud_rc rc;

    rc = make(&match, (make_t){NULL, NULL, 0, 1}, pattern, len, err);
    if (rc == FRAUD_OK) {
        fraud_match_free(match);
    }
    return rc;
}

/* The value ends where its memory does. */
static fraud_rc find_members(fraud_match_t *match, const char *value,
                             size_t len, uint64_t wanted, uint64_t *hits) {
    uint8_t *exact = malloc(len != 0 ? len : 1);
    fraud_rc rc;

    assert_non_null(exact);
    memcpy(exact, value, len);
    *hits = UINT64_MAX;
    rc = fraud_match_find(match, exact, len, wanted, hits);
    assert_int_equal(*hits & ~wanted, 0);
    free(exact);
    return rc;
}

static fraud_rc find(fraud_match_t *match, const char *value, size_t len) {
    uint64_t hits;
    fraud_rc rc;

    rc = find_members(match, value, len, 1, &hits);
    assert_true(rc == FRAUD_OK || hits == 0);
    return rc == FRAUD_OK && hits == 0 ? FRAUD_NOTFOUND : rc;
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
    const make_t how = {NULL, NULL, 0, 1};
    fraud_match_t *match;
    uint64_t hits = 1;

    (void)state;
    match = make_ok(how, pattern + 1, 6);
    assert_int_equal(fraud_match_count(match), 1);
    assert_int_equal(find_text(match, "a b#"), FRAUD_OK);
    assert_int_equal(find_text(match, "A b#"), FRAUD_NOTFOUND);
    assert_int_equal(find_text(match, ""), FRAUD_NOTFOUND);
    assert_int_equal(fraud_match_find(match, NULL, 0, 1, &hits), FRAUD_OK);
    assert_int_equal(hits, 0);
    fraud_match_free(match);
    fraud_match_free(NULL);

    /* the empty pattern matches everything; blanks belong to a pattern */
    match = make_ok(how, NULL, 0);
    assert_int_equal(find_text(match, ""), FRAUD_OK);
    assert_int_equal(fraud_match_find(match, NULL, 0, 1, &hits), FRAUD_OK);
    assert_int_equal(hits, 1);
    fraud_match_free(match);
    match = make_ok(how, pattern, 1);
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
    match = make_ok((make_t){NULL, NULL, 1, 0}, "sqlmap\n(?-i)curl\n", 17);
    assert_int_equal(find_text(match, "SqlMap"), FRAUD_OK);
    assert_int_equal(find_text(match, "Curl"), FRAUD_NOTFOUND);
    fraud_match_free(match);
}

/* The interpreter finds what JIT code does. */
static void test_interpreted(void **state) {
    fraud_match_t *match = load(&defaults, "(*NO_JIT)^(a|b)+$");

    (void)state;
    assert_int_equal(find_text(match, "abab"), FRAUD_OK);
    assert_int_equal(find_text(match, "abac"), FRAUD_NOTFOUND);
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
    const make_t how = {NULL, NULL, 0, 0};
    fraud_match_t *match = NULL;
    fraud_err_t err;
    fraud_rc rc;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rc = make(&match, how, cases[i].text, strlen(cases[i].text), &err);
        assert_int_equal(rc, FRAUD_EINVAL);
        assert_int_equal(err.line, cases[i].line);
        if (cases[i].at != 0) {
            assert_int_equal(err.at, cases[i].at);
        }
        assert_non_null(strstr(err.why, cases[i].why));
    }
    assert_int_equal(make(&match, how, NULL, 0, &err), FRAUD_EINVAL);
    assert_int_equal(one("(", 1, &err), FRAUD_EINVAL);
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
    assert_int_equal(one(text, FRAUD_MATCH_MAX_PATTERN_LEN, &err), FRAUD_OK);
    assert_int_equal(one(text, FRAUD_MATCH_MAX_PATTERN_LEN + 1, &err),
                     FRAUD_ELIMIT);
    conf.memory = UINT32_MAX;
    assert_int_equal(fraud_match_new(&match, NULL, &conf), FRAUD_ELIMIT);
    assert_int_equal(fraud_match_new(&match, NULL, NULL), FRAUD_OK);
    assert_int_equal(
        fraud_match_add(match, FRAUD_MATCH_MAX_MEMBERS, 0, "a", 1, &err),
        FRAUD_ELIMIT);
    fraud_match_free(match);
    for (i = 0; i < FRAUD_MATCH_MAX_PATTERNS + 1; i++) {
        memcpy(text + i * 4, "a.b\n", 4);
    }
    assert_int_equal(make(&match, (make_t){0}, text, sizeof(text) - 1, &err),
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
        assert_int_equal(stats.verified, len > 230 ? 2 : 1);
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
    fraud_match_t *match;
    char value[400];
    size_t len;

    (void)state;
    match = make_ok((make_t){&mem, NULL, 0, 0}, text, sizeof(text) - 1);
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
static void sweep(int single) {
    static const char text[] = "nikto\nsql(map|ninja)\n\\d+";
    size_t n, refused = 0, len = single ? 5 : sizeof(text) - 1;
    fraud_match_t *match = NULL;
    failmem_t fail;
    fraud_err_t err;
    fraud_rc rc;

    for (n = 1;; n++) {
        failmem_init(&fail, n);
        rc =
            make(&match, (make_t){&fail.mem, NULL, 0, single}, text, len, &err);
        if (rc == FRAUD_OK) {
            assert_int_equal(find_text(match, "nikto"), FRAUD_OK);
            assert_int_equal(find_text(match, "nikt"), FRAUD_NOTFOUND);
            fraud_match_free(match);
        } else {
            assert_int_equal(rc, FRAUD_ENOMEM);
            refused++;
        }
        assert_int_equal(fail.live, 0);
        if (!fail.failed) {
            break;
        }
    }
    assert_int_equal(rc, FRAUD_OK);
    assert_true(refused >= (single ? 15 : 20));
}

static void test_no_memory(void **state) {
    (void)state;
    sweep(0);
    sweep(1);
}

static void add(fraud_match_t *match, unsigned member, int nocase,
                const char *text) {
    fraud_err_t err;

    assert_int_equal(
        fraud_match_add_text(match, member, nocase, text, strlen(text), &err),
        FRAUD_OK);
}

static fraud_match_t *begin(void) {
    fraud_match_t *match = NULL;

    assert_int_equal(fraud_match_new(&match, NULL, NULL), FRAUD_OK);
    return match;
}

static uint64_t hits_of(fraud_match_t *match, const char *value,
                        uint64_t wanted) {
    uint64_t hits;

    assert_int_equal(find_members(match, value, strlen(value), wanted, &hits),
                     FRAUD_OK);
    return hits;
}

static void test_members(void **state) {
    const uint64_t last = (uint64_t)1 << 63;
    fraud_match_t *match = begin();

    (void)state;
    add(match, 0, 0, "nikto\nsqlmap");
    add(match, 5, 1, "nikto\nx\\dy");
    add(match, 63, 0, "^-?$");
    add(match, 5, 0, "CURL");
    assert_int_equal(fraud_match_finish(match), FRAUD_OK);
    assert_int_equal(fraud_match_count(match), 6);
    assert_int_equal(hits_of(match, "nikto", UINT64_MAX), 0x21);
    assert_int_equal(hits_of(match, "Nikto", UINT64_MAX), 0x20);
    assert_int_equal(hits_of(match, "-", UINT64_MAX), last);
    assert_int_equal(hits_of(match, "curl", UINT64_MAX), 0);
    assert_int_equal(hits_of(match, "CURL sqlmap", UINT64_MAX), 0x21);
    assert_int_equal(hits_of(match, "CURL sqlmap", 0), 0);
    assert_int_equal(hits_of(match, "CURL sqlmap", 0x20 | last), 0x20);
    assert_int_equal(hits_of(match, "CURL sqlmap", ~(uint64_t)0x20), 0x01);
    fraud_match_free(match);
    match = begin();
    assert_int_equal(fraud_match_finish(match), FRAUD_OK);
    assert_int_equal(hits_of(match, "anything", UINT64_MAX), 0);
    fraud_match_free(match);
}

/* What is remembered of one member is no answer for another. */
static void test_members_later(void **state) {
    static const char loop[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaevil";
    static const struct {
        uint64_t wanted, hits;
        int limited;
        uint64_t verified;
    } cases[] = {
        {0x08, 0x00, 0, 0}, /* no candidate: not remembered */
        {0x02, 0x02, 0, 1}, {0x02, 0x02, 0, 1}, {0x01, 0x00, 1, 2},
        {0x03, 0x02, 1, 2}, {0x0b, 0x02, 1, 3}, {0x08, 0x00, 0, 3},
        {0x02, 0x02, 0, 3}, {0x04, 0x04, 0, 4}, {0x0f, 0x06, 1, 4},
        {0x06, 0x06, 0, 4}, {0x10, 0x00, 0, 4},
    };
    fraud_match_t *match = begin();
    fraud_match_stats_t stats;
    uint64_t hits;
    size_t i;

    (void)state;
    add(match, 0, 0, "(a+)+$");
    add(match, 1, 0, "evil");
    add(match, 2, 0, "(a+)+$\nevil"); /* the one that gave up counts not */
    add(match, 3, 0, "nikto");
    assert_int_equal(fraud_match_finish(match), FRAUD_OK);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            find_members(match, loop, sizeof(loop) - 1, cases[i].wanted, &hits),
            cases[i].limited ? FRAUD_ELIMIT : FRAUD_OK);
        assert_int_equal(hits, cases[i].hits);
        assert_int_equal(verified(match), cases[i].verified);
    }
    fraud_match_stats(match, &stats);
    assert_int_equal(stats.limited, 2);
    fraud_match_free(match);
}

/*
 * Patterns that nobody wants do not run, nor do those after a match: those here
 * would need memory, for they are interpreted.
 */
static void test_unwanted(void **state) {
    unsigned calls = 0, before;
    fraud_mem_t mem = {count_alloc, count_resize, count_release, &calls};
    fraud_match_t *match = NULL;

    (void)state;
    assert_int_equal(fraud_match_new(&match, &mem, NULL), FRAUD_OK);
    add(match, 0, 0, "(*NO_JIT)(a|b)+$");
    add(match, 1, 0, "ab\n(*NO_JIT)(b|a)+$");
    assert_int_equal(fraud_match_finish(match), FRAUD_OK);
    before = calls;
    assert_int_equal(hits_of(match, "abab", 2), 2);
    assert_int_equal(calls, before);
    assert_int_equal(hits_of(match, "abab", 3), 3);
    assert_true(calls > before);
    fraud_match_free(match);
}

#define N_ALONE 8

/* Any members at any time say what each would say alone. */
static void test_against_single(void **state) {
    static const char *const texts[N_ALONE] = {
        "ab", "ca\nbb", "b.c", "^a", "c$\nabc", "(?:ab|ca)b", "a{3}", "[^abc]"};
    fraud_match_t *match = begin(), *alone[N_ALONE];
    fraud_rc rc;
    uint64_t random = 1, wanted, hits, expected;
    unsigned round, i, len;
    char value[8];

    (void)state;
    for (i = 0; i < N_ALONE; i++) {
        alone[i] = load(&defaults, texts[i]);
        add(match, i * 9, 0, texts[i]);
    }
    assert_int_equal(fraud_match_finish(match), FRAUD_OK);
    for (round = 0; round < 20000; round++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        len = (unsigned)(random >> 60) % 7;
        for (i = 0; i < len; i++) {
            value[i] = "abca"[random >> (58 - 2 * i) & 3];
        }
        wanted = random >> 33;
        wanted |= wanted << 32;
        expected = 0;
        for (i = 0; i < N_ALONE; i++) {
            rc = find(alone[i], value, len);
            expected |= (uint64_t)(rc == FRAUD_OK) << i * 9;
        }
        assert_int_equal(find_members(match, value, len, wanted, &hits),
                         FRAUD_OK);
        assert_int_equal(hits, expected & wanted);
    }
    for (i = 0; i < N_ALONE; i++) {
        fraud_match_free(alone[i]);
    }
    fraud_match_free(match);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_interpreted),
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
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_members_later),
        cmocka_unit_test(test_unwanted),
        cmocka_unit_test(test_against_single),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
