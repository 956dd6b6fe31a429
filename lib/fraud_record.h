/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_RECORD_H
#define FRAUD_RECORD_H

/*
 * A record is the state of one subject: slots, each a 32-bit tag and the
 * packed state of the op that the tag stands for. A slot that carries another
 * tag is empty to this op, so a configuration that came or went in between
 * costs at most that op's history, never its sense. In little-endian order,
 * with the bytes each field takes:
 *
 *   gcra      tag 4, last_us 8, debt 8
 *   decay     tag 4, time_us 8, value 4
 *   distinct  tag 4, window 8, n 1 + 1, zero 2, set 48 + 48
 *   swap      tag 4, time_us 8, len 1, zero 3, bytes 32
 */

#include "fraud_op.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

typedef enum {
    FRAUD_OP_GCRA = 1,
    FRAUD_OP_DECAY,
    FRAUD_OP_DISTINCT,
    FRAUD_OP_SWAP
} fraud_op_type_t;

/* An op as configured; shared by all requests, never written by them. */
typedef struct {
    fraud_op_type_t type;
    uint32_t tag; /* not 0; equal only for equal type, name and scale */
    union {
        fraud_gcra_conf_t gcra;
        uint64_t half_life_us;
        uint64_t window_us;
    } u;
} fraud_op_t;

/*
 * What one request asks of one op, and its answer. A peek (${charge} = 0)
 * leaves the state as it is: gcra answers whether ${arg} more would be over,
 * the others what is there without ${arg} and ${bytes}.
 */
typedef struct {
    int charge;
    uint64_t arg;         /* gcra: cost; decay: millipoints; distinct: hash */
    const uint8_t *bytes; /* swap */
    size_t len;           /* swap */
    int over;             /* gcra */
    uint64_t retry_us;    /* gcra */
    uint64_t value;       /* decay: millipoints; distinct: count; swap: age */
    fraud_swap_t *before; /* swap: where the bytes before go, never NULL */
} fraud_op_call_t;

/*
 * fraud_op_tag(type, name, len, scale):
 * Return the tag of an op: a hash of its type, its ${name} and whatever its
 * stored state is measured in (${scale}: gcra n and period, distinct window;
 * 0 else). Never 0. The same on every host and in every version.
 */
uint32_t fraud_op_tag(fraud_op_type_t type, const char *name, size_t len,
                      uint64_t scale);

/*
 * fraud_op_scale(op):
 * Return the scale of ${op} for fraud_op_tag(), from its type and u.
 */
uint64_t fraud_op_scale(const fraud_op_t *op);

/*
 * fraud_record_slot_len(type):
 * Return the bytes that a slot of an op of ${type} takes, its tag included;
 * a multiple of 4.
 */
size_t fraud_record_slot_len(fraud_op_type_t type);

/*
 * fraud_record_call(slot, op, call, now_us):
 * Carry out ${call} of ${op} on the slot at ${slot} (4-byte aligned,
 * fraud_record_slot_len() bytes; NULL for a subject without a record: the
 * answer is that of an empty slot, and nothing is kept). Slots that two
 * configurations put in one record begin at the same byte or do not overlap:
 * the tag vouches for a slot that was written whole. Return 1 if the slot
 * changed.
 */
int fraud_record_call(uint8_t *slot, const fraud_op_t *op,
                      fraud_op_call_t *call, uint64_t now_us);

/*
 * fraud_op_horizon(op):
 * Return for how many seconds the state of ${op} can matter after it was last
 * written: a full bucket is drained, a value has halved to nothing, two
 * windows have passed. FRAUD_RECORD_FOREVER for swap.
 */
#define FRAUD_RECORD_FOREVER ((uint64_t)1 << 40)
uint64_t fraud_op_horizon(const fraud_op_t *op);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_RECORD_H */
