/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_segment.h"

#include "fraud_day.h"
#include "fraud_str.h"

#include <string.h>

#define HEX_LEN ((size_t)(2 * FRAUD_PID_DIGEST_LEN))
#define REDACTED "{\"redacted\":true"
#define NOTHING "redacted"

static const char chain_key[] = ",\"chain\":\"";
static const char digits[] = "0123456789abcdef";

static void put_hex(char *text, const uint8_t *data, size_t len) {
    size_t i;

    for (i = 0; i < len; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
}

static int is_hex(const uint8_t *text, size_t len) {
    size_t i;

    for (i = 0; i < len; i++) {
        if (text[i] == '\0' || strchr(digits, text[i]) == NULL) {
            return 0;
        }
    }
    return 1;
}

static int take_hex(uint8_t *data, const uint8_t *text, size_t len) {
    size_t i;

    if (!is_hex(text, 2 * len)) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        data[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 |
                            (strchr(digits, text[2 * i + 1]) - digits));
    }
    return 1;
}

void fraud_segment_name(char *name, uint64_t hour) {
    uint8_t text[FRAUD_SEGMENT_NAME_LEN + 2];
    fraud_buf_t buf;

    if (hour > FRAUD_SEGMENT_MAX) {
        hour = FRAUD_SEGMENT_MAX;
    }
    fraud_buf_init(&buf, text, sizeof(text));
    fraud_day_print(&buf, (uint32_t)(hour / 24));
    memcpy(name, text, 4);
    memcpy(name + 4, text + 5, 2);
    memcpy(name + 6, text + 8, 2);
    fraud_buf_init(&buf, text, sizeof(text));
    fraud_buf_uint(&buf, hour % 24, 2);
    memcpy(name + 8, text, 2);
}

fraud_rc fraud_segment_parse_name(uint64_t *hour, const char *name,
                                  size_t len) {
    char text[] = "YYYY-MM-DD";
    uint64_t h;
    uint32_t day;

    if (len != FRAUD_SEGMENT_NAME_LEN ||
        fraud_str_uint(&h, name + 8, 2, 23) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    memcpy(text, name, 4);
    memcpy(text + 5, name + 4, 2);
    memcpy(text + 8, name + 6, 2);
    if (fraud_day_parse(&day, text, sizeof(text) - 1) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    *hour = (uint64_t)day * 24 + h;
    return FRAUD_OK;
}

fraud_rc fraud_segment_init(fraud_segment_t *chain) {
    fraud_pid_key_t random;
    fraud_rc rc = fraud_pid_key_random(&random);

    if (rc != FRAUD_OK) {
        return rc;
    }
    memset(chain, 0, sizeof(*chain));
    chain->hour = FRAUD_SEGMENT_NONE;
    fraud_pid_digest(chain->state, random.bytes, sizeof(random.bytes));
    put_hex(chain->writer, random.bytes, FRAUD_SEGMENT_WRITER_LEN / 2);
    return FRAUD_OK;
}

static void step(uint8_t *state, const uint8_t *before, const void *data,
                 size_t len) {
    uint8_t both[2 * FRAUD_PID_DIGEST_LEN];

    memcpy(both, before, FRAUD_PID_DIGEST_LEN);
    fraud_pid_digest(both + FRAUD_PID_DIGEST_LEN, data, len);
    fraud_pid_digest(state, both, sizeof(both));
}

/* Chain and end the line, and nothing else. */
static fraud_rc end_line(fraud_segment_t *chain, fraud_event_t *event) {
    char text[FRAUD_SEGMENT_WRITER_LEN + 1 + 2 * FRAUD_PID_DIGEST_LEN];
    uint8_t state[FRAUD_PID_DIGEST_LEN];
    fraud_rc rc;

    step(state, chain->state, event->buf.data, event->buf.len);
    memcpy(text, chain->writer, FRAUD_SEGMENT_WRITER_LEN);
    text[FRAUD_SEGMENT_WRITER_LEN] = '.';
    put_hex(text + FRAUD_SEGMENT_WRITER_LEN + 1, state, sizeof(state));
    fraud_event_str(event, FRAUD_STR("chain"), text, sizeof(text));
    rc = fraud_event_end(event);
    if (rc == FRAUD_OK) {
        memcpy(chain->state, state, sizeof(state));
    }
    return rc;
}

fraud_rc fraud_segment_end(fraud_segment_t *chain, fraud_event_t *event) {
    fraud_rc rc = end_line(chain, event);

    chain->lines += rc == FRAUD_OK;
    return rc;
}

fraud_rc fraud_segment_open(fraud_segment_t *chain, fraud_event_t *event,
                            uint64_t hour) {
    char name[FRAUD_SEGMENT_NAME_LEN], state[2 * FRAUD_PID_DIGEST_LEN];
    fraud_rc rc;

    fraud_segment_name(name, hour);
    fraud_event_str(event, FRAUD_STR("segment"), name, sizeof(name));
    if (chain->hour != FRAUD_SEGMENT_NONE) {
        fraud_segment_name(name, chain->hour);
    }
    fraud_event_str(event, FRAUD_STR("after"), name,
                    chain->hour == FRAUD_SEGMENT_NONE ? 0 : sizeof(name));
    put_hex(state, chain->state, sizeof(chain->state));
    fraud_event_str(event, FRAUD_STR("state"), state, sizeof(state));
    fraud_event_uint(event, FRAUD_STR("lost"), chain->lost);
    rc = end_line(chain, event);
    if (rc == FRAUD_OK && chain->hour != hour) {
        chain->hour = hour;
        chain->lines = 0;
        chain->lost = 0;
    }
    return rc;
}

fraud_rc fraud_segment_close(fraud_segment_t *chain, fraud_event_t *event) {
    char name[FRAUD_SEGMENT_NAME_LEN];

    fraud_segment_name(name, chain->hour);
    fraud_event_str(event, FRAUD_STR("closed"), name, sizeof(name));
    fraud_event_uint(event, FRAUD_STR("lines"), chain->lines);
    fraud_event_uint(event, FRAUD_STR("lost"), chain->lost);
    return end_line(chain, event);
}

/* What the whole lines that got into the file did to the chain. */
static void redo(fraud_segment_t *chain, const fraud_segment_line_t *line) {
    memcpy(chain->state, line->state, sizeof(chain->state));
    if (line->type == FRAUD_SEGMENT_OPENED && line->hour != chain->hour) {
        chain->hour = line->hour;
        chain->lines = 0;
        chain->lost = 0;
    }
    chain->lines += line->type == FRAUD_SEGMENT_ENTRY;
}

uint64_t fraud_segment_resume(fraud_segment_t *chain,
                              const fraud_segment_t *saved, const uint8_t *data,
                              size_t len, size_t written) {
    uint64_t lost = 0;
    const uint8_t *p = data, *end = data + len, *line_end;
    fraud_segment_line_t line;

    *chain = *saved;
    for (; p < end; p = line_end + 1) {
        line_end = memchr(p, '\n', (size_t)(end - p));
        if (line_end == NULL) {
            break;
        }
        if (line_end == p ||
            fraud_segment_read(&line, p, (size_t)(line_end - p)) != FRAUD_OK) {
            continue;
        }
        if ((size_t)(line_end - data) < written) {
            redo(chain, &line);
        } else {
            lost += line.type == FRAUD_SEGMENT_ENTRY;
        }
    }
    chain->lost += lost;
    return lost;
}

/* Step over a text that has to be there. */
static int take(const uint8_t **p, const uint8_t *end, const char *text) {
    size_t len = strlen(text);

    if ((size_t)(end - *p) < len || memcmp(*p, text, len) != 0) {
        return 0;
    }
    *p += len;
    return 1;
}

static int take_hour(const uint8_t **p, const uint8_t *end, uint64_t *hour) {
    if ((size_t)(end - *p) < FRAUD_SEGMENT_NAME_LEN ||
        fraud_segment_parse_name(hour, (const char *)*p,
                                 FRAUD_SEGMENT_NAME_LEN) != FRAUD_OK) {
        return 0;
    }
    *p += FRAUD_SEGMENT_NAME_LEN;
    return 1;
}

static int take_uint(const uint8_t **p, const uint8_t *end, uint64_t *value) {
    const uint8_t *start = *p;

    while (*p < end && **p >= '0' && **p <= '9') {
        (*p)++;
    }
    return fraud_str_uint(value, (const char *)start, (size_t)(*p - start),
                          UINT64_MAX) == FRAUD_OK;
}

static int read_opened(fraud_segment_line_t *line, const uint8_t *p,
                       const uint8_t *end) {
    line->after = FRAUD_SEGMENT_NONE;
    if (!take_hour(&p, end, &line->hour) || !take(&p, end, "\",\"after\":\"")) {
        return 0;
    }
    if (p < end && *p != '"' && !take_hour(&p, end, &line->after)) {
        return 0;
    }
    if (!take(&p, end, "\",\"state\":\"") || (size_t)(end - p) < HEX_LEN ||
        !take_hex(line->before, p, FRAUD_PID_DIGEST_LEN)) {
        return 0;
    }
    p += HEX_LEN;
    return take(&p, end, "\",\"lost\":") && take_uint(&p, end, &line->lost) &&
           p == end;
}

static int read_closed(fraud_segment_line_t *line, const uint8_t *p,
                       const uint8_t *end) {
    return take_hour(&p, end, &line->hour) && take(&p, end, "\",\"lines\":") &&
           take_uint(&p, end, &line->lines) && take(&p, end, ",\"lost\":") &&
           take_uint(&p, end, &line->lost) && p == end;
}

static int read_redacted(const uint8_t *p, const uint8_t *end) {
    while (p < end && *p == ' ') {
        p++;
    }
    return p == end;
}

fraud_rc fraud_segment_read(fraud_segment_line_t *line, const uint8_t *data,
                            size_t len) {
    const uint8_t *p = data, *end, *at;

    if (len <= FRAUD_SEGMENT_CHAIN_LEN) {
        return FRAUD_EINVAL;
    }
    end = data + len - FRAUD_SEGMENT_CHAIN_LEN;
    at = end;
    if (!take(&at, data + len, chain_key) ||
        !is_hex(at, FRAUD_SEGMENT_WRITER_LEN)) {
        return FRAUD_EINVAL;
    }
    memset(line, 0, sizeof(*line));
    memcpy(line->writer, at, FRAUD_SEGMENT_WRITER_LEN);
    at += FRAUD_SEGMENT_WRITER_LEN;
    if (!take(&at, data + len, ".") ||
        !take_hex(line->state, at, FRAUD_PID_DIGEST_LEN)) {
        return FRAUD_EINVAL;
    }
    at += HEX_LEN;
    if (!take(&at, data + len, "\"}") || data[0] != '{') {
        return FRAUD_EINVAL;
    }
    if (take(&p, end, "{\"segment\":\"")) {
        line->type = FRAUD_SEGMENT_OPENED;
        return read_opened(line, p, end) ? FRAUD_OK : FRAUD_EINVAL;
    }
    if (take(&p, end, "{\"closed\":\"")) {
        line->type = FRAUD_SEGMENT_CLOSED;
        return read_closed(line, p, end) ? FRAUD_OK : FRAUD_EINVAL;
    }
    if (take(&p, end, REDACTED)) {
        line->type = FRAUD_SEGMENT_REDACTED;
        return read_redacted(p, end) ? FRAUD_OK : FRAUD_EINVAL;
    }
    line->type = FRAUD_SEGMENT_ENTRY;
    return FRAUD_OK;
}

int fraud_segment_follows(const fraud_segment_line_t *line,
                          const uint8_t *state, const uint8_t *data,
                          size_t len) {
    uint8_t expected[FRAUD_PID_DIGEST_LEN];

    if (line->type == FRAUD_SEGMENT_REDACTED) {
        return 1;
    }
    step(expected, state, data, len - FRAUD_SEGMENT_CHAIN_LEN);
    return memcmp(expected, line->state, sizeof(expected)) == 0;
}

void fraud_segment_redact(uint8_t *data, size_t len) {
    fraud_segment_line_t line;
    const char *text = NOTHING;
    size_t n = len;

    if (fraud_segment_read(&line, data, len) == FRAUD_OK) {
        /* what is shorter has no pid in it */
        if (line.type != FRAUD_SEGMENT_ENTRY ||
            len < FRAUD_SEGMENT_CHAIN_LEN + sizeof(REDACTED) - 1) {
            return;
        }
        text = REDACTED;
        n = len - FRAUD_SEGMENT_CHAIN_LEN;
    }
    memset(data, ' ', n);
    memcpy(data, text, n < strlen(text) ? n : strlen(text));
}
