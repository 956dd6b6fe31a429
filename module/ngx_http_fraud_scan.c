
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_store.h"


/*
 * What could not be told to the other hosts is marked in the zone.  A scan of
 * all of it finds the marks when Redis is back, and those of workers that are
 * gone.
 */


#define NGX_HTTP_FRAUD_SCAN_SETS   512    /* at a time */
#define NGX_HTTP_FRAUD_SCAN_SENDS  128    /* at most */
#define NGX_HTTP_FRAUD_SCAN_TIME   10     /* ms between */
#define NGX_HTTP_FRAUD_SCAN_LATER  200    /* ms before, and after a refusal */


static ngx_msec_t ngx_http_fraud_scan_sets(
    ngx_http_fraud_main_conf_t *fmcf);
static ngx_http_fraud_domain_t *ngx_http_fraud_scan_domain(
    ngx_http_fraud_main_conf_t *fmcf, const u_char *record, ngx_uint_t part);


/* Redis is back, or this worker is new: what is marked is sent */

void
ngx_http_fraud_scan(ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_http_fraud_redis_t  *redis;

    redis = fmcf->redis;

    if (redis->due == NULL || ngx_exiting) {
        return;
    }

    if (redis->scan != redis->scan_end) {
        /* who is behind the place where it is now is found by another */
        redis->rescan = 1;

    } else {
        redis->scan = 0;
        redis->scan_end = fmcf->zone.table.n;
        redis->rescan = 0;
    }

    if (!redis->scanner.timer_set) {
        ngx_add_timer(&redis->scanner, NGX_HTTP_FRAUD_SCAN_LATER);
    }
}


void
ngx_http_fraud_scan_handler(ngx_event_t *ev)
{
    ngx_http_fraud_main_conf_t *fmcf = ev->data;

    ngx_msec_t               again;
    ngx_http_fraud_redis_t  *redis;

    redis = fmcf->redis;

    if (ngx_exiting) {
        return;
    }

    again = ngx_http_fraud_scan_sets(fmcf);

    if (redis->scan != redis->scan_end && !ev->timer_set) {
        ngx_add_timer(ev, again);
    }
}


/* some of the sets; when to go on */

static ngx_msec_t
ngx_http_fraud_scan_sets(ngx_http_fraud_main_conf_t *fmcf)
{
    uint32_t                 to;
    unsigned                 part;
    uint64_t                 now_us;
    ngx_uint_t               sent;
    fraud_table_ref_t        ref;
    ngx_http_fraud_due_t     due;
    ngx_http_fraud_redis_t  *redis;

    redis = fmcf->redis;

    if (ngx_http_fraud_redis_lost(redis)) {
        /* anew, when it is back */
        redis->scan = redis->scan_end;
        return 0;
    }

    now_us = ngx_http_fraud_now();
    to = redis->scan_end - redis->scan > NGX_HTTP_FRAUD_SCAN_SETS
         ? redis->scan + NGX_HTTP_FRAUD_SCAN_SETS : redis->scan_end;

    sent = 0;

    while (sent < NGX_HTTP_FRAUD_SCAN_SENDS
           && fraud_table_next_marked(&fmcf->zone.table, &ref, &due.pid, &part,
                                      &redis->scan, to, now_us)
              == FRAUD_OK)
    {
        due.part = (uint16_t) part;
        due.has_previous = 0;
        due.echo = 0;
        due.domain = ngx_http_fraud_scan_domain(fmcf, ref.record, part);

        if (due.domain == NULL) {
            fraud_table_put(&ref);
            continue;
        }

        if (ngx_http_fraud_exchange_send(fmcf, &due, &ref, now_us) != NGX_OK) {
            return NGX_HTTP_FRAUD_SCAN_LATER;
        }

        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_MERGED);
        sent++;
    }

    if (redis->scan >= redis->scan_end) {
        redis->scan = redis->scan_end;

        if (redis->rescan) {
            ngx_http_fraud_scan(fmcf);
        }
    }

    return NGX_HTTP_FRAUD_SCAN_TIME;
}


/* whose it is, by any of its slots */

static ngx_http_fraud_domain_t *
ngx_http_fraud_scan_domain(ngx_http_fraud_main_conf_t *fmcf,
    const u_char *record, ngx_uint_t part)
{
    ngx_uint_t                 i, k, pair;
    ngx_http_fraud_op_t       *op;
    ngx_http_fraud_domain_t  **domains, *domain;

    domains = fmcf->domains.elts;

    for (i = 0; i < fmcf->domains.nelts; i++) {
        for (pair = 0; pair < 2; pair++) {
            domain = pair ? domains[i]->pair : domains[i];

            for (k = 0; domain && k < domain->nops; k++) {
                op = domain->ops[k];

                if (op->part == part
                    && fraud_record_has(record + op->offset, &op->op))
                {
                    return domain;
                }
            }
        }
    }

    return NULL;
}
