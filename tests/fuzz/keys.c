/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Files of secrets: what is accepted is written again to the same bytes, and
 * no error quotes what it is about. As few inputs begin well, half of the runs
 * give the first line.
 */

#include "fraud_keys.h"
#include "fuzz.h"

static void check_good(const fraud_keys_t *keys, const char *text, size_t len) {
    uint8_t *again = malloc(len + 1);
    const char *at = keys->lines;
    fraud_pid_key_t key, found;
    fraud_str_t domain;
    fraud_buf_t buf;
    size_t n = 0;

    CLAIM(again != NULL);
    CLAIM(keys->length > 0 && keys->length <= FRAUD_KEYS_MAX_LENGTH);
    CLAIM(keys->epoch <= FRAUD_KEYS_MAX_EPOCH && keys->n <= FRAUD_KEYS_MAX);
    fraud_buf_init(&buf, again, len + 1);
    fraud_keys_begin(&buf, keys->epoch, keys->length, keys->n);
    while (fraud_keys_next(keys, &at, &domain, &key)) {
        CLAIM(fraud_keys_is_domain((const char *)domain.data, domain.len));
        CLAIM(fraud_keys_find(keys, domain, &found) == FRAUD_OK);
        CLAIM(memcmp(&key, &found, sizeof(key)) == 0);
        fraud_keys_add(&buf, domain, &key);
        n++;
    }
    CLAIM(n == keys->n && !buf.full && buf.len == len);
    CLAIM(memcmp(again, text, len) == 0);
    free(again);
}

static void check(const void *data, size_t len) {
    char *text = copy(data, len);
    fraud_err_t err = {0, 0, ""};
    fraud_keys_t keys;
    size_t i;

    if (fraud_keys_parse(&keys, text, len, &err) == FRAUD_OK) {
        check_good(&keys, text, len);
    } else {
        CLAIM(err.line > 0 && err.why[0] != '\0');
        for (i = 0; err.why[i] != '\0'; i++) {
            CLAIM(err.why[i] >= ' ' && err.why[i] < 0x7f);
        }
    }
    free(text);
}

static void check_name(const void *data, size_t len) {
    char *text = malloc(len + 1), name[FRAUD_KEYS_NAME_SIZE];
    uint64_t epoch;

    CLAIM(text != NULL);
    if (len != 0) {
        memcpy(text, data, len);
    }
    text[len] = '\0';
    if (fraud_keys_parse_name(&epoch, text) == FRAUD_OK) {
        fraud_keys_name(name, epoch);
        CLAIM(strcmp(name, text) == 0);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    uint8_t n = cut_u8(&in);
    char text[2048];
    size_t len;

    check(in.p, in.len);
    check_name(in.p, in.len);
    if (in.len < sizeof(text) - 64) {
        len = (size_t)snprintf(text, sizeof(text), "fraud-keys 1 7 60 %u\n", n);
        if (in.len != 0) {
            memcpy(text + len, in.p, in.len);
        }
        check(text, len + in.len);
    }
    return 0;
}
