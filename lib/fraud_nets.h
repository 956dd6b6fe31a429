/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_NETS_H
#define FRAUD_NETS_H

/*
 * The networks of a netset text, sorted, while a list is loaded from it.
 */

#include "fraud_ip.h"
#include "fraud_mem.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_NETS_V4_WORDS 1
#define FRAUD_NETS_V6_WORDS 4

/*
 * The n networks of one family: each the words of its address, the most
 * significant first, and one word with its length.
 */
typedef struct {
    size_t words; /* of an address */
    uint32_t *data;
    size_t n;
    size_t size;
} fraud_nets_family_t;

typedef struct {
    const fraud_mem_t *mem;
    size_t max;
    fraud_nets_family_t v4;
    fraud_nets_family_t v6;
} fraud_nets_t;

/*
 * fraud_nets_init(nets, mem, max):
 * Prepare ${nets} for at most ${max} networks, duplicates included. ${mem} is
 * not NULL and is kept by reference.
 */
void fraud_nets_init(fraud_nets_t *nets, const fraud_mem_t *mem, size_t max);

/*
 * fraud_nets_read(nets, text, len, err):
 * Read ${text} as fraud_list_load() describes it, once. Afterwards each family
 * is in the order of addresses, of equal ones the shorter network first, and
 * without duplicates. Whatever the result, fraud_nets_clear() follows.
 */
fraud_rc fraud_nets_read(fraud_nets_t *nets, const char *text, size_t len,
                         fraud_err_t *err) FRAUD_CHECK;

/*
 * fraud_nets_load(words, ip):
 * Write the words of ${ip}, as many as its family has.
 */
void fraud_nets_load(uint32_t *words, const fraud_ip_t *ip);

/*
 * fraud_nets_clear(nets):
 * Give back the networks.
 */
void fraud_nets_clear(fraud_nets_t *nets);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_NETS_H */
