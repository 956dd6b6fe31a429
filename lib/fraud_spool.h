/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_SPOOL_H
#define FRAUD_SPOOL_H

/*
 * The spool: files of lines to which one writer (a worker process, or whoever
 * ships them on) appends, and which readers follow. A file is named
 * "WRITER.FIRST.spool": FRAUD_SPOOL_WRITER_LEN random digits 0-9a-f and the
 * sequence number of its first record in 16 digits; a writer goes on in a new
 * file when one is full. Each record is one line,
 *
 *   SEQ CRC EVENT\n
 *
 * SEQ in 16 digits 0-9a-f, CRC the CRC-32C (RFC 3720, B.4) of "WRITER SEQ
 * EVENT" in 8, EVENT any bytes but a line feed. Sequence numbers of a writer
 * begin at 0 and have no gap, over all its files, so that what is missing
 * shows. A writer that ends says so: its last record is "end" for an EVENT. A
 * line that was cut short by a crash has no line feed, or a wrong CRC, and
 * whoever reads goes on behind the next line feed.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_SPOOL_WRITER_LEN 16
#define FRAUD_SPOOL_HEAD 26 /* bytes before the event: "SEQ CRC " */
#define FRAUD_SPOOL_MAX_EVENT 4096u
#define FRAUD_SPOOL_MAX_LINE (FRAUD_SPOOL_HEAD + FRAUD_SPOOL_MAX_EVENT + 1)
#define FRAUD_SPOOL_NAME_SIZE 40 /* of a file, with the NUL */
#define FRAUD_SPOOL_END "end"

typedef struct {
    uint64_t seq;
    fraud_str_t event; /* in the memory that was read */
} fraud_spool_record_t;

/*
 * fraud_spool_writer(writer):
 * Write the digits of a new writer to ${writer}, without a NUL. FRAUD_EIO
 * without random bytes.
 */
fraud_rc fraud_spool_writer(char *writer) FRAUD_CHECK;

/*
 * fraud_spool_name(name, writer, first),
 * fraud_spool_parse_name(writer, first, name):
 * Write the name of a file, with its NUL; the inverse, FRAUD_EINVAL if ${name}
 * is not one.
 */
void fraud_spool_name(char *name, const char *writer, uint64_t first);
fraud_rc fraud_spool_parse_name(char *writer, uint64_t *first,
                                const char *name) FRAUD_CHECK;

/*
 * fraud_spool_frame(head, writer, seq, event):
 * Write the FRAUD_SPOOL_HEAD bytes that stand before ${event}, which has no
 * line feed, to ${head}; a line feed follows it.
 */
void fraud_spool_frame(uint8_t *head, const char *writer, uint64_t seq,
                       fraud_str_t event);

/*
 * fraud_spool_next(record, writer, data, len, used):
 * Set ${record} to the first of the ${len} bytes at ${data}, and ${*used} to
 * the bytes to go on behind. FRAUD_NOTFOUND and ${*used} 0: no line feed yet,
 * read more, or this is the torn end of a file. FRAUD_EINVAL: this line is
 * torn or was changed. FRAUD_ELIMIT: it is longer than
 * FRAUD_SPOOL_MAX_LINE; ${*used} is then all of ${len}, or up to its line
 * feed.
 */
fraud_rc fraud_spool_next(fraud_spool_record_t *record, const char *writer,
                          const uint8_t *data, size_t len,
                          size_t *used) FRAUD_CHECK;

/*
 * fraud_spool_is_end(event):
 * Return 1 if ${event} is FRAUD_SPOOL_END, with which a writer ends.
 */
int fraud_spool_is_end(fraud_str_t event);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_SPOOL_H */
