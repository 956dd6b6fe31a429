/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POLICY_H
#define POLICY_H

/*
 * "fraudctl policy": what a privacy policy says, whether it is a good one, and
 * from when on it may replace another.
 */

/*
 * policy(argc, argv):
 * Run the verb with its ${argc} arguments, its own name first; return the
 * exit status.
 */
int policy(int argc, char **argv);

/*
 * policy_usage:
 * What the verb takes, for the usage of the program.
 */
extern const char policy_usage[];

#endif /* POLICY_H */
