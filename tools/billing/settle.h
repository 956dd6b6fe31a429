/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SETTLE_H
#define SETTLE_H

/*
 * What happens to the money of an incident, each with its transfer, the
 * notice to the person, the message to the billing system and the incident's
 * new state, in a transaction of the caller, who holds the incident's account
 * (incident_lock()).
 */

#include "incident.h"
#include "ledger.h"

/*
 * settle_hold(billing, incident, now, decision, amount, rc):
 * Hold ${amount}, until the window of the policy is over. LEDGER_REFUSED: there
 * is not enough, which is remembered; the incident is then for the caller.
 */
ledger_rc settle_hold(billing_t *billing, incident_t *incident, int64_t now,
                      const char *decision, int64_t amount, db_rc *rc);

/*
 * settle_refuse(billing, incident, now, amount, reason):
 * Remember that ${amount} was asked for, and that nothing is held for the
 * incident, ever.
 */
db_rc settle_refuse(billing_t *billing, const incident_t *incident, int64_t now,
                    int64_t amount, const char *reason);

/*
 * settle_due(billing, incident, now, due):
 * Set ${due} if the time to object to the open hold is over: the longer of the
 * windows of the policies then and now, from the hold on or, with a [webhook],
 * from when the billing system took its message, if that was later than clocks
 * may differ. If it is not over, the row says when to look again, and when the
 * hold expires; that does not move before the message is taken.
 */
db_rc settle_due(billing_t *billing, const incident_t *incident, int64_t now,
                 int *due);

/*
 * settle_post(billing, incident, now, decision, most):
 * Deduct what is held, at most ${most}; the rest of it goes back.
 */
db_rc settle_post(billing_t *billing, incident_t *incident, int64_t now,
                  const char *decision, int64_t most);

/*
 * settle_back(billing, incident, now, kind, decision):
 * Give back what is held: ${kind} is "void" or "expire".
 */
db_rc settle_back(billing_t *billing, incident_t *incident, int64_t now,
                  const char *kind, const char *decision);

/*
 * settle_left(db, incident, amount):
 * Set ${amount} to what was deducted and not given back.
 */
db_rc settle_left(db_t *db, const incident_t *incident, int64_t *amount);

/*
 * settle_reverse(billing, incident, now, appeal, amount, rc):
 * Give back ${amount}, at most what is left, on ${appeal}, of which there is
 * one reversal: LEDGER_EXISTS if it was done, LEDGER_DIFFERS if it was another
 * amount.
 */
ledger_rc settle_reverse(billing_t *billing, incident_t *incident, int64_t now,
                         const char *appeal, int64_t amount, db_rc *rc);

/*
 * settle_verdict(billing, incident, said, now):
 * "confirmed" or "refuted", for the way back into the store of nginx.
 */
db_rc settle_verdict(billing_t *billing, const incident_t *incident,
                     const char *said, int64_t now);

#endif /* SETTLE_H */
