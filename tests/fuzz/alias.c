/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Any bytes as a configuration that makes variables of others, and what every
 * text of it reads then: names within the input, so many at most, and with
 * choices followed never fewer.
 */

#include "fraud_alias.h"
#include "fraud_conf.h"
#include "fuzz.h"

static const uint8_t *text;
static size_t text_len;

static void check_within(fraud_str_t str) {
    CLAIM(str.data >= text && str.len <= (size_t)(text + text_len - str.data));
}

static void check_name(fraud_str_t name) {
    size_t i;

    CLAIM(name.len > 0);
    for (i = 0; i < name.len; i++) {
        uint8_t ch = name.data[i];

        CLAIM((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
              (ch >= '0' && ch <= '9') || ch == '_');
    }
}

/* How many names ${from} reads; those of its own come first. */
static size_t walk(const fraud_alias_t *alias, fraud_str_t from, int choices) {
    static fraud_alias_walk_t at;
    size_t own = 0, n = 0;
    fraud_str_t name;

    fraud_alias_walk(&at, NULL, from, choices);
    while (fraud_alias_next(&at, &name)) {
        own++;
    }
    fraud_alias_walk(&at, alias, from, choices);
    while (fraud_alias_next(&at, &name)) {
        check_name(name);
        if (n < own) {
            CLAIM(name.data > from.data &&
                  name.data + name.len <= from.data + from.len);
        }
        CLAIM(at.n <= FRAUD_ALIAS_TEXTS);
        CLAIM(n++ < FRAUD_ALIAS_TEXTS * text_len);
    }
    CLAIM(n >= own && !fraud_alias_next(&at, &name));
    return n;
}

static void read_all(fraud_alias_t *alias) {
    fraud_conf_what_t what;
    fraud_conf_t conf;

    fraud_alias_init(alias);
    fraud_conf_init(&conf, text, text_len);
    while ((what = fraud_conf_next(&conf)) != FRAUD_CONF_END) {
        if (what == FRAUD_CONF_OPEN) {
            fraud_alias_open(alias, conf.words, conf.n);
        } else if (what == FRAUD_CONF_CLOSE) {
            fraud_alias_close(alias);
        } else {
            fraud_alias_directive(alias, conf.words, conf.n);
        }
        CLAIM(alias->n <= FRAUD_ALIAS_EDGES);
        CLAIM(alias->map == 0 || alias->first < alias->n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const own[] = {"$uri", "$host", "$remote_addr"};
    static fraud_alias_t alias;
    uint8_t *exact = copy(data, size);
    fraud_str_t all = {exact, size};
    size_t i, k;

    text = exact;
    text_len = size;
    read_all(&alias);
    for (i = 0; i < alias.n; i++) {
        fraud_str_t from = alias.edges[i].text;

        for (k = 0; k < 3; k++) {
            if (from.len == strlen(own[k]) &&
                memcmp(from.data, own[k], from.len) == 0) {
                break;
            }
        }
        if (k == 3) {
            check_within(from);
        }
        check_within(alias.edges[i].name);
        if (i < 16) {
            CLAIM(walk(&alias, from, 1) >= walk(&alias, from, 0));
        }
    }
    CLAIM(walk(&alias, all, 1) >= walk(&alias, all, 0));
    free(exact);
    return 0;
}
