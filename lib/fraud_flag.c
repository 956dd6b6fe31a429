/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_flag.h"

#include "fraud_event.h"
#include "fraud_policy.h"
#include "fraud_seal.h"
#include "fraud_spool.h"
#include "fraud_str.h"

#include <string.h>

#define SEQUENCE_DIGITS 18
#define SEQUENCE_MAX 999999999999999999u
#define VERSION_MAX 999999u
#define WINDOW_MAX (366u * 86400u)
#define YEAR_10000_MS 253402300800000u
#define PID_TEXT_LEN (2 + FRAUD_PID_TEXT_LEN) /* "p_" */
#define DIGEST_TEXT_LEN (7 + 2 * FRAUD_PID_DIGEST_LEN)
#define PREFIX "/fraud/"

static const char *const damages[FRAUD_DAMAGE_N] = {
    [FRAUD_DAMAGE_METERED] = "resource_metered",
    [FRAUD_DAMAGE_CHARGEBACK] = "chargeback",
    [FRAUD_DAMAGE_THIRD_PARTY] = "third_party_claim",
    [FRAUD_DAMAGE_REMEDIATION] = "remediation",
    [FRAUD_DAMAGE_REPUTATION] = "reputational"};

static uint8_t *put_uint(uint8_t *p, uint64_t value, size_t len) {
    size_t i;

    for (i = 0; i < len; i++) {
        *p++ = (uint8_t)(value >> 8 * i & 0xff);
    }
    return p;
}

/* What is written after each other is never read as something else. */
static void put_sized(fraud_buf_t *buf, fraud_str_t text) {
    fraud_buf_char(buf, (char)text.len);
    fraud_buf_add(buf, text.data, text.len);
}

void fraud_flag_id(char *id, const fraud_pid_key_t *key,
                   const fraud_flag_t *flag, uint64_t start) {
    uint8_t data[2 * (1 + FRAUD_NAME_MAX) + FRAUD_PID_LEN + 8];
    fraud_pid_t pid;
    fraud_buf_t buf;
    uint8_t when[8];

    (void)put_uint(when, start, sizeof(when));
    fraud_buf_init(&buf, data, sizeof(data));
    put_sized(&buf, flag->policy);
    put_sized(&buf, flag->rule);
    fraud_buf_add(&buf, flag->pid.bytes, FRAUD_PID_LEN);
    fraud_buf_add(&buf, when, sizeof(when));
    fraud_pid_make(&pid, key, FRAUD_STR("flag"), data, buf.len);
    memcpy(id, "flg_", 4);
    fraud_pid_encode(id + 4, &pid);
}

static int is_made_of(fraud_str_t text, size_t min, size_t max,
                      const char *set) {
    size_t i;

    if (text.len < min || text.len > max) {
        return 0;
    }
    for (i = 0; i < text.len; i++) {
        if (text.data[i] == '\0' || strchr(set, text.data[i]) == NULL) {
            return 0;
        }
    }
    return 1;
}

static int is_name(fraud_str_t text) {
    return fraud_str_is_name((const char *)text.data, text.len);
}

static int has_signals(const fraud_flag_t *flag) {
    size_t i, j;

    if (flag->nsignals == 0 || flag->nsignals > FRAUD_FLAG_SIGNALS) {
        return 0;
    }
    for (i = 0; i < flag->nsignals; i++) {
        if (!is_name(flag->signals[i])) {
            return 0;
        }
        for (j = 0; j < i; j++) {
            if (flag->signals[i].len == flag->signals[j].len &&
                memcmp(flag->signals[i].data, flag->signals[j].data,
                       flag->signals[i].len) == 0) {
                return 0;
            }
        }
    }
    return 1;
}

static int has_damage(const fraud_flag_t *flag) {
    fraud_str_t currency = {(const uint8_t *)flag->currency, 3};

    if ((unsigned)flag->damage >= FRAUD_DAMAGE_N) {
        return 0;
    }
    return !flag->metered ||
           (flag->amount > 0 && flag->amount <= FRAUD_FLAG_MAX_AMOUNT &&
            is_made_of(currency, 3, 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
}

static int has_times(const fraud_flag_t *flag) {
    return flag->first_ms <= flag->last_ms && flag->last_ms < YEAR_10000_MS &&
           flag->now_ms < YEAR_10000_MS && flag->expiry_ms < YEAR_10000_MS &&
           flag->expiry_ms > flag->last_ms;
}

static int is_flag(const fraud_flag_t *flag) {
    return is_made_of(flag->policy, 1, FRAUD_NAME_MAX,
                      "abcdefghijklmnopqrstuvwxyz0123456789-_") &&
           flag->version > 0 && flag->version <= FRAUD_POLICY_MAX_VERSION &&
           is_name(flag->node) &&
           is_made_of(flag->writer, FRAUD_SPOOL_WRITER_LEN,
                      FRAUD_SPOOL_WRITER_LEN, "0123456789abcdef") &&
           flag->seq <= SEQUENCE_MAX && is_name(flag->rule) &&
           is_name(flag->family) && flag->rule_version > 0 &&
           flag->rule_version <= VERSION_MAX && flag->window > 0 &&
           flag->window <= WINDOW_MAX && flag->threshold > 0 &&
           flag->observed >= flag->threshold && has_signals(flag) &&
           is_made_of(flag->seal, 1, FRAUD_SEAL_TEXT_LEN(FRAUD_SEAL_MAX_DATA),
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                      "0123456789-_") &&
           has_damage(flag) && has_times(flag);
}

void fraud_flag_root(uint8_t root[FRAUD_PID_DIGEST_LEN], const char *id,
                     const fraud_flag_t *flag) {
    uint8_t data[FRAUD_FLAG_ID_LEN + 1 + FRAUD_NAME_MAX + 12 + 3 * 11 + 2 * 21 +
                 FRAUD_FLAG_SIGNALS * (FRAUD_NAME_MAX + 1)];
    fraud_buf_t buf;
    size_t i;

    fraud_buf_init(&buf, data, sizeof(data));
    fraud_buf_add(&buf, id, FRAUD_FLAG_ID_LEN);
    fraud_buf_char(&buf, '\n');
    fraud_buf_add(&buf, flag->rule.data, flag->rule.len);
    fraud_buf_char(&buf, ' ');
    fraud_buf_uint(&buf, flag->rule_version, 1);
    fraud_buf_char(&buf, '\n');
    fraud_buf_uint(&buf, flag->window, 1);
    fraud_buf_char(&buf, ' ');
    fraud_buf_uint(&buf, flag->threshold, 1);
    fraud_buf_char(&buf, ' ');
    fraud_buf_uint(&buf, flag->observed, 1);
    fraud_buf_char(&buf, '\n');
    fraud_buf_uint(&buf, flag->first_ms, 1);
    fraud_buf_char(&buf, ' ');
    fraud_buf_uint(&buf, flag->last_ms, 1);
    fraud_buf_char(&buf, '\n');
    for (i = 0; i < flag->nsignals; i++) {
        fraud_buf_add(&buf, flag->signals[i].data, flag->signals[i].len);
        fraud_buf_char(&buf, '\n');
    }
    fraud_pid_digest(root, data, buf.len);
}

static void put_text(fraud_event_t *event, fraud_str_t key, const char *text) {
    fraud_event_str(event, key, text, strlen(text));
}

static void put_slice(fraud_event_t *event, fraud_str_t key, fraud_str_t text) {
    fraud_event_str(event, key, text.data, text.len);
}

static void put_digest(fraud_event_t *event, fraud_str_t key,
                       const uint8_t *digest) {
    static const char digits[] = "0123456789abcdef";
    char text[DIGEST_TEXT_LEN];
    size_t i;

    memcpy(text, "sha256:", 7);
    for (i = 0; i < FRAUD_PID_DIGEST_LEN; i++) {
        text[7 + 2 * i] = digits[digest[i] >> 4];
        text[8 + 2 * i] = digits[digest[i] & 15];
    }
    fraud_event_str(event, key, text, sizeof(text));
}

/* A member that is a string of PREFIX, a number or both. */
static void put_joined(fraud_event_t *event, fraud_str_t key,
                       const char *prefix, fraud_str_t name, const char *infix,
                       uint64_t number, unsigned width) {
    uint8_t text[sizeof(PREFIX) + FRAUD_NAME_MAX + 1 + 20];
    fraud_buf_t buf;

    fraud_buf_init(&buf, text, sizeof(text));
    fraud_buf_text(&buf, prefix);
    fraud_buf_add(&buf, name.data, name.len);
    fraud_buf_text(&buf, infix);
    if (width != 0) {
        fraud_buf_uint(&buf, number, width);
    }
    fraud_event_str(event, key, text, buf.len);
}

static void put_context(fraud_event_t *event, const fraud_flag_t *flag,
                        const char *id, const char *pid) {
    const fraud_str_t none = {(const uint8_t *)"", 0};

    put_text(event, FRAUD_STR("specversion"), "1.0");
    put_text(event, FRAUD_STR("type"), FRAUD_FLAG_TYPE);
    put_joined(event, FRAUD_STR("source"), PREFIX, flag->policy, "", 0, 0);
    fraud_event_str(event, FRAUD_STR("id"), id, FRAUD_FLAG_ID_LEN);
    fraud_event_time(event, FRAUD_STR("time"), flag->last_ms);
    fraud_event_time(event, FRAUD_STR("recordedtime"), flag->now_ms);
    put_text(event, FRAUD_STR("datacontenttype"), "application/json");
    put_text(event, FRAUD_STR("dataschema"), FRAUD_FLAG_SCHEMA);
    fraud_event_str(event, FRAUD_STR("partitionkey"), pid + 2, 2);
    put_joined(event, FRAUD_STR("sequence"), "", none, "", flag->seq,
               SEQUENCE_DIGITS);
    fraud_event_time(event, FRAUD_STR("expirytime"), flag->expiry_ms);
    put_text(event, FRAUD_STR("dataclassification"), "confidential");
    put_text(event, FRAUD_STR("dataregulation"), "GDPR");
    put_text(event, FRAUD_STR("datacategory"), "standard");
    put_joined(event, FRAUD_STR("policyid"), "", flag->policy, ".",
               flag->version, 1);
    put_text(event, FRAUD_STR("purpose"), "fraud");
}

static void put_subject(fraud_event_t *event, const fraud_flag_t *flag,
                        const char *pid) {
    fraud_event_open(event, FRAUD_STR("origin"));
    put_slice(event, FRAUD_STR("node"), flag->node);
    put_slice(event, FRAUD_STR("boot"), flag->writer);
    fraud_event_uint(event, FRAUD_STR("seq"), flag->seq);
    fraud_event_close(event);

    fraud_event_open(event, FRAUD_STR("subject"));
    put_text(event, FRAUD_STR("domain"), "billing");
    fraud_event_uint(event, FRAUD_STR("epoch"), flag->epoch);
    fraud_event_str(event, FRAUD_STR("pid"), pid, PID_TEXT_LEN);
    put_slice(event, FRAUD_STR("seal"), flag->seal);
    fraud_event_close(event);
    put_text(event, FRAUD_STR("attribution"), "account");
}

static void put_claims(fraud_event_t *event, const fraud_flag_t *flag) {
    const fraud_str_t none = {(const uint8_t *)"", 0};

    fraud_event_open(event, FRAUD_STR("fraud"));
    put_text(event, FRAUD_STR("state"), "suspected");
    put_text(event, FRAUD_STR("basis"), "rule");
    fraud_event_close(event);

    fraud_event_open(event, FRAUD_STR("damage"));
    put_text(event, FRAUD_STR("state"), "suspected");
    put_text(event, FRAUD_STR("kind"), damages[flag->damage]);
    if (flag->metered) {
        put_text(event, FRAUD_STR("method"), "metered");
        put_joined(event, FRAUD_STR("amount_minor"), "", none, "", flag->amount,
                   1);
        fraud_event_str(event, FRAUD_STR("currency"), flag->currency, 3);
    }
    fraud_event_close(event);
}

static void put_evidence(fraud_event_t *event, const fraud_flag_t *flag,
                         const char *id) {
    uint8_t root[FRAUD_PID_DIGEST_LEN];
    size_t i;

    fraud_event_list(event, FRAUD_STR("rules"));
    fraud_event_open(event, FRAUD_EVENT_ITEM);
    put_slice(event, FRAUD_STR("id"), flag->rule);
    put_slice(event, FRAUD_STR("family"), flag->family);
    fraud_event_uint(event, FRAUD_STR("version"), flag->rule_version);
    fraud_event_uint(event, FRAUD_STR("window_s"), flag->window);
    fraud_event_uint(event, FRAUD_STR("threshold"), flag->threshold);
    fraud_event_uint(event, FRAUD_STR("observed"), flag->observed);
    put_slice(event, FRAUD_STR("feature"), flag->signals[0]);
    fraud_event_close(event);
    fraud_event_list_end(event);

    fraud_flag_root(root, id, flag);
    fraud_event_open(event, FRAUD_STR("evidence"));
    fraud_event_uint(event, FRAUD_STR("count"), flag->observed);
    fraud_event_time(event, FRAUD_STR("first"), flag->first_ms);
    fraud_event_time(event, FRAUD_STR("last"), flag->last_ms);
    fraud_event_uint(event, FRAUD_STR("signals"), flag->nsignals);
    fraud_event_list(event, FRAUD_STR("names"));
    for (i = 0; i < flag->nsignals; i++) {
        put_slice(event, FRAUD_EVENT_ITEM, flag->signals[i]);
    }
    fraud_event_list_end(event);
    put_digest(event, FRAUD_STR("root"), root);
    fraud_event_close(event);
}

fraud_rc fraud_flag_print(uint8_t *data, size_t *len, const fraud_flag_t *flag,
                          const char *id) {
    char pid[PID_TEXT_LEN] = "p_";
    fraud_event_t event;
    fraud_rc rc;

    if (!is_flag(flag)) {
        return FRAUD_EINVAL;
    }
    fraud_pid_encode(pid + 2, &flag->pid);
    fraud_event_begin(&event, data, FRAUD_FLAG_MAX_BYTES);
    put_context(&event, flag, id, pid);

    fraud_event_open(&event, FRAUD_STR("data"));
    fraud_event_uint(&event, FRAUD_STR("v"), 1);
    put_slice(&event, FRAUD_STR("profile"), flag->policy);
    fraud_event_uint(&event, FRAUD_STR("profile_version"), flag->version);
    put_digest(&event, FRAUD_STR("profile_digest"), flag->digest);
    put_subject(&event, flag, pid);
    put_claims(&event, flag);
    put_evidence(&event, flag, id);
    fraud_event_null(&event, FRAUD_STR("supersedes"));
    fraud_event_close(&event);

    rc = fraud_event_end(&event);
    *len = rc == FRAUD_OK ? event.buf.len : 0;
    return rc;
}

static const uint8_t *take_uint(uint64_t *value, const uint8_t *p, size_t len) {
    size_t i;

    *value = 0;
    for (i = 0; i < len; i++) {
        *value |= (uint64_t)*p++ << 8 * i;
    }
    return p;
}

void fraud_flag_mark_pack(uint8_t *bytes, const fraud_flag_mark_t *mark) {
    bytes = put_uint(bytes, mark->start, 8);
    bytes = put_uint(bytes, mark->first_ms, 8);
    bytes = put_uint(bytes, mark->host, 4);
    (void)put_uint(bytes, mark->process, 4);
}

void fraud_flag_mark_unpack(fraud_flag_mark_t *mark, const uint8_t *bytes,
                            size_t len) {
    uint64_t host, process;

    memset(mark, 0, sizeof(*mark));
    if (len != FRAUD_FLAG_MARK_LEN) {
        return;
    }
    bytes = take_uint(&mark->start, bytes, 8);
    bytes = take_uint(&mark->first_ms, bytes, 8);
    bytes = take_uint(&host, bytes, 4);
    (void)take_uint(&process, bytes, 4);
    mark->host = (uint32_t)host;
    mark->process = (uint32_t)process;
}

const char *fraud_damage_name(fraud_damage_t damage) {
    return damages[damage];
}

fraud_rc fraud_damage_find(fraud_damage_t *damage, fraud_str_t name) {
    int i;

    for (i = 0; i < FRAUD_DAMAGE_N; i++) {
        if (strlen(damages[i]) == name.len &&
            memcmp(damages[i], name.data, name.len) == 0) {
            *damage = (fraud_damage_t)i;
            return FRAUD_OK;
        }
    }
    return FRAUD_NOTFOUND;
}
