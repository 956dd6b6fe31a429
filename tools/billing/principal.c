/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "principal.h"

#include "billing.h"
#include "fail.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

int principal_is_word(const char *text, size_t max) {
    static const char set[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    return text[0] != '\0' && strlen(text) <= max &&
           text[strspn(text, set)] == '\0';
}

int principal_name(char *name, const char *text, size_t size) {
    size_t i;

    if (!principal_is_word(text, size - 1)) {
        return 0;
    }
    for (i = 0; text[i] != '\0'; i++) {
        name[i] = text[i];
        if (text[i] >= 'A' && text[i] <= 'Z') {
            name[i] = (char)(text[i] - 'A' + 'a');
        }
    }
    name[i] = '\0';
    return 1;
}

const char *principal(const char *as) {
    static char name[BILLING_NAME_SIZE];
    const struct passwd *user;

#ifndef BILLING_TEST
    if (as != NULL && getuid() != 0) {
        fail("only root may say --as");
    }
#endif
    if (as == NULL) {
        user = getpwuid(getuid());
        if (user == NULL) {
            fail("your user has no name");
        }
        as = user->pw_name;
    }
    if (!principal_name(name, as, sizeof(name))) {
        fail("your name is not at most %d of a-z, A-Z, 0-9, '.', '_', '-'",
             BILLING_NAME_SIZE - 1);
    }
    return name;
}
