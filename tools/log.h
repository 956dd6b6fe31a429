/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef LOG_H
#define LOG_H

/*
 * fraudctl log: is the security log as it was written?
 */

extern const char log_usage[];

/*
 * log_verb(argc, argv):
 * Carry out "log ...", where ${argv[0]} is "log". Return the exit status: 1 if
 * a segment is not whole.
 */
int log_verb(int argc, char **argv);

#endif /* LOG_H */
