/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ROW_H
#define ROW_H

/*
 * What a report knows of each subject: a hash table of rows by pid, which
 * grows up to a maximum.
 */

#include "fraud_pid.h"
#include "fraud_score.h"
#include "fraud_types.h"

typedef struct {
    fraud_pid_t pid;
    fraud_str_t identity; /* no data: this row is free */
    uint32_t order;       /* of appearance */
    uint32_t requests;
    uint32_t flagged;
    uint64_t first_us; /* flagged */
    uint32_t score;    /* the highest */
    fraud_action_t action;
    uint32_t *reasons; /* requests by the number of a rule; NULL: not flagged */
    fraud_str_t raw;   /* as in the log, if wanted */
} row_t;

typedef struct {
    row_t *row;
    size_t size; /* a power of two, or 0 */
    size_t n;
    size_t max;
} rows_t;

/*
 * rows_get(rows, pid, identity):
 * Return the row of ${pid}, made if need be; NULL if there are rows->max.
 */
row_t *rows_get(rows_t *rows, const fraud_pid_t *pid, fraud_str_t identity);

/*
 * rows_sort(rows):
 * Bring the rows that were flagged to the front, the highest scores first, and
 * return how many there are. Nothing can be looked up after that.
 */
size_t rows_sort(rows_t *rows);

/*
 * rows_clear(rows):
 * Give back the table, but nothing that rows point to.
 */
void rows_clear(rows_t *rows);

#endif /* ROW_H */
