
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"


#define NGX_HTTP_FRAUD_MAX_POLICIES  8   /* rates told in one response */


static ngx_int_t ngx_http_fraud_delay(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx);
static void ngx_http_fraud_delayed(ngx_http_request_t *r);
static ngx_int_t ngx_http_fraud_limit(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx);


ngx_int_t
ngx_http_fraud_act(ngx_http_request_t *r, ngx_http_fraud_ctx_t *ctx)
{
    ngx_uint_t  status;

    if (ctx->action == FRAUD_ACTION_ALLOW
        || ctx->flcf->mode != NGX_HTTP_FRAUD_ENFORCE)
    {
        return NGX_DECLINED;
    }

    if (ctx->action == FRAUD_ACTION_DELAY) {

        if (ctx->fmcf->delayed < NGX_HTTP_FRAUD_MAX_DELAYED) {
            return ngx_http_fraud_delay(r, ctx);
        }

        ctx->action = FRAUD_ACTION_LIMIT;
        ngx_http_fraud_count(ctx->fmcf, NGX_HTTP_FRAUD_N_OVERDELAYED);
    }

    ctx->refused = 1;
    status = ctx->threshold->status;

    switch (ctx->action) {

    case FRAUD_ACTION_LIMIT:

        if (ngx_http_fraud_limit(r, ctx) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return status ? status : NGX_HTTP_TOO_MANY_REQUESTS;

    case FRAUD_ACTION_DENY:
        return status ? status : NGX_HTTP_FORBIDDEN;

    default: /* FRAUD_ACTION_DROP */
        return NGX_HTTP_CLOSE;
    }
}


static ngx_int_t
ngx_http_fraud_delay(ngx_http_request_t *r, ngx_http_fraud_ctx_t *ctx)
{
    /* a client that has gone already shows it in the next turn */

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->delayed = 1;
    ctx->fmcf->delayed++;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_fraud_delayed;

    r->connection->write->delayed = 1;
    ngx_add_timer(r->connection->write, ctx->threshold->delay_ms);

    return NGX_AGAIN;
}


static void
ngx_http_fraud_delayed(ngx_http_request_t *r)
{
    ngx_event_t           *wev;
    ngx_http_fraud_ctx_t  *ctx;

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0, "fraud delay");

    wev = r->connection->write;

    if (wev->delayed) {

        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        }

        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_fraud_module);

    if (ctx && ctx->delayed) {
        ctx->delayed = 0;
        ctx->fmcf->delayed--;
    }

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


/*
 * Retry-After, and RateLimit and RateLimit-Policy as structured fields
 * (draft-ietf-httpapi-ratelimit-headers), for the rates that were over.
 */

static ngx_int_t
ngx_http_fraud_limit(ngx_http_request_t *r, ngx_http_fraud_ctx_t *ctx)
{
    u_char                    *limit, *policy, *retry, *l, *p;
    size_t                     len;
    ngx_uint_t                 i, n;
    fraud_gcra_conf_t         *gcra;
    ngx_http_fraud_signal_t   *signal;

    if (ctx->retry == 0) {
        return NGX_OK;
    }

    /* ', "' name '";q=' n ';w=' seconds; t= is not longer */

    len = NGX_HTTP_FRAUD_MAX_POLICIES
          * (sizeof(", \"\";q=;w=") + 32 + 2 * NGX_INT64_LEN);

    limit = ngx_pnalloc(r->pool, 2 * len + NGX_INT32_LEN);
    if (limit == NULL) {
        return NGX_ERROR;
    }

    policy = limit + len;
    retry = policy + len;

    l = limit;
    p = policy;
    n = 0;

    for (i = 0; i < ctx->flcf->nsignals; i++) {
        signal = ctx->flcf->signals[i];

        if (ctx->retries[i] == 0 || signal->shadow) {
            continue;
        }

        if (n++ == NGX_HTTP_FRAUD_MAX_POLICIES) {
            break;
        }

        gcra = &signal->op.op.u.gcra;

        l = ngx_sprintf(l, "%s\"%V\";r=0;t=%uD", n > 1 ? ", " : "",
                        &signal->name, ctx->retries[i]);
        p = ngx_sprintf(p, "%s\"%V\";q=%uD;w=%uL", n > 1 ? ", " : "",
                        &signal->name, gcra->n, gcra->period_us / 1000000);
    }

    if (ngx_http_fraud_add_header(r, "RateLimit", limit, l - limit) != NGX_OK
        || ngx_http_fraud_add_header(r, "RateLimit-Policy", policy, p - policy)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = ngx_sprintf(retry, "%uD", ctx->retry) - retry;

    return ngx_http_fraud_add_header(r, "Retry-After", retry, len);
}
