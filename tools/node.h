/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef NODE_H
#define NODE_H

/*
 * One server of Redis, as the configuration names it or as another server
 * does: connected, and asked one thing after another.
 */

#include "redis_url.h"
#include "site.h"

struct redisReply; /* hiredis */

typedef struct node_s node_t;

/*
 * node_open(site, server, greet):
 * Connect, and with ${greet} log in and choose the database as ${site} says.
 * NULL: it was said why on standard error.
 */
node_t *node_open(const site_t *site, const redis_url_t *server, int greet);

/*
 * node_send(node, format, ...), node_reply(node):
 * Send a command, in hiredis' format; wait for the reply to the next that was
 * sent. node_reply() returns NULL, and every later one does, when the
 * connection is broken, which is said; else the caller frees it.
 */
void node_send(node_t *node, const char *format, ...);
struct redisReply *node_reply(node_t *node);

/*
 * node_say(node, what):
 * Tell standard error about it, and which server it is.
 */
void node_say(const node_t *node, const char *what);

/*
 * node_close(node):
 * Close it; NULL is a no-op.
 */
void node_close(node_t *node);

#endif /* NODE_H */
