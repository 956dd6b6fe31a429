/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_RESP_H
#define FRAUD_RESP_H

/*
 * Redis' protocol, RESP2: replies read from a stream of bytes that comes in
 * pieces of any size, and commands written. Nothing is believed of the stream:
 * the frame of a reply is walked first, and a length, a number of elements or a
 * depth past its maximum is refused when it is declared. Only what is whole and
 * within bounds is given to hiredis, and only arrays: all else is a slice of
 * the stream. After any error the stream has no meaning any more, and the
 * connection goes.
 */

#include "fraud_buf.h"
#include "fraud_mem.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_RESP_MAX_BYTES ((size_t)64 << 20) /* of any reply */
#define FRAUD_RESP_MAX_LINE 65536               /* of a status or an error */
#define FRAUD_RESP_MAX_ELEMENTS 65536           /* in all arrays of a reply */
#define FRAUD_RESP_MAX_DEPTH 5                  /* of arrays */

typedef struct fraud_resp_s fraud_resp_t;

typedef enum {
    FRAUD_REPLY_NIL = 0,
    FRAUD_REPLY_STRING,
    FRAUD_REPLY_STATUS,
    FRAUD_REPLY_ERROR,
    FRAUD_REPLY_INTEGER,
    FRAUD_REPLY_ARRAY
} fraud_reply_type_t;

/* What a type does not have is zero. */
typedef struct {
    fraud_reply_type_t type;
    fraud_str_t str;  /* string, status, error */
    int64_t integer;  /* integer */
    size_t n;         /* array: fraud_resp_element() */
    const void *tree; /* of the array */
} fraud_reply_t;

/*
 * fraud_resp_new(resp, mem, max):
 * Make a reader of replies of at most ${max} bytes each, frame included. On
 * success the caller owns ${*resp}. FRAUD_ELIMIT if ${max} is above
 * FRAUD_RESP_MAX_BYTES, FRAUD_ENOMEM. ${mem} is kept by reference; hiredis has
 * its own.
 */
fraud_rc fraud_resp_new(fraud_resp_t **resp, const fraud_mem_t *mem,
                        size_t max) FRAUD_CHECK;

/*
 * fraud_resp_feed(resp, bytes, len):
 * Append to the stream; ${bytes} are copied. Call fraud_resp_next() until
 * FRAUD_AGAIN after each: with more than ${max} bytes waiting, FRAUD_ELIMIT.
 * FRAUD_ENOMEM. Errors last, also those of fraud_resp_next().
 */
fraud_rc fraud_resp_feed(fraud_resp_t *resp, const void *bytes,
                         size_t len) FRAUD_CHECK;

/*
 * fraud_resp_next(resp, reply):
 * Set ${reply} to the next reply, valid until the next call of this or
 * fraud_resp_free(). FRAUD_AGAIN if it is not all there yet; FRAUD_EINVAL if
 * it is not RESP2, FRAUD_ELIMIT past a maximum, FRAUD_ENOMEM, all of which
 * last. An error reply is a reply.
 */
fraud_rc fraud_resp_next(fraud_resp_t *resp, fraud_reply_t *reply) FRAUD_CHECK;

/*
 * fraud_resp_element(reply, i, element):
 * Set ${element} to the ${i}-th element of an array, from 0; nil if it has
 * none. Valid as long as ${reply}.
 */
void fraud_resp_element(const fraud_reply_t *reply, size_t i,
                        fraud_reply_t *element);

/*
 * fraud_resp_free(resp):
 * Destroy ${resp}; NULL is a no-op.
 */
void fraud_resp_free(fraud_resp_t *resp);

/*
 * fraud_resp_format_len(argv, n), fraud_resp_format(buf, argv, n):
 * Return how many bytes the command of ${n} words at ${argv} takes; append it
 * to ${buf}, or nothing of it but buf->full if it does not fit.
 */
size_t fraud_resp_format_len(const fraud_str_t *argv, size_t n);
void fraud_resp_format(fraud_buf_t *buf, const fraud_str_t *argv, size_t n);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_RESP_H */
