/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_MATCH_H
#define FRAUD_MATCH_H

/*
 * A set of PCRE2 patterns asked as one question: does any of them match this
 * value? A pattern runs only where a literal that it requires occurs (one
 * pass of an Aho-Corasick automaton finds them all) or where it requires
 * none; the verdicts of values that reached PCRE2 are remembered, bounded,
 * and with them the values, until others take their place (fraud_memo.h).
 * PCRE2 runs JIT-compiled where it can, always under limits; work that it does
 * not count is at most quadratic in the value's length, which is for the
 * caller to bound. A set is used by one thread at a time.
 */

#include "fraud_mem.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_MATCH_MAX_PATTERNS 10000
#define FRAUD_MATCH_MAX_PATTERN_LEN 4096

typedef struct fraud_match_s fraud_match_t;

typedef struct {
    int nocase;           /* every pattern ignores ASCII case */
    uint32_t match_limit; /* steps of PCRE2 from one place in a value, ten */
                          /* times that from all; 0: the default, 100,000 */
    uint32_t depth_limit; /* where PCRE2 interprets; 0: the default, 1,000 */
    uint32_t memory;      /* values remembered; 0: the default, 1,024 */
} fraud_match_conf_t;

typedef struct {
    uint64_t values;   /* values asked about */
    uint64_t verified; /* of these, those that PCRE2 had to see */
    uint64_t limited;  /* of these, those answered FRAUD_ELIMIT */
} fraud_match_stats_t;

/*
 * fraud_match_one(match, mem, conf, pattern, len, err):
 * Compile a set of the one ${pattern}.
 * fraud_match_load(match, mem, conf, text, len, err):
 * Compile a set from ${text}: one pattern a line; blank lines and lines whose
 * first byte is '#' are skipped, blanks around a pattern and a final CR are
 * removed.
 * Both: on success the caller owns ${*match}. FRAUD_EINVAL: ${err} has the
 * line (0 for the first), the place in the pattern and PCRE2's reason; a
 * text without any pattern is an error. FRAUD_ELIMIT past the maxima above,
 * FRAUD_ENOMEM.
 */
fraud_rc fraud_match_one(fraud_match_t **match, const fraud_mem_t *mem,
                         const fraud_match_conf_t *conf, const char *pattern,
                         size_t len, fraud_err_t *err) FRAUD_CHECK;
fraud_rc fraud_match_load(fraud_match_t **match, const fraud_mem_t *mem,
                          const fraud_match_conf_t *conf, const char *text,
                          size_t len, fraud_err_t *err) FRAUD_CHECK;

/*
 * fraud_match_find(match, value, len):
 * Return FRAUD_OK if a pattern matches the ${len} bytes at ${value} (no
 * NUL needed, any bytes allowed), FRAUD_NOTFOUND if none does, FRAUD_ELIMIT if
 * none does and at least one gave up at its limit.
 */
fraud_rc fraud_match_find(fraud_match_t *match, const uint8_t *value,
                          size_t len) FRAUD_CHECK;

/*
 * fraud_match_count(match), fraud_match_stats(match, stats):
 * Return the number of patterns; copy the counters since the start.
 */
size_t fraud_match_count(const fraud_match_t *match);
void fraud_match_stats(const fraud_match_t *match, fraud_match_stats_t *stats);

/*
 * fraud_match_free(match):
 * Destroy ${match}; NULL is a no-op.
 */
void fraud_match_free(fraud_match_t *match);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_MATCH_H */
