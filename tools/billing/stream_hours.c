/* SPDX-License-Identifier: BSD-2-Clause */

#include "stream_int.h"

#include "clock.h"
#include "fraud_event.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

#define HOUR (3600 * (int64_t)CLOCK_SECOND)
#define OVER 2 /* hours after which nobody adds to a key any more */

/* Of the text of the time: 2026-11-22T08:... */
void stream_key(char key[STREAM_KEY], int64_t us) {
    uint8_t text[64];
    fraud_event_t event;

    fraud_event_begin(&event, text, sizeof(text));
    fraud_event_time(&event, FRAUD_STR("t"), (uint64_t)(us / 1000));
    (void)snprintf(key, STREAM_KEY, STREAM_PREFIX "%.4s%.2s%.2s%.2s",
                   (const char *)text + 6, (const char *)text + 11,
                   (const char *)text + 14, (const char *)text + 17);
}

static int add(rconn_t *conn, const char *a, const char *b, const char *c) {
    fraud_str_t words[3];
    size_t n = 0;

    words[n++] = rconn_str(a);
    if (b != NULL) {
        words[n++] = rconn_str(b);
    }
    if (c != NULL) {
        words[n++] = rconn_str(c);
    }
    return rconn_add(conn, words, n);
}

static stream_hour_t *find(stream_t *stream, int64_t hour) {
    size_t i;

    for (i = 0; i < stream->nhours; i++) {
        if (stream->hour[i].hour == hour) {
            return &stream->hour[i];
        }
    }
    return NULL;
}

static void forget(stream_t *stream, stream_hour_t *hour) {
    size_t i = (size_t)(hour - stream->hour);

    memmove(hour, hour + 1, (stream->nhours - i - 1) * sizeof(stream->hour[0]));
    stream->nhours--;
}

/* The oldest first, so that what has waited longest is in the room. */
static int look(stream_t *stream, int64_t first, int64_t last) {
    char key[STREAM_KEY];
    stream_hour_t *hour;
    fraud_reply_t reply;
    int64_t h;

    for (h = first; h <= last; h++) {
        stream_key(key, h * HOUR);
        if (!add(stream->conn, "EXISTS", key, NULL)) {
            return 0;
        }
    }
    for (h = first; h <= last; h++) {
        if (!rconn_get(stream->conn, &reply, RCONN_TIMEOUT * 1000)) {
            return 0;
        }
        hour = find(stream, h);
        if (reply.integer == 0 && hour != NULL) {
            forget(stream, hour);
        }
        if (reply.integer != 0 && hour == NULL &&
            stream->nhours < STREAM_ROOM) {
            hour = &stream->hour[stream->nhours++];
            memset(hour, 0, sizeof(*hour));
            stream_key(hour->key, h * HOUR);
            hour->hour = h;
            (void)snprintf(hour->claim, sizeof(hour->claim), "0-0");
        }
    }
    return 1;
}

static int make_group(stream_t *stream, stream_hour_t *hour) {
    fraud_str_t words[] = {rconn_str("XGROUP"), rconn_str("CREATE"),
                           rconn_str(hour->key), rconn_str(STREAM_GROUP),
                           rconn_str("0")};
    fraud_reply_t reply;

    if (!rconn_ask(stream->conn, &reply, words, 5)) {
        return 0;
    }
    hour->group =
        reply.type != FRAUD_REPLY_ERROR || rconn_is_error(&reply, "BUSYGROUP");
    if (rconn_is_error(&reply, "WRONGTYPE") && !hour->strange) {
        hour->strange = 1;
        say(SAY_ALARM, "no stream has the name", SAY(SAY_T("key", hour->key)));
    }
    return 1;
}

/* Set ${value} to what is called ${name} in the flat list of names. */
static int member(const fraud_reply_t *list, const char *name,
                  fraud_reply_t *value) {
    fraud_reply_t word;
    size_t i;

    for (i = 0; i + 1 < list->n; i += 2) {
        fraud_resp_element(list, i, &word);
        if (word.str.len == strlen(name) &&
            memcmp(word.str.data, name, word.str.len) == 0) {
            fraud_resp_element(list, i + 1, value);
            return 1;
        }
    }
    return 0;
}

/* Every group has read all, and acknowledged it. */
static int all_done(const fraud_reply_t *groups, const char *last) {
    fraud_reply_t group, value;
    size_t i;

    for (i = 0; i < groups->n; i++) {
        fraud_resp_element(groups, i, &group);
        if (!member(&group, "pending", &value) || value.integer != 0 ||
            !member(&group, "last-delivered-id", &value) ||
            value.str.len != strlen(last) ||
            memcmp(value.str.data, last, value.str.len) != 0) {
            return 0;
        }
    }
    return groups->n != 0;
}

/* Delete ${hour} if it is done with, and nobody adds to it meanwhile. */
static int drop(stream_t *stream, stream_hour_t *hour) {
    rconn_t *conn = stream->conn;
    fraud_reply_t reply, value;
    char last[STREAM_ID];
    int done, i;

    if (!add(conn, "WATCH", hour->key, NULL) ||
        !add(conn, "XINFO", "STREAM", hour->key) ||
        !add(conn, "XINFO", "GROUPS", hour->key) ||
        !rconn_get(conn, &reply, RCONN_TIMEOUT * 1000) ||
        !rconn_get(conn, &reply, RCONN_TIMEOUT * 1000)) {
        return 0;
    }
    last[0] = '\0';
    if (member(&reply, "last-generated-id", &value) &&
        value.str.len < sizeof(last)) {
        (void)snprintf(last, sizeof(last), "%.*s", (int)value.str.len,
                       (const char *)value.str.data);
    }
    if (!rconn_get(conn, &reply, RCONN_TIMEOUT * 1000)) {
        return 0;
    }
    done = reply.type == FRAUD_REPLY_ARRAY && all_done(&reply, last);
    if (!done) {
        return add(conn, "UNWATCH", NULL, NULL) &&
               rconn_get(conn, &reply, RCONN_TIMEOUT * 1000);
    }
    if (!add(conn, "MULTI", NULL, NULL) ||
        !add(conn, "UNLINK", hour->key, NULL) ||
        !add(conn, "EXEC", NULL, NULL)) {
        return 0;
    }
    for (i = 0; i < 3; i++) {
        if (!rconn_get(conn, &reply, RCONN_TIMEOUT * 1000)) {
            return 0;
        }
    }
    if (reply.type == FRAUD_REPLY_ARRAY) {
        say(SAY_INFO, "hour done", SAY(SAY_T("key", hour->key)));
        hour->group = 0;
    }
    return 1;
}

int stream_hours(stream_t *stream) {
    int64_t now = clock_us() / HOUR, keep;
    size_t i;

    keep = (int64_t)(stream->billing->conf.stream_keep / 3600) + OVER;
    if (keep > STREAM_HOURS) {
        keep = STREAM_HOURS;
    }
    if (!look(stream, now > keep ? now - keep : 0, now + 1)) {
        return 0;
    }
    for (i = 0; i < stream->nhours; i++) {
        stream_hour_t *hour = &stream->hour[i];

        if (!hour->group && !make_group(stream, hour)) {
            return 0;
        }
        if (hour->group && hour->hour + OVER < now && !drop(stream, hour)) {
            return 0;
        }
    }
    return 1;
}
