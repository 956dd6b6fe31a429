/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_spool.h"

#include "fraud_pid.h"

#include <string.h>

#define SEQ_LEN 16
#define CRC_LEN 8
#define SUFFIX ".spool"

static const char digits[] = "0123456789abcdef";

static void put_hex(char *text, uint64_t value, size_t len) {
    while (len-- > 0) {
        text[len] = digits[value & 15];
        value >>= 4;
    }
}

static int take_hex(uint64_t *value, const char *text, size_t len) {
    size_t i;

    *value = 0;
    for (i = 0; i < len; i++) {
        const char *at = memchr(digits, text[i], 16);

        if (at == NULL) {
            return 0;
        }
        *value = *value << 4 | (uint64_t)(at - digits);
    }
    return 1;
}

/* CRC-32C, four bits at a time: the polynomial 0x1edc6f41, reflected. */
static uint32_t crc_add(uint32_t crc, const void *data, size_t len) {
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    const uint8_t *p = data;
    size_t i;

    for (i = 0; i < len; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

static uint32_t checksum(const char *writer, const char *seq,
                         fraud_str_t event) {
    uint32_t crc = UINT32_MAX;

    crc = crc_add(crc, writer, FRAUD_SPOOL_WRITER_LEN);
    crc = crc_add(crc, " ", 1);
    crc = crc_add(crc, seq, SEQ_LEN);
    crc = crc_add(crc, " ", 1);
    return ~crc_add(crc, event.data, event.len);
}

fraud_rc fraud_spool_writer(char *writer) {
    fraud_pid_key_t random;
    fraud_rc rc = fraud_pid_key_random(&random);
    size_t i;

    if (rc != FRAUD_OK) {
        return rc;
    }
    for (i = 0; i < FRAUD_SPOOL_WRITER_LEN; i++) {
        writer[i] = digits[random.bytes[i] & 15];
    }
    return FRAUD_OK;
}

void fraud_spool_name(char *name, const char *writer, uint64_t first) {
    memcpy(name, writer, FRAUD_SPOOL_WRITER_LEN);
    name[FRAUD_SPOOL_WRITER_LEN] = '.';
    put_hex(name + FRAUD_SPOOL_WRITER_LEN + 1, first, SEQ_LEN);
    memcpy(name + FRAUD_SPOOL_WRITER_LEN + 1 + SEQ_LEN, SUFFIX, sizeof(SUFFIX));
}

fraud_rc fraud_spool_parse_name(char *writer, uint64_t *first,
                                const char *name) {
    uint64_t ignored;

    if (strlen(name) !=
            FRAUD_SPOOL_WRITER_LEN + 1 + SEQ_LEN + sizeof(SUFFIX) - 1 ||
        !take_hex(&ignored, name, FRAUD_SPOOL_WRITER_LEN) ||
        name[FRAUD_SPOOL_WRITER_LEN] != '.' ||
        !take_hex(first, name + FRAUD_SPOOL_WRITER_LEN + 1, SEQ_LEN) ||
        strcmp(name + FRAUD_SPOOL_WRITER_LEN + 1 + SEQ_LEN, SUFFIX) != 0) {
        return FRAUD_EINVAL;
    }
    memcpy(writer, name, FRAUD_SPOOL_WRITER_LEN);
    return FRAUD_OK;
}

void fraud_spool_frame(uint8_t *head, const char *writer, uint64_t seq,
                       fraud_str_t event) {
    char text[FRAUD_SPOOL_HEAD];

    put_hex(text, seq, SEQ_LEN);
    text[SEQ_LEN] = ' ';
    put_hex(text + SEQ_LEN + 1, checksum(writer, text, event), CRC_LEN);
    text[FRAUD_SPOOL_HEAD - 1] = ' ';
    memcpy(head, text, sizeof(text));
}

fraud_rc fraud_spool_next(fraud_spool_record_t *record, const char *writer,
                          const uint8_t *data, size_t len, size_t *used) {
    const uint8_t *end = len != 0 ? memchr(data, '\n', len) : NULL;
    const char *text = (const char *)data;
    uint64_t crc;

    *used = 0;
    if (end == NULL && len < FRAUD_SPOOL_MAX_LINE) {
        return FRAUD_NOTFOUND;
    }
    if (end == NULL) {
        *used = len;
        return FRAUD_ELIMIT;
    }
    *used = (size_t)(end - data) + 1;
    if (*used > FRAUD_SPOOL_MAX_LINE) {
        return FRAUD_ELIMIT;
    }
    if (*used <= FRAUD_SPOOL_HEAD || text[SEQ_LEN] != ' ' ||
        text[FRAUD_SPOOL_HEAD - 1] != ' ' ||
        !take_hex(&record->seq, text, SEQ_LEN) ||
        !take_hex(&crc, text + SEQ_LEN + 1, CRC_LEN)) {
        return FRAUD_EINVAL;
    }
    record->event.data = data + FRAUD_SPOOL_HEAD;
    record->event.len = *used - FRAUD_SPOOL_HEAD - 1;
    return checksum(writer, text, record->event) == crc ? FRAUD_OK
                                                        : FRAUD_EINVAL;
}

int fraud_spool_is_end(fraud_str_t event) {
    return event.len == sizeof(FRAUD_SPOOL_END) - 1 &&
           memcmp(event.data, FRAUD_SPOOL_END, event.len) == 0;
}
