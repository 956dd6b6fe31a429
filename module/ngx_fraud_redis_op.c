
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_fraud_redis_int.h"


/*
 * The life of ops and calls: their memory, how they end, and the deadlines of
 * those that wait.
 */

#define NGX_FRAUD_REDIS_OPS      32    /* in one chunk of memory */
#define NGX_FRAUD_REDIS_CALLS    32


struct ngx_fraud_redis_chunk_s {
    ngx_fraud_redis_chunk_t   *next;
};


typedef struct {
    ngx_fraud_redis_chunk_t    chunk;
    ngx_fraud_redis_op_t       ops[NGX_FRAUD_REDIS_OPS];
} ngx_fraud_redis_op_chunk_t;


typedef struct {
    ngx_fraud_redis_chunk_t    chunk;
    ngx_fraud_redis_call_t     calls[NGX_FRAUD_REDIS_CALLS];
} ngx_fraud_redis_call_chunk_t;


ngx_fraud_redis_op_t *
ngx_fraud_redis_op_alloc(ngx_fraud_redis_t *redis)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q;
    ngx_fraud_redis_op_chunk_t  *chunk;

    if (ngx_queue_empty(&redis->free_ops)) {

        chunk = ngx_alloc(sizeof(ngx_fraud_redis_op_chunk_t),
                          redis->cycle->log);
        if (chunk == NULL) {
            return NULL;
        }

        chunk->chunk.next = redis->chunks;
        redis->chunks = &chunk->chunk;

        for (i = 0; i < NGX_FRAUD_REDIS_OPS; i++) {
            ngx_queue_insert_tail(&redis->free_ops, &chunk->ops[i].queue);
        }
    }

    q = ngx_queue_head(&redis->free_ops);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_fraud_redis_op_t, queue);
}


/* of an op that is in no queue */

void
ngx_fraud_redis_op_free(ngx_fraud_redis_op_t *op)
{
    op->node->nops--;

    if (op->argument != op->room) {
        ngx_free(op->argument);
    }

    ngx_queue_insert_head(&op->redis->free_ops, &op->queue);

    if (op->node->dropped && op->node->nops == 0) {
        ngx_fraud_redis_post(op->redis);
    }
}


/* the op is in no queue of its node or call any more, and is told later */

void
ngx_fraud_redis_op_finish(ngx_fraud_redis_op_t *op, ngx_fraud_redis_rc_e rc)
{
    if (op->done == NULL) {
        ngx_fraud_redis_op_free(op);
        return;
    }

    ngx_queue_remove(&op->wait);

    if (rc == NGX_FRAUD_REDIS_REFUSED) {
        ngx_fraud_redis_count(op->redis, NGX_FRAUD_REDIS_N_REFUSED, 1);
    }

    op->rc = rc;
    op->where = NGX_FRAUD_REDIS_FINISHED;

    ngx_queue_insert_tail(&op->redis->finished, &op->queue);
    ngx_fraud_redis_post(op->redis);
}


ngx_fraud_redis_call_t *
ngx_fraud_redis_call_alloc(ngx_fraud_redis_t *redis)
{
    ngx_uint_t                     i;
    ngx_queue_t                   *q;
    ngx_fraud_redis_call_t        *call;
    ngx_fraud_redis_call_chunk_t  *chunk;

    if (ngx_queue_empty(&redis->free_calls)) {

        chunk = ngx_alloc(sizeof(ngx_fraud_redis_call_chunk_t),
                          redis->cycle->log);
        if (chunk == NULL) {
            return NULL;
        }

        chunk->chunk.next = redis->chunks;
        redis->chunks = &chunk->chunk;

        for (i = 0; i < NGX_FRAUD_REDIS_CALLS; i++) {
            ngx_queue_insert_tail(&redis->free_calls, &chunk->calls[i].queue);
        }
    }

    q = ngx_queue_head(&redis->free_calls);
    ngx_queue_remove(q);

    call = ngx_queue_data(q, ngx_fraud_redis_call_t, queue);

    ngx_memzero(call, sizeof(ngx_fraud_redis_call_t));
    ngx_queue_init(&call->ops);

    return call;
}


/* of a call that is in no queue and has no ops */

void
ngx_fraud_redis_call_free(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_call_t *call)
{
    if (call->bytes.data) {
        ngx_free((void *) call->bytes.data);
    }

    ngx_queue_insert_head(&redis->free_calls, &call->queue);
}


/* there will be no reply to a call that is in no queue of its node any more */

void
ngx_fraud_redis_call_end(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_call_t *call)
{
    ngx_queue_t           *q;
    ngx_fraud_redis_op_t  *op;

    while (!ngx_queue_empty(&call->ops)) {
        q = ngx_queue_head(&call->ops);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_fraud_redis_op_t, queue);
        ngx_fraud_redis_op_finish(op, NGX_FRAUD_REDIS_UNKNOWN);
    }

    if (call->handler == NULL) {
        ngx_fraud_redis_call_free(redis, call);
        return;
    }

    ngx_queue_remove(&call->wait);
    ngx_queue_insert_tail(&redis->unheard, &call->queue);
    ngx_fraud_redis_post(redis);
}


ngx_int_t
ngx_fraud_redis_command(ngx_fraud_redis_node_t *node, ngx_uint_t argc,
    const fraud_str_t *argv, ngx_fraud_redis_reply_pt handler, void *data)
{
    return ngx_fraud_redis_ask(node, argc, argv,
                               node->redis->conf->connect_timeout, handler,
                               data);
}


ngx_int_t
ngx_fraud_redis_ask(ngx_fraud_redis_node_t *node, ngx_uint_t argc,
    const fraud_str_t *argv, ngx_msec_t timeout,
    ngx_fraud_redis_reply_pt handler, void *data)
{
    size_t                   len;
    uint8_t                 *p;
    fraud_buf_t              buf;
    ngx_queue_t             *q;
    ngx_fraud_redis_t       *redis;
    ngx_fraud_redis_call_t  *call, *other;

    redis = node->redis;

    if (redis->closed || !node->used || node->dropped
        || (node->conn.phase == NGX_FRAUD_REDIS_IDLE && node->attempts))
    {
        return NGX_DECLINED;
    }

    len = fraud_resp_format_len(argv, argc);

    if (len > redis->size) {
        return NGX_ERROR;
    }

    p = ngx_alloc(len, redis->cycle->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    call = ngx_fraud_redis_call_alloc(redis);
    if (call == NULL) {
        ngx_free(p);
        return NGX_ERROR;
    }

    fraud_buf_init(&buf, p, len);
    fraud_resp_format(&buf, argv, argc);

    call->bytes.data = p;
    call->bytes.len = len;
    call->node = node;
    call->handler = handler;
    call->data = data;
    call->deadline = ngx_current_msec + timeout;

    ngx_queue_insert_tail(&node->commands, &call->queue);

    for (q = ngx_queue_last(&redis->asked);
         q != ngx_queue_sentinel(&redis->asked);
         q = ngx_queue_prev(q))
    {
        other = ngx_queue_data(q, ngx_fraud_redis_call_t, wait);

        if ((ngx_msec_int_t) (other->deadline - call->deadline) <= 0) {
            break;
        }
    }

    ngx_queue_insert_after(q, &call->wait);

    if (ngx_queue_head(&redis->asked) == &call->wait) {

        if (redis->overdue.timer_set) {
            ngx_del_timer(&redis->overdue);
        }

        ngx_add_timer(&redis->overdue, timeout);
    }

    ngx_fraud_redis_post(redis);

    return NGX_OK;
}


/* the owners may do anything, also close the client */

void
ngx_fraud_redis_tell(ngx_fraud_redis_t *redis)
{
    void                     *data;
    fraud_str_t               answer;
    ngx_queue_t              *q;
    ngx_fraud_redis_op_t     *op;
    ngx_fraud_redis_rc_e      rc;
    ngx_fraud_redis_call_t   *call;
    ngx_fraud_redis_node_t   *node;
    ngx_fraud_redis_done_pt   done;
    ngx_fraud_redis_reply_pt  handler;

    while (!ngx_queue_empty(&redis->finished)) {
        q = ngx_queue_head(&redis->finished);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_fraud_redis_op_t, queue);

        rc = op->rc;
        done = op->done;
        data = op->data;
        answer = op->answer;

        ngx_fraud_redis_op_free(op);

        done(data, (rc == NGX_FRAUD_REDIS_ANSWERED) ? &answer : NULL, rc);
    }

    while (!ngx_queue_empty(&redis->unheard)) {
        q = ngx_queue_head(&redis->unheard);
        ngx_queue_remove(q);

        call = ngx_queue_data(q, ngx_fraud_redis_call_t, queue);

        data = call->data;
        node = call->node;
        handler = call->handler;

        ngx_fraud_redis_call_free(redis, call);

        if (!redis->closed) {
            handler(node, data, NULL);
        }
    }
}


void
ngx_fraud_redis_expire(ngx_event_t *ev)
{
    void                     *data;
    ngx_queue_t              *q;
    ngx_msec_int_t            left;
    ngx_fraud_redis_t        *redis;
    ngx_fraud_redis_op_t     *op;
    ngx_fraud_redis_done_pt   done;

    redis = ev->data;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0, "fraud redis expire");

    while (!ngx_queue_empty(&redis->ops)) {
        q = ngx_queue_head(&redis->ops);
        op = ngx_queue_data(q, ngx_fraud_redis_op_t, wait);

        left = (ngx_msec_int_t) (op->deadline - ngx_current_msec);

        if (left > 0) {

            /* an owner's op may have set it, for later */

            if (ev->timer_set) {
                ngx_del_timer(ev);
            }

            ngx_add_timer(ev, (ngx_msec_t) left);
            break;
        }

        ngx_fraud_redis_count(redis, NGX_FRAUD_REDIS_N_TIMEOUTS, 1);

        if (op->where == NGX_FRAUD_REDIS_PENDING) {
            ngx_queue_remove(&op->queue);
            ngx_fraud_redis_op_finish(op, NGX_FRAUD_REDIS_REFUSED);
            continue;
        }

        ngx_queue_remove(q);

        done = op->done;
        data = op->data;
        op->done = NULL;

        if (!op->call->late) {
            op->call->late = 1;
            ngx_fraud_redis_node_missed(op->node, "no answer in time", 0);
        }

        done(data, NULL, NGX_FRAUD_REDIS_UNKNOWN);

        if (redis->closed) {
            return;
        }
    }

    ngx_fraud_redis_tell(redis);
}


void
ngx_fraud_redis_overdue(ngx_event_t *ev)
{
    void                     *data;
    ngx_queue_t              *q;
    ngx_msec_int_t            left;
    ngx_fraud_redis_t        *redis;
    ngx_fraud_redis_call_t   *call;
    ngx_fraud_redis_reply_pt  handler;

    redis = ev->data;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0, "fraud redis overdue");

    while (!ngx_queue_empty(&redis->asked)) {
        q = ngx_queue_head(&redis->asked);
        call = ngx_queue_data(q, ngx_fraud_redis_call_t, wait);

        left = (ngx_msec_int_t) (call->deadline - ngx_current_msec);

        if (left > 0) {
            if (!ev->timer_set) {
                ngx_add_timer(ev, (ngx_msec_t) left);
            }

            return;
        }

        /* one that was not sent has bytes and is forgotten whole */

        if (call->bytes.data) {
            ngx_queue_remove(&call->queue);
            ngx_fraud_redis_call_end(redis, call);
            continue;
        }

        ngx_queue_remove(q);

        data = call->data;
        handler = call->handler;
        call->handler = NULL;

        handler(call->node, data, NULL);
    }
}


/* all ops and calls are gone */

void
ngx_fraud_redis_op_clear(ngx_fraud_redis_t *redis)
{
    ngx_fraud_redis_chunk_t  *chunk, *next;

    ngx_queue_init(&redis->free_ops);
    ngx_queue_init(&redis->free_calls);

    for (chunk = redis->chunks; chunk; chunk = next) {
        next = chunk->next;
        ngx_free(chunk);
    }

    redis->chunks = NULL;
}
