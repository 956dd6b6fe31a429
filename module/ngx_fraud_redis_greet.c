
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_fraud_redis_int.h"


/*
 * What a server is told and asked before it is trusted with ops: one command
 * after the other, each of which may be needed or not.
 */

typedef struct {

    /* sets words in argv; 0: not needed here.  number has room for one */

    ngx_uint_t  (*words)(ngx_fraud_redis_node_t *node, fraud_str_t *argv,
                         u_char *number);

    /* of a reply that is no error: NULL, or what is wrong with it */

    const char *(*check)(const fraud_reply_t *reply);
} ngx_fraud_redis_step_t;


static void ngx_fraud_redis_greet_next(ngx_fraud_redis_node_t *node);
static ngx_uint_t ngx_fraud_redis_greet_auth(ngx_fraud_redis_node_t *node,
    fraud_str_t *argv, u_char *number);
static ngx_uint_t ngx_fraud_redis_greet_select(ngx_fraud_redis_node_t *node,
    fraud_str_t *argv, u_char *number);
static ngx_uint_t ngx_fraud_redis_greet_role(ngx_fraud_redis_node_t *node,
    fraud_str_t *argv, u_char *number);
static ngx_uint_t ngx_fraud_redis_greet_ping(ngx_fraud_redis_node_t *node,
    fraud_str_t *argv, u_char *number);
static ngx_uint_t ngx_fraud_redis_greet_ask(ngx_fraud_redis_node_t *node,
    fraud_str_t *argv, u_char *number);
static ngx_uint_t ngx_fraud_redis_greet_load(ngx_fraud_redis_node_t *node,
    fraud_str_t *argv, u_char *number);
static ngx_uint_t ngx_fraud_redis_greet_again(ngx_fraud_redis_node_t *node,
    fraud_str_t *argv, u_char *number);
static const char *ngx_fraud_redis_greet_status(const fraud_reply_t *reply);
static const char *ngx_fraud_redis_greet_master(const fraud_reply_t *reply);
static const char *ngx_fraud_redis_greet_answer(const fraud_reply_t *reply);
static const char *ngx_fraud_redis_greet_sha(const fraud_reply_t *reply);


static const ngx_fraud_redis_step_t  ngx_fraud_redis_steps[] = {
    { ngx_fraud_redis_greet_auth, ngx_fraud_redis_greet_status },
    { ngx_fraud_redis_greet_select, ngx_fraud_redis_greet_status },
    { ngx_fraud_redis_greet_role, ngx_fraud_redis_greet_master },
    { ngx_fraud_redis_greet_ping, ngx_fraud_redis_greet_status },
    { ngx_fraud_redis_greet_ask, ngx_fraud_redis_greet_answer },
    { ngx_fraud_redis_greet_load, ngx_fraud_redis_greet_sha },
    { ngx_fraud_redis_greet_again, ngx_fraud_redis_greet_answer },
    { NULL, NULL }
};


void
ngx_fraud_redis_greet(ngx_fraud_redis_node_t *node)
{
    node->conn.step = 0;

    ngx_fraud_redis_greet_next(node);
}


/* the next step that is needed here, or ready */

static void
ngx_fraud_redis_greet_next(ngx_fraud_redis_node_t *node)
{
    u_char                         number[NGX_INT_T_LEN];
    ngx_uint_t                     n;
    fraud_str_t                    argv[NGX_FRAUD_REDIS_PROBE_WORDS];
    fraud_buf_t                    buf;
    ngx_fraud_redis_conn_t        *conn;
    const ngx_fraud_redis_step_t  *step;

    conn = &node->conn;

    for (step = &ngx_fraud_redis_steps[conn->step]; step->words; step++) {

        n = step->words(node, argv, number);

        if (n == 0) {
            conn->step++;
            continue;
        }

        fraud_buf_init(&buf, node->redis->out, node->redis->size);
        fraud_resp_format(&buf, argv, n);

        if (ngx_fraud_redis_conn_send(node, buf.data, buf.len) == NGX_ERROR) {
            ngx_fraud_redis_conn_fail(node, NULL);
        }

        return;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis ready %V", &node->name);

    ngx_del_timer(conn->c->write);

    conn->phase = NGX_FRAUD_REDIS_READY;

    ngx_fraud_redis_node_ready(node);
    ngx_fraud_redis_post(node->redis);
}


void
ngx_fraud_redis_greet_reply(ngx_fraud_redis_node_t *node,
    const fraud_reply_t *reply)
{
    const char                    *why;
    u_char                         text[NGX_FRAUD_REDIS_QUOTE + 1];
    const ngx_fraud_redis_step_t  *step;

    step = &ngx_fraud_redis_steps[node->conn.step];

    if (node->conn.pos) {
        why = "reply that nothing asked for";

    } else if (step->words == ngx_fraud_redis_greet_ask
               && reply->type == FRAUD_REPLY_ERROR
               && ngx_fraud_redis_call_class(&reply->str)
                  == NGX_FRAUD_REDIS_E_SCRIPT)
    {
        node->conn.load = 1;
        why = NULL;

    } else if (reply->type == FRAUD_REPLY_ERROR) {
        ngx_fraud_redis_call_quote(text, sizeof(text), &reply->str);
        why = (char *) text;

    } else {
        why = step->check(reply);
    }

    if (why) {
        ngx_fraud_redis_conn_fail(node, why);
        return;
    }

    node->conn.step++;

    ngx_fraud_redis_greet_next(node);
}


static ngx_uint_t
ngx_fraud_redis_greet_auth(ngx_fraud_redis_node_t *node, fraud_str_t *argv,
    u_char *number)
{
    ngx_uint_t               n;
    ngx_fraud_redis_conf_t  *conf;

    conf = node->redis->conf;

    if (node->kind == NGX_FRAUD_REDIS_SENTINEL
        || (conf->user.len == 0 && conf->password.len == 0))
    {
        return 0;
    }

    n = 0;

    argv[n].data = (const uint8_t *) "AUTH";
    argv[n++].len = sizeof("AUTH") - 1;

    if (conf->user.len) {
        argv[n].data = conf->user.data;
        argv[n++].len = conf->user.len;
    }

    argv[n].data = conf->password.data;
    argv[n++].len = conf->password.len;

    return n;
}


static ngx_uint_t
ngx_fraud_redis_greet_select(ngx_fraud_redis_node_t *node, fraud_str_t *argv,
    u_char *number)
{
    ngx_fraud_redis_conf_t  *conf;

    conf = node->redis->conf;

    if (node->kind == NGX_FRAUD_REDIS_SENTINEL
        || conf->cluster
        || conf->database == 0)
    {
        return 0;
    }

    argv[0].data = (const uint8_t *) "SELECT";
    argv[0].len = sizeof("SELECT") - 1;
    argv[1].data = number;
    argv[1].len = ngx_sprintf(number, "%ui", conf->database) - number;

    return 2;
}


static ngx_uint_t
ngx_fraud_redis_greet_role(ngx_fraud_redis_node_t *node, fraud_str_t *argv,
    u_char *number)
{
    if (node->kind != NGX_FRAUD_REDIS_MASTER && !node->role) {
        return 0;
    }

    argv[0].data = (const uint8_t *) "ROLE";
    argv[0].len = sizeof("ROLE") - 1;

    return 1;
}


static ngx_uint_t
ngx_fraud_redis_greet_ping(ngx_fraud_redis_node_t *node, fraud_str_t *argv,
    u_char *number)
{
    argv[0].data = (const uint8_t *) "PING";
    argv[0].len = sizeof("PING") - 1;

    return 1;
}


/* PING is answered also where no call would be: a cluster's nodes have that */

static ngx_uint_t
ngx_fraud_redis_greet_ask(ngx_fraud_redis_node_t *node, fraud_str_t *argv,
    u_char *number)
{
    if (node->kind >= NGX_FRAUD_REDIS_SEED || node->redis->conf->cluster) {
        return 0;
    }

    return ngx_fraud_redis_node_question(node, argv);
}


/* these two only after NOSCRIPT */

static ngx_uint_t
ngx_fraud_redis_greet_load(ngx_fraud_redis_node_t *node, fraud_str_t *argv,
    u_char *number)
{
    if (!node->conn.load) {
        return 0;
    }

    argv[0].data = (const uint8_t *) "SCRIPT";
    argv[0].len = sizeof("SCRIPT") - 1;
    argv[1].data = (const uint8_t *) "LOAD";
    argv[1].len = sizeof("LOAD") - 1;
    argv[2].data = node->redis->conf->script.data;
    argv[2].len = node->redis->conf->script.len;

    return 3;
}


static ngx_uint_t
ngx_fraud_redis_greet_again(ngx_fraud_redis_node_t *node, fraud_str_t *argv,
    u_char *number)
{
    if (!node->conn.load) {
        return 0;
    }

    node->conn.load = 0;

    return ngx_fraud_redis_node_question(node, argv);
}


static const char *
ngx_fraud_redis_greet_status(const fraud_reply_t *reply)
{
    return (reply->type == FRAUD_REPLY_STATUS) ? NULL
                                               : "is no Redis server";
}


static const char *
ngx_fraud_redis_greet_master(const fraud_reply_t *reply)
{
    fraud_reply_t  role;

    if (reply->type != FRAUD_REPLY_ARRAY || reply->n == 0) {
        return "is no Redis server";
    }

    fraud_resp_element(reply, 0, &role);

    if (role.type != FRAUD_REPLY_STRING
        || role.str.len != sizeof("master") - 1
        || ngx_strncmp(role.str.data, "master", role.str.len) != 0)
    {
        return "is not a master";
    }

    return NULL;
}


static const char *
ngx_fraud_redis_greet_answer(const fraud_reply_t *reply)
{
    return ngx_fraud_redis_call_answers(reply, 1)
           ? NULL : "wrong answer of the script";
}


static const char *
ngx_fraud_redis_greet_sha(const fraud_reply_t *reply)
{
    return (reply->type == FRAUD_REPLY_STRING) ? NULL
                                               : "is no Redis server";
}
