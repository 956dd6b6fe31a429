/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SITE_H
#define SITE_H

/*
 * What an nginx configuration says about where data of persons rest, and for
 * how long they may: logs and policies, identities, secrets and Redis.
 */

#include "arena.h"
#include "conf.h"
#include "fraud_policy.h"

typedef enum {
    SITE_ADDRESS = 0,
    SITE_SESSION,
    SITE_DEVICE,
    SITE_ACCOUNT
} site_kind_t;

typedef struct {
    const char *path;
    const fraud_policy_t *policy; /* NULL: none, or not a security log */
    int hourly;                   /* in segments */
    int buffered;
} site_log_t;

typedef struct {
    fraud_str_t name;
    site_kind_t kind;
    unsigned ipv4, ipv6;
} site_identity_t;

typedef struct {
    const char *path;
    const fraud_policy_t *policy;
} site_policy_t;

typedef struct {
    arena_t *arena;
    conf_t conf;
    const char *prefix; /* of relative paths of logs, NULL: not known */
    site_log_t *logs;   /* of all kinds, each path once a policy */
    size_t nlogs;
    site_policy_t *policies;
    size_t npolicies;
    site_identity_t *identities;
    size_t nidentities;
    const char **redis; /* URLs */
    size_t nredis;
    const char *redis_sentinel; /* the master's name, NULL: none */
    int redis_cluster;
    int redis_unverified;
    const char *redis_ca; /* files of TLS, NULL: none is named */
    const char *redis_certificate;
    const char *redis_certificate_key;
    const char *redis_name;
    const char *redis_database;
    const char *redis_password_file;
    const char *keys_dir; /* NULL: memory */
    uint64_t epoch;       /* seconds */
    const char *pid;      /* of nginx's master, NULL: not in the file */
    const char *objections;
    const char **tombstones; /* directories that nginx leaves them in */
    size_t ntombstones;
} site_t;

/*
 * site_read(site, arena, conf, prefix):
 * Read the configuration at ${conf}. What is malformed or cannot be read ends
 * the program (fail.h).
 */
void site_read(site_t *site, arena_t *arena, const char *conf,
               const char *prefix);

/*
 * site_policy(site, path):
 * Return the policy in the file at ${path}, read once.
 */
const fraud_policy_t *site_policy(site_t *site, const char *path);

/*
 * site_buffers(site):
 * Return 1 if lines of a log may wait in the memory of a worker, else 0.
 */
int site_buffers(const site_t *site);

/*
 * site_finishes(site):
 * Return 1 if a policy lets holds finish that were open before somebody asked
 * to be erased, else 0.
 */
int site_finishes(const site_t *site);

#endif /* SITE_H */
