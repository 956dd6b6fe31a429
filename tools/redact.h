/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef REDACT_H
#define REDACT_H

/*
 * Lines of log files that name somebody: found, and overwritten in their place
 * while others go on appending, so that a chain of lines stays one
 * (fraud_segment.h) and no copy is left behind.
 */

#include "site.h"
#include "tombstone.h"

typedef struct {
    const pids_t *pids;
    int erase;
    void (*print)(void *data, const char *line, size_t len); /* or NULL */
    void *data;
    uint64_t files;      /* that were searched */
    uint64_t lines;      /* that were found */
    uint64_t unsearched; /* compressed files */
} redact_t;

/*
 * redact_file(redact, path):
 * Search one file; one that is not there (any more) has nothing.
 */
void redact_file(redact_t *redact, const char *path);

/*
 * redact_dir(redact, arena, path):
 * Search all files in the directory at ${path}, and none further down.
 */
void redact_dir(redact_t *redact, arena_t *arena, const char *path);

/*
 * redact_logs(redact, site):
 * Search all logs of the configuration: the files of their names, and those
 * with more behind it, as segments and rotated ones have.
 */
void redact_logs(redact_t *redact, const site_t *site);

#endif /* REDACT_H */
