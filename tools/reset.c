/* SPDX-License-Identifier: BSD-2-Clause */

#include "reset.h"

#include <stdio.h>
#include <string.h>

#include "control.h"
#include "fail.h"

const char reset_usage[] =
    "  reset [--control URL] [--socket PATH] --address VALUE\n"
    "  reset ... --session VALUE | --account VALUE | --identity NAME VALUE\n"
    "      forget what a running nginx knows of a subject, by its location\n"
    "      with \"fraud_control\" (" CONTROL_URL ", or\n"
    "      $FRAUD_CONTROL); --socket is a unix socket that nginx listens on;\n"
    "      VALUE - is read from standard input, so that no list of processes\n"
    "      shows it\n";

typedef struct {
    control_t control;
    const char *identity;
    char value[CONTROL_MAX_VALUE + 1];
} call_t;

static void take_value(call_t *call, const char *identity, const char *value) {
    if (call->identity != NULL) {
        fail("reset takes one subject, not two");
    }
    call->identity = identity;
    control_value(call->value, value);
}

static void parse(call_t *call, int argc, char **argv) {
    static const char *const kinds[] = {"--address", "--session", "--account"};
    size_t k;
    int i;

    for (i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;

        for (k = 0; k < 3 && strcmp(argv[i], kinds[k]) != 0; k++) {
        }
        if (next == NULL) {
            fail("\"%s\" is unknown or lacks its value, see fraudctl help",
                 argv[i]);
        }
        i++;
        if (k < 3) {
            take_value(call, kinds[k] + 2, next);
        } else if (strcmp(argv[i - 1], "--identity") == 0 && i + 1 < argc) {
            take_value(call, next, argv[++i]);
        } else if (strcmp(argv[i - 1], "--control") == 0) {
            call->control.url = next;
        } else if (strcmp(argv[i - 1], "--socket") == 0) {
            call->control.socket = next;
        } else {
            fail("unknown option \"%s\", see fraudctl help", argv[i - 1]);
        }
    }
    if (call->identity == NULL) {
        fail("reset needs a subject, e.g. --address 192.0.2.1");
    }
}

int reset(int argc, char **argv) {
    static control_answer_t answer;
    call_t call = {{NULL, NULL, NULL}, NULL, ""};

    parse(&call, argc, argv);
    if (!control_ask(&call.control, "reset", call.identity, call.value,
                     &answer)) {
        return 1;
    }
    (void)fputs(answer.text, stdout);
    return 0;
}
