/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_table.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define MS ((uint64_t)1000)
#define SECOND ((uint64_t)1000000)
#define DAY (86400 * SECOND)
#define T0 ((uint64_t)1700000000 * SECOND)

/* Any entry is past its time by then, and no age has wrapped. */
#define LATER (60 * DAY)

#define MAX_PIDS 64

static uint64_t seed;

/* splitmix64 */
static uint64_t random_u64(void) {
    uint64_t x;

    x = seed += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static unsigned any(unsigned n) {
    return (unsigned)(random_u64() >> 32) % n;
}

static void random_pid(fraud_pid_t *pid) {
    size_t i;

    for (i = 0; i < sizeof(pid->bytes); i++) {
        pid->bytes[i] = (uint8_t)random_u64();
    }
}

static void random_pids(fraud_pid_t *pids, size_t n) {
    while (n-- > 0) {
        random_pid(&pids[n]);
    }
}

/* A table of n sets in memory that ends where the last set does. */
static void *make(fraud_table_t *table, uint32_t n) {
    void *memory;

    assert_int_equal(
        posix_memalign(&memory, 64, (size_t)n * FRAUD_TABLE_SET_BYTES), 0);
    memset(memory, 0, (size_t)n * FRAUD_TABLE_SET_BYTES);
    assert_int_equal(
        fraud_table_init(table, memory, (size_t)n * FRAUD_TABLE_SET_BYTES),
        FRAUD_OK);
    assert_int_equal(table->n, n);
    return memory;
}

/* Entries there are, by taking them all away. */
static uint64_t take_all(const fraud_table_t *table, uint64_t now) {
    return fraud_table_sweep(table, 0, table->n, now + LATER);
}

/* All of the record tells its value, so that a part of another shows. */
static void fill(uint8_t *record, uint64_t value) {
    size_t i;

    for (i = 0; i < FRAUD_TABLE_RECORD; i += sizeof(value)) {
        value += i;
        memcpy(record + i, &value, sizeof(value));
    }
}

static int holds(const uint8_t *record, uint64_t value) {
    uint8_t expect[FRAUD_TABLE_RECORD];

    fill(expect, value);
    return memcmp(record, expect, sizeof(expect)) == 0;
}

static int is_zero(const uint8_t *record) {
    static const uint8_t zero[FRAUD_TABLE_RECORD];

    return memcmp(record, zero, sizeof(zero)) == 0;
}

/* Make the entry, which is not there, and give it a value. */
static void create(const fraud_table_t *table, fraud_table_ref_t *ref,
                   const fraud_pid_t *pid, unsigned part, uint64_t now,
                   uint32_t ttl, uint64_t value) {
    assert_int_equal(fraud_table_get(table, ref, pid, part, now, ttl, 1),
                     FRAUD_OK);
    assert_int_equal(ref->created, 1);
    assert_true(is_zero(ref->record));
    fill(ref->record, value);
    fraud_table_put(ref);
}

/* Look without making; what is found must have this value. */
static int there(const fraud_table_t *table, const fraud_pid_t *pid,
                 unsigned part, uint64_t now, uint32_t ttl, uint64_t value) {
    fraud_table_ref_t ref;
    fraud_rc rc = fraud_table_get(table, &ref, pid, part, now, ttl, 0);

    assert_int_equal(ref.created, 0);
    assert_int_equal(ref.evicted, 0);
    if (rc == FRAUD_NOTFOUND) {
        return 0;
    }
    assert_int_equal(rc, FRAUD_OK);
    assert_int_equal(ref.expired, 0);
    assert_true(holds(ref.record, value));
    fraud_table_put(&ref);
    return 1;
}

static void use_all(const fraud_table_t *table, const uint8_t *memory,
                    size_t size) {
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    uint32_t i;

    for (i = 0; i < 40 * table->n; i++) {
        random_pid(&pid);
        assert_int_equal(fraud_table_get(table, &ref, &pid, 0, T0, 60, 1),
                         FRAUD_OK);
        assert_int_equal((uintptr_t)ref.record % 16, 0);
        assert_true(ref.record >= memory);
        assert_true(ref.record + FRAUD_TABLE_RECORD <= memory + size);
        fill(ref.record, i);
        fraud_table_put(&ref);
    }
    assert_int_equal(take_all(table, T0), fraud_table_size(table));
}

static void memory_of_any_size(void **state) {
    static const size_t extra[] = {0, 1, 63, 64, 959};
    size_t shift, n, i, skip, size;
    fraud_table_t table;
    void *memory;

    (void)state;
    for (shift = 0; shift < 128; shift += 1 + shift / 8) {
        skip = (64 - shift % 64) % 64;
        for (n = 0; n < 4; n++) {
            for (i = 0; i < N(extra); i++) {
                size = skip + n * FRAUD_TABLE_SET_BYTES + extra[i];
                assert_int_equal(posix_memalign(&memory, 64, shift + size), 0);
                memset(memory, 0, shift + size);
                if (n == 0) {
                    assert_int_equal(
                        fraud_table_init(&table, (char *)memory + shift, size),
                        FRAUD_ELIMIT);
                } else {
                    assert_int_equal(
                        fraud_table_init(&table, (char *)memory + shift, size),
                        FRAUD_OK);
                    assert_int_equal(table.n, n);
                    assert_int_equal((uintptr_t)table.sets % 64, 0);
                    assert_int_equal(fraud_table_size(&table),
                                     n * FRAUD_TABLE_WAYS);
                    use_all(&table, (uint8_t *)memory + shift, size);
                }
                free(memory);
            }
        }
    }
    assert_int_equal(fraud_table_init(&table, NULL, 0), FRAUD_ELIMIT);
    assert_int_equal(fraud_table_init(&table, (void *)1, 63), FRAUD_ELIMIT);
}

static void memory_keeps_its_table(void **state) {
    fraud_table_t table, again;
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    void *memory;

    (void)state;
    memory = make(&table, 3);
    random_pid(&pid);
    create(&table, &ref, &pid, 0, T0, 60, 77);
    assert_int_equal(
        fraud_table_init(&again, memory, (size_t)3 * FRAUD_TABLE_SET_BYTES),
        FRAUD_OK);
    assert_true(there(&again, &pid, 0, T0, 60, 77));
    free(memory);
}

/* In a table of one set nothing but the pid tells entries apart. */
static void every_bit_of_a_pid_counts(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid, other;
    void *memory;
    unsigned bit;

    (void)state;
    memory = make(&table, 1);
    random_pid(&pid);
    create(&table, &ref, &pid, 0, T0, 60, 5);
    for (bit = 0; bit < 128; bit++) {
        other = pid;
        other.bytes[bit / 8] = (uint8_t)(other.bytes[bit / 8] ^ 1 << bit % 8);
        assert_false(there(&table, &other, 0, T0, 60, 0));
    }
    memset(&other, 0, sizeof(other));
    assert_false(there(&table, &other, 0, T0, 60, 0));
    create(&table, &ref, &other, 0, T0, 60, 6);
    assert_true(there(&table, &other, 0, T0, 60, 6));
    assert_true(there(&table, &pid, 0, T0, 60, 5));
    free(memory);

    /* all zero with the shortest time is not taken for a free place */
    memory = make(&table, 1);
    create(&table, &ref, &other, 0, T0, 8, 6);
    for (bit = 1; bit < FRAUD_TABLE_WAYS; bit++) {
        random_pid(&pid);
        create(&table, &ref, &pid, 0, T0, 60, 5);
        assert_int_equal(ref.evicted, 0);
    }
    assert_true(there(&table, &other, 0, T0, 8, 6));
    assert_int_equal(take_all(&table, T0), FRAUD_TABLE_WAYS);
    free(memory);
}

static void parts_are_apart(void **state) {
    static const unsigned high[] = {0, 1, 255, 256, 511, 65280, 65535};
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[20];
    const void *sets[7];
    unsigned i, k, part, spread = 0;
    void *memory;

    (void)state;
    seed = 11;
    random_pids(pids, N(pids));
    memory = make(&table, 2003);
    for (i = 0; i < N(pids); i++) {
        for (part = 0; part < 7; part++) {
            create(&table, &ref, &pids[i], part, T0, 60, 100 * i + part);
            assert_int_equal(ref.evicted, 0);
            sets[part] = ref.set;
            for (k = 0; k < part && sets[k] != ref.set; k++) {
            }
            spread += k == part;
        }
    }
    /* of 140 at most a few share a set with another part of their pid */
    assert_in_range(spread, 130, 140);
    for (i = 0; i < N(pids); i++) {
        assert_int_equal(fraud_table_get(&table, &ref, &pids[i], 3, T0, 60, 0),
                         FRAUD_OK);
        fraud_table_drop(&ref);
        for (part = 0; part < 7; part++) {
            assert_int_equal(
                there(&table, &pids[i], part, T0, 60, 100 * i + part),
                part != 3);
        }
    }
    assert_int_equal(take_all(&table, T0), 6 * N(pids));
    free(memory);

    memory = make(&table, 1);
    for (part = 0; part < 7; part++) {
        create(&table, &ref, &pids[0], part, T0, 60, part);
    }
    for (part = 0; part < 7; part++) {
        assert_true(there(&table, &pids[0], part, T0, 60, part));
    }
    free(memory);

    memory = make(&table, 1);
    for (i = 0; i < N(high); i++) {
        create(&table, &ref, &pids[0], high[i], T0, 60, high[i]);
    }
    for (i = 0; i < N(high); i++) {
        assert_true(there(&table, &pids[0], high[i], T0, 60, high[i]));
    }
    free(memory);
}

static void time_to_live(void **state) {
    static const struct {
        uint32_t ttl, kept;
    } cases[] = {
        {8, 8},
        {9, 9},
        {15, 15},
        {16, 16},
        {17, 16},
        {18, 18},
        {31, 30},
        {32, 32},
        {35, 32},
        {36, 36},
        {60, 60},
        {63, 60},
        {3600, 3584},
        {86400, 81920},
        {FRAUD_TABLE_MAX_TTL, 3932160},
        {FRAUD_TABLE_MAX_TTL + 1, 3932160},
        {UINT32_MAX, 3932160},
    };
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    uint64_t now;
    void *memory;
    size_t i;

    (void)state;
    memory = make(&table, 1);
    random_pid(&pid);
    for (i = 0; i < N(cases); i++) {
        now = T0 + i * 100 * DAY;
        create(&table, &ref, &pid, 0, now, cases[i].ttl, i);
        now += (cases[i].kept - 1) * SECOND;
        assert_true(there(&table, &pid, 0, now, cases[i].ttl, i));

        /* that was a use, and the time begins anew */
        now += (cases[i].kept - 1) * SECOND;
        assert_true(there(&table, &pid, 0, now, cases[i].ttl, i));
        now += (cases[i].kept + 1) * SECOND;
        assert_int_equal(
            fraud_table_get(&table, &ref, &pid, 0, now, cases[i].ttl, 0),
            FRAUD_NOTFOUND);
        assert_int_equal(ref.expired, 1);
        assert_int_equal(
            fraud_table_get(&table, &ref, &pid, 0, now, cases[i].ttl, 0),
            FRAUD_NOTFOUND);
        assert_int_equal(ref.expired, 0);
    }
    free(memory);
}

/* Down by less than an eighth, whatever the time. */
static void time_to_live_steps(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    uint64_t now = T0, ttl;
    void *memory;
    unsigned i;

    (void)state;
    seed = 12;
    memory = make(&table, 1);
    for (i = 0; i < 3000; i++) {
        ttl = 8 + (random_u64() >> (43 + any(20))) % (FRAUD_TABLE_MAX_TTL - 7);
        random_pid(&pid);
        create(&table, &ref, &pid, 0, now, (uint32_t)ttl, i);
        now += (ttl - ttl / 8) * SECOND - 200 * MS;
        assert_true(there(&table, &pid, 0, now, (uint32_t)ttl, i));
        now += ttl * SECOND + 200 * MS;
        assert_false(there(&table, &pid, 0, now, (uint32_t)ttl, i));
    }
    free(memory);
}

/* Exactly, at both ends of every step there is. */
static void time_to_live_exact(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    uint64_t ticks, ttl, kept, now = T0 >> 13;
    unsigned exp, part, i;
    void *memory;

    (void)state;
    seed = 14;
    memory = make(&table, 1);
    for (exp = 0; exp < 19; exp++) {
        for (part = 8; part < 16; part++) {
            kept = (uint64_t)part << exp;
            if (kept > FRAUD_TABLE_MAX_TTL) {
                continue;
            }
            for (i = 0; i < 2; i++) {
                ttl = i == 0 ? kept : kept + (UINT64_C(1) << exp) - 1;
                ticks = kept * SECOND >> 13;
                random_pid(&pid);
                create(&table, &ref, &pid, 0, now << 13, (uint32_t)ttl, i);
                now += ticks;
                assert_true(
                    there(&table, &pid, 0, now << 13, (uint32_t)ttl, i));
                now += ticks + 1;
                assert_false(
                    there(&table, &pid, 0, now << 13, (uint32_t)ttl, i));
            }
        }
    }
    free(memory);
}

static void clock_goes_back(void **state) {
    static const uint64_t back[] = {
        1, MS, 70 * MS, SECOND, 10 * SECOND, 600 * SECOND, 3599 * SECOND};
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    void *memory;
    size_t i;

    (void)state;
    seed = 13;
    memory = make(&table, 1);
    for (i = 0; i < N(back); i++) {
        random_pid(&pid);
        create(&table, &ref, &pid, 0, T0, 60, i);
        assert_int_equal(fraud_table_sweep(&table, 0, 1, T0 - back[i]), 0);
        assert_true(there(&table, &pid, 0, T0 - back[i], 60, i));
        assert_true(there(&table, &pid, 0, T0 - back[i] / 2, 60, i));

        /* a late touch took nothing of its time */
        assert_true(there(&table, &pid, 0, T0 + 59 * SECOND, 60, i));
        assert_int_equal(take_all(&table, T0), 1);
    }
    free(memory);
}

/* Written under a clock that was wrong by over an hour. */
static void clock_was_wrong(void **state) {
    static const uint64_t lead[] = {3602 * SECOND, 2 * 3600 * SECOND, DAY,
                                    100 * DAY, 200 * DAY};
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    void *memory;
    size_t i;

    (void)state;
    seed = 27;
    memory = make(&table, 1);
    for (i = 0; i < N(lead); i++) {
        random_pid(&pid);
        create(&table, &ref, &pid, 0, T0 + lead[i], FRAUD_TABLE_MAX_TTL, i);
        assert_int_equal(fraud_table_get(&table, &ref, &pid, 0, T0,
                                         FRAUD_TABLE_MAX_TTL, 0),
                         FRAUD_NOTFOUND);
        assert_int_equal(ref.expired, 1);

        create(&table, &ref, &pid, 0, T0 + lead[i], FRAUD_TABLE_MAX_TTL, i);
        create(&table, &ref, &pid, 0, T0, FRAUD_TABLE_MAX_TTL, i);
        assert_int_equal(ref.expired, 1);
        assert_int_equal(ref.evicted, 0);
        assert_int_equal(take_all(&table, T0), 1);

        create(&table, &ref, &pid, 0, T0 + lead[i], FRAUD_TABLE_MAX_TTL, i);
        assert_int_equal(fraud_table_sweep(&table, 0, 1, T0), 1);
    }
    free(memory);
}

/* Newcomers get all ways of a set, not one of them in turn. */
static void set_full_of_the_future(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[14];
    void *memory;
    unsigned i;

    (void)state;
    seed = 28;
    random_pids(pids, N(pids));
    memory = make(&table, 1);
    for (i = 0; i < 7; i++) {
        create(&table, &ref, &pids[i], 0, T0 + 7200 * SECOND, 86400, i);
    }
    for (i = 7; i < 14; i++) {
        create(&table, &ref, &pids[i], 0, T0, 600, i);
        assert_int_equal(ref.expired, 1);
        assert_int_equal(ref.evicted, 0);
    }
    for (i = 0; i < 14; i++) {
        assert_int_equal(there(&table, &pids[i], 0, T0, 600, i), i >= 7);
    }
    free(memory);
}

/* Who comes late, with a time read before, does not make it older. */
static void late_touch(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[8];
    void *memory;
    unsigned i;

    (void)state;
    seed = 29;
    random_pids(pids, N(pids));
    memory = make(&table, 1);
    for (i = 0; i < 7; i++) {
        create(&table, &ref, &pids[i], 0, T0 + (10 + i) * SECOND, 600, i);
    }
    assert_true(there(&table, &pids[6], 0, T0, 600, 6));
    create(&table, &ref, &pids[7], 0, T0 + 20 * SECOND, 600, 7);
    assert_int_equal(ref.evicted, 1);
    assert_false(there(&table, &pids[0], 0, T0 + 20 * SECOND, 600, 0));
    assert_true(there(&table, &pids[6], 0, T0 + 20 * SECOND, 600, 6));
    free(memory);
}

/* Of entries of one age not always the same one goes. */
static void victims_vary(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    unsigned seen = 0, i;
    void *memory;

    (void)state;
    seed = 30;
    memory = make(&table, 1);
    for (i = 0; i < 7 + 200; i++) {
        random_pid(&pid);
        create(&table, &ref, &pid, 0, T0, 600, i);
        if (i >= 7) {
            assert_int_equal(ref.evicted, 1);
            seen |= 1u << ref.way;
        }
    }
    assert_int_equal(seen, (1u << FRAUD_TABLE_WAYS) - 1);
    free(memory);
}

/* The time of last use is kept in 32 bits, which 2^48 us wrap. */
static void ticks_wrap(void **state) {
    const uint64_t wrap = 50 * ((uint64_t)1 << 45);
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[8];
    uint64_t now;
    void *memory;
    unsigned i;

    (void)state;
    seed = 14;
    random_pids(pids, N(pids));
    memory = make(&table, 1);

    now = wrap - 5 * SECOND;
    create(&table, &ref, &pids[0], 0, now, 20, 1);
    assert_true(there(&table, &pids[0], 0, now + 10 * SECOND, 20, 1));
    assert_false(there(&table, &pids[0], 0, now + 31 * SECOND, 20, 1));

    create(&table, &ref, &pids[0], 0, now, 20, 1);
    assert_int_equal(fraud_table_sweep(&table, 0, 1, now + 19 * SECOND), 0);
    assert_int_equal(fraud_table_sweep(&table, 0, 1, now + 21 * SECOND), 1);

    /* the least recently used is the one from before the wrap */
    for (i = 0; i < 7; i++) {
        create(&table, &ref, &pids[i], 0, now + ((i + 3) % 7) * 2 * SECOND,
               3600, i);
    }
    create(&table, &ref, &pids[7], 0, now + 20 * SECOND, 3600, 7);
    assert_int_equal(ref.evicted, 1);
    for (i = 0; i < 8; i++) {
        assert_int_equal(there(&table, &pids[i], 0, now + 20 * SECOND, 3600, i),
                         i != 4);
    }
    free(memory);
}

static void full_set_loses_the_oldest(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[10];
    uint64_t now = T0;
    void *memory;
    unsigned i;

    (void)state;
    seed = 15;
    random_pids(pids, N(pids));
    memory = make(&table, 1);
    for (i = 0; i < 7; i++) {
        create(&table, &ref, &pids[i], 0, now += SECOND, 600, i);
        assert_int_equal(ref.evicted, 0);
        assert_int_equal(ref.expired, 0);
    }
    assert_true(there(&table, &pids[0], 0, now += SECOND, 600, 0));
    create(&table, &ref, &pids[7], 0, now += SECOND, 600, 7);
    assert_int_equal(ref.evicted, 1);
    assert_int_equal(ref.expired, 0);
    create(&table, &ref, &pids[8], 0, now += SECOND, 600, 8);
    assert_int_equal(ref.evicted, 1);
    for (i = 0; i < 9; i++) {
        assert_int_equal(there(&table, &pids[i], 0, now, 600, i),
                         i != 1 && i != 2);
    }

    /* one that was dropped leaves room */
    assert_int_equal(fraud_table_get(&table, &ref, &pids[5], 0, now, 600, 0),
                     FRAUD_OK);
    fraud_table_drop(&ref);
    assert_false(there(&table, &pids[5], 0, now, 600, 5));
    create(&table, &ref, &pids[9], 0, now, 600, 9);
    assert_int_equal(ref.evicted, 0);
    assert_int_equal(take_all(&table, now), 7);
    free(memory);
}

/* Who is past his time goes before anybody who is not. */
static void past_before_oldest(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[9];
    uint64_t now = T0;
    void *memory;
    unsigned i;

    (void)state;
    seed = 16;
    random_pids(pids, N(pids));
    memory = make(&table, 1);
    for (i = 0; i < 7; i++) {
        create(&table, &ref, &pids[i], 0, now + i * SECOND,
               i == 3 || i == 5 ? 10 : 600, i);
    }
    now += 30 * SECOND;
    create(&table, &ref, &pids[7], 0, now, 600, 7);
    assert_int_equal(ref.evicted, 0);
    assert_int_equal(ref.expired, 1);

    /* that took one; now its own remains and another's, and either may go */
    assert_true(there(&table, &pids[0], 0, now, 10, 0));
    now += 30 * SECOND;
    assert_int_equal(fraud_table_get(&table, &ref, &pids[5], 0, now, 600, 1),
                     FRAUD_OK);
    assert_int_equal(ref.created, 1);
    assert_int_equal(ref.evicted, 0);
    assert_in_range(ref.expired, 1, 2);
    assert_true(is_zero(ref.record));
    fill(ref.record, 5);
    fraud_table_put(&ref);
    assert_int_equal(take_all(&table, now), 8 - ref.expired);
    free(memory);
}

static void sweeps(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    uint32_t created = 0, found = 0, from, i;
    void *memory;

    (void)state;
    seed = 17;
    memory = make(&table, 10);
    for (i = 0; i < 30; i++) {
        random_pid(&pid);
        create(&table, &ref, &pid, 0, T0, i % 2 ? 20 : 600, i);
        created++;
        created -= ref.evicted;
    }
    assert_int_equal(fraud_table_sweep(&table, 0, 0, T0 + LATER), 0);
    assert_int_equal(fraud_table_sweep(&table, 0, 10, T0 + 19 * SECOND), 0);
    for (from = 23; from < 33; from++) {
        found += fraud_table_sweep(&table, from, 1, T0 + 30 * SECOND);
    }
    assert_int_equal(fraud_table_sweep(&table, 0, 10, T0 + 30 * SECOND), 0);
    assert_in_range(found, 1, created - 1);
    assert_int_equal(fraud_table_sweep(&table, 7, 25, T0 + LATER),
                     created - found);
    free(memory);
}

/* A set that is held is left out, unless its holder is dead. */
static void sweeps_of_held_sets(void **state) {
    const uint64_t now = T0 + 100 * SECOND;
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[2];
    void *memory;

    (void)state;
    seed = 31;
    random_pids(pids, N(pids));
    memory = make(&table, 1);

    create(&table, &ref, &pids[1], 1, T0, 600, 1);
    create(&table, &ref, &pids[0], 0, T0, 8, 0);
    assert_int_equal(fraud_table_get(&table, &ref, &pids[1], 1, now, 600, 0),
                     FRAUD_OK);
    assert_int_equal(fraud_table_sweep(&table, 0, 1, now), 0);
    assert_int_equal(fraud_table_sweep(&table, 0, 1, now - 990 * MS), 0);
    assert_int_equal(fraud_table_sweep(&table, 0, 1, now + 990 * MS), 0);
    fraud_table_put(&ref);
    assert_int_equal(fraud_table_sweep(&table, 0, 1, now), 1);

    create(&table, &ref, &pids[0], 0, T0, 8, 0);
    assert_int_equal(fraud_table_get(&table, &ref, &pids[1], 1, now, 600, 0),
                     FRAUD_OK);
    assert_int_equal(fraud_table_sweep(&table, 0, 1, now + 2 * SECOND), 1);
    assert_true(there(&table, &pids[1], 1, now + 2 * SECOND, 600, 1));
    free(memory);
}

static void held_sets(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref, other;
    fraud_pid_t pids[2];
    void *memory;

    (void)state;
    seed = 18;
    random_pids(pids, N(pids));
    memory = make(&table, 1);

    /* what does not find does not hold */
    assert_false(there(&table, &pids[0], 0, T0, 60, 0));
    assert_false(there(&table, &pids[0], 0, T0, 60, 0));

    assert_int_equal(fraud_table_get(&table, &ref, &pids[0], 0, T0, 60, 1),
                     FRAUD_OK);
    fill(ref.record, 1);
    assert_int_equal(fraud_table_get(&table, &other, &pids[0], 0, T0, 60, 1),
                     FRAUD_AGAIN);
    assert_int_equal(other.created, 0);
    assert_int_equal(other.evicted, 0);
    assert_int_equal(other.expired, 0);
    assert_int_equal(fraud_table_get(&table, &other, &pids[1], 0, T0, 60, 0),
                     FRAUD_AGAIN);
    fraud_table_put(&ref);
    assert_true(there(&table, &pids[0], 0, T0, 60, 1));

    assert_int_equal(fraud_table_get(&table, &ref, &pids[0], 0, T0, 60, 0),
                     FRAUD_OK);
    assert_int_equal(fraud_table_get(&table, &other, &pids[1], 0, T0, 60, 1),
                     FRAUD_AGAIN);
    fraud_table_drop(&ref);
    assert_false(there(&table, &pids[0], 0, T0, 60, 1));
    free(memory);
}

/* The lock is in 32 bits too, and 2^42 us wrap it. */
static void dead_holder(void **state) {
    static const uint64_t starts[] = {
        T0,
        400 * ((uint64_t)1 << 42),
        400 * ((uint64_t)1 << 42) - 1,
        400 * ((uint64_t)1 << 42) - 600 * MS,
        400 * ((uint64_t)1 << 42) - 2 * SECOND,
        ((uint64_t)1 << 42) + ((uint64_t)1 << 41) - 600 * MS,
    };
    static const uint64_t apart[] = {0, 1, 100 * MS, 500 * MS, 990 * MS};
    fraud_table_t table;
    fraud_table_ref_t ref, other;
    fraud_pid_t pid;
    void *memory;
    size_t i, k;

    (void)state;
    seed = 19;
    for (i = 0; i < N(starts); i++) {
        memory = make(&table, 1);
        random_pid(&pid);
        assert_int_equal(
            fraud_table_get(&table, &ref, &pid, 0, starts[i], 60, 1), FRAUD_OK);
        fill(ref.record, i);
        for (k = 0; k < N(apart); k++) {
            assert_int_equal(fraud_table_get(&table, &other, &pid, 0,
                                             starts[i] + apart[k], 60, 0),
                             FRAUD_AGAIN);
            assert_int_equal(fraud_table_get(&table, &other, &pid, 0,
                                             starts[i] - apart[k], 60, 0),
                             FRAUD_AGAIN);
        }
        assert_int_equal(fraud_table_get(&table, &other, &pid, 0,
                                         starts[i] + 1100 * MS, 60, 0),
                         FRAUD_OK);
        assert_true(holds(other.record, i));

        /* and now it is held by this one */
        assert_int_equal(fraud_table_get(&table, &ref, &pid, 0,
                                         starts[i] + 1200 * MS, 60, 0),
                         FRAUD_AGAIN);
        fraud_table_put(&other);
        assert_true(there(&table, &pid, 0, starts[i] + 1200 * MS, 60, i));
        free(memory);
    }
}

/* However far apart, in either direction: no lock is for ever. */
static void dead_holder_long_ago(void **state) {
    static const uint64_t apart[] = {1100 * MS,     2 * SECOND, 3600 * SECOND,
                                     DAY,           25 * DAY,   26 * DAY,
                                     30 * DAY,      50 * DAY,   52 * DAY,
                                     400 * DAY};
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[2];
    uint64_t now;
    void *memory;
    size_t i;

    (void)state;
    seed = 32;
    random_pids(pids, N(pids));
    for (i = 0; i < 2 * N(apart); i++) {
        memory = make(&table, 1);
        assert_int_equal(fraud_table_get(&table, &ref, &pids[0], 0, T0, 60, 1),
                         FRAUD_OK);
        now = i % 2 != 0 ? T0 - apart[i / 2] : T0 + apart[i / 2];
        create(&table, &ref, &pids[1], 0, now, 60, i);
        assert_true(there(&table, &pids[1], 0, now, 60, i));
        free(memory);
    }
}

/* Its lock is another's by now. */
static void overruled_holder(void **state) {
    fraud_table_t table;
    fraud_table_ref_t first, second, third;
    fraud_pid_t pids[3];
    void *memory;

    (void)state;
    seed = 33;
    random_pids(pids, N(pids));
    memory = make(&table, 1);
    assert_int_equal(fraud_table_get(&table, &first, &pids[0], 0, T0, 60, 1),
                     FRAUD_OK);
    assert_int_equal(fraud_table_get(&table, &second, &pids[1], 0,
                                     T0 + 2 * SECOND, 60, 1),
                     FRAUD_OK);
    fill(second.record, 2);
    fraud_table_put(&first);
    assert_int_equal(fraud_table_get(&table, &third, &pids[2], 0,
                                     T0 + 2 * SECOND, 60, 1),
                     FRAUD_AGAIN);
    fraud_table_put(&second);
    create(&table, &third, &pids[2], 0, T0 + 2 * SECOND, 60, 3);
    assert_true(there(&table, &pids[1], 0, T0 + 2 * SECOND, 60, 2));

    /* the same when it drops what it held */
    assert_int_equal(fraud_table_get(&table, &first, &pids[0], 0, T0, 60, 0),
                     FRAUD_OK);
    assert_int_equal(fraud_table_get(&table, &second, &pids[1], 0,
                                     T0 + 2 * SECOND, 60, 0),
                     FRAUD_OK);
    fraud_table_drop(&first);
    assert_int_equal(fraud_table_get(&table, &third, &pids[2], 0,
                                     T0 + 2 * SECOND, 60, 0),
                     FRAUD_AGAIN);
    fraud_table_put(&second);
    assert_true(there(&table, &pids[1], 0, T0 + 2 * SECOND, 60, 2));
    free(memory);
}

typedef struct {
    int is_there;
    uint64_t value;
    uint64_t used;
    uint32_t ttl;       /* as kept */
    uint64_t evictions; /* of the whole table when last used */
} model_t;

typedef struct {
    uint64_t created, evicted, expired, dropped, swept;
} counts_t;

/* Three bits of mantissa below the first one. */
static uint32_t kept(uint32_t ttl) {
    uint32_t step = 1;

    while (ttl / step >= 16) {
        step *= 2;
    }
    return ttl / step * step;
}

static void judge_found(const fraud_table_ref_t *ref, const model_t *model,
                        uint64_t now) {
    assert_int_equal(ref->evicted, 0);
    assert_int_equal(ref->expired, 0);
    assert_true(model->is_there);
    assert_true(holds(ref->record, model->value));
    assert_true(now <= model->used + (model->ttl + 3) * SECOND);
}

/* What is not there any more was past its time or made room. */
static void judge_lost(const model_t *model, uint64_t now, uint64_t evictions) {
    if (model->is_there && model->evictions == evictions) {
        assert_true(now + 3 * SECOND >= model->used + model->ttl * SECOND);
    }
}

static void step(const fraud_table_t *table, const fraud_pid_t *pid,
                 unsigned part, model_t *model, uint64_t now,
                 counts_t *counts) {
    static const uint32_t ttls[] = {8, 13, 61, 600, 5000};
    uint32_t ttl = ttls[any(N(ttls))];
    int create_it = any(3) != 0;
    fraud_table_ref_t ref;
    fraud_rc rc;

    rc = fraud_table_get(table, &ref, pid, part, now, ttl, create_it);
    if (rc == FRAUD_NOTFOUND) {
        assert_false(create_it);
        assert_int_equal(ref.created, 0);
    } else {
        assert_int_equal(rc, FRAUD_OK);
    }
    if (rc == FRAUD_OK && !ref.created) {
        judge_found(&ref, model, now);
    } else {
        judge_lost(model, now, counts->evicted);
    }
    counts->created += ref.created;
    counts->evicted += ref.evicted;
    counts->expired += ref.expired;
    model->is_there = rc == FRAUD_OK;
    if (rc != FRAUD_OK) {
        return;
    }
    if (ref.created) {
        assert_true(is_zero(ref.record));
    }
    if (any(10) == 0) {
        fraud_table_drop(&ref);
        counts->dropped++;
        model->is_there = 0;
        return;
    }
    model->value = random_u64();
    model->used = now;
    model->ttl = kept(ttl);
    model->evictions = counts->evicted;
    fill(ref.record, model->value);
    fraud_table_put(&ref);
}

static void against_model(uint32_t n, unsigned pids_n, unsigned steps) {
    static const uint64_t leaps[] = {1, MS, 100 * MS, 2 * SECOND, 20 * SECOND};
    static model_t models[MAX_PIDS][3];
    counts_t counts = {0, 0, 0, 0, 0};
    fraud_pid_t pids[MAX_PIDS];
    fraud_table_t table;
    uint64_t now = T0, found = 0;
    unsigned i, k;
    void *memory;

    memset(models, 0, sizeof(models));
    random_pids(pids, pids_n);
    memory = make(&table, n);
    while (steps-- > 0) {
        i = any(pids_n);
        k = any(3);
        now += random_u64() % leaps[any(N(leaps))];
        if (any(50) == 0) {
            now -= random_u64() % SECOND;
        }
        if (any(40) == 0) {
            counts.swept +=
                fraud_table_sweep(&table, any(1000), 1 + any(n), now);
        }
        step(&table, &pids[i], k, &models[i][k], now, &counts);
    }

    /* each is found once, and whatever else there is would be a double */
    for (i = 0; i < pids_n; i++) {
        for (k = 0; k < 3; k++) {
            fraud_table_ref_t ref;

            if (fraud_table_get(&table, &ref, &pids[i], k, now, 5000, 0) ==
                FRAUD_OK) {
                judge_found(&ref, &models[i][k], now);
                fraud_table_put(&ref);
                found++;
            }
            counts.expired += ref.expired;
        }
    }
    assert_true(counts.expired > 0 && counts.dropped > 0 && counts.swept > 0);
    assert_int_equal(take_all(&table, now), counts.created - counts.evicted -
                                                counts.expired -
                                                counts.dropped - counts.swept);
    assert_true(found > 0);
    assert_int_equal(take_all(&table, now), 0);
    free(memory);
}

/* The same by count: what the look-ups find is all that there is. */
static void no_doubles(uint32_t n, unsigned pids_n, unsigned steps) {
    fraud_pid_t pids[MAX_PIDS];
    fraud_table_t table;
    fraud_table_ref_t ref;
    uint64_t now = T0, found = 0;
    unsigned i;
    void *memory;

    random_pids(pids, pids_n);
    memory = make(&table, n);
    while (steps-- > 0) {
        now += random_u64() % (2 * SECOND);
        assert_int_equal(fraud_table_get(&table, &ref, &pids[any(pids_n)],
                                         any(2), now, 8 + any(60), 1),
                         FRAUD_OK);
        fraud_table_put(&ref);
    }
    (void)fraud_table_sweep(&table, 0, n, now);
    for (i = 0; i < 2 * pids_n; i++) {
        if (fraud_table_get(&table, &ref, &pids[i / 2], i % 2, now, 600, 0) ==
            FRAUD_OK) {
            fraud_table_put(&ref);
            found++;
        }
    }
    assert_true(found > 0);
    assert_int_equal(take_all(&table, now), found);
    free(memory);
}

static void random_walk(void **state) {
    (void)state;
    seed = 20;
    against_model(5, 30, 200000);
    against_model(1, 8, 50000);
    against_model(3, MAX_PIDS, 50000);
    against_model(100, 30, 50000);
    no_doubles(1, 8, 20000);
    no_doubles(4, 20, 20000);
    no_doubles(50, MAX_PIDS, 20000);
}

/* One set against a list in order of use. */
static void exactly_lru(void **state) {
    fraud_pid_t pids[12];
    unsigned order[FRAUD_TABLE_WAYS], len = 0, i, k, steps;
    fraud_table_t table;
    fraud_table_ref_t ref;
    uint64_t now = T0;
    void *memory;

    (void)state;
    seed = 21;
    random_pids(pids, N(pids));
    memory = make(&table, 1);
    for (steps = 0; steps < 50000; steps++) {
        now += 100 * MS;
        i = any(N(pids));
        assert_int_equal(
            fraud_table_get(&table, &ref, &pids[i], 0, now, 4000000, 1),
            FRAUD_OK);
        fraud_table_put(&ref);
        for (k = 0; k < len && order[k] != i; k++) {
        }
        assert_int_equal(ref.created, k == len);
        assert_int_equal(ref.evicted, k == FRAUD_TABLE_WAYS);
        assert_int_equal(ref.expired, 0);
        if (k == FRAUD_TABLE_WAYS) {
            k = 0; /* the first in order was evicted */
        } else if (k == len) {
            len++;
        }
        for (; k + 1 < len; k++) {
            order[k] = order[k + 1];
        }
        order[len - 1] = i;
    }
    free(memory);
}

static double chi_square(uint32_t n, unsigned part, unsigned draws) {
    uint32_t *hits = calloc(n, sizeof(*hits));
    double expect = (double)draws / n, sum = 0;
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    unsigned i;
    void *memory;

    assert_non_null(hits);
    memory = make(&table, n);
    for (i = 0; i < draws; i++) {
        random_pid(&pid);
        assert_int_equal(fraud_table_get(&table, &ref, &pid, part, T0, 60, 1),
                         FRAUD_OK);
        fraud_table_put(&ref);
        hits[((char *)ref.set - (char *)table.sets) / FRAUD_TABLE_SET_BYTES]++;
    }
    for (i = 0; i < n; i++) {
        sum += (hits[i] - expect) * (hits[i] - expect) / expect;
    }
    free(hits);
    free(memory);
    return sum;
}

/* Six standard deviations, sqrt(2n), around the mean, n - 1. */
static void sets_are_used_alike(void **state) {
    static const uint32_t sizes[] = {3, 96, 1000, 1009};
    unsigned part;
    double x, n;
    size_t i;

    (void)state;
    seed = 22;
    for (i = 0; i < N(sizes); i++) {
        for (part = 0; part < 6; part += 5) {
            n = sizes[i];
            x = chi_square(sizes[i], part, 100000) - (n - 1);
            assert_true(x * x < 36 * 2 * n);
        }
    }
}

/* Hold what is there, and say what its mark was before it got this one. */
static int marks(const fraud_table_t *table, const fraud_pid_t *pid,
                 unsigned part, uint64_t now, int mark) {
    fraud_table_ref_t ref;
    int was;

    assert_int_equal(fraud_table_get(table, &ref, pid, part, now, 60, 0),
                     FRAUD_OK);
    was = fraud_table_mark(&ref, mark);
    fraud_table_put(&ref);
    return was;
}

/* The next one, let go at once, or -1; ${value} is what its record has. */
static int next_part(const fraud_table_t *table, fraud_pid_t *pid,
                     uint32_t *from, uint32_t to, uint64_t now,
                     uint64_t value) {
    fraud_table_ref_t ref;
    unsigned part = 77;
    fraud_rc rc;

    rc = fraud_table_next_marked(table, &ref, pid, &part, from, to, now);
    if (rc != FRAUD_OK) {
        assert_int_equal(rc, FRAUD_NOTFOUND);
        assert_int_equal(*from, to);
        return -1;
    }
    assert_true(holds(ref.record, value));
    assert_int_equal(ref.created, 0);
    assert_int_equal(ref.evicted, 0);
    assert_int_equal(ref.expired, 0);
    fraud_table_put(&ref);
    return (int)part;
}

static int any_marked(const fraud_table_t *table, uint64_t now) {
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    uint32_t from = 0;
    unsigned part;

    if (fraud_table_next_marked(table, &ref, &pid, &part, &from, table->n,
                                now) != FRAUD_OK) {
        return 0;
    }
    (void)fraud_table_mark(&ref, 1);
    fraud_table_put(&ref);
    return 1;
}

static void marks_are_kept(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[7];
    void *memory;
    unsigned i, k;

    (void)state;
    seed = 32;
    random_pids(pids, N(pids));
    memory = make(&table, 1);
    for (i = 0; i < N(pids); i++) {
        create(&table, &ref, &pids[i], 0, T0, 60, i);
    }
    for (i = 0; i < N(pids); i++) {
        assert_false(any_marked(&table, T0));
        assert_int_equal(marks(&table, &pids[i], 0, T0, 0), 0);
        assert_int_equal(marks(&table, &pids[i], 0, T0, 1), 0);
        assert_int_equal(marks(&table, &pids[i], 0, T0, 1), 1);
        assert_true(any_marked(&table, T0));
        for (k = 0; k < N(pids); k++) {
            assert_int_equal(marks(&table, &pids[k], 0, T0, k == i), k == i);
        }
        assert_int_equal(marks(&table, &pids[i], 0, T0, 0), 1);
        assert_int_equal(marks(&table, &pids[i], 0, T0, 0), 0);
    }
    assert_false(any_marked(&table, T0));
    assert_int_equal(take_all(&table, T0), N(pids));
    free(memory);
}

/* Whatever an entry goes by, who gets its place is not marked. */
static void marks_go_with_entries(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[21];
    uint64_t now = T0;
    void *memory;
    unsigned i, k;

    (void)state;
    seed = 33;
    random_pids(pids, N(pids));
    memory = make(&table, 1);
    for (k = 0; k < 4; k++) {
        for (i = 0; i < 7; i++) {
            create(&table, &ref, &pids[i], 0, now, 60, i);
            assert_int_equal(marks(&table, &pids[i], 0, now, 1), 0);
        }
        assert_true(any_marked(&table, now));
        switch (k) {
        case 0:
            for (i = 0; i < 7; i++) {
                assert_int_equal(
                    fraud_table_get(&table, &ref, &pids[i], 0, now, 60, 0),
                    FRAUD_OK);
                fraud_table_drop(&ref);
            }
            break;
        case 1:
            now += 61 * SECOND;
            assert_false(any_marked(&table, now));
            assert_int_equal(fraud_table_sweep(&table, 0, 1, now), 7);
            break;
        case 2:
            now += 61 * SECOND;
            for (i = 0; i < 7; i++) {
                create(&table, &ref, &pids[7 + i], 0, now, 60, i);
                assert_false(any_marked(&table, now));
            }
            assert_int_equal(take_all(&table, now), 7);
            break;
        default:
            now += SECOND;
            for (i = 0; i < 7; i++) {
                create(&table, &ref, &pids[14 + i], 0, now, 60, i);
                assert_int_equal(ref.evicted, 1);
            }
        }
        assert_false(any_marked(&table, now));
    }
    free(memory);
}

/* Every part of a pid is told apart, in one set and in many. */
static void marked_are_found(void **state) {
    static const uint32_t sizes[] = {37, 200, 2003};
    uint8_t seen[256];
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid, found;
    uint32_t from;
    void *memory;
    unsigned i;
    size_t k;
    int part;

    (void)state;
    seed = 34;
    for (k = 0; k < N(sizes); k++) {
        random_pid(&pid);
        memory = make(&table, sizes[k]);
        for (i = 0; i < 256; i++) {
            assert_int_equal(fraud_table_get(&table, &ref, &pid, i, T0, 60, 1),
                             FRAUD_OK);
            fill(ref.record, 5);
            if (i % 3 != 0) {
                assert_int_equal(fraud_table_mark(&ref, 1), 0);
            }
            fraud_table_put(&ref);
        }
        memset(seen, 0, sizeof(seen));
        from = 0;
        while ((part = next_part(&table, &found, &from, table.n, T0, 5)) >= 0) {
            assert_memory_equal(&found, &pid, sizeof(pid));
            assert_in_range(part, 0, 255);
            seen[part]++;
            assert_int_equal(marks(&table, &pid, (unsigned)part, T0, 0), 0);
        }
        for (i = 0; i < 256; i++) {
            if (there(&table, &pid, i, T0, 60, 5)) {
                assert_int_equal(seen[i], i % 3 != 0);
            }
        }
        assert_false(any_marked(&table, T0));
        free(memory);
    }
}

static void marked_in_a_range(void **state) {
    const uint64_t now = T0 + 30 * SECOND;
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[300], found;
    uint32_t from, first, left = 0, n = 0;
    void *memory;
    unsigned i;

    (void)state;
    seed = 35;
    random_pids(pids, N(pids));
    memory = make(&table, 300);
    for (i = 0; i < N(pids); i++) {
        create(&table, &ref, &pids[i], 7, T0, i % 2 ? 20 : 60, 1);
        assert_int_equal(ref.evicted, 0);
        assert_int_equal(
            fraud_table_get(&table, &ref, &pids[i], 7, T0, i % 2 ? 20 : 60, 0),
            FRAUD_OK);
        (void)fraud_table_mark(&ref, 1);
        fraud_table_put(&ref);
        left += (i % 2 == 0);
    }

    /* past the last set it goes on with the first; an empty range is none */
    from = 290;
    assert_int_equal(next_part(&table, &found, &from, 290, now, 1), -1);
    for (first = 290; first < 590; first += 60) {
        from = first;
        while (next_part(&table, &found, &from, first + 60, now, 1) == 7) {
            assert_in_range(from, first, first + 59);
            n++;
        }
        assert_in_range(n, 1, left);
    }
    assert_int_equal(n, left);
    assert_false(any_marked(&table, now));

    /* that was no use of them */
    assert_int_equal(fraud_table_sweep(&table, 0, 300, T0 + 61 * SECOND), 300);
    free(memory);
}

/* Marked again at once, they do not hold up the one who looks. */
static void marked_again(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pids[7], found;
    uint32_t from;
    void *memory;
    unsigned i, k, n, part;

    (void)state;
    seed = 36;
    random_pids(pids, N(pids));
    memory = make(&table, 1);
    for (i = 0; i < N(pids); i++) {
        create(&table, &ref, &pids[i], 3, T0, 60, 2);
        assert_int_equal(marks(&table, &pids[i], 3, T0, 1), 0);
    }
    for (k = 0; k < 3; k++) {
        from = 0;
        n = 0;
        while (fraud_table_next_marked(&table, &ref, &found, &part, &from, 1,
                                       T0) == FRAUD_OK) {
            assert_int_equal(part, 3);
            assert_int_equal(fraud_table_mark(&ref, 1), 0);
            assert_int_equal(fraud_table_mark(&ref, 1), 1);
            if (n % 2 == 0) {
                assert_int_equal(fraud_table_mark(&ref, 0), 1);
                assert_int_equal(fraud_table_mark(&ref, 1), 0);
            }
            fraud_table_put(&ref);
            assert_int_equal(marks(&table, &found, 3, T0, 1), 1);
            n++;
        }
        assert_int_equal(n, N(pids));
    }
    for (i = 0; i < N(pids); i++) {
        assert_int_equal(marks(&table, &pids[i], 3, T0, 0), 1);
    }
    assert_false(any_marked(&table, T0));
    free(memory);
}

static void marked_in_held_sets(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref, other;
    fraud_pid_t pids[2], found;
    uint32_t from = 0;
    unsigned part;
    void *memory;

    (void)state;
    seed = 37;
    random_pids(pids, N(pids));
    memory = make(&table, 1);
    create(&table, &ref, &pids[0], 0, T0, 60, 1);
    create(&table, &ref, &pids[1], 0, T0, 60, 1);
    assert_int_equal(marks(&table, &pids[0], 0, T0, 1), 0);
    assert_int_equal(fraud_table_get(&table, &ref, &pids[1], 0, T0, 60, 0),
                     FRAUD_OK);
    assert_int_equal(next_part(&table, &found, &from, 1, T0, 1), -1);

    /* a dead holder is overruled, and what he marks then is not */
    from = 0;
    assert_int_equal(next_part(&table, &found, &from, 1, T0 + 2 * SECOND, 1),
                     0);
    assert_memory_equal(&found, &pids[0], sizeof(found));
    assert_int_equal(fraud_table_mark(&ref, 1), 0);
    assert_int_equal(fraud_table_mark(&ref, 1), 0);
    fraud_table_put(&ref);
    assert_false(any_marked(&table, T0));

    /* who is found is held */
    assert_int_equal(marks(&table, &pids[1], 0, T0, 1), 0);
    from = 0;
    assert_int_equal(
        fraud_table_next_marked(&table, &ref, &found, &part, &from, 1, T0),
        FRAUD_OK);
    assert_int_equal(fraud_table_get(&table, &other, &pids[0], 0, T0, 60, 0),
                     FRAUD_AGAIN);
    fraud_table_drop(&ref);
    assert_false(there(&table, &pids[1], 0, T0, 60, 1));
    assert_true(there(&table, &pids[0], 0, T0, 60, 1));
    free(memory);
}

typedef struct {
    const fraud_table_t *table;
    const fraud_pid_t *pids;
    unsigned n;      /* of pids */
    unsigned rounds; /* of this thread */
    int drops;
    uint64_t state;
    uint64_t added[MAX_PIDS];
    counts_t counts;
    unsigned torn;
} worker_t;

/* Two counters far apart in a record, which one holder keeps equal. */
static void count_up(worker_t *worker, const fraud_table_ref_t *ref,
                     unsigned i) {
    uint64_t first, last, id;

    memcpy(&first, ref->record, 8);
    memcpy(&id, ref->record + 48, 8);
    memcpy(&last, ref->record + FRAUD_TABLE_RECORD - 8, 8);
    if (first != last || id != (first == 0 ? 0 : i + 1) ||
        (ref->created && first != 0)) {
        worker->torn++;
    }
    first++;
    last++;
    id = i + 1;
    memcpy(ref->record, &first, 8);
    memcpy(ref->record + 48, &id, 8);
    memcpy(ref->record + FRAUD_TABLE_RECORD - 8, &last, 8);
    worker->added[i]++;
}

static void *work(void *arg) {
    worker_t *worker = arg;
    fraud_table_ref_t ref;
    unsigned i, k;

    for (k = 0; k < worker->rounds; k++) {
        worker->state =
            worker->state * 6364136223846793005u + 1442695040888963407u;
        i = (unsigned)(worker->state >> 33) % worker->n;
        while (fraud_table_get(worker->table, &ref, &worker->pids[i], 0, T0, 60,
                               1) != FRAUD_OK) {
        }
        worker->counts.created += ref.created;
        worker->counts.evicted += ref.evicted;
        worker->counts.expired += ref.expired;
        count_up(worker, &ref, i);
        if (worker->drops && k % 16 == 0) {
            worker->counts.dropped++;
            fraud_table_drop(&ref);
        } else {
            fraud_table_put(&ref);
        }
    }
    return NULL;
}

static void start(worker_t *worker, const fraud_table_t *table,
                  const fraud_pid_t *pids, unsigned n, unsigned rounds,
                  uint64_t state) {
    memset(worker, 0, sizeof(*worker));
    worker->table = table;
    worker->pids = pids;
    worker->n = n;
    worker->rounds = rounds;
    worker->state = state * 0x9e3779b97f4a7c15u;
}

/* Return what the first counter says, or 0. */
static uint64_t counter(const fraud_table_t *table, const fraud_pid_t *pid) {
    fraud_table_ref_t ref;
    uint64_t value;

    if (fraud_table_get(table, &ref, pid, 0, T0, 60, 0) != FRAUD_OK) {
        return 0;
    }
    memcpy(&value, ref.record, sizeof(value));
    fraud_table_put(&ref);
    return value;
}

static void threads_lose_nothing(void **state) {
    fraud_pid_t pids[6];
    worker_t workers[4];
    pthread_t threads[4];
    fraud_table_t table;
    uint64_t sum;
    unsigned i, k;
    void *memory;

    (void)state;
    seed = 23;
    random_pids(pids, N(pids));
    memory = make(&table, 2);
    for (k = 0; k < 4; k++) {
        start(&workers[k], &table, pids, N(pids), 40000, k + 1);
        assert_int_equal(pthread_create(&threads[k], NULL, work, &workers[k]),
                         0);
    }
    for (k = 0; k < 4; k++) {
        assert_int_equal(pthread_join(threads[k], NULL), 0);
        assert_int_equal(workers[k].torn, 0);
        assert_int_equal(workers[k].counts.evicted, 0);
    }
    for (i = 0; i < N(pids); i++) {
        sum = 0;
        for (k = 0; k < 4; k++) {
            sum += workers[k].added[i];
        }
        assert_true(sum > 10000);
        assert_int_equal(counter(&table, &pids[i]), sum);
    }
    free(memory);
}

/* More subjects than room, and some dropped: the sums still hold. */
static void threads_that_evict(void **state) {
    fraud_pid_t pids[40];
    worker_t workers[4];
    pthread_t threads[4];
    fraud_table_t table;
    uint64_t left = 0;
    unsigned k;
    void *memory;

    (void)state;
    seed = 24;
    random_pids(pids, N(pids));
    memory = make(&table, 2);
    for (k = 0; k < 4; k++) {
        start(&workers[k], &table, pids, N(pids), 20000, k + 1);
        workers[k].drops = 1;
        assert_int_equal(pthread_create(&threads[k], NULL, work, &workers[k]),
                         0);
    }
    for (k = 0; k < 4; k++) {
        assert_int_equal(pthread_join(threads[k], NULL), 0);
        assert_int_equal(workers[k].torn, 0);
        assert_true(workers[k].counts.evicted > 0);
        left += workers[k].counts.created - workers[k].counts.evicted -
                workers[k].counts.expired - workers[k].counts.dropped;
    }
    assert_in_range(left, 1, 14);
    assert_int_equal(take_all(&table, T0), left);
    free(memory);
}

/* Who adds marks, who looks takes what there is: nothing gets lost. */
typedef struct {
    const fraud_table_t *table;
    const fraud_pid_t *pids;
    unsigned n;
    unsigned rounds;  /* of one who adds */
    const int *ended; /* of one who takes: the others are done */
    uint64_t state;
    uint64_t sum;      /* added, or taken */
    unsigned mistakes; /* not marked, or not whose it should be */
} marker_t;

static void *add(void *arg) {
    marker_t *marker = arg;
    fraud_table_ref_t ref;
    uint64_t value;
    unsigned i, k;

    for (k = 0; k < marker->rounds; k++) {
        marker->state =
            marker->state * 6364136223846793005u + 1442695040888963407u;
        i = (unsigned)(marker->state >> 33) % marker->n;
        while (fraud_table_get(marker->table, &ref, &marker->pids[i], i, T0, 60,
                               1) != FRAUD_OK) {
        }
        memcpy(&value, ref.record, sizeof(value));
        if (fraud_table_mark(&ref, 1) != (value != 0)) {
            marker->mistakes++;
        }
        value++;
        memcpy(ref.record, &value, sizeof(value));
        fraud_table_put(&ref);
        marker->sum++;
    }
    return NULL;
}

static void take_marked(marker_t *marker) {
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    uint32_t from = 0;
    uint64_t value;
    unsigned part;

    while (fraud_table_next_marked(marker->table, &ref, &pid, &part, &from,
                                   marker->table->n, T0) == FRAUD_OK) {
        memcpy(&value, ref.record, sizeof(value));
        if (value == 0 || part >= marker->n ||
            memcmp(&pid, &marker->pids[part], sizeof(pid)) != 0) {
            marker->mistakes++;
        }
        marker->sum += value;
        memset(ref.record, 0, sizeof(value));
        fraud_table_put(&ref);
    }
}

static void *take(void *arg) {
    marker_t *marker = arg;

    while (!__atomic_load_n(marker->ended, __ATOMIC_ACQUIRE)) {
        take_marked(marker);
    }
    take_marked(marker);
    return NULL;
}

static void marker_init(marker_t *marker, const fraud_table_t *table,
                        const fraud_pid_t *pids, unsigned n, uint64_t state) {
    memset(marker, 0, sizeof(*marker));
    marker->table = table;
    marker->pids = pids;
    marker->n = n;
    marker->rounds = 40000;
    marker->state = state * 0x9e3779b97f4a7c15u;
}

static void threads_lose_no_mark(void **state) {
    fraud_pid_t pids[7];
    marker_t markers[4], rest;
    pthread_t threads[4];
    fraud_table_t table;
    uint64_t taken = 0;
    int ended = 0;
    unsigned k;
    void *memory;

    (void)state;
    seed = 38;
    random_pids(pids, N(pids));
    memory = make(&table, 2);
    for (k = 0; k < 4; k++) {
        marker_init(&markers[k], &table, pids, N(pids), k + 1);
        markers[k].ended = &ended;
        assert_int_equal(
            pthread_create(&threads[k], NULL, k < 2 ? add : take, &markers[k]),
            0);
    }
    for (k = 0; k < 4; k++) {
        if (k == 2) {
            __atomic_store_n(&ended, 1, __ATOMIC_RELEASE);
        }
        assert_int_equal(pthread_join(threads[k], NULL), 0);
        assert_int_equal(markers[k].mistakes, 0);
        taken += k < 2 ? 0 : markers[k].sum;
    }
    /* a set that one held at the end was left out by the other */
    marker_init(&rest, &table, pids, N(pids), 1);
    take_marked(&rest);
    assert_int_equal(rest.mistakes, 0);
    assert_int_equal(taken + rest.sum, markers[0].sum + markers[1].sum);
    assert_false(any_marked(&table, T0));
    free(memory);
}

#define SHARED_BYTES ((size_t)2 * FRAUD_TABLE_SET_BYTES)
#define CHILDREN 3

static void *map_shared(void) {
    void *memory = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

/* What a child makes of it ends with _exit(): cmocka's asserts are no use. */
static int child(void *memory, const fraud_pid_t *pids, unsigned n) {
    fraud_table_t table;
    worker_t worker;

    if (fraud_table_init(&table, memory, SHARED_BYTES) != FRAUD_OK) {
        return 2;
    }
    start(&worker, &table, pids, n, 30000, 1);
    work(&worker);
    return worker.torn == 0 ? 0 : 3;
}

static void processes_lose_nothing(void **state) {
    fraud_pid_t pids[5];
    pid_t children[CHILDREN];
    fraud_table_t table;
    uint64_t sum = 0;
    void *memory;
    unsigned i;
    int status;

    (void)state;
    seed = 25;
    random_pids(pids, N(pids));
    memory = map_shared();
    for (i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            _exit(child(memory, pids, N(pids)));
        }
    }
    for (i = 0; i < CHILDREN; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_int_equal(fraud_table_init(&table, memory, SHARED_BYTES), FRAUD_OK);
    for (i = 0; i < N(pids); i++) {
        sum += counter(&table, &pids[i]);
    }
    assert_int_equal(sum, CHILDREN * 30000);
    (void)munmap(memory, SHARED_BYTES);
}

static void processes_lose_no_mark(void **state) {
    fraud_pid_t pids[5];
    pid_t children[CHILDREN];
    fraud_table_t table;
    marker_t taker, adder;
    unsigned i, ended = 0;
    void *memory;
    int status;

    (void)state;
    seed = 39;
    random_pids(pids, N(pids));
    memory = map_shared();
    assert_int_equal(fraud_table_init(&table, memory, SHARED_BYTES), FRAUD_OK);
    for (i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            marker_init(&adder, &table, pids, N(pids), i + 1);
            add(&adder);
            _exit(adder.mistakes == 0 ? 0 : 3);
        }
    }
    marker_init(&taker, &table, pids, N(pids), 1);
    for (i = 0; i < CHILDREN; i++) {
        while (waitpid(children[i], &status, WNOHANG) == 0) {
            take_marked(&taker);
        }
        ended += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    assert_int_equal(ended, CHILDREN);
    take_marked(&taker);
    assert_int_equal(taker.mistakes, 0);
    assert_int_equal(taker.sum, CHILDREN * taker.rounds);
    (void)munmap(memory, SHARED_BYTES);
}

static void process_dies_holding(void **state) {
    fraud_table_t table;
    fraud_table_ref_t ref;
    fraud_pid_t pid;
    void *memory;
    pid_t holder;
    int status;

    (void)state;
    seed = 26;
    random_pid(&pid);
    memory = map_shared();
    assert_int_equal(fraud_table_init(&table, memory, SHARED_BYTES), FRAUD_OK);
    holder = fork();
    assert_true(holder >= 0);
    if (holder == 0) {
        if (fraud_table_get(&table, &ref, &pid, 0, T0, 60, 1) != FRAUD_OK) {
            _exit(2);
        }
        fill(ref.record, 9);
        _exit(0);
    }
    assert_int_equal(waitpid(holder, &status, 0), holder);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(fraud_table_get(&table, &ref, &pid, 0, T0, 60, 0),
                     FRAUD_AGAIN);
    assert_true(there(&table, &pid, 0, T0 + 2 * SECOND, 60, 9));
    (void)munmap(memory, SHARED_BYTES);
}

/* Whose entries these are, and whose records tell of him, in any part. */
static void scrubs(void **state) {
    uint8_t memory[64 * 960 + 64];
    fraud_pid_t pids[40], him;
    fraud_table_ref_t ref;
    fraud_table_t table;
    uint32_t from = 0, found = 0;
    unsigned i, left = 0;

    (void)state;
    memset(memory, 0, sizeof(memory));
    assert_int_equal(fraud_table_init(&table, memory, sizeof(memory)),
                     FRAUD_OK);
    random_pid(&him);
    random_pids(pids, N(pids));
    for (i = 0; i < N(pids); i++) {
        assert_int_equal(fraud_table_get(&table, &ref, &pids[i], i % 3, T0,
                                         3600, 1),
                         FRAUD_OK);
        memset(ref.record, 0xaa, FRAUD_TABLE_RECORD);
        if (i % 4 == 0) {
            memcpy(ref.record + 4 * (i % 25), him.bytes, FRAUD_PID_LEN);
        }
        fraud_table_put(&ref);
    }
    for (i = 0; i < 3; i++) {
        assert_int_equal(
            fraud_table_get(&table, &ref, &him, i, T0, 3600, 1), FRAUD_OK);
        fraud_table_put(&ref);
    }

    /* a set that is held is not passed over */
    assert_int_equal(fraud_table_get(&table, &ref, &him, 0, T0, 3600, 0),
                     FRAUD_OK);
    assert_int_equal(fraud_table_scrub(&table, &him, &from,
                                       fraud_table_sets(&table), T0, &found),
                     FRAUD_AGAIN);
    assert_true(from < fraud_table_sets(&table));
    fraud_table_put(&ref);

    assert_int_equal(fraud_table_scrub(&table, &him, &from,
                                       fraud_table_sets(&table), T0, &found),
                     FRAUD_OK);
    assert_int_equal(from, fraud_table_sets(&table));
    assert_int_equal(found, 3 + N(pids) / 4);
    for (i = 0; i + FRAUD_PID_LEN <= sizeof(memory); i++) {
        assert_int_not_equal(memcmp(memory + i, him.bytes, FRAUD_PID_LEN), 0);
    }
    for (i = 0; i < N(pids); i++) {
        if (fraud_table_get(&table, &ref, &pids[i], i % 3, T0, 3600, 0) ==
            FRAUD_OK) {
            fraud_table_put(&ref);
            left++;
        }
    }
    assert_int_equal(left, N(pids) - N(pids) / 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_any_size),
        cmocka_unit_test(memory_keeps_its_table),
        cmocka_unit_test(every_bit_of_a_pid_counts),
        cmocka_unit_test(parts_are_apart),
        cmocka_unit_test(time_to_live),
        cmocka_unit_test(time_to_live_steps),
        cmocka_unit_test(time_to_live_exact),
        cmocka_unit_test(clock_goes_back),
        cmocka_unit_test(clock_was_wrong),
        cmocka_unit_test(set_full_of_the_future),
        cmocka_unit_test(late_touch),
        cmocka_unit_test(victims_vary),
        cmocka_unit_test(ticks_wrap),
        cmocka_unit_test(full_set_loses_the_oldest),
        cmocka_unit_test(past_before_oldest),
        cmocka_unit_test(sweeps),
        cmocka_unit_test(sweeps_of_held_sets),
        cmocka_unit_test(held_sets),
        cmocka_unit_test(dead_holder),
        cmocka_unit_test(dead_holder_long_ago),
        cmocka_unit_test(overruled_holder),
        cmocka_unit_test(random_walk),
        cmocka_unit_test(exactly_lru),
        cmocka_unit_test(sets_are_used_alike),
        cmocka_unit_test(marks_are_kept),
        cmocka_unit_test(marks_go_with_entries),
        cmocka_unit_test(marked_are_found),
        cmocka_unit_test(marked_in_a_range),
        cmocka_unit_test(marked_again),
        cmocka_unit_test(marked_in_held_sets),
        cmocka_unit_test(scrubs),
        cmocka_unit_test(threads_lose_nothing),
        cmocka_unit_test(threads_that_evict),
        cmocka_unit_test(threads_lose_no_mark),
        cmocka_unit_test(processes_lose_nothing),
        cmocka_unit_test(processes_lose_no_mark),
        cmocka_unit_test(process_dies_holding),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
