/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_scan.h"

#include <string.h>

#define NONE UINT32_MAX
#define BLOCK 8 /* bytes between looks whether a string ended */

/* The least width of a row is 2: one column for all other bytes. */
#define MAX_TEXT (FRAUD_SCAN_MAX_BYTES / (2 * sizeof(uint32_t)))

typedef struct {
    uint32_t len;
    uint32_t id;
    uint32_t next; /* string that ends in the same state, or NONE */
} string_t;

typedef struct {
    uint32_t head; /* first string that ends here, or NONE */
    uint32_t link; /* longest suffix in which a string ends; 0: none */
    uint32_t seen; /* number of the find that was here last */
} state_t;

/*
 * State 0 is the root. In the trie a cell is a state, 0 where there is none.
 * From it the table is made, whose cells are the distances of rows from the
 * root's: negative where strings end, so that one sign says it of a whole
 * block. The state at the distance of -n rows is then states[n].
 */
struct fraud_scan_s {
    const int32_t *root[256]; /* by byte: its cell in the root's row */
    int32_t *cells;
    uint8_t column[256]; /* of a byte; 0 if in no string */
    size_t width;        /* columns */
    uint32_t *trie;      /* until built */
    state_t *states;
    size_t n_states;
    string_t *strings;
    size_t n_strings;
    uint32_t *found; /* ids to report, room for all */
    size_t n_found;
    uint32_t *found_at; /* by id: number of the find that reported it last */
    size_t n_ids;
    uint32_t finds;
    const fraud_mem_t *mem;
    uint8_t *text; /* of the strings, one after the other; until built */
    size_t text_len;
    size_t text_size;
    size_t strings_size;
};

static uint8_t fold(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

fraud_rc fraud_scan_new(fraud_scan_t **scan, const fraud_mem_t *mem) {
    mem = fraud_mem_or_default(mem);
    *scan = fraud_mem_zalloc(mem, sizeof(**scan));
    if (*scan == NULL) {
        return FRAUD_ENOMEM;
    }
    (*scan)->mem = mem;
    return FRAUD_OK;
}

/* Make room for one more string of ${len} bytes. */
static fraud_rc make_room(fraud_scan_t *scan, size_t len) {
    size_t size;
    void *p;

    if (scan->n_strings == scan->strings_size) {
        size = scan->strings_size != 0 ? scan->strings_size * 2 : 4;
        p = fraud_mem_resize(scan->mem, scan->strings, size, sizeof(string_t));
        if (p == NULL) {
            return FRAUD_ENOMEM;
        }
        scan->strings = p;
        scan->strings_size = size;
    }
    if (scan->text_size - scan->text_len < len) {
        size = (scan->text_len + len) * 2;
        p = fraud_mem_resize(scan->mem, scan->text, size, 1);
        if (p == NULL) {
            return FRAUD_ENOMEM;
        }
        scan->text = p;
        scan->text_size = size;
    }
    return FRAUD_OK;
}

fraud_rc fraud_scan_add(fraud_scan_t *scan, const uint8_t *text, size_t len,
                        uint32_t id) {
    string_t *string;
    fraud_rc rc;
    size_t i;

    if (len == 0) {
        return FRAUD_EINVAL;
    }
    if (id > FRAUD_SCAN_MAX_ID || len > MAX_TEXT - scan->text_len) {
        return FRAUD_ELIMIT;
    }
    rc = make_room(scan, len);
    if (rc != FRAUD_OK) {
        return rc;
    }
    for (i = 0; i < len; i++) {
        scan->text[scan->text_len + i] = fold(text[i]);
    }
    scan->text_len += len;
    string = &scan->strings[scan->n_strings++];
    string->len = (uint32_t)len;
    string->id = id;
    if (id >= scan->n_ids) {
        scan->n_ids = (size_t)id + 1;
    }
    return FRAUD_OK;
}

/* Give each byte that occurs in a string a column of its own. */
static void assign_columns(fraud_scan_t *scan) {
    unsigned columns = 1; /* at most 231 */
    size_t i;
    unsigned c;

    for (i = 0; i < scan->text_len; i++) {
        scan->column[scan->text[i]] = 1;
    }
    for (c = 0; c < 256; c++) {
        if (scan->column[c] != 0) {
            scan->column[c] = (uint8_t)columns++;
        }
    }
    for (c = 'A'; c <= 'Z'; c++) {
        scan->column[c] = scan->column[fold((uint8_t)c)];
    }
    scan->width = columns;
}

static uint32_t *row(const fraud_scan_t *scan, size_t state) {
    return scan->trie + state * scan->width;
}

/* Resize the trie to ${n} states. */
static fraud_rc resize_states(fraud_scan_t *scan, size_t n) {
    void *p;

    p = fraud_mem_resize(scan->mem, scan->trie, n * scan->width,
                         sizeof(uint32_t));
    if (p == NULL) {
        return FRAUD_ENOMEM;
    }
    scan->trie = p;
    p = fraud_mem_resize(scan->mem, scan->states, n, sizeof(state_t));
    if (p == NULL) {
        return FRAUD_ENOMEM;
    }
    scan->states = p;
    return FRAUD_OK;
}

/* ${*size}: states that there is room for. */
static fraud_rc add_state(fraud_scan_t *scan, size_t *size) {
    state_t *state;
    fraud_rc rc;
    size_t max = FRAUD_SCAN_MAX_BYTES / (scan->width * sizeof(uint32_t));

    if (scan->n_states == max) {
        return FRAUD_ELIMIT;
    }
    if (scan->n_states == *size) {
        *size = *size == 0 ? 64 : *size * 2;
        *size = *size > max ? max : *size;
        rc = resize_states(scan, *size);
        if (rc != FRAUD_OK) {
            return rc;
        }
    }
    memset(row(scan, scan->n_states), 0, scan->width * sizeof(uint32_t));
    state = &scan->states[scan->n_states++];
    state->head = NONE;
    state->link = 0;
    state->seen = 0;
    return FRAUD_OK;
}

static fraud_rc add_string(fraud_scan_t *scan, uint32_t index,
                           const uint8_t *text, size_t *size) {
    string_t *string = &scan->strings[index];
    size_t state = 0, next, i;
    fraud_rc rc;

    for (i = 0; i < string->len; i++) {
        next = row(scan, state)[scan->column[text[i]]];
        if (next == 0) {
            next = scan->n_states;
            rc = add_state(scan, size);
            if (rc != FRAUD_OK) {
                return rc;
            }
            row(scan, state)[scan->column[text[i]]] = (uint32_t)next;
        }
        state = next;
    }
    string->next = scan->states[state].head;
    scan->states[state].head = index;
    return FRAUD_OK;
}

static fraud_rc build_trie(fraud_scan_t *scan) {
    const uint8_t *text = scan->text;
    fraud_rc rc;
    size_t size = 0;
    uint32_t i;

    rc = add_state(scan, &size);
    for (i = 0; rc == FRAUD_OK && i < scan->n_strings; i++) {
        rc = add_string(scan, i, text, &size);
        text += scan->strings[i].len;
    }
    return rc;
}

/*
 * Fill the empty cells of all rows, shorter states first: where a state has no
 * transition, its longest proper suffix knows. ${fail} is that suffix by state,
 * ${queue} the states in order; both have room for all.
 */
static void link_states(fraud_scan_t *scan, uint32_t *queue, uint32_t *fail) {
    size_t first, last = 1, c;
    uint32_t state, next, suffix, *cells, *inherited;

    queue[0] = 0;
    fail[0] = 0;
    for (first = 0; first < last; first++) {
        state = queue[first];
        cells = row(scan, state);
        inherited = row(scan, fail[state]);
        for (c = 1; c < scan->width; c++) {
            next = cells[c];
            if (next == 0) {
                cells[c] = inherited[c];
                continue;
            }
            suffix = state == 0 ? 0 : inherited[c];
            fail[next] = suffix;
            scan->states[next].link = scan->states[suffix].head != NONE
                                          ? suffix
                                          : scan->states[suffix].link;
            queue[last++] = next;
        }
    }
}

/*
 * Number the states, in ${place}: those where strings end from -1 down, others
 * from 0 up. Only the former are kept. Return how many these are.
 */
static int32_t place_states(fraud_scan_t *scan, int32_t *place) {
    int32_t ends = 0, others = 0;
    state_t *state;
    size_t i;

    for (i = 0; i < scan->n_states; i++) {
        state = &scan->states[i];
        place[i] = state->head != NONE || state->link != 0 ? -++ends : others++;
    }
    for (i = 0; i < scan->n_states; i++) {
        if (place[i] < 0) {
            state = &scan->states[-place[i]]; /* at most i */
            *state = scan->states[i];
            state->link = (uint32_t)-place[state->link];
        }
    }
    return ends;
}

/* Make the table from the trie. */
static fraud_rc fill_table(fraud_scan_t *scan, int32_t *place) {
    ptrdiff_t width = (ptrdiff_t)scan->width;
    const uint32_t *from;
    int32_t *root, *to;
    size_t i, c;

    scan->cells =
        fraud_mem_alloc(scan->mem, scan->n_states * scan->width * sizeof(*to));
    if (scan->cells == NULL) {
        return FRAUD_ENOMEM;
    }
    root = scan->cells + place_states(scan, place) * width;
    for (i = 0; i < scan->n_states; i++) {
        from = row(scan, i);
        to = root + place[i] * width;
        for (c = 0; c < scan->width; c++) {
            to[c] = place[from[c]] * (int32_t)width;
        }
    }
    for (c = 0; c < 256; c++) {
        scan->root[c] = root + scan->column[c];
    }
    return FRAUD_OK;
}

/* Fill the gaps of the trie and turn it into the table. */
static fraud_rc build_table(fraud_scan_t *scan) {
    size_t size = scan->n_states * sizeof(uint32_t);
    uint32_t *queue = fraud_mem_alloc(scan->mem, size);
    uint32_t *suffixes = fraud_mem_alloc(scan->mem, size);
    int32_t *place = fraud_mem_alloc(scan->mem, size);
    fraud_rc rc = FRAUD_ENOMEM;

    if (queue != NULL && suffixes != NULL && place != NULL) {
        link_states(scan, queue, suffixes);
        rc = fill_table(scan, place);
    }
    fraud_mem_free(scan->mem, place);
    fraud_mem_free(scan->mem, suffixes);
    fraud_mem_free(scan->mem, queue);
    return rc;
}

fraud_rc fraud_scan_build(fraud_scan_t *scan) {
    fraud_rc rc;

    assign_columns(scan);
    rc = build_trie(scan);
    if (rc == FRAUD_OK) {
        rc = build_table(scan);
    }
    if (rc != FRAUD_OK) {
        return rc;
    }
    fraud_mem_free(scan->mem, scan->text);
    scan->text = NULL;
    fraud_mem_free(scan->mem, scan->trie);
    scan->trie = NULL;
    scan->found = fraud_mem_alloc(scan->mem, scan->n_ids * sizeof(uint32_t));
    scan->found_at =
        fraud_mem_zalloc(scan->mem, scan->n_ids * sizeof(uint32_t));
    return scan->found != NULL && scan->found_at != NULL ? FRAUD_OK
                                                         : FRAUD_ENOMEM;
}

/* Begin a find: what earlier ones saw is forgotten by changing the number. */
static void forget(fraud_scan_t *scan) {
    size_t i;

    scan->n_found = 0;
    scan->finds++;
    if (scan->finds != 0) {
        return;
    }
    for (i = 0; i < scan->n_states; i++) {
        scan->states[i].seen = 0;
    }
    memset(scan->found_at, 0, scan->n_ids * sizeof(uint32_t));
    scan->finds = 1;
}

/* Add the ids of the strings that end in ${state} to those found. */
static void report(fraud_scan_t *scan, uint32_t state) {
    const string_t *string;
    uint32_t i;

    while (state != 0 && scan->states[state].seen != scan->finds) {
        scan->states[state].seen = scan->finds;
        for (i = scan->states[state].head; i != NONE; i = string->next) {
            string = &scan->strings[i];
            if (scan->found_at[string->id] != scan->finds) {
                scan->found_at[string->id] = scan->finds;
                scan->found[scan->n_found++] = string->id;
            }
        }
        state = scan->states[state].link;
    }
}

static inline ptrdiff_t step(const fraud_scan_t *scan, ptrdiff_t at,
                             uint8_t c) {
    return scan->root[c][at];
}

/* Go on from ${at} by the ${len} bytes at ${data}, reporting on the way. */
static void walk(fraud_scan_t *scan, ptrdiff_t at, const uint8_t *data,
                 size_t len) {
    size_t i;

    for (i = 0; i < len; i++) {
        at = step(scan, at, data[i]);
        if (at < 0) {
            report(scan, (uint32_t)-at / (uint32_t)scan->width);
        }
    }
}

/* Go on from ${at} by a block; ${*ends} is negative if a string ends in it. */
static inline ptrdiff_t leap(const fraud_scan_t *scan, ptrdiff_t at,
                             const uint8_t *data, ptrdiff_t *ends) {
    ptrdiff_t any = 0;
    int i;

#if defined(__GNUC__) && __GNUC__ >= 8 /* else the compiler's own choice */
#pragma GCC unroll 8
#endif
    for (i = 0; i < BLOCK; i++) {
        at = step(scan, at, data[i]);
        any |= at;
    }
    *ends = any;
    return at;
}

size_t fraud_scan_find(fraud_scan_t *scan, const uint8_t *data, size_t len,
                       const uint32_t **ids) {
    ptrdiff_t at = 0, next, ends;

    forget(scan);
    for (; len >= BLOCK; data += BLOCK, len -= BLOCK) {
        next = leap(scan, at, data, &ends);
        if (ends < 0) {
            walk(scan, at, data, BLOCK);
        }
        at = next;
    }
    walk(scan, at, data, len);
    *ids = scan->found;
    return scan->n_found;
}

size_t fraud_scan_bytes(const fraud_scan_t *scan) {
    return scan->n_states * scan->width * sizeof(uint32_t);
}

void fraud_scan_free(fraud_scan_t *scan) {
    if (scan == NULL) {
        return;
    }
    fraud_mem_free(scan->mem, scan->found_at);
    fraud_mem_free(scan->mem, scan->found);
    fraud_mem_free(scan->mem, scan->text);
    fraud_mem_free(scan->mem, scan->strings);
    fraud_mem_free(scan->mem, scan->states);
    fraud_mem_free(scan->mem, scan->trie);
    fraud_mem_free(scan->mem, scan->cells);
    fraud_mem_free(scan->mem, scan);
}
