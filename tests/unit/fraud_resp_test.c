/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_resp.h"

#include "failmem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define S(text)                                                                \
    { (const uint8_t *)(text), sizeof(text) - 1 }

#define MAX 1024
#define EDGE 4096 /* what a new reader has room for, exactly */

static fraud_resp_t *resp_new(size_t max) {
    fraud_resp_t *resp = NULL;

    assert_int_equal(fraud_resp_new(&resp, NULL, max), FRAUD_OK);
    return resp;
}

static void feed(fraud_resp_t *resp, const void *bytes, size_t len) {
    uint8_t *exact = malloc(len != 0 ? len : 1);

    assert_non_null(exact);
    memcpy(exact, bytes, len);
    assert_int_equal(fraud_resp_feed(resp, exact, len), FRAUD_OK);
    free(exact);
}

/* A reply as text: "str", +status, -error, 7, nil, [..]. */
static void show(fraud_buf_t *buf, const fraud_reply_t *reply) {
    static const char marks[] = {0, '"', '+', '-', 0, 0};
    fraud_reply_t element;
    size_t i;

    switch (reply->type) {
    case FRAUD_REPLY_NIL:
        fraud_buf_text(buf, "nil");
        break;
    case FRAUD_REPLY_INTEGER:
        if (reply->integer < 0) {
            fraud_buf_char(buf, '~');
        }
        fraud_buf_uint(buf,
                       reply->integer < 0 ? 0 - (uint64_t)reply->integer
                                          : (uint64_t)reply->integer,
                       1);
        break;
    case FRAUD_REPLY_ARRAY:
        fraud_buf_char(buf, '[');
        for (i = 0; i < reply->n; i++) {
            fraud_resp_element(reply, i, &element);
            show(buf, &element);
            fraud_buf_char(buf, i + 1 < reply->n ? ' ' : ']');
        }
        if (reply->n == 0) {
            fraud_buf_char(buf, ']');
        }
        break;
    default:
        fraud_buf_char(buf, marks[reply->type]);
        fraud_buf_add(buf, reply->str.data, reply->str.len);
    }
}

static void assert_shows(const fraud_reply_t *reply, const char *expect) {
    char text[512];
    fraud_buf_t buf;

    fraud_buf_init(&buf, (uint8_t *)text, sizeof(text) - 1);
    show(&buf, reply);
    text[buf.len] = '\0';
    assert_int_equal(buf.full, 0);
    assert_string_equal(text, expect);
}

static const struct {
    fraud_str_t bytes;
    const char *shown;
} replies[] = {
    {S("$5\r\nhello\r\n"), "\"hello"},
    {S("$0\r\n\r\n"), "\""},
    {S("$-1\r\n"), "nil"},
    {S("$11\r\nab\r\n$3\r\nxyz\r\n"), "\"ab\r\n$3\r\nxyz"},
    {S("+OK\r\n"), "+OK"},
    {S("+\r\n"), "+"},
    {S("-ERR unknown command\r\n"), "-ERR unknown command"},
    {S("-MOVED 3999 127.0.0.1:6381\r\n"), "-MOVED 3999 127.0.0.1:6381"},
    {S(":0\r\n"), "0"},
    {S(":1000\r\n"), "1000"},
    {S(":-1\r\n"), "~1"},
    {S(":9223372036854775807\r\n"), "9223372036854775807"},
    {S(":-9223372036854775808\r\n"), "~9223372036854775808"},
    {S("*0\r\n"), "[]"},
    {S("*-1\r\n"), "nil"},
    {S("*1\r\n*0\r\n"), "[[]]"},
    {S("*3\r\n$1\r\na\r\n$-1\r\n$0\r\n\r\n"), "[\"a nil \"]"},
    {S("*5\r\n:-7\r\n+OK\r\n-E x\r\n*-1\r\n$2\r\n\r\n\r\n"),
     "[~7 +OK -E x nil \"\r\n]"},
    {S("*2\r\n*2\r\n:1\r\n*1\r\n:2\r\n*0\r\n"), "[[1 [2]] []]"},
    {S("*1\r\n*1\r\n*1\r\n*1\r\n:4\r\n"), "[[[[4]]]]"},
    {S("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:5\r\n"), "[[[[[5]]]]]"},
    {S("*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.0.1\r\n:7000\r\n"
       "$2\r\nid\r\n*0\r\n*3\r\n:8192\r\n:16383\r\n*4\r\n$1\r\nh\r\n:7001\r\n"
       "$2\r\ndi\r\n*2\r\n$2\r\nip\r\n$1\r\n1\r\n"),
     "[[0 8191 [\"127.0.0.1 7000 \"id []]] "
     "[8192 16383 [\"h 7001 \"di [\"ip \"1]]]]"},
};

/*
 * Consume a reply of so many bytes: what is fed next ends where the reader's
 * memory does.
 */
static void lead(fraud_resp_t *resp, size_t len) {
    uint8_t filler[EDGE];
    fraud_reply_t reply;

    memset(filler, 'x', len);
    filler[0] = '+';
    memcpy(filler + len - 2, "\r\n", 2);
    feed(resp, filler, len);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
    assert_int_equal(reply.str.len, len - 3);
}

static void every_reply(void **state) {
    fraud_resp_t *resp;
    fraud_reply_t reply;
    size_t i, len;

    (void)state;
    for (i = 0; i < N(replies); i++) {
        len = replies[i].bytes.len;
        resp = resp_new(EDGE);
        assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_AGAIN);
        lead(resp, EDGE - len);
        feed(resp, replies[i].bytes.data, len);
        assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
        assert_shows(&reply, replies[i].shown);
        assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_AGAIN);
        assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_AGAIN);
        fraud_resp_free(resp);
    }
    fraud_resp_free(NULL);
}

/* Cut anywhere, with the rest later; what is not there is not read. */
static void every_cut(void **state) {
    fraud_resp_t *resp;
    fraud_reply_t reply;
    size_t i, k, len;

    (void)state;
    for (i = 0; i < N(replies); i++) {
        len = replies[i].bytes.len;
        for (k = 0; k < len; k++) {
            resp = resp_new(EDGE);
            lead(resp, EDGE - k);
            feed(resp, replies[i].bytes.data, k);
            assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_AGAIN);
            assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_AGAIN);
            feed(resp, replies[i].bytes.data + k, len - k);
            assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
            assert_shows(&reply, replies[i].shown);
            assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_AGAIN);
            fraud_resp_free(resp);
        }
    }
}

/* All in a row, in pieces of every size. */
static void every_size_of_pieces(void **state) {
    static const size_t sizes[] = {1, 2, 3, 5, 7, 64, 100, 4096};
    uint8_t stream[2048];
    fraud_buf_t buf;
    fraud_resp_t *resp;
    fraud_reply_t reply;
    size_t i, k, at, n, seen;

    (void)state;
    fraud_buf_init(&buf, stream, sizeof(stream));
    for (i = 0; i < N(replies); i++) {
        fraud_buf_add(&buf, replies[i].bytes.data, replies[i].bytes.len);
    }
    assert_int_equal(buf.full, 0);
    for (k = 0; k < N(sizes); k++) {
        resp = resp_new(MAX);
        seen = 0;
        for (i = 0; i < 20; i++) {
            for (at = 0; at < buf.len; at += n) {
                n = sizes[k] < buf.len - at ? sizes[k] : buf.len - at;
                feed(resp, stream + at, n);
                while (fraud_resp_next(resp, &reply) == FRAUD_OK) {
                    assert_shows(&reply, replies[seen++ % N(replies)].shown);
                }
            }
        }
        assert_int_equal(seen, 20 * N(replies));
        fraud_resp_free(resp);
    }
}

static const struct {
    fraud_str_t bytes;
    fraud_rc rc;
} refused[] = {
    /* no RESP2 */
    {S("\r\n"), FRAUD_EINVAL},
    {S("H"), FRAUD_EINVAL},
    {S("\0"), FRAUD_EINVAL},
    {S("%1\r\n"), FRAUD_EINVAL},
    {S("_\r\n"), FRAUD_EINVAL},
    {S(">1\r\n"), FRAUD_EINVAL},
    {S(",1.5\r\n"), FRAUD_EINVAL},
    {S("*2\r\n:1\r\nx"), FRAUD_EINVAL},
    {S("+OK\rx"), FRAUD_EINVAL},
    {S("+O\nK\r\n"), FRAUD_EINVAL},
    {S("*1\r\n-O\nK\r\n"), FRAUD_EINVAL},
    /* numbers */
    {S(":\r\n"), FRAUD_EINVAL},
    {S(":-\r\n"), FRAUD_EINVAL},
    {S(":+1\r\n"), FRAUD_EINVAL},
    {S(":01\r\n"), FRAUD_EINVAL},
    {S(":-0\r\n"), FRAUD_EINVAL},
    {S(": 1\r\n"), FRAUD_EINVAL},
    {S(":1 \r\n"), FRAUD_EINVAL},
    {S(":0x1\r\n"), FRAUD_EINVAL},
    {S(":9223372036854775808\r\n"), FRAUD_EINVAL},
    {S(":-9223372036854775809\r\n"), FRAUD_EINVAL},
    {S(":111111111111111111111"), FRAUD_EINVAL},
    {S("$\r\n"), FRAUD_EINVAL},
    {S("$-2\r\n"), FRAUD_EINVAL},
    {S("$-10\r\n"), FRAUD_EINVAL},
    {S("$+5\r\n"), FRAUD_EINVAL},
    {S("$05\r\n"), FRAUD_EINVAL},
    {S("$a\r\n"), FRAUD_EINVAL},
    {S("$111111111111111111111"), FRAUD_EINVAL},
    {S("*\r\n"), FRAUD_EINVAL},
    {S("*-2\r\n"), FRAUD_EINVAL},
    {S("*00\r\n"), FRAUD_EINVAL},
    /* frames */
    {S("$2\r\nabc\r\n"), FRAUD_EINVAL},
    {S("$2\r\nab\n\r"), FRAUD_EINVAL},
    {S("$2\r\nab\rx"), FRAUD_EINVAL},
    {S("$2\r\nabx\n"), FRAUD_EINVAL},
    {S("$0\r\nab"), FRAUD_EINVAL},
    {S("*1\r\n$2\r\nabcd"), FRAUD_EINVAL},
    /* refused when declared */
    {S("$1016\r\n"), FRAUD_ELIMIT},
    {S("$1024\r\n"), FRAUD_ELIMIT},
    {S("$1073741824\r\n"), FRAUD_ELIMIT},
    {S("$9223372036854775807\r\n"), FRAUD_ELIMIT},
    {S("$18446744073709551615\r\n"), FRAUD_ELIMIT},
    {S("$18446744073709551616\r\n"), FRAUD_ELIMIT},
    {S("*1\r\n$1012\r\n"), FRAUD_ELIMIT},
    {S("*65537\r\n"), FRAUD_ELIMIT},
    {S("*2147483647\r\n"), FRAUD_ELIMIT},
    {S("*4294967297\r\n"), FRAUD_ELIMIT},
    {S("*2\r\n*65535\r\n"), FRAUD_ELIMIT},
    {S("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"), FRAUD_ELIMIT},
    {S("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*0\r\n"), FRAUD_ELIMIT},
};

/* Not before the last byte here, then for ever. */
static void every_refusal(void **state) {
    fraud_resp_t *resp;
    fraud_reply_t reply;
    size_t i, k, len;

    (void)state;
    for (i = 0; i < N(refused); i++) {
        len = refused[i].bytes.len;
        resp = resp_new(MAX);
        for (k = 0; k < len; k++) {
            feed(resp, refused[i].bytes.data + k, 1);
            if (k + 1 < len) {
                /* what is wrong may show some bytes earlier */
                if (fraud_resp_next(resp, &reply) != FRAUD_AGAIN) {
                    break;
                }
            }
        }
        for (k = 0; k < 3; k++) {
            assert_int_equal(fraud_resp_next(resp, &reply), refused[i].rc);
            assert_int_equal(fraud_resp_feed(resp, "+OK\r\n", 5),
                             refused[i].rc);
        }
        fraud_resp_free(resp);

        resp = resp_new(MAX);
        lead(resp, 100);
        feed(resp, refused[i].bytes.data, len);
        assert_int_equal(fraud_resp_next(resp, &reply), refused[i].rc);
        fraud_resp_free(resp);
    }
}

/* A reply of exactly so many bytes, and one of one more. */
static void longest_reply(void **state) {
    static const struct {
        const char *head;
        fraud_rc rc;
    } cases[] = {
        {"+", FRAUD_OK},
        {"-", FRAUD_OK},
        {"*3\r\n:1\r\n:2\r\n+", FRAUD_OK},
        {"$1015\r\n", FRAUD_OK},
        {"$1016\r\n", FRAUD_ELIMIT},
        {"*1\r\n$1011\r\n", FRAUD_OK},
        {"*1\r\n$1012\r\n", FRAUD_ELIMIT},
    };
    uint8_t text[MAX + 1];
    fraud_resp_t *resp;
    fraud_reply_t reply;
    size_t i, len;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        len = strlen(cases[i].head);
        memset(text, 'x', sizeof(text));
        memcpy(text, cases[i].head, len);
        if (strchr(cases[i].head, '$') == NULL) {
            resp = resp_new(MAX - 1);
            feed(resp, text, MAX - 3);
            assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_AGAIN);
            feed(resp, "x", 1);
            assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_ELIMIT);
            fraud_resp_free(resp);
        }
        memcpy(text + MAX - 2, "\r\n", 2);
        resp = resp_new(MAX);
        feed(resp, text, MAX);
        assert_int_equal(fraud_resp_next(resp, &reply), cases[i].rc);
        fraud_resp_free(resp);
    }
}

static void longest_line(void **state) {
    const size_t len = FRAUD_RESP_MAX_LINE;
    uint8_t *text = malloc(len + 3);
    fraud_resp_t *resp;
    fraud_reply_t reply;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', len + 3);
    text[0] = '-';
    resp = resp_new(4 * len);
    feed(resp, text, len);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_AGAIN);
    feed(resp, "\r\n", 2);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
    assert_int_equal(reply.str.len, len - 1);

    feed(resp, text, len + 1);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_ELIMIT);
    fraud_resp_free(resp);

    memcpy(text + len + 1, "\r\n", 2);
    resp = resp_new(4 * len);
    feed(resp, text, len + 3);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_ELIMIT);
    fraud_resp_free(resp);
    free(text);
}

static void most_elements(void **state) {
    const size_t len = 4 * FRAUD_RESP_MAX_ELEMENTS;
    char *text = malloc(len);
    fraud_resp_t *resp;
    fraud_reply_t reply, element;
    char head[32];
    size_t i;

    (void)state;
    assert_non_null(text);
    for (i = 0; i < len; i += 4) {
        memcpy(text + i, i % 8 == 0 ? ":1\r\n" : ":2\r\n", 4);
    }
    for (i = 0; i < 2; i++) {
        resp = resp_new(2 * len);
        (void)snprintf(head, sizeof(head), "*2\r\n:0\r\n*%zu\r\n",
                       FRAUD_RESP_MAX_ELEMENTS - 2 + i);
        feed(resp, head, strlen(head));
        if (i == 1) {
            assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_ELIMIT);
            fraud_resp_free(resp);
            break;
        }
        feed(resp, text, len - 8);
        assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
        fraud_resp_element(&reply, 1, &element);
        assert_int_equal(element.n, FRAUD_RESP_MAX_ELEMENTS - 2);
        fraud_resp_element(&element, element.n - 1, &element);
        assert_int_equal(element.integer, 2);

        /* the next one has as many for itself */
        feed(resp, head, strlen(head));
        feed(resp, text, len - 8);
        assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
        fraud_resp_free(resp);
    }
    free(text);
}

static void elements_there_are_not(void **state) {
    fraud_resp_t *resp = resp_new(MAX);
    fraud_reply_t reply, element;

    (void)state;
    feed(resp, "*1\r\n:5\r\n+x\r\n", 12);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
    memset(&element, 1, sizeof(element));
    fraud_resp_element(&reply, 1, &element);
    assert_shows(&element, "nil");
    fraud_resp_element(&reply, SIZE_MAX, &element);
    assert_shows(&element, "nil");
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
    fraud_resp_element(&reply, 0, &element);
    assert_shows(&element, "nil");
    fraud_resp_free(resp);
}

/* A reply stays what it was while more is fed, whatever has to move. */
static void lent_until_next(void **state) {
    static const char array[] = "*1\r\n$5\r\nhello\r\n";
    static const char string[] = "$5\r\nhello\r\n";
    uint8_t more[1000];
    fraud_resp_t *resp;
    fraud_reply_t reply, next;
    size_t i, k, at;

    (void)state;
    memset(more, 'y', sizeof(more));
    memcpy(more, "+", 1);
    memcpy(more + sizeof(more) - 2, "\r\n", 2);

    /* all would fit if what is past were given up */
    resp = resp_new(100000);
    lead(resp, EDGE / 2);
    feed(resp, string, sizeof(string) - 1);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
    for (i = 0; i < 3; i++) {
        feed(resp, more, sizeof(more));
        assert_shows(&reply, "\"hello");
    }
    fraud_resp_free(resp);

    for (k = 0; k < 2; k++) {
        resp = resp_new(100000);
        for (at = 0; at < 3; at++) {
            if (k == 0) {
                feed(resp, string, sizeof(string) - 1);
            } else {
                feed(resp, array, sizeof(array) - 1);
            }
            feed(resp, more, 10);
            assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
            for (i = 0; i < 40; i++) {
                feed(resp, i == 0 ? more + 10 : more,
                     i == 0 ? sizeof(more) - 10 : sizeof(more));
                assert_shows(&reply, k == 0 ? "\"hello" : "[\"hello]");
            }
            for (i = 0; i < 40; i++) {
                assert_int_equal(fraud_resp_next(resp, &next), FRAUD_OK);
                assert_int_equal(next.str.len, sizeof(more) - 3);
                assert_memory_equal(next.str.data, more + 1, next.str.len);
            }
            assert_int_equal(fraud_resp_next(resp, &next), FRAUD_AGAIN);
        }
        fraud_resp_free(resp);
    }
}

/* Who feeds and never asks, or a server that never ends. */
static void bounded(void **state) {
    fraud_resp_t *resp = resp_new(10);
    fraud_reply_t reply;
    unsigned i;

    (void)state;
    feed(resp, "+OK\r\n+OK\r\n", 10);
    feed(resp, "+OK\r\n", 5);
    assert_int_equal(fraud_resp_feed(resp, "", 0), FRAUD_ELIMIT);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_ELIMIT);
    fraud_resp_free(resp);

    resp = resp_new(10);
    for (i = 0; i < 1000; i++) {
        feed(resp, "+OK\r\n:12", 8);
        assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
        feed(resp, "3\r\n", 3);
        assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
        assert_int_equal(reply.integer, 123);
        assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_AGAIN);
    }
    feed(resp, "*3\r\n:1\r\n", 8);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_AGAIN);
    feed(resp, ":2\r\n", 4);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_ELIMIT);
    fraud_resp_free(resp);

    resp = NULL;
    assert_int_equal(fraud_resp_new(&resp, NULL, FRAUD_RESP_MAX_BYTES + 1),
                     FRAUD_ELIMIT);
    assert_null(resp);
    resp = resp_new(FRAUD_RESP_MAX_BYTES);
    assert_int_equal(fraud_resp_feed(resp, "x", FRAUD_RESP_MAX_BYTES + 1),
                     FRAUD_ELIMIT);
    fraud_resp_free(resp);
    resp = resp_new(0);
    feed(resp, "+", 1);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_ELIMIT);
    fraud_resp_free(resp);
}

/* A long string, long enough for all ways to grow. */
static fraud_rc read_long(failmem_t *fail) {
    static uint8_t body[10000];
    fraud_resp_t *resp = NULL;
    fraud_reply_t reply;
    fraud_rc rc = fraud_resp_new(&resp, &fail->mem, 100000);

    if (rc != FRAUD_OK) {
        return rc;
    }
    rc = fraud_resp_feed(resp, "+OK\r\n$20000\r\n", 13);
    assert_int_equal(rc, FRAUD_OK);
    assert_int_equal(fraud_resp_next(resp, &reply), FRAUD_OK);
    rc = fraud_resp_feed(resp, body, sizeof(body));
    if (rc == FRAUD_OK) {
        rc = fraud_resp_feed(resp, body, sizeof(body));
    }
    if (rc == FRAUD_OK) {
        rc = fraud_resp_feed(resp, "\r\n", 2);
    }
    assert_shows(&reply, "+OK");
    assert_int_equal(fraud_resp_next(resp, &reply), rc);
    if (rc == FRAUD_OK) {
        assert_int_equal(reply.str.len, 2 * sizeof(body));
    } else {
        assert_int_equal(fraud_resp_next(resp, &reply), rc);
        assert_int_equal(fraud_resp_feed(resp, "x", 1), rc);
    }
    fraud_resp_free(resp);
    return rc;
}

static void no_memory(void **state) {
    failmem_t fail;
    fraud_rc rc;
    size_t n;

    (void)state;
    for (n = 1;; n++) {
        failmem_init(&fail, n);
        rc = read_long(&fail);
        assert_int_equal(fail.live, 0);
        if (!fail.failed) {
            break;
        }
        assert_int_equal(rc, FRAUD_ENOMEM);
    }
    assert_int_equal(rc, FRAUD_OK);
    assert_int_equal(n, 5);
}

static void commands(void **state) {
    static const fraud_str_t argv[] = {S("EVALSHA"), S(""), S("a\0\r\n$5\r\n"),
                                       S("0123456789"), S("$")};
    static uint8_t big[100001];
    const char *words[N(argv) + 1];
    size_t lens[N(argv) + 1];
    fraud_str_t args[N(argv) + 1];
    uint8_t *bytes;
    fraud_buf_t buf;
    char *expect;
    size_t i, n, len;

    (void)state;
    memcpy(args, argv, sizeof(argv));
    args[N(argv)].data = big;
    args[N(argv)].len = sizeof(big);
    for (n = 1; n <= N(args); n++) {
        for (i = 0; i < n; i++) {
            words[i] = (const char *)args[i].data;
            lens[i] = args[i].len;
        }
        expect = NULL;
        len = (size_t)redisFormatCommandArgv(&expect, (int)n, words, lens);
        assert_int_equal(fraud_resp_format_len(args, n), len);
        bytes = malloc(3 + len);
        assert_non_null(bytes);
        fraud_buf_init(&buf, bytes, 3 + len);
        fraud_buf_text(&buf, "abc");
        fraud_resp_format(&buf, args, n);
        assert_int_equal(buf.full, 0);
        assert_int_equal(buf.len, 3 + len);
        assert_memory_equal(bytes + 3, expect, len);

        fraud_buf_init(&buf, bytes, 2 + len);
        fraud_buf_text(&buf, "abc");
        fraud_resp_format(&buf, args, n);
        assert_int_equal(buf.full, 1);
        assert_int_equal(buf.len, 3);
        free(bytes);
        redisFreeCommand(expect);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reply),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(every_size_of_pieces),
        cmocka_unit_test(every_refusal),
        cmocka_unit_test(longest_reply),
        cmocka_unit_test(longest_line),
        cmocka_unit_test(most_elements),
        cmocka_unit_test(elements_there_are_not),
        cmocka_unit_test(lent_until_next),
        cmocka_unit_test(bounded),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(commands),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
