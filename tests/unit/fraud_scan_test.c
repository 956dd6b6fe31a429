/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_scan.h"
#include "failmem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define MAX_STRINGS 64
#define MAX_LEN 8

typedef struct {
    uint8_t text[MAX_LEN];
    size_t len;
    uint32_t id;
} string_t;

static uint64_t random_state;

static unsigned any(unsigned n) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

static fraud_scan_t *scan_new(void) {
    fraud_scan_t *scan = NULL;

    assert_int_equal(fraud_scan_new(&scan, NULL), FRAUD_OK);
    return scan;
}

static void add(fraud_scan_t *scan, const char *text, uint32_t id) {
    assert_int_equal(
        fraud_scan_add(scan, (const uint8_t *)text, strlen(text), id),
        FRAUD_OK);
}

static void build(fraud_scan_t *scan) {
    assert_int_equal(fraud_scan_build(scan), FRAUD_OK);
}

/* Look in a copy that ends where its memory does. Ids below 64, as bits. */
static uint64_t find(fraud_scan_t *scan, const uint8_t *data, size_t len) {
    const uint32_t *ids;
    uint8_t *exact = malloc(len != 0 ? len : 1);
    uint64_t found = 0;
    size_t i, n;

    assert_non_null(exact);
    memcpy(exact, data, len);
    n = fraud_scan_find(scan, exact, len, &ids);
    free(exact);
    for (i = 0; i < n; i++) {
        assert_true(ids[i] < 64);
        assert_true((found >> ids[i] & 1) == 0);
        found |= (uint64_t)1 << ids[i];
    }
    return found;
}

static uint64_t find_text(fraud_scan_t *scan, const char *text) {
    return find(scan, (const uint8_t *)text, strlen(text));
}

static void test_find(void **state) {
    static const char *const strings[] = {"he", "she", "his", "hers", "e"};
    static const struct {
        const char *text;
        uint64_t found;
    } cases[] = {
        {"", 0},
        {"h", 0},
        {"xyz", 0},
        {"he", 0x11},
        {"she", 0x13},
        {"ushers", 0x1b},
        {"HIS", 0x04},
        {"hi s", 0},
        {"sHE", 0x13},
        {"hishers", 0x1f},
        {"hhhhhis", 0x04},
        {"her", 0x11},
        {"....e....", 0x10},
    };
    fraud_scan_t *scan = scan_new();
    const uint32_t *ids;
    uint32_t i;

    (void)state;
    for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        add(scan, strings[i], i);
    }
    build(scan);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(find_text(scan, cases[i].text), cases[i].found);
    }
    assert_int_equal(fraud_scan_find(scan, NULL, 0, &ids), 0);
    assert_true(fraud_scan_bytes(scan) > 0);
    fraud_scan_free(scan);
    fraud_scan_free(NULL);
}

static void test_shared_ids(void **state) {
    fraud_scan_t *scan = scan_new();

    (void)state;
    add(scan, "Foo", 1);
    add(scan, "foo", 2);
    add(scan, "foo", 2);
    add(scan, "bar", 2);
    add(scan, "foobar", 3);
    build(scan);
    assert_int_equal(find_text(scan, "foo"), 0x06);
    assert_int_equal(find_text(scan, "bar bar"), 0x04);
    assert_int_equal(find_text(scan, "xfoobarfoo"), 0x0e);
    fraud_scan_free(scan);
}

static void test_any_byte(void **state) {
    static const uint8_t odd[] = {0, 255, 128, 'Z', 0};
    static const uint8_t text[] = {9, 0, 255, 128, 'z', 0, 7};
    fraud_scan_t *scan = scan_new();
    uint8_t c;
    unsigned i;

    (void)state;
    assert_int_equal(fraud_scan_add(scan, odd, sizeof(odd), 1), FRAUD_OK);
    build(scan);
    assert_int_equal(find(scan, text, sizeof(text)), 2);
    assert_int_equal(find(scan, text, 5), 0);
    fraud_scan_free(scan);

    /* as many columns as there can be; 'A' is 'a', '@' is not '`' */
    scan = scan_new();
    for (i = 0; i < 256; i++) {
        c = (uint8_t)i;
        assert_int_equal(fraud_scan_add(scan, &c, 1, i % 64), FRAUD_OK);
    }
    build(scan);
    for (i = 0; i < 256; i++) {
        c = (uint8_t)i;
        assert_true(find(scan, &c, 1) >> i % 64 & 1);
    }
    fraud_scan_free(scan);
    scan = scan_new();
    add(scan, "@[", 0);
    build(scan);
    assert_int_equal(find_text(scan, "`{ @{ `["), 0);
    assert_int_equal(find_text(scan, "@@["), 1);
    fraud_scan_free(scan);
}

static void test_empty(void **state) {
    fraud_scan_t *scan = scan_new();

    (void)state;
    build(scan);
    assert_int_equal(find_text(scan, "anything"), 0);
    fraud_scan_free(scan);
}

static void test_bounds(void **state) {
    static uint8_t text[FRAUD_SCAN_MAX_BYTES / 8 + 1];
    fraud_scan_t *scan = scan_new();
    size_t i;

    (void)state;
    assert_int_equal(fraud_scan_add(scan, text, 0, 1), FRAUD_EINVAL);
    assert_int_equal(fraud_scan_add(scan, text, 1, FRAUD_SCAN_MAX_ID + 1),
                     FRAUD_ELIMIT);
    assert_int_equal(fraud_scan_add(scan, text, sizeof(text), 1), FRAUD_ELIMIT);
    for (i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t)(i % 3);
    }
    /* within the bound for two columns; there are four */
    assert_int_equal(fraud_scan_add(scan, text, sizeof(text) - 1, 1), FRAUD_OK);
    assert_int_equal(fraud_scan_build(scan), FRAUD_ELIMIT);
    fraud_scan_free(scan);
}

static int equal_folded(uint8_t a, uint8_t b) {
    a = a >= 'A' && a <= 'Z' ? (uint8_t)(a + 32) : a;
    b = b >= 'A' && b <= 'Z' ? (uint8_t)(b + 32) : b;
    return a == b;
}

static uint64_t find_slowly(const string_t *strings, size_t n,
                            const uint8_t *data, size_t len) {
    uint64_t found = 0;
    size_t i, j, k;

    for (i = 0; i < n; i++) {
        for (j = 0; j + strings[i].len <= len; j++) {
            for (k = 0; k < strings[i].len &&
                        equal_folded(strings[i].text[k], data[j + k]);
                 k++) {
            }
            if (k == strings[i].len) {
                found |= (uint64_t)1 << strings[i].id;
            }
        }
    }
    return found;
}

/* Few letters, so that strings overlap and are suffixes of each other. */
static void test_against_naive(void **state) {
    static const char letters[] = "abABc";
    string_t strings[MAX_STRINGS];
    uint8_t data[100];
    fraud_scan_t *scan;
    unsigned round, i, j, n, len;

    (void)state;
    random_state = 1;
    for (round = 0; round < 1000; round++) {
        scan = scan_new();
        n = 1 + any(MAX_STRINGS);
        for (i = 0; i < n; i++) {
            strings[i].len = 1 + any(MAX_LEN);
            strings[i].id = any(64);
            for (j = 0; j < strings[i].len; j++) {
                strings[i].text[j] = (uint8_t)letters[any(5)];
            }
            assert_int_equal(fraud_scan_add(scan, strings[i].text,
                                            strings[i].len, strings[i].id),
                             FRAUD_OK);
        }
        build(scan);
        for (i = 0; i < 40; i++) {
            len = any(sizeof(data) + 1);
            for (j = 0; j < len; j++) {
                data[j] =
                    any(20) == 0 ? (uint8_t)any(256) : (uint8_t)letters[any(5)];
            }
            assert_int_equal(find(scan, data, len),
                             find_slowly(strings, n, data, len));
        }
        fraud_scan_free(scan);
    }
}

static fraud_rc build_some(fraud_scan_t **scan, const fraud_mem_t *mem) {
    uint8_t text[8] = "literal0";
    fraud_rc rc;
    uint32_t i;

    rc = fraud_scan_new(scan, mem);
    if (rc != FRAUD_OK) {
        return rc;
    }
    for (i = 0; rc == FRAUD_OK && i < 20; i++) {
        text[0] = (uint8_t)('a' + i);
        rc = fraud_scan_add(*scan, text, sizeof(text), i);
    }
    if (rc == FRAUD_OK) {
        rc = fraud_scan_build(*scan);
    }
    if (rc != FRAUD_OK) {
        fraud_scan_free(*scan);
    }
    return rc;
}

static void test_no_memory(void **state) {
    fraud_scan_t *scan = NULL;
    failmem_t fail;
    fraud_rc rc;
    size_t n;

    (void)state;
    for (n = 1;; n++) {
        failmem_init(&fail, n);
        rc = build_some(&scan, &fail.mem);
        if (!fail.failed) {
            break;
        }
        assert_int_equal(rc, FRAUD_ENOMEM);
        assert_int_equal(fail.live, 0);
    }
    assert_int_equal(rc, FRAUD_OK);
    assert_true(n > 10);
    assert_int_equal(find_text(scan, "xfiteral0"), 1u << 5);
    fraud_scan_free(scan);
    assert_int_equal(fail.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),      cmocka_unit_test(test_shared_ids),
        cmocka_unit_test(test_any_byte),  cmocka_unit_test(test_empty),
        cmocka_unit_test(test_bounds),    cmocka_unit_test(test_against_naive),
        cmocka_unit_test(test_no_memory),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
