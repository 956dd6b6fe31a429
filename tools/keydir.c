/* SPDX-License-Identifier: BSD-2-Clause */

#define _DEFAULT_SOURCE /* flock */

#include "keydir.h"

#include "fail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK ".lock"
#define UNFINISHED ".new" /* the only other one, for who has the lock */

static void failed(const keydir_t *dir, const char *what, const char *name) {
    fail("cannot %s %s/%s: %s", what, dir->path, name, strerror(errno));
}

/* Owner and mode, also of what was made before the group was another. */
static void let_read(const keydir_t *dir, int fd, const char *name,
                     mode_t owner, mode_t group) {
    if (dir->group >= 0 && fchown(fd, (uid_t)-1, (gid_t)dir->group) == -1) {
        failed(dir, "change the group of", name);
    }
    if (fchmod(fd, dir->group >= 0 ? owner | group : owner) == -1) {
        failed(dir, "change the mode of", name);
    }
}

void keydir_open(keydir_t *dir, const char *path, long group, int make) {
    int made;

    dir->path = path;
    dir->lock = -1;
    dir->group = group;
    made = make && mkdir(path, 0700) == 0;
    if (make && !made && errno != EEXIST) {
        fail("cannot make %s: %s", path, strerror(errno));
    }
    dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->fd == -1) {
        fail("cannot open %s: %s", path, strerror(errno));
    }
    if (made) {
        let_read(dir, dir->fd, "", 0700, 0050);
    }
}

void keydir_lock(keydir_t *dir) {
    dir->lock =
        openat(dir->fd, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (dir->lock == -1) {
        failed(dir, "open", LOCK);
    }
    while (flock(dir->lock, LOCK_EX) == -1) {
        if (errno != EINTR) {
            failed(dir, "lock", LOCK);
        }
    }
}

void keydir_close(keydir_t *dir) {
    if (dir->lock != -1) {
        (void)close(dir->lock);
    }
    (void)close(dir->fd);
}

fraud_rc keydir_read(const keydir_t *dir, const char *name, keyfile_t *file,
                     fraud_err_t *err) {
    size_t len = 0;
    ssize_t n;
    int fd;

    file->text = NULL;
    fd = openat(dir->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1 && errno == ENOENT) {
        return FRAUD_NOTFOUND;
    }
    file->text = fraud_pid_memory_new(FRAUD_KEYS_MAX_BYTES + 1);
    if (file->text == NULL) {
        fail("not enough memory");
    }
    do {
        n = fd == -1
                ? -1
                : read(fd, file->text + len, FRAUD_KEYS_MAX_BYTES + 1 - len);
        if (n == -1) {
            failed(dir, "read", name);
        }
        len += (size_t)n;
    } while (n > 0 && len <= FRAUD_KEYS_MAX_BYTES);
    (void)close(fd);
    return fraud_keys_parse(&file->keys, file->text, len, err);
}

void keydir_release(keyfile_t *file) {
    fraud_pid_memory_free(file->text);
}

static void write_all(const keydir_t *dir, int fd, const char *name,
                      const void *data, size_t len) {
    const char *p = data;
    ssize_t n;

    while (len > 0) {
        n = write(fd, p, len);
        if (n == -1 && errno != EINTR) {
            failed(dir, "write", name);
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    if (fsync(fd) == -1) {
        failed(dir, "write", name);
    }
}

/* What the open file holds goes from the disk, wherever its name went. */
static void overwrite(const keydir_t *dir, int fd, const char *name) {
    static const char zeroes[FRAUD_KEYS_MAX_BYTES];
    struct stat st;
    size_t len;

    if (fstat(fd, &st) == -1 || lseek(fd, 0, SEEK_SET) == -1) {
        failed(dir, "overwrite", name);
    }
    len = st.st_size < (off_t)sizeof(zeroes) ? (size_t)st.st_size
                                             : sizeof(zeroes);
    write_all(dir, fd, name, zeroes, len);
}

static void sync_dir(const keydir_t *dir) {
    if (fsync(dir->fd) == -1) {
        failed(dir, "write", "");
    }
}

/* Return 0 if there is no such file. */
static int destroy(const keydir_t *dir, const char *name) {
    int fd = openat(dir->fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd == -1 && errno == ENOENT) {
        return 0;
    }
    if (fd == -1) {
        failed(dir, "open", name);
    }
    overwrite(dir, fd, name);
    (void)close(fd);
    if (unlinkat(dir->fd, name, 0) == -1) {
        failed(dir, "remove", name);
    }
    sync_dir(dir);
    return 1;
}

/* The file with this content in the place of the one before, if any. */
static void replace(const keydir_t *dir, const char *name,
                    const fraud_buf_t *buf) {
    int fd, old;

    (void)destroy(dir, UNFINISHED);
    fd = openat(dir->fd, UNFINISHED,
                O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1) {
        failed(dir, "make", UNFINISHED);
    }
    write_all(dir, fd, UNFINISHED, buf->data, buf->len);
    let_read(dir, fd, UNFINISHED, 0600, 0040);
    (void)close(fd);
    old = openat(dir->fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (old == -1 && errno != ENOENT) {
        failed(dir, "open", name);
    }
    if (renameat(dir->fd, UNFINISHED, dir->fd, name) == -1) {
        failed(dir, "make", name);
    }
    sync_dir(dir);
    if (old != -1) {
        overwrite(dir, old, name);
        (void)close(old);
    }
}

/* Return -1, 0 or 1 as name a comes before b, is it, or comes after. */
static int compare(const void *a, const void *b) {
    const fraud_str_t *x = a, *y = b;
    int c = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

    return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

static void add_new(fraud_buf_t *buf, fraud_str_t name) {
    fraud_pid_key_t key;

    if (fraud_pid_key_random(&key) != FRAUD_OK) {
        fail("the system has no random bytes");
    }
    fraud_keys_add(buf, name, &key);
    fraud_pid_key_wipe(&key);
}

static void tell_new(const fraud_keys_t *keys, const keynames_t *names,
                     const char *what, const char *file) {
    fraud_pid_key_t key;
    size_t i;

    (void)printf("%s %s:", what, file);
    for (i = 0; i < names->n; i++) {
        if (fraud_keys_find(keys, names->name[i], &key) != FRAUD_OK) {
            (void)printf(" %.*s", (int)names->name[i].len,
                         (const char *)names->name[i].data);
        }
    }
    fraud_pid_key_wipe(&key);
    (void)putchar('\n');
}

/*
 * Those of the file and the new ones, in one order; without a buffer they are
 * only counted. Return how many there are.
 */
static size_t merge(const fraud_keys_t *keys, const keynames_t *names,
                    fraud_buf_t *buf) {
    const char *at = keys->lines;
    fraud_str_t domain = {NULL, 0};
    fraud_pid_key_t key;
    size_t i = 0, n = 0;
    int more = fraud_keys_next(keys, &at, &domain, &key), order;

    while (more || i < names->n) {
        order = !more           ? 1
                : i == names->n ? -1
                                : compare(&domain, &names->name[i]);
        if (buf != NULL && order <= 0) {
            fraud_keys_add(buf, domain, &key);
        } else if (buf != NULL) {
            add_new(buf, names->name[i]);
        }
        i += order >= 0;
        n++;
        if (order <= 0) {
            more = fraud_keys_next(keys, &at, &domain, &key);
        }
    }
    fraud_pid_key_wipe(&key);
    return n;
}

static void check(const keydir_t *dir, const char *name, fraud_rc rc,
                  const fraud_keys_t *keys, const fraud_err_t *err,
                  uint64_t epoch, uint64_t length) {
    if (rc != FRAUD_OK) {
        fail("%s/%s line %zu %s; remove it and run this again", dir->path, name,
             err->line, err->why);
    }
    if (keys->epoch != epoch || keys->length != length) {
        fail("%s/%s is of epoch %llu of %llu s, not of %llu s", dir->path, name,
             (unsigned long long)keys->epoch, (unsigned long long)keys->length,
             (unsigned long long)length);
    }
}

void keydir_ensure(const keydir_t *dir, uint64_t epoch, uint64_t length,
                   const keynames_t *names) {
    keyfile_t file = {NULL, {0, 0, 0, "", NULL}};
    fraud_err_t err = {0, 0, ""};
    char name[FRAUD_KEYS_NAME_SIZE];
    uint8_t *text;
    fraud_buf_t buf;
    fraud_rc rc;
    size_t n;
    int fd;

    fraud_keys_name(name, epoch);
    rc = keydir_read(dir, name, &file, &err);
    if (rc == FRAUD_NOTFOUND) {
        file.keys.end = file.keys.lines;
    } else {
        check(dir, name, rc, &file.keys, &err, epoch, length);
    }
    n = merge(&file.keys, names, NULL);
    if (n > FRAUD_KEYS_MAX) {
        fail("%s/%s would have %zu secrets, at most %u are possible", dir->path,
             name, n, FRAUD_KEYS_MAX);
    }
    if (n != file.keys.n || rc == FRAUD_NOTFOUND) {
        text = fraud_pid_memory_new(FRAUD_KEYS_MAX_BYTES);
        if (text == NULL) {
            fail("not enough memory");
        }
        fraud_buf_init(&buf, text, FRAUD_KEYS_MAX_BYTES);
        fraud_keys_begin(&buf, epoch, length, n);
        (void)merge(&file.keys, names, &buf);
        replace(dir, name, &buf);
        fraud_pid_memory_free(text);
        tell_new(&file.keys, names, rc == FRAUD_OK ? "added to" : "made", name);
    } else {
        fd = openat(dir->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd == -1) {
            failed(dir, "open", name);
        }
        let_read(dir, fd, name, 0600, 0040);
        (void)close(fd);
    }
    keydir_release(&file);
}

static int by_number(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

uint64_t *keydir_files(const keydir_t *dir, arena_t *arena, size_t *n) {
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd == -1 ? NULL : fdopendir(fd);
    uint64_t *numbers = NULL, epoch;
    struct dirent *entry;

    if (entries == NULL) {
        failed(dir, "read", "");
    }
    *n = 0;
    while ((entry = readdir(entries)) != NULL) {
        if (fraud_keys_parse_name(&epoch, entry->d_name) == FRAUD_OK) {
            numbers = arena_grow(arena, numbers, *n, sizeof(*numbers));
            numbers[(*n)++] = epoch;
        }
    }
    (void)closedir(entries);
    if (*n != 0) {
        qsort(numbers, *n, sizeof(*numbers), by_number);
    }
    return numbers;
}

void keydir_destroy(const keydir_t *dir, uint64_t epoch, uint64_t length) {
    uint64_t *numbers, of;
    char name[FRAUD_KEYS_NAME_SIZE];
    arena_t arena = {NULL};
    fraud_err_t err;
    keyfile_t file;
    size_t i, n;

    (void)destroy(dir, UNFINISHED);
    numbers = keydir_files(dir, &arena, &n);
    for (i = 0; i < n; i++) {
        fraud_keys_name(name, numbers[i]);
        /* one of another length may be in use by another configuration */
        of = length;
        if (keydir_read(dir, name, &file, &err) == FRAUD_OK &&
            file.keys.epoch == numbers[i]) {
            of = file.keys.length;
        }
        keydir_release(&file);
        if (epoch != 0 && (numbers[i] + 1) * of <= (epoch - 1) * length &&
            destroy(dir, name)) {
            (void)printf("destroyed %s\n", name);
        }
    }
    arena_free(&arena);
}
