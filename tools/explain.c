/* SPDX-License-Identifier: BSD-2-Clause */

#include "explain.h"

#include "fail.h"
#include "fraud_str.h"
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONF "/etc/nginx/nginx.conf"
#define DEFAULT_MIN_SCORE 50
#define OUT_OF_ORDER_US (UINT64_C(60) * 1000000)

const char explain_usage[] =
    "  explain [-c NGINX.CONF] [--server NAME] [--min-score N] [--raw] [-v]\n"
    "          [--json] FILE|-\n"
    "                   replay an access log (combined format or JSON lines\n"
    "                   with names of variables as keys) through the rules of\n"
    "                   NGINX.CONF, default " DEFAULT_CONF ":\n"
    "                   who would have been flagged, when and why\n"
    "    --server NAME  the rules of this server, not of the first\n"
    "    --min-score N  flagged is who reaches N, default 50\n"
    "    --raw          subjects as they are in the log, not pseudonyms\n"
    "    -v             also each flagged request: time, line, score, action,\n"
    "                   reasons\n"
    "    --json         the same as JSON lines\n";

typedef struct {
    const char *conf;
    const char *server;
    const char *file;
    report_conf_t report;
} options_t;

typedef struct {
    ruleset_t rules;
    state_t state;
    score_t score;
    entry_t entry;
    report_t *report;
    report_lines_t lines;
    uint64_t latest_us;
    uint64_t disordered; /* lines that are much older than one before */
    uint8_t line[ACCESSLOG_MAX_LINE + 1];
} run_t;

/* The value of the option at ${*i}: after '=', or the next word. */
static const char *value_of(int argc, char **argv, int *i) {
    const char *equals = strchr(argv[*i], '=');

    if (strncmp(argv[*i], "--", 2) == 0 && equals != NULL) {
        return equals + 1;
    }
    if (++*i == argc) {
        fail("%s needs a value", argv[*i - 1]);
    }
    return argv[*i];
}

static int is_option(const char *word, const char *name) {
    size_t len = strlen(name);

    return strncmp(word, name, len) == 0 &&
           (word[len] == '\0' || (len > 2 && word[len] == '='));
}

static unsigned parse_score(const char *text) {
    uint64_t n;

    if (fraud_str_uint(&n, text, strlen(text), FRAUD_SCORE_MAX) != FRAUD_OK) {
        fail("invalid --min-score \"%s\", use 0 to 100", text);
    }
    return (unsigned)n;
}

static int parse_flag(options_t *options, const char *word) {
    if (strcmp(word, "--json") == 0) {
        options->report.json = 1;
    } else if (strcmp(word, "--raw") == 0) {
        options->report.raw = 1;
    } else if (strcmp(word, "-v") == 0) {
        options->report.verbose = 1;
    } else {
        return 0;
    }
    return 1;
}

static void parse_options(options_t *options, int argc, char **argv) {
    int i, words = 0;

    memset(options, 0, sizeof(*options));
    options->conf = DEFAULT_CONF;
    options->report.min_score = DEFAULT_MIN_SCORE;
    for (i = 1; i < argc; i++) {
        if (words || argv[i][0] != '-' || argv[i][1] == '\0') {
            if (options->file != NULL) {
                fail("one log at a time: \"%s\" is one too many", argv[i]);
            }
            options->file = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            words = 1;
        } else if (is_option(argv[i], "-c")) {
            options->conf = value_of(argc, argv, &i);
        } else if (is_option(argv[i], "--server")) {
            options->server = value_of(argc, argv, &i);
        } else if (is_option(argv[i], "--min-score")) {
            options->report.min_score = parse_score(value_of(argc, argv, &i));
        } else if (!parse_flag(options, argv[i])) {
            fail("unknown option \"%s\", see fraudctl help", argv[i]);
        }
    }
    if (options->file == NULL) {
        fail("explain needs a log, or - for standard input");
    }
}

/*
 * A line without its line feed: its length, -1 at the end of the file. Of one
 * that is longer than ACCESSLOG_MAX_LINE the rest is skipped.
 */
static long read_line(FILE *in, uint8_t *line) {
    size_t len = 0;
    int ch;

    while ((ch = getc(in)) != EOF && ch != '\n') {
        if (len <= ACCESSLOG_MAX_LINE) {
            line[len++] = (uint8_t)ch;
        }
    }
    return ch == EOF && len == 0 ? -1 : (long)len;
}

static void note_time(run_t *run) {
    uint64_t us = run->entry.time_us;

    if (us + OUT_OF_ORDER_US < run->latest_us) {
        run->disordered++;
    }
    if (us > run->latest_us) {
        run->latest_us = us;
    }
}

static void replay_line(run_t *run, size_t len) {
    fraud_rc rc;

    run->lines.lines++;
    if (len > ACCESSLOG_MAX_LINE) {
        run->lines.longer++;
        return;
    }
    rc = accesslog_parse(&run->entry, run->line, len, run->rules.merge_slashes);
    if (rc != FRAUD_OK) {
        run->lines.refused += rc == FRAUD_NOTFOUND;
        run->lines.unread += rc != FRAUD_NOTFOUND;
        return;
    }
    note_time(run);
    if (!score_entry(&run->score, &run->entry)) {
        run->lines.off++;
        return;
    }
    run->lines.scored++;
    report_add(run->report, &run->score, run->lines.lines);
}

static void replay(run_t *run, const char *path) {
    FILE *in = stdin;
    long len;

    if (strcmp(path, "-") != 0) {
        in = fopen(path, "rb");
        if (in == NULL) {
            fail("cannot read %s: %s", path, strerror(errno));
        }
    }
    while ((len = read_line(in, run->line)) >= 0) {
        replay_line(run, (size_t)len);
    }
    if (ferror(in)) {
        fail("cannot read %s: %s", path, strerror(errno));
    }
    if (in != stdin) {
        (void)fclose(in);
    }
}

static void print_gap(const run_t *run, const rule_t *rule, const gap_t *gap) {
    const names_t *names = &run->rules.names;

    (void)fputs("not evaluated", stderr);
    if (gap->n != rule->asked) {
        (void)fprintf(stderr, " for %llu of %llu requests",
                      (unsigned long long)gap->n,
                      (unsigned long long)rule->asked);
    }
    (void)fprintf(
        stderr, ": %s \"%s\" needs %s%s\n",
        (const char *)rule->at->words[0].data,
        (const char *)rule->rule.name.data, gap->needs != NULL ? "" : "$",
        gap->needs != NULL ? gap->needs
                           : (const char *)names->name[gap->variable].data);
}

/* What the score of a server cannot say here, once each. */
static void print_gaps(const run_t *run) {
    const ruleset_t *rules = &run->rules;
    const rule_t *rule;
    size_t i, k;

    for (i = 0; i < rules->declare.nrules; i++) {
        rule = rules->declare.rules[i];
        for (k = 0; k < rule->ngaps; k++) {
            print_gap(run, rule, &rule->gap[k]);
        }
        if (rule->rule.per.len != 0 && rule->asked != 0) {
            (void)fprintf(stderr,
                          "not evaluated: per= of fraud_rate \"%s\", its limit "
                          "is not widened\n",
                          (const char *)rule->name.data);
        }
    }
    if (rules->rewrites && rules->varied) {
        (void)fputs("not evaluated: rewrite, a location is found by the URI "
                    "that was sent\n",
                    stderr);
    }
    if (rules->policy != NULL) {
        (void)fprintf(stderr, "not evaluated: fraud_policy in %s:%u\n",
                      rules->policy->file, rules->policy->line);
    }
}

static void print_notes(const run_t *run, const options_t *options) {
    const ruleset_t *rules = &run->rules;

    if (options->server == NULL && rules->nservers > 1) {
        (void)fprintf(stderr,
                      "the rules are of the server in %s:%u, the first of "
                      "%zu; choose another with --server\n",
                      rules->server_at->file, rules->server_at->line,
                      rules->nservers);
    }
    if (run->lines.off != 0 && run->lines.scored == 0) {
        (void)fputs("\"fraud\" is off for every request of this log, add "
                    "\"fraud observe;\"\n",
                    stderr);
    }
    if (run->disordered != 0) {
        (void)fprintf(stderr,
                      "%llu lines are more than a minute older than a line "
                      "before, sort the log by time first\n",
                      (unsigned long long)run->disordered);
    }
    /* a few are the price of a table whose places are few */
    if (run->state.evicted > run->lines.scored / 100) {
        (void)fprintf(stderr,
                      "%llu records did not fit into the zone of %zu bytes, "
                      "see \"fraud_zone\"\n",
                      (unsigned long long)run->state.evicted, rules->zone_size);
    }
}

int explain(int argc, char **argv) {
    options_t options;
    run_t *run;

    parse_options(&options, argc, argv);
    run = calloc(1, sizeof(*run));
    if (run == NULL) {
        fail("not enough memory");
    }
    ruleset_load(&run->rules, options.conf, options.server);
    state_init(&run->state, run->rules.zone_size);
    score_init(&run->score, &run->rules, &run->state);
    run->report = report_new(&run->rules, &options.report);
    replay(run, options.file);
    report_print(run->report, &run->lines);
    (void)fflush(stdout);
    print_gaps(run);
    print_notes(run, &options);
    report_free(run->report);
    state_clear(&run->state);
    ruleset_free(&run->rules);
    free(run);
    if (ferror(stdout)) {
        fail("cannot write the report");
    }
    return 0;
}
