/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_CONF_H
#define FRAUD_CONF_H

/*
 * Reading nginx's configuration language: directives of words, ended by ';' or
 * opening a block. It finds no fault with what nginx itself has accepted: text
 * in other languages (a block of Lua) is stepped over.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_CONF_WORDS 64 /* of one directive; what is more is left out */

typedef enum {
    FRAUD_CONF_DIRECTIVE, /* words; */
    FRAUD_CONF_OPEN,      /* words { */
    FRAUD_CONF_CLOSE,     /* } */
    FRAUD_CONF_END
} fraud_conf_what_t;

/* Words point into the text, quotes and backslashes as they are there. */
typedef struct {
    const uint8_t *p;
    const uint8_t *end;
    size_t line;  /* where reading is */
    size_t first; /* line of the first word */
    fraud_str_t words[FRAUD_CONF_WORDS];
    size_t n;
} fraud_conf_t;

/*
 * fraud_conf_init(conf, data, len):
 * Begin to read the ${len} bytes at ${data}, which have to outlive ${conf}.
 */
void fraud_conf_init(fraud_conf_t *conf, const void *data, size_t len);

/*
 * fraud_conf_next(conf):
 * Read on, and set ${conf}->words, ->n and ->first.
 */
fraud_conf_what_t fraud_conf_next(fraud_conf_t *conf);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_CONF_H */
