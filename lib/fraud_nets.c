/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_nets.h"

#include "fraud_str.h"

#include <stdlib.h>
#include <string.h>

#define MAPPED_BITS 96 /* of the prefixes that hold an IPv4 address */

static fraud_rc fail(fraud_err_t *err, fraud_rc rc, size_t line,
                     const char *why) {
    err->line = line;
    err->at = 0;
    memcpy(err->why, why, strlen(why) + 1);
    return rc;
}

static fraud_rc add(fraud_nets_family_t *family, const fraud_mem_t *mem,
                    const fraud_ip_t *ip, unsigned bits) {
    size_t stride = family->words + 1;
    uint32_t *data;
    size_t size;

    if (family->n == family->size) {
        size = family->size != 0 ? family->size * 2 : 64;
        data =
            fraud_mem_resize(mem, family->data, size, stride * sizeof(*data));
        if (data == NULL) {
            return FRAUD_ENOMEM;
        }
        family->data = data;
        family->size = size;
    }
    data = family->data + family->n * stride;
    fraud_nets_load(data, ip);
    data[family->words] = bits;
    family->n++;
    return FRAUD_OK;
}

static int compare(const uint32_t *a, const uint32_t *b, size_t n) {
    size_t i;

    for (i = 0; i < n; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

static int compare_v4(const void *a, const void *b) {
    return compare(a, b, FRAUD_NETS_V4_WORDS + 1);
}

static int compare_v6(const void *a, const void *b) {
    return compare(a, b, FRAUD_NETS_V6_WORDS + 1);
}

/* Sort and remove duplicates. */
static void sort(fraud_nets_family_t *family) {
    size_t stride = family->words + 1;
    uint32_t *last = family->data;
    const uint32_t *net;
    size_t i;

    if (family->n == 0) {
        return;
    }
    qsort(family->data, family->n, stride * sizeof(*family->data),
          family->words == FRAUD_NETS_V4_WORDS ? compare_v4 : compare_v6);
    for (i = 1; i < family->n; i++) {
        net = family->data + i * stride;
        if (compare(last, net, stride) != 0) {
            last += stride;
            memmove(last, net, stride * sizeof(*net));
        }
    }
    family->n = (size_t)(last - family->data) / stride + 1;
}

/* Say why fraud_ip_parse_network() refused. */
static const char *reason(const char *text, size_t len) {
    const char *slash = memchr(text, '/', len);
    int colon = memchr(text, ':', len) != NULL;
    fraud_ip_t ip, network;
    uint64_t bits, folded;
    unsigned keep;

    if (slash == NULL ||
        fraud_ip_parse(&ip, text, (size_t)(slash - text)) != FRAUD_OK) {
        return "not an address or network";
    }
    folded = colon && ip.family == 4 ? MAPPED_BITS : 0;
    if (fraud_str_uint(&bits, slash + 1, len - (size_t)(slash + 1 - text),
                       colon ? 128 : 32) == FRAUD_OK &&
        bits >= folded) {
        network = ip;
        keep = (unsigned)(bits - folded);
        fraud_ip_mask(&network, keep, keep);
        if (memcmp(network.bytes, ip.bytes, sizeof(ip.bytes)) != 0) {
            return "bits set outside the prefix";
        }
    }
    return "not a prefix length for this address";
}

static fraud_rc add_line(fraud_nets_t *nets, const char *text, size_t len,
                         size_t line, fraud_err_t *err) {
    unsigned bits;
    fraud_ip_t ip;

    if (fraud_ip_parse_network(&ip, &bits, text, len) != FRAUD_OK) {
        return fail(err, FRAUD_EINVAL, line, reason(text, len));
    }
    if (nets->v4.n + nets->v6.n == nets->max) {
        return fail(err, FRAUD_ELIMIT, line, "too many networks");
    }
    return add(ip.family == 4 ? &nets->v4 : &nets->v6, nets->mem, &ip, bits);
}

static int is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* Return what a line has without CR, comment and blanks around. */
static const char *trim(const char *p, size_t *len) {
    const char *stop = p + *len;
    const char *end;

    if (stop > p && stop[-1] == '\r') {
        stop--;
    }
    while (p < stop && is_blank(*p)) {
        p++;
    }
    for (end = p; end < stop && *end != '#' && *end != ';'; end++) {
    }
    while (end > p && is_blank(end[-1])) {
        end--;
    }
    *len = (size_t)(end - p);
    return p;
}

void fraud_nets_init(fraud_nets_t *nets, const fraud_mem_t *mem, size_t max) {
    memset(nets, 0, sizeof(*nets));
    nets->mem = mem;
    nets->max = max;
    nets->v4.words = FRAUD_NETS_V4_WORDS;
    nets->v6.words = FRAUD_NETS_V6_WORDS;
}

fraud_rc fraud_nets_read(fraud_nets_t *nets, const char *text, size_t len,
                         fraud_err_t *err) {
    const char *end = text + len;
    const char *stop, *word;
    size_t line = 0;
    size_t word_len;
    fraud_rc rc;

    for (; text < end; text = stop + 1) {
        line++;
        stop = memchr(text, '\n', (size_t)(end - text));
        if (stop == NULL) {
            stop = end;
        }
        word_len = (size_t)(stop - text);
        word = trim(text, &word_len);
        if (word_len == 0) {
            continue;
        }
        rc = add_line(nets, word, word_len, line, err);
        if (rc != FRAUD_OK) {
            return rc;
        }
    }
    if (nets->v4.n + nets->v6.n == 0) {
        return fail(err, FRAUD_EINVAL, line, "no address or network at all");
    }
    sort(&nets->v4);
    sort(&nets->v6);
    return FRAUD_OK;
}

void fraud_nets_load(uint32_t *words, const fraud_ip_t *ip) {
    size_t n = fraud_ip_len(ip) / 4;
    const uint8_t *p = ip->bytes;
    size_t i;

    for (i = 0; i < n; i++, p += 4) {
        words[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
                   (uint32_t)p[2] << 8 | p[3];
    }
}

void fraud_nets_clear(fraud_nets_t *nets) {
    fraud_mem_free(nets->mem, nets->v6.data);
    fraud_mem_free(nets->mem, nets->v4.data);
}
