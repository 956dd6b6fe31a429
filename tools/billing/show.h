/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SHOW_H
#define SHOW_H

/*
 * What a person sees of cases, on standard output.
 */

#include "review.h"

/*
 * show_list(billing, all, json):
 * Print the cases that wait for a person, with ${all} every incident: a table,
 * or with ${json} an object a line.
 */
db_rc show_list(billing_t *billing, int all, int json);

/*
 * show_case(billing, review):
 * Record that the reviewer has seen the case, and print it. DB_NONE: there is
 * none, or ${review}->why.
 */
db_rc show_case(billing_t *billing, review_t *review);

#endif /* SHOW_H */
