/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_SETTING_H
#define FRAUD_SETTING_H

/*
 * The vocabulary of a privacy policy: 25 settings, what each may say, in which
 * order from strict to loose, and in which words that is explained. Parser,
 * comparison and tools read the one table here. What no policy may allow has
 * no word: raw addresses, a decision without a person, a share by default.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_SETTING_BIT(word) (1u << (word))
#define FRAUD_SETTING_DAY 86400u
#define FRAUD_SETTING_INF UINT32_MAX /* of keep_aggregate only */
#define FRAUD_SETTING_K_MIN 10u      /* subjects in the smallest aggregate */

typedef enum {
    FRAUD_SETTING_PURPOSE = 0,
    FRAUD_SETTING_COLLECT,
    FRAUD_SETTING_LOG_FIELDS,
    FRAUD_SETTING_LOG_IP,
    FRAUD_SETTING_ID_EPOCH,
    FRAUD_SETTING_ID_ACCOUNT,
    FRAUD_SETTING_LINK_ACCOUNT,
    FRAUD_SETTING_LINK_DEVICE,
    FRAUD_SETTING_COOKIE,
    FRAUD_SETTING_DNT,
    FRAUD_SETTING_GEO,
    FRAUD_SETTING_AUTOMATION,
    FRAUD_SETTING_KEEP_LOG,
    FRAUD_SETTING_KEEP_STATE,
    FRAUD_SETTING_KEEP_EVIDENCE,
    FRAUD_SETTING_KEEP_BACKUP,
    FRAUD_SETTING_KEEP_AGGREGATE,
    FRAUD_SETTING_HOLD,
    FRAUD_SETTING_REGION,
    FRAUD_SETTING_SHARE,
    FRAUD_SETTING_DEDUCT,
    FRAUD_SETTING_DEDUCT_CAPS,
    FRAUD_SETTING_DEDUCT_WINDOW,
    FRAUD_SETTING_RIGHTS,
    FRAUD_SETTING_CHANGE,
    FRAUD_SETTING_N
} fraud_setting_id_t;

/* Words of sets are bits: 1 << word. Words of choices go strict to loose. */

enum {
    FRAUD_PURPOSE_ATTACK = 0,
    FRAUD_PURPOSE_ABUSE,
    FRAUD_PURPOSE_SECURITY,
    FRAUD_PURPOSE_FRAUD,
    FRAUD_PURPOSE_DEBUG,
    FRAUD_PURPOSE_OPTIMISE,
    FRAUD_PURPOSE_STATS,
    FRAUD_PURPOSE_LEGAL,
    FRAUD_PURPOSE_BILLING
};

enum {
    FRAUD_COLLECT_TIME = 0,
    FRAUD_COLLECT_IP,
    FRAUD_COLLECT_RDNS,
    FRAUD_COLLECT_PATH,
    FRAUD_COLLECT_STATUS,
    FRAUD_COLLECT_BYTES,
    FRAUD_COLLECT_DWELL,
    FRAUD_COLLECT_UA,
    FRAUD_COLLECT_REFERER,
    FRAUD_COLLECT_LANG,
    FRAUD_COLLECT_COUNTRY,
    FRAUD_COLLECT_COOKIE,
    FRAUD_COLLECT_ACCOUNT
};

enum {
    FRAUD_FIELD_TIME = 0,
    FRAUD_FIELD_PATH,
    FRAUD_FIELD_STATUS,
    FRAUD_FIELD_BYTES,
    FRAUD_FIELD_DWELL,
    FRAUD_FIELD_UA_TYPE,
    FRAUD_FIELD_UA_PLATFORM,
    FRAUD_FIELD_REFERER_HOST,
    FRAUD_FIELD_REFERER_HOST_PATH,
    FRAUD_FIELD_LANG,
    FRAUD_FIELD_COUNTRY,
    FRAUD_FIELD_IP_PREFIX,
    FRAUD_FIELD_IP_PID,
    FRAUD_FIELD_ACCT_PID,
    FRAUD_FIELD_DEVICE_PID,
    FRAUD_FIELD_LINK_SEAL,
    FRAUD_FIELD_RULE,
    FRAUD_FIELD_VERDICT
};

enum { FRAUD_LOG_IP_NONE = 0, FRAUD_LOG_IP_PREFIX, FRAUD_LOG_IP_KEYED };
enum { FRAUD_ACCOUNT_NONE = 0, FRAUD_ACCOUNT_SEALED, FRAUD_ACCOUNT_KEYED };
enum { FRAUD_LINK_NEVER = 0, FRAUD_LINK_VIOLATION, FRAUD_LINK_SECURITY };
enum { FRAUD_DEVICE_NO = 0, FRAUD_DEVICE_YES };
enum { FRAUD_COOKIE_NONE = 0, FRAUD_COOKIE_SESSION, FRAUD_COOKIE_PERSISTENT };
enum { FRAUD_DNT_HONOUR_ALL = 0, FRAUD_DNT_HONOUR_NONSEC, FRAUD_DNT_IGNORE };
enum { FRAUD_PLACE_NONE = 0, FRAUD_PLACE_COUNTRY, FRAUD_PLACE_CITY };
enum { FRAUD_AUTOMATION_NONE = 0, FRAUD_AUTOMATION_ASSIST };

enum {
    FRAUD_HOLD_LEGAL = 0,
    FRAUD_HOLD_SECURITY,
    FRAUD_HOLD_PERFORMANCE,
    FRAUD_HOLD_INVESTIGATION
};

enum { FRAUD_REGION_LOCAL = 0, FRAUD_REGION_CH, FRAUD_REGION_ANY };
enum { FRAUD_EDGE_NONE = 0, FRAUD_EDGE_LOCAL };

/* Recipients, how much each gets at most, and under which condition. */

enum {
    FRAUD_SHARE_DEFAULT = 0,
    FRAUD_SHARE_PROCESSOR,
    FRAUD_SHARE_COLLECTIONS,
    FRAUD_SHARE_FRAUD_PARTNER,
    FRAUD_SHARE_ANALYTICS,
    FRAUD_SHARE_RESEARCH,
    FRAUD_SHARE_AFFILIATE,
    FRAUD_SHARE_MARKETING,
    FRAUD_SHARE_AUTHORITY,
    FRAUD_SHARE_N
};

enum {
    FRAUD_LEVEL_NEVER = 0,
    FRAUD_LEVEL_AGGREGATE,
    FRAUD_LEVEL_TIMESTAMPS,
    FRAUD_LEVEL_TOKEN,
    FRAUD_LEVEL_PSEUDONYMOUS,
    FRAUD_LEVEL_IDENTIFIED
};

enum {
    FRAUD_WHEN_ALWAYS = 0,
    FRAUD_WHEN_CASE,
    FRAUD_WHEN_CONSENT,
    FRAUD_WHEN_DUE,
    FRAUD_WHEN_NECESSARY
};

#define FRAUD_SETTING_LEVEL(share) ((share)&0xffu)
#define FRAUD_SETTING_WHEN(share) ((share) >> 8)

/* A review never without confirmed fraud by the account itself. */
enum {
    FRAUD_DEDUCT_FORBID = 0,
    FRAUD_DEDUCT_PROVEN, /* the damage is at least this */
    FRAUD_DEDUCT_ASSESSED,
    FRAUD_DEDUCT_SUSPECTED
};

enum { FRAUD_CAP_ZERO = 0, FRAUD_CAP_BALANCE };

enum {
    FRAUD_RIGHT_ACCESS_YEARLY = 0, /* twice a year */
    FRAUD_RIGHT_ACCESS,
    FRAUD_RIGHT_RECTIFY,
    FRAUD_RIGHT_ERASE,
    FRAUD_RIGHT_ERASE_SELF,
    FRAUD_RIGHT_OBJECT,
    FRAUD_RIGHT_RESTRICT,
    FRAUD_RIGHT_EXPORT
};

enum { FRAUD_INFLIGHT_VOID = 0, FRAUD_INFLIGHT_FINISH };
enum { FRAUD_CHILDREN_NOW = 0, FRAUD_CHILDREN_NOTICE, FRAUD_CHILDREN_UNSAID };
enum { FRAUD_REFUND_CASE = 0, FRAUD_REFUND_UNSAID };
enum { FRAUD_TRIGGER_CANCEL = 0, FRAUD_TRIGGER_UNSAID };

enum {
    FRAUD_NOTICE_EMAIL = 0,
    FRAUD_NOTICE_UNSAID,
    FRAUD_NOTICE_IF_WIDER,
    FRAUD_NOTICE_PUBLISH,
    FRAUD_NOTICE_ON_COOPERATION
};

enum { FRAUD_EXIT_ERASE = 0, FRAUD_EXIT_NONE };

/* What the settings say; times in seconds, money in minor units. */
typedef struct {
    uint32_t purpose; /* bits, as collect, log_fields, hold and rights */
    uint32_t collect;
    uint32_t log_fields;
    uint32_t log_ip;
    uint32_t id_epoch;
    uint32_t id_account;
    uint32_t link_account;
    uint32_t link_device;
    uint32_t cookie;
    uint32_t dnt;
    uint32_t geo;
    uint32_t automation;
    uint32_t keep_log;
    uint32_t keep_state;
    uint32_t keep_evidence;
    uint32_t keep_backup;
    uint32_t keep_aggregate;
    uint32_t aggregate_k;
    uint32_t hold;
    uint32_t region;
    uint32_t region_edge;
    uint32_t share[FRAUD_SHARE_N]; /* FRAUD_SETTING_LEVEL(), _WHEN() */
    uint32_t deduct;
    uint32_t cap_event; /* and never more than the damage */
    uint32_t cap_day;
    uint32_t cap_account;
    uint32_t window_hold;
    uint32_t window_appeal;
    uint32_t rights;
    uint32_t erase_within;
    uint32_t inflight;
    uint32_t children;
    uint32_t refund;
    uint32_t erase_trigger;
    uint32_t keep_correspondence;
    uint32_t notice;
    uint32_t notice_how;
    uint32_t exit;
} fraud_settings_t;

typedef struct {
    const char *name;  /* "": what is in force when nothing is said */
    const char *means; /* for people */
    uint32_t covers;   /* bits of a set that say less than this one */
} fraud_word_t;

typedef enum {
    FRAUD_PART_SET = 0, /* words with commas */
    FRAUD_PART_CHOICE,  /* one word */
    FRAUD_PART_TIME,    /* a time, or "inf"; maybe a word in parentheses */
    FRAUD_PART_NUMBER,
    FRAUD_PART_CAP,  /* 0 or min(damage,N) */
    FRAUD_PART_SHARE /* a level, maybe with a condition in parentheses */
} fraud_part_type_t;

/* A setting's value is one or several parts, each with a place of its own. */
typedef struct {
    fraud_setting_id_t id;
    fraud_part_type_t type;
    const char *key; /* ends in '='; "": the part without one */
    size_t offset;   /* in fraud_settings_t */
    const fraud_word_t *words;
    size_t nwords;
    size_t note;       /* TIME with words: where the word goes */
    uint32_t min, max; /* times, numbers, caps; of a time INF is "inf" */
    unsigned optional : 1;
    unsigned tight : 1; /* more is stricter */
    const char *means;  /* what the part governs */
} fraud_part_t;

typedef struct {
    const char *name;
    char separator;    /* between parts; '\0': the value is one part */
    const char *about; /* what the software does with it */
} fraud_setting_t;

/*
 * fraud_setting_get(id):
 * Return the setting number ${id}, which is below FRAUD_SETTING_N.
 */
const fraud_setting_t *fraud_setting_get(fraud_setting_id_t id);

/*
 * fraud_setting_find(id, name):
 * Set ${id} to the setting called ${name}. FRAUD_NOTFOUND if there is none.
 */
fraud_rc fraud_setting_find(fraud_setting_id_t *id,
                            fraud_str_t name) FRAUD_CHECK;

/*
 * fraud_setting_when(when):
 * Return the word for the condition ${when}, FRAUD_WHEN_*, of a share, or NULL
 * past the last one.
 */
const fraud_word_t *fraud_setting_when(size_t when);

/*
 * fraud_setting_part(i):
 * Return part number ${i} of all settings, in their order, or NULL past the
 * last one.
 */
const fraud_part_t *fraud_setting_part(size_t i);

/*
 * fraud_setting_value(part, settings), fraud_setting_note(part, settings):
 * Return the value of ${part} in ${settings}, and the word that a time has
 * beside it.
 */
uint32_t fraud_setting_value(const fraud_part_t *part,
                             const fraud_settings_t *settings);
uint32_t fraud_setting_note(const fraud_part_t *part,
                            const fraud_settings_t *settings);

/*
 * fraud_setting_covered(part, bits):
 * Return the bits of what the words in ${bits}, of the set ${part}, include
 * beside themselves.
 */
uint32_t fraud_setting_covered(const fraud_part_t *part, uint32_t bits);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_SETTING_H */
