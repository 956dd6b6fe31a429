/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "clock.h"

#include <time.h>

#ifdef BILLING_TEST
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif

static int64_t real_us(void) {
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * CLOCK_SECOND + ts.tv_nsec / 1000;
}

int64_t clock_ms(void) {
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_day(int64_t us) {
    return us / CLOCK_DAY - (us % CLOCK_DAY < 0);
}

#ifndef BILLING_TEST

int64_t clock_us(void) {
    return real_us();
}

#else

#define MAX_NAME 64

/* the linker's, if there is any failpoint */
extern const char *const __start_failpoints[] __attribute__((weak));
extern const char *const __stop_failpoints[] __attribute__((weak));

int64_t clock_us(void) {
    const char *path = getenv("FRAUD_CLOCK");
    double seconds = 0;
    FILE *in;
    int n;

    if (path == NULL) {
        return real_us();
    }
    in = fopen(path, "r");
    if (in == NULL) {
        (void)fprintf(stderr, "no clock at %s\n", path);
        exit(3);
    }
    n = fscanf(in, "%lf", &seconds);
    (void)fclose(in);
    if (n != 1) {
        (void)fprintf(stderr, "no time in %s\n", path);
        exit(3);
    }
    return (int64_t)(seconds * CLOCK_SECOND);
}

void clock_failpoint(const char *name) {
    static unsigned long left;
    static char armed[MAX_NAME];
    const char *said, *colon;
    size_t len;

    if (left == 0) {
        said = getenv("FRAUD_FAILPOINT");
        if (said == NULL) {
            return;
        }
        if (strcmp(said, "?") == 0) {
            (void)fprintf(stderr, "failpoint %s\n", name);
            return;
        }
        colon = strchr(said, ':');
        len = colon != NULL ? (size_t)(colon - said) : strlen(said);
        if (len >= MAX_NAME) {
            (void)fprintf(stderr, "no failpoint has that name\n");
            exit(3);
        }
        memcpy(armed, said, len);
        left = colon != NULL ? strtoul(colon + 1, NULL, 10) : 1;
    }
    if (strcmp(armed, name) == 0 && --left == 0) {
        (void)raise(SIGKILL);
    }
}

const char failpoints_usage[] =
    "  failpoints       where a test can kill this build\n";

int failpoints_main(int argc, char **argv) {
    const char *const *name;

    (void)argc;
    (void)argv;
    for (name = __start_failpoints; name < __stop_failpoints; name++) {
        (void)puts(*name);
    }
    return 0;
}

#endif
