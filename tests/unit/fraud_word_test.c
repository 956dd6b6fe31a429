/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_word.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* The table itself, as it is written: each of its words has to be found. */
static void every_word(void **state) {
    char line[256], *word, *end;
    size_t n = 0;
    FILE *in;

    (void)state;
    in = fopen("../lib/fraud_word.c", "r");
    assert_non_null(in);
    while (fgets(line, sizeof(line), in) != NULL) {
        if (strncmp(line, "    \"", 5) != 0) {
            continue;
        }
        end = strchr(line + 5, '"');
        assert_non_null(end);
        *end = '\0';
        for (word = strtok(line + 5, " "); word != NULL;
             word = strtok(NULL, " ")) {
            if (!fraud_word_is_fixed(word, strlen(word))) {
                fail_msg("\"%s\" is out of order", word);
            }
            n++;
        }
    }
    (void)fclose(in);
    assert_true(n > 1000);
}

static void no_words(void **state) {
    static const char *const none[] = {"",         " ",
                                       "anna",     "Smith",
                                       "admin",    "root",
                                       "guest",    "zones",
                                       "zon",      "~",
                                       "AC",       "ACKS",
                                       "GET ",     "fail ",
                                       "a client", "test",
                                       "\xff",     "Failed",
                                       "0",        "1234",
                                       "client\"", "SSL_do_handshake_failed"};
    size_t i;

    (void)state;
    for (i = 0; i < N(none); i++) {
        if (fraud_word_is_fixed(none[i], strlen(none[i]))) {
            fail_msg("\"%s\"", none[i]);
        }
    }
    assert_false(fraud_word_is_fixed("client\0", 7));
    assert_true(fraud_word_is_fixed("clients", 6));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word),
        cmocka_unit_test(no_words),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
