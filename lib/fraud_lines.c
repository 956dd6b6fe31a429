/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_lines.h"

#include <string.h>

#define QUOTE_OPEN "\xe2\x80\x9c"
#define QUOTE_CLOSE "\xe2\x80\x9d"

void fraud_lines_init(fraud_lines_t *lines, const char *text, size_t len) {
    memset(lines, 0, sizeof(*lines));
    lines->text = text;
    lines->len = len;
    lines->next = 1;
}

static fraud_str_t take(fraud_lines_t *lines) {
    fraud_str_t line = {(const uint8_t *)lines->text + lines->at, 0};

    while (lines->at < lines->len && lines->text[lines->at] != '\n') {
        lines->at++;
        line.len++;
    }
    lines->at += lines->at < lines->len;
    lines->next++;
    if (line.len != 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

static int is_blank(uint8_t ch) {
    return ch == ' ' || ch == '\t';
}

static fraud_str_t trim(fraud_str_t line) {
    while (line.len != 0 && is_blank(line.data[0])) {
        line.data++;
        line.len--;
    }
    while (line.len != 0 && is_blank(line.data[line.len - 1])) {
        line.len--;
    }
    return line;
}

static int is_comment(fraud_str_t line) {
    return line.data[0] == '#' || line.data[0] == ';';
}

/* The line at hand goes on with the next: that is indented and no comment. */
static int goes_on(const fraud_lines_t *lines) {
    fraud_lines_t ahead = *lines;
    fraud_str_t line;

    if (lines->at == lines->len || !is_blank((uint8_t)lines->text[lines->at])) {
        return 0;
    }
    line = trim(take(&ahead));
    return line.len != 0 && !is_comment(line);
}

static fraud_rc fail(const fraud_lines_t *lines, fraud_err_t *err,
                     const char *why) {
    memset(err, 0, sizeof(*err));
    err->line = lines->line;
    memcpy(err->why, why, strlen(why));
    return FRAUD_EINVAL;
}

static fraud_rc check(const fraud_lines_t *lines, fraud_str_t line,
                      fraud_err_t *err) {
    size_t i;

    for (i = 0; i < line.len; i++) {
        if ((line.data[i] < ' ' && line.data[i] != '\t') ||
            line.data[i] == 0x7f) {
            return fail(lines, err, "a control character");
        }
    }
    return FRAUD_OK;
}

static fraud_rc add(const fraud_lines_t *lines, fraud_buf_t *buf,
                    fraud_str_t line, fraud_err_t *err) {
    if (check(lines, line, err) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    if (memchr(line.data, ';', line.len) != NULL) {
        return fail(lines, err, "\";\" within a line, a comment has its own");
    }
    if (buf->len != 0) {
        fraud_buf_char(buf, ' ');
    }
    fraud_buf_add(buf, line.data, line.len);
    return buf->full ? fail(lines, err, "a line that is too long") : FRAUD_OK;
}

/* Comments in a row are one. */
static void note_comment(fraud_lines_t *lines, fraud_str_t line) {
    if (lines->comment.data == NULL) {
        lines->comment.data = line.data;
    }
    lines->comment.len = (size_t)(line.data + line.len - lines->comment.data);
}

fraud_rc fraud_lines_next(fraud_lines_t *lines, fraud_buf_t *buf,
                          fraud_err_t *err) {
    fraud_str_t line;
    fraud_rc rc;

    if (lines->at == lines->len) {
        return FRAUD_NOTFOUND;
    }
    lines->line = lines->next;
    line = trim(take(lines));
    if (line.len == 0 || lines->spent) {
        memset(&lines->comment, 0, sizeof(lines->comment));
        lines->spent = 0;
    }
    if (line.len == 0) {
        return FRAUD_OK;
    }
    if (is_comment(line)) {
        note_comment(lines, line);
        return check(lines, line, err);
    }
    lines->spent = 1;
    rc = add(lines, buf, line, err);
    while (rc == FRAUD_OK && line.data[0] != '[' && goes_on(lines)) {
        rc = add(lines, buf, trim(take(lines)), err);
    }
    return rc;
}

void fraud_lines_comment(fraud_buf_t *buf, fraud_str_t comment) {
    fraud_lines_t lines;
    fraud_str_t line;
    size_t start = buf->len;

    fraud_lines_init(&lines, (const char *)comment.data, comment.len);
    while (lines.at < lines.len) {
        line = trim(take(&lines));
        while (line.len != 0 && is_comment(line)) {
            line.data++;
            line.len--;
        }
        line = trim(line);
        if (line.len != 0 && buf->len != start) {
            fraud_buf_char(buf, ' ');
        }
        fraud_buf_add(buf, line.data, line.len);
    }
}

/* Where the three bytes of a mark stand from here on, or the end. */
static size_t find_mark(const uint8_t *data, size_t from, size_t len,
                        const char *mark) {
    for (; from + 3 <= len; from++) {
        if (memcmp(data + from, mark, 3) == 0) {
            return from;
        }
    }
    return len;
}

void fraud_lines_quote(fraud_buf_t *buf, fraud_str_t comment) {
    uint8_t *data = buf->data + buf->len;
    size_t open, close, len, start = buf->len;

    fraud_lines_comment(buf, comment);
    len = buf->len - start;
    open = find_mark(data, 0, len, QUOTE_OPEN);
    close = find_mark(data, open, len, QUOTE_CLOSE);
    buf->len = start;
    if (close < len) {
        memmove(data, data + open + 3, close - open - 3);
        buf->len += close - open - 3;
    }
    memset(buf->data + buf->len, 0, start + len - buf->len);
}
