
/*
 * Copyright (C) nginx-fraud-module authors
 */


#ifndef _NGX_HTTP_FRAUD_FLAG_H_INCLUDED_
#define _NGX_HTTP_FRAUD_FLAG_H_INCLUDED_


#include "ngx_http_fraud.h"
#include "fraud_flag.h"
#include "fraud_seal.h"
#include "fraud_spool.h"

#include <pthread.h>


/*
 * Flags to billing: a rule decides in the log phase, and what it raises waits
 * in the queue of its worker's writer, a thread that seals it, appends it to
 * the spool and waits for the disk.
 */


#define NGX_HTTP_FRAUD_SPOOL_QUEUE  1024   /* flags that wait in a worker */
#define NGX_HTTP_FRAUD_SPOOL_BATCH  50     /* between two waits for the disk */
#define NGX_HTTP_FRAUD_SEALS        50     /* a second and worker */
#define NGX_HTTP_FRAUD_FLAG_NAMES   (3 + FRAUD_FLAG_SIGNALS)

/* instead of an error of the system: "max=" is reached */
#define NGX_HTTP_FRAUD_SPOOL_FULL   -1


#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif


struct ngx_http_fraud_flag_s {
    ngx_str_t                    name;
    ngx_str_t                    identity;
    ngx_str_t                    family;
    ngx_http_fraud_value_t      *condition;
    ngx_http_fraud_value_t      *amount;    /* NULL: not metered */
    u_char                       currency[4];
    fraud_damage_t               damage;
    uint32_t                     count;
    uint32_t                     window;    /* seconds */
    uint32_t                     signals;   /* that fired, at least */
    uint32_t                     version;
    ngx_http_fraud_place_t       place;
    unsigned                     off:1;     /* removes the one of its name */
    unsigned                     replaces:1;

    /* in force under a policy */

    ngx_http_fraud_policy_t     *policy;
    ngx_http_fraud_flag_t       *origin;    /* as it was declared */
    ngx_http_fraud_identity_t   *account;
    ngx_http_fraud_domain_t     *billing;   /* its other secret is of ids */
    ngx_http_fraud_op_t          rate;      /* how often; of count > 1 */
    ngx_http_fraud_op_t          mark;      /* fraud_flag_mark_t */
};


typedef enum {
    NGX_HTTP_FRAUD_SPOOL_WAITING = 0,
    NGX_HTTP_FRAUD_SPOOL_WRITTEN,
    NGX_HTTP_FRAUD_SPOOL_LOST
} ngx_http_fraud_spooled_e;


/* a flag that waits; its account is where its place in the queue is */

typedef struct {
    fraud_flag_t                 flag;      /* its texts are in names */
    u_char                       names[NGX_HTTP_FRAUD_FLAG_NAMES]
                                      [FRAUD_NAME_MAX];
    size_t                       len;       /* of the account */
    char                         id[FRAUD_FLAG_ID_LEN];
    ngx_http_fraud_spooled_e     state;

    /* the event loop's */
    ngx_http_fraud_flag_t       *rule;
    fraud_pid_t                  pid;       /* of the account in the store */
    uint64_t                     start;     /* of the window */
} ngx_http_fraud_spooled_t;


/*
 * Of a worker.  What is in the queue from seen to tail is settled, from tail
 * to head it is the writer's.
 */

typedef struct {
    pthread_mutex_t              mutex;
    pthread_cond_t               wake;
    pthread_t                    thread;

    /* under the mutex */
    ngx_uint_t                   head;
    ngx_uint_t                   tail;
    uint64_t                     bytes;     /* of all files in the directory */
    int                          err;       /* 0: files can be written */
    unsigned                     stop:1;
    unsigned                     left:1;

    /* of what is between tail and head the thread's, else the event loop's */
    ngx_http_fraud_spooled_t    *items;
    u_char                     (*accounts)[FRAUD_SEAL_MAX_DATA];

    /* the thread's, which refers to nothing of nginx */
    fraud_seal_public_t          key;
    char                        *dir;
    char                         node[FRAUD_NAME_MAX + 1];
    char                         writer[FRAUD_SPOOL_WRITER_LEN];
    char                         name[FRAUD_SPOOL_NAME_SIZE];
    uint64_t                     max;
    uint64_t                     segment;
    uint64_t                     seq;       /* of the next record */
    uint64_t                     first;     /* of the file */
    uint64_t                     size;      /* of the file */
    uint64_t                     total;     /* of all, when it looked */
    time_t                       opened;
    time_t                       failed;    /* since; 0: not */
    int                          fd;
    int                          lock;      /* in this writer's turn */
    int                          why;
    unsigned                     torn:1;    /* the file ends within a line */
} ngx_http_fraud_writer_t;


struct ngx_http_fraud_spool_s {
    ngx_str_t                    dir;
    ngx_str_t                    node;
    fraud_seal_public_t          key;
    size_t                       max;
    size_t                       segment;
    uint32_t                     host;      /* hash of the node's name */

    /* of a worker */
    ngx_http_fraud_writer_t     *writer;    /* NULL: none yet, or any more */
    ngx_http_fraud_main_conf_t  *fmcf;
    ngx_event_t                  event;
    ngx_connection_t             dummy;     /* names it in debug logs */
    ngx_uint_t                   seen;
    ngx_uint_t                   lost;      /* since that was told */
    time_t                       tried;     /* to have a writer */
    int                          err;
    unsigned                     full:1;    /* the queue was, as was told */
    unsigned                     unable:1;  /* to have a writer, as was told */
};


/* _flag_conf.c: rules, in blocks and under policies */

char *ngx_http_fraud_flag_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_fraud_flags_collect(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *prev, ngx_http_fraud_loc_conf_t *conf);
ngx_int_t ngx_http_fraud_flags_resolve(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf);
ngx_uint_t ngx_http_fraud_flags_need(ngx_http_fraud_loc_conf_t *conf,
    ngx_str_t *identity);
ngx_int_t ngx_http_fraud_permit_flags(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf, ngx_http_fraud_refusal_t *refusal,
    ngx_http_fraud_place_t **place);

/* _flag.c: fraud by an account, described for billing */

void ngx_http_fraud_flags_raise(ngx_http_fraud_ctx_t *ctx);
void ngx_http_fraud_flag_settled(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_flag_t *flag, fraud_pid_t *pid, uint64_t start,
    ngx_uint_t written);

/* _spool.c: what waits for billing */

char *ngx_http_fraud_spool_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_fraud_spool_check(ngx_http_fraud_main_conf_t *fmcf,
    ngx_log_t *log);
void ngx_http_fraud_spool_start(ngx_http_fraud_main_conf_t *fmcf);
void ngx_http_fraud_spool_stop(ngx_http_fraud_main_conf_t *fmcf);
ngx_http_fraud_spooled_t *ngx_http_fraud_spool_reserve(
    ngx_http_fraud_spool_t *spool);
ngx_int_t ngx_http_fraud_spool_put(ngx_http_fraud_spool_t *spool,
    ngx_http_fraud_spooled_t *item, ngx_str_t *account);

/* _writer.c: files, in a thread */

void *ngx_http_fraud_writer_cycle(void *data);

/* _seal.c: what only others can open */

char *ngx_http_fraud_escrow_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_fraud_escrow(ngx_http_fraud_ctx_t *ctx, u_char *text,
    size_t *len);
ngx_int_t ngx_http_fraud_seal_key(ngx_conf_t *cf, ngx_str_t *file,
    fraud_seal_public_t *key);
ngx_uint_t ngx_http_fraud_seal_budget(void);


#if defined(__GNUC__)
#pragma GCC visibility pop
#endif


#endif /* _NGX_HTTP_FRAUD_FLAG_H_INCLUDED_ */
