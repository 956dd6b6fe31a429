/* SPDX-License-Identifier: BSD-2-Clause */

#include "evidence.h"

#include "event.h"

#include <stdio.h>
#include <string.h>

#define PAGE 200

static evidence_rule_t *find_rule(evidence_t *evidence, const event_t *event) {
    evidence_rule_t *rule;
    size_t i;

    for (i = 0; i < evidence->nrules; i++) {
        rule = &evidence->rule[i];
        if (rule->version == event->rule_version &&
            rule->window == event->window &&
            rule->threshold == event->threshold &&
            strcmp(rule->rule, event->rule) == 0) {
            return rule;
        }
    }
    if (evidence->nrules == EVIDENCE_RULES) {
        evidence->more = 1;
        return NULL;
    }
    rule = &evidence->rule[evidence->nrules++];
    (void)snprintf(rule->rule, sizeof(rule->rule), "%s", event->rule);
    rule->version = event->rule_version;
    rule->window = event->window;
    rule->threshold = event->threshold;
    return rule;
}

static void add_signal(evidence_rule_t *rule, const char *name) {
    size_t i;

    for (i = 0; i < rule->nsignals; i++) {
        if (strcmp(rule->signals[i], name) == 0) {
            return;
        }
    }
    if (rule->nsignals < FRAUD_FLAG_SIGNALS) {
        (void)snprintf(rule->signals[rule->nsignals++], BILLING_NAME_SIZE, "%s",
                       name);
    }
}

static void add_flag(evidence_t *evidence, const char *body) {
    evidence_rule_t *rule;
    event_t event;
    size_t i;

    if (!event_parse_kept(&event, body)) {
        return;
    }
    evidence->kept++;
    rule = find_rule(evidence, &event);
    if (rule == NULL) {
        return;
    }
    rule->flags++;
    if (event.observed > rule->observed) {
        rule->observed = event.observed;
    }
    for (i = 0; i < event.nsignals; i++) {
        add_signal(rule, event.signals[i]);
    }
}

db_rc evidence_read(db_t *db, evidence_t *evidence, const char *incident) {
    char last[BILLING_ID_SIZE] = "";
    size_t n;
    db_rc rc;

    memset(evidence, 0, sizeof(*evidence));
    rc = db_run(db, "SELECT COUNT(*) FROM inbox WHERE incident = $1",
                DB_ARGS(DB_T(incident)));
    if (rc != DB_OK) {
        return rc;
    }
    evidence->flags = db_int(db, 0);
    do {
        rc = db_run(db,
                    "SELECT id, body FROM inbox WHERE incident = $1 AND id > $2"
                    " AND body IS NOT NULL ORDER BY id LIMIT $3",
                    DB_ARGS(DB_T(incident), DB_T(last), DB_I(PAGE)));
        n = 0;
        if (rc == DB_OK) {
            do {
                (void)snprintf(last, sizeof(last), "%s", db_text(db, 0));
                add_flag(evidence, db_text(db, 1));
                n++;
            } while (db_next(db));
        }
    } while (n == PAGE);
    return rc == DB_NONE ? DB_OK : rc;
}
