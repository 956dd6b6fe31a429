
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_store.h"


/*
 * In strict mode Redis decides.  What a request asks about its subjects is
 * collected, what the zone already knows for sure is answered from it, and
 * the rest leaves together; the request waits, the worker does not.  Every
 * answer is noted in the zone, so that it can go on when Redis is lost.
 */


#define NGX_HTTP_FRAUD_WAIT  4096    /* bytes that suffice for most */


static ngx_int_t ngx_http_fraud_wait_create(ngx_http_fraud_ctx_t *ctx);
static void ngx_http_fraud_wait_collect(ngx_http_fraud_wait_t *wait,
    ngx_http_fraud_subject_t *subject, ngx_uint_t again);
static void ngx_http_fraud_wait_bound(ngx_http_fraud_wait_t *wait,
    ngx_http_fraud_subject_t *subject);
static void ngx_http_fraud_wait_zone(ngx_http_fraud_waiter_t *waiter,
    ngx_uint_t *points);
static ngx_uint_t ngx_http_fraud_wait_try(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_asked_t *asked, ngx_uint_t n, ngx_uint_t *points);
static ngx_uint_t ngx_http_fraud_wait_refused(ngx_http_fraud_ctx_t *ctx,
    ngx_uint_t points);
static void ngx_http_fraud_wait_send(ngx_http_fraud_wait_t *wait,
    ngx_uint_t from);
static ngx_int_t ngx_http_fraud_wait_submit(ngx_http_fraud_waiter_t *waiter);
static void ngx_http_fraud_wait_local(ngx_http_fraud_waiter_t *waiter,
    ngx_uint_t tell);
static void ngx_http_fraud_wait_again(ngx_http_fraud_wait_t *wait);
static void ngx_http_fraud_wait_late(ngx_event_t *ev);
static void ngx_http_fraud_wait_resume(ngx_http_fraud_wait_t *wait);
static void ngx_http_fraud_store_forgotten(void *data,
    const fraud_str_t *answer, ngx_fraud_redis_rc_e rc);


/* NGX_AGAIN: the request waits, its phases are run again when it is answered */

ngx_int_t
ngx_http_fraud_store_request(ngx_http_fraud_ctx_t *ctx)
{
    u_char                  key[FRAUD_STORE_KEY_LEN];
    ngx_uint_t              i, points;
    ngx_http_fraud_wait_t  *wait;

    if (ngx_http_fraud_wait_create(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    wait = ctx->wait;

    for (i = 0; i < ctx->flcf->nsubjects; i++) {
        ngx_http_fraud_wait_collect(wait, &ctx->flcf->subjects[i], 0);
    }

    points = 0;

    for (i = 0; i < wait->nwaiters; i++) {
        ngx_http_fraud_wait_zone(&wait->waiters[i], &points);
    }

    if (ngx_http_fraud_wait_refused(ctx, points)) {
        for (i = 0; i < wait->nwaiters; i++) {
            wait->waiters[i].cached = 1;
        }
    }

    /* without Redis it is no cache */

    for (i = 0; i < wait->nwaiters && ctx->fmcf->redis->lost; i++) {
        fraud_store_key((char *) key, &wait->waiters[i].run.pid);

        wait->waiters[i].cached &= ngx_fraud_redis_available(
                                              ctx->fmcf->redis->client, key);
    }

    ngx_http_fraud_wait_send(wait, 0);

    wait->suspended = (wait->pending != 0);

    return wait->suspended ? NGX_AGAIN : NGX_OK;
}


/*
 * All of it is one piece of memory of this worker's, until the request is
 * gone; an account may be asked about twice.
 */

static ngx_int_t
ngx_http_fraud_wait_create(ngx_http_fraud_ctx_t *ctx)
{
    size_t                     size;
    u_char                    *p;
    ngx_uint_t                 i, n, calls;
    ngx_http_fraud_wait_t     *wait;
    ngx_http_fraud_redis_t    *redis;
    ngx_http_fraud_subject_t  *subject;

    n = 0;
    calls = 0;

    for (i = 0; i < ctx->flcf->nsubjects; i++) {
        subject = &ctx->flcf->subjects[i];

        n += subject->bound ? 3 : 1;
        calls += subject->bound ? 2 * subject->ncalls : subject->ncalls;
    }

    size = sizeof(ngx_http_fraud_wait_t)
           + n * sizeof(ngx_http_fraud_waiter_t)
           + calls * sizeof(ngx_http_fraud_asked_t);

    redis = ctx->fmcf->redis;
    wait = redis->waits;

    if (wait && size <= NGX_HTTP_FRAUD_WAIT) {
        redis->waits = wait->next;

    } else {
        wait = ngx_alloc(ngx_max(size, NGX_HTTP_FRAUD_WAIT),
                         ctx->request->connection->log);
        if (wait == NULL) {
            return NGX_ERROR;
        }
    }

    wait->large = (size > NGX_HTTP_FRAUD_WAIT);

    p = (u_char *) wait + sizeof(ngx_http_fraud_wait_t);

    wait->waiters = (ngx_http_fraud_waiter_t *) p;
    p += n * sizeof(ngx_http_fraud_waiter_t);

    wait->ctx = ctx;
    wait->nwaiters = 0;
    wait->pending = 0;
    wait->asked = (ngx_http_fraud_asked_t *) p;
    wait->deadline = ngx_current_msec + redis->conf.timeout;
    wait->expired = 0;
    wait->suspended = 0;

    ngx_memzero(&wait->late, sizeof(ngx_event_t));
    wait->late.handler = ngx_http_fraud_wait_late;
    wait->late.data = wait;
    wait->late.log = ctx->request->connection->log;

    ctx->wait = wait;

    return NGX_OK;
}


static void
ngx_http_fraud_wait_collect(ngx_http_fraud_wait_t *wait,
    ngx_http_fraud_subject_t *subject, ngx_uint_t again)
{
    ngx_uint_t                n, next;
    ngx_http_fraud_run_t     *run;
    ngx_http_fraud_waiter_t  *waiter;

    if (subject->bound && !again) {
        ngx_http_fraud_wait_bound(wait, subject);
    }

    waiter = &wait->waiters[wait->nwaiters];
    run = &waiter->run;
    n = 0;

    ngx_http_fraud_subject_begin(run, wait->ctx, subject);

    for (next = 0; next < subject->ncalls; /* void */ ) {
        n += ngx_http_fraud_subject_ask(run, &wait->asked[n], &next,
                                        subject->ncalls);
    }

    if (n == 0 || ngx_http_fraud_subject_who(run) != NGX_OK) {
        return;
    }

    waiter->wait = wait;
    waiter->asked = wait->asked;
    waiter->nasked = n;
    waiter->op = NULL;
    waiter->cached = 0;
    waiter->bound = 0;
    waiter->rebound = 0;

    ngx_queue_init(&waiter->flights);

    wait->asked += n;
    wait->nwaiters++;
}


/*
 * Whom a session belongs to is known to the host that saw the login.  What
 * the zone knows is used at once, and asked about anew if it was wrong.
 */

static void
ngx_http_fraud_wait_bound(ngx_http_fraud_wait_t *wait,
    ngx_http_fraud_subject_t *subject)
{
    ngx_http_fraud_hold_t     hold;
    ngx_http_fraud_waiter_t  *waiter;

    if (ngx_http_fraud_account_session(wait->ctx, subject, &hold) != NGX_OK) {
        return;
    }

    waiter = &wait->waiters[wait->nwaiters++];

    ngx_http_fraud_subject_begin(&waiter->run, wait->ctx, subject);

    waiter->run.text = hold.text;
    waiter->run.pid = hold.pid;
    waiter->wait = wait;
    waiter->asked = wait->asked;
    waiter->nasked = 0;
    waiter->op = NULL;
    waiter->cached = 0;
    waiter->bound = 1;
    waiter->rebound = 0;

    ngx_queue_init(&waiter->flights);
}


/*
 * All that is asked is done in the zone first, as Redis will have it: the
 * answer is at hand if there comes none, and seldom has to be corrected.
 * The zone alone can answer for a bucket that is over, which stays so until
 * its retry time, whatever other hosts do.  The points that it is sure of are
 * added to *points.
 */

static void
ngx_http_fraud_wait_zone(ngx_http_fraud_waiter_t *waiter, ngx_uint_t *points)
{
    ngx_uint_t               i, n, sure;
    ngx_http_fraud_run_t    *run;
    ngx_http_fraud_hold_t    hold;
    ngx_http_fraud_asked_t  *asked;

    run = &waiter->run;

    ngx_http_fraud_hold_init(&hold, run->ctx,
                             run->subject->identity->domain);

    hold.text = run->text;
    hold.pid = run->pid;
    hold.quiet = 1;

    sure = 0;

    for (i = 0; i < waiter->nasked; i += n) {
        asked = &waiter->asked[i];
        n = ngx_http_fraud_wait_part(waiter, i, &hold);

        (void) ngx_http_fraud_hold(&hold);

        hold.known = 1;

        run->text.len = hold.text.len;
        run->pid = hold.pid;

        waiter->cached |= ngx_http_fraud_wait_try(&hold, asked, n, &sure);

        ngx_http_fraud_release(&hold);
    }

    /* of who only claims a name it is not known yet whether it counts */

    if (!run->subject->identity->claimed) {
        *points += sure;
    }
}


/* how many of those asked from number i on are of one part */

ngx_uint_t
ngx_http_fraud_wait_part(ngx_http_fraud_waiter_t *waiter, ngx_uint_t i,
    ngx_http_fraud_hold_t *hold)
{
    ngx_uint_t               n;
    ngx_http_fraud_asked_t  *asked;

    asked = &waiter->asked[i];

    hold->part = asked->call->signal->op.part;
    hold->create = 0;
    n = 0;

    do {
        hold->create |= (asked[n].ask.charge != 0);
        n++;

    } while (i + n < waiter->nasked
             && asked[n].call->signal->op.part == hold->part);

    return n;
}


static ngx_uint_t
ngx_http_fraud_wait_try(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_asked_t *asked, ngx_uint_t n, ngx_uint_t *points)
{
    ngx_uint_t                i, over;
    ngx_http_fraud_signal_t  *signal;

    over = 0;

    for (i = 0; i < n; i++) {
        signal = asked[i].call->signal;

        asked[i].local = asked[i].ask;

        ngx_http_fraud_hold_call(hold, &signal->op, asked[i].op,
                                 &asked[i].local);

        if (signal->shadow || hold->record == NULL) {
            continue;
        }

        if (signal->type == FRAUD_RULE_RATE && asked[i].local.over) {
            over = 1;
            *points += signal->points;

        } else if (signal->type == FRAUD_RULE_REPUTATION) {
            *points += ngx_max(ngx_http_fraud_subject_points(signal,
                                                   asked[i].local.value), 1)
                       - 1;
        }
    }

    return over && hold->fmcf->redis->cache;
}


/* what is known suffices to refuse the request */

static ngx_uint_t
ngx_http_fraud_wait_refused(ngx_http_fraud_ctx_t *ctx, ngx_uint_t points)
{
    ngx_uint_t                  n;
    fraud_reason_t              reasons[NGX_HTTP_FRAUD_MAX_SIGNALS];
    const fraud_threshold_t    *threshold;
    ngx_http_fraud_loc_conf_t  *flcf;

    flcf = ctx->flcf;

    if (flcf->mode != NGX_HTTP_FRAUD_ENFORCE || !ctx->fmcf->redis->cache
        || (points == 0 && !ctx->nfired))
    {
        return 0;
    }

    if (ctx->nfired) {
        n = ngx_http_fraud_reasons(ctx, reasons, 0);
        points += fraud_score_sum(reasons, n);
    }

    threshold = fraud_score_threshold(flcf->actions, flcf->nactions,
                                (uint32_t) ngx_min(points, FRAUD_SCORE_MAX));

    return threshold && threshold->action >= FRAUD_ACTION_LIMIT;
}


/* those from number from on leave in this turn of the event loop */

static void
ngx_http_fraud_wait_send(ngx_http_fraud_wait_t *wait, ngx_uint_t from)
{
    ngx_uint_t                i;
    ngx_http_fraud_waiter_t  *waiter;

    wait->asked_us = wait->ctx->now_us;

    for (i = from; i < wait->nwaiters; i++) {
        waiter = &wait->waiters[i];

        if (waiter->cached) {
            if (!waiter->bound) {
                ngx_http_fraud_count(wait->ctx->fmcf,
                                     NGX_HTTP_FRAUD_N_CACHED);
            }

            ngx_http_fraud_wait_local(waiter, 1);
            continue;
        }

        if (ngx_http_fraud_wait_submit(waiter) == NGX_OK) {
            wait->pending++;
            continue;
        }

        ngx_http_fraud_wait_failed(waiter, NGX_FRAUD_REDIS_REFUSED);
    }
}


static ngx_int_t
ngx_http_fraud_wait_submit(ngx_http_fraud_waiter_t *waiter)
{
    u_char                       bytes[FRAUD_STORE_MAX_ARGUMENT];
    u_char                       key[FRAUD_STORE_KEY_LEN];
    ngx_uint_t                   i;
    fraud_delta_t                none;
    ngx_http_fraud_run_t        *run;
    fraud_store_argument_t       argument;
    ngx_http_fraud_domain_t     *domain;
    ngx_http_fraud_redis_t      *redis;

    run = &waiter->run;
    redis = run->ctx->fmcf->redis;

    if (redis->client == NULL) {
        return NGX_DECLINED;
    }

    domain = waiter->bound ? run->subject->session->domain
                           : run->subject->identity->domain;

    fraud_store_begin(&argument, bytes, sizeof(bytes), domain->ttl);

    if (waiter->bound) {
        ngx_memzero(&none, sizeof(fraud_delta_t));
        fraud_store_merge(&argument, &run->subject->bound->op, &none);
    }

    for (i = 0; i < waiter->nasked; i++) {
        fraud_store_call(&argument, waiter->asked[i].op,
                         &waiter->asked[i].ask);
    }

    if (fraud_store_end(&argument) != FRAUD_OK) {
        return NGX_DECLINED;
    }

    fraud_store_key((char *) key, &run->pid);

    waiter->op = ngx_fraud_redis_submit(redis->client, key, argument.buf.data,
                                        argument.buf.len,
                                        ngx_http_fraud_wait_answered, waiter);

    return waiter->op ? NGX_OK : NGX_DECLINED;
}


/* what was done in the zone counts, and the others are told of it later */

static void
ngx_http_fraud_wait_local(ngx_http_fraud_waiter_t *waiter, ngx_uint_t tell)
{
    ngx_uint_t               i, k, n;
    ngx_http_fraud_run_t    *run;
    ngx_http_fraud_hold_t    hold;
    ngx_http_fraud_asked_t  *asked;

    run = &waiter->run;

    ngx_http_fraud_hold_init(&hold, run->ctx,
                             run->subject->identity->domain);

    hold.text = run->text;
    hold.pid = run->pid;

    for (i = 0; i < waiter->nasked; i += n) {
        asked = &waiter->asked[i];
        n = ngx_http_fraud_wait_part(waiter, i, &hold);

        if (tell && hold.create) {
            (void) ngx_http_fraud_hold(&hold);
        }

        for (k = 0; k < n; k++) {
            asked[k].ask = asked[k].local;

            if (hold.record) {
                ngx_http_fraud_hold_tell(&hold, &asked[k].call->signal->op,
                                         asked[k].op, &asked[k].ask);
            }
        }

        ngx_http_fraud_release(&hold);
    }

    ngx_http_fraud_wait_conclude(waiter);
}


/* of whose session it is nothing was asked */

void
ngx_http_fraud_wait_conclude(ngx_http_fraud_waiter_t *waiter)
{
    if (waiter->nasked) {
        ngx_http_fraud_subject_conclude(&waiter->run, waiter->asked,
                                        waiter->nasked);
        ngx_http_fraud_subject_end(&waiter->run);
    }
}


/* what fraud_redis_on_failure means */

void
ngx_http_fraud_wait_failed(ngx_http_fraud_waiter_t *waiter,
    ngx_fraud_redis_rc_e rc)
{
    ngx_http_fraud_ctx_t  *ctx;

    ctx = waiter->run.ctx;

    if (ctx->fmcf->redis->on_failure != NGX_HTTP_FRAUD_ON_FAILURE_LOCAL) {
        ctx->state = NGX_HTTP_FRAUD_STATE_DEGRADED;
        return;
    }

    ctx->state = NGX_HTTP_FRAUD_STATE_LOCAL;

    /* what may have been charged there is not told again */

    ngx_http_fraud_wait_local(waiter, rc == NGX_FRAUD_REDIS_REFUSED);
}


void
ngx_http_fraud_wait_done(ngx_http_fraud_waiter_t *waiter)
{
    ngx_http_fraud_wait_t  *wait;

    wait = waiter->wait;

    if (--wait->pending) {
        return;
    }

    /* the worker exits, and its requests with it */

    if (wait->ctx->fmcf->redis->client == NULL) {
        return;
    }

    if (!wait->expired) {
        ngx_http_fraud_wait_again(wait);

        if (wait->pending) {
            ngx_http_fraud_wait_hurry(wait);
            return;
        }
    }

    if (wait->suspended) {
        ngx_http_fraud_wait_resume(wait);
    }
}


/* sessions that belong to others than the zone knew */

static void
ngx_http_fraud_wait_again(ngx_http_fraud_wait_t *wait)
{
    ngx_uint_t                i, from, points;
    ngx_http_fraud_waiter_t  *waiter;

    from = wait->nwaiters;
    points = 0;

    for (i = 0; i < from; i++) {
        waiter = &wait->waiters[i];

        if (waiter->rebound) {
            waiter->rebound = 0;

            /* what the wrong one did is nothing to this one */

            ngx_http_fraud_subject_clear(&waiter->run);
            ngx_http_fraud_wait_collect(wait, waiter->run.subject, 1);
        }
    }

    for (i = from; i < wait->nwaiters; i++) {
        ngx_http_fraud_wait_zone(&wait->waiters[i], &points);
    }

    ngx_http_fraud_wait_send(wait, from);
}


/* what is asked because of an answer has no more time than there was */

void
ngx_http_fraud_wait_hurry(ngx_http_fraud_wait_t *wait)
{
    ngx_msec_int_t  left;

    if (!wait->late.timer_set) {
        left = (ngx_msec_int_t) (wait->deadline - ngx_current_msec);
        ngx_add_timer(&wait->late, (ngx_msec_t) ngx_max(left, 1));
    }
}


static void
ngx_http_fraud_wait_late(ngx_event_t *ev)
{
    ngx_http_fraud_wait_t *wait = ev->data;

    ngx_uint_t                i, last;
    ngx_http_fraud_waiter_t  *waiter;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, ev->log, 0,
                   "fraud store late: %ui", wait->pending);

    wait->expired = 1;
    wait->ctx->now_us = ngx_http_fraud_now();

    for (i = 0; i < wait->nwaiters; i++) {
        waiter = &wait->waiters[i];

        if (waiter->op) {
            ngx_fraud_redis_cancel(waiter->op);
            waiter->op = NULL;
            ngx_http_fraud_wait_failed(waiter, NGX_FRAUD_REDIS_UNKNOWN);

        } else if (!ngx_queue_empty(&waiter->flights)) {
            ngx_http_fraud_exchange_cancel(waiter);
            ngx_http_fraud_wait_conclude(waiter);

        } else {
            continue;
        }

        /* with the last one the request goes on, and this is gone */

        last = (wait->pending == 1);

        ngx_http_fraud_wait_done(waiter);

        if (last) {
            return;
        }
    }
}


static void
ngx_http_fraud_wait_resume(ngx_http_fraud_wait_t *wait)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = wait->ctx->request;
    c = r->connection;

    wait->suspended = 0;

    ngx_http_set_log_request(c->log, r);

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, c->log, 0, "fraud store resume");

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);

    } else {
        r->read_event_handler = ngx_http_block_reading;
        r->write_event_handler = ngx_http_core_run_phases;

        ngx_http_core_run_phases(r);
    }

    ngx_http_run_posted_requests(c);
}


/* the request is gone: whatever it asked may be answered, but not to it */

void
ngx_http_fraud_store_cancel(ngx_http_fraud_ctx_t *ctx)
{
    ngx_uint_t                i;
    ngx_http_fraud_wait_t    *wait;
    ngx_http_fraud_redis_t   *redis;
    ngx_http_fraud_waiter_t  *waiter;

    wait = ctx->wait;
    redis = ctx->fmcf->redis;

    if (wait->late.timer_set) {
        ngx_del_timer(&wait->late);
    }

    for (i = 0; i < wait->nwaiters; i++) {
        waiter = &wait->waiters[i];

        if (waiter->op) {
            ngx_fraud_redis_cancel(waiter->op);
            waiter->op = NULL;
        }

        ngx_http_fraud_exchange_cancel(waiter);
    }

    ctx->wait = NULL;

    if (wait->large || redis->client == NULL) {
        ngx_free(wait);
        return;
    }

    /* as many as requests waited at once */

    wait->next = redis->waits;
    redis->waits = wait;
}


/* fraudctl reset: fire and forget */

ngx_uint_t
ngx_http_fraud_store_forget(ngx_http_fraud_main_conf_t *fmcf,
    const fraud_pid_t *pid)
{
    u_char                   bytes[64], key[FRAUD_STORE_KEY_LEN];
    fraud_store_argument_t   argument;

    if (fmcf->redis == NULL || fmcf->redis->client == NULL) {
        return 0;
    }

    /* of no life */

    fraud_store_begin(&argument, bytes, sizeof(bytes), 0);

    if (fraud_store_end(&argument) != FRAUD_OK) {
        return 0;
    }

    fraud_store_key((char *) key, pid);

    return ngx_fraud_redis_submit(fmcf->redis->client, key, argument.buf.data,
                                  argument.buf.len,
                                  ngx_http_fraud_store_forgotten, NULL)
           ? 1 : 0;
}


static void
ngx_http_fraud_store_forgotten(void *data, const fraud_str_t *answer,
    ngx_fraud_redis_rc_e rc)
{
    /* void */
}
