/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Numbers against the same sum in 128 bits, names and rates against a plain
 * reading of their rules.
 */

#include "fraud_str.h"
#include "fuzz.h"

__extension__ typedef unsigned __int128 wide_t;

#define TOO_MUCH ((wide_t)1 << 100)

/* Return 0 if the text is no such number; what is too much stays so. */
static int read_fixed(const char *text, size_t len, unsigned digits,
                      wide_t *value) {
    size_t i, point = len;
    unsigned places;

    for (i = 0; i < len; i++) {
        if (text[i] == '.' && point == len) {
            point = i;
        } else if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
    }
    if (point == 0 || (point < len && point + 1 == len)) {
        return 0;
    }
    places = point < len ? (unsigned)(len - point - 1) : 0;
    if (places > digits) {
        return 0;
    }
    *value = 0;
    for (i = 0; i < len + digits - places; i++) {
        if (i == point && i < len) {
            continue;
        }
        *value = *value * 10 + (i < len ? (unsigned)(text[i] - '0') : 0);
        *value = *value < TOO_MUCH ? *value : TOO_MUCH;
    }
    return 1;
}

static void check_number(const char *text, size_t len, unsigned digits,
                         uint64_t max) {
    wide_t expect = 0;
    uint64_t value = 0;
    int good = read_fixed(text, len, digits, &expect);
    fraud_rc rc = fraud_str_fixed(&value, text, len, digits, max);

    if (!good) {
        CLAIM(rc == FRAUD_EINVAL || rc == FRAUD_ELIMIT);
    } else if (expect > max) {
        CLAIM(rc == FRAUD_ELIMIT);
    } else {
        CLAIM(rc == FRAUD_OK && value == expect);
    }
}

static uint64_t common(uint64_t a, uint64_t b) {
    return b == 0 ? a : common(b, a % b);
}

static void check_rate(const char *text, size_t len) {
    static const uint64_t periods[] = {1000000, 60000000, 3600000000u,
                                       86400000000u};
    static const char units[] = "smhd";
    const char *unit = NULL;
    uint64_t period = 0;
    wide_t expect = 0;
    uint32_t n = 0;
    fraud_rc rc = fraud_str_rate(&n, &period, text, len);
    int good;

    good = len > 3 && read_fixed(text, len - 3, 0, &expect) && expect > 0 &&
           expect <= UINT32_MAX && text[len - 3] == 'r' && text[len - 2] == '/';
    if (good) {
        unit = memchr(units, text[len - 1], 4);
    }
    CLAIM((rc == FRAUD_OK) == (unit != NULL));
    CLAIM(rc == FRAUD_OK || rc == FRAUD_EINVAL);
    if (unit == NULL) {
        return;
    }
    if (expect <= 1000000) {
        CLAIM(n == expect && period == periods[unit - units]);
    } else {
        CLAIM(n * (wide_t)periods[unit - units] == expect * period);
        CLAIM(common(n, period) == 1);
    }
}

static void check_name(const char *text, size_t len) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    int good = len > 0 && len <= FRAUD_NAME_MAX;
    size_t i;

    for (i = 0; good && i < len; i++) {
        good = memchr(allowed, text[i], sizeof(allowed) - 1) != NULL;
    }
    CLAIM(fraud_str_is_name(text, len) == good);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    uint8_t flags = cut_u8(&in);
    uint64_t max = cut_u64(&in) >> flags % 64;
    char *text = copy(in.p, in.len);

    check_number(text, in.len, 0, max);
    check_number(text, in.len, flags >> 6 << 1, max);
    check_rate(text, in.len);
    check_name(text, in.len);
    free(text);
    return 0;
}
