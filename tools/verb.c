/* SPDX-License-Identifier: BSD-2-Clause */

#include "verb.h"

#include "fail.h"

#include <stdio.h>
#include <string.h>

static void usage(FILE *out, const verb_t *verbs, size_t n) {
    size_t i;

    (void)fprintf(out, "usage: %s VERB ...\n\n", fail_program);
    for (i = 0; i < n; i++) {
        (void)fputs(verbs[i].usage, out);
    }
}

static int is_help(const char *word) {
    return strcmp(word, "help") == 0 || strcmp(word, "-h") == 0 ||
           strcmp(word, "--help") == 0;
}

int verb_run(const verb_t *verbs, size_t n, int argc, char **argv) {
    size_t i;

    if (argc < 2) {
        usage(stderr, verbs, n);
        return 2;
    }
    if (is_help(argv[1]) || (argc > 2 && is_help(argv[2]))) {
        usage(stdout, verbs, n);
        return 0;
    }
    for (i = 0; i < n; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            return verbs[i].run(argc - 1, argv + 1);
        }
    }
    fail("unknown verb \"%s\", see %s help", argv[1], fail_program);
}
