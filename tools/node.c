/* SPDX-License-Identifier: BSD-2-Clause */

#define _DEFAULT_SOURCE /* explicit_bzero */

#include "node.h"

#include "fail.h"
#include "option.h"
#include "wire.h"

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PASSWORD 4096

struct node_s {
    wire_t *wire; /* NULL: broken */
    redisReader *reader;
    char shown[560];
};

void node_say(const node_t *node, const char *what) {
    (void)fprintf(stderr, "fraudctl: redis %s: %s\n", node->shown, what);
}

/* Return 1 if the last command was one that it carried out. */
static int carried_out(node_t *node) {
    redisReply *reply = node_reply(node);
    int good = reply != NULL && reply->type != REDIS_REPLY_ERROR;

    if (reply != NULL && !good) {
        node_say(node, reply->str);
    }
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    return good;
}

static int greet(node_t *node, const site_t *site, const redis_url_t *server) {
    const char *database =
        site->redis_database != NULL ? site->redis_database : server->database;
    char password[MAX_PASSWORD] = "";

    if (site->redis_password_file != NULL) {
        if (!option_secret(password, sizeof(password),
                           site->redis_password_file)) {
            fail("cannot read a password in %s", site->redis_password_file);
        }
        if (server->user[0] != '\0') {
            node_send(node, "AUTH %s %s", server->user, password);
        } else {
            node_send(node, "AUTH %s", password);
        }
        explicit_bzero(password, sizeof(password));
        if (!carried_out(node)) {
            return 0;
        }
    }
    if (database[0] != '\0' && strcmp(database, "0") != 0) {
        node_send(node, "SELECT %s", database);
        return carried_out(node);
    }
    return 1;
}

node_t *node_open(const site_t *site, const redis_url_t *server, int greeted) {
    node_t *node = calloc(1, sizeof(*node));
    char why[128];
    wire_to_t to;

    memset(&to, 0, sizeof(to));
    to.host = server->host;
    to.port = (int)server->port;
    to.tls = server->tls;
    to.ca = site->redis_ca;
    to.certificate = site->redis_certificate;
    to.key = site->redis_certificate_key;
    to.name = site->redis_name;
    to.unverified = site->redis_unverified;
    if (node == NULL) {
        fail("not enough memory");
    }
    (void)snprintf(node->shown, sizeof(node->shown),
                   server->port != 0 ? "%s:%u" : "%s", server->host,
                   server->port);
    node->reader = redisReaderCreate();
    node->wire = wire_open(&to, why, sizeof(why));
    if (node->wire == NULL) {
        node_say(node, why);
    }
    if (node->reader == NULL || node->wire == NULL ||
        (greeted && !greet(node, site, server))) {
        node_close(node);
        return NULL;
    }
    return node;
}

static void broken(node_t *node, const char *why) {
    if (node->wire != NULL) {
        node_say(node, why);
        wire_close(node->wire);
        node->wire = NULL;
    }
}

void node_send(node_t *node, const char *format, ...) {
    char *command = NULL;
    va_list args;
    int len;

    va_start(args, format);
    len = redisvFormatCommand(&command, format, args);
    va_end(args);
    if (len < 0) {
        fail("not enough memory");
    }
    if (node->wire != NULL && !wire_write(node->wire, command, (size_t)len)) {
        broken(node, "the connection broke");
    }
    /* it may have a password in it */
    explicit_bzero(command, (size_t)len);
    free(command);
}

struct redisReply *node_reply(node_t *node) {
    void *reply = NULL;
    char bytes[16384];
    size_t n;

    while (node->wire != NULL) {
        if (redisReaderGetReply(node->reader, &reply) != REDIS_OK) {
            broken(node, "it answers something else than Redis does");
        } else if (reply != NULL) {
            return reply;
        } else {
            n = wire_read(node->wire, bytes, sizeof(bytes));
            if (n == 0 || redisReaderFeed(node->reader, bytes, n) != REDIS_OK) {
                broken(node, "no answer");
            }
        }
    }
    return NULL;
}

void node_close(node_t *node) {
    if (node != NULL) {
        wire_close(node->wire);
        if (node->reader != NULL) {
            redisReaderFree(node->reader);
        }
        free(node);
    }
}
