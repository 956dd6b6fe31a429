/* SPDX-License-Identifier: BSD-2-Clause */

#include "rconn.h"

#include "billing.h"
#include "clock.h"
#include "fail.h"
#include "fraud_mem.h"
#include "fraud_str.h"
#include "transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 6379
#define MAX_WORD 256
#define MAX_PASSWORD 512
#define CHUNK 16384
#define MAX_OUT ((size_t)4 << 20) /* bytes that wait to be sent */

typedef struct {
    char host[MAX_WORD]; /* or the path of a socket */
    char user[MAX_WORD];
    char database[8];
    unsigned port; /* 0: a socket */
    int tls;
} place_t;

struct rconn_s {
    channel_t *channel;
    fraud_resp_t *resp;
    uint8_t *out;
    size_t len, size;
    char why[RCONN_WHY];
};

fraud_str_t rconn_str(const char *text) {
    fraud_str_t s = {(const uint8_t *)text, strlen(text)};

    return s;
}

int rconn_is_error(const fraud_reply_t *reply, const char *code) {
    size_t len = strlen(code);

    return reply->type == FRAUD_REPLY_ERROR && reply->str.len >= len &&
           memcmp(reply->str.data, code, len) == 0;
}

/* Copy ${len} bytes; 0 if there are none, too many, or none of a name. */
static int take(char *to, size_t size, const char *from, size_t len) {
    size_t i;

    for (i = 0; i < len; i++) {
        if (from[i] <= ' ' || from[i] == 0x7f) {
            return 0;
        }
    }
    if (len == 0 || len >= size) {
        return 0;
    }
    memcpy(to, from, len);
    to[len] = '\0';
    return 1;
}

static int take_host(place_t *place, const char *text, size_t len) {
    const char *colon = NULL, *close = NULL;
    uint64_t port = DEFAULT_PORT;
    size_t i;

    for (i = 0; i < len; i++) {
        colon = text[i] == ':' ? text + i : colon;
        close = text[i] == ']' ? text + i : close;
    }
    if (colon != NULL && (close == NULL || colon > close)) {
        if (fraud_str_uint(&port, colon + 1, (size_t)(text + len - colon - 1),
                           65535) != FRAUD_OK ||
            port == 0) {
            return 0;
        }
        len = (size_t)(colon - text);
    }
    place->port = (unsigned)port;
    return take(place->host, sizeof(place->host), text, len);
}

static int split(place_t *place, const char *url) {
    const char *host, *slash, *at;
    uint64_t database;
    size_t len;

    memset(place, 0, sizeof(*place));
    if (strncmp(url, "unix:", 5) == 0) {
        return take(place->host, sizeof(place->host), url + 5, strlen(url + 5));
    }
    place->tls = strncmp(url, "rediss://", 9) == 0;
    if (!place->tls && strncmp(url, "redis://", 8) != 0) {
        return 0;
    }
    host = strstr(url, "://") + 3;
    slash = strchr(host, '/');
    len = slash != NULL ? (size_t)(slash - host) : strlen(host);
    at = memchr(host, '@', len);
    if (at != NULL) {
        if (!take(place->user, sizeof(place->user), host,
                  (size_t)(at - host)) ||
            strchr(place->user, ':') != NULL) {
            return 0;
        }
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    if (slash != NULL && slash[1] != '\0' &&
        (fraud_str_uint(&database, slash + 1, strlen(slash + 1), 9999) !=
             FRAUD_OK ||
         !take(place->database, sizeof(place->database), slash + 1,
               strlen(slash + 1)))) {
        return 0;
    }
    return take_host(place, host, len);
}

/* The first line of the file; 0 if there is none. */
static int read_password(char *password, const char *path) {
    FILE *in = fopen(path, "r");
    int got;

    if (in == NULL) {
        return 0;
    }
    got = fgets(password, MAX_PASSWORD, in) != NULL;
    (void)fclose(in);
    password[got ? strcspn(password, "\r\n") : 0] = '\0';
    return password[0] != '\0';
}

void rconn_check(const rconn_to_t *to) {
    char password[MAX_PASSWORD];
    place_t place;

    if (!split(&place, to->url)) {
        /* what is wrong in it may be a password */
        fail("the stream is not " RCONN_URL "; a password is in a file");
    }
    if (to->password != NULL && !read_password(password, to->password)) {
        fail("cannot read the password in \"%s\"", to->password);
    }
    billing_wipe(password, sizeof(password));
}

static int failed(rconn_t *conn, const char *why) {
    (void)snprintf(conn->why, sizeof(conn->why), "%s", why);
    return 0;
}

const char *rconn_why(const rconn_t *conn) {
    return conn->why;
}

int rconn_add(rconn_t *conn, const fraud_str_t *words, size_t n) {
    size_t need = conn->len + fraud_resp_format_len(words, n), size;
    fraud_buf_t buf;
    uint8_t *more;

    if (need > conn->size) {
        size = need + need / 2 + CHUNK;
        more = need <= MAX_OUT ? realloc(conn->out, size) : NULL;
        if (more == NULL) {
            return failed(conn, "too much to send at once");
        }
        conn->out = more;
        conn->size = size;
    }
    fraud_buf_init(&buf, conn->out + conn->len, conn->size - conn->len);
    fraud_resp_format(&buf, words, n);
    conn->len += buf.len;
    return 1;
}

int rconn_get(rconn_t *conn, fraud_reply_t *reply, int ms) {
    int64_t until = clock_ms() + ms, left;
    uint8_t chunk[CHUNK];
    fraud_rc rc;
    long n;

    if (conn->len != 0) {
        if (!channel_write(conn->channel, conn->out, conn->len,
                           RCONN_TIMEOUT * 1000)) {
            return failed(conn, "cannot send");
        }
        conn->len = 0;
    }
    while ((rc = fraud_resp_next(conn->resp, reply)) == FRAUD_AGAIN) {
        left = until - clock_ms();
        n = left > 0
                ? channel_read(conn->channel, chunk, sizeof(chunk), (int)left)
                : 0;
        if (n <= 0) {
            return failed(conn, n < 0 ? "closed" : "no answer in time");
        }
        if (fraud_resp_feed(conn->resp, chunk, (size_t)n) != FRAUD_OK) {
            return failed(conn, "an answer is too long");
        }
    }
    return rc == FRAUD_OK ? 1 : failed(conn, "what answers is no Redis");
}

int rconn_ask(rconn_t *conn, fraud_reply_t *reply, const fraud_str_t *words,
              size_t n) {
    return rconn_add(conn, words, n) &&
           rconn_get(conn, reply, RCONN_TIMEOUT * 1000);
}

/* An error's first word is all that is told: others may quote what was sent. */
static int is_ok(rconn_t *conn, const char *command,
                 const fraud_reply_t *reply) {
    size_t n = 0;

    if (reply->type != FRAUD_REPLY_ERROR) {
        return 1;
    }
    while (n < reply->str.len && n < 32 && reply->str.data[n] > ' ') {
        n++;
    }
    (void)snprintf(conn->why, sizeof(conn->why), "%s: %.*s", command, (int)n,
                   (const char *)reply->str.data);
    return 0;
}

static int greet(rconn_t *conn, const rconn_to_t *to, const place_t *place) {
    char password[MAX_PASSWORD];
    fraud_str_t words[3];
    fraud_reply_t reply;
    size_t n = 0;
    int rc;

    if (to->password != NULL) {
        if (!read_password(password, to->password)) {
            return failed(conn, "cannot read the file of the password");
        }
        words[n++] = rconn_str("AUTH");
        if (place->user[0] != '\0') {
            words[n++] = rconn_str(place->user);
        }
        words[n++] = rconn_str(password);
        rc = rconn_ask(conn, &reply, words, n);
        billing_wipe(password, sizeof(password));
        billing_wipe(conn->out, conn->size);
        if (!rc || !is_ok(conn, "AUTH", &reply)) {
            return 0;
        }
    }
    words[0] = rconn_str("SELECT");
    words[1] = rconn_str(place->database[0] != '\0' ? place->database : "0");
    return rconn_ask(conn, &reply, words, 2) && is_ok(conn, "SELECT", &reply);
}

rconn_t *rconn_open(const rconn_to_t *to, char *why) {
    rconn_t *conn = calloc(1, sizeof(*conn));
    channel_to_t channel;
    place_t place;

    if (conn == NULL || !split(&place, to->url) ||
        fraud_resp_new(&conn->resp, fraud_mem_or_default(NULL), RCONN_REPLY) !=
            FRAUD_OK) {
        (void)snprintf(why, RCONN_WHY, "no memory");
        rconn_close(conn);
        return NULL;
    }
    memset(&channel, 0, sizeof(channel));
    channel.host = place.host;
    channel.port = place.port != 0 ? place.port : DEFAULT_PORT;
    channel.socket = place.port == 0 ? place.host : NULL;
    channel.tls = place.tls;
    channel.ca = to->ca;
    channel.timeout = RCONN_TIMEOUT;
    conn->channel = channel_open(&channel, why);
    if (conn->channel == NULL) {
        rconn_close(conn);
        return NULL;
    }
    if (!greet(conn, to, &place)) {
        (void)snprintf(why, RCONN_WHY, "%s", conn->why);
        rconn_close(conn);
        return NULL;
    }
    return conn;
}

void rconn_close(rconn_t *conn) {
    if (conn != NULL) {
        channel_close(conn->channel);
        fraud_resp_free(conn->resp);
        free(conn->out);
        free(conn);
    }
}
