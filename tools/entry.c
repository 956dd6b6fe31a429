/* SPDX-License-Identifier: BSD-2-Clause */

#include "entry.h"

#include "fail.h"
#include "fraud_event.h"

#include <stdio.h>
#include <stdlib.h>

void entry_record(const char *pid, const unsigned char *bytes, size_t len,
                  long long ttl, int whole) {
    size_t i;

    (void)printf("{\"pid\":\"%s\",\"bytes\":%zu,\"ttl\":%lld", pid, len, ttl);
    if (whole) {
        (void)fputs(",\"record\":\"", stdout);
        for (i = 0; i < len; i++) {
            (void)printf("%02x", bytes[i]);
        }
        (void)putchar('"');
    }
    (void)putchar('}');
}

void entry_line(const char *line, size_t len) {
    uint8_t *text = malloc(6 * len + 16);
    fraud_event_t event;

    if (text == NULL) {
        fail("not enough memory");
    }
    if (len > 1 && line[0] == '{' && line[len - 1] == '}') {
        (void)fwrite(line, 1, len, stdout);
    } else {
        fraud_event_begin(&event, text, 6 * len + 16);
        fraud_event_str(&event, FRAUD_STR("line"), line, len);
        if (fraud_event_end(&event) != FRAUD_OK) {
            fail("a line is too long");
        }
        (void)fwrite(event.buf.data, 1, event.buf.len - 1, stdout);
    }
    free(text);
}
