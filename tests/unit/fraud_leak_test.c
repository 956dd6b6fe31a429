/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_conf.h"
#include "fraud_leak.h"

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
static fraud_leak_t leak;

static int feed(const char *text) {
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
    fraud_leak_init(&leak, &alias);
    fraud_conf_init(&conf, text, strlen(text));
    while ((what = fraud_conf_next(&conf)) != FRAUD_CONF_END) {
        if (what == FRAUD_CONF_OPEN) {
            fraud_leak_open(&leak, conf.words, conf.n);
        } else if (what == FRAUD_CONF_CLOSE) {
            fraud_leak_close(&leak);
        } else {
            fraud_leak_directive(&leak, conf.words, conf.n, 0, conf.first);
        }
    }
    return fraud_leak_find(&leak);
}

/* "family:variable " of all that is told, "!" if nothing is logged. */
static void find(char *out, size_t size, const char *text) {
    size_t i, n = 0;

    out[0] = '\0';
    if (feed(text)) {
        n += (size_t)snprintf(out, size, "!");
    }
    for (i = 0; i < leak.nitems; i++) {
        if (leak.items[i].told) {
            n += (size_t)snprintf(out + n, size - n, "%u:%s ",
                                  (unsigned)leak.items[i].family,
                                  leak.items[i].variable);
        }
    }
}

static void leaks(void **state) {
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"", ""},
        {"http { server { } }", ""},
        {"http { fraud_policy a; }", ""},
        {"http { fraud_policy a; server { } }", "!"},
        {"http { server { fraud_policy a; } server { access_log x; } }", "!"},
        {"http { fraud_policy a; access_log x; server { } }",
         "0:remote_addr "},
        {"http { fraud_policy a; access_log x; server { access_log off; } }",
         ""},
        {"http { access_log x; server { access_log off; location / { "
         "fraud_policy a; } } }",
         ""},
        {"http { log_format f '$status $args'; fraud_policy a; "
         "server { access_log x f; } }",
         "0:args "},
        {"http { map $remote_addr $m { default $remote_addr; } "
         "log_format f '$status $m'; fraud_policy a; "
         "server { access_log x f; } }",
         "0:remote_addr "},
        {"http { log_format f '$status $b'; fraud_policy a; server { "
         "set $a $args; set $b x$a; access_log x f; } }",
         "0:args "},
        {"http { map $remote_addr $m { default 0; 192.0.2.1 1; } "
         "log_format f '$status $m'; fraud_policy a; "
         "server { access_log x f; } }",
         ""},
        {"http { log_format f '$http_x_user'; fraud_policy a; "
         "server { access_log x f; } }",
         "0:http_x_user "},
        {"http { log_format f '$upstream_http_x_account'; fraud_policy a; "
         "server { access_log x f; } }",
         "0:upstream_http_x_account "},
        {"http { log_format f '$status $sent_http_account'; fraud_policy a; "
         "server { access_log x f; } }",
         "0:sent_http_account "},
        {"http { log_format f '$sent_http_content_type $upstream_http_date "
         "$upstream_http_cache_control'; fraud_policy a; "
         "server { access_log x f; } }",
         ""},
        {"http { log_format f '$fastcgi_script_name'; fraud_policy a; "
         "server { access_log x f; } }",
         "0:fastcgi_script_name "},
        {"http { log_format f '$host'; fraud_policy a; "
         "server { access_log x f; } }",
         "0:host "},
        {"http { log_format f '$status ${arg_q}'; fraud_policy a; "
         "server { access_log x f; } }",
         "0:arg_q "},
        {"http { log_format f '$status $argsx $arg_ $request_time $'; "
         "fraud_policy a; server { access_log x f; } }",
         ""},
        {"stream { server { access_log x; fraud_policy a; } }", ""},
        {"worker_rlimit_core 1; http { fraud_policy a; access_log off; "
         "server { } }",
         "6: "},
        {"http { fraud_policy a; access_log off; server { location / { "
         "proxy_cache c; } location /a { proxy_cache c; proxy_cache_key $uri; "
         "} location /b { proxy_cache_key $args$uri; } location /c { "
         "proxy_cache off; } } }",
         "7: 2:args "},
        {"http { fraud_policy a; access_log off; server { location / { if (a) "
         "{ access_log x; } limit_except GET { client_body_in_file_only on; } "
         "} } }",
         "0:remote_addr 1: "},
    };
    char got[256];
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        find(got, sizeof(got), cases[i].text);
        assert_string_equal(got, cases[i].want);
        assert_false(leak.full);
    }
}

/* More than there is room for is left out, and said so. */
static void too_much(void **state) {
    size_t i, n, size = 400000;
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    n = (size_t)sprintf(text, "http { fraud_policy a;");
    for (i = 0; i < FRAUD_LEAK_BLOCKS + 10; i++) {
        n += (size_t)sprintf(text + n, "server { access_log x; } ");
    }
    (void)sprintf(text + n, "}");
    (void)feed(text);
    assert_true(leak.full);
    assert_int_equal(leak.nblocks, FRAUD_LEAK_BLOCKS);
    assert_int_equal(leak.nitems, FRAUD_LEAK_ITEMS);

    n = (size_t)sprintf(text, "http { fraud_policy a; ");
    for (i = 0; i < 2 * FRAUD_LEAK_DEPTH; i++) {
        n += (size_t)sprintf(text + n, "location { ");
    }
    for (i = 0; i < 2 * FRAUD_LEAK_DEPTH; i++) {
        n += (size_t)sprintf(text + n, "} ");
    }
    (void)sprintf(text + n, "server { access_log x; } } } }");
    (void)feed(text);
    assert_true(leak.full);
    assert_int_equal(leak.nitems, 1);
    assert_true(leak.items[0].told);

    n = (size_t)sprintf(text, "http { fraud_policy a; ");
    for (i = 0; i < FRAUD_LEAK_FORMATS + 1; i++) {
        n += (size_t)sprintf(text + n, "log_format f%zu $args;", i);
    }
    (void)sprintf(text + n, "}");
    (void)feed(text);
    assert_true(leak.full);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaks),
        cmocka_unit_test(too_much),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
