/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MESSAGE_H
#define MESSAGE_H

/*
 * What a message to the billing system says: one JSON object, {"type",
 * "timestamp", "data"}. All but the application's account is written when the
 * message is, and rests in the outbox; the account is added when it is sent.
 */

#include "billing.h"

#define MESSAGE_SIZE 8192 /* of a body, with the account and the NUL */
#define MESSAGE_ACCOUNT 512

/*
 * message_render(db, body, type, incident, transfer, now):
 * Write the MESSAGE_SIZE bytes at ${body}, NUL-terminated, of what the rows of
 * ${incident}, of ${transfer} (NULL: none) and of the latest notice say.
 * DB_NONE if there is no such row, DB_FAIL if it is too long.
 */
db_rc message_render(db_t *db, char *body, const char *type,
                     const char *incident, const char *transfer, int64_t now);

/*
 * message_address(text, size, body, account):
 * Write ${body} with the ${account} of the application, or null, to the
 * ${size} bytes at ${text}. Return its length, 0 if it does not fit. Bytes
 * that are not UTF-8 are told as characters of Latin-1.
 */
size_t message_address(char *text, size_t size, const char *body,
                       const char *account);

#endif /* MESSAGE_H */
