/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXPLAIN_H
#define EXPLAIN_H

/*
 * "fraudctl explain": an access log replayed through the rules of an
 * nginx.conf, with its own times, before they are loaded.
 */

/*
 * explain(argc, argv):
 * Run the verb with its ${argc} arguments, its own name first; return the
 * exit status.
 */
int explain(int argc, char **argv);

/*
 * explain_usage:
 * What the verb takes, for the usage of the program.
 */
extern const char explain_usage[];

#endif /* EXPLAIN_H */
