
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <pthread.h>

#include "ngx_http_fraud.h"


/*
 * Files are watched, read and compiled by one thread of each worker, off the
 * event loop; a timer of the event loop picks up what is ready.  The thread
 * uses no part of nginx but the types: what it needs is copied to malloc()ed
 * memory, so that a thread stuck in a file system can be left behind.
 */


#define NGX_HTTP_FRAUD_WATCH_SEC   1     /* between two looks at the files */
#define NGX_HTTP_FRAUD_PICKUP      500   /* ms, between two looks at them */
#define NGX_HTTP_FRAUD_EXIT_SEC    2     /* that a leaving worker waits */
#define NGX_HTTP_FRAUD_NICE        10    /* of the thread */


typedef struct {
    ngx_http_fraud_source_t   *source;    /* the event loop's */

    ngx_http_fraud_source_e    type;
    ngx_uint_t                 n;
    ngx_http_fraud_part_t     *parts;     /* copies, as all of the thread's */
    ngx_http_fraud_stamp_t    *loaded;    /* of each part */
    ngx_http_fraud_stamp_t    *seen;

    void                      *fresh;     /* under the mutex, both ways */
    void                      *stale;
    ngx_uint_t                 bad;       /* the part that failed, from 1 */
    fraud_err_t                err;
} ngx_http_fraud_watched_t;


struct ngx_http_fraud_watch_s {
    pthread_mutex_t            mutex;
    pthread_cond_t             wake;
    pthread_t                  thread;
    unsigned                   started:1;
    unsigned                   stop:1;
    unsigned                   left:1;
    ngx_event_t                event;
    ngx_connection_t           dummy;     /* names the event in debug logs */
    ngx_http_fraud_ring_t     *ring;      /* NULL: secrets are in memory */
    ngx_uint_t                 n;
    ngx_http_fraud_watched_t  *files;
};


static ngx_http_fraud_watch_t *ngx_http_fraud_watch_create(
    ngx_http_fraud_main_conf_t *fmcf);
static ngx_int_t ngx_http_fraud_watch_add(ngx_http_fraud_watched_t *file,
    ngx_http_fraud_source_t *source);
static void ngx_http_fraud_watch_free(ngx_http_fraud_watch_t *watch);
static void *ngx_http_fraud_watch_cycle(void *data);
static void ngx_http_fraud_watch_file(ngx_http_fraud_watch_t *watch,
    ngx_http_fraud_watched_t *file);
static ngx_uint_t ngx_http_fraud_watch_changed(ngx_http_fraud_watched_t *file);
static void ngx_http_fraud_watch_pickup(ngx_event_t *ev);
static void ngx_http_fraud_watch_swap(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_watched_t *file, ngx_log_t *log);


ngx_int_t
ngx_http_fraud_watch_start(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf)
{
    int                      rc;
    sigset_t                 all, before;
    ngx_http_fraud_watch_t  *watch;

    watch = ngx_http_fraud_watch_create(fmcf);
    if (watch == NULL) {
        return NGX_ERROR;
    }

    watch->dummy.fd = (ngx_socket_t) -1;
    watch->dummy.data = fmcf;

    watch->event.data = &watch->dummy;
    watch->event.handler = ngx_http_fraud_watch_pickup;
    watch->event.log = cycle->log;
    watch->event.cancelable = 1;

    watch->ring = fmcf->ring;

    fmcf->watch = watch;

    ngx_add_timer(&watch->event, NGX_HTTP_FRAUD_PICKUP);

    if (watch->n == 0 && watch->ring == NULL) {
        return NGX_OK;
    }

    (void) pthread_mutex_init(&watch->mutex, NULL);
    (void) pthread_cond_init(&watch->wake, NULL);

    /* signals are the event loop's */

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);

    rc = pthread_create(&watch->thread, NULL, ngx_http_fraud_watch_cycle,
                        watch);

    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (rc != 0) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, rc,
                      "pthread_create() failed, fraud files are not watched");
        return NGX_OK;
    }

    watch->started = 1;

    if (watch->ring) {
        ngx_http_fraud_ring_watched(watch->ring);
    }

    return NGX_OK;
}


static ngx_http_fraud_watch_t *
ngx_http_fraud_watch_create(ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_uint_t                 i;
    ngx_http_fraud_watch_t    *watch;
    ngx_http_fraud_source_t  **source;

    watch = calloc(1, sizeof(ngx_http_fraud_watch_t));
    if (watch == NULL) {
        return NULL;
    }

    watch->files = calloc(fmcf->sources.nelts + 1,
                          sizeof(ngx_http_fraud_watched_t));
    if (watch->files == NULL) {
        free(watch);
        return NULL;
    }

    source = fmcf->sources.elts;

    for (i = 0; i < fmcf->sources.nelts; i++) {

        watch->n++;

        if (ngx_http_fraud_watch_add(&watch->files[i], source[i]) != NGX_OK) {
            ngx_http_fraud_watch_free(watch);
            return NULL;
        }
    }

    return watch;
}


/* a file replaced since the configuration was read counts as changed */

static ngx_int_t
ngx_http_fraud_watch_add(ngx_http_fraud_watched_t *file,
    ngx_http_fraud_source_t *source)
{
    ngx_uint_t              i;
    ngx_http_fraud_part_t  *part;

    part = source->parts.elts;

    file->source = source;
    file->type = source->type;

    file->parts = calloc(source->parts.nelts, sizeof(ngx_http_fraud_part_t));
    file->loaded = calloc(source->parts.nelts, sizeof(ngx_http_fraud_stamp_t));
    file->seen = calloc(source->parts.nelts, sizeof(ngx_http_fraud_stamp_t));

    if (file->parts == NULL || file->loaded == NULL || file->seen == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < source->parts.nelts; i++) {

        file->parts[i] = part[i];
        file->parts[i].text.data = malloc(part[i].text.len + 1);

        if (file->parts[i].text.data == NULL) {
            return NGX_ERROR;
        }

        file->n++;

        ngx_memcpy(file->parts[i].text.data, part[i].text.data,
                   part[i].text.len);
        file->parts[i].text.data[part[i].text.len] = '\0';

        ngx_http_fraud_stamp(&file->loaded[i], &part[i].stat);
    }

    return NGX_OK;
}


static void
ngx_http_fraud_watch_free(ngx_http_fraud_watch_t *watch)
{
    ngx_uint_t                 i, k;
    ngx_http_fraud_watched_t  *file;

    for (i = 0; i < watch->n; i++) {
        file = &watch->files[i];

        if (file->fresh) {
            ngx_http_fraud_source_free(file->type, file->fresh);
        }

        if (file->stale) {
            ngx_http_fraud_source_free(file->type, file->stale);
        }

        for (k = 0; k < file->n; k++) {
            free(file->parts[k].text.data);
        }

        free(file->parts);
        free(file->loaded);
        free(file->seen);
    }

    ngx_http_fraud_ring_free(watch->ring);

    free(watch->files);
    free(watch);
}


void
ngx_http_fraud_stamp(ngx_http_fraud_stamp_t *stamp, struct stat *sb)
{
    ngx_memzero(stamp, sizeof(ngx_http_fraud_stamp_t));

    stamp->dev = sb->st_dev;
    stamp->ino = sb->st_ino;
    stamp->size = sb->st_size;
    stamp->mtime = sb->st_mtim;
    stamp->ctime = sb->st_ctim;
}


static void *
ngx_http_fraud_watch_cycle(void *data)
{
    ngx_http_fraud_watch_t *watch = data;

    ngx_uint_t       i, stop;
    struct timespec  ts;

#if (NGX_LINUX)
    /* of this thread alone: requests go first */
    (void) setpriority(PRIO_PROCESS, 0, NGX_HTTP_FRAUD_NICE);
#endif

    do {
        for (i = 0; i < watch->n; i++) {
            ngx_http_fraud_watch_file(watch, &watch->files[i]);
        }

        if (watch->ring) {
            ngx_http_fraud_ring_watch(watch->ring);
        }

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        ts.tv_sec += NGX_HTTP_FRAUD_WATCH_SEC;

        (void) pthread_mutex_lock(&watch->mutex);

        if (!watch->stop) {
            (void) pthread_cond_timedwait(&watch->wake, &watch->mutex, &ts);
        }

        stop = watch->stop;
        watch->left = (unsigned) stop;

        if (stop) {
            (void) pthread_cond_broadcast(&watch->wake);
        }

        (void) pthread_mutex_unlock(&watch->mutex);

    } while (!stop);

    return NULL;
}


/*
 * Loads what has changed and has stopped changing: what is still being
 * written is left for the next look.
 */

static void
ngx_http_fraud_watch_file(ngx_http_fraud_watch_t *watch,
    ngx_http_fraud_watched_t *file)
{
    void         *object, *stale;
    fraud_rc      rc;
    ngx_uint_t    stop, bad;
    fraud_err_t   err;

    (void) pthread_mutex_lock(&watch->mutex);
    stale = file->stale;
    file->stale = NULL;
    stop = watch->stop;
    (void) pthread_mutex_unlock(&watch->mutex);

    if (stale) {
        ngx_http_fraud_source_free(file->type, stale);
    }

    if (stop || !ngx_http_fraud_watch_changed(file)) {
        return;
    }

    object = NULL;
    stale = NULL;
    ngx_memzero(&err, sizeof(fraud_err_t));

    rc = ngx_http_fraud_source_make(file->type, file->parts, file->n, &object,
                                    &err, &bad);

    (void) pthread_mutex_lock(&watch->mutex);

    if (rc == FRAUD_OK) {
        stale = file->fresh;
        file->fresh = object;

    } else {
        file->bad = bad + 1;
        file->err = err;
    }

    (void) pthread_mutex_unlock(&watch->mutex);

    if (stale) {
        ngx_http_fraud_source_free(file->type, stale);
    }
}


static ngx_uint_t
ngx_http_fraud_watch_changed(ngx_http_fraud_watched_t *file)
{
    ngx_uint_t              i, changed, moving;
    struct stat             sb;
    ngx_http_fraud_stamp_t  stamp;

    changed = 0;
    moving = 0;

    for (i = 0; i < file->n; i++) {

        if (!file->parts[i].file) {
            continue;
        }

        if (stat((char *) file->parts[i].text.data, &sb) == -1) {
            /* a missing file is on its way: the old one stays */
            return 0;
        }

        ngx_http_fraud_stamp(&stamp, &sb);

        changed |= (ngx_memcmp(&stamp, &file->loaded[i], sizeof(stamp)) != 0);
        moving |= (ngx_memcmp(&stamp, &file->seen[i], sizeof(stamp)) != 0);

        file->seen[i] = stamp;
    }

    if (!changed || moving) {
        return 0;
    }

    ngx_memcpy(file->loaded, file->seen,
               file->n * sizeof(ngx_http_fraud_stamp_t));

    return 1;
}


static void
ngx_http_fraud_watch_pickup(ngx_event_t *ev)
{
    uint64_t                     now_us;
    ngx_uint_t                   i;
    ngx_connection_t            *dummy;
    ngx_http_fraud_watch_t      *watch;
    ngx_http_fraud_main_conf_t  *fmcf;

    dummy = ev->data;
    fmcf = dummy->data;
    watch = fmcf->watch;

    for (i = 0; watch->started && i < watch->n; i++) {
        ngx_http_fraud_watch_swap(fmcf, &watch->files[i], ev->log);
    }

    ngx_http_fraud_keys_pickup(fmcf, ev->log);

    now_us = ngx_http_fraud_now();

    /* secrets go on time, also where no request comes */
    ngx_http_fraud_zone_epoch(fmcf, now_us);

    if (ngx_worker == 0) {
        ngx_http_fraud_zone_sweep(fmcf, now_us);
    }

    if (!ngx_exiting) {
        ngx_add_timer(ev, NGX_HTTP_FRAUD_PICKUP);
    }
}


static void
ngx_http_fraud_watch_swap(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_watched_t *file, ngx_log_t *log)
{
    ngx_str_t               *what;
    const char              *why;
    ngx_uint_t               loaded, bad;
    fraud_err_t              err;
    ngx_http_fraud_part_t   *part;
    ngx_http_fraud_watch_t  *watch;

    watch = fmcf->watch;

    if (pthread_mutex_trylock(&watch->mutex) != 0) {
        return;
    }

    loaded = (file->fresh != NULL && file->stale == NULL);

    if (loaded) {
        file->stale = file->source->object;
        file->source->object = file->fresh;
        file->fresh = NULL;
    }

    bad = file->bad;
    err = file->err;
    file->bad = 0;

    (void) pthread_mutex_unlock(&watch->mutex);

    /* all workers load the same files: one of them tells */

    if (ngx_worker != 0) {
        return;
    }

    if (loaded) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_LOADED);

        what = file->type == NGX_HTTP_FRAUD_MATCH ? &file->source->value
                                                  : &file->parts[0].text;

        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "\"%V\": \"%V\" was loaded again",
                      &file->parts[0].directive, what);
    }

    if (bad) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_LOAD_ERRORS);

        part = &file->parts[bad - 1];
        why = err.why[0] ? err.why : "no memory";

        if (err.line) {
            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "\"%V\": file \"%V\" line %uz: %s, the one before "
                          "it stays in force", &part->directive, &part->text,
                          err.line, why);

        } else {
            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "\"%V\": file \"%V\": %s, the one before it stays "
                          "in force", &part->directive, &part->text, why);
        }
    }
}


void
ngx_http_fraud_watch_stop(ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_uint_t               left;
    struct timespec          ts;
    ngx_http_fraud_watch_t  *watch;

    watch = fmcf->watch;

    if (watch == NULL) {
        return;
    }

    if (watch->event.timer_set) {
        ngx_del_timer(&watch->event);
    }

    left = 1;

    if (watch->started) {
        (void) clock_gettime(CLOCK_REALTIME, &ts);
        ts.tv_sec += NGX_HTTP_FRAUD_EXIT_SEC;

        (void) pthread_mutex_lock(&watch->mutex);

        watch->stop = 1;
        (void) pthread_cond_broadcast(&watch->wake);

        while (!watch->left
               && pthread_cond_timedwait(&watch->wake, &watch->mutex, &ts)
                  == 0)
        {
            /* void */
        }

        left = watch->left;

        (void) pthread_mutex_unlock(&watch->mutex);
    }

    fmcf->watch = NULL;
    fmcf->ring = NULL;

    if (!left) {
        /* it is stuck in a file system, and owns what it uses */
        (void) pthread_detach(watch->thread);
        return;
    }

    if (watch->started) {
        (void) pthread_join(watch->thread, NULL);
    }

    ngx_http_fraud_watch_free(watch);
}
