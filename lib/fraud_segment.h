/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_SEGMENT_H
#define FRAUD_SEGMENT_H

/*
 * The security log in segments of an hour, PATH.YYYYMMDDHH in UTC, whose lines
 * are chained so that what was changed or taken out afterwards shows.
 *
 * Several workers append to one segment, and none waits for another: so each
 * is a writer with a chain of its own, and each line says whose it is and the
 * state of that chain after it:
 *
 *   {...,"chain":"WRITER.STATE"}   STATE = SHA-256(state before, SHA-256(...))
 *
 * A writer's first line in a segment repeats the state that its last line left
 * in the segment before; its last line counts:
 *
 *   {"segment":"2026112206","after":"2026112205","state":"...","lost":0,...}
 *   {"closed":"2026112206","lines":17,"lost":0,...}
 *
 * So segments can be checked from any one on, whatever died before it, and the
 * end of a segment by the beginning of the next. There is no closing manifest,
 * which would be somebody's to write an hour late, and nobody's after a crash.
 * Where a subject was erased a line is overwritten in its place, and of it
 * only its length and its STATE stay, from which the chain goes on:
 *
 *   {"redacted":true       ,"chain":"WRITER.STATE"}
 *
 * The hash has no key: the chain shows damage and the hand of whoever cannot
 * rewrite all that follows. Against the others, note the states elsewhere.
 */

#include "fraud_event.h"
#include "fraud_pid.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_SEGMENT_SECONDS 3600u
#define FRAUD_SEGMENT_NAME_LEN 10  /* YYYYMMDDHH */
#define FRAUD_SEGMENT_WRITER_LEN 8 /* digits 0-9a-f, random */
#define FRAUD_SEGMENT_LINE 256     /* bytes of a first or last line, at most */
#define FRAUD_SEGMENT_CHAIN_LEN                                                \
    85                              /* of the member and what ends the object  \
                                     */
#define FRAUD_SEGMENT_MAX 70389503u /* hours since 1970: the year 9999 */
#define FRAUD_SEGMENT_NONE UINT64_MAX

/* A writer's chain. */
typedef struct {
    uint8_t state[FRAUD_PID_DIGEST_LEN];
    char writer[FRAUD_SEGMENT_WRITER_LEN];
    uint64_t hour;  /* of its segment, in hours since 1970, or NONE */
    uint64_t lines; /* in that segment, but the first and the last one */
    uint64_t lost;  /* of those that should be there */
} fraud_segment_t;

typedef enum {
    FRAUD_SEGMENT_ENTRY = 0,
    FRAUD_SEGMENT_OPENED,
    FRAUD_SEGMENT_CLOSED,
    FRAUD_SEGMENT_REDACTED
} fraud_segment_type_t;

/* What a line says. */
typedef struct {
    fraud_segment_type_t type;
    char writer[FRAUD_SEGMENT_WRITER_LEN];
    uint8_t state[FRAUD_PID_DIGEST_LEN];  /* after it */
    uint8_t before[FRAUD_PID_DIGEST_LEN]; /* OPENED only */
    uint64_t hour;                        /* OPENED and CLOSED */
    uint64_t after;                       /* OPENED: an hour or NONE */
    uint64_t lines;                       /* CLOSED */
    uint64_t lost;                        /* OPENED and CLOSED */
} fraud_segment_line_t;

/*
 * fraud_segment_name(name, hour), fraud_segment_parse_name(hour, name, len):
 * Write the FRAUD_SEGMENT_NAME_LEN characters for ${hour}, at most
 * FRAUD_SEGMENT_MAX, and no NUL; the inverse, FRAUD_EINVAL for anything else.
 */
void fraud_segment_name(char *name, uint64_t hour);
fraud_rc fraud_segment_parse_name(uint64_t *hour, const char *name,
                                  size_t len) FRAUD_CHECK;

/*
 * fraud_segment_init(chain):
 * Make ${chain} that of a new writer. FRAUD_EIO without random bytes.
 */
fraud_rc fraud_segment_init(fraud_segment_t *chain) FRAUD_CHECK;

/*
 * fraud_segment_end(chain, event):
 * Chain the line in ${event} and end it. FRAUD_ELIMIT if it did not fit: then
 * ${chain} is as it was.
 */
fraud_rc fraud_segment_end(fraud_segment_t *chain,
                           fraud_event_t *event) FRAUD_CHECK;

/*
 * fraud_segment_open(chain, event, hour), fraud_segment_close(chain, event):
 * Make the begun ${event} the first line in the segment of ${hour}, or the last
 * one in the segment where ${chain} is. Results as fraud_segment_end().
 */
fraud_rc fraud_segment_open(fraud_segment_t *chain, fraud_event_t *event,
                            uint64_t hour) FRAUD_CHECK;
fraud_rc fraud_segment_close(fraud_segment_t *chain,
                             fraud_event_t *event) FRAUD_CHECK;

/*
 * fraud_segment_resume(chain, data, len, written):
 * Of the ${len} bytes of whole lines at ${data}, which took ${chain} to where
 * it is from where ${*saved} was, only ${written} got into the file: set
 * ${chain} back, and return how many lines are lost. It has to open a segment
 * next.
 */
uint64_t fraud_segment_resume(fraud_segment_t *chain,
                              const fraud_segment_t *saved, const uint8_t *data,
                              size_t len, size_t written);

/*
 * fraud_segment_read(line, data, len):
 * Set ${line} to what the ${len} bytes at ${data}, without the line feed, say
 * of the chain. FRAUD_EINVAL if they are no chained line.
 */
fraud_rc fraud_segment_read(fraud_segment_line_t *line, const uint8_t *data,
                            size_t len) FRAUD_CHECK;

/*
 * fraud_segment_follows(line, state, data, len):
 * Return 1 if ${line}, which is what ${data} says, follows on ${state}.
 * A redacted line follows on anything.
 */
int fraud_segment_follows(const fraud_segment_line_t *line,
                          const uint8_t *state, const uint8_t *data,
                          size_t len);

/*
 * fraud_segment_redact(data, len):
 * Overwrite the ${len} bytes of a line, without the line feed: of a chained
 * one its chain stays, of any other nothing. What a writer says of itself, and
 * what is redacted already, is left alone.
 */
void fraud_segment_redact(uint8_t *data, size_t len);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_SEGMENT_H */
