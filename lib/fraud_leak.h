/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_LEAK_H
#define FRAUD_LEAK_H

/*
 * What a configuration writes about people behind a policy's back: access logs
 * with raw identifiers, cache files named by arguments, bodies kept in files,
 * cores. It is fed with directives, as they stand, and inherits them as nginx
 * does: a directive counts in a block unless an inner one has its own.
 */

#include "fraud_alias.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_LEAK_BLOCKS 2048
#define FRAUD_LEAK_ITEMS 1024
#define FRAUD_LEAK_FORMATS 64
#define FRAUD_LEAK_DEPTH 32
#define FRAUD_LEAK_NAME 32 /* of a variable, as it is told */

typedef enum {
    FRAUD_LEAK_ACCESS_LOG,
    FRAUD_LEAK_BODY_FILE,
    FRAUD_LEAK_PROXY_KEY,
    FRAUD_LEAK_FASTCGI_KEY,
    FRAUD_LEAK_UWSGI_KEY,
    FRAUD_LEAK_SCGI_KEY,
    FRAUD_LEAK_CORE,
    FRAUD_LEAK_PROXY_CACHE, /* without a key: the default has arguments */
    FRAUD_LEAK_FAMILIES
} fraud_leak_family_t;

typedef struct {
    uint16_t block;
    uint8_t family;
    uint8_t leaks;
    uint8_t told; /* it counts under a policy */
    uint16_t file;
    uint32_t line;
    char variable[FRAUD_LEAK_NAME]; /* the raw one, empty if it is none */
} fraud_leak_item_t;

typedef struct {
    uint16_t parent;
    uint8_t serves; /* requests end here: server, location, if */
    uint8_t policy; /* it has one of its own */
} fraud_leak_block_t;

typedef struct {
    fraud_str_t name;
    char variable[FRAUD_LEAK_NAME];
} fraud_leak_format_t;

/* Large: of a pool, not of a stack. */
typedef struct {
    fraud_alias_t *alias;
    fraud_leak_block_t blocks[FRAUD_LEAK_BLOCKS]; /* 0: all */
    size_t nblocks;
    fraud_leak_item_t items[FRAUD_LEAK_ITEMS];
    size_t nitems;
    fraud_leak_format_t formats[FRAUD_LEAK_FORMATS];
    size_t nformats;
    uint16_t stack[FRAUD_LEAK_DEPTH];
    size_t depth;
    size_t lost; /* blocks too deep or too many, to be closed */
    int full;    /* something was left out */
} fraud_leak_t;

/*
 * fraud_leak_init(leak, alias):
 * Begin outside of all blocks. ${alias} is of the same configuration, or NULL:
 * variables that are made of others are then taken for harmless.
 */
void fraud_leak_init(fraud_leak_t *leak, fraud_alias_t *alias);

/*
 * fraud_leak_directive(leak, words, n, file, line):
 * Take a directive of ${n} words in line ${line} of the file that the caller
 * has the number ${file} for. Words have to live as long as ${leak}.
 */
void fraud_leak_directive(fraud_leak_t *leak, const fraud_str_t *words,
                          size_t n, size_t file, size_t line);

/*
 * fraud_leak_open(leak, words, n), fraud_leak_close(leak):
 * A block begins or ends.
 */
void fraud_leak_open(fraud_leak_t *leak, const fraud_str_t *words, size_t n);
void fraud_leak_close(fraud_leak_t *leak);

/*
 * fraud_leak_find(leak):
 * All was read: mark what leaks under a policy as told. Return 1 if requests
 * under one are logged by nginx's default, for want of any access_log.
 */
int fraud_leak_find(fraud_leak_t *leak);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_LEAK_H */
