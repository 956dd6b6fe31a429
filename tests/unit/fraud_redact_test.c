/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_redact.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define TIME "2026/11/22 10:00:00 "

typedef struct {
    const char *in;
    const char *out;
} line_t;

/*
 * Lines as nginx 1.22 and 1.26 write them, without the time; those of a
 * connection are known to be of 127.77.3.9, whose name is "pid".
 */
static const line_t lines[] = {
    {"[error] 12#12: *5 open() \"/srv/www/anna.smith/a?b\" failed (2: No such "
     "file or directory), client: 127.77.3.9, server: example.org, request: "
     "\"GET /anna.smith/a?email=anna@example.net HTTP/1.1\", host: "
     "\"anna.example.org\", referrer: \"http://x/?q=anna\"",
     "[error] 12#12: *5 open() \"-\" failed (2: No such file or directory), "
     "client: pid"},
    {"[error] 12#12: *5 connect() failed (111: Connection refused) while "
     "connecting to upstream, client: 127.77.3.9, server: example.org, "
     "request: \"GET /?email=anna@example.net HTTP/1.1\", upstream: "
     "\"http://127.0.0.1:8080/?email=anna@example.net\", host: \"x\"",
     "[error] 12#12: *5 connect() failed (111: Connection refused) while "
     "connecting to upstream, client: pid"},
    {"[error] 12#12: *5 limiting requests, excess: 5.012 by zone \"one\", "
     "client: 127.77.3.9, server: x, request: \"GET / HTTP/1.1\", host: \"x\"",
     "[error] 12#12: *5 limiting requests, excess: 5.012 by zone \"one\", "
     "client: pid"},
    {"[warn] 12#12: *5 delaying request, excess: 0.820, by zone \"one\", "
     "client: 127.77.3.9",
     "[warn] 12#12: *5 delaying request, excess: 0.820, by zone \"one\", "
     "client: pid"},
    {"[error] 12#12: *5 limiting connections by zone \"one\", client: "
     "127.77.3.9",
     "[error] 12#12: *5 limiting connections by zone \"one\", client: pid"},
    {"[error] 12#12: *5 user \"anna@example.net\" was not found in \"/etc/h\", "
     "client: 127.77.3.9",
     "[error] 12#12: *5 user \"-\" was not found in \"/etc/h\", client: pid"},
    {"[error] 12#12: *5 user \"anna@example.net\": password mismatch, client: "
     "127.77.3.9",
     "[error] 12#12: *5 user \"-\": password mismatch, client: pid"},
    {"[info] 12#12: *5 no user/password was provided for basic authentication, "
     "client: 127.77.3.9",
     "[info] 12#12: *5 no user/password was provided for basic authentication, "
     "client: pid"},
    {"[error] 12#12: *5 client intended to send too large body: 104857600 "
     "bytes, client: 127.77.3.9",
     "[error] 12#12: *5 client intended to send too large body: 104857600 "
     "bytes, client: pid"},
    {"[error] 12#12: *5 client intended to send too large chunked body: 10+20 "
     "bytes, client: 127.77.3.9",
     "[error] 12#12: *5 client intended to send too large chunked body: - "
     "bytes, client: pid"},
    {"[info] 12#12: *5 client sent invalid header line: \"X-Name: "
     "anna\\x00...\" while reading client request headers, client: 127.77.3.9",
     "[info] 12#12: *5 client sent invalid header line: \"-\" while reading "
     "client request headers, client: pid"},
    {"[info] 12#12: *5 client sent invalid method while reading client request "
     "line, client: 127.77.3.9, server: x, request: \"ANNA / HTTP/1.1\"",
     "[info] 12#12: *5 client sent invalid method while reading client request "
     "line, client: pid"},
    {"[info] 12#12: *5 client sent invalid request while reading client "
     "request line, client: 127.77.3.9",
     "[info] 12#12: *5 client sent invalid request while reading client "
     "request line, client: pid"},
    {"[info] 12#12: *5 client sent too long header line: \"Cookie: anna=...\" "
     "while reading client request headers, client: 127.77.3.9",
     "[info] 12#12: *5 client sent too long header line: \"-\" while reading "
     "client request headers, client: pid"},
    {"[info] 12#12: *5 client sent too long URI while reading client request "
     "line, client: 127.77.3.9",
     "[info] 12#12: *5 client sent too long URI while reading client request "
     "line, client: pid"},
    {"[info] 12#12: *5 client sent duplicate host header: \"Host: "
     "anna.example.org\", previous value: \"Host: x\" while reading client "
     "request headers, client: 127.77.3.9",
     "[info] 12#12: *5 client sent duplicate host header: \"-\", previous "
     "value: \"-\" while reading client request headers, client: pid"},
    {"[info] 12#12: *5 client sent plain HTTP request to HTTPS port while "
     "reading client request headers, client: 127.77.3.9",
     "[info] 12#12: *5 client sent plain HTTP request to HTTPS port while "
     "reading client request headers, client: pid"},
    {"[info] 12#12: *5 client 127.77.3.9 closed keepalive connection",
     "[info] 12#12: *5 client pid closed keepalive connection, client: pid"},
    {"[info] 12#12: *5 client 127.77.3.9 closed keepalive connection (104: "
     "Connection reset by peer)",
     "[info] 12#12: *5 client pid closed keepalive connection (104: Connection "
     "reset by peer), client: pid"},
    {"[info] 12#12: *5 kevent() reported that client 127.77.3.9 closed "
     "keepalive connection",
     "[info] 12#12: *5 kevent() reported that client pid closed keepalive "
     "connection, client: pid"},
    {"[info] 12#12: *5 client timed out (110: Connection timed out) while "
     "waiting for request, client: 127.77.3.9, server: 0.0.0.0:80",
     "[info] 12#12: *5 client timed out (110: Connection timed out) while "
     "waiting for request, client: pid"},
    {"[info] 12#12: *5 SSL_do_handshake() failed (SSL: error:0A00006C:SSL "
     "routines::bad key share) while SSL handshaking, client: 127.77.3.9, "
     "server: 0.0.0.0:443",
     "[info] 12#12: *5 SSL_do_handshake() failed (SSL: error:0A00006C:SSL "
     "routines::bad key share) while SSL handshaking, client: pid"},
    {"[info] 12#12: *5 peer closed connection in SSL handshake (104: "
     "Connection reset by peer) while SSL handshaking, client: 127.77.3.9",
     "[info] 12#12: *5 peer closed connection in SSL handshake (104: "
     "Connection reset by peer) while SSL handshaking, client: pid"},
    {"[info] 12#12: *5 client SSL certificate verify error: (18:self signed "
     "certificate) while reading client request headers, client: 127.77.3.9",
     "[info] 12#12: *5 client SSL certificate verify error: (18:self signed "
     "certificate) while reading client request headers, client: pid"},
    {"[info] 12#12: *5 client attempted to request the server name different "
     "from the one that was negotiated while reading client request headers, "
     "client: 127.77.3.9",
     "[info] 12#12: *5 client attempted to request the server name different "
     "from the one that was negotiated while reading client request headers, "
     "client: pid"},
    {"[error] 12#12: *5 upstream timed out (110: Connection timed out) while "
     "reading response header from upstream, client: 127.77.3.9",
     "[error] 12#12: *5 upstream timed out (110: Connection timed out) while "
     "reading response header from upstream, client: pid"},
    {"[error] 12#12: *5 upstream prematurely closed connection while reading "
     "response header from upstream, client: 127.77.3.9",
     "[error] 12#12: *5 upstream prematurely closed connection while reading "
     "response header from upstream, client: pid"},
    {"[error] 12#12: *5 upstream sent too big header while reading response "
     "header from upstream, client: 127.77.3.9",
     "[error] 12#12: *5 upstream sent too big header while reading response "
     "header from upstream, client: pid"},
    {"[error] 12#12: *5 upstream sent invalid header: \"X-Account: "
     "anna\\x0a...\" while reading response header from upstream, client: "
     "127.77.3.9",
     "[error] 12#12: *5 upstream sent invalid header: \"-\" while reading "
     "response header from upstream, client: pid"},
    {"[error] 12#12: *5 no live upstreams while connecting to upstream, "
     "client: 127.77.3.9, upstream: \"http://backend/?x=anna\"",
     "[error] 12#12: *5 no live upstreams while connecting to upstream, "
     "client: pid"},
    {"[crit] 12#12: *5 connect() to unix:/run/app.sock failed (2: No such file "
     "or directory) while connecting to upstream, client: 127.77.3.9",
     "[crit] 12#12: *5 connect() to - failed (2: No such file or directory) "
     "while connecting to upstream, client: pid"},
    {"[error] 12#12: *5 anna.example.net could not be resolved (3: Host not "
     "found), client: 127.77.3.9",
     "[error] 12#12: *5 - could not be resolved (3: Host not found), client: "
     "pid"},
    {"[error] 12#12: *5 FastCGI sent in stderr: \"PHP message: PHP Warning: "
     "bad user \"anna\" in /srv/a.php on line 5\" while reading response "
     "header from upstream, client: 127.77.3.9",
     "[error] 12#12: *5 FastCGI sent in stderr: \"-\" while reading response "
     "header from upstream, client: pid"},
    {"[error] 12#12: *5 access forbidden by rule, client: 127.77.3.9",
     "[error] 12#12: *5 access forbidden by rule, client: pid"},
    {"[error] 12#12: *5 directory index of \"/srv/anna/\" is forbidden, "
     "client: 127.77.3.9",
     "[error] 12#12: *5 directory index of \"-\" is forbidden, client: pid"},
    {"[error] 12#12: *5 \"/srv/anna/index.html\" is not found (2: No such file "
     "or directory), client: 127.77.3.9",
     "[error] 12#12: *5 \"-\" is not found (2: No such file or directory), "
     "client: pid"},
    {"[error] 12#12: *5 rewrite or internal redirection cycle while internally "
     "redirecting to \"/anna\", client: 127.77.3.9",
     "[error] 12#12: *5 rewrite or internal redirection cycle while internally "
     "redirecting to \"-\", client: pid"},
    {"[notice] 12#12: *5 \"^/(.*)\" matches \"/anna\", client: 127.77.3.9",
     "[notice] 12#12: *5 \"-\" matches \"-\", client: pid"},
    {"[notice] 12#12: *5 rewritten data: \"/anna\", args: "
     "\"email=anna@example.net\", client: 127.77.3.9",
     "[notice] 12#12: *5 rewritten data: \"-\", args: \"-\", client: pid"},
    {"[notice] 12#12: *5 rewritten redirect: \"http://anna.example.org/\", "
     "client: 127.77.3.9",
     "[notice] 12#12: *5 rewritten redirect: \"-\", client: pid"},
    {"[error] 12#12: *5 broken header: \"anna PROXY 10.1.2.3\" while reading "
     "PROXY protocol, client: 127.77.3.9",
     "[error] 12#12: *5 broken header: \"-\" while reading PROXY protocol, "
     "client: pid"},
    {"[error] 12#12: *5 invalid host in upstream \"anna:x\", client: "
     "127.77.3.9",
     "[error] 12#12: *5 invalid host in upstream \"-\", client: pid"},
    {"[warn] 12#12: *5 a client request body is buffered to a temporary file "
     "/var/lib/nginx/body/0000000001, client: 127.77.3.9",
     "[warn] 12#12: *5 a client request body is buffered to a temporary file "
     "-, client: pid"},
    {"[warn] 12#12: *5 an upstream response is buffered to a temporary file "
     "/var/lib/nginx/proxy/1/00/0000000001 while reading upstream, client: "
     "127.77.3.9",
     "[warn] 12#12: *5 an upstream response is buffered to a temporary file - "
     "while reading upstream, client: pid"},
    {"[info] 12#12: *5 client sent invalid :path header: \"/anna\" while "
     "processing HTTP/2 connection, client: 127.77.3.9",
     "[info] 12#12: *5 client sent invalid :path header: \"-\" while "
     "processing HTTP/2 connection, client: pid"},
    {"[info] 12#12: *5 client sent unknown pseudo-header \":anna\" while "
     "reading client request headers, client: 127.77.3.9",
     "[info] 12#12: *5 client sent unknown pseudo-header \"-\" while reading "
     "client request headers, client: pid"},
    {"[info] 12#12: *5 http2 flood detected while processing HTTP/2 "
     "connection, client: 127.77.3.9",
     "[info] 12#12: *5 http2 flood detected while processing HTTP/2 "
     "connection, client: pid"},
    {"[info] 12#12: *5 client sent inappropriate frame while CONTINUATION was "
     "expected while processing HTTP/2 connection, client: 127.77.3.9",
     "[info] 12#12: *5 client sent inappropriate frame while CONTINUATION was "
     "expected while processing HTTP/2 connection, client: pid"},
    {"[error] 12#12: *5 auth request unexpected status: 500 while sending to "
     "client, client: 127.77.3.9, subrequest: \"/auth?anna\"",
     "[error] 12#12: *5 auth request unexpected status: 500 while sending to "
     "client, client: pid"},
    {"[error] 12#12: *5 client sent invalid \"Destination\" header: "
     "\"http://anna\", client: 127.77.3.9",
     "[error] 12#12: *5 client sent invalid \"-\" header: \"-\", client: pid"},
    {"[error] 12#12: *5 userid cookie \"uid=0A0B0C0D00000000AABBCCDD01020304\" "
     "was reset, client: 127.77.3.9",
     "[error] 12#12: *5 userid cookie \"-\" was reset, client: pid"},
    {"[error] 12#12: *5 client sent invalid userid cookie \"uid=anna\", "
     "client: 127.77.3.9",
     "[error] 12#12: *5 client sent invalid userid cookie \"-\", client: pid"},
    {"[error] 12#12: *5 key: \"anna\" was not found by memcached while reading "
     "response header from upstream, client: 127.77.3.9",
     "[error] 12#12: *5 key: \"-\" was not found by memcached while reading "
     "response header from upstream, client: pid"},
    {"[error] 12#12: *5 unsafe URI \"/../anna\" was detected while reading "
     "response header from upstream, client: 127.77.3.9",
     "[error] 12#12: *5 unsafe URI \"-\" was detected while reading response "
     "header from upstream, client: pid"},
    {"[crit] 12#12: *5 pwritev() \"/var/lib/nginx/body/0000000001\" failed "
     "(28: No space left on device), client: 127.77.3.9",
     "[crit] 12#12: *5 pwritev() \"-\" failed (28: No space left on device), "
     "client: pid"},
    {"[alert] 12#12: *5 open socket #12 left in connection 5",
     "[alert] 12#12: *5 open socket #12 left in connection 5, client: pid"},
    {"[crit] 12#12: accept4() failed (24: Too many open files)",
     "[crit] 12#12: accept4() failed (24: Too many open files)"},
    {"[alert] 12#12: 1024 worker_connections are not enough",
     "[alert] 12#12: 1024 worker_connections are not enough"},
    {"[alert] 12#12: worker process 123 exited on signal 11 (core dumped)",
     "[alert] 12#12: worker process 123 exited on signal 11 (core dumped)"},
    {"[notice] 12#12: signal 3 (SIGQUIT) received from 99, shutting down",
     "[notice] 12#12: signal 3 (SIGQUIT) received from 99, shutting down"},
    {"[notice] 12#12: gracefully shutting down",
     "[notice] 12#12: gracefully shutting down"},
    {"[emerg] 12#12: unknown directive \"anna\" in "
     "/etc/nginx/conf.d/site.conf:12",
     "[emerg] 12#12: unknown directive \"-\" in "
     "/etc/nginx/conf.d/site.conf:12"},
    {"[emerg] 12#12: bind() to 0.0.0.0:80 failed (98: Address already in use)",
     "[emerg] 12#12: bind() to - failed (98: Address already in use)"},
    {"[error] 12#12: unexpected DNS response for anna.example.net",
     "[error] 12#12: unexpected DNS response for -"},
    {"[error] 12#12: recv() failed (111: Connection refused) while resolving, "
     "resolver: 10.0.0.1:53",
     "[error] 12#12: recv() failed (111: Connection refused) while resolving, "
     "resolver: -"},
    {"[error] 12#12: \"fraud_keys\": there is no good \"/var/lib/keys/1.keys\" "
     "with the secrets of this epoch",
     "[error] 12#12: \"fraud_keys\": there is no good \"/var/lib/keys/1.keys\" "
     "with the secrets of this epoch"},
    {"[error] 12#12: fraud: redis is lost (timeout), the zone counts on",
     "[error] 12#12: fraud: redis is lost (timeout), the zone counts on"},
    {"[debug] 12#12: *5 http header: \"Host: anna.example.org\"",
     "[debug] 12#12: *5 http header: \"-\", client: pid"},
    {"[debug] 12#12: *5 access: 10000011 FFFFFFFF 7F000001",
     "[debug] 12#12: *5 access: -, client: pid"},
    {"[error] 12#12: *5 [lua] access.lua:12: user anna from 10.1.2.3 has "
     "4111111111111111, client: 127.77.3.9",
     "[error] 12#12: *5 [lua] - user - from - has -, client: pid"},
    {"[error] 12#12: *5 open() "
     "\"/srv/{\"mail\":\"anna@example.net\",\"tel\":\"01712345678\"}\" failed "
     "(2: No such file or directory), client: 127.77.3.9",
     "[error] 12#12: *5 open() \"-\" failed (2: No such file or directory), "
     "client: pid"},
};

/* What people put into requests; none of it may come out. */
static const char *const hostile[] = {
    "anna@example.net",
    "a\"anna@example.net\"b",
    "a\" anna@example.net 4111111111111111",
    "\", client: 203.0.113.7, server: anna.example.net",
    ", client: 203.0.113.7, host: \"anna.example.net",
    "{\"mail\":\"anna@example.net\",\"tel\":01712345678}",
    "\"anna\" 203.0.113.7 2001:470:1:18::119 \"",
    "x\n2026/11/22 10:00:00 [error] 1#1: anna",
    "4111111111111111",
    "\"4111 1111 1111 1111\" (411: (111: 203.0.113.7",
    "anna%40example.net",
    "\xc3\xa4nna",
};

static const char *const needles[] = {
    "anna", "example.net", "203.0.113.7", "2001:470", "119",    "4111",
    "1111", "01712345678", "1712",        "\xc3",     "xample", "127.77"};

static const fraud_str_t strings[] = {{(const uint8_t *)"one", 3},
                                      {(const uint8_t *)"/etc/h", 6}};

static const fraud_redact_known_t known = {
    strings, N(strings), {(const uint8_t *)"/etc/nginx/", 11}};

static fraud_str_t str(const char *text) {
    fraud_str_t s = {(const uint8_t *)text, strlen(text)};

    return s;
}

static fraud_redact_who_t somebody(void) {
    fraud_redact_who_t who;

    memset(&who, 0, sizeof(who));
    who.address = str("127.77.3.9");
    who.client = str("pid");
    return who;
}

/* From and to memory that ends where it is said to. */
static size_t redact(char *out, size_t size, const char *text, size_t len,
                     const fraud_redact_who_t *who) {
    char *in = malloc(len + 1), *exact = malloc(size + 1);
    size_t n;

    assert_non_null(in);
    assert_non_null(exact);
    memcpy(in + 1, text, len);
    n = fraud_redact_line(exact + 1, size, in + 1, len, &known, who);
    assert_true(n <= size);
    memcpy(out, exact + 1, n);
    out[n] = '\0';
    free(in);
    free(exact);
    return n;
}

static void lines_of_nginx(void **state) {
    char in[FRAUD_REDACT_MAX], out[FRAUD_REDACT_MAX + 1],
        want[FRAUD_REDACT_MAX];
    fraud_redact_who_t who = somebody();
    size_t i;

    (void)state;
    for (i = 0; i < N(lines); i++) {
        (void)snprintf(in, sizeof(in), TIME "%s\n", lines[i].in);
        (void)snprintf(want, sizeof(want), TIME "%s\n", lines[i].out);
        (void)redact(out, FRAUD_REDACT_MAX, in, strlen(in),
                     strchr(lines[i].in, '*') != NULL ? &who : NULL);
        assert_string_equal(out, want);
    }
}

/* With the caller's knowledge: the tail is all its own. */
static void what_is_known(void **state) {
    static const char in[] =
        TIME "[error] 1#1: *5 connect() to 10.0.0.8:80 failed (111: "
             "Connection refused) while connecting to upstream, client: "
             "127.77.3.9, server: anna, request: \"GET /anna HTTP/1.1\", "
             "upstream: \"http://anna/?x\", host: \"anna\"\n";
    char out[FRAUD_REDACT_MAX + 1];
    fraud_redact_who_t who = somebody();

    (void)state;
    who.server = str("shop.example");
    who.method = str("GET");
    who.protocol = str("HTTP/1.1");
    who.scheme = str("http://");
    who.upstream = str("10.0.0.8:80");
    who.request = 1;
    (void)redact(out, FRAUD_REDACT_MAX, in, sizeof(in) - 1, &who);
    assert_string_equal(
        out, TIME "[error] 1#1: *5 connect() to 10.0.0.8:80 failed (111: "
                  "Connection refused) while connecting to upstream, client: "
                  "pid, server: shop.example, request: \"GET HTTP/1.1\", "
                  "upstream: \"http://10.0.0.8:80\"\n");

    who.client = str("");
    who.method = str("");
    who.protocol = str("");
    who.server = str("a\"b");
    who.upstream = str("");
    (void)redact(out, FRAUD_REDACT_MAX, in, sizeof(in) - 1, &who);
    assert_string_equal(
        out, TIME "[error] 1#1: *5 connect() to - failed (111: Connection "
                  "refused) while connecting to upstream, client: -, request: "
                  "\"-\"\n");
}

/* Every line with every "anna" of it, and every quote, made hostile. */
static void nobody_gets_through(void **state) {
    char in[2 * FRAUD_REDACT_MAX], out[FRAUD_REDACT_MAX + 1],
        again[FRAUD_REDACT_MAX + 1];
    fraud_redact_who_t who = somebody();
    const char *p;
    size_t i, k, n, len;

    (void)state;
    for (i = 0; i < N(lines); i++) {
        if (strstr(lines[i].in, ": \"fraud") != NULL) {
            continue;
        }
        for (k = 0; k < N(hostile); k++) {
            len = (size_t)sprintf(in, TIME);
            for (p = lines[i].in; *p != '\0'; p++) {
                in[len++] = *p;
                if (*p == '"') {
                    len += (size_t)sprintf(in + len, "%s", hostile[k]);
                } else if (strncmp(p, "anna", 4) == 0) {
                    len += (size_t)sprintf(in + len - 1, "%s", hostile[k]) - 1;
                    p += 3;
                }
                assert_true(len < sizeof(in) - 100);
            }
            (void)redact(out, FRAUD_REDACT_MAX, in, len, &who);
            for (n = 0; n < N(needles); n++) {
                if (strstr(out, needles[n]) != NULL) {
                    fail_msg("\"%s\" in %s", needles[n], out);
                }
            }

            /* what is allowed once is allowed again */
            (void)redact(again, FRAUD_REDACT_MAX, out, strlen(out), &who);
            assert_string_equal(again, out);
        }
    }
}

static void any_size(void **state) {
    static const char in[] = TIME "[error] 1#1: *5 open() \"/anna\" failed (2: "
                                  "No such file or directory), client: x\n";
    char out[FRAUD_REDACT_MAX + 1], twisted[sizeof(in)];
    fraud_redact_who_t who = somebody();
    size_t size, n;

    (void)state;
    for (size = 0; size < 200; size++) {
        n = redact(out, size, in, sizeof(in) - 1, &who);
        assert_true(size == 0 ? n == 0 : out[n - 1] == '\n');
        assert_null(strstr(out, "anna"));
    }
    for (size = 0; size < sizeof(in); size++) {
        (void)redact(out, FRAUD_REDACT_MAX, in, size, &who);
        assert_null(strstr(out, "anna"));
        (void)redact(out, FRAUD_REDACT_MAX, in + size, sizeof(in) - size, NULL);
        assert_null(strstr(out, "anna"));
        memcpy(twisted, in, sizeof(in));
        twisted[size] = '"';
        (void)redact(out, FRAUD_REDACT_MAX, twisted, sizeof(in) - 1, NULL);
        assert_null(strstr(out, "anna"));
    }
}

static void number_of_connection(void **state) {
    static const char in[] = TIME "[error] 1#1: *57 x";
    static const char none[] = TIME "[error] 1#1: x *57 ";

    (void)state;
    assert_true(fraud_redact_connection(in, sizeof(in) - 1) == 57);
    assert_true(fraud_redact_connection(none, sizeof(none) - 1) == 0);
    assert_true(fraud_redact_connection("*57 ", 4) == 0);
    assert_true(fraud_redact_connection("", 0) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_nginx),       cmocka_unit_test(what_is_known),
        cmocka_unit_test(nobody_gets_through),  cmocka_unit_test(any_size),
        cmocka_unit_test(number_of_connection),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
