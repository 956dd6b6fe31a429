
/*
 * Copyright (C) nginx-fraud-module authors
 */


#ifndef _NGX_FRAUD_REDIS_INT_H_INCLUDED_
#define _NGX_FRAUD_REDIS_INT_H_INCLUDED_


#include "ngx_fraud_redis.h"

#include "fraud_backoff.h"
#include "fraud_breaker.h"
#include "fraud_resp.h"


/*
 * What the files of the client share.  A client has nodes, a node has one
 * connection and the ops that wait to be sent there, a connection has the
 * calls (commands) that were sent and not yet answered, a call has its ops.
 * Which node an op goes to is the topology's.
 *
 * Nodes are places in an array of the client: a pointer to one stays valid,
 * but the place may be given to another address after it was dropped.
 */

#define NGX_FRAUD_REDIS_ROOM       480    /* bytes of an argument in its op */
#define NGX_FRAUD_REDIS_BUFFER     65536
#define NGX_FRAUD_REDIS_WHY        256
#define NGX_FRAUD_REDIS_PROBE_WORDS  5
#define NGX_FRAUD_REDIS_QUOTE      100    /* printable bytes of an error */
#define NGX_FRAUD_REDIS_ADDRS      8      /* of one resolved name */
#define NGX_FRAUD_REDIS_HOST       256
#define NGX_FRAUD_REDIS_REDIRECTS  2
#define NGX_FRAUD_REDIS_SOUND      1000   /* ms, after which it is not shaky */


#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif


typedef struct ngx_fraud_redis_node_s  ngx_fraud_redis_node_t;
typedef struct ngx_fraud_redis_conn_s  ngx_fraud_redis_conn_t;
typedef struct ngx_fraud_redis_call_s  ngx_fraud_redis_call_t;
typedef struct ngx_fraud_redis_chunk_s  ngx_fraud_redis_chunk_t;


typedef enum {
    NGX_FRAUD_REDIS_DATA = 0,    /* AUTH, SELECT; serves ops */
    NGX_FRAUD_REDIS_MASTER,      /* the same, and ROLE has to be master */
    NGX_FRAUD_REDIS_SEED,        /* AUTH; only commands, is never "lost" */
    NGX_FRAUD_REDIS_SENTINEL     /* the same, and no AUTH */
} ngx_fraud_redis_kind_e;


typedef enum {
    NGX_FRAUD_REDIS_PENDING = 0, /* in its node's queue, nothing sent */
    NGX_FRAUD_REDIS_SENT,        /* in a call, its bytes may have left */
    NGX_FRAUD_REDIS_FINISHED     /* in the client's queue to be told */
} ngx_fraud_redis_where_e;


struct ngx_fraud_redis_op_s {
    ngx_queue_t                queue;
    ngx_queue_t                wait;       /* by deadline, if done is set */
    ngx_fraud_redis_t         *redis;
    ngx_fraud_redis_node_t    *node;
    ngx_fraud_redis_call_t    *call;       /* if sent */
    ngx_fraud_redis_done_pt    done;       /* NULL: nobody waits any more */
    void                      *data;
    ngx_msec_t                 deadline;
    fraud_str_t                answer;
    ngx_fraud_redis_rc_e       rc;
    ngx_fraud_redis_where_e    where;
    unsigned                   redirects:2;
    unsigned                   asking:1;   /* ASKING goes before it */
    unsigned                   reloaded:1; /* came back by NOSCRIPT */
    size_t                     len;
    u_char                    *argument;   /* room, or allocated */
    u_char                     key[NGX_FRAUD_REDIS_KEY];
    u_char                     room[NGX_FRAUD_REDIS_ROOM];
};


/*
 * Called exactly once, never from within ngx_fraud_redis_command(); reply is
 * NULL if there was none in time, else lives for the call only (it may be an
 * error).  node is the one that was asked, even if it was dropped meanwhile.
 */

typedef void (*ngx_fraud_redis_reply_pt)(ngx_fraud_redis_node_t *node,
    void *data, const fraud_reply_t *reply);


struct ngx_fraud_redis_call_s {
    ngx_queue_t                queue;
    ngx_queue_t                wait;       /* by deadline, if handler is set */
    ngx_queue_t                ops;
    ngx_fraud_redis_node_t    *node;
    ngx_fraud_redis_reply_pt   handler;    /* NULL: the reply is dropped */
    void                      *data;
    ngx_msec_t                 deadline;
    ngx_msec_t                 sent;
    ngx_uint_t                 seq;        /* counted by the connection */
    ngx_uint_t                 n;          /* ops, also those detached */
    fraud_str_t                bytes;      /* of a command not yet sent */
    unsigned                   late:1;     /* missed its deadline */
    unsigned                   load:1;     /* SCRIPT LOAD */
};


typedef enum {
    NGX_FRAUD_REDIS_E_NONE = 0,        /* nothing was executed */
    NGX_FRAUD_REDIS_E_SCRIPT,          /* NOSCRIPT */
    NGX_FRAUD_REDIS_E_REDIRECT,        /* no fault of the node's */
    NGX_FRAUD_REDIS_E_AWAY,            /* nor will anything be for a while */
    NGX_FRAUD_REDIS_E_REPLICA,         /* the same, and it is a replica */
    NGX_FRAUD_REDIS_E_OTHER            /* something may have been executed */
} ngx_fraud_redis_error_e;


typedef enum {
    NGX_FRAUD_REDIS_IDLE = 0,    /* closed: by backoff, or until needed */
    NGX_FRAUD_REDIS_RESOLVING,
    NGX_FRAUD_REDIS_CONNECTING,  /* TLS too */
    NGX_FRAUD_REDIS_GREETING,
    NGX_FRAUD_REDIS_READY
} ngx_fraud_redis_phase_e;


struct ngx_fraud_redis_conn_s {
    ngx_fraud_redis_phase_e    phase;
    ngx_connection_t          *c;
    fraud_resp_t              *resp;
    ngx_resolver_ctx_t        *resolving;
    ngx_queue_t                calls;      /* sent, in order */
    ngx_uint_t                 seq;        /* of the last call */
    ngx_uint_t                 loaded;     /* seq of the last SCRIPT LOAD */
    ngx_uint_t                 step;       /* of the greeting */
    u_char                    *rest;       /* not taken by the socket yet */
    u_char                    *pos;
    u_char                    *last;
    unsigned                   load:1;     /* SCRIPT LOAD goes next */
};


struct ngx_fraud_redis_node_s {
    ngx_fraud_redis_t         *redis;
    ngx_fraud_redis_server_t  *server;     /* whose TLS name it has */
    ngx_addr_t                *addrs;

    /* event ident must be after 3 pointers as in ngx_connection_t */
    ngx_int_t                  ident;

    ngx_fraud_redis_conn_t     conn;
    ngx_fraud_redis_kind_e     kind;

    ngx_str_t                  host;       /* as announced, or the server's */
    ngx_str_t                  name;       /* host:port or the path, for logs */
    in_port_t                  port;       /* 0: a unix socket */
    ngx_uint_t                 naddrs;
    ngx_uint_t                 at;         /* the address in use */
    ngx_uint_t                 tried;      /* addresses, in this round */

    ngx_queue_t                pending;    /* ops */
    ngx_queue_t                commands;   /* calls with bytes */
    ngx_uint_t                 nops;       /* pending and sent */

    fraud_breaker_t            breaker;
    uint32_t                   probe;      /* number of the one under way */
    ngx_uint_t                 attempts;   /* failures since an answer */
    ngx_msec_t                 since;      /* well since */
    ngx_event_t                timer;      /* next attempt, next probe */

    unsigned                   used:1;     /* the place is taken */
    unsigned                   lost:1;     /* refuses ops */
    unsigned                   dropped:1;  /* closed when its ops are done */
    unsigned                   named:1;    /* host is no address */
    unsigned                   role:1;     /* was a replica: ask for ROLE */
    unsigned                   stale:1;    /* resolve the name before use */
    unsigned                   refused:1;  /* the breaker opened by errors */
    unsigned                   several:1;  /* tries all servers in turn */
    unsigned                   mark:1;     /* the topology's */

    ngx_addr_t                 own[NGX_FRAUD_REDIS_ADDRS];
    ngx_sockaddr_t             sockaddrs[NGX_FRAUD_REDIS_ADDRS];
    u_char                     names[NGX_FRAUD_REDIS_ADDRS]
                                    [NGX_SOCKADDR_STRLEN];
    u_char                     text[NGX_FRAUD_REDIS_HOST];
};


/*
 * A topology: hooks that the core calls, none of them from within a function
 * of this header that the topology called.  They may call all of these
 * functions, but not ngx_fraud_redis_close().
 */

typedef struct {

    /* at creation, in the worker: find the first nodes, start timers */
    ngx_int_t                (*start)(ngx_fraud_redis_t *redis);

    /* the node of a key; NULL: none known.  Called once an op: be quick */
    ngx_fraud_redis_node_t  *(*route)(ngx_fraud_redis_t *redis,
                                      const u_char *key);

    /* its connection has been greeted and its breaker is closed */
    void                     (*ready)(ngx_fraud_redis_node_t *node);

    /*
     * the connection failed (again) or the breaker opened; it will be tried
     * again by itself unless it is dropped; why lives for the call
     */
    void                     (*lost)(ngx_fraud_redis_node_t *node,
                                     const char *why);

    /*
     * an op was answered by an error that is the topology's (any but NOSCRIPT
     * and errors of the script), text has the whole line; NGX_OK: resubmitted,
     * NGX_DECLINED: let it fail
     */
    ngx_int_t                (*error)(ngx_fraud_redis_op_t *op,
                                      const fraud_str_t *text);

    /* timers end; nodes are closed by the core */
    void                     (*close)(ngx_fraud_redis_t *redis);
} ngx_fraud_redis_topology_t;


struct ngx_fraud_redis_s {
    ngx_fraud_redis_conf_t    *conf;
    ngx_atomic_t              *counters;
    void                      *data;

    /* event ident must be after 3 pointers as in ngx_connection_t */
    ngx_int_t                  ident;

    ngx_fraud_redis_state_pt   state;
    const ngx_fraud_redis_topology_t  *topology;
    void                      *map;        /* the topology's own */

    ngx_fraud_redis_node_t    *nodes;      /* NGX_FRAUD_REDIS_NODES places */
    ngx_uint_t                 nnodes;     /* places that were ever used */
    ngx_uint_t                 lost;       /* nodes, and adrift */
    unsigned                   adrift:1;   /* the topology knows no way */
    unsigned                   closed:1;

    ngx_event_t                turn;       /* posted: tell, send, drop */
    ngx_event_t                expiry;     /* of the oldest op */
    ngx_event_t                overdue;    /* of the oldest command */
    ngx_queue_t                ops;        /* by deadline */
    ngx_queue_t                asked;      /* commands by deadline */
    ngx_queue_t                finished;   /* ops to be told */
    ngx_queue_t                unheard;    /* commands to be told: no reply */

    ngx_queue_t                free_ops;
    ngx_queue_t                free_calls;
    ngx_fraud_redis_chunk_t   *chunks;     /* memory of both */

    ngx_uint_t                 batch;      /* subjects of one call */
    ngx_msec_t                 stall;
    u_char                    *in;         /* NGX_FRAUD_REDIS_BUFFER */
    u_char                    *out;
    size_t                     size;       /* of out */
    u_char                     sha[40];

    ngx_cycle_t               *cycle;
    ngx_pool_t                *pool;       /* the cycle's */
    ngx_log_t                  log;        /* of connections: keeps the why */
    u_char                     why[NGX_FRAUD_REDIS_WHY];
};


extern const ngx_fraud_redis_topology_t  ngx_fraud_redis_cluster;
extern const ngx_fraud_redis_topology_t  ngx_fraud_redis_sentinel;


/* for topologies */

/*
 * ngx_fraud_redis_node: finds the node of host (an address without brackets,
 * or a name) and port and of this kind, or makes one and connects it; one that
 * was dropped is taken back.  server says what is needed for TLS.  NULL: all
 * places taken, or the host is too long.
 */

ngx_fraud_redis_node_t *ngx_fraud_redis_node(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_server_t *server, const fraud_str_t *host, in_port_t port,
    ngx_fraud_redis_kind_e kind);

/* the same for a server of the configuration with its addresses from there */

ngx_fraud_redis_node_t *ngx_fraud_redis_server_node(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_server_t *server, ngx_fraud_redis_kind_e kind);

/* gets no new ops and is closed when it has none; not counted as lost now */

void ngx_fraud_redis_node_drop(ngx_fraud_redis_node_t *node);

/*
 * ngx_fraud_redis_command: a command of argc words (copied) in front of
 * pending ops, with a reply within connect_timeout or none.  While the
 * connection is being made it waits for it.  NGX_DECLINED: no connection now,
 * NGX_ERROR: no memory or too long; the handler is called in neither case.
 */

ngx_int_t ngx_fraud_redis_command(ngx_fraud_redis_node_t *node,
    ngx_uint_t argc, const fraud_str_t *argv, ngx_fraud_redis_reply_pt handler,
    void *data);

/*
 * ngx_fraud_redis_resubmit: from within the error hook only: sends op to node,
 * after ASKING if asking; counts the redirect.  NGX_DECLINED: the node is lost
 * or full, or it was redirected NGX_FRAUD_REDIS_REDIRECTS times.
 */

ngx_int_t ngx_fraud_redis_resubmit(ngx_fraud_redis_op_t *op,
    ngx_fraud_redis_node_t *node, ngx_uint_t asking);

/*
 * ngx_fraud_redis_node_refuse: this node must not be used as it is (a replica
 * now, ...): its connection fails with why, without the lost hook.
 */

void ngx_fraud_redis_node_refuse(ngx_fraud_redis_node_t *node,
    const char *why);

/*
 * ngx_fraud_redis_adrift: the topology knows no way (why is one line for the
 * log, e.g. an unknown master's name), or knows it again (NULL); reported once
 * per change.
 */

void ngx_fraud_redis_adrift(ngx_fraud_redis_t *redis, const char *why);


/* between the files of the core */

/* .c */

void ngx_fraud_redis_count(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_counter_e counter, ngx_uint_t n);
void ngx_fraud_redis_post(ngx_fraud_redis_t *redis);
void ngx_fraud_redis_report(ngx_fraud_redis_t *redis, ngx_int_t change,
    ngx_str_t *name, const char *why);

/* _op.c */

ngx_fraud_redis_op_t *ngx_fraud_redis_op_alloc(ngx_fraud_redis_t *redis);
void ngx_fraud_redis_op_finish(ngx_fraud_redis_op_t *op,
    ngx_fraud_redis_rc_e rc);
void ngx_fraud_redis_op_free(ngx_fraud_redis_op_t *op);
void ngx_fraud_redis_op_clear(ngx_fraud_redis_t *redis);
ngx_fraud_redis_call_t *ngx_fraud_redis_call_alloc(ngx_fraud_redis_t *redis);
void ngx_fraud_redis_call_free(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_call_t *call);
void ngx_fraud_redis_call_end(ngx_fraud_redis_t *redis,
    ngx_fraud_redis_call_t *call);
ngx_int_t ngx_fraud_redis_ask(ngx_fraud_redis_node_t *node, ngx_uint_t argc,
    const fraud_str_t *argv, ngx_msec_t timeout,
    ngx_fraud_redis_reply_pt handler, void *data);
void ngx_fraud_redis_tell(ngx_fraud_redis_t *redis);
void ngx_fraud_redis_expire(ngx_event_t *ev);
void ngx_fraud_redis_overdue(ngx_event_t *ev);

/* _node.c */

void ngx_fraud_redis_node_ready(ngx_fraud_redis_node_t *node);
void ngx_fraud_redis_node_failed(ngx_fraud_redis_node_t *node,
    const char *why, ngx_uint_t ready, ngx_uint_t quiet);
void ngx_fraud_redis_node_answered(ngx_fraud_redis_node_t *node);
void ngx_fraud_redis_node_missed(ngx_fraud_redis_node_t *node,
    const char *why, ngx_uint_t refused);
ngx_uint_t ngx_fraud_redis_node_question(ngx_fraud_redis_node_t *node,
    fraud_str_t *argv);
void ngx_fraud_redis_node_release(ngx_fraud_redis_node_t *node);
void ngx_fraud_redis_node_resolved(ngx_fraud_redis_node_t *node,
    ngx_resolver_ctx_t *ctx);

/* _call.c */

size_t ngx_fraud_redis_call_write(ngx_fraud_redis_node_t *node);
ngx_uint_t ngx_fraud_redis_call_answers(const fraud_reply_t *reply,
    ngx_uint_t n);
ngx_fraud_redis_error_e ngx_fraud_redis_call_class(const fraud_str_t *text);
void ngx_fraud_redis_call_quote(u_char *dst, size_t size,
    const fraud_str_t *text);
void ngx_fraud_redis_call_reply(ngx_fraud_redis_node_t *node,
    const fraud_reply_t *reply);

/* _conn.c */

void ngx_fraud_redis_conn_connect(ngx_fraud_redis_node_t *node);
ngx_int_t ngx_fraud_redis_conn_send(ngx_fraud_redis_node_t *node,
    u_char *data, size_t len);
void ngx_fraud_redis_conn_flush(ngx_fraud_redis_node_t *node);
void ngx_fraud_redis_conn_fail(ngx_fraud_redis_node_t *node, const char *why);
void ngx_fraud_redis_conn_close(ngx_fraud_redis_node_t *node);
ngx_uint_t ngx_fraud_redis_conn_quiet(ngx_fraud_redis_node_t *node);

/* _greet.c */

void ngx_fraud_redis_greet(ngx_fraud_redis_node_t *node);
void ngx_fraud_redis_greet_reply(ngx_fraud_redis_node_t *node,
    const fraud_reply_t *reply);

/* _ssl.c */

#if (NGX_SSL)
ngx_int_t ngx_fraud_redis_ssl_start(ngx_fraud_redis_node_t *node,
    ngx_connection_handler_pt handler);
ngx_int_t ngx_fraud_redis_ssl_verify(ngx_fraud_redis_node_t *node);
void ngx_fraud_redis_ssl_close(ngx_connection_t *c);
#endif


#if defined(__GNUC__)
#pragma GCC visibility pop
#endif


#endif /* _NGX_FRAUD_REDIS_INT_H_INCLUDED_ */
