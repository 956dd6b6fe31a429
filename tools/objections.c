/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "objections.h"

#include "conf.h"
#include "fail.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* nginx takes no empty list for one that is meant. */
#define NOBODY "nobody"

static void read_file(const char *path, arena_t *arena, pids_t *pids) {
    fraud_str_t text = conf_load(arena, path, NULL);
    const char *p = (const char *)text.data, *end = p + text.len;
    fraud_pid_t pid;
    size_t len;

    pids->list = NULL;
    pids->n = 0;
    for (; p < end; p += len + (p + len < end)) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));

        len = stop != NULL ? (size_t)(stop - p) : (size_t)(end - p);
        if (fraud_pid_decode(&pid, p, len) == FRAUD_OK) {
            pids_add(pids, arena, &pid);
        } else if (len != 0 && *p != '#' &&
                   (len != sizeof(NOBODY) - 1 || memcmp(p, NOBODY, len) != 0)) {
            fail("%s has a line that is no pseudonym", path);
        }
    }
}

static void write_file(const char *path, arena_t *arena, const pids_t *pids) {
    size_t i, head = sizeof(NOBODY), line = FRAUD_PID_TEXT_LEN + 1;
    char *text = arena_alloc(arena, head + pids->n * line);
    struct stat st;

    if (stat(path, &st) == -1) {
        fail("cannot look at %s: %s", path, strerror(errno));
    }
    memcpy(text, NOBODY "\n", head);
    for (i = 0; i < pids->n; i++) {
        memcpy(text + head + i * line, pids->list[i], FRAUD_PID_TEXT_LEN);
        text[head + i * line + FRAUD_PID_TEXT_LEN] = '\n';
    }
    vault_replace(path, text, head + pids->n * line, &st);
}

void objections_add(const char *path, arena_t *arena, const pids_t *pids) {
    pids_t all;
    size_t i;

    read_file(path, arena, &all);
    for (i = 0; i < pids->n; i++) {
        pids_text(&all, arena, pids->list[i]);
    }
    pids_sort(&all);
    write_file(path, arena, &all);
}

void objections_remove(const char *path, arena_t *arena, const pids_t *pids) {
    pids_t all, rest = {NULL, 0};
    size_t i;

    read_file(path, arena, &all);
    for (i = 0; i < all.n; i++) {
        if (!pids_has(pids, all.list[i])) {
            pids_text(&rest, arena, all.list[i]);
        }
    }
    pids_sort(&rest);
    write_file(path, arena, &rest);
}
