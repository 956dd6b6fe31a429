/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef VAULT_H
#define VAULT_H

/*
 * The directory where fraudctl keeps what it has to remember about the rights
 * of persons: audit.log, holds/ and tombstones/. Only its owner reads it. What
 * cannot be done ends the program (fail.h).
 */

#include "arena.h"
#include "fraud_event.h"

#include <sys/stat.h>

#define VAULT_PATH "/var/lib/nginx-fraud"
#define VAULT_LINE 1024

typedef struct {
    const char *path;
    arena_t *arena;
    int there; /* 0: nobody made it yet, and nothing is kept */
} vault_t;

/*
 * vault_open(vault, arena, path, make):
 * Open the directory at ${path} (NULL: VAULT_PATH), and with ${make} make one
 * that is missing.
 */
void vault_open(vault_t *vault, arena_t *arena, const char *path, int make);

/*
 * vault_join(vault, dir, name):
 * Return the path of ${name} in the directory ${dir} of the vault.
 */
const char *vault_join(const vault_t *vault, const char *dir, const char *name);

/*
 * vault_dir(path), vault_sync(path):
 * Make the directory at ${path} if it is missing, for nobody else; wait until
 * what was changed in it is on the disk.
 */
void vault_dir(const char *path);
void vault_sync(const char *path);

/*
 * vault_write(path, data, len):
 * Put a file with these bytes in the place of what is at ${path}, whole or not
 * at all, on the disk when this returns.
 */
void vault_write(const char *path, const void *data, size_t len);

/*
 * vault_replace(path, data, len, like):
 * The same, with the owner, group and mode of ${like} (NULL: for nobody else).
 */
void vault_replace(const char *path, const void *data, size_t len,
                   const struct stat *like);

/*
 * vault_remove(path):
 * Remove the file at ${path}, from the disk's directory too when this returns.
 * Return 0 if there is none.
 */
int vault_remove(const char *path);

/*
 * vault_audit(vault, event, print):
 * End ${event} and append it to the audit log, if the vault is there; with
 * ${print} print it too.
 */
void vault_audit(const vault_t *vault, fraud_event_t *event, int print);

#endif /* VAULT_H */
