
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"


#define NGX_HTTP_FRAUD_GOOD_AGE   ((uint64_t) 600 * 1000000)
#define NGX_HTTP_FRAUD_TOOK_PART  2500    /* millipoints: three times */


static ngx_int_t ngx_http_fraud_session_age(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, ngx_http_fraud_hold_t *hold,
    fraud_pid_t *pid, uint64_t *age_us);
static ngx_int_t ngx_http_fraud_session_good(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, fraud_pid_t *pid);
static uint64_t ngx_http_fraud_session_reputation(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_ctx_t *ctx, ngx_http_fraud_identity_t *identity);


/* the account that was vouched for in the session of this request */

ngx_int_t
ngx_http_fraud_account(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, fraud_pid_t *pid, fraud_pid_t *log_pid)
{
    fraud_swap_t           before;
    fraud_op_call_t        call;
    ngx_http_fraud_hold_t  hold;

    if (subject->bound == NULL
        || ngx_http_fraud_account_session(ctx, subject, &hold) != NGX_OK
        || ngx_http_fraud_hold(&hold) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.before = &before;

    ngx_http_fraud_hold_call(&hold, subject->bound, NULL, &call);
    ngx_http_fraud_release(&hold);

    if (before.len != 2 * FRAUD_PID_LEN) {
        return NGX_DECLINED;
    }

    ngx_memcpy(pid->bytes, before.bytes, FRAUD_PID_LEN);
    ngx_memcpy(log_pid->bytes, before.bytes + FRAUD_PID_LEN, FRAUD_PID_LEN);

    return NGX_OK;
}


void
ngx_http_fraud_account_bind(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, const fraud_pid_t *pid,
    const fraud_pid_t *log_pid)
{
    u_char                 bytes[2 * FRAUD_PID_LEN];
    fraud_swap_t           before;
    fraud_op_call_t        call;
    ngx_http_fraud_hold_t  hold;

    if (subject->bound == NULL
        || ngx_http_fraud_account_session(ctx, subject, &hold) != NGX_OK)
    {
        return;
    }

    hold.create = 1;

    if (ngx_http_fraud_hold(&hold) != NGX_OK) {
        return;
    }

    ngx_memcpy(bytes, pid->bytes, FRAUD_PID_LEN);
    ngx_memcpy(bytes + FRAUD_PID_LEN, log_pid->bytes, FRAUD_PID_LEN);

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.charge = 1;
    call.bytes = bytes;
    call.len = sizeof(bytes);
    call.before = &before;

    ngx_http_fraud_hold_call(&hold, subject->bound, NULL, &call);
    ngx_http_fraud_release(&hold);
}


/* where the session of this request has it, not yet held */

ngx_int_t
ngx_http_fraud_account_session(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, ngx_http_fraud_hold_t *hold)
{
    ngx_http_fraud_domain_t  *domain;

    domain = subject->session->domain;

    /* variables of the log ask long after the decision */

    ctx->now_us = ngx_http_fraud_now();
    ngx_http_fraud_zone_epoch(ctx->fmcf, ctx->now_us);

    if (ctx->fmcf->zone.keyless) {
        return NGX_DECLINED;
    }

    ngx_http_fraud_hold_init(hold, ctx, domain);

    if (ngx_http_fraud_subject(ctx->request, subject->session, &hold->ip,
                               &hold->text)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_fraud_pid(ctx->fmcf, domain, &hold->text, &hold->pid);

    hold->part = subject->bound->part;

    return NGX_OK;
}


/*
 * A login name in a request is anybody's word: who guesses at a victim's
 * password must not lock the victim out.  So what happens under a claimed
 * name counts against an address only after responses to it were charged
 * three times lately.
 */

ngx_uint_t
ngx_http_fraud_account_part(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, const fraud_pid_t *pid,
    ngx_uint_t charged)
{
    u_char                    bytes[FRAUD_PID_LEN + 16];
    fraud_ip_t                ip;
    fraud_op_call_t           call;
    ngx_http_fraud_hold_t     hold;
    ngx_http_fraud_domain_t  *pair;

    if (ngx_http_fraud_client(ctx->request, &ip) != NGX_OK) {
        return 0;
    }

    fraud_ip_mask(&ip, 32, 64);

    ngx_memcpy(bytes, pid->bytes, FRAUD_PID_LEN);
    ngx_memcpy(bytes + FRAUD_PID_LEN, ip.bytes, 16);

    pair = subject->identity->domain->pair;

    ngx_http_fraud_hold_init(&hold, ctx, pair);

    hold.text.data = bytes;
    hold.text.len = FRAUD_PID_LEN + fraud_ip_len(&ip);
    hold.part = pair->took_part.part;
    hold.create = (charged != 0);

    ngx_http_fraud_pid(ctx->fmcf, pair, &hold.text, &hold.pid);

    if (ngx_http_fraud_hold(&hold) != NGX_OK) {
        return 0;
    }

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.charge = (int) charged;
    call.arg = charged ? 1000 : 0;

    ngx_http_fraud_hold_call(&hold, &pair->took_part, NULL, &call);
    ngx_http_fraud_release(&hold);

    return call.value >= NGX_HTTP_FRAUD_TOOK_PART;
}


/*
 * How many good sessions were seen behind a subject in the last hour or two,
 * the one of this request included.
 */

ngx_uint_t
ngx_http_fraud_account_good(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_call_t *call, ngx_http_fraud_domain_t *domain,
    ngx_str_t *subject, const fraud_pid_t *pid)
{
    fraud_pid_t            session;
    fraud_op_call_t        ask;
    ngx_http_fraud_op_t   *op;
    ngx_http_fraud_hold_t  hold;

    op = &call->signal->good;

    ngx_http_fraud_hold_init(&hold, ctx, domain);

    hold.text = *subject;
    hold.pid = *pid;
    hold.part = op->part;

    ngx_memzero(&ask, sizeof(fraud_op_call_t));

    if (ngx_http_fraud_session_good(ctx, call->per, &session) == NGX_OK) {
        hold.create = 1;
        ask.charge = 1;
        ngx_memcpy(&ask.arg, session.bytes, sizeof(ask.arg));
    }

    if (ngx_http_fraud_hold(&hold) != NGX_OK) {
        return 0;
    }

    ngx_http_fraud_hold_call(&hold, op, NULL, &ask);
    ngx_http_fraud_release(&hold);

    return (ngx_uint_t) ask.value;
}


/* how long ago a session was first seen; this request begins a new one */

ngx_int_t
ngx_http_fraud_account_age(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, uint64_t *age_us)
{
    fraud_pid_t            pid;
    ngx_http_fraud_hold_t  hold;

    if (ctx->fmcf->zone.keyless) {
        return NGX_DECLINED;
    }

    return ngx_http_fraud_session_age(ctx, identity, &hold, &pid, age_us);
}


/* the record that hold is then about is not held any more */

static ngx_int_t
ngx_http_fraud_session_age(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, ngx_http_fraud_hold_t *hold,
    fraud_pid_t *pid, uint64_t *age_us)
{
    fraud_swap_t              before;
    fraud_op_call_t           call;
    ngx_http_fraud_domain_t  *domain;

    domain = identity->domain;

    ngx_http_fraud_hold_init(hold, ctx, domain);

    if (ngx_http_fraud_subject(ctx->request, identity, &hold->ip, &hold->text)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_fraud_pid(ctx->fmcf, domain, &hold->text, &hold->pid);

    *pid = hold->pid;

    hold->part = domain->first.part;
    hold->create = 1;

    if (ngx_http_fraud_hold(hold) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.before = &before;

    ngx_http_fraud_hold_call(hold, &domain->first, NULL, &call);

    *age_us = before.len ? call.value : 0;

    if (before.len == 0) {
        call.charge = 1;
        call.bytes = (u_char *) "1";
        call.len = 1;

        ngx_http_fraud_hold_call(hold, &domain->first, NULL, &call);
    }

    ngx_http_fraud_release(hold);

    return NGX_OK;
}


/* returned its cookie, is older than ten minutes and did nothing bad */

static ngx_int_t
ngx_http_fraud_session_good(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, fraud_pid_t *pid)
{
    uint64_t               age_us;
    ngx_http_fraud_hold_t  hold;

    if (ngx_http_fraud_session_age(ctx, identity, &hold, pid, &age_us)
        != NGX_OK
        || age_us < NGX_HTTP_FRAUD_GOOD_AGE)
    {
        return NGX_DECLINED;
    }

    return ngx_http_fraud_session_reputation(&hold, ctx, identity) < 1000
           ? NGX_OK : NGX_DECLINED;
}


static uint64_t
ngx_http_fraud_session_reputation(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_ctx_t *ctx, ngx_http_fraud_identity_t *identity)
{
    ngx_uint_t                 i;
    fraud_op_call_t            call;
    ngx_http_fraud_signal_t   *reputation;
    ngx_http_fraud_subject_t  *subject;

    reputation = NULL;

    for (i = 0; i < ctx->flcf->nsubjects; i++) {
        subject = &ctx->flcf->subjects[i];

        if (subject->identity == identity) {
            reputation = subject->reputation;
            break;
        }
    }

    if (reputation == NULL) {
        return 0;
    }

    hold->part = reputation->op.part;
    hold->create = 0;

    if (ngx_http_fraud_hold(hold) != NGX_OK) {
        return 0;
    }

    ngx_memzero(&call, sizeof(fraud_op_call_t));

    ngx_http_fraud_hold_call(hold, &reputation->op, NULL, &call);
    ngx_http_fraud_release(hold);

    return call.value;
}
