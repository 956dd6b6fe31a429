
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_str.h"


/*
 * An issued cookie is 128 random bits, derived from nothing.  Nothing is
 * kept of it until it comes back.
 */


#define NGX_HTTP_FRAUD_MAX_AGE   "; Max-Age=31536000"
#define NGX_HTTP_FRAUD_SECURE    "; Secure"


static ngx_int_t ngx_http_fraud_session_arg(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_str_t *path, ngx_str_t *domain, ngx_str_t *samesite);
static ngx_int_t ngx_http_fraud_session_identity(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *flcf, ngx_http_fraud_session_t *session);
static ngx_uint_t ngx_http_fraud_session_missing(ngx_http_request_t *r,
    ngx_http_fraud_loc_conf_t *flcf);
static ngx_int_t ngx_http_fraud_session_header_filter(ngx_http_request_t *r);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static ngx_str_t  ngx_http_fraud_samesite[] = {
    ngx_string("strict"),
    ngx_string("lax"),
    ngx_string("none"),
    ngx_null_string
};


char *
ngx_http_fraud_session_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_fraud_loc_conf_t *flcf = conf;

    u_char                    *p;
    ngx_str_t                 *value, path, domain, samesite;
    ngx_uint_t                 i, persistent;
    ngx_http_fraud_session_t  *session;

    if (flcf->cookie != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (!fraud_str_is_name((char *) value[1].data, value[1].len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_session\": invalid cookie name \"%V\", use "
                           "1 to 32 letters, digits and \"_\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    session = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_session_t));
    if (session == NULL) {
        return NGX_CONF_ERROR;
    }

    session->name = value[1];
    session->place.file = cf->conf_file->file.name;
    session->place.line = cf->conf_file->line;

    ngx_str_set(&path, "/");
    ngx_str_set(&samesite, "lax");
    ngx_str_null(&domain);
    persistent = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (i == 2 && ngx_strcmp(value[i].data, "session") == 0) {
            continue;
        }

        if (i == 2 && ngx_strcmp(value[i].data, "persistent") == 0) {
            persistent = 1;
            continue;
        }

        if (ngx_http_fraud_session_arg(cf, &value[i], &path, &domain,
                                       &samesite)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    p = ngx_pnalloc(cf->pool, sizeof("; Path=; Domain=; HttpOnly; SameSite="
                                     NGX_HTTP_FRAUD_MAX_AGE
                                     NGX_HTTP_FRAUD_SECURE)
                              + path.len + domain.len + samesite.len);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    session->attributes.data = p;

    p = ngx_sprintf(p, "; Path=%V", &path);

    if (domain.len) {
        p = ngx_sprintf(p, "; Domain=%V", &domain);
    }

    p = ngx_sprintf(p, "; HttpOnly; SameSite=%V%s", &samesite,
                    persistent ? NGX_HTTP_FRAUD_MAX_AGE : "");

    session->attributes.len = p - session->attributes.data;
    session->persistent = persistent;

    flcf->cookie = session;

    if (ngx_http_fraud_session_identity(cf, flcf, session) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_fraud_session_arg(ngx_conf_t *cf, ngx_str_t *arg, ngx_str_t *path,
    ngx_str_t *domain, ngx_str_t *samesite)
{
    u_char     *p;
    ngx_str_t   text, *known;

    /* nothing that would end the attribute or the header */

    for (p = arg->data; p < arg->data + arg->len; p++) {
        if (*p <= ' ' || *p == ';' || *p == ',' || *p >= 0x7f) {
            goto invalid;
        }
    }

    if (ngx_http_fraud_arg(arg, "path=/", &text)) {
        path->data = text.data - 1;
        path->len = text.len + 1;
        return NGX_OK;
    }

    if (ngx_http_fraud_arg(arg, "domain=", &text) && text.len) {
        *domain = text;
        return NGX_OK;
    }

    if (ngx_http_fraud_arg(arg, "samesite=", &text)) {
        for (known = ngx_http_fraud_samesite; known->len; known++) {
            if (text.len == known->len
                && ngx_strncmp(text.data, known->data, text.len) == 0)
            {
                *samesite = *known;
                return NGX_OK;
            }
        }
    }

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"fraud_session\": invalid parameter \"%V\", use "
                       "\"session\" or \"persistent\" first, then \"path=/...\""
                       ", \"domain=\" or \"samesite=\" strict, lax or none",
                       arg);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_fraud_session_identity(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *flcf, ngx_http_fraud_session_t *session)
{
    ngx_str_t                   name;
    ngx_http_fraud_identity_t  *identity;

    name.len = sizeof("$cookie_") - 1 + session->name.len;
    name.data = ngx_pnalloc(cf->pool, name.len + 1);
    identity = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_identity_t));

    if (name.data == NULL || identity == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(name.data, "$cookie_%V%Z", &session->name);

    ngx_str_set(&identity->name, "session");
    identity->kind = NGX_HTTP_FRAUD_SESSION;
    identity->issued = 1;

    identity->value = ngx_http_fraud_compile(cf, &name);
    if (identity->value == NULL) {
        return NGX_ERROR;
    }

    session->index = identity->value->index;

    return ngx_http_fraud_add_identity(cf, flcf, identity);
}


ngx_int_t
ngx_http_fraud_session_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_fraud_session_header_filter;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_fraud_session_missing(ngx_http_request_t *r,
    ngx_http_fraud_loc_conf_t *flcf)
{
    fraud_pid_t                 pid;
    ngx_http_variable_value_t  *vv;

    if (flcf->cookie == NULL || flcf->mode == NGX_HTTP_FRAUD_OFF
        || ngx_http_fraud_policy_objects(r))
    {
        return 0;
    }

    vv = ngx_http_get_indexed_variable(r, flcf->cookie->index);

    return vv == NULL || vv->not_found
           || fraud_pid_decode(&pid, (char *) vv->data, vv->len) != FRAUD_OK;
}


static ngx_int_t
ngx_http_fraud_session_header_filter(ngx_http_request_t *r)
{
    u_char                     *p, *cookie;
    fraud_pid_t                 pid;
    fraud_pid_key_t             random;
    ngx_http_fraud_session_t   *session;
    ngx_http_fraud_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_fraud_module);

    if (r != r->main || !ngx_http_fraud_session_missing(r, flcf)) {
        return ngx_http_next_header_filter(r);
    }

    session = flcf->cookie;

    cookie = ngx_pnalloc(r->pool, session->name.len + 1 + FRAUD_PID_TEXT_LEN
                                  + session->attributes.len
                                  + sizeof(NGX_HTTP_FRAUD_SECURE));

    if (cookie == NULL || fraud_pid_key_random(&random) != FRAUD_OK) {
        return NGX_ERROR;
    }

    ngx_memcpy(pid.bytes, random.bytes, FRAUD_PID_LEN);

    p = ngx_cpymem(cookie, session->name.data, session->name.len);
    *p++ = '=';

    fraud_pid_encode((char *) p, &pid);

    p += FRAUD_PID_TEXT_LEN;
    p = ngx_cpymem(p, session->attributes.data, session->attributes.len);

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        p = ngx_cpymem(p, NGX_HTTP_FRAUD_SECURE,
                       sizeof(NGX_HTTP_FRAUD_SECURE) - 1);
    }
#endif

    if (ngx_http_fraud_add_header(r, "Set-Cookie", cookie, p - cookie)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


/* "1" if this response issues a cookie: the client returned none */

ngx_int_t
ngx_http_fraud_session_new_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_fraud_loc_conf_t  *flcf;

    r = r->main;
    flcf = ngx_http_get_module_loc_conf(r, ngx_http_fraud_module);

    v->not_found = !ngx_http_fraud_session_missing(r, flcf);
    v->valid = !v->not_found;
    v->no_cacheable = 0;
    v->data = (u_char *) "1";
    v->len = 1;

    return NGX_OK;
}
