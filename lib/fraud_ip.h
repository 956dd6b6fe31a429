/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_IP_H
#define FRAUD_IP_H

/*
 * Addresses in one canonical form: an IPv4-mapped (RFC 4291 2.5.5.2) and a
 * NAT64 well-known-prefix address (RFC 6052, 64:ff9b::/96) is the IPv4
 * address inside it, so that one host is one subject however it arrives.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

typedef struct {
    uint8_t family;    /* 4 or 6 */
    uint8_t bytes[16]; /* network order; family 4 uses the first four */
} fraud_ip_t;

/*
 * fraud_ip_from_bytes(ip, bytes, len):
 * Set ${ip} to the canonical form of the ${len} = 4 or 16 ${bytes} in network
 * order. FRAUD_EINVAL for any other length.
 */
fraud_rc fraud_ip_from_bytes(fraud_ip_t *ip, const uint8_t *bytes,
                             size_t len) FRAUD_CHECK;

/*
 * fraud_ip_parse(ip, text, len):
 * Parse dotted-quad IPv4 (no octal, no leading zeros, RFC 6943 3.1.1) or
 * IPv6 text (RFC 4291 2.2, also in brackets; no zone id, no port) into its
 * canonical form. FRAUD_EINVAL if ${text} is anything else.
 */
fraud_rc fraud_ip_parse(fraud_ip_t *ip, const char *text,
                        size_t len) FRAUD_CHECK;

/*
 * fraud_ip_parse_network(ip, bits, text, len):
 * Parse "ADDRESS" or "ADDRESS/BITS". ${bits} is in the scale of the
 * canonical family: ::ffff:192.0.2.0/120 is 192.0.2.0/24. FRAUD_EINVAL if
 * malformed, if ${bits} is out of range, if bits outside the prefix are set,
 * or if a mapped or NAT64 prefix is shorter than /96 (it has no canonical
 * form).
 */
fraud_rc fraud_ip_parse_network(fraud_ip_t *ip, unsigned *bits,
                                const char *text, size_t len) FRAUD_CHECK;

/*
 * fraud_ip_mask(ip, v4_bits, v6_bits):
 * Clear all bits of ${ip} past its family's prefix length; lengths past 32
 * or 128 leave it whole.
 */
void fraud_ip_mask(fraud_ip_t *ip, unsigned v4_bits, unsigned v6_bits);

/*
 * fraud_ip_len(ip):
 * Return the number of significant bytes, 4 or 16.
 */
size_t fraud_ip_len(const fraud_ip_t *ip);

/*
 * fraud_ip_is_private(ip):
 * Return 1 for addresses that no client on the public Internet has: loopback,
 * link-local, RFC 1918, RFC 6598 (shared CGNAT space), RFC 4193. Else 0.
 */
int fraud_ip_is_private(const fraud_ip_t *ip);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_IP_H */
