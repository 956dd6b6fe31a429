/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_pid.h"

#include <string.h>

#include <sodium.h>

#define BLOCK 384
#define ALIGN 16 /* the memory ends where its pages do */

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

void *fraud_pid_memory_new(size_t size) {
    void *memory = NULL;

    if (size <= SIZE_MAX - ALIGN && sodium_init() >= 0) {
        size = (size + ALIGN - 1) / ALIGN * ALIGN;
        memory = sodium_malloc(size);
    }
    if (memory != NULL) {
        memset(memory, 0, size);
    }
    return memory;
}

void fraud_pid_memory_free(void *memory) {
    sodium_free(memory);
}

int fraud_pid_memory_lock(void *memory, size_t size) {
    return sodium_mlock(memory, size) == 0;
}

/* Straight code, which compilers make one store. */
static uint8_t *put_len(uint8_t *p, uint64_t len) {
    p[0] = (uint8_t)len;
    p[1] = (uint8_t)(len >> 8);
    p[2] = (uint8_t)(len >> 16);
    p[3] = (uint8_t)(len >> 24);
    p[4] = (uint8_t)(len >> 32);
    p[5] = (uint8_t)(len >> 40);
    p[6] = (uint8_t)(len >> 48);
    p[7] = (uint8_t)(len >> 56);
    return p + 8;
}

/* Most data are addresses: copies of known length need no call. */
static void put_data(uint8_t *p, const uint8_t *data, size_t len) {
    if (len == 4) {
        memcpy(p, data, 4);
    } else if (len == 8) {
        memcpy(p, data, 8);
    } else if (len == 16) {
        memcpy(p, data, 16);
    } else if (len != 0) {
        memcpy(p, data, len);
    }
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
    put_data(p, domain.data, n);
    p = put_len(p + n, len);
    n = len < BLOCK ? len : BLOCK;
    put_data(p, bytes, n);
    (void)crypto_shorthash_siphashx24(pid->bytes, in, (size_t)(p - in) + n,
                                      key->bytes);
    while (len > BLOCK) {
        bytes += BLOCK;
        len -= BLOCK;
        fold(pid, key, bytes, len < BLOCK ? len : BLOCK);
    }
}

/*
 * Five bytes make eight characters: 40 bits are spread over eight bytes, five
 * bits each, and all bytes become letters at once.
 */
static void encode_five(char *text, const uint8_t *in) {
    uint64_t x, digits;

    x = (uint64_t)in[0] << 32 | (uint64_t)in[1] << 24 | (uint64_t)in[2] << 16 |
        (uint64_t)in[3] << 8 | in[4];
    x = (x & 0xfffff00000u) << 12 | (x & 0xfffffu);
    x = (x & 0xffc00000ffc00u) << 6 | (x & 0x3ff000003ffu);
    x = (x & 0x3e003e003e003e0u) << 3 | (x & 0x1f001f001f001fu);
    /* 26 and more are digits: '2' and not what follows 'z' */
    digits = (x + 0x6666666666666666u) >> 7 & 0x101010101010101u;
    x += 0x6161616161616161u - digits * ('a' + 26 - '2');
    text[0] = (char)(x >> 56);
    text[1] = (char)(x >> 48 & 0xff);
    text[2] = (char)(x >> 40 & 0xff);
    text[3] = (char)(x >> 32 & 0xff);
    text[4] = (char)(x >> 24 & 0xff);
    text[5] = (char)(x >> 16 & 0xff);
    text[6] = (char)(x >> 8 & 0xff);
    text[7] = (char)(x & 0xff);
}

void fraud_pid_encode(char *text, const fraud_pid_t *pid) {
    const uint8_t *in = pid->bytes;

    encode_five(text, in);
    encode_five(text + 8, in + 5);
    encode_five(text + 16, in + 10);
    text[24] = alphabet[in[15] >> 3];
    text[25] = alphabet[in[15] << 2 & 31];
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

void fraud_pid_digest(uint8_t *digest, const void *data, size_t len) {
    (void)crypto_hash_sha256(digest, data, len);
}

void fraud_pid_sign(uint8_t *mac, const void *secret, size_t secret_len,
                    const void *data, size_t len) {
    fraud_str_t key = {secret, secret_len}, all = {data, len};

    fraud_pid_sign_all(mac, key, &all, 1);
}

void fraud_pid_sign_all(uint8_t *mac, fraud_str_t secret,
                        const fraud_str_t *parts, size_t n) {
    crypto_auth_hmacsha256_state state;
    size_t i;

    (void)crypto_auth_hmacsha256_init(&state, secret.data, secret.len);
    for (i = 0; i < n; i++) {
        (void)crypto_auth_hmacsha256_update(&state, parts[i].data,
                                            parts[i].len);
    }
    (void)crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
}

int fraud_pid_same(const void *a, const void *b, size_t len) {
    return sodium_memcmp(a, b, len) == 0;
}
