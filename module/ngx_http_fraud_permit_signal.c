
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_wording.h"


/*
 * What a signal makes of a request and keeps, against the policy in force.
 * A variable that is made of others counts as these.  Those that no policy has
 * a word for may be counted: as a hash, and under automation = none not even
 * so.
 */


static ngx_uint_t ngx_http_fraud_permit_automatic(
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_signal_t *signal,
    ngx_http_fraud_refusal_t *refusal);
static ngx_uint_t ngx_http_fraud_permit_account(
    ngx_http_fraud_loc_conf_t *conf, ngx_http_fraud_signal_t *signal,
    ngx_http_fraud_identity_t *identity, ngx_http_fraud_refusal_t *refusal);
static ngx_uint_t ngx_http_fraud_permit_distinct(
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_signal_t *signal,
    ngx_http_fraud_identity_t *identity, ngx_http_fraud_refusal_t *refusal);
static ngx_uint_t ngx_http_fraud_permit_time(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_identity_t *identity,
    ngx_http_fraud_refusal_t *refusal);
static ngx_uint_t ngx_http_fraud_permit_country(
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_value_t *value,
    ngx_http_fraud_refusal_t *refusal);
static ngx_uint_t ngx_http_fraud_permit_shares(
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_value_t *one,
    ngx_http_fraud_value_t *other);
static void ngx_http_fraud_permit_walk(fraud_alias_walk_t *walk,
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_value_t *value);
static void ngx_http_fraud_permit_variable(ngx_http_fraud_refusal_t *refusal,
    fraud_str_t *name);
static ngx_http_fraud_identity_t *ngx_http_fraud_identity_of(
    ngx_http_fraud_loc_conf_t *conf, ngx_str_t *name);


/* variables that are something a policy has a word for; "_" is a prefix */

static struct {
    ngx_str_t                   name;
    ngx_uint_t                  word;
} ngx_http_fraud_collected[] = {
    { ngx_string("remote_addr"), FRAUD_COLLECT_IP },
    { ngx_string("binary_remote_addr"), FRAUD_COLLECT_IP },
    { ngx_string("realip_remote_addr"), FRAUD_COLLECT_IP },
    { ngx_string("proxy_protocol_addr"), FRAUD_COLLECT_IP },
    { ngx_string("proxy_add_x_forwarded_for"), FRAUD_COLLECT_IP },
    { ngx_string("http_x_forwarded_for"), FRAUD_COLLECT_IP },
    { ngx_string("http_x_real_ip"), FRAUD_COLLECT_IP },
    { ngx_string("http_forwarded"), FRAUD_COLLECT_IP },
    { ngx_string("remote_host"), FRAUD_COLLECT_RDNS },
    { ngx_string("uri"), FRAUD_COLLECT_PATH },
    { ngx_string("document_uri"), FRAUD_COLLECT_PATH },
    { ngx_string("request_uri"), FRAUD_COLLECT_PATH },
    { ngx_string("request"), FRAUD_COLLECT_PATH },
    { ngx_string("request_filename"), FRAUD_COLLECT_PATH },
    { ngx_string("fastcgi_script_name"), FRAUD_COLLECT_PATH },
    { ngx_string("fastcgi_path_info"), FRAUD_COLLECT_PATH },
    { ngx_string("status"), FRAUD_COLLECT_STATUS },
    { ngx_string("upstream_status"), FRAUD_COLLECT_STATUS },
    { ngx_string("bytes_sent"), FRAUD_COLLECT_BYTES },
    { ngx_string("body_bytes_sent"), FRAUD_COLLECT_BYTES },
    { ngx_string("request_length"), FRAUD_COLLECT_BYTES },
    { ngx_string("sent_http_content_length"), FRAUD_COLLECT_BYTES },
    { ngx_string("upstream_bytes_received"), FRAUD_COLLECT_BYTES },
    { ngx_string("upstream_response_length"), FRAUD_COLLECT_BYTES },
    { ngx_string("http_user_agent"), FRAUD_COLLECT_UA },
    { ngx_string("http_sec_ch_"), FRAUD_COLLECT_UA },
    { ngx_string("http_referer"), FRAUD_COLLECT_REFERER },
    { ngx_string("http_origin"), FRAUD_COLLECT_REFERER },
    { ngx_string("http_accept_language"), FRAUD_COLLECT_LANG },
    { ngx_string("fraud_country"), FRAUD_COLLECT_COUNTRY },
    { ngx_string("geoip_"), FRAUD_COLLECT_COUNTRY },
    { ngx_string("geoip2_"), FRAUD_COLLECT_COUNTRY },
    { ngx_string("http_cookie"), FRAUD_COLLECT_COOKIE },
    { ngx_string("cookie_"), FRAUD_COLLECT_COOKIE },
    { ngx_string("upstream_cookie_"), FRAUD_COLLECT_COOKIE },
    { ngx_string("upstream_http_set_cookie"), FRAUD_COLLECT_COOKIE },
    { ngx_string("sent_http_set_cookie"), FRAUD_COLLECT_COOKIE },
    { ngx_string("uid_got"), FRAUD_COLLECT_COOKIE },
    { ngx_string("uid_set"), FRAUD_COLLECT_COOKIE },
    { ngx_string("remote_user"), FRAUD_COLLECT_ACCOUNT },
    { ngx_string("http_authorization"), FRAUD_COLLECT_ACCOUNT },
    { ngx_string("ssl_client_"), FRAUD_COLLECT_ACCOUNT },
    { ngx_null_string, 0 }
};


ngx_uint_t
ngx_http_fraud_permit_signal(ngx_http_fraud_loc_conf_t *conf,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_refusal_t *refusal)
{
    ngx_http_fraud_policy_t    *policy;
    ngx_http_fraud_identity_t  *identity;

    static const char  *directives[] = {
        [FRAUD_RULE_RATE] = "fraud_rate",
        [FRAUD_RULE_DISTINCT] = "fraud_distinct",
        [FRAUD_RULE_MATCH] = "fraud_match",
        [FRAUD_RULE_LIST] = "fraud_list",
        [FRAUD_RULE_SIGNAL] = "fraud_signal",
        [FRAUD_RULE_TRAVEL] = "fraud_travel",
        [FRAUD_RULE_REPUTATION] = "fraud_reputation"
    };

    policy = conf->policy;

    ngx_memzero(refusal, sizeof(ngx_http_fraud_refusal_t));

    refusal->directive = directives[signal->type];
    refusal->name = signal->type == FRAUD_RULE_REPUTATION ? &signal->identity
                                                          : &signal->name;

    if (ngx_http_fraud_permit_country(policy, signal->condition, refusal)
        || ngx_http_fraud_permit_country(policy, signal->value, refusal)
        || ngx_http_fraud_permit_country(policy, signal->cost, refusal))
    {
        return 1;
    }

    identity = ngx_http_fraud_identity_of(conf, &signal->identity);

    if (identity == NULL) {
        return 0;
    }

    return ngx_http_fraud_permit_automatic(policy, signal, refusal)
           || ngx_http_fraud_permit_account(conf, signal, identity, refusal)
           || (signal->type == FRAUD_RULE_DISTINCT
               && ngx_http_fraud_permit_distinct(policy, signal, identity,
                                                 refusal))
           || ngx_http_fraud_permit_time(policy, signal, identity, refusal);
}


/* no score that follows anybody, no picture of what somebody does */

static ngx_uint_t
ngx_http_fraud_permit_automatic(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_refusal_t *refusal)
{
    fraud_settings_t  *settings;

    settings = &policy->policy.settings;

    refusal->id = FRAUD_SETTING_AUTOMATION;

    if (settings->automation == FRAUD_AUTOMATION_NONE
        && signal->type != FRAUD_RULE_RATE)
    {
        return 1;
    }

    refusal->id = FRAUD_SETTING_PURPOSE;

    if (signal->type == FRAUD_RULE_REPUTATION
        && !(settings->purpose & NGX_HTTP_FRAUD_SCORES))
    {
        return 1;
    }

    refusal->id = FRAUD_SETTING_GEO;

    return signal->type == FRAUD_RULE_TRAVEL
           && settings->geo < FRAUD_PLACE_CITY;
}


/*
 * Without link.account = security nothing that traffic shows gets into the
 * record of an account, nor the other way.  What is left are rates of what an
 * account that was vouched for does.
 */

static ngx_uint_t
ngx_http_fraud_permit_account(ngx_http_fraud_loc_conf_t *conf,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_identity_t *identity,
    ngx_http_fraud_refusal_t *refusal)
{
    ngx_uint_t                  i;
    ngx_http_fraud_identity_t  *other;

    if (conf->policy->policy.settings.link_account == FRAUD_LINK_SECURITY) {
        return 0;
    }

    refusal->id = FRAUD_SETTING_LINK_ACCOUNT;

    if (identity->kind == NGX_HTTP_FRAUD_ACCOUNT
        && (signal->type != FRAUD_RULE_RATE || identity->claimed
            || signal->per.len))
    {
        refusal->with = " of account \"%V\"";
        refusal->what = identity->name;
        return 1;
    }

    other = ngx_http_fraud_identity_of(conf, &signal->per);

    if (other && other->kind == NGX_HTTP_FRAUD_ACCOUNT) {
        refusal->with = " with \"per=%V\"";
        refusal->what = other->name;
        return 1;
    }

    if (signal->type != FRAUD_RULE_DISTINCT) {
        return 0;
    }

    for (i = 0; i < conf->nidentities; i++) {
        other = conf->identities[i];

        if (other->kind == NGX_HTTP_FRAUD_ACCOUNT
            && ngx_http_fraud_permit_shares(conf->policy, other->value,
                                            signal->value))
        {
            refusal->with = " with \"of=%V\"";
            refusal->what = signal->value->cv.value;
            return 1;
        }
    }

    return 0;
}


/* whether both are made of one variable */

static ngx_uint_t
ngx_http_fraud_permit_shares(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_value_t *one, ngx_http_fraud_value_t *other)
{
    fraud_str_t         name, met;
    fraud_alias_walk_t  walk, inner;

    ngx_http_fraud_permit_walk(&walk, policy, one);

    while (fraud_alias_next(&walk, &name)) {
        ngx_http_fraud_permit_walk(&inner, policy, other);

        while (fraud_alias_next(&inner, &met)) {
            if (met.len == name.len
                && ngx_memcmp(met.data, name.data, name.len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


static void
ngx_http_fraud_permit_walk(fraud_alias_walk_t *walk,
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_value_t *value)
{
    fraud_str_t  text;

    text.data = value->cv.value.data;
    text.len = value->cv.value.len;

    fraud_alias_walk(walk, policy ? policy->alias : NULL, text, 1);
}


static ngx_uint_t
ngx_http_fraud_permit_distinct(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_identity_t *identity,
    ngx_http_fraud_refusal_t *refusal)
{
    fraud_str_t         name;
    fraud_alias_walk_t  walk;

    if (ngx_http_fraud_permit_reads(policy, signal->value, refusal)) {
        return 1;
    }

    /* a cookie that goes with several others links devices */

    if (policy->policy.settings.link_device == FRAUD_DEVICE_YES
        || (identity->kind != NGX_HTTP_FRAUD_SESSION
            && identity->kind != NGX_HTTP_FRAUD_DEVICE))
    {
        return 0;
    }

    ngx_http_fraud_permit_walk(&walk, policy, signal->value);

    while (fraud_alias_next(&walk, &name)) {
        if (name.len > 7 && ngx_strncmp(name.data, "cookie_", 7) == 0) {
            refusal->id = FRAUD_SETTING_LINK_DEVICE;
            ngx_http_fraud_permit_variable(refusal, &name);
            return 1;
        }
    }

    return 0;
}


/* a rule that needs its state for longer than that is kept */

static ngx_uint_t
ngx_http_fraud_permit_time(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_identity_t *identity,
    ngx_http_fraud_refusal_t *refusal)
{
    uint64_t     us;
    fraud_buf_t  buf;

    switch (signal->type) {

    case FRAUD_RULE_RATE:

        /* until a bucket that is full is empty */

        us = fraud_gcra_limit(&signal->op.op.u.gcra)
             / signal->op.op.u.gcra.n;
        break;

    case FRAUD_RULE_DISTINCT:
        us = signal->op.op.u.window_us;
        break;

    case FRAUD_RULE_REPUTATION:
        us = signal->op.op.u.half_life_us;
        break;

    default:
        return 0;
    }

    fraud_buf_init(&buf, refusal->time, sizeof(refusal->time));
    fraud_wording_time(&buf, (uint32_t) ngx_min(us / 1000000,
                                                FRAUD_SETTING_INF - 1));
    refusal->with = " that is to remember %V";
    refusal->what.data = buf.data;
    refusal->what.len = buf.len;

    refusal->id = identity->domain->keep < policy->policy.settings.keep_state
                  ? FRAUD_SETTING_DNT : FRAUD_SETTING_KEEP_STATE;

    return us > (uint64_t) identity->domain->keep * 1000000;
}


/* what of a value the policy has a word for, and does not say */

ngx_uint_t
ngx_http_fraud_permit_reads(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_value_t *value, ngx_http_fraud_refusal_t *refusal)
{
    ngx_str_t           *known;
    ngx_uint_t           i;
    fraud_str_t          name;
    fraud_alias_walk_t   walk;

    ngx_http_fraud_permit_walk(&walk, policy, value);

    while (fraud_alias_next(&walk, &name)) {

        for (i = 0; ngx_http_fraud_collected[i].name.len; i++) {
            known = &ngx_http_fraud_collected[i].name;

            if (name.len < known->len
                || (name.len > known->len
                    && known->data[known->len - 1] != '_')
                || ngx_strncmp(name.data, known->data, known->len) != 0
                || (policy->policy.settings.collect
                    & FRAUD_SETTING_BIT(ngx_http_fraud_collected[i].word)))
            {
                continue;
            }

            refusal->id = FRAUD_SETTING_COLLECT;
            ngx_http_fraud_permit_variable(refusal, &name);

            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_fraud_permit_country(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_value_t *value, ngx_http_fraud_refusal_t *refusal)
{
    fraud_str_t         name;
    fraud_alias_walk_t  walk;

    if (value == NULL || policy->policy.settings.geo != FRAUD_PLACE_NONE) {
        return 0;
    }

    ngx_http_fraud_permit_walk(&walk, policy, value);

    while (fraud_alias_next(&walk, &name)) {
        if (name.len == sizeof("fraud_country") - 1
            && ngx_strncmp(name.data, "fraud_country", name.len) == 0)
        {
            refusal->id = FRAUD_SETTING_GEO;
            ngx_http_fraud_permit_variable(refusal, &name);
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_fraud_permit_variable(ngx_http_fraud_refusal_t *refusal,
    fraud_str_t *name)
{
    refusal->with = " with \"$%V\"";
    refusal->what.data = (u_char *) name->data;
    refusal->what.len = name->len;
}


/* a part of what one address does, nothing that is met elsewhere */

ngx_uint_t
ngx_http_fraud_is_of_address(ngx_http_fraud_value_t *value)
{
    ngx_uint_t          address;
    fraud_str_t         name;
    fraud_alias_walk_t  walk;

    address = 0;

    /* what is made of an address may be of many */

    ngx_http_fraud_permit_walk(&walk, NULL, value);

    while (fraud_alias_next(&walk, &name)) {
        address |= (name.len == 11
                    && ngx_strncmp(name.data, "remote_addr", 11) == 0)
                   || (name.len == 18
                       && ngx_strncmp(name.data, "binary_remote_addr", 18)
                          == 0);
    }

    return address;
}


static ngx_http_fraud_identity_t *
ngx_http_fraud_identity_of(ngx_http_fraud_loc_conf_t *conf, ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; name->len && i < conf->nidentities; i++) {
        if (ngx_http_fraud_same(&conf->identities[i]->name, name)) {
            return conf->identities[i];
        }
    }

    return NULL;
}
