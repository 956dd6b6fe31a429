/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_buf.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void assert_holds(const fraud_buf_t *buf, const char *text, int full) {
    assert_int_equal(buf->len, strlen(text));
    if (buf->len != 0) {
        assert_memory_equal(buf->data, text, buf->len);
    }
    assert_int_equal(buf->full, full);
}

static void appends(void **state) {
    uint8_t data[32];
    fraud_buf_t buf;

    (void)state;
    fraud_buf_init(&buf, data, sizeof(data));
    assert_holds(&buf, "", 0);
    fraud_buf_add(&buf, "ab\0", 2);
    fraud_buf_text(&buf, "");
    fraud_buf_text(&buf, "cd");
    fraud_buf_char(&buf, 'e');
    fraud_buf_uint(&buf, 12, 1);
    fraud_buf_add(&buf, NULL, 0);
    assert_holds(&buf, "abcde12", 0);

    /* any byte is a byte */
    fraud_buf_init(&buf, data, sizeof(data));
    fraud_buf_add(&buf, "\0\xff\n", 3);
    fraud_buf_char(&buf, '\0');
    assert_int_equal(buf.len, 4);
    assert_memory_equal(data, "\0\xff\n\0", 4);
}

/* What is too long leaves no trace but the mark, and nothing is torn. */
static void leaves_out_whole(void **state) {
    uint8_t *data = malloc(4);
    fraud_buf_t buf;

    (void)state;
    assert_non_null(data);
    fraud_buf_init(&buf, data, 4);
    fraud_buf_text(&buf, "abc");
    fraud_buf_text(&buf, "de");
    assert_holds(&buf, "abc", 1);
    fraud_buf_uint(&buf, 10, 1);
    assert_holds(&buf, "abc", 1);
    fraud_buf_char(&buf, 'f');
    assert_holds(&buf, "abcf", 1);
    fraud_buf_char(&buf, 'g');
    fraud_buf_add(&buf, data, SIZE_MAX);
    fraud_buf_add(&buf, data, SIZE_MAX - 3);
    assert_holds(&buf, "abcf", 1);
    fraud_buf_add(&buf, NULL, 0);
    assert_holds(&buf, "abcf", 1);

    fraud_buf_init(&buf, data, 4);
    fraud_buf_text(&buf, "wxyz");
    assert_holds(&buf, "wxyz", 0);
    free(data);

    fraud_buf_init(&buf, NULL, 0);
    fraud_buf_text(&buf, "");
    assert_holds(&buf, "", 0);
    fraud_buf_char(&buf, 'a');
    assert_holds(&buf, "", 1);
}

static void numbers(void **state) {
    static const uint64_t values[] = {0,
                                      1,
                                      9,
                                      10,
                                      99,
                                      100,
                                      UINT32_MAX,
                                      (uint64_t)UINT32_MAX + 1,
                                      9999999999999999999u,
                                      10000000000000000000u,
                                      UINT64_MAX};
    char expect[32];
    uint8_t data[32];
    fraud_buf_t buf;
    int width;
    size_t i;

    (void)state;
    for (i = 0; i < N(values); i++) {
        for (width = 0; width <= 20; width++) {
            (void)snprintf(expect, sizeof(expect), "%0*" PRIu64, width,
                           values[i]);
            fraud_buf_init(&buf, data, sizeof(data));
            fraud_buf_uint(&buf, values[i], (unsigned)width);
            assert_holds(&buf, expect, 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),
        cmocka_unit_test(leaves_out_whole),
        cmocka_unit_test(numbers),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
