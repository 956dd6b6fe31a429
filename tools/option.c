/* SPDX-License-Identifier: BSD-2-Clause */

#include "option.h"

#include "fail.h"
#include "fraud_str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MAX_MS (1000ull * 86400 * 36500)
#define MAX_UINT 100000000000u /* the year 5138 */

const char *option(int argc, char **argv, int *i, const char *name) {
    size_t len = strlen(name);

    if (strncmp(argv[*i], name, len) != 0) {
        return NULL;
    }
    if (argv[*i][len] == '=' && len > 2) {
        return argv[*i] + len + 1;
    }
    if (argv[*i][len] != '\0') {
        return NULL;
    }
    if (++*i == argc) {
        fail("%s needs a value", name);
    }
    return argv[*i];
}

uint64_t option_time(const char *name, const char *text) {
    uint64_t ms;

    if (fraud_str_time(&ms, text, strlen(text), MAX_MS) != FRAUD_OK) {
        fail("%s: invalid time \"%s\", use e.g. 10m or 7d", name, text);
    }
    return ms / 1000;
}

uint64_t option_uint(const char *name, const char *text) {
    uint64_t value;

    if (fraud_str_uint(&value, text, strlen(text), MAX_UINT) != FRAUD_OK) {
        fail("%s: invalid number \"%s\"", name, text);
    }
    return value;
}

uint64_t option_now(void) {
    time_t t = time(NULL);

    if (t < 0) {
        fail("the clock is wrong");
    }
    return (uint64_t)t;
}

int option_secret(char *secret, size_t size, const char *path) {
    FILE *in = fopen(path, "r");
    int got;

    if (in == NULL) {
        return 0;
    }
    got = fgets(secret, (int)size, in) != NULL;
    (void)fclose(in);
    secret[got ? strcspn(secret, "\r\n") : 0] = '\0';
    return secret[0] != '\0';
}
