/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SPOOL_H
#define SPOOL_H

/*
 * Following a directory of spools (fraud_spool.h): batches of records, each of
 * one writer, and how far its records are then read. A line that is torn, or
 * was changed, is a record too, under the sequence number that is missing;
 * where its writer wrote the same record once more there is none missing, and
 * nothing is told of it.
 */

#include "intake.h"

#define SPOOL_FILES (1u << 20) /* at once */
#define SPOOL_LOOK_MS 200      /* between two looks into the directory */
#define SPOOL_POSITION 64      /* of the text of a position, with the NUL */
#define SPOOL_APPEND_S 7200    /* nobody appends to an older file */
#define SPOOL_CHUNK ((size_t)INTAKE_BATCH * FRAUD_SPOOL_MAX_LINE)

typedef struct spool_s spool_t;

typedef struct {
    char writer[FRAUD_SPOOL_WRITER_LEN + 1];
    char position[SPOOL_POSITION];        /* behind the records */
    intake_record_t record[INTAKE_BATCH]; /* of what is in chunk */
    size_t n;
    uint8_t chunk[SPOOL_CHUNK];
} spool_batch_t;

/*
 * Write where the records of ${writer} go on to the SPOOL_POSITION bytes at
 * ${position}; return 0 if that is their beginning, -1 if nobody knows now.
 */
typedef int (*spool_where_t)(void *data, const char *writer, char *position);

/*
 * spool_open(dir, where, data), spool_close(spool):
 * Follow the spools in ${dir}, which stays with the caller; one that cannot be
 * read ends the program (fail.h). A file that cannot be read is waited for, and
 * holds up those of its writer alone. NULL is a no-op for the inverse, which
 * returns 0 if something could not be read to the last.
 */
spool_t *spool_open(const char *dir, spool_where_t where, void *data);
int spool_close(spool_t *spool);

/*
 * spool_read(spool, batch):
 * Set ${batch} to the next records. Return 0 if there are none now.
 */
int spool_read(spool_t *spool, spool_batch_t *batch);

/*
 * spool_done(spool, batch), spool_back(spool):
 * What was read is done with, in the order of spool_read(); or read all that is
 * not done with once more.
 */
void spool_done(spool_t *spool, const spool_batch_t *batch);
void spool_back(spool_t *spool);

/*
 * spool_again(spool):
 * Begin at the beginning, with all writers.
 */
void spool_again(spool_t *spool);

/*
 * spool_sweep(spool, keep):
 * Delete the files that are done with and were written to last more than
 * ${keep} seconds ago; the last one of a writer that has not ended not before
 * SPOOL_APPEND_S. Return how many.
 */
size_t spool_sweep(spool_t *spool, uint64_t keep);

#endif /* SPOOL_H */
