
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_segment.h"


#define NGX_HTTP_FRAUD_SEGMENT_BUFFER  65536
#define NGX_HTTP_FRAUD_SEGMENT_TICK    5000
#define NGX_HTTP_FRAUD_SEGMENT_MODE    0600


/*
 * A worker's end of a security log that is cut into segments.  Whole lines
 * only are in memory, and those are written before a line of the next hour.
 */

struct ngx_http_fraud_segments_s {
    ngx_http_fraud_segments_t   *next;
    ngx_str_t                    path;      /* without the hour, with a NUL */
    u_char                      *name;      /* of the segment, from cf->pool */
    u_char                      *start;
    u_char                      *pos;
    u_char                      *last;
    size_t                       size;
    ngx_fd_t                     fd;
    uint64_t                     hour;      /* of the file that is open */
    ngx_event_t                  event;
    fraud_segment_t              chain;
    fraud_segment_t              saved;     /* as of what is in the file */
    ngx_http_fraud_main_conf_t  *fmcf;
    time_t                       failed_time;
    time_t                       error_log_time;
    unsigned                     buffered:1;
    unsigned                     started:1;
    unsigned                     opened:1;  /* has its first line */
    unsigned                     torn:1;    /* the file ends within a line */
};


static ngx_int_t ngx_http_fraud_segment_open(ngx_http_fraud_segments_t *log,
    uint64_t hour);
static ngx_int_t ngx_http_fraud_segment_begin(ngx_http_fraud_segments_t *log);
static ngx_int_t ngx_http_fraud_segment_flush(ngx_http_fraud_segments_t *log);
static void ngx_http_fraud_segment_failed(ngx_http_fraud_segments_t *log,
    ssize_t n, ngx_err_t err);
static void ngx_http_fraud_segment_close(ngx_http_fraud_segments_t *log);
static void ngx_http_fraud_segment_tick(ngx_event_t *ev);
static ngx_uint_t ngx_http_fraud_segment_moved(ngx_http_fraud_segments_t *log);
static void ngx_http_fraud_segment_alert(ngx_http_fraud_segments_t *log,
    ngx_err_t err, const char *what);


/*
 * Room for a line of at most so many bytes in the segment of this hour, or
 * NULL: the line is lost, and counted by the caller.
 */

u_char *
ngx_http_fraud_segment_reserve(ngx_http_fraud_segments_t *log, size_t size)
{
    uint64_t  hour;

    hour = (uint64_t) ngx_time() / FRAUD_SEGMENT_SECONDS;

    if (!log->started) {

        if (fraud_segment_init(&log->chain) != FRAUD_OK) {
            return NULL;
        }

        log->saved = log->chain;
        log->started = 1;
    }

    /* a clock that steps back stays in the segment that is open */

    if (log->fd != NGX_INVALID_FILE && hour > log->hour) {
        ngx_http_fraud_segment_close(log);
    }

    /* a full disk blocks some systems: leave it alone for a second */

    if (log->failed_time == ngx_time()
        || ngx_http_fraud_segment_open(log, hour) != NGX_OK)
    {
        goto lost;
    }

    if ((size_t) (log->last - log->pos) < size + 2 * FRAUD_SEGMENT_LINE) {

        if (ngx_http_fraud_segment_flush(log) != NGX_OK
            || (size_t) (log->last - log->pos)
               < size + 2 * FRAUD_SEGMENT_LINE)
        {
            goto lost;
        }
    }

    if (!log->opened && ngx_http_fraud_segment_begin(log) != NGX_OK) {
        goto lost;
    }

    return log->pos;

lost:

    log->chain.lost++;
    log->saved.lost++;

    return NULL;
}


/* the line without its end, where it was reserved */

ngx_int_t
ngx_http_fraud_segment_append(ngx_http_fraud_segments_t *log,
    fraud_event_t *event)
{
    if (fraud_segment_end(&log->chain, event) != FRAUD_OK) {
        log->chain.lost++;
        log->saved.lost++;
        return NGX_ERROR;
    }

    log->pos += event->buf.len;

    /* what was lost then is counted */

    if (!log->buffered) {
        (void) ngx_http_fraud_segment_flush(log);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_segment_open(ngx_http_fraud_segments_t *log, uint64_t hour)
{
    if (log->fd != NGX_INVALID_FILE) {
        return NGX_OK;
    }

    if (log->start == NULL) {
        log->start = ngx_alloc(log->size, ngx_cycle->log);
        if (log->start == NULL) {
            return NGX_ERROR;
        }

        log->pos = log->start;
        log->last = log->start + log->size;
    }

    fraud_segment_name((char *) log->name + log->path.len + 1, hour);

    log->fd = ngx_open_file(log->name, NGX_FILE_APPEND,
                            NGX_FILE_CREATE_OR_OPEN,
                            NGX_HTTP_FRAUD_SEGMENT_MODE);

    if (log->fd == NGX_INVALID_FILE) {
        log->failed_time = ngx_time();
        ngx_http_fraud_segment_alert(log, ngx_errno, ngx_open_file_n);
        return NGX_ERROR;
    }

    log->hour = hour;
    log->opened = 0;

    ngx_add_timer(&log->event, NGX_HTTP_FRAUD_SEGMENT_TICK);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_segment_begin(ngx_http_fraud_segments_t *log)
{
    fraud_event_t  event;

    if (log->torn) {
        *log->pos++ = LF;
        log->torn = 0;
    }

    fraud_event_begin(&event, log->pos, FRAUD_SEGMENT_LINE);

    if (fraud_segment_open(&log->chain, &event, log->hour) != FRAUD_OK) {
        return NGX_ERROR;
    }

    log->pos += event.buf.len;
    log->opened = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_segment_flush(ngx_http_fraud_segments_t *log)
{
    size_t   len;
    ssize_t  n;

    len = log->pos - log->start;

    if (len == 0) {
        return NGX_OK;
    }

    n = ngx_write_fd(log->fd, log->start, len);

    if (n != (ssize_t) len) {
        ngx_http_fraud_segment_failed(log, n, n == -1 ? ngx_errno : 0);
        return NGX_ERROR;
    }

    log->saved = log->chain;
    log->pos = log->start;

    return NGX_OK;
}


/* the chain goes on from the last line that is whole in the file */

static void
ngx_http_fraud_segment_failed(ngx_http_fraud_segments_t *log, ssize_t n,
    ngx_err_t err)
{
    size_t     written;
    uint64_t   lost;

    written = n > 0 ? (size_t) n : 0;

    lost = fraud_segment_resume(&log->chain, &log->saved, log->start,
                                log->pos - log->start, written);

    (void) ngx_atomic_fetch_add(
                     &log->fmcf->zone.counters[NGX_HTTP_FRAUD_N_LOG_LOST],
                     (ngx_atomic_int_t) lost);

    log->torn = (written && log->start[written - 1] != LF);
    log->saved = log->chain;
    log->pos = log->start;
    log->opened = 0;
    log->failed_time = ngx_time();

    ngx_http_fraud_segment_alert(log, err, ngx_write_fd_n);
}


/* a file that somebody deleted has its bytes on the disk until it is closed */

static void
ngx_http_fraud_segment_close(ngx_http_fraud_segments_t *log)
{
    fraud_event_t  event;

    if (log->fd == NGX_INVALID_FILE) {
        return;
    }

    if (log->opened) {
        fraud_event_begin(&event, log->pos, log->last - log->pos);

        if (fraud_segment_close(&log->chain, &event) == FRAUD_OK) {
            log->pos += event.buf.len;
        }

    } else if (log->torn) {
        *log->pos++ = LF;
        log->torn = 0;
    }

    (void) ngx_http_fraud_segment_flush(log);

    if (ngx_close_file(log->fd) == NGX_FILE_ERROR) {
        ngx_http_fraud_segment_alert(log, ngx_errno, ngx_close_file_n);
    }

    log->fd = NGX_INVALID_FILE;
    log->opened = 0;
    log->torn = 0;

    if (log->event.timer_set) {
        ngx_del_timer(&log->event);
    }
}


/*
 * No line waits in memory for long, no file stays open past its hour, and one
 * that was moved away is not written to any more.
 */

static void
ngx_http_fraud_segment_tick(ngx_event_t *ev)
{
    uint64_t                    hour;
    ngx_http_fraud_segments_t  *log;

    log = ev->data;
    hour = (uint64_t) ngx_time() / FRAUD_SEGMENT_SECONDS;

    (void) ngx_http_fraud_segment_flush(log);

    if (hour > log->hour || ngx_http_fraud_segment_moved(log)) {
        ngx_http_fraud_segment_close(log);
        return;
    }

    ngx_add_timer(&log->event, NGX_HTTP_FRAUD_SEGMENT_TICK);
}


static ngx_uint_t
ngx_http_fraud_segment_moved(ngx_http_fraud_segments_t *log)
{
    ngx_file_info_t  named, open;

    if (ngx_file_info(log->name, &named) == NGX_FILE_ERROR) {
        return ngx_errno == NGX_ENOENT;
    }

    return ngx_fd_info(log->fd, &open) != NGX_FILE_ERROR
           && (named.st_ino != open.st_ino || named.st_dev != open.st_dev);
}


static void
ngx_http_fraud_segment_alert(ngx_http_fraud_segments_t *log, ngx_err_t err,
    const char *what)
{
    if (ngx_time() - log->error_log_time > 59) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, err,
                      "fraud: %s \"%s\" failed", what, log->name);
        log->error_log_time = ngx_time();
    }
}


void
ngx_http_fraud_segments_stop(ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_http_fraud_segments_t  *log;

    for (log = fmcf->segments; log; log = log->next) {
        ngx_http_fraud_segment_close(log);

        if (log->start) {
            ngx_free(log->start);
            log->start = NULL;
        }
    }
}


/* a segment is made by the worker that has a line for it */

ngx_int_t
ngx_http_fraud_segments_check(ngx_http_fraud_main_conf_t *fmcf,
    ngx_log_t *err)
{
    u_char                     *p;
    ngx_int_t                   rc;
    ngx_core_conf_t            *ccf;
    ngx_http_fraud_segments_t  *log;

    ccf = (ngx_core_conf_t *) ngx_get_conf(fmcf->cycle->conf_ctx,
                                           ngx_core_module);

    for (log = fmcf->segments; log; log = log->next) {

        /* the path is absolute, and a name of a segment begins with it */

        for (p = log->name + log->path.len; *p != '/'; p--) { /* void */ }

        *p = '\0';
        rc = ngx_http_fraud_user_may(ccf, p == log->name ? "/"
                                                         : (char *) log->name,
                                     W_OK|X_OK);
        *p = '/';

        if (rc != NGX_OK) {
            ngx_log_error(NGX_LOG_EMERG, err, 0,
                          "\"fraud_log\": no file can be made beside \"%V\" by "
                          "user \"%s\" of the workers, make its directory and "
                          "give it to that user", &log->path,
                          ccf->username ? ccf->username : "");
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * From now on the log is in segments, each of which a worker opens when it has
 * a line for it.  However often a path is named, it has one chain.
 */

ngx_int_t
ngx_http_fraud_segments_use(ngx_conf_t *cf, ngx_http_fraud_log_t *log)
{
    size_t                       len;
    u_char                      *path;
    ngx_http_fraud_segments_t   *segments;
    ngx_http_fraud_main_conf_t  *fmcf;

    if (log->segments) {
        return NGX_OK;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);
    path = log->file->name.data;
    len = ngx_strlen(path);

    for (segments = fmcf->segments; segments; segments = segments->next) {

        if (segments->path.len == len
            && ngx_strncmp(segments->path.data, path, len) == 0)
        {
            goto found;
        }
    }

    segments = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_segments_t));
    if (segments == NULL) {
        return NGX_ERROR;
    }

    segments->name = ngx_pcalloc(cf->pool, len + FRAUD_SEGMENT_NAME_LEN + 2);
    if (segments->name == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(segments->name, "%s.", path);

    segments->path.data = path;
    segments->path.len = len;
    segments->fd = NGX_INVALID_FILE;
    segments->fmcf = fmcf;
    segments->event.data = segments;
    segments->event.handler = ngx_http_fraud_segment_tick;
    segments->event.log = &cf->cycle->new_log;
    segments->event.cancelable = 1;
    segments->next = fmcf->segments;

    fmcf->segments = segments;

found:

    segments->buffered |= (log->buffer != 0);
    segments->size = ngx_max(segments->size,
                             ngx_max(log->buffer,
                                     NGX_HTTP_FRAUD_SEGMENT_BUFFER));

    /* files without a name are not opened with the configuration */

    log->file->name.len = 0;
    log->segments = segments;

    return NGX_OK;
}
