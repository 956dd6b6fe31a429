/* SPDX-License-Identifier: BSD-2-Clause */

#define _DEFAULT_SOURCE /* struct timeval */

#include "redis.h"

#include "fail.h"
#include "fraud_store.h"
#include "fraud_str.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define DEFAULT_PORT 6379
#define TIMEOUT_S 10
#define MAX_PASSWORD 4096

struct redis_s {
    redisContext *context;
};

/* A server as a directive names it. */
typedef struct {
    char host[512]; /* or the path of a socket */
    int port;       /* 0: a socket */
    char user[128];
    char database[16];
} server_t;

static int split(server_t *server, const char *url) {
    const char *at, *slash, *colon, *host = url + 8;
    size_t len;

    memset(server, 0, sizeof(*server));
    if (strncmp(url, "unix:", 5) == 0) {
        (void)snprintf(server->host, sizeof(server->host), "%s", url + 5);
        return 1;
    }
    if (strncmp(url, "redis://", 8) != 0) {
        return 0;
    }
    at = strchr(host, '@');
    if (at != NULL) {
        (void)snprintf(server->user, sizeof(server->user), "%.*s",
                       (int)(at - host), host);
        host = at + 1;
    }
    slash = strchr(host, '/');
    len = slash != NULL ? (size_t)(slash - host) : strlen(host);
    (void)snprintf(server->database, sizeof(server->database), "%s",
                   slash != NULL ? slash + 1 : "");
    (void)snprintf(server->host, sizeof(server->host), "%.*s", (int)len, host);
    server->port = DEFAULT_PORT;
    colon = strrchr(server->host, ':');
    if (colon != NULL && strchr(colon, ']') == NULL) {
        server->port = atoi(colon + 1);
        server->host[colon - server->host] = '\0';
    }
    len = strlen(server->host);
    if (server->host[0] == '[' && server->host[len - 1] == ']') {
        memmove(server->host, server->host + 1, len - 2);
        server->host[len - 2] = '\0';
    }
    return 1;
}

static redisReply *answer(redis_t *redis, redisReply *reply) {
    if (reply == NULL) {
        fail("redis: %s", redis->context->errstr);
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        fail("redis: %s", reply->str);
    }
    return reply;
}

static void greet(redis_t *redis, const site_t *site, const server_t *server) {
    const char *database =
        site->redis_database != NULL ? site->redis_database : server->database;
    char password[MAX_PASSWORD] = "";
    FILE *in;

    if (site->redis_password_file != NULL) {
        in = fopen(site->redis_password_file, "r");
        if (in == NULL || fgets(password, sizeof(password), in) == NULL) {
            fail("cannot read %s", site->redis_password_file);
        }
        (void)fclose(in);
        password[strcspn(password, "\r\n")] = '\0';
        freeReplyObject(answer(
            redis, server->user[0] != '\0'
                       ? redisCommand(redis->context, "AUTH %s %s",
                                      server->user, password)
                       : redisCommand(redis->context, "AUTH %s", password)));
        memset(password, 0, sizeof(password));
    }
    if (database[0] != '\0') {
        freeReplyObject(
            answer(redis, redisCommand(redis->context, "SELECT %s", database)));
    }
}

redis_t *redis_open(const site_t *site) {
    struct timeval timeout = {TIMEOUT_S, 0};
    server_t server;
    redis_t *redis;

    if (site->nredis == 0) {
        return NULL;
    }
    if (site->redis_many || !split(&server, site->redis[0])) {
        (void)fprintf(stderr,
                      "fraudctl: %s is not reached from here, nginx is asked "
                      "to do it\n",
                      site->redis[0]);
        return NULL;
    }
    redis = calloc(1, sizeof(*redis));
    if (redis == NULL) {
        fail("not enough memory");
    }
    redis->context =
        server.port == 0
            ? redisConnectUnixWithTimeout(server.host, timeout)
            : redisConnectWithTimeout(server.host, server.port, timeout);
    if (redis->context == NULL || redis->context->err != 0) {
        fail("redis %s: %s", site->redis[0],
             redis->context != NULL ? redis->context->errstr : "no memory");
    }
    (void)redisSetTimeout(redis->context, timeout);
    greet(redis, site, &server);
    return redis;
}

void redis_close(redis_t *redis) {
    if (redis != NULL) {
        redisFree(redis->context);
        free(redis);
    }
}

static void key_of(char *key, const char *pid) {
    fraud_pid_t bytes;

    if (fraud_pid_decode(&bytes, pid, FRAUD_PID_TEXT_LEN) != FRAUD_OK) {
        fail("\"%.26s\" is no pseudonym", pid);
    }
    fraud_store_key(key, &bytes);
}

size_t redis_each(redis_t *redis, const pids_t *pids, redis_print_t print,
                  void *data) {
    char key[FRAUD_STORE_KEY_LEN];
    redisReply *reply, *ttl;
    size_t i, n = 0;

    for (i = 0; redis != NULL && i < pids->n; i++) {
        key_of(key, pids->list[i]);
        reply = answer(
            redis, redisCommand(redis->context, "GET %b", key, sizeof(key)));
        if (reply->type == REDIS_REPLY_STRING) {
            ttl = answer(redis, redisCommand(redis->context, "TTL %b", key,
                                             sizeof(key)));
            print(data, pids->list[i], (const unsigned char *)reply->str,
                  reply->len, ttl->integer);
            freeReplyObject(ttl);
            n++;
        }
        freeReplyObject(reply);
    }
    return n;
}

static size_t del(redis_t *redis, const char *key, size_t len) {
    redisReply *reply =
        answer(redis, redisCommand(redis->context, "DEL %b", key, len));
    size_t n = (size_t)reply->integer;

    freeReplyObject(reply);
    return n;
}

/* Return 1 if the record has the bytes of one of the pids in it. */
static int names_one(const redisReply *record, const pids_t *pids) {
    const char *p, *end = record->str + record->len;
    fraud_pid_t pid;
    size_t i;

    for (i = 0; i < pids->n && record->type == REDIS_REPLY_STRING; i++) {
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

static size_t erase_namers(redis_t *redis, const redisReply *keys,
                           const pids_t *pids) {
    redisReply *record;
    size_t i, n = 0;

    for (i = 0; i < keys->elements; i++) {
        const redisReply *key = keys->element[i];

        (void)redisAppendCommand(redis->context, "GET %b", key->str, key->len);
    }
    for (i = 0; i < keys->elements; i++) {
        void *reply = NULL;
        int found;

        (void)redisGetReply(redis->context, &reply);
        if (reply == NULL) {
            fail("redis: %s", redis->context->errstr);
        }
        /* a key of another type is none of ours */
        record = reply;
        found = names_one(record, pids);
        freeReplyObject(record);
        if (found) {
            keys->element[i]->integer = 1;
        }
    }
    for (i = 0; i < keys->elements; i++) {
        if (keys->element[i]->integer == 1) {
            n += del(redis, keys->element[i]->str, keys->element[i]->len);
        }
    }
    return n;
}

size_t redis_erase(redis_t *redis, const pids_t *pids, int deep) {
    char key[FRAUD_STORE_KEY_LEN], cursor[32] = "0";
    redisReply *reply;
    size_t i, n = 0;

    if (redis == NULL) {
        return 0;
    }
    for (i = 0; i < pids->n; i++) {
        key_of(key, pids->list[i]);
        n += del(redis, key, sizeof(key));
    }
    do {
        reply = answer(redis,
                       redisCommand(redis->context,
                                    "SCAN %s MATCH fraud:* COUNT 256", cursor));
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
            fail("redis: SCAN answers something else");
        }
        (void)snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
        if (deep) {
            n += erase_namers(redis, reply->element[1], pids);
        }
        freeReplyObject(reply);
    } while (deep && strcmp(cursor, "0") != 0);
    return n;
}
