
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"


static void ngx_http_fraud_make_pid(ngx_http_fraud_main_conf_t *fmcf,
    ngx_uint_t key, ngx_str_t *domain, ngx_str_t *subject, fraud_pid_t *pid);


/* the text of a value; NGX_DECLINED if it is empty or there is none */

ngx_int_t
ngx_http_fraud_value(ngx_http_request_t *r, ngx_http_fraud_value_t *value,
    ngx_str_t *text)
{
    ngx_http_variable_value_t  *vv;

    if (value->index >= 0) {
        vv = ngx_http_get_flushed_variable(r, value->index);

        if (vv == NULL || vv->not_found || vv->len == 0) {
            return NGX_DECLINED;
        }

        text->data = vv->data;
        text->len = vv->len;

        return NGX_OK;
    }

    if (ngx_http_complex_value(r, &value->cv, text) != NGX_OK) {
        return NGX_ERROR;
    }

    return text->len ? NGX_OK : NGX_DECLINED;
}


ngx_uint_t
ngx_http_fraud_true(ngx_http_request_t *r, ngx_http_fraud_value_t *value)
{
    ngx_str_t  text;

    return ngx_http_fraud_value(r, value, &text) == NGX_OK
           && (text.len != 1 || text.data[0] != '0');
}


/* the client as realip left it; NGX_DECLINED for a unix socket */

ngx_int_t
ngx_http_fraud_client(ngx_http_request_t *r, fraud_ip_t *ip)
{
    return ngx_http_fraud_peer(r->connection, ip);
}


ngx_int_t
ngx_http_fraud_peer(ngx_connection_t *c, fraud_ip_t *ip)
{
    fraud_rc              rc;
    struct sockaddr      *sa;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    sa = c->sockaddr;

    switch (sa->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sa;
        rc = fraud_ip_from_bytes(ip, sin6->sin6_addr.s6_addr, 16);
        break;
#endif

    case AF_INET:
        sin = (struct sockaddr_in *) sa;
        rc = fraud_ip_from_bytes(ip, (uint8_t *) &sin->sin_addr, 4);
        break;

    default:
        rc = FRAUD_EINVAL;
        break;
    }

    return rc == FRAUD_OK ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_fraud_address(ngx_http_request_t *r, ngx_http_fraud_value_t *value,
    fraud_ip_t *ip)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    if (value == NULL || value->client) {
        return ngx_http_fraud_client(r, ip);
    }

    rc = ngx_http_fraud_value(r, value, &text);

    if (rc != NGX_OK) {
        return rc;
    }

    return fraud_ip_parse(ip, (char *) text.data, text.len) == FRAUD_OK
           ? NGX_OK : NGX_DECLINED;
}


/*
 * The canonical bytes of the subject under an identity: of an address in
 * ip, which has to live as long as they do.
 */

ngx_int_t
ngx_http_fraud_subject(ngx_http_request_t *r,
    ngx_http_fraud_identity_t *identity, fraud_ip_t *ip, ngx_str_t *subject)
{
    ngx_int_t    rc;
    ngx_uint_t   objects;
    fraud_pid_t  issued;

    objects = ngx_http_fraud_policy_objects(r);

    if (objects
        && (identity->kind == NGX_HTTP_FRAUD_SESSION
            || identity->kind == NGX_HTTP_FRAUD_DEVICE
            || (objects == NGX_HTTP_FRAUD_OBJECTS_ALL
                && identity->kind == NGX_HTTP_FRAUD_ACCOUNT)))
    {
        return NGX_DECLINED;
    }

    if (identity->kind != NGX_HTTP_FRAUD_ADDRESS) {
        rc = ngx_http_fraud_value(r, identity->value, subject);

        if (rc == NGX_OK && identity->issued
            && fraud_pid_decode(&issued, (char *) subject->data, subject->len)
               != FRAUD_OK)
        {
            /* no cookie of ours has this form */
            return NGX_DECLINED;
        }

        return rc;
    }

    rc = ngx_http_fraud_address(r, identity->value, ip);

    if (rc != NGX_OK) {
        return rc;
    }

    fraud_ip_mask(ip, (unsigned) identity->ipv4, (unsigned) identity->ipv6);

    if (objects == NGX_HTTP_FRAUD_OBJECTS_ALL) {
        fraud_ip_mask(ip, NGX_HTTP_FRAUD_PREFIX4, NGX_HTTP_FRAUD_PREFIX6);
    }

    subject->data = ip->bytes;
    subject->len = fraud_ip_len(ip);

    return NGX_OK;
}


void
ngx_http_fraud_pid(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, fraud_pid_t *pid)
{
    ngx_http_fraud_make_pid(fmcf, domain->key, &domain->name, subject, pid);
}


/* the pseudonym that readers of logs see: nothing joins it to the store's */

void
ngx_http_fraud_log_pid(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain, ngx_str_t *subject, fraud_pid_t *pid)
{
    ngx_http_fraud_make_pid(fmcf, domain->log_key, &domain->log_name, subject,
                            pid);
}


static void
ngx_http_fraud_make_pid(ngx_http_fraud_main_conf_t *fmcf, ngx_uint_t key,
    ngx_str_t *domain, ngx_str_t *subject, fraud_pid_t *pid)
{
    fraud_str_t  name;

    name.data = domain->data;
    name.len = domain->len;

    fraud_pid_make(pid, &fmcf->zone.keys[key].current, name, subject->data,
                   subject->len);
}


/*
 * a value among those that are counted, as long as the zone lives or, with
 * secrets in files, in this epoch
 */

uint64_t
ngx_http_fraud_hash(ngx_http_fraud_main_conf_t *fmcf, ngx_str_t *value)
{
    uint64_t     hash;
    fraud_pid_t  pid;

    fraud_pid_make(&pid, &fmcf->zone.secrets->hash_key, FRAUD_STR("value"),
                   value->data, value->len);

    ngx_memcpy(&hash, pid.bytes, sizeof(hash));

    return hash;
}


/*
 * the pseudonym of a request's subject under an identity, as text; NGX_BUSY if
 * there is a subject but no secret
 */

ngx_int_t
ngx_http_fraud_log_name(ngx_http_fraud_ctx_t *ctx,
    ngx_http_fraud_identity_t *identity, u_char *text)
{
    ngx_int_t    rc;
    ngx_str_t    subject;
    ngx_uint_t   i;
    fraud_ip_t   ip;
    fraud_pid_t  pid, log_pid;

    rc = NGX_DECLINED;

    if (!ngx_http_fraud_policy_shows(ctx->flcf->policy, identity)) {
        return NGX_DECLINED;
    }

    /* what an account is, is read from the response */

    if (!identity->verified || (ctx->logged && !ctx->refused)) {
        rc = ngx_http_fraud_subject(ctx->request, identity, &ip, &subject);
    }

    if (rc == NGX_OK && ctx->fmcf->zone.keyless) {
        return NGX_BUSY;
    }

    if (rc == NGX_OK) {
        ngx_http_fraud_log_pid(ctx->fmcf, identity->domain, &subject,
                               &log_pid);
    }

    for (i = 0;
         identity->verified && rc == NGX_DECLINED && i < ctx->flcf->nsubjects;
         i++)
    {
        if (ctx->flcf->subjects[i].identity == identity) {
            rc = ngx_http_fraud_account(ctx, &ctx->flcf->subjects[i], &pid,
                                        &log_pid);
            break;
        }
    }

    if (rc == NGX_OK) {
        fraud_pid_encode((char *) text, &log_pid);
    }

    return rc;
}
