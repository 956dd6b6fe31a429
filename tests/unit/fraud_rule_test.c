/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_rule.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_WORDS 16
#define MAX_WORD 64
#define MAX_LINE 512
#define MAX_VALUES 16
#define MAX_PARAMS 9

/* Words in blocks of exactly their size, so one byte more is a fault. */
typedef struct {
    fraud_str_t words[MAX_WORDS];
    char *blocks[MAX_WORDS];
    size_t n;
} line_t;

/* A parameter: each value alone is right or wrong. */
typedef struct {
    const char *name;
    int needed;
    const char *with; /* a parameter that it cannot do without */
    const char *good[MAX_VALUES];
    const char *bad[MAX_VALUES];
    const char *use; /* in what is said of a bad one */
} param_t;

/* A directive that is complete with its needed parameters. */
typedef struct {
    const char *head;
    param_t params[MAX_PARAMS];
} directive_t;

#define POINTS                                                                 \
    {                                                                          \
        "points=", 1, NULL, {"50", "0", "1", "100"},                           \
            {"", "101", "-1", "+1", "1.5", "x", "1x", " 1", "$p", "4294967346",\
             "18446744073709551666"},                                          \
            "use 0 to 100"                                                     \
    }
#define SHADOW {"shadow", 0, NULL, {""}, {NULL}, NULL}
#define IF {"if=", 0, NULL, {"$a", "1", "$a$b", "if="}, {""}, "use a value"}
#define ON                                                                     \
    {                                                                          \
        "on=", 0, NULL, {"response", "request"},                               \
            {"", "log", "Response", "respons", "responses", "requests"},       \
            "use \"request\" or \"response\""                                  \
    }

static const directive_t directives[] = {
    {"fraud_rate flood address",
     {{"rate=",
       1,
       NULL,
       {"10r/s", "1r/d", "5r/m", "7r/h", "1000000r/s", "1000000r/d"},
       {"", "10", "r/s", "0r/s", "0.5r/s", "-1r/s", "1r/w", "1r/S", "1 r/s",
        "1r/s ", "1r/ss", "1/s", "1r/", "4294967296r/s"},
       "use Nr/s, Nr/m, Nr/h or Nr/d"},
      {"burst=",
       0,
       NULL,
       {"5", "0", "1", "4294967294"},
       {"", "-1", "1.5", "5x", "$b", "4294967295", "18446744073709551616"},
       "use a number"},
      {"cost=",
       0,
       NULL,
       {"1", "0", "4294967295", "$arg_cost", "1$x", "$"},
       {"", "two", "-1", "1.5", "4294967296"},
       "use a number or a variable"},
      {"per=", 0, "factor=10", {"session"}, {""}, "identity"},
      {"factor=",
       0,
       "per=session",
       {"10", "1", "1000"},
       {"", "0", "1001", "-1", "x", "1.5"},
       "use 1 to 1000"},
      IF,
      ON,
      POINTS,
      SHADOW}},
    {"fraud_distinct stuffing address",
     {{"of=", 1, NULL, {"$arg_user", "$a$b", "of=", "x"}, {""}, "use a value"},
      {"max=",
       1,
       NULL,
       {"10", "1", "1000"},
       {"", "0", "1001", "-1", "x", "1.5", "4294967297"},
       "use 1 to 1000"},
      {"window=",
       1,
       NULL,
       {"10m", "1s", "30d", "1h30m", "60", "1000ms", "2592000", "4w2d", "720h"},
       {"", "0", "0s", "999ms", "31d", "30d1s", "30d1ms", "10x", "m", "-1s",
        "1.5h", "1m1h", "5m5m", "18446744073709551616s", "307445734562d"},
       "use a time from 1s to 30d"},
      IF,
      ON,
      POINTS,
      SHADOW}},
    {"fraud_match scanner $http_user_agent ^curl",
     {{"nocase", 0, NULL, {""}, {NULL}, NULL}, POINTS, SHADOW}},
    {"fraud_match scanner $http_user_agent file=agents.patterns",
     {{"nocase", 0, NULL, {""}, {NULL}, NULL}, POINTS, SHADOW}},
    {"fraud_list hosting $remote_addr",
     {{"file=", 1, NULL, {"a.netset", "=", "file="}, {""}, "path"},
      {"type=",
       0,
       NULL,
       {"network", "string"},
       {"", "net", "String", "strings", "networks"},
       "use \"network\" or \"string\""},
      POINTS,
      SHADOW}},
    {"fraud_signal trap", {IF, ON, POINTS, SHADOW}},
    {"fraud_travel travel session",
     {{"speed=",
       1,
       NULL,
       {"1000", "1", "1000000"},
       {"", "0", "1000001", "-1", "fast", "4294967297"},
       "use 1 to 1000000"},
      {"distance=",
       0,
       NULL,
       {"100", "1", "20000"},
       {"", "0", "20001", "-1", "far", "4294967297"},
       "use 1 to 20000"},
      POINTS,
      SHADOW}},
    {"fraud_reputation address",
     {{"half_life=",
       1,
       NULL,
       {"4h", "1s", "365d", "31536000", "1d12h", "52w", "4"},
       {"", "0", "999ms", "366d", "365d1s", "-1s", "4x", "4h4h", "h"},
       "use a time from 1s to 365d"},
      {"weight=",
       0,
       NULL,
       {"1", "0", "100", "0.001", "1.5", "99.999", "100.000"},
       {"", "-1", "101", "100.001", "0.0001", ".5", "1.", "1,5", "x"},
       "use 0 to 100 with up to 3 decimals"},
      {"max=",
       0,
       NULL,
       {"60", "0", "100"},
       {"", "101", "-1", "x"},
       "0 to 100"}}},
};

static uint64_t random_state;

static unsigned any(unsigned n) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

static void add_word(line_t *line, const char *text, size_t len) {
    char *block = malloc(len + 1);

    assert_non_null(block);
    assert_in_range(line->n, 0, MAX_WORDS - 1);
    memcpy(block + 1, text, len);
    line->blocks[line->n] = block;
    line->words[line->n].data = (uint8_t *)block + 1;
    line->words[line->n].len = len;
    line->n++;
}

/* Words are apart by one blank; '' is an empty one. */
static void add_words(line_t *line, const char *text) {
    size_t len;

    for (; *text != '\0'; text += len + (text[len] == ' ')) {
        len = strcspn(text, " ");
        add_word(line, text, len == 2 && memcmp(text, "''", 2) == 0 ? 0 : len);
    }
}

static void add_param(line_t *line, const char *name, const char *value) {
    char word[2 * MAX_WORD];

    snprintf(word, sizeof(word), "%s%s", name, value);
    add_word(line, word, strlen(word));
}

static void clear(line_t *line) {
    while (line->n > 0) {
        free(line->blocks[--line->n]);
    }
}

static void show(const line_t *line, char *text) {
    size_t i, at = 0;

    text[0] = '\0';
    for (i = 0; i < line->n; i++) {
        at += (size_t)snprintf(text + at, MAX_LINE - at, " %.*s",
                               (int)line->words[i].len,
                               (const char *)line->words[i].data);
        assert_in_range(at, 0, MAX_LINE - 1);
    }
}

/* Return 1 if ${text} is absent or within a word. */
static int is_within(const line_t *line, fraud_str_t text) {
    const uint8_t *end;
    size_t i;

    if (text.data == NULL) {
        return text.len == 0;
    }
    for (i = 0; i < line->n; i++) {
        if (line->words[i].data == NULL) {
            continue;
        }
        end = line->words[i].data + line->words[i].len;
        if (text.data >= line->words[i].data && text.data <= end &&
            text.len <= (size_t)(end - text.data)) {
            return 1;
        }
    }
    return 0;
}

static void check_rule(const line_t *line, const fraud_rule_t *rule) {
    assert_true(is_within(line, rule->name));
    assert_true(is_within(line, rule->identity));
    assert_true(is_within(line, rule->value));
    assert_true(is_within(line, rule->pattern));
    assert_true(is_within(line, rule->file));
    assert_true(is_within(line, rule->condition));
    assert_true(is_within(line, rule->cost));
    assert_true(is_within(line, rule->per));
    assert_in_range(rule->name.len, 1, 32);
    assert_in_range(rule->points, 0, 100);
    if (rule->type == FRAUD_RULE_RATE) {
        assert_int_equal(fraud_gcra_check(&rule->gcra), FRAUD_OK);
        assert_in_range(rule->factor, rule->per.data != NULL,
                        rule->per.data != NULL ? FRAUD_RULE_FACTOR_MAX : 0);
    } else if (rule->type == FRAUD_RULE_DISTINCT) {
        assert_in_range(rule->max, 1, FRAUD_DISTINCT_MAX);
        assert_in_range(rule->window_us, 1000000, 30 * 86400000000);
    } else if (rule->type == FRAUD_RULE_TRAVEL) {
        assert_in_range(rule->speed, 1, 1000000);
        assert_in_range(rule->distance, 1, 20000);
    } else if (rule->type == FRAUD_RULE_REPUTATION) {
        assert_in_range(rule->weight, 0, 100000);
        assert_in_range(rule->half_life_us, 1000000, 365 * 86400000000);
    }
}

static void check_error(const line_t *line, const fraud_err_t *err) {
    assert_non_null(memchr(err->why, '\0', sizeof(err->why)));
    assert_int_not_equal(err->why[0], '\0');
    assert_in_range(err->at, 0, line->n == 0 ? 1 : line->n);
}

/* Whatever the caller's memory held before, the result is the same. */
static fraud_rc parse(fraud_rule_t *rule, const line_t *line,
                      fraud_err_t *err) {
    fraud_rc rc;

    memset(rule, 0xa5, sizeof(*rule));
    memset(err, 0xa5, sizeof(*err));
    rc = fraud_rule_parse(rule, line->words, line->n, err);
    if (rc == FRAUD_OK) {
        check_rule(line, rule);
    } else {
        check_error(line, err);
        assert_true(rc == FRAUD_EINVAL || rc == FRAUD_NOTFOUND);
    }
    return rc;
}

static void expect_ok(const line_t *line) {
    char text[MAX_LINE];
    fraud_rule_t rule;
    fraud_err_t err;

    if (parse(&rule, line, &err) != FRAUD_OK) {
        show(line, text);
        fail_msg("%s: word %u: %s", text, (unsigned)err.at, err.why);
    }
}

static void expect_error(const line_t *line, fraud_rc want, size_t at,
                         const char *why) {
    char text[MAX_LINE];
    fraud_rule_t rule;
    fraud_err_t err;
    fraud_rc rc;

    rc = parse(&rule, line, &err);
    if (rc != want || err.at != at || strstr(err.why, why) == NULL) {
        show(line, text);
        fail_msg("%s: rc %d, word %u: %s; not rc %d, word %u: %s", text,
                 (int)rc, rc == FRAUD_OK ? 0 : (unsigned)err.at,
                 rc == FRAUD_OK ? "" : err.why, (int)want, (unsigned)at, why);
    }
}

/* The head and all that is needed, but for parameter ${skip}. */
static void complete(line_t *line, const directive_t *d, size_t skip) {
    const param_t *p = d->params;
    size_t i;

    line->n = 0;
    add_words(line, d->head);
    for (i = 0; i < MAX_PARAMS && p[i].name != NULL; i++) {
        if (p[i].needed && i != skip) {
            add_param(line, p[i].name, p[i].good[0]);
        }
    }
    if (skip < MAX_PARAMS && p[skip].with != NULL) {
        add_words(line, p[skip].with);
    }
}

static void check_values(const directive_t *d, size_t i) {
    const param_t *p = &d->params[i];
    line_t line;
    size_t k;

    for (k = 0; k < MAX_VALUES && p->good[k] != NULL; k++) {
        complete(&line, d, i);
        add_param(&line, p->name, p->good[k]);
        expect_ok(&line);
        /* twice, the same or not */
        add_param(&line, p->name, p->good[0]);
        expect_error(&line, FRAUD_EINVAL, line.n - 1, "twice");
        clear(&line);
    }
    for (k = 0; k < MAX_VALUES && p->bad[k] != NULL; k++) {
        complete(&line, d, i);
        add_param(&line, p->name, p->bad[k]);
        expect_error(&line, FRAUD_EINVAL, line.n - 1, p->use);
        clear(&line);
    }
}

static void test_values(void **state) {
    size_t i, k;

    (void)state;
    for (i = 0; i < N(directives); i++) {
        for (k = 0; k < MAX_PARAMS; k++) {
            if (directives[i].params[k].name != NULL) {
                check_values(&directives[i], k);
            }
        }
    }
}

/* Without it the directive is refused, and what to add is said. */
static void test_missing(void **state) {
    const param_t *p;
    char add[MAX_WORD];
    line_t line;
    size_t i, k;

    (void)state;
    for (i = 0; i < N(directives); i++) {
        for (k = 0; k < MAX_PARAMS; k++) {
            p = &directives[i].params[k];
            if (p->name == NULL || (!p->needed && p->with == NULL)) {
                continue;
            }
            snprintf(add, sizeof(add), "\"%s", p->name);
            complete(&line, &directives[i], k);
            expect_error(&line, FRAUD_EINVAL, line.n, add);
            clear(&line);
        }
    }
}

static int takes(const directive_t *d, const char *name) {
    size_t i;

    for (i = 0; i < MAX_PARAMS && d->params[i].name != NULL; i++) {
        if (strcmp(d->params[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void check_unknown(const directive_t *d, const char *name,
                          const char *value) {
    line_t line;

    complete(&line, d, MAX_PARAMS);
    add_param(&line, name, value);
    expect_error(&line, FRAUD_NOTFOUND, line.n - 1, "README.md");
    add_words(&line, "shadow points=0");
    expect_error(&line, FRAUD_NOTFOUND, line.n - 3, "README.md");
    clear(&line);
}

/* Parameters of other directives, and what is none of any. */
static void test_unknown(void **state) {
    static const char *const words[] = {
        "",       "=",        "=50",      "points",   "point=5",    "Points=5",
        "POINTS", "points:5", "shadow=",  "shadow=1", "shadows",    "shado",
        "Shadow", "nocase=1", "nocases",  "trust=1",  "trusted",    "off",
        "rate",   "$points",  "xpoints=", "\xff",     "\"shadow\"",
    };
    const directive_t *from;
    line_t line = {.n = 0};
    size_t i, j, k;

    (void)state;
    add_words(&line, "fraud_signal trap offer");
    expect_error(&line, FRAUD_NOTFOUND, 2, "README.md");
    clear(&line);
    for (i = 0; i < N(directives); i++) {
        for (j = 0; j < N(words); j++) {
            check_unknown(&directives[i], words[j], "");
        }
        for (j = 0; j < N(directives); j++) {
            from = &directives[j];
            for (k = 0; k < MAX_PARAMS && from->params[k].name != NULL; k++) {
                if (!takes(&directives[i], from->params[k].name)) {
                    check_unknown(&directives[i], from->params[k].name,
                                  from->params[k].good[0]);
                }
            }
        }
    }
}

typedef struct {
    const char *text;
    size_t at;
    const char *why;
} error_case_t;

static void check_errors(const error_case_t *cases, size_t n) {
    line_t line;
    size_t i;

    for (i = 0; i < n; i++) {
        line.n = 0;
        add_words(&line, cases[i].text);
        expect_error(&line, FRAUD_EINVAL, cases[i].at, cases[i].why);
        clear(&line);
    }
}

static void test_heads(void **state) {
    static const error_case_t cases[] = {
        {"''", 0, "signal"},
        {"points=5", 0, "signal"},
        {"fraud_action 50 deny", 0, "signal"},
        {"fraud_rates flood address rate=1r/s points=5", 0, "signal"},
        {"fraud_rate", 1, "1 to 32 letters"},
        {"fraud_distinct", 1, "1 to 32 letters"},
        {"fraud_match", 1, "1 to 32 letters"},
        {"fraud_list", 1, "1 to 32 letters"},
        {"fraud_signal", 1, "1 to 32 letters"},
        {"fraud_travel", 1, "1 to 32 letters"},
        {"fraud_reputation", 1, "1 to 32 letters"},
        {"fraud_rate '' address rate=1r/s points=5", 1, "1 to 32 letters"},
        {"fraud_rate a-b address rate=1r/s points=5", 1, "1 to 32 letters"},
        {"fraud_rate a.b", 1, "1 to 32 letters"},
        {"fraud_signal abcdefghijklmnopqrstuvwxyz_123456 points=5", 1,
         "1 to 32 letters"},
        {"fraud_signal points=5", 1, "1 to 32 letters"},
        {"fraud_reputation $a half_life=4h", 1, "1 to 32 letters"},
        {"fraud_rate flood", 2, "identity"},
        {"fraud_distinct stuffing", 2, "identity"},
        {"fraud_travel travel", 2, "identity"},
        {"fraud_match scanner", 2, "value"},
        {"fraud_list hosting", 2, "value"},
        {"fraud_match scanner $http_user_agent", 3, "pattern"},
        {"fraud_match scanner $http_user_agent '' points=5", 3, "pattern"},
        {"fraud_match scanner $http_user_agent file= points=5", 3, "file"},
    };

    (void)state;
    check_errors(cases, N(cases));
}

/* Each word is right, together they are not. */
static void test_together(void **state) {
    static const error_case_t cases[] = {
        {"fraud_rate flood address rate=1000001r/s points=5", 5, "1000000r/s"},
        {"fraud_rate flood address points=5 rate=4294967295r/s", 5,
         "1000000r/s"},
        {"fraud_rate flood address rate=1r/d burst=52125 points=5", 6,
         "140 years"},
        {"fraud_rate flood address burst=4294967294 rate=1r/m points=5", 6,
         "140 years"},
        {"fraud_list office $remote_addr file=x trust points=0", 6,
         "remove one"},
        {"fraud_list office $remote_addr points=100 trust file=x", 6,
         "remove one"},
        {"fraud_list office $remote_addr file=x", 4, "\"trust\""},
        {"fraud_list office $remote_addr trust", 4, "\"file="},
        {"fraud_list office $remote_addr file=x trust trust", 5, "twice"},
        {"fraud_signal trap off points=5", 3, "remove it"},
        {"fraud_signal trap off off", 3, "remove it"},
        {"fraud_signal trap off ''", 3, "remove it"},
    };
    line_t line = {.n = 0};
    fraud_rule_t rule;
    fraud_err_t err;

    (void)state;
    check_errors(cases, N(cases));
    add_words(&line, "fraud_rate flood address rate=1r/d burst=52123 points=5");
    expect_ok(&line);
    clear(&line);
    assert_int_equal(fraud_rule_parse(&rule, NULL, 0, &err), FRAUD_EINVAL);
    assert_int_equal(err.at, 0);
    assert_int_not_equal(err.why[0], '\0');
}

static void put_text(char *out, const char *name, fraud_str_t text) {
    size_t at = strlen(out);

    if (text.data != NULL) {
        snprintf(out + at, MAX_LINE - at, " %s%.*s", name, (int)text.len,
                 (const char *)text.data);
    }
}

static void put_uint(char *out, const char *name, uint64_t n) {
    size_t at = strlen(out);

    snprintf(out + at, MAX_LINE - at, " %s%llu", name, (unsigned long long)n);
}

/* What is in a rule, the same for every order of its parameters. */
static void describe(char *out, const fraud_rule_t *rule) {
    static const char *const types[] = {
        "rate", "distinct", "match", "list", "signal", "travel", "reputation"};

    assert_in_range(rule->type, 0, N(types) - 1);
    snprintf(out, MAX_LINE, "%s", types[rule->type]);
    put_text(out, "", rule->name);
    put_text(out, "by:", rule->identity);
    put_text(out, "value:", rule->value);
    put_text(out, "pattern:", rule->pattern);
    put_text(out, "file:", rule->file);
    put_text(out, "cost:", rule->cost);
    put_text(out, "per:", rule->per);
    if (rule->type == FRAUD_RULE_RATE) {
        put_uint(out, "n:", rule->gcra.n);
        put_uint(out, "us:", rule->gcra.period_us);
        put_uint(out, "burst:", rule->gcra.burst);
        put_uint(out, "factor:", rule->factor);
    } else if (rule->type == FRAUD_RULE_DISTINCT) {
        put_uint(out, "max:", rule->max);
        put_uint(out, "us:", rule->window_us);
    } else if (rule->type == FRAUD_RULE_TRAVEL) {
        put_uint(out, "speed:", rule->speed);
        put_uint(out, "distance:", rule->distance);
    } else if (rule->type == FRAUD_RULE_REPUTATION) {
        put_uint(out, "us:", rule->half_life_us);
        put_uint(out, "weight:", rule->weight);
    }
    put_text(out, "if:", rule->condition);
    put_uint(out, "points:", rule->points);
    strcat(out, rule->response ? " response" : "");
    strcat(out, rule->shadow ? " shadow" : "");
    strcat(out, rule->trust ? " trust" : "");
    strcat(out, rule->strings ? " strings" : "");
    strcat(out, rule->nocase ? " nocase" : "");
    strcat(out, rule->off ? " off" : "");
}

static void reverse(line_t *line, size_t from) {
    size_t to = line->n;
    fraud_str_t word;

    while (from + 1 < to) {
        word = line->words[from];
        line->words[from++] = line->words[--to];
        line->words[to] = word;
    }
}

static void test_rules(void **state) {
    static const struct {
        const char *text;
        size_t head; /* words before the parameters */
        const char *want;
    } cases[] = {
        {"fraud_rate flood address rate=10r/s points=50", 3,
         "rate flood by:address n:10 us:1000000 burst:0 factor:0 points:50"},
        {"fraud_rate bruteforce login rate=5r/m burst=5 if=$login_failed "
         "on=response points=60",
         3,
         "rate bruteforce by:login n:5 us:60000000 burst:5 factor:0 "
         "if:$login_failed points:60 response"},
        {"fraud_rate a login rate=1r/h cost=$arg_cost per=session factor=10 "
         "points=0 shadow on=request",
         3,
         "rate a by:login cost:$arg_cost per:session n:1 us:3600000000 burst:0 "
         "factor:10 points:0 shadow"},
        {"fraud_rate E_5 a points=1 cost=0 rate=2r/d burst=52000", 3,
         "rate E_5 by:a cost:0 n:2 us:86400000000 burst:52000 factor:0 "
         "points:1"},
        {"fraud_distinct stuffing address of=$arg_user max=10 window=10m "
         "points=50",
         3,
         "distinct stuffing by:address value:$arg_user max:10 us:600000000 "
         "points:50"},
        {"fraud_distinct d s of=$a$b max=1000 window=1h30m5 points=100 if=$x "
         "on=response shadow",
         3,
         "distinct d by:s value:$a$b max:1000 us:5405000000 if:$x points:100 "
         "response shadow"},
        {"fraud_match scanner $http_user_agent ^curl nocase points=70", 4,
         "match scanner value:$http_user_agent pattern:^curl points:70 nocase"},
        {"fraud_match m $uri file=fraud/a.patterns points=1 shadow", 4,
         "match m value:$uri file:fraud/a.patterns points:1 shadow"},
        {"fraud_match m x points=1 points=2", 4,
         "match m value:x pattern:points=1 points:2"},
        {"fraud_list office $remote_addr file=o.netset trust", 3,
         "list office value:$remote_addr file:o.netset points:0 trust"},
        {"fraud_list l $arg_user file=l.txt type=string points=20 shadow", 3,
         "list l value:$arg_user file:l.txt points:20 shadow strings"},
        {"fraud_list l $remote_addr file=a type=network points=100", 3,
         "list l value:$remote_addr file:a points:100"},
        {"fraud_signal trap points=80", 2, "signal trap points:80"},
        {"fraud_signal trap if=$a on=response points=8 shadow", 2,
         "signal trap if:$a points:8 response shadow"},
        {"fraud_signal trap off", 3, "signal trap points:0 off"},
        {"fraud_signal off points=1", 2, "signal off points:1"},
        {"fraud_travel travel session speed=1000 points=40", 3,
         "travel travel by:session speed:1000 distance:100 points:40"},
        {"fraud_travel t account points=40 distance=500 speed=1 shadow", 3,
         "travel t by:account speed:1 distance:500 points:40 shadow"},
        {"fraud_reputation address half_life=4h", 2,
         "reputation address by:address us:14400000000 weight:1000 "
         "points:100"},
        {"fraud_reputation s half_life=1s weight=0.125 max=0", 2,
         "reputation s by:s us:1000000 weight:125 points:0"},
    };
    char text[MAX_LINE];
    fraud_rule_t rule;
    fraud_err_t err;
    line_t line;
    size_t i;
    int k;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        line.n = 0;
        add_words(&line, cases[i].text);
        for (k = 0; k < 2; k++) {
            expect_ok(&line);
            assert_int_equal(parse(&rule, &line, &err), FRAUD_OK);
            describe(text, &rule);
            assert_string_equal(text, cases[i].want);
            reverse(&line, cases[i].head);
        }
        clear(&line);
    }
}

static void test_types(void **state) {
    static const struct {
        const char *word;
        fraud_rc rc;
        fraud_rule_type_t type;
    } cases[] = {
        {"fraud_rate", FRAUD_OK, FRAUD_RULE_RATE},
        {"fraud_distinct", FRAUD_OK, FRAUD_RULE_DISTINCT},
        {"fraud_match", FRAUD_OK, FRAUD_RULE_MATCH},
        {"fraud_list", FRAUD_OK, FRAUD_RULE_LIST},
        {"fraud_signal", FRAUD_OK, FRAUD_RULE_SIGNAL},
        {"fraud_travel", FRAUD_OK, FRAUD_RULE_TRAVEL},
        {"fraud_reputation", FRAUD_OK, FRAUD_RULE_REPUTATION},
        {"", FRAUD_NOTFOUND, FRAUD_RULE_RATE},
        {"fraud", FRAUD_NOTFOUND, FRAUD_RULE_RATE},
        {"fraud_", FRAUD_NOTFOUND, FRAUD_RULE_RATE},
        {"fraud_rat", FRAUD_NOTFOUND, FRAUD_RULE_RATE},
        {"fraud_rates", FRAUD_NOTFOUND, FRAUD_RULE_RATE},
        {"Fraud_rate", FRAUD_NOTFOUND, FRAUD_RULE_RATE},
        {"fraud_identity", FRAUD_NOTFOUND, FRAUD_RULE_RATE},
    };
    const fraud_str_t none = {NULL, 0};
    fraud_rule_type_t type;
    line_t line;
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        line.n = 0;
        add_word(&line, cases[i].word, strlen(cases[i].word));
        assert_int_equal(fraud_rule_type(&type, line.words[0]), cases[i].rc);
        if (cases[i].rc == FRAUD_OK) {
            assert_int_equal(type, cases[i].type);
        }
        clear(&line);
    }
    assert_int_equal(fraud_rule_type(&type, none), FRAUD_NOTFOUND);
}

/* A parameter that may be right, wrong, of another directive, or mangled. */
static void add_random(line_t *line, const directive_t *d) {
    char word[2 * MAX_WORD];
    const param_t *p;
    const char *value;
    size_t len;

    d = any(8) == 0 ? &directives[any(N(directives))] : d;
    do {
        p = &d->params[any(MAX_PARAMS)];
    } while (p->name == NULL);
    do {
        value =
            any(8) == 0 ? p->bad[any(MAX_VALUES)] : p->good[any(MAX_VALUES)];
    } while (value == NULL && (p->bad[0] != NULL || p->good[0] == NULL));
    snprintf(word, sizeof(word), "%s%s", p->name, value != NULL ? value : "");
    len = strlen(word);
    if (any(16) == 0 && len > 0) {
        word[any((unsigned)len)] = (char)any(256);
    }
    if (any(16) == 0) {
        len = any((unsigned)len + 1);
    }
    add_word(line, word, len);
}

static void test_random_words(void **state) {
    static const fraud_str_t none = {NULL, 0};
    const directive_t *d;
    size_t valid = 0, k;
    fraud_rule_t rule;
    fraud_err_t err;
    line_t line;
    int i;

    (void)state;
    random_state = 1;
    for (i = 0; i < 100000; i++) {
        d = &directives[any(N(directives))];
        if (any(2) == 0) {
            complete(&line, d, MAX_PARAMS);
        } else {
            line.n = 0;
            add_words(&line, d->head);
        }
        for (k = any(4); k > 0; k--) {
            add_random(&line, d);
        }
        if (any(16) == 0) { /* a word elsewhere, or none at all */
            k = any((unsigned)line.n);
            line.words[k] = any(2) == 0 ? none : line.words[line.n - 1];
        }
        valid += parse(&rule, &line, &err) == FRAUD_OK;
        clear(&line);
    }
    assert_true(valid > 10000 && valid < 90000);
}

static void test_random_bytes(void **state) {
    char word[MAX_WORD];
    fraud_rule_t rule;
    fraud_err_t err;
    line_t line;
    size_t len, k, n;
    int i;

    (void)state;
    random_state = 2;
    for (i = 0; i < 50000; i++) {
        line.n = 0;
        add_words(&line, directives[any(N(directives))].head);
        for (n = any(MAX_WORDS - 4); n > 0; n--) {
            len = any(12);
            for (k = 0; k < len; k++) {
                word[k] = (char)any(256);
            }
            add_word(&line, word, len);
        }
        (void)parse(&rule, &line, &err);
        clear(&line);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_random_words),
        cmocka_unit_test(test_random_bytes),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
