/* SPDX-License-Identifier: BSD-2-Clause */

#include "verify.h"

#include "clock.h"
#include "event.h"
#include "incident.h"

#include <stdio.h>
#include <string.h>

#define PAGE 500
#define FINDINGS 100 /* that are named */

/* Why what is kept of a flag is not what was counted, or NULL. */
static const char *check_flag(const db_t *db, const event_t *event) {
    char text[BILLING_HASH_SIZE];

    event_digest(event, text);
    if (strcmp(event->id, db_text(db, 0)) != 0 ||
        strcmp(text, db_text(db, 1)) != 0) {
        return "is not the flag that arrived";
    }
    incident_id(text, event->policy, db_text(db, 5), event->family,
                clock_day(event->first));
    if (strcmp(text, db_text(db, 2)) != 0) {
        return "counts for an incident that is not its own";
    }
    return event->amount != db_int(db, 3) ? "has not the amount that it said"
                                          : NULL;
}

/* While there is evidence: afterwards nobody judges by it either. */
db_rc verify_flags(verify_t *v) {
    char last[BILLING_ID_SIZE] = "";
    db_t *db = v->billing->db;
    static event_t event;
    const char *why;
    int n, found = 0;
    db_rc rc;

    v->checks += 3;
    do {
        n = 0;
        rc = db_run(db,
                    "SELECT i.id, i.digest, i.incident, i.amount, i.body,"
                    " n.account FROM inbox i JOIN incident n"
                    " ON n.id = i.incident WHERE i.body IS NOT NULL"
                    " AND i.id > $1 ORDER BY i.id LIMIT $2",
                    DB_ARGS(DB_T(last), DB_I(PAGE)));
        if (rc != DB_OK) {
            return rc == DB_NONE ? DB_OK : rc;
        }
        do {
            n++;
            (void)snprintf(last, sizeof(last), "%s", db_text(db, 0));
            why = event_parse_kept(&event, db_text(db, 4))
                      ? check_flag(db, &event)
                      : "is not evidence any more";
            if (why != NULL && found++ < FINDINGS) {
                verify_found(v, "inbox", last, why, NULL);
            }
        } while (db_next(db));
    } while (n == PAGE);
    if (found > FINDINGS) {
        verify_found(v, "inbox", "...", "and more, which are not named", NULL);
    }
    return DB_OK;
}
