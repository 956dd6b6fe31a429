/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_store.h"

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
#define T0 ((uint64_t)1700000040 * SECOND)

static const fraud_op_t rate = {
    FRAUD_OP_GCRA, 0x11111111, {.gcra = {MINUTE, 5, 5}}};
static const fraud_op_t points = {
    FRAUD_OP_DECAY, 0x22222222, {.half_life_us = 4 * HOUR}};
static const fraud_op_t agents = {
    FRAUD_OP_DISTINCT, 0x33333333, {.window_us = MINUTE}};
static const fraud_op_t place = {FRAUD_OP_SWAP, 0x44444444, {.window_us = 0}};

static const fraud_op_t *const ops[] = {&rate, &points, &agents, &place};

static void key(void **unused) {
    char text[FRAUD_STORE_KEY_LEN + 1];
    fraud_pid_t pid;

    (void)unused;
    memset(&pid, 0, sizeof(pid));
    text[FRAUD_STORE_KEY_LEN] = '!';
    fraud_store_key(text, &pid);
    assert_memory_equal(text, "fraud:aaaaaaaaaaaaaaaaaaaaaaaaaa!", 33);
}

static fraud_op_call_t make_call(int charge, uint64_t arg, const char *bytes) {
    static fraud_swap_t before;
    fraud_op_call_t call;

    memset(&call, 0, sizeof(call));
    call.charge = charge;
    call.arg = arg;
    call.bytes = (const uint8_t *)bytes;
    call.len = bytes != NULL ? strlen(bytes) : 0;
    call.before = &before;
    return call;
}

/* The script reads these bytes. */
static void arguments(void **unused) {
    static const uint8_t want[] = {
        /* 8000 seconds */
        0x40, 0x1f, 0, 0,
        /* 5 r/m: 5, room for 2 minutes less, 410 seconds, 4 minutes */
        1, 0x11, 0x11, 0x11, 0x11, 16, 0, 0, 0, 0, 0, 0, 0x14, 0x40, 0, 0, 0, 0,
        0x38, 0x9c, 0x9c, 0x41, 0, 0, 0, 0x80, 0x1a, 0x70, 0xb8, 0x41, 0, 0, 0,
        0, 0x38, 0x9c, 0xac, 0x41,
        /* 4 hours, 80000 millipoints */
        2, 0x22, 0x22, 0x22, 0x22, 12, 0, 0, 0, 0x80, 0x74, 0xd2, 0x0a, 0x42, 0,
        0, 0, 0, 0, 0x88, 0xf3, 0x40,
        /* a minute, the fingerprint and its bit, 191 */
        3, 0x33, 0x33, 0x33, 0x33, 0, 0, 0, 0, 0x38, 0x9c, 0x8c, 0x41, 0xff,
        0x7f, 23, 0x80,
        /* two bytes */
        4, 0x44, 0x44, 0x44, 0x44, 2, 'a', 'b', 0, '8', '0', '0', '0'};
    uint8_t bytes[256];
    fraud_store_argument_t a;
    fraud_op_call_t call;
    unsigned i;

    (void)unused;
    fraud_store_begin(&a, bytes, sizeof(bytes), 8000);
    for (i = 0; i < N(ops); i++) {
        /* what is only read takes no bytes */
        call = make_call(0, 1, "ab");
        fraud_store_call(&a, ops[i], &call);
        call = make_call(1, i == 0 ? 7 : 0, NULL);
        if (i != 2) {
            fraud_store_call(&a, ops[i], &call);
        }
        call = make_call(1, i == 0 ? 4 : i == 1 ? 80000 : 0x17fff, "ab");
        fraud_store_call(&a, ops[i], &call);
    }
    assert_int_equal(fraud_store_end(&a), FRAUD_OK);
    assert_int_equal(a.buf.len, sizeof(want));
    assert_memory_equal(a.buf.data, want, sizeof(want));
}

static fraud_delta_t make_delta(void) {
    fraud_delta_t d;

    memset(&d, 0, sizeof(d));
    d.gcra.sum = 1;
    d.gcra.least = 3;
    d.decay = UINT64_MAX;
    d.distinct.window = 7;
    d.distinct.n[0] = 2;
    d.distinct.n[1] = FRAUD_DISTINCT_BITMAP;
    memset(d.distinct.set, 0x5a, sizeof(d.distinct.set));
    d.swap.len = 3;
    memcpy(d.swap.bytes, "xyz", 3);
    d.age_us = 2;
    return d;
}

static void merge_arguments(void **unused) {
    static const uint8_t want[] = {
        1, 0, 0, 0,
        /* 5 r/m, 410 seconds, 1, 0, 3 */
        5, 0x11, 0x11, 0x11, 0x11, 16, 0, 0, 0, 0, 0, 0, 0x14, 0x40, 0, 0, 0,
        0x80, 0x1a, 0x70, 0xb8, 0x41, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x40,
        /* as much as there can be */
        2, 0x22, 0x22, 0x22, 0x22, 12, 0, 0, 0, 0x80, 0x74, 0xd2, 0x0a, 0x42, 0,
        0, 0, 0, 0xd0, 0x12, 0x63, 0x41,
        /* a minute, its number, a list of two and a bitmap */
        6, 0x33, 0x33, 0x33, 0x33, 0, 0, 0, 0, 0x38, 0x9c, 0x8c, 0x41, 0, 0, 0,
        0, 0, 0, 0x1c, 0x40, 2, 255, 4, 0x5a, 0x5a, 0x5a, 0x5a, 48};
    static const uint8_t rest[] = {7, 0x44, 0x44, 0x44, 0x44, 0,   0,   0, 0, 0,
                                   0, 0,    0x40, 3,    'x',  'y', 'z', 8, 0, '1'};
    fraud_delta_t delta = make_delta();
    fraud_store_argument_t a;
    uint8_t bytes[256];
    size_t i;

    (void)unused;
    fraud_store_begin(&a, bytes, sizeof(bytes), 1);
    for (i = 0; i < N(ops); i++) {
        fraud_store_merge(&a, ops[i], &delta);
    }
    assert_int_equal(fraud_store_end(&a), FRAUD_OK);
    assert_int_equal(a.buf.len, sizeof(want) + 48 + sizeof(rest));
    assert_memory_equal(a.buf.data, want, sizeof(want));
    for (i = 0; i < 48; i++) {
        assert_int_equal(a.buf.data[sizeof(want) + i], 0x5a);
    }
    assert_memory_equal(a.buf.data + sizeof(want) + 48, rest, sizeof(rest));
}

/* Nothing to fold in, and what is no set or no bytes: only read. */
static void empty_merges(void **unused) {
    fraud_delta_t delta;
    fraud_store_argument_t a;
    fraud_op_call_t call = make_call(0, 1, NULL);
    uint8_t bytes[64];
    size_t i;

    (void)unused;
    memset(&delta, 0, sizeof(delta));
    delta.unsent = 5;
    delta.age_us = 1;
    delta.distinct.window = 9;
    delta.distinct.n[0] = 25;
    delta.distinct.n[1] = 254;
    delta.swap.len = 33;
    fraud_store_begin(&a, bytes, sizeof(bytes), UINT32_MAX);
    for (i = 0; i < N(ops); i++) {
        fraud_store_merge(&a, ops[i], &delta);
    }
    /* the answer is what is there before the calls */
    fraud_store_call(&a, &rate, &call);
    call.charge = 1;
    fraud_store_call(&a, &rate, &call);
    assert_int_equal(fraud_store_end(&a), FRAUD_OK);
    assert_int_equal(a.buf.len, 4 + 1 + 38 + 1 + 10);
    assert_memory_equal(a.buf.data, "\x00\xca\x9a\x3b\x08\x01", 6);
    assert_memory_equal(a.buf.data + 4 + 1 + 38, "\0" "1000000000", 11);

    fraud_store_begin(&a, bytes, sizeof(bytes), 0);
    fraud_store_call(&a, &rate, &call);
    fraud_store_merge(&a, &rate, &delta);
    assert_int_equal(fraud_store_end(&a), FRAUD_EINVAL);

    /* once comes first, and with merges only */
    fraud_store_begin(&a, bytes, sizeof(bytes), 1);
    fraud_store_once(&a, &rate);
    fraud_store_merge(&a, &rate, &delta);
    assert_int_equal(fraud_store_end(&a), FRAUD_OK);
    assert_memory_equal(a.buf.data + 4, "\x09", 1);

    fraud_store_begin(&a, bytes, sizeof(bytes), 1);
    fraud_store_merge(&a, &rate, &delta);
    fraud_store_once(&a, &rate);
    assert_int_equal(fraud_store_end(&a), FRAUD_EINVAL);

    fraud_store_begin(&a, bytes, sizeof(bytes), 1);
    fraud_store_once(&a, &rate);
    fraud_store_call(&a, &rate, &call);
    assert_int_equal(fraud_store_end(&a), FRAUD_EINVAL);
}

/* As a number and in decimal, at most 10^9. */
static void times_to_live(void **unused) {
    static const struct {
        uint32_t ttl, number;
        const char *decimal;
    } cases[] = {
        {0, 0, "0"},
        {1, 1, "1"},
        {21610, 21610, "21610"},
        {1000000000, 1000000000, "1000000000"},
        {1000000001, 1000000000, "1000000000"},
        {UINT32_MAX, 1000000000, "1000000000"},
    };
    fraud_store_argument_t a;
    uint8_t bytes[15], want[5] = {0};
    unsigned i, j;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        fraud_store_begin(&a, bytes, sizeof(bytes), cases[i].ttl);
        assert_int_equal(fraud_store_end(&a), FRAUD_OK);
        assert_int_equal(a.buf.len, sizeof(want) + strlen(cases[i].decimal));
        for (j = 0; j < 4; j++) {
            want[j] = (uint8_t)(cases[i].number >> 8 * j);
        }
        assert_memory_equal(bytes, want, sizeof(want));
        assert_memory_equal(bytes + sizeof(want), cases[i].decimal,
                            strlen(cases[i].decimal));
    }
}

/* At every size the bytes fit or the end says so. */
static void argument_sizes(void **unused) {
    fraud_delta_t delta = make_delta();
    fraud_store_argument_t a;
    fraud_op_call_t call = make_call(1, 1, "0123456789abcdefghijklmnopqrstuvw");
    size_t size, i;
    uint8_t *bytes;

    (void)unused;
    for (size = 0; size < 400; size++) {
        bytes = malloc(size + (size == 0));
        assert_non_null(bytes);
        fraud_store_begin(&a, bytes, size, 60);
        for (i = 0; i < N(ops); i++) {
            fraud_store_merge(&a, ops[i], &delta);
        }
        for (i = 0; i < N(ops); i++) {
            fraud_store_call(&a, ops[i], &call);
        }
        assert_int_equal(fraud_store_end(&a),
                         size < 285 ? FRAUD_ELIMIT : FRAUD_OK);
        free(bytes);
    }
}

/* As many of the longest as there may be fit, one more is too many. */
static void argument_most(void **unused) {
    static uint8_t bytes[FRAUD_STORE_MAX_ARGUMENT];
    fraud_delta_t delta = make_delta();
    fraud_store_argument_t a;
    unsigned i;

    (void)unused;
    delta.distinct.n[0] = FRAUD_DISTINCT_BITMAP;
    fraud_store_begin(&a, bytes, sizeof(bytes), 60);
    for (i = 0; i < FRAUD_STORE_MAX_OPS; i++) {
        fraud_store_merge(&a, &agents, &delta);
    }
    assert_int_equal(fraud_store_end(&a), FRAUD_OK);
    fraud_store_begin(&a, bytes, sizeof(bytes), 60);
    for (i = 0; i <= FRAUD_STORE_MAX_OPS; i++) {
        fraud_store_merge(&a, &rate, &delta);
    }
    assert_int_equal(fraud_store_end(&a), FRAUD_ELIMIT);
}

/* At T0: a minute's cost, 80 points, two agents now and one before, "ab". */
static const uint8_t answer[] = {
    0x00, 0x9a, 0x80, 0x1a, 0x24, 0x0a, 0x06, 0, 0, 0, 0, 0,
    /* an unknown one first */
    0x99, 0x99, 0x99, 0x99, 3, 1, 2, 3,
    /* gcra */
    0x11, 0x11, 0x11, 0x11, 16, 0x00, 0x9a, 0x80, 0x1a, 0x24, 0x0a, 0x06, 0,
    0x00, 0x87, 0x93, 0x03, 0, 0, 0, 0,
    /* decay */
    0x22, 0x22, 0x22, 0x22, 12, 0x00, 0x9a, 0x80, 0x1a, 0x24, 0x0a, 0x06, 0,
    0x80, 0x38, 0x01, 0,
    /* distinct */
    0x33, 0x33, 0x33, 0x33, 16, 0x16, 0x55, 0xb0, 0x01, 0, 0, 0, 0, 2, 1, 1, 0,
    2, 0, 3, 0,
    /* swap */
    0x44, 0x44, 0x44, 0x44, 10, 0x00, 0x9a, 0x80, 0x1a, 0x24, 0x0a, 0x06, 0,
    'a', 'b'};

static void called(void **unused) {
    fraud_store_answer_t s;
    fraud_op_call_t call;
    uint64_t debt;

    (void)unused;
    assert_int_equal(fraud_store_answer(&s, answer, sizeof(answer)), FRAUD_OK);
    assert_int_equal(s.now_us, T0);
    assert_int_equal(s.missing, 0);

    /* each answer is that of the state as the calls before it left it */
    call = make_call(1, 5, NULL);
    assert_int_equal(fraud_store_called(&s, &rate, &call, &debt), FRAUD_OK);
    assert_int_equal(call.over, 0);
    assert_int_equal(call.value, 6 * MINUTE);
    assert_int_equal(debt, 6 * MINUTE);
    assert_int_equal(fraud_store_called(&s, &rate, &call, &debt), FRAUD_OK);
    assert_int_equal(call.over, 1);
    assert_int_equal(call.retry_us, MINUTE);
    assert_int_equal(call.value, 6 * MINUTE);
    assert_int_equal(debt, 6 * MINUTE);

    call = make_call(0, 5, NULL);
    assert_int_equal(fraud_store_called(&s, &points, &call, &debt), FRAUD_OK);
    assert_int_equal(call.value, 80000);
    assert_int_equal(debt, 0);
    call.charge = 1;
    assert_int_equal(fraud_store_called(&s, &points, &call, &debt), FRAUD_OK);
    assert_int_equal(call.value, 80005);

    call = make_call(1, 9, NULL);
    assert_int_equal(fraud_store_called(&s, &agents, &call, &debt), FRAUD_OK);
    assert_int_equal(call.value, 4);

    call = make_call(1, 0, "c");
    assert_int_equal(fraud_store_called(&s, &place, &call, &debt), FRAUD_OK);
    assert_int_equal(call.before->len, 2);
    assert_memory_equal(call.before->bytes, "ab", 3);
    assert_int_equal(fraud_store_called(&s, &place, &call, &debt), FRAUD_OK);
    assert_int_equal(call.before->len, 1);
}

/* Written by a clock a second ahead: that second's drain is in the debt. */
static void called_early(void **unused) {
    uint8_t bytes[sizeof(answer)];
    fraud_store_answer_t s;
    fraud_op_call_t call = make_call(0, 1, NULL);
    fraud_delta_t d;
    uint64_t debt;

    (void)unused;
    memcpy(bytes, answer, sizeof(bytes));
    bytes[0] = 0xc0;
    bytes[1] = 0x57;
    bytes[2] = 0x71;
    assert_int_equal(fraud_store_answer(&s, bytes, sizeof(bytes)), FRAUD_OK);
    assert_int_equal(s.now_us, T0 - SECOND);
    assert_int_equal(fraud_store_merged(&s, &rate, &d), FRAUD_OK);
    assert_int_equal(d.gcra.least, MINUTE + 5 * SECOND);
    assert_int_equal(fraud_store_called(&s, &rate, &call, &debt), FRAUD_OK);
    assert_int_equal(call.value, MINUTE + 5 * SECOND);
    assert_int_equal(debt, MINUTE + 5 * SECOND);
}

static void merged(void **unused) {
    fraud_store_answer_t s;
    fraud_delta_t d;
    unsigned i;

    (void)unused;
    assert_int_equal(fraud_store_answer(&s, answer, sizeof(answer)), FRAUD_OK);
    for (i = 0; i < 2; i++) {
        assert_int_equal(fraud_store_merged(&s, &rate, &d), FRAUD_OK);
        assert_int_equal(d.gcra.least, MINUTE);
        assert_int_equal(d.unsent, 0);
        assert_int_equal(fraud_store_merged(&s, &points, &d), FRAUD_OK);
        assert_int_equal(d.decay, 80000);
        assert_int_equal(fraud_store_merged(&s, &agents, &d), FRAUD_OK);
        assert_int_equal(d.distinct.window, T0 / MINUTE);
        assert_int_equal(d.distinct.n[0], 2);
        assert_int_equal(d.distinct.n[1], 1);
        assert_int_equal(d.distinct.set[1][0], 3);
        assert_int_equal(d.unsent, 0);
        assert_int_equal(fraud_store_merged(&s, &place, &d), FRAUD_OK);
        assert_int_equal(d.swap.len, 2);
        assert_int_equal(d.age_us, 0);
    }
}

/* Cut off anywhere it is no answer, or one that lacks what was cut off. */
static void truncated(void **unused) {
    static const size_t ends[] = {41, 58, 79, 94};
    fraud_store_answer_t s;
    fraud_delta_t d;
    uint8_t *bytes;
    size_t len, i;
    int there;

    (void)unused;
    assert_int_equal(sizeof(answer), 94);
    for (len = 0; len <= sizeof(answer); len++) {
        bytes = malloc(len + (len == 0));
        assert_non_null(bytes);
        memcpy(bytes, answer, len);
        assert_int_equal(fraud_store_answer(&s, bytes, len),
                         len < 12 ? FRAUD_EINVAL : FRAUD_OK);
        for (i = 0; len >= 12 && i < N(ops); i++) {
            assert_int_equal(fraud_store_merged(&s, ops[i], &d), FRAUD_OK);
            there = d.gcra.least != 0 || d.decay != 0 || d.distinct.n[0] != 0 ||
                    d.swap.len != 0;
            assert_int_equal(there, len >= ends[i]);
        }
        free(bytes);
    }
}

static void answer_limits(void **unused) {
    static uint8_t bytes[FRAUD_STORE_MAX_ANSWER + 1];
    fraud_store_answer_t s;

    (void)unused;
    assert_int_equal(fraud_store_answer(&s, bytes, sizeof(bytes)),
                     FRAUD_EINVAL);
    assert_int_equal(fraud_store_answer(&s, bytes, sizeof(bytes) - 1),
                     FRAUD_OK);
    bytes[7] = 1;
    assert_int_equal(fraud_store_answer(&s, bytes, 12), FRAUD_OK);
    assert_int_equal(s.missing, 1);
    bytes[7] = 2;
    assert_int_equal(fraud_store_answer(&s, bytes, 12), FRAUD_EINVAL);
    bytes[7] = 0;
    memset(bytes, 0xff, 6);
    bytes[6] = 0x0f;
    assert_int_equal(fraud_store_answer(&s, bytes, 12), FRAUD_OK);
    assert_int_equal(s.now_us, FRAUD_OP_MAX - 1);
    bytes[6] = 0x10;
    assert_int_equal(fraud_store_answer(&s, bytes, 12), FRAUD_EINVAL);
}

/* A slot of another length than its op's is empty. */
static void bad_slots(void **unused) {
    static const struct {
        unsigned op;
        uint8_t len, n[2];
        int good;
    } cases[] = {
        {0, 15, {0, 0}, 0},    {0, 16, {0, 0}, 1},   {0, 17, {0, 0}, 0},
        {1, 11, {0, 0}, 0},    {1, 12, {0, 0}, 1},   {1, 13, {0, 0}, 0},
        {2, 9, {0, 0}, 0},     {2, 12, {1, 0}, 1},   {2, 12, {0, 1}, 1},
        {2, 11, {1, 0}, 0},    {2, 13, {1, 0}, 0},   {2, 12, {1, 1}, 0},
        {2, 58, {24, 0}, 1},   {2, 60, {25, 0}, 0},  {2, 60, {0, 25}, 0},
        {2, 58, {255, 0}, 1},  {2, 60, {1, 255}, 1}, {2, 106, {255, 255}, 1},
        {2, 106, {24, 24}, 1}, {2, 10, {254, 0}, 0}, {2, 10, {0, 254}, 0},
        {2, 9, {254, 0}, 0},   {3, 0, {0, 0}, 0},    {3, 8, {0, 0}, 0},
        {3, 9, {0, 0}, 1},     {3, 40, {0, 0}, 1},   {3, 41, {0, 0}, 0},
        {3, 255, {0, 0}, 0},
    };
    fraud_store_answer_t s;
    fraud_delta_t d;
    uint8_t *bytes;
    size_t i;
    int there;

    (void)unused;
    for (i = 0; i < N(cases); i++) {
        bytes = malloc(17 + (size_t)cases[i].len);
        assert_non_null(bytes);
        memset(bytes, 1, 17 + (size_t)cases[i].len);
        memcpy(bytes, answer, 12);
        memset(bytes + 12, (int)(ops[cases[i].op]->tag & 0xff), 4);
        bytes[16] = cases[i].len;
        if (cases[i].op != 3 && cases[i].len >= 8) {
            memcpy(bytes + 17, answer, 7);
            bytes[24] = 0;
        }
        if (cases[i].op == 2 && cases[i].len >= 10) {
            bytes[25] = cases[i].n[0];
            bytes[26] = cases[i].n[1];
        }
        if (cases[i].op == 3 && cases[i].len >= 8) {
            bytes[24] = 0;
        }
        assert_int_equal(
            fraud_store_answer(&s, bytes, 17 + (size_t)cases[i].len), FRAUD_OK);
        assert_int_equal(fraud_store_merged(&s, ops[cases[i].op], &d),
                         FRAUD_OK);
        there = d.gcra.least != 0 || d.decay != 0 || d.distinct.n[0] != 0 ||
                d.distinct.n[1] != 0 || d.swap.len != 0;
        assert_int_equal(there, cases[i].good);
        free(bytes);
    }
}

/* There is room for the slots of so many ops, and for no more. */
static void answer_ops(void **unused) {
    fraud_store_answer_t s;
    fraud_op_call_t call;
    fraud_op_t op = rate;
    fraud_delta_t d;
    uint64_t debt;
    unsigned i;

    (void)unused;
    assert_int_equal(fraud_store_answer(&s, answer, sizeof(answer)), FRAUD_OK);
    for (i = 0; i < FRAUD_STORE_MAX_OPS; i++) {
        op.tag = 1 + i;
        call = make_call(1, 1, NULL);
        assert_int_equal(fraud_store_called(&s, &op, &call, &debt), FRAUD_OK);
        assert_int_equal(debt, MINUTE);
    }
    assert_int_equal(fraud_store_called(&s, &op, &call, &debt), FRAUD_OK);
    assert_int_equal(debt, 2 * MINUTE);
    op.tag++;
    assert_int_equal(fraud_store_called(&s, &op, &call, &debt), FRAUD_ELIMIT);
    assert_int_equal(debt, 0);
    assert_int_equal(fraud_store_merged(&s, &op, &d), FRAUD_ELIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key),
        cmocka_unit_test(arguments),
        cmocka_unit_test(merge_arguments),
        cmocka_unit_test(empty_merges),
        cmocka_unit_test(times_to_live),
        cmocka_unit_test(argument_sizes),
        cmocka_unit_test(argument_most),
        cmocka_unit_test(called),
        cmocka_unit_test(called_early),
        cmocka_unit_test(merged),
        cmocka_unit_test(truncated),
        cmocka_unit_test(answer_limits),
        cmocka_unit_test(bad_slots),
        cmocka_unit_test(answer_ops),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
