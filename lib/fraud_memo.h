/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_MEMO_H
#define FRAUD_MEMO_H

/*
 * A bounded memory of what was found out about a value, which may be less than
 * all that could be: set-associative, the newest in the place of another. It
 * keeps and compares the values themselves:
 * were only a hash kept, whoever can find two values of one hash could have
 * the harmless one's verdict for the other.
 */

#include "fraud_mem.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_MEMO_MAX 65536   /* values */
#define FRAUD_MEMO_MAX_LEN 230 /* bytes of one; longer ones are not kept */

typedef struct fraud_memo_s fraud_memo_t;

/* Answers to up to 64 questions, a bit each. */
typedef struct {
    uint64_t known;   /* asked; elsewhere the others mean nothing */
    uint64_t hits;    /* yes */
    uint64_t limited; /* perhaps: given up */
} fraud_memo_verdict_t;

/*
 * fraud_memo_new(memo, mem, n):
 * Make a memory of ${n} values, rounded up to a power of two. On success the
 * caller owns ${*memo}. FRAUD_ELIMIT above FRAUD_MEMO_MAX, FRAUD_ENOMEM.
 * ${mem} is kept by reference.
 */
fraud_rc fraud_memo_new(fraud_memo_t **memo, const fraud_mem_t *mem,
                        size_t n) FRAUD_CHECK;

/*
 * fraud_memo_get(memo, value, len):
 * Return the verdict put for ${value} (valid until the next put), or NULL if
 * it is not there (any more).
 */
const fraud_memo_verdict_t *fraud_memo_get(const fraud_memo_t *memo,
                                           const uint8_t *value, size_t len);

/*
 * fraud_memo_put(memo, value, len, verdict):
 * Remember ${verdict} for ${value}, instead of the one that may be there.
 */
void fraud_memo_put(fraud_memo_t *memo, const uint8_t *value, size_t len,
                    const fraud_memo_verdict_t *verdict);

/*
 * fraud_memo_free(memo):
 * Destroy ${memo}; NULL is a no-op.
 */
void fraud_memo_free(fraud_memo_t *memo);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_MEMO_H */
