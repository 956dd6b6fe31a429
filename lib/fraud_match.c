/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_match.h"
#include "fraud_literal.h"
#include "fraud_memo.h"
#include "fraud_scan.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdio.h>
#include <string.h>

#define DEFAULT_MATCH_LIMIT 100000
#define DEFAULT_DEPTH_LIMIT 1000
#define DEFAULT_MEMORY 1024

/* PCRE2 counts steps anew at each place; at most this many times over. */
#define LIMIT_FACTOR 10

#define HEAP_LIMIT_KIB 1024 /* what the interpreter may allocate */
#define JIT_STACK_MIN (32 * 1024)
#define JIT_STACK_MAX (256 * 1024)

typedef struct {
    pcre2_code *code;
    int jit;
} pattern_t;

struct fraud_match_s {
    const fraud_mem_t *mem;
    pcre2_general_context *general;
    pcre2_compile_context *compile;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
    pcre2_match_data *data;
    uint32_t match_limit;
    uint32_t options;
    pattern_t *patterns;
    size_t n;
    size_t size;
    uint32_t *always; /* indexes of patterns that require no literal */
    size_t n_always;
    fraud_scan_t *scan; /* reports indexes of patterns */
    fraud_memo_t *memo; /* fraud_rc by value */
    fraud_match_stats_t stats;
};

static void *pcre2_alloc(size_t size, void *data) {
    const fraud_match_t *match = data;

    return fraud_mem_alloc(match->mem, size);
}

static void pcre2_release(void *p, void *data) {
    const fraud_match_t *match = data;

    fraud_mem_free(match->mem, p);
}

static fraud_rc fail(fraud_err_t *err, size_t line, size_t at, fraud_rc rc,
                     const char *why) {
    err->line = line;
    err->at = at;
    snprintf(err->why, sizeof(err->why), "%s", why);
    return rc;
}

/* Why the scan was refused. */
static const char *reason(fraud_rc rc) {
    return rc == FRAUD_ELIMIT ? "too many different literals" : "no memory";
}

static fraud_rc init_pcre2(fraud_match_t *match,
                           const fraud_match_conf_t *conf) {
    uint32_t depth = conf->depth_limit;

    match->general =
        pcre2_general_context_create(pcre2_alloc, pcre2_release, match);
    if (match->general == NULL) {
        return FRAUD_ENOMEM;
    }
    match->compile = pcre2_compile_context_create(match->general);
    match->limits = pcre2_match_context_create(match->general);
    match->data = pcre2_match_data_create(1, match->general);
    if (match->compile == NULL || match->limits == NULL ||
        match->data == NULL) {
        return FRAUD_ENOMEM;
    }
    match->match_limit =
        conf->match_limit != 0 ? conf->match_limit : DEFAULT_MATCH_LIMIT;
    pcre2_set_depth_limit(match->limits,
                          depth != 0 ? depth : DEFAULT_DEPTH_LIMIT);
    pcre2_set_heap_limit(match->limits, HEAP_LIMIT_KIB);
    /* without it JIT code has the 32 KiB that it takes from the C stack */
    match->stack =
        pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, match->general);
    if (match->stack != NULL) {
        pcre2_jit_stack_assign(match->limits, NULL, match->stack);
    }
    match->options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
                     PCRE2_NEVER_BACKSLASH_C |
                     (conf->nocase ? PCRE2_CASELESS : 0);
    return FRAUD_OK;
}

static fraud_rc new_match(fraud_match_t **match, const fraud_mem_t *mem,
                          const fraud_match_conf_t *conf, fraud_err_t *err) {
    fraud_match_t *m;
    fraud_rc rc;

    mem = fraud_mem_or_default(mem);
    m = fraud_mem_zalloc(mem, sizeof(*m));
    if (m == NULL) {
        return fail(err, 0, 0, FRAUD_ENOMEM, "no memory");
    }
    m->mem = mem;
    rc = init_pcre2(m, conf);
    if (rc == FRAUD_OK) {
        rc = fraud_memo_new(&m->memo, mem,
                            conf->memory != 0 ? conf->memory : DEFAULT_MEMORY);
    }
    if (rc == FRAUD_OK) {
        rc = fraud_scan_new(&m->scan, mem);
    }
    if (rc != FRAUD_OK) {
        fraud_match_free(m);
        return fail(err, 0, 0, rc,
                    rc == FRAUD_ELIMIT ? "memory is too large" : "no memory");
    }
    *match = m;
    return FRAUD_OK;
}

/* Have room for one more pattern, should it be run always or not. */
static fraud_rc make_room(fraud_match_t *match) {
    size_t size = match->size == 0 ? 1 : match->size * 2;
    void *p;

    if (match->n < match->size) {
        return FRAUD_OK;
    }
    p = fraud_mem_resize(match->mem, match->patterns, size, sizeof(pattern_t));
    if (p == NULL) {
        return FRAUD_ENOMEM;
    }
    match->patterns = p;
    p = fraud_mem_resize(match->mem, match->always, size, sizeof(uint32_t));
    if (p == NULL) {
        return FRAUD_ENOMEM;
    }
    match->always = p;
    match->size = size;
    return FRAUD_OK;
}

/* Have the last pattern looked for by its literals, or run always. */
static fraud_rc add_literals(fraud_match_t *match, const uint8_t *text,
                             size_t len) {
    fraud_literals_t set;
    const fraud_literal_t *literal;
    uint32_t id = (uint32_t)(match->n - 1);
    fraud_rc rc;
    size_t i;

    fraud_literal_derive(&set, text, len);
    for (i = 0; i < set.n; i++) {
        literal = &set.item[i];
        rc = fraud_scan_add(match->scan, set.bytes + literal->at, literal->len,
                            id);
        if (rc != FRAUD_OK) {
            return rc;
        }
    }
    if (set.n == 0) {
        match->always[match->n_always++] = id;
    }
    return FRAUD_OK;
}

static fraud_rc add_pattern(fraud_match_t *match, const char *text, size_t len,
                            size_t line, fraud_err_t *err) {
    const uint8_t *bytes = (const uint8_t *)text;
    pattern_t *pattern;
    PCRE2_SIZE at;
    fraud_rc rc;
    int code;

    if (match->n == FRAUD_MATCH_MAX_PATTERNS) {
        return fail(err, line, 0, FRAUD_ELIMIT, "too many patterns");
    }
    if (len > FRAUD_MATCH_MAX_PATTERN_LEN) {
        return fail(err, line, 0, FRAUD_ELIMIT, "pattern is too long");
    }
    if (make_room(match) != FRAUD_OK) {
        return fail(err, line, 0, FRAUD_ENOMEM, "no memory");
    }
    pattern = &match->patterns[match->n];
    pattern->code =
        pcre2_compile(bytes, len, match->options, &code, &at, match->compile);
    if (pattern->code == NULL) {
        fail(err, line, at + 1, FRAUD_EINVAL, "");
        pcre2_get_error_message(code, (PCRE2_UCHAR *)err->why,
                                sizeof(err->why));
        return code == PCRE2_ERROR_HEAP_FAILED ? FRAUD_ENOMEM : FRAUD_EINVAL;
    }
    match->n++;
    /* where it fails (no JIT, no executable memory) PCRE2 interprets */
    pattern->jit = pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE) == 0;
    rc = add_literals(match, bytes, len);
    return rc == FRAUD_OK ? FRAUD_OK : fail(err, line, 0, rc, reason(rc));
}

/* ${rc}: how adding the patterns to ${m} went. */
static fraud_rc finish(fraud_match_t **match, fraud_match_t *m, fraud_rc rc,
                       fraud_err_t *err) {
    if (rc == FRAUD_OK) {
        rc = fraud_scan_build(m->scan);
        if (rc != FRAUD_OK) {
            fail(err, 0, 0, rc, reason(rc));
        }
    }
    if (rc != FRAUD_OK) {
        fraud_match_free(m);
        return rc;
    }
    *match = m;
    return FRAUD_OK;
}

fraud_rc fraud_match_one(fraud_match_t **match, const fraud_mem_t *mem,
                         const fraud_match_conf_t *conf, const char *pattern,
                         size_t len, fraud_err_t *err) {
    fraud_match_t *m;
    fraud_rc rc;

    rc = new_match(&m, mem, conf, err);
    if (rc != FRAUD_OK) {
        return rc;
    }
    return finish(match, m, add_pattern(m, pattern, len, 0, err), err);
}

static int is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* The line [text, end) without what is not pattern; empty for a comment. */
static void trim(const char **text, const char **end) {
    const char *p = *text, *q = *end;

    if (p < q && *p == '#') {
        q = p;
    }
    q -= p < q && q[-1] == '\r';
    while (p < q && is_blank(*p)) {
        p++;
    }
    while (p < q && is_blank(q[-1])) {
        q--;
    }
    *text = p;
    *end = q;
}

static fraud_rc add_lines(fraud_match_t *match, const char *text, size_t len,
                          fraud_err_t *err) {
    const char *p, *q, *next, *end = len != 0 ? text + len : text;
    size_t line = 1;
    fraud_rc rc;

    for (; text < end; text = next, line++) {
        next = memchr(text, '\n', (size_t)(end - text));
        q = next != NULL ? next : end;
        next = next != NULL ? next + 1 : end;
        p = text;
        trim(&p, &q);
        if (p == q) {
            continue;
        }
        rc = add_pattern(match, p, (size_t)(q - p), line, err);
        if (rc != FRAUD_OK) {
            return rc;
        }
    }
    if (match->n == 0) {
        return fail(err, 0, 0, FRAUD_EINVAL, "no pattern");
    }
    return FRAUD_OK;
}

fraud_rc fraud_match_load(fraud_match_t **match, const fraud_mem_t *mem,
                          const fraud_match_conf_t *conf, const char *text,
                          size_t len, fraud_err_t *err) {
    fraud_match_t *m;
    fraud_rc rc;

    rc = new_match(&m, mem, conf, err);
    if (rc != FRAUD_OK) {
        return rc;
    }
    return finish(match, m, add_lines(m, text, len, err), err);
}

static int run_within(fraud_match_t *match, const pattern_t *pattern,
                      fraud_str_t value, uint32_t limit) {
    pcre2_set_match_limit(match->limits, limit);
    if (pattern->jit) {
        return pcre2_jit_match(pattern->code, value.data, value.len, 0, 0,
                               match->data, match->limits);
    }
    return pcre2_match(pattern->code, value.data, value.len, 0, 0, match->data,
                       match->limits);
}

/* The most places in ${value} where PCRE2 tries to match ${code}. */
static size_t count_places(const pcre2_code *code, fraud_str_t value) {
    const uint8_t *map = NULL;
    uint32_t options = 0, type = 0, unit = '\n';
    size_t i, n = 1;

    pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
    if (options & PCRE2_ANCHORED) {
        return 1;
    }
    pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODETYPE, &type);
    pcre2_pattern_info(code, PCRE2_INFO_FIRSTBITMAP, &map);
    if (type == 0 && map == NULL) {
        return value.len + 1;
    }
    if (type == 1) {
        pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODEUNIT, &unit);
    }
    for (i = 0; i < value.len; i++) {
        /* of a letter both cases may begin a match */
        n += type != 0 ? ((value.data[i] ^ unit) & ~0x20u) == 0
                       : (map[value.data[i] / 8] >> value.data[i] % 8 & 1) != 0;
    }
    return n;
}

/* The steps allowed at each of ${places} places. */
static uint32_t share(const fraud_match_t *match, size_t places) {
    uint64_t limit = (uint64_t)match->match_limit * LIMIT_FACTOR / places;

    limit = limit < match->match_limit ? limit : match->match_limit;
    return limit != 0 ? (uint32_t)limit : 1;
}

/*
 * A value has as many places as bytes; only where this is too many to share
 * the steps among are those counted that matter.
 */
static fraud_rc run_pattern(fraud_match_t *match, const pattern_t *pattern,
                            fraud_str_t value) {
    uint32_t least = share(match, value.len + 1), limit;
    int rc;

    rc = run_within(match, pattern, value, least);
    if (rc == PCRE2_ERROR_MATCHLIMIT && least < match->match_limit) {
        limit = share(match, count_places(pattern->code, value));
        if (limit > least) {
            rc = run_within(match, pattern, value, limit);
        }
    }
    if (rc >= 0) {
        return FRAUD_OK;
    }
    return rc == PCRE2_ERROR_NOMATCH ? FRAUD_NOTFOUND : FRAUD_ELIMIT;
}

/* Run the patterns ${ids}: FRAUD_OK at the first that matches. */
static fraud_rc run_patterns(fraud_match_t *match, fraud_str_t value,
                             const uint32_t *ids, size_t n) {
    fraud_rc rc, verdict = FRAUD_NOTFOUND;
    size_t i;

    for (i = 0; i < n; i++) {
        rc = run_pattern(match, &match->patterns[ids[i]], value);
        if (rc == FRAUD_OK) {
            return FRAUD_OK;
        }
        verdict = rc == FRAUD_ELIMIT ? FRAUD_ELIMIT : verdict;
    }
    return verdict;
}

fraud_rc fraud_match_find(fraud_match_t *match, const uint8_t *value,
                          size_t len) {
    const fraud_str_t str = {len != 0 ? value : (const uint8_t *)"", len};
    const uint32_t *ids = NULL;
    size_t n = 0;
    fraud_rc rc, always;
    int verdict;

    match->stats.values++;
    if (match->n_always == 0) {
        n = fraud_scan_find(match->scan, str.data, len, &ids);
        if (n == 0) {
            return FRAUD_NOTFOUND;
        }
    }
    verdict = fraud_memo_get(match->memo, str.data, len);
    if (verdict != -1) {
        return (fraud_rc)verdict;
    }
    if (match->n_always != 0 && match->n_always < match->n) {
        n = fraud_scan_find(match->scan, str.data, len, &ids);
    }
    rc = run_patterns(match, str, ids, n);
    if (rc != FRAUD_OK) {
        always = run_patterns(match, str, match->always, match->n_always);
        rc = always != FRAUD_NOTFOUND ? always : rc;
    }
    match->stats.verified++;
    match->stats.limited += rc == FRAUD_ELIMIT;
    fraud_memo_put(match->memo, str.data, len, (uint8_t)rc);
    return rc;
}

size_t fraud_match_count(const fraud_match_t *match) {
    return match->n;
}

void fraud_match_stats(const fraud_match_t *match, fraud_match_stats_t *stats) {
    *stats = match->stats;
}

void fraud_match_free(fraud_match_t *match) {
    size_t i;

    if (match == NULL) {
        return;
    }
    fraud_memo_free(match->memo);
    fraud_scan_free(match->scan);
    fraud_mem_free(match->mem, match->always);
    for (i = 0; i < match->n; i++) {
        pcre2_code_free(match->patterns[i].code);
    }
    fraud_mem_free(match->mem, match->patterns);
    pcre2_match_data_free(match->data);
    pcre2_jit_stack_free(match->stack);
    pcre2_match_context_free(match->limits);
    pcre2_compile_context_free(match->compile);
    pcre2_general_context_free(match->general);
    fraud_mem_free(match->mem, match);
}
