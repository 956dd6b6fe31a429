
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_str.h"


#define NGX_HTTP_FRAUD_GOOD_WINDOW  ((uint64_t) 3600 * 1000000)


static ngx_int_t ngx_http_fraud_parse(ngx_conf_t *cf, fraud_rule_t *rule);
static ngx_int_t ngx_http_fraud_rule_values(ngx_conf_t *cf,
    ngx_http_fraud_signal_t *signal, fraud_rule_t *rule);
static ngx_int_t ngx_http_fraud_rule_value(ngx_conf_t *cf,
    ngx_http_fraud_value_t **value, fraud_str_t *text);
static ngx_int_t ngx_http_fraud_rule_source(ngx_conf_t *cf,
    ngx_http_fraud_signal_t *signal, fraud_rule_t *rule);
static ngx_int_t ngx_http_fraud_rule_op(ngx_conf_t *cf,
    ngx_http_fraud_signal_t *signal, fraud_rule_t *rule);
static ngx_int_t ngx_http_fraud_prefixed(ngx_conf_t *cf, const char *prefix,
    ngx_str_t *name);
static ngx_int_t ngx_http_fraud_rule_per(ngx_conf_t *cf,
    ngx_http_fraud_signal_t *signal, fraud_rule_t *rule);
static ngx_int_t ngx_http_fraud_add_signal(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *flcf, ngx_http_fraud_signal_t *signal);


char *
ngx_http_fraud_rule_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    fraud_rule_t              rule;
    ngx_http_fraud_signal_t  *signal;

    if (ngx_http_fraud_parse(cf, &rule) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    signal = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_signal_t));
    if (signal == NULL) {
        return NGX_CONF_ERROR;
    }

    signal->name.data = (u_char *) rule.name.data;
    signal->name.len = rule.name.len;
    signal->identity.data = (u_char *) rule.identity.data;
    signal->identity.len = rule.identity.len;
    signal->type = rule.type;
    signal->points = rule.points;
    signal->max = rule.max;
    signal->op.max = rule.max;
    signal->speed = rule.speed;
    signal->distance = rule.distance;
    signal->weight = rule.weight;
    signal->shadow = rule.shadow;
    signal->response = rule.response;
    signal->trust = rule.trust;
    signal->off = rule.off;
    signal->place.file = cf->conf_file->file.name;
    signal->place.line = cf->conf_file->line;

    signal->reason = signal->name;

    if (rule.trust
        && ngx_http_fraud_prefixed(cf, "trust.", &signal->reason) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_fraud_rule_values(cf, signal, &rule) != NGX_OK
        || ngx_http_fraud_rule_source(cf, signal, &rule) != NGX_OK
        || ngx_http_fraud_rule_op(cf, signal, &rule) != NGX_OK
        || ngx_http_fraud_add_signal(cf, conf, signal) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_fraud_parse(ngx_conf_t *cf, fraud_rule_t *rule)
{
    fraud_rc      rc;
    ngx_str_t    *value;
    ngx_uint_t    i;
    fraud_err_t   err;
    fraud_str_t  *words;

    value = cf->args->elts;

    words = ngx_palloc(cf->temp_pool, cf->args->nelts * sizeof(fraud_str_t));
    if (words == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < cf->args->nelts; i++) {
        words[i].data = value[i].data;
        words[i].len = value[i].len;
    }

    rc = fraud_rule_parse(rule, words, cf->args->nelts, &err);

    if (rc == FRAUD_OK) {
        return NGX_OK;
    }

    if (err.at == cf->args->nelts) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": signal \"%V\" %s",
                           &value[0], &value[1], err.why);

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": %s \"%V\", %s",
                           &value[0],
                           rc == FRAUD_NOTFOUND ? "unknown parameter"
                           : err.at == 1 ? "invalid name" : "invalid",
                           &value[err.at], err.why);
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_fraud_rule_values(ngx_conf_t *cf, ngx_http_fraud_signal_t *signal,
    fraud_rule_t *rule)
{
    if (ngx_http_fraud_rule_value(cf, &signal->value, &rule->value) != NGX_OK
        || ngx_http_fraud_rule_value(cf, &signal->condition, &rule->condition)
           != NGX_OK
        || ngx_http_fraud_rule_value(cf, &signal->cost, &rule->cost) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_rule_value(ngx_conf_t *cf, ngx_http_fraud_value_t **value,
    fraud_str_t *text)
{
    ngx_str_t  str;

    if (text->data == NULL) {
        return NGX_OK;
    }

    str.data = (u_char *) text->data;
    str.len = text->len;

    *value = ngx_http_fraud_compile(cf, &str);

    return *value ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_fraud_rule_source(ngx_conf_t *cf, ngx_http_fraud_signal_t *signal,
    fraud_rule_t *rule)
{
    ngx_str_t               value, text;
    fraud_str_t            *from;
    ngx_http_fraud_part_t   part;

    from = rule->file.data ? &rule->file : &rule->pattern;

    text.data = (u_char *) from->data;
    text.len = from->len;

    if (rule->type == FRAUD_RULE_LIST) {
        signal->source = ngx_http_fraud_add_file(cf, rule->strings
                                                     ? NGX_HTTP_FRAUD_STRINGS
                                                     : NGX_HTTP_FRAUD_LIST,
                                                 &text);

    } else if (rule->type == FRAUD_RULE_MATCH) {

        ngx_memzero(&part, sizeof(ngx_http_fraud_part_t));

        part.text = text;
        part.file = (rule->file.data != NULL);
        part.nocase = rule->nocase;

        value.data = (u_char *) rule->value.data;
        value.len = rule->value.len;

        signal->source = ngx_http_fraud_add_pattern(cf, &value, &part,
                                                    &signal->member);

    } else {
        return NGX_OK;
    }

    return signal->source ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_fraud_rule_op(ngx_conf_t *cf, ngx_http_fraud_signal_t *signal,
    fraud_rule_t *rule)
{
    ngx_str_t    name;
    fraud_op_t  *op;

    op = &signal->op.op;
    name = signal->name;

    switch (rule->type) {

    case FRAUD_RULE_RATE:
        op->type = FRAUD_OP_GCRA;
        op->u.gcra = rule->gcra;
        break;

    case FRAUD_RULE_DISTINCT:
        op->type = FRAUD_OP_DISTINCT;
        op->u.window_us = rule->window_us;
        break;

    case FRAUD_RULE_TRAVEL:
        op->type = FRAUD_OP_SWAP;
        break;

    case FRAUD_RULE_REPUTATION:
        op->type = FRAUD_OP_DECAY;
        op->u.half_life_us = rule->half_life_us;

        /* one for an identity, whose name it has in reasons */

        if (ngx_http_fraud_prefixed(cf, "reputation.", &signal->name)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        signal->reason = signal->name;

        ngx_str_set(&name, "reputation");
        break;

    default:
        return NGX_OK;
    }

    op->tag = fraud_op_tag(op->type, (char *) name.data, name.len,
                           fraud_op_scale(op));

    signal->op.identity = signal->identity;

    return ngx_http_fraud_rule_per(cf, signal, rule);
}


static ngx_int_t
ngx_http_fraud_prefixed(ngx_conf_t *cf, const char *prefix, ngx_str_t *name)
{
    u_char  *p;

    p = ngx_pnalloc(cf->pool, ngx_strlen(prefix) + name->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    name->len = ngx_sprintf(p, "%s%V", prefix, name) - p;
    name->data = p;

    return NGX_OK;
}


/* the good ones are counted in the record of the identity that is limited */

static ngx_int_t
ngx_http_fraud_rule_per(ngx_conf_t *cf, ngx_http_fraud_signal_t *signal,
    fraud_rule_t *rule)
{
    u_char       name[FRAUD_NAME_MAX + sizeof("good.")];
    fraud_op_t  *op;

    if (rule->per.len == 0) {
        return NGX_OK;
    }

    signal->per.data = (u_char *) rule->per.data;
    signal->per.len = rule->per.len;
    signal->factor = rule->factor;

    op = &signal->good.op;

    op->type = FRAUD_OP_DISTINCT;
    op->u.window_us = NGX_HTTP_FRAUD_GOOD_WINDOW;
    op->tag = fraud_op_tag(op->type, (char *) name,
                           ngx_snprintf(name, sizeof(name), "good.%V",
                                        &signal->per)
                           - name, fraud_op_scale(op));

    signal->good.identity = signal->identity;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_add_signal(ngx_conf_t *cf, ngx_http_fraud_loc_conf_t *flcf,
    ngx_http_fraud_signal_t *signal)
{
    ngx_uint_t                    i;
    ngx_http_fraud_signal_t     **own;
    ngx_http_fraud_main_conf_t   *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_fraud_module);

    if (flcf->own_signals.elts == NULL
        && ngx_array_init(&flcf->own_signals, cf->pool, 8, sizeof(void *))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!signal->off) {
        own = ngx_array_push(&fmcf->signals);
        if (own == NULL) {
            return NGX_ERROR;
        }

        *own = signal;
    }

    own = flcf->own_signals.elts;

    for (i = 0; i < flcf->own_signals.nelts; i++) {

        if (own[i]->name.len != signal->name.len
            || ngx_strncmp(own[i]->name.data, signal->name.data,
                           signal->name.len)
               != 0)
        {
            continue;
        }

        if (ngx_http_fraud_declare(cf, &own[i]->place, &signal->name)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        signal->replaces = 1;
        signal->place.before = &own[i]->place;
        own[i] = signal;

        return NGX_OK;
    }

    own = ngx_array_push(&flcf->own_signals);
    if (own == NULL) {
        return NGX_ERROR;
    }

    *own = signal;

    return NGX_OK;
}
