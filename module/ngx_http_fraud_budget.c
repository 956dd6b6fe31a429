
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_store.h"


#define NGX_HTTP_FRAUD_NEWCOMERS  60    /* seconds that are remembered */


/* how many newcomers of one parent were seen, in records of their own */

ngx_int_t
ngx_http_fraud_budget_init(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf)
{
    fraud_op_t                *op;
    ngx_http_fraud_op_t      **registered;
    ngx_http_fraud_redis_t    *redis;

    redis = fmcf->redis;
    op = &redis->budget.op;

    if (redis->budgeted == NGX_CONF_UNSET) {
        redis->budgeted = 1;
        op->u.gcra.n = 50;
        op->u.gcra.period_us = 1000000;
    }

    ngx_str_set(&redis->newcomers.name, "newcomers");
    redis->newcomers.ttl = NGX_HTTP_FRAUD_NEWCOMERS;

    if (!redis->budgeted) {
        return NGX_OK;
    }

    op->type = FRAUD_OP_GCRA;
    op->u.gcra.burst = op->u.gcra.n - 1;
    op->tag = fraud_op_tag(FRAUD_OP_GCRA, "newcomers", 9, fraud_op_scale(op));

    if (fraud_gcra_check(&op->u.gcra) != FRAUD_OK) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_redis_budget\": the rate is out of range, "
                      "use e.g. 50r/s");
        return NGX_ERROR;
    }

    redis->budget.identity = redis->newcomers.name;
    redis->budget.registered = 1;

    registered = ngx_array_push(&fmcf->ops);
    if (registered == NULL) {
        return NGX_ERROR;
    }

    *registered = &redis->budget;

    return NGX_OK;
}


/*
 * A newcomer too many becomes its parent: the /24 or /48 of an address, the
 * address of anybody else.
 */

void
ngx_http_fraud_budget(ngx_http_fraud_hold_t *hold)
{
    u_char                       bytes[2 + 16];
    ngx_str_t                    text;
    fraud_ip_t                   ip;
    ngx_uint_t                   address;
    fraud_op_call_t              call;
    ngx_http_fraud_hold_t        parent;
    ngx_http_fraud_redis_t      *redis;

    redis = hold->fmcf->redis;

    if (redis == NULL || !redis->budgeted || hold->request == NULL
        || hold->text.len == 0 || hold->domain == &redis->newcomers
        || ngx_http_fraud_client(hold->request, &ip) != NGX_OK)
    {
        return;
    }

    address = hold->domain->address;

    fraud_ip_mask(&ip, address ? 24 : 32, address ? 48 : 64);

    /* no subject begins so */

    bytes[0] = 0;
    bytes[1] = (u_char) address;
    ngx_memcpy(&bytes[2], ip.bytes, fraud_ip_len(&ip));

    text.data = bytes;
    text.len = 2 + fraud_ip_len(&ip);

    parent = *hold;
    parent.domain = &redis->newcomers;
    parent.text.len = 0;
    parent.request = NULL;
    parent.part = redis->budget.part;
    parent.create = 1;
    parent.quiet = 1;

    ngx_http_fraud_pid(hold->fmcf, hold->domain, &text, &parent.pid);

    hold->parent = parent.pid;

    /* the one who counts is not the one who is counted on */

    parent.pid.bytes[0] ^= 0xff;

    if (ngx_http_fraud_hold(&parent) != NGX_OK) {
        return;
    }

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.charge = 1;
    call.arg = 1;

    ngx_http_fraud_hold_call(&parent, &redis->budget, NULL, &call);
    ngx_http_fraud_release(&parent);

    if (call.over) {
        hold->pid = hold->parent;
        hold->text.len = 0;
        ngx_http_fraud_count(hold->fmcf, NGX_HTTP_FRAUD_N_BUDGETED);
    }
}
