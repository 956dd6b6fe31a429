/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_agent.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    const char *type;
    const char *platform;
} cases[] = {
    {"", "-", "-"},
    {"x", "other", "other"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 "
     "Firefox/144.0",
     "firefox", "windows"},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
     "(KHTML, like Gecko) Version/18.0 Safari/605.1.15",
     "safari", "macos"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/130.0 "
     "Mobile/15E148 Safari/604.1",
     "chrome", "ios"},
    {"Mozilla/5.0 (Linux; Android 10; K) Chrome/130.0.0.0 Safari/537.36",
     "chrome", "android"},
    {"Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0 Safari/537.36 Edg/130.0",
     "edge", "linux"},
    {"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/130.0 Safari/537.36",
     "chrome", "chromeos"},
    {"Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0 Safari/537.36 OPR/114.0",
     "opera", "linux"},
    {"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)", "explorer",
     "windows"},
    {"Mozilla/5.0 (compatible; Googlebot/2.1)", "bot", "other"},
    {"CURL/8.0", "tool", "other"},
    {"python-requests/2.31", "tool", "other"},
};

static void known(void **state) {
    size_t i, len;
    char *exact;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].text);
        exact = malloc(len != 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, cases[i].text, len);
        assert_string_equal(fraud_agent_type(exact, len), cases[i].type);
        assert_string_equal(fraud_agent_platform(exact, len),
                            cases[i].platform);
        free(exact);
    }
}

static void only_the_beginning(void **state) {
    char text[FRAUD_AGENT_MAX + 16];

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text + FRAUD_AGENT_MAX - 5, "curl/", 5);
    assert_string_equal(fraud_agent_type(text, sizeof(text)), "tool");
    memset(text, 'x', sizeof(text));
    memcpy(text + FRAUD_AGENT_MAX - 4, "curl/", 5);
    assert_string_equal(fraud_agent_type(text, sizeof(text)), "other");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),
        cmocka_unit_test(only_the_beginning),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
