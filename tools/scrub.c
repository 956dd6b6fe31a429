/* SPDX-License-Identifier: BSD-2-Clause */

#include "scrub.h"

#include "fraud_str.h"

#include <stdio.h>
#include <string.h>

#define MAX_ROUNDS 1000000 /* of one pid */

static int number_in(const char *text, const char *key, uint64_t *value) {
    const char *at = strstr(text, key);
    size_t len;

    if (at == NULL) {
        return 0;
    }
    at += strlen(key);
    len = strspn(at, "0123456789");
    return fraud_str_uint(value, at, len, UINT32_MAX) == FRAUD_OK;
}

/* All of the zone, a piece a request, so that no worker is held up. */
static int scrub_one(const control_t *control, const char *pid,
                     uint64_t *records) {
    static control_answer_t answer;
    uint64_t next = 0, sets = 1, found;
    char from[32];
    int rounds;

    for (rounds = 0; next < sets && rounds < MAX_ROUNDS; rounds++) {
        (void)snprintf(from, sizeof(from), "%llu", (unsigned long long)next);
        if (!control_ask(control, "scrub", from, pid, &answer) ||
            !number_in(answer.text, "\"records\":", &found) ||
            !number_in(answer.text, "\"next\":", &next) ||
            !number_in(answer.text, "\"sets\":", &sets)) {
            return 0;
        }
        *records += found;
    }
    return next >= sets;
}

int scrub_all(const control_t *control, const pids_t *pids, uint64_t *records) {
    size_t i;

    for (i = 0; i < pids->n; i++) {
        if (!scrub_one(control, pids->list[i], records)) {
            return 0;
        }
    }
    return 1;
}
