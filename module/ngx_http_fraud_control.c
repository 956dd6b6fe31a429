
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
 * URI or a log.  An application may order that somebody is erased, signed.
 */


#define NGX_HTTP_FRAUD_CONTROL_LEN     256
#define NGX_HTTP_FRAUD_CONTROL_SECRET  4096
#define NGX_HTTP_FRAUD_CONTROL_SKEW    300   /* seconds that clocks differ */


typedef struct {
    ngx_str_t                    operation;
    ngx_str_t                    identity;
    ngx_str_t                    value;
} ngx_http_fraud_order_t;


static ngx_int_t ngx_http_fraud_control_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_fraud_control_allowed(ngx_http_request_t *r,
    ngx_http_fraud_control_t *control);
static ngx_int_t ngx_http_fraud_control_signed(ngx_http_request_t *r,
    ngx_http_fraud_control_t *control, ngx_http_fraud_order_t *order);
static ngx_int_t ngx_http_fraud_control_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
static ngx_uint_t ngx_http_fraud_control_is(ngx_http_fraud_order_t *order,
    const char *operation);
static ngx_int_t ngx_http_fraud_control_change(ngx_http_request_t *r,
    ngx_http_fraud_order_t *order, ngx_array_t *subjects);
static ngx_int_t ngx_http_fraud_control_directory(ngx_conf_t *cf,
    ngx_str_t *path);
static ngx_int_t ngx_http_fraud_control_secret(ngx_conf_t *cf,
    ngx_http_fraud_control_t *control, ngx_str_t *path);


char *
ngx_http_fraud_control_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_fraud_loc_conf_t *flcf = conf;

    ngx_str_t                 *value, text;
    ngx_uint_t                 i;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_fraud_control_t  *control;

    if (flcf->control) {
        return "is duplicate";
    }

    control = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_control_t));
    if (control == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "remote") == 0) {
            control->remote = 1;
            continue;
        }

        if (ngx_http_fraud_arg(&value[i], "secret=", &text) && text.len) {

            if (ngx_http_fraud_control_secret(cf, control, &text) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_http_fraud_arg(&value[i], "tombstones=", &text) && text.len) {
            control->tombstones = text;

            if (ngx_http_fraud_control_directory(cf, &control->tombstones)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_control\": invalid parameter \"%V\", use "
                           "\"secret=FILE\", \"tombstones=DIR\" or "
                           "\"remote\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    if (control->remote && control->secret.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_control\": with \"remote\" anybody may "
                           "give orders, add \"secret=FILE\" or remove it");
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_fraud_control_handler;

    flcf->control = control;

    return NGX_CONF_OK;
}


/* workers write there, not the one who starts */

static ngx_int_t
ngx_http_fraud_control_directory(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_core_conf_t  *ccf;

    if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);

    if (ngx_http_fraud_user_may(ccf, (char *) path->data, W_OK|X_OK)
        == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"fraud_control\": directory \"%V\" cannot be written "
                       "to by the user of the workers, who leave tombstones "
                       "there, make it, or change its owner, or that of the "
                       "directory above", path);

    return NGX_ERROR;
}


/* the first line of the file */

static ngx_int_t
ngx_http_fraud_control_secret(ngx_conf_t *cf,
    ngx_http_fraud_control_t *control, ngx_str_t *path)
{
    size_t        len;
    u_char       *buf;
    ssize_t       n;
    ngx_fd_t      fd;
    ngx_str_t     name;
    ngx_uint_t    bare;
    struct stat   sb;

    name = *path;

    buf = ngx_pnalloc(cf->pool, NGX_HTTP_FRAUD_CONTROL_SECRET);

    if (buf == NULL || ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(name.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", &name);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, buf, NGX_HTTP_FRAUD_CONTROL_SECRET);
    bare = (fstat(fd, &sb) == -1 || (sb.st_mode & S_IROTH));

    (void) ngx_close_file(fd);

    if (bare) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_control\": the secret in \"%V\" can be "
                           "read by everybody, change the file's mode", &name);
        return NGX_ERROR;
    }

    for (len = 0; n > 0 && len < (size_t) n; len++) {
        if (buf[len] == LF || buf[len] == CR) {
            break;
        }
    }

    if (len < 16) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_control\": the secret in \"%V\" has less "
                           "than 16 characters", &name);
        return NGX_ERROR;
    }

    control->secret.data = buf;
    control->secret.len = len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_control_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_array_t                 subjects;
    ngx_http_fraud_order_t      order;
    ngx_http_fraud_control_t   *control;
    ngx_http_fraud_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_fraud_module);
    control = flcf->control;

    rc = ngx_http_fraud_control_allowed(r, control);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_fraud_control_header(r, "fraud-operation", &order.operation)
        != NGX_OK
        || ngx_http_fraud_control_header(r, "fraud-identity", &order.identity)
           != NGX_OK
        || ngx_http_fraud_control_header(r, "fraud-value", &order.value)
           != NGX_OK)
    {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (control->secret.len
        && ngx_http_fraud_control_signed(r, control, &order) != NGX_OK)
    {
        return NGX_HTTP_FORBIDDEN;
    }

    /* of a pseudonym, from a place in the table */

    if (ngx_http_fraud_control_is(&order, "scrub")) {
        return ngx_http_fraud_rights_scrub(r, &order.value, &order.identity);
    }

    if (!ngx_http_fraud_control_is(&order, "reset")
        && !ngx_http_fraud_control_is(&order, "raise")
        && !ngx_http_fraud_control_is(&order, "show")
        && !ngx_http_fraud_control_is(&order, "erase"))
    {
        return NGX_HTTP_BAD_REQUEST;
    }

    rc = ngx_http_fraud_rights_subjects(r, &order.identity, &order.value,
                                        &subjects);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_fraud_control_is(&order, "reset")
        || ngx_http_fraud_control_is(&order, "raise"))
    {
        return ngx_http_fraud_control_change(r, &order, &subjects);
    }

    if (ngx_http_fraud_control_is(&order, "show")) {
        return ngx_http_fraud_rights_show(r, &order.identity, &subjects, 0);
    }

    if (control->tombstones.len
        && ngx_http_fraud_rights_bury(r, &control->tombstones, &subjects)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_fraud_rights_show(r, &order.identity, &subjects, 1);
}


/* what realip says of the client counts for nothing here */

static ngx_int_t
ngx_http_fraud_control_allowed(ngx_http_request_t *r,
    ngx_http_fraud_control_t *control)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    fraud_ip_t            ip;
    struct sockaddr_in6  *sin6;
#endif

    if (r->method != NGX_HTTP_POST) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    if (control->remote) {
        return NGX_OK;
    }

    if (ngx_connection_local_sockaddr(r->connection, NULL, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    switch (r->connection->local_sockaddr->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) r->connection->local_sockaddr;

        return (ntohl(sin->sin_addr.s_addr) >> 24 == 127)
               ? NGX_OK : NGX_HTTP_FORBIDDEN;

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) r->connection->local_sockaddr;

        if (IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr)) {
            return NGX_OK;
        }

        return (fraud_ip_from_bytes(&ip, sin6->sin6_addr.s6_addr, 16)
                == FRAUD_OK && ip.family == 4 && ip.bytes[0] == 127)
               ? NGX_OK : NGX_HTTP_FORBIDDEN;
#endif

    default: /* AF_UNIX */
        return NGX_OK;
    }
}


/*
 * Fraud-Time, seconds since 1970, and Fraud-Signature: HMAC-SHA-256 of
 * operation, identity, time and SHA-256 of the value, in hexadecimal, with
 * line feeds between them.  To erase twice is to erase once, so that an order
 * may be sent again until its time is over.
 */

static ngx_int_t
ngx_http_fraud_control_signed(ngx_http_request_t *r,
    ngx_http_fraud_control_t *control, ngx_http_fraud_order_t *order)
{
    size_t      size;
    u_char     *p, *last, hash[FRAUD_PID_DIGEST_LEN];
    u_char      mac[FRAUD_PID_DIGEST_LEN], hex[2 * FRAUD_PID_DIGEST_LEN];
    time_t      seconds, now;
    ngx_str_t   time, signature;

    if (ngx_http_fraud_control_header(r, "fraud-time", &time) != NGX_OK
        || ngx_http_fraud_control_header(r, "fraud-signature", &signature)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    seconds = ngx_atotm(time.data, time.len);
    now = ngx_time();

    if (seconds == (time_t) NGX_ERROR
        || seconds > now + NGX_HTTP_FRAUD_CONTROL_SKEW
        || seconds < now - NGX_HTTP_FRAUD_CONTROL_SKEW
        || signature.len != sizeof(hex))
    {
        return NGX_DECLINED;
    }

    size = order->operation.len + order->identity.len + time.len + 3
           + sizeof(hex);

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    fraud_pid_digest(hash, order->value.data, order->value.len);

    last = ngx_sprintf(p, "%V\n%V\n%V\n", &order->operation,
                       &order->identity, &time);
    last = ngx_hex_dump(last, hash, sizeof(hash));

    fraud_pid_sign(mac, control->secret.data, control->secret.len, p,
                   last - p);

    (void) ngx_hex_dump(hex, mac, sizeof(mac));

    return fraud_pid_same(hex, signature.data, sizeof(hex)) ? NGX_OK
                                                            : NGX_DECLINED;
}


static ngx_uint_t
ngx_http_fraud_control_is(ngx_http_fraud_order_t *order,
    const char *operation)
{
    return order->operation.len == ngx_strlen(operation)
           && ngx_strncmp(order->operation.data, operation,
                          order->operation.len)
              == 0;
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


static ngx_int_t
ngx_http_fraud_control_change(ngx_http_request_t *r,
    ngx_http_fraud_order_t *order, ngx_array_t *subjects)
{
    uint64_t                     now_us;
    ngx_buf_t                   *b;
    ngx_uint_t                   i, n, raise;
    fraud_event_t                event;
    ngx_http_fraud_about_t      *about;
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_fraud_module);
    about = subjects->elts;
    now_us = ngx_http_fraud_now();
    raise = ngx_http_fraud_control_is(order, "raise");
    n = 0;

    for (i = 0; i < subjects->nelts; i++) {
        n += raise ? ngx_http_fraud_raise(fmcf, about[i].domain,
                                          &about[i].text, now_us)
                   : ngx_http_fraud_forget(fmcf, about[i].domain,
                                           &about[i].text, now_us);
    }

    b = ngx_create_temp_buf(r->pool, NGX_HTTP_FRAUD_CONTROL_LEN);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    fraud_event_begin(&event, b->pos, NGX_HTTP_FRAUD_CONTROL_LEN);
    fraud_event_str(&event, FRAUD_STR("identity"), order->identity.data,
                    order->identity.len);
    fraud_event_uint(&event, FRAUD_STR("records"), n);

    if (fraud_event_end(&event) != FRAUD_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_fraud_send_json(r, b, event.buf.len);
}
