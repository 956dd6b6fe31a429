/* SPDX-License-Identifier: BSD-2-Clause */

#include "intake_int.h"

#include <stdlib.h>
#include <string.h>

#define AT_ONCE 32 /* keys that one question asks for */
#define GAP 8      /* numbers that are asked for in vain rather than twice */

#define ERASED 2 /* beside the values of resolver.erase */

#define KEYS                                                                   \
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, " \
    "$17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, "   \
    "$31, $32)"

typedef const char *(*key_of_t)(const intake_item_t *item);
typedef void (*found_t)(const db_t *db, intake_item_t *item);

static int by_writer(const void *a, const void *b) {
    const intake_record_t *one = (*(intake_item_t *const *)a)->record;
    const intake_record_t *other = (*(intake_item_t *const *)b)->record;
    int order = strcmp(one->writer, other->writer);

    return order != 0 ? order
                      : (one->seq > other->seq) - (one->seq < other->seq);
}

static db_rc ask_arrivals(db_t *db, intake_item_t **run, size_t n) {
    const intake_record_t *first = run[0]->record;
    uint64_t seq;
    db_rc rc;
    size_t i = 0;

    rc = db_run(db,
                "SELECT seq FROM arrival WHERE writer = $1 AND seq BETWEEN $2 "
                "AND $3 ORDER BY seq",
                DB_ARGS(DB_T(first->writer), DB_I(first->seq),
                        DB_I(run[n - 1]->record->seq)));
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_OK : rc;
    }
    do {
        seq = (uint64_t)db_int(db, 0);
        while (i < n && run[i]->record->seq < seq) {
            i++;
        }
        for (; i < n && run[i]->record->seq == seq; i++) {
            run[i]->fate = INTAKE_SEEN;
        }
    } while (db_next(db));
    return DB_OK;
}

/* Which records were here before? Runs of numbers are asked for at once. */
static db_rc look_arrivals(db_t *db, intake_t *intake) {
    intake_item_t *sorted[INTAKE_BATCH];
    const intake_record_t *last, *next;
    size_t i, n = 0, first = 0;
    db_rc rc = DB_OK;

    for (i = 0; i < intake->n; i++) {
        if (intake->item[i].redrive == NULL &&
            intake_has_seq(intake->item[i].record)) {
            sorted[n++] = &intake->item[i];
        }
    }
    qsort(sorted, n, sizeof(sorted[0]), by_writer);
    for (i = 1; i <= n && rc == DB_OK; i++) {
        last = sorted[i - 1]->record;
        next = i < n ? sorted[i]->record : NULL;
        if (next != NULL && strcmp(next->writer, last->writer) == 0) {
            if (next->seq == last->seq) {
                sorted[i]->fate = INTAKE_SEEN;
            }
            if (next->seq - last->seq <= GAP) {
                continue;
            }
        }
        rc = ask_arrivals(db, sorted + first, i - first);
        first = i;
    }
    return rc;
}

/* Ask for the keys of all items that still count, and tell those found. */
static db_rc look(db_t *db, intake_t *intake, const char *sql, key_of_t key_of,
                  found_t found) {
    db_arg_t keys[AT_ONCE];
    size_t i, j, n, first;
    db_rc rc;

    for (i = 0; i < intake->n;) {
        first = i;
        for (n = 0; i < intake->n && n < AT_ONCE; i++) {
            if (intake->item[i].fate == INTAKE_COUNTED) {
                keys[n++] = DB_T(key_of(&intake->item[i]));
            }
        }
        if (n == 0) {
            break;
        }
        while (n < AT_ONCE) {
            keys[n++] = DB_N;
        }
        rc = db_run(db, sql, keys, AT_ONCE);
        if (rc == DB_NONE) {
            continue;
        }
        if (rc != DB_OK) {
            return rc;
        }
        do {
            for (j = first; j < i; j++) {
                if (intake->item[j].fate == INTAKE_COUNTED &&
                    strcmp(key_of(&intake->item[j]), db_text(db, 0)) == 0) {
                    found(db, &intake->item[j]);
                }
            }
        } while (db_next(db));
    }
    return DB_OK;
}

static const char *key_id(const intake_item_t *item) {
    return item->event.id;
}

static const char *key_account(const intake_item_t *item) {
    return item->account;
}

/* The same flag is also of the same account, which its digest does not have. */
static void again(intake_item_t *item, const char *digest,
                  const char *account) {
    if (strcmp(digest, item->digest) == 0 &&
        strcmp(account, item->account) == 0) {
        item->fate = INTAKE_REPEATED;
    } else {
        intake_kill(item, "conflict");
    }
}

static void found_inbox(const db_t *db, intake_item_t *item) {
    again(item, db_text(db, 1), db_text(db, 2));
}

/* Whoever is being erased is not looked at any more; of whoever was, only what
   came afterwards is. */
static void found_account(const db_t *db, intake_item_t *item) {
    int64_t erase = db_int(db, 1);

    item->resolved |= erase != ERASED;
    if (erase == 1 || (erase == ERASED && item->event.last <= db_int(db, 2))) {
        intake_refuse(item, "erased");
    }
}

/* The same flag twice in one batch. */
static void look_around(intake_t *intake) {
    intake_item_t *item;
    size_t i, j;

    for (i = 1; i < intake->n; i++) {
        item = &intake->item[i];
        for (j = 0; j < i && item->fate == INTAKE_COUNTED; j++) {
            if (intake->item[j].fate == INTAKE_COUNTED &&
                strcmp(item->event.id, intake->item[j].event.id) == 0) {
                again(item, intake->item[j].digest, intake->item[j].account);
                item->same = &intake->item[j];
            }
        }
    }
}

static void touch(intake_t *intake, intake_item_t *item) {
    intake_touched_t *touched;
    size_t i;

    for (i = 0; i < intake->ntouched; i++) {
        if (strcmp(intake->touched[i].id, item->incident) == 0) {
            item->touched = i;
            return;
        }
    }
    item->touched = intake->ntouched++;
    touched = &intake->touched[item->touched];
    memset(touched, 0, sizeof(*touched));
    touched->id = item->incident;
    touched->policy = item->event.policy;
    touched->version = item->event.version;
}

static db_rc ask_incidents(db_t *db, intake_t *intake, size_t first, size_t n) {
    db_arg_t keys[AT_ONCE];
    intake_touched_t *touched;
    size_t i;
    db_rc rc;

    for (i = 0; i < AT_ONCE; i++) {
        keys[i] = i < n ? DB_T(intake->touched[first + i].id) : DB_N;
    }
    rc = db_run(db,
                "SELECT id, currency, policy_version FROM incident WHERE id "
                "IN " KEYS,
                keys, AT_ONCE);
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_OK : rc;
    }
    do {
        for (i = 0; i < n; i++) {
            touched = &intake->touched[first + i];
            if (strcmp(touched->id, db_text(db, 0)) == 0) {
                (void)strncpy(touched->currency, db_text(db, 1), 3);
                touched->row = db_int(db, 2);
                touched->version = (uint32_t)touched->row;
            }
        }
    } while (db_next(db));
    return DB_OK;
}

/* Amounts add up in one currency, and under the strictest policy of all. */
static db_rc look_incidents(billing_t *billing, intake_t *intake) {
    intake_touched_t *touched;
    intake_item_t *item;
    db_rc rc = DB_OK;
    size_t i, n;

    intake->ntouched = 0;
    for (i = 0; i < intake->n; i++) {
        if (intake->item[i].fate == INTAKE_COUNTED) {
            touch(intake, &intake->item[i]);
        }
    }
    for (i = 0; i < intake->ntouched && rc == DB_OK; i += n) {
        n = intake->ntouched - i;
        n = n < AT_ONCE ? n : AT_ONCE;
        rc = ask_incidents(billing->db, intake, i, n);
    }
    for (i = 0; i < intake->n && rc == DB_OK; i++) {
        item = &intake->item[i];
        if (item->fate != INTAKE_COUNTED) {
            continue;
        }
        touched = &intake->touched[item->touched];
        if (item->event.currency[0] != '\0' && touched->currency[0] != '\0' &&
            strcmp(item->event.currency, touched->currency) != 0) {
            intake_kill(item, "currency");
            continue;
        }
        if (touched->currency[0] == '\0') {
            memcpy(touched->currency, item->event.currency,
                   sizeof(touched->currency));
        }
        touched->version = intake_stricter(
            billing, touched->policy, touched->version, item->event.version);
        touched->events++;
    }
    for (i = 0; i < intake->n; i++) {
        item = &intake->item[i];
        if (item->fate == INTAKE_REPEATED && item->same != NULL &&
            item->same->fate == INTAKE_DEAD) {
            intake_kill(item, item->same->reason);
        }
    }
    return rc;
}

db_rc intake_look(billing_t *billing, intake_t *intake) {
    db_rc rc = db_hold(billing->db, 0); /* against an erasure */

    if (rc == DB_OK) {
        rc = look_arrivals(billing->db, intake);
    }
    if (rc == DB_OK) {
        rc = look(billing->db, intake,
                  "SELECT i.id, i.digest, n.account FROM inbox i LEFT JOIN"
                  " incident n ON n.id = i.incident WHERE i.id IN " KEYS,
                  key_id, found_inbox);
    }
    if (rc == DB_OK) {
        rc =
            look(billing->db, intake,
                 "SELECT account, erase, 0 FROM resolver WHERE account IN " KEYS
                 " UNION ALL SELECT account, 2, at FROM erased WHERE account "
                 "IN " KEYS,
                 key_account, found_account);
    }
    look_around(intake);
    return rc == DB_OK ? look_incidents(billing, intake) : rc;
}
