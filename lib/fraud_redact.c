/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_redact.h"
#include "fraud_buf.h"
#include "fraud_word.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS 12      /* of a number that is told */
#define DIGITS_DEBUG 4 /* in debug lines, where addresses are numbers too */
#define ERRNO_DIGITS 3
#define VALUE_MAX 256 /* of what is known of a request */
#define PIECE_MAX 8   /* punctuation that is kept at either end of a token */

/* a line's parts; all point into it */
typedef struct {
    size_t head;    /* bytes up to the message */
    size_t message; /* bytes of it */
    uint64_t connection;
    int debug;
    int tail; /* nginx told of the client */
} parts_t;

typedef struct {
    const uint8_t *p;
    const uint8_t *end;
    fraud_buf_t *out;
    const fraud_redact_known_t *known;
    const fraud_redact_who_t *who;
    size_t digits;
    int quoted; /* there was a quote: people's words may follow, unquoted */
    int space;  /* one is due */
    int dash;   /* what was written last */
} scan_t;

static int is_digit(uint8_t ch) {
    return ch >= '0' && ch <= '9';
}

static int is_in(uint8_t ch, const char *set) {
    return ch != '\0' && strchr(set, ch) != NULL;
}

static size_t digits_at(const uint8_t *p, const uint8_t *end) {
    size_t n;

    for (n = 0; p + n < end && is_digit(p[n]); n++) {
    }
    return n;
}

/* Match ${pattern}, whose '0's are digits; 0 or how long it is. */
static size_t match(const uint8_t *p, const uint8_t *end, const char *pattern) {
    size_t i;

    for (i = 0; pattern[i] != '\0'; i++) {
        if (p + i == end || (pattern[i] == '0' ? !is_digit(p[i])
                                               : p[i] != (uint8_t)pattern[i])) {
            return 0;
        }
    }
    return i;
}

/* "[error] ", or another level. */
static size_t level_at(const uint8_t *p, const uint8_t *end, int *debug) {
    static const char *const levels[] = {"[emerg] ", "[alert] ", "[crit] ",
                                         "[error] ", "[warn] ",  "[notice] ",
                                         "[info] ",  "[debug] "};
    size_t i, n;

    for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        n = match(p, end, levels[i]);
        if (n != 0) {
            *debug = i == sizeof(levels) / sizeof(levels[0]) - 1;
            return n;
        }
    }
    return 0;
}

/* "2026/11/22 10:00:00 [error] 12#34: *56 "; nothing is set if it is not. */
static void read_head(parts_t *parts, const uint8_t *line, size_t len) {
    const uint8_t *p, *end;
    size_t n, i;
    int debug;

    end = line + len;
    p = line + match(line, end, "0000/00/00 00:00:00 ");
    debug = 0;
    n = p > line ? level_at(p, end, &debug) : 0;
    if (n == 0) {
        return;
    }
    p += n;
    n = digits_at(p, end);
    if (n == 0 || n > DIGITS || p + n == end || p[n] != '#') {
        return;
    }
    p += n + 1;
    n = digits_at(p, end);
    if (n == 0 || n > 20 || match(p + n, end, ": ") == 0) {
        return;
    }
    p += n + 2;
    if (p < end && *p == '*') {
        n = digits_at(p + 1, end);
        if (n == 0 || n > 19 || match(p + 1 + n, end, " ") == 0) {
            return;
        }
        for (i = 1; i <= n; i++) {
            parts->connection = parts->connection * 10 + (p[i] - (uint64_t)'0');
        }
        p += n + 2;
    }
    parts->debug = debug;
    parts->head = (size_t)(p - line);
}

/* The message ends where nginx begins to tell of the client. */
static void read_parts(parts_t *parts, const uint8_t *line, size_t len) {
    static const char client[] = ", client: ";
    const uint8_t *p, *end;

    memset(parts, 0, sizeof(*parts));
    read_head(parts, line, len);
    end = line + len;
    for (p = line + parts->head; p < end; p++) {
        if (*p == ',' && match(p, end, client) != 0) {
            parts->tail = 1;
            break;
        }
    }
    parts->message = (size_t)(p - line) - parts->head;
}

static int equal(fraud_str_t one, const uint8_t *p, size_t len) {
    return len != 0 && one.len == len && memcmp(one.data, p, len) == 0;
}

int fraud_redact_compare(const void *one, const void *two) {
    const fraud_str_t *first = one, *second = two;

    if (first->len != second->len) {
        return first->len < second->len ? -1 : 1;
    }
    return first->len != 0 ? memcmp(first->data, second->data, first->len) : 0;
}

static int is_known(const scan_t *scan, const uint8_t *p, size_t len) {
    fraud_str_t key;

    key.data = p;
    key.len = len;
    return equal(scan->who->upstream, p, len) ||
           equal(scan->who->server, p, len) ||
           equal(scan->who->client, p, len) ||
           (len != 0 && scan->known->n != 0 &&
            bsearch(&key, scan->known->strings, scan->known->n, sizeof(key),
                    fraud_redact_compare) != NULL);
}

/* "/etc/nginx/nginx.conf:12", a place in the configuration. */
static int is_place(const scan_t *scan, const uint8_t *p, size_t len) {
    fraud_str_t directory = scan->known->directory;
    size_t i, n;

    for (n = len; n > 0 && is_digit(p[n - 1]); n--) {
    }
    if (directory.len == 0 || n == len || len - n > 6 || n <= directory.len ||
        p[n - 1] != ':' || memcmp(p, directory.data, directory.len) != 0) {
        return 0;
    }
    for (i = directory.len; i < n - 1; i++) {
        if (is_in(p[i], "?@=&%\\:") || p[i] <= ' ' || p[i] > '~') {
            return 0;
        }
    }
    return 1;
}

/* "12", "#12", or "0.820" as limit_req writes it. */
static int is_number(const scan_t *scan, const uint8_t *p, size_t len) {
    size_t n;

    if (len > 1 && *p == '#') {
        p++;
        len--;
    }
    n = digits_at(p, p + len);
    if (scan->quoted || n == 0 || n > scan->digits) {
        return 0;
    }
    return n == len || (n <= 6 && len == n + 4 && p[n] == '.' &&
                        digits_at(p + n + 1, p + len) == 3);
}

/* "error:0A00006C:", by which OpenSSL names an error; how long it is. */
static size_t ssl_error(const uint8_t *p, const uint8_t *end) {
    static const char name[] = "error:";
    size_t i, n;

    n = match(p, end, name);
    if (n == 0) {
        return 0;
    }
    for (i = n; p + i < end && (is_digit(p[i]) || (p[i] >= 'A' && p[i] <= 'F'));
         i++) {
    }
    return i == n + 8 && p + i < end && p[i] == ':' ? i + 1 : 0;
}

/* Fixed words, joined: "routines::bad", "setsockopt(TCP_NODELAY". */
static int is_words(const uint8_t *p, size_t len) {
    const uint8_t *end;
    size_t n;

    if (fraud_word_is_fixed(p, len)) {
        return 1;
    }
    end = p + len;
    while (p < end) {
        for (n = 0; p + n < end && !is_in(p[n], ":()=/+"); n++) {
        }
        if (n != 0 && !fraud_word_is_fixed(p, n)) {
            return 0;
        }
        p += n < (size_t)(end - p) ? n + 1 : n;
    }
    return len != 0;
}

/* ${bracket}: a '(' stands before it. */
static int is_allowed(const scan_t *scan, const uint8_t *p, size_t len,
                      int bracket) {
    size_t n;

    if (is_words(p, len) || is_number(scan, p, len) || is_known(scan, p, len) ||
        is_place(scan, p, len)) {
        return 1;
    }
    n = ssl_error(p, p + len);
    if (n != 0) {
        return n == len || is_words(p + n, len - n);
    }

    /* "(2: No such file", "(18:self signed" */

    n = digits_at(p, p + len);
    return bracket && n != 0 && n <= ERRNO_DIGITS && n < len && p[n] == ':' &&
           (n + 1 == len || fraud_word_is_fixed(p + n + 1, len - n - 1));
}

static void put(scan_t *scan, const void *data, size_t len, int dash) {
    if (dash && scan->dash) {
        return;
    }
    if (scan->space) {
        fraud_buf_char(scan->out, ' ');
        scan->space = 0;
    }
    fraud_buf_add(scan->out, data, len);
    scan->dash = dash;
}

static void put_quote(scan_t *scan, const uint8_t *p, size_t len) {
    size_t i;
    int directive;

    /* a directive's name is nobody's: people have no '_' */

    directive =
        len != 0 && fraud_word_is_fixed(p, len) && memchr(p, '_', len) != NULL;
    for (i = 0; i < len && p[i] > ' ' && p[i] <= '~'; i++) {
    }
    if (directive || (i == len && is_known(scan, p, len))) {
        put(scan, "\"", 1, 0);
        put(scan, p, len, 0);
        put(scan, "\"", 1, 0);
    } else {
        put(scan, "\"-\"", 3, 1);
    }
}

/* A token: punctuation, what it says, punctuation. */
static void put_token(scan_t *scan, const uint8_t *p, size_t len) {
    size_t lead, trail, core;
    int bracket;

    for (lead = 0; lead < len && lead < PIECE_MAX && is_in(p[lead], "([{<");
         lead++) {
    }
    for (trail = 0; trail < len - lead && trail < PIECE_MAX &&
                    is_in(p[len - trail - 1], ",.;:!?()[]{}<>-/=+*|");
         trail++) {
    }
    core = len - lead - trail;
    bracket = lead != 0 && p[lead - 1] == '(';
    p += lead;
    if (core == 0) {
        put(scan, p - lead, len, 0);
    } else if (equal(scan->who->address, p, core) &&
               scan->who->client.len != 0) {
        put(scan, scan->who->client.data, scan->who->client.len, 0);
        put(scan, p + core, trail, 0);
    } else if (bracket && trail != 0 && p[core] == ':' &&
               digits_at(p, p + core) == core && core <= ERRNO_DIGITS) {
        put(scan, p - lead, len, 0);
    } else if (is_allowed(scan, p, core, bracket)) {
        put(scan, p - lead, len, 0);
    } else {
        put(scan, "-", 1, 1);
    }
}

static void put_message(scan_t *scan) {
    const uint8_t *start;

    while (scan->p < scan->end && !scan->out->full) {
        start = scan->p;
        if (*start <= ' ' || *start > '~') {
            scan->p++;
            scan->space = 1;
        } else if (*start == '"') {
            scan->quoted = 1;
            for (scan->p++; scan->p < scan->end && *scan->p != '"'; scan->p++) {
            }
            put_quote(scan, start + 1, (size_t)(scan->p - start) - 1);
            if (scan->p < scan->end) {
                scan->p++;
            }
        } else {
            while (scan->p<scan->end && * scan->p> ' ' && *scan->p <= '~' &&
                   *scan->p != '"') {
                scan->p++;
            }
            put_token(scan, start, (size_t)(scan->p - start));
        }
    }
}

static void put_value(fraud_buf_t *out, const char *name, fraud_str_t value) {
    size_t i;

    if (value.len == 0 || value.len > VALUE_MAX) {
        return;
    }
    for (i = 0; i < value.len; i++) {
        if (value.data[i] < ' ' || value.data[i] == '"') {
            return;
        }
    }
    fraud_buf_text(out, name);
    fraud_buf_add(out, value.data, value.len);
}

/* What the caller knows, in the form and order of nginx. */
static void put_tail(fraud_buf_t *out, const fraud_redact_who_t *who) {
    static const fraud_str_t unknown = {(const uint8_t *)"-", 1};

    put_value(out, ", client: ", who->client.len != 0 ? who->client : unknown);
    put_value(out, ", server: ", who->server);
    if (who->request) {
        put_value(out, ", request: \"",
                  who->method.len != 0 ? who->method : unknown);
        put_value(out, " ", who->protocol);
        fraud_buf_char(out, '"');
    }
    if (who->upstream.len != 0 && who->upstream.len <= VALUE_MAX) {
        put_value(out, ", upstream: \"",
                  who->scheme.len != 0 ? who->scheme : who->upstream);
        if (who->scheme.len != 0) {
            put_value(out, "", who->upstream);
        }
        fraud_buf_char(out, '"');
    }
}

/* This module's own lines, which have nobody's data in them. */
static int is_own(const parts_t *parts, const uint8_t *message) {
    const uint8_t *end = message + parts->message;

    return parts->head != 0 && parts->connection == 0 && !parts->tail &&
           !parts->debug &&
           (match(message, end, "\"fraud_") != 0 ||
            match(message, end, "fraud: ") != 0 ||
            match(message, end, "fraud redis: ") != 0);
}

size_t fraud_redact_line(void *out, size_t size, const void *line, size_t len,
                         const fraud_redact_known_t *known,
                         const fraud_redact_who_t *who) {
    static const fraud_redact_known_t nothing = {NULL, 0, {NULL, 0}};
    static const fraud_redact_who_t nobody;
    const uint8_t *bytes = line;
    uint8_t tail[6 * VALUE_MAX + 64];
    fraud_buf_t message, end;
    parts_t parts;
    scan_t scan;

    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r')) {
        len--;
    }
    if (size == 0) {
        return 0;
    }
    read_parts(&parts, bytes, len);
    fraud_buf_init(&end, tail, sizeof(tail));
    if (parts.tail || who != NULL) {
        put_tail(&end, who != NULL ? who : &nobody);
    }
    if (end.len > size - 1) {
        end.len = 0;
    }

    fraud_buf_init(&message, out, size - 1 - end.len);
    fraud_buf_add(&message, bytes, parts.head);
    if (is_own(&parts, bytes + parts.head)) {
        fraud_buf_add(&message, bytes + parts.head, parts.message);
    } else {
        memset(&scan, 0, sizeof(scan));
        scan.p = bytes + parts.head;
        scan.end = scan.p + parts.message;
        scan.out = &message;
        scan.known = known != NULL ? known : &nothing;
        scan.who = who != NULL ? who : &nobody;
        scan.digits = parts.debug ? DIGITS_DEBUG : DIGITS;
        scan.quoted = parts.head == 0;
        put_message(&scan);
    }

    message.size = size;
    message.full = 0;
    fraud_buf_add(&message, tail, end.len);
    fraud_buf_char(&message, '\n');
    return message.len;
}

uint64_t fraud_redact_connection(const void *line, size_t len) {
    parts_t parts;

    memset(&parts, 0, sizeof(parts));
    read_head(&parts, line, len);
    return parts.connection;
}
