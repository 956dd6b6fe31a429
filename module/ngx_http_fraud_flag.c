
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <signal.h>

#include "ngx_http_fraud_flag.h"
#include "ngx_http_fraud_store.h"
#include "fraud_str.h"


/*
 * A flag is raised once for a rule, an account and a window whose bounds are
 * fixed: its id is made of nothing else, so whoever sees the same again, on
 * any host and after any crash, makes the same flag.  The mark in the record
 * of the account only spares billing the repetition: it is pending until the
 * flag is on the disk, and one of a process that died before that counts for
 * nothing.
 */


/* that a flag may be under way before it is raised again */
#define NGX_HTTP_FRAUD_FLAG_PENDING  ((uint64_t) 60 * 1000000)


static void ngx_http_fraud_flag_raise(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_flag_t *flag);
static ngx_uint_t ngx_http_fraud_flag_signals(ngx_http_fraud_ctx_t *ctx,
    fraud_reason_t *reasons);
static ngx_uint_t ngx_http_fraud_flag_reached(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_flag_t *flag, ngx_str_t *account, fraud_pid_t *pid);
static ngx_int_t ngx_http_fraud_flag_hold(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_flag_t *flag, fraud_flag_mark_t *mark, uint64_t *age_us);
static void ngx_http_fraud_flag_write(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_flag_t *flag, fraud_flag_mark_t *mark);
static ngx_uint_t ngx_http_fraud_flag_mark(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_flag_t *flag, ngx_str_t *account, fraud_pid_t *pid,
    uint64_t start, fraud_flag_mark_t *mark);
static void ngx_http_fraud_flag_describe(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_spooled_t *item, ngx_str_t *account,
    fraud_flag_mark_t *mark);
static void ngx_http_fraud_flag_amount(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_flag_t *rule, fraud_flag_t *flag);


/*
 * In the log phase: only what the application said in this response, and only
 * what was decided with all that there is to know.
 */

void
ngx_http_fraud_flags_raise(ngx_http_fraud_ctx_t *ctx)
{
    ngx_uint_t               i;
    ngx_http_fraud_flag_t   *flag;
    ngx_http_fraud_redis_t  *redis;

    redis = ctx->fmcf->redis;

    /* a request that asked nothing of Redis does not know that it is away */

    if (ctx->flcf->mode != NGX_HTTP_FRAUD_ENFORCE
        || ctx->trusted || ctx->late || ctx->refused
        || ctx->state != NGX_HTTP_FRAUD_STATE_OK
        || (redis && ngx_http_fraud_redis_lost(redis)))
    {
        return;
    }

    for (i = 0; i < ctx->flcf->nflags; i++) {
        flag = ctx->flcf->flags[i];

        if (ngx_http_fraud_true(ctx->request, flag->condition)) {
            ngx_http_fraud_flag_raise(ctx, flag);
        }
    }
}


static void
ngx_http_fraud_flag_raise(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_flag_t *flag)
{
    uint64_t                     start;
    ngx_str_t                    account;
    fraud_ip_t                   ip;
    ngx_uint_t                   i, n;
    fraud_pid_t                  pid;
    fraud_reason_t               reasons[NGX_HTTP_FRAUD_MAX_SIGNALS];
    fraud_flag_mark_t            mark;
    ngx_http_fraud_main_conf_t  *fmcf;
    ngx_http_fraud_spooled_t    *item;

    fmcf = ctx->fmcf;
    n = ngx_http_fraud_flag_signals(ctx, reasons);

    if (n < flag->signals
        || ngx_http_fraud_subject(ctx->request, flag->account, &ip, &account)
           != NGX_OK)
    {
        return;
    }

    ctx->now_us = ngx_http_fraud_now();
    ngx_http_fraud_zone_epoch(fmcf, ctx->now_us);

    if (fmcf->zone.keyless) {
        return;
    }

    ngx_http_fraud_pid(fmcf, flag->account->domain, &account, &pid);

    if (ngx_http_fraud_objects(fmcf, &pid)
        || !ngx_http_fraud_flag_reached(ctx, flag, &account, &pid))
    {
        return;
    }

    start = ctx->now_us / 1000000 / flag->window * flag->window;

    if (!ngx_http_fraud_flag_mark(ctx, flag, &account, &pid, start, &mark)) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_FLAGS_SUPPRESSED);
        return;
    }

    ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_FLAGS_RAISED);

    item = ngx_http_fraud_spool_reserve(fmcf->spool);

    if (item) {
        item->rule = flag;
        item->pid = pid;
        item->start = start;

        ngx_memzero(&item->flag, sizeof(fraud_flag_t));

        item->flag.nsignals = ngx_min(n, FRAUD_FLAG_SIGNALS);

        for (i = 0; i < item->flag.nsignals; i++) {
            item->flag.signals[i] = reasons[i].name;
        }

        ngx_http_fraud_flag_describe(ctx, item, &account, &mark);

        if (ngx_http_fraud_spool_put(fmcf->spool, item, &account) == NGX_OK) {
            return;
        }
    }

    ngx_http_fraud_flag_settled(fmcf, flag, &pid, start, 0);
}


/* which ones saw something of this request, the strongest first */

static ngx_uint_t
ngx_http_fraud_flag_signals(ngx_http_fraud_ctx_t *ctx, fraud_reason_t *reasons)
{
    ngx_uint_t                i, n;
    ngx_http_fraud_signal_t  *signal;

    n = 0;

    for (i = 0; i < ctx->flcf->nsignals; i++) {
        signal = ctx->flcf->signals[i];

        /* what was earned before is no evidence of anything now */

        if (signal->shadow || signal->points == 0
            || signal->type == FRAUD_RULE_REPUTATION)
        {
            continue;
        }

        if (signal->response && signal->identity.len == 0) {

            if (!ngx_http_fraud_signal_fires(ctx, signal)) {
                continue;
            }

        } else if (ctx->fired[i] < 2) {
            continue;
        }

        reasons[n].name.data = signal->name.data;
        reasons[n].name.len = signal->name.len;
        reasons[n].points = (uint32_t) signal->points;
        n++;
    }

    fraud_score_sort(reasons, n);

    return n;
}


/* counts this one; 1 if there were enough of them in a window */

static ngx_uint_t
ngx_http_fraud_flag_reached(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_flag_t *flag, ngx_str_t *account, fraud_pid_t *pid)
{
    uint64_t               age_us;
    fraud_op_call_t        call;
    fraud_flag_mark_t      mark;
    ngx_http_fraud_hold_t  hold;

    if (flag->count == 1) {
        return 1;
    }

    ngx_http_fraud_hold_init(&hold, ctx, flag->account->domain);

    hold.text = *account;
    hold.pid = *pid;
    hold.part = flag->rate.part;
    hold.create = 1;

    if (ngx_http_fraud_hold(&hold) != NGX_OK) {
        return 0;
    }

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.charge = 1;
    call.arg = 1;

    ngx_http_fraud_hold_call(&hold, &flag->rate, NULL, &call);
    ngx_http_fraud_release(&hold);

    if (call.over || call.value > flag->rate.op.u.gcra.period_us) {
        return call.over;
    }

    /* the first: the bucket was empty before */

    if (ngx_http_fraud_flag_hold(&hold, flag, &mark, &age_us) == NGX_OK) {
        mark.first_ms = ctx->now_us / 1000;
        ngx_http_fraud_flag_write(&hold, flag, &mark);
        ngx_http_fraud_release(&hold);
    }

    return 0;
}


/* the mark of an account, which stays held */

static ngx_int_t
ngx_http_fraud_flag_hold(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_flag_t *flag, fraud_flag_mark_t *mark, uint64_t *age_us)
{
    fraud_swap_t     before;
    fraud_op_call_t  call;

    ngx_memzero(mark, sizeof(fraud_flag_mark_t));
    *age_us = 0;

    hold->part = flag->mark.part;

    if (ngx_http_fraud_hold(hold) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.before = &before;

    ngx_http_fraud_hold_call(hold, &flag->mark, NULL, &call);

    fraud_flag_mark_unpack(mark, before.bytes, before.len);
    *age_us = call.value;

    return NGX_OK;
}


static void
ngx_http_fraud_flag_write(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_flag_t *flag, fraud_flag_mark_t *mark)
{
    u_char           bytes[FRAUD_FLAG_MARK_LEN];
    fraud_swap_t     before;
    fraud_op_call_t  call;

    fraud_flag_mark_pack(bytes, mark);

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.charge = 1;
    call.bytes = bytes;
    call.len = sizeof(bytes);
    call.before = &before;

    ngx_http_fraud_hold_call(hold, &flag->mark, NULL, &call);
}


/*
 * 0 if this window's flag was raised before: it is written, or somebody is
 * about to.  A record that cannot be had is no reason not to raise it.
 */

static ngx_uint_t
ngx_http_fraud_flag_mark(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_flag_t *flag, ngx_str_t *account, fraud_pid_t *pid,
    uint64_t start, fraud_flag_mark_t *mark)
{
    uint32_t               host;
    uint64_t               age_us;
    ngx_uint_t             raise;
    ngx_http_fraud_hold_t  hold;

    host = ctx->fmcf->spool->host;

    ngx_http_fraud_hold_init(&hold, ctx, flag->account->domain);

    hold.text = *account;
    hold.pid = *pid;
    hold.create = 1;

    if (ngx_http_fraud_flag_hold(&hold, flag, mark, &age_us) != NGX_OK) {
        return 1;
    }

    raise = 1;

    if (mark->start == start) {
        raise = mark->process
                && (age_us > NGX_HTTP_FRAUD_FLAG_PENDING
                    || (mark->host == host
                        && kill((pid_t) mark->process, 0) == -1
                        && ngx_errno == NGX_ESRCH));
    }

    if (raise) {
        mark->start = start;
        mark->host = host;
        mark->process = (uint32_t) ngx_pid;

        ngx_http_fraud_flag_write(&hold, flag, mark);
    }

    ngx_http_fraud_release(&hold);

    return raise;
}


static void
ngx_http_fraud_flag_describe(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_spooled_t *item, ngx_str_t *account,
    fraud_flag_mark_t *mark)
{
    uint64_t                     now_ms;
    fraud_flag_t                *flag;
    ngx_http_fraud_flag_t       *rule;
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ctx->fmcf;
    rule = item->rule;
    flag = &item->flag;
    now_ms = ctx->now_us / 1000;

    flag->policy.data = rule->policy->name.data;
    flag->policy.len = rule->policy->name.len;
    flag->version = rule->policy->policy.version;
    ngx_memcpy(flag->digest, rule->policy->policy.digest,
               sizeof(flag->digest));

    flag->rule.data = rule->name.data;
    flag->rule.len = rule->name.len;
    flag->family.data = rule->family.data;
    flag->family.len = rule->family.len;
    flag->rule_version = rule->version;
    flag->window = rule->window;
    flag->threshold = rule->count;
    flag->observed = rule->count;

    ngx_http_fraud_pid(fmcf, rule->billing, account, &flag->pid);
    flag->epoch = ctx->now_us / 1000000 / rule->billing->epoch;

    flag->damage = rule->damage;
    ngx_http_fraud_flag_amount(ctx, rule, flag);

    flag->last_ms = now_ms;
    flag->first_ms = now_ms;

    if (rule->count > 1 && mark->first_ms && mark->first_ms < now_ms) {
        flag->first_ms = mark->first_ms;
    }

    flag->expiry_ms = now_ms
                 + (uint64_t) rule->policy->policy.settings.keep_evidence
                   * 1000;

    fraud_flag_id(item->id, &fmcf->zone.keys[rule->billing->log_key].current,
                  flag, item->start);
}


/* what is no amount is none: a person will have to find one */

static void
ngx_http_fraud_flag_amount(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_flag_t *rule, fraud_flag_t *flag)
{
    uint64_t   amount;
    ngx_str_t  text;

    if (rule->amount
        && ngx_http_fraud_value(ctx->request, rule->amount, &text) == NGX_OK
        && fraud_str_uint(&amount, (char *) text.data, text.len,
                          FRAUD_FLAG_MAX_AMOUNT)
           == FRAUD_OK
        && amount)
    {
        flag->metered = 1;
        flag->amount = (uint32_t) amount;
        ngx_memcpy(flag->currency, rule->currency, sizeof(flag->currency));
    }
}


/* it is on the disk, or will never be: then the next one is raised again */

void
ngx_http_fraud_flag_settled(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_flag_t *flag, fraud_pid_t *pid, uint64_t start,
    ngx_uint_t written)
{
    uint64_t               age_us;
    fraud_flag_mark_t      mark;
    ngx_http_fraud_hold_t  hold;

    ngx_http_fraud_count(fmcf, written ? NGX_HTTP_FRAUD_N_FLAGS_WRITTEN
                                       : NGX_HTTP_FRAUD_N_FLAGS_LOST);

    ngx_memzero(&hold, sizeof(ngx_http_fraud_hold_t));

    hold.fmcf = fmcf;
    hold.domain = flag->account->domain;
    hold.pid = *pid;
    hold.now_us = ngx_http_fraud_now();

    if (ngx_http_fraud_flag_hold(&hold, flag, &mark, &age_us) != NGX_OK) {
        return;
    }

    if (mark.start == start) {
        mark.process = 0;

        if (!written) {
            mark.start = 0;
        }

        ngx_http_fraud_flag_write(&hold, flag, &mark);
    }

    ngx_http_fraud_release(&hold);
}
