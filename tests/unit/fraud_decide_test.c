/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_decide.h"
#include "fraud_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define FILES 5
#define ROUNDS 200000

static const char *const files[FILES] = {"asogen", "asergo", "aseptsoft",
                                         "kirim-email", "apsen-mail"};

static fraud_settings_t shipped[FILES];

static int read_policies(void **state) {
    static char text[FRAUD_POLICY_MAX_BYTES];
    fraud_policy_t policy;
    fraud_err_t err;
    char path[128];
    size_t i, len;
    FILE *in;

    (void)state;
    for (i = 0; i < FILES; i++) {
        (void)snprintf(path, sizeof(path), "../conf/policies/%s.policy",
                       files[i]);
        in = fopen(path, "rb");
        if (in == NULL) {
            return -1;
        }
        len = fread(text, 1, sizeof(text), in);
        (void)fclose(in);
        if (fraud_policy_parse(&policy, text, len, &err) != FRAUD_OK) {
            return -1;
        }
        shipped[i] = policy.settings;
    }
    return 0;
}

/* splitmix64: the same numbers in every run */
static uint64_t seed;

static uint64_t draw(uint64_t n) {
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % n;
}

static const fraud_ledger_view_t rich = {0, 0, 0, 1000000};

static fraud_decision_t decide(const fraud_settings_t *settings,
                               const fraud_incident_t *incident,
                               const fraud_ledger_view_t *ledger) {
    fraud_decision_t decision;

    memset(&decision, 0x5a, sizeof(decision));
    fraud_decide(&decision, settings, incident, ledger);
    assert_in_range(decision.verdict, FRAUD_FORBID, FRAUD_REVIEW);
    assert_in_range(decision.reason, 0, FRAUD_REASON_N - 1);
    assert_int_equal(decision.verdict == FRAUD_REVIEW,
                     decision.reason == FRAUD_REASON_NONE);
    assert_int_equal(decision.verdict == FRAUD_REVIEW,
                     decision.max_amount != 0);
    return decision;
}

/* All combinations: a person may decide in three of them. */
static void truth_table(void **state) {
    static const struct {
        fraud_harm_t harm;
    } review[] = {
        {FRAUD_HARM_SUSPECTED}, {FRAUD_HARM_ASSESSED}, {FRAUD_HARM_PROVEN}};
    fraud_incident_t incident = {0};
    size_t policy, fraud, harm, by, i, asked = 0, found = 0;
    fraud_decision_t decision;
    int expect;

    (void)state;
    incident.amount = 1234;
    for (policy = 0; policy < FILES; policy++) {
        for (fraud = 0; fraud < FRAUD_STATE_N; fraud++) {
            for (harm = 0; harm < FRAUD_HARM_N; harm++) {
                for (by = 0; by < FRAUD_BY_N; by++) {
                    incident.fraud = (fraud_state_t)fraud;
                    incident.harm = (fraud_harm_t)harm;
                    incident.by = (fraud_by_t)by;
                    decision = decide(&shipped[policy], &incident, &rich);
                    expect = 0;
                    for (i = 0; i < N(review); i++) {
                        expect |=
                            policy == 0 && fraud == FRAUD_STATE_CONFIRMED &&
                            by == FRAUD_BY_ACCOUNT && harm == review[i].harm;
                    }
                    assert_int_equal(decision.verdict, expect);
                    assert_int_equal(decision.max_amount, expect ? 1234 : 0);
                    found += decision.verdict == FRAUD_REVIEW;
                    asked++;
                }
            }
        }
    }
    assert_int_equal(asked, 225);
    assert_int_equal(found, 3);
}

static fraud_incident_t good(void) {
    fraud_incident_t incident = {FRAUD_STATE_CONFIRMED, FRAUD_HARM_SUSPECTED,
                                 FRAUD_BY_ACCOUNT, 0, 1234};

    return incident;
}

/* What forbids, each alone, says so. */
static void reasons(void **state) {
    fraud_settings_t settings;
    fraud_incident_t incident;

    (void)state;
#define FORBIDS(why)                                                           \
    assert_int_equal(decide(&settings, &incident, &rich).reason, why);         \
    settings = shipped[0];                                                     \
    incident = good()

    settings = shipped[0];
    incident = good();
    FORBIDS(FRAUD_REASON_NONE);
    settings.deduct = FRAUD_DEDUCT_FORBID;
    FORBIDS(FRAUD_REASON_POLICY);
    settings.deduct = FRAUD_DEDUCT_SUSPECTED + 1;
    FORBIDS(FRAUD_REASON_POLICY);
    settings.automation = FRAUD_AUTOMATION_NONE;
    FORBIDS(FRAUD_REASON_POLICY);
    settings.purpose &= ~FRAUD_SETTING_BIT(FRAUD_PURPOSE_FRAUD);
    FORBIDS(FRAUD_REASON_PURPOSE);
    settings.purpose &= ~FRAUD_SETTING_BIT(FRAUD_PURPOSE_BILLING);
    FORBIDS(FRAUD_REASON_PURPOSE);
    incident.by = FRAUD_BY_DEVICE;
    FORBIDS(FRAUD_REASON_ATTRIBUTION);
    incident.by = FRAUD_BY_NETWORK;
    FORBIDS(FRAUD_REASON_ATTRIBUTION);
    incident.by = FRAUD_BY_N;
    FORBIDS(FRAUD_REASON_ATTRIBUTION);
    incident.fraud = FRAUD_STATE_SUSPECTED;
    FORBIDS(FRAUD_REASON_SUSPECTED);
    incident.fraud = FRAUD_STATE_N;
    FORBIDS(FRAUD_REASON_SUSPECTED);
    incident.fraud = FRAUD_STATE_REFUTED;
    FORBIDS(FRAUD_REASON_REFUTED);
    incident.harm = FRAUD_HARM_NONE;
    FORBIDS(FRAUD_REASON_DAMAGE);
    incident.harm = FRAUD_HARM_DISPROVEN;
    FORBIDS(FRAUD_REASON_DAMAGE);
    incident.harm = FRAUD_HARM_N;
    FORBIDS(FRAUD_REASON_DAMAGE);
    settings.deduct = FRAUD_DEDUCT_ASSESSED;
    FORBIDS(FRAUD_REASON_DAMAGE);
    settings.deduct = FRAUD_DEDUCT_PROVEN;
    incident.harm = FRAUD_HARM_ASSESSED;
    FORBIDS(FRAUD_REASON_DAMAGE);
    settings.deduct = FRAUD_DEDUCT_PROVEN;
    incident.harm = FRAUD_HARM_PROVEN;
    FORBIDS(FRAUD_REASON_NONE);
    incident.amount = 0;
    FORBIDS(FRAUD_REASON_METHOD);
    incident.restricted = 1;
    FORBIDS(FRAUD_REASON_RESTRICTED);
    settings.cap_event = 0;
    FORBIDS(FRAUD_REASON_CAP_EVENT);
    settings.cap_day = 0;
    FORBIDS(FRAUD_REASON_CAP_DAY);
    settings.cap_account = FRAUD_CAP_ZERO;
    FORBIDS(FRAUD_REASON_CAP_ACCOUNT);
    settings.cap_account = FRAUD_CAP_BALANCE + 1;
    FORBIDS(FRAUD_REASON_CAP_ACCOUNT);
#undef FORBIDS
}

/* The least of damage, caps and balance, to the minor unit. */
static void maximum(void **state) {
    static const struct {
        uint64_t amount, cap_event, cap_day;
        fraud_ledger_view_t ledger;
        uint64_t max;
        fraud_reason_t reason;
    } cases[] = {
        {1234, 5000, 5000, {0, 0, 0, 9999}, 1234, FRAUD_REASON_NONE},
        {5001, 5000, 9000, {0, 0, 0, 9999}, 5000, FRAUD_REASON_NONE},
        {5001, 9000, 5000, {0, 0, 0, 9999}, 5000, FRAUD_REASON_NONE},
        {5001, 9000, 9000, {0, 0, 0, 4999}, 4999, FRAUD_REASON_NONE},
        {5001, 9000, 9000, {5000, 0, 0, 9999}, 1, FRAUD_REASON_NONE},
        {5001, 9000, 9000, {5001, 0, 0, 9999}, 0, FRAUD_REASON_DAMAGE},
        {5001, 9000, 9000, {5002, 0, 0, 9999}, 0, FRAUD_REASON_DAMAGE},
        {9999, 5000, 9000, {4999, 4999, 0, 9999}, 1, FRAUD_REASON_NONE},
        {9999, 5000, 9000, {5000, 5000, 0, 9999}, 0, FRAUD_REASON_CAP_EVENT},
        {9999, 5000, 5000, {0, 4999, 0, 9999}, 1, FRAUD_REASON_NONE},
        {9999, 5000, 5000, {0, 5000, 0, 9999}, 0, FRAUD_REASON_CAP_DAY},
        {9999, 5000, 5000, {0, UINT64_MAX, 0, 9999}, 0, FRAUD_REASON_CAP_DAY},
        {9999, 5000, 5000, {0, 0, UINT64_MAX, 1}, 1, FRAUD_REASON_NONE},
        {9999, 5000, 5000, {0, 0, 0, 0}, 0, FRAUD_REASON_BALANCE},
        {UINT64_MAX,
         UINT32_MAX,
         UINT32_MAX,
         {0, 0, 0, UINT64_MAX},
         UINT32_MAX,
         FRAUD_REASON_NONE},
    };
    fraud_settings_t settings = shipped[0];
    fraud_incident_t incident = good();
    fraud_decision_t decision;
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        settings.cap_event = (uint32_t)cases[i].cap_event;
        settings.cap_day = (uint32_t)cases[i].cap_day;
        incident.amount = cases[i].amount;
        decision = decide(&settings, &incident, &cases[i].ledger);
        assert_int_equal(decision.max_amount, cases[i].max);
        assert_int_equal(decision.reason, cases[i].reason);
    }
}

static void draw_settings(fraud_settings_t *settings) {
    *settings = shipped[draw(8) == 0 ? draw(FILES) : 0];
    if (draw(8) == 0) {
        settings->purpose &= (uint32_t)draw(UINT64_C(1) << 32);
    }
    settings->deduct = (uint32_t)(draw(3) ? FRAUD_DEDUCT_SUSPECTED : draw(5));
    settings->automation = (uint32_t)(draw(8) ? 1 : draw(3));
    settings->cap_event = (uint32_t)draw(2000);
    settings->cap_day = (uint32_t)draw(2000);
    settings->cap_account = (uint32_t)(draw(8) ? 1 : draw(3));
    settings->window_hold = (uint32_t)draw(100);
    settings->window_appeal = (uint32_t)draw(100);
    settings->inflight = (uint32_t)draw(2);
}

/* Nobody who is stricter allows more: neither a policy nor what is known. */
static void monotony(void **state) {
    fraud_settings_t then, now, meet, other;
    fraud_incident_t incident, less;
    fraud_ledger_view_t ledger, used;
    fraud_decision_t both, one, two;
    size_t i, reviews = 0;

    (void)state;
    seed = 1;
    for (i = 0; i < ROUNDS; i++) {
        draw_settings(&then);
        draw_settings(&now);
        incident.fraud = (fraud_state_t)(draw(8) ? 1 : draw(FRAUD_STATE_N + 1));
        incident.harm = (fraud_harm_t)draw(FRAUD_HARM_N + 1);
        incident.by = (fraud_by_t)(draw(8) ? 0 : draw(FRAUD_BY_N + 1));
        incident.restricted = draw(8) == 0;
        incident.amount = draw(2000);
        ledger.used_incident = draw(1000);
        ledger.used_day = draw(1000);
        ledger.used_account = draw(1000);
        ledger.balance = draw(2000);

        fraud_decide_meet(&meet, &then, &now);
        fraud_decide_meet(&other, &now, &then);
        both = decide(&meet, &incident, &ledger);
        one = decide(&then, &incident, &ledger);
        two = decide(&now, &incident, &ledger);
        assert_true(both.max_amount <= one.max_amount);
        assert_true(both.max_amount <= two.max_amount);
        assert_true(meet.window_hold >= then.window_hold);
        assert_true(meet.window_hold >= now.window_hold);
        assert_true(meet.window_appeal >= then.window_appeal);
        assert_true(meet.window_appeal >= now.window_appeal);
        assert_true(meet.inflight <= then.inflight);
        assert_true(meet.inflight <= now.inflight);
        assert_int_equal(decide(&other, &incident, &ledger).max_amount,
                         both.max_amount);

        less = incident;
        less.amount = draw(less.amount + 1);
        assert_true(decide(&meet, &less, &ledger).max_amount <=
                    both.max_amount);
        used = ledger;
        used.used_incident += draw(100);
        used.used_day += draw(100);
        used.balance = draw(used.balance + 1);
        assert_true(decide(&meet, &incident, &used).max_amount <=
                    both.max_amount);

        /* what was decided on still fits into everything */
        assert_true(both.max_amount <= incident.amount);
        assert_true(both.max_amount <= ledger.balance);
        if (both.verdict == FRAUD_REVIEW) {
            reviews++;
            assert_true(both.max_amount + ledger.used_incident <=
                        meet.cap_event);
            assert_true(both.max_amount + ledger.used_day <= meet.cap_day);
        }

        fraud_decide_meet(&then, &then, &now);
        assert_memory_equal(&then, &meet, sizeof(meet));
    }
    assert_true(reviews > ROUNDS / 100);
}

static void reviewable(void **state) {
    (void)state;
    assert_int_equal(fraud_decide_reviewable(2, 20, FRAUD_BY_ACCOUNT), 1);
    assert_int_equal(fraud_decide_reviewable(1, 20, FRAUD_BY_ACCOUNT), 0);
    assert_int_equal(fraud_decide_reviewable(2, 19, FRAUD_BY_ACCOUNT), 0);
    assert_int_equal(fraud_decide_reviewable(9, 99, FRAUD_BY_DEVICE), 0);
    assert_int_equal(fraud_decide_reviewable(9, 99, FRAUD_BY_NETWORK), 0);
}

/* S: suspected, C: confirmed, R: refuted */
static void bases(void **state) {
    static const char *const may[FRAUD_BASIS_N + 1] = {
        [FRAUD_BASIS_RULE] = "S",
        [FRAUD_BASIS_ISSUER] = "S",
        [FRAUD_BASIS_REVIEWER] = "CR",
        [FRAUD_BASIS_ADMISSION] = "C",
        [FRAUD_BASIS_DISPUTE_LOST] = "C",
        [FRAUD_BASIS_DISPUTE_WON] = "R",
        [FRAUD_BASIS_APPEAL] = "R",
        [FRAUD_BASIS_COURT] = "C",
        [FRAUD_BASIS_N] = "",
    };
    size_t basis, state_;

    (void)state;
    for (basis = 0; basis <= FRAUD_BASIS_N; basis++) {
        for (state_ = 0; state_ <= FRAUD_STATE_N; state_++) {
            assert_int_equal(fraud_decide_may_set((fraud_basis_t)basis,
                                                  (fraud_state_t)state_),
                             state_ < FRAUD_STATE_N &&
                                 strchr(may[basis], "SCR"[state_]) != NULL);
        }
    }
}

static void words(void **state) {
    size_t i, k;

    (void)state;
    for (i = 0; i < FRAUD_REASON_N; i++) {
        assert_true(strlen(fraud_reason_name((fraud_reason_t)i)) > 3);
        assert_true(strlen(fraud_reason_words((fraud_reason_t)i)) > 10);
        for (k = 0; k < i; k++) {
            assert_string_not_equal(fraud_reason_name((fraud_reason_t)i),
                                    fraud_reason_name((fraud_reason_t)k));
        }
    }
    assert_string_equal(fraud_reason_name(FRAUD_REASON_N), "");
    assert_string_equal(fraud_reason_words(FRAUD_REASON_N), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truth_table), cmocka_unit_test(reasons),
        cmocka_unit_test(maximum),     cmocka_unit_test(monotony),
        cmocka_unit_test(reviewable),  cmocka_unit_test(bases),
        cmocka_unit_test(words),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("fraud_decide", tests, read_policies,
                                       NULL);
}
