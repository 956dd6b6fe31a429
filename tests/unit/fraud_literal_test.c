/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_literal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 512

typedef struct {
    uint8_t data[MAX_TEXT];
    size_t len;
} text_t;

static uint64_t random_state;

static unsigned any(unsigned n) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

static void put(text_t *text, uint8_t c) {
    if (text->len < MAX_TEXT) {
        text->data[text->len++] = c;
    }
}

static void put_all(text_t *text, const char *s) {
    for (; *s != '\0'; s++) {
        put(text, (uint8_t)*s);
    }
}

/* The pattern ends where its memory does, so that reading on is seen. */
static void derive(fraud_literals_t *set, const uint8_t *pattern, size_t len) {
    uint8_t *exact = malloc(len != 0 ? len : 1);

    assert_non_null(exact);
    memcpy(exact, pattern, len);
    fraud_literal_derive(set, exact, len);
    free(exact);
}

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static int occurs(const uint8_t *literal, size_t n, const uint8_t *in,
                  size_t len) {
    size_t i, j;

    for (i = 0; i + n <= len; i++) {
        for (j = 0; j < n && lower(in[i + j]) == literal[j]; j++) {
        }
        if (j == n) {
            return 1;
        }
    }
    return 0;
}

static int any_occurs(const fraud_literals_t *set, const uint8_t *in,
                      size_t len) {
    size_t i;

    for (i = 0; i < set->n; i++) {
        if (occurs(set->bytes + set->item[i].at, set->item[i].len, in, len)) {
            return 1;
        }
    }
    return 0;
}

static pcre2_code *compile(const uint8_t *pattern, size_t len, int nocase) {
    PCRE2_SIZE at;
    int error;

    return pcre2_compile(pattern, len, nocase ? PCRE2_CASELESS : 0, &error, &at,
                         NULL);
}

static int matches(const pcre2_code *code, const uint8_t *data, size_t len) {
    static pcre2_match_context *limits;
    static pcre2_match_data *match;

    if (limits == NULL) {
        limits = pcre2_match_context_create(NULL);
        match = pcre2_match_data_create(1, NULL);
        assert_non_null(limits);
        assert_non_null(match);
        pcre2_set_match_limit(limits, 2000);
    }
    if (code == NULL) {
        pcre2_match_context_free(limits);
        pcre2_match_data_free(match);
        limits = NULL;
        return 0;
    }
    return pcre2_match(code, data, len, 0, 0, match, limits) >= 0;
}

/* A counterexample to the promise of fraud_literal.h. */
static void refute(const uint8_t *pattern, size_t pattern_len,
                   const uint8_t *subject, size_t len) {
    print_error("/%.*s/ matches \"%.*s\", which has none of its literals\n",
                (int)pattern_len, (const char *)pattern, (int)len,
                (const char *)subject);
    fail();
}

typedef struct {
    const char *pattern;
    const char *literals; /* in order, a '|' after each; "" for none */
} derive_case_t;

static const derive_case_t derive_cases[] = {
    /* runs */
    {"", ""},
    {"a", ""},
    {"ab", "ab|"},
    {"SQLMap", "sqlmap|"},
    {"^abc$", "abc|"},
    {"ab.cde.f", "cde|"},
    {"abc.def", "abc|"},
    {"a{b", "a{b|"},
    {"${jndi:", "{jndi:|"},
    {"a{}b", "a{}b|"},
    {"a]b}", "a]b}|"},
    {"01234567890123456789012345678901234",
     "01234567890123456789012345678901|"},
    /* quantifiers */
    {"abc?", "ab|"},
    {"abc*", "ab|"},
    {"abc*?", "ab|"},
    {"abc?+", "ab|"},
    {"abc+", "abc|"},
    {"abc+d", "abc|"},
    {"ab+cde", "cde|"},
    {"abc{0}", "ab|"},
    {"abc{0,}", "ab|"},
    {"abc{00,3}", "ab|"},
    {"abc{,3}", "ab|"},
    {"abc{1}", "abc|"},
    {"abc{2,}d", "abc|"},
    {"abc{10}d", "abc|"},
    {"abc{1,2x", ""},
    {"abc{ 1}", ""},
    {"a?b?c?", ""},
    {"(?:abc)?", ""},
    {"(?:abc)*", ""},
    {"(?:abc){0,2}", ""},
    {"(?:abc)+", "abc|"},
    {"(?:abc){2,3}?", "abc|"},
    {"x(?:abc)?yz", "yz|"},
    {"(?:(?:abc)+)?", ""},
    /* alternatives */
    {"abc|de", "abc|de|"},
    {"abc|d", ""},
    {"abc|", ""},
    {"|abc", ""},
    {"a|b", ""},
    {"(abc|def)", "abc|def|"},
    {"(abc|)", ""},
    {"x(?:abc|def)ghij", "ghij|"},
    {"xyz(?:ab|defg)", "xyz|"},
    {"xy(?:abc|defg)", "abc|defg|"},
    {"(?:abc|def)ghi", "ghi|"},
    {"ghi(?:abc|def)", "ghi|"},
    {"a(?:bcd|(?:efg|hij.klmn)o)", "bcd|efg|klmn|"},
    {"\\.(?:php|asp)$", "php|asp|"},
    /* groups */
    {"(?i)abc", "abc|"},
    {"abc(?i)defg", "defg|"},
    {"(?i:abc)", "abc|"},
    {"(?ims-ims:abc)", "abc|"},
    {"(?-i)abc", "abc|"},
    {"(?>abc)", "abc|"},
    {"(?<name>abc)", "abc|"},
    {"(?P<name>abc)", "abc|"},
    {"(?'name'abc)", "abc|"},
    {"(?|abc|def)", "abc|def|"},
    {"ab(?=cde)", "cde|"},
    {"(?=abc)?de", "de|"},
    {"ab(?!cde)", "ab|"},
    {"(?<=abc)de", "abc|"},
    {"(?<!abc)de", "de|"},
    {"()abc", "abc|"},
    {"(abc)\\1d", "abc|"},
    /* escapes */
    {"\\.git\\/", ".git/|"},
    {"a\\-b\\_c", "a-b_c|"},
    {"\\x2e\\x2Eb", "..b|"},
    {"a\\tb\\nc\\rd\\fe\\ef\\ag", "a\tb\nc\rd\fe\033f\ag|"},
    {"ab\\bcd", "ab|"},
    {"ab\\d", "ab|"},
    {"\\Aabc\\Z", "abc|"},
    {"ab\\Kcde", "cde|"},
    {"ab\\Ncde", "cde|"},
    {"ab\\Rcde", "cde|"},
    {"abc\\.?", "abc|"},
    {"abc\\x2e*", "abc|"},
    {"abc\\cA", ""},
    {"abc\\x{41}", ""},
    {"abc\\x4", ""},
    {"abc\\012", ""},
    {"abc\\0", ""},
    {"abc\\12", ""},
    {"abc\\o{12}", ""},
    {"abc\\N{U+41}", ""},
    {"\\Qabc\\E", ""},
    {"abc\\E?", ""},
    {"abc\\p{L}", ""},
    {"(abc)\\g1", ""},
    {"(?<n>abc)\\k<n>", ""},
    {"abc\\", ""},
    /* classes */
    {"abc[.]d", "abc.d|"},
    {"[Cc]url", "curl|"},
    {"ab[cd]efg", "efg|"},
    {"ab[^c]efg", "efg|"},
    {"ab[]]c", "ab]c|"},
    {"ab[]c]def", "def|"},
    {"ab[^]c]def", "def|"},
    {"ab[\\]]c", "ab]c|"},
    {"ab[\\]c]def", "def|"},
    {"ab[\\d]cde", "cde|"},
    {"ab[[:alpha:]]cde", "cde|"},
    {"ab[[:^alpha:]x]cde", "cde|"},
    {"ab[x-z]cde", "cde|"},
    {"ab[|]c", "ab|c|"},
    {"ab[c]?", "ab|"},
    {"ab[[.]c", ""},
    {"ab[\\c]]cde", ""},
    {"ab[\\Q]\\E]cde", ""},
    {"[[:<:]]abc", ""},
    {"abc[", ""},
    {"abc[d", ""},
    /* not understood */
    {"(?x)a b c", ""},
    {"(?x:a b c)", ""},
    {"abc(?#comment)?", ""},
    {"(*UTF8)abc", ""},
    {"abc(*SKIP)def", ""},
    {"(?(?=a)abc|def)", ""},
    {"(abc)(?1)", ""},
    {"(abc)(?R)?", ""},
    {"(?<n>abc)(?&n)", ""},
    {"(?<n>abc)(?P>n)", ""},
    {"abc(?C1)", ""},
    {"(?^)abc", ""},
    {"abc)", ""},
    {"(abc", ""},
    {"(?", ""},
    {"(?<a", ""},
};

static void test_derive(void **state) {
    fraud_literals_t set;
    const derive_case_t *c;
    text_t got;
    size_t i, j, k;

    (void)state;
    for (i = 0; i < sizeof(derive_cases) / sizeof(derive_cases[0]); i++) {
        c = &derive_cases[i];
        derive(&set, (const uint8_t *)c->pattern, strlen(c->pattern));
        got.len = 0;
        for (j = 0; j < set.n; j++) {
            for (k = 0; k < set.item[j].len; k++) {
                put(&got, set.bytes[set.item[j].at + k]);
            }
            put(&got, '|');
        }
        put(&got, '\0');
        if (strcmp((const char *)got.data, c->literals) != 0) {
            print_error("/%s/: \"%s\", not \"%s\"\n", c->pattern, c->literals,
                        (const char *)got.data);
            fail();
        }
    }
}

/* Subjects that match by what a careless reader of the pattern overlooks. */
static const char *const tricky_cases[][2] = {
    {"abc?", "ab"},
    {"abc??d", "abd"},
    {"(?:abc){0}x", "x"},
    {"abc(?#x)?", "ab"},
    {"(?x)abc ?", "ab"},
    {"(?x)abc # def", "abc"},
    {"abc\\E?", "ab"},
    {"\\Qab|c\\E", "ab|c"},
    {"a\\Q\\E?bc", "bc"},
    {"abc\\x2e*", "abc"},
    {"abc\\056?", "abc"},
    {"(?:abc|d?)", ""},
    {"(abc)?\\1?d", "d"},
    {"(?|abc|(d))", "d"},
    {"foo\\Kbar", "foobar"},
    {"(?<!foo)bar", "bar"},
    {"(?!foo)bar", "bar"},
    {"(?(?=abc)abc|de)", "de"},
    {"(?(DEFINE)(?<n>foo))bar(?&n)", "barfoo"},
    {"(?:(*FAIL)abc|de)", "de"},
    {"(?:abc(*ACCEPT)def|gh)", "abc"},
    {"a(?:b(*ACCEPT)x)cdef", "ab"},
    {"[[:alpha:]]{3}", "xyz"},
    {"[]ab]c", "]c"},
    {"[^]ab]cd", "xcd"},
    {"(?i)ABC", "abc"},
    {"a(?i)bc|DE", "de"},
    {"\\cAbc", "\001bc"},
    {"[\\c]]bc", "\035bc"},
    {"\\101bc", "Abc"},
    {"(?J)(?<n>ab)|(?<n>cd)", "cd"},
    {"(?s-i:abc)|(?U)d+e?", "d"},
    {"(?^)abc", "abc"},
    {"(?:a|b|cd)+?", "b"},
    {"((((ab)?c)?d)?e)?f", "f"},
    {"\\N{3}", "xyz"},
    {"(*NOTEMPTY)abc?", "ab"},
};

static void test_tricky(void **state) {
    fraud_literals_t set;
    const uint8_t *pattern, *subject;
    pcre2_code *code;
    size_t i, len, subject_len;

    (void)state;
    for (i = 0; i < sizeof(tricky_cases) / sizeof(tricky_cases[0]); i++) {
        pattern = (const uint8_t *)tricky_cases[i][0];
        subject = (const uint8_t *)tricky_cases[i][1];
        len = strlen(tricky_cases[i][0]);
        subject_len = strlen(tricky_cases[i][1]);
        code = compile(pattern, len, 0);
        if (code == NULL || !matches(code, subject, subject_len)) {
            print_error("/%s/ is a bad case\n", tricky_cases[i][0]);
            fail();
        }
        pcre2_code_free(code);
        derive(&set, pattern, len);
        if (set.n != 0 && !any_occurs(&set, subject, subject_len)) {
            refute(pattern, len, subject, subject_len);
        }
    }
}

/* What one atom is written as, and what it matches. */
static const char *const atoms[][2] = {
    {"a", "a"},          {"b", "b"},
    {"c", "c"},          {"D", "D"},
    {"7", "7"},          {"ab", "ab"},
    {"\\.", "."},        {"\\/", "/"},
    {"\\x2e", "."},      {"\\x41", "A"},
    {"\\t", "\t"},       {"\\n", "\n"},
    {"\\e", "\033"},     {"\\d", "3"},
    {"\\D", "x"},        {"\\w", "_"},
    {"\\s", " "},        {".", "q"},
    {"\\N", "r"},        {"[abc]", "c"},
    {"[^abc]", "z"},     {"[.]", "."},
    {"[aA]", "A"},       {"[]]", "]"},
    {"[^]]", "["},       {"[[:alpha:]]", "k"},
    {"[\\]x]", "x"},     {"[a-]", "-"},
    {"\\b", ""},         {"\\B", ""},
    {"^", ""},           {"$", ""},
    {"\\K", ""},         {"(?i)", ""},
    {"(?-i)", ""},       {"(?=a)", ""},
    {"(?!a)", ""},       {"(?<=a)", ""},
    {"(?<!a)", ""},      {"\\Qa+\\E", "a+"},
    {"(?#ab)", ""},      {"\\x{62}", "b"},
    {"\\142", "b"},      {"\\cA", "\001"},
    {"{", "{"},          {"]", "]"},
    {"}", "}"},          {"\\_", "_"},
    {"\\R", "\n"},       {"\\h", " "},
    {"(?:)", ""},        {"(a|)", "a"},
    {"(b)", "b"},        {"\\1", ""},
    {"(?>ab|a)", "ab"},  {"(?|a|bc)", "bc"},
    {"(?i:Cd)", "cD"},   {"(?'n'cd)", "cd"},
    {"(?P<m>ef)", "ef"}, {"(?<k>gh)", "gh"},
};

/* What follows an atom, and how often the sample then has it. */
static const struct {
    const char *text;
    unsigned min, max;
} quantifiers[] = {
    {"?", 0, 1},     {"*", 0, 3},    {"+", 1, 3},      {"??", 0, 1},
    {"*?", 0, 2},    {"+?", 1, 2},   {"?+", 1, 1},     {"*+", 2, 2},
    {"++", 2, 2},    {"{0}", 0, 0},  {"{1}", 1, 1},    {"{2}", 2, 2},
    {"{0,2}", 0, 2}, {"{1,}", 1, 3}, {"{2,3}?", 2, 3}, {"{0,}+", 2, 2},
    {"{,2}", 1, 1},  {"{2}?", 2, 2}, {"{,", 1, 1},     {"{1", 1, 1},
    {"{a}", 1, 1},
};

static void gen_alternatives(text_t *pattern, text_t *sample, unsigned depth);

static void gen_atom(text_t *pattern, text_t *sample, unsigned depth) {
    static const char *const opens[] = {"(",    "(?:",   "(?>",  "(?i:",
                                        "(?|",  "(?-i:", "(?=",  "(?!",
                                        "(?<!", "(?s:",  "(?-m:"};
    size_t i;

    if (depth < 3 && any(4) == 0) {
        put_all(pattern, opens[any(sizeof(opens) / sizeof(opens[0]))]);
        gen_alternatives(pattern, sample, depth + 1);
        put(pattern, ')');
        return;
    }
    /* mostly plain bytes, or next to nothing matches */
    i = any(3) != 0 ? any(12) : any(sizeof(atoms) / sizeof(atoms[0]));
    put_all(pattern, atoms[i][0]);
    put_all(sample, atoms[i][1]);
}

static void gen_item(text_t *pattern, text_t *sample, unsigned depth) {
    text_t one;
    size_t i;
    unsigned n;

    one.len = 0;
    gen_atom(pattern, &one, depth);
    n = 1;
    if (any(3) == 0) {
        i = any(sizeof(quantifiers) / sizeof(quantifiers[0]));
        put_all(pattern, quantifiers[i].text);
        n = quantifiers[i].min +
            any(quantifiers[i].max - quantifiers[i].min + 1);
    }
    for (; n != 0; n--) {
        for (i = 0; i < one.len; i++) {
            put(sample, one.data[i]);
        }
    }
}

static void gen_alternatives(text_t *pattern, text_t *sample, unsigned depth) {
    text_t branch;
    unsigned i, j, k, n, chosen;

    n = any(3) != 0 ? 1 : 1 + any(3);
    chosen = any(n);
    for (i = 0; i < n; i++) {
        if (i != 0) {
            put(pattern, '|');
        }
        branch.len = 0;
        k = any(8) == 0 ? 0 : 1 + any(5);
        for (j = 0; j < k; j++) {
            gen_item(pattern, &branch, depth);
        }
        for (j = 0; i == chosen && j < branch.len; j++) {
            put(sample, branch.data[j]);
        }
    }
}

static void flip_cases(text_t *text) {
    size_t i;

    for (i = 0; i < text->len; i++) {
        if (any(2) == 0 && lower(text->data[i]) >= 'a' &&
            lower(text->data[i]) <= 'z') {
            text->data[i] ^= 0x20;
        }
    }
}

/* Subjects made along with their pattern; count those that match. */
static void test_generated(void **state) {
    fraud_literals_t set;
    text_t pattern, sample;
    pcre2_code *code;
    unsigned i, nocase, matched = 0, told = 0;

    (void)state;
    random_state = 1;
    for (i = 0; i < 40000; i++) {
        pattern.len = 0;
        sample.len = 0;
        put_all(&sample, any(2) == 0 ? "" : "x ");
        gen_alternatives(&pattern, &sample, 0);
        put_all(&sample, any(2) == 0 ? "" : " x");
        nocase = any(2);
        code = compile(pattern.data, pattern.len, nocase != 0);
        derive(&set, pattern.data, pattern.len);
        if (code == NULL) {
            continue;
        }
        if (nocase) {
            flip_cases(&sample);
        }
        if (matches(code, sample.data, sample.len)) {
            matched++;
            told += set.n != 0;
            if (set.n != 0 && !any_occurs(&set, sample.data, sample.len)) {
                refute(pattern.data, pattern.len, sample.data, sample.len);
            }
        }
        pcre2_code_free(code);
    }
    matches(NULL, NULL, 0);
    assert_true(matched > 10000);
    assert_true(told > 5000);
}

/* Whatever a random string of syntax matches among all short subjects. */
static void check_short_subjects(const pcre2_code *code, const text_t *pattern,
                                 const fraud_literals_t *set) {
    static const char bytes[] = "abA1";
    uint8_t subject[4];
    unsigned i, j, n;

    for (i = 0; i < 1 + 4 + 16 + 64 + 256; i++) {
        for (n = 0, j = i; j != 0; j = (j - 1) / 4) {
            subject[n++] = (uint8_t)bytes[(j - 1) % 4];
        }
        if (!any_occurs(set, subject, n) && matches(code, subject, n)) {
            refute(pattern->data, pattern->len, subject, n);
        }
    }
}

static void test_random_syntax(void **state) {
    static const char *const tokens[] = {
        "a",   "b",   "ab",  "A",   "1",   "1",    "(",   ")",     "(?:",
        "(?i", "(?",  "|",   "?",   "*",   "+",    "{",   "}",     "{0}",
        "{1,", ",",   "[",   "]",   "[^",  "-",    "\\",  "\\Q",   "\\E",
        "^",   "$",   ".",   ":",   "(?<", "(?P<", "(?#", "!",     "=",
        ">",   "<",   "'",   "#",   "(?x", "\\x",  "\\b", "\\d",   "\\c",
        "\\N", "\\1", "[:",  ":]",  "(*",  "(?(",  "\\K", "\\x61", "&",
        "R",   "(?=", "(?!", "(?|", "\\k", "\\g",  "\n",  " ",     "x",
    };
    fraud_literals_t set;
    text_t pattern;
    pcre2_code *code;
    unsigned i, n, told = 0;

    (void)state;
    random_state = 2;
    for (i = 0; i < 60000; i++) {
        pattern.len = 0;
        for (n = 2 + any(9); n != 0; n--) {
            put_all(&pattern,
                    any(3) == 0
                        ? tokens[any(3)]
                        : tokens[any(sizeof(tokens) / sizeof(tokens[0]))]);
        }
        derive(&set, pattern.data, pattern.len);
        if (set.n == 0) {
            continue;
        }
        code = compile(pattern.data, pattern.len, any(2) != 0);
        if (code != NULL) {
            told++;
            check_short_subjects(code, &pattern, &set);
            pcre2_code_free(code);
        }
    }
    matches(NULL, NULL, 0);
    assert_true(told > 3000);
}

static void test_any_bytes(void **state) {
    fraud_literals_t set;
    uint8_t pattern[64];
    unsigned i, j, n;

    (void)state;
    random_state = 3;
    for (i = 0; i < 50000; i++) {
        n = any(sizeof(pattern) + 1);
        for (j = 0; j < n; j++) {
            pattern[j] = (uint8_t)any(256);
        }
        derive(&set, pattern, n);
    }
    derive(&set, (const uint8_t *)"a\0b\xff", 4);
    assert_int_equal(set.n, 1);
    assert_memory_equal(set.bytes, "a\0b\xff", 4);
}

/* The largest patterns, for the bounds of the set. */
static void test_large(void **state) {
    static uint8_t pattern[FRAUD_LITERAL_PATTERN + 1];
    static fraud_literals_t set;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (uint8_t) "ab|"[i % 3];
    }
    derive(&set, pattern, FRAUD_LITERAL_PATTERN - 2);
    assert_int_equal(set.n, (FRAUD_LITERAL_PATTERN - 1) / 3);
    derive(&set, pattern, FRAUD_LITERAL_PATTERN);
    assert_int_equal(set.n, 0); /* its last branch is one byte */
    derive(&set, pattern, sizeof(pattern));
    assert_int_equal(set.n, 0);
    memset(pattern, 'a', sizeof(pattern));
    derive(&set, pattern, FRAUD_LITERAL_PATTERN);
    assert_int_equal(set.n, 1);
    assert_int_equal(set.item[0].len, FRAUD_LITERAL_MAX);
    memset(pattern, '(', sizeof(pattern));
    derive(&set, pattern, FRAUD_LITERAL_PATTERN);
    assert_int_equal(set.n, 0);
}

static void test_nesting(void **state) {
    fraud_literals_t set;
    text_t pattern;
    unsigned depth, i;

    (void)state;
    for (depth = 32; depth <= 33; depth++) {
        pattern.len = 0;
        for (i = 0; i < depth; i++) {
            put_all(&pattern, "(ab");
        }
        for (i = 0; i < depth; i++) {
            put(&pattern, ')');
        }
        derive(&set, pattern.data, pattern.len);
        assert_int_equal(set.n, depth == 32);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derive),    cmocka_unit_test(test_tricky),
        cmocka_unit_test(test_generated), cmocka_unit_test(test_random_syntax),
        cmocka_unit_test(test_any_bytes), cmocka_unit_test(test_large),
        cmocka_unit_test(test_nesting),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
