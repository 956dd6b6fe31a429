/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fraud_store.lua against fraud_op.c: random sequences of all ops on random
 * and hostile records, on a redis-server of its own. Each answer is compared,
 * and after each call each byte of each record.
 *
 * usage: store_diff SCRIPT [SEED [SEQUENCES]]
 *
 * The script's clock is replaced by one of ours, the rest is as shipped.
 */

#include "fraud_store.h"

#include <hiredis/hiredis.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define SECOND ((uint64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define KEYS 64 /* sequences at once */
#define STEPS 5 /* calls of a sequence */
#define MAX_ASKED 12
#define TTL 3600
#define RECORD_SIZE FRAUD_STORE_MAX_ANSWER

static const char clock_call[] = "call('TIME')";
static const char our_clock[] = "{ARGV[#KEYS + 1], ARGV[#KEYS + 2]}";

static pid_t server;
static char dir[] = "/tmp/fraud-store-XXXXXX";
static char path[64];
static redisContext *redis;

static void stop(void) {
    char file[96];

    if (redis != NULL) {
        redisFree(redis);
        redis = NULL;
    }
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        server = 0;
        unlink(path);
        snprintf(file, sizeof(file), "%s/log", dir);
        unlink(file);
        rmdir(dir);
    }
}

__attribute__((noreturn, format(printf, 1, 2))) static void
fail(const char *format, ...) {
    va_list args;

    printf("# ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\nnot ok\n");
    stop();
    exit(1);
}

#define CLAIM(what)                                                            \
    do {                                                                       \
        if (!(what)) {                                                         \
            fail("line %d: not so: %s", __LINE__, #what);                      \
        }                                                                      \
    } while (0)

static void start(void) {
    char log[96];
    struct timespec pause = {0, 20000000};
    int i;

    CLAIM(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/socket", dir);
    snprintf(log, sizeof(log), "%s/log", dir);
    server = fork();
    CLAIM(server >= 0);
    if (server == 0) {
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
               path, "--save", "", "--appendonly", "no", "--dir", dir,
               "--logfile", log, (char *)NULL);
        _exit(127);
    }
    for (i = 0; i < 500; i++) {
        redis = redisConnectUnix(path);
        if (redis != NULL && redis->err == 0) {
            return;
        }
        redisFree(redis);
        redis = NULL;
        CLAIM(waitpid(server, NULL, WNOHANG) == 0);
        nanosleep(&pause, NULL);
    }
    fail("redis-server does not answer");
}

static redisReply *reply(int type) {
    redisReply *r = NULL;

    if (redisGetReply(redis, (void **)&r) != REDIS_OK) {
        fail("%s", redis->errstr);
    }
    if (r->type != type) {
        fail("reply of type %d: %s", r->type, r->str != NULL ? r->str : "");
    }
    return r;
}

static uint64_t seed;

/* splitmix64 */
static uint64_t random_u64(void) {
    uint64_t x;

    x = seed += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t random_below(uint64_t n) {
    return random_u64() % n;
}

/* Of any size, below 2^52 mostly. */
static uint64_t random_number(void) {
    return random_u64() >> (random_below(8) != 0 ? 12 : 0) >> random_below(52);
}

static fraud_op_t ops[] = {
    {FRAUD_OP_GCRA, 0, {.gcra = {SECOND, 100, 10}}},
    {FRAUD_OP_GCRA, 0, {.gcra = {MINUTE, 5, 5}}},
    {FRAUD_OP_GCRA, 0, {.gcra = {DAY, 1, 0}}},
    {FRAUD_OP_GCRA, 0, {.gcra = {SECOND, 1000000, 1000}}},
    {FRAUD_OP_GCRA, 0, {.gcra = {FRAUD_OP_MAX - 1, 1000000, 0}}},
    {FRAUD_OP_GCRA, 0, {.gcra = {1048576, 7, 4294967294u}}},
    {FRAUD_OP_GCRA, 0, {.gcra = {1, 1, 0}}},
    {FRAUD_OP_DECAY, 0, {.half_life_us = 4 * HOUR}},
    {FRAUD_OP_DECAY, 0, {.half_life_us = MINUTE}},
    {FRAUD_OP_DECAY, 0, {.half_life_us = 3}},
    {FRAUD_OP_DECAY, 0, {.half_life_us = ((uint64_t)1 << 45) - 1}},
    {FRAUD_OP_DISTINCT, 0, {.window_us = 10 * MINUTE}},
    {FRAUD_OP_DISTINCT, 0, {.window_us = SECOND}},
    {FRAUD_OP_DISTINCT, 0, {.window_us = 1}},
    {FRAUD_OP_DISTINCT, 0, {.window_us = ((uint64_t)1 << 45) - 1}},
    {FRAUD_OP_SWAP, 0, {.window_us = 0}},
    {FRAUD_OP_SWAP, 0, {.window_us = 0}},
};

static void name_ops(void) {
    size_t i;

    for (i = 0; i < N(ops); i++) {
        ops[i].tag = fraud_op_tag(ops[i].type, "name", i % 4 + 1,
                                  fraud_op_scale(&ops[i]) + i);
    }
}

/* The record of one key, as it has to be in Redis. */
typedef struct {
    int exists;
    size_t len;
    uint8_t bytes[RECORD_SIZE];
} record_t;

static record_t records[KEYS];
static uint64_t now_us;

static uint64_t get(const uint8_t *p, unsigned n) {
    uint64_t value = 0;

    while (n-- > 0) {
        value = value << 8 | p[n];
    }
    return value;
}

static void put(uint8_t *p, uint64_t value, unsigned n) {
    for (; n > 0; n--, value >>= 8) {
        *p++ = (uint8_t)value;
    }
}

/* A state of any op, as the functions of fraud_op.h take it. */
typedef union {
    fraud_gcra_t gcra;
    fraud_decay_t decay;
    fraud_distinct_t distinct;
    fraud_swap_t swap;
} state_t;

static size_t list_len(unsigned n) {
    return n == 255 ? 48 : 2 * n;
}

/* Where the slot of ${tag} begins, and how long it is with its head. */
static size_t find(const record_t *r, uint32_t tag, size_t *len) {
    size_t at;

    for (at = 4; at + 5 <= r->len; at += *len) {
        *len = 5 + (size_t)r->bytes[at + 4];
        if (at + *len > r->len) {
            break;
        }
        if (get(r->bytes + at, 4) == tag) {
            return at;
        }
    }
    *len = 0;
    return at;
}

static void load(state_t *s, const record_t *r, const fraud_op_t *op) {
    const uint8_t *p;
    size_t at, len;

    memset(s, 0, sizeof(*s));
    at = find(r, op->tag, &len);
    if (len == 0) {
        return;
    }
    p = r->bytes + at + 5;
    len -= 5;
    switch (op->type) {
    case FRAUD_OP_GCRA:
        if (len == 16) {
            s->gcra.last_us = get(p, 8);
            s->gcra.debt = get(p + 8, 8);
        }
        break;
    case FRAUD_OP_DECAY:
        if (len == 12) {
            s->decay.time_us = get(p, 8);
            s->decay.value = get(p + 8, 4);
        }
        break;
    case FRAUD_OP_DISTINCT:
        if (len >= 10 && list_len(p[8]) <= 48 && list_len(p[9]) <= 48 &&
            len == 10 + list_len(p[8]) + list_len(p[9])) {
            s->distinct.window = get(p, 8);
            s->distinct.n[0] = p[8];
            s->distinct.n[1] = p[9];
            memcpy(s->distinct.set[0], p + 10, list_len(p[8]));
            memcpy(s->distinct.set[1], p + 10 + list_len(p[8]), list_len(p[9]));
        }
        break;
    case FRAUD_OP_SWAP:
    default:
        if (len > 8 && len <= 40) {
            s->swap.time_us = get(p, 8);
            s->swap.len = (uint8_t)(len - 8);
            memcpy(s->swap.bytes, p + 8, len - 8);
        }
    }
}

static size_t pack(uint8_t *p, const state_t *s, const fraud_op_t *op) {
    size_t len;

    put(p, op->tag, 4);
    switch (op->type) {
    case FRAUD_OP_GCRA:
        put(p + 5, s->gcra.last_us, 8);
        put(p + 13, s->gcra.debt, 8);
        len = 16;
        break;
    case FRAUD_OP_DECAY:
        put(p + 5, s->decay.time_us, 8);
        put(p + 13, s->decay.value, 4);
        len = 12;
        break;
    case FRAUD_OP_DISTINCT:
        put(p + 5, s->distinct.window, 8);
        p[13] = s->distinct.n[0];
        p[14] = s->distinct.n[1];
        len = list_len(p[13]);
        memcpy(p + 15, s->distinct.set[0], len);
        memcpy(p + 15 + len, s->distinct.set[1], list_len(p[14]));
        len += 10 + list_len(p[14]);
        break;
    case FRAUD_OP_SWAP:
    default:
        put(p + 5, s->swap.time_us, 8);
        memcpy(p + 13, s->swap.bytes, s->swap.len);
        len = 8 + (size_t)s->swap.len;
    }
    p[4] = (uint8_t)len;
    return len + 5;
}

static void store(record_t *r, const state_t *s, const fraud_op_t *op) {
    uint8_t slot[128];
    size_t at, old, len, n;

    at = find(r, op->tag, &old);
    /* what ends past the record is no slot, and goes */
    n = old != 0 ? r->len - at - old : 0;
    len = pack(slot, s, op);
    CLAIM(at + len + n <= sizeof(r->bytes));
    memmove(r->bytes + at + len, r->bytes + at + old, n);
    memcpy(r->bytes + at, slot, len);
    r->len = at + len + n;
}

/* What is written at the end of a call. */
static void commit(record_t *r, size_t before, uint32_t ttl) {
    uint64_t second = now_us / SECOND;
    int64_t left = (int64_t)get(r->bytes, 4) - (int64_t)second;
    size_t len;

    while (r->len > FRAUD_STORE_MAX_RECORD) {
        len = 5 + (size_t)r->bytes[8];
        memmove(r->bytes + 4, r->bytes + 4 + len, r->len - 4 - len);
        r->len -= len;
    }
    r->exists = 1;
    if (left >= (int64_t)(ttl - ttl / 8) && left <= (int64_t)ttl &&
        r->len >= before) {
        return;
    }
    put(r->bytes, second + ttl, 4);
}

/* What is asked of one op, and the right answer. */
typedef struct {
    const fraud_op_t *op;
    int merge;
    fraud_delta_t delta;
    fraud_op_call_t call;
    fraud_swap_t before, got_before;
    uint8_t bytes[FRAUD_SWAP_MAX + 8];
    uint64_t debt;
    fraud_delta_t want;
} asked_t;

/* What is asked of one key, several times in a call perhaps. */
typedef struct {
    unsigned key, n;
    uint32_t ttl;
    const fraud_op_t *once; /* a swap, or NULL */
    int missing;
    size_t len;
    uint8_t argument[FRAUD_STORE_MAX_ARGUMENT];
    asked_t asked[MAX_ASKED];
} subject_t;

static subject_t subjects[KEYS];

static uint64_t gcra_debt(fraud_gcra_t s, const fraud_op_t *op) {
    fraud_gcra_fold_t none = {0, 0, 0};

    return fraud_gcra_merge(&s, &op->u.gcra, &none, now_us);
}

/* Return 1 if the state changed. */
static int model_merge(state_t *s, const asked_t *a) {
    const fraud_delta_t *d = &a->delta;
    fraud_gcra_t gcra = s->gcra;
    uint64_t value;

    switch (a->op->type) {
    case FRAUD_OP_GCRA:
        fraud_gcra_merge(&s->gcra, &a->op->u.gcra, &d->gcra, now_us);
        return s->gcra.debt != gcra.debt || s->gcra.last_us != gcra.last_us;
    case FRAUD_OP_DECAY:
        return fraud_decay(&s->decay, a->op->u.half_life_us, d->decay, now_us,
                           &value);
    case FRAUD_OP_DISTINCT:
        return fraud_distinct_merge(&s->distinct, a->op->u.window_us,
                                    &d->distinct, now_us);
    case FRAUD_OP_SWAP:
    default:
        return fraud_swap_merge(&s->swap, &d->swap, d->age_us, now_us);
    }
}

static void model_state(fraud_delta_t *want, const state_t *s,
                        const fraud_op_t *op) {
    fraud_decay_t decay = s->decay;
    fraud_swap_t swap = s->swap;

    memset(want, 0, sizeof(*want));
    switch (op->type) {
    case FRAUD_OP_GCRA:
        want->gcra.least = gcra_debt(s->gcra, op);
        break;
    case FRAUD_OP_DECAY:
        fraud_decay(&decay, op->u.half_life_us, 0, now_us, &want->decay);
        break;
    case FRAUD_OP_DISTINCT:
        want->distinct = s->distinct;
        break;
    case FRAUD_OP_SWAP:
    default:
        fraud_swap(&swap, NULL, 0, now_us, &want->swap, &want->age_us);
    }
}

static int model_call(state_t *s, asked_t *a) {
    fraud_op_call_t *c = &a->call;
    fraud_gcra_result_t result;
    uint32_t count, cost;
    uint64_t add;
    int changed = 0;

    switch (a->op->type) {
    case FRAUD_OP_GCRA:
        cost = c->arg < UINT32_MAX ? (uint32_t)c->arg : UINT32_MAX;
        changed = fraud_gcra(&s->gcra, &a->op->u.gcra, cost, now_us, c->charge,
                             &result);
        c->over = result.over;
        c->retry_us = result.retry_us;
        c->value = result.debt;
        a->debt = gcra_debt(s->gcra, a->op);
        break;
    case FRAUD_OP_DECAY:
        add = c->charge ? c->arg : 0;
        changed = fraud_decay(&s->decay, a->op->u.half_life_us, add, now_us,
                              &c->value);
        break;
    case FRAUD_OP_DISTINCT:
        if (!c->charge) {
            c->value =
                fraud_distinct_count(&s->distinct, a->op->u.window_us, now_us);
            break;
        }
        changed = fraud_distinct(&s->distinct, a->op->u.window_us, c->arg,
                                 now_us, 1, &count);
        c->value = count;
        break;
    case FRAUD_OP_SWAP:
    default:
        changed = fraud_swap(&s->swap, c->bytes, c->charge ? c->len : 0, now_us,
                             &a->before, &c->value);
    }
    return changed;
}

static void copy(record_t *to, const record_t *from) {
    to->exists = from->exists;
    to->len = from->len;
    memcpy(to->bytes, from->bytes, from->len);
}

/* Carry out what is asked of ${s} on the model. */
static void model(subject_t *s) {
    static record_t record;
    record_t *r = &record;
    state_t state;
    size_t before, done = 0;
    unsigned i;
    int changed = 0;

    copy(r, &records[s->key]);
    s->missing = !r->exists || r->len < 4 || r->len > FRAUD_STORE_MAX_RECORD;
    if (s->missing) {
        r->len = 4;
        memset(r->bytes, 0, 4);
    }
    before = r->len;
    if (s->once != NULL) {
        find(r, s->once->tag, &done);
    }
    for (i = 0; i < s->n && s->asked[i].merge && done == 0; i++) {
        load(&state, r, s->asked[i].op);
        if (model_merge(&state, &s->asked[i])) {
            store(r, &state, s->asked[i].op);
            changed = 1;
        }
    }
    for (i = 0; i < s->n; i++) {
        load(&state, r, s->asked[i].op);
        if (s->asked[i].merge) {
            model_state(&s->asked[i].want, &state, s->asked[i].op);
        } else if (model_call(&state, &s->asked[i])) {
            store(r, &state, s->asked[i].op);
            changed = 1;
        }
    }
    if (s->ttl == 0) {
        records[s->key].exists = 0;
    } else if (changed) {
        commit(r, before, s->ttl);
        copy(&records[s->key], r);
    }
}

static void random_distinct(fraud_distinct_t *s, uint64_t window) {
    unsigned i, j;

    memset(s, 0, sizeof(*s));
    s->window =
        random_below(16) == 0 ? random_number() : window + 2 - random_below(6);
    for (i = 0; i < 2; i++) {
        s->n[i] = (uint8_t)random_below(4);
        if (random_below(3) == 0) {
            s->n[i] = (uint8_t)(FRAUD_DISTINCT_LIST - random_below(3));
        }
        if (random_below(6) == 0) {
            s->n[i] = FRAUD_DISTINCT_BITMAP;
        }
        for (j = 0; j < list_len(s->n[i]); j++) {
            s->set[i][j] = (uint8_t)(random_u64() & random_u64());
            /* so that fingerprints repeat */
            if (s->n[i] != FRAUD_DISTINCT_BITMAP) {
                s->set[i][j] &= 7;
            }
        }
    }
}

/* Of a register: none, a mark mostly, or too much. */
static uint8_t random_len(void) {
    return (uint8_t)(random_below(2) != 0 ? 1
                                          : random_below(FRAUD_SWAP_MAX + 2));
}

static void random_delta(asked_t *a) {
    fraud_delta_t *d = &a->delta;
    unsigned i;

    memset(d, 0, sizeof(*d));
    if (random_below(4) == 0) {
        return;
    }
    switch (a->op->type) {
    case FRAUD_OP_GCRA:
        d->gcra.sum = random_below(2) * random_number();
        d->gcra.add = random_below(2) * random_number();
        d->gcra.least = random_below(2) * random_number();
        break;
    case FRAUD_OP_DECAY:
        d->decay = random_number() >> random_below(40);
        break;
    case FRAUD_OP_DISTINCT:
        random_distinct(&d->distinct, now_us / a->op->u.window_us);
        break;
    case FRAUD_OP_SWAP:
    default:
        d->swap.len = random_len();
        for (i = 0; i < FRAUD_SWAP_MAX; i++) {
            d->swap.bytes[i] = (uint8_t)random_u64();
        }
        d->age_us =
            random_below(2) != 0 ? random_number() : random_below(4) * MINUTE;
    }
}

static void random_call(asked_t *a) {
    fraud_op_call_t *c = &a->call;
    unsigned i;

    memset(c, 0, sizeof(*c));
    c->charge = random_below(4) != 0;
    c->unsent = (int)random_below(2);
    c->before = &a->before;
    switch (a->op->type) {
    case FRAUD_OP_GCRA:
        c->arg = random_below(4) != 0 ? 1 : random_number();
        if (random_below(4) == 0) {
            c->arg = random_below((uint64_t)a->op->u.gcra.burst + 3);
        }
        break;
    case FRAUD_OP_DECAY:
        c->arg = random_number() >> random_below(40);
        break;
    case FRAUD_OP_DISTINCT:
        c->arg = random_u64();
        if (random_below(2) != 0) {
            c->arg &= 0x0707;
        }
        break;
    case FRAUD_OP_SWAP:
    default:
        for (i = 0; i < sizeof(a->bytes); i++) {
            a->bytes[i] = (uint8_t)random_u64();
        }
        c->bytes = a->bytes;
        c->len = random_below(2) != 0 ? 1 : random_below(sizeof(a->bytes) + 1);
    }
}

static void random_subject(subject_t *s) {
    fraud_store_argument_t argument;
    unsigned i, merges;

    s->ttl = random_below(8) != 0 ? TTL : (uint32_t)(1000 + random_below(99));
    s->n = (unsigned)random_below(random_below(8) != 0 ? 5 : MAX_ASKED + 1);
    if (random_below(32) == 0) {
        /* to be deleted, mostly as it is done */
        s->ttl = 0;
        s->n = random_below(4) != 0 ? 0 : s->n;
    }
    merges = random_below(3) == 0 ? (unsigned)random_below(s->n + 1) : 0;
    fraud_store_begin(&argument, s->argument, sizeof(s->argument), s->ttl);
    s->once = NULL;
    if (s->n != 0 && random_below(8) == 0) {
        merges = s->n;
        s->once = &ops[N(ops) - 1];
        CLAIM(s->once->type == FRAUD_OP_SWAP);
        fraud_store_once(&argument, s->once);
    }
    for (i = 0; i < s->n; i++) {
        s->asked[i].op = &ops[random_below(N(ops))];
        s->asked[i].merge = i < merges;
        if (i < merges) {
            random_delta(&s->asked[i]);
            fraud_store_merge(&argument, s->asked[i].op, &s->asked[i].delta);
        } else {
            random_call(&s->asked[i]);
            fraud_store_call(&argument, s->asked[i].op, &s->asked[i].call);
        }
    }
    CLAIM(fraud_store_end(&argument) == FRAUD_OK);
    s->len = argument.buf.len;
}

/* Numbers near what a clock shows, or where a ${life} ends, or any. */
static uint64_t random_stamp(uint64_t life) {
    switch (random_below(5)) {
    case 4:
        return now_us + life + FRAUD_OP_SKEW_US + random_below(3) - 1;
    case 0:
        return random_u64() >> random_below(64);
    case 1:
        return now_us + random_below(2 * MINUTE) - MINUTE;
    default:
        return now_us - random_below(now_us / 2 + 1) / (1 + random_number());
    }
}

static void hostile_slot(record_t *r, const fraud_op_t *op) {
    state_t s;
    uint64_t most;
    unsigned i;

    memset(&s, 0, sizeof(s));
    switch (op->type) {
    case FRAUD_OP_GCRA:
        most = fraud_gcra_most(&op->u.gcra);
        s.gcra.last_us = random_stamp((most + op->u.gcra.n - 1) / op->u.gcra.n);
        s.gcra.debt = random_u64() >> random_below(64);
        break;
    case FRAUD_OP_DECAY:
        s.decay.time_us = random_stamp(op->u.half_life_us * FRAUD_DECAY_LIFE);
        if (random_below(3) == 0 && now_us / 26 >= op->u.half_life_us) {
            s.decay.time_us = now_us - random_below(26) * op->u.half_life_us;
        }
        s.decay.value = random_u64() >> (32 + random_below(16));
        break;
    case FRAUD_OP_DISTINCT:
        random_distinct(&s.distinct, now_us / op->u.window_us);
        break;
    case FRAUD_OP_SWAP:
    default:
        /* as old as what is merged, now and then */
        s.swap.time_us = random_below(2) != 0
                             ? random_stamp(0)
                             : now_us - random_below(4) * MINUTE;
        s.swap.len = random_len();
        if (s.swap.len == 0 || s.swap.len > FRAUD_SWAP_MAX) {
            s.swap.len = FRAUD_SWAP_MAX;
        }
        for (i = 0; i < s.swap.len; i++) {
            s.swap.bytes[i] = (uint8_t)random_u64();
        }
    }
    store(r, &s, op);
}

/* Make a record that no history of ours made. */
static void hostile(record_t *r) {
    unsigned i, n = (unsigned)random_below(10);
    uint64_t left;
    fraud_op_t other;

    r->exists = 1;
    r->len = 4;
    /* at the shortest and at the longest time to live, give or take one */
    left = random_below(2) != 0 ? TTL - TTL / 8 : TTL;
    left =
        random_below(2) != 0 ? left - 1 + random_below(3) : random_below(5000);
    put(r->bytes, now_us / SECOND + left, 4);
    if (random_below(8) == 0) {
        put(r->bytes, random_u64(), 4);
    }
    for (i = 0; i < n; i++) {
        if (random_below(3) != 0) {
            hostile_slot(r, &ops[random_below(N(ops))]);
            continue;
        }
        other = ops[random_below(N(ops))];
        other.tag = (uint32_t)random_u64();
        hostile_slot(r, &other);
    }
    switch (random_below(6)) {
    case 0: /* many unknown slots, near the maximum */
        while (r->len < FRAUD_STORE_MAX_RECORD - random_below(200)) {
            other = ops[random_below(N(ops))];
            other.tag = (uint32_t)random_u64();
            hostile_slot(r, &other);
        }
        break;
    case 1: /* cut short */
        r->len -= random_below(r->len);
        break;
    case 2: /* bytes changed, lengths perhaps */
        for (i = 0; i < 4; i++) {
            r->bytes[random_below(r->len)] = (uint8_t)random_u64();
        }
        break;
    case 3: /* nothing but noise */
        r->len = random_below(200);
        for (i = 0; i < r->len; i++) {
            r->bytes[i] = (uint8_t)random_u64();
        }
        break;
    default:
        break;
    }
}

static char key_names[KEYS][FRAUD_STORE_KEY_LEN + 1];

/* Begin new sequences: on nothing, on what is there, or on something bad. */
static void begin(void) {
    redisReply *r;
    unsigned i, n = 0;

    for (i = 0; i < KEYS; i++) {
        switch (random_below(6)) {
        case 0:
        case 1:
            hostile(&records[i]);
            redisAppendCommand(redis, "SET %s %b EX 100000", key_names[i],
                               records[i].bytes, records[i].len);
            n++;
            break;
        case 2: /* another type */
            redisAppendCommand(redis, "DEL %s", key_names[i]);
            redisAppendCommand(redis, "LPUSH %s x", key_names[i]);
            redisAppendCommand(redis, "EXPIRE %s 100000", key_names[i]);
            records[i].exists = 0;
            n += 3;
            break;
        case 3:
            break;
        default:
            redisAppendCommand(redis, "DEL %s", key_names[i]);
            records[i].exists = 0;
            n++;
        }
    }
    while (n-- > 0) {
        r = NULL;
        CLAIM(redisGetReply(redis, (void **)&r) == REDIS_OK);
        CLAIM(r->type != REDIS_REPLY_ERROR);
        freeReplyObject(r);
    }
}

static void random_time(void) {
    static const uint64_t start = 1700000000 * SECOND;

    switch (random_below(16)) {
    case 0: /* back */
        now_us -= random_below(random_below(2) != 0 ? SECOND : HOUR);
        break;
    case 1: /* far ahead, far back */
        now_us = random_number() % FRAUD_OP_MAX;
        break;
    case 2:
        now_us = start;
        break;
    case 3:
    case 4:
        break;
    case 5:
        now_us += random_below(DAY);
        break;
    default:
        now_us += random_below(random_below(2) != 0 ? 100000 : MINUTE);
    }
    if (now_us >= FRAUD_OP_MAX) {
        now_us = start;
    }
}

static char sha[48];

/* Ask ${n} subjects from ${first} on in one call. */
static void send_call(unsigned first, unsigned n) {
    static const char *argv[2 * KEYS + 5];
    static size_t lens[2 * KEYS + 5];
    static char number[16], seconds[24], micros[24];
    unsigned i, j = 0;

    argv[j] = "EVALSHA", lens[j++] = 7;
    argv[j] = sha, lens[j++] = 40;
    snprintf(number, sizeof(number), "%u", n);
    argv[j] = number, lens[j++] = strlen(number);
    for (i = first; i < first + n; i++) {
        argv[j] = key_names[subjects[i].key];
        lens[j++] = FRAUD_STORE_KEY_LEN;
    }
    for (i = first; i < first + n; i++) {
        argv[j] = (const char *)subjects[i].argument;
        lens[j++] = subjects[i].len;
    }
    snprintf(seconds, sizeof(seconds), "%llu",
             (unsigned long long)(now_us / SECOND));
    snprintf(micros, sizeof(micros), "%llu",
             (unsigned long long)(now_us % SECOND));
    argv[j] = seconds, lens[j++] = strlen(seconds);
    argv[j] = micros, lens[j++] = strlen(micros);
    redisAppendCommandArgv(redis, (int)j, argv, lens);
}

static void check_called(fraud_store_answer_t *answer, asked_t *a) {
    fraud_op_call_t got = a->call;
    uint64_t debt = 1;

    got.before = &a->got_before;
    memset(&a->got_before, 0xa5, sizeof(a->got_before));
    got.over = -1;
    got.retry_us = got.value = UINT64_MAX;
    CLAIM(fraud_store_called(answer, a->op, &got, &debt) == FRAUD_OK);
    if (a->op->type == FRAUD_OP_GCRA) {
        CLAIM(got.over == a->call.over);
        CLAIM(got.retry_us == a->call.retry_us);
        CLAIM(got.value == a->call.value);
        CLAIM(debt == a->debt);
        return;
    }
    CLAIM(debt == 0);
    CLAIM(got.value == a->call.value);
    if (a->op->type == FRAUD_OP_SWAP) {
        CLAIM(a->got_before.len == a->before.len);
        CLAIM(memcmp(a->got_before.bytes, a->before.bytes, a->before.len) == 0);
    }
}

static void check_merged(fraud_store_answer_t *answer, const asked_t *a) {
    fraud_delta_t got;

    CLAIM(fraud_store_merged(answer, a->op, &got) == FRAUD_OK);
    CLAIM(got.gcra.sum == 0 && got.gcra.add == 0 && got.unsent == 0);
    CLAIM(got.gcra.least == a->want.gcra.least);
    CLAIM(got.decay == a->want.decay);
    CLAIM(got.age_us == a->want.age_us);
    CLAIM(got.swap.len == a->want.swap.len);
    CLAIM(memcmp(got.swap.bytes, a->want.swap.bytes, got.swap.len) == 0);
    CLAIM(got.distinct.window == a->want.distinct.window);
    CLAIM(memcmp(got.distinct.n, a->want.distinct.n, 2) == 0);
    CLAIM(memcmp(got.distinct.set, a->want.distinct.set, 96) == 0);
}

static void check_answers(unsigned first, unsigned n) {
    fraud_store_answer_t answer;
    redisReply *r = reply(REDIS_REPLY_STRING);
    const uint8_t *p = (const uint8_t *)r->str;
    size_t at = 0, len;
    unsigned i, j;

    for (i = first; i < first + n; i++) {
        CLAIM(at + 2 <= r->len);
        len = get(p + at, 2);
        at += 2;
        CLAIM(at + len <= r->len);
        CLAIM(fraud_store_answer(&answer, p + at, len) == FRAUD_OK);
        at += len;
        CLAIM(answer.now_us == now_us);
        CLAIM(answer.missing == subjects[i].missing);
        for (j = 0; j < subjects[i].n; j++) {
            if (subjects[i].asked[j].merge) {
                check_merged(&answer, &subjects[i].asked[j]);
            } else {
                check_called(&answer, &subjects[i].asked[j]);
            }
        }
    }
    CLAIM(at == r->len);
    freeReplyObject(r);
}

__attribute__((noreturn)) static void show(unsigned key, unsigned n,
                                           const redisReply *got) {
    const asked_t *a;
    unsigned i, j;
    size_t k;

    for (i = 0; i < n; i++) {
        for (j = 0; subjects[i].key == key && j < subjects[i].n; j++) {
            a = &subjects[i].asked[j];
            printf("# tag %08x type %d %s\n", (unsigned)a->op->tag,
                   (int)a->op->type,
                   a->merge         ? "merge"
                   : a->call.charge ? "charge"
                                    : "peek");
        }
    }
    printf("# now %llu, record\n# ", (unsigned long long)now_us);
    for (k = 0; k < got->len; k++) {
        printf("%02x", (unsigned)(uint8_t)got->str[k]);
    }
    printf("\n# should be\n# ");
    for (k = 0; k < records[key].len; k++) {
        printf("%02x", (unsigned)records[key].bytes[k]);
    }
    printf("\n");
    fail("records differ");
}

static void check_records(unsigned n) {
    redisReply *r = reply(REDIS_REPLY_ARRAY), *e;
    unsigned i;

    for (i = 0; i < KEYS; i++) {
        e = r->element[i];
        if (!records[i].exists) {
            CLAIM(e->type == REDIS_REPLY_NIL);
            continue;
        }
        CLAIM(e->type == REDIS_REPLY_STRING);
        if (e->len != records[i].len ||
            memcmp(e->str, records[i].bytes, e->len) != 0) {
            show(i, n, e);
        }
    }
    freeReplyObject(r);
}

static void ask_records(void) {
    const char *argv[KEYS + 1];
    size_t lens[KEYS + 1];
    unsigned i;

    argv[0] = "MGET", lens[0] = 4;
    for (i = 0; i < KEYS; i++) {
        argv[i + 1] = key_names[i];
        lens[i + 1] = FRAUD_STORE_KEY_LEN;
    }
    redisAppendCommandArgv(redis, KEYS + 1, argv, lens);
}

/*
 * Each key once, or fewer, some of them several times, in one call or each in
 * its own, as in a cluster.
 */
static unsigned step(void) {
    unsigned i, n = KEYS, each;
    int again = random_below(4) == 0;

    if (again) {
        n = 1 + (unsigned)random_below(KEYS);
    }
    random_time();
    for (i = 0; i < n; i++) {
        subjects[i].key = again ? (unsigned)random_below(KEYS / 8) : i;
        random_subject(&subjects[i]);
    }
    each = random_below(2) != 0 ? n : 1;
    for (i = 0; i < n; i += each) {
        send_call(i, each);
    }
    ask_records();
    for (i = 0; i < n; i++) {
        model(&subjects[i]);
    }
    for (i = 0; i < n; i += each) {
        check_answers(i, each);
    }
    check_records(n);
    return n;
}

static void load_script(const char *file, int ours) {
    static char text[65536], changed[65536];
    FILE *f = fopen(file, "r");
    redisReply *r;
    char *at;
    size_t len;

    if (f == NULL) {
        fail("%s: %s", file, strerror(errno));
    }
    len = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[len] = '\0';
    at = strstr(text, clock_call);
    CLAIM(at != NULL && strstr(at + 1, clock_call) == NULL);
    if (ours) {
        len = (size_t)(at - text);
        snprintf(changed, sizeof(changed), "%.*s%s%s", (int)len, text,
                 our_clock, at + sizeof(clock_call) - 1);
        memcpy(text, changed, sizeof(text));
    }
    redisAppendCommand(redis, "SCRIPT LOAD %s", text);
    r = reply(REDIS_REPLY_STRING);
    CLAIM(r->len == 40);
    memcpy(sha, r->str, 41);
    freeReplyObject(r);
}

static long long ttl_of(unsigned i) {
    redisReply *r;
    long long ttl;

    redisAppendCommand(redis, "PTTL %s", key_names[i]);
    r = reply(REDIS_REPLY_INTEGER);
    ttl = r->integer;
    freeReplyObject(r);
    return ttl;
}

/* One charge of the first op on the first key, with ${ttl}. */
static void charge(uint32_t ttl) {
    fraud_store_argument_t argument;
    subject_t *s = &subjects[0];

    s->key = 0;
    s->n = 1;
    s->asked[0].op = &ops[0];
    memset(&s->asked[0].call, 0, sizeof(s->asked[0].call));
    s->asked[0].call.charge = 1;
    s->asked[0].call.arg = 1;
    fraud_store_begin(&argument, s->argument, sizeof(s->argument), ttl);
    fraud_store_call(&argument, &ops[0], &s->asked[0].call);
    CLAIM(fraud_store_end(&argument) == FRAUD_OK);
    s->len = argument.buf.len;
    send_call(0, 1);
    freeReplyObject(reply(REDIS_REPLY_STRING));
}

/* Ask for nothing of the first key, with a time to live of 0. */
static void delete_key(void) {
    fraud_store_argument_t argument;
    subject_t *s = &subjects[0];

    s->key = 0;
    fraud_store_begin(&argument, s->argument, sizeof(s->argument), 0);
    CLAIM(fraud_store_end(&argument) == FRAUD_OK);
    s->len = argument.buf.len;
    send_call(0, 1);
    freeReplyObject(reply(REDIS_REPLY_STRING));
}

/*
 * The shipped script, Redis' own clock: the time to live is set by the first
 * write, left alone while enough is left, set again when less is, and never
 * more than what was asked for. With 0 the key goes.
 */
static void times_to_live(const char *file) {
    redisReply *r;
    uint8_t bytes[RECORD_SIZE];
    size_t len;
    uint64_t expires;

    load_script(file, 0);
    redisAppendCommand(redis, "FLUSHALL");
    freeReplyObject(reply(REDIS_REPLY_STATUS));
    charge(8000);
    CLAIM(ttl_of(0) > 7900000 && ttl_of(0) <= 8000000);

    redisAppendCommand(redis, "PEXPIRE %s 5000000", key_names[0]);
    freeReplyObject(reply(REDIS_REPLY_INTEGER));
    charge(8000);
    CLAIM(ttl_of(0) > 4900000 && ttl_of(0) <= 5000000);

    redisAppendCommand(redis, "GET %s", key_names[0]);
    r = reply(REDIS_REPLY_STRING);
    len = r->len;
    CLAIM(len == 25);
    memcpy(bytes, r->str, len);
    freeReplyObject(r);
    expires = get(bytes, 4);
    CLAIM(expires > (uint64_t)time(NULL) + 7900);
    CLAIM(expires <= (uint64_t)time(NULL) + 8000);

    /* less than the least is left; more is wanted; too much is left */
    put(bytes, expires - 1200, 4);
    redisAppendCommand(redis, "SET %s %b", key_names[0], bytes, len);
    freeReplyObject(reply(REDIS_REPLY_STATUS));
    charge(8000);
    CLAIM(ttl_of(0) > 7900000 && ttl_of(0) <= 8000000);
    charge(9200);
    CLAIM(ttl_of(0) > 9100000 && ttl_of(0) <= 9200000);
    charge(80);
    CLAIM(ttl_of(0) > 70000 && ttl_of(0) <= 80000);

    delete_key();
    CLAIM(ttl_of(0) == -2);
    delete_key();
    CLAIM(ttl_of(0) == -2);
}

int main(int argc, char **argv) {
    unsigned long sequences = 100000, done = 0, calls = 0;
    unsigned i;
    time_t began = time(NULL);

    if (argc < 2) {
        fprintf(stderr, "usage: store_diff SCRIPT [SEED [SEQUENCES]]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)began;
    sequences = argc > 3 ? strtoul(argv[3], NULL, 10) : sequences;
    printf("1..2\n# seed %llu\n", (unsigned long long)seed);
    name_ops();
    for (i = 0; i < KEYS; i++) {
        fraud_pid_t pid;

        memset(&pid, (int)i + 1, sizeof(pid));
        fraud_store_key(key_names[i], &pid);
        CLAIM(strlen(key_names[i]) == FRAUD_STORE_KEY_LEN);
    }
    start();
    load_script(argv[1], 1);
    now_us = 1700000000 * SECOND;
    while (done < sequences) {
        begin();
        for (i = 0; i < STEPS; i++) {
            calls += step();
        }
        done += KEYS;
    }
    for (i = 0; i < KEYS; i++) {
        CLAIM(ttl_of(i) > 0 || ttl_of(i) == -2);
    }
    printf("# %lu sequences, %lu calls, %ld s\n", done, calls,
           (long)(time(NULL) - began));
    printf("ok 1 - the script and fraud_op.c agree\n");
    times_to_live(argv[1]);
    printf("ok 2 - every key has a time to live\n");
    stop();
    return 0;
}
