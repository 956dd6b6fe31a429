/* SPDX-License-Identifier: BSD-2-Clause */

#include "aside.h"

#include "clock.h"
#include "say.h"

#include <stdio.h>

typedef struct {
    const char *id;
    int64_t now;
    int64_t tries;
    int64_t wait; /* seconds */
} aside_t;

int aside_is_final(db_rc rc) {
    return rc == DB_NONE || rc == DB_CLASH || rc == DB_FAIL;
}

static db_rc put(billing_t *billing, void *data) {
    aside_t *aside = data;
    db_rc rc = db_run(billing->db, "SELECT tries FROM aside WHERE id = $1",
                      DB_ARGS(DB_T(aside->id)));
    int64_t i;

    if (rc != DB_OK && rc != DB_NONE) {
        return rc;
    }
    aside->tries = rc == DB_OK ? db_int(billing->db, 0) + 1 : 1;
    aside->wait = ASIDE_FIRST;
    for (i = 1; i < aside->tries && aside->wait < ASIDE_MOST; i++) {
        aside->wait *= 2;
    }
    if (aside->wait > ASIDE_MOST) {
        aside->wait = ASIDE_MOST;
    }
    return db_run(billing->db,
                  "INSERT INTO aside (id, tries, next_at) VALUES ($1, $2, $3) "
                  "ON CONFLICT (id) DO UPDATE SET tries = excluded.tries,"
                  " next_at = excluded.next_at",
                  DB_ARGS(DB_T(aside->id), DB_I(aside->tries),
                          DB_I(aside->now + aside->wait * CLOCK_SECOND)));
}

db_rc aside_put(billing_t *billing, const char *id, int64_t now) {
    aside_t aside = {id, now, 0, 0};
    char error[160];
    db_rc rc;

    (void)snprintf(error, sizeof(error), "%s", db_error(billing->db));
    rc = billing_again(billing, put, &aside);
    if (rc == DB_OK) {
        billing->set_aside++;
        say(SAY_ALARM, "cannot be done, set aside",
            SAY(SAY_T("id", id),
                SAY_T("error", error[0] != '\0' ? error : "its rows disagree"),
                SAY_I("tries", aside.tries), SAY_I("again_s", aside.wait)));
    }
    return rc;
}

db_rc aside_clear(db_t *db, const char *id) {
    db_rc rc = db_run(db, "DELETE FROM aside WHERE id = $1", DB_ARGS(DB_T(id)));

    return rc == DB_NONE ? DB_OK : rc;
}

db_rc aside_forget(db_t *db, int64_t now) {
    db_rc rc = db_run(db, "DELETE FROM aside WHERE next_at <= $1",
                      DB_ARGS(DB_I(now - (int64_t)ASIDE_GONE * CLOCK_SECOND)));

    return rc == DB_NONE ? DB_OK : rc;
}
