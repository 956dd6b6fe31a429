/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ASIDE_H
#define ASIDE_H

/*
 * What cannot be done, whenever it is tried: an incident that cannot be
 * settled, an erasure that cannot be finished. It is tried again ever more
 * rarely, and meanwhile what waits behind it goes on.
 */

#include "billing.h"

#define ASIDE_FIRST 60   /* seconds until it is tried again, then twice that */
#define ASIDE_MOST 3600  /* and never more */
#define ASIDE_GONE 86400 /* seconds in which nobody tried it */

/*
 * aside_is_final(rc):
 * Return 1 if the database is there, and will say the same again.
 */
int aside_is_final(db_rc rc);

/*
 * aside_put(billing, id, now):
 * In a transaction of its own, after the one that failed: set ${id} aside, with
 * an alarm.
 */
db_rc aside_put(billing_t *billing, const char *id, int64_t now);

/*
 * aside_clear(db, id), aside_forget(db, now):
 * Inside a transaction of the caller: it was done; forget what nobody tries any
 * more.
 */
db_rc aside_clear(db_t *db, const char *id);
db_rc aside_forget(db_t *db, int64_t now);

#endif /* ASIDE_H */
