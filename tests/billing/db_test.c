/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * db_test URL: what db.h promises, on that database, which is empty. TAP.
 */

#include "clock.h"
#include "db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n, bad;

static void ok(int right, const char *what) {
    n++;
    if (!right) {
        bad = 1;
        (void)printf("not ");
    }
    (void)printf("ok %d - %s\n", n, what);
    (void)fflush(stdout);
}

#define INSERT "INSERT INTO progress (source, position, at) VALUES ($1, $2, $3)"
#define READ "SELECT position, at FROM progress WHERE source = $1"

static const char *const insert = INSERT;
static const char *const read_one = READ;

static db_rc add(db_t *db, const char *source, const char *position) {
    return db_run(db, insert, DB_ARGS(DB_T(source), DB_T(position), DB_I(7)));
}

static db_rc queue(db_t *db, const char *source, const char *position) {
    return db_queue(db, insert, DB_ARGS(DB_T(source), DB_T(position), DB_I(7)));
}

static int has(db_t *db, const char *source) {
    return db_run(db, read_one, DB_ARGS(DB_T(source))) == DB_OK;
}

static void statements(db_t *db) {
    ok(db_begin(db) == DB_OK, "begin");
    ok(add(db, "a", "1") == DB_OK, "a row goes in");
    ok(db_run(db, READ, DB_ARGS(DB_T("b"))) == DB_NONE, "no row: DB_NONE");
    ok(db_run(db, "UPDATE progress SET at = 8 WHERE source = $1",
              DB_ARGS(DB_T("b"))) == DB_NONE,
       "nothing changed: DB_NONE");
    ok(db_run(db, "UPDATE progress SET at = $2 WHERE source = $1",
              DB_ARGS(DB_T("a"), DB_I(INT64_MIN))) == DB_OK,
       "changed: DB_OK");
    ok(has(db, "a") && strcmp(db_text(db, 0), "1") == 0 &&
           db_int(db, 1) == INT64_MIN,
       "columns, and the least number");
    ok(strcmp(db_text(db, 1), "-9223372036854775808") == 0, "a number as text");
    ok(strcmp(db_text(db, 9), "") == 0 && db_int(db, 9) == 0, "no such column");
    ok(!db_next(db), "one row");
    ok(add(db, "c", "3") == DB_OK &&
           db_run(db, "SELECT source FROM progress ORDER BY source",
                  DB_NO_ARGS) == DB_OK &&
           strcmp(db_text(db, 0), "a") == 0 && db_next(db) &&
           strcmp(db_text(db, 0), "c") == 0 && !db_next(db),
       "two rows");
    ok(db_begin(db) == DB_FAIL, "no transaction in a transaction");
    ok(db_commit(db) == DB_OK && has(db, "a"), "commit");
    ok(db_commit(db) == DB_FAIL, "nothing to commit");
}

static void clashes(db_t *db) {
    ok(db_begin(db) == DB_OK && add(db, "d", "1") == DB_OK &&
           add(db, "a", "2") == DB_CLASH,
       "a key twice: DB_CLASH");
    db_rollback(db);
    ok(!has(db, "d"), "rolled back");
    ok(db_begin(db) == DB_OK && add(db, "d", NULL) == DB_CLASH,
       "NULL where none may be: DB_CLASH");
    ok(strstr(db_error(db), "d") != NULL || db_error(db)[0] != '\0',
       "and a word why");
    db_rollback(db);
    ok(db_begin(db) == DB_OK && db_run(db, "SELEC", DB_NO_ARGS) == DB_FAIL,
       "no statement: DB_FAIL");
    ok(db_commit(db) == DB_FAIL || !has(db, "d"),
       "a commit after that commits nothing");
    db_rollback(db);
}

static void queued(db_t *db) {
    char name[16];
    db_rc rc;
    int i;

    ok(db_begin(db) == DB_OK && queue(db, "q", "1") == DB_OK && has(db, "q"),
       "what is queued is there for what runs next");
    ok(queue(db, "r", "1") == DB_OK && db_commit(db) == DB_OK && has(db, "r"),
       "and when it is committed");

    ok(db_begin(db) == DB_OK, "begin");
    rc = queue(db, "s", "1");
    rc = rc == DB_OK ? queue(db, "a", "1") : rc;
    rc = rc == DB_OK ? queue(db, "t", "1") : rc;
    rc = rc == DB_OK ? db_commit(db) : rc;
    ok(rc == DB_CLASH, "a key twice in a queue: DB_CLASH");
    db_rollback(db);
    ok(!has(db, "s") && !has(db, "t"), "and nothing of the queue is in");

    ok(db_begin(db) == DB_OK, "begin");
    rc = db_queue(db, "UPDATE progress SET at = 8 WHERE source = $1",
                  DB_ARGS(DB_T("nobody")));
    rc = rc == DB_OK ? queue(db, "t", "1") : rc;
    rc = rc == DB_OK ? db_commit(db) : rc;
    ok(rc == DB_CLASH, "a queued statement that changes nothing: DB_CLASH");
    db_rollback(db);
    ok(!has(db, "t"), "and nothing of the queue is in");

    rc = db_begin(db);
    for (i = 0; rc == DB_OK && i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        rc = queue(db, name, "1");
    }
    ok(rc == DB_OK && db_commit(db) == DB_OK && has(db, "n999"), "a thousand");

    ok(db_begin(db) == DB_OK && queue(db, "u", "1") == DB_OK, "queued");
    db_rollback(db);
    ok(!has(db, "u"), "and rolled back");
}

static void kept(db_t *db) {
    ok(db_begin(db) == DB_OK &&
           db_run(db,
                  "INSERT INTO transfer VALUES (1, 'a', 'deposit', 'x', 'y', "
                  "1, 'EUR', NULL, NULL, NULL, NULL, NULL, '', '', '', 1)",
                  DB_NO_ARGS) == DB_OK &&
           db_commit(db) == DB_OK,
       "a transfer");
    ok(db_begin(db) == DB_OK &&
           db_run(db, "UPDATE transfer SET amount = 2", DB_NO_ARGS) == DB_CLASH,
       "is not changed");
    db_rollback(db);
    ok(db_begin(db) == DB_OK &&
           db_run(db, "DELETE FROM transfer", DB_NO_ARGS) == DB_CLASH,
       "and not deleted");
    db_rollback(db);
}

int main(int argc, char **argv) {
    db_t *db, *other;

    if (argc != 2) {
        return 2;
    }
    ok(db_open("mysql://x") == NULL && db_open("sqlite:") == NULL &&
           db_open("postgresql://x:y:z:/?q") == NULL,
       "other URLs");
    db = db_open(argv[1]);
    other = db_open(argv[1]);
    if (db == NULL || other == NULL) {
        return 2;
    }
    ok(db_migrate(db) == DB_OK, "migrate");
    ok(db_migrate(other) == DB_OK, "migrate again");
    statements(db);
    clashes(db);
    queued(db);
    kept(db);
    ok(db_begin(other) == DB_OK && has(other, "a"), "another connection");
    db_rollback(other);
    ok(db_run(db, "UPDATE meta SET value = '99'", DB_NO_ARGS) == DB_OK &&
           db_migrate(other) == DB_FAIL,
       "a newer schema is refused");
    db_close(db);
    db_close(other);
    db_close(NULL);
    (void)printf("1..%d\n", n);
    return bad;
}
