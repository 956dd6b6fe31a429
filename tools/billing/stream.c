/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "stream_int.h"

#include "clock.h"
#include "fail.h"
#include "fraud_backoff.h"
#include "fraud_str.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 1000
#define BACKOFF_MS 100u
#define MAX_BACKOFF_MS 5000u
#define CLAIM 64 /* entries at once: a crash counts against no more */

static int64_t idle_ms(void) {
#ifdef BILLING_TEST
    const char *text = getenv("FRAUD_STREAM_IDLE"); /* ms */

    if (text != NULL) {
        return atoll(text);
    }
#endif
    return STREAM_IDLE * 1000;
}

stream_t *stream_open(billing_t *billing) {
    stream_t *stream;

    if (billing->conf.stream == NULL) {
        return NULL;
    }
    stream = calloc(1, sizeof(*stream));
    if (stream == NULL || fraud_spool_writer(stream->consumer) != FRAUD_OK) {
        fail("no memory, or no random bytes");
    }
    stream->billing = billing;
    stream->to.url = billing->conf.stream;
    stream->to.password = billing->conf.stream_password;
    stream->to.ca = billing->conf.stream_ca;
    rconn_check(&stream->to);
    stream->idle = idle_ms();
    stream->retry = clock_ms();
    return stream;
}

void stream_close(stream_t *stream) {
    if (stream != NULL) {
        rconn_close(stream->conn);
        free(stream);
    }
}

const stream_count_t *stream_counts(const stream_t *stream) {
    return &stream->count;
}

static void pause_ms(int64_t ms) {
    struct timespec ts;

    if (ms > 0) {
        ts.tv_sec = (time_t)(ms / 1000);
        ts.tv_nsec = (long)(ms % 1000) * 1000000;
        (void)nanosleep(&ts, NULL);
    }
}

/* Everybody who lost Redis comes back at another time. */
static int lose(stream_t *stream, const char *why) {
    uint32_t spread = (uint32_t)clock_us() * 2654435761u;

    if (!stream->lost) {
        stream->lost = 1;
        say(SAY_WARN, "redis is lost", SAY(SAY_T("why", why)));
    }
    rconn_close(stream->conn);
    stream->conn = NULL;
    stream->nhours = 0;
    stream->retry = clock_ms() + fraud_backoff_delay(BACKOFF_MS, MAX_BACKOFF_MS,
                                                     ++stream->tries, spread);
    return 0;
}

static int connected(stream_t *stream, int wait) {
    int64_t left = stream->retry - clock_ms();
    char why[RCONN_WHY];

    if (stream->conn != NULL) {
        return 1;
    }
    pause_ms(left < wait ? left : wait);
    if (left > wait) {
        return 0;
    }
    stream->conn = rconn_open(&stream->to, why);
    if (stream->conn == NULL) {
        return lose(stream, why);
    }
    if (stream->lost) {
        say(SAY_INFO, "redis is back", SAY_NOTHING);
    }
    stream->lost = 0;
    stream->tries = 0;
    stream->looked = clock_ms() - LOOK_MS;
    stream->claimed = clock_ms() - stream->idle;
    return 1;
}

/* Give what is in the batch on, and acknowledge it. -1: the database is down.
 */
static int settle(stream_t *stream, intake_count_t *count) {
    stream_batch_t *batch = &stream->batch;
    fraud_str_t words[4] = {
        rconn_str("XACK"), {NULL, 0}, rconn_str(STREAM_GROUP), {NULL, 0}};
    fraud_reply_t reply;
    size_t i, n, sent = 0;

    while (batch->done < batch->n) {
        n = batch->n - batch->done;
        n = n < batch->step ? n : batch->step;
        if (intake_batch(stream->billing, batch->record + batch->done, n, NULL,
                         count) != DB_OK) {
            return -1;
        }
        failpoint("stream-pre-ack");
        for (i = batch->done; i < batch->done + n && stream->conn != NULL;
             i++) {
            words[1] = rconn_str(batch->key[i]);
            words[3] = rconn_str(batch->id[i]);
            sent += (size_t)rconn_add(stream->conn, words, 4);
        }
        for (; sent != 0 && stream->conn != NULL; sent--) {
            if (!rconn_get(stream->conn, &reply, RCONN_TIMEOUT * 1000)) {
                /* whoever is given them again knows them */
                (void)lose(stream, rconn_why(stream->conn));
            }
        }
        failpoint("stream-post-ack");
        batch->done += n;
    }
    n = batch->n;
    batch->n = batch->done = 0;
    return (int)n;
}

/* A key or its group is gone: what there is now shows at the next look. */
static void look_again(stream_t *stream) {
    stream->nhours = 0;
    stream->looked = clock_ms() - LOOK_MS;
}

static void take_keys(stream_t *stream, const fraud_reply_t *reply) {
    fraud_reply_t pair, key, entries, entry;
    char name[STREAM_KEY];
    size_t i, k;

    for (i = 0; i < reply->n; i++) {
        fraud_resp_element(reply, i, &pair);
        fraud_resp_element(&pair, 0, &key);
        fraud_resp_element(&pair, 1, &entries);
        (void)snprintf(name, sizeof(name), "%.*s", (int)key.str.len,
                       (const char *)key.str.data);
        for (k = 0; k < entries.n && stream->batch.n < INTAKE_BATCH; k++) {
            fraud_resp_element(&entries, k, &entry);
            stream_entry(stream, name, &entry);
        }
    }
}

/* Return 0 if the connection is lost. */
static int read_new(stream_t *stream, int wait) {
    fraud_str_t words[9 + 2 * STREAM_ROOM];
    char most[16], block[16];
    fraud_reply_t reply;
    size_t i, n = 0, live = 0;

    for (i = 0; i < stream->nhours; i++) {
        live += stream->hour[i].group != 0;
    }
    if (live == 0) {
        pause_ms(wait);
        return 1;
    }
    (void)snprintf(most, sizeof(most), "%zu", INTAKE_BATCH / live);
    (void)snprintf(block, sizeof(block), "%d", wait > 0 ? wait : 1);
    words[n++] = rconn_str("XREADGROUP");
    words[n++] = rconn_str("GROUP");
    words[n++] = rconn_str(STREAM_GROUP);
    words[n++] = rconn_str(stream->consumer);
    words[n++] = rconn_str("COUNT");
    words[n++] = rconn_str(most);
    words[n++] = rconn_str("BLOCK");
    words[n++] = rconn_str(block);
    words[n++] = rconn_str("STREAMS");
    for (i = 0; i < stream->nhours; i++) {
        if (stream->hour[i].group) {
            words[n] = rconn_str(stream->hour[i].key);
            words[live + n++] = rconn_str(">");
        }
    }
    if (!rconn_add(stream->conn, words, n + live) ||
        !rconn_get(stream->conn, &reply, wait + RCONN_TIMEOUT * 1000)) {
        return 0;
    }
    if (reply.type == FRAUD_REPLY_ERROR) {
        look_again(stream);
        pause_ms(wait);
        return 1;
    }
    take_keys(stream, &reply);
    stream->batch.step = INTAKE_BATCH;
    return 1;
}

/* What is gone from a stream is in the spool still: somebody has to ship it. */
static void tell_gone(stream_t *stream, const char *key,
                      const fraud_reply_t *gone) {
    if (gone->type == FRAUD_REPLY_ARRAY && gone->n != 0) {
        stream->count.gone += gone->n;
        say(SAY_ALARM, "deleted before it was taken: ship the spool again",
            SAY(SAY_T("key", key), SAY_I("entries", gone->n)));
    }
}

/* Mark what was given to consumers too often. Return 0 without connection. */
static int count_deliveries(stream_t *stream, const char *key) {
    stream_batch_t *batch = &stream->batch;
    fraud_reply_t reply, row, id, deliveries;
    fraud_str_t words[7];
    char most[16];
    size_t i, k;

    (void)snprintf(most, sizeof(most), "%d", INTAKE_BATCH);
    words[0] = rconn_str("XPENDING");
    words[1] = rconn_str(key);
    words[2] = rconn_str(STREAM_GROUP);
    words[3] = rconn_str(batch->id[0]);
    words[4] = rconn_str(batch->id[batch->n - 1]);
    words[5] = rconn_str(most);
    words[6] = rconn_str(stream->consumer);
    if (!rconn_ask(stream->conn, &reply, words, 7)) {
        return 0;
    }
    batch->step = INTAKE_BATCH;
    for (i = 0; i < reply.n; i++) {
        fraud_resp_element(&reply, i, &row);
        fraud_resp_element(&row, 0, &id);
        fraud_resp_element(&row, 3, &deliveries);
        if (deliveries.integer >= STREAM_SINGLE) {
            batch->step = 1;
        }
        for (k = 0; deliveries.integer > INTAKE_TRIES && k < batch->n; k++) {
            if (strlen(batch->id[k]) == id.str.len &&
                memcmp(batch->id[k], id.str.data, id.str.len) == 0) {
                batch->record[k].bad = "delivered too often";
            }
        }
    }
    return 1;
}

/* Take over what a consumer left in ${hour}. Return 0 without connection. */
static int claim_hour(stream_t *stream, stream_hour_t *hour) {
    stream_batch_t *batch = &stream->batch;
    fraud_reply_t reply, next, entries, entry, gone;
    char idle[24], most[16], key[STREAM_KEY];
    fraud_str_t words[8];
    size_t i;

    (void)snprintf(idle, sizeof(idle), "%lld", (long long)stream->idle);
    (void)snprintf(most, sizeof(most), "%d", CLAIM);
    memcpy(key, hour->key, sizeof(key));
    words[0] = rconn_str("XAUTOCLAIM");
    words[1] = rconn_str(key);
    words[2] = rconn_str(STREAM_GROUP);
    words[3] = rconn_str(stream->consumer);
    words[4] = rconn_str(idle);
    words[5] = rconn_str(hour->claim);
    words[6] = rconn_str("COUNT");
    words[7] = rconn_str(most);
    if (!rconn_ask(stream->conn, &reply, words, 8)) {
        return 0;
    }
    if (reply.type != FRAUD_REPLY_ARRAY) {
        look_again(stream);
        return 1;
    }
    fraud_resp_element(&reply, 0, &next);
    fraud_resp_element(&reply, 1, &entries);
    fraud_resp_element(&reply, 2, &gone);
    (void)snprintf(hour->claim, sizeof(hour->claim), "%.*s", (int)next.str.len,
                   (const char *)next.str.data);
    tell_gone(stream, key, &gone);
    for (i = 0; i < entries.n && batch->n < INTAKE_BATCH; i++) {
        fraud_resp_element(&entries, i, &entry);
        if (entry.type == FRAUD_REPLY_ARRAY) {
            stream_entry(stream, key, &entry);
        }
    }
    stream->count.claimed += batch->n;
    return batch->n == 0 || count_deliveries(stream, key);
}

/* All hours once, each from where it was left, until one has something. */
static int claim_left(stream_t *stream) {
    size_t i;

    if (clock_ms() - stream->claimed < stream->idle / 2) {
        return 1;
    }
    for (i = 0; i < stream->nhours && stream->batch.n == 0; i++) {
        if (stream->hour[i].group && !claim_hour(stream, &stream->hour[i])) {
            return 0;
        }
    }
    if (stream->batch.n == 0) {
        stream->claimed = clock_ms();
    }
    return 1;
}

int stream_take(stream_t *stream, int wait, intake_count_t *count) {
    if (stream == NULL) {
        return 0;
    }
    if (stream->batch.n != 0) {
        return settle(stream, count);
    }
    if (!connected(stream, wait)) {
        return -2;
    }
    if (clock_ms() - stream->looked >= LOOK_MS) {
        stream->looked = clock_ms();
        if (!stream_hours(stream)) {
            (void)lose(stream, rconn_why(stream->conn));
            return -2;
        }
    }
    if (!claim_left(stream) ||
        (stream->batch.n == 0 && !read_new(stream, wait))) {
        (void)lose(stream, rconn_why(stream->conn));
        stream->batch.n = 0;
        return -2;
    }
    failpoint("stream-read");
    return settle(stream, count);
}
