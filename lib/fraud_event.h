/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_EVENT_H
#define FRAUD_EVENT_H

/*
 * One JSON object on one line (RFC 8259), written into memory of the caller
 * and never past it. An event that does not fit is not an event: end() says
 * so, and nothing of it may be used.
 */

#include "fraud_buf.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

typedef struct {
    fraud_buf_t buf;
    int comma; /* the next member needs one before it */
} fraud_event_t;

/*
 * fraud_event_begin(event, data, size):
 * Begin an object in the ${size} bytes at ${data}.
 */
void fraud_event_begin(fraud_event_t *event, uint8_t *data, size_t size);

/*
 * fraud_event_str(event, key, data, len), fraud_event_uint(event, key, value),
 * fraud_event_time(event, key, ms):
 * Add a member: a string (bytes past ASCII are read as Latin-1, so any bytes
 * give valid JSON), a number, an RFC 3339 time in UTC with milliseconds from
 * milliseconds since 1970 (at most the year 9999). ${key} is plain ASCII
 * without quotes or backslashes.
 */
void fraud_event_str(fraud_event_t *event, fraud_str_t key, const void *data,
                     size_t len);
void fraud_event_uint(fraud_event_t *event, fraud_str_t key, uint64_t value);
void fraud_event_time(fraud_event_t *event, fraud_str_t key, uint64_t ms);

/*
 * fraud_event_open(event, key), fraud_event_close(event):
 * Begin and end a member that is an object.
 */
void fraud_event_open(fraud_event_t *event, fraud_str_t key);
void fraud_event_close(fraud_event_t *event);

/*
 * fraud_event_list(event, key), fraud_event_list_end(event):
 * Begin and end a member that is a list. What is added between them has
 * FRAUD_EVENT_ITEM for a key.
 */
void fraud_event_list(fraud_event_t *event, fraud_str_t key);
void fraud_event_list_end(fraud_event_t *event);

#define FRAUD_EVENT_ITEM ((fraud_str_t){NULL, 0})

/*
 * fraud_event_null(event, key):
 * Add a member that is null.
 */
void fraud_event_null(fraud_event_t *event, fraud_str_t key);

/*
 * fraud_event_end(event):
 * End the object and its line. FRAUD_OK: event->buf holds it; FRAUD_ELIMIT: it
 * did not fit.
 */
fraud_rc fraud_event_end(fraud_event_t *event) FRAUD_CHECK;

/*
 * FRAUD_STR(literal):
 * The slice of a string literal.
 */
#define FRAUD_STR(literal)                                                     \
    ((fraud_str_t){(const uint8_t *)(literal), sizeof(literal) - 1})

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_EVENT_H */
