/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Secrets, and headers of webhooks: what is signed is verified, and nothing
 * that a stranger sends is.
 */

#include "fraud_hook.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = copy(data, size), signature[FRAUD_HOOK_SIGNATURE];
    fraud_str_t all = {(uint8_t *)text, size}, mine;
    fraud_str_t id = {(const uint8_t *)"id", 2};
    fraud_str_t stamp = {(const uint8_t *)"17", 2};
    fraud_hook_secret_t secret;

    if (fraud_hook_secret(&secret, all) == FRAUD_OK) {
        CLAIM(secret.len >= 24 && secret.len <= FRAUD_HOOK_SECRET_MAX);
    } else {
        CLAIM(secret.len == 0);
        memset(secret.bytes, 7, 32);
        secret.len = 32;
    }
    CLAIM(fraud_hook_verify(&secret, 1, id, stamp, all, all, 17) != FRAUD_OK);
    CLAIM(fraud_hook_sign(signature, &secret, id, 17, all) == FRAUD_OK);
    mine.data = (uint8_t *)signature;
    mine.len = sizeof(signature);
    CLAIM(fraud_hook_verify(&secret, 1, id, stamp, mine, all, 17) == FRAUD_OK);
    CLAIM(fraud_hook_verify(&secret, 1, id, stamp, mine, all, 318) != FRAUD_OK);
    (void)fraud_hook_verify(&secret, 1, all, all, all, id, 17);
    free(text);
    return 0;
}
