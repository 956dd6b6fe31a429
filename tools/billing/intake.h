/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef INTAKE_H
#define INTAKE_H

/*
 * Events on their way in, by whatever transport: they may come again, out of
 * order and malformed, and count once. A batch is one transaction.
 */

#include "billing.h"
#include "fraud_spool.h"

#define INTAKE_BATCH 256
#define INTAKE_FUTURE                                                          \
    300                /* seconds that an event may be ahead of our clock      \
                        */
#define INTAKE_TRIES 5 /* then it is dead */

/* One record of a spool, or what stands for one. */
typedef struct {
    char writer[FRAUD_SPOOL_WRITER_LEN + 1];
    uint64_t seq;
    fraud_str_t event; /* FRAUD_SPOOL_END: the writer ended */
    const char *bad;   /* NULL, or why this cannot be read */
} intake_record_t;

/* Where the source is once the batch is in: written in the same transaction. */
typedef struct {
    const char *source; /* NULL: the transport keeps that itself */
    const char *position;
} intake_progress_t;

typedef struct {
    uint64_t counted, repeated, refused, dead, ended;
} intake_count_t;

/*
 * intake_batch(billing, records, n, progress, count):
 * Take ${n} records, at most INTAKE_BATCH, and ${progress}, in one transaction,
 * and add what became of them to ${count} when it is committed. DB_OK: all of
 * them are accounted for and may be acknowledged. DB_DOWN: it is not known;
 * give them again. DB_FAIL: none is in.
 */
db_rc intake_batch(billing_t *billing, const intake_record_t *records, size_t n,
                   const intake_progress_t *progress, intake_count_t *count);

/*
 * intake_redrive(billing, id):
 * Take a dead event again, as if it came now. DB_NONE if there is none.
 */
db_rc intake_redrive(billing_t *billing, const char *id);

#endif /* INTAKE_H */
