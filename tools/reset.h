/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef RESET_H
#define RESET_H

/*
 * fraudctl reset: an unban. What a running nginx knows of a subject, rates and
 * reputation together, is forgotten, without a reload.
 */

extern const char reset_usage[];

/*
 * reset(argc, argv):
 * Run the verb; argv[0] is its name. Return the exit status: 0 done, 1 nginx
 * could not be asked or refused; a wrong call ends the program with 2.
 */
int reset(int argc, char **argv);

#endif /* RESET_H */
