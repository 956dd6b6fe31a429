/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_record.h"

#include <string.h>

#define TAG_LEN 4u
#define GCRA_LEN (TAG_LEN + 16u)
#define DECAY_LEN (TAG_LEN + 12u)
#define DISTINCT_LEN (TAG_LEN + 108u)
#define SWAP_LEN (TAG_LEN + 44u)

static uint32_t get32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p) {
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void put32(uint8_t *p, uint32_t x) {
    p[0] = (uint8_t)x;
    p[1] = (uint8_t)(x >> 8);
    p[2] = (uint8_t)(x >> 16);
    p[3] = (uint8_t)(x >> 24);
}

static void put64(uint8_t *p, uint64_t x) {
    put32(p, (uint32_t)x);
    put32(p + 4, (uint32_t)(x >> 32));
}

/* One more byte of a 64-bit FNV-1a hash. */
static uint64_t hash_byte(uint64_t hash, uint8_t byte) {
    return (hash ^ byte) * 0x100000001b3u;
}

uint32_t fraud_op_tag(fraud_op_type_t type, const char *name, size_t len,
                      uint64_t scale) {
    uint64_t hash;
    uint32_t tag;
    size_t i;

    hash = hash_byte(0xcbf29ce484222325u, (uint8_t)type);
    for (i = 0; i < sizeof(scale); i++) {
        hash = hash_byte(hash, (uint8_t)(scale >> 8 * i));
    }
    for (i = 0; i < len; i++) {
        hash = hash_byte(hash, (uint8_t)name[i]);
    }
    tag = (uint32_t)(hash ^ hash >> 32);
    return tag != 0 ? tag : 1;
}

uint64_t fraud_op_scale(const fraud_op_t *op) {
    switch (op->type) {
    case FRAUD_OP_GCRA:
        /* n < 2^20; apart for every period below half a year */
        return op->u.gcra.period_us ^ (uint64_t)op->u.gcra.n << 44;
    case FRAUD_OP_DISTINCT:
        return op->u.window_us;
    case FRAUD_OP_DECAY:
    case FRAUD_OP_SWAP:
        break;
    }
    return 0;
}

size_t fraud_record_slot_len(fraud_op_type_t type) {
    switch (type) {
    case FRAUD_OP_GCRA:
        return GCRA_LEN;
    case FRAUD_OP_DECAY:
        return DECAY_LEN;
    case FRAUD_OP_DISTINCT:
        return DISTINCT_LEN;
    case FRAUD_OP_SWAP:
        return SWAP_LEN;
    }
    return 0;
}

/* Return the state in ${slot}, NULL if there is none of the op of ${tag}. */
static const uint8_t *slot_state(const uint8_t *slot, uint32_t tag) {
    if (slot == NULL || get32(slot) != tag) {
        return NULL;
    }
    return slot + TAG_LEN;
}

static int call_gcra(uint8_t *slot, const fraud_op_t *op, fraud_op_call_t *call,
                     uint64_t now_us) {
    fraud_gcra_t s = {0};
    fraud_gcra_result_t result;
    const uint8_t *p;
    uint32_t cost;
    int changed;

    p = slot_state(slot, op->tag);
    if (p != NULL) {
        s.last_us = get64(p);
        s.debt = get64(p + 8);
    }
    cost = call->arg < UINT32_MAX ? (uint32_t)call->arg : UINT32_MAX;
    changed = fraud_gcra(&s, &op->u.gcra, cost, now_us, call->charge, &result);
    call->over = result.over;
    call->retry_us = result.retry_us;
    if (!changed || slot == NULL) {
        return 0;
    }
    put32(slot, op->tag);
    put64(slot + TAG_LEN, s.last_us);
    put64(slot + TAG_LEN + 8, s.debt);
    return 1;
}

static int call_decay(uint8_t *slot, const fraud_op_t *op,
                      fraud_op_call_t *call, uint64_t now_us) {
    fraud_decay_t s = {0};
    const uint8_t *p;
    int changed;

    p = slot_state(slot, op->tag);
    if (p != NULL) {
        s.time_us = get64(p);
        s.value = get32(p + 8);
    }
    changed = fraud_decay(&s, op->u.half_life_us, call->charge ? call->arg : 0,
                          now_us, &call->value);
    if (!changed || slot == NULL) {
        return 0;
    }
    put32(slot, op->tag);
    put64(slot + TAG_LEN, s.time_us);
    put32(slot + TAG_LEN + 8, (uint32_t)s.value);
    return 1;
}

static int call_distinct(uint8_t *slot, const fraud_op_t *op,
                         fraud_op_call_t *call, uint64_t now_us) {
    fraud_distinct_t s = {0};
    const uint8_t *p;
    uint32_t count;
    int changed;

    p = slot_state(slot, op->tag);
    if (p != NULL) {
        s.window = get64(p);
        memcpy(s.n, p + 8, sizeof(s.n));
        memcpy(s.set, p + 12, sizeof(s.set));
    }
    if (!call->charge) {
        call->value = fraud_distinct_count(&s, op->u.window_us, now_us);
        return 0;
    }
    changed = fraud_distinct(&s, op->u.window_us, call->arg, now_us, 1, &count);
    call->value = count;
    if (!changed || slot == NULL) {
        return 0;
    }
    put32(slot, op->tag);
    put64(slot + TAG_LEN, s.window);
    memcpy(slot + TAG_LEN + 8, s.n, sizeof(s.n));
    memset(slot + TAG_LEN + 10, 0, 2);
    memcpy(slot + TAG_LEN + 12, s.set, sizeof(s.set));
    return 1;
}

static int call_swap(uint8_t *slot, const fraud_op_t *op, fraud_op_call_t *call,
                     uint64_t now_us) {
    fraud_swap_t s = {0};
    const uint8_t *p;
    int changed;

    p = slot_state(slot, op->tag);
    if (p != NULL) {
        s.time_us = get64(p);
        s.len = p[8];
        memcpy(s.bytes, p + 12, sizeof(s.bytes));
    }
    changed = fraud_swap(&s, call->bytes, call->charge ? call->len : 0, now_us,
                         call->before, &call->value);
    if (!changed || slot == NULL) {
        return 0;
    }
    put32(slot, op->tag);
    put64(slot + TAG_LEN, s.time_us);
    put32(slot + TAG_LEN + 8, s.len);
    memcpy(slot + TAG_LEN + 12, s.bytes, sizeof(s.bytes));
    return 1;
}

int fraud_record_call(uint8_t *slot, const fraud_op_t *op,
                      fraud_op_call_t *call, uint64_t now_us) {
    switch (op->type) {
    case FRAUD_OP_GCRA:
        return call_gcra(slot, op, call, now_us);
    case FRAUD_OP_DECAY:
        return call_decay(slot, op, call, now_us);
    case FRAUD_OP_DISTINCT:
        return call_distinct(slot, op, call, now_us);
    case FRAUD_OP_SWAP:
        return call_swap(slot, op, call, now_us);
    }
    return 0;
}

static uint64_t ceil_div(uint64_t a, uint64_t b) {
    return a / b + (a % b != 0);
}

uint64_t fraud_op_horizon(const fraud_op_t *op) {
    const fraud_gcra_conf_t *gcra;
    uint64_t life_us;

    life_us = 0;
    switch (op->type) {
    case FRAUD_OP_GCRA:
        gcra = &op->u.gcra;
        life_us =
            ceil_div(((uint64_t)gcra->burst + 1) * gcra->period_us, gcra->n);
        break;
    case FRAUD_OP_DECAY:
        life_us = op->u.half_life_us * FRAUD_DECAY_LIFE;
        break;
    case FRAUD_OP_DISTINCT:
        life_us = 2 * op->u.window_us;
        break;
    case FRAUD_OP_SWAP:
        return FRAUD_RECORD_FOREVER;
    }
    return ceil_div(life_us, 1000000);
}
