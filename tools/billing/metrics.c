/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "metrics.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

static void head(FILE *out, const char *name, const char *type,
                 const char *help) {
    (void)fprintf(out, "# HELP fraud_billing_%s %s\n", name, help);
    (void)fprintf(out, "# TYPE fraud_billing_%s %s\n", name, type);
}

static void put_intake(FILE *out, const intake_count_t *count) {
    const struct {
        const char *became;
        uint64_t n;
    } all[] = {{"counted", count->counted}, {"repeated", count->repeated},
               {"refused", count->refused}, {"dead", count->dead},
               {"ended", count->ended},     {"seen", count->seen}};
    size_t i;

    head(out, "records_total", "counter", "What became of records.");
    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        (void)fprintf(
            out, "fraud_billing_records_total{became=\"%s\"} %" PRIu64 "\n",
            all[i].became, all[i].n);
    }
}

static void put_refused(FILE *out, const intake_count_t *count) {
    const struct {
        const char *reason;
        uint64_t n;
    } all[] = {{"policy", count->refused - count->expired - count->erased},
               {"erased", count->erased},
               {"expired", count->expired}};
    size_t i;

    head(out, "refused_total", "counter", "Why records were refused.");
    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        (void)fprintf(
            out, "fraud_billing_refused_total{reason=\"%s\"} %" PRIu64 "\n",
            all[i].reason, all[i].n);
    }
}

static void put_stream(FILE *out, const stream_count_t *count) {
    const struct {
        const char *what;
        uint64_t n;
    } all[] = {{"taken", count->taken},
               {"claimed", count->claimed},
               {"gone", count->gone},
               {"garbage", count->garbage}};
    size_t i;

    head(out, "stream_total", "counter", "Entries of the Redis stream.");
    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        (void)fprintf(
            out, "fraud_billing_stream_total{entries=\"%s\"} %" PRIu64 "\n",
            all[i].what, all[i].n);
    }
}

/* Rows by state; the words are those of the schema. */
static void put_states(FILE *out, db_t *db, const char *name, const char *help,
                       const char *sql) {
    if (db_run(db, sql, DB_NO_ARGS) == DB_OK) {
        head(out, name, "gauge", help);
        do {
            (void)fprintf(out, "fraud_billing_%s{state=\"%s\"} %" PRId64 "\n",
                          name, db_text(db, 0), db_int(db, 1));
        } while (db_next(db));
    }
}

static void put_count(FILE *out, db_t *db, const char *name, const char *help,
                      const char *sql) {
    if (db_run(db, sql, DB_NO_ARGS) == DB_OK) {
        head(out, name, "gauge", help);
        (void)fprintf(out, "fraud_billing_%s %" PRId64 "\n", name,
                      db_int(db, 0));
    }
}

static void put_all(FILE *out, billing_t *billing, const metrics_t *metrics) {
    put_intake(out, &metrics->intake);
    put_refused(out, &metrics->intake);
    if (metrics->stream != NULL) {
        put_stream(out, metrics->stream);
    }
    head(out, "database_up", "gauge", "Whether the database answers.");
    (void)fprintf(out, "fraud_billing_database_up %d\n", metrics->up);
    head(out, "taken_timestamp_seconds", "gauge",
         "When records were last taken.");
    (void)fprintf(out, "fraud_billing_taken_timestamp_seconds %" PRId64 "\n",
                  metrics->taken_at / CLOCK_SECOND);
    head(out, "set_aside_total", "counter",
         "How often something could not be done, and was set aside.");
    (void)fprintf(out, "fraud_billing_set_aside_total %" PRIu64 "\n",
                  billing->set_aside);
    if (!metrics->up) {
        return;
    }
    put_count(out, billing->db, "set_aside", "What is set aside.",
              "SELECT COUNT(*) FROM aside");
    put_states(out, billing->db, "incidents", "Incidents by state.",
               "SELECT state, COUNT(*) FROM incident GROUP BY state "
               "ORDER BY state");
    put_states(out, billing->db, "outbox", "Messages by state.",
               "SELECT state, COUNT(*) FROM outbox GROUP BY state "
               "ORDER BY state");
    put_states(out, billing->db, "dead", "Dead events by state.",
               "SELECT state, COUNT(*) FROM dead GROUP BY state "
               "ORDER BY state");
}

int metrics_write(billing_t *billing, const metrics_t *metrics) {
    const char *path = billing->conf.metrics;
    char name[PATH_SIZE];
    FILE *out;
    int fd, n, bad;

    if (path == NULL) {
        return 1;
    }
    n = snprintf(name, sizeof(name), "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof(name)) {
        return 0;
    }
    (void)unlink(name);
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    out = fd != -1 ? fdopen(fd, "w") : NULL;
    if (out == NULL) {
        if (fd != -1) {
            (void)close(fd);
        }
        return 0;
    }
    put_all(out, billing, metrics);
    bad = ferror(out);
    bad |= fclose(out) != 0;
    return !bad && rename(name, path) == 0;
}
