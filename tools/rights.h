/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef RIGHTS_H
#define RIGHTS_H

/*
 * fraudctl subject: what a person may ask for.
 */

extern const char rights_usage[];

/*
 * rights(argc, argv):
 * Carry out "subject ...", where ${argv[0]} is "subject". Return the exit
 * status: 1 if it was not done everywhere.
 */
int rights(int argc, char **argv);

#endif /* RIGHTS_H */
