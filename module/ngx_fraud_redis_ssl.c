
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_fraud_redis_int.h"


/* TLS of the client's connections, by nginx's own functions */


#if (NGX_SSL)


#define NGX_FRAUD_REDIS_SSL_DEPTH  4     /* of a chain of certificates */


static ngx_int_t ngx_fraud_redis_ssl_name(ngx_fraud_redis_node_t *node,
    ngx_connection_t *c);
static ngx_str_t *ngx_fraud_redis_ssl_host(ngx_fraud_redis_node_t *node);
static ngx_int_t ngx_fraud_redis_ssl_check(ngx_connection_t *c,
    ngx_str_t *host);
static ngx_uint_t ngx_fraud_redis_ssl_literal(ngx_str_t *host);


ngx_int_t
ngx_fraud_redis_ssl_create(ngx_conf_t *cf, ngx_fraud_redis_conf_t *conf,
    ngx_str_t *ca, ngx_str_t *certificate, ngx_str_t *key)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NGX_ERROR;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (certificate->len
        && ngx_ssl_certificate(cf, ssl, certificate, key, NULL) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->ssl_verify && ca->len) {

        if (ngx_ssl_trusted_certificate(cf, ssl, ca,
                                        NGX_FRAUD_REDIS_SSL_DEPTH)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (conf->ssl_verify) {

        if (SSL_CTX_set_default_verify_paths(ssl->ctx) == 0) {
            ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                          "SSL_CTX_set_default_verify_paths() failed");
            return NGX_ERROR;
        }
    }

    conf->ssl = ssl;

    return NGX_OK;
}


/* NGX_AGAIN: handler will be called, else not */

ngx_int_t
ngx_fraud_redis_ssl_start(ngx_fraud_redis_node_t *node,
    ngx_connection_handler_pt handler)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = node->conn.c;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, node->redis->cycle->log, 0,
                   "fraud redis ssl %V", &node->name);

    if (node->redis->conf->ssl == NULL
        || ngx_ssl_create_connection(node->redis->conf->ssl, c,
                                     NGX_SSL_BUFFER|NGX_SSL_CLIENT)
           != NGX_OK
        || ngx_fraud_redis_ssl_name(node, c) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* what the socket does not take is kept elsewhere, see _conn_send() */

    SSL_set_mode(c->ssl->connection, SSL_MODE_ENABLE_PARTIAL_WRITE
                                     |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = handler;
    }

    return rc;
}


static ngx_int_t
ngx_fraud_redis_ssl_name(ngx_fraud_redis_node_t *node, ngx_connection_t *c)
{
#ifdef SSL_CTRL_SET_TLSEXT_HOSTNAME

    u_char     *name;
    ngx_str_t  *host;

    host = ngx_fraud_redis_ssl_host(node);

    /* as per RFC 6066, literal IPv4 and IPv6 addresses are not permitted */

    if (host->len == 0 || ngx_fraud_redis_ssl_literal(host)) {
        return NGX_OK;
    }

    name = ngx_pnalloc(c->pool, host->len + 1);
    if (name == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(name, host->data, host->len + 1);

    if (SSL_set_tlsext_host_name(c->ssl->connection, (char *) name) == 0) {
        ngx_ssl_error(NGX_LOG_ERR, c->log, 0,
                      "SSL_set_tlsext_host_name(\"%s\") failed", name);
        return NGX_ERROR;
    }

#endif

    return NGX_OK;
}


/* of the configuration only: what a node is called by others proves nothing */

static ngx_str_t *
ngx_fraud_redis_ssl_host(ngx_fraud_redis_node_t *node)
{
    if (node->redis->conf->ssl_name.len) {
        return &node->redis->conf->ssl_name;
    }

    return &node->server->host;
}


/* NGX_ERROR: the log of the connection has the reason */

ngx_int_t
ngx_fraud_redis_ssl_verify(ngx_fraud_redis_node_t *node)
{
    long               rc;
    ngx_str_t         *host;
    ngx_connection_t  *c;

    c = node->conn.c;

    if (!node->redis->conf->ssl_verify) {
        return NGX_OK;
    }

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "TLS certificate verify error: (%l:%s)",
                      rc, X509_verify_cert_error_string(rc));
        return NGX_ERROR;
    }

    host = ngx_fraud_redis_ssl_host(node);

    if (ngx_fraud_redis_ssl_check(c, host) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "TLS certificate does not match \"%V\"", host);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* nginx compares names only, and servers are often given by address */

static ngx_int_t
ngx_fraud_redis_ssl_check(ngx_connection_t *c, ngx_str_t *host)
{
#ifdef X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT

    int      rc;
    X509    *cert;
    u_char   text[NGX_SOCKADDR_STRLEN];

    if (ngx_fraud_redis_ssl_literal(host) && host->len < sizeof(text)) {

        cert = SSL_get_peer_certificate(c->ssl->connection);
        if (cert == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_cpystrn(text, host->data, host->len + 1);

        rc = X509_check_ip_asc(cert, (char *) text, 0);

        X509_free(cert);

        return (rc == 1) ? NGX_OK : NGX_ERROR;
    }

#endif

    return ngx_ssl_check_host(c, host);
}


static ngx_uint_t
ngx_fraud_redis_ssl_literal(ngx_str_t *host)
{
    return ngx_inet_addr(host->data, host->len) != INADDR_NONE
           || ngx_strlchr(host->data, host->data + host->len, ':') != NULL;
}


/* before the pool and the socket; says nothing to the server */

void
ngx_fraud_redis_ssl_close(ngx_connection_t *c)
{
    c->ssl->no_wait_shutdown = 1;
    c->ssl->no_send_shutdown = 1;

    (void) ngx_ssl_shutdown(c);
}


#endif
