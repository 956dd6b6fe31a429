/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MONEY_H
#define MONEY_H

/*
 * "fraud-billing deposit", "spend" and "balance": what the billing system says
 * of a customer's balance, mirrored, so that nothing is held that is not there.
 */

extern const char money_usage[];

/*
 * money_main(argc, argv):
 * Carry out the verb ${argv[0]}. Return the exit status: 1 if it was refused.
 */
int money_main(int argc, char **argv);

#endif /* MONEY_H */
