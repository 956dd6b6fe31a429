
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_store.h"
#include "fraud_str.h"
#include "fraud_store_lua.h"


#define NGX_HTTP_FRAUD_REDIS_SERVERS    16
#define NGX_HTTP_FRAUD_REDIS_SECRET     512
#define NGX_HTTP_FRAUD_REDIS_DATABASES  65536
#define NGX_HTTP_FRAUD_REDIS_BUDGET     1000000
#define NGX_HTTP_FRAUD_REDIS_PROBE      128   /* bytes of its argument */
#define NGX_HTTP_FRAUD_REDIS_PROBE_TTL  10    /* seconds */
#define NGX_HTTP_FRAUD_STRICT_INTERVAL  10    /* ms */


typedef struct {
    ngx_str_t                 name;
    char                   *(*set)(ngx_conf_t *cf,
                                  ngx_http_fraud_redis_t *redis, void *field,
                                  ngx_str_t *value);
    size_t                    offset;
} ngx_http_fraud_redis_parameter_t;


static ngx_http_fraud_redis_t *ngx_http_fraud_redis_conf(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf);
static ngx_int_t ngx_http_fraud_redis_url(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, ngx_str_t *text);
static ngx_int_t ngx_http_fraud_redis_authority(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, ngx_str_t *text, ngx_str_t *rest);
static ngx_int_t ngx_http_fraud_redis_database(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, ngx_str_t *text);
static ngx_int_t ngx_http_fraud_redis_resolve(ngx_conf_t *cf,
    ngx_fraud_redis_server_t *server, ngx_str_t *rest);
static char *ngx_http_fraud_redis_time(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, void *field, ngx_str_t *value);
static char *ngx_http_fraud_redis_flag(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, void *field, ngx_str_t *value);
static char *ngx_http_fraud_redis_string(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, void *field, ngx_str_t *value);
static char *ngx_http_fraud_redis_file(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, void *field, ngx_str_t *value);
static char *ngx_http_fraud_redis_number(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, void *field, ngx_str_t *value);
static char *ngx_http_fraud_redis_failure(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, void *field, ngx_str_t *value);
static char *ngx_http_fraud_redis_mode(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, void *field, ngx_str_t *value);
static char *ngx_http_fraud_redis_budget(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis, void *field, ngx_str_t *value);
static char *ngx_http_fraud_redis_wrong(ngx_conf_t *cf, const char *remedy);
static ngx_int_t ngx_http_fraud_redis_password(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis);
static ngx_int_t ngx_http_fraud_redis_tls(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis);
static ngx_int_t ngx_http_fraud_redis_probe(ngx_conf_t *cf,
    ngx_http_fraud_redis_t *redis);


static ngx_conf_enum_t  ngx_http_fraud_redis_on_failures[] = {
    { ngx_string("local"), NGX_HTTP_FRAUD_ON_FAILURE_LOCAL },
    { ngx_string("open"), NGX_HTTP_FRAUD_ON_FAILURE_OPEN },
    { ngx_string("closed"), NGX_HTTP_FRAUD_ON_FAILURE_CLOSED },
    { ngx_null_string, 0 }
};


static ngx_http_fraud_redis_parameter_t  ngx_http_fraud_redis_parameters[] = {
    { ngx_string("fraud_redis_timeout"), ngx_http_fraud_redis_time,
      offsetof(ngx_http_fraud_redis_t, conf.timeout) },

    { ngx_string("fraud_redis_connect_timeout"), ngx_http_fraud_redis_time,
      offsetof(ngx_http_fraud_redis_t, conf.connect_timeout) },

    { ngx_string("fraud_redis_database"), ngx_http_fraud_redis_number, 0 },

    { ngx_string("fraud_redis_password_file"), ngx_http_fraud_redis_file,
      offsetof(ngx_http_fraud_redis_t, password_file) },

    { ngx_string("fraud_redis_ssl_ca"), ngx_http_fraud_redis_file,
      offsetof(ngx_http_fraud_redis_t, ssl_ca) },

    { ngx_string("fraud_redis_ssl_certificate"), ngx_http_fraud_redis_file,
      offsetof(ngx_http_fraud_redis_t, ssl_certificate) },

    { ngx_string("fraud_redis_ssl_certificate_key"),
      ngx_http_fraud_redis_file,
      offsetof(ngx_http_fraud_redis_t, ssl_certificate_key) },

    { ngx_string("fraud_redis_ssl_name"), ngx_http_fraud_redis_string,
      offsetof(ngx_http_fraud_redis_t, ssl_name) },

    { ngx_string("fraud_redis_ssl_verify"), ngx_http_fraud_redis_flag,
      offsetof(ngx_http_fraud_redis_t, ssl_verify) },

    { ngx_string("fraud_redis_sentinel"), ngx_http_fraud_redis_string,
      offsetof(ngx_http_fraud_redis_t, conf.master) },

    { ngx_string("fraud_redis_cluster"), ngx_http_fraud_redis_flag,
      offsetof(ngx_http_fraud_redis_t, cluster) },

    { ngx_string("fraud_redis_on_failure"), ngx_http_fraud_redis_failure, 0 },

    { ngx_string("fraud_redis_mode"), ngx_http_fraud_redis_mode, 0 },

    { ngx_string("fraud_redis_cache"), ngx_http_fraud_redis_flag,
      offsetof(ngx_http_fraud_redis_t, cache) },

    { ngx_string("fraud_redis_budget"), ngx_http_fraud_redis_budget, 0 },

    { ngx_null_string, NULL, 0 }
};


static ngx_http_fraud_redis_t *
ngx_http_fraud_redis_conf(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_http_fraud_redis_t  *redis;

    if (fmcf->redis) {
        return fmcf->redis;
    }

    redis = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    if (ngx_array_init(&redis->conf.servers, cf->pool, 2,
                       sizeof(ngx_fraud_redis_server_t))
        != NGX_OK)
    {
        return NULL;
    }

    redis->conf.timeout = NGX_CONF_UNSET_MSEC;
    redis->conf.connect_timeout = NGX_CONF_UNSET_MSEC;
    redis->conf.database = NGX_CONF_UNSET_UINT;
    redis->on_failure = NGX_CONF_UNSET_UINT;
    redis->relaxed = NGX_CONF_UNSET;
    redis->cache = NGX_CONF_UNSET;
    redis->cluster = NGX_CONF_UNSET;
    redis->ssl_verify = NGX_CONF_UNSET;
    redis->interval = NGX_CONF_UNSET_MSEC;
    redis->budgeted = NGX_CONF_UNSET;

    fmcf->redis = redis;

    return redis;
}


char *
ngx_http_fraud_redis_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_main_conf_t *fmcf = conf;

    ngx_str_t               *value;
    ngx_uint_t               i;
    ngx_http_fraud_redis_t  *redis;

    redis = ngx_http_fraud_redis_conf(cf, fmcf);
    if (redis == NULL) {
        return NGX_CONF_ERROR;
    }

    if (redis->conf.servers.nelts) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts - 1 > NGX_HTTP_FRAUD_REDIS_SERVERS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_redis\": %ui servers, use at most %d",
                           cf->args->nelts - 1, NGX_HTTP_FRAUD_REDIS_SERVERS);
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_fraud_redis_url(cf, redis, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* redis://[USER@]HOST[:PORT][/DATABASE], rediss://..., unix:/PATH */

static ngx_int_t
ngx_http_fraud_redis_url(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    ngx_str_t *text)
{
    ngx_str_t                  rest;
    ngx_fraud_redis_server_t  *server;

    server = ngx_array_push(&redis->conf.servers);
    if (server == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(server, sizeof(ngx_fraud_redis_server_t));

    if (text->len > 5 && ngx_strncmp(text->data, "unix:", 5) == 0) {
        rest = *text;

    } else if (text->len > 8 && ngx_strncmp(text->data, "redis://", 8) == 0) {
        rest.data = text->data + 8;
        rest.len = text->len - 8;

    } else if (text->len > 9 && ngx_strncmp(text->data, "rediss://", 9) == 0) {
        rest.data = text->data + 9;
        rest.len = text->len - 9;
        server->tls = 1;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_redis\": invalid URL, use "
                           "\"redis://host:6379/0\", \"rediss://host:6380\" "
                           "or \"unix:/path\"");
        return NGX_ERROR;
    }

    if (rest.data != text->data
        && ngx_http_fraud_redis_authority(cf, redis, text, &rest) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_fraud_redis_resolve(cf, server, &rest);
}


/* takes user and database out of the URL */

static ngx_int_t
ngx_http_fraud_redis_authority(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    ngx_str_t *text, ngx_str_t *rest)
{
    u_char     *p, *last;
    ngx_str_t   user, database;

    last = rest->data + rest->len;

    /* a password is looked for first: it may have any character */

    for (p = last; p > rest->data && p[-1] != '@'; p--) { /* void */ }

    user.data = rest->data;
    user.len = p == rest->data ? 0 : p - 1 - rest->data;
    rest->data = p;
    rest->len = last - p;

    if (user.len && ngx_strlchr(user.data, user.data + user.len, ':')) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_redis\": the URL has a password, put it "
                           "into a file and name that in "
                           "\"fraud_redis_password_file\"");
        return NGX_ERROR;
    }

    p = ngx_strlchr(rest->data, last, '/');

    if (p) {
        database.data = p + 1;
        database.len = last - p - 1;
        rest->len = p - rest->data;

        if (database.len
            && ngx_http_fraud_redis_database(cf, redis, &database) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (user.len == 0) {
        return NGX_OK;
    }

    if (redis->conf.user.len
        && (redis->conf.user.len != user.len
            || ngx_strncmp(redis->conf.user.data, user.data, user.len) != 0))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_redis\": different users \"%V\" and "
                           "\"%V\", use one for all servers",
                           &redis->conf.user, &user);
        return NGX_ERROR;
    }

    redis->conf.user = user;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_redis_database(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    ngx_str_t *text)
{
    ngx_int_t  n;

    n = ngx_atoi(text->data, text->len);

    if (n == NGX_ERROR || n >= NGX_HTTP_FRAUD_REDIS_DATABASES) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_redis\": invalid database \"%V\", use a "
                           "number from 0 to %d", text,
                           NGX_HTTP_FRAUD_REDIS_DATABASES - 1);
        return NGX_ERROR;
    }

    if (redis->conf.database != NGX_CONF_UNSET_UINT
        && redis->conf.database != (ngx_uint_t) n)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_redis\": different databases %ui and %i, "
                           "use one for all servers", redis->conf.database, n);
        return NGX_ERROR;
    }

    redis->conf.database = n;

    return NGX_OK;
}


/* a name that does not resolve now may do so later */

static ngx_int_t
ngx_http_fraud_redis_resolve(ngx_conf_t *cf, ngx_fraud_redis_server_t *server,
    ngx_str_t *rest)
{
    ngx_url_t  *u, once;

    u = &server->url;
    u->url = *rest;
    u->default_port = 6379;
    u->no_resolve = 1;

    if (rest->len == 0 || ngx_parse_url(cf->pool, u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_redis\": %s in \"%V\", use \"host:port\"",
                           u->err ? u->err : "no host", rest);
        return NGX_ERROR;
    }

    server->text = *rest;
    server->host = u->host;

    if (u->naddrs) {
        return NGX_OK;
    }

    ngx_memzero(&once, sizeof(ngx_url_t));

    once.url = *rest;
    once.default_port = 6379;

    if (ngx_parse_url(cf->pool, &once) == NGX_OK) {
        u->addrs = once.addrs;
        u->naddrs = once.naddrs;
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"fraud_redis\": %s in \"%V\", the zone stands in "
                       "until \"resolver\" finds it or nginx is reloaded",
                       once.err ? once.err : "host not found", rest);

    return NGX_OK;
}


/* fraud_redis_timeout and so on: by name, what they take and where it goes */

char *
ngx_http_fraud_redis_parameter(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_main_conf_t *fmcf = conf;

    u_char                            *field;
    ngx_str_t                         *value;
    ngx_http_fraud_redis_t            *redis;
    ngx_http_fraud_redis_parameter_t  *parameter;

    redis = ngx_http_fraud_redis_conf(cf, fmcf);
    if (redis == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (parameter = ngx_http_fraud_redis_parameters;
         parameter->name.len != value[0].len
         || ngx_strncmp(parameter->name.data, value[0].data, value[0].len)
            != 0;
         parameter++)
    {
        /* void */
    }

    field = (u_char *) redis + parameter->offset;

    return parameter->set(cf, redis, field, &value[1]);
}


static char *
ngx_http_fraud_redis_time(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    void *field, ngx_str_t *value)
{
    ngx_msec_t *msec = field;

    ngx_int_t  time;

    if (*msec != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    time = ngx_parse_time(value, 0);

    if (time <= 0 || time > 60000) {
        return ngx_http_fraud_redis_wrong(cf, "a time from 1ms to 60s");
    }

    *msec = time;

    return NGX_CONF_OK;
}


static char *
ngx_http_fraud_redis_flag(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    void *field, ngx_str_t *value)
{
    ngx_flag_t *flag = field;

    if (*flag != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    if (ngx_strcmp(value->data, "on") == 0) {
        *flag = 1;

    } else if (ngx_strcmp(value->data, "off") == 0) {
        *flag = 0;

    } else {
        return ngx_http_fraud_redis_wrong(cf, "\"on\" or \"off\"");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_fraud_redis_string(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    void *field, ngx_str_t *value)
{
    ngx_str_t *text = field;

    if (text->len) {
        return "is duplicate";
    }

    if (value->len == 0) {
        return ngx_http_fraud_redis_wrong(cf, "what is not empty");
    }

    *text = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_fraud_redis_file(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    void *field, ngx_str_t *value)
{
    ngx_str_t *path = field;

    char  *rc;

    rc = ngx_http_fraud_redis_string(cf, redis, field, value);

    if (rc != NGX_CONF_OK) {
        return rc;
    }

    return ngx_conf_full_name(cf->cycle, path, 1) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_fraud_redis_number(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    void *field, ngx_str_t *value)
{
    return ngx_http_fraud_redis_database(cf, redis, value) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_fraud_redis_failure(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    void *field, ngx_str_t *value)
{
    ngx_conf_enum_t  *e;

    if (redis->on_failure != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    for (e = ngx_http_fraud_redis_on_failures; e->name.len; e++) {
        if (ngx_strcmp(value->data, e->name.data) == 0) {
            redis->on_failure = e->value;
            return NGX_CONF_OK;
        }
    }

    return ngx_http_fraud_redis_wrong(cf,
                                  "\"local\", \"open\" or \"closed\"");
}


/* strict|relaxed [interval=TIME] */

static char *
ngx_http_fraud_redis_mode(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    void *field, ngx_str_t *value)
{
    ngx_int_t  interval;
    ngx_str_t  text;

    if (redis->relaxed != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    if (ngx_strcmp(value->data, "strict") == 0) {
        redis->relaxed = 0;

    } else if (ngx_strcmp(value->data, "relaxed") == 0) {
        redis->relaxed = 1;

    } else {
        return ngx_http_fraud_redis_wrong(cf, "\"strict\" or \"relaxed\"");
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    interval = NGX_ERROR;

    if (redis->relaxed
        && ngx_http_fraud_arg(&value[1], "interval=", &text))
    {
        interval = ngx_parse_time(&text, 0);
    }

    if (interval < 5 || interval > 10000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_redis_mode\": invalid \"%V\", use "
                           "\"relaxed interval=TIME\" with a time from 5ms "
                           "to 10s", &value[1]);
        return NGX_CONF_ERROR;
    }

    redis->interval = interval;

    return NGX_CONF_OK;
}


static char *
ngx_http_fraud_redis_budget(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis,
    void *field, ngx_str_t *value)
{
    fraud_gcra_conf_t  *gcra;

    if (redis->budgeted != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    if (ngx_strcmp(value->data, "off") == 0) {
        redis->budgeted = 0;
        return NGX_CONF_OK;
    }

    gcra = &redis->budget.op.u.gcra;

    if (fraud_str_rate(&gcra->n, &gcra->period_us, (char *) value->data,
                       value->len)
        != FRAUD_OK
        || gcra->n > NGX_HTTP_FRAUD_REDIS_BUDGET)
    {
        return ngx_http_fraud_redis_wrong(cf,
                                          "a rate such as 50r/s or \"off\"");
    }

    redis->budgeted = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_fraud_redis_wrong(ngx_conf_t *cf, const char *remedy)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid value \"%V\", use %s",
                       &value[0], &value[1], remedy);

    return NGX_CONF_ERROR;
}


/* all directives were read */

ngx_int_t
ngx_http_fraud_redis_finish(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_http_fraud_redis_t    *redis;
    ngx_fraud_redis_conf_t    *conf;
    ngx_http_core_loc_conf_t  *clcf;

    redis = fmcf->redis;

    if (redis == NULL) {
        return NGX_OK;
    }

    conf = &redis->conf;

    if (conf->servers.nelts == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_redis_...\" without \"fraud_redis\", add "
                      "e.g. \"fraud_redis redis://127.0.0.1:6379;\"");
        return NGX_ERROR;
    }

    if (redis->cluster == 1 && conf->master.len) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_redis_cluster\" and "
                      "\"fraud_redis_sentinel\" exclude each other, "
                      "remove one");
        return NGX_ERROR;
    }

    ngx_conf_init_msec_value(conf->timeout, 15);
    ngx_conf_init_msec_value(conf->connect_timeout, 100);
    ngx_conf_init_uint_value(conf->database, 0);
    ngx_conf_init_uint_value(redis->on_failure,
                             NGX_HTTP_FRAUD_ON_FAILURE_LOCAL);
    ngx_conf_init_value(redis->relaxed, 0);
    ngx_conf_init_value(redis->cache, 1);
    ngx_conf_init_value(redis->cluster, 0);
    ngx_conf_init_value(redis->ssl_verify, 1);
    ngx_conf_init_msec_value(redis->interval, redis->relaxed
                             ? 50 : NGX_HTTP_FRAUD_STRICT_INTERVAL);

    if (redis->cluster && conf->database) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_redis\": a cluster has only database 0, "
                      "remove the database %ui", conf->database);
        return NGX_ERROR;
    }

    conf->cluster = (redis->cluster != 0);
    conf->script.data = (u_char *) fraud_store_lua;
    conf->script.len = sizeof(fraud_store_lua);

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        conf->resolver = clcf->resolver;
        conf->resolver_timeout = clcf->resolver_timeout;
    }

    if (fmcf->keys_dir.len == 0) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"fraud_redis\" with \"fraud_keys memory\": every "
                      "host makes pseudonyms of its own and counts alone, "
                      "use \"fraud_keys DIR\"");
    }

    if (ngx_http_fraud_redis_password(cf, redis) != NGX_OK
        || ngx_http_fraud_redis_tls(cf, redis) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_fraud_redis_probe(cf, redis) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_fraud_budget_init(cf, fmcf);
}


/* what is asked before requests are: it writes, as they do */

static ngx_int_t
ngx_http_fraud_redis_probe(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis)
{
    u_char                  *p;
    fraud_op_t               op;
    fraud_op_call_t          call;
    fraud_store_argument_t   argument;

    p = ngx_pnalloc(cf->pool, NGX_HTTP_FRAUD_REDIS_PROBE);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&op, sizeof(fraud_op_t));
    op.type = FRAUD_OP_SWAP;
    op.tag = fraud_op_tag(FRAUD_OP_SWAP, "probe", 5, 0);

    ngx_memzero(&call, sizeof(fraud_op_call_t));
    call.charge = 1;
    call.bytes = (u_char *) "probe";
    call.len = 5;

    fraud_store_begin(&argument, p, NGX_HTTP_FRAUD_REDIS_PROBE,
                      NGX_HTTP_FRAUD_REDIS_PROBE_TTL);
    fraud_store_call(&argument, &op, &call);

    if (fraud_store_end(&argument) != FRAUD_OK) {
        return NGX_ERROR;
    }

    redis->conf.probe.data = argument.buf.data;
    redis->conf.probe.len = argument.buf.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_redis_password(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis)
{
    u_char      secret[NGX_HTTP_FRAUD_REDIS_SECRET + 1];
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_str_t  *path;

    path = &redis->password_file;

    if (path->len == 0) {

        if (redis->conf.user.len) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"fraud_redis\": user \"%V\" without a password, "
                          "add \"fraud_redis_password_file\"",
                          &redis->conf.user);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      "\"fraud_redis_password_file\": cannot open \"%V\", "
                      "correct the path or its permissions", path);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, secret, sizeof(secret));

    (void) ngx_close_file(fd);

    while (n > 0 && (secret[n - 1] == LF || secret[n - 1] == CR)) {
        n--;
    }

    if (n <= 0 || n > NGX_HTTP_FRAUD_REDIS_SECRET) {
        ngx_explicit_memzero(secret, sizeof(secret));
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_redis_password_file\": \"%V\" has no "
                      "password of 1 to %d bytes, write it on one line", path,
                      NGX_HTTP_FRAUD_REDIS_SECRET);
        return NGX_ERROR;
    }

    redis->conf.password.len = n;
    redis->conf.password.data = ngx_pnalloc(cf->pool, n);

    if (redis->conf.password.data) {
        ngx_memcpy(redis->conf.password.data, secret, n);
    }

    ngx_explicit_memzero(secret, sizeof(secret));

    return redis->conf.password.data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_fraud_redis_tls(ngx_conf_t *cf, ngx_http_fraud_redis_t *redis)
{
    ngx_uint_t                 i, tls;
    ngx_fraud_redis_server_t  *server;

    server = redis->conf.servers.elts;
    tls = 0;

    for (i = 0; i < redis->conf.servers.nelts; i++) {
        tls |= server[i].tls;
    }

    if (!tls) {

        if (redis->ssl_ca.len || redis->ssl_certificate.len) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"fraud_redis_ssl_...\" without TLS, use "
                          "\"rediss://\" in \"fraud_redis\"");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

#if (NGX_SSL)

    if (redis->ssl_verify && redis->ssl_ca.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_redis\": rediss:// verifies the server, add "
                      "\"fraud_redis_ssl_ca FILE\"");
        return NGX_ERROR;
    }

    if ((redis->ssl_certificate.len == 0)
        != (redis->ssl_certificate_key.len == 0))
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_redis_ssl_certificate\" and "
                      "\"fraud_redis_ssl_certificate_key\" belong together, "
                      "set both or none");
        return NGX_ERROR;
    }

    redis->conf.ssl_verify = (redis->ssl_verify != 0);
    redis->conf.ssl_name = redis->ssl_name;

    return ngx_fraud_redis_ssl_create(cf, &redis->conf, &redis->ssl_ca,
                                      &redis->ssl_certificate,
                                      &redis->ssl_certificate_key);

#else

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"fraud_redis\": this nginx was built without TLS, use "
                  "\"redis://\"");
    return NGX_ERROR;

#endif
}
