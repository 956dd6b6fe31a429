/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A stream of replies in pieces, against the same in one piece and against
 * hiredis: what is taken is what hiredis makes of it, and what hiredis refuses
 * is refused. Then a command, against hiredis' own and read as a reply.
 */

#include "fraud_resp.h"
#include "fuzz.h"

#include <hiredis/hiredis.h>

#define EDGE 4096 /* what a new reader has room for */
#define MAX_WORDS 8

static int same_str(const fraud_str_t *str, const redisReply *theirs) {
    return str->len == theirs->len &&
           memcmp(str->data, theirs->str, str->len) == 0;
}

static void compare(const fraud_reply_t *ours, const redisReply *theirs) {
    fraud_reply_t element;
    size_t i;

    switch (ours->type) {
    case FRAUD_REPLY_NIL:
        CLAIM(theirs->type == REDIS_REPLY_NIL);
        break;
    case FRAUD_REPLY_INTEGER:
        CLAIM(theirs->type == REDIS_REPLY_INTEGER);
        CLAIM(theirs->integer == ours->integer);
        break;
    case FRAUD_REPLY_STRING:
        CLAIM(theirs->type == REDIS_REPLY_STRING);
        CLAIM(same_str(&ours->str, theirs));
        break;
    case FRAUD_REPLY_STATUS:
        CLAIM(theirs->type == REDIS_REPLY_STATUS);
        CLAIM(same_str(&ours->str, theirs));
        break;
    case FRAUD_REPLY_ERROR:
        CLAIM(theirs->type == REDIS_REPLY_ERROR);
        CLAIM(same_str(&ours->str, theirs));
        break;
    case FRAUD_REPLY_ARRAY:
        CLAIM(theirs->type == REDIS_REPLY_ARRAY);
        CLAIM(theirs->elements == ours->n);
        for (i = 0; i < ours->n; i++) {
            fraud_resp_element(ours, i, &element);
            compare(&element, theirs->element[i]);
        }
        break;
    }
}

/* A reader whose memory ends where the ${len} bytes to come do. */
static fraud_resp_t *reader(size_t max, size_t len) {
    uint8_t filler[EDGE];
    fraud_resp_t *resp;
    fraud_reply_t reply;

    CLAIM(fraud_resp_new(&resp, NULL, max) == FRAUD_OK);
    if (len + 3 <= EDGE && EDGE - len <= max) {
        memset(filler, 'x', sizeof(filler));
        filler[0] = '+';
        memcpy(filler + EDGE - len - 2, "\r\n", 2);
        CLAIM(fraud_resp_feed(resp, filler, EDGE - len) == FRAUD_OK);
        CLAIM(fraud_resp_next(resp, &reply) == FRAUD_OK);
    }
    return resp;
}

/* All at once; return how it ends, and after how many replies in ${n}. */
static fraud_rc read_whole(const uint8_t *bytes, size_t len, size_t max,
                           size_t *n) {
    redisReader *theirs = redisReaderCreate();
    fraud_resp_t *ours = reader(max, len);
    fraud_reply_t reply;
    void *tree;
    fraud_rc rc;

    CLAIM(theirs != NULL);
    CLAIM(fraud_resp_feed(ours, bytes, len) == FRAUD_OK);
    CLAIM(redisReaderFeed(theirs, (const char *)bytes, len) == REDIS_OK);
    for (*n = 0;; ++*n) {
        rc = fraud_resp_next(ours, &reply);
        if (rc == FRAUD_EINVAL || rc == FRAUD_ELIMIT) {
            CLAIM(fraud_resp_next(ours, &reply) == rc);
            break;
        }
        tree = NULL;
        CLAIM(redisReaderGetReply(theirs, &tree) == REDIS_OK);
        if (rc == FRAUD_AGAIN) {
            CLAIM(tree == NULL);
            break;
        }
        CLAIM(rc == FRAUD_OK && tree != NULL);
        compare(&reply, tree);
        freeReplyObject(tree);
    }
    fraud_resp_free(ours);
    redisReaderFree(theirs);
    return rc;
}

static void read_pieces(const uint8_t *bytes, size_t len, size_t max,
                        uint32_t pieces, fraud_rc end, size_t n) {
    fraud_resp_t *resp = reader(max, len % 64);
    fraud_rc rc = FRAUD_AGAIN;
    fraud_reply_t reply;
    size_t piece, i = 0;

    for (; len > 0 && rc == FRAUD_AGAIN; bytes += piece, len -= piece) {
        pieces = pieces * 1664525 + 1013904223;
        piece = 1 + (pieces >> 24) % 32;
        piece = piece < len ? piece : len;
        CLAIM(fraud_resp_feed(resp, bytes, piece) == FRAUD_OK);
        for (rc = fraud_resp_next(resp, &reply); rc == FRAUD_OK; i++) {
            rc = fraud_resp_next(resp, &reply);
        }
    }
    /* what breaks two rules may break the other one first */
    CLAIM((rc == FRAUD_AGAIN) == (end == FRAUD_AGAIN) && i == n);
    fraud_resp_free(resp);
}

static void command(input_t *in) {
    fraud_str_t argv[MAX_WORDS];
    const char *words[MAX_WORDS];
    size_t i, n, len, lens[MAX_WORDS];
    fraud_resp_t *resp;
    fraud_reply_t reply, word;
    fraud_buf_t buf;
    char *theirs;

    for (n = 0; n < MAX_WORDS && in->len > 0; n++) {
        len = cut_u8(in);
        lens[n] = len < in->len ? len : in->len;
        words[n] = copy(in->p, lens[n]);
        argv[n].data = (const uint8_t *)words[n];
        argv[n].len = lens[n];
        in->p += lens[n];
        in->len -= lens[n];
    }
    len = fraud_resp_format_len(argv, n);
    fraud_buf_init(&buf, copy(in->p, 0), 0);
    fraud_resp_format(&buf, argv, n);
    CLAIM(buf.full && buf.len == 0);
    free(buf.data);
    fraud_buf_init(&buf, malloc(len), len);
    CLAIM(buf.data != NULL);
    fraud_resp_format(&buf, argv, n);
    CLAIM(!buf.full && buf.len == len);
    CLAIM((size_t)redisFormatCommandArgv(&theirs, (int)n, words, lens) == len);
    CLAIM(memcmp(theirs, buf.data, len) == 0);
    redisFreeCommand(theirs);

    resp = reader(65536, len);
    CLAIM(fraud_resp_feed(resp, buf.data, len) == FRAUD_OK);
    CLAIM(fraud_resp_next(resp, &reply) == FRAUD_OK);
    CLAIM(reply.type == FRAUD_REPLY_ARRAY && reply.n == n);
    for (i = 0; i < n; i++) {
        fraud_resp_element(&reply, i, &word);
        CLAIM(word.type == FRAUD_REPLY_STRING && word.str.len == lens[i]);
        CLAIM(memcmp(word.str.data, words[i], lens[i]) == 0);
        free((void *)(uintptr_t)words[i]);
    }
    fraud_resp_free(resp);
    free(buf.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    size_t max = cut_u8(&in) % 8 == 0 ? 64 : 8192;
    uint32_t pieces = cut_u32(&in);
    uint8_t *bytes;
    fraud_rc rc;
    size_t n;

    bytes = copy(in.p, in.len);
    rc = read_whole(bytes, in.len, max, &n);
    if (in.len != 0) {
        read_pieces(bytes, in.len, max, pieces, rc, n);
    }
    free(bytes);
    command(&in);
    return 0;
}
