/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef AMOUNT_H
#define AMOUNT_H

/*
 * Money and times as people read them.
 */

#include <stddef.h>
#include <stdint.h>

#define AMOUNT_SIZE 32 /* with the NUL */

/*
 * amount_print(text, amount, currency):
 * Write ${amount} minor units as "12.34 EUR", with as many decimals as ISO 4217
 * has for the currency; without one, the minor units alone.
 */
void amount_print(char text[AMOUNT_SIZE], int64_t amount, const char *currency);

/*
 * amount_time(text, us), amount_day(text, us):
 * Write a time as "2026-11-22 00:02 UTC", or its day as "2026-11-22"; "-" for
 * none (0).
 */
void amount_time(char text[AMOUNT_SIZE], int64_t us);
void amount_day(char text[AMOUNT_SIZE], int64_t us);

#endif /* AMOUNT_H */
