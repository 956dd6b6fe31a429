/* SPDX-License-Identifier: BSD-2-Clause */

#include "redis.h"

#include "fail.h"
#include "fraud_store.h"
#include "node.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES 64
#define SLOTS 16384
#define SCANNED "256" /* keys at a time */

struct redis_s {
    const site_t *site;
    node_t *nodes[MAX_NODES]; /* masters */
    size_t n;
    int failed;
};

/* The reply of a kind, or NULL; what is none is said and counts as failed. */
static redisReply *answer(redis_t *redis, node_t *node, int type) {
    redisReply *reply = node_reply(node);

    if (reply != NULL && reply->type == type) {
        return reply;
    }
    redis->failed = 1;
    if (reply != NULL) {
        node_say(node, reply->type == REDIS_REPLY_ERROR
                           ? reply->str
                           : "it answers something else");
        freeReplyObject(reply);
    }
    return NULL;
}

static void add(redis_t *redis, node_t *node) {
    if (node == NULL || redis->n == MAX_NODES) {
        redis->failed = 1;
        node_close(node);
        return;
    }
    redis->nodes[redis->n++] = node;
}

/* As a server names another one. */
static int take_address(redis_url_t *server, const redisReply *host,
                        long long port) {
    if (port < 1 || port > 65535 || host->type != REDIS_REPLY_STRING) {
        return 0;
    }
    if (host->len != 0) {
        (void)snprintf(server->host, sizeof(server->host), "%s", host->str);
    }
    server->port = (unsigned)port;
    return 1;
}

/* Return 1 if the sentinel knows the master. */
static int ask_sentinel(redis_t *redis, redis_url_t *server) {
    node_t *node = node_open(redis->site, server, 0);
    redisReply *reply;
    int found = 0;

    if (node == NULL) {
        return 0;
    }
    node_send(node, "SENTINEL get-master-addr-by-name %s",
              redis->site->redis_sentinel);
    reply = node_reply(node);
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY &&
        reply->elements == 2 && reply->element[1]->type == REDIS_REPLY_STRING) {
        found = take_address(server, reply->element[0],
                             atoll(reply->element[1]->str));
    }
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    node_close(node);
    return found;
}

static int is_new(const redis_url_t *list, size_t n,
                  const redis_url_t *server) {
    size_t i;

    for (i = 0; i < n; i++) {
        if (list[i].port == server->port &&
            strcmp(list[i].host, server->host) == 0) {
            return 0;
        }
    }
    return 1;
}

/* Ranges of slots, and in each its master first. */
static void add_masters(redis_t *redis, const redisReply *slots,
                        const redis_url_t *asked) {
    static redis_url_t list[MAX_NODES];
    const redisReply *range;
    redis_url_t server;
    long long covered = 0;
    size_t i, n = 0;

    for (i = 0; i < slots->elements; i++) {
        range = slots->element[i];
        server = *asked;
        if (range->type != REDIS_REPLY_ARRAY || range->elements < 3 ||
            range->element[2]->type != REDIS_REPLY_ARRAY ||
            range->element[2]->elements < 2 ||
            !take_address(&server, range->element[2]->element[0],
                          range->element[2]->element[1]->integer)) {
            continue;
        }
        covered += range->element[1]->integer - range->element[0]->integer + 1;
        if (n < MAX_NODES && is_new(list, n, &server)) {
            list[n++] = server;
        }
    }
    if (covered != SLOTS) {
        (void)fprintf(stderr, "fraudctl: redis: the cluster has nobody for "
                              "some of its slots\n");
        redis->failed = 1;
    }
    for (i = 0; i < n; i++) {
        add(redis, node_open(redis->site, &list[i], 1));
    }
}

/* Return 1 if this server knows its cluster. */
static int ask_cluster(redis_t *redis, const redis_url_t *server) {
    node_t *node = node_open(redis->site, server, 1);
    redisReply *reply = NULL;
    int known;

    if (node != NULL) {
        node_send(node, "CLUSTER SLOTS");
        reply = node_reply(node);
    }
    known = reply != NULL && reply->type == REDIS_REPLY_ARRAY &&
            reply->elements != 0;
    if (known) {
        add_masters(redis, reply, server);
    }
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    node_close(node);
    return known;
}

redis_t *redis_open(const site_t *site) {
    redis_url_t server;
    redis_t *redis;
    node_t *node;
    size_t i;

    if (site->nredis == 0) {
        return NULL;
    }
    redis = calloc(1, sizeof(*redis));
    if (redis == NULL) {
        fail("not enough memory");
    }
    redis->site = site;
    for (i = 0; i < site->nredis && redis->n == 0; i++) {
        if (!redis_url_parse(&server, site->redis[i])) {
            fail("fraud_redis is not " REDIS_URL_FORM);
        }
        if (site->redis_cluster) {
            (void)ask_cluster(redis, &server);
        } else if (site->redis_sentinel == NULL ||
                   ask_sentinel(redis, &server)) {
            node = node_open(site, &server, 1);
            if (node != NULL) {
                add(redis, node);
            }
        }
    }
    redis->failed |= redis->n == 0;
    return redis;
}

int redis_close(redis_t *redis) {
    int failed;
    size_t i;

    if (redis == NULL) {
        return 0;
    }
    failed = redis->failed;
    for (i = 0; i < redis->n; i++) {
        node_close(redis->nodes[i]);
    }
    free(redis);
    return failed;
}

static void key_of(char *key, const char *pid) {
    fraud_pid_t bytes;

    if (fraud_pid_decode(&bytes, pid, FRAUD_PID_TEXT_LEN) != FRAUD_OK) {
        fail("\"%.26s\" is no pseudonym", pid);
    }
    fraud_store_key(key, &bytes);
}

/* A key that this node has not: another one has. */
static int is_elsewhere(const redis_t *redis, const redisReply *reply) {
    return redis->site->redis_cluster && reply != NULL &&
           reply->type == REDIS_REPLY_ERROR &&
           strncmp(reply->str, "MOVED ", 6) == 0;
}

/* The reply to a command of one key; *found of a cluster's node that has it. */
static redisReply *ask_key(redis_t *redis, node_t *node, int type, int *found) {
    redisReply *reply = node_reply(node);

    if (is_elsewhere(redis, reply)) {
        freeReplyObject(reply);
        return NULL;
    }
    *found = 1;
    if (reply != NULL && reply->type != REDIS_REPLY_ERROR) {
        if (reply->type == type) {
            return reply;
        }
        freeReplyObject(reply);
        return NULL;
    }
    redis->failed = 1;
    if (reply != NULL) {
        node_say(node, reply->str);
        freeReplyObject(reply);
    }
    return NULL;
}

static size_t print_one(redis_t *redis, const char *pid, redis_print_t print,
                        void *data) {
    char key[FRAUD_STORE_KEY_LEN];
    redisReply *reply, *ttl;
    size_t i, n = 0;
    int found = 0;

    key_of(key, pid);
    for (i = 0; i < redis->n && !found; i++) {
        node_send(redis->nodes[i], "GET %b", key, sizeof(key));
        reply = ask_key(redis, redis->nodes[i], REDIS_REPLY_STRING, &found);
        if (reply == NULL) {
            continue;
        }
        node_send(redis->nodes[i], "TTL %b", key, sizeof(key));
        ttl = ask_key(redis, redis->nodes[i], REDIS_REPLY_INTEGER, &found);
        print(data, pid, (const unsigned char *)reply->str, reply->len,
              ttl != NULL ? ttl->integer : -1);
        if (ttl != NULL) {
            freeReplyObject(ttl);
        }
        freeReplyObject(reply);
        n++;
    }
    redis->failed |= !found;
    return n;
}

size_t redis_each(redis_t *redis, const pids_t *pids, redis_print_t print,
                  void *data) {
    size_t i, n = 0;

    for (i = 0; redis != NULL && i < pids->n; i++) {
        n += print_one(redis, pids->list[i], print, data);
    }
    return n;
}

static size_t del(redis_t *redis, node_t *node, const char *key, size_t len,
                  int *found) {
    redisReply *reply;
    size_t n = 0;

    node_send(node, "DEL %b", key, len);
    reply = ask_key(redis, node, REDIS_REPLY_INTEGER, found);
    if (reply != NULL) {
        n = (size_t)reply->integer;
        freeReplyObject(reply);
    }
    return n;
}

/* Return 1 if the record has the bytes of one of the pids in it. */
static int names_one(const redisReply *record, const pids_t *pids) {
    const char *p, *end = record->str + record->len;
    fraud_pid_t pid;
    size_t i;

    for (i = 0; i < pids->n; i++) {
        if (fraud_pid_decode(&pid, pids->list[i], FRAUD_PID_TEXT_LEN) !=
            FRAUD_OK) {
            continue;
        }
        for (p = record->str; (size_t)(end - p) >= FRAUD_PID_LEN; p++) {
            if (memcmp(p, pid.bytes, FRAUD_PID_LEN) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

static size_t erase_namers(redis_t *redis, node_t *node, const redisReply *keys,
                           const pids_t *pids) {
    redisReply *record;
    size_t i, n = 0;
    int found;

    for (i = 0; i < keys->elements; i++) {
        node_send(node, "GET %b", keys->element[i]->str, keys->element[i]->len);
    }
    for (i = 0; i < keys->elements; i++) {
        /* a key that has gone, or of another type, is none of ours */
        record = node_reply(node);
        redis->failed |= record == NULL;
        keys->element[i]->integer = record != NULL &&
                                    record->type == REDIS_REPLY_STRING &&
                                    names_one(record, pids);
        if (record != NULL) {
            freeReplyObject(record);
        }
    }
    for (i = 0; i < keys->elements; i++) {
        if (keys->element[i]->integer != 0) {
            n += del(redis, node, keys->element[i]->str, keys->element[i]->len,
                     &found);
        }
    }
    return n;
}

/* What was deleted is in an append-only file until that is rewritten. */
static void rewrite(redis_t *redis, node_t *node) {
    redisReply *reply;
    int on;

    node_send(node, "INFO persistence");
    reply = answer(redis, node, REDIS_REPLY_STRING);
    on = reply != NULL && strstr(reply->str, "aof_enabled:1") != NULL &&
         strstr(reply->str, "aof_rewrite_scheduled:1") == NULL;
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    if (on) {
        node_send(node, "BGREWRITEAOF");
        reply = answer(redis, node, REDIS_REPLY_STATUS);
        if (reply != NULL) {
            freeReplyObject(reply);
        }
    }
}

static size_t scan(redis_t *redis, node_t *node, const pids_t *pids) {
    char cursor[32] = "0";
    redisReply *reply;
    size_t n = 0;

    do {
        node_send(node, "SCAN %s MATCH fraud:* COUNT " SCANNED, cursor);
        reply = answer(redis, node, REDIS_REPLY_ARRAY);
        if (reply == NULL || reply->elements != 2 ||
            reply->element[0]->type != REDIS_REPLY_STRING ||
            reply->element[1]->type != REDIS_REPLY_ARRAY) {
            redis->failed = 1;
            break;
        }
        (void)snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
        n += erase_namers(redis, node, reply->element[1], pids);
        freeReplyObject(reply);
        reply = NULL;
    } while (strcmp(cursor, "0") != 0);
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    return n;
}

size_t redis_erase(redis_t *redis, const pids_t *pids) {
    char key[FRAUD_STORE_KEY_LEN];
    size_t i, k, n = 0;
    int found;

    if (redis == NULL || pids->n == 0) {
        return 0;
    }
    for (i = 0; i < pids->n; i++) {
        key_of(key, pids->list[i]);
        for (found = 0, k = 0; k < redis->n && !found; k++) {
            n += del(redis, redis->nodes[k], key, sizeof(key), &found);
        }
        redis->failed |= !found;
    }
    for (k = 0; k < redis->n; k++) {
        n += scan(redis, redis->nodes[k], pids);
        rewrite(redis, redis->nodes[k]);
    }
    return n;
}
