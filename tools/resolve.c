/* SPDX-License-Identifier: BSD-2-Clause */

#include "resolve.h"

#include "fail.h"
#include "fraud_table.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(fraud_str_t word) {
    return (const char *)word.data;
}

static int same(fraud_str_t one, fraud_str_t two) {
    return one.len == two.len && memcmp(one.data, two.data, one.len) == 0;
}

static void resolve_identities(arena_t *arena, scope_t *scope,
                               const scope_t *parent, const own_t *own) {
    size_t i, k, n = parent != NULL ? parent->nidentities : 0;

    scope->identities =
        arena_alloc(arena, (n + own->nidentities) * sizeof(identity_t *));
    for (i = 0; i < n; i++) {
        scope->identities[i] = parent->identities[i];
    }
    for (i = 0; i < own->nidentities; i++) {
        for (k = 0; k < n; k++) {
            if (scope->identities[k]->domain == own->identities[i]->domain) {
                break;
            }
        }
        scope->identities[k] = own->identities[i];
        n += k == n;
    }
    scope->nidentities = n;
    if (n > RULESET_MAX_IDENTITIES) {
        fail("%zu identities in force in one block, at most %d are possible", n,
             RULESET_MAX_IDENTITIES);
    }
}

/* Apply ${rule} to the ${*n} at ${rules}: add, replace or take away. */
static void apply(rule_t **rules, size_t *n, rule_t *rule) {
    size_t i;

    for (i = 0; i < *n && !same(rules[i]->name, rule->name); i++) {
    }
    if (!rule->rule.off) {
        rules[i] = rule;
        *n += i == *n;
        return;
    }
    if (i < *n) {
        memmove(&rules[i], &rules[i + 1], (*n - i - 1) * sizeof(rule_t *));
        --*n;
    } else if (!rule->replaces) {
        fail_in(rule->at->file, rule->at->line,
                "\"fraud_signal\": unknown signal \"%s\" cannot be switched "
                "off, declare it in an outer block or before",
                text_of(rule->name));
    }
}

static void resolve_rules(arena_t *arena, scope_t *scope, const scope_t *parent,
                          const own_t *own) {
    size_t i, n = parent != NULL ? parent->nrules : 0;
    unsigned pass;
    rule_t **all;

    all = arena_alloc(arena, (n + own->nrules) * sizeof(rule_t *));
    scope->rules = arena_alloc(arena, (n + own->nrules) * sizeof(rule_t *));
    for (i = 0; i < n; i++) {
        all[i] = parent->rules[i];
    }
    for (i = 0; i < own->nrules; i++) {
        apply(all, &n, own->rules[i]);
    }
    if (n > RULESET_MAX_RULES) {
        fail("%zu fraud signals in force in one block, at most %d are "
             "possible, use pattern files",
             n, RULESET_MAX_RULES);
    }
    /* a trusted request costs nothing more */
    for (pass = 0; pass < 2; pass++) {
        for (i = 0; i < n; i++) {
            if (all[i]->rule.trust == (pass == 0)) {
                scope->rules[scope->nrules++] = all[i];
            }
        }
    }
}

static int by_part(const void *one, const void *two) {
    const call_t *first = one, *second = two;
    unsigned a = first->rule->part, b = second->rule->part;

    if (a != b) {
        return a < b ? -1 : 1;
    }
    return first->index < second->index ? -1 : 1;
}

static void resolve_subject(arena_t *arena, scope_t *scope, subject_t *subject,
                            char *found) {
    domain_t *domain = subject->identity->domain;
    uint64_t horizon;
    rule_t *rule;
    size_t i;

    subject->calls = arena_alloc(arena, scope->nrules * sizeof(call_t));
    for (i = 0; i < scope->nrules; i++) {
        rule = scope->rules[i];
        if (rule->rule.identity.len == 0 ||
            !same(rule->rule.identity, domain->name)) {
            continue;
        }
        found[i] = 1;
        subject->calls[subject->n].rule = rule;
        subject->calls[subject->n++].index = i;
        subject->response |= rule->rule.response;
        subject->reputation |= rule->rule.type == FRAUD_RULE_REPUTATION;
        horizon = fraud_op_horizon(&rule->op);
        if (horizon > FRAUD_TABLE_MAX_TTL) {
            horizon = FRAUD_TABLE_MAX_TTL;
        }
        if (horizon > domain->ttl) {
            domain->ttl = (uint32_t)horizon;
        }
    }
    if (subject->n > 1) {
        qsort(subject->calls, subject->n, sizeof(call_t), by_part);
    }
    scope->learns |= subject->reputation;
}

static void resolve_subjects(arena_t *arena, scope_t *scope) {
    char *found;
    size_t i;

    found = arena_alloc(arena, scope->nrules);
    scope->subjects =
        arena_alloc(arena, scope->nidentities * sizeof(subject_t));
    for (i = 0; i < scope->nidentities; i++) {
        scope->subjects[i].identity = scope->identities[i];
        resolve_subject(arena, scope, &scope->subjects[i], found);
    }
    for (i = 0; i < scope->nrules; i++) {
        scope->response |= scope->rules[i]->rule.response;
        if (scope->rules[i]->rule.identity.len != 0 && !found[i]) {
            fail_in(scope->rules[i]->at->file, scope->rules[i]->at->line,
                    "\"%s\": unknown identity \"%s\", declare it with "
                    "\"fraud_identity\" in the same or an outer block",
                    text_of(scope->rules[i]->at->words[0]),
                    text_of(scope->rules[i]->rule.identity));
        }
    }
}

static void resolve_actions(arena_t *arena, scope_t *scope,
                            const scope_t *parent, const own_t *own) {
    size_t i, k, n = parent != NULL ? parent->nactions : 0;
    fraud_threshold_t *all;

    all = arena_alloc(arena, (n + own->nactions) * sizeof(*all));
    if (n != 0) {
        memcpy(all, parent->actions, n * sizeof(*all));
    }
    for (i = 0; i < own->nactions; i++) {
        for (k = n; k > 0 && all[k - 1].score > own->actions[i].score; k--) {
        }
        if (k > 0 && all[k - 1].score == own->actions[i].score) {
            all[k - 1] = own->actions[i];
            continue;
        }
        memmove(&all[k + 1], &all[k], (n - k) * sizeof(*all));
        all[k] = own->actions[i];
        n++;
    }
    scope->actions = all;
    scope->nactions = n;
}

void resolve(arena_t *arena, scope_t *scope, const scope_t *parent,
             const own_t *own) {
    resolve_identities(arena, scope, parent, own);
    resolve_rules(arena, scope, parent, own);
    resolve_subjects(arena, scope);
    resolve_actions(arena, scope, parent, own);
}
