/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "transport.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_ANSWER 65536 /* bytes of a body, which nobody reads */

typedef struct {
    CURL *easy;
    struct curl_slist *headers;
    void *data;
    size_t answered;
    int busy;
} slot_t;

struct transport_s {
    CURLM *multi;
    const char *url;
    const char *ca;
    int timeout;
    size_t max;
    size_t busy;
    slot_t slot[];
};

struct channel_s {
    CURL *easy;
    curl_socket_t fd;
};

static int64_t now_ms(void) {
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int start_curl(void) {
    static int started;

    if (!started) {
        started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    }
    return started;
}

int transport_is_url(const char *url) {
    static const char scheme[] = "https://";
    size_t len;

    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0) {
        return 0;
    }
    url += sizeof(scheme) - 1;
    len = strcspn(url, "/?#");
    return len != 0 && memchr(url, '@', len) == NULL &&
           strpbrk(url, " \t\r\n") == NULL;
}

transport_t *transport_open(const char *url, const char *ca, int timeout,
                            size_t max) {
    transport_t *transport;

    if (!start_curl()) {
        return NULL;
    }
    transport = calloc(1, sizeof(*transport) + max * sizeof(slot_t));
    if (transport == NULL) {
        return NULL;
    }
    transport->multi = curl_multi_init();
    if (transport->multi == NULL) {
        free(transport);
        return NULL;
    }
    transport->url = url;
    transport->ca = ca;
    transport->timeout = timeout;
    transport->max = max;
    return transport;
}

static void end_slot(transport_t *transport, slot_t *slot) {
    (void)curl_multi_remove_handle(transport->multi, slot->easy);
    curl_easy_cleanup(slot->easy);
    curl_slist_free_all(slot->headers);
    memset(slot, 0, sizeof(*slot));
    transport->busy--;
}

void transport_close(transport_t *transport) {
    size_t i;

    if (transport == NULL) {
        return;
    }
    for (i = 0; i < transport->max; i++) {
        if (transport->slot[i].busy) {
            end_slot(transport, &transport->slot[i]);
        }
    }
    (void)curl_multi_cleanup(transport->multi);
    free(transport);
}

/* The status is all that counts; one that talks on is cut off. */
static size_t drop_answer(char *data, size_t size, size_t n, void *user) {
    slot_t *slot = user;

    (void)data;
    slot->answered += size * n;
    return slot->answered <= MAX_ANSWER ? size * n : 0;
}

static int set_tls(CURL *easy, const char *ca) {
    return curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                            (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           (ca == NULL ||
            (curl_easy_setopt(easy, CURLOPT_CAINFO, ca) == CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK)) &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

static int set_post(const transport_t *transport, slot_t *slot,
                    const void *body, size_t len) {
    CURL *easy = slot->easy;

    return set_tls(easy, transport->ca) &&
           curl_easy_setopt(easy, CURLOPT_URL, transport->url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)transport->timeout) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, slot->headers) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)len) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_answer) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PRIVATE, slot) == CURLE_OK;
}

int transport_post(transport_t *transport, const char *const *headers,
                   const void *body, size_t len, void *data) {
    struct curl_slist *longer;
    slot_t *slot = transport->slot;
    size_t i;

    if (transport->busy == transport->max) {
        return 0;
    }
    while (slot->busy) {
        slot++;
    }
    slot->easy = curl_easy_init();
    if (slot->easy == NULL) {
        return 0;
    }
    slot->busy = 1;
    slot->data = data;
    transport->busy++;
    for (i = 0; headers[i] != NULL; i++) {
        longer = curl_slist_append(slot->headers, headers[i]);
        if (longer == NULL) {
            end_slot(transport, slot);
            return 0;
        }
        slot->headers = longer;
    }
    if (!set_post(transport, slot, body, len) ||
        curl_multi_add_handle(transport->multi, slot->easy) != CURLM_OK) {
        end_slot(transport, slot);
        return 0;
    }
    return 1;
}

static size_t take_answers(transport_t *transport, transport_done_t done) {
    const char *why;
    slot_t *slot;
    CURLMsg *msg;
    void *data;
    size_t n = 0;
    long status;
    int left;

    while ((msg = curl_multi_info_read(transport->multi, &left)) != NULL) {
        if (msg->msg != CURLMSG_DONE) {
            continue;
        }
        status = 0;
        why = curl_easy_strerror(msg->data.result);
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
                                (char **)&slot);
        if (msg->data.result == CURLE_OK) {
            (void)curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE,
                                    &status);
            why = "";
        }
        data = slot->data;
        end_slot(transport, slot);
        done(data, status, why);
        n++;
    }
    return n;
}

size_t transport_wait(transport_t *transport, int ms, transport_done_t done) {
    int64_t until = now_ms() + ms, left;
    size_t n;
    int running;

    for (;;) {
        (void)curl_multi_perform(transport->multi, &running);
        n = take_answers(transport, done);
        left = until - now_ms();
        if (n != 0 || transport->busy == 0 || left <= 0) {
            return n;
        }
        (void)curl_multi_poll(transport->multi, NULL, 0, (int)left, NULL);
    }
}

size_t transport_busy(const transport_t *transport) {
    return transport->busy;
}

channel_t *channel_open(const channel_to_t *to, char *why) {
    channel_t *channel = calloc(1, sizeof(*channel));
    CURLcode rc = CURLE_OUT_OF_MEMORY;
    char url[600];

    (void)snprintf(url, sizeof(url),
                   strchr(to->host, ':') != NULL ? "%s://[%s]:%u"
                                                 : "%s://%s:%u",
                   to->tls ? "https" : "http", to->host, to->port);
    if (channel != NULL && start_curl()) {
        channel->easy = curl_easy_init();
    }
    if (channel != NULL && channel->easy != NULL &&
        set_tls(channel->easy, to->ca) &&
        curl_easy_setopt(channel->easy, CURLOPT_URL, url) == CURLE_OK &&
        curl_easy_setopt(channel->easy, CURLOPT_SSL_ENABLE_ALPN, 0L) ==
            CURLE_OK &&
        curl_easy_setopt(channel->easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
        curl_easy_setopt(channel->easy, CURLOPT_CONNECTTIMEOUT,
                         (long)to->timeout) == CURLE_OK &&
        (to->socket == NULL ||
         curl_easy_setopt(channel->easy, CURLOPT_UNIX_SOCKET_PATH,
                          to->socket) == CURLE_OK)) {
        rc = curl_easy_perform(channel->easy);
    }
    if (rc == CURLE_OK) {
        rc = curl_easy_getinfo(channel->easy, CURLINFO_ACTIVESOCKET,
                               &channel->fd);
    }
    if (rc != CURLE_OK) {
        (void)snprintf(why, TRANSPORT_WHY, "%s", curl_easy_strerror(rc));
        channel_close(channel);
        return NULL;
    }
    return channel;
}

void channel_close(channel_t *channel) {
    if (channel != NULL) {
        curl_easy_cleanup(channel->easy);
        free(channel);
    }
}

/* Return 0 when there is no time left. */
static int wait_fd(const channel_t *channel, short events, int64_t until) {
    struct pollfd fd = {channel->fd, 0, 0};
    int64_t left = until - now_ms();

    fd.events = events;
    return left > 0 && poll(&fd, 1, (int)left) >= 0;
}

long channel_read(channel_t *channel, void *data, size_t size, int ms) {
    int64_t until = now_ms() + ms;
    CURLcode rc;
    size_t n;

    for (;;) {
        rc = curl_easy_recv(channel->easy, data, size, &n);
        if (rc == CURLE_OK && n != 0) {
            return (long)n;
        }
        if (rc != CURLE_AGAIN) {
            return -1;
        }
        if (!wait_fd(channel, POLLIN, until)) {
            return 0;
        }
    }
}

int channel_write(channel_t *channel, const void *data, size_t len, int ms) {
    int64_t until = now_ms() + ms;
    const char *p = data;
    CURLcode rc;
    size_t n;

    while (len != 0) {
        rc = curl_easy_send(channel->easy, p, len, &n);
        if (rc == CURLE_OK) {
            p += n;
            len -= n;
        } else if (rc != CURLE_AGAIN || !wait_fd(channel, POLLOUT, until)) {
            return 0;
        }
    }
    return 1;
}
