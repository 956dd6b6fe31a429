/* SPDX-License-Identifier: BSD-2-Clause */

#include "policy.h"

#include "fail.h"
#include "fraud_day.h"
#include "fraud_lines.h"
#include "fraud_policy.h"
#include "fraud_wording.h"
#include "vocabulary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_TEXT 4096

const char policy_usage[] =
    "  policy show [--canonical] FILE\n"
    "                   what a privacy policy allows, in words, and where "
    "each\n"
    "                   value comes from; or the form that its digest is of\n"
    "  policy explain [SETTING...]\n"
    "                   the settings and what each may say, strict to loose\n"
    "  policy lint FILE...\n"
    "                   status 1 for a file that nginx would refuse, or where "
    "a\n"
    "                   comment does not say and quote what a value is based "
    "on\n"
    "  policy diff [--date YYYY-MM-DD] OLD NEW\n"
    "                   which settings NEW tightens and loosens; status 1\n"
    "                   before the day from which it may replace OLD\n";

/* A file and what it says; the policy points into the text. */
typedef struct {
    const char *path;
    char *text;
    size_t len;
    fraud_policy_t policy;
} file_t;

typedef struct {
    uint8_t data[MAX_TEXT + 1];
    fraud_buf_t buf;
} text_t;

static fraud_buf_t *empty(text_t *text) {
    memset(text->data, 0, sizeof(text->data));
    fraud_buf_init(&text->buf, text->data, MAX_TEXT);
    return &text->buf;
}

static const char *text_of(const text_t *text) {
    return (const char *)text->data;
}

static const char *day_text(text_t *text, uint32_t day) {
    fraud_day_print(empty(text), day);
    return text_of(text);
}

static const char *value_text(text_t *text, const fraud_policy_t *policy,
                              fraud_setting_id_t id) {
    fraud_wording_value(empty(text), &policy->settings, id);
    return text_of(text);
}

static const char *name_of(fraud_setting_id_t id) {
    return fraud_setting_get(id)->name;
}

static fraud_rc load(file_t *file, const char *path, fraud_err_t *err) {
    FILE *in = fopen(path, "rb");

    /* a byte more than a policy may have, so that it is seen */
    file->path = path;
    file->text = malloc(FRAUD_POLICY_MAX_BYTES + 1);
    if (file->text == NULL) {
        fail("not enough memory");
    }
    if (in == NULL) {
        fail("cannot read %s: %s", path, strerror(errno));
    }
    file->len = fread(file->text, 1, FRAUD_POLICY_MAX_BYTES + 1, in);
    if (ferror(in)) {
        fail("cannot read %s: %s", path, strerror(errno));
    }
    (void)fclose(in);
    return fraud_policy_parse(&file->policy, file->text, file->len, err);
}

static void must_load(file_t *file, const char *path) {
    fraud_err_t err;

    if (load(file, path, &err) != FRAUD_OK) {
        fail_in(path, (unsigned)err.line, "%s", err.why);
    }
}

static void print_digest(const fraud_policy_t *p) {
    size_t i;

    (void)fputs("sha256:", stdout);
    for (i = 0; i < sizeof(p->digest); i++) {
        (void)printf("%02x", p->digest[i]);
    }
}

static void print_share(const fraud_part_t *part, uint32_t share) {
    const fraud_word_t *when = fraud_setting_when(FRAUD_SETTING_WHEN(share));
    uint32_t level = FRAUD_SETTING_LEVEL(share);

    if (level == FRAUD_LEVEL_NEVER && part->optional) {
        return; /* as everybody else */
    }
    (void)printf("    %s: %s%s%s\n", part->means, part->words[level].means,
                 when->name[0] != '\0' ? ", " : "", when->means);
}

static void show_part(const fraud_part_t *part, const fraud_policy_t *policy) {
    uint32_t value = fraud_setting_value(part, &policy->settings);
    const char *head = part->key[0] != '\0' ? part->means : NULL;
    text_t text;

    switch (part->type) {
    case FRAUD_PART_SET:
        vocabulary_words(part, value);
        return;
    case FRAUD_PART_SHARE:
        print_share(part, value);
        return;
    case FRAUD_PART_CHOICE:
        (void)printf("    %s%s%s\n", head != NULL ? head : "",
                     head != NULL ? ": " : "", part->words[value].means);
        return;
    case FRAUD_PART_TIME:
    case FRAUD_PART_NUMBER:
    case FRAUD_PART_CAP:
        break;
    }
    if (head == NULL) {
        return; /* a time that stands alone says it all */
    }
    if (part->type == FRAUD_PART_TIME) {
        fraud_wording_time(empty(&text), value);
    } else {
        fraud_wording_part(empty(&text), &policy->settings, part);
    }
    (void)printf("    %s: %s", head, text_of(&text));
    if (part->nwords != 0) {
        value = fraud_setting_note(part, &policy->settings);
        (void)printf(", %s", part->words[value].means);
    }
    (void)putchar('\n');
}

/* A comment, in the lines it has in the file. */
static void print_comment(fraud_str_t comment) {
    fraud_str_t line;
    text_t text;
    size_t i;

    while (comment.len != 0) {
        for (i = 0; i < comment.len && comment.data[i] != '\n'; i++) {
        }
        line.data = comment.data;
        line.len = i;
        fraud_lines_comment(empty(&text), line);
        (void)printf("  %s\n", text_of(&text));
        i += i < comment.len;
        comment.data += i;
        comment.len -= i;
    }
}

static void show_setting(const fraud_policy_t *policy, fraud_setting_id_t id) {
    const fraud_part_t *part;
    text_t text;
    size_t i;

    (void)printf("\n%s = %s\n  %s\n", name_of(id),
                 value_text(&text, policy, id), fraud_setting_get(id)->about);
    for (i = 0; (part = fraud_setting_part(i)) != NULL; i++) {
        if (part->id == id) {
            show_part(part, policy);
        }
    }
    if (id == FRAUD_SETTING_KEEP_BACKUP && fraud_policy_replays(policy)) {
        (void)puts("    longer than an erasure takes: a restore replays all "
                   "erasures before it serves");
    }
    print_comment(policy->comment[id]);
}

static int show(int argc, char **argv) {
    int canonical = argc > 1 && strcmp(argv[1], "--canonical") == 0;
    fraud_policy_t *policy;
    text_t text;
    file_t file;
    size_t i;

    if (argc != 2 + canonical || argv[1 + canonical][0] == '-') {
        fail("policy show takes one file");
    }
    must_load(&file, argv[1 + canonical]);
    policy = &file.policy;
    if (canonical) {
        fraud_policy_print(empty(&text), policy);
        (void)fputs(text_of(&text), stdout);
        free(file.text);
        return 0;
    }
    (void)printf("%s, version %u\n", policy->name, (unsigned)policy->version);
    (void)printf("announced %s, ", day_text(&text, policy->notice));
    (void)printf("in force from %s\n", day_text(&text, policy->effective));
    print_digest(policy);
    (void)putchar('\n');
    for (i = 0; i < FRAUD_SETTING_N; i++) {
        show_setting(policy, (fraud_setting_id_t)i);
    }
    free(file.text);
    return 0;
}

static int explain_settings(int argc, char **argv) {
    fraud_setting_id_t id;
    fraud_str_t name;
    int i;

    for (i = 0; argc == 1 && i < FRAUD_SETTING_N; i++) {
        vocabulary_setting((fraud_setting_id_t)i, i != 0);
    }
    for (i = 1; i < argc; i++) {
        name.data = (const uint8_t *)argv[i];
        name.len = strlen(argv[i]);
        if (fraud_setting_find(&id, name) != FRAUD_OK) {
            fail("no setting \"%s\", see fraudctl policy explain", argv[i]);
        }
        vocabulary_setting(id, i != 1);
    }
    return 0;
}

/* The bases of a value, as far as a program sees: return what is wrong. */
static const char *basis_fault(const fraud_policy_t *policy,
                               fraud_setting_id_t id) {
    fraud_policy_basis_t basis = fraud_policy_basis(policy, id);
    text_t text;

    if (basis == FRAUD_POLICY_UNSAID) {
        return "says not what it is based on, begin the comment above it with "
               "stated:, derived:, gap: or conflict:";
    }
    fraud_lines_quote(empty(&text), policy->comment[id]);
    if (basis != FRAUD_POLICY_GAP && text.buf.len == 0) {
        return "quotes no words of the policy that it is based on, put them "
               "in \xe2\x80\x9c\xe2\x80\x9d";
    }
    return NULL;
}

static int lint_file(const char *path) {
    const char *fault;
    fraud_err_t err;
    file_t file;
    int bad = 0;
    size_t i;

    if (load(&file, path, &err) != FRAUD_OK) {
        (void)printf("%s:%zu: %s\n", path, err.line, err.why);
        free(file.text);
        return 1;
    }
    for (i = 0; i < FRAUD_SETTING_N; i++) {
        fault = basis_fault(&file.policy, (fraud_setting_id_t)i);
        if (fault != NULL) {
            (void)printf("%s:%zu: \"%s\" %s\n", path, file.policy.line[i],
                         name_of((fraud_setting_id_t)i), fault);
            bad = 1;
        }
    }
    if (!bad) {
        (void)printf("%s: ok, %s version %u, ", path, file.policy.name,
                     (unsigned)file.policy.version);
        print_digest(&file.policy);
        (void)putchar('\n');
    }
    free(file.text);
    return bad;
}

static int lint(int argc, char **argv) {
    int i, bad = 0;

    if (argc < 2) {
        fail("policy lint needs a file");
    }
    for (i = 1; i < argc; i++) {
        bad |= lint_file(argv[i]);
    }
    return bad;
}

/* Return how many settings differ. */
static unsigned print_changes(const fraud_policy_t *old,
                              const fraud_policy_t *now, uint32_t loosens) {
    text_t was, is;
    unsigned n = 0;
    size_t i;

    for (i = 0; i < FRAUD_SETTING_N; i++) {
        fraud_setting_id_t id = (fraud_setting_id_t)i;
        int looser = (loosens & FRAUD_SETTING_BIT(i)) != 0;

        if (strcmp(value_text(&was, old, id), value_text(&is, now, id)) != 0) {
            (void)printf("%s %s: %s -> %s\n", looser ? "loosens" : "tightens",
                         name_of(id), text_of(&was), text_of(&is));
            n++;
        }
    }
    return n;
}

static int judge(const fraud_policy_t *old, const fraud_policy_t *now,
                 uint32_t today) {
    uint32_t loosens = fraud_policy_loosens(old, now);
    uint32_t due = fraud_policy_due(old, now);
    text_t text, promise;

    if (print_changes(old, now, loosens) == 0) {
        (void)puts("the settings are the same");
        return 0;
    }
    if (now->version <= old->version) {
        (void)printf("refused: settings differ, but version %u is not above "
                     "%u\n",
                     (unsigned)now->version, (unsigned)old->version);
        return 1;
    }
    if (loosens == 0) {
        (void)printf("nothing is loosened, in force from %s\n",
                     day_text(&text, now->effective));
        return 0;
    }
    (void)printf("%s: may replace version %u from %s on",
                 today < due ? "refused" : "allowed", (unsigned)old->version,
                 day_text(&text, due));
    (void)printf(" (announced %s, ", day_text(&text, now->notice));
    (void)printf("in force from %s, the old policy says \"%s\")\n",
                 day_text(&text, now->effective),
                 value_text(&promise, old, FRAUD_SETTING_CHANGE));
    return today < due;
}

static int diff(int argc, char **argv) {
    uint32_t today = (uint32_t)(time(NULL) / (time_t)FRAUD_SETTING_DAY);
    file_t old, now;
    int i = 1, status;

    if (argc > 1 && strcmp(argv[1], "--date") == 0) {
        if (argc < 3 ||
            fraud_day_parse(&today, argv[2], strlen(argv[2])) != FRAUD_OK) {
            fail("--date needs a day, YYYY-MM-DD");
        }
        i = 3;
    }
    if (argc != i + 2 || argv[i][0] == '-') {
        fail("policy diff takes two files, the old and the new");
    }
    must_load(&old, argv[i]);
    must_load(&now, argv[i + 1]);
    if (strcmp(old.policy.name, now.policy.name) != 0) {
        fail("\"%s\" and \"%s\" are not versions of one policy",
             old.policy.name, now.policy.name);
    }
    status = judge(&old.policy, &now.policy, today);
    free(old.text);
    free(now.text);
    return status;
}

int policy(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } verbs[] = {{"show", show},
                 {"explain", explain_settings},
                 {"lint", lint},
                 {"diff", diff}};
    size_t i;
    int status;

    for (i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            status = verbs[i].run(argc - 1, argv + 1);
            if (fflush(stdout) != 0) {
                fail("cannot write: %s", strerror(errno));
            }
            return status;
        }
    }
    fail("policy needs show, explain, lint or diff, see fraudctl help");
}
