/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef CLOCK_H
#define CLOCK_H

/*
 * The time, and the places where a test may kill the program. In a build with
 * -DBILLING_TEST (never shipped) the time is what the file $FRAUD_CLOCK says,
 * in seconds since 1970, and $FRAUD_FAILPOINT="NAME[:N]" kills the process
 * by SIGKILL when it comes by NAME for the N-th time; "?" has each name that it
 * comes by on standard error. The verb "failpoints" lists the names that are
 * compiled in.
 */

#include <stdint.h>

#define CLOCK_SECOND 1000000
#define CLOCK_DAY (86400ll * CLOCK_SECOND)

/*
 * clock_us(), clock_day(us):
 * Return the time in microseconds since 1970, and the UTC day of one.
 */
int64_t clock_us(void);
int64_t clock_day(int64_t us);

/*
 * clock_ms():
 * Return milliseconds of a clock that only goes forward: for waiting.
 */
int64_t clock_ms(void);

#ifdef BILLING_TEST

/*
 * failpoint(name):
 * A place, named by a literal, that the linker has in a list.
 */
#define failpoint(name)                                                        \
    do {                                                                       \
        static const char *const failpoint_name_                               \
            __attribute__((section("failpoints"), used)) = (name);             \
        clock_failpoint(failpoint_name_);                                      \
    } while (0)

void clock_failpoint(const char *name);

/*
 * failpoints_main(argc, argv):
 * Print the names, a line each: a verb (verb.h).
 */
extern const char failpoints_usage[];
int failpoints_main(int argc, char **argv);

#else
#define failpoint(name) ((void)0)
#endif

#endif /* CLOCK_H */
