/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef KEYS_H
#define KEYS_H

/*
 * fraudctl keys: the secrets that hosts share, made ahead of their epoch and
 * destroyed after the one that follows it.
 */

extern const char keys_usage[];

/*
 * keys(argc, argv):
 * Run the verb; argv[0] is its name. Return the exit status: 0 done, 1 a file
 * is malformed; what cannot be done ends the program with 2.
 */
int keys(int argc, char **argv);

#endif /* KEYS_H */
