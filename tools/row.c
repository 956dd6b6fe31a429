/* SPDX-License-Identifier: BSD-2-Clause */

#include "row.h"

#include "fail.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 1024u

/* A pid is as good as random: any bytes of it are a hash. */
static row_t *find(row_t *row, size_t size, const fraud_pid_t *pid) {
    uint64_t hash;
    size_t i;

    memcpy(&hash, pid->bytes, sizeof(hash));
    for (i = (size_t)hash & (size - 1); row[i].identity.data != NULL;
         i = (i + 1) & (size - 1)) {
        if (memcmp(row[i].pid.bytes, pid->bytes, FRAUD_PID_LEN) == 0) {
            break;
        }
    }
    return &row[i];
}

static void grow(rows_t *rows) {
    size_t i, size = rows->size != 0 ? 2 * rows->size : FIRST_SIZE;
    row_t *row;

    row = calloc(size, sizeof(*row));
    if (row == NULL) {
        fail("not enough memory for %zu subjects", rows->n);
    }
    for (i = 0; i < rows->size; i++) {
        if (rows->row[i].identity.data != NULL) {
            *find(row, size, &rows->row[i].pid) = rows->row[i];
        }
    }
    free(rows->row);
    rows->row = row;
    rows->size = size;
}

row_t *rows_get(rows_t *rows, const fraud_pid_t *pid, fraud_str_t identity) {
    row_t *row;

    if (rows->n >= rows->size / 2) {
        grow(rows);
    }
    row = find(rows->row, rows->size, pid);
    if (row->identity.data == NULL) {
        if (rows->n == rows->max) {
            return NULL;
        }
        row->order = (uint32_t)rows->n++;
        row->pid = *pid;
        row->identity = identity;
    }
    return row;
}

static int compare(const void *one, const void *two) {
    const row_t *a = one, *b = two;
    int order;

    if (a->score != b->score) {
        return a->score > b->score ? -1 : 1;
    }
    if (a->flagged != b->flagged) {
        return a->flagged > b->flagged ? -1 : 1;
    }
    if (a->first_us != b->first_us) {
        return a->first_us < b->first_us ? -1 : 1;
    }
    /* names end in a NUL */
    order =
        strcmp((const char *)a->identity.data, (const char *)b->identity.data);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

size_t rows_sort(rows_t *rows) {
    size_t i, n = 0;

    for (i = 0; i < rows->size; i++) {
        if (rows->row[i].reasons != NULL) {
            rows->row[n++] = rows->row[i];
        }
    }
    if (n > 1) {
        qsort(rows->row, n, sizeof(*rows->row), compare);
    }
    return n;
}

void rows_clear(rows_t *rows) {
    free(rows->row);
    rows->row = NULL;
    rows->size = 0;
    rows->n = 0;
}
