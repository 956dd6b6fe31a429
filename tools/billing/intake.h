/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef INTAKE_H
#define INTAKE_H

/*
 * Events on their way in, by whatever transport: they may come again, out of
 * order and malformed, and count once. A batch is one transaction.
 *
 * Failpoints (clock.h): "read", a batch is read; "begin", its transaction has
 * begun; "arrival", "inbox", "incident", a row of that kind was written;
 * "pre-commit", "post-commit"; "pre-ack", "post-ack", the transport is told.
 * The first and the last two are in whoever calls intake_batch().
 */

#include "billing.h"
#include "fraud_spool.h"

#define INTAKE_BATCH 256
#define INTAKE_FUTURE                                                          \
    300                /* seconds that an event may be ahead of our clock      \
                        */
#define INTAKE_TRIES 5 /* then it is dead */
#define INTAKE_NO_SEQ UINT64_MAX

/* One record of a spool, or what stands for one. */
typedef struct {
    char writer[FRAUD_SPOOL_WRITER_LEN + 1];
    uint64_t seq;      /* INTAKE_NO_SEQ: the line did not say */
    fraud_str_t event; /* FRAUD_SPOOL_END: the writer ended */
    const char *bad;   /* NULL, or why this cannot be read */
    const char *from;  /* NULL, or the place that tells it from its like */
} intake_record_t;

/* Where the source is once the batch is in: written in the same transaction. */
typedef struct {
    const char *source; /* NULL: the transport keeps that itself */
    const char *position;
} intake_progress_t;

typedef struct {
    uint64_t counted;
    uint64_t repeated; /* the same flag by another record */
    uint64_t refused;  /* its policy lets no money move, or: */
    uint64_t expired;  /* of these, past the time of its evidence */
    uint64_t erased;   /* of these, of who was erased since, or is being */
    uint64_t dead;
    uint64_t ended;
    uint64_t seen; /* the same record, read again */
} intake_count_t;

typedef struct intake_s intake_t;

/*
 * intake_begin(billing, records, n):
 * Begin to judge ${n} records, at most INTAKE_BATCH, as far as that goes
 * without the database, in threads of its own. They have to stay until the end,
 * and the caller may do other things meanwhile. NULL: no memory.
 */
intake_t *intake_begin(const billing_t *billing, const intake_record_t *records,
                       size_t n);

/*
 * intake_end(billing, intake, progress, count):
 * Take the records and ${progress} in one transaction, add what became of them
 * to ${count} when it is committed, and give ${intake} back. DB_OK: all of them
 * are accounted for and may be acknowledged. DB_DOWN: it is not known; give
 * them again. Anything else: not all of them are in; the same.
 *
 * What one record breaks, a constraint of the database included, does not hold
 * up its neighbours: each is then taken in a transaction of its own, and the
 * broken one is dead.
 */
db_rc intake_end(billing_t *billing, intake_t *intake,
                 const intake_progress_t *progress, intake_count_t *count);

/*
 * intake_drop(intake):
 * Take nothing. NULL is a no-op.
 */
void intake_drop(intake_t *intake);

/*
 * intake_batch(billing, records, n, progress, count):
 * Both at once.
 */
db_rc intake_batch(billing_t *billing, const intake_record_t *records, size_t n,
                   const intake_progress_t *progress, intake_count_t *count);

/*
 * intake_redrive(billing, id, count):
 * Take the dead event ${id} again, as if it came now. DB_NONE if there is none
 * that is dead. Otherwise ${count} says what became of it.
 */
db_rc intake_redrive(billing_t *billing, const char *id, intake_count_t *count);

#endif /* INTAKE_H */
