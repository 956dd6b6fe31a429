/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_keys.h"

#include <stdio.h>
#include <string.h>

#define HEX (2 * sizeof(((fraud_pid_key_t *)0)->bytes))

static const char head[] = "fraud-keys 1 ";
static const char suffix[] = ".keys";
static const char digits[] = "0123456789abcdef";

static fraud_rc refuse(fraud_err_t *err, size_t line, const char *why) {
    err->line = line;
    err->at = 0;
    (void)snprintf(err->why, sizeof(err->why), "%s", why);
    return FRAUD_EINVAL;
}

int fraud_keys_is_domain(const char *data, size_t len) {
    size_t i;

    if (len == 0 || len > FRAUD_PID_DOMAIN_MAX) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        char ch = data[i];

        if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') &&
            !(ch >= '0' && ch <= '9') && ch != '_' && ch != '.' && ch != ':' &&
            ch != '-' && ch != '@') {
            return 0;
        }
    }
    return 1;
}

/* A number as it is written, without zeros in front; 0 if there is none. */
static int take_number(const char **p, const char *end, uint64_t max,
                       uint64_t *value) {
    const char *start = *p;
    uint64_t v = 0;

    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
        v = v * 10 + (uint64_t)(**p - '0');
        if (v > max) {
            return 0;
        }
    }
    *value = v;
    return *p > start && (*start != '0' || *p - start == 1);
}

static int take_char(const char **p, const char *end, char ch) {
    if (*p == end || **p != ch) {
        return 0;
    }
    (*p)++;
    return 1;
}

void fraud_keys_name(char *name, uint64_t epoch) {
    (void)snprintf(name, FRAUD_KEYS_NAME_SIZE, "%llu%s",
                   (unsigned long long)epoch, suffix);
}

fraud_rc fraud_keys_parse_name(uint64_t *epoch, const char *name) {
    const char *p = name;

    return take_number(&p, name + strlen(name), FRAUD_KEYS_MAX_EPOCH, epoch) &&
                   strcmp(p, suffix) == 0
               ? FRAUD_OK
               : FRAUD_EINVAL;
}

static int take_secret(const char *hex, fraud_pid_key_t *key) {
    const char *high, *low;
    unsigned any = 0;
    size_t i;

    for (i = 0; i < sizeof(key->bytes); i++) {
        high = memchr(digits, hex[2 * i], 16);
        low = memchr(digits, hex[2 * i + 1], 16);
        if (high == NULL || low == NULL) {
            return 0;
        }
        key->bytes[i] = (uint8_t)((high - digits) << 4 | (low - digits));
        any |= key->bytes[i];
    }
    return any != 0;
}

/* Why the line at ${*p} is none; NULL and all of it if it is one. */
static const char *take_line(const char **p, const char *end,
                             fraud_str_t *domain, fraud_pid_key_t *key) {
    const char *start = *p, *space;
    size_t rest;

    if (start == end) {
        return "is missing, the file is not whole";
    }
    space = memchr(start, ' ', (size_t)(end - start));
    if (space == NULL ||
        !fraud_keys_is_domain(start, (size_t)(space - start))) {
        return "is not the name of a domain, a space and a secret";
    }
    rest = (size_t)(end - space - 1);
    if (rest < HEX + 1 || space[1 + HEX] != '\n') {
        return "has no secret of 32 digits at its end";
    }
    if (!take_secret(space + 1, key)) {
        return "has a secret that is not of 0-9a-f, or zero";
    }
    domain->data = (const uint8_t *)start;
    domain->len = (size_t)(space - start);
    *p = space + HEX + 2;
    return NULL;
}

static int compare(fraud_str_t a, fraud_str_t b) {
    int c = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

static int take_head(fraud_keys_t *keys, const char **p, const char *end) {
    uint64_t n;

    if ((size_t)(end - *p) < sizeof(head) - 1 ||
        memcmp(*p, head, sizeof(head) - 1) != 0) {
        return 0;
    }
    *p += sizeof(head) - 1;
    if (!take_number(p, end, FRAUD_KEYS_MAX_EPOCH, &keys->epoch) ||
        !take_char(p, end, ' ') ||
        !take_number(p, end, FRAUD_KEYS_MAX_LENGTH, &keys->length) ||
        !take_char(p, end, ' ') || !take_number(p, end, FRAUD_KEYS_MAX, &n) ||
        !take_char(p, end, '\n')) {
        return 0;
    }
    keys->n = (size_t)n;
    return keys->length != 0;
}

fraud_rc fraud_keys_parse(fraud_keys_t *keys, const char *text, size_t len,
                          fraud_err_t *err) {
    const char *p = text, *end = text + len, *why = NULL;
    fraud_str_t domain = {NULL, 0}, before;
    fraud_pid_key_t key;
    size_t i;

    if (!take_head(keys, &p, end)) {
        return refuse(err, 1, "is not \"fraud-keys 1 EPOCH LENGTH COUNT\"");
    }
    keys->lines = p;
    keys->end = end;
    for (i = 0; i < keys->n && why == NULL; i++) {
        before = domain;
        why = take_line(&p, end, &domain, &key);
        if (why == NULL && i != 0 && compare(before, domain) >= 0) {
            why = "is out of order, or a domain's second";
        }
    }
    fraud_pid_key_wipe(&key);
    if (why == NULL && p != end) {
        i++;
        why = "is one too many";
    }
    return why == NULL ? FRAUD_OK : refuse(err, i + 1, why);
}

int fraud_keys_next(const fraud_keys_t *keys, const char **at,
                    fraud_str_t *domain, fraud_pid_key_t *key) {
    return *at != keys->end && take_line(at, keys->end, domain, key) == NULL;
}

fraud_rc fraud_keys_find(const fraud_keys_t *keys, fraud_str_t domain,
                         fraud_pid_key_t *key) {
    const char *at = keys->lines;
    fraud_str_t found;

    while (fraud_keys_next(keys, &at, &found, key)) {
        if (compare(found, domain) == 0) {
            return FRAUD_OK;
        }
    }
    fraud_pid_key_wipe(key);
    return FRAUD_NOTFOUND;
}

void fraud_keys_begin(fraud_buf_t *buf, uint64_t epoch, uint64_t length,
                      size_t n) {
    fraud_buf_text(buf, head);
    fraud_buf_uint(buf, epoch, 1);
    fraud_buf_char(buf, ' ');
    fraud_buf_uint(buf, length, 1);
    fraud_buf_char(buf, ' ');
    fraud_buf_uint(buf, n, 1);
    fraud_buf_char(buf, '\n');
}

void fraud_keys_add(fraud_buf_t *buf, fraud_str_t domain,
                    const fraud_pid_key_t *key) {
    size_t i;

    fraud_buf_add(buf, domain.data, domain.len);
    fraud_buf_char(buf, ' ');
    for (i = 0; i < sizeof(key->bytes); i++) {
        fraud_buf_char(buf, digits[key->bytes[i] >> 4]);
        fraud_buf_char(buf, digits[key->bytes[i] & 15]);
    }
    fraud_buf_char(buf, '\n');
}
