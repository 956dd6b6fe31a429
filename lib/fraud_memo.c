/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_memo.h"

#include <string.h>

#define WAYS 4 /* places where a value may be */

typedef struct {
    fraud_memo_verdict_t verdict;
    uint16_t len;
    uint8_t value[FRAUD_MEMO_MAX_LEN];
} entry_t;

struct fraud_memo_s {
    const fraud_mem_t *mem;
    uint32_t *tags; /* of the entries; 0: empty */
    entry_t *entries;
    size_t n; /* a power of two */
    unsigned victim;
};

fraud_rc fraud_memo_new(fraud_memo_t **memo, const fraud_mem_t *mem, size_t n) {
    fraud_memo_t *m;
    size_t size = WAYS;

    if (n > FRAUD_MEMO_MAX) {
        return FRAUD_ELIMIT;
    }
    while (size < n) {
        size *= 2;
    }
    mem = fraud_mem_or_default(mem);
    m = fraud_mem_zalloc(mem, sizeof(*m));
    if (m == NULL) {
        return FRAUD_ENOMEM;
    }
    m->mem = mem;
    m->n = size;
    m->tags = fraud_mem_zalloc(mem, size * sizeof(*m->tags));
    m->entries = fraud_mem_alloc(mem, size * sizeof(*m->entries));
    if (m->tags == NULL || m->entries == NULL) {
        fraud_memo_free(m);
        return FRAUD_ENOMEM;
    }
    *memo = m;
    return FRAUD_OK;
}

/* Only a place to look: who finds collisions gains nothing but misses. */
static uint64_t hash(const uint8_t *value, size_t len) {
    uint64_t word, h = len;

    for (; len >= sizeof(word); value += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, value, sizeof(word));
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, value, len);
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static uint32_t tag(uint64_t h) {
    return (uint32_t)(h >> 32) | 1;
}

/* The first of the entries where a value may be. */
static size_t first_way(const fraud_memo_t *memo, uint64_t h) {
    return (size_t)h & (memo->n - WAYS);
}

/* The entry of ${value}, whose hash is ${h}, or NULL. */
static entry_t *find(const fraud_memo_t *memo, uint64_t h, const uint8_t *value,
                     size_t len) {
    size_t i, first = first_way(memo, h);
    entry_t *entry;

    for (i = first; i < first + WAYS; i++) {
        entry = &memo->entries[i];
        if (memo->tags[i] == tag(h) && entry->len == len &&
            memcmp(entry->value, value, len) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* Find room for a value whose hash is ${h}: free, or another's. */
static entry_t *claim(fraud_memo_t *memo, uint64_t h) {
    size_t i, first = first_way(memo, h);

    for (i = first; i < first + WAYS && memo->tags[i] != 0; i++) {
    }
    if (i == first + WAYS) {
        i = first + memo->victim++ % WAYS;
    }
    memo->tags[i] = tag(h);
    return &memo->entries[i];
}

const fraud_memo_verdict_t *fraud_memo_get(const fraud_memo_t *memo,
                                           const uint8_t *value, size_t len) {
    const entry_t *entry;

    if (len > FRAUD_MEMO_MAX_LEN) {
        return NULL;
    }
    entry = find(memo, hash(value, len), value, len);
    return entry != NULL ? &entry->verdict : NULL;
}

void fraud_memo_put(fraud_memo_t *memo, const uint8_t *value, size_t len,
                    const fraud_memo_verdict_t *verdict) {
    entry_t *entry;
    uint64_t h;

    if (len > FRAUD_MEMO_MAX_LEN) {
        return;
    }
    h = hash(value, len);
    entry = find(memo, h, value, len);
    if (entry == NULL) {
        entry = claim(memo, h);
        entry->len = (uint16_t)len;
        memcpy(entry->value, value, len);
    }
    entry->verdict = *verdict;
}

void fraud_memo_free(fraud_memo_t *memo) {
    if (memo == NULL) {
        return;
    }
    fraud_mem_free(memo->mem, memo->entries);
    fraud_mem_free(memo->mem, memo->tags);
    fraud_mem_free(memo->mem, memo);
}
