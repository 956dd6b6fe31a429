/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_keys.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define HEAD "fraud-keys 1 20414 86400 "
#define A "000102030405060708090a0b0c0d0e0f"
#define B "f0e0d0c0b0a090807060504030201000"
#define ZERO "00000000000000000000000000000000"

static const char two[] = HEAD "2\naddress " A "\nlog.address " B "\n";

static fraud_str_t str(const char *text) {
    fraud_str_t s = {(const uint8_t *)text, strlen(text)};

    return s;
}

/* At the end of its memory, so that no byte behind it is read. */
static char *exact_copy(const char *text, size_t len) {
    char *exact = malloc(len != 0 ? len : 1);

    assert_non_null(exact);
    memcpy(exact, text, len);
    return exact;
}

static fraud_rc parse(const char *text, size_t len, fraud_err_t *err) {
    char *exact = exact_copy(text, len);
    fraud_keys_t keys;
    fraud_rc rc = fraud_keys_parse(&keys, exact, len, err);

    free(exact);
    return rc;
}

static void is_read(void **state) {
    static const uint8_t a[] = {0, 1, 2,  3,  4,  5,  6,  7,
                                8, 9, 10, 11, 12, 13, 14, 15};
    char *exact = exact_copy(two, sizeof(two) - 1);
    const char *at;
    fraud_pid_key_t key;
    fraud_str_t domain;
    fraud_keys_t keys;
    fraud_err_t err;

    (void)state;
    assert_int_equal(fraud_keys_parse(&keys, exact, sizeof(two) - 1, &err),
                     FRAUD_OK);
    assert_int_equal(keys.epoch, 20414);
    assert_int_equal(keys.length, 86400);
    assert_int_equal(keys.n, 2);
    at = keys.lines;
    assert_true(fraud_keys_next(&keys, &at, &domain, &key));
    assert_int_equal(domain.len, 7);
    assert_memory_equal(domain.data, "address", 7);
    assert_memory_equal(key.bytes, a, sizeof(a));
    assert_true(fraud_keys_next(&keys, &at, &domain, &key));
    assert_int_equal(domain.len, 11);
    assert_memory_equal(domain.data, "log.address", 11);
    assert_int_equal(key.bytes[0], 0xf0);
    assert_int_equal(key.bytes[15], 0);
    assert_false(fraud_keys_next(&keys, &at, &domain, &key));
    assert_int_equal(fraud_keys_find(&keys, str("address"), &key), FRAUD_OK);
    assert_memory_equal(key.bytes, a, sizeof(a));
    assert_int_equal(fraud_keys_find(&keys, str("log.address"), &key),
                     FRAUD_OK);
    assert_int_equal(key.bytes[1], 0xe0);
    free(exact);
}

static void is_not_found(void **state) {
    static const char *const names[] = {"",    "addres", "addresss",
                                        "log", "z",      "Address"};
    static const fraud_pid_key_t zero = {{0}};
    char *exact = exact_copy(two, sizeof(two) - 1);
    fraud_pid_key_t key;
    fraud_keys_t keys;
    fraud_err_t err;
    size_t i;

    (void)state;
    assert_int_equal(fraud_keys_parse(&keys, exact, sizeof(two) - 1, &err),
                     FRAUD_OK);
    for (i = 0; i < N(names); i++) {
        memset(&key, 1, sizeof(key));
        assert_int_equal(fraud_keys_find(&keys, str(names[i]), &key),
                         FRAUD_NOTFOUND);
        assert_memory_equal(&key, &zero, sizeof(key));
    }
    free(exact);
}

/* What is refused, and in which line. */
static void is_refused(void **state) {
    static const struct {
        const char *text;
        size_t line;
    } bad[] = {
        {"", 1},
        {"\n", 1},
        {"fraud-keys 1 20414 86400 0", 1},
        {"fraud-keys 2 20414 86400 0\n", 1},
        {"fraud-key 1 20414 86400 0\n", 1},
        {" fraud-keys 1 20414 86400 0\n", 1},
        {"fraud-keys 1 20414 86400\n", 1},
        {"fraud-keys 1 20414 86400 0 \n", 1},
        {"fraud-keys 1 20414 86400 0\r\n", 1},
        {"fraud-keys 1  20414 86400 0\n", 1},
        {"fraud-keys 1 020414 86400 0\n", 1},
        {"fraud-keys 1 -1 86400 0\n", 1},
        {"fraud-keys 1 20414 0 0\n", 1},
        {"fraud-keys 1 20414 2592001 0\n", 1},
        {"fraud-keys 1 1099511627776 1 0\n", 1},
        {"fraud-keys 1 99999999999999999999999 1 0\n", 1},
        {"fraud-keys 1 20414 86400 513\n", 1},
        {HEAD "1\n", 2},
        {HEAD "0\naddress " A "\n", 2},
        {HEAD "1\naddress " A, 2},
        {HEAD "1\naddress " A " \n", 2},
        {HEAD "1\naddress " A "0\n", 2},
        {HEAD "1\naddress  " A "\n", 2},
        {HEAD "1\naddress\t" A "\n", 2},
        {HEAD "1\n address " A "\n", 2},
        {HEAD "1\n " A "\n", 2},
        {HEAD "1\n" A "\n", 2},
        {HEAD "1\naddr/ess " A "\n", 2},
        {HEAD "1\n\n", 2},
        {HEAD "1\naddress 000102030405060708090a0b0c0d0e0\n", 2},
        {HEAD "1\naddress 000102030405060708090a0b0c0d0e0g\n", 2},
        {HEAD "1\naddress 000102030405060708090A0b0c0d0e0f\n", 2},
        {HEAD "1\naddress " ZERO "\n", 2},
        {HEAD "1\naddress " A "\n\n", 3},
        {HEAD "1\naddress " A "\nlog.address " B "\n", 3},
        {HEAD "2\naddress " A "\n", 3},
        {HEAD "2\naddress " A "\naddress " B "\n", 3},
        {HEAD "2\nlog.address " A "\naddress " B "\n", 3},
        {HEAD "2\naddressx " A "\naddress " B "\n", 3},
        {HEAD "2\naddress " A "\nlog.address " ZERO "\n", 3},
    };
    fraud_err_t err;
    size_t i;

    (void)state;
    for (i = 0; i < N(bad); i++) {
        memset(&err, 0xff, sizeof(err));
        assert_int_equal(parse(bad[i].text, strlen(bad[i].text), &err),
                         FRAUD_EINVAL);
        assert_int_equal(err.line, bad[i].line);
        assert_int_equal(err.at, 0);
        assert_true(strlen(err.why) > 5);
        assert_null(strstr(err.why, "0001"));
    }
    assert_int_equal(parse(HEAD "0\n", sizeof(HEAD "0\n") - 1, &err), FRAUD_OK);
}

/* Every beginning of a file, and every one with a byte changed to NUL. */
static void half_is_none(void **state) {
    char text[sizeof(two)];
    fraud_err_t err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(two) - 1; i++) {
        assert_int_equal(parse(two, i, &err), FRAUD_EINVAL);
        memcpy(text, two, sizeof(two));
        text[i] = '\0';
        assert_int_equal(parse(text, sizeof(two) - 1, &err), FRAUD_EINVAL);
    }
}

static void domains(void **state) {
    static const char *const good[] = {"a", "log.a", "pair.x_Y", "p:1-2", "9"};
    static const char *const bad[] = {"",    " ",    "a b",     "a/b",
                                      "a\n", "\x80", "\xc3\xa4"};
    char text[FRAUD_PID_DOMAIN_MAX + 1];
    size_t i;

    (void)state;
    for (i = 0; i < N(good); i++) {
        assert_true(fraud_keys_is_domain(good[i], strlen(good[i])));
    }
    for (i = 0; i < N(bad); i++) {
        assert_false(fraud_keys_is_domain(bad[i], strlen(bad[i])));
    }
    memset(text, 'a', sizeof(text));
    assert_true(fraud_keys_is_domain(text, FRAUD_PID_DOMAIN_MAX));
    assert_false(fraud_keys_is_domain(text, FRAUD_PID_DOMAIN_MAX + 1));
}

static void names(void **state) {
    static const char *const bad[] = {
        "",        "keys",    ".keys",      "1.key", "1.keys ",
        "01.keys", "-1.keys", "1.keys.new", "1",     "1099511627776.keys",
        " 1.keys"};
    static const uint64_t numbers[] = {0, 1, 20414, FRAUD_KEYS_MAX_EPOCH};
    char name[FRAUD_KEYS_NAME_SIZE];
    uint64_t epoch;
    size_t i;

    (void)state;
    for (i = 0; i < N(numbers); i++) {
        fraud_keys_name(name, numbers[i]);
        assert_int_equal(fraud_keys_parse_name(&epoch, name), FRAUD_OK);
        assert_int_equal(epoch, numbers[i]);
    }
    fraud_keys_name(name, 20414);
    assert_string_equal(name, "20414.keys");
    for (i = 0; i < N(bad); i++) {
        assert_int_equal(fraud_keys_parse_name(&epoch, bad[i]), FRAUD_EINVAL);
    }
}

/* The largest file there is: written, read, and of the size that is stated. */
static void round_trip(void **state) {
    uint8_t *text = malloc(FRAUD_KEYS_MAX_BYTES);
    char name[FRAUD_PID_DOMAIN_MAX + 1];
    fraud_pid_key_t key, back;
    fraud_str_t domain;
    fraud_keys_t keys;
    fraud_err_t err;
    fraud_buf_t buf;
    const char *at;
    unsigned i;

    (void)state;
    assert_non_null(text);
    fraud_buf_init(&buf, text, FRAUD_KEYS_MAX_BYTES);
    fraud_keys_begin(&buf, FRAUD_KEYS_MAX_EPOCH, FRAUD_KEYS_MAX_LENGTH,
                     FRAUD_KEYS_MAX);
    for (i = 0; i < FRAUD_KEYS_MAX; i++) {
        memset(&key, (int)(i % 255 + 1), sizeof(key));
        memset(name, 'a', sizeof(name));
        (void)snprintf(name + FRAUD_PID_DOMAIN_MAX - 4, 5, "%04u", i);
        fraud_keys_add(&buf, str(name), &key);
    }
    assert_false(buf.full);
    assert_int_equal(fraud_keys_parse(&keys, (char *)text, buf.len, &err),
                     FRAUD_OK);
    assert_true(keys.epoch == FRAUD_KEYS_MAX_EPOCH);
    assert_int_equal(keys.length, FRAUD_KEYS_MAX_LENGTH);
    assert_int_equal(keys.n, FRAUD_KEYS_MAX);
    at = keys.lines;
    for (i = 0; i < FRAUD_KEYS_MAX; i++) {
        memset(&key, (int)(i % 255 + 1), sizeof(key));
        assert_true(fraud_keys_next(&keys, &at, &domain, &back));
        assert_int_equal(domain.len, FRAUD_PID_DOMAIN_MAX);
        assert_memory_equal(&back, &key, sizeof(key));
    }
    assert_false(fraud_keys_next(&keys, &at, &domain, &back));
    free(text);
}

static void memory(void **state) {
    static const size_t sizes[] = {1, 15, 16, 17, 4096, 5000};
    uint8_t *p;
    size_t i, k;

    (void)state;
    for (i = 0; i < N(sizes); i++) {
        p = fraud_pid_memory_new(sizes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (k = 0; k < sizes[i]; k++) {
            assert_int_equal(p[k], 0);
        }
        memset(p, 1, sizes[i]);
        (void)fraud_pid_memory_lock(p, sizes[i]);
        fraud_pid_memory_free(p);
    }
    assert_null(fraud_pid_memory_new(SIZE_MAX));
    fraud_pid_memory_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read),    cmocka_unit_test(is_not_found),
        cmocka_unit_test(is_refused), cmocka_unit_test(half_is_none),
        cmocka_unit_test(domains),    cmocka_unit_test(names),
        cmocka_unit_test(round_trip), cmocka_unit_test(memory),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
