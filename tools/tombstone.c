/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "tombstone.h"

#include "conf.h"
#include "fail.h"
#include "fraud_str.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOMBSTONES "tombstones"
#define END "end"
#define MAX_SECONDS 100000000000u

typedef struct {
    const char **list;
    size_t n;
} paths_t;

static int compare(const void *a, const void *b) {
    return memcmp(a, b, FRAUD_PID_TEXT_LEN);
}

void pids_text(pids_t *pids, arena_t *arena, const char *text) {
    pids->list = arena_grow(arena, pids->list, pids->n, sizeof(*pids->list));
    memcpy(pids->list[pids->n], text, FRAUD_PID_TEXT_LEN);
    pids->list[pids->n++][FRAUD_PID_TEXT_LEN] = '\0';
}

void pids_add(pids_t *pids, arena_t *arena, const fraud_pid_t *pid) {
    char text[FRAUD_PID_TEXT_LEN];

    fraud_pid_encode(text, pid);
    pids_text(pids, arena, text);
}

void pids_sort(pids_t *pids) {
    size_t i, n = 0;

    if (pids->n == 0) {
        return;
    }
    qsort(pids->list, pids->n, sizeof(*pids->list), compare);
    for (i = 0; i < pids->n; i++) {
        if (n == 0 || compare(pids->list[n - 1], pids->list[i]) != 0) {
            memmove(pids->list[n++], pids->list[i], sizeof(*pids->list));
        }
    }
    pids->n = n;
}

int pids_has(const pids_t *pids, const char *text) {
    return pids->n != 0 && bsearch(text, pids->list, pids->n,
                                   sizeof(*pids->list), compare) != NULL;
}

void tombstone_write(const vault_t *vault, const pids_t *pids, uint64_t now) {
    size_t i, len = 0, size = pids->n * (FRAUD_PID_TEXT_LEN + 1);
    fraud_pid_key_t random;
    char name[64], *text;

    if (fraud_pid_key_random(&random) != FRAUD_OK) {
        fail("the system has no random bytes");
    }
    (void)snprintf(name, sizeof(name), "%llu-%02x%02x%02x%02x",
                   (unsigned long long)now, random.bytes[0], random.bytes[1],
                   random.bytes[2], random.bytes[3]);
    text = arena_alloc(vault->arena, size + sizeof(END "\n"));
    for (i = 0; i < pids->n; i++) {
        memcpy(text + len, pids->list[i], FRAUD_PID_TEXT_LEN);
        text[len + FRAUD_PID_TEXT_LEN] = '\n';
        len += FRAUD_PID_TEXT_LEN + 1;
    }
    memcpy(text + len, END "\n", sizeof(END));
    vault_dir(vault_join(vault, TOMBSTONES, ""));
    vault_write(vault_join(vault, TOMBSTONES, name), text,
                len + sizeof(END "\n") - 1);
}

/* Return 0 if it is the name of no tombstone. */
static int parse_name(uint64_t *made, const char *name) {
    size_t digits = strcspn(name, "-");

    return name[digits] == '-' && strlen(name + digits) == 9 &&
           strspn(name + digits + 1, "0123456789abcdef") == 8 &&
           fraud_str_uint(made, name, digits, MAX_SECONDS) == FRAUD_OK;
}

static void read_one(const vault_t *vault, pids_t *pids, const char *path) {
    const char *p, *end;
    fraud_str_t text = conf_load(vault->arena, path, NULL);
    fraud_pid_t pid;

    p = (const char *)text.data;
    end = p + text.len;
    while ((size_t)(end - p) > FRAUD_PID_TEXT_LEN &&
           fraud_pid_decode(&pid, p, FRAUD_PID_TEXT_LEN) == FRAUD_OK &&
           p[FRAUD_PID_TEXT_LEN] == '\n') {
        pids_add(pids, vault->arena, &pid);
        p += FRAUD_PID_TEXT_LEN + 1;
    }
    if (end - p != sizeof(END) || memcmp(p, END "\n", sizeof(END)) != 0) {
        fail("%s is not whole, restore it before anything is served", path);
    }
}

/* Add the paths of those in ${dir}. */
static void find(paths_t *found, arena_t *arena, const char *dir) {
    DIR *entries = opendir(dir);
    struct dirent *entry;
    uint64_t made;

    if (entries == NULL) {
        if (errno != ENOENT) {
            fail("cannot read %s: %s", dir, strerror(errno));
        }
        return;
    }
    while ((entry = readdir(entries)) != NULL) {
        if (parse_name(&made, entry->d_name)) {
            found->list =
                arena_grow(arena, found->list, found->n, sizeof(*found->list));
            found->list[found->n++] = arena_join(arena, dir, entry->d_name);
        }
    }
    (void)closedir(entries);
}

/* Those of the vault, and those that nginx leaves elsewhere. */
static void find_all(paths_t *found, const vault_t *vault, const site_t *site) {
    const char *own = arena_join(vault->arena, vault->path, TOMBSTONES);
    size_t i;

    found->list = NULL;
    found->n = 0;
    find(found, vault->arena, own);
    for (i = 0; i < site->ntombstones; i++) {
        if (strcmp(site->tombstones[i], own) != 0) {
            find(found, vault->arena, site->tombstones[i]);
        }
    }
}

void tombstone_read(const vault_t *vault, const site_t *site, pids_t *pids) {
    paths_t found;
    size_t i;

    pids->list = NULL;
    pids->n = 0;
    find_all(&found, vault, site);
    for (i = 0; i < found.n; i++) {
        read_one(vault, pids, found.list[i]);
    }
    pids_sort(pids);
}

uint64_t tombstone_purge(const vault_t *vault, const site_t *site, uint64_t now,
                         uint64_t keep, int dry) {
    uint64_t made, deleted = 0;
    paths_t found;
    size_t i;

    find_all(&found, vault, site);
    for (i = 0; i < found.n; i++) {
        if (parse_name(&made, strrchr(found.list[i], '/') + 1) &&
            now > made + keep) {
            deleted += dry || vault_remove(found.list[i]);
        }
    }
    return deleted;
}
