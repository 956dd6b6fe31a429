/* SPDX-License-Identifier: BSD-2-Clause */

#include "map.h"

#include "fail.h"
#include "fraud_match.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY 256 /* verdicts that a regular expression remembers */

typedef struct {
    fraud_str_t key; /* in lower case */
    value_t value;
} string_t;

typedef struct {
    fraud_match_t *match;
    value_t value;
} regex_t;

/* Sorted by key. */
typedef struct {
    string_t *string;
    size_t n;
} strings_t;

struct map_s {
    names_t *names;
    const conf_node_t *node;
    size_t variable;
    value_t source;
    value_t otherwise;
    int has_default;
    int is_volatile;
    int hostnames;
    strings_t exact;
    strings_t tails; /* of "*.KEY" */
    strings_t heads; /* of "KEY.*" */
    regex_t *regexes;
    size_t nregexes;
};

static int is_word(fraud_str_t word, const char *text) {
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

static int compare(fraud_str_t one, fraud_str_t two) {
    size_t len = one.len < two.len ? one.len : two.len;
    int order;

    order = len != 0 ? memcmp(one.data, two.data, len) : 0;
    return order != 0 ? order : (one.len > two.len) - (one.len < two.len);
}

static int compare_strings(const void *one, const void *two) {
    const string_t *first = one;
    const string_t *second = two;

    return compare(first->key, second->key);
}

static void lowercase(uint8_t *to, fraud_str_t from) {
    size_t i;

    for (i = 0; i < from.len; i++) {
        to[i] = from.data[i] >= 'A' && from.data[i] <= 'Z'
                    ? (uint8_t)(from.data[i] | 0x20)
                    : from.data[i];
    }
}

static void compile(value_t *value, names_t *names, fraud_str_t text,
                    const conf_node_t *at) {
    fraud_err_t err;

    if (value_compile(value, names, text, &err) != FRAUD_OK) {
        fail_in(at->file, at->line, "\"map\": %s in \"%s\"", err.why,
                (const char *)text.data);
    }
}

static void add_regex(map_t *map, const conf_node_t *node) {
    fraud_match_conf_t conf = {0};
    const char *pattern = (const char *)node->words[0].data + 1;
    size_t len = node->words[0].len - 1;
    fraud_err_t err;
    regex_t *regex;

    if (len != 0 && pattern[0] == '*') {
        conf.nocase = 1;
        pattern++;
        len--;
    }
    conf.memory = MEMORY;
    map->regexes = arena_grow(map->names->arena, map->regexes, map->nregexes,
                              sizeof(*regex));
    regex = &map->regexes[map->nregexes];
    memset(regex, 0, sizeof(*regex));
    if (fraud_match_one(&regex->match, NULL, &conf, pattern, len, &err) !=
        FRAUD_OK) {
        fail_in(node->file, node->line, "\"map\": invalid pattern \"%s\": %s",
                pattern, err.why);
    }
    map->nregexes++;
    compile(&regex->value, map->names, node->words[1], node);
}

static void add_string(map_t *map, strings_t *to, fraud_str_t key,
                       const conf_node_t *node) {
    string_t *string;
    uint8_t *copy;

    copy = arena_alloc(map->names->arena, key.len + 1);
    lowercase(copy, key);
    to->string =
        arena_grow(map->names->arena, to->string, to->n, sizeof(*string));
    string = &to->string[to->n++];
    string->key.data = copy;
    string->key.len = key.len;
    compile(&string->value, map->names, node->words[1], node);
}

/* "*.KEY", ".KEY" (which is KEY too), "KEY.*" or a whole name. */
static void add_hostname(map_t *map, fraud_str_t key, const conf_node_t *node) {
    size_t len = key.len;

    if (len > 1 && key.data[0] == '.') {
        key.data++;
        key.len--;
        add_string(map, &map->exact, key, node);
        add_string(map, &map->tails, key, node);
    } else if (len > 2 && memcmp(key.data, "*.", 2) == 0) {
        key.data += 2;
        key.len -= 2;
        add_string(map, &map->tails, key, node);
    } else if (len > 2 && memcmp(key.data + len - 2, ".*", 2) == 0) {
        key.len -= 2;
        add_string(map, &map->heads, key, node);
    } else {
        add_string(map, &map->exact, key, node);
    }
    if (key.len != 0 && memchr(key.data, '*', key.len) != NULL) {
        fail_in(node->file, node->line, "invalid hostname or wildcard \"%s\"",
                (const char *)node->words[0].data);
    }
}

static void add_key(map_t *map, const conf_node_t *node) {
    fraud_str_t key = node->words[0];

    if (key.len != 0 && key.data[0] == '\\') {
        key.data++;
        key.len--;
    }
    if (map->hostnames) {
        add_hostname(map, key, node);
    } else {
        add_string(map, &map->exact, key, node);
    }
}

static void add_line(map_t *map, const conf_node_t *node) {
    fraud_str_t key = node->words[0];

    if (node->n == 1 && is_word(key, "volatile")) {
        map->is_volatile = 1;
    } else if (node->n == 1 && is_word(key, "hostnames")) {
        map->hostnames = 1;
    } else if (node->n != 2 || node->block) {
        fail_in(node->file, node->line, "invalid number of the map parameters");
    } else if (is_word(key, "default")) {
        if (map->has_default) {
            fail_in(node->file, node->line, "duplicate default map parameter");
        }
        map->has_default = 1;
        compile(&map->otherwise, map->names, node->words[1], node);
    } else if (key.len != 0 && key.data[0] == '~') {
        add_regex(map, node);
    } else {
        add_key(map, node);
    }
}

static void sort(const map_t *map, strings_t *strings) {
    string_t *string = strings->string;
    size_t i;

    if (strings->n == 0) {
        return;
    }
    qsort(string, strings->n, sizeof(*string), compare_strings);
    for (i = 1; i < strings->n; i++) {
        if (compare_strings(&string[i - 1], &string[i]) == 0) {
            fail_in(map->node->file, map->node->line,
                    "\"map\": conflicting parameter \"%s\"",
                    (const char *)string[i].key.data);
        }
    }
}

map_t *map_new(const conf_node_t *node, names_t *names) {
    const conf_node_t *line;
    fraud_str_t name;
    map_t *map;

    if (node->n != 3 || !node->block || node->words[2].len < 2 ||
        node->words[2].data[0] != '$') {
        fail_in(node->file, node->line,
                "\"map\" takes a source, a $variable and a block");
    }
    map = arena_alloc(names->arena, sizeof(*map));
    map->names = names;
    map->node = node;
    name.data = node->words[2].data + 1;
    name.len = node->words[2].len - 1;
    map->variable = names_add(names, name);
    compile(&map->source, names, node->words[1], node);
    for (line = node->child; line != NULL; line = line->next) {
        add_line(map, line);
    }
    sort(map, &map->exact);
    sort(map, &map->tails);
    sort(map, &map->heads);
    return map;
}

size_t map_variable(const map_t *map) {
    return map->variable;
}

const value_t *map_source(const map_t *map) {
    return &map->source;
}

int map_is_volatile(const map_t *map) {
    return map->is_volatile;
}

static int compare_text(const string_t *string, fraud_str_t text) {
    size_t i, len = text.len < string->key.len ? text.len : string->key.len;
    uint8_t ch;

    for (i = 0; i < len; i++) {
        lowercase(&ch, (fraud_str_t){text.data + i, 1});
        if (ch != string->key.data[i]) {
            return ch < string->key.data[i] ? -1 : 1;
        }
    }
    return (text.len > string->key.len) - (text.len < string->key.len);
}

static const value_t *find_string(const strings_t *strings, fraud_str_t text) {
    size_t from = 0, to = strings->n, at;
    int order;

    while (from < to) {
        at = from + (to - from) / 2;
        order = compare_text(&strings->string[at], text);
        if (order == 0) {
            return &strings->string[at].value;
        }
        if (order < 0) {
            to = at;
        } else {
            from = at + 1;
        }
    }
    return NULL;
}

/* The longest of what follows a dot in ${text}. */
static const value_t *find_tail(const map_t *map, fraud_str_t text) {
    const value_t *value = NULL;
    fraud_str_t tail;
    size_t i;

    for (i = 0; i < text.len && map->tails.n != 0 && value == NULL; i++) {
        if (text.data[i] == '.') {
            tail.data = text.data + i + 1;
            tail.len = text.len - i - 1;
            value = find_string(&map->tails, tail);
        }
    }
    return value;
}

/* The longest of what is before a dot. */
static const value_t *find_head(const map_t *map, fraud_str_t text) {
    const value_t *value = NULL;
    fraud_str_t head = text;
    size_t i;

    for (i = text.len; i > 0 && map->heads.n != 0 && value == NULL; i--) {
        if (text.data[i - 1] == '.') {
            head.len = i - 1;
            value = find_string(&map->heads, head);
        }
    }
    return value;
}

const value_t *map_find(const map_t *map, fraud_str_t text) {
    const value_t *value;
    size_t i;

    if (map->hostnames && text.len != 0 && text.data[text.len - 1] == '.') {
        text.len--;
    }
    value = find_string(&map->exact, text);
    if (value == NULL) {
        value = find_tail(map, text);
    }
    if (value == NULL) {
        value = find_head(map, text);
    }
    if (value != NULL) {
        return value;
    }
    for (i = 0; i < map->nregexes && text.len != 0; i++) {
        if (fraud_match_any(map->regexes[i].match, text.data, text.len) ==
            FRAUD_OK) {
            return &map->regexes[i].value;
        }
    }
    return &map->otherwise;
}

void map_free(map_t *map) {
    size_t i;

    for (i = 0; map != NULL && i < map->nregexes; i++) {
        fraud_match_free(map->regexes[i].match);
    }
}
