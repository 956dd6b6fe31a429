/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DB_INT_H
#define DB_INT_H

/*
 * Between db.c and the two databases.
 */

#include "db.h"

#define DB_STATEMENTS 512 /* different ones, of a program */
#define DB_ERROR 160

typedef struct {
    const char *dialect;  /* the word for it in schema.sql */
    const char *has_meta; /* asks for a row if the schema is there */
    const char *alone;    /* lets nobody else migrate meanwhile, or NULL */
    const char *hold[2];  /* of db_hold(), together and alone, or NULL */
    void (*close)(db_t *db);
    db_rc (*begin)(db_t *db);
    db_rc (*commit)(db_t *db);
    void (*rollback)(db_t *db);
    db_rc (*exec)(db_t *db, const char *sql); /* prepared by nobody */
    db_rc (*run)(db_t *db, const char *sql, const db_arg_t *args, size_t n);
    db_rc (*queue)(db_t *db, const char *sql, const db_arg_t *args, size_t n);
    int (*next)(db_t *db);
    int64_t (*number)(const db_t *db, size_t i);
    const char *(*text)(const db_t *db, size_t i);
} db_backend_t;

/* The first member of what a backend makes. */
struct db_s {
    const db_backend_t *backend;
    int begun; /* a transaction is open */
    char error[DB_ERROR];
};

/*
 * db_sqlite_open(path), db_pg_open(url):
 * Return a new one, not connected, or NULL.
 */
db_t *db_sqlite_open(const char *path);
db_t *db_pg_open(const char *url);

/*
 * db_slot(statements, sql):
 * Return the place of ${sql} in the table of DB_STATEMENTS, which has ${sql},
 * or NULL if nobody asked for it before. DB_STATEMENTS if it is full.
 */
size_t db_slot(const char *const *statements, const char *sql);

/*
 * db_say(db, format, ...):
 * Remember what db_error() returns.
 */
void db_say(db_t *db, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* DB_INT_H */
