/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "segments.h"

#include "fail.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int segments_hour(const char *path, uint64_t *hour) {
    const char *dot = strrchr(path, '.');

    return dot != NULL && dot > path && dot[-1] != '/' &&
           fraud_segment_parse_name(hour, dot + 1, strlen(dot + 1)) == FRAUD_OK;
}

static int compare(const void *a, const void *b) {
    const segment_t *x = a, *y = b;

    return strcmp(x->path, y->path);
}

/* A link is not a segment, wherever it leads. */
static void add(segments_t *segments, arena_t *arena, const char *path,
                uint64_t hour) {
    segment_t *segment;
    struct stat st;

    if (lstat(path, &st) == -1) {
        if (errno == ENOENT) {
            return;
        }
        fail("cannot look at %s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return;
    }
    segments->list =
        arena_grow(arena, segments->list, segments->n, sizeof(*segments->list));
    segment = &segments->list[segments->n++];
    segment->path = path;
    segment->hour = hour;
    segment->size = (uint64_t)st.st_size;
}

void segments_find(segments_t *segments, arena_t *arena, const char *path) {
    const char *slash = strrchr(path, '/'), *base = NULL, *dir = path;
    struct dirent *entry;
    struct stat st;
    uint64_t hour;
    DIR *entries;
    size_t len;

    segments->list = NULL;
    segments->n = 0;
    if (stat(path, &st) == -1 || !S_ISDIR(st.st_mode)) {
        base = slash == NULL ? path : slash + 1;
        dir = slash == NULL   ? "."
              : slash == path ? "/"
                              : (const char *)arena_copy(arena, path,
                                                         (size_t)(slash - path))
                                    .data;
    }
    len = base == NULL ? 0 : strlen(base);
    entries = opendir(dir);
    if (entries == NULL) {
        if (errno == ENOENT) {
            return;
        }
        fail("cannot read %s: %s", dir, strerror(errno));
    }
    while ((entry = readdir(entries)) != NULL) {
        if (segments_hour(entry->d_name, &hour) &&
            (base == NULL ||
             (strlen(entry->d_name) == len + 1 + FRAUD_SEGMENT_NAME_LEN &&
              memcmp(entry->d_name, base, len) == 0))) {
            add(segments, arena, arena_join(arena, dir, entry->d_name), hour);
        }
    }
    (void)closedir(entries);
    if (segments->n != 0) {
        qsort(segments->list, segments->n, sizeof(*segments->list), compare);
    }
}
