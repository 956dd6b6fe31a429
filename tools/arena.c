/* SPDX-License-Identifier: BSD-2-Clause */

#include "arena.h"

#include "fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block_s {
    arena_block_t *next;
    union {
        uint64_t number;
        void *pointer;
        long double real;
    } data[]; /* aligned for anything */
};

void *arena_alloc(arena_t *arena, size_t size) {
    arena_block_t *block = NULL;

    if (size <= SIZE_MAX - sizeof(*block)) {
        block = calloc(1, sizeof(*block) + size);
    }
    if (block == NULL) {
        fail("not enough memory");
    }
    block->next = arena->blocks;
    arena->blocks = block;
    return block->data;
}

/* Room doubles when ${n} is a power of two, which is when it is used up. */
void *arena_grow(arena_t *arena, void *old, size_t n, size_t size) {
    void *array;

    if ((n & (n - 1)) != 0) {
        return old;
    }
    if (n > SIZE_MAX / 2 / size) {
        fail("not enough memory");
    }
    array = arena_alloc(arena, (n != 0 ? 2 * n : 1) * size);
    if (n != 0) {
        memcpy(array, old, n * size);
    }
    return array;
}

fraud_str_t arena_copy(arena_t *arena, const void *data, size_t len) {
    fraud_str_t copy;
    uint8_t *p;

    p = arena_alloc(arena, len + 1);
    if (len != 0) {
        memcpy(p, data, len);
    }
    copy.data = p;
    copy.len = len;
    return copy;
}

const char *arena_join(arena_t *arena, const char *dir, const char *name) {
    size_t len = strlen(dir) + strlen(name) + 2;
    char *path = arena_alloc(arena, len);

    (void)snprintf(path, len, "%s/%s", dir, name);
    return path;
}

void arena_free(arena_t *arena) {
    arena_block_t *block;

    while (arena->blocks != NULL) {
        block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}
