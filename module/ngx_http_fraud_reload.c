
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <pthread.h>

#include "ngx_http_fraud.h"
#include "fraud_list.h"
#include "fraud_match.h"
#include "fraud_strset.h"


/*
 * Files are watched, read and compiled by one thread of each worker, off the
 * event loop; a timer of the event loop picks up what is ready.  The thread
 * uses no part of nginx but the types: what it needs is copied to malloc()ed
 * memory, so that a thread stuck in a file system can be left behind.
 */


#define NGX_HTTP_FRAUD_MAX_FILE    (1024 * 1024 * 1024)
#define NGX_HTTP_FRAUD_WATCH_SEC   1     /* between two looks at the files */
#define NGX_HTTP_FRAUD_PICKUP      500   /* ms, between two looks at them */
#define NGX_HTTP_FRAUD_EXIT_SEC    2     /* that a leaving worker waits */
#define NGX_HTTP_FRAUD_NICE        10    /* of the thread */


typedef struct {
    dev_t                      dev;
    ino_t                      ino;
    off_t                      size;
    struct timespec            mtime;
    struct timespec            ctime;
} ngx_http_fraud_stamp_t;


typedef struct {
    ngx_http_fraud_source_t   *source;    /* the event loop's */

    ngx_http_fraud_source_e    type;
    unsigned                   nocase:1;
    char                      *path;
    ngx_http_fraud_stamp_t     loaded;    /* the thread's */
    ngx_http_fraud_stamp_t     seen;

    void                      *fresh;     /* under the mutex, both ways */
    void                      *stale;
    unsigned                   failed:1;
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
    ngx_uint_t                 n;
    ngx_http_fraud_watched_t   files[1];
};


static fraud_rc ngx_http_fraud_make(ngx_http_fraud_source_e type,
    const char *text, size_t len, ngx_uint_t nocase, void **object,
    fraud_err_t *err);
static fraud_rc ngx_http_fraud_make_file(ngx_http_fraud_source_e type,
    const char *path, ngx_uint_t nocase, void **object, fraud_err_t *err);
static fraud_rc ngx_http_fraud_read_file(const char *path, char **data,
    size_t *len, fraud_err_t *err);
static void ngx_http_fraud_free(ngx_http_fraud_source_e type, void *object);
static void ngx_http_fraud_source_cleanup(void *data);
static void ngx_http_fraud_stamp(ngx_http_fraud_stamp_t *stamp,
    struct stat *sb);
static void ngx_http_fraud_why(fraud_err_t *err, const char *what, int no);
static void *ngx_http_fraud_watch_cycle(void *data);
static void ngx_http_fraud_watch_file(ngx_http_fraud_watch_t *watch,
    ngx_http_fraud_watched_t *file);
static void ngx_http_fraud_watch_pickup(ngx_event_t *ev);
static ngx_int_t ngx_http_fraud_readable(ngx_conf_t *cf, ngx_str_t *path,
    ngx_core_conf_t *ccf);


ngx_int_t
ngx_http_fraud_source_load(ngx_conf_t *cf, ngx_http_fraud_source_t *source)
{
    fraud_rc             rc;
    fraud_err_t          err;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&err, sizeof(fraud_err_t));

    if (source->file) {
        if (stat((char *) source->text.data, &source->stat) == -1) {
            ngx_memzero(&source->stat, sizeof(struct stat));
        }

        rc = ngx_http_fraud_make_file(source->type, (char *) source->text.data,
                                      source->nocase, &source->object, &err);

    } else {
        rc = ngx_http_fraud_make(source->type, (char *) source->text.data,
                                 source->text.len, source->nocase,
                                 &source->object, &err);
    }

    if (rc == FRAUD_OK) {
        cln->handler = ngx_http_fraud_source_cleanup;
        cln->data = source;

        return NGX_OK;
    }

    if (!source->file) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": pattern \"%V\" does not compile: %s at "
                           "offset %uz, correct it", cf->args->elts,
                           &source->text, err.why, err.at);

    } else if (err.line) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": file \"%V\" line %uz offset %uz: %s, "
                           "correct it", cf->args->elts, &source->text,
                           err.line, err.at, err.why);

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": file \"%V\": %s, correct it or the path",
                           cf->args->elts, &source->text,
                           rc == FRAUD_ENOMEM ? "no memory" : err.why);
    }

    return NGX_ERROR;
}


static void
ngx_http_fraud_source_cleanup(void *data)
{
    ngx_http_fraud_source_t *source = data;

    ngx_http_fraud_free(source->type, source->object);
}


static fraud_rc
ngx_http_fraud_make(ngx_http_fraud_source_e type, const char *text, size_t len,
    ngx_uint_t nocase, void **object, fraud_err_t *err)
{
    fraud_match_conf_t  conf;

    switch (type) {

    case NGX_HTTP_FRAUD_LIST:
        return fraud_list_load((fraud_list_t **) object, NULL, text, len, err);

    case NGX_HTTP_FRAUD_STRINGS:
        return fraud_strset_load((fraud_strset_t **) object, NULL, text, len,
                                 err);

    default: /* NGX_HTTP_FRAUD_MATCH */
        ngx_memzero(&conf, sizeof(fraud_match_conf_t));
        conf.nocase = (int) nocase;

        return fraud_match_one((fraud_match_t **) object, NULL, &conf, text,
                               len, err);
    }
}


static fraud_rc
ngx_http_fraud_make_file(ngx_http_fraud_source_e type, const char *path,
    ngx_uint_t nocase, void **object, fraud_err_t *err)
{
    char                *data;
    size_t               len;
    fraud_rc             rc;
    fraud_match_conf_t   conf;

    if (type == NGX_HTTP_FRAUD_GEO) {
        return fraud_geo_open((fraud_geo_t **) object, NULL, path, err);
    }

    rc = ngx_http_fraud_read_file(path, &data, &len, err);

    if (rc != FRAUD_OK) {
        return rc;
    }

    if (type == NGX_HTTP_FRAUD_MATCH) {
        ngx_memzero(&conf, sizeof(fraud_match_conf_t));
        conf.nocase = (int) nocase;

        rc = fraud_match_load((fraud_match_t **) object, NULL, &conf, data,
                              len, err);

    } else {
        rc = ngx_http_fraud_make(type, data, len, nocase, object, err);
    }

    free(data);

    return rc;
}


static fraud_rc
ngx_http_fraud_read_file(const char *path, char **data, size_t *len,
    fraud_err_t *err)
{
    int           fd;
    char         *p;
    size_t        size;
    ssize_t       n;
    struct stat   sb;

    fd = open(path, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

    if (fd == -1) {
        ngx_http_fraud_why(err, "cannot be opened", errno);
        return FRAUD_EIO;
    }

    p = NULL;

    if (fstat(fd, &sb) == -1 || !S_ISREG(sb.st_mode)) {
        ngx_http_fraud_why(err, "is not a regular file", 0);
        goto failed;
    }

    if (sb.st_size > NGX_HTTP_FRAUD_MAX_FILE) {
        ngx_http_fraud_why(err, "is larger than 1 GiB", 0);
        goto failed;
    }

    p = malloc((size_t) sb.st_size + 1);
    if (p == NULL) {
        ngx_http_fraud_why(err, "no memory", 0);
        goto failed;
    }

    for (size = 0; size < (size_t) sb.st_size; size += n) {

        n = read(fd, p + size, (size_t) sb.st_size - size);

        if (n == -1) {
            ngx_http_fraud_why(err, "cannot be read", errno);
            goto failed;
        }

        if (n == 0) {
            break;
        }
    }

    (void) close(fd);

    *data = p;
    *len = size;

    return FRAUD_OK;

failed:

    free(p);
    (void) close(fd);

    return FRAUD_EIO;
}


static void
ngx_http_fraud_why(fraud_err_t *err, const char *what, int no)
{
    (void) snprintf(err->why, sizeof(err->why), "%s%s%s", what,
                    no == 0 ? "" : ": ",
                    no == 0 ? "" : no == ENOENT ? "no such file"
                    : no == EACCES ? "permission denied" : "system error");
}


static void
ngx_http_fraud_free(ngx_http_fraud_source_e type, void *object)
{
    switch (type) {

    case NGX_HTTP_FRAUD_LIST:
        fraud_list_free(object);
        break;

    case NGX_HTTP_FRAUD_STRINGS:
        fraud_strset_free(object);
        break;

    case NGX_HTTP_FRAUD_MATCH:
        fraud_match_free(object);
        break;

    default: /* NGX_HTTP_FRAUD_GEO */
        fraud_geo_free(object);
        break;
    }
}


static void
ngx_http_fraud_stamp(ngx_http_fraud_stamp_t *stamp, struct stat *sb)
{
    ngx_memzero(stamp, sizeof(ngx_http_fraud_stamp_t));

    stamp->dev = sb->st_dev;
    stamp->ino = sb->st_ino;
    stamp->size = sb->st_size;
    stamp->mtime = sb->st_mtim;
    stamp->ctime = sb->st_ctim;
}


ngx_int_t
ngx_http_fraud_watch_start(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf)
{
    int                         rc;
    sigset_t                    all, before;
    ngx_uint_t                  i;
    struct stat                 sb;
    ngx_http_fraud_watch_t     *watch;
    ngx_http_fraud_source_t   **source;
    ngx_http_fraud_watched_t   *file;

    source = fmcf->sources.elts;

    watch = calloc(1, sizeof(ngx_http_fraud_watch_t)
                      + fmcf->sources.nelts
                        * sizeof(ngx_http_fraud_watched_t));
    if (watch == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < fmcf->sources.nelts; i++) {

        if (!source[i]->file) {
            continue;
        }

        file = &watch->files[watch->n++];

        file->source = source[i];
        file->type = source[i]->type;
        file->nocase = source[i]->nocase;
        file->path = strdup((char *) source[i]->text.data);

        if (file->path == NULL) {
            return NGX_ERROR;
        }

        /* a file replaced since the configuration was read is loaded again */

        ngx_http_fraud_stamp(&file->loaded, &source[i]->stat);

        if (stat(file->path, &sb) == 0) {
            ngx_http_fraud_stamp(&file->seen, &sb);
        }
    }

    watch->dummy.fd = (ngx_socket_t) -1;
    watch->dummy.data = fmcf;

    watch->event.data = &watch->dummy;
    watch->event.handler = ngx_http_fraud_watch_pickup;
    watch->event.log = cycle->log;
    watch->event.cancelable = 1;

    fmcf->watch = watch;

    ngx_add_timer(&watch->event, NGX_HTTP_FRAUD_PICKUP);

    if (watch->n == 0) {
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

    return NGX_OK;
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
 * Loads a file that has changed and has stopped changing: one that is still
 * being written is left for the next look.
 */

static void
ngx_http_fraud_watch_file(ngx_http_fraud_watch_t *watch,
    ngx_http_fraud_watched_t *file)
{
    void                    *object, *stale;
    fraud_rc                 rc;
    fraud_err_t              err;
    struct stat              sb;
    ngx_uint_t               stop;
    ngx_http_fraud_stamp_t   stamp;

    (void) pthread_mutex_lock(&watch->mutex);
    stale = file->stale;
    file->stale = NULL;
    stop = watch->stop;
    (void) pthread_mutex_unlock(&watch->mutex);

    if (stale) {
        ngx_http_fraud_free(file->type, stale);
    }

    if (stop || stat(file->path, &sb) == -1) {
        /* a missing file is on its way: the old one stays */
        return;
    }

    ngx_http_fraud_stamp(&stamp, &sb);

    if (ngx_memcmp(&stamp, &file->loaded, sizeof(stamp)) == 0) {
        return;
    }

    if (ngx_memcmp(&stamp, &file->seen, sizeof(stamp)) != 0) {
        file->seen = stamp;
        return;
    }

    object = NULL;
    ngx_memzero(&err, sizeof(fraud_err_t));

    rc = ngx_http_fraud_make_file(file->type, file->path, file->nocase,
                                  &object, &err);

    if (rc == FRAUD_ENOMEM) {
        ngx_http_fraud_why(&err, "no memory", 0);
    }

    file->loaded = stamp;

    (void) pthread_mutex_lock(&watch->mutex);

    if (rc == FRAUD_OK) {
        stale = file->fresh;
        file->fresh = object;

    } else {
        file->failed = 1;
        file->err = err;
    }

    (void) pthread_mutex_unlock(&watch->mutex);

    if (rc == FRAUD_OK && stale) {
        ngx_http_fraud_free(file->type, stale);
    }
}


static void
ngx_http_fraud_watch_pickup(ngx_event_t *ev)
{
    ngx_uint_t                   i, loaded, failed;
    fraud_err_t                  err;
    struct timespec              ts;
    ngx_connection_t            *dummy;
    ngx_http_fraud_watch_t      *watch;
    ngx_http_fraud_watched_t    *file;
    ngx_http_fraud_main_conf_t  *fmcf;

    dummy = ev->data;
    fmcf = dummy->data;
    watch = fmcf->watch;

    for (i = 0; watch->started && i < watch->n; i++) {
        file = &watch->files[i];

        if (pthread_mutex_trylock(&watch->mutex) != 0) {
            break;
        }

        loaded = (file->fresh != NULL && file->stale == NULL);

        if (loaded) {
            file->stale = file->source->object;
            file->source->object = file->fresh;
            file->fresh = NULL;
        }

        failed = file->failed;
        err = file->err;
        file->failed = 0;

        (void) pthread_mutex_unlock(&watch->mutex);

        if (loaded) {
            ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_LOADED);
            ngx_log_error(NGX_LOG_NOTICE, ev->log, 0,
                          "fraud file \"%s\" was loaded again", file->path);
        }

        if (failed) {
            ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_LOAD_ERRORS);
            ngx_log_error(NGX_LOG_ERR, ev->log, 0,
                          "fraud file \"%s\" line %uz: %s, the one before it "
                          "stays in force", file->path, err.line, err.why);
        }
    }

    if (clock_gettime(CLOCK_REALTIME, &ts) == 0 && ngx_worker == 0) {
        ngx_http_fraud_zone_sweep(fmcf, (uint64_t) ts.tv_sec * 1000000);
    }

    if (!ngx_exiting) {
        ngx_add_timer(ev, NGX_HTTP_FRAUD_PICKUP);
    }
}


void
ngx_http_fraud_watch_stop(ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_uint_t               i, left;
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

    if (!left) {
        /* it is stuck in a file system, and owns what it uses */
        (void) pthread_detach(watch->thread);
        return;
    }

    if (watch->started) {
        (void) pthread_join(watch->thread, NULL);
    }

    for (i = 0; i < watch->n; i++) {
        if (watch->files[i].fresh) {
            ngx_http_fraud_free(watch->files[i].type, watch->files[i].fresh);
        }

        if (watch->files[i].stale) {
            ngx_http_fraud_free(watch->files[i].type, watch->files[i].stale);
        }

        free(watch->files[i].path);
    }

    free(watch);
}


/* workers read these files again: as their user, not as the one who starts */

ngx_int_t
ngx_http_fraud_sources_check(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_uint_t                 i;
    ngx_core_conf_t           *ccf;
    ngx_http_fraud_source_t  **source;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);

    if (geteuid() != 0 || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT
        || ccf->user == 0)
    {
        return NGX_OK;
    }

    source = fmcf->sources.elts;

    for (i = 0; i < fmcf->sources.nelts; i++) {
        if (source[i]->file
            && ngx_http_fraud_readable(cf, &source[i]->text, ccf) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* asks a process of that user: groups, ACLs and mounts count as they do */

static ngx_int_t
ngx_http_fraud_readable(ngx_conf_t *cf, ngx_str_t *path, ngx_core_conf_t *ccf)
{
    int       fd, status;
    pid_t     pid;
    sigset_t  set, before;

    /* the master reaps all children on SIGCHLD, this one is ours */

    (void) sigemptyset(&set);
    (void) sigaddset(&set, SIGCHLD);
    (void) sigprocmask(SIG_BLOCK, &set, &before);

    status = 0;
    pid = fork();

    if (pid == 0) {

        if (setgid(ccf->group) == -1
            || initgroups(ccf->username, ccf->group) == -1
            || setuid(ccf->user) == -1)
        {
            _exit(2);
        }

        fd = open((char *) path->data, O_RDONLY|O_NONBLOCK);

        _exit(fd == -1);
    }

    while (pid != -1 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
        /* void */
    }

    (void) sigprocmask(SIG_SETMASK, &before, NULL);

    if (pid != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 1) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "fraud file \"%V\" cannot be read by user \"%s\" of the "
                      "workers, who read it again when it is replaced, change "
                      "its mode or owner, or that of its directory",
                      path, ccf->username);
        return NGX_ERROR;
    }

    return NGX_OK;
}
