/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_REDUCE_H
#define FRAUD_REDUCE_H

/*
 * What of a request may stand in a log, reduced to what names nobody: a part
 * of a path or a host that could be a number, a token, an address or an e-mail
 * address is "-". Each of these appends "-" if nothing is left.
 */

#include "fraud_buf.h"
#include "fraud_ip.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_REDUCE_PART 32u  /* bytes of a part, longer ones are tokens */
#define FRAUD_REDUCE_DIGITS 4u /* in a part, more are a number */
#define FRAUD_REDUCE_PARTS 12u /* of a path, the rest is left out */
#define FRAUD_REDUCE_MAX 768u  /* more than what any of these appends */

/*
 * fraud_reduce_path(buf, path, len):
 * Append the ${len} bytes at ${path} up to any query or fragment.
 */
void fraud_reduce_path(fraud_buf_t *buf, const void *path, size_t len);

/*
 * fraud_reduce_referer(buf, text, len, with_path):
 * Append the host of an http or https URL, and its path, too, ${with_path};
 * never user, port or query. A host that is an address is "-".
 */
void fraud_reduce_referer(fraud_buf_t *buf, const void *text, size_t len,
                          int with_path);

/*
 * fraud_reduce_lang(buf, text, len):
 * Append the language that an Accept-Language names first, without region.
 */
void fraud_reduce_lang(fraud_buf_t *buf, const void *text, size_t len);

/*
 * fraud_reduce_prefix(buf, ip):
 * Append the network of ${ip}: /24, or /48 of IPv6.
 */
void fraud_reduce_prefix(fraud_buf_t *buf, const fraud_ip_t *ip);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_REDUCE_H */
