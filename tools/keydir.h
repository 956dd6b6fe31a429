/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef KEYDIR_H
#define KEYDIR_H

/*
 * A directory of secrets, a file for each epoch (fraud_keys.h). Files are only
 * ever replaced whole, and what goes is overwritten first. What cannot be done
 * ends the program (fail.h).
 */

#include "arena.h"
#include "fraud_keys.h"

typedef struct {
    const char *path;
    int fd;
    int lock;   /* -1: not held */
    long group; /* that reads the files, -1: nobody but their owner */
} keydir_t;

/* One file, its content in memory for secrets. */
typedef struct {
    char *text;
    fraud_keys_t keys;
} keyfile_t;

/* Domains, in order of bytes, each once. */
typedef struct {
    fraud_str_t *name;
    size_t n;
} keynames_t;

/*
 * keydir_open(dir, path, group, make):
 * Open the directory at ${path}, whose files are to be read by ${group} too
 * (-1: nobody else); with ${make} one that is missing is made.
 */
void keydir_open(keydir_t *dir, const char *path, long group, int make);

/*
 * keydir_lock(dir):
 * Wait until no other program changes the directory, and be the one that does
 * until keydir_close().
 */
void keydir_lock(keydir_t *dir);

/*
 * keydir_close(dir):
 * Close it, and give back the lock.
 */
void keydir_close(keydir_t *dir);

/*
 * keydir_read(dir, name, file, err), keydir_release(file):
 * Read the file ${name}: FRAUD_NOTFOUND if there is none, FRAUD_EINVAL and
 * ${err} if it is malformed. Overwrite and give back what was read, in any
 * case.
 */
fraud_rc keydir_read(const keydir_t *dir, const char *name, keyfile_t *file,
                     fraud_err_t *err) FRAUD_CHECK;
void keydir_release(keyfile_t *file);

/*
 * keydir_ensure(dir, epoch, length, names):
 * Make the file of ${epoch} of ${length} seconds with a new secret for each of
 * ${names}, or add those that it lacks. Secrets that are there stay.
 */
void keydir_ensure(const keydir_t *dir, uint64_t epoch, uint64_t length,
                   const keynames_t *names);

/*
 * keydir_destroy(dir, epoch, length):
 * Overwrite and remove all files of epochs that had ended when the one before
 * ${epoch} began, and what a program that was killed left behind.
 */
void keydir_destroy(const keydir_t *dir, uint64_t epoch, uint64_t length);

/*
 * keydir_files(dir, arena, n):
 * Return the numbers of the ${*n} files there are, rising.
 */
uint64_t *keydir_files(const keydir_t *dir, arena_t *arena, size_t *n);

#endif /* KEYDIR_H */
