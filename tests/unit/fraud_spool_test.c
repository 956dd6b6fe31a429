/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fraud_event.h"
#include "fraud_spool.h"

#define W "0123456789abcdef"
#define N(a) (sizeof(a) / sizeof((a)[0]))

static size_t put(uint8_t *data, uint64_t seq, const char *text) {
    fraud_str_t event = {(const uint8_t *)text, strlen(text)};

    fraud_spool_frame(data, W, seq, event);
    memcpy(data + FRAUD_SPOOL_HEAD, text, event.len);
    data[FRAUD_SPOOL_HEAD + event.len] = '\n';
    return FRAUD_SPOOL_HEAD + event.len + 1;
}

/* The checksum is that of RFC 3720: 0xe3069283 for "123456789". */
static void known_bytes(void **state) {
    static const char line[] = "0000000000000000 ec4a0204 end\n";
    uint8_t data[64];

    (void)state;
    assert_int_equal(put(data, 0, FRAUD_SPOOL_END), strlen(line));
    assert_memory_equal(data, line, strlen(line));
}

static void names(void **state) {
    static const char *const bad[] = {
        "",
        ".spool",
        W ".0000000000000010.spoo",
        W ".0000000000000010.spool2",
        W "-0000000000000010.spool",
        W ".000000000000001G.spool",
        W ".000000000000001.spool",
        "0123456789ABCDEF.0000000000000010.spool",
        W ".0000000000000010.SPOOL",
    };
    char name[FRAUD_SPOOL_NAME_SIZE], writer[FRAUD_SPOOL_WRITER_LEN];
    uint64_t first;
    size_t i;

    (void)state;
    fraud_spool_name(name, W, 16);
    assert_string_equal(name, W ".0000000000000010.spool");
    assert_int_equal(fraud_spool_parse_name(writer, &first, name), FRAUD_OK);
    assert_int_equal(first, 16);
    assert_memory_equal(writer, W, sizeof(writer));
    fraud_spool_name(name, W, UINT64_MAX);
    assert_int_equal(fraud_spool_parse_name(writer, &first, name), FRAUD_OK);
    assert_true(first == UINT64_MAX);
    for (i = 0; i < N(bad); i++) {
        assert_int_equal(fraud_spool_parse_name(writer, &first, bad[i]),
                         FRAUD_EINVAL);
    }
}

static void writers(void **state) {
    char a[FRAUD_SPOOL_WRITER_LEN], b[FRAUD_SPOOL_WRITER_LEN];
    size_t i;

    (void)state;
    assert_int_equal(fraud_spool_writer(a), FRAUD_OK);
    assert_int_equal(fraud_spool_writer(b), FRAUD_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    for (i = 0; i < sizeof(a); i++) {
        assert_non_null(memchr("0123456789abcdef", a[i], 16));
    }
}

/* However a file is cut, what is whole is read and the rest is waited for. */
static void every_cut(void **state) {
    static const char *const events[] = {"{}", "", "{\"a\":\"b c\"}", "end"};
    uint8_t data[256];
    fraud_spool_record_t record;
    size_t ends[N(events)], len = 0, cut, at, used, n, i;
    fraud_rc rc;

    (void)state;
    for (i = 0; i < N(events); i++) {
        len += put(data + len, i, events[i]);
        ends[i] = len;
    }
    for (cut = 0; cut <= len; cut++) {
        uint8_t *exact = malloc(cut != 0 ? cut : 1);

        assert_non_null(exact);
        memcpy(exact, data, cut);
        for (at = 0, n = 0;; at += used, n++) {
            rc = fraud_spool_next(&record, W, exact + at, cut - at, &used);
            if (rc != FRAUD_OK) {
                break;
            }
            assert_int_equal(record.seq, n);
            assert_int_equal(record.event.len, strlen(events[n]));
            assert_memory_equal(record.event.data, events[n], record.event.len);
        }
        assert_int_equal(rc, FRAUD_NOTFOUND);
        assert_int_equal(used, 0);
        for (i = 0; i < N(events) && ends[i] <= cut; i++) {
        }
        assert_int_equal(n, i);
        free(exact);
    }
}

static void any_change(void **state) {
    static const char other[] = "1123456789abcdef";
    uint8_t data[128];
    fraud_spool_record_t record;
    size_t len, used, i, next;
    unsigned bit;

    (void)state;
    len = put(data, 7, "{\"a\":1}");
    next = put(data + len, 8, "{\"a\":2}");
    for (i = 0; i < len - 1; i++) {
        for (bit = 0; bit < 8; bit++) {
            data[i] ^= (uint8_t)(1u << bit);
            assert_int_equal(
                fraud_spool_next(&record, W, data, len + next, &used),
                FRAUD_EINVAL);
            if (data[i] != '\n') {
                assert_int_equal(used, len);
            }
            data[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_int_equal(fraud_spool_next(&record, W, data, len, &used), FRAUD_OK);
    assert_int_equal(fraud_spool_next(&record, other, data, len, &used),
                     FRAUD_EINVAL);
    /* torn, and gone on behind */
    memmove(data + 20, data + len, next);
    data[19] = '\n';
    assert_int_equal(fraud_spool_next(&record, W, data, 20 + next, &used),
                     FRAUD_EINVAL);
    assert_int_equal(used, 20);
    assert_int_equal(fraud_spool_next(&record, W, data + 20, next, &used),
                     FRAUD_OK);
    assert_int_equal(record.seq, 8);
}

static void limits(void **state) {
    char text[FRAUD_SPOOL_MAX_EVENT + 2];
    uint8_t *data = malloc(FRAUD_SPOOL_MAX_LINE + 1);
    fraud_spool_record_t record;
    size_t len, used;

    (void)state;
    assert_non_null(data);
    memset(text, 'a', sizeof(text));
    text[FRAUD_SPOOL_MAX_EVENT] = '\0';
    len = put(data, 1, text);
    assert_int_equal(len, FRAUD_SPOOL_MAX_LINE);
    assert_int_equal(fraud_spool_next(&record, W, data, len, &used), FRAUD_OK);
    assert_int_equal(fraud_spool_next(&record, W, data, len - 1, &used),
                     FRAUD_NOTFOUND);

    text[FRAUD_SPOOL_MAX_EVENT] = 'a';
    text[FRAUD_SPOOL_MAX_EVENT + 1] = '\0';
    len = put(data, 1, text);
    assert_int_equal(fraud_spool_next(&record, W, data, len, &used),
                     FRAUD_ELIMIT);
    assert_int_equal(used, len);
    assert_int_equal(fraud_spool_next(&record, W, data, len - 1, &used),
                     FRAUD_ELIMIT);
    assert_int_equal(used, len - 1);
    free(data);
}

static void ends(void **state) {
    static const char *const not [] = {"", "en", "End", "end ", "endless"};
    size_t i;

    (void)state;
    assert_true(fraud_spool_is_end(FRAUD_STR(FRAUD_SPOOL_END)));
    for (i = 0; i < sizeof(not ) / sizeof(not [0]); i++) {
        assert_false(fraud_spool_is_end(
            (fraud_str_t){(const uint8_t *)not [i], strlen(not [i])}));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes), cmocka_unit_test(names),
        cmocka_unit_test(writers),     cmocka_unit_test(every_cut),
        cmocka_unit_test(any_change),  cmocka_unit_test(limits),
        cmocka_unit_test(ends),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
