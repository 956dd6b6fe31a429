
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_store.h"


/*
 * What requests charge in the zone alone, the other hosts are told by way of
 * Redis: every interval a worker sends what is unsent in the parts of records
 * that it noted as due, and takes over what all hosts know together.  What
 * could not be sent stays marked in the zone; a scan finds it when Redis is
 * back, also for workers that are gone.
 */


#define NGX_HTTP_FRAUD_TOUCHES     16     /* one in so many is refreshed */
#define NGX_HTTP_FRAUD_REGULAR     3      /* intervals */
#define NGX_HTTP_FRAUD_ECHOES      2
#define NGX_HTTP_FRAUD_PLACES      (2 * NGX_HTTP_FRAUD_DUE)


typedef enum {
    NGX_HTTP_FRAUD_FLIGHT_DELTA = 0,
    NGX_HTTP_FRAUD_FLIGHT_PREVIOUS
} ngx_http_fraud_flight_e;


/* a part of a record that Redis was asked about, or memory for one */

struct ngx_http_fraud_flight_s {
    ngx_http_fraud_flight_t     *next;      /* free */
    ngx_queue_t                  queue;     /* of the waiter */
    ngx_http_fraud_main_conf_t  *fmcf;
    ngx_http_fraud_waiter_t     *waiter;    /* NULL: none waits (any more) */
    ngx_http_fraud_due_t         due;
    ngx_http_fraud_flight_e      type;
    ngx_uint_t                   n;
    ngx_http_fraud_op_t         *ops[NGX_HTTP_FRAUD_ENTRY_OPS];
    uint32_t                     unsent[NGX_HTTP_FRAUD_ENTRY_OPS];
    uint64_t                     asked_us;
    unsigned                     missing:1;
    unsigned                     adopts:1;  /* what was before */
};


static ngx_http_fraud_due_t *ngx_http_fraud_exchange_note(
    ngx_http_fraud_main_conf_t *fmcf, const fraud_pid_t *pid,
    ngx_uint_t part);
static void ngx_http_fraud_exchange_handler(ngx_event_t *ev);
static void ngx_http_fraud_exchange_flush(ngx_http_fraud_main_conf_t *fmcf);
static ngx_int_t ngx_http_fraud_exchange_submit(
    ngx_http_fraud_flight_t *flight, const fraud_delta_t *deltas);
static void ngx_http_fraud_exchange_landed(void *data,
    const fraud_str_t *answer, ngx_fraud_redis_rc_e rc);
static ngx_int_t ngx_http_fraud_exchange_read(ngx_http_fraud_flight_t *flight,
    const fraud_str_t *answer, fraud_delta_t *shared);
static void ngx_http_fraud_exchange_know(ngx_http_fraud_flight_t *flight,
    const fraud_delta_t *shared);
static void ngx_http_fraud_exchange_echo(ngx_http_fraud_flight_t *flight,
    const fraud_delta_t *shared);
static void ngx_http_fraud_exchange_untake(ngx_http_fraud_flight_t *flight);
static ngx_int_t ngx_http_fraud_exchange_adopt(ngx_http_fraud_flight_t *flight,
    fraud_delta_t *states);
static void ngx_http_fraud_exchange_again(ngx_http_fraud_main_conf_t *fmcf,
    const ngx_http_fraud_due_t *due);
static ngx_http_fraud_flight_t *ngx_http_fraud_flight(
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_due_t *due);
static void ngx_http_fraud_flight_free(ngx_http_fraud_flight_t *flight);


ngx_int_t
ngx_http_fraud_exchange_start(ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_http_fraud_redis_t  *redis;

    redis = fmcf->redis;

    redis->due = ngx_alloc(NGX_HTTP_FRAUD_DUE * sizeof(ngx_http_fraud_due_t),
                           fmcf->cycle->log);
    redis->places = ngx_calloc(NGX_HTTP_FRAUD_PLACES * sizeof(uint16_t),
                               fmcf->cycle->log);

    if (redis->due == NULL || redis->places == NULL) {
        return NGX_ERROR;
    }

    redis->exchange.handler = ngx_http_fraud_exchange_handler;
    redis->exchange.data = fmcf;
    redis->exchange.log = fmcf->cycle->log;

    redis->scanner.handler = ngx_http_fraud_scan_handler;
    redis->scanner.data = fmcf;
    redis->scanner.log = fmcf->cycle->log;
    redis->scanner.cancelable = 1;

    if (!ngx_http_fraud_zone_fresh(fmcf)) {
        ngx_http_fraud_scan(fmcf);
    }

    return NGX_OK;
}


void
ngx_http_fraud_exchange_stop(ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_http_fraud_wait_t    *wait;
    ngx_http_fraud_redis_t   *redis;
    ngx_http_fraud_flight_t  *flight;

    redis = fmcf->redis;

    if (redis->exchange.timer_set) {
        ngx_del_timer(&redis->exchange);
    }

    if (redis->scanner.timer_set) {
        ngx_del_timer(&redis->scanner);
    }

    while (redis->waits) {
        wait = redis->waits;
        redis->waits = wait->next;
        ngx_free(wait);
    }

    while (redis->flights) {
        flight = redis->flights;
        redis->flights = flight->next;
        ngx_free(flight);
    }

    if (redis->due) {
        ngx_free(redis->due);
        ngx_free(redis->places);
        redis->due = NULL;
    }
}


/* called while the part is held */

void
ngx_http_fraud_exchange_due(ngx_http_fraud_hold_t *hold)
{
    ngx_uint_t               refresh;
    ngx_http_fraud_due_t    *due;
    ngx_http_fraud_redis_t  *redis;

    redis = hold->fmcf->redis;

    /* who is active is looked at now and then, whatever is known here */

    refresh = (redis->relaxed
               && ++redis->touched % NGX_HTTP_FRAUD_TOUCHES == 0);

    if ((!hold->due && !refresh) || hold->domain == &redis->newcomers) {
        return;
    }

    /* marked: some worker has it; it may have died since */

    if (fraud_table_mark(&hold->ref, 1) && !hold->near && !refresh) {
        return;
    }

    due = ngx_http_fraud_exchange_note(hold->fmcf, &hold->pid, hold->part);
    if (due == NULL) {
        return;
    }

    due->domain = hold->domain;

    if (hold->near) {
        due->echo = NGX_HTTP_FRAUD_ECHOES;
    }

    due->has_previous |= (hold->created
                         && ngx_http_fraud_previous_pid(hold->fmcf,
                                                 hold->domain, &hold->text,
                                                 hold->now_us, &due->previous)
                            == NGX_OK);
}


/* the place in the list of what is due; NULL: a scan finds it */

static ngx_http_fraud_due_t *
ngx_http_fraud_exchange_note(ngx_http_fraud_main_conf_t *fmcf,
    const fraud_pid_t *pid, ngx_uint_t part)
{
    uint16_t                *place;
    uint32_t                 hash;
    ngx_http_fraud_due_t    *due;
    ngx_http_fraud_redis_t  *redis;

    redis = fmcf->redis;

    if (redis->due == NULL || ngx_http_fraud_redis_lost(redis)) {
        return NULL;
    }

    if (redis->ndue == NGX_HTTP_FRAUD_DUE) {
        ngx_http_fraud_scan(fmcf);
        return NULL;
    }

    ngx_memcpy(&hash, pid->bytes, sizeof(uint32_t));
    hash += (uint32_t) part;

    for ( ;; ) {
        place = &redis->places[hash++ % NGX_HTTP_FRAUD_PLACES];

        if (*place == 0) {
            break;
        }

        due = &redis->due[*place - 1];

        if (due->part == part
            && ngx_memcmp(&due->pid, pid, sizeof(fraud_pid_t)) == 0)
        {
            return due;
        }
    }

    due = &redis->due[redis->ndue++];
    due->pid = *pid;
    due->part = (uint16_t) part;
    due->has_previous = 0;
    due->again = 0;
    due->echo = 0;

    *place = (uint16_t) redis->ndue;

    if (!redis->exchange.timer_set) {
        ngx_add_timer(&redis->exchange, redis->interval);
    }

    return due;
}


static void
ngx_http_fraud_exchange_handler(ngx_event_t *ev)
{
    ngx_http_fraud_main_conf_t *fmcf = ev->data;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, ev->log, 0, "fraud exchange: %ui",
                   fmcf->redis->ndue);

    ngx_http_fraud_exchange_flush(fmcf);
}


static void
ngx_http_fraud_exchange_flush(ngx_http_fraud_main_conf_t *fmcf)
{
    uint64_t                 now_us;
    ngx_uint_t               i, n;
    fraud_table_ref_t        ref;
    ngx_http_fraud_due_t    *due;
    ngx_http_fraud_redis_t  *redis;

    redis = fmcf->redis;
    n = redis->ndue;
    redis->ndue = 0;

    if (n) {
        ngx_memzero(redis->places, NGX_HTTP_FRAUD_PLACES * sizeof(uint16_t));
    }

    if (ngx_http_fraud_redis_lost(redis)) {
        /* they are marked */
        return;
    }

    now_us = ngx_http_fraud_now();

    for (i = 0; i < n; i++) {
        due = &redis->due[i];

        if (fraud_table_get(&fmcf->zone.table, &ref, &due->pid, due->part,
                            now_us, due->domain->ttl, 0)
            == FRAUD_OK)
        {
            (void) ngx_http_fraud_exchange_send(fmcf, due, &ref, now_us);
        }
    }
}


/* lets go of the entry; NGX_DECLINED: not now */

ngx_int_t
ngx_http_fraud_exchange_send(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_due_t *due, fraud_table_ref_t *ref, uint64_t now_us)
{
    uint64_t                  regular_us;
    ngx_uint_t                i;
    fraud_delta_t             deltas[NGX_HTTP_FRAUD_ENTRY_OPS];
    ngx_http_fraud_flight_t  *flight;

    flight = ngx_http_fraud_flight(fmcf, due);

    if (flight == NULL) {
        (void) fraud_table_mark(ref, 1);
        fraud_table_put(ref);
        ngx_http_fraud_scan(fmcf);
        return NGX_DECLINED;
    }

    (void) fraud_table_mark(ref, 0);

    regular_us = (uint64_t) fmcf->redis->interval * NGX_HTTP_FRAUD_REGULAR
                 * 1000;

    for (i = 0; i < flight->n; i++) {
        if (!fraud_record_take(ref->record + flight->ops[i]->offset,
                               &flight->ops[i]->op, &deltas[i], now_us,
                               regular_us))
        {
            /* nothing to tell, and no key is made of that */
            ngx_memzero(&deltas[i], sizeof(fraud_delta_t));
        }

        flight->unsent[i] = deltas[i].unsent;
    }

    fraud_table_put(ref);

    if (ngx_http_fraud_exchange_submit(flight, deltas) == NGX_OK) {
        return NGX_OK;
    }

    ngx_http_fraud_exchange_untake(flight);
    ngx_http_fraud_flight_free(flight);

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_fraud_exchange_submit(ngx_http_fraud_flight_t *flight,
    const fraud_delta_t *deltas)
{
    u_char                   bytes[FRAUD_STORE_MAX_ARGUMENT];
    u_char                   key[FRAUD_STORE_KEY_LEN];
    ngx_uint_t               i;
    fraud_op_t               once;
    fraud_delta_t            none;
    const fraud_pid_t       *pid;
    fraud_store_argument_t   argument;

    fraud_store_begin(&argument, bytes, sizeof(bytes),
                      flight->due.domain->ttl);

    ngx_memzero(&once, sizeof(fraud_op_t));
    ngx_memzero(&none, sizeof(fraud_delta_t));

    /* several hosts may have seen that nobody did */

    if (flight->adopts) {
        once.type = FRAUD_OP_SWAP;
        once.tag = fraud_op_tag(FRAUD_OP_SWAP, "adopted.", 8,
                                flight->due.part);

        fraud_store_once(&argument, &once);
    }

    for (i = 0; i < flight->n; i++) {
        fraud_store_merge(&argument, &flight->ops[i]->op,
                          deltas ? &deltas[i] : &none);
    }

    if (flight->adopts) {
        none.swap.len = 1;
        fraud_store_merge(&argument, &once, &none);
    }

    if (fraud_store_end(&argument) != FRAUD_OK) {
        return NGX_DECLINED;
    }

    flight->asked_us = ngx_http_fraud_now();

    pid = flight->type == NGX_HTTP_FRAUD_FLIGHT_PREVIOUS
          ? &flight->due.previous : &flight->due.pid;

    fraud_store_key((char *) key, pid);

    return ngx_fraud_redis_submit(flight->fmcf->redis->client, key,
                                  argument.buf.data, argument.buf.len,
                                  ngx_http_fraud_exchange_landed, flight)
           ? NGX_OK : NGX_DECLINED;
}


static void
ngx_http_fraud_exchange_landed(void *data, const fraud_str_t *answer,
    ngx_fraud_redis_rc_e rc)
{
    ngx_http_fraud_flight_t *flight = data;

    fraud_delta_t             shared[NGX_HTTP_FRAUD_ENTRY_OPS];
    ngx_http_fraud_waiter_t  *waiter;

    if (rc != NGX_FRAUD_REDIS_ANSWERED) {

        if (flight->type == NGX_HTTP_FRAUD_FLIGHT_PREVIOUS || flight->adopts) {
            ngx_http_fraud_exchange_again(flight->fmcf, &flight->due);

        } else if (rc == NGX_FRAUD_REDIS_REFUSED) {
            ngx_http_fraud_exchange_untake(flight);
        }

    } else if (ngx_http_fraud_exchange_read(flight, answer, shared)
               == NGX_OK)
    {
        if (flight->type == NGX_HTTP_FRAUD_FLIGHT_PREVIOUS) {

            if (ngx_http_fraud_exchange_adopt(flight, shared) == NGX_OK) {
                return;
            }

        } else {
            if (!flight->due.has_previous) {
                ngx_http_fraud_exchange_know(flight, shared);

            } else if (flight->missing || flight->due.again) {
                /* who is the first to see it adds what was before */
                ngx_http_fraud_exchange_previous(flight->fmcf, &flight->due,
                                                 NULL);

            } else {
                /* another one is about to: this is not all yet */
                flight->due.echo = NGX_HTTP_FRAUD_ECHOES;
            }

            ngx_http_fraud_exchange_echo(flight, shared);
            ngx_http_fraud_count(flight->fmcf, NGX_HTTP_FRAUD_N_EXCHANGED);
        }
    }

    waiter = flight->waiter;

    if (waiter) {
        ngx_queue_remove(&flight->queue);
    }

    ngx_http_fraud_flight_free(flight);

    if (waiter && ngx_queue_empty(&waiter->flights)) {
        ngx_http_fraud_store_landed(waiter);
    }
}


static ngx_int_t
ngx_http_fraud_exchange_read(ngx_http_fraud_flight_t *flight,
    const fraud_str_t *answer, fraud_delta_t *shared)
{
    ngx_uint_t            i;
    fraud_store_answer_t  in;

    if (fraud_store_answer(&in, answer->data, answer->len) != FRAUD_OK) {
        goto failed;
    }

    flight->missing = in.missing;

    for (i = 0; i < flight->n; i++) {
        if (fraud_store_merged(&in, &flight->ops[i]->op, &shared[i])
            != FRAUD_OK)
        {
            goto failed;
        }
    }

    return NGX_OK;

failed:

    ngx_http_fraud_count(flight->fmcf, NGX_HTTP_FRAUD_N_REDIS
                                       + NGX_FRAUD_REDIS_N_ERRORS);
    return NGX_ERROR;
}


static void
ngx_http_fraud_exchange_know(ngx_http_fraud_flight_t *flight,
    const fraud_delta_t *shared)
{
    ngx_uint_t             i;
    fraud_table_ref_t      ref;
    ngx_http_fraud_due_t  *due;

    due = &flight->due;

    /* who waits for it finds it there, also if nothing was charged yet */

    if (fraud_table_get(&flight->fmcf->zone.table, &ref, &due->pid, due->part,
                        ngx_http_fraud_now(), due->domain->ttl,
                        flight->waiter != NULL)
        != FRAUD_OK)
    {
        return;
    }

    for (i = 0; i < flight->n; i++) {
        fraud_record_know(ref.record + flight->ops[i]->offset,
                          &flight->ops[i]->op, &shared[i],
                          flight->asked_us);
    }

    fraud_table_put(&ref);
}


/*
 * Who is near a limit is asked about twice more: all that other hosts told
 * within an interval of it has arrived by then.
 */

static void
ngx_http_fraud_exchange_echo(ngx_http_fraud_flight_t *flight,
    const fraud_delta_t *shared)
{
    ngx_uint_t             i, echo;
    ngx_http_fraud_due_t  *due;

    echo = flight->due.echo;

    for (i = 0; echo == 0 && i < flight->n; i++) {
        if (fraud_share_echo(&flight->ops[i]->op, flight->unsent[i],
                             &shared[i]))
        {
            echo = NGX_HTTP_FRAUD_ECHOES;
        }
    }

    if (echo == 0 || !flight->fmcf->redis->relaxed || ngx_exiting) {
        return;
    }

    due = ngx_http_fraud_exchange_note(flight->fmcf, &flight->due.pid,
                                       flight->due.part);
    if (due) {
        due->domain = flight->due.domain;
        due->echo = (uint8_t) ngx_max(due->echo, echo - 1);
    }
}


/* it was not sent: marked, so that a scan finds it */

static void
ngx_http_fraud_exchange_untake(ngx_http_fraud_flight_t *flight)
{
    ngx_uint_t             i;
    fraud_delta_t          delta;
    fraud_table_ref_t      ref;
    ngx_http_fraud_due_t  *due;

    if (flight->type == NGX_HTTP_FRAUD_FLIGHT_PREVIOUS) {
        return;
    }

    due = &flight->due;

    if (fraud_table_get(&flight->fmcf->zone.table, &ref, &due->pid, due->part,
                        ngx_http_fraud_now(), due->domain->ttl, 0)
        != FRAUD_OK)
    {
        return;
    }

    ngx_memzero(&delta, sizeof(fraud_delta_t));

    for (i = 0; i < flight->n; i++) {
        delta.unsent = flight->unsent[i];
        fraud_record_untake(ref.record + flight->ops[i]->offset,
                            &flight->ops[i]->op, &delta);
    }

    (void) fraud_table_mark(&ref, 1);
    fraud_table_put(&ref);

    ngx_http_fraud_scan(flight->fmcf);
}


/*
 * Looks for what was known of a subject under its previous pseudonym; it is
 * added to what is known under the new one, and then the waiter goes on.
 */

void
ngx_http_fraud_exchange_previous(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_due_t *due, ngx_http_fraud_waiter_t *waiter)
{
    ngx_http_fraud_flight_t  *flight;

    if (fmcf->redis->client == NULL) {
        return;
    }

    flight = ngx_http_fraud_flight(fmcf, due);
    if (flight == NULL) {
        ngx_http_fraud_exchange_again(fmcf, due);
        return;
    }

    flight->type = NGX_HTTP_FRAUD_FLIGHT_PREVIOUS;

    if (ngx_http_fraud_exchange_submit(flight, NULL) != NGX_OK) {
        ngx_http_fraud_exchange_again(fmcf, due);
        ngx_http_fraud_flight_free(flight);
        return;
    }

    if (waiter) {
        flight->waiter = waiter;
        ngx_queue_insert_tail(&waiter->flights, &flight->queue);
    }
}


/* what was read becomes a delta for the new pseudonym; NGX_OK: under way */

static ngx_int_t
ngx_http_fraud_exchange_adopt(ngx_http_fraud_flight_t *flight,
    fraud_delta_t *states)
{
    ngx_uint_t  i, found;

    found = 0;

    for (i = 0; i < flight->n; i++) {
        found |= fraud_share_adopt(&flight->ops[i]->op, &states[i],
                                   flight->fmcf->keys_dir.len != 0);
    }

    if (!found) {
        return NGX_DECLINED;
    }

    flight->type = NGX_HTTP_FRAUD_FLIGHT_DELTA;
    flight->adopts = 1;
    flight->due.has_previous = 0;
    flight->due.echo = NGX_HTTP_FRAUD_ECHOES;

    if (ngx_http_fraud_exchange_submit(flight, states) != NGX_OK) {
        ngx_http_fraud_exchange_again(flight->fmcf, &flight->due);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* nobody else looks for it once there is something under the new one */

static void
ngx_http_fraud_exchange_again(ngx_http_fraud_main_conf_t *fmcf,
    const ngx_http_fraud_due_t *due)
{
    ngx_http_fraud_due_t  *again;

    again = ngx_http_fraud_exchange_note(fmcf, &due->pid, due->part);

    if (again) {
        again->domain = due->domain;
        again->previous = due->previous;
        again->has_previous = 1;
        again->again = 1;
    }
}


void
ngx_http_fraud_exchange_cancel(ngx_http_fraud_waiter_t *waiter)
{
    ngx_queue_t              *q;
    ngx_http_fraud_flight_t  *flight;

    while (!ngx_queue_empty(&waiter->flights)) {
        q = ngx_queue_head(&waiter->flights);
        ngx_queue_remove(q);

        flight = ngx_queue_data(q, ngx_http_fraud_flight_t, queue);
        flight->waiter = NULL;
    }
}


static ngx_http_fraud_flight_t *
ngx_http_fraud_flight(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_due_t *due)
{
    ngx_uint_t                i;
    ngx_http_fraud_redis_t   *redis;
    ngx_http_fraud_flight_t  *flight;

    redis = fmcf->redis;
    flight = redis->flights;

    if (flight) {
        redis->flights = flight->next;

    } else {

        if (redis->nflights == NGX_HTTP_FRAUD_FLIGHTS) {
            return NULL;
        }

        flight = ngx_alloc(sizeof(ngx_http_fraud_flight_t), fmcf->cycle->log);
        if (flight == NULL) {
            return NULL;
        }

        redis->nflights++;
    }

    flight->fmcf = fmcf;
    flight->waiter = NULL;
    flight->due = *due;
    flight->type = NGX_HTTP_FRAUD_FLIGHT_DELTA;
    flight->adopts = 0;
    flight->n = 0;

    for (i = 0; i < due->domain->nops; i++) {
        if (due->domain->ops[i]->part == due->part
            && flight->n < NGX_HTTP_FRAUD_ENTRY_OPS)
        {
            flight->ops[flight->n] = due->domain->ops[i];
            flight->unsent[flight->n++] = 0;
        }
    }

    return flight;
}


static void
ngx_http_fraud_flight_free(ngx_http_fraud_flight_t *flight)
{
    ngx_http_fraud_redis_t  *redis;

    redis = flight->fmcf->redis;

    flight->next = redis->flights;
    redis->flights = flight;
}
