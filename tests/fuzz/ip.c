/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Addresses against inet_pton(), which knows the same two notations, and
 * through inet_ntop() back.
 */

#include "fraud_ip.h"
#include "fuzz.h"

#include <arpa/inet.h>

static void check_canonical(const fraud_ip_t *ip) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    char text[INET6_ADDRSTRLEN];
    fraud_ip_t again;
    size_t len = fraud_ip_len(ip);

    CLAIM((ip->family == 4 && len == 4) || (ip->family == 6 && len == 16));
    CLAIM(ip->family == 4 || (memcmp(ip->bytes, mapped, 12) != 0 &&
                              memcmp(ip->bytes, nat64, 12) != 0));
    CLAIM(fraud_ip_from_bytes(&again, ip->bytes, len) == FRAUD_OK);
    CLAIM(again.family == ip->family &&
          memcmp(again.bytes, ip->bytes, len) == 0);
    CLAIM(inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->bytes, text,
                    sizeof(text)) != NULL);
    CLAIM(fraud_ip_parse(&again, text, strlen(text)) == FRAUD_OK);
    CLAIM(again.family == ip->family &&
          memcmp(again.bytes, ip->bytes, len) == 0);
    CLAIM(fraud_ip_is_private(ip) == fraud_ip_is_private(&again));
}

static void check_parse(const char *text, size_t len, int parsed,
                        const fraud_ip_t *ip) {
    char string[128];
    uint8_t bytes[16];
    fraud_ip_t expect;

    if (len >= sizeof(string) || memchr(text, '\0', len) != NULL ||
        memchr(text, '[', len) != NULL) {
        return;
    }
    memcpy(string, text, len);
    string[len] = '\0';
    if (inet_pton(AF_INET, string, bytes) == 1) {
        CLAIM(fraud_ip_from_bytes(&expect, bytes, 4) == FRAUD_OK);
    } else if (inet_pton(AF_INET6, string, bytes) == 1) {
        CLAIM(fraud_ip_from_bytes(&expect, bytes, 16) == FRAUD_OK);
    } else {
        CLAIM(!parsed);
        return;
    }
    CLAIM(parsed);
    CLAIM(ip->family == expect.family);
    CLAIM(memcmp(ip->bytes, expect.bytes, fraud_ip_len(ip)) == 0);
}

static void check_network(const char *text, size_t len) {
    fraud_ip_t ip, masked;
    unsigned bits;

    if (fraud_ip_parse_network(&ip, &bits, text, len) != FRAUD_OK) {
        return;
    }
    check_canonical(&ip);
    CLAIM(bits <= 8 * fraud_ip_len(&ip));
    masked = ip;
    fraud_ip_mask(&masked, bits, bits);
    CLAIM(memcmp(masked.bytes, ip.bytes, fraud_ip_len(&ip)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = copy(data, size);
    fraud_ip_t ip;
    int parsed = fraud_ip_parse(&ip, text, size) == FRAUD_OK;

    if (parsed) {
        check_canonical(&ip);
    }
    check_parse(text, size, parsed, &ip);
    check_network(text, size);
    if (fraud_ip_from_bytes(&ip, (uint8_t *)text, size) == FRAUD_OK) {
        CLAIM(size == 4 || size == 16);
        check_canonical(&ip);
        fraud_ip_mask(&ip, data[0], data[1]);
    }
    free(text);
    return 0;
}
