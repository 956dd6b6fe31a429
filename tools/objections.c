/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "objections.h"

#include "conf.h"
#include "fail.h"
#include "fraud_str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* nginx takes no empty list for one that is meant. */
#define NOBODY "nobody"
#define UNTIL "# until "
#define MAX_SECONDS 100000000000u
#define MAX_LINE 32 /* of those that are written */

typedef struct {
    uint64_t until; /* 0: nobody said */
    char pid[FRAUD_PID_TEXT_LEN];
} entry_t;

typedef struct {
    entry_t *list;
    size_t n;
} entries_t;

static void add(entries_t *all, arena_t *arena, const char *pid,
                uint64_t until) {
    all->list = arena_grow(arena, all->list, all->n, sizeof(*all->list));
    memcpy(all->list[all->n].pid, pid, FRAUD_PID_TEXT_LEN);
    all->list[all->n++].until = until;
}

static int is(const char *line, size_t len, const char *text) {
    return len == strlen(text) && memcmp(line, text, len) == 0;
}

/* Return 0 if the line is none of ours. */
static int take(entries_t *all, arena_t *arena, const char *line, size_t len,
                uint64_t *until) {
    size_t head = sizeof(UNTIL) - 1;
    fraud_pid_t pid;

    if (len > head && memcmp(line, UNTIL, head) == 0) {
        return fraud_str_uint(until, line + head, len - head, MAX_SECONDS) ==
               FRAUD_OK;
    }
    if (fraud_pid_decode(&pid, line, len) == FRAUD_OK) {
        add(all, arena, line, *until);
        return 1;
    }
    return len == 0 || *line == '#' || is(line, len, NOBODY);
}

static void read_file(const char *path, arena_t *arena, entries_t *all) {
    fraud_str_t text = conf_load(arena, path, NULL);
    const char *p = (const char *)text.data, *end = p + text.len;
    uint64_t until = 0;
    size_t len;

    all->list = NULL;
    all->n = 0;
    for (; p < end; p += len + (p + len < end)) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));

        len = stop != NULL ? (size_t)(stop - p) : (size_t)(end - p);
        if (!take(all, arena, p, len, &until)) {
            fail("%s has a line that is no pseudonym", path);
        }
    }
}

static int by_pid(const void *a, const void *b) {
    const entry_t *one = a, *two = b;
    int order = memcmp(one->pid, two->pid, FRAUD_PID_TEXT_LEN);

    if (order != 0) {
        return order;
    }
    return one->until > two->until ? -1 : one->until < two->until;
}

static int by_time(const void *a, const void *b) {
    const entry_t *one = a, *two = b;

    if (one->until != two->until) {
        return one->until < two->until ? -1 : 1;
    }
    return memcmp(one->pid, two->pid, FRAUD_PID_TEXT_LEN);
}

/* Each pseudonym once, with its latest time, in the order of times. */
static void sort(entries_t *all) {
    size_t i, n = 0;

    if (all->n == 0) {
        return;
    }
    qsort(all->list, all->n, sizeof(*all->list), by_pid);
    for (i = 0; i < all->n; i++) {
        if (n == 0 || memcmp(all->list[n - 1].pid, all->list[i].pid,
                             FRAUD_PID_TEXT_LEN) != 0) {
            all->list[n++] = all->list[i];
        }
    }
    all->n = n;
    qsort(all->list, all->n, sizeof(*all->list), by_time);
}

static void write_file(const char *path, arena_t *arena, entries_t *all) {
    char *text = arena_alloc(arena, (2 * all->n + 1) * MAX_LINE);
    uint64_t until = 0;
    struct stat st;
    size_t i, len;

    if (stat(path, &st) == -1) {
        fail("cannot look at %s: %s", path, strerror(errno));
    }
    sort(all);
    len = sizeof(NOBODY);
    memcpy(text, NOBODY "\n", len);
    for (i = 0; i < all->n; i++) {
        if (all->list[i].until != until) {
            until = all->list[i].until;
            len += (size_t)snprintf(text + len, MAX_LINE, UNTIL "%llu\n",
                                    (unsigned long long)until);
        }
        memcpy(text + len, all->list[i].pid, FRAUD_PID_TEXT_LEN);
        text[len + FRAUD_PID_TEXT_LEN] = '\n';
        len += FRAUD_PID_TEXT_LEN + 1;
    }
    vault_replace(path, text, len, &st);
}

void objections_add(const char *path, arena_t *arena, const pids_t *pids,
                    uint64_t until) {
    entries_t all;
    size_t i;

    read_file(path, arena, &all);
    for (i = 0; i < pids->n; i++) {
        add(&all, arena, pids->list[i], until);
    }
    write_file(path, arena, &all);
}

void objections_remove(const char *path, arena_t *arena, const pids_t *pids) {
    entries_t all;
    size_t i, n = 0;

    read_file(path, arena, &all);
    for (i = 0; i < all.n; i++) {
        if (!pids_has(pids, all.list[i].pid)) {
            all.list[n++] = all.list[i];
        }
    }
    all.n = n;
    write_file(path, arena, &all);
}

uint64_t objections_purge(const char *path, arena_t *arena, uint64_t now,
                          uint64_t until, int dry) {
    int untimed = 0;
    entries_t all;
    size_t i, n = 0, before;

    read_file(path, arena, &all);
    before = all.n;
    for (i = 0; i < all.n; i++) {
        if (all.list[i].until == 0) {
            all.list[i].until = until;
            untimed = 1;
        }
        if (all.list[i].until > now) {
            all.list[n++] = all.list[i];
        }
    }
    all.n = n;
    if (!dry && (untimed || n != before)) {
        write_file(path, arena, &all);
    }
    return before - n;
}
