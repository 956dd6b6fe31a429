/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef RCONN_H
#define RCONN_H

/*
 * A connection to one Redis: commands go out in one write, replies are read in
 * their order, each within a deadline. What fails closes it.
 */

#include "fraud_resp.h"

#define RCONN_TIMEOUT 5               /* seconds: of connecting and greeting */
#define RCONN_REPLY ((size_t)8 << 20) /* bytes of one, at most */
#define RCONN_WHY 160

typedef struct {
    const char *url;
    const char *password; /* a file, whose first line it is; or NULL */
    const char *ca;       /* a file; NULL: the system's */
} rconn_to_t;

typedef struct rconn_s rconn_t;

/*
 * rconn_check(to):
 * What is wrong with ${to} ends the program (fail.h).
 */
void rconn_check(const rconn_to_t *to);

/*
 * rconn_open(to, why), rconn_close(conn):
 * Connect, say who we are, and choose the database. NULL, and the RCONN_WHY
 * bytes at ${why} say why not. NULL is a no-op for the inverse.
 */
rconn_t *rconn_open(const rconn_to_t *to, char *why);
void rconn_close(rconn_t *conn);

/*
 * rconn_add(conn, words, n):
 * Add a command to what goes out with the next rconn_get(). Return 0 if there
 * is no memory for it.
 */
int rconn_add(rconn_t *conn, const fraud_str_t *words, size_t n);

/*
 * rconn_get(conn, reply, ms):
 * Send what was added, and set ${reply} to the next one, which is valid until
 * the next call. Return 0 if none came within ${ms} milliseconds: the
 * connection is then of no use, rconn_why() says why.
 */
int rconn_get(rconn_t *conn, fraud_reply_t *reply, int ms);
const char *rconn_why(const rconn_t *conn);

/*
 * rconn_ask(conn, reply, words, n):
 * Both, for one command.
 */
int rconn_ask(rconn_t *conn, fraud_reply_t *reply, const fraud_str_t *words,
              size_t n);

/*
 * rconn_str(text), rconn_is_error(reply, code):
 * A word; 1 if ${reply} is an error that begins with ${code}.
 */
fraud_str_t rconn_str(const char *text);
int rconn_is_error(const fraud_reply_t *reply, const char *code);

#endif /* RCONN_H */
