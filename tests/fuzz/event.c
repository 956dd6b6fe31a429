/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Any members in a buffer of any size: a line of JSON, or nothing.
 */

#include "fraud_event.h"
#include "fuzz.h"

#include "../unit/json.h"

static const fraud_str_t keys[] = {{(const uint8_t *)"time", 4},
                                   {(const uint8_t *)"a", 1},
                                   {(const uint8_t *)"", 0},
                                   {(const uint8_t *)"reputation.x", 12}};

static void add(fraud_event_t *event, input_t *in, unsigned *depth,
                size_t *members) {
    uint8_t what = cut_u8(in);
    fraud_str_t key = keys[what >> 6];
    size_t len;
    void *text;

    *members += what % 5 != 4;
    switch (what % 5) {
    case 0:
        len = cut_u8(in);
        len = len < in->len ? len : in->len;
        text = copy(in->p, len);
        in->p += len;
        in->len -= len;
        fraud_event_str(event, key, text, len);
        free(text);
        break;
    case 1:
        fraud_event_uint(event, key, cut_u64(in));
        break;
    case 2:
        fraud_event_time(event, key, cut_u64(in) >> cut_u8(in) % 64);
        break;
    case 3:
        (*depth)++;
        fraud_event_open(event, key);
        break;
    default:
        if (*depth > 0) {
            (*depth)--;
            fraud_event_close(event);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    size_t room = cut_u32(&in) % 4096, members = 0;
    uint8_t *exact = room != 0 ? malloc(room) : NULL;
    fraud_event_t event;
    unsigned depth = 0;
    json_t json;

    CLAIM(room == 0 || exact != NULL);
    fraud_event_begin(&event, exact, room);
    while (in.len > 0 && depth < 500) {
        add(&event, &in, &depth, &members);
    }
    while (depth-- > 0) {
        fraud_event_close(&event);
    }
    if (fraud_event_end(&event) == FRAUD_OK) {
        CLAIM(event.buf.len <= room);
        CLAIM(json_is_line(&json, exact, event.buf.len));
        CLAIM(json.members == members);
    }
    free(exact);
    return 0;
}
