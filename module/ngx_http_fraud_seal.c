
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_flag.h"


/*
 * Seals: who has billing's key opens those of flags, who has that of the
 * escrow those in the security log.  A worker makes so many a second, of
 * either kind, in the event loop and in the thread that writes flags.
 */


/* what the seal of a log line is bound to: no line needs another to open */

#define NGX_HTTP_FRAUD_LINK  "link_seal"


/* the second, and how many it had; both threads change it */

static ngx_atomic_t  ngx_http_fraud_seals;


char *
ngx_http_fraud_escrow_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_loc_conf_t *flcf = conf;

    ngx_str_t  *value;

    if (flcf->escrow != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    flcf->escrow = ngx_palloc(cf->pool, sizeof(fraud_seal_public_t));
    if (flcf->escrow == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_http_fraud_seal_key(cf, &value[1], flcf->escrow) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_fraud_seal_key(ngx_conf_t *cf, ngx_str_t *file,
    fraud_seal_public_t *key)
{
    char        text[FRAUD_SEAL_LINE];
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_str_t   name, *value;

    value = cf->args->elts;
    name = *file;

    if (name.len == 0 || ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": no file of a public key is named, use one "
                           "that \"fraud-billing keygen\" or \"fraudctl escrow "
                           "keygen\" made", &value[0]);
        return NGX_ERROR;
    }

    fd = ngx_open_file(name.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"%V\": key file \"%V\" cannot be opened",
                           &value[0], &name);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, text, sizeof(text));

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &name);
    }

    if (n > 0 && fraud_seal_read_public(key, text, n) == FRAUD_OK) {
        ngx_explicit_memzero(text, sizeof(text));
        return NGX_OK;
    }

    /* it may be the secret one, which has no place in a server */

    ngx_explicit_memzero(text, sizeof(text));

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": \"%V\" is no public key, use the public file "
                       "that \"fraud-billing keygen\" or \"fraudctl escrow "
                       "keygen\" made", &value[0], &name);
    return NGX_ERROR;
}


/* 1 if there may be one more seal in this second */

ngx_uint_t
ngx_http_fraud_seal_budget(void)
{
    struct timespec    ts;
    ngx_atomic_uint_t  before, after;

    /* nginx's own time is not the thread's, and may be set */

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    do {
        before = ngx_http_fraud_seals;
        after = (ngx_atomic_uint_t) ts.tv_sec << 8;

        if (before >> 8 == after >> 8) {

            if ((before & 0xff) >= NGX_HTTP_FRAUD_SEALS) {
                return 0;
            }

            after = before;
        }

        after++;

    } while (!ngx_atomic_cmp_set(&ngx_http_fraud_seals, before, after));

    return 1;
}


/*
 * The account that this response vouched for, for nobody but the escrow; two
 * seals of one account are never the same.  NGX_DECLINED: none, or too many.
 */

ngx_int_t
ngx_http_fraud_escrow(ngx_http_fraud_ctx_t *ctx, u_char *text, size_t *len)
{
    ngx_str_t                   account;
    ngx_uint_t                  i;
    fraud_ip_t                  ip;
    fraud_str_t                 data;
    ngx_http_fraud_identity_t  *identity;

    if (ctx->flcf->escrow == NULL || !ctx->logged || ctx->refused) {
        return NGX_DECLINED;
    }

    for (i = 0; i < ctx->flcf->nidentities; i++) {
        identity = ctx->flcf->identities[i];

        if (!identity->verified
            || ngx_http_fraud_subject(ctx->request, identity, &ip, &account)
               != NGX_OK
            || account.len > FRAUD_SEAL_MAX_DATA)
        {
            continue;
        }

        data.data = account.data;
        data.len = account.len;

        if (ngx_http_fraud_seal_budget()
            && fraud_seal_close((char *) text, len, ctx->flcf->escrow,
                                FRAUD_STR(NGX_HTTP_FRAUD_LINK), data)
               == FRAUD_OK)
        {
            return NGX_OK;
        }

        return NGX_DECLINED;
    }

    return NGX_DECLINED;
}
