/* SPDX-License-Identifier: BSD-2-Clause */

#include "stream_int.h"

#include "fraud_str.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

#define GARBAGE "no record of a spool"

static int is_field(const fraud_reply_t *name, char letter) {
    return name->type == FRAUD_REPLY_STRING && name->str.len == 1 &&
           name->str.data[0] == (uint8_t)letter;
}

static int take_writer(intake_record_t *record, fraud_str_t text) {
    size_t i;

    if (text.len != FRAUD_SPOOL_WRITER_LEN) {
        return 0;
    }
    for (i = 0; i < text.len; i++) {
        if (!(text.data[i] >= '0' && text.data[i] <= '9') &&
            !(text.data[i] >= 'a' && text.data[i] <= 'f')) {
            return 0;
        }
        record->writer[i] = (char)text.data[i];
    }
    record->writer[i] = '\0';
    return 1;
}

static int take_reason(char *reason, fraud_str_t text) {
    size_t i;

    if (text.len == 0 || text.len >= STREAM_REASON) {
        return 0;
    }
    for (i = 0; i < text.len; i++) {
        if (text.data[i] != ' ' &&
            !(text.data[i] >= 'a' && text.data[i] <= 'z')) {
            return 0;
        }
        reason[i] = (char)text.data[i];
    }
    reason[i] = '\0';
    return 1;
}

/* What a stranger put there is told of, and belongs to no writer. */
static void refuse(stream_t *stream, size_t i) {
    intake_record_t *record = &stream->batch.record[i];

    record->writer[0] = '\0';
    record->seq = INTAKE_NO_SEQ;
    record->bad = GARBAGE;
    (void)snprintf(stream->batch.from[i], STREAM_FROM, "%s %s",
                   stream->batch.key[i], stream->batch.id[i]);
    record->from = stream->batch.from[i];
    stream->count.garbage++;
    say(SAY_ALARM, "not ours in the stream",
        SAY(SAY_T("entry", stream->batch.id[i])));
}

/* Return 0 unless the fields are those of a record. */
static int take_fields(stream_batch_t *batch, size_t i,
                       const fraud_reply_t *fields) {
    intake_record_t *record = &batch->record[i];
    fraud_reply_t name, value;
    int has_seq = 0, has_event = 0;
    size_t k;

    for (k = 0; k + 1 < fields->n; k += 2) {
        fraud_resp_element(fields, k, &name);
        fraud_resp_element(fields, k + 1, &value);
        if (is_field(&name, 'w')) {
            if (!take_writer(record, value.str)) {
                return 0;
            }
        } else if (is_field(&name, 's')) {
            has_seq = fraud_str_uint(&record->seq, (const char *)value.str.data,
                                     value.str.len, INT64_MAX) == FRAUD_OK;
        } else if (is_field(&name, 'b')) {
            if (!take_reason(batch->reason[i], value.str)) {
                return 0;
            }
            record->bad = batch->reason[i];
        } else if (is_field(&name, 'e') &&
                   value.str.len <= FRAUD_SPOOL_MAX_EVENT) {
            memcpy(batch->event[i], value.str.data, value.str.len);
            record->event.len = value.str.len;
            has_event = 1;
        }
    }
    return record->writer[0] != '\0' && has_seq &&
           (has_event || record->bad != NULL);
}

void stream_entry(stream_t *stream, const char *key,
                  const fraud_reply_t *entry) {
    stream_batch_t *batch = &stream->batch;
    fraud_reply_t id, fields;
    size_t i = batch->n;

    fraud_resp_element(entry, 0, &id);
    fraud_resp_element(entry, 1, &fields);
    if (id.type != FRAUD_REPLY_STRING || id.str.len >= STREAM_ID) {
        return;
    }
    memset(&batch->record[i], 0, sizeof(batch->record[i]));
    batch->record[i].event.data = batch->event[i];
    (void)snprintf(batch->id[i], STREAM_ID, "%.*s", (int)id.str.len,
                   (const char *)id.str.data);
    (void)snprintf(batch->key[i], STREAM_KEY, "%s", key);
    batch->n++;
    stream->count.taken++;
    if (fields.type != FRAUD_REPLY_ARRAY || !take_fields(batch, i, &fields)) {
        refuse(stream, i);
    }
}
