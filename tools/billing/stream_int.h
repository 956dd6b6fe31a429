/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef STREAM_INT_H
#define STREAM_INT_H

/*
 * Between stream.c, which takes batches, stream_hours.c, which knows the keys,
 * and stream_entry.c, which reads entries.
 */

#include "stream.h"

#define STREAM_ID 48 /* of an entry, with the NUL */
#define STREAM_FROM (STREAM_KEY + STREAM_ID)
#define STREAM_REASON 33 /* with the NUL */
#define STREAM_ROOM 64   /* live keys, at most, in one command */

typedef struct {
    char key[STREAM_KEY];
    int64_t hour;          /* since 1970 */
    int group;             /* it exists */
    int strange;           /* something else has the name */
    char claim[STREAM_ID]; /* where the next XAUTOCLAIM goes on */
} stream_hour_t;

typedef struct {
    intake_record_t record[INTAKE_BATCH];
    char id[INTAKE_BATCH][STREAM_ID];
    char key[INTAKE_BATCH][STREAM_KEY];
    char from[INTAKE_BATCH][STREAM_FROM]; /* of what is not ours */
    char reason[INTAKE_BATCH][STREAM_REASON];
    uint8_t event[INTAKE_BATCH][FRAUD_SPOOL_MAX_EVENT];
    size_t n;
    size_t done; /* accounted for */
    size_t step; /* at once */
} stream_batch_t;

struct stream_s {
    billing_t *billing;
    rconn_to_t to;
    rconn_t *conn;
    char consumer[FRAUD_SPOOL_WRITER_LEN + 1];
    int64_t idle;  /* ms */
    int64_t retry; /* clock_ms(), when to connect */
    uint32_t tries;
    int lost;        /* it was said */
    int64_t looked;  /* clock_ms(), for keys */
    int64_t claimed; /* clock_ms(), for what others left */
    stream_hour_t hour[STREAM_ROOM];
    size_t nhours;
    stream_batch_t batch;
    stream_count_t count;
};

/*
 * stream_hours(stream):
 * Look which keys there are, make their groups, and delete those that are done
 * with. Return 0 if the connection is lost.
 */
int stream_hours(stream_t *stream);

/*
 * stream_entry(stream, key, entry):
 * Add ${entry}, [id, [field, value ...]] of ${key}, to the batch, which has
 * room for it.
 */
void stream_entry(stream_t *stream, const char *key,
                  const fraud_reply_t *entry);

#endif /* STREAM_INT_H */
