/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_SHARE_H
#define FRAUD_SHARE_H

/*
 * What is worth telling other hosts of an op, asking them again, or taking over
 * from them. What there is to tell is fraud_record.h's, how it is told
 * fraud_store.h's. Debts are in units of 1/n microseconds.
 */

#include "fraud_record.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/*
 * fraud_share_near(op, value, max):
 * Return 1 if ${value}, which fraud_record_call() set, is past half of the
 * limit, of a gcra its own and of a distinct ${max}: who is farther from it
 * need not be known elsewhere yet. A decay and a swap have none, so always 1.
 */
int fraud_share_near(const fraud_op_t *op, uint64_t value, uint64_t max);

/*
 * fraud_share_echo(op, unsent, shared):
 * Return 1 if all hosts are to be asked about ${op} again, as they answered
 * ${shared} when they were told the ${unsent} of this one: it is a gcra, this
 * host had a part in it, and its debt is near the limit as above.
 */
int fraud_share_echo(const fraud_op_t *op, uint32_t unsent,
                     const fraud_delta_t *shared);

/*
 * fraud_share_differs(op, local, shared):
 * Return 1 if ${shared}, what all hosts know, is so far from ${local}, what
 * this one knows, that it is to be taken over: of a gcra, of which they are
 * debts, more than a sixteenth of the limit; of a decay more than half a point.
 * Of a distinct and a swap a host keeps its own.
 */
int fraud_share_differs(const fraud_op_t *op, uint64_t local, uint64_t shared);

/*
 * fraud_share_adopt(op, state, rehashed):
 * Turn ${state}, a shared one that fraud_store_merged() read, into a delta that
 * adds it to that of another pseudonym. With ${rehashed} a distinct is emptied,
 * as its values have other hashes there. Return 1 if anything is in it.
 */
int fraud_share_adopt(const fraud_op_t *op, fraud_delta_t *state, int rehashed);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_SHARE_H */
