/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fraud_event.h"
#include "fraud_flag.h"
#include "fraud_seal.h"
#include "json.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define ID "flg_aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME32 "abcdefghijklmnopqrstuvwxyz012345"

static fraud_flag_t sample(void) {
    fraud_flag_t flag;
    size_t i;

    memset(&flag, 0, sizeof(flag));
    flag.policy = FRAUD_STR("asogen");
    flag.version = 3;
    for (i = 0; i < sizeof(flag.digest); i++) {
        flag.digest[i] = (uint8_t)i;
    }
    flag.node = FRAUD_STR("n3");
    flag.writer = FRAUD_STR("0123456789abcdef");
    flag.seq = 4711;
    flag.rule = FRAUD_STR("cred_stuffing");
    flag.family = FRAUD_STR("takeover");
    flag.rule_version = 4;
    flag.window = 600;
    flag.threshold = 20;
    flag.observed = 137;
    flag.signals[0] = FRAUD_STR("stuffing");
    flag.signals[1] = FRAUD_STR("bruteforce");
    flag.nsignals = 2;
    for (i = 0; i < sizeof(flag.pid.bytes); i++) {
        flag.pid.bytes[i] = (uint8_t)(0xf0 + i);
    }
    flag.epoch = 412;
    flag.seal = FRAUD_STR("AZaz09-_");
    flag.metered = 1;
    flag.amount = 1234;
    memcpy(flag.currency, "EUR", 4);
    flag.first_ms = 1795305600000u; /* 2026-11-22T00:00:00Z */
    flag.last_ms = flag.first_ms + 120000;
    flag.now_ms = flag.first_ms + 121000;
    flag.expiry_ms = flag.first_ms + 15552000000u;
    return flag;
}

/* Whole, once; what it is made of is checked against the schema in t/. */
static void whole_event(void **state) {
    static const char expected[] =
        "{\"specversion\":\"1.0\",\"type\":\"fraud.fraud.flag.v1\","
        "\"source\":\"/fraud/asogen\",\"id\":\"" ID "\","
        "\"time\":\"2026-11-22T00:02:00.000Z\","
        "\"recordedtime\":\"2026-11-22T00:02:01.000Z\","
        "\"datacontenttype\":\"application/json\","
        "\"dataschema\":\"urn:fraud:flag:1.0\",\"partitionkey\":\"6d\","
        "\"sequence\":\"000000000000004711\","
        "\"expirytime\":\"2027-05-21T00:00:00.000Z\","
        "\"dataclassification\":\"confidential\",\"dataregulation\":\"GDPR\","
        "\"datacategory\":\"standard\",\"policyid\":\"asogen.3\","
        "\"purpose\":\"fraud\",\"data\":{\"v\":1,\"profile\":\"asogen\","
        "\"profile_version\":3,\"profile_digest\":\"sha256:"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\","
        "\"origin\":{\"node\":\"n3\",\"boot\":\"0123456789abcdef\","
        "\"seq\":4711},\"subject\":{\"domain\":\"billing\",\"epoch\":412,"
        "\"pid\":\"p_6dy7f47u6x3pp6hz7l57z7p674\",\"seal\":\"AZaz09-_\"},"
        "\"attribution\":\"account\","
        "\"fraud\":{\"state\":\"suspected\",\"basis\":\"rule\"},"
        "\"damage\":{\"state\":\"suspected\",\"kind\":\"resource_metered\","
        "\"method\":\"metered\",\"amount_minor\":\"1234\","
        "\"currency\":\"EUR\"},\"rules\":[{\"id\":\"cred_stuffing\","
        "\"family\":\"takeover\",\"version\":4,\"window_s\":600,"
        "\"threshold\":20,\"observed\":137,\"feature\":\"stuffing\"}],"
        "\"evidence\":{\"count\":137,\"first\":\"2026-11-22T00:00:00.000Z\","
        "\"last\":\"2026-11-22T00:02:00.000Z\",\"signals\":2,"
        "\"names\":[\"stuffing\",\"bruteforce\"],\"root\":\"sha256:"
        "dedf56ea495b3e8500491e6f5c8652af61b6ec172c4a29c6868648a5ff684f72\"},"
        "\"supersedes\":null}}\n";
    uint8_t data[FRAUD_FLAG_MAX_BYTES];
    fraud_flag_t flag = sample();
    json_t json;
    size_t len;

    (void)state;
    assert_int_equal(fraud_flag_print(data, &len, &flag, ID), FRAUD_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(data, expected, len);
    assert_true(json_is_line(&json, data, len));
}

static void no_amount(void **state) {
    uint8_t data[FRAUD_FLAG_MAX_BYTES + 1];
    fraud_flag_t flag = sample();
    size_t len;

    (void)state;
    flag.metered = 0;
    flag.damage = FRAUD_DAMAGE_CHARGEBACK;
    assert_int_equal(fraud_flag_print(data, &len, &flag, ID), FRAUD_OK);
    data[len] = '\0';
    assert_non_null(strstr((char *)data, "\"damage\":{\"state\":\"suspected\","
                                         "\"kind\":\"chargeback\"},"));
    assert_null(strstr((char *)data, "EUR"));
    assert_null(strstr((char *)data, "amount"));
}

static void largest(void **state) {
    static char seal[FRAUD_SEAL_TEXT_LEN(FRAUD_SEAL_MAX_DATA)];
    static const char *const names[FRAUD_FLAG_SIGNALS] = {
        "a" NAME32, "b" NAME32, "c" NAME32, "d" NAME32,
        "e" NAME32, "f" NAME32, "g" NAME32, "h" NAME32};
    uint8_t data[FRAUD_FLAG_MAX_BYTES];
    fraud_flag_t flag = sample();
    json_t json;
    size_t len, i;

    (void)state;
    memset(seal, 'A', sizeof(seal));
    flag.seal = (fraud_str_t){(const uint8_t *)seal, sizeof(seal)};
    flag.policy = flag.rule = flag.family = flag.node = FRAUD_STR(NAME32);
    flag.version = flag.rule_version = 999999;
    flag.seq = 999999999999999999u;
    flag.threshold = flag.observed = UINT32_MAX;
    flag.window = 366 * 86400;
    flag.amount = FRAUD_FLAG_MAX_AMOUNT;
    flag.damage = FRAUD_DAMAGE_THIRD_PARTY;
    flag.epoch = UINT64_MAX;
    for (i = 0; i < FRAUD_FLAG_SIGNALS; i++) {
        flag.signals[i] = (fraud_str_t){(const uint8_t *)names[i], 32};
    }
    flag.nsignals = FRAUD_FLAG_SIGNALS;
    assert_int_equal(fraud_flag_print(data, &len, &flag, ID), FRAUD_OK);
    assert_true(len <= FRAUD_FLAG_MAX_BYTES);
    assert_true(json_is_line(&json, data, len));
}

#define REFUSED(change)                                                        \
    do {                                                                       \
        fraud_flag_t flag = sample();                                          \
        assert_int_equal(fraud_flag_print(data, &len, &flag, ID), FRAUD_OK);   \
        change;                                                                \
        assert_int_equal(fraud_flag_print(data, &len, &flag, ID),              \
                         FRAUD_EINVAL);                                        \
    } while (0)

static void what_no_event_has(void **state) {
    uint8_t data[FRAUD_FLAG_MAX_BYTES];
    size_t len;

    (void)state;
    REFUSED(flag.policy = FRAUD_STR(""));
    REFUSED(flag.policy = FRAUD_STR("As"));
    REFUSED(flag.policy = FRAUD_STR("x" NAME32));
    REFUSED(flag.version = 0);
    REFUSED(flag.version = 1000000);
    REFUSED(flag.node = FRAUD_STR("a b"));
    REFUSED(flag.writer = FRAUD_STR("0123456789abcde"));
    REFUSED(flag.writer = FRAUD_STR("0123456789ABCDEF"));
    REFUSED(flag.seq = 1000000000000000000u);
    REFUSED(flag.rule = FRAUD_STR("a\""));
    REFUSED(flag.family = FRAUD_STR(""));
    REFUSED(flag.rule_version = 0);
    REFUSED(flag.rule_version = 1000000);
    REFUSED(flag.window = 0);
    REFUSED(flag.window = 366 * 86400 + 1);
    REFUSED(flag.threshold = 0);
    REFUSED(flag.observed = 19);
    REFUSED(flag.nsignals = 0);
    REFUSED(flag.nsignals = FRAUD_FLAG_SIGNALS + 1);
    REFUSED(flag.signals[1] = FRAUD_STR("reputation.address"));
    REFUSED(flag.signals[1] = flag.signals[0]);
    REFUSED(flag.seal = FRAUD_STR(""));
    REFUSED(flag.seal = FRAUD_STR("a=b"));
    REFUSED(flag.damage = FRAUD_DAMAGE_N);
    REFUSED(flag.amount = 0);
    REFUSED(flag.amount = FRAUD_FLAG_MAX_AMOUNT + 1);
    REFUSED(memcpy(flag.currency, "Eur", 4));
    REFUSED(memcpy(flag.currency, "EU", 3));
    REFUSED(flag.first_ms = flag.last_ms + 1);
    REFUSED(flag.expiry_ms = flag.last_ms);
    REFUSED(flag.now_ms = UINT64_MAX);
    REFUSED(flag.expiry_ms = UINT64_MAX);
}

/* The id is of policy, rule, pid and window, and of nothing else. */
static void ids(void **state) {
    fraud_pid_key_t key = {{1, 2, 3}}, other = {{1, 2, 4}};
    fraud_flag_t flag = sample();
    char a[FRAUD_FLAG_ID_LEN], b[FRAUD_FLAG_ID_LEN];

    (void)state;
    fraud_flag_id(a, &key, &flag, 1200);
    assert_memory_equal(a, "flg_", 4);
    flag.seq++;
    flag.version++;
    flag.observed++;
    flag.epoch++;
    flag.node = FRAUD_STR("n4");
    fraud_flag_id(b, &key, &flag, 1200);
    assert_memory_equal(a, b, sizeof(a));

    fraud_flag_id(b, &key, &flag, 1800);
    assert_memory_not_equal(a, b, sizeof(a));
    fraud_flag_id(b, &key, &flag, 1200 + ((uint64_t)1 << 40));
    assert_memory_not_equal(a, b, sizeof(a));
    fraud_flag_id(b, &other, &flag, 1200);
    assert_memory_not_equal(a, b, sizeof(a));
    flag.pid.bytes[15] ^= 1;
    fraud_flag_id(b, &key, &flag, 1200);
    assert_memory_not_equal(a, b, sizeof(a));
    flag = sample();
    flag.rule = FRAUD_STR("cred_stuffin");
    fraud_flag_id(b, &key, &flag, 1200);
    assert_memory_not_equal(a, b, sizeof(a));
    /* no letter passes from one name to the other */
    flag = sample();
    flag.policy = FRAUD_STR("asogenc");
    flag.rule = FRAUD_STR("red_stuffing");
    fraud_flag_id(b, &key, &flag, 1200);
    assert_memory_not_equal(a, b, sizeof(a));
}

static void roots(void **state) {
    static const char text[] = ID "\ncred_stuffing 4\n600 20 137\n"
                                  "1795305600000 1795305720000\n"
                                  "stuffing\nbruteforce\n";
    uint8_t root[FRAUD_PID_DIGEST_LEN], expected[FRAUD_PID_DIGEST_LEN];
    fraud_flag_t flag = sample();

    (void)state;
    fraud_pid_digest(expected, text, strlen(text));
    fraud_flag_root(root, ID, &flag);
    assert_memory_equal(root, expected, sizeof(root));
    flag.observed++;
    fraud_flag_root(root, ID, &flag);
    assert_memory_not_equal(root, expected, sizeof(root));
}

static void damages(void **state) {
    fraud_damage_t damage;
    int i;

    (void)state;
    for (i = 0; i < FRAUD_DAMAGE_N; i++) {
        const char *name = fraud_damage_name((fraud_damage_t)i);
        fraud_str_t text = {(const uint8_t *)name, strlen(name)};

        assert_int_equal(fraud_damage_find(&damage, text), FRAUD_OK);
        assert_int_equal(damage, i);
        text.len--;
        assert_int_equal(fraud_damage_find(&damage, text), FRAUD_NOTFOUND);
    }
    assert_int_equal(fraud_damage_find(&damage, FRAUD_STR("")), FRAUD_NOTFOUND);
}

static void marks(void **state) {
    static const uint8_t known[FRAUD_FLAG_MARK_LEN] = {
        0xb0, 4, 0, 0, 0, 0, 0, 0x80, 8, 7, 6, 5, 4, 3, 2, 1, 4, 3, 2, 0xff, 1};
    static const fraud_flag_mark_t mark = {0x80000000000004b0u,
                                           0x0102030405060708u, 0xff020304u, 1};
    fraud_flag_mark_t back;
    uint8_t bytes[FRAUD_FLAG_MARK_LEN];

    (void)state;
    fraud_flag_mark_pack(bytes, &mark);
    assert_memory_equal(bytes, known, sizeof(bytes));
    fraud_flag_mark_unpack(&back, bytes, sizeof(bytes));
    assert_memory_equal(&back, &mark, sizeof(mark));
    fraud_flag_mark_unpack(&back, bytes, sizeof(bytes) - 1);
    assert_true(back.start == 0 && back.first_ms == 0 && back.host == 0 &&
                back.process == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_event), cmocka_unit_test(no_amount),
        cmocka_unit_test(largest),     cmocka_unit_test(what_no_event_has),
        cmocka_unit_test(ids),         cmocka_unit_test(roots),
        cmocka_unit_test(damages),     cmocka_unit_test(marks),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
