/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EVENT_H
#define EVENT_H

/*
 * Reading a flag (fraud_flag.h, conf/schema/flag-1.0.json), which may come from
 * anywhere: every member that the version has is checked, others are left out.
 */

#include "billing.h"
#include "fraud_decide.h"
#include "fraud_flag.h"
#include "fraud_spool.h"
#include "fraud_str.h"

#define EVENT_REASON 64
#define EVENT_NAME (FRAUD_NAME_MAX + 1)
#define EVENT_SEAL (FRAUD_SEAL_TEXT_LEN(FRAUD_SEAL_MAX_DATA) + 1)

typedef struct {
    char id[FRAUD_FLAG_ID_LEN + 1];
    char policy[EVENT_NAME];
    uint32_t version;
    char digest[72]; /* "sha256:...", of the policy */
    char node[EVENT_NAME];
    char writer[FRAUD_SPOOL_WRITER_LEN + 1];
    uint64_t seq;
    char pid[32];
    int64_t epoch;
    char seal[EVENT_SEAL];
    fraud_by_t by;
    char kind[24];
    int64_t amount;   /* minor units, 0: not metered */
    char currency[4]; /* or "" */
    char rule[EVENT_NAME];
    char family[EVENT_NAME];
    uint32_t rule_version;
    uint32_t window; /* seconds */
    uint32_t threshold;
    uint32_t observed;
    char signals[FRAUD_FLAG_SIGNALS][EVENT_NAME];
    size_t nsignals;
    int64_t first, last, recorded, expiry; /* us */
    char root[72];
} event_t;

/*
 * event_parse(event, reason, text):
 * Read ${text}. Return 0 and a ${reason} if it is no such event: "oversized",
 * "json", "version" (of another major version), "invalid MEMBER", or
 * "evidence", which is not what was signed off as its root. No reason quotes
 * what ${text} says.
 */
int event_parse(event_t *event, char reason[EVENT_REASON], fraud_str_t text);

/*
 * event_keep(event, body, size):
 * Write what of ${event} is kept as evidence, everything but the seal, to
 * ${body}. Return 0 if it is longer than ${size}, with its NUL.
 */
int event_keep(const event_t *event, char *body, size_t size);

/*
 * event_parse_kept(event, body):
 * Read what event_keep() wrote. Return 0 if it is anything else.
 */
int event_parse_kept(event_t *event, const char *body);

/*
 * event_is_digest(text, digest):
 * Return 1 if ${text} is "sha256:" and the digits of the FRAUD_PID_DIGEST_LEN
 * bytes at ${digest}.
 */
int event_is_digest(const char *text, const uint8_t *digest);

/*
 * event_by(by):
 * Return the word for what is attributed to whom.
 */
const char *event_by(fraud_by_t by);

/*
 * event_digest(event, digest):
 * Write a hash of what has to be the same when the same flag is raised again,
 * on another host or after a crash; beside it, the account in its seal has to.
 */
void event_digest(const event_t *event, char digest[BILLING_HASH_SIZE]);

#endif /* EVENT_H */
