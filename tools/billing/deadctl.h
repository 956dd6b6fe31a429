/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DEADCTL_H
#define DEADCTL_H

/*
 * "fraud-billing dead": events that could not be taken.
 */

extern const char dead_usage[];

/*
 * dead_main(argc, argv):
 * Carry out "dead ...". Return the exit status: 1 if there is no such event,
 * or it is dead still.
 */
int dead_main(int argc, char **argv);

#endif /* DEADCTL_H */
