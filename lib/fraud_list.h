/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_LIST_H
#define FRAUD_LIST_H

/*
 * A set of IPv4 and IPv6 networks with longest-prefix match, immutable once
 * loaded. Look-up: one open-addressing hash table per family, binary search
 * over the prefix lengths that occur (Waldvogel et al., "Scalable High Speed
 * IP Routing Lookups", SIGCOMM 1997), so its cost depends on the number of
 * distinct lengths, never on the number of entries.
 */

#include "fraud_ip.h"
#include "fraud_mem.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_LIST_MAX_ENTRIES 16000000

typedef struct fraud_list_s fraud_list_t;

/*
 * fraud_list_load(list, mem, text, len, err):
 * Build a list from netset ${text}: one address or network a line; text after
 * '#' or ';', blank lines, surrounding blanks and a final CR are ignored;
 * duplicates are allowed. On success the caller owns ${*list}. FRAUD_EINVAL:
 * ${err} has line and reason (no entry at all is an error too: an empty file
 * is more likely a failed download than a wish). FRAUD_ELIMIT over
 * FRAUD_LIST_MAX_ENTRIES; FRAUD_ENOMEM. ${mem} is kept by reference.
 */
fraud_rc fraud_list_load(fraud_list_t **list, const fraud_mem_t *mem,
                         const char *text, size_t len,
                         fraud_err_t *err) FRAUD_CHECK;

/*
 * fraud_list_find(list, ip, bits):
 * Return 1 and the length of the longest network that holds ${ip} in ${bits}
 * (may be NULL), or 0 if none does.
 */
int fraud_list_find(const fraud_list_t *list, const fraud_ip_t *ip,
                    unsigned *bits);

/*
 * fraud_list_count(list), fraud_list_bytes(list):
 * Return the number of distinct networks, and the memory the list occupies.
 */
size_t fraud_list_count(const fraud_list_t *list);
size_t fraud_list_bytes(const fraud_list_t *list);

/*
 * fraud_list_free(list):
 * Destroy ${list}; NULL is a no-op.
 */
void fraud_list_free(fraud_list_t *list);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_LIST_H */
