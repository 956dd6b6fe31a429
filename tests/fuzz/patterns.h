/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef PATTERNS_H
#define PATTERNS_H

/*
 * Patterns from the input: as its bytes are, or each byte a word of the
 * language of patterns, which makes far more of them compile. Values from a
 * small alphabet, for they should sometimes match.
 */

#include "fuzz.h"

static inline const char *word_of(uint8_t byte) {
    static const char *const common[] = {"a", "b", "c",   "ab",  "abc", "x",
                                         ".", "(", "(?:", ")",   ")",   "|",
                                         "?", "*", "+",   "[ab]"};
    static const char *const words[] = {
        "a",          "b",           "c",       "A",      "ab",
        "bc",         "abc",         "BCA",     "cab",    "\\.",
        ".",          "x",           "\\d",     "\\w",    "\\W",
        "\\x61",      "\\x2e",       "\\x{62}", "\\141",  "\\Q",
        "\\E",        "\\Qab\\E",    "\\b",     "\\B",    "^",
        "$",          "\\K",         "\\R",     "\\N",    "\\cA",
        "[ab]",       "[^a]",        "[c]",     "[.]",    "[]a]",
        "[a-c]",      "[[:alpha:]]", "[\\]a]",  "[",      "]",
        "(",          "(?:",         "(?=",     "(?!",    "(?<=",
        "(?<!",       "(?>",         "(?i:",    "(?i)",   "(?-i)",
        "(?x)",       "(?s)",        "(?|",     "(?<n>",  "(?#",
        "(?(1)",      "(?1)",        "(?R)",    "\\1",    "\\g1",
        ")",          ")",           ")",       ")",      "|",
        "|",          "?",           "*",       "+",      "??",
        "*?",         "+?",          "?+",      "*+",     "{0}",
        "{1}",        "{2}",         "{0,1}",   "{1,}",   "{,2}",
        "{2",         "{a}",         "{",       "}",      "(*ACCEPT)",
        "(*FAIL)",    "(*SKIP)",     "(*UTF)",  " ",      "#",
        "\\n",        "\\t",         "\\s",     "\\p{L}", "\\X",
        "\\C",        "\\G",         "\\A",     "\\z",    "\\Z",
        "\\o{141}",   "(?C1)",       "(?^)",    "(?xx)",  "(?J)",
        "(?U)",       "(?n)",        "(?P<m>",  "(?P=m)", "(?P>m)",
        "\\k<n>",     "(?&n)",       "(?+1)",   "(?-1)",  "(*atomic:",
        "(*pla:",     "(*napla:",    "(*sr:",   "(?*",    "(?<*",
        "(?(DEFINE)", "(?(?=a)",     "\\h",     "\\v",    "\\H",
        "[[:<:]]"};

    if (byte % 2 == 0) {
        return common[byte / 2 % (sizeof(common) / sizeof(common[0]))];
    }
    return words[byte / 2 % (sizeof(words) / sizeof(words[0]))];
}

/* Words, and as many parentheses as are still missing at their end. */
static inline size_t cut_words(input_t *in, size_t n, char *to, size_t room) {
    size_t len = 0, word_len, i;
    const char *word;
    int open = 0;

    while (n-- > 0 && in->len > 0) {
        word = word_of(cut_u8(in));
        word_len = strlen(word);
        if (len + word_len > room) {
            break;
        }
        memcpy(to + len, word, word_len);
        len += word_len;
        for (i = 0; i < word_len; i++) {
            open += (word[i] == '(') - (word[i] == ')');
        }
    }
    for (; open > 0 && len < room; open--) {
        to[len++] = ')';
    }
    return len;
}

/* Take n bytes of the input for a pattern; return its length. */
static inline size_t cut_pattern(input_t *in, size_t n, int as_words, char *to,
                                 size_t room) {
    size_t len = 0;

    if (as_words) {
        return cut_words(in, n, to, room);
    }
    while (n-- > 0 && in->len > 0 && len < room) {
        to[len++] = (char)cut_u8(in);
    }
    return len;
}

/* Values worth trying on any pattern. */
static const char *const usual_values[] = {
    "",   "a",   "b",  "c",   "x",  "ab",  "bc", "cx",
    "ac", "abc", "xa", "b.c", "a1", "ABC", "\n", "aaxbb"};

#define N_USUAL (sizeof(usual_values) / sizeof(usual_values[0]))

static inline size_t cut_value(input_t *in, size_t n, int simple, uint8_t *to,
                               size_t room) {
    static const char alphabet[16] = "abcaabbccABC.x\n1";
    size_t len = 0;

    while (n-- > 0 && in->len > 0 && len < room) {
        to[len] = cut_u8(in);
        if (simple) {
            to[len] = (uint8_t)alphabet[to[len] % 16];
        }
        len++;
    }
    return len;
}

#endif /* PATTERNS_H */
