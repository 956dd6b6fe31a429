/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "log.h"

#include "fail.h"
#include "segments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char log_usage[] =
    "  log verify [--states] PATH...\n"
    "                   check the chained hourly segments of the security log\n"
    "                   at PATH, of all logs in the directory PATH, or the "
    "one\n"
    "                   segment PATH.YYYYMMDDHH; --states prints what to note\n"
    "                   elsewhere against whoever can rewrite a whole log\n";

typedef struct {
    char name[FRAUD_SEGMENT_WRITER_LEN];
    uint8_t state[FRAUD_PID_DIGEST_LEN];
    uint64_t hour;  /* of its last line */
    uint64_t lines; /* in that segment */
    int closed;
} writer_t;

typedef struct {
    arena_t arena;
    writer_t *writers;
    size_t n;
    const char *path; /* of the segment at hand */
    uint64_t hour;    /* of it */
    uint64_t number;  /* of the line at hand */
    uint64_t lines;   /* of the segment, without those of writers */
    uint64_t redacted;
    uint64_t torn;
    uint64_t torn_at;
    uint64_t lost;
    uint64_t trusted; /* writers from segments that are not here */
    uint64_t first;   /* hour of the first one checked, or NONE */
    uint64_t errors;
} verify_t;

static void wrong(verify_t *v, const char *what) {
    (void)printf("%s: line %llu %s\n", v->path, (unsigned long long)v->number,
                 what);
    v->errors++;
}

static writer_t *find(verify_t *v, const char *name) {
    size_t i;

    for (i = v->n; i-- > 0;) {
        if (memcmp(v->writers[i].name, name, FRAUD_SEGMENT_WRITER_LEN) == 0) {
            return &v->writers[i];
        }
    }
    return NULL;
}

static writer_t *add(verify_t *v, const char *name) {
    writer_t *writer;

    v->writers = arena_grow(&v->arena, v->writers, v->n, sizeof(*v->writers));
    writer = &v->writers[v->n++];
    memset(writer, 0, sizeof(*writer));
    memcpy(writer->name, name, FRAUD_SEGMENT_WRITER_LEN);
    writer->hour = FRAUD_SEGMENT_NONE;
    return writer;
}

/* Return the writer, at the state that its line has to follow on. */
static writer_t *take_opened(verify_t *v, const fraud_segment_line_t *line) {
    writer_t *writer = find(v, line->writer);

    if (line->hour != v->hour) {
        wrong(v, "opens another segment");
    }
    v->lost += line->lost;
    if (writer != NULL) {
        if (memcmp(writer->state, line->before, sizeof(line->before)) != 0) {
            wrong(v, writer->hour == v->hour
                         ? "does not go on from the writer's line before"
                         : "does not go on from the segment before, whose "
                           "end is missing or changed");
        }
    } else {
        writer = add(v, line->writer);
        if (line->after != FRAUD_SEGMENT_NONE) {
            if (line->after >= v->first) {
                wrong(v, "goes on from lines that an earlier segment has not");
            } else {
                v->trusted++;
            }
        }
    }
    memcpy(writer->state, line->before, sizeof(writer->state));
    if (writer->hour != v->hour) {
        writer->hour = v->hour;
        writer->lines = 0;
    }
    writer->closed = 0;
    return writer;
}

static void take_line(verify_t *v, const uint8_t *data, size_t len) {
    fraud_segment_line_t line;
    writer_t *writer;

    if (len == 0) {
        return;
    }
    if (fraud_segment_read(&line, data, len) != FRAUD_OK) {
        v->torn++;
        v->torn_at = v->number;
        return;
    }
    writer = line.type == FRAUD_SEGMENT_OPENED ? take_opened(v, &line)
                                               : find(v, line.writer);
    if (writer == NULL || writer->hour != v->hour) {
        wrong(v, "is of a writer that did not open this segment");
        writer = writer == NULL ? add(v, line.writer) : writer;
        writer->hour = v->hour;
        writer->lines = 0;
    } else if (!fraud_segment_follows(&line, writer->state, data, len)) {
        wrong(v, "is changed, or one before it is missing");
    }
    memcpy(writer->state, line.state, sizeof(writer->state));
    if (line.type == FRAUD_SEGMENT_ENTRY ||
        line.type == FRAUD_SEGMENT_REDACTED) {
        writer->lines++;
        v->lines++;
        v->redacted += line.type == FRAUD_SEGMENT_REDACTED;
    } else if (line.type == FRAUD_SEGMENT_CLOSED) {
        if (line.hour != v->hour || line.lines != writer->lines) {
            wrong(v, "counts other lines than there are");
        }
        v->lost += line.lost;
        writer->closed = 1;
    }
}

static void tell(const verify_t *v, uint64_t errors) {
    unsigned long long writers = 0, open = 0;
    size_t i;

    for (i = 0; i < v->n; i++) {
        if (v->writers[i].hour == v->hour) {
            writers++;
            open += !v->writers[i].closed;
        }
    }
    (void)printf("%s: %llu lines of %llu writers", v->path,
                 (unsigned long long)v->lines, writers);
    if (v->redacted != 0) {
        (void)printf(", %llu redacted", (unsigned long long)v->redacted);
    }
    if (v->lost != 0) {
        (void)printf(", %llu never written", (unsigned long long)v->lost);
    }
    if (open != 0) {
        (void)printf(", %llu not closed", open);
    }
    if (v->trusted != 0) {
        (void)printf(", %llu go on from a segment that is not here",
                     (unsigned long long)v->trusted);
    }
    (void)printf(", %s\n", v->errors == errors ? "whole" : "NOT WHOLE");
}

static void verify_segment(verify_t *v, const segment_t *segment) {
    FILE *in = fopen(segment->path, "r");
    uint64_t errors = v->errors;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    if (in == NULL) {
        fail("cannot open %s: %s", segment->path, strerror(errno));
    }
    v->path = segment->path;
    v->hour = segment->hour;
    v->number = v->lines = v->redacted = v->torn = v->lost = v->trusted = 0;
    while ((len = getline(&line, &size, in)) > 0) {
        v->number++;
        if (line[len - 1] != '\n') {
            v->torn++;
            v->torn_at = v->number;
            break;
        }
        take_line(v, (uint8_t *)line, (size_t)len - 1);
    }
    if (ferror(in)) {
        fail("cannot read %s: %s", segment->path, strerror(errno));
    }
    free(line);
    (void)fclose(in);
    /* a full disk tears lines, and their writers say so */
    if (v->torn != 0 && v->lost == 0) {
        v->number = v->torn_at;
        wrong(v, "is no line of this log");
    }
    tell(v, errors);
    if (v->first == FRAUD_SEGMENT_NONE) {
        v->first = segment->hour;
    }
}

static void print_states(const verify_t *v) {
    size_t i, k;

    for (i = 0; i < v->n; i++) {
        (void)printf("state %.*s ", FRAUD_SEGMENT_WRITER_LEN,
                     v->writers[i].name);
        for (k = 0; k < sizeof(v->writers[i].state); k++) {
            (void)printf("%02x", v->writers[i].state[k]);
        }
        (void)putchar('\n');
    }
}

static size_t log_len(const char *path) {
    return strlen(path) - FRAUD_SEGMENT_NAME_LEN - 1;
}

/* Return how many are not as they were written; each log has its writers. */
static uint64_t verify_all(const segments_t *segments, int states) {
    verify_t v = {0};
    uint64_t errors;
    size_t i;

    v.first = FRAUD_SEGMENT_NONE;
    for (i = 0; i < segments->n; i++) {
        const char *path = segments->list[i].path;

        if (i != 0 && (log_len(path) != log_len(v.path) ||
                       memcmp(path, v.path, log_len(path)) != 0)) {
            if (states) {
                print_states(&v);
            }
            v.n = 0;
            v.writers = NULL;
            v.first = FRAUD_SEGMENT_NONE;
        }
        verify_segment(&v, &segments->list[i]);
    }
    if (states) {
        print_states(&v);
    }
    errors = v.errors;
    arena_free(&v.arena);
    return errors;
}

static uint64_t verify_path(const char *path, int states) {
    arena_t arena = {NULL};
    segments_t segments;
    segment_t one;
    uint64_t errors;

    if (segments_hour(path, &one.hour)) {
        one.path = path;
        one.size = 0;
        segments.list = &one;
        segments.n = 1;
    } else {
        segments_find(&segments, &arena, path);
    }
    if (segments.n == 0) {
        fail("no segments of %s", path);
    }
    errors = verify_all(&segments, states);
    arena_free(&arena);
    return errors;
}

int log_verb(int argc, char **argv) {
    uint64_t errors = 0;
    int i, states = 0, paths = 0;

    if (argc < 2 || strcmp(argv[1], "verify") != 0) {
        fail("log needs \"verify\", see fraudctl help");
    }
    for (i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--states") == 0) {
            states = 1;
        } else if (argv[i][0] == '-') {
            fail("unknown option \"%s\", see fraudctl help", argv[i]);
        } else {
            errors += verify_path(argv[i], states);
            paths++;
        }
    }
    if (paths == 0) {
        fail("log verify needs the path of a log, e.g. "
             "/var/log/nginx/fraud.log");
    }
    if (fflush(stdout) != 0) {
        fail("cannot write what was found");
    }
    return errors != 0;
}
