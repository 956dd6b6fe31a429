/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_MATCH_H
#define FRAUD_MATCH_H

/*
 * Sets of PCRE2 patterns asked as one question each: does any of them match
 * this value? Up to 64 such sets, the members, are asked at once, for one pass
 * of an Aho-Corasick automaton finds the literals that the patterns of all
 * require: a pattern runs only where one of its literals occurs or where it
 * requires none. The verdicts of values that reached PCRE2 are remembered,
 * bounded, and with them the values, until others take their place
 * (fraud_memo.h). For what a pattern may cost see fraud_pattern.h. Used by one
 * thread at a time.
 */

#include "fraud_mem.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_MATCH_MAX_MEMBERS 64
#define FRAUD_MATCH_MAX_PATTERNS 10000 /* of all members */
#define FRAUD_MATCH_MAX_PATTERN_LEN 4096

typedef struct fraud_match_s fraud_match_t;

typedef struct {
    int nocase;           /* only of fraud_match_one() and _load() */
    uint32_t match_limit; /* of each pattern: see fraud_pattern_env_new() */
    uint32_t depth_limit;
    uint32_t memory; /* values remembered; 0: the default, 1,024 */
} fraud_match_conf_t;

typedef struct {
    uint64_t values;   /* values asked about */
    uint64_t verified; /* of these, those that PCRE2 had to see */
    uint64_t limited;  /* of these, those answered FRAUD_ELIMIT */
} fraud_match_stats_t;

/*
 * fraud_match_new(match, mem, conf):
 * Begin a match without patterns; ${conf} may be NULL for all defaults. On
 * success the caller owns ${*match}. ${mem} is kept by reference. FRAUD_ELIMIT
 * if conf->memory is too large, FRAUD_ENOMEM.
 */
fraud_rc fraud_match_new(fraud_match_t **match, const fraud_mem_t *mem,
                         const fraud_match_conf_t *conf) FRAUD_CHECK;

/*
 * fraud_match_add(match, member, nocase, pattern, len, err):
 * Add the one ${pattern} to ${member}, ignoring ASCII case if ${nocase}.
 * fraud_match_add_text(match, member, nocase, text, len, err):
 * Add the patterns of ${text}: one a line; blank lines and lines whose first
 * byte is '#' are skipped, blanks around a pattern and a final CR are removed.
 * Both: FRAUD_EINVAL: ${err} has the line (0 for the first), the place in the
 * pattern and PCRE2's reason; a text without any pattern is an error.
 * FRAUD_ELIMIT past the maxima above, FRAUD_ENOMEM; ${err} says why. After a
 * failure ${match} can only be freed.
 */
fraud_rc fraud_match_add(fraud_match_t *match, unsigned member, int nocase,
                         const char *pattern, size_t len,
                         fraud_err_t *err) FRAUD_CHECK;
fraud_rc fraud_match_add_text(fraud_match_t *match, unsigned member, int nocase,
                              const char *text, size_t len,
                              fraud_err_t *err) FRAUD_CHECK;

/*
 * fraud_match_finish(match):
 * Make ${match} ready to be asked, once, after the last pattern. FRAUD_ELIMIT
 * if the patterns have too many different literals, FRAUD_ENOMEM. After a
 * failure ${match} can only be freed.
 */
fraud_rc fraud_match_finish(fraud_match_t *match) FRAUD_CHECK;

/*
 * fraud_match_find(match, value, len, wanted, hits):
 * Set ${*hits} to those of the ${wanted} members, bits 1 << member, of which a
 * pattern matches the ${len} bytes at ${value} (no NUL needed, any bytes
 * allowed). Patterns of other members do not run. Return FRAUD_OK, or
 * FRAUD_ELIMIT if a pattern gave up at its limit whose member is wanted and
 * not among the hits.
 */
fraud_rc fraud_match_find(fraud_match_t *match, const uint8_t *value,
                          size_t len, uint64_t wanted,
                          uint64_t *hits) FRAUD_CHECK;

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

/*
 * fraud_match_one(match, mem, conf, pattern, len, err):
 * fraud_match_load(match, mem, conf, text, len, err):
 * Make a match of member 0 alone, ready to be asked: of the one ${pattern}, or
 * of those of ${text}. Errors as above.
 * fraud_match_any(match, value, len):
 * Return FRAUD_OK if a pattern of any member matches, FRAUD_NOTFOUND if none
 * does, FRAUD_ELIMIT if none does and at least one gave up at its limit.
 */
fraud_rc fraud_match_one(fraud_match_t **match, const fraud_mem_t *mem,
                         const fraud_match_conf_t *conf, const char *pattern,
                         size_t len, fraud_err_t *err) FRAUD_CHECK;
fraud_rc fraud_match_load(fraud_match_t **match, const fraud_mem_t *mem,
                          const fraud_match_conf_t *conf, const char *text,
                          size_t len, fraud_err_t *err) FRAUD_CHECK;
fraud_rc fraud_match_any(fraud_match_t *match, const uint8_t *value,
                         size_t len) FRAUD_CHECK;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_MATCH_H */
