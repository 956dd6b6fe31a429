/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef JSON_H
#define JSON_H

/*
 * A strict reader of the JSON that events are made of: objects, lists, strings,
 * unsigned numbers and null, in printable ASCII, with no blanks. It knows RFC 8259 and
 * nothing of the writer.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const uint8_t *p, *end;
    unsigned depth;
    size_t members;
    /* of the last string that was read, keys included */
    uint8_t text[4096];
    size_t len;
} json_t;

static inline int json_char(json_t *json, uint8_t ch) {
    if (json->p == json->end || *json->p != ch) {
        return 0;
    }
    json->p++;
    return 1;
}

static inline int json_hex(json_t *json, unsigned *value) {
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at;
    unsigned digit;
    size_t i;

    *value = 0;
    for (i = 0; i < 4; i++) {
        if (json->p == json->end) {
            return 0;
        }
        at = memchr(digits, *json->p++, sizeof(digits) - 1);
        if (at == NULL) {
            return 0;
        }
        digit = (unsigned)(at - digits);
        *value = *value * 16 + (digit < 16 ? digit : digit - 6);
    }
    return 1;
}

/* What follows a backslash; only Latin-1 is expected. */
static inline int json_escape(json_t *json, uint8_t *ch) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at;
    unsigned value;

    if (json_char(json, 'u')) {
        if (!json_hex(json, &value) || value > 0xff) {
            return 0;
        }
        *ch = (uint8_t)value;
        return 1;
    }
    if (json->p == json->end) {
        return 0;
    }
    at = memchr(from, *json->p++, sizeof(from) - 1);
    if (at == NULL) {
        return 0;
    }
    *ch = (uint8_t)to[at - from];
    return 1;
}

static inline int json_string(json_t *json) {
    uint8_t ch;

    json->len = 0;
    if (!json_char(json, '"')) {
        return 0;
    }
    while (json->p < json->end && *json->p != '"') {
        ch = *json->p++;
        if (ch < 0x20 || ch >= 0x7f ||
            (ch == '\\' && !json_escape(json, &ch))) {
            return 0;
        }
        if (json->len < sizeof(json->text)) {
            json->text[json->len++] = ch;
        }
    }
    return json_char(json, '"');
}

static inline int json_number(json_t *json) {
    const uint8_t *first = json->p;

    while (json->p < json->end && *json->p >= '0' && *json->p <= '9') {
        json->p++;
    }
    return json->p > first && (*first != '0' || json->p == first + 1);
}

static inline int json_object(json_t *json);
static inline int json_list(json_t *json);

static inline int json_value(json_t *json) {
    if (json->p == json->end) {
        return 0;
    }
    switch (*json->p) {
    case '{':
        return json_object(json);
    case '[':
        return json_list(json);
    case '"':
        return json_string(json);
    case 'n':
        return json_char(json, 'n') && json_char(json, 'u') &&
               json_char(json, 'l') && json_char(json, 'l');
    default:
        return json_number(json);
    }
}

static inline int json_list(json_t *json) {
    if (++json->depth > 1000 || !json_char(json, '[')) {
        return 0;
    }
    if (json_char(json, ']')) {
        json->depth--;
        return 1;
    }
    do {
        if (!json_value(json)) {
            return 0;
        }
    } while (json_char(json, ','));
    json->depth--;
    return json_char(json, ']');
}

static inline int json_object(json_t *json) {
    if (++json->depth > 1000 || !json_char(json, '{')) {
        return 0;
    }
    if (json_char(json, '}')) {
        json->depth--;
        return 1;
    }
    do {
        if (!json_string(json) || !json_char(json, ':')) {
            return 0;
        }
        json->members++;
        if (!json_value(json)) {
            return 0;
        }
    } while (json_char(json, ','));
    json->depth--;
    return json_char(json, '}');
}

/*
 * json_is_line(json, data, len):
 * Return 1 if the ${len} bytes are one object and a line feed.
 */
static inline int json_is_line(json_t *json, const uint8_t *data, size_t len) {
    memset(json, 0, sizeof(*json));
    json->p = data;
    json->end = data + len;
    return json_object(json) && json_char(json, '\n') && json->p == json->end;
}

#endif /* JSON_H */
