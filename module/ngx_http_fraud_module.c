
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_flag.h"
#include "ngx_http_fraud_store.h"


static ngx_int_t ngx_http_fraud_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_fraud_add_handler(ngx_conf_t *cf,
    ngx_http_phases phase, ngx_http_handler_pt handler);
static ngx_int_t ngx_http_fraud_add_rewrite(ngx_conf_t *cf);
static ngx_int_t ngx_http_fraud_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_fraud_init_process(ngx_cycle_t *cycle);
static void ngx_http_fraud_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_fraud_commands[] = {

    { ngx_string("fraud"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_mode_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_fraud_zone_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_keys"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_fraud_keys_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_identity"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_fraud_identity_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_rate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_fraud_rule_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_distinct"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_fraud_rule_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_match"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_fraud_rule_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_list"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_fraud_rule_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_signal"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_fraud_rule_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_travel"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_fraud_rule_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_session"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_fraud_session_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_reputation"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_fraud_rule_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_geo"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_geo_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_action"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE23,
      ngx_http_fraud_action_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_fraud_redis_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_connect_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_database"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_password_file"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_ssl_ca"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_ssl_certificate"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_ssl_certificate_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_ssl_name"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_ssl_verify"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_sentinel"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_cluster"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_on_failure"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_mode"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_cache"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_redis_budget"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_redis_parameter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_log"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_fraud_log_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_policy"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_policy_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_flag"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_fraud_flag_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_spool"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_fraud_spool_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_escrow"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_escrow_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_status_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_control"),
      NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_fraud_control_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("fraud_objections"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_fraud_objections_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_fraud_module_ctx = {
    ngx_http_fraud_add_variables,          /* preconfiguration */
    ngx_http_fraud_init,                   /* postconfiguration */

    ngx_http_fraud_create_main_conf,       /* create main configuration */
    ngx_http_fraud_init_main_conf,         /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_fraud_create_loc_conf,        /* create location configuration */
    ngx_http_fraud_merge_loc_conf          /* merge location configuration */
};


ngx_module_t  ngx_http_fraud_module = {
    NGX_MODULE_V1,
    &ngx_http_fraud_module_ctx,            /* module context */
    ngx_http_fraud_commands,               /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_fraud_init_module,            /* init module */
    ngx_http_fraud_init_process,           /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_fraud_exit_process,           /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_fraud_init(ngx_conf_t *cf)
{
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);

    ngx_http_fraud_errlog_addresses(cf);

    if (ngx_http_fraud_leaks(cf, fmcf) != NGX_OK
        || ngx_http_fraud_notice_check(cf, fmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (fmcf->zone_size == 0 && !fmcf->enabled) {
        return NGX_OK;
    }

    if (ngx_http_fraud_keys_memory(cf, fmcf) != NGX_OK
        || ngx_http_fraud_zone_add(cf, fmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!fmcf->enabled) {
        return NGX_OK;
    }

    if (ngx_http_fraud_redis_finish(cf, fmcf) != NGX_OK
        || ngx_http_fraud_permit_all(cf, fmcf) != NGX_OK
        || ngx_http_fraud_sources_finish(cf, fmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (fmcf->toothless) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"fraud enforce\" without any \"fraud_action\" "
                           "acts on nothing, add e.g. "
                           "\"fraud_action 90 deny;\"");
    }

    if (ngx_http_fraud_session_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_fraud_add_rewrite(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_fraud_add_handler(cf, NGX_HTTP_PREACCESS_PHASE,
                                   ngx_http_fraud_preaccess_handler)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_fraud_add_handler(cf, NGX_HTTP_LOG_PHASE,
                                      ngx_http_fraud_log_handler);
}


/*
 * The front of the array is the end of the preaccess phase, whose handlers
 * run backwards: realip and limit_req have run.  It is the beginning of the
 * log phase, whose handlers run forwards: access_log sees the variables.
 */

static ngx_int_t
ngx_http_fraud_add_handler(ngx_conf_t *cf, ngx_http_phases phase,
    ngx_http_handler_pt handler)
{
    ngx_array_t                *handlers;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    handlers = &cmcf->phases[phase].handlers;

    if (ngx_array_push(handlers) == NULL) {
        return NGX_ERROR;
    }

    h = handlers->elts;

    ngx_memmove(&h[1], &h[0],
                (handlers->nelts - 1) * sizeof(ngx_http_handler_pt));
    h[0] = handler;

    return NGX_OK;
}


/* at the end of the array, which runs first: before any "return" */

static ngx_int_t
ngx_http_fraud_add_rewrite(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_fraud_rewrite_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_init_module(ngx_cycle_t *cycle)
{
    if (ngx_http_fraud_errlog_init(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_fraud_notice_keep(cycle);
}


static ngx_int_t
ngx_http_fraud_init_process(ngx_cycle_t *cycle)
{
    ngx_http_fraud_main_conf_t  *fmcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_fraud_module);

    if (fmcf == NULL || !fmcf->enabled) {
        return NGX_OK;
    }

    ngx_http_fraud_keys_protect(cycle, fmcf);
    ngx_http_fraud_zone_attach(fmcf);

    if (ngx_http_fraud_redis_start(cycle, fmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_fraud_spool_start(fmcf);

    return ngx_http_fraud_watch_start(cycle, fmcf);
}


static void
ngx_http_fraud_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_fraud_module);

    if (fmcf) {
        ngx_http_fraud_spool_stop(fmcf);
        ngx_http_fraud_redis_stop(fmcf);
        ngx_http_fraud_segments_stop(fmcf);
        ngx_http_fraud_watch_stop(fmcf);
    }
}
