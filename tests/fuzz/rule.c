/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The words of a directive, from the language's own or any: a rule whose
 * every number is in range and whose texts are within the words, the same in
 * every order of its parameters, or an error that says which word and why.
 */

#include "fraud_rule.h"
#include "fuzz.h"

#define MAX_WORDS 12
#define MAX_WORD 64

static const char *const directives[] = {
    "fraud_rate",   "fraud_distinct", "fraud_match",      "fraud_list",
    "fraud_signal", "fraud_travel",   "fraud_reputation", "fraud_action"};

static const char *const names[] = {
    "rate=",  "burst=",    "cost=",      "per=",    "factor=", "of=",
    "max=",   "window=",   "file=",      "type=",   "trust",   "nocase",
    "speed=", "distance=", "half_life=", "weight=", "if=",     "on=",
    "shadow", "points=",   "off",        "address", "$a",      ""};

static const char *const values[] = {
    "0",     "1",       "10",       "100",     "101",        "1000",
    "1001",  "20000",   "1000000",  "52124",   "4294967294", "4294967296",
    "1r/s",  "5r/m",    "9r/h",     "1r/d",    "1000001r/s", "1000000r/s",
    "10m",   "30d",     "365d",     "52w1d1s", "999ms",      "1h30m",
    "0.001", "100.001", "response", "request", "network",    "string",
    "$a$b",  ""};

static fraud_str_t words[MAX_WORDS + 1];
static size_t n;

static void add_word(const char *text, size_t len) {
    words[n].data = copy(text, len);
    words[n].len = len;
    n++;
}

static void cut_word(input_t *in) {
    char word[MAX_WORD];
    uint8_t name = cut_u8(in), value;
    size_t len;

    if (name >= 0xe0) {
        len = name % 32;
        cut(in, word, len);
        add_word(word, len);
        return;
    }
    value = cut_u8(in);
    len = (size_t)snprintf(word, sizeof(word), "%s%s",
                           names[name % (sizeof(names) / sizeof(names[0]))],
                           values[value % 32]);
    if (value >= 0xf0) {
        word[cut_u8(in) % (len + 1)] = (char)cut_u8(in);
    }
    add_word(word, len);
}

static void check_text(fraud_str_t text) {
    size_t i;

    for (i = 0; i < n && text.data != NULL; i++) {
        if (text.data >= words[i].data &&
            text.data + text.len <= words[i].data + words[i].len) {
            return;
        }
    }
    CLAIM(text.data == NULL && text.len == 0);
}

static void check_rule(const fraud_rule_t *rule) {
    check_text(rule->name);
    check_text(rule->identity);
    check_text(rule->value);
    check_text(rule->pattern);
    check_text(rule->file);
    check_text(rule->condition);
    check_text(rule->cost);
    check_text(rule->per);
    CLAIM(rule->points <= 100);
    CLAIM(rule->type != FRAUD_RULE_RATE ||
          fraud_gcra_check(&rule->gcra) == FRAUD_OK);
    CLAIM((rule->per.len != 0) == (rule->factor != 0));
    CLAIM(rule->factor <= FRAUD_RULE_FACTOR_MAX);
    CLAIM(rule->type != FRAUD_RULE_DISTINCT ||
          (rule->max >= 1 && rule->max <= FRAUD_DISTINCT_MAX &&
           rule->window_us >= 1000000 && rule->window_us < FRAUD_OP_MAX / 128));
    CLAIM(rule->type != FRAUD_RULE_MATCH ||
          (rule->pattern.len != 0) != (rule->file.len != 0));
    CLAIM(rule->type != FRAUD_RULE_LIST || rule->file.len != 0);
    CLAIM(!rule->trust || rule->points == 0);
    CLAIM(rule->type != FRAUD_RULE_TRAVEL ||
          (rule->speed != 0 && rule->distance != 0));
    CLAIM(rule->type != FRAUD_RULE_REPUTATION ||
          (rule->half_life_us >= 1000000 &&
           rule->half_life_us < FRAUD_OP_MAX / 128 && rule->weight <= 100000));
}

static fraud_rc parse(fraud_rule_t *rule) {
    fraud_err_t err;
    fraud_rc rc;

    memset(rule, 0xa5, sizeof(*rule));
    memset(&err, 0xa5, sizeof(err));
    rc = fraud_rule_parse(rule, words, n, &err);
    if (rc == FRAUD_OK) {
        check_rule(rule);
        return rc;
    }
    CLAIM(rc == FRAUD_EINVAL || (rc == FRAUD_NOTFOUND && err.at < n));
    CLAIM(err.at <= n);
    CLAIM(err.why[0] != '\0' && memchr(err.why, '\0', sizeof(err.why)));
    return rc;
}

static void check_order(const fraud_rule_t *rule) {
    size_t from = rule->type == FRAUD_RULE_MATCH ? 4 : 3, to = n;
    fraud_rule_t again;
    fraud_str_t word;

    if (rule->type == FRAUD_RULE_SIGNAL ||
        rule->type == FRAUD_RULE_REPUTATION) {
        from = 2;
    }
    while (from + 1 < to) {
        word = words[from];
        words[from++] = words[--to];
        words[to] = word;
    }
    CLAIM(parse(&again) == FRAUD_OK);
    CLAIM(memcmp(&again, rule, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    uint8_t first = cut_u8(&in);
    fraud_rule_t rule, again;
    size_t i;

    n = 0;
    if (first < 0xf0) {
        add_word(directives[first % 8], strlen(directives[first % 8]));
    }
    if (first < 0xc0) {
        add_word("name", 4);
    }
    while (in.len > 0 && n < MAX_WORDS) {
        cut_word(&in);
    }
    if (parse(&rule) == FRAUD_OK) {
        check_order(&rule);
        words[n] = words[n - 1]; /* the same twice, or what "off" forbids */
        n++;
        CLAIM(parse(&again) == FRAUD_EINVAL);
        n -= 2;
        CLAIM(parse(&again) != FRAUD_NOTFOUND);
        n++;
    }
    for (i = 0; i < n; i++) {
        free((void *)(uintptr_t)words[i].data);
    }
    return 0;
}
