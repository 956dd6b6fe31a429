/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_record.h"

#include <string.h>

#define TAG_LEN 4u
#define GCRA_LEN (TAG_LEN + 24u)
#define DECAY_LEN (TAG_LEN + 16u)
#define DISTINCT_LEN (TAG_LEN + 108u)
#define SWAP_LEN (TAG_LEN + 44u)
#define SECOND ((uint64_t)1000000)

/* where a slot has what is unsent */
#define GCRA_UNSENT (TAG_LEN + 16u)
#define GCRA_TAKEN (TAG_LEN + 20u)
#define DECAY_UNSENT (TAG_LEN + 12u)
#define DISTINCT_UNSENT (TAG_LEN + 10u)
#define SWAP_UNSENT (TAG_LEN + 9u)

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
        break;
    }
    return SWAP_LEN;
}

int fraud_record_has(const uint8_t *slot, const fraud_op_t *op) {
    return slot != NULL && get32(slot) == op->tag;
}

/* ${a} + ${b}, or as much of it as can be stored. */
static uint32_t add_unsent(uint64_t a, uint64_t b) {
    return a + b < UINT32_MAX ? (uint32_t)(a + b) : UINT32_MAX;
}

/* Each of these returns what is unsent; without a state all is zero. */
static uint32_t load_gcra(fraud_gcra_t *s, const uint8_t *slot,
                          const fraud_op_t *op) {
    memset(s, 0, sizeof(*s));
    if (!fraud_record_has(slot, op)) {
        return 0;
    }
    s->last_us = get64(slot + TAG_LEN);
    s->debt = get64(slot + TAG_LEN + 8);
    return get32(slot + GCRA_UNSENT);
}

static void store_gcra(uint8_t *slot, const fraud_op_t *op,
                       const fraud_gcra_t *s, uint32_t unsent) {
    put32(slot, op->tag);
    put64(slot + TAG_LEN, s->last_us);
    put64(slot + TAG_LEN + 8, s->debt);
    put32(slot + GCRA_UNSENT, unsent);
}

static uint32_t load_decay(fraud_decay_t *s, const uint8_t *slot,
                           const fraud_op_t *op) {
    memset(s, 0, sizeof(*s));
    if (!fraud_record_has(slot, op)) {
        return 0;
    }
    s->time_us = get64(slot + TAG_LEN);
    s->value = get32(slot + TAG_LEN + 8);
    return get32(slot + DECAY_UNSENT);
}

static void store_decay(uint8_t *slot, const fraud_op_t *op,
                        const fraud_decay_t *s, uint32_t unsent) {
    put32(slot, op->tag);
    put64(slot + TAG_LEN, s->time_us);
    put32(slot + TAG_LEN + 8, (uint32_t)s->value);
    put32(slot + DECAY_UNSENT, unsent);
}

static uint32_t load_distinct(fraud_distinct_t *s, const uint8_t *slot,
                              const fraud_op_t *op) {
    memset(s, 0, sizeof(*s));
    if (!fraud_record_has(slot, op)) {
        return 0;
    }
    s->window = get64(slot + TAG_LEN);
    memcpy(s->n, slot + TAG_LEN + 8, sizeof(s->n));
    memcpy(s->set, slot + TAG_LEN + 12, sizeof(s->set));
    return slot[DISTINCT_UNSENT] != 0;
}

static void store_distinct(uint8_t *slot, const fraud_op_t *op,
                           const fraud_distinct_t *s, uint32_t unsent) {
    put32(slot, op->tag);
    put64(slot + TAG_LEN, s->window);
    memcpy(slot + TAG_LEN + 8, s->n, sizeof(s->n));
    slot[DISTINCT_UNSENT] = unsent != 0;
    slot[DISTINCT_UNSENT + 1] = 0;
    memcpy(slot + TAG_LEN + 12, s->set, sizeof(s->set));
}

static uint32_t load_swap(fraud_swap_t *s, const uint8_t *slot,
                          const fraud_op_t *op) {
    memset(s, 0, sizeof(*s));
    if (!fraud_record_has(slot, op)) {
        return 0;
    }
    s->time_us = get64(slot + TAG_LEN);
    s->len = slot[TAG_LEN + 8];
    memcpy(s->bytes, slot + TAG_LEN + 12, sizeof(s->bytes));
    return slot[SWAP_UNSENT] != 0;
}

static void store_swap(uint8_t *slot, const fraud_op_t *op,
                       const fraud_swap_t *s, uint32_t unsent) {
    put32(slot, op->tag);
    put64(slot + TAG_LEN, s->time_us);
    put32(slot + TAG_LEN + 8, s->len);
    slot[SWAP_UNSENT] = unsent != 0;
    memcpy(slot + TAG_LEN + 12, s->bytes, sizeof(s->bytes));
}

static int call_gcra(uint8_t *slot, const fraud_op_t *op, fraud_op_call_t *call,
                     uint64_t now_us) {
    fraud_gcra_t s;
    fraud_gcra_result_t result;
    uint32_t cost, unsent;
    int changed;

    unsent = load_gcra(&s, slot, op);
    cost = call->arg < UINT32_MAX ? (uint32_t)call->arg : UINT32_MAX;
    changed = fraud_gcra(&s, &op->u.gcra, cost, now_us, call->charge, &result);
    call->over = result.over;
    call->retry_us = result.retry_us;
    call->value = result.debt;
    if (!changed || slot == NULL) {
        return 0;
    }
    if (!fraud_record_has(slot, op)) {
        put32(slot + GCRA_TAKEN, 0);
    }
    store_gcra(slot, op, &s, call->unsent ? add_unsent(unsent, cost) : unsent);
    return 1;
}

static int call_decay(uint8_t *slot, const fraud_op_t *op,
                      fraud_op_call_t *call, uint64_t now_us) {
    fraud_decay_t s;
    uint64_t add;
    uint32_t unsent;
    int changed;

    unsent = load_decay(&s, slot, op);
    add = call->arg < FRAUD_DECAY_MAX ? call->arg : FRAUD_DECAY_MAX;
    changed = fraud_decay(&s, op->u.half_life_us, call->charge ? add : 0,
                          now_us, &call->value);
    if (!changed || slot == NULL) {
        return 0;
    }
    store_decay(slot, op, &s, call->unsent ? add_unsent(unsent, add) : unsent);
    return 1;
}

static int call_distinct(uint8_t *slot, const fraud_op_t *op,
                         fraud_op_call_t *call, uint64_t now_us) {
    fraud_distinct_t s;
    uint32_t count, unsent;
    int changed;

    unsent = load_distinct(&s, slot, op);
    if (!call->charge) {
        call->value = fraud_distinct_count(&s, op->u.window_us, now_us);
        return 0;
    }
    changed = fraud_distinct(&s, op->u.window_us, call->arg, now_us, 1, &count);
    call->value = count;
    if (!changed || slot == NULL) {
        return 0;
    }
    store_distinct(slot, op, &s, call->unsent ? 1 : unsent);
    return 1;
}

static int call_swap(uint8_t *slot, const fraud_op_t *op, fraud_op_call_t *call,
                     uint64_t now_us) {
    fraud_swap_t s;
    uint32_t unsent;
    int changed;

    unsent = load_swap(&s, slot, op);
    changed = fraud_swap(&s, call->bytes, call->charge ? call->len : 0, now_us,
                         call->before, &call->value);
    if (!changed || slot == NULL) {
        return 0;
    }
    store_swap(slot, op, &s, call->unsent ? 1 : unsent);
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

/* What ${unsent} requests cost, below 2^52. */
static uint64_t gcra_sum(const fraud_gcra_conf_t *conf, uint32_t unsent) {
    return unsent <= (FRAUD_OP_MAX - 1) / conf->period_us
               ? unsent * conf->period_us
               : FRAUD_OP_MAX - 1;
}

static void take_gcra(uint8_t *slot, const fraud_op_t *op, fraud_delta_t *delta,
                      uint64_t now_us, uint64_t regular_us) {
    fraud_gcra_t s;
    uint64_t sum;
    uint32_t taken, now = (uint32_t)(now_us >> 10);

    delta->unsent = load_gcra(&s, slot, op);
    store_gcra(slot, op, &s, 0);
    taken = get32(slot + GCRA_TAKEN);
    put32(slot + GCRA_TAKEN, now);
    sum = gcra_sum(&op->u.gcra, delta->unsent);
    delta->gcra.least =
        fraud_gcra_merge(&s, &op->u.gcra, &(fraud_gcra_fold_t){0}, now_us);
    if (taken != 0 && now - taken <= regular_us >> 10) {
        delta->gcra.sum = sum;
        return;
    }
    delta->gcra.add = sum < delta->gcra.least ? sum : delta->gcra.least;
}

static void take_decay(uint8_t *slot, const fraud_op_t *op,
                       fraud_delta_t *delta, uint64_t now_us) {
    fraud_decay_t s;
    uint64_t value;

    delta->unsent = load_decay(&s, slot, op);
    store_decay(slot, op, &s, 0);
    delta->decay = delta->unsent;
    fraud_decay(&s, op->u.half_life_us, 0, now_us, &value);
    if (delta->decay > value) {
        delta->decay = value;
    }
}

int fraud_record_take(uint8_t *slot, const fraud_op_t *op, fraud_delta_t *delta,
                      uint64_t now_us, uint64_t regular_us) {
    memset(delta, 0, sizeof(*delta));
    if (!fraud_record_has(slot, op)) {
        return 0;
    }
    switch (op->type) {
    case FRAUD_OP_GCRA:
        take_gcra(slot, op, delta, now_us, regular_us);
        break;
    case FRAUD_OP_DECAY:
        take_decay(slot, op, delta, now_us);
        break;
    case FRAUD_OP_DISTINCT:
        if (slot[DISTINCT_UNSENT] != 0) {
            delta->unsent = load_distinct(&delta->distinct, slot, op);
            slot[DISTINCT_UNSENT] = 0;
        }
        break;
    case FRAUD_OP_SWAP:
        if (slot[SWAP_UNSENT] != 0) {
            delta->unsent = load_swap(&delta->swap, slot, op);
            fraud_swap(&delta->swap, NULL, 0, now_us, &delta->swap,
                       &delta->age_us);
            slot[SWAP_UNSENT] = 0;
        }
        break;
    }
    return delta->unsent != 0;
}

void fraud_record_untake(uint8_t *slot, const fraud_op_t *op,
                         const fraud_delta_t *delta) {
    if (!fraud_record_has(slot, op) || delta->unsent == 0) {
        return;
    }
    switch (op->type) {
    case FRAUD_OP_GCRA:
        put32(slot + GCRA_UNSENT,
              add_unsent(get32(slot + GCRA_UNSENT), delta->unsent));
        put32(slot + GCRA_TAKEN, 0);
        break;
    case FRAUD_OP_DECAY:
        put32(slot + DECAY_UNSENT,
              add_unsent(get32(slot + DECAY_UNSENT), delta->unsent));
        break;
    case FRAUD_OP_DISTINCT:
        slot[DISTINCT_UNSENT] = 1;
        break;
    case FRAUD_OP_SWAP:
        slot[SWAP_UNSENT] = 1;
        break;
    }
}

static void know_gcra(uint8_t *slot, const fraud_op_t *op,
                      const fraud_delta_t *shared, uint64_t now_us) {
    fraud_gcra_t s;
    uint32_t unsent;

    unsent = load_gcra(&s, slot, op);
    s.debt = gcra_sum(&op->u.gcra, unsent);
    s.debt = shared->gcra.least < FRAUD_OP_MAX - 1 - s.debt
                 ? shared->gcra.least + s.debt
                 : FRAUD_OP_MAX - 1;
    s.last_us = now_us;
    if (s.debt != 0 || fraud_record_has(slot, op)) {
        store_gcra(slot, op, &s, unsent);
        put32(slot + GCRA_TAKEN, (uint32_t)(now_us >> 10));
    }
}

static void know_decay(uint8_t *slot, const fraud_op_t *op,
                       const fraud_delta_t *shared, uint64_t now_us) {
    fraud_decay_t s;
    uint32_t unsent;

    unsent = load_decay(&s, slot, op);
    s.value = unsent < FRAUD_DECAY_MAX ? unsent : FRAUD_DECAY_MAX;
    s.value = shared->decay < FRAUD_DECAY_MAX - s.value
                  ? shared->decay + s.value
                  : FRAUD_DECAY_MAX;
    s.time_us = now_us;
    if (s.value != 0 || fraud_record_has(slot, op)) {
        store_decay(slot, op, &s, unsent);
    }
}

void fraud_record_know(uint8_t *slot, const fraud_op_t *op,
                       const fraud_delta_t *shared, uint64_t now_us) {
    fraud_distinct_t distinct;
    fraud_swap_t swap;
    uint32_t unsent;

    switch (op->type) {
    case FRAUD_OP_GCRA:
        know_gcra(slot, op, shared, now_us);
        break;
    case FRAUD_OP_DECAY:
        know_decay(slot, op, shared, now_us);
        break;
    case FRAUD_OP_DISTINCT:
        unsent = load_distinct(&distinct, slot, op);
        if (fraud_distinct_merge(&distinct, op->u.window_us, &shared->distinct,
                                 now_us)) {
            store_distinct(slot, op, &distinct, unsent);
        }
        break;
    case FRAUD_OP_SWAP:
        load_swap(&swap, slot, op);
        if (fraud_swap_merge(&swap, &shared->swap, shared->age_us, now_us)) {
            /* what was unsent is overwritten */
            store_swap(slot, op, &swap, 0);
        }
        break;
    }
}

static uint64_t ceil_div(uint64_t a, uint64_t b) {
    return a / b + (a % b != 0);
}

uint64_t fraud_op_horizon(const fraud_op_t *op) {
    switch (op->type) {
    case FRAUD_OP_GCRA:
        return ceil_div(fraud_gcra_most(&op->u.gcra), op->u.gcra.n * SECOND);
    case FRAUD_OP_DECAY:
        return ceil_div(op->u.half_life_us * FRAUD_DECAY_LIFE, SECOND);
    case FRAUD_OP_DISTINCT:
        return ceil_div(2 * op->u.window_us, SECOND);
    case FRAUD_OP_SWAP:
        break;
    }
    return FRAUD_RECORD_FOREVER;
}
