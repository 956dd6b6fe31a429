
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"


/*
 * What an operator orders of a running nginx, by fraudctl: a POST whose
 * headers say what to do with whom, so that no name of a person gets into a
 * URI or a log.
 */


#define NGX_HTTP_FRAUD_CONTROL_LEN  256


static ngx_int_t ngx_http_fraud_control_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_fraud_control_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
static ngx_int_t ngx_http_fraud_control_reset(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value, ngx_uint_t *n);


char *
ngx_http_fraud_control_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == ngx_http_fraud_control_handler) {
        return "is duplicate";
    }

    clcf->handler = ngx_http_fraud_control_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_fraud_control_handler(ngx_http_request_t *r)
{
    ngx_int_t      rc;
    ngx_buf_t     *b;
    ngx_str_t      operation, identity, value;
    ngx_uint_t     n;
    fraud_event_t  event;

    if (r->method != NGX_HTTP_POST) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_fraud_control_header(r, "fraud-operation", &operation)
        != NGX_OK
        || ngx_http_fraud_control_header(r, "fraud-identity", &identity)
           != NGX_OK
        || ngx_http_fraud_control_header(r, "fraud-value", &value) != NGX_OK
        || operation.len != 5
        || ngx_strncmp(operation.data, "reset", 5) != 0)
    {
        return NGX_HTTP_BAD_REQUEST;
    }

    rc = ngx_http_fraud_control_reset(r, &identity, &value, &n);

    if (rc != NGX_OK) {
        return rc;
    }

    b = ngx_create_temp_buf(r->pool, NGX_HTTP_FRAUD_CONTROL_LEN);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    fraud_event_begin(&event, b->pos, NGX_HTTP_FRAUD_CONTROL_LEN);
    fraud_event_str(&event, FRAUD_STR("identity"), identity.data,
                    identity.len);
    fraud_event_uint(&event, FRAUD_STR("records"), n);

    if (fraud_event_end(&event) != FRAUD_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_fraud_send_json(r, b, event.buf.len);
}


static ngx_int_t
ngx_http_fraud_control_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    len = ngx_strlen(name);
    part = &r->headers_in.headers.part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {

            if (part->next == NULL) {
                return NGX_DECLINED;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

        if (header[i].key.len == len
            && ngx_strncmp(header[i].lowcase_key, name, len) == 0)
        {
            *value = header[i].value;
            return value->len ? NGX_OK : NGX_DECLINED;
        }
    }
}


/* in every prefix length under which the identity is declared */

static ngx_int_t
ngx_http_fraud_control_reset(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value, ngx_uint_t *n)
{
    uint64_t                      now_us;
    ngx_str_t                     subject;
    ngx_uint_t                    i, k, found;
    fraud_ip_t                    ip;
    ngx_http_fraud_identity_t    *identity;
    ngx_http_fraud_loc_conf_t   **location;
    ngx_http_fraud_main_conf_t   *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_fraud_module);

    if (!fmcf->enabled) {
        return NGX_HTTP_NOT_FOUND;
    }

    now_us = ngx_http_fraud_now();
    ngx_http_fraud_zone_epoch(fmcf, now_us);

    if (fmcf->zone.keyless) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    location = fmcf->locations.elts;
    found = 0;
    *n = 0;

    for (i = 0; i < fmcf->locations.nelts; i++) {
        for (k = 0; k < location[i]->nidentities; k++) {
            identity = location[i]->identities[k];

            if (identity->name.len != name->len
                || ngx_strncmp(identity->name.data, name->data, name->len)
                   != 0)
            {
                continue;
            }

            found = 1;
            subject = *value;

            if (identity->kind == NGX_HTTP_FRAUD_ADDRESS) {

                if (fraud_ip_parse(&ip, (char *) value->data, value->len)
                    != FRAUD_OK)
                {
                    return NGX_HTTP_BAD_REQUEST;
                }

                fraud_ip_mask(&ip, (unsigned) identity->ipv4,
                              (unsigned) identity->ipv6);

                subject.data = ip.bytes;
                subject.len = fraud_ip_len(&ip);
            }

            *n += ngx_http_fraud_forget(fmcf, identity->domain, &subject,
                                        now_us);
        }
    }

    return found ? NGX_OK : NGX_HTTP_NOT_FOUND;
}
