
/*
 * Copyright (C) nginx-fraud-module authors
 */


#ifndef _NGX_HTTP_FRAUD_H_INCLUDED_
#define _NGX_HTTP_FRAUD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "fraud_event.h"
#include "fraud_geo.h"
#include "fraud_ip.h"
#include "fraud_pid.h"
#include "fraud_record.h"
#include "fraud_score.h"
#include "fraud_table.h"


#define NGX_HTTP_FRAUD_VERSION       "0.1.0"

#define NGX_HTTP_FRAUD_OFF           0
#define NGX_HTTP_FRAUD_OBSERVE       1
#define NGX_HTTP_FRAUD_ENFORCE       2

#define NGX_HTTP_FRAUD_MAX_DELAYED   1000
#define NGX_HTTP_FRAUD_MAX_SIGNALS   512
#define NGX_HTTP_FRAUD_MAX_OPS       256
#define NGX_HTTP_FRAUD_MAX_DOMAINS   64

/* ops of one entry of the table: the shortest slot takes 20 bytes of 112 */
#define NGX_HTTP_FRAUD_ENTRY_OPS     5

/* evaluated in one request */
#define NGX_HTTP_FRAUD_MAX_REASONS   128


#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif


typedef struct ngx_http_fraud_main_conf_s  ngx_http_fraud_main_conf_t;
typedef struct ngx_http_fraud_watch_s      ngx_http_fraud_watch_t;


typedef struct {
    ngx_http_complex_value_t     cv;
    ngx_int_t                    index;    /* VALUE is one variable, or -1 */
    unsigned                     client:1; /* VALUE is the client's address */
} ngx_http_fraud_value_t;


/* where a name was declared; a second time is an error in one file only */

typedef struct {
    ngx_str_t                    file;
    ngx_uint_t                   line;
} ngx_http_fraud_place_t;


/*
 * all identities of one name: their subjects share secrets and records,
 * in whatever scope they are declared
 */

typedef struct {
    ngx_str_t                    name;
    ngx_str_t                    log_name;  /* its domain in logs */
    ngx_uint_t                   key;       /* of the store, in the zone */
    ngx_uint_t                   log_key;
    uint32_t                     ttl;       /* seconds */
} ngx_http_fraud_domain_t;


typedef enum {
    NGX_HTTP_FRAUD_ADDRESS = 0,
    NGX_HTTP_FRAUD_SESSION,
    NGX_HTTP_FRAUD_DEVICE,
    NGX_HTTP_FRAUD_ACCOUNT
} ngx_http_fraud_kind_e;


typedef struct {
    ngx_str_t                    name;
    ngx_http_fraud_domain_t     *domain;
    ngx_http_fraud_value_t      *value;
    ngx_http_fraud_kind_e        kind;
    ngx_uint_t                   ipv4;
    ngx_uint_t                   ipv6;
    ngx_http_fraud_place_t       place;
} ngx_http_fraud_identity_t;


typedef enum {
    NGX_HTTP_FRAUD_LIST = 0,
    NGX_HTTP_FRAUD_STRINGS,
    NGX_HTTP_FRAUD_MATCH,
    NGX_HTTP_FRAUD_GEO
} ngx_http_fraud_source_e;


/* a file or an inline pattern, and what was made of it */

typedef struct {
    ngx_http_fraud_source_e      type;
    ngx_str_t                    text;      /* path or pattern, with a NUL */
    void                        *object;    /* owned, swapped by the watch */
    struct stat                  stat;      /* of the file, before reading */
    unsigned                     file:1;
    unsigned                     nocase:1;
} ngx_http_fraud_source_t;


typedef enum {
    NGX_HTTP_FRAUD_SIGNAL_RATE = 0,
    NGX_HTTP_FRAUD_SIGNAL_REPUTATION,
    NGX_HTTP_FRAUD_SIGNAL_LIST,
    NGX_HTTP_FRAUD_SIGNAL_MATCH,
    NGX_HTTP_FRAUD_SIGNAL_IF,
    NGX_HTTP_FRAUD_SIGNAL_OFF
} ngx_http_fraud_signal_e;


typedef struct {
    ngx_str_t                    name;
    ngx_http_fraud_signal_e      type;
    ngx_uint_t                   points;
    ngx_http_fraud_value_t      *value;     /* what list and match look at */
    ngx_http_fraud_value_t      *condition; /* if= */
    ngx_http_fraud_source_t     *source;

    ngx_str_t                    identity;
    ngx_http_fraud_value_t      *cost;
    fraud_op_t                   op;
    ngx_uint_t                   part;      /* of the record, and where in */
    ngx_uint_t                   offset;    /* it; set by the zone */
    ngx_uint_t                   weight;    /* of a reputation, 1/1000 */

    ngx_uint_t                   counter;   /* in the zone */
    ngx_http_fraud_place_t       place;
    unsigned                     shadow:1;
    unsigned                     response:1;
    unsigned                     trust:1;
    unsigned                     replaces:1; /* "off" for one of its block */
} ngx_http_fraud_signal_t;


/* an op of a location and the place of its signal among all signals there */

typedef struct {
    ngx_http_fraud_signal_t     *signal;
    ngx_uint_t                   index;
} ngx_http_fraud_call_t;


/* all that a location asks about one identity; calls in order of part */

typedef struct {
    ngx_http_fraud_identity_t   *identity;
    ngx_http_fraud_call_t       *calls;
    ngx_uint_t                   ncalls;
    ngx_http_fraud_signal_t     *reputation;
    unsigned                     response:1; /* there are calls on=response */
} ngx_http_fraud_subject_t;


typedef struct {
    ngx_open_file_t             *file;
    ngx_uint_t                   min_score;
    time_t                       disk_full_time;
    time_t                       error_log_time;
} ngx_http_fraud_log_t;


typedef struct {
    ngx_uint_t                   mode;

    ngx_array_t                  own_identities; /* declared in this block */
    ngx_array_t                  own_signals;
    ngx_array_t                  own_actions;

    ngx_http_fraud_identity_t  **identities;     /* in force, inherited too */
    ngx_uint_t                   nidentities;
    ngx_http_fraud_signal_t    **signals;        /* trust first */
    ngx_uint_t                   nsignals;
    fraud_threshold_t           *actions;
    ngx_uint_t                   nactions;
    ngx_http_fraud_subject_t    *subjects;
    ngx_uint_t                   nsubjects;
    ngx_http_fraud_log_t        *log;            /* NULL: off */

    unsigned                     resolved:1;
    unsigned                     response:1;     /* has signals on=response */
    unsigned                     learns:1;       /* has reputations */
} ngx_http_fraud_loc_conf_t;


typedef enum {
    NGX_HTTP_FRAUD_N_REQUESTS = 0,
    NGX_HTTP_FRAUD_N_LATE,          /* evaluated in the log phase only */
    NGX_HTTP_FRAUD_N_TRUSTED,
    NGX_HTTP_FRAUD_N_ALLOW,         /* five, in the order of fraud_action_t */
    NGX_HTTP_FRAUD_N_DELAY,
    NGX_HTTP_FRAUD_N_LIMIT,
    NGX_HTTP_FRAUD_N_DENY,
    NGX_HTTP_FRAUD_N_DROP,
    NGX_HTTP_FRAUD_N_OBSERVED,      /* of these, in mode observe */
    NGX_HTTP_FRAUD_N_OVERDELAYED,   /* limited: too many delayed already */
    NGX_HTTP_FRAUD_N_CREATED,
    NGX_HTTP_FRAUD_N_EVICTED,
    NGX_HTTP_FRAUD_N_EXPIRED,
    NGX_HTTP_FRAUD_N_BUSY,          /* a record could not be had in time */
    NGX_HTTP_FRAUD_N_MATCH_LIMITED,
    NGX_HTTP_FRAUD_N_GEO_ERRORS,
    NGX_HTTP_FRAUD_N_LOG_LOST,
    NGX_HTTP_FRAUD_N_LOADED,
    NGX_HTTP_FRAUD_N_LOAD_ERRORS,
    NGX_HTTP_FRAUD_N_COUNTERS
} ngx_http_fraud_counter_e;


typedef struct ngx_http_fraud_zone_sh_s  ngx_http_fraud_zone_sh_t;


/* a worker's copy of a domain's secrets, good until the epoch ends */

typedef struct {
    fraud_pid_key_t              current;
    fraud_pid_key_t              previous;
    unsigned                     has_previous:1;
} ngx_http_fraud_keys_t;


typedef struct {
    ngx_shm_zone_t              *shm_zone;
    ngx_slab_pool_t             *shpool;
    ngx_http_fraud_zone_sh_t    *sh;
    fraud_table_t                table;
    ngx_atomic_t                *counters;       /* this worker's */
    ngx_uint_t                   swept;          /* sets, modulo their number */
    ngx_http_fraud_keys_t        keys[NGX_HTTP_FRAUD_MAX_DOMAINS];
    uint64_t                     epoch;          /* that keys are copies of */
    uint64_t                     epoch_end;      /* in us; 0: no copies yet */
} ngx_http_fraud_zone_t;


struct ngx_http_fraud_main_conf_s {
    ngx_str_t                    zone_name;
    size_t                       zone_size;
    ngx_http_fraud_zone_t        zone;
    ngx_uint_t                   epoch;          /* seconds */

    ngx_array_t                  domains;        /* pointers, as the rest */
    ngx_array_t                  signals;        /* of all scopes */
    ngx_array_t                  sources;
    ngx_array_t                  geo;
    ngx_array_t                  locations;      /* merged loc_confs */

    ngx_int_t                    request_id_index;
    ngx_int_t                    realip_index;
    ngx_http_fraud_watch_t      *watch;
    ngx_uint_t                   delayed;        /* requests of this worker */

    unsigned                     enabled:1;      /* not off somewhere */
    unsigned                     forwarded:1;    /* realip seen, or warned */
};


typedef struct {
    ngx_http_request_t          *request;
    ngx_http_fraud_loc_conf_t   *flcf;      /* that it was decided under */
    ngx_http_fraud_main_conf_t  *fmcf;
    const fraud_threshold_t     *threshold; /* NULL: allow */
    uint64_t                     now_us;
    ngx_uint_t                   score;
    fraud_action_t               action;
    uint32_t                     retry;     /* seconds; 0: no rate fired */
    fraud_geo_record_t           geo;
    unsigned                     decided:1;
    unsigned                     trusted:1;
    unsigned                     delayed:1; /* counted in fmcf->delayed */
    unsigned                     located:1; /* geo was looked up */
    unsigned                     logged:1;
    unsigned                     refused:1; /* the response is our own */
    uint32_t                    *retries;   /* by signal, seconds */
    u_char                       fired[1];  /* by signal: points + 1, or 0 */
} ngx_http_fraud_ctx_t;


/* _conf.c */

void *ngx_http_fraud_create_main_conf(ngx_conf_t *cf);
char *ngx_http_fraud_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_fraud_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_fraud_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);

/* _directives.c */

char *ngx_http_fraud_zone_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_fraud_keys_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_fraud_identity_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_fraud_action_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_fraud_geo_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_uint_t ngx_http_fraud_arg(ngx_str_t *arg, const char *name,
    ngx_str_t *value);
ngx_int_t ngx_http_fraud_declare(ngx_conf_t *cf,
    ngx_http_fraud_place_t *before, ngx_str_t *name);
ngx_int_t ngx_http_fraud_add_identity(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *flcf, ngx_http_fraud_identity_t *identity);
ngx_http_fraud_value_t *ngx_http_fraud_compile(ngx_conf_t *cf,
    ngx_str_t *value);
ngx_http_fraud_source_t *ngx_http_fraud_add_source(ngx_conf_t *cf,
    ngx_http_fraud_source_e type, ngx_str_t *text, ngx_uint_t file,
    ngx_uint_t nocase);

/* _signals.c: their declarations */

char *ngx_http_fraud_rate_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_fraud_match_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_fraud_list_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_fraud_signal_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_fraud_reputation_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* _zone.c */

ngx_int_t ngx_http_fraud_zone_add(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_zone_attach(ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_zone_sweep(ngx_http_fraud_main_conf_t *fmcf,
    uint64_t now_us);
void ngx_http_fraud_zone_epoch(ngx_http_fraud_main_conf_t *fmcf,
    uint64_t now_us);
u_char *ngx_http_fraud_zone_hold(ngx_http_fraud_main_conf_t *fmcf,
    fraud_table_ref_t *ref, ngx_http_fraud_domain_t *domain, ngx_str_t *subject,
    const fraud_pid_t *pid, ngx_uint_t part, uint64_t now_us,
    ngx_uint_t create);
uint64_t ngx_http_fraud_zone_counter(ngx_http_fraud_main_conf_t *fmcf,
    ngx_uint_t n);
void ngx_http_fraud_zone_fired(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_signal_t *signal);
uint64_t ngx_http_fraud_zone_signal(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_signal_t *signal);
ngx_uint_t ngx_http_fraud_zone_once(ngx_http_fraud_main_conf_t *fmcf);

#define ngx_http_fraud_count(fmcf, n)                                         \
    (void) ngx_atomic_fetch_add(&(fmcf)->zone.counters[n], 1)

/* _identity.c */

ngx_int_t ngx_http_fraud_value(ngx_http_request_t *r,
    ngx_http_fraud_value_t *value, ngx_str_t *text);
ngx_uint_t ngx_http_fraud_true(ngx_http_request_t *r,
    ngx_http_fraud_value_t *value);
ngx_int_t ngx_http_fraud_client(ngx_http_request_t *r, fraud_ip_t *ip);
ngx_int_t ngx_http_fraud_address(ngx_http_request_t *r,
    ngx_http_fraud_value_t *value, fraud_ip_t *ip);
ngx_int_t ngx_http_fraud_subject(ngx_http_request_t *r,
    ngx_http_fraud_identity_t *identity, fraud_ip_t *ip, ngx_str_t *subject);
void ngx_http_fraud_pid(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, fraud_pid_t *pid);
ngx_int_t ngx_http_fraud_log_pid(ngx_http_request_t *r,
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_identity_t *identity,
    u_char *text);

/* _handler.c */

ngx_int_t ngx_http_fraud_preaccess_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_fraud_log_handler(ngx_http_request_t *r);
ngx_http_fraud_ctx_t *ngx_http_fraud_get_ctx(ngx_http_request_t *r);
ngx_uint_t ngx_http_fraud_reasons(ngx_http_fraud_ctx_t *ctx,
    fraud_reason_t *reasons, ngx_uint_t shadow);

/* _signal.c: one signal of one request */

ngx_uint_t ngx_http_fraud_signal_fires(ngx_http_request_t *r,
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_signal_t *signal);
void ngx_http_fraud_subject_request(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject);
void ngx_http_fraud_subject_response(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, ngx_uint_t earned);
ngx_int_t ngx_http_fraud_locate(ngx_http_request_t *r,
    ngx_http_fraud_main_conf_t *fmcf, fraud_geo_record_t *record);

/* _action.c */

ngx_int_t ngx_http_fraud_act(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx);

/* _log.c */

char *ngx_http_fraud_log_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
void ngx_http_fraud_log_write(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx);

/* _variables.c */

ngx_int_t ngx_http_fraud_add_variables(ngx_conf_t *cf);
ngx_int_t ngx_http_fraud_add_pid_variable(ngx_conf_t *cf, ngx_str_t *name);

/* _status.c */

char *ngx_http_fraud_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* _reload.c */

ngx_int_t ngx_http_fraud_source_load(ngx_conf_t *cf,
    ngx_http_fraud_source_t *source);
ngx_int_t ngx_http_fraud_sources_check(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);
ngx_int_t ngx_http_fraud_watch_start(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_watch_stop(ngx_http_fraud_main_conf_t *fmcf);

/* _request.c: what differs between versions of nginx */

ngx_uint_t ngx_http_fraud_forwarded(ngx_http_request_t *r);
ngx_int_t ngx_http_fraud_add_header(ngx_http_request_t *r, const char *name,
    u_char *value, size_t len);


#if defined(__GNUC__)
#pragma GCC visibility pop
#endif


extern ngx_module_t  ngx_http_fraud_module;


#endif /* _NGX_HTTP_FRAUD_H_INCLUDED_ */
