
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_str.h"


#define NGX_HTTP_FRAUD_LOG_LEN    512   /* of a line without its lists */
#define NGX_HTTP_FRAUD_LOG_FIELDS 3072  /* of one under a policy */
#define NGX_HTTP_FRAUD_LOG_ITEM   80    /* of an identity or a reason */
#define NGX_HTTP_FRAUD_LOG_MIN    4096
#define NGX_HTTP_FRAUD_LOG_MAX    (64 * 1024 * 1024)


/* the same as of access_log, which may write to the same file */

typedef struct {
    u_char                    *start;
    u_char                    *pos;
    u_char                    *last;
    ngx_event_t               *event;
    ngx_msec_t                 flush;
    ngx_int_t                  gzip;      /* 0, for access_log of this file */
} ngx_http_fraud_log_buf_t;


static ngx_int_t ngx_http_fraud_log_buffer(ngx_conf_t *cf,
    ngx_http_fraud_log_t *log, size_t size, ngx_msec_t flush);
static ngx_int_t ngx_http_fraud_log_line(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx, fraud_event_t *event);
static ngx_int_t ngx_http_fraud_log_identities(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx, fraud_event_t *event);
static void ngx_http_fraud_log_out(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_log_t *log, u_char *data, size_t len, ngx_log_t *err);
static void ngx_http_fraud_log_flush(ngx_open_file_t *file, ngx_log_t *log);
static void ngx_http_fraud_log_flush_handler(ngx_event_t *ev);


char *
ngx_http_fraud_log_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_loc_conf_t *flcf = conf;

    ssize_t                size;
    uint64_t               n;
    ngx_str_t             *value, text;
    ngx_uint_t             i, hourly;
    ngx_msec_t             flush;
    ngx_http_fraud_log_t  *log;

    if (flcf->log != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts > 2) {
            return "takes no parameter after \"off\"";
        }

        flcf->log = NULL;
        return NGX_CONF_OK;
    }

    log = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_log_t));
    if (log == NULL) {
        return NGX_CONF_ERROR;
    }

    log->place.file = cf->conf_file->file.name;
    log->place.line = cf->conf_file->line;

    size = 0;
    flush = 0;
    hourly = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_fraud_arg(&value[i], "min_score=", &text)
            && fraud_str_uint(&n, (char *) text.data, text.len,
                              FRAUD_SCORE_MAX)
               == FRAUD_OK)
        {
            log->min_score = (ngx_uint_t) n;
            continue;
        }

        if (ngx_strcmp(value[i].data, "hourly") == 0) {
            hourly = 1;
            continue;
        }

        if (ngx_http_fraud_arg(&value[i], "buffer=", &text)) {
            size = ngx_parse_size(&text);

            if (size >= NGX_HTTP_FRAUD_LOG_MIN
                && size <= NGX_HTTP_FRAUD_LOG_MAX)
            {
                continue;
            }
        }

        if (ngx_http_fraud_arg(&value[i], "flush=", &text)) {
            flush = ngx_parse_time(&text, 0);

            if (flush != (ngx_msec_t) NGX_ERROR && flush) {
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_log\": invalid parameter \"%V\", use "
                           "\"min_score=\" 0 to 100, \"buffer=\" 4k to 64m, "
                           "\"flush=TIME\" or \"hourly\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    if (flush && size == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_log\": \"flush=\" without a buffer, "
                           "add \"buffer=\" or remove it");
        return NGX_CONF_ERROR;
    }

    if (value[1].len == 0
        || ngx_strlchr(value[1].data, value[1].data + value[1].len, '$'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_log\": invalid path \"%V\", name one file "
                           "without variables", &value[1]);
        return NGX_CONF_ERROR;
    }

    log->file = ngx_conf_open_file(cf->cycle, &value[1]);
    if (log->file == NULL
        || ngx_http_fraud_log_buffer(cf, log, size, flush) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    log->buffer = (size_t) size;

    if (hourly && ngx_http_fraud_segments_use(cf, log) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    flcf->log = log;

    return NGX_CONF_OK;
}


/* a file has one buffer, in however many blocks it is named */

static ngx_int_t
ngx_http_fraud_log_buffer(ngx_conf_t *cf, ngx_http_fraud_log_t *log,
    size_t size, ngx_msec_t flush)
{
    ngx_http_fraud_log_buf_t  *buffer;

    if (log->file->flush) {

        buffer = log->file->data;

        if (log->file->flush != ngx_http_fraud_log_flush
            || (size_t) (buffer->last - buffer->start) != size
            || buffer->flush != flush)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"fraud_log\": \"%V\" is written with another "
                               "buffer elsewhere, use equal parameters or "
                               "another file", &log->file->name);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (size == 0) {
        return NGX_OK;
    }

    buffer = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_log_buf_t));
    if (buffer == NULL) {
        return NGX_ERROR;
    }

    buffer->start = ngx_pnalloc(cf->pool, size);
    if (buffer->start == NULL) {
        return NGX_ERROR;
    }

    buffer->pos = buffer->start;
    buffer->last = buffer->start + size;
    buffer->flush = flush;

    if (flush) {
        buffer->event = ngx_pcalloc(cf->pool, sizeof(ngx_event_t));
        if (buffer->event == NULL) {
            return NGX_ERROR;
        }

        buffer->event->data = log->file;
        buffer->event->handler = ngx_http_fraud_log_flush_handler;
        buffer->event->log = &cf->cycle->new_log;
        buffer->event->cancelable = 1;
    }

    log->file->flush = ngx_http_fraud_log_flush;
    log->file->data = buffer;

    return NGX_OK;
}


void
ngx_http_fraud_log_write(ngx_http_request_t *r, ngx_http_fraud_ctx_t *ctx)
{
    u_char                    *p;
    size_t                     size;
    fraud_event_t              event;
    ngx_http_fraud_log_t      *log;
    ngx_http_fraud_log_buf_t  *buffer;

    log = ctx->flcf->log;

    if (ctx->score < log->min_score) {
        return;
    }

    size = (ctx->flcf->policy ? NGX_HTTP_FRAUD_LOG_FIELDS
                              : NGX_HTTP_FRAUD_LOG_LEN)
           + (ctx->flcf->nidentities + ctx->flcf->nsignals)
             * NGX_HTTP_FRAUD_LOG_ITEM;

    if (log->segments) {
        p = ngx_http_fraud_segment_reserve(log->segments, size);
        if (p == NULL) {
            goto lost;
        }

        fraud_event_begin(&event, p, size);

        if (ngx_http_fraud_log_line(r, ctx, &event) != NGX_OK
            || ngx_http_fraud_segment_append(log->segments, &event) != NGX_OK)
        {
            goto lost;
        }

        return;
    }

    buffer = log->file->data;

    if (buffer && (size_t) (buffer->last - buffer->pos) < size) {
        ngx_http_fraud_log_flush(log->file, r->connection->log);
    }

    if (buffer && (size_t) (buffer->last - buffer->pos) >= size) {
        p = buffer->pos;

    } else {
        p = ngx_pnalloc(r->pool, size);
        if (p == NULL) {
            goto lost;
        }
    }

    fraud_event_begin(&event, p, size);

    if (ngx_http_fraud_log_line(r, ctx, &event) != NGX_OK
        || fraud_event_end(&event) != FRAUD_OK)
    {
        goto lost;
    }

    if (buffer == NULL || p != buffer->pos) {
        ngx_http_fraud_log_out(ctx->fmcf, log, event.buf.data, event.buf.len,
                               r->connection->log);
        return;
    }

    buffer->pos += event.buf.len;

    if (buffer->event && !buffer->event->timer_set) {
        ngx_add_timer(buffer->event, buffer->flush);
    }

    return;

lost:

    ngx_http_fraud_count(ctx->fmcf, NGX_HTTP_FRAUD_N_LOG_LOST);
}


static ngx_int_t
ngx_http_fraud_log_line(ngx_http_request_t *r, ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event)
{
    const char                 *name;
    ngx_uint_t                  n;
    fraud_reason_t              reasons[NGX_HTTP_FRAUD_MAX_SIGNALS];
    ngx_http_variable_value_t  *vv;

    if (ctx->flcf->policy) {
        return ngx_http_fraud_fields(r, ctx, event);
    }

    fraud_event_time(event, FRAUD_STR("time"), ctx->now_us / 1000);

    vv = ngx_http_get_indexed_variable(r, ctx->fmcf->request_id_index);

    if (vv && !vv->not_found) {
        fraud_event_str(event, FRAUD_STR("id"), vv->data, vv->len);
    }

    if (ngx_http_fraud_log_identities(r, ctx, event) != NGX_OK) {
        return NGX_ERROR;
    }

    fraud_event_uint(event, FRAUD_STR("score"), ctx->score);

    name = fraud_action_name(ctx->action);
    fraud_event_str(event, FRAUD_STR("action"), name, ngx_strlen(name));

    name = ctx->flcf->mode == NGX_HTTP_FRAUD_ENFORCE ? "enforce" : "observe";
    fraud_event_str(event, FRAUD_STR("mode"), name, ngx_strlen(name));

    name = ngx_http_fraud_state_name(ctx->state);
    fraud_event_str(event, FRAUD_STR("state"), name, ngx_strlen(name));

    n = ngx_http_fraud_reasons(ctx, reasons, 0);
    ngx_http_fraud_log_reasons(event, FRAUD_STR("reasons"), reasons, n);

    n = ngx_http_fraud_reasons(ctx, reasons, 1);

    if (n) {
        ngx_http_fraud_log_reasons(event, FRAUD_STR("shadow"), reasons, n);
    }

    fraud_event_uint(event, FRAUD_STR("status"),
                     ngx_http_fraud_log_status(r));

    return NGX_OK;
}


/* as $status */

ngx_uint_t
ngx_http_fraud_log_status(ngx_http_request_t *r)
{
    ngx_uint_t  status;

    status = r->err_status ? r->err_status : r->headers_out.status;

    if (status == 0) {
        status = r->http_version == NGX_HTTP_VERSION_9 ? 9 : 0;
    }

    return status;
}


static ngx_int_t
ngx_http_fraud_log_identities(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx, fraud_event_t *event)
{
    u_char                      text[FRAUD_PID_TEXT_LEN];
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    fraud_str_t                 name;
    ngx_http_fraud_identity_t  *identity;

    for (i = 0; i < ctx->flcf->nidentities; i++) {
        identity = ctx->flcf->identities[i];

        rc = ngx_http_fraud_log_name(ctx, identity, text);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        name.data = identity->name.data;
        name.len = identity->name.len;

        if (rc == NGX_OK) {
            fraud_event_str(event, name, text, FRAUD_PID_TEXT_LEN);

        } else if (rc == NGX_BUSY) {
            fraud_event_str(event, name, "-", 1);
        }
    }

    return NGX_OK;
}


void
ngx_http_fraud_log_reasons(fraud_event_t *event, fraud_str_t key,
    fraud_reason_t *reasons, ngx_uint_t n)
{
    ngx_uint_t  i;

    fraud_score_sort(reasons, n);

    fraud_event_open(event, key);

    for (i = 0; i < n; i++) {
        fraud_event_uint(event, reasons[i].name, reasons[i].points);
    }

    fraud_event_close(event);
}


static void
ngx_http_fraud_log_out(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_log_t *log, u_char *data, size_t len, ngx_log_t *err)
{
    time_t   now;
    ssize_t  n;

    now = ngx_time();

    /* a full disk blocks some systems: leave it alone for a second */

    if (log->disk_full_time == now) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_LOG_LOST);
        return;
    }

    n = ngx_write_fd(log->file->fd, data, len);

    if (n == (ssize_t) len) {
        return;
    }

    if (n == -1 && ngx_errno == NGX_ENOSPC) {
        log->disk_full_time = now;
    }

    ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_LOG_LOST);

    if (now - log->error_log_time > 59) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, n == -1 ? ngx_errno : 0,
                      ngx_write_fd_n " to \"%s\" failed",
                      log->file->name.data);
        log->error_log_time = now;
    }
}


static void
ngx_http_fraud_log_flush(ngx_open_file_t *file, ngx_log_t *log)
{
    size_t                     len;
    ssize_t                    n;
    ngx_http_fraud_log_buf_t  *buffer;

    buffer = file->data;
    len = buffer->pos - buffer->start;

    if (len == 0) {
        return;
    }

    n = ngx_write_fd(file->fd, buffer->start, len);

    if (n != (ssize_t) len) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, n == -1 ? ngx_errno : 0,
                      ngx_write_fd_n " to \"%s\" failed, %uz bytes lost",
                      file->name.data, n == -1 ? len : len - n);
    }

    buffer->pos = buffer->start;

    if (buffer->event && buffer->event->timer_set) {
        ngx_del_timer(buffer->event);
    }
}


static void
ngx_http_fraud_log_flush_handler(ngx_event_t *ev)
{
    ngx_http_fraud_log_flush(ev->data, ev->log);
}
