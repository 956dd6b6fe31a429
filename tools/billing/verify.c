/* SPDX-License-Identifier: BSD-2-Clause */

#include "verify.h"

#include "fail.h"
#include "fraud_event.h"
#include "ledger.h"
#include "option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE 500
#define LINE 1024

const char verify_usage[] =
    "  verify [-c FILE] [--json] [--receiver FILE]\n"
    "                   check the books: chain, balances, caps, reviews, and\n"
    "                   that spool, inbox, ledger and outbox say the same.\n"
    "                   --receiver: and what the billing system has, a line\n"
    "                   \"ID AMOUNT\" for each transfer that it was told\n";

void verify_found(verify_t *v, const char *check, const char *id,
                  const char *what, const char *more) {
    uint8_t line[LINE];
    fraud_event_t event;

    v->findings++;
    if (!v->json) {
        (void)printf("%-6s %s: %s%s%s\n", check, id, what,
                     more != NULL ? " " : "", more != NULL ? more : "");
        return;
    }
    fraud_event_begin(&event, line, sizeof(line));
    fraud_event_str(&event, FRAUD_STR("check"), check, strlen(check));
    fraud_event_str(&event, FRAUD_STR("id"), id, strlen(id));
    fraud_event_str(&event, FRAUD_STR("what"), what, strlen(what));
    if (more != NULL) {
        fraud_event_str(&event, FRAUD_STR("more"), more, strlen(more));
    }
    if (fraud_event_end(&event) == FRAUD_OK) {
        (void)fwrite(line, 1, event.buf.len, stdout);
    }
}

typedef struct {
    transfer_t transfer;
    char kind[12];
    char debit[BILLING_ACCOUNT_SIZE];
    char credit[BILLING_ACCOUNT_SIZE];
    char currency[4];
    char pending[BILLING_ID_SIZE];
    char incident[BILLING_ID_SIZE];
    char decision[BILLING_ID_SIZE];
    char policy[BILLING_NAME_SIZE];
    char prev[BILLING_HASH_SIZE];
    char hash[BILLING_HASH_SIZE];
    char request[BILLING_HASH_SIZE];
    int64_t seq;
} row_t;

#define TEXT(field, i)                                                         \
    (void)snprintf(row->field, sizeof(row->field), "%s", db_text(db, i))

static void read_row(const db_t *db, row_t *row) {
    row->seq = db_int(db, 0);
    TEXT(transfer.id, 1);
    TEXT(kind, 2);
    TEXT(debit, 3);
    TEXT(credit, 4);
    row->transfer.amount = db_int(db, 5);
    TEXT(currency, 6);
    TEXT(pending, 7);
    TEXT(incident, 8);
    TEXT(decision, 9);
    TEXT(policy, 10);
    row->transfer.policy_version = (uint32_t)db_int(db, 11);
    TEXT(prev, 12);
    TEXT(hash, 13);
    row->transfer.at = db_int(db, 14);
    TEXT(request, 15);
    row->transfer.kind = row->kind;
    row->transfer.debit = row->debit;
    row->transfer.credit = row->credit;
    row->transfer.currency = row->currency;
    row->transfer.pending = row->pending;
    row->transfer.incident = row->incident;
    row->transfer.decision = row->decision;
    row->transfer.policy = row->policy;
}

static void check_link(verify_t *v, const row_t *row, int64_t seq,
                       const char *prev) {
    char hash[BILLING_HASH_SIZE];

    if (row->seq != seq) {
        verify_found(v, "chain", row->transfer.id,
                     "is not the next one: a transfer before it is missing",
                     NULL);
    }
    if (strcmp(row->prev, prev) != 0) {
        verify_found(v, "chain", row->transfer.id,
                     "is not chained to the one before it", NULL);
    }
    ledger_hash(hash, row->prev, row->seq, &row->transfer);
    if (strcmp(row->hash, hash) != 0) {
        verify_found(v, "chain", row->transfer.id,
                     "does not have the hash of what it says", NULL);
    }
}

/* What the same id is compared with when it is asked for again. */
static void check_request(verify_t *v, const row_t *row) {
    char digest[BILLING_HASH_SIZE], amount[24];

    (void)snprintf(amount, sizeof(amount), "%" PRId64, row->transfer.amount);
    billing_hash(digest, "request", row->transfer.id, row->kind, row->debit,
                 row->credit, amount, row->currency, row->pending,
                 row->incident, NULL);
    if (strcmp(digest, row->request) != 0) {
        verify_found(v, "chain", row->transfer.id,
                     "is not what was asked for under its id", NULL);
    }
}

static db_rc check_chain(verify_t *v, uint64_t *transfers) {
    char prev[BILLING_HASH_SIZE] = "";
    db_t *db = v->billing->db;
    static row_t row;
    int64_t seq = 0;
    int n;
    db_rc rc;

    do {
        n = 0;
        rc =
            db_run(db,
                   "SELECT seq, id, kind, debit, credit, amount, currency,"
                   " pending, incident, decision, policy, policy_version,"
                   " prev_hash, hash, at, request FROM transfer WHERE seq > $1 "
                   "ORDER BY seq LIMIT $2",
                   DB_ARGS(DB_I(seq), DB_I(PAGE)));
        if (rc != DB_OK && rc != DB_NONE) {
            return rc;
        }
        while (rc == DB_OK && (n == 0 || db_next(db))) {
            n++;
            read_row(db, &row);
            check_link(v, &row, seq + 1, prev);
            check_request(v, &row);
            seq = row.seq;
            memcpy(prev, row.hash, sizeof(prev));
            ++*transfers;
        }
    } while (n == PAGE);

    rc = db_run(db, "SELECT seq, hash FROM chain WHERE one = 1", DB_NO_ARGS);
    if (rc == DB_OK &&
        (db_int(db, 0) != seq || strcmp(db_text(db, 1), prev) != 0)) {
        verify_found(v, "chain", "head",
                     "the last transfer is not the one that the chain ends in",
                     NULL);
    }
    v->checks += 5;
    return rc;
}

/* All of it as it was at one time, and nobody waits for this. */
static db_rc begin(billing_t *billing) {
    db_rc rc = strncmp(billing->conf.database, "sqlite:", 7) == 0
                   ? db_run(billing->db, "BEGIN", DB_NO_ARGS)
                   : db_run(billing->db,
                            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                            DB_NO_ARGS);

    return rc == DB_NONE ? DB_OK : rc;
}

static db_rc check(verify_t *v) {
    uint64_t transfers = 0;
    db_rc rc = begin(v->billing);

    if (rc == DB_OK) {
        rc = check_chain(v, &transfers);
    }
    if (rc == DB_OK) {
        rc = verify_rows(v);
    }
    if (rc == DB_OK) {
        rc = verify_flags(v);
    }
    if (rc == DB_OK) {
        rc = verify_policies(v);
    }
    if (rc == DB_OK && v->receiver != NULL) {
        rc = verify_receiver(v);
    }
    (void)db_run(v->billing->db, "ROLLBACK", DB_NO_ARGS);
    if (rc != DB_OK) {
        return rc;
    }
    if (v->json) {
        (void)printf("{\"checks\":%" PRIu64 ",\"transfers\":%" PRIu64
                     ",\"findings\":%" PRIu64 "}\n",
                     v->checks, transfers, v->findings);
    } else {
        (void)printf("%" PRIu64 " checks of %" PRIu64 " transfers: %" PRIu64
                     " finding%s\n",
                     v->checks, transfers, v->findings,
                     v->findings == 1 ? "" : "s");
    }
    return DB_OK;
}

int verify(int argc, char **argv) {
    const char *conf = NULL, *value;
    verify_t v;
    int i;

    memset(&v, 0, sizeof(v));
    for (i = 1; i < argc; i++) {
        if ((value = option(argc, argv, &i, "-c")) != NULL) {
            conf = value;
        } else if ((value = option(argc, argv, &i, "--receiver")) != NULL) {
            v.receiver = value;
        } else if (strcmp(argv[i], "--json") == 0) {
            v.json = 1;
        } else {
            fail("unknown option \"%s\" of verify", argv[i]);
        }
    }
    v.billing = billing_open(conf, 0);
    if (check(&v) != DB_OK) {
        fail("the database: %s", db_error(v.billing->db));
    }
    billing_close(v.billing);
    return v.findings != 0;
}
