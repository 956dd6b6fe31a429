/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_FLAG_H
#define FRAUD_FLAG_H

/*
 * A fraud flag: what a rule saw of a verified account, described for billing
 * as one CloudEvents 1.0 event in structured JSON on one line (POLICY §3.2,
 * conf/schema/flag-1.0.json). It describes and asks for nothing: it can say
 * "suspected" and has no member for what is to be done. Nothing in it is free
 * text; whom it is about is a pseudonym and a seal.
 */

#include "fraud_pid.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_FLAG_TYPE "fraud.fraud.flag.v1"
#define FRAUD_FLAG_SCHEMA "urn:fraud:flag:1.0"
#define FRAUD_FLAG_MAX_BYTES 4096u        /* of the event, with its line feed */
#define FRAUD_FLAG_ID_LEN 30              /* "flg_" and a pid's 26 characters */
#define FRAUD_FLAG_SIGNALS 8              /* named in one, at most */
#define FRAUD_FLAG_MAX_AMOUNT 1000000000u /* minor units */

typedef enum {
    FRAUD_DAMAGE_METERED = 0, /* "resource_metered" */
    FRAUD_DAMAGE_CHARGEBACK,  /* "chargeback" */
    FRAUD_DAMAGE_THIRD_PARTY, /* "third_party_claim" */
    FRAUD_DAMAGE_REMEDIATION, /* "remediation" */
    FRAUD_DAMAGE_REPUTATION,  /* "reputational" */
    FRAUD_DAMAGE_N
} fraud_damage_t;

typedef struct {
    fraud_str_t policy; /* its name; source is "/fraud/NAME" */
    uint32_t version;
    uint8_t digest[FRAUD_PID_DIGEST_LEN];

    fraud_str_t node;   /* of the host, a name of at most 32 */
    fraud_str_t writer; /* see fraud_spool.h */
    uint64_t seq;

    fraud_str_t rule;      /* a name of at most 32, as family and signals */
    fraud_str_t family;    /* rules of one family make one incident */
    uint32_t rule_version; /* as the configuration says, 1 to 999999 */
    uint32_t window;       /* seconds, at most 366 days */
    uint32_t threshold;    /* how many in it raise the flag, 1 at least */
    uint32_t observed;     /* how many there were, at least */
    fraud_str_t signals[FRAUD_FLAG_SIGNALS]; /* the strongest first */
    size_t nsignals;

    fraud_pid_t pid; /* in the domain of billing */
    uint64_t epoch;
    fraud_str_t seal; /* of the account, in the context of the id */

    fraud_damage_t damage;
    int metered;      /* amount and currency are known */
    uint32_t amount;  /* minor units */
    char currency[4]; /* ISO 4217, upper case, NUL */

    uint64_t first_ms; /* of the conduct, since 1970 */
    uint64_t last_ms;
    uint64_t now_ms;
    uint64_t expiry_ms; /* what the policy keeps evidence for */
} fraud_flag_t;

/*
 * fraud_flag_id(id, key, flag, start):
 * Write the FRAUD_FLAG_ID_LEN characters of the id of the flag that
 * ${flag}->rule raises on ${flag}->pid under ${flag}->policy in the window that
 * begins at ${start}, seconds since 1970, to ${id}, without a NUL: the same for
 * whoever detects it, and whenever again.
 */
void fraud_flag_id(char *id, const fraud_pid_key_t *key,
                   const fraud_flag_t *flag, uint64_t start);

/*
 * fraud_flag_print(data, len, flag, id):
 * Write the event and its line feed to the FRAUD_FLAG_MAX_BYTES bytes at
 * ${data}; ${*len} is how many. FRAUD_EINVAL if ${flag} has what no event may
 * have, FRAUD_ELIMIT if it does not fit.
 */
fraud_rc fraud_flag_print(uint8_t *data, size_t *len, const fraud_flag_t *flag,
                          const char *id) FRAUD_CHECK;

/*
 * fraud_flag_root(root, id, flag):
 * Write the SHA-256 of what the event has as evidence to ${root}: who
 * recomputes it from the event sees whether it is whole. It is of the lines ID,
 * RULE VERSION, WINDOW THRESHOLD OBSERVED, FIRST LAST (in milliseconds), and
 * one for each signal, each with a line feed.
 */
void fraud_flag_root(uint8_t root[FRAUD_PID_DIGEST_LEN], const char *id,
                     const fraud_flag_t *flag);

/*
 * What a subject's record keeps of a rule, so that it raises one flag in a
 * window: 24 bytes, the same on every host.
 */
#define FRAUD_FLAG_MARK_LEN 24

typedef struct {
    uint64_t start;    /* of the window of the last flag; 0: none */
    uint64_t first_ms; /* of the conduct that is being counted; 0: none */
    uint32_t host;     /* that raised the flag */
    uint32_t process;  /* there, which has yet to write it; 0: is written */
} fraud_flag_mark_t;

/*
 * fraud_flag_mark_pack(bytes, mark), fraud_flag_mark_unpack(mark, bytes, len):
 * Write ${mark} to the FRAUD_FLAG_MARK_LEN bytes at ${bytes}; the inverse,
 * which makes an empty mark of anything of another length.
 */
void fraud_flag_mark_pack(uint8_t *bytes, const fraud_flag_mark_t *mark);
void fraud_flag_mark_unpack(fraud_flag_mark_t *mark, const uint8_t *bytes,
                            size_t len);

/*
 * fraud_damage_name(damage), fraud_damage_find(damage, name):
 * Return the word for ${damage}; set it to what is called so, FRAUD_NOTFOUND
 * if nothing is.
 */
const char *fraud_damage_name(fraud_damage_t damage);
fraud_rc fraud_damage_find(fraud_damage_t *damage,
                           fraud_str_t name) FRAUD_CHECK;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_FLAG_H */
