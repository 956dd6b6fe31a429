/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "db_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_RESULT (64u << 20) /* bytes of a result */
#define MAX_COLUMNS 64

typedef struct {
    int64_t number;
    size_t at; /* of its text */
} cell_t;

typedef struct {
    sqlite3_stmt *stmt;
    int index[DB_MAX_ARGS]; /* of $1, $2 ... */
} prepared_t;

typedef struct {
    db_t db;
    sqlite3 *conn;
    const char *sql[DB_STATEMENTS];
    prepared_t prepared[DB_STATEMENTS];

    cell_t *cells;
    size_t ncells, max_cells;
    char *text;
    size_t len, max_text;
    size_t columns, row, rows;
    char path[PATH_MAX];
} lite_t;

/* What a new connection is told; a commit is on the disk when it returns, and
   what is deleted is overwritten. */
static const char settings[] = "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -32768;"
                               "PRAGMA wal_autocheckpoint = 4000";

static db_rc failed(lite_t *lite, int code) {
    db_say(&lite->db, "%s", sqlite3_errmsg(lite->conn));
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return DB_RETRY;
    case SQLITE_CONSTRAINT:
        return DB_CLASH;
    case SQLITE_CANTOPEN:
        return DB_DOWN;
    default:
        return DB_FAIL;
    }
}

static void forget(lite_t *lite) {
    size_t i;

    for (i = 0; i < DB_STATEMENTS; i++) {
        (void)sqlite3_finalize(lite->prepared[i].stmt);
        lite->prepared[i].stmt = NULL;
        lite->sql[i] = NULL;
    }
    (void)sqlite3_close(lite->conn);
    lite->conn = NULL;
}

/* The file and what SQLite puts beside it are for nobody else. */
static int make_file(lite_t *lite) {
    int fd = open(lite->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd == -1) {
        db_say(&lite->db, "cannot open %.100s: %s", lite->path,
               strerror(errno));
        return 0;
    }
    (void)close(fd);
    return 1;
}

static db_rc ready(lite_t *lite) {
    int code;
    db_rc rc;

    if (lite->conn != NULL) {
        return DB_OK;
    }
    if (!make_file(lite)) {
        return DB_DOWN;
    }
    code = sqlite3_open_v2(lite->path, &lite->conn,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        (void)sqlite3_extended_result_codes(lite->conn, 1);
        (void)sqlite3_busy_timeout(lite->conn, DB_TIMEOUT * 1000);
        code = sqlite3_exec(lite->conn, settings, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        return DB_OK;
    }
    rc = failed(lite, code);
    forget(lite);
    return rc;
}

static db_rc lite_exec(db_t *db, const char *sql) {
    lite_t *lite = (lite_t *)db;
    db_rc rc = ready(lite);
    int code;

    if (rc != DB_OK) {
        return rc;
    }
    code = sqlite3_exec(lite->conn, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? DB_OK : failed(lite, code);
}

static db_rc lite_begin(db_t *db) {
    return lite_exec(db, "BEGIN IMMEDIATE");
}

static db_rc lite_commit(db_t *db) {
    return lite_exec(db, "COMMIT");
}

static void lite_rollback(db_t *db) {
    lite_t *lite = (lite_t *)db;
    char error[DB_ERROR];

    /* some errors have rolled back already */
    memcpy(error, db->error, sizeof(error));
    if (lite->conn != NULL && !sqlite3_get_autocommit(lite->conn) &&
        lite_exec(db, "ROLLBACK") != DB_OK) {
        forget(lite);
    }
    memcpy(db->error, error, sizeof(error));
}

static db_rc prepare(lite_t *lite, const char *sql, prepared_t **prepared) {
    size_t slot = db_slot(lite->sql, sql), i;
    char name[8];
    int code;

    if (slot == DB_STATEMENTS) {
        db_say(&lite->db, "too many statements");
        return DB_FAIL;
    }
    *prepared = &lite->prepared[slot];
    if (lite->sql[slot] != NULL) {
        return DB_OK;
    }
    code = sqlite3_prepare_v3(lite->conn, sql, -1, SQLITE_PREPARE_PERSISTENT,
                              &(*prepared)->stmt, NULL);
    if (code != SQLITE_OK) {
        return failed(lite, code);
    }
    lite->sql[slot] = sql;
    for (i = 0; i < DB_MAX_ARGS; i++) {
        (void)snprintf(name, sizeof(name), "$%u", (unsigned)i + 1);
        (*prepared)->index[i] =
            sqlite3_bind_parameter_index((*prepared)->stmt, name);
    }
    return DB_OK;
}

static int bind(const prepared_t *prepared, size_t i, const db_arg_t *arg) {
    int index = prepared->index[i];

    if (index == 0) {
        return SQLITE_OK; /* the statement does not use it */
    }
    switch (arg->type) {
    case DB_INT:
        return sqlite3_bind_int64(prepared->stmt, index, arg->number);
    case DB_TEXT:
        return sqlite3_bind_text(prepared->stmt, index, arg->text, -1,
                                 SQLITE_STATIC);
    case DB_NULL:
        break;
    }
    return sqlite3_bind_null(prepared->stmt, index);
}

static int more(void **memory, size_t *max, size_t need, size_t size) {
    size_t now = *max != 0 ? *max : 256;
    void *p;

    while (now < need) {
        now *= 2;
    }
    if (now == *max) {
        return 1;
    }
    if (now > MAX_RESULT / size) {
        return 0;
    }
    p = realloc(*memory, now * size);
    if (p == NULL) {
        return 0;
    }
    *memory = p;
    *max = now;
    return 1;
}

static int keep_row(lite_t *lite, sqlite3_stmt *stmt) {
    const unsigned char *text;
    size_t len, i;
    void *cells = lite->cells, *bytes = lite->text;
    int ok;

    ok = more(&cells, &lite->max_cells, lite->ncells + lite->columns,
              sizeof(cell_t));
    lite->cells = cells;
    for (i = 0; ok && i < lite->columns; i++) {
        lite->cells[lite->ncells].number = sqlite3_column_int64(stmt, (int)i);
        text = sqlite3_column_text(stmt, (int)i);
        len = text != NULL ? strlen((const char *)text) : 0;
        ok = more(&bytes, &lite->max_text, lite->len + len + 1, 1);
        lite->text = bytes;
        if (ok) {
            if (len != 0) {
                memcpy(lite->text + lite->len, text, len);
            }
            lite->text[lite->len + len] = '\0';
            lite->cells[lite->ncells++].at = lite->len;
            lite->len += len + 1;
        }
    }
    lite->rows += ok != 0;
    return ok;
}

static db_rc lite_run(db_t *db, const char *sql, const db_arg_t *args,
                      size_t n) {
    lite_t *lite = (lite_t *)db;
    prepared_t *prepared = NULL;
    int code = SQLITE_OK;
    db_rc rc = ready(lite);
    size_t i;

    lite->ncells = lite->len = lite->row = lite->rows = lite->columns = 0;
    if (rc == DB_OK && n > DB_MAX_ARGS) {
        db_say(db, "too many arguments");
        rc = DB_FAIL;
    }
    if (rc == DB_OK) {
        rc = prepare(lite, sql, &prepared);
    }
    if (rc != DB_OK) {
        return rc;
    }
    for (i = 0; i < n && code == SQLITE_OK; i++) {
        code = bind(prepared, i, &args[i]);
    }
    lite->columns = (size_t)sqlite3_column_count(prepared->stmt);
    if (code == SQLITE_OK) {
        code = sqlite3_step(prepared->stmt);
    }
    while (code == SQLITE_ROW && keep_row(lite, prepared->stmt)) {
        code = sqlite3_step(prepared->stmt);
    }
    if (code == SQLITE_ROW) {
        db_say(db, "the result is too large");
        rc = DB_FAIL;
    } else if (code != SQLITE_DONE) {
        rc = failed(lite, code);
    } else if (lite->rows == 0 && (sqlite3_stmt_readonly(prepared->stmt) ||
                                   sqlite3_changes(lite->conn) == 0)) {
        rc = DB_NONE;
    }
    (void)sqlite3_reset(prepared->stmt);
    (void)sqlite3_clear_bindings(prepared->stmt);
    return rc;
}

static db_rc lite_queue(db_t *db, const char *sql, const db_arg_t *args,
                        size_t n) {
    db_rc rc = lite_run(db, sql, args, n);

    if (rc == DB_NONE) {
        db_say(db, "nothing changed");
        return DB_CLASH;
    }
    return rc;
}

static int lite_next(db_t *db) {
    lite_t *lite = (lite_t *)db;

    if (lite->row + 1 >= lite->rows) {
        return 0;
    }
    lite->row++;
    return 1;
}

static const cell_t *cell(const db_t *db, size_t i) {
    const lite_t *lite = (const lite_t *)db;

    if (lite->row >= lite->rows || i >= lite->columns) {
        return NULL;
    }
    return &lite->cells[lite->row * lite->columns + i];
}

static int64_t lite_number(const db_t *db, size_t i) {
    const cell_t *c = cell(db, i);

    return c != NULL ? c->number : 0;
}

static const char *lite_text(const db_t *db, size_t i) {
    const cell_t *c = cell(db, i);

    return c != NULL ? ((const lite_t *)db)->text + c->at : "";
}

static void lite_close(db_t *db) {
    lite_t *lite = (lite_t *)db;

    forget(lite);
    free(lite->cells);
    free(lite->text);
    free(lite);
}

static const db_backend_t backend = {
    "sqlite",
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'",
    NULL,
    {NULL, NULL},
    lite_close,
    lite_begin,
    lite_commit,
    lite_rollback,
    lite_exec,
    lite_run,
    lite_queue,
    lite_next,
    lite_number,
    lite_text};

db_t *db_sqlite_open(const char *path) {
    lite_t *lite = calloc(1, sizeof(*lite));

    if (lite == NULL || strlen(path) >= sizeof(lite->path)) {
        free(lite);
        return NULL;
    }
    lite->db.backend = &backend;
    (void)snprintf(lite->path, sizeof(lite->path), "%s", path);
    return &lite->db;
}
