/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * spool_test DIR: what spool.h promises, in that directory, which is empty.
 * TAP.
 */

#include "clock.h"
#include "spool.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ONE "00000000000000a1"
#define TWO "00000000000000b2"
#define MANY 300   /* records: more than a batch takes */
#define CROWD 5000 /* writers */

static int n, bad;
static const char *dir;
static uint64_t found; /* of the records that were read, the next one */

static void ok(int right, const char *what) {
    n++;
    if (!right) {
        bad = 1;
        (void)printf("not ");
    }
    (void)printf("ok %d - %s\n", n, what);
    (void)fflush(stdout);
}

static void need(int right, const char *what) {
    if (!right) {
        perror(what);
        exit(3);
    }
}

static const char *path_of(const char *writer, uint64_t first) {
    static char path[4096];
    char name[FRAUD_SPOOL_NAME_SIZE];

    fraud_spool_name(name, writer, first);
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

/* Write the records from ${first} up to ${end}, of which the last ends. */
static void put(const char *writer, uint64_t first, uint64_t end, int ends) {
    uint8_t head[FRAUD_SPOOL_HEAD];
    const char *text;
    fraud_str_t event;
    FILE *out = fopen(path_of(writer, first), "w");
    uint64_t seq;

    need(out != NULL, "a file of the spool");
    for (seq = first; seq < end; seq++) {
        text = ends && seq + 1 == end ? FRAUD_SPOOL_END : "{}";
        event.data = (const uint8_t *)text;
        event.len = strlen(text);
        fraud_spool_frame(head, writer, seq, event);
        need(fwrite(head, sizeof(head), 1, out) == 1 &&
                 fwrite(event.data, event.len, 1, out) == 1 &&
                 fputc('\n', out) != EOF,
             "a record");
    }
    need(fclose(out) == 0, "a file of the spool");
}

static void make_old(const char *writer, uint64_t first) {
    struct timespec then[2];

    (void)clock_gettime(CLOCK_REALTIME, &then[0]);
    then[0].tv_sec -= 3 * SPOOL_APPEND_S;
    then[1] = then[0];
    need(utimensat(AT_FDCWD, path_of(writer, first), then, 0) == 0,
         "utimensat");
}

static int is_there(const char *writer, uint64_t first) {
    return access(path_of(writer, first), F_OK) == 0;
}

static int where(void *data, const char *writer, char *position) {
    (void)data;
    (void)writer;
    (void)position;
    return 0;
}

static void wait_for_look(void) {
    struct timespec ts = {0, (SPOOL_LOOK_MS + 50) * 1000000l};

    (void)nanosleep(&ts, NULL);
}

/* Read a batch, whose records have to go on where the last one ended. */
static int take(spool_t *spool, spool_batch_t *batch) {
    size_t i;

    if (!spool_read(spool, batch)) {
        return 0;
    }
    for (i = 0; i < batch->n; i++) {
        if (batch->record[i].seq != found++ || batch->record[i].bad != NULL) {
            return -1;
        }
    }
    return 1;
}

/* Read and be done with all there is. */
static int take_all(spool_t *spool, spool_batch_t *batch) {
    int rc;

    wait_for_look();
    while ((rc = take(spool, batch)) == 1) {
        spool_done(spool, batch);
    }
    return rc;
}

static void clean(void) {
    static const uint64_t firsts[] = {0, MANY, (uint64_t)2 * MANY};
    size_t i;

    for (i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        (void)unlink(path_of(ONE, firsts[i]));
        (void)unlink(path_of(TWO, firsts[i]));
    }
    found = 0;
}

/* What cannot be opened is not what is gone. */
static void unopened(spool_batch_t *batch) {
    struct rlimit limit, none;
    spool_t *spool;

    put(ONE, 0, MANY, 0);
    put(ONE, MANY, (uint64_t)2 * MANY, 1);
    make_old(ONE, 0);
    make_old(ONE, MANY);
    spool = spool_open(dir, where, NULL);
    ok(take(spool, batch) == 1 && found < MANY, "a part of the first file");
    spool_done(spool, batch);

    need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    none = limit;
    none.rlim_cur = 0;
    need(setrlimit(RLIMIT_NOFILE, &none) == 0, "setrlimit");
    ok(take(spool, batch) == 0, "no more, as no file can be opened");
    need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    ok(spool_sweep(spool, 0) == 0 && is_there(ONE, 0),
       "nothing of it is deleted");
    ok(take_all(spool, batch) == 0 && found == (uint64_t)2 * MANY,
       "and then it goes on where it was");
    spool_close(spool);
    clean();
}

/* What is no file holds nobody up. */
static void odd(spool_batch_t *batch) {
    spool_t *spool;

    need(mkfifo(path_of(ONE, 0), 0600) == 0, "mkfifo");
    put(TWO, 0, 10, 1);
    spool = spool_open(dir, where, NULL);
    (void)alarm(10);
    ok(take_all(spool, batch) == 0 && found == 10, "a pipe is passed by");
    (void)alarm(0);
    spool_close(spool);
    clean();
}

/* What is read and not done with stays, and comes again. */
static void ahead(spool_batch_t *batch, spool_batch_t *next) {
    spool_t *spool;

    put(ONE, 0, 10, 0);
    put(ONE, 10, 20, 1);
    make_old(ONE, 0);
    make_old(ONE, 10);
    spool = spool_open(dir, where, NULL);
    ok(take(spool, batch) == 1 && take(spool, next) == 1 && found == 20,
       "two batches are on their way");
    ok(take(spool, batch) == 0, "and nothing is left");
    ok(spool_sweep(spool, 0) == 0, "nothing is done with");
    found = 0;
    spool_back(spool);
    ok(take(spool, batch) == 1 && take(spool, next) == 1 && found == 20,
       "both come again");
    spool_done(spool, batch);
    found = 10;
    spool_back(spool);
    ok(take(spool, next) == 1 && found == 20, "the first is done with");
    ok(spool_sweep(spool, 0) == 1 && is_there(ONE, 10), "and its file goes");
    spool_done(spool, next);
    ok(take(spool, batch) == 0 && spool_sweep(spool, 0) == 1, "or both are");
    ok(!is_there(ONE, 0) && !is_there(ONE, 10), "and gone");
    spool_close(spool);
    found = 0;
}

/* A writer whose files go and come while a batch of it is on its way. */
static void away(spool_batch_t *batch, spool_batch_t *next) {
    char kept[4096];
    spool_t *spool;

    put(ONE, 0, 10, 1);
    spool = spool_open(dir, where, NULL);
    ok(take(spool, batch) == 1 && found == 10, "a batch");
    (void)snprintf(kept, sizeof(kept), "%s/kept", dir);
    need(rename(path_of(ONE, 0), kept) == 0, "rename");
    wait_for_look();
    ok(take(spool, next) == 0, "its file goes");
    need(rename(kept, path_of(ONE, 0)) == 0, "rename");
    wait_for_look();
    found = 0;
    ok(take(spool, next) == 1 && found == 10, "and comes: it is read again");
    spool_done(spool, batch);
    spool_done(spool, next);
    ok(take(spool, batch) == 0, "once");
    spool_close(spool);
    clean();
}

/* However many writers there are, each of them is read. */
static void crowd(spool_batch_t *batch) {
    spool_t *spool = spool_open(dir, where, NULL);
    char writer[FRAUD_SPOOL_WRITER_LEN + 1];
    unsigned i, read = 0;

    for (i = 0; i < CROWD; i++) {
        (void)snprintf(writer, sizeof(writer), "%016x", CROWD + i);
        put(writer, 0, 1, 1);
    }
    while (spool_read(spool, batch)) {
        read += batch->n == 1;
        spool_done(spool, batch);
    }
    ok(read == CROWD, "a crowd of writers is read");
    for (i = 0; i < CROWD; i += 2) {
        (void)snprintf(writer, sizeof(writer), "%016x", CROWD + i);
        (void)unlink(path_of(writer, 0));
    }
    put(TWO, 0, 10, 1);
    ok(take_all(spool, batch) == 0 && found == 10,
       "and none of them again when others go");
    for (i = 0; i < CROWD; i++) {
        (void)snprintf(writer, sizeof(writer), "%016x", CROWD + i);
        (void)unlink(path_of(writer, 0));
    }
    spool_close(spool);
    clean();
}

/* Overwrite ${len} bytes at ${at} of a file. */
static void spoil(const char *writer, uint64_t first, long at, int c,
                  size_t len) {
    FILE *file = fopen(path_of(writer, first), "r+");

    need(file != NULL && fseek(file, at, SEEK_SET) == 0, "a file of the spool");
    while (len-- != 0) {
        need(fputc(c, file) != EOF, "a byte");
    }
    need(fclose(file) == 0, "a file of the spool");
}

/* Each bad line is a record, whether others or the end of the file follow. */
static void adjacent(spool_batch_t *batch) {
    const long line = FRAUD_SPOOL_HEAD + 3;
    spool_t *spool = spool_open(dir, where, NULL);
    int rc = 1;
    size_t i;

    put(ONE, 0, 10, 0);
    spoil(ONE, 0, 2 * line, 'x', 1);
    spoil(ONE, 0, 3 * line, 'x', 1);
    spoil(ONE, 0, 4 * line + FRAUD_SPOOL_HEAD, '[', 1);
    spoil(ONE, 0, 8 * line, 'x', 1);
    spoil(ONE, 0, 9 * line, 'x', (size_t)line);
    put(ONE, 10, 12, 1);
    wait_for_look();
    for (i = 0; spool_read(spool, batch); spool_done(spool, batch)) {
        size_t k;

        for (k = 0; k < batch->n; k++, i++) {
            rc &= batch->record[k].seq == i &&
                  (batch->record[k].bad != NULL) ==
                      ((i >= 2 && i <= 4) || i == 8 || i == 9);
        }
    }
    ok(rc && i == 12, "adjacent bad lines are a record each");
    spool_close(spool);
    (void)unlink(path_of(ONE, 10));
    clean();
}

int main(int argc, char **argv) {
    spool_batch_t *batch = calloc(2, sizeof(*batch));

    if (argc != 2 || batch == NULL) {
        return 2;
    }
    dir = argv[1];
    unopened(batch);
    odd(batch);
    ahead(batch, batch + 1);
    away(batch, batch + 1);
    crowd(batch);
    adjacent(batch);
    free(batch);
    (void)printf("1..%d\n", n);
    return bad;
}
