/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_event.h"
#include "json.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define LAST_MS 253402300799999u /* of the year 9999 */

static uint64_t seed;

/* splitmix64 */
static uint64_t random_u64(void) {
    uint64_t x;

    x = seed += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void assert_line(fraud_event_t *event, const char *line) {
    json_t json;

    assert_int_equal(fraud_event_end(event), FRAUD_OK);
    assert_int_equal(event->buf.len, strlen(line));
    assert_memory_equal(event->buf.data, line, strlen(line));
    assert_true(json_is_line(&json, event->buf.data, event->buf.len));
}

/* The reader that judges the writer must itself say no. */
static void reader_is_strict(void **state) {
    static const char *const good[] = {"{}\n", "{\"a\":1}\n",
                                       "{\"a\":{},\"\":\"\\u00ff\\\"\\\\\"}\n",
                                       "{\"a\":{\"b\":{\"c\":0}},\"d\":10}\n",
                                       "{\"a\":[],\"b\":[1,{\"c\":[\"\"]}]}\n",
                                       "{\"a\":null}\n"};
    static const char *const bad[] = {
        "",
        "{}",
        "{}\n\n",
        "{\n",
        "}\n",
        "{,}\n",
        "{\"a\"}\n",
        "{\"a\":}\n",
        "{\"a\":1,}\n",
        "{,\"a\":1}\n",
        "{\"a\":1\"b\":1}\n",
        "{\"a\":01}\n",
        "{\"a\":-1}\n",
        "{\"a\":\"\n\"}\n",
        "{\"a\":\"\x7f\"}\n",
        "{\"a\":\"\xc3\xa4\"}\n",
        "{\"a\":\"\\x41\"}\n",
        "{\"a\":\"\\u00g0\"}\n",
        "{\"a\":\"\\u0\"}\n",
        "{\"a\":\"\\\"}\n",
        "{\"a\":\"b\"c\"}\n",
        "{\"a\":{}\n",
        "{\"a\":{}}}\n",
        "{\"a\":[}\n",
        "{\"a\":[1,]}\n",
        "{\"a\":[,1]}\n",
        "{\"a\":[\"b\":1]}\n",
        "{\"a\":nul}\n",
    };
    json_t json;
    size_t i;

    (void)state;
    for (i = 0; i < N(good); i++) {
        assert_true(
            json_is_line(&json, (const uint8_t *)good[i], strlen(good[i])));
    }
    for (i = 0; i < N(bad); i++) {
        assert_false(
            json_is_line(&json, (const uint8_t *)bad[i], strlen(bad[i])));
    }
}

static void members(void **state) {
    uint8_t data[512];
    fraud_event_t event;

    (void)state;
    fraud_event_begin(&event, data, sizeof(data));
    assert_line(&event, "{}\n");

    fraud_event_begin(&event, data, sizeof(data));
    fraud_event_str(&event, FRAUD_STR("a"), NULL, 0);
    assert_line(&event, "{\"a\":\"\"}\n");

    fraud_event_begin(&event, data, sizeof(data));
    fraud_event_time(&event, FRAUD_STR("time"), 0);
    fraud_event_str(&event, FRAUD_STR("id"), "x\"y\\z", 5);
    fraud_event_uint(&event, FRAUD_STR("zero"), 0);
    fraud_event_uint(&event, FRAUD_STR("max"), UINT64_MAX);
    assert_line(&event,
                "{\"time\":\"1970-01-01T00:00:00.000Z\",\"id\":\"x\\\"y\\\\z\","
                "\"zero\":0,\"max\":18446744073709551615}\n");

    /* a new event owes the old one nothing, not even its comma */
    fraud_event_begin(&event, data, sizeof(data));
    fraud_event_uint(&event, FRAUD_STR("a"), 1);
    assert_line(&event, "{\"a\":1}\n");
}

static void lists(void **state) {
    uint8_t data[512];
    fraud_event_t event;

    (void)state;
    fraud_event_begin(&event, data, sizeof(data));
    fraud_event_list(&event, FRAUD_STR("none"));
    fraud_event_list_end(&event);
    fraud_event_list(&event, FRAUD_STR("some"));
    fraud_event_str(&event, FRAUD_EVENT_ITEM, "a", 1);
    fraud_event_uint(&event, FRAUD_EVENT_ITEM, 2);
    fraud_event_open(&event, FRAUD_EVENT_ITEM);
    fraud_event_uint(&event, FRAUD_STR("b"), 3);
    fraud_event_close(&event);
    fraud_event_list_end(&event);
    fraud_event_null(&event, FRAUD_STR("last"));
    assert_line(&event, "{\"none\":[],\"some\":[\"a\",2,{\"b\":3}],"
                        "\"last\":null}\n");
}

static void nesting(void **state) {
    uint8_t data[4096];
    fraud_event_t event;
    json_t json;
    int i;

    (void)state;
    fraud_event_begin(&event, data, sizeof(data));
    fraud_event_open(&event, FRAUD_STR("a"));
    fraud_event_close(&event);
    fraud_event_open(&event, FRAUD_STR("b"));
    fraud_event_uint(&event, FRAUD_STR("c"), 1);
    fraud_event_uint(&event, FRAUD_STR("d"), 2);
    fraud_event_close(&event);
    fraud_event_uint(&event, FRAUD_STR("e"), 3);
    fraud_event_open(&event, FRAUD_STR("f"));
    fraud_event_open(&event, FRAUD_STR("g"));
    fraud_event_close(&event);
    fraud_event_str(&event, FRAUD_STR("h"), "i", 1);
    fraud_event_close(&event);
    assert_line(&event, "{\"a\":{},\"b\":{\"c\":1,\"d\":2},\"e\":3,"
                        "\"f\":{\"g\":{},\"h\":\"i\"}}\n");

    fraud_event_begin(&event, data, sizeof(data));
    for (i = 0; i < 200; i++) {
        fraud_event_open(&event, FRAUD_STR("x"));
        fraud_event_uint(&event, FRAUD_STR("y"), 1);
    }
    for (i = 0; i < 200; i++) {
        fraud_event_close(&event);
        fraud_event_uint(&event, FRAUD_STR("z"), 1);
    }
    assert_int_equal(fraud_event_end(&event), FRAUD_OK);
    assert_true(json_is_line(&json, data, event.buf.len));
    assert_int_equal(json.members, 600);
}

static void assert_string(const uint8_t *text, size_t len) {
    uint8_t data[8192];
    fraud_event_t event;
    json_t json;

    fraud_event_begin(&event, data, sizeof(data));
    fraud_event_str(&event, FRAUD_STR("k"), text, len);
    assert_int_equal(fraud_event_end(&event), FRAUD_OK);
    assert_true(json_is_line(&json, data, event.buf.len));
    assert_int_equal(json.members, 1);
    assert_int_equal(json.len, len);
    assert_memory_equal(json.text, text, len);
}

static void any_bytes(void **state) {
    uint8_t text[1024];
    unsigned i, k;
    size_t len;

    (void)state;
    for (i = 0; i < 256; i++) {
        text[0] = (uint8_t)i;
        assert_string(text, 1);
        for (k = 0; k < 256; k++) {
            text[0] = (uint8_t)i;
            text[1] = (uint8_t)k;
            assert_string(text, 2);
        }
        memset(text, 'a', 5);
        text[2] = (uint8_t)i;
        assert_string(text, 5);
    }
    seed = 1;
    for (i = 0; i < 3000; i++) {
        len = random_u64() % sizeof(text);
        for (k = 0; k < len; k++) {
            text[k] = (uint8_t)(random_u64() % (i % 2 ? 256 : 128));
        }
        assert_string(text, len);
    }
}

static void assert_time(uint64_t ms) {
    char expect[80], text[20];
    time_t seconds = (time_t)(ms / 1000);
    uint8_t data[80];
    fraud_event_t event;
    struct tm tm;
    size_t n;

    assert_non_null(gmtime_r(&seconds, &tm));
    n = strftime(text, sizeof(text), "%m-%dT%H:%M:%S", &tm);
    assert_int_not_equal(n, 0);
    (void)snprintf(expect, sizeof(expect), "{\"t\":\"%04d-%s.%03uZ\"}\n",
                   1900 + tm.tm_year, text, (unsigned)(ms % 1000));
    fraud_event_begin(&event, data, sizeof(data));
    fraud_event_time(&event, FRAUD_STR("t"), ms);
    assert_line(&event, expect);
}

static void assert_time_is(uint64_t ms, const char *text) {
    uint8_t data[80];
    fraud_event_t event;

    fraud_event_begin(&event, data, sizeof(data));
    fraud_event_time(&event, FRAUD_STR("t"), ms);
    assert_int_equal(fraud_event_end(&event), FRAUD_OK);
    assert_int_equal(event.buf.len, 6 + strlen(text) + 3);
    assert_memory_equal(data + 6, text, strlen(text));
}

static void times(void **state) {
    uint64_t ms, day;
    unsigned i;

    (void)state;
    assert_time_is(0, "1970-01-01T00:00:00.000Z");
    assert_time_is(951782400000u, "2000-02-29T00:00:00.000Z");
    assert_time_is(951868799999u, "2000-02-29T23:59:59.999Z");
    assert_time_is(951868800000u, "2000-03-01T00:00:00.000Z");
    assert_time_is(1709164800000u, "2024-02-29T00:00:00.000Z");
    assert_time_is(4107542399999u, "2100-02-28T23:59:59.999Z");
    assert_time_is(4107542400000u, "2100-03-01T00:00:00.000Z");
    assert_time_is(LAST_MS, "9999-12-31T23:59:59.999Z");
    assert_time_is(LAST_MS + 1, "9999-12-31T23:59:59.999Z");
    assert_time_is(UINT64_MAX, "9999-12-31T23:59:59.999Z");

    /* every day's first and last millisecond until 2401, a whole cycle */
    for (day = 0; day < 431 * 366u; day++) {
        assert_time(day * 86400000u);
        assert_time(day * 86400000u + 86399999u);
    }
    seed = 2;
    for (i = 0; i < 100000; i++) {
        ms = random_u64() % (LAST_MS + 1);
        assert_time(i % 2 ? ms : ms % 4102444800000u);
    }
}

/* One of each, for a buffer of any size. */
static fraud_rc write_all(fraud_event_t *event, uint8_t *data, size_t size) {
    static const uint8_t odd[] = "plain \"quoted\" \x01\x7f\xff end";

    fraud_event_begin(event, data, size);
    fraud_event_time(event, FRAUD_STR("time"), 1700000000123u);
    fraud_event_str(event, FRAUD_STR("id"), odd, sizeof(odd));
    fraud_event_open(event, FRAUD_STR("reasons"));
    fraud_event_uint(event, FRAUD_STR("a"), 40);
    fraud_event_uint(event, FRAUD_STR("b"), UINT64_MAX);
    fraud_event_close(event);
    fraud_event_uint(event, FRAUD_STR("status"), 200);
    return fraud_event_end(event);
}

static void any_size(void **state) {
    uint8_t whole[512], *exact;
    fraud_event_t event;
    size_t full, size;
    json_t json;

    (void)state;
    assert_int_equal(write_all(&event, whole, sizeof(whole)), FRAUD_OK);
    full = event.buf.len;
    assert_true(json_is_line(&json, whole, full));
    for (size = 0; size <= full + 2; size++) {
        exact = size != 0 ? malloc(size) : NULL;
        assert_true(size == 0 || exact != NULL);
        assert_int_equal(write_all(&event, exact, size),
                         size < full ? FRAUD_ELIMIT : FRAUD_OK);
        assert_in_range(event.buf.len, 0, size);
        if (size >= full) {
            assert_int_equal(event.buf.len, full);
            assert_memory_equal(exact, whole, full);
        }
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_is_strict),
        cmocka_unit_test(members),
        cmocka_unit_test(lists),
        cmocka_unit_test(nesting),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(times),
        cmocka_unit_test(any_size),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
