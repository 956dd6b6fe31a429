/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_wording.h"

#include <string.h>

#define DAY FRAUD_SETTING_DAY

static void put_set(fraud_buf_t *buf, const fraud_part_t *part, uint32_t bits) {
    const char *comma = "";
    size_t i;

    for (i = 0; i < part->nwords; i++) {
        if ((bits & FRAUD_SETTING_BIT(i)) != 0) {
            fraud_buf_text(buf, comma);
            fraud_buf_text(buf, part->words[i].name);
            comma = ",";
        }
    }
    if (bits == 0) {
        fraud_buf_text(buf, "none");
    }
}

static void put_note(fraud_buf_t *buf, const char *note) {
    if (note[0] != '\0') {
        fraud_buf_char(buf, '(');
        fraud_buf_text(buf, note);
        fraud_buf_char(buf, ')');
    }
}

static void put_share(fraud_buf_t *buf, const fraud_part_t *part,
                      uint32_t share) {
    uint32_t level = FRAUD_SETTING_LEVEL(share);
    uint32_t when = FRAUD_SETTING_WHEN(share);
    const char *note = fraud_setting_when(when)->name;

    if (level == FRAUD_LEVEL_IDENTIFIED &&
        (when == FRAUD_WHEN_CASE || when == FRAUD_WHEN_CONSENT)) {
        fraud_buf_text(buf, note);
        return;
    }
    fraud_buf_text(buf, part->words[level].name);
    put_note(buf, note);
}

static void put_number(fraud_buf_t *buf, const fraud_part_t *part, uint32_t n) {
    if (part->type == FRAUD_PART_CAP && n != 0) {
        fraud_buf_text(buf, "min(damage,");
        fraud_buf_uint(buf, n, 0);
        fraud_buf_char(buf, ')');
        return;
    }
    fraud_buf_uint(buf, n, 0);
}

void fraud_wording_time(fraud_buf_t *buf, uint32_t seconds) {
    static const struct {
        uint32_t seconds;
        char unit;
    } units[] = {{DAY, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i;

    if (seconds == FRAUD_SETTING_INF) {
        fraud_buf_text(buf, "inf");
        return;
    }
    for (i = 0; seconds % units[i].seconds != 0; i++) {
    }
    fraud_buf_uint(buf, seconds / units[i].seconds, 0);
    fraud_buf_char(buf, units[i].unit);
}

void fraud_wording_part(fraud_buf_t *buf, const fraud_settings_t *settings,
                        const fraud_part_t *part) {
    uint32_t value = fraud_setting_value(part, settings);

    switch (part->type) {
    case FRAUD_PART_SET:
        put_set(buf, part, value);
        return;
    case FRAUD_PART_CHOICE:
        fraud_buf_text(buf, part->words[value].name);
        return;
    case FRAUD_PART_TIME:
        fraud_wording_time(buf, value);
        if (part->nwords != 0) {
            put_note(buf, part->words[fraud_setting_note(part, settings)].name);
        }
        return;
    case FRAUD_PART_NUMBER:
    case FRAUD_PART_CAP:
        put_number(buf, part, value);
        return;
    case FRAUD_PART_SHARE:
        put_share(buf, part, value);
        return;
    }
}

/* What a part says that is the same when it is left out. */
static int is_silent(const fraud_part_t *part, uint32_t value) {
    switch (part->type) {
    case FRAUD_PART_SHARE:
    case FRAUD_PART_TIME:
        return part->optional && value == 0;
    case FRAUD_PART_CHOICE:
        return part->words[value].name[0] == '\0';
    case FRAUD_PART_SET:
    case FRAUD_PART_NUMBER:
    case FRAUD_PART_CAP:
        break;
    }
    return 0;
}

void fraud_wording_value(fraud_buf_t *buf, const fraud_settings_t *settings,
                         fraud_setting_id_t id) {
    const fraud_part_t *part;
    int first = 1;
    size_t i;

    for (i = 0; (part = fraud_setting_part(i)) != NULL; i++) {
        if (part->id != id ||
            is_silent(part, fraud_setting_value(part, settings))) {
            continue;
        }
        if (!first) {
            fraud_buf_char(buf, fraud_setting_get(id)->separator);
        }
        first = 0;
        fraud_buf_text(buf, part->key);
        fraud_wording_part(buf, settings, part);
    }
}

static void list_words(fraud_buf_t *buf, const fraud_part_t *part) {
    const char *comma = "";
    size_t i;

    for (i = 0; i < part->nwords; i++) {
        if (part->words[i].name[0] != '\0') {
            fraud_buf_text(buf, comma);
            fraud_buf_text(buf, part->words[i].name);
            comma = ",";
        }
    }
}

static void list_times(fraud_buf_t *buf, const fraud_part_t *part) {
    int inf = part->max == FRAUD_SETTING_INF;

    fraud_wording_time(buf, part->min);
    fraud_buf_text(buf, " to ");
    fraud_wording_time(buf, inf ? 3650 * DAY : part->max);
    fraud_buf_text(buf, inf ? " or inf" : "");
    if (part->nwords != 0) {
        fraud_buf_text(buf, ", maybe with (");
        list_words(buf, part);
        fraud_buf_char(buf, ')');
    }
}

static void list_shares(fraud_buf_t *buf, const fraud_part_t *part) {
    size_t i;

    if (!part->optional) {
        fraud_buf_text(buf, "never");
        return;
    }
    list_words(buf, part);
    for (i = 1; fraud_setting_when(i) != NULL; i++) {
        fraud_buf_text(buf, i == 1 ? ", maybe with (" : ",");
        fraud_buf_text(buf, fraud_setting_when(i)->name);
    }
    fraud_buf_char(buf, ')');
}

void fraud_wording_allowed(fraud_buf_t *buf, const fraud_part_t *part) {
    switch (part->type) {
    case FRAUD_PART_SET:
        list_words(buf, part);
        fraud_buf_text(buf, part->optional ? " or none" : "");
        return;
    case FRAUD_PART_CHOICE:
        if (part->key[0] == '\0' && part->means != NULL) {
            fraud_buf_text(buf, part->means);
        } else {
            list_words(buf, part);
        }
        return;
    case FRAUD_PART_TIME:
        list_times(buf, part);
        return;
    case FRAUD_PART_CAP:
        fraud_buf_text(buf, "0 or min(damage,N)");
        return;
    case FRAUD_PART_NUMBER:
        fraud_buf_uint(buf, part->min, 0);
        fraud_buf_text(buf, " to ");
        fraud_buf_uint(buf, part->max, 0);
        return;
    case FRAUD_PART_SHARE:
        list_shares(buf, part);
        return;
    }
}
