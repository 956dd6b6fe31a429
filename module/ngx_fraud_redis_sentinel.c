
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_fraud_redis_int.h"

#include "fraud_slot.h"
#include "fraud_str.h"


/*
 * Redis Sentinel.  The servers of the configuration are sentinels; the first
 * that knows the master is asked where it is, and only the master is used:
 * that it is one is checked by the core when it is greeted.  A switch is found
 * by asking again: when the master is lost or says that it is read only, then
 * every second for as long as it is lost, and every two seconds while all is
 * well, as a master that was replaced may still answer.  A sentinel that does
 * not answer, or does not know the master, gives its turn to the next one; in
 * a round each is asked once.
 *
 * User, password and database are the master's; nothing is sent to a sentinel
 * but the question.
 */

#define NGX_FRAUD_REDIS_SENTINEL_LOST  1000
#define NGX_FRAUD_REDIS_SENTINEL_WELL  2000


typedef struct {
    ngx_fraud_redis_node_t    *master;     /* NULL: not known yet */
    ngx_fraud_redis_node_t    *asked;      /* whose answer is awaited */
    ngx_uint_t                 turn;       /* of the sentinels */
    ngx_uint_t                 tries;      /* left in this round */
    ngx_msec_t                 last;       /* round */
    ngx_event_t                timer;      /* to the next one */
    u_char                     why[NGX_FRAUD_REDIS_WHY];
} ngx_fraud_redis_sentinel_t;


static ngx_int_t ngx_fraud_redis_sentinel_start(ngx_fraud_redis_t *redis);
static ngx_fraud_redis_node_t *ngx_fraud_redis_sentinel_route(
    ngx_fraud_redis_t *redis, const u_char *key);
static void ngx_fraud_redis_sentinel_lost(ngx_fraud_redis_node_t *node,
    const char *why);
static void ngx_fraud_redis_sentinel_close(ngx_fraud_redis_t *redis);

static void ngx_fraud_redis_sentinel_again(ngx_fraud_redis_t *redis,
    ngx_msec_t interval);
static void ngx_fraud_redis_sentinel_timer(ngx_event_t *ev);
static void ngx_fraud_redis_sentinel_ask(ngx_fraud_redis_t *redis);
static void ngx_fraud_redis_sentinel_answer(ngx_fraud_redis_node_t *node,
    void *data, const fraud_reply_t *reply);
static ngx_int_t ngx_fraud_redis_sentinel_read(ngx_fraud_redis_node_t *node,
    const fraud_reply_t *reply);
static ngx_int_t ngx_fraud_redis_sentinel_follow(ngx_fraud_redis_node_t *node,
    const fraud_slot_addr_t *addr);


const ngx_fraud_redis_topology_t  ngx_fraud_redis_sentinel = {
    ngx_fraud_redis_sentinel_start,
    ngx_fraud_redis_sentinel_route,
    NULL,                                  /* ready */
    ngx_fraud_redis_sentinel_lost,
    NULL,                                  /* error: READONLY makes it lost */
    ngx_fraud_redis_sentinel_close
};


static ngx_int_t
ngx_fraud_redis_sentinel_start(ngx_fraud_redis_t *redis)
{
    ngx_fraud_redis_sentinel_t  *se;

    se = ngx_pcalloc(redis->cycle->pool, sizeof(ngx_fraud_redis_sentinel_t));
    if (se == NULL) {
        return NGX_ERROR;
    }

    se->timer.handler = ngx_fraud_redis_sentinel_timer;
    se->timer.data = redis;
    se->timer.log = redis->cycle->log;
    se->timer.cancelable = 1;

    se->last = ngx_current_msec;

    redis->map = se;

    ngx_fraud_redis_sentinel_again(redis, 0);

    return NGX_OK;
}


static ngx_fraud_redis_node_t *
ngx_fraud_redis_sentinel_route(ngx_fraud_redis_t *redis, const u_char *key)
{
    ngx_fraud_redis_sentinel_t  *se = redis->map;

    return se->master;
}


static void
ngx_fraud_redis_sentinel_lost(ngx_fraud_redis_node_t *node, const char *why)
{
    u_char                      *p;
    ngx_fraud_redis_sentinel_t  *se;

    se = node->redis->map;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis sentinel lost %V: %s", &node->name, why);

    if (node == se->master) {
        ngx_fraud_redis_sentinel_again(node->redis,
                                       NGX_FRAUD_REDIS_SENTINEL_LOST);
        return;
    }

    /* the one that is asked has no answer now, and will be told so */

    if (node == se->asked) {
        p = ngx_slprintf(se->why, se->why + sizeof(se->why) - 1,
                         "sentinel: %V: %s", &node->name, why);
        *p = '\0';
        return;
    }

    ngx_fraud_redis_node_drop(node);
}


static void
ngx_fraud_redis_sentinel_close(ngx_fraud_redis_t *redis)
{
    ngx_fraud_redis_sentinel_t  *se = redis->map;

    if (se != NULL && se->timer.timer_set) {
        ngx_del_timer(&se->timer);
    }
}


/* interval after the last round, or before if it was to be so anyway */

static void
ngx_fraud_redis_sentinel_again(ngx_fraud_redis_t *redis, ngx_msec_t interval)
{
    ngx_msec_int_t               wait;
    ngx_fraud_redis_sentinel_t  *se;

    se = redis->map;

    if (se->asked != NULL || redis->closed) {
        return;
    }

    wait = (ngx_msec_int_t) (se->last + interval - ngx_current_msec);
    wait = ngx_max(wait, 0);

    if (se->timer.timer_set) {
        if ((ngx_msec_int_t) (se->timer.timer.key - ngx_current_msec) <= wait) {
            return;
        }

        ngx_del_timer(&se->timer);
    }

    ngx_add_timer(&se->timer, (ngx_msec_t) wait);
}


static void
ngx_fraud_redis_sentinel_timer(ngx_event_t *ev)
{
    ngx_fraud_redis_t           *redis;
    ngx_fraud_redis_sentinel_t  *se;

    redis = ev->data;
    se = redis->map;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, ev->log, 0,
                   "fraud redis sentinel timer, turn:%ui", se->turn);

    se->last = ngx_current_msec;
    se->tries = redis->conf->servers.nelts;

    ngx_cpystrn(se->why, (u_char *) "sentinel: none answers", sizeof(se->why));

    ngx_fraud_redis_sentinel_ask(redis);
}


/* the one in turn, or the next that can be asked */

static void
ngx_fraud_redis_sentinel_ask(ngx_fraud_redis_t *redis)
{
    fraud_str_t                  words[3];
    ngx_fraud_redis_node_t      *node;
    ngx_fraud_redis_server_t    *servers;
    ngx_fraud_redis_sentinel_t  *se;

    static const fraud_str_t  sentinel = { (const uint8_t *) "SENTINEL", 8 };
    static const fraud_str_t  get = {
        (const uint8_t *) "get-master-addr-by-name", 23
    };

    se = redis->map;
    servers = redis->conf->servers.elts;

    words[0] = sentinel;
    words[1] = get;
    words[2].data = redis->conf->master.data;
    words[2].len = redis->conf->master.len;

    for ( /* void */ ; se->tries; se->turn++) {
        se->tries--;

        node = ngx_fraud_redis_server_node(redis,
                             &servers[se->turn % redis->conf->servers.nelts],
                             NGX_FRAUD_REDIS_SENTINEL);
        if (node == NULL) {
            continue;
        }

        if (ngx_fraud_redis_command(node, 3, words,
                                    ngx_fraud_redis_sentinel_answer, NULL)
            == NGX_OK)
        {
            se->asked = node;
            return;
        }

        ngx_fraud_redis_node_drop(node);
    }

    if (se->master == NULL) {
        ngx_fraud_redis_adrift(redis, (char *) se->why);
    }

    ngx_fraud_redis_sentinel_again(redis, NGX_FRAUD_REDIS_SENTINEL_LOST);
}


static void
ngx_fraud_redis_sentinel_answer(ngx_fraud_redis_node_t *node, void *data,
    const fraud_reply_t *reply)
{
    ngx_uint_t                   i;
    ngx_fraud_redis_t           *redis;
    ngx_fraud_redis_node_t      *other;
    ngx_fraud_redis_sentinel_t  *se;

    redis = node->redis;
    se = redis->map;

    se->asked = NULL;

    if (redis->closed) {
        return;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, redis->cycle->log, 0,
                   "fraud redis sentinel answer of %V, type:%i", &node->name,
                   reply ? (ngx_int_t) reply->type : -1);

    if (reply == NULL || ngx_fraud_redis_sentinel_read(node, reply) != NGX_OK) {

        /* one that is not lost yet has addresses left to try */

        if (reply != NULL || node->lost) {
            ngx_fraud_redis_node_drop(node);
        }

        se->turn++;
        ngx_fraud_redis_sentinel_ask(redis);
        return;
    }

    /* one sentinel is enough */

    for (i = 0; i < redis->nnodes; i++) {
        other = &redis->nodes[i];

        if (other != node && other->kind == NGX_FRAUD_REDIS_SENTINEL) {
            ngx_fraud_redis_node_drop(other);
        }
    }

    ngx_fraud_redis_adrift(redis, NULL);

    ngx_fraud_redis_sentinel_again(redis,
                                   se->master->lost
                                   ? NGX_FRAUD_REDIS_SENTINEL_LOST
                                   : NGX_FRAUD_REDIS_SENTINEL_WELL);
}


/* an address and a port, as strings; nil of an unknown name */

static ngx_int_t
ngx_fraud_redis_sentinel_read(ngx_fraud_redis_node_t *node,
    const fraud_reply_t *reply)
{
    u_char                      *p, *last;
    uint64_t                     number;
    fraud_reply_t                host, port;
    fraud_slot_addr_t            addr;
    ngx_fraud_redis_sentinel_t  *se;
    u_char                       text[NGX_FRAUD_REDIS_QUOTE + 1];

    se = node->redis->map;
    last = se->why + sizeof(se->why) - 1;

    if (reply->type == FRAUD_REPLY_ARRAY && reply->n == 2) {
        fraud_resp_element(reply, 0, &host);
        fraud_resp_element(reply, 1, &port);

        if (fraud_str_uint(&number, (const char *) port.str.data, port.str.len,
                           65535)
            == FRAUD_OK
            && fraud_slot_addr(&addr, host.str.data, host.str.len,
                               (int64_t) number)
               == FRAUD_OK
            && addr.host.len != 0)
        {
            return ngx_fraud_redis_sentinel_follow(node, &addr);
        }
    }

    if (reply->type == FRAUD_REPLY_NIL || reply->type == FRAUD_REPLY_ARRAY) {
        p = ngx_slprintf(se->why, last, "sentinel: no master named \"%V\"",
                         &node->redis->conf->master);
        *p = '\0';

        return NGX_DECLINED;
    }

    ngx_fraud_redis_call_quote(text, sizeof(text), &reply->str);

    p = ngx_slprintf(se->why, last, "sentinel: %V: %s", &node->name, text);
    *p = '\0';

    return NGX_DECLINED;
}


static ngx_int_t
ngx_fraud_redis_sentinel_follow(ngx_fraud_redis_node_t *node,
    const fraud_slot_addr_t *addr)
{
    ngx_fraud_redis_node_t      *master, *old;
    ngx_fraud_redis_sentinel_t  *se;

    master = ngx_fraud_redis_node(node->redis, node->server, &addr->host,
                                  addr->port, NGX_FRAUD_REDIS_MASTER);
    if (master == NULL) {
        return NGX_ERROR;
    }

    se = node->redis->map;

    old = se->master;
    se->master = master;

    if (old != NULL && old != master) {
        ngx_fraud_redis_node_drop(old);
    }

    return NGX_OK;
}
