
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_flag.h"


static ngx_int_t ngx_http_fraud_resolve(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *prev, ngx_http_fraud_loc_conf_t *conf);
static ngx_int_t ngx_http_fraud_resolve_identities(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *prev, ngx_http_fraud_loc_conf_t *conf);
static ngx_int_t ngx_http_fraud_resolve_signals(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *prev, ngx_http_fraud_loc_conf_t *conf);
static ngx_int_t ngx_http_fraud_resolve_signal(ngx_conf_t *cf,
    ngx_array_t *signals, ngx_http_fraud_signal_t *signal);
static ngx_int_t ngx_http_fraud_resolve_actions(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *prev, ngx_http_fraud_loc_conf_t *conf);
static ngx_int_t ngx_http_fraud_resolve_subjects(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf);
static ngx_int_t ngx_http_fraud_resolve_subject(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf, ngx_http_fraud_subject_t *subject,
    u_char *known);
static ngx_int_t ngx_http_fraud_resolve_per(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf, ngx_http_fraud_call_t *call,
    ngx_http_fraud_domain_t *domain);
static ngx_int_t ngx_http_fraud_add_first(ngx_conf_t *cf,
    ngx_http_fraud_domain_t *domain);
static ngx_int_t ngx_http_fraud_resolve_account(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf, ngx_http_fraud_subject_t *subject);
static ngx_int_t ngx_http_fraud_unknown(ngx_conf_t *cf,
    ngx_http_fraud_signal_t *signal, ngx_str_t *identity);


void *
ngx_http_fraud_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_main_conf_t));
    if (fmcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     fmcf->zone_name = { 0, NULL };
     *     fmcf->zone_size = 0;
     *     fmcf->zone = { 0 };
     *     fmcf->keys_dir = { 0, NULL };
     *     fmcf->ring = NULL;
     *     fmcf->watch = NULL;
     *     fmcf->delayed = 0;
     *     fmcf->enabled = 0;
     */

    fmcf->cycle = cf->cycle;
    fmcf->epoch = NGX_CONF_UNSET_UINT;

    if (ngx_array_init(&fmcf->domains, cf->pool, 4, sizeof(void *)) != NGX_OK
        || ngx_array_init(&fmcf->signals, cf->pool, 16, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&fmcf->ops, cf->pool, 16, sizeof(void *)) != NGX_OK
        || ngx_array_init(&fmcf->sources, cf->pool, 4, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&fmcf->geo, cf->pool, 2, sizeof(void *)) != NGX_OK
        || ngx_array_init(&fmcf->locations, cf->pool, 16, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&fmcf->policies, cf->pool, 2, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&fmcf->logs, cf->pool, 2,
                          sizeof(ngx_http_fraud_logged_t))
           != NGX_OK
        || ngx_array_init(&fmcf->errlogs, cf->pool, 4, sizeof(void *))
           != NGX_OK)
    {
        return NULL;
    }

    return fmcf;
}


char *
ngx_http_fraud_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_fraud_main_conf_t *fmcf = conf;

    ngx_str_t                    name;
    ngx_http_fraud_identity_t   *identity;
    ngx_http_fraud_loc_conf_t   *flcf;

    ngx_conf_init_uint_value(fmcf->epoch, 86400);

    ngx_str_set(&name, "request_id");
    fmcf->request_id_index = ngx_http_get_variable_index(cf, &name);

    if (fmcf->request_id_index == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

#if (NGX_HTTP_REALIP)

    ngx_str_set(&name, "realip_remote_addr");
    fmcf->realip_index = ngx_http_get_variable_index(cf, &name);

    if (fmcf->realip_index == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

#else

    fmcf->realip_index = -1;

#endif

    /* the built-in identity */

    identity = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_identity_t));
    if (identity == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_str_set(&identity->name, "address");
    identity->kind = NGX_HTTP_FRAUD_ADDRESS;
    identity->ipv4 = 32;
    identity->ipv6 = 64;

    flcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_fraud_module);

    if (ngx_http_fraud_add_identity(cf, flcf, identity) != NGX_OK
        || ngx_http_fraud_leaks_alias(cf, fmcf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


void *
ngx_http_fraud_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_fraud_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->own_identities = { NULL };
     *     conf->own_signals = { NULL };
     *     conf->own_actions = { NULL };
     *     conf->own_flags = { NULL };
     *     conf->resolved = 0;
     */

    conf->mode = NGX_CONF_UNSET_UINT;
    conf->log = NGX_CONF_UNSET_PTR;
    conf->cookie = NGX_CONF_UNSET_PTR;
    conf->policy = NGX_CONF_UNSET_PTR;
    conf->escrow = NGX_CONF_UNSET_PTR;

    return conf;
}


char *
ngx_http_fraud_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_fraud_loc_conf_t *prev = parent;
    ngx_http_fraud_loc_conf_t *conf = child;

    ngx_http_fraud_main_conf_t  *fmcf;

    ngx_conf_init_ptr_value(prev->policy, NULL);
    ngx_conf_merge_ptr_value(conf->policy, prev->policy, NULL);

    if (!prev->resolved && ngx_http_fraud_resolve(cf, NULL, prev) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->mode == NGX_CONF_UNSET_UINT) {
        conf->mode_place = prev->mode_place;
    }

    ngx_conf_merge_uint_value(conf->mode, prev->mode, NGX_HTTP_FRAUD_OFF);
    ngx_conf_merge_ptr_value(conf->log, prev->log, NULL);
    ngx_conf_merge_ptr_value(conf->cookie, prev->cookie, NULL);
    ngx_conf_merge_ptr_value(conf->escrow, prev->escrow, NULL);

    if (conf->policy && conf->log
        && ngx_http_fraud_segments_use(cf, conf->log) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_fraud_errlog_add(cf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_fraud_resolve(cf, prev, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->mode == NGX_HTTP_FRAUD_OFF) {
        return NGX_CONF_OK;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);
    fmcf->enabled = 1;

    if (conf->mode == NGX_HTTP_FRAUD_ENFORCE && conf->nactions == 0) {
        fmcf->toothless = 1;
    }

    if (ngx_http_fraud_permit(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* what is in force in a block: inherited and its own */

static ngx_int_t
ngx_http_fraud_resolve(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *prev,
    ngx_http_fraud_loc_conf_t *conf)
{
    ngx_http_fraud_loc_conf_t   **location;
    ngx_http_fraud_main_conf_t   *fmcf;

    conf->resolved = 1;

    if (ngx_http_fraud_resolve_actions(cf, prev, conf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (prev && prev->policy == conf->policy
        && conf->own_identities.nelts == 0 && conf->own_signals.nelts == 0
        && conf->own_flags.nelts == 0)
    {
        conf->identities = prev->identities;
        conf->nidentities = prev->nidentities;
        conf->signals = prev->signals;
        conf->nsignals = prev->nsignals;
        conf->subjects = prev->subjects;
        conf->nsubjects = prev->nsubjects;
        conf->response = prev->response;
        conf->remarks = prev->remarks;
        conf->learns = prev->learns;
        conf->vouches = prev->vouches;
        conf->flags = prev->flags;
        conf->nflags = prev->nflags;

        return NGX_OK;
    }

    if (ngx_http_fraud_resolve_identities(cf, prev, conf) != NGX_OK
        || ngx_http_fraud_resolve_signals(cf, prev, conf) != NGX_OK
        || ngx_http_fraud_flags_collect(cf, prev, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_fraud_permit_drop(conf);

    if (ngx_http_fraud_resolve_subjects(cf, conf) != NGX_OK
        || ngx_http_fraud_flags_resolve(cf, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);

    location = ngx_array_push(&fmcf->locations);
    if (location == NULL) {
        return NGX_ERROR;
    }

    *location = conf;

    fmcf->nsignals = ngx_max(fmcf->nsignals, conf->nsignals);

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_resolve_identities(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *prev, ngx_http_fraud_loc_conf_t *conf)
{
    ngx_uint_t                   i, k, n;
    ngx_http_fraud_identity_t  **own, **identities;

    own = conf->own_identities.elts;
    n = prev ? prev->nidentities : 0;

    identities = ngx_palloc(cf->pool, (n + conf->own_identities.nelts)
                                      * sizeof(void *));
    if (identities == NULL) {
        return NGX_ERROR;
    }

    if (n) {
        ngx_memcpy(identities, prev->identities, n * sizeof(void *));
    }

    for (i = 0; i < conf->own_identities.nelts; i++) {

        for (k = 0; k < n; k++) {
            if (ngx_http_fraud_same(&identities[k]->name, &own[i]->name)) {
                break;
            }
        }

        own[i]->home = conf->policy;
        identities[k] = own[i];

        if (k == n) {
            n++;
        }
    }

    for (i = 0; i < n; i++) {
        identities[i] = ngx_http_fraud_policy_identity(cf, conf->policy,
                                                       identities[i]);
        if (identities[i] == NULL) {
            return NGX_ERROR;
        }
    }

    conf->identities = identities;
    conf->nidentities = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_resolve_signals(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *prev,
    ngx_http_fraud_loc_conf_t *conf)
{
    ngx_uint_t                 i, n, pass;
    ngx_array_t                signals;
    ngx_http_fraud_signal_t  **signal, **sorted;

    if (ngx_array_init(&signals, cf->pool,
                       conf->own_signals.nelts + (prev ? prev->nsignals : 0)
                       + 1, sizeof(void *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; prev && i < prev->nsignals; i++) {
        signal = ngx_array_push(&signals);
        *signal = prev->signals[i];
    }

    signal = conf->own_signals.elts;

    for (i = 0; i < conf->own_signals.nelts; i++) {
        if (ngx_http_fraud_resolve_signal(cf, &signals, signal[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (signals.nelts > NGX_HTTP_FRAUD_MAX_SIGNALS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_signal\": %ui signals of all kinds in "
                           "force in one block, at most %d are possible, use "
                           "pattern files",
                           signals.nelts, NGX_HTTP_FRAUD_MAX_SIGNALS);
        return NGX_ERROR;
    }

    sorted = ngx_palloc(cf->pool, (signals.nelts + 1) * sizeof(void *));
    if (sorted == NULL) {
        return NGX_ERROR;
    }

    /* a trusted request costs nothing more */

    signal = signals.elts;
    n = 0;

    for (pass = 0; pass < 2; pass++) {
        for (i = 0; i < signals.nelts; i++) {
            if (signal[i]->trust == (pass == 0)) {
                sorted[n++] = signal[i];
            }
        }
    }

    for (i = 0; i < n; i++) {
        sorted[i] = ngx_http_fraud_policy_signal(cf, conf->policy, sorted[i]);
        if (sorted[i] == NULL) {
            return NGX_ERROR;
        }
    }

    conf->signals = sorted;
    conf->nsignals = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_resolve_signal(ngx_conf_t *cf, ngx_array_t *signals,
    ngx_http_fraud_signal_t *signal)
{
    ngx_uint_t                 i;
    ngx_http_fraud_signal_t  **known;

    known = signals->elts;

    for (i = 0; i < signals->nelts; i++) {
        if (ngx_http_fraud_same(&known[i]->name, &signal->name)) {
            break;
        }
    }

    if (signal->off) {

        if (i == signals->nelts && signal->replaces) {
            return NGX_OK;
        }

        if (i == signals->nelts) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"fraud_signal\": unknown signal \"%V\" cannot be "
                          "switched off, remove the line or correct the name "
                          "in %V:%ui", &signal->name,
                          &signal->place.file, signal->place.line);
            return NGX_ERROR;
        }

        signals->nelts--;
        ngx_memmove(&known[i], &known[i + 1],
                    (signals->nelts - i) * sizeof(void *));

        return NGX_OK;
    }

    if (i == signals->nelts) {
        known = ngx_array_push(signals);
        if (known == NULL) {
            return NGX_ERROR;
        }

        *known = signal;

        return NGX_OK;
    }

    known[i] = signal;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_resolve_actions(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *prev, ngx_http_fraud_loc_conf_t *conf)
{
    ngx_uint_t          i, k, n;
    fraud_threshold_t  *own, *actions;

    own = conf->own_actions.elts;
    n = prev ? prev->nactions : 0;

    if (conf->own_actions.nelts == 0) {
        conf->actions = prev ? prev->actions : NULL;
        conf->nactions = n;
        return NGX_OK;
    }

    actions = ngx_palloc(cf->pool, (n + conf->own_actions.nelts)
                                   * sizeof(fraud_threshold_t));
    if (actions == NULL) {
        return NGX_ERROR;
    }

    if (n) {
        ngx_memcpy(actions, prev->actions, n * sizeof(fraud_threshold_t));
    }

    for (i = 0; i < conf->own_actions.nelts; i++) {

        for (k = n; k > 0 && actions[k - 1].score > own[i].score; k--) {
            /* void */
        }

        if (k > 0 && actions[k - 1].score == own[i].score) {
            actions[k - 1] = own[i];
            continue;
        }

        ngx_memmove(&actions[k + 1], &actions[k],
                    (n - k) * sizeof(fraud_threshold_t));
        actions[k] = own[i];
        n++;
    }

    conf->actions = actions;
    conf->nactions = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_resolve_subjects(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf)
{
    u_char                    *known;
    ngx_uint_t                 i;
    ngx_http_fraud_signal_t   *signal;
    ngx_http_fraud_subject_t  *subject;

    known = ngx_pcalloc(cf->pool, conf->nsignals + 1);

    conf->subjects = ngx_pcalloc(cf->pool, (conf->nidentities + 1)
                                           * sizeof(ngx_http_fraud_subject_t));
    if (known == NULL || conf->subjects == NULL) {
        return NGX_ERROR;
    }

    conf->nsubjects = 0;
    conf->learns = 0;
    conf->vouches = 0;
    conf->response = 0;
    conf->remarks = 0;

    for (i = 0; i < conf->nidentities; i++) {
        subject = &conf->subjects[conf->nsubjects];
        subject->identity = conf->identities[i];

        if (ngx_http_fraud_resolve_subject(cf, conf, subject, known) != NGX_OK
            || ngx_http_fraud_resolve_account(cf, conf, subject) != NGX_OK)
        {
            return NGX_ERROR;
        }

        /* the length of a visit is a field of its log */

        if (subject->identity->kind == NGX_HTTP_FRAUD_SESSION && conf->policy
            && (conf->policy->policy.settings.log_fields
                & FRAUD_SETTING_BIT(FRAUD_FIELD_DWELL))
            && ngx_http_fraud_add_first(cf, subject->identity->domain)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (subject->ncalls || subject->bound) {
            conf->nsubjects++;
            conf->learns |= (subject->reputation != NULL);
            conf->vouches |= subject->identity->verified;
        }
    }

    for (i = 0; i < conf->nsignals; i++) {
        signal = conf->signals[i];

        if (signal->identity.len && !known[i]) {
            return ngx_http_fraud_unknown(cf, signal, &signal->identity);
        }

        conf->response |= signal->response;
        conf->remarks |= (signal->response && signal->identity.len == 0);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_resolve_subject(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf, ngx_http_fraud_subject_t *subject,
    u_char *known)
{
    ngx_uint_t                i;
    ngx_http_fraud_call_t    *call;
    ngx_http_fraud_domain_t  *domain;
    ngx_http_fraud_signal_t  *signal;

    domain = subject->identity->domain;

    subject->calls = ngx_pcalloc(cf->pool, (conf->nsignals + 1)
                                           * sizeof(ngx_http_fraud_call_t));
    if (subject->calls == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->nsignals; i++) {
        signal = conf->signals[i];

        if (!ngx_http_fraud_same(&signal->identity, &domain->identity)) {
            continue;
        }

        known[i] = 1;

        call = &subject->calls[subject->ncalls++];
        call->signal = signal;
        call->index = i;

        if (signal->type == FRAUD_RULE_REPUTATION) {
            subject->reputation = signal;
        }

        subject->response |= signal->response;

        if (ngx_http_fraud_add_op(cf, domain, &signal->op) != NGX_OK
            || ngx_http_fraud_resolve_per(cf, conf, call, domain) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* a rate that good sessions widen: when they were first seen, and how many */

static ngx_int_t
ngx_http_fraud_resolve_per(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *conf,
    ngx_http_fraud_call_t *call, ngx_http_fraud_domain_t *domain)
{
    ngx_uint_t                i;
    ngx_http_fraud_signal_t  *signal;

    signal = call->signal;

    if (signal->per.len == 0) {
        return NGX_OK;
    }

    for (i = 0; i < conf->nidentities; i++) {
        if (ngx_http_fraud_same(&signal->per, &conf->identities[i]->name)) {
            break;
        }
    }

    if (i == conf->nidentities) {
        return ngx_http_fraud_unknown(cf, signal, &signal->per);
    }

    call->per = conf->identities[i];

    if (ngx_http_fraud_add_first(cf, call->per->domain) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_fraud_add_op(cf, domain, &signal->good);
}


/* when its subjects were first seen */

static ngx_int_t
ngx_http_fraud_add_first(ngx_conf_t *cf, ngx_http_fraud_domain_t *domain)
{
    ngx_http_fraud_op_t  *first;

    first = &domain->first;

    if (first->identity.len == 0) {
        first->op.type = FRAUD_OP_SWAP;
        first->op.tag = fraud_op_tag(FRAUD_OP_SWAP, "first.", 6, 0);
        ngx_http_fraud_policy_tag(domain->policy, &first->op);
        first->identity = domain->name;
    }

    return ngx_http_fraud_add_op(cf, domain, first);
}


/*
 * A claimed account counts together with the address that claims it, a
 * verified one is bound to its session.
 */

static ngx_int_t
ngx_http_fraud_resolve_account(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *conf, ngx_http_fraud_subject_t *subject)
{
    u_char                     *p;
    ngx_uint_t                  i;
    fraud_op_t                 *op;
    ngx_http_fraud_domain_t    *domain;
    ngx_http_fraud_identity_t  *identity;

    identity = subject->identity;
    domain = identity->domain;

    if (identity->claimed && subject->ncalls) {
        return ngx_http_fraud_add_op(cf, domain->pair,
                                     &domain->pair->took_part);
    }

    /* a session that leads to an account is a link between the two */

    if (!identity->verified
        || (conf->policy
            && conf->policy->policy.settings.link_account
               != FRAUD_LINK_SECURITY))
    {
        return NGX_OK;
    }

    for (i = 0; i < conf->nidentities; i++) {
        if (conf->identities[i]->kind == NGX_HTTP_FRAUD_SESSION) {
            subject->session = conf->identities[i];
            break;
        }
    }

    if (subject->session == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_identity\": verified \"%V\" has no session to "
                      "be bound to, declare \"fraud_session\" or an identity "
                      "with \"kind=session\" in %V:%ui", &identity->name,
                      &identity->place.file, identity->place.line);
        return NGX_ERROR;
    }

    subject->bound = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_op_t));
    p = ngx_pnalloc(cf->pool, sizeof("bound.") + identity->name.len);

    if (subject->bound == NULL || p == NULL) {
        return NGX_ERROR;
    }

    op = &subject->bound->op;

    op->type = FRAUD_OP_SWAP;
    op->tag = fraud_op_tag(FRAUD_OP_SWAP, (char *) p,
                           ngx_sprintf(p, "bound.%V", &identity->name) - p,
                           0);
    ngx_http_fraud_policy_tag(domain->policy, op);

    subject->bound->identity = subject->session->domain->name;

    return ngx_http_fraud_add_op(cf, subject->session->domain, subject->bound);
}


ngx_int_t
ngx_http_fraud_add_op(ngx_conf_t *cf, ngx_http_fraud_domain_t *domain,
    ngx_http_fraud_op_t *op)
{
    uint64_t                      horizon;
    ngx_http_fraud_op_t         **registered;
    ngx_http_fraud_main_conf_t   *fmcf;

    horizon = fraud_op_horizon(&op->op);
    horizon = ngx_min(horizon, FRAUD_TABLE_MAX_TTL);

    domain->ttl = ngx_max(domain->ttl, (uint32_t) horizon);

    if (domain->keep) {
        domain->ttl = ngx_min(domain->ttl, domain->keep);
    }

    if (op->registered) {
        return NGX_OK;
    }

    op->registered = 1;

    /* records do not say whose they are, but by their slots */

    op->op.tag ^= ngx_crc32_short(op->identity.data, op->identity.len);

    if (op->op.tag == 0) {
        op->op.tag = 1;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);

    registered = ngx_array_push(&fmcf->ops);
    if (registered == NULL) {
        return NGX_ERROR;
    }

    *registered = op;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_unknown(ngx_conf_t *cf, ngx_http_fraud_signal_t *signal,
    ngx_str_t *identity)
{
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%s\": unknown identity \"%V\", declare it with "
                  "\"fraud_identity\" in the same block or an outer one "
                  "in %V:%ui",
                  signal->type == FRAUD_RULE_REPUTATION ? "fraud_reputation"
                  : signal->type == FRAUD_RULE_DISTINCT ? "fraud_distinct"
                  : signal->type == FRAUD_RULE_TRAVEL ? "fraud_travel"
                  : "fraud_rate",
                  identity, &signal->place.file, signal->place.line);

    return NGX_ERROR;
}


ngx_uint_t
ngx_http_fraud_same(ngx_str_t *one, ngx_str_t *two)
{
    return one->len == two->len
           && ngx_strncmp(one->data, two->data, one->len) == 0;
}
