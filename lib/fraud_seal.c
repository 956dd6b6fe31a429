/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_seal.h"

#include <string.h>

#include <sodium.h>

#define PUBLIC_WORDS "fraud-seal 1 "
#define SECRET_WORDS "fraud-seal-secret 1 "
#define HEX_LEN (2 * FRAUD_SEAL_KEY_LEN)

/* What is sealed is the digest of the context, then the data. */
#define MAX_PLAIN (crypto_hash_sha256_BYTES + FRAUD_SEAL_MAX_DATA)
#define MAX_BOX (MAX_PLAIN + crypto_box_SEALBYTES)
#define MAX_TEXT                                                               \
    sodium_base64_ENCODED_LEN(MAX_BOX, sodium_base64_VARIANT_URLSAFE_NO_PADDING)

fraud_rc fraud_seal_keypair(fraud_seal_secret_t *secret) {
    if (sodium_init() < 0) {
        return FRAUD_EIO;
    }
    return crypto_box_keypair(secret->open, secret->secret) == 0 ? FRAUD_OK
                                                                 : FRAUD_EIO;
}

void fraud_seal_wipe(fraud_seal_secret_t *secret) {
    sodium_memzero(secret, sizeof(*secret));
}

/* Return the length of the line, without the NUL. */
static size_t print(char *line, const char *words, const uint8_t *key) {
    size_t len = strlen(words);

    memcpy(line, words, len);
    (void)sodium_bin2hex(line + len, HEX_LEN + 1, key, FRAUD_SEAL_KEY_LEN);
    line[len + HEX_LEN] = '\n';
    line[len + HEX_LEN + 1] = '\0';
    return len + HEX_LEN + 1;
}

void fraud_seal_print_public(char *line, const fraud_seal_secret_t *secret) {
    (void)print(line, PUBLIC_WORDS, secret->open);
}

void fraud_seal_print_secret(char *line, const fraud_seal_secret_t *secret) {
    (void)print(line, SECRET_WORDS, secret->secret);
}

/* What is printed again to the same bytes was exactly such a line. */
static fraud_rc take(uint8_t *key, const char *words, const char *text,
                     size_t len) {
    char again[FRAUD_SEAL_LINE];
    size_t skip = strlen(words);
    fraud_rc rc = FRAUD_EINVAL;

    if (len == skip + HEX_LEN + 1 &&
        sodium_hex2bin(key, FRAUD_SEAL_KEY_LEN, text + skip, HEX_LEN, NULL,
                       NULL, NULL) == 0 &&
        print(again, words, key) == len &&
        sodium_memcmp(again, text, len) == 0 &&
        !sodium_is_zero(key, FRAUD_SEAL_KEY_LEN)) {
        rc = FRAUD_OK;
    }
    sodium_memzero(again, sizeof(again));
    return rc;
}

fraud_rc fraud_seal_read_public(fraud_seal_public_t *key, const char *text,
                                size_t len) {
    static const uint8_t any[crypto_box_SECRETKEYBYTES] = {1};
    uint8_t shared[crypto_box_BEFORENMBYTES];

    if (take(key->bytes, PUBLIC_WORDS, text, len) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    /* a point of low order would open for everybody: sealing refuses it */
    if (crypto_box_beforenm(shared, key->bytes, any) != 0) {
        return FRAUD_EINVAL;
    }
    return FRAUD_OK;
}

fraud_rc fraud_seal_read_secret(fraud_seal_secret_t *key, const char *text,
                                size_t len) {
    if (take(key->secret, SECRET_WORDS, text, len) != FRAUD_OK ||
        crypto_scalarmult_base(key->open, key->secret) != 0) {
        fraud_seal_wipe(key);
        return FRAUD_EINVAL;
    }
    return FRAUD_OK;
}

/* Return how many characters there are. */
static size_t encode(char *text, const uint8_t *box, size_t len) {
    (void)sodium_bin2base64(text, MAX_TEXT, box, len,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return strlen(text);
}

/* libsodium takes some bytes past ASCII for letters: hence the comparison. */
static int decode(uint8_t *box, size_t *len, fraud_str_t text) {
    char again[MAX_TEXT];

    return sodium_base642bin(box, MAX_BOX, (const char *)text.data, text.len,
                             NULL, len, NULL,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
           encode(again, box, *len) == text.len &&
           memcmp(again, text.data, text.len) == 0;
}

fraud_rc fraud_seal_close(char *text, size_t *len,
                          const fraud_seal_public_t *key, fraud_str_t context,
                          fraud_str_t data) {
    char encoded[MAX_TEXT];
    uint8_t plain[MAX_PLAIN], box[MAX_BOX];
    size_t n = crypto_hash_sha256_BYTES + data.len;
    int rc;

    if (data.len > FRAUD_SEAL_MAX_DATA ||
        context.len > FRAUD_SEAL_MAX_CONTEXT) {
        return FRAUD_ELIMIT;
    }
    if (data.len == 0) {
        return FRAUD_EINVAL;
    }
    if (sodium_init() < 0) {
        return FRAUD_EIO;
    }
    (void)crypto_hash_sha256(plain, context.data, context.len);
    memcpy(plain + crypto_hash_sha256_BYTES, data.data, data.len);
    rc = crypto_box_seal(box, plain, n, key->bytes);
    sodium_memzero(plain, sizeof(plain));
    if (rc != 0) {
        return FRAUD_EINVAL;
    }
    *len = encode(encoded, box, n + crypto_box_SEALBYTES);
    memcpy(text, encoded, *len);
    return FRAUD_OK;
}

fraud_rc fraud_seal_open(uint8_t *data, size_t *len,
                         const fraud_seal_secret_t *key, fraud_str_t context,
                         fraud_str_t text) {
    uint8_t box[MAX_BOX], plain[MAX_PLAIN], digest[crypto_hash_sha256_BYTES];
    fraud_rc rc = FRAUD_EINVAL;
    size_t n = 0;

    if (context.len > FRAUD_SEAL_MAX_CONTEXT || !decode(box, &n, text) ||
        n <= crypto_hash_sha256_BYTES + crypto_box_SEALBYTES) {
        return FRAUD_EINVAL;
    }
    (void)crypto_hash_sha256(digest, context.data, context.len);
    if (crypto_box_seal_open(plain, box, n, key->open, key->secret) == 0 &&
        sodium_memcmp(plain, digest, sizeof(digest)) == 0) {
        *len = n - crypto_box_SEALBYTES - sizeof(digest);
        memcpy(data, plain + sizeof(digest), *len);
        rc = FRAUD_OK;
    }
    sodium_memzero(plain, sizeof(plain));
    return rc;
}
