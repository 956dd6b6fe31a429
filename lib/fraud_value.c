/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_value.h"

#include <string.h>

#include "fraud_buf.h"
#include "fraud_str.h"
#include "fraud_wording.h"

#define TIME_MAX_S (10u * 365u * FRAUD_SETTING_DAY)
#define MAX_SHOWN 24 /* bytes of a wrong word in a message */

typedef struct {
    fraud_settings_t *settings;
    const fraud_setting_t *setting;
    fraud_err_t *err;
} parse_t;

static int is_blank(uint8_t ch) {
    return ch == ' ' || ch == '\t';
}

static int str_is(fraud_str_t text, const char *word) {
    return strlen(word) == text.len && memcmp(text.data, word, text.len) == 0;
}

static fraud_str_t str_from(fraud_str_t text, size_t at) {
    fraud_str_t rest = {text.data + at, text.len - at};

    return rest;
}

static void set(fraud_settings_t *settings, size_t offset, uint32_t value) {
    memcpy((char *)settings + offset, &value, sizeof(value));
}

static void begin(fraud_buf_t *buf, const parse_t *parse) {
    memset(parse->err, 0, sizeof(*parse->err));
    fraud_buf_init(buf, (uint8_t *)parse->err->why,
                   sizeof(parse->err->why) - 1);
    fraud_buf_char(buf, '"');
    fraud_buf_text(buf, parse->setting->name);
    fraud_buf_char(buf, '"');
}

static void put_shown(fraud_buf_t *buf, fraud_str_t text) {
    size_t i;

    fraud_buf_char(buf, '"');
    for (i = 0; i < text.len && i < MAX_SHOWN; i++) {
        fraud_buf_char(buf, text.data[i] < ' ' || text.data[i] > '~'
                                ? '?'
                                : (char)text.data[i]);
    }
    fraud_buf_text(buf, i < text.len ? "...\"" : "\"");
}

/* A wrong word and what may stand there, or where that is listed. */
static fraud_rc refuse(const parse_t *parse, const fraud_part_t *part,
                       fraud_str_t text) {
    fraud_buf_t buf;
    size_t len;

    begin(&buf, parse);
    fraud_buf_text(&buf, ": ");
    put_shown(&buf, text);
    fraud_buf_text(&buf, " is wrong, ");
    len = buf.len;
    fraud_buf_text(&buf, "use ");
    fraud_wording_allowed(&buf, part);
    if (buf.full) {
        memset(buf.data + len, 0, buf.len - len);
        buf.len = len;
        fraud_buf_text(&buf, "see \"fraudctl policy explain ");
        fraud_buf_text(&buf, parse->setting->name);
        fraud_buf_char(&buf, '"');
    }
    return FRAUD_EINVAL;
}

static fraud_rc refuse_as(const parse_t *parse, const char *why,
                          fraud_str_t text) {
    fraud_buf_t buf;

    begin(&buf, parse);
    fraud_buf_text(&buf, why);
    put_shown(&buf, text);
    return FRAUD_EINVAL;
}

static fraud_rc parse_word(uint32_t *value, const fraud_part_t *part,
                           fraud_str_t text) {
    uint32_t i;

    for (i = 0; i < part->nwords; i++) {
        if (text.len != 0 && str_is(text, part->words[i].name)) {
            *value = i;
            return FRAUD_OK;
        }
    }
    return FRAUD_EINVAL;
}

static fraud_rc parse_set(const parse_t *parse, const fraud_part_t *part,
                          fraud_str_t text) {
    fraud_str_t word;
    uint32_t bits = 0, i;
    size_t len;

    if (part->optional && str_is(text, "none")) {
        set(parse->settings, part->offset, 0);
        return FRAUD_OK;
    }
    for (;;) {
        for (len = 0; len < text.len && text.data[len] != ','; len++) {
        }
        word.data = text.data;
        word.len = len;
        if (parse_word(&i, part, word) != FRAUD_OK) {
            return refuse(parse, part, word);
        }
        if ((bits & FRAUD_SETTING_BIT(i)) != 0) {
            return refuse_as(parse, " says twice ", word);
        }
        bits |= FRAUD_SETTING_BIT(i);
        if (len == text.len) {
            break;
        }
        text = str_from(text, len + 1);
    }
    for (i = 0; i < part->nwords; i++) {
        if ((bits & fraud_setting_covered(part, bits) & FRAUD_SETTING_BIT(i)) !=
            0) {
            word.data = (const uint8_t *)part->words[i].name;
            word.len = strlen(part->words[i].name);
            return refuse_as(parse, " has a word that includes ", word);
        }
    }
    set(parse->settings, part->offset, bits);
    return FRAUD_OK;
}

/* A number without its unit is no time: days or seconds? */
static fraud_rc parse_seconds(uint32_t *seconds, const fraud_part_t *part,
                              fraud_str_t text) {
    uint32_t max = part->max;
    uint64_t ms;

    if (max == FRAUD_SETTING_INF) {
        if (str_is(text, "inf")) {
            *seconds = FRAUD_SETTING_INF;
            return FRAUD_OK;
        }
        max = TIME_MAX_S;
    }
    if (text.len == 0 ||
        (text.data[text.len - 1] >= '0' && text.data[text.len - 1] <= '9') ||
        fraud_str_time(&ms, (const char *)text.data, text.len,
                       (uint64_t)max * 1000) != FRAUD_OK ||
        ms % 1000 != 0 || ms / 1000 < part->min) {
        return FRAUD_EINVAL;
    }
    *seconds = (uint32_t)(ms / 1000);
    return FRAUD_OK;
}

/* Cut "(note)" off the end; a note that is not there has no data. */
static void split_note(fraud_str_t *text, fraud_str_t *note) {
    const uint8_t *open;

    note->data = NULL;
    note->len = 0;
    open = text->len != 0 ? memchr(text->data, '(', text->len) : NULL;
    if (open != NULL && text->data[text->len - 1] == ')') {
        note->data = open + 1;
        note->len = (size_t)(text->data + text->len - 2 - open);
        text->len = (size_t)(open - text->data);
    }
}

static fraud_rc parse_time(const parse_t *parse, const fraud_part_t *part,
                           fraud_str_t text) {
    fraud_str_t whole = text, note = {NULL, 0};
    uint32_t seconds, how = 0;

    if (part->nwords != 0) {
        split_note(&text, &note);
        how = FRAUD_NOTICE_UNSAID;
    }
    if (parse_seconds(&seconds, part, text) != FRAUD_OK ||
        (note.data != NULL && parse_word(&how, part, note) != FRAUD_OK)) {
        return refuse(parse, part, whole);
    }
    set(parse->settings, part->offset, seconds);
    if (part->nwords != 0) {
        set(parse->settings, part->note, how);
    }
    return FRAUD_OK;
}

static fraud_rc parse_number(const parse_t *parse, const fraud_part_t *part,
                             fraud_str_t text) {
    static const char head[] = "min(damage,";
    fraud_str_t digits = text;
    uint64_t n;

    if (part->type == FRAUD_PART_CAP && !str_is(text, "0")) {
        if (text.len <= sizeof(head) ||
            memcmp(text.data, head, sizeof(head) - 1) != 0 ||
            text.data[text.len - 1] != ')') {
            return refuse(parse, part, text);
        }
        digits = str_from(text, sizeof(head) - 1);
        digits.len--;
    }
    if (fraud_str_uint(&n, (const char *)digits.data, digits.len, part->max) !=
            FRAUD_OK ||
        n < part->min) {
        return refuse(parse, part, text);
    }
    set(parse->settings, part->offset, (uint32_t)n);
    return FRAUD_OK;
}

static fraud_rc parse_when(uint32_t *when, fraud_str_t text) {
    uint32_t i;

    for (i = 1; fraud_setting_when(i) != NULL; i++) {
        if (str_is(text, fraud_setting_when(i)->name)) {
            *when = i;
            return FRAUD_OK;
        }
    }
    return FRAUD_EINVAL;
}

/* A case or consent alone: whatever there is, under that condition. */
static fraud_rc parse_share(const parse_t *parse, const fraud_part_t *part,
                            fraud_str_t text) {
    fraud_str_t whole = text, note;
    uint32_t level = FRAUD_LEVEL_IDENTIFIED, when = FRAUD_WHEN_ALWAYS;

    split_note(&text, &note);
    if (!str_is(whole, "case") && !str_is(whole, "consent")) {
        if (parse_word(&level, part, text) != FRAUD_OK) {
            return refuse(parse, part, whole);
        }
    } else {
        note = whole;
    }
    if ((note.data != NULL &&
         (level == FRAUD_LEVEL_NEVER || parse_when(&when, note) != FRAUD_OK)) ||
        (!part->optional && (level | when) != FRAUD_LEVEL_NEVER)) {
        return refuse(parse, part, whole);
    }
    set(parse->settings, part->offset, level | when << 8);
    return FRAUD_OK;
}

static fraud_rc parse_part(const parse_t *parse, const fraud_part_t *part,
                           fraud_str_t text) {
    uint32_t word;

    switch (part->type) {
    case FRAUD_PART_SET:
        return parse_set(parse, part, text);
    case FRAUD_PART_TIME:
        return parse_time(parse, part, text);
    case FRAUD_PART_NUMBER:
    case FRAUD_PART_CAP:
        return parse_number(parse, part, text);
    case FRAUD_PART_SHARE:
        return parse_share(parse, part, text);
    case FRAUD_PART_CHOICE:
        break;
    }
    if (parse_word(&word, part, text) != FRAUD_OK) {
        return refuse(parse, part, text);
    }
    set(parse->settings, part->offset, word);
    return FRAUD_OK;
}

/* Runs of blanks are one, and there are none after a comma. */
static fraud_rc fold(fraud_buf_t *buf, fraud_str_t text) {
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (!is_blank(text.data[i])) {
            fraud_buf_char(buf, (char)text.data[i]);
        } else if (buf->len != 0 && buf->data[buf->len - 1] != ' ' &&
                   buf->data[buf->len - 1] != ',') {
            fraud_buf_char(buf, ' ');
        }
    }
    if (buf->len != 0 && buf->data[buf->len - 1] == ' ') {
        buf->len--;
    }
    return buf->full ? FRAUD_EINVAL : FRAUD_OK;
}

/* The head of a text up to a separator that is not in parentheses. */
static fraud_str_t head_of(fraud_str_t text, char separator) {
    int open = 0;
    size_t i;

    for (i = 0; i < text.len; i++) {
        open += text.data[i] == '(';
        open -= text.data[i] == ')';
        if (separator != '\0' && open == 0 && text.data[i] == separator) {
            break;
        }
    }
    text.len = i;
    return text;
}

/* The part that a word is for, the one without a key if it has none. */
static size_t find_part(fraud_setting_id_t id, fraud_str_t *word) {
    const fraud_part_t *part;
    size_t i, len, found = SIZE_MAX;

    for (i = 0; (part = fraud_setting_part(i)) != NULL; i++) {
        len = strlen(part->key);
        if (part->id != id || len > word->len) {
            continue;
        }
        if (len == 0) {
            found = i;
        } else if (memcmp(word->data, part->key, len) == 0) {
            *word = str_from(*word, len);
            return i;
        }
    }
    return found;
}

/* What is not said has the word "", or is nothing at all. */
static fraud_rc complete(const parse_t *parse, fraud_setting_id_t id,
                         uint64_t seen) {
    const fraud_part_t *part;
    fraud_str_t key;
    uint32_t i;
    size_t n;

    for (n = 0; (part = fraud_setting_part(n)) != NULL; n++) {
        if (part->id != id || (seen & UINT64_C(1) << n) != 0) {
            continue;
        }
        key.data = (const uint8_t *)part->key;
        key.len = strlen(part->key);
        if (!part->optional && key.len != 0) {
            return refuse_as(parse, " lacks ", key);
        }
        if (!part->optional || part->type == FRAUD_PART_SET) {
            key.len = 0;
            return refuse(parse, part, key);
        }
        for (i = 0; i < part->nwords && part->words[i].name[0] != '\0'; i++) {
        }
        set(parse->settings, part->offset, i < part->nwords ? i : 0);
    }
    return FRAUD_OK;
}

fraud_rc fraud_value_parse(fraud_settings_t *settings, fraud_setting_id_t id,
                           fraud_str_t text, fraud_err_t *err) {
    parse_t parse = {settings, fraud_setting_get(id), err};
    uint8_t folded[FRAUD_VALUE_MAX];
    fraud_str_t word, rest;
    fraud_buf_t buf;
    uint64_t seen = 0;
    size_t n;

    fraud_buf_init(&buf, folded, sizeof(folded));
    if (fold(&buf, text) != FRAUD_OK) {
        return refuse_as(&parse, " is too long: ", text);
    }
    if (buf.len != 0 && folded[buf.len - 1] == ',') {
        return refuse_as(&parse, " ends in a comma: ", text);
    }
    rest.data = folded;
    rest.len = buf.len;
    while (rest.len != 0) {
        word = head_of(rest, parse.setting->separator);
        rest = str_from(rest, word.len);
        if (rest.len != 0) {
            rest = str_from(rest, 1);
        }
        text = word;
        n = find_part(id, &word);
        if (n == SIZE_MAX) {
            return refuse_as(&parse, " does not know ", text);
        }
        if ((seen & UINT64_C(1) << n) != 0) {
            return refuse_as(&parse, " has one too many: ", text);
        }
        seen |= UINT64_C(1) << n;
        if (parse_part(&parse, fraud_setting_part(n), word) != FRAUD_OK) {
            return FRAUD_EINVAL;
        }
    }
    return complete(&parse, id, seen);
}
