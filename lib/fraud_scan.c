/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_scan.h"

#include <string.h>

/* In a transition: a string ends here. */
#define HIT 0x80000000u

#define NONE UINT32_MAX

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
 * State 0 is the root. While the table is built its cells are states, 0 where
 * there is none; when done, a cell is the index of the next state's row, with
 * HIT if strings end there.
 */
struct fraud_scan_s {
    uint32_t column[256]; /* of a byte; 0 if in no string */
    uint32_t *table;
    size_t width; /* columns */
    state_t *states;
    size_t n_states;
    string_t *strings;
    size_t n_strings;
    uint32_t *found;    /* ids to report, room for all */
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
    uint32_t columns = 1;
    size_t i;
    unsigned c;

    for (i = 0; i < scan->text_len; i++) {
        scan->column[scan->text[i]] = 1;
    }
    for (c = 0; c < 256; c++) {
        if (scan->column[c] != 0) {
            scan->column[c] = columns++;
        }
    }
    for (c = 'A'; c <= 'Z'; c++) {
        scan->column[c] = scan->column[fold((uint8_t)c)];
    }
    scan->width = columns;
}

static uint32_t *row(const fraud_scan_t *scan, size_t state) {
    return scan->table + state * scan->width;
}

/* Resize the table and what goes with it to ${n} states. */
static fraud_rc resize_states(fraud_scan_t *scan, size_t n) {
    void *p;

    p = fraud_mem_resize(scan->mem, scan->table, n * scan->width,
                         sizeof(uint32_t));
    if (p == NULL) {
        return FRAUD_ENOMEM;
    }
    scan->table = p;
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
    return rc != FRAUD_OK ? rc : resize_states(scan, scan->n_states);
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

/* Turn states into what fraud_scan_find() adds a column to. */
static void seal_table(fraud_scan_t *scan) {
    size_t i, n = scan->n_states * scan->width;
    const state_t *state;
    uint32_t hit;

    for (i = 0; i < n; i++) {
        state = &scan->states[scan->table[i]];
        hit = state->head != NONE || state->link != 0 ? HIT : 0;
        scan->table[i] = scan->table[i] * (uint32_t)scan->width | hit;
    }
}

fraud_rc fraud_scan_build(fraud_scan_t *scan) {
    uint32_t *queue;
    fraud_rc rc;

    assign_columns(scan);
    rc = build_trie(scan);
    if (rc != FRAUD_OK) {
        return rc;
    }
    fraud_mem_free(scan->mem, scan->text);
    scan->text = NULL;
    queue = fraud_mem_alloc(scan->mem, scan->n_states * 2 * sizeof(uint32_t));
    if (queue == NULL) {
        return FRAUD_ENOMEM;
    }
    link_states(scan, queue, queue + scan->n_states);
    fraud_mem_free(scan->mem, queue);
    seal_table(scan);
    scan->found = fraud_mem_alloc(scan->mem, scan->n_ids * sizeof(uint32_t));
    scan->found_at =
        fraud_mem_zalloc(scan->mem, scan->n_ids * sizeof(uint32_t));
    return scan->found != NULL && scan->found_at != NULL ? FRAUD_OK
                                                         : FRAUD_ENOMEM;
}

/* Begin a find: what earlier ones saw is forgotten by changing the number. */
static void forget(fraud_scan_t *scan) {
    size_t i;

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

/* Add the ids of the strings that end in ${state} to the ${n} found. */
static size_t report(fraud_scan_t *scan, uint32_t state, size_t n) {
    const string_t *string;
    uint32_t i;

    while (state != 0 && scan->states[state].seen != scan->finds) {
        scan->states[state].seen = scan->finds;
        for (i = scan->states[state].head; i != NONE; i = string->next) {
            string = &scan->strings[i];
            if (scan->found_at[string->id] != scan->finds) {
                scan->found_at[string->id] = scan->finds;
                scan->found[n++] = string->id;
            }
        }
        state = scan->states[state].link;
    }
    return n;
}

/*
 * Go on from ${*at} to the next place where a string ends, or to ${end}.
 * Return the row there, with or without HIT.
 */
static uint32_t advance(const fraud_scan_t *scan, uint32_t row_at,
                        const uint8_t **at, const uint8_t *end) {
    const uint32_t *table = scan->table, *column = scan->column;
    const uint8_t *p = *at;

    while (end - p >= 4) {
        row_at = table[row_at + column[*p++]];
        if (row_at & HIT) {
            break;
        }
        row_at = table[row_at + column[*p++]];
        if (row_at & HIT) {
            break;
        }
        row_at = table[row_at + column[*p++]];
        if (row_at & HIT) {
            break;
        }
        row_at = table[row_at + column[*p++]];
        if (row_at & HIT) {
            break;
        }
    }
    while (p != end && !(row_at & HIT)) {
        row_at = table[row_at + column[*p++]];
    }
    *at = p;
    return row_at;
}

size_t fraud_scan_find(fraud_scan_t *scan, const uint8_t *data, size_t len,
                       const uint32_t **ids) {
    const uint8_t *end = len != 0 ? data + len : data;
    uint32_t row_at = 0;
    size_t n = 0;

    forget(scan);
    while (data != end) {
        row_at = advance(scan, row_at, &data, end);
        if (row_at & HIT) {
            row_at &= ~HIT;
            n = report(scan, row_at / (uint32_t)scan->width, n);
        }
    }
    *ids = scan->found;
    return n;
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
    fraud_mem_free(scan->mem, scan->table);
    fraud_mem_free(scan->mem, scan);
}
