/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_table.h"

#include <sched.h>
#include <string.h>

#define SPINS 2048
#define YIELDS 16
#define STALE_MS 1000
#define LEAD_TICKS 439453 /* an hour */
#define DUE_NEXT 8

typedef struct {
    uint8_t pid[FRAUD_PID_LEN];
    uint8_t record[FRAUD_TABLE_RECORD];
} entry_t;

/*
 * mark: 15 bits of the pid, a 1, 8 bits of part, 8 bits of time to live; 0 =
 * free. used: in ticks of 2^13 us, which wrap after a year. lock: 0, or when it
 * was taken, in units of 2^10 us. due: the marked ways, and from bit DUE_NEXT
 * those marked again while they were looked at, for the next time. Changed by
 * the holder only, but looked at by all.
 */
struct fraud_table_set_s {
    uint32_t mark[FRAUD_TABLE_WAYS];
    uint32_t used[FRAUD_TABLE_WAYS];
    uint32_t lock;
    uint32_t due;
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
    return (uint32_t)(now_us >> 13);
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
    /* by halves, as every look-up packs one: ttl < 2^22 */
    if (ttl >= 16u << 15) {
        ttl >>= 16;
        exp += 16;
    }
    if (ttl >= 16u << 7) {
        ttl >>= 8;
        exp += 8;
    }
    if (ttl >= 16u << 3) {
        ttl >>= 4;
        exp += 4;
    }
    while (ttl >= 16) {
        ttl >>= 1;
        exp++;
    }
    return (uint8_t)(exp << 3 | (ttl & 7));
}

static uint64_t ttl_ticks(uint8_t packed) {
    uint64_t ttl = (uint64_t)(8 + (packed & 7u)) << (packed >> 3 & 31);

    return ttl * 1000000 >> 13;
}

/*
 * How long ago, in ticks. An entry may lead a caller whose clock was read a
 * little earlier; one that leads by more than an hour was written under a
 * wrong clock and is as old as can be.
 */
static uint32_t age_of(const fraud_table_set_t *set, unsigned way,
                       uint32_t now) {
    uint32_t lead = set->used[way] - now;

    if (lead == 0 || lead > UINT32_MAX / 2) {
        return now - set->used[way];
    }
    return lead > LEAD_TICKS ? UINT32_MAX : 0;
}

static int is_past(const fraud_table_set_t *set, unsigned way, uint32_t now) {
    return age_of(set, way, now) > ttl_ticks((uint8_t)(set->mark[way] & 0xff));
}

static int try_lock(fraud_table_set_t *set, uint32_t expect, uint32_t stamp) {
    return __atomic_compare_exchange_n(&set->lock, &expect, stamp, 0,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* A holder has a microsecond to go on; this one has had a second. */
static int is_dead(uint32_t held, uint32_t stamp) {
    return stamp - held > STALE_MS && held - stamp > STALE_MS;
}

/* At once or not at all. */
static int lock_free(fraud_table_set_t *set, uint32_t stamp) {
    uint32_t held = __atomic_load_n(&set->lock, __ATOMIC_RELAXED);

    return (held == 0 || is_dead(held, stamp)) && try_lock(set, held, stamp);
}

static int lock(fraud_table_set_t *set, uint32_t stamp) {
    unsigned i;

    for (i = 0; i < SPINS + YIELDS; i++) {
        if (lock_free(set, stamp)) {
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

/* Unless somebody overruled us meanwhile. */
static void unlock(fraud_table_set_t *set, uint32_t stamp) {
    (void)__atomic_compare_exchange_n(&set->lock, &stamp, 0, 0,
                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

static uint32_t lock_stamp(uint64_t now_us) {
    return (uint32_t)(now_us >> 10) | 1;
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

static void set_due(fraud_table_set_t *set, uint32_t due) {
    if (set->due != due) {
        __atomic_store_n(&set->due, due, __ATOMIC_RELAXED);
    }
}

static uint32_t due_bits(unsigned way) {
    return (UINT32_C(1) | UINT32_C(1) << DUE_NEXT) << way;
}

static void wipe(fraud_table_set_t *set, unsigned way) {
    set_due(set, set->due & ~due_bits(way));
    set->mark[way] = 0;
    set->used[way] = 0;
    memset(&set->entry[way], 0, sizeof(set->entry[way]));
}

/* The way to give to a newcomer: free, else past its time, else the oldest. */
static unsigned pick_way(const fraud_table_set_t *set, uint32_t now,
                         unsigned first) {
    unsigned i, way, best = first % FRAUD_TABLE_WAYS;
    uint32_t age, oldest = 0;

    /* among equals not always the same one */
    for (i = 0; i < FRAUD_TABLE_WAYS; i++) {
        way = (first + i) % FRAUD_TABLE_WAYS;
        if (set->mark[way] == 0 || is_past(set, way, now)) {
            return way;
        }
        age = age_of(set, way, now);
        if (age > oldest) {
            oldest = age;
            best = way;
        }
    }
    return best;
}

static void claim(fraud_table_ref_t *ref, const uint8_t *pid, uint32_t mark,
                  uint32_t now) {
    fraud_table_set_t *set = ref->set;
    unsigned way = pick_way(set, now, mark >> 8);
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
        if (age_of(set, way, now) != 0) {
            set->used[way] = now; /* never back */
        }
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
    key[14] = (uint8_t)(key[14] ^ part >> 8);
    key[15] = (uint8_t)(key[15] ^ part);
    memcpy(&where, key, sizeof(where));
    where += part * UINT64_C(0x9e3779b97f4a7c15);
    memcpy(&mark, key + 8, sizeof(mark));
    mark = (mark | 0x10000) & 0xffff0000; /* never 0 */
    mark |= (part & 0xff) << 8 | ttl_pack(ttl);

    memset(ref, 0, sizeof(*ref));
    ref->set = table->sets + ((where >> 32) * table->n >> 32);
    ref->stamp = lock_stamp(now_us);
    if (!lock(ref->set, ref->stamp)) {
        return FRAUD_AGAIN;
    }
    if (find(ref, key, mark, ticks(now_us))) {
        return FRAUD_OK;
    }
    if (!create) {
        unlock(ref->set, ref->stamp);
        return FRAUD_NOTFOUND;
    }
    claim(ref, key, mark, ticks(now_us));
    return FRAUD_OK;
}

void fraud_table_put(const fraud_table_ref_t *ref) {
    unlock(ref->set, ref->stamp);
}

/* Whoever overruled us may have given the place to another. */
static int is_held(const fraud_table_ref_t *ref) {
    return __atomic_load_n(&ref->set->lock, __ATOMIC_ACQUIRE) == ref->stamp;
}

void fraud_table_drop(const fraud_table_ref_t *ref) {
    if (is_held(ref)) {
        wipe(ref->set, ref->way);
    }
    unlock(ref->set, ref->stamp);
}

int fraud_table_mark(const fraud_table_ref_t *ref, int mark) {
    uint32_t due, bits = due_bits(ref->way);

    if (!is_held(ref)) {
        return 0;
    }
    due = ref->set->due;
    if (!mark) {
        set_due(ref->set, due & ~bits);
    } else if ((due & bits) == 0) {
        set_due(ref->set,
                due | UINT32_C(1) << (ref->way + (ref->again ? DUE_NEXT : 0)));
    }
    return (due & bits) != 0;
}

/* Find a live marked entry of the held set, and clear its mark. */
static int find_marked(fraud_table_ref_t *ref, fraud_table_set_t *set,
                       uint32_t now) {
    unsigned way;

    for (way = 0; way < FRAUD_TABLE_WAYS; way++) {
        if ((set->due >> way & 1) == 0) {
            continue;
        }
        set_due(set, set->due & ~due_bits(way));
        if (set->mark[way] != 0 && !is_past(set, way, now)) {
            ref->set = set;
            ref->record = set->entry[way].record;
            ref->way = (uint8_t)way;
            return 1;
        }
    }
    return 0;
}

fraud_rc fraud_table_next_marked(const fraud_table_t *table,
                                 fraud_table_ref_t *ref, fraud_pid_t *pid,
                                 unsigned *part, uint32_t *from, uint32_t to,
                                 uint64_t now_us) {
    fraud_table_set_t *set;

    memset(ref, 0, sizeof(*ref));
    ref->stamp = lock_stamp(now_us);
    ref->again = 1;
    for (; *from < to; ++*from) {
        set = &table->sets[*from % table->n];
        if (__atomic_load_n(&set->due, __ATOMIC_RELAXED) == 0 ||
            !lock_free(set, ref->stamp)) {
            continue;
        }
        if (find_marked(ref, set, ticks(now_us))) {
            *part = set->mark[ref->way] >> 8 & 0xff;
            memcpy(pid->bytes, set->entry[ref->way].pid, FRAUD_PID_LEN);
            pid->bytes[15] = (uint8_t)(pid->bytes[15] ^ *part);
            return FRAUD_OK;
        }
        set_due(set, set->due >> DUE_NEXT);
        unlock(set, ref->stamp);
    }
    return FRAUD_NOTFOUND;
}

uint32_t fraud_table_sweep(const fraud_table_t *table, uint32_t from,
                           uint32_t n, uint64_t now_us) {
    uint32_t stamp = lock_stamp(now_us);
    uint32_t found = 0;

    for (; n > 0; n--, from++) {
        fraud_table_set_t *set = &table->sets[from % table->n];
        unsigned way;

        if (!lock_free(set, stamp)) {
            continue;
        }
        for (way = 0; way < FRAUD_TABLE_WAYS; way++) {
            if (set->mark[way] != 0 && is_past(set, way, ticks(now_us))) {
                wipe(set, way);
                found++;
            }
        }
        unlock(set, stamp);
    }
    return found;
}

static int has_bytes(const entry_t *entry, const fraud_pid_t *pid) {
    size_t i;

    for (i = 0; i + FRAUD_PID_LEN <= FRAUD_TABLE_RECORD; i += 4) {
        if (memcmp(entry->record + i, pid->bytes, FRAUD_PID_LEN) == 0) {
            return 1;
        }
    }
    return 0;
}

static int concerns(const fraud_table_set_t *set, unsigned way,
                    const fraud_pid_t *pid) {
    const entry_t *entry = &set->entry[way];
    unsigned part = set->mark[way] >> 8 & 0xff;

    if (set->mark[way] == 0) {
        return 0;
    }
    return (memcmp(entry->pid, pid->bytes, FRAUD_PID_LEN - 1) == 0 &&
            (entry->pid[15] ^ part) == pid->bytes[15]) ||
           has_bytes(entry, pid);
}

fraud_rc fraud_table_scrub(const fraud_table_t *table, const fraud_pid_t *pid,
                           uint32_t *from, uint32_t to, uint64_t now_us,
                           uint32_t *found) {
    uint32_t stamp = lock_stamp(now_us);

    for (; *from < to; ++*from) {
        fraud_table_set_t *set = &table->sets[*from % table->n];
        unsigned way, n = 0;

        /* most have nothing: those are not held up */
        for (way = 0; way < FRAUD_TABLE_WAYS; way++) {
            n += (unsigned)concerns(set, way, pid);
        }
        if (n == 0) {
            continue;
        }
        if (!lock(set, stamp)) {
            return FRAUD_AGAIN;
        }
        for (way = 0; way < FRAUD_TABLE_WAYS; way++) {
            if (concerns(set, way, pid)) {
                wipe(set, way);
                ++*found;
            }
        }
        unlock(set, stamp);
    }
    return FRAUD_OK;
}

uint32_t fraud_table_sets(const fraud_table_t *table) {
    return table->n;
}

uint64_t fraud_table_size(const fraud_table_t *table) {
    return (uint64_t)table->n * FRAUD_TABLE_WAYS;
}
