/* SPDX-License-Identifier: BSD-2-Clause */

#include "hook.h"

#include "clock.h"
#include "fail.h"
#include "fraud_hook.h"
#include "option.h"
#include "outbox.h"

#include <stdio.h>
#include <string.h>

#define MAX_LINE 256

const char hook_usage[] =
    "  hook verify --secret FILE --id ID --timestamp SECONDS\n"
    "          --signature SIGNATURES < BODY\n"
    "                   exit with 0 if a webhook is ours and of now, else\n"
    "                   with 1; each line of FILE is a secret that counts\n";

typedef struct {
    fraud_hook_secret_t secret[FRAUD_HOOK_SIGNATURES];
    size_t n;
    fraud_str_t id, timestamp, signature;
    uint8_t body[OUTBOX_BODY + 1];
} hook_t;

static fraud_str_t str(const char *text) {
    fraud_str_t s = {(const uint8_t *)text, strlen(text)};

    return s;
}

static void read_secrets(hook_t *hook, const char *path) {
    FILE *in = fopen(path, "r");
    char line[MAX_LINE];

    if (in == NULL) {
        fail("--secret: cannot read \"%s\"", path);
    }
    while (fgets(line, sizeof(line), in) != NULL) {
        if (line[strspn(line, " \t\r\n")] == '\0') {
            continue;
        }
        if (hook->n == FRAUD_HOOK_SIGNATURES ||
            fraud_hook_secret(&hook->secret[hook->n], str(line)) != FRAUD_OK) {
            fail("--secret: \"%s\" has a line that is no secret, or more than "
                 "%d",
                 path, FRAUD_HOOK_SIGNATURES);
        }
        hook->n++;
    }
    (void)fclose(in);
    billing_wipe(line, sizeof(line));
    if (hook->n == 0) {
        fail("--secret: \"%s\" has no secret", path);
    }
}

int hook_main(int argc, char **argv) {
    static hook_t hook;
    fraud_str_t body;
    const char *value;
    fraud_rc rc;
    size_t i;
    int k;

    if (argc < 2 || strcmp(argv[1], "verify") != 0) {
        fail("hook is \"verify\"");
    }
    for (k = 2; k < argc; k++) {
        if ((value = option(argc, argv, &k, "--secret")) != NULL) {
            read_secrets(&hook, value);
        } else if ((value = option(argc, argv, &k, "--id")) != NULL) {
            hook.id = str(value);
        } else if ((value = option(argc, argv, &k, "--timestamp")) != NULL) {
            hook.timestamp = str(value);
        } else if ((value = option(argc, argv, &k, "--signature")) != NULL) {
            hook.signature = str(value);
        } else {
            fail("hook verify: unknown word \"%s\"", argv[k]);
        }
    }
    if (hook.n == 0 || hook.id.data == NULL || hook.timestamp.data == NULL ||
        hook.signature.data == NULL) {
        fail("hook verify needs --secret, --id, --timestamp and --signature");
    }
    body.data = hook.body;
    body.len = fread(hook.body, 1, sizeof(hook.body), stdin);
    rc = body.len > OUTBOX_BODY || ferror(stdin)
             ? FRAUD_ELIMIT
             : fraud_hook_verify(hook.secret, hook.n, hook.id, hook.timestamp,
                                 hook.signature, body,
                                 (uint64_t)(clock_us() / CLOCK_SECOND));
    for (i = 0; i < hook.n; i++) {
        fraud_hook_wipe(&hook.secret[i]);
    }
    return rc == FRAUD_OK ? 0 : 1;
}
