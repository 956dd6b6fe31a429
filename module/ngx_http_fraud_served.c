
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_day.h"


/*
 * Which server is under which policy: a promise is not kept by one that is
 * taken away from it, or exchanged for another.  What was in force is in the
 * file .servers beside the policies, a line each: policy, blank, server.
 */


#define NGX_HTTP_FRAUD_SERVED_SIZE  (4 * 1024 * 1024)
#define NGX_HTTP_FRAUD_SERVED_DAY   10


/* a server, by its first name or, without one, by its address and port */

typedef struct {
    ngx_str_t                   name;
    ngx_http_fraud_policy_t    *policy;   /* NULL: none */
} ngx_http_fraud_served_t;


static ngx_int_t ngx_http_fraud_served_find(ngx_conf_t *cf,
    ngx_array_t *served);
static ngx_int_t ngx_http_fraud_served_add(ngx_conf_t *cf,
    ngx_array_t *served, ngx_http_core_srv_conf_t *cscf, ngx_str_t *address);
static ngx_int_t ngx_http_fraud_served_print(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf, ngx_array_t *served);
static ngx_int_t ngx_http_fraud_served_line(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf, ngx_array_t *served, ngx_str_t *policy,
    ngx_str_t *server, uint32_t today);
static ngx_int_t ngx_http_fraud_served_without(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf, ngx_str_t *server, fraud_policy_t *old,
    uint32_t today);


ngx_int_t
ngx_http_fraud_served_check(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf,
    uint32_t today)
{
    u_char       *p, *eol, *blank, *last;
    ngx_str_t     path, text, policy, server;
    ngx_int_t     rc;
    ngx_array_t   served;

    if (ngx_array_init(&served, cf->temp_pool, 16,
                       sizeof(ngx_http_fraud_served_t))
        != NGX_OK
        || ngx_http_fraud_served_find(cf, &served) != NGX_OK
        || ngx_http_fraud_served_print(cf, fmcf, &served) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&path, NGX_HTTP_FRAUD_SERVED);

    rc = ngx_http_fraud_notice_load(fmcf, &path, cf->temp_pool,
                                    NGX_HTTP_FRAUD_SERVED_SIZE, &text);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      "\"fraud_policy\": \"%V/policies/%V\" of the policies "
                      "in force cannot be read, put back what was there",
                      &fmcf->keys_dir, &path);
        return NGX_ERROR;
    }

    last = text.data + text.len;

    for (p = text.data; p < last; p = eol + 1) {

        eol = ngx_strlchr(p, last, LF);

        if (eol == NULL) {
            break;
        }

        blank = ngx_strlchr(p, eol, ' ');

        if (blank == NULL) {
            continue;
        }

        policy.data = p;
        policy.len = blank - p;
        server.data = blank + 1;
        server.len = eol - server.data;

        if (ngx_http_fraud_served_line(cf, fmcf, &served, &policy, &server,
                                       today)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_served_find(ngx_conf_t *cf, ngx_array_t *served)
{
    ngx_uint_t                   i, k, s;
    ngx_http_conf_addr_t        *addr;
    ngx_http_conf_port_t        *port;
    ngx_http_core_srv_conf_t   **cscf;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL) {
        return NGX_OK;
    }

    port = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {
        addr = port[i].addrs.elts;

        for (k = 0; k < port[i].addrs.nelts; k++) {
            cscf = addr[k].servers.elts;

            for (s = 0; s < addr[k].servers.nelts; s++) {
                if (ngx_http_fraud_served_add(cf, served, cscf[s],
                                              &addr[k].opt.addr_text)
                    != NGX_OK)
                {
                    return NGX_ERROR;
                }
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_served_add(ngx_conf_t *cf, ngx_array_t *served,
    ngx_http_core_srv_conf_t *cscf, ngx_str_t *address)
{
    ngx_str_t                   name;
    ngx_uint_t                  i;
    ngx_http_fraud_served_t    *known;
    ngx_http_fraud_loc_conf_t  *flcf;

    flcf = cscf->ctx->loc_conf[ngx_http_fraud_module.ctx_index];

    name = cscf->server_name.len ? cscf->server_name : *address;
    known = served->elts;

    for (i = 0; i < served->nelts; i++) {
        if (ngx_http_fraud_same(&known[i].name, &name)
            && known[i].policy == flcf->policy)
        {
            return NGX_OK;
        }
    }

    known = ngx_array_push(served);
    if (known == NULL) {
        return NGX_ERROR;
    }

    known->name = name;
    known->policy = flcf->policy;

    return NGX_OK;
}


/* what is kept when this configuration is used */

static ngx_int_t
ngx_http_fraud_served_print(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf,
    ngx_array_t *served)
{
    size_t                    len;
    u_char                   *p;
    ngx_uint_t                i;
    ngx_http_fraud_served_t  *one;

    one = served->elts;
    len = 0;

    for (i = 0; i < served->nelts; i++) {
        if (one[i].policy) {
            len += one[i].policy->name.len + one[i].name.len + 2;
        }
    }

    p = ngx_pnalloc(cf->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    fmcf->served.data = p;
    fmcf->served.len = len;

    for (i = 0; i < served->nelts; i++) {
        if (one[i].policy) {
            p = ngx_sprintf(p, "%V %V\n", &one[i].policy->name, &one[i].name);
        }
    }

    return NGX_OK;
}


/* a server that was under a policy, and is not under that any more */

static ngx_int_t
ngx_http_fraud_served_line(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf,
    ngx_array_t *served, ngx_str_t *policy, ngx_str_t *server, uint32_t today)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    fraud_policy_t            old;
    ngx_http_fraud_served_t  *one;

    one = served->elts;

    for (i = 0; i < served->nelts; i++) {
        if (one[i].policy && ngx_http_fraud_same(&one[i].name, server)
            && ngx_http_fraud_same(&one[i].policy->name, policy))
        {
            return NGX_OK;
        }
    }

    rc = ngx_http_fraud_notice_old(cf, fmcf, policy, &old);

    if (rc != NGX_OK) {
        /* whoever takes away what was in force takes it away */
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    for (i = 0; i < served->nelts; i++) {

        if (!ngx_http_fraud_same(&one[i].name, server)) {
            continue;
        }

        rc = one[i].policy
             ? ngx_http_fraud_notice_due(cf, one[i].policy, &old, server,
                                         today)
             : ngx_http_fraud_served_without(cf, fmcf, server, &old, today);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the day on which it was announced is in the file POLICY.end */

static ngx_int_t
ngx_http_fraud_served_without(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf,
    ngx_str_t *server, fraud_policy_t *old, uint32_t today)
{
    u_char       name[FRAUD_NAME_MAX + sizeof(".end")];
    uint32_t     day, notice;
    ngx_str_t    path, text;

    path.data = name;
    path.len = ngx_sprintf(name, "%s.end", old->name) - name;

    notice = (old->settings.notice + FRAUD_SETTING_DAY - 1)
             / FRAUD_SETTING_DAY;

    if (ngx_http_fraud_notice_load(fmcf, &path, cf->temp_pool, 64, &text)
        == NGX_OK
        && text.len >= NGX_HTTP_FRAUD_SERVED_DAY
        && fraud_day_parse(&day, (char *) text.data,
                           NGX_HTTP_FRAUD_SERVED_DAY)
           == FRAUD_OK
        && today >= day + notice)
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"fraud_policy\": server \"%V\" was under policy \"%s\" "
                  "and is under none now, put it back or announce the end: "
                  "write the day (YYYY-MM-DD) of the notice to "
                  "\"%V/policies/%V\", it may end %uD days later",
                  server, old->name, &fmcf->keys_dir, &path, notice);

    return NGX_ERROR;
}
