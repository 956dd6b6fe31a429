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
 *   gcra      tag 4, last_us 8, debt 8, unsent 4, taken 4
 *   decay     tag 4, time_us 8, value 4, unsent 4
 *   distinct  tag 4, window 8, n 1 + 1, unsent 1, zero 1, set 48 + 48
 *   swap      tag 4, time_us 8, len 1, unsent 1, zero 2, bytes 32
 *
 * unsent is what other hosts have not been told: the cost of requests, the
 * millipoints, or 1; taken is when they were told last, in units of 2^10 us, 0
 * if never or not all of it.
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
    int unsent;           /* what is charged is to be told to other hosts */
    uint64_t arg;         /* gcra: cost; decay: millipoints; distinct: hash */
    const uint8_t *bytes; /* swap */
    size_t len;           /* swap */
    int over;             /* gcra */
    uint64_t retry_us;    /* gcra */
    uint64_t value;       /* gcra: debt then; decay: millipoints; distinct:
                             count; swap: age */
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
 * What one host has that the others do not know about one op, or what all of
 * them know together.
 */
typedef struct {
    fraud_gcra_fold_t gcra;
    uint64_t decay; /* millipoints */
    fraud_distinct_t distinct;
    fraud_swap_t swap; /* len 0: nothing; time_us is of the host's clock */
    uint64_t age_us;   /* of swap */
    uint32_t unsent;   /* as it stood in the record */
} fraud_delta_t;

/*
 * fraud_record_has(slot, op):
 * Return 1 if the slot at ${slot} is one of ${op}.
 */
int fraud_record_has(const uint8_t *slot, const fraud_op_t *op);

/*
 * fraud_record_take(slot, op, delta, now_us, regular_us):
 * Set ${delta} to what ${slot} has that is unsent, and note it as sent. If this
 * host neither told the others nor heard from them for longer than
 * ${regular_us}, of a gcra only what the drain left of it is added; so it is
 * with a decay at any time. Return 1 if there was anything unsent; else
 * ${delta} is empty (but gcra.least, which is the debt at ${now_us}).
 */
int fraud_record_take(uint8_t *slot, const fraud_op_t *op, fraud_delta_t *delta,
                      uint64_t now_us, uint64_t regular_us);

/*
 * fraud_record_untake(slot, op, delta):
 * It was not sent: note as unsent again what fraud_record_take() took, of which
 * only ${delta}'s unsent is looked at. Of a gcra it is next taken as after a
 * long time.
 */
void fraud_record_untake(uint8_t *slot, const fraud_op_t *op,
                         const fraud_delta_t *delta);

/*
 * fraud_record_know(slot, op, shared, now_us):
 * Make the slot what all hosts know (gcra.least is the debt, decay the value),
 * together with what is unsent in it meanwhile. ${now_us} is when they were
 * asked, the time of fraud_record_take(), not when the answer came: otherwise
 * what drained on the way stays in the debt, and bytes that were swapped
 * meanwhile look old. A slot of another tag is written anew, unless there is
 * nothing to know.
 */
void fraud_record_know(uint8_t *slot, const fraud_op_t *op,
                       const fraud_delta_t *shared, uint64_t now_us);

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
