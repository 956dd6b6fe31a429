
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_store.h"
#include "fraud_strset.h"


#define NGX_HTTP_FRAUD_RIGHTS_LEN    1024   /* of a subject without its ops */
#define NGX_HTTP_FRAUD_RIGHTS_OP     96
#define NGX_HTTP_FRAUD_RIGHTS_SETS   8192   /* of the table, in one request */
#define NGX_HTTP_FRAUD_RIGHTS_NAMES  4      /* of one subject */


/* what a subject is called: now and in the epoch before, stored and logged */

typedef struct {
    fraud_pid_t                  pid[NGX_HTTP_FRAUD_RIGHTS_NAMES];
    ngx_uint_t                   known[NGX_HTTP_FRAUD_RIGHTS_NAMES];
} ngx_http_fraud_names_t;


static ngx_int_t ngx_http_fraud_rights_add(ngx_http_request_t *r,
    ngx_http_fraud_identity_t *identity, ngx_str_t *value,
    ngx_array_t *subjects);
static void ngx_http_fraud_rights_names(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_about_t *about, ngx_http_fraud_names_t *names);
static void ngx_http_fraud_rights_records(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_about_t *about, const fraud_pid_t *pid, uint64_t now_us,
    fraud_event_t *event);
static ngx_str_t *ngx_http_fraud_rights_op_name(
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_op_t *op);


static fraud_str_t  ngx_http_fraud_rights_keys[] = {
    { (const uint8_t *) "pid", sizeof("pid") - 1 },
    { (const uint8_t *) "previous", sizeof("previous") - 1 },
    { (const uint8_t *) "log_pid", sizeof("log_pid") - 1 },
    { (const uint8_t *) "log_previous", sizeof("log_previous") - 1 }
};


/*
 * Whom a value stands for under the identities of a name, each once: in
 * every domain, and in every prefix length under which it is declared.
 */

ngx_int_t
ngx_http_fraud_rights_subjects(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value, ngx_array_t *subjects)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i, k, found;
    ngx_http_fraud_identity_t    *identity;
    ngx_http_fraud_loc_conf_t   **location;
    ngx_http_fraud_main_conf_t   *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_fraud_module);

    if (!fmcf->enabled) {
        return NGX_HTTP_NOT_FOUND;
    }

    ngx_http_fraud_zone_epoch(fmcf, ngx_http_fraud_now());

    if (fmcf->zone.keyless) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (ngx_array_init(subjects, r->pool, 4, sizeof(ngx_http_fraud_about_t))
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    location = fmcf->locations.elts;
    found = 0;

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
            rc = ngx_http_fraud_rights_add(r, identity, value, subjects);

            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    return found ? NGX_OK : NGX_HTTP_NOT_FOUND;
}


static ngx_int_t
ngx_http_fraud_rights_add(ngx_http_request_t *r,
    ngx_http_fraud_identity_t *identity, ngx_str_t *value,
    ngx_array_t *subjects)
{
    ngx_str_t                subject;
    ngx_uint_t               i;
    fraud_ip_t              *ip;
    ngx_http_fraud_about_t  *about;

    subject = *value;

    if (identity->kind == NGX_HTTP_FRAUD_ADDRESS) {

        ip = ngx_palloc(r->pool, sizeof(fraud_ip_t));
        if (ip == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (fraud_ip_parse(ip, (char *) value->data, value->len) != FRAUD_OK) {
            return NGX_HTTP_BAD_REQUEST;
        }

        fraud_ip_mask(ip, (unsigned) identity->ipv4,
                      (unsigned) identity->ipv6);

        subject.data = ip->bytes;
        subject.len = fraud_ip_len(ip);
    }

    about = subjects->elts;

    for (i = 0; i < subjects->nelts; i++) {

        if (about[i].domain == identity->domain
            && about[i].text.len == subject.len
            && ngx_memcmp(about[i].text.data, subject.data, subject.len) == 0)
        {
            return NGX_OK;
        }
    }

    about = ngx_array_push(subjects);
    if (about == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    about->domain = identity->domain;
    about->text = subject;

    return NGX_OK;
}


static void
ngx_http_fraud_rights_names(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_about_t *about, ngx_http_fraud_names_t *names)
{
    fraud_str_t             name, log_name;
    ngx_http_fraud_keys_t  *key, *log_key;

    key = &fmcf->zone.keys[about->domain->key];
    log_key = &fmcf->zone.keys[about->domain->log_key];

    name.data = about->domain->name.data;
    name.len = about->domain->name.len;
    log_name.data = about->domain->log_name.data;
    log_name.len = about->domain->log_name.len;

    fraud_pid_make(&names->pid[0], &key->current, name, about->text.data,
                   about->text.len);
    fraud_pid_make(&names->pid[1], &key->previous, name, about->text.data,
                   about->text.len);
    fraud_pid_make(&names->pid[2], &log_key->current, log_name,
                   about->text.data, about->text.len);
    fraud_pid_make(&names->pid[3], &log_key->previous, log_name,
                   about->text.data, about->text.len);

    names->known[0] = 1;
    names->known[1] = key->has_previous;
    names->known[2] = 1;
    names->known[3] = log_key->has_previous;
}


/*
 * All that this host knows of them, as JSON, and under which pseudonyms; then
 * it is forgotten, if asked for.
 */

ngx_int_t
ngx_http_fraud_rights_show(ngx_http_request_t *r, ngx_str_t *identity,
    ngx_array_t *subjects, ngx_uint_t forget)
{
    size_t                       size;
    u_char                       number[NGX_INT_T_LEN];
    u_char                       text[FRAUD_PID_TEXT_LEN];
    uint64_t                     now_us;
    ngx_buf_t                   *b;
    ngx_uint_t                   i, k;
    fraud_str_t                  key;
    fraud_event_t                event;
    ngx_http_fraud_names_t       names;
    ngx_http_fraud_about_t      *about;
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_fraud_module);
    about = subjects->elts;
    now_us = ngx_http_fraud_now();

    size = NGX_HTTP_FRAUD_RIGHTS_LEN;

    for (i = 0; i < subjects->nelts; i++) {
        size += NGX_HTTP_FRAUD_RIGHTS_LEN
                + 2 * about[i].domain->nops * NGX_HTTP_FRAUD_RIGHTS_OP;
    }

    b = ngx_create_temp_buf(r->pool, size);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    fraud_event_begin(&event, b->pos, size);
    fraud_event_str(&event, FRAUD_STR("identity"), identity->data,
                    identity->len);
    fraud_event_uint(&event, FRAUD_STR("sets"),
                     fraud_table_sets(&fmcf->zone.table));
    fraud_event_open(&event, FRAUD_STR("subjects"));

    for (i = 0; i < subjects->nelts; i++) {
        key.data = number;
        key.len = ngx_sprintf(number, "%ui", i) - number;

        fraud_event_open(&event, key);
        fraud_event_str(&event, FRAUD_STR("domain"), about[i].domain->name.data,
                        about[i].domain->name.len);

        ngx_http_fraud_rights_names(fmcf, &about[i], &names);

        for (k = 0; k < NGX_HTTP_FRAUD_RIGHTS_NAMES; k++) {

            if (names.known[k]) {
                fraud_pid_encode((char *) text, &names.pid[k]);
                fraud_event_str(&event, ngx_http_fraud_rights_keys[k], text,
                                FRAUD_PID_TEXT_LEN);
            }
        }

        fraud_event_open(&event, FRAUD_STR("current"));
        ngx_http_fraud_rights_records(fmcf, &about[i], &names.pid[0], now_us,
                                      &event);
        fraud_event_close(&event);

        if (names.known[1]) {
            fraud_event_open(&event, FRAUD_STR("before"));
            ngx_http_fraud_rights_records(fmcf, &about[i], &names.pid[1],
                                          now_us, &event);
            fraud_event_close(&event);
        }

        if (forget) {
            fraud_event_uint(&event, FRAUD_STR("forgotten"),
                             ngx_http_fraud_forget(fmcf, about[i].domain,
                                                   &about[i].text, now_us));
        }

        fraud_event_close(&event);
    }

    fraud_event_close(&event);

    if (fraud_event_end(&event) != FRAUD_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_fraud_send_json(r, b, event.buf.len);
}


/* without charging any: the state of each op by the name of its signal */

static void
ngx_http_fraud_rights_records(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_about_t *about, const fraud_pid_t *pid, uint64_t now_us,
    fraud_event_t *event)
{
    ngx_str_t            *name;
    ngx_uint_t            i, k, parts;
    fraud_str_t           key;
    fraud_swap_t          before;
    fraud_op_call_t       call;
    fraud_table_ref_t     ref;
    ngx_http_fraud_op_t  *op;

    parts = ngx_http_fraud_zone_parts(fmcf, about->domain);

    for (i = 0; i < parts; i++) {

        if (fraud_table_get(&fmcf->zone.table, &ref, pid, (unsigned) i, now_us,
                            about->domain->ttl, 0)
            != FRAUD_OK)
        {
            continue;
        }

        for (k = 0; k < about->domain->nops; k++) {
            op = about->domain->ops[k];

            if (op->part != i
                || !fraud_record_has(ref.record + op->offset, &op->op))
            {
                continue;
            }

            ngx_memzero(&call, sizeof(fraud_op_call_t));
            call.before = &before;

            (void) fraud_record_call(ref.record + op->offset, &op->op, &call,
                                     now_us);

            name = ngx_http_fraud_rights_op_name(fmcf, op);
            key.data = name->data;
            key.len = name->len;

            fraud_event_uint(event, key, call.value);
        }

        fraud_table_put(&ref);
    }
}


static ngx_str_t *
ngx_http_fraud_rights_op_name(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_op_t *op)
{
    ngx_uint_t                 i;
    ngx_http_fraud_signal_t  **signal;

    static ngx_str_t  unnamed = ngx_string("internal");

    signal = fmcf->signals.elts;

    for (i = 0; i < fmcf->signals.nelts; i++) {

        if (signal[i]->op.registered && signal[i]->op.op.tag == op->op.tag) {
            return &signal[i]->reason;
        }
    }

    return &unnamed;
}


/*
 * Some sets of the table: entries of this pseudonym, and of whom it is noted
 * in their records.  The client asks until all are done, so that no worker is
 * held up for long.
 */

ngx_int_t
ngx_http_fraud_rights_scrub(ngx_http_request_t *r, ngx_str_t *text,
    ngx_str_t *start)
{
    uint32_t                     from, to, found, sets;
    ngx_int_t                    n;
    ngx_buf_t                   *b;
    fraud_pid_t                  pid;
    fraud_event_t                event;
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_fraud_module);

    if (!fmcf->enabled) {
        return NGX_HTTP_NOT_FOUND;
    }

    n = ngx_atoi(start->data, start->len);
    sets = fraud_table_sets(&fmcf->zone.table);

    if (n == NGX_ERROR || (ngx_uint_t) n > sets
        || fraud_pid_decode(&pid, (char *) text->data, text->len) != FRAUD_OK)
    {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (n == 0) {
        (void) ngx_http_fraud_store_forget(fmcf, &pid);
    }

    from = (uint32_t) n;
    to = ngx_min(sets - from, NGX_HTTP_FRAUD_RIGHTS_SETS) + from;
    found = 0;

    /* a set that others hold is where the client goes on */

    (void) !fraud_table_scrub(&fmcf->zone.table, &pid, &from, to,
                              ngx_http_fraud_now(), &found);

    (void) ngx_atomic_fetch_add(
                           &fmcf->zone.counters[NGX_HTTP_FRAUD_N_EXPIRED],
                           (ngx_atomic_int_t) found);

    b = ngx_create_temp_buf(r->pool, NGX_HTTP_FRAUD_RIGHTS_LEN);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    fraud_event_begin(&event, b->pos, NGX_HTTP_FRAUD_RIGHTS_LEN);
    fraud_event_uint(&event, FRAUD_STR("records"), found);
    fraud_event_uint(&event, FRAUD_STR("next"), from);
    fraud_event_uint(&event, FRAUD_STR("sets"), sets);

    if (fraud_event_end(&event) != FRAUD_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_fraud_send_json(r, b, event.buf.len);
}


/*
 * Leaves a tombstone for "fraudctl subject replay", which erases where a
 * worker cannot.  It is there whole or not at all.
 */

ngx_int_t
ngx_http_fraud_rights_bury(ngx_http_request_t *r, ngx_str_t *dir,
    ngx_array_t *subjects)
{
    size_t                       size;
    u_char                      *path, *temp, *buf, *p;
    ngx_fd_t                     fd;
    ngx_uint_t                   i, k;
    ngx_http_fraud_names_t       names;
    ngx_http_fraud_about_t      *about;
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_fraud_module);

    size = dir->len + 2 * NGX_INT64_LEN;
    path = ngx_pnalloc(r->pool, 2 * size);
    buf = ngx_pnalloc(r->pool, subjects->nelts * NGX_HTTP_FRAUD_RIGHTS_NAMES
                               * (FRAUD_PID_TEXT_LEN + 1) + sizeof("end\n"));

    if (path == NULL || buf == NULL) {
        return NGX_ERROR;
    }

    temp = path + size;
    k = (ngx_uint_t) ngx_random() & 0xffffffff;

    ngx_sprintf(path, "%V/%T-%08xi%Z", dir, ngx_time(), k);
    ngx_sprintf(temp, "%V/.%T-%08xi%Z", dir, ngx_time(), k);

    about = subjects->elts;
    p = buf;

    for (i = 0; i < subjects->nelts; i++) {
        ngx_http_fraud_rights_names(fmcf, &about[i], &names);

        for (k = 0; k < NGX_HTTP_FRAUD_RIGHTS_NAMES; k++) {

            if (names.known[k]) {
                fraud_pid_encode((char *) p, &names.pid[k]);
                p += FRAUD_PID_TEXT_LEN;
                *p++ = LF;
            }
        }
    }

    p = ngx_cpymem(p, "end\n", sizeof("end\n") - 1);

    fd = ngx_open_file(temp, NGX_FILE_WRONLY, NGX_FILE_CREATE_OR_OPEN|O_EXCL,
                       0600);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, ngx_errno,
                      ngx_open_file_n " \"%s\" failed", temp);
        return NGX_ERROR;
    }

    if (ngx_write_fd(fd, buf, p - buf) != p - buf || fsync(fd) == -1) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, ngx_errno,
                      ngx_write_fd_n " to \"%s\" failed", temp);
        (void) ngx_close_file(fd);
        (void) ngx_delete_file(temp);
        return NGX_ERROR;
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR
        || ngx_rename_file(temp, path) == NGX_FILE_ERROR)
    {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, ngx_errno,
                      ngx_rename_file_n " \"%s\" failed", temp);
        (void) ngx_delete_file(temp);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_http_fraud_objections_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_fraud_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (fmcf->objections) {
        return "is duplicate";
    }

    value = cf->args->elts;

    fmcf->objections = ngx_http_fraud_add_file(cf, NGX_HTTP_FRAUD_STRINGS,
                                               &value[1]);

    return fmcf->objections ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* one of those who are kept out of scoring, by the stored pseudonym */

ngx_uint_t
ngx_http_fraud_objects(ngx_http_fraud_main_conf_t *fmcf,
    const fraud_pid_t *pid)
{
    u_char  text[FRAUD_PID_TEXT_LEN];

    if (fmcf->objections == NULL
        || fraud_strset_count(fmcf->objections->object) == 0)
    {
        return 0;
    }

    fraud_pid_encode((char *) text, pid);

    return fraud_strset_find(fmcf->objections->object, text,
                             FRAUD_PID_TEXT_LEN);
}
