/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_STORE_H
#define FRAUD_STORE_H

/*
 * What is asked of one subject in Redis, as bytes: the argument that
 * fraud_store.lua takes for a key, and its answer. Redis' clock decides.
 *
 * The script is called as EVALSHA sha n key1 .. keyn arg1 .. argn (n at most
 * FRAUD_STORE_MAX_KEYS) and answers with one bulk string: for each key two
 * bytes of length and that many bytes of answer. All numbers are
 * little-endian; d is a double, whole and below 2^52.
 *
 * A subject is one string under one key, at most FRAUD_STORE_MAX_RECORD bytes:
 * the second at which it expires 4, and the slots of its ops in the order in
 * which they came, the oldest of which go when there are too many. Slots of
 * unknown tags stay. A slot is
 *
 *   tag 4, len 1, then len bytes of state:
 *   gcra      last_us 8, debt 8
 *   decay     time_us 8, value 4
 *   distinct  window 8, n 1 + 1, set: 2 bytes for each of n, 48 for a bitmap,
 *             the current one and then the previous one
 *   swap      time_us 8, bytes 1 to 32
 *
 * A slot of another len is empty, one that ends past the record is none, and a
 * key of another type is missing.
 *
 * An argument is the time to live in seconds 4 (a key with one of 0 is deleted,
 * whatever else is asked), then what is to be written, each a type 1 and its
 * operands, a zero, and the time to live once more in decimal. What is only
 * read takes no bytes, as the answer is the record, and this unit works out the
 * rest from it by fraud_record.h: Redis is the one that is short of time. For
 * the same reason the key gets a new time to live only when less than seven
 * eighths of it are left.
 *
 *   1 gcra      tag 4, 16 1, n d, room d (limit - cost), most d, cost d
 *   2 decay     tag 4, 12 1, half_life_us d, millipoints d
 *   3 distinct  tag 4, window_us d, fingerprint 2, byte 1, mask 1
 *   4 swap      tag 4, len 1, bytes
 *   5 gcra      tag 4, 16 1, n d, most d, sum d, add d, least d (a fold)
 *   6 distinct  tag 4, window_us d, window d, n 1 + 1, len 1, set, len 1, set
 *   7 swap      tag 4, age_us d, len 1, bytes (a merge)
 *   8           the record as it is here is the answer, else as it was before
 *   9 once      tag 4: the rest is left if there is a slot of this tag
 *
 * An answer is Redis' time in microseconds 7, 1 if the key was missing else
 * 0, and the record.
 */

#include "fraud_buf.h"
#include "fraud_pid.h"
#include "fraud_record.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_STORE_KEY_LEN 32 /* "fraud:" and the 26 letters of a pid */
#define FRAUD_STORE_MAX_KEYS 64
#define FRAUD_STORE_MAX_OPS 48      /* of one subject; 1 + 4 + 1 + 118 each */
#define FRAUD_STORE_MAX_RECORD 6144 /* more than the longest so many take */
#define FRAUD_STORE_MAX_SLOT 112
#define FRAUD_STORE_MAX_ARGUMENT 8192
#define FRAUD_STORE_MAX_ANSWER 12288 /* a record before its oldest slots go */

/* An argument that is being written. */
typedef struct {
    fraud_buf_t buf;
    uint32_t n;
    uint32_t ttl;
    int merged; /* something is folded in */
    int called;
    int once;
    int mixed;
} fraud_store_argument_t;

/*
 * fraud_store_key(key, pid):
 * Write the FRAUD_STORE_KEY_LEN bytes of the key of ${pid} to ${key}, without
 * a NUL.
 */
void fraud_store_key(char *key, const fraud_pid_t *pid);

/*
 * fraud_store_begin(a, bytes, size, ttl):
 * Begin the argument of a subject that lives for at most ${ttl} seconds after
 * it was written last, and for at least seven eighths of that, in the ${size}
 * bytes at ${bytes}. More than 10^9 is cut to that. With a ${ttl} of 0 nothing
 * is to be asked, and the key is deleted.
 */
void fraud_store_begin(fraud_store_argument_t *a, uint8_t *bytes, size_t size,
                       uint32_t ttl);

/*
 * fraud_store_once(a, op):
 * Do what is merged only if nobody did so under ${op}, a swap, of which a
 * merge is to be the last: its state says then that it was done. Comes first,
 * and no call goes with it.
 */
void fraud_store_once(fraud_store_argument_t *a, const fraud_op_t *op);

/*
 * fraud_store_call(a, op, call):
 * Ask ${call} of ${op}, as fraud_record_call() would.
 */
void fraud_store_call(fraud_store_argument_t *a, const fraud_op_t *op,
                      const fraud_op_call_t *call);

/*
 * fraud_store_merge(a, op, delta):
 * Fold ${delta} into ${op}'s slot and ask for the whole state. An empty
 * ${delta} (nothing in it but unsent) only reads, and makes no key. Merges come
 * before calls.
 */
void fraud_store_merge(fraud_store_argument_t *a, const fraud_op_t *op,
                       const fraud_delta_t *delta);

/*
 * fraud_store_end(a):
 * Return FRAUD_OK if all fitted, FRAUD_ELIMIT if it did not, FRAUD_EINVAL if
 * they came in another order. a->buf has the bytes.
 */
fraud_rc fraud_store_end(fraud_store_argument_t *a) FRAUD_CHECK;

/*
 * An answer that is being read: the record, and the slots of the ops that were
 * read from it so far as fraud_record.h has them, each as its call left it.
 */
typedef struct {
    const uint8_t *p;
    const uint8_t *end;
    uint64_t now_us; /* of Redis */
    int missing;     /* the key was not there before this call */
    uint32_t len;    /* of slots */
    uint32_t slots[FRAUD_STORE_MAX_OPS * FRAUD_STORE_MAX_SLOT / 4];
} fraud_store_answer_t;

/*
 * fraud_store_answer(s, bytes, len):
 * Begin to read the answer for one subject, which has to stay where it is.
 * FRAUD_EINVAL if it is none.
 */
fraud_rc fraud_store_answer(fraud_store_answer_t *s, const uint8_t *bytes,
                            size_t len) FRAUD_CHECK;

/*
 * fraud_store_called(s, op, call, debt):
 * Read the answer to the next fraud_store_call() into ${call}, as
 * fraud_record_call() sets it; of a gcra also set ${*debt} to the debt of the
 * shared state now (what is not yet due of a later last_us included). Else
 * ${*debt} is 0. FRAUD_ELIMIT past FRAUD_STORE_MAX_OPS ops. Any bytes in a slot
 * are a state (fraud_op.h).
 */
fraud_rc fraud_store_called(fraud_store_answer_t *s, const fraud_op_t *op,
                            fraud_op_call_t *call, uint64_t *debt) FRAUD_CHECK;

/*
 * fraud_store_merged(s, op, state):
 * Read the answer to the next fraud_store_merge(): the shared state in
 * ${state}, with gcra.least the debt, decay the value, distinct, and swap with
 * its age. Results as above.
 */
fraud_rc fraud_store_merged(fraud_store_answer_t *s, const fraud_op_t *op,
                            fraud_delta_t *state) FRAUD_CHECK;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_STORE_H */
