/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Redirections against their own text, written again; slots against a CRC bit
 * by bit; maps against a list of their ranges.
 */

#include "fraud_slot.h"
#include "fuzz.h"

#define MAX_RANGES 32

static fraud_slot_map_t map;

static uint16_t slow_crc(const uint8_t *data, size_t len) {
    unsigned crc = 0;
    size_t i;
    int bit;

    for (i = 0; i < len; i++) {
        crc ^= (unsigned)data[i] << 8;
        for (bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
            crc &= 0xffff;
        }
    }
    return (uint16_t)crc;
}

static void check_slot(const uint8_t *key, size_t len) {
    size_t open = 0, close;

    while (open < len && key[open] != '{') {
        open++;
    }
    close = open;
    while (close < len && key[close] != '}') {
        close++;
    }
    if (close < len && close > open + 1) {
        CLAIM(fraud_slot_of(key, len) ==
              slow_crc(key + open + 1, close - open - 1) % FRAUD_SLOT_N);
    } else {
        CLAIM(fraud_slot_of(key, len) == slow_crc(key, len) % FRAUD_SLOT_N);
    }
}

/* The numbers may have leading zeros; the rest is as it was. */
static void check_redirect(const uint8_t *text, size_t len) {
    fraud_slot_redirect_t r;
    char again[1200];
    unsigned long slot, port;
    const char *rest;
    char *end;

    if (fraud_slot_redirect(&r, text, len) != FRAUD_OK) {
        return;
    }
    CLAIM(len < sizeof(again));
    memcpy(again, text, len);
    again[len] = '\0';
    CLAIM(strlen(again) == len);
    CLAIM(strncmp(again, r.ask ? "ASK " : "MOVED ", r.ask ? 4 : 6) == 0);
    slot = strtoul(again + (r.ask ? 4 : 6), &end, 10);
    CLAIM(slot == r.slot && slot < FRAUD_SLOT_N && *end == ' ');
    rest = end + 1;
    end = strrchr(rest, ':');
    CLAIM(end != NULL);
    port = strtoul(end + 1, NULL, 10);
    CLAIM(port == r.addr.port && port != 0);
    if (rest[0] == '[') {
        rest++;
        CLAIM(*--end == ']');
    }
    CLAIM((size_t)(end - rest) == r.addr.host.len);
    CLAIM(memcmp(rest, r.addr.host.data, r.addr.host.len) == 0);
}

static void check_map(input_t in) {
    struct {
        int64_t first, last;
        fraud_slot_addr_t addr;
    } ranges[MAX_RANGES];
    size_t i, j, n = 0, owners, covered = 0;
    fraud_slot_addr_t addr;

    fraud_slot_begin(&map);
    while (in.len != 0 && n < MAX_RANGES) {
        ranges[n].first = (int64_t)cut_u32(&in) % 17000 - 100;
        ranges[n].last = ranges[n].first + (int64_t)(cut_u32(&in) % 17000);
        if (fraud_slot_addr(&ranges[n].addr, (const uint8_t *)"abc",
                            cut_u8(&in) % 4, cut_u8(&in) % 4) != FRAUD_OK) {
            continue;
        }
        if (fraud_slot_range(&map, ranges[n].first, ranges[n].last,
                             &ranges[n].addr) != FRAUD_OK) {
            return;
        }
        n++;
    }
    for (i = 0; i < FRAUD_SLOT_N; i++) {
        owners = 0;
        for (j = 0; j < n; j++) {
            if ((int64_t)i < ranges[j].first || (int64_t)i > ranges[j].last) {
                continue;
            }
            owners++;
            CLAIM(map.owner[i] < map.n);
            addr = map.nodes[map.owner[i]];
            CLAIM(addr.port == ranges[j].addr.port);
            CLAIM(addr.host.len == ranges[j].addr.host.len);
        }
        CLAIM(owners <= 1);
        CLAIM(owners == 1 || map.owner[i] == UINT16_MAX);
        covered += owners;
    }
    CLAIM(covered == map.covered);
    CLAIM((fraud_slot_finish(&map) == FRAUD_OK) == (covered == FRAUD_SLOT_N));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *bytes = copy(data, size);
    input_t in = {bytes, size};

    check_slot(bytes, size);
    check_redirect(bytes, size);
    check_map(in);
    free(bytes);
    return 0;
}
