/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "report.h"

#include "fraud_event.h"
#include "row.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RAW_MAX 256 /* bytes shown of a subject */
#define TIME_SIZE 24
#define JSON_SIZE 65536

struct report_s {
    const ruleset_t *rules;
    report_conf_t conf;
    arena_t arena;
    rows_t rows;
    uint64_t flagged;
    uint64_t left_out; /* of requests, as there are too many subjects */
    uint8_t json[JSON_SIZE];
};

typedef struct {
    const rule_t *rule;
    uint32_t n;
} reason_t;

report_t *report_new(const ruleset_t *rules, const report_conf_t *conf) {
    arena_t arena = {NULL};
    report_t *report;

    report = arena_alloc(&arena, sizeof(*report));
    report->arena = arena;
    report->rules = rules;
    report->conf = *conf;
    report->rows.max = REPORT_MAX_SUBJECTS;
    return report;
}

static const char *time_text(char *text, uint64_t us) {
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        text[0] = '\0';
    }
    return text;
}

/* Nothing that a terminal would obey. */
static void put_text(fraud_str_t text) {
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f ||
            text.data[i] == '\\') {
            (void)printf("\\x%02x", text.data[i]);
        } else {
            (void)putchar(text.data[i]);
        }
    }
}

static fraud_str_t raw_address(report_t *report, const actor_t *actor) {
    unsigned bits =
        actor->ip.family == 4 ? actor->identity->ipv4 : actor->identity->ipv6;
    unsigned all = actor->ip.family == 4 ? 32 : 128;
    char text[INET6_ADDRSTRLEN + 8];
    size_t len;

    if (inet_ntop(actor->ip.family == 4 ? AF_INET : AF_INET6, actor->ip.bytes,
                  text, INET6_ADDRSTRLEN) == NULL) {
        text[0] = '\0';
    }
    len = strlen(text);
    if (bits != all) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "/%u", bits);
    }
    return arena_copy(&report->arena, text, len);
}

static fraud_str_t raw_text(report_t *report, const actor_t *actor) {
    size_t len = actor->bytes.len;

    if (actor->identity->kind == KIND_ADDRESS) {
        return raw_address(report, actor);
    }
    return arena_copy(&report->arena, actor->bytes.data,
                      len < RAW_MAX ? len : RAW_MAX);
}

static int counts(const score_t *score, size_t i) {
    return score->fired[i] != 0 && !score->scope->rules[i]->rule.shadow;
}

static void flag(report_t *report, row_t *row, const actor_t *actor,
                 const score_t *score) {
    size_t i;

    if (row->reasons == NULL) {
        row->reasons =
            arena_alloc(&report->arena,
                        report->rules->declare.nrules * sizeof(*row->reasons));
        row->first_us = score->entry->time_us;
        if (report->conf.raw) {
            row->raw = raw_text(report, actor);
        }
    }
    row->flagged++;
    if (score->score > row->score) {
        row->score = score->score;
    }
    if (score->action > row->action) {
        row->action = score->action;
    }
    for (i = 0; i < score->scope->nrules; i++) {
        row->reasons[score->scope->rules[i]->id] += (unsigned)counts(score, i);
    }
}

static size_t reasons_of(const score_t *score, fraud_reason_t *reasons) {
    size_t i, n = 0;

    for (i = 0; i < score->scope->nrules; i++) {
        if (counts(score, i)) {
            reasons[n].name = score->scope->rules[i]->name;
            reasons[n++].points = score->fired[i] - 1u;
        }
    }
    fraud_score_sort(reasons, n);
    return n;
}

static void put_event(fraud_event_t *event) {
    if (fraud_event_end(event) == FRAUD_OK) {
        (void)fwrite(event->buf.data, 1, event->buf.len, stdout);
    }
}

static void put_name(fraud_event_t *event, fraud_str_t key, const char *name) {
    fraud_event_str(event, key, name, strlen(name));
}

static void print_request_json(report_t *report, const score_t *score,
                               uint64_t line, const fraud_reason_t *reasons,
                               size_t n) {
    fraud_event_t event;
    size_t i;

    fraud_event_begin(&event, report->json, JSON_SIZE);
    put_name(&event, FRAUD_STR("type"), "request");
    fraud_event_time(&event, FRAUD_STR("time"), score->entry->time_us / 1000);
    fraud_event_uint(&event, FRAUD_STR("line"), line);
    fraud_event_uint(&event, FRAUD_STR("score"), score->score);
    put_name(&event, FRAUD_STR("action"), fraud_action_name(score->action));
    fraud_event_open(&event, FRAUD_STR("reasons"));
    for (i = 0; i < n; i++) {
        fraud_event_uint(&event, reasons[i].name, reasons[i].points);
    }
    fraud_event_close(&event);
    put_event(&event);
}

static void print_request(report_t *report, const score_t *score,
                          uint64_t line) {
    fraud_reason_t reasons[RULESET_MAX_RULES];
    char when[TIME_SIZE];
    fraud_buf_t buf;
    size_t n;

    n = reasons_of(score, reasons);
    if (report->conf.json) {
        print_request_json(report, score, line, reasons, n);
        return;
    }
    fraud_buf_init(&buf, report->json, JSON_SIZE);
    fraud_score_print(&buf, reasons, n);
    (void)printf("%s %llu %u %s %.*s\n", time_text(when, score->entry->time_us),
                 (unsigned long long)line, score->score,
                 fraud_action_name(score->action), (int)buf.len,
                 (const char *)buf.data);
}

void report_add(report_t *report, const score_t *score, uint64_t line) {
    int flagged = score->score >= report->conf.min_score;
    const actor_t *actor;
    row_t *row;
    size_t i;

    report->flagged += (unsigned)flagged;
    for (i = 0; i < score->scope->nidentities; i++) {
        actor = &score->actor[i];
        if (!actor->present) {
            continue;
        }
        row = rows_get(&report->rows, &actor->pid, actor->identity->name);
        if (row == NULL) {
            report->left_out++;
            continue;
        }
        row->requests++;
        if (flagged) {
            flag(report, row, actor, score);
        }
    }
    if (flagged && report->conf.verbose) {
        print_request(report, score, line);
    }
}

static int compare_reasons(const void *one, const void *two) {
    const reason_t *a = one, *b = two;

    if (a->n != b->n) {
        return a->n > b->n ? -1 : 1;
    }
    return strcmp((const char *)a->rule->name.data,
                  (const char *)b->rule->name.data);
}

/* The reasons of ${row}, the most frequent first. */
static size_t sort_reasons(const report_t *report, const row_t *row,
                           reason_t *reasons) {
    size_t i, n = 0;

    for (i = 0; i < report->rules->declare.nrules; i++) {
        if (row->reasons[i] != 0) {
            reasons[n].rule = report->rules->declare.rules[i];
            reasons[n++].n = row->reasons[i];
        }
    }
    if (n > 1) {
        qsort(reasons, n, sizeof(*reasons), compare_reasons);
    }
    return n;
}

static void print_row_json(report_t *report, const row_t *row,
                           const char *subject, const reason_t *reasons,
                           size_t n) {
    fraud_event_t event;
    size_t i;

    fraud_event_begin(&event, report->json, JSON_SIZE);
    put_name(&event, FRAUD_STR("type"), "subject");
    fraud_event_str(&event, FRAUD_STR("identity"), row->identity.data,
                    row->identity.len);
    if (report->conf.raw) {
        fraud_event_str(&event, FRAUD_STR("subject"), row->raw.data,
                        row->raw.len);
    } else {
        fraud_event_str(&event, FRAUD_STR("subject"), subject,
                        FRAUD_PID_TEXT_LEN);
    }
    fraud_event_uint(&event, FRAUD_STR("requests"), row->requests);
    fraud_event_uint(&event, FRAUD_STR("flagged"), row->flagged);
    fraud_event_uint(&event, FRAUD_STR("score"), row->score);
    put_name(&event, FRAUD_STR("action"), fraud_action_name(row->action));
    fraud_event_time(&event, FRAUD_STR("first"), row->first_us / 1000);
    fraud_event_open(&event, FRAUD_STR("reasons"));
    for (i = 0; i < n; i++) {
        fraud_event_uint(&event, reasons[i].rule->name, reasons[i].n);
    }
    fraud_event_close(&event);
    put_event(&event);
}

static void print_row(report_t *report, const row_t *row, reason_t *reasons) {
    char subject[FRAUD_PID_TEXT_LEN], when[TIME_SIZE];
    size_t i, n;

    fraud_pid_encode(subject, &row->pid);
    n = sort_reasons(report, row, reasons);
    if (report->conf.json) {
        print_row_json(report, row, subject, reasons, n);
        return;
    }
    put_text(row->identity);
    (void)putchar(' ');
    if (report->conf.raw) {
        put_text(row->raw);
    } else {
        (void)fwrite(subject, 1, sizeof(subject), stdout);
    }
    (void)printf(" %lu %lu %lu %s %s", (unsigned long)row->requests,
                 (unsigned long)row->flagged, (unsigned long)row->score,
                 fraud_action_name(row->action),
                 time_text(when, row->first_us));
    for (i = 0; i < n; i++) {
        (void)printf("%c%s:%lu", i == 0 ? ' ' : ',',
                     (const char *)reasons[i].rule->name.data,
                     (unsigned long)reasons[i].n);
    }
    (void)putchar('\n');
}

static void print_sums_json(report_t *report, const report_lines_t *lines,
                            size_t subjects) {
    fraud_event_t event;

    fraud_event_begin(&event, report->json, JSON_SIZE);
    put_name(&event, FRAUD_STR("type"), "summary");
    fraud_event_uint(&event, FRAUD_STR("lines"), lines->lines);
    fraud_event_uint(&event, FRAUD_STR("scored"), lines->scored);
    fraud_event_uint(&event, FRAUD_STR("flagged"), report->flagged);
    fraud_event_uint(&event, FRAUD_STR("subjects"), subjects);
    fraud_event_uint(&event, FRAUD_STR("off"), lines->off);
    fraud_event_uint(&event, FRAUD_STR("refused"), lines->refused);
    fraud_event_uint(&event, FRAUD_STR("unread"), lines->unread);
    fraud_event_uint(&event, FRAUD_STR("too_long"), lines->longer);
    put_event(&event);
}

static void print_sums(report_t *report, const report_lines_t *lines,
                       size_t subjects) {
    if (report->conf.json) {
        print_sums_json(report, lines, subjects);
        return;
    }
    (void)printf(
        "%llu lines: %llu scored, %llu flagged at %u or more, "
        "%zu subjects\n",
        (unsigned long long)lines->lines, (unsigned long long)lines->scored,
        (unsigned long long)report->flagged, report->conf.min_score, subjects);
    if (lines->scored != lines->lines) {
        (void)printf("not scored: %llu where fraud is off, %llu malformed "
                     "requests, %llu lines of no known format, %llu too "
                     "long\n",
                     (unsigned long long)lines->off,
                     (unsigned long long)lines->refused,
                     (unsigned long long)lines->unread,
                     (unsigned long long)lines->longer);
    }
}

void report_print(report_t *report, const report_lines_t *lines) {
    reason_t *reasons;
    size_t i, n;

    reasons = arena_alloc(&report->arena,
                          report->rules->declare.nrules * sizeof(*reasons));
    n = rows_sort(&report->rows);
    if (n != 0 && !report->conf.json) {
        (void)puts("identity subject requests flagged score action first "
                   "reasons");
    }
    for (i = 0; i < n; i++) {
        print_row(report, &report->rows.row[i], reasons);
    }
    print_sums(report, lines, n);
    if (report->left_out != 0) {
        (void)fprintf(stderr,
                      "more than %u subjects: those that came later are not "
                      "in the list\n",
                      REPORT_MAX_SUBJECTS);
    }
}

void report_free(report_t *report) {
    arena_t arena;

    if (report != NULL) {
        rows_clear(&report->rows);
        arena = report->arena;
        arena_free(&arena);
    }
}
