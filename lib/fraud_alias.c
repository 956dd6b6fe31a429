/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_alias.h"

#include <string.h>

static const fraud_str_t uri = {(const uint8_t *)"$uri", 4};
static const fraud_str_t host = {(const uint8_t *)"$host", 5};
static const fraud_str_t client = {(const uint8_t *)"$remote_addr", 12};

static int is(fraud_str_t word, const char *text) {
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

static int is_name_char(uint8_t ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
           (ch >= '0' && ch <= '9') || ch == '_';
}

static size_t name_at(const uint8_t *p, const uint8_t *end) {
    size_t n;

    for (n = 0; p + n < end && is_name_char(p[n]); n++) {
    }
    return n;
}

/* "$1": a part of what the map looks at */
static int has_group(fraud_str_t text) {
    size_t i;

    for (i = 0; i + 1 < text.len; i++) {
        if (text.data[i] == '$' && text.data[i + 1] >= '0' &&
            text.data[i + 1] <= '9') {
            return 1;
        }
    }
    return 0;
}

/* "$name" or "${name}", which is no part of what the map looks at */
static int has_variable(fraud_str_t text) {
    size_t i;

    for (i = 0; i + 1 < text.len; i++) {
        if (text.data[i] == '$' &&
            (text.data[i + 1] == '{' ||
             (is_name_char(text.data[i + 1]) &&
              (text.data[i + 1] < '0' || text.data[i + 1] > '9')))) {
            return 1;
        }
    }
    return 0;
}

static void add(fraud_alias_t *alias, fraud_str_t name, fraud_str_t text,
                fraud_alias_use_t use) {
    fraud_alias_edge_t *edge;

    if (alias->n == FRAUD_ALIAS_EDGES) {
        alias->full = 1;
        return;
    }
    edge = &alias->edges[alias->n++];
    edge->name = name;
    edge->text = text;
    edge->use = use;
}

/* "$name", quotes around it or not, or "${name}" */
static fraud_str_t name_of(fraud_str_t word) {
    fraud_str_t name = {word.data, 0};
    const uint8_t *end = word.data + word.len;

    while (name.data < end && (*name.data == '"' || *name.data == '\'' ||
                               *name.data == '$' || *name.data == '{')) {
        name.data++;
    }
    name.len = name_at(name.data, end);
    return name;
}

/* "(?<name>", "(?P<name>", "(?'name'" of a pattern that ${text} is matched by
 */
static void add_groups(fraud_alias_t *alias, fraud_str_t pattern,
                       fraud_str_t text) {
    const uint8_t *p = pattern.data, *end = p + pattern.len;
    fraud_str_t name;

    for (; end - p > 4; p++) {
        if (p[0] != '(' || p[1] != '?') {
            continue;
        }
        name.data = p + 2 + (p[2] == 'P');
        if (*name.data != '<' && *name.data != '\'') {
            continue;
        }
        name.data++;
        name.len = name_at(name.data, end);
        if (name.len != 0) {
            add(alias, name, text, FRAUD_ALIAS_REPEATS);
        }
    }
}

static fraud_str_t between(const fraud_str_t *first, const fraud_str_t *last) {
    fraud_str_t text = *first;

    text.len = (size_t)(last->data + last->len - first->data);
    return text;
}

void fraud_alias_init(fraud_alias_t *alias) {
    alias->n = 0;
    alias->map = 0;
    alias->first = 0;
    alias->full = 0;
}

/* A line of a map: "pattern value". */
static void take_line(fraud_alias_t *alias, const fraud_str_t *words,
                      size_t n) {
    fraud_alias_edge_t *map = &alias->edges[alias->first];
    fraud_str_t name = map->name;

    if (n != 2) {
        return;
    }
    add_groups(alias, words[0], map->text);
    if (has_group(words[1])) {
        map->use = FRAUD_ALIAS_REPEATS;
    }
    if (memchr(words[1].data, '$', words[1].len) != NULL) {
        if (map->use == FRAUD_ALIAS_CHOOSES) {
            map->use = FRAUD_ALIAS_WHETHER;
        }
    }
    if (has_variable(words[1])) {
        add(alias, name, words[1], FRAUD_ALIAS_REPEATS);
    }
}

void fraud_alias_directive(fraud_alias_t *alias, const fraud_str_t *words,
                           size_t n) {
    size_t i;

    if (alias->map != 0) {
        take_line(alias, words, n);
    } else if (n == 3 &&
               (is(words[0], "set") || is(words[0], "auth_request_set"))) {
        add(alias, name_of(words[1]), words[2], FRAUD_ALIAS_REPEATS);
    } else if (n > 1 && is(words[0], "server_name")) {
        for (i = 1; i < n; i++) {
            add_groups(alias, words[i], host);
        }
    } else if (n > 1 && is(words[0], "rewrite")) {
        add_groups(alias, words[1], uri);
    }
}

void fraud_alias_open(fraud_alias_t *alias, const fraud_str_t *words,
                      size_t n) {
    size_t i;

    if (alias->map != 0) {
        alias->map++;
        return;
    }
    if (n == 3 && (is(words[0], "map") || is(words[0], "split_clients") ||
                   is(words[0], "geo"))) {
        alias->first = alias->n;
        add(alias, name_of(words[2]), words[1], FRAUD_ALIAS_CHOOSES);
        alias->map = alias->n > alias->first;
    } else if (n == 2 && is(words[0], "geo")) {
        alias->first = alias->n;
        add(alias, name_of(words[1]), client, FRAUD_ALIAS_CHOOSES);
        alias->map = alias->n > alias->first;
    } else if (n > 1 && is(words[0], "if")) {
        for (i = 1; i < n; i++) {
            add_groups(alias, words[i], between(&words[1], &words[n - 1]));
        }
    } else if (n > 1 && is(words[0], "location")) {
        for (i = 1; i < n; i++) {
            add_groups(alias, words[i], uri);
        }
    }
}

void fraud_alias_close(fraud_alias_t *alias) {
    if (alias->map != 0) {
        alias->map--;
    }
}

/* A text that is there is not read again: aliases may go round in circles. */
static void push(fraud_alias_walk_t *walk, fraud_str_t text) {
    size_t i;

    for (i = 0; i < walk->n; i++) {
        if (walk->texts[i].len == text.len &&
            memcmp(walk->texts[i].data, text.data, text.len) == 0) {
            return;
        }
    }
    if (walk->n == FRAUD_ALIAS_TEXTS) {
        walk->alias->full = 1;
        return;
    }
    walk->texts[walk->n++] = text;
}

void fraud_alias_walk(fraud_alias_walk_t *walk, fraud_alias_t *alias,
                      fraud_str_t text, int choices) {
    walk->alias = alias;
    walk->texts[0] = text;
    walk->n = 1;
    walk->text = 0;
    walk->at = 0;
    walk->choices = choices;
}

/* What the variable is made of is read later. */
static void follow(fraud_alias_walk_t *walk, fraud_str_t name) {
    const fraud_alias_edge_t *edge;
    size_t i;

    for (i = 0; walk->alias != NULL && i < walk->alias->n; i++) {
        edge = &walk->alias->edges[i];
        if (edge->name.len == name.len &&
            memcmp(edge->name.data, name.data, name.len) == 0 &&
            (edge->use == FRAUD_ALIAS_REPEATS ||
             (edge->use == FRAUD_ALIAS_CHOOSES && walk->choices))) {
            push(walk, edge->text);
        }
    }
}

int fraud_alias_next(fraud_alias_walk_t *walk, fraud_str_t *name) {
    const uint8_t *p, *end;
    fraud_str_t text;

    for (; walk->text < walk->n; walk->text++, walk->at = 0) {
        text = walk->texts[walk->text];
        end = text.data + text.len;
        for (p = text.data + walk->at; p < end; p++) {
            if (*p != '$') {
                continue;
            }
            p += p + 1 < end && p[1] == '{';
            name->data = p + 1;
            name->len = p + 1 < end ? name_at(p + 1, end) : 0;
            if (name->len != 0) {
                walk->at = (size_t)(p + 1 - text.data) + name->len;
                follow(walk, *name);
                return 1;
            }
        }
    }
    return 0;
}
