/* SPDX-License-Identifier: BSD-2-Clause */

#include "verify.h"

#include "fail.h"
#include "fraud_str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 500
#define MAX_LINES 10000000u

typedef struct {
    char id[BILLING_ID_SIZE];
    int64_t amount;
    int known; /* to the ledger, too */
} line_t;

typedef struct {
    line_t *line;
    size_t n;
} list_t;

static int compare(const void *a, const void *b) {
    return strcmp(((const line_t *)a)->id, ((const line_t *)b)->id);
}

static void read_line(list_t *list, const char *path, char *text) {
    size_t len = strcspn(text, " \t\r\n"), n;
    const char *amount = text + len + strspn(text + len, " \t");
    line_t *line = &list->line[list->n];
    uint64_t value;

    if (len == 0) {
        return;
    }
    n = strcspn(amount, " \t\r\n");
    if (len >= sizeof(line->id) ||
        fraud_str_uint(&value, amount, n, INT64_MAX) != FRAUD_OK) {
        fail_in(path, (unsigned)list->n + 1,
                "no \"ID AMOUNT\", in minor units");
    }
    memset(line, 0, sizeof(*line));
    memcpy(line->id, text, len);
    line->amount = (int64_t)value;
    list->n++;
}

static void read_list(list_t *list, const char *path) {
    FILE *in = fopen(path, "r");
    char text[256];
    size_t room = 0;
    line_t *more;

    if (in == NULL) {
        fail("cannot read %s: %s", path, strerror(errno));
    }
    while (fgets(text, sizeof(text), in) != NULL) {
        if (list->n == room) {
            room = room != 0 ? room * 2 : 1024;
            more = room > MAX_LINES ? NULL
                                    : realloc(list->line, room * sizeof(*more));
            if (more == NULL) {
                fail("%s is too long", path);
            }
            list->line = more;
        }
        read_line(list, path, text);
    }
    if (ferror(in)) {
        fail("cannot read %s: %s", path, strerror(errno));
    }
    (void)fclose(in);
    if (list->n != 0) {
        qsort(list->line, list->n, sizeof(line_t), compare);
    }
}

static void check_told(verify_t *v, const list_t *list, const char *id,
                       int64_t amount, int sent) {
    char text[64];
    line_t key, *line;

    (void)snprintf(key.id, sizeof(key.id), "%s", id);
    line = list->n == 0
               ? NULL
               : bsearch(&key, list->line, list->n, sizeof(key), compare);
    if (line == NULL) {
        if (sent) {
            verify_found(v, "told", id,
                         "the billing system was told, and does not have it",
                         NULL);
        }
        return;
    }
    line->known = 1;
    if (line->amount != amount) {
        (void)snprintf(text, sizeof(text), "%" PRId64 ", not %" PRId64,
                       line->amount, amount);
        verify_found(v, "told", id,
                     "the billing system has another amount:", text);
    }
}

static db_rc check_ledger(verify_t *v, const list_t *list) {
    db_t *db = v->billing->db;
    int64_t seq = 0;
    int n;
    db_rc rc;

    do {
        n = 0;
        rc = db_run(db,
                    "SELECT t.seq, t.id, t.amount, CASE o.state"
                    " WHEN 'sent' THEN 1 ELSE 0 END FROM transfer t"
                    " JOIN outbox o ON o.id = t.id WHERE t.seq > $1 "
                    "ORDER BY t.seq LIMIT $2",
                    DB_ARGS(DB_I(seq), DB_I(PAGE)));
        if (rc != DB_OK) {
            return rc == DB_NONE ? DB_OK : rc;
        }
        do {
            n++;
            seq = db_int(db, 0);
            check_told(v, list, db_text(db, 1), db_int(db, 2),
                       db_int(db, 3) != 0);
        } while (db_next(db));
    } while (n == PAGE);
    return DB_OK;
}

/* The search may have found any one of several. */
static int is_known(const list_t *list, size_t i) {
    const line_t *first = &list->line[i];
    int known = 0;

    for (; i < list->n && compare(&list->line[i], first) == 0; i++) {
        known |= list->line[i].known;
    }
    return known;
}

db_rc verify_receiver(verify_t *v) {
    list_t list = {NULL, 0};
    const line_t *line;
    db_rc rc;
    size_t i;

    read_list(&list, v->receiver);
    v->checks += 3;
    rc = check_ledger(v, &list);
    for (i = 0; rc == DB_OK && i < list.n; i++) {
        line = &list.line[i];
        if (i != 0 && compare(line, line - 1) == 0) {
            verify_found(v, "told", line->id,
                         "the billing system has it more than once", NULL);
        } else if (!is_known(&list, i)) {
            verify_found(v, "told", line->id,
                         "the billing system has it, and the ledger does not",
                         NULL);
        }
    }
    free(list.line);
    return rc;
}
