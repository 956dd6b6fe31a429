/* SPDX-License-Identifier: BSD-2-Clause */

#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FAIL_STATUS 2

const char *fail_program = "fraudctl";

static void begin(const char *format, va_list args) {
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s: ", fail_program);
    (void)vfprintf(stderr, format, args);
}

void fail(const char *format, ...) {
    va_list args;

    va_start(args, format);
    begin(format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(FAIL_STATUS);
}

void fail_in(const char *file, unsigned line, const char *format, ...) {
    va_list args;

    va_start(args, format);
    begin(format, args);
    va_end(args);
    (void)fprintf(stderr, " in %s:%u\n", file, line);
    exit(FAIL_STATUS);
}
