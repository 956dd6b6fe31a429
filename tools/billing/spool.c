/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "spool.h"

#include "clock.h"
#include "fail.h"
#include "say.h"
#include "spool_file.h"
#include "spool_lines.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    char writer[FRAUD_SPOOL_WRITER_LEN + 1];
    uint64_t first;
} file_t;

typedef struct {
    uint64_t first; /* of the file */
    uint64_t offset;
    uint64_t seq; /* that comes next */
} place_t;

typedef struct {
    char name[FRAUD_SPOOL_WRITER_LEN + 1];
    place_t at;   /* so far it is read */
    place_t done; /* and done with */
    size_t away;  /* batches between the two */
    size_t file;  /* its first one in the list */
    size_t nfiles;
    int known;  /* the places are */
    int closed; /* its file cannot be read */
    int idle;   /* nothing more until the next look */
    int ended;
} writer_t;

struct spool_s {
    const char *path;
    DIR *dir;
    spool_where_t where;
    void *data;
    file_t *file;
    size_t nfiles, room;
    size_t nwriters;
    size_t turn;
    int64_t looked;   /* clock_ms() */
    size_t blind;     /* looks in vain */
    writer_t *writer; /* in the order of their names */
};

spool_t *spool_open(const char *dir, spool_where_t where, void *data) {
    spool_t *spool = calloc(1, sizeof(*spool));

    if (spool == NULL) {
        fail("no memory");
    }
    spool->path = dir;
    spool->dir = opendir(dir);
    if (spool->dir == NULL) {
        fail("cannot read the spool %s: %s", dir, strerror(errno));
    }
    spool->where = where;
    spool->data = data;
    spool->looked = clock_ms() - SPOOL_LOOK_MS;
    return spool;
}

int spool_close(spool_t *spool) {
    int closed = spool != NULL && spool->blind != 0;
    size_t i;

    for (i = 0; spool != NULL && i < spool->nwriters; i++) {
        closed |= spool->writer[i].closed;
    }
    if (spool != NULL) {
        (void)closedir(spool->dir);
        free(spool->writer);
        free(spool->file);
        free(spool);
    }
    return !closed;
}

static int compare(const void *a, const void *b) {
    const file_t *x = a, *y = b;
    int c = strcmp(x->writer, y->writer);

    return c != 0 ? c : (x->first > y->first) - (x->first < y->first);
}

static void add_file(spool_t *spool, const char *name) {
    file_t *file;

    if (spool->nfiles == spool->room) {
        size_t room = spool->room != 0 ? 2 * spool->room : 256;

        if (room > SPOOL_FILES) {
            fail("more than %u files in the spool %s", SPOOL_FILES,
                 spool->path);
        }
        file = realloc(spool->file, room * sizeof(*file));
        if (file == NULL) {
            fail("no memory");
        }
        spool->file = file;
        spool->room = room;
    }
    file = &spool->file[spool->nfiles];
    file->writer[FRAUD_SPOOL_WRITER_LEN] = '\0';
    if (fraud_spool_parse_name(file->writer, &file->first, name) == FRAUD_OK) {
        spool->nfiles++;
    }
}

static int compare_name(const void *name, const void *writer) {
    return strcmp(name, ((const writer_t *)writer)->name);
}

static writer_t *find(const spool_t *spool, const char *name) {
    return spool->nwriters != 0 ? bsearch(name, spool->writer, spool->nwriters,
                                          sizeof(writer_t), compare_name)
                                : NULL;
}

/* Writers without a file are forgotten. */
static void list_writers(spool_t *spool) {
    writer_t *all = calloc(spool->nfiles + 1, sizeof(*all));
    writer_t *writer = NULL, *known;
    size_t i, n = 0;

    if (all == NULL) {
        fail("no memory");
    }
    for (i = 0; i < spool->nfiles; i++) {
        const file_t *file = &spool->file[i];

        if (writer == NULL || strcmp(writer->name, file->writer) != 0) {
            writer = &all[n++];
            known = find(spool, file->writer);
            if (known != NULL) {
                *writer = *known;
            }
            memcpy(writer->name, file->writer, sizeof(writer->name));
            writer->file = i;
            writer->nfiles = 0;
            writer->idle = 0;
        }
        writer->nfiles++;
    }
    free(spool->writer);
    spool->writer = all;
    spool->nwriters = n;
}

/* The directory may be another one than at the last look. */
static void look(spool_t *spool) {
    struct dirent *entry;
    DIR *dir = opendir(spool->path);

    if (dir == NULL) {
        if (spool->blind++ == 0) {
            say(SAY_ALARM, "the spool cannot be read",
                SAY(SAY_I("errno", errno)));
        }
        return;
    }
    spool->blind = 0;
    (void)closedir(spool->dir);
    spool->dir = dir;
    spool->nfiles = 0;
    for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
        add_file(spool, entry->d_name);
    }
    if (errno != 0) {
        fail("cannot read the spool %s: %s", spool->path, strerror(errno));
    }
    if (spool->nfiles != 0) {
        qsort(spool->file, spool->nfiles, sizeof(*spool->file), compare);
    }
    list_writers(spool);
}

/* The file after the one that is read. */
static const file_t *next_file(const spool_t *spool, const writer_t *writer) {
    size_t end = writer->file + writer->nfiles, low = writer->file, high = end;
    size_t middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (spool->file[middle].first > writer->at.first) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low < end ? &spool->file[low] : NULL;
}

static int parse_place(place_t *place, const char *position) {
    place_t said;

    if (sscanf(position, "%16" SCNx64 " %19" SCNu64 " %16" SCNx64, &said.first,
               &said.offset, &said.seq) != 3) {
        return 0;
    }
    *place = said;
    return 1;
}

/* Return 0 if nobody knows where to go on. */
static int locate(spool_t *spool, writer_t *writer) {
    char position[SPOOL_POSITION];
    int rc;

    if (writer->known) {
        return 1;
    }
    rc = spool->where(spool->data, writer->name, position);
    if (rc < 0) {
        return 0;
    }
    if (rc == 0 || !parse_place(&writer->at, position)) {
        writer->at.first = writer->at.seq = spool->file[writer->file].first;
        writer->at.offset = 0;
    }
    writer->done = writer->at;
    writer->known = 1;
    return 1;
}

/* Return 0 if the file is there and cannot be read: nothing in it is lost. */
static int read_chunk(const spool_t *spool, writer_t *writer,
                      spool_batch_t *batch, size_t *len, uint64_t *size) {
    char name[FRAUD_SPOOL_NAME_SIZE];
    int64_t n;

    fraud_spool_name(name, writer->name, writer->at.first);
    n = spool_file_read(dirfd(spool->dir), name, batch->chunk, SPOOL_CHUNK,
                        writer->at.offset, size);
    if (n == SPOOL_FILE_CLOSED && !writer->closed) {
        say(SAY_ALARM, "a file of the spool cannot be read",
            SAY(SAY_T("file", name), SAY_I("errno", errno)));
    }
    writer->closed = n == SPOOL_FILE_CLOSED;
    *len = n > 0 ? (size_t)n : 0;
    return !writer->closed;
}

/*
 * Go to the next file, or let this be the end. What has no line feed is being
 * written, or never was: a writer that wrote a part of a record ends the line
 * and gives its number to the next one.
 */
static int at_end(spool_t *spool, writer_t *writer, spool_batch_t *batch,
                  size_t left, uint64_t size) {
    const file_t *next = next_file(spool, writer);
    place_t *at = &writer->at;

    if (left == SPOOL_CHUNK && at->offset + left < size) {
        at->offset += left; /* nothing but torn lines */
        return 1;
    }
    if (next == NULL) {
        return 0;
    }
    spool_lines_end(batch, left, &at->seq, next->first);
    at->first = next->first;
    at->offset = 0;
    at->seq = next->first > at->seq ? next->first : at->seq;
    return 1;
}

/* The next records of ${writer}; where there are none it may be in another
   file afterwards. */
static int read_writer(spool_t *spool, writer_t *writer, spool_batch_t *batch) {
    uint64_t size;
    size_t len;

    batch->n = 0;
    memcpy(batch->writer, writer->name, sizeof(batch->writer));
    while (batch->n == 0) {
        if (!read_chunk(spool, writer, batch, &len, &size)) {
            return 0;
        }
        writer->at.offset += spool_lines(batch, len, &writer->at.seq);
        if (batch->n == 0 && !at_end(spool, writer, batch, len, size)) {
            return 0;
        }
        if (batch->n == 0 && writer->away == 0) {
            writer->done = writer->at;
        }
    }
    (void)snprintf(batch->position, sizeof(batch->position),
                   "%016" PRIx64 " %" PRIu64 " %016" PRIx64, writer->at.first,
                   writer->at.offset, writer->at.seq);
    return 1;
}

int spool_read(spool_t *spool, spool_batch_t *batch) {
    writer_t *writer;
    size_t i;

    if (clock_ms() - spool->looked >= SPOOL_LOOK_MS) {
        look(spool);
        spool->looked = clock_ms();
    }
    for (i = 0; i < spool->nwriters; i++) {
        writer = &spool->writer[(spool->turn + i) % spool->nwriters];
        if (writer->idle || !locate(spool, writer)) {
            continue;
        }
        if (read_writer(spool, writer, batch)) {
            writer->away++;
            spool->turn = (spool->turn + i + 1) % spool->nwriters;
            return 1;
        }
        writer->idle = 1;
    }
    return 0;
}

void spool_done(spool_t *spool, const spool_batch_t *batch) {
    writer_t *writer = find(spool, batch->writer);

    if (writer == NULL || writer->away == 0) {
        return; /* its files are gone, or were */
    }
    writer->away--;
    (void)parse_place(&writer->done, batch->position);
    writer->ended = fraud_spool_is_end(batch->record[batch->n - 1].event);
}

void spool_back(spool_t *spool) {
    size_t i;

    for (i = 0; i < spool->nwriters; i++) {
        spool->writer[i].at = spool->writer[i].done;
        spool->writer[i].away = 0;
        spool->writer[i].idle = 0;
    }
}

void spool_again(spool_t *spool) {
    spool->nwriters = 0;
    spool->looked = clock_ms() - SPOOL_LOOK_MS;
}

/* Return 1 if all of the file is done with, and nobody appends to it. */
static int is_read(const writer_t *writer, const file_t *file,
                   const struct stat *about, time_t age) {
    if (file->first != writer->done.first) {
        return file->first < writer->done.first;
    }
    if (!writer->idle || writer->away != 0 || writer->closed) {
        return 0;
    }
    return age > SPOOL_APPEND_S ||
           (writer->ended && (uint64_t)about->st_size == writer->done.offset);
}

size_t spool_sweep(spool_t *spool, uint64_t keep) {
    char name[FRAUD_SPOOL_NAME_SIZE];
    const writer_t *writer;
    const file_t *file;
    struct stat about;
    int dir = dirfd(spool->dir);
    size_t i, k, n = 0;
    time_t age;

    for (i = 0; i < spool->nwriters; i++) {
        writer = &spool->writer[i];
        for (k = 0; writer->known && k < writer->nfiles; k++) {
            file = &spool->file[writer->file + k];
            fraud_spool_name(name, file->writer, file->first);
            if (fstatat(dir, name, &about, AT_SYMLINK_NOFOLLOW) == 0) {
                age = time(NULL) - about.st_mtime;
                n += age > (time_t)keep && is_read(writer, file, &about, age) &&
                     unlinkat(dir, name, 0) == 0;
            }
        }
    }
    return n;
}
