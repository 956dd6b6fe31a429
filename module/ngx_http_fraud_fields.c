
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_flag.h"
#include "fraud_agent.h"
#include "fraud_reduce.h"


/*
 * A line of the security log under a policy: purpose, policy and the digest of
 * its text, and then the fields that log.fields names, in the order of the
 * vocabulary, and no other.  What a request has nothing of is "-".  "rule" is
 * written as "reasons" (and "shadow"), "verdict" as "id", "score", "action"
 * and "mode", as without a policy.
 */


#define NGX_HTTP_FRAUD_MINUTE  60000


typedef ngx_int_t (*ngx_http_fraud_field_pt)(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);


static ngx_int_t ngx_http_fraud_field_time(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_path(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_status(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_bytes(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_dwell(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_ua_type(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_ua_platform(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_host(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_host_path(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_referer(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key, ngx_uint_t with_path);
static ngx_int_t ngx_http_fraud_field_lang(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_country(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_prefix(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_address(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_account(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_device(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_pid(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key, ngx_http_fraud_kind_e first,
    ngx_http_fraud_kind_e second);
static ngx_int_t ngx_http_fraud_field_seal(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_rule(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static ngx_int_t ngx_http_fraud_field_verdict(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key);
static void ngx_http_fraud_field_text(fraud_event_t *event, fraud_str_t key,
    const char *text);


static struct {
    const char                *key;
    ngx_http_fraud_field_pt    handler;
} ngx_http_fraud_log_fields[] = {
    [FRAUD_FIELD_TIME] = { "time", ngx_http_fraud_field_time },
    [FRAUD_FIELD_PATH] = { "path", ngx_http_fraud_field_path },
    [FRAUD_FIELD_STATUS] = { "status", ngx_http_fraud_field_status },
    [FRAUD_FIELD_BYTES] = { "bytes", ngx_http_fraud_field_bytes },
    [FRAUD_FIELD_DWELL] = { "dwell", ngx_http_fraud_field_dwell },
    [FRAUD_FIELD_UA_TYPE] = { "ua_type", ngx_http_fraud_field_ua_type },
    [FRAUD_FIELD_UA_PLATFORM] =
        { "ua_platform", ngx_http_fraud_field_ua_platform },
    [FRAUD_FIELD_REFERER_HOST] = { "referer_host", ngx_http_fraud_field_host },
    [FRAUD_FIELD_REFERER_HOST_PATH] =
        { "referer_host_path", ngx_http_fraud_field_host_path },
    [FRAUD_FIELD_LANG] = { "lang", ngx_http_fraud_field_lang },
    [FRAUD_FIELD_COUNTRY] = { "country", ngx_http_fraud_field_country },
    [FRAUD_FIELD_IP_PREFIX] = { "ip_prefix", ngx_http_fraud_field_prefix },
    [FRAUD_FIELD_IP_PID] = { "ip_pid", ngx_http_fraud_field_address },
    [FRAUD_FIELD_ACCT_PID] = { "acct_pid", ngx_http_fraud_field_account },
    [FRAUD_FIELD_DEVICE_PID] = { "device_pid", ngx_http_fraud_field_device },
    [FRAUD_FIELD_LINK_SEAL] = { "link_seal", ngx_http_fraud_field_seal },
    [FRAUD_FIELD_RULE] = { "reasons", ngx_http_fraud_field_rule },
    [FRAUD_FIELD_VERDICT] = { "id", ngx_http_fraud_field_verdict }
};


ngx_int_t
ngx_http_fraud_fields(ngx_http_request_t *r, ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event)
{
    ngx_uint_t                i, n;
    fraud_str_t               key;
    ngx_http_fraud_policy_t  *policy;

    policy = ctx->flcf->policy;

    fraud_event_str(event, FRAUD_STR("purpose"), policy->purpose.data,
                    policy->purpose.len);
    fraud_event_str(event, FRAUD_STR("policy"), policy->version.data,
                    policy->version.len);
    fraud_event_str(event, FRAUD_STR("digest"), policy->digest.data,
                    policy->digest.len);

    n = sizeof(ngx_http_fraud_log_fields)
        / sizeof(ngx_http_fraud_log_fields[0]);

    for (i = 0; i < n; i++) {

        if (!(policy->policy.settings.log_fields & FRAUD_SETTING_BIT(i))) {
            continue;
        }

        key.data = (u_char *) ngx_http_fraud_log_fields[i].key;
        key.len = ngx_strlen(key.data);

        if (ngx_http_fraud_log_fields[i].handler(ctx, event, key) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* in a log without pseudonyms no request is told from others by its moment */

static ngx_int_t
ngx_http_fraud_field_time(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    uint64_t  ms;

    ms = ctx->now_us / 1000;

    if (ctx->flcf->policy->policy.settings.log_ip != FRAUD_LOG_IP_KEYED) {
        ms -= ms % NGX_HTTP_FRAUD_MINUTE;
    }

    fraud_event_time(event, key, ms);

    return NGX_OK;
}


/* what was asked for, wherever it was led to */

static ngx_int_t
ngx_http_fraud_field_path(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    u_char               text[FRAUD_REDUCE_MAX];
    fraud_buf_t          buf;
    ngx_http_request_t  *r;

    r = ctx->request;

    fraud_buf_init(&buf, text, sizeof(text));
    fraud_reduce_path(&buf, r->unparsed_uri.data, r->unparsed_uri.len);
    fraud_event_str(event, key, buf.data, buf.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_field_status(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    fraud_event_uint(event, key, ngx_http_fraud_log_status(ctx->request));

    return NGX_OK;
}


/* as $bytes_sent */

static ngx_int_t
ngx_http_fraud_field_bytes(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    fraud_event_uint(event, key, ctx->request->connection->sent);

    return NGX_OK;
}


/* seconds since the session of the request was first seen */

static ngx_int_t
ngx_http_fraud_field_dwell(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    uint64_t                    age_us;
    ngx_uint_t                  i;
    ngx_http_fraud_identity_t  *identity;

    for (i = 0; i < ctx->flcf->nidentities; i++) {
        identity = ctx->flcf->identities[i];

        if (identity->kind == NGX_HTTP_FRAUD_SESSION
            && ngx_http_fraud_account_age(ctx, identity, &age_us) == NGX_OK)
        {
            fraud_event_uint(event, key, age_us / 1000000);
            return NGX_OK;
        }
    }

    fraud_event_str(event, key, "-", 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_field_ua_type(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    ngx_table_elt_t  *h;

    h = ctx->request->headers_in.user_agent;

    ngx_http_fraud_field_text(event, key,
                              h ? fraud_agent_type(h->value.data, h->value.len)
                                : "-");
    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_field_ua_platform(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key)
{
    ngx_table_elt_t  *h;

    h = ctx->request->headers_in.user_agent;

    ngx_http_fraud_field_text(event, key,
                              h ? fraud_agent_platform(h->value.data,
                                                       h->value.len)
                                : "-");
    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_field_host(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    return ngx_http_fraud_field_referer(ctx, event, key, 0);
}


static ngx_int_t
ngx_http_fraud_field_host_path(ngx_http_fraud_ctx_t *ctx,
    fraud_event_t *event, fraud_str_t key)
{
    return ngx_http_fraud_field_referer(ctx, event, key, 1);
}


static ngx_int_t
ngx_http_fraud_field_referer(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key, ngx_uint_t with_path)
{
    u_char            text[FRAUD_REDUCE_MAX];
    fraud_buf_t       buf;
    ngx_table_elt_t  *h;

    h = ctx->request->headers_in.referer;

    if (h == NULL) {
        fraud_event_str(event, key, "-", 1);
        return NGX_OK;
    }

    fraud_buf_init(&buf, text, sizeof(text));
    fraud_reduce_referer(&buf, h->value.data, h->value.len, (int) with_path);
    fraud_event_str(event, key, buf.data, buf.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_field_lang(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
#if (NGX_HTTP_HEADERS)
    u_char            text[FRAUD_REDUCE_MAX];
    fraud_buf_t       buf;
    ngx_table_elt_t  *h;

    h = ctx->request->headers_in.accept_language;

    if (h) {
        fraud_buf_init(&buf, text, sizeof(text));
        fraud_reduce_lang(&buf, h->value.data, h->value.len);
        fraud_event_str(event, key, buf.data, buf.len);

        return NGX_OK;
    }
#endif

    fraud_event_str(event, key, "-", 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_field_country(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    fraud_geo_record_t  *geo, record;

    geo = ngx_http_fraud_locate(ctx->request, ctx->fmcf, &record);

    ngx_http_fraud_field_text(event, key,
                              geo->country[0] ? geo->country : "-");

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_field_prefix(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    u_char       text[64];
    fraud_ip_t   ip;
    fraud_buf_t  buf;

    if (ngx_http_fraud_client(ctx->request, &ip) != NGX_OK) {
        fraud_event_str(event, key, "-", 1);
        return NGX_OK;
    }

    fraud_buf_init(&buf, text, sizeof(text));
    fraud_reduce_prefix(&buf, &ip);
    fraud_event_str(event, key, buf.data, buf.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_field_address(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    return ngx_http_fraud_field_pid(ctx, event, key, NGX_HTTP_FRAUD_ADDRESS,
                                    NGX_HTTP_FRAUD_ADDRESS);
}


static ngx_int_t
ngx_http_fraud_field_account(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    return ngx_http_fraud_field_pid(ctx, event, key, NGX_HTTP_FRAUD_ACCOUNT,
                                    NGX_HTTP_FRAUD_ACCOUNT);
}


/* a cookie tells devices apart; without one, what else was declared does */

static ngx_int_t
ngx_http_fraud_field_device(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    return ngx_http_fraud_field_pid(ctx, event, key, NGX_HTTP_FRAUD_SESSION,
                                    NGX_HTTP_FRAUD_DEVICE);
}


/* of several of a kind those that were vouched for go first */

static ngx_int_t
ngx_http_fraud_field_pid(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key, ngx_http_fraud_kind_e first, ngx_http_fraud_kind_e second)
{
    u_char                      text[FRAUD_PID_TEXT_LEN];
    ngx_int_t                   rc;
    ngx_uint_t                  i, pass;
    ngx_http_fraud_kind_e       kind;
    ngx_http_fraud_identity_t  *identity;

    for (pass = 0; pass < 4; pass++) {

        kind = pass < 2 ? first : second;

        for (i = 0; i < ctx->flcf->nidentities; i++) {
            identity = ctx->flcf->identities[i];

            if (identity->kind != kind
                || identity->verified != (pass % 2 == 0))
            {
                continue;
            }

            rc = ngx_http_fraud_log_name(ctx, identity, text);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_OK) {
                fraud_event_str(event, key, text, FRAUD_PID_TEXT_LEN);
                return NGX_OK;
            }
        }
    }

    fraud_event_str(event, key, "-", 1);

    return NGX_OK;
}


/* the account, for nobody but those who have the key of the escrow */

static ngx_int_t
ngx_http_fraud_field_seal(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    u_char  text[FRAUD_SEAL_TEXT_LEN(FRAUD_SEAL_MAX_DATA)];
    size_t  len;

    if (ngx_http_fraud_escrow(ctx, text, &len) == NGX_OK) {
        fraud_event_str(event, key, text, len);

    } else {
        fraud_event_str(event, key, "-", 1);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_field_rule(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    ngx_uint_t      n;
    fraud_reason_t  reasons[NGX_HTTP_FRAUD_MAX_SIGNALS];

    n = ngx_http_fraud_reasons(ctx, reasons, 0);
    ngx_http_fraud_log_reasons(event, key, reasons, n);

    n = ngx_http_fraud_reasons(ctx, reasons, 1);

    if (n) {
        ngx_http_fraud_log_reasons(event, FRAUD_STR("shadow"), reasons, n);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_field_verdict(ngx_http_fraud_ctx_t *ctx, fraud_event_t *event,
    fraud_str_t key)
{
    ngx_http_variable_value_t  *vv;

    vv = ngx_http_get_indexed_variable(ctx->request,
                                       ctx->fmcf->request_id_index);

    if (vv && !vv->not_found) {
        fraud_event_str(event, key, vv->data, vv->len);
    }

    fraud_event_uint(event, FRAUD_STR("score"), ctx->score);
    ngx_http_fraud_field_text(event, FRAUD_STR("action"),
                              fraud_action_name(ctx->action));
    ngx_http_fraud_field_text(event, FRAUD_STR("mode"),
                              ctx->flcf->mode == NGX_HTTP_FRAUD_ENFORCE
                              ? "enforce" : "observe");
    return NGX_OK;
}


static void
ngx_http_fraud_field_text(fraud_event_t *event, fraud_str_t key,
    const char *text)
{
    fraud_event_str(event, key, text, ngx_strlen(text));
}
