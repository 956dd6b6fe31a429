/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_pid.h"

#include <string.h>

#include <sodium.h>

#define BLOCK 384

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

fraud_rc fraud_pid_key_random(fraud_pid_key_t *key) {
    if (sodium_init() < 0) {
        return FRAUD_EIO;
    }
    randombytes_buf(key->bytes, sizeof(key->bytes));
    return FRAUD_OK;
}

void fraud_pid_key_wipe(fraud_pid_key_t *key) {
    sodium_memzero(key, sizeof(*key));
}

static uint8_t *put_len(uint8_t *p, uint64_t len) {
    int i;

    for (i = 0; i < 8; i++) {
        *p++ = (uint8_t)(len >> (8 * i));
    }
    return p;
}

/* MAC of one block, led by the MAC of all before it. */
static void fold(fraud_pid_t *pid, const fraud_pid_key_t *key,
                 const uint8_t *data, size_t len) {
    uint8_t in[FRAUD_PID_LEN + BLOCK];

    memcpy(in, pid->bytes, FRAUD_PID_LEN);
    memcpy(in + FRAUD_PID_LEN, data, len);
    (void)crypto_shorthash_siphashx24(pid->bytes, in, FRAUD_PID_LEN + len,
                                      key->bytes);
}

void fraud_pid_make(fraud_pid_t *pid, const fraud_pid_key_t *key,
                    fraud_str_t domain, const void *data, size_t len) {
    uint8_t in[2 + FRAUD_PID_DOMAIN_MAX + 8 + BLOCK];
    uint8_t *p = in;
    const uint8_t *bytes = data;
    size_t n;

    n = domain.len < FRAUD_PID_DOMAIN_MAX ? domain.len : FRAUD_PID_DOMAIN_MAX;
    *p++ = FRAUD_PID_VERSION;
    *p++ = (uint8_t)n;
    memcpy(p, domain.data, n);
    p = put_len(p + n, len);
    n = len < BLOCK ? len : BLOCK;
    if (n != 0) {
        memcpy(p, bytes, n);
    }
    (void)crypto_shorthash_siphashx24(pid->bytes, in, (size_t)(p - in) + n,
                                      key->bytes);
    while (len > BLOCK) {
        bytes += BLOCK;
        len -= BLOCK;
        fold(pid, key, bytes, len < BLOCK ? len : BLOCK);
    }
}

/* 40 bits make eight characters; the last byte makes two. */
void fraud_pid_encode(char *text, const fraud_pid_t *pid) {
    const uint8_t *in = pid->bytes;
    uint64_t bits;
    int i, k;

    for (i = 0; i < 3; i++, in += 5) {
        bits = (uint64_t)in[0] << 32 | (uint64_t)in[1] << 24 |
               (uint64_t)in[2] << 16 | (uint64_t)in[3] << 8 | in[4];
        for (k = 35; k >= 0; k -= 5) {
            *text++ = alphabet[bits >> k & 31];
        }
    }
    *text++ = alphabet[in[0] >> 3];
    *text = alphabet[in[0] << 2 & 31];
}

fraud_rc fraud_pid_decode(fraud_pid_t *pid, const char *text, size_t len) {
    uint32_t bits = 0;
    unsigned have = 0;
    size_t i, n = 0;

    if (len != FRAUD_PID_TEXT_LEN) {
        return FRAUD_EINVAL;
    }
    for (i = 0; i < len; i++) {
        const char *at = memchr(alphabet, text[i], 32);

        if (at == NULL) {
            return FRAUD_EINVAL;
        }
        bits = (bits << 5 | (uint32_t)(at - alphabet)) & 0xfff;
        have += 5;
        if (have >= 8) {
            have -= 8;
            pid->bytes[n++] = (uint8_t)(bits >> have);
        }
    }
    return (bits & 3) == 0 ? FRAUD_OK : FRAUD_EINVAL;
}
