/* SPDX-License-Identifier: BSD-2-Clause */

#include "state.h"

#include "fail.h"

#include <stdlib.h>
#include <string.h>

#define LINE 64 /* that the sets of a table are aligned to */

void state_init(state_t *state, size_t size) {
    uintptr_t start;
    uint8_t *memory;

    memset(state, 0, sizeof(*state));
    memory = calloc(1, size + LINE);
    if (memory == NULL) {
        fail("not enough memory for the zone");
    }
    state->memory = memory;
    start = (uintptr_t)memory;
    memory += (LINE - start % LINE) % LINE;
    if (fraud_table_init(&state->table, memory, size) != FRAUD_OK) {
        fail("the zone is too small");
    }
    if (fraud_pid_key_random(&state->key) != FRAUD_OK) {
        fail("the system has no random bytes");
    }
}

void state_pid(const state_t *state, fraud_pid_t *pid, fraud_str_t domain,
               fraud_str_t subject) {
    fraud_pid_make(pid, &state->key, domain, subject.data, subject.len);
}

uint8_t *state_hold(state_t *state, const fraud_pid_t *pid, unsigned part,
                    uint64_t now_us, uint32_t ttl, int create) {
    if (fraud_table_get(&state->table, &state->ref, pid, part, now_us, ttl,
                        create) != FRAUD_OK) {
        return NULL;
    }
    state->evicted += state->ref.evicted;
    return state->ref.record;
}

void state_release(state_t *state) {
    fraud_table_put(&state->ref);
}

void state_clear(state_t *state) {
    free(state->memory);
    fraud_pid_key_wipe(&state->key);
    memset(state, 0, sizeof(*state));
}
