
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"


static ngx_int_t ngx_http_fraud_score_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_fraud_action_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_fraud_reasons_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_fraud_mode_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_fraud_state_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_fraud_country_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_fraud_asn_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_fraud_pid_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_http_fraud_ctx_t *ngx_http_fraud_decided(ngx_http_request_t *r);
static fraud_geo_record_t *ngx_http_fraud_located(ngx_http_request_t *r,
    fraud_geo_record_t *record);
static void ngx_http_fraud_set(ngx_http_variable_value_t *v, u_char *data,
    size_t len);


static ngx_http_variable_t  ngx_http_fraud_vars[] = {

    { ngx_string("fraud_score"), NULL, ngx_http_fraud_score_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("fraud_action"), NULL, ngx_http_fraud_action_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("fraud_reasons"), NULL, ngx_http_fraud_reasons_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("fraud_mode"), NULL, ngx_http_fraud_mode_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("fraud_state"), NULL, ngx_http_fraud_state_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("fraud_country"), NULL, ngx_http_fraud_country_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("fraud_asn"), NULL, ngx_http_fraud_asn_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("fraud_session_new"), NULL,
      ngx_http_fraud_session_new_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_fraud_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_fraud_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


/* $fraud_NAME_pid, once for all identities of that name */

ngx_int_t
ngx_http_fraud_add_pid_variable(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_str_t             full, *copy;
    ngx_http_variable_t  *var;

    full.len = sizeof("fraud__pid") - 1 + name->len;
    full.data = ngx_pnalloc(cf->pool, full.len);
    copy = ngx_palloc(cf->pool, sizeof(ngx_str_t));

    if (full.data == NULL || copy == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(full.data, "fraud_%V_pid", name);

    *copy = *name;

    var = ngx_http_add_variable(cf, &full,
                                NGX_HTTP_VAR_CHANGEABLE
                                |NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_fraud_pid_variable;
    var->data = (uintptr_t) copy;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_score_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                *p;
    ngx_http_fraud_ctx_t  *ctx;

    ctx = ngx_http_fraud_decided(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_fraud_set(v, p, ngx_sprintf(p, "%ui", ctx->score) - p);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_action_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char            *name;
    ngx_http_fraud_ctx_t  *ctx;

    ctx = ngx_http_fraud_decided(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    name = fraud_action_name(ctx->action);

    ngx_http_fraud_set(v, (u_char *) name, ngx_strlen(name));

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_reasons_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                *p;
    size_t                 size;
    ngx_uint_t             i, n;
    fraud_buf_t            buf;
    fraud_reason_t         reasons[NGX_HTTP_FRAUD_MAX_SIGNALS];
    ngx_http_fraud_ctx_t  *ctx;

    ctx = ngx_http_fraud_decided(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    n = ngx_http_fraud_reasons(ctx, reasons, 0);
    size = 1;

    for (i = 0; i < n; i++) {
        size += reasons[i].name.len + sizeof("=100,") - 1;
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    fraud_score_sort(reasons, n);
    fraud_buf_init(&buf, p, size);
    fraud_score_print(&buf, reasons, n);

    ngx_http_fraud_set(v, buf.data, buf.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_mode_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_fraud_ctx_t       *ctx;
    ngx_http_fraud_loc_conf_t  *flcf;

    static ngx_str_t  modes[] = {
        ngx_string("off"),
        ngx_string("observe"),
        ngx_string("enforce")
    };

    ctx = ngx_http_fraud_get_ctx(r);

    flcf = ctx ? ctx->flcf
               : ngx_http_get_module_loc_conf(r, ngx_http_fraud_module);

    ngx_http_fraud_set(v, modes[flcf->mode].data, modes[flcf->mode].len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_state_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char            *name;
    ngx_http_fraud_ctx_t  *ctx;

    ctx = ngx_http_fraud_decided(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    name = ngx_http_fraud_state_name(ctx->state);

    ngx_http_fraud_set(v, (u_char *) name, ngx_strlen(name));

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_country_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char              *p;
    fraud_geo_record_t  *geo, record;

    geo = ngx_http_fraud_located(r, &record);

    if (geo == NULL || geo->country[0] == '\0') {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, geo->country, 2);
    ngx_http_fraud_set(v, p, 2);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_asn_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char              *p;
    fraud_geo_record_t  *geo, record;

    geo = ngx_http_fraud_located(r, &record);

    if (geo == NULL || geo->asn == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT32_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_fraud_set(v, p, ngx_sprintf(p, "%uD", geo->asn) - p);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_pid_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t  *name = (ngx_str_t *) data;

    u_char                     *p;
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_http_fraud_ctx_t       *ctx;
    ngx_http_fraud_identity_t  *identity;

    v->not_found = 1;

    ctx = ngx_http_fraud_decided(r);

    if (ctx == NULL) {
        return NGX_OK;
    }

    for (i = 0; i < ctx->flcf->nidentities; i++) {
        identity = ctx->flcf->identities[i];

        if (identity->name.len != name->len
            || ngx_strncmp(identity->name.data, name->data, name->len) != 0)
        {
            continue;
        }

        p = ngx_pnalloc(r->pool, FRAUD_PID_TEXT_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        rc = ngx_http_fraud_log_name(ctx, identity, p);

        if (rc == NGX_OK) {
            ngx_http_fraud_set(v, p, FRAUD_PID_TEXT_LEN);

        } else if (rc == NGX_BUSY) {
            ngx_http_fraud_set(v, (u_char *) "-", 1);
        }

        return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
    }

    return NGX_OK;
}


static ngx_http_fraud_ctx_t *
ngx_http_fraud_decided(ngx_http_request_t *r)
{
    ngx_http_fraud_ctx_t  *ctx;

    ctx = ngx_http_fraud_get_ctx(r);

    return ctx && ctx->decided ? ctx : NULL;
}


/* conditions may ask before the decision */

static fraud_geo_record_t *
ngx_http_fraud_located(ngx_http_request_t *r, fraud_geo_record_t *record)
{
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_fraud_module);

    if (fmcf->geo.nelts == 0 || !fmcf->enabled) {
        return NULL;
    }

    return ngx_http_fraud_locate(r, fmcf, record);
}


static void
ngx_http_fraud_set(ngx_http_variable_value_t *v, u_char *data, size_t len)
{
    v->data = data;
    v->len = (unsigned) len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
