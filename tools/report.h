/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef REPORT_H
#define REPORT_H

/*
 * Who would have been flagged, when and why: collected request by request,
 * printed on standard output as a table or as JSON lines.
 */

#include "score.h"

#define REPORT_MAX_SUBJECTS 4000000u /* more are only counted */

typedef struct {
    unsigned min_score;
    int raw; /* show subjects as they are in the log */
    int json;
    int verbose; /* a line for each flagged request */
} report_conf_t;

/* How many lines were what. */
typedef struct {
    uint64_t lines;
    uint64_t scored;
    uint64_t off;     /* of locations where nothing is scored */
    uint64_t refused; /* by nginx itself, before any rule */
    uint64_t unread;  /* of no known format */
    uint64_t longer;  /* than ACCESSLOG_MAX_LINE */
} report_lines_t;

typedef struct report_s report_t;

/*
 * report_new(rules, conf):
 * Return an empty report on requests under ${rules}.
 */
report_t *report_new(const ruleset_t *rules, const report_conf_t *conf);

/*
 * report_add(report, score, line):
 * Add the request that was scored last, from the line number ${line}.
 */
void report_add(report_t *report, const score_t *score, uint64_t line);

/*
 * report_print(report, lines):
 * Print the subjects that were flagged, the highest scores first, and the sums.
 */
void report_print(report_t *report, const report_lines_t *lines);

/*
 * report_free(report):
 * Destroy ${report}; NULL is a no-op.
 */
void report_free(report_t *report);

#endif /* REPORT_H */
