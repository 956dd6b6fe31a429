/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef JSONLINE_H
#define JSONLINE_H

/*
 * One JSON object (RFC 8259) on a line as a flat list of keys and texts:
 * strings decoded, numbers and true/false as they are written, null and false
 * empty. Members that are objects or arrays are left out. Bytes past ASCII in
 * strings are taken as they come.
 */

#include "fraud_types.h"

#define JSONLINE_MAX_PAIRS 256 /* more are left out */
#define JSONLINE_MAX_DEPTH 32

typedef struct {
    fraud_str_t key;
    fraud_str_t value;
} jsonline_pair_t;

/*
 * jsonline_read(pairs, n, data, len):
 * Read the object in the ${len} bytes at ${data}, which are overwritten:
 * strings are decoded in their place. FRAUD_EINVAL if it is malformed.
 */
fraud_rc jsonline_read(jsonline_pair_t *pairs, size_t *n, uint8_t *data,
                       size_t len) FRAUD_CHECK;

#endif /* JSONLINE_H */
