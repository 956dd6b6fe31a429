/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef REVIEW_H
#define REVIEW_H

/*
 * "fraudctl case": what a person does with a case. One case at a time, and
 * everything leaves a row with a name, or did not happen.
 */

#include "gate.h"

#define REVIEW_SAID 256

extern const char review_usage[];

int review(int argc, char **argv);

/* What is to be done, and what came of it. */
typedef struct {
    action_t action; /* CONFIRM becomes SECOND where a second person is asked */
    const char *incident;
    const char *who;
    const reason_t *reason;
    const char *reference; /* of an appeal; NULL: none was given */
    const char *damage;    /* ASSESS */
    const char *currency;  /* ASSESS; NULL: the case has one */
    int64_t amount;        /* minor units; -1: none was given */
    int64_t now;
    char id[BILLING_ID_SIZE]; /* of the row, the same when it is tried again */
    char why[REVIEW_SAID];    /* refused; "": it is done */
    char said[REVIEW_SAID];   /* what was done */
} review_t;

/*
 * review_act(billing, data):
 * Carry out one review_t (a billing_work_t). DB_NONE: it is refused, and
 * nothing changes.
 */
db_rc review_act(billing_t *billing, void *data);

#endif /* REVIEW_H */
