/* SPDX-License-Identifier: BSD-2-Clause */

#include "site.h"

#include "fail.h"
#include "fraud_str.h"
#include "option.h"

#include <string.h>

#define DEFAULT_EPOCH 86400u

/* What is in force in a block. */
typedef struct {
    const fraud_policy_t *policy;
    const conf_node_t *log; /* "fraud_log", inherited too */
} place_t;

static const char *word(const conf_node_t *node, size_t i) {
    return i < node->n ? (const char *)node->words[i].data : "";
}

const fraud_policy_t *site_policy(site_t *site, const char *path) {
    fraud_policy_t *policy;
    fraud_str_t text;
    fraud_err_t err;
    size_t i;

    for (i = 0; i < site->npolicies; i++) {
        if (strcmp(site->policies[i].path, path) == 0) {
            return site->policies[i].policy;
        }
    }
    text = conf_load(site->arena, path, NULL);
    policy = arena_alloc(site->arena, sizeof(*policy));
    if (fraud_policy_parse(policy, (const char *)text.data, text.len, &err) !=
        FRAUD_OK) {
        fail_in(path, (unsigned)err.line, "%s", err.why);
    }
    site->policies = arena_grow(site->arena, site->policies, site->npolicies,
                                sizeof(*site->policies));
    site->policies[site->npolicies].path = path;
    site->policies[site->npolicies++].policy = policy;
    return policy;
}

/* nginx's own logs are below its prefix, not beside its configuration. */
static const char *log_path(site_t *site, const conf_node_t *node) {
    const char *name = word(node, 1), *prefix = site->prefix;
    size_t len;
    char *path;

    if (name[0] == '/') {
        return name;
    }
    if (prefix == NULL) {
        fail_in(node->file, node->line,
                "\"%s\": \"%s\" is a relative path, give nginx's prefix by -p",
                word(node, 0), name);
    }
    len = strlen(prefix);
    path = arena_alloc(site->arena, len + strlen(name) + 2);
    memcpy(path, prefix, len);
    if (len == 0 || path[len - 1] != '/') {
        path[len++] = '/';
    }
    memcpy(path + len, name, strlen(name));
    return path;
}

static int has_word(const conf_node_t *node, const char *what, size_t len) {
    size_t i;

    for (i = 2; i < node->n; i++) {
        if (strncmp(word(node, i), what, len) == 0) {
            return 1;
        }
    }
    return 0;
}

static void add_log(site_t *site, const conf_node_t *node,
                    const fraud_policy_t *policy) {
    int security = conf_is(node, "fraud_log");
    site_log_t log = {NULL, NULL, 0, 0};
    size_t i;

    log.path = log_path(site, node);
    log.policy = security ? policy : NULL;
    log.hourly = security && (policy != NULL || has_word(node, "hourly", 7));
    log.buffered = has_word(node, "buffer=", 7);
    for (i = 0; i < site->nlogs; i++) {
        if (strcmp(site->logs[i].path, log.path) == 0 &&
            site->logs[i].policy == log.policy) {
            site->logs[i].hourly |= log.hourly;
            site->logs[i].buffered |= log.buffered;
            return;
        }
    }
    site->logs =
        arena_grow(site->arena, site->logs, site->nlogs, sizeof(*site->logs));
    site->logs[site->nlogs++] = log;
}

/* Logs of nginx that go to a file of one name. */
static int is_file(const conf_node_t *node) {
    const char *name = word(node, 1);

    return node->n > 1 && strcmp(name, "off") != 0 &&
           strcmp(name, "stderr") != 0 && strcmp(name, "/dev/null") != 0 &&
           strncmp(name, "syslog:", 7) != 0 &&
           strncmp(name, "memory:", 7) != 0 && strchr(name, '$') == NULL;
}

static void add_identity(site_t *site, const char *name, site_kind_t kind,
                         const conf_node_t *node) {
    site_identity_t *identity;
    uint64_t bits;
    size_t i;

    site->identities = arena_grow(site->arena, site->identities,
                                  site->nidentities, sizeof(*identity));
    identity = &site->identities[site->nidentities++];
    identity->name.data = (const uint8_t *)name;
    identity->name.len = strlen(name);
    identity->kind = kind;
    identity->ipv4 = 32;
    identity->ipv6 = 64;
    for (i = 3; node != NULL && i < node->n; i++) {
        const char *text = word(node, i);

        if (strncmp(text, "ipv4=", 5) == 0 &&
            fraud_str_uint(&bits, text + 5, strlen(text) - 5, 32) == FRAUD_OK) {
            identity->ipv4 = (unsigned)bits;
        } else if (strncmp(text, "ipv6=", 5) == 0 &&
                   fraud_str_uint(&bits, text + 5, strlen(text) - 5, 128) ==
                       FRAUD_OK) {
            identity->ipv6 = (unsigned)bits;
        }
    }
}

static void take_identity(site_t *site, const conf_node_t *node) {
    static const char *const kinds[] = {"kind=address", "kind=session",
                                        "kind=device"};
    site_kind_t kind = SITE_ACCOUNT;
    size_t i, k;

    for (i = 3; i < node->n; i++) {
        for (k = 0; k < 3; k++) {
            if (strcmp(word(node, i), kinds[k]) == 0) {
                kind = (site_kind_t)k;
            }
        }
    }
    add_identity(site, word(node, 1), kind, node);
}

static void take_redis(site_t *site, const conf_node_t *node) {
    size_t i;

    for (i = 1; i < node->n; i++) {
        site->redis = arena_grow(site->arena, site->redis, site->nredis,
                                 sizeof(*site->redis));
        site->redis[site->nredis++] = word(node, i);
    }
}

static void take_redis_more(site_t *site, const conf_node_t *node) {
    if (node->n < 2) {
        return;
    }
    if (conf_is(node, "fraud_redis_sentinel")) {
        site->redis_sentinel = word(node, 1);
    } else if (conf_is(node, "fraud_redis_cluster")) {
        site->redis_cluster = strcmp(word(node, 1), "on") == 0;
    } else if (conf_is(node, "fraud_redis_database")) {
        site->redis_database = word(node, 1);
    } else if (conf_is(node, "fraud_redis_password_file")) {
        site->redis_password_file = conf_path(&site->conf, node->words[1]);
    } else if (conf_is(node, "fraud_redis_ssl_ca")) {
        site->redis_ca = conf_path(&site->conf, node->words[1]);
    } else if (conf_is(node, "fraud_redis_ssl_certificate")) {
        site->redis_certificate = conf_path(&site->conf, node->words[1]);
    } else if (conf_is(node, "fraud_redis_ssl_certificate_key")) {
        site->redis_certificate_key = conf_path(&site->conf, node->words[1]);
    } else if (conf_is(node, "fraud_redis_ssl_name")) {
        site->redis_name = word(node, 1);
    } else if (conf_is(node, "fraud_redis_ssl_verify")) {
        site->redis_unverified = strcmp(word(node, 1), "off") == 0;
    }
}

static void take_keys(site_t *site, const conf_node_t *node) {
    if (strcmp(word(node, 1), "memory") != 0) {
        site->keys_dir = conf_path(&site->conf, node->words[1]);
    }
    if (strncmp(word(node, 2), "epoch=", 6) == 0) {
        site->epoch = option_time("epoch", word(node, 2) + 6);
    }
}

static void take_control(site_t *site, const conf_node_t *node) {
    static const char head[] = "tombstones=";
    size_t i;

    for (i = 1; i < node->n; i++) {
        if (strncmp(word(node, i), head, sizeof(head) - 1) == 0) {
            fraud_str_t dir = node->words[i];

            dir.data += sizeof(head) - 1;
            dir.len -= sizeof(head) - 1;
            site->tombstones =
                arena_grow(site->arena, site->tombstones, site->ntombstones,
                           sizeof(*site->tombstones));
            site->tombstones[site->ntombstones++] = conf_path(&site->conf, dir);
        }
    }
}

static void take(site_t *site, const conf_node_t *node) {
    if (conf_is(node, "fraud_identity") && node->n > 2) {
        take_identity(site, node);
    } else if (conf_is(node, "fraud_session")) {
        add_identity(site, "session", SITE_SESSION, NULL);
    } else if (conf_is(node, "fraud_redis")) {
        take_redis(site, node);
    } else if (conf_is(node, "fraud_objections") && node->n > 1) {
        site->objections = conf_path(&site->conf, node->words[1]);
    } else if (conf_is(node, "fraud_control")) {
        take_control(site, node);
    } else if (conf_is(node, "fraud_keys") && node->n > 1) {
        take_keys(site, node);
    } else if (conf_is(node, "pid") && node->n == 2) {
        site->pid = log_path(site, node);
    } else if ((conf_is(node, "access_log") || conf_is(node, "error_log")) &&
               is_file(node)) {
        add_log(site, node, NULL);
    }
}

/* A policy may stand below what it is in force for. */
static void walk(site_t *site, const conf_node_t *first, place_t place) {
    const conf_node_t *node;
    int own = 0;

    for (node = first; node != NULL; node = node->next) {
        if (conf_is(node, "fraud_policy") && node->n > 1) {
            place.policy =
                site_policy(site, conf_path(&site->conf, node->words[1]));
            own = 1;
        }
    }
    for (node = first; node != NULL; node = node->next) {
        if (conf_is(node, "fraud_log") && is_file(node)) {
            place.log = node;
            own = 1;
        }
    }
    if (own && place.log != NULL) {
        add_log(site, place.log, place.policy);
    }
    for (node = first; node != NULL; node = node->next) {
        take(site, node);
        take_redis_more(site, node);
        walk(site, node->child, place);
    }
}

void site_read(site_t *site, arena_t *arena, const char *conf,
               const char *prefix) {
    static const place_t nowhere = {NULL, NULL};

    memset(site, 0, sizeof(*site));
    site->arena = arena;
    site->prefix = prefix;
    site->epoch = DEFAULT_EPOCH;
    add_identity(site, "address", SITE_ADDRESS, NULL);
    conf_read(&site->conf, arena, conf);
    walk(site, site->conf.first, nowhere);
}

int site_buffers(const site_t *site) {
    size_t i;

    for (i = 0; i < site->nlogs; i++) {
        if (site->logs[i].buffered) {
            return 1;
        }
    }
    return 0;
}

int site_finishes(const site_t *site) {
    size_t i;

    for (i = 0; i < site->npolicies; i++) {
        if (site->policies[i].policy->settings.inflight ==
            FRAUD_INFLIGHT_FINISH) {
            return 1;
        }
    }
    return 0;
}
