/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * unseal KEYFILE CONTEXT SEAL: what billing sees in a seal, for tests.
 */

#include "fraud_seal.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    char line[FRAUD_SEAL_LINE];
    uint8_t data[FRAUD_SEAL_MAX_DATA];
    fraud_seal_secret_t key;
    fraud_str_t context, seal;
    size_t len;
    FILE *in;

    if (argc != 4 || (in = fopen(argv[1], "rb")) == NULL) {
        return 2;
    }
    len = fread(line, 1, sizeof(line), in);
    (void)fclose(in);
    if (fraud_seal_read_secret(&key, line, len) != FRAUD_OK) {
        return 2;
    }
    context.data = (const uint8_t *)argv[2];
    context.len = strlen(argv[2]);
    seal.data = (const uint8_t *)argv[3];
    seal.len = strlen(argv[3]);
    if (fraud_seal_open(data, &len, &key, context, seal) != FRAUD_OK) {
        return 1;
    }
    (void)fwrite(data, 1, len, stdout);
    return 0;
}
