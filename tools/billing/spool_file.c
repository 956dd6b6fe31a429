/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A link is not followed, and nobody listens at a socket. */
static int is_none(int error) {
    return error == ENOENT || error == ELOOP || error == ENXIO;
}

int64_t spool_file_read(int dir, const char *name, uint8_t *chunk, size_t len,
                        uint64_t offset, uint64_t *size) {
    struct stat about;
    ssize_t n = SPOOL_FILE_CLOSED;
    int fd, error;

    *size = 0;
    fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return is_none(errno) ? SPOOL_FILE_GONE : SPOOL_FILE_CLOSED;
    }
    if (fstat(fd, &about) == 0) {
        n = SPOOL_FILE_GONE;
        if (S_ISREG(about.st_mode)) {
            *size = (uint64_t)about.st_size;
            n = pread(fd, chunk, len, (off_t)offset);
            n = n < 0 ? SPOOL_FILE_CLOSED : n;
        }
    }
    error = errno;
    (void)close(fd);
    errno = error;
    return n;
}
