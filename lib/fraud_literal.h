/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_LITERAL_H
#define FRAUD_LITERAL_H

/*
 * What a pattern requires: byte strings of which at least one occurs, ASCII
 * case aside, in every subject that the pattern matches. Looking for them
 * first saves most runs of the pattern. Of a concatenation the most telling
 * part is taken, of an alternation all branches; whatever is not understood
 * (\Q, (?x), comments, verbs, conditions, recursion, callouts, ...) makes the
 * whole pattern require nothing, which is always true.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_LITERAL_MIN 2        /* shorter strings occur everywhere */
#define FRAUD_LITERAL_MAX 32       /* longer ones are cut */
#define FRAUD_LITERAL_PATTERN 4096 /* a longer pattern requires nothing */

typedef struct {
    uint16_t at; /* in bytes[] */
    uint16_t len;
} fraud_literal_t;

typedef struct {
    size_t n; /* 0: nothing is required */
    fraud_literal_t item[FRAUD_LITERAL_PATTERN / FRAUD_LITERAL_MIN];
    uint8_t bytes[FRAUD_LITERAL_PATTERN]; /* in lower case */
} fraud_literals_t;

/*
 * fraud_literal_derive(set, pattern, len):
 * Fill ${set} from the PCRE2 ${pattern}, which compiles as bytes (no UTF)
 * with no option but PCRE2_CASELESS. Duplicates are possible.
 */
void fraud_literal_derive(fraud_literals_t *set, const uint8_t *pattern,
                          size_t len);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_LITERAL_H */
