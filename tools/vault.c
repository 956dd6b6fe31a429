/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "vault.h"

#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void failed(const char *what, const char *path) {
    fail("cannot %s %s: %s", what, path, strerror(errno));
}

void vault_dir(const char *path) {
    if (mkdir(path, 0700) == -1 && errno != EEXIST) {
        failed("make", path);
    }
}

void vault_open(vault_t *vault, arena_t *arena, const char *path, int make) {
    struct stat st;

    vault->path = path != NULL ? path : VAULT_PATH;
    vault->arena = arena;
    if (make) {
        vault_dir(vault->path);
    }
    vault->there = stat(vault->path, &st) == 0 && S_ISDIR(st.st_mode);
    if (make && !vault->there) {
        fail("%s is no directory", vault->path);
    }
}

const char *vault_join(const vault_t *vault, const char *dir,
                       const char *name) {
    const char *path = arena_join(vault->arena, vault->path, dir);

    return arena_join(vault->arena, path, name);
}

void vault_sync(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1 || fsync(fd) == -1) {
        failed("write", path);
    }
    (void)close(fd);
}

static void sync_parent(const char *path) {
    const char *slash = strrchr(path, '/');
    char dir[4096];
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);

    if (len >= sizeof(dir)) {
        fail("the path %s is too long", path);
    }
    if (len != 0) {
        memcpy(dir, path, len);
    } else {
        dir[len++] = slash == NULL ? '.' : '/';
    }
    dir[len] = '\0';
    vault_sync(dir);
}

static void put(int fd, const char *path, const void *data, size_t len) {
    const char *p = data;
    ssize_t n;

    while (len > 0) {
        n = write(fd, p, len);
        if (n == -1 && errno != EINTR) {
            failed("write", path);
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    if (fsync(fd) == -1) {
        failed("write", path);
    }
}

void vault_replace(const char *path, const void *data, size_t len,
                   const struct stat *like) {
    char name[4096];
    int fd, n = snprintf(name, sizeof(name), "%s.new", path);

    if (n < 0 || (size_t)n >= sizeof(name)) {
        fail("the path %s is too long", path);
    }
    (void)unlink(name);
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1) {
        failed("make", name);
    }
    if (like != NULL && (fchown(fd, like->st_uid, like->st_gid) == -1 ||
                         fchmod(fd, like->st_mode & 0777) == -1)) {
        failed("give away", name);
    }
    put(fd, name, data, len);
    (void)close(fd);
    if (rename(name, path) == -1) {
        failed("make", path);
    }
    sync_parent(path);
}

void vault_write(const char *path, const void *data, size_t len) {
    vault_replace(path, data, len, NULL);
}

int vault_remove(const char *path) {
    if (unlink(path) == -1) {
        if (errno == ENOENT) {
            return 0;
        }
        failed("remove", path);
    }
    sync_parent(path);
    return 1;
}

void vault_audit(const vault_t *vault, fraud_event_t *event, int print) {
    const char *path;
    int fd;

    if (fraud_event_end(event) != FRAUD_OK) {
        fail("the line for the audit log is too long");
    }
    if (print) {
        (void)printf("%.*s", (int)event->buf.len,
                     (const char *)event->buf.data);
    }
    if (!vault->there) {
        return;
    }
    path = arena_join(vault->arena, vault->path, "audit.log");
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
              0600);
    if (fd == -1) {
        failed("open", path);
    }
    put(fd, path, event->buf.data, event->buf.len);
    (void)close(fd);
}
