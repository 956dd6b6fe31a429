/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "erase.h"

#include "clock.h"
#include "control.h"
#include "fail.h"
#include "option.h"
#include "principal.h"
#include "say.h"
#include "settle.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LEDGER_ID 31     /* characters, see billing_account() */
#define LATEST CLOCK_DAY /* for what was on its way when it expired */

const char erase_usage[] =
    "  erase --account VALUE | --ledger ID [-c FILE] [--as NAME]\n"
    "                   forget a person: VALUE - is read from standard input\n";

typedef struct {
    const char *account; /* of the ledger */
    const char *who;
    int64_t now;
    int known;
    int finishing; /* holds that end first */
    int left;      /* is not forgotten yet */
} erasure_t;

static db_rc note(billing_t *billing, const erasure_t *erasure,
                  const char *incident) {
    char id[BILLING_ID_SIZE];
    db_rc rc;

    billing_id(id, "ers", incident, NULL);
    rc = db_run(billing->db,
                "INSERT INTO review (id, incident, reviewer, action, reason,"
                " at) VALUES ($1, $2, $3, 'erase', 'requested', $4) "
                "ON CONFLICT (id) DO NOTHING",
                DB_ARGS(DB_T(id), DB_T(incident), DB_T(erasure->who),
                        DB_I(erasure->now)));
    return rc == DB_NONE ? DB_OK : rc;
}

/* A hold that was open before the request may finish, if the policy says so. */
static int finishes(const billing_t *billing, const incident_t *incident,
                    int64_t now) {
    fraud_settings_t settings;

    return billing_settings(billing, &settings, incident->policy,
                            incident->policy_version, now) &&
           settings.inflight == FRAUD_INFLIGHT_FINISH;
}

static db_rc stop(billing_t *billing, erasure_t *erasure, const char *id) {
    incident_t incident;
    db_rc rc = incident_read(billing->db, &incident, id);

    if (rc == DB_OK) {
        rc = note(billing, erasure, id);
    }
    if (rc != DB_OK) {
        return rc;
    }
    if (incident_is_open(&incident)) {
        return incident_move(billing->db, &incident, "closed", erasure->now);
    }
    if (!incident_is_held(&incident)) {
        return DB_OK;
    }
    if (finishes(billing, &incident, erasure->now)) {
        erasure->finishing++;
        return DB_OK;
    }
    return settle_back(billing, &incident, erasure->now, "void", NULL);
}

static db_rc stop_all(billing_t *billing, erasure_t *erasure) {
    char id[BILLING_ID_SIZE] = "";
    db_rc rc;

    for (;;) {
        rc = db_run(billing->db,
                    "SELECT id FROM incident WHERE account = $1 AND id > $2 "
                    "ORDER BY id LIMIT 1",
                    DB_ARGS(DB_T(erasure->account), DB_T(id)));
        if (rc != DB_OK) {
            return rc == DB_NONE ? DB_OK : rc;
        }
        (void)snprintf(id, sizeof(id), "%s", db_text(billing->db, 0));
        rc = stop(billing, erasure, id);
        if (rc != DB_OK) {
            return rc;
        }
    }
}

/* What was done until now does not count, whenever it is told. */
static db_rc bar(db_t *db, const char *account, int64_t now) {
    return db_run(db,
                  "INSERT INTO erased (account, at) VALUES ($1, $2) "
                  "ON CONFLICT (account) DO UPDATE SET at = CASE"
                  " WHEN excluded.at > erased.at THEN excluded.at"
                  " ELSE erased.at END",
                  DB_ARGS(DB_T(account), DB_I(now)));
}

db_rc erase_forget(billing_t *billing, int64_t now, int64_t most,
                   int64_t *done) {
    uint32_t keep, longest = 0;
    size_t i;
    db_rc rc;

    for (i = 0; i < billing->npolicies; i++) {
        keep = billing->policy[i].settings.keep_evidence;
        longest = keep > longest ? keep : longest;
    }
    rc = db_run(billing->db,
                "DELETE FROM erased WHERE account IN (SELECT account "
                "FROM erased WHERE at <= $1 LIMIT $2) RETURNING account",
                DB_ARGS(DB_I(now - (int64_t)longest * CLOCK_SECOND - LATEST),
                        DB_I(most)));
    if (rc == DB_OK) {
        do {
            ++*done;
        } while (db_next(billing->db));
    }
    return rc == DB_NONE ? DB_OK : rc;
}

/* Each step changes any number of rows, none as well. */
static db_rc forget(db_t *db, const char *account) {
    static const char *const steps[] = {
        "UPDATE inbox SET body = NULL WHERE incident IN"
        " (SELECT id FROM incident WHERE account = $1)",
        "UPDATE notice SET text = '' WHERE incident IN"
        " (SELECT id FROM incident WHERE account = $1)",
        "UPDATE outbox SET body = '' WHERE state = 'sent' AND incident IN"
        " (SELECT id FROM incident WHERE account = $1)",
        /* there may be many: LIKE is far slower on PostgreSQL */
        "UPDATE dead SET body = '', state = 'dropped' WHERE state = 'dead'"
        " AND EXISTS (SELECT 1 FROM incident i WHERE i.account = $1"
        " AND i.pid <> '' AND REPLACE(dead.body, i.pid, '') <> dead.body)",
        "UPDATE verdict SET pid = '', state = 'gone' WHERE pid IN"
        " (SELECT pid FROM incident WHERE account = $1)",
        "UPDATE incident SET pid = '', epoch = 0 WHERE account = $1",
        "DELETE FROM aside WHERE id = $1",
        "DELETE FROM resolver WHERE account = $1"};
    size_t i;
    db_rc rc;

    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        rc = db_run(db, steps[i], DB_ARGS(DB_T(account)));
        if (rc != DB_OK && rc != DB_NONE) {
            return rc;
        }
    }
    return DB_OK;
}

/* Find an account whose erasure nothing stands in the way of; ${account} or,
   if that is "", any that is not set aside. */
static db_rc find_ready(billing_t *billing, int64_t now,
                        char account[BILLING_ACCOUNT_SIZE]) {
    db_rc rc;

    rc = db_run(
        billing->db,
        "SELECT account FROM resolver r WHERE erase = 1"
        " AND (account = $2 OR ($2 = '' AND NOT EXISTS (SELECT 1 FROM aside a"
        " WHERE a.id = r.account AND a.next_at > $3))) AND NOT EXISTS"
        " (SELECT 1 FROM incident i WHERE i.account = r.account"
        " AND (i.state IN ('held', 'objected') OR EXISTS"
        " (SELECT 1 FROM outbox o WHERE $1 = 1 AND o.incident = i.id"
        " AND o.state = 'waiting'"
        " AND o.type <> 'fraud.case.opened'))) ORDER BY account LIMIT 1",
        DB_ARGS(DB_I(billing->conf.webhook_url != NULL), DB_T(account),
                DB_I(now)));
    if (rc == DB_OK) {
        (void)snprintf(account, BILLING_ACCOUNT_SIZE, "%s",
                       db_text(billing->db, 0));
    }
    return rc;
}

/* Nobody takes flags in or decides on this account until the end of the
   transaction. */
static db_rc hold(billing_t *billing, const char *account, int64_t now) {
    fraud_ledger_view_t view;
    db_rc rc = db_hold(billing->db, 1);

    return rc == DB_OK
               ? ledger_lock(billing->db, account, "", now, &view, "", 0)
               : rc;
}

db_rc erase_finish(billing_t *billing, int64_t now,
                   char account[BILLING_ACCOUNT_SIZE], int *done) {
    db_rc rc;

    *done = 0;
    rc = find_ready(billing, now, account);
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_OK : rc;
    }
    *done = 1;
    rc = hold(billing, account, now);
    failpoint("erase-locked");
    if (rc == DB_OK) {
        rc = find_ready(billing, now, account);
        if (rc == DB_NONE) {
            return DB_OK; /* somebody was there in the meantime */
        }
    }
    if (rc == DB_OK) {
        rc = bar(billing->db, account, now);
    }
    if (rc == DB_OK) {
        rc = forget(billing->db, account);
    }
    failpoint("erase-forgotten");
    return rc;
}

static db_rc request(billing_t *billing, void *data) {
    char account[BILLING_ACCOUNT_SIZE];
    erasure_t *erasure = data;
    int done;
    db_rc rc;

    erasure->known = erasure->finishing = erasure->left = 0;
    rc = db_hold(billing->db, 1);
    if (rc == DB_OK) {
        rc = bar(billing->db, erasure->account, erasure->now);
    }
    if (rc == DB_OK) {
        rc = db_run(billing->db, "SELECT 1 FROM resolver WHERE account = $1",
                    DB_ARGS(DB_T(erasure->account)));
    }
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_OK : rc;
    }
    erasure->known = 1;
    rc = hold(billing, erasure->account, erasure->now);
    if (rc == DB_OK) {
        rc = db_run(billing->db,
                    "UPDATE resolver SET erase = 1 WHERE account = $1",
                    DB_ARGS(DB_T(erasure->account)));
    }
    if (rc == DB_OK) {
        rc = stop_all(billing, erasure);
    }
    if (rc == DB_OK) {
        (void)snprintf(account, sizeof(account), "%s", erasure->account);
        rc = erase_finish(billing, erasure->now, account, &done);
    }
    if (rc == DB_OK) {
        rc = db_run(billing->db, "SELECT 1 FROM resolver WHERE account = $1",
                    DB_ARGS(DB_T(erasure->account)));
        erasure->left = rc == DB_OK;
        rc = rc == DB_NONE ? DB_OK : rc;
    }
    return rc;
}

/* Return what is left of it; the account of the ledger names nobody. */
static erasure_t carry_out(billing_t *billing, const char *account,
                           const char *who) {
    erasure_t erasure = {account, who, clock_us(), 0, 0, 0};

    if (billing_again(billing, request, &erasure) != DB_OK) {
        fail("the database: %s", db_error(billing->db));
    }
    failpoint("erase-committed");
    if (erasure.known) {
        say(SAY_INFO, erasure.left ? "erasure begun" : "erased",
            SAY(SAY_T("account", account), SAY_I("holds", erasure.finishing)));
    }
    return erasure;
}

int erase_person(const char *conf, const char *raw, const char *who) {
    fraud_str_t value = {(const uint8_t *)raw, strlen(raw)};
    billing_t *billing = billing_open(conf, 1);
    char account[BILLING_ACCOUNT_SIZE];
    int left = 0;
    size_t i, k;

    for (i = 0; i < billing->npolicies; i++) {
        k = 0;
        while (strcmp(billing->policy[k].name, billing->policy[i].name) != 0) {
            k++;
        }
        if (k == i) {
            billing_account(billing, account, billing->policy[i].name, value);
            left |= carry_out(billing, account, who).left;
        }
    }
    billing_close(billing);
    return left;
}

void erase_known(const char *conf, const char *raw) {
    if (conf != NULL || access(BILLING_CONF, F_OK) == 0) {
        (void)erase_person(conf, raw, principal(NULL));
    }
}

/* An account of the ledger, so that nobody else's name is kept by mistake. */
static int is_ledger_id(const char *id) {
    return strncmp(id, "cust:", 5) == 0 && strlen(id) == LEDGER_ID &&
           strspn(id + 5, "abcdefghijklmnopqrstuvwxyz234567") == LEDGER_ID - 5;
}

int erase_main(int argc, char **argv) {
    const char *conf = NULL, *raw = NULL, *ledger = NULL, *who = NULL, *value;
    static char text[CONTROL_MAX_VALUE + 1];
    billing_t *billing;
    int i, left;

    for (i = 1; i < argc; i++) {
        if ((value = option(argc, argv, &i, "-c")) != NULL) {
            conf = value;
        } else if ((value = option(argc, argv, &i, "--account")) != NULL) {
            raw = value;
        } else if ((value = option(argc, argv, &i, "--ledger")) != NULL) {
            ledger = value;
        } else if ((value = option(argc, argv, &i, "--as")) != NULL) {
            who = value;
        } else {
            fail("an option is unknown, see fraud-billing help");
        }
    }
    if ((raw != NULL) == (ledger != NULL)) {
        fail("whom is this about? --account - or --ledger ID");
    }
    if (ledger != NULL && !is_ledger_id(ledger)) {
        fail("--ledger takes \"cust:\" and %d characters", LEDGER_ID - 5);
    }
    who = principal(who);
    if (raw != NULL) {
        control_value(text, raw);
        left = erase_person(conf, text, who);
        billing_wipe(text, sizeof(text));
        return left;
    }
    billing = billing_open(conf, 0);
    left = carry_out(billing, ledger, who).left;
    billing_close(billing);
    return left;
}
