/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_reduce.h"

#include <string.h>

#define HOST_LABELS 8u

static int is_digit(uint8_t ch) {
    return ch >= '0' && ch <= '9';
}

static int is_letter(uint8_t ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static uint8_t lower(uint8_t ch) {
    return ch >= 'A' && ch <= 'Z' ? (uint8_t)(ch | 0x20) : ch;
}

/* A word that anybody's request might have. */
static int is_plain(const uint8_t *part, size_t len) {
    size_t i, digits = 0;

    if (len > FRAUD_REDUCE_PART) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        digits += (size_t)is_digit(part[i]);
        if (!is_digit(part[i]) && !is_letter(part[i]) && part[i] != '.' &&
            part[i] != '-' && part[i] != '_') {
            return 0;
        }
    }
    return digits <= FRAUD_REDUCE_DIGITS;
}

static size_t until(const uint8_t *text, size_t len, const char *ends) {
    size_t i;

    for (i = 0; i < len && (text[i] == '\0' || strchr(ends, text[i]) == NULL);
         i++) {
    }
    return i;
}

void fraud_reduce_path(fraud_buf_t *buf, const void *path, size_t len) {
    const uint8_t *p = path;
    size_t n, parts;

    len = until(p, len, "?#;");
    if (len == 0 || p[0] != '/') {
        fraud_buf_char(buf, '-');
        return;
    }
    for (parts = 0; len > 0 && parts < FRAUD_REDUCE_PARTS; parts++) {
        fraud_buf_char(buf, '/');
        p++;
        len--;
        n = until(p, len, "/");
        if (is_plain(p, n)) {
            fraud_buf_add(buf, p, n);
        } else {
            fraud_buf_char(buf, '-');
        }
        p += n;
        len -= n;
    }
}

/* Labels from the left; only a name has letters in the last one. */
static int put_host(fraud_buf_t *buf, const uint8_t *host, size_t len) {
    size_t i, n, labels;

    if (len > 0 && host[len - 1] == '.') {
        len--;
    }
    for (i = len; i > 0 && host[i - 1] != '.'; i--) {
    }
    if (len == 0 || len > 253 || !is_letter(host[i < len ? i : 0])) {
        return 0;
    }
    for (labels = 0; labels < HOST_LABELS; labels++) {
        n = until(host, len, ".");
        if (n == 0) {
            return 0;
        }
        if (!is_plain(host, n)) {
            fraud_buf_char(buf, '-');
        }
        for (i = 0; i < n && is_plain(host, n); i++) {
            fraud_buf_char(buf, (char)lower(host[i]));
        }
        if (n == len) {
            return 1;
        }
        fraud_buf_char(buf, '.');
        host += n + 1;
        len -= n + 1;
    }
    fraud_buf_char(buf, '-');
    return 1;
}

static size_t scheme_len(const uint8_t *text, size_t len) {
    static const char *const schemes[] = {"http://", "https://"};
    size_t i, k, n;

    for (i = 0; i < 2; i++) {
        n = strlen(schemes[i]);
        for (k = 0;
             k < n && k < len && lower(text[k]) == (uint8_t)schemes[i][k];
             k++) {
        }
        if (k == n) {
            return n;
        }
    }
    return 0;
}

void fraud_reduce_referer(fraud_buf_t *buf, const void *text, size_t len,
                          int with_path) {
    const uint8_t *p = text;
    size_t n, start, end;

    n = scheme_len(p, len);
    if (n == 0) {
        fraud_buf_char(buf, '-');
        return;
    }
    p += n;
    len -= n;
    n = until(p, len, "/?#\\");
    for (start = n; start > 0 && p[start - 1] != '@'; start--) {
    }
    end = start + until(p + start, n - start, ":");
    if (!put_host(buf, p + start, end - start)) {
        fraud_buf_char(buf, '-');
    }
    if (with_path && n < len && p[n] == '/') {
        fraud_reduce_path(buf, p + n, len - n);
    }
}

void fraud_reduce_lang(fraud_buf_t *buf, const void *text, size_t len) {
    const uint8_t *p = text;
    size_t i, n = until(p, len, "-,; ");

    for (i = 0; i < n && is_letter(p[i]); i++) {
    }
    if (i < n || n < 2 || n > 3) {
        fraud_buf_char(buf, '-');
        return;
    }
    for (i = 0; i < n; i++) {
        fraud_buf_char(buf, (char)lower(p[i]));
    }
}

static void put_group(fraud_buf_t *buf, unsigned group) {
    static const char hex[] = "0123456789abcdef";
    unsigned shift = group > 0xfffu  ? 12
                     : group > 0xffu ? 8
                     : group > 15    ? 4
                                     : 0;

    for (;; shift -= 4) {
        fraud_buf_char(buf, hex[group >> shift & 15]);
        if (shift == 0) {
            return;
        }
    }
}

void fraud_reduce_prefix(fraud_buf_t *buf, const fraud_ip_t *ip) {
    unsigned group;
    size_t i;

    for (i = 0; i < 3; i++) {
        if (fraud_ip_len(ip) == 4) {
            fraud_buf_uint(buf, ip->bytes[i], 0);
            fraud_buf_char(buf, '.');
            continue;
        }
        group = (unsigned)ip->bytes[2 * i] << 8 | ip->bytes[2 * i + 1];
        put_group(buf, group);
        fraud_buf_char(buf, ':');
    }
    fraud_buf_text(buf, fraud_ip_len(ip) == 4 ? "0/24" : ":/48");
}
