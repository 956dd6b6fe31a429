/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_setting.h"

#include <string.h>

#define DAY FRAUD_SETTING_DAY
#define YEAR (365 * DAY)

/* Nobody's security log or counter outlives a year. */
#define KEEP_MAX YEAR
#define CAP_MAX 10000000u

static const fraud_setting_t settings[] = {
    [FRAUD_SETTING_PURPOSE] =
        {"purpose", ' ',
         "what the data are for; every record carries one of these"},
    [FRAUD_SETTING_COLLECT] = {"collect", ' ',
                               "what of a request may reach state or output; "
                               "all else is read and forgotten"},
    [FRAUD_SETTING_LOG_FIELDS] = {"log.fields", ' ',
                                  "the fields of the security log, no others"},
    [FRAUD_SETTING_LOG_IP] = {"log.ip", ' ',
                              "the form of an address in any record"},
    [FRAUD_SETTING_ID_EPOCH] = {"id.epoch", ' ',
                                "how long one pseudonym key lives; then it is "
                                "destroyed, and with it every link"},
    [FRAUD_SETTING_ID_ACCOUNT] = {"id.account", ' ',
                                  "the form of an account in any record"},
    [FRAUD_SETTING_LINK_ACCOUNT] =
        {"link.account", ' ', "when traffic and account records may be joined"},
    [FRAUD_SETTING_LINK_DEVICE] = {"link.device", ' ',
                                   "whether devices of one person are joined"},
    [FRAUD_SETTING_COOKIE] =
        {"cookie", ' ',
         "what may be set in a browser; the value is random in any case"},
    [FRAUD_SETTING_DNT] = {"dnt", ' ', "the effect of DNT: 1 and Sec-GPC: 1"},
    [FRAUD_SETTING_GEO] = {"geo", ' ', "the place derived from an address"},
    [FRAUD_SETTING_AUTOMATION] = {"automation", ' ',
                                  "what may be decided without a person"},
    [FRAUD_SETTING_KEEP_LOG] = {"keep.log", ' ',
                                "the bytes of the security log are gone by "
                                "then, the purger's lag included"},
    [FRAUD_SETTING_KEEP_STATE] = {"keep.state", ' ', "live counters"},
    [FRAUD_SETTING_KEEP_EVIDENCE] =
        {"keep.evidence", ' ',
         "flags, their evidence and what resolves them to an account"},
    [FRAUD_SETTING_KEEP_BACKUP] = {"keep.backup", ' ',
                                   "how long deleted data stay in backups"},
    [FRAUD_SETTING_KEEP_AGGREGATE] =
        {"keep.aggregate", ',', "counts about many, none about fewer than k"},
    [FRAUD_SETTING_HOLD] = {"hold", ' ',
                            "grounds that keep a case's records longer: by "
                            "case number, in scope, reviewed every 30 days"},
    [FRAUD_SETTING_REGION] = {"region", ' ',
                              "where bytes about persons may rest"},
    [FRAUD_SETTING_SHARE] = {"share", ' ',
                             "what each registered recipient may get"},
    [FRAUD_SETTING_DEDUCT] = {"deduct", '\0',
                              "whether money may be taken from a balance"},
    [FRAUD_SETTING_DEDUCT_CAPS] = {"deduct.caps", ' ',
                                   "the most that may be taken, in minor "
                                   "units; a balance never goes below zero"},
    [FRAUD_SETTING_DEDUCT_WINDOW] =
        {"deduct.window", ' ', "time to object before and after money moves"},
    [FRAUD_SETTING_RIGHTS] =
        {"rights", ' ', "what a person may ask for, and by when it is done"},
    [FRAUD_SETTING_CHANGE] = {"change", ' ',
                              "what precedes a policy that allows more"},
};

static const fraud_word_t purposes[] = {
    [FRAUD_PURPOSE_ATTACK] = {"attack", "stop attacks on the site", 0},
    [FRAUD_PURPOSE_ABUSE] = {"abuse", "stop misuse of the service", 0},
    [FRAUD_PURPOSE_SECURITY] = {"security", "keep service and users safe", 0},
    [FRAUD_PURPOSE_FRAUD] = {"fraud", "detect and prevent fraud", 0},
    [FRAUD_PURPOSE_DEBUG] = {"debug", "find malfunctions", 0},
    [FRAUD_PURPOSE_OPTIMISE] = {"optimise", "make the service better", 0},
    [FRAUD_PURPOSE_STATS] = {"stats", "count", 0},
    [FRAUD_PURPOSE_LEGAL] = {"legal", "meet or make legal claims", 0},
    [FRAUD_PURPOSE_BILLING] = {"billing", "bill the service", 0},
};

static const fraud_word_t attributes[] = {
    [FRAUD_COLLECT_TIME] = {"time", "date and time", 0},
    [FRAUD_COLLECT_IP] = {"ip", "the address, never as it is", 0},
    [FRAUD_COLLECT_RDNS] = {"rdns", "the name of the address", 0},
    [FRAUD_COLLECT_PATH] = {"path", "the page, without its query", 0},
    [FRAUD_COLLECT_STATUS] = {"status", "the status of the answer", 0},
    [FRAUD_COLLECT_BYTES] = {"bytes", "the size of the answer", 0},
    [FRAUD_COLLECT_DWELL] = {"dwell", "the length of the visit", 0},
    [FRAUD_COLLECT_UA] = {"ua", "type and platform of the browser", 0},
    [FRAUD_COLLECT_REFERER] = {"referer", "the page before, without query", 0},
    [FRAUD_COLLECT_LANG] = {"lang", "the preferred language", 0},
    [FRAUD_COLLECT_COUNTRY] = {"country", "the country of the address", 0},
    [FRAUD_COLLECT_COOKIE] = {"cookie", "the site's own cookie", 0},
    [FRAUD_COLLECT_ACCOUNT] = {"account", "the account's opaque number", 0},
};

static const fraud_word_t fields[] = {
    [FRAUD_FIELD_TIME] = {"time", "when", 0},
    [FRAUD_FIELD_PATH] = {"path", "the page, without its query", 0},
    [FRAUD_FIELD_STATUS] = {"status", "the status of the answer", 0},
    [FRAUD_FIELD_BYTES] = {"bytes", "the size of the answer", 0},
    [FRAUD_FIELD_DWELL] = {"dwell", "the length of the visit", 0},
    [FRAUD_FIELD_UA_TYPE] = {"ua_type", "the type of browser", 0},
    [FRAUD_FIELD_UA_PLATFORM] = {"ua_platform", "the browser's system", 0},
    [FRAUD_FIELD_REFERER_HOST] = {"referer_host", "the site before", 0},
    [FRAUD_FIELD_REFERER_HOST_PATH] = {"referer_host_path", "the page before",
                                       FRAUD_SETTING_BIT(
                                           FRAUD_FIELD_REFERER_HOST)},
    [FRAUD_FIELD_LANG] = {"lang", "the preferred language", 0},
    [FRAUD_FIELD_COUNTRY] = {"country", "the country of the address", 0},
    [FRAUD_FIELD_IP_PREFIX] = {"ip_prefix", "the /24 or /48 network", 0},
    [FRAUD_FIELD_IP_PID] = {"ip_pid", "the address as a pseudonym",
                            FRAUD_SETTING_BIT(FRAUD_FIELD_IP_PREFIX)},
    [FRAUD_FIELD_ACCT_PID] = {"acct_pid", "the account as a pseudonym",
                              FRAUD_SETTING_BIT(FRAUD_FIELD_LINK_SEAL)},
    [FRAUD_FIELD_DEVICE_PID] = {"device_pid", "the device as a pseudonym", 0},
    [FRAUD_FIELD_LINK_SEAL] = {"link_seal", "the account, sealed", 0},
    [FRAUD_FIELD_RULE] = {"rule", "which rules fired", 0},
    [FRAUD_FIELD_VERDICT] = {"verdict", "score, action and mode", 0},
};

static const fraud_word_t log_ips[] = {
    [FRAUD_LOG_IP_NONE] = {"none", "no form of it", 0},
    [FRAUD_LOG_IP_PREFIX] = {"prefix", "the /24 or /48 network only", 0},
    [FRAUD_LOG_IP_KEYED] = {"keyed", "a pseudonym that dies with its key", 0},
};

static const fraud_word_t accounts[] = {
    [FRAUD_ACCOUNT_NONE] = {"none", "no form of it", 0},
    [FRAUD_ACCOUNT_SEALED] = {"sealed", "encrypted afresh each time", 0},
    [FRAUD_ACCOUNT_KEYED] = {"keyed", "a pseudonym that dies with its key", 0},
};

static const fraud_word_t links[] = {
    [FRAUD_LINK_NEVER] = {"never", "never", 0},
    [FRAUD_LINK_VIOLATION] = {"violation", "by case, after a violation", 0},
    [FRAUD_LINK_SECURITY] = {"security", "for security and misuse", 0},
};

static const fraud_word_t devices[] = {
    [FRAUD_DEVICE_NO] = {"no", "never joined", 0},
    [FRAUD_DEVICE_YES] = {"yes", "joined", 0},
};

static const fraud_word_t cookies[] = {
    [FRAUD_COOKIE_NONE] = {"none", "no cookie", 0},
    [FRAUD_COOKIE_SESSION] = {"session", "until the browser closes", 0},
    [FRAUD_COOKIE_PERSISTENT] = {"persistent", "one that stays", 0},
};

static const fraud_word_t dnts[] = {
    [FRAUD_DNT_HONOUR_ALL] = {"honour_all", "no cookie, no state", 0},
    [FRAUD_DNT_HONOUR_NONSEC] = {"honour_nonsec", "honoured but for security",
                                 0},
    [FRAUD_DNT_IGNORE] = {"ignore", "no effect", 0},
};

static const fraud_word_t places[] = {
    [FRAUD_PLACE_NONE] = {"none", "no place", 0},
    [FRAUD_PLACE_COUNTRY] = {"country", "the country", 0},
    [FRAUD_PLACE_CITY] = {"city", "the city, for travel by coordinates", 0},
};

static const fraud_word_t automations[] = {
    [FRAUD_AUTOMATION_NONE] =
        {"none",
         "no score of anyone; limits per request and short-lived prefix", 0},
    [FRAUD_AUTOMATION_ASSIST] =
        {"assist",
         "requests are limited; about accounts and money a person decides", 0},
};

static const fraud_word_t holds[] = {
    [FRAUD_HOLD_LEGAL] = {"legal", "required by law, legal claims", 0},
    [FRAUD_HOLD_SECURITY] = {"security", "security of the service", 0},
    [FRAUD_HOLD_PERFORMANCE] = {"performance", "performance of the service", 0},
    [FRAUD_HOLD_INVESTIGATION] = {"investigation", "an attack", 0},
};

static const fraud_word_t regions[] = {
    [FRAUD_REGION_LOCAL] = {"local", "on the web server itself", 0},
    [FRAUD_REGION_CH] = {"CH", "in Switzerland", 0},
    [FRAUD_REGION_ANY] = {"any", "anywhere", 0},
};

static const fraud_word_t edges[] = {
    [FRAUD_EDGE_NONE] = {"", "edge nodes keep nothing", 0},
    [FRAUD_EDGE_LOCAL] = {"local", "they keep their own", 0},
};

static const fraud_word_t levels[] = {
    [FRAUD_LEVEL_NEVER] = {"never", "nothing", 0},
    [FRAUD_LEVEL_AGGREGATE] = {"aggregate", "counts about 10 or more", 0},
    [FRAUD_LEVEL_TIMESTAMPS] = {"timestamps", "minutes and amounts", 0},
    [FRAUD_LEVEL_TOKEN] = {"token", "the processor's own token", 0},
    [FRAUD_LEVEL_PSEUDONYMOUS] = {"pseudonymous", "pseudonyms of its own", 0},
    [FRAUD_LEVEL_IDENTIFIED] = {"identified", "the account", 0},
};

static const fraud_word_t whens[] = {
    [FRAUD_WHEN_ALWAYS] = {"", "", 0},
    [FRAUD_WHEN_CASE] = {"case", "by case number", 0},
    [FRAUD_WHEN_CONSENT] = {"consent", "if the person agreed", 0},
    [FRAUD_WHEN_DUE] = {"if due>0", "while something is due", 0},
    [FRAUD_WHEN_NECESSARY] = {"necessary", "as far as it is needed", 0},
};

static const fraud_word_t deducts[] = {
    [FRAUD_DEDUCT_FORBID] = {"forbid", "never", 0},
    [FRAUD_DEDUCT_PROVEN] =
        {"review when fraud>=confirmed & damage>=proven & attribution=account",
         "by a person, after confirmed fraud by the account itself and proven "
         "damage",
         0},
    [FRAUD_DEDUCT_ASSESSED] = {"review when fraud>=confirmed & "
                               "damage>=assessed & attribution=account",
                               "by a person, after confirmed fraud by the "
                               "account itself and assessed damage",
                               0},
    [FRAUD_DEDUCT_SUSPECTED] = {"review when fraud>=confirmed & "
                                "damage>=suspected & attribution=account",
                                "by a person, after confirmed fraud by the "
                                "account itself and suspected damage",
                                0},
};

static const fraud_word_t balances[] = {
    [FRAUD_CAP_ZERO] = {"0", "nothing", 0},
    [FRAUD_CAP_BALANCE] = {"balance", "what the balance holds", 0},
};

static const fraud_word_t rights[] = {
    [FRAUD_RIGHT_ACCESS_YEARLY] = {"access(2/y)", "see it, twice a year", 0},
    [FRAUD_RIGHT_ACCESS] = {"access", "see it",
                            FRAUD_SETTING_BIT(FRAUD_RIGHT_ACCESS_YEARLY)},
    [FRAUD_RIGHT_RECTIFY] = {"rectify", "have it put right", 0},
    [FRAUD_RIGHT_ERASE] = {"erase", "have it erased", 0},
    [FRAUD_RIGHT_ERASE_SELF] = {"erase(self-service)", "erase it oneself",
                                FRAUD_SETTING_BIT(FRAUD_RIGHT_ERASE)},
    [FRAUD_RIGHT_OBJECT] = {"object", "leave the scoring", 0},
    [FRAUD_RIGHT_RESTRICT] = {"restrict", "have it frozen during a review", 0},
    [FRAUD_RIGHT_EXPORT] = {"export", "get it as JSON", 0},
};

static const fraud_word_t inflights[] = {
    [FRAUD_INFLIGHT_VOID] = {"void", "open holds are void", 0},
    [FRAUD_INFLIGHT_FINISH] = {"finish", "holds already open finish", 0},
};

static const fraud_word_t childrens[] = {
    [FRAUD_CHILDREN_NOW] = {"erase_now", "within an hour, no hold", 0},
    [FRAUD_CHILDREN_NOTICE] = {"erase_on_notice", "when told of it", 0},
    [FRAUD_CHILDREN_UNSAID] = {"", "as everybody's", 0},
};

static const fraud_word_t refunds[] = {
    [FRAUD_REFUND_CASE] = {"case_by_case", "each by a person", 0},
    [FRAUD_REFUND_UNSAID] = {"", "by the appeal alone", 0},
};

static const fraud_word_t triggers[] = {
    [FRAUD_TRIGGER_CANCEL] = {"cancel", "the end of a subscription", 0},
    [FRAUD_TRIGGER_UNSAID] = {"", "a request only", 0},
};

static const fraud_word_t hows[] = {
    [FRAUD_NOTICE_EMAIL] = {"email", "by e-mail to each", 0},
    [FRAUD_NOTICE_UNSAID] = {"", "to all", 0},
    [FRAUD_NOTICE_IF_WIDER] = {"announce if wider", "if it allows more", 0},
    [FRAUD_NOTICE_PUBLISH] = {"publish", "in force when published", 0},
    [FRAUD_NOTICE_ON_COOPERATION] = {"on_cooperation", "if people must act", 0},
};

static const fraud_word_t exits[] = {
    [FRAUD_EXIT_ERASE] = {"erase", "erased, under the old policy", 0},
    [FRAUD_EXIT_NONE] = {"none", "nothing special", 0},
};

#define AT(member) offsetof(fraud_settings_t, member)
#define WORDS(words) words, sizeof(words) / sizeof((words)[0])
#define NO_WORDS NULL, 0

/* rows of the kinds that most settings are: one part, no key */
#define SET(id, at, words, optional)                                           \
    {                                                                          \
        FRAUD_SETTING_##id, FRAUD_PART_SET, "", AT(at), WORDS(words), 0, 0, 0, \
            optional, 0, NULL                                                  \
    }
#define CHOICE(id, at, words)                                                  \
    {                                                                          \
        FRAUD_SETTING_##id, FRAUD_PART_CHOICE, "", AT(at), WORDS(words), 0, 0, \
            0, 0, 0, NULL                                                      \
    }
#define TIME(id, at, min, max)                                                 \
    {                                                                          \
        FRAUD_SETTING_##id, FRAUD_PART_TIME, "", AT(at), NO_WORDS, 0, min,     \
            max, 0, 0, NULL                                                    \
    }

/* rows of parts with a key */
#define PART(id, type, key, at, words, optional, means)                        \
    {                                                                          \
        FRAUD_SETTING_##id, FRAUD_PART_##type, key, AT(at), words, 0, 0, 0,    \
            optional, 0, means                                                 \
    }
#define RANGE(id, type, key, at, min, max, optional, tight, means)             \
    {                                                                          \
        FRAUD_SETTING_##id, FRAUD_PART_##type, key, AT(at), NO_WORDS, 0, min,  \
            max, optional, tight, means                                        \
    }
#define SHARE(key, who, means)                                                 \
    {                                                                          \
        FRAUD_SETTING_SHARE, FRAUD_PART_SHARE, key,                            \
            AT(share[FRAUD_SHARE_##who]), WORDS(levels), 0, 0, 0,              \
            FRAUD_SHARE_##who != FRAUD_SHARE_DEFAULT, 0, means                 \
    }

static const fraud_part_t parts[] = {
    SET(PURPOSE, purpose, purposes, 0),
    SET(COLLECT, collect, attributes, 0),
    SET(LOG_FIELDS, log_fields, fields, 0),
    CHOICE(LOG_IP, log_ip, log_ips),
    TIME(ID_EPOCH, id_epoch, 600, 31 * DAY),
    CHOICE(ID_ACCOUNT, id_account, accounts),
    CHOICE(LINK_ACCOUNT, link_account, links),
    CHOICE(LINK_DEVICE, link_device, devices),
    CHOICE(COOKIE, cookie, cookies),
    CHOICE(DNT, dnt, dnts),
    CHOICE(GEO, geo, places),
    CHOICE(AUTOMATION, automation, automations),
    TIME(KEEP_LOG, keep_log, 7200, KEEP_MAX),
    TIME(KEEP_STATE, keep_state, 60, KEEP_MAX),
    TIME(KEEP_EVIDENCE, keep_evidence, 0, KEEP_MAX),
    TIME(KEEP_BACKUP, keep_backup, 0, KEEP_MAX),
    TIME(KEEP_AGGREGATE, keep_aggregate, 0, FRAUD_SETTING_INF),
    RANGE(KEEP_AGGREGATE, NUMBER, "k=", aggregate_k, FRAUD_SETTING_K_MIN,
          1000000, 0, 1, "subjects in the smallest count"),
    SET(HOLD, hold, holds, 1),
    CHOICE(REGION, region, regions),
    PART(REGION, CHOICE, "edge=", region_edge, WORDS(edges), 1,
         "nodes elsewhere"),
    SHARE("default=", DEFAULT, "everybody else"),
    SHARE("processor=", PROCESSOR, "the payment processor"),
    SHARE("collections=", COLLECTIONS, "who collects a debt"),
    SHARE("fraud_partner=", FRAUD_PARTNER, "partners against fraud"),
    SHARE("analytics=", ANALYTICS, "who analyses behaviour"),
    SHARE("research=", RESEARCH, "research"),
    SHARE("affiliate=", AFFILIATE, "who sent the customer"),
    SHARE("marketing=", MARKETING, "marketing of others"),
    SHARE("authority=", AUTHORITY, "authorities"),
    {FRAUD_SETTING_DEDUCT, FRAUD_PART_CHOICE, "", AT(deduct), WORDS(deducts), 0,
     0, 0, 0, 0,
     "forbid or review when fraud>=confirmed & damage>=suspected & "
     "attribution=account"},
    RANGE(DEDUCT_CAPS, CAP, "event=", cap_event, 0, CAP_MAX, 0, 0,
          "for one event, and no more than its damage"),
    RANGE(DEDUCT_CAPS, NUMBER, "day=", cap_day, 0, CAP_MAX, 0, 0, "in a day"),
    PART(DEDUCT_CAPS, CHOICE, "account=", cap_account, WORDS(balances), 0,
         "of an account"),
    RANGE(DEDUCT_WINDOW, TIME, "hold=", window_hold, 0, KEEP_MAX, 0, 1,
          "held before money moves"),
    RANGE(DEDUCT_WINDOW, TIME, "appeal=", window_appeal, 0, KEEP_MAX, 0, 1,
          "to appeal after the notice"),
    {FRAUD_SETTING_RIGHTS, FRAUD_PART_SET, "", AT(rights), WORDS(rights), 0, 0,
     0, 0, 1, NULL},
    RANGE(RIGHTS, TIME, "erase_within=", erase_within, 3600, 30 * DAY, 0, 0,
          "erased everywhere within"),
    PART(RIGHTS, CHOICE, "inflight=", inflight, WORDS(inflights), 0,
         "when erasure is asked for"),
    PART(RIGHTS, CHOICE, "refund=", refund, WORDS(refunds), 1, "refunds"),
    PART(RIGHTS, CHOICE, "erase_trigger=", erase_trigger, WORDS(triggers), 1,
         "what else starts an erasure"),
    PART(RIGHTS, CHOICE, "children=", children, WORDS(childrens), 1,
         "data of children are erased"),
    RANGE(RIGHTS, TIME, "keep.correspondence=", keep_correspondence, 0,
          10 * YEAR, 1, 0, "letters about it are kept"),
    {FRAUD_SETTING_CHANGE, FRAUD_PART_TIME, "notice=", AT(notice), WORDS(hows),
     AT(notice_how), 0, KEEP_MAX, 0, 1, "told before it is in force"},
    PART(CHANGE, CHOICE, "exit=", exit, WORDS(exits), 0, "who leaves"),
};

const fraud_setting_t *fraud_setting_get(fraud_setting_id_t id) {
    return &settings[id];
}

fraud_rc fraud_setting_find(fraud_setting_id_t *id, fraud_str_t name) {
    size_t i;

    for (i = 0; i < FRAUD_SETTING_N; i++) {
        if (strlen(settings[i].name) == name.len &&
            memcmp(settings[i].name, name.data, name.len) == 0) {
            *id = (fraud_setting_id_t)i;
            return FRAUD_OK;
        }
    }
    return FRAUD_NOTFOUND;
}

const fraud_word_t *fraud_setting_when(size_t when) {
    return when < sizeof(whens) / sizeof(whens[0]) ? &whens[when] : NULL;
}

const fraud_part_t *fraud_setting_part(size_t i) {
    return i < sizeof(parts) / sizeof(parts[0]) ? &parts[i] : NULL;
}

static uint32_t at(const fraud_settings_t *values, size_t offset) {
    uint32_t value;

    memcpy(&value, (const char *)values + offset, sizeof(value));
    return value;
}

uint32_t fraud_setting_value(const fraud_part_t *part,
                             const fraud_settings_t *values) {
    return at(values, part->offset);
}

uint32_t fraud_setting_note(const fraud_part_t *part,
                            const fraud_settings_t *values) {
    return at(values, part->note);
}

uint32_t fraud_setting_covered(const fraud_part_t *part, uint32_t bits) {
    uint32_t all = 0;
    size_t i;

    for (i = 0; i < part->nwords; i++) {
        if ((bits & FRAUD_SETTING_BIT(i)) != 0) {
            all |= part->words[i].covers;
        }
    }
    return all;
}
