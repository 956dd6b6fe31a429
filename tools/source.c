/* SPDX-License-Identifier: BSD-2-Clause */

#include "source.h"

#include "fail.h"

#include <string.h>

struct source_s {
    source_t *next;
    fraud_str_t text; /* path or pattern */
    int file;
    int nocase;
    fraud_match_t *match; /* one of these */
    fraud_list_t *list;
    fraud_strset_t *strings;
};

static int same(const source_t *source, const rule_t *rule, fraud_str_t text) {
    int match = rule->rule.type == FRAUD_RULE_MATCH;

    return source->file == (rule->rule.file.len != 0) &&
           (source->match != NULL) == match &&
           (match ? source->nocase == rule->rule.nocase
                  : (source->strings != NULL) == rule->rule.strings) &&
           source->text.len == text.len &&
           memcmp(source->text.data, text.data, text.len) == 0;
}

static fraud_rc load(source_t *source, const rule_t *rule, fraud_str_t text,
                     fraud_err_t *err) {
    const char *data = (const char *)text.data;
    fraud_match_conf_t conf = {0};

    if (rule->rule.type == FRAUD_RULE_MATCH) {
        conf.nocase = source->nocase;
        return source->file ? fraud_match_load(&source->match, NULL, &conf,
                                               data, text.len, err)
                            : fraud_match_one(&source->match, NULL, &conf, data,
                                              text.len, err);
    }
    return rule->rule.strings
               ? fraud_strset_load(&source->strings, NULL, data, text.len, err)
               : fraud_list_load(&source->list, NULL, data, text.len, err);
}

static source_t *add(declare_t *declare, const rule_t *rule, fraud_str_t text) {
    const conf_node_t *at = rule->at;
    const char *directive = (const char *)at->words[0].data;
    arena_t content = {NULL};
    fraud_err_t err = {0};
    source_t *source;
    fraud_rc rc;

    source = arena_alloc(declare->names->arena, sizeof(*source));
    source->text = text;
    source->file = rule->rule.file.len != 0;
    source->nocase = rule->rule.nocase;
    if (source->file) {
        rc = load(source, rule,
                  conf_load(&content, (const char *)text.data, at), &err);
    } else {
        rc = load(source, rule, text, &err);
    }
    arena_free(&content);
    if (rc == FRAUD_ELIMIT || rc == FRAUD_ENOMEM) {
        fail_in(at->file, at->line, "\"%s\": \"%s\" is too large", directive,
                (const char *)text.data);
    }
    if (rc != FRAUD_OK && source->file) {
        fail_in(at->file, at->line, "\"%s\": %s in line %zu of %s", directive,
                err.why, err.line, (const char *)text.data);
    }
    if (rc != FRAUD_OK) {
        fail_in(at->file, at->line, "\"%s\": invalid pattern \"%s\": %s",
                directive, (const char *)text.data, err.why);
    }
    source->next = declare->sources;
    declare->sources = source;
    return source;
}

void source_attach(declare_t *declare, rule_t *rule) {
    fraud_str_t text = rule->rule.pattern;
    const char *path;
    source_t *source;

    if (rule->rule.file.len != 0) {
        path = conf_path(declare->conf, rule->rule.file);
        text.data = (const uint8_t *)path;
        text.len = strlen(path);
    }
    source = declare->sources;
    while (source != NULL && !same(source, rule, text)) {
        source = source->next;
    }
    if (source == NULL) {
        source = add(declare, rule, text);
    }
    rule->match = source->match;
    rule->list = source->list;
    rule->strings = source->strings;
}

void source_free(source_t *source) {
    for (; source != NULL; source = source->next) {
        fraud_match_free(source->match);
        fraud_list_free(source->list);
        fraud_strset_free(source->strings);
    }
}
