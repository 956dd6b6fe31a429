/* SPDX-License-Identifier: BSD-2-Clause */

#include "uri.h"

#include <string.h>

#define QUOTED 0x100 /* this byte was %-encoded and stays what it is */

static const uint8_t root[] = "/";
static const uint8_t http_09[] = "HTTP/0.9";

static int is_alpha(uint8_t ch) {
    return (ch | 0x20) >= 'a' && (ch | 0x20) <= 'z';
}

static int is_digit(uint8_t ch) {
    return ch >= '0' && ch <= '9';
}

static size_t skip_blanks(fraud_str_t line, size_t at) {
    while (at < line.len && line.data[at] == ' ') {
        at++;
    }
    return at;
}

static size_t skip_digits(fraud_str_t line, size_t at) {
    while (at < line.len && is_digit(line.data[at])) {
        at++;
    }
    return at;
}

/* "HTTP/" DIGITS "." DIGITS and blanks, up to the end. */
static fraud_rc read_protocol(fraud_str_t *protocol, fraud_str_t line,
                              size_t at) {
    size_t major = at + 5, minor, end;

    if (line.len - at < 8 || memcmp(line.data + at, "HTTP/", 5) != 0 ||
        line.data[major] == '0') {
        return FRAUD_EINVAL;
    }
    minor = skip_digits(line, major) + 1;
    if (minor == major + 1 || minor >= line.len ||
        line.data[minor - 1] != '.') {
        return FRAUD_EINVAL;
    }
    end = skip_digits(line, minor);
    protocol->data = line.data + at;
    protocol->len = end - at;
    return end != minor && skip_blanks(line, end) == line.len ? FRAUD_OK
                                                              : FRAUD_EINVAL;
}

/* Past the host at ${at}; 0 if it is malformed. */
static size_t skip_host(fraud_str_t line, size_t at) {
    int literal = at < line.len && line.data[at] == '[';
    const char *more = literal ? ":-._~!$&'()*+,;=[" : ".-";
    uint8_t ch;

    for (; at < line.len; at++) {
        ch = line.data[at];
        if (!is_alpha(ch) && !is_digit(ch) &&
            (ch == '\0' || strchr(more, ch) == NULL)) {
            break;
        }
    }
    if (literal) {
        at = at < line.len && line.data[at] == ']' ? at + 1 : 0;
    }
    if (at != 0 && at < line.len && line.data[at] == ':') {
        at = skip_digits(line, at + 1);
    }
    return at;
}

/* Past scheme, host and port of an absolute form; 0 if it is malformed. */
static size_t skip_origin(fraud_str_t line, size_t at) {
    uint8_t ch;

    while (at < line.len && line.data[at] != ':') {
        ch = line.data[at++];
        if (!is_alpha(ch) && !is_digit(ch) && ch != '+' && ch != '-' &&
            ch != '.') {
            return 0;
        }
    }
    if (line.len - at < 3 || memcmp(line.data + at, "://", 3) != 0) {
        return 0;
    }
    return skip_host(line, at + 3);
}

/* The only method before HTTP/1.0. */
static int is_get(fraud_str_t method) {
    return method.len == 3 && memcmp(method.data, "GET", 3) == 0;
}

fraud_rc uri_request(uri_request_t *request, fraud_str_t line) {
    size_t at = 0, end;
    uint8_t ch;

    for (; at < line.len && line.data[at] != ' '; at++) {
        ch = line.data[at];
        if ((ch < 'A' || ch > 'Z') && ch != '_' && ch != '-') {
            return FRAUD_EINVAL;
        }
    }
    request->method.data = line.data;
    request->method.len = at;
    at = skip_blanks(line, at);
    if (request->method.len == 0 || at == line.len) {
        return FRAUD_EINVAL;
    }
    request->target.data = NULL;
    if (line.data[at] != '/') {
        at = is_alpha(line.data[at]) ? skip_origin(line, at) : 0;
        if (at == 0) {
            return FRAUD_EINVAL;
        }
        if (at == line.len) {
            return FRAUD_EINVAL;
        }
        if (line.data[at] == ' ') {
            request->target.data = root;
            request->target.len = 1;
        } else if (line.data[at] != '/' && line.data[at] != '?') {
            return FRAUD_EINVAL;
        }
    }
    for (end = at; end < line.len && line.data[end] != ' '; end++) {
        if (line.data[end] < 0x20 || line.data[end] == 0x7f) {
            return FRAUD_EINVAL;
        }
    }
    if (request->target.data == NULL) {
        request->target.data = line.data + at;
        request->target.len = end - at;
    }
    at = skip_blanks(line, end);
    request->protocol.data = http_09;
    request->protocol.len = sizeof(http_09) - 1;
    if (at == line.len) {
        return is_get(request->method) ? FRAUD_OK : FRAUD_EINVAL;
    }
    return read_protocol(&request->protocol, line, at);
}

static int hex(uint8_t ch) {
    if (is_digit(ch)) {
        return ch - '0';
    }
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* The byte at ${*at}, decoded: -1 if malformed. */
static int next_byte(fraud_str_t target, size_t *at) {
    int high, low, ch;

    ch = target.data[(*at)++];
    if (ch != '%') {
        return ch;
    }
    if (target.len - *at < 2) {
        return -1;
    }
    high = hex(target.data[*at]);
    low = hex(target.data[*at + 1]);
    *at += 2;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
        return -1;
    }
    ch = high << 4 | low;
    return ch == '%' || ch == '#' || ch == '?' ? ch | QUOTED : ch;
}

/*
 * A segment ends at ${to}: take "." and ".." away. Return the new end, 0 if it
 * is above the root.
 */
static size_t end_segment(const uint8_t *out, size_t to) {
    if (to >= 2 && out[to - 1] == '.' && out[to - 2] == '/') {
        return to - 1;
    }
    if (to < 3 || out[to - 1] != '.' || out[to - 2] != '.' ||
        out[to - 3] != '/') {
        return to;
    }
    to -= 3;
    while (to > 0 && out[to - 1] != '/') {
        to--;
    }
    return to;
}

static fraud_str_t read_args(fraud_str_t target, size_t at) {
    fraud_str_t args;
    const uint8_t *hash;

    args.data = target.data + at;
    args.len = target.len - at;
    hash = args.len != 0 ? memchr(args.data, '#', args.len) : NULL;
    if (hash != NULL) {
        args.len = (size_t)(hash - args.data);
    }
    return args;
}

fraud_rc uri_normalise(fraud_str_t *path, fraud_str_t *args, fraud_str_t target,
                       uint8_t *out, int merge_slashes) {
    size_t at = 0, to = 0, end;
    int ch = 0;

    args->data = target.data;
    args->len = 0;
    if (target.len != 0 && target.data[0] == '?') {
        out[to++] = '/';
    }
    while (at < target.len) {
        ch = next_byte(target, &at);
        if (ch == -1) {
            return FRAUD_EINVAL;
        }
        if (ch == '?' || ch == '#') {
            break;
        }
        if (ch == '/' && to != 0) {
            end = end_segment(out, to);
            if (end == 0) {
                return FRAUD_EINVAL;
            }
            if (end != to || (merge_slashes && out[to - 1] == '/')) {
                to = end;
                continue;
            }
        }
        out[to++] = (uint8_t)ch;
    }
    if (ch == '?') {
        *args = read_args(target, at);
    }
    to = to != 0 ? end_segment(out, to) : 0;
    path->data = out;
    path->len = to;
    return to != 0 ? FRAUD_OK : FRAUD_EINVAL;
}
