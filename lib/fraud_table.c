/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_table.h"

#include <sched.h>
#include <string.h>

#define SPINS 2048
#define YIELDS 16
#define STALE_MS 1000

typedef struct {
    uint8_t pid[FRAUD_PID_LEN];
    uint8_t record[FRAUD_TABLE_RECORD];
} entry_t;

/*
 * mark: 24 bits of the pid above 8 bits of time to live, 0 = free. used: in
 * ticks of 2^16 us, which wrap after nine years. lock: 0, or when it was
 * taken, in units of 2^10 us.
 */
struct fraud_table_set_s {
    uint32_t mark[FRAUD_TABLE_WAYS];
    uint32_t used[FRAUD_TABLE_WAYS];
    uint32_t lock;
    uint32_t spare;
    entry_t entry[FRAUD_TABLE_WAYS];
};

/* The set would not end at a cache line otherwise. */
typedef char
    set_bytes_t[sizeof(fraud_table_set_t) == FRAUD_TABLE_SET_BYTES ? 1 : -1];

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static uint32_t ticks(uint64_t now_us) {
    return (uint32_t)(now_us >> 16);
}

/* Seconds as an 8-bit float, three bits of them mantissa, rounded down. */
static uint8_t ttl_pack(uint32_t ttl) {
    unsigned exp = 0;

    if (ttl > FRAUD_TABLE_MAX_TTL) {
        ttl = FRAUD_TABLE_MAX_TTL;
    }
    if (ttl < 8) {
        ttl = 8;
    }
    while (ttl >= 16) {
        ttl >>= 1;
        exp++;
    }
    return (uint8_t)(exp << 3 | (ttl & 7));
}

static uint64_t ttl_ticks(uint8_t packed) {
    uint64_t ttl = (uint64_t)(8 + (packed & 7u)) << (packed >> 3 & 31);

    return ttl * 1000000 >> 16;
}

static int is_past(const fraud_table_set_t *set, unsigned way, uint32_t now) {
    uint32_t age = now - set->used[way];

    /* a clock that was set back makes the age wrap: as good as new */
    return age < UINT32_MAX / 2 &&
           age > ttl_ticks((uint8_t)(set->mark[way] & 0xff));
}

static int try_lock(fraud_table_set_t *set, uint32_t expect, uint32_t stamp) {
    return __atomic_compare_exchange_n(&set->lock, &expect, stamp, 0,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static int lock(fraud_table_set_t *set, uint64_t now_us) {
    uint32_t stamp = (uint32_t)(now_us >> 10) | 1;
    uint32_t held;
    unsigned i;

    for (i = 0; i < SPINS + YIELDS; i++) {
        held = __atomic_load_n(&set->lock, __ATOMIC_RELAXED);
        if (held == 0) {
            if (try_lock(set, 0, stamp)) {
                return 1;
            }
        } else if (stamp - held > STALE_MS && stamp - held < UINT32_MAX / 2 &&
                   try_lock(set, held, stamp)) {
            return 1;
        }
        if (i < SPINS) {
            relax();
        } else {
            (void)sched_yield();
        }
    }
    return 0;
}

static void unlock(fraud_table_set_t *set) {
    __atomic_store_n(&set->lock, 0, __ATOMIC_RELEASE);
}

fraud_rc fraud_table_init(fraud_table_t *table, void *memory, size_t size) {
    size_t skip = (64 - ((uintptr_t)memory & 63)) & 63;
    size_t n;

    if (size < skip + FRAUD_TABLE_SET_BYTES) {
        return FRAUD_ELIMIT;
    }
    n = (size - skip) / FRAUD_TABLE_SET_BYTES;
    table->n = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    table->sets = (fraud_table_set_t *)(void *)((char *)memory + skip);
    return FRAUD_OK;
}

static void wipe(fraud_table_set_t *set, unsigned way) {
    set->mark[way] = 0;
    set->used[way] = 0;
    memset(&set->entry[way], 0, sizeof(set->entry[way]));
}

/* The way to give to a newcomer: free, else past its time, else the oldest. */
static unsigned pick_way(const fraud_table_set_t *set, uint32_t now) {
    unsigned way, best = 0;
    uint32_t age, oldest = 0;

    for (way = 0; way < FRAUD_TABLE_WAYS; way++) {
        if (set->mark[way] == 0 || is_past(set, way, now)) {
            return way;
        }
        age = now - set->used[way];
        if (age > oldest && age < UINT32_MAX / 2) {
            oldest = age;
            best = way;
        }
    }
    return best;
}

static void claim(fraud_table_ref_t *ref, const uint8_t *pid, uint32_t mark,
                  uint32_t now) {
    fraud_table_set_t *set = ref->set;
    unsigned way = pick_way(set, now);
    entry_t *entry = &set->entry[way];

    ref->way = (uint8_t)way;
    ref->created = 1;
    if (set->mark[way] != 0 && is_past(set, way, now)) {
        ref->expired++;
    } else if (set->mark[way] != 0) {
        ref->evicted = 1;
    }
    wipe(set, way);
    memcpy(entry->pid, pid, FRAUD_PID_LEN);
    set->mark[way] = mark;
    set->used[way] = now;
    ref->record = entry->record;
}

/* Find a live entry of the held set; one past its time goes. */
static int find(fraud_table_ref_t *ref, const uint8_t *pid, uint32_t mark,
                uint32_t now) {
    fraud_table_set_t *set = ref->set;
    unsigned way;

    for (way = 0; way < FRAUD_TABLE_WAYS; way++) {
        if ((set->mark[way] ^ mark) >> 8 != 0 ||
            memcmp(set->entry[way].pid, pid, FRAUD_PID_LEN) != 0) {
            continue;
        }
        if (is_past(set, way, now)) {
            wipe(set, way);
            ref->expired = 1;
            return 0;
        }
        ref->way = (uint8_t)way;
        ref->record = set->entry[way].record;
        set->mark[way] = mark;
        set->used[way] = now;
        return 1;
    }
    return 0;
}

fraud_rc fraud_table_get(const fraud_table_t *table, fraud_table_ref_t *ref,
                         const fraud_pid_t *pid, unsigned part, uint64_t now_us,
                         uint32_t ttl, int create) {
    uint8_t key[FRAUD_PID_LEN];
    uint64_t where;
    uint32_t mark;

    /* parts of a subject spread over sets, each under a pid of its own */
    memcpy(key, pid->bytes, sizeof(key));
    key[15] = (uint8_t)(key[15] ^ part);
    memcpy(&where, key, sizeof(where));
    where += part * UINT64_C(0x9e3779b97f4a7c15);
    memcpy(&mark, key + 8, sizeof(mark));
    mark = (mark | 0x100) & 0xffffff00; /* never 0 */
    mark |= ttl_pack(ttl);

    memset(ref, 0, sizeof(*ref));
    ref->set = table->sets + ((where >> 32) * table->n >> 32);
    if (!lock(ref->set, now_us)) {
        return FRAUD_AGAIN;
    }
    if (find(ref, key, mark, ticks(now_us))) {
        return FRAUD_OK;
    }
    if (!create) {
        unlock(ref->set);
        return FRAUD_NOTFOUND;
    }
    claim(ref, key, mark, ticks(now_us));
    return FRAUD_OK;
}

void fraud_table_put(const fraud_table_ref_t *ref) {
    unlock(ref->set);
}

void fraud_table_drop(const fraud_table_ref_t *ref) {
    wipe(ref->set, ref->way);
    unlock(ref->set);
}

uint32_t fraud_table_sweep(const fraud_table_t *table, uint32_t from,
                           uint32_t n, uint64_t now_us) {
    uint32_t stamp = (uint32_t)(now_us >> 10) | 1;
    uint32_t found = 0;

    for (; n > 0; n--, from++) {
        fraud_table_set_t *set = &table->sets[from % table->n];
        unsigned way;

        if (!try_lock(set, 0, stamp)) {
            continue;
        }
        for (way = 0; way < FRAUD_TABLE_WAYS; way++) {
            if (set->mark[way] != 0 && is_past(set, way, ticks(now_us))) {
                wipe(set, way);
                found++;
            }
        }
        unlock(set);
    }
    return found;
}

uint64_t fraud_table_size(const fraud_table_t *table) {
    return (uint64_t)table->n * FRAUD_TABLE_WAYS;
}
