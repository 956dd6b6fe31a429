/* SPDX-License-Identifier: BSD-2-Clause */

#include "show.h"

#include "amount.h"
#include "clock.h"
#include "fraud_event.h"

#include <stdio.h>
#include <string.h>

#define PAGE 200
#define NEXT_SIZE 128
#define LINE 2048

typedef struct {
    int64_t at;
    char id[BILLING_ID_SIZE];
    char state[12];
    char fraud[12];
    char policy[BILLING_NAME_SIZE];
    char account[BILLING_ACCOUNT_SIZE];
    char family[BILLING_NAME_SIZE];
    int64_t amount;
    char currency[4];
    int64_t restricted;
    int64_t post_at;
    char appeal[BILLING_NAME_SIZE]; /* the first that nobody answered */
    int64_t left;                   /* deducted and not given back */
} row_t;

/* What a person has to do about it, or what happens if nobody does. */
static void say_next(char next[NEXT_SIZE], const row_t *row) {
    char until[AMOUNT_SIZE];

    amount_time(until, row->post_at);
    if (row->restricted != 0) {
        (void)snprintf(next, NEXT_SIZE,
                       "restricted: nothing until it is lifted");
    } else if (strcmp(row->state, "case") == 0) {
        (void)snprintf(next, NEXT_SIZE, "confirm or refute");
    } else if (strcmp(row->state, "second") == 0) {
        (void)snprintf(next, NEXT_SIZE, "a second person confirms or refutes");
    } else if (strcmp(row->state, "held") == 0) {
        (void)snprintf(next, NEXT_SIZE, "posted after %s", until);
    } else if (strcmp(row->state, "objected") == 0) {
        (void)snprintf(next, NEXT_SIZE,
                       "somebody new upholds or refutes, or it ends %s", until);
    } else if (row->appeal[0] != '\0') {
        (void)snprintf(next, NEXT_SIZE,
                       "appeal %s: somebody new reverses or rejects",
                       row->appeal);
    } else if (strcmp(row->fraud, "refuted") == 0 && row->left != 0) {
        (void)snprintf(next, NEXT_SIZE, "refuted: a reversal is proposed");
    } else {
        (void)snprintf(next, NEXT_SIZE, "-");
    }
}

static void print_row(const row_t *row) {
    char next[NEXT_SIZE], amount[AMOUNT_SIZE], day[AMOUNT_SIZE];

    say_next(next, row);
    amount_print(amount, row->amount, row->currency);
    amount_day(day, row->at);
    (void)printf("%-30s  %-8s  %s  %-16s  %-16s  %14s  %s\n", row->id,
                 row->state, day, row->policy, row->family, amount, next);
}

static void put(fraud_event_t *event, const char *key, const char *text) {
    fraud_str_t name = {(const uint8_t *)key, strlen(key)};

    fraud_event_str(event, name, text, strlen(text));
}

static void print_json(const row_t *row) {
    char next[NEXT_SIZE];
    uint8_t line[LINE];
    fraud_event_t event;

    say_next(next, row);
    fraud_event_begin(&event, line, sizeof(line));
    put(&event, "id", row->id);
    put(&event, "state", row->state);
    put(&event, "fraud", row->fraud);
    fraud_event_time(&event, FRAUD_STR("at"), (uint64_t)row->at / 1000);
    put(&event, "policy", row->policy);
    put(&event, "account", row->account);
    put(&event, "family", row->family);
    fraud_event_uint(&event, FRAUD_STR("amount_minor"), (uint64_t)row->amount);
    put(&event, "currency", row->currency);
    fraud_event_uint(&event, FRAUD_STR("deducted_minor"), (uint64_t)row->left);
    if (row->restricted != 0) {
        fraud_event_time(&event, FRAUD_STR("restricted"),
                         (uint64_t)row->restricted / 1000);
    }
    if (row->post_at != 0) {
        fraud_event_time(&event, FRAUD_STR("post_at"),
                         (uint64_t)row->post_at / 1000);
    }
    put(&event, "next", next);
    if (fraud_event_end(&event) == FRAUD_OK) {
        (void)fwrite(line, 1, event.buf.len, stdout);
    }
}

#define TEXT(field, i)                                                         \
    (void)snprintf(row->field, sizeof(row->field), "%s", db_text(db, i))

static void read_row(const db_t *db, row_t *row) {
    row->at = db_int(db, 0);
    TEXT(id, 1);
    TEXT(state, 2);
    TEXT(fraud, 3);
    TEXT(policy, 4);
    TEXT(account, 5);
    TEXT(family, 6);
    row->amount = db_int(db, 7);
    TEXT(currency, 8);
    row->restricted = db_int(db, 9);
    row->post_at = db_int(db, 10);
    TEXT(appeal, 11);
    row->left = db_int(db, 12);
}

static int waits(const row_t *row) {
    return strcmp(row->state, "case") == 0 ||
           strcmp(row->state, "second") == 0 ||
           strcmp(row->state, "held") == 0 ||
           strcmp(row->state, "objected") == 0 ||
           (strcmp(row->state, "posted") == 0 &&
            (row->appeal[0] != '\0' || strcmp(row->fraud, "refuted") == 0));
}

/* The oldest first, a page at a time. */
static db_rc next_page(db_t *db, const row_t *last, int all) {
    return db_run(
        db,
        "SELECT i.at, i.id, i.state, i.fraud, i.policy, i.account, i.family,"
        " i.amount, i.currency, i.restricted, i.post_at,"
        " (SELECT MIN(a.reference) FROM review a WHERE a.incident = i.id"
        " AND a.action = 'appeal' AND NOT EXISTS (SELECT 1 FROM review r"
        " WHERE r.incident = i.id AND r.action IN ('reject', 'reverse')"
        " AND r.reference = a.reference)),"
        " (SELECT CAST(COALESCE(SUM(CASE t.kind WHEN 'post' THEN t.amount"
        " WHEN 'reverse' THEN -t.amount ELSE 0 END), 0) AS BIGINT)"
        " FROM transfer t WHERE t.incident = i.id) "
        "FROM incident i WHERE (i.at > $1 OR (i.at = $1 AND i.id > $2))"
        " AND ($3 = 1 OR i.state IN ('case', 'second', 'held', 'objected',"
        " 'posted')) ORDER BY i.at, i.id LIMIT $4",
        DB_ARGS(DB_I(last->at), DB_T(last->id), DB_I(all), DB_I(PAGE)));
}

db_rc show_list(billing_t *billing, int all, int json) {
    db_t *db = billing->db;
    row_t row;
    int n;
    db_rc rc;

    memset(&row, 0, sizeof(row));
    row.at = -1;
    if (!json) {
        (void)printf("%-30s  %-8s  %-10s  %-16s  %-16s  %14s  %s\n", "CASE",
                     "STATE", "SINCE", "POLICY", "FAMILY", "DAMAGE", "NEXT");
    }
    do {
        n = 0;
        rc = next_page(db, &row, all);
        if (rc != DB_OK) {
            return rc == DB_NONE ? DB_OK : rc;
        }
        do {
            n++;
            read_row(db, &row);
            if (all || waits(&row)) {
                json ? print_json(&row) : print_row(&row);
            }
        } while (db_next(db));
    } while (n == PAGE);
    return DB_OK;
}
