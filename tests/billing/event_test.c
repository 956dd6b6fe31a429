/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * event_test: what is read, kept, read again; hostile bytes. TAP.
 */

#include "event.h"

#include "fraud_pid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int n, bad;

static void ok(int right, const char *what) {
    n++;
    if (!right) {
        bad = 1;
        (void)printf("not ");
    }
    (void)printf("ok %d - %s\n", n, what);
}

static fraud_str_t slice(const char *text) {
    return (fraud_str_t){(const uint8_t *)text, strlen(text)};
}

static size_t make(uint8_t event[FRAUD_FLAG_MAX_BYTES]) {
    fraud_flag_t flag;
    size_t len;

    memset(&flag, 0, sizeof(flag));
    flag.policy = slice("kirim-email");
    flag.version = 7;
    flag.node = slice("n1");
    flag.writer = slice("0123456789abcdef");
    flag.seq = 4711;
    flag.rule = slice("stuffing");
    flag.family = slice("login");
    flag.rule_version = 4;
    flag.window = 600;
    flag.threshold = 20;
    flag.observed = 137;
    flag.signals[0] = slice("burst");
    flag.signals[1] = slice("spread");
    flag.nsignals = 2;
    flag.epoch = 412;
    flag.seal = slice("QUJD-_");
    flag.damage = FRAUD_DAMAGE_CHARGEBACK;
    flag.metered = 1;
    flag.amount = 1234;
    memcpy(flag.currency, "EUR", 4);
    flag.first_ms = 1795305600001u;
    flag.last_ms = 1795305720999u;
    flag.now_ms = 1795305721000u;
    flag.expiry_ms = 1810857720999u;
    if (fraud_flag_print(event, &len, &flag,
                         "flg_abcdefghijklmnopqrstuvwxyz") != FRAUD_OK) {
        abort();
    }
    return len - 1;
}

static int parse(event_t *event, const void *data, size_t len) {
    char reason[EVENT_REASON];

    return event_parse(event, reason, (fraud_str_t){data, len});
}

/* The same bytes at the end of a page, so that reading past them faults. */
static uint8_t *edge(const uint8_t *data, size_t len) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (len + page - 1) / page * page;
    uint8_t *memory = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE) != 0) {
        abort();
    }
    memcpy(memory + room - len, data, len);
    return memory + room - len;
}

static void test_whole(const uint8_t *data, size_t len) {
    char body[4096], digest[BILLING_HASH_SIZE], other[BILLING_HASH_SIZE];
    event_t event, again;

    ok(parse(&event, edge(data, len), len), "a flag of the producer is read");
    ok(strcmp(event.policy, "kirim-email") == 0 && event.version == 7 &&
           strcmp(event.writer, "0123456789abcdef") == 0 && event.seq == 4711,
       "policy and origin");
    ok(strcmp(event.rule, "stuffing") == 0 &&
           strcmp(event.family, "login") == 0 && event.rule_version == 4 &&
           event.window == 600 && event.threshold == 20 &&
           event.observed == 137 && event.nsignals == 2 &&
           strcmp(event.signals[1], "spread") == 0,
       "rule");
    ok(event.by == FRAUD_BY_ACCOUNT && event.amount == 1234 &&
           strcmp(event.kind, "chargeback") == 0 &&
           strcmp(event.currency, "EUR") == 0,
       "damage");
    ok(event.first == 1795305600001000 && event.last == 1795305720999000 &&
           event.recorded == 1795305721000000,
       "times");
    ok(strcmp(event.seal, "QUJD-_") == 0, "seal");

    ok(event_keep(&event, body, sizeof(body)) &&
           strstr(body, "QUJD-_") == NULL && strstr(body, "seal") == NULL,
       "what is kept has no seal");
    ok(event_parse_kept(&again, body), "and is read again");
    event.seal[0] = '\0';
    event_digest(&event, digest);
    event_digest(&again, other);
    ok(strcmp(digest, other) == 0 && again.observed == 137 &&
           again.first == event.first && again.last == event.last &&
           again.nsignals == 2 && strcmp(again.root, event.root) == 0,
       "to the same");
    memcpy(strstr(body, "\"observed\":137"), "\"observed\":138", 14);
    ok(!event_parse_kept(&again, body), "what was changed is not evidence");
    ok(event_keep(&event, body, sizeof(body)) && event_parse_kept(&again, body),
       "what was not is");
    ok(!event_keep(&event, body, 100), "no room");
    again.amount++;
    event_digest(&again, other);
    ok(strcmp(digest, other) != 0, "another amount is another flag");
}

/* Each byte gone, each byte another: read or not, and never past the end. */
static void test_hostile(const uint8_t *data, size_t len) {
    uint8_t *at = edge(data, len), kept;
    unsigned taken = 0, cut = 0, state = 1;
    event_t event;
    size_t i;

    for (i = 0; i < len; i++) {
        cut += (unsigned)parse(&event, edge(data, i), i);
    }
    ok(cut == 0, "no flag that is cut short is read");
    for (i = 0; i < len; i++) {
        kept = at[i];
        state = state * 1103515245u + 12345u;
        at[i] = (uint8_t)(state >> 16);
        taken += (unsigned)(at[i] != kept && parse(&event, at, len));
        at[i] = kept;
    }
    /* names, amounts, policies and seals have other right values */
    ok(taken < len / 4, "few that have another byte");
    ok(parse(&event, at, len), "and the whole one again");
}

int main(void) {
    uint8_t data[FRAUD_FLAG_MAX_BYTES];
    size_t len = make(data);

    test_whole(data, len);
    test_hostile(data, len);
    (void)printf("1..%d\n", n);
    return bad;
}
