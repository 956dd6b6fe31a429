/* SPDX-License-Identifier: BSD-2-Clause */

#include "event.h"

#include "clock.h"
#include "fraud_day.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define SCHEMA_1 "urn:fraud:flag:1."
#define TYPE_ANY "fraud.fraud.flag.v"
#define SEQ_MAX 999999999999999999ll
#define WINDOW_MAX (366 * 86400)
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* The first member that is wrong ends it: the others read as nothing. */
typedef struct {
    const char *bad;
} reader_t;

static void wrong(reader_t *in, const char *member) {
    if (in->bad == NULL) {
        in->bad = member;
    }
}

static json_t *object(reader_t *in, json_t *parent, const char *key) {
    json_t *value = json_object_get(parent, key);

    if (!json_is_object(value)) {
        wrong(in, key);
    }
    return value;
}

/* A string of ${min} to ${max} characters of ${set}, copied with a NUL. */
static void text(reader_t *in, json_t *parent, const char *key, char *to,
                 size_t min, size_t max, const char *set) {
    json_t *value = json_object_get(parent, key);
    const char *said = json_string_value(value);
    size_t len = json_string_length(value);

    if (said == NULL || len < min || len > max || strlen(said) != len ||
        (set != NULL && strspn(said, set) != len)) {
        to[0] = '\0';
        wrong(in, key);
        return;
    }
    memcpy(to, said, len + 1);
}

static void exactly(reader_t *in, json_t *parent, const char *key,
                    const char *word) {
    const char *said = json_string_value(json_object_get(parent, key));

    if (said == NULL || strcmp(said, word) != 0) {
        wrong(in, key);
    }
}

static void name(reader_t *in, json_t *parent, const char *key,
                 char to[EVENT_NAME]) {
    text(in, parent, key, to, 1, FRAUD_NAME_MAX, LOWER UPPER DIGITS "_");
}

static json_int_t number(reader_t *in, json_t *parent, const char *key,
                         json_int_t min, json_int_t max) {
    json_t *value = json_object_get(parent, key);
    json_int_t n = json_integer_value(value);

    if (!json_is_integer(value) || n < min || n > max) {
        wrong(in, key);
        return min;
    }
    return n;
}

static int two(const char *at, int max) {
    int n = (at[0] - '0') * 10 + (at[1] - '0');

    return strspn(at, DIGITS) >= 2 && n <= max ? n : -1;
}

/* RFC 3339 in UTC, to milliseconds at most: as fraud_event_time() writes it. */
static int64_t parse_time(const char *said) {
    int hour, minute, second;
    int64_t ms = 0;
    uint32_t day;
    size_t len = strlen(said);

    if ((len != 20 && len != 24) || said[10] != 'T' || said[13] != ':' ||
        said[16] != ':' || said[len - 1] != 'Z' ||
        fraud_day_parse(&day, said, 10) != FRAUD_OK) {
        return -1;
    }
    hour = two(said + 11, 23);
    minute = two(said + 14, 59);
    second = two(said + 17, 59);
    if (len == 24) {
        if (said[19] != '.' || strspn(said + 20, DIGITS) != 3) {
            return -1;
        }
        ms = (said[20] - '0') * 100 + (said[21] - '0') * 10 + said[22] - '0';
    }
    if (hour < 0 || minute < 0 || second < 0) {
        return -1;
    }
    return ((((int64_t)day * 24 + hour) * 60 + minute) * 60 + second) *
               CLOCK_SECOND +
           ms * 1000;
}

static int64_t stamp(reader_t *in, json_t *parent, const char *key) {
    const char *said = json_string_value(json_object_get(parent, key));
    int64_t us = said != NULL ? parse_time(said) : -1;

    if (us < 0) {
        wrong(in, key);
        return 0;
    }
    return us;
}

static int is_version_1(json_t *root) {
    const char *spec = json_string_value(json_object_get(root, "specversion"));
    const char *type = json_string_value(json_object_get(root, "type"));
    const char *schema = json_string_value(json_object_get(root, "dataschema"));
    json_t *v = json_object_get(json_object_get(root, "data"), "v");

    return (spec == NULL || strcmp(spec, "1.0") == 0) &&
           (type == NULL || strncmp(type, TYPE_ANY, strlen(TYPE_ANY)) != 0 ||
            strcmp(type, FRAUD_FLAG_TYPE) == 0) &&
           (schema == NULL ||
            strncmp(schema, SCHEMA_1, strlen(SCHEMA_1)) == 0) &&
           (!json_is_integer(v) || json_integer_value(v) == 1);
}

/* The attributes of CloudEvents, which repeat what the data say. */
static void read_context(reader_t *in, json_t *root, const event_t *event) {
    char expected[64];

    exactly(in, root, "specversion", "1.0");
    exactly(in, root, "type", FRAUD_FLAG_TYPE);
    (void)snprintf(expected, sizeof(expected), "/fraud/%s", event->policy);
    exactly(in, root, "source", expected);
    exactly(in, root, "datacontenttype", "application/json");
    (void)snprintf(expected, sizeof(expected), "%.2s", event->pid + 2);
    exactly(in, root, "partitionkey", expected);
    (void)snprintf(expected, sizeof(expected), "%018" PRIu64, event->seq);
    exactly(in, root, "sequence", expected);
    exactly(in, root, "dataclassification", "confidential");
    exactly(in, root, "dataregulation", "GDPR");
    exactly(in, root, "datacategory", "standard");
    (void)snprintf(expected, sizeof(expected), "%s.%" PRIu32, event->policy,
                   event->version);
    exactly(in, root, "policyid", expected);
    exactly(in, root, "purpose", "fraud");
    if (json_string_value(json_object_get(root, "dataschema")) == NULL) {
        wrong(in, "dataschema");
    }
    if (stamp(in, root, "time") != event->last) {
        wrong(in, "time");
    }
}

static void read_damage(reader_t *in, json_t *damage, event_t *event) {
    char digits[12];
    fraud_damage_t kind;
    fraud_str_t word;

    exactly(in, damage, "state", "suspected");
    text(in, damage, "kind", event->kind, 1, sizeof(event->kind) - 1, NULL);
    word.data = (const uint8_t *)event->kind;
    word.len = strlen(event->kind);
    if (fraud_damage_find(&kind, word) != FRAUD_OK) {
        wrong(in, "kind");
    }
    event->amount = 0;
    event->currency[0] = '\0';
    if (json_object_get(damage, "method") == NULL &&
        json_object_get(damage, "amount_minor") == NULL &&
        json_object_get(damage, "currency") == NULL) {
        return;
    }
    exactly(in, damage, "method", "metered");
    text(in, damage, "currency", event->currency, 3, 3, UPPER);
    text(in, damage, "amount_minor", digits, 1, 10, DIGITS);
    for (word.len = 0; digits[word.len] != '\0'; word.len++) {
        event->amount = event->amount * 10 + (digits[word.len] - '0');
    }
    if (digits[0] == '0' || event->amount > (int64_t)FRAUD_FLAG_MAX_AMOUNT) {
        wrong(in, "amount_minor");
    }
}

static void read_names(reader_t *in, json_t *evidence, event_t *event) {
    json_t *names = json_object_get(evidence, "names"), *one;
    size_t i, n = json_array_size(names);

    event->nsignals = 0;
    if (n == 0 || n > FRAUD_FLAG_SIGNALS) {
        wrong(in, "names");
        return;
    }
    for (i = 0; i < n; i++) {
        one = json_pack("{s:O}", "names", json_array_get(names, i));
        name(in, one, "names", event->signals[i]);
        json_decref(one);
    }
    event->nsignals = n;
}

static void read_rule(reader_t *in, json_t *rules, event_t *event) {
    json_t *rule = json_array_get(rules, 0);

    if (json_array_size(rules) != 1 || !json_is_object(rule)) {
        wrong(in, "rules");
        return;
    }
    name(in, rule, "id", event->rule);
    name(in, rule, "family", event->family);
    event->rule_version = (uint32_t)number(in, rule, "version", 1, 999999);
    event->window = (uint32_t)number(in, rule, "window_s", 1, WINDOW_MAX);
    event->threshold = (uint32_t)number(in, rule, "threshold", 1, UINT32_MAX);
    event->observed =
        (uint32_t)number(in, rule, "observed", event->threshold, UINT32_MAX);
}

static void read_evidence(reader_t *in, json_t *data, event_t *event) {
    json_t *rules = json_object_get(data, "rules");
    json_t *evidence = object(in, data, "evidence");

    read_rule(in, rules, event);
    read_names(in, evidence, event);
    if (in->bad == NULL) {
        exactly(in, json_array_get(rules, 0), "feature", event->signals[0]);
    }
    (void)number(in, evidence, "count", event->observed, event->observed);
    (void)number(in, evidence, "signals", (json_int_t)event->nsignals,
                 (json_int_t)event->nsignals);
    event->first = stamp(in, evidence, "first");
    event->last = stamp(in, evidence, "last");
    if (event->first > event->last) {
        wrong(in, "first");
    }
    text(in, evidence, "root", event->root, 71, 71, NULL);
}

static void read_subject(reader_t *in, json_t *data, event_t *event) {
    json_t *origin = object(in, data, "origin");
    json_t *subject = object(in, data, "subject");
    const char *by = json_string_value(json_object_get(data, "attribution"));
    int i;

    name(in, origin, "node", event->node);
    text(in, origin, "boot", event->writer, FRAUD_SPOOL_WRITER_LEN,
         FRAUD_SPOOL_WRITER_LEN, DIGITS "abcdef");
    event->seq = (uint64_t)number(in, origin, "seq", 0, SEQ_MAX);
    exactly(in, subject, "domain", "billing");
    event->epoch = number(in, subject, "epoch", 0, INT64_MAX);
    text(in, subject, "pid", event->pid, 28, 28, LOWER "234567_");
    if (in->bad == NULL && (strncmp(event->pid, "p_", 2) != 0 ||
                            strchr(event->pid + 2, '_') != NULL)) {
        wrong(in, "pid");
    }
    event->by = FRAUD_BY_N;
    for (i = 0; by != NULL && i < FRAUD_BY_N; i++) {
        if (strcmp(by, event_by((fraud_by_t)i)) == 0) {
            event->by = (fraud_by_t)i;
        }
    }
    if (event->by == FRAUD_BY_N) {
        wrong(in, "attribution");
    }
}

static void read_data(reader_t *in, json_t *root, event_t *event) {
    json_t *data = object(in, root, "data"), *fraud;

    text(in, root, "id", event->id, FRAUD_FLAG_ID_LEN, FRAUD_FLAG_ID_LEN,
         LOWER "234567_");
    if (strncmp(event->id, "flg_", 4) != 0) {
        wrong(in, "id");
    }
    text(in, data, "profile", event->policy, 1, FRAUD_NAME_MAX,
         LOWER DIGITS "-_");
    event->version = (uint32_t)number(in, data, "profile_version", 1,
                                      FRAUD_POLICY_MAX_VERSION);
    text(in, data, "profile_digest", event->digest, 71, 71, NULL);
    read_subject(in, data, event);
    fraud = object(in, data, "fraud");
    exactly(in, fraud, "state", "suspected");
    exactly(in, fraud, "basis", "rule");
    read_damage(in, object(in, data, "damage"), event);
    read_evidence(in, data, event);
    event->recorded = stamp(in, root, "recordedtime");
    event->expiry = stamp(in, root, "expirytime");
}

static fraud_str_t slice(const char *said) {
    return (fraud_str_t){(const uint8_t *)said, strlen(said)};
}

int event_is_digest(const char *text, const uint8_t *digest) {
    static const char digits[] = "0123456789abcdef";
    size_t i;

    if (strncmp(text, "sha256:", 7) != 0) {
        return 0;
    }
    text += 7;
    for (i = 0; i < FRAUD_PID_DIGEST_LEN; i++) {
        if (text[2 * i] != digits[digest[i] >> 4] ||
            text[2 * i + 1] != digits[digest[i] & 15]) {
            return 0;
        }
    }
    return text[2 * i] == '\0';
}

static int has_root(const event_t *event) {
    uint8_t root[FRAUD_PID_DIGEST_LEN];
    fraud_flag_t flag;
    size_t i;

    memset(&flag, 0, sizeof(flag));
    flag.rule = slice(event->rule);
    flag.rule_version = event->rule_version;
    flag.window = event->window;
    flag.threshold = event->threshold;
    flag.observed = event->observed;
    flag.first_ms = (uint64_t)event->first / 1000;
    flag.last_ms = (uint64_t)event->last / 1000;
    flag.nsignals = event->nsignals;
    for (i = 0; i < event->nsignals; i++) {
        flag.signals[i] = slice(event->signals[i]);
    }
    fraud_flag_root(root, event->id, &flag);
    return event_is_digest(event->root, root);
}

int event_parse(event_t *event, char reason[EVENT_REASON], fraud_str_t said) {
    reader_t in = {NULL};
    json_t *root, *data;

    memset(event, 0, sizeof(*event));
    if (said.len > FRAUD_FLAG_MAX_BYTES) {
        (void)snprintf(reason, EVENT_REASON, "oversized");
        return 0;
    }
    root = json_loadb((const char *)said.data, said.len, JSON_REJECT_DUPLICATES,
                      NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        (void)snprintf(reason, EVENT_REASON, "json");
        return 0;
    }
    if (!is_version_1(root)) {
        json_decref(root);
        (void)snprintf(reason, EVENT_REASON, "version");
        return 0;
    }
    read_data(&in, root, event);
    read_context(&in, root, event);
    data = json_object_get(root, "data");
    (void)number(&in, data, "v", 1, 1);
    text(&in, json_object_get(data, "subject"), "seal", event->seal, 1,
         EVENT_SEAL - 1, LOWER UPPER DIGITS "-_");
    if (!json_is_null(json_object_get(data, "supersedes"))) {
        wrong(&in, "supersedes");
    }
    json_decref(root);
    if (in.bad != NULL) {
        (void)snprintf(reason, EVENT_REASON, "invalid %s", in.bad);
        return 0;
    }
    if (!has_root(event)) {
        (void)snprintf(reason, EVENT_REASON, "evidence");
        return 0;
    }
    return 1;
}

int event_parse_kept(event_t *event, const char *body) {
    reader_t in = {NULL};
    json_t *root = json_loads(body, JSON_REJECT_DUPLICATES, NULL);

    memset(event, 0, sizeof(*event));
    read_data(&in, root, event);
    json_decref(root);
    return in.bad == NULL && has_root(event);
}
