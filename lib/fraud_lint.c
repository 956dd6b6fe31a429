/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_lint.h"

#include <string.h>

#include "fraud_buf.h"

#define HAS(set, word) (((set)&FRAUD_SETTING_BIT(word)) != 0)

typedef const fraud_settings_t in_t;

/* What a field of the log is made of. */
static const struct {
    uint8_t field;
    uint8_t source;
} sources[] = {
    {FRAUD_FIELD_TIME, FRAUD_COLLECT_TIME},
    {FRAUD_FIELD_PATH, FRAUD_COLLECT_PATH},
    {FRAUD_FIELD_STATUS, FRAUD_COLLECT_STATUS},
    {FRAUD_FIELD_BYTES, FRAUD_COLLECT_BYTES},
    {FRAUD_FIELD_DWELL, FRAUD_COLLECT_DWELL},
    {FRAUD_FIELD_UA_TYPE, FRAUD_COLLECT_UA},
    {FRAUD_FIELD_UA_PLATFORM, FRAUD_COLLECT_UA},
    {FRAUD_FIELD_REFERER_HOST, FRAUD_COLLECT_REFERER},
    {FRAUD_FIELD_REFERER_HOST_PATH, FRAUD_COLLECT_REFERER},
    {FRAUD_FIELD_LANG, FRAUD_COLLECT_LANG},
    {FRAUD_FIELD_COUNTRY, FRAUD_COLLECT_COUNTRY},
    {FRAUD_FIELD_IP_PREFIX, FRAUD_COLLECT_IP},
    {FRAUD_FIELD_IP_PID, FRAUD_COLLECT_IP},
    {FRAUD_FIELD_ACCT_PID, FRAUD_COLLECT_ACCOUNT},
    {FRAUD_FIELD_DEVICE_PID, FRAUD_COLLECT_COOKIE},
    {FRAUD_FIELD_LINK_SEAL, FRAUD_COLLECT_ACCOUNT},
};

static int prefix_without(in_t *s) {
    return HAS(s->log_fields, FRAUD_FIELD_IP_PREFIX) &&
           s->log_ip != FRAUD_LOG_IP_PREFIX;
}

static int pid_without(in_t *s) {
    return HAS(s->log_fields, FRAUD_FIELD_IP_PID) &&
           s->log_ip != FRAUD_LOG_IP_KEYED;
}

/* Of what a prefix alone stands beside, nothing may tell one from another. */
static int anonymous_with_pid(in_t *s) {
    return s->log_ip != FRAUD_LOG_IP_KEYED &&
           (HAS(s->log_fields, FRAUD_FIELD_ACCT_PID) ||
            HAS(s->log_fields, FRAUD_FIELD_DEVICE_PID) ||
            HAS(s->log_fields, FRAUD_FIELD_LINK_SEAL));
}

static int account_without_form(in_t *s) {
    return HAS(s->collect, FRAUD_COLLECT_ACCOUNT) &&
           s->id_account == FRAUD_ACCOUNT_NONE;
}

static int form_without_account(in_t *s) {
    return !HAS(s->collect, FRAUD_COLLECT_ACCOUNT) &&
           s->id_account != FRAUD_ACCOUNT_NONE;
}

static int account_unkeyed(in_t *s) {
    return HAS(s->log_fields, FRAUD_FIELD_ACCT_PID) &&
           s->id_account != FRAUD_ACCOUNT_KEYED;
}

static int seal_unsealed(in_t *s) {
    return HAS(s->log_fields, FRAUD_FIELD_LINK_SEAL) &&
           s->id_account != FRAUD_ACCOUNT_SEALED;
}

static int seal_unopened(in_t *s) {
    return HAS(s->log_fields, FRAUD_FIELD_LINK_SEAL) &&
           s->link_account == FRAUD_LINK_NEVER;
}

static int joined(in_t *s) {
    return HAS(s->log_fields, FRAUD_FIELD_IP_PID) &&
           HAS(s->log_fields, FRAUD_FIELD_ACCT_PID) &&
           s->link_account != FRAUD_LINK_SECURITY;
}

static int link_to_nothing(in_t *s) {
    return s->link_account != FRAUD_LINK_NEVER &&
           s->id_account == FRAUD_ACCOUNT_NONE;
}

static int device_unlinked(in_t *s) {
    return HAS(s->log_fields, FRAUD_FIELD_DEVICE_PID) &&
           s->link_device == FRAUD_DEVICE_NO;
}

static int device_without_cookie(in_t *s) {
    return s->link_device == FRAUD_DEVICE_YES &&
           !HAS(s->collect, FRAUD_COLLECT_COOKIE);
}

static int cookie_uncollected(in_t *s) {
    return s->cookie != FRAUD_COOKIE_NONE &&
           !HAS(s->collect, FRAUD_COLLECT_COOKIE);
}

static int cookie_despite_dnt(in_t *s) {
    return s->dnt == FRAUD_DNT_HONOUR_ALL && s->cookie != FRAUD_COOKIE_NONE;
}

static int country_without_geo(in_t *s) {
    return HAS(s->collect, FRAUD_COLLECT_COUNTRY) && s->geo == FRAUD_PLACE_NONE;
}

static int evidence_of_nobody(in_t *s) {
    return s->automation == FRAUD_AUTOMATION_NONE && s->keep_evidence != 0;
}

static int account_unscored(in_t *s) {
    return s->automation == FRAUD_AUTOMATION_NONE &&
           s->id_account != FRAUD_ACCOUNT_NONE;
}

static int state_too_long(in_t *s) {
    return s->automation == FRAUD_AUTOMATION_NONE &&
           s->keep_state > FRAUD_LINT_STATE_MAX;
}

static int device_unscored(in_t *s) {
    return s->automation == FRAUD_AUTOMATION_NONE &&
           s->link_device == FRAUD_DEVICE_YES;
}

static int epoch_too_long(in_t *s) {
    return s->id_epoch > s->keep_log;
}

static int state_outlives(in_t *s) {
    return s->keep_state > s->keep_log && s->keep_state > s->keep_evidence;
}

static int edge_elsewhere(in_t *s) {
    return s->region_edge != FRAUD_EDGE_NONE && s->region != FRAUD_REGION_CH;
}

static int partner_without_fraud(in_t *s) {
    return s->share[FRAUD_SHARE_FRAUD_PARTNER] != FRAUD_LEVEL_NEVER &&
           !HAS(s->purpose, FRAUD_PURPOSE_FRAUD);
}

static int collections_without_bills(in_t *s) {
    return s->share[FRAUD_SHARE_COLLECTIONS] != FRAUD_LEVEL_NEVER &&
           !HAS(s->purpose, FRAUD_PURPOSE_BILLING);
}

static int deduct_without_purpose(in_t *s) {
    return s->deduct != FRAUD_DEDUCT_FORBID &&
           (!HAS(s->purpose, FRAUD_PURPOSE_FRAUD) ||
            !HAS(s->purpose, FRAUD_PURPOSE_BILLING));
}

static int deduct_without_person(in_t *s) {
    return s->deduct != FRAUD_DEDUCT_FORBID &&
           s->automation == FRAUD_AUTOMATION_NONE;
}

static int deduct_without_link(in_t *s) {
    return s->deduct != FRAUD_DEDUCT_FORBID &&
           s->link_account != FRAUD_LINK_SECURITY;
}

static int deduct_nothing(in_t *s) {
    return s->deduct != FRAUD_DEDUCT_FORBID &&
           (s->cap_event == 0 || s->cap_day < s->cap_event ||
            s->cap_account == FRAUD_CAP_ZERO);
}

static int deduct_at_once(in_t *s) {
    return s->deduct != FRAUD_DEDUCT_FORBID &&
           (s->window_hold < FRAUD_LINT_HOLD_MIN ||
            s->window_appeal < FRAUD_LINT_APPEAL_MIN);
}

/* Else the evidence is gone before the appeal is decided. */
static int evidence_too_short(in_t *s) {
    return s->deduct != FRAUD_DEDUCT_FORBID &&
           s->keep_evidence <
               s->window_hold + s->window_appeal + FRAUD_LINT_ANSWER;
}

static int caps_of_nothing(in_t *s) {
    return s->deduct == FRAUD_DEDUCT_FORBID &&
           (s->cap_event != 0 || s->cap_day != 0 ||
            s->cap_account != FRAUD_CAP_ZERO);
}

static int window_of_nothing(in_t *s) {
    return s->deduct == FRAUD_DEDUCT_FORBID &&
           (s->window_hold != 0 || s->window_appeal != 0);
}

static int rights_missing(in_t *s) {
    return (!HAS(s->rights, FRAUD_RIGHT_ACCESS) &&
            !HAS(s->rights, FRAUD_RIGHT_ACCESS_YEARLY)) ||
           (!HAS(s->rights, FRAUD_RIGHT_ERASE) &&
            !HAS(s->rights, FRAUD_RIGHT_ERASE_SELF)) ||
           !HAS(s->rights, FRAUD_RIGHT_RECTIFY) ||
           !HAS(s->rights, FRAUD_RIGHT_OBJECT) ||
           !HAS(s->rights, FRAUD_RIGHT_EXPORT);
}

static int notice_unlike_way(in_t *s) {
    int at_once = s->notice_how == FRAUD_NOTICE_PUBLISH ||
                  s->notice_how == FRAUD_NOTICE_ON_COOPERATION;

    return at_once ? s->notice != 0 : s->notice < FRAUD_SETTING_DAY;
}

static const struct {
    fraud_setting_id_t id;
    int (*clash)(in_t *s);
    const char *why;
} lints[] = {
    {FRAUD_SETTING_LOG_FIELDS, prefix_without,
     "\"log.fields\" has ip_prefix, \"log.ip\" is not prefix"},
    {FRAUD_SETTING_LOG_FIELDS, pid_without,
     "\"log.fields\" has ip_pid, \"log.ip\" is not keyed"},
    {FRAUD_SETTING_LOG_FIELDS, anonymous_with_pid,
     "\"log.fields\" has acct_pid, device_pid or link_seal, but \"log.ip\" is "
     "not keyed: that log is anonymous"},
    {FRAUD_SETTING_COLLECT, account_without_form,
     "\"collect\" has account, \"id.account\" is none"},
    {FRAUD_SETTING_ID_ACCOUNT, form_without_account,
     "\"id.account\" is not none, \"collect\" lacks account"},
    {FRAUD_SETTING_LOG_FIELDS, account_unkeyed,
     "\"log.fields\" has acct_pid, \"id.account\" is not keyed"},
    {FRAUD_SETTING_LOG_FIELDS, seal_unsealed,
     "\"log.fields\" has link_seal, \"id.account\" is not sealed"},
    {FRAUD_SETTING_LOG_FIELDS, seal_unopened,
     "\"log.fields\" has link_seal, \"link.account\" is never"},
    {FRAUD_SETTING_LOG_FIELDS, joined,
     "\"log.fields\" has ip_pid and acct_pid, \"link.account\" is not "
     "security"},
    {FRAUD_SETTING_LINK_ACCOUNT, link_to_nothing,
     "\"link.account\" is not never, \"id.account\" is none"},
    {FRAUD_SETTING_LOG_FIELDS, device_unlinked,
     "\"log.fields\" has device_pid, \"link.device\" is no"},
    {FRAUD_SETTING_LINK_DEVICE, device_without_cookie,
     "\"link.device\" is yes, \"collect\" lacks cookie"},
    {FRAUD_SETTING_COOKIE, cookie_uncollected,
     "\"cookie\" is not none, \"collect\" lacks cookie"},
    {FRAUD_SETTING_COOKIE, cookie_despite_dnt,
     "\"cookie\" is not none, \"dnt\" is honour_all"},
    {FRAUD_SETTING_COLLECT, country_without_geo,
     "\"collect\" has country, \"geo\" is none"},
    {FRAUD_SETTING_KEEP_EVIDENCE, evidence_of_nobody,
     "\"keep.evidence\" is not 0d, \"automation\" is none"},
    {FRAUD_SETTING_ID_ACCOUNT, account_unscored,
     "\"id.account\" is not none, \"automation\" is none"},
    {FRAUD_SETTING_KEEP_STATE, state_too_long,
     "\"keep.state\" is more than 1h, \"automation\" is none"},
    {FRAUD_SETTING_LINK_DEVICE, device_unscored,
     "\"link.device\" is yes, \"automation\" is none"},
    {FRAUD_SETTING_ID_EPOCH, epoch_too_long,
     "\"id.epoch\" is longer than \"keep.log\""},
    {FRAUD_SETTING_KEEP_STATE, state_outlives,
     "\"keep.state\" is longer than \"keep.log\" and \"keep.evidence\""},
    {FRAUD_SETTING_REGION, edge_elsewhere,
     "\"region\" has edge=local, which goes with CH only"},
    {FRAUD_SETTING_SHARE, partner_without_fraud,
     "\"share\" has fraud_partner, \"purpose\" lacks fraud"},
    {FRAUD_SETTING_SHARE, collections_without_bills,
     "\"share\" has collections, \"purpose\" lacks billing"},
    {FRAUD_SETTING_DEDUCT, deduct_without_purpose,
     "\"deduct\" is not forbid, \"purpose\" lacks fraud or billing"},
    {FRAUD_SETTING_DEDUCT, deduct_without_person,
     "\"deduct\" is not forbid, \"automation\" is not assist"},
    {FRAUD_SETTING_DEDUCT, deduct_without_link,
     "\"deduct\" is not forbid, \"link.account\" is not security"},
    {FRAUD_SETTING_DEDUCT_CAPS, deduct_nothing,
     "\"deduct.caps\" let nothing through, \"deduct\" is not forbid; use "
     "event=min(damage,N) day=N account=balance"},
    {FRAUD_SETTING_DEDUCT_WINDOW, deduct_at_once,
     "\"deduct.window\" is too short for \"deduct\", use at least hold=14d "
     "appeal=30d"},
    {FRAUD_SETTING_KEEP_EVIDENCE, evidence_too_short,
     "\"keep.evidence\" is shorter than hold and appeal of \"deduct.window\" "
     "and 30d to decide it"},
    {FRAUD_SETTING_DEDUCT_CAPS, caps_of_nothing,
     "\"deduct.caps\" are not 0, \"deduct\" is forbid"},
    {FRAUD_SETTING_DEDUCT_WINDOW, window_of_nothing,
     "\"deduct.window\" is not 0d, \"deduct\" is forbid"},
    {FRAUD_SETTING_RIGHTS, rights_missing,
     "\"rights\" lack one that nobody may be refused: access, rectify, erase, "
     "object, export"},
    {FRAUD_SETTING_CHANGE, notice_unlike_way,
     "\"change\" has a notice unlike its way: 0d with (publish) or "
     "(on_cooperation), else at least a day"},
};

static fraud_rc check_sources(in_t *s, fraud_err_t *err) {
    const fraud_part_t *part, *collect = NULL, *fields = NULL;
    fraud_buf_t buf;
    size_t i;

    for (i = 0; (part = fraud_setting_part(i)) != NULL; i++) {
        collect = part->id == FRAUD_SETTING_COLLECT ? part : collect;
        fields = part->id == FRAUD_SETTING_LOG_FIELDS ? part : fields;
    }
    for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (!HAS(s->log_fields, sources[i].field) ||
            HAS(s->collect, sources[i].source) || collect == NULL ||
            fields == NULL) {
            continue;
        }
        fraud_buf_init(&buf, (uint8_t *)err->why, sizeof(err->why) - 1);
        fraud_buf_text(&buf, "\"log.fields\" has ");
        fraud_buf_text(&buf, fields->words[sources[i].field].name);
        fraud_buf_text(&buf, ", \"collect\" lacks ");
        fraud_buf_text(&buf, collect->words[sources[i].source].name);
        return FRAUD_EINVAL;
    }
    return FRAUD_OK;
}

fraud_rc fraud_lint_check(const fraud_settings_t *settings,
                          fraud_setting_id_t *id, fraud_err_t *err) {
    size_t i;

    memset(err, 0, sizeof(*err));
    *id = FRAUD_SETTING_LOG_FIELDS;
    if (check_sources(settings, err) != FRAUD_OK) {
        return FRAUD_EINVAL;
    }
    for (i = 0; i < sizeof(lints) / sizeof(lints[0]); i++) {
        if (lints[i].clash(settings)) {
            *id = lints[i].id;
            memcpy(err->why, lints[i].why, strlen(lints[i].why));
            return FRAUD_EINVAL;
        }
    }
    return FRAUD_OK;
}
