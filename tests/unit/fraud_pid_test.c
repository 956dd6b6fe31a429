/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_pid.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define BLOCK 384
#define MANY 1000000

static const char longest[] =
    "ninety-six-bytes-ninety-six-bytes-ninety-six-bytes-"
    "ninety-six-bytes-ninety-six-bytes-ninety-six-";

static const size_t lengths[] = {0,   1,   4,   16,  383,  384,
                                 385, 767, 768, 769, 10000};

static uint64_t seed;

/* splitmix64 */
static uint64_t random_u64(void) {
    uint64_t x;

    x = seed += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void random_bytes(void *p, size_t len) {
    uint8_t *bytes = p;

    while (len-- > 0) {
        *bytes++ = (uint8_t)random_u64();
    }
}

/* The key of the SipHash paper's vectors, 00 01 02 ... 0f. */
static const fraud_pid_key_t *counting_key(void) {
    static fraud_pid_key_t key;
    unsigned i;

    for (i = 0; i < sizeof(key.bytes); i++) {
        key.bytes[i] = (uint8_t)i;
    }
    return &key;
}

static fraud_str_t str(const char *text) {
    fraud_str_t s;

    s.data = (const uint8_t *)text;
    s.len = strlen(text);
    return s;
}

/* Memory that ends where the data do. */
static fraud_pid_t make(const fraud_pid_key_t *key, const char *domain,
                        const void *data, size_t len) {
    uint8_t *exact = malloc(len != 0 ? len : 1);
    fraud_pid_t pid;

    assert_non_null(exact);
    if (len != 0) {
        memcpy(exact, data, len);
    }
    fraud_pid_make(&pid, key, str(domain), exact, len);
    free(exact);
    return pid;
}

static int same(const fraud_pid_t *a, const fraud_pid_t *b) {
    return memcmp(a->bytes, b->bytes, FRAUD_PID_LEN) == 0;
}

/* The construction again, spelled out. */
static void expected(fraud_pid_t *pid, const fraud_pid_key_t *key,
                     const char *domain, const uint8_t *data, size_t len) {
    uint8_t in[1024], *p = in;
    size_t take, done;
    int i;

    *p++ = 1;
    *p++ = (uint8_t)strlen(domain);
    memcpy(p, domain, strlen(domain));
    p += strlen(domain);
    for (i = 0; i < 8; i++) {
        *p++ = (uint8_t)((uint64_t)len >> 8 * i & 0xff);
    }
    take = len > BLOCK ? BLOCK : len;
    memcpy(p, data, take);
    crypto_shorthash_siphashx24(pid->bytes, in, (size_t)(p - in) + take,
                                key->bytes);
    for (done = take; done < len; done += take) {
        take = len - done > BLOCK ? BLOCK : len - done;
        memcpy(in, pid->bytes, FRAUD_PID_LEN);
        memcpy(in + FRAUD_PID_LEN, data + done, take);
        crypto_shorthash_siphashx24(pid->bytes, in, FRAUD_PID_LEN + take,
                                    key->bytes);
    }
}

static void framing(void **state) {
    static const char *const domains[] = {"a", "address", "session@policy",
                                          longest};
    static uint8_t data[10000];
    fraud_pid_key_t key;
    fraud_pid_t pid, expect;
    size_t i, k;

    (void)state;
    seed = 1;
    assert_int_equal(strlen(domains[3]), FRAUD_PID_DOMAIN_MAX);
    for (i = 0; i < N(domains); i++) {
        for (k = 0; k < N(lengths); k++) {
            random_bytes(key.bytes, sizeof(key.bytes));
            random_bytes(data, sizeof(data));
            pid = make(&key, domains[i], data, lengths[k]);
            expected(&expect, &key, domains[i], data, lengths[k]);
            assert_memory_equal(pid.bytes, expect.bytes, FRAUD_PID_LEN);
        }
    }
}

/*
 * Worked out by another implementation of SipHash-2-4-128 than libsodium's:
 * pids are stored and compared for as long as their epoch lives, and must not
 * change under it.
 */
static void golden(void **state) {
    static const struct {
        const char *domain;
        size_t len; /* of data 00 01 02 ... */
        const char *text;
    } cases[] = {
        {"address", 0, "cyxuqnr42csehlnohcscsa7v44"},
        {"address", 4, "3qjnuu3hb6kmf5h5ns2gbparze"},
        {"address", 16, "ivnuj7iigwn2jbhf54jp6qj5re"},
        {"session", 4, "r33qz2hpgdhinkjswevlprea4a"},
        {"login", 384, "rshrooq3asyhn6uuhqm2axv2j4"},
        {"login", 385, "qgjjzmf5m26ujsn62gq3hm3sfi"},
        {"account", 1000, "xvb3nep5vjstogauky4gebo2la"},
    };
    uint8_t data[1000];
    char text[FRAUD_PID_TEXT_LEN + 1];
    fraud_pid_t pid;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)i;
    }
    for (i = 0; i < N(cases); i++) {
        pid = make(counting_key(), cases[i].domain, data, cases[i].len);
        fraud_pid_encode(text, &pid);
        text[FRAUD_PID_TEXT_LEN] = '\0';
        assert_string_equal(text, cases[i].text);
    }
}

/* No two of these may be the same, though their bytes run together alike. */
static void separation(void **state) {
    static const struct {
        const char *domain, *data;
        size_t len;
    } cases[] = {
        {"ab", "c", 1},    {"a", "bc", 2},     {"abc", "", 0},
        {"", "abc", 3},    {"a", "b", 1},      {"a", "b\0", 2},
        {"a", "b\0\0", 3}, {"a", "\0", 1},     {"a", "\0\0", 2},
        {"a", "", 0},      {"b", "", 0},       {"A", "b", 1},
        {"a", "\1\1a", 3}, {"\1a", "bc", 2},   {"a\1", "bc", 2},
        {"a", "\1bc", 3},  {"address", "", 0}, {"addres", "s", 1},
        {"ab", "\0c", 2},  {"a", "b\0c", 3},
    };
    fraud_pid_key_t other = *counting_key();
    fraud_pid_t pids[N(cases)], pid;
    size_t i, k;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        pids[i] =
            make(counting_key(), cases[i].domain, cases[i].data, cases[i].len);
        for (k = 0; k < i; k++) {
            assert_false(same(&pids[i], &pids[k]));
        }
    }
    for (i = 0; i < 128; i++) {
        other = *counting_key();
        other.bytes[i / 8] = (uint8_t)(other.bytes[i / 8] ^ 1 << i % 8);
        pid = make(&other, "a", "bc", 2);
        assert_false(same(&pid, &pids[1]));
    }
}

static void long_domain_is_cut(void **state) {
    char domain[FRAUD_PID_DOMAIN_MAX + 200];
    fraud_pid_t cut, pid;

    (void)state;
    memset(domain, 'd', sizeof(domain) - 1);
    domain[sizeof(domain) - 1] = '\0';
    pid = make(counting_key(), domain, "x", 1);
    domain[FRAUD_PID_DOMAIN_MAX] = '\0';
    cut = make(counting_key(), domain, "x", 1);
    assert_true(same(&pid, &cut));
    domain[FRAUD_PID_DOMAIN_MAX - 1] = '\0';
    pid = make(counting_key(), domain, "x", 1);
    assert_false(same(&pid, &cut));
}

static void every_bit_counts(void **state) {
    static uint8_t data[10000];
    fraud_pid_t pid, flipped;
    size_t i, k, step;

    (void)state;
    seed = 2;
    random_bytes(data, sizeof(data));
    for (k = 0; k < N(lengths); k++) {
        pid = make(counting_key(), "address", data, lengths[k]);
        step = lengths[k] < 1000 ? 1 : 7;
        for (i = 0; i < 8 * lengths[k]; i += step) {
            data[i / 8] = (uint8_t)(data[i / 8] ^ 1 << i % 8);
            fraud_pid_make(&flipped, counting_key(), str("address"), data,
                           lengths[k]);
            data[i / 8] = (uint8_t)(data[i / 8] ^ 1 << i % 8);
            assert_false(same(&pid, &flipped));
        }
        if (lengths[k] < sizeof(data)) {
            flipped = make(counting_key(), "address", data, lengths[k] + 1);
            assert_false(same(&pid, &flipped));
        }
    }
}

/* Swapped blocks are other data; a table of blocks' MACs would not see it. */
static void order_of_blocks_counts(void **state) {
    uint8_t data[3 * BLOCK], swapped[3 * BLOCK];
    fraud_pid_t a, b;

    (void)state;
    seed = 3;
    random_bytes(data, sizeof(data));
    memcpy(swapped, data, BLOCK);
    memcpy(swapped + BLOCK, data + 2 * BLOCK, BLOCK);
    memcpy(swapped + 2 * BLOCK, data + BLOCK, BLOCK);
    a = make(counting_key(), "a", data, sizeof(data));
    b = make(counting_key(), "a", swapped, sizeof(swapped));
    assert_false(same(&a, &b));
}

static int by_bytes(const void *a, const void *b) {
    return memcmp(a, b, FRAUD_PID_LEN);
}

static void no_collisions(void **state) {
    fraud_pid_t *pids = malloc(MANY * sizeof(*pids));
    uint8_t ip[4];
    uint32_t i;

    (void)state;
    assert_non_null(pids);
    for (i = 0; i < MANY; i++) {
        ip[0] = 10;
        ip[1] = (uint8_t)(i >> 16);
        ip[2] = (uint8_t)(i >> 8);
        ip[3] = (uint8_t)i;
        fraud_pid_make(&pids[i], counting_key(), str("address"), ip, 4);
    }
    qsort(pids, MANY, sizeof(*pids), by_bytes);
    for (i = 1; i < MANY; i++) {
        assert_false(same(&pids[i - 1], &pids[i]));
    }
    free(pids);
}

static fraud_rc decode(fraud_pid_t *pid, const char *text, size_t len) {
    char *exact = malloc(len != 0 ? len : 1);
    fraud_rc rc;

    assert_non_null(exact);
    memcpy(exact, text, len);
    rc = fraud_pid_decode(pid, exact, len);
    free(exact);
    return rc;
}

/* Base32 the slow way, a bit at a time. */
static void encode_slowly(char *text, const fraud_pid_t *pid) {
    unsigned i, k, bit, value;

    for (i = 0; i < FRAUD_PID_TEXT_LEN; i++) {
        value = 0;
        for (k = 0; k < 5; k++) {
            bit = 5 * i + k;
            value = value << 1 |
                    (bit < 128 ? pid->bytes[bit / 8] >> (7 - bit % 8) & 1u : 0);
        }
        text[i] = (char)(value < 26 ? 'a' + value : '2' + (value - 26));
    }
}

static void round_trip(void **state) {
    char text[FRAUD_PID_TEXT_LEN + 1], slow[FRAUD_PID_TEXT_LEN];
    fraud_pid_t pid, back;
    unsigned i;

    (void)state;
    seed = 4;
    for (i = 0; i < 20000; i++) {
        random_bytes(pid.bytes, sizeof(pid.bytes));
        if (i < 128) {
            memset(pid.bytes, 0, sizeof(pid.bytes));
            pid.bytes[i / 8] = (uint8_t)(1u << i % 8);
        }
        text[FRAUD_PID_TEXT_LEN] = '!';
        fraud_pid_encode(text, &pid);
        assert_int_equal(text[FRAUD_PID_TEXT_LEN], '!');
        encode_slowly(slow, &pid);
        assert_memory_equal(text, slow, FRAUD_PID_TEXT_LEN);
        assert_int_equal(decode(&back, text, FRAUD_PID_TEXT_LEN), FRAUD_OK);
        assert_memory_equal(back.bytes, pid.bytes, FRAUD_PID_LEN);
    }
}

static void decode_rejects(void **state) {
    static const char good[] = "abcdefghijklmnopqrstuvwxy4";
    char text[40];
    fraud_pid_t pid;
    size_t i;
    int ch, accepted;

    (void)state;
    assert_int_equal(decode(&pid, good, 26), FRAUD_OK);
    memset(text, 'a', sizeof(text));
    for (i = 0; i < sizeof(text); i++) {
        assert_int_equal(decode(&pid, text, i),
                         i == 26 ? FRAUD_OK : FRAUD_EINVAL);
    }
    for (i = 0; i < 26; i++) {
        accepted = 0;
        for (ch = 0; ch < 256; ch++) {
            memcpy(text, good, 26);
            text[i] = (char)ch;
            if (decode(&pid, text, 26) == FRAUD_OK) {
                accepted++;
                assert_true((ch >= 'a' && ch <= 'z') ||
                            (ch >= '2' && ch <= '7'));
            }
        }
        /* 26 characters hold 130 bits: of the last, two must be zero */
        assert_int_equal(accepted, i == 25 ? 8 : 32);
    }
}

static void keys(void **state) {
    fraud_pid_key_t a, b, zero;

    (void)state;
    memset(&zero, 0, sizeof(zero));
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    assert_int_equal(fraud_pid_key_random(&a), FRAUD_OK);
    assert_int_equal(fraud_pid_key_random(&b), FRAUD_OK);
    assert_memory_not_equal(&a, &b, sizeof(a));
    assert_memory_not_equal(a.bytes + 8, zero.bytes, 8);
    assert_memory_not_equal(b.bytes, zero.bytes, 8);
    fraud_pid_key_wipe(&a);
    assert_memory_equal(&a, &zero, sizeof(a));
}

/* RFC 4231, test cases 2 and 6 (a key longer than a block). */
static void signs(void **state) {
    static const uint8_t two[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75,
                                  0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95,
                                  0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d,
                                  0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9,
                                  0x64, 0xec, 0x38, 0x43};
    static const uint8_t six[] = {0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6,
                                  0x7f, 0x0d, 0x8a, 0x26, 0xaa, 0xcb, 0xf5,
                                  0xb7, 0x7f, 0x8e, 0x0b, 0xc6, 0x21, 0x37,
                                  0x28, 0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f,
                                  0x0e, 0xe3, 0x7f, 0x54};
    static const char question[] = "what do ya want for nothing?";
    static const char large[] =
        "Test Using Larger Than Block-Size Key - Hash Key First";
    const fraud_str_t parts[] = {
        {(const uint8_t *)"Jefe", 4},
        {(const uint8_t *)question, 5},
        {(const uint8_t *)question, 0},
        {(const uint8_t *)question + 5, sizeof(question) - 6}};
    uint8_t mac[FRAUD_PID_DIGEST_LEN], key[131];

    (void)state;
    fraud_pid_sign(mac, "Jefe", 4, question, sizeof(question) - 1);
    assert_memory_equal(mac, two, sizeof(two));
    memset(mac, 0, sizeof(mac));
    fraud_pid_sign_all(mac, parts[0], parts + 1, 3);
    assert_memory_equal(mac, two, sizeof(two));
    memset(key, 0xaa, sizeof(key));
    fraud_pid_sign(mac, key, sizeof(key), large, sizeof(large) - 1);
    assert_memory_equal(mac, six, sizeof(six));
    assert_int_equal(fraud_pid_same(mac, six, sizeof(six)), 1);
    mac[31] ^= 1;
    assert_int_equal(fraud_pid_same(mac, six, sizeof(six)), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framing),
        cmocka_unit_test(golden),
        cmocka_unit_test(separation),
        cmocka_unit_test(long_domain_is_cut),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(order_of_blocks_counts),
        cmocka_unit_test(no_collisions),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(decode_rejects),
        cmocka_unit_test(keys),
        cmocka_unit_test(signs),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
