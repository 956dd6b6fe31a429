
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_store.h"


/* what Redis answers to a request that waits */


static ngx_int_t ngx_http_fraud_wait_read(ngx_http_fraud_waiter_t *waiter,
    const fraud_str_t *answer, ngx_uint_t *missing);
static ngx_int_t ngx_http_fraud_wait_read_bound(
    ngx_http_fraud_waiter_t *waiter, fraud_store_answer_t *in);
static void ngx_http_fraud_wait_mirror(ngx_http_fraud_waiter_t *waiter,
    uint64_t *debts);
static void ngx_http_fraud_wait_keep(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_asked_t *asked, uint64_t debt, uint64_t asked_us);
static ngx_uint_t ngx_http_fraud_wait_previous(
    ngx_http_fraud_waiter_t *waiter);


void
ngx_http_fraud_wait_answered(void *data, const fraud_str_t *answer,
    ngx_fraud_redis_rc_e rc)
{
    ngx_http_fraud_waiter_t *waiter = data;

    ngx_uint_t             missing;
    ngx_http_fraud_ctx_t  *ctx;

    waiter->op = NULL;
    ctx = waiter->run.ctx;
    missing = 0;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "fraud store answered: %d", rc);

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    ctx->now_us = ngx_http_fraud_now();

    if (rc == NGX_FRAUD_REDIS_ANSWERED
        && ngx_http_fraud_wait_read(waiter, answer, &missing) != NGX_OK)
    {
        ngx_http_fraud_count(ctx->fmcf, NGX_HTTP_FRAUD_N_REDIS
                                        + NGX_FRAUD_REDIS_N_ERRORS);
        rc = NGX_FRAUD_REDIS_UNKNOWN;
    }

    if (rc != NGX_FRAUD_REDIS_ANSWERED) {
        ngx_http_fraud_wait_failed(waiter, rc);

    } else if (missing && ngx_http_fraud_wait_previous(waiter)) {
        return;

    } else {
        ngx_http_fraud_wait_conclude(waiter);
    }

    ngx_http_fraud_wait_done(waiter);
}


static ngx_int_t
ngx_http_fraud_wait_read(ngx_http_fraud_waiter_t *waiter,
    const fraud_str_t *answer, ngx_uint_t *missing)
{
    uint64_t              debts[FRAUD_STORE_MAX_OPS];
    ngx_uint_t            i;
    fraud_store_answer_t  in;

    *missing = 0;

    if (fraud_store_answer(&in, answer->data, answer->len) != FRAUD_OK) {
        return NGX_ERROR;
    }

    *missing = in.missing;

    if (waiter->bound) {
        return ngx_http_fraud_wait_read_bound(waiter, &in);
    }

    for (i = 0; i < waiter->nasked; i++) {
        if (fraud_store_called(&in, waiter->asked[i].op, &waiter->asked[i].ask,
                               &debts[i])
            != FRAUD_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_fraud_wait_mirror(waiter, debts);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_wait_read_bound(ngx_http_fraud_waiter_t *waiter,
    fraud_store_answer_t *in)
{
    fraud_pid_t                pid, log_pid;
    fraud_delta_t              shared;
    ngx_http_fraud_ctx_t      *ctx;
    ngx_http_fraud_hold_t      hold;
    ngx_http_fraud_subject_t  *subject;

    ctx = waiter->run.ctx;
    subject = waiter->run.subject;

    if (fraud_store_merged(in, &subject->bound->op, &shared) != FRAUD_OK) {
        return NGX_ERROR;
    }

    if (shared.swap.len != 2 * FRAUD_PID_LEN) {
        return NGX_OK;
    }

    if (ngx_http_fraud_account(ctx, subject, &pid, &log_pid) == NGX_OK
        && ngx_memcmp(shared.swap.bytes, pid.bytes, FRAUD_PID_LEN) == 0)
    {
        return NGX_OK;
    }

    if (ngx_http_fraud_account_session(ctx, subject, &hold) != NGX_OK) {
        return NGX_OK;
    }

    hold.quiet = 1;
    hold.create = 1;

    if (ngx_http_fraud_hold(&hold) == NGX_OK) {
        fraud_record_know(hold.record + subject->bound->offset,
                          &subject->bound->op, &shared,
                          waiter->wait->asked_us);
        ngx_http_fraud_release(&hold);

        waiter->rebound = 1;
    }

    return NGX_OK;
}


/* other hosts had their part in it: the zone takes over what Redis knows */

static void
ngx_http_fraud_wait_mirror(ngx_http_fraud_waiter_t *waiter, uint64_t *debts)
{
    uint64_t                 shared;
    ngx_uint_t               i, k, n, differ;
    ngx_http_fraud_run_t    *run;
    ngx_http_fraud_hold_t    hold;
    ngx_http_fraud_asked_t  *asked;

    run = &waiter->run;

    ngx_http_fraud_hold_init(&hold, run->ctx,
                             run->subject->identity->domain);

    hold.text = run->text;
    hold.pid = run->pid;
    hold.quiet = 1;

    for (i = 0; i < waiter->nasked; i += n) {
        asked = &waiter->asked[i];
        n = ngx_http_fraud_wait_part(waiter, i, &hold);
        differ = 0;

        for (k = 0; k < n; k++) {
            shared = asked[k].op->type == FRAUD_OP_GCRA ? debts[i + k]
                                                        : asked[k].ask.value;

            differ |= fraud_share_differs(asked[k].op, asked[k].local.value,
                                          shared);
        }

        if (!differ || ngx_http_fraud_hold(&hold) != NGX_OK) {
            continue;
        }

        for (k = 0; k < n; k++) {
            ngx_http_fraud_wait_keep(&hold, &asked[k], debts[i + k],
                                     waiter->wait->asked_us);
        }

        ngx_http_fraud_release(&hold);
    }
}


static void
ngx_http_fraud_wait_keep(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_asked_t *asked, uint64_t debt, uint64_t asked_us)
{
    fraud_delta_t         shared;
    ngx_http_fraud_op_t  *op;

    op = &asked->call->signal->op;

    if (op->op.type != FRAUD_OP_GCRA && op->op.type != FRAUD_OP_DECAY) {
        return;
    }

    ngx_memzero(&shared, sizeof(fraud_delta_t));
    shared.gcra.least = debt;
    shared.decay = asked->ask.value;

    fraud_record_know(hold->record + op->offset, &op->op, &shared, asked_us);
}


/*
 * The first to see a subject under its new pseudonym looks for the one of the
 * previous epoch, and all that was known under that is counted on.
 */

static ngx_uint_t
ngx_http_fraud_wait_previous(ngx_http_fraud_waiter_t *waiter)
{
    fraud_pid_t               pid, log_pid;
    ngx_uint_t                i;
    ngx_http_fraud_due_t      due;
    ngx_http_fraud_run_t     *run;
    ngx_http_fraud_asked_t   *asked;

    run = &waiter->run;

    ngx_memzero(&due, sizeof(ngx_http_fraud_due_t));

    due.pid = run->pid;
    due.domain = waiter->bound ? run->subject->session->domain
                               : run->subject->identity->domain;

    if (waiter->bound
        && ngx_http_fraud_account(run->ctx, run->subject, &pid, &log_pid)
           == NGX_OK)
    {
        /* it was carried over in the zone */
        return 0;
    }

    if (ngx_http_fraud_previous_pid(run->ctx->fmcf, due.domain, &run->text,
                                    run->ctx->now_us, &due.previous)
        != NGX_OK)
    {
        return 0;
    }

    if (waiter->bound) {
        due.part = (uint16_t) run->subject->bound->part;
        ngx_http_fraud_exchange_previous(run->ctx->fmcf, &due, waiter);
    }

    for (i = 0; i < waiter->nasked; i++) {
        asked = &waiter->asked[i];

        if (i == 0 || due.part != asked->call->signal->op.part) {
            due.part = (uint16_t) asked->call->signal->op.part;
            ngx_http_fraud_exchange_previous(run->ctx->fmcf, &due, waiter);
        }
    }

    if (ngx_queue_empty(&waiter->flights)) {
        return 0;
    }

    ngx_http_fraud_wait_hurry(waiter->wait);

    return 1;
}


/* the zone knows by now what was merged, if anything was */

void
ngx_http_fraud_store_landed(ngx_http_fraud_waiter_t *waiter)
{
    ngx_uint_t                i;
    fraud_pid_t               pid, log_pid;
    fraud_op_call_t           ask;
    ngx_http_fraud_run_t     *run;
    ngx_http_fraud_hold_t     hold;
    ngx_http_fraud_asked_t   *asked;

    run = &waiter->run;
    run->ctx->now_us = ngx_http_fraud_now();

    if (waiter->bound) {
        waiter->rebound = (ngx_http_fraud_account(run->ctx, run->subject, &pid,
                                                  &log_pid)
                           == NGX_OK);

        ngx_http_fraud_wait_done(waiter);
        return;
    }

    ngx_http_fraud_hold_init(&hold, run->ctx,
                             run->subject->identity->domain);

    hold.text = run->text;
    hold.pid = run->pid;
    hold.quiet = 1;
    hold.record = NULL;

    for (i = 0; i < waiter->nasked; i++) {
        asked = &waiter->asked[i];

        if (i == 0 || hold.part != asked->call->signal->op.part) {
            ngx_http_fraud_release(&hold);

            hold.part = asked->call->signal->op.part;
            (void) ngx_http_fraud_hold(&hold);
        }

        if (hold.record == NULL || asked->op->type == FRAUD_OP_SWAP) {
            continue;
        }

        ask = asked->ask;
        ask.charge = 0;

        ngx_http_fraud_hold_call(&hold, &asked->call->signal->op, asked->op,
                                 &ask);

        if (asked->op->type != FRAUD_OP_GCRA || !asked->ask.charge) {
            ask.charge = asked->ask.charge;
            asked->ask = ask;

        } else if (!asked->ask.over) {

            /* it was charged: is there more now than may be? */

            asked->ask.retry_us = fraud_gcra_wait(&asked->op->u.gcra,
                                                  ask.value);
            asked->ask.over = (asked->ask.retry_us != 0);
        }
    }

    ngx_http_fraud_release(&hold);

    ngx_http_fraud_wait_conclude(waiter);
    ngx_http_fraud_wait_done(waiter);
}
