/* SPDX-License-Identifier: BSD-2-Clause */

#include "redis_url.h"

#include "fraud_str.h"

#include <string.h>

#define DEFAULT_PORT 6379
#define MAX_DATABASE 9999

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

static int take_number(uint64_t *n, const char *from, size_t len,
                       uint64_t max) {
    return fraud_str_uint(n, from, len, max) == FRAUD_OK;
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT. */
static int take_host(redis_url_t *url, const char *text, size_t len) {
    const char *end = text + len, *name = text, *after;
    uint64_t port = DEFAULT_PORT;

    if (len != 0 && *text == '[') {
        name = text + 1;
        after = memchr(name, ']', len - 1);
        if (after == NULL) {
            return 0;
        }
        len = (size_t)(after++ - name);
    } else {
        after = memchr(text, ':', len);
        after = after != NULL ? after : end;
        len = (size_t)(after - text);
    }
    if (after != end &&
        (*after != ':' ||
         !take_number(&port, after + 1, (size_t)(end - after - 1), 65535) ||
         port == 0)) {
        return 0;
    }
    url->port = (unsigned)port;
    return take(url->host, sizeof(url->host), name, len);
}

int redis_url_parse(redis_url_t *url, const char *text) {
    const char *host, *slash, *at;
    uint64_t database;
    size_t len;

    memset(url, 0, sizeof(*url));
    if (strncmp(text, "unix:", 5) == 0) {
        return take(url->host, sizeof(url->host), text + 5, strlen(text + 5));
    }
    url->tls = strncmp(text, "rediss://", 9) == 0;
    if (!url->tls && strncmp(text, "redis://", 8) != 0) {
        return 0;
    }
    host = text + (url->tls ? 9 : 8);
    slash = strchr(host, '/');
    len = slash != NULL ? (size_t)(slash - host) : strlen(host);
    at = memchr(host, '@', len);
    if (at != NULL) {
        if (!take(url->user, sizeof(url->user), host, (size_t)(at - host)) ||
            strchr(url->user, ':') != NULL) {
            return 0;
        }
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    if (slash != NULL && slash[1] != '\0' &&
        (!take_number(&database, slash + 1, strlen(slash + 1), MAX_DATABASE) ||
         !take(url->database, sizeof(url->database), slash + 1,
               strlen(slash + 1)))) {
        return 0;
    }
    return take_host(url, host, len);
}
