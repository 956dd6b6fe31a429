/* SPDX-License-Identifier: BSD-2-Clause */

#include "billing/export.h"
#include "billing/review.h"
#include "core.h"
#include "escrow.h"
#include "explain.h"
#include "fail.h"
#include "keys.h"
#include "log.h"
#include "policy.h"
#include "purge.h"
#include "reset.h"
#include "rights.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
} verbs[] = {
    {"case", review, review_usage},      {"escrow", escrow, escrow_usage},
    {"explain", explain, explain_usage}, {"export", export_main, export_usage},
    {"keys", keys, keys_usage},          {"log", log_verb, log_usage},
    {"policy", policy, policy_usage},    {"purge", purge, purge_usage},
    {"reset", reset, reset_usage},       {"subject", rights, rights_usage},
};

#define NVERBS (sizeof(verbs) / sizeof(verbs[0]))

static void usage(FILE *out) {
    size_t i;

    (void)fputs("usage: fraudctl VERB ...\n\n", out);
    for (i = 0; i < NVERBS; i++) {
        (void)fputs(verbs[i].usage, out);
    }
}

static int is_help(const char *word) {
    return strcmp(word, "help") == 0 || strcmp(word, "-h") == 0 ||
           strcmp(word, "--help") == 0;
}

int main(int argc, char **argv) {
    size_t i;

    core_none();
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (is_help(argv[1]) || (argc > 2 && is_help(argv[2]))) {
        usage(stdout);
        return 0;
    }
    for (i = 0; i < NVERBS; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            return verbs[i].run(argc - 1, argv + 1);
        }
    }
    fail("unknown verb \"%s\", see fraudctl help", argv[1]);
}
