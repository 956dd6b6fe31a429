/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "say.h"

#include "clock.h"
#include "fraud_event.h"

#include <string.h>
#include <unistd.h>

say_level_t say_from = SAY_INFO;

static fraud_str_t str(const char *text) {
    fraud_str_t s = {(const uint8_t *)text, strlen(text)};

    return s;
}

void say(say_level_t level, const char *what, const say_field_t *fields,
         size_t n) {
    static const char *const levels[] = {"info", "warn", "alarm"};
    uint8_t line[SAY_LINE + 2]; /* the end has room, whatever is lost */
    fraud_event_t event, before;
    size_t i;

    if (level < say_from) {
        return;
    }
    fraud_event_begin(&event, line, SAY_LINE);
    fraud_event_time(&event, str("time"), (uint64_t)(clock_us() / 1000));
    fraud_event_str(&event, str("level"), levels[level], strlen(levels[level]));
    fraud_event_str(&event, str("what"), what, strlen(what));
    for (i = 0; i < n; i++) {
        before = event;
        if (fields[i].text != NULL) {
            fraud_event_str(&event, str(fields[i].key), fields[i].text,
                            strlen(fields[i].text));
        } else if (fields[i].number >= 0) {
            fraud_event_uint(&event, str(fields[i].key),
                             (uint64_t)fields[i].number);
        }
        if (event.buf.full) {
            event = before;
            break;
        }
    }
    event.buf.size = sizeof(line);
    if (fraud_event_end(&event) == FRAUD_OK) {
        /* one write: lines of several processes do not mix */
        (void)!write(STDERR_FILENO, line, event.buf.len);
    }
}
