/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_ip.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static uint32_t seed;

static uint32_t random_below(uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* Parse a copy of exactly the text's size: one byte more is a fault. */
static fraud_rc parse(fraud_ip_t *ip, const char *text, size_t len) {
    char *copy = malloc(len != 0 ? len : 1);
    fraud_rc rc;

    assert_non_null(copy);
    memcpy(copy, text, len);
    rc = fraud_ip_parse(ip, len != 0 ? copy : copy + 1, len);
    free(copy);
    return rc;
}

static fraud_rc parse_network(fraud_ip_t *ip, unsigned *bits,
                              const char *text) {
    size_t len = strlen(text);
    char *copy = malloc(len + 1);
    fraud_rc rc;

    assert_non_null(copy);
    memcpy(copy + 1, text, len);
    rc = fraud_ip_parse_network(ip, bits, copy + 1, len);
    free(copy);
    return rc;
}

/* What inet_pton() says, folded by hand. */
static int reference(fraud_ip_t *ip, const char *text) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    uint8_t bytes[16];

    memset(ip, 0, sizeof(*ip));
    if (inet_pton(AF_INET, text, ip->bytes) == 1) {
        ip->family = 4;
        return 1;
    }
    memset(ip, 0, sizeof(*ip));
    if (inet_pton(AF_INET6, text, bytes) != 1) {
        return 0;
    }
    ip->family = 6;
    memcpy(ip->bytes, bytes, 16);
    if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, nat64, 12) == 0) {
        memset(ip, 0, sizeof(*ip));
        ip->family = 4;
        memcpy(ip->bytes, bytes + 12, 4);
    }
    return 1;
}

/* Return 1 if ${text} was a valid address to both. */
static int agrees(const char *text) {
    fraud_ip_t want, got;
    int valid = reference(&want, text);
    fraud_rc rc = parse(&got, text, strlen(text));

    if (valid != (rc == FRAUD_OK)) {
        fail_msg("'%s': inet_pton %d, rc %d", text, valid, (int)rc);
    }
    if (valid && memcmp(&want, &got, sizeof(want)) != 0) {
        fail_msg("'%s': another address than inet_pton's", text);
    }
    return valid;
}

static void test_from_bytes(void **state) {
    static const uint8_t plain[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    static const uint8_t nat64[16] = {0, 0x64, 0xff, 0x9b, [12] = 192, 0, 2, 1};
    static const uint8_t compatible[16] = {[12] = 192, 0, 2, 1};
    static const fraud_ip_t v4 = {4, {192, 0, 2, 1}};
    static const size_t bad[] = {0, 1, 3, 5, 12, 15, 17, SIZE_MAX};
    fraud_ip_t ip;
    size_t i;

    (void)state;
    assert_int_equal(fraud_ip_from_bytes(&ip, v4.bytes, 4), FRAUD_OK);
    assert_memory_equal(&ip, &v4, sizeof(ip));
    assert_int_equal(fraud_ip_from_bytes(&ip, mapped, 16), FRAUD_OK);
    assert_memory_equal(&ip, &v4, sizeof(ip));
    assert_int_equal(fraud_ip_from_bytes(&ip, nat64, 16), FRAUD_OK);
    assert_memory_equal(&ip, &v4, sizeof(ip));
    assert_int_equal(fraud_ip_len(&ip), 4);

    assert_int_equal(fraud_ip_from_bytes(&ip, plain, 16), FRAUD_OK);
    assert_int_equal(ip.family, 6);
    assert_int_equal(fraud_ip_len(&ip), 16);
    assert_memory_equal(ip.bytes, plain, 16);
    assert_int_equal(fraud_ip_from_bytes(&ip, compatible, 16), FRAUD_OK);
    assert_int_equal(ip.family, 6);

    for (i = 0; i < N(bad); i++) {
        assert_int_equal(fraud_ip_from_bytes(&ip, plain, bad[i]),
                         FRAUD_EINVAL);
    }
}

static void test_parse_valid(void **state) {
    static const char *const texts[] = {
        "0.0.0.0",
        "255.255.255.255",
        "192.0.2.1",
        "::",
        "::1",
        "1::",
        "2001:db8::1",
        "2001:DB8:0:0:8:800:200C:417A",
        "0001:0002:0003:0004:0005:0006:0007:0008",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "1::8",
        "::13.1.68.3",
        "::ffff:192.0.2.1",
        "::FFFF:c000:0201",
        "64:ff9b::192.0.2.1",
        "64:ff9b::c000:201",
        "64:ff9b:1::192.0.2.1",
        "1:2:3:4:5:6:192.0.2.1",
        "1::6:192.0.2.1",
    };
    fraud_ip_t bare, bracketed;
    char text[64];
    size_t i;

    (void)state;
    for (i = 0; i < N(texts); i++) {
        if (!agrees(texts[i])) {
            fail_msg("'%s' is valid", texts[i]);
        }
        snprintf(text, sizeof(text), "[%s]", texts[i]);
        if (strchr(texts[i], ':') == NULL) {
            assert_int_equal(parse(&bare, text, strlen(text)), FRAUD_EINVAL);
            continue;
        }
        assert_int_equal(parse(&bare, texts[i], strlen(texts[i])), FRAUD_OK);
        assert_int_equal(parse(&bracketed, text, strlen(text)), FRAUD_OK);
        assert_memory_equal(&bare, &bracketed, sizeof(bare));
    }
}

static void test_parse_invalid(void **state) {
    static const char *const texts[] = {
        "",
        " ",
        ".",
        ":",
        "[]",
        "[",
        "]",
        "1",
        "1.2.3",
        "1.2.3.",
        ".1.2.3.4",
        "1.2.3.4.",
        "1.2.3.4.5",
        "1..3.4",
        "01.2.3.4",
        "1.2.3.00",
        "1.2.3.256",
        "1.2.3.1000",
        "1.2.3.99999999999",
        "0x1.2.3.4",
        "1.2.3.a",
        "+1.2.3.4",
        "1.2.3.-4",
        " 1.2.3.4",
        "1.2.3.4 ",
        "16909060",
        ":::",
        "::::",
        "1:::2",
        "1::2::3",
        ":1",
        ":1::",
        "1:",
        "1::2:",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        "1:2:3:4:5:6:7:8:",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "12345::",
        "00001::",
        "g::",
        "::1.2.3",
        "::01.2.3.4",
        "::1.2.3.4:5",
        "1.2.3.4::",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        "::1%lo",
        "[::1",
        "::1]",
        "[::1]:80",
        "[[::1]]",
        "1.2.3.4:80",
        "2001:db8::1/64",
    };
    fraud_ip_t ip;
    size_t i;

    (void)state;
    for (i = 0; i < N(texts); i++) {
        if (parse(&ip, texts[i], strlen(texts[i])) != FRAUD_EINVAL) {
            fail_msg("'%s' was accepted", texts[i]);
        }
    }
    assert_int_equal(parse(&ip, "1.2.3.4\0", 8), FRAUD_EINVAL);
    assert_int_equal(parse(&ip, "::1\0", 4), FRAUD_EINVAL);
    assert_int_equal(parse(&ip, "1.2\0.3.4", 8), FRAUD_EINVAL);
}

/* A random address as inet_ntop() or as plain groups write it. */
static void random_address(char *text, size_t size) {
    uint8_t bytes[16];
    size_t i;

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = random_below(2) ? 0 : (uint8_t)random_below(256);
    }
    if (random_below(6) == 0) {
        memset(bytes, 0, 10);
        memset(bytes + 10, 0xff, 2);
    }
    if (random_below(3) == 0) {
        assert_non_null(inet_ntop(AF_INET, bytes, text, (socklen_t)size));
        return;
    }
    assert_non_null(inet_ntop(AF_INET6, bytes, text, (socklen_t)size));
}

static void test_random(void **state) {
    static const char alphabet[] = "0123456789abcdefABCDEF::::....g/ ";
    char text[80];
    size_t i, j, len, valid = 0;

    (void)state;
    seed = 1;
    for (i = 0; i < 300000; i++) {
        random_address(text, sizeof(text));
        len = strlen(text);
        if (i % 3 != 0) {
            text[random_below((uint32_t)len)] =
                alphabet[random_below(sizeof(alphabet) - 1)];
        }
        if (i % 3 == 2) {
            j = random_below((uint32_t)len + 1);
            memmove(text + j + 1, text + j, len - j + 1);
            text[j] = alphabet[random_below(sizeof(alphabet) - 1)];
        }
        valid += (size_t)agrees(text);
    }
    assert_in_range(valid, 120000, 280000);
    for (i = 0; i < 300000; i++) {
        len = random_below(20);
        for (j = 0; j < len; j++) {
            text[j] = "1::.0fg"[random_below(7)];
        }
        text[len] = '\0';
        (void)agrees(text);
    }
}

static void test_parse_network(void **state) {
    static const struct {
        const char *text;
        const char *address;
        unsigned bits;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", 32},
        {"192.0.2.0/24", "192.0.2.0", 24},
        {"0.0.0.0/0", "0.0.0.0", 0},
        {"128.0.0.0/1", "128.0.0.0", 1},
        {"192.0.2.1/32", "192.0.2.1", 32},
        {"::/0", "::", 0},
        {"2001:db8::", "2001:db8::", 128},
        {"2001:db8::/32", "2001:db8::", 32},
        {"[2001:db8::]/33", "2001:db8::", 33},
        {"2001:db8::1/128", "2001:db8::1", 128},
        {"::ffff:192.0.2.0/120", "192.0.2.0", 24},
        {"::ffff:0:0/96", "0.0.0.0", 0},
        {"::ffff:192.0.2.1", "192.0.2.1", 32},
        {"64:ff9b::c000:200/127", "192.0.2.0", 31},
    };
    static const char *const bad[] = {
        "",
        "/",
        "/24",
        "192.0.2.0/",
        "192.0.2.0/33",
        "192.0.2.0/024",
        "192.0.2.0/00",
        "192.0.2.0/+8",
        "192.0.2.0/24 ",
        "192.0.2.0/24/24",
        "192.0.2.0/4294967320",
        "192.0.2.0/0x8",
        "192.0.2.0/a",
        "192.0.2.0/255.255.255.0",
        "192.0.2.1/31",
        "192.0.2.0/22",
        "128.0.0.0/0",
        "2001:db8::/129",
        "2001:db8::1/127",
        "2001:db8::/28",
        "[2001:db8::/32]",
        "::ffff:0:0/95",
        "64:ff9b::/95",
        "64:ff9b::/32",
        "::ffff:192.0.2.1/127",
    };
    fraud_ip_t ip, want;
    unsigned bits;
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        assert_true(reference(&want, cases[i].address));
        if (parse_network(&ip, &bits, cases[i].text) != FRAUD_OK) {
            fail_msg("'%s' was refused", cases[i].text);
        }
        assert_memory_equal(&ip, &want, sizeof(ip));
        assert_int_equal(bits, cases[i].bits);
    }
    for (i = 0; i < N(bad); i++) {
        if (parse_network(&ip, &bits, bad[i]) != FRAUD_EINVAL) {
            fail_msg("'%s' was accepted", bad[i]);
        }
    }
}

/* Every prefix length against bit by bit arithmetic. */
static void test_mask(void **state) {
    static const uint8_t ones[16] = {255, 255, 255, 255, 255, 255, 255, 255,
                                     255, 255, 255, 255, 255, 255, 255, 255};
    fraud_ip_t v4, v6;
    unsigned bits, i;

    (void)state;
    for (bits = 0; bits <= 140; bits++) {
        assert_int_equal(fraud_ip_from_bytes(&v4, ones, 4), FRAUD_OK);
        assert_int_equal(fraud_ip_from_bytes(&v6, ones, 16), FRAUD_OK);
        fraud_ip_mask(&v4, bits, 0);
        fraud_ip_mask(&v6, 0, bits);
        for (i = 0; i < 128; i++) {
            assert_int_equal(v6.bytes[i / 8] >> (7 - i % 8) & 1, i < bits);
            assert_int_equal(v4.bytes[i / 8] >> (7 - i % 8) & 1,
                             i < bits && i < 32);
        }
    }
    fraud_ip_mask(&v6, 0, 0xffffffffu);
    assert_memory_equal(v6.bytes, ones, 16);
}

static void test_is_private(void **state) {
    static const struct {
        const char *address;
        int private;
    } cases[] = {
        {"127.0.0.1", 1},       {"127.255.255.255", 1}, {"126.255.255.255", 0},
        {"128.0.0.0", 0},       {"10.0.0.0", 1},        {"10.255.255.255", 1},
        {"9.255.255.255", 0},   {"11.0.0.0", 0},        {"172.15.255.255", 0},
        {"172.16.0.0", 1},      {"172.31.255.255", 1},  {"172.32.0.0", 0},
        {"192.168.0.0", 1},     {"192.167.255.255", 0}, {"192.169.0.0", 0},
        {"100.63.255.255", 0},  {"100.64.0.0", 1},      {"100.127.255.255", 1},
        {"100.128.0.0", 0},     {"169.254.1.1", 1},     {"169.253.1.1", 0},
        {"192.0.2.1", 0},       {"8.8.8.8", 0},         {"::1", 1},
        {"::2", 0},             {"::", 0},              {"fe80::1", 1},
        {"febf:ffff::", 1},     {"fec0::", 0},          {"fc00::", 1},
        {"fdff:ffff::1", 1},    {"fe00::", 0},          {"2001:db8::1", 0},
        {"::ffff:10.0.0.1", 1}, {"64:ff9b::8.8.8.8", 0}, {"7f00::1", 0},
        {"a00::", 0},           {"252.0.0.1", 0},       {"254.128.0.1", 0},
    };
    fraud_ip_t ip;
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        assert_int_equal(
            parse(&ip, cases[i].address, strlen(cases[i].address)), FRAUD_OK);
        if (fraud_ip_is_private(&ip) != cases[i].private) {
            fail_msg("'%s': not %d", cases[i].address, cases[i].private);
        }
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_bytes),
        cmocka_unit_test(test_parse_valid),
        cmocka_unit_test(test_parse_invalid),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_parse_network),
        cmocka_unit_test(test_mask),
        cmocka_unit_test(test_is_private),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("fraud_ip", tests, NULL, NULL);
}
