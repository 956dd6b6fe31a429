/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_PID_H
#define FRAUD_PID_H

/*
 * Pseudonyms: SipHash-2-4 with 128-bit output (Aumasson and Bernstein,
 * "SipHash: a fast short-input PRF", 2012; libsodium's siphashx24) of
 * (version, domain, canonical bytes), each length-prefixed, under a random
 * 128-bit secret of that domain and epoch. Without the secret a pid tells
 * nothing; with it destroyed nobody can link it again.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_PID_VERSION 1
#define FRAUD_PID_LEN 16
#define FRAUD_PID_TEXT_LEN 26
#define FRAUD_PID_DOMAIN_MAX 96
#define FRAUD_PID_DIGEST_LEN 32

typedef struct {
    uint8_t bytes[FRAUD_PID_LEN];
} fraud_pid_t;

typedef struct {
    uint8_t bytes[16];
} fraud_pid_key_t;

/*
 * fraud_pid_key_random(key), fraud_pid_key_wipe(key):
 * Fill ${key} from the system's random generator (FRAUD_EIO if there is
 * none); overwrite it so that no compiler drops the write.
 */
fraud_rc fraud_pid_key_random(fraud_pid_key_t *key) FRAUD_CHECK;
void fraud_pid_key_wipe(fraud_pid_key_t *key);

/*
 * fraud_pid_memory_new(size), fraud_pid_memory_free(memory):
 * Return ${size} bytes of zeroes, aligned as for malloc(), in pages for
 * secrets: between pages that nobody can touch, left out of core dumps and,
 * as far as the system's limits allow, never swapped. NULL if there is no
 * memory. The inverse overwrites them first; NULL is a no-op.
 */
void *fraud_pid_memory_new(size_t size) FRAUD_CHECK;
void fraud_pid_memory_free(void *memory);

/*
 * fraud_pid_memory_lock(memory, size):
 * Locks are not inherited: do for a new process what fraud_pid_memory_new()
 * did, with its ${memory} and ${size}. Return 0 if the system refused.
 */
int fraud_pid_memory_lock(void *memory, size_t size);

/*
 * fraud_pid_make(pid, key, domain, data, len):
 * Set ${pid} to the pseudonym of the ${len} bytes at ${data} in ${domain}
 * (at most FRAUD_PID_DOMAIN_MAX bytes, longer ones are cut). Up to 384 bytes
 * of data take one pass; longer data are folded block by block, each block's
 * MAC leading the next.
 */
void fraud_pid_make(fraud_pid_t *pid, const fraud_pid_key_t *key,
                    fraud_str_t domain, const void *data, size_t len);

/*
 * fraud_pid_encode(text, pid):
 * Write the FRAUD_PID_TEXT_LEN characters [a-z2-7] of ${pid} (RFC 4648
 * base32, lower case, no padding, no NUL) to ${text}.
 */
void fraud_pid_encode(char *text, const fraud_pid_t *pid);

/*
 * fraud_pid_decode(pid, text, len):
 * The inverse. FRAUD_EINVAL unless ${text} is the encoding of a pid.
 */
fraud_rc fraud_pid_decode(fraud_pid_t *pid, const char *text,
                          size_t len) FRAUD_CHECK;

/*
 * fraud_pid_digest(digest, data, len):
 * Write the FRAUD_PID_DIGEST_LEN bytes of the SHA-256 of the ${len} bytes at
 * ${data} to ${digest}. It has no key: for texts such as a policy, never for
 * what tells of a person.
 */
void fraud_pid_digest(uint8_t *digest, const void *data, size_t len);

/*
 * fraud_pid_sign(mac, secret, secret_len, data, len):
 * Write the FRAUD_PID_DIGEST_LEN bytes of the HMAC-SHA-256 (RFC 2104) of the
 * ${len} bytes at ${data} under ${secret} to ${mac}: for what programs in other
 * languages sign.
 */
void fraud_pid_sign(uint8_t *mac, const void *secret, size_t secret_len,
                    const void *data, size_t len);

/*
 * fraud_pid_sign_all(mac, secret, parts, n):
 * The same of the ${n} ${parts}, one after the other.
 */
void fraud_pid_sign_all(uint8_t *mac, fraud_str_t secret,
                        const fraud_str_t *parts, size_t n);

/*
 * fraud_pid_same(a, b, len):
 * Return 1 if the ${len} bytes at ${a} and ${b} are the same, after a time that
 * does not tell where they differ.
 */
int fraud_pid_same(const void *a, const void *b, size_t len);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_PID_H */
