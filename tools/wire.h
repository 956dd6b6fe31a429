/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WIRE_H
#define WIRE_H

/*
 * A connection by TCP, with or without TLS, or by a unix socket. All waits
 * end after WIRE_TIMEOUT_S seconds.
 */

#include <stddef.h>

#define WIRE_TIMEOUT_S 10

typedef struct {
    const char *host; /* or the path of a socket */
    int port;         /* 0: a socket */
    int tls;
    const char *ca;          /* authorities, NULL: the system's */
    const char *certificate; /* our own, with its key, or NULL */
    const char *key;
    const char *name; /* in the server's certificate, NULL: the host */
    int unverified;
} wire_to_t;

typedef struct wire_s wire_t;

/*
 * wire_open(to, why, size):
 * Connect. NULL: the ${size} bytes at ${why} say why not.
 */
wire_t *wire_open(const wire_to_t *to, char *why, size_t size);

/*
 * wire_write(wire, data, len):
 * Return 1 if all was sent, else 0.
 */
int wire_write(wire_t *wire, const void *data, size_t len);

/*
 * wire_read(wire, data, size):
 * Return how many bytes came, 0 at the end, after an error or too late.
 */
size_t wire_read(wire_t *wire, void *data, size_t size);

/*
 * wire_close(wire):
 * Close it; NULL is a no-op.
 */
void wire_close(wire_t *wire);

#endif /* WIRE_H */
