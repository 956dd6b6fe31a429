/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef OBJECTIONS_H
#define OBJECTIONS_H

/*
 * The file of "fraud_objections": pseudonyms that are not scored, in groups
 * that begin with a comment, "# until SECONDS": then their epochs are over and
 * nobody has them.
 */

#include "tombstone.h"

#define OBJECTIONS_EPOCHS 3 /* the one before this, this, and the next */

/*
 * objections_add(path, arena, pids, until),
 * objections_remove(path, arena, pids):
 * Add ${pids} to the file at ${path}, or remove them. It has to be there.
 */
void objections_add(const char *path, arena_t *arena, const pids_t *pids,
                    uint64_t until);
void objections_remove(const char *path, arena_t *arena, const pids_t *pids);

/*
 * objections_purge(path, arena, now, until, dry):
 * Remove those whose time was over at ${now}; the others without a time have
 * ${until}. Return how many went, or would with ${dry}.
 */
uint64_t objections_purge(const char *path, arena_t *arena, uint64_t now,
                          uint64_t until, int dry);

#endif /* OBJECTIONS_H */
