/* SPDX-License-Identifier: BSD-2-Clause */

#include "billing.h"
#include "fail.h"
#include "fraud_str.h"
#include "principal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_LINE 4096
#define MAX_SECONDS (3650u * 86400u)
#define MAX_AMOUNT INT32_MAX

/* While a file is read. */
typedef struct {
    billing_conf_t *conf;
    arena_t *arena;
    unsigned line;
    char section[BILLING_NAME_SIZE];
} reader_t;

typedef struct {
    const char *section;
    const char *name;
    size_t text;    /* offsets of where it goes, 0: not there */
    size_t seconds; /* a time */
    size_t amount;  /* a number */
} setting_t;

#define AT(member) offsetof(billing_conf_t, member)

static const setting_t settings[] = {
    {"billing", "database", AT(database), 0, 0},
    {"billing", "policies", AT(policies), 0, 0},
    {"billing", "key", AT(key), 0, 0},
    {"billing", "spool", AT(spool), 0, 0},
    {"billing", "stream", AT(stream), 0, 0},
    {"billing", "stream_ca", AT(stream_ca), 0, 0},
    {"billing", "stream_password", AT(stream_password), 0, 0},
    {"billing", "stream_keep", 0, AT(stream_keep), 0},
    {"billing", "metrics", AT(metrics), 0, 0},
    {"billing", "second_person", 0, 0, AT(second_person)},
    {"billing", "grace", 0, AT(grace), 0},
    {"billing", "spool_keep", 0, AT(spool_keep), 0},
    {"billing", "dead_keep", 0, AT(dead_keep), 0},
    {"webhook", "url", AT(webhook_url), 0, 0},
    {"webhook", "secret", AT(webhook_secret), 0, 0},
    {"webhook", "ca", AT(webhook_ca), 0, 0},
    {"reputation", "control", AT(control), 0, 0},
    {"reputation", "socket", AT(control_socket), 0, 0},
    {"reputation", "secret", AT(control_secret), 0, 0},
    {"reputation", "identity", AT(identity), 0, 0}};

#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

static const char *copy(reader_t *in, const char *text) {
    return (const char *)arena_copy(in->arena, text, strlen(text)).data;
}

static void set(reader_t *in, const setting_t *setting, const char *value) {
    char *conf = (char *)in->conf;
    uint64_t number;

    if (setting->text != 0) {
        *(const char **)(void *)(conf + setting->text) = copy(in, value);
        return;
    }
    if (setting->amount != 0) {
        if (fraud_str_uint(&number, value, strlen(value), MAX_AMOUNT) !=
            FRAUD_OK) {
            fail_in(in->conf->path, in->line,
                    "%s: \"%s\" is no number of minor units, use e.g. 5000",
                    setting->name, value);
        }
        *(uint64_t *)(void *)(conf + setting->amount) = number;
        return;
    }
    if (fraud_str_time(&number, value, strlen(value), MAX_SECONDS * 1000ull) !=
        FRAUD_OK) {
        fail_in(in->conf->path, in->line,
                "%s: \"%s\" is no time, use e.g. 48h or 7d", setting->name,
                value);
    }
    *(uint64_t *)(void *)(conf + setting->seconds) = number / 1000;
}

static void add_author(reader_t *in, const char *rule, const char *name) {
    billing_author_t *author;

    if (in->conf->nauthors == BILLING_AUTHORS) {
        fail_in(in->conf->path, in->line, "more than %d authors",
                BILLING_AUTHORS);
    }
    author = &in->conf->author[in->conf->nauthors++];
    if (strlen(rule) >= sizeof(author->rule)) {
        fail_in(in->conf->path, in->line, "\"%s\" is too long, at most %d",
                rule, BILLING_NAME_SIZE - 1);
    }
    /* what nobody can be called would keep nobody from judging */
    if (!principal_name(author->author, name, sizeof(author->author))) {
        fail_in(in->conf->path, in->line,
                "\"%s\" is no login name: at most %d of a-z, A-Z, 0-9, '.', "
                "'_', '-'",
                name, BILLING_NAME_SIZE - 1);
    }
    memcpy(author->rule, rule, strlen(rule) + 1);
}

static void take(reader_t *in, const char *name, const char *value) {
    size_t i;

    if (strcmp(in->section, "authors") == 0) {
        add_author(in, name, value);
        return;
    }
    for (i = 0; i < NSETTINGS; i++) {
        if (strcmp(settings[i].section, in->section) == 0 &&
            strcmp(settings[i].name, name) == 0) {
            set(in, &settings[i], value);
            return;
        }
    }
    fail_in(in->conf->path, in->line, "[%s] has no setting \"%s\"", in->section,
            name);
}

/* Return ${text} without the white space around it, which it overwrites. */
static char *trim(char *text) {
    size_t len;

    text += strspn(text, " \t");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
        len--;
    }
    text[len] = '\0';
    return text;
}

static void read_section(reader_t *in, char *text) {
    size_t len = strlen(text);

    if (text[len - 1] != ']' || len - 2 >= sizeof(in->section)) {
        fail_in(in->conf->path, in->line, "\"%s\" is no section, use [NAME]",
                text);
    }
    text[len - 1] = '\0';
    memcpy(in->section, text + 1, len - 1);
    if (strcmp(in->section, "billing") != 0 &&
        strcmp(in->section, "webhook") != 0 &&
        strcmp(in->section, "reputation") != 0 &&
        strcmp(in->section, "authors") != 0) {
        fail_in(in->conf->path, in->line,
                "no section [%s], use [billing], [webhook], [reputation] or "
                "[authors]",
                in->section);
    }
}

/* The values of lines that are no such lines may be secrets: not shown. */
static void read_line(reader_t *in, char *line) {
    char *text = trim(line), *equals;

    if (text[0] == '\0' || text[0] == '#' || text[0] == ';') {
        return;
    }
    if (text[0] == '[') {
        read_section(in, text);
        return;
    }
    equals = strchr(text, '=');
    if (equals == NULL || in->section[0] == '\0') {
        fail_in(in->conf->path, in->line, "no \"NAME = VALUE\" in a section");
    }
    *equals = '\0';
    equals = trim(equals + 1);
    text = trim(text);
    if (text[0] == '\0' || equals[0] == '\0') {
        fail_in(in->conf->path, in->line, "\"%s\" has no value", text);
    }
    take(in, text, equals);
}

static void check(const billing_conf_t *conf) {
    if (conf->database == NULL) {
        fail("%s has no \"database\", use sqlite:PATH or postgresql://...",
             conf->path);
    }
    if (conf->policies == NULL) {
        fail("%s has no \"policies\", the directory of all *.policy files",
             conf->path);
    }
    if (conf->spool != NULL && conf->stream != NULL) {
        fail("%s has both \"spool\" and \"stream\", use one", conf->path);
    }
    if (conf->webhook_url != NULL &&
        strncmp(conf->webhook_url, "https://", 8) != 0) {
        fail("%s: the url of [webhook] is not https://...", conf->path);
    }
    if ((conf->control != NULL || conf->control_socket != NULL ||
         conf->control_secret != NULL) &&
        conf->identity == NULL) {
        fail("%s: [reputation] has no \"identity\", the name in nginx's "
             "fraud_identity",
             conf->path);
    }
    if (conf->webhook_url != NULL && conf->webhook_secret == NULL) {
        fail("%s: [webhook] has no \"secret\", a file of whsec_... lines",
             conf->path);
    }
}

void billing_read_conf(billing_conf_t *conf, arena_t *arena, const char *path) {
    reader_t in = {conf, arena, 0, ""};
    char line[MAX_LINE];
    FILE *file;

    memset(conf, 0, sizeof(*conf));
    conf->path = copy(&in, path != NULL ? path : BILLING_CONF);
    conf->second_person = BILLING_SECOND_PERSON;
    conf->grace = BILLING_GRACE;
    conf->spool_keep = BILLING_SPOOL_KEEP;
    conf->dead_keep = BILLING_DEAD_KEEP;
    conf->stream_keep = BILLING_STREAM_KEEP;

    file = fopen(conf->path, "r");
    if (file == NULL) {
        fail("cannot read %s: %s", conf->path, strerror(errno));
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        in.line++;
        if (strlen(line) == sizeof(line) - 1) {
            fail_in(conf->path, in.line, "a line is longer than %d",
                    MAX_LINE - 2);
        }
        read_line(&in, line);
    }
    if (ferror(file)) {
        fail("cannot read %s: %s", conf->path, strerror(errno));
    }
    (void)fclose(file);
    check(conf);
}
