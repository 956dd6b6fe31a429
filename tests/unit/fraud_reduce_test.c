/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_reduce.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { PATH, HOST, HOST_PATH, LANGUAGE };

typedef struct {
    const char *text;
    const char *reduced;
} case_t;

static void check(int what, const char *text, size_t len, const char *reduced) {
    char *exact = malloc(len != 0 ? len : 1);
    uint8_t out[FRAUD_REDUCE_MAX + 1] = {0};
    fraud_buf_t buf;

    assert_non_null(exact);
    memcpy(exact, text, len);
    fraud_buf_init(&buf, out, FRAUD_REDUCE_MAX);
    if (what == PATH) {
        fraud_reduce_path(&buf, exact, len);
    } else if (what == LANGUAGE) {
        fraud_reduce_lang(&buf, exact, len);
    } else {
        fraud_reduce_referer(&buf, exact, len, what == HOST_PATH);
    }
    free(exact);
    assert_false(buf.full);
    if (reduced != NULL) {
        assert_string_equal((char *)out, reduced);
    }
}

static void check_all(int what, const case_t *cases, size_t n) {
    size_t i;

    for (i = 0; i < n; i++) {
        check(what, cases[i].text, strlen(cases[i].text), cases[i].reduced);
    }
}

static void paths(void **state) {
    static const case_t cases[] = {
        {"", "-"},
        {"x", "-"},
        {"/", "/"},
        {"/a/b.html", "/a/b.html"},
        {"/a/b.html?c=d", "/a/b.html"},
        {"/a#b", "/a"},
        {"/a;jsessionid=1", "/a"},
        {"/a//b/", "/a//b/"},
        {"/img_2-10.png", "/img_2-10.png"},
        {"/order/1234", "/order/1234"},
        {"/order/12345", "/order/-"},
        {"/pay/4111-1111-1111-1111/x", "/pay/-/x"},
        {"/u/carol@b.example", "/u/-"},
        {"/u/carol%40b.example", "/u/-"},
        {"/~carol/", "/-/"},
        {"/ip/203.0.113.77", "/ip/-"},
        {"/ip/2001:db8::1", "/ip/-"},
        {"/123e4567-e89b-12d3-a456-426614174000", "/-"},
        {"/abcdefghijklmnopqrstuvwxyzabcdef",
         "/abcdefghijklmnopqrstuvwxyzabcdef"},
        {"/abcdefghijklmnopqrstuvwxyzabcdefg", "/-"},
        {"/1/2/3/4/5/6/7/8/9/a/b/c/d", "/1/2/3/4/5/6/7/8/9/a/b/c"},
        {"/caf\xc3\xa9", "/-"},
    };

    (void)state;
    check_all(PATH, cases, sizeof(cases) / sizeof(cases[0]));
    check(PATH, "/a\0b/c", 6, "/-/c");
}

static void hosts(void **state) {
    static const case_t cases[] = {
        {"", "-"},
        {"shop.example", "-"},
        {"ftp://shop.example/", "-"},
        {"about:blank", "-"},
        {"http://", "-"},
        {"http:///x", "-"},
        {"http://shop.example", "shop.example"},
        {"HTTPS://Shop.Example:8443/x?y", "shop.example"},
        {"http://shop.example.", "shop.example"},
        {"http://carol:pw@shop.example/", "shop.example"},
        {"http://carol@b.example@shop.example/", "shop.example"},
        {"http://203.0.113.77/", "-"},
        {"http://203.0.113.77:80/", "-"},
        {"http://[2001:db8::1]/", "-"},
        {"http://0xcb00714d/", "-"},
        {"http://localhost/", "localhost"},
        {"http://d111111abcdef8.cdn.example/", "-.cdn.example"},
        {"http://shop.example\\@203.0.113.77/", "shop.example"},
        {"http://shop.example?carol@b.example", "shop.example"},
    };

    (void)state;
    check_all(HOST, cases, sizeof(cases) / sizeof(cases[0]));
}

static void hosts_with_paths(void **state) {
    static const case_t cases[] = {
        {"http://shop.example", "shop.example"},
        {"http://shop.example/", "shop.example/"},
        {"http://shop.example/a/b?c", "shop.example/a/b"},
        {"http://shop.example/u/carol@b.example", "shop.example/u/-"},
        {"http://203.0.113.77/a", "-/a"},
        {"http://shop.example?a=/b", "shop.example"},
    };

    (void)state;
    check_all(HOST_PATH, cases, sizeof(cases) / sizeof(cases[0]));
}

static void languages(void **state) {
    static const case_t cases[] = {
        {"", "-"},          {"*", "-"},
        {"de", "de"},       {"de-CH,de;q=0.9", "de"},
        {"EN;q=0.5", "en"}, {"fil, en", "fil"},
        {"x", "-"},         {"carol", "-"},
        {"d3", "-"},        {"en-US", "en"},
    };

    (void)state;
    check_all(LANGUAGE, cases, sizeof(cases) / sizeof(cases[0]));
}

static void prefixes(void **state) {
    static const case_t cases[] = {
        {"192.0.2.77", "192.0.2.0/24"},
        {"0.0.0.0", "0.0.0.0/24"},
        {"255.255.255.255", "255.255.255.0/24"},
        {"::ffff:192.0.2.77", "192.0.2.0/24"},
        {"64:ff9b::192.0.2.77", "192.0.2.0/24"},
        {"2001:db8:1:2::77", "2001:db8:1::/48"},
        {"2001:db8::77", "2001:db8:0::/48"},
        {"fe80::1", "fe80:0:0::/48"},
    };
    uint8_t out[64];
    fraud_buf_t buf;
    fraud_ip_t ip;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(out, 0, sizeof(out));
        fraud_buf_init(&buf, out, sizeof(out) - 1);
        assert_int_equal(
            fraud_ip_parse(&ip, cases[i].text, strlen(cases[i].text)),
            FRAUD_OK);
        fraud_reduce_prefix(&buf, &ip);
        assert_string_equal((char *)out, cases[i].reduced);
    }
}

/* Whatever comes in, it is short, printable, and has no run of digits. */
static void any_bytes(void **state) {
    uint8_t out[FRAUD_REDUCE_MAX], text[600];
    fraud_buf_t buf;
    uint32_t seed = 1;
    size_t round, i, len, digits;

    (void)state;
    for (round = 0; round < 20000; round++) {
        len = round % sizeof(text);
        for (i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = "/.:@?a1b2-_%\\#;\0Z\xff"[(seed >> 16) % 18];
        }
        if (len > 8 && round % 2 != 0) {
            memcpy(text, round % 4 == 1 ? "https://" : "/aaaaaaa", 8);
        }
        fraud_buf_init(&buf, out, sizeof(out));
        if (round % 4 == 1) {
            fraud_reduce_referer(&buf, text, len, 1);
        } else {
            fraud_reduce_path(&buf, text, len);
        }
        assert_false(buf.full);
        digits = 0;
        for (i = 0; i < buf.len; i++) {
            assert_true(strchr("/.-_:abcdefghijklmnopqrstuvwxyzZ12", out[i]) !=
                            NULL &&
                        out[i] != '\0');
            digits = out[i] == '1' || out[i] == '2' ? digits + 1 : 0;
            assert_true(digits <= FRAUD_REDUCE_DIGITS);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(hosts),
        cmocka_unit_test(hosts_with_paths),
        cmocka_unit_test(languages),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(any_bytes),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
