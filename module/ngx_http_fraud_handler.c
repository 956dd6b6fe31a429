
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_flag.h"
#include "ngx_http_fraud_store.h"


static ngx_http_fraud_ctx_t *ngx_http_fraud_create_ctx(ngx_http_request_t *r,
    ngx_http_fraud_loc_conf_t *flcf);
static void ngx_http_fraud_cleanup(void *data);
static void ngx_http_fraud_late(ngx_http_fraud_ctx_t *ctx);
static ngx_int_t ngx_http_fraud_evaluate(ngx_http_fraud_ctx_t *ctx,
    ngx_uint_t late);
static ngx_int_t ngx_http_fraud_ask_store(ngx_http_fraud_ctx_t *ctx,
    ngx_uint_t late);
static ngx_int_t ngx_http_fraud_suspend(ngx_http_request_t *r);
static void ngx_http_fraud_waiting(ngx_http_request_t *r);
static void ngx_http_fraud_decide(ngx_http_fraud_ctx_t *ctx);
static void ngx_http_fraud_judge(ngx_http_fraud_ctx_t *ctx);
static void ngx_http_fraud_check_client(ngx_http_request_t *r,
    ngx_http_fraud_main_conf_t *fmcf);
static void ngx_http_fraud_learn(ngx_http_fraud_ctx_t *ctx);
static ngx_uint_t ngx_http_fraud_earned(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, ngx_uint_t earned);
static void ngx_http_fraud_count_request(ngx_http_fraud_ctx_t *ctx);
static void ngx_http_fraud_count_signal(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_signal_t *signal);
static const fraud_pid_t *ngx_http_fraud_counted(ngx_http_fraud_ctx_t *ctx,
    fraud_pid_t *pid);


static const fraud_threshold_t  ngx_http_fraud_closed = {
    0, FRAUD_ACTION_DENY, NGX_HTTP_SERVICE_UNAVAILABLE, 0
};


/*
 * Keeps the location that the request was for: a "return" may end it here,
 * and error_page then leads it to another one.
 */

ngx_int_t
ngx_http_fraud_rewrite_handler(ngx_http_request_t *r)
{
    ngx_http_fraud_loc_conf_t  *flcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_fraud_module);

    if (flcf->mode == NGX_HTTP_FRAUD_OFF || ngx_http_fraud_get_ctx(r)) {
        return NGX_DECLINED;
    }

    ngx_http_fraud_errlog_learn(r);

    return ngx_http_fraud_create_ctx(r, flcf)
           ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


ngx_int_t
ngx_http_fraud_preaccess_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_fraud_ctx_t       *ctx;
    ngx_http_fraud_loc_conf_t  *flcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_fraud_module);
    ctx = ngx_http_fraud_get_ctx(r);

    if (ctx && ctx->wait && !ctx->decided) {

        if (ctx->wait->suspended) {
            return NGX_AGAIN;
        }

        goto answered;
    }

    if (ctx == NULL) {

        if (flcf->mode == NGX_HTTP_FRAUD_OFF) {
            return NGX_DECLINED;
        }

        ctx = ngx_http_fraud_create_ctx(r, flcf);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    /* decided before a delay or before an internal redirect */

    if (ctx->decided) {
        return NGX_DECLINED;
    }

    /*
     * ended before, and now on its way to an error page; with "error_page =",
     * which clears the status, the target answers and is what counts
     */

    if (r->err_status && ctx->flcf->mode != NGX_HTTP_FRAUD_OFF) {
        ngx_http_fraud_late(ctx);
        return NGX_DECLINED;
    }

    /* the one that rewrites led to */

    ctx->flcf = flcf;

    if (flcf->mode == NGX_HTTP_FRAUD_OFF) {
        return NGX_DECLINED;
    }

    ngx_http_fraud_check_client(r, ctx->fmcf);

    rc = ngx_http_fraud_evaluate(ctx, 0);

    if (rc == NGX_AGAIN) {
        return ngx_http_fraud_suspend(r);
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

answered:

    ngx_http_fraud_decide(ctx);

    if (ctx->wait) {
        ngx_http_fraud_store_cancel(ctx);
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "fraud score: %ui action: %s", ctx->score,
                   fraud_action_name(ctx->action));

    return ngx_http_fraud_act(r, ctx);
}


ngx_int_t
ngx_http_fraud_log_handler(ngx_http_request_t *r)
{
    ngx_http_fraud_ctx_t       *ctx;
    ngx_http_fraud_loc_conf_t  *flcf;

    if (r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_fraud_get_ctx(r);

    if (ctx == NULL) {

        flcf = ngx_http_get_module_loc_conf(r, ngx_http_fraud_module);

        if (flcf->mode == NGX_HTTP_FRAUD_OFF || r->unparsed_uri.len == 0) {
            return NGX_OK;
        }

        ctx = ngx_http_fraud_create_ctx(r, flcf);
        if (ctx == NULL) {
            return NGX_ERROR;
        }
    }

    if (ctx->logged || ctx->flcf->mode == NGX_HTTP_FRAUD_OFF) {
        return NGX_OK;
    }

    if (!ctx->decided) {
        ngx_http_fraud_late(ctx);
    }

    ctx->logged = 1;

    if (!ctx->trusted) {
        ngx_http_fraud_learn(ctx);
    }

    if (ctx->flcf->nflags) {
        ngx_http_fraud_flags_raise(ctx);
    }

    ngx_http_fraud_count_request(ctx);

    if (ctx->flcf->log) {
        ngx_http_fraud_log_write(r, ctx);
    }

    return NGX_OK;
}


/* it ended before the preaccess phase: scored, never acted on */

static void
ngx_http_fraud_late(ngx_http_fraud_ctx_t *ctx)
{
    if (ctx->wait) {
        /* the client went while it waited */
        ngx_http_fraud_store_cancel(ctx);

    } else {
        (void) ngx_http_fraud_evaluate(ctx, 1);
    }

    ngx_http_fraud_decide(ctx);

    ctx->late = 1;
    ctx->threshold = NULL;
    ctx->action = FRAUD_ACTION_ALLOW;

    ngx_http_fraud_count(ctx->fmcf, NGX_HTTP_FRAUD_N_LATE);
}


/*
 * Internal redirects and error_page clear the contexts of a request, not the
 * cleanups of its pool.
 */

ngx_http_fraud_ctx_t *
ngx_http_fraud_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t    *cln;
    ngx_http_fraud_ctx_t  *ctx;

    r = r->main;

    ctx = ngx_http_get_module_ctx(r, ngx_http_fraud_module);

    if (ctx || !(r->internal || r->filter_finalize)) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_fraud_cleanup) {
            ctx = cln->data;
            ngx_http_set_ctx(r, ctx, ngx_http_fraud_module);
            break;
        }
    }

    return ctx;
}


static ngx_http_fraud_ctx_t *
ngx_http_fraud_create_ctx(ngx_http_request_t *r,
    ngx_http_fraud_loc_conf_t *flcf)
{
    size_t                       fired, hits, retries, size;
    ngx_pool_cleanup_t          *cln;
    ngx_http_fraud_ctx_t        *ctx;
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_fraud_module);

    fired = offsetof(ngx_http_fraud_ctx_t, fired);
    hits = ngx_align(fired + fmcf->nsignals + 1, sizeof(uint64_t));
    retries = hits + fmcf->sets * sizeof(uint64_t);
    size = retries + fmcf->nsignals * sizeof(uint32_t);

    cln = ngx_pool_cleanup_add(r->pool, size);
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, size);

    ctx->request = r;
    ctx->flcf = flcf;
    ctx->fmcf = fmcf;
    ctx->hits = (uint64_t *) ((u_char *) ctx + hits);
    ctx->retries = (uint32_t *) ((u_char *) ctx + retries);

    cln->handler = ngx_http_fraud_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_fraud_module);

    return ctx;
}


const char *
ngx_http_fraud_state_name(ngx_http_fraud_state_e state)
{
    static const char  *names[] = { "ok", "local", "degraded" };

    return names[state];
}


/* nginx's cached milliseconds would reject bursts at high rates */

uint64_t
ngx_http_fraud_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


static void
ngx_http_fraud_cleanup(void *data)
{
    ngx_http_fraud_ctx_t *ctx = data;

    if (ctx->delayed) {
        ctx->fmcf->delayed--;
    }

    if (ctx->wait) {
        ngx_http_fraud_store_cancel(ctx);
    }
}


/* NGX_AGAIN: Redis is asked, which one that is late cannot wait for */

static ngx_int_t
ngx_http_fraud_evaluate(ngx_http_fraud_ctx_t *ctx, ngx_uint_t late)
{
    ngx_uint_t                   i;
    ngx_http_fraud_signal_t     *signal;
    ngx_http_fraud_loc_conf_t   *flcf;
    ngx_http_fraud_main_conf_t  *fmcf;

    flcf = ctx->flcf;
    fmcf = ctx->fmcf;

    ctx->now_us = ngx_http_fraud_now();

    ngx_http_fraud_zone_epoch(fmcf, ctx->now_us);

    for (i = 0; i < flcf->nsignals; i++) {
        signal = flcf->signals[i];

        if (signal->identity.len || signal->response) {
            continue;
        }

        if (ngx_http_fraud_signal_fires(ctx, signal)) {
            ctx->fired[i] = (u_char) (1 + signal->points);
            ctx->nfired = 1;

            if (signal->trust) {
                ctx->trusted = 1;
                return NGX_OK;
            }
        }
    }

    if (fmcf->zone.keyless && flcf->nsubjects) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_KEYLESS);
        return NGX_OK;
    }

    if (fmcf->redis && flcf->nsubjects) {
        return ngx_http_fraud_ask_store(ctx, late);
    }

    for (i = 0; i < flcf->nsubjects; i++) {
        ngx_http_fraud_subject_request(ctx, &flcf->subjects[i]);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_ask_store(ngx_http_fraud_ctx_t *ctx, ngx_uint_t late)
{
    ngx_uint_t               i;
    ngx_http_fraud_redis_t  *redis;

    redis = ctx->fmcf->redis;

    if (!redis->relaxed && !late) {
        return ngx_http_fraud_store_request(ctx);
    }

    if (ngx_http_fraud_redis_lost(redis)) {

        if (redis->on_failure != NGX_HTTP_FRAUD_ON_FAILURE_LOCAL) {
            ctx->state = NGX_HTTP_FRAUD_STATE_DEGRADED;
            return NGX_OK;
        }

        ctx->state = NGX_HTTP_FRAUD_STATE_LOCAL;
    }

    for (i = 0; i < ctx->flcf->nsubjects; i++) {
        ngx_http_fraud_subject_request(ctx, &ctx->flcf->subjects[i]);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_suspend(ngx_http_request_t *r)
{
    /* a client that has gone already shows it in the next turn */

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_fraud_waiting;

    return NGX_AGAIN;
}


static void
ngx_http_fraud_waiting(ngx_http_request_t *r)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "fraud store: still waiting");

    if (ngx_handle_write_event(r->connection->write, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


static void
ngx_http_fraud_decide(ngx_http_fraud_ctx_t *ctx)
{
    ctx->decided = 1;

    if (ctx->state != NGX_HTTP_FRAUD_STATE_OK) {
        ngx_http_fraud_count(ctx->fmcf, NGX_HTTP_FRAUD_N_LOCAL
                                        + ctx->state
                                        - NGX_HTTP_FRAUD_STATE_LOCAL);
    }

    if (ctx->nfired) {
        ngx_http_fraud_judge(ctx);
    }

    /* fraud_redis_on_failure closed: who is not known does not get in */

    if (ctx->state == NGX_HTTP_FRAUD_STATE_DEGRADED
        && ctx->fmcf->redis->on_failure == NGX_HTTP_FRAUD_ON_FAILURE_CLOSED
        && ctx->action < FRAUD_ACTION_DENY)
    {
        ctx->threshold = &ngx_http_fraud_closed;
        ctx->action = FRAUD_ACTION_DENY;
    }
}


static void
ngx_http_fraud_judge(ngx_http_fraud_ctx_t *ctx)
{
    ngx_uint_t      i, n;
    fraud_reason_t  reasons[NGX_HTTP_FRAUD_MAX_SIGNALS];

    n = ngx_http_fraud_reasons(ctx, reasons, 0);

    ctx->score = fraud_score_sum(reasons, n);
    ctx->threshold = fraud_score_threshold(ctx->flcf->actions,
                                           ctx->flcf->nactions,
                                           (uint32_t) ctx->score);
    if (ctx->threshold) {
        ctx->action = ctx->threshold->action;
    }

    for (i = 0; i < ctx->flcf->nsignals; i++) {
        if (!ctx->flcf->signals[i]->shadow) {
            ctx->retry = ngx_max(ctx->retry, ctx->retries[i]);
        }
    }
}


/* what fired, in order of configuration: signals that count, or shadows */

ngx_uint_t
ngx_http_fraud_reasons(ngx_http_fraud_ctx_t *ctx, fraud_reason_t *reasons,
    ngx_uint_t shadow)
{
    ngx_uint_t                i, n;
    ngx_http_fraud_signal_t  *signal;

    n = 0;

    for (i = 0; i < ctx->flcf->nsignals; i++) {

        if (ctx->fired[i] == 0) {
            continue;
        }

        signal = ctx->flcf->signals[i];

        if (signal->shadow == shadow) {
            reasons[n].name.data = signal->reason.data;
            reasons[n].name.len = signal->reason.len;
            reasons[n].points = ctx->fired[i] - 1;
            n++;
        }
    }

    return n;
}


/*
 * Later requests know what the response showed and what was earned now; what
 * was known before is not earned again.
 */

static void
ngx_http_fraud_learn(ngx_http_fraud_ctx_t *ctx)
{
    ngx_uint_t                  i, earned;
    ngx_http_fraud_signal_t    *signal;
    ngx_http_fraud_loc_conf_t  *flcf;

    flcf = ctx->flcf;

    if (!flcf->response && !flcf->vouches && !(flcf->learns && ctx->score)) {
        return;
    }

    earned = 0;

    for (i = 0; i < flcf->nsignals && (ctx->nfired || flcf->remarks); i++) {
        signal = flcf->signals[i];

        if (signal->response && signal->identity.len == 0) {

            if (ctx->refused
                || !ngx_http_fraud_signal_fires(ctx, signal))
            {
                continue;
            }

            ngx_http_fraud_count_signal(ctx, signal);

            if (!signal->shadow) {
                earned += signal->points;
            }

        } else if (ctx->fired[i] && !signal->shadow
                   && signal->type != FRAUD_RULE_REPUTATION)
        {
            earned += ctx->fired[i] - 1;
        }
    }

    earned = ngx_min(earned, FRAUD_SCORE_MAX);

    for (i = 0; i < flcf->nsubjects; i++) {
        ngx_http_fraud_subject_response(ctx, &flcf->subjects[i],
                        ngx_http_fraud_earned(ctx, &flcf->subjects[i], earned));
    }
}


/*
 * A crowded address is no fault of its sessions: they would stop to be good,
 * and its limit would narrow just when it is needed.
 */

static ngx_uint_t
ngx_http_fraud_earned(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, ngx_uint_t earned)
{
    ngx_str_t                *name;
    ngx_uint_t                i, crowd;
    ngx_http_fraud_signal_t  *signal;

    if (earned == 0 || subject->reputation == NULL) {
        return earned;
    }

    name = &subject->identity->name;
    crowd = 0;

    for (i = 0; i < ctx->flcf->nsignals; i++) {
        signal = ctx->flcf->signals[i];

        if (ctx->fired[i] && !signal->shadow && signal->per.len == name->len
            && ngx_strncmp(signal->per.data, name->data, name->len) == 0)
        {
            crowd += ctx->fired[i] - 1;
        }
    }

    return earned > crowd ? earned - crowd : 0;
}


static void
ngx_http_fraud_count_request(ngx_http_fraud_ctx_t *ctx)
{
    ngx_uint_t  i;

    ngx_http_fraud_count(ctx->fmcf, NGX_HTTP_FRAUD_N_REQUESTS);
    ngx_http_fraud_count(ctx->fmcf, NGX_HTTP_FRAUD_N_ALLOW + ctx->action);

    if (ctx->trusted) {
        ngx_http_fraud_count(ctx->fmcf, NGX_HTTP_FRAUD_N_TRUSTED);
    }

    if (ctx->action != FRAUD_ACTION_ALLOW
        && ctx->flcf->mode == NGX_HTTP_FRAUD_OBSERVE)
    {
        ngx_http_fraud_count(ctx->fmcf, NGX_HTTP_FRAUD_N_OBSERVED);
    }

    for (i = 0; i < ctx->flcf->nsignals && ctx->nfired; i++) {
        if (ctx->fired[i]) {
            ngx_http_fraud_count_signal(ctx, ctx->flcf->signals[i]);
        }
    }
}


static void
ngx_http_fraud_count_signal(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_signal_t *signal)
{
    ngx_uint_t   k;
    fraud_pid_t  pid;

    k = ctx->flcf->policy ? ctx->flcf->policy->policy.settings.aggregate_k : 0;

    ngx_http_fraud_zone_fired(ctx->fmcf, signal, k,
                              k ? ngx_http_fraud_counted(ctx, &pid) : NULL);
}


/* whom a hit counts for where persons are counted: the client's address */

static const fraud_pid_t *
ngx_http_fraud_counted(ngx_http_fraud_ctx_t *ctx, fraud_pid_t *pid)
{
    ngx_str_t                    subject;
    ngx_uint_t                   i;
    fraud_ip_t                   ip;
    ngx_http_fraud_identity_t  **identity;

    identity = ctx->flcf->identities;

    for (i = 0; i < ctx->flcf->nidentities; i++) {

        if (identity[i]->kind != NGX_HTTP_FRAUD_ADDRESS || identity[i]->value)
        {
            continue;
        }

        if (ctx->fmcf->zone.keyless
            || ngx_http_fraud_subject(ctx->request, identity[i], &ip, &subject)
               != NGX_OK)
        {
            break;
        }

        ngx_http_fraud_log_pid(ctx->fmcf, identity[i]->domain, &subject, pid);
        return pid;
    }

    return NULL;
}


/*
 * A private client that was forwarded: all visitors would be one subject.
 * Said once, by the first request that shows it.
 */

static void
ngx_http_fraud_check_client(ngx_http_request_t *r,
    ngx_http_fraud_main_conf_t *fmcf)
{
    fraud_ip_t                  ip;
    ngx_http_variable_value_t  *vv;

    if (fmcf->forwarded || !ngx_http_fraud_forwarded(r)
        || ngx_http_fraud_client(r, &ip) != NGX_OK
        || !fraud_ip_is_private(&ip))
    {
        return;
    }

    if (fmcf->realip_index >= 0) {
        vv = ngx_http_get_flushed_variable(r, fmcf->realip_index);

        if (vv && !vv->not_found
            && (vv->len != r->connection->addr_text.len
                || ngx_memcmp(vv->data, r->connection->addr_text.data,
                              vv->len)
                   != 0))
        {
            return;
        }
    }

    fmcf->forwarded = 1;

    if (ngx_http_fraud_zone_once(fmcf)) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "fraud: the first client with X-Forwarded-For has a "
                      "private address and realip did not replace it, so all "
                      "visitors behind that proxy are one subject; set "
                      "\"set_real_ip_from\" and \"real_ip_header\"");
    }
}
