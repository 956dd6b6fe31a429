/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_KEYS_H
#define FRAUD_KEYS_H

/*
 * The secrets of one epoch, as the bytes of a file that hosts share. Epoch
 * number N of length L seconds is the time from N * L to (N + 1) * L after
 * 1970-01-01 UTC, and its file is named "N.keys":
 *
 *   fraud-keys 1 N L COUNT
 *   DOMAIN SECRET
 *   ...
 *
 * COUNT lines with one space between words and a line feed after each; secrets
 * are 32 digits 0-9a-f, never all zero, and domains rise in order of bytes, so
 * that the same secrets are the same bytes. COUNT tells a whole file from one
 * that is still being copied. Nothing here derives a secret, and no error
 * quotes one.
 */

#include "fraud_buf.h"
#include "fraud_pid.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_KEYS_MAX 512u                  /* secrets in a file */
#define FRAUD_KEYS_MAX_BYTES 68000u          /* of a file */
#define FRAUD_KEYS_MAX_LENGTH (30u * 86400u) /* seconds of an epoch */
#define FRAUD_KEYS_MAX_EPOCH 0xffffffffffu   /* its number */
#define FRAUD_KEYS_NAME_SIZE 24              /* of a file, with the NUL */

/* The domain of the hash of values that are counted. */
#define FRAUD_KEYS_VALUE "value"

/* What a text says; its lines stay in memory of the caller. */
typedef struct {
    uint64_t epoch;
    uint64_t length; /* seconds */
    size_t n;
    const char *lines;
    const char *end;
} fraud_keys_t;

/*
 * fraud_keys_is_domain(data, len):
 * Return 1 if the ${len} bytes are the name of a domain: 1 to
 * FRAUD_PID_DOMAIN_MAX of a-z, A-Z, 0-9, '_', '.', ':', '-' and '@', else
 * 0.
 */
int fraud_keys_is_domain(const char *data, size_t len);

/*
 * fraud_keys_name(name, epoch), fraud_keys_parse_name(epoch, name):
 * Write the name of the file of ${epoch}, at most FRAUD_KEYS_MAX_EPOCH, to the
 * FRAUD_KEYS_NAME_SIZE bytes at ${name}; the inverse, FRAUD_EINVAL unless it
 * is such a name.
 */
void fraud_keys_name(char *name, uint64_t epoch);
fraud_rc fraud_keys_parse_name(uint64_t *epoch, const char *name) FRAUD_CHECK;

/*
 * fraud_keys_parse(keys, text, len, err):
 * Set ${keys} to what the ${len} bytes at ${text} say; they have to stay as
 * long as ${keys} is used. FRAUD_EINVAL if they are not exactly one whole
 * file; ${err} says why, and in which line.
 */
fraud_rc fraud_keys_parse(fraud_keys_t *keys, const char *text, size_t len,
                          fraud_err_t *err) FRAUD_CHECK;

/*
 * fraud_keys_next(keys, at, domain, key):
 * Set ${domain} and ${key} to those of the line at ${*at}, which begins as
 * keys->lines, and move on. Return 0 after the last.
 */
int fraud_keys_next(const fraud_keys_t *keys, const char **at,
                    fraud_str_t *domain, fraud_pid_key_t *key);

/*
 * fraud_keys_find(keys, domain, key):
 * Set ${key} to the secret of ${domain}. FRAUD_NOTFOUND if there is none.
 */
fraud_rc fraud_keys_find(const fraud_keys_t *keys, fraud_str_t domain,
                         fraud_pid_key_t *key) FRAUD_CHECK;

/*
 * fraud_keys_begin(buf, epoch, length, n), fraud_keys_add(buf, domain, key):
 * Append the first line of a file of ${n} secrets; append one of them. They
 * have to come in order of their domains.
 */
void fraud_keys_begin(fraud_buf_t *buf, uint64_t epoch, uint64_t length,
                      size_t n);
void fraud_keys_add(fraud_buf_t *buf, fraud_str_t domain,
                    const fraud_pid_key_t *key);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_KEYS_H */
