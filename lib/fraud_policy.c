/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_policy.h"

#include "fraud_day.h"
#include "fraud_lines.h"
#include "fraud_lint.h"
#include "fraud_value.h"
#include "fraud_wording.h"

#include <string.h>

#include <ini.h>

/*
 * inih's habits are chosen when it is built: continued lines, comments behind
 * values, the length of a line. So that a policy means the same everywhere, it
 * gets the lines of fraud_lines, of one shape and never longer than its buffer
 * may be. It calls back while the line is the latest one, which is how number
 * and comment of a setting are known.
 */

#define SHOWN_MAX 24
#define POLICY 1 /* sections, as bits */
#define SETTINGS 2

enum { HEAD_NAME = 0, HEAD_VERSION, HEAD_NOTICE, HEAD_EFFECTIVE, HEAD_N };

static const struct {
    const char *name;
    const char *use;
} heads[] = {
    [HEAD_NAME] = {"name", "use a-z, 0-9, '-' and '_', at most 32"},
    [HEAD_VERSION] = {"version", "use 1 to 999999"},
    [HEAD_NOTICE] = {"notice", "use a day, YYYY-MM-DD"},
    [HEAD_EFFECTIVE] = {"effective", "use a day, YYYY-MM-DD"},
};

typedef struct {
    fraud_lines_t lines;
    fraud_policy_t *policy;
    fraud_err_t *err;
    fraud_rc rc; /* the first error ends the file */
    int sections;
    int calls; /* lines that inih asked for */
    size_t head_line[HEAD_N];
} reader_t;

/* "NAME" TEXT VALUE; what does not fit is left out. */
static void fail(reader_t *in, size_t line, const char *name, const char *text,
                 const char *value) {
    fraud_buf_t buf;
    size_t i;

    memset(in->err, 0, sizeof(*in->err));
    in->err->line = line;
    in->rc = FRAUD_EINVAL;
    fraud_buf_init(&buf, (uint8_t *)in->err->why, sizeof(in->err->why) - 1);
    fraud_buf_char(&buf, '"');
    for (i = 0; name[i] != '\0' && i < SHOWN_MAX; i++) {
        fraud_buf_char(&buf, name[i] < ' ' || name[i] > '~' ? '?' : name[i]);
    }
    fraud_buf_text(&buf, name[i] != '\0' ? "...\"" : "\"");
    fraud_buf_text(&buf, text);
    fraud_buf_text(&buf, value);
}

static void begin_section(reader_t *in, const char *line) {
    int section = strcmp(line, "[policy]") == 0     ? POLICY
                  : strcmp(line, "[settings]") == 0 ? SETTINGS
                                                    : 0;

    if (section == 0) {
        fail(in, in->lines.line, line, " is no section, use [policy] or ",
             "[settings]");
    } else if ((in->sections & section) != 0) {
        fail(in, in->lines.line, line, " begins a second time", "");
    }
    in->sections |= section;
}

/* As fgets() would. */
static char *next_line(char *str, int num, void *stream) {
    reader_t *in = stream;
    size_t size = FRAUD_POLICY_MAX_LINE;
    fraud_buf_t buf;
    fraud_rc rc;

    if (in->rc != FRAUD_OK || num < 3) {
        return NULL;
    }
    in->calls++;
    size = size < (size_t)num - 2 ? size : (size_t)num - 2;
    fraud_buf_init(&buf, (uint8_t *)str, size);
    rc = fraud_lines_next(&in->lines, &buf, in->err);
    if (rc == FRAUD_NOTFOUND) {
        return NULL;
    }
    in->rc = rc;
    str[buf.len] = '\0';
    if (rc == FRAUD_OK && str[0] == '[') {
        begin_section(in, str);
    }
    if (in->rc != FRAUD_OK) {
        return NULL;
    }
    str[buf.len] = '\n';
    str[buf.len + 1] = '\0';
    return str;
}

static int is_policy_name(const char *text) {
    size_t len = strlen(text);

    return len > 0 && len <= FRAUD_NAME_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

static void take_head(reader_t *in, const char *name, const char *value) {
    fraud_policy_t *policy = in->policy;
    fraud_rc rc = FRAUD_EINVAL;
    uint64_t n = 0;
    size_t i;

    for (i = 0; i < HEAD_N && strcmp(heads[i].name, name) != 0; i++) {
    }
    if (i == HEAD_N) {
        fail(in, in->lines.line, name, " is unknown, use name, version, ",
             "notice and effective in [policy]");
        return;
    }
    if (in->head_line[i] != 0) {
        fail(in, in->lines.line, name, " is set twice", "");
        return;
    }
    in->head_line[i] = in->lines.line;
    if (i == HEAD_NAME && is_policy_name(value)) {
        memcpy(policy->name, value, strlen(value));
        rc = FRAUD_OK;
    } else if (i == HEAD_VERSION) {
        rc = fraud_str_uint(&n, value, strlen(value), FRAUD_POLICY_MAX_VERSION);
        rc = n == 0 ? FRAUD_EINVAL : rc;
        policy->version = (uint32_t)n;
    } else if (i == HEAD_NOTICE || i == HEAD_EFFECTIVE) {
        rc = fraud_day_parse(i == HEAD_NOTICE ? &policy->notice
                                              : &policy->effective,
                             value, strlen(value));
    }
    if (rc != FRAUD_OK) {
        fail(in, in->lines.line, name, " is wrong, ", heads[i].use);
    }
}

static void take_setting(reader_t *in, const char *name, const char *value) {
    fraud_str_t text = {(const uint8_t *)name, strlen(name)};
    fraud_policy_t *policy = in->policy;
    fraud_setting_id_t id;

    if (fraud_setting_find(&id, text) != FRAUD_OK) {
        fail(in, in->lines.line, name, " is no setting, see ",
             "\"fraudctl policy explain\"");
        return;
    }
    if (policy->line[id] != 0) {
        fail(in, in->lines.line, name, " is set twice", "");
        return;
    }
    policy->line[id] = in->lines.line;
    policy->comment[id] = in->lines.comment;
    text.data = (const uint8_t *)value;
    text.len = strlen(value);
    in->rc = fraud_value_parse(&policy->settings, id, text, in->err);
    in->err->line = in->rc != FRAUD_OK ? in->lines.line : 0;
}

#if INI_HANDLER_LINENO
static int take(void *user, const char *section, const char *name,
                const char *value, int line) {
#else
static int take(void *user, const char *section, const char *name,
                const char *value) {
#endif
    reader_t *in = user;

#if INI_HANDLER_LINENO
    (void)line;
#endif
    if (in->rc != FRAUD_OK || name == NULL || value == NULL) {
        return 0;
    }
    if (strcmp(section, "policy") == 0) {
        take_head(in, name, value);
    } else if (strcmp(section, "settings") == 0) {
        take_setting(in, name, value);
    } else {
        fail(in, in->lines.line, name, " stands before any section", "");
    }
    return in->rc == FRAUD_OK;
}

static void start(reader_t *in, fraud_policy_t *policy, const char *text,
                  size_t len, fraud_err_t *err) {
    memset(in, 0, sizeof(*in));
    fraud_lines_init(&in->lines, text, len);
    in->policy = policy;
    in->err = err;
}

/* inih counts the lines that it was given; what began the n-th of them? */
static void fail_line(const reader_t *done, int n) {
    char line[FRAUD_POLICY_MAX_LINE + 2];
    reader_t in;

    start(&in, done->policy, done->lines.text, done->lines.len, done->err);
    while (n-- > 0 && next_line(line, (int)sizeof(line), &in) != NULL) {
    }
    line[strcspn(line, "\n")] = '\0';
    fail(&in, in.lines.line, line, " is no setting, use \"name = value\"", "");
}

static void check_missing(reader_t *in) {
    const fraud_policy_t *policy = in->policy;
    const fraud_part_t *part, *more;
    uint8_t use[128] = {0};
    fraud_buf_t buf;
    size_t i, end = in->lines.next - 1;

    for (i = 0; i < HEAD_N; i++) {
        if (in->head_line[i] == 0) {
            fail(in, end, heads[i].name, " is missing in [policy], ",
                 heads[i].use);
            return;
        }
    }
    for (i = 0; (part = fraud_setting_part(i)) != NULL; i++) {
        if (policy->line[part->id] != 0) {
            continue;
        }
        more = fraud_setting_part(i + 1);
        fraud_buf_init(&buf, use, 90);
        fraud_buf_text(&buf, "use ");
        fraud_wording_allowed(&buf, part);
        fail(in, end, fraud_setting_get(part->id)->name, " is missing, ",
             buf.full || (more != NULL && more->id == part->id)
                 ? "see \"fraudctl policy explain\""
                 : (const char *)use);
        return;
    }
}

static void check_whole(reader_t *in) {
    fraud_policy_t *policy = in->policy;
    fraud_setting_id_t id;

    if (policy->effective < policy->notice) {
        fail(in, in->head_line[HEAD_EFFECTIVE], heads[HEAD_EFFECTIVE].name,
             " is before its \"notice\"", "");
        return;
    }
    in->rc = fraud_lint_check(&policy->settings, &id, in->err);
    if (in->rc != FRAUD_OK) {
        in->err->line = policy->line[id];
    }
}

fraud_rc fraud_policy_parse(fraud_policy_t *policy, const char *text,
                            size_t len, fraud_err_t *err) {
    uint8_t canonical[FRAUD_POLICY_MAX_PRINT];
    fraud_buf_t buf;
    reader_t in;
    int rc;

    memset(policy, 0, sizeof(*policy));
    memset(err, 0, sizeof(*err));
    start(&in, policy, text, len, err);
    if (len > FRAUD_POLICY_MAX_BYTES) {
        fail(&in, 0, "policy", " is a file of more than 64 KiB", "");
        return FRAUD_ELIMIT;
    }
    rc = ini_parse_stream(next_line, &in, take, &in);
    if (rc < 0) {
        return FRAUD_ENOMEM;
    }
    /* an error of this file's own stands in the last line, inih's may not */
    if (rc > 0 && (in.rc == FRAUD_OK || rc < in.calls)) {
        fail_line(&in, rc);
        return FRAUD_EINVAL;
    }
    if (in.rc == FRAUD_OK) {
        check_missing(&in);
    }
    if (in.rc == FRAUD_OK) {
        check_whole(&in);
    }
    if (in.rc != FRAUD_OK) {
        return in.rc;
    }
    fraud_buf_init(&buf, canonical, sizeof(canonical));
    fraud_policy_print(&buf, policy);
    fraud_pid_digest(policy->digest, canonical, buf.len);
    return FRAUD_OK;
}

static void print_head(fraud_buf_t *buf, const fraud_policy_t *policy) {
    fraud_buf_text(buf, "[policy]\nname = ");
    fraud_buf_text(buf, policy->name);
    fraud_buf_text(buf, "\nversion = ");
    fraud_buf_uint(buf, policy->version, 0);
    fraud_buf_text(buf, "\nnotice = ");
    fraud_day_print(buf, policy->notice);
    fraud_buf_text(buf, "\neffective = ");
    fraud_day_print(buf, policy->effective);
    fraud_buf_text(buf, "\n[settings]\n");
}

void fraud_policy_print(fraud_buf_t *buf, const fraud_policy_t *policy) {
    size_t i;

    print_head(buf, policy);
    for (i = 0; i < FRAUD_SETTING_N; i++) {
        fraud_buf_text(buf, fraud_setting_get((fraud_setting_id_t)i)->name);
        fraud_buf_text(buf, " = ");
        fraud_wording_value(buf, &policy->settings, (fraud_setting_id_t)i);
        fraud_buf_char(buf, '\n');
    }
}

static int set_loosens(const fraud_part_t *part, uint32_t old, uint32_t now) {
    old |= fraud_setting_covered(part, old);
    now |= fraud_setting_covered(part, now);
    return part->tight ? (old & ~now) != 0 : (now & ~old) != 0;
}

static int share_loosens(uint32_t old, uint32_t now) {
    uint32_t level = FRAUD_SETTING_LEVEL(now);
    uint32_t when = FRAUD_SETTING_WHEN(old);

    return level > FRAUD_SETTING_LEVEL(old) ||
           (level != FRAUD_LEVEL_NEVER && when != FRAUD_WHEN_ALWAYS &&
            when != FRAUD_SETTING_WHEN(now));
}

static int part_loosens(const fraud_part_t *part, const fraud_settings_t *old,
                        const fraud_settings_t *now) {
    uint32_t was = fraud_setting_value(part, old);
    uint32_t is = fraud_setting_value(part, now);

    if (part->type == FRAUD_PART_SET) {
        return set_loosens(part, was, is);
    }
    if (part->type == FRAUD_PART_SHARE) {
        return share_loosens(was, is);
    }
    if (part->type == FRAUD_PART_TIME && part->nwords != 0 &&
        fraud_setting_note(part, now) > fraud_setting_note(part, old)) {
        return 1;
    }
    return part->tight ? is < was : is > was;
}

uint32_t fraud_policy_loosens(const fraud_policy_t *old,
                              const fraud_policy_t *now) {
    const fraud_part_t *part;
    uint32_t loosens = 0;
    size_t i;

    for (i = 0; (part = fraud_setting_part(i)) != NULL; i++) {
        /* where nothing is deducted nobody waits for anything */
        if (part->id == FRAUD_SETTING_DEDUCT_WINDOW &&
            now->settings.deduct == FRAUD_DEDUCT_FORBID) {
            continue;
        }
        if (part_loosens(part, &old->settings, &now->settings)) {
            loosens |= FRAUD_SETTING_BIT(part->id);
        }
    }
    return loosens;
}

uint32_t fraud_policy_due(const fraud_policy_t *old,
                          const fraud_policy_t *now) {
    uint32_t day = now->notice;

    if (fraud_policy_loosens(old, now) == 0) {
        return now->effective;
    }
    day += (old->settings.notice + FRAUD_SETTING_DAY - 1) / FRAUD_SETTING_DAY;
    return day > now->effective ? day : now->effective;
}

int fraud_policy_replays(const fraud_policy_t *policy) {
    return policy->settings.keep_backup > policy->settings.erase_within;
}

fraud_policy_basis_t fraud_policy_basis(const fraud_policy_t *policy,
                                        fraud_setting_id_t id) {
    static const char *const words[] = {
        "stated:", "derived:", "gap:", "conflict:"};
    fraud_str_t text = policy->comment[id];
    size_t i, len;

    while (text.len != 0 && strchr("#; \t", text.data[0]) != NULL) {
        text.data++;
        text.len--;
    }
    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        len = strlen(words[i]);
        if (text.len >= len && memcmp(text.data, words[i], len) == 0) {
            return (fraud_policy_basis_t)(FRAUD_POLICY_STATED + i);
        }
    }
    return FRAUD_POLICY_UNSAID;
}
