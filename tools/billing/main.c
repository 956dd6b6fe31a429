/* SPDX-License-Identifier: BSD-2-Clause */

#include "clock.h"
#include "db.h"
#include "fail.h"
#include "hook.h"
#include "outboxctl.h"
#include "ship.h"

#include <stdio.h>
#include <string.h>

static const char migrate_usage[] =
    "  migrate URL      bring the schema of a database up to date\n";

static int migrate(int argc, char **argv) {
    db_t *db;

    if (argc != 2) {
        fail("migrate takes one URL");
    }
    db = db_open(argv[1]);
    if (db == NULL) {
        fail("the database is neither sqlite:PATH nor postgresql://...");
    }
    if (db_migrate(db) != DB_OK) {
        fail("cannot migrate: %s", db_error(db));
    }
    db_close(db);
    return 0;
}

#ifdef BILLING_TEST
static const char failpoints_usage[] =
    "  failpoints       where a test can kill this build\n";

static int failpoints(int argc, char **argv) {
    (void)argc;
    (void)argv;
    clock_failpoints();
    return 0;
}
#endif

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
} verbs[] = {
#ifdef BILLING_TEST
    {"failpoints", failpoints, failpoints_usage},
#endif
    {"hook", hook_main, hook_usage},
    {"migrate", migrate, migrate_usage},
    {"outbox", outbox_main, outbox_usage},
    {"ship", ship_main, ship_usage},
};

#define NVERBS (sizeof(verbs) / sizeof(verbs[0]))

static void usage(FILE *out) {
    size_t i;

    (void)fputs("usage: fraud-billing VERB ...\n\n", out);
    for (i = 0; i < NVERBS; i++) {
        (void)fputs(verbs[i].usage, out);
    }
}

static int is_help(const char *word) {
    return strcmp(word, "help") == 0 || strcmp(word, "-h") == 0 ||
           strcmp(word, "--help") == 0;
}

int main(int argc, char **argv) {
    size_t i;

    fail_program = "fraud-billing";
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (is_help(argv[1]) || (argc > 2 && is_help(argv[2]))) {
        usage(stdout);
        return 0;
    }
    for (i = 0; i < NVERBS; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            return verbs[i].run(argc - 1, argv + 1);
        }
    }
    fail("unknown verb \"%s\", see fraud-billing help", argv[1]);
}
