/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef VERB_H
#define VERB_H

/*
 * The first word of the command line.
 */

#include <stddef.h>

typedef struct {
    const char *name;
    int (*run)(int argc, char **argv); /* from the verb on */
    const char *usage; /* lines, none if another verb has them */
} verb_t;

/*
 * verb_run(verbs, n, argc, argv):
 * Run the one of the ${n} ${verbs} that ${argv} names, or say how to use them,
 * and return the exit status of the program. It is called fail_program.
 */
int verb_run(const verb_t *verbs, size_t n, int argc, char **argv);

#endif /* VERB_H */
