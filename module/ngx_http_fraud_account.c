
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"


#define NGX_HTTP_FRAUD_GOOD_AGE   ((uint64_t) 600 * 1000000)
#define NGX_HTTP_FRAUD_TOOK_PART  2500    /* millipoints: three times */


static ngx_int_t ngx_http_fraud_session_good(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, fraud_pid_t *pid);
static uint64_t ngx_http_fraud_session_reputation(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, ngx_str_t *text,
    const fraud_pid_t *pid);
static u_char *ngx_http_fraud_account_hold(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, fraud_table_ref_t *ref,
    ngx_uint_t create);


/* the account that was vouched for in the session of this request */

ngx_int_t
ngx_http_fraud_account(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, fraud_pid_t *pid, fraud_pid_t *log_pid)
{
    u_char             *record;
    fraud_swap_t        before;
    fraud_op_call_t     call;
    fraud_table_ref_t   ref;

    record = ngx_http_fraud_account_hold(ctx, subject, &ref, 0);

    if (record == NULL) {
        return NGX_DECLINED;
    }

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.before = &before;

    (void) fraud_record_call(record + subject->bound->offset,
                             &subject->bound->op, &call, ctx->now_us);
    fraud_table_put(&ref);

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
    u_char             *record, bytes[2 * FRAUD_PID_LEN];
    fraud_swap_t        before;
    fraud_op_call_t     call;
    fraud_table_ref_t   ref;

    record = ngx_http_fraud_account_hold(ctx, subject, &ref, 1);

    if (record == NULL) {
        return;
    }

    ngx_memcpy(bytes, pid->bytes, FRAUD_PID_LEN);
    ngx_memcpy(bytes + FRAUD_PID_LEN, log_pid->bytes, FRAUD_PID_LEN);

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.charge = 1;
    call.bytes = bytes;
    call.len = sizeof(bytes);
    call.before = &before;

    (void) fraud_record_call(record + subject->bound->offset,
                             &subject->bound->op, &call, ctx->now_us);
    fraud_table_put(&ref);
}


static u_char *
ngx_http_fraud_account_hold(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, fraud_table_ref_t *ref,
    ngx_uint_t create)
{
    ngx_str_t                 text;
    fraud_ip_t                ip;
    fraud_pid_t               pid;
    ngx_http_fraud_domain_t  *domain;

    domain = subject->session->domain;

    if (ngx_http_fraud_subject(ctx->request, subject->session, &ip, &text)
        != NGX_OK)
    {
        return NULL;
    }

    /* variables of the log ask long after the decision */

    ctx->now_us = ngx_http_fraud_now();
    ngx_http_fraud_zone_epoch(ctx->fmcf, ctx->now_us);

    ngx_http_fraud_pid(ctx->fmcf, domain, &text, &pid);

    return ngx_http_fraud_zone_hold(ctx->fmcf, ref, domain, &text, &pid,
                                    subject->bound->part, ctx->now_us,
                                    create);
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
    u_char                   *record, bytes[FRAUD_PID_LEN + 16];
    ngx_str_t                 text;
    fraud_ip_t                ip;
    fraud_pid_t               pair_pid;
    fraud_op_call_t           call;
    fraud_table_ref_t         ref;
    ngx_http_fraud_domain_t  *pair;

    if (ngx_http_fraud_client(ctx->request, &ip) != NGX_OK) {
        return 0;
    }

    fraud_ip_mask(&ip, 32, 64);

    ngx_memcpy(bytes, pid->bytes, FRAUD_PID_LEN);
    ngx_memcpy(bytes + FRAUD_PID_LEN, ip.bytes, 16);

    text.data = bytes;
    text.len = FRAUD_PID_LEN + fraud_ip_len(&ip);

    pair = subject->identity->domain->pair;

    ngx_http_fraud_pid(ctx->fmcf, pair, &text, &pair_pid);

    ngx_memzero(&call, sizeof(fraud_op_call_t));

    record = ngx_http_fraud_zone_hold(ctx->fmcf, &ref, pair, &text, &pair_pid,
                                      pair->took_part.part, ctx->now_us,
                                      charged);
    if (record == NULL) {
        return 0;
    }

    call.charge = (int) charged;
    call.arg = charged ? 1000 : 0;

    (void) fraud_record_call(record + pair->took_part.offset,
                             &pair->took_part.op, &call, ctx->now_us);
    fraud_table_put(&ref);

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
    u_char               *record;
    ngx_uint_t            good;
    fraud_pid_t           session;
    fraud_op_call_t       ask;
    fraud_table_ref_t     ref;
    ngx_http_fraud_op_t  *op;

    op = &call->signal->good;

    good = (ngx_http_fraud_session_good(ctx, call->per, &session) == NGX_OK);

    record = ngx_http_fraud_zone_hold(ctx->fmcf, &ref, domain, subject, pid,
                                      op->part, ctx->now_us, good);
    if (record == NULL) {
        return 0;
    }

    ngx_memzero(&ask, sizeof(fraud_op_call_t));

    if (good) {
        ask.charge = 1;
        ngx_memcpy(&ask.arg, session.bytes, sizeof(ask.arg));
    }

    (void) fraud_record_call(record + op->offset, &op->op, &ask, ctx->now_us);

    fraud_table_put(&ref);

    return (ngx_uint_t) ask.value;
}


/* returned its cookie, is older than ten minutes and did nothing bad */

static ngx_int_t
ngx_http_fraud_session_good(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, fraud_pid_t *pid)
{
    u_char                   *record;
    ngx_str_t                 text;
    fraud_ip_t                ip;
    fraud_swap_t              before;
    fraud_op_call_t           call;
    fraud_table_ref_t         ref;
    ngx_http_fraud_domain_t  *domain;

    domain = identity->domain;

    if (ngx_http_fraud_subject(ctx->request, identity, &ip, &text) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_http_fraud_pid(ctx->fmcf, domain, &text, pid);

    record = ngx_http_fraud_zone_hold(ctx->fmcf, &ref, domain, &text, pid,
                                      domain->first.part, ctx->now_us, 1);
    if (record == NULL) {
        return NGX_DECLINED;
    }

    record += domain->first.offset;

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.before = &before;

    (void) fraud_record_call(record, &domain->first.op, &call, ctx->now_us);

    if (before.len == 0) {
        call.charge = 1;
        call.bytes = (u_char *) "1";
        call.len = 1;

        (void) fraud_record_call(record, &domain->first.op, &call,
                                 ctx->now_us);
    }

    fraud_table_put(&ref);

    if (before.len == 0 || call.value < NGX_HTTP_FRAUD_GOOD_AGE) {
        return NGX_DECLINED;
    }

    return ngx_http_fraud_session_reputation(ctx, identity, &text, pid) < 1000
           ? NGX_OK : NGX_DECLINED;
}


static uint64_t
ngx_http_fraud_session_reputation(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, ngx_str_t *text,
    const fraud_pid_t *pid)
{
    u_char                    *record;
    ngx_uint_t                 i;
    fraud_op_call_t            call;
    fraud_table_ref_t          ref;
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

    record = ngx_http_fraud_zone_hold(ctx->fmcf, &ref, identity->domain, text,
                                      pid, reputation->op.part, ctx->now_us,
                                      0);
    if (record == NULL) {
        return 0;
    }

    ngx_memzero(&call, sizeof(fraud_op_call_t));

    (void) fraud_record_call(record + reputation->op.offset,
                             &reputation->op.op, &call, ctx->now_us);
    fraud_table_put(&ref);

    return call.value;
}
