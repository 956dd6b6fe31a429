
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_flag.h"
#include "ngx_http_fraud_store.h"
#include "fraud_lines.h"
#include "fraud_wording.h"


/*
 * What a configuration asks for in a block against what the policy in force
 * there permits.  Only what reaches state counts as collected: a signal may
 * look at anything in a request that it forgets.
 *
 * A signal that is inherited is refused as one of the block's own is: left
 * out in silence it would be missed.  An identity that no signal of the block
 * uses is left out, if it was declared where another policy is in force.
 */


#define NGX_HTTP_FRAUD_REASON   320   /* of a sentence or comment, shown */
#define NGX_HTTP_FRAUD_VALUE    512   /* of a setting, as text */


static ngx_int_t ngx_http_fraud_refuse(ngx_conf_t *cf,
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_refusal_t *refusal,
    ngx_http_fraud_place_t *place);
static ngx_int_t ngx_http_fraud_permit_log(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf);
static ngx_uint_t ngx_http_fraud_permit_identity(
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_identity_t *identity,
    ngx_http_fraud_refusal_t *refusal);
static ngx_int_t ngx_http_fraud_permit_redis(ngx_conf_t *cf,
    ngx_http_fraud_main_conf_t *fmcf, ngx_http_fraud_policy_t *policy);


ngx_int_t
ngx_http_fraud_permit(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *conf)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    fraud_settings_t             *settings;
    ngx_http_fraud_place_t       *place;
    ngx_http_fraud_policy_t      *policy;
    ngx_http_fraud_refusal_t      refusal;
    ngx_http_fraud_main_conf_t   *fmcf;

    policy = conf->policy;

    if (ngx_http_fraud_permit_log(cf, conf) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_fraud_permit_flags(cf, conf, &refusal, &place);

    if (rc == NGX_DECLINED) {
        return ngx_http_fraud_refuse(cf, policy, &refusal, place);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);

    if (policy == NULL) {
        fmcf->unruled = 1;
        return NGX_OK;
    }

    settings = &policy->policy.settings;

    fmcf->unsealed |= (conf->log && conf->escrow == NULL
                       && (settings->log_fields
                           & FRAUD_SETTING_BIT(FRAUD_FIELD_LINK_SEAL)));

    ngx_memzero(&refusal, sizeof(ngx_http_fraud_refusal_t));

    if (!(settings->purpose & NGX_HTTP_FRAUD_DEFENCE)) {
        refusal.directive = "fraud";
        refusal.id = FRAUD_SETTING_PURPOSE;
        return ngx_http_fraud_refuse(cf, policy, &refusal, &conf->mode_place);
    }

    if (conf->cookie
        && settings->cookie < (conf->cookie->persistent
                               ? FRAUD_COOKIE_PERSISTENT
                               : FRAUD_COOKIE_SESSION))
    {
        refusal.directive = "fraud_session";
        refusal.name = &conf->cookie->name;
        refusal.with = settings->cookie == FRAUD_COOKIE_NONE
                       ? NULL : " with \"%V\"";
        ngx_str_set(&refusal.what, "persistent");
        refusal.id = FRAUD_SETTING_COOKIE;
        return ngx_http_fraud_refuse(cf, policy, &refusal,
                                     &conf->cookie->place);
    }

    for (i = 0; i < conf->nidentities; i++) {
        if (ngx_http_fraud_permit_identity(policy, conf->identities[i],
                                           &refusal))
        {
            return ngx_http_fraud_refuse(cf, policy, &refusal,
                                         &conf->identities[i]->place);
        }
    }

    for (i = 0; i < conf->nsignals; i++) {
        if (ngx_http_fraud_permit_signal(conf, conf->signals[i], &refusal)) {
            return ngx_http_fraud_refuse(cf, policy, &refusal,
                                         &conf->signals[i]->place);
        }
    }

    return NGX_OK;
}


/* the one form of all refusals */

static ngx_int_t
ngx_http_fraud_refuse(ngx_conf_t *cf, ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_refusal_t *refusal, ngx_http_fraud_place_t *place)
{
    u_char        text[NGX_HTTP_FRAUD_VALUE], why[NGX_HTTP_FRAUD_REASON];
    u_char        what[256], where[NGX_MAX_PATH + NGX_INT_T_LEN + 8];
    u_char       *p, *q;
    ngx_uint_t    quoted;
    fraud_buf_t   value, reason;
    fraud_str_t   comment;

    fraud_buf_init(&value, text, sizeof(text));
    fraud_wording_value(&value, &policy->policy.settings, refusal->id);

    /* the words that it comes from, or why there are none */

    comment = policy->policy.comment[refusal->id];

    fraud_buf_init(&reason, why, sizeof(why));
    fraud_lines_quote(&reason, comment);

    quoted = (reason.len != 0);

    if (!quoted) {
        fraud_lines_comment(&reason, comment);
    }

    p = what;

    if (refusal->name) {
        p = ngx_slprintf(p, what + sizeof(what), " \"%V\"", refusal->name);
    }

    if (refusal->with) {
        p = ngx_slprintf(p, what + sizeof(what), refusal->with,
                         &refusal->what);
    }

    q = where;

    if (place->file.len) {
        q = ngx_slprintf(q, where + sizeof(where), " in %V:%ui", &place->file,
                         place->line);
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%s\"%*s is not allowed by policy \"%V\": \"%s\" is %*s "
                  "(%s%*s%s)%*s",
                  refusal->directive, (size_t) (p - what), what, &policy->name,
                  fraud_setting_get(refusal->id)->name, value.len, value.data,
                  quoted ? "\"" : "", reason.len, reason.data,
                  quoted ? "\"" : "", (size_t) (q - where), where);

    return NGX_ERROR;
}


/* of one file all lines die on one day */

static ngx_int_t
ngx_http_fraud_permit_log(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *conf)
{
    ngx_uint_t                    i;
    ngx_http_fraud_logged_t      *logged;
    ngx_http_fraud_main_conf_t   *fmcf;

    if (conf->log == NULL) {
        return NGX_OK;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);
    logged = fmcf->logs.elts;

    for (i = 0; i < fmcf->logs.nelts; i++) {

        if (ngx_strcmp(logged[i].file->name.data, conf->log->file->name.data)
            != 0)
        {
            continue;
        }

        if (logged[i].policy == conf->policy) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_log\": \"%s\" is written under two policies "
                      "or without one elsewhere, use a file for each in %V:%ui",
                      conf->log->file->name.data, &conf->log->place.file,
                      conf->log->place.line);
        return NGX_ERROR;
    }

    logged = ngx_array_push(&fmcf->logs);
    if (logged == NULL) {
        return NGX_ERROR;
    }

    logged->file = conf->log->file;
    logged->policy = conf->policy;

    return NGX_OK;
}


/* what others declared for themselves and no signal here uses */

void
ngx_http_fraud_permit_drop(ngx_http_fraud_loc_conf_t *conf)
{
    ngx_str_t                  *name;
    ngx_uint_t                  i, k, n;
    ngx_http_fraud_refusal_t    refusal;
    ngx_http_fraud_identity_t  *identity;

    if (conf->policy == NULL) {
        return;
    }

    n = 0;

    for (i = 0; i < conf->nidentities; i++) {
        identity = conf->identities[i];
        name = &identity->name;

        for (k = 0; k < conf->nsignals; k++) {
            if (ngx_http_fraud_same(&conf->signals[k]->identity, name)
                || ngx_http_fraud_same(&conf->signals[k]->per, name))
            {
                break;
            }
        }

        if (k < conf->nsignals || identity->home == conf->policy
            || ngx_http_fraud_flags_need(conf, name)
            || !ngx_http_fraud_permit_identity(conf->policy, identity,
                                               &refusal))
        {
            conf->identities[n++] = identity;
        }
    }

    conf->nidentities = n;
}


/* 1 if the policy does not permit it, and why */

static ngx_uint_t
ngx_http_fraud_permit_identity(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_identity_t *identity, ngx_http_fraud_refusal_t *refusal)
{
    uint32_t           missing;
    fraud_settings_t  *settings;

    settings = &policy->policy.settings;
    missing = ~settings->collect;

    ngx_memzero(refusal, sizeof(ngx_http_fraud_refusal_t));

    refusal->directive = "fraud_identity";
    refusal->name = &identity->name;

    switch (identity->kind) {

    case NGX_HTTP_FRAUD_ADDRESS:

        refusal->id = FRAUD_SETTING_COLLECT;

        if (missing & FRAUD_SETTING_BIT(FRAUD_COLLECT_IP)) {
            return 1;
        }

        break;

    case NGX_HTTP_FRAUD_ACCOUNT:

        refusal->id = FRAUD_SETTING_ID_ACCOUNT;

        if (settings->id_account == FRAUD_ACCOUNT_NONE) {
            return 1;
        }

        refusal->id = FRAUD_SETTING_PURPOSE;

        if (!(settings->purpose & NGX_HTTP_FRAUD_SCORES)) {
            return 1;
        }

        break;

    case NGX_HTTP_FRAUD_SESSION:

        refusal->id = FRAUD_SETTING_COLLECT;

        if (missing & FRAUD_SETTING_BIT(FRAUD_COLLECT_COOKIE)) {
            return 1;
        }

        break;

    default: /* NGX_HTTP_FRAUD_DEVICE */

        refusal->id = FRAUD_SETTING_LINK_DEVICE;

        if (settings->link_device == FRAUD_DEVICE_NO
            && !ngx_http_fraud_is_of_address(identity->value))
        {
            return 1;
        }

        break;
    }

    /* an address that is no longer of somebody, and nothing else */

    refusal->id = FRAUD_SETTING_AUTOMATION;

    if (settings->automation == FRAUD_AUTOMATION_NONE
        && (identity->kind != NGX_HTTP_FRAUD_ADDRESS
            || identity->ipv4 > NGX_HTTP_FRAUD_PREFIX4
            || identity->ipv6 > NGX_HTTP_FRAUD_PREFIX6))
    {
        if (identity->kind == NGX_HTTP_FRAUD_ADDRESS) {
            refusal->with = " with more than \"%V\"";
            ngx_str_set(&refusal->what, "ipv4=24 ipv6=48");
        }

        return 1;
    }

    return identity->value
           && ngx_http_fraud_permit_reads(policy, identity->value, refusal);
}


/* when all blocks are known */

ngx_int_t
ngx_http_fraud_permit_all(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_uint_t                  i;
    ngx_http_fraud_place_t      nowhere;
    ngx_http_fraud_policy_t   **policies;
    ngx_http_fraud_refusal_t    refusal;

    if (fmcf->policies.nelts == 0) {
        return NGX_OK;
    }

    if (fmcf->unruled) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"fraud\" is on in a server without "
                           "\"fraud_policy\" while others have one, "
                           "add it or one in the \"http\" block");
    }

    if (fmcf->unsealed) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"link_seal\" of a log is always \"-\" without "
                           "\"fraud_escrow\", add \"fraud_escrow FILE\" with "
                           "a public key");
    }

    ngx_memzero(&nowhere, sizeof(ngx_http_fraud_place_t));
    ngx_memzero(&refusal, sizeof(ngx_http_fraud_refusal_t));

    policies = fmcf->policies.elts;

    for (i = 0; i < fmcf->policies.nelts; i++) {

        /* files of secrets are of one length for all */

        if (fmcf->keys_dir.len
            && fmcf->epoch > policies[i]->policy.settings.id_epoch)
        {
            refusal.directive = "fraud_keys";
            refusal.name = &fmcf->keys_dir;
            refusal.with = " with longer epochs";
            refusal.id = FRAUD_SETTING_ID_EPOCH;
            return ngx_http_fraud_refuse(cf, policies[i], &refusal, &nowhere);
        }

        if (ngx_http_fraud_permit_redis(cf, fmcf, policies[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* region = local: what is stored stays on this host */

static ngx_int_t
ngx_http_fraud_permit_redis(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_policy_t *policy)
{
    fraud_ip_t                 ip;
    ngx_uint_t                 i, k, remote;
    struct sockaddr           *sa;
    ngx_http_fraud_place_t     nowhere;
    ngx_http_fraud_refusal_t   refusal;
    ngx_fraud_redis_server_t  *server;

    if (fmcf->redis == NULL
        || policy->policy.settings.region != FRAUD_REGION_LOCAL)
    {
        return NGX_OK;
    }

    server = fmcf->redis->conf.servers.elts;

    for (i = 0; i < fmcf->redis->conf.servers.nelts; i++) {

        remote = (server[i].url.naddrs == 0);

        for (k = 0; k < server[i].url.naddrs; k++) {
            sa = server[i].url.addrs[k].sockaddr;

            switch (sa->sa_family) {

            case AF_UNIX:
                break;

            case AF_INET:
                remote |= (((u_char *)
                            &((struct sockaddr_in *) sa)->sin_addr)[0] != 127);
                break;

#if (NGX_HAVE_INET6)
            case AF_INET6:
                remote |= (fraud_ip_from_bytes(&ip,
                               ((struct sockaddr_in6 *) sa)->sin6_addr.s6_addr,
                               16)
                           != FRAUD_OK
                           || (!IN6_IS_ADDR_LOOPBACK(
                                   &((struct sockaddr_in6 *) sa)->sin6_addr)
                               && (fraud_ip_len(&ip) != 4
                                   || ip.bytes[0] != 127)));
                break;
#endif

            default:
                remote = 1;
            }
        }

        if (remote) {
            ngx_memzero(&nowhere, sizeof(ngx_http_fraud_place_t));
            ngx_memzero(&refusal, sizeof(ngx_http_fraud_refusal_t));

            refusal.directive = "fraud_redis";
            refusal.name = &server[i].text;
            refusal.id = FRAUD_SETTING_REGION;

            return ngx_http_fraud_refuse(cf, policy, &refusal, &nowhere);
        }
    }

    return NGX_OK;
}
