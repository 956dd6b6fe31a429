/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_PATTERN_H
#define FRAUD_PATTERN_H

/*
 * One PCRE2 pattern over bytes, ASCII case counting or not; what makes PCRE2
 * take them for UTF-8 is refused. It runs JIT-compiled where it can, always
 * under limits; work that PCRE2 does not count is at most quadratic in the
 * value's length, which is for the caller to bound.
 */

#include "fraud_mem.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

typedef struct fraud_pattern_env_s fraud_pattern_env_t;
typedef struct fraud_pattern_s fraud_pattern_t;

/*
 * fraud_pattern_env_new(env, mem, match_limit, depth_limit):
 * Make what patterns share, so that one thread at a time uses them: the stack
 * and the limits. ${match_limit} is how many steps PCRE2 may take from one
 * place in a value, ten times that from all; ${depth_limit} is where it
 * interprets. 0 stands for the defaults, 100,000 and 1,000. On success the
 * caller owns ${*env} and frees it after its patterns. FRAUD_ENOMEM.
 */
fraud_rc fraud_pattern_env_new(fraud_pattern_env_t **env,
                               const fraud_mem_t *mem, uint32_t match_limit,
                               uint32_t depth_limit) FRAUD_CHECK;

/*
 * fraud_pattern_new(pattern, env, nocase, text, err):
 * Compile ${text} (its data not NULL); on success the caller owns ${*pattern}.
 * FRAUD_EINVAL: ${err} has the place in the text and PCRE2's reason, its line
 * is not touched. FRAUD_ENOMEM, likewise.
 */
fraud_rc fraud_pattern_new(fraud_pattern_t **pattern, fraud_pattern_env_t *env,
                           int nocase, fraud_str_t text,
                           fraud_err_t *err) FRAUD_CHECK;

/*
 * fraud_pattern_run(pattern, value):
 * Return FRAUD_OK if ${pattern} matches ${value} (its data not NULL),
 * FRAUD_NOTFOUND if not, FRAUD_ELIMIT if it gave up.
 */
fraud_rc fraud_pattern_run(const fraud_pattern_t *pattern,
                           fraud_str_t value) FRAUD_CHECK;

/*
 * fraud_pattern_free(pattern), fraud_pattern_env_free(env):
 * Destroy; NULL is a no-op.
 */
void fraud_pattern_free(fraud_pattern_t *pattern);
void fraud_pattern_env_free(fraud_pattern_env_t *env);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_PATTERN_H */
