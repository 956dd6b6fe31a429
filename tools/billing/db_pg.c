/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "clock.h"
#include "db_int.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Queued statements: their answers have to fit the sockets' buffers. */
#define MAX_QUEUED 128
#define NUMBER 24
#define NAME 16

typedef struct {
    db_t db;
    PGconn *conn;
    char *url;
    const char *sql[DB_STATEMENTS];
    PGresult *result;
    int row;
    unsigned queued;
} pg_t;

/* Longer than the server's own limits, so that it is the one that speaks. */
#define DEADLINE_MS ((DB_TIMEOUT + 5) * 1000)

static const char *const keywords[] = {
    "dbname",          "connect_timeout",  "application_name", "keepalives",
    "keepalives_idle", "tcp_user_timeout", "options",          NULL};
static const char *const values[] = {
    NULL,
    "10",
    "fraud-billing",
    "1",
    "10",
    "10000",
    "-c client_min_messages=error -c client_encoding=UTF8"
    " -c statement_timeout=10s -c lock_timeout=10s -c synchronous_commit=on"
    " -c idle_in_transaction_session_timeout=60s -c jit=off"
    " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off",
    NULL};

static void drop(pg_t *pg) {
    PQclear(pg->result);
    pg->result = NULL;
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->queued = 0;
    memset(pg->sql, 0, sizeof(pg->sql));
}

static db_rc lost(pg_t *pg) {
    db_say(&pg->db, "the connection was lost");
    drop(pg);
    return DB_DOWN;
}

/* What a SQLSTATE means for whoever asked. */
static db_rc meaning(const char *state) {
    static const struct {
        const char *prefix;
        db_rc rc;
    } codes[] = {{"23", DB_CLASH},    {"P0001", DB_CLASH}, {"40", DB_RETRY},
                 {"55P03", DB_RETRY}, {"57014", DB_RETRY}, {"08", DB_DOWN},
                 {"57P", DB_DOWN},    {"25P03", DB_DOWN},  {"53300", DB_DOWN},
                 {"25006", DB_DOWN}};
    size_t i;

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strncmp(state, codes[i].prefix, strlen(codes[i].prefix)) == 0) {
            return codes[i].rc;
        }
    }
    return DB_FAIL;
}

/* Not the server's message: that may quote values. */
static db_rc failed(pg_t *pg, const PGresult *result) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *what = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    db_rc rc;

    if (state == NULL) {
        return lost(pg);
    }
    rc = meaning(state);
    db_say(&pg->db, "SQLSTATE %s%s%.100s", state, what != NULL ? ", " : "",
           what != NULL ? what : "");
    if (rc == DB_DOWN) {
        drop(pg);
    }
    return rc;
}

/* Wait until the socket can do ${events}. */
static int wait_for(pg_t *pg, short events, int64_t deadline) {
    struct pollfd fd = {PQsocket(pg->conn), events, 0};
    int64_t left = deadline - clock_ms();
    int n;

    if (left <= 0) {
        db_say(&pg->db, "no answer in time");
        return 0;
    }
    n = poll(&fd, 1, (int)left);
    return n >= 0 || errno == EINTR;
}

/* Send what waits to be sent, and take what comes until a result is whole. */
static PGresult *next_result(pg_t *pg) {
    int64_t deadline = clock_ms() + DEADLINE_MS;
    int unsent = 1;

    while (unsent != 0 || PQisBusy(pg->conn)) {
        unsent = unsent != 0 ? PQflush(pg->conn) : 0;
        /* -1: what the server said before it left comes first */
        if (unsent == -1 || (unsent == 0 && !PQisBusy(pg->conn))) {
            break;
        }
        if (!wait_for(pg, (short)(unsent ? POLLIN | POLLOUT : POLLIN),
                      deadline)) {
            return PQmakeEmptyPGresult(pg->conn, PGRES_FATAL_ERROR);
        }
        if (!PQconsumeInput(pg->conn)) {
            break;
        }
    }
    return PQgetResult(pg->conn);
}

/* The last result of a plain statement, and nothing waits behind it. */
static PGresult *last_result(pg_t *pg, int sent) {
    PGresult *result = NULL, *next;

    if (!sent) {
        return NULL;
    }
    while ((next = next_result(pg)) != NULL) {
        PQclear(result);
        result = next;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR &&
            PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL) {
            break;
        }
    }
    return result;
}

static db_rc judge(pg_t *pg, PGresult *result) {
    const char *changed;

    if (result == NULL) {
        return lost(pg);
    }
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        return PQntuples(result) != 0 ? DB_OK : DB_NONE;
    case PGRES_COMMAND_OK:
        changed = PQcmdTuples(result);
        return strcmp(changed, "0") == 0 ? DB_NONE : DB_OK;
    default:
        return failed(pg, result);
    }
}

static db_rc ready(pg_t *pg) {
    const char *given[sizeof(values) / sizeof(values[0])];
    const char *line;

    if (pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_OK) {
        return DB_OK;
    }
    if (pg->db.begun) {
        return lost(pg);
    }
    drop(pg);
    memcpy(given, values, sizeof(values));
    given[0] = pg->url;
    pg->conn = PQconnectdbParams(keywords, given, 1);
    if (PQstatus(pg->conn) != CONNECTION_OK) { /* of NULL, too */
        line = PQerrorMessage(pg->conn);
        db_say(&pg->db, "%.*s", (int)strcspn(line, "\n"), line);
        drop(pg);
        return DB_DOWN;
    }
    if (PQsetnonblocking(pg->conn, 1) != 0) {
        return lost(pg);
    }
    return DB_OK;
}

/* Take the answers to what was queued: the first that is no success. */
static db_rc settle(pg_t *pg) {
    PGresult *result;
    db_rc rc = DB_OK, one;
    int first = 1;

    if (pg->queued == 0) {
        return DB_OK;
    }
    pg->queued = 0;
    if (!PQpipelineSync(pg->conn)) {
        return lost(pg);
    }
    for (;;) {
        result = next_result(pg);
        if (result == NULL) {
            if (PQstatus(pg->conn) != CONNECTION_OK) {
                return lost(pg);
            }
            continue; /* the end of one statement's results */
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            break;
        }
        if (first) {
            one = judge(pg, result);
            if (one == DB_NONE) {
                db_say(&pg->db, "nothing changed");
                one = DB_CLASH;
            }
            if (one != DB_OK) {
                rc = one;
                first = 0;
            }
        }
        PQclear(result);
        if (pg->conn == NULL) {
            return rc;
        }
    }
    if (!PQexitPipelineMode(pg->conn)) {
        return lost(pg);
    }
    return rc;
}

static db_rc prepare(pg_t *pg, const char *sql, char *name, size_t n) {
    size_t slot = db_slot(pg->sql, sql);
    PGresult *result;
    db_rc rc;

    if (slot == DB_STATEMENTS || n > DB_MAX_ARGS) {
        db_say(&pg->db, "too many statements or arguments");
        return DB_FAIL;
    }
    (void)snprintf(name, NAME, "s%u", (unsigned)slot);
    if (pg->sql[slot] != NULL) {
        return DB_OK;
    }
    rc = settle(pg);
    if (rc != DB_OK) {
        return rc;
    }
    result = last_result(pg, PQsendPrepare(pg->conn, name, sql, 0, NULL));
    rc = judge(pg, result);
    PQclear(result);
    if (rc == DB_OK) {
        pg->sql[slot] = sql;
    }
    return rc;
}

static int send_one(pg_t *pg, const char *name, const db_arg_t *args,
                    size_t n) {
    char numbers[DB_MAX_ARGS][NUMBER];
    const char *given[DB_MAX_ARGS];
    size_t i;

    for (i = 0; i < n; i++) {
        given[i] = args[i].type == DB_TEXT ? args[i].text : NULL;
        if (args[i].type == DB_INT) {
            (void)snprintf(numbers[i], NUMBER, "%" PRId64, args[i].number);
            given[i] = numbers[i];
        }
    }
    return PQsendQueryPrepared(pg->conn, name, (int)n, given, NULL, NULL, 0);
}

static db_rc pg_run(db_t *db, const char *sql, const db_arg_t *args, size_t n) {
    pg_t *pg = (pg_t *)db;
    char name[NAME];
    db_rc rc = ready(pg);

    PQclear(pg->result);
    pg->result = NULL;
    pg->row = 0;
    rc = rc == DB_OK ? prepare(pg, sql, name, n) : rc;
    rc = rc == DB_OK ? settle(pg) : rc;
    if (rc != DB_OK) {
        return rc;
    }
    pg->result = last_result(pg, send_one(pg, name, args, n));
    return judge(pg, pg->result);
}

static db_rc pg_queue(db_t *db, const char *sql, const db_arg_t *args,
                      size_t n) {
    pg_t *pg = (pg_t *)db;
    char name[NAME];
    db_rc rc = ready(pg);

    if (rc == DB_OK) {
        rc = prepare(pg, sql, name, n);
    }
    if (rc != DB_OK) {
        return rc;
    }
    if ((pg->queued == 0 && !PQenterPipelineMode(pg->conn)) ||
        !send_one(pg, name, args, n)) {
        return lost(pg);
    }
    return ++pg->queued == MAX_QUEUED ? settle(pg) : DB_OK;
}

static db_rc pg_exec(db_t *db, const char *sql) {
    pg_t *pg = (pg_t *)db;
    PGresult *result;
    db_rc rc = ready(pg);

    if (rc == DB_OK) {
        rc = settle(pg);
    }
    if (rc != DB_OK) {
        return rc;
    }
    result = last_result(pg, PQsendQuery(pg->conn, sql));
    rc = judge(pg, result);
    PQclear(result);
    return rc == DB_NONE ? DB_OK : rc;
}

static db_rc pg_begin(db_t *db) {
    return pg_exec(db, "BEGIN ISOLATION LEVEL READ COMMITTED");
}

static db_rc pg_commit(db_t *db) {
    pg_t *pg = (pg_t *)db;
    PGresult *result;
    db_rc rc = settle(pg);

    if (rc != DB_OK) {
        return rc;
    }
    if (pg->conn == NULL) {
        return DB_DOWN;
    }
    result = last_result(pg, PQsendQuery(pg->conn, "COMMIT"));
    rc = judge(pg, result);

    /* what had failed before is rolled back by a COMMIT that succeeds */
    if (rc == DB_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
        db_say(db, "the transaction had failed");
        rc = DB_FAIL;
    }
    PQclear(result);
    return rc;
}

static void pg_rollback(db_t *db) {
    pg_t *pg = (pg_t *)db;
    char error[DB_ERROR];

    memcpy(error, db->error, sizeof(error));
    if (pg->conn != NULL) {
        (void)settle(pg);
    }
    if (pg->conn != NULL && pg_exec(db, "ROLLBACK") != DB_OK) {
        drop(pg);
    }
    memcpy(db->error, error, sizeof(error));
}

static int pg_next(db_t *db) {
    pg_t *pg = (pg_t *)db;

    if (pg->row + 1 >= PQntuples(pg->result)) {
        return 0;
    }
    pg->row++;
    return 1;
}

static const char *pg_text(const db_t *db, size_t i) {
    const pg_t *pg = (const pg_t *)db;

    if (pg->row >= PQntuples(pg->result) || (int)i >= PQnfields(pg->result)) {
        return "";
    }
    return PQgetvalue(pg->result, pg->row, (int)i);
}

static int64_t pg_number(const db_t *db, size_t i) {
    return strtoll(pg_text(db, i), NULL, 10);
}

static void pg_close(db_t *db) {
    pg_t *pg = (pg_t *)db;

    drop(pg);
    free(pg->url);
    free(pg);
}

static const db_backend_t backend = {
    "postgresql",
    "SELECT 1 FROM pg_tables WHERE tablename = 'meta'"
    " AND schemaname = current_schema()",
    "SELECT pg_advisory_xact_lock(7305508721464042)",
    {"SELECT pg_advisory_xact_lock_shared(7305508721464043)",
     "SELECT pg_advisory_xact_lock(7305508721464043)"},
    pg_close,
    pg_begin,
    pg_commit,
    pg_rollback,
    pg_exec,
    pg_run,
    pg_queue,
    pg_next,
    pg_number,
    pg_text};

db_t *db_pg_open(const char *url) {
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    pg_t *pg;

    if (options == NULL) {
        return NULL;
    }
    PQconninfoFree(options);
    pg = calloc(1, sizeof(*pg));
    if (pg == NULL || (pg->url = strdup(url)) == NULL) {
        free(pg);
        return NULL;
    }
    pg->db.backend = &backend;
    return &pg->db;
}
