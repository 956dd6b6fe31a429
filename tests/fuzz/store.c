/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Any bytes are an answer of the store or refused: every op is read from them,
 * in any order and several times, and what comes out is within its range. An
 * argument for the same ops fits, or its end says that it does not.
 */

#include "fraud_store.h"
#include "fuzz.h"

static const fraud_op_t ops[] = {
    {FRAUD_OP_GCRA, 1, {.gcra = {60000000, 5, 5}}},
    {FRAUD_OP_GCRA, 2, {.gcra = {FRAUD_OP_MAX - 1, 1000000, 0}}},
    {FRAUD_OP_DECAY, 3, {.half_life_us = 14400000000}},
    {FRAUD_OP_DISTINCT, 4, {.window_us = 600000000}},
    {FRAUD_OP_DISTINCT, 5, {.window_us = 1}},
    {FRAUD_OP_SWAP, 6, {.window_us = 0}},
};

static void read_called(fraud_store_answer_t *s, const fraud_op_t *op,
                        fraud_op_call_t *call) {
    uint64_t debt = UINT64_MAX;

    CLAIM(fraud_store_called(s, op, call, &debt) == FRAUD_OK);
    CLAIM(debt < FRAUD_OP_MAX);
    /* of a gcra with what drains until a later last_us */
    CLAIM(call->value < (op->type == FRAUD_OP_GCRA ? 3 : 1) * FRAUD_OP_MAX);
    CLAIM(call->retry_us <= 2 * FRAUD_OP_MAX);
    CLAIM(call->before->len <= FRAUD_SWAP_MAX);
    CLAIM(op->type != FRAUD_OP_DECAY || call->value <= FRAUD_DECAY_MAX);
    CLAIM(op->type != FRAUD_OP_DISTINCT || call->value < 4096);
}

static void read_merged(fraud_store_answer_t *s, const fraud_op_t *op) {
    fraud_delta_t d;
    unsigned i;

    CLAIM(fraud_store_merged(s, op, &d) == FRAUD_OK);
    CLAIM(d.gcra.least < FRAUD_OP_MAX && d.gcra.sum == 0 && d.gcra.add == 0);
    CLAIM(d.decay <= FRAUD_DECAY_MAX);
    CLAIM(d.swap.len <= FRAUD_SWAP_MAX && d.age_us < FRAUD_OP_MAX);
    CLAIM(d.unsent == 0);
    for (i = 0; i < 2; i++) {
        CLAIM(d.distinct.n[i] <= FRAUD_DISTINCT_LIST ||
              d.distinct.n[i] == FRAUD_DISTINCT_BITMAP);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    fraud_store_answer_t answer;
    fraud_store_argument_t argument;
    fraud_op_call_t call;
    fraud_swap_t before;
    fraud_rc rc;
    uint8_t plan[24], bytes[FRAUD_SWAP_MAX];
    uint8_t *exact, *room;
    size_t i, len, n;

    cut(&in, plan, sizeof(plan));
    cut(&in, bytes, sizeof(bytes));
    n = (size_t)cut_u8(&in) + cut_u8(&in);
    len = in.len;
    exact = copy(in.p, len);
    room = malloc(n + 1);
    CLAIM(room != NULL);
    fraud_store_begin(&argument, room, n, 60);
    rc = fraud_store_answer(&answer, exact, len);
    CLAIM(rc == FRAUD_OK || rc == FRAUD_EINVAL);
    CLAIM((rc == FRAUD_OK) == (len >= 12 && len <= FRAUD_STORE_MAX_ANSWER &&
                               exact[7] < 2 && exact[6] < 16));
    for (i = 0; i < sizeof(plan); i++) {
        const fraud_op_t *op = &ops[plan[i] % 6];

        memset(&call, 0, sizeof(call));
        memset(&before, 0, sizeof(before));
        call.charge = plan[i] >> 3 & 1;
        call.arg = plan[i] >> 4;
        call.bytes = bytes;
        call.len = plan[i] >> 3;
        call.before = &before;
        fraud_store_call(&argument, op, &call);
        if (rc == FRAUD_OK && plan[i] & 0x80) {
            read_merged(&answer, op);
        } else if (rc == FRAUD_OK) {
            read_called(&answer, op, &call);
        }
    }
    rc = fraud_store_end(&argument);
    CLAIM(rc == FRAUD_OK || rc == FRAUD_ELIMIT);
    CLAIM(argument.buf.len <= n);
    free(room);
    free(exact);
    return 0;
}
