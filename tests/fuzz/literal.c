/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Where PCRE2 finds a match one of the literals occurs: in values from the
 * input, and in what is left of them when every literal is taken away.
 */

#include "fraud_literal.h"
#include "patterns.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MAX_PATTERN 256
#define MAX_VALUE 64

static fraud_literals_t set;
static pcre2_match_context *limits;
static pcre2_match_data *match;

static uint8_t lower(uint8_t ch) {
    return ch >= 'A' && ch <= 'Z' ? (uint8_t)(ch + 32) : ch;
}

/* Return where one of the literals ends, or 0. */
static size_t occurs(const uint8_t *value, size_t len) {
    size_t i, j, k;

    for (i = 0; i < set.n; i++) {
        for (j = 0; j + set.item[i].len <= len; j++) {
            for (k = 0; k < set.item[i].len; k++) {
                if (lower(value[j + k]) != set.bytes[set.item[i].at + k]) {
                    break;
                }
            }
            if (k == set.item[i].len) {
                return j + k;
            }
        }
    }
    return 0;
}

static void check(const pcre2_code *code, const uint8_t *value, size_t len) {
    uint8_t *exact = copy(value, len);
    size_t i;

    if (pcre2_match(code, exact, len, 0, 0, match, limits) >= 0) {
        CLAIM(occurs(exact, len) != 0);
        for (i = 0; i < len; i++) {
            exact[i] = (uint8_t)(exact[i] ^ 0x20);
        }
        CLAIM(pcre2_match(code, exact, len, 0, 0, match, limits) < 0 ||
              occurs(exact, len) != 0);
    }
    free(exact);
}

static void check_set(void) {
    size_t i, end = 0;

    for (i = 0; i < set.n; i++) {
        CLAIM(set.item[i].len >= FRAUD_LITERAL_MIN);
        CLAIM(set.item[i].len <= FRAUD_LITERAL_MAX);
        end = (size_t)set.item[i].at + set.item[i].len;
        CLAIM(end <= FRAUD_LITERAL_PATTERN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    uint8_t flags = cut_u8(&in), value[MAX_VALUE];
    char pattern[MAX_PATTERN], *exact;
    size_t len, value_len, end, i;
    pcre2_code *code;
    PCRE2_SIZE at;
    int error;

    if (limits == NULL) {
        limits = pcre2_match_context_create(NULL);
        match = pcre2_match_data_create(1, NULL);
        CLAIM(limits != NULL && match != NULL);
        pcre2_set_match_limit(limits, 2000);
    }
    len =
        cut_pattern(&in, cut_u8(&in) % 64, flags & 1, pattern, sizeof(pattern));
    exact = copy(pattern, len);
    fraud_literal_derive(&set, (uint8_t *)exact, len);
    check_set();
    code = pcre2_compile((uint8_t *)exact, len, flags & 2 ? PCRE2_CASELESS : 0,
                         &error, &at, NULL);
    for (i = 0; code != NULL && set.n != 0 && i < N_USUAL; i++) {
        check(code, (const uint8_t *)usual_values[i], strlen(usual_values[i]));
    }
    while (code != NULL && set.n != 0 && in.len > 0) {
        value_len =
            cut_value(&in, cut_u8(&in) % 24, flags & 1, value, sizeof(value));
        check(code, value, value_len);
        while ((end = occurs(value, value_len)) != 0) {
            memmove(value + end - 1, value + end, value_len - end);
            value_len--;
            check(code, value, value_len);
        }
    }
    pcre2_code_free(code);
    free(exact);
    return 0;
}
