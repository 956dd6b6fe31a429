/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_ip.h"

#include <string.h>

#define V4_LEN 4
#define V6_LEN 16
#define TEXT_MAX 47   /* eight groups, the last two as IPv4, in brackets */
#define PREFIX_LEN 12 /* of both prefixes that hold an IPv4 address */
#define NO_GAP (V6_LEN + 1)

static const uint8_t mapped_prefix[PREFIX_LEN] = {0, 0, 0, 0, 0,    0,
                                                  0, 0, 0, 0, 0xff, 0xff};
static const uint8_t nat64_prefix[PREFIX_LEN] = {0, 0x64, 0xff, 0x9b, 0, 0,
                                                 0, 0,    0,    0,    0, 0};

/* A prefix of at most 16 bits, as numbers. */
typedef struct {
    uint8_t family;
    uint16_t mask;
    uint16_t head;
} short_prefix_t;

static const short_prefix_t private_prefixes[] = {
    {4, 0xff00, 0x7f00}, {4, 0xffff, 0xa9fe}, {4, 0xff00, 0x0a00},
    {4, 0xfff0, 0xac10}, {4, 0xffff, 0xc0a8}, {4, 0xffc0, 0x6440},
    {6, 0xffc0, 0xfe80}, {6, 0xfe00, 0xfc00},
};

static const uint8_t v6_loopback[V6_LEN] = {0, 0, 0, 0, 0, 0, 0, 0,
                                            0, 0, 0, 0, 0, 0, 0, 1};

/* Return the value of a hexadecimal digit, 16 or more for anything else. */
static unsigned digit_value(char c) {
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned)(c - 'A') + 10;
    }
    return 16;
}

/* All of ${text} is one number of one to four digits. */
static fraud_rc parse_number(unsigned *value, unsigned base, const char *text,
                             size_t len) {
    unsigned digit;
    size_t i;

    if (len == 0 || len > 4) {
        return FRAUD_EINVAL;
    }
    *value = 0;
    for (i = 0; i < len; i++) {
        digit = digit_value(text[i]);
        if (digit >= base) {
            return FRAUD_EINVAL;
        }
        *value = *value * base + digit;
    }
    return FRAUD_OK;
}

/* A leading zero may mean octal to the next reader: it is refused. */
static fraud_rc parse_decimal(unsigned *value, unsigned max, const char *text,
                              size_t len) {
    if (len > 1 && text[0] == '0') {
        return FRAUD_EINVAL;
    }
    if (parse_number(value, 10, text, len) != FRAUD_OK || *value > max) {
        return FRAUD_EINVAL;
    }
    return FRAUD_OK;
}

/* Return the first ${c} of ${p} up to ${end}, or ${end}. */
static const char *find_char(const char *p, const char *end, char c) {
    while (p < end && *p != c) {
        p++;
    }
    return p;
}

static fraud_rc parse_v4(uint8_t *bytes, const char *text, size_t len) {
    const char *end = text + len;
    const char *stop;
    unsigned value;
    int i;

    for (i = 0; i < V4_LEN; i++) {
        stop = find_char(text, end, '.');
        if ((stop == end) != (i == V4_LEN - 1) ||
            parse_decimal(&value, 255, text, (size_t)(stop - text)) !=
                FRAUD_OK) {
            return FRAUD_EINVAL;
        }
        bytes[i] = (uint8_t)value;
        text = stop + (stop < end);
    }
    return FRAUD_OK;
}

/* Return how many of the ${room} bytes a group takes, 0 if malformed. */
static size_t parse_group(uint8_t *bytes, size_t room, const char *p,
                          const char *end) {
    size_t len = (size_t)(end - p);
    unsigned value;

    if (find_char(p, end, '.') < end) {
        return room >= V4_LEN && parse_v4(bytes, p, len) == FRAUD_OK ? V4_LEN
                                                                     : 0;
    }
    if (room < 2 || parse_number(&value, 16, p, len) != FRAUD_OK) {
        return 0;
    }
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)(value & 0xff);
    return 2;
}

/* Move what follows "::", at ${gap} of ${n} bytes, to the end. */
static void open_gap(uint8_t *bytes, size_t gap, size_t n) {
    memmove(bytes + V6_LEN - (n - gap), bytes + gap, n - gap);
    memset(bytes + gap, 0, V6_LEN - n);
}

static fraud_rc parse_v6(uint8_t *bytes, const char *text, size_t len) {
    const char *p = text;
    const char *end = text + len;
    const char *stop;
    size_t gap = NO_GAP;
    size_t n = 0;
    size_t taken;

    if (len >= 2 && p[0] == ':' && p[1] == ':') {
        gap = 0;
        p += 2;
    }
    while (p < end) {
        stop = find_char(p, end, ':');
        taken = parse_group(bytes + n, V6_LEN - n, p, stop);
        if (taken == 0 || (taken == V4_LEN && stop < end)) {
            return FRAUD_EINVAL;
        }
        n += taken;
        if (stop == end) {
            break;
        }
        p = stop + 1;
        if (p == end || (*p == ':' && gap != NO_GAP)) {
            return FRAUD_EINVAL;
        }
        if (*p == ':') {
            gap = n;
            p++;
        }
    }
    if ((n == V6_LEN) == (gap != NO_GAP)) {
        return FRAUD_EINVAL;
    }
    if (n < V6_LEN) {
        open_gap(bytes, gap, n);
    }
    return FRAUD_OK;
}

/* Parse either family as it is written; ${*n} is 4 or 16. */
static int may_begin(char ch) {
    return (ch >= '0' && ch <= ':') || (ch >= 'a' && ch <= 'f') ||
           (ch >= 'A' && ch <= 'F') || ch == '[';
}

static fraud_rc parse_bytes(uint8_t *bytes, size_t *n, const char *text,
                            size_t len) {
    /* most of what is no address shows it at once */
    if (len == 0 || len > TEXT_MAX || !may_begin(text[0])) {
        return FRAUD_EINVAL;
    }
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        *n = V6_LEN;
        return parse_v6(bytes, text + 1, len - 2);
    }
    if (find_char(text, text + len, ':') < text + len) {
        *n = V6_LEN;
        return parse_v6(bytes, text, len);
    }
    *n = V4_LEN;
    return parse_v4(bytes, text, len);
}

/* Clear the bits past the first ${bits}; return 1 if one was set. */
static int clear_tail(uint8_t *bytes, size_t len, unsigned bits) {
    unsigned found;
    size_t i = bits / 8;

    if (i >= len) {
        return 0;
    }
    found = bytes[i] & (0xffu >> bits % 8);
    bytes[i] = (uint8_t)(bytes[i] ^ found);
    for (i++; i < len; i++) {
        found |= bytes[i];
        bytes[i] = 0;
    }
    return found != 0;
}

fraud_rc fraud_ip_from_bytes(fraud_ip_t *ip, const uint8_t *bytes, size_t len) {
    if (len == V6_LEN && (memcmp(bytes, mapped_prefix, PREFIX_LEN) == 0 ||
                          memcmp(bytes, nat64_prefix, PREFIX_LEN) == 0)) {
        bytes += PREFIX_LEN;
        len = V4_LEN;
    }
    if (len != V4_LEN && len != V6_LEN) {
        return FRAUD_EINVAL;
    }
    memset(ip, 0, sizeof(*ip));
    ip->family = len == V4_LEN ? 4 : 6;
    memcpy(ip->bytes, bytes, len);
    return FRAUD_OK;
}

fraud_rc fraud_ip_parse(fraud_ip_t *ip, const char *text, size_t len) {
    uint8_t bytes[V6_LEN];
    size_t n;

    if (parse_bytes(bytes, &n, text, len) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    return fraud_ip_from_bytes(ip, bytes, n);
}

fraud_rc fraud_ip_parse_network(fraud_ip_t *ip, unsigned *bits,
                                const char *text, size_t len) {
    const char *end = text + len;
    const char *slash = find_char(text, end, '/');
    uint8_t bytes[V6_LEN];
    unsigned folded, prefix;
    fraud_ip_t address;
    size_t n;

    if (parse_bytes(bytes, &n, text, (size_t)(slash - text)) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    prefix = (unsigned)n * 8;
    if (slash < end && parse_decimal(&prefix, prefix, slash + 1,
                                     (size_t)(end - slash - 1)) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    if (clear_tail(bytes, n, prefix) ||
        fraud_ip_from_bytes(&address, bytes, n) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    folded = (unsigned)(n - fraud_ip_len(&address)) * 8;
    if (prefix < folded) {
        return FRAUD_EINVAL;
    }
    *ip = address;
    *bits = prefix - folded;
    return FRAUD_OK;
}

void fraud_ip_mask(fraud_ip_t *ip, unsigned v4_bits, unsigned v6_bits) {
    unsigned bits = ip->family == 4 ? v4_bits : v6_bits;

    (void)clear_tail(ip->bytes, fraud_ip_len(ip), bits);
}

size_t fraud_ip_len(const fraud_ip_t *ip) {
    return ip->family == 4 ? V4_LEN : V6_LEN;
}

int fraud_ip_is_private(const fraud_ip_t *ip) {
    unsigned head = (unsigned)ip->bytes[0] << 8 | ip->bytes[1];
    size_t i;

    for (i = 0; i < sizeof(private_prefixes) / sizeof(private_prefixes[0]);
         i++) {
        if (private_prefixes[i].family == ip->family &&
            (head & private_prefixes[i].mask) == private_prefixes[i].head) {
            return 1;
        }
    }
    return ip->family == 6 && memcmp(ip->bytes, v6_loopback, V6_LEN) == 0;
}
