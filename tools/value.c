/* SPDX-License-Identifier: BSD-2-Clause */

#include "value.h"

#include <string.h>

static uint8_t lower(uint8_t ch) {
    return ch >= 'A' && ch <= 'Z' ? (uint8_t)(ch | 0x20) : ch;
}

static int same(fraud_str_t known, fraud_str_t name) {
    size_t i;

    if (known.len != name.len) {
        return 0;
    }
    for (i = 0; i < name.len; i++) {
        if (known.data[i] != lower(name.data[i])) {
            return 0;
        }
    }
    return 1;
}

size_t names_add(names_t *names, fraud_str_t name) {
    uint8_t *p;
    size_t i;

    for (i = 0; i < names->n; i++) {
        if (same(names->name[i], name)) {
            return i;
        }
    }
    p = arena_alloc(names->arena, name.len + 1);
    for (i = 0; i < name.len; i++) {
        p[i] = lower(name.data[i]);
    }
    names->name =
        arena_grow(names->arena, names->name, names->n, sizeof(*names->name));
    names->name[names->n].data = p;
    names->name[names->n].len = name.len;
    return names->n++;
}

static int is_name(uint8_t ch) {
    ch = lower(ch);
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '_';
}

static value_part_t *add_part(value_t *value, names_t *names) {
    value->part =
        arena_grow(names->arena, value->part, value->n, sizeof(*value->part));
    memset(&value->part[value->n], 0, sizeof(*value->part));
    return &value->part[value->n++];
}

static fraud_rc invalid(fraud_err_t *err, size_t at, const char *why) {
    memset(err, 0, sizeof(*err));
    err->at = at;
    memcpy(err->why, why, strlen(why));
    return FRAUD_EINVAL;
}

/* The variable after the '$' at ${*at}. */
static fraud_rc add_variable(value_t *value, names_t *names, fraud_str_t text,
                             size_t *at, fraud_err_t *err) {
    value_part_t *part;
    fraud_str_t name;
    size_t i = *at + 1, start;
    int braced;

    braced = i < text.len && text.data[i] == '{';
    i += (size_t)braced;
    start = i;
    /* a capture is one digit */
    if (i < text.len && text.data[i] >= '1' && text.data[i] <= '9') {
        i++;
    } else {
        while (i < text.len && is_name(text.data[i])) {
            i++;
        }
    }
    name.data = text.data + start;
    name.len = i - start;
    if (name.len == 0) {
        return invalid(err, *at + 1, "invalid variable name");
    }
    if (braced && (i == text.len || text.data[i] != '}')) {
        return invalid(err, *at + 1, "the closing brace is missing");
    }
    part = add_part(value, names);
    part->variable = 1;
    part->name = names_add(names, name);
    *at = i + (size_t)braced;
    return FRAUD_OK;
}

fraud_rc value_compile(value_t *value, names_t *names, fraud_str_t text,
                       fraud_err_t *err) {
    value_part_t *part;
    size_t i = 0, start;

    memset(value, 0, sizeof(*value));
    while (i < text.len) {
        if (text.data[i] == '$') {
            if (add_variable(value, names, text, &i, err) != FRAUD_OK) {
                return FRAUD_EINVAL;
            }
            continue;
        }
        for (start = i; i < text.len && text.data[i] != '$'; i++) {
        }
        part = add_part(value, names);
        part->literal.data = text.data + start;
        part->literal.len = i - start;
    }
    return FRAUD_OK;
}

int value_is(const value_t *value, const names_t *names, const char *name) {
    fraud_str_t known;

    if (value->n != 1 || !value->part[0].variable) {
        return 0;
    }
    known = names->name[value->part[0].name];
    return known.len == strlen(name) &&
           memcmp(known.data, name, known.len) == 0;
}
