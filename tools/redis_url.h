/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef REDIS_URL_H
#define REDIS_URL_H

/*
 * A server of Redis as a configuration names it.
 */

#define REDIS_URL_FORM                                                         \
    "redis://[USER@]HOST[:PORT][/DB], rediss://... or unix:PATH"
#define REDIS_URL_WORD 256

typedef struct {
    char host[REDIS_URL_WORD]; /* without brackets; or the path of a socket */
    char user[REDIS_URL_WORD]; /* or "" */
    char database[8];          /* or "" */
    unsigned port;             /* 0: a socket */
    int tls;
} redis_url_t;

/*
 * redis_url_parse(url, text):
 * Read ${text}, REDIS_URL_FORM. Return 0 if it is anything else, of which
 * nothing is to be told: it may be a password.
 */
int redis_url_parse(redis_url_t *url, const char *text);

#endif /* REDIS_URL_H */
