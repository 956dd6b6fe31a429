/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BILLING_H
#define BILLING_H

/*
 * What fraud-billing and "fraudctl case" share: the configuration, the
 * policies, the keys and the connection.
 */

#include "arena.h"
#include "db.h"
#include "fraud_policy.h"
#include "fraud_seal.h"

#define BILLING_CONF "/etc/nginx-fraud/billing.conf"
#define BILLING_POLICIES 64 /* files, of all versions */
#define BILLING_AUTHORS 256
#define BILLING_ID_SIZE 64      /* of any id, with the NUL */
#define BILLING_NAME_SIZE 40    /* policy, family, rule, reviewer */
#define BILLING_ACCOUNT_SIZE 40 /* "cust:" and 26 characters */
#define BILLING_HASH_SIZE 65
#define BILLING_BOX_SIZE 768  /* of a closed account, with the NUL */
#define BILLING_SEAL_KEYS 4   /* that may open seals, while one is replaced */
#define BILLING_GRACE 172800u /* 48 h */
#define BILLING_SPOOL_KEEP 86400u
#define BILLING_STREAM_KEEP (7u * 86400u)
#define BILLING_DEAD_KEEP (90u * 86400u)
#define BILLING_SECOND_PERSON 5000u

typedef struct {
    char rule[BILLING_NAME_SIZE];
    char author[BILLING_NAME_SIZE];
} billing_author_t;

/*
 * The file, INI; a line that begins with '#' or ';' is a comment.
 *
 *   [billing]
 *   database = sqlite:/var/lib/nginx-fraud/billing.db | postgresql://...
 *   policies = DIR            all versions, *.policy
 *   key = FILE                of "fraud-billing keygen", 0600
 *   spool = DIR               or:
 *   stream = redis://... | rediss://... | unix:PATH
 *   stream_ca = FILE          of rediss, else the system's
 *   stream_password = FILE    its first line
 *   stream_keep = 7d          when what nobody took goes from Redis
 *   metrics = FILE            Prometheus text, replaced every 10 s
 *   second_person = 5000      minor units from which two persons decide
 *   grace = 48h               how late a hold may still be posted
 *   spool_keep = 24h          how long what was read stays in the spool
 *   dead_keep = 90d           how long a dead event waits to be looked at
 *   [webhook]
 *   url = https://...
 *   secret = FILE             one secret a line, the first one signs
 *   ca = FILE
 *   [reputation]              of a confirmed or refuted account, in nginx
 *   control = http://127.0.0.1/fraud/control
 *   socket = PATH             of its listen unix:PATH
 *   secret = FILE             that "fraud_control secret=" has
 *   identity = NAME           whose value the account is
 *   [authors]
 *   RULE = NAME               whose login this is wrote the rule, and does
 *                             not judge by it
 */
typedef struct {
    const char *path;
    const char *database;
    const char *policies;
    const char *key;
    const char *spool;
    const char *stream;
    const char *stream_ca;
    const char *stream_password;
    const char *metrics;
    const char *webhook_url;
    const char *webhook_secret;
    const char *webhook_ca;
    const char *control;
    const char *control_socket;
    const char *control_secret;
    const char *identity; /* NULL: no way back to nginx */
    uint64_t stream_keep; /* seconds */
    uint64_t second_person;
    uint64_t grace;      /* seconds */
    uint64_t spool_keep; /* seconds */
    uint64_t dead_keep;  /* seconds */
    billing_author_t author[BILLING_AUTHORS];
    size_t nauthors;
} billing_conf_t;

typedef struct billing_keys_s billing_keys_t; /* in locked memory */

typedef struct {
    billing_conf_t conf;
    fraud_policy_t policy[BILLING_POLICIES];
    size_t npolicies;
    billing_keys_t *keys; /* NULL: opened without */
    db_t *db;
    uint64_t set_aside; /* how often something was (aside.h) */
    arena_t arena;
} billing_t;

/*
 * billing_open(path, keys):
 * Read the configuration at ${path} (NULL: BILLING_CONF), its policies and,
 * with ${keys}, its secret key, and connect. What the operator has to put
 * right ends the program (fail.h).
 */
billing_t *billing_open(const char *path, int keys);
void billing_close(billing_t *billing);

/*
 * billing_read_conf(conf, arena, path):
 * Read the configuration alone.
 */
void billing_read_conf(billing_conf_t *conf, arena_t *arena, const char *path);

/*
 * billing_read_keys(path), billing_free_keys(keys), billing_make_keys(path):
 * Read the secret keys at ${path}; overwrite and give them back, NULL is a
 * no-op; make new ones there, for nobody else to read, with the public one in
 * ${path}.pub. What the operator has to put right ends the program.
 */
billing_keys_t *billing_read_keys(const char *path);
void billing_free_keys(billing_keys_t *keys);
void billing_make_keys(const char *path);

/*
 * billing_policy_then(billing, name, version),
 * billing_policy_now(billing, name, us):
 * Return that version, and the one that is in force, of the policy ${name}.
 * NULL if there is none.
 */
const fraud_policy_t *billing_policy_then(const billing_t *billing,
                                          const char *name, uint32_t version);
const fraud_policy_t *billing_policy_now(const billing_t *billing,
                                         const char *name, int64_t us);

/*
 * billing_settings(billing, settings, name, version, us):
 * Set ${settings} to the stricter of the two (fraud_decide_meet()). Return 0
 * if one of them is unknown.
 */
int billing_settings(const billing_t *billing, fraud_settings_t *settings,
                     const char *name, uint32_t version, int64_t us);

/*
 * billing_unseal(billing, raw, len, context, seal):
 * Open ${seal} (fraud_seal_open()) by one of the keys. Return 0 if none opens
 * it; ${raw} is for the caller to overwrite (billing_wipe()).
 */
int billing_unseal(const billing_t *billing, uint8_t raw[FRAUD_SEAL_MAX_DATA],
                   size_t *len, fraud_str_t context, fraud_str_t seal);

/*
 * billing_wipe(data, len):
 * Overwrite ${len} bytes so that no compiler drops the write.
 */
void billing_wipe(void *data, size_t len);

/*
 * billing_account(billing, account, policy, raw):
 * Write the id of the ledger's account of the application's account ${raw}
 * under ${policy} to ${account}: "cust:" and a keyed hash (HMAC-SHA-256 under
 * the resolver's key, cut to 128 bits) that never changes.
 */
void billing_account(const billing_t *billing,
                     char account[BILLING_ACCOUNT_SIZE], const char *policy,
                     fraud_str_t raw);

/*
 * billing_close_account(billing, box, size, account, raw),
 * billing_open_account(billing, raw, size, account, box):
 * Encrypt the application's account for the row of ${account} in the resolver
 * (XChaCha20-Poly1305, bound to ${account}), in base64url, with a NUL; 0 if it
 * is longer than a seal may have. The inverse, which ends ${raw} with a NUL
 * too, 0 if it does not open.
 */
int billing_close_account(const billing_t *billing, char *box, size_t size,
                          const char *account, fraud_str_t raw);
int billing_open_account(const billing_t *billing, char *raw, size_t size,
                         const char *account, const char *box);

/*
 * billing_hash(hex, ...), parts end with NULL:
 * Write the SHA-256 of the parts, each with its length in front, as 64 digits.
 */
void billing_hash(char hex[BILLING_HASH_SIZE], ...);

/*
 * billing_id(id, prefix, ...):
 * Write ${prefix}, '_' and 26 characters [a-z2-7] of such a hash: what is made
 * from the same parts is the same id.
 */
void billing_id(char id[BILLING_ID_SIZE], const char *prefix, ...);

/*
 * billing_again(billing, work, data):
 * Run ${work} in a transaction and commit it, again when others got in the
 * way, up to DB_MAX_TRIES times. ${work} returns DB_OK to commit; anything else
 * rolls back and is returned.
 */
typedef db_rc (*billing_work_t)(billing_t *billing, void *data);
db_rc billing_again(billing_t *billing, billing_work_t work, void *data);

#endif /* BILLING_H */
