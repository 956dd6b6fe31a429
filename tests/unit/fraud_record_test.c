/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_record.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define SECOND ((uint64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 ((uint64_t)1700000040 * SECOND)

static const fraud_op_t rate = {
    FRAUD_OP_GCRA, 0x11111111, {.gcra = {MINUTE, 5, 5}}};
static const fraud_op_t points = {
    FRAUD_OP_DECAY, 0x22222222, {.half_life_us = 4 * HOUR}};
static const fraud_op_t agents = {
    FRAUD_OP_DISTINCT, 0x33333333, {.window_us = MINUTE}};
static const fraud_op_t place = {FRAUD_OP_SWAP, 0x44444444, {.window_us = 0}};

static const fraud_op_t *const ops[] = {&rate, &points, &agents, &place};

/* A slot of exactly the size of ${op}, full of 0xa5: no tag of ours. */
static uint8_t *new_slot(const fraud_op_t *op) {
    size_t len = fraud_record_slot_len(op->type);
    uint8_t *slot = malloc(len);

    assert_non_null(slot);
    memset(slot, 0xa5, len);
    return slot;
}

/* Ask with ${arg}, or for swap with its eight bytes. */
static fraud_op_call_t ask(uint8_t *slot, const fraud_op_t *op, int charge,
                           uint64_t arg, uint64_t now_us, int changed) {
    static fraud_swap_t before;
    uint8_t bytes[sizeof(arg)];
    fraud_op_call_t call;

    memset(&call, 0, sizeof(call));
    memcpy(bytes, &arg, sizeof(arg));
    call.charge = charge;
    call.arg = arg;
    call.bytes = bytes;
    call.len = sizeof(bytes);
    call.before = &before;
    assert_int_equal(fraud_record_call(slot, op, &call, now_us), changed);
    call.bytes = NULL;
    return call;
}

static void slot_len(void **unused) {
    static const struct {
        fraud_op_type_t type;
        size_t len;
    } cases[] = {
        {FRAUD_OP_GCRA, 28},
        {FRAUD_OP_DECAY, 20},
        {FRAUD_OP_DISTINCT, 112},
        {FRAUD_OP_SWAP, 48},
    };
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(fraud_record_slot_len(cases[i].type), cases[i].len);
        assert_int_equal(cases[i].len % 4, 0);
    }
}

/* Tags are stored: these may never change. */
static void tag_values(void **unused) {
    static const struct {
        fraud_op_type_t type;
        const char *name;
        uint64_t scale;
        uint32_t tag;
    } cases[] = {
        {FRAUD_OP_GCRA, "bruteforce", 5, 0x393a9128},
        {FRAUD_OP_GCRA, "", 0, 0xdd6f1f70},
        {FRAUD_OP_DECAY, "bruteforce", 5, 0x4a6d65ed},
        {FRAUD_OP_GCRA, "bruteforce", 6, 0x3ff9aa4a},
        {FRAUD_OP_GCRA, "bruteforcf", 5, 0x393a9795},
        {FRAUD_OP_SWAP, "\xff", UINT64_MAX, 0x2e4faa85},
    };
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(fraud_op_tag(cases[i].type, cases[i].name,
                                      strlen(cases[i].name), cases[i].scale),
                         cases[i].tag);
    }
}

static int compare_tags(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* A hundred thousand names: no tag is 0, few are shared (expected: 1.2). */
static void tag_spread(void **unused) {
    static uint32_t tags[100000];
    char name[3];
    unsigned i, shared = 0;

    (void)unused;
    for (i = 0; i < N(tags); i++) {
        name[0] = (char)('0' + i % 64);
        name[1] = (char)('0' + i / 64 % 64);
        name[2] = (char)('0' + i / 4096);
        tags[i] = fraud_op_tag(FRAUD_OP_GCRA, name, 3, 7);
    }
    qsort(tags, N(tags), sizeof(tags[0]), compare_tags);
    assert_int_not_equal(tags[0], 0);
    for (i = 1; i < N(tags); i++) {
        shared += tags[i] == tags[i - 1];
    }
    assert_in_range(shared, 0, 8);
}

static void scale(void **unused) {
    fraud_op_t a = rate, b = rate;

    (void)unused;
    assert_int_equal(fraud_op_scale(&points), 0);
    assert_int_equal(fraud_op_scale(&place), 0);
    assert_int_equal(fraud_op_scale(&agents), MINUTE);
    a.u.gcra.burst++;
    assert_int_equal(fraud_op_scale(&a), fraud_op_scale(&b));
    a.u.gcra.n++;
    assert_int_not_equal(fraud_op_scale(&a), fraud_op_scale(&b));
    b.u.gcra.n++;
    b.u.gcra.period_us++;
    assert_int_not_equal(fraud_op_scale(&a), fraud_op_scale(&b));
}

/* Each op on one slot: tag mismatch, charge, peek, charge again. */
static void calls(void **unused) {
    fraud_op_call_t call;
    uint64_t bytes;
    uint8_t *slot;
    unsigned i;

    (void)unused;
    slot = new_slot(&rate);
    ask(slot, &rate, 0, 1, T0, 0);
    assert_int_equal(slot[0], 0xa5);
    for (i = 0; i < 6; i++) {
        call = ask(slot, &rate, 1, 1, T0, 1);
        assert_int_equal(call.over, 0);
        assert_int_equal(call.value, (i + 1) * MINUTE);
    }
    call = ask(slot, &rate, 0, 1, T0 + SECOND, 0);
    assert_int_equal(call.over, 1);
    assert_int_equal(call.value, 6 * MINUTE - 5 * SECOND);
    assert_int_equal(call.retry_us, 11 * SECOND);
    call = ask(slot, &rate, 1, ((uint64_t)1 << 32) + 1, T0, 0);
    assert_int_equal(call.over, 1);
    assert_int_equal(call.retry_us, 72 * SECOND);
    free(slot);

    slot = new_slot(&points);
    assert_int_equal(ask(slot, &points, 0, 80000, T0, 0).value, 0);
    assert_int_equal(ask(slot, &points, 1, 80000, T0, 1).value, 80000);
    assert_int_equal(ask(slot, &points, 0, 9, T0 + DAY, 0).value, 1250);
    assert_int_equal(ask(slot, &points, 1, 0, T0 + DAY, 0).value, 1250);
    assert_int_equal(ask(slot, &points, 1, 50, T0 + DAY, 1).value, 1300);
    free(slot);

    slot = new_slot(&agents);
    assert_int_equal(ask(slot, &agents, 0, 7, T0, 0).value, 0);
    for (i = 0; i < 10; i++) {
        assert_int_equal(ask(slot, &agents, 1, i, T0, 1).value, i + 1);
    }
    assert_int_equal(ask(slot, &agents, 1, 9, T0, 0).value, 10);
    assert_int_equal(ask(slot, &agents, 0, 99, T0 + MINUTE, 0).value, 10);
    assert_int_equal(ask(slot, &agents, 1, 99, T0 + MINUTE, 1).value, 11);
    assert_int_equal(ask(slot, &agents, 0, 0, T0 + 2 * MINUTE, 0).value, 1);
    free(slot);

    slot = new_slot(&place);
    assert_int_equal(ask(slot, &place, 0, 7, T0, 0).before->len, 0);
    assert_int_equal(ask(slot, &place, 1, 7, T0, 1).before->len, 0);
    for (i = 0; i < 2; i++) {
        call = ask(slot, &place, i != 0, 8, T0 + DAY, i != 0);
        assert_int_equal(call.value, DAY);
        assert_int_equal(call.before->len, 8);
        memcpy(&bytes, call.before->bytes, sizeof(bytes));
        assert_int_equal(bytes, 7);
    }
    free(slot);
}

/* The layout is stored, and scripts read it. */
static void layout(void **unused) {
    static const struct {
        const fraud_op_t *op;
        uint8_t slot[28]; /* the rest is zero */
    } cases[] = {
        {&rate, {0x11, 0x11, 0x11, 0x11, 0x00, 0x9a, 0x80, 0x1a, 0x24, 0x0a,
                 0x06, 0x00, 0x00, 0x1c, 0x4e, 0x0e, 0x00, 0x00, 0x00, 0x00}},
        {&points,
         {0x22, 0x22, 0x22, 0x22, 0x00, 0x9a, 0x80, 0x1a, 0x24, 0x0a, 0x06,
          0x00, 0x04}},
        {&agents,
         {0x33, 0x33, 0x33, 0x33, 0x16, 0x55, 0xb0, 0x01, 0x00, 0x00, 0x00,
          0x00, 0x01, 0x00, 0x00, 0x00, 0x04}},
        {&place,
         {0x44, 0x44, 0x44, 0x44, 0x00, 0x9a, 0x80, 0x1a, 0x24, 0x0a, 0x06,
          0x00, 0x08, 0x00, 0x00, 0x00, 0x04}},
    };
    uint8_t want[112];
    uint8_t *slot;
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        slot = new_slot(cases[i].op);
        ask(slot, cases[i].op, 1, 4, T0, 1);
        memset(want, 0, sizeof(want));
        memcpy(want, cases[i].slot, sizeof(cases[i].slot));
        assert_memory_equal(slot, want,
                            fraud_record_slot_len(cases[i].op->type));
        free(slot);
    }
}

/* No record: the answer of an empty slot, to a charge too. */
static void no_record(void **unused) {
    unsigned i;

    (void)unused;
    for (i = 0; i < 2; i++) {
        assert_int_equal(ask(NULL, &rate, i != 0, 6, T0, 0).over, 0);
        assert_int_equal(ask(NULL, &rate, i != 0, 6, T0, 0).value,
                         6 * MINUTE * i);
        assert_int_equal(ask(NULL, &rate, i != 0, 7, T0, 0).over, 1);
        assert_int_equal(ask(NULL, &points, i != 0, 5, T0, 0).value, 5 * i);
        assert_int_equal(ask(NULL, &agents, i != 0, 5, T0, 0).value, i);
        assert_int_equal(ask(NULL, &place, i != 0, 5, T0, 0).before->len, 0);
        assert_int_equal(ask(NULL, &place, i != 0, 5, T0, 0).value, 0);
    }
}

/*
 * Two configurations take turns on the same slots. What they share goes on;
 * where they differ, each finds the slot empty after the other wrote it, and
 * as it left it while the other only looked.
 */
static void interleaved(void **unused) {
    fraud_op_t renamed = points;
    uint8_t *shared, *first, *second;
    unsigned i;

    (void)unused;
    renamed.tag++;
    shared = new_slot(&rate);
    first = new_slot(&agents);
    second = new_slot(&place);
    for (i = 0; i < 3; i++) {
        assert_int_equal(ask(shared, &rate, 1, 1, T0, 1).over, 0);
        assert_int_equal(ask(first, &agents, 1, 1, T0, 1).value, 1);
        assert_int_equal(ask(first, &agents, 1, 2, T0, 1).value, 2);
        assert_int_equal(ask(first, &points, 0, 1, T0, 0).value, 0);
        assert_int_equal(ask(first, &agents, 1, 2, T0, 0).value, 2);
        assert_int_equal(ask(second, &place, 1, i, T0, 1).before->len, 0);

        assert_int_equal(ask(shared, &rate, 1, 1, T0, 1).over, 0);
        assert_int_equal(ask(first, &points, 1, 70, T0, 1).value, 70);
        assert_int_equal(ask(first, &points, 1, 70, T0, 1).value, 140);
        assert_int_equal(ask(second, &renamed, 1, 7, T0, 1).value, 7);
        assert_int_equal(ask(second, &points, 0, 7, T0, 0).value, 0);
        assert_int_equal(ask(second, &renamed, 0, 7, T0, 0).value, 7);
    }
    assert_int_equal(ask(shared, &rate, 1, 1, T0, 0).over, 1);
    free(shared);
    free(first);
    free(second);
}

static uint64_t seed;

static uint8_t random_byte(void) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(seed >> 56);
}

/* Any bytes behind a right tag are a state; nothing outside is touched. */
static void garbage(void **unused) {
    static const uint64_t most[] = {2 * 410 * SECOND + 6 * SECOND,
                                    FRAUD_DECAY_MAX, FRAUD_DECAY_MAX, T0};
    fraud_op_call_t call;
    uint8_t *slot;
    size_t i, j, len;

    (void)unused;
    seed = 1;
    for (i = 0; i < 40000; i++) {
        slot = new_slot(ops[i % 4]);
        len = fraud_record_slot_len(ops[i % 4]->type);
        for (j = 4; j < len; j++) {
            slot[j] = random_byte();
        }
        if (i % 8 < 4) { /* a plausible time */
            slot[9] = 6;
            slot[10] = slot[11] = 0;
        }
        slot[0] = slot[1] = slot[2] = slot[3] =
            (uint8_t)(ops[i % 4]->tag & 0xff);
        memset(&call, 0, sizeof(call));
        call.charge = i % 16 < 8;
        call.arg = random_byte();
        call.bytes = slot;
        call.len = 4;
        call.before = &(fraud_swap_t){0};
        fraud_record_call(slot, ops[i % 4], &call, T0);
        assert_in_range(call.retry_us, 0, 165 * SECOND);
        assert_in_range(call.value, 0, most[i % 4]);
        assert_in_range(call.before->len, 0, FRAUD_SWAP_MAX);
        free(slot);
    }
}

/* Charge, to be told to other hosts. */
static int charge(uint8_t *slot, const fraud_op_t *op, uint64_t arg,
                  uint64_t now_us) {
    static fraud_swap_t before;
    uint8_t bytes[sizeof(arg)];
    fraud_op_call_t call;

    memset(&call, 0, sizeof(call));
    memcpy(bytes, &arg, sizeof(arg));
    call.charge = 1;
    call.unsent = 1;
    call.arg = arg;
    call.bytes = bytes;
    call.len = sizeof(bytes);
    call.before = &before;
    fraud_record_call(slot, op, &call, now_us);
    return !call.over;
}

/* Only what is charged, and only with unsent; nothing of it twice. */
static void unsent(void **unused) {
    fraud_delta_t delta, empty;
    uint8_t *slot;
    unsigned i;

    (void)unused;
    memset(&empty, 0, sizeof(empty));
    for (i = 0; i < N(ops); i++) {
        slot = new_slot(ops[i]);
        assert_int_equal(fraud_record_take(slot, ops[i], &delta, T0, 0), 0);
        assert_memory_equal(&delta, &empty, sizeof(delta));
        ask(slot, ops[i], 1, 1, T0, 1);
        assert_int_equal(fraud_record_take(slot, ops[i], &delta, T0, 0), 0);
        assert_int_equal(delta.gcra.least, i == 0 ? MINUTE : 0);
        delta.gcra.least = 0;
        assert_memory_equal(&delta, &empty, sizeof(delta));
        charge(slot, ops[i], 3, T0);
        ask(slot, ops[i], 0, 9, T0, 0);
        assert_int_equal(fraud_record_take(slot, ops[i], &delta, T0, 0), 1);
        assert_int_equal(delta.unsent, i < 2 ? 3 : 1);
        assert_int_equal(delta.gcra.sum, i == 0 ? 3 * MINUTE : 0);
        fraud_record_untake(slot, ops[i], &delta);
        charge(slot, ops[i], 1, T0);
        assert_int_equal(
            fraud_record_take(slot, ops[i], &delta, T0 + SECOND, 0), 1);
        assert_int_equal(delta.unsent, i < 2 ? 4 : 1);
        assert_int_equal(delta.gcra.sum, 0);
        assert_int_equal(delta.gcra.add, i == 0 ? 4 * MINUTE : 0);
        assert_int_equal(delta.gcra.least,
                         i == 0 ? 5 * MINUTE - 5 * SECOND : 0);
        assert_int_equal(delta.decay, i == 1 ? 4 : 0);
        assert_int_equal(delta.distinct.n[0], i == 2 ? 2 : 0);
        assert_int_equal(delta.swap.len, i == 3 ? 8 : 0);
        assert_int_equal(delta.age_us, i == 3 ? SECOND : 0);
        assert_int_equal(
            fraud_record_take(slot, ops[i], &delta, T0 + SECOND, 0), 0);
        /* another op's slot by now */
        fraud_record_take(slot, ops[i], &delta, T0, 0);
        memset(slot, 0xa5, fraud_record_slot_len(ops[i]->type));
        delta.unsent = 1;
        fraud_record_untake(slot, ops[i], &delta);
        assert_int_equal(slot[fraud_record_slot_len(ops[i]->type) - 1], 0xa5);
        assert_int_equal(fraud_record_take(slot, ops[i], &delta, T0, 0), 0);
        free(slot);
    }
}

/* A refusal is not unsent; a count stops where it can be stored. */
static void unsent_limits(void **unused) {
    static const fraud_op_t wide = {
        FRAUD_OP_GCRA, 0x55555555, {.gcra = {1 << 20, 1, 4294967294u}}};
    fraud_delta_t delta;
    uint8_t *slot;
    unsigned i;

    (void)unused;
    slot = new_slot(&rate);
    for (i = 0; i < 9; i++) {
        charge(slot, &rate, 1, T0);
    }
    fraud_record_take(slot, &rate, &delta, T0, 0);
    assert_int_equal(delta.unsent, 6);
    free(slot);

    slot = new_slot(&wide);
    charge(slot, &wide, 4294967290u, T0);
    fraud_record_take(slot, &wide, &delta, T0, 0);
    assert_int_equal(delta.gcra.add, (uint64_t)4294967290u << 20);
    fraud_record_untake(slot, &wide, &delta);
    fraud_record_untake(slot, &wide, &delta);
    memset(&delta, 0, sizeof(delta));
    fraud_record_know(slot, &wide, &delta, T0);
    fraud_record_take(slot, &wide, &delta, T0, 0);
    assert_int_equal(delta.unsent, UINT32_MAX);
    assert_int_equal(delta.gcra.sum, (uint64_t)UINT32_MAX << 20);
    free(slot);
}

/* Of a tag, whatever else is there. */
static void has(void **unused) {
    uint8_t *slot;
    unsigned i, j;

    (void)unused;
    for (i = 0; i < N(ops); i++) {
        slot = new_slot(ops[i]);
        assert_int_equal(fraud_record_has(slot, ops[i]), 0);
        ask(slot, ops[i], 0, 1, T0, 0);
        assert_int_equal(fraud_record_has(slot, ops[i]), 0);
        charge(slot, ops[i], 1, T0);
        for (j = 0; j < N(ops); j++) {
            assert_int_equal(fraud_record_has(slot, ops[j]), i == j);
        }
        free(slot);
    }
}

/* After long alone only what is left by now is added. */
static void alone(void **unused) {
    fraud_delta_t delta;
    uint8_t *slot;

    (void)unused;
    slot = new_slot(&rate);
    ask(slot, &rate, 1, 1, T0, 1);
    charge(slot, &rate, 3, T0);
    fraud_record_take(slot, &rate, &delta, T0 + 6 * SECOND, HOUR);
    assert_int_equal(delta.gcra.sum, 0);
    assert_int_equal(delta.gcra.add, 3 * MINUTE);
    assert_int_equal(delta.gcra.least, 4 * MINUTE - 30 * SECOND);
    fraud_record_untake(slot, &rate, &delta);
    fraud_record_take(slot, &rate, &delta, T0 + 36 * SECOND, HOUR);
    assert_int_equal(delta.gcra.sum, 0);
    assert_int_equal(delta.gcra.add, MINUTE);
    free(slot);

    slot = new_slot(&points);
    charge(slot, &points, 80000, T0);
    fraud_record_take(slot, &points, &delta, T0 + DAY, 1);
    assert_int_equal(delta.decay, 1250);
    free(slot);
}

/* What is long is told by the caller, of a clock of 2^10 us. */
static void regular(void **unused) {
    static const struct {
        uint64_t regular_us, since_us;
        int told;
    } cases[] = {
        {0, 0, 1},
        {0, 2048, 0},
        {SECOND, SECOND - 1024, 1},
        {SECOND, SECOND + 2048, 0},
        {HOUR, HOUR - 1024, 1},
        {HOUR, HOUR + 2048, 0},
        {UINT64_MAX, 40 * DAY, 1},
    };
    fraud_delta_t delta, none;
    uint8_t *slot;
    uint64_t now_us;
    size_t i;
    int heard;

    (void)unused;
    memset(&none, 0, sizeof(none));
    for (i = 0; i < 2 * N(cases); i++) {
        heard = i % 2 != 0;
        slot = new_slot(&rate);
        if (heard) {
            none.gcra.least = 1;
            fraud_record_know(slot, &rate, &none, T0);
        } else {
            charge(slot, &rate, 1, T0 - HOUR);
            fraud_record_take(slot, &rate, &delta, T0, UINT64_MAX);
            assert_int_equal(delta.gcra.sum, 0);
        }
        now_us = T0 + cases[i / 2].since_us;
        charge(slot, &rate, 1, now_us);
        fraud_record_take(slot, &rate, &delta, now_us, cases[i / 2].regular_us);
        assert_int_equal(delta.gcra.sum, cases[i / 2].told ? MINUTE : 0);
        assert_int_equal(delta.gcra.add, cases[i / 2].told ? 0 : MINUTE);
        free(slot);
    }
}

static void know(void **unused) {
    fraud_delta_t shared, delta;
    uint8_t *slot, *old;
    size_t len;
    unsigned i;

    (void)unused;
    for (i = 0; i < N(ops); i++) {
        /* nothing to know: the other op's slot stays */
        slot = new_slot(ops[i]);
        old = new_slot(ops[i]);
        len = fraud_record_slot_len(ops[i]->type);
        memset(&shared, 0, sizeof(shared));
        fraud_record_know(slot, ops[i], &shared, T0);
        assert_memory_equal(slot, old, len);
        free(old);

        shared.gcra.least = 2 * MINUTE;
        shared.decay = 500;
        shared.distinct.window = T0 / MINUTE;
        shared.distinct.n[0] = 1;
        shared.distinct.set[0][0] = 77;
        shared.swap.len = 1;
        shared.swap.bytes[0] = 'x';
        shared.age_us = HOUR;
        fraud_record_know(slot, ops[i], &shared, T0);
        assert_int_equal(fraud_record_take(slot, ops[i], &delta, T0, 0), 0);
        assert_int_equal(delta.gcra.least, i == 0 ? 2 * MINUTE : 0);

        charge(slot, ops[i], 3, T0);
        fraud_record_know(slot, ops[i], &shared, T0);
        switch (i) {
        case 0:
            assert_int_equal(ask(slot, ops[i], 0, 1, T0, 0).over, 0);
            assert_int_equal(ask(slot, ops[i], 0, 2, T0, 0).over, 1);
            break;
        case 1:
            assert_int_equal(ask(slot, ops[i], 0, 1, T0, 0).value, 503);
            break;
        case 2:
            assert_int_equal(ask(slot, ops[i], 0, 1, T0, 0).value, 2);
            break;
        default:
            /* ours is newer, until theirs is */
            assert_int_equal(ask(slot, ops[i], 0, 1, T0, 0).before->len, 8);
            shared.age_us = SECOND;
            fraud_record_know(slot, ops[i], &shared, T0 + 2 * SECOND);
            assert_int_equal(ask(slot, ops[i], 0, 1, T0, 0).before->len, 1);
        }
        assert_int_equal(fraud_record_take(slot, ops[i], &delta, T0, 0), i < 3);
        free(slot);
    }
}

/* Of marks all hosts keep the oldest, and who has it still tells it. */
static void know_marks(void **unused) {
    static const struct {
        uint64_t age_us;
        int unsent;
        uint64_t left_us;
    } cases[] = {
        {HOUR + 1, 0, HOUR + 1},
        {HOUR, 1, HOUR},
        {HOUR - 1, 1, HOUR},
        {0, 1, HOUR},
    };
    fraud_swap_t before;
    fraud_delta_t shared, delta;
    fraud_op_call_t call;
    uint8_t *slot;
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        slot = new_slot(&place);
        memset(&call, 0, sizeof(call));
        call.charge = call.unsent = 1;
        call.bytes = (const uint8_t *)"a";
        call.len = 1;
        call.before = &before;
        fraud_record_call(slot, &place, &call, T0 - HOUR);
        memset(&shared, 0, sizeof(shared));
        shared.swap.len = 1;
        shared.swap.bytes[0] = 'b';
        shared.age_us = cases[i].age_us;
        fraud_record_know(slot, &place, &shared, T0);
        call = ask(slot, &place, 0, 0, T0, 0);
        assert_int_equal(call.value, cases[i].left_us);
        assert_int_equal(call.before->bytes[0], cases[i].unsent ? 'a' : 'b');
        assert_int_equal(fraud_record_take(slot, &place, &delta, T0, 0),
                         cases[i].unsent);
        free(slot);
    }
}

/* All that is stored stays below 2^52. */
static void know_limits(void **unused) {
    static const uint64_t values[] = {0, 1, FRAUD_OP_MAX - 1, FRAUD_OP_MAX,
                                      UINT64_MAX};
    fraud_delta_t shared;
    uint64_t debt, value;
    uint8_t *slot;
    size_t i;

    (void)unused;
    for (i = 0; i < N(values); i++) {
        memset(&shared, 0, sizeof(shared));
        shared.gcra.least = shared.decay = values[i];
        slot = new_slot(&rate);
        charge(slot, &rate, 6, T0);
        fraud_record_know(slot, &rate, &shared, T0);
        memcpy(&debt, slot + 12, sizeof(debt));
        value = values[i] + 6 * MINUTE;
        assert_int_equal(debt, i < 2 ? value : FRAUD_OP_MAX - 1);
        free(slot);
        slot = new_slot(&points);
        charge(slot, &points, 9, T0);
        fraud_record_know(slot, &points, &shared, T0);
        assert_int_equal(ask(slot, &points, 0, 0, T0, 0).value,
                         i < 2 ? values[i] + 9 : FRAUD_DECAY_MAX);
        free(slot);
    }
}

static uint64_t random_below(uint64_t n) {
    uint64_t x = 0;
    unsigned i;

    for (i = 0; i < 5; i++) {
        x = x << 8 | random_byte();
    }
    return x % n;
}

#define INTERVAL (SECOND / 20)

static const fraud_op_t flow = {
    FRAUD_OP_GCRA, 0x66666666, {.gcra = {SECOND, 100, 19}}};
static const fraud_op_t wide_flow = {
    FRAUD_OP_GCRA, 0x77777777, {.gcra = {SECOND, 100, 999999}}};

/* One host tells ${shared} and knows what is there now. */
static void exchange(uint8_t *slot, const fraud_op_t *op, fraud_gcra_t *shared,
                     uint64_t now_us) {
    fraud_delta_t delta;

    fraud_record_take(slot, op, &delta, now_us, 2 * INTERVAL);
    delta.gcra.least =
        fraud_gcra_merge(shared, &op->u.gcra, &delta.gcra, now_us);
    fraud_record_know(slot, op, &delta, now_us);
}

/* A host that is alone decides as if there were no exchange. */
static void one_host(void **unused) {
    fraud_gcra_result_t result;
    fraud_gcra_t shared = {0, 0}, truth = {0, 0};
    uint64_t now_us = T0, next_us = T0;
    uint8_t *slot = new_slot(&flow);
    unsigned i, over = 0;
    uint32_t cost;

    (void)unused;
    seed = 2;
    for (i = 0; i < 50000; i++) {
        now_us += random_below(random_below(50) != 0 ? 20000 : 400000);
        for (; next_us <= now_us; next_us += INTERVAL) {
            exchange(slot, &flow, &shared, next_us);
        }
        cost = 1 + (uint32_t)random_below(3) / 2;
        fraud_gcra(&truth, &flow.u.gcra, cost, now_us, 1, &result);
        assert_int_equal(charge(slot, &flow, cost, now_us), !result.over);
        over += result.over != 0;
    }
    assert_in_range(over, 1000, 49000);
    free(slot);
}

/*
 * Three hosts that refuse nothing: after each exchange of all, what they share
 * is the queue that one host would have, give or take an interval's drain.
 */
static void three_hosts(void **unused) {
    static const fraud_gcra_fold_t none = {0, 0, 0};
    static const uint64_t drain = INTERVAL * 100;
    fraud_gcra_result_t result;
    fraud_gcra_t shared = {0, 0}, truth = {0, 0};
    uint64_t now_us = T0, next_us = T0 + INTERVAL, debt, queue, busy = 0;
    uint8_t *slots[3];
    unsigned i, k;

    (void)unused;
    seed = 3;
    for (k = 0; k < 3; k++) {
        slots[k] = new_slot(&wide_flow);
    }
    for (i = 0; i < 50000; i++) {
        now_us += random_below(i / 1000 % 2 != 0 ? 17000 : 25000);
        for (; next_us <= now_us; next_us += INTERVAL) {
            for (k = 0; k < 3; k++) {
                exchange(slots[k], &wide_flow, &shared, next_us);
            }
            debt = fraud_gcra_merge(&shared, &wide_flow.u.gcra, &none, next_us);
            queue = fraud_gcra_merge(&truth, &wide_flow.u.gcra, &none, next_us);
            assert_true(debt <= queue + drain);
            assert_true(debt + drain >= queue);
            busy += queue > drain;
        }
        fraud_gcra(&truth, &wide_flow.u.gcra, 1, now_us, 1, &result);
        assert_int_equal(charge(slots[random_below(3)], &wide_flow, 1, now_us),
                         1);
    }
    assert_true(busy > 1000);
    for (k = 0; k < 3; k++) {
        free(slots[k]);
    }
}

/*
 * A host that was cut off for an hour and tried all the time: what it let
 * through meanwhile has drained, however lately the others were there.
 */
static void cut_off(void **unused) {
    static const fraud_gcra_fold_t none = {0, 0, 0};
    fraud_gcra_t shared = {0, 0};
    fraud_delta_t delta;
    fraud_op_call_t call;
    uint8_t *here = new_slot(&flow), *there = new_slot(&flow);
    uint64_t now_us, own, others, debt;
    unsigned refused = 0;

    (void)unused;
    exchange(here, &flow, &shared, T0);
    for (now_us = T0; now_us < T0 + HOUR; now_us += INTERVAL) {
        charge(here, &flow, 4, now_us);
        charge(there, &flow, 4, now_us);
        exchange(there, &flow, &shared, now_us);
        if (fraud_record_take(here, &flow, &delta, now_us, 2 * INTERVAL)) {
            fraud_record_untake(here, &flow, &delta);
            refused++;
        }
    }
    assert_true(refused > 1000);
    call = ask(here, &flow, 0, 0, now_us, 0);
    own = call.value;
    others = fraud_gcra_merge(&shared, &flow.u.gcra, &none, now_us);
    exchange(here, &flow, &shared, now_us);
    debt = fraud_gcra_merge(&shared, &flow.u.gcra, &none, now_us);
    assert_int_equal(debt, own + others);
    free(here);
    free(there);
}

/*
 * Hosts that are flooded, each exchanging in its own time: past what one would
 * let through go (hosts - 1) * (burst + 1 + rate * 2 intervals) at most.
 */
static void overshoot(void **unused) {
    fraud_gcra_t shared;
    uint8_t *slots[8];
    uint64_t now_us;
    unsigned hosts, k, passed, limit;

    (void)unused;
    for (hosts = 1; hosts <= N(slots); hosts++) {
        memset(&shared, 0, sizeof(shared));
        passed = 0;
        for (k = 0; k < hosts; k++) {
            slots[k] = new_slot(&flow);
        }
        for (now_us = T0; now_us < T0 + 20 * SECOND; now_us += 1000) {
            for (k = 0; k < hosts; k++) {
                if ((now_us + k * 7000) % INTERVAL == 0) {
                    exchange(slots[k], &flow, &shared, now_us);
                }
                passed += (unsigned)charge(slots[k], &flow, 1, now_us);
            }
        }
        limit = 20 + 2000 + (hosts - 1) * (20 + 10);
        assert_in_range(passed, 2000, limit);
        for (k = 0; k < hosts; k++) {
            free(slots[k]);
        }
    }
}

static void horizon(void **unused) {
    static const struct {
        fraud_op_t op;
        uint64_t seconds;
    } cases[] = {
        {{FRAUD_OP_GCRA, 1, {.gcra = {MINUTE, 5, 5}}}, 82},
        {{FRAUD_OP_GCRA, 1, {.gcra = {MINUTE, 7, 0}}}, 19},
        {{FRAUD_OP_GCRA, 1, {.gcra = {SECOND, 1000000, 0}}}, 11},
        {{FRAUD_OP_GCRA, 1, {.gcra = {FRAUD_OP_MAX - 1, 1, 0}}}, 4503599628},
        {{FRAUD_OP_GCRA, 1, {.gcra = {1048576, 1, 4294967294u}}}, 4503599628},
        {{FRAUD_OP_DECAY, 1, {.half_life_us = 4 * HOUR}}, 345600},
        {{FRAUD_OP_DECAY, 1, {.half_life_us = 1}}, 1},
        {{FRAUD_OP_DISTINCT, 1, {.window_us = 10 * MINUTE}}, 1200},
        {{FRAUD_OP_DISTINCT, 1, {.window_us = 500001}}, 2},
        {{FRAUD_OP_SWAP, 1, {.window_us = 0}}, FRAUD_RECORD_FOREVER},
    };
    size_t i;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(fraud_op_horizon(&cases[i].op), cases[i].seconds);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slot_len),    cmocka_unit_test(tag_values),
        cmocka_unit_test(tag_spread),  cmocka_unit_test(scale),
        cmocka_unit_test(calls),       cmocka_unit_test(layout),
        cmocka_unit_test(no_record),   cmocka_unit_test(interleaved),
        cmocka_unit_test(garbage),     cmocka_unit_test(unsent),
        cmocka_unit_test(has),         cmocka_unit_test(alone),
        cmocka_unit_test(regular),     cmocka_unit_test(unsent_limits),
        cmocka_unit_test(know),        cmocka_unit_test(know_marks),
        cmocka_unit_test(know_limits), cmocka_unit_test(one_host),
        cmocka_unit_test(three_hosts), cmocka_unit_test(cut_off),
        cmocka_unit_test(overshoot),   cmocka_unit_test(horizon),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
