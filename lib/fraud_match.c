/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_match.h"
#include "fraud_literal.h"
#include "fraud_memo.h"
#include "fraud_pattern.h"
#include "fraud_scan.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_MEMORY 1024

typedef struct {
    fraud_pattern_t *pattern;
    uint64_t member; /* its bit */
} item_t;

struct fraud_match_s {
    fraud_scan_t *scan; /* reports indexes of items */
    fraud_memo_t *memo;
    uint32_t *always; /* indexes of items that require no literal */
    size_t n_always;
    uint64_t always_members; /* of these items */
    item_t *items;
    size_t n;
    size_t size;
    fraud_pattern_env_t *env;
    const fraud_mem_t *mem;
    fraud_match_stats_t stats;
};

typedef struct {
    fraud_str_t value;
    const uint32_t *ids; /* items of which a literal occurs in it */
    size_t n;
    uint64_t open;    /* members to decide of which no pattern matched yet */
    uint64_t limited; /* members of which a pattern gave up */
} search_t;

static const fraud_match_conf_t defaults = {0, 0, 0, 0};

static fraud_rc fail(fraud_err_t *err, fraud_rc rc, const char *why) {
    err->at = 0;
    snprintf(err->why, sizeof(err->why), "%s", why);
    return rc;
}

fraud_rc fraud_match_new(fraud_match_t **match, const fraud_mem_t *mem,
                         const fraud_match_conf_t *conf) {
    fraud_match_t *m;
    fraud_rc rc;

    conf = conf != NULL ? conf : &defaults;
    mem = fraud_mem_or_default(mem);
    m = fraud_mem_zalloc(mem, sizeof(*m));
    if (m == NULL) {
        return FRAUD_ENOMEM;
    }
    m->mem = mem;
    rc = fraud_pattern_env_new(&m->env, mem, conf->match_limit,
                               conf->depth_limit);
    if (rc == FRAUD_OK) {
        rc = fraud_memo_new(&m->memo, mem,
                            conf->memory != 0 ? conf->memory : DEFAULT_MEMORY);
    }
    if (rc == FRAUD_OK) {
        rc = fraud_scan_new(&m->scan, mem);
    }
    if (rc != FRAUD_OK) {
        fraud_match_free(m);
        return rc;
    }
    *match = m;
    return FRAUD_OK;
}

/* Have room for one more item, should it be run always or not. */
static fraud_rc make_room(fraud_match_t *match) {
    size_t size = match->size == 0 ? 1 : match->size * 2;
    void *p;

    if (match->n < match->size) {
        return FRAUD_OK;
    }
    p = fraud_mem_resize(match->mem, match->items, size, sizeof(item_t));
    if (p == NULL) {
        return FRAUD_ENOMEM;
    }
    match->items = p;
    p = fraud_mem_resize(match->mem, match->always, size, sizeof(uint32_t));
    if (p == NULL) {
        return FRAUD_ENOMEM;
    }
    match->always = p;
    match->size = size;
    return FRAUD_OK;
}

/* Why the scan was refused. */
static const char *reason(fraud_rc rc) {
    return rc == FRAUD_ELIMIT ? "too many different literals" : "no memory";
}

/* Have the last item looked for by the literals of its ${text}, or run always.
 */
static fraud_rc add_literals(fraud_match_t *match, fraud_str_t text) {
    fraud_literals_t set;
    const fraud_literal_t *literal;
    uint32_t id = (uint32_t)(match->n - 1);
    fraud_rc rc;
    size_t i;

    fraud_literal_derive(&set, text.data, text.len);
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
        match->always_members |= match->items[id].member;
    }
    return FRAUD_OK;
}

static fraud_rc add_item(fraud_match_t *match, unsigned member, int nocase,
                         fraud_str_t text, fraud_err_t *err) {
    item_t *item;
    fraud_rc rc;

    if (member >= FRAUD_MATCH_MAX_MEMBERS) {
        return fail(err, FRAUD_ELIMIT, "too many members");
    }
    if (match->n == FRAUD_MATCH_MAX_PATTERNS) {
        return fail(err, FRAUD_ELIMIT, "too many patterns");
    }
    if (text.len > FRAUD_MATCH_MAX_PATTERN_LEN) {
        return fail(err, FRAUD_ELIMIT, "pattern is too long");
    }
    if (make_room(match) != FRAUD_OK) {
        return fail(err, FRAUD_ENOMEM, "no memory");
    }
    item = &match->items[match->n];
    item->member = (uint64_t)1 << member;
    rc = fraud_pattern_new(&item->pattern, match->env, nocase, text, err);
    if (rc != FRAUD_OK) {
        return rc;
    }
    match->n++;
    rc = add_literals(match, text);
    return rc == FRAUD_OK ? FRAUD_OK : fail(err, rc, reason(rc));
}

fraud_rc fraud_match_add(fraud_match_t *match, unsigned member, int nocase,
                         const char *pattern, size_t len, fraud_err_t *err) {
    fraud_str_t text = {(const uint8_t *)(len != 0 ? pattern : ""), len};

    err->line = 0;
    return add_item(match, member, nocase, text, err);
}

static int is_blank(uint8_t c) {
    return c == ' ' || c == '\t';
}

/* ${line} without what is not pattern; empty for a comment. */
static fraud_str_t trim(fraud_str_t line) {
    if (line.len != 0 && *line.data == '#') {
        line.len = 0;
    }
    if (line.len != 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    while (line.len != 0 && is_blank(*line.data)) {
        line.data++;
        line.len--;
    }
    while (line.len != 0 && is_blank(line.data[line.len - 1])) {
        line.len--;
    }
    return line;
}

/* Cut the first line off the ${len} bytes at ${*text}. */
static fraud_str_t cut_line(const char **text, size_t *len) {
    fraud_str_t line = {(const uint8_t *)*text, *len};
    const char *end = memchr(*text, '\n', *len);

    if (end != NULL) {
        line.len = (size_t)(end - *text);
    }
    *text += line.len + (end != NULL);
    *len -= line.len + (end != NULL);
    return line;
}

fraud_rc fraud_match_add_text(fraud_match_t *match, unsigned member, int nocase,
                              const char *text, size_t len, fraud_err_t *err) {
    size_t before = match->n;
    fraud_str_t line;
    fraud_rc rc;

    for (err->line = 1; len != 0; err->line++) {
        line = trim(cut_line(&text, &len));
        if (line.len == 0) {
            continue;
        }
        rc = add_item(match, member, nocase, line, err);
        if (rc != FRAUD_OK) {
            return rc;
        }
    }
    if (match->n == before) {
        err->line = 0;
        return fail(err, FRAUD_EINVAL, "no pattern");
    }
    return FRAUD_OK;
}

fraud_rc fraud_match_finish(fraud_match_t *match) {
    return fraud_scan_build(match->scan);
}

/* Whether any of the ${n} items ${ids} is of a ${wanted} member. */
static int concern(const fraud_match_t *match, const uint32_t *ids, size_t n,
                   uint64_t wanted) {
    size_t i;

    for (i = 0; i < n; i++) {
        if (match->items[ids[i]].member & wanted) {
            return 1;
        }
    }
    return 0;
}

/* Run those of the ${n} items ${ids} that can still tell something new. */
static void run_items(const fraud_match_t *match, search_t *search,
                      const uint32_t *ids, size_t n) {
    const item_t *item;
    fraud_rc rc;
    size_t i;

    for (i = 0; i < n; i++) {
        item = &match->items[ids[i]];
        if (!(item->member & search->open)) {
            continue;
        }
        rc = fraud_pattern_run(item->pattern, search->value);
        if (rc == FRAUD_OK) {
            search->open &= ~item->member;
        } else if (rc == FRAUD_ELIMIT) {
            search->limited |= item->member;
        }
    }
}

/* Add to ${verdict} what the members ${open} say, and remember it. */
static void decide(fraud_match_t *match, search_t *search, uint64_t open,
                   fraud_memo_verdict_t *verdict) {
    search->open = open;
    search->limited = 0;
    run_items(match, search, search->ids, search->n);
    run_items(match, search, match->always, match->n_always);
    verdict->known |= open;
    verdict->hits |= open & ~search->open;
    verdict->limited |= search->limited & search->open;
    fraud_memo_put(match->memo, search->value.data, search->value.len, verdict);
}

static size_t find_items(fraud_match_t *match, search_t *search) {
    return fraud_scan_find(match->scan, search->value.data, search->value.len,
                           &search->ids);
}

fraud_rc fraud_match_find(fraud_match_t *match, const uint8_t *value,
                          size_t len, uint64_t wanted, uint64_t *hits) {
    fraud_memo_verdict_t verdict = {0, 0, 0};
    const fraud_memo_verdict_t *known;
    search_t search;
    uint64_t open;
    int always = (wanted & match->always_members) != 0;

    match->stats.values++;
    *hits = 0;
    search.value.data = len != 0 ? value : (const uint8_t *)"";
    search.value.len = len;
    /* where it cannot answer alone, the scan waits: the memory may do */
    if (!always) {
        search.n = find_items(match, &search);
        if (!concern(match, search.ids, search.n, wanted)) {
            return FRAUD_OK;
        }
    }
    known = fraud_memo_get(match->memo, search.value.data, len);
    if (known != NULL) {
        verdict = *known;
    }
    open = wanted & ~verdict.known;
    if (open != 0) {
        if (always) {
            search.n = find_items(match, &search);
        }
        decide(match, &search, open, &verdict);
        match->stats.verified++;
        match->stats.limited += (verdict.limited & wanted) != 0;
    }
    *hits = verdict.hits & wanted;
    return verdict.limited & wanted ? FRAUD_ELIMIT : FRAUD_OK;
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
        fraud_pattern_free(match->items[i].pattern);
    }
    fraud_mem_free(match->mem, match->items);
    fraud_pattern_env_free(match->env);
    fraud_mem_free(match->mem, match);
}

/* ${one}: ${text} is a pattern. */
static fraud_rc fill(fraud_match_t *match, int one, int nocase,
                     fraud_str_t text, fraud_err_t *err) {
    const char *data = (const char *)text.data;
    fraud_rc rc;

    rc = one ? fraud_match_add(match, 0, nocase, data, text.len, err)
             : fraud_match_add_text(match, 0, nocase, data, text.len, err);
    if (rc == FRAUD_OK) {
        rc = fraud_match_finish(match);
        if (rc != FRAUD_OK) {
            err->line = 0;
            return fail(err, rc, reason(rc));
        }
    }
    return rc;
}

static fraud_rc make(fraud_match_t **match, const fraud_mem_t *mem,
                     const fraud_match_conf_t *conf, int one, fraud_str_t text,
                     fraud_err_t *err) {
    fraud_match_t *m;
    fraud_rc rc;

    rc = fraud_match_new(&m, mem, conf);
    if (rc != FRAUD_OK) {
        err->line = 0;
        return fail(err, rc,
                    rc == FRAUD_ELIMIT ? "memory is too large" : "no memory");
    }
    rc = fill(m, one, conf->nocase, text, err);
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
    fraud_str_t text = {(const uint8_t *)pattern, len};

    return make(match, mem, conf, 1, text, err);
}

fraud_rc fraud_match_load(fraud_match_t **match, const fraud_mem_t *mem,
                          const fraud_match_conf_t *conf, const char *text,
                          size_t len, fraud_err_t *err) {
    fraud_str_t str = {(const uint8_t *)text, len};

    return make(match, mem, conf, 0, str, err);
}

fraud_rc fraud_match_any(fraud_match_t *match, const uint8_t *value,
                         size_t len) {
    uint64_t hits;
    fraud_rc rc;

    rc = fraud_match_find(match, value, len, UINT64_MAX, &hits);
    return hits != 0 ? FRAUD_OK : rc == FRAUD_OK ? FRAUD_NOTFOUND : rc;
}
