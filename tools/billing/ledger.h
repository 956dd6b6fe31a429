/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef LEDGER_H
#define LEDGER_H

/*
 * The ledger: double entry, insert only, hash chained. A hold moves money from
 * the customer's account to sys:fraud_hold, a post from there to
 * sys:fraud_recovery, a release, void or expiry back to the customer, as a
 * reversal does from sys:fraud_recovery. Deposits and spends mirror what the
 * billing system says of the balance (sys:billing). One side of a transfer is a
 * customer's account, the other one of the system's, of which there is one for
 * each currency: what is called "sys:billing" here is entered as
 * "sys:billing:EUR". Everything here runs inside a transaction of the caller.
 * Locks: the customer's account first, then the chain.
 */

#include "billing.h"
#include "fraud_decide.h"

#define LEDGER_HOLD "sys:fraud_hold"
#define LEDGER_RECOVERY "sys:fraud_recovery"
#define LEDGER_BILLING "sys:billing"
#define LEDGER_MAX_AMOUNT 1000000000000 /* minor units, of one transfer */

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
 * ledger_account(account, name, currency):
 * Write the id under which the account ${name} is entered for a transfer in
 * ${currency}. Return 0 if it does not fit.
 */
int ledger_account(char account[BILLING_ACCOUNT_SIZE], const char *name,
                   const char *currency);

/*
 * ledger_lock(db, account, currency, now, view, incident, day):
 * Make sure that ${account} exists, hold it for this transaction, and read
 * ${view} of it, ${incident} and the UTC ${day} on which holds began. Its
 * balance is 0 in any currency but its own, which is that of its first deposit.
 */
db_rc ledger_lock(db_t *db, const char *account, const char *currency,
                  int64_t now, fraud_ledger_view_t *view, const char *incident,
                  int64_t day);

/*
 * ledger_transfer(db, transfer, rc):
 * Enter it, chained, with the balances. LEDGER_REFUSED is remembered under the
 * id when there is not enough, or it is of another currency, and has to be
 * committed, too.
 */
ledger_rc ledger_transfer(db_t *db, const transfer_t *transfer, db_rc *rc);

/*
 * ledger_refuse(db, transfer, reason):
 * Remember that it was refused: nothing is entered under its id any more.
 */
db_rc ledger_refuse(db_t *db, const transfer_t *transfer, const char *reason);

/*
 * ledger_hash(hash, prev, seq, transfer):
 * The state of the chain after a transfer, as it is in its row: what
 * ledger_transfer() enters and verification computes again.
 */
void ledger_hash(char hash[BILLING_HASH_SIZE], const char *prev, int64_t seq,
                 const transfer_t *transfer);

#endif /* LEDGER_H */
