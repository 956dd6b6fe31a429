/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_SEAL_H
#define FRAUD_SEAL_H

/*
 * Sealed boxes (libsodium's crypto_box_seal: X25519, XSalsa20-Poly1305): who
 * has the public key can close one and not open it again, not even his own.
 * What is in it is bound to a context, such as the id of an event, so that a
 * seal which is moved elsewhere does not open there. Two seals of the same are
 * never the same. A seal costs about 50 us.
 *
 * Keys are files of one line, the public one "fraud-seal 1 HEX", the secret
 * one "fraud-seal-secret 1 HEX".
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_SEAL_KEY_LEN 32
#define FRAUD_SEAL_LINE 96        /* bytes of a key's line, with the NUL */
#define FRAUD_SEAL_MAX_DATA 512   /* bytes that are sealed, at most */
#define FRAUD_SEAL_MAX_CONTEXT 64 /* of the context */

/* Characters of a seal of len bytes: base64url (RFC 4648) without padding. */
#define FRAUD_SEAL_TEXT_LEN(len) (((len) + 32 + 48) * 4 / 3 + 1)

typedef struct {
    uint8_t bytes[FRAUD_SEAL_KEY_LEN];
} fraud_seal_public_t;

typedef struct {
    uint8_t secret[FRAUD_SEAL_KEY_LEN];
    uint8_t open[FRAUD_SEAL_KEY_LEN]; /* the public half */
} fraud_seal_secret_t;

/*
 * fraud_seal_keypair(secret), fraud_seal_wipe(secret):
 * Make a new pair from the system's random generator (FRAUD_EIO if there is
 * none); overwrite one so that no compiler drops the write.
 */
fraud_rc fraud_seal_keypair(fraud_seal_secret_t *secret) FRAUD_CHECK;
void fraud_seal_wipe(fraud_seal_secret_t *secret);

/*
 * fraud_seal_print_public(line, secret), fraud_seal_print_secret(line, secret):
 * Write the line of a key's file, with line feed and NUL, to the
 * FRAUD_SEAL_LINE bytes at ${line}.
 */
void fraud_seal_print_public(char *line, const fraud_seal_secret_t *secret);
void fraud_seal_print_secret(char *line, const fraud_seal_secret_t *secret);

/*
 * fraud_seal_read_public(key, text, len), fraud_seal_read_secret(...):
 * Read the ${len} bytes of such a file. FRAUD_EINVAL if they are anything
 * else, or a key that would open for everybody: no error quotes them.
 */
fraud_rc fraud_seal_read_public(fraud_seal_public_t *key, const char *text,
                                size_t len) FRAUD_CHECK;
fraud_rc fraud_seal_read_secret(fraud_seal_secret_t *key, const char *text,
                                size_t len) FRAUD_CHECK;

/*
 * fraud_seal_close(text, len, key, context, data):
 * Seal ${data}, of 1 to FRAUD_SEAL_MAX_DATA bytes, in ${context}, of at most
 * FRAUD_SEAL_MAX_CONTEXT, and write the characters, without a NUL, to ${text},
 * which has room for FRAUD_SEAL_TEXT_LEN(data.len); ${*len} is how many there
 * are. FRAUD_ELIMIT for too much.
 */
fraud_rc fraud_seal_close(char *text, size_t *len,
                          const fraud_seal_public_t *key, fraud_str_t context,
                          fraud_str_t data) FRAUD_CHECK;

/*
 * fraud_seal_open(data, len, key, context, text):
 * Open the seal ${text} into the FRAUD_SEAL_MAX_DATA bytes at ${data};
 * ${*len} is how many there are. FRAUD_EINVAL if it is no seal for this key
 * and context.
 */
fraud_rc fraud_seal_open(uint8_t *data, size_t *len,
                         const fraud_seal_secret_t *key, fraud_str_t context,
                         fraud_str_t text) FRAUD_CHECK;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_SEAL_H */
