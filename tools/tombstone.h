/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TOMBSTONE_H
#define TOMBSTONE_H

/*
 * What was erased, by the pseudonyms of the epochs that lived then, so that it
 * can be erased once more after a backup was restored. A tombstone is a file
 * SECONDS-RANDOM in tombstones/ of the vault, or where nginx is told to leave
 * them, with a pid a line; the last line is "end", which tells a whole one.
 */

#include "fraud_pid.h"
#include "site.h"
#include "vault.h"

typedef struct {
    char (*list)[FRAUD_PID_TEXT_LEN + 1]; /* sorted, each once */
    size_t n;
} pids_t;

/*
 * pids_add(pids, arena, pid), pids_text(pids, arena, text), pids_sort(pids):
 * Add a pid, one as text, in any order; bring them into theirs.
 */
void pids_add(pids_t *pids, arena_t *arena, const fraud_pid_t *pid);
void pids_text(pids_t *pids, arena_t *arena, const char *text);
void pids_sort(pids_t *pids);

/*
 * pids_has(pids, text):
 * Return 1 if the FRAUD_PID_TEXT_LEN characters at ${text} are among them.
 */
int pids_has(const pids_t *pids, const char *text);

/*
 * tombstone_write(vault, pids, now):
 * Leave a tombstone for ${pids}, on the disk when this returns.
 */
void tombstone_write(const vault_t *vault, const pids_t *pids, uint64_t now);

/*
 * tombstone_read(vault, site, pids):
 * Set ${pids} to those of all tombstones, in the vault and where nginx leaves
 * them, sorted. One that is not whole ends the program.
 */
void tombstone_read(const vault_t *vault, const site_t *site, pids_t *pids);

/*
 * tombstone_purge(vault, site, now, keep, dry):
 * Remove the tombstones that are older than ${keep} seconds, and return how
 * many there were; with ${dry} only count them.
 */
uint64_t tombstone_purge(const vault_t *vault, const site_t *site, uint64_t now,
                         uint64_t keep, int dry);

#endif /* TOMBSTONE_H */
