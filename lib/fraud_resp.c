/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_resp.h"

#include "fraud_str.h"

#include <hiredis/hiredis.h>
#include <string.h>

#define MIN_SIZE 4096
#define MAX_NUMBER 20 /* bytes of a number's text */

struct fraud_resp_s {
    const fraud_mem_t *mem;
    redisReader *reader;
    redisReply *tree; /* of the last reply, if it was an array */
    size_t max;
    fraud_rc failed;
    uint8_t *data;
    size_t size;
    int lent;      /* the last reply may point into data */
    uint8_t *held; /* where it does point to, if data had to grow meanwhile */
    size_t begin;  /* of the next reply */
    size_t at;     /* up to there its frame is known */
    size_t end;
    size_t seen;     /* bytes from there without a CR */
    size_t body;     /* bytes of a string from there, CRLF included; 0: none */
    size_t bulk;     /* without CRLF, of the last string */
    size_t elements; /* of all its arrays */
    size_t depth;
    size_t left[FRAUD_RESP_MAX_DEPTH + 1]; /* elements to come, by depth */
};

static void begin_frame(fraud_resp_t *resp) {
    resp->begin = resp->at;
    resp->elements = 0;
    resp->depth = 0;
    resp->left[0] = 1;
}

fraud_rc fraud_resp_new(fraud_resp_t **resp, const fraud_mem_t *mem,
                        size_t max) {
    fraud_resp_t *r;

    if (max > FRAUD_RESP_MAX_BYTES) {
        return FRAUD_ELIMIT;
    }
    mem = fraud_mem_or_default(mem);
    r = fraud_mem_zalloc(mem, sizeof(*r));
    if (r == NULL) {
        return FRAUD_ENOMEM;
    }
    r->mem = mem;
    r->max = max;
    r->size = MIN_SIZE;
    r->data = fraud_mem_alloc(mem, r->size);
    r->reader = redisReaderCreate();
    if (r->data == NULL || r->reader == NULL) {
        fraud_resp_free(r);
        return FRAUD_ENOMEM;
    }
    begin_frame(r);
    *resp = r;
    return FRAUD_OK;
}

/* What was lent is not needed any more. */
static void release(fraud_resp_t *resp) {
    if (resp->tree != NULL) {
        freeReplyObject(resp->tree);
        resp->tree = NULL;
    }
    fraud_mem_free(resp->mem, resp->held);
    resp->held = NULL;
    resp->lent = 0;
}

static fraud_rc fail(fraud_resp_t *resp, fraud_rc rc) {
    resp->failed = rc;
    return rc;
}

/* Make room for ${len} bytes after those that wait. */
static fraud_rc make_room(fraud_resp_t *resp, size_t len) {
    size_t waiting = resp->end - resp->begin;
    size_t size = resp->size;
    uint8_t *data = resp->data;

    if (resp->lent || len > size - waiting) {
        for (; size < waiting + len; size *= 2) {
        }
        data = fraud_mem_alloc(resp->mem, size);
        if (data == NULL) {
            return FRAUD_ENOMEM;
        }
    }
    memmove(data, resp->data + resp->begin, waiting);
    if (data != resp->data) {
        if (resp->lent && resp->held == NULL) {
            resp->held = resp->data;
        } else {
            fraud_mem_free(resp->mem, resp->data);
        }
    }
    resp->data = data;
    resp->size = size;
    resp->at -= resp->begin;
    resp->begin = 0;
    resp->end = waiting;
    return FRAUD_OK;
}

fraud_rc fraud_resp_feed(fraud_resp_t *resp, const void *bytes, size_t len) {
    if (resp->failed != FRAUD_OK) {
        return resp->failed;
    }
    if (resp->end - resp->begin > resp->max || len > FRAUD_RESP_MAX_BYTES) {
        return fail(resp, FRAUD_ELIMIT);
    }
    if (len > resp->size - resp->end && make_room(resp, len) != FRAUD_OK) {
        return fail(resp, FRAUD_ENOMEM);
    }
    if (len != 0) {
        memcpy(resp->data + resp->end, bytes, len);
        resp->end += len;
    }
    return FRAUD_OK;
}

/* As Redis writes them: no plus, no zeros in front, no -0. */
static fraud_rc read_number(int64_t *value, const uint8_t *text, size_t len) {
    int negative = len > 0 && text[0] == '-';
    uint64_t number;
    fraud_rc rc;

    text += negative;
    len -= (size_t)negative;
    if (len > 0 && text[0] == '0' && (len > 1 || negative)) {
        return FRAUD_EINVAL;
    }
    rc = fraud_str_uint(&number, (const char *)text, len,
                        (uint64_t)INT64_MAX + (uint64_t)negative);
    if (rc == FRAUD_OK) {
        /* in two steps: the least one has no positive */
        *value = negative ? -(int64_t)(number - 1) - 1 : (int64_t)number;
    }
    return rc;
}

/* A number of things to come, at most ${max}; -1: nil, and *n is 0. */
static fraud_rc read_count(size_t *n, int *is_nil, const uint8_t *text,
                           size_t len, size_t max) {
    int64_t number;
    fraud_rc rc = read_number(&number, text, len);

    if (rc != FRAUD_OK) {
        return rc;
    }
    if (number < -1) {
        return FRAUD_EINVAL;
    }
    if (number > (int64_t)max) {
        return FRAUD_ELIMIT;
    }
    *is_nil = number == -1;
    *n = *is_nil ? 0 : (size_t)number;
    return FRAUD_OK;
}

static fraud_rc open_array(fraud_resp_t *resp, const uint8_t *text,
                           size_t len) {
    size_t n;
    int is_nil;
    fraud_rc rc = read_count(&n, &is_nil, text, len,
                             FRAUD_RESP_MAX_ELEMENTS - resp->elements);

    if (rc != FRAUD_OK || is_nil) {
        return rc;
    }
    if (resp->depth == FRAUD_RESP_MAX_DEPTH) {
        return FRAUD_ELIMIT;
    }
    resp->elements += n;
    resp->left[++resp->depth] = n;
    return FRAUD_OK;
}

static fraud_rc open_string(fraud_resp_t *resp, const uint8_t *text,
                            size_t len) {
    int is_nil;
    fraud_rc rc = read_count(&resp->bulk, &is_nil, text, len, resp->max);

    if (rc == FRAUD_OK && !is_nil) {
        resp->body = resp->bulk + 2;
    }
    return rc;
}

/* The line of one element, whose type is the first of ${len} bytes. */
static fraud_rc open_element(fraud_resp_t *resp, const uint8_t *line,
                             size_t len) {
    int64_t number;

    resp->left[resp->depth]--;
    switch (line[0]) {
    case '$':
        return open_string(resp, line + 1, len - 1);
    case '*':
        return open_array(resp, line + 1, len - 1);
    case ':':
        return read_number(&number, line + 1, len - 1) == FRAUD_OK
                   ? FRAUD_OK
                   : FRAUD_EINVAL;
    default:
        return memchr(line, '\n', len) == NULL ? FRAUD_OK : FRAUD_EINVAL;
    }
}

/* Bytes that a line of this type may have, without CRLF; 0: not of RESP2. */
static size_t max_line(uint8_t type) {
    if (type == '+' || type == '-') {
        return FRAUD_RESP_MAX_LINE;
    }
    return type == ':' || type == '$' || type == '*' ? 1 + MAX_NUMBER : 0;
}

static fraud_rc scan_line(fraud_resp_t *resp) {
    const uint8_t *cr, *line = resp->data + resp->at;
    size_t len, max, n = resp->end - resp->at;

    if (n == 0) {
        return FRAUD_AGAIN;
    }
    max = max_line(line[0]);
    if (max == 0) {
        return FRAUD_EINVAL;
    }
    cr = memchr(line + resp->seen, '\r', n - resp->seen);
    len = cr != NULL ? (size_t)(cr - line) : n;
    if (len > max) {
        return max == FRAUD_RESP_MAX_LINE ? FRAUD_ELIMIT : FRAUD_EINVAL;
    }
    if (resp->at - resp->begin + len + 2 > resp->max) {
        return FRAUD_ELIMIT;
    }
    if (cr == NULL || len + 1 == n) {
        resp->seen = len;
        return FRAUD_AGAIN;
    }
    if (cr[1] != '\n') {
        return FRAUD_EINVAL;
    }
    resp->seen = 0;
    resp->at += len + 2;
    return open_element(resp, line, len);
}

static fraud_rc scan_body(fraud_resp_t *resp) {
    const uint8_t *end;

    if (resp->end - resp->at < resp->body) {
        return FRAUD_AGAIN;
    }
    end = resp->data + resp->at + resp->body;
    if (end[-2] != '\r' || end[-1] != '\n') {
        return FRAUD_EINVAL;
    }
    resp->at += resp->body;
    resp->body = 0;
    return FRAUD_OK;
}

/* Walk on until all of the next reply is there. */
static fraud_rc scan(fraud_resp_t *resp) {
    fraud_rc rc;

    do {
        rc = resp->body != 0 ? scan_body(resp) : scan_line(resp);
        if (rc != FRAUD_OK) {
            return rc;
        }
        if (resp->at - resp->begin + resp->body > resp->max) {
            return FRAUD_ELIMIT;
        }
        while (resp->depth > 0 && resp->left[resp->depth] == 0) {
            resp->depth--;
        }
    } while (resp->body != 0 || resp->left[resp->depth] != 0);
    return FRAUD_OK;
}

static void from_tree(fraud_reply_t *reply, const redisReply *tree) {
    static const fraud_reply_type_t types[] = {
        [REDIS_REPLY_STRING] = FRAUD_REPLY_STRING,
        [REDIS_REPLY_STATUS] = FRAUD_REPLY_STATUS,
        [REDIS_REPLY_ERROR] = FRAUD_REPLY_ERROR,
        [REDIS_REPLY_INTEGER] = FRAUD_REPLY_INTEGER,
        [REDIS_REPLY_ARRAY] = FRAUD_REPLY_ARRAY,
    }; /* else nil */

    memset(reply, 0, sizeof(*reply));
    reply->type = types[tree->type]; /* no others begin as scan() allows */
    if (reply->type == FRAUD_REPLY_ARRAY) {
        reply->n = tree->elements;
        reply->tree = tree;
    } else if (reply->type == FRAUD_REPLY_INTEGER) {
        reply->integer = tree->integer;
    } else if (reply->type != FRAUD_REPLY_NIL) {
        reply->str.data = (const uint8_t *)tree->str;
        reply->str.len = tree->len;
    }
}

static fraud_rc read_array(fraud_resp_t *resp, fraud_reply_t *reply) {
    void *tree = NULL;

    if (redisReaderFeed(resp->reader, (const char *)resp->data + resp->begin,
                        resp->at - resp->begin) != REDIS_OK ||
        redisReaderGetReply(resp->reader, &tree) != REDIS_OK || tree == NULL) {
        return resp->reader->err == REDIS_ERR_OOM ? FRAUD_ENOMEM : FRAUD_EINVAL;
    }
    resp->tree = tree;
    from_tree(reply, resp->tree);
    return FRAUD_OK;
}

/* The frame is whole and well-formed. */
static fraud_rc read_reply(fraud_resp_t *resp, fraud_reply_t *reply) {
    const uint8_t *line = resp->data + resp->begin;
    const uint8_t *end = resp->data + resp->at - 2;

    memset(reply, 0, sizeof(*reply));
    switch (line[0]) {
    case '*':
        return read_array(resp, reply);
    case ':':
        reply->type = FRAUD_REPLY_INTEGER;
        return read_number(&reply->integer, line + 1, (size_t)(end - line) - 1);
    case '$':
        if (line[1] == '-') {
            return FRAUD_OK;
        }
        reply->type = FRAUD_REPLY_STRING;
        reply->str.len = resp->bulk;
        break;
    default:
        reply->type = line[0] == '+' ? FRAUD_REPLY_STATUS : FRAUD_REPLY_ERROR;
        reply->str.len = (size_t)(end - line) - 1;
    }
    reply->str.data = end - reply->str.len;
    resp->lent = 1;
    return FRAUD_OK;
}

fraud_rc fraud_resp_next(fraud_resp_t *resp, fraud_reply_t *reply) {
    fraud_rc rc;

    release(resp);
    if (resp->failed != FRAUD_OK) {
        return resp->failed;
    }
    if (resp->begin == resp->end) {
        resp->begin = resp->at = resp->end = 0;
        return FRAUD_AGAIN;
    }
    rc = scan(resp);
    if (rc == FRAUD_OK) {
        rc = read_reply(resp, reply);
    }
    if (rc == FRAUD_OK) {
        begin_frame(resp);
    }
    return rc == FRAUD_AGAIN ? rc : fail(resp, rc);
}

void fraud_resp_element(const fraud_reply_t *reply, size_t i,
                        fraud_reply_t *element) {
    const redisReply *tree = reply->tree;

    if (i < reply->n) {
        from_tree(element, tree->element[i]);
    } else {
        memset(element, 0, sizeof(*element));
    }
}

void fraud_resp_free(fraud_resp_t *resp) {
    if (resp == NULL) {
        return;
    }
    release(resp);
    if (resp->reader != NULL) {
        redisReaderFree(resp->reader);
    }
    fraud_mem_free(resp->mem, resp->data);
    fraud_mem_free(resp->mem, resp);
}

static size_t digits(size_t value) {
    size_t n = 1;

    for (; value >= 10; value /= 10) {
        n++;
    }
    return n;
}

size_t fraud_resp_format_len(const fraud_str_t *argv, size_t n) {
    size_t i, len = 1 + digits(n) + 2;

    for (i = 0; i < n; i++) {
        len += 1 + digits(argv[i].len) + 2 + argv[i].len + 2;
    }
    return len;
}

/* A type, a number and CRLF; return where they end. */
static uint8_t *write_head(uint8_t *p, uint8_t type, size_t value) {
    uint8_t *end = p + 1 + digits(value);

    *p = type;
    for (p = end; value >= 10; value /= 10) {
        *--p = (uint8_t)('0' + value % 10);
    }
    *--p = (uint8_t)('0' + value);
    memcpy(end, "\r\n", 2);
    return end + 2;
}

/* hiredis' formatter would allocate, and what it writes be copied again. */
void fraud_resp_format(fraud_buf_t *buf, const fraud_str_t *argv, size_t n) {
    size_t i, len = fraud_resp_format_len(argv, n);
    uint8_t *p;

    if (len > buf->size - buf->len) {
        buf->full = 1;
        return;
    }
    p = write_head(buf->data + buf->len, '*', n);
    for (i = 0; i < n; i++) {
        p = write_head(p, '$', argv[i].len);
        if (argv[i].len != 0) {
            memcpy(p, argv[i].data, argv[i].len);
            p += argv[i].len;
        }
        memcpy(p, "\r\n", 2);
        p += 2;
    }
    buf->len += len;
}
