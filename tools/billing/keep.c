/* SPDX-License-Identifier: BSD-2-Clause */

#include "keep.h"

#include "aside.h"
#include "clock.h"
#include "erase.h"

typedef struct {
    int64_t now;
    int64_t dead_before;
    int64_t done;
} purge_t;

static db_rc purge(billing_t *billing, void *data) {
    db_t *db = billing->db;
    purge_t *all = data;
    db_rc rc;

    all->done = 0;
    rc = db_run(db,
                "UPDATE inbox SET body = NULL WHERE id IN (SELECT i.id "
                "FROM inbox i WHERE i.body IS NOT NULL "
                "AND i.keep_until <= $1 AND NOT EXISTS (SELECT 1 "
                "FROM incident c WHERE c.id = i.incident AND (c.state IN "
                "('second', 'held', 'objected') OR c.restricted IS NOT NULL)) "
                "ORDER BY i.keep_until LIMIT $2) RETURNING id",
                DB_ARGS(DB_I(all->now), DB_I(KEEP_AT_ONCE)));
    if (rc == DB_OK) {
        do {
            all->done++;
        } while (db_next(db));
    }
    if (rc != DB_OK && rc != DB_NONE) {
        return rc;
    }
    rc = db_run(db,
                "UPDATE dead SET state = 'dropped', body = '' "
                "WHERE id IN (SELECT id FROM dead WHERE state = 'dead' "
                "AND at <= $1 LIMIT $2) RETURNING id",
                DB_ARGS(DB_I(all->dead_before), DB_I(KEEP_AT_ONCE)));
    if (rc == DB_OK) {
        do {
            all->done++;
        } while (db_next(db));
    }
    if (rc == DB_OK || rc == DB_NONE) {
        rc = aside_forget(db, all->now);
    }
    return rc == DB_OK
               ? erase_forget(billing, all->now, KEEP_AT_ONCE, &all->done)
               : rc;
}

db_rc keep_purge(billing_t *billing, int64_t now, int64_t *done) {
    purge_t all = {now, now - (int64_t)billing->conf.dead_keep * CLOCK_SECOND,
                   0};
    db_rc rc = billing_again(billing, purge, &all);

    *done = rc == DB_OK ? all.done : 0;
    return rc;
}
