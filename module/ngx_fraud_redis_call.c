
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_fraud_redis_int.h"


/*
 * What is written to a node and what its replies mean.
 *
 * A script that the server does not have was not run: its ops go to the head
 * of the queue again, once each, behind a SCRIPT LOAD.  All calls that were
 * sent before that load come back in the same way and need none of their own.
 */

#define NGX_FRAUD_REDIS_WORDS  (3 + 2 * NGX_FRAUD_REDIS_BATCH)
#define NGX_FRAUD_REDIS_FRAME  32      /* bytes around a word, at most */


typedef struct {
    ngx_str_t                  code;
    ngx_fraud_redis_error_e    error;
} ngx_fraud_redis_code_t;


static ngx_int_t ngx_fraud_redis_call_load(ngx_fraud_redis_node_t *node,
    fraud_buf_t *buf);
static ngx_int_t ngx_fraud_redis_call_commands(ngx_fraud_redis_node_t *node,
    fraud_buf_t *buf);
static ngx_int_t ngx_fraud_redis_call_batch(ngx_fraud_redis_node_t *node,
    fraud_buf_t *buf);
static ngx_int_t ngx_fraud_redis_call_asking(ngx_fraud_redis_node_t *node,
    fraud_buf_t *buf);
static void ngx_fraud_redis_call_sent(ngx_fraud_redis_node_t *node,
    ngx_fraud_redis_call_t *call);
static void ngx_fraud_redis_call_answered(ngx_fraud_redis_call_t *call,
    const fraud_str_t *text);
static void ngx_fraud_redis_call_error(ngx_fraud_redis_node_t *node,
    ngx_fraud_redis_call_t *call, const fraud_str_t *text);
static void ngx_fraud_redis_call_again(ngx_fraud_redis_node_t *node,
    ngx_fraud_redis_call_t *call);


static ngx_fraud_redis_code_t  ngx_fraud_redis_codes[] = {
    { ngx_string("NOSCRIPT "), NGX_FRAUD_REDIS_E_SCRIPT },
    { ngx_string("MOVED "), NGX_FRAUD_REDIS_E_REDIRECT },
    { ngx_string("ASK "), NGX_FRAUD_REDIS_E_REDIRECT },
    { ngx_string("LOADING "), NGX_FRAUD_REDIS_E_AWAY },
    { ngx_string("READONLY "), NGX_FRAUD_REDIS_E_REPLICA },
    { ngx_string("MASTERDOWN "), NGX_FRAUD_REDIS_E_REPLICA },
    { ngx_string("BUSY "), NGX_FRAUD_REDIS_E_NONE },
    { ngx_string("CLUSTERDOWN "), NGX_FRAUD_REDIS_E_NONE },
    { ngx_string("CROSSSLOT "), NGX_FRAUD_REDIS_E_NONE },
    { ngx_string("MISCONF "), NGX_FRAUD_REDIS_E_NONE },
    { ngx_string("NOAUTH "), NGX_FRAUD_REDIS_E_NONE },
    { ngx_string("NOPERM "), NGX_FRAUD_REDIS_E_NONE },
    { ngx_string("NOREPLICAS "), NGX_FRAUD_REDIS_E_NONE },
    { ngx_string("OOM "), NGX_FRAUD_REDIS_E_NONE },
    { ngx_string("TRYAGAIN "), NGX_FRAUD_REDIS_E_NONE },
    { ngx_null_string, NGX_FRAUD_REDIS_E_OTHER }
};


/* fills the buffer of the client from what waits; returns how many bytes */

size_t
ngx_fraud_redis_call_write(ngx_fraud_redis_node_t *node)
{
    fraud_buf_t  buf;

    fraud_buf_init(&buf, node->redis->out, node->redis->size);

    if (node->conn.load
        && ngx_fraud_redis_call_load(node, &buf) != NGX_OK)
    {
        return buf.len;
    }

    if (ngx_fraud_redis_call_commands(node, &buf) != NGX_OK) {
        return buf.len;
    }

    while (!ngx_queue_empty(&node->pending)) {
        if (ngx_fraud_redis_call_batch(node, &buf) != NGX_OK) {
            break;
        }
    }

    return buf.len;
}


static ngx_int_t
ngx_fraud_redis_call_load(ngx_fraud_redis_node_t *node, fraud_buf_t *buf)
{
    fraud_str_t              argv[3];
    ngx_fraud_redis_call_t  *call;

    call = ngx_fraud_redis_call_alloc(node->redis);
    if (call == NULL) {
        return NGX_ERROR;
    }

    argv[0].data = (const uint8_t *) "SCRIPT";
    argv[0].len = sizeof("SCRIPT") - 1;
    argv[1].data = (const uint8_t *) "LOAD";
    argv[1].len = sizeof("LOAD") - 1;
    argv[2].data = node->redis->conf->script.data;
    argv[2].len = node->redis->conf->script.len;

    fraud_resp_format(buf, argv, 3);

    call->load = 1;
    ngx_fraud_redis_call_sent(node, call);

    node->conn.load = 0;
    node->conn.loaded = call->seq;

    return NGX_OK;
}


static ngx_int_t
ngx_fraud_redis_call_commands(ngx_fraud_redis_node_t *node, fraud_buf_t *buf)
{
    ngx_queue_t             *q;
    ngx_fraud_redis_call_t  *call;

    while (!ngx_queue_empty(&node->commands)) {
        q = ngx_queue_head(&node->commands);
        call = ngx_queue_data(q, ngx_fraud_redis_call_t, queue);

        if (call->bytes.len > buf->size - buf->len) {
            return NGX_AGAIN;
        }

        fraud_buf_add(buf, call->bytes.data, call->bytes.len);

        ngx_free((void *) call->bytes.data);

        call->bytes.data = NULL;
        call->bytes.len = 0;

        ngx_queue_remove(q);
        ngx_fraud_redis_call_sent(node, call);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_fraud_redis_call_batch(ngx_fraud_redis_node_t *node, fraud_buf_t *buf)
{
    size_t                   room, word;
    u_char                   number[NGX_INT_T_LEN];
    fraud_str_t              argv[NGX_FRAUD_REDIS_WORDS];
    ngx_uint_t               i, n;
    ngx_queue_t             *q;
    ngx_fraud_redis_t       *redis;
    ngx_fraud_redis_op_t    *op;
    ngx_fraud_redis_call_t  *call;

    redis = node->redis;

    /* for the words before the keys, and ASKING */

    word = 8 * NGX_FRAUD_REDIS_FRAME;
    room = buf->size - buf->len;
    room = (room > word) ? room - word : 0;
    n = 0;

    for (q = ngx_queue_head(&node->pending);
         q != ngx_queue_sentinel(&node->pending) && n < redis->batch;
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_fraud_redis_op_t, queue);

        word = NGX_FRAUD_REDIS_KEY + op->len + 2 * NGX_FRAUD_REDIS_FRAME;

        if (word > room || (op->asking && n)) {
            break;
        }

        room -= word;
        n++;

        if (op->asking) {
            break;
        }
    }

    if (n == 0) {
        return NGX_AGAIN;
    }

    op = ngx_queue_data(ngx_queue_head(&node->pending), ngx_fraud_redis_op_t,
                        queue);

    if (op->asking && ngx_fraud_redis_call_asking(node, buf) != NGX_OK) {
        return NGX_ERROR;
    }

    call = ngx_fraud_redis_call_alloc(redis);
    if (call == NULL) {
        return NGX_ERROR;
    }

    argv[0].data = (const uint8_t *) "EVALSHA";
    argv[0].len = sizeof("EVALSHA") - 1;
    argv[1].data = redis->sha;
    argv[1].len = sizeof(redis->sha);
    argv[2].data = number;
    argv[2].len = ngx_sprintf(number, "%ui", n) - number;

    for (i = 0; i < n; i++) {
        q = ngx_queue_head(&node->pending);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&call->ops, q);

        op = ngx_queue_data(q, ngx_fraud_redis_op_t, queue);

        op->call = call;
        op->where = NGX_FRAUD_REDIS_SENT;

        argv[3 + i].data = op->key;
        argv[3 + i].len = NGX_FRAUD_REDIS_KEY;
        argv[3 + n + i].data = op->argument;
        argv[3 + n + i].len = op->len;
    }

    fraud_resp_format(buf, argv, 3 + 2 * n);

    call->n = n;
    ngx_fraud_redis_call_sent(node, call);
    ngx_fraud_redis_count(redis, NGX_FRAUD_REDIS_N_CALLS, 1);

    return NGX_OK;
}


static ngx_int_t
ngx_fraud_redis_call_asking(ngx_fraud_redis_node_t *node, fraud_buf_t *buf)
{
    fraud_str_t              argv[1];
    ngx_fraud_redis_call_t  *call;

    call = ngx_fraud_redis_call_alloc(node->redis);
    if (call == NULL) {
        return NGX_ERROR;
    }

    argv[0].data = (const uint8_t *) "ASKING";
    argv[0].len = sizeof("ASKING") - 1;

    fraud_resp_format(buf, argv, 1);

    ngx_fraud_redis_call_sent(node, call);

    return NGX_OK;
}


static void
ngx_fraud_redis_call_sent(ngx_fraud_redis_node_t *node,
    ngx_fraud_redis_call_t *call)
{
    call->node = node;
    call->sent = ngx_current_msec;
    call->seq = ++node->conn.seq;

    ngx_queue_insert_tail(&node->conn.calls, &call->queue);
}


/* may close the connection, or, from a command's handler, drop the node */

void
ngx_fraud_redis_call_reply(ngx_fraud_redis_node_t *node,
    const fraud_reply_t *reply)
{
    void                      *data;
    ngx_queue_t               *q;
    ngx_fraud_redis_t         *redis;
    ngx_fraud_redis_call_t    *call;
    ngx_fraud_redis_reply_pt   handler;
    u_char                     why[NGX_FRAUD_REDIS_QUOTE + 1];

    redis = node->redis;

    if (ngx_queue_empty(&node->conn.calls)) {
        ngx_fraud_redis_conn_fail(node, "reply that nothing asked for");
        return;
    }

    q = ngx_queue_head(&node->conn.calls);
    ngx_queue_remove(q);

    call = ngx_queue_data(q, ngx_fraud_redis_call_t, queue);

    if (call->n) {

        if (reply->type == FRAUD_REPLY_ERROR) {
            ngx_fraud_redis_call_error(node, call, &reply->str);
            return;
        }

        if (!ngx_fraud_redis_call_answers(reply, call->n)) {
            ngx_fraud_redis_call_end(redis, call);
            ngx_fraud_redis_conn_fail(node, "wrong answer of the script");
            return;
        }

        ngx_fraud_redis_call_answered(call, &reply->str);

        if (!call->late) {
            ngx_fraud_redis_node_answered(node);
        }

        ngx_fraud_redis_call_free(redis, call);
        return;
    }

    if (call->load && reply->type == FRAUD_REPLY_ERROR) {
        ngx_fraud_redis_call_quote(why, sizeof(why), &reply->str);
        ngx_fraud_redis_node_missed(node, (char *) why, 1);
    }

    data = call->data;
    handler = call->handler;

    if (handler) {
        ngx_queue_remove(&call->wait);
    }

    ngx_fraud_redis_call_free(redis, call);

    if (handler) {
        handler(node, data, reply);
    }
}


/* 1 if it is the script's answer for n keys */

ngx_uint_t
ngx_fraud_redis_call_answers(const fraud_reply_t *reply, ngx_uint_t n)
{
    size_t          len;
    const uint8_t  *p, *last;

    if (reply->type != FRAUD_REPLY_STRING) {
        return 0;
    }

    p = reply->str.data;
    last = p + reply->str.len;

    while (n--) {

        if (last - p < 2) {
            return 0;
        }

        len = p[0] | (p[1] << 8);
        p += 2;

        if ((size_t) (last - p) < len) {
            return 0;
        }

        p += len;
    }

    return (p == last);
}


static void
ngx_fraud_redis_call_answered(ngx_fraud_redis_call_t *call,
    const fraud_str_t *text)
{
    ngx_queue_t           *q;
    const uint8_t         *p;
    ngx_fraud_redis_op_t  *op;

    p = text->data;

    while (!ngx_queue_empty(&call->ops)) {
        q = ngx_queue_head(&call->ops);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_fraud_redis_op_t, queue);

        op->answer.len = p[0] | (p[1] << 8);
        op->answer.data = p + 2;

        p += 2 + op->answer.len;

        ngx_fraud_redis_op_finish(op, NGX_FRAUD_REDIS_ANSWERED);
    }
}


static void
ngx_fraud_redis_call_error(ngx_fraud_redis_node_t *node,
    ngx_fraud_redis_call_t *call, const fraud_str_t *text)
{
    ngx_queue_t              *q;
    ngx_fraud_redis_t        *redis;
    ngx_fraud_redis_op_t     *op;
    ngx_fraud_redis_rc_e      rc;
    ngx_fraud_redis_error_e   error;
    u_char                    why[NGX_FRAUD_REDIS_QUOTE + 1];

    redis = node->redis;

    ngx_fraud_redis_call_quote(why, sizeof(why), text);

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, redis->cycle->log, 0,
                   "fraud redis error of %V: \"%s\"", &node->name, why);

    error = ngx_fraud_redis_call_class(text);

    if (error == NGX_FRAUD_REDIS_E_SCRIPT) {
        ngx_fraud_redis_call_again(node, call);

        if (ngx_queue_empty(&call->ops)) {
            ngx_fraud_redis_call_free(redis, call);
            return;
        }
    }

    rc = (error == NGX_FRAUD_REDIS_E_OTHER) ? NGX_FRAUD_REDIS_UNKNOWN
                                            : NGX_FRAUD_REDIS_REFUSED;

    while (!ngx_queue_empty(&call->ops)) {
        q = ngx_queue_head(&call->ops);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_fraud_redis_op_t, queue);

        if (op->done
            && rc == NGX_FRAUD_REDIS_REFUSED
            && error != NGX_FRAUD_REDIS_E_SCRIPT
            && redis->topology->error
            && redis->topology->error(op, text) == NGX_OK)
        {
            continue;
        }

        ngx_fraud_redis_op_finish(op, rc);
    }

    ngx_fraud_redis_call_free(redis, call);

    if (error == NGX_FRAUD_REDIS_E_REDIRECT && redis->conf->cluster) {
        return;
    }

    ngx_fraud_redis_count(redis, NGX_FRAUD_REDIS_N_ERRORS, 1);

    if (error == NGX_FRAUD_REDIS_E_REPLICA) {
        node->role = 1;
    }

    if (error == NGX_FRAUD_REDIS_E_REPLICA
        || error == NGX_FRAUD_REDIS_E_AWAY)
    {
        ngx_fraud_redis_conn_fail(node, (char *) why);
        return;
    }

    ngx_fraud_redis_node_missed(node, (char *) why, 1);
}


/* leaves those ops that came back for the second time */

static void
ngx_fraud_redis_call_again(ngx_fraud_redis_node_t *node,
    ngx_fraud_redis_call_t *call)
{
    ngx_queue_t             *q, *prev;
    ngx_fraud_redis_op_t    *op;
    ngx_fraud_redis_conn_t  *conn;

    conn = &node->conn;

    for (q = ngx_queue_last(&call->ops);
         q != ngx_queue_sentinel(&call->ops);
         q = prev)
    {
        prev = ngx_queue_prev(q);
        op = ngx_queue_data(q, ngx_fraud_redis_op_t, queue);

        if (op->reloaded) {
            continue;
        }

        ngx_queue_remove(q);

        if (op->done == NULL) {
            ngx_fraud_redis_op_free(op);
            continue;
        }

        op->call = NULL;
        op->where = NGX_FRAUD_REDIS_PENDING;
        op->reloaded = 1;

        ngx_queue_insert_head(&node->pending, q);
        ngx_fraud_redis_post(node->redis);

        if (call->seq > conn->loaded) {
            conn->load = 1;
        }
    }
}


ngx_fraud_redis_error_e
ngx_fraud_redis_call_class(const fraud_str_t *text)
{
    u_char                  *p;
    fraud_str_t              code;
    ngx_fraud_redis_code_t  *c;

    code = *text;

    /* before 7.0 an error of a command was within one of the script's */

    if (code.len > 26
        && ngx_strncmp(code.data, "ERR Error running script (", 26) == 0)
    {
        p = ngx_strlcasestrn((u_char *) code.data,
                             (u_char *) code.data + code.len,
                             (u_char *) ": -", 3 - 1);
        if (p) {
            p += 3;
            code.len -= p - code.data;
            code.data = p;
        }
    }

    for (c = ngx_fraud_redis_codes; c->code.len; c++) {

        if (code.len > c->code.len
            && ngx_strncmp(code.data, c->code.data, c->code.len) == 0)
        {
            break;
        }
    }

    return c->error;
}


/* what can be printed of a server's words, cut to fit with its NUL */

void
ngx_fraud_redis_call_quote(u_char *dst, size_t size, const fraud_str_t *text)
{
    size_t  i, n;

    n = ngx_min(size - 1, text->len);

    for (i = 0; i < n; i++) {
        dst[i] = (text->data[i] >= 0x20 && text->data[i] < 0x7f)
                 ? text->data[i] : '?';
    }

    dst[n] = '\0';
}
