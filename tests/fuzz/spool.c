/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Files of the spool, whatever is in them: reading goes on to the end, and what
 * is accepted is framed again to the same bytes. As no input has a checksum by
 * chance, whole records are put between its pieces, and all of them are found.
 */

#include "fraud_spool.h"
#include "fuzz.h"

#define WRITER "0123456789abcdef"

static size_t put(uint8_t *data, uint64_t seq, const uint8_t *event,
                  size_t len) {
    fraud_spool_frame(data, WRITER, seq, (fraud_str_t){event, len});
    if (len != 0) {
        memcpy(data + FRAUD_SPOOL_HEAD, event, len);
    }
    data[FRAUD_SPOOL_HEAD + len] = '\n';
    return FRAUD_SPOOL_HEAD + len + 1;
}

/* Return how many records there are. */
static size_t read_all(const uint8_t *bytes, size_t len) {
    uint8_t *data = copy(bytes, len), head[FRAUD_SPOOL_HEAD];
    fraud_spool_record_t record;
    size_t at = 0, used, n = 0;
    fraud_rc rc;

    do {
        rc = fraud_spool_next(&record, WRITER, data + at, len - at, &used);
        CLAIM(used <= len - at);
        CLAIM((rc == FRAUD_NOTFOUND) == (used == 0));
        if (rc == FRAUD_OK) {
            n++;
            CLAIM(used == FRAUD_SPOOL_HEAD + record.event.len + 1);
            CLAIM(record.event.len <= FRAUD_SPOOL_MAX_EVENT);
            fraud_spool_frame(head, WRITER, record.seq, record.event);
            CLAIM(memcmp(head, data + at, sizeof(head)) == 0);
        }
        at += used;
    } while (rc != FRAUD_NOTFOUND);
    free(data);
    return n;
}

static void check_name(const uint8_t *data, size_t len) {
    char *text = malloc(len + 1), name[FRAUD_SPOOL_NAME_SIZE];
    char writer[FRAUD_SPOOL_WRITER_LEN];
    uint64_t first;

    CLAIM(text != NULL);
    if (len != 0) {
        memcpy(text, data, len);
    }
    text[len] = '\0';
    if (fraud_spool_parse_name(writer, &first, text) == FRAUD_OK) {
        fraud_spool_name(name, writer, first);
        CLAIM(strcmp(name, text) == 0);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    size_t cut_at = cut_u8(&in), len = 0, found;
    uint64_t seq = cut_u64(&in);
    uint8_t *file;

    check_name(in.p, in.len);
    (void)read_all(in.p, in.len);

    cut_at = cut_at < in.len ? cut_at : in.len;
    file = malloc(2 * in.len + 2 * (FRAUD_SPOOL_HEAD + 1) + 8);
    CLAIM(file != NULL);
    if (cut_at != 0) {
        memcpy(file, in.p, cut_at);
    }
    len = cut_at;
    file[len++] = '\n';
    found = read_all(file, len);
    len += put(file + len, seq, (const uint8_t *)"", 0);
    CLAIM(read_all(file, len) == found + 1);
    if (in.len == 0 || memchr(in.p, '\n', in.len) == NULL) {
        len += put(file + len, seq + 1, in.p, in.len);
        CLAIM(read_all(file, len) == found + 2);
        CLAIM(read_all(file, len - 1) == found + 1);
    }
    free(file);
    return 0;
}
