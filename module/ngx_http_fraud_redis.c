
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_store.h"


static void ngx_http_fraud_redis_state(void *data, ngx_uint_t lost,
    const char *why);


ngx_int_t
ngx_http_fraud_redis_start(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_http_fraud_redis_t  *redis;

    redis = fmcf->redis;

    if (redis == NULL) {
        return NGX_OK;
    }

    /* a worker before this one may have died with it */

    (void) ngx_http_fraud_zone_lost(fmcf, 0);

    if (ngx_http_fraud_exchange_start(fmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    redis->client = ngx_fraud_redis_create(cycle, &redis->conf,
                        &fmcf->zone.counters[NGX_HTTP_FRAUD_N_REDIS],
                        ngx_http_fraud_redis_state, fmcf);

    return redis->client ? NGX_OK : NGX_ERROR;
}


void
ngx_http_fraud_redis_stop(ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_fraud_redis_t  *client;

    if (fmcf->redis == NULL) {
        return;
    }

    client = fmcf->redis->client;
    fmcf->redis->client = NULL;

    if (client) {
        ngx_fraud_redis_close(client);
        (void) ngx_http_fraud_zone_lost(fmcf, 0);
    }

    ngx_http_fraud_exchange_stop(fmcf);
}


/* nobody is there to be asked; of a cluster one node may be */

ngx_uint_t
ngx_http_fraud_redis_lost(ngx_http_fraud_redis_t *redis)
{
    return redis->client == NULL
           || (redis->lost && !ngx_fraud_redis_alive(redis->client));
}


/* said once for all workers, not by each */

static void
ngx_http_fraud_redis_state(void *data, ngx_uint_t lost, const char *why)
{
    ngx_http_fraud_main_conf_t *fmcf = data;

    ngx_uint_t               before;
    ngx_http_fraud_redis_t  *redis;

    static const char  *meanwhile[] = {
        "the zone stands in",
        "requests pass unjudged",
        "requests are refused"
    };

    redis = fmcf->redis;
    before = redis->lost;
    redis->lost = lost;

    if (lost && ngx_http_fraud_zone_lost(fmcf, 1)) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_LOST);
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "fraud: redis is lost (%s), %s", why,
                      meanwhile[redis->on_failure]);
    }

    if (lost == 0 && before && ngx_http_fraud_zone_lost(fmcf, 0)) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "fraud: redis is back");
    }

    if (lost < before) {
        ngx_http_fraud_scan(fmcf);
    }
}
