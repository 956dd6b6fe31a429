
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_store.h"


#define NGX_HTTP_FRAUD_STATUS_LEN   4096
#define NGX_HTTP_FRAUD_STATUS_LINE  128   /* of a signal or a domain */


static ngx_int_t ngx_http_fraud_status_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_fraud_status_json(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf);
static void ngx_http_fraud_status_state(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf);
static void ngx_http_fraud_status_zone(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf);
static void ngx_http_fraud_status_redis(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf);
static void ngx_http_fraud_status_spool(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf);
static void ngx_http_fraud_status_signals(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf);


typedef struct {
    fraud_str_t                name;
    ngx_http_fraud_counter_e   counter;
} ngx_http_fraud_status_t;


#define ngx_http_fraud_status_name(s)                                         \
    { (const uint8_t *) s, sizeof(s) - 1 }


static ngx_http_fraud_status_t  ngx_http_fraud_status_requests[] = {
    { ngx_http_fraud_status_name("total"), NGX_HTTP_FRAUD_N_REQUESTS },
    { ngx_http_fraud_status_name("late"), NGX_HTTP_FRAUD_N_LATE },
    { ngx_http_fraud_status_name("trusted"), NGX_HTTP_FRAUD_N_TRUSTED },
    { ngx_http_fraud_status_name("allow"), NGX_HTTP_FRAUD_N_ALLOW },
    { ngx_http_fraud_status_name("delay"), NGX_HTTP_FRAUD_N_DELAY },
    { ngx_http_fraud_status_name("limit"), NGX_HTTP_FRAUD_N_LIMIT },
    { ngx_http_fraud_status_name("deny"), NGX_HTTP_FRAUD_N_DENY },
    { ngx_http_fraud_status_name("drop"), NGX_HTTP_FRAUD_N_DROP },
    { ngx_http_fraud_status_name("observed"), NGX_HTTP_FRAUD_N_OBSERVED },
    { ngx_http_fraud_status_name("overdelayed"),
      NGX_HTTP_FRAUD_N_OVERDELAYED },
    { { NULL, 0 }, 0 }
};


static ngx_http_fraud_status_t  ngx_http_fraud_status_faults[] = {
    { ngx_http_fraud_status_name("match_limit"),
      NGX_HTTP_FRAUD_N_MATCH_LIMITED },
    { ngx_http_fraud_status_name("geo_corrupt"), NGX_HTTP_FRAUD_N_GEO_ERRORS },
    { ngx_http_fraud_status_name("log_lost"), NGX_HTTP_FRAUD_N_LOG_LOST },
    { ngx_http_fraud_status_name("file_refused"),
      NGX_HTTP_FRAUD_N_LOAD_ERRORS },
    { ngx_http_fraud_status_name("keyless"), NGX_HTTP_FRAUD_N_KEYLESS },
    { { NULL, 0 }, 0 }
};


static ngx_http_fraud_status_t  ngx_http_fraud_status_store[] = {
    { ngx_http_fraud_status_name("lost"), NGX_HTTP_FRAUD_N_LOST },
    { ngx_http_fraud_status_name("local"), NGX_HTTP_FRAUD_N_LOCAL },
    { ngx_http_fraud_status_name("degraded"), NGX_HTTP_FRAUD_N_DEGRADED },
    { ngx_http_fraud_status_name("cached"), NGX_HTTP_FRAUD_N_CACHED },
    { ngx_http_fraud_status_name("exchanged"), NGX_HTTP_FRAUD_N_EXCHANGED },
    { ngx_http_fraud_status_name("merged"), NGX_HTTP_FRAUD_N_MERGED },
    { ngx_http_fraud_status_name("budgeted"), NGX_HTTP_FRAUD_N_BUDGETED },
    { ngx_http_fraud_status_name("subjects"),
      NGX_HTTP_FRAUD_N_REDIS + NGX_FRAUD_REDIS_N_SUBJECTS },
    { ngx_http_fraud_status_name("calls"),
      NGX_HTTP_FRAUD_N_REDIS + NGX_FRAUD_REDIS_N_CALLS },
    { ngx_http_fraud_status_name("writes"),
      NGX_HTTP_FRAUD_N_REDIS + NGX_FRAUD_REDIS_N_WRITES },
    { ngx_http_fraud_status_name("connects"),
      NGX_HTTP_FRAUD_N_REDIS + NGX_FRAUD_REDIS_N_CONNECTS },
    { ngx_http_fraud_status_name("timeouts"),
      NGX_HTTP_FRAUD_N_REDIS + NGX_FRAUD_REDIS_N_TIMEOUTS },
    { ngx_http_fraud_status_name("errors"),
      NGX_HTTP_FRAUD_N_REDIS + NGX_FRAUD_REDIS_N_ERRORS },
    { ngx_http_fraud_status_name("refused"),
      NGX_HTTP_FRAUD_N_REDIS + NGX_FRAUD_REDIS_N_REFUSED },
    { ngx_http_fraud_status_name("redirects"),
      NGX_HTTP_FRAUD_N_REDIS + NGX_FRAUD_REDIS_N_REDIRECTS },
    { { NULL, 0 }, 0 }
};


static ngx_http_fraud_status_t  ngx_http_fraud_status_flags[] = {
    { ngx_http_fraud_status_name("raised"), NGX_HTTP_FRAUD_N_FLAGS_RAISED },
    { ngx_http_fraud_status_name("suppressed"),
      NGX_HTTP_FRAUD_N_FLAGS_SUPPRESSED },
    { ngx_http_fraud_status_name("waiting"), NGX_HTTP_FRAUD_N_FLAGS_WAITING },
    { ngx_http_fraud_status_name("written"), NGX_HTTP_FRAUD_N_FLAGS_WRITTEN },
    { ngx_http_fraud_status_name("lost"), NGX_HTTP_FRAUD_N_FLAGS_LOST },
    { { NULL, 0 }, 0 }
};


char *
ngx_http_fraud_status_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "json") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_status\": invalid value \"%V\", "
                           "use \"json\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == ngx_http_fraud_status_handler) {
        return "is duplicate";
    }

    clcf->handler = ngx_http_fraud_status_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_fraud_status_handler(ngx_http_request_t *r)
{
    size_t                       size;
    ngx_int_t                    rc;
    ngx_buf_t                   *b;
    fraud_event_t                event;
    ngx_http_fraud_main_conf_t  *fmcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_fraud_module);

    size = NGX_HTTP_FRAUD_STATUS_LEN
           + fmcf->signals.nelts * NGX_HTTP_FRAUD_STATUS_LINE;

    b = ngx_create_temp_buf(r->pool, size);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    fraud_event_begin(&event, b->pos, size);

    if (ngx_http_fraud_status_json(&event, fmcf) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_fraud_send_json(r, b, event.buf.len);
}


/* an answer of len bytes at the start of the buffer */

ngx_int_t
ngx_http_fraud_send_json(ngx_http_request_t *r, ngx_buf_t *b, size_t len)
{
    ngx_int_t    rc;
    ngx_chain_t  out;

    b->last = b->pos + len;
    b->last_buf = 1;
    b->last_in_chain = 1;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
ngx_http_fraud_status_json(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_http_fraud_status_t  *status;

    fraud_event_str(event, FRAUD_STR("version"), NGX_HTTP_FRAUD_VERSION,
                    sizeof(NGX_HTTP_FRAUD_VERSION) - 1);

    if (fmcf->zone.sh == NULL) {
        return fraud_event_end(event) == FRAUD_OK ? NGX_OK : NGX_ERROR;
    }

    ngx_http_fraud_status_state(event, fmcf);
    ngx_http_fraud_status_zone(event, fmcf);

    if (fmcf->redis) {
        ngx_http_fraud_status_redis(event, fmcf);
    }

    fraud_event_open(event, FRAUD_STR("requests"));

    for (status = ngx_http_fraud_status_requests; status->name.len; status++) {
        fraud_event_uint(event, status->name,
                         ngx_http_fraud_zone_counter(fmcf, status->counter));
    }

    fraud_event_close(event);

    fraud_event_open(event, FRAUD_STR("faults"));

    for (status = ngx_http_fraud_status_faults; status->name.len; status++) {
        fraud_event_uint(event, status->name,
                         ngx_http_fraud_zone_counter(fmcf, status->counter));
    }

    fraud_event_close(event);

    if (fmcf->spool) {
        ngx_http_fraud_status_spool(event, fmcf);
    }

    fraud_event_uint(event, FRAUD_STR("files_loaded"),
                     ngx_http_fraud_zone_counter(fmcf,
                                                 NGX_HTTP_FRAUD_N_LOADED));

    ngx_http_fraud_status_signals(event, fmcf);

    return fraud_event_end(event) == FRAUD_OK ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_fraud_status_zone(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf)
{
    uint64_t  created, gone, evicted, expired;

    evicted = ngx_http_fraud_zone_counter(fmcf, NGX_HTTP_FRAUD_N_EVICTED);
    expired = ngx_http_fraud_zone_counter(fmcf, NGX_HTTP_FRAUD_N_EXPIRED);
    created = ngx_http_fraud_zone_counter(fmcf, NGX_HTTP_FRAUD_N_CREATED);
    gone = evicted + expired;

    fraud_event_open(event, FRAUD_STR("zone"));

    fraud_event_str(event, FRAUD_STR("name"), fmcf->zone_name.data,
                    fmcf->zone_name.len);
    fraud_event_uint(event, FRAUD_STR("bytes"), fmcf->zone_size);
    fraud_event_uint(event, FRAUD_STR("capacity"),
                     fraud_table_size(&fmcf->zone.table));

    /* counters of workers are read one after another */

    fraud_event_uint(event, FRAUD_STR("entries"),
                     created > gone ? created - gone : 0);
    fraud_event_uint(event, FRAUD_STR("created"), created);
    fraud_event_uint(event, FRAUD_STR("evicted"), evicted);
    fraud_event_uint(event, FRAUD_STR("expired"), expired);
    fraud_event_uint(event, FRAUD_STR("failed"),
                     ngx_http_fraud_zone_counter(fmcf,
                                                 NGX_HTTP_FRAUD_N_BUSY));

    fraud_event_close(event);
}


static void
ngx_http_fraud_status_state(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf)
{
    const char              *name;
    ngx_http_fraud_state_e   state;

    state = NGX_HTTP_FRAUD_STATE_OK;

    if (fmcf->redis && ngx_http_fraud_zone_is_lost(fmcf)) {
        state = fmcf->redis->on_failure == NGX_HTTP_FRAUD_ON_FAILURE_LOCAL
                ? NGX_HTTP_FRAUD_STATE_LOCAL : NGX_HTTP_FRAUD_STATE_DEGRADED;
    }

    name = ngx_http_fraud_state_name(state);
    fraud_event_str(event, FRAUD_STR("state"), name, ngx_strlen(name));
}


static void
ngx_http_fraud_status_redis(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_http_fraud_status_t  *status;

    fraud_event_open(event, FRAUD_STR("redis"));

    ngx_http_fraud_status_state(event, fmcf);

    for (status = ngx_http_fraud_status_store; status->name.len; status++) {
        fraud_event_uint(event, status->name,
                         ngx_http_fraud_zone_counter(fmcf, status->counter));
    }

    fraud_event_close(event);
}


static void
ngx_http_fraud_status_spool(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_http_fraud_status_t  *status;

    fraud_event_open(event, FRAUD_STR("flags"));

    for (status = ngx_http_fraud_status_flags; status->name.len; status++) {
        fraud_event_uint(event, status->name,
                         ngx_http_fraud_zone_counter(fmcf, status->counter));
    }

    fraud_event_uint(event, FRAUD_STR("spool_bytes"),
                     *ngx_http_fraud_zone_spooled(fmcf));

    fraud_event_close(event);
}


static void
ngx_http_fraud_status_signals(fraud_event_t *event,
    ngx_http_fraud_main_conf_t *fmcf)
{
    fraud_str_t                name;
    ngx_uint_t                 i, k;
    ngx_http_fraud_signal_t  **signal;

    fraud_event_open(event, FRAUD_STR("signals"));

    signal = fmcf->signals.elts;

    for (i = 0; i < fmcf->signals.nelts; i++) {

        /* one member for a name, in however many blocks it is declared */

        for (k = 0; k < i; k++) {
            if (signal[k]->counter == signal[i]->counter) {
                break;
            }
        }

        if (k < i) {
            continue;
        }

        name.data = signal[i]->name.data;
        name.len = signal[i]->name.len;

        fraud_event_uint(event, name,
                         ngx_http_fraud_zone_signal(fmcf, signal[i]));
    }

    fraud_event_close(event);
}
