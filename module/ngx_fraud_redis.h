
/*
 * Copyright (C) nginx-fraud-module authors
 */


#ifndef _NGX_FRAUD_REDIS_H_INCLUDED_
#define _NGX_FRAUD_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#if (NGX_SSL)
#include <ngx_event_openssl.h>
#endif

#include "fraud_types.h"


/*
 * One script and many subjects: a client of a worker sends what is asked of
 * subjects (a key and an argument each, see fraud_store.h) to the node that
 * holds the key, all of an event loop's turn in one write and, where one node
 * holds all keys, in one EVALSHA.  It knows nothing of requests.
 */

#define NGX_FRAUD_REDIS_KEY        32     /* bytes of a key, exactly */
#define NGX_FRAUD_REDIS_PROBE      "fraud:probe000000000000000000000"
#define NGX_FRAUD_REDIS_ARGUMENT   8192   /* bytes of an argument, at most */
#define NGX_FRAUD_REDIS_BATCH      64     /* subjects in one EVALSHA */
#define NGX_FRAUD_REDIS_QUEUE      8192   /* waiting ops of one node */
#define NGX_FRAUD_REDIS_REPLY      (1024 * 1024)
#define NGX_FRAUD_REDIS_NODES      64


#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif


typedef struct ngx_fraud_redis_s     ngx_fraud_redis_t;
typedef struct ngx_fraud_redis_op_s  ngx_fraud_redis_op_t;


typedef enum {
    NGX_FRAUD_REDIS_ANSWERED = 0,
    NGX_FRAUD_REDIS_REFUSED,     /* nothing was done */
    NGX_FRAUD_REDIS_UNKNOWN      /* it may have been done, or will be */
} ngx_fraud_redis_rc_e;


/*
 * Called once for each op that was submitted and not cancelled, never from
 * within submit; answer lives for the call only.
 */

typedef void (*ngx_fraud_redis_done_pt)(void *data, const fraud_str_t *answer,
    ngx_fraud_redis_rc_e rc);


/* one of fraud_redis' URLs */

typedef struct {
    ngx_url_t                  url;      /* naddrs 0: not resolved at start */
    ngx_str_t                  text;     /* as configured, without password */
    ngx_str_t                  host;     /* for TLS and the resolver */
    unsigned                   tls:1;
} ngx_fraud_redis_server_t;


/* what the counters of a worker count */

typedef enum {
    NGX_FRAUD_REDIS_N_SUBJECTS = 0,  /* submitted */
    NGX_FRAUD_REDIS_N_CALLS,         /* EVALSHAs */
    NGX_FRAUD_REDIS_N_WRITES,
    NGX_FRAUD_REDIS_N_CONNECTS,
    NGX_FRAUD_REDIS_N_TIMEOUTS,      /* detached past the deadline */
    NGX_FRAUD_REDIS_N_ERRORS,        /* answered by an error */
    NGX_FRAUD_REDIS_N_REFUSED,       /* not even sent */
    NGX_FRAUD_REDIS_N_REDIRECTS,     /* MOVED and ASK */
    NGX_FRAUD_REDIS_N_COUNTERS
} ngx_fraud_redis_counter_e;


typedef struct {
    ngx_array_t                servers;          /* ngx_fraud_redis_server_t */
    ngx_msec_t                 timeout;
    ngx_msec_t                 connect_timeout;
    ngx_str_t                  user;             /* empty: default */
    ngx_str_t                  password;         /* empty: no AUTH */
    ngx_uint_t                 database;
    ngx_str_t                  master;           /* servers are sentinels */
    ngx_str_t                  script;           /* fraud_store.lua */
    ngx_str_t                  probe;            /* an argument for it */
    unsigned                   cluster:1;

#if (NGX_SSL)
    ngx_ssl_t                 *ssl;              /* NULL: no server uses TLS */
    ngx_str_t                  ssl_name;         /* empty: the server's */
    unsigned                   ssl_verify:1;
#endif

    ngx_resolver_t            *resolver;         /* NULL: names at start only */
    ngx_msec_t                 resolver_timeout;
} ngx_fraud_redis_conf_t;


/*
 * A node was lost or is back; why is one line for the log, without secrets.
 * lost counts the nodes that are unavailable now: 0 means all is well again.
 */

typedef void (*ngx_fraud_redis_state_pt)(void *data, ngx_uint_t lost,
    const char *why);


#if (NGX_SSL)

/*
 * ngx_fraud_redis_ssl_create: conf->ssl for servers with TLS, from files; any
 * may be empty, without ca the system's are trusted.  conf->ssl_verify has to
 * be set before.  What is wrong is logged.
 */

ngx_int_t ngx_fraud_redis_ssl_create(ngx_conf_t *cf,
    ngx_fraud_redis_conf_t *conf, ngx_str_t *ca, ngx_str_t *certificate,
    ngx_str_t *key);

#endif


/*
 * ngx_fraud_redis_create: a client in the pool of the cycle; connects by
 * itself and as long as it lives.  counters[NGX_FRAUD_REDIS_N_COUNTERS] are
 * the owner's.  NULL: no memory.
 */

ngx_fraud_redis_t *ngx_fraud_redis_create(ngx_cycle_t *cycle,
    ngx_fraud_redis_conf_t *conf, ngx_atomic_t *counters,
    ngx_fraud_redis_state_pt state, void *data);


/*
 * ngx_fraud_redis_submit: asks the script about the subject of key (which has
 * NGX_FRAUD_REDIS_KEY bytes; both are copied).  NULL: refused at once (node
 * not available, queue full, no memory) and done is not called.
 */

ngx_fraud_redis_op_t *ngx_fraud_redis_submit(ngx_fraud_redis_t *redis,
    const u_char *key, const u_char *argument, size_t len,
    ngx_fraud_redis_done_pt done, void *data);


/* before done was called only: the owner does not wait, done is not called */

void ngx_fraud_redis_cancel(ngx_fraud_redis_op_t *op);


/* 1 if there is a node that takes subjects now */

ngx_uint_t ngx_fraud_redis_alive(ngx_fraud_redis_t *redis);


/* 1 if a subject of this key would be sent now */

ngx_uint_t ngx_fraud_redis_available(ngx_fraud_redis_t *redis,
    const u_char *key);


/*
 * ngx_fraud_redis_close: closes all; done is called for what still waits, with
 * UNKNOWN or REFUSED.  To be called when the worker exits, too.
 */

void ngx_fraud_redis_close(ngx_fraud_redis_t *redis);


#if defined(__GNUC__)
#pragma GCC visibility pop
#endif


#endif /* _NGX_FRAUD_REDIS_H_INCLUDED_ */
