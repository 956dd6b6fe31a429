/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_memo.h"
#include "failmem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static fraud_memo_t *memo_new(size_t n) {
    fraud_memo_t *memo = NULL;

    assert_int_equal(fraud_memo_new(&memo, NULL, n), FRAUD_OK);
    return memo;
}

/* Three words that differ, made of one number. */
static void put(fraud_memo_t *memo, const void *value, size_t len,
                unsigned number) {
    const fraud_memo_verdict_t verdict = {number, ~(uint64_t)number,
                                          (uint64_t)number << 32};

    fraud_memo_put(memo, value, len, &verdict);
}

/* That number, or -1. */
static int get(const fraud_memo_t *memo, const void *value, size_t len) {
    const fraud_memo_verdict_t *verdict = fraud_memo_get(memo, value, len);

    if (verdict == NULL) {
        return -1;
    }
    assert_int_equal(verdict->hits, ~verdict->known);
    assert_int_equal(verdict->limited, verdict->known << 32);
    return (int)verdict->known;
}

static const uint8_t *text(unsigned i, size_t *len) {
    static char name[16];

    *len = (size_t)snprintf(name, sizeof(name), "value %u", i);
    return (const uint8_t *)name;
}

/* Every length, so every way that the hash ends. */
static void test_lengths(void **state) {
    uint8_t value[FRAUD_MEMO_MAX_LEN + 1] = {0};
    fraud_memo_t *memo = memo_new(4096);
    uint8_t *exact;
    size_t len;

    (void)state;
    for (len = 0; len <= sizeof(value); len++) {
        exact = malloc(len != 0 ? len : 1);
        assert_non_null(exact);
        memset(exact, 0, len);
        assert_int_equal(get(memo, exact, len), -1);
        put(memo, exact, len, (unsigned)(len % 7));
        assert_int_equal(get(memo, exact, len),
                         len > FRAUD_MEMO_MAX_LEN ? -1 : (int)(len % 7));
        free(exact);
    }
    /* one byte makes a difference, wherever it is */
    for (len = 0; len < FRAUD_MEMO_MAX_LEN; len++) {
        value[len] = 1;
        assert_int_equal(get(memo, value, FRAUD_MEMO_MAX_LEN), -1);
        value[len] = 0;
    }
    fraud_memo_free(memo);
    fraud_memo_free(NULL);
}

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

/* Values chosen so that their hashes are equal do not pass for each other. */
static void test_collision(void **state) {
    uint64_t a[2] = {1, 2}, b[2] = {3, 0}, c[2] = {4, 0};
    fraud_memo_t *memo = memo_new(4);

    (void)state;
    b[1] = a[1] ^ mix(sizeof(a), a[0]) ^ mix(sizeof(b), b[0]);
    put(memo, a, sizeof(a), 1);
    assert_int_equal(get(memo, a, sizeof(a)), 1);
    assert_int_equal(get(memo, b, sizeof(b)), -1);
    put(memo, b, sizeof(b), 2);
    assert_int_equal(get(memo, a, sizeof(a)), 1);
    assert_int_equal(get(memo, b, sizeof(b)), 2);
    /* one whose beginning has the hash of the whole */
    c[1] = mix(sizeof(c), c[0]) ^ sizeof(c[0]) ^ c[0];
    put(memo, c, sizeof(c), 3);
    assert_int_equal(get(memo, c, sizeof(c)), 3);
    assert_int_equal(get(memo, c, sizeof(c[0])), -1);
    fraud_memo_free(memo);
}

static void test_bounded(void **state) {
    fraud_memo_t *memo = memo_new(64);
    const uint8_t *value;
    unsigned i, kept = 0;
    size_t len;
    int verdict;

    (void)state;
    for (i = 0; i < 1000; i++) {
        value = text(i, &len);
        put(memo, value, len, (unsigned)(i % 3));
        assert_int_equal(get(memo, value, len), i % 3);
    }
    for (i = 0; i < 1000; i++) {
        value = text(i, &len);
        verdict = get(memo, value, len);
        assert_true(verdict == -1 || verdict == (int)(i % 3));
        kept += verdict != -1;
    }
    assert_int_equal(kept, 64);
    fraud_memo_free(memo);
}

/* Half full, nearly everything is still there: the places are spread. */
static void test_spread(void **state) {
    fraud_memo_t *memo = memo_new(1000);
    const uint8_t *value;
    unsigned i, kept = 0;
    size_t len;

    (void)state;
    for (i = 0; i < 512; i++) {
        value = text(i, &len);
        put(memo, value, len, 0);
    }
    for (i = 0; i < 512; i++) {
        value = text(i, &len);
        kept += get(memo, value, len) == 0;
    }
    assert_true(kept > 400);
    fraud_memo_free(memo);
}

static void test_sizes(void **state) {
    fraud_memo_t *memo = NULL;

    (void)state;
    assert_int_equal(fraud_memo_new(&memo, NULL, FRAUD_MEMO_MAX + 1),
                     FRAUD_ELIMIT);
    memo = memo_new(FRAUD_MEMO_MAX);
    fraud_memo_free(memo);
    memo = memo_new(0);
    put(memo, "a", 1, 5);
    assert_int_equal(get(memo, "a", 1), 5);
    put(memo, "a", 1, 6);
    assert_int_equal(get(memo, "a", 1), 6);
    fraud_memo_free(memo);
}

static void test_no_memory(void **state) {
    fraud_memo_t *memo = NULL;
    failmem_t fail;
    fraud_rc rc;
    size_t n;

    (void)state;
    for (n = 1;; n++) {
        failmem_init(&fail, n);
        rc = fraud_memo_new(&memo, &fail.mem, 16);
        if (!fail.failed) {
            break;
        }
        assert_int_equal(rc, FRAUD_ENOMEM);
        assert_int_equal(fail.live, 0);
    }
    assert_int_equal(rc, FRAUD_OK);
    assert_int_equal(n, 4);
    fraud_memo_free(memo);
    assert_int_equal(fail.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_collision),
        cmocka_unit_test(test_bounded), cmocka_unit_test(test_spread),
        cmocka_unit_test(test_sizes),   cmocka_unit_test(test_no_memory),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
