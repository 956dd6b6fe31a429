/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_HOOK_H
#define FRAUD_HOOK_H

/*
 * Webhooks as Standard Webhooks has them (symmetric signatures, "v1"):
 * webhook-signature is "v1," and the base64 of the HMAC-SHA-256 of
 * "ID.TIMESTAMP.BODY". A secret is "whsec_" and the base64 of 24 to 64 bytes.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_HOOK_TOLERANCE 300u /* seconds, before and after */
#define FRAUD_HOOK_SIGNATURE 47   /* characters, without a NUL */
#define FRAUD_HOOK_SECRET_MAX 64  /* bytes */
#define FRAUD_HOOK_SIGNATURES 8   /* in one header, at most */

typedef struct {
    uint8_t bytes[FRAUD_HOOK_SECRET_MAX];
    size_t len;
} fraud_hook_secret_t;

/*
 * fraud_hook_secret(secret, text), fraud_hook_wipe(secret):
 * Read a secret, white space around it aside. FRAUD_EINVAL for anything else.
 * Overwrite one.
 */
fraud_rc fraud_hook_secret(fraud_hook_secret_t *secret,
                           fraud_str_t text) FRAUD_CHECK;
void fraud_hook_wipe(fraud_hook_secret_t *secret);

/*
 * fraud_hook_sign(signature, secret, id, seconds, body):
 * Write the FRAUD_HOOK_SIGNATURE characters to ${signature}. FRAUD_EINVAL if
 * ${id} is empty or has a '.'.
 */
fraud_rc fraud_hook_sign(char *signature, const fraud_hook_secret_t *secret,
                         fraud_str_t id, uint64_t seconds,
                         fraud_str_t body) FRAUD_CHECK;

/*
 * fraud_hook_verify(secrets, n, id, timestamp, signatures, body, now):
 * FRAUD_OK if one of the signatures in the header ${signatures} is one of the
 * ${n} ${secrets}' and ${timestamp}, in decimal seconds, is within
 * FRAUD_HOOK_TOLERANCE of ${now}. FRAUD_EINVAL otherwise; the time it takes
 * does not tell how much of a signature was right. Whether the id was seen
 * before is the receiver's to remember.
 */
fraud_rc fraud_hook_verify(const fraud_hook_secret_t *secrets, size_t n,
                           fraud_str_t id, fraud_str_t timestamp,
                           fraud_str_t signatures, fraud_str_t body,
                           uint64_t now) FRAUD_CHECK;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_HOOK_H */
