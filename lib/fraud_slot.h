/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_SLOT_H
#define FRAUD_SLOT_H

/*
 * Which node of a Redis Cluster holds a key: its slot, the map of slots as
 * CLUSTER SLOTS tells it, and the redirections that say that a map is old.
 * Slices point into the text that was read, and live no longer than it.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_SLOT_N 16384
#define FRAUD_SLOT_MAX_NODES 64
#define FRAUD_SLOT_MAX_HOST 253 /* bytes of a DNS name, RFC 1035 2.3.4 */

/* Where a node is; an empty host is that of the node that was asked. */
typedef struct {
    fraud_str_t host; /* name or address, without brackets */
    uint16_t port;
} fraud_slot_addr_t;

typedef struct {
    uint16_t slot;
    int ask; /* ASK: this once, else MOVED: for good */
    fraud_slot_addr_t addr;
} fraud_slot_redirect_t;

/* A map; owner[] are places in nodes[], which has no address twice. */
typedef struct {
    uint16_t owner[FRAUD_SLOT_N];
    fraud_slot_addr_t nodes[FRAUD_SLOT_MAX_NODES];
    size_t n;
    size_t covered; /* slots that have an owner */
} fraud_slot_map_t;

/*
 * fraud_slot_crc16(data, len):
 * Return the CRC-16/XMODEM of the ${len} bytes at ${data}: polynomial 0x1021,
 * starting from 0, nothing reflected.
 */
uint16_t fraud_slot_crc16(const uint8_t *data, size_t len);

/*
 * fraud_slot_of(key, len):
 * Return the slot of a key: of what is between its first '{' and the next '}'
 * if both are there and not neighbours, else of all its bytes.
 */
uint16_t fraud_slot_of(const uint8_t *key, size_t len);

/*
 * fraud_slot_addr(addr, host, len, port):
 * Set ${addr} from the host and port of a node as a server tells them.
 * FRAUD_EINVAL if ${port} is none, or if the host is neither empty nor made
 * of the bytes of a name or an address ("?" of a server that does not know
 * its name is not), or longer than FRAUD_SLOT_MAX_HOST.
 */
fraud_rc fraud_slot_addr(fraud_slot_addr_t *addr, const uint8_t *host,
                         size_t len, int64_t port) FRAUD_CHECK;

/*
 * fraud_slot_redirect(redirect, text, len):
 * Parse the text of an error reply: "MOVED 3999 127.0.0.1:6381" or ASK; the
 * port is after the last colon, so that IPv6 needs no brackets (and may have
 * them). FRAUD_NOTFOUND if it is another error, FRAUD_EINVAL if malformed.
 */
fraud_rc fraud_slot_redirect(fraud_slot_redirect_t *redirect,
                             const uint8_t *text, size_t len) FRAUD_CHECK;

/*
 * fraud_slot_begin(map):
 * Make ${map} empty.
 */
void fraud_slot_begin(fraud_slot_map_t *map);

/*
 * fraud_slot_range(map, first, last, addr):
 * Give the slots from ${first} to ${last} to the node at ${addr}. FRAUD_EINVAL
 * if that is no range or one of them has an owner, FRAUD_ELIMIT past
 * FRAUD_SLOT_MAX_NODES; ${map} is then not to be used.
 */
fraud_rc fraud_slot_range(fraud_slot_map_t *map, int64_t first, int64_t last,
                          const fraud_slot_addr_t *addr) FRAUD_CHECK;

/*
 * fraud_slot_finish(map):
 * Return FRAUD_OK if every slot has an owner, else FRAUD_AGAIN.
 */
fraud_rc fraud_slot_finish(const fraud_slot_map_t *map) FRAUD_CHECK;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_SLOT_H */
