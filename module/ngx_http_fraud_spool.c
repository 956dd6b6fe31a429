
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_flag.h"
#include "fraud_str.h"


/*
 * The event loop's end of the spool: a queue of flags whose accounts are in
 * memory for secrets until they are sealed.  A timer settles what the writer
 * has done, and says once when files fail and once when they work again.
 */


#define NGX_HTTP_FRAUD_SPOOL_MAX       (256 * 1024 * 1024)
#define NGX_HTTP_FRAUD_SPOOL_SEGMENT   (16 * 1024 * 1024)
#define NGX_HTTP_FRAUD_SPOOL_SMALLEST  (64 * 1024)
#define NGX_HTTP_FRAUD_SPOOL_TICK      100   /* ms */
#define NGX_HTTP_FRAUD_SPOOL_EXIT      3     /* seconds, of a leaving worker */


static ngx_int_t ngx_http_fraud_spool_size(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_str_t *text, size_t *size);
static ngx_int_t ngx_http_fraud_spool_node(ngx_conf_t *cf,
    ngx_http_fraud_spool_t *spool);
static ngx_http_fraud_writer_t *ngx_http_fraud_spool_writer(
    ngx_http_fraud_spool_t *spool);
static ngx_http_fraud_writer_t *ngx_http_fraud_writer_create(
    ngx_http_fraud_spool_t *spool);
static int ngx_http_fraud_writer_start(ngx_http_fraud_writer_t *writer);
static void ngx_http_fraud_writer_free(ngx_http_fraud_writer_t *writer);
static void ngx_http_fraud_spool_copy(ngx_http_fraud_spooled_t *item,
    fraud_str_t *text, ngx_uint_t n);
static void ngx_http_fraud_spool_handler(ngx_event_t *ev);
static void ngx_http_fraud_spool_settle(ngx_http_fraud_spool_t *spool,
    ngx_uint_t tail);
static void ngx_http_fraud_spool_tell(ngx_http_fraud_spool_t *spool, int err);


char *
ngx_http_fraud_spool_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_main_conf_t *fmcf = conf;

    ngx_str_t               *value, text;
    ngx_uint_t               i, keyed;
    ngx_file_info_t          fi;
    ngx_http_fraud_spool_t  *spool;

    if (fmcf->spool) {
        return "is duplicate";
    }

    spool = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_spool_t));
    if (spool == NULL) {
        return NGX_CONF_ERROR;
    }

    spool->max = NGX_HTTP_FRAUD_SPOOL_MAX;
    spool->fmcf = fmcf;

    value = cf->args->elts;
    keyed = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_fraud_arg(&value[i], "key=", &text)) {

            if (ngx_http_fraud_seal_key(cf, &text, &spool->key) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

            keyed = 1;
            continue;
        }

        if (ngx_http_fraud_arg(&value[i], "node=", &text)
            && fraud_str_is_name((char *) text.data, text.len))
        {
            spool->node = text;
            continue;
        }

        if (ngx_http_fraud_arg(&value[i], "max=", &text)) {

            if (ngx_http_fraud_spool_size(cf, &value[i], &text, &spool->max)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_http_fraud_arg(&value[i], "segment=", &text)) {

            if (ngx_http_fraud_spool_size(cf, &value[i], &text,
                                          &spool->segment)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_spool\": invalid parameter \"%V\", use "
                           "\"key=FILE\", \"node=\" 1 to 32 letters, digits "
                           "and \"_\", \"max=SIZE\" or \"segment=SIZE\"",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    if (!keyed) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_spool\": no key for \"%V\", add "
                           "\"key=FILE\" with billing's public key",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (spool->segment == 0) {
        spool->segment = ngx_min(NGX_HTTP_FRAUD_SPOOL_SEGMENT, spool->max);
    }

    if (spool->segment > spool->max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_spool\": \"segment=\" is larger than "
                           "\"max=\" of \"%V\", lower it", &value[1]);
        return NGX_CONF_ERROR;
    }

    spool->dir = value[1];

    if (spool->dir.len == 0
        || ngx_conf_full_name(cf->cycle, &spool->dir, 1) != NGX_OK)
    {
        return "names no directory";
    }

    if (ngx_file_info(spool->dir.data, &fi) == NGX_FILE_ERROR
        || !ngx_is_dir(&fi))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_spool\": \"%V\" is no directory, make it "
                           "with mode 0700 for the user of the workers",
                           &spool->dir);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_fraud_spool_node(cf, spool) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fmcf->spool = spool;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_fraud_spool_size(ngx_conf_t *cf, ngx_str_t *arg, ngx_str_t *text,
    size_t *size)
{
    off_t  n;

    n = ngx_parse_offset(text);

    if (n < NGX_HTTP_FRAUD_SPOOL_SMALLEST || n > ((off_t) 1 << 40)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_spool\": invalid size \"%V\", use 64k to "
                           "1024g", arg);
        return NGX_ERROR;
    }

    *size = (size_t) n;

    return NGX_OK;
}


/* without a name of its own a host has the one that the system gives it */

static ngx_int_t
ngx_http_fraud_spool_node(ngx_conf_t *cf, ngx_http_fraud_spool_t *spool)
{
    ngx_uint_t   i;
    ngx_str_t   *node;

    node = &spool->node;

    if (node->len == 0) {

        node->len = ngx_min(cf->cycle->hostname.len, FRAUD_NAME_MAX);
        node->data = ngx_pstrdup(cf->pool, &cf->cycle->hostname);

        if (node->data == NULL) {
            return NGX_ERROR;
        }

        for (i = 0; i < node->len; i++) {
            if (!fraud_str_is_name((char *) &node->data[i], 1)) {
                node->data[i] = '_';
            }
        }

        if (node->len == 0) {
            ngx_str_set(node, "localhost");
        }
    }

    spool->host = ngx_crc32_short(node->data, node->len);

    return NGX_OK;
}


/* a file is made by the worker that has a flag for it */

ngx_int_t
ngx_http_fraud_spool_check(ngx_http_fraud_main_conf_t *fmcf, ngx_log_t *log)
{
    ngx_core_conf_t         *ccf;
    ngx_http_fraud_spool_t  *spool;

    spool = fmcf->spool;

    if (spool == NULL) {
        return NGX_OK;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(fmcf->cycle->conf_ctx,
                                           ngx_core_module);

    if (ngx_http_fraud_user_may(ccf, (char *) spool->dir.data, R_OK|W_OK|X_OK)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"fraud_spool\": no file can be made in \"%V\" by "
                      "user \"%s\" of the workers, give it to that user with "
                      "mode 0700", &spool->dir,
                      ccf->username ? ccf->username : "");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_fraud_spool_start(ngx_http_fraud_main_conf_t *fmcf)
{
    /* of a worker that had this place and died */

    fmcf->zone.counters[NGX_HTTP_FRAUD_N_FLAGS_WAITING] = 0;
}


/*
 * Its first flag gives a worker its writer: with a second thread every system
 * call and free() costs more.  A worker that cannot have one serves all the
 * same, and loses flags; it tries again with those of another second.
 */

static ngx_http_fraud_writer_t *
ngx_http_fraud_spool_writer(ngx_http_fraud_spool_t *spool)
{
    int                       rc;
    ngx_http_fraud_writer_t  *writer;

    if (spool->writer || spool->tried == ngx_time()) {
        return spool->writer;
    }

    spool->tried = ngx_time();

    writer = ngx_http_fraud_writer_create(spool);
    rc = ENOMEM;

    if (writer) {
        rc = ngx_http_fraud_writer_start(writer);
    }

    if (rc != 0) {
        ngx_http_fraud_writer_free(writer);

        if (!spool->unable) {
            spool->unable = 1;
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, rc,
                          "\"fraud_spool\": no thread, flags of this worker "
                          "are lost until there is one");
        }

        return NULL;
    }

    spool->dummy.fd = (ngx_socket_t) -1;
    spool->dummy.data = spool;

    spool->event.data = &spool->dummy;
    spool->event.handler = ngx_http_fraud_spool_handler;
    spool->event.log = ngx_cycle->log;
    spool->event.cancelable = 1;

    spool->writer = writer;

    return writer;
}


/* all its memory is its own: a thread stuck in a file system is left behind */

static ngx_http_fraud_writer_t *
ngx_http_fraud_writer_create(ngx_http_fraud_spool_t *spool)
{
    ngx_http_fraud_writer_t  *writer;

    writer = calloc(1, sizeof(ngx_http_fraud_writer_t));
    if (writer == NULL) {
        return NULL;
    }

    writer->fd = -1;
    writer->key = spool->key;
    writer->max = spool->max;
    writer->segment = spool->segment;

    ngx_memcpy(writer->node, spool->node.data, spool->node.len);

    writer->dir = strdup((char *) spool->dir.data);
    writer->items = calloc(NGX_HTTP_FRAUD_SPOOL_QUEUE,
                           sizeof(ngx_http_fraud_spooled_t));
    writer->accounts = fraud_pid_memory_new(NGX_HTTP_FRAUD_SPOOL_QUEUE
                                            * FRAUD_SEAL_MAX_DATA);

    if (writer->dir == NULL || writer->items == NULL
        || writer->accounts == NULL
        || fraud_spool_writer(writer->writer) != FRAUD_OK)
    {
        ngx_http_fraud_writer_free(writer);
        return NULL;
    }

    if (!fraud_pid_memory_lock(writer->accounts, NGX_HTTP_FRAUD_SPOOL_QUEUE
                                                 * FRAUD_SEAL_MAX_DATA))
    {
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, ngx_errno,
                      "mlock() failed, flags that wait may be swapped");
    }

    return writer;
}


static int
ngx_http_fraud_writer_start(ngx_http_fraud_writer_t *writer)
{
    int                 rc;
    sigset_t            all, before;
    pthread_condattr_t  attr;

    (void) pthread_mutex_init(&writer->mutex, NULL);

    /* waits end in time when somebody sets the clock */

    (void) pthread_condattr_init(&attr);
    (void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&writer->wake, &attr);
    (void) pthread_condattr_destroy(&attr);

    /* signals are the event loop's */

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);

    rc = pthread_create(&writer->thread, NULL, ngx_http_fraud_writer_cycle,
                        writer);

    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);

    return rc;
}


static void
ngx_http_fraud_writer_free(ngx_http_fraud_writer_t *writer)
{
    if (writer == NULL) {
        return;
    }

    fraud_pid_memory_free(writer->accounts);
    free(writer->items);
    free(writer->dir);
    free(writer);
}


/* a place for one more flag, or NULL: it is lost */

ngx_http_fraud_spooled_t *
ngx_http_fraud_spool_reserve(ngx_http_fraud_spool_t *spool)
{
    ngx_http_fraud_writer_t  *writer;

    writer = ngx_http_fraud_spool_writer(spool);

    if (writer == NULL) {
        return NULL;
    }

    /* head is changed here only */

    if (writer->head - spool->seen == NGX_HTTP_FRAUD_SPOOL_QUEUE) {

        if (!spool->full) {
            spool->full = 1;
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                          "fraud: more flags than are sealed wait for \"%V\", "
                          "those after %d are lost", &spool->dir,
                          NGX_HTTP_FRAUD_SPOOL_QUEUE);
        }

        return NULL;
    }

    return &writer->items[writer->head % NGX_HTTP_FRAUD_SPOOL_QUEUE];
}


/* the flag in the place that was reserved */

ngx_int_t
ngx_http_fraud_spool_put(ngx_http_fraud_spool_t *spool,
    ngx_http_fraud_spooled_t *item, ngx_str_t *account)
{
    ngx_uint_t                i;
    ngx_http_fraud_writer_t  *writer;

    writer = spool->writer;

    if (account->len > FRAUD_SEAL_MAX_DATA) {
        return NGX_DECLINED;
    }

    ngx_memcpy(writer->accounts[item - writer->items], account->data,
               account->len);

    item->len = account->len;
    item->state = NGX_HTTP_FRAUD_SPOOL_WAITING;

    ngx_http_fraud_spool_copy(item, &item->flag.policy, 0);
    ngx_http_fraud_spool_copy(item, &item->flag.rule, 1);
    ngx_http_fraud_spool_copy(item, &item->flag.family, 2);

    for (i = 0; i < item->flag.nsignals; i++) {
        ngx_http_fraud_spool_copy(item, &item->flag.signals[i], 3 + i);
    }

    (void) pthread_mutex_lock(&writer->mutex);

    writer->head++;
    (void) pthread_cond_signal(&writer->wake);

    (void) pthread_mutex_unlock(&writer->mutex);

    spool->fmcf->zone.counters[NGX_HTTP_FRAUD_N_FLAGS_WAITING]
                                                = writer->head - spool->seen;

    if (!spool->event.timer_set) {
        ngx_add_timer(&spool->event, NGX_HTTP_FRAUD_SPOOL_TICK);
    }

    return NGX_OK;
}


/* the thread refers to nothing of a configuration */

static void
ngx_http_fraud_spool_copy(ngx_http_fraud_spooled_t *item, fraud_str_t *text,
    ngx_uint_t n)
{
    ngx_memcpy(item->names[n], text->data, text->len);
    text->data = item->names[n];
}


static void
ngx_http_fraud_spool_handler(ngx_event_t *ev)
{
    int                       err;
    ngx_uint_t                tail;
    ngx_connection_t         *dummy;
    ngx_http_fraud_spool_t   *spool;
    ngx_http_fraud_writer_t  *writer;

    dummy = ev->data;
    spool = dummy->data;
    writer = spool->writer;

    (void) pthread_mutex_lock(&writer->mutex);

    tail = writer->tail;
    err = writer->err;
    *ngx_http_fraud_zone_spooled(spool->fmcf) = writer->bytes;

    (void) pthread_mutex_unlock(&writer->mutex);

    ngx_http_fraud_spool_settle(spool, tail);
    ngx_http_fraud_spool_tell(spool, err);

    if (writer->head != spool->seen) {
        ngx_add_timer(&spool->event, NGX_HTTP_FRAUD_SPOOL_TICK);
    }
}


static void
ngx_http_fraud_spool_settle(ngx_http_fraud_spool_t *spool, ngx_uint_t tail)
{
    ngx_uint_t                 written;
    ngx_http_fraud_writer_t   *writer;
    ngx_http_fraud_spooled_t  *item;

    writer = spool->writer;

    while (spool->seen != tail) {
        item = &writer->items[spool->seen % NGX_HTTP_FRAUD_SPOOL_QUEUE];
        written = (item->state == NGX_HTTP_FRAUD_SPOOL_WRITTEN);

        spool->lost += !written;
        spool->seen++;

        ngx_http_fraud_flag_settled(spool->fmcf, item->rule, &item->pid,
                                    item->start, written);
    }

    spool->fmcf->zone.counters[NGX_HTTP_FRAUD_N_FLAGS_WAITING]
                                                = writer->head - spool->seen;

    if (writer->head - spool->seen < NGX_HTTP_FRAUD_SPOOL_QUEUE / 2) {
        spool->full = 0;
    }
}


/* one line when files fail, and one when they do not any more */

static void
ngx_http_fraud_spool_tell(ngx_http_fraud_spool_t *spool, int err)
{
    if (err == spool->err || (err && spool->err)) {
        return;
    }

    spool->err = err;

    if (err == NGX_HTTP_FRAUD_SPOOL_FULL) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "fraud: \"%V\" has reached \"max=\" of \"fraud_spool\", "
                      "flags wait and are then lost", &spool->dir);

    } else if (err) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, err,
                      "fraud: flags cannot be written to \"%V\", they wait "
                      "and are then lost", &spool->dir);

    } else {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "fraud: flags are written to \"%V\" again, %ui were lost",
                      &spool->dir, spool->lost);
        spool->lost = 0;
    }
}


/* what waits is written without regard to how many a second */

void
ngx_http_fraud_spool_stop(ngx_http_fraud_main_conf_t *fmcf)
{
    int                       err;
    ngx_uint_t                left, tail, lost;
    struct timespec           ts;
    ngx_http_fraud_spool_t   *spool;
    ngx_http_fraud_writer_t  *writer;

    spool = fmcf->spool;

    if (spool == NULL || spool->writer == NULL) {
        return;
    }

    writer = spool->writer;

    if (spool->event.timer_set) {
        ngx_del_timer(&spool->event);
    }

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += NGX_HTTP_FRAUD_SPOOL_EXIT;

    (void) pthread_mutex_lock(&writer->mutex);

    writer->stop = 1;
    (void) pthread_cond_broadcast(&writer->wake);

    while (!writer->left
           && pthread_cond_timedwait(&writer->wake, &writer->mutex, &ts) == 0)
    {
        /* void */
    }

    left = writer->left;
    tail = writer->tail;
    err = writer->err;

    (void) pthread_mutex_unlock(&writer->mutex);

    lost = spool->lost;

    ngx_http_fraud_spool_settle(spool, tail);

    lost = spool->lost - lost + (writer->head - tail);

    ngx_http_fraud_spool_tell(spool, err);

    if (lost) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "fraud: %ui flags were not written to \"%V\" when this "
                      "worker left", lost, &spool->dir);
    }

    fmcf->zone.counters[NGX_HTTP_FRAUD_N_FLAGS_WAITING] = 0;
    spool->writer = NULL;

    if (!left) {
        /* it is stuck in a file system, and owns what it uses */
        (void) pthread_detach(writer->thread);
        return;
    }

    (void) pthread_join(writer->thread, NULL);
    (void) pthread_mutex_destroy(&writer->mutex);
    (void) pthread_cond_destroy(&writer->wake);

    ngx_http_fraud_writer_free(writer);
}
