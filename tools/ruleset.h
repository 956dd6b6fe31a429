/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef RULESET_H
#define RULESET_H

/*
 * The rules of one server of an nginx.conf, as they are in force in each of
 * its locations: what is declared in http, server and location accumulates.
 * A file without "http" stands for the content of one, in mode "observe".
 */

#include "declare.h"
#include "vars.h"

#define RULESET_MAX_RULES 512 /* in force in one block */
#define RULESET_MAX_IDENTITIES 32

typedef enum { MODE_UNSET = 0, MODE_OFF, MODE_OBSERVE, MODE_ENFORCE } fmode_t;

/* An op of a block, and the place of its rule among all that are in force. */
typedef struct {
    rule_t *rule;
    size_t index;
} call_t;

/* All that a block asks about one identity; calls in order of part. */
typedef struct {
    identity_t *identity;
    call_t *calls;
    size_t n;
    int response;
    int reputation;
} subject_t;

typedef struct location_s location_t;

typedef struct {
    fmode_t mode;
    identity_t **identities;
    size_t nidentities;
    rule_t **rules; /* trust first */
    size_t nrules;
    fraud_threshold_t *actions;
    size_t nactions;
    subject_t *subjects; /* one for each identity */
    int response;        /* there are rules on=response */
    int learns;          /* there are reputations */
    location_t *locations;
    size_t nlocations;
} scope_t;

typedef struct {
    arena_t arena;
    conf_t conf;
    names_t names;
    declare_t declare;
    vars_t *vars;
    scope_t *server;
    const conf_node_t *server_at; /* NULL: there is none */
    size_t nservers;
    size_t zone_size;
    int merge_slashes;
    int rewrites; /* URIs may change before the rules are asked */
    int varied;   /* locations have rules of their own */
    const conf_node_t *policy;
} ruleset_t;

/*
 * ruleset_load(rules, path, server):
 * Read the configuration at ${path} and the rules of the server named
 * ${server} (NULL: the first). What nginx would refuse ends the program.
 */
void ruleset_load(ruleset_t *rules, const char *path, const char *server);

/*
 * ruleset_free(rules):
 * Give back everything.
 */
void ruleset_free(ruleset_t *rules);

#endif /* RULESET_H */
