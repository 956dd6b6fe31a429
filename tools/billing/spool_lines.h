/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SPOOL_LINES_H
#define SPOOL_LINES_H

/* What the lines of a spool's file are as records of a batch. */

#include "spool.h"

#define SPOOL_TORN 8 /* adjacent bad lines that are told apart */

/*
 * spool_lines(batch, len, seq):
 * Add the records in the first ${len} bytes of the chunk, ${*seq} being the
 * number that is expected. Bad lines are records if numbers lack behind them:
 * a writer that tore one wrote it once more. Return where the last record ends.
 */
size_t spool_lines(spool_batch_t *batch, size_t len, uint64_t *seq);

/*
 * spool_lines_end(batch, len, seq, next):
 * The file ends with these ${len} bytes, and what follows has the number
 * ${next}.
 */
void spool_lines_end(spool_batch_t *batch, size_t len, uint64_t *seq,
                     uint64_t next);

#endif /* SPOOL_LINES_H */
