/* SPDX-License-Identifier: BSD-2-Clause */

#include "subject.h"

#include "fraud_event.h"
#include "fraud_str.h"
#include "fraud_travel.h"

#include <string.h>

/* A claimed account and an address: twice within ten minutes. */
#define TOGETHER_HALF_LIFE_US (UINT64_C(600) * 1000000)
#define TOGETHER_CHARGE 1000u
#define TOGETHER_COUNTS 2500u

struct asked_s {
    const call_t *call;
    fraud_op_call_t op;
    uint8_t place[FRAUD_TRAVEL_LEN];
    fraud_swap_t before;
};

void subject_init(score_t *score) {
    static const char name[] = "together";

    score->asked =
        arena_alloc(&score->rules->arena, RULESET_MAX_RULES * sizeof(asked_t));
    score->together.type = FRAUD_OP_DECAY;
    score->together.u.half_life_us = TOGETHER_HALF_LIFE_US;
    score->together.tag = fraud_op_tag(FRAUD_OP_DECAY, name, sizeof(name) - 1,
                                       fraud_op_scale(&score->together));
}

int subject_value(score_t *score, rule_t *rule, const value_t *value,
                  fraud_str_t *text) {
    if (vars_value(score->vars, value, text) == FRAUD_OK) {
        return 1;
    }
    declare_gap(rule, NULL, vars_missing(score->vars));
    return 0;
}

int subject_condition(score_t *score, rule_t *rule) {
    fraud_str_t text;

    if (rule->rule.condition.len == 0) {
        return 1;
    }
    return subject_value(score, rule, &rule->condition, &text) &&
           text.len != 0 && (text.len != 1 || text.data[0] != '0');
}

/* The actor of an address; 0 if its variable is unknown. */
static int identify_address(score_t *score, actor_t *actor) {
    const identity_t *identity = actor->identity;
    const entry_t *entry = score->entry;
    fraud_str_t text;

    if (identity->client) {
        actor->present = entry->has_ip;
        actor->ip = entry->ip;
        if (entry->field[ENTRY_REMOTE_ADDR].data == NULL) {
            return 0;
        }
    } else if (vars_value(score->vars, &identity->value, &text) == FRAUD_OK) {
        actor->present = fraud_ip_parse(&actor->ip, (const char *)text.data,
                                        text.len) == FRAUD_OK;
    } else {
        return 0;
    }
    if (actor->present) {
        fraud_ip_mask(&actor->ip, identity->ipv4, identity->ipv6);
        actor->bytes.data = actor->ip.bytes;
        actor->bytes.len = fraud_ip_len(&actor->ip);
    }
    return 1;
}

/* No cookie of ours has another form. */
static int is_issued(fraud_str_t text) {
    fraud_pid_t pid;

    return fraud_pid_decode(&pid, (const char *)text.data, text.len) ==
           FRAUD_OK;
}

static int identify(score_t *score, actor_t *actor) {
    if (actor->identity->needs != NULL) {
        return 0;
    }
    if (actor->identity->kind == KIND_ADDRESS) {
        return identify_address(score, actor);
    }
    if (vars_value(score->vars, &actor->identity->value, &actor->bytes) !=
        FRAUD_OK) {
        return 0;
    }
    actor->present = actor->bytes.len != 0 &&
                     (!actor->identity->issued || is_issued(actor->bytes));
    return 1;
}

static void note_gap(score_t *score, const subject_t *subject) {
    size_t variable = vars_missing(score->vars), i;
    const identity_t *identity = subject->identity;
    const char *needs = identity->needs;

    if (needs == NULL && identity->client) {
        needs = "$remote_addr";
    }
    for (i = 0; i < subject->n; i++) {
        subject->calls[i].rule->asked++;
        declare_gap(subject->calls[i].rule, needs,
                    needs == NULL ? variable : 0);
    }
}

void subject_identify(score_t *score) {
    const scope_t *scope = score->scope;
    actor_t *actor;
    size_t i;

    for (i = 0; i < scope->nidentities; i++) {
        actor = &score->actor[i];
        actor->identity = scope->identities[i];
        actor->present = 0;
        if (!identify(score, actor)) {
            note_gap(score, &scope->subjects[i]);
        }
        if (actor->present) {
            state_pid(score->state, &actor->pid, actor->identity->name,
                      actor->bytes);
        }
    }
}

static uint64_t get_cost(const rule_t *rule, fraud_str_t text) {
    uint64_t cost;

    if (rule->rule.cost.len == 0 ||
        fraud_str_uint(&cost, (const char *)text.data, text.len, UINT32_MAX) !=
            FRAUD_OK) {
        /* what is no number costs as much as any request */
        return 1;
    }
    return cost;
}

static int ask_rate(score_t *score, rule_t *rule, fraud_op_call_t *op) {
    fraud_str_t text = {NULL, 0};

    if (rule->rule.cost.len != 0 &&
        !subject_value(score, rule, &rule->cost, &text)) {
        return 0;
    }
    op->arg = get_cost(rule, text);
    return 1;
}

/* Addresses that are one host to us are one value. */
static int ask_distinct(score_t *score, rule_t *rule, fraud_op_call_t *op) {
    fraud_str_t text;
    fraud_pid_t hash;
    fraud_ip_t ip;

    if (!subject_value(score, rule, &rule->value, &text) || text.len == 0) {
        return 0;
    }
    if (rule->client) {
        if (!score->entry->has_ip) {
            return 0;
        }
        ip = score->entry->ip;
    }
    if (rule->client ||
        fraud_ip_parse(&ip, (const char *)text.data, text.len) == FRAUD_OK) {
        fraud_ip_mask(&ip, 32, 64);
        text.data = ip.bytes;
        text.len = fraud_ip_len(&ip);
    }
    state_pid(score->state, &hash, FRAUD_STR("of"), text);
    memcpy(&op->arg, hash.bytes, sizeof(op->arg));
    return 1;
}

static int ask_travel(score_t *score, rule_t *rule, asked_t *asked) {
    const fraud_geo_record_t *place = vars_place(score->vars);

    if (place == NULL) {
        declare_gap(rule, "a database of \"fraud_geo\"", 0);
        return 0;
    }
    if (!place->has_location) {
        return 0;
    }
    fraud_travel_pack(asked->place, place);
    asked->op.bytes = asked->place;
    asked->op.len = sizeof(asked->place);
    asked->op.before = &asked->before;
    return 1;
}

/* What a rule asks in the phase that it belongs to. */
static int ask(score_t *score, rule_t *rule, asked_t *asked) {
    asked->op.charge = 1;
    rule->asked++;
    if (!subject_condition(score, rule)) {
        return 0;
    }
    switch (rule->rule.type) {
    case FRAUD_RULE_RATE:
        return ask_rate(score, rule, &asked->op);
    case FRAUD_RULE_DISTINCT:
        return ask_distinct(score, rule, &asked->op);
    case FRAUD_RULE_TRAVEL:
        return ask_travel(score, rule, asked);
    case FRAUD_RULE_MATCH:
    case FRAUD_RULE_LIST:
    case FRAUD_RULE_SIGNAL:
    case FRAUD_RULE_REPUTATION:
        break;
    }
    return 0;
}

static int ask_request(score_t *score, rule_t *rule, asked_t *asked) {
    if (rule->rule.type == FRAUD_RULE_REPUTATION) {
        rule->asked++;
        return 1;
    }
    if (rule->rule.response) {
        /* what is not known yet may cost one: would that be over? */
        asked->op.arg = 1;
        return 1;
    }
    return ask(score, rule, asked);
}

static int ask_response(score_t *score, rule_t *rule, asked_t *asked,
                        unsigned earned) {
    if (rule->rule.type == FRAUD_RULE_REPUTATION) {
        asked->op.charge = 1;
        asked->op.arg = (uint64_t)earned * 1000;
        return earned != 0;
    }
    return rule->rule.response && !score->refused && ask(score, rule, asked);
}

/*
 * Whoever guesses at a name must not lock its owner out: what was charged to
 * the name counts for an address that took part in that lately.
 */
static int took_part(score_t *score, const actor_t *actor, int charge) {
    fraud_op_call_t op = {0};
    const entry_t *entry = score->entry;
    fraud_str_t pair;
    fraud_pid_t pid;
    fraud_ip_t ip = entry->ip;
    uint8_t bytes[FRAUD_PID_LEN + 16];
    uint8_t *record;

    if (!entry->has_ip) {
        return 0;
    }
    fraud_ip_mask(&ip, 32, 64);
    memcpy(bytes, actor->pid.bytes, FRAUD_PID_LEN);
    memcpy(bytes + FRAUD_PID_LEN, ip.bytes, fraud_ip_len(&ip));
    pair.data = bytes;
    pair.len = FRAUD_PID_LEN + fraud_ip_len(&ip);
    state_pid(score->state, &pid, FRAUD_STR("together"), pair);
    op.charge = charge;
    op.arg = TOGETHER_CHARGE;
    record = state_hold(score->state, &pid, 0, entry->time_us,
                        (uint32_t)fraud_op_horizon(&score->together), charge);
    if (record == NULL) {
        return 0;
    }
    (void)fraud_record_call(record, &score->together, &op, entry->time_us);
    state_release(score->state);
    return op.value >= TOGETHER_COUNTS;
}

static void carry_out(score_t *score, const actor_t *actor, asked_t *asked) {
    const rule_t *rule = asked->call->rule;
    uint8_t *record;

    record =
        state_hold(score->state, &actor->pid, rule->part, score->entry->time_us,
                   actor->identity->domain->ttl, asked->op.charge);
    if (record == NULL) {
        asked->op.charge = 0;
    }
    (void)fraud_record_call(record != NULL ? record + rule->offset : NULL,
                            &rule->op, &asked->op, score->entry->time_us);
    if (record != NULL) {
        state_release(score->state);
    }
}

static int travelled(const rule_t *rule, const asked_t *asked) {
    fraud_place_t from, to;

    return fraud_travel_unpack(&from, asked->before.bytes, asked->before.len) ==
               FRAUD_OK &&
           fraud_travel_unpack(&to, asked->place, sizeof(asked->place)) ==
               FRAUD_OK &&
           fraud_travel_impossible(&from, &to, asked->op.value,
                                   rule->rule.speed, rule->rule.distance);
}

/* The points of what was answered, plus one; 0 if it does not fire. */
static uint8_t answer(const asked_t *asked) {
    const fraud_rule_t *rule = &asked->call->rule->rule;
    uint64_t points;
    int over = 0;

    switch (rule->type) {
    case FRAUD_RULE_REPUTATION:
        points = asked->op.value * rule->weight / 1000000;
        points = points < rule->points ? points : rule->points;
        return points != 0 ? (uint8_t)(1 + points) : 0;
    case FRAUD_RULE_RATE:
        over = asked->op.over;
        break;
    case FRAUD_RULE_DISTINCT:
        over = asked->op.value > rule->max;
        break;
    case FRAUD_RULE_TRAVEL:
        over = travelled(asked->call->rule, asked);
        break;
    case FRAUD_RULE_MATCH:
    case FRAUD_RULE_LIST:
    case FRAUD_RULE_SIGNAL:
        break;
    }
    return over ? (uint8_t)(1 + rule->points) : 0;
}

static void run(score_t *score, size_t i, int response, unsigned earned) {
    const subject_t *subject = &score->scope->subjects[i];
    const actor_t *actor = &score->actor[i];
    int charge = 0;
    asked_t *asked;
    size_t k, n = 0;

    if (!actor->present) {
        return;
    }
    for (k = 0; k < subject->n; k++) {
        asked = &score->asked[n];
        memset(asked, 0, sizeof(*asked));
        asked->call = &subject->calls[k];
        if (response ? ask_response(score, asked->call->rule, asked, earned)
                     : ask_request(score, asked->call->rule, asked)) {
            charge |= response && asked->op.charge &&
                      asked->call->rule->rule.type != FRAUD_RULE_REPUTATION;
            n++;
        }
    }
    for (k = 0; k < n; k++) {
        asked = &score->asked[k];
        carry_out(score, actor, asked);
        if (!response) {
            score->fired[asked->call->index] = answer(asked);
        }
    }
    if (n != 0 && actor->identity->claimed &&
        !took_part(score, actor, charge)) {
        for (k = 0; !response && k < n; k++) {
            score->fired[score->asked[k].call->index] = 0;
        }
    }
}

void subject_request(score_t *score, size_t i) {
    run(score, i, 0, 0);
}

void subject_response(score_t *score, size_t i, unsigned earned) {
    const subject_t *subject = &score->scope->subjects[i];

    if (subject->response || (subject->reputation && earned != 0)) {
        run(score, i, 1, earned);
    }
}
