
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_flag.h"
#include "fraud_str.h"


#define NGX_HTTP_FRAUD_FLAG_COUNT    100000
#define NGX_HTTP_FRAUD_FLAG_WINDOW   (30 * 86400)

/* the names of the secrets of a policy's flags */
#define NGX_HTTP_FRAUD_FLAG_PIDS     "billing"
#define NGX_HTTP_FRAUD_FLAG_IDS      "flag"


static ngx_int_t ngx_http_fraud_flag_parameter(ngx_conf_t *cf,
    ngx_http_fraud_flag_t *flag, ngx_str_t *arg);
static ngx_int_t ngx_http_fraud_flag_number(ngx_str_t *text, uint32_t max,
    uint32_t *value);
static ngx_int_t ngx_http_fraud_flag_check(ngx_conf_t *cf,
    ngx_http_fraud_flag_t *flag);
static ngx_int_t ngx_http_fraud_flag_add(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *flcf, ngx_http_fraud_flag_t *flag);
static ngx_http_fraud_flag_t *ngx_http_fraud_flag_under(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf, ngx_http_fraud_flag_t *flag);
static ngx_http_fraud_domain_t *ngx_http_fraud_flag_billing(ngx_conf_t *cf,
    ngx_http_fraud_policy_t *policy);
static ngx_int_t ngx_http_fraud_flag_ops(ngx_conf_t *cf,
    ngx_http_fraud_flag_t *flag);
static ngx_http_fraud_flag_t *ngx_http_fraud_flag_find(
    ngx_http_fraud_flag_t **flags, ngx_uint_t n, ngx_str_t *name,
    ngx_uint_t *at);


char *
ngx_http_fraud_flag_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_loc_conf_t *flcf = conf;

    ngx_str_t              *value;
    ngx_uint_t              i;
    ngx_http_fraud_flag_t  *flag;

    value = cf->args->elts;

    flag = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_flag_t));
    if (flag == NULL) {
        return NGX_CONF_ERROR;
    }

    flag->name = value[1];
    flag->family = value[1];
    flag->damage = FRAUD_DAMAGE_N;
    flag->count = 1;
    flag->window = 600;
    flag->signals = 2;
    flag->version = 1;
    flag->place.file = cf->conf_file->file.name;
    flag->place.line = cf->conf_file->line;

    if (!fraud_str_is_name((char *) value[1].data, value[1].len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_flag\": invalid name \"%V\", use 1 to 32 "
                           "letters, digits and \"_\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 3 && ngx_strcmp(value[2].data, "off") == 0) {
        flag->off = 1;

    } else {
        flag->identity = value[2];

        for (i = 3; i < cf->args->nelts; i++) {
            if (ngx_http_fraud_flag_parameter(cf, flag, &value[i]) != NGX_OK) {
                return NGX_CONF_ERROR;
            }
        }

        if (ngx_http_fraud_flag_check(cf, flag) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_fraud_flag_add(cf, flcf, flag) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_fraud_flag_parameter(ngx_conf_t *cf, ngx_http_fraud_flag_t *flag,
    ngx_str_t *arg)
{
    ngx_int_t     rc;
    ngx_str_t     text;
    ngx_uint_t    i;
    const char   *use;
    time_t        window;
    fraud_str_t   name;

    if (ngx_http_fraud_arg(arg, "if=", &text) && text.len) {
        flag->condition = ngx_http_fraud_compile(cf, &text);
        return flag->condition ? NGX_OK : NGX_ERROR;
    }

    if (ngx_http_fraud_arg(arg, "amount=", &text) && text.len) {
        flag->amount = ngx_http_fraud_compile(cf, &text);
        return flag->amount ? NGX_OK : NGX_ERROR;
    }

    if (ngx_http_fraud_arg(arg, "count=", &text)) {
        rc = ngx_http_fraud_flag_number(&text, NGX_HTTP_FRAUD_FLAG_COUNT,
                                        &flag->count);
        use = "use 1 to 100000";

    } else if (ngx_http_fraud_arg(arg, "signals=", &text)) {
        rc = ngx_http_fraud_flag_number(&text, FRAUD_FLAG_SIGNALS,
                                        &flag->signals);
        use = "use 1 to 8";

    } else if (ngx_http_fraud_arg(arg, "version=", &text)) {
        rc = ngx_http_fraud_flag_number(&text, FRAUD_POLICY_MAX_VERSION,
                                        &flag->version);
        use = "use 1 to 999999";

    } else if (ngx_http_fraud_arg(arg, "window=", &text)) {
        window = ngx_parse_time(&text, 1);
        rc = window >= 1 && window <= NGX_HTTP_FRAUD_FLAG_WINDOW ? NGX_OK
                                                                 : NGX_ERROR;
        flag->window = (uint32_t) window;
        use = "use a time from 1s to 30d";

    } else if (ngx_http_fraud_arg(arg, "family=", &text)) {
        rc = fraud_str_is_name((char *) text.data, text.len) ? NGX_OK
                                                             : NGX_ERROR;
        flag->family = text;
        use = "use 1 to 32 letters, digits and \"_\"";

    } else if (ngx_http_fraud_arg(arg, "currency=", &text)) {
        rc = text.len == 3 ? NGX_OK : NGX_ERROR;

        for (i = 0; i < text.len && rc == NGX_OK; i++) {
            flag->currency[i] = text.data[i];

            if (text.data[i] < 'A' || text.data[i] > 'Z') {
                rc = NGX_ERROR;
            }
        }

        use = "use the three letters of ISO 4217, such as EUR";

    } else if (ngx_http_fraud_arg(arg, "damage=", &text)) {
        name.data = text.data;
        name.len = text.len;

        rc = fraud_damage_find(&flag->damage, name) == FRAUD_OK ? NGX_OK
                                                                : NGX_ERROR;
        use = "use \"resource_metered\", \"chargeback\", "
              "\"third_party_claim\", \"remediation\" or \"reputational\"";

    } else {
        rc = NGX_ERROR;
        use = "use \"if=VALUE\", \"count=\", \"window=\", \"signals=\", "
              "\"damage=\", \"amount=VALUE\", \"currency=\", \"family=\" or "
              "\"version=\"";
    }

    if (rc != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_flag\": invalid \"%V\", %s", arg, use);
    }

    return rc;
}


static ngx_int_t
ngx_http_fraud_flag_number(ngx_str_t *text, uint32_t max, uint32_t *value)
{
    uint64_t  n;

    if (fraud_str_uint(&n, (char *) text->data, text->len, max) != FRAUD_OK
        || n == 0)
    {
        return NGX_ERROR;
    }

    *value = (uint32_t) n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_flag_check(ngx_conf_t *cf, ngx_http_fraud_flag_t *flag)
{
    const char         *why;
    fraud_gcra_conf_t  *gcra;

    why = NULL;

    if (flag->condition == NULL) {
        why = "has no condition, add \"if=VALUE\"";

    } else if (flag->damage == FRAUD_DAMAGE_N) {
        why = "says of no damage, add \"damage=\"";

    } else if (flag->amount && flag->currency[0] == '\0') {
        why = "has an amount of no currency, add \"currency=\"";

    } else if (flag->amount == NULL && flag->currency[0]) {
        why = "has a currency without an amount, add \"amount=VALUE\"";
    }

    /*
     * The last of count at once is over.  Spread out they drain: over means
     * that some window, wherever it begins, had as many.
     */

    gcra = &flag->rate.op.u.gcra;
    gcra->period_us = (uint64_t) flag->window * 1000000;
    gcra->n = flag->count;
    gcra->burst = flag->count > 1 ? flag->count - 2 : 0;

    if (why == NULL && fraud_gcra_check(gcra) != FRAUD_OK) {
        why = "counts too many in too short or too long a window, lower "
              "\"count=\" or change \"window=\"";
    }

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"fraud_flag\": \"%V\" %s",
                           &flag->name, why);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_flag_add(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *flcf,
    ngx_http_fraud_flag_t *flag)
{
    ngx_uint_t               i;
    ngx_http_fraud_flag_t  **own, *before;

    if (flcf->own_flags.elts == NULL
        && ngx_array_init(&flcf->own_flags, cf->pool, 4, sizeof(void *))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    own = flcf->own_flags.elts;
    before = ngx_http_fraud_flag_find(own, flcf->own_flags.nelts, &flag->name,
                                      &i);
    if (before) {

        if (ngx_http_fraud_declare(cf, &before->place, &flag->name) != NGX_OK)
        {
            return NGX_ERROR;
        }

        flag->replaces = 1;
        flag->place.before = &before->place;
        own[i] = flag;

        return NGX_OK;
    }

    own = ngx_array_push(&flcf->own_flags);
    if (own == NULL) {
        return NGX_ERROR;
    }

    *own = flag;

    return NGX_OK;
}


static ngx_http_fraud_flag_t *
ngx_http_fraud_flag_find(ngx_http_fraud_flag_t **flags, ngx_uint_t n,
    ngx_str_t *name, ngx_uint_t *at)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (ngx_http_fraud_same(&flags[i]->name, name)) {
            *at = i;
            return flags[i];
        }
    }

    return NULL;
}


/* what is in force in a block: inherited and its own */

ngx_int_t
ngx_http_fraud_flags_collect(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *prev,
    ngx_http_fraud_loc_conf_t *conf)
{
    ngx_uint_t               i, k, n;
    ngx_http_fraud_flag_t  **own, **flags;

    own = conf->own_flags.elts;
    n = prev ? prev->nflags : 0;

    flags = ngx_palloc(cf->pool, (n + conf->own_flags.nelts + 1)
                                 * sizeof(void *));
    if (flags == NULL) {
        return NGX_ERROR;
    }

    if (n) {
        ngx_memcpy(flags, prev->flags, n * sizeof(void *));
    }

    for (i = 0; i < conf->own_flags.nelts; i++) {

        if (ngx_http_fraud_flag_find(flags, n, &own[i]->name, &k) == NULL) {

            if (own[i]->off && !own[i]->replaces) {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "\"fraud_flag\": unknown rule \"%V\" cannot be "
                              "switched off, remove the line or correct the "
                              "name in %V:%ui", &own[i]->name,
                              &own[i]->place.file, own[i]->place.line);
                return NGX_ERROR;
            }

            k = n++;
        }

        flags[k] = own[i];

        if (own[i]->off) {
            n--;
            ngx_memmove(&flags[k], &flags[k + 1], (n - k) * sizeof(void *));
        }
    }

    conf->flags = flags;
    conf->nflags = n;

    return NGX_OK;
}


/* 1 if a flag that is in force is about this identity */

ngx_uint_t
ngx_http_fraud_flags_need(ngx_http_fraud_loc_conf_t *conf, ngx_str_t *identity)
{
    ngx_uint_t  i;

    for (i = 0; i < conf->nflags; i++) {
        if (ngx_http_fraud_same(&conf->flags[i]->identity, identity)) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_fraud_flags_resolve(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *conf)
{
    ngx_uint_t  i;

    for (i = 0; i < conf->nflags; i++) {
        conf->flags[i] = ngx_http_fraud_flag_under(cf, conf, conf->flags[i]);

        if (conf->flags[i] == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* a flag as it is in this block, under its policy */

static ngx_http_fraud_flag_t *
ngx_http_fraud_flag_under(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *conf,
    ngx_http_fraud_flag_t *flag)
{
    ngx_uint_t                  i;
    ngx_http_fraud_flag_t      *copy;
    ngx_http_fraud_identity_t  *account;

    account = NULL;

    for (i = 0; i < conf->nidentities; i++) {
        if (ngx_http_fraud_same(&conf->identities[i]->name, &flag->identity)) {
            account = conf->identities[i];
        }
    }

    if (account == NULL || !account->verified) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_flag\": %s identity \"%V\" of \"%V\", %s "
                      "in %V:%ui", account ? "unverified" : "unknown",
                      &flag->identity, &flag->name,
                      account ? "only an account that the application vouches "
                                "for is flagged: use one with \"kind=account "
                                "verified\""
                              : "declare it with \"fraud_identity\" in the "
                                "same block or an outer one",
                      &flag->place.file, flag->place.line);
        return NULL;
    }

    if (flag->origin) {

        if (flag->account == account) {
            return flag;
        }

        flag = flag->origin;
    }

    copy = ngx_palloc(cf->pool, sizeof(ngx_http_fraud_flag_t));
    if (copy == NULL) {
        return NULL;
    }

    *copy = *flag;
    copy->origin = flag;
    copy->policy = conf->policy;
    copy->account = account;

    /* what is refused later needs no secrets */

    if (conf->policy == NULL
        || conf->policy->policy.settings.deduct == FRAUD_DEDUCT_FORBID)
    {
        return copy;
    }

    copy->billing = ngx_http_fraud_flag_billing(cf, conf->policy);

    if (copy->billing == NULL
        || ngx_http_fraud_flag_ops(cf, copy) != NGX_OK)
    {
        return NULL;
    }

    return copy;
}


/*
 * Billing's pseudonyms and ids have secrets of their own: nothing joins them
 * with what is stored or logged.  No identity has these names.
 */

static ngx_http_fraud_domain_t *
ngx_http_fraud_flag_billing(ngx_conf_t *cf, ngx_http_fraud_policy_t *policy)
{
    ngx_str_t                  ids;
    ngx_http_fraud_identity_t  identity;

    ngx_memzero(&identity, sizeof(ngx_http_fraud_identity_t));

    ngx_str_set(&identity.name, NGX_HTTP_FRAUD_FLAG_PIDS);
    ngx_str_set(&ids, NGX_HTTP_FRAUD_FLAG_IDS);

    identity.kind = NGX_HTTP_FRAUD_ACCOUNT;

    if (ngx_http_fraud_add_domain(cf, policy, &identity) != NGX_OK
        || ngx_http_fraud_policy_name(cf, policy, &ids) != NGX_OK)
    {
        return NULL;
    }

    identity.domain->log_name = ids;

    return identity.domain;
}


static ngx_int_t
ngx_http_fraud_flag_ops(ngx_conf_t *cf, ngx_http_fraud_flag_t *flag)
{
    u_char                    name[sizeof("flagged.") + FRAUD_NAME_MAX], *p;
    fraud_op_t               *op;
    ngx_http_fraud_domain_t  *domain;

    domain = flag->account->domain;

    op = &flag->mark.op;
    op->type = FRAUD_OP_SWAP;
    p = ngx_sprintf(name, "flagged.%V", &flag->name);
    op->tag = fraud_op_tag(op->type, (char *) name, p - name, 0);

    ngx_http_fraud_policy_tag(flag->policy, op);

    flag->mark.identity = domain->name;

    if (ngx_http_fraud_add_op(cf, domain, &flag->mark) != NGX_OK) {
        return NGX_ERROR;
    }

    if (flag->count == 1) {
        return NGX_OK;
    }

    op = &flag->rate.op;
    op->type = FRAUD_OP_GCRA;
    p = ngx_sprintf(name, "flag.%V", &flag->name);
    op->tag = fraud_op_tag(op->type, (char *) name, p - name,
                           fraud_op_scale(op));

    ngx_http_fraud_policy_tag(flag->policy, op);

    flag->rate.identity = domain->name;

    return ngx_http_fraud_add_op(cf, domain, &flag->rate);
}


/* NGX_DECLINED: the policy does not permit it, and why; NGX_ERROR: no policy */

ngx_int_t
ngx_http_fraud_permit_flags(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *conf,
    ngx_http_fraud_refusal_t *refusal, ngx_http_fraud_place_t **place)
{
    uint32_t                     purpose;
    fraud_settings_t            *settings;
    ngx_http_fraud_flag_t       *flag;
    ngx_http_fraud_main_conf_t  *fmcf;

    if (conf->nflags == 0) {
        return NGX_OK;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);
    flag = conf->flags[0];

    if (conf->policy == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_flag\": \"%V\" needs a \"fraud_policy\" that "
                      "permits it in %V:%ui", &flag->name, &flag->place.file,
                      flag->place.line);
        return NGX_ERROR;
    }

    if (fmcf->spool == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_flag\": \"%V\" has no spool to be written to, "
                      "add \"fraud_spool DIR key=FILE\" to the \"http\" block "
                      "in %V:%ui", &flag->name, &flag->place.file,
                      flag->place.line);
        return NGX_ERROR;
    }

    settings = &conf->policy->policy.settings;
    purpose = FRAUD_SETTING_BIT(FRAUD_PURPOSE_FRAUD)
              | FRAUD_SETTING_BIT(FRAUD_PURPOSE_BILLING);

    ngx_memzero(refusal, sizeof(ngx_http_fraud_refusal_t));

    refusal->directive = "fraud_flag";
    refusal->name = &flag->name;
    *place = &flag->place;

    refusal->id = FRAUD_SETTING_PURPOSE;

    if ((settings->purpose & purpose) != purpose) {
        return NGX_DECLINED;
    }

    refusal->id = FRAUD_SETTING_DEDUCT;

    return settings->deduct == FRAUD_DEDUCT_FORBID ? NGX_DECLINED : NGX_OK;
}
