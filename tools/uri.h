/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef URI_H
#define URI_H

/*
 * Request lines and paths as nginx reads them: what it would answer with 400
 * before any rule is asked is malformed here too.
 */

#include "fraud_types.h"

typedef struct {
    fraud_str_t method;
    fraud_str_t target;   /* $request_uri: without scheme and host */
    fraud_str_t protocol; /* "HTTP/0.9" if there is none */
} uri_request_t;

/*
 * uri_request(request, line):
 * Take the request ${line} apart; slices point into it. FRAUD_EINVAL if it is
 * malformed.
 */
fraud_rc uri_request(uri_request_t *request, fraud_str_t line) FRAUD_CHECK;

/*
 * uri_normalise(path, args, target, out, merge_slashes):
 * Decode and normalise ($uri) the path of ${target} into ${out}, which has
 * room for target.len + 1 bytes; ${args} is the raw query in ${target}, empty
 * if there is none. FRAUD_EINVAL if it is malformed or leaves the root.
 */
fraud_rc uri_normalise(fraud_str_t *path, fraud_str_t *args, fraud_str_t target,
                       uint8_t *out, int merge_slashes) FRAUD_CHECK;

#endif /* URI_H */
