/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_nets.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

/* The forms of text and lack of memory are tested with fraud_list. */

static fraud_rc read_text(fraud_nets_t *nets, size_t max, const char *text,
                          fraud_err_t *err) {
    fraud_nets_init(nets, fraud_mem_or_default(NULL), max);
    return fraud_nets_read(nets, text, strlen(text), err);
}

static void sorts_without_duplicates(void **state) {
    static const char text[] = "192.0.2.0/25\n10.0.0.0/8\n2001:db8::/33\n"
                               "192.0.2.0/24\n10.0.0.0/8\n2001:db8::/32\n";
    static const uint32_t v4[] = {0x0a000000, 8,          0xc0000200,
                                  24,         0xc0000200, 25};
    static const uint32_t v6[] = {0x20010db8, 0, 0, 0, 32,
                                  0x20010db8, 0, 0, 0, 33};
    fraud_nets_t nets;
    fraud_err_t err;

    (void)state;
    assert_int_equal(read_text(&nets, 6, text, &err), FRAUD_OK);
    assert_int_equal(nets.v4.n, 3);
    assert_memory_equal(nets.v4.data, v4, sizeof(v4));
    assert_int_equal(nets.v6.n, 2);
    assert_memory_equal(nets.v6.data, v6, sizeof(v6));
    fraud_nets_clear(&nets);
}

static void has_a_maximum(void **state) {
    fraud_nets_t nets;
    fraud_err_t err;

    (void)state;
    assert_int_equal(read_text(&nets, 2, "10.0.0.1\n::1\n10.0.0.1\n", &err),
                     FRAUD_ELIMIT);
    assert_int_equal(err.line, 3);
    assert_string_equal(err.why, "too many networks");
    fraud_nets_clear(&nets);
    assert_int_equal(read_text(&nets, 2, "10.0.0.1\n::1\n", &err), FRAUD_OK);
    fraud_nets_clear(&nets);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_without_duplicates),
        cmocka_unit_test(has_a_maximum),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
