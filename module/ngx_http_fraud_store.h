
/*
 * Copyright (C) nginx-fraud-module authors
 */


#ifndef _NGX_HTTP_FRAUD_STORE_H_INCLUDED_
#define _NGX_HTTP_FRAUD_STORE_H_INCLUDED_


#include "ngx_http_fraud.h"
#include "fraud_share.h"
#include "fraud_store.h"
#include "fraud_travel.h"


/*
 * What is asked about subjects, and of whom: of the zone at once, or of Redis
 * while the request waits.
 */


#define NGX_HTTP_FRAUD_DUE      8192  /* parts of records a worker has due */
#define NGX_HTTP_FRAUD_FLIGHTS  8192  /* parts of records under way */


#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif


typedef struct {
    ngx_http_fraud_call_t       *call;
    const fraud_op_t            *op;
    fraud_op_t                   wide;      /* op, if it was widened */
    fraud_op_call_t              ask;
    fraud_op_call_t              local;     /* the zone's answer */
    fraud_swap_t                 before;
    u_char                       place[FRAUD_TRAVEL_LEN];
} ngx_http_fraud_asked_t;


/* whom all this is about; text is empty for an account known by its session */

typedef struct {
    ngx_http_fraud_ctx_t        *ctx;
    ngx_http_fraud_subject_t    *subject;
    ngx_str_t                    text;
    fraud_ip_t                   ip;        /* text may point here */
    fraud_pid_t                  pid;
    ngx_uint_t                   response;
    ngx_uint_t                   earned;
    ngx_uint_t                   charged;   /* ops by the response */
    ngx_uint_t                   fired;     /* signals that did */
    ngx_int_t                    known;     /* NGX_AGAIN: not asked for yet */
    unsigned                     quiet:1;   /* the others know, or may */
    unsigned                     held:1;    /* a part of its record was */
} ngx_http_fraud_run_t;


/* a subject that a request waits for */

typedef struct {
    ngx_http_fraud_wait_t       *wait;
    ngx_http_fraud_run_t         run;
    ngx_http_fraud_asked_t      *asked;
    ngx_uint_t                   nasked;
    ngx_fraud_redis_op_t        *op;        /* NULL: not under way */
    ngx_queue_t                  flights;   /* of the previous epoch */
    unsigned                     cached:1;  /* the zone answers */
    unsigned                     bound:1;   /* to whom is the session bound? */
    unsigned                     rebound:1; /* to another than was known */
} ngx_http_fraud_waiter_t;


/* of a request, which cancels ops and flights when it goes */

struct ngx_http_fraud_wait_s {
    ngx_http_fraud_wait_t       *next;      /* free */
    ngx_http_fraud_ctx_t        *ctx;
    ngx_http_fraud_waiter_t     *waiters;
    ngx_uint_t                   nwaiters;
    ngx_uint_t                   pending;   /* of them */
    ngx_http_fraud_asked_t      *asked;     /* room that is left */
    uint64_t                     asked_us;
    ngx_msec_t                   deadline;
    ngx_event_t                  late;      /* of what is asked afterwards */
    unsigned                     expired:1;
    unsigned                     suspended:1;
    unsigned                     large:1;
};


typedef enum {
    NGX_HTTP_FRAUD_ON_FAILURE_LOCAL = 0,
    NGX_HTTP_FRAUD_ON_FAILURE_OPEN,
    NGX_HTTP_FRAUD_ON_FAILURE_CLOSED
} ngx_http_fraud_on_failure_e;


/* a part of a record that the other hosts are to be told of */

typedef struct {
    fraud_pid_t                  pid;
    fraud_pid_t                  previous;
    ngx_http_fraud_domain_t     *domain;
    uint16_t                     part;
    uint8_t                      echo;      /* times to ask again */
    unsigned                     has_previous:1;
    unsigned                     again:1;   /* to look for it failed */
} ngx_http_fraud_due_t;


typedef struct ngx_http_fraud_flight_s  ngx_http_fraud_flight_t;


struct ngx_http_fraud_redis_s {
    ngx_fraud_redis_conf_t       conf;
    ngx_uint_t                   on_failure;
    ngx_flag_t                   relaxed;
    ngx_flag_t                   cache;
    ngx_msec_t                   interval;
    ngx_flag_t                   budgeted;
    ngx_http_fraud_domain_t      newcomers;     /* of the zone alone */
    ngx_http_fraud_op_t          budget;

    ngx_str_t                    password_file;
    ngx_str_t                    ssl_name;
    ngx_str_t                    ssl_ca;
    ngx_str_t                    ssl_certificate;
    ngx_str_t                    ssl_certificate_key;
    ngx_flag_t                   ssl_verify;
    ngx_flag_t                   cluster;

    /* of a worker */

    ngx_fraud_redis_t           *client;        /* NULL: none (any more) */
    ngx_uint_t                   lost;          /* nodes */
    ngx_event_t                  exchange;
    ngx_event_t                  scanner;
    ngx_http_fraud_due_t        *due;
    ngx_uint_t                   ndue;
    uint16_t                    *places;        /* of due, by pseudonym */
    ngx_http_fraud_wait_t       *waits;         /* free ones, as are these */
    ngx_http_fraud_flight_t     *flights;
    ngx_uint_t                   nflights;      /* made */
    ngx_uint_t                   touched;
    uint32_t                     scan;          /* set to go on from */
    uint32_t                     scan_end;
    unsigned                     rescan:1;      /* when this one is done */
};


/* _redis_conf.c: directives */

ngx_int_t ngx_http_fraud_redis_finish(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);

/* _redis.c: the client of a worker */

ngx_int_t ngx_http_fraud_redis_start(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_redis_stop(ngx_http_fraud_main_conf_t *fmcf);
ngx_uint_t ngx_http_fraud_redis_lost(ngx_http_fraud_redis_t *redis);

/* _budget.c: newcomers */

ngx_int_t ngx_http_fraud_budget_init(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_budget(ngx_http_fraud_hold_t *hold);

/* _subject.c */

ngx_uint_t ngx_http_fraud_subject_ask(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked, ngx_uint_t *next, ngx_uint_t max);
void ngx_http_fraud_subject_begin(ngx_http_fraud_run_t *run,
    ngx_http_fraud_ctx_t *ctx, ngx_http_fraud_subject_t *subject);
ngx_int_t ngx_http_fraud_subject_who(ngx_http_fraud_run_t *run);
void ngx_http_fraud_subject_part(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked, ngx_uint_t n);
void ngx_http_fraud_subject_conclude(ngx_http_fraud_run_t *run,
    ngx_http_fraud_asked_t *asked, ngx_uint_t n);
ngx_uint_t ngx_http_fraud_subject_points(ngx_http_fraud_signal_t *signal,
    uint64_t value);
void ngx_http_fraud_subject_end(ngx_http_fraud_run_t *run);
void ngx_http_fraud_subject_clear(ngx_http_fraud_run_t *run);

/* _store.c: subjects of a request that Redis is asked about */

ngx_int_t ngx_http_fraud_store_request(ngx_http_fraud_ctx_t *ctx);
ngx_uint_t ngx_http_fraud_wait_part(ngx_http_fraud_waiter_t *waiter,
    ngx_uint_t i, ngx_http_fraud_hold_t *hold);
void ngx_http_fraud_wait_failed(ngx_http_fraud_waiter_t *waiter,
    ngx_fraud_redis_rc_e rc);
void ngx_http_fraud_wait_conclude(ngx_http_fraud_waiter_t *waiter);
void ngx_http_fraud_wait_done(ngx_http_fraud_waiter_t *waiter);
void ngx_http_fraud_wait_hurry(ngx_http_fraud_wait_t *wait);
void ngx_http_fraud_store_cancel(ngx_http_fraud_ctx_t *ctx);
ngx_uint_t ngx_http_fraud_store_forget(ngx_http_fraud_main_conf_t *fmcf,
    const fraud_pid_t *pid);

/* _answer.c */

void ngx_http_fraud_wait_answered(void *data, const fraud_str_t *answer,
    ngx_fraud_redis_rc_e rc);
void ngx_http_fraud_store_landed(ngx_http_fraud_waiter_t *waiter);

/* _exchange.c: what was counted in the zone, told to the other hosts */

ngx_int_t ngx_http_fraud_exchange_start(ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_exchange_stop(ngx_http_fraud_main_conf_t *fmcf);
ngx_int_t ngx_http_fraud_exchange_send(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_due_t *due, fraud_table_ref_t *ref, uint64_t now_us);
void ngx_http_fraud_exchange_due(ngx_http_fraud_hold_t *hold);
void ngx_http_fraud_exchange_previous(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_due_t *due, ngx_http_fraud_waiter_t *waiter);
void ngx_http_fraud_exchange_cancel(ngx_http_fraud_waiter_t *waiter);

/* _scan.c: what could not be told */

void ngx_http_fraud_scan(ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_scan_handler(ngx_event_t *ev);


#if defined(__GNUC__)
#pragma GCC visibility pop
#endif


#endif /* _NGX_HTTP_FRAUD_STORE_H_INCLUDED_ */
