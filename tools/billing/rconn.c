/* SPDX-License-Identifier: BSD-2-Clause */

#include "rconn.h"

#include "billing.h"
#include "clock.h"
#include "fail.h"
#include "fraud_mem.h"
#include "option.h"
#include "redis_url.h"
#include "transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PASSWORD 512
#define CHUNK 16384
#define MAX_OUT ((size_t)4 << 20) /* bytes that wait to be sent */

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

void rconn_check(const rconn_to_t *to) {
    char password[MAX_PASSWORD];
    redis_url_t url;

    if (!redis_url_parse(&url, to->url)) {
        /* what is wrong in it may be a password */
        fail("the stream is not " REDIS_URL_FORM "; a password is in a file");
    }
    if (to->password != NULL &&
        !option_secret(password, sizeof(password), to->password)) {
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

static int greet(rconn_t *conn, const rconn_to_t *to, const redis_url_t *url) {
    char password[MAX_PASSWORD];
    fraud_str_t words[3];
    fraud_reply_t reply;
    size_t n = 0;
    int rc;

    if (to->password != NULL) {
        if (!option_secret(password, sizeof(password), to->password)) {
            return failed(conn, "cannot read the file of the password");
        }
        words[n++] = rconn_str("AUTH");
        if (url->user[0] != '\0') {
            words[n++] = rconn_str(url->user);
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
    words[1] = rconn_str(url->database[0] != '\0' ? url->database : "0");
    return rconn_ask(conn, &reply, words, 2) && is_ok(conn, "SELECT", &reply);
}

rconn_t *rconn_open(const rconn_to_t *to, char *why) {
    rconn_t *conn = calloc(1, sizeof(*conn));
    channel_to_t channel;
    redis_url_t url;

    if (conn == NULL || !redis_url_parse(&url, to->url) ||
        fraud_resp_new(&conn->resp, fraud_mem_or_default(NULL), RCONN_REPLY) !=
            FRAUD_OK) {
        (void)snprintf(why, RCONN_WHY, "no memory");
        rconn_close(conn);
        return NULL;
    }
    memset(&channel, 0, sizeof(channel));
    channel.host = url.port != 0 ? url.host : "localhost";
    channel.port = url.port != 0 ? url.port : 80; /* of no use */
    channel.socket = url.port == 0 ? url.host : NULL;
    channel.tls = url.tls;
    channel.ca = to->ca;
    channel.timeout = RCONN_TIMEOUT;
    conn->channel = channel_open(&channel, why);
    if (conn->channel == NULL) {
        rconn_close(conn);
        return NULL;
    }
    if (!greet(conn, to, &url)) {
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
