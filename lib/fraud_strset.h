/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_STRSET_H
#define FRAUD_STRSET_H

/*
 * A set of literal strings, immutable once loaded; look-up by a hash whose
 * seed comes from the content. The strings are the operator's and only the
 * values asked for are the client's: nobody who asks can add to a run of
 * collisions, so that a look-up costs at most the longest run at load.
 */

#include "fraud_mem.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_STRSET_MAX_ENTRIES 16000000
#define FRAUD_STRSET_MAX_LEN 4096 /* bytes of one string */
#define FRAUD_STRSET_MAX_TEXT UINT32_MAX

typedef struct fraud_strset_s fraud_strset_t;

/*
 * fraud_strset_load(set, mem, text, len, err):
 * Build a set from ${text}: one string a line, blanks around it and a final
 * CR removed; blank lines and lines whose first byte is '#' are skipped, a
 * '#' further in belongs to the string; duplicates are allowed. Results as
 * fraud_list_load(), FRAUD_EINVAL for a string over FRAUD_STRSET_MAX_LEN,
 * FRAUD_ELIMIT past either other maximum; the caller owns ${*set}.
 */
fraud_rc fraud_strset_load(fraud_strset_t **set, const fraud_mem_t *mem,
                           const char *text, size_t len,
                           fraud_err_t *err) FRAUD_CHECK;

/*
 * fraud_strset_find(set, data, len):
 * Return 1 if the ${len} bytes at ${data} are a member, else 0.
 */
int fraud_strset_find(const fraud_strset_t *set, const uint8_t *data,
                      size_t len);

/*
 * fraud_strset_count(set):
 * Return the number of distinct strings.
 */
size_t fraud_strset_count(const fraud_strset_t *set);

/*
 * fraud_strset_free(set):
 * Destroy ${set}; NULL is a no-op.
 */
void fraud_strset_free(fraud_strset_t *set);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_STRSET_H */
