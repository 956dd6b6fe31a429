/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Patterns of two members in turn, line by line, against PCRE2's interpreter
 * asked for each line: the verdicts are the same, unless one of them met a
 * limit, and however the members are wanted.
 */

#include "fraud_match.h"
#include "patterns.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* What a set's patterns may not turn on. */
#define NEVER (PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C)

#define MAX_LINES 16
#define MAX_TEXT 512
#define MAX_VALUE 64

static pcre2_code *codes[MAX_LINES];
static size_t n;
static pcre2_match_context *limits;
static pcre2_match_data *match;

static int is_blank(char ch) {
    return ch == ' ' || ch == '\t';
}

static int compile_line(const char *line, size_t len, int nocase) {
    PCRE2_SIZE at;
    int error;

    if (len > 0 && line[len - 1] == '\r') {
        len--;
    }
    if (len > 0 && line[0] == '#') {
        return 1;
    }
    while (len > 0 && is_blank(line[len - 1])) {
        len--;
    }
    while (len > 0 && is_blank(line[0])) {
        line++;
        len--;
    }
    if (len == 0) {
        return 1;
    }
    codes[n] =
        pcre2_compile((const uint8_t *)line, len,
                      NEVER | (nocase ? PCRE2_CASELESS : 0), &error, &at, NULL);
    return codes[n] != NULL && ++n;
}

static int compile_all(const char *text, size_t len, int nocase) {
    size_t i, start = 0;

    for (i = 0; i <= len; i++) {
        if (i < len && text[i] != '\n') {
            continue;
        }
        if (n == MAX_LINES || !compile_line(text + start, i - start, nocase)) {
            return 0;
        }
        start = i + 1;
    }
    return n > 0;
}

/* Where limits are met neither answer is wrong. */
static void check_wanted(fraud_match_t *set, const uint8_t *value, size_t len,
                         uint64_t wanted) {
    uint64_t hits = UINT64_MAX, again, matched = 0, limited = 0;
    fraud_rc rc = fraud_match_find(set, value, len, wanted, &hits);
    size_t i;
    int one;

    for (i = 0; i < n; i++) {
        one = pcre2_match(codes[i], value, len, 0, 0, match, limits);
        matched |= (uint64_t)(one >= 0) << i % 2;
        limited |= (uint64_t)(one < 0 && one != PCRE2_ERROR_NOMATCH) << i % 2;
    }
    CLAIM(rc == FRAUD_OK || rc == FRAUD_ELIMIT);
    CLAIM((hits & ~wanted) == 0);
    CLAIM((hits & ~matched & ~limited) == 0);
    CLAIM(rc == FRAUD_ELIMIT || (matched & wanted & ~hits) == 0);
    CLAIM(fraud_match_find(set, value, len, wanted, &again) == rc);
    CLAIM(again == hits);
}

static void check(fraud_match_t *set, const uint8_t *value, size_t len) {
    uint8_t *exact = copy(value, len);
    uint64_t wanted;

    /* first one, then the other, then both: what is remembered grows */
    for (wanted = 0; wanted < 4; wanted++) {
        check_wanted(set, exact, len, len % 2 ? wanted : wanted ^ 3);
    }
    free(exact);
}

/* The compiled lines once more, as patterns of the two members. */
static fraud_rc add_all(fraud_match_t *set, const char *text, size_t len,
                        int nocase, fraud_err_t *err) {
    size_t i, start = 0, before;
    unsigned member = 0;
    fraud_rc rc;

    for (i = 0; i <= len; i++) {
        if (i < len && text[i] != '\n') {
            continue;
        }
        before = fraud_match_count(set);
        rc = fraud_match_add_text(set, member, nocase, text + start, i - start,
                                  err);
        if (rc != FRAUD_OK &&
            (rc != FRAUD_EINVAL || strcmp(err->why, "no pattern") != 0)) {
            return rc;
        }
        member ^= fraud_match_count(set) != before;
        start = i + 1;
    }
    err->why[0] = '\0';
    return fraud_match_count(set) != 0 ? fraud_match_finish(set) : FRAUD_EINVAL;
}

static void check_values(fraud_match_t *set, input_t *in, int simple) {
    uint8_t value[MAX_VALUE];
    size_t len, i;

    for (i = 0; i < N_USUAL; i++) {
        check(set, (const uint8_t *)usual_values[i], strlen(usual_values[i]));
    }
    while (in->len > 0) {
        len =
            cut_value(in, cut_u8(in) % MAX_VALUE, simple, value, sizeof(value));
        check(set, value, len);
    }
}

static size_t cut_lines(input_t *in, unsigned lines, int as_words, char *text) {
    size_t len = 0;

    while (lines-- > 0) {
        len += cut_pattern(in, cut_u8(in) % 32, as_words, text + len,
                           MAX_TEXT - len - lines - 1);
        if (lines > 0) {
            text[len++] = '\n';
        }
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    uint8_t flags = cut_u8(&in);
    fraud_match_conf_t conf = {0};
    char text[MAX_TEXT], *exact;
    fraud_match_t *set;
    fraud_err_t err;
    fraud_rc rc;
    size_t len;
    int good, nocase = flags >> 1 & 1;

    if (limits == NULL) {
        limits = pcre2_match_context_create(NULL);
        match = pcre2_match_data_create(1, NULL);
        CLAIM(limits != NULL && match != NULL);
        pcre2_set_match_limit(limits, 20000);
        pcre2_set_depth_limit(limits, 1000);
    }
    conf.match_limit = 20000;
    conf.memory = flags >> 2 & 3;
    len = cut_lines(&in, 1 + (flags >> 4 & 7), flags & 1, text);
    exact = copy(text, len);
    n = 0;
    memset(&err, 0, sizeof(err));
    good = compile_all(exact, len, nocase);
    CLAIM(fraud_match_new(&set, NULL, &conf) == FRAUD_OK);
    rc = add_all(set, exact, len, nocase, &err);
    if (rc == FRAUD_OK) {
        if (good) {
            CLAIM(fraud_match_count(set) == n);
            check_values(set, &in, flags & 1);
        } else {
            CLAIM(n == MAX_LINES);
        }
    } else {
        CLAIM(!good && (n == 0 || err.why[0] != '\0'));
        CLAIM(memchr(err.why, '\0', sizeof(err.why)) != NULL);
    }
    fraud_match_free(set);
    while (n > 0) {
        pcre2_code_free(codes[--n]);
    }
    free(exact);
    return 0;
}
