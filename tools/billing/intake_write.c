/* SPDX-License-Identifier: BSD-2-Clause */

#include "intake_int.h"

#include "clock.h"
#include "incident.h"

#include <stdio.h>
#include <string.h>

/* A mutation for the tests of the tests: what must be one transaction is two.
   1: the id is noted first; 2: the effect comes first. */
#ifndef BILLING_MUTATION
#define BILLING_MUTATION 0
#endif

static const char *const became[INTAKE_FATES] = {
    "counted", "repeated", "refused", "dead", "end", "seen"};

static int is_plain(fraud_str_t text) {
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e) {
            return 0;
        }
    }
    return text.len < sizeof(INTAKE_HEX) - 1 ||
           memcmp(text.data, INTAKE_HEX, sizeof(INTAKE_HEX) - 1) != 0;
}

/* As the column takes it, on any database. */
static void encode(char to[INTAKE_DEAD_BODY], fraud_str_t text) {
    size_t i,
        len = text.len < FRAUD_SPOOL_MAX_LINE ? text.len : FRAUD_SPOOL_MAX_LINE;

    text.len = len;
    if (is_plain(text)) {
        if (len != 0) {
            memcpy(to, text.data, len);
        }
        to[len] = '\0';
        return;
    }
    memcpy(to, INTAKE_HEX, sizeof(INTAKE_HEX));
    for (i = 0; i < len; i++) {
        (void)snprintf(to + sizeof(INTAKE_HEX) - 1 + 2 * i, 3, "%02x",
                       text.data[i]);
    }
}

static void dead_id(char id[BILLING_ID_SIZE], const intake_record_t *record,
                    const char *body) {
    char seq[24];

    (void)snprintf(seq, sizeof(seq), "%lld", (long long)record->seq);
    billing_id(id, "dead", record->writer, seq, body, record->from, NULL);
}

/* What of a record is known to be dead: a row for a person to look at. */
static db_rc bury(db_t *db, const intake_item_t *item, const char *body,
                  int64_t now) {
    const intake_record_t *record = item->record;
    db_rc rc;

    if (item->redrive != NULL) {
        return db_run(
            db,
            "UPDATE dead SET reason = $2, tries = tries + 1, at = $3 "
            "WHERE id = $1",
            DB_ARGS(DB_T(item->redrive), DB_T(item->reason), DB_I(now)));
    }
    rc =
        db_run(db,
               "INSERT INTO dead (id, writer, seq, reason, body, tries, state,"
               " at) VALUES ($1, $2, $3, $4, $5, 1, 'dead', $6) "
               "ON CONFLICT (id) DO NOTHING",
               DB_ARGS(DB_T(item->dead), DB_T(record->writer),
                       DB_I(intake_has_seq(record) ? (int64_t)record->seq : -1),
                       DB_T(item->reason), DB_T(body), DB_I(now)));
    return rc == DB_NONE ? DB_OK : rc;
}

static db_rc revive(db_t *db, const char *id, int64_t now) {
    return db_queue(db,
                    "UPDATE dead SET state = 'redriven', body = '',"
                    " tries = tries + 1, at = $2 "
                    "WHERE id = $1 AND state = 'dead'",
                    DB_ARGS(DB_T(id), DB_I(now)));
}

/* The row that says that the record was here, and what became of it. */
static db_rc arrive(db_t *db, const intake_item_t *item, const char *id,
                    int64_t now) {
    const intake_record_t *record = item->record;
    const char *word = became[item->fate];

    if (!intake_has_seq(record)) {
        return DB_OK;
    }
    if (item->redrive != NULL) {
        return db_queue(db,
                        "UPDATE arrival SET became = $3, id = $4, at = $5 "
                        "WHERE writer = $1 AND seq = $2 AND became = 'dead'",
                        DB_ARGS(DB_T(record->writer), DB_I(record->seq),
                                DB_T(word), DB_T(id), DB_I(now)));
    }
    return db_queue(db,
                    "INSERT INTO arrival (writer, seq, became, id, at) "
                    "VALUES ($1, $2, $3, $4, $5)",
                    DB_ARGS(DB_T(record->writer), DB_I(record->seq), DB_T(word),
                            DB_T(id), DB_I(now)));
}

/* Note an item, so that it does not come in twice. */
static db_rc note(db_t *db, intake_item_t *item, int64_t now) {
    char body[INTAKE_DEAD_BODY];
    const event_t *event = &item->event;
    const char *id = NULL;
    int counts = item->fate == INTAKE_COUNTED;
    db_rc rc = DB_OK;

    if (item->fate == INTAKE_SEEN) {
        return DB_OK;
    }
    if (item->fate == INTAKE_DEAD) {
        encode(body, item->record->event);
        if (item->redrive == NULL) {
            dead_id(item->dead, item->record, body);
        }
        id = item->dead;
        rc = bury(db, item, body, now);
    } else if (counts || item->fate == INTAKE_REPEATED) {
        id = event->id;
    }
    if (rc == DB_OK && item->redrive != NULL && item->fate != INTAKE_DEAD) {
        rc = revive(db, item->redrive, now);
    }
    if (rc == DB_OK) {
        rc = arrive(db, item, id, now);
        failpoint("arrival");
    }
    if (rc != DB_OK || !counts) {
        return rc;
    }
    rc = db_queue(
        db,
        "INSERT INTO inbox (id, digest, incident, amount, body, at, keep_until)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        DB_ARGS(DB_T(event->id), DB_T(item->digest), DB_T(item->incident),
                DB_I(event->amount), DB_T(item->body), DB_I(now),
                DB_I(item->keep_until)));
    failpoint("inbox");
    return rc;
}

/* Is there no row for the account yet, nor by an item before this one? */
static int is_new_account(const intake_t *intake, size_t at) {
    const intake_item_t *item = &intake->item[at];
    size_t i;

    for (i = 0; i < at && !item->resolved; i++) {
        if (intake->item[i].fate == INTAKE_COUNTED &&
            strcmp(intake->item[i].account, item->account) == 0) {
            return 0;
        }
    }
    return !item->resolved;
}

/*
 * Add an item to its incident. What a person has assessed stays; if somebody
 * else made it meanwhile, or under another policy, it is all done again.
 */
static db_rc add(db_t *db, const intake_item_t *item,
                 const intake_touched_t *touched, int64_t now) {
    const event_t *event = &item->event;
    db_rc rc;

    rc = db_queue(
        db,
        "INSERT INTO incident (id, policy, policy_version, account, family,"
        " day, pid, epoch, events, observed, signals, first, last, fraud,"
        " damage, kind, amount, currency, state, changed, at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12,"
        " 'suspected', 'suspected', $13, $14, $15, 'watch', $16, $16) "
        "ON CONFLICT (id) DO UPDATE SET events = incident.events + 1,"
        " observed = CASE WHEN excluded.observed > incident.observed"
        " THEN excluded.observed ELSE incident.observed END,"
        " signals = CASE WHEN excluded.signals > incident.signals"
        " THEN excluded.signals ELSE incident.signals END,"
        " first = CASE WHEN excluded.first < incident.first"
        " THEN excluded.first ELSE incident.first END,"
        " last = CASE WHEN excluded.last > incident.last"
        " THEN excluded.last ELSE incident.last END,"
        " amount = incident.amount + CASE WHEN incident.damage = 'suspected'"
        " THEN excluded.amount ELSE 0 END,"
        " currency = CASE WHEN incident.currency = ''"
        " THEN excluded.currency ELSE incident.currency END,"
        " changed = excluded.changed "
        "WHERE incident.policy_version = $17 AND (incident.currency = ''"
        " OR excluded.currency = ''"
        " OR incident.currency = excluded.currency)",
        DB_ARGS(DB_T(item->incident), DB_T(event->policy),
                DB_I(touched->version), DB_T(item->account),
                DB_T(event->family), DB_I(clock_day(event->first)),
                DB_T(event->pid), DB_I(event->epoch), DB_I(event->observed),
                DB_I(event->nsignals), DB_I(event->first), DB_I(event->last),
                DB_T(event->kind), DB_I(event->amount), DB_T(event->currency),
                DB_I(now),
                DB_I(touched->row != 0 ? touched->row : touched->version)));
    failpoint("incident");
    return rc;
}

static db_rc resolve(db_t *db, const intake_item_t *item, int64_t now) {
    return db_queue(db,
                    "INSERT INTO resolver (account, policy, box, erase, at) "
                    "VALUES ($1, $2, $3, 0, $4)",
                    DB_ARGS(DB_T(item->account), DB_T(item->event.policy),
                            DB_T(item->box), DB_I(now)));
}

/* What the batch is for: accounts, incidents and cases. */
static db_rc take_effect(billing_t *billing, intake_t *intake) {
    db_t *db = billing->db;
    const intake_touched_t *touched;
    db_rc rc = DB_OK;
    size_t i;

    for (i = 0; i < intake->n && rc == DB_OK; i++) {
        if (intake->item[i].fate != INTAKE_COUNTED) {
            continue;
        }
        if (is_new_account(intake, i)) {
            rc = resolve(db, &intake->item[i], intake->now);
        }
        if (rc == DB_OK) {
            rc = add(db, &intake->item[i],
                     &intake->touched[intake->item[i].touched], intake->now);
        }
    }
    for (i = 0; i < intake->ntouched && rc == DB_OK; i++) {
        touched = &intake->touched[i];
        if (touched->events == 0) {
            continue;
        }
        /* as it was when it was read, or it is all done again */
        if (touched->row != 0 && touched->row != touched->version) {
            rc = db_queue(db,
                          "UPDATE incident SET policy_version = $2 "
                          "WHERE id = $1 AND policy_version = $3",
                          DB_ARGS(DB_T(touched->id), DB_I(touched->version),
                                  DB_I(touched->row)));
        }
        if (rc == DB_OK) {
            rc = incident_counted(billing, touched->id, intake->now);
        }
    }
    return rc;
}

static db_rc note_all(billing_t *billing, intake_t *intake,
                      const intake_progress_t *progress) {
    db_rc rc = DB_OK;
    size_t i;

    for (i = 0; i < intake->n && rc == DB_OK; i++) {
        rc = note(billing->db, &intake->item[i], intake->now);
    }
    if (rc != DB_OK || progress == NULL || progress->source == NULL) {
        return rc;
    }
    return db_queue(
        billing->db,
        "INSERT INTO progress (source, position, at) VALUES ($1, $2, $3) "
        "ON CONFLICT (source) DO UPDATE SET position = excluded.position,"
        " at = excluded.at",
        DB_ARGS(DB_T(progress->source), DB_T(progress->position),
                DB_I(intake->now)));
}

#if BILLING_MUTATION

static db_rc split(billing_t *billing) {
    db_rc rc = db_commit(billing->db);

    failpoint("mutation");
    return rc == DB_OK ? db_begin(billing->db) : rc;
}

#endif

db_rc intake_write(billing_t *billing, intake_t *intake,
                   const intake_progress_t *progress) {
    db_rc rc;

#if BILLING_MUTATION == 1
    rc = note_all(billing, intake, progress);
    rc = rc == DB_OK ? split(billing) : rc;
    return rc == DB_OK ? take_effect(billing, intake) : rc;
#elif BILLING_MUTATION == 2
    rc = take_effect(billing, intake);
    rc = rc == DB_OK ? split(billing) : rc;
    return rc == DB_OK ? note_all(billing, intake, progress) : rc;
#else
    rc = note_all(billing, intake, progress);
    return rc == DB_OK ? take_effect(billing, intake) : rc;
#endif
}
