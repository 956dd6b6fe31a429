/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_conf.h"

#include <string.h>

void fraud_conf_init(fraud_conf_t *conf, const void *data, size_t len) {
    memset(conf, 0, sizeof(*conf));
    conf->p = data;
    conf->end = conf->p + len;
    conf->line = 1;
}

static int is_space(uint8_t ch) {
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static void step(fraud_conf_t *conf) {
    conf->line += *conf->p == '\n';
    conf->p++;
}

/* Over blanks and comments. */
static void skip(fraud_conf_t *conf) {
    while (conf->p < conf->end) {
        if (*conf->p == '#') {
            while (conf->p < conf->end && *conf->p != '\n') {
                step(conf);
            }
        } else if (is_space(*conf->p)) {
            step(conf);
        } else {
            return;
        }
    }
}

/* A word in quotes ends at the quote, another at what ends any word. */
static void read_word(fraud_conf_t *conf) {
    fraud_str_t word;
    uint8_t quote;

    quote = *conf->p == '"' || *conf->p == '\'' ? *conf->p : 0;
    if (quote != 0) {
        conf->p++;
    }
    word.data = conf->p;
    while (conf->p < conf->end) {
        if (quote != 0 ? *conf->p == quote
                       : is_space(*conf->p) || *conf->p == ';' ||
                             (*conf->p == '{' && conf->p > word.data &&
                              conf->p[-1] != '$')) {
            break;
        }
        if (*conf->p == '\\' && conf->end - conf->p > 1) {
            step(conf);
        }
        step(conf);
    }
    word.len = (size_t)(conf->p - word.data);
    if (quote != 0 && conf->p < conf->end) {
        conf->p++;
    }
    if (conf->n < FRAUD_CONF_WORDS) {
        conf->words[conf->n++] = word;
    }
}

static int is_foreign(const fraud_conf_t *conf) {
    static const char lua[] = "_by_lua_block";
    const size_t n = sizeof(lua) - 1;
    size_t i;

    for (i = 0; i < conf->n; i++) {
        if (conf->words[i].len >= n &&
            memcmp(conf->words[i].data + conf->words[i].len - n, lua, n) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Over a block of another language, to its last brace. */
static void skip_foreign(fraud_conf_t *conf) {
    size_t depth;

    for (depth = 1; conf->p < conf->end && depth > 0; step(conf)) {
        depth += *conf->p == '{';
        depth -= *conf->p == '}';
    }
}

fraud_conf_what_t fraud_conf_next(fraud_conf_t *conf) {
    conf->n = 0;
    for (;;) {
        skip(conf);
        if (conf->n == 0) {
            conf->first = conf->line;
        }
        if (conf->p == conf->end) {
            return FRAUD_CONF_END;
        }
        switch (*conf->p) {
        case ';':
            conf->p++;
            return FRAUD_CONF_DIRECTIVE;
        case '{':
            conf->p++;
            if (!is_foreign(conf)) {
                return FRAUD_CONF_OPEN;
            }
            skip_foreign(conf);
            return FRAUD_CONF_DIRECTIVE;
        case '}':
            conf->p++;
            return FRAUD_CONF_CLOSE;
        default:
            read_word(conf);
        }
    }
}
