/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef VERIFY_H
#define VERIFY_H

/*
 * "fraud-billing verify": everything that has to be true of the database, found
 * out anew from its rows. Nothing here is shared with what wrote them but the
 * hash of the chain.
 */

#include "billing.h"

extern const char verify_usage[];

int verify(int argc, char **argv);

/* What was found: no row is ever changed. */
typedef struct {
    billing_t *billing;
    int json;
    const char *receiver; /* a file; NULL: none */
    uint64_t checks;
    uint64_t findings;
} verify_t;

/*
 * verify_found(v, check, id, what, more):
 * Print a finding: what is wrong with ${id}, and ${more} of it (or NULL).
 */
void verify_found(verify_t *v, const char *check, const char *id,
                  const char *what, const char *more);

/*
 * verify_rows(v), verify_flags(v), verify_policies(v), verify_receiver(v):
 * What the rows say of each other; of the flags whose evidence is kept; of the
 * policies, caps and authors; of what the billing system says that it has.
 */
db_rc verify_rows(verify_t *v);
db_rc verify_flags(verify_t *v);
db_rc verify_policies(verify_t *v);
db_rc verify_receiver(verify_t *v);

#endif /* VERIFY_H */
