/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef LEDGER_H
#define LEDGER_H

/*
 * The ledger: double entry, insert only, hash chained. A hold moves money from
 * the customer's account to sys:fraud_hold, a post from there to
 * sys:fraud_recovery, a release, void or expiry back to the customer, as a
 * reversal does from sys:fraud_recovery. Deposits and spends mirror what the
 * billing system says of the balance (sys:billing). Everything here runs inside
 * a transaction of the caller. Locks: the customer's account first, then the
 * chain.
 */

#include "billing.h"
#include "fraud_decide.h"

#define LEDGER_HOLD "sys:fraud_hold"
#define LEDGER_RECOVERY "sys:fraud_recovery"
#define LEDGER_BILLING "sys:billing"

typedef struct {
    char id[BILLING_ID_SIZE]; /* what is asked for again has the same */
    const char *kind;
    const char *debit; /* the account that gives */
    const char *credit;
    int64_t amount; /* minor units, at least 1 */
    const char *currency;
    const char *pending;  /* the hold that this resolves or reverses, or NULL */
    const char *incident; /* NULL for deposits and spends */
    const char *decision;
    const char *policy;
    uint32_t policy_version;
    int64_t at;
} transfer_t;

typedef enum {
    LEDGER_OK = 0,
    LEDGER_EXISTS,  /* the same was done before */
    LEDGER_DIFFERS, /* the id was used for something else: refused */
    LEDGER_REFUSED, /* not enough, or refused before under this id */
    LEDGER_DB       /* see the db_rc */
} ledger_rc;

/*
 * ledger_lock(db, account, currency, now, view, incident, day):
 * Make sure that ${account} exists, hold it for this transaction, and read
 * ${view} of it, ${incident} and ${day}.
 */
db_rc ledger_lock(db_t *db, const char *account, const char *currency,
                  int64_t now, fraud_ledger_view_t *view, const char *incident,
                  int64_t day);

/*
 * ledger_transfer(db, transfer, rc):
 * Enter it, chained, with the balances. LEDGER_REFUSED is remembered under the
 * id when there is not enough, and has to be committed, too.
 */
ledger_rc ledger_transfer(db_t *db, const transfer_t *transfer, db_rc *rc);

/*
 * ledger_hash(hash, prev, seq, transfer):
 * The state of the chain after a transfer: what ledger_transfer() enters and
 * verification computes again.
 */
void ledger_hash(char hash[BILLING_HASH_SIZE], const char *prev, int64_t seq,
                 const transfer_t *transfer);

#endif /* LEDGER_H */
