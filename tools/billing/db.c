/* SPDX-License-Identifier: BSD-2-Clause */

#include "db.h"

#include "db_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA 2 /* of schema.sql, which the build makes lines of */
#define MAX_STATEMENT 8192

static const char *const schema[] = {
#include "schema.inc"
};

#define SCHEMA_LINES (sizeof(schema) / sizeof(schema[0]))

db_t *db_open(const char *url) {
    if (strncmp(url, "sqlite:", 7) == 0 && url[7] != '\0') {
        return db_sqlite_open(url + 7);
    }
    if (strncmp(url, "postgresql://", 13) == 0) {
        return db_pg_open(url);
    }
    return NULL;
}

void db_close(db_t *db) {
    if (db != NULL) {
        db->backend->close(db);
    }
}

void db_say(db_t *db, const char *format, ...) {
    va_list args;

    va_start(args, format);
    (void)vsnprintf(db->error, sizeof(db->error), format, args);
    va_end(args);
}

const char *db_error(const db_t *db) {
    return db->error;
}

size_t db_slot(const char *const *statements, const char *sql) {
    size_t first = (size_t)((uintptr_t)sql / 8 % DB_STATEMENTS), i, slot;

    for (i = 0; i < DB_STATEMENTS; i++) {
        slot = (first + i) % DB_STATEMENTS;
        if (statements[slot] == sql || statements[slot] == NULL) {
            return slot;
        }
    }
    return DB_STATEMENTS;
}

db_rc db_begin(db_t *db) {
    db_rc rc;

    if (db->begun) {
        db_say(db, "a transaction in a transaction");
        return DB_FAIL;
    }
    db->error[0] = '\0';
    rc = db->backend->begin(db);
    db->begun = rc == DB_OK;
    return rc;
}

db_rc db_commit(db_t *db) {
    db_rc rc;

    if (!db->begun) {
        db_say(db, "no transaction to commit");
        return DB_FAIL;
    }
    rc = db->backend->commit(db);
    if (rc == DB_OK) {
        db->begun = 0;
    } else {
        db_rollback(db);
    }
    return rc;
}

void db_rollback(db_t *db) {
    if (db->begun) {
        db->backend->rollback(db);
        db->begun = 0;
    }
}

db_rc db_hold(db_t *db, int alone) {
    const char *sql = db->backend->hold[alone != 0];

    return sql != NULL ? db->backend->run(db, sql, DB_NO_ARGS) : DB_OK;
}

db_rc db_run(db_t *db, const char *sql, const db_arg_t *args, size_t n) {
    return db->backend->run(db, sql, args, n);
}

db_rc db_queue(db_t *db, const char *sql, const db_arg_t *args, size_t n) {
    return db->backend->queue(db, sql, args, n);
}

int db_next(db_t *db) {
    return db->backend->next(db);
}

int64_t db_int(const db_t *db, size_t i) {
    return db->backend->number(db, i);
}

const char *db_text(const db_t *db, size_t i) {
    return db->backend->text(db, i);
}

/* Whose lines these are, and from which version of the schema on. */
typedef struct {
    int ours;
    int since;
} part_t;

/* Return 1 if ${line} says that of the next lines, and set ${part}. */
static int is_marker(const db_t *db, const char *line, part_t *part) {
    if (strcmp(line, "-- both") == 0) {
        part->ours = 1;
        return 1;
    }
    if (strcmp(line, "-- sqlite") == 0 || strcmp(line, "-- postgresql") == 0) {
        part->ours = strcmp(line + 3, db->backend->dialect) == 0;
        return 1;
    }
    return sscanf(line, "-- since %d", &part->since) == 1;
}

/* Carry out what is newer than version ${from}; 0: there is no schema yet. */
static db_rc build(db_t *db, int from) {
    char text[MAX_STATEMENT];
    part_t part = {1, 1};
    size_t i, len = 0, n;
    db_rc rc;

    for (i = 0; i < SCHEMA_LINES; i++) {
        n = strlen(schema[i]);
        if (is_marker(db, schema[i], &part) || !part.ours ||
            part.since <= from || n == 0 || strncmp(schema[i], "--", 2) == 0) {
            continue;
        }
        if (n + 2 > sizeof(text) - len) {
            db_say(db, "a statement of the schema is too long");
            return DB_FAIL;
        }
        memcpy(text + len, schema[i], n);
        len += n;
        text[len++] = '\n';
        text[len] = '\0';
        if (schema[i][n - 1] == ';') {
            rc = db->backend->exec(db, text);
            if (rc != DB_OK) {
                return rc;
            }
            len = 0;
        }
    }
    return db_run(db,
                  "INSERT INTO meta (key, value) VALUES ('schema', $1) "
                  "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                  DB_ARGS(DB_I(SCHEMA)));
}

static db_rc migrate(db_t *db) {
    int64_t version;
    db_rc rc;

    if (db->backend->alone != NULL) {
        rc = db_run(db, db->backend->alone, DB_NO_ARGS);
        if (rc != DB_OK) {
            return rc;
        }
    }
    rc = db_run(db, db->backend->has_meta, DB_NO_ARGS);
    if (rc == DB_NONE) {
        return build(db, 0);
    }
    if (rc != DB_OK) {
        return rc;
    }
    rc = db_run(db, "SELECT value FROM meta WHERE key = 'schema'", DB_NO_ARGS);
    version = rc == DB_OK ? db_int(db, 0) : 0;
    if (rc == DB_OK && version >= 1 && version < SCHEMA) {
        return build(db, (int)version);
    }
    if (rc == DB_NONE || (rc == DB_OK && version != SCHEMA)) {
        db_say(db, "the schema is version %.20s, this program's %d",
               rc == DB_OK ? db_text(db, 0) : "-", SCHEMA);
        return DB_FAIL;
    }
    return rc;
}

db_rc db_migrate(db_t *db) {
    db_rc rc;
    int i;

    for (i = 0; i < DB_MAX_TRIES; i++) {
        rc = db_begin(db);
        if (rc == DB_OK) {
            rc = migrate(db);
            if (rc == DB_OK) {
                rc = db_commit(db);
            } else {
                db_rollback(db);
            }
        }
        if (rc != DB_RETRY) {
            return rc;
        }
    }
    return DB_RETRY;
}
