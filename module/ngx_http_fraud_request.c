
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"


/* since 1.23.0 equal headers are linked, not collected in arrays */


ngx_uint_t
ngx_http_fraud_forwarded(ngx_http_request_t *r)
{
#if !(NGX_HTTP_X_FORWARDED_FOR)
    return 0;
#elif (nginx_version >= 1023000)
    return r->headers_in.x_forwarded_for != NULL;
#else
    return r->headers_in.x_forwarded_for.nelts != 0;
#endif
}


ngx_int_t
ngx_http_fraud_add_header(ngx_http_request_t *r, const char *name,
    u_char *value, size_t len)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = value;
    h->value.len = len;
    h->lowcase_key = NULL;

    return NGX_OK;
}
