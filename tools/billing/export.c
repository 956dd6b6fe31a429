/* SPDX-License-Identifier: BSD-2-Clause */

#include "export.h"

#include "billing.h"
#include "clock.h"
#include "fail.h"
#include "fraud_event.h"
#include "fraud_str.h"
#include "option.h"

#include <stdio.h>
#include <string.h>

#define PAGE 500 /* rows in memory at once */
#define COLUMNS 13

const char export_usage[] =
    "  export --since TIME [--json|--csv] [--accounts] [-c FILE]\n"
    "                   all transfers made and incidents changed since TIME\n"
    "                   (2026-11-22, 2026-11-22T08:00:00Z or seconds since\n"
    "                   1970), a line each. --accounts: with the accounts of\n"
    "                   the application\n";

/* One column of what is exported: where it is in the row, and what it is. */
typedef enum { TEXT, NUMBER, AMOUNT, TIME } type_t;

typedef struct {
    const char *name;
    size_t column;
    type_t type;
} column_t;

/* The same columns for both, so that one table takes them. */
static const column_t columns[] = {{"record", 0, TEXT},
                                   {"id", 1, TEXT},
                                   {"at", 2, TIME},
                                   {"kind", 3, TEXT},
                                   {"ledger_account", 4, TEXT},
                                   {"amount_minor", 5, AMOUNT},
                                   {"currency", 6, TEXT},
                                   {"incident", 7, TEXT},
                                   {"of", 8, TEXT},
                                   {"policy", 9, TEXT},
                                   {"policy_version", 10, NUMBER},
                                   {"state", 11, TEXT},
                                   {"sequence", 12, NUMBER}};

#define NCOLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char transfers[] =
    "SELECT 'transfer', t.id, t.at, t.kind, CASE WHEN t.debit LIKE 'cust:%' "
    "THEN t.debit ELSE COALESCE(CASE WHEN t.credit LIKE 'cust:%' THEN t.credit "
    "END, i.account) END, t.amount, t.currency, t.incident, t.pending, "
    "t.policy, t.policy_version, '', t.seq FROM transfer t LEFT JOIN "
    "incident i ON i.id = t.incident WHERE t.at >= $1 AND t.seq > $2 ORDER BY "
    "t.seq LIMIT $3";
static const char incidents[] =
    "SELECT 'incident', id, changed, fraud, account, amount, currency, id, "
    "hold, policy, policy_version, state, 0 FROM incident WHERE changed >= "
    "$1 AND id > $2 ORDER BY id LIMIT $3";

typedef struct {
    char cell[COLUMNS][160];
} row_t;

typedef struct {
    billing_t *billing;
    int64_t since;
    int csv;
    int accounts;
    row_t row[PAGE];
    size_t n;
} export_t;

/* YYYY-MM-DD[Thh:mm:ssZ], or seconds. */
static int64_t parse_since(const char *text) {
    unsigned y, m, d, hh = 0, mm = 0, ss = 0;
    int64_t days;
    uint64_t seconds;
    int at = 0;

    if (fraud_str_uint(&seconds, text, strlen(text), 100000000000u) ==
        FRAUD_OK) {
        return (int64_t)seconds * CLOCK_SECOND;
    }
    if (sscanf(text, "%4u-%2u-%2u%n", &y, &m, &d, &at) != 3 || at != 10 ||
        (text[at] != '\0' &&
         (sscanf(text + at, "T%2u:%2u:%2uZ%n", &hh, &mm, &ss, &at) != 3 ||
          at != 10 || text[20] != '\0')) ||
        y < 1970 || m < 1 || m > 12 || d < 1 || d > 31 || hh > 23 || mm > 59 ||
        ss > 60) {
        fail("--since: \"%s\" is no time, use e.g. 2026-11-22", text);
    }
    /* days of the civil calendar, in years that begin in March */
    y -= m <= 2;
    days = (int64_t)y * 365 + y / 4 - y / 100 + y / 400 +
           (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1 - 719468;
    return (days * 86400 + hh * 3600 + mm * 60 + ss) * CLOCK_SECOND;
}

static void put_csv(const char *text) {
    if (strpbrk(text, "\",\r\n") == NULL) {
        (void)fputs(text, stdout);
        return;
    }
    (void)putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            (void)putchar('"');
        }
        (void)putchar(*text);
    }
    (void)putchar('"');
}

static void put_json_string(const char *text) {
    (void)putchar('"');
    for (; *text != '\0'; text++) {
        unsigned ch = (unsigned char)*text;

        if (ch < 0x20 || ch == '"' || ch == '\\' || ch == 0x7f) {
            (void)printf("\\u%04x", ch);
        } else {
            (void)putchar(*text);
        }
    }
    (void)putchar('"');
}

static void print(const export_t *export, const row_t *row, const char *raw) {
    size_t i;

    for (i = 0; i < NCOLUMNS; i++) {
        if (export->csv) {
            (void)fputs(i == 0 ? "" : ",", stdout);
            put_csv(row->cell[i]);
            continue;
        }
        (void)printf("%s\"%s\":", i == 0 ? "{" : ",", columns[i].name);
        if (columns[i].type == NUMBER) {
            (void)fputs(row->cell[i][0] != '\0' ? row->cell[i] : "0", stdout);
        } else if (row->cell[i][0] == '\0') {
            (void)fputs("null", stdout);
        } else {
            put_json_string(row->cell[i]);
        }
    }
    if (export->accounts && export->csv) {
        (void)putchar(',');
        put_csv(raw != NULL ? raw : "");
    } else if (export->accounts) {
        (void)fputs(",\"account\":", stdout);
        if (raw != NULL) {
            put_json_string(raw);
        } else {
            (void)fputs("null", stdout);
        }
    }
    (void)fputs(export->csv ? "\n" : "}\n", stdout);
}

/* Of the current row of the database. */
static void take(const db_t *db, row_t *row) {
    uint8_t text[64];
    fraud_event_t event;
    size_t i;

    for (i = 0; i < NCOLUMNS; i++) {
        char *cell = row->cell[i];

        switch (columns[i].type) {
        case TEXT:
            (void)snprintf(cell, sizeof(row->cell[i]), "%s", db_text(db, i));
            break;
        case NUMBER:
        case AMOUNT:
            (void)snprintf(cell, sizeof(row->cell[i]), "%lld",
                           (long long)db_int(db, i));
            break;
        case TIME:
            fraud_event_begin(&event, text, sizeof(text));
            fraud_event_time(&event, FRAUD_STR("t"),
                             (uint64_t)(db_int(db, i) / 1000));
            (void)snprintf(cell, sizeof(row->cell[i]), "%.24s",
                           (const char *)text + 6);
            break;
        }
    }
}

static const char *reveal(const export_t *export, char *raw,
                          const char *account) {
    char box[BILLING_BOX_SIZE];

    if (db_run(export->billing->db,
               "SELECT box FROM resolver WHERE account = $1",
               DB_ARGS(DB_T(account))) != DB_OK) {
        return NULL;
    }
    (void)snprintf(box, sizeof(box), "%s", db_text(export->billing->db, 0));
    return billing_open_account(export->billing, raw, FRAUD_SEAL_MAX_DATA + 1,
                                account, box)
               ? raw
               : NULL;
}

static void check(const export_t *export, db_rc rc) {
    if (rc != DB_OK && rc != DB_NONE) {
        fail("the database: %s", db_error(export->billing->db));
    }
}

/* A page, in a transaction of its own: others are not held up by our reader. */
static void page(export_t *export, const char *sql, db_arg_t from) {
    char raw[FRAUD_SEAL_MAX_DATA + 1];
    db_t *db = export->billing->db;
    size_t i;
    db_rc rc;

    check(export, db_begin(db));
    rc = db_run(db, sql, DB_ARGS(DB_I(export->since), from, DB_I(PAGE)));
    check(export, rc);
    for (export->n = 0; rc == DB_OK && export->n < PAGE;) {
        take(db, &export->row[export->n++]);
        rc = db_next(db) ? DB_OK : DB_NONE;
    }
    for (i = 0; i < export->n; i++) {
        print(export, &export->row[i],
              export->accounts ? reveal(export, raw, export->row[i].cell[4])
                               : NULL);
    }
    billing_wipe(raw, sizeof(raw));
    db_rollback(db);
}

static void run(export_t *export) {
    char id[160] = "";
    uint64_t seq = 0;
    size_t i;

    if (export->csv) {
        for (i = 0; i < NCOLUMNS; i++) {
            (void)printf("%s%s", i == 0 ? "" : ",", columns[i].name);
        }
        (void)puts(export->accounts ? ",account" : "");
    }
    do {
        page(export, transfers, DB_I(seq));
        if (export->n != 0 &&
            fraud_str_uint(&seq, export->row[export->n - 1].cell[12],
                           strlen(export->row[export->n - 1].cell[12]),
                           INT64_MAX) != FRAUD_OK) {
            fail("the database has a transfer without a number");
        }
    } while (export->n == PAGE);
    do {
        page(export, incidents, DB_T(id));
        if (export->n != 0) {
            (void)snprintf(id, sizeof(id), "%s",
                           export->row[export->n - 1].cell[1]);
        }
    } while (export->n == PAGE);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fail("cannot write what was exported");
    }
}

int export_main(int argc, char **argv) {
    static export_t export;
    const char *conf = NULL, *since = NULL, *value;
    int i;

    for (i = 1; i < argc; i++) {
        if ((value = option(argc, argv, &i, "--since")) != NULL) {
            since = value;
        } else if ((value = option(argc, argv, &i, "-c")) != NULL) {
            conf = value;
        } else if (strcmp(argv[i], "--csv") == 0) {
            export.csv = 1;
        } else if (strcmp(argv[i], "--json") == 0) {
            export.csv = 0;
        } else if (strcmp(argv[i], "--accounts") == 0) {
            export.accounts = 1;
        } else {
            fail("export: unknown word \"%s\"", argv[i]);
        }
    }
    if (since == NULL) {
        fail("export needs --since TIME");
    }
    export.since = parse_since(since);
    export.billing = billing_open(conf, export.accounts);
    run(&export);
    billing_close(export.billing);
    return 0;
}
