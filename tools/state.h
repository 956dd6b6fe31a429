/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef STATE_H
#define STATE_H

/*
 * The records of subjects while a log is replayed: the table that the module
 * keeps in shared memory, under a key that dies with this run.
 */

#include "arena.h"
#include "fraud_pid.h"
#include "fraud_table.h"
#include "fraud_types.h"

typedef struct {
    void *memory;
    fraud_table_t table;
    fraud_pid_key_t key;
    fraud_table_ref_t ref;
    uint64_t evicted; /* live records that had to go */
} state_t;

/*
 * state_init(state, size):
 * Make an empty store of ${size} bytes.
 */
void state_init(state_t *state, size_t size);

/*
 * state_pid(state, pid, domain, subject):
 * Set ${pid} to the pseudonym of ${subject} in ${domain}.
 */
void state_pid(const state_t *state, fraud_pid_t *pid, fraud_str_t domain,
               fraud_str_t subject);

/*
 * state_hold(state, pid, part, now_us, ttl, create):
 * Return the record of ${part} of ${pid}, NULL if it is not there and not to
 * be made. Unless NULL, state_release() before the next.
 */
uint8_t *state_hold(state_t *state, const fraud_pid_t *pid, unsigned part,
                    uint64_t now_us, uint32_t ttl, int create);
void state_release(state_t *state);

/*
 * state_clear(state):
 * Give back the memory and wipe the key.
 */
void state_clear(state_t *state);

#endif /* STATE_H */
