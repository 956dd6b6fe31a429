/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_hook.h"

#include "fraud_pid.h"
#include "fraud_str.h"

#include <string.h>

#define VERSION "v1,"
#define VERSION_LEN (sizeof(VERSION) - 1)
#define SECRET_MIN 24
#define MAX_SECONDS 100000000000u /* the year 5138 */
#define MAX_DIGITS 20

static const char prefix[] = "whsec_";
static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648, 4: three bytes are four characters, the last ones padded. */
static void encode(char *text, const uint8_t *data, size_t len) {
    uint32_t bits;
    size_t i, k, n;

    for (i = 0; i < len; i += 3) {
        n = len - i < 3 ? len - i : 3;
        bits = (uint32_t)data[i] << 16;
        bits |= n > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= n > 2 ? data[i + 2] : 0;
        for (k = 0; k < 4; k++) {
            *text++ = k <= n ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
}

/* Four characters into at most three bytes: how many, 0 for anything else. */
static size_t decode_four(uint8_t *data, const uint8_t *text) {
    uint32_t bits = 0;
    size_t n, k;

    n = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1;
    for (k = 0; k < 4; k++) {
        const char *at = k <= n ? memchr(alphabet, text[k], 64) : alphabet;

        if (at == NULL) {
            return 0;
        }
        bits = bits << 6 | (uint32_t)(at - alphabet);
    }
    for (k = 0; k < n; k++) {
        data[k] = (uint8_t)(bits >> (16 - 8 * k));
    }
    /* bits that stand for nothing are zero */
    return (bits & ((1u << (8 * (3 - n))) - 1)) == 0 ? n : 0;
}

static fraud_str_t trim(fraud_str_t text) {
    while (text.len != 0 && text.data[0] <= ' ') {
        text.data++;
        text.len--;
    }
    while (text.len != 0 && text.data[text.len - 1] <= ' ') {
        text.len--;
    }
    return text;
}

fraud_rc fraud_hook_secret(fraud_hook_secret_t *secret, fraud_str_t text) {
    uint8_t three[3];
    size_t n;

    secret->len = 0;
    text = trim(text);
    if (text.len < sizeof(prefix) - 1 ||
        memcmp(text.data, prefix, sizeof(prefix) - 1) != 0) {
        return FRAUD_EINVAL;
    }
    text.data += sizeof(prefix) - 1;
    text.len -= sizeof(prefix) - 1;
    if (text.len % 4 != 0) {
        return FRAUD_EINVAL;
    }
    for (; text.len != 0; text.data += 4, text.len -= 4) {
        n = decode_four(three, text.data);
        if (n == 0 || (n < 3 && text.len != 4) ||
            n > sizeof(secret->bytes) - secret->len) {
            fraud_hook_wipe(secret);
            return FRAUD_EINVAL;
        }
        memcpy(secret->bytes + secret->len, three, n);
        secret->len += n;
    }
    if (secret->len < SECRET_MIN) {
        fraud_hook_wipe(secret);
        return FRAUD_EINVAL;
    }
    return FRAUD_OK;
}

void fraud_hook_wipe(fraud_hook_secret_t *secret) {
    volatile uint8_t *p = secret->bytes;
    size_t i;

    for (i = 0; i < sizeof(secret->bytes); i++) {
        p[i] = 0;
    }
    secret->len = 0;
}

static int is_id(fraud_str_t id) {
    return id.len != 0 && memchr(id.data, '.', id.len) == NULL;
}

/* Of the text of a timestamp: a receiver signs the one that it was sent. */
static void sign(char *signature, const fraud_hook_secret_t *secret,
                 fraud_str_t id, fraud_str_t timestamp, fraud_str_t body) {
    fraud_str_t key = {secret->bytes, secret->len};
    fraud_str_t dot = {(const uint8_t *)".", 1};
    fraud_str_t parts[5];
    uint8_t mac[FRAUD_PID_DIGEST_LEN];

    parts[0] = id;
    parts[1] = parts[3] = dot;
    parts[2] = timestamp;
    parts[4] = body;
    fraud_pid_sign_all(mac, key, parts, 5);
    memcpy(signature, VERSION, VERSION_LEN);
    encode(signature + VERSION_LEN, mac, sizeof(mac));
}

fraud_rc fraud_hook_sign(char *signature, const fraud_hook_secret_t *secret,
                         fraud_str_t id, uint64_t seconds, fraud_str_t body) {
    char digits[MAX_DIGITS], *p = digits + sizeof(digits);
    fraud_str_t timestamp;

    if (!is_id(id)) {
        return FRAUD_EINVAL;
    }
    do {
        *--p = (char)('0' + seconds % 10);
        seconds /= 10;
    } while (seconds != 0);
    timestamp.data = (const uint8_t *)p;
    timestamp.len = (size_t)(digits + sizeof(digits) - p);
    sign(signature, secret, id, timestamp, body);
    return FRAUD_OK;
}

/* The next word of the header; 0 if there is none. */
static int next_word(fraud_str_t *rest, fraud_str_t *word) {
    *rest = trim(*rest);
    word->data = rest->data;
    word->len = 0;
    while (word->len < rest->len && rest->data[word->len] > ' ') {
        word->len++;
    }
    rest->data += word->len;
    rest->len -= word->len;
    return word->len != 0;
}

static int in_time(fraud_str_t timestamp, uint64_t now) {
    uint64_t then;

    /* one way to write a number: receivers elsewhere may read it as octal */
    return (timestamp.len < 2 || timestamp.data[0] != '0') &&
           fraud_str_uint(&then, (const char *)timestamp.data, timestamp.len,
                          MAX_SECONDS) == FRAUD_OK &&
           (then > now ? then - now : now - then) <= FRAUD_HOOK_TOLERANCE;
}

fraud_rc fraud_hook_verify(const fraud_hook_secret_t *secrets, size_t n,
                           fraud_str_t id, fraud_str_t timestamp,
                           fraud_str_t signatures, fraud_str_t body,
                           uint64_t now) {
    char mine[FRAUD_HOOK_SIGNATURE];
    fraud_str_t rest, word;
    size_t i, seen;
    int same = 0;

    if (!is_id(id) || !in_time(timestamp, now)) {
        return FRAUD_EINVAL;
    }
    for (i = 0; i < n; i++) {
        sign(mine, &secrets[i], id, timestamp, body);
        rest = signatures;
        for (seen = 0; next_word(&rest, &word); seen++) {
            if (seen == FRAUD_HOOK_SIGNATURES) {
                return FRAUD_EINVAL;
            }
            /* no early end: all of them are looked at */
            same |= word.len == sizeof(mine) &&
                    fraud_pid_same(word.data, mine, sizeof(mine));
        }
    }
    return same ? FRAUD_OK : FRAUD_EINVAL;
}
