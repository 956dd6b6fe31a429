/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef METRICS_H
#define METRICS_H

/*
 * Figures for Prometheus (text format 0.0.4), in a file that is replaced whole,
 * as the textfile collector of node_exporter reads it.
 */

#include "billing.h"
#include "intake.h"
#include "stream.h"

typedef struct {
    intake_count_t intake;
    const stream_count_t *stream; /* NULL: there is none */
    int64_t taken_at;             /* us, when records were last taken, or 0 */
    int up;                       /* the database answers */
} metrics_t;

/*
 * metrics_write(billing, metrics):
 * Replace the file of the configuration, if it names one. Return 0 and leave
 * the old one where that cannot be done.
 */
int metrics_write(billing_t *billing, const metrics_t *metrics);

#endif /* METRICS_H */
