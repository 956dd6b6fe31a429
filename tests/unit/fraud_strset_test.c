/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_strset.h"
#include "failmem.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 100000

/* Load from memory of exactly this size. */
static fraud_rc load(fraud_strset_t **set, const fraud_mem_t *mem,
                     const char *text, fraud_err_t *err) {
    size_t len = strlen(text);
    char *exact = malloc(len != 0 ? len : 1);
    fraud_rc rc;

    assert_non_null(exact);
    memcpy(exact, text, len);
    memset(err, 0, sizeof(*err));
    rc = fraud_strset_load(set, mem, exact, len, err);
    free(exact);
    return rc;
}

/* Ask with memory of exactly this size. */
static int find(const fraud_strset_t *set, const char *text) {
    size_t len = strlen(text);
    uint8_t *exact = malloc(len != 0 ? len : 1);
    int found;

    assert_non_null(exact);
    memcpy(exact, text, len);
    found = fraud_strset_find(set, exact, len);
    free(exact);
    return found;
}

static void members(void **state) {
    static const struct {
        const char *value;
        int found;
    } cases[] = {
        {"curl/7.1", 1},  {"curl/7.", 0},   {"curl/7.12", 0},
        {"#hash", 1},     {"a # b", 1},     {"a b", 1},
        {" a b", 0},      {"a b\r", 0},     {"cr\r", 1},
        {"comment", 0},   {"# comment", 0}, {"", 0},
        {"eightlng", 1},  {"last", 1},      {"eightlngtail", 1},
        {"eightlngt", 0}, {"LAST", 0},      {"x", 1},
        {"y", 0},
    };
    static const char text[] = "# comment\n\n \t\r\n"
                               "curl/7.1\n #hash\na # b\n"
                               "\t a b \t\r\ncr\r\r\nx\nx\nx\n"
                               "eightlng\neightlngtail\n\nlast";
    fraud_strset_t *set;
    fraud_err_t err;
    size_t i;

    (void)state;
    assert_int_equal(load(&set, NULL, text, &err), FRAUD_OK);
    assert_int_equal(fraud_strset_count(set), 9);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(find(set, cases[i].value), cases[i].found);
    }
    assert_int_equal(fraud_strset_find(set, NULL, 0), 0);
    fraud_strset_free(set);
    fraud_strset_free(NULL);
}

static void bytes_are_literal(void **state) {
    static const char text[] = "a\0b\n\xff\xfe";
    fraud_strset_t *set;
    fraud_err_t err;

    (void)state;
    assert_int_equal(
        fraud_strset_load(&set, NULL, text, sizeof(text) - 1, &err), FRAUD_OK);
    assert_int_equal(fraud_strset_find(set, (const uint8_t *)"a\0b", 3), 1);
    assert_int_equal(fraud_strset_find(set, (const uint8_t *)"a\0c", 3), 0);
    assert_int_equal(fraud_strset_find(set, (const uint8_t *)"a", 1), 0);
    assert_int_equal(find(set, "\xff\xfe"), 1);
    fraud_strset_free(set);
}

static void refuses(void **state) {
    static char text[FRAUD_STRSET_MAX_LEN + 4];
    fraud_strset_t *set;
    fraud_err_t err;

    (void)state;
    assert_int_equal(load(&set, NULL, "", &err), FRAUD_EINVAL);
    assert_int_equal(err.line, 0);
    assert_string_equal(err.why, "no string at all");
    assert_int_equal(load(&set, NULL, "# c\n \n", &err), FRAUD_EINVAL);
    assert_int_equal(err.line, 2);

    memset(text, 'a', sizeof(text) - 1);
    text[0] = '\n';
    text[1] = ' ';
    assert_int_equal(load(&set, NULL, text, &err), FRAUD_EINVAL);
    assert_int_equal(err.line, 2);
    assert_string_equal(err.why, "string too long");
    text[FRAUD_STRSET_MAX_LEN + 2] = '\0';
    assert_int_equal(load(&set, NULL, text, &err), FRAUD_OK);
    assert_int_equal(find(set, text + 2), 1);
    fraud_strset_free(set);
}

static void has_maxima(void **state) {
    size_t len = 2 * ((size_t)FRAUD_STRSET_MAX_ENTRIES + 1);
    char *text = malloc(len);
    fraud_strset_t *set;
    fraud_err_t err;
    size_t i;

    (void)state;
    assert_non_null(text);
    for (i = 0; i < len; i += 2) {
        memcpy(text + i, "a\n", 2);
    }
    assert_int_equal(fraud_strset_load(&set, NULL, text, len, &err),
                     FRAUD_ELIMIT);
    assert_int_equal(err.line, FRAUD_STRSET_MAX_ENTRIES + 1);
#if SIZE_MAX > UINT32_MAX
    assert_int_equal(fraud_strset_load(&set, NULL, text,
                                       (size_t)FRAUD_STRSET_MAX_TEXT + 1, &err),
                     FRAUD_ELIMIT);
#endif
    free(text);
}

static void survives_lack_of_memory(void **state) {
    fraud_strset_t *set;
    failmem_t fail;
    fraud_err_t err;
    fraud_rc rc;
    size_t n;

    (void)state;
    for (n = 1;; n++) {
        failmem_init(&fail, n);
        rc = load(&set, &fail.mem, "a\nb\nc", &err);
        if (!fail.failed) {
            break;
        }
        assert_int_equal(rc, FRAUD_ENOMEM);
        assert_int_equal(fail.live, 0);
    }
    assert_int_equal(rc, FRAUD_OK);
    assert_int_equal(n, 4);
    fraud_strset_free(set);
    assert_int_equal(fail.live, 0);
}

/* Every second number is a member, at lengths of 1 to 20 bytes. */
static void many(void **state) {
    char *text = malloc((size_t)MANY * 24);
    fraud_strset_t *set;
    fraud_err_t err;
    char value[24];
    size_t len = 0;
    int i;

    (void)state;
    assert_non_null(text);
    for (i = 0; i < 2 * MANY; i += 2) {
        len += (size_t)snprintf(text + len, 24, "%0*d\n", i % 20, i);
    }
    assert_int_equal(fraud_strset_load(&set, NULL, text, len, &err), FRAUD_OK);
    assert_int_equal(fraud_strset_count(set), MANY);
    for (i = 0; i < 2 * MANY; i++) {
        (void)snprintf(value, sizeof(value), "%0*d", i % 20, i);
        assert_int_equal(find(set, value), i % 2 == 0);
    }
    fraud_strset_free(set);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members),
        cmocka_unit_test(bytes_are_literal),
        cmocka_unit_test(refuses),
        cmocka_unit_test(has_maxima),
        cmocka_unit_test(survives_lack_of_memory),
        cmocka_unit_test(many),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
