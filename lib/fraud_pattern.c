/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdio.h>

#define DEFAULT_MATCH_LIMIT 100000
#define DEFAULT_DEPTH_LIMIT 1000

/* PCRE2 counts steps anew at each place; at most this many times over. */
#define LIMIT_FACTOR 10

#define HEAP_LIMIT_KIB 1024 /* what the interpreter may allocate */
#define JIT_STACK_MIN (32 * 1024)
#define JIT_STACK_MAX (256 * 1024)

#define OPTIONS (PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C)

struct fraud_pattern_env_s {
    const fraud_mem_t *mem;
    pcre2_general_context *general;
    pcre2_compile_context *compile;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
    pcre2_match_data *data;
    uint32_t match_limit;
};

struct fraud_pattern_s {
    fraud_pattern_env_t *env;
    pcre2_code *code;
    int jit;
};

static void *pcre2_alloc(size_t size, void *data) {
    const fraud_pattern_env_t *env = data;

    return fraud_mem_alloc(env->mem, size);
}

static void pcre2_release(void *p, void *data) {
    const fraud_pattern_env_t *env = data;

    fraud_mem_free(env->mem, p);
}

static fraud_rc init(fraud_pattern_env_t *env, uint32_t depth_limit) {
    env->general =
        pcre2_general_context_create(pcre2_alloc, pcre2_release, env);
    if (env->general == NULL) {
        return FRAUD_ENOMEM;
    }
    env->compile = pcre2_compile_context_create(env->general);
    env->limits = pcre2_match_context_create(env->general);
    env->data = pcre2_match_data_create(1, env->general);
    if (env->compile == NULL || env->limits == NULL || env->data == NULL) {
        return FRAUD_ENOMEM;
    }
    pcre2_set_depth_limit(env->limits, depth_limit);
    pcre2_set_heap_limit(env->limits, HEAP_LIMIT_KIB);
    /* without it JIT code has the 32 KiB that it takes from the C stack */
    env->stack =
        pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, env->general);
    if (env->stack != NULL) {
        pcre2_jit_stack_assign(env->limits, NULL, env->stack);
    }
    return FRAUD_OK;
}

fraud_rc fraud_pattern_env_new(fraud_pattern_env_t **env,
                               const fraud_mem_t *mem, uint32_t match_limit,
                               uint32_t depth_limit) {
    fraud_pattern_env_t *e;
    fraud_rc rc;

    mem = fraud_mem_or_default(mem);
    e = fraud_mem_zalloc(mem, sizeof(*e));
    if (e == NULL) {
        return FRAUD_ENOMEM;
    }
    e->mem = mem;
    e->match_limit = match_limit != 0 ? match_limit : DEFAULT_MATCH_LIMIT;
    rc = init(e, depth_limit != 0 ? depth_limit : DEFAULT_DEPTH_LIMIT);
    if (rc != FRAUD_OK) {
        fraud_pattern_env_free(e);
        return rc;
    }
    *env = e;
    return FRAUD_OK;
}

/* Make JIT code; where there is none after all PCRE2 interprets. */
static int has_jit(pcre2_code *code) {
    size_t size = 0;

    /* it also succeeds where "(*NO_JIT)" asks for none */
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    (void)pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &size);
    return size != 0;
}

fraud_rc fraud_pattern_new(fraud_pattern_t **pattern, fraud_pattern_env_t *env,
                           int nocase, fraud_str_t text, fraud_err_t *err) {
    uint32_t options = OPTIONS | (nocase ? PCRE2_CASELESS : 0);
    fraud_pattern_t *p;
    PCRE2_SIZE at;
    int code;

    p = fraud_mem_alloc(env->mem, sizeof(*p));
    if (p == NULL) {
        err->at = 0;
        snprintf(err->why, sizeof(err->why), "no memory");
        return FRAUD_ENOMEM;
    }
    p->env = env;
    p->code =
        pcre2_compile(text.data, text.len, options, &code, &at, env->compile);
    if (p->code == NULL) {
        fraud_mem_free(env->mem, p);
        err->at = at + 1;
        pcre2_get_error_message(code, (PCRE2_UCHAR *)err->why,
                                sizeof(err->why));
        return code == PCRE2_ERROR_HEAP_FAILED ? FRAUD_ENOMEM : FRAUD_EINVAL;
    }
    p->jit = has_jit(p->code);
    *pattern = p;
    return FRAUD_OK;
}

static int run_within(const fraud_pattern_t *pattern, fraud_str_t value,
                      uint32_t limit) {
    const fraud_pattern_env_t *env = pattern->env;

    pcre2_set_match_limit(env->limits, limit);
    if (pattern->jit) {
        return pcre2_jit_match(pattern->code, value.data, value.len, 0, 0,
                               env->data, env->limits);
    }
    return pcre2_match(pattern->code, value.data, value.len, 0, 0, env->data,
                       env->limits);
}

/* The most places in ${value} where PCRE2 tries to match ${code}. */
static size_t count_places(const pcre2_code *code, fraud_str_t value) {
    const uint8_t *map = NULL;
    uint32_t options = 0, type = 0, unit = '\n';
    size_t i, n = 1;

    pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
    if (options & PCRE2_ANCHORED) {
        return 1;
    }
    pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODETYPE, &type);
    pcre2_pattern_info(code, PCRE2_INFO_FIRSTBITMAP, &map);
    if (type == 0 && map == NULL) {
        return value.len + 1;
    }
    if (type == 1) {
        pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODEUNIT, &unit);
    }
    for (i = 0; i < value.len; i++) {
        /* of a letter both cases may begin a match */
        n += type != 0 ? ((value.data[i] ^ unit) & ~0x20u) == 0
                       : (map[value.data[i] / 8] >> value.data[i] % 8 & 1) != 0;
    }
    return n;
}

/* The steps allowed at each of ${places} places. */
static uint32_t share(const fraud_pattern_env_t *env, size_t places) {
    uint64_t limit = (uint64_t)env->match_limit * LIMIT_FACTOR / places;

    limit = limit < env->match_limit ? limit : env->match_limit;
    return limit != 0 ? (uint32_t)limit : 1;
}

/*
 * A value has as many places as bytes; only where this is too many to share
 * the steps among are those counted that matter.
 */
fraud_rc fraud_pattern_run(const fraud_pattern_t *pattern, fraud_str_t value) {
    const fraud_pattern_env_t *env = pattern->env;
    uint32_t least = share(env, value.len + 1), limit;
    int rc;

    rc = run_within(pattern, value, least);
    if (rc == PCRE2_ERROR_MATCHLIMIT && least < env->match_limit) {
        limit = share(env, count_places(pattern->code, value));
        if (limit > least) {
            rc = run_within(pattern, value, limit);
        }
    }
    if (rc >= 0) {
        return FRAUD_OK;
    }
    return rc == PCRE2_ERROR_NOMATCH ? FRAUD_NOTFOUND : FRAUD_ELIMIT;
}

void fraud_pattern_free(fraud_pattern_t *pattern) {
    if (pattern != NULL) {
        pcre2_code_free(pattern->code);
        fraud_mem_free(pattern->env->mem, pattern);
    }
}

void fraud_pattern_env_free(fraud_pattern_env_t *env) {
    if (env == NULL) {
        return;
    }
    pcre2_match_data_free(env->data);
    pcre2_jit_stack_free(env->stack);
    pcre2_match_context_free(env->limits);
    pcre2_compile_context_free(env->compile);
    pcre2_general_context_free(env->general);
    fraud_mem_free(env->mem, env);
}
