/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "ship.h"

#include "clock.h"
#include "fail.h"
#include "fraud_backoff.h"
#include "marks.h"
#include "option.h"
#include "rconn.h"
#include "say.h"
#include "stream.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDLE_MS 100
#define SAVE_MS 1000
#define SWEEP_MS 60000
#define BACKOFF_MS 100u
#define MAX_BACKOFF_MS 5000u
#define PATH_SIZE 4096
#define HOUR_S 3600

const char ship_usage[] =
    "  ship --spool DIR --stream URL [--password FILE] [--ca FILE]\n"
    "          [--progress FILE] [--stream-keep 7d] [--spool-keep 24h]\n"
    "          [--once] [--again]\n"
    "                   send what nginx's workers wrote to DIR on to a Redis\n"
    "                   stream, for \"run\" on another host. --once: until\n"
    "                   all of it is sent. --again: also what was sent "
    "before\n";

typedef struct {
    rconn_to_t to;
    const char *dir;
    const char *progress;
    uint64_t stream_keep; /* seconds */
    uint64_t spool_keep;
    int once, again;
    char path[PATH_SIZE];
    rconn_t *conn;
    spool_t *spool;
    marks_t marks;
    spool_batch_t batch;
    char key[STREAM_KEY]; /* that will expire, as Redis knows */
    uint32_t tries;
    int lost;
    int64_t saved, swept; /* clock_ms() */
    uint64_t sent;
} ship_t;

static volatile sig_atomic_t stopped;

static void stop(int signo) {
    (void)signo;
    stopped = 1;
}

static void pause_ms(uint32_t ms) {
    struct timespec ts;

    ts.tv_sec = (time_t)(ms / 1000);
    ts.tv_nsec = (long)(ms % 1000) * 1000000;
    (void)nanosleep(&ts, NULL);
}

static int where(void *data, const char *writer, char *position) {
    const ship_t *ship = data;
    const char *mark = marks_get(&ship->marks, writer);

    if (mark == NULL) {
        return 0;
    }
    (void)snprintf(position, SPOOL_POSITION, "%s", mark);
    return 1;
}

/* The writers' positions are then where all of it begins. */
static void begin_again(ship_t *ship) {
    ship->marks.n = 0;
    ship->marks.changed = 1;
    spool_again(ship->spool);
}

static int lose(ship_t *ship, const char *why) {
    uint32_t spread = (uint32_t)clock_us() * 2654435761u;

    if (!ship->lost) {
        ship->lost = 1;
        say(SAY_WARN, "redis is lost", SAY(SAY_T("why", why)));
    }
    rconn_close(ship->conn);
    ship->conn = NULL;
    if (!stopped) {
        pause_ms(fraud_backoff_delay(BACKOFF_MS, MAX_BACKOFF_MS, ++ship->tries,
                                     spread));
    }
    return 0;
}

/* Return 0 if it is no run that can be told from others. */
static int take_run(ship_t *ship, const fraud_reply_t *info) {
    static const char name[] = "run_id:";
    char run[MARKS_RUN];
    size_t i, n;

    for (i = 0; i + sizeof(name) - 1 + MARKS_RUN - 1 <= info->str.len; i++) {
        if (memcmp(info->str.data + i, name, sizeof(name) - 1) == 0) {
            break;
        }
    }
    if (i + sizeof(name) - 1 + MARKS_RUN - 1 > info->str.len) {
        return 0;
    }
    for (n = 0; n < MARKS_RUN - 1; n++) {
        char ch = (char)info->str.data[i + sizeof(name) - 1 + n];

        if (!(ch >= '0' && ch <= '9') && !(ch >= 'a' && ch <= 'f')) {
            return 0;
        }
        run[n] = ch;
    }
    run[n] = '\0';
    if (strcmp(run, ship->marks.run) != 0) {
        if (ship->marks.run[0] != '\0') {
            say(SAY_WARN, "redis was started anew: all is shipped again",
                SAY_NOTHING);
            begin_again(ship);
        }
        memcpy(ship->marks.run, run, sizeof(run));
        ship->marks.changed = 1;
    }
    return 1;
}

static int connected(ship_t *ship) {
    fraud_str_t words[] = {rconn_str("INFO"), rconn_str("server")};
    char why[RCONN_WHY];
    fraud_reply_t reply;

    if (ship->conn != NULL) {
        return 1;
    }
    ship->key[0] = '\0';
    ship->conn = rconn_open(&ship->to, why);
    if (ship->conn == NULL) {
        return lose(ship, why);
    }
    if (!rconn_ask(ship->conn, &reply, words, 2)) {
        return lose(ship, rconn_why(ship->conn));
    }
    if (!take_run(ship, &reply)) {
        return lose(ship, "INFO has no run_id");
    }
    if (ship->lost) {
        say(SAY_INFO, "redis is back", SAY_NOTHING);
    }
    ship->lost = 0;
    ship->tries = 0;
    return 1;
}

static int add_record(ship_t *ship, const char *key,
                      const intake_record_t *record) {
    char seq[24];
    fraud_str_t words[11];
    size_t n = 0;

    (void)snprintf(seq, sizeof(seq), "%llu", (unsigned long long)record->seq);
    words[n++] = rconn_str("XADD");
    words[n++] = rconn_str(key);
    words[n++] = rconn_str("*");
    words[n++] = rconn_str("w");
    words[n++] = rconn_str(record->writer);
    words[n++] = rconn_str("s");
    words[n++] = rconn_str(seq);
    words[n++] = rconn_str("e");
    words[n++] = record->event;
    if (record->bad != NULL) {
        words[n++] = rconn_str("b");
        words[n++] = rconn_str(record->bad);
    }
    return rconn_add(ship->conn, words, n);
}

/* An error's first word: Redis quotes nothing in it. */
static int answers(ship_t *ship, size_t n) {
    fraud_reply_t reply;
    char why[32];

    for (; n != 0; n--) {
        if (!rconn_get(ship->conn, &reply, RCONN_TIMEOUT * 1000)) {
            return lose(ship, rconn_why(ship->conn));
        }
        if (reply.type == FRAUD_REPLY_ERROR) {
            (void)snprintf(why, sizeof(why), "%.*s",
                           (int)(reply.str.len < 31 ? reply.str.len : 31),
                           (const char *)reply.str.data);
            why[strcspn(why, " ")] = '\0';
            return lose(ship, why);
        }
    }
    return 1;
}

/* Whatever happens to its readers, the key goes when its time is over. */
static int add_expiry(ship_t *ship, const char *key, int64_t now) {
    int64_t end = now / CLOCK_SECOND / HOUR_S * HOUR_S + HOUR_S +
                  (int64_t)ship->stream_keep;
    char at[24];
    fraud_str_t words[3];

    (void)snprintf(at, sizeof(at), "%lld", (long long)end);
    words[0] = rconn_str("EXPIREAT");
    words[1] = rconn_str(key);
    words[2] = rconn_str(at);
    return rconn_add(ship->conn, words, 3);
}

static int send_batch(ship_t *ship) {
    int64_t now = clock_us();
    char key[STREAM_KEY];
    size_t i, n = ship->batch.n;
    int fresh;

    stream_key(key, now);
    fresh = strcmp(key, ship->key) != 0;
    for (i = 0; i < n; i++) {
        if (!add_record(ship, key, &ship->batch.record[i])) {
            return lose(ship, rconn_why(ship->conn));
        }
    }
    if (fresh && !add_expiry(ship, key, now)) {
        return lose(ship, rconn_why(ship->conn));
    }
    failpoint("ship-read");
    if (!answers(ship, n + (size_t)fresh)) {
        return 0;
    }
    failpoint("ship-sent");
    memcpy(ship->key, key, sizeof(key));
    spool_done(ship->spool, &ship->batch);
    marks_set(&ship->marks, ship->batch.writer, ship->batch.position);
    ship->sent += n;
    return 1;
}

static void save(ship_t *ship, int now) {
    if (now || clock_ms() - ship->saved >= SAVE_MS) {
        if (!marks_write(&ship->marks)) {
            say(SAY_ALARM, "cannot write what was shipped",
                SAY(SAY_T("file", ship->marks.path)));
        }
        ship->saved = clock_ms();
    }
    if (clock_ms() - ship->swept >= SWEEP_MS) {
        ship->swept = clock_ms();
        (void)spool_sweep(ship->spool, ship->spool_keep);
    }
}

/* Return 0 if not all of it was sent. */
static int run(ship_t *ship) {
    int quiet = 0;

    while (!stopped) {
        if (!connected(ship)) {
            if (ship->once && ship->tries > 5) {
                break;
            }
        } else if (spool_read(ship->spool, &ship->batch)) {
            quiet = 0;
            if (!send_batch(ship)) {
                spool_back(ship->spool);
            }
        } else if (ship->once && ++quiet * IDLE_MS > 2 * SPOOL_LOOK_MS) {
            break;
        } else {
            pause_ms(IDLE_MS);
        }
        save(ship, 0);
    }
    save(ship, 1);
    say(SAY_INFO, "shipped", SAY(SAY_I("records", ship->sent)));
    return stopped || !ship->lost;
}

static void parse(ship_t *ship, int argc, char **argv) {
    const char *value;
    int i;

    for (i = 1; i < argc; i++) {
        if ((value = option(argc, argv, &i, "--spool-keep")) != NULL) {
            ship->spool_keep = option_time("--spool-keep", value);
        } else if ((value = option(argc, argv, &i, "--spool")) != NULL) {
            ship->dir = value;
        } else if ((value = option(argc, argv, &i, "--stream-keep")) != NULL) {
            ship->stream_keep = option_time("--stream-keep", value);
        } else if ((value = option(argc, argv, &i, "--stream")) != NULL) {
            ship->to.url = value;
        } else if ((value = option(argc, argv, &i, "--password")) != NULL) {
            ship->to.password = value;
        } else if ((value = option(argc, argv, &i, "--ca")) != NULL) {
            ship->to.ca = value;
        } else if ((value = option(argc, argv, &i, "--progress")) != NULL) {
            ship->progress = value;
        } else if (strcmp(argv[i], "--once") == 0) {
            ship->once = 1;
        } else if (strcmp(argv[i], "--again") == 0) {
            ship->again = 1;
        } else {
            fail("ship: unknown word \"%s\"", argv[i]);
        }
    }
    if (ship->dir == NULL || ship->to.url == NULL) {
        fail("ship needs --spool DIR and --stream URL");
    }
    if (ship->progress == NULL) {
        if (snprintf(ship->path, sizeof(ship->path), "%s/ship.progress",
                     ship->dir) >= (int)sizeof(ship->path) - 8) {
            fail("--spool: the path is too long");
        }
        ship->progress = ship->path;
    }
}

int ship_main(int argc, char **argv) {
    ship_t *ship = calloc(1, sizeof(*ship));
    struct sigaction action;
    int ok;

    if (ship == NULL) {
        fail("no memory");
    }
    ship->stream_keep = BILLING_STREAM_KEEP;
    ship->spool_keep = BILLING_SPOOL_KEEP;
    parse(ship, argc, argv);
    rconn_check(&ship->to);
    marks_read(&ship->marks, ship->progress);
    ship->spool = spool_open(ship->dir, where, ship);
    if (ship->again) {
        begin_again(ship);
    }
    ship->saved = ship->swept = clock_ms();
    memset(&action, 0, sizeof(action));
    action.sa_handler = stop;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    ok = run(ship);
    rconn_close(ship->conn);
    ok &= spool_close(ship->spool) || !ship->once;
    free(ship);
    return ok ? 0 : 1;
}
