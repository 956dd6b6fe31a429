/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ACCESSLOG_H
#define ACCESSLOG_H

/*
 * Lines of an access log: the combined format (the common one too; what
 * follows is ignored) or a JSON object whose keys are names of variables.
 */

#include "fraud_ip.h"
#include "fraud_types.h"
#include "jsonline.h"

#define ACCESSLOG_MAX_LINE 65536

typedef enum {
    ENTRY_REMOTE_ADDR = 0,
    ENTRY_REMOTE_USER,
    ENTRY_TIME_LOCAL,
    ENTRY_REQUEST,
    ENTRY_METHOD,
    ENTRY_REQUEST_URI,
    ENTRY_URI,
    ENTRY_ARGS,
    ENTRY_PROTOCOL,
    ENTRY_STATUS,
    ENTRY_BODY_BYTES_SENT,
    ENTRY_REFERER,
    ENTRY_USER_AGENT,
    ENTRY_N
} entry_field_t;

/* What a line tells; slices point into the line or into the entry. */
typedef struct {
    uint64_t time_us;
    fraud_str_t field[ENTRY_N]; /* no data: it does not tell */
    jsonline_pair_t pair[JSONLINE_MAX_PAIRS];
    size_t npairs;
    fraud_ip_t ip;
    int has_ip;
    uint8_t path[ACCESSLOG_MAX_LINE + 1];
    uint8_t target[ACCESSLOG_MAX_LINE + 1];
} entry_t;

/*
 * accesslog_field(name):
 * Return the field that the variable ${name} reads, ENTRY_N if none.
 */
entry_field_t accesslog_field(fraud_str_t name);

/*
 * accesslog_parse(entry, line, len, merge_slashes):
 * Fill ${entry} from the ${len} bytes at ${line}, at most ACCESSLOG_MAX_LINE
 * without the line feed, which are overwritten. FRAUD_EINVAL if the line is
 * of neither format, FRAUD_NOTFOUND if it is, but nginx refused the request
 * before any rule could be asked (malformed or none at all).
 */
fraud_rc accesslog_parse(entry_t *entry, uint8_t *line, size_t len,
                         int merge_slashes) FRAUD_CHECK;

#endif /* ACCESSLOG_H */
