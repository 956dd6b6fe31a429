
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_conf.h"
#include "fraud_leak.h"


/*
 * Warnings of what else in a configuration writes about people where there is
 * a policy.  Other modules keep what they made of their directives to
 * themselves, so the files are read once more.  What cannot be read now was
 * read by nginx a moment ago: nothing is said about it.
 */


#define NGX_HTTP_FRAUD_LEAKS_FILES  1024
#define NGX_HTTP_FRAUD_LEAKS_DEPTH  16                 /* of includes */
#define NGX_HTTP_FRAUD_LEAKS_SIZE   (8 * 1024 * 1024)  /* of a file */


typedef struct {
    ngx_conf_t                *cf;
    fraud_alias_t             *alias;    /* is filled, if there is no leak */
    fraud_leak_t              *leak;
    ngx_array_t                files;    /* names, ngx_str_t */
    ngx_uint_t                 depth;
} ngx_http_fraud_leaks_t;


static void ngx_http_fraud_leaks_file(ngx_http_fraud_leaks_t *leaks,
    ngx_str_t *name);
static ngx_int_t ngx_http_fraud_leaks_load(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text);
static void ngx_http_fraud_leaks_include(ngx_http_fraud_leaks_t *leaks,
    fraud_str_t *word);
static void ngx_http_fraud_leaks_tell(ngx_http_fraud_leaks_t *leaks,
    fraud_leak_item_t *item);


/* what variables are made of, for as long as the configuration is read */

ngx_int_t
ngx_http_fraud_leaks_alias(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_uint_t                 i;
    ngx_http_fraud_leaks_t     leaks;
    ngx_http_fraud_policy_t  **policies;

    if (!ngx_http_fraud_has_policies(fmcf)) {
        return NGX_OK;
    }

    ngx_memzero(&leaks, sizeof(ngx_http_fraud_leaks_t));

    leaks.cf = cf;
    leaks.alias = ngx_palloc(cf->temp_pool, sizeof(fraud_alias_t));

    if (leaks.alias == NULL
        || ngx_array_init(&leaks.files, cf->temp_pool, 8, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    fraud_alias_init(leaks.alias);

    ngx_http_fraud_leaks_file(&leaks, &cf->cycle->conf_file);

    policies = fmcf->policies.elts;

    for (i = 0; i < fmcf->policies.nelts; i++) {
        policies[i]->alias = leaks.alias;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_fraud_leaks(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_uint_t                 i, unlogged;
    ngx_http_fraud_leaks_t     leaks;
    ngx_http_fraud_policy_t  **policies;

    if (!ngx_http_fraud_has_policies(fmcf)) {
        return NGX_OK;
    }

    policies = fmcf->policies.elts;

    leaks.cf = cf;
    leaks.depth = 0;
    leaks.alias = policies[0]->alias;
    leaks.leak = ngx_palloc(cf->temp_pool, sizeof(fraud_leak_t));

    if (leaks.leak == NULL
        || ngx_array_init(&leaks.files, cf->temp_pool, 8, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    fraud_leak_init(leaks.leak, leaks.alias);

    ngx_http_fraud_leaks_file(&leaks, &cf->cycle->conf_file);

    unlogged = fraud_leak_find(leaks.leak);

    for (i = 0; i < leaks.leak->nitems; i++) {
        if (leaks.leak->items[i].told) {
            ngx_http_fraud_leaks_tell(&leaks, &leaks.leak->items[i]);
        }
    }

    if (unlogged) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"access_log\" is not set, and nginx's own format "
                      "\"combined\" writes $remote_addr where a "
                      "\"fraud_policy\" is in force, use the format "
                      "\"fraud_combined\" or \"access_log off\"");
    }

    if (leaks.leak->full || (leaks.alias && leaks.alias->full)) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"fraud_policy\": the configuration is too large to be "
                      "looked through for what else names people");
    }

    for (i = 0; i < fmcf->policies.nelts; i++) {
        policies[i]->alias = NULL;
    }

    return NGX_OK;
}


static void
ngx_http_fraud_leaks_file(ngx_http_fraud_leaks_t *leaks, ngx_str_t *name)
{
    size_t             file;
    ngx_str_t          text, *known;
    fraud_conf_t       conf;
    fraud_conf_what_t  what;

    if (leaks->depth == NGX_HTTP_FRAUD_LEAKS_DEPTH
        || leaks->files.nelts == NGX_HTTP_FRAUD_LEAKS_FILES
        || ngx_http_fraud_leaks_load(leaks->cf, name, &text) != NGX_OK)
    {
        return;
    }

    known = ngx_array_push(&leaks->files);
    if (known == NULL) {
        return;
    }

    *known = *name;
    file = leaks->files.nelts - 1;

    leaks->depth++;

    fraud_conf_init(&conf, text.data, text.len);

    for ( ;; ) {
        what = fraud_conf_next(&conf);

        switch (what) {

        case FRAUD_CONF_OPEN:

            if (leaks->leak) {
                fraud_leak_open(leaks->leak, conf.words, conf.n);

            } else {
                fraud_alias_open(leaks->alias, conf.words, conf.n);
            }

            break;

        case FRAUD_CONF_CLOSE:

            if (leaks->leak) {
                fraud_leak_close(leaks->leak);

            } else {
                fraud_alias_close(leaks->alias);
            }

            break;

        case FRAUD_CONF_DIRECTIVE:

            if (conf.n == 2 && conf.words[0].len == sizeof("include") - 1
                && ngx_strncmp(conf.words[0].data, "include", 7) == 0)
            {
                ngx_http_fraud_leaks_include(leaks, &conf.words[1]);
                break;
            }

            if (leaks->leak) {
                fraud_leak_directive(leaks->leak, conf.words, conf.n, file,
                                     conf.first);

            } else {
                fraud_alias_directive(leaks->alias, conf.words, conf.n);
            }

            break;

        default: /* FRAUD_CONF_END */
            leaks->depth--;
            return;
        }
    }
}


/* no more than there is: what is no regular file ends at once */

static ngx_int_t
ngx_http_fraud_leaks_load(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return NGX_DECLINED;
    }

    text->len = 0;
    text->data = NULL;

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR && ngx_is_file(&fi)
        && ngx_file_size(&fi) <= NGX_HTTP_FRAUD_LEAKS_SIZE)
    {
        text->data = ngx_pnalloc(cf->temp_pool, ngx_file_size(&fi) + 1);
    }

    if (text->data) {
        n = ngx_read_fd(fd, text->data, ngx_file_size(&fi));
        text->len = n > 0 ? n : 0;
    }

    (void) ngx_close_file(fd);

    return text->data ? NGX_OK : NGX_DECLINED;
}


static void
ngx_http_fraud_leaks_include(ngx_http_fraud_leaks_t *leaks, fraud_str_t *word)
{
    ngx_str_t   name, *file;
    ngx_glob_t  gl;

    name.len = word->len;
    name.data = ngx_pnalloc(leaks->cf->temp_pool, word->len + 1);

    if (name.data == NULL) {
        return;
    }

    *ngx_cpymem(name.data, word->data, word->len) = '\0';

    if (ngx_conf_full_name(leaks->cf->cycle, &name, 1) != NGX_OK) {
        return;
    }

    ngx_memzero(&gl, sizeof(ngx_glob_t));

    gl.pattern = name.data;
    gl.log = leaks->cf->log;
    gl.test = 1;

    if (ngx_open_glob(&gl) != NGX_OK) {
        return;
    }

    while (ngx_read_glob(&gl, &name) == NGX_OK) {

        file = ngx_palloc(leaks->cf->temp_pool, sizeof(ngx_str_t));
        if (file == NULL) {
            break;
        }

        file->len = name.len;
        file->data = ngx_pnalloc(leaks->cf->temp_pool, name.len + 1);

        if (file->data == NULL) {
            break;
        }

        *ngx_cpymem(file->data, name.data, name.len) = '\0';

        ngx_http_fraud_leaks_file(leaks, file);
    }

    ngx_close_glob(&gl);
}


static void
ngx_http_fraud_leaks_tell(ngx_http_fraud_leaks_t *leaks,
    fraud_leak_item_t *item)
{
    ngx_str_t   *file;
    ngx_uint_t   line;

    file = leaks->files.elts;
    file += item->file;
    line = item->line;

    switch (item->family) {

    case FRAUD_LEAK_ACCESS_LOG:
        ngx_log_error(NGX_LOG_WARN, leaks->cf->log, 0,
                      "\"access_log\" writes $%s where a \"fraud_policy\" is "
                      "in force, use the format \"fraud_combined\" in %V:%ui",
                      item->variable, file, line);
        break;

    case FRAUD_LEAK_BODY_FILE:
        ngx_log_error(NGX_LOG_WARN, leaks->cf->log, 0,
                      "\"client_body_in_file_only on\" keeps what people send "
                      "in files where a \"fraud_policy\" is in force, use "
                      "\"clean\" or \"off\" in %V:%ui", file, line);
        break;

    case FRAUD_LEAK_CORE:
        ngx_log_error(NGX_LOG_WARN, leaks->cf->log, 0,
                      "\"worker_rlimit_core\" is set, a core has what people "
                      "sent, use 0 in %V:%ui", file, line);
        break;

    case FRAUD_LEAK_PROXY_CACHE:
        ngx_log_error(NGX_LOG_WARN, leaks->cf->log, 0,
                      "\"proxy_cache\" without \"proxy_cache_key\" writes "
                      "$request_uri into files of the cache where a "
                      "\"fraud_policy\" is in force, add "
                      "\"proxy_cache_key $scheme$proxy_host$uri;\" in %V:%ui",
                      file, line);
        break;

    default: /* keys of caches */
        ngx_log_error(NGX_LOG_WARN, leaks->cf->log, 0,
                      "\"%s_cache_key\" writes $%s into files of the cache "
                      "where a \"fraud_policy\" is in force, use $uri "
                      "in %V:%ui",
                      item->family == FRAUD_LEAK_PROXY_KEY ? "proxy"
                      : item->family == FRAUD_LEAK_FASTCGI_KEY ? "fastcgi"
                      : item->family == FRAUD_LEAK_UWSGI_KEY ? "uwsgi"
                      : "scgi",
                      item->variable, file, line);
        break;
    }
}
