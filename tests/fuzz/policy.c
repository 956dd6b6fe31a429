/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A policy file of any bytes, and a good one in which any setting says
 * anything: what is accepted is the same after it was printed and read again,
 * and never looser than itself.
 */

#include "fraud_lines.h"
#include "fraud_policy.h"
#include "fraud_wording.h"
#include "fuzz.h"

#define MAX_TEXT 8192

static const char good[] =
    "[policy]\nname = fuzz\nversion = 1\nnotice = 2026-01-31\n"
    "effective = 2026-02-01\n[settings]\n";

/* In the order of the settings. */
static const char *const values[FRAUD_SETTING_N] = {
    "fraud,billing",
    "time,ip,path,ua,cookie,account",
    "time,path,ip_pid,acct_pid,rule",
    "keyed",
    "24h",
    "keyed",
    "security",
    "no",
    "session",
    "ignore",
    "none",
    "assist",
    "90d",
    "30d",
    "180d",
    "30d",
    "inf,k=10",
    "legal",
    "any",
    "default=never processor=token(necessary)",
    "review when fraud>=confirmed & damage>=suspected & attribution=account",
    "event=min(damage,5000) day=5000 account=balance",
    "hold=14d appeal=30d",
    "access,rectify,erase,object,export erase_within=30d inflight=void",
    "notice=30d(email) exit=none"};

static size_t count_lines(const char *text, size_t len) {
    size_t i, n = 1;

    for (i = 0; i < len; i++) {
        n += text[i] == '\n';
    }
    return n;
}

static void check_same(const fraud_policy_t *policy) {
    uint8_t first[FRAUD_POLICY_MAX_PRINT], second[FRAUD_POLICY_MAX_PRINT];
    fraud_policy_t again;
    fraud_buf_t a, b;
    fraud_err_t err;
    size_t i;

    fraud_buf_init(&a, first, sizeof(first));
    fraud_policy_print(&a, policy);
    CLAIM(!a.full);
    CLAIM(fraud_policy_parse(&again, (const char *)first, a.len, &err) ==
          FRAUD_OK);
    CLAIM(memcmp(&again.settings, &policy->settings,
                 sizeof(again.settings)) == 0);
    CLAIM(memcmp(again.digest, policy->digest, sizeof(again.digest)) == 0);
    CLAIM(fraud_policy_loosens(policy, &again) == 0);
    CLAIM(fraud_policy_due(policy, &again) == policy->effective);
    for (i = 0; i < FRAUD_SETTING_N; i++) {
        (void)fraud_policy_basis(policy, (fraud_setting_id_t)i);
        fraud_buf_init(&b, second, sizeof(second));
        fraud_lines_quote(&b, policy->comment[i]);
        CLAIM(b.len < sizeof(second));
    }
}

static int parse(const char *text, size_t len) {
    char *exact = copy(text, len);
    fraud_policy_t policy;
    fraud_err_t err;
    fraud_rc rc;

    rc = fraud_policy_parse(&policy, exact, len, &err);
    CLAIM(rc == FRAUD_OK || rc == FRAUD_EINVAL);
    if (rc == FRAUD_OK) {
        check_same(&policy);
        CLAIM(err.why[0] == '\0');
    } else {
        CLAIM(err.why[0] != '\0' && memchr(err.why, '\0', sizeof(err.why)));
        CLAIM(err.line <= count_lines(exact, len));
    }
    free(exact);
    return rc == FRAUD_OK;
}

static size_t add(char *to, size_t at, const void *data, size_t len) {
    CLAIM(len <= MAX_TEXT - at);
    memcpy(to + at, data, len);
    return at + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    char text[MAX_TEXT], value[64];
    size_t i, at, len;
    uint32_t edits;

    (void)parse((const char *)data, size);
    edits = cut_u32(&in);
    at = add(text, 0, good, sizeof(good) - 1);
    for (i = 0; i < FRAUD_SETTING_N; i++) {
        const char *name = fraud_setting_get((fraud_setting_id_t)i)->name;

        at = add(text, at, name, strlen(name));
        at = add(text, at, " = ", 3);
        if ((edits & FRAUD_SETTING_BIT(i)) != 0) {
            len = cut_u8(&in) % sizeof(value);
            len = len < in.len ? len : in.len;
            cut(&in, value, len);
            at = add(text, at, value, len);
        } else {
            at = add(text, at, values[i], strlen(values[i]));
        }
        at = add(text, at, "\n", 1);
    }
    CLAIM(parse(text, at) || (edits & (FRAUD_SETTING_BIT(25) - 1)) != 0);
    return 0;
}
