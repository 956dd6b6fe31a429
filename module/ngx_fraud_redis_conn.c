
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "ngx_fraud_redis_int.h"


/*
 * One connection: IDLE -> [RESOLVING] -> CONNECTING (with TLS) -> GREETING ->
 * READY, and from any of them through ngx_fraud_redis_conn_close() to IDLE.
 * The timer of the write event is for all up to READY, that of the read event
 * for the oldest call after that.
 */


static ngx_int_t ngx_fraud_redis_conn_resolve(ngx_fraud_redis_node_t *node);
static void ngx_fraud_redis_conn_resolved(ngx_resolver_ctx_t *ctx);
static void ngx_fraud_redis_conn_open(ngx_fraud_redis_node_t *node);
static void ngx_fraud_redis_conn_connected(ngx_event_t *ev);
static ngx_int_t ngx_fraud_redis_conn_test(ngx_connection_t *c);
static void ngx_fraud_redis_conn_greet(ngx_fraud_redis_node_t *node);
static void ngx_fraud_redis_conn_write(ngx_event_t *wev);
static void ngx_fraud_redis_conn_read(ngx_event_t *rev);
static ngx_int_t ngx_fraud_redis_conn_replies(ngx_fraud_redis_node_t *node,
    ngx_connection_t *c, size_t len);
static void ngx_fraud_redis_conn_ended(ngx_fraud_redis_node_t *node);
static void ngx_fraud_redis_conn_stall(ngx_fraud_redis_node_t *node);
static ngx_uint_t ngx_fraud_redis_conn_leaves(ngx_fraud_redis_node_t *node);

#if (NGX_SSL)
static void ngx_fraud_redis_conn_secured(ngx_connection_t *c);
#endif


void
ngx_fraud_redis_conn_connect(ngx_fraud_redis_node_t *node)
{
    if (node->redis->conf->resolver
        && node->named
        && (node->stale || node->naddrs == 0))
    {
        if (ngx_fraud_redis_conn_resolve(node) == NGX_OK) {
            return;
        }

        node->stale = 0;
    }

    ngx_fraud_redis_conn_open(node);
}


/* NGX_OK: the handler was called or will be */

static ngx_int_t
ngx_fraud_redis_conn_resolve(ngx_fraud_redis_node_t *node)
{
    ngx_resolver_ctx_t      *ctx;
    ngx_fraud_redis_conf_t  *conf;

    conf = node->redis->conf;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis resolve %V", &node->host);

    ctx = ngx_resolve_start(conf->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        return NGX_DECLINED;
    }

    ctx->name = node->host;
    ctx->handler = ngx_fraud_redis_conn_resolved;
    ctx->data = node;
    ctx->timeout = conf->resolver_timeout;
    ctx->cancelable = 1;

    node->conn.phase = NGX_FRAUD_REDIS_RESOLVING;
    node->conn.resolving = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        node->conn.phase = NGX_FRAUD_REDIS_IDLE;
        node->conn.resolving = NULL;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_fraud_redis_conn_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_int_t                state;
    ngx_fraud_redis_node_t  *node;

    node = ctx->data;
    state = ctx->state;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis resolved %V: %i", &node->host, state);

    if (state == NGX_OK) {
        ngx_fraud_redis_node_resolved(node, ctx);
    }

    node->stale = 0;
    node->conn.resolving = NULL;

    ngx_resolve_name_done(ctx);

    if (node->naddrs == 0) {
        ngx_fraud_redis_conn_fail(node, ngx_resolver_strerror(state));
        return;
    }

    /* or by the addresses that were known before */

    ngx_fraud_redis_conn_open(node);
}


static void
ngx_fraud_redis_conn_open(ngx_fraud_redis_node_t *node)
{
    ngx_int_t                rc;
    ngx_addr_t              *addr;
    ngx_fraud_redis_t       *redis;
    ngx_fraud_redis_conn_t  *conn;
    ngx_connection_t        *c;
    ngx_peer_connection_t    pc;

    conn = &node->conn;
    redis = node->redis;

    redis->why[0] = '\0';

    conn->phase = NGX_FRAUD_REDIS_CONNECTING;
    conn->seq = 0;
    conn->loaded = 0;
    conn->load = 0;

    if (node->naddrs == 0) {
        ngx_fraud_redis_conn_fail(node, "has no address");
        return;
    }

    addr = &node->addrs[node->at];

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, redis->cycle->log, 0,
                   "fraud redis connect %V: %V", &node->name, &addr->name);

    ngx_fraud_redis_count(redis, NGX_FRAUD_REDIS_N_CONNECTS, 1);

    if (fraud_resp_new(&conn->resp, NULL, NGX_FRAUD_REDIS_REPLY) != FRAUD_OK) {
        conn->resp = NULL;
        ngx_fraud_redis_conn_fail(node, "no memory");
        return;
    }

    ngx_memzero(&pc, sizeof(ngx_peer_connection_t));

    pc.sockaddr = addr->sockaddr;
    pc.socklen = addr->socklen;
    pc.name = &addr->name;
    pc.get = ngx_event_get_peer;
    pc.log = &redis->log;
    pc.log_error = NGX_ERROR_ERR;
    pc.so_keepalive = (addr->sockaddr->sa_family != AF_UNIX);

    rc = ngx_event_connect_peer(&pc);

    if (rc == NGX_ERROR || rc == NGX_BUSY || rc == NGX_DECLINED) {
        ngx_fraud_redis_conn_fail(node, NULL);
        return;
    }

    c = pc.connection;
    conn->c = c;

    /* a worker that leaves asks idle connections to close */

    c->idle = 1;
    c->data = node;
    c->pool = ngx_create_pool(512, &redis->log);

    if (c->pool == NULL) {
        ngx_fraud_redis_conn_fail(node, "no memory");
        return;
    }

    /* on failure epoll delivers the read event first */

    c->read->handler = ngx_fraud_redis_conn_connected;
    c->write->handler = ngx_fraud_redis_conn_connected;

    c->read->cancelable = 1;
    c->write->cancelable = 1;

    ngx_add_timer(c->write, redis->conf->connect_timeout);

    if (rc == NGX_OK) {
        ngx_fraud_redis_conn_connected(c->write);
    }
}


static void
ngx_fraud_redis_conn_connected(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_fraud_redis_node_t  *node;
#if (NGX_SSL)
    ngx_int_t                rc;
#endif

    c = ev->data;
    node = c->data;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis connected %V", &node->name);

    if (ngx_fraud_redis_conn_leaves(node)) {
        ngx_fraud_redis_conn_close(node);
        return;
    }

    if (c->write->timedout) {
        ngx_fraud_redis_conn_fail(node, "connect() timed out");
        return;
    }

    if (c->close && !c->write->ready) {
        return;
    }

    node->redis->why[0] = '\0';

    if (ngx_fraud_redis_conn_test(c) != NGX_OK
        || ngx_tcp_nodelay(c) != NGX_OK)
    {
        ngx_fraud_redis_conn_fail(node, NULL);
        return;
    }

#if (NGX_SSL)

    if (node->server->tls) {

        rc = ngx_fraud_redis_ssl_start(node, ngx_fraud_redis_conn_secured);

        if (rc == NGX_ERROR) {
            ngx_fraud_redis_conn_fail(node, NULL);
            return;
        }

        if (rc == NGX_OK) {
            ngx_fraud_redis_conn_secured(c);
        }

        return;
    }

#endif

    ngx_fraud_redis_conn_greet(node);
}


static ngx_int_t
ngx_fraud_redis_conn_test(ngx_connection_t *c)
{
    int        err;
    socklen_t  len;

#if (NGX_HAVE_KQUEUE)

    if (ngx_event_flags & NGX_USE_KQUEUE_EVENT)  {
        if (c->write->pending_eof || c->read->pending_eof) {
            err = c->write->pending_eof ? c->write->kq_errno
                                        : c->read->kq_errno;
            (void) ngx_connection_error(c, err,
                                    "kevent() reported that connect() failed");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

#endif

    err = 0;
    len = sizeof(int);

    /*
     * BSDs and Linux return 0 and set a pending error in err
     * Solaris returns -1 and sets errno
     */

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        (void) ngx_connection_error(c, err, "connect() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


#if (NGX_SSL)

static void
ngx_fraud_redis_conn_secured(ngx_connection_t *c)
{
    ngx_fraud_redis_node_t  *node;

    node = c->data;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis secured %V: %d", &node->name,
                   (int) c->ssl->handshaked);

    if (ngx_fraud_redis_conn_leaves(node)) {
        ngx_fraud_redis_conn_close(node);
        return;
    }

    if (!c->ssl->handshaked) {
        ngx_fraud_redis_conn_fail(node, c->write->timedout
                                        ? "TLS handshake timed out" : NULL);
        return;
    }

    if (ngx_fraud_redis_ssl_verify(node) != NGX_OK) {
        ngx_fraud_redis_conn_fail(node, NULL);
        return;
    }

    ngx_fraud_redis_conn_greet(node);
}

#endif


static void
ngx_fraud_redis_conn_greet(ngx_fraud_redis_node_t *node)
{
    ngx_connection_t  *c;

    c = node->conn.c;

    c->read->handler = ngx_fraud_redis_conn_read;
    c->write->handler = ngx_fraud_redis_conn_write;

    node->conn.phase = NGX_FRAUD_REDIS_GREETING;

    ngx_fraud_redis_greet(node);

    /* bytes that came with the end of a TLS handshake make no event */

    if (node->conn.c == c && c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


/* sends what waits, in as few writes as the socket allows */

void
ngx_fraud_redis_conn_flush(ngx_fraud_redis_node_t *node)
{
    size_t                   len;
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_fraud_redis_conn_t  *conn;

    conn = &node->conn;

    if (conn->phase == NGX_FRAUD_REDIS_IDLE) {

        /* closed as a worker left, and somebody still asks */

        if (!node->timer.timer_set && !node->dropped) {
            ngx_fraud_redis_conn_connect(node);
        }

        return;
    }

    if (conn->phase != NGX_FRAUD_REDIS_READY || conn->pos != conn->last) {
        return;
    }

    c = conn->c;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis flush %V, ops:%ui", &node->name, node->nops);

    node->redis->why[0] = '\0';

    do {
        len = ngx_fraud_redis_call_write(node);

        if (len == 0) {
            break;
        }

        rc = ngx_fraud_redis_conn_send(node, node->redis->out, len);

        if (rc == NGX_ERROR) {
            ngx_fraud_redis_conn_fail(node, NULL);
            return;
        }

    } while (rc == NGX_OK);

    if (!c->read->timer_set && !ngx_queue_empty(&conn->calls)) {
        ngx_add_timer(c->read, node->redis->stall);
    }
}


/* NGX_AGAIN: the rest is kept and sent by the write event */

ngx_int_t
ngx_fraud_redis_conn_send(ngx_fraud_redis_node_t *node, u_char *data,
    size_t len)
{
    ssize_t                  n;
    ngx_connection_t        *c;
    ngx_fraud_redis_conn_t  *conn;

    conn = &node->conn;
    c = conn->c;

    while (len) {
        n = c->send(c, data, len);

        ngx_log_debug2(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                       "fraud redis send: %z of %uz", n, len);

        if (n == NGX_ERROR || n == 0) {
            return NGX_ERROR;
        }

        ngx_fraud_redis_count(node->redis, NGX_FRAUD_REDIS_N_WRITES, 1);

        if (n == NGX_AGAIN) {
            break;
        }

        data += n;
        len -= n;
    }

    if (len && conn->pos == NULL) {

        if (conn->rest == NULL) {
            conn->rest = ngx_pnalloc(c->pool, node->redis->size);
            if (conn->rest == NULL) {
                return NGX_ERROR;
            }
        }

        conn->pos = conn->rest;
        conn->last = ngx_cpymem(conn->rest, data, len);

    } else if (len) {
        conn->pos = data;

    } else {
        conn->pos = NULL;
        conn->last = NULL;
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return len ? NGX_AGAIN : NGX_OK;
}


static void
ngx_fraud_redis_conn_write(ngx_event_t *wev)
{
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_fraud_redis_node_t  *node;
    ngx_fraud_redis_conn_t  *conn;

    c = wev->data;
    node = c->data;
    conn = &node->conn;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis write %V", &node->name);

    if (wev->timedout) {
        ngx_fraud_redis_conn_fail(node, "no answer to the greeting");
        return;
    }

    if (conn->pos != conn->last) {
        node->redis->why[0] = '\0';

        rc = ngx_fraud_redis_conn_send(node, conn->pos,
                                       conn->last - conn->pos);

        if (rc == NGX_ERROR) {
            ngx_fraud_redis_conn_fail(node, NULL);
            return;
        }

        if (rc == NGX_OK) {
            ngx_fraud_redis_conn_flush(node);
        }

        return;
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_fraud_redis_conn_fail(node, NULL);
    }
}


static void
ngx_fraud_redis_conn_read(ngx_event_t *rev)
{
    ssize_t                  n;
    ngx_connection_t        *c;
    ngx_fraud_redis_t       *redis;
    ngx_fraud_redis_node_t  *node;

    c = rev->data;
    node = c->data;
    redis = node->redis;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, redis->cycle->log, 0,
                   "fraud redis read %V", &node->name);

    if (rev->timedout) {
        rev->timedout = 0;
        ngx_fraud_redis_conn_stall(node);
        ngx_fraud_redis_tell(redis);
        return;
    }

    redis->why[0] = '\0';

    do {
        n = c->recv(c, redis->in, NGX_FRAUD_REDIS_BUFFER);

        ngx_log_debug1(NGX_LOG_DEBUG_EVENT, redis->cycle->log, 0,
                       "fraud redis recv: %z", n);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR) {
            ngx_fraud_redis_conn_fail(node, NULL);
            break;
        }

        if (n == 0) {
            ngx_fraud_redis_conn_ended(node);
            break;
        }

        if (ngx_fraud_redis_conn_replies(node, c, n) != NGX_OK) {
            break;
        }

    } while (rev->ready);

    if (redis->closed) {
        return;
    }

    ngx_fraud_redis_tell(redis);

    if (redis->closed || node->conn.c != c) {
        return;
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_fraud_redis_conn_fail(node, NULL);
        return;
    }

    if (ngx_fraud_redis_conn_leaves(node)) {
        ngx_fraud_redis_conn_close(node);
    }
}


/* NGX_DONE: the connection or the client was closed */

static ngx_int_t
ngx_fraud_redis_conn_replies(ngx_fraud_redis_node_t *node,
    ngx_connection_t *c, size_t len)
{
    fraud_rc                 rc;
    fraud_reply_t            reply;
    ngx_fraud_redis_t       *redis;
    ngx_fraud_redis_conn_t  *conn;

    conn = &node->conn;
    redis = node->redis;

    rc = fraud_resp_feed(conn->resp, redis->in, len);

    while (rc == FRAUD_OK) {

        rc = fraud_resp_next(conn->resp, &reply);

        if (rc != FRAUD_OK) {
            break;
        }

        if (conn->phase == NGX_FRAUD_REDIS_GREETING) {
            ngx_fraud_redis_greet_reply(node, &reply);

        } else {
            ngx_fraud_redis_call_reply(node, &reply);
        }

        /* answers are within this reply */

        ngx_fraud_redis_tell(redis);

        if (redis->closed || conn->c != c) {
            return NGX_DONE;
        }
    }

    switch (rc) {

    case FRAUD_AGAIN:
        return NGX_OK;

    case FRAUD_ELIMIT:
        ngx_fraud_redis_conn_fail(node, "too large a reply");
        break;

    case FRAUD_ENOMEM:
        ngx_fraud_redis_conn_fail(node, "no memory");
        break;

    default:
        ngx_fraud_redis_conn_fail(node, "garbage instead of a reply");
    }

    return NGX_DONE;
}


/* the server closed the connection, which it may do if nothing is asked */

static void
ngx_fraud_redis_conn_ended(ngx_fraud_redis_node_t *node)
{
    if (node->conn.phase != NGX_FRAUD_REDIS_READY
        || node->lost
        || node->attempts
        || ngx_current_msec - node->since < NGX_FRAUD_REDIS_SOUND
        || !ngx_queue_empty(&node->conn.calls))
    {
        ngx_fraud_redis_conn_fail(node, "connection closed by the server");
        return;
    }

    ngx_fraud_redis_conn_close(node);

    if (!ngx_exiting && !node->dropped) {
        ngx_fraud_redis_conn_connect(node);
    }
}


static void
ngx_fraud_redis_conn_stall(ngx_fraud_redis_node_t *node)
{
    ngx_queue_t             *q;
    ngx_msec_int_t           left;
    ngx_fraud_redis_t       *redis;
    ngx_fraud_redis_call_t  *call;

    redis = node->redis;

    if (ngx_queue_empty(&node->conn.calls)) {
        return;
    }

    q = ngx_queue_head(&node->conn.calls);
    call = ngx_queue_data(q, ngx_fraud_redis_call_t, queue);

    left = (ngx_msec_int_t) (call->sent + redis->stall - ngx_current_msec);

    if (left > 0) {
        ngx_add_timer(node->conn.c->read, (ngx_msec_t) left);
        return;
    }

    ngx_fraud_redis_conn_fail(node, "no answer for too long");
}


/* 1 if nothing is asked and nothing is answered */

ngx_uint_t
ngx_fraud_redis_conn_quiet(ngx_fraud_redis_node_t *node)
{
    return ngx_queue_empty(&node->pending)
           && ngx_queue_empty(&node->commands)
           && ngx_queue_empty(&node->conn.calls);
}


/* 1 if the worker leaves and this connection is not needed */

static ngx_uint_t
ngx_fraud_redis_conn_leaves(ngx_fraud_redis_node_t *node)
{
    return (node->conn.c->close || ngx_exiting)
           && ngx_fraud_redis_conn_quiet(node);
}


/* the one way out of a connection that did not go as it should */

void
ngx_fraud_redis_conn_fail(ngx_fraud_redis_node_t *node, const char *why)
{
    u_char      text[NGX_FRAUD_REDIS_WHY];
    ngx_uint_t  ready;

    if (node->conn.phase == NGX_FRAUD_REDIS_IDLE) {
        return;
    }

    /* it may be within what is freed now */

    if (why == NULL) {
        why = node->redis->why[0] ? (char *) node->redis->why : "failed";
    }

    (void) ngx_cpystrn(text, (u_char *) why, sizeof(text));

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis fail %V: %s", &node->name, text);

    ready = (node->conn.phase == NGX_FRAUD_REDIS_READY);

    ngx_fraud_redis_conn_close(node);
    ngx_fraud_redis_node_failed(node, (char *) text, ready, 0);
}


/* what was sent is told later as unknown, or as not answered */

void
ngx_fraud_redis_conn_close(ngx_fraud_redis_node_t *node)
{
    ngx_pool_t              *pool;
    ngx_queue_t             *q;
    ngx_connection_t        *c;
    ngx_fraud_redis_conn_t  *conn;

    conn = &node->conn;
    c = conn->c;

    conn->phase = NGX_FRAUD_REDIS_IDLE;
    conn->c = NULL;
    conn->rest = NULL;
    conn->pos = NULL;
    conn->last = NULL;
    conn->load = 0;

    if (conn->resolving) {
        ngx_resolve_name_done(conn->resolving);
        conn->resolving = NULL;
    }

    if (c) {

#if (NGX_SSL)
        if (c->ssl) {
            ngx_fraud_redis_ssl_close(c);
        }
#endif

        pool = c->pool;

        ngx_close_connection(c);

        if (pool) {
            ngx_destroy_pool(pool);
        }
    }

    fraud_resp_free(conn->resp);
    conn->resp = NULL;

    while (!ngx_queue_empty(&conn->calls)) {
        q = ngx_queue_head(&conn->calls);
        ngx_queue_remove(q);

        ngx_fraud_redis_call_end(node->redis,
                            ngx_queue_data(q, ngx_fraud_redis_call_t, queue));
    }
}
