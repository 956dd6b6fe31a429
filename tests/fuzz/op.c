/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Any bytes are a state: one op after the other on a slot that begins as
 * garbage, at times that step about. Every stored number stays below 2^52, a
 * peek leaves the slot alone, and what is refused is not charged.
 */

#include "fraud_record.h"
#include "fuzz.h"

static int make_op(fraud_op_t *op, input_t *in) {
    memset(op, 0, sizeof(*op));
    op->type = (fraud_op_type_t)(1 + cut_u8(in) % 4);
    switch (op->type) {
    case FRAUD_OP_GCRA:
        op->u.gcra.period_us = cut_u64(in) >> cut_u8(in) % 64;
        op->u.gcra.n = cut_u32(in) >> cut_u8(in) % 32;
        op->u.gcra.burst = cut_u32(in) >> cut_u8(in) % 32;
        if (fraud_gcra_check(&op->u.gcra) != FRAUD_OK) {
            return 0;
        }
        CLAIM(op->u.gcra.n != 0 && op->u.gcra.period_us != 0);
        break;
    case FRAUD_OP_DECAY:
        op->u.half_life_us = 1 + cut_u64(in) % (((uint64_t)1 << 45) - 1);
        break;
    case FRAUD_OP_DISTINCT:
        op->u.window_us = 1 + cut_u64(in) % (((uint64_t)1 << 45) - 1);
        break;
    case FRAUD_OP_SWAP:
    default:
        break;
    }
    op->tag = fraud_op_tag(op->type, "name", 4, fraud_op_scale(op));
    CLAIM(op->tag != 0);
    CLAIM(fraud_op_horizon(op) <= FRAUD_RECORD_FOREVER);
    return 1;
}

static void make_call(const fraud_op_t *op, fraud_op_call_t *call,
                      fraud_swap_t *before, uint8_t *bytes, input_t *in) {
    memset(call, 0, sizeof(*call));
    call->charge = cut_u8(in) & 1;
    call->arg = cut_u64(in) >> cut_u8(in) % 64;
    if (op->type == FRAUD_OP_GCRA) {
        call->arg &= UINT32_MAX;
    }
    call->before = before;
    call->len = cut_u8(in) % (FRAUD_SWAP_MAX + 1);
    cut(in, bytes, FRAUD_SWAP_MAX);
    call->bytes = bytes;
}

/* The numbers of a slot whose tag is that of the op. */
static void check_slot(const fraud_op_t *op, const uint8_t *slot) {
    uint64_t value;
    uint32_t points;

    memcpy(&value, slot + 4, sizeof(value));
    CLAIM(value < FRAUD_OP_MAX);
    if (op->type == FRAUD_OP_GCRA) {
        memcpy(&value, slot + 12, sizeof(value));
        CLAIM(value < FRAUD_OP_MAX);
    } else if (op->type == FRAUD_OP_DECAY) {
        memcpy(&points, slot + 12, sizeof(points));
        CLAIM(points <= FRAUD_DECAY_MAX);
    }
}

static void check_answer(const fraud_op_t *op, const fraud_op_call_t *call) {
    switch (op->type) {
    case FRAUD_OP_GCRA:
        CLAIM(call->over == 0 || call->over == 1);
        CLAIM(call->over || call->retry_us == 0);
        CLAIM(!call->over || call->retry_us > 0 ||
              call->arg > (uint64_t)op->u.gcra.burst + 1);
        CLAIM(call->arg != 0 || !call->over);
        CLAIM(call->arg <= (uint64_t)op->u.gcra.burst + 1 || call->over);
        CLAIM(call->value < 3 * FRAUD_OP_MAX);
        break;
    case FRAUD_OP_DECAY:
        CLAIM(call->value <= FRAUD_DECAY_MAX);
        CLAIM(!call->charge || call->value >= call->arg ||
              call->value == FRAUD_DECAY_MAX);
        break;
    case FRAUD_OP_DISTINCT:
        CLAIM(!call->charge || call->value > 0);
        CLAIM(call->value < 4096);
        break;
    case FRAUD_OP_SWAP:
    default:
        CLAIM(call->before->len <= FRAUD_SWAP_MAX);
        CLAIM(call->value < FRAUD_OP_MAX);
    }
}

static void step(const fraud_op_t *op, uint8_t *slot, size_t len, uint64_t now,
                 input_t *in) {
    uint8_t bytes[FRAUD_SWAP_MAX], old[256];
    fraud_op_call_t call, peek;
    fraud_swap_t before;
    int changed;

    CLAIM(len <= sizeof(old));
    memcpy(old, slot, len);
    make_call(op, &call, &before, bytes, in);
    peek = call;
    peek.charge = 0;
    CLAIM(fraud_record_call(slot, op, &peek, now) == 0);
    CLAIM(memcmp(old, slot, len) == 0);
    check_answer(op, &peek);
    changed = fraud_record_call(slot, op, &call, now);
    CLAIM(changed || memcmp(old, slot, len) == 0);
    CLAIM(call.charge || !changed);
    check_answer(op, &call);
    if (op->type == FRAUD_OP_GCRA) {
        CLAIM(call.over == peek.over && call.retry_us == peek.retry_us);
        CLAIM(!call.over || !changed);
        CLAIM(call.value ==
              peek.value + (changed ? call.arg * op->u.gcra.period_us : 0));
    }
    if (changed) {
        CLAIM(fraud_record_has(slot, op));
        check_slot(op, slot);
    }
    CLAIM(fraud_record_call(NULL, op, &call, now) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    fraud_op_t op;
    uint64_t now;
    uint8_t *slot;
    size_t len;

    if (!make_op(&op, &in)) {
        return 0;
    }
    len = fraud_record_slot_len(op.type);
    CLAIM(len % 4 == 0 && len >= 8);
    slot = malloc(len);
    CLAIM(slot != NULL && (uintptr_t)slot % 4 == 0);
    cut(&in, slot, len);
    if (cut_u8(&in) & 1) {
        memcpy(slot, &op.tag, sizeof(op.tag)); /* garbage that is vouched for */
    }
    now = cut_u64(&in) % FRAUD_OP_MAX;
    while (in.len > 0) {
        step(&op, slot, len, now, &in);
        now += cut_u64(&in) >> cut_u8(&in) % 64;
        now %= FRAUD_OP_MAX;
    }
    free(slot);
    return 0;
}
