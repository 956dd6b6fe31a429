/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EVIDENCE_H
#define EVIDENCE_H

/*
 * What the flags of an incident say: one line for each rule and version, with
 * the most that was observed.
 */

#include "billing.h"
#include "fraud_flag.h"

#define EVIDENCE_RULES 16

typedef struct {
    char rule[BILLING_NAME_SIZE];
    int64_t version;
    int64_t window; /* seconds */
    int64_t threshold;
    int64_t observed;
    int64_t flags;
    char signals[FRAUD_FLAG_SIGNALS][BILLING_NAME_SIZE];
    size_t nsignals;
} evidence_rule_t;

typedef struct {
    evidence_rule_t rule[EVIDENCE_RULES];
    size_t nrules;
    int64_t flags; /* of the incident */
    int64_t kept;  /* whose evidence is still there */
    int more;      /* rules than there is room for */
} evidence_t;

/*
 * evidence_read(db, evidence, incident):
 * Read it. DB_OK also if there is none any more.
 */
db_rc evidence_read(db_t *db, evidence_t *evidence, const char *incident);

#endif /* EVIDENCE_H */
