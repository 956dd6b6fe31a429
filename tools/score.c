/* SPDX-License-Identifier: BSD-2-Clause */

#include "score.h"

#include "fraud_event.h"
#include "fraud_score.h"
#include "locate.h"
#include "subject.h"

#include <stdio.h>
#include <string.h>

void score_init(score_t *score, ruleset_t *rules, state_t *state) {
    memset(score, 0, sizeof(*score));
    score->rules = rules;
    score->state = state;
    score->vars = rules->vars;
    subject_init(score);
}

static int list_fires(score_t *score, rule_t *rule) {
    const entry_t *entry = score->entry;
    fraud_str_t text;
    fraud_ip_t ip;

    if (rule->client && rule->list != NULL) {
        return entry->has_ip && fraud_list_find(rule->list, &entry->ip, NULL);
    }
    if (!subject_value(score, rule, &rule->value, &text)) {
        return 0;
    }
    if (rule->list == NULL) {
        return text.len != 0 &&
               fraud_strset_find(rule->strings, text.data, text.len);
    }
    return fraud_ip_parse(&ip, (const char *)text.data, text.len) == FRAUD_OK &&
           fraud_list_find(rule->list, &ip, NULL);
}

/* A rule that has no subject. */
static int fires(score_t *score, rule_t *rule) {
    fraud_str_t text;

    rule->asked++;
    switch (rule->rule.type) {
    case FRAUD_RULE_LIST:
        return list_fires(score, rule);
    case FRAUD_RULE_MATCH:
        return subject_value(score, rule, &rule->value, &text) &&
               fraud_match_any(rule->match, text.data, text.len) == FRAUD_OK;
    case FRAUD_RULE_SIGNAL:
        return subject_condition(score, rule);
    case FRAUD_RULE_RATE:
    case FRAUD_RULE_DISTINCT:
    case FRAUD_RULE_TRAVEL:
    case FRAUD_RULE_REPUTATION:
        break;
    }
    return 0;
}

static int is_local(const rule_t *rule) {
    return rule->rule.identity.len == 0;
}

static void evaluate(score_t *score) {
    const scope_t *scope = score->scope;
    rule_t *rule;
    size_t i;

    for (i = 0; i < scope->nrules; i++) {
        rule = scope->rules[i];
        if (!is_local(rule) || rule->rule.response || !fires(score, rule)) {
            continue;
        }
        score->fired[i] = (uint8_t)(1 + rule->rule.points);
        if (rule->rule.trust) {
            score->trusted = 1;
            return;
        }
    }
    for (i = 0; i < scope->nidentities; i++) {
        subject_request(score, i);
    }
}

static void decide(score_t *score) {
    const fraud_threshold_t *threshold;
    const scope_t *scope = score->scope;
    unsigned sum = 0;
    size_t i;

    for (i = 0; i < scope->nrules; i++) {
        if (score->fired[i] != 0 && !scope->rules[i]->rule.shadow) {
            sum += score->fired[i] - 1u;
        }
    }
    score->score = sum < FRAUD_SCORE_MAX ? sum : FRAUD_SCORE_MAX;
    score->action = FRAUD_ACTION_ALLOW;
    threshold =
        fraud_score_threshold(scope->actions, scope->nactions, score->score);
    if (threshold != NULL) {
        score->action = threshold->action;
    }
    score->refused =
        scope->mode == MODE_ENFORCE && score->action > FRAUD_ACTION_DELAY;
}

static void give(score_t *score) {
    const char *name = fraud_action_name(score->action);
    fraud_str_t text;

    text.data = (const uint8_t *)name;
    text.len = strlen(name);
    vars_give(score->vars, GIVEN_ACTION, text);
    text.len =
        (size_t)snprintf(score->text, sizeof(score->text), "%u", score->score);
    text.data = (const uint8_t *)score->text;
    vars_give(score->vars, GIVEN_SCORE, text);
}

/* What the response shows and what was earned, for later requests. */
static void learn(score_t *score) {
    const scope_t *scope = score->scope;
    unsigned earned = 0;
    rule_t *rule;
    size_t i;

    if (!scope->response && !(scope->learns && score->score != 0)) {
        return;
    }
    for (i = 0; i < scope->nrules; i++) {
        rule = scope->rules[i];
        if (rule->rule.response && is_local(rule)) {
            if (!score->refused && fires(score, rule) && !rule->rule.shadow) {
                earned += rule->rule.points;
            }
        } else if (score->fired[i] != 0 && !rule->rule.shadow &&
                   rule->rule.type != FRAUD_RULE_REPUTATION) {
            earned += score->fired[i] - 1u;
        }
    }
    if (earned > FRAUD_SCORE_MAX) {
        earned = FRAUD_SCORE_MAX;
    }
    for (i = 0; i < scope->nidentities; i++) {
        subject_response(score, i, earned);
    }
}

int score_entry(score_t *score, const entry_t *entry) {
    const scope_t *scope;

    scope = locate_find(score->rules->server, entry->field[ENTRY_URI]);
    if (scope->mode == MODE_OFF || scope->mode == MODE_UNSET) {
        return 0;
    }
    score->entry = entry;
    score->scope = scope;
    score->trusted = 0;
    memset(score->fired, 0, scope->nrules);
    vars_begin(score->vars, entry);
    vars_give(score->vars, GIVEN_MODE,
              scope->mode == MODE_ENFORCE ? FRAUD_STR("enforce")
                                          : FRAUD_STR("observe"));
    subject_identify(score);
    evaluate(score);
    decide(score);
    give(score);
    if (!score->trusted) {
        vars_respond(score->vars);
        learn(score);
    }
    return 1;
}
