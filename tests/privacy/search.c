/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * search [--from ADDRESS] [--count N] [--step N] [--hash] [--domain NAME]...
 *        ARTEFACT...
 *
 * What an attacker does who has all that was left behind, secrets too if there
 * are any: tries each IPv4 address, makes of it what the module would have
 * made, and looks for that in every byte. All of 2^32 by default.
 *
 * Secrets are the lines "DOMAIN SECRET" of any artefact, and the secret of
 * sixteen zeroes in each --domain. With --hash, plain SHA-256 of an address,
 * as text and as bytes, is looked for as well. Each hit is a line, the last
 * line says how many there were. Exit status: 0, or 2 if it could not search.
 */

#include "fraud_ip.h"
#include "fraud_keys.h"
#include "fraud_pid.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_BYTES (64u << 20) /* of all artefacts */
#define MAX_SECRETS 256
#define FILTER_BITS 26
#define SPACE (UINT64_C(1) << 32)

typedef struct {
    char domain[FRAUD_PID_DOMAIN_MAX + 1];
    fraud_pid_key_t key;
} secret_t;

static uint8_t *bytes; /* of all artefacts, zeroes between them */
static size_t nbytes;
static uint8_t (*known)[FRAUD_PID_LEN]; /* sorted */
static size_t nknown;
static uint64_t *filter;
static secret_t secrets[MAX_SECRETS];
static size_t nsecrets;

static void die(const char *what, const char *more) {
    (void)fprintf(stderr, "search: %s%s\n", what, more);
    exit(2);
}

static void add_secret(const char *domain, size_t len, const char *hex) {
    secret_t *secret = &secrets[nsecrets];
    unsigned byte;
    size_t i;

    if (nsecrets == MAX_SECRETS || len > FRAUD_PID_DOMAIN_MAX) {
        die("too many secrets, or too long a domain", "");
    }
    nsecrets++;
    memcpy(secret->domain, domain, len);
    for (i = 0; hex != NULL && i < sizeof(secret->key.bytes); i++) {
        (void)sscanf(hex + 2 * i, "%2x", &byte);
        secret->key.bytes[i] = (uint8_t)byte;
    }
}

/* "DOMAIN SECRET", in the midst of anything. */
static void find_secrets(const uint8_t *p, const uint8_t *end) {
    const uint8_t *start, *stop;
    size_t n;

    for (stop = p; stop < end; stop++) {
        if (*stop != ' ') {
            continue;
        }
        for (start = stop;
             start > p && fraud_keys_is_domain((const char *)start - 1, 1);
             start--) {
        }
        for (n = 0; stop + 1 + n < end && isxdigit(stop[1 + n]); n++) {
        }
        if (n == 32 && start < stop) {
            add_secret((const char *)start, (size_t)(stop - start),
                       (const char *)stop + 1);
        }
    }
}

static void load(const char *path) {
    FILE *in = fopen(path, "rb");
    size_t n, from = nbytes;

    if (in == NULL) {
        die("cannot read ", path);
    }
    while ((n = fread(bytes + nbytes, 1, MAX_BYTES - nbytes, in)) > 0) {
        nbytes += n;
    }
    if (nbytes == MAX_BYTES || ferror(in)) {
        die("more than 64 MiB, or cannot read ", path);
    }
    (void)fclose(in);
    find_secrets(bytes + from, bytes + nbytes);
    bytes[nbytes++] = 0;
}

static size_t index_of(const uint8_t *p) {
    uint64_t n;

    memcpy(&n, p, sizeof(n));
    return (size_t)(n & ((UINT64_C(1) << FILTER_BITS) - 1));
}

static void add(const uint8_t *p) {
    size_t i = index_of(p);

    memcpy(known[nknown++], p, FRAUD_PID_LEN);
    filter[i / 64] |= UINT64_C(1) << (i % 64);
}

static int compare(const void *a, const void *b) {
    return memcmp(a, b, FRAUD_PID_LEN);
}

/* All that may be a pseudonym: any 16 bytes, any 26 letters, any 32 digits. */
static void collect(void) {
    size_t i, k;
    fraud_pid_t pid;
    unsigned byte;

    known = malloc((2 * nbytes + 1) * sizeof(*known));
    filter = calloc((size_t)1 << (FILTER_BITS - 6), sizeof(*filter));
    if (known == NULL || filter == NULL) {
        die("not enough memory", "");
    }
    for (i = 0; i + FRAUD_PID_LEN <= nbytes; i++) {
        add(bytes + i);
        if (i + FRAUD_PID_TEXT_LEN <= nbytes &&
            fraud_pid_decode(&pid, (const char *)bytes + i,
                             FRAUD_PID_TEXT_LEN) == FRAUD_OK) {
            add(pid.bytes);
        } else if (i + 32 <= nbytes && isxdigit(bytes[i])) {
            for (k = 0; k < 32 && isxdigit(bytes[i + k]); k++) {
            }
            for (; k >= 32 && k < 48; k++) {
                (void)sscanf((const char *)bytes + i + 2 * (k - 32), "%2x",
                             &byte);
                pid.bytes[k - 32] = (uint8_t)byte;
            }
            if (k == 48) {
                add(pid.bytes);
            }
        }
    }
    qsort(known, nknown, sizeof(*known), compare);
}

static int look(const uint8_t *p) {
    size_t i = index_of(p);

    return (filter[i / 64] >> (i % 64) & 1) != 0 &&
           bsearch(p, known, nknown, sizeof(*known), compare) != NULL;
}

static void text_of(char *text, uint32_t address) {
    (void)sprintf(text, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                  address >> 8 & 255, address & 255);
}

/* Return 1, and say so, if something of the address is there. */
static int try_one(uint32_t address, int hash) {
    uint8_t canonical[4] = {(uint8_t)(address >> 24), (uint8_t)(address >> 16),
                            (uint8_t)(address >> 8), (uint8_t)address};
    uint8_t digest[FRAUD_PID_DIGEST_LEN];
    const char *how = NULL;
    fraud_str_t domain;
    fraud_pid_t pid;
    char text[16];
    size_t i;

    for (i = 0; i < nsecrets && how == NULL; i++) {
        domain.data = (const uint8_t *)secrets[i].domain;
        domain.len = strlen(secrets[i].domain);
        fraud_pid_make(&pid, &secrets[i].key, domain, canonical, 4);
        how = look(pid.bytes) ? secrets[i].domain : NULL;
    }
    if (hash && how == NULL) {
        fraud_pid_digest(digest, canonical, 4);
        how = look(digest) ? "SHA-256 of its bytes" : NULL;
        text_of(text, address);
        fraud_pid_digest(digest, text, strlen(text));
        how = how == NULL && look(digest) ? "SHA-256 of its text" : how;
    }
    if (how != NULL) {
        text_of(text, address);
        (void)printf("%s %s\n", text, how);
    }
    return how != NULL;
}

static uint64_t number(const char *text, uint64_t max) {
    char *end;
    unsigned long long n = strtoull(text, &end, 10);

    if (*text == '\0' || *end != '\0' || n == 0 || n > max) {
        die("no such number: ", text);
    }
    return n;
}

int main(int argc, char **argv) {
    uint64_t i, from = 0, count = SPACE, step = 1, found = 0;
    int arg, hash = 0;
    fraud_ip_t ip;
    clock_t begin;

    bytes = malloc(MAX_BYTES);
    if (bytes == NULL) {
        die("not enough memory", "");
    }
    for (arg = 1; arg < argc && strncmp(argv[arg], "--", 2) == 0; arg++) {
        if (strcmp(argv[arg], "--hash") == 0) {
            hash = 1;
        } else if (arg + 1 == argc) {
            die("what follows ", argv[arg]);
        } else if (strcmp(argv[arg], "--count") == 0) {
            count = number(argv[++arg], SPACE);
        } else if (strcmp(argv[arg], "--step") == 0) {
            step = number(argv[++arg], SPACE);
        } else if (strcmp(argv[arg], "--domain") == 0) {
            arg++;
            add_secret(argv[arg], strlen(argv[arg]), NULL);
        } else if (strcmp(argv[arg], "--from") == 0) {
            arg++;
            if (fraud_ip_parse(&ip, argv[arg], strlen(argv[arg])) != FRAUD_OK ||
                fraud_ip_len(&ip) != 4) {
                die("no IPv4 address: ", argv[arg]);
            }
            from = (uint64_t)ip.bytes[0] << 24 | (uint64_t)ip.bytes[1] << 16 |
                   (uint64_t)ip.bytes[2] << 8 | ip.bytes[3];
        } else {
            die("no such option: ", argv[arg]);
        }
    }
    if (arg == argc) {
        die("no artefact", "");
    }
    for (; arg < argc; arg++) {
        load(argv[arg]);
    }
    collect();
    begin = clock();
    for (i = 0; i < count; i++) {
        found += (uint64_t)try_one((uint32_t)(from + i * step), hash);
    }
    (void)printf("%" PRIu64 " addresses, %zu secrets, %zu bytes: %" PRIu64
                 " found in %.0f s\n",
                 count, nsecrets, nbytes, found,
                 (double)(clock() - begin) / CLOCKS_PER_SEC);
    return 0;
}
