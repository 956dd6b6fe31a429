/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FAIL_H
#define FAIL_H

/*
 * The one way out for what the operator has to put right: a line on standard
 * error, exit status 2.
 */

#if defined(__GNUC__)
#define FAIL_PRINTF(fmt, args)                                                 \
    __attribute__((format(printf, fmt, args), noreturn))
#else
#define FAIL_PRINTF(fmt, args)
#endif

/*
 * fail_program:
 * What main() says this program is called: "fraudctl" unless it does.
 */
extern const char *fail_program;

/*
 * fail(format, ...):
 * Print "PROGRAM: " and the message, and exit with status 2.
 */
void fail(const char *format, ...) FAIL_PRINTF(1, 2);

/*
 * fail_in(file, line, format, ...):
 * The same, with " in FILE:LINE" after the message.
 */
void fail_in(const char *file, unsigned line, const char *format, ...)
    FAIL_PRINTF(3, 4);

#endif /* FAIL_H */
