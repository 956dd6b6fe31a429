/* SPDX-License-Identifier: BSD-2-Clause */

#include "locate.h"

#include "fail.h"
#include "scope.h"

#include <string.h>

typedef enum {
    BY_PREFIX = 0,
    BY_PREFIX_ALONE, /* "^~": no regular expression is asked */
    BY_EQUALITY,
    BY_REGEX,
    BY_NAME
} by_t;

struct location_s {
    by_t by;
    fraud_str_t name;
    fraud_match_t *match;
    scope_t *scope;
};

static fraud_str_t after(fraud_str_t text, size_t len) {
    text.data += len;
    text.len -= len;
    return text;
}

static int starts(fraud_str_t text, const char *with) {
    size_t len = strlen(with);

    return text.len >= len && memcmp(text.data, with, len) == 0;
}

/* The modifier, and the name that may be glued to it. */
static void parse_name(location_t *location, const conf_node_t *node,
                       int *nocase) {
    static const struct {
        const char *modifier;
        by_t by;
    } known[] = {{"=", BY_EQUALITY},
                 {"^~", BY_PREFIX_ALONE},
                 {"~*", BY_REGEX},
                 {"~", BY_REGEX},
                 {"@", BY_NAME}};
    fraud_str_t word = node->words[1];
    size_t i;

    location->name = word;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (starts(word, known[i].modifier)) {
            location->by = known[i].by;
            location->name = after(word, strlen(known[i].modifier));
            *nocase = i == 2;
            break;
        }
    }
    if (node->n == 3) {
        if (location->by == BY_PREFIX || location->name.len != 0) {
            fail_in(node->file, node->line, "invalid location modifier \"%s\"",
                    (const char *)word.data);
        }
        location->name = node->words[2];
    }
}

void locate_add(ruleset_t *rules, scope_t *scope, const conf_node_t *node) {
    fraud_match_conf_t conf = {0};
    location_t *location;
    fraud_err_t err;

    if (!node->block || node->n < 2 || node->n > 3) {
        fail_in(node->file, node->line,
                "\"location\" takes a path and a block");
    }
    scope->locations = arena_grow(&rules->arena, scope->locations,
                                  scope->nlocations, sizeof(*location));
    location = &scope->locations[scope->nlocations];
    memset(location, 0, sizeof(*location));
    parse_name(location, node, &conf.nocase);
    if (location->by == BY_REGEX &&
        fraud_match_one(&location->match, NULL, &conf,
                        (const char *)location->name.data, location->name.len,
                        &err) != FRAUD_OK) {
        fail_in(node->file, node->line,
                "\"location\": invalid pattern \"%s\": %s",
                (const char *)location->name.data, err.why);
    }
    scope->nlocations++;
    location->scope = scope_read(rules, node->child, scope, SCOPE_LOCATION);
}

static const location_t *find_static(const scope_t *scope, fraud_str_t path) {
    const location_t *location, *best = NULL;
    size_t i;

    for (i = 0; i < scope->nlocations; i++) {
        location = &scope->locations[i];
        if (location->by >= BY_REGEX || location->name.len > path.len ||
            memcmp(location->name.data, path.data, location->name.len) != 0) {
            continue;
        }
        if (location->by == BY_EQUALITY) {
            if (location->name.len == path.len) {
                return location;
            }
        } else if (best == NULL || location->name.len > best->name.len) {
            best = location;
        }
    }
    return best;
}

static const location_t *find_regex(const scope_t *scope, fraud_str_t path) {
    size_t i;

    for (i = 0; i < scope->nlocations; i++) {
        if (scope->locations[i].by == BY_REGEX &&
            fraud_match_any(scope->locations[i].match, path.data, path.len) ==
                FRAUD_OK) {
            return &scope->locations[i];
        }
    }
    return NULL;
}

/* ${*settled}: an exact one or a regular expression, nothing else is asked. */
static const scope_t *find(const scope_t *scope, fraud_str_t path,
                           int *settled) {
    const scope_t *found = scope;
    const location_t *location;

    location = find_static(scope, path);
    if (location != NULL) {
        if (location->by == BY_EQUALITY) {
            *settled = 1;
            return location->scope;
        }
        found = find(location->scope, path, settled);
        if (*settled || location->by == BY_PREFIX_ALONE) {
            return found;
        }
    }
    location = find_regex(scope, path);
    if (location != NULL) {
        found = find(location->scope, path, settled);
        *settled = 1;
    }
    return found;
}

const scope_t *locate_find(const scope_t *server, fraud_str_t path) {
    int settled = 0;

    return find(server, path, &settled);
}

void locate_free(scope_t *scope) {
    size_t i;

    for (i = 0; i < scope->nlocations; i++) {
        fraud_match_free(scope->locations[i].match);
        locate_free(scope->locations[i].scope);
    }
}
