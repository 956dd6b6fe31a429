/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Any line, with any memory for what may be told of it: it fits, ends with the
 * one linefeed, and has nothing in it that a line may not have. Each '~' of
 * the input stands for a person: not a part of one comes out.
 */

#include "fraud_redact.h"
#include "fuzz.h"

static const char head[] = "2026/11/22 10:00:00 [error] 12#12: *5 ";
static const char *const people[] = {"annaK@site.example", "203.0.113.77",
                                     "2001:db8::17:4242", "4111111111111111"};
static const char *const parts[] = {"anna",  "K@",    "site.", "example", "203",
                                    "113.7", "2001:", "4242",  "41111"};

static size_t populate(char *line, const input_t *in) {
    const char *person;
    size_t i, n = 0;

    for (i = 0; i < in->len; i++) {
        if (in->p[i] != '~') {
            line[n++] = (char)in->p[i];
            continue;
        }
        person = people[i % (sizeof(people) / sizeof(people[0]))];
        memcpy(line + n, person, strlen(person));
        n += strlen(person);
    }
    return n;
}

/* Digits of the input may be an address, but these are only a person's. */
static void claim_nobody(const char *out, const input_t *in) {
    size_t i;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        CLAIM(memmem(in->p, in->len, parts[i], strlen(parts[i])) != NULL ||
              strstr(out, parts[i]) == NULL);
    }
}

static void claim_plain(const char *out, size_t len) {
    size_t i, digits = 0;

    CLAIM(len > 0 && out[len - 1] == '\n');
    for (i = 0; i + 1 < len; i++) {
        CLAIM(out[i] >= ' ' && out[i] <= '~');
        CLAIM(out[i] != '@' && out[i] != '%' && out[i] != '$');
        digits = out[i] >= '0' && out[i] <= '9' ? digits + 1 : 0;
        CLAIM(digits <= 12);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const fraud_str_t address = {(const uint8_t *)"192.0.2.1", 9},
                             client = {(const uint8_t *)"pid", 3};
    input_t in = {data, size};
    uint8_t flags = cut_u8(&in);
    size_t cut = cut_u32(&in) % (FRAUD_REDACT_MAX + 1), before, n;
    size_t room = (flags & 4) != 0 ? cut : FRAUD_REDACT_MAX;
    char *line = malloc(sizeof(head) + 32 * in.len), *out = malloc(room + 1);
    fraud_redact_who_t who;

    CLAIM(line != NULL && out != NULL);
    before = (flags & 1) != 0 ? sizeof(head) - 1 : 0;
    memcpy(line, head, before);
    memset(&who, 0, sizeof(who));
    who.address = address;
    who.client = client;

    n = fraud_redact_line(out, room, line, before + populate(line + before, &in),
                          NULL, (flags & 2) != 0 ? &who : NULL);
    CLAIM(n <= room && (room == 0) == (n == 0));
    out[n] = '\0';

    /* lines of ours have no connection */
    if (before != 0) {
        claim_nobody(out, &in);
        if (room >= 64) {
            claim_plain(out, n);
        }
    }
    free(line);
    free(out);
    return 0;
}
