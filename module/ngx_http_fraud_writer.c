
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <dirent.h>
#include <sys/file.h>

#include "ngx_http_fraud_flag.h"


/*
 * The thread of a worker that seals flags and appends them to the spool: a
 * record is one write(), a batch of them one wait for the disk, and a flag
 * that is settled as written is on it.  A sequence number is taken by a whole
 * record only, so that numbers have no gap whatever fails.
 *
 * Workers of a host share the directory and the sum of its sizes: they take
 * turns.  What fails is tried again every second; flags are lost when that
 * went on for a while, and at once when the worker leaves.
 */


#define NGX_HTTP_FRAUD_WRITER_AGE       3600  /* seconds, of a file */
#define NGX_HTTP_FRAUD_WRITER_PATIENCE  10    /* seconds, of failures */
#define NGX_HTTP_FRAUD_WRITER_RETRY     1000  /* ms, after one */
#define NGX_HTTP_FRAUD_WRITER_SLOW      50    /* ms, until more seals */
#define NGX_HTTP_FRAUD_WRITER_TURN      5     /* ms */
#define NGX_HTTP_FRAUD_WRITER_TURNS     200
#define NGX_HTTP_FRAUD_WRITER_LOCK      ".lock"


typedef DIR  ngx_http_fraud_dir_t;


static void ngx_http_fraud_writer_wait(ngx_http_fraud_writer_t *writer,
    ngx_msec_t ms);
static ngx_uint_t ngx_http_fraud_writer_batch(ngx_http_fraud_writer_t *writer,
    ngx_uint_t n, ngx_uint_t hurry);
static ngx_uint_t ngx_http_fraud_writer_items(ngx_http_fraud_writer_t *writer,
    int dir, ngx_uint_t n, ngx_uint_t hurry);
static ngx_http_fraud_spooled_t *ngx_http_fraud_writer_item(
    ngx_http_fraud_writer_t *writer, ngx_uint_t n);
static void ngx_http_fraud_writer_settle(ngx_http_fraud_writer_t *writer,
    ngx_uint_t from, ngx_uint_t n, ngx_http_fraud_spooled_e state);
static ngx_http_fraud_dir_t *ngx_http_fraud_writer_dir(
    ngx_http_fraud_writer_t *writer);
static void ngx_http_fraud_writer_look(ngx_http_fraud_writer_t *writer,
    ngx_http_fraud_dir_t *dir);
static int ngx_http_fraud_writer_turn(ngx_http_fraud_writer_t *writer,
    int dir);
static void ngx_http_fraud_writer_leave(ngx_http_fraud_writer_t *writer,
    ngx_http_fraud_dir_t *dir);
static ngx_int_t ngx_http_fraud_writer_put(ngx_http_fraud_writer_t *writer,
    int dir, ngx_http_fraud_spooled_t *item);
static ngx_int_t ngx_http_fraud_writer_record(ngx_http_fraud_writer_t *writer,
    int dir, u_char *line, fraud_str_t *event);
static ngx_int_t ngx_http_fraud_writer_file(ngx_http_fraud_writer_t *writer,
    int dir, size_t len);
static ngx_uint_t ngx_http_fraud_writer_astray(ngx_http_fraud_writer_t *writer,
    int dir);
static ngx_int_t ngx_http_fraud_writer_sync(ngx_http_fraud_writer_t *writer);
static ngx_int_t ngx_http_fraud_writer_close(ngx_http_fraud_writer_t *writer);
static void ngx_http_fraud_writer_end(ngx_http_fraud_writer_t *writer);
static time_t ngx_http_fraud_writer_now(void);


void *
ngx_http_fraud_writer_cycle(void *data)
{
    ngx_http_fraud_writer_t *writer = data;

    ngx_uint_t  n, done, stop;

    (void) pthread_mutex_lock(&writer->mutex);

    for ( ;; ) {

        while (writer->head == writer->tail && !writer->stop) {
            (void) pthread_cond_wait(&writer->wake, &writer->mutex);
        }

        n = writer->head - writer->tail;
        stop = writer->stop;

        if (n == 0) {
            break;
        }

        (void) pthread_mutex_unlock(&writer->mutex);

        n = ngx_min(n, NGX_HTTP_FRAUD_SPOOL_BATCH);
        done = ngx_http_fraud_writer_batch(writer, n, stop);

        (void) pthread_mutex_lock(&writer->mutex);

        writer->tail += done;
        writer->bytes = writer->total;
        writer->err = writer->failed ? writer->why : 0;

        if (done < n) {
            ngx_http_fraud_writer_wait(writer, writer->failed
                                               ? NGX_HTTP_FRAUD_WRITER_RETRY
                                               : NGX_HTTP_FRAUD_WRITER_SLOW);
        }
    }

    (void) pthread_mutex_unlock(&writer->mutex);

    ngx_http_fraud_writer_end(writer);

    (void) pthread_mutex_lock(&writer->mutex);

    writer->left = 1;
    (void) pthread_cond_broadcast(&writer->wake);

    (void) pthread_mutex_unlock(&writer->mutex);

    return NULL;
}


/* under the mutex; only the end of the worker makes it shorter */

static void
ngx_http_fraud_writer_wait(ngx_http_fraud_writer_t *writer, ngx_msec_t ms)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    ts.tv_sec += ms / 1000;
    ts.tv_nsec += (long) (ms % 1000) * 1000000;

    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }

    while (!writer->stop
           && pthread_cond_timedwait(&writer->wake, &writer->mutex, &ts) == 0)
    {
        /* void */
    }
}


/* how many of the first n in the queue are settled now */

static ngx_uint_t
ngx_http_fraud_writer_batch(ngx_http_fraud_writer_t *writer, ngx_uint_t n,
    ngx_uint_t hurry)
{
    time_t                 now;
    ngx_uint_t             done;
    ngx_http_fraud_dir_t  *dir;

    writer->why = 0;
    done = 0;

    dir = ngx_http_fraud_writer_dir(writer);

    if (dir) {
        done = ngx_http_fraud_writer_items(writer, dirfd(dir), n, hurry);

        ngx_http_fraud_writer_leave(writer, dir);
    }

    if (done && ngx_http_fraud_writer_sync(writer) != NGX_OK) {
        done = 0;
    }

    ngx_http_fraud_writer_settle(writer, 0, done,
                                 NGX_HTTP_FRAUD_SPOOL_WRITTEN);

    /* what gets on, if slowly, is not lost */

    if (done) {
        writer->failed = 0;
    }

    if (writer->why == 0) {
        return done;
    }

    now = ngx_http_fraud_writer_now();

    if (writer->failed == 0) {
        writer->failed = now;
    }

    if (!hurry && now - writer->failed < NGX_HTTP_FRAUD_WRITER_PATIENCE) {
        return done;
    }

    ngx_http_fraud_writer_settle(writer, done, n, NGX_HTTP_FRAUD_SPOOL_LOST);

    return n;
}


static ngx_uint_t
ngx_http_fraud_writer_items(ngx_http_fraud_writer_t *writer, int dir,
    ngx_uint_t n, ngx_uint_t hurry)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_http_fraud_spooled_t  *item;

    for (i = 0; i < n; i++) {
        item = ngx_http_fraud_writer_item(writer, i);

        if (!hurry && !ngx_http_fraud_seal_budget()) {
            break;
        }

        rc = ngx_http_fraud_writer_put(writer, dir, item);

        if (rc == NGX_ERROR) {
            break;
        }

        if (rc == NGX_DECLINED) {
            item->state = NGX_HTTP_FRAUD_SPOOL_LOST;
        }
    }

    return i;
}


static ngx_http_fraud_spooled_t *
ngx_http_fraud_writer_item(ngx_http_fraud_writer_t *writer, ngx_uint_t n)
{
    /* tail is changed by this thread only */

    return &writer->items[(writer->tail + n) % NGX_HTTP_FRAUD_SPOOL_QUEUE];
}


static void
ngx_http_fraud_writer_settle(ngx_http_fraud_writer_t *writer, ngx_uint_t from,
    ngx_uint_t n, ngx_http_fraud_spooled_e state)
{
    ngx_uint_t                 i;
    ngx_http_fraud_spooled_t  *item;

    for (i = from; i < n; i++) {
        item = ngx_http_fraud_writer_item(writer, i);

        if (item->state == NGX_HTTP_FRAUD_SPOOL_WAITING) {
            item->state = state;
        }

        ngx_explicit_memzero(writer->accounts[item - writer->items],
                             item->len);
    }
}


/* the directory, looked through, in this writer's turn */

static ngx_http_fraud_dir_t *
ngx_http_fraud_writer_dir(ngx_http_fraud_writer_t *writer)
{
    int                    fd;
    ngx_http_fraud_dir_t  *dir;

    fd = open(writer->dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == -1) {
        writer->why = errno;
        return NULL;
    }

    if (ngx_http_fraud_writer_turn(writer, fd) == -1) {
        writer->why = errno;
        (void) close(fd);
        return NULL;
    }

    dir = fdopendir(fd);

    if (dir == NULL) {
        writer->why = errno;
        (void) close(writer->lock);
        (void) close(fd);
        return NULL;
    }

    ngx_http_fraud_writer_look(writer, dir);

    return dir;
}


/*
 * A file of their own is locked: whoever may read a directory may lock it, and
 * in NFS only what may be written is locked.
 */

static int
ngx_http_fraud_writer_turn(ngx_http_fraud_writer_t *writer, int dir)
{
    int              err;
    ngx_uint_t       i;
    struct timespec  ts;

    writer->lock = openat(dir, NGX_HTTP_FRAUD_WRITER_LOCK,
                          O_RDWR|O_CREAT|O_NOFOLLOW|O_CLOEXEC, 0600);

    if (writer->lock == -1) {
        return -1;
    }

    ts.tv_sec = 0;
    ts.tv_nsec = NGX_HTTP_FRAUD_WRITER_TURN * 1000000;

    for (i = 0; i < NGX_HTTP_FRAUD_WRITER_TURNS; i++) {

        if (flock(writer->lock, LOCK_EX|LOCK_NB) == 0) {
            return 0;
        }

        if (errno != EWOULDBLOCK) {
            break;
        }

        (void) nanosleep(&ts, NULL);
    }

    err = errno;
    (void) close(writer->lock);
    errno = err;

    return -1;
}


/* the turn of others */

static void
ngx_http_fraud_writer_leave(ngx_http_fraud_writer_t *writer,
    ngx_http_fraud_dir_t *dir)
{
    (void) close(writer->lock);
    (void) closedir(dir);
}


static void
ngx_http_fraud_writer_look(ngx_http_fraud_writer_t *writer, DIR *dir)
{
    char            name[FRAUD_SPOOL_WRITER_LEN];
    uint64_t        first;
    struct stat     sb;
    struct dirent  *entry;

    writer->total = 0;

    while ((entry = readdir(dir)) != NULL) {
        if (fraud_spool_parse_name(name, &first, entry->d_name) == FRAUD_OK
            && fstatat(dirfd(dir), entry->d_name, &sb, AT_SYMLINK_NOFOLLOW)
               == 0)
        {
            writer->total += (uint64_t) sb.st_size;
        }
    }
}


/* NGX_DECLINED: it is no flag, and will not become one */

static ngx_int_t
ngx_http_fraud_writer_put(ngx_http_fraud_writer_t *writer, int dir,
    ngx_http_fraud_spooled_t *item)
{
    char             seal[FRAUD_SEAL_TEXT_LEN(FRAUD_SEAL_MAX_DATA)];
    u_char           line[1 + FRAUD_SPOOL_HEAD + FRAUD_FLAG_MAX_BYTES];
    size_t           len;
    fraud_str_t      context, account, event;
    fraud_flag_t    *flag;
    struct timespec  ts;

    context.data = (u_char *) item->id;
    context.len = FRAUD_FLAG_ID_LEN;
    account.data = writer->accounts[item - writer->items];
    account.len = item->len;

    if (fraud_seal_close(seal, &len, &writer->key, context, account)
        != FRAUD_OK)
    {
        return NGX_DECLINED;
    }

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    flag = &item->flag;

    flag->node.data = (u_char *) writer->node;
    flag->node.len = strlen(writer->node);
    flag->writer.data = (u_char *) writer->writer;
    flag->writer.len = FRAUD_SPOOL_WRITER_LEN;
    flag->seq = writer->seq;
    flag->seal.data = (u_char *) seal;
    flag->seal.len = len;
    flag->now_ms = (uint64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;

    if (fraud_flag_print(line + 1 + FRAUD_SPOOL_HEAD, &len, flag, item->id)
        != FRAUD_OK)
    {
        return NGX_DECLINED;
    }

    event.data = line + 1 + FRAUD_SPOOL_HEAD;
    event.len = len - 1;

    return ngx_http_fraud_writer_record(writer, dir, line, &event);
}


/*
 * The event, and its line feed behind it, are in the line already.  What a
 * write tore before is ended first; its number was not taken.
 */

static ngx_int_t
ngx_http_fraud_writer_record(ngx_http_fraud_writer_t *writer, int dir,
    u_char *line, fraud_str_t *event)
{
    u_char   *p;
    size_t    len;
    ssize_t   n;

    len = FRAUD_SPOOL_HEAD + event->len + 1;

    if (ngx_http_fraud_writer_file(writer, dir, len + 1) != NGX_OK) {
        return NGX_ERROR;
    }

    fraud_spool_frame(line + 1, writer->writer, writer->seq, *event);

    p = line + 1;

    if (writer->torn) {
        *--p = LF;
        len++;
    }

    n = write(writer->fd, p, len);

    if (n > 0) {
        writer->size += n;
        writer->total += n;
    }

    if (n == (ssize_t) len) {
        writer->torn = 0;
        writer->seq++;
        return NGX_OK;
    }

    writer->why = n == -1 ? errno : ENOSPC;
    writer->torn |= (n > 0);

    return NGX_ERROR;
}


/* a file that has room for one more record */

static ngx_int_t
ngx_http_fraud_writer_file(ngx_http_fraud_writer_t *writer, int dir,
    size_t len)
{
    time_t  now;

    now = ngx_http_fraud_writer_now();

    /* a file without a record has the name that the next one would have */

    if (writer->fd != -1
        && ((writer->seq != writer->first
             && (writer->size + len > writer->segment
                 || now - writer->opened >= NGX_HTTP_FRAUD_WRITER_AGE))
            || ngx_http_fraud_writer_astray(writer, dir))
        && ngx_http_fraud_writer_close(writer) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (writer->total + len > writer->max) {
        writer->why = NGX_HTTP_FRAUD_SPOOL_FULL;
        return NGX_ERROR;
    }

    if (writer->fd != -1) {
        return NGX_OK;
    }

    fraud_spool_name(writer->name, writer->writer, writer->seq);

    writer->fd = openat(dir, writer->name,
                        O_WRONLY|O_CREAT|O_EXCL|O_APPEND|O_NOFOLLOW|O_CLOEXEC,
                        0600);

    if (writer->fd == -1) {
        writer->why = errno;
        return NGX_ERROR;
    }

    writer->opened = now;
    writer->first = writer->seq;
    writer->size = 0;
    writer->torn = 0;

    if (fsync(dir) == -1) {
        writer->why = errno;

        /* its name may not last: it is made again */

        (void) unlinkat(dir, writer->name, 0);
        (void) close(writer->fd);
        writer->fd = -1;

        return NGX_ERROR;
    }

    return NGX_OK;
}


/* 1 if the file is not where readers look: it, or its directory, was moved */

static ngx_uint_t
ngx_http_fraud_writer_astray(ngx_http_fraud_writer_t *writer, int dir)
{
    struct stat  own, there;

    return fstat(writer->fd, &own) == -1
           || fstatat(dir, writer->name, &there, AT_SYMLINK_NOFOLLOW) == -1
           || own.st_dev != there.st_dev || own.st_ino != there.st_ino;
}


/* after a failure nobody knows what is on the disk: the next file begins */

static ngx_int_t
ngx_http_fraud_writer_sync(ngx_http_fraud_writer_t *writer)
{
    if (writer->fd == -1 || fdatasync(writer->fd) == 0) {
        return NGX_OK;
    }

    writer->why = errno;

    (void) close(writer->fd);
    writer->fd = -1;

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_fraud_writer_close(ngx_http_fraud_writer_t *writer)
{
    if (ngx_http_fraud_writer_sync(writer) != NGX_OK) {
        return NGX_ERROR;
    }

    if (writer->fd != -1) {
        (void) close(writer->fd);
        writer->fd = -1;
    }

    return NGX_OK;
}


/* a writer without records needs no end */

static void
ngx_http_fraud_writer_end(ngx_http_fraud_writer_t *writer)
{
    u_char                 line[1 + FRAUD_SPOOL_HEAD + sizeof(FRAUD_SPOOL_END)];
    fraud_str_t            event;
    ngx_http_fraud_dir_t  *dir;

    dir = writer->seq ? ngx_http_fraud_writer_dir(writer) : NULL;

    if (dir) {
        event.data = line + 1 + FRAUD_SPOOL_HEAD;
        event.len = sizeof(FRAUD_SPOOL_END) - 1;

        ngx_memcpy(line + 1 + FRAUD_SPOOL_HEAD, FRAUD_SPOOL_END "\n",
                   sizeof(FRAUD_SPOOL_END));

        (void) ngx_http_fraud_writer_record(writer, dirfd(dir), line, &event);
        ngx_http_fraud_writer_leave(writer, dir);
    }

    (void) ngx_http_fraud_writer_close(writer);
}


static time_t
ngx_http_fraud_writer_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec;
}
