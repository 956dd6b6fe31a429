
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_list.h"
#include "fraud_match.h"
#include "fraud_strset.h"


#define NGX_HTTP_FRAUD_MAX_FILE     (1024 * 1024 * 1024)
#define NGX_HTTP_FRAUD_MAX_MEMBERS  64    /* of a set of patterns */


static ngx_http_fraud_source_t *ngx_http_fraud_new_source(ngx_conf_t *cf,
    ngx_http_fraud_source_e type);
static ngx_int_t ngx_http_fraud_add_part(ngx_conf_t *cf,
    ngx_http_fraud_source_t *source, ngx_http_fraud_part_t *part);
static void ngx_http_fraud_source_cleanup(void *data);
static fraud_rc ngx_http_fraud_make_match(ngx_http_fraud_part_t *parts,
    ngx_uint_t n, fraud_match_t *match, fraud_err_t *err, ngx_uint_t *failed);
static fraud_rc ngx_http_fraud_match_part(fraud_match_t *match,
    ngx_uint_t member, ngx_http_fraud_part_t *part, fraud_err_t *err);
static fraud_rc ngx_http_fraud_read_file(const char *path, char **data,
    size_t *len, fraud_err_t *err);
static void ngx_http_fraud_why(fraud_err_t *err, const char *what, int no);
static void ngx_http_fraud_source_error(ngx_conf_t *cf,
    ngx_http_fraud_part_t *part, fraud_err_t *err);
static ngx_int_t ngx_http_fraud_readable(ngx_http_fraud_part_t *part,
    ngx_core_conf_t *ccf, ngx_log_t *log);


/* the library's own limits */

static const fraud_match_conf_t  ngx_http_fraud_match_conf;


/* one object for a file, however many signals look into it */

ngx_http_fraud_source_t *
ngx_http_fraud_add_file(ngx_conf_t *cf, ngx_http_fraud_source_e type,
    ngx_str_t *path)
{
    ngx_uint_t                    i;
    fraud_err_t                   err;
    ngx_http_fraud_part_t         part, *known;
    ngx_http_fraud_source_t      *source, **sources;
    ngx_http_fraud_main_conf_t   *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);

    ngx_memzero(&part, sizeof(ngx_http_fraud_part_t));
    ngx_memzero(&err, sizeof(fraud_err_t));

    part.text = *path;
    part.file = 1;

    if (path->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": empty file name \"\", name one",
                           cf->args->elts);
        return NULL;
    }

    if (ngx_conf_full_name(cf->cycle, &part.text, 1) != NGX_OK) {
        return NULL;
    }

    sources = fmcf->sources.elts;

    for (i = 0; i < fmcf->sources.nelts; i++) {
        known = sources[i]->parts.elts;

        if (sources[i]->type == type && known->text.len == part.text.len
            && ngx_strncmp(known->text.data, part.text.data, part.text.len)
               == 0)
        {
            return sources[i];
        }
    }

    source = ngx_http_fraud_new_source(cf, type);

    if (source == NULL || ngx_http_fraud_add_part(cf, source, &part) != NGX_OK)
    {
        return NULL;
    }

    known = source->parts.elts;

    if (ngx_http_fraud_source_make(type, known, 1, &source->object, &err, &i)
        != FRAUD_OK)
    {
        ngx_http_fraud_source_error(cf, known, &err);
        return NULL;
    }

    return source;
}


/* all patterns that look at the same value are one set */

ngx_http_fraud_source_t *
ngx_http_fraud_add_pattern(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_fraud_part_t *part, ngx_uint_t *member)
{
    ngx_uint_t                    i;
    fraud_err_t                   err;
    ngx_http_fraud_source_t      *source, **sources;
    ngx_http_fraud_main_conf_t   *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);

    if (part->file && ngx_conf_full_name(cf->cycle, &part->text, 1) != NGX_OK)
    {
        return NULL;
    }

    sources = fmcf->sources.elts;
    source = NULL;

    for (i = 0; i < fmcf->sources.nelts; i++) {
        if (sources[i]->type == NGX_HTTP_FRAUD_MATCH
            && sources[i]->parts.nelts < NGX_HTTP_FRAUD_MAX_MEMBERS
            && sources[i]->value.len == value->len
            && ngx_strncmp(sources[i]->value.data, value->data, value->len)
               == 0)
        {
            source = sources[i];
        }
    }

    if (source == NULL) {

        if (fmcf->sets == NGX_HTTP_FRAUD_MAX_SETS) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"fraud_match\": \"%V\" is one value too many "
                               "to look at, at most %d are possible, use "
                               "fewer", value, NGX_HTTP_FRAUD_MAX_SETS);
            return NULL;
        }

        source = ngx_http_fraud_new_source(cf, NGX_HTTP_FRAUD_MATCH);

        if (source == NULL
            || fraud_match_new((fraud_match_t **) &source->object, NULL,
                               &ngx_http_fraud_match_conf)
               != FRAUD_OK)
        {
            return NULL;
        }

        source->value = *value;
        source->index = fmcf->sets++;
    }

    if (ngx_http_fraud_add_part(cf, source, part) != NGX_OK) {
        return NULL;
    }

    *member = source->parts.nelts - 1;
    part = (ngx_http_fraud_part_t *) source->parts.elts + *member;

    ngx_memzero(&err, sizeof(fraud_err_t));

    if (ngx_http_fraud_match_part(source->object, *member, part, &err)
        != FRAUD_OK)
    {
        ngx_http_fraud_source_error(cf, part, &err);
        return NULL;
    }

    return source;
}


ngx_int_t
ngx_http_fraud_sources_finish(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_uint_t                 i;
    ngx_http_fraud_source_t  **source;

    source = fmcf->sources.elts;

    for (i = 0; i < fmcf->sources.nelts; i++) {

        if (source[i]->type == NGX_HTTP_FRAUD_MATCH
            && fraud_match_finish(source[i]->object) != FRAUD_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"fraud_match\": the patterns that look at "
                               "\"%V\" are too many or too long, use fewer",
                               &source[i]->value);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_http_fraud_source_t *
ngx_http_fraud_new_source(ngx_conf_t *cf, ngx_http_fraud_source_e type)
{
    ngx_pool_cleanup_t           *cln;
    ngx_http_fraud_source_t      *source, **sources;
    ngx_http_fraud_main_conf_t   *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);

    source = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_source_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);
    sources = ngx_array_push(&fmcf->sources);

    if (source == NULL || cln == NULL || sources == NULL
        || ngx_array_init(&source->parts, cf->pool, 1,
                          sizeof(ngx_http_fraud_part_t))
           != NGX_OK)
    {
        return NULL;
    }

    source->type = type;

    cln->handler = ngx_http_fraud_source_cleanup;
    cln->data = source;

    *sources = source;

    return source;
}


static ngx_int_t
ngx_http_fraud_add_part(ngx_conf_t *cf, ngx_http_fraud_source_t *source,
    ngx_http_fraud_part_t *part)
{
    ngx_http_fraud_part_t  *added;

    added = ngx_array_push(&source->parts);
    if (added == NULL) {
        return NGX_ERROR;
    }

    part->directive = *(ngx_str_t *) cf->args->elts;

    /* so that a change while it is read is seen later */

    if (part->file
        && stat((char *) part->text.data, &part->stat) == -1)
    {
        ngx_memzero(&part->stat, sizeof(struct stat));
    }

    *added = *part;

    return NGX_OK;
}


static void
ngx_http_fraud_source_cleanup(void *data)
{
    ngx_http_fraud_source_t *source = data;

    ngx_http_fraud_source_free(source->type, source->object);
}


/* also called by the thread that watches files: nothing of nginx is used */

fraud_rc
ngx_http_fraud_source_make(ngx_http_fraud_source_e type,
    ngx_http_fraud_part_t *parts, ngx_uint_t n, void **object,
    fraud_err_t *err, ngx_uint_t *failed)
{
    char      *data, *path;
    size_t     len;
    fraud_rc   rc;

    *failed = 0;
    path = (char *) parts->text.data;

    if (type == NGX_HTTP_FRAUD_GEO) {
        return fraud_geo_open((fraud_geo_t **) object, NULL, path, err);
    }

    if (type == NGX_HTTP_FRAUD_MATCH) {
        rc = fraud_match_new((fraud_match_t **) object, NULL,
                             &ngx_http_fraud_match_conf);

        if (rc == FRAUD_OK) {
            rc = ngx_http_fraud_make_match(parts, n, *object, err, failed);
        }

        if (rc != FRAUD_OK) {
            fraud_match_free(*object);
            *object = NULL;
        }

        return rc;
    }

    rc = ngx_http_fraud_read_file(path, &data, &len, err);

    if (rc != FRAUD_OK) {
        return rc;
    }

    if (type == NGX_HTTP_FRAUD_LIST) {
        rc = fraud_list_load((fraud_list_t **) object, NULL, data, len, err);

    } else {
        rc = fraud_strset_load((fraud_strset_t **) object, NULL, data, len,
                               err);
    }

    free(data);

    return rc;
}


static fraud_rc
ngx_http_fraud_make_match(ngx_http_fraud_part_t *parts, ngx_uint_t n,
    fraud_match_t *match, fraud_err_t *err, ngx_uint_t *failed)
{
    fraud_rc    rc;
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        rc = ngx_http_fraud_match_part(match, i, &parts[i], err);

        if (rc != FRAUD_OK) {
            *failed = i;
            return rc;
        }
    }

    return fraud_match_finish(match);
}


static fraud_rc
ngx_http_fraud_match_part(fraud_match_t *match, ngx_uint_t member,
    ngx_http_fraud_part_t *part, fraud_err_t *err)
{
    char      *data;
    size_t     len;
    fraud_rc   rc;

    if (!part->file) {
        return fraud_match_add(match, (unsigned) member, part->nocase,
                               (char *) part->text.data, part->text.len, err);
    }

    rc = ngx_http_fraud_read_file((char *) part->text.data, &data, &len, err);

    if (rc == FRAUD_OK) {
        rc = fraud_match_add_text(match, (unsigned) member, part->nocase, data,
                                  len, err);
        free(data);
    }

    return rc;
}


static fraud_rc
ngx_http_fraud_read_file(const char *path, char **data, size_t *len,
    fraud_err_t *err)
{
    int           fd;
    char         *p;
    size_t        size;
    ssize_t       n;
    struct stat   sb;

    fd = open(path, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

    if (fd == -1) {
        ngx_http_fraud_why(err, "cannot be opened", errno);
        return FRAUD_EIO;
    }

    p = NULL;

    if (fstat(fd, &sb) == -1 || !S_ISREG(sb.st_mode)) {
        ngx_http_fraud_why(err, "is not a regular file", 0);
        goto failed;
    }

    if (sb.st_size > NGX_HTTP_FRAUD_MAX_FILE) {
        ngx_http_fraud_why(err, "is larger than 1 GiB", 0);
        goto failed;
    }

    p = malloc((size_t) sb.st_size + 1);
    if (p == NULL) {
        ngx_http_fraud_why(err, "no memory", 0);
        goto failed;
    }

    for (size = 0; size < (size_t) sb.st_size; size += n) {

        n = read(fd, p + size, (size_t) sb.st_size - size);

        if (n == -1) {
            ngx_http_fraud_why(err, "cannot be read", errno);
            goto failed;
        }

        if (n == 0) {
            break;
        }
    }

    (void) close(fd);

    *data = p;
    *len = size;

    return FRAUD_OK;

failed:

    free(p);
    (void) close(fd);

    return FRAUD_EIO;
}


static void
ngx_http_fraud_why(fraud_err_t *err, const char *what, int no)
{
    (void) snprintf(err->why, sizeof(err->why), "%s%s%s", what,
                    no == 0 ? "" : ": ",
                    no == 0 ? "" : no == ENOENT ? "no such file"
                    : no == EACCES ? "permission denied" : "system error");
}


void
ngx_http_fraud_source_free(ngx_http_fraud_source_e type, void *object)
{
    switch (type) {

    case NGX_HTTP_FRAUD_LIST:
        fraud_list_free(object);
        break;

    case NGX_HTTP_FRAUD_STRINGS:
        fraud_strset_free(object);
        break;

    case NGX_HTTP_FRAUD_MATCH:
        fraud_match_free(object);
        break;

    default: /* NGX_HTTP_FRAUD_GEO */
        fraud_geo_free(object);
        break;
    }
}


static void
ngx_http_fraud_source_error(ngx_conf_t *cf, ngx_http_fraud_part_t *part,
    fraud_err_t *err)
{
    if (!part->file) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": pattern \"%V\" does not compile: %s at "
                           "offset %uz, correct it", &part->directive,
                           &part->text, err->why, err->at);

    } else if (err->line && err->at) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": file \"%V\" line %uz offset %uz: %s, "
                           "correct it", &part->directive, &part->text,
                           err->line, err->at, err->why);

    } else if (err->line) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": file \"%V\" line %uz: %s, correct it",
                           &part->directive, &part->text, err->line,
                           err->why);

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": file \"%V\": %s, correct it or the path",
                           &part->directive, &part->text,
                           err->why[0] ? err->why : "no memory");
    }
}


/* workers read these files again: as their user, not as the one who starts */

ngx_int_t
ngx_http_fraud_sources_check(ngx_http_fraud_main_conf_t *fmcf, ngx_log_t *log)
{
    ngx_uint_t                 i, k;
    ngx_core_conf_t           *ccf;
    ngx_http_fraud_part_t     *part;
    ngx_http_fraud_source_t  **source;

    ccf = (ngx_core_conf_t *) ngx_get_conf(fmcf->cycle->conf_ctx,
                                           ngx_core_module);

    source = fmcf->sources.elts;

    for (i = 0; i < fmcf->sources.nelts; i++) {
        part = source[i]->parts.elts;

        for (k = 0; k < source[i]->parts.nelts; k++) {
            if (part[k].file
                && ngx_http_fraud_readable(&part[k], ccf, log) != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_readable(ngx_http_fraud_part_t *part, ngx_core_conf_t *ccf,
    ngx_log_t *log)
{
    if (ngx_http_fraud_user_may(ccf, (char *) part->text.data, R_OK)
        == NGX_OK) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "\"%V\": file \"%V\" cannot be read by user \"%s\" of the "
                  "workers, who read it again when it is replaced, change its "
                  "mode or owner, or that of its directory",
                  &part->directive, &part->text, ccf->username);

    return NGX_ERROR;
}


/*
 * As access() says.  A process of that user is asked: groups, ACLs and mounts
 * count as they do.
 */

ngx_int_t
ngx_http_fraud_user_may(ngx_core_conf_t *ccf, char *path, int mode)
{
    int       status;
    pid_t     pid;
    sigset_t  set, before;

    if (geteuid() != 0 || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT
        || ccf->user == 0)
    {
        return access(path, mode) == -1 ? NGX_DECLINED : NGX_OK;
    }

    /* the master reaps all children on SIGCHLD, this one is ours */

    (void) sigemptyset(&set);
    (void) sigaddset(&set, SIGCHLD);
    (void) sigprocmask(SIG_BLOCK, &set, &before);

    status = 0;
    pid = fork();

    if (pid == 0) {

        if (setgid(ccf->group) == -1
            || initgroups(ccf->username, ccf->group) == -1
            || setuid(ccf->user) == -1)
        {
            _exit(2);
        }

        _exit(access(path, mode) == -1);
    }

    while (pid != -1 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
        /* void */
    }

    (void) sigprocmask(SIG_SETMASK, &before, NULL);

    if (pid != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 1) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}
