
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_list.h"
#include "fraud_match.h"
#include "fraud_strset.h"


static ngx_uint_t ngx_http_fraud_list_fires(ngx_http_request_t *r,
    ngx_http_fraud_signal_t *signal);
static ngx_uint_t ngx_http_fraud_match_fires(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_signal_t *signal);


ngx_uint_t
ngx_http_fraud_signal_fires(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_signal_t *signal)
{
    switch (signal->type) {

    case FRAUD_RULE_LIST:
        return ngx_http_fraud_list_fires(ctx->request, signal);

    case FRAUD_RULE_MATCH:
        return ngx_http_fraud_match_fires(ctx, signal);

    case FRAUD_RULE_SIGNAL:
        return signal->condition == NULL
               || ngx_http_fraud_true(ctx->request, signal->condition);

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


/* one search answers for all signals that look at the same value */

static ngx_uint_t
ngx_http_fraud_match_fires(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_signal_t *signal)
{
    ngx_int_t                 rc;
    ngx_str_t                 text;
    ngx_uint_t                i;
    ngx_http_fraud_source_t  *source;

    source = signal->source;
    i = source->index;

    if (!(ctx->searched & ((uint32_t) 1 << i))) {

        rc = ngx_http_fraud_value(ctx->request, signal->value, &text);

        if (rc == NGX_ERROR) {
            return 0;
        }

        if (rc == NGX_DECLINED) {
            /* "^$" is how an empty value is asked for */
            ngx_str_set(&text, "");
        }

        ctx->searched |= (uint32_t) 1 << i;

        if (fraud_match_find(source->object, text.data, text.len,
                             (uint64_t) -1, &ctx->hits[i])
            == FRAUD_ELIMIT)
        {
            ngx_http_fraud_count(ctx->fmcf, NGX_HTTP_FRAUD_N_MATCH_LIMITED);
        }
    }

    return ctx->hits[i] >> signal->member & 1;
}


/* where the client is; asked by several, looked up once in a request */

fraud_geo_record_t *
ngx_http_fraud_locate(ngx_http_request_t *r, ngx_http_fraud_main_conf_t *fmcf,
    fraud_geo_record_t *record)
{
    fraud_ip_t                 ip;
    ngx_uint_t                 i, place;
    ngx_http_fraud_ctx_t      *ctx;
    ngx_http_fraud_source_t  **geo;

    ctx = ngx_http_fraud_get_ctx(r);

    if (ctx) {
        record = &ctx->geo;

        if (ctx->located) {
            return record;
        }

        ctx->located = 1;
    }

    ngx_memzero(record, sizeof(fraud_geo_record_t));

    if (ngx_http_fraud_client(r, &ip) != NGX_OK) {
        return record;
    }

    geo = fmcf->geo.elts;

    for (i = 0; i < fmcf->geo.nelts; i++) {
        if (fraud_geo_find(geo[i]->object, &ip, record) == FRAUD_EINVAL) {
            ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_GEO_ERRORS);
        }
    }

    /* what the policy has no use for is forgotten here */

    place = ngx_http_fraud_policy_place(r, ctx);

    if (place < FRAUD_PLACE_COUNTRY) {
        record->country[0] = '\0';
    }

    if (place < FRAUD_PLACE_CITY) {
        record->has_location = 0;
    }

    return record;
}
