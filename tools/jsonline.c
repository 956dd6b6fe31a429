/* SPDX-License-Identifier: BSD-2-Clause */

#include "jsonline.h"

#include <string.h>

typedef struct {
    uint8_t *p;
    uint8_t *end;
} reader_t;

static int peek(reader_t *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r')) {
        r->p++;
    }
    return r->p < r->end ? *r->p : -1;
}

static int take(reader_t *r, int ch) {
    if (peek(r) != ch) {
        return 0;
    }
    r->p++;
    return 1;
}

static fraud_rc read_hex(reader_t *r, uint32_t *code) {
    unsigned i;
    uint8_t ch;

    if (r->end - r->p < 4) {
        return FRAUD_EINVAL;
    }
    for (*code = 0, i = 0; i < 4; i++) {
        ch = *r->p++;
        if (ch >= '0' && ch <= '9') {
            ch = (uint8_t)(ch - '0');
        } else if ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f') {
            ch = (uint8_t)((ch | 0x20) - 'a' + 10);
        } else {
            return FRAUD_EINVAL;
        }
        *code = *code << 4 | ch;
    }
    return FRAUD_OK;
}

/* UTF-8; half a surrogate pair is written as it is. */
static uint8_t *put_code(uint8_t *to, uint32_t code) {
    if (code < 0x80) {
        *to++ = (uint8_t)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (uint8_t)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (uint8_t)(0xe0 | code >> 12);
        } else {
            *to++ = (uint8_t)(0xf0 | code >> 18);
            *to++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (uint8_t)(0x80 | (code & 0x3f));
    return to;
}

/* What follows "\u"; at most two thirds as long as its source. */
static fraud_rc read_code(reader_t *r, uint8_t **to) {
    uint32_t code, low;
    uint8_t *next;

    if (read_hex(r, &code) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    next = r->p;
    if (code >= 0xd800 && code < 0xdc00 && r->end - r->p >= 6 &&
        r->p[0] == '\\' && r->p[1] == 'u') {
        r->p += 2;
        if (read_hex(r, &low) == FRAUD_OK && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else {
            r->p = next;
        }
    }
    *to = put_code(*to, code);
    return FRAUD_OK;
}

static fraud_rc read_escape(reader_t *r, uint8_t **to) {
    static const char from[] = "\"\\/bfnrt", out[] = "\"\\/\b\f\n\r\t";
    const char *at;
    uint8_t ch;

    if (r->p == r->end) {
        return FRAUD_EINVAL;
    }
    ch = *r->p++;
    if (ch == 'u') {
        return read_code(r, to);
    }
    at = ch != '\0' ? strchr(from, ch) : NULL;
    if (at == NULL) {
        return FRAUD_EINVAL;
    }
    *(*to)++ = (uint8_t)out[at - from];
    return FRAUD_OK;
}

static fraud_rc read_string(reader_t *r, fraud_str_t *text) {
    uint8_t *to;

    if (!take(r, '"')) {
        return FRAUD_EINVAL;
    }
    text->data = to = r->p;
    while (r->p < r->end && *r->p != '"') {
        if (*r->p != '\\') {
            *to++ = *r->p++;
            continue;
        }
        r->p++;
        if (read_escape(r, &to) != FRAUD_OK) {
            return FRAUD_EINVAL;
        }
    }
    text->len = (size_t)(to - text->data);
    return take(r, '"') ? FRAUD_OK : FRAUD_EINVAL;
}

static int is_plain(uint8_t ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '+' ||
           ch == '-' || ch == '.' || ch == 'E';
}

static fraud_rc read_plain(reader_t *r, fraud_str_t *text) {
    text->data = r->p;
    while (r->p < r->end && is_plain(*r->p)) {
        r->p++;
    }
    text->len = (size_t)(r->p - text->data);
    if (text->len == 0) {
        return FRAUD_EINVAL;
    }
    if ((text->len == 4 && memcmp(text->data, "null", 4) == 0) ||
        (text->len == 5 && memcmp(text->data, "false", 5) == 0)) {
        text->len = 0;
    }
    return FRAUD_OK;
}

/* An object or array: its brackets are counted, its strings are read. */
static fraud_rc skip_nested(reader_t *r) {
    fraud_str_t text;
    unsigned depth = 0;

    do {
        switch (peek(r)) {
        case '"':
            if (read_string(r, &text) != FRAUD_OK) {
                return FRAUD_EINVAL;
            }
            continue;
        case '{':
        case '[':
            if (++depth > JSONLINE_MAX_DEPTH) {
                return FRAUD_EINVAL;
            }
            break;
        case '}':
        case ']':
            depth--;
            break;
        case -1:
            return FRAUD_EINVAL;
        default:
            break;
        }
        r->p++;
    } while (depth != 0);
    return FRAUD_OK;
}

/* A member; ${*kept} if its value is a text. */
static fraud_rc read_member(reader_t *r, jsonline_pair_t *pair, int *kept) {
    int ch;

    if (read_string(r, &pair->key) != FRAUD_OK || !take(r, ':')) {
        return FRAUD_EINVAL;
    }
    ch = peek(r);
    *kept = ch != '{' && ch != '[';
    if (!*kept) {
        return skip_nested(r);
    }
    return ch == '"' ? read_string(r, &pair->value)
                     : read_plain(r, &pair->value);
}

fraud_rc jsonline_read(jsonline_pair_t *pairs, size_t *n, uint8_t *data,
                       size_t len) {
    reader_t r = {data, data + len};
    jsonline_pair_t pair;
    int kept;

    *n = 0;
    if (!take(&r, '{')) {
        return FRAUD_EINVAL;
    }
    if (take(&r, '}')) {
        return peek(&r) == -1 ? FRAUD_OK : FRAUD_EINVAL;
    }
    do {
        if (read_member(&r, &pair, &kept) != FRAUD_OK) {
            return FRAUD_EINVAL;
        }
        if (kept && *n < JSONLINE_MAX_PAIRS) {
            pairs[(*n)++] = pair;
        }
    } while (take(&r, ','));
    return take(&r, '}') && peek(&r) == -1 ? FRAUD_OK : FRAUD_EINVAL;
}
