/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MARKS_H
#define MARKS_H

/*
 * How far each writer's records are shipped, and to which Redis: a file of
 * lines, replaced as a whole.
 */

#include "spool.h"

#define MARKS_RUN 41       /* of the id of a run of Redis, with the NUL */
#define MARKS_WRITERS 4096 /* that are known */

typedef struct {
    char writer[FRAUD_SPOOL_WRITER_LEN + 1];
    char position[SPOOL_POSITION];
    uint64_t stamp; /* when it was set, counted */
} mark_t;

typedef struct {
    const char *path;
    char run[MARKS_RUN];
    mark_t mark[MARKS_WRITERS];
    size_t n;
    uint64_t stamp;
    int changed;
} marks_t;

/*
 * marks_read(marks, path), marks_write(marks):
 * Read the file; one that is not there has none. What is no such file ends the
 * program (fail.h). Write it, and wait for the disk; return 0 if that failed.
 */
void marks_read(marks_t *marks, const char *path);
int marks_write(marks_t *marks);

/*
 * marks_get(marks, writer), marks_set(marks, writer, position):
 * Return the position of ${writer}, NULL if there is none; set it. With too
 * many, the one that was set longest ago goes.
 */
const char *marks_get(const marks_t *marks, const char *writer);
void marks_set(marks_t *marks, const char *writer, const char *position);

#endif /* MARKS_H */
