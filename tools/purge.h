/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef PURGE_H
#define PURGE_H

/*
 * fraudctl purge: what its policy keeps no longer goes, on time.
 */

extern const char purge_usage[];

/*
 * purge(argc, argv):
 * Carry out "purge ...", where ${argv[0]} is "purge". Return the exit status:
 * 1 if a hold waits for its review.
 */
int purge(int argc, char **argv);

#endif /* PURGE_H */
