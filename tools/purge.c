/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "purge.h"

#include "fail.h"
#include "fraud_str.h"
#include "hold.h"
#include "objections.h"
#include "option.h"
#include "segments.h"
#include "site.h"
#include "tombstone.h"
#include "vault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_INTERVAL 600u /* that of the timer */

/* nginx writes to a segment for so long after its hour: it looks every 5 s. */
#define GRACE 60u

const char purge_usage[] =
    "  purge [-c NGINX.CONF] [-p PREFIX] [--state DIR] [--interval TIME]\n"
    "        [--now SECONDS] [--dry-run] [--evidence DIR]...\n"
    "                   remove the hourly segments of the security logs of\n"
    "                   NGINX.CONF, and of evidence in DIR, an hour and the\n"
    "                   INTERVAL between two runs (10m) before their policy\n"
    "                   keeps them no longer\n"
    "  purge --policy FILE | --keep TIME PATH...\n"
    "                   those of the log or directory PATH\n"
    "  purge --hold CASE --ground GROUND --review DATE --policy FILE "
    "[PATH]...\n"
    "                   copy the segments PATH for a case before they go, if\n"
    "                   the policy knows the ground; once more, after a "
    "review,\n"
    "                   with the next DATE, within 30 days\n"
    "  purge --release CASE\n"
    "                   destroy what was copied\n";

typedef struct {
    const char *conf;
    const char *prefix;
    const char *state;
    const char *policy;
    const char *release;
    hold_t hold;
    uint64_t now;
    uint64_t interval;
    uint64_t keep;
    int has_keep;
    int dry;
    const char **evidence;
    size_t nevidence;
    const char **paths;
    size_t npaths;
    arena_t arena;
    site_t site;
    vault_t vault;
} options_t;

typedef struct {
    uint64_t deleted;
    uint64_t bytes;
    uint64_t kept;
} counts_t;

static void add_path(options_t *o, const char ***list, size_t *n,
                     const char *path) {
    *list = arena_grow(&o->arena, *list, *n, sizeof(**list));
    (*list)[(*n)++] = path;
}

static void parse(options_t *o, int argc, char **argv) {
    const char *value;
    int i;

    for (i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            add_path(o, &o->paths, &o->npaths, argv[i]);
        } else if (strcmp(argv[i], "--dry-run") == 0) {
            o->dry = 1;
        } else if ((value = option(argc, argv, &i, "-c")) != NULL ||
                   (value = option(argc, argv, &i, "--conf")) != NULL) {
            o->conf = value;
        } else if ((value = option(argc, argv, &i, "-p")) != NULL) {
            o->prefix = value;
        } else if ((value = option(argc, argv, &i, "--state")) != NULL) {
            o->state = value;
        } else if ((value = option(argc, argv, &i, "--policy")) != NULL) {
            o->policy = value;
        } else if ((value = option(argc, argv, &i, "--keep")) != NULL) {
            o->keep = option_time("--keep", value);
            o->has_keep = 1;
        } else if ((value = option(argc, argv, &i, "--interval")) != NULL) {
            o->interval = option_time("--interval", value);
        } else if ((value = option(argc, argv, &i, "--now")) != NULL) {
            o->now = option_uint("--now", value);
        } else if ((value = option(argc, argv, &i, "--evidence")) != NULL) {
            add_path(o, &o->evidence, &o->nevidence, value);
        } else if ((value = option(argc, argv, &i, "--hold")) != NULL) {
            o->hold.name = value;
        } else if ((value = option(argc, argv, &i, "--ground")) != NULL) {
            o->hold.ground = value;
        } else if ((value = option(argc, argv, &i, "--review")) != NULL) {
            o->hold.review = value;
        } else if ((value = option(argc, argv, &i, "--release")) != NULL) {
            o->release = value;
        } else {
            fail("unknown option \"%s\", see fraudctl help", argv[i]);
        }
    }
}

/*
 * The oldest line of a segment is as old as its hour. One that is still
 * written to is left, however short the policy is.
 */
static int is_due(const options_t *o, const segment_t *segment, uint64_t keep) {
    uint64_t start = segment->hour * FRAUD_SEGMENT_SECONDS;
    uint64_t lag = FRAUD_SEGMENT_SECONDS + o->interval;

    keep = keep > lag ? keep - lag : 0;
    return o->now >= start + keep &&
           o->now >= start + FRAUD_SEGMENT_SECONDS + GRACE;
}

static void tell(const options_t *o, const char *path,
                 const fraud_policy_t *policy, const counts_t *counts) {
    uint8_t line[VAULT_LINE];
    fraud_event_t event;

    fraud_event_begin(&event, line, sizeof(line));
    fraud_event_time(&event, FRAUD_STR("time"), o->now * 1000);
    fraud_event_str(&event, FRAUD_STR("purge"), path, strlen(path));
    if (policy != NULL) {
        fraud_event_str(&event, FRAUD_STR("policy"), policy->name,
                        strlen(policy->name));
    }
    fraud_event_uint(&event, o->dry ? FRAUD_STR("due") : FRAUD_STR("deleted"),
                     counts->deleted);
    fraud_event_uint(&event, FRAUD_STR("bytes"), counts->bytes);
    fraud_event_uint(&event, FRAUD_STR("kept"), counts->kept);
    vault_audit(&o->vault, &event, 1);
}

static void purge_path(options_t *o, const char *path, uint64_t keep,
                       const fraud_policy_t *policy) {
    counts_t counts = {0, 0, 0};
    segments_t segments;
    size_t i;

    segments_find(&segments, &o->arena, path);
    for (i = 0; i < segments.n; i++) {
        if (!is_due(o, &segments.list[i], keep)) {
            counts.kept++;
            continue;
        }
        if (o->dry || vault_remove(segments.list[i].path)) {
            counts.deleted++;
            counts.bytes += segments.list[i].size;
        }
    }
    tell(o, path, policy, &counts);
}

/* A log that two policies share dies by the shorter one. */
static void purge_site(options_t *o) {
    const site_log_t *logs = o->site.logs;
    const fraud_policy_t *policy;
    size_t i, k;
    int first;

    for (i = 0; i < o->site.nlogs; i++) {
        policy = logs[i].policy;
        first = 1;
        for (k = 0; k < o->site.nlogs; k++) {
            if (strcmp(logs[k].path, logs[i].path) != 0 || !logs[k].hourly) {
                continue;
            }
            first = first && k >= i;
            if (logs[k].policy != NULL &&
                (policy == NULL || logs[k].policy->settings.keep_log <
                                       policy->settings.keep_log)) {
                policy = logs[k].policy;
            }
        }
        if (!logs[i].hourly || !first) {
            continue;
        }
        if (policy != NULL || o->has_keep) {
            purge_path(o, logs[i].path,
                       policy != NULL ? policy->settings.keep_log : o->keep,
                       policy);
        } else {
            (void)fprintf(stderr,
                          "fraudctl: %s has no policy, give --keep: nothing "
                          "of it goes\n",
                          logs[i].path);
        }
    }
}

/* Of all policies, the one that keeps it for the shortest time. */
static const fraud_policy_t *evidence_policy(const options_t *o) {
    const fraud_policy_t *policy = NULL, *one;
    size_t i;

    for (i = 0; i < o->site.npolicies; i++) {
        one = o->site.policies[i].policy;
        if (policy == NULL ||
            one->settings.keep_evidence < policy->settings.keep_evidence) {
            policy = one;
        }
    }
    return policy;
}

static void purge_evidence(options_t *o) {
    const fraud_policy_t *policy = evidence_policy(o);
    size_t i;

    if (o->nevidence != 0 && policy == NULL) {
        fail("evidence is kept by policies, and there is none");
    }
    for (i = 0; i < o->nevidence; i++) {
        purge_path(o, o->evidence[i], policy->settings.keep_evidence, policy);
    }
}

/* Tombstones have to outlive every backup that is older than they are. */
static void purge_tombstones(options_t *o) {
    uint64_t keep = 0, deleted;
    uint8_t line[VAULT_LINE];
    fraud_event_t event;
    size_t i;

    for (i = 0; i < o->site.npolicies; i++) {
        if (o->site.policies[i].policy->settings.keep_backup > keep) {
            keep = o->site.policies[i].policy->settings.keep_backup;
        }
    }
    if (o->site.npolicies == 0) {
        return;
    }
    deleted = tombstone_purge(&o->vault, &o->site, o->now, keep, o->dry);
    if (deleted != 0) {
        fraud_event_begin(&event, line, sizeof(line));
        fraud_event_time(&event, FRAUD_STR("time"), o->now * 1000);
        fraud_event_str(&event, FRAUD_STR("purge"), "tombstones", 10);
        fraud_event_uint(
            &event, o->dry ? FRAUD_STR("due") : FRAUD_STR("deleted"), deleted);
        vault_audit(&o->vault, &event, 1);
    }
}

/* Pseudonyms that no secret makes any more. */
static void purge_objections(options_t *o) {
    uint8_t line[VAULT_LINE];
    fraud_event_t event;
    uint64_t n;

    if (o->site.objections == NULL) {
        return;
    }
    n = objections_purge(o->site.objections, &o->arena, o->now,
                         o->now + OBJECTIONS_EPOCHS * o->site.epoch, o->dry);
    if (n != 0) {
        fraud_event_begin(&event, line, sizeof(line));
        fraud_event_time(&event, FRAUD_STR("time"), o->now * 1000);
        fraud_event_str(&event, FRAUD_STR("purge"), "objections", 10);
        fraud_event_uint(&event,
                         o->dry ? FRAUD_STR("due") : FRAUD_STR("deleted"), n);
        vault_audit(&o->vault, &event, 1);
    }
}

static const fraud_policy_t *named_policy(options_t *o) {
    o->site.arena = &o->arena;
    return o->policy != NULL ? site_policy(&o->site, o->policy) : NULL;
}

static int run_hold(options_t *o) {
    const fraud_policy_t *policy = named_policy(o);
    uint8_t line[VAULT_LINE];
    fraud_event_t event;
    fraud_str_t *texts;
    const char *dir;
    size_t i;

    if (policy == NULL) {
        fail("a hold needs --policy");
    }
    /* what cannot be read leaves no case, and none with another date */
    texts = arena_alloc(&o->arena, (o->npaths + 1) * sizeof(*texts));
    for (i = 0; i < o->npaths; i++) {
        texts[i] = conf_load(&o->arena, o->paths[i], NULL);
    }
    vault_open(&o->vault, &o->arena, o->state, 1);
    dir = hold_open(&o->vault, &o->hold, policy, o->now);
    for (i = 0; i < o->npaths; i++) {
        const char *slash = strrchr(o->paths[i], '/');

        vault_write(
            arena_join(&o->arena, dir, slash == NULL ? o->paths[i] : slash + 1),
            texts[i].data, texts[i].len);
    }
    fraud_event_begin(&event, line, sizeof(line));
    fraud_event_time(&event, FRAUD_STR("time"), o->now * 1000);
    fraud_event_str(&event, FRAUD_STR("hold"), o->hold.name,
                    strlen(o->hold.name));
    fraud_event_str(&event, FRAUD_STR("ground"), o->hold.ground,
                    strlen(o->hold.ground));
    fraud_event_str(&event, FRAUD_STR("review"), o->hold.review,
                    strlen(o->hold.review));
    fraud_event_uint(&event, FRAUD_STR("files"), o->npaths);
    vault_audit(&o->vault, &event, 1);
    return 0;
}

static int run_release(options_t *o) {
    uint8_t line[VAULT_LINE];
    fraud_event_t event;

    vault_open(&o->vault, &o->arena, o->state, 0);
    hold_release(&o->vault, o->release);
    fraud_event_begin(&event, line, sizeof(line));
    fraud_event_time(&event, FRAUD_STR("time"), o->now * 1000);
    fraud_event_str(&event, FRAUD_STR("release"), o->release,
                    strlen(o->release));
    vault_audit(&o->vault, &event, 1);
    return 0;
}

static int run_purge(options_t *o) {
    const fraud_policy_t *policy;
    int overdue;
    size_t i;

    vault_open(&o->vault, &o->arena, o->state, 0);
    if (o->npaths == 0) {
        site_read(&o->site, &o->arena, o->conf != NULL ? o->conf : OPTION_CONF,
                  o->prefix);
        purge_site(o);
        purge_evidence(o);
        purge_tombstones(o);
        purge_objections(o);
    } else {
        policy = named_policy(o);
        if ((policy != NULL) == o->has_keep) {
            fail("purge PATH needs either --policy or --keep");
        }
        for (i = 0; i < o->npaths; i++) {
            purge_path(o, o->paths[i],
                       policy != NULL ? policy->settings.keep_log : o->keep,
                       policy);
        }
        purge_evidence(o);
    }
    overdue = hold_overdue(&o->vault, o->now);
    return overdue != 0;
}

int purge(int argc, char **argv) {
    options_t options;
    int rc;

    memset(&options, 0, sizeof(options));
    options.now = option_now();
    options.interval = DEFAULT_INTERVAL;
    parse(&options, argc, argv);
    rc = options.release != NULL     ? run_release(&options)
         : options.hold.name != NULL ? run_hold(&options)
                                     : run_purge(&options);
    arena_free(&options.arena);
    if (fflush(stdout) != 0) {
        fail("cannot write what was done");
    }
    return rc;
}
