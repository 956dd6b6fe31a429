/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_alias.h"
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

static fraud_alias_t alias;

static void feed(const char *text) {
    fraud_conf_what_t what;
    fraud_conf_t conf;

    fraud_alias_init(&alias);
    fraud_conf_init(&conf, text, strlen(text));
    while ((what = fraud_conf_next(&conf)) != FRAUD_CONF_END) {
        if (what == FRAUD_CONF_OPEN) {
            fraud_alias_open(&alias, conf.words, conf.n);
        } else if (what == FRAUD_CONF_CLOSE) {
            fraud_alias_close(&alias);
        } else {
            fraud_alias_directive(&alias, conf.words, conf.n);
        }
    }
}

/* All that ${text} reads, a blank after each. */
static void walk(char *out, size_t size, const char *text, int chosen) {
    fraud_str_t str = {(const uint8_t *)text, strlen(text)}, name;
    fraud_alias_walk_t at;
    size_t n = 0;

    out[0] = '\0';
    fraud_alias_walk(&at, &alias, str, chosen);
    while (fraud_alias_next(&at, &name)) {
        assert_true(n + name.len + 2 < size);
        n += (size_t)snprintf(out + n, size - n, "%.*s ", (int)name.len,
                              (const char *)name.data);
    }
}

static void reads(void **state) {
    static const struct {
        const char *conf;
        const char *text;
        const char *want;   /* what is repeated */
        const char *chosen; /* and what chooses; NULL: the same */
    } cases[] = {
        {"", "", "", NULL},
        {"", "no $ and $$ or $- ${} ${", "", NULL},
        {"", "$a${b_1}c$d", "a b_1 d ", NULL},
        {"map $b $a { default $c; x y; }", "$a", "a c ", NULL},
        {"map $b $a { ~^x(.) $1; }", "$a", "a b ", NULL},
        {"map $b $a { default 0; x y; }", "$a", "a ", "a b "},
        {"map \"$b-$c\" $a { volatile; hostnames; x 1; }", "$a", "a ",
         "a b c "},
        {"map $b $a { ~^(?<n>.)x $n; }", "$a", "a n b ", NULL},
        {"map $b $a { \"~*(?P<n>.)x\" 1; }", "$n", "n b ", NULL},
        {"set $a \"$b/$c\";", "$a", "a b c ", NULL},
        {"set \"$a\" $b;", "x${a}", "a b ", NULL},
        {"auth_request_set $a $upstream_http_u;", "$a", "a upstream_http_u ",
         NULL},
        {"set $a $b; set $b $c; set $c $a;", "$a", "a b c ", NULL},
        {"geo $a { default 0; }", "$a", "a ", "a remote_addr "},
        {"geo $arg_ip $a { default 0; }", "$a", "a ", "a arg_ip "},
        {"split_clients $b $a { 50% x; * \"\"; }", "$a", "a ", "a b "},
        {"location ~ ^/u/(?<user>.+) { }", "$user", "user uri ", NULL},
        {"server_name ~^(?'who'.+)\\.x$;", "$who", "who host ", NULL},
        {"if ($arg_x ~ (?<y>.+)) { set $z $y; }", "$z", "z y arg_x ",
         NULL},
        {"rewrite ^/(?<p>.+) /x last;", "$p", "p uri ", NULL},
        {"set $a $b;", "$aa $ab", "aa ab ", NULL},
        {"set $a;", "$a", "a ", NULL},
        {"map $b $a { default $c; } set $d 1; map $e $f { x $g; }",
         "$d$f", "d f g ", NULL},
        {"map $b $a { include other; default $c; } set $c $d;", "$a",
         "a c d ", NULL},
    };
    char out[512];
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        feed(cases[i].conf);
        walk(out, sizeof(out), cases[i].text, 0);
        if (strcmp(out, cases[i].want) != 0) {
            fail_msg("%s: %s: \"%s\"", cases[i].conf, cases[i].text, out);
        }
        walk(out, sizeof(out), cases[i].text, 1);
        assert_string_equal(out, cases[i].chosen != NULL ? cases[i].chosen
                                                         : cases[i].want);
    }
}

/* A text of more aliases than there is room for still ends. */
static void limits(void **state) {
    fraud_str_t text = {(const uint8_t *)"$v", 2}, name;
    fraud_alias_walk_t at;
    size_t i, n = 0, len = 0;
    char *conf = malloc(64 * (FRAUD_ALIAS_EDGES + 2));

    (void)state;
    assert_non_null(conf);
    for (i = 0; i <= FRAUD_ALIAS_EDGES; i++) {
        len += (size_t)sprintf(conf + len, "set $v \"$a%zu\";\n", i);
    }
    feed(conf);
    assert_int_equal(alias.n, FRAUD_ALIAS_EDGES);
    assert_int_equal(alias.full, 1);
    fraud_alias_walk(&at, &alias, text, 0);
    while (fraud_alias_next(&at, &name)) {
        n++;
    }
    assert_int_equal(n, FRAUD_ALIAS_TEXTS);
    fraud_alias_walk(&at, NULL, text, 1);
    assert_int_equal(fraud_alias_next(&at, &name), 1);
    assert_int_equal(fraud_alias_next(&at, &name), 0);
    free(conf);
}

/* A long map: what is said often, or only of groups, takes no room. */
static void maps(void **state) {
    static const struct {
        const char *line;
        int full;
    } cases[] = {{"~^/%zu/(.*) /new/%zu/$1;\n", 0},
                 {"/%zu $host;#%zu\n", 0},
                 {"/%zu $host%zu;\n", 1}};
    char *conf = malloc(64 * (FRAUD_ALIAS_TEXTS + 3)), out[8192];
    size_t i, k, len;

    (void)state;
    assert_non_null(conf);
    for (k = 0; k < N(cases); k++) {
        len = (size_t)sprintf(conf, "map $uri $v {\n");
        for (i = 0; i <= FRAUD_ALIAS_TEXTS; i++) {
            len += (size_t)sprintf(conf + len, cases[k].line, i, i);
        }
        (void)sprintf(conf + len, "default $last;\n}\n");
        feed(conf);
        assert_int_equal(alias.full, 0);
        walk(out, sizeof(out), "$v", 0);
        assert_int_equal(alias.full, cases[k].full);
        assert_int_equal(strstr(out, " last ") == NULL, cases[k].full);
    }
    free(conf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(limits),
        cmocka_unit_test(maps),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
