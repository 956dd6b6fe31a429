/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_hook.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* The test vector of Standard Webhooks, computed once more by openssl. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define AT 1614265330u
#define STAMP "1614265330"
#define BODY "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

#define RETIRED "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static fraud_str_t str(const char *text) {
    fraud_str_t s = {(const uint8_t *)text, strlen(text)};

    return s;
}

static fraud_hook_secret_t secret_of(const char *text) {
    fraud_hook_secret_t secret;

    assert_int_equal(fraud_hook_secret(&secret, str(text)), FRAUD_OK);
    return secret;
}

/* The header at the end of its memory, so that no byte behind it is read. */
static fraud_rc verify_at(const char *secret, const char *id, const char *stamp,
                          const char *signatures, const char *body,
                          uint64_t now) {
    fraud_hook_secret_t one = secret_of(secret);
    fraud_str_t exact = {NULL, strlen(signatures)};
    char *copy = malloc(exact.len + 1);
    fraud_rc rc;

    assert_non_null(copy);
    exact.data = (const uint8_t *)copy + 1;
    memcpy(copy + 1, signatures, exact.len);
    rc = fraud_hook_verify(&one, 1, str(id), str(stamp), exact, str(body), now);
    free(copy);
    return rc;
}

static fraud_rc verify(const char *signatures) {
    return verify_at(SECRET, ID, STAMP, signatures, BODY, AT);
}

static void is_the_vector(void **state) {
    fraud_hook_secret_t secret = secret_of(SECRET);
    char signature[FRAUD_HOOK_SIGNATURE + 1];

    (void)state;
    signature[FRAUD_HOOK_SIGNATURE] = '!';
    assert_int_equal(
        fraud_hook_sign(signature, &secret, str(ID), AT, str(BODY)), FRAUD_OK);
    assert_memory_equal(signature, SIGNATURE "!", sizeof(signature));
    assert_int_equal(verify(SIGNATURE), FRAUD_OK);
    fraud_hook_wipe(&secret);
    assert_int_equal(secret.len, 0);
    assert_int_equal(secret.bytes[0], 0);
}

/* By openssl: an empty body, the time 0, and a key of 64 bytes of 0xff. */
static void signs_at_the_edges(void **state) {
    static const char empty[] =
        "v1,rSa6BzQPy73d/d9mLh5mTJ1Ma7J1bxzHSV6a5sUfswE=";
    static const char zero[] =
        "v1,i5G8/QJeh9cuuHD7mJAzhYRWbE5UN3EBj+3rxqrmmAI=";
    fraud_hook_secret_t secret = secret_of(SECRET);
    char signature[FRAUD_HOOK_SIGNATURE];

    (void)state;
    assert_int_equal(fraud_hook_sign(signature, &secret, str("a"), AT, str("")),
                     FRAUD_OK);
    assert_memory_equal(signature, empty, sizeof(signature));
    memset(secret.bytes, 0xff, sizeof(secret.bytes));
    secret.len = sizeof(secret.bytes);
    assert_int_equal(fraud_hook_sign(signature, &secret, str("a"), 0, str("b")),
                     FRAUD_OK);
    assert_memory_equal(signature, zero, sizeof(signature));
}

static void ids_have_no_point(void **state) {
    fraud_hook_secret_t secret = secret_of(SECRET);
    char signature[FRAUD_HOOK_SIGNATURE + 1] = {0};

    (void)state;
    assert_int_equal(
        fraud_hook_sign(signature, &secret, str("a.b"), AT, str("")),
        FRAUD_EINVAL);
    assert_int_equal(fraud_hook_sign(signature, &secret, str(""), AT, str("")),
                     FRAUD_EINVAL);
    /* "a.1614265330" and "1614265330" would be signed like this one */
    assert_int_equal(
        fraud_hook_sign(signature, &secret, str("a"), AT, str("1614265330.b")),
        FRAUD_OK);
    assert_int_equal(verify_at(SECRET, "a", STAMP, "v1,", "x", AT),
                     FRAUD_EINVAL);
    assert_int_equal(
        verify_at(SECRET, "a.1614265330", STAMP, signature, "b", AT),
        FRAUD_EINVAL);
}

static void clocks_differ(void **state) {
    static const struct {
        int64_t by;
        fraud_rc rc;
    } cases[] = {{0, FRAUD_OK},        {1, FRAUD_OK},
                 {300, FRAUD_OK},      {301, FRAUD_EINVAL},
                 {360, FRAUD_EINVAL},  {-1, FRAUD_OK},
                 {-300, FRAUD_OK},     {-301, FRAUD_EINVAL},
                 {-360, FRAUD_EINVAL}, {86400, FRAUD_EINVAL}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(verify_at(SECRET, ID, STAMP, SIGNATURE, BODY,
                                   (uint64_t)(AT + cases[i].by)),
                         cases[i].rc);
    }
}

static void what_was_altered_is_refused(void **state) {
    static const char *const stamps[] = {
        "1614265331",   "1614265329",          "+1614265330",
        " 1614265330",  "1614265330 ",         "",
        "1614265330x",  "0x60381e72",          "-1",
        "1614265330.0", "99999999999999999999", "01614265330"};
    char bad[] = SIGNATURE;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
        assert_int_equal(verify_at(SECRET, ID, stamps[i], SIGNATURE, BODY, AT),
                         FRAUD_EINVAL);
    }
    assert_int_equal(verify_at(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJeK", STAMP,
                               SIGNATURE, BODY, AT),
                     FRAUD_EINVAL);
    assert_int_equal(
        verify_at(SECRET, ID, STAMP, SIGNATURE, "{\"test\": 2432232315}", AT),
        FRAUD_EINVAL);
    assert_int_equal(verify_at(SECRET, ID, STAMP, SIGNATURE, BODY "\n", AT),
                     FRAUD_EINVAL);
    assert_int_equal(verify_at(RETIRED, ID, STAMP, SIGNATURE, BODY, AT),
                     FRAUD_EINVAL);
    for (i = 0; i < sizeof(bad) - 1; i++) {
        bad[i] ^= 1;
        assert_int_equal(verify(bad), FRAUD_EINVAL);
        bad[i] ^= 1;
    }
    assert_int_equal(verify(bad), FRAUD_OK);
}

static void one_of_several(void **state) {
    fraud_hook_secret_t both[2];
    char other[FRAUD_HOOK_SIGNATURE + 1] = {0};

    (void)state;
    both[0] = secret_of(RETIRED);
    both[1] = secret_of(SECRET);
    assert_int_equal(fraud_hook_sign(other, &both[0], str(ID), AT, str(BODY)),
                     FRAUD_OK);
    assert_int_equal(fraud_hook_verify(both, 2, str(ID), str(STAMP),
                                       str(SIGNATURE), str(BODY), AT),
                     FRAUD_OK);
    assert_int_equal(fraud_hook_verify(both, 2, str(ID), str(STAMP), str(other),
                                       str(BODY), AT),
                     FRAUD_OK);
    assert_int_equal(fraud_hook_verify(both, 1, str(ID), str(STAMP),
                                       str(SIGNATURE), str(BODY), AT),
                     FRAUD_EINVAL);
    assert_int_equal(fraud_hook_verify(both, 0, str(ID), str(STAMP),
                                       str(SIGNATURE), str(BODY), AT),
                     FRAUD_EINVAL);
    assert_int_equal(verify("v1a,AAAA  v2,x " SIGNATURE " "), FRAUD_OK);
    assert_int_equal(verify(SIGNATURE " v1,x"), FRAUD_OK);
    assert_int_equal(verify(""), FRAUD_EINVAL);
    assert_int_equal(verify(SIGNATURE "x"), FRAUD_EINVAL);
    assert_int_equal(verify("x" SIGNATURE), FRAUD_EINVAL);
    assert_int_equal(verify("a b c d e f g " SIGNATURE), FRAUD_OK);
    assert_int_equal(verify("a b c d e f g h " SIGNATURE), FRAUD_EINVAL);
}

static void secrets_are_strict(void **state) {
    static const char *const bad[] = {
        "", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",      /* three of four */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==",     /* 22 bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=",     /* 23 bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAB==", /* bits left over */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAB=",
        "whsec_MfKQ9r8G=YqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ==8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwA===",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-",
        "whsec_MfKQ9r8GKYqr TwjUPD8ILPZIo2LaLaS"};
    char text[6 + 88 + 1] = "whsec_";
    fraud_hook_secret_t secret;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(fraud_hook_secret(&secret, str(bad[i])), FRAUD_EINVAL);
        assert_int_equal(secret.len, 0);
    }
    secret = secret_of(" \t" SECRET "\r\n");
    assert_int_equal(secret.len, 24);
    assert_int_equal(secret.bytes[0], 0x31);
    assert_int_equal(secret.bytes[23], 0xb0);
    secret = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAA==");
    assert_int_equal(secret.len, 25);
    secret = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAA=");
    assert_int_equal(secret.len, 26);
    memset(text + 6, 'A', 88);
    text[6 + 87] = '=';
    assert_int_equal(fraud_hook_secret(&secret, str(text)), FRAUD_EINVAL);
    text[6 + 86] = '=';
    secret = secret_of(text);
    assert_int_equal(secret.len, FRAUD_HOOK_SECRET_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_vector),
        cmocka_unit_test(signs_at_the_edges),
        cmocka_unit_test(ids_have_no_point),
        cmocka_unit_test(clocks_differ),
        cmocka_unit_test(what_was_altered_is_refused),
        cmocka_unit_test(one_of_several),
        cmocka_unit_test(secrets_are_strict),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
