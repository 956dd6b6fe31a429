
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "ngx_http_fraud_store.h"


static fraud_rc ngx_http_fraud_hold_get(ngx_http_fraud_hold_t *hold,
    ngx_uint_t create);
static ngx_uint_t ngx_http_fraud_hold_near(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_op_t *op, const fraud_op_t *as, fraud_op_call_t *call);
static ngx_uint_t ngx_http_fraud_carry(ngx_http_fraud_hold_t *hold,
    const fraud_pid_t *previous, u_char *record);


/* text, pid, part and create are the caller's to set */

void
ngx_http_fraud_hold_init(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_ctx_t *ctx, ngx_http_fraud_domain_t *domain)
{
    hold->fmcf = ctx->fmcf;
    hold->domain = domain;
    hold->text.len = 0;
    hold->request = ctx->request;
    hold->part = 0;
    hold->now_us = ctx->now_us;
    hold->record = NULL;
    hold->create = 0;
    hold->quiet = 0;
    hold->known = 0;
}


/*
 * Holds a part of the record of a subject; NGX_DECLINED if it is not there
 * (and not to be made) or not to be had.  What the subject did under the
 * pseudonym of the previous epoch goes with it.  A newcomer too many is
 * counted on its parent.
 */

ngx_int_t
ngx_http_fraud_hold(ngx_http_fraud_hold_t *hold)
{
    u_char                       before[FRAUD_TABLE_RECORD];
    fraud_rc                     rc;
    ngx_uint_t                   carried, plain;
    fraud_pid_t                  previous;
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = hold->fmcf;

    hold->record = NULL;
    hold->created = 0;
    hold->due = 0;
    hold->near = 0;

    plain = (fmcf->redis == NULL
             && !fmcf->zone.keys[hold->domain->key].has_previous);

    rc = ngx_http_fraud_hold_get(hold, hold->create && plain);

    if (rc == FRAUD_NOTFOUND && !plain) {

        /* two entries are never held at once */

        carried = (ngx_http_fraud_previous_pid(fmcf, hold->domain, &hold->text,
                                               hold->now_us, &previous)
                   == NGX_OK
                   && ngx_http_fraud_carry(hold, &previous, before));

        if (!carried && !hold->create) {
            return NGX_DECLINED;
        }

        if (!carried && !hold->known) {
            ngx_http_fraud_budget(hold);
        }

        rc = ngx_http_fraud_hold_get(hold, 1);

        if (rc == FRAUD_OK && carried) {
            ngx_memcpy(hold->ref.record, before, FRAUD_TABLE_RECORD);
        }
    }

    if (rc == FRAUD_OK) {
        hold->record = hold->ref.record;
        hold->created = hold->ref.created;

        if (hold->created && fmcf->redis && !hold->quiet) {
            hold->due = 1;
        }

        return NGX_OK;
    }

    if (rc == FRAUD_AGAIN) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_BUSY);
    }

    return NGX_DECLINED;
}


static fraud_rc
ngx_http_fraud_hold_get(ngx_http_fraud_hold_t *hold, ngx_uint_t create)
{
    fraud_rc                     rc;
    fraud_table_ref_t           *ref;
    ngx_http_fraud_main_conf_t  *fmcf;

    ref = &hold->ref;
    fmcf = hold->fmcf;

    rc = fraud_table_get(&fmcf->zone.table, ref, &hold->pid,
                         (unsigned) hold->part, hold->now_us,
                         hold->domain->ttl, (int) create);

    if (ref->created) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_CREATED);
    }

    if (ref->evicted) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_EVICTED);
    }

    if (ref->expired) {
        (void) ngx_atomic_fetch_add(
                           &fmcf->zone.counters[NGX_HTTP_FRAUD_N_EXPIRED],
                           ref->expired);
    }

    return rc;
}


/* one op of the held part, as configured or as given; without a part: empty */

void
ngx_http_fraud_hold_call(ngx_http_fraud_hold_t *hold, ngx_http_fraud_op_t *op,
    const fraud_op_t *as, fraud_op_call_t *call)
{
    if (as == NULL) {
        as = &op->op;
    }

    if (hold->record == NULL) {
        call->charge = 0;
        (void) fraud_record_call(NULL, as, call, hold->now_us);
        return;
    }

    call->unsent = (call->charge && hold->fmcf->redis && !hold->quiet);

    if (fraud_record_call(hold->record + op->offset, as, call, hold->now_us)
        && call->unsent)
    {
        hold->near |= ngx_http_fraud_hold_near(hold, op, as, call);
        hold->due |= hold->near;
    }
}


/* what was charged quietly is to be told after all */

void
ngx_http_fraud_hold_tell(ngx_http_fraud_hold_t *hold, ngx_http_fraud_op_t *op,
    const fraud_op_t *as, fraud_op_call_t *call)
{
    fraud_delta_t  delta;

    if (!call->charge || call->over) {
        return;
    }

    delta.unsent = 1;

    if (as->type == FRAUD_OP_GCRA || as->type == FRAUD_OP_DECAY) {
        delta.unsent = (uint32_t) ngx_min(call->arg, 0xffffffff);
    }

    fraud_record_untake(hold->record + op->offset, as, &delta);

    hold->near = 1;
    hold->due = 1;
}


/* who is far from every limit need not be known elsewhere yet */

static ngx_uint_t
ngx_http_fraud_hold_near(ngx_http_fraud_hold_t *hold, ngx_http_fraud_op_t *op,
    const fraud_op_t *as, fraud_op_call_t *call)
{
    if (!hold->fmcf->redis->relaxed || hold->fmcf->redis->lost) {
        return 1;
    }

    return fraud_share_near(as, call->value, op->max);
}


void
ngx_http_fraud_release(ngx_http_fraud_hold_t *hold)
{
    if (hold->record == NULL) {
        return;
    }

    if (hold->fmcf->redis && !hold->quiet) {
        ngx_http_fraud_exchange_due(hold);
    }

    fraud_table_put(&hold->ref);

    hold->record = NULL;
}


/*
 * The pseudonym that a subject had in the previous epoch, while there may
 * still be records of it.
 */

ngx_int_t
ngx_http_fraud_previous_pid(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, uint64_t now_us,
    fraud_pid_t *pid)
{
    fraud_str_t             name;
    ngx_http_fraud_zone_t  *zone;

    zone = &fmcf->zone;

    if (!zone->keys[domain->key].has_previous
        || subject->len == 0
        || now_us / 1000000 % domain->epoch > domain->ttl)
    {
        return NGX_DECLINED;
    }

    name.data = domain->name.data;
    name.len = domain->name.len;

    fraud_pid_make(pid, &zone->keys[domain->key].previous, name, subject->data,
                   subject->len);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_fraud_carry(ngx_http_fraud_hold_t *hold, const fraud_pid_t *previous,
    u_char *record)
{
    ngx_uint_t              i;
    fraud_table_ref_t       ref;
    ngx_http_fraud_op_t    *op;
    ngx_http_fraud_zone_t  *zone;

    zone = &hold->fmcf->zone;

    if (fraud_table_get(&zone->table, &ref, previous, (unsigned) hold->part,
                        hold->now_us, hold->domain->ttl, 0)
        != FRAUD_OK)
    {
        return 0;
    }

    ngx_memcpy(record, ref.record, FRAUD_TABLE_RECORD);

    /* it moves: two copies would both be counted on */

    fraud_table_drop(&ref);

    (void) ngx_atomic_fetch_add(&zone->counters[NGX_HTTP_FRAUD_N_EXPIRED], 1);

    /* values hashed under the secret of another epoch would count twice */

    for (i = 0; i < hold->domain->nops && hold->fmcf->keys_dir.len; i++) {
        op = hold->domain->ops[i];

        if (op->op.type == FRAUD_OP_DISTINCT && op->part == hold->part) {
            ngx_memzero(record + op->offset,
                        fraud_record_slot_len(FRAUD_OP_DISTINCT));
        }
    }

    return 1;
}


/* all that is known of a subject goes, also under its last pseudonym */

ngx_uint_t
ngx_http_fraud_forget(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, uint64_t now_us)
{
    ngx_uint_t              i, k, n, parts;
    fraud_pid_t             pid[2];
    fraud_str_t             name;
    fraud_table_ref_t       ref;
    ngx_http_fraud_zone_t  *zone;

    zone = &fmcf->zone;

    name.data = domain->name.data;
    name.len = domain->name.len;

    fraud_pid_make(&pid[0], &zone->keys[domain->key].current, name,
                   subject->data, subject->len);
    fraud_pid_make(&pid[1], &zone->keys[domain->key].previous, name,
                   subject->data, subject->len);

    parts = ngx_http_fraud_zone_parts(fmcf, domain);
    n = 0;

    for (i = 0; i < parts; i++) {
        for (k = 0; k < 2; k++) {
            if (fraud_table_get(&zone->table, &ref, &pid[k], (unsigned) i,
                                now_us, domain->ttl, 0)
                == FRAUD_OK)
            {
                fraud_table_drop(&ref);
                n++;
            }
        }
    }

    (void) ngx_atomic_fetch_add(&zone->counters[NGX_HTTP_FRAUD_N_EXPIRED], n);

    for (k = 0; k < 2; k++) {
        n += ngx_http_fraud_store_forget(fmcf, &pid[k]);
    }

    return n;
}


/* its reputations earn what the worst request does */

ngx_uint_t
ngx_http_fraud_raise(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, uint64_t now_us)
{
    ngx_uint_t              i, n;
    fraud_str_t             name;
    fraud_op_call_t         call;
    ngx_http_fraud_op_t    *op;
    ngx_http_fraud_hold_t   hold;

    name.data = domain->name.data;
    name.len = domain->name.len;

    n = 0;

    for (i = 0; i < domain->nops; i++) {
        op = domain->ops[i];

        if (op->op.type != FRAUD_OP_DECAY) {
            continue;
        }

        ngx_memzero(&hold, sizeof(ngx_http_fraud_hold_t));

        hold.fmcf = fmcf;
        hold.domain = domain;
        hold.text = *subject;
        hold.part = op->part;
        hold.now_us = now_us;
        hold.create = 1;
        hold.known = 1;

        fraud_pid_make(&hold.pid, &fmcf->zone.keys[domain->key].current, name,
                       subject->data, subject->len);

        if (ngx_http_fraud_hold(&hold) != NGX_OK) {
            continue;
        }

        ngx_memzero(&call, sizeof(fraud_op_call_t));

        call.charge = 1;
        call.arg = FRAUD_SCORE_MAX * 1000;

        ngx_http_fraud_hold_call(&hold, op, NULL, &call);
        ngx_http_fraud_release(&hold);

        n++;
    }

    return n;
}
