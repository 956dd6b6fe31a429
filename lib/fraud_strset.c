/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_strset.h"

#include <string.h>

/* An empty slot has len 0: no string has. */
typedef struct {
    uint32_t at; /* of the string in the bytes of the set */
    uint16_t len;
    uint16_t tag; /* bits of the hash that do not choose the slot */
} slot_t;

struct fraud_strset_s {
    const fraud_mem_t *mem;
    uint64_t seed;
    size_t count;
    uint8_t *bytes;
    size_t used;
    slot_t *slots; /* at least one is empty */
    size_t size;
};

/* The strings of a text, one after the other. */
typedef struct {
    const char *next;
    const char *end;
    size_t line;
    const uint8_t *data;
    size_t len;
} lines_t;

static uint64_t stir(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static uint64_t hash_bytes(uint64_t seed, const uint8_t *data, size_t len) {
    uint64_t hash = stir(seed, len);
    uint64_t word;

    for (; len >= sizeof(word); data += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, data, sizeof(word));
        hash = stir(hash, word);
    }
    word = 0;
    memcpy(&word, data, len);
    return stir(stir(hash, word), 0);
}

/* Return the slot that holds the string, or the empty one where it belongs. */
static slot_t *find_slot(const fraud_strset_t *set, const uint8_t *data,
                         size_t len, uint16_t *tag) {
    uint64_t hash = hash_bytes(set->seed, data, len);
    slot_t *slot = set->slots + ((hash >> 32) * set->size >> 32);

    *tag = (uint16_t)(hash & 0xffff);
    while (slot->len != 0 && (slot->tag != *tag || slot->len != len ||
                              memcmp(set->bytes + slot->at, data, len) != 0)) {
        slot++;
        if (slot == set->slots + set->size) {
            slot = set->slots;
        }
    }
    return slot;
}

static void add(fraud_strset_t *set, const uint8_t *data, size_t len) {
    uint16_t tag;
    slot_t *slot = find_slot(set, data, len, &tag);

    if (slot->len != 0) {
        return;
    }
    memcpy(set->bytes + set->used, data, len);
    slot->at = (uint32_t)set->used;
    slot->len = (uint16_t)len;
    slot->tag = tag;
    set->used += len;
    set->count++;
}

static int is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* Take the string of the next line, empty if it has none; 0 at the end. */
static int next_line(lines_t *lines) {
    const char *p = lines->next;
    const char *stop;

    if (p == lines->end) {
        return 0;
    }
    lines->line++;
    stop = memchr(p, '\n', (size_t)(lines->end - p));
    lines->next = stop != NULL ? stop + 1 : lines->end;
    if (stop == NULL) {
        stop = lines->end;
    }
    if (p < stop && *p == '#') {
        stop = p;
    }
    if (p < stop && stop[-1] == '\r') {
        stop--;
    }
    while (p < stop && is_blank(*p)) {
        p++;
    }
    while (p < stop && is_blank(stop[-1])) {
        stop--;
    }
    lines->data = (const uint8_t *)p;
    lines->len = (size_t)(stop - p);
    return 1;
}

static fraud_rc fail(fraud_err_t *err, fraud_rc rc, size_t line,
                     const char *why) {
    err->line = line;
    err->at = 0;
    memcpy(err->why, why, strlen(why) + 1);
    return rc;
}

/* Count the strings, duplicates included, and their bytes. */
static fraud_rc measure(lines_t lines, size_t *n, size_t *bytes,
                        fraud_err_t *err) {
    *n = 0;
    *bytes = 0;
    while (next_line(&lines)) {
        if (lines.len > FRAUD_STRSET_MAX_LEN) {
            return fail(err, FRAUD_EINVAL, lines.line, "string too long");
        }
        if (lines.len == 0) {
            continue;
        }
        if (*n == FRAUD_STRSET_MAX_ENTRIES) {
            return fail(err, FRAUD_ELIMIT, lines.line, "too many strings");
        }
        *n += 1;
        *bytes += lines.len;
    }
    if (*n == 0) {
        return fail(err, FRAUD_EINVAL, lines.line, "no string at all");
    }
    return FRAUD_OK;
}

static fraud_strset_t *new_set(const fraud_mem_t *mem, size_t n, size_t bytes) {
    fraud_strset_t *set;

    set = fraud_mem_zalloc(mem, sizeof(*set));
    if (set == NULL) {
        return NULL;
    }
    set->mem = mem;
    set->size = n + n / 2 + 1;
    set->bytes = fraud_mem_alloc(mem, bytes);
    set->slots = fraud_mem_zalloc(mem, set->size * sizeof(*set->slots));
    if (set->bytes == NULL || set->slots == NULL) {
        fraud_strset_free(set);
        return NULL;
    }
    return set;
}

fraud_rc fraud_strset_load(fraud_strset_t **set, const fraud_mem_t *mem,
                           const char *text, size_t len, fraud_err_t *err) {
    lines_t lines = {text, NULL, 0, NULL, 0};
    size_t n, bytes;
    fraud_rc rc;

    if (len > FRAUD_STRSET_MAX_TEXT) {
        return fail(err, FRAUD_ELIMIT, 0, "text too long");
    }
    lines.end = text + len;
    rc = measure(lines, &n, &bytes, err);
    if (rc != FRAUD_OK) {
        return rc;
    }
    *set = new_set(fraud_mem_or_default(mem), n, bytes);
    if (*set == NULL) {
        return FRAUD_ENOMEM;
    }
    (*set)->seed = hash_bytes(0, (const uint8_t *)text, len);
    while (next_line(&lines)) {
        if (lines.len != 0) {
            add(*set, lines.data, lines.len);
        }
    }
    return FRAUD_OK;
}

int fraud_strset_find(const fraud_strset_t *set, const uint8_t *data,
                      size_t len) {
    uint16_t tag;

    if (len == 0 || len > FRAUD_STRSET_MAX_LEN) {
        return 0;
    }
    return find_slot(set, data, len, &tag)->len != 0;
}

size_t fraud_strset_count(const fraud_strset_t *set) {
    return set->count;
}

void fraud_strset_free(fraud_strset_t *set) {
    if (set == NULL) {
        return;
    }
    fraud_mem_free(set->mem, set->slots);
    fraud_mem_free(set->mem, set->bytes);
    fraud_mem_free(set->mem, set);
}
