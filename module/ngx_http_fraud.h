
/*
 * Copyright (C) nginx-fraud-module authors
 */


#ifndef _NGX_HTTP_FRAUD_H_INCLUDED_
#define _NGX_HTTP_FRAUD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "fraud_alias.h"
#include "fraud_event.h"
#include "fraud_geo.h"
#include "fraud_ip.h"
#include "fraud_pid.h"
#include "fraud_policy.h"
#include "fraud_record.h"
#include "fraud_redact.h"
#include "fraud_rule.h"
#include "fraud_score.h"
#include "fraud_table.h"

#include "ngx_fraud_redis.h"


#define NGX_HTTP_FRAUD_VERSION       "0.1.0"

#define NGX_HTTP_FRAUD_OFF           0
#define NGX_HTTP_FRAUD_OBSERVE       1
#define NGX_HTTP_FRAUD_ENFORCE       2

#define NGX_HTTP_FRAUD_MAX_DELAYED   1000
#define NGX_HTTP_FRAUD_MAX_SIGNALS   512
#define NGX_HTTP_FRAUD_MAX_OPS       256
#define NGX_HTTP_FRAUD_MAX_DOMAINS   128
#define NGX_HTTP_FRAUD_MAX_SETS      32

/* ops of one entry of the table: the shortest slot takes 20 bytes of 112 */
#define NGX_HTTP_FRAUD_ENTRY_OPS     5

/* of a domain: "log.", a name of 32, "@" and another */
#define NGX_HTTP_FRAUD_DOMAIN_LEN    80

/* of addresses that are no longer of somebody */
#define NGX_HTTP_FRAUD_PREFIX4       24
#define NGX_HTTP_FRAUD_PREFIX6       48

/* what a client that asks not to be tracked is kept out of */
#define NGX_HTTP_FRAUD_OBJECTS_NOT   0
#define NGX_HTTP_FRAUD_OBJECTS       1       /* sessions and devices */
#define NGX_HTTP_FRAUD_OBJECTS_ALL   2       /* all but prefixes */

/* purposes of scores that follow somebody, and of any defence */
#define NGX_HTTP_FRAUD_SCORES   (FRAUD_SETTING_BIT(FRAUD_PURPOSE_ABUSE)       \
                                 | FRAUD_SETTING_BIT(FRAUD_PURPOSE_SECURITY)  \
                                 | FRAUD_SETTING_BIT(FRAUD_PURPOSE_FRAUD))
#define NGX_HTTP_FRAUD_DEFENCE  (NGX_HTTP_FRAUD_SCORES                        \
                                 | FRAUD_SETTING_BIT(FRAUD_PURPOSE_ATTACK))

/* evaluated in one request */
#define NGX_HTTP_FRAUD_MAX_REASONS   128


#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif


typedef struct ngx_http_fraud_main_conf_s  ngx_http_fraud_main_conf_t;
typedef struct ngx_http_fraud_ring_s       ngx_http_fraud_ring_t;
typedef struct ngx_http_fraud_segments_s   ngx_http_fraud_segments_t;
typedef struct ngx_http_fraud_watch_s      ngx_http_fraud_watch_t;
typedef struct ngx_http_fraud_redis_s      ngx_http_fraud_redis_t;
typedef struct ngx_http_fraud_flag_s       ngx_http_fraud_flag_t;
typedef struct ngx_http_fraud_spool_s      ngx_http_fraud_spool_t;
typedef struct ngx_http_fraud_wait_s       ngx_http_fraud_wait_t;


/* an op and the place of its slot in the records of an identity */

typedef struct {
    fraud_op_t                   op;
    ngx_str_t                    identity;  /* hashed; empty: unused */
    ngx_uint_t                   part;      /* set by the zone */
    ngx_uint_t                   offset;
    ngx_uint_t                   max;       /* of a distinct */
    unsigned                     registered:1;
} ngx_http_fraud_op_t;


typedef struct {
    ngx_http_complex_value_t     cv;
    ngx_int_t                    index;    /* VALUE is one variable, or -1 */
    unsigned                     client:1; /* VALUE is the client's address */
} ngx_http_fraud_value_t;


/* where a name was declared; a second time is an error in one file only */

typedef struct ngx_http_fraud_place_s  ngx_http_fraud_place_t;

struct ngx_http_fraud_place_s {
    ngx_str_t                    file;
    ngx_uint_t                   line;
    ngx_http_fraud_place_t      *before;    /* that it replaced */
};


/* a policy file, however often it is named */

typedef struct {
    ngx_str_t                    file;
    ngx_str_t                    name;
    ngx_str_t                    version;   /* NAME.VERSION */
    ngx_str_t                    digest;    /* its beginning, hex */
    ngx_str_t                    purpose;   /* of what is written here */
    fraud_policy_t               policy;    /* comments are in cf->pool */
    fraud_alias_t               *alias;     /* while it is configured */
} ngx_http_fraud_policy_t;


/*
 * all identities of one name under one policy: their subjects share secrets
 * and records, in whatever scope they are declared
 */

typedef struct ngx_http_fraud_domain_s  ngx_http_fraud_domain_t;

struct ngx_http_fraud_domain_s {
    ngx_str_t                    name;      /* IDENTITY[@POLICY] */
    ngx_str_t                    identity;
    ngx_http_fraud_policy_t     *policy;    /* NULL: none */
    ngx_str_t                    log_name;  /* its domain in logs */
    ngx_uint_t                   key;       /* of the store, in the zone */
    ngx_uint_t                   log_key;
    uint32_t                     ttl;       /* seconds */
    uint32_t                     keep;      /* no ttl is longer; 0: no bound */
    ngx_uint_t                   epoch;     /* seconds */
    unsigned                     address:1; /* of addresses */
    ngx_http_fraud_op_t        **ops;       /* of its records, by part */
    ngx_uint_t                   nops;
    ngx_http_fraud_op_t          first;     /* when a subject was first seen */
    ngx_http_fraud_op_t          took_part; /* of an address with a login */
    ngx_http_fraud_domain_t     *pair;      /* of those two; has took_part */
};


typedef enum {
    NGX_HTTP_FRAUD_ADDRESS = 0,
    NGX_HTTP_FRAUD_SESSION,
    NGX_HTTP_FRAUD_DEVICE,
    NGX_HTTP_FRAUD_ACCOUNT
} ngx_http_fraud_kind_e;


typedef struct ngx_http_fraud_identity_s  ngx_http_fraud_identity_t;

struct ngx_http_fraud_identity_s {
    ngx_str_t                    name;
    ngx_http_fraud_domain_t     *domain;
    ngx_http_fraud_policy_t     *home;       /* of the block that has it */
    ngx_http_fraud_identity_t   *origin;     /* as it was declared there */
    ngx_http_fraud_value_t      *value;
    ngx_http_fraud_kind_e        kind;
    ngx_uint_t                   ipv4;
    ngx_uint_t                   ipv6;
    ngx_http_fraud_place_t       place;
    unsigned                     verified:1;
    unsigned                     claimed:1;  /* an account, not verified */
    unsigned                     issued:1;   /* VALUE is our own cookie */
};


typedef enum {
    NGX_HTTP_FRAUD_LIST = 0,
    NGX_HTTP_FRAUD_STRINGS,
    NGX_HTTP_FRAUD_MATCH,
    NGX_HTTP_FRAUD_GEO
} ngx_http_fraud_source_e;


/* a file that is another, or was written to, has another stamp */

typedef struct {
    dev_t                        dev;
    ino_t                        ino;
    off_t                        size;
    struct timespec              mtime;
    struct timespec              ctime;
} ngx_http_fraud_stamp_t;


/* a file, or the text of a pattern */

typedef struct {
    ngx_str_t                    text;      /* with a NUL */
    ngx_str_t                    directive; /* that named it first */
    struct stat                  stat;      /* of the file, before reading */
    unsigned                     file:1;
    unsigned                     nocase:1;
} ngx_http_fraud_part_t;


/*
 * What was made of files: one list, one database, or all patterns that look
 * at one value, each part a member of the set
 */

typedef struct {
    ngx_http_fraud_source_e      type;
    ngx_array_t                  parts;
    ngx_str_t                    value;     /* of patterns, as declared */
    ngx_uint_t                   index;     /* among the sets of patterns */
    void                        *object;    /* owned, swapped by the watch */
} ngx_http_fraud_source_t;


typedef struct ngx_http_fraud_signal_s  ngx_http_fraud_signal_t;

struct ngx_http_fraud_signal_s {
    ngx_str_t                    name;
    ngx_str_t                    reason;    /* as it is told */
    ngx_str_t                    identity;
    ngx_http_fraud_policy_t     *policy;    /* that it counts under */
    ngx_http_fraud_signal_t     *origin;    /* as it was declared */
    fraud_rule_type_t            type;
    ngx_uint_t                   points;
    ngx_http_fraud_value_t      *value;     /* what list and match look at */
    ngx_http_fraud_value_t      *condition; /* if= */
    ngx_http_fraud_value_t      *cost;
    ngx_http_fraud_source_t     *source;
    ngx_uint_t                   member;    /* of a set of patterns */
    ngx_http_fraud_op_t          op;

    ngx_uint_t                   max;       /* of a distinct */
    ngx_uint_t                   speed;     /* of a travel */
    ngx_uint_t                   distance;
    ngx_uint_t                   weight;    /* of a reputation, 1/1000 */
    ngx_str_t                    per;       /* identity whose good ones widen */
    ngx_uint_t                   factor;    /* a rate up to so often */
    ngx_http_fraud_op_t          good;      /* where they are counted */

    ngx_uint_t                   counter;   /* in the zone */
    ngx_http_fraud_place_t       place;
    unsigned                     shadow:1;
    unsigned                     response:1;
    unsigned                     trust:1;
    unsigned                     off:1;     /* removes the one of its name */
    unsigned                     replaces:1; /* one of its own block */
};


/* an op of a location and the place of its signal among all signals there */

typedef struct {
    ngx_http_fraud_signal_t     *signal;
    ngx_uint_t                   index;
    ngx_http_fraud_identity_t   *per;       /* NULL: not widened */
} ngx_http_fraud_call_t;


/* all that a location asks about one identity; calls in order of part */

typedef struct {
    ngx_http_fraud_identity_t   *identity;
    ngx_http_fraud_call_t       *calls;
    ngx_uint_t                   ncalls;
    ngx_http_fraud_signal_t     *reputation;
    ngx_http_fraud_identity_t   *session;    /* that a verified one binds to */
    ngx_http_fraud_op_t         *bound;      /* its slot in that session */
    unsigned                     response:1; /* there are calls on=response */
} ngx_http_fraud_subject_t;


/* fraud_control */

typedef struct {
    ngx_str_t                    secret;     /* empty: nothing is signed */
    ngx_str_t                    tombstones; /* a directory; empty: none */
    unsigned                     remote:1;   /* not from this machine only */
} ngx_http_fraud_control_t;


/* somebody under an identity, as the operator names him */

typedef struct {
    ngx_http_fraud_domain_t     *domain;
    ngx_str_t                    text;       /* canonical bytes */
} ngx_http_fraud_about_t;


/* fraud_session */

typedef struct {
    ngx_str_t                    name;
    ngx_str_t                    attributes; /* what follows the value */
    ngx_int_t                    index;      /* of $cookie_NAME */
    ngx_http_fraud_place_t       place;
    unsigned                     persistent:1;
} ngx_http_fraud_session_t;


typedef struct {
    ngx_open_file_t             *file;
    ngx_http_fraud_place_t       place;
    ngx_uint_t                   min_score;
    time_t                       disk_full_time;
    time_t                       error_log_time;
    ngx_http_fraud_segments_t   *segments;       /* NULL: one file */
    size_t                       buffer;         /* of segments */
} ngx_http_fraud_log_t;


/* what is refused: a directive, its name or parameter, and by which setting */

typedef struct {
    const char                  *directive;
    ngx_str_t                   *name;
    const char                  *with;     /* NULL, or how it is too much */
    ngx_str_t                    what;
    fraud_setting_id_t           id;
    u_char                       time[24]; /* that what may point to */
} ngx_http_fraud_refusal_t;


/* a file of the log and the policy of all that is in it */

typedef struct {
    ngx_open_file_t             *file;
    ngx_http_fraud_policy_t     *policy;
} ngx_http_fraud_logged_t;


typedef struct {
    ngx_uint_t                   mode;

    ngx_array_t                  own_identities; /* declared in this block */
    ngx_array_t                  own_signals;
    ngx_array_t                  own_actions;
    ngx_array_t                  own_flags;

    ngx_http_fraud_identity_t  **identities;     /* in force, inherited too */
    ngx_uint_t                   nidentities;
    ngx_http_fraud_signal_t    **signals;        /* trust first */
    ngx_uint_t                   nsignals;
    fraud_threshold_t           *actions;
    ngx_uint_t                   nactions;
    ngx_http_fraud_subject_t    *subjects;
    ngx_uint_t                   nsubjects;
    ngx_http_fraud_flag_t      **flags;
    ngx_uint_t                   nflags;
    ngx_http_fraud_log_t        *log;            /* NULL: off */
    ngx_http_fraud_session_t    *cookie;         /* NULL: none is issued */
    ngx_http_fraud_policy_t     *policy;         /* NULL: none */
    ngx_http_fraud_place_t       mode_place;
    ngx_http_fraud_control_t    *control;        /* NULL: not here */
    void                        *escrow;         /* key; NULL: none */

    unsigned                     resolved:1;
    unsigned                     response:1;     /* has signals on=response */
    unsigned                     remarks:1;      /* such without identity */
    unsigned                     learns:1;       /* has reputations */
    unsigned                     vouches:1;      /* has verified identities */
    unsigned                     mingles:1;      /* other policies, same port */
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
    NGX_HTTP_FRAUD_N_KEYLESS,       /* not scored by subject */
    NGX_HTTP_FRAUD_N_LOCAL,         /* requests without Redis */
    NGX_HTTP_FRAUD_N_DEGRADED,
    NGX_HTTP_FRAUD_N_CACHED,        /* subjects that Redis was not asked of */
    NGX_HTTP_FRAUD_N_EXCHANGED,     /* parts of records told to the others */
    NGX_HTTP_FRAUD_N_MERGED,        /* of these, after a gap */
    NGX_HTTP_FRAUD_N_BUDGETED,      /* newcomers counted on their parent */
    NGX_HTTP_FRAUD_N_LOST,          /* changes of state */
    NGX_HTTP_FRAUD_N_FLAGS_RAISED,
    NGX_HTTP_FRAUD_N_FLAGS_SUPPRESSED, /* raised in this window before */
    NGX_HTTP_FRAUD_N_FLAGS_WRITTEN,
    NGX_HTTP_FRAUD_N_FLAGS_LOST,
    NGX_HTTP_FRAUD_N_FLAGS_WAITING, /* in this worker, not a sum of all */
    NGX_HTTP_FRAUD_N_REDIS,         /* the client's own */
    NGX_HTTP_FRAUD_N_COUNTERS = NGX_HTTP_FRAUD_N_REDIS
                                + NGX_FRAUD_REDIS_N_COUNTERS
} ngx_http_fraud_counter_e;


typedef struct ngx_http_fraud_zone_sh_s  ngx_http_fraud_zone_sh_t;


/* a worker's copy of a domain's secrets, good until the epoch ends */

typedef struct {
    fraud_pid_key_t              current;
    fraud_pid_key_t              previous;
    unsigned                     has_previous:1;
} ngx_http_fraud_keys_t;


/* all that a worker has of them, in memory for secrets */

typedef struct {
    ngx_http_fraud_keys_t        keys[NGX_HTTP_FRAUD_MAX_DOMAINS];
    fraud_pid_key_t              hash_key;       /* of counted values */
} ngx_http_fraud_secrets_t;


typedef struct {
    ngx_shm_zone_t              *shm_zone;
    ngx_slab_pool_t             *shpool;
    ngx_http_fraud_zone_sh_t    *sh;
    fraud_table_t                table;
    ngx_atomic_t                *counters;       /* this worker's */
    ngx_uint_t                   swept;          /* sets, modulo their number */
    ngx_http_fraud_secrets_t    *secrets;
    ngx_http_fraud_keys_t       *keys;           /* of secrets */
    uint64_t                     epoch_end;      /* of the first; 0: none yet */
    unsigned                     keyless:1;      /* the keys are noise */
} ngx_http_fraud_zone_t;


struct ngx_http_fraud_main_conf_s {
    ngx_str_t                    zone_name;
    size_t                       zone_size;
    ngx_http_fraud_zone_t        zone;
    ngx_uint_t                   epoch;          /* seconds */
    ngx_str_t                    keys_dir;       /* empty: memory */
    ngx_http_fraud_redis_t      *redis;          /* NULL: the zone alone */
    ngx_http_fraud_ring_t       *ring;           /* of keys_dir */

    ngx_array_t                  domains;        /* pointers, as the rest */
    ngx_array_t                  signals;        /* of all scopes */
    ngx_array_t                  ops;            /* with slots in records */
    ngx_array_t                  sources;
    ngx_array_t                  geo;
    ngx_array_t                  locations;      /* merged loc_confs */
    ngx_array_t                  policies;
    ngx_str_t                    served;         /* servers under policies */
    ngx_array_t                  logs;           /* ngx_http_fraud_logged_t */
    ngx_array_t                  errlogs;        /* of all scopes, ngx_log_t */
    fraud_redact_known_t         known;          /* that they may tell */

    ngx_cycle_t                 *cycle;
    ngx_int_t                    request_id_index;
    ngx_int_t                    realip_index;
    ngx_http_fraud_watch_t      *watch;
    ngx_http_fraud_segments_t   *segments;       /* of logs */
    ngx_http_fraud_source_t     *objections;     /* NULL: nobody's */
    ngx_http_fraud_spool_t      *spool;          /* NULL: none */
    ngx_uint_t                   sets;           /* of patterns */
    ngx_uint_t                   nsignals;       /* in force in one block */
    ngx_uint_t                   delayed;        /* requests of this worker */

    unsigned                     enabled:1;      /* not off somewhere */
    unsigned                     toothless:1;    /* enforced without actions */
    unsigned                     forwarded:1;    /* realip seen, or warned */
    unsigned                     unruled:1;      /* enabled without a policy */
    unsigned                     unsealed:1;     /* a log without its seals */
};


typedef enum {
    NGX_HTTP_FRAUD_STATE_OK = 0,
    NGX_HTTP_FRAUD_STATE_LOCAL,     /* the zone stood in for Redis */
    NGX_HTTP_FRAUD_STATE_DEGRADED   /* decided without knowing */
} ngx_http_fraud_state_e;


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
    ngx_http_fraud_state_e       state;
    ngx_http_fraud_wait_t       *wait;      /* for Redis; NULL: never did */
    unsigned                     decided:1;
    unsigned                     trusted:1;
    unsigned                     late:1;    /* in the log phase only */
    unsigned                     delayed:1; /* counted in fmcf->delayed */
    unsigned                     located:1; /* geo was looked up */
    unsigned                     logged:1;
    unsigned                     refused:1; /* the response is our own */
    unsigned                     asked:1;   /* whether the client objects */
    unsigned                     objects:2;
    unsigned                     nfired:1;  /* not none */
    uint32_t                     searched;  /* sets of patterns, bits */
    uint64_t                    *hits;      /* by set, bits of members */
    uint32_t                    *retries;   /* by signal, seconds */
    u_char                       fired[1];  /* by signal: points + 1, or 0 */
} ngx_http_fraud_ctx_t;


/* a part of the record of a subject, to be let go of at once */

typedef struct {
    ngx_http_fraud_main_conf_t  *fmcf;
    ngx_http_fraud_domain_t     *domain;
    ngx_str_t                    text;      /* empty: only its pid is known */
    fraud_ip_t                   ip;        /* text may point here */
    fraud_pid_t                  pid;       /* may become its parent's */
    fraud_pid_t                  parent;
    ngx_http_request_t          *request;   /* that brings it, or NULL */
    ngx_uint_t                   part;
    uint64_t                     now_us;
    fraud_table_ref_t            ref;
    u_char                      *record;    /* NULL: not held */
    unsigned                     create:1;
    unsigned                     quiet:1;   /* the others are told already */
    unsigned                     known:1;   /* another part was held before */
    unsigned                     created:1;
    unsigned                     due:1;     /* the others are to be told */
    unsigned                     near:1;    /* as a limit is near */
} ngx_http_fraud_hold_t;


/* _conf.c */

void *ngx_http_fraud_create_main_conf(ngx_conf_t *cf);
char *ngx_http_fraud_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_fraud_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_fraud_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
ngx_int_t ngx_http_fraud_add_op(ngx_conf_t *cf,
    ngx_http_fraud_domain_t *domain, ngx_http_fraud_op_t *op);
ngx_uint_t ngx_http_fraud_same(ngx_str_t *one, ngx_str_t *two);

/* _directives.c */

char *ngx_http_fraud_mode_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
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
ngx_int_t ngx_http_fraud_add_domain(ngx_conf_t *cf,
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_identity_t *identity);
ngx_http_fraud_value_t *ngx_http_fraud_compile(ngx_conf_t *cf,
    ngx_str_t *value);

/* _policy.c: policy files, and what is made of names under them */

char *ngx_http_fraud_policy_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_uint_t ngx_http_fraud_has_policies(ngx_http_fraud_main_conf_t *fmcf);
ngx_int_t ngx_http_fraud_policy_name(ngx_conf_t *cf,
    ngx_http_fraud_policy_t *policy, ngx_str_t *name);
ngx_http_fraud_identity_t *ngx_http_fraud_policy_identity(ngx_conf_t *cf,
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_identity_t *identity);
ngx_http_fraud_signal_t *ngx_http_fraud_policy_signal(ngx_conf_t *cf,
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_signal_t *signal);
void ngx_http_fraud_policy_tag(ngx_http_fraud_policy_t *policy,
    fraud_op_t *op);
void ngx_http_fraud_policy_domain(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_domain_t *domain);
ngx_uint_t ngx_http_fraud_policy_shows(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_identity_t *identity);
ngx_uint_t ngx_http_fraud_policy_objects(ngx_http_request_t *r);
ngx_uint_t ngx_http_fraud_policy_place(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx);

/* _permit.c: what a policy permits, at the end of configuration */

void ngx_http_fraud_permit_drop(ngx_http_fraud_loc_conf_t *conf);
ngx_int_t ngx_http_fraud_permit(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf);
ngx_int_t ngx_http_fraud_permit_all(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);

/* _permit_signal.c: 1 if the policy does not permit it, and why */

ngx_uint_t ngx_http_fraud_permit_signal(ngx_http_fraud_loc_conf_t *conf,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_refusal_t *refusal);
ngx_uint_t ngx_http_fraud_permit_reads(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_value_t *value, ngx_http_fraud_refusal_t *refusal);
ngx_uint_t ngx_http_fraud_is_of_address(ngx_http_fraud_value_t *value);

/* _notice.c: no policy is loosened unannounced */

ngx_int_t ngx_http_fraud_notice_check(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);
ngx_int_t ngx_http_fraud_notice_old(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf, ngx_str_t *name, fraud_policy_t *old);
ngx_int_t ngx_http_fraud_notice_due(ngx_conf_t *cf,
    ngx_http_fraud_policy_t *policy, fraud_policy_t *old, ngx_str_t *server,
    uint32_t today);
ngx_int_t ngx_http_fraud_notice_load(ngx_http_fraud_main_conf_t *fmcf,
    ngx_str_t *name, ngx_pool_t *pool, size_t size, ngx_str_t *text);
ngx_int_t ngx_http_fraud_notice_keep(ngx_cycle_t *cycle);

/* _served.c: nor exchanged, nor taken away from a server */

#define NGX_HTTP_FRAUD_SERVED  ".servers"

ngx_int_t ngx_http_fraud_served_check(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf, uint32_t today);

/* _fields.c: the fields of a line of the log under a policy */

ngx_int_t ngx_http_fraud_fields(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx, fraud_event_t *event);

/* _rules.c: declarations of signals */

char *ngx_http_fraud_rule_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* _zone.c */

ngx_int_t ngx_http_fraud_zone_add(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_zone_attach(ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_zone_sweep(ngx_http_fraud_main_conf_t *fmcf,
    uint64_t now_us);
void ngx_http_fraud_zone_epoch(ngx_http_fraud_main_conf_t *fmcf,
    uint64_t now_us);
uint64_t ngx_http_fraud_zone_counter(ngx_http_fraud_main_conf_t *fmcf,
    ngx_uint_t n);
ngx_atomic_t *ngx_http_fraud_zone_spooled(ngx_http_fraud_main_conf_t *fmcf);
ngx_uint_t ngx_http_fraud_zone_parts(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain);
void ngx_http_fraud_zone_fired(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_signal_t *signal, ngx_uint_t k, const fraud_pid_t *who);
uint64_t ngx_http_fraud_zone_signal(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_signal_t *signal);
ngx_uint_t ngx_http_fraud_zone_once(ngx_http_fraud_main_conf_t *fmcf);
ngx_uint_t ngx_http_fraud_zone_fresh(ngx_http_fraud_main_conf_t *fmcf);
ngx_uint_t ngx_http_fraud_zone_is_lost(ngx_http_fraud_main_conf_t *fmcf);
ngx_uint_t ngx_http_fraud_zone_lost(ngx_http_fraud_main_conf_t *fmcf,
    ngx_uint_t lost);

#define ngx_http_fraud_count(fmcf, n)                                         \
    (void) ngx_atomic_fetch_add(&(fmcf)->zone.counters[n], 1)

/* _record.c: parts of records of subjects, held for a moment */

void ngx_http_fraud_hold_init(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_ctx_t *ctx, ngx_http_fraud_domain_t *domain);
ngx_int_t ngx_http_fraud_hold(ngx_http_fraud_hold_t *hold);
void ngx_http_fraud_hold_call(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_op_t *op, const fraud_op_t *as, fraud_op_call_t *call);
void ngx_http_fraud_hold_tell(ngx_http_fraud_hold_t *hold,
    ngx_http_fraud_op_t *op, const fraud_op_t *as, fraud_op_call_t *call);
void ngx_http_fraud_release(ngx_http_fraud_hold_t *hold);
ngx_uint_t ngx_http_fraud_forget(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, uint64_t now_us);
ngx_uint_t ngx_http_fraud_raise(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, uint64_t now_us);
ngx_int_t ngx_http_fraud_previous_pid(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, uint64_t now_us,
    fraud_pid_t *pid);

/* _identity.c */

ngx_int_t ngx_http_fraud_value(ngx_http_request_t *r,
    ngx_http_fraud_value_t *value, ngx_str_t *text);
ngx_uint_t ngx_http_fraud_true(ngx_http_request_t *r,
    ngx_http_fraud_value_t *value);
ngx_int_t ngx_http_fraud_client(ngx_http_request_t *r, fraud_ip_t *ip);
ngx_int_t ngx_http_fraud_peer(ngx_connection_t *c, fraud_ip_t *ip);
ngx_int_t ngx_http_fraud_address(ngx_http_request_t *r,
    ngx_http_fraud_value_t *value, fraud_ip_t *ip);
ngx_int_t ngx_http_fraud_subject(ngx_http_request_t *r,
    ngx_http_fraud_identity_t *identity, fraud_ip_t *ip, ngx_str_t *subject);
void ngx_http_fraud_pid(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, fraud_pid_t *pid);
void ngx_http_fraud_log_pid(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, fraud_pid_t *pid);
ngx_int_t ngx_http_fraud_log_name(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, u_char *text);
uint64_t ngx_http_fraud_hash(ngx_http_fraud_main_conf_t *fmcf,
    ngx_str_t *value);

/* _handler.c */

ngx_int_t ngx_http_fraud_rewrite_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_fraud_preaccess_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_fraud_log_handler(ngx_http_request_t *r);
ngx_http_fraud_ctx_t *ngx_http_fraud_get_ctx(ngx_http_request_t *r);
const char *ngx_http_fraud_state_name(ngx_http_fraud_state_e state);
uint64_t ngx_http_fraud_now(void);
ngx_uint_t ngx_http_fraud_reasons(ngx_http_fraud_ctx_t *ctx,
    fraud_reason_t *reasons, ngx_uint_t shadow);

/* _signal.c: one signal of one request */

ngx_uint_t ngx_http_fraud_signal_fires(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_signal_t *signal);
fraud_geo_record_t *ngx_http_fraud_locate(ngx_http_request_t *r,
    ngx_http_fraud_main_conf_t *fmcf, fraud_geo_record_t *record);

/* _subject.c: the stateful signals of one identity of one request */

void ngx_http_fraud_subject_request(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject);
void ngx_http_fraud_subject_response(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, ngx_uint_t earned);

/* _account.c: what is known about whom an account belongs to */

ngx_int_t ngx_http_fraud_account(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, fraud_pid_t *pid, fraud_pid_t *log_pid);
void ngx_http_fraud_account_bind(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, const fraud_pid_t *pid,
    const fraud_pid_t *log_pid);
ngx_uint_t ngx_http_fraud_account_part(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, const fraud_pid_t *pid,
    ngx_uint_t charged);
ngx_uint_t ngx_http_fraud_account_good(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_call_t *call, ngx_http_fraud_domain_t *domain,
    ngx_str_t *subject, const fraud_pid_t *pid);
ngx_int_t ngx_http_fraud_account_age(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, uint64_t *age_us);
ngx_int_t ngx_http_fraud_account_session(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_subject_t *subject, ngx_http_fraud_hold_t *hold);

/* _action.c */

ngx_int_t ngx_http_fraud_act(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx);

/* _redis_conf.c */

char *ngx_http_fraud_redis_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_fraud_redis_parameter(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* _log.c */

char *ngx_http_fraud_log_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
void ngx_http_fraud_log_write(ngx_http_request_t *r,
    ngx_http_fraud_ctx_t *ctx);
void ngx_http_fraud_log_reasons(fraud_event_t *event, fraud_str_t key,
    fraud_reason_t *reasons, ngx_uint_t n);
ngx_uint_t ngx_http_fraud_log_status(ngx_http_request_t *r);

/* _segment.c: security logs that die by the hour */

u_char *ngx_http_fraud_segment_reserve(ngx_http_fraud_segments_t *log,
    size_t size);
ngx_int_t ngx_http_fraud_segment_append(ngx_http_fraud_segments_t *log,
    fraud_event_t *event);
ngx_int_t ngx_http_fraud_segments_use(ngx_conf_t *cf,
    ngx_http_fraud_log_t *log);
ngx_int_t ngx_http_fraud_segments_check(ngx_http_fraud_main_conf_t *fmcf,
    ngx_log_t *err);
void ngx_http_fraud_segments_stop(ngx_http_fraud_main_conf_t *fmcf);

/* _session.c */

char *ngx_http_fraud_session_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_fraud_session_init(ngx_conf_t *cf);
ngx_int_t ngx_http_fraud_session_new_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

/* _control.c */

char *ngx_http_fraud_control_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* _rights.c: what persons may ask for */

ngx_int_t ngx_http_fraud_rights_subjects(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value, ngx_array_t *subjects);
ngx_int_t ngx_http_fraud_rights_show(ngx_http_request_t *r,
    ngx_str_t *identity, ngx_array_t *subjects, ngx_uint_t forget);
ngx_int_t ngx_http_fraud_rights_scrub(ngx_http_request_t *r, ngx_str_t *text,
    ngx_str_t *start);
ngx_int_t ngx_http_fraud_rights_bury(ngx_http_request_t *r, ngx_str_t *dir,
    ngx_array_t *subjects);
char *ngx_http_fraud_objections_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_uint_t ngx_http_fraud_objects(ngx_http_fraud_main_conf_t *fmcf,
    const fraud_pid_t *pid);

/* _variables.c */

ngx_int_t ngx_http_fraud_add_variables(ngx_conf_t *cf);
ngx_int_t ngx_http_fraud_add_pid_variable(ngx_conf_t *cf, ngx_str_t *name);

/* _status.c */

char *ngx_http_fraud_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_fraud_send_json(ngx_http_request_t *r, ngx_buf_t *b,
    size_t len);

/* _source.c: files, and what is made of them */

ngx_http_fraud_source_t *ngx_http_fraud_add_file(ngx_conf_t *cf,
    ngx_http_fraud_source_e type, ngx_str_t *path);
ngx_http_fraud_source_t *ngx_http_fraud_add_pattern(ngx_conf_t *cf,
    ngx_str_t *value, ngx_http_fraud_part_t *part, ngx_uint_t *member);
ngx_int_t ngx_http_fraud_sources_finish(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);
ngx_int_t ngx_http_fraud_sources_check(ngx_http_fraud_main_conf_t *fmcf,
    ngx_log_t *log);
fraud_rc ngx_http_fraud_source_make(ngx_http_fraud_source_e type,
    ngx_http_fraud_part_t *parts, ngx_uint_t n, void **object,
    fraud_err_t *err, ngx_uint_t *failed);
void ngx_http_fraud_source_free(ngx_http_fraud_source_e type, void *object);
ngx_int_t ngx_http_fraud_user_may(ngx_core_conf_t *ccf, char *path,
    int mode);

/* _keys.c: secrets in files, and all secrets in memory */

ngx_int_t ngx_http_fraud_keys_memory(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);
ngx_int_t ngx_http_fraud_keys_check(ngx_http_fraud_main_conf_t *fmcf,
    ngx_log_t *log);
void ngx_http_fraud_keys_undumped(ngx_shm_t *shm);
void ngx_http_fraud_keys_protect(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_keys_pickup(ngx_http_fraud_main_conf_t *fmcf,
    ngx_log_t *log);
void ngx_http_fraud_keys_epoch(ngx_http_fraud_main_conf_t *fmcf,
    uint64_t now_us);
void ngx_http_fraud_ring_watched(ngx_http_fraud_ring_t *ring);
void ngx_http_fraud_ring_watch(ngx_http_fraud_ring_t *ring);
void ngx_http_fraud_ring_free(ngx_http_fraud_ring_t *ring);

/* _errlog.c: nginx's error logs, made anew where there is a policy */

ngx_int_t ngx_http_fraud_errlog_add(ngx_conf_t *cf);
void ngx_http_fraud_errlog_addresses(ngx_conf_t *cf);
ngx_int_t ngx_http_fraud_errlog_init(ngx_cycle_t *cycle);
void ngx_http_fraud_errlog_learn(ngx_http_request_t *r);

/* _leaks.c: what else in a configuration names people */

ngx_int_t ngx_http_fraud_leaks_alias(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);
ngx_int_t ngx_http_fraud_leaks(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);

/* _reload.c: files that were replaced */

ngx_int_t ngx_http_fraud_watch_start(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_watch_stop(ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_stamp(ngx_http_fraud_stamp_t *stamp, struct stat *sb);

/* _request.c: what differs between versions of nginx */

ngx_uint_t ngx_http_fraud_forwarded(ngx_http_request_t *r);
ngx_int_t ngx_http_fraud_add_header(ngx_http_request_t *r, const char *name,
    u_char *value, size_t len);


#if defined(__GNUC__)
#pragma GCC visibility pop
#endif


extern ngx_module_t  ngx_http_fraud_module;


#endif /* _NGX_HTTP_FRAUD_H_INCLUDED_ */
