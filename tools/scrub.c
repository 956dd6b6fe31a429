/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "scrub.h"

#include "fraud_str.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

/* Longer than a worker waits with lines of a segment. */
#define FLUSH_S 6

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

int scrub_flush(const site_t *site) {
    struct timespec settle = {FLUSH_S, 0};
    char text[32] = "";
    long pid = 0;
    FILE *in;

    if (!site_buffers(site)) {
        return 1;
    }
    in = site->pid != NULL ? fopen(site->pid, "r") : NULL;
    if (in != NULL) {
        pid = fgets(text, sizeof(text), in) != NULL ? atol(text) : 0;
        (void)fclose(in);
    }
    if (pid < 2 || kill((pid_t)pid, SIGUSR1) == -1) {
        (void)fprintf(stderr, "fraudctl: nginx is not reached by its \"pid\": "
                              "lines may wait in the memory of workers\n");
        return 0;
    }
    (void)nanosleep(&settle, NULL);
    return 1;
}
