/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SAY_H
#define SAY_H

/*
 * The log: one JSON object a line on standard error, with the time, a level,
 * what happened, and what it happened to. Ids and numbers only: nobody's name
 * and no secret is ever given to this.
 */

#include <stddef.h>
#include <stdint.h>

#define SAY_LINE 1024 /* a longer line loses its last fields */

typedef enum {
    SAY_INFO = 0,
    SAY_WARN,
    SAY_ALARM /* somebody has to look */
} say_level_t;

typedef struct {
    const char *key;
    const char *text; /* NULL: a number */
    int64_t number;
} say_field_t;

#define SAY_T(key, text) ((say_field_t){(key), (text), 0})
#define SAY_I(key, number) ((say_field_t){(key), NULL, (int64_t)(number)})

/* The fields of a line: SAY(SAY_T("id", id), SAY_I("attempt", 2)) */
#define SAY(...)                                                               \
    ((const say_field_t[]){__VA_ARGS__}),                                      \
        sizeof((const say_field_t[]){__VA_ARGS__}) / sizeof(say_field_t)
#define SAY_NOTHING NULL, 0

/*
 * say(level, what, fields, n):
 * Write a line. Less than ${say_from} is not written.
 */
extern say_level_t say_from;
void say(say_level_t level, const char *what, const say_field_t *fields,
         size_t n);

#endif /* SAY_H */
