
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_str.h"


#define NGX_HTTP_FRAUD_MIN_ZONE   (256 * 1024)
#define NGX_HTTP_FRAUD_MAX_DELAY  60000


static ngx_int_t ngx_http_fraud_prefix(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_str_t *value, ngx_uint_t max, ngx_uint_t *bits);
static ngx_http_fraud_domain_t *ngx_http_fraud_domain(ngx_conf_t *cf,
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_identity_t *identity);
static ngx_int_t ngx_http_fraud_add_pair(ngx_conf_t *cf,
    ngx_http_fraud_domain_t *domain);


/* names that are keys of the security log already */

static ngx_str_t  ngx_http_fraud_reserved[] = {
    ngx_string("time"),
    ngx_string("id"),
    ngx_string("score"),
    ngx_string("action"),
    ngx_string("mode"),
    ngx_string("state"),
    ngx_string("reasons"),
    ngx_string("shadow"),
    ngx_string("status"),
    ngx_null_string
};


static ngx_conf_enum_t  ngx_http_fraud_modes[] = {
    { ngx_string("off"), NGX_HTTP_FRAUD_OFF },
    { ngx_string("observe"), NGX_HTTP_FRAUD_OBSERVE },
    { ngx_string("enforce"), NGX_HTTP_FRAUD_ENFORCE },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_fraud_kinds[] = {
    { ngx_string("address"), NGX_HTTP_FRAUD_ADDRESS },
    { ngx_string("session"), NGX_HTTP_FRAUD_SESSION },
    { ngx_string("device"), NGX_HTTP_FRAUD_DEVICE },
    { ngx_string("account"), NGX_HTTP_FRAUD_ACCOUNT },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_fraud_actions[] = {
    { ngx_string("limit"), FRAUD_ACTION_LIMIT },
    { ngx_string("deny"), FRAUD_ACTION_DENY },
    { ngx_string("drop"), FRAUD_ACTION_DROP },
    { ngx_null_string, 0 }
};


char *
ngx_http_fraud_mode_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_loc_conf_t *flcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    if (flcf->mode != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; ngx_http_fraud_modes[i].name.len; i++) {
        if (ngx_strcmp(value[1].data, ngx_http_fraud_modes[i].name.data) == 0)
        {
            flcf->mode = ngx_http_fraud_modes[i].value;
            flcf->mode_place.file = cf->conf_file->file.name;
            flcf->mode_place.line = cf->conf_file->line;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"fraud\": invalid mode \"%V\", use \"off\", "
                       "\"observe\" or \"enforce\"", &value[1]);

    return NGX_CONF_ERROR;
}


char *
ngx_http_fraud_zone_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_main_conf_t *fmcf = conf;

    ssize_t     size;
    ngx_str_t  *value;

    if (fmcf->zone_size) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (!fraud_str_is_name((char *) value[1].data, value[1].len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_zone\": invalid name \"%V\", use 1 to 32 "
                           "letters, digits and \"_\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    size = ngx_parse_size(&value[2]);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_zone\": invalid size \"%V\", "
                           "use a size such as 64m", &value[2]);
        return NGX_CONF_ERROR;
    }

    if (size < NGX_HTTP_FRAUD_MIN_ZONE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_zone\": size \"%V\" is too small, "
                           "use at least %dk; 1m holds about 7,000 subjects",
                           &value[2], NGX_HTTP_FRAUD_MIN_ZONE / 1024);
        return NGX_CONF_ERROR;
    }

    fmcf->zone_name = value[1];
    fmcf->zone_size = size;

    return NGX_CONF_OK;
}


char *
ngx_http_fraud_keys_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_main_conf_t *fmcf = conf;

    time_t      epoch;
    ngx_str_t  *value, text;

    if (fmcf->epoch != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    fmcf->epoch = 86400;

    if (value[1].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_keys\": invalid value \"%V\", "
                           "use \"memory\" or a directory", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "memory") != 0) {
        fmcf->keys_dir = value[1];

        if (ngx_conf_full_name(cf->cycle, &fmcf->keys_dir, 1) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        if (fmcf->keys_dir.len > NGX_MAX_PATH - 1) {
            return "names a directory with too long a path";
        }
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (!ngx_http_fraud_arg(&value[2], "epoch=", &text)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_keys\": unknown parameter \"%V\", "
                           "use \"epoch=TIME\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    epoch = ngx_parse_time(&text, 1);

    if (epoch == (time_t) NGX_ERROR || epoch < 1 || epoch > 30 * 86400) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_keys\": invalid epoch \"%V\", "
                           "use a time from 1s to 30d", &text);
        return NGX_CONF_ERROR;
    }

    fmcf->epoch = epoch;

    return NGX_CONF_OK;
}


char *
ngx_http_fraud_identity_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_fraud_loc_conf_t *flcf = conf;

    ngx_int_t                   rc;
    ngx_str_t                  *value, text, *reserved;
    ngx_uint_t                  i, k, masked;
    ngx_http_fraud_identity_t  *identity;

    value = cf->args->elts;

    if (!fraud_str_is_name((char *) value[1].data, value[1].len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_identity\": invalid name \"%V\", use 1 to "
                           "32 letters, digits and \"_\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    for (reserved = ngx_http_fraud_reserved; reserved->len; reserved++) {
        if (value[1].len == reserved->len
            && ngx_strncmp(value[1].data, reserved->data, reserved->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"fraud_identity\": name \"%V\" is a key of "
                               "the security log, use another", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    /* those of billing have secrets of these names */

    if (ngx_strcmp(value[1].data, "billing") == 0
        || ngx_strcmp(value[1].data, "flag") == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_identity\": name \"%V\" is kept for what "
                           "billing is told, use another", &value[1]);
        return NGX_CONF_ERROR;
    }

    identity = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_identity_t));
    if (identity == NULL) {
        return NGX_CONF_ERROR;
    }

    identity->name = value[1];
    identity->kind = NGX_HTTP_FRAUD_ACCOUNT;
    identity->ipv4 = 32;
    identity->ipv6 = 64;

    identity->value = ngx_http_fraud_compile(cf, &value[2]);
    if (identity->value == NULL) {
        return NGX_CONF_ERROR;
    }

    masked = 0;

    for (i = 3; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "verified") == 0) {
            identity->verified = 1;
            continue;
        }

        if (ngx_http_fraud_arg(&value[i], "kind=", &text)) {

            for (k = 0; ngx_http_fraud_kinds[k].name.len; k++) {
                if (text.len == ngx_http_fraud_kinds[k].name.len
                    && ngx_strncmp(text.data,
                                   ngx_http_fraud_kinds[k].name.data, text.len)
                       == 0)
                {
                    break;
                }
            }

            if (ngx_http_fraud_kinds[k].name.len == 0) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "\"fraud_identity\": unknown kind \"%V\", "
                                   "use \"address\", \"session\", \"device\" "
                                   "or \"account\"", &text);
                return NGX_CONF_ERROR;
            }

            identity->kind = ngx_http_fraud_kinds[k].value;
            continue;
        }

        if (ngx_http_fraud_arg(&value[i], "ipv4=", &text)) {
            rc = ngx_http_fraud_prefix(cf, &value[i], &text, 32,
                                       &identity->ipv4);

        } else if (ngx_http_fraud_arg(&value[i], "ipv6=", &text)) {
            rc = ngx_http_fraud_prefix(cf, &value[i], &text, 128,
                                       &identity->ipv6);

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"fraud_identity\": unknown parameter \"%V\", "
                               "use \"kind=\", \"ipv4=\", \"ipv6=\" or "
                               "\"verified\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (rc != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        masked = 1;
    }

    if (masked && identity->kind != NGX_HTTP_FRAUD_ADDRESS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_identity\": \"%V\" has a prefix length but "
                           "is not an address, add \"kind=address\"",
                           &identity->name);
        return NGX_CONF_ERROR;
    }

    if (identity->verified && identity->kind != NGX_HTTP_FRAUD_ACCOUNT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_identity\": \"%V\" is verified but no "
                           "account, use \"kind=account\"", &identity->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_fraud_add_identity(cf, flcf, identity) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_fraud_prefix(ngx_conf_t *cf, ngx_str_t *arg, ngx_str_t *value,
    ngx_uint_t max, ngx_uint_t *bits)
{
    uint64_t  n;

    if (fraud_str_uint(&n, (char *) value->data, value->len, max) != FRAUD_OK
        || n == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_identity\": invalid prefix length \"%V\", "
                           "use 1 to %ui", arg, max);
        return NGX_ERROR;
    }

    *bits = (ngx_uint_t) n;

    return NGX_OK;
}


ngx_int_t
ngx_http_fraud_add_identity(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *flcf,
    ngx_http_fraud_identity_t *identity)
{
    ngx_uint_t                   i;
    ngx_http_fraud_identity_t  **own;

    if (flcf->own_identities.elts == NULL
        && ngx_array_init(&flcf->own_identities, cf->pool, 4, sizeof(void *))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (identity->value) {
        identity->place.file = cf->conf_file->file.name;
        identity->place.line = cf->conf_file->line;
    }

    identity->claimed = (identity->kind == NGX_HTTP_FRAUD_ACCOUNT
                         && !identity->verified);

    own = flcf->own_identities.elts;

    for (i = 0; i < flcf->own_identities.nelts; i++) {

        if (own[i]->name.len != identity->name.len
            || ngx_strncmp(own[i]->name.data, identity->name.data,
                           identity->name.len)
               != 0)
        {
            continue;
        }

        if (identity->value == NULL) {
            /* the built-in one gives way */
            return NGX_OK;
        }

        if (ngx_http_fraud_declare(cf, &own[i]->place, &identity->name)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        identity->place.before = &own[i]->place;
        own[i] = identity;

        return NGX_OK;
    }

    own = ngx_array_push(&flcf->own_identities);
    if (own == NULL) {
        return NGX_ERROR;
    }

    *own = identity;

    return ngx_http_fraud_add_pid_variable(cf, &identity->name);
}


/* known only when all is read: the policy may stand below the identity */

ngx_int_t
ngx_http_fraud_add_domain(ngx_conf_t *cf, ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_identity_t *identity)
{
    identity->domain = ngx_http_fraud_domain(cf, policy, identity);

    if (identity->domain == NULL) {
        return NGX_ERROR;
    }

    identity->domain->address |= (identity->kind == NGX_HTTP_FRAUD_ADDRESS);

    return identity->claimed
           ? ngx_http_fraud_add_pair(cf, identity->domain) : NGX_OK;
}


static ngx_http_fraud_domain_t *
ngx_http_fraud_domain(ngx_conf_t *cf, ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_identity_t *identity)
{
    ngx_str_t                    *name;
    ngx_uint_t                    i;
    ngx_http_fraud_domain_t      *domain, **domains;
    ngx_http_fraud_main_conf_t   *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);

    name = &identity->name;
    domains = fmcf->domains.elts;

    for (i = 0; i < fmcf->domains.nelts; i++) {
        if (domains[i]->policy == policy
            && domains[i]->identity.len == name->len
            && ngx_strncmp(domains[i]->identity.data, name->data, name->len)
               == 0)
        {
            return domains[i];
        }
    }

    /* two secrets each: of the store and of the log */

    if (fmcf->domains.nelts == NGX_HTTP_FRAUD_MAX_DOMAINS / 2) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"fraud_identity\": \"%V\" is one name too many, at "
                      "most %d are possible with \"address\" and for each "
                      "policy, use fewer in %V:%ui", name,
                      NGX_HTTP_FRAUD_MAX_DOMAINS / 2, &identity->place.file,
                      identity->place.line);
        return NULL;
    }

    domain = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_domain_t));
    if (domain == NULL) {
        return NULL;
    }

    domain->name = *name;
    domain->identity = *name;
    domain->policy = policy;

    if (ngx_http_fraud_policy_name(cf, policy, &domain->name) != NGX_OK) {
        return NULL;
    }

    ngx_http_fraud_policy_domain(fmcf, policy, domain);

    domain->log_name.len = sizeof("log.") - 1 + domain->name.len;
    domain->log_name.data = ngx_pnalloc(cf->pool, domain->log_name.len);

    domains = ngx_array_push(&fmcf->domains);

    if (domain->log_name.data == NULL || domains == NULL) {
        return NULL;
    }

    (void) ngx_sprintf(domain->log_name.data, "log.%V", &domain->name);

    *domains = domain;

    return domain;
}


static ngx_int_t
ngx_http_fraud_add_pair(ngx_conf_t *cf, ngx_http_fraud_domain_t *domain)
{
    fraud_op_t               *op;
    ngx_http_fraud_domain_t  *pair;

    if (domain->pair) {
        return NGX_OK;
    }

    pair = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_domain_t));
    if (pair == NULL) {
        return NGX_ERROR;
    }

    pair->name.len = sizeof("pair.") - 1 + domain->name.len;
    pair->name.data = ngx_pnalloc(cf->pool, pair->name.len);
    if (pair->name.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(pair->name.data, "pair.%V", &domain->name);

    pair->policy = domain->policy;
    pair->keep = domain->keep;
    pair->epoch = domain->epoch;

    op = &pair->took_part.op;

    op->type = FRAUD_OP_DECAY;
    op->u.half_life_us = (uint64_t) 600 * 1000000;
    op->tag = fraud_op_tag(FRAUD_OP_DECAY, "took_part",
                           sizeof("took_part") - 1, 0);
    ngx_http_fraud_policy_tag(domain->policy, op);

    pair->took_part.identity = pair->name;

    domain->pair = pair;

    return NGX_OK;
}


/*
 * a name was declared before in this block: an error, unless that was in
 * another file, which is how an included rule set is tuned
 */

ngx_int_t
ngx_http_fraud_declare(ngx_conf_t *cf, ngx_http_fraud_place_t *before,
    ngx_str_t *name)
{
    ngx_str_t  *file;

    file = &cf->conf_file->file.name;

    for ( /* void */ ; before; before = before->before) {

        if (before->file.len == file->len
            && ngx_strncmp(before->file.data, file->data, file->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\": \"%V\" is declared twice in one file, "
                               "first in line %ui, remove one or rename it",
                               cf->args->elts, name, before->line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


char *
ngx_http_fraud_action_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_loc_conf_t *flcf = conf;

    uint64_t            n;
    ngx_str_t          *value, text;
    ngx_msec_t          delay;
    ngx_uint_t          i;
    fraud_threshold_t  *action;

    value = cf->args->elts;

    if (fraud_str_uint(&n, (char *) value[1].data, value[1].len,
                       FRAUD_SCORE_MAX)
        != FRAUD_OK
        || n == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_action\": invalid score \"%V\", "
                           "use 1 to 100", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (flcf->own_actions.elts == NULL
        && ngx_array_init(&flcf->own_actions, cf->pool, 4,
                          sizeof(fraud_threshold_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    action = flcf->own_actions.elts;

    for (i = 0; i < flcf->own_actions.nelts; i++) {
        if (action[i].score == n) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"fraud_action\": score \"%V\" has an action "
                               "in this block already, remove one", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    action = ngx_array_push(&flcf->own_actions);
    if (action == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(action, sizeof(fraud_threshold_t));

    action->score = (uint32_t) n;
    action->action = FRAUD_ACTION_N;

    for (i = 0; ngx_http_fraud_actions[i].name.len; i++) {
        if (ngx_strcmp(value[2].data, ngx_http_fraud_actions[i].name.data)
            == 0)
        {
            action->action = ngx_http_fraud_actions[i].value;
        }
    }

    if (ngx_http_fraud_arg(&value[2], "delay=", &text)) {
        delay = ngx_parse_time(&text, 0);

        if (delay == (ngx_msec_t) NGX_ERROR || delay == 0
            || delay > NGX_HTTP_FRAUD_MAX_DELAY)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"fraud_action\": invalid delay \"%V\", "
                               "use a time from 1ms to 60s", &text);
            return NGX_CONF_ERROR;
        }

        action->action = FRAUD_ACTION_DELAY;
        action->delay_ms = (uint32_t) delay;
    }

    if (action->action == FRAUD_ACTION_N) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_action\": unknown action \"%V\", use "
                           "\"delay=TIME\", \"limit\", \"deny\" or "
                           "\"drop\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 3) {
        return NGX_CONF_OK;
    }

    if (!ngx_http_fraud_arg(&value[3], "status=", &text)
        || (action->action != FRAUD_ACTION_LIMIT
            && action->action != FRAUD_ACTION_DENY))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_action\": unknown parameter \"%V\", only "
                           "\"limit\" and \"deny\" take \"status=\"",
                           &value[3]);
        return NGX_CONF_ERROR;
    }

    if (fraud_str_uint(&n, (char *) text.data, text.len, 599) != FRAUD_OK
        || n < 400 || n == NGX_HTTP_CLOSE
        || n == NGX_HTTP_CLIENT_CLOSED_REQUEST)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_action\": invalid status \"%V\", "
                           "use 400 to 599 but not 444 or 499", &text);
        return NGX_CONF_ERROR;
    }

    action->status = (uint32_t) n;

    return NGX_CONF_OK;
}


char *
ngx_http_fraud_geo_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_main_conf_t *fmcf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_fraud_source_t   *source, **geo;

    value = cf->args->elts;

    source = ngx_http_fraud_add_file(cf, NGX_HTTP_FRAUD_GEO, &value[1]);
    if (source == NULL) {
        return NGX_CONF_ERROR;
    }

    geo = fmcf->geo.elts;

    for (i = 0; i < fmcf->geo.nelts; i++) {
        if (geo[i] == source) {
            return "is duplicate";
        }
    }

    geo = ngx_array_push(&fmcf->geo);
    if (geo == NULL) {
        return NGX_CONF_ERROR;
    }

    *geo = source;

    return NGX_CONF_OK;
}


/* "name=value": 1 and the value, or 0 */

ngx_uint_t
ngx_http_fraud_arg(ngx_str_t *arg, const char *name, ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (arg->len < len || ngx_strncmp(arg->data, name, len) != 0) {
        return 0;
    }

    value->data = arg->data + len;
    value->len = arg->len - len;

    return 1;
}


/*
 * A value that is one variable is read in place: a complex value would copy
 * it to the request pool.
 */

ngx_http_fraud_value_t *
ngx_http_fraud_compile(ngx_conf_t *cf, ngx_str_t *text)
{
    size_t                             i;
    ngx_str_t                          name;
    ngx_http_fraud_value_t            *value;
    ngx_http_compile_complex_value_t   ccv;

    value = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_value_t));
    if (value == NULL) {
        return NULL;
    }

    value->index = -1;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = &value->cv;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NULL;
    }

    if (value->cv.lengths == NULL) {
        return value;
    }

    name.data = text->data + 1;
    name.len = text->len - 1;

    if (name.len > 2 && name.data[0] == '{' && name.data[name.len - 1] == '}')
    {
        name.data++;
        name.len -= 2;
    }

    if (text->data[0] != '$' || name.len == 0
        || (name.data[0] >= '0' && name.data[0] <= '9'))
    {
        return value;
    }

    for (i = 0; i < name.len; i++) {
        if (name.data[i] != '_'
            && !(name.data[i] >= 'a' && name.data[i] <= 'z')
            && !(name.data[i] >= 'A' && name.data[i] <= 'Z')
            && !(name.data[i] >= '0' && name.data[i] <= '9'))
        {
            return value;
        }
    }

    value->client = (ngx_strncmp(name.data, "remote_addr", name.len) == 0
                     && name.len == sizeof("remote_addr") - 1)
                    || (ngx_strncmp(name.data, "binary_remote_addr", name.len)
                        == 0
                        && name.len == sizeof("binary_remote_addr") - 1);

    value->index = ngx_http_get_variable_index(cf, &name);
    if (value->index == NGX_ERROR) {
        return NULL;
    }

    return value;
}
