
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_fraud_redis_int.h"

#include "fraud_slot.h"


/*
 * Redis Cluster.  The map of slots is asked of one node and believed as a
 * whole: it is swapped when a complete one was heard, and nothing else changes
 * it.  MOVED sends its op to the node that it names and says that the map is
 * old; an old map still works, one hop longer.  ASK is about one key during
 * a resharding: its op follows, the map stays.
 *
 * The map is asked for at start, on MOVED and CLUSTERDOWN, and for as long as
 * the node of any slot is lost, so that a promoted replica is found; once a
 * second at most and one question at a time.  Those of the map are asked in
 * turn; if none of them knows more, the servers of the configuration, each by
 * a connection of its own that ends with the answer.  Before the first map
 * they are all tried one after the other, a round a second.
 *
 * Another node outside the map is one that a redirection named: the next map
 * has it or it goes.
 */

#define NGX_FRAUD_REDIS_CLUSTER_INTERVAL  1000


typedef struct {
    ngx_fraud_redis_node_t    *nodes[FRAUD_SLOT_MAX_NODES];
    ngx_uint_t                 n;          /* 0: no map yet */

    ngx_fraud_redis_node_t    *asked;      /* whose answer is awaited */
    ngx_uint_t                 turn;       /* of the nodes */
    ngx_uint_t                 seed;       /* of the servers */
    ngx_uint_t                 tries;      /* servers left in this round */
    ngx_uint_t                 failed;     /* questions in a row */
    ngx_msec_t                 last;       /* question */
    ngx_event_t                timer;      /* to the next one */
    unsigned                   stale:1;    /* wanted again meanwhile */
    u_char                     why[NGX_FRAUD_REDIS_WHY];

    uint16_t                   owner[FRAUD_SLOT_N];    /* place in nodes */
    fraud_slot_map_t           heard;
} ngx_fraud_redis_cluster_t;


static ngx_int_t ngx_fraud_redis_cluster_start(ngx_fraud_redis_t *redis);
static ngx_fraud_redis_node_t *ngx_fraud_redis_cluster_route(
    ngx_fraud_redis_t *redis, const u_char *key);
static void ngx_fraud_redis_cluster_lost(ngx_fraud_redis_node_t *node,
    const char *why);
static ngx_int_t ngx_fraud_redis_cluster_error(ngx_fraud_redis_op_t *op,
    const fraud_str_t *text);
static void ngx_fraud_redis_cluster_close(ngx_fraud_redis_t *redis);

static void ngx_fraud_redis_cluster_want(ngx_fraud_redis_t *redis);
static void ngx_fraud_redis_cluster_timer(ngx_event_t *ev);
static void ngx_fraud_redis_cluster_ask_server(ngx_fraud_redis_t *redis);
static ngx_int_t ngx_fraud_redis_cluster_ask(ngx_fraud_redis_node_t *node);
static void ngx_fraud_redis_cluster_answer(ngx_fraud_redis_node_t *node,
    void *data, const fraud_reply_t *reply);
static const char *ngx_fraud_redis_cluster_read(fraud_slot_map_t *map,
    const fraud_reply_t *reply);
static fraud_rc ngx_fraud_redis_cluster_addr(fraud_slot_addr_t *addr,
    const fraud_reply_t *node);
static const char *ngx_fraud_redis_cluster_swap(ngx_fraud_redis_node_t *told);
static const char *ngx_fraud_redis_cluster_because(
    ngx_fraud_redis_node_t *node, const char *why);
static ngx_fraud_redis_node_t *ngx_fraud_redis_cluster_find(
    ngx_fraud_redis_node_t *told, const fraud_slot_addr_t *addr);
static void ngx_fraud_redis_cluster_drop(ngx_fraud_redis_node_t *node);
static ngx_uint_t ngx_fraud_redis_cluster_has(ngx_fraud_redis_node_t *node);
static ngx_uint_t ngx_fraud_redis_cluster_torn(ngx_fraud_redis_cluster_t *cl);


const ngx_fraud_redis_topology_t  ngx_fraud_redis_cluster = {
    ngx_fraud_redis_cluster_start,
    ngx_fraud_redis_cluster_route,
    NULL,                                  /* ready */
    ngx_fraud_redis_cluster_lost,
    ngx_fraud_redis_cluster_error,
    ngx_fraud_redis_cluster_close
};


static ngx_int_t
ngx_fraud_redis_cluster_start(ngx_fraud_redis_t *redis)
{
    ngx_fraud_redis_cluster_t  *cl;

    cl = ngx_pcalloc(redis->cycle->pool, sizeof(ngx_fraud_redis_cluster_t));
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->timer.handler = ngx_fraud_redis_cluster_timer;
    cl->timer.data = redis;
    cl->timer.log = redis->cycle->log;
    cl->timer.cancelable = 1;

    cl->last = ngx_current_msec - NGX_FRAUD_REDIS_CLUSTER_INTERVAL;

    redis->map = cl;

    ngx_fraud_redis_cluster_want(redis);

    return NGX_OK;
}


static ngx_fraud_redis_node_t *
ngx_fraud_redis_cluster_route(ngx_fraud_redis_t *redis, const u_char *key)
{
    ngx_fraud_redis_cluster_t  *cl = redis->map;

    if (cl->n == 0) {
        return NULL;
    }

    return cl->nodes[cl->owner[fraud_slot_of(key, NGX_FRAUD_REDIS_KEY)]];
}


static void
ngx_fraud_redis_cluster_lost(ngx_fraud_redis_node_t *node, const char *why)
{
    ngx_fraud_redis_t          *redis;
    ngx_fraud_redis_cluster_t  *cl;

    redis = node->redis;
    cl = redis->map;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, redis->cycle->log, 0,
                   "fraud redis cluster lost %V: %s", &node->name, why);

    /* the one that is asked has no answer now, and will be told so */

    if (node == cl->asked) {
        (void) ngx_fraud_redis_cluster_because(node, why);
    }

    /*
     * one that a redirection named stays, lost, until the next map: it must not
     * be connected again for each op that is sent there
     */

    if (node->kind == NGX_FRAUD_REDIS_DATA) {
        ngx_fraud_redis_cluster_want(redis);

    } else if (node != cl->asked) {
        ngx_fraud_redis_cluster_drop(node);
    }
}


static ngx_int_t
ngx_fraud_redis_cluster_error(ngx_fraud_redis_op_t *op, const fraud_str_t *text)
{
    fraud_rc                 rc;
    fraud_slot_redirect_t    redirect;
    ngx_fraud_redis_node_t  *node;

    static const u_char  down[] = "CLUSTERDOWN";

    rc = fraud_slot_redirect(&redirect, text->data, text->len);

    if (rc == FRAUD_NOTFOUND) {
        if (text->len >= sizeof(down) - 1
            && ngx_memcmp(text->data, down, sizeof(down) - 1) == 0)
        {
            ngx_fraud_redis_cluster_want(op->redis);
        }

        return NGX_DECLINED;
    }

    if (rc != FRAUD_OK || !redirect.ask) {
        ngx_fraud_redis_cluster_want(op->redis);
    }

    if (rc != FRAUD_OK || op->redirects == NGX_FRAUD_REDIS_REDIRECTS) {
        return NGX_DECLINED;
    }

    node = ngx_fraud_redis_cluster_find(op->node, &redirect.addr);
    if (node == NULL) {
        return NGX_DECLINED;
    }

    return ngx_fraud_redis_resubmit(op, node, redirect.ask);
}


static void
ngx_fraud_redis_cluster_close(ngx_fraud_redis_t *redis)
{
    ngx_fraud_redis_cluster_t  *cl = redis->map;

    if (cl != NULL && cl->timer.timer_set) {
        ngx_del_timer(&cl->timer);
    }
}


/* by the timer also if it is due: the caller may be anywhere */

static void
ngx_fraud_redis_cluster_want(ngx_fraud_redis_t *redis)
{
    ngx_msec_int_t              wait;
    ngx_fraud_redis_cluster_t  *cl;

    cl = redis->map;

    if (cl->asked != NULL) {
        cl->stale = 1;
        return;
    }

    if (cl->timer.timer_set || redis->closed) {
        return;
    }

    wait = (ngx_msec_int_t) (cl->last + NGX_FRAUD_REDIS_CLUSTER_INTERVAL
                             - ngx_current_msec);

    ngx_add_timer(&cl->timer, (ngx_msec_t) ngx_max(wait, 0));
}


static void
ngx_fraud_redis_cluster_timer(ngx_event_t *ev)
{
    ngx_uint_t                  i, n;
    ngx_fraud_redis_t          *redis;
    ngx_fraud_redis_node_t     *node;
    ngx_fraud_redis_cluster_t  *cl;

    redis = ev->data;
    cl = redis->map;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, ev->log, 0,
                   "fraud redis cluster timer, nodes:%ui failed:%ui",
                   cl->n, cl->failed);

    cl->last = ngx_current_msec;
    cl->stale = 0;

    /* those of the map so often as there are of them, then the servers */

    n = cl->failed % (cl->n + redis->conf->servers.nelts) < cl->n ? cl->n : 0;

    for (i = 0; i < n; i++) {
        node = cl->nodes[cl->turn++ % n];

        if (!node->lost && ngx_fraud_redis_cluster_ask(node) == NGX_OK) {
            return;
        }
    }

    cl->tries = redis->conf->servers.nelts;

    ngx_fraud_redis_cluster_ask_server(redis);
}


/* the next one that can be asked, or none */

static void
ngx_fraud_redis_cluster_ask_server(ngx_fraud_redis_t *redis)
{
    ngx_fraud_redis_node_t     *node;
    ngx_fraud_redis_server_t   *servers;
    ngx_fraud_redis_cluster_t  *cl;

    cl = redis->map;
    servers = redis->conf->servers.elts;

    while (cl->tries) {
        cl->tries--;

        node = ngx_fraud_redis_server_node(redis,
                           &servers[cl->seed++ % redis->conf->servers.nelts],
                           NGX_FRAUD_REDIS_SEED);
        if (node == NULL) {
            continue;
        }

        if (ngx_fraud_redis_cluster_ask(node) == NGX_OK) {
            return;
        }

        ngx_fraud_redis_cluster_drop(node);
    }

    ngx_fraud_redis_cluster_want(redis);
}


static ngx_int_t
ngx_fraud_redis_cluster_ask(ngx_fraud_redis_node_t *node)
{
    ngx_int_t                   rc;
    ngx_fraud_redis_cluster_t  *cl;

    static const fraud_str_t  words[] = {
        { (const uint8_t *) "CLUSTER", 7 },
        { (const uint8_t *) "SLOTS", 5 }
    };

    rc = ngx_fraud_redis_command(node, 2, words, ngx_fraud_redis_cluster_answer,
                                 NULL);
    if (rc == NGX_OK) {
        cl = node->redis->map;
        cl->asked = node;
        ngx_cpystrn(cl->why, (u_char *) "cluster: no node tells its map",
                    sizeof(cl->why));
    }

    return rc;
}


static void
ngx_fraud_redis_cluster_answer(ngx_fraud_redis_node_t *node, void *data,
    const fraud_reply_t *reply)
{
    const char                 *why;
    ngx_fraud_redis_t          *redis;
    ngx_fraud_redis_cluster_t  *cl;
    u_char                      text[NGX_FRAUD_REDIS_QUOTE + 1];

    redis = node->redis;
    cl = redis->map;

    cl->asked = NULL;

    if (redis->closed) {
        return;
    }

    why = NULL;

    if (reply == NULL) {
        why = (char *) cl->why;

    } else if (reply->type == FRAUD_REPLY_ERROR) {
        ngx_fraud_redis_call_quote(text, sizeof(text), &reply->str);
        why = ngx_fraud_redis_cluster_because(node, (char *) text);

    } else {
        why = ngx_fraud_redis_cluster_read(&cl->heard, reply);

        if (why == NULL) {
            why = ngx_fraud_redis_cluster_swap(node);
        }

        if (why != NULL) {
            why = ngx_fraud_redis_cluster_because(node, why);
        }
    }

    ngx_log_debug3(NGX_LOG_DEBUG_EVENT, redis->cycle->log, 0,
                   "fraud redis cluster answer of %V, nodes:%ui \"%s\"",
                   &node->name, cl->n, why ? why : "");

    if (why == NULL) {
        cl->failed = 0;
        ngx_fraud_redis_adrift(redis, NULL);

    } else {
        cl->failed++;

        /* before the node goes: or all would be well for a moment */

        if (cl->n == 0) {
            ngx_fraud_redis_adrift(redis, why);
        }
    }

    /* one that is not lost yet has addresses left to try until it is asked */

    if (reply != NULL || node->lost) {
        ngx_fraud_redis_cluster_drop(node);
    }

    if (cl->n == 0) {
        ngx_fraud_redis_cluster_ask_server(redis);

    } else if (why != NULL || cl->stale || ngx_fraud_redis_cluster_torn(cl)) {
        ngx_fraud_redis_cluster_want(redis);
    }
}


/* entries: first slot, last slot, master, replicas ...; NULL: a whole map */

static const char *
ngx_fraud_redis_cluster_read(fraud_slot_map_t *map, const fraud_reply_t *reply)
{
    size_t             i;
    fraud_rc           rc;
    fraud_reply_t      entry, first, last, master;
    fraud_slot_addr_t  addr;

    fraud_slot_begin(map);

    for (i = 0; i < reply->n; i++) {

        fraud_resp_element(reply, i, &entry);
        fraud_resp_element(&entry, 0, &first);
        fraud_resp_element(&entry, 1, &last);
        fraud_resp_element(&entry, 2, &master);

        if (first.type != FRAUD_REPLY_INTEGER
            || last.type != FRAUD_REPLY_INTEGER
            || ngx_fraud_redis_cluster_addr(&addr, &master) != FRAUD_OK)
        {
            return "tells no valid map";
        }

        rc = fraud_slot_range(map, first.integer, last.integer, &addr);

        if (rc == FRAUD_ELIMIT) {
            return "cluster has too many masters";
        }

        if (rc != FRAUD_OK) {
            return "tells no valid map";
        }
    }

    if (fraud_slot_finish(map) != FRAUD_OK) {
        return "not all slots have a node";
    }

    return NULL;
}


/*
 * A node: host, port, id and, since 7.0, pairs of metadata.  A host of "?"
 * is of a node that prefers a name and has none: its address is in there.
 */

static fraud_rc
ngx_fraud_redis_cluster_addr(fraud_slot_addr_t *addr, const fraud_reply_t *node)
{
    size_t         i;
    fraud_reply_t  host, port, pairs, name;

    fraud_resp_element(node, 0, &host);
    fraud_resp_element(node, 1, &port);

    if (port.type != FRAUD_REPLY_INTEGER
        || (host.type != FRAUD_REPLY_STRING && host.type != FRAUD_REPLY_NIL))
    {
        return FRAUD_EINVAL;
    }

    if (host.str.len == 1 && host.str.data[0] == '?') {
        fraud_resp_element(node, 3, &pairs);

        for (i = 0; i + 1 < pairs.n; i += 2) {
            fraud_resp_element(&pairs, i, &name);

            if (name.str.len == 2 && ngx_memcmp(name.str.data, "ip", 2) == 0) {
                fraud_resp_element(&pairs, i + 1, &host);
            }
        }
    }

    return fraud_slot_addr(addr, host.str.data, host.str.len, port.integer);
}


/* what was heard is the map from now on, if there is a place for each node */

static const char *
ngx_fraud_redis_cluster_swap(ngx_fraud_redis_node_t *told)
{
    ngx_uint_t                  i, whole;
    ngx_fraud_redis_t          *redis;
    ngx_fraud_redis_node_t     *nodes[FRAUD_SLOT_MAX_NODES];
    ngx_fraud_redis_cluster_t  *cl;

    redis = told->redis;
    cl = redis->map;

    for (i = 0; i < cl->heard.n; i++) {
        nodes[i] = ngx_fraud_redis_cluster_find(told, &cl->heard.nodes[i]);
        if (nodes[i] == NULL) {
            break;
        }
    }

    whole = (i == cl->heard.n);

    if (whole) {
        cl->n = cl->heard.n;
        ngx_memcpy(cl->nodes, nodes, cl->n * sizeof(nodes[0]));
        ngx_memcpy(cl->owner, cl->heard.owner, sizeof(cl->owner));
    }

    /* those of the map before, or those that did not become one */

    for (i = 0; i < redis->nnodes; i++) {
        ngx_fraud_redis_cluster_drop(&redis->nodes[i]);
    }

    return whole ? NULL : "cluster has too many nodes";
}


/* one line for the log */

static const char *
ngx_fraud_redis_cluster_because(ngx_fraud_redis_node_t *node, const char *why)
{
    u_char                     *p;
    ngx_fraud_redis_cluster_t  *cl;

    cl = node->redis->map;

    p = ngx_slprintf(cl->why, cl->why + sizeof(cl->why) - 1,
                     "cluster: %V: %s", &node->name, why);
    *p = '\0';

    return (char *) cl->why;
}


/* no host: that of the node that told */

static ngx_fraud_redis_node_t *
ngx_fraud_redis_cluster_find(ngx_fraud_redis_node_t *told,
    const fraud_slot_addr_t *addr)
{
    u_char       text[NGX_SOCKADDR_STRLEN];
    ngx_addr_t  *at;
    fraud_str_t  host;

    host = addr->host;

    if (host.len == 0) {
        if (told->port == 0 || told->at >= told->naddrs) {
            return NULL;
        }

        at = &told->addrs[told->at];

        host.data = text;
        host.len = ngx_sock_ntop(at->sockaddr, at->socklen, text, sizeof(text),
                                 0);
    }

    return ngx_fraud_redis_node(told->redis, told->server, &host, addr->port,
                                NGX_FRAUD_REDIS_DATA);
}


/* unless it is of the map */

static void
ngx_fraud_redis_cluster_drop(ngx_fraud_redis_node_t *node)
{
    if (node->used && !node->dropped && !ngx_fraud_redis_cluster_has(node)) {
        ngx_fraud_redis_node_drop(node);
    }
}


static ngx_uint_t
ngx_fraud_redis_cluster_has(ngx_fraud_redis_node_t *node)
{
    ngx_uint_t                  i;
    ngx_fraud_redis_cluster_t  *cl;

    cl = node->redis->map;

    for (i = 0; i < cl->n; i++) {
        if (cl->nodes[i] == node) {
            return 1;
        }
    }

    return 0;
}


/* a node of the map is lost */

static ngx_uint_t
ngx_fraud_redis_cluster_torn(ngx_fraud_redis_cluster_t *cl)
{
    ngx_uint_t  i;

    for (i = 0; i < cl->n; i++) {
        if (cl->nodes[i]->lost) {
            return 1;
        }
    }

    return 0;
}
