/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_SCAN_H
#define FRAUD_SCAN_H

/*
 * Which of many byte strings occur in a text, ASCII case aside: one pass of
 * the automaton of Aho and Corasick ("Efficient String Matching", CACM 1975),
 * all its transitions worked out into one table over the bytes that occur in
 * the strings, so that a byte of text costs one look-up whatever the number
 * of strings. A scan is used by one thread at a time.
 */

#include "fraud_mem.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_SCAN_MAX_BYTES (64u * 1024 * 1024) /* of the table */
#define FRAUD_SCAN_MAX_ID 1000000u

typedef struct fraud_scan_s fraud_scan_t;

/*
 * fraud_scan_new(scan, mem):
 * Begin a scan; on success the caller owns ${*scan}. ${mem} is kept by
 * reference. FRAUD_ENOMEM.
 */
fraud_rc fraud_scan_new(fraud_scan_t **scan,
                        const fraud_mem_t *mem) FRAUD_CHECK;

/*
 * fraud_scan_add(scan, text, len, id):
 * Report ${id} where ${text} (copied) occurs. Several strings may share an
 * id, and several ids a string. FRAUD_EINVAL if ${len} is 0, FRAUD_ELIMIT if
 * ${id} is above FRAUD_SCAN_MAX_ID or the strings together need too large a
 * table; FRAUD_ENOMEM. Not after fraud_scan_build().
 */
fraud_rc fraud_scan_add(fraud_scan_t *scan, const uint8_t *text, size_t len,
                        uint32_t id) FRAUD_CHECK;

/*
 * fraud_scan_build(scan):
 * Build the table, once, after the last string. FRAUD_ELIMIT if it would
 * exceed FRAUD_SCAN_MAX_BYTES; FRAUD_ENOMEM. After a failure ${scan} can only
 * be freed.
 */
fraud_rc fraud_scan_build(fraud_scan_t *scan) FRAUD_CHECK;

/*
 * fraud_scan_find(scan, data, len, ids):
 * Return how many different ids the strings have that occur in the ${len}
 * bytes at ${data}, and point ${*ids} at them (in no order; owned by ${scan},
 * valid until the next call). The work is linear in ${len} plus, once for
 * each string that occurs, its ids.
 */
size_t fraud_scan_find(fraud_scan_t *scan, const uint8_t *data, size_t len,
                       const uint32_t **ids);

/*
 * fraud_scan_bytes(scan):
 * Return the size of the table.
 */
size_t fraud_scan_bytes(const fraud_scan_t *scan);

/*
 * fraud_scan_free(scan):
 * Destroy ${scan}; NULL is a no-op.
 */
void fraud_scan_free(fraud_scan_t *scan);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_SCAN_H */
