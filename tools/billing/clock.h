/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef CLOCK_H
#define CLOCK_H

/*
 * The time, and the places where a test may kill the program. In a build with
 * -DBILLING_TEST (never shipped) the time is what the file $FRAUD_CLOCK says,
 * in seconds since 1970, and $FRAUD_FAILPOINT="NAME[:N]" kills the process
 * by SIGKILL when it comes by NAME for the N-th time.
 */

#include <stdint.h>

/*
 * clock_us(), clock_day(us):
 * Return the time in microseconds since 1970, and the UTC day of one.
 */
int64_t clock_us(void);
int64_t clock_day(int64_t us);

#ifdef BILLING_TEST
void failpoint(const char *name);
#else
#define failpoint(name) ((void)0)
#endif

#endif /* CLOCK_H */
