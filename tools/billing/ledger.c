/* SPDX-License-Identifier: BSD-2-Clause */

#include "ledger.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* No balance comes near what an int64_t holds. */
#define MAX_BALANCE "4000000000000000000"

#define NUMBER 24

/* What a transfer is once the accounts of the system are of its currency. */
typedef struct {
    transfer_t entered;
    char debit[BILLING_ACCOUNT_SIZE];
    char credit[BILLING_ACCOUNT_SIZE];
    char request[BILLING_HASH_SIZE];
    int64_t seq;
    char prev[BILLING_HASH_SIZE];
    char hash[BILLING_HASH_SIZE];
} entry_t;

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

static int is_system(const char *account) {
    return strncmp(account, "sys:", 4) == 0;
}

static void number(char text[NUMBER], int64_t value) {
    (void)snprintf(text, NUMBER, "%" PRId64, value);
}

int ledger_account(char account[BILLING_ACCOUNT_SIZE], const char *name,
                   const char *currency) {
    int n =
        is_system(name)
            ? snprintf(account, BILLING_ACCOUNT_SIZE, "%s:%s", name, currency)
            : snprintf(account, BILLING_ACCOUNT_SIZE, "%s", name);

    return n > 0 && n < BILLING_ACCOUNT_SIZE;
}

void ledger_hash(char hash[BILLING_HASH_SIZE], const char *prev, int64_t seq,
                 const transfer_t *transfer) {
    char seq_text[NUMBER], amount[NUMBER], version[NUMBER], at[NUMBER];

    number(seq_text, seq);
    number(amount, transfer->amount);
    number(version, transfer->policy_version);
    number(at, transfer->at);
    billing_hash(hash, "transfer", prev, seq_text, transfer->id, transfer->kind,
                 transfer->debit, transfer->credit, amount, transfer->currency,
                 or_empty(transfer->pending), or_empty(transfer->incident),
                 or_empty(transfer->decision), or_empty(transfer->policy),
                 version, at, NULL);
}

db_rc ledger_lock(db_t *db, const char *account, const char *currency,
                  int64_t now, fraud_ledger_view_t *view, const char *incident,
                  int64_t day) {
    int64_t balance;
    db_rc rc;

    memset(view, 0, sizeof(*view));
    rc = db_run(db,
                "INSERT INTO account (id, currency, balance, touched) "
                "VALUES ($1, '', 0, $2) ON CONFLICT (id) "
                "DO UPDATE SET touched = excluded.touched "
                "RETURNING balance, currency",
                DB_ARGS(DB_T(account), DB_I(now)));
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_FAIL : rc;
    }
    balance = db_int(db, 0);
    if (balance > 0 && strcmp(db_text(db, 1), currency) == 0) {
        view->balance = (uint64_t)balance;
    }

    /* what each hold of the account took and did not give back */
    rc = db_run(
        db,
        "SELECT CAST(COALESCE(SUM(net), 0) AS BIGINT),"
        " CAST(COALESCE(SUM(CASE WHEN incident = $2 THEN net ELSE 0 END), 0)"
        " AS BIGINT),"
        " CAST(COALESCE(SUM(CASE WHEN at >= $3 AND at < $4 THEN net ELSE 0"
        " END), 0) AS BIGINT) "
        "FROM (SELECT h.incident AS incident, h.at AS at, h.amount - COALESCE("
        "(SELECT SUM(b.amount) FROM transfer b WHERE b.pending = h.id"
        " AND b.kind IN ('release', 'void', 'expire', 'reverse')), 0) AS net"
        " FROM incident i JOIN transfer h ON h.incident = i.id"
        " AND h.kind = 'hold' WHERE i.account = $1) AS held",
        DB_ARGS(DB_T(account), DB_T(incident), DB_I(day * CLOCK_DAY),
                DB_I((day + 1) * CLOCK_DAY)));
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_FAIL : rc;
    }
    view->used_account = (uint64_t)db_int(db, 0);
    view->used_incident = (uint64_t)db_int(db, 1);
    view->used_day = (uint64_t)db_int(db, 2);
    return DB_OK;
}

/* What was asked for: the same id may not ask for something else. */
static void digest(entry_t *entry) {
    const transfer_t *t = &entry->entered;
    char amount[NUMBER];

    number(amount, t->amount);
    billing_hash(entry->request, "request", t->id, t->kind, t->debit, t->credit,
                 amount, t->currency, or_empty(t->pending),
                 or_empty(t->incident), NULL);
}

/* LEDGER_OK: nobody has asked under this id. */
static ledger_rc look(db_t *db, const entry_t *entry, db_rc *rc) {
    int same;

    *rc = db_run(db, "SELECT request FROM transfer WHERE id = $1",
                 DB_ARGS(DB_T(entry->entered.id)));
    if (*rc == DB_OK) {
        same = strcmp(db_text(db, 0), entry->request) == 0;
        return same ? LEDGER_EXISTS : LEDGER_DIFFERS;
    }
    if (*rc != DB_NONE) {
        return LEDGER_DB;
    }
    *rc = db_run(db, "SELECT request FROM refusal WHERE id = $1",
                 DB_ARGS(DB_T(entry->entered.id)));
    if (*rc == DB_OK) {
        same = strcmp(db_text(db, 0), entry->request) == 0;
        return same ? LEDGER_REFUSED : LEDGER_DIFFERS;
    }
    return *rc == DB_NONE ? LEDGER_OK : LEDGER_DB;
}

static db_rc take(db_t *db, const transfer_t *t) {
    return db_run(db,
                  "UPDATE account SET balance = balance - $2, touched = $3 "
                  "WHERE id = $1 AND currency = $4 AND (balance >= $2"
                  " OR (id LIKE 'sys:%' AND balance >= $2 - " MAX_BALANCE "))",
                  DB_ARGS(DB_T(t->debit), DB_I(t->amount), DB_I(t->at),
                          DB_T(t->currency)));
}

/* An account is of the currency that it was first given. */
static db_rc give(db_t *db, const transfer_t *t) {
    return db_run(db,
                  "INSERT INTO account (id, currency, balance, touched) "
                  "VALUES ($1, $4, $2, $3) ON CONFLICT (id) DO UPDATE SET"
                  " balance = account.balance + excluded.balance,"
                  " touched = excluded.touched, currency = excluded.currency "
                  "WHERE account.currency IN ('', excluded.currency)"
                  " AND account.balance <= " MAX_BALANCE " - excluded.balance",
                  DB_ARGS(DB_T(t->credit), DB_I(t->amount), DB_I(t->at),
                          DB_T(t->currency)));
}

static db_rc open_system(db_t *db, const transfer_t *t) {
    db_rc rc = db_run(db,
                      "INSERT INTO account (id, currency, balance, touched) "
                      "VALUES ($1, $2, 0, $3) ON CONFLICT (id) DO NOTHING",
                      DB_ARGS(DB_T(t->debit), DB_T(t->currency), DB_I(t->at)));

    return rc == DB_NONE ? DB_OK : rc;
}

static ledger_rc refuse(db_t *db, const entry_t *entry, const char *reason,
                        db_rc *rc) {
    *rc = db_run(db,
                 "INSERT INTO refusal (id, request, reason, at) "
                 "VALUES ($1, $2, $3, $4)",
                 DB_ARGS(DB_T(entry->entered.id), DB_T(entry->request),
                         DB_T(reason), DB_I(entry->entered.at)));
    return *rc == DB_OK ? LEDGER_REFUSED : LEDGER_DB;
}

static db_rc lock_chain(db_t *db, entry_t *entry) {
    db_rc rc = db_run(db,
                      "UPDATE chain SET seq = seq + 1 WHERE one = 1 "
                      "RETURNING seq, hash",
                      DB_NO_ARGS);

    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_FAIL : rc;
    }
    entry->seq = db_int(db, 0);
    (void)snprintf(entry->prev, sizeof(entry->prev), "%s", db_text(db, 1));
    ledger_hash(entry->hash, entry->prev, entry->seq, &entry->entered);
    return DB_OK;
}

static db_rc enter(db_t *db, const entry_t *entry) {
    const transfer_t *t = &entry->entered;
    db_rc rc;

    rc = db_run(
        db,
        "INSERT INTO transfer (seq, id, kind, debit, credit, amount, currency,"
        " pending, incident, decision, policy, policy_version, request,"
        " prev_hash, hash, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
        " $10, $11, $12, $13, $14, $15, $16)",
        DB_ARGS(DB_I(entry->seq), DB_T(t->id), DB_T(t->kind), DB_T(t->debit),
                DB_T(t->credit), DB_I(t->amount), DB_T(t->currency),
                DB_T(t->pending), DB_T(t->incident), DB_T(t->decision),
                DB_T(t->policy), DB_I(t->policy_version), DB_T(entry->request),
                DB_T(entry->prev), DB_T(entry->hash), DB_I(t->at)));
    if (rc != DB_OK) {
        return rc;
    }
    return db_run(db, "UPDATE chain SET hash = $1 WHERE one = 1",
                  DB_ARGS(DB_T(entry->hash)));
}

/* The customer's side is what can be refused; the chain comes after it. */
static ledger_rc carry_out(db_t *db, entry_t *entry, db_rc *rc) {
    const transfer_t *t = &entry->entered;
    int takes = !is_system(t->debit);

    *rc = takes ? take(db, t) : give(db, t);
    if (*rc == DB_NONE) {
        return refuse(db, entry, takes ? "balance" : "currency", rc);
    }
    if (*rc == DB_OK) {
        *rc = lock_chain(db, entry);
    }
    if (*rc == DB_OK && !takes) {
        *rc = open_system(db, t);
    }
    if (*rc == DB_OK) {
        *rc = takes ? give(db, t) : take(db, t);
    }
    if (*rc == DB_OK) {
        *rc = enter(db, entry);
    }
    *rc = *rc == DB_NONE ? DB_FAIL : *rc;
    failpoint("ledger-entered");
    return *rc == DB_OK ? LEDGER_OK : LEDGER_DB;
}

/* The transfer as it is to be entered. */
static db_rc prepare(entry_t *entry, const transfer_t *transfer) {
    memset(entry, 0, sizeof(*entry));
    entry->entered = *transfer;
    if (!ledger_account(entry->debit, transfer->debit, transfer->currency) ||
        !ledger_account(entry->credit, transfer->credit, transfer->currency)) {
        return DB_FAIL;
    }
    entry->entered.debit = entry->debit;
    entry->entered.credit = entry->credit;
    digest(entry);
    return DB_OK;
}

ledger_rc ledger_transfer(db_t *db, const transfer_t *transfer, db_rc *rc) {
    entry_t entry;
    ledger_rc ledger;

    *rc = prepare(&entry, transfer);
    if (*rc != DB_OK) {
        return LEDGER_DB;
    }
    ledger = look(db, &entry, rc);
    if (ledger != LEDGER_OK) {
        return ledger;
    }
    if (transfer->amount < 1 || transfer->amount > LEDGER_MAX_AMOUNT) {
        return refuse(db, &entry, "amount", rc);
    }
    return carry_out(db, &entry, rc);
}

db_rc ledger_refuse(db_t *db, const transfer_t *transfer, const char *reason) {
    entry_t entry;
    db_rc rc = prepare(&entry, transfer);

    if (rc == DB_OK) {
        (void)refuse(db, &entry, reason, &rc);
    }
    return rc;
}
