/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DECLARE_H
#define DECLARE_H

/*
 * What single fraud_* directives declare: identities, rules, actions. A
 * directive that nginx would refuse ends the program.
 */

#include "conf.h"
#include "fraud_list.h"
#include "fraud_match.h"
#include "fraud_record.h"
#include "fraud_rule.h"
#include "fraud_score.h"
#include "fraud_strset.h"
#include "value.h"

#define DECLARE_MAX_GAPS 8

typedef enum {
    KIND_ADDRESS = 0,
    KIND_SESSION,
    KIND_DEVICE,
    KIND_ACCOUNT
} kind_t;

/* All identities of one name: their subjects share records. */
typedef struct {
    fraud_str_t name;
    uint32_t ttl; /* seconds */
    struct {
        uint32_t tag;
        unsigned part;
        size_t offset;
        size_t len;
    } * slots; /* of a record */
    size_t nslots;
} domain_t;

typedef struct identity_s {
    fraud_str_t name;
    domain_t *domain;
    const conf_node_t *at;           /* NULL: the built-in one */
    const struct identity_s *before; /* what it replaces in its block */
    value_t value;
    kind_t kind;
    unsigned ipv4;
    unsigned ipv6;
    int client;        /* its value is the client's address */
    int claimed;       /* an account that nobody vouched for */
    int issued;        /* the cookie of "fraud_session" */
    const char *needs; /* what is not evaluated, NULL: nothing */
} identity_t;

/* Why a rule could not be evaluated, and how often. */
typedef struct {
    const char *needs; /* NULL: the variable */
    size_t variable;
    uint64_t n;
} gap_t;

typedef struct rule_s {
    fraud_rule_t rule;
    fraud_str_t name;
    const conf_node_t *at;
    const struct rule_s *before; /* what it replaces in its block */
    size_t id;                   /* counted from 0 in the whole configuration */
    value_t value;
    value_t condition;
    value_t cost;
    fraud_match_t *match; /* not owned, as the next two */
    fraud_list_t *list;
    fraud_strset_t *strings;
    int client; /* its value is the client's address */
    fraud_op_t op;
    unsigned part; /* of the record, and where in it */
    size_t offset;
    int replaces; /* "off" for one of its own block */
    uint64_t asked;
    gap_t gap[DECLARE_MAX_GAPS];
    size_t ngaps;
} rule_t;

typedef struct source_s source_t;

/* What is shared by all declarations of a configuration. */
typedef struct {
    conf_t *conf;
    names_t *names;
    source_t *sources;
    domain_t **domains;
    size_t ndomains;
    rule_t **rules;
    size_t nrules;
} declare_t;

/*
 * declare_identity(declare, node), declare_address(declare),
 * declare_session(declare, node):
 * Return the identity of "fraud_identity", the built-in one, or the one that
 * "fraud_session" declares.
 */
identity_t *declare_identity(declare_t *declare, const conf_node_t *node);
identity_t *declare_address(declare_t *declare);
identity_t *declare_session(declare_t *declare, const conf_node_t *node);

/*
 * declare_rule(declare, node):
 * Return the rule of a directive that fraud_rule_type() knows, with its
 * patterns and lists loaded and its place in records.
 */
rule_t *declare_rule(declare_t *declare, const conf_node_t *node);

/*
 * declare_action(threshold, node):
 * Set ${threshold} to what "fraud_action" says.
 */
void declare_action(fraud_threshold_t *threshold, const conf_node_t *node);

/*
 * declare_gap(rule, needs, variable):
 * Note that ${rule} could not be evaluated for one request more.
 */
void declare_gap(rule_t *rule, const char *needs, size_t variable);

/*
 * declare_free(declare):
 * Give back patterns and lists.
 */
void declare_free(declare_t *declare);

#endif /* DECLARE_H */
