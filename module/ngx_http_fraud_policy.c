
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"


/*
 * State and pseudonyms are separate per policy: what is declared in a block
 * and inherited by one with another policy is copied for that, with a domain
 * and ops of its own.  What a policy does not permit is refused in _permit.c.
 */


#define NGX_HTTP_FRAUD_DIGEST  8      /* bytes of it in each line */
#define NGX_HTTP_FRAUD_DNT_STATE  3600  /* seconds, of who objects to all */


static ngx_http_fraud_policy_t *ngx_http_fraud_policy_read(ngx_conf_t *cf,
    ngx_str_t *file);
static char *ngx_http_fraud_policy_load(ngx_conf_t *cf, ngx_str_t *name,
    size_t *len);
static ngx_int_t ngx_http_fraud_policy_stamp(ngx_conf_t *cf,
    ngx_http_fraud_policy_t *policy);
static void ngx_http_fraud_policy_unregister(ngx_http_fraud_op_t *op,
    ngx_http_fraud_op_t *origin);
static ngx_uint_t ngx_http_fraud_policy_header(ngx_http_request_t *r);


/* what a line of the log serves, the first of them that the policy names */

static struct {
    ngx_uint_t                 purpose;
    ngx_str_t                  name;
} ngx_http_fraud_purposes[] = {
    { FRAUD_PURPOSE_ATTACK, ngx_string("attack") },
    { FRAUD_PURPOSE_ABUSE, ngx_string("abuse") },
    { FRAUD_PURPOSE_SECURITY, ngx_string("security") },
    { FRAUD_PURPOSE_FRAUD, ngx_string("fraud") }
};


char *
ngx_http_fraud_policy_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_fraud_loc_conf_t *flcf = conf;

    ngx_str_t                    *value, file;
    ngx_uint_t                    i;
    ngx_http_fraud_policy_t      *policy, **policies;
    ngx_http_fraud_main_conf_t   *fmcf;

    if (flcf->policy != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;
    file = value[1];

    if (file.len == 0) {
        return "names no file";
    }

    if (ngx_conf_full_name(cf->cycle, &file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);
    policies = fmcf->policies.elts;

    for (i = 0; i < fmcf->policies.nelts; i++) {
        if (policies[i]->file.len == file.len
            && ngx_strncmp(policies[i]->file.data, file.data, file.len) == 0)
        {
            flcf->policy = policies[i];
            return NGX_CONF_OK;
        }
    }

    policy = ngx_http_fraud_policy_read(cf, &file);
    if (policy == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < fmcf->policies.nelts; i++) {
        if (ngx_strcmp(policies[i]->policy.name, policy->policy.name) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"fraud_policy\": \"%V\" and \"%V\" are both "
                               "named \"%V\", rename one of them",
                               &file, &policies[i]->file, &policy->name);
            return NGX_CONF_ERROR;
        }
    }

    policies = ngx_array_push(&fmcf->policies);
    if (policies == NULL) {
        return NGX_CONF_ERROR;
    }

    *policies = policy;
    flcf->policy = policy;

    return NGX_CONF_OK;
}


static ngx_http_fraud_policy_t *
ngx_http_fraud_policy_read(ngx_conf_t *cf, ngx_str_t *file)
{
    char                     *text;
    size_t                    len;
    fraud_err_t               err;
    ngx_http_fraud_policy_t  *policy;

    policy = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_policy_t));
    text = ngx_http_fraud_policy_load(cf, file, &len);

    if (policy == NULL || text == NULL) {
        return NULL;
    }

    policy->file = *file;

    switch (fraud_policy_parse(&policy->policy, text, len, &err)) {

    case FRAUD_OK:
        break;

    case FRAUD_ENOMEM:
        return NULL;

    default:
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_policy\": %s in %V:%uz", err.why, file,
                           err.line);
        return NULL;
    }

    return ngx_http_fraud_policy_stamp(cf, policy) == NGX_OK ? policy : NULL;
}


static char *
ngx_http_fraud_policy_load(ngx_conf_t *cf, ngx_str_t *name, size_t *len)
{
    char        *text;
    size_t       size;
    ssize_t      n;
    ngx_file_t   file;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *name;
    file.log = cf->log;

    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"fraud_policy\": file \"%V\" cannot be opened",
                           name);
        return NULL;
    }

    /* one byte more than the parser accepts */

    size = FRAUD_POLICY_MAX_BYTES + 1;
    text = ngx_pnalloc(cf->pool, size);
    *len = 0;
    n = -1;

    while (text && *len < size) {
        n = ngx_read_fd(file.fd, text + *len, size - *len);

        if (n <= 0) {
            break;
        }

        *len += n;
    }

    if (text && n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"fraud_policy\": file \"%V\" cannot be read",
                           name);
        text = NULL;
    }

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", name);
    }

    return text;
}


/* what each line of the log says about the policy it was written under */

static ngx_int_t
ngx_http_fraud_policy_stamp(ngx_conf_t *cf, ngx_http_fraud_policy_t *policy)
{
    u_char      *p;
    uint32_t     purpose;
    ngx_uint_t   i;

    policy->name.data = (u_char *) policy->policy.name;
    policy->name.len = ngx_strlen(policy->policy.name);

    p = ngx_pnalloc(cf->pool, policy->name.len + 1 + NGX_INT32_LEN
                              + 2 * NGX_HTTP_FRAUD_DIGEST);
    if (p == NULL) {
        return NGX_ERROR;
    }

    policy->version.data = p;
    p = ngx_sprintf(p, "%V.%uD", &policy->name, policy->policy.version);
    policy->version.len = p - policy->version.data;

    policy->digest.data = p;
    policy->digest.len = 2 * NGX_HTTP_FRAUD_DIGEST;
    (void) ngx_hex_dump(p, policy->policy.digest, NGX_HTTP_FRAUD_DIGEST);

    purpose = policy->policy.settings.purpose;

    for (i = sizeof(ngx_http_fraud_purposes)
             / sizeof(ngx_http_fraud_purposes[0]); i > 0; i--)
    {
        if (purpose & FRAUD_SETTING_BIT(ngx_http_fraud_purposes[i - 1].purpose))
        {
            policy->purpose = ngx_http_fraud_purposes[i - 1].name;
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_fraud_has_policies(ngx_http_fraud_main_conf_t *fmcf)
{
    return fmcf->policies.nelts != 0;
}


/* an identity's name under a policy: NAME@POLICY */

ngx_int_t
ngx_http_fraud_policy_name(ngx_conf_t *cf, ngx_http_fraud_policy_t *policy,
    ngx_str_t *name)
{
    u_char  *p;

    if (policy == NULL || name->len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(cf->pool, name->len + 1 + policy->name.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    name->len = ngx_sprintf(p, "%V@%V", name, &policy->name) - p;
    name->data = p;

    return NGX_OK;
}


void
ngx_http_fraud_policy_domain(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_policy_t *policy, ngx_http_fraud_domain_t *domain)
{
    fraud_settings_t  *settings;

    domain->epoch = fmcf->epoch;

    if (policy == NULL) {
        return;
    }

    settings = &policy->policy.settings;

    domain->epoch = ngx_min(fmcf->epoch, settings->id_epoch);
    domain->keep = settings->keep_state;

    /* one's record is nobody else's, so what holds for some holds for all */

    if (settings->dnt == FRAUD_DNT_HONOUR_ALL) {
        domain->keep = ngx_min(domain->keep, NGX_HTTP_FRAUD_DNT_STATE);
    }
}


/*
 * An identity as it is under a policy.  The built-in one is as narrow as the
 * policy demands; one that was declared is refused instead.
 */

ngx_http_fraud_identity_t *
ngx_http_fraud_policy_identity(ngx_conf_t *cf, ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_identity_t *identity)
{
    ngx_http_fraud_identity_t  *copy;

    if (identity->domain && identity->domain->policy == policy) {
        return identity;
    }

    copy = ngx_palloc(cf->pool, sizeof(ngx_http_fraud_identity_t));
    if (copy == NULL) {
        return NULL;
    }

    if (identity->origin) {
        identity = identity->origin;
    }

    *copy = *identity;
    copy->origin = identity;

    if (policy && identity->value == NULL
        && policy->policy.settings.automation == FRAUD_AUTOMATION_NONE)
    {
        copy->ipv4 = ngx_min(copy->ipv4, NGX_HTTP_FRAUD_PREFIX4);
        copy->ipv6 = ngx_min(copy->ipv6, NGX_HTTP_FRAUD_PREFIX6);
    }

    return ngx_http_fraud_add_domain(cf, policy, copy) == NGX_OK ? copy : NULL;
}


ngx_http_fraud_signal_t *
ngx_http_fraud_policy_signal(ngx_conf_t *cf, ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_signal_t *signal)
{
    ngx_http_fraud_signal_t      *copy, **known;
    ngx_http_fraud_main_conf_t   *fmcf;

    if (signal->policy == policy) {
        return signal;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);

    copy = ngx_palloc(cf->pool, sizeof(ngx_http_fraud_signal_t));
    known = ngx_array_push(&fmcf->signals);

    if (copy == NULL || known == NULL) {
        return NULL;
    }

    if (signal->origin) {
        signal = signal->origin;
    }

    *copy = *signal;
    *known = copy;

    copy->origin = signal;
    copy->policy = policy;
    copy->op.identity = copy->identity;
    copy->good.identity = copy->per.len ? copy->identity : copy->per;

    ngx_http_fraud_policy_unregister(&copy->op, &signal->op);
    ngx_http_fraud_policy_unregister(&copy->good, &signal->good);

    if (ngx_http_fraud_policy_name(cf, policy, &copy->op.identity) != NGX_OK
        || ngx_http_fraud_policy_name(cf, policy, &copy->good.identity)
           != NGX_OK)
    {
        return NULL;
    }

    ngx_http_fraud_policy_tag(policy, &copy->op.op);
    ngx_http_fraud_policy_tag(policy, &copy->good.op);

    return copy;
}


/* the tag that it has wherever the policy stands in the configuration */

static void
ngx_http_fraud_policy_unregister(ngx_http_fraud_op_t *op,
    ngx_http_fraud_op_t *origin)
{
    if (op->registered) {
        op->registered = 0;
        op->op.tag ^= ngx_crc32_short(origin->identity.data,
                                      origin->identity.len);
    }
}


/* a slot tells under which policy it was written */

void
ngx_http_fraud_policy_tag(ngx_http_fraud_policy_t *policy, fraud_op_t *op)
{
    u_char  name[sizeof(op->tag) + FRAUD_NAME_MAX], *p;

    if (policy == NULL) {
        return;
    }

    p = ngx_cpymem(name, &op->tag, sizeof(op->tag));
    p = ngx_cpymem(p, policy->name.data, policy->name.len);

    op->tag = fraud_op_tag(op->type, (char *) name, p - name,
                           fraud_op_scale(op));
}


/*
 * whether the pseudonym of a request's subject may be told, in variables as in
 * the log
 */

ngx_uint_t
ngx_http_fraud_policy_shows(ngx_http_fraud_policy_t *policy,
    ngx_http_fraud_identity_t *identity)
{
    if (policy == NULL) {
        return 1;
    }

    /* else what is written is anonymous */

    if (policy->policy.settings.log_ip != FRAUD_LOG_IP_KEYED) {
        return 0;
    }

    return identity->kind != NGX_HTTP_FRAUD_ACCOUNT
           || policy->policy.settings.id_account == FRAUD_ACCOUNT_KEYED;
}


/* what the client of a request asked to be kept out of */

ngx_uint_t
ngx_http_fraud_policy_objects(ngx_http_request_t *r)
{
    ngx_uint_t                  objects;
    ngx_http_fraud_ctx_t       *ctx;
    ngx_http_fraud_loc_conf_t  *flcf;

    r = r->main;
    ctx = ngx_http_fraud_get_ctx(r);

    if (ctx && ctx->asked) {
        return ctx->objects;
    }

    flcf = ctx ? ctx->flcf
               : ngx_http_get_module_loc_conf(r, ngx_http_fraud_module);

    objects = NGX_HTTP_FRAUD_OBJECTS_NOT;

    if (flcf->policy
        && flcf->policy->policy.settings.dnt != FRAUD_DNT_IGNORE
        && ngx_http_fraud_policy_header(r))
    {
        objects = flcf->policy->policy.settings.dnt == FRAUD_DNT_HONOUR_ALL
                  ? NGX_HTTP_FRAUD_OBJECTS_ALL : NGX_HTTP_FRAUD_OBJECTS;
    }

    if (ctx) {
        ctx->asked = 1;
        ctx->objects = objects;
    }

    return objects;
}


/* "DNT: 1" or "Sec-GPC: 1" */

static ngx_uint_t
ngx_http_fraud_policy_header(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].value.len != 1 || h[i].value.data[0] != '1') {
                continue;
            }

            if ((h[i].key.len == 3
                 && ngx_strncasecmp(h[i].key.data, (u_char *) "DNT", 3) == 0)
                || (h[i].key.len == 7
                    && ngx_strncasecmp(h[i].key.data, (u_char *) "Sec-GPC", 7)
                       == 0))
            {
                return 1;
            }
        }
    }

    return 0;
}


/* the finest place that may be known: FRAUD_PLACE_* */

ngx_uint_t
ngx_http_fraud_policy_place(ngx_http_request_t *r, ngx_http_fraud_ctx_t *ctx)
{
    ngx_http_fraud_loc_conf_t  *flcf;

    flcf = ctx ? ctx->flcf
               : ngx_http_get_module_loc_conf(r, ngx_http_fraud_module);

    return flcf->policy ? flcf->policy->policy.settings.geo
                        : FRAUD_PLACE_CITY;
}
