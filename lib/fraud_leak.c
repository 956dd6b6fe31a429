/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_leak.h"

#include <string.h>

#define NO_BLOCK UINT16_MAX

/* variables that name people; a '*' ends a prefix */
static const char *const raw[] = {
    "remote_addr",
    "binary_remote_addr",
    "realip_remote_addr",
    "proxy_protocol_addr",
    "remote_user",
    "request",
    "request_uri",
    "request_body",
    "request_body_file",
    "args",
    "query_string",
    "proxy_add_x_forwarded_for",
    "ssl_client_s_dn",
    "ssl_client_s_dn_legacy",
    "ssl_client_cert",
    "ssl_client_raw_cert",
    "ssl_client_i_dn",
    "ssl_client_escaped_cert",
    "ssl_client_serial",
    "ssl_client_fingerprint",
    "ssl_session_id",
    "uid_got",
    "uid_set",
    "uri",
    "document_uri",
    "request_filename",
    "fastcgi_script_name",
    "fastcgi_path_info",
    "host",
    "ssl_server_name",
    "sent_http_*",
    "upstream_http_*",
    "upstream_cookie_*",
    "arg_*",
    "cookie_*",
    "http_*",
};

/* of these, what tells of the answer and of nobody, without its prefix */
static const char *const plain[] = {
    "cache_control",
    "connection",
    "content_encoding",
    "content_language",
    "content_length",
    "content_type",
    "date",
    "expires",
    "keep_alive",
    "server",
    "transfer_encoding",
    "vary",
};

/* of cache keys: what a file's head then has in clear */
static const char *const arguments[] = {
    "args",        "query_string", "request_uri", "request",     "arg_*",
    "http_cookie", "cookie_*",     "remote_addr", "remote_user",
};

static int is(fraud_str_t word, const char *text) {
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

static int is_one_of(fraud_str_t name, const char *const *set, size_t n) {
    size_t i, len;

    for (i = 0; i < n; i++) {
        len = strlen(set[i]);
        if (set[i][len - 1] == '*'
                ? name.len >= len && memcmp(name.data, set[i], len - 1) == 0
                : is(name, set[i])) {
            return 1;
        }
    }
    return 0;
}

/* An account that the application vouches for is a header of its own. */
static int is_plain(fraud_str_t name) {
    static const char *const prefixes[] = {"sent_http_", "upstream_http_"};
    fraud_str_t header;
    size_t i, len;

    for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        len = strlen(prefixes[i]);
        if (name.len > len && memcmp(name.data, prefixes[i], len) == 0) {
            header.data = name.data + len;
            header.len = name.len - len;
            return is_one_of(header, plain, sizeof(plain) / sizeof(plain[0]));
        }
    }
    return 0;
}

/* The first variable that ${text} shows and is in ${set}, to ${variable}. */
static int find(char *variable, const fraud_leak_t *leak, fraud_str_t text,
                const char *const *set, size_t n) {
    fraud_alias_walk_t walk;
    fraud_str_t name;

    fraud_alias_walk(&walk, leak->alias, text, 0);
    while (fraud_alias_next(&walk, &name)) {
        if (is_one_of(name, set, n) && !is_plain(name)) {
            n = name.len < FRAUD_LEAK_NAME ? name.len : FRAUD_LEAK_NAME - 1;
            memcpy(variable, name.data, n);
            variable[n] = '\0';
            return 1;
        }
    }
    return 0;
}

static int find_raw(char *variable, const fraud_leak_t *leak,
                    fraud_str_t text) {
    return find(variable, leak, text, raw, sizeof(raw) / sizeof(raw[0]));
}

void fraud_leak_init(fraud_leak_t *leak, fraud_alias_t *alias) {
    memset(leak, 0, sizeof(*leak));
    leak->alias = alias;
    leak->nblocks = 1;
    leak->depth = 1;
    leak->blocks[0].parent = NO_BLOCK;
}

void fraud_leak_open(fraud_leak_t *leak, const fraud_str_t *words, size_t n) {
    fraud_leak_block_t *block;

    if (leak->lost > 0) {
        leak->lost++;
        return;
    }
    if (leak->depth == FRAUD_LEAK_DEPTH || leak->nblocks == FRAUD_LEAK_BLOCKS) {
        leak->lost = 1;
        leak->full = 1;
        return;
    }
    block = &leak->blocks[leak->nblocks];
    block->parent = leak->stack[leak->depth - 1];

    /* there are servers of streams and of mail, too: these are not ours */

    block->serves =
        n > 0 && (is(words[0], "server") || is(words[0], "location") ||
                  is(words[0], "if") || is(words[0], "limit_except"));
    block->serves = block->serves && leak->depth > 1;
    if (n > 0 && leak->depth == 1 && !is(words[0], "http")) {
        leak->lost = 1;
        return;
    }
    leak->stack[leak->depth++] = (uint16_t)leak->nblocks++;
}

void fraud_leak_close(fraud_leak_t *leak) {
    if (leak->lost > 0) {
        leak->lost--;
    } else if (leak->depth > 1) {
        leak->depth--;
    }
}

static fraud_leak_item_t *add(fraud_leak_t *leak, fraud_leak_family_t family) {
    fraud_leak_item_t *item;

    if (leak->nitems == FRAUD_LEAK_ITEMS) {
        leak->full = 1;
        return NULL;
    }
    item = &leak->items[leak->nitems++];
    item->block = leak->stack[leak->depth - 1];
    item->family = (uint8_t)family;
    return item;
}

/* "log_format NAME [escape=...] TEXT..."; variables are not cut by words. */
static void take_format(fraud_leak_t *leak, const fraud_str_t *words,
                        size_t n) {
    fraud_leak_format_t *format;
    size_t i;

    if (n < 3) {
        return;
    }
    if (leak->nformats == FRAUD_LEAK_FORMATS) {
        leak->full = 1;
        return;
    }
    format = &leak->formats[leak->nformats++];
    format->name = words[1];
    for (i = 2; i < n && !find_raw(format->variable, leak, words[i]); i++) {
    }
}

static void take_access_log(fraud_leak_t *leak, fraud_leak_item_t *item,
                            const fraud_str_t *words, size_t n) {
    size_t i;

    if (n < 2 || is(words[1], "off")) {
        return;
    }
    if (find_raw(item->variable, leak, words[1])) {
        item->leaks = 1;
        return;
    }
    if (n == 2 || is(words[2], "combined")) {
        item->leaks = 1;
        memcpy(item->variable, "remote_addr", sizeof("remote_addr"));
        return;
    }
    for (i = 0; i < leak->nformats; i++) {
        if (leak->formats[i].name.len == words[2].len &&
            memcmp(leak->formats[i].name.data, words[2].data, words[2].len) ==
                0 &&
            leak->formats[i].variable[0] != '\0') {
            item->leaks = 1;
            memcpy(item->variable, leak->formats[i].variable,
                   sizeof(item->variable));
        }
    }
}

static void take(fraud_leak_t *leak, fraud_leak_item_t *item,
                 const fraud_str_t *words, size_t n) {
    switch (item->family) {
    case FRAUD_LEAK_ACCESS_LOG:
        take_access_log(leak, item, words, n);
        break;
    case FRAUD_LEAK_BODY_FILE:
        item->leaks = n == 2 && is(words[1], "on");
        break;
    case FRAUD_LEAK_PROXY_CACHE:
        item->leaks = n == 2 && !is(words[1], "off");
        break;
    case FRAUD_LEAK_CORE:
        item->leaks = n == 2 && !is(words[1], "0");
        break;
    default:
        item->leaks = n == 2 && find(item->variable, leak, words[1], arguments,
                                     sizeof(arguments) / sizeof(arguments[0]));
        break;
    }
}

void fraud_leak_directive(fraud_leak_t *leak, const fraud_str_t *words,
                          size_t n, size_t file, size_t line) {
    static const char *const names[FRAUD_LEAK_FAMILIES] = {
        "access_log",         "client_body_in_file_only",
        "proxy_cache_key",    "fastcgi_cache_key",
        "uwsgi_cache_key",    "scgi_cache_key",
        "worker_rlimit_core", "proxy_cache"};
    fraud_leak_item_t *item;
    size_t i;

    if (n == 0 || leak->lost > 0) {
        return;
    }
    if (is(words[0], "fraud_policy")) {
        leak->blocks[leak->stack[leak->depth - 1]].policy = 1;
    } else if (is(words[0], "log_format")) {
        take_format(leak, words, n);
    }
    for (i = 0; i < FRAUD_LEAK_FAMILIES; i++) {
        if (!is(words[0], names[i])) {
            continue;
        }
        item = add(leak, (fraud_leak_family_t)i);
        if (item != NULL) {
            item->file = (uint16_t)file;
            item->line = (uint32_t)line;
            take(leak, item, words, n);
        }
        return;
    }
}

/* Mark what of a family counts in ${block}; 0 if nothing does. */
static int mark(fraud_leak_t *leak, size_t block, size_t family) {
    size_t i;
    int found;

    for (found = 0; block != NO_BLOCK && !found;
         block = leak->blocks[block].parent) {
        for (i = 0; i < leak->nitems; i++) {
            if (leak->items[i].block == block &&
                leak->items[i].family == family) {
                found = 1;
                leak->items[i].told |= leak->items[i].leaks;
            }
        }
    }
    return found;
}

int fraud_leak_find(fraud_leak_t *leak) {
    size_t i, above, family;
    int unlogged;

    unlogged = 0;
    for (i = 1; i < leak->nblocks; i++) {
        for (above = i; above != NO_BLOCK && !leak->blocks[above].policy;
             above = leak->blocks[above].parent) {
        }
        if (above == NO_BLOCK || !leak->blocks[i].serves) {
            continue;
        }
        for (family = 0; family < FRAUD_LEAK_PROXY_CACHE; family++) {
            if (mark(leak, i, family)) {
                continue;
            }
            unlogged |= family == FRAUD_LEAK_ACCESS_LOG;
            if (family == FRAUD_LEAK_PROXY_KEY) {
                (void)mark(leak, i, FRAUD_LEAK_PROXY_CACHE);
            }
        }
    }
    return unlogged;
}
