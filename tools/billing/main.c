/* SPDX-License-Identifier: BSD-2-Clause */

#include "billing.h"
#include "clock.h"
#include "core.h"
#include "deadctl.h"
#include "erase.h"
#include "fail.h"
#include "hook.h"
#include "money.h"
#include "option.h"
#include "outboxctl.h"
#include "run.h"
#include "ship.h"
#include "verb.h"
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>

static const char keygen_usage[] =
    "  keygen FILE      make the secret keys of billing in FILE, and the\n"
    "                   public one, for \"fraud_spool key=\", in FILE.pub\n";

static int keygen(int argc, char **argv) {
    if (argc != 2) {
        fail("keygen takes one file");
    }
    billing_make_keys(argv[1]);
    (void)printf("%s, keep it; %s.pub is for nginx\n", argv[1], argv[1]);
    return 0;
}

static const char migrate_usage[] = "  migrate [-c FILE]\n"
                                    "                   bring the schema of "
                                    "the database up to date, as \"run\"\n"
                                    "                   does too\n";

static int migrate(int argc, char **argv) {
    billing_conf_t *conf = calloc(1, sizeof(*conf));
    const char *path = NULL, *value;
    arena_t arena = {NULL};
    db_t *db;
    int i;

    for (i = 1; i < argc; i++) {
        value = option(argc, argv, &i, "-c");
        if (value == NULL) {
            fail("migrate: unknown option \"%s\"", argv[i]);
        }
        path = value;
    }
    if (conf == NULL) {
        fail("not enough memory");
    }
    billing_read_conf(conf, &arena, path);
    db = db_open(conf->database);
    if (db == NULL) {
        fail("%s: the database is neither sqlite:PATH nor postgresql://...",
             conf->path);
    }
    if (db_migrate(db) != DB_OK) {
        fail("cannot migrate: %s", db_error(db));
    }
    db_close(db);
    arena_free(&arena);
    free(conf);
    return 0;
}

static const verb_t verbs[] = {
    {"balance", money_main, ""},
    {"dead", dead_main, dead_usage},
    {"deposit", money_main, money_usage},
    {"erase", erase_main, erase_usage},
#ifdef BILLING_TEST
    {"failpoints", failpoints_main, failpoints_usage},
#endif
    {"hook", hook_main, hook_usage},
    {"keygen", keygen, keygen_usage},
    {"migrate", migrate, migrate_usage},
    {"outbox", outbox_main, outbox_usage},
    {"run", run_main, run_usage},
    {"spend", money_main, ""},
    {"ship", ship_main, ship_usage},
    {"verify", verify, verify_usage},
};

int main(int argc, char **argv) {
    core_none();
    fail_program = "fraud-billing";
    return verb_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
