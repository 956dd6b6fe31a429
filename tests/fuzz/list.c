/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A netset, then addresses to look for: those of the file itself, their
 * neighbours, and any. Against the same lines, one after the other.
 */

#include "fraud_list.h"
#include "fuzz.h"

#define MAX_NETS 256

typedef struct {
    fraud_ip_t ip;
    unsigned bits;
} net_t;

static net_t nets[MAX_NETS];
static size_t n;

static int is_blank(char ch) {
    return ch == ' ' || ch == '\t';
}

/* Return 0 if the line is not well-formed. */
static int read_line(const char *line, size_t len) {
    size_t i;

    if (len > 0 && line[len - 1] == '\r') {
        len--;
    }
    for (i = 0; i < len && line[i] != '#' && line[i] != ';'; i++) {
    }
    len = i;
    while (len > 0 && is_blank(line[len - 1])) {
        len--;
    }
    while (len > 0 && is_blank(line[0])) {
        line++;
        len--;
    }
    if (len == 0) {
        return 1;
    }
    return fraud_ip_parse_network(&nets[n].ip, &nets[n].bits, line, len) ==
               FRAUD_OK &&
           ++n;
}

static int read_all(const char *text, size_t len) {
    size_t i, start = 0;

    n = 0;
    for (i = 0; i <= len; i++) {
        if (i < len && text[i] != '\n') {
            continue;
        }
        if (n == MAX_NETS || !read_line(text + start, i - start)) {
            return 0;
        }
        start = i + 1;
    }
    return n > 0;
}

static int longest(const fraud_ip_t *ip) {
    fraud_ip_t masked;
    int best = -1;
    size_t i;

    for (i = 0; i < n; i++) {
        masked = *ip;
        fraud_ip_mask(&masked, nets[i].bits, nets[i].bits);
        if (nets[i].ip.family == ip->family && (int)nets[i].bits > best &&
            memcmp(masked.bytes, nets[i].ip.bytes, fraud_ip_len(ip)) == 0) {
            best = (int)nets[i].bits;
        }
    }
    return best;
}

static void check(const fraud_list_t *list, const fraud_ip_t *ip) {
    unsigned bits = 0;
    int found = fraud_list_find(list, ip, &bits);

    CLAIM((found ? (int)bits : -1) == longest(ip));
}

static void check_all(const fraud_list_t *list, input_t *in) {
    uint8_t bytes[16];
    fraud_ip_t ip;
    size_t i, k;

    for (i = 0; i < n; i++) {
        ip = nets[i].ip;
        check(list, &ip);
        k = cut_u8(in) % (8 * fraud_ip_len(&ip));
        ip.bytes[k / 8] = (uint8_t)(ip.bytes[k / 8] ^ 1 << k % 8);
        check(list, &ip);
    }
    for (i = 0; i < 8; i++) {
        cut(in, bytes, sizeof(bytes));
        CLAIM(fraud_ip_from_bytes(&ip, bytes, i % 2 ? 16 : 4) == FRAUD_OK);
        check(list, &ip);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input_t in = {data, size};
    size_t len = cut_u8(&in) * 8u;
    fraud_list_t *list;
    fraud_err_t err;
    fraud_rc rc;
    char *text;
    int good;

    len = len < in.len ? len : in.len;
    text = copy(in.p, len);
    in.p += len;
    in.len -= len;
    memset(&err, 0, sizeof(err));
    good = read_all(text, len);
    rc = fraud_list_load(&list, NULL, text, len, &err);
    if (rc != FRAUD_OK) {
        CLAIM(rc == FRAUD_EINVAL && (!good || n == MAX_NETS));
        CLAIM(err.why[0] != '\0' && memchr(err.why, '\0', sizeof(err.why)));
    } else if (n < MAX_NETS) {
        CLAIM(good && fraud_list_count(list) <= n &&
              fraud_list_count(list) > 0);
        check_all(list, &in);
    }
    if (rc == FRAUD_OK) {
        fraud_list_free(list);
    }
    free(text);
    return 0;
}
