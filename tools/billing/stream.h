/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef STREAM_H
#define STREAM_H

/*
 * Spools of many hosts in one Redis, on their way to one "fraud-billing run":
 * a stream for each hour, "fraud:flags:YYYYMMDDHH" (UTC), so that what is to
 * be forgotten goes as a whole key. Redis is a transport and may forget: the
 * truth is the spool, and what is missing shows in the sequence numbers. An
 * entry has the fields
 *
 *   w WRITER  s SEQ  e EVENT     or, for a line that is torn,  b REASON
 *
 * The consumer group is "billing". An entry is acknowledged when it is in the
 * database. What a consumer left is taken by another after STREAM_IDLE seconds;
 * what was delivered more than INTAKE_TRIES times is dead. An hour that is over
 * and has nothing in it that a group has not acknowledged is deleted.
 */

#include "billing.h"
#include "intake.h"
#include "rconn.h"

#define STREAM_PREFIX "fraud:flags:"
#define STREAM_KEY 24 /* with the NUL */
#define STREAM_GROUP "billing"
#define STREAM_IDLE 60 /* seconds; $FRAUD_STREAM_IDLE in a build for tests */
#define STREAM_SINGLE                                                          \
    3                    /* deliveries from which entries are taken one by one \
                          */
#define STREAM_HOURS 400 /* keys that are looked at, at most */

typedef struct stream_s stream_t;

typedef struct {
    uint64_t taken;   /* entries, also again */
    uint64_t claimed; /* of other consumers */
    uint64_t gone;    /* deleted before they were acknowledged */
    uint64_t garbage; /* entries that are none of ours */
} stream_count_t;

/*
 * stream_key(key, us):
 * Write the name of the stream of the hour of ${us}, with its NUL.
 */
void stream_key(char key[STREAM_KEY], int64_t us);

/*
 * stream_open(billing), stream_close(stream):
 * Get ready to read the stream of the configuration; NULL without one. What is
 * wrong with it ends the program (fail.h). NULL is a no-op for the inverse.
 */
stream_t *stream_open(billing_t *billing);
void stream_close(stream_t *stream);

/*
 * stream_take(stream, wait, count):
 * Take at most one batch, waiting for it at most ${wait} milliseconds. Return
 * how many entries were accounted for, -1 if the database is down, -2 if Redis
 * is: it is asked again when its time has come, and until then the call waits.
 * NULL is 0.
 */
int stream_take(stream_t *stream, int wait, intake_count_t *count);

/*
 * stream_counts(stream):
 * Return what happened since it was opened.
 */
const stream_count_t *stream_counts(const stream_t *stream);

#endif /* STREAM_H */
