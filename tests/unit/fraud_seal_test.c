/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fraud_event.h"
#include "fraud_seal.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define ROOM FRAUD_SEAL_TEXT_LEN(FRAUD_SEAL_MAX_DATA)

/* RFC 7748, 6.1: Bob's pair */
#define SECRET                                                                 \
    "fraud-seal-secret 1 "                                                     \
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb\n"
#define PUBLIC                                                                 \
    "fraud-seal 1 "                                                            \
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f\n"

static fraud_seal_secret_t secret;
static fraud_seal_public_t open;

static int setup(void **state) {
    (void)state;
    return fraud_seal_read_secret(&secret, SECRET, strlen(SECRET)) ==
                       FRAUD_OK &&
                   fraud_seal_read_public(&open, PUBLIC, strlen(PUBLIC)) ==
                       FRAUD_OK
               ? 0
               : -1;
}

static fraud_str_t slice(const void *data, size_t len) {
    return (fraud_str_t){data, len};
}

static void key_lines(void **state) {
    char line[FRAUD_SEAL_LINE];
    fraud_seal_secret_t made, again;
    fraud_seal_public_t half;

    (void)state;
    assert_memory_equal(secret.open, open.bytes, FRAUD_SEAL_KEY_LEN);
    fraud_seal_print_public(line, &secret);
    assert_string_equal(line, PUBLIC);
    fraud_seal_print_secret(line, &secret);
    assert_string_equal(line, SECRET);

    assert_int_equal(fraud_seal_keypair(&made), FRAUD_OK);
    assert_memory_not_equal(made.secret, secret.secret, FRAUD_SEAL_KEY_LEN);
    fraud_seal_print_secret(line, &made);
    assert_int_equal(fraud_seal_read_secret(&again, line, strlen(line)),
                     FRAUD_OK);
    assert_memory_equal(&again, &made, sizeof(made));
    fraud_seal_print_public(line, &made);
    assert_int_equal(fraud_seal_read_public(&half, line, strlen(line)),
                     FRAUD_OK);
    assert_memory_equal(half.bytes, made.open, FRAUD_SEAL_KEY_LEN);

    fraud_seal_wipe(&made);
    memset(&again, 0, sizeof(again));
    assert_memory_equal(&again, &made, sizeof(made));
}

/* Every other length and every changed character is refused. */
static void strange_lines(void **state) {
    static const char zero[] = "fraud-seal 1 "
                               "00000000000000000000000000000000"
                               "00000000000000000000000000000000\n";
    static const char one[] = "fraud-seal 1 "
                              "01000000000000000000000000000000"
                              "00000000000000000000000000000000\n";
    char text[2 * FRAUD_SEAL_LINE] = "";
    fraud_seal_public_t key;
    fraud_seal_secret_t pair;
    size_t i;

    (void)state;
    for (i = 0; i <= strlen(PUBLIC) + 1; i++) {
        memcpy(text, PUBLIC, sizeof(PUBLIC));
        assert_int_equal(fraud_seal_read_public(&key, text, i),
                         i == strlen(PUBLIC) ? FRAUD_OK : FRAUD_EINVAL);
    }
    for (i = 0; i < strlen(PUBLIC); i++) {
        memcpy(text, PUBLIC, sizeof(PUBLIC));
        text[i] = text[i] >= 'a' && text[i] <= 'f' ? (char)(text[i] - 'a' + 'A')
                                                   : 'x';
        assert_int_equal(fraud_seal_read_public(&key, text, strlen(PUBLIC)),
                         FRAUD_EINVAL);
    }
    for (i = 0; i < strlen(SECRET); i++) {
        memcpy(text, SECRET, sizeof(SECRET));
        text[i] = 'g';
        assert_int_equal(fraud_seal_read_secret(&pair, text, strlen(SECRET)),
                         text[i] == SECRET[i] ? FRAUD_OK : FRAUD_EINVAL);
    }
    assert_int_equal(fraud_seal_read_public(&key, SECRET, strlen(SECRET)),
                     FRAUD_EINVAL);
    assert_int_equal(fraud_seal_read_secret(&pair, PUBLIC, strlen(PUBLIC)),
                     FRAUD_EINVAL);
    assert_int_equal(fraud_seal_read_public(&key, zero, strlen(zero)),
                     FRAUD_EINVAL);
    assert_int_equal(fraud_seal_read_public(&key, one, strlen(one)),
                     FRAUD_EINVAL);
    memcpy(text, SECRET, sizeof(SECRET));
    memset(text + 20, '0', 64);
    assert_int_equal(fraud_seal_read_secret(&pair, text, strlen(SECRET)),
                     FRAUD_EINVAL);
}

/* The sealed text ends where its memory does, whatever its length. */
static void every_length(void **state) {
    uint8_t data[FRAUD_SEAL_MAX_DATA], back[FRAUD_SEAL_MAX_DATA];
    fraud_str_t context = FRAUD_STR("flg_x");
    size_t i, len, n;

    (void)state;
    for (i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7);
    }
    for (i = 1; i <= sizeof(data); i++) {
        char *text = malloc(FRAUD_SEAL_TEXT_LEN(i));

        assert_non_null(text);
        assert_int_equal(
            fraud_seal_close(text, &len, &open, context, slice(data, i)),
            FRAUD_OK);
        assert_true(len <= FRAUD_SEAL_TEXT_LEN(i));
        assert_int_equal(
            fraud_seal_open(back, &n, &secret, context, slice(text, len)),
            FRAUD_OK);
        assert_int_equal(n, i);
        assert_memory_equal(back, data, i);
        free(text);
    }
}

static void limits(void **state) {
    static const uint8_t much[FRAUD_SEAL_MAX_DATA + 1];
    char text[ROOM];
    uint8_t back[FRAUD_SEAL_MAX_DATA];
    size_t len, n;

    (void)state;
    assert_int_equal(fraud_seal_close(text, &len, &open, slice(much, 0),
                                      slice(much, sizeof(much))),
                     FRAUD_ELIMIT);
    assert_int_equal(
        fraud_seal_close(text, &len, &open, slice(much, 0), slice(much, 0)),
        FRAUD_EINVAL);
    assert_int_equal(fraud_seal_close(text, &len, &open,
                                      slice(much, FRAUD_SEAL_MAX_CONTEXT + 1),
                                      slice(much, 1)),
                     FRAUD_ELIMIT);
    assert_int_equal(fraud_seal_close(text, &len, &open,
                                      slice(much, FRAUD_SEAL_MAX_CONTEXT),
                                      slice(much, 1)),
                     FRAUD_OK);
    assert_int_equal(fraud_seal_open(back, &n, &secret,
                                     slice(much, FRAUD_SEAL_MAX_CONTEXT),
                                     slice(text, len)),
                     FRAUD_OK);
}

/* Two of the same differ; changed, moved, or for another key none opens. */
static void bound(void **state) {
    fraud_str_t context = FRAUD_STR("flg_a"), other = FRAUD_STR("flg_b");
    fraud_str_t data = FRAUD_STR("customer-4711");
    uint8_t back[FRAUD_SEAL_MAX_DATA];
    fraud_seal_secret_t stranger;
    char a[ROOM], b[ROOM], copy[ROOM];
    size_t alen, blen, n, i;

    (void)state;
    assert_int_equal(fraud_seal_close(a, &alen, &open, context, data),
                     FRAUD_OK);
    assert_int_equal(fraud_seal_close(b, &blen, &open, context, data),
                     FRAUD_OK);
    assert_int_equal(alen, blen);
    assert_memory_not_equal(a, b, alen);

    assert_int_equal(fraud_seal_open(back, &n, &secret, other, slice(a, alen)),
                     FRAUD_EINVAL);
    assert_int_equal(fraud_seal_keypair(&stranger), FRAUD_OK);
    assert_int_equal(
        fraud_seal_open(back, &n, &stranger, context, slice(a, alen)),
        FRAUD_EINVAL);
    for (i = 0; i < alen; i++) {
        memcpy(copy, a, alen);
        copy[i] = (char)(copy[i] ^ 0xfe);
        assert_int_equal(
            fraud_seal_open(back, &n, &secret, context, slice(copy, alen)),
            FRAUD_EINVAL);
        copy[i] = a[i] == 'A' ? 'B' : 'A';
        assert_int_equal(
            fraud_seal_open(back, &n, &secret, context, slice(copy, alen)),
            FRAUD_EINVAL);
        assert_int_equal(
            fraud_seal_open(back, &n, &secret, context, slice(a, i)),
            FRAUD_EINVAL);
    }
    memset(copy, 'A', sizeof(copy));
    assert_int_equal(
        fraud_seal_open(back, &n, &secret, context, slice(copy, sizeof(copy))),
        FRAUD_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_lines),    cmocka_unit_test(strange_lines),
        cmocka_unit_test(every_length), cmocka_unit_test(limits),
        cmocka_unit_test(bound),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, NULL);
}
