/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SEGMENTS_H
#define SEGMENTS_H

/*
 * The hourly files NAME.YYYYMMDDHH (fraud_segment.h) of a log or a directory.
 */

#include "arena.h"
#include "fraud_segment.h"

typedef struct {
    const char *path;
    uint64_t hour;
    uint64_t size;
} segment_t;

typedef struct {
    segment_t *list; /* by name, then by hour */
    size_t n;
} segments_t;

/*
 * segments_find(segments, arena, path):
 * Find the segments of the log at ${path}, or of all logs in it if it is a
 * directory. What cannot be read ends the program (fail.h); a directory that
 * is not there has none.
 */
void segments_find(segments_t *segments, arena_t *arena, const char *path);

/*
 * segments_hour(path, hour):
 * Set ${hour} to that of the segment at ${path}; return 0 if it is none.
 */
int segments_hour(const char *path, uint64_t *hour);

#endif /* SEGMENTS_H */
