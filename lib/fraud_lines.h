/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_LINES_H
#define FRAUD_LINES_H

/*
 * The lines of an INI file in one shape, whatever a parser would make of them:
 * comments are blank lines, a line and the indented ones after it are one
 * line, and the comment right above it is known.
 */

#include "fraud_buf.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

typedef struct {
    const char *text;
    size_t len;
    size_t at;           /* of the first byte not yet read */
    size_t next;         /* the number of its line, from 1 */
    size_t line;         /* where the line that was given out last begins */
    fraud_str_t comment; /* right above that line; no data if there is none */
    int spent;           /* the comment was that of the line before */
} fraud_lines_t;

/*
 * fraud_lines_init(lines, text, len):
 * Start at the first line of ${text}, which is kept by reference.
 */
void fraud_lines_init(fraud_lines_t *lines, const char *text, size_t len);

/*
 * fraud_lines_next(lines, buf, err):
 * Append the next line to the empty ${buf}, blanks around it left out, nothing
 * for a comment. FRAUD_NOTFOUND after the last one. FRAUD_EINVAL with reason
 * and line in ${err}: it does not fit, has control characters, or a ';' that
 * might begin a comment.
 */
fraud_rc fraud_lines_next(fraud_lines_t *lines, fraud_buf_t *buf,
                          fraud_err_t *err) FRAUD_CHECK;

/*
 * fraud_lines_comment(buf, comment), fraud_lines_quote(buf, comment):
 * Append a comment on one line, without the marks that begin its lines; or the
 * first run in it between quotation marks (U+201C, U+201D), nothing if there
 * is none.
 */
void fraud_lines_comment(fraud_buf_t *buf, fraud_str_t comment);
void fraud_lines_quote(fraud_buf_t *buf, fraud_str_t comment);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_LINES_H */
