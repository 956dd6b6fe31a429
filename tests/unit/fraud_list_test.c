/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_list.h"
#include "failmem.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 100000
#define MAX_NETS 300
#define LINE_SIZE 64

typedef struct {
    fraud_ip_t ip;
    unsigned bits;
} net_t;

static uint64_t random_state;

static uint32_t random_below(uint32_t n) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

/* Load from memory of exactly this size. */
static fraud_rc load(fraud_list_t **list, const fraud_mem_t *mem,
                     const char *text, fraud_err_t *err) {
    size_t len = strlen(text);
    char *exact = malloc(len != 0 ? len : 1);
    fraud_rc rc;

    assert_non_null(exact);
    memcpy(exact, text, len);
    memset(err, 0, sizeof(*err));
    rc = fraud_list_load(list, mem, exact, len, err);
    free(exact);
    return rc;
}

/* Return the length of the network found, or -1. */
static int find(const fraud_list_t *list, const fraud_ip_t *ip) {
    unsigned bits = 999;
    int found = fraud_list_find(list, ip, &bits);

    assert_int_equal(fraud_list_find(list, ip, NULL), found);
    return found ? (int)bits : -1;
}

static int find_text(const fraud_list_t *list, const char *text) {
    fraud_ip_t ip;

    assert_int_equal(fraud_ip_parse(&ip, text, strlen(text)), FRAUD_OK);
    return find(list, &ip);
}

static const char nested[] = "10.0.0.0/8\n"
                             "10.1.0.0/16\n"
                             "10.1.2.0/24\n"
                             "10.1.2.3\n"
                             "10.1.2.3/32\n"
                             "192.0.2.128/25\n"
                             "::ffff:198.51.100.0/120\n"
                             "64:ff9b::203.0.113.9\n"
                             "2001:db8::/32\n"
                             "2001:db8:1::/48\n"
                             "2001:db8:1:2::/64\n"
                             "2001:db8:1:2::3";

static void finds_longest(void **state) {
    static const struct {
        const char *ip;
        int bits;
    } cases[] = {
        {"10.255.0.1", 8},
        {"10.1.0.1", 16},
        {"10.1.2.1", 24},
        {"10.1.2.3", 32},
        {"::ffff:10.1.2.3", 32},
        {"64:ff9b::10.1.2.4", 24},
        {"11.0.0.0", -1},
        {"9.255.255.255", -1},
        {"192.0.2.128", 25},
        {"192.0.2.127", -1},
        {"198.51.100.7", 24},
        {"203.0.113.9", 32},
        {"203.0.113.8", -1},
        {"2001:db8:ffff::", 32},
        {"2001:db8:1:ffff::", 48},
        {"2001:db8:1:2::4", 64},
        {"2001:db8:1:2::3", 128},
        {"2001:db9::", -1},
        {"::", -1},
    };
    fraud_list_t *list;
    fraud_err_t err;
    size_t i;

    (void)state;
    assert_int_equal(load(&list, NULL, nested, &err), FRAUD_OK);
    assert_int_equal(fraud_list_count(list), 11);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(find_text(list, cases[i].ip), cases[i].bits);
    }
    fraud_list_free(list);
    fraud_list_free(NULL);
}

static void default_routes(void **state) {
    fraud_list_t *list;
    fraud_err_t err;

    (void)state;
    assert_int_equal(load(&list, NULL, "0.0.0.0/0\n10.0.0.0/8", &err),
                     FRAUD_OK);
    assert_int_equal(find_text(list, "255.255.255.255"), 0);
    assert_int_equal(find_text(list, "10.9.9.9"), 8);
    assert_int_equal(find_text(list, "2001:db8::1"), -1);
    fraud_list_free(list);
    assert_int_equal(load(&list, NULL, "::/0", &err), FRAUD_OK);
    assert_int_equal(find_text(list, "2001:db8::1"), 0);
    assert_int_equal(find_text(list, "10.9.9.9"), -1);
    fraud_list_free(list);
}

static void text_forms(void **state) {
    static const struct {
        const char *text;
        fraud_rc rc;
        size_t n; /* networks, or the line of the error */
        const char *why;
    } cases[] = {
        {"192.0.2.1", FRAUD_OK, 1, ""},
        {"192.0.2.1\r", FRAUD_OK, 1, ""},
        {"\n\r\n \t\n# c\n;c\n \t192.0.2.1 \t\r\n", FRAUD_OK, 1, ""},
        {"192.0.2.1#c\n192.0.2.2 ; c # c\r\n192.0.2.1", FRAUD_OK, 2, ""},
        {"", FRAUD_EINVAL, 0, "no address or network at all"},
        {"\n# c\n", FRAUD_EINVAL, 2, "no address or network at all"},
        {"192.0.2.1\nx", FRAUD_EINVAL, 2, "not an address or network"},
        {"192.0.2.1\r\r", FRAUD_EINVAL, 1, "not an address or network"},
        {"192.0.2/24", FRAUD_EINVAL, 1, "not an address or network"},
        {"/", FRAUD_EINVAL, 1, "not an address or network"},
        {"192.0.2.1/24", FRAUD_EINVAL, 1, "bits set outside the prefix"},
        {"#\n2001:db8::1/64\n", FRAUD_EINVAL, 2, "bits set outside the prefix"},
        {"::ffff:192.0.2.1/120", FRAUD_EINVAL, 1,
         "bits set outside the prefix"},
        {"192.0.2.0/", FRAUD_EINVAL, 1, "not a prefix length for this address"},
        {"192.0.2.0/33", FRAUD_EINVAL, 1,
         "not a prefix length for this address"},
        {"192.0.2.0/024", FRAUD_EINVAL, 1,
         "not a prefix length for this address"},
        {"2001:db8::/129", FRAUD_EINVAL, 1,
         "not a prefix length for this address"},
        {"::ffff:0.0.0.0/95", FRAUD_EINVAL, 1,
         "not a prefix length for this address"},
    };
    fraud_list_t *list;
    fraud_err_t err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(load(&list, NULL, cases[i].text, &err), cases[i].rc);
        assert_string_equal(err.why, cases[i].why);
        if (cases[i].rc == FRAUD_OK) {
            assert_int_equal(fraud_list_count(list), cases[i].n);
            fraud_list_free(list);
        } else {
            assert_int_equal(err.line, cases[i].n);
        }
    }
}

/* One in four starts like a network already there, so that many nest. */
static void random_net(net_t *nets, size_t i, int family) {
    unsigned max = family == 4 ? 32 : 128;
    fraud_ip_t *ip = &nets[i].ip;
    size_t k;

    memset(ip, 0, sizeof(*ip));
    ip->family = (uint8_t)family;
    for (k = 0; k < max / 8; k++) {
        /* Few values: prefixes shall coincide. Never mapped or NAT64. */
        ip->bytes[k] = (uint8_t)(0x20 + random_below(k < 2 ? 3 : 200));
    }
    if (i != 0 && random_below(4) != 0) {
        *ip = nets[random_below((uint32_t)i)].ip;
        k = random_below(max);
        ip->bytes[k / 8] = (uint8_t)(ip->bytes[k / 8] ^ 0x80u >> k % 8);
        if (ip->bytes[0] == 0) {
            ip->bytes[0] = 0x20;
        }
    }
    nets[i].bits = random_below(3) == 0 ? max : random_below(max + 1);
    if (nets[i].bits == 0 && random_below(4) != 0) {
        nets[i].bits = max;
    }
    fraud_ip_mask(ip, nets[i].bits, nets[i].bits);
}

static size_t print_net(char *to, const net_t *net) {
    const uint8_t *p = net->ip.bytes;
    size_t n = 0;
    size_t k;

    if (net->ip.family == 4) {
        n = (size_t)snprintf(to, LINE_SIZE, "%u.%u.%u.%u", p[0], p[1], p[2],
                             p[3]);
    }
    for (k = 0; net->ip.family == 6 && k < 16; k += 2) {
        n += (size_t)snprintf(to + n, LINE_SIZE - n, "%s%x", k ? ":" : "",
                              p[k] * 256u + p[k + 1]);
    }
    return n + (size_t)snprintf(to + n, LINE_SIZE - n, "/%u\n", net->bits);
}

/* The reference: ask every network. */
static int find_naive(const net_t *nets, size_t n, const fraud_ip_t *ip) {
    fraud_ip_t cut;
    int best = -1;
    size_t i;

    for (i = 0; i < n; i++) {
        cut = *ip;
        fraud_ip_mask(&cut, nets[i].bits, nets[i].bits);
        if (memcmp(&cut, &nets[i].ip, sizeof(cut)) == 0 &&
            (int)nets[i].bits > best) {
            best = (int)nets[i].bits;
        }
    }
    return best;
}

static size_t count_naive(const net_t *nets, size_t n) {
    size_t count = 0;
    size_t i, k;

    for (i = 0; i < n; i++) {
        for (k = 0; k < i; k++) {
            if (nets[i].bits == nets[k].bits &&
                memcmp(&nets[i].ip, &nets[k].ip, sizeof(nets[i].ip)) == 0) {
                break;
            }
        }
        count += k == i;
    }
    return count;
}

/* An address near a network: inside, or one bit away from that. */
static void random_ip(fraud_ip_t *ip, const net_t *net) {
    unsigned max = net->ip.family == 4 ? 32 : 128;
    unsigned k;

    *ip = net->ip;
    for (k = net->bits; k < max; k++) {
        if (random_below(2) != 0) {
            ip->bytes[k / 8] = (uint8_t)(ip->bytes[k / 8] | 0x80u >> k % 8);
        }
    }
    if (random_below(2) != 0) {
        k = random_below(max);
        ip->bytes[k / 8] = (uint8_t)(ip->bytes[k / 8] ^ 0x80u >> k % 8);
    }
}

static void agrees_with_reference(void **state) {
    static char text[MAX_NETS * LINE_SIZE];
    static net_t nets[MAX_NETS];
    fraud_list_t *list;
    fraud_err_t err;
    fraud_ip_t ip;
    size_t n, i, len;
    int round;

    (void)state;
    random_state = 1;
    for (round = 0; round < 400; round++) {
        n = 1 + random_below(round % 8 != 0 ? 30 : MAX_NETS);
        len = 0;
        for (i = 0; i < n; i++) {
            random_net(nets, i, round % 2 != 0 ? 4 : 6);
            len += print_net(text + len, &nets[i]);
        }
        assert_int_equal(load(&list, NULL, text, &err), FRAUD_OK);
        assert_int_equal(fraud_list_count(list), count_naive(nets, n));
        for (i = 0; i < 300; i++) {
            random_ip(&ip, &nets[random_below((uint32_t)n)]);
            assert_int_equal(find(list, &ip), find_naive(nets, n, &ip));
        }
        fraud_list_free(list);
    }
}

static void survives_lack_of_memory(void **state) {
    fraud_list_t *list;
    failmem_t fail;
    fraud_err_t err;
    fraud_rc rc;
    size_t n;

    (void)state;
    for (n = 1;; n++) {
        failmem_init(&fail, n);
        rc = load(&list, &fail.mem, nested, &err);
        if (!fail.failed) {
            break;
        }
        assert_int_equal(rc, FRAUD_ENOMEM);
        assert_int_equal(fail.live, 0);
    }
    assert_int_equal(rc, FRAUD_OK);
    assert_true(n > 6);
    fraud_list_free(list);
    assert_int_equal(fail.live, 0);
    failmem_init(&fail, 0);
    assert_int_equal(load(&list, &fail.mem, "10.0.0.0\nx", &err), FRAUD_EINVAL);
    assert_int_equal(fail.live, 0);
}

/* Load MANY random networks of min to max bits; return bytes per network. */
static double load_many(int family, unsigned min, unsigned max) {
    char *text = malloc((size_t)MANY * LINE_SIZE);
    fraud_list_t *list;
    fraud_err_t err;
    double bytes;
    size_t len = 0;
    size_t i, k;
    net_t net;

    assert_non_null(text);
    memset(&net, 0, sizeof(net));
    for (i = 0; i < MANY; i++) {
        net.ip.family = (uint8_t)family;
        for (k = 0; k < (family == 4 ? 4 : 16); k++) {
            net.ip.bytes[k] = (uint8_t)(1 + random_below(255));
        }
        net.bits = min + random_below(max - min + 1);
        fraud_ip_mask(&net.ip, net.bits, net.bits);
        len += print_net(text + len, &net);
    }
    assert_int_equal(fraud_list_load(&list, NULL, text, len, &err), FRAUD_OK);
    assert_in_range(fraud_list_count(list), MANY / 2, MANY);
    assert_int_equal(find(list, &net.ip) >= (int)net.bits, 1);
    bytes = (double)fraud_list_bytes(list) / (double)fraud_list_count(list);
    fraud_list_free(list);
    free(text);
    return bytes;
}

static void many_are_small(void **state) {
    (void)state;
    random_state = 2;
    assert_true(load_many(4, 32, 32) < 16);
    assert_true(load_many(4, 8, 32) < 40);
    assert_true(load_many(6, 32, 128) < 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_longest),
        cmocka_unit_test(default_routes),
        cmocka_unit_test(text_forms),
        cmocka_unit_test(agrees_with_reference),
        cmocka_unit_test(survives_lack_of_memory),
        cmocka_unit_test(many_are_small),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
