/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef OUTBOX_H
#define OUTBOX_H

/*
 * What the user's billing system is told: written in the transaction of what
 * it tells, sent by Standard Webhooks over TLS until it is answered 2xx.
 */

#include "billing.h"

#define OUTBOX_TRIES 10
#define OUTBOX_TIMEOUT 15 /* seconds */
#define OUTBOX_BODY 8192

/*
 * outbox_add(billing, id, type, incident, transfer, now):
 * Add a message, inside a transaction of the caller: "fraud.case.opened",
 * "fraud.hold.created", "fraud.hold.posted", "fraud.hold.voided",
 * "fraud.post.reversed". ${id} is the transfer's, or made from the
 * incident's. The body names the application's account, as the resolver knows
 * it, amounts, policy, reason and the notice; it is made when it is sent, so
 * that no raw account rests here. DB_OK also if it is there already.
 */
db_rc outbox_add(billing_t *billing, const char *id, const char *type,
                 const char *incident, const char *transfer, int64_t now);

/*
 * outbox_send(billing, now, wait):
 * Send what is due, at most for ${wait} milliseconds; return how many messages
 * were answered, or -1 if the database is down.
 */
int outbox_send(billing_t *billing, int64_t now, int wait);

#endif /* OUTBOX_H */
