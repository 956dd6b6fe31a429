/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "marks.h"

#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEAD "fraud-ship 1 "
#define MAX_LINE 128
#define MAX_PATH 4096

static mark_t *find(const marks_t *marks, const char *writer) {
    size_t i;

    for (i = 0; i < marks->n; i++) {
        if (strcmp(marks->mark[i].writer, writer) == 0) {
            return (mark_t *)(uintptr_t)&marks->mark[i];
        }
    }
    return NULL;
}

const char *marks_get(const marks_t *marks, const char *writer) {
    const mark_t *mark = find(marks, writer);

    return mark != NULL ? mark->position : NULL;
}

void marks_set(marks_t *marks, const char *writer, const char *position) {
    mark_t *mark = find(marks, writer);
    size_t i;

    if (mark == NULL && marks->n < MARKS_WRITERS) {
        mark = &marks->mark[marks->n++];
    }
    if (mark == NULL) {
        mark = marks->mark;
        for (i = 1; i < marks->n; i++) {
            mark = marks->mark[i].stamp < mark->stamp ? &marks->mark[i] : mark;
        }
    }
    (void)snprintf(mark->writer, sizeof(mark->writer), "%s", writer);
    (void)snprintf(mark->position, sizeof(mark->position), "%s", position);
    mark->stamp = ++marks->stamp;
    marks->changed = 1;
}

void marks_read(marks_t *marks, const char *path) {
    char line[MAX_LINE], *space;
    FILE *in;
    int ok;

    memset(marks, 0, sizeof(*marks));
    marks->path = path;
    in = fopen(path, "r");
    if (in == NULL && errno == ENOENT) {
        return;
    }
    ok = in != NULL && fgets(line, sizeof(line), in) != NULL &&
         strncmp(line, HEAD, sizeof(HEAD) - 1) == 0;
    if (ok) {
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(marks->run, sizeof(marks->run), "%.*s", MARKS_RUN - 1,
                       line + sizeof(HEAD) - 1);
    }
    while (ok && fgets(line, sizeof(line), in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        space = strchr(line, ' ');
        ok = space == line + FRAUD_SPOOL_WRITER_LEN;
        if (ok) {
            *space = '\0';
            marks_set(marks, line, space + 1);
        }
    }
    if (!ok) {
        fail("%s does not say what was shipped; without it, all of the spool "
             "is shipped again",
             path);
    }
    (void)fclose(in);
    marks->changed = 0;
}

int marks_write(marks_t *marks) {
    char path[MAX_PATH];
    size_t i;
    FILE *out;
    int fd, ok;

    if (!marks->changed) {
        return 1;
    }
    if (snprintf(path, sizeof(path), "%s.new", marks->path) >=
        (int)sizeof(path)) {
        return 0;
    }
    fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL) {
        return 0;
    }
    ok = fprintf(out, HEAD "%s\n", marks->run) > 0;
    for (i = 0; i < marks->n; i++) {
        ok = ok && fprintf(out, "%s %s\n", marks->mark[i].writer,
                           marks->mark[i].position) > 0;
    }
    ok = ok && fflush(out) == 0 && fsync(fd) == 0;
    ok = fclose(out) == 0 && ok && rename(path, marks->path) == 0;
    marks->changed = !ok;
    return ok;
}
