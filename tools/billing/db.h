/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DB_H
#define DB_H

/*
 * SQLite or PostgreSQL, behind one interface: the same statements, with $1, $2
 * ... for arguments, prepared once each. A connection has one transaction and
 * one result at a time. What is asked is bounded: a result is fetched whole.
 */

#include <stddef.h>
#include <stdint.h>

#define DB_MAX_ARGS 32
#define DB_MAX_TRIES 20 /* of a transaction that others got in the way of */
#define DB_TIMEOUT 10   /* seconds: of a connection, a statement, a lock */

typedef enum {
    DB_OK = 0,
    DB_NONE,  /* no row */
    DB_CLASH, /* a constraint says no; roll back */
    DB_RETRY, /* others got in the way: roll back and do it all again */
    DB_DOWN,  /* no connection; what db_commit() did is unknown */
    DB_FAIL   /* anything else: a defect or a full disk */
} db_rc;

typedef enum { DB_NULL = 0, DB_INT, DB_TEXT } db_type_t;

typedef struct {
    db_type_t type;
    int64_t number;
    const char *text;
} db_arg_t;

#define DB_I(value) ((db_arg_t){DB_INT, (int64_t)(value), NULL})
#define DB_T(value) (db_arg_text(value)) /* NULL is NULL */
#define DB_N ((db_arg_t){DB_NULL, 0, NULL})

static inline db_arg_t db_arg_text(const char *text) {
    return (db_arg_t){text != NULL ? DB_TEXT : DB_NULL, 0, text};
}

/* The arguments of a statement: DB_ARGS(DB_T(id), DB_I(now)) */
#define DB_ARGS(...)                                                           \
    ((const db_arg_t[]){__VA_ARGS__}),                                         \
        sizeof((const db_arg_t[]){__VA_ARGS__}) / sizeof(db_arg_t)
#define DB_NO_ARGS NULL, 0

typedef struct db_s db_t;

/*
 * db_open(url), db_close(db):
 * Connect to "sqlite:PATH" or "postgresql://...". Nothing is asked yet: what
 * cannot be reached shows as DB_DOWN, and the next db_begin() tries again.
 * NULL for another URL, or without memory. NULL is a no-op for the inverse.
 */
db_t *db_open(const char *url);
void db_close(db_t *db);

/*
 * db_migrate(db):
 * Bring the schema up to date, in one transaction. DB_FAIL if it is newer than
 * this program.
 */
db_rc db_migrate(db_t *db);

/*
 * db_begin(db), db_commit(db), db_rollback(db):
 * A transaction, which writes. SQLite: the one that writes. A commit is on the
 * disk when it returns DB_OK.
 */
db_rc db_begin(db_t *db);
db_rc db_commit(db_t *db);
void db_rollback(db_t *db);

/*
 * db_hold(db, alone):
 * Before the transaction reads anything: hold until its end what any number may
 * hold at once, and one ${alone} only if nobody else does. SQLite has but one
 * that writes, and there it is nothing.
 */
db_rc db_hold(db_t *db, int alone);

/*
 * db_run(db, sql, args, n):
 * Carry out ${sql}, a string literal. DB_OK: rows came, the first is current,
 * or the statement returns none and changed one. DB_NONE: neither.
 */
db_rc db_run(db_t *db, const char *sql, const db_arg_t *args, size_t n);

/*
 * db_queue(db, sql, args, n):
 * The same inside a transaction, for a statement without rows which has to
 * change one, and which need not be done at once: what went wrong, DB_CLASH if
 * it changed none, is returned here or by the next db_run(), db_queue() or
 * db_commit(). On PostgreSQL many of them cost one round trip.
 */
db_rc db_queue(db_t *db, const char *sql, const db_arg_t *args, size_t n);

/*
 * db_next(db):
 * Go to the next row. Return 0 after the last.
 */
int db_next(db_t *db);

/*
 * db_int(db, i), db_text(db, i):
 * Return column ${i}, from 0, of the current row; 0 and "" for NULL. The text
 * stays until the next db_run().
 */
int64_t db_int(const db_t *db, size_t i);
const char *db_text(const db_t *db, size_t i);

/*
 * db_error(db):
 * Return what the database said last; it quotes no value.
 */
const char *db_error(const db_t *db);

#endif /* DB_H */
