/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ERASE_H
#define ERASE_H

/*
 * The right to be forgotten, on the side of billing (POLICY §1.1, A16-A18).
 * What was not decided is closed; an open hold ends or, where the policy says
 * so, finishes first, and where there is a webhook its messages about money are
 * answered or parked. Then evidence, notices, messages that were answered,
 * pseudonyms and the row that resolves the account go. The ledger stays, of
 * nobody, and a row that says when its account was erased, known or not: what
 * was done until then and is told afterwards is refused (intake.h), as long as
 * it may be told at all.
 */

#include "billing.h"

extern const char erase_usage[];

/*
 * erase_main(argc, argv):
 * "fraud-billing erase".
 */
int erase_main(int argc, char **argv);

/*
 * erase_person(conf, raw, who):
 * Erase the application's account ${raw} under every policy, as ${who} asked,
 * and say on standard error how far that is. Return 1 if something has to
 * finish first.
 */
int erase_person(const char *conf, const char *raw, const char *who);

/*
 * erase_known(conf, raw):
 * The same as whoever runs this. NULL: by BILLING_CONF, if there is one.
 */
void erase_known(const char *conf, const char *raw);

/*
 * erase_forget(billing, now, most, done):
 * Inside a transaction of the caller: forget at most ${most} erasures of which
 * no flag is told any more, which comes expired; ${*done} is increased.
 */
db_rc erase_forget(billing_t *billing, int64_t now, int64_t most,
                   int64_t *done);

/*
 * erase_finish(billing, now, account, done):
 * Inside a transaction of the caller: finish one erasure that nothing stands in
 * the way of any more, that of ${account} or, if it is "", any that is not set
 * aside (aside.h), of which ${account} is then. ${*done} is 0 if there was
 * none.
 */
db_rc erase_finish(billing_t *billing, int64_t now,
                   char account[BILLING_ACCOUNT_SIZE], int *done);

#endif /* ERASE_H */
