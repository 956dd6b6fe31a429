/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fraud_segment.h"

#define HOUR 498822u /* 2026-11-27T06 */

static char file[8192];
static size_t len;

static fraud_event_t *begin(fraud_event_t *event) {
    fraud_event_begin(event, (uint8_t *)file + len, sizeof(file) - len);
    return event;
}

static void put(fraud_segment_t *chain, const char *text) {
    fraud_event_t event;

    fraud_event_str(begin(&event), FRAUD_STR("pid"), text, strlen(text));
    assert_int_equal(fraud_segment_end(chain, &event), FRAUD_OK);
    len += event.buf.len;
}

static void put_open(fraud_segment_t *chain, uint64_t hour) {
    fraud_event_t event;

    assert_int_equal(fraud_segment_open(chain, begin(&event), hour), FRAUD_OK);
    assert_true(event.buf.len <= FRAUD_SEGMENT_LINE);
    len += event.buf.len;
}

static void put_close(fraud_segment_t *chain) {
    fraud_event_t event;

    assert_int_equal(fraud_segment_close(chain, begin(&event)), FRAUD_OK);
    assert_true(event.buf.len <= FRAUD_SEGMENT_LINE);
    len += event.buf.len;
}

/* Check one writer's lines from the start on; return how many follow. */
static int check(void) {
    uint8_t state[FRAUD_PID_DIGEST_LEN];
    fraud_segment_line_t line;
    const char *p = file, *end;
    int n = 0;

    for (; p < file + len; p = end + 1) {
        end = memchr(p, '\n', (size_t)(file + len - p));
        assert_non_null(end);
        if (fraud_segment_read(&line, (const uint8_t *)p, (size_t)(end - p)) !=
            FRAUD_OK) {
            return n;
        }
        if (line.type == FRAUD_SEGMENT_OPENED) {
            if (n != 0 && memcmp(state, line.before, sizeof(state)) != 0) {
                return n;
            }
            memcpy(state, line.before, sizeof(state));
        }
        if (!fraud_segment_follows(&line, state, (const uint8_t *)p,
                                   (size_t)(end - p))) {
            return n;
        }
        memcpy(state, line.state, sizeof(state));
        n++;
    }
    return n;
}

static void test_names(void **state) {
    static const char *const bad[] = {"2026112724",  "2026023000", "202611270",
                                      "20261127060", "2026112 06", ""};
    char name[FRAUD_SEGMENT_NAME_LEN];
    uint64_t hour;
    size_t i;

    (void)state;
    fraud_segment_name(name, HOUR);
    assert_memory_equal(name, "2026112706", sizeof(name));
    fraud_segment_name(name, 0);
    assert_memory_equal(name, "1970010100", sizeof(name));
    for (hour = 400000; hour < 900000; hour += 997) {
        uint64_t back = 0;

        fraud_segment_name(name, hour);
        assert_int_equal(fraud_segment_parse_name(&back, name, sizeof(name)),
                         FRAUD_OK);
        assert_int_equal(back, hour);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(
            fraud_segment_parse_name(&hour, bad[i], strlen(bad[i])),
            FRAUD_EINVAL);
    }
}

static void fill(fraud_segment_t *chain) {
    len = 0;
    assert_int_equal(fraud_segment_init(chain), FRAUD_OK);
    put_open(chain, HOUR);
    put(chain, "one");
    put(chain, "number two");
    put(chain, "three");
    put_close(chain);
    put_open(chain, HOUR + 1);
    put(chain, "four");
    put_close(chain);
}

static void test_lines(void **state) {
    fraud_segment_line_t line;
    fraud_segment_t chain;
    const char *end;

    (void)state;
    fill(&chain);
    assert_int_equal(check(), 8);
    assert_int_equal(
        strncmp(file, "{\"segment\":\"2026112706\",\"after\":\"\",", 33), 0);
    assert_non_null(strstr(file, "{\"pid\":\"one\",\"chain\":\""));
    assert_non_null(strstr(file, "{\"closed\":\"2026112706\",\"lines\":3,"
                                 "\"lost\":0,\"chain\":\""));
    assert_non_null(strstr(file, "{\"segment\":\"2026112707\","
                                 "\"after\":\"2026112706\",\"state\":\""));
    end = memchr(file, '\n', len);
    assert_int_equal(
        fraud_segment_read(&line, (uint8_t *)file, (size_t)(end - file)),
        FRAUD_OK);
    assert_int_equal(line.type, FRAUD_SEGMENT_OPENED);
    assert_int_equal(line.hour, HOUR);
    assert_true(line.after == FRAUD_SEGMENT_NONE);
    assert_memory_equal(line.writer, chain.writer, sizeof(line.writer));
}

/* PT22: any one byte of the file changed, and it shows. */
static void test_every_byte(void **state) {
    fraud_segment_t chain;
    size_t i;

    (void)state;
    fill(&chain);
    for (i = 0; i < len; i++) {
        char old = file[i];

        if (old == '\n') {
            continue;
        }
        file[i] = (char)(old ^ 1);
        if (file[i] != '\n' && check() == 8) {
            /* the writer's name is for whoever looks for its other lines */
            const char *at = file + i;

            while (at > file && *at != '"') {
                at--;
            }
            assert_int_equal(strncmp(at, "\"", 1), 0);
            assert_true(at - file >= 9 &&
                        strncmp(at - 9, ",\"chain\":", 9) == 0 &&
                        file + i - at <= FRAUD_SEGMENT_WRITER_LEN);
        }
        file[i] = old;
    }
    assert_int_equal(check(), 8);
}

static void test_missing_line(void **state) {
    fraud_segment_t chain;
    char *two, *three;

    (void)state;
    fill(&chain);
    two = strstr(file, "{\"pid\":\"number two\"");
    three = strstr(file, "{\"pid\":\"three\"");
    memmove(two, three, (size_t)(file + len - three));
    len -= (size_t)(three - two);
    assert_int_equal(check(), 2);
}

static void test_redact(void **state) {
    char other[] = "192.0.2.1 - - \"GET / HTTP/1.1\"", tiny[] = "abc";
    fraud_segment_t chain;
    char *two, *end;
    size_t before;

    (void)state;
    fill(&chain);
    before = len;
    two = strstr(file, "{\"pid\":\"number two\"");
    end = strchr(two, '\n');
    fraud_segment_redact((uint8_t *)two, (size_t)(end - two));
    assert_null(strstr(file, "number two"));
    assert_int_equal(strncmp(two, "{\"redacted\"", 11), 0);
    assert_int_equal(len, before);
    assert_int_equal(check(), 8);
    fraud_segment_redact((uint8_t *)two, (size_t)(end - two));
    assert_int_equal(check(), 8);

    /* what a writer says of itself is nobody's data */
    end = strchr(file, '\n');
    fraud_segment_redact((uint8_t *)file, (size_t)(end - file));
    assert_int_equal(check(), 8);

    fraud_segment_redact((uint8_t *)other, strlen(other));
    assert_string_equal(other, "redacted                      ");
    fraud_segment_redact((uint8_t *)tiny, strlen(tiny));
    assert_string_equal(tiny, "red");
}

/* Of a buffer with three lines only so much was written. */
static void test_resume(void **state) {
    fraud_segment_t chain, saved, full;
    size_t start, cut, end;
    char copy[sizeof(file)];

    (void)state;
    len = 0;
    assert_int_equal(fraud_segment_init(&chain), FRAUD_OK);
    put_open(&chain, HOUR);
    put(&chain, "zero");
    saved = chain;
    start = len;
    put(&chain, "one");
    put(&chain, "number two");
    put_close(&chain);
    put_open(&chain, HOUR + 1);
    put(&chain, "three");
    full = chain;
    end = len;
    memcpy(copy, file, sizeof(file));

    for (cut = start; cut <= end; cut++) {
        uint64_t entries = 0;
        const char *p;

        memcpy(file, copy, sizeof(file));
        chain = full;
        fraud_segment_resume(&chain, &saved, (uint8_t *)file + start,
                             end - start, cut - start);
        len = cut;
        while (len > start && file[len - 1] != '\n') {
            len--; /* the torn line */
        }
        for (p = file + start; p < file + end; p++) {
            entries +=
                strncmp(p, "{\"pid\"", 6) == 0 && strchr(p, '\n') >= file + cut;
        }
        assert_int_equal(chain.lost, entries);
        put_open(&chain, HOUR + 1);
        put(&chain, "more");
        put_close(&chain);
        assert_true(check() > 4);
        p = file + len - 2;
        while (p > file && p[-1] != '\n') {
            p--;
        }
        assert_non_null(strstr(p, "\"closed\":\"2026112707\""));
    }
}

static void test_full(void **state) {
    fraud_segment_t chain, before;
    uint8_t small[64];
    fraud_event_t event;

    (void)state;
    fill(&chain);
    before = chain;
    fraud_event_begin(&event, small, sizeof(small));
    fraud_event_str(&event, FRAUD_STR("pid"), "x", 1);
    assert_int_equal(fraud_segment_end(&chain, &event), FRAUD_ELIMIT);
    assert_memory_equal(&chain, &before, sizeof(chain));
}

static void test_strangers(void **state) {
    static const char *const lines[] = {
        "",
        "{}",
        "{\"score\":1}",
        "{\"score\":1,\"chain\":\"0123456.0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef\"}",
        "{\"score\":1,\"chain\":\"01234567-0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef\"}",
        "{\"closed\":\"2026112706\",\"lines\":,\"lost\":0,"
        "\"chain\":\"01234567.0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef\"}",
        "{\"segment\":\"2026112706\",\"after\":\"x\","
        "\"chain\":\"01234567.0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef\"}"};
    fraud_segment_line_t line;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(fraud_segment_read(&line, (const uint8_t *)lines[i],
                                            strlen(lines[i])),
                         FRAUD_EINVAL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),      cmocka_unit_test(test_lines),
        cmocka_unit_test(test_every_byte), cmocka_unit_test(test_missing_line),
        cmocka_unit_test(test_redact),     cmocka_unit_test(test_resume),
        cmocka_unit_test(test_full),       cmocka_unit_test(test_strangers),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
