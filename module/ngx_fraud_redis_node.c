
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_fraud_redis_int.h"


/*
 * A node: its addresses, when it is tried again and whether it is lost.  It is
 * lost from when its connection failed, all its addresses failed or its breaker
 * opened, until a connection was greeted or a probe answered in time.  Its
 * first connection, and one after an orderly end, does not make it lost: ops
 * wait for it.
 */

#define NGX_FRAUD_REDIS_BACKOFF      50      /* ms */
#define NGX_FRAUD_REDIS_BACKOFF_MAX  5000


static ngx_fraud_redis_node_t *ngx_fraud_redis_node_find(
    ngx_fraud_redis_t *redis, const fraud_str_t *host, in_port_t port,
    ngx_fraud_redis_kind_e kind);
static ngx_fraud_redis_node_t *ngx_fraud_redis_node_make(
    ngx_fraud_redis_t *redis, ngx_fraud_redis_server_t *server,
    ngx_fraud_redis_kind_e kind);
static ngx_int_t ngx_fraud_redis_node_name(ngx_fraud_redis_node_t *node,
    const fraud_str_t *host, in_port_t port);
static void ngx_fraud_redis_node_address(ngx_fraud_redis_node_t *node);
static void ngx_fraud_redis_node_add(ngx_fraud_redis_node_t *node,
    struct sockaddr *sockaddr, socklen_t socklen);
static ngx_int_t ngx_fraud_redis_node_server(ngx_fraud_redis_node_t *node,
    ngx_fraud_redis_server_t *server);
static ngx_uint_t ngx_fraud_redis_node_next(ngx_fraud_redis_node_t *node);
static void ngx_fraud_redis_node_timer(ngx_event_t *ev);
static void ngx_fraud_redis_node_arm(ngx_fraud_redis_node_t *node,
    ngx_msec_t delay);
static ngx_msec_t ngx_fraud_redis_node_backoff(ngx_fraud_redis_node_t *node);
static uint32_t ngx_fraud_redis_node_random(void);
static void ngx_fraud_redis_node_probe(ngx_fraud_redis_node_t *node);
static void ngx_fraud_redis_node_probed(ngx_fraud_redis_node_t *node,
    void *data, const fraud_reply_t *reply);
static ngx_uint_t ngx_fraud_redis_node_sound(ngx_fraud_redis_node_t *node,
    const fraud_reply_t *reply);
static void ngx_fraud_redis_node_lose(ngx_fraud_redis_node_t *node,
    const char *why);
static void ngx_fraud_redis_node_well(ngx_fraud_redis_node_t *node);
static void ngx_fraud_redis_node_refuse_waiting(ngx_fraud_redis_node_t *node);


ngx_fraud_redis_node_t *
ngx_fraud_redis_node(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_server_t *server, const fraud_str_t *host, in_port_t port,
    ngx_fraud_redis_kind_e kind)
{
    ngx_fraud_redis_node_t  *node;

    node = ngx_fraud_redis_node_find(redis, host, port, kind);
    if (node) {
        return node;
    }

    node = ngx_fraud_redis_node_make(redis, server, kind);

    if (node == NULL
        || ngx_fraud_redis_node_name(node, host, port) != NGX_OK)
    {
        return NULL;
    }

    ngx_fraud_redis_node_address(node);

    node->used = 1;
    ngx_fraud_redis_node_arm(node, 0);

    return node;
}


ngx_fraud_redis_node_t *
ngx_fraud_redis_server_node(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_server_t *server, ngx_fraud_redis_kind_e kind)
{
    fraud_str_t              host;
    ngx_fraud_redis_node_t  *node;

    host.data = server->host.data;
    host.len = server->host.len;

    node = NULL;

    if (server->url.family != AF_UNIX) {
        node = ngx_fraud_redis_node_find(redis, &host, server->url.port, kind);
    }

    if (node) {
        return node;
    }

    node = ngx_fraud_redis_node_make(redis, server, kind);

    if (node == NULL
        || ngx_fraud_redis_node_server(node, server) != NGX_OK)
    {
        return NULL;
    }

    node->used = 1;
    ngx_fraud_redis_node_arm(node, 0);

    return node;
}


static ngx_fraud_redis_node_t *
ngx_fraud_redis_node_find(ngx_fraud_redis_t *redis, const fraud_str_t *host,
    in_port_t port, ngx_fraud_redis_kind_e kind)
{
    ngx_uint_t               i;
    ngx_fraud_redis_node_t  *node;

    for (i = 0; i < redis->nnodes; i++) {
        node = &redis->nodes[i];

        if (!node->used
            || node->kind != kind
            || node->port != port
            || node->host.len != host->len
            || ngx_memcmp(node->host.data, host->data, host->len) != 0)
        {
            continue;
        }

        if (!node->dropped) {
            return node;
        }

        node->dropped = 0;

        if (node->lost && kind < NGX_FRAUD_REDIS_SEED) {
            ngx_fraud_redis_report(redis, 1, &node->name, "is still lost");
        }

        if (node->conn.phase == NGX_FRAUD_REDIS_IDLE
            && !node->timer.timer_set)
        {
            ngx_fraud_redis_node_arm(node, 0);
        }

        return node;
    }

    return NULL;
}


/* it has no name and no address yet, and the place is not taken by it */

static ngx_fraud_redis_node_t *
ngx_fraud_redis_node_make(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_server_t *server, ngx_fraud_redis_kind_e kind)
{
    ngx_uint_t               i;
    ngx_fraud_redis_node_t  *node;

    for (i = 0; i < NGX_FRAUD_REDIS_NODES; i++) {
        if (!redis->nodes[i].used) {
            break;
        }
    }

    if (i == NGX_FRAUD_REDIS_NODES || redis->closed) {
        return NULL;
    }

    if (i >= redis->nnodes) {
        redis->nnodes = i + 1;
    }

    node = &redis->nodes[i];

    ngx_memzero(node, sizeof(ngx_fraud_redis_node_t));

    node->redis = redis;
    node->server = server;
    node->ident = -1;
    node->kind = kind;

    ngx_queue_init(&node->pending);
    ngx_queue_init(&node->commands);
    ngx_queue_init(&node->conn.calls);

    fraud_breaker_init(&node->breaker, NGX_FRAUD_REDIS_BACKOFF,
                       NGX_FRAUD_REDIS_BACKOFF_MAX);

    node->timer.data = node;
    node->timer.handler = ngx_fraud_redis_node_timer;
    node->timer.log = redis->cycle->log;
    node->timer.cancelable = 1;

    return node;
}


static ngx_int_t
ngx_fraud_redis_node_name(ngx_fraud_redis_node_t *node,
    const fraud_str_t *host, in_port_t port)
{
    u_char      *p;
    ngx_uint_t   bare;

    if (host->len + sizeof("[]:65535") > sizeof(node->text)) {
        return NGX_ERROR;
    }

    bare = (ngx_strlchr((u_char *) host->data,
                        (u_char *) host->data + host->len, ':')
            == NULL);

    p = node->text;

    if (!bare) {
        *p++ = '[';
    }

    node->host.data = p;
    node->host.len = host->len;

    p = ngx_cpymem(p, host->data, host->len);

    if (!bare) {
        *p++ = ']';
    }

    p = ngx_sprintf(p, ":%ui", (ngx_uint_t) port);

    node->name.data = node->text;
    node->name.len = p - node->text;
    node->port = port;

    return NGX_OK;
}


/* from the host: an address, or those of the configuration */

static void
ngx_fraud_redis_node_address(ngx_fraud_redis_node_t *node)
{
    in_addr_t                  addr;
    ngx_uint_t                 i, k;
    struct sockaddr_in         sin;
    ngx_fraud_redis_server_t  *servers;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6        sin6;
#endif

    node->addrs = node->own;

    addr = ngx_inet_addr(node->host.data, node->host.len);

    if (addr != INADDR_NONE) {
        ngx_memzero(&sin, sizeof(struct sockaddr_in));
        sin.sin_family = AF_INET;
        sin.sin_addr.s_addr = addr;

        ngx_fraud_redis_node_add(node, (struct sockaddr *) &sin,
                                 sizeof(struct sockaddr_in));
        return;
    }

#if (NGX_HAVE_INET6)

    ngx_memzero(&sin6, sizeof(struct sockaddr_in6));

    if (ngx_inet6_addr(node->host.data, node->host.len,
                       sin6.sin6_addr.s6_addr)
        == NGX_OK)
    {
        sin6.sin6_family = AF_INET6;

        ngx_fraud_redis_node_add(node, (struct sockaddr *) &sin6,
                                 sizeof(struct sockaddr_in6));
        return;
    }

#endif

    node->named = 1;

    servers = node->redis->conf->servers.elts;

    for (i = 0; i < node->redis->conf->servers.nelts; i++) {

        if (servers[i].host.len != node->host.len
            || ngx_strncasecmp(servers[i].host.data, node->host.data,
                               node->host.len)
               != 0)
        {
            continue;
        }

        for (k = 0; k < servers[i].url.naddrs; k++) {
            ngx_fraud_redis_node_add(node, servers[i].url.addrs[k].sockaddr,
                                     servers[i].url.addrs[k].socklen);
        }

        break;
    }
}


/* one more address, with the port of the node */

static void
ngx_fraud_redis_node_add(ngx_fraud_redis_node_t *node,
    struct sockaddr *sockaddr, socklen_t socklen)
{
    ngx_addr_t  *addr;

    if (node->naddrs == NGX_FRAUD_REDIS_ADDRS
        || socklen > (socklen_t) sizeof(ngx_sockaddr_t))
    {
        return;
    }

    addr = &node->own[node->naddrs];

    addr->sockaddr = &node->sockaddrs[node->naddrs].sockaddr;
    addr->socklen = socklen;
    addr->name.data = node->names[node->naddrs];

    ngx_memcpy(addr->sockaddr, sockaddr, socklen);
    ngx_inet_set_port(addr->sockaddr, node->port);

    addr->name.len = ngx_sock_ntop(addr->sockaddr, socklen, addr->name.data,
                                   NGX_SOCKADDR_STRLEN, 1);
    node->naddrs++;
}


/* name and addresses of a server of the configuration */

static ngx_int_t
ngx_fraud_redis_node_server(ngx_fraud_redis_node_t *node,
    ngx_fraud_redis_server_t *server)
{
    u_char       bin[16];
    fraud_str_t  host;

    node->server = server;
    node->addrs = server->url.addrs;
    node->naddrs = server->url.naddrs;
    node->at = 0;
    node->stale = (node->attempts > 0);

    if (server->url.family == AF_UNIX) {
        ngx_str_null(&node->host);
        node->name = server->text;
        node->port = 0;
        node->named = 0;
        return NGX_OK;
    }

    host.data = server->host.data;
    host.len = server->host.len;

    node->named = (ngx_inet_addr(server->host.data, server->host.len)
                   == INADDR_NONE);

#if (NGX_HAVE_INET6)
    if (ngx_inet6_addr(server->host.data, server->host.len, bin) == NGX_OK) {
        node->named = 0;
    }
#endif

    return ngx_fraud_redis_node_name(node, &host, server->url.port);
}


void
ngx_fraud_redis_node_resolved(ngx_fraud_redis_node_t *node,
    ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t  i;

    node->at = 0;
    node->naddrs = 0;
    node->addrs = node->own;

    for (i = 0; i < ctx->naddrs; i++) {
        ngx_fraud_redis_node_add(node, ctx->addrs[i].sockaddr,
                                 ctx->addrs[i].socklen);
    }
}


/* goes to the next address; 0 if all were tried once */

static ngx_uint_t
ngx_fraud_redis_node_next(ngx_fraud_redis_node_t *node)
{
    ngx_uint_t                 i, n, all;
    ngx_fraud_redis_server_t  *servers;

    n = node->redis->conf->servers.nelts;
    servers = node->redis->conf->servers.elts;

    all = node->naddrs;

    if (node->several) {
        for (i = 0; i < n; i++) {
            if (&servers[i] != node->server) {
                all += ngx_max(servers[i].url.naddrs, 1);
            }
        }
    }

    node->tried++;
    node->at++;

    if (node->at >= node->naddrs) {
        node->at = 0;

        if (node->several) {
            i = (node->server - servers + 1) % n;

            /* no server that cannot be named comes in */

            (void) ngx_fraud_redis_node_server(node, &servers[i]);
        }
    }

    if (node->tried < all) {
        return 1;
    }

    node->tried = 0;

    return 0;
}


void
ngx_fraud_redis_node_drop(ngx_fraud_redis_node_t *node)
{
    if (node->dropped || !node->used) {
        return;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis drop %V", &node->name);

    node->dropped = 1;

    if (node->lost && node->kind < NGX_FRAUD_REDIS_SEED) {
        ngx_fraud_redis_report(node->redis, -1, &node->name, "is not needed");
    }

    ngx_fraud_redis_post(node->redis);
}


void
ngx_fraud_redis_node_refuse(ngx_fraud_redis_node_t *node, const char *why)
{
    ngx_uint_t  ready;

    ready = (node->conn.phase == NGX_FRAUD_REDIS_READY);

    ngx_fraud_redis_conn_close(node);
    ngx_fraud_redis_node_failed(node, why, ready, 1);
}


/* the end of a node; what waits there is told later */

void
ngx_fraud_redis_node_release(ngx_fraud_redis_node_t *node)
{
    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis release %V", &node->name);

    ngx_fraud_redis_conn_close(node);
    ngx_fraud_redis_node_refuse_waiting(node);

    if (node->timer.timer_set) {
        ngx_del_timer(&node->timer);
    }

    if (node->lost && !node->dropped
        && node->kind < NGX_FRAUD_REDIS_SEED)
    {
        node->redis->lost--;
    }

    node->used = 0;
}


void
ngx_fraud_redis_node_ready(ngx_fraud_redis_node_t *node)
{
    node->tried = 0;
    node->stale = 0;

    ngx_fraud_redis_node_well(node);
}


/*
 * The connection, which was ready, or an attempt to make one, has failed and is
 * closed.  quiet: the topology knows.
 */

void
ngx_fraud_redis_node_failed(ngx_fraud_redis_node_t *node, const char *why,
    ngx_uint_t ready, ngx_uint_t quiet)
{
    ngx_uint_t          more;
    ngx_fraud_redis_t  *redis;

    redis = node->redis;

    if (node->dropped) {
        ngx_fraud_redis_node_refuse_waiting(node);
        ngx_fraud_redis_post(redis);
        return;
    }

    fraud_breaker_init(&node->breaker, NGX_FRAUD_REDIS_BACKOFF,
                       NGX_FRAUD_REDIS_BACKOFF_MAX);
    node->refused = 0;

    more = ready ? 0 : ngx_fraud_redis_node_next(node);

    if (more) {

        /* no recursion: the next may fail at once, too */

        ngx_fraud_redis_node_arm(node, 1);
        return;
    }

    node->attempts++;
    node->stale = 1;

    ngx_fraud_redis_node_arm(node, ngx_fraud_redis_node_backoff(node));
    ngx_fraud_redis_node_refuse_waiting(node);
    ngx_fraud_redis_node_lose(node, why);

    if (!quiet && redis->topology->lost) {
        redis->topology->lost(node, why);
    }
}


/*
 * A call was answered in time.  One that always fails a little later is not
 * tried again as fast as one that failed once.
 */

void
ngx_fraud_redis_node_answered(ngx_fraud_redis_node_t *node)
{
    if (node->attempts
        && ngx_current_msec - node->since >= NGX_FRAUD_REDIS_SOUND)
    {
        node->attempts = 0;
    }

    (void) fraud_breaker_ok(&node->breaker, 0);
}


/* a call was not, or was refused: answered by an error */

void
ngx_fraud_redis_node_missed(ngx_fraud_redis_node_t *node, const char *why,
    ngx_uint_t refused)
{
    ngx_msec_t  delay;

    if (node->conn.phase != NGX_FRAUD_REDIS_READY
        || !fraud_breaker_miss(&node->breaker, 0, ngx_current_msec,
                               ngx_fraud_redis_node_random()))
    {
        return;
    }

    node->attempts++;
    node->refused = refused;

    delay = fraud_breaker_next(&node->breaker, ngx_current_msec);

    /*
     * where each time a probe goes well and no call does, the next one must not
     * come as fast as the first
     */

    if (node->attempts > 1) {
        delay = ngx_max(delay, ngx_fraud_redis_node_backoff(node));
    }

    ngx_fraud_redis_node_arm(node, delay);
    ngx_fraud_redis_node_lose(node, why);

    if (node->redis->topology->lost) {
        node->redis->topology->lost(node, why);
    }
}


static void
ngx_fraud_redis_node_timer(ngx_event_t *ev)
{
    uint32_t                 next;
    ngx_fraud_redis_node_t  *node;

    node = ev->data;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, ev->log, 0,
                   "fraud redis node timer %V", &node->name);

    if (node->conn.phase == NGX_FRAUD_REDIS_IDLE) {
        ngx_fraud_redis_conn_connect(node);
        return;
    }

    if (fraud_breaker_probe_due(&node->breaker, ngx_current_msec)) {
        ngx_fraud_redis_node_probe(node);
    }

    next = fraud_breaker_next(&node->breaker, ngx_current_msec);

    if (next != FRAUD_BREAKER_NEVER) {
        ngx_fraud_redis_node_arm(node, next);
    }
}


static void
ngx_fraud_redis_node_arm(ngx_fraud_redis_node_t *node, ngx_msec_t delay)
{
    if (node->timer.timer_set) {
        ngx_del_timer(&node->timer);
    }

    ngx_add_timer(&node->timer, delay);
}


static ngx_msec_t
ngx_fraud_redis_node_backoff(ngx_fraud_redis_node_t *node)
{
    return fraud_backoff_delay(NGX_FRAUD_REDIS_BACKOFF,
                               NGX_FRAUD_REDIS_BACKOFF_MAX,
                               (uint32_t) node->attempts,
                               ngx_fraud_redis_node_random());
}


/* random() has 31 bits */

static uint32_t
ngx_fraud_redis_node_random(void)
{
    return ((uint32_t) ngx_random() << 16) ^ (uint32_t) ngx_random();
}


/*
 * PING says that a server is there; whether it takes calls of the script is
 * asked by one.  In a cluster the probe's key is another node's mostly, and
 * MOVED says as much as PING.
 */

static void
ngx_fraud_redis_node_probe(ngx_fraud_redis_node_t *node)
{
    ngx_uint_t   n;
    fraud_str_t  argv[NGX_FRAUD_REDIS_PROBE_WORDS];

    n = 0;

    if (node->kind < NGX_FRAUD_REDIS_SEED
        && (!node->redis->conf->cluster || node->refused))
    {
        n = ngx_fraud_redis_node_question(node, argv);
    }

    if (n == 0) {
        argv[n].data = (const uint8_t *) "PING";
        argv[n++].len = sizeof("PING") - 1;
    }

    node->probe = fraud_breaker_probe_sent(&node->breaker, ngx_current_msec);

    /* no memory: the breaker asks for another one later */

    (void) ngx_fraud_redis_ask(node, n, argv, node->redis->conf->timeout,
                               ngx_fraud_redis_node_probed,
                               (void *) (uintptr_t) node->probe);
}


/* the words of a call of the script that changes nothing; 0: there is none */

ngx_uint_t
ngx_fraud_redis_node_question(ngx_fraud_redis_node_t *node, fraud_str_t *argv)
{
    ngx_fraud_redis_t  *redis;

    redis = node->redis;

    if (redis->conf->probe.len == 0) {
        return 0;
    }

    argv[0].data = (const uint8_t *) "EVALSHA";
    argv[0].len = sizeof("EVALSHA") - 1;
    argv[1].data = redis->sha;
    argv[1].len = sizeof(redis->sha);
    argv[2].data = (const uint8_t *) "1";
    argv[2].len = 1;
    argv[3].data = (const uint8_t *) NGX_FRAUD_REDIS_PROBE;
    argv[3].len = sizeof(NGX_FRAUD_REDIS_PROBE) - 1;
    argv[4].data = redis->conf->probe.data;
    argv[4].len = redis->conf->probe.len;

    return NGX_FRAUD_REDIS_PROBE_WORDS;
}


static void
ngx_fraud_redis_node_probed(ngx_fraud_redis_node_t *node, void *data,
    const fraud_reply_t *reply)
{
    uint32_t  probe;

    probe = (uint32_t) (uintptr_t) data;

    ngx_log_debug3(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis probed %V #%uD %s", &node->name, probe,
                   reply ? "answered" : "late");

    if (!node->used
        || node->probe != probe
        || node->conn.phase != NGX_FRAUD_REDIS_READY
        || fraud_breaker_allows(&node->breaker))
    {
        return;
    }

    if (reply && ngx_fraud_redis_node_sound(node, reply)) {
        if (fraud_breaker_ok(&node->breaker, probe)) {
            ngx_fraud_redis_node_well(node);
        }

        return;
    }

    (void) fraud_breaker_miss(&node->breaker, probe, ngx_current_msec,
                              ngx_fraud_redis_node_random());

    ngx_fraud_redis_node_arm(node, fraud_breaker_next(&node->breaker,
                                                      ngx_current_msec));
}


static ngx_uint_t
ngx_fraud_redis_node_sound(ngx_fraud_redis_node_t *node,
    const fraud_reply_t *reply)
{
    const fraud_str_t  *text;

    if (reply->type != FRAUD_REPLY_ERROR) {
        return (reply->type == FRAUD_REPLY_STATUS
                || ngx_fraud_redis_call_answers(reply, 1));
    }

    text = &reply->str;

    if (ngx_fraud_redis_call_class(text) == NGX_FRAUD_REDIS_E_SCRIPT) {
        node->conn.load = 1;
        ngx_fraud_redis_post(node->redis);
        return 0;
    }

    return (node->redis->conf->cluster
            && ngx_fraud_redis_call_class(text)
               == NGX_FRAUD_REDIS_E_REDIRECT);
}


static void
ngx_fraud_redis_node_lose(ngx_fraud_redis_node_t *node, const char *why)
{
    if (node->lost) {
        return;
    }

    node->lost = 1;

    if (node->kind < NGX_FRAUD_REDIS_SEED && !node->dropped) {
        ngx_fraud_redis_report(node->redis, 1, &node->name, why);
    }
}


static void
ngx_fraud_redis_node_well(ngx_fraud_redis_node_t *node)
{
    node->since = ngx_current_msec;

    if (node->lost) {
        node->lost = 0;
        node->refused = 0;

        if (node->kind < NGX_FRAUD_REDIS_SEED && !node->dropped) {
            ngx_fraud_redis_report(node->redis, -1, &node->name, "is back");
        }
    }

    if (node->redis->topology->ready && !node->dropped) {
        node->redis->topology->ready(node);
    }
}


/* of what was not sent */

static void
ngx_fraud_redis_node_refuse_waiting(ngx_fraud_redis_node_t *node)
{
    ngx_queue_t             *q;
    ngx_fraud_redis_op_t    *op;
    ngx_fraud_redis_call_t  *call;

    while (!ngx_queue_empty(&node->pending)) {
        q = ngx_queue_head(&node->pending);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_fraud_redis_op_t, queue);
        ngx_fraud_redis_op_finish(op, NGX_FRAUD_REDIS_REFUSED);
    }

    while (!ngx_queue_empty(&node->commands)) {
        q = ngx_queue_head(&node->commands);
        ngx_queue_remove(q);

        call = ngx_queue_data(q, ngx_fraud_redis_call_t, queue);
        ngx_fraud_redis_call_end(node->redis, call);
    }
}
