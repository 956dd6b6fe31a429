/* SPDX-License-Identifier: BSD-2-Clause */

#include "declare.h"

#include "fail.h"
#include "fraud_str.h"
#include "fraud_table.h"
#include "source.h"

#include <string.h>

#define MAX_DELAY_MS 60000u

static const char *text_of(fraud_str_t word) {
    return (const char *)word.data;
}

static int is(fraud_str_t word, const char *text) {
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

/* "NAME=VALUE": return 1 and the value, or 0. */
static int argument(fraud_str_t word, const char *name, fraud_str_t *value) {
    size_t len = strlen(name);

    if (word.len < len || memcmp(word.data, name, len) != 0) {
        return 0;
    }
    value->data = word.data + len;
    value->len = word.len - len;
    return 1;
}

static void compile(declare_t *declare, value_t *value, fraud_str_t text,
                    const conf_node_t *at) {
    fraud_err_t err;

    if (value_compile(value, declare->names, text, &err) != FRAUD_OK) {
        fail_in(at->file, at->line, "\"%s\": %s in \"%s\"",
                text_of(at->words[0]), err.why, text_of(text));
    }
}

static int is_client(const declare_t *declare, const value_t *value) {
    return value_is(value, declare->names, "remote_addr") ||
           value_is(value, declare->names, "binary_remote_addr");
}

static domain_t *find_domain(declare_t *declare, fraud_str_t name) {
    arena_t *arena = declare->names->arena;
    domain_t *domain;
    size_t i;

    for (i = 0; i < declare->ndomains; i++) {
        domain = declare->domains[i];
        if (domain->name.len == name.len &&
            memcmp(domain->name.data, name.data, name.len) == 0) {
            return domain;
        }
    }
    domain = arena_alloc(arena, sizeof(*domain));
    domain->name = name;
    declare->domains = arena_grow(arena, declare->domains, declare->ndomains,
                                  sizeof(domain_t *));
    declare->domains[declare->ndomains++] = domain;
    return domain;
}

static identity_t *new_identity(declare_t *declare, fraud_str_t name) {
    identity_t *identity;

    identity = arena_alloc(declare->names->arena, sizeof(*identity));
    identity->name = name;
    identity->domain = find_domain(declare, name);
    identity->kind = KIND_ACCOUNT;
    identity->ipv4 = 32;
    identity->ipv6 = 64;
    return identity;
}

identity_t *declare_address(declare_t *declare) {
    identity_t *identity;

    identity =
        new_identity(declare, arena_copy(declare->names->arena, "address", 7));
    identity->kind = KIND_ADDRESS;
    identity->client = 1;
    return identity;
}

static void check_name(const conf_node_t *node) {
    if (node->n < 2 ||
        !fraud_str_is_name(text_of(node->words[1]), node->words[1].len)) {
        fail_in(node->file, node->line,
                "\"%s\": invalid name \"%s\", use 1 to 32 letters, digits and "
                "\"_\"",
                text_of(node->words[0]),
                node->n < 2 ? "" : text_of(node->words[1]));
    }
}

/* An identity "session" whose value is the cookie of that name. */
identity_t *declare_session(declare_t *declare, const conf_node_t *node) {
    static const char prefix[] = "$cookie_";
    arena_t *arena = declare->names->arena;
    size_t len = sizeof(prefix) - 1;
    identity_t *identity;
    fraud_str_t text;
    uint8_t *p;

    check_name(node);
    p = arena_alloc(arena, len + node->words[1].len + 1);
    memcpy(p, prefix, len);
    memcpy(p + len, node->words[1].data, node->words[1].len);
    text.data = p;
    text.len = len + node->words[1].len;
    identity = new_identity(declare, arena_copy(arena, "session", 7));
    identity->at = node;
    identity->kind = KIND_SESSION;
    identity->issued = 1;
    compile(declare, &identity->value, text, node);
    return identity;
}

static kind_t parse_kind(fraud_str_t text, const conf_node_t *node) {
    static const char *const kinds[] = {"address", "session", "device",
                                        "account"};
    unsigned i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (is(text, kinds[i])) {
            return (kind_t)i;
        }
    }
    fail_in(node->file, node->line,
            "\"fraud_identity\": unknown kind \"%s\", use \"address\", "
            "\"session\", \"device\" or \"account\"",
            text_of(text));
}

static unsigned parse_prefix(fraud_str_t text, unsigned max,
                             const conf_node_t *node) {
    uint64_t bits;

    if (fraud_str_uint(&bits, text_of(text), text.len, max) != FRAUD_OK ||
        bits == 0) {
        fail_in(node->file, node->line,
                "\"fraud_identity\": invalid prefix length \"%s\", use 1 to %u",
                text_of(text), max);
    }
    return (unsigned)bits;
}

/* A parameter of fraud_identity; return 1 if it is for addresses only. */
static int identity_word(identity_t *identity, fraud_str_t word, int *verified,
                         const conf_node_t *node) {
    fraud_str_t text;

    if (argument(word, "kind=", &text)) {
        identity->kind = parse_kind(text, node);
    } else if (argument(word, "ipv4=", &text)) {
        identity->ipv4 = parse_prefix(text, 32, node);
        return 1;
    } else if (argument(word, "ipv6=", &text)) {
        identity->ipv6 = parse_prefix(text, 128, node);
        return 1;
    } else if (is(word, "verified")) {
        *verified = 1;
    } else {
        fail_in(node->file, node->line,
                "\"fraud_identity\": unknown parameter \"%s\", use \"kind=\", "
                "\"ipv4=\", \"ipv6=\" or \"verified\"",
                text_of(word));
    }
    return 0;
}

static void check_reserved(const conf_node_t *node) {
    static const char *const reserved[] = {"time",    "id",     "score",
                                           "action",  "mode",   "state",
                                           "reasons", "shadow", "status"};
    size_t i;

    for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (is(node->words[1], reserved[i])) {
            fail_in(node->file, node->line,
                    "\"fraud_identity\": name \"%s\" is a key of the security "
                    "log, use another",
                    reserved[i]);
        }
    }
}

identity_t *declare_identity(declare_t *declare, const conf_node_t *node) {
    int masked = 0, verified = 0;
    identity_t *identity;
    size_t i;

    check_name(node);
    if (node->n < 3) {
        fail_in(node->file, node->line,
                "\"fraud_identity\": \"%s\" has no value",
                text_of(node->words[1]));
    }
    check_reserved(node);
    identity = new_identity(declare, node->words[1]);
    identity->at = node;
    compile(declare, &identity->value, node->words[2], node);
    for (i = 3; i < node->n; i++) {
        masked |= identity_word(identity, node->words[i], &verified, node);
    }
    if (masked && identity->kind != KIND_ADDRESS) {
        fail_in(node->file, node->line,
                "\"fraud_identity\": \"%s\" has a prefix length but is not an "
                "address, add \"kind=address\"",
                text_of(identity->name));
    }
    if (verified && identity->kind != KIND_ACCOUNT) {
        fail_in(node->file, node->line,
                "\"fraud_identity\": \"%s\" is verified but no account, use "
                "\"kind=account\"",
                text_of(identity->name));
    }
    identity->client = is_client(declare, &identity->value);
    identity->claimed = identity->kind == KIND_ACCOUNT && !verified;
    if (verified) {
        identity->needs = "what its application vouches for (verified)";
    }
    return identity;
}

/* The first gap that is long enough in the records of the identity. */
static void place(declare_t *declare, rule_t *rule) {
    domain_t *domain = find_domain(declare, rule->rule.identity);
    size_t i, len = fraud_record_slot_len(rule->op.type);

    for (i = 0; i < domain->nslots; i++) {
        if (domain->slots[i].tag == rule->op.tag) {
            rule->part = domain->slots[i].part;
            rule->offset = domain->slots[i].offset;
            return;
        }
    }
    for (i = 0; i < domain->nslots; i++) {
        if (domain->slots[i].part == rule->part &&
            rule->offset < domain->slots[i].offset + domain->slots[i].len &&
            domain->slots[i].offset < rule->offset + len) {
            rule->offset = domain->slots[i].offset + domain->slots[i].len;
            i = SIZE_MAX; /* from the first again */
        }
        if (rule->offset + len > FRAUD_TABLE_RECORD) {
            rule->part++;
            rule->offset = 0;
            i = SIZE_MAX;
        }
    }
    domain->slots = arena_grow(declare->names->arena, domain->slots,
                               domain->nslots, sizeof(*domain->slots));
    domain->slots[domain->nslots].tag = rule->op.tag;
    domain->slots[domain->nslots].part = rule->part;
    domain->slots[domain->nslots].offset = rule->offset;
    domain->slots[domain->nslots++].len = len;
}

static void make_op(declare_t *declare, rule_t *rule) {
    fraud_op_t *op = &rule->op;
    fraud_str_t name = rule->name;

    switch (rule->rule.type) {
    case FRAUD_RULE_RATE:
        op->type = FRAUD_OP_GCRA;
        op->u.gcra = rule->rule.gcra;
        break;
    case FRAUD_RULE_DISTINCT:
        op->type = FRAUD_OP_DISTINCT;
        op->u.window_us = rule->rule.window_us;
        break;
    case FRAUD_RULE_TRAVEL:
        op->type = FRAUD_OP_SWAP;
        break;
    case FRAUD_RULE_REPUTATION:
        op->type = FRAUD_OP_DECAY;
        op->u.half_life_us = rule->rule.half_life_us;
        name = rule->at->words[0];
        break;
    case FRAUD_RULE_MATCH:
    case FRAUD_RULE_LIST:
    case FRAUD_RULE_SIGNAL:
        return;
    }
    op->tag =
        fraud_op_tag(op->type, text_of(name), name.len, fraud_op_scale(op));
    place(declare, rule);
}

static void name_reputation(declare_t *declare, rule_t *rule) {
    static const char prefix[] = "reputation.";
    size_t len = sizeof(prefix) - 1;
    uint8_t *name;

    name = arena_alloc(declare->names->arena, len + rule->name.len + 1);
    memcpy(name, prefix, len);
    memcpy(name + len, rule->name.data, rule->name.len);
    rule->name.data = name;
    rule->name.len += len;
}

static void parse_rule(rule_t *rule, const conf_node_t *node) {
    const char *directive = text_of(node->words[0]);
    fraud_err_t err = {0};
    fraud_rc rc;

    rc = fraud_rule_parse(&rule->rule, node->words, node->n, &err);
    if (rc == FRAUD_OK) {
        return;
    }
    if (err.at >= node->n) {
        fail_in(node->file, node->line, "\"%s\": \"%s\" %s", directive,
                node->n > 1 ? text_of(node->words[1]) : "", err.why);
    }
    fail_in(node->file, node->line, "\"%s\": %s \"%s\", %s", directive,
            rc == FRAUD_NOTFOUND ? "unknown parameter" : "invalid",
            text_of(node->words[err.at]), err.why);
}

rule_t *declare_rule(declare_t *declare, const conf_node_t *node) {
    arena_t *arena = declare->names->arena;
    rule_t *rule;

    rule = arena_alloc(arena, sizeof(*rule));
    rule->at = node;
    parse_rule(rule, node);
    rule->name = rule->rule.name;
    if (rule->rule.off) {
        return rule;
    }
    if (rule->rule.type == FRAUD_RULE_REPUTATION) {
        name_reputation(declare, rule);
    }
    compile(declare, &rule->value, rule->rule.value, node);
    rule->client = is_client(declare, &rule->value);
    compile(declare, &rule->condition, rule->rule.condition, node);
    compile(declare, &rule->cost, rule->rule.cost, node);
    if (rule->rule.type == FRAUD_RULE_MATCH ||
        rule->rule.type == FRAUD_RULE_LIST) {
        source_attach(declare, rule);
    }
    make_op(declare, rule);
    rule->id = declare->nrules;
    declare->rules =
        arena_grow(arena, declare->rules, declare->nrules, sizeof(rule_t *));
    declare->rules[declare->nrules++] = rule;
    return rule;
}

static void parse_act(fraud_threshold_t *threshold, const conf_node_t *node) {
    fraud_str_t word = node->words[2], text;
    uint64_t ms;

    threshold->action = FRAUD_ACTION_LIMIT;
    while (threshold->action < FRAUD_ACTION_N &&
           !is(word, fraud_action_name(threshold->action))) {
        threshold->action = (fraud_action_t)(threshold->action + 1);
    }
    if (threshold->action != FRAUD_ACTION_N) {
        return;
    }
    if (!argument(word, "delay=", &text) ||
        fraud_str_time(&ms, text_of(text), text.len, MAX_DELAY_MS) !=
            FRAUD_OK ||
        ms == 0) {
        fail_in(node->file, node->line,
                "\"fraud_action\": invalid action \"%s\", use "
                "\"delay=1ms\" to \"delay=60s\", \"limit\", \"deny\" or "
                "\"drop\"",
                text_of(word));
    }
    threshold->action = FRAUD_ACTION_DELAY;
    threshold->delay_ms = (uint32_t)ms;
}

void declare_action(fraud_threshold_t *threshold, const conf_node_t *node) {
    fraud_str_t text;
    uint64_t n;

    memset(threshold, 0, sizeof(*threshold));
    if (fraud_str_uint(&n, text_of(node->words[1]), node->words[1].len,
                       FRAUD_SCORE_MAX) != FRAUD_OK ||
        n == 0) {
        fail_in(node->file, node->line,
                "\"fraud_action\": invalid score \"%s\", use 1 to 100",
                text_of(node->words[1]));
    }
    threshold->score = (uint32_t)n;
    parse_act(threshold, node);
    if (node->n == 3) {
        return;
    }
    if (!argument(node->words[3], "status=", &text) ||
        (threshold->action != FRAUD_ACTION_LIMIT &&
         threshold->action != FRAUD_ACTION_DENY) ||
        fraud_str_uint(&n, text_of(text), text.len, 599) != FRAUD_OK ||
        n < 400 || n == 444 || n == 499) {
        fail_in(node->file, node->line,
                "\"fraud_action\": invalid \"%s\", \"limit\" and \"deny\" take "
                "\"status=\" 400 to 599 but not 444 or 499",
                text_of(node->words[3]));
    }
    threshold->status = (uint32_t)n;
}

void declare_gap(rule_t *rule, const char *needs, size_t variable) {
    gap_t *gap = rule->gap;
    size_t i;

    for (i = 0; i < rule->ngaps; i++, gap++) {
        if (gap->needs == needs && gap->variable == variable) {
            gap->n++;
            return;
        }
    }
    if (i < DECLARE_MAX_GAPS) {
        gap->needs = needs;
        gap->variable = variable;
        gap->n = 1;
        rule->ngaps++;
    }
}

void declare_free(declare_t *declare) {
    source_free(declare->sources);
}
