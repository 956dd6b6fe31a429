/* SPDX-License-Identifier: BSD-2-Clause */

#include "ruleset.h"

#include "fail.h"
#include "locate.h"
#include "scope.h"

#include <string.h>

#define DEFAULT_ZONE (64u * 1024 * 1024)

/* The content of "http", or all of a file that has none. */
static const conf_node_t *find_http(const conf_t *conf, int *bare) {
    const conf_node_t *node;

    for (node = conf->first; node != NULL; node = node->next) {
        if (conf_is(node, "http") && node->block) {
            return node->child;
        }
    }
    *bare = 1;
    return conf->first;
}

static int has_name(const conf_node_t *server, const char *name) {
    const conf_node_t *node;
    size_t i;

    for (node = server->child; node != NULL; node = node->next) {
        for (i = 1; conf_is(node, "server_name") && i < node->n; i++) {
            if (strcmp((const char *)node->words[i].data, name) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

static void choose_server(ruleset_t *rules, const conf_node_t *http,
                          const char *name) {
    const conf_node_t *node;

    for (node = http; node != NULL; node = node->next) {
        if (!conf_is(node, "server") || !node->block) {
            continue;
        }
        rules->nservers++;
        if (rules->server_at == NULL &&
            (name == NULL || has_name(node, name))) {
            rules->server_at = node;
        }
    }
    if (name != NULL && rules->server_at == NULL) {
        fail("no server with the server_name \"%s\"", name);
    }
}

/* The first name of the server, as $server_name is. */
static fraud_str_t first_name(const conf_node_t *server) {
    const conf_node_t *node = server != NULL ? server->child : NULL;
    fraud_str_t name = {(const uint8_t *)"", 0};

    for (; node != NULL; node = node->next) {
        if (conf_is(node, "server_name") && node->n > 1) {
            return node->words[1];
        }
    }
    return name;
}

static void read_maps(ruleset_t *rules, const conf_node_t *http) {
    const conf_node_t *node;

    for (node = http; node != NULL; node = node->next) {
        if (conf_is(node, "map") && node->block) {
            vars_add_map(rules->vars, map_new(node, &rules->names));
        }
    }
}

static int has_mode(const conf_node_t *node) {
    for (; node != NULL; node = node->next) {
        if (conf_is(node, "fraud")) {
            return 1;
        }
    }
    return 0;
}

void ruleset_load(ruleset_t *rules, const char *path, const char *server) {
    const conf_node_t *http;
    scope_t *outer;
    int bare = 0;

    memset(rules, 0, sizeof(*rules));
    rules->names.arena = &rules->arena;
    rules->declare.conf = &rules->conf;
    rules->declare.names = &rules->names;
    rules->zone_size = DEFAULT_ZONE;
    rules->merge_slashes = 1;
    conf_read(&rules->conf, &rules->arena, path);
    http = find_http(&rules->conf, &bare);
    choose_server(rules, http, server);
    rules->vars = vars_new(&rules->names, first_name(rules->server_at));
    read_maps(rules, http);
    outer = scope_read(rules, http, NULL, SCOPE_HTTP);
    if (bare && !has_mode(http)) {
        outer->mode = MODE_OBSERVE;
    }
    rules->server =
        rules->server_at != NULL
            ? scope_read(rules, rules->server_at->child, outer, SCOPE_SERVER)
            : outer;
}

void ruleset_free(ruleset_t *rules) {
    if (rules->server != NULL) {
        locate_free(rules->server);
    }
    vars_free(rules->vars);
    declare_free(&rules->declare);
    arena_free(&rules->arena);
}
