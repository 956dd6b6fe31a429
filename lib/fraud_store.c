/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_store.h"

#include <string.h>

#define HEAD_LEN 8u    /* of an answer: the time, and if it was missing */
#define EXPIRES_LEN 4u /* of a record */
#define SLOT_HEAD 5u
#define GCRA_LEN 16u
#define DECAY_LEN 12u
#define DISTINCT_LEN 10u /* without the sets */
#define SWAP_LEN 8u      /* without the bytes */
#define SET_LEN 48u
#define NUMBER_LEN 8u
#define MAX_TTL 1000000000u

enum {
    END = 0,
    GCRA_CALL,
    DECAY_ADD,
    DISTINCT_CALL,
    SWAP_CALL,
    GCRA_MERGE,
    DISTINCT_MERGE,
    SWAP_MERGE,
    MARK,
    ONCE
};

static const char prefix[] = "fraud:";

void fraud_store_key(char *key, const fraud_pid_t *pid) {
    memcpy(key, prefix, sizeof(prefix) - 1);
    fraud_pid_encode(key + sizeof(prefix) - 1, pid);
}

/* Where ${len} bytes go; NULL if they do not fit. */
static uint8_t *add_room(fraud_store_argument_t *a, size_t len) {
    uint8_t *p = a->buf.data + a->buf.len;

    if (len > a->buf.size - a->buf.len) {
        a->buf.full = 1;
        return NULL;
    }
    a->buf.len += len;
    return p;
}

/* Each of these returns where to go on. */
static uint8_t *put_byte(uint8_t *p, unsigned byte) {
    *p = (uint8_t)byte;
    return p + 1;
}

static uint8_t *put_u32(uint8_t *p, uint32_t value) {
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
    p[2] = (uint8_t)(value >> 16);
    p[3] = (uint8_t)(value >> 24);
    return p + 4;
}

/* ${value} as a double; what is not below 2^52 is as good as the largest. */
static uint8_t *put_number(uint8_t *p, uint64_t value) {
    double d;
    uint64_t bits;

    d = (double)(value < FRAUD_OP_MAX ? value : FRAUD_OP_MAX - 1);
    memcpy(&bits, &d, sizeof(bits));
    return put_u32(put_u32(p, (uint32_t)bits), (uint32_t)(bits >> 32));
}

static void add_byte(fraud_store_argument_t *a, unsigned byte) {
    uint8_t *p = add_room(a, 1);

    if (p != NULL) {
        put_byte(p, byte);
    }
}

static void add_number(fraud_store_argument_t *a, uint64_t value) {
    uint8_t *p = add_room(a, NUMBER_LEN);

    if (p != NULL) {
        put_number(p, value);
    }
}

static void add_bytes(fraud_store_argument_t *a, const uint8_t *bytes,
                      size_t len) {
    add_byte(a, (unsigned)len);
    fraud_buf_add(&a->buf, bytes, len);
}

static void add_head(fraud_store_argument_t *a, unsigned type,
                     const fraud_op_t *op) {
    uint8_t *p = add_room(a, 5);

    if (p != NULL) {
        put_u32(put_byte(p, type), op->tag);
    }
}

void fraud_store_begin(fraud_store_argument_t *a, uint8_t *bytes, size_t size,
                       uint32_t ttl) {
    uint8_t *p;

    memset(a, 0, sizeof(*a));
    fraud_buf_init(&a->buf, bytes, size);
    a->ttl = ttl < MAX_TTL ? ttl : MAX_TTL;
    p = add_room(a, 4);
    if (p != NULL) {
        put_u32(p, a->ttl);
    }
}

static void call_gcra(fraud_store_argument_t *a, const fraud_op_t *op,
                      uint64_t cost) {
    const fraud_gcra_conf_t *conf;
    uint8_t *p;

    conf = &op->u.gcra;
    cost = cost < UINT32_MAX ? cost : UINT32_MAX;
    if (cost == 0 || cost > (uint64_t)conf->burst + 1) {
        return;
    }
    p = add_room(a, 6 + 4 * NUMBER_LEN);
    if (p == NULL) {
        return;
    }
    p = put_byte(put_u32(put_byte(p, GCRA_CALL), op->tag), GCRA_LEN);
    p = put_number(p, conf->n);
    p = put_number(p, fraud_gcra_limit(conf) - cost * conf->period_us);
    p = put_number(p, fraud_gcra_most(conf));
    put_number(p, cost * conf->period_us);
}

static void add_decay(fraud_store_argument_t *a, const fraud_op_t *op,
                      uint64_t add) {
    if (add == 0) {
        return;
    }
    add_head(a, DECAY_ADD, op);
    add_byte(a, DECAY_LEN);
    add_number(a, op->u.half_life_us);
    add_number(a, add < FRAUD_DECAY_MAX ? add : FRAUD_DECAY_MAX);
}

static void call_distinct(fraud_store_argument_t *a, const fraud_op_t *op,
                          uint64_t hash) {
    unsigned fingerprint, bit;

    fingerprint = hash & 0xffff;
    bit = fingerprint * FRAUD_DISTINCT_BITS >> 16;
    add_head(a, DISTINCT_CALL, op);
    add_number(a, op->u.window_us);
    add_byte(a, fingerprint & 0xff);
    add_byte(a, fingerprint >> 8);
    add_byte(a, bit / 8);
    add_byte(a, 1u << bit % 8);
}

static void call_swap(fraud_store_argument_t *a, const fraud_op_t *op,
                      const uint8_t *bytes, size_t len) {
    if (len == 0) {
        return;
    }
    add_head(a, SWAP_CALL, op);
    add_bytes(a, bytes, len < FRAUD_SWAP_MAX ? len : FRAUD_SWAP_MAX);
}

void fraud_store_once(fraud_store_argument_t *a, const fraud_op_t *op) {
    a->mixed |= a->n != 0;
    a->once = 1;
    add_head(a, ONCE, op);
}

void fraud_store_call(fraud_store_argument_t *a, const fraud_op_t *op,
                      const fraud_op_call_t *call) {
    a->n++;
    if (!a->called && a->merged) {
        add_byte(a, MARK);
    }
    a->called = 1;
    if (!call->charge) {
        return;
    }
    switch (op->type) {
    case FRAUD_OP_GCRA:
        call_gcra(a, op, call->arg);
        break;
    case FRAUD_OP_DECAY:
        add_decay(a, op, call->arg);
        break;
    case FRAUD_OP_DISTINCT:
        call_distinct(a, op, call->arg);
        break;
    case FRAUD_OP_SWAP:
        call_swap(a, op, call->bytes, call->len);
        break;
    }
}

static void merge_gcra(fraud_store_argument_t *a, const fraud_op_t *op,
                       const fraud_gcra_fold_t *fold) {
    if (fold->sum == 0 && fold->add == 0 && fold->least == 0) {
        return;
    }
    add_head(a, GCRA_MERGE, op);
    add_byte(a, GCRA_LEN);
    add_number(a, op->u.gcra.n);
    add_number(a, fraud_gcra_most(&op->u.gcra));
    add_number(a, fold->sum);
    add_number(a, fold->add);
    add_number(a, fold->least);
}

/* Bytes of a set of ${n}; what is no set has none. */
static size_t set_len(unsigned n) {
    if (n == FRAUD_DISTINCT_BITMAP) {
        return SET_LEN;
    }
    return n <= FRAUD_DISTINCT_LIST ? 2 * n : 0;
}

static void merge_distinct(fraud_store_argument_t *a, const fraud_op_t *op,
                           const fraud_distinct_t *s) {
    unsigned i;

    if (set_len(s->n[0]) == 0 && set_len(s->n[1]) == 0) {
        return;
    }
    add_head(a, DISTINCT_MERGE, op);
    add_number(a, op->u.window_us);
    add_number(a, s->window);
    for (i = 0; i < 2; i++) {
        add_byte(a, set_len(s->n[i]) != 0 ? s->n[i] : 0);
    }
    for (i = 0; i < 2; i++) {
        add_bytes(a, s->set[i], set_len(s->n[i]));
    }
}

static void merge_swap(fraud_store_argument_t *a, const fraud_op_t *op,
                       const fraud_swap_t *s, uint64_t age_us) {
    if (s->len == 0 || s->len > FRAUD_SWAP_MAX) {
        return;
    }
    add_head(a, SWAP_MERGE, op);
    add_number(a, age_us);
    add_bytes(a, s->bytes, s->len);
}

void fraud_store_merge(fraud_store_argument_t *a, const fraud_op_t *op,
                       const fraud_delta_t *delta) {
    a->n++;
    a->mixed |= a->called;
    a->merged = 1;
    switch (op->type) {
    case FRAUD_OP_GCRA:
        merge_gcra(a, op, &delta->gcra);
        break;
    case FRAUD_OP_DECAY:
        add_decay(a, op, delta->decay);
        break;
    case FRAUD_OP_DISTINCT:
        merge_distinct(a, op, &delta->distinct);
        break;
    case FRAUD_OP_SWAP:
        merge_swap(a, op, &delta->swap, delta->age_us);
        break;
    }
}

fraud_rc fraud_store_end(fraud_store_argument_t *a) {
    if (a->merged && !a->called) {
        add_byte(a, MARK);
    }
    add_byte(a, END);
    fraud_buf_uint(&a->buf, a->ttl, 1);
    if (a->mixed || (a->once && a->called)) {
        return FRAUD_EINVAL;
    }
    if (a->buf.full || a->n > FRAUD_STORE_MAX_OPS) {
        return FRAUD_ELIMIT;
    }
    return FRAUD_OK;
}

static uint32_t get_u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

fraud_rc fraud_store_answer(fraud_store_answer_t *s, const uint8_t *bytes,
                            size_t len) {
    if (len < HEAD_LEN + EXPIRES_LEN || len > FRAUD_STORE_MAX_ANSWER ||
        bytes[7] > 1) {
        return FRAUD_EINVAL;
    }
    s->p = bytes + HEAD_LEN + EXPIRES_LEN;
    s->end = bytes + len;
    s->now_us = get_u32(bytes) | (uint64_t)(get_u32(bytes + 4) & 0xffffff)
                                     << 32;
    s->missing = bytes[7];
    s->len = 0;
    return s->now_us < FRAUD_OP_MAX ? FRAUD_OK : FRAUD_EINVAL;
}

/* Return the state of ${tag} in the record and its ${*len}, or NULL. */
static const uint8_t *find_state(const fraud_store_answer_t *s, uint32_t tag,
                                 size_t *len) {
    const uint8_t *p;

    for (p = s->p; (size_t)(s->end - p) >= SLOT_HEAD; p += SLOT_HEAD + *len) {
        *len = p[4];
        if ((size_t)(s->end - p) - SLOT_HEAD < *len) {
            return NULL;
        }
        if (get_u32(p) == tag) {
            return p + SLOT_HEAD;
        }
    }
    return NULL;
}

/* Whether the ${len} bytes at ${p} are a state of ${op}. */
static int is_state(const fraud_op_t *op, const uint8_t *p, size_t len) {
    switch (op->type) {
    case FRAUD_OP_GCRA:
        return len == GCRA_LEN;
    case FRAUD_OP_DECAY:
        return len == DECAY_LEN;
    case FRAUD_OP_DISTINCT:
        return len >= DISTINCT_LEN && (p[8] == 0 || set_len(p[8]) != 0) &&
               (p[9] == 0 || set_len(p[9]) != 0) &&
               len == DISTINCT_LEN + set_len(p[8]) + set_len(p[9]);
    case FRAUD_OP_SWAP:
        return len > SWAP_LEN && len <= SWAP_LEN + FRAUD_SWAP_MAX;
    }
    return 0;
}

/*
 * Make a slot of fraud_record.h of the ${len} bytes of state at ${p}, all of it
 * unsent where that is a mark: it is news to who reads it.
 */
static void make_slot(uint8_t *slot, const fraud_op_t *op, const uint8_t *p,
                      size_t len) {
    size_t current;
    uint8_t *state;

    state = slot + 4;
    switch (op->type) {
    case FRAUD_OP_GCRA:
    case FRAUD_OP_DECAY:
        memcpy(state, p, len);
        break;
    case FRAUD_OP_DISTINCT:
        current = set_len(p[8]);
        memcpy(state, p, DISTINCT_LEN);
        state[10] = 1;
        memcpy(state + 12, p + DISTINCT_LEN, current);
        memcpy(state + 12 + SET_LEN, p + DISTINCT_LEN + current, set_len(p[9]));
        break;
    case FRAUD_OP_SWAP:
        memcpy(state, p, SWAP_LEN);
        state[8] = (uint8_t)(len - SWAP_LEN);
        state[9] = 1;
        memcpy(state + 12, p + SWAP_LEN, len - SWAP_LEN);
        break;
    }
}

/* Return the slot of ${op}, made on its first use; NULL if there is no room. */
static uint8_t *find_slot(fraud_store_answer_t *s, const fraud_op_t *op) {
    const uint8_t *p;
    uint8_t *slots, *slot;
    uint32_t i;
    size_t len;

    slots = (uint8_t *)s->slots;
    for (i = 0; i < s->len; i += FRAUD_STORE_MAX_SLOT) {
        if (get_u32(slots + i) == op->tag) {
            return slots + i;
        }
    }
    if (s->len == sizeof(s->slots)) {
        return NULL;
    }
    slot = slots + s->len;
    s->len += FRAUD_STORE_MAX_SLOT;
    memset(slot, 0, FRAUD_STORE_MAX_SLOT);
    slot[0] = (uint8_t)op->tag;
    slot[1] = (uint8_t)(op->tag >> 8);
    slot[2] = (uint8_t)(op->tag >> 16);
    slot[3] = (uint8_t)(op->tag >> 24);
    p = find_state(s, op->tag, &len);
    if (p != NULL && is_state(op, p, len)) {
        make_slot(slot, op, p, len);
    }
    return slot;
}

fraud_rc fraud_store_called(fraud_store_answer_t *s, const fraud_op_t *op,
                            fraud_op_call_t *call, uint64_t *debt) {
    uint8_t *slot;

    *debt = 0;
    slot = find_slot(s, op);
    if (slot == NULL) {
        return FRAUD_ELIMIT;
    }
    fraud_record_call(slot, op, call, s->now_us);
    if (op->type == FRAUD_OP_GCRA) {
        *debt = call->value < FRAUD_OP_MAX ? call->value : FRAUD_OP_MAX - 1;
    }
    return FRAUD_OK;
}

fraud_rc fraud_store_merged(fraud_store_answer_t *s, const fraud_op_t *op,
                            fraud_delta_t *state) {
    fraud_op_call_t peek;
    fraud_swap_t before;
    const uint8_t *slot;
    uint8_t copy[FRAUD_STORE_MAX_SLOT];

    slot = find_slot(s, op);
    if (slot == NULL) {
        return FRAUD_ELIMIT;
    }
    memcpy(copy, slot, sizeof(copy));
    fraud_record_take(copy, op, state, s->now_us, 0);
    state->unsent = 0;
    if (op->type == FRAUD_OP_DECAY) {
        memset(&peek, 0, sizeof(peek));
        peek.before = &before;
        fraud_record_call(copy, op, &peek, s->now_us);
        state->decay = peek.value;
    }
    return FRAUD_OK;
}
