/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef OUTBOX_H
#define OUTBOX_H

/*
 * What the user's billing system is told: written in the transaction of what
 * it tells, sent by Standard Webhooks over TLS until it is answered 2xx. The id
 * of a message is the same however often it is sent; the timestamp is that of
 * the attempt.
 */

#include "billing.h"

#define OUTBOX_TRIES 10
#define OUTBOX_TIMEOUT 15 /* seconds; $FRAUD_TIMEOUT in a build for tests */
#define OUTBOX_LEASE 60   /* seconds until one that nobody answers for is due */
#define OUTBOX_BODY 8192
#define OUTBOX_FLIGHT 8 /* messages under way at once */

typedef struct outbox_s outbox_t;

/*
 * outbox_add(billing, id, type, incident, transfer, now):
 * Add a message, inside a transaction of the caller: "fraud.case.opened",
 * "fraud.hold.created", "fraud.hold.posted", "fraud.hold.voided",
 * "fraud.post.reversed". ${id} is the transfer's, or made from the
 * incident's. The body has amounts, policy, reason and the notice, as the rows
 * of ${incident} and ${transfer} (NULL: none) are now; the application's
 * account is added when it is sent, so that none rests here. DB_OK also if it
 * is there already.
 */
db_rc outbox_add(billing_t *billing, const char *id, const char *type,
                 const char *incident, const char *transfer, int64_t now);

/*
 * outbox_open(billing), outbox_close(outbox):
 * Get ready to send; NULL if no webhook is configured, and what is wrong with
 * it ends the program (fail.h). ${billing} outlives it. What is under way when
 * it is closed is sent again later. NULL is a no-op for the inverse.
 */
outbox_t *outbox_open(billing_t *billing);
void outbox_close(outbox_t *outbox);

/*
 * outbox_send(outbox, now, wait):
 * Send what is due and take what is answered, at most for ${wait}
 * milliseconds. Return how many messages were answered, plus those that are
 * still under way; -1 if the database is down. NULL is 0.
 */
int outbox_send(outbox_t *outbox, int64_t now, int wait);

/*
 * outbox_delay(id, tries):
 * Return the microseconds after the failed attempt ${tries}, from 1, of the
 * message ${id} until the next one; 0 if there is none. 5 s, 5 min, 30 min, 2
 * h, 5 h, 10 h, 14 h, 20 h, 24 h, each up to a tenth less, as the id has it.
 */
int64_t outbox_delay(const char *id, int64_t tries);

/*
 * outbox_retry(billing, id, now):
 * Have a parked message (NULL: all of them) sent again, with all its attempts,
 * and an endpoint that said 410 taken for one again. DB_NONE if there is none.
 */
db_rc outbox_retry(billing_t *billing, const char *id, int64_t now);

#endif /* OUTBOX_H */
