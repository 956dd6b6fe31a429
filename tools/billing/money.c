/* SPDX-License-Identifier: BSD-2-Clause */

#include "money.h"

#include "billing.h"
#include "clock.h"
#include "control.h"
#include "fail.h"
#include "ledger.h"
#include "option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NO_INCIDENT ""

const char money_usage[] =
    "  deposit|spend [-c FILE] --policy NAME --account VALUE|--ledger ID\n"
    "          --amount MINOR_UNITS --currency EUR --id ID\n"
    "                   what the billing system put on a customer's balance "
    "or\n"
    "                   took from it; the same ID counts once\n"
    "  balance [-c FILE] --policy NAME --account VALUE|--ledger ID\n"
    "                   ... of the customer as the ledger has it, what is "
    "held\n"
    "                   apart; VALUE - is read from standard input\n";

typedef struct {
    const char *path;
    const char *policy;
    const char *account;
    const char *ledger;
    const char *currency;
    const char *id;
    uint64_t amount;
} words_t;

typedef struct {
    const words_t *words;
    transfer_t transfer;
    char account[BILLING_ACCOUNT_SIZE];
    ledger_rc rc;
} money_t;

static void read_words(words_t *words, int argc, char **argv) {
    const char *value;
    int i;

    memset(words, 0, sizeof(*words));
    for (i = 1; i < argc; i++) {
        if ((value = option(argc, argv, &i, "-c")) != NULL) {
            words->path = value;
        } else if ((value = option(argc, argv, &i, "--policy")) != NULL) {
            words->policy = value;
        } else if ((value = option(argc, argv, &i, "--account")) != NULL) {
            words->account = value;
        } else if ((value = option(argc, argv, &i, "--ledger")) != NULL) {
            words->ledger = value;
        } else if ((value = option(argc, argv, &i, "--currency")) != NULL) {
            words->currency = value;
        } else if ((value = option(argc, argv, &i, "--id")) != NULL) {
            words->id = value;
        } else if ((value = option(argc, argv, &i, "--amount")) != NULL) {
            words->amount = option_uint("--amount", value);
        } else {
            fail("%s: unknown option \"%s\"", argv[0], argv[i]);
        }
    }
    if ((words->account == NULL) == (words->ledger == NULL)) {
        fail("%s needs --account VALUE or --ledger ID", argv[0]);
    }
    if (words->account != NULL && words->policy == NULL) {
        fail("%s needs the --policy of the account", argv[0]);
    }
}

static void name_account(const billing_t *billing, const words_t *words,
                         char account[BILLING_ACCOUNT_SIZE]) {
    char raw[CONTROL_MAX_VALUE + 1];

    if (words->ledger != NULL) {
        if (strncmp(words->ledger, "cust:", 5) != 0 ||
            strlen(words->ledger) >= BILLING_ACCOUNT_SIZE) {
            fail("--ledger: \"%s\" is no account of a customer, cust:...",
                 words->ledger);
        }
        memcpy(account, words->ledger, strlen(words->ledger) + 1);
        return;
    }
    if (billing_policy_now(billing, words->policy, clock_us()) == NULL) {
        fail("no policy \"%s\" is in force", words->policy);
    }
    control_value(raw, words->account);
    billing_account(billing, account, words->policy,
                    (fraud_str_t){(const uint8_t *)raw, strlen(raw)});
    billing_wipe(raw, sizeof(raw));
}

static db_rc enter(billing_t *billing, void *data) {
    money_t *money = data;
    fraud_ledger_view_t view;
    db_rc rc;

    rc = ledger_lock(billing->db, money->account, money->transfer.currency,
                     money->transfer.at, &view, NO_INCIDENT,
                     clock_day(money->transfer.at));
    if (rc != DB_OK) {
        return rc;
    }
    money->rc = ledger_transfer(billing->db, &money->transfer, &rc);
    return money->rc == LEDGER_DB ? rc : DB_OK;
}

static void check(const words_t *words, const char *verb) {
    if (words->id == NULL || words->currency == NULL || words->amount == 0) {
        fail("%s needs --amount, --currency and --id", verb);
    }
    if (strspn(words->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3 ||
        strlen(words->currency) != 3) {
        fail("--currency: \"%s\" is none, use e.g. EUR", words->currency);
    }
    if (words->amount > LEDGER_MAX_AMOUNT) {
        fail("--amount: %" PRIu64 " is more than %" PRId64, words->amount,
             (int64_t)LEDGER_MAX_AMOUNT);
    }
}

/* What a typing error names is no account, and none is made of it. */
static void must_exist(billing_t *billing, const char *ledger) {
    db_rc rc = db_run(billing->db, "SELECT 1 FROM account WHERE id = $1",
                      DB_ARGS(DB_T(ledger)));

    if (rc == DB_NONE) {
        fail("--ledger: the ledger has no account \"%s\"", ledger);
    }
    if (rc != DB_OK) {
        fail("the database: %s", db_error(billing->db));
    }
}

/* Why there is no such transfer, and never will be. */
static const char *why_refused(billing_t *billing, const char *id) {
    if (db_run(billing->db, "SELECT reason FROM refusal WHERE id = $1",
               DB_ARGS(DB_T(id))) != DB_OK) {
        fail("the database: %s", db_error(billing->db));
    }
    return strcmp(db_text(billing->db, 0), "balance") == 0
               ? ": there was less on the balance; the id is used up"
               : ": the account is of another currency; the id is used up";
}

static int move(billing_t *billing, const words_t *words, const char *verb) {
    static const char *const said[] = {
        [LEDGER_OK] = "entered",
        [LEDGER_EXISTS] = "entered before",
        [LEDGER_DIFFERS] = "refused: the id was used for something else",
        [LEDGER_REFUSED] = "refused"};
    int deposit = strcmp(verb, "deposit") == 0;
    money_t money;

    memset(&money, 0, sizeof(money));
    check(words, verb);
    name_account(billing, words, money.account);
    if (words->ledger != NULL) {
        must_exist(billing, money.account);
    }
    billing_id(money.transfer.id, deposit ? "dep" : "spd", words->id, NULL);
    money.transfer.kind = deposit ? "deposit" : "spend";
    money.transfer.debit = deposit ? LEDGER_BILLING : money.account;
    money.transfer.credit = deposit ? money.account : LEDGER_BILLING;
    money.transfer.amount = (int64_t)words->amount;
    money.transfer.currency = words->currency;
    money.transfer.at = clock_us();
    if (billing_again(billing, enter, &money) != DB_OK) {
        fail("the database: %s", db_error(billing->db));
    }
    (void)printf(
        "%s %s: %s%s\n", money.transfer.id, money.account, said[money.rc],
        money.rc == LEDGER_REFUSED ? why_refused(billing, money.transfer.id)
                                   : "");
    return money.rc != LEDGER_OK && money.rc != LEDGER_EXISTS;
}

static int balance(billing_t *billing, const words_t *words) {
    char account[BILLING_ACCOUNT_SIZE];
    db_t *db = billing->db;
    db_rc rc;

    name_account(billing, words, account);
    rc = db_run(db,
                "SELECT a.balance, a.currency, (SELECT COALESCE(SUM(h.amount),"
                " 0) FROM transfer h WHERE h.kind = 'hold' AND h.debit = a.id "
                "AND NOT EXISTS (SELECT 1 FROM transfer r WHERE r.pending = "
                "h.id AND r.kind IN ('post', 'void', 'expire'))) "
                "FROM account a WHERE a.id = $1",
                DB_ARGS(DB_T(account)));
    if (rc == DB_NONE) {
        (void)printf("%s: no such account\n", account);
        return 1;
    }
    if (rc != DB_OK) {
        fail("the database: %s", db_error(db));
    }
    (void)printf("%s %" PRId64 " %s, held %" PRId64 "\n", account,
                 db_int(db, 0), db_text(db, 1), db_int(db, 2));
    return 0;
}

int money_main(int argc, char **argv) {
    billing_t *billing;
    words_t words;
    int status;

    read_words(&words, argc, argv);
    billing = billing_open(words.path, words.account != NULL);
    status = strcmp(argv[0], "balance") == 0 ? balance(billing, &words)
                                             : move(billing, &words, argv[0]);
    billing_close(billing);
    return status;
}
