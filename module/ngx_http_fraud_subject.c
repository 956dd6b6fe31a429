
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_store.h"
#include "fraud_str.h"
#include "fraud_travel.h"


static void ngx_http_fraud_subject_run(ngx_http_fraud_run_t *run);
static ngx_int_t ngx_http_fraud_subject_find(ngx_http_fraud_run_t *run);
static ngx_uint_t ngx_http_fraud_ask(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked);
static ngx_uint_t ngx_http_fraud_ask_rate(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked);
static ngx_uint_t ngx_http_fraud_ask_distinct(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked);
static ngx_uint_t ngx_http_fraud_ask_travel(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked);
static ngx_uint_t ngx_http_fraud_answer(ngx_http_fraud_asked_t *asked);
static ngx_uint_t ngx_http_fraud_travelled(ngx_http_fraud_asked_t *asked);


void
ngx_http_fraud_subject_request(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject)
{
    ngx_http_fraud_run_t  run;

    ngx_http_fraud_subject_begin(&run, ctx, subject);
    ngx_http_fraud_subject_run(&run);
}


void
ngx_http_fraud_subject_response(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, ngx_uint_t earned)
{
    ngx_http_fraud_run_t  run;

    if (!subject->response && !subject->identity->verified
        && !(subject->reputation && earned))
    {
        return;
    }

    ngx_http_fraud_subject_begin(&run, ctx, subject);

    run.response = 1;
    run.earned = earned;

    if (subject->identity->verified
        && ngx_http_fraud_subject_who(&run) != NGX_OK)
    {
        return;
    }

    ngx_http_fraud_subject_run(&run);
}


void
ngx_http_fraud_subject_begin(ngx_http_fraud_run_t *run,
    ngx_http_fraud_ctx_t *ctx, ngx_http_fraud_subject_t *subject)
{
    run->ctx = ctx;
    run->subject = subject;
    run->text.len = 0;
    run->response = 0;
    run->earned = 0;
    run->charged = 0;
    run->fired = 0;
    run->known = NGX_AGAIN;
    run->quiet = 0;
    run->held = 0;
}


static void
ngx_http_fraud_subject_run(ngx_http_fraud_run_t *run)
{
    ngx_uint_t              n, next;
    ngx_http_fraud_asked_t  asked[NGX_HTTP_FRAUD_ENTRY_OPS];

    for (next = 0; next < run->subject->ncalls; /* void */ ) {

        n = ngx_http_fraud_subject_ask(run, asked, &next,
                                       NGX_HTTP_FRAUD_ENTRY_OPS);
        if (n == 0) {
            continue;
        }

        if (ngx_http_fraud_subject_who(run) != NGX_OK) {
            return;
        }

        ngx_http_fraud_subject_part(run, asked, n);
        ngx_http_fraud_subject_conclude(run, asked, n);
    }

    ngx_http_fraud_subject_end(run);
}


/*
 * What is asked from call *next on: calls come in order of part, and those of
 * one part are made together.
 */

ngx_uint_t
ngx_http_fraud_subject_ask(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked, ngx_uint_t *next, ngx_uint_t max)
{
    ngx_uint_t              i, n, part;
    ngx_http_fraud_call_t  *calls;

    calls = run->subject->calls;
    i = *next;
    n = 0;

    part = calls[i].signal->op.part;

    do {
        asked[n].call = &calls[i];
        n += ngx_http_fraud_ask(run, &asked[n]);
        i++;

    } while (i < run->subject->ncalls && calls[i].signal->op.part == part
             && n < max);

    *next = i;

    return n;
}


/* all was asked: who only claims a name counts if it took part */

void
ngx_http_fraud_subject_end(ngx_http_fraud_run_t *run)
{
    if (run->subject->identity->claimed && (run->charged || run->fired)
        && !ngx_http_fraud_account_part(run->ctx, run->subject, &run->pid,
                                        run->charged)
        && !run->response)
    {
        ngx_http_fraud_subject_clear(run);
    }
}


/* most responses ask nothing of anybody: a pseudonym is made when needed */

ngx_int_t
ngx_http_fraud_subject_who(ngx_http_fraud_run_t *run)
{
    if (run->known == NGX_AGAIN) {
        run->known = ngx_http_fraud_subject_find(run);
    }

    return run->known;
}


/*
 * A verified account is read from the response alone: before that, it is
 * the one that an earlier response vouched for in this session.
 */

static ngx_int_t
ngx_http_fraud_subject_find(ngx_http_fraud_run_t *run)
{
    fraud_pid_t                 log_pid;
    ngx_http_fraud_ctx_t       *ctx;
    ngx_http_fraud_domain_t    *domain;
    ngx_http_fraud_identity_t  *identity;

    ctx = run->ctx;
    identity = run->subject->identity;
    domain = identity->domain;

    if (run->response) {
        /* the request may have taken its time */
        ctx->now_us = ngx_http_fraud_now();
        ngx_http_fraud_zone_epoch(ctx->fmcf, ctx->now_us);
    }

    if (ctx->fmcf->zone.keyless) {
        return NGX_DECLINED;
    }

    if (identity->verified
        && (!run->response || ctx->refused
            || ngx_http_fraud_value(ctx->request, identity->value, &run->text)
               != NGX_OK))
    {
        run->text.len = 0;

        if (ngx_http_fraud_account(ctx, run->subject, &run->pid, &log_pid)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        return ngx_http_fraud_objects(ctx->fmcf, &run->pid) ? NGX_DECLINED
                                                            : NGX_OK;
    }

    if (!identity->verified
        && ngx_http_fraud_subject(ctx->request, identity, &run->ip, &run->text)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_fraud_pid(ctx->fmcf, domain, &run->text, &run->pid);

    /* limits of addresses defend requests, whoever sends them */

    if (identity->kind != NGX_HTTP_FRAUD_ADDRESS
        && ngx_http_fraud_objects(ctx->fmcf, &run->pid))
    {
        return NGX_DECLINED;
    }

    if (identity->verified) {
        ngx_http_fraud_log_pid(ctx->fmcf, domain, &run->text, &log_pid);
        ngx_http_fraud_account_bind(ctx, run->subject, &run->pid, &log_pid);
    }

    return NGX_OK;
}


/*
 * All ops of one part of the record at once; all variables were read before,
 * so that nothing else happens while it is held.
 */

void
ngx_http_fraud_subject_part(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked, ngx_uint_t n)
{
    ngx_uint_t             i;
    ngx_http_fraud_hold_t  hold;

    ngx_http_fraud_hold_init(&hold, run->ctx,
                             run->subject->identity->domain);

    hold.text = run->text;
    hold.pid = run->pid;
    hold.part = asked[0].call->signal->op.part;
    hold.quiet = run->quiet;
    hold.known = run->held;

    run->held = 1;

    /* whom other hosts know may be new here: an exchange will tell */

    hold.create = (run->ctx->fmcf->redis != NULL);

    for (i = 0; i < n; i++) {
        hold.create |= (asked[i].ask.charge != 0);
    }

    (void) ngx_http_fraud_hold(&hold);

    run->text.len = hold.text.len;
    run->pid = hold.pid;

    for (i = 0; i < n; i++) {
        ngx_http_fraud_hold_call(&hold, &asked[i].call->signal->op,
                                 asked[i].op, &asked[i].ask);
    }

    ngx_http_fraud_release(&hold);
}


/* what the answers mean for the request */

void
ngx_http_fraud_subject_conclude(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked, ngx_uint_t n)
{
    ngx_uint_t                i, k, points;
    ngx_http_fraud_ctx_t     *ctx;
    ngx_http_fraud_signal_t  *signal;

    ctx = run->ctx;

    for (i = 0; i < n; i++) {
        signal = asked[i].call->signal;

        if (run->response) {

            if (signal->type != FRAUD_RULE_REPUTATION) {
                run->charged |= asked[i].ask.charge;
            }

            continue;
        }

        points = ngx_http_fraud_answer(&asked[i]);

        if (points == 0) {
            continue;
        }

        k = asked[i].call->index;

        ctx->fired[k] = (u_char) points;
        ctx->nfired = 1;
        run->fired = 1;

        if (signal->type == FRAUD_RULE_RATE) {
            ctx->retries[k] = (uint32_t) ngx_min((asked[i].ask.retry_us
                                                  + 999999) / 1000000,
                                                 0x7fffffff);
        }
    }
}


/* what a request or a response asks of an op; 0 if nothing */

static ngx_uint_t
ngx_http_fraud_ask(ngx_http_fraud_run_t *run, ngx_http_fraud_asked_t *asked)
{
    ngx_uint_t                peek;
    ngx_http_fraud_signal_t  *signal;

    signal = asked->call->signal;

    if (signal->type == FRAUD_RULE_REPUTATION) {

        if (run->response && run->earned == 0) {
            return 0;
        }

        peek = !run->response;

    } else {

        if (run->response && (!signal->response || run->ctx->refused)) {
            return 0;
        }

        /* what the response decides is only looked at before */

        peek = (signal->response && !run->response);

        if (!peek && signal->condition
            && !ngx_http_fraud_true(run->ctx->request, signal->condition))
        {
            return 0;
        }
    }

    ngx_memzero(&asked->ask, sizeof(fraud_op_call_t));

    asked->op = &signal->op.op;
    asked->ask.charge = !peek;

    switch (signal->type) {

    case FRAUD_RULE_RATE:
        return ngx_http_fraud_ask_rate(run, asked);

    case FRAUD_RULE_DISTINCT:
        return peek || ngx_http_fraud_ask_distinct(run, asked);

    case FRAUD_RULE_TRAVEL:
        return ngx_http_fraud_ask_travel(run, asked);

    default: /* FRAUD_RULE_REPUTATION */
        asked->ask.arg = (uint64_t) run->earned * 1000;
        return 1;
    }
}


static ngx_uint_t
ngx_http_fraud_ask_rate(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked)
{
    uint64_t                  cost;
    ngx_str_t                 text;
    ngx_uint_t                good;
    ngx_http_fraud_signal_t  *signal;

    signal = asked->call->signal;

    /* a peek asks whether one more would be over */

    asked->ask.arg = 1;

    /*
     * what is no number costs as much as any request, and a peek knows no
     * variables of the response
     */

    if (signal->cost
        && (asked->ask.charge || signal->cost->cv.lengths == NULL)
        && ngx_http_fraud_value(run->ctx->request, signal->cost, &text)
           == NGX_OK
        && fraud_str_uint(&cost, (char *) text.data, text.len, UINT32_MAX)
           == FRAUD_OK)
    {
        asked->ask.arg = cost;
    }

    if (asked->call->per == NULL || ngx_http_fraud_subject_who(run) != NGX_OK)
    {
        return 1;
    }

    good = ngx_http_fraud_account_good(run->ctx, asked->call,
                                       run->subject->identity->domain,
                                       &run->text, &run->pid);

    good = ngx_min(good, signal->factor);

    asked->wide = signal->op.op;

    if (good > 1
        && fraud_gcra_widen(&asked->wide.u.gcra, &signal->op.op.u.gcra,
                            (uint32_t) good)
           == FRAUD_OK)
    {
        asked->op = &asked->wide;
    }

    return 1;
}


/* addresses that are one host to us are one value */

static ngx_uint_t
ngx_http_fraud_ask_distinct(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked)
{
    ngx_str_t                 text;
    fraud_ip_t                ip;
    ngx_http_fraud_signal_t  *signal;

    signal = asked->call->signal;

    if (signal->value->client) {

        if (ngx_http_fraud_client(run->ctx->request, &ip) != NGX_OK) {
            return 0;
        }

    } else {

        if (ngx_http_fraud_value(run->ctx->request, signal->value, &text)
            != NGX_OK)
        {
            return 0;
        }

        if (fraud_ip_parse(&ip, (char *) text.data, text.len) != FRAUD_OK) {
            asked->ask.arg = ngx_http_fraud_hash(run->ctx->fmcf, &text);
            return 1;
        }
    }

    fraud_ip_mask(&ip, 32, 64);

    text.data = ip.bytes;
    text.len = fraud_ip_len(&ip);

    asked->ask.arg = ngx_http_fraud_hash(run->ctx->fmcf, &text);

    return 1;
}


static ngx_uint_t
ngx_http_fraud_ask_travel(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked)
{
    fraud_geo_record_t  *geo, record;

    geo = ngx_http_fraud_locate(run->ctx->request, run->ctx->fmcf, &record);

    if (!geo->has_location) {
        return 0;
    }

    fraud_travel_pack(asked->place, geo);

    asked->ask.bytes = asked->place;
    asked->ask.len = FRAUD_TRAVEL_LEN;
    asked->ask.before = &asked->before;

    return 1;
}


/* points + 1 of a signal that fires, or 0 */

static ngx_uint_t
ngx_http_fraud_answer(ngx_http_fraud_asked_t *asked)
{
    ngx_uint_t                fires;
    ngx_http_fraud_signal_t  *signal;

    signal = asked->call->signal;

    switch (signal->type) {

    case FRAUD_RULE_REPUTATION:
        return ngx_http_fraud_subject_points(signal, asked->ask.value);

    case FRAUD_RULE_RATE:
        fires = asked->ask.over;
        break;

    case FRAUD_RULE_DISTINCT:
        fires = (asked->ask.value > signal->max);
        break;

    default: /* FRAUD_RULE_TRAVEL */
        fires = ngx_http_fraud_travelled(asked);
        break;
    }

    return fires ? 1 + signal->points : 0;
}


/* of a reputation, likewise */

ngx_uint_t
ngx_http_fraud_subject_points(ngx_http_fraud_signal_t *signal, uint64_t value)
{
    uint64_t  points;

    points = value * signal->weight / 1000000;

    return points ? 1 + (ngx_uint_t) ngx_min(points, signal->points) : 0;
}


static ngx_uint_t
ngx_http_fraud_travelled(ngx_http_fraud_asked_t *asked)
{
    fraud_place_t             from, to;
    ngx_http_fraud_signal_t  *signal;

    signal = asked->call->signal;

    if (fraud_travel_unpack(&from, asked->before.bytes, asked->before.len)
        != FRAUD_OK
        || fraud_travel_unpack(&to, asked->place, FRAUD_TRAVEL_LEN)
           != FRAUD_OK)
    {
        return 0;
    }

    return fraud_travel_impossible(&from, &to, asked->ask.value,
                                   (uint32_t) signal->speed,
                                   (uint32_t) signal->distance);
}


/* who only claims a name is not judged by what others did under it */

void
ngx_http_fraud_subject_clear(ngx_http_fraud_run_t *run)
{
    ngx_uint_t              i;
    ngx_http_fraud_call_t  *calls;

    calls = run->subject->calls;

    for (i = 0; i < run->subject->ncalls; i++) {
        run->ctx->fired[calls[i].index] = 0;
        run->ctx->retries[calls[i].index] = 0;
    }
}
