/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRANSPORT_H
#define TRANSPORT_H

/*
 * What leaves this program, by libcurl: messages that are POSTed over TLS, and
 * byte channels, with or without TLS. Certificates are verified, always; no
 * redirect is followed, no proxy is asked.
 */

#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_HEADERS 4
#define TRANSPORT_WHY 128

typedef struct transport_s transport_t;
typedef struct channel_s channel_t;

/*
 * transport_open(url, ca, timeout, max), transport_close(transport):
 * For POSTs to ${url}, verified by the CAs in the file ${ca} (NULL: the
 * system's), answered within ${timeout} seconds, ${max} at once. NULL without
 * memory. What is under way is given up by the inverse.
 */
transport_t *transport_open(const char *url, const char *ca, int timeout,
                            size_t max);
void transport_close(transport_t *transport);

/*
 * transport_is_url(url):
 * Return 1 for "https://HOST...", without a user.
 */
int transport_is_url(const char *url);

/*
 * transport_post(transport, headers, body, len, data):
 * Send the ${len} bytes at ${body}, which are copied, with ${headers}, at most
 * TRANSPORT_HEADERS lines, until NULL. Return 0 if it cannot be begun.
 */
int transport_post(transport_t *transport, const char *const *headers,
                   const void *body, size_t len, void *data);

/*
 * transport_wait(transport, ms, done):
 * Wait at most ${ms} milliseconds for an answer, and call ${done} for each:
 * ${status} of HTTP, or 0 and why there is none. Return how many there were.
 */
typedef void (*transport_done_t)(void *data, long status, const char *why);
size_t transport_wait(transport_t *transport, int ms, transport_done_t done);

/*
 * transport_busy(transport):
 * Return how many are under way.
 */
size_t transport_busy(const transport_t *transport);

typedef struct {
    const char *host;
    unsigned port;
    const char *socket; /* NULL: host and port */
    int tls;
    const char *ca; /* NULL: the system's */
    int timeout;    /* seconds, of connecting */
} channel_to_t;

/*
 * channel_open(to, why), channel_close(channel):
 * Connect; NULL and ${why}, TRANSPORT_WHY bytes, if that fails. NULL is a no-op
 * for the inverse.
 */
channel_t *channel_open(const channel_to_t *to, char *why);
void channel_close(channel_t *channel);

/*
 * channel_read(channel, data, size, ms):
 * Return how many bytes came, 0 if none did in ${ms} milliseconds, -1 if none
 * will.
 */
long channel_read(channel_t *channel, void *data, size_t size, int ms);

/*
 * channel_write(channel, data, len, ms):
 * Return 1 if all of it was sent within ${ms} milliseconds. After 0 only
 * channel_close() is left.
 */
int channel_write(channel_t *channel, const void *data, size_t len, int ms);

#endif /* TRANSPORT_H */
