/* SPDX-License-Identifier: BSD-2-Clause */

#define _DEFAULT_SOURCE /* struct timeval, struct addrinfo */

#include "wire.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct wire_s {
    int fd;
    SSL_CTX *context;
    SSL *ssl; /* NULL: no TLS */
};

/* For connect() as well, where Linux heeds it. */
static void set_timeouts(int fd) {
    struct timeval timeout = {WIRE_TIMEOUT_S, 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

static int open_unix(const char *path) {
    struct sockaddr_un address;
    int fd;

    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd != -1) {
        set_timeouts(fd);
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
            -1) {
            (void)close(fd);
            fd = -1;
        }
    }
    return fd;
}

static int open_tcp(const char *host, int port) {
    struct addrinfo hints, *list, *one;
    char service[16];
    int fd = -1;

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    (void)snprintf(service, sizeof(service), "%d", port);
    if (getaddrinfo(host, service, &hints, &list) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    for (one = list; one != NULL && fd == -1; one = one->ai_next) {
        fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (fd == -1) {
            continue;
        }
        set_timeouts(fd);
        if (connect(fd, one->ai_addr, one->ai_addrlen) == -1) {
            (void)close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

/* Return NULL, or what is wrong with the files. */
static const char *load(SSL_CTX *context, const wire_to_t *to) {
    if (to->ca != NULL
            ? SSL_CTX_load_verify_locations(context, to->ca, NULL) != 1
            : SSL_CTX_set_default_verify_paths(context) != 1) {
        return "its authorities cannot be read";
    }
    if (to->certificate != NULL &&
        (SSL_CTX_use_certificate_chain_file(context, to->certificate) != 1 ||
         to->key == NULL ||
         SSL_CTX_use_PrivateKey_file(context, to->key, SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_check_private_key(context) != 1)) {
        return "our certificate or its key cannot be used";
    }
    return NULL;
}

static int set_name(SSL *ssl, const char *name) {
    X509_VERIFY_PARAM *verify = SSL_get0_param(ssl);
    char copy[256]; /* OpenSSL's macro takes no const */
    int n = snprintf(copy, sizeof(copy), "%s", name);

    if (X509_VERIFY_PARAM_set1_ip_asc(verify, name) == 1) {
        return 1;
    }
    return n > 0 && (size_t)n < sizeof(copy) && SSL_set1_host(ssl, name) == 1 &&
           SSL_set_tlsext_host_name(ssl, copy) == 1;
}

/* Return NULL, or why there is no TLS. */
static const char *start_tls(wire_t *wire, const wire_to_t *to) {
    const char *why;

    wire->context = SSL_CTX_new(TLS_client_method());
    if (wire->context == NULL ||
        SSL_CTX_set_min_proto_version(wire->context, TLS1_2_VERSION) != 1) {
        return "TLS cannot be set up";
    }
    SSL_CTX_set_verify(wire->context,
                       to->unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       NULL);
    why = load(wire->context, to);
    if (why != NULL) {
        return why;
    }
    wire->ssl = SSL_new(wire->context);
    if (wire->ssl == NULL || SSL_set_fd(wire->ssl, wire->fd) != 1 ||
        !set_name(wire->ssl, to->name != NULL ? to->name : to->host)) {
        return "TLS cannot be set up";
    }
    if (SSL_connect(wire->ssl) != 1) {
        return SSL_get_verify_result(wire->ssl) != X509_V_OK
                   ? X509_verify_cert_error_string(
                         SSL_get_verify_result(wire->ssl))
                   : "no TLS there";
    }
    return NULL;
}

wire_t *wire_open(const wire_to_t *to, char *why, size_t size) {
    const char *reason = NULL;
    wire_t *wire = calloc(1, sizeof(*wire));

    if (wire == NULL) {
        (void)snprintf(why, size, "not enough memory");
        return NULL;
    }
    wire->fd =
        to->port == 0 ? open_unix(to->host) : open_tcp(to->host, to->port);
    if (wire->fd == -1) {
        reason = strerror(errno);
    } else if (to->tls) {
        reason = start_tls(wire, to);
    }
    if (reason != NULL) {
        (void)snprintf(why, size, "%s", reason);
        wire_close(wire);
        return NULL;
    }
    return wire;
}

int wire_write(wire_t *wire, const void *data, size_t len) {
    const char *p = data;
    size_t part;
    long n;

    for (; len != 0; p += n, len -= (size_t)n) {
        part = len < 65536 ? len : 65536;
        n = wire->ssl != NULL ? SSL_write(wire->ssl, p, (int)part)
                              : (long)send(wire->fd, p, part, MSG_NOSIGNAL);
        if (n <= 0) {
            return 0;
        }
    }
    return 1;
}

size_t wire_read(wire_t *wire, void *data, size_t size) {
    size_t part = size < 65536 ? size : 65536;
    long n = wire->ssl != NULL ? SSL_read(wire->ssl, data, (int)part)
                               : (long)recv(wire->fd, data, part, 0);

    return n > 0 ? (size_t)n : 0;
}

void wire_close(wire_t *wire) {
    if (wire == NULL) {
        return;
    }
    SSL_free(wire->ssl);
    SSL_CTX_free(wire->context);
    if (wire->fd != -1) {
        (void)close(wire->fd);
    }
    free(wire);
}
