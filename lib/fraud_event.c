/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_event.h"

#define MS_PER_DAY 86400000u
#define YEAR_10000_MS 253402300800000u

static void put_key(fraud_event_t *event, fraud_str_t key) {
    if (event->comma) {
        fraud_buf_char(&event->buf, ',');
    }
    event->comma = 1;
    if (key.data == NULL) {
        return;
    }
    fraud_buf_char(&event->buf, '"');
    fraud_buf_add(&event->buf, key.data, key.len);
    fraud_buf_text(&event->buf, "\":");
}

static void put_escaped(fraud_buf_t *buf, uint8_t ch) {
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', 0, 0};

    if (ch == '"' || ch == '\\') {
        text[1] = (char)ch;
        fraud_buf_add(buf, text, 2);
        return;
    }
    text[4] = hex[ch >> 4];
    text[5] = hex[ch & 15];
    fraud_buf_add(buf, text, 6);
}

void fraud_event_begin(fraud_event_t *event, uint8_t *data, size_t size) {
    fraud_buf_init(&event->buf, data, size);
    event->comma = 0;
    fraud_buf_char(&event->buf, '{');
}

void fraud_event_str(fraud_event_t *event, fraud_str_t key, const void *data,
                     size_t len) {
    const uint8_t *p = data;
    size_t i, done = 0;

    put_key(event, key);
    fraud_buf_char(&event->buf, '"');
    for (i = 0; i < len; i++) {
        if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\') {
            continue;
        }
        fraud_buf_add(&event->buf, p + done, i - done);
        put_escaped(&event->buf, p[i]);
        done = i + 1;
    }
    if (len != 0) {
        fraud_buf_add(&event->buf, p + done, len - done);
    }
    fraud_buf_char(&event->buf, '"');
}

void fraud_event_uint(fraud_event_t *event, fraud_str_t key, uint64_t value) {
    put_key(event, key);
    fraud_buf_uint(&event->buf, value, 1);
}

/* Civil date of a day number, in years that begin in March. */
static void put_date(fraud_buf_t *buf, uint64_t days) {
    uint64_t era, doe, yoe, doy, mp, month;

    days += 719468; /* from 0000-03-01 */
    era = days / 146097;
    doe = days % 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    month = mp < 10 ? mp + 3 : mp - 9;

    fraud_buf_uint(buf, era * 400 + yoe + (month <= 2), 4);
    fraud_buf_char(buf, '-');
    fraud_buf_uint(buf, month, 2);
    fraud_buf_char(buf, '-');
    fraud_buf_uint(buf, doy - (153 * mp + 2) / 5 + 1, 2);
}

void fraud_event_time(fraud_event_t *event, fraud_str_t key, uint64_t ms) {
    fraud_buf_t *buf = &event->buf;

    if (ms >= YEAR_10000_MS) {
        ms = YEAR_10000_MS - 1;
    }
    put_key(event, key);
    fraud_buf_char(buf, '"');
    put_date(buf, ms / MS_PER_DAY);
    fraud_buf_char(buf, 'T');
    ms %= MS_PER_DAY;
    fraud_buf_uint(buf, ms / 3600000, 2);
    fraud_buf_char(buf, ':');
    fraud_buf_uint(buf, ms / 60000 % 60, 2);
    fraud_buf_char(buf, ':');
    fraud_buf_uint(buf, ms / 1000 % 60, 2);
    fraud_buf_char(buf, '.');
    fraud_buf_uint(buf, ms % 1000, 3);
    fraud_buf_text(buf, "Z\"");
}

void fraud_event_open(fraud_event_t *event, fraud_str_t key) {
    put_key(event, key);
    fraud_buf_char(&event->buf, '{');
    event->comma = 0;
}

void fraud_event_close(fraud_event_t *event) {
    fraud_buf_char(&event->buf, '}');
    event->comma = 1;
}

void fraud_event_list(fraud_event_t *event, fraud_str_t key) {
    put_key(event, key);
    fraud_buf_char(&event->buf, '[');
    event->comma = 0;
}

void fraud_event_list_end(fraud_event_t *event) {
    fraud_buf_char(&event->buf, ']');
    event->comma = 1;
}

void fraud_event_null(fraud_event_t *event, fraud_str_t key) {
    put_key(event, key);
    fraud_buf_text(&event->buf, "null");
}

fraud_rc fraud_event_end(fraud_event_t *event) {
    fraud_buf_text(&event->buf, "}\n");
    return event->buf.full ? FRAUD_ELIMIT : FRAUD_OK;
}
