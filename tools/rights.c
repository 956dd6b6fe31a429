/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "rights.h"

#include "billing/erase.h"
#include "entry.h"
#include "fail.h"
#include "hold.h"
#include "objections.h"
#include "option.h"
#include "person.h"
#include "redact.h"
#include "redis.h"
#include "scrub.h"
#include "vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_SECRET 4096

/* Longer than two intervals in which nginx tells Redis what it knows. */
#define SETTLE_NS 300000000L

const char rights_usage[] =
    "  subject show|export|erase|rectify|object|restrict\n"
    "          --address VALUE | --session VALUE | --account VALUE |\n"
    "          --identity NAME VALUE\n"
    "          [-c NGINX.CONF] [-p PREFIX] [--state DIR] [--control URL]\n"
    "          [--socket PATH] [--secret FILE] [--offline] [--evidence "
    "DIR]...\n          [--billing FILE]\n"
    "                   what is known of a subject, all of it as JSON; erase\n"
    "                   it in nginx, Redis, logs and evidence, and leave a\n"
    "                   tombstone; have its derived state made anew; keep it\n"
    "                   out of scoring until the next epoch ends. VALUE - is\n"
    "                   read from standard input. --offline: nginx does not\n"
    "                   run, and the secrets are in \"fraud_keys DIR\"\n"
    "  subject object|restrict ... --withdraw\n"
    "                   score it again\n"
    "  subject replay [...]\n"
    "                   erase all that there are tombstones of, after a "
    "backup\n"
    "                   was restored and before anything is served\n";

typedef enum { SHOW, EXPORT, ERASE, RECTIFY, OBJECT, RESTRICT, REPLAY } verb_t;

static const struct {
    const char *name;
    uint32_t rights; /* bits, of which a policy has to grant one */
    int erases;
} verbs[] = {
    [SHOW] = {"show",
              FRAUD_SETTING_BIT(FRAUD_RIGHT_ACCESS) |
                  FRAUD_SETTING_BIT(FRAUD_RIGHT_ACCESS_YEARLY),
              0},
    [EXPORT] = {"export", FRAUD_SETTING_BIT(FRAUD_RIGHT_EXPORT), 0},
    [ERASE] = {"erase",
               FRAUD_SETTING_BIT(FRAUD_RIGHT_ERASE) |
                   FRAUD_SETTING_BIT(FRAUD_RIGHT_ERASE_SELF),
               1},
    [RECTIFY] = {"rectify", FRAUD_SETTING_BIT(FRAUD_RIGHT_RECTIFY), 1},
    [OBJECT] = {"object", FRAUD_SETTING_BIT(FRAUD_RIGHT_OBJECT), 0},
    [RESTRICT] = {"restrict", FRAUD_SETTING_BIT(FRAUD_RIGHT_RESTRICT), 0},
    [REPLAY] = {"replay", 0, 1},
};

#define NVERBS (sizeof(verbs) / sizeof(verbs[0]))

typedef struct {
    verb_t verb;
    const char *conf, *prefix, *state, *billing;
    control_t control;
    char secret[MAX_SECRET];
    int offline;
    int withdraw;
    const char **evidence;
    size_t nevidence;
    uint64_t now;
    person_t person;
    arena_t arena;
    site_t site;
    vault_t vault;
    pids_t pids;
    int unreached; /* nginx or Redis, in whole or in part */
    uint64_t zone; /* records */
    uint64_t redis;
    int commas; /* of the list that is printed */
} rights_t;

static void take_secret(rights_t *r, const char *path) {
    if (!option_secret(r->secret, sizeof(r->secret), path)) {
        fail("cannot read the secret in %s", path);
    }
    r->control.secret = r->secret;
}

static void take_person(rights_t *r, const char *word, site_kind_t kind,
                        const char *identity, const char *value) {
    if (r->person.word != NULL) {
        fail("one subject at a time");
    }
    r->person.word = word;
    r->person.kind = kind;
    r->person.identity = identity;
    control_value(r->person.value, value);
}

/* Return 1 if it was an option of whom this is about. */
static int parse_person(rights_t *r, int argc, char **argv, int *i) {
    static const struct {
        const char *option;
        site_kind_t kind;
    } kinds[] = {{"--address", SITE_ADDRESS},
                 {"--session", SITE_SESSION},
                 {"--account", SITE_ACCOUNT}};
    const char *value;
    size_t k;

    for (k = 0; k < 3; k++) {
        value = option(argc, argv, i, kinds[k].option);
        if (value != NULL) {
            take_person(r, kinds[k].option + 2, kinds[k].kind, NULL, value);
            return 1;
        }
    }
    value = option(argc, argv, i, "--identity");
    if (value != NULL) {
        if (++*i == argc) {
            fail("--identity needs a name and a value");
        }
        take_person(r, "identity", SITE_ACCOUNT, value, argv[*i]);
        return 1;
    }
    return 0;
}

static void parse(rights_t *r, int argc, char **argv) {
    const char *value;
    int i;

    for (i = 2; i < argc; i++) {
        if (parse_person(r, argc, argv, &i)) {
            continue;
        }
        if (strcmp(argv[i], "--offline") == 0) {
            r->offline = 1;
        } else if (strcmp(argv[i], "--withdraw") == 0) {
            r->withdraw = 1;
        } else if ((value = option(argc, argv, &i, "-c")) != NULL ||
                   (value = option(argc, argv, &i, "--conf")) != NULL) {
            r->conf = value;
        } else if ((value = option(argc, argv, &i, "-p")) != NULL) {
            r->prefix = value;
        } else if ((value = option(argc, argv, &i, "--state")) != NULL) {
            r->state = value;
        } else if ((value = option(argc, argv, &i, "--billing")) != NULL) {
            r->billing = value;
        } else if ((value = option(argc, argv, &i, "--control")) != NULL) {
            r->control.url = value;
        } else if ((value = option(argc, argv, &i, "--socket")) != NULL) {
            r->control.socket = value;
        } else if ((value = option(argc, argv, &i, "--secret")) != NULL) {
            take_secret(r, value);
        } else if ((value = option(argc, argv, &i, "--evidence")) != NULL) {
            r->evidence = arena_grow(&r->arena, r->evidence, r->nevidence,
                                     sizeof(*r->evidence));
            r->evidence[r->nevidence++] = value;
        } else {
            /* it may be a value in the wrong place: not to be repeated */
            fail("an option is unknown, see fraudctl help");
        }
    }
    if ((r->person.word != NULL) == (r->verb == REPLAY)) {
        fail(r->verb == REPLAY ? "subject replay is about all there are"
                               : "whom is this about? e.g. --account -");
    }
}

/*
 * Return the seconds within which a policy wants it done, 0 without policies.
 * What none of them grants ends the program.
 */
static uint64_t check_rights(const rights_t *r) {
    uint64_t within = 0;
    int granted = 0;
    size_t i;

    for (i = 0; i < r->site.npolicies; i++) {
        const fraud_settings_t *s = &r->site.policies[i].policy->settings;

        if (s->rights & verbs[r->verb].rights) {
            within =
                granted && within < s->erase_within ? within : s->erase_within;
            granted = 1;
        }
    }
    if (r->site.npolicies != 0 && !granted && r->verb != REPLAY) {
        fail("no policy of the configuration knows the right to \"%s\"",
             verbs[r->verb].name);
    }
    return within;
}

static void comma(rights_t *r) {
    if (r->commas++ != 0) {
        (void)putchar(',');
    }
}

/* Ask nginx for his pseudonyms and what it has under them. */
static void ask_nginx(rights_t *r, const char *operation, int print) {
    static control_answer_t answer;
    const char *name;
    size_t i;

    for (i = 0; i < r->site.nidentities && !r->offline; i++) {
        if (!person_asks(&r->person, &r->site, i, &name)) {
            continue;
        }
        if (!control_ask(&r->control, operation, name, r->person.value,
                         &answer)) {
            /* an identity that no location uses is nobody's */
            r->unreached |= answer.status != 404;
            continue;
        }
        person_answer(answer.text, &r->arena, &r->pids);
        if (print) {
            comma(r);
            (void)printf("%.*s", (int)strcspn(answer.text, "\n"), answer.text);
        }
    }
}

static void scrub(rights_t *r) {
    struct timespec settle = {0, SETTLE_NS};

    if (r->offline || r->unreached) {
        return;
    }
    r->unreached |= !scrub_all(&r->control, &r->pids, &r->zone);
    if (r->site.nredis != 0) {
        (void)nanosleep(&settle, NULL);
    }
}

static void search(rights_t *r, redact_t *redact) {
    const char **cases;
    size_t i, n;

    redact->pids = &r->pids;
    redact_logs(redact, &r->site);
    for (i = 0; i < r->nevidence; i++) {
        redact_dir(redact, &r->arena, r->evidence[i]);
    }
    if (redact->erase && site_finishes(&r->site)) {
        return;
    }
    cases = hold_cases(&r->vault, &n);
    for (i = 0; i < n; i++) {
        redact_dir(redact, &r->arena, cases[i]);
    }
}

static void print_record(void *data, const char *pid,
                         const unsigned char *bytes, size_t len,
                         long long ttl) {
    rights_t *r = data;

    comma(r);
    entry_record(pid, bytes, len, ttl, r->verb == EXPORT);
}

static void print_line(void *data, const char *line, size_t len) {
    comma(data);
    entry_line(line, len);
}

static void audit(rights_t *r, const redact_t *redact, uint64_t within) {
    const char *word = r->person.word != NULL ? r->person.word : "all";
    uint8_t line[VAULT_LINE];
    fraud_event_t event;

    fraud_event_begin(&event, line, sizeof(line));
    fraud_event_time(&event, FRAUD_STR("time"), r->now * 1000);
    fraud_event_str(&event, FRAUD_STR("subject"), verbs[r->verb].name,
                    strlen(verbs[r->verb].name));
    fraud_event_str(&event, FRAUD_STR("by"), word, strlen(word));
    fraud_event_uint(&event, FRAUD_STR("pids"), r->pids.n);
    if (verbs[r->verb].erases) {
        fraud_event_uint(&event, FRAUD_STR("zone"), r->zone);
        fraud_event_uint(&event, FRAUD_STR("redis"), r->redis);
    }
    if (redact != NULL) {
        fraud_event_uint(&event, FRAUD_STR("files"), redact->files);
        fraud_event_uint(&event, FRAUD_STR("lines"), redact->lines);
        fraud_event_uint(&event, FRAUD_STR("unsearched"), redact->unsearched);
    }
    if (within != 0) {
        fraud_event_time(&event, FRAUD_STR("deadline"),
                         (r->now + within) * 1000);
    }
    fraud_event_str(&event, FRAUD_STR("state"),
                    r->unreached ? "unfinished" : "done",
                    r->unreached ? 10 : 4);
    vault_audit(&r->vault, &event, r->verb != SHOW && r->verb != EXPORT);
}

/* Return 1 if not all of it can be said. */
static int show(rights_t *r, uint64_t within) {
    redact_t redact;
    redis_t *redis;

    memset(&redact, 0, sizeof(redact));
    (void)printf("{\"nginx\":[");
    ask_nginx(r, "show", 1);
    pids_sort(&r->pids);
    (void)printf("],\n\"redis\":[");
    r->commas = 0;
    redis = redis_open(&r->site);
    r->redis = redis_each(redis, &r->pids, print_record, r);
    r->unreached |= redis_close(redis);
    (void)printf("],\n\"log\":[");
    r->commas = 0;
    if (r->verb == EXPORT) {
        redact.print = print_line;
        redact.data = r;
    }
    search(r, &redact);
    (void)printf("],\n\"lines\":%llu}\n", (unsigned long long)redact.lines);
    audit(r, &redact, within);
    return r->unreached || redact.unsearched != 0;
}

/*
 * The tombstone first: whatever stops this, it can be replayed. Redis after
 * nginx, which would tell it anew.
 */
static int erase(rights_t *r, uint64_t within) {
    redact_t redact;
    redis_t *redis;

    memset(&redact, 0, sizeof(redact));
    redact.erase = 1;
    if (r->verb != REPLAY) {
        ask_nginx(r, "show", 0);
        pids_sort(&r->pids);
    }
    if (r->verb == ERASE && r->pids.n != 0) {
        tombstone_write(&r->vault, &r->pids, r->now);
    }
    scrub(r);
    redis = redis_open(&r->site);
    r->redis = redis_erase(redis, &r->pids);
    r->unreached |= redis_close(redis);
    if (r->verb != RECTIFY) {
        r->unreached |= !r->offline && !scrub_flush(&r->site);
        search(r, &redact);
    }
    if (r->pids.n == 0 && r->verb != REPLAY && !r->unreached) {
        (void)fprintf(stderr, "fraudctl: nobody is known by that kind of "
                              "name\n");
    }
    if (r->verb == ERASE && r->person.kind == SITE_ACCOUNT) {
        erase_known(r->billing, r->person.value);
    }
    audit(r, r->verb != RECTIFY ? &redact : NULL, within);
    return r->unreached || redact.unsearched != 0;
}

static int object(rights_t *r, uint64_t within) {
    if (r->person.word != NULL && strcmp(r->person.word, "address") == 0) {
        fail("an address is no person: limits on it defend requests, whoever "
             "sends them; use erase");
    }
    if (r->site.objections == NULL) {
        fail("the configuration names no \"fraud_objections\" file");
    }
    ask_nginx(r, "show", 0);
    pids_sort(&r->pids);
    if (r->withdraw) {
        objections_remove(r->site.objections, &r->arena, &r->pids);
    } else {
        objections_add(r->site.objections, &r->arena, &r->pids,
                       r->now + OBJECTIONS_EPOCHS * r->site.epoch);
    }
    audit(r, NULL, within);
    return r->unreached;
}

static int run(rights_t *r) {
    uint64_t within;

    site_read(&r->site, &r->arena, r->conf != NULL ? r->conf : OPTION_CONF,
              r->prefix);
    person_check(&r->person, &r->site);
    within = check_rights(r);
    vault_open(&r->vault, &r->arena, r->state, 1);
    if (r->verb == REPLAY) {
        tombstone_read(&r->vault, &r->site, &r->pids);
        return erase(r, 0);
    }
    if (r->offline && r->site.keys_dir == NULL) {
        fail("the secrets are in the memory of nginx alone, which has to run");
    }
    if (r->site.keys_dir != NULL) {
        person_keys(&r->person, &r->site, r->site.keys_dir, &r->pids);
    }
    switch (r->verb) {
    case SHOW:
    case EXPORT:
        return show(r, within);
    case OBJECT:
    case RESTRICT:
        return object(r, within);
    default:
        return erase(r, within);
    }
}

int rights(int argc, char **argv) {
    static rights_t r;
    size_t i = 0;
    int rc;

    while (i < NVERBS && (argc < 2 || strcmp(argv[1], verbs[i].name) != 0)) {
        i++;
    }
    if (i == NVERBS) {
        fail("subject needs \"show\", \"export\", \"erase\", \"rectify\", "
             "\"object\", \"restrict\" or \"replay\", see fraudctl help");
    }
    r.verb = (verb_t)i;
    r.now = option_now();
    parse(&r, argc, argv);
    rc = run(&r);
    person_wipe(&r.person);
    arena_free(&r.arena);
    if (fflush(stdout) != 0) {
        fail("cannot write what was done");
    }
    return rc;
}
