
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_list.h"
#include "fraud_match.h"
#include "fraud_str.h"
#include "fraud_strset.h"


typedef struct {
    ngx_http_fraud_call_t       *call;
    fraud_op_call_t              op;
} ngx_http_fraud_asked_t;


static ngx_uint_t ngx_http_fraud_list_fires(ngx_http_request_t *r,
    ngx_http_fraud_signal_t *signal);
static ngx_uint_t ngx_http_fraud_match_fires(ngx_http_request_t *r,
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_signal_t *signal);
static void ngx_http_fraud_subject_run(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, ngx_uint_t response,
    ngx_uint_t earned);
static ngx_uint_t ngx_http_fraud_ask_request(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_call_t *call, fraud_op_call_t *op);
static ngx_uint_t ngx_http_fraud_ask_response(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_call_t *call, fraud_op_call_t *op, ngx_uint_t earned);
static uint64_t ngx_http_fraud_cost(ngx_http_request_t *r,
    ngx_http_fraud_signal_t *signal);
static void ngx_http_fraud_answer(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_asked_t *asked);


ngx_uint_t
ngx_http_fraud_signal_fires(ngx_http_request_t *r,
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_signal_t *signal)
{
    switch (signal->type) {

    case NGX_HTTP_FRAUD_SIGNAL_LIST:
        return ngx_http_fraud_list_fires(r, signal);

    case NGX_HTTP_FRAUD_SIGNAL_MATCH:
        return ngx_http_fraud_match_fires(r, fmcf, signal);

    case NGX_HTTP_FRAUD_SIGNAL_IF:
        return signal->condition == NULL
               || ngx_http_fraud_true(r, signal->condition);

    default: /* asked subject by subject */
        return 0;
    }
}


static ngx_uint_t
ngx_http_fraud_list_fires(ngx_http_request_t *r,
    ngx_http_fraud_signal_t *signal)
{
    ngx_str_t   text;
    fraud_ip_t  ip;

    if (signal->source->type == NGX_HTTP_FRAUD_LIST) {
        return ngx_http_fraud_address(r, signal->value, &ip) == NGX_OK
               && fraud_list_find(signal->source->object, &ip, NULL);
    }

    return ngx_http_fraud_value(r, signal->value, &text) == NGX_OK
           && fraud_strset_find(signal->source->object, text.data, text.len);
}


static ngx_uint_t
ngx_http_fraud_match_fires(ngx_http_request_t *r,
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_signal_t *signal)
{
    fraud_rc   rc;
    ngx_int_t  found;
    ngx_str_t  text;

    found = ngx_http_fraud_value(r, signal->value, &text);

    if (found == NGX_ERROR) {
        return 0;
    }

    if (found == NGX_DECLINED) {
        /* "^$" is how an empty value is asked for */
        ngx_str_set(&text, "");
    }

    rc = fraud_match_find(signal->source->object, text.data, text.len);

    if (rc == FRAUD_ELIMIT) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_MATCH_LIMITED);
    }

    return rc == FRAUD_OK;
}


void
ngx_http_fraud_subject_request(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject)
{
    ngx_http_fraud_subject_run(ctx, subject, 0, 0);
}


void
ngx_http_fraud_subject_response(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, ngx_uint_t earned)
{
    if (subject->response || (subject->reputation && earned)) {
        ngx_http_fraud_subject_run(ctx, subject, 1, earned);
    }
}


/*
 * All ops on one part of a subject's record are carried out together; all
 * variables are read before, so that nothing else happens while it is held.
 */

static void
ngx_http_fraud_subject_run(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, ngx_uint_t response, ngx_uint_t earned)
{
    u_char                      *record;
    ngx_str_t                    text;
    fraud_ip_t                   ip;
    ngx_uint_t                   i, k, n, part, create;
    fraud_pid_t                  pid;
    fraud_table_ref_t            ref;
    ngx_http_fraud_call_t       *calls;
    ngx_http_fraud_asked_t       asked[NGX_HTTP_FRAUD_ENTRY_OPS];
    ngx_http_fraud_signal_t     *signal;
    ngx_http_fraud_main_conf_t  *fmcf;

    if (ngx_http_fraud_subject(ctx->request, subject->identity, &ip, &text)
        != NGX_OK)
    {
        return;
    }

    fmcf = ctx->fmcf;
    calls = subject->calls;

    ngx_http_fraud_pid(fmcf, subject->identity->domain, &text, &pid);

    for (i = 0; i < subject->ncalls; /* void */ ) {

        part = calls[i].signal->part;
        create = 0;
        n = 0;

        do {
            asked[n].call = &calls[i];

            if (response
                ? ngx_http_fraud_ask_response(ctx, &calls[i], &asked[n].op,
                                              earned)
                : ngx_http_fraud_ask_request(ctx, &calls[i], &asked[n].op))
            {
                create |= asked[n].op.charge;
                n++;
            }

            i++;

        } while (i < subject->ncalls && calls[i].signal->part == part
                 && n < NGX_HTTP_FRAUD_ENTRY_OPS);

        if (n == 0) {
            continue;
        }

        record = ngx_http_fraud_zone_hold(fmcf, &ref,
                                          subject->identity->domain, &text,
                                          &pid, part, ctx->now_us, create);

        for (k = 0; k < n; k++) {
            signal = asked[k].call->signal;

            if (record == NULL) {
                asked[k].op.charge = 0;
            }

            (void) fraud_record_call(record ? record + signal->offset : NULL,
                                     &signal->op, &asked[k].op, ctx->now_us);
        }

        if (record) {
            fraud_table_put(&ref);
        }

        for (k = 0; !response && k < n; k++) {
            ngx_http_fraud_answer(ctx, &asked[k]);
        }
    }
}


static ngx_uint_t
ngx_http_fraud_ask_request(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_call_t *call, fraud_op_call_t *op)
{
    ngx_http_fraud_signal_t  *signal;

    signal = call->signal;

    ngx_memzero(op, sizeof(fraud_op_call_t));

    if (signal->type == NGX_HTTP_FRAUD_SIGNAL_REPUTATION) {
        return 1;
    }

    if (signal->response) {
        /* what is not known yet may cost one: would that be over? */
        op->arg = 1;
        return 1;
    }

    if (signal->condition
        && !ngx_http_fraud_true(ctx->request, signal->condition))
    {
        return 0;
    }

    op->arg = ngx_http_fraud_cost(ctx->request, signal);
    op->charge = 1;

    return 1;
}


static ngx_uint_t
ngx_http_fraud_ask_response(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_call_t *call, fraud_op_call_t *op, ngx_uint_t earned)
{
    ngx_http_fraud_signal_t  *signal;

    signal = call->signal;

    ngx_memzero(op, sizeof(fraud_op_call_t));

    op->charge = 1;

    if (signal->type == NGX_HTTP_FRAUD_SIGNAL_REPUTATION) {
        op->arg = (uint64_t) earned * 1000;
        return earned != 0;
    }

    if (!signal->response || ctx->refused
        || (signal->condition
            && !ngx_http_fraud_true(ctx->request, signal->condition)))
    {
        return 0;
    }

    op->arg = ngx_http_fraud_cost(ctx->request, signal);

    return 1;
}


static uint64_t
ngx_http_fraud_cost(ngx_http_request_t *r, ngx_http_fraud_signal_t *signal)
{
    uint64_t   cost;
    ngx_str_t  text;

    if (signal->cost == NULL) {
        return 1;
    }

    if (ngx_http_fraud_value(r, signal->cost, &text) != NGX_OK
        || fraud_str_uint(&cost, (char *) text.data, text.len, UINT32_MAX)
           != FRAUD_OK)
    {
        /* what is no number costs as much as any request */
        return 1;
    }

    return cost;
}


static void
ngx_http_fraud_answer(ngx_http_fraud_ctx_t *ctx, ngx_http_fraud_asked_t *asked)
{
    uint64_t                  points;
    ngx_uint_t                i;
    ngx_http_fraud_signal_t  *signal;

    i = asked->call->index;
    signal = asked->call->signal;

    if (signal->type == NGX_HTTP_FRAUD_SIGNAL_REPUTATION) {

        points = asked->op.value * signal->weight / 1000000;

        if (points) {
            ctx->fired[i] = (u_char) (1 + ngx_min(points, signal->points));
        }

        return;
    }

    if (asked->op.over) {
        ctx->fired[i] = (u_char) (1 + signal->points);
        ctx->retries[i] = (uint32_t) ngx_min((asked->op.retry_us + 999999)
                                             / 1000000, 0x7fffffff);
    }
}


ngx_int_t
ngx_http_fraud_locate(ngx_http_request_t *r, ngx_http_fraud_main_conf_t *fmcf,
    fraud_geo_record_t *record)
{
    fraud_ip_t                 ip;
    ngx_uint_t                 i;
    ngx_http_fraud_source_t  **geo;

    ngx_memzero(record, sizeof(fraud_geo_record_t));

    if (ngx_http_fraud_client(r, &ip) != NGX_OK) {
        return NGX_DECLINED;
    }

    geo = fmcf->geo.elts;

    for (i = 0; i < fmcf->geo.nelts; i++) {
        if (fraud_geo_find(geo[i]->object, &ip, record) == FRAUD_EINVAL) {
            ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_GEO_ERRORS);
        }
    }

    return NGX_OK;
}
