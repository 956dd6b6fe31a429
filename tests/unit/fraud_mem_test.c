/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_mem.h"
#include "failmem.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void default_is_malloc(void **state) {
    const fraud_mem_t *mem = fraud_mem_or_default(NULL);
    uint8_t *p, *bigger;

    (void)state;
    assert_non_null(mem);
    p = fraud_mem_alloc(mem, 10);
    assert_non_null(p);
    memset(p, 7, 10);
    bigger = fraud_mem_resize(mem, p, 5, 100);
    assert_non_null(bigger);
    assert_int_equal(bigger[0], 7);
    assert_int_equal(bigger[9], 7);
    memset(bigger, 8, 500);
    fraud_mem_free(mem, bigger);
    p = fraud_mem_resize(mem, NULL, 1, 1);
    assert_non_null(p);
    fraud_mem_free(mem, p);
    fraud_mem_free(mem, NULL);
}

static void given_one_is_used(void **state) {
    failmem_t fail;
    void *p, *q;

    (void)state;
    failmem_init(&fail, 0);
    assert_ptr_equal(fraud_mem_or_default(&fail.mem), &fail.mem);
    p = fraud_mem_alloc(&fail.mem, 1);
    q = fraud_mem_zalloc(&fail.mem, 1);
    assert_int_equal(fail.live, 2);
    q = fraud_mem_resize(&fail.mem, q, 2, 1);
    assert_int_equal(fail.live, 2);
    assert_int_equal(fail.calls, 3);
    fraud_mem_free(&fail.mem, NULL);
    assert_int_equal(fail.live, 2);
    fraud_mem_free(&fail.mem, p);
    fraud_mem_free(&fail.mem, q);
    assert_int_equal(fail.live, 0);
}

static void *dirty_alloc(void *ctx, size_t size) {
    void *p = malloc(size);

    (void)ctx;
    assert_non_null(p);
    memset(p, 0xa5, size);
    return p;
}

static void zalloc_zeroes(void **state) {
    fraud_mem_t mem = *fraud_mem_or_default(NULL);
    static const uint8_t zero[100];
    void *p;

    (void)state;
    mem.alloc = dirty_alloc;
    p = fraud_mem_zalloc(&mem, sizeof(zero));
    assert_memory_equal(p, zero, sizeof(zero));
    fraud_mem_free(&mem, p);
}

/* malloc(0) may be NULL, which means no memory here. */
static void nothing_is_something(void **state) {
    const fraud_mem_t *mem = fraud_mem_or_default(NULL);
    void *p;

    (void)state;
    p = fraud_mem_alloc(mem, 0);
    assert_non_null(p);
    fraud_mem_free(mem, p);
    p = fraud_mem_zalloc(mem, 0);
    assert_non_null(p);
    p = fraud_mem_resize(mem, p, 0, 8);
    assert_non_null(p);
    p = fraud_mem_resize(mem, p, 8, 0);
    assert_non_null(p);
    fraud_mem_free(mem, p);
}

static void failures(void **state) {
    failmem_t fail;
    uint8_t *p;

    (void)state;
    failmem_init(&fail, 1);
    assert_null(fraud_mem_alloc(&fail.mem, 1));
    failmem_init(&fail, 1);
    assert_null(fraud_mem_zalloc(&fail.mem, 1));
    failmem_init(&fail, 2);
    p = fraud_mem_alloc(&fail.mem, 4);
    assert_non_null(p);
    memset(p, 3, 4);
    assert_null(fraud_mem_resize(&fail.mem, p, 2, 4));

    /* products past SIZE_MAX do not reach the allocator, ${old} stays */
    assert_int_equal(fail.calls, 2);
    assert_null(fraud_mem_resize(&fail.mem, p, SIZE_MAX / 8 + 1, 8));
    assert_null(fraud_mem_resize(&fail.mem, p, 2, SIZE_MAX / 2 + 1));
    assert_null(fraud_mem_resize(&fail.mem, p, SIZE_MAX, SIZE_MAX));
    assert_null(
        fraud_mem_resize(&fail.mem, p, SIZE_MAX / 0xffffffff + 1, 0xffffffff));
    assert_int_equal(fail.calls, 2);
    assert_int_equal(p[3], 3);
    fraud_mem_free(&fail.mem, p);
    assert_int_equal(fail.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_is_malloc),
        cmocka_unit_test(given_one_is_used),
        cmocka_unit_test(zalloc_zeroes),
        cmocka_unit_test(nothing_is_something),
        cmocka_unit_test(failures),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
