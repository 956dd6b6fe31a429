
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_sha1.h>

#include "ngx_fraud_redis_int.h"


/*
 * The client.  Submitting queues an op at its node and posts one event for the
 * client; when the event loop comes to it, after all sockets of this turn were
 * read, everything that is queued leaves in one write a node.  Redis answers a
 * connection strictly in order, so a reply belongs to the oldest call.
 *
 * There are two clocks.  An op waits for conf->timeout at most: then its owner
 * is told and it stays behind in its call without an owner, so that the reply
 * still finds its place in the order.  A connection whose oldest call is much
 * older than that is closed.
 *
 * An op ends in one of two ways.  It is moved to "finished" and told from
 * ngx_fraud_redis_tell(), which only handlers of events call, as the last that
 * they do with it: an owner may then submit, cancel or close.  Or, past its
 * deadline, it is told from the handler of that timer and loses its owner.
 *
 * The time of all ops is the same, so the order of submitting is the order of
 * deadlines, whatever redirects they take.
 */


static ngx_int_t ngx_fraud_redis_memory(ngx_fraud_redis_t *redis);
static void ngx_fraud_redis_event(ngx_fraud_redis_t *redis, ngx_event_t *ev,
    ngx_event_handler_pt handler);
static ngx_fraud_redis_node_t *ngx_fraud_redis_way(ngx_fraud_redis_t *redis,
    const u_char *key);
static void ngx_fraud_redis_turn(ngx_event_t *ev);
static void ngx_fraud_redis_write_log(ngx_log_t *log, ngx_uint_t level,
    u_char *buf, size_t len);
static ngx_int_t ngx_fraud_redis_single_start(ngx_fraud_redis_t *redis);
static ngx_fraud_redis_node_t *ngx_fraud_redis_single_route(
    ngx_fraud_redis_t *redis, const u_char *key);


static const ngx_fraud_redis_topology_t  ngx_fraud_redis_single = {
    ngx_fraud_redis_single_start,
    ngx_fraud_redis_single_route,
    NULL,                                  /* ready */
    NULL,                                  /* lost */
    NULL,                                  /* error */
    NULL                                   /* close */
};


ngx_fraud_redis_t *
ngx_fraud_redis_create(ngx_cycle_t *cycle, ngx_fraud_redis_conf_t *conf,
    ngx_atomic_t *counters, ngx_fraud_redis_state_pt state, void *data)
{
    u_char              bin[20];
    ngx_sha1_t          sha1;
    ngx_fraud_redis_t  *redis;

    redis = ngx_pcalloc(cycle->pool, sizeof(ngx_fraud_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    redis->conf = conf;
    redis->counters = counters;
    redis->state = state;
    redis->data = data;
    redis->ident = -1;
    redis->cycle = cycle;
    redis->pool = cycle->pool;

    if (ngx_fraud_redis_memory(redis) != NGX_OK) {
        return NULL;
    }

    /*
     * what nginx says of a connection becomes the reason for the owner, and is
     * no line of its own: it comes with every attempt
     */

    redis->log = *cycle->log;
    redis->log.next = NULL;
    redis->log.connection = 0;
    redis->log.handler = NULL;
    redis->log.writer = ngx_fraud_redis_write_log;
    redis->log.wdata = redis;

    if (redis->log.log_level < NGX_LOG_INFO) {
        redis->log.log_level = NGX_LOG_INFO;
    }

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, conf->script.data, conf->script.len);
    ngx_sha1_final(bin, &sha1);
    ngx_hex_dump(redis->sha, bin, sizeof(bin));

    redis->stall = ngx_max(10 * conf->timeout, 1000);
    redis->batch = conf->cluster ? 1 : NGX_FRAUD_REDIS_BATCH;

    ngx_queue_init(&redis->ops);
    ngx_queue_init(&redis->asked);
    ngx_queue_init(&redis->finished);
    ngx_queue_init(&redis->unheard);
    ngx_queue_init(&redis->free_ops);
    ngx_queue_init(&redis->free_calls);

    ngx_fraud_redis_event(redis, &redis->turn, ngx_fraud_redis_turn);
    ngx_fraud_redis_event(redis, &redis->expiry, ngx_fraud_redis_expire);
    ngx_fraud_redis_event(redis, &redis->overdue, ngx_fraud_redis_overdue);

    /* a worker that leaves waits for its ops only */

    redis->overdue.cancelable = 1;

    redis->topology = conf->cluster ? &ngx_fraud_redis_cluster
                      : conf->master.len ? &ngx_fraud_redis_sentinel
                      : &ngx_fraud_redis_single;

    if (redis->topology->start(redis) != NGX_OK) {
        ngx_fraud_redis_close(redis);
        return NULL;
    }

    return redis;
}


static ngx_int_t
ngx_fraud_redis_memory(ngx_fraud_redis_t *redis)
{
    /* the longest command that has to fit is SCRIPT LOAD */

    redis->size = ngx_max(NGX_FRAUD_REDIS_BUFFER,
                          redis->conf->script.len + 1024);

    redis->nodes = ngx_pcalloc(redis->pool,
                               NGX_FRAUD_REDIS_NODES
                               * sizeof(ngx_fraud_redis_node_t));
    redis->in = ngx_pnalloc(redis->pool, NGX_FRAUD_REDIS_BUFFER);
    redis->out = ngx_pnalloc(redis->pool, redis->size);

    if (redis->nodes == NULL || redis->in == NULL || redis->out == NULL) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_fraud_redis_event(ngx_fraud_redis_t *redis, ngx_event_t *ev,
    ngx_event_handler_pt handler)
{
    ev->data = redis;
    ev->handler = handler;
    ev->log = redis->cycle->log;
}


ngx_fraud_redis_op_t *
ngx_fraud_redis_submit(ngx_fraud_redis_t *redis, const u_char *key,
    const u_char *argument, size_t len, ngx_fraud_redis_done_pt done,
    void *data)
{
    ngx_fraud_redis_op_t    *op;
    ngx_fraud_redis_node_t  *node;

    node = ngx_fraud_redis_way(redis, key);

    if (node == NULL || len > NGX_FRAUD_REDIS_ARGUMENT) {
        goto refused;
    }

    op = ngx_fraud_redis_op_alloc(redis);
    if (op == NULL) {
        goto refused;
    }

    op->argument = op->room;

    if (len > NGX_FRAUD_REDIS_ROOM) {
        op->argument = ngx_alloc(len, redis->cycle->log);

        if (op->argument == NULL) {
            ngx_queue_insert_head(&redis->free_ops, &op->queue);
            goto refused;
        }
    }

    ngx_memcpy(op->key, key, NGX_FRAUD_REDIS_KEY);
    ngx_memcpy(op->argument, argument, len);

    op->len = len;
    op->redis = redis;
    op->node = node;
    op->call = NULL;
    op->done = done;
    op->data = data;
    op->deadline = ngx_current_msec + redis->conf->timeout;
    op->where = NGX_FRAUD_REDIS_PENDING;
    op->redirects = 0;
    op->asking = 0;
    op->reloaded = 0;

    ngx_queue_insert_tail(&node->pending, &op->queue);
    node->nops++;

    ngx_queue_insert_tail(&redis->ops, &op->wait);

    if (!redis->expiry.timer_set) {
        ngx_add_timer(&redis->expiry, redis->conf->timeout);
    }

    ngx_fraud_redis_post(redis);
    ngx_fraud_redis_count(redis, NGX_FRAUD_REDIS_N_SUBJECTS, 1);

    return op;

refused:

    ngx_fraud_redis_count(redis, NGX_FRAUD_REDIS_N_REFUSED, 1);

    return NULL;
}


void
ngx_fraud_redis_cancel(ngx_fraud_redis_op_t *op)
{
    if (op->where != NGX_FRAUD_REDIS_FINISHED) {
        ngx_queue_remove(&op->wait);
    }

    op->done = NULL;

    if (op->where != NGX_FRAUD_REDIS_SENT) {
        ngx_queue_remove(&op->queue);
        ngx_fraud_redis_op_free(op);
    }
}


ngx_uint_t
ngx_fraud_redis_available(ngx_fraud_redis_t *redis, const u_char *key)
{
    return ngx_fraud_redis_way(redis, key) != NULL;
}


ngx_uint_t
ngx_fraud_redis_alive(ngx_fraud_redis_t *redis)
{
    ngx_uint_t               i;
    ngx_fraud_redis_node_t  *node;

    for (i = 0; i < redis->nnodes && !redis->closed; i++) {
        node = &redis->nodes[i];

        if (node->used && !node->lost && !node->dropped
            && node->kind < NGX_FRAUD_REDIS_SEED)
        {
            return 1;
        }
    }

    return 0;
}


/* the node that takes an op of this key now */

static ngx_fraud_redis_node_t *
ngx_fraud_redis_way(ngx_fraud_redis_t *redis, const u_char *key)
{
    ngx_fraud_redis_node_t  *node;

    if (redis->closed) {
        return NULL;
    }

    node = redis->topology->route(redis, key);

    if (node == NULL
        || node->lost
        || node->dropped
        || node->nops >= NGX_FRAUD_REDIS_QUEUE)
    {
        return NULL;
    }

    return node;
}


void
ngx_fraud_redis_close(ngx_fraud_redis_t *redis)
{
    ngx_uint_t  i;

    if (redis->closed) {
        return;
    }

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, redis->cycle->log, 0,
                   "fraud redis close");

    redis->closed = 1;

    /* answers are within the readers that end now */

    ngx_fraud_redis_tell(redis);

    if (redis->topology->close) {
        redis->topology->close(redis);
    }

    for (i = 0; i < redis->nnodes; i++) {
        if (redis->nodes[i].used) {
            ngx_fraud_redis_node_release(&redis->nodes[i]);
        }
    }

    /*
     * from within a callback, the caller's loops find empty queues afterwards
     * and then that the client is closed
     */

    ngx_fraud_redis_tell(redis);

    if (redis->turn.posted) {
        ngx_delete_posted_event(&redis->turn);
    }

    if (redis->expiry.timer_set) {
        ngx_del_timer(&redis->expiry);
    }

    if (redis->overdue.timer_set) {
        ngx_del_timer(&redis->overdue);
    }

    ngx_fraud_redis_op_clear(redis);
}


ngx_int_t
ngx_fraud_redis_resubmit(ngx_fraud_redis_op_t *op,
    ngx_fraud_redis_node_t *node, ngx_uint_t asking)
{
    if (node->lost
        || node->dropped
        || node->nops >= NGX_FRAUD_REDIS_QUEUE
        || op->redirects == NGX_FRAUD_REDIS_REDIRECTS)
    {
        return NGX_DECLINED;
    }

    op->node->nops--;
    node->nops++;

    op->node = node;
    op->call = NULL;
    op->where = NGX_FRAUD_REDIS_PENDING;
    op->redirects++;
    op->asking = asking;
    op->reloaded = 0;

    ngx_queue_insert_tail(&node->pending, &op->queue);

    ngx_fraud_redis_post(op->redis);
    ngx_fraud_redis_count(op->redis, NGX_FRAUD_REDIS_N_REDIRECTS, 1);

    return NGX_OK;
}


void
ngx_fraud_redis_count(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_counter_e counter, ngx_uint_t n)
{
    (void) ngx_atomic_fetch_add(&redis->counters[counter], n);
}


void
ngx_fraud_redis_post(ngx_fraud_redis_t *redis)
{
    if (!redis->turn.posted && !redis->closed) {
        ngx_post_event(&redis->turn, &ngx_posted_events);
    }
}


static void
ngx_fraud_redis_turn(ngx_event_t *ev)
{
    ngx_uint_t               i;
    ngx_fraud_redis_t       *redis;
    ngx_fraud_redis_node_t  *node;

    redis = ev->data;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0, "fraud redis turn");

    ngx_fraud_redis_tell(redis);

    if (redis->closed) {
        return;
    }

    for (i = 0; i < redis->nnodes; i++) {
        node = &redis->nodes[i];

        if (!node->used) {
            continue;
        }

        if (node->dropped && node->nops == 0) {
            ngx_fraud_redis_node_release(node);
            continue;
        }

        if (!ngx_queue_empty(&node->pending)
            || !ngx_queue_empty(&node->commands)
            || node->conn.load)
        {
            ngx_fraud_redis_conn_flush(node);
        }
    }
}


void
ngx_fraud_redis_report(ngx_fraud_redis_t *redis, ngx_int_t change,
    ngx_str_t *name, const char *why)
{
    u_char  line[NGX_FRAUD_REDIS_HOST + NGX_FRAUD_REDIS_WHY];

    redis->lost += change;

    if (redis->closed) {
        return;
    }

    (void) ngx_slprintf(line, line + sizeof(line) - 1, "%V%s%s%Z", name,
                        name->len ? ": " : "", why);

    line[sizeof(line) - 1] = '\0';

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, redis->cycle->log, 0,
                   "fraud redis lost:%ui %s", redis->lost, line);

    redis->state(redis->data, redis->lost, (char *) line);
}


void
ngx_fraud_redis_adrift(ngx_fraud_redis_t *redis, const char *why)
{
    ngx_str_t  none;

    if (redis->adrift == (why != NULL)) {
        return;
    }

    redis->adrift = (why != NULL);

    ngx_str_null(&none);

    ngx_fraud_redis_report(redis, why ? 1 : -1, &none, why ? why : "found");
}


/* keeps the last complaint, without time, level and process */

static void
ngx_fraud_redis_write_log(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len)
{
    u_char             *p, *last;
    ngx_fraud_redis_t  *redis;

    redis = log->wdata;

    last = buf + len;

    while (last > buf && last[-1] == LF) {
        last--;
    }

    p = ngx_strlchr(buf, last, '#');
    p = p ? ngx_strlchr(p, last, ' ') : NULL;
    p = p ? p + 1 : buf;

    if (level == NGX_LOG_DEBUG) {
        ngx_log_debug2(NGX_LOG_DEBUG_EVENT, redis->cycle->log, 0, "%*s",
                       (size_t) (last - p), p);
        return;
    }

    (void) ngx_cpystrn(redis->why, p, ngx_min((size_t) (last - p) + 1,
                                              sizeof(redis->why)));

    ngx_log_debug1(NGX_LOG_DEBUG_CORE, redis->cycle->log, 0, "fraud redis: %s",
                  redis->why);
}


/* one node, which tries all servers in turn */

static ngx_int_t
ngx_fraud_redis_single_start(ngx_fraud_redis_t *redis)
{
    ngx_fraud_redis_node_t  *node;

    node = ngx_fraud_redis_server_node(redis, redis->conf->servers.elts,
                                       NGX_FRAUD_REDIS_DATA);
    if (node == NULL) {
        return NGX_ERROR;
    }

    node->several = (redis->conf->servers.nelts > 1);

    return NGX_OK;
}


static ngx_fraud_redis_node_t *
ngx_fraud_redis_single_route(ngx_fraud_redis_t *redis, const u_char *key)
{
    return redis->nodes;
}
