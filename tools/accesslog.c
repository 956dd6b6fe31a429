/* SPDX-License-Identifier: BSD-2-Clause */

#include "accesslog.h"

#include "fraud_event.h"
#include "logtime.h"
#include "uri.h"

#include <string.h>

typedef struct {
    uint8_t *p;
    uint8_t *end;
} reader_t;

/* The variables that read a field, and what else a key may be called. */
static const struct {
    const char *name;
    entry_field_t field;
    int variable;
} names[] = {
    {"remote_addr", ENTRY_REMOTE_ADDR, 1},
    {"remote_user", ENTRY_REMOTE_USER, 1},
    {"time_local", ENTRY_TIME_LOCAL, 1},
    {"request", ENTRY_REQUEST, 1},
    {"request_method", ENTRY_METHOD, 1},
    {"request_uri", ENTRY_REQUEST_URI, 1},
    {"uri", ENTRY_URI, 1},
    {"document_uri", ENTRY_URI, 1},
    {"args", ENTRY_ARGS, 1},
    {"query_string", ENTRY_ARGS, 1},
    {"server_protocol", ENTRY_PROTOCOL, 1},
    {"status", ENTRY_STATUS, 1},
    {"body_bytes_sent", ENTRY_BODY_BYTES_SENT, 1},
    {"http_referer", ENTRY_REFERER, 1},
    {"http_user_agent", ENTRY_USER_AGENT, 1},
    {"method", ENTRY_METHOD, 0},
    {"protocol", ENTRY_PROTOCOL, 0},
    {"referer", ENTRY_REFERER, 0},
    {"referrer", ENTRY_REFERER, 0},
    {"user_agent", ENTRY_USER_AGENT, 0},
    {"client_ip", ENTRY_REMOTE_ADDR, 0},
    {"remote_ip", ENTRY_REMOTE_ADDR, 0},
};

#define NNAMES (sizeof(names) / sizeof(names[0]))

static int is(fraud_str_t text, const char *word) {
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

static entry_field_t find_field(fraud_str_t name, int keys) {
    size_t i;

    for (i = 0; i < NNAMES; i++) {
        if (is(name, names[i].name) && (keys || names[i].variable)) {
            return names[i].field;
        }
    }
    return ENTRY_N;
}

entry_field_t accesslog_field(fraud_str_t name) {
    return find_field(name, 0);
}

static int hex(uint8_t ch) {
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* What nginx and Apache escape, at p[0] = '\\'; others stay as they are. */
static uint8_t *unescape(const uint8_t *p, const uint8_t *end, uint8_t *to,
                         const uint8_t **next) {
    static const char from[] = "\"\\nrtbvf", out[] = "\"\\\n\r\t\b\v\f";
    const char *at;

    *next = p + 1;
    if (end - p >= 4 && p[1] == 'x' && hex(p[2]) >= 0 && hex(p[3]) >= 0) {
        *to++ = (uint8_t)(hex(p[2]) << 4 | hex(p[3]));
        *next = p + 4;
        return to;
    }
    at = end - p >= 2 && p[1] != '\0' ? strchr(from, p[1]) : NULL;
    *to++ = at != NULL ? (uint8_t)out[at - from] : *p;
    *next += at != NULL;
    return to;
}

/* "..." at the reader, decoded in its place; "-" is empty. */
static int quoted(reader_t *r, fraud_str_t *text) {
    const uint8_t *p;
    uint8_t *to;

    if (r->p == r->end || *r->p != '"') {
        return 0;
    }
    text->data = to = r->p + 1;
    p = to;
    while (p < r->end && *p != '"') {
        if (*p == '\\') {
            to = unescape(p, r->end, to, &p);
        } else {
            *to++ = *p++;
        }
    }
    if (p == r->end) {
        return 0;
    }
    r->p += p - r->p + 1;
    text->len = (size_t)(to - text->data);
    if (text->len == 1 && text->data[0] == '-') {
        text->len = 0;
    }
    return 1;
}

static int blank(reader_t *r) {
    if (r->p == r->end || *r->p != ' ') {
        return 0;
    }
    r->p++;
    return 1;
}

/* A word up to a blank or the end. */
static fraud_str_t word(reader_t *r) {
    fraud_str_t text = {r->p, 0};

    while (r->p < r->end && *r->p != ' ') {
        r->p++;
    }
    text.len = (size_t)(r->p - text.data);
    return text;
}

/* "[TIME] " at the reader. */
static int read_time(reader_t *r, entry_t *entry) {
    fraud_str_t text = {r->p + 1, LOGTIME_LOCAL_LEN};

    if (r->end - r->p < LOGTIME_LOCAL_LEN + 3 || r->p[0] != '[' ||
        r->p[LOGTIME_LOCAL_LEN + 1] != ']' ||
        r->p[LOGTIME_LOCAL_LEN + 2] != ' ' ||
        logtime_local(&entry->time_us, text) != FRAUD_OK) {
        return 0;
    }
    entry->field[ENTRY_TIME_LOCAL] = text;
    r->p += LOGTIME_LOCAL_LEN + 3;
    return 1;
}

/* The name of a user, who may have blanks in it, and the time. */
static int read_user(reader_t *r, entry_t *entry) {
    fraud_str_t user = {r->p, 0};

    for (; r->p < r->end; r->p++) {
        if (r->p[0] != ' ') {
            continue;
        }
        user.len = (size_t)(r->p - user.data);
        r->p++;
        if (read_time(r, entry)) {
            if (user.len == 1 && user.data[0] == '-') {
                user.len = 0;
            }
            entry->field[ENTRY_REMOTE_USER] = user;
            return 1;
        }
        r->p--;
    }
    return 0;
}

static int is_status(fraud_str_t text) {
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
    }
    return text.len == 3;
}

static fraud_rc parse_combined(entry_t *entry, uint8_t *line, size_t len) {
    reader_t r = {line, line + len};
    fraud_str_t *field = entry->field;

    field[ENTRY_REMOTE_ADDR] = word(&r);
    if (field[ENTRY_REMOTE_ADDR].len == 0 || !blank(&r) || word(&r).len == 0 ||
        !blank(&r) || !read_user(&r, entry) ||
        !quoted(&r, &field[ENTRY_REQUEST]) || !blank(&r)) {
        return FRAUD_EINVAL;
    }
    field[ENTRY_STATUS] = word(&r);
    if (!is_status(field[ENTRY_STATUS]) || !blank(&r)) {
        return FRAUD_EINVAL;
    }
    field[ENTRY_BODY_BYTES_SENT] = word(&r);
    if (is(field[ENTRY_BODY_BYTES_SENT], "-")) {
        field[ENTRY_BODY_BYTES_SENT] = FRAUD_STR("0");
    }
    if (!blank(&r) || r.p == r.end || *r.p != '"') {
        return FRAUD_OK; /* the common format */
    }
    return quoted(&r, &field[ENTRY_REFERER]) && blank(&r) &&
                   quoted(&r, &field[ENTRY_USER_AGENT])
               ? FRAUD_OK
               : FRAUD_EINVAL;
}

static int is_time(fraud_str_t key) {
    static const char *const keys[] = {"time_iso8601", "msec", "time",
                                       "timestamp",    "ts",   "@timestamp",
                                       "time_local"};
    size_t i;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (is(key, keys[i])) {
            return 1;
        }
    }
    return 0;
}

static fraud_rc parse_json(entry_t *entry, uint8_t *line, size_t len) {
    jsonline_pair_t *pair;
    entry_field_t field;
    uint64_t time_us;
    size_t i;

    if (jsonline_read(entry->pair, &entry->npairs, line, len) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    for (i = 0; i < entry->npairs; i++) {
        pair = &entry->pair[i];
        if (pair->value.len == 1 && pair->value.data[0] == '-') {
            pair->value.len = 0;
        }
        /* the most precise of several */
        if (is_time(pair->key) &&
            logtime_any(&time_us, pair->value) == FRAUD_OK &&
            (entry->time_us == 0 || time_us % 1000000 != 0)) {
            entry->time_us = time_us;
        }
        field = find_field(pair->key, 1);
        if (field != ENTRY_N && entry->field[field].data == NULL) {
            entry->field[field] = pair->value;
        }
    }
    return entry->time_us != 0 ? FRAUD_OK : FRAUD_EINVAL;
}

/* Without $request_uri: the path and the query that a JSON line may have. */
static void join_target(entry_t *entry) {
    fraud_str_t *field = entry->field;
    fraud_str_t path = field[ENTRY_URI], args = field[ENTRY_ARGS];
    size_t len;

    if (path.data == NULL) {
        return;
    }
    field[ENTRY_REQUEST_URI] = path;
    if (args.len == 0 || memchr(path.data, '?', path.len) != NULL) {
        return;
    }
    len = path.len + 1 + args.len;
    if (len > ACCESSLOG_MAX_LINE) {
        return;
    }
    memcpy(entry->target, path.data, path.len);
    entry->target[path.len] = '?';
    memcpy(entry->target + path.len + 1, args.data, args.len);
    field[ENTRY_REQUEST_URI].data = entry->target;
    field[ENTRY_REQUEST_URI].len = len;
}

/* What follows from the request line, or stands for it. */
static fraud_rc complete(entry_t *entry, int merge_slashes) {
    fraud_str_t *field = entry->field, path, args;
    uri_request_t request;

    if (field[ENTRY_REQUEST].data != NULL) {
        if (uri_request(&request, field[ENTRY_REQUEST]) != FRAUD_OK) {
            return FRAUD_NOTFOUND;
        }
        if (is(field[ENTRY_STATUS], "505") &&
            request.protocol.data[sizeof("HTTP/") - 1] > '1') {
            return FRAUD_NOTFOUND; /* no HTTP/2, only said to be */
        }
        field[ENTRY_METHOD] = request.method;
        field[ENTRY_REQUEST_URI] = request.target;
        field[ENTRY_PROTOCOL] = request.protocol;
    } else if (field[ENTRY_REQUEST_URI].data == NULL) {
        join_target(entry);
    }
    if (field[ENTRY_REQUEST_URI].data == NULL || field[ENTRY_METHOD].len == 0) {
        return FRAUD_EINVAL;
    }
    if (field[ENTRY_REQUEST_URI].len == 0 ||
        uri_normalise(&path, &args, field[ENTRY_REQUEST_URI], entry->path,
                      merge_slashes) != FRAUD_OK) {
        return FRAUD_NOTFOUND;
    }
    field[ENTRY_URI] = path;
    field[ENTRY_ARGS] = args;
    return FRAUD_OK;
}

fraud_rc accesslog_parse(entry_t *entry, uint8_t *line, size_t len,
                         int merge_slashes) {
    fraud_str_t addr;
    fraud_rc rc;

    entry->time_us = 0;
    entry->npairs = 0;
    memset(entry->field, 0, sizeof(entry->field));
    while (len != 0 && (line[len - 1] == '\r' || line[len - 1] == ' ')) {
        len--;
    }
    rc = len != 0 && line[0] == '{' ? parse_json(entry, line, len)
                                    : parse_combined(entry, line, len);
    if (rc != FRAUD_OK) {
        return rc;
    }
    addr = entry->field[ENTRY_REMOTE_ADDR];
    entry->has_ip =
        addr.data != NULL && fraud_ip_parse(&entry->ip, (const char *)addr.data,
                                            addr.len) == FRAUD_OK;
    return complete(entry, merge_slashes);
}
