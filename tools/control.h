/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef CONTROL_H
#define CONTROL_H

/*
 * Orders to a running nginx, by its location with "fraud_control".
 */

#include <stddef.h>

#define CONTROL_URL "http://127.0.0.1/fraud/control"
#define CONTROL_MAX_VALUE 4096
#define CONTROL_MAX_ANSWER 262144

typedef struct {
    const char *url;    /* NULL: $FRAUD_CONTROL, or CONTROL_URL */
    const char *socket; /* NULL: none */
    const char *secret; /* NULL: orders are not signed */
} control_t;

typedef struct {
    char text[CONTROL_MAX_ANSWER + 1];
    size_t len;
    long status; /* of HTTP; 0: nobody answered */
} control_answer_t;

/*
 * control_value(to, value):
 * Copy ${value}, or with "-" the next line of standard input, to the
 * CONTROL_MAX_VALUE + 1 bytes at ${to}. What is no value ends the program
 * (fail.h).
 */
void control_value(char *to, const char *value);

/*
 * control_send(control, operation, identity, value, answer):
 * Order it. Return 0 if nobody answered.
 */
int control_send(const control_t *control, const char *operation,
                 const char *identity, const char *value,
                 control_answer_t *answer);

/*
 * control_ask(control, operation, identity, value, answer):
 * The same. Return 1 if that was answered with status 200; else say on standard
 * error why not.
 */
int control_ask(const control_t *control, const char *operation,
                const char *identity, const char *value,
                control_answer_t *answer);

#endif /* CONTROL_H */
