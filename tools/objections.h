/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef OBJECTIONS_H
#define OBJECTIONS_H

/*
 * The file of "fraud_objections": a pid a line, of those who are kept out of
 * scoring, after a line "nobody", as nginx takes no empty file. It reads it
 * again when it is replaced.
 */

#include "tombstone.h"

/*
 * objections_add(path, arena, pids), objections_remove(path, arena, pids):
 * Put a file with ${pids} too, or without them, in its place; owner, group and
 * mode stay. What cannot be done ends the program (fail.h).
 */
void objections_add(const char *path, arena_t *arena, const pids_t *pids);
void objections_remove(const char *path, arena_t *arena, const pids_t *pids);

#endif /* OBJECTIONS_H */
