/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef RUN_H
#define RUN_H

/*
 * "fraud-billing run": takes events, keeps the holds' time, tells the billing
 * system, forgets what is not to be kept, until it is told to stop.
 */

extern const char run_usage[];

/*
 * run_main(argc, argv):
 * Carry out "run ...". Return the exit status: with --once 1 if something could
 * not be done.
 */
int run_main(int argc, char **argv);

#endif /* RUN_H */
