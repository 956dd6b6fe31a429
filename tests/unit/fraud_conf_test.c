/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_conf.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* What is read of ${text}, as "line:word|word; line:word{ }". */
static void read_all(char *out, size_t size, const char *text, size_t len) {
    char *exact = malloc(len + 1);
    fraud_conf_what_t what;
    fraud_conf_t conf;
    size_t i, n = 0;

    assert_non_null(exact);
    memcpy(exact + 1, text, len);
    fraud_conf_init(&conf, exact + 1, len);
    out[0] = '\0';
    while ((what = fraud_conf_next(&conf)) != FRAUD_CONF_END) {
        assert_true(conf.first <= conf.line);
        if (what == FRAUD_CONF_CLOSE) {
            n += (size_t)snprintf(out + n, size - n, "} ");
            continue;
        }
        n += (size_t)snprintf(out + n, size - n, "%zu:", conf.first);
        for (i = 0; i < conf.n; i++) {
            n += (size_t)snprintf(out + n, size - n, "%s%.*s",
                                  i != 0 ? "|" : "", (int)conf.words[i].len,
                                  (const char *)conf.words[i].data);
        }
        n += (size_t)snprintf(out + n, size - n, "%s",
                              what == FRAUD_CONF_OPEN ? "{ " : "; ");
    }
    free(exact);
}

static void directives(void **state) {
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"", ""},
        {" # a; {\n", ""},
        {"a;", "1:a; "},
        {"a b  c;\nd;", "1:a|b|c; 2:d; "},
        {"a\n b\n;", "1:a|b; "},
        {"a { b; } c;", "1:a{ 1:b; } 1:c; "},
        {"a{b;}", "1:a{ 1:b; } "},
        {"a 'b; {' \"c } \\\" d\";", "1:a|b; {|c } \\\" d; "},
        {"a ${x}y;", "1:a|${x}y; "},
        {"a b\\;c;", "1:a|b\\;c; "},
        {"a b#c;", "1:a|b#c; "},
        {"a '\n\n' b;\nc;", "1:a|\n\n|b; 4:c; "},
        {"if ($a ~ \"}\") { b; }", "1:if|($a|~|}|){ 1:b; } "},
        {"content_by_lua_block { if x then y() { ; } end } b;",
         "1:content_by_lua_block; 1:b; "},
        {"set_by_lua_block $a {\n;\n}\nb;", "1:set_by_lua_block|$a; 4:b; "},
        {"a", ""},
        {"a 'b", ""},
        {"a \\", ""},
        {"} }", "} } "},
        {"a { content_by_lua_block {", "1:a{ 1:content_by_lua_block; "},
    };
    char got[256];
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        read_all(got, sizeof(got), cases[i].text, strlen(cases[i].text));
        assert_string_equal(got, cases[i].want);
    }
}

static void many_words(void **state) {
    char text[4 * FRAUD_CONF_WORDS + 8];
    fraud_conf_t conf;
    size_t i, n = 0;

    (void)state;
    for (i = 0; i < FRAUD_CONF_WORDS + 20; i++) {
        n += (size_t)sprintf(text + n, "a ");
    }
    text[n++] = ';';
    fraud_conf_init(&conf, text, n);
    assert_int_equal(fraud_conf_next(&conf), FRAUD_CONF_DIRECTIVE);
    assert_int_equal(conf.n, FRAUD_CONF_WORDS);
    assert_int_equal(fraud_conf_next(&conf), FRAUD_CONF_END);
}

/* A file cut at any byte is read to its end. */
static void cut_anywhere(void **state) {
    static const char text[] = "a 'b\\'c' { d \"e\"; x_by_lua_block { } # f\n"
                               "g ${h} \\{; }";
    char got[256];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(text); i++) {
        read_all(got, sizeof(got), text, i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directives),
        cmocka_unit_test(many_words),
        cmocka_unit_test(cut_anywhere),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
