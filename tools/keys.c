/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "keys.h"

#include "conf.h"
#include "fail.h"
#include "fraud_policy.h"
#include "fraud_str.h"
#include "keydir.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_CONF "/etc/nginx/nginx.conf"
#define DEFAULT_EPOCH 86400u

const char keys_usage[] =
    "  keys rotate [DIR] [-c NGINX.CONF] [--epoch TIME] [--group NAME]\n"
    "              [--domain NAME]...\n"
    "                   make the secrets of this epoch and the next in DIR\n"
    "                   where they are missing, for the identities of\n"
    "                   NGINX.CONF and for each NAME; destroy those older "
    "than\n"
    "                   the epoch before this. DIR, TIME and the group that\n"
    "                   may read them are those of NGINX.CONF, default\n"
    "                   " DEFAULT_CONF ", - for none\n"
    "  keys destroy [DIR] [-c NGINX.CONF] [--epoch TIME]\n"
    "                   only destroy: where DIR is a copy of another host's\n"
    "  keys list [DIR] [-c NGINX.CONF]\n"
    "                   epochs, when they begin and end, and domains\n";

typedef struct {
    const char *verb;
    const char *dir;
    const char *conf;
    uint64_t length; /* seconds, 0: not given */
    const char *group;
    keynames_t names;
    keynames_t identities; /* of the configuration, each in names, too */
    keynames_t policies;   /* names of policies there */
    keynames_t deducting;  /* of these, where money may be deducted */
    int flags;             /* are raised there */
    arena_t arena;
} options_t;

static int word_is(fraud_str_t word, const char *text) {
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

static void add_name(options_t *options, const char *prefix, const char *name) {
    keynames_t *names = &options->names;
    size_t len = strlen(prefix) + strlen(name);
    char *text = arena_alloc(&options->arena, len + 1);

    (void)snprintf(text, len + 1, "%s%s", prefix, name);
    if (!fraud_keys_is_domain(text, len)) {
        fail("invalid domain \"%s\", use 1 to %d letters, digits, \"_\", "
             "\".\", \":\", \"@\" and \"-\"",
             text, FRAUD_PID_DOMAIN_MAX);
    }
    names->name = arena_grow(&options->arena, names->name, names->n,
                             sizeof(*names->name));
    names->name[names->n].data = (const uint8_t *)text;
    names->name[names->n++].len = len;
}

static void note(options_t *options, keynames_t *names, const char *name) {
    names->name = arena_grow(&options->arena, names->name, names->n,
                             sizeof(*names->name));
    names->name[names->n++] = arena_copy(&options->arena, name, strlen(name));
}

/* An identity has a secret for what is stored and another for the log. */
static void add_identity(options_t *options, const char *name) {
    add_name(options, "", name);
    add_name(options, "log.", name);
    note(options, &options->identities, name);
}

/* The name that a policy gives itself. */
static void add_policy(options_t *options, const char *path) {
    char *text = arena_alloc(&options->arena, FRAUD_POLICY_MAX_BYTES + 1);
    FILE *in = fopen(path, "rb");
    fraud_policy_t policy;
    fraud_err_t err;
    size_t len;

    if (in == NULL) {
        fail("cannot open %s: %s", path, strerror(errno));
    }
    len = fread(text, 1, FRAUD_POLICY_MAX_BYTES + 1, in);
    (void)fclose(in);
    if (fraud_policy_parse(&policy, text, len, &err) != FRAUD_OK) {
        fail("%s:%zu: %s", path, err.line, err.why);
    }
    note(options, &options->policies, policy.name);
    if (policy.settings.deduct != FRAUD_DEDUCT_FORBID) {
        note(options, &options->deducting, policy.name);
    }
}

/* Under a policy an identity has others: NAME@POLICY. */
static void add_policies(options_t *options) {
    const keynames_t *identities = &options->identities;
    const keynames_t *policies = &options->policies;
    char name[FRAUD_PID_DOMAIN_MAX + 1];
    size_t i, k;

    for (i = 0; i < policies->n; i++) {
        for (k = 0; k < identities->n; k++) {
            (void)snprintf(name, sizeof(name), "%.*s@%.*s",
                           (int)identities->name[k].len,
                           (const char *)identities->name[k].data,
                           (int)policies->name[i].len,
                           (const char *)policies->name[i].data);
            add_name(options, "", name);
            add_name(options, "log.", name);
        }
    }
}

/* Billing has secrets of its own: of pseudonyms and of the ids of flags. */
static void add_billing(options_t *options) {
    const keynames_t *policies = &options->deducting;
    char name[FRAUD_PID_DOMAIN_MAX + 1];
    size_t i;

    for (i = 0; options->flags && i < policies->n; i++) {
        (void)snprintf(name, sizeof(name), "@%.*s", (int)policies->name[i].len,
                       (const char *)policies->name[i].data);
        add_name(options, "billing", name);
        add_name(options, "flag", name);
    }
}

static int compare(const void *a, const void *b) {
    const fraud_str_t *x = a, *y = b;

    return strcmp((const char *)x->data, (const char *)y->data);
}

static void sort_names(keynames_t *names) {
    size_t i, n = 0;

    qsort(names->name, names->n, sizeof(*names->name), compare);
    for (i = 0; i < names->n; i++) {
        if (n == 0 || compare(&names->name[n - 1], &names->name[i]) != 0) {
            names->name[n++] = names->name[i];
        }
    }
    names->n = n;
}

static uint64_t parse_epoch(const char *text) {
    uint64_t ms;

    if (fraud_str_time(&ms, text, strlen(text),
                       (uint64_t)FRAUD_KEYS_MAX_LENGTH * 1000) != FRAUD_OK ||
        ms == 0 || ms % 1000 != 0) {
        fail("invalid epoch \"%s\", use a time from 1s to 30d", text);
    }
    return ms / 1000;
}

static const char *text_of(const conf_node_t *node, size_t i) {
    return i < node->n ? (const char *)node->words[i].data : "";
}

/* "fraud_keys DIR [epoch=TIME]"; what was given by hand stays. */
static void take_directive(options_t *options, const conf_t *conf,
                           const conf_node_t *node) {
    const char *epoch = text_of(node, 2);

    if (node->n < 2 || word_is(node->words[1], "memory")) {
        return;
    }
    if (options->dir == NULL) {
        options->dir = conf_path(conf, node->words[1]);
    }
    if (options->length == 0 && strncmp(epoch, "epoch=", 6) == 0) {
        options->length = parse_epoch(epoch + 6);
    }
}

static void walk(options_t *options, const conf_t *conf,
                 const conf_node_t *node) {
    for (; node != NULL; node = node->next) {
        if (conf_is(node, "fraud_identity") && node->n > 1) {
            add_identity(options, text_of(node, 1));
        } else if (conf_is(node, "fraud_session")) {
            add_identity(options, "session");
        } else if (conf_is(node, "fraud_policy") && node->n > 1) {
            add_policy(options, conf_path(conf, node->words[1]));
        } else if (conf_is(node, "fraud_flag")) {
            options->flags = 1;
        } else if (conf_is(node, "fraud_keys")) {
            take_directive(options, conf, node);
        } else if (conf_is(node, "user") && options->group == NULL &&
                   geteuid() == 0) {
            options->group = text_of(node, node->n > 2 ? 2 : 1);
        }
        walk(options, conf, node->child);
    }
}

/* The value of the option at ${*i}: after '=', or the next word. */
static const char *value_of(int argc, char **argv, int *i, const char *name) {
    size_t len = strlen(name);

    if (strncmp(argv[*i], name, len) != 0) {
        return NULL;
    }
    if (argv[*i][len] == '=' && len > 2) {
        return argv[*i] + len + 1;
    }
    if (argv[*i][len] != '\0') {
        return NULL;
    }
    if (++*i == argc) {
        fail("%s needs a value", name);
    }
    return argv[*i];
}

static void parse(options_t *options, int argc, char **argv) {
    const char *value;
    int i;

    if (argc < 2) {
        fail("keys needs \"rotate\", \"destroy\" or \"list\", see fraudctl "
             "help");
    }
    options->verb = argv[1];
    for (i = 2; i < argc; i++) {
        if (argv[i][0] != '-') {
            if (options->dir != NULL) {
                fail("one directory at a time: \"%s\" is one too many",
                     argv[i]);
            }
            options->dir = argv[i];
        } else if ((value = value_of(argc, argv, &i, "-c")) != NULL ||
                   (value = value_of(argc, argv, &i, "--conf")) != NULL) {
            options->conf = value;
        } else if ((value = value_of(argc, argv, &i, "--epoch")) != NULL) {
            options->length = parse_epoch(value);
        } else if ((value = value_of(argc, argv, &i, "--group")) != NULL) {
            options->group = value;
        } else if ((value = value_of(argc, argv, &i, "--domain")) != NULL) {
            add_name(options, "", value);
        } else {
            fail("unknown option \"%s\", see fraudctl help", argv[i]);
        }
    }
}

static void read_conf(options_t *options) {
    const char *path = options->conf;
    conf_t conf;

    if (path == NULL) {
        path = DEFAULT_CONF;
    }
    if (strcmp(path, "-") != 0) {
        add_identity(options, "address");
        add_name(options, "", FRAUD_KEYS_VALUE);
        conf_read(&conf, &options->arena, path);
        walk(options, &conf, conf.first);
        add_policies(options);
        add_billing(options);
    }
    if (options->length == 0) {
        options->length = DEFAULT_EPOCH;
    }
    if (options->dir == NULL) {
        fail("no directory: name one, or in %s by \"fraud_keys DIR\"", path);
    }
}

static long group_of(const char *name) {
    struct group *group;

    if (name == NULL || strcmp(name, "root") == 0) {
        return -1;
    }
    errno = 0;
    group = getgrnam(name);
    if (group == NULL) {
        fail("no group \"%s\", give that of nginx's workers by --group", name);
    }
    return (long)group->gr_gid;
}

static uint64_t now(void) {
    time_t t = time(NULL);

    if (t < 0) {
        fail("the clock is wrong");
    }
    return (uint64_t)t;
}

static int rotate(options_t *options) {
    uint64_t epoch;
    keydir_t dir;

    read_conf(options);
    if (options->names.n == 0) {
        fail("no domains: give a configuration or --domain");
    }
    sort_names(&options->names);
    keydir_open(&dir, options->dir, group_of(options->group), 1);
    keydir_lock(&dir);
    /* the time after waiting */
    epoch = now() / options->length;
    keydir_ensure(&dir, epoch, options->length, &options->names);
    keydir_ensure(&dir, epoch + 1, options->length, &options->names);
    keydir_destroy(&dir, epoch, options->length);
    keydir_close(&dir);
    return 0;
}

static int destroy(options_t *options) {
    keydir_t dir;

    if (options->dir == NULL || options->length == 0) {
        read_conf(options);
    }
    keydir_open(&dir, options->dir, -1, 0);
    keydir_lock(&dir);
    keydir_destroy(&dir, now() / options->length, options->length);
    keydir_close(&dir);
    return 0;
}

static void print_time(uint64_t seconds) {
    time_t t = (time_t)seconds;
    char text[32] = "-";
    struct tm tm;

    if (gmtime_r(&t, &tm) != NULL) {
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    (void)printf(" %s", text);
}

static void print_file(const fraud_keys_t *file, uint64_t time) {
    static const char *const names[] = {"previous", "current", "next"};
    uint64_t current = time / file->length;
    const char *at = file->lines;
    fraud_str_t domain;
    fraud_pid_key_t key;

    (void)printf("%llu", (unsigned long long)file->epoch);
    print_time(file->epoch * file->length);
    print_time((file->epoch + 1) * file->length);
    (void)printf(" %s:", file->epoch + 1 < current ? "old"
                         : file->epoch > current + 1
                             ? "later"
                             : names[file->epoch + 1 - current]);
    while (fraud_keys_next(file, &at, &domain, &key)) {
        (void)printf(" %.*s", (int)domain.len, (const char *)domain.data);
    }
    fraud_pid_key_wipe(&key);
    (void)putchar('\n');
}

static int list(options_t *options) {
    char name[FRAUD_KEYS_NAME_SIZE];
    uint64_t *numbers, time = now();
    keyfile_t file;
    fraud_err_t err;
    keydir_t dir;
    size_t i, n;
    fraud_rc rc;
    int bad = 0;

    if (options->dir == NULL) {
        read_conf(options);
    }
    keydir_open(&dir, options->dir, -1, 0);
    numbers = keydir_files(&dir, &options->arena, &n);
    for (i = 0; i < n; i++) {
        fraud_keys_name(name, numbers[i]);
        rc = keydir_read(&dir, name, &file, &err);
        if (rc == FRAUD_OK) {
            print_file(&file.keys, time);
        } else if (rc == FRAUD_EINVAL) {
            (void)fprintf(stderr, "fraudctl: %s/%s line %zu %s\n", dir.path,
                          name, err.line, err.why);
            bad = 1;
        }
        keydir_release(&file);
    }
    keydir_close(&dir);
    return bad;
}

int keys(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*run)(options_t *options);
    } verbs[] = {{"rotate", rotate}, {"destroy", destroy}, {"list", list}};
    options_t options = {0};
    size_t i;
    int rc;

    parse(&options, argc, argv);
    for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(options.verb, verbs[i].name) == 0) {
            rc = verbs[i].run(&options);
            arena_free(&options.arena);
            if (fflush(stdout) != 0) {
                fail("cannot write what was done");
            }
            return rc;
        }
    }
    fail("keys knows no \"%s\", use \"rotate\", \"destroy\" or \"list\"",
         options.verb);
}
