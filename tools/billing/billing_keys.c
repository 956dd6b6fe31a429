/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "billing.h"
#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESOLVER_WORDS "fraud-resolver 1 "
#define RESOLVER_LEN 32
#define MAX_FILE 1024
#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define ID_BYTES FRAUD_PID_LEN

struct billing_keys_s {
    fraud_seal_secret_t seal[BILLING_SEAL_KEYS];
    size_t nseals;
    int resolver; /* there is one */
    uint8_t name[crypto_auth_hmacsha256_KEYBYTES];
    uint8_t box[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    char text[MAX_FILE]; /* of the file, and afterwards zeroes */
};

void billing_wipe(void *data, size_t len) {
    sodium_memzero(data, len);
}

/* Two keys of one secret, for two uses. */
static void derive(billing_keys_t *keys, const uint8_t *secret) {
    (void)crypto_auth_hmacsha256(keys->name, (const uint8_t *)"name", 4,
                                 secret);
    (void)crypto_auth_hmacsha256(keys->box, (const uint8_t *)"box", 3, secret);
    keys->resolver = 1;
}

static int read_resolver(billing_keys_t *keys, const char *line, size_t len) {
    uint8_t secret[RESOLVER_LEN];
    size_t skip = strlen(RESOLVER_WORDS);
    int right =
        !keys->resolver && len == skip + (2 * RESOLVER_LEN) + 1 &&
        sodium_hex2bin(secret, sizeof(secret), line + skip,
                       (size_t)2 * RESOLVER_LEN, NULL, NULL, NULL) == 0 &&
        !sodium_is_zero(secret, sizeof(secret));

    if (right) {
        derive(keys, secret);
    }
    sodium_memzero(secret, sizeof(secret));
    return right;
}

static int read_line(billing_keys_t *keys, const char *line, size_t len) {
    if (strncmp(line, RESOLVER_WORDS, strlen(RESOLVER_WORDS)) == 0) {
        return read_resolver(keys, line, len);
    }
    if (keys->nseals == BILLING_SEAL_KEYS ||
        fraud_seal_read_secret(&keys->seal[keys->nseals], line, len) !=
            FRAUD_OK) {
        return 0;
    }
    keys->nseals++;
    return 1;
}

static void read_text(billing_keys_t *keys, const char *path) {
    char *line = keys->text, *end;
    unsigned n = 1;

    for (; *line != '\0'; line = end + 1, n++) {
        end = strchr(line, '\n');
        if (end == NULL || !read_line(keys, line, (size_t)(end - line) + 1)) {
            sodium_memzero(keys, sizeof(*keys));
            fail_in(path, n, "no key of \"fraud-billing keygen\"");
        }
    }
    if (keys->nseals == 0 || !keys->resolver) {
        sodium_memzero(keys, sizeof(*keys));
        fail("%s has not both keys, see \"fraud-billing keygen\"", path);
    }
}

billing_keys_t *billing_read_keys(const char *path) {
    billing_keys_t *keys = fraud_pid_memory_new(sizeof(*keys));
    struct stat st;
    ssize_t n;
    int fd;

    if (keys == NULL || sodium_init() < 0) {
        fail("no memory or no random bytes for keys");
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) == -1) {
        fail("cannot read the key %s: %s", path, strerror(errno));
    }
    if ((st.st_mode & 077) != 0) {
        fail("others may read the key %s, use chmod 600", path);
    }
    n = read(fd, keys->text, MAX_FILE - 1);
    (void)close(fd);
    if (n < 0) {
        fail("cannot read the key %s: %s", path, strerror(errno));
    }
    read_text(keys, path);
    sodium_memzero(keys->text, sizeof(keys->text));
    return keys;
}

void billing_free_keys(billing_keys_t *keys) {
    fraud_pid_memory_free(keys);
}

static void put(const char *path, mode_t mode, const char *text) {
    size_t len = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    if (fd == -1) {
        fail("cannot make %s: %s", path, strerror(errno));
    }
    if (write(fd, text, len) != (ssize_t)len || fsync(fd) == -1) {
        (void)unlink(path);
        fail("cannot write %s: %s", path, strerror(errno));
    }
    (void)close(fd);
}

void billing_make_keys(const char *path) {
    billing_keys_t *keys = fraud_pid_memory_new(sizeof(*keys));
    char line[FRAUD_SEAL_LINE], name[4096];
    int n = snprintf(name, sizeof(name), "%s.pub", path);

    if (n < 0 || (size_t)n >= sizeof(name)) {
        fail("the path %s is too long", path);
    }
    if (keys == NULL || sodium_init() < 0 ||
        fraud_seal_keypair(&keys->seal[0]) != FRAUD_OK) {
        fail("no memory or no random bytes for keys");
    }
    randombytes_buf(keys->name, RESOLVER_LEN);
    fraud_seal_print_secret(keys->text, &keys->seal[0]);
    n = (int)strlen(keys->text);
    memcpy(keys->text + n, RESOLVER_WORDS, sizeof(RESOLVER_WORDS));
    n += (int)sizeof(RESOLVER_WORDS) - 1;
    (void)sodium_bin2hex(keys->text + n, (size_t)(MAX_FILE - n), keys->name,
                         RESOLVER_LEN);
    memcpy(keys->text + n + (size_t)2 * RESOLVER_LEN, "\n", 2);
    put(path, 0600, keys->text);
    fraud_seal_print_public(line, &keys->seal[0]);
    put(name, 0644, line);
    fraud_pid_memory_free(keys);
}

int billing_unseal(const billing_t *billing, uint8_t raw[FRAUD_SEAL_MAX_DATA],
                   size_t *len, fraud_str_t context, fraud_str_t seal) {
    size_t i;

    for (i = 0; i < billing->keys->nseals; i++) {
        if (fraud_seal_open(raw, len, &billing->keys->seal[i], context, seal) ==
            FRAUD_OK) {
            return 1;
        }
    }
    return 0;
}

/* Write the digits of the first bytes of ${digest}. */
static void put_id(char *id, size_t at, const uint8_t *digest) {
    fraud_pid_t pid;

    memcpy(pid.bytes, digest, sizeof(pid.bytes));
    fraud_pid_encode(id + at, &pid);
    id[at + FRAUD_PID_TEXT_LEN] = '\0';
}

static void put_size(uint8_t bytes[8], size_t len) {
    unsigned i;

    for (i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
    }
}

void billing_account(const billing_t *billing,
                     char account[BILLING_ACCOUNT_SIZE], const char *policy,
                     fraud_str_t raw) {
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES], size[8];

    (void)crypto_auth_hmacsha256_init(&state, billing->keys->name,
                                      sizeof(billing->keys->name));
    put_size(size, strlen(policy));
    (void)crypto_auth_hmacsha256_update(&state, size, sizeof(size));
    (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)policy,
                                        strlen(policy));
    (void)crypto_auth_hmacsha256_update(&state, raw.data, raw.len);
    (void)crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
    memcpy(account, "cust:", 5);
    put_id(account, 5, mac);
}

int billing_close_account(const billing_t *billing, char *box, size_t size,
                          const char *account, fraud_str_t raw) {
    uint8_t bytes[NONCE + FRAUD_SEAL_MAX_DATA + TAG];
    unsigned long long len;

    if (raw.len > FRAUD_SEAL_MAX_DATA) {
        return 0;
    }
    randombytes_buf(bytes, NONCE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        bytes + NONCE, &len, raw.data, raw.len, (const uint8_t *)account,
        strlen(account), NULL, bytes, billing->keys->box);
    if (sodium_base64_encoded_len(NONCE + (size_t)len, BASE64) > size) {
        return 0;
    }
    (void)sodium_bin2base64(box, size, bytes, NONCE + (size_t)len, BASE64);
    return 1;
}

int billing_open_account(const billing_t *billing, char *raw, size_t size,
                         const char *account, const char *box) {
    uint8_t bytes[NONCE + FRAUD_SEAL_MAX_DATA + TAG];
    unsigned long long len;
    size_t n;

    if (sodium_base642bin(bytes, sizeof(bytes), box, strlen(box), NULL, &n,
                          NULL, BASE64) != 0 ||
        n < NONCE + TAG || n - NONCE - TAG >= size ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(
            (uint8_t *)raw, &len, NULL, bytes + NONCE, n - NONCE,
            (const uint8_t *)account, strlen(account), bytes,
            billing->keys->box) != 0) {
        return 0;
    }
    raw[len] = '\0';
    return 1;
}

static void digest(uint8_t hash[crypto_hash_sha256_BYTES], const char *prefix,
                   va_list parts) {
    crypto_hash_sha256_state state;
    const char *part;
    uint8_t size[8];

    (void)crypto_hash_sha256_init(&state);
    for (part = prefix != NULL ? prefix : va_arg(parts, const char *);
         part != NULL; part = va_arg(parts, const char *)) {
        put_size(size, strlen(part));
        (void)crypto_hash_sha256_update(&state, size, sizeof(size));
        (void)crypto_hash_sha256_update(&state, (const uint8_t *)part,
                                        strlen(part));
    }
    (void)crypto_hash_sha256_final(&state, hash);
}

void billing_hash(char hex[BILLING_HASH_SIZE], ...) {
    uint8_t hash[crypto_hash_sha256_BYTES];
    va_list parts;

    va_start(parts, hex);
    digest(hash, NULL, parts);
    va_end(parts);
    (void)sodium_bin2hex(hex, BILLING_HASH_SIZE, hash, sizeof(hash));
}

void billing_id(char id[BILLING_ID_SIZE], const char *prefix, ...) {
    uint8_t hash[crypto_hash_sha256_BYTES];
    size_t len = strlen(prefix);
    va_list parts;

    va_start(parts, prefix);
    digest(hash, prefix, parts);
    va_end(parts);
    memcpy(id, prefix, len);
    id[len] = '_';
    put_id(id, len + 1, hash);
}
