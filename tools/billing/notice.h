/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef NOTICE_H
#define NOTICE_H

/*
 * What the person concerned is told: what happened to his money, why (the
 * rules, their versions and thresholds, what was observed), until when and how
 * to object or appeal, that a person decided, and where to complain. A pure
 * function of what it is given, so that it can be made again.
 */

#include "evidence.h"
#include "incident.h"

#define NOTICE_SIZE 6144 /* with the NUL; rules that do not fit are counted */

typedef enum {
    NOTICE_HOLD = 0,
    NOTICE_POST,
    NOTICE_VOID,
    NOTICE_REVERSE
} notice_kind_t;

typedef struct {
    notice_kind_t kind;
    const incident_t *incident;
    const evidence_t *evidence; /* NULL: not known any more */
    int64_t amount;             /* held, deducted or given back */
    int64_t left;   /* REVERSE: still deducted; POST: given back before */
    int64_t at;     /* when it happened */
    int64_t appeal; /* seconds that the policy promises at least */
} notice_t;

/*
 * notice_print(text, notice):
 * Write the text.
 */
void notice_print(char text[NOTICE_SIZE], const notice_t *notice);

/*
 * notice_name(kind):
 * Return the word for it in the table of notices.
 */
const char *notice_name(notice_kind_t kind);

/*
 * notice_add(billing, notice, transfer):
 * Write the notice on the transfer ${transfer}, with the evidence that there
 * is, inside a transaction of the caller.
 */
db_rc notice_add(billing_t *billing, const notice_t *notice,
                 const char *transfer);

#endif /* NOTICE_H */
