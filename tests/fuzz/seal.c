/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Seals and key files of others: what opens was sealed for it, and a key that
 * is accepted is written again to the same bytes. A seal that was changed in
 * one place does not open, nor does one in another context.
 */

#include "fraud_seal.h"
#include "fuzz.h"

static void check_keys(const uint8_t *data, size_t len) {
    char *text = copy(data, len), line[FRAUD_SEAL_LINE];
    fraud_seal_secret_t secret;
    fraud_seal_public_t open;

    if (fraud_seal_read_secret(&secret, text, len) == FRAUD_OK) {
        fraud_seal_print_secret(line, &secret);
        CLAIM(strlen(line) == len && memcmp(line, text, len) == 0);
    }
    if (fraud_seal_read_public(&open, text, len) == FRAUD_OK) {
        memcpy(secret.open, open.bytes, sizeof(secret.open));
        fraud_seal_print_public(line, &secret);
        CLAIM(strlen(line) == len && memcmp(line, text, len) == 0);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static fraud_seal_secret_t secret;
    static fraud_seal_public_t open;
    static int ready;
    input_t in = {data, size};
    size_t at = cut_u32(&in), len, n;
    uint8_t bits = cut_u8(&in), *back;
    fraud_str_t context = {in.p, in.len < 16 ? in.len : 16};
    fraud_str_t plain = {in.p, in.len};
    char *text;

    if (!ready) {
        CLAIM(fraud_seal_keypair(&secret) == FRAUD_OK);
        memcpy(open.bytes, secret.open, sizeof(open.bytes));
        ready = 1;
    }
    check_keys(in.p, in.len);
    back = malloc(FRAUD_SEAL_MAX_DATA);
    CLAIM(back != NULL);
    CLAIM(fraud_seal_open(back, &n, &secret, context, plain) == FRAUD_EINVAL);

    text = malloc(FRAUD_SEAL_TEXT_LEN(in.len));
    CLAIM(text != NULL);
    if (fraud_seal_close(text, &len, &open, context, plain) == FRAUD_OK) {
        fraud_str_t seal = {(const uint8_t *)text, len};

        CLAIM(in.len > 0 && in.len <= FRAUD_SEAL_MAX_DATA);
        CLAIM(len <= FRAUD_SEAL_TEXT_LEN(in.len));
        CLAIM(fraud_seal_open(back, &n, &secret, context, seal) == FRAUD_OK);
        CLAIM(n == in.len && memcmp(back, in.p, n) == 0);
        context.len--;
        CLAIM(fraud_seal_open(back, &n, &secret, context, seal) ==
              FRAUD_EINVAL);
        context.len++;
        if (bits != 0) {
            text[at % len] = (char)(text[at % len] ^ bits);
            CLAIM(fraud_seal_open(back, &n, &secret, context, seal) ==
                  FRAUD_EINVAL);
        }
    } else {
        CLAIM(in.len == 0 || in.len > FRAUD_SEAL_MAX_DATA);
    }
    free(text);
    free(back);
    return 0;
}
