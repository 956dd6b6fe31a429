/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "run.h"

#include "clock.h"
#include "fail.h"
#include "fraud_backoff.h"
#include "incident.h"
#include "intake.h"
#include "keep.h"
#include "metrics.h"
#include "option.h"
#include "outbox.h"
#include "reputation.h"
#include "say.h"
#include "spool.h"
#include "stream.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 200  /* when there is nothing to do */
#define SEND_MS 20   /* of a turn, for the outbox */
#define TICKS 100    /* incidents of a turn */
#define TICK_MS 1000 /* between two turns that look at incidents */
#define PURGE_MS 60000
#define METRICS_MS 10000
#define PROGRESS_MS 500
#define BACKOFF_MS 200
#define BACKOFF_MAX_MS 10000

const char run_usage[] =
    "  run [-c FILE] [--once]\n"
    "                   take flags from the spool or the stream, post or let\n"
    "                   expire what is due, tell the billing system;\n"
    "                   --once: until nothing is left to do\n";

/* A batch of the spool: one is written while the next one is checked. */
typedef struct {
    spool_batch_t batch;
    intake_t *intake; /* NULL: nothing is read */
} ahead_t;

typedef struct {
    billing_t *billing;
    spool_t *spool;
    ahead_t *ahead; /* two of them */
    size_t turn;    /* whose turn it is */
    stream_t *stream;
    outbox_t *outbox;
    metrics_t metrics;
    int once;
    int terminal;
    int failed;        /* with --once: something could not be done */
    uint32_t attempts; /* without the database */
    int64_t tick_at, purge_at, metrics_at, progress_at; /* clock_ms() */
    int64_t began_at;
} run_t;

static volatile sig_atomic_t stop;

static void on_signal(int number) {
    (void)number;
    stop = 1;
}

static void nap(int64_t ms) {
    if (!stop) {
        (void)poll(NULL, 0, (int)ms);
    }
}

/* The state of the database, one line for each change. */
static void note(run_t *run, db_rc rc) {
    static const char *const words[] = {"ok",    "none", "clash",
                                        "retry", "down", "failed"};

    if (rc == DB_OK) {
        if (run->attempts != 0) {
            say(SAY_INFO, "the database answers again", SAY_NOTHING);
        }
        run->attempts = 0;
        run->metrics.up = 1;
        return;
    }
    if (run->attempts++ == 0) {
        say(SAY_ALARM, "the database does not do it",
            SAY(SAY_T("is", words[rc]),
                SAY_T("error", db_error(run->billing->db))));
    }
    run->metrics.up = 0;
    run->failed = 1;
    if (!run->once) {
        nap(fraud_backoff_delay(BACKOFF_MS, BACKOFF_MAX_MS, run->attempts,
                                (uint32_t)clock_us() * 2654435761u));
    }
}

/* Where a writer's records go on: see spool.h. */
static int where(void *data, const char *writer, char *position) {
    run_t *run = data;
    db_t *db = run->billing->db;
    db_rc rc = db_run(db, "SELECT position FROM progress WHERE source = $1",
                      DB_ARGS(DB_T(writer)));

    if (rc == DB_NONE) {
        return 0;
    }
    if (rc != DB_OK) {
        note(run, rc);
        return -1;
    }
    (void)snprintf(position, SPOOL_POSITION, "%s", db_text(db, 0));
    return 1;
}

/* Return 0 if there is nothing to read. */
static int read_ahead(run_t *run, ahead_t *ahead) {
    if (ahead->intake != NULL) {
        return 1;
    }
    if (!spool_read(run->spool, &ahead->batch)) {
        return 0;
    }
    failpoint("read");
    ahead->intake =
        intake_begin(run->billing, ahead->batch.record, ahead->batch.n);
    if (ahead->intake == NULL) {
        fail("not enough memory");
    }
    return 1;
}

static void drop_ahead(run_t *run) {
    size_t i;

    for (i = 0; run->ahead != NULL && i < 2; i++) {
        intake_drop(run->ahead[i].intake);
        run->ahead[i].intake = NULL;
    }
}

static int take_spool(run_t *run) {
    ahead_t *ahead = &run->ahead[run->turn];
    intake_progress_t progress;
    intake_t *intake;
    db_rc rc;

    if (!read_ahead(run, ahead)) {
        return 0;
    }
    (void)read_ahead(run, &run->ahead[1 - run->turn]);
    progress.source = ahead->batch.writer;
    progress.position = ahead->batch.position;
    intake = ahead->intake;
    ahead->intake = NULL;
    rc = intake_end(run->billing, intake, &progress, &run->metrics.intake);
    note(run, rc);
    if (rc != DB_OK) {
        drop_ahead(run);
        spool_back(run->spool);
        return -1;
    }
    failpoint("pre-ack");
    spool_done(run->spool, &ahead->batch);
    failpoint("post-ack");
    run->turn = 1 - run->turn;
    run->metrics.taken_at = clock_us();
    return 1;
}

static int take_stream(run_t *run, int wait) {
    int n = stream_take(run->stream, wait, &run->metrics.intake);

    if (n == -1) {
        note(run, DB_DOWN);
    } else if (n == -2) {
        run->failed = 1;
    } else if (n > 0) {
        note(run, DB_OK);
        run->metrics.taken_at = clock_us();
    }
    return n;
}

/* Each of these returns how much it did, or -1 if the database is in trouble.
   Two of them do nothing before their time, unless it is to be now. */

static int take(run_t *run, int wait) {
    if (run->spool != NULL) {
        return take_spool(run);
    }
    return run->stream != NULL ? take_stream(run, wait) : 0;
}

static int tick(run_t *run, int now) {
    int done = 1, n = 0;
    db_rc rc = DB_OK;

    if (!now && clock_ms() < run->tick_at) {
        return 0;
    }
    while (rc == DB_OK && done && n < TICKS && !stop) {
        done = 0;
        rc = incident_tick(run->billing, clock_us(), &done);
        n += done;
    }
    for (done = 1; rc == DB_OK && done && n < TICKS && !stop;) {
        rc = reputation_tick(run->billing, clock_us(), &done);
        n += done;
    }
    note(run, rc);
    if (n < TICKS) {
        run->tick_at = clock_ms() + TICK_MS;
    }
    return rc == DB_OK ? n : -1;
}

static int tell(run_t *run) {
    int n = outbox_send(run->outbox, clock_us(), SEND_MS);

    if (n < 0) {
        note(run, DB_DOWN);
    }
    return n;
}

static int forget(run_t *run, int now) {
    int64_t done = 0;
    db_rc rc;

    if (!now && clock_ms() < run->purge_at) {
        return 0;
    }
    rc = keep_purge(run->billing, clock_us(), &done);
    note(run, rc);
    if (done < KEEP_AT_ONCE) {
        run->purge_at = clock_ms() + PURGE_MS;
        if (run->spool != NULL) {
            (void)spool_sweep(run->spool, run->billing->conf.spool_keep);
        }
    }
    return rc == DB_OK ? (int)done : -1;
}

static void show(run_t *run, int last) {
    const intake_count_t *count = &run->metrics.intake;
    int64_t now = clock_ms(), ms = now - run->began_at;
    uint64_t n = count->counted + count->repeated + count->refused +
                 count->dead + count->ended;

    if (run->terminal && (last || now >= run->progress_at)) {
        (void)fprintf(stderr,
                      "\r%" PRIu64 " records, %" PRIu64 "/s: %" PRIu64
                      " counted, %" PRIu64 " repeated, %" PRIu64
                      " refused, %" PRIu64 " dead%s",
                      n, n * 1000 / (uint64_t)(ms > 0 ? ms : 1), count->counted,
                      count->repeated, count->refused, count->dead,
                      last ? "\n" : "  ");
        run->progress_at = now + PROGRESS_MS;
    }
    if (last || now >= run->metrics_at) {
        run->metrics.stream =
            run->stream != NULL ? stream_counts(run->stream) : NULL;
        if (!metrics_write(run->billing, &run->metrics)) {
            say(SAY_WARN, "the metrics cannot be written", SAY_NOTHING);
        }
        run->metrics_at = now + METRICS_MS;
    }
}

static void loop(run_t *run) {
    int took, ticked, told, forgot, last;

    while (!stop) {
        took = take(run, run->once ? 0 : WAIT_MS);
        last = run->once && took == 0;
        ticked = tick(run, last);
        told = tell(run);
        forgot = forget(run, last);
        show(run, 0);
        if (run->once && (run->failed || (took == 0 && ticked == 0 &&
                                          told == 0 && forgot == 0))) {
            return;
        }
        if (took == 0 && ticked == 0 && told == 0 && run->stream == NULL) {
            nap(WAIT_MS);
        }
    }
}

static void migrate(run_t *run) {
    db_rc rc = DB_DOWN;

    while (rc != DB_OK && !stop) {
        rc = db_migrate(run->billing->db);
        if (rc == DB_FAIL) {
            fail("cannot migrate: %s", db_error(run->billing->db));
        }
        note(run, rc);
        if (rc != DB_OK && run->once) {
            fail("the database: %s", db_error(run->billing->db));
        }
    }
}

static void catch_signals(void) {
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

static void start(run_t *run, const char *path) {
    billing_t *billing = billing_open(path, 1);

    run->billing = billing;
    run->terminal = isatty(STDERR_FILENO);
    if (run->terminal) {
        say_from = SAY_WARN;
    }
    catch_signals();
    if (billing->conf.spool != NULL) {
        run->ahead = calloc(2, sizeof(*run->ahead));
        if (run->ahead == NULL) {
            fail("not enough memory");
        }
        run->spool = spool_open(billing->conf.spool, where, run);
    }
    run->stream = stream_open(billing);
    run->outbox = outbox_open(billing);
    migrate(run);
    run->began_at = clock_ms();
    say(SAY_INFO, "started", SAY(SAY_I("policies", billing->npolicies)));
}

int run_main(int argc, char **argv) {
    const char *path = NULL, *value;
    run_t run = {0};
    int i;

    for (i = 1; i < argc; i++) {
        value = option(argc, argv, &i, "-c");
        if (value != NULL) {
            path = value;
        } else if (strcmp(argv[i], "--once") == 0) {
            run.once = 1;
        } else {
            fail("run: unknown option \"%s\"", argv[i]);
        }
    }
    start(&run, path);
    loop(&run);
    show(&run, 1);
    say(SAY_INFO, "stopped",
        SAY(SAY_I("counted", run.metrics.intake.counted),
            SAY_I("repeated", run.metrics.intake.repeated),
            SAY_I("refused", run.metrics.intake.refused),
            SAY_I("dead", run.metrics.intake.dead)));
    outbox_close(run.outbox);
    stream_close(run.stream);
    drop_ahead(&run);
    run.failed |= !spool_close(run.spool);
    free(run.ahead);
    run.failed |= run.billing->set_aside != 0;
    billing_close(run.billing);
    return run.once && run.failed;
}
