/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_REDACT_H
#define FRAUD_REDACT_H

/*
 * Lines of nginx's error log without anybody's data. A line is made anew from
 * what is allowed: its head (time, level, process, number of the connection),
 * fixed words, short numbers, errors of the system, and strings of the
 * configuration. All else becomes "-". What nginx adds about the request
 * (client, server, request, upstream, host, referrer) is not read at all, but
 * written from what the caller knows of it.
 *
 * No line comes out longer than the memory given, whatever came in.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* a line of nginx's with its linefeed, NGX_MAX_ERROR_STR */
#define FRAUD_REDACT_MAX 2048

/*
 * Strings of the configuration that may be told wherever they stand, sorted
 * by fraud_redact_compare(), and the directory of its files, with a '/' at
 * the end: a file below it may be told with its line.
 */
typedef struct {
    const fraud_str_t *strings;
    size_t n;
    fraud_str_t directory;
} fraud_redact_known_t;

/* What is told of a line's request; what is empty is not known. */
typedef struct {
    fraud_str_t address;  /* of the client, as nginx writes it: looked for */
    fraud_str_t client;   /* its pseudonym */
    fraud_str_t server;   /* name of the server, as configured */
    fraud_str_t method;   /* one that nginx knows */
    fraud_str_t protocol; /* such as HTTP/1.1 */
    fraud_str_t scheme;   /* such as http:// */
    fraud_str_t upstream; /* its address */
    int request;          /* there is a request line */
} fraud_redact_who_t;

/*
 * fraud_redact_compare(one, two):
 * Order strings, for qsort() and for looking them up: by length, then bytes.
 */
int fraud_redact_compare(const void *one, const void *two);

/*
 * fraud_redact_line(out, size, line, len, known, who):
 * Write what may be told of the ${len} bytes of ${line} to the ${size} bytes
 * at ${out}, with a linefeed at the end. Return how many bytes were written,
 * 0 if ${size} is. ${out} and ${line} are apart; ${known} and ${who} may be
 * NULL.
 */
size_t fraud_redact_line(void *out, size_t size, const void *line, size_t len,
                         const fraud_redact_known_t *known,
                         const fraud_redact_who_t *who);

/*
 * fraud_redact_connection(line, len):
 * The number of the connection that a line is about, 0 if it has none.
 */
uint64_t fraud_redact_connection(const void *line, size_t len);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_REDACT_H */
