/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SPOOL_FILE_H
#define SPOOL_FILE_H

/* Reading one file of a spool, which anybody who may write there has made. */

#include <stddef.h>
#include <stdint.h>

#define SPOOL_FILE_GONE -1   /* there is none, or no regular file */
#define SPOOL_FILE_CLOSED -2 /* it cannot be read now; errno says why */

/*
 * spool_file_read(dir, name, chunk, len, offset, size):
 * Read at most ${len} bytes of the file ${name} in the open directory ${dir}
 * to ${chunk}, from ${offset} on, and set ${size} to that of the file. Return
 * how many, or one of the above. What is no regular file keeps nobody waiting.
 */
int64_t spool_file_read(int dir, const char *name, uint8_t *chunk, size_t len,
                        uint64_t offset, uint64_t *size);

#endif /* SPOOL_FILE_H */
