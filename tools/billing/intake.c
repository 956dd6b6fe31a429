/* SPDX-License-Identifier: BSD-2-Clause */

#include "intake_int.h"

#include "clock.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASHES 3 /* of a record alone, after which it is dead */
#define TOLD 5    /* dead records of a batch that get a line each */

typedef struct {
    intake_t *intake;
    const intake_progress_t *progress;
} work_t;

static db_rc work(billing_t *billing, void *data) {
    work_t *work = data;
    intake_t *intake = work->intake;
    size_t i;
    db_rc rc;

    failpoint("begin");
    for (i = 0; i < intake->n; i++) { /* this may not be the first attempt */
        intake->item[i].fate = intake->item[i].checked;
        intake->item[i].resolved = 0;
        intake->item[i].same = NULL;
    }
    rc = intake_look(billing, intake);
    if (rc == DB_OK) {
        rc = intake_write(billing, intake, work->progress);
    }
    if (rc == DB_OK) {
        failpoint("pre-commit");
    }
    return rc;
}

/* What is dead, and why, as far as a log is to have it. */
static void tell(const intake_t *intake) {
    const intake_item_t *item;
    size_t i, n = 0;

    for (i = 0; i < intake->n; i++) {
        item = &intake->item[i];
        if (item->fate == INTAKE_DEAD && n++ < TOLD) {
            say(strcmp(item->reason, "conflict") == 0 ? SAY_ALARM : SAY_WARN,
                "dead",
                SAY(SAY_T("id", item->dead), SAY_T("reason", item->reason),
                    SAY_T("writer", item->record->writer),
                    SAY_I("seq", intake_has_seq(item->record)
                                     ? (int64_t)item->record->seq
                                     : -1)));
        }
    }
    if (n > TOLD) {
        say(SAY_WARN, "dead, more of them", SAY(SAY_I("records", n - TOLD)));
    }
}

static void add_up(const intake_t *intake, intake_count_t *count) {
    size_t i;

    tell(intake);
    for (i = 0; i < intake->n; i++) {
        switch (intake->item[i].fate) {
        case INTAKE_COUNTED:
            count->counted++;
            break;
        case INTAKE_REPEATED:
            count->repeated++;
            break;
        case INTAKE_REFUSED:
            count->refused++;
            count->expired += strcmp(intake->item[i].reason, "expired") == 0;
            count->erased += strcmp(intake->item[i].reason, "erased") == 0;
            break;
        case INTAKE_DEAD:
            count->dead++;
            break;
        case INTAKE_ENDED:
            count->ended++;
            break;
        case INTAKE_SEEN:
            count->seen++;
            break;
        case INTAKE_FATES:
            break;
        }
    }
}

static db_rc take(billing_t *billing, intake_t *intake,
                  const intake_progress_t *progress, intake_count_t *count) {
    work_t all = {intake, progress};
    db_rc rc = billing_again(billing, work, &all);

    if (rc == DB_OK) {
        failpoint("post-commit");
        add_up(intake, count);
    }
    return rc;
}

/* Others may have got in the way, and then it is no longer what it seemed. */
static db_rc take_alone(billing_t *billing, intake_t *intake,
                        intake_count_t *count) {
    db_rc rc = DB_CLASH;
    int i;

    for (i = 0; i < CLASHES && rc == DB_CLASH; i++) {
        rc = take(billing, intake, NULL, count);
    }
    if (rc != DB_CLASH) {
        return rc;
    }
    say(SAY_ALARM, "a record that the database refuses",
        SAY(SAY_T("error", db_error(billing->db))));
    intake_kill(intake->item, "clash");
    intake->item->checked = INTAKE_DEAD;
    rc = take(billing, intake, NULL, count);
    return rc == DB_CLASH ? DB_FAIL : rc;
}

static db_rc take_each(billing_t *billing, intake_t *intake,
                       const intake_progress_t *progress,
                       intake_count_t *count) {
    size_t i, n = intake->n;
    intake_item_t *items = intake->item;
    db_rc rc = DB_OK;

    intake->n = 1;
    for (i = 0; i < n && rc == DB_OK; i++) {
        intake->item = &items[i];
        rc = take_alone(billing, intake, count);
    }
    intake->item = items;
    intake->n = 0;
    return rc == DB_OK ? take(billing, intake, progress, count) : rc;
}

static intake_t *make(size_t n) {
    intake_t *intake = calloc(1, sizeof(*intake));
    intake_item_t *items = calloc(n != 0 ? n : 1, sizeof(*items));

    if (intake == NULL || items == NULL) {
        free(intake);
        free(items);
        return NULL;
    }
    intake->item = items;
    intake->n = n;
    intake->now = clock_us();
    return intake;
}

intake_t *intake_begin(const billing_t *billing, const intake_record_t *records,
                       size_t n) {
    intake_t *intake = make(n);
    size_t i;

    if (intake != NULL) {
        for (i = 0; i < n; i++) {
            intake->item[i].record = &records[i];
        }
        intake_check(intake, billing);
    }
    return intake;
}

void intake_drop(intake_t *intake) {
    if (intake != NULL) {
        intake_checked(intake);
        free(intake->item);
        free(intake);
    }
}

db_rc intake_end(billing_t *billing, intake_t *intake,
                 const intake_progress_t *progress, intake_count_t *count) {
    db_rc rc;

    intake_checked(intake);
    rc = take(billing, intake, progress, count);
    if (rc == DB_CLASH) {
        rc = take_each(billing, intake, progress, count);
    }
    intake_drop(intake);
    return rc;
}

db_rc intake_batch(billing_t *billing, const intake_record_t *records, size_t n,
                   const intake_progress_t *progress, intake_count_t *count) {
    intake_t *intake = intake_begin(billing, records, n);

    return intake != NULL ? intake_end(billing, intake, progress, count)
                          : DB_FAIL;
}

/* Return the length of what was encoded, in place. */
static size_t decode(char *text) {
    static const char digits[] = "0123456789abcdef";
    const char *high, *low;
    size_t i;

    if (strncmp(text, INTAKE_HEX, sizeof(INTAKE_HEX) - 1) != 0) {
        return strlen(text);
    }
    for (i = 0; text[sizeof(INTAKE_HEX) - 1 + 2 * i] != '\0'; i++) {
        high = strchr(digits, text[sizeof(INTAKE_HEX) - 1 + 2 * i]);
        low = strchr(digits, text[sizeof(INTAKE_HEX) + 2 * i]);
        if (high == NULL || low == NULL || *low == '\0') {
            break;
        }
        text[i] = (char)((high - digits) << 4 | (low - digits));
    }
    return i;
}

db_rc intake_redrive(billing_t *billing, const char *id,
                     intake_count_t *count) {
    char body[INTAKE_DEAD_BODY];
    intake_record_t record = {"", 0, {(const uint8_t *)body, 0}, NULL, NULL};
    intake_t *intake;
    db_t *db = billing->db;
    db_rc rc;

    rc = db_run(db,
                "SELECT writer, seq, body FROM dead "
                "WHERE id = $1 AND state = 'dead'",
                DB_ARGS(DB_T(id)));
    if (rc != DB_OK) {
        return rc;
    }
    (void)snprintf(record.writer, sizeof(record.writer), "%s", db_text(db, 0));
    record.seq = (uint64_t)db_int(db, 1);
    (void)snprintf(body, sizeof(body), "%s", db_text(db, 2));
    record.event.len = decode(body);

    intake = make(1);
    if (intake == NULL) {
        return DB_FAIL;
    }
    intake->item->record = &record;
    intake->item->redrive = id;
    (void)snprintf(intake->item->dead, sizeof(intake->item->dead), "%s", id);
    intake_check(intake, billing);
    rc = take(billing, intake, NULL, count);
    intake_drop(intake);
    return rc;
}
