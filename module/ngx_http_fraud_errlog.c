
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_redact.h"


/*
 * nginx's own error logs name clients, hosts, URIs and users.  Where there is
 * a policy, the writer of each of these logs is put behind one that makes the
 * line anew from what is allowed.  A connection's log is a copy of the first
 * log of a chain, with the request as its data; the others of the chain are
 * the configuration's, and are called right after it with the same line.
 *
 * A writer allocates nothing and logs nothing.
 */


#define NGX_HTTP_FRAUD_ERRLOG_KNOWN  4096  /* strings that may be told */


/* what nginx writes a log with; in the pool of the cycle, as the log */

typedef struct {
    ngx_log_writer_pt             writer;   /* NULL: to the file */
    void                         *data;
    ngx_log_t                    *log;
    ngx_http_fraud_main_conf_t   *fmcf;
} ngx_http_fraud_errlog_t;


/* whom a line is about; pointers are good while the line is written */

typedef struct {
    ngx_atomic_uint_t             connection;
    unsigned                      raw:1;    /* no policy there */
    u_char                        pid[FRAUD_PID_TEXT_LEN];
    fraud_redact_who_t            who;
} ngx_http_fraud_errlog_who_t;


static ngx_int_t ngx_http_fraud_errlog_wrap(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf, ngx_log_t *log);
static void ngx_http_fraud_errlog_unwrap(void *data);
static ngx_int_t ngx_http_fraud_errlog_known(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf);
static void ngx_http_fraud_errlog_know(ngx_array_t *known, ngx_str_t *text);
static void ngx_http_fraud_errlog_mingle(ngx_http_conf_addr_t *addr);
static void ngx_http_fraud_errlog_writer(ngx_log_t *log, ngx_uint_t level,
    u_char *buf, size_t len);
static void ngx_http_fraud_errlog_write(ngx_http_fraud_errlog_t *errlog,
    ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len);
static ngx_http_fraud_errlog_who_t *ngx_http_fraud_errlog_whom(
    ngx_http_fraud_main_conf_t *fmcf, ngx_log_t *log, u_char *buf, size_t len);
static ngx_http_log_ctx_t *ngx_http_fraud_errlog_ctx(ngx_log_t *log);
static ngx_http_fraud_loc_conf_t *ngx_http_fraud_errlog_conf(
    ngx_http_log_ctx_t *ctx);
static void ngx_http_fraud_errlog_client(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_loc_conf_t *flcf, ngx_connection_t *c,
    ngx_http_fraud_errlog_who_t *whom);
static void ngx_http_fraud_errlog_request(ngx_http_log_ctx_t *ctx,
    fraud_redact_who_t *who);
static void ngx_http_fraud_errlog_upstream(ngx_http_upstream_t *u,
    fraud_redact_who_t *who);


static ngx_log_handler_pt           ngx_http_fraud_errlog_handler;
static ngx_http_fraud_errlog_who_t  ngx_http_fraud_errlog_last;


/* called for every server and location: their logs are known by now */

ngx_int_t
ngx_http_fraud_errlog_add(ngx_conf_t *cf)
{
    ngx_log_t                   **log;
    ngx_http_core_loc_conf_t     *clcf;
    ngx_http_fraud_main_conf_t   *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    log = fmcf->errlogs.elts;

    if (fmcf->errlogs.nelts
        && log[fmcf->errlogs.nelts - 1] == clcf->error_log)
    {
        return NGX_OK;
    }

    log = ngx_array_push(&fmcf->errlogs);
    if (log == NULL) {
        return NGX_ERROR;
    }

    *log = clcf->error_log;

    return NGX_OK;
}


/* while the servers of an address are still in a list */

void
ngx_http_fraud_errlog_addresses(ngx_conf_t *cf)
{
    ngx_uint_t                  i, k;
    ngx_http_conf_addr_t       *addr;
    ngx_http_conf_port_t       *port;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL) {
        return;
    }

    port = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {
        addr = port[i].addrs.elts;

        for (k = 0; k < port[i].addrs.nelts; k++) {
            ngx_http_fraud_errlog_mingle(&addr[k]);
        }
    }
}


static void
ngx_http_fraud_errlog_mingle(ngx_http_conf_addr_t *addr)
{
    ngx_uint_t                   i, mingles;
    ngx_http_fraud_policy_t     *policy;
    ngx_http_core_srv_conf_t   **cscf;
    ngx_http_fraud_loc_conf_t   *flcf;

    cscf = addr->servers.elts;
    policy = NULL;
    mingles = 0;

    for (i = 0; i < addr->servers.nelts; i++) {
        flcf = cscf[i]->ctx->loc_conf[ngx_http_fraud_module.ctx_index];

        if (policy && flcf->policy && flcf->policy != policy) {
            mingles = 1;
        }

        policy = flcf->policy ? flcf->policy : policy;
    }

    for (i = 0; i < addr->servers.nelts; i++) {
        flcf = cscf[i]->ctx->loc_conf[ngx_http_fraud_module.ctx_index];
        flcf->mingles |= mingles;
    }
}


/*
 * The whole configuration was read, and the listening sockets have copies of
 * their logs.
 */

ngx_int_t
ngx_http_fraud_errlog_init(ngx_cycle_t *cycle)
{
    ngx_log_t                   **log;
    ngx_uint_t                    i;
    ngx_listening_t              *ls;
    ngx_http_fraud_main_conf_t   *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_fraud_module);

    if (fmcf == NULL || !ngx_http_fraud_has_policies(fmcf)) {
        return NGX_OK;
    }

    if (ngx_http_fraud_errlog_known(cycle, fmcf) != NGX_OK
        || ngx_http_fraud_errlog_wrap(cycle, fmcf, &cycle->new_log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    log = fmcf->errlogs.elts;

    for (i = 0; i < fmcf->errlogs.nelts; i++) {
        if (ngx_http_fraud_errlog_wrap(cycle, fmcf, log[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ls = cycle->listening.elts;

    for (i = 0; i < cycle->listening.nelts; i++) {
        if (ls[i].logp) {
            ls[i].log.writer = ls[i].logp->writer;
            ls[i].log.wdata = ls[i].logp->wdata;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_errlog_wrap(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf, ngx_log_t *log)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_fraud_errlog_t  *errlog;

    for ( /* void */ ; log; log = log->next) {

        if (log->writer == ngx_http_fraud_errlog_writer) {
            continue;
        }

        cln = ngx_pool_cleanup_add(cycle->pool,
                                   sizeof(ngx_http_fraud_errlog_t));
        if (cln == NULL) {
            return NGX_ERROR;
        }

        errlog = cln->data;

        errlog->writer = log->writer;
        errlog->data = log->wdata;
        errlog->log = log;
        errlog->fmcf = fmcf;

        cln->handler = ngx_http_fraud_errlog_unwrap;

        log->writer = ngx_http_fraud_errlog_writer;
        log->wdata = errlog;
    }

    return NGX_OK;
}


/* runs before the module is unloaded: cleanups run backwards */

static void
ngx_http_fraud_errlog_unwrap(void *data)
{
    ngx_http_fraud_errlog_t *errlog = data;

    errlog->log->writer = errlog->writer;
    errlog->log->wdata = errlog->data;
}


/* names that the configuration gave to zones, servers, upstreams and files */

static ngx_int_t
ngx_http_fraud_errlog_known(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_str_t                        name;
    ngx_uint_t                       i, k;
    ngx_array_t                      known;
    ngx_list_part_t                 *part;
    ngx_shm_zone_t                  *zone;
    ngx_open_file_t                 *file;
    ngx_listening_t                 *ls;
    ngx_http_server_name_t          *sn;
    ngx_http_core_srv_conf_t       **cscf;
    ngx_http_core_main_conf_t       *cmcf;
    ngx_http_upstream_srv_conf_t   **uscf;
    ngx_http_upstream_main_conf_t   *umcf;

    if (ngx_array_init(&known, cycle->pool, 64, sizeof(fraud_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (part = &cycle->shared_memory.part; part; part = part->next) {
        zone = part->elts;

        for (i = 0; i < part->nelts; i++) {
            ngx_http_fraud_errlog_know(&known, &zone[i].shm.name);
        }
    }

    for (part = &cycle->open_files.part; part; part = part->next) {
        file = part->elts;

        for (i = 0; i < part->nelts; i++) {
            ngx_http_fraud_errlog_know(&known, &file[i].name);
        }
    }

    ls = cycle->listening.elts;

    for (i = 0; i < cycle->listening.nelts; i++) {
        ngx_http_fraud_errlog_know(&known, &ls[i].addr_text);
    }

    cmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_core_module);
    cscf = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        sn = cscf[i]->server_names.elts;

        for (k = 0; k < cscf[i]->server_names.nelts; k++) {
            ngx_http_fraud_errlog_know(&known, &sn[k].name);
        }
    }

    umcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_upstream_module);
    uscf = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {
        ngx_http_fraud_errlog_know(&known, &uscf[i]->host);
    }

    name = cycle->conf_file;
    ngx_http_fraud_errlog_know(&known, &name);

    ngx_qsort(known.elts, known.nelts, sizeof(fraud_str_t),
              fraud_redact_compare);

    fmcf->known.strings = known.elts;
    fmcf->known.n = known.nelts;
    fmcf->known.directory.data = cycle->conf_prefix.data;
    fmcf->known.directory.len = cycle->conf_prefix.len;

    return NGX_OK;
}


static void
ngx_http_fraud_errlog_know(ngx_array_t *known, ngx_str_t *text)
{
    fraud_str_t  *str;

    if (text->len == 0 || known->nelts == NGX_HTTP_FRAUD_ERRLOG_KNOWN) {
        return;
    }

    str = ngx_array_push(known);

    if (str) {
        str->data = text->data;
        str->len = text->len;
    }
}


static void
ngx_http_fraud_errlog_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len)
{
    u_char                        line[NGX_MAX_ERROR_STR];
    ngx_http_fraud_errlog_t      *errlog;
    ngx_http_fraud_errlog_who_t  *whom;

    errlog = log->wdata;

    if (errlog == NULL) {
        /* a memory log that is gone */
        return;
    }

    /* the master, before it starts and later, knows of nobody */

    if (ngx_use_stderr || ngx_process == NGX_PROCESS_MASTER) {
        ngx_http_fraud_errlog_write(errlog, log, level, buf, len);
        return;
    }

    whom = ngx_http_fraud_errlog_whom(errlog->fmcf, log, buf, len);

    if (whom && whom->raw) {
        ngx_http_fraud_errlog_write(errlog, log, level, buf, len);
        return;
    }

    len = fraud_redact_line(line, sizeof(line), buf, len, &errlog->fmcf->known,
                            whom ? &whom->who : NULL);

    ngx_http_fraud_errlog_write(errlog, log, level, line, len);
}


/* as nginx does it, with its own writer or without one */

static void
ngx_http_fraud_errlog_write(ngx_http_fraud_errlog_t *errlog, ngx_log_t *log,
    ngx_uint_t level, u_char *buf, size_t len)
{
    ssize_t    n;
    ngx_log_t  own;

    if (errlog->writer) {
        own = *log;

        own.writer = errlog->writer;
        own.wdata = errlog->data;

        errlog->writer(&own, level, buf, len);
        return;
    }

    if (log->file->fd == ngx_stderr && ngx_use_stderr
        && level <= NGX_LOG_WARN)
    {
        /* nginx itself writes it there */
        return;
    }

    /* a full disk blocks some systems: leave it alone for a second */

    if (log->disk_full_time == ngx_time()) {
        return;
    }

    n = ngx_write_fd(log->file->fd, buf, len);

    if (n == -1 && ngx_errno == NGX_ENOSPC) {
        log->disk_full_time = ngx_time();
    }
}


/*
 * Whom a line is about, NULL if about no connection of HTTP.  The first log
 * of a chain has the connection; those after it have the number in the line.
 */

static ngx_http_fraud_errlog_who_t *
ngx_http_fraud_errlog_whom(ngx_http_fraud_main_conf_t *fmcf, ngx_log_t *log,
    u_char *buf, size_t len)
{
    ngx_uint_t                    settled;
    ngx_http_request_t           *r;
    ngx_http_log_ctx_t           *ctx;
    ngx_http_fraud_loc_conf_t    *flcf;
    ngx_http_fraud_errlog_who_t  *last;

    last = &ngx_http_fraud_errlog_last;

    if (log->connection == 0) {
        return (last->connection
                && fraud_redact_connection(buf, len) == last->connection)
               ? last : NULL;
    }

    ngx_memzero(last, sizeof(ngx_http_fraud_errlog_who_t));

    ctx = ngx_http_fraud_errlog_ctx(log);

    if (ctx == NULL) {
        return NULL;
    }

    last->connection = log->connection;

    r = ctx->request;
    flcf = ngx_http_fraud_errlog_conf(ctx);

    /* no other server may turn out to be meant */

    settled = r && (r->headers_in.server.len || r->valid_location
                    || r->phase_handler);

    if (flcf && flcf->policy == NULL && settled) {
        last->raw = 1;
        return last;
    }

    last->who.address.data = ctx->connection->addr_text.data;
    last->who.address.len = ctx->connection->addr_text.len;

    /* a pseudonym of one policy would tell of who is under another */

    if (flcf && flcf->policy && (settled || !flcf->mingles)) {
        ngx_http_fraud_errlog_client(fmcf, flcf, ctx->connection, last);
    }

    ngx_http_fraud_errlog_request(ctx, &last->who);

    return last;
}


/* of any request: streams of HTTP/2 show it nowhere else */

void
ngx_http_fraud_errlog_learn(ngx_http_request_t *r)
{
    ngx_log_t  *log;

    log = r->connection->log;

    if (ngx_http_fraud_errlog_handler == NULL && log->data
        && ((ngx_http_log_ctx_t *) log->data)->connection == r->connection)
    {
        ngx_http_fraud_errlog_handler = log->handler;
    }
}


/*
 * The handler of HTTP is nobody else's to name.  It is that of a connection
 * whose log has data that begins with this connection, as only HTTP's has;
 * the streams of HTTP/2 and HTTP/3 have the same.
 */

static ngx_http_log_ctx_t *
ngx_http_fraud_errlog_ctx(ngx_log_t *log)
{
    uintptr_t          offset;
    ngx_connection_t  *c;

    if (log->data == NULL) {
        return NULL;
    }

    if (log->handler && log->handler == ngx_http_fraud_errlog_handler) {
        return log->data;
    }

    c = *(ngx_connection_t **) log->data;
    offset = (uintptr_t) c - (uintptr_t) ngx_cycle->connections;

    if (ngx_cycle->connections == NULL
        || offset % sizeof(ngx_connection_t)
        || offset / sizeof(ngx_connection_t) >= ngx_cycle->connection_n
        || c->log != log
        || c->listening == NULL
        || c->listening->handler != ngx_http_init_connection)
    {
        return NULL;
    }

    /* there is none while a kept alive connection is read */

    if (log->handler) {
        ngx_http_fraud_errlog_handler = log->handler;
    }

    return log->data;
}


/* before a request, that of the server if there can be only one */

static ngx_http_fraud_loc_conf_t *
ngx_http_fraud_errlog_conf(ngx_http_log_ctx_t *ctx)
{
    ngx_listening_t       *ls;
    ngx_http_port_t       *port;
    ngx_http_in_addr_t    *addr;
    ngx_http_addr_conf_t  *conf;
#if (NGX_HAVE_INET6)
    ngx_http_in6_addr_t   *addr6;
#endif

    if (ctx->request) {
        return ngx_http_get_module_loc_conf(ctx->request,
                                            ngx_http_fraud_module);
    }

    ls = ctx->connection->listening;

    if (ls == NULL || ls->handler != ngx_http_init_connection) {
        return NULL;
    }

    port = ls->servers;

    if (port == NULL || port->naddrs != 1) {
        return NULL;
    }

    switch (ls->sockaddr->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        addr6 = port->addrs;
        conf = &addr6[0].conf;
        break;
#endif

    default:
        addr = port->addrs;
        conf = &addr[0].conf;
        break;
    }

    return conf->default_server->ctx->loc_conf
                                          [ngx_http_fraud_module.ctx_index];
}


/*
 * The pseudonym of the client that the security log has too, if the secrets
 * are those of now: to get others takes a lock that may be held, and may log.
 */

static void
ngx_http_fraud_errlog_client(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_loc_conf_t *flcf, ngx_connection_t *c,
    ngx_http_fraud_errlog_who_t *whom)
{
    ngx_str_t                   subject;
    ngx_uint_t                  i;
    fraud_ip_t                  ip;
    fraud_pid_t                 pid;
    ngx_http_fraud_identity_t  *identity;

    if (fmcf->zone.keyless || ngx_http_fraud_now() >= fmcf->zone.epoch_end) {
        return;
    }

    identity = NULL;

    for (i = 0; i < flcf->nidentities; i++) {
        if (flcf->identities[i]->kind == NGX_HTTP_FRAUD_ADDRESS
            && flcf->identities[i]->value == NULL)
        {
            identity = flcf->identities[i];
            break;
        }
    }

    if (identity == NULL
        || !ngx_http_fraud_policy_shows(flcf->policy, identity)
        || ngx_http_fraud_peer(c, &ip) != NGX_OK)
    {
        return;
    }

    fraud_ip_mask(&ip, (unsigned) identity->ipv4, (unsigned) identity->ipv6);

    subject.data = ip.bytes;
    subject.len = fraud_ip_len(&ip);

    ngx_http_fraud_log_pid(fmcf, identity->domain, &subject, &pid);
    fraud_pid_encode((char *) whom->pid, &pid);

    whom->who.client.data = whom->pid;
    whom->who.client.len = FRAUD_PID_TEXT_LEN;
}


static void
ngx_http_fraud_errlog_request(ngx_http_log_ctx_t *ctx, fraud_redact_who_t *who)
{
    ngx_http_request_t        *r;
    ngx_http_core_srv_conf_t  *cscf;

    r = ctx->request;

    if (r == NULL) {

        if (ctx->connection->listening) {
            who->server.data = ctx->connection->listening->addr_text.data;
            who->server.len = ctx->connection->listening->addr_text.len;
        }

        return;
    }

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    who->server.data = cscf->server_name.data;
    who->server.len = cscf->server_name.len;

    who->request = (r->request_line.len || r->request_start);

    if (r->method_name.len && r->method != NGX_HTTP_UNKNOWN) {
        who->method.data = r->method_name.data;
        who->method.len = r->method_name.len;

        switch (r->http_version) {

        case NGX_HTTP_VERSION_9:
            who->protocol = FRAUD_STR("HTTP/0.9");
            break;

        case NGX_HTTP_VERSION_10:
            who->protocol = FRAUD_STR("HTTP/1.0");
            break;

        case NGX_HTTP_VERSION_11:
            who->protocol = FRAUD_STR("HTTP/1.1");
            break;

        case NGX_HTTP_VERSION_20:
            who->protocol = FRAUD_STR("HTTP/2.0");
            break;

#if defined(NGX_HTTP_VERSION_30)
        case NGX_HTTP_VERSION_30:
            who->protocol = FRAUD_STR("HTTP/3.0");
            break;
#endif

        default:
            break;
        }
    }

    if (ctx->current_request && ctx->current_request->upstream) {
        ngx_http_fraud_errlog_upstream(ctx->current_request->upstream, who);
    }
}


/* an address alone: a name may have been taken from the request */

static void
ngx_http_fraud_errlog_upstream(ngx_http_upstream_t *u, fraud_redact_who_t *who)
{
    u_char      *p, *last;
    ngx_str_t   *name;
    fraud_ip_t   ip;

    name = u->peer.name;

    if (name == NULL || name->len == 0) {
        return;
    }

    if (ngx_strncmp(name->data, "unix:", ngx_min(name->len, 5)) != 0) {

        last = name->data + name->len;

        for (p = last; p > name->data && p[-1] != ':' && p[-1] != ']'; p--) {
            /* void */
        }

        p = (p > name->data && p[-1] == ':') ? p - 1 : last;

        if (*name->data == '[') {
            if (fraud_ip_parse(&ip, (char *) name->data + 1,
                               p - name->data - 2)
                != FRAUD_OK)
            {
                return;
            }

        } else if (fraud_ip_parse(&ip, (char *) name->data, p - name->data)
                   != FRAUD_OK)
        {
            return;
        }
    }

    who->upstream.data = name->data;
    who->upstream.len = name->len;

    if (u->schema.len <= sizeof("https://") - 1) {
        who->scheme.data = u->schema.data;
        who->scheme.len = u->schema.len;
    }
}
