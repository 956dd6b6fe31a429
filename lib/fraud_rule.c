/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_rule.h"

#include <string.h>

#include "fraud_score.h"
#include "fraud_str.h"

#define RATE (1u << FRAUD_RULE_RATE)
#define DISTINCT (1u << FRAUD_RULE_DISTINCT)
#define MATCH (1u << FRAUD_RULE_MATCH)
#define LIST (1u << FRAUD_RULE_LIST)
#define SIGNAL (1u << FRAUD_RULE_SIGNAL)
#define TRAVEL (1u << FRAUD_RULE_TRAVEL)
#define REPUTATION (1u << FRAUD_RULE_REPUTATION)

#define DAY_MS 86400000u

typedef fraud_rc set_t(fraud_rule_t *rule, fraud_str_t value);

typedef struct {
    const char *name; /* ends in '=' if a value follows */
    unsigned types;   /* rules that take it */
    unsigned needed;  /* rules that cannot do without */
    set_t *set;
    const char *use;     /* when its value is wrong */
    const char *lacking; /* when it is needed and not there */
} param_t;

static fraud_rc number(uint32_t *n, fraud_str_t value, uint32_t min,
                       uint32_t max) {
    uint64_t v;
    fraud_rc rc;

    rc = fraud_str_uint(&v, (const char *)value.data, value.len, max);
    if (rc != FRAUD_OK) {
        return rc;
    }
    if (v < min) {
        return FRAUD_EINVAL;
    }
    *n = (uint32_t)v;
    return FRAUD_OK;
}

/* A time of one second to max_ms, in microseconds. */
static fraud_rc duration(uint64_t *us, fraud_str_t value, uint64_t max_ms) {
    uint64_t ms;
    fraud_rc rc;

    rc = fraud_str_time(&ms, (const char *)value.data, value.len, max_ms);
    if (rc != FRAUD_OK) {
        return rc;
    }
    if (ms < 1000) {
        return FRAUD_EINVAL;
    }
    *us = ms * 1000;
    return FRAUD_OK;
}

static fraud_rc set_text(fraud_str_t *text, fraud_str_t value) {
    *text = value;
    return value.len != 0 ? FRAUD_OK : FRAUD_EINVAL;
}

static fraud_rc set_points(fraud_rule_t *rule, fraud_str_t value) {
    return number(&rule->points, value, 0, FRAUD_SCORE_MAX);
}

static fraud_rc set_rate(fraud_rule_t *rule, fraud_str_t value) {
    return fraud_str_rate(&rule->gcra.n, &rule->gcra.period_us,
                          (const char *)value.data, value.len);
}

static fraud_rc set_burst(fraud_rule_t *rule, fraud_str_t value) {
    return number(&rule->gcra.burst, value, 0, UINT32_MAX - 1);
}

static fraud_rc set_cost(fraud_rule_t *rule, fraud_str_t value) {
    uint32_t n;

    rule->cost = value;
    if (value.len != 0 && memchr(value.data, '$', value.len) != NULL) {
        return FRAUD_OK;
    }
    return number(&n, value, 0, UINT32_MAX);
}

static fraud_rc set_if(fraud_rule_t *rule, fraud_str_t value) {
    return set_text(&rule->condition, value);
}

static fraud_rc set_on(fraud_rule_t *rule, fraud_str_t value) {
    if (value.len == 8 && memcmp(value.data, "response", 8) == 0) {
        rule->response = 1;
        return FRAUD_OK;
    }
    return value.len == 7 && memcmp(value.data, "request", 7) == 0
               ? FRAUD_OK
               : FRAUD_EINVAL;
}

static fraud_rc set_shadow(fraud_rule_t *rule, fraud_str_t value) {
    (void)value;
    rule->shadow = 1;
    return FRAUD_OK;
}

static fraud_rc set_per(fraud_rule_t *rule, fraud_str_t value) {
    return set_text(&rule->per, value);
}

static fraud_rc set_factor(fraud_rule_t *rule, fraud_str_t value) {
    return number(&rule->factor, value, 1, FRAUD_RULE_FACTOR_MAX);
}

static fraud_rc set_of(fraud_rule_t *rule, fraud_str_t value) {
    return set_text(&rule->value, value);
}

static fraud_rc set_max(fraud_rule_t *rule, fraud_str_t value) {
    return number(&rule->max, value, 1, FRAUD_DISTINCT_MAX);
}

static fraud_rc set_window(fraud_rule_t *rule, fraud_str_t value) {
    return duration(&rule->window_us, value, 30 * (uint64_t)DAY_MS);
}

static fraud_rc set_file(fraud_rule_t *rule, fraud_str_t value) {
    return set_text(&rule->file, value);
}

static fraud_rc set_nocase(fraud_rule_t *rule, fraud_str_t value) {
    (void)value;
    rule->nocase = 1;
    return FRAUD_OK;
}

static fraud_rc set_type(fraud_rule_t *rule, fraud_str_t value) {
    if (value.len == 6 && memcmp(value.data, "string", 6) == 0) {
        rule->strings = 1;
        return FRAUD_OK;
    }
    return value.len == 7 && memcmp(value.data, "network", 7) == 0
               ? FRAUD_OK
               : FRAUD_EINVAL;
}

static fraud_rc set_trust(fraud_rule_t *rule, fraud_str_t value) {
    (void)value;
    rule->trust = 1;
    return FRAUD_OK;
}

static fraud_rc set_speed(fraud_rule_t *rule, fraud_str_t value) {
    return number(&rule->speed, value, 1, 1000000);
}

static fraud_rc set_distance(fraud_rule_t *rule, fraud_str_t value) {
    return number(&rule->distance, value, 1, 20000);
}

static fraud_rc set_half_life(fraud_rule_t *rule, fraud_str_t value) {
    return duration(&rule->half_life_us, value, 365 * (uint64_t)DAY_MS);
}

static fraud_rc set_weight(fraud_rule_t *rule, fraud_str_t value) {
    uint64_t n;
    fraud_rc rc;

    rc = fraud_str_fixed(&n, (const char *)value.data, value.len, 3, 100000);
    if (rc == FRAUD_OK) {
        rule->weight = (uint32_t)n;
    }
    return rc;
}

#define STATEFUL (RATE | DISTINCT | TRAVEL)
#define LOCAL (MATCH | LIST | SIGNAL)

static const param_t params[] = {
    {"rate=", RATE, RATE, set_rate,
     "use Nr/s, Nr/m, Nr/h or Nr/d, from 1r/d to 1000000r/s",
     "has no rate, add e.g. \"rate=10r/s\""},
    {"burst=", RATE, 0, set_burst, "use a number of requests", NULL},
    {"cost=", RATE, 0, set_cost, "use a number or a variable", NULL},
    {"per=", RATE, 0, set_per, "use the name of an identity", NULL},
    {"factor=", RATE, 0, set_factor, "use 1 to 1000", NULL},
    {"of=", DISTINCT, DISTINCT, set_of, "use a value, e.g. $remote_addr",
     "counts nothing, add e.g. \"of=$remote_addr\""},
    {"max=", DISTINCT, DISTINCT, set_max, "use 1 to 1000",
     "has no maximum, add e.g. \"max=10\""},
    {"max=", REPUTATION, 0, set_points, "use 0 to 100", NULL},
    {"window=", DISTINCT, DISTINCT, set_window, "use a time from 1s to 30d",
     "has no window, add e.g. \"window=10m\""},
    {"file=", LIST, LIST, set_file, "use the path of a file",
     "has no file, add \"file=PATH\""},
    {"type=", LIST, 0, set_type, "use \"network\" or \"string\"", NULL},
    {"trust", LIST, 0, set_trust, NULL, NULL},
    {"nocase", MATCH, 0, set_nocase, NULL, NULL},
    {"speed=", TRAVEL, TRAVEL, set_speed, "use 1 to 1000000 km/h",
     "has no speed, add e.g. \"speed=1000\""},
    {"distance=", TRAVEL, 0, set_distance, "use 1 to 20000 km", NULL},
    {"half_life=", REPUTATION, REPUTATION, set_half_life,
     "use a time from 1s to 365d",
     "has no half-life, add e.g. \"half_life=4h\""},
    {"weight=", REPUTATION, 0, set_weight, "use 0 to 100 with up to 3 decimals",
     NULL},
    {"if=", RATE | DISTINCT | SIGNAL, 0, set_if, "use a value", NULL},
    {"on=", RATE | DISTINCT | SIGNAL, 0, set_on,
     "use \"request\" or \"response\"", NULL},
    {"shadow", STATEFUL | LOCAL, 0, set_shadow, NULL, NULL},
    {"points=", STATEFUL | LOCAL, STATEFUL | MATCH | SIGNAL, set_points,
     "use 0 to 100", "has no points, add \"points=\" 0 to 100"},
};

#define NPARAMS (sizeof(params) / sizeof(params[0]))

static fraud_rc fail(fraud_err_t *err, size_t at, const char *why) {
    size_t len = strlen(why);

    memset(err, 0, sizeof(*err));
    err->at = at;
    memcpy(err->why, why, len < sizeof(err->why) ? len : sizeof(err->why) - 1);
    return FRAUD_EINVAL;
}

fraud_rc fraud_rule_type(fraud_rule_type_t *type, fraud_str_t word) {
    static const char *const names[] = {
        "fraud_rate",   "fraud_distinct", "fraud_match",     "fraud_list",
        "fraud_signal", "fraud_travel",   "fraud_reputation"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == word.len &&
            memcmp(names[i], word.data, word.len) == 0) {
            *type = (fraud_rule_type_t)i;
            return FRAUD_OK;
        }
    }
    return FRAUD_NOTFOUND;
}

/* Find the parameter that a word is, and the value in it. */
static size_t find_param(const fraud_rule_t *rule, fraud_str_t word,
                         fraud_str_t *value) {
    size_t i, len;

    for (i = 0; i < NPARAMS; i++) {
        len = strlen(params[i].name);
        if ((params[i].types >> rule->type & 1) == 0 || word.len < len ||
            memcmp(word.data, params[i].name, len) != 0 ||
            (params[i].name[len - 1] != '=' && word.len != len)) {
            continue;
        }
        value->data = word.data + len;
        value->len = word.len - len;
        break;
    }
    return i;
}

/* Reputations have no name of their own, but may be switched off. */
static int is_signal(const fraud_str_t *words, size_t n) {
    static const char prefix[] = "reputation.";
    const size_t len = sizeof(prefix) - 1;
    const char *name = (const char *)words[1].data;

    if (n == 3 && words[2].len == 3 && words[1].len > len &&
        memcmp(words[2].data, "off", 3) == 0 &&
        memcmp(name, prefix, len) == 0) {
        return fraud_str_is_name(name + len, words[1].len - len);
    }
    return fraud_str_is_name(name, words[1].len);
}

/* The words before the parameters; return how many, 0 after an error. */
static size_t parse_head(fraud_rule_t *rule, const fraud_str_t *words, size_t n,
                         fraud_err_t *err) {
    unsigned type = 1u << rule->type;

    if (n < 2 || !is_signal(words, n)) {
        (void)fail(err, 1, "use a name of 1 to 32 letters, digits and \"_\"");
        return 0;
    }
    rule->name = words[1];
    if (type == SIGNAL) {
        return 2;
    }
    if (type == REPUTATION) {
        rule->identity = words[1];
        return 2;
    }
    if (n < 3) {
        (void)fail(err, n,
                   (type & STATEFUL) != 0
                       ? "has no identity, add one, e.g. \"address\""
                       : "looks at nothing, add a value, e.g. $request_uri");
        return 0;
    }
    if ((type & STATEFUL) != 0) {
        rule->identity = words[2];
        return 3;
    }
    rule->value = words[2];
    if (type == LIST) {
        return 3;
    }
    if (n < 4) {
        (void)fail(err, n, "has no pattern, add one or \"file=PATH\"");
        return 0;
    }
    if (words[3].len == 0 ||
        (words[3].len == 5 && memcmp(words[3].data, "file=", 5) == 0)) {
        (void)fail(err, 3, "use a pattern or \"file=PATH\"");
        return 0;
    }
    if (words[3].len >= 5 && memcmp(words[3].data, "file=", 5) == 0) {
        rule->file.data = words[3].data + 5;
        rule->file.len = words[3].len - 5;
    } else {
        rule->pattern = words[3];
    }
    return 4;
}

/* What single parameters cannot show. */
static fraud_rc check(const fraud_rule_t *rule, unsigned long seen, size_t n,
                      fraud_err_t *err) {
    fraud_gcra_conf_t wide;
    size_t i;

    for (i = 0; i < NPARAMS; i++) {
        if ((params[i].needed >> rule->type & 1) != 0 && (seen >> i & 1) == 0) {
            return fail(err, n, params[i].lacking);
        }
    }
    if (rule->type == FRAUD_RULE_RATE &&
        fraud_gcra_check(&rule->gcra) != FRAUD_OK) {
        return fail(err, n,
                    "has a rate or burst over range, use at most 1000000r/s "
                    "and a burst that fills within 140 years");
    }
    if ((rule->per.len != 0) != (rule->factor != 0)) {
        return fail(err, n, "needs both \"per=\" and \"factor=\", or neither");
    }
    if (rule->factor != 0 &&
        fraud_gcra_widen(&wide, &rule->gcra, rule->factor) != FRAUD_OK) {
        return fail(err, n,
                    "is over range when widened, use a smaller rate, burst or "
                    "factor");
    }
    if (rule->trust && rule->shadow) {
        return fail(err, n, "has both \"trust\" and \"shadow\", remove one");
    }
    if (rule->type == FRAUD_RULE_LIST &&
        (seen >> (NPARAMS - 1) & 1) == rule->trust) {
        return fail(err, n,
                    rule->trust ? "has both \"points=\" and \"trust\", remove "
                                  "one"
                                : "has no points, add \"points=\" 0 to 100 or "
                                  "\"trust\"");
    }
    return FRAUD_OK;
}

fraud_rc fraud_rule_parse(fraud_rule_t *rule, const fraud_str_t *words,
                          size_t n, fraud_err_t *err) {
    fraud_str_t value = {NULL, 0};
    unsigned long seen = 0;
    size_t i, at;

    memset(rule, 0, sizeof(*rule));
    rule->weight = 1000;
    rule->distance = 100;
    if (n == 0 || fraud_rule_type(&rule->type, words[0]) != FRAUD_OK) {
        return fail(err, 0, "declares no signal");
    }
    if (rule->type == FRAUD_RULE_REPUTATION) {
        rule->points = FRAUD_SCORE_MAX;
    }
    at = parse_head(rule, words, n, err);
    if (at == 0) {
        return FRAUD_EINVAL;
    }
    if (rule->type == FRAUD_RULE_SIGNAL && n > 2 && words[2].len == 3 &&
        memcmp(words[2].data, "off", 3) == 0) {
        rule->off = 1;
        return n == 3 ? FRAUD_OK
                      : fail(err, 3, "remove it, \"off\" stands alone");
    }
    for (; at < n; at++) {
        i = find_param(rule, words[at], &value);
        if (i == NPARAMS) {
            (void)fail(err, at, "see the table of directives in README.md");
            return FRAUD_NOTFOUND;
        }
        if ((seen >> i & 1) != 0) {
            return fail(err, at, "remove it, it is there twice");
        }
        seen |= 1ul << i;
        if (params[i].set(rule, value) != FRAUD_OK) {
            return fail(err, at, params[i].use);
        }
    }
    return check(rule, seen, n, err);
}
