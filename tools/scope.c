/* SPDX-License-Identifier: BSD-2-Clause */

#include "scope.h"

#include "fail.h"
#include "fraud_geo.h"
#include "locate.h"
#include "resolve.h"

#include <stdlib.h>
#include <string.h>

#define ANY (SCOPE_HTTP | SCOPE_SERVER | SCOPE_LOCATION)
#define MIN_ZONE (256u * 1024)

typedef struct {
    ruleset_t *rules;
    context_t context;
    scope_t *scope;
    own_t own;
} block_t;

typedef void read_t(block_t *block, const conf_node_t *node);

static const char *text_of(fraud_str_t word) {
    return (const char *)word.data;
}

static int same(fraud_str_t one, fraud_str_t two) {
    return one.len == two.len && memcmp(one.data, two.data, one.len) == 0;
}

/* A name that is there already: an error, unless from another file. */
static void redeclare(const conf_node_t *before, const conf_node_t *node,
                      fraud_str_t name) {
    if (strcmp(before->file, node->file) == 0) {
        fail_in(node->file, node->line,
                "\"%s\": \"%s\" is declared twice in one file, first in line "
                "%u, remove one or rename it",
                text_of(node->words[0]), text_of(name), before->line);
    }
}

static void add_identity(block_t *block, identity_t *identity) {
    const identity_t *before;
    size_t i;

    for (i = 0; i < block->own.nidentities; i++) {
        if (block->own.identities[i]->domain == identity->domain) {
            before = block->own.identities[i];
            identity->before = before;
            for (; before != NULL; before = before->before) {
                redeclare(before->at, identity->at, identity->name);
            }
            block->own.identities[i] = identity;
            return;
        }
    }
    block->own.identities =
        arena_grow(&block->rules->arena, block->own.identities,
                   block->own.nidentities, sizeof(identity_t *));
    block->own.identities[block->own.nidentities++] = identity;
}

static void read_identity(block_t *block, const conf_node_t *node) {
    add_identity(block, declare_identity(&block->rules->declare, node));
}

static void read_session(block_t *block, const conf_node_t *node) {
    add_identity(block, declare_session(&block->rules->declare, node));
}

static void read_rule(block_t *block, const conf_node_t *node) {
    const rule_t *before;
    rule_t *rule;
    size_t i;

    rule = declare_rule(&block->rules->declare, node);
    for (i = 0; i < block->own.nrules; i++) {
        if (same(block->own.rules[i]->name, rule->name)) {
            before = block->own.rules[i];
            rule->before = before;
            for (; before != NULL; before = before->before) {
                redeclare(before->at, node, rule->name);
            }
            rule->replaces = 1;
            block->own.rules[i] = rule;
            return;
        }
    }
    block->own.rules = arena_grow(&block->rules->arena, block->own.rules,
                                  block->own.nrules, sizeof(rule_t *));
    block->own.rules[block->own.nrules++] = rule;
}

static void read_action(block_t *block, const conf_node_t *node) {
    fraud_threshold_t action;
    size_t i;

    declare_action(&action, node);
    for (i = 0; i < block->own.nactions; i++) {
        if (block->own.actions[i].score == action.score) {
            fail_in(node->file, node->line,
                    "\"fraud_action\": score \"%s\" has an action in this "
                    "block already, remove one",
                    text_of(node->words[1]));
        }
    }
    block->own.actions = arena_grow(&block->rules->arena, block->own.actions,
                                    block->own.nactions, sizeof(action));
    block->own.actions[block->own.nactions++] = action;
}

static void read_mode(block_t *block, const conf_node_t *node) {
    static const char *const modes[] = {"off", "observe", "enforce"};
    unsigned i;

    if (block->scope->mode != MODE_UNSET) {
        fail_in(node->file, node->line, "\"fraud\" directive is duplicate");
    }
    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(modes[i], text_of(node->words[1])) == 0) {
            block->scope->mode = (fmode_t)(MODE_OFF + i);
            return;
        }
    }
    fail_in(node->file, node->line,
            "\"fraud\": invalid mode \"%s\", use \"off\", \"observe\" or "
            "\"enforce\"",
            text_of(node->words[1]));
}

static void read_zone(block_t *block, const conf_node_t *node) {
    static const char units[] = "kKmMgG";
    const char *unit;
    char *end = NULL;
    unsigned long n;

    n = strtoul(text_of(node->words[2]), &end, 10);
    unit = *end != '\0' ? strchr(units, *end) : NULL;
    if (unit != NULL && n < SIZE_MAX >> 30) {
        n <<= 10 * (1 + (unit - units) / 2);
        end++;
    }
    if (*end != '\0' || n < MIN_ZONE) {
        fail_in(node->file, node->line,
                "\"fraud_zone\": invalid size \"%s\", use a size such as 64m",
                text_of(node->words[2]));
    }
    block->rules->zone_size = n;
}

static void read_geo(block_t *block, const conf_node_t *node) {
    const char *path = conf_path(&block->rules->conf, node->words[1]);
    fraud_err_t err = {0};
    fraud_geo_t *geo;

    if (fraud_geo_open(&geo, NULL, path, &err) != FRAUD_OK) {
        fail_in(node->file, node->line, "\"fraud_geo\": %s: %s", path, err.why);
    }
    vars_add_geo(block->rules->vars, geo);
}

static void read_policy(block_t *block, const conf_node_t *node) {
    block->rules->policy = node;
}

/* Directives by name; without a function they change no score. */
static const struct {
    const char *name;
    unsigned contexts;
    size_t min; /* words */
    size_t max;
    read_t *read;
} known[] = {
    {"fraud", ANY, 2, 2, read_mode},
    {"fraud_zone", SCOPE_HTTP, 3, 3, read_zone},
    {"fraud_identity", ANY, 3, SIZE_MAX, read_identity},
    {"fraud_session", ANY, 2, SIZE_MAX, read_session},
    {"fraud_rate", ANY, 3, SIZE_MAX, read_rule},
    {"fraud_distinct", ANY, 3, SIZE_MAX, read_rule},
    {"fraud_match", ANY, 3, SIZE_MAX, read_rule},
    {"fraud_list", ANY, 3, SIZE_MAX, read_rule},
    {"fraud_signal", ANY, 3, SIZE_MAX, read_rule},
    {"fraud_travel", ANY, 3, SIZE_MAX, read_rule},
    {"fraud_reputation", SCOPE_HTTP, 3, SIZE_MAX, read_rule},
    {"fraud_action", ANY, 3, 4, read_action},
    {"fraud_geo", SCOPE_HTTP, 2, 2, read_geo},
    {"fraud_policy", SCOPE_HTTP | SCOPE_SERVER, 2, 2, read_policy},
    {"fraud_log", ANY, 2, SIZE_MAX, NULL},
    {"fraud_flag", ANY, 2, SIZE_MAX, NULL},
    {"fraud_keys", SCOPE_HTTP, 2, SIZE_MAX, NULL},
    {"fraud_status", SCOPE_LOCATION, 2, SIZE_MAX, NULL},
    {"fraud_control", SCOPE_LOCATION, 1, SIZE_MAX, NULL},
};

#define NKNOWN (sizeof(known) / sizeof(known[0]))

static int is_ours(const conf_node_t *node) {
    fraud_str_t name = node->words[0];

    return name.len >= 5 && memcmp(name.data, "fraud", 5) == 0 &&
           (name.len == 5 || name.data[5] == '_');
}

static void not_here(const conf_node_t *node) {
    fail_in(node->file, node->line, "\"%s\" directive is not allowed here",
            text_of(node->words[0]));
}

static void read_ours(block_t *block, const conf_node_t *node) {
    fraud_str_t name = node->words[0];
    size_t i;

    for (i = 0; i < NKNOWN && !conf_is(node, known[i].name); i++) {
    }
    if (i == NKNOWN) {
        if (name.len >= 11 && memcmp(name.data, "fraud_redis", 11) == 0) {
            return; /* where state lives changes no score */
        }
        fail_in(node->file, node->line, "unknown directive \"%s\"",
                text_of(name));
    }
    if ((known[i].contexts & (unsigned)block->context) == 0) {
        not_here(node);
    }
    if (node->block || node->n < known[i].min || node->n > known[i].max) {
        fail_in(node->file, node->line,
                "invalid number of arguments in \"%s\" directive",
                text_of(name));
    }
    if (known[i].read != NULL) {
        known[i].read(block, node);
    }
}

void scope_check(const conf_node_t *node) {
    const conf_node_t *inner;

    for (inner = node->child; inner != NULL; inner = inner->next) {
        if (is_ours(inner)) {
            not_here(inner);
        }
        scope_check(inner);
    }
}

static void read_other(block_t *block, const conf_node_t *node) {
    if (conf_is(node, "rewrite")) {
        block->rules->rewrites = 1;
    } else if (conf_is(node, "merge_slashes") && node->n == 2) {
        block->rules->merge_slashes =
            strcmp(text_of(node->words[1]), "off") != 0;
    } else if (!conf_is(node, "server") && !conf_is(node, "location")) {
        scope_check(node);
    }
}

static void add_address(block_t *block) {
    identity_t *address = declare_address(&block->rules->declare);
    size_t i;

    for (i = 0; i < block->own.nidentities; i++) {
        if (block->own.identities[i]->domain == address->domain) {
            return; /* the built-in one gives way */
        }
    }
    add_identity(block, address);
}

scope_t *scope_read(ruleset_t *rules, const conf_node_t *node,
                    const scope_t *parent, context_t context) {
    block_t block = {0};
    const conf_node_t *at;

    block.rules = rules;
    block.context = context;
    block.scope = arena_alloc(&rules->arena, sizeof(*block.scope));
    for (at = node; at != NULL; at = at->next) {
        if (is_ours(at)) {
            rules->varied |= context == SCOPE_LOCATION;
            read_ours(&block, at);
        } else {
            read_other(&block, at);
        }
    }
    if (parent == NULL) {
        add_address(&block);
    }
    if (block.scope->mode == MODE_UNSET && parent != NULL) {
        block.scope->mode = parent->mode;
    }
    resolve(&rules->arena, block.scope, parent, &block.own);
    for (at = node; at != NULL && context != SCOPE_HTTP; at = at->next) {
        if (conf_is(at, "location")) {
            locate_add(rules, block.scope, at);
        }
    }
    return block.scope;
}
