/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef CONF_H
#define CONF_H

/*
 * nginx's configuration syntax: directives of words, quoted or not, that end
 * in ';' or have a block in braces. Included files (patterns too) are in the
 * place of their "include". What the directives mean is for the caller; a file
 * that cannot be read or is malformed ends the program (fail.h).
 */

#include "arena.h"
#include "fraud_types.h"

#define CONF_MAX_BYTES (64u * 1024 * 1024) /* of one file */
#define CONF_MAX_DEPTH 64                  /* of blocks, and of includes */

typedef struct conf_node_s conf_node_t;

struct conf_node_s {
    conf_node_t *next;  /* of the same block */
    conf_node_t *child; /* the first in its own block */
    const char *file;
    unsigned line;
    int block;
    size_t n;           /* words, at least one */
    fraud_str_t *words; /* without quotes and escapes, a NUL after each */
};

typedef struct {
    arena_t *arena;
    const char *dir; /* that relative paths start from, with its '/' */
    conf_node_t *first;
} conf_t;

/*
 * conf_read(conf, arena, path):
 * Read the configuration at ${path} into memory of ${arena}.
 */
void conf_read(conf_t *conf, arena_t *arena, const char *path);

/*
 * conf_path(conf, name):
 * Return the path that ${name} in ${conf} stands for.
 */
const char *conf_path(const conf_t *conf, fraud_str_t name);

/*
 * conf_load(arena, path, at):
 * Return the content of the file at ${path}, which the directive ${at} asks
 * for (NULL: nobody in particular).
 */
fraud_str_t conf_load(arena_t *arena, const char *path, const conf_node_t *at);

/*
 * conf_is(node, name):
 * Return 1 if ${node} is a directive ${name}.
 */
int conf_is(const conf_node_t *node, const char *name);

#endif /* CONF_H */
