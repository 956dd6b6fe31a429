/* SPDX-License-Identifier: BSD-2-Clause */

#include "outboxctl.h"

#include "clock.h"
#include "fail.h"
#include "option.h"
#include "outbox.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

#define LIST 1000 /* lines, at most */

const char outbox_usage[] =
    "  outbox list [--parked|--waiting|--sent] [-c FILE]\n"
    "                   what the billing system is told: id, type, state,\n"
    "                   attempts, seconds until the next one, last answer\n"
    "  outbox retry ID|--all [-c FILE]\n"
    "                   send what was parked again\n";

static const char all_of_them[] =
    "SELECT id, type, state, tries, next_at, error FROM outbox "
    "ORDER BY at, id LIMIT $1";
static const char some_of_them[] =
    "SELECT id, type, state, tries, next_at, error FROM outbox "
    "WHERE state = $2 ORDER BY at, id LIMIT $1";

static int list(billing_t *billing, const char *state) {
    db_t *db = billing->db;
    int64_t now = clock_us(), left;
    db_rc rc;

    rc = db_begin(db);
    if (rc == DB_OK) {
        rc = state != NULL
                 ? db_run(db, some_of_them, DB_ARGS(DB_I(LIST), DB_T(state)))
                 : db_run(db, all_of_them, DB_ARGS(DB_I(LIST)));
    }
    if (rc != DB_OK && rc != DB_NONE) {
        fail("the database: %s", db_error(db));
    }
    while (rc == DB_OK) {
        left = strcmp(db_text(db, 2), "waiting") == 0 && db_int(db, 4) > now
                   ? (db_int(db, 4) - now) / CLOCK_SECOND
                   : 0;
        (void)printf("%s %s %s %lld %lld %s\n", db_text(db, 0), db_text(db, 1),
                     db_text(db, 2), (long long)db_int(db, 3), (long long)left,
                     db_text(db, 5)[0] != '\0' ? db_text(db, 5) : "-");
        rc = db_next(db) ? DB_OK : DB_NONE;
    }
    db_rollback(db);
    return 0;
}

static int retry(billing_t *billing, const char *id) {
    db_rc rc = outbox_retry(billing, id, clock_us());

    if (rc == DB_NONE) {
        fail("no message \"%s\" is parked", id);
    }
    if (rc != DB_OK) {
        fail("the database: %s", db_error(billing->db));
    }
    say(SAY_INFO, "retried", SAY(SAY_T("id", id != NULL ? id : "all")));
    return 0;
}

int outbox_main(int argc, char **argv) {
    const char *conf = NULL, *state = NULL, *id = NULL, *value;
    const char *verb = argc > 1 ? argv[1] : "";
    int listing = strcmp(verb, "list") == 0, all = 0, i, rc;
    billing_t *billing;

    if (!listing && strcmp(verb, "retry") != 0) {
        fail("outbox is \"list\" or \"retry\"");
    }
    for (i = 2; i < argc; i++) {
        if ((value = option(argc, argv, &i, "-c")) != NULL) {
            conf = value;
        } else if (listing && (strcmp(argv[i], "--parked") == 0 ||
                               strcmp(argv[i], "--waiting") == 0 ||
                               strcmp(argv[i], "--sent") == 0)) {
            state = argv[i] + 2;
        } else if (!listing && strcmp(argv[i], "--all") == 0) {
            all = 1;
        } else if (!listing && id == NULL && argv[i][0] != '-') {
            id = argv[i];
        } else {
            fail("outbox %s: unknown word \"%s\"", verb, argv[i]);
        }
    }
    if (!listing && (id != NULL) == all) {
        fail("outbox retry: one id, or --all");
    }
    billing = billing_open(conf, 0);
    rc = listing ? list(billing, state) : retry(billing, id);
    billing_close(billing);
    return rc;
}
