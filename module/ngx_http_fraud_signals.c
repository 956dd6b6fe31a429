
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud.h"
#include "fraud_str.h"


#define NGX_HTTP_FRAUD_ARG_POINTS    0x001
#define NGX_HTTP_FRAUD_ARG_SHADOW    0x002
#define NGX_HTTP_FRAUD_ARG_IF        0x004
#define NGX_HTTP_FRAUD_ARG_ON        0x008
#define NGX_HTTP_FRAUD_ARG_RATE      0x010  /* burst= and cost= too */
#define NGX_HTTP_FRAUD_ARG_FILE      0x020
#define NGX_HTTP_FRAUD_ARG_NOCASE    0x040
#define NGX_HTTP_FRAUD_ARG_TYPE      0x080  /* and trust */
#define NGX_HTTP_FRAUD_ARG_DECAY     0x100  /* half_life=, weight=, max= */


typedef struct {
    ngx_uint_t                allowed;
    ngx_str_t                 file;
    ngx_uint_t                strings;
    ngx_uint_t                nocase;
    ngx_uint_t                points;       /* points= was given */
} ngx_http_fraud_args_t;


static ngx_http_fraud_signal_t *ngx_http_fraud_new_signal(ngx_conf_t *cf,
    ngx_http_fraud_signal_e type);
static ngx_int_t ngx_http_fraud_add_signal(ngx_conf_t *cf,
    ngx_http_fraud_loc_conf_t *flcf, ngx_http_fraud_signal_t *signal);
static ngx_int_t ngx_http_fraud_signal_args(ngx_conf_t *cf,
    ngx_http_fraud_signal_t *signal, ngx_uint_t n,
    ngx_http_fraud_args_t *args);
static ngx_int_t ngx_http_fraud_number_arg(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_args_t *args);
static ngx_int_t ngx_http_fraud_word_arg(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_args_t *args);
static ngx_int_t ngx_http_fraud_rate_arg(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_fraud_signal_t *signal);
static ngx_int_t ngx_http_fraud_decay_arg(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_fraud_signal_t *signal);
static ngx_int_t ngx_http_fraud_bad_arg(ngx_conf_t *cf, ngx_str_t *arg,
    const char *remedy);


char *
ngx_http_fraud_rate_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    fraud_op_t               *op;
    ngx_str_t                *value;
    ngx_http_fraud_args_t     args;
    ngx_http_fraud_signal_t  *signal;

    ngx_memzero(&args, sizeof(ngx_http_fraud_args_t));

    args.allowed = NGX_HTTP_FRAUD_ARG_POINTS|NGX_HTTP_FRAUD_ARG_SHADOW
                   |NGX_HTTP_FRAUD_ARG_IF|NGX_HTTP_FRAUD_ARG_ON
                   |NGX_HTTP_FRAUD_ARG_RATE;

    signal = ngx_http_fraud_new_signal(cf, NGX_HTTP_FRAUD_SIGNAL_RATE);

    if (signal == NULL
        || ngx_http_fraud_signal_args(cf, signal, 3, &args) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    op = &signal->op;

    signal->identity = value[2];

    if (op->u.gcra.n == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_rate\": signal \"%V\" has no rate, "
                           "add e.g. \"rate=10r/s\"", &signal->name);
        return NGX_CONF_ERROR;
    }

    if (fraud_gcra_check(&op->u.gcra) != FRAUD_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_rate\": rate and burst of signal \"%V\" "
                           "are over range, use at most 1000000r/s, and a "
                           "burst that fills within 140 years",
                           &signal->name);
        return NGX_CONF_ERROR;
    }

    op->type = FRAUD_OP_GCRA;
    op->tag = fraud_op_tag(op->type, (char *) signal->name.data,
                           signal->name.len, fraud_op_scale(op));

    if (ngx_http_fraud_add_signal(cf, conf, signal) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_fraud_match_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                *value, text;
    ngx_uint_t                file;
    ngx_http_fraud_args_t     args;
    ngx_http_fraud_signal_t  *signal;

    ngx_memzero(&args, sizeof(ngx_http_fraud_args_t));

    args.allowed = NGX_HTTP_FRAUD_ARG_POINTS|NGX_HTTP_FRAUD_ARG_SHADOW
                   |NGX_HTTP_FRAUD_ARG_NOCASE;

    value = cf->args->elts;

    if (cf->args->nelts < 4) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_match\": signal \"%V\" has no pattern, add "
                           "one or \"file=PATH\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    signal = ngx_http_fraud_new_signal(cf, NGX_HTTP_FRAUD_SIGNAL_MATCH);

    if (signal == NULL
        || ngx_http_fraud_signal_args(cf, signal, 4, &args) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    signal->value = ngx_http_fraud_compile(cf, &value[2]);
    if (signal->value == NULL) {
        return NGX_CONF_ERROR;
    }

    text = value[3];
    file = ngx_http_fraud_arg(&value[3], "file=", &text);

    signal->source = ngx_http_fraud_add_source(cf, NGX_HTTP_FRAUD_MATCH, &text,
                                               file, args.nocase);
    if (signal->source == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_fraud_add_signal(cf, conf, signal) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_fraud_list_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                *value;
    ngx_http_fraud_args_t     args;
    ngx_http_fraud_signal_t  *signal;

    ngx_memzero(&args, sizeof(ngx_http_fraud_args_t));

    args.allowed = NGX_HTTP_FRAUD_ARG_POINTS|NGX_HTTP_FRAUD_ARG_SHADOW
                   |NGX_HTTP_FRAUD_ARG_FILE|NGX_HTTP_FRAUD_ARG_TYPE;

    signal = ngx_http_fraud_new_signal(cf, NGX_HTTP_FRAUD_SIGNAL_LIST);

    if (signal == NULL
        || ngx_http_fraud_signal_args(cf, signal, 3, &args) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (args.file.data == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_list\": signal \"%V\" has no file, "
                           "add \"file=PATH\"", &signal->name);
        return NGX_CONF_ERROR;
    }

    signal->value = ngx_http_fraud_compile(cf, &value[2]);
    if (signal->value == NULL) {
        return NGX_CONF_ERROR;
    }

    signal->source = ngx_http_fraud_add_source(cf,
                         args.strings ? NGX_HTTP_FRAUD_STRINGS
                                      : NGX_HTTP_FRAUD_LIST,
                         &args.file, 1, 0);
    if (signal->source == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_fraud_add_signal(cf, conf, signal) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_fraud_signal_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                *value;
    ngx_http_fraud_args_t     args;
    ngx_http_fraud_signal_t  *signal;

    ngx_memzero(&args, sizeof(ngx_http_fraud_args_t));

    args.allowed = NGX_HTTP_FRAUD_ARG_POINTS|NGX_HTTP_FRAUD_ARG_SHADOW
                   |NGX_HTTP_FRAUD_ARG_IF|NGX_HTTP_FRAUD_ARG_ON;

    value = cf->args->elts;

    signal = ngx_http_fraud_new_signal(cf, NGX_HTTP_FRAUD_SIGNAL_IF);
    if (signal == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[2].data, "off") == 0) {

        if (cf->args->nelts > 3) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"fraud_signal\": \"off\" takes no further "
                               "parameter, remove \"%V\"", &value[3]);
            return NGX_CONF_ERROR;
        }

        signal->type = NGX_HTTP_FRAUD_SIGNAL_OFF;

    } else if (ngx_http_fraud_signal_args(cf, signal, 2, &args) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_fraud_add_signal(cf, conf, signal) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_fraud_reputation_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                *value;
    ngx_http_fraud_args_t     args;
    ngx_http_fraud_signal_t  *signal;

    ngx_memzero(&args, sizeof(ngx_http_fraud_args_t));

    args.allowed = NGX_HTTP_FRAUD_ARG_DECAY;

    value = cf->args->elts;

    signal = ngx_http_fraud_new_signal(cf, NGX_HTTP_FRAUD_SIGNAL_REPUTATION);
    if (signal == NULL) {
        return NGX_CONF_ERROR;
    }

    signal->weight = 1000;
    signal->points = FRAUD_SCORE_MAX;

    if (ngx_http_fraud_signal_args(cf, signal, 2, &args) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (signal->op.u.half_life_us == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fraud_reputation\": \"%V\" has no half-life, "
                           "add e.g. \"half_life=4h\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    signal->identity = value[1];
    signal->name.len = sizeof("reputation.") - 1 + value[1].len;
    signal->name.data = ngx_pnalloc(cf->pool, signal->name.len);
    if (signal->name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_sprintf(signal->name.data, "reputation.%V", &value[1]);

    signal->op.type = FRAUD_OP_DECAY;
    signal->op.tag = fraud_op_tag(FRAUD_OP_DECAY, "reputation",
                                  sizeof("reputation") - 1,
                                  fraud_op_scale(&signal->op));

    if (ngx_http_fraud_add_signal(cf, conf, signal) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_http_fraud_signal_t *
ngx_http_fraud_new_signal(ngx_conf_t *cf, ngx_http_fraud_signal_e type)
{
    ngx_str_t                *value;
    ngx_http_fraud_signal_t  *signal;

    value = cf->args->elts;

    if (!fraud_str_is_name((char *) value[1].data, value[1].len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": invalid name \"%V\", use 1 to 32 letters, "
                           "digits and \"_\"", &value[0], &value[1]);
        return NULL;
    }

    signal = ngx_pcalloc(cf->pool, sizeof(ngx_http_fraud_signal_t));
    if (signal == NULL) {
        return NULL;
    }

    signal->type = type;
    signal->name = value[1];
    signal->place.file = cf->conf_file->file.name;
    signal->place.line = cf->conf_file->line;

    return signal;
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

    if (signal->type != NGX_HTTP_FRAUD_SIGNAL_OFF) {
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


static ngx_int_t
ngx_http_fraud_signal_args(ngx_conf_t *cf, ngx_http_fraud_signal_t *signal,
    ngx_uint_t n, ngx_http_fraud_args_t *args)
{
    ngx_int_t   rc;
    ngx_str_t  *value;

    value = cf->args->elts;

    for ( /* void */ ; n < cf->args->nelts; n++) {

        rc = ngx_http_fraud_number_arg(cf, &value[n], signal, args);

        if (rc == NGX_DECLINED) {
            rc = ngx_http_fraud_word_arg(cf, &value[n], signal, args);
        }

        if (rc == NGX_DECLINED) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\": unknown parameter \"%V\", see the "
                               "table of directives in README.md",
                               &value[0], &value[n]);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if ((args->allowed & NGX_HTTP_FRAUD_ARG_POINTS)
        && !args->points && !signal->trust)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": signal \"%V\" has no points, "
                           "add \"points=\" 0 to 100", &value[0], &value[1]);
        return NGX_ERROR;
    }

    if (args->points && signal->trust) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": signal \"%V\" has both \"points=\" and "
                           "\"trust\", remove one", &value[0], &value[1]);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_number_arg(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_args_t *args)
{
    uint64_t   n;
    ngx_str_t  text;

    if ((args->allowed & NGX_HTTP_FRAUD_ARG_POINTS)
        && ngx_http_fraud_arg(arg, "points=", &text))
    {
        if (fraud_str_uint(&n, (char *) text.data, text.len, FRAUD_SCORE_MAX)
            != FRAUD_OK)
        {
            return ngx_http_fraud_bad_arg(cf, arg, "0 to 100");
        }

        signal->points = (ngx_uint_t) n;
        args->points = 1;

        return NGX_OK;
    }

    if (args->allowed & NGX_HTTP_FRAUD_ARG_RATE) {
        return ngx_http_fraud_rate_arg(cf, arg, signal);
    }

    if (args->allowed & NGX_HTTP_FRAUD_ARG_DECAY) {
        return ngx_http_fraud_decay_arg(cf, arg, signal);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_fraud_rate_arg(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_fraud_signal_t *signal)
{
    uint64_t            n;
    ngx_str_t           text;
    fraud_gcra_conf_t  *gcra;

    gcra = &signal->op.u.gcra;

    if (ngx_http_fraud_arg(arg, "rate=", &text)) {

        if (fraud_str_rate(&gcra->n, &gcra->period_us, (char *) text.data,
                           text.len)
            != FRAUD_OK)
        {
            return ngx_http_fraud_bad_arg(cf, arg,
                                          "Nr/s, Nr/m, Nr/h or Nr/d, "
                                          "from 1r/d to 1000000r/s");
        }

        return NGX_OK;
    }

    if (ngx_http_fraud_arg(arg, "burst=", &text)) {

        if (fraud_str_uint(&n, (char *) text.data, text.len, UINT32_MAX - 1)
            != FRAUD_OK)
        {
            return ngx_http_fraud_bad_arg(cf, arg, "a number of requests");
        }

        gcra->burst = (uint32_t) n;

        return NGX_OK;
    }

    if (ngx_http_fraud_arg(arg, "cost=", &text)) {

        if (ngx_strlchr(text.data, text.data + text.len, '$') == NULL
            && fraud_str_uint(&n, (char *) text.data, text.len, UINT32_MAX)
               != FRAUD_OK)
        {
            return ngx_http_fraud_bad_arg(cf, arg, "a number or a variable");
        }

        signal->cost = ngx_http_fraud_compile(cf, &text);

        return signal->cost ? NGX_OK : NGX_ERROR;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_fraud_decay_arg(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_fraud_signal_t *signal)
{
    time_t     half_life;
    uint64_t   n;
    ngx_str_t  text;

    if (ngx_http_fraud_arg(arg, "half_life=", &text)) {
        half_life = ngx_parse_time(&text, 1);

        if (half_life == (time_t) NGX_ERROR || half_life < 1
            || half_life > 365 * 86400)
        {
            return ngx_http_fraud_bad_arg(cf, arg, "a time from 1s to 365d");
        }

        signal->op.u.half_life_us = (uint64_t) half_life * 1000000;

        return NGX_OK;
    }

    if (ngx_http_fraud_arg(arg, "weight=", &text)) {

        if (fraud_str_fixed(&n, (char *) text.data, text.len, 3, 100000)
            != FRAUD_OK)
        {
            return ngx_http_fraud_bad_arg(cf, arg,
                                          "0 to 100 with up to 3 decimals");
        }

        signal->weight = (ngx_uint_t) n;

        return NGX_OK;
    }

    if (ngx_http_fraud_arg(arg, "max=", &text)) {

        if (fraud_str_uint(&n, (char *) text.data, text.len, FRAUD_SCORE_MAX)
            != FRAUD_OK)
        {
            return ngx_http_fraud_bad_arg(cf, arg, "0 to 100");
        }

        signal->points = (ngx_uint_t) n;

        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_fraud_word_arg(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_fraud_signal_t *signal, ngx_http_fraud_args_t *args)
{
    ngx_str_t  text;

    if ((args->allowed & NGX_HTTP_FRAUD_ARG_SHADOW)
        && ngx_strcmp(arg->data, "shadow") == 0)
    {
        signal->shadow = 1;
        return NGX_OK;
    }

    if ((args->allowed & NGX_HTTP_FRAUD_ARG_IF)
        && ngx_http_fraud_arg(arg, "if=", &text))
    {
        signal->condition = ngx_http_fraud_compile(cf, &text);
        return signal->condition ? NGX_OK : NGX_ERROR;
    }

    if ((args->allowed & NGX_HTTP_FRAUD_ARG_ON)
        && ngx_http_fraud_arg(arg, "on=", &text))
    {
        signal->response = (ngx_strcmp(text.data, "response") == 0);

        if (!signal->response && ngx_strcmp(text.data, "request") != 0) {
            return ngx_http_fraud_bad_arg(cf, arg,
                                          "\"request\" or \"response\"");
        }

        return NGX_OK;
    }

    if ((args->allowed & NGX_HTTP_FRAUD_ARG_NOCASE)
        && ngx_strcmp(arg->data, "nocase") == 0)
    {
        args->nocase = 1;
        return NGX_OK;
    }

    if ((args->allowed & NGX_HTTP_FRAUD_ARG_FILE)
        && ngx_http_fraud_arg(arg, "file=", &text))
    {
        args->file = text;
        return NGX_OK;
    }

    if ((args->allowed & NGX_HTTP_FRAUD_ARG_TYPE) == 0) {
        return NGX_DECLINED;
    }

    if (ngx_strcmp(arg->data, "trust") == 0) {
        signal->trust = 1;
        return NGX_OK;
    }

    if (ngx_http_fraud_arg(arg, "type=", &text)) {
        args->strings = (ngx_strcmp(text.data, "string") == 0);

        if (!args->strings && ngx_strcmp(text.data, "network") != 0) {
            return ngx_http_fraud_bad_arg(cf, arg,
                                          "\"network\" or \"string\"");
        }

        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_fraud_bad_arg(ngx_conf_t *cf, ngx_str_t *arg, const char *remedy)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": invalid \"%V\", use %s",
                       cf->args->elts, arg, remedy);

    return NGX_ERROR;
}
