/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_TABLE_H
#define FRAUD_TABLE_H

/*
 * Records of subjects in memory that processes share: a set-associative hash
 * table, as a processor's cache is. A set is one cache line that says who is
 * in it, when each was last used and who holds it, and seven entries of two
 * cache lines: a pid and 112 bytes of record. A subject whose record is
 * longer has it in parts, each an entry of its own. Look-up, insertion and
 * eviction (the least recently used of the set) touch one set; nothing is
 * ever allocated, and nothing can run out.
 */

#include "fraud_pid.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_TABLE_WAYS 7
#define FRAUD_TABLE_RECORD 112 /* bytes of record in one entry */
#define FRAUD_TABLE_SET_BYTES 960
#define FRAUD_TABLE_MAX_TTL 4000000u /* seconds, 46 days */

typedef struct fraud_table_set_s fraud_table_set_t;

typedef struct {
    fraud_table_set_t *sets; /* 64-byte aligned, not owned */
    uint32_t n;
} fraud_table_t;

/* An entry that is held; between get and put only. */
typedef struct {
    fraud_table_set_t *set;
    uint8_t *record; /* FRAUD_TABLE_RECORD bytes, 16-byte aligned */
    uint32_t stamp;  /* of the lock */
    uint8_t way;
    uint8_t created; /* was not there: its record is all zero */
    uint8_t evicted; /* and a live one had to go */
    uint8_t expired; /* entries past their time that went, up to 2 */
    uint8_t again;   /* found by fraud_table_next_marked() */
} fraud_table_ref_t;

/*
 * fraud_table_init(table, memory, size):
 * Make ${table} the table in the ${size} bytes at ${memory}, which are either
 * all zero or hold a table of the same size. FRAUD_ELIMIT if there is not room
 * for one set.
 */
fraud_rc fraud_table_init(fraud_table_t *table, void *memory,
                          size_t size) FRAUD_CHECK;

/*
 * fraud_table_get(table, ref, pid, part, now_us, ttl, create):
 * Hold the entry of ${part} of ${pid}. An entry not used for ${ttl} seconds
 * (8 to FRAUD_TABLE_MAX_TTL, kept in steps of an eighth, rounded down)
 * is not there any more. If it is not there and ${create}, it is made, in the
 * place of the least recently used if need be; if not ${create},
 * FRAUD_NOTFOUND (ref->expired tells too). FRAUD_AGAIN if others hold the set
 * for longer than a bounded spin. Only after FRAUD_OK is something held, to be
 * let go at once with fraud_table_put(); never hold two. A holder that died is
 * overruled after a second.
 */
fraud_rc fraud_table_get(const fraud_table_t *table, fraud_table_ref_t *ref,
                         const fraud_pid_t *pid, unsigned part, uint64_t now_us,
                         uint32_t ttl, int create) FRAUD_CHECK;

/*
 * fraud_table_put(ref):
 * Let the entry go.
 */
void fraud_table_put(const fraud_table_ref_t *ref);

/*
 * fraud_table_drop(ref):
 * Wipe the entry and let it go.
 */
void fraud_table_drop(const fraud_table_ref_t *ref);

/*
 * fraud_table_mark(ref, mark):
 * Note of the held entry, of a part of at most 255, that there is something to
 * be done about it, or with ${mark} 0 that there is not. Return 1 if it was
 * marked. A new entry is not; who goes loses his mark.
 */
int fraud_table_mark(const fraud_table_ref_t *ref, int mark);

/*
 * fraud_table_next_marked(table, ref, pid, part, from, to, now_us):
 * Hold the first marked entry of the sets from *${from} to ${to} (not included;
 * both modulo the number of sets) and set ${pid} and ${part} to whose it is.
 * Its mark is cleared; was it marked again before it was let go, it is found
 * the next time only. *${from} is where to go on, with the same ${to}.
 * FRAUD_NOTFOUND, with nothing held, if there is none (any more). Sets that are
 * held and entries past their time are left out; to be found is no use.
 */
fraud_rc fraud_table_next_marked(const fraud_table_t *table,
                                 fraud_table_ref_t *ref, fraud_pid_t *pid,
                                 unsigned *part, uint32_t *from, uint32_t to,
                                 uint64_t now_us) FRAUD_CHECK;

/*
 * fraud_table_sweep(table, from, n, now_us):
 * Wipe the entries past their time in the ${n} sets from set ${from} (modulo
 * the number of sets; sets that are held are left out) and return how many
 * there were.
 */
uint32_t fraud_table_sweep(const fraud_table_t *table, uint32_t from,
                           uint32_t n, uint64_t now_us);

/*
 * fraud_table_scrub(table, pid, from, to, now_us, found):
 * Wipe the entries of ${pid}, of parts up to 255, and those whose record has
 * its bytes at a multiple of 4, in the sets from *${from} to ${to} (not
 * included; both modulo the number of sets), and add to ${*found} how many
 * there were. *${from} is where to go on: FRAUD_AGAIN if others hold that set
 * for longer than a bounded spin.
 */
fraud_rc fraud_table_scrub(const fraud_table_t *table, const fraud_pid_t *pid,
                           uint32_t *from, uint32_t to, uint64_t now_us,
                           uint32_t *found) FRAUD_CHECK;

/*
 * fraud_table_sets(table):
 * Return the number of sets.
 */
uint32_t fraud_table_sets(const fraud_table_t *table);

/*
 * fraud_table_size(table):
 * Return the number of entries that the table has room for.
 */
uint64_t fraud_table_size(const fraud_table_t *table);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_TABLE_H */
