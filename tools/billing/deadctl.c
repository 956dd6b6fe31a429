/* SPDX-License-Identifier: BSD-2-Clause */

#include "deadctl.h"

#include "clock.h"
#include "fail.h"
#include "fraud_buf.h"
#include "fraud_day.h"
#include "intake.h"
#include "option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LISTED 1000

const char dead_usage[] =
    "  dead list [-c FILE] [--json]\n"
    "                   events that could not be taken, and why\n"
    "  dead redrive [-c FILE] ID... | --all [--reason REASON]\n"
    "                   take them again, as if they came now\n"
    "  dead drop [-c FILE] ID...\n"
    "                   give them up\n";

typedef struct {
    billing_t *billing;
    const char *path;
    const char *reason;
    int all;
    int json;
    char **id;
    int nids;
} words_t;

typedef struct {
    char id[BILLING_ID_SIZE];
} dead_id_t;

static void down(const billing_t *billing) {
    fail("the database: %s", db_error(billing->db));
}

static void print_row(const db_t *db, int json) {
    uint8_t data[16];
    fraud_buf_t buf;

    fraud_buf_init(&buf, data, sizeof(data));
    fraud_day_print(&buf, (uint32_t)clock_day(db_int(db, 5)));
    (void)printf(json ? "{\"id\":\"%s\",\"reason\":\"%s\",\"writer\":\"%s\","
                        "\"seq\":%" PRId64 ",\"tries\":%" PRId64
                        ",\"day\":\"%.*s\"}\n"
                      : "%-31s %-24s %-16s %8" PRId64 " %5" PRId64 " %.*s\n",
                 db_text(db, 0), db_text(db, 1), db_text(db, 2), db_int(db, 3),
                 db_int(db, 4), (int)buf.len, (const char *)data);
}

static int list(words_t *words) {
    db_t *db = words->billing->db;
    db_rc rc;

    rc = db_run(db,
                "SELECT id, reason, writer, seq, tries, at FROM dead "
                "WHERE state = 'dead' ORDER BY at, id LIMIT $1",
                DB_ARGS(DB_I(LISTED)));
    if (rc == DB_NONE) {
        return 0;
    }
    if (rc != DB_OK) {
        down(words->billing);
    }
    if (!words->json) {
        (void)printf("%-31s %-24s %-16s %8s %5s %s\n", "ID", "REASON", "WRITER",
                     "SEQ", "TRIES", "SINCE");
    }
    do {
        print_row(db, words->json);
    } while (db_next(db));
    return 0;
}

/* Return 1 if it is dead still. */
static int redrive_one(billing_t *billing, const char *id) {
    intake_count_t count = {0};
    db_rc rc = intake_redrive(billing, id, &count);

    if (rc == DB_NONE) {
        (void)printf("%s: not dead\n", id);
        return 1;
    }
    if (rc != DB_OK) {
        down(billing);
    }
    (void)printf("%s: %s\n", id,
                 count.counted != 0    ? "counted"
                 : count.repeated != 0 ? "repeated"
                 : count.refused != 0  ? "refused"
                                       : "dead still");
    return count.dead != 0;
}

/* All of a reason, in the order of their ids, so that it comes to an end. */
static int redrive_all(words_t *words) {
    static dead_id_t ids[LISTED];
    char last[BILLING_ID_SIZE] = "";
    db_t *db = words->billing->db;
    int status = 0;
    size_t i, n;
    db_rc rc;

    do {
        n = 0;
        rc = db_run(db,
                    "SELECT id FROM dead WHERE state = 'dead' AND id > $1 "
                    "AND (reason = $2 OR $2 = '') ORDER BY id LIMIT $3",
                    DB_ARGS(DB_T(last), DB_T(words->reason), DB_I(LISTED)));
        if (rc != DB_OK && rc != DB_NONE) {
            down(words->billing);
        }
        while (rc == DB_OK && n < LISTED) {
            (void)snprintf(ids[n++].id, BILLING_ID_SIZE, "%s", db_text(db, 0));
            if (!db_next(db)) {
                break;
            }
        }
        for (i = 0; i < n; i++) {
            status |= redrive_one(words->billing, ids[i].id);
        }
        if (n != 0) {
            memcpy(last, ids[n - 1].id, sizeof(last));
        }
    } while (n == LISTED);
    return status;
}

static int redrive(words_t *words) {
    int i, status = 0;

    if (words->all == (words->nids != 0)) {
        fail("dead redrive takes ids or --all");
    }
    if (words->all) {
        return redrive_all(words);
    }
    for (i = 0; i < words->nids; i++) {
        status |= redrive_one(words->billing, words->id[i]);
    }
    return status;
}

static int drop(words_t *words) {
    db_t *db = words->billing->db;
    int i, status = 0;
    db_rc rc;

    if (words->nids == 0) {
        fail("dead drop takes ids");
    }
    for (i = 0; i < words->nids; i++) {
        rc = db_run(db,
                    "UPDATE dead SET state = 'dropped', body = '', at = $2 "
                    "WHERE id = $1 AND state = 'dead'",
                    DB_ARGS(DB_T(words->id[i]), DB_I(clock_us())));
        if (rc != DB_OK && rc != DB_NONE) {
            down(words->billing);
        }
        (void)printf("%s: %s\n", words->id[i],
                     rc == DB_OK ? "dropped" : "not dead");
        status |= rc == DB_NONE;
    }
    return status;
}

static void read_words(words_t *words, int argc, char **argv) {
    const char *value;
    int i;

    words->reason = "";
    words->id = argv;
    for (i = 2; i < argc; i++) {
        if ((value = option(argc, argv, &i, "-c")) != NULL) {
            words->path = value;
        } else if ((value = option(argc, argv, &i, "--reason")) != NULL) {
            words->reason = value;
        } else if (strcmp(argv[i], "--all") == 0) {
            words->all = 1;
        } else if (strcmp(argv[i], "--json") == 0) {
            words->json = 1;
        } else if (argv[i][0] == '-') {
            fail("dead: unknown option \"%s\"", argv[i]);
        } else {
            words->id[words->nids++] = argv[i];
        }
    }
}

int dead_main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*run)(words_t *words);
    } verbs[] = {{"list", list}, {"redrive", redrive}, {"drop", drop}};
    words_t words;
    size_t i;
    int status;

    memset(&words, 0, sizeof(words));
    for (i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            read_words(&words, argc, argv);
            words.billing = billing_open(words.path, verbs[i].run == redrive);
            status = verbs[i].run(&words);
            billing_close(words.billing);
            return status;
        }
    }
    fail("dead needs list, redrive or drop, see fraud-billing help");
}
