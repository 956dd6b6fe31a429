/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_slot.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static fraud_slot_map_t map;

/* Parse a copy of exactly the text's size: one byte more is a fault. The host
   is copied out, as the text does not stay. */
static fraud_rc redirect(fraud_slot_redirect_t *r, char *host, const char *text,
                         size_t len) {
    uint8_t *copy = malloc(len != 0 ? len : 1);
    fraud_rc rc;

    assert_non_null(copy);
    memcpy(copy, text, len);
    rc = fraud_slot_redirect(r, len != 0 ? copy : copy + 1, len);
    if (rc == FRAUD_OK) {
        assert_in_range(r->addr.host.len, 0, FRAUD_SLOT_MAX_HOST);
        memcpy(host, r->addr.host.data, r->addr.host.len);
        host[r->addr.host.len] = '\0';
    }
    free(copy);
    return rc;
}

static void test_crc16(void **state) {
    uint8_t byte;

    (void)state;
    assert_int_equal(fraud_slot_crc16((const uint8_t *)"123456789", 9), 0x31c3);
    assert_int_equal(fraud_slot_crc16((const uint8_t *)"A", 1), 0x58e5);
    assert_int_equal(fraud_slot_crc16(NULL, 0), 0);
    byte = 0xff;
    assert_int_equal(fraud_slot_crc16(&byte, 1), 0x1ef0);
}

/* What CLUSTER KEYSLOT of Redis 7.0 says. */
static void test_slot(void **state) {
    static const struct {
        const char *key;
        uint16_t slot;
    } cases[] = {
        {"foo", 12182},
        {"bar", 5061},
        {"hello", 866},
        {"somekey", 11058},
        {"foo{hash_tag}", 2515},
        {"{user1000}.following", 3443},
        {"{user1000}.followers", 3443},
        {"foo{}{bar}", 8363},
        {"foo{{bar}}zap", 4015},
        {"foo{bar}{zap}", 5061},
        {"123456789", 12739},
        {"{", 4092},
        {"}{", 12793},
        {"{}", 15257},
        {"a{b", 13340},
        {"fraud:abcdefghijklmnopqrstuvwxyz", 6067},
    };
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        if (fraud_slot_of((const uint8_t *)cases[i].key,
                          strlen(cases[i].key)) != cases[i].slot) {
            fail_msg("'%s': not in slot %u", cases[i].key, cases[i].slot);
        }
    }
    assert_int_equal(fraud_slot_of(NULL, 0), 0);
}

static void test_redirect(void **state) {
    static const struct {
        const char *text;
        const char *host;
        uint16_t slot;
        uint16_t port;
        int ask;
    } cases[] = {
        {"MOVED 3999 127.0.0.1:6381", "127.0.0.1", 3999, 6381, 0},
        {"ASK 0 127.0.0.1:1", "127.0.0.1", 0, 1, 1},
        {"MOVED 16383 10.0.0.1:65535", "10.0.0.1", 16383, 65535, 0},
        {"MOVED 1 ::1:6381", "::1", 1, 6381, 0},
        {"MOVED 1 [::1]:6381", "::1", 1, 6381, 0},
        {"ASK 7 2001:db8::10:7000", "2001:db8::10", 7, 7000, 1},
        {"MOVED 7 redis-1.example.com:7000", "redis-1.example.com", 7, 7000, 0},
        {"ASK 7 a_b:7000", "a_b", 7, 7000, 1},
        {"MOVED 3999 :6381", "", 3999, 6381, 0},
    };
    static const char *const bad[] = {
        "MOVED ",
        "ASK ",
        "MOVED 1",
        "MOVED 1 ",
        "MOVED 1 :",
        "MOVED 1 127.0.0.1",
        "MOVED 1 127.0.0.1:",
        "MOVED 1 127.0.0.1:0",
        "MOVED 1 127.0.0.1:65536",
        "MOVED 1 127.0.0.1:+1",
        "MOVED 1 127.0.0.1:1 ",
        "MOVED 1 127.0.0.1:6381@16381",
        "MOVED 1  127.0.0.1:1",
        "MOVED  1 127.0.0.1:1",
        "MOVED 16384 127.0.0.1:1",
        "MOVED -1 127.0.0.1:1",
        "MOVED x 127.0.0.1:1",
        "MOVED 99999999999999999999 127.0.0.1:1",
        "MOVED 1 ?:6381",
        "MOVED 1 []:6381",
        "MOVED 1 [::1:6381",
        "MOVED 1 a b:6381",
        "MOVED 1 a/b:6381",
    };
    static const char *const other[] = {
        "",
        "MOVE",
        "MOVED",
        "ASK",
        "ASKING 1 127.0.0.1:1",
        "moved 1 127.0.0.1:1",
        " MOVED 1 127.0.0.1:1",
        "ERR MOVED 1 127.0.0.1:1",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN The cluster is down",
        "NOSCRIPT No matching script. Please use EVAL.",
    };
    char host[FRAUD_SLOT_MAX_HOST + 1];
    fraud_slot_redirect_t r;
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        if (redirect(&r, host, cases[i].text, strlen(cases[i].text)) !=
            FRAUD_OK) {
            fail_msg("'%s' was refused", cases[i].text);
        }
        assert_string_equal(host, cases[i].host);
        assert_int_equal(r.slot, cases[i].slot);
        assert_int_equal(r.addr.port, cases[i].port);
        assert_int_equal(r.ask, cases[i].ask);
    }
    for (i = 0; i < N(bad); i++) {
        if (redirect(&r, host, bad[i], strlen(bad[i])) != FRAUD_EINVAL) {
            fail_msg("'%s' was not refused", bad[i]);
        }
    }
    for (i = 0; i < N(other); i++) {
        if (redirect(&r, host, other[i], strlen(other[i])) != FRAUD_NOTFOUND) {
            fail_msg("'%s' is no redirection", other[i]);
        }
    }
    assert_int_equal(redirect(&r, host, "MOVED 1 a\0b:1", 13), FRAUD_EINVAL);
}

static void test_long_host(void **state) {
    char text[300], host[FRAUD_SLOT_MAX_HOST + 1];
    fraud_slot_redirect_t r;
    size_t len;

    (void)state;
    for (len = FRAUD_SLOT_MAX_HOST; len <= FRAUD_SLOT_MAX_HOST + 1; len++) {
        memcpy(text, "ASK 5 ", 6);
        memset(text + 6, 'a', len);
        memcpy(text + 6 + len, ":80", 3);
        assert_int_equal(redirect(&r, host, text, len + 9),
                         len == FRAUD_SLOT_MAX_HOST ? FRAUD_OK : FRAUD_EINVAL);
    }
}

static fraud_slot_addr_t addr_of(const char *host, int64_t port) {
    fraud_slot_addr_t addr;

    assert_int_equal(
        fraud_slot_addr(&addr, (const uint8_t *)host, strlen(host), port),
        FRAUD_OK);
    return addr;
}

static void test_addr(void **state) {
    fraud_slot_addr_t addr;

    (void)state;
    addr = addr_of("", 65535);
    assert_int_equal(addr.host.len, 0);
    assert_int_equal(addr.port, 65535);
    assert_int_equal(fraud_slot_addr(&addr, NULL, 0, 1), FRAUD_OK);
    assert_int_equal(fraud_slot_addr(&addr, NULL, 0, 0), FRAUD_EINVAL);
    assert_int_equal(fraud_slot_addr(&addr, NULL, 0, -1), FRAUD_EINVAL);
    assert_int_equal(fraud_slot_addr(&addr, NULL, 0, 65536), FRAUD_EINVAL);
    assert_int_equal(fraud_slot_addr(&addr, NULL, 0, INT64_MAX), FRAUD_EINVAL);
    assert_int_equal(fraud_slot_addr(&addr, (const uint8_t *)"?", 1, 1),
                     FRAUD_EINVAL);
}

static void test_map(void **state) {
    fraud_slot_addr_t a = addr_of("10.0.0.1", 7000);
    fraud_slot_addr_t b = addr_of("10.0.0.1", 7001);
    fraud_slot_addr_t same = addr_of("", 7000);
    unsigned slot;

    (void)state;
    fraud_slot_begin(&map);
    assert_int_equal(fraud_slot_finish(&map), FRAUD_AGAIN);
    assert_int_equal(fraud_slot_range(&map, 8192, 16383, &b), FRAUD_OK);
    assert_int_equal(fraud_slot_range(&map, 1, 8191, &a), FRAUD_OK);
    assert_int_equal(fraud_slot_finish(&map), FRAUD_AGAIN);
    assert_int_equal(map.owner[0], UINT16_MAX);
    assert_int_equal(fraud_slot_range(&map, 0, 0, &b), FRAUD_OK);
    assert_int_equal(fraud_slot_finish(&map), FRAUD_OK);
    assert_int_equal(map.n, 2);
    for (slot = 0; slot < FRAUD_SLOT_N; slot++) {
        assert_int_equal(map.nodes[map.owner[slot]].port,
                         slot > 0 && slot < 8192 ? 7000 : 7001);
    }

    /* another begin forgets it all; an empty host is none of the others */
    fraud_slot_begin(&map);
    assert_int_equal(fraud_slot_finish(&map), FRAUD_AGAIN);
    assert_int_equal(fraud_slot_range(&map, 0, 0, &a), FRAUD_OK);
    assert_int_equal(fraud_slot_range(&map, 1, 16383, &same), FRAUD_OK);
    assert_int_equal(map.n, 2);
    assert_int_equal(fraud_slot_finish(&map), FRAUD_OK);
}

static void test_map_refused(void **state) {
    static const int64_t bad[][2] = {
        {-1, 0},  {5, 4},         {0, 16384},     {16384, 16384},
        {10, 20}, {0, 10},        {20, 30},       {0, 16383},
        {15, 15}, {INT64_MIN, 5}, {0, INT64_MAX}, {INT64_MAX, INT64_MAX},
    };
    fraud_slot_addr_t a = addr_of("a", 1);
    size_t i;

    (void)state;
    for (i = 0; i < N(bad); i++) {
        fraud_slot_begin(&map);
        assert_int_equal(fraud_slot_range(&map, 10, 20, &a), FRAUD_OK);
        if (fraud_slot_range(&map, bad[i][0], bad[i][1], &a) != FRAUD_EINVAL) {
            fail_msg("%lld to %lld was accepted", (long long)bad[i][0],
                     (long long)bad[i][1]);
        }
    }
}

static void test_many_nodes(void **state) {
    fraud_slot_addr_t addr;
    int i;

    (void)state;
    fraud_slot_begin(&map);
    for (i = 0; i < FRAUD_SLOT_MAX_NODES; i++) {
        addr = addr_of("a", i + 1);
        assert_int_equal(fraud_slot_range(&map, i, i, &addr), FRAUD_OK);
    }
    assert_int_equal(fraud_slot_range(&map, 100, 100, &addr), FRAUD_OK);
    addr = addr_of("b", 1);
    assert_int_equal(fraud_slot_range(&map, 101, 101, &addr), FRAUD_ELIMIT);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc16),       cmocka_unit_test(test_slot),
        cmocka_unit_test(test_redirect),    cmocka_unit_test(test_long_host),
        cmocka_unit_test(test_addr),        cmocka_unit_test(test_map),
        cmocka_unit_test(test_map_refused), cmocka_unit_test(test_many_nodes),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("fraud_slot", tests, NULL, NULL);
}
