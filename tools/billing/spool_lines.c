/* SPDX-License-Identifier: BSD-2-Clause */

#include "spool_lines.h"

#include <string.h>

/* Bad lines, until it is known whether what they began is missing. */
typedef struct {
    fraud_str_t line[SPOOL_TORN];
    const char *why[SPOOL_TORN];
    size_t n;
} torn_t;

static void add_record(spool_batch_t *batch, uint64_t seq, fraud_str_t event,
                       const char *bad) {
    intake_record_t *record = &batch->record[batch->n++];

    *record = (intake_record_t){{0}, seq, event, bad, NULL};
    memcpy(record->writer, batch->writer, sizeof(record->writer));
}

static void tear(torn_t *torn, const uint8_t *line, size_t len,
                 const char *why) {
    if (torn->n < SPOOL_TORN) {
        torn->line[torn->n].data = line;
        torn->line[torn->n].len =
            len < FRAUD_SPOOL_MAX_EVENT ? len : FRAUD_SPOOL_MAX_EVENT;
        torn->why[torn->n++] = why;
    }
}

/* What lacks before ${next} is what the bad lines were. */
static void add_torn(spool_batch_t *batch, torn_t *torn, uint64_t *seq,
                     uint64_t next) {
    size_t i;

    for (i = 0; i < torn->n && *seq < next; i++) {
        add_record(batch, (*seq)++, torn->line[i], torn->why[i]);
    }
    torn->n = 0;
}

size_t spool_lines(spool_batch_t *batch, size_t len, uint64_t *seq) {
    const uint8_t *data = batch->chunk;
    fraud_spool_record_t record;
    size_t at = 0, taken = 0, used;
    torn_t torn;
    fraud_rc rc;

    torn.n = 0;
    /* bad lines and what comes behind them */
    while (batch->n + SPOOL_TORN < INTAKE_BATCH) {
        rc = fraud_spool_next(&record, batch->writer, data + at, len - at,
                              &used);
        if (rc == FRAUD_NOTFOUND) {
            break;
        }
        if (rc == FRAUD_OK) {
            add_torn(batch, &torn, seq, record.seq);
            add_record(batch, record.seq, record.event, NULL);
            *seq = record.seq + 1;
            taken = at + used;
        } else {
            tear(&torn, data + at, used,
                 rc == FRAUD_ELIMIT ? "oversized" : "torn");
        }
        at += used;
    }
    return taken;
}

void spool_lines_end(spool_batch_t *batch, size_t len, uint64_t *seq,
                     uint64_t next) {
    const uint8_t *line = batch->chunk, *end = line + len, *feed;
    torn_t torn;

    torn.n = 0;
    while (line != end) {
        feed = memchr(line, '\n', (size_t)(end - line));
        feed = feed != NULL ? feed + 1 : end;
        tear(&torn, line, (size_t)(feed - line),
             (size_t)(feed - line) > FRAUD_SPOOL_MAX_LINE ? "oversized"
                                                          : "torn");
        line = feed;
    }
    add_torn(batch, &torn, seq, next);
}
