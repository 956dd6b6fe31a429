/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "redact.h"

#include "fail.h"
#include "fraud_segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
}

static int is_word(char c) {
    return is_letter(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_';
}

/* Return 1 if a word of the line is one of the pids. */
static int names_one(const pids_t *pids, const char *line, size_t len) {
    size_t i = 0, start;
    int letters;

    while (i < len) {
        start = i;
        letters = 1;
        while (i < len && is_word(line[i])) {
            letters = letters && is_letter(line[i]);
            i++;
        }
        if (i - start == FRAUD_PID_TEXT_LEN && letters &&
            pids_has(pids, line + start)) {
            return 1;
        }
        i += i == start;
    }
    return 0;
}

static void overwrite(int fd, const char *path, char *line, size_t len,
                      off_t at) {
    size_t done = 0;
    ssize_t n;

    fraud_segment_redact((uint8_t *)line, len);
    while (done < len) {
        n = pwrite(fd, line + done, len - done, at + (off_t)done);
        if (n == -1 && errno != EINTR) {
            fail("cannot write %s: %s", path, strerror(errno));
        }
        done += n > 0 ? (size_t)n : 0;
    }
}

static int is_compressed(const char *path) {
    static const char *const ends[] = {".gz", ".bz2", ".xz", ".zst"};
    size_t i, len = strlen(path);

    for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t n = strlen(ends[i]);

        if (len > n && strcmp(path + len - n, ends[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static void search(redact_t *redact, const char *path, int fd, FILE *in) {
    uint64_t before = redact->lines;
    char *line = NULL;
    size_t size = 0, n;
    ssize_t len;
    off_t at = 0;

    while ((len = getline(&line, &size, in)) > 0) {
        n = (size_t)len - (line[len - 1] == '\n');
        if (names_one(redact->pids, line, n)) {
            redact->lines++;
            if (redact->print != NULL) {
                redact->print(redact->data, line, n);
            }
            if (redact->erase) {
                overwrite(fd, path, line, n, at);
            }
        }
        at += len;
    }
    if (ferror(in)) {
        fail("cannot read %s: %s", path, strerror(errno));
    }
    free(line);
    if (redact->lines != before && redact->erase && fsync(fd) == -1) {
        fail("cannot write %s: %s", path, strerror(errno));
    }
}

void redact_file(redact_t *redact, const char *path) {
    struct stat st;
    FILE *in;
    int fd;

    if (redact->pids->n == 0) {
        return;
    }
    /* neither a link's target nor a device is a log */
    if (lstat(path, &st) == -1 || !S_ISREG(st.st_mode)) {
        return;
    }
    if (is_compressed(path)) {
        (void)fprintf(stderr, "fraudctl: %s is compressed: not searched\n",
                      path);
        redact->unsearched++;
        return;
    }
    fd = open(path,
              (redact->erase ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
    if (fd == -1 && errno == ENOENT) {
        return;
    }
    in = fd == -1 ? NULL : fdopen(dup(fd), "r");
    if (in == NULL) {
        fail("cannot open %s: %s", path, strerror(errno));
    }
    search(redact, path, fd, in);
    redact->files++;
    (void)fclose(in);
    (void)close(fd);
}

/* All files of a directory whose names are ${base}, or begin with it and a
 * dot; NULL: all. */
static void search_dir(redact_t *redact, arena_t *arena, const char *dir,
                       const char *base) {
    size_t len = base == NULL ? 0 : strlen(base);
    DIR *entries = opendir(dir);
    struct dirent *entry;

    if (entries == NULL) {
        if (errno == ENOENT) {
            return;
        }
        fail("cannot read %s: %s", dir, strerror(errno));
    }
    while ((entry = readdir(entries)) != NULL) {
        if (base == NULL ||
            (strncmp(entry->d_name, base, len) == 0 &&
             (entry->d_name[len] == '\0' || entry->d_name[len] == '.' ||
              entry->d_name[len] == '-'))) {
            redact_file(redact, arena_join(arena, dir, entry->d_name));
        }
    }
    (void)closedir(entries);
}

void redact_dir(redact_t *redact, arena_t *arena, const char *path) {
    search_dir(redact, arena, path, NULL);
}

void redact_logs(redact_t *redact, const site_t *site) {
    const char *path, *slash, *dir;
    size_t i, k;

    for (i = 0; i < site->nlogs; i++) {
        path = site->logs[i].path;
        for (k = 0; k < i && strcmp(site->logs[k].path, path) != 0; k++) {
        }
        if (k < i) {
            continue;
        }
        slash = strrchr(path, '/');
        dir = slash == path ? "/"
                            : (const char *)arena_copy(site->arena, path,
                                                       (size_t)(slash - path))
                                  .data;
        search_dir(redact, site->arena, dir, slash + 1);
    }
}
