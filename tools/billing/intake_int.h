/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef INTAKE_INT_H
#define INTAKE_INT_H

/*
 * Between the three parts of the intake: what needs no database
 * (intake_check.c), what the database knows already (intake_look.c), and what
 * it is told (intake_write.c).
 */

#include "event.h"
#include "intake.h"

#include <pthread.h>

#define INTAKE_THREADS 4
#define INTAKE_BODY 4096
#define INTAKE_DEAD_BODY (2 * FRAUD_SPOOL_MAX_LINE + 8)
#define INTAKE_HEX "hex:" /* before the digits of what is not plain ASCII */

typedef enum {
    INTAKE_COUNTED = 0,
    INTAKE_REPEATED,
    INTAKE_REFUSED,
    INTAKE_DEAD,
    INTAKE_ENDED,
    INTAKE_SEEN,
    INTAKE_FATES
} intake_fate_t;

/* A record, and what is to become of it. */
typedef struct intake_item_s {
    const intake_record_t *record;
    const char *redrive;        /* NULL, or its id in "dead" */
    char dead[BILLING_ID_SIZE]; /* INTAKE_DEAD: its id there */
    intake_fate_t fate;
    intake_fate_t checked; /* the fate as far as intake_check() could say */
    char reason[EVENT_REASON];
    event_t event; /* INTAKE_COUNTED, _REPEATED */
    char digest[BILLING_HASH_SIZE];
    char account[BILLING_ACCOUNT_SIZE];
    char box[BILLING_BOX_SIZE]; /* of the account */
    char incident[BILLING_ID_SIZE];
    char body[INTAKE_BODY]; /* what is kept of the event */
    int64_t keep_until;
    size_t touched; /* INTAKE_COUNTED: the place of its incident there */
    int resolved;   /* the account is known already */
    const struct intake_item_s *same; /* REPEATED: by this one of the batch */
} intake_item_t;

/* An incident that the batch adds to. */
typedef struct {
    const char *id;
    const char *policy;
    char currency[4];
    uint32_t version; /* the strictest, of the row and the batch */
    int64_t row;      /* the version in the row, 0: no row */
    size_t events;    /* that the batch adds */
} intake_touched_t;

/* A part of the items, for one thread. */
typedef struct {
    const billing_t *billing;
    intake_item_t *item;
    size_t n;
    int64_t now;
    pthread_t thread;
} intake_share_t;

struct intake_s {
    intake_item_t *item;
    size_t n;
    intake_touched_t touched[INTAKE_BATCH];
    size_t ntouched;
    int64_t now;
    intake_share_t share[INTAKE_THREADS];
    size_t nshares; /* whose threads are running */
};

/*
 * intake_has_seq(record):
 * Return 1 if its sequence number is known, so that it can be accounted for.
 */
static inline int intake_has_seq(const intake_record_t *record) {
    return record->seq <= INT64_MAX;
}

/*
 * intake_check(intake, billing), intake_checked(intake):
 * Judge the records as far as it goes without the database, in threads on all
 * processors; wait until they are done. The account in a seal is in the clear
 * only meanwhile.
 */
void intake_check(intake_t *intake, const billing_t *billing);
void intake_checked(intake_t *intake);

/*
 * intake_kill(item, reason), intake_refuse(item, reason):
 * It is dead; it is refused, "policy", "expired" or "erased".
 */
void intake_kill(intake_item_t *item, const char *reason);
void intake_refuse(intake_item_t *item, const char *reason);

/*
 * intake_look(billing, intake):
 * Judge the items by what the database has of them, and by each other.
 */
db_rc intake_look(billing_t *billing, intake_t *intake);

/*
 * intake_write(billing, intake, progress):
 * Tell the database what became of the items, and how far the source is.
 */
db_rc intake_write(billing_t *billing, intake_t *intake,
                   const intake_progress_t *progress);

/*
 * intake_stricter(billing, policy, a, b):
 * Return which of two versions allows less; ${a} if that cannot be said.
 */
uint32_t intake_stricter(const billing_t *billing, const char *policy,
                         uint32_t a, uint32_t b);

#endif /* INTAKE_INT_H */
