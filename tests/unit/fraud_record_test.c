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
        {FRAUD_OP_GCRA, 20},
        {FRAUD_OP_DECAY, 16},
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
        assert_int_equal(ask(slot, &rate, 1, 1, T0, 1).over, 0);
    }
    call = ask(slot, &rate, 0, 1, T0 + SECOND, 0);
    assert_int_equal(call.over, 1);
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
        uint8_t slot[24]; /* the rest is zero */
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
        assert_in_range(call.retry_us, 0, 145 * SECOND);
        assert_in_range(call.value, 0, i % 4 == 3 ? T0 : FRAUD_DECAY_MAX);
        assert_in_range(call.before->len, 0, FRAUD_SWAP_MAX);
        free(slot);
    }
}

static void horizon(void **unused) {
    static const struct {
        fraud_op_t op;
        uint64_t seconds;
    } cases[] = {
        {{FRAUD_OP_GCRA, 1, {.gcra = {MINUTE, 5, 5}}}, 72},
        {{FRAUD_OP_GCRA, 1, {.gcra = {MINUTE, 7, 0}}}, 9},
        {{FRAUD_OP_GCRA, 1, {.gcra = {SECOND, 1000000, 0}}}, 1},
        {{FRAUD_OP_GCRA, 1, {.gcra = {FRAUD_OP_MAX - 1, 1, 0}}}, 4503599628},
        {{FRAUD_OP_GCRA, 1, {.gcra = {1048576, 1, 4294967294u}}}, 4503599627},
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
        cmocka_unit_test(slot_len),   cmocka_unit_test(tag_values),
        cmocka_unit_test(tag_spread), cmocka_unit_test(scale),
        cmocka_unit_test(calls),      cmocka_unit_test(layout),
        cmocka_unit_test(no_record),  cmocka_unit_test(interleaved),
        cmocka_unit_test(garbage),    cmocka_unit_test(horizon),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
