/* SPDX-License-Identifier: BSD-2-Clause */

#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "escrow.h"

#include "fail.h"
#include "fraud_pid.h"
#include "fraud_seal.h"
#include "fraud_str.h"
#include "option.h"
#include "vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define CONTEXT "link_seal" /* as the module seals */
#define QUOTA 20u           /* openings a day */
#define ROW 1024
#define LONGEST_OPTION 64 /* any seal is longer, and may begin with - */
#define HEX_LEN ((size_t)(2 * FRAUD_PID_DIGEST_LEN))
#define BEFORE ",\"before\":\""

const char escrow_usage[] =
    "  escrow keygen NAME\n"
    "                   make a pair of keys: NAME.pub for \"fraud_escrow\",\n"
    "                   NAME.key for whoever opens, kept away from the logs\n"
    "  escrow open --case ID --violation confirmed --key NAME.key\n"
    "              [--state DIR] [--quota N] [--now SECONDS] SEAL\n"
    "                   tell whose a line of the log is; each opening is\n"
    "                   written down first, and there are so many a day "
    "(20)\n";

typedef struct {
    const char *key;
    const char *state;
    const char *name;
    const char *violation;
    const char *seal;
    uint64_t quota;
    uint64_t now;
    arena_t arena;
    vault_t vault;
} options_t;

static void write_new(const char *path, const char *line, mode_t mode) {
    size_t len = strlen(line);
    int fd =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

    if (fd == -1) {
        fail("cannot make %s: %s", path, strerror(errno));
    }
    if (write(fd, line, len) != (ssize_t)len || fsync(fd) == -1) {
        fail("cannot write %s: %s", path, strerror(errno));
    }
    (void)close(fd);
}

static int keygen(int argc, char **argv) {
    char line[FRAUD_SEAL_LINE], path[4096];
    fraud_seal_secret_t secret;

    if (argc != 1 || strlen(argv[0]) == 0 ||
        strlen(argv[0]) + sizeof(".pub") > sizeof(path)) {
        fail("name the pair of keys, see fraudctl help");
    }
    if (fraud_seal_keypair(&secret) != FRAUD_OK) {
        fail("the system has no random bytes");
    }
    fraud_seal_print_secret(line, &secret);
    (void)snprintf(path, sizeof(path), "%s.key", argv[0]);
    write_new(path, line, 0600);
    fraud_seal_print_public(line, &secret);
    (void)snprintf(path, sizeof(path), "%s.pub", argv[0]);
    write_new(path, line, 0644);
    fraud_seal_wipe(&secret);
    return 0;
}

static void read_key(fraud_seal_secret_t *secret, const char *path) {
    char line[FRAUD_SEAL_LINE];
    FILE *in = fopen(path, "rb");
    size_t len;

    if (in == NULL) {
        fail("cannot open %s: %s", path, strerror(errno));
    }
    (void)setvbuf(in, NULL, _IONBF, 0); /* no copy stays in a buffer */
    len = fread(line, 1, sizeof(line), in);
    (void)fclose(in);
    if (fraud_seal_read_secret(secret, line, len) != FRAUD_OK) {
        fail("%s is no secret key of a seal, use NAME.key of \"fraudctl "
             "escrow keygen\"",
             path);
    }
    explicit_bzero(line, sizeof(line));
}

static void put_hex(char *text, const uint8_t *digest) {
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < FRAUD_PID_DIGEST_LEN; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
}

/*
 * Follow the chain of rows to its end, whose digest is then ${before}; return
 * how many there are of this day.
 */
static uint64_t follow(FILE *in, const char *path, char *before,
                       const char *day) {
    static const char key[] = "{\"time\":\"";
    uint8_t digest[FRAUD_PID_DIGEST_LEN];
    char row[ROW];
    const char *link;
    uint64_t n = 0;
    size_t len, line = 0;

    memset(before, '0', HEX_LEN);
    while (fgets(row, sizeof(row), in) != NULL) {
        line++;
        len = strlen(row);
        link = strstr(row, BEFORE);
        if (len == 0 || row[len - 1] != '\n' || link == NULL ||
            strncmp(row, key, strlen(key)) != 0 ||
            strncmp(link + strlen(BEFORE), before, HEX_LEN) != 0) {
            fail("%s:%zu: the chain of openings is broken, no seal is opened "
                 "until somebody looked into it",
                 path, line);
        }
        n += strncmp(row + strlen(key), day, 10) == 0;
        fraud_pid_digest(digest, row, len);
        put_hex(before, digest);
    }
    return n;
}

/* Write down the opening; what is on the disk then is all that counts. */
static void note(options_t *o) {
    const char *path = arena_join(o->vault.arena, o->vault.path, "escrow.log");
    char before[HEX_LEN], seal[HEX_LEN], first[64] = "";
    uint8_t data[ROW], digest[FRAUD_PID_DIGEST_LEN];
    fraud_event_t event;
    FILE *log;
    int fd;

    fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1 || flock(fd, LOCK_EX) == -1 ||
        (log = fdopen(fd, "r+")) == NULL) {
        fail("cannot open %s: %s", path, strerror(errno));
    }
    fraud_event_begin(&event, (uint8_t *)first, sizeof(first));
    fraud_event_time(&event, FRAUD_STR("time"), o->now * 1000);
    if (follow(log, path, before, first + strlen("{\"time\":\"")) >= o->quota) {
        fail("there were %llu openings today already, as many as there may be",
             (unsigned long long)o->quota);
    }
    fraud_pid_digest(digest, o->seal, strlen(o->seal));
    put_hex(seal, digest);
    fraud_event_begin(&event, data, sizeof(data));
    fraud_event_time(&event, FRAUD_STR("time"), o->now * 1000);
    fraud_event_str(&event, FRAUD_STR("case"), o->name, strlen(o->name));
    fraud_event_str(&event, FRAUD_STR("violation"), o->violation,
                    strlen(o->violation));
    fraud_event_uint(&event, FRAUD_STR("by"), (uint64_t)getuid());
    fraud_event_str(&event, FRAUD_STR("seal"), seal, sizeof(seal));
    fraud_event_str(&event, FRAUD_STR("before"), before, sizeof(before));
    if (fraud_event_end(&event) != FRAUD_OK || fseek(log, 0, SEEK_END) == -1 ||
        fwrite(event.buf.data, 1, event.buf.len, log) != event.buf.len ||
        fflush(log) == EOF || fsync(fd) == -1) {
        fail("cannot write %s: %s", path, strerror(errno));
    }
    (void)fclose(log);
}

static int open_seal(options_t *o) {
    uint8_t account[FRAUD_SEAL_MAX_DATA];
    fraud_seal_secret_t secret;
    fraud_str_t seal = {(const uint8_t *)o->seal, strlen(o->seal)};
    fraud_rc rc;
    size_t len;

    read_key(&secret, o->key);
    vault_open(&o->vault, &o->arena, o->state, 1);
    note(o);
    rc = fraud_seal_open(account, &len, &secret, FRAUD_STR(CONTEXT), seal);
    fraud_seal_wipe(&secret);
    if (rc != FRAUD_OK) {
        fail("this is no seal of a log, or of another key");
    }
    (void)fwrite(account, 1, len, stdout);
    (void)putchar('\n');
    explicit_bzero(account, sizeof(account));
    return fflush(stdout) == EOF;
}

static void parse(options_t *o, int argc, char **argv) {
    const char *value;
    int i;

    for (i = 0; i < argc; i++) {
        if ((value = option(argc, argv, &i, "--case")) != NULL) {
            o->name = value;
        } else if ((value = option(argc, argv, &i, "--violation")) != NULL) {
            o->violation = value;
        } else if ((value = option(argc, argv, &i, "--key")) != NULL) {
            o->key = value;
        } else if ((value = option(argc, argv, &i, "--state")) != NULL) {
            o->state = value;
        } else if ((value = option(argc, argv, &i, "--quota")) != NULL) {
            o->quota = option_uint("--quota", value);
        } else if ((value = option(argc, argv, &i, "--now")) != NULL) {
            o->now = option_uint("--now", value);
        } else if ((argv[i][0] != '-' || strlen(argv[i]) > LONGEST_OPTION) &&
                   o->seal == NULL) {
            o->seal = argv[i];
        } else {
            fail("unknown option \"%s\", see fraudctl help", argv[i]);
        }
    }
}

/* What the policy asks for is asked before the key is even looked at. */
static void check(const options_t *o) {
    if (o->name == NULL ||
        strspn(o->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_-") != strlen(o->name) ||
        strlen(o->name) == 0 || strlen(o->name) > 64) {
        fail("no seal is opened without a case: add --case ID, of 1 to 64 "
             "letters, digits, \"-\" and \"_\"");
    }
    if (o->violation == NULL || strcmp(o->violation, "confirmed") != 0) {
        fail("no seal is opened before the violation was confirmed without it: "
             "add --violation confirmed");
    }
    if (o->key == NULL) {
        fail("add --key FILE, the secret key of the escrow");
    }
    if (o->seal == NULL) {
        fail("name the seal, what \"link_seal\" says in the line");
    }
}

int escrow(int argc, char **argv) {
    options_t o;
    int status;

    memset(&o, 0, sizeof(o));
    if (argc > 1 && strcmp(argv[1], "keygen") == 0) {
        return keygen(argc - 2, argv + 2);
    }
    if (argc < 2 || strcmp(argv[1], "open") != 0) {
        fail("use escrow keygen or escrow open, see fraudctl help");
    }
    o.quota = QUOTA;
    o.now = option_now();
    parse(&o, argc - 2, argv + 2);
    check(&o);
    status = open_seal(&o);
    arena_free(&o.arena);
    return status;
}
