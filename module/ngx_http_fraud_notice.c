
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_day.h"


/*
 * A policy that allows more than the one in force has to be announced as that
 * one promised.  What is in force is in a file of its name in the directory
 * of secrets, written when nginx starts or reloads with it; without such a
 * directory there is no memory of it, and who reloads has to look.
 */


#define NGX_HTTP_FRAUD_KEPT  "/policies/"


static ngx_int_t ngx_http_fraud_notice_one(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_policy_t *policy,
    uint32_t today);
static ngx_int_t ngx_http_fraud_notice_against(ngx_conf_t *cf,
    ngx_http_fraud_policy_t *policy, fraud_policy_t *old, uint32_t today);
static u_char *ngx_http_fraud_notice_path(ngx_http_fraud_main_conf_t *fmcf,
    ngx_str_t *name, ngx_pool_t *pool);
static ngx_int_t ngx_http_fraud_notice_read(u_char *path, u_char *text,
    size_t size, size_t *len);
static ngx_int_t ngx_http_fraud_notice_keep_policy(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_policy_t *policy);
static ngx_int_t ngx_http_fraud_notice_write(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf, ngx_str_t *name, ngx_str_t *text);


ngx_int_t
ngx_http_fraud_notice_check(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf)
{
    uint32_t                    today;
    ngx_uint_t                  i;
    ngx_http_fraud_policy_t   **policies;

    today = (uint32_t) (ngx_time() / FRAUD_SETTING_DAY);
    policies = fmcf->policies.elts;

    for (i = 0; i < fmcf->policies.nelts; i++) {
        if (ngx_http_fraud_notice_one(cf, fmcf, policies[i], today) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (fmcf->keys_dir.len) {
        return ngx_http_fraud_served_check(cf, fmcf, today);
    }

    if (fmcf->policies.nelts && fmcf->enabled) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"fraud_policy\": with \"fraud_keys memory\" it is "
                           "not known which policy was in force before, run "
                           "\"fraudctl policy diff\" when one is changed");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_notice_one(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_policy_t *policy, uint32_t today)
{
    u_char          day[10];
    ngx_int_t       rc;
    fraud_buf_t     buf;
    fraud_policy_t  old;

    if (today < policy->policy.effective) {
        fraud_buf_init(&buf, day, sizeof(day));
        fraud_day_print(&buf, policy->policy.effective);

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_policy\": \"%V\" is not in force before %*s "
                      "in %V", &policy->name, buf.len, day, &policy->file);
        return NGX_ERROR;
    }

    if (fmcf->keys_dir.len == 0) {
        return NGX_OK;
    }

    rc = ngx_http_fraud_notice_old(cf, fmcf, &policy->name, &old);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    return ngx_http_fraud_notice_against(cf, policy, &old, today);
}


/* the policy of this name that is in force, NGX_DECLINED if there is none */

ngx_int_t
ngx_http_fraud_notice_old(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf,
    ngx_str_t *name, fraud_policy_t *old)
{
    ngx_int_t    rc;
    ngx_str_t    text;
    fraud_err_t  err;

    rc = ngx_http_fraud_notice_load(fmcf, name, cf->temp_pool,
                                    FRAUD_POLICY_MAX_PRINT, &text);

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    if (rc != NGX_OK
        || fraud_policy_parse(old, (char *) text.data, text.len, &err)
           != FRAUD_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, rc == NGX_OK ? 0 : ngx_errno,
                      "\"fraud_policy\": \"%V" NGX_HTTP_FRAUD_KEPT "%V\" of "
                      "the policy in force cannot be read, put back what was "
                      "there", &fmcf->keys_dir, name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_notice_against(ngx_conf_t *cf, ngx_http_fraud_policy_t *policy,
    fraud_policy_t *old, uint32_t today)
{
    if (ngx_memcmp(old->digest, policy->policy.digest, FRAUD_PID_DIGEST_LEN)
        == 0)
    {
        return NGX_OK;
    }

    if (policy->policy.version <= old->version) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_policy\": \"%V\" is another than version %uD "
                      "in force, give it a higher version in %V",
                      &policy->name, old->version, &policy->file);
        return NGX_ERROR;
    }

    return ngx_http_fraud_notice_due(cf, policy, old, NULL, today);
}


/* of one server, or of all */

ngx_int_t
ngx_http_fraud_notice_due(ngx_conf_t *cf, ngx_http_fraud_policy_t *policy,
    fraud_policy_t *old, ngx_str_t *server, uint32_t today)
{
    u_char       day[10], names[512], *p;
    uint32_t     loosens, due;
    ngx_uint_t   i;
    fraud_buf_t  buf;

    loosens = fraud_policy_loosens(old, &policy->policy);
    due = fraud_policy_due(old, &policy->policy);

    if (loosens == 0 || today >= due) {
        return NGX_OK;
    }

    p = names;

    for (i = 0; i < FRAUD_SETTING_N; i++) {
        if (loosens & FRAUD_SETTING_BIT(i)) {
            p = ngx_slprintf(p, names + sizeof(names), "%s\"%s\"",
                             p == names ? "" : ", ",
                             fraud_setting_get(i)->name);
        }
    }

    fraud_buf_init(&buf, day, sizeof(day));
    fraud_day_print(&buf, due);

    if (server) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_policy\": \"%V\" allows more than \"%s\" that "
                      "server \"%V\" was under: %*s; it may not replace it "
                      "before %*s in %V", &policy->name, old->name, server,
                      (size_t) (p - names), names, buf.len, day,
                      &policy->file);
        return NGX_ERROR;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"fraud_policy\": version %uD of \"%V\" allows more than "
                  "version %uD in force: %*s; it may not replace it before "
                  "%*s in %V", policy->policy.version, &policy->name,
                  old->version, (size_t) (p - names), names, buf.len, day,
                  &policy->file);

    return NGX_ERROR;
}


static u_char *
ngx_http_fraud_notice_path(ngx_http_fraud_main_conf_t *fmcf, ngx_str_t *name,
    ngx_pool_t *pool)
{
    u_char  *path;

    path = ngx_pnalloc(pool, fmcf->keys_dir.len + name->len
                             + sizeof(NGX_HTTP_FRAUD_KEPT));
    if (path) {
        (void) ngx_sprintf(path, "%V" NGX_HTTP_FRAUD_KEPT "%V%Z",
                           &fmcf->keys_dir, name);
    }

    return path;
}


/* NGX_DECLINED: there is none */

static ngx_int_t
ngx_http_fraud_notice_read(u_char *path, u_char *text, size_t size,
    size_t *len)
{
    ssize_t   n;
    ngx_fd_t  fd;

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return ngx_errno == NGX_ENOENT ? NGX_DECLINED : NGX_ERROR;
    }

    n = ngx_read_fd(fd, text, size);

    (void) ngx_close_file(fd);

    *len = n;

    return n == -1 ? NGX_ERROR : NGX_OK;
}


/* all of a file that is no larger, NGX_DECLINED if there is none */

ngx_int_t
ngx_http_fraud_notice_load(ngx_http_fraud_main_conf_t *fmcf, ngx_str_t *name,
    ngx_pool_t *pool, size_t size, ngx_str_t *text)
{
    u_char  *path;

    path = ngx_http_fraud_notice_path(fmcf, name, pool);
    text->data = ngx_pnalloc(pool, size);

    if (path == NULL || text->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_fraud_notice_read(path, text->data, size, &text->len);
}


/* init module: this configuration is going to be used */

ngx_int_t
ngx_http_fraud_notice_keep(ngx_cycle_t *cycle)
{
    u_char                      *path;
    ngx_str_t                    dir, name;
    ngx_uint_t                   i;
    ngx_http_fraud_policy_t    **policies;
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_fraud_module);

    if (ngx_test_config || fmcf == NULL || fmcf->keys_dir.len == 0) {
        return NGX_OK;
    }

    ngx_str_null(&dir);

    path = ngx_http_fraud_notice_path(fmcf, &dir, cycle->pool);
    if (path == NULL) {
        return NGX_ERROR;
    }

    if (ngx_create_dir(path, 0700) == NGX_FILE_ERROR
        && ngx_errno != NGX_EEXIST)
    {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno,
                      ngx_create_dir_n " \"%s\" failed, it will not be known "
                      "which policies were in force", path);
        return NGX_OK;
    }

    policies = fmcf->policies.elts;

    for (i = 0; i < fmcf->policies.nelts; i++) {
        if (ngx_http_fraud_notice_keep_policy(cycle, fmcf, policies[i])
            != NGX_OK)
        {
            ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno,
                          "policy \"%V\" cannot be written to \"%s\", it will "
                          "not be known that it was in force",
                          &policies[i]->name, path);
        }
    }

    ngx_str_set(&name, NGX_HTTP_FRAUD_SERVED);

    if (ngx_http_fraud_notice_write(cycle, fmcf, &name, &fmcf->served)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno,
                      "\"%s%V\" cannot be written, it will not be known which "
                      "server was under which policy", path, &name);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_notice_keep_policy(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_policy_t *policy)
{
    u_char       print[FRAUD_POLICY_MAX_PRINT];
    ngx_str_t    text;
    fraud_buf_t  buf;

    fraud_buf_init(&buf, print, sizeof(print));
    fraud_policy_print(&buf, &policy->policy);

    text.data = buf.data;
    text.len = buf.len;

    return ngx_http_fraud_notice_write(cycle, fmcf, &policy->name, &text);
}


/* a reader sees the file before or the one after, whatever happens */

static ngx_int_t
ngx_http_fraud_notice_write(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf, ngx_str_t *name, ngx_str_t *text)
{
    u_char       *path, *fresh;
    ngx_fd_t      fd;
    ngx_int_t     rc;
    ngx_str_t     temp, kept;

    ngx_str_set(&temp, ".new");

    path = ngx_http_fraud_notice_path(fmcf, name, cycle->pool);
    fresh = ngx_http_fraud_notice_path(fmcf, &temp, cycle->pool);

    if (path == NULL || fresh == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_fraud_notice_load(fmcf, name, cycle->pool, text->len + 1,
                                    &kept);

    if ((rc == NGX_OK && kept.len == text->len
         && ngx_memcmp(kept.data, text->data, kept.len) == 0)
        || (rc == NGX_DECLINED && text->len == 0))
    {
        return NGX_OK;
    }

    fd = ngx_open_file(fresh, NGX_FILE_WRONLY, NGX_FILE_TRUNCATE, 0600);

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    rc = ngx_write_fd(fd, text->data, text->len) == (ssize_t) text->len
         && fsync(fd) == 0 ? NGX_OK : NGX_ERROR;

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        rc = NGX_ERROR;
    }

    if (rc != NGX_OK || ngx_rename_file(fresh, path) == NGX_FILE_ERROR) {
        return NGX_ERROR;
    }

    return NGX_OK;
}
