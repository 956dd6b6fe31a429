/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef GATE_H
#define GATE_H

/*
 * Who may do what with a case (POLICY §3.4). Inside a transaction of the
 * caller, who holds the incident's account when it counts.
 */

#include "incident.h"
#include "reason.h"

#define GATE_WHY 192
#define GATE_DWELL 30   /* seconds between opening the evidence and deciding */
#define GATE_HOUR 20    /* decisions in an hour, then a second person */
#define GATE_RECENT 50  /* decisions of which ... */
#define GATE_APPROVE 95 /* ... at most these per cent were approvals */

/* Why not; "": it is allowed. The reference is of an appeal, or NULL. */
typedef struct {
    action_t action;
    const char *who;
    const char *reference;
    int64_t now;
    char why[GATE_WHY];
} gate_t;

/*
 * gate_check(billing, gate, incident):
 * Set ${gate}->why for the action, amounts aside.
 */
db_rc gate_check(billing_t *billing, gate_t *gate, const incident_t *incident);

/*
 * gate_second(billing, who, amount, now, needed):
 * Set ${needed} if what ${who} confirms has to be confirmed by another one:
 * because of the amount, or because he decides too fast or always alike.
 */
db_rc gate_second(billing_t *billing, const char *who, int64_t amount,
                  int64_t now, int *needed);

/*
 * gate_first(db, incident, who, amount):
 * Who confirmed what awaits a second person, and which amount.
 */
db_rc gate_first(db_t *db, const incident_t *incident,
                 char who[BILLING_NAME_SIZE], int64_t *amount);

#endif /* GATE_H */
