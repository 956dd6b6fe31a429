/* SPDX-License-Identifier: BSD-2-Clause */

#include "../../lib/fraud_lines.h"
#include "../../lib/fraud_policy.h"
#include "../../lib/fraud_lines.h"
#include "../../lib/fraud_value.h"
#include "../../lib/fraud_wording.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 8192
#define FILES 5
#define DAY FRAUD_SETTING_DAY

static const char *const files[FILES] = {"asogen", "asergo", "aseptsoft",
                                         "kirim-email", "apsen-mail"};

/* What each shipped policy has to say, written as it is in the files. */
static const struct {
    const char *name;
    const char *value[FILES];
} expected[] = {
    {"purpose",
     {"abuse,attack,fraud,debug,optimise,billing", "security,stats,legal,debug",
      "abuse,attack,debug,optimise,stats", "attack,stats",
      "abuse,fraud,debug,stats,optimise"}},
    {"collect",
     {"ip,rdns,time,dwell,path,ua,cookie,account",
      "time,ip,ua,referer,lang,country,account",
      "ip,time,path,ua,cookie,account", "ip,time,path,referer,ua,bytes,status",
      "ip,time,path,ua,cookie,account"}},
    {"log.fields",
     {"time,path,dwell,ua_type,ip_pid,acct_pid,rule,verdict",
      "time,ip_pid,ua_type,ua_platform,referer_host,lang,country,link_seal,"
      "rule,verdict",
      "time,path,ua_type,ua_platform,ip_pid,rule,verdict",
      "referer_host_path,path,time,bytes,status,ua_type,ip_prefix",
      "time,path,ua_type,ip_pid,acct_pid,device_pid,rule,verdict"}},
    {"log.ip", {"keyed", "keyed", "keyed", "prefix", "keyed"}},
    {"id.epoch", {"24h", "24h", "24h", "1h", "24h"}},
    {"id.account", {"keyed", "sealed", "keyed", "none", "keyed"}},
    {"link.account",
     {"security", "violation", "security", "never", "security"}},
    {"link.device", {"no", "no", "no", "no", "yes"}},
    {"cookie", {"session", "none", "session", "none", "persistent"}},
    {"dnt",
     {"honour_nonsec", "honour_nonsec", "ignore", "honour_all",
      "honour_nonsec"}},
    {"geo", {"none", "country", "none", "none", "none"}},
    {"automation", {"assist", "assist", "assist", "none", "assist"}},
    {"keep.log", {"90d", "180d", "21d", "7d", "365d"}},
    {"keep.state", {"30d", "30d", "7d", "1h", "30d"}},
    {"keep.evidence", {"180d", "180d", "21d", "0d", "365d"}},
    {"keep.backup", {"30d", "180d", "21d", "7d", "30d"}},
    {"keep.aggregate",
     {"365d,k=10", "inf,k=10", "inf,k=10", "7d,k=10", "inf,k=10"}},
    {"hold",
     {"legal", "security,performance,legal", "investigation", "none", "legal"}},
    {"region", {"any", "any", "CH edge=local", "local", "any"}},
    {"share",
     {"default=never processor=identified collections=identified(if due>0) "
      "fraud_partner=pseudonymous(case) analytics=aggregate affiliate=never "
      "authority=case",
      "default=never processor=token research=aggregate analytics=aggregate "
      "affiliate=never authority=case",
      "default=never processor=token affiliate=timestamps analytics=never "
      "authority=case",
      "default=never processor=token(necessary) analytics=never authority=case",
      "default=never processor=token research=pseudonymous affiliate=consent "
      "marketing=consent authority=case"}},
    {"deduct",
     {"review when fraud>=confirmed & damage>=suspected & attribution=account",
      "forbid", "forbid", "forbid", "forbid"}},
    {"deduct.caps",
     {"event=min(damage,5000) day=5000 account=balance",
      "event=0 day=0 account=0", "event=0 day=0 account=0",
      "event=0 day=0 account=0", "event=0 day=0 account=0"}},
    {"deduct.window",
     {"hold=14d appeal=30d", "hold=0d appeal=0d", "hold=0d appeal=0d",
      "hold=0d appeal=0d", "hold=0d appeal=0d"}},
    {"rights",
     {"access,rectify,erase,object,export erase_within=30d inflight=finish "
      "refund=case_by_case",
      "access,rectify,erase,object,export erase_within=30d inflight=void "
      "children=erase_now",
      "access,rectify,erase,object,export erase_within=30d "
      "erase_trigger=cancel inflight=void",
      "access(2/y),rectify,erase,object,restrict,export erase_within=10d "
      "inflight=void children=erase_on_notice keep.correspondence=6y",
      "access,rectify,erase(self-service),object,export erase_within=30d "
      "inflight=void"}},
    {"change",
     {"notice=30d(announce if wider) exit=none", "notice=0d(publish) exit=none",
      "notice=30d exit=none", "notice=0d(on_cooperation) exit=none",
      "notice=30d(email) exit=erase"}},
};

/* Valid, and at its strictest but where a word needs another. */
static const char strict[] = "[policy]\n"
                             "name = test\n"
                             "version = 1\n"
                             "notice = 2026-01-31\n"
                             "effective = 2026-02-01\n"
                             "[settings]\n"
                             "purpose = attack\n"
                             "collect = time\n"
                             "log.fields = time\n"
                             "log.ip = none\n"
                             "id.epoch = 1h\n"
                             "id.account = none\n"
                             "link.account = never\n"
                             "link.device = no\n"
                             "cookie = none\n"
                             "dnt = honour_all\n"
                             "geo = none\n"
                             "automation = none\n"
                             "keep.log = 7d\n"
                             "keep.state = 1h\n"
                             "keep.evidence = 0d\n"
                             "keep.backup = 7d\n"
                             "keep.aggregate = 7d,k=10\n"
                             "hold = none\n"
                             "region = local\n"
                             "share = default=never\n"
                             "deduct = forbid\n"
                             "deduct.caps = event=0 day=0 account=0\n"
                             "deduct.window = hold=0d appeal=0d\n"
                             "rights = access,rectify,erase,object,export "
                             "erase_within=10d inflight=void\n"
                             "change = notice=30d(email) exit=erase\n";

/* A value of each kind that is good, and how it is written afterwards. */
static const struct {
    const char *name;
    const char *value;
    const char *canonical; /* NULL: the same */
} good[] = {
    {"purpose", "attack", NULL},
    {"purpose",
     "billing,legal,stats,optimise,debug,fraud,security,abuse,attack",
     "attack,abuse,security,fraud,debug,optimise,stats,legal,billing"},
    {"collect", "account,  time", "time,account"},
    {"collect",
     "time,ip,rdns,path,status,bytes,dwell,ua,referer,lang,country,cookie,"
     "account",
     NULL},
    {"log.fields",
     "time,path,status,bytes,dwell,ua_type,ua_platform,referer_host_path,lang,"
     "country,ip_pid,acct_pid,device_pid,rule,verdict",
     NULL},
    {"log.fields", "referer_host,ip_prefix,link_seal", NULL},
    {"log.ip", "none", NULL},
    {"log.ip", "prefix", NULL},
    {"log.ip", "keyed", NULL},
    {"id.epoch", "10m", NULL},
    {"id.epoch", "24h", "1d"},
    {"id.epoch", "90m", NULL},
    {"id.epoch", "31d", NULL},
    {"id.account", "none", NULL},
    {"id.account", "sealed", NULL},
    {"id.account", "keyed", NULL},
    {"link.account", "never", NULL},
    {"link.account", "violation", NULL},
    {"link.account", "security", NULL},
    {"link.device", "no", NULL},
    {"link.device", "yes", NULL},
    {"cookie", "none", NULL},
    {"cookie", "session", NULL},
    {"cookie", "persistent", NULL},
    {"dnt", "honour_all", NULL},
    {"dnt", "honour_nonsec", NULL},
    {"dnt", "ignore", NULL},
    {"geo", "none", NULL},
    {"geo", "country", NULL},
    {"geo", "city", NULL},
    {"automation", "none", NULL},
    {"automation", "assist", NULL},
    {"keep.log", "2h", NULL},
    {"keep.log", "1y", "365d"},
    {"keep.state", "60s", "1m"},
    {"keep.state", "61s", NULL},
    {"keep.evidence", "0d", NULL},
    {"keep.evidence", "365d", NULL},
    {"keep.backup", "0s", "0d"},
    {"keep.aggregate", "inf,k=10", NULL},
    {"keep.aggregate", "k=1000000, 3650d", "3650d,k=1000000"},
    {"hold", "none", NULL},
    {"hold", "investigation,performance,security,legal",
     "legal,security,performance,investigation"},
    {"region", "local", NULL},
    {"region", "CH", NULL},
    {"region", "edge=local CH", "CH edge=local"},
    {"region", "any", NULL},
    {"share", "default=never", NULL},
    {"share", "processor=never default=never", "default=never"},
    {"share",
     "default=never processor=identified(necessary) "
     "collections=identified(if due>0) fraud_partner=pseudonymous(case) "
     "analytics=aggregate(consent) research=timestamps",
     NULL},
    {"share",
     "default=never affiliate=token marketing=consent authority=identified("
     "case)",
     "default=never affiliate=token marketing=consent authority=case"},
    {"deduct", "forbid", NULL},
    {"deduct",
     "review when fraud>=confirmed & damage>=suspected & attribution=account",
     NULL},
    {"deduct",
     "review  when fraud>=confirmed & damage>=assessed & attribution=account",
     "review when fraud>=confirmed & damage>=assessed & attribution=account"},
    {"deduct",
     "review when fraud>=confirmed & damage>=proven & attribution=account",
     NULL},
    {"deduct.caps", "event=0 day=0 account=0", NULL},
    {"deduct.caps", "account=balance day=10000000 event=min(damage,1)",
     "event=min(damage,1) day=10000000 account=balance"},
    {"deduct.window", "hold=14d appeal=30d", NULL},
    {"rights", "access erase_within=30d inflight=finish", NULL},
    {"rights",
     "access(2/y),rectify,erase(self-service),object,restrict,export "
     "erase_within=1h inflight=void refund=case_by_case erase_trigger=cancel "
     "children=erase_on_notice keep.correspondence=6y",
     "access(2/y),rectify,erase(self-service),object,restrict,export "
     "erase_within=1h inflight=void refund=case_by_case erase_trigger=cancel "
     "children=erase_on_notice keep.correspondence=2190d"},
    {"rights", "erase erase_within=1d inflight=void children=erase_now", NULL},
    {"change", "notice=30d exit=none", NULL},
    {"change", "exit=erase notice=30d(email)", "notice=30d(email) exit=erase"},
    {"change", "notice=1d(announce if wider) exit=none", NULL},
    {"change", "notice=0d(publish) exit=none", NULL},
    {"change", "notice=0d(on_cooperation) exit=none", NULL},
};

/* What no policy may say, what is malformed, and why. */
static const struct {
    const char *name;
    const char *value;
    const char *why;
} wrong[] = {
    {"purpose", "",
     "\"purpose\": \"\" is wrong, use attack,abuse,security,"
     "fraud,debug,optimise,stats,legal,billing"},
    {"purpose", "none",
     "\"purpose\": \"none\" is wrong, use attack,abuse,"
     "security,fraud,debug,optimise,stats,legal,billing"},
    {"purpose", "attack,attack", "\"purpose\" says twice \"attack\""},
    {"purpose", "attack abuse", "\"purpose\" has one too many: \"abuse\""},
    {"purpose", "attack,", "\"purpose\" ends in a comma: \"attack,\""},
    {"purpose", "attack,,abuse",
     "\"purpose\": \"\" is wrong, use attack,abuse,security,fraud,debug,"
     "optimise,stats,legal,billing"},
    {"collect", "time,body",
     "\"collect\": \"body\" is wrong, use time,ip,rdns,path,status,bytes,"
     "dwell,ua,referer,lang,country,cookie,account"},
    {"log.fields", "time,ip",
     "\"log.fields\": \"ip\" is wrong, see \"fraudctl policy explain "
     "log.fields\""},
    {"log.fields", "time,city", NULL},
    {"log.fields", "referer_host,referer_host_path",
     "\"log.fields\" has a word that includes \"referer_host\""},
    {"log.ip", "full", "\"log.ip\": \"full\" is wrong, use none,prefix,keyed"},
    {"log.ip", "Keyed", NULL},
    {"log.ip", "prefix(24/48)", NULL},
    {"log.ip", "none keyed", "\"log.ip\" has one too many: \"keyed\""},
    {"id.epoch", "24", "\"id.epoch\": \"24\" is wrong, use 10m to 31d"},
    {"id.epoch", "9m", NULL},
    {"id.epoch", "32d", NULL},
    {"id.epoch", "1h1", NULL},
    {"id.epoch", "600500ms", NULL},
    {"id.epoch", "inf", NULL},
    {"id.account", "clear",
     "\"id.account\": \"clear\" is wrong, use none,sealed,keyed"},
    {"link.account", "always",
     "\"link.account\": \"always\" is wrong, use never,violation,security"},
    {"link.device", "maybe", "\"link.device\": \"maybe\" is wrong, use no,yes"},
    {"cookie", "forever",
     "\"cookie\": \"forever\" is wrong, use none,session,persistent"},
    {"dnt", "off",
     "\"dnt\": \"off\" is wrong, use honour_all,honour_nonsec,ignore"},
    {"geo", "street", "\"geo\": \"street\" is wrong, use none,country,city"},
    {"automation", "auto",
     "\"automation\": \"auto\" is wrong, use none,assist"},
    {"keep.log", "inf", "\"keep.log\": \"inf\" is wrong, use 2h to 365d"},
    {"keep.log", "366d", NULL},
    {"keep.log", "99999999999999999999d", NULL},
    {"keep.state", "0d", "\"keep.state\": \"0d\" is wrong, use 1m to 365d"},
    {"keep.evidence", "-1d",
     "\"keep.evidence\": \"-1d\" is wrong, use 0d to 365d"},
    {"keep.backup", "2y", "\"keep.backup\": \"2y\" is wrong, use 0d to 365d"},
    {"keep.aggregate", "inf", "\"keep.aggregate\" lacks \"k=\""},
    {"keep.aggregate", "inf,k=9",
     "\"keep.aggregate\": \"9\" is wrong, use 10 to 1000000"},
    {"keep.aggregate", "k=10",
     "\"keep.aggregate\": \"\" is wrong, use 0d to 3650d or inf"},
    {"keep.aggregate", "inf,k=10,",
     "\"keep.aggregate\" ends in a comma: \"inf,k=10,\""},
    {"hold", "curiosity",
     "\"hold\": \"curiosity\" is wrong, use legal,security,performance,"
     "investigation or none"},
    {"hold", "none,legal", NULL},
    {"hold", "", NULL},
    {"region", "US", "\"region\": \"US\" is wrong, use local,CH,any"},
    {"region", "CH edge=any", "\"region\": \"any\" is wrong, use local"},
    {"region", "CH edge=", NULL},
    {"share", "", "\"share\" lacks \"default=\""},
    {"share", "processor=token", "\"share\" lacks \"default=\""},
    {"share", "default=aggregate",
     "\"share\": \"aggregate\" is wrong, use never"},
    {"share", "default=case", NULL},
    {"share", "default=never everybody=token",
     "\"share\" does not know \"everybody=token\""},
    {"share", "default=never processor=raw", NULL},
    {"share", "default=never processor=never(case)", NULL},
    {"share", "default=never processor=token(always)", NULL},
    {"share", "default=never processor=token()", NULL},
    {"share", "default=never processor=token(case", NULL},
    {"share", "default=never default=never",
     "\"share\" has one too many: \"default=never\""},
    {"deduct", "permit",
     "\"deduct\": \"permit\" is wrong, use forbid or review when fraud>="
     "confirmed & damage>=suspected & attribution=account"},
    {"deduct", "review",
     "\"deduct\": \"review\" is wrong, use forbid or review when fraud>="
     "confirmed & damage>=suspected & attribution=account"},
    {"deduct",
     "review when fraud>=suspected & damage>=proven & attribution=account",
     "\"deduct\": \"review when fraud>=suspe...\" is wrong, see \"fraudctl "
     "policy explain deduct\""},
    {"deduct",
     "review when fraud>=confirmed & damage>=proven & attribution=device",
     NULL},
    {"deduct.caps", "event=5000 day=5000 account=balance",
     "\"deduct.caps\": \"5000\" is wrong, use 0 or min(damage,N)"},
    {"deduct.caps", "event=min(damage,10000001) day=0 account=0", NULL},
    {"deduct.caps", "event=min(damage,) day=0 account=0", NULL},
    {"deduct.caps", "event=0 day=0 account=all",
     "\"deduct.caps\": \"all\" is wrong, use 0,balance"},
    {"deduct.caps", "event=0 account=0", "\"deduct.caps\" lacks \"day=\""},
    {"deduct.caps", "day=0 account=0", "\"deduct.caps\" lacks \"event=\""},
    {"deduct.caps", "event=0 day=0", "\"deduct.caps\" lacks \"account=\""},
    {"deduct.window", "appeal=30d", "\"deduct.window\" lacks \"hold=\""},
    {"deduct.window", "hold=14d", "\"deduct.window\" lacks \"appeal=\""},
    {"deduct.window", "14d", "\"deduct.window\" does not know \"14d\""},
    {"rights", "erase_within=30d inflight=void", NULL},
    {"rights", "access,access(2/y) erase_within=30d inflight=void",
     "\"rights\" has a word that includes \"access(2/y)\""},
    {"rights", "access erase_within=30d", "\"rights\" lacks \"inflight=\""},
    {"rights", "access inflight=void", "\"rights\" lacks \"erase_within=\""},
    {"rights", "access erase_within=31d inflight=void",
     "\"rights\": \"31d\" is wrong, use 1h to 30d"},
    {"rights", "access erase_within=30d inflight=keep",
     "\"rights\": \"keep\" is wrong, use void,finish"},
    {"rights", "access erase_within=30d inflight=void refund=no", NULL},
    {"change", "notice=30d(letter) exit=none",
     "\"change\": \"30d(letter)\" is wrong, use 0d to 365d, maybe with "
     "(email,announce if wider,publish,on_cooperation)"},
    {"change", "notice=30d() exit=none", NULL},
    {"change", "notice=30d", "\"change\" lacks \"exit=\""},
    {"change", "exit=none", "\"change\" lacks \"notice=\""},
};

static fraud_str_t str(const char *text) {
    fraud_str_t s = {(const uint8_t *)text, strlen(text)};

    return s;
}

static fraud_setting_id_t id_of(const char *name) {
    fraud_setting_id_t id;

    assert_int_equal(fraud_setting_find(&id, str(name)), FRAUD_OK);
    return id;
}

static const char *canonical(const fraud_settings_t *settings,
                             fraud_setting_id_t id) {
    static uint8_t text[1024];
    fraud_buf_t buf;

    memset(text, 0, sizeof(text));
    fraud_buf_init(&buf, text, sizeof(text) - 1);
    fraud_wording_value(&buf, settings, id);
    assert_false(buf.full);
    return (const char *)text;
}

/* Parse from memory of exactly this size. The comments are lost. */
static fraud_rc parse(fraud_policy_t *policy, const char *text,
                      fraud_err_t *err) {
    size_t len = strlen(text);
    char *exact = malloc(len != 0 ? len : 1);
    fraud_rc rc;

    assert_non_null(exact);
    memcpy(exact, text, len);
    rc = fraud_policy_parse(policy, exact, len, err);
    free(exact);
    return rc;
}

/* A policy with one line in place of that of a setting; NULL drops it. */
static const char *with(const char *base, const char *name, const char *line) {
    static char edits[8][MAX_TEXT];
    static size_t at;
    char *text = edits[at++ % 8];
    char key[64];
    const char *from, *end;

    (void)snprintf(key, sizeof(key), "\n%s = ", name);
    from = strstr(base, key);
    assert_non_null(from);
    end = strchr(from + 1, '\n');
    assert_non_null(end);
    (void)snprintf(text, MAX_TEXT, "%.*s%s%s", (int)(from + 1 - base), base,
                   line != NULL ? line : "", line != NULL ? end : end + 1);
    return text;
}

static const char *setting(const char *base, const char *name,
                           const char *value) {
    char line[1024];

    (void)snprintf(line, sizeof(line), "%s = %s", name, value);
    return with(base, name, line);
}

static char *read_file(const char *name, size_t *len) {
    char path[128];
    char *text = calloc(1, FRAUD_POLICY_MAX_BYTES);
    FILE *in;

    (void)snprintf(path, sizeof(path), "../conf/policies/%s.policy", name);
    in = fopen(path, "rb");
    assert_non_null(in);
    assert_non_null(text);
    *len = fread(text, 1, FRAUD_POLICY_MAX_BYTES - 1, in);
    (void)fclose(in);
    return text;
}

static void all_settings_are_tried(void **state) {
    uint32_t seen_good = 0, seen_wrong = 0, seen_expected = 0;
    size_t i;

    (void)state;
    assert_int_equal(FRAUD_SETTING_N, 25);
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        seen_good |= FRAUD_SETTING_BIT(id_of(good[i].name));
    }
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        seen_wrong |= FRAUD_SETTING_BIT(id_of(wrong[i].name));
    }
    for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        seen_expected |= FRAUD_SETTING_BIT(id_of(expected[i].name));
    }
    assert_int_equal(seen_good, FRAUD_SETTING_BIT(FRAUD_SETTING_N) - 1);
    assert_int_equal(seen_wrong, seen_good);
    assert_int_equal(seen_expected, seen_good);
}

static void good_values(void **state) {
    fraud_settings_t settings, again;
    fraud_err_t err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        fraud_setting_id_t id = id_of(good[i].name);

        memset(&settings, 0, sizeof(settings));
        memset(&again, 0, sizeof(again));
        if (fraud_value_parse(&settings, id, str(good[i].value), &err) !=
            FRAUD_OK) {
            fail_msg("%s = %s: %s", good[i].name, good[i].value, err.why);
        }
        assert_string_equal(canonical(&settings, id), good[i].canonical != NULL
                                                          ? good[i].canonical
                                                          : good[i].value);
        assert_int_equal(
            fraud_value_parse(&again, id, str(canonical(&settings, id)), &err),
            FRAUD_OK);
        assert_memory_equal(&again, &settings, sizeof(settings));
    }
}

static void wrong_values(void **state) {
    fraud_settings_t settings;
    fraud_policy_t policy;
    fraud_err_t err;
    const char *text;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (fraud_value_parse(&settings, id_of(wrong[i].name),
                              str(wrong[i].value), &err) == FRAUD_OK) {
            fail_msg("%s = %s", wrong[i].name, wrong[i].value);
        }
        assert_true(
            strncmp(err.why + 1, wrong[i].name, strlen(wrong[i].name)) == 0);
        if (wrong[i].why != NULL) {
            assert_string_equal(err.why, wrong[i].why);
        }
        if (wrong[i].value[0] == '\0') {
            continue;
        }
        /* the same in a file, with its line */
        text = setting(strict, wrong[i].name, wrong[i].value);
        assert_int_equal(parse(&policy, text, &err), FRAUD_EINVAL);
        assert_int_equal(err.line, 7 + id_of(wrong[i].name));
        if (wrong[i].why != NULL) {
            assert_string_equal(err.why, wrong[i].why);
        }
    }
}

static void a_value_may_be_long(void **state) {
    fraud_settings_t settings;
    char value[2 * FRAUD_VALUE_MAX];
    fraud_err_t err;

    (void)state;
    memset(value, ' ', sizeof(value));
    memcpy(value + sizeof(value) - 7, "attack", 7);
    assert_int_equal(
        fraud_value_parse(&settings, FRAUD_SETTING_PURPOSE, str(value), &err),
        FRAUD_OK);
    memset(value, 'a', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    assert_int_equal(
        fraud_value_parse(&settings, FRAUD_SETTING_PURPOSE, str(value), &err),
        FRAUD_EINVAL);
    assert_string_equal(err.why, "\"purpose\" is too long: "
                                 "\"aaaaaaaaaaaaaaaaaaaaaaaa...\"");
}

static void missing_and_doubled(void **state) {
    fraud_policy_t policy;
    fraud_err_t err;
    char why[128], line[512];
    const char *name, *from;
    size_t i;

    (void)state;
    assert_int_equal(parse(&policy, strict, &err), FRAUD_OK);
    for (i = 0; i < FRAUD_SETTING_N; i++) {
        name = fraud_setting_get((fraud_setting_id_t)i)->name;
        assert_int_equal(parse(&policy, with(strict, name, NULL), &err),
                         FRAUD_EINVAL);
        (void)snprintf(why, sizeof(why), "\"%s\" is missing, ", name);
        assert_memory_equal(err.why, why, strlen(why));
        assert_int_equal(err.line, 30);

        (void)snprintf(line, sizeof(line), "\n%s = ", name);
        from = strstr(strict, line) + 1;
        (void)snprintf(line, sizeof(line), "%.*s\n\n%.*s",
                       (int)strcspn(from, "\n"), from, (int)strcspn(from, "\n"),
                       from);
        assert_int_equal(parse(&policy, with(strict, name, line), &err),
                         FRAUD_EINVAL);
        (void)snprintf(why, sizeof(why), "\"%s\" is set twice", name);
        assert_string_equal(err.why, why);
        assert_int_equal(err.line, 9 + i);
    }
    assert_int_equal(parse(&policy, with(strict, "dnt", NULL), &err),
                     FRAUD_EINVAL);
    assert_string_equal(err.why, "\"dnt\" is missing, use honour_all,"
                                 "honour_nonsec,ignore");
    assert_int_equal(parse(&policy, with(strict, "rights", NULL), &err),
                     FRAUD_EINVAL);
    assert_string_equal(err.why, "\"rights\" is missing, see \"fraudctl "
                                 "policy explain\"");
}

static void heads(void **state) {
    static const struct {
        const char *name;
        const char *line; /* NULL: none */
        size_t at;
        const char *why;
    } cases[] = {
        {"name", NULL, 30,
         "\"name\" is missing in [policy], use a-z, 0-9, '-' and '_', at most "
         "32"},
        {"name", "name = Test", 2,
         "\"name\" is wrong, use a-z, 0-9, '-' and '_', at most 32"},
        {"name", "name = abcdefghijklmnopqrstuvwxyz0123456", 2,
         "\"name\" is wrong, use a-z, 0-9, '-' and '_', at most 32"},
        {"version", NULL, 30,
         "\"version\" is missing in [policy], use 1 to 999999"},
        {"version", "version = 0", 3, "\"version\" is wrong, use 1 to 999999"},
        {"version", "version = 1000000", 3,
         "\"version\" is wrong, use 1 to 999999"},
        {"version", "version = 1\nversion = 2", 4, "\"version\" is set twice"},
        {"notice", NULL, 30,
         "\"notice\" is missing in [policy], use a day, YYYY-MM-DD"},
        {"notice", "notice = 2026-02-30", 4,
         "\"notice\" is wrong, use a day, YYYY-MM-DD"},
        {"notice", "notice = 2026-02-02", 5,
         "\"effective\" is before its \"notice\""},
        {"effective", NULL, 30,
         "\"effective\" is missing in [policy], use a day, YYYY-MM-DD"},
        {"effective", "effective = soon", 5,
         "\"effective\" is wrong, use a day, YYYY-MM-DD"},
        {"effective", "owner = me", 5,
         "\"owner\" is unknown, use name, version, notice and effective in "
         "[policy]"},
    };
    fraud_policy_t policy;
    fraud_err_t err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            parse(&policy, with(strict, cases[i].name, cases[i].line), &err),
            FRAUD_EINVAL);
        assert_string_equal(err.why, cases[i].why);
        assert_int_equal(err.line, cases[i].at);
    }
    assert_int_equal(parse(&policy, strict, &err), FRAUD_OK);
    assert_string_equal(policy.name, "test");
    assert_int_equal(policy.version, 1);
    assert_int_equal(policy.notice, 20484);
    assert_int_equal(policy.effective, 20485);
}

/* What a line may look like: prefix + strict, the line and why. */
static void forms(void **state) {
    static const struct {
        const char *before;
        fraud_rc rc;
        size_t line;
        const char *why;
    } cases[] = {
        {"", FRAUD_OK, 0, ""},
        {"# c\n ; c ; c\n\n\t\n#\n", FRAUD_OK, 0, ""},
        {"\xef\xbb\xbf", FRAUD_OK, 0, ""},
        {"dnt = ignore\n", FRAUD_EINVAL, 1,
         "\"dnt\" stands before any section"},
        {"[other]\n", FRAUD_EINVAL, 1,
         "\"[other]\" is no section, use [policy] or [settings]"},
        {"[policy\n", FRAUD_EINVAL, 1,
         "\"[policy\" is no section, use [policy] or [settings]"},
        {"[settings]\n[settings] # c\n", FRAUD_EINVAL, 2,
         "\"[settings] # c\" is no section, use [policy] or [settings]"},
        {"[settings]\n", FRAUD_EINVAL, 7,
         "\"[settings]\" begins a second time"},
        {"\n\n[policy]\nhello\n", FRAUD_EINVAL, 4,
         "\"hello\" is no setting, use \"name = value\""},
        {"# a\n\n[settings]\ndnt =\n  ignore\nlog.ips = keyed\n", FRAUD_EINVAL,
         6, "\"log.ips\" is no setting, see \"fraudctl policy explain\""},
        {"# a\n[settings]\nhello\nlog.ips = keyed\n", FRAUD_EINVAL, 3,
         "\"hello\" is no setting, use \"name = value\""},
        {"[settings]\nhello\ngeo = none ; or country\n", FRAUD_EINVAL, 2,
         "\"hello\" is no setting, use \"name = value\""},
        {"[settings]\ngeo = none ; or country\n", FRAUD_EINVAL, 2,
         "\";\" within a line, a comment has its own"},
        {"[settings]\ngeo = none # or country\n", FRAUD_EINVAL, 2,
         "\"geo\" has one too many: \"#\""},
        {"# \x1b[2J\n", FRAUD_EINVAL, 1, "a control character"},
        {"\x7f\n", FRAUD_EINVAL, 1, "a control character"},
        {"[settings]\ncollect = time,\n  # c\n  ip\n", FRAUD_EINVAL, 2,
         "\"collect\" ends in a comma: \"time,\""},
    };
    static char text[MAX_TEXT];
    fraud_policy_t policy;
    fraud_err_t err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s%s", cases[i].before, strict);
        assert_int_equal(parse(&policy, text, &err), cases[i].rc);
        assert_string_equal(err.why, cases[i].why);
        assert_int_equal(err.line, cases[i].line);
    }
    assert_int_equal(parse(&policy, "", &err), FRAUD_EINVAL);
    assert_int_equal(fraud_policy_parse(&policy, "a\0b", 3, &err),
                     FRAUD_EINVAL);
    assert_string_equal(err.why, "a control character");
}

static void limits(void **state) {
    static char text[FRAUD_POLICY_MAX_BYTES + 2];
    fraud_policy_t policy, same;
    char line[512];
    fraud_err_t err;

    (void)state;
    memset(text, '#', sizeof(text));
    assert_int_equal(
        fraud_policy_parse(&policy, text, FRAUD_POLICY_MAX_BYTES + 1, &err),
        FRAUD_ELIMIT);
    /* a comment may be as long as it likes */
    text[4000] = '\n';
    memcpy(text + 4001, strict, sizeof(strict));
    assert_int_equal(parse(&policy, text, &err), FRAUD_OK);
    (void)snprintf(line, sizeof(line), "geo = %*s\r", 186, "none");
    assert_int_equal(parse(&same, with(strict, "geo", line), &err), FRAUD_OK);
    assert_memory_equal(same.digest, policy.digest, sizeof(same.digest));
    (void)snprintf(line, sizeof(line), "geo = %*s", 187, "none");
    assert_int_equal(parse(&policy, with(strict, "geo", line), &err),
                     FRAUD_EINVAL);
    assert_string_equal(err.why, "a line that is too long");
    assert_int_equal(err.line, 17);
    (void)snprintf(line, sizeof(line), "geo =\n %*s\n %*s", 96, "n", 96, "n");
    assert_int_equal(parse(&policy, with(strict, "geo", line), &err),
                     FRAUD_EINVAL);
    assert_int_equal(err.line, 17);
}

/* Each contradiction: the edits of the strict policy that make it. */
static void contradictions(void **state) {
    static const struct {
        const char *edits[9][2];
        const char *id;
        const char *why;
    } cases[] = {
#define LOOSE                                                                  \
    {"automation", "assist"},                                                  \
        {"collect", "time,ip,ua,country,cookie,account"}, {"geo", "country"},  \
        {"dnt", "ignore"}, {"id.account", "keyed"}
#define REVIEW                                                                 \
    {                                                                          \
        "deduct", "review when fraud>=confirmed & damage>=suspected & "        \
                  "attribution=account"                                        \
    }
        {{{"log.fields", "path"}},
         "log.fields",
         "\"log.fields\" has path, \"collect\" lacks path"},
        {{{"log.fields", "referer_host_path"}},
         "log.fields",
         "\"log.fields\" has referer_host_path, \"collect\" lacks referer"},
        {{{"log.fields", "ua_platform"}},
         "log.fields",
         "\"log.fields\" has ua_platform, \"collect\" lacks ua"},
        {{{"collect", "time,ip"}, {"log.fields", "ip_prefix"}},
         "log.fields",
         "\"log.fields\" has ip_prefix, \"log.ip\" is not prefix"},
        {{{"collect", "time,ip"},
          {"log.fields", "ip_prefix"},
          {"log.ip", "keyed"}},
         "log.fields",
         "\"log.fields\" has ip_prefix, \"log.ip\" is not prefix"},
        {{{"collect", "time,ip"},
          {"log.fields", "ip_pid"},
          {"log.ip", "prefix"}},
         "log.fields",
         "\"log.fields\" has ip_pid, \"log.ip\" is not keyed"},
        {{LOOSE, {"log.fields", "acct_pid"}, {"log.ip", "prefix"}},
         "log.fields",
         "\"log.fields\" has acct_pid, device_pid or link_seal, but \"log.ip\" "
         "is not keyed: that log is anonymous"},
        {{{"collect", "time,account"}},
         "collect",
         "\"collect\" has account, \"id.account\" is none"},
        {{{"id.account", "sealed"}},
         "id.account",
         "\"id.account\" is not none, \"collect\" lacks account"},
        {{LOOSE,
          {"id.account", "sealed"},
          {"log.ip", "keyed"},
          {"log.fields", "acct_pid"}},
         "log.fields",
         "\"log.fields\" has acct_pid, \"id.account\" is not keyed"},
        {{LOOSE, {"log.ip", "keyed"}, {"log.fields", "link_seal"}},
         "log.fields",
         "\"log.fields\" has link_seal, \"id.account\" is not sealed"},
        {{LOOSE,
          {"id.account", "sealed"},
          {"log.ip", "keyed"},
          {"log.fields", "link_seal"}},
         "log.fields",
         "\"log.fields\" has link_seal, \"link.account\" is never"},
        {{LOOSE,
          {"log.ip", "keyed"},
          {"log.fields", "ip_pid,acct_pid"},
          {"link.account", "violation"}},
         "log.fields",
         "\"log.fields\" has ip_pid and acct_pid, \"link.account\" is not "
         "security"},
        {{{"link.account", "violation"}},
         "link.account",
         "\"link.account\" is not never, \"id.account\" is none"},
        {{LOOSE, {"log.ip", "keyed"}, {"log.fields", "device_pid"}},
         "log.fields",
         "\"log.fields\" has device_pid, \"link.device\" is no"},
        {{{"link.device", "yes"}, {"automation", "assist"}},
         "link.device",
         "\"link.device\" is yes, \"collect\" lacks cookie"},
        {{{"cookie", "session"}, {"dnt", "ignore"}},
         "cookie",
         "\"cookie\" is not none, \"collect\" lacks cookie"},
        {{{"cookie", "session"}, {"collect", "time,cookie"}},
         "cookie",
         "\"cookie\" is not none, \"dnt\" is honour_all"},
        {{{"collect", "time,country"}},
         "collect",
         "\"collect\" has country, \"geo\" is none"},
        {{{"keep.evidence", "1d"}},
         "keep.evidence",
         "\"keep.evidence\" is not 0d, \"automation\" is none"},
        {{LOOSE, {"automation", "none"}},
         "id.account",
         "\"id.account\" is not none, \"automation\" is none"},
        {{{"keep.state", "3601s"}},
         "keep.state",
         "\"keep.state\" is more than 1h, \"automation\" is none"},
        {{{"link.device", "yes"}, {"collect", "time,cookie"}},
         "link.device",
         "\"link.device\" is yes, \"automation\" is none"},
        {{{"id.epoch", "8d"}},
         "id.epoch",
         "\"id.epoch\" is longer than \"keep.log\""},
        {{{"automation", "assist"},
          {"keep.state", "9d"},
          {"keep.evidence", "8d"}},
         "keep.state",
         "\"keep.state\" is longer than \"keep.log\" and \"keep.evidence\""},
        {{{"region", "local edge=local"}},
         "region",
         "\"region\" has edge=local, which goes with CH only"},
        {{{"share", "default=never fraud_partner=case"}},
         "share",
         "\"share\" has fraud_partner, \"purpose\" lacks fraud"},
        {{{"share", "default=never collections=identified(if due>0)"}},
         "share",
         "\"share\" has collections, \"purpose\" lacks billing"},
        {{REVIEW, {"purpose", "fraud"}},
         "deduct",
         "\"deduct\" is not forbid, \"purpose\" lacks fraud or billing"},
        {{REVIEW, {"purpose", "billing"}},
         "deduct",
         "\"deduct\" is not forbid, \"purpose\" lacks fraud or billing"},
        {{REVIEW, {"purpose", "fraud,billing"}},
         "deduct",
         "\"deduct\" is not forbid, \"automation\" is not assist"},
        {{LOOSE, REVIEW, {"purpose", "fraud,billing"}},
         "deduct",
         "\"deduct\" is not forbid, \"link.account\" is not security"},
#define ALMOST                                                                 \
    LOOSE, REVIEW, {"purpose", "fraud,billing"}, {"link.account", "security"}
        {{ALMOST},
         "deduct.caps",
         "\"deduct.caps\" let nothing through, \"deduct\" is not forbid; use "
         "event=min(damage,N) day=N account=balance"},
        {{ALMOST, {"deduct.caps", "event=min(damage,2) day=1 account=balance"}},
         "deduct.caps",
         NULL},
        {{ALMOST, {"deduct.caps", "event=min(damage,2) day=2 account=balance"}},
         "deduct.window",
         "\"deduct.window\" is too short for \"deduct\", use at least hold=14d "
         "appeal=30d"},
        {{{"deduct.caps", "event=0 day=1 account=0"}},
         "deduct.caps",
         "\"deduct.caps\" are not 0, \"deduct\" is forbid"},
        {{{"deduct.window", "hold=14d appeal=0d"}},
         "deduct.window",
         "\"deduct.window\" is not 0d, \"deduct\" is forbid"},
        {{{"rights", "access,rectify,erase,object erase_within=1d "
                     "inflight=void"}},
         "rights",
         "\"rights\" lack one that nobody may be refused: access, rectify, "
         "erase, object, export"},
        {{{"change", "notice=1d(publish) exit=none"}},
         "change",
         "\"change\" has a notice unlike its way: 0d with (publish) or "
         "(on_cooperation), else at least a day"},
        {{{"change", "notice=12h(email) exit=none"}}, "change", NULL},
        {{{"change", "notice=0d exit=none"}}, "change", NULL},
    };
    fraud_policy_t policy;
    fraud_err_t err;
    const char *text;
    size_t i, k;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = strict;
        for (k = 0; k < 9 && cases[i].edits[k][0] != NULL; k++) {
            text = setting(text, cases[i].edits[k][0], cases[i].edits[k][1]);
        }
        if (parse(&policy, text, &err) == FRAUD_OK) {
            fail_msg("no contradiction %zu: %s", i, cases[i].why);
        }
        if (cases[i].why != NULL) {
            assert_string_equal(err.why, cases[i].why);
        }
        assert_int_equal(err.line, 7 + id_of(cases[i].id));
    }
}

/* The evidence has to last until an appeal is decided, to the second. */
static void evidence_lasts(void **state) {
    fraud_policy_t policy;
    fraud_err_t err;
    size_t len;
    char *text = read_file("asogen", &len);

    (void)state;
    assert_int_equal(
        parse(&policy, setting(text, "keep.evidence", "74d"), &err), FRAUD_OK);
    assert_int_equal(
        parse(&policy, setting(text, "keep.evidence", "6393599s"), &err),
        FRAUD_EINVAL);
    assert_string_equal(err.why,
                        "\"keep.evidence\" is shorter than hold and appeal of "
                        "\"deduct.window\" and 30d to decide it");
    free(text);
}

/* The value of a setting as it stands in a file, blanks folded. */
static void raw_value(char *to, const char *text, const char *name) {
    char key[64];
    const char *p;
    size_t n = 0;

    (void)snprintf(key, sizeof(key), "\n%s = ", name);
    p = strstr(text, key);
    assert_non_null(p);
    for (p += strlen(key); *p != '\0' && (*p != '\n' || p[1] == ' '); p++) {
        if (*p != '\n' &&
            !(*p == ' ' && (to[n - 1] == ' ' || to[n - 1] == ','))) {
            to[n++] = *p;
        } else if (*p == '\n' && to[n - 1] != ',') {
            to[n++] = ' ';
        }
    }
    to[n] = '\0';
}

static void shipped_files(void **state) {
    fraud_policy_t policy;
    fraud_settings_t alone;
    char value[1024];
    fraud_err_t err;
    size_t f, i, len;
    char *text;

    (void)state;
    for (f = 0; f < FILES; f++) {
        text = read_file(files[f], &len);
        memset(&alone, 0, sizeof(alone));
        if (fraud_policy_parse(&policy, text, len, &err) != FRAUD_OK) {
            fail_msg("%s:%zu: %s", files[f], err.line, err.why);
        }
        assert_string_equal(policy.name, files[f]);
        for (i = 0; i < FRAUD_SETTING_N; i++) {
            raw_value(value, text, expected[i].name);
            assert_string_equal(value, expected[i].value[f]);
            assert_int_equal(fraud_value_parse(&alone, id_of(expected[i].name),
                                               str(expected[i].value[f]), &err),
                             FRAUD_OK);
            assert_int_not_equal(
                fraud_policy_basis(&policy, (fraud_setting_id_t)i),
                FRAUD_POLICY_UNSAID);
        }
        assert_memory_equal(&alone, &policy.settings, sizeof(alone));
        free(text);
    }
}

static void load_file(fraud_policy_t *policy, const char *name) {
    fraud_err_t err;
    size_t len;
    char *text = read_file(name, &len);

    assert_int_equal(fraud_policy_parse(policy, text, len, &err), FRAUD_OK);
    free(text);
}

/* Words against numbers, so that no table is its own witness. */
static void what_files_mean(void **state) {
    const fraud_settings_t *s;
    fraud_policy_t policy;

    (void)state;
    load_file(&policy, "asogen");
    s = &policy.settings;
    assert_int_equal(s->purpose,
                     1 << FRAUD_PURPOSE_ATTACK | 1 << FRAUD_PURPOSE_ABUSE |
                         1 << FRAUD_PURPOSE_FRAUD | 1 << FRAUD_PURPOSE_DEBUG |
                         1 << FRAUD_PURPOSE_OPTIMISE |
                         1 << FRAUD_PURPOSE_BILLING);
    assert_int_equal(s->log_ip, FRAUD_LOG_IP_KEYED);
    assert_int_equal(s->id_epoch, DAY);
    assert_int_equal(s->deduct, FRAUD_DEDUCT_SUSPECTED);
    assert_int_equal(s->cap_event, 5000);
    assert_int_equal(s->cap_day, 5000);
    assert_int_equal(s->cap_account, FRAUD_CAP_BALANCE);
    assert_int_equal(s->window_hold, 14 * DAY);
    assert_int_equal(s->window_appeal, 30 * DAY);
    assert_int_equal(s->keep_evidence, 180 * DAY);
    assert_int_equal(s->inflight, FRAUD_INFLIGHT_FINISH);
    assert_int_equal(s->refund, FRAUD_REFUND_CASE);
    assert_int_equal(s->notice, 30 * DAY);
    assert_int_equal(s->notice_how, FRAUD_NOTICE_IF_WIDER);
    assert_int_equal(FRAUD_SETTING_LEVEL(s->share[FRAUD_SHARE_COLLECTIONS]),
                     FRAUD_LEVEL_IDENTIFIED);
    assert_int_equal(FRAUD_SETTING_WHEN(s->share[FRAUD_SHARE_COLLECTIONS]),
                     FRAUD_WHEN_DUE);
    assert_int_equal(s->share[FRAUD_SHARE_AFFILIATE], 0);
    assert_false(fraud_policy_replays(&policy));

    load_file(&policy, "kirim-email");
    s = &policy.settings;
    assert_int_equal(s->automation, FRAUD_AUTOMATION_NONE);
    assert_int_equal(s->dnt, FRAUD_DNT_HONOUR_ALL);
    assert_int_equal(s->log_ip, FRAUD_LOG_IP_PREFIX);
    assert_int_equal(s->keep_log, 7 * DAY);
    assert_int_equal(s->keep_state, 3600);
    assert_int_equal(s->hold, 0);
    assert_int_equal(s->region, FRAUD_REGION_LOCAL);
    assert_int_equal(s->keep_correspondence, 6 * 365 * DAY);
    assert_int_equal(s->log_fields,
                     1 << FRAUD_FIELD_REFERER_HOST_PATH |
                         1 << FRAUD_FIELD_PATH | 1 << FRAUD_FIELD_TIME |
                         1 << FRAUD_FIELD_BYTES | 1 << FRAUD_FIELD_STATUS |
                         1 << FRAUD_FIELD_UA_TYPE | 1 << FRAUD_FIELD_IP_PREFIX);

    load_file(&policy, "asergo");
    assert_int_equal(policy.settings.id_account, FRAUD_ACCOUNT_SEALED);
    assert_int_equal(policy.settings.link_account, FRAUD_LINK_VIOLATION);
    assert_int_equal(policy.settings.children, FRAUD_CHILDREN_NOW);
    assert_int_equal(policy.settings.keep_aggregate, FRAUD_SETTING_INF);
    assert_int_equal(policy.settings.aggregate_k, 10);
    assert_true(fraud_policy_replays(&policy));

    load_file(&policy, "aseptsoft");
    assert_int_equal(policy.settings.region, FRAUD_REGION_CH);
    assert_int_equal(policy.settings.region_edge, FRAUD_EDGE_LOCAL);
    assert_int_equal(policy.settings.erase_trigger, FRAUD_TRIGGER_CANCEL);

    load_file(&policy, "apsen-mail");
    assert_int_equal(policy.settings.cookie, FRAUD_COOKIE_PERSISTENT);
    assert_int_equal(policy.settings.link_device, FRAUD_DEVICE_YES);
    assert_int_equal(policy.settings.exit, FRAUD_EXIT_ERASE);
    assert_int_equal(policy.settings.rights >> FRAUD_RIGHT_ERASE_SELF & 1, 1);
}

/* None of the five is stricter than the default where they compare. */
static void default_is_strict(void **state) {
    const uint32_t sets = 1 << FRAUD_SETTING_PURPOSE |
                          1 << FRAUD_SETTING_COLLECT |
                          1 << FRAUD_SETTING_LOG_FIELDS;
    fraud_policy_t none, policy;
    size_t f;

    (void)state;
    load_file(&none, "default");
    for (f = 0; f < FILES; f++) {
        load_file(&policy, files[f]);
        assert_int_equal(fraud_policy_loosens(&policy, &none) & ~sets, 0);
        assert_int_not_equal(fraud_policy_loosens(&none, &policy) & ~sets, 0);
    }
}

/* Strict, then loose: one way loosens, the other does not. */
static void loosening(void **state) {
    static const char *const cases[][3] = {
        {"purpose", "attack", "attack,fraud"},
        {"collect", "time", "time,ip"},
        {"log.fields", "time", "time,rule"},
        {"log.fields", "time,ip_prefix", "time,ip_pid"},
        {"log.fields", "referer_host", "referer_host_path"},
        {"log.fields", "link_seal", "acct_pid"},
        {"log.ip", "none", "prefix"},
        {"log.ip", "prefix", "keyed"},
        {"id.epoch", "1h", "61m"},
        {"id.account", "none", "sealed"},
        {"id.account", "sealed", "keyed"},
        {"link.account", "never", "violation"},
        {"link.account", "violation", "security"},
        {"link.device", "no", "yes"},
        {"cookie", "none", "session"},
        {"cookie", "session", "persistent"},
        {"dnt", "honour_all", "honour_nonsec"},
        {"dnt", "honour_nonsec", "ignore"},
        {"geo", "none", "country"},
        {"geo", "country", "city"},
        {"automation", "none", "assist"},
        {"keep.log", "7d", "8d"},
        {"keep.state", "1h", "2h"},
        {"keep.evidence", "0d", "1d"},
        {"keep.backup", "7d", "8d"},
        {"keep.aggregate", "7d,k=10", "inf,k=10"},
        {"keep.aggregate", "7d,k=11", "7d,k=10"},
        {"hold", "none", "legal"},
        {"hold", "legal", "legal,security"},
        {"region", "local", "CH"},
        {"region", "CH", "any"},
        {"region", "CH", "CH edge=local"},
        {"share", "default=never", "default=never authority=case"},
        {"share", "default=never processor=token",
         "default=never processor=identified"},
        {"share", "default=never processor=token(case)",
         "default=never processor=token"},
        {"share", "default=never", "default=never marketing=consent"},
        {"deduct", "forbid",
         "review when fraud>=confirmed & damage>=proven & "
         "attribution=account"},
        {"deduct",
         "review when fraud>=confirmed & damage>=proven & attribution=account",
         "review when fraud>=confirmed & damage>=assessed & "
         "attribution=account"},
        {"deduct",
         "review when fraud>=confirmed & damage>=assessed & "
         "attribution=account",
         "review when fraud>=confirmed & damage>=suspected & "
         "attribution=account"},
        {"deduct.caps", "event=0 day=0 account=0",
         "event=min(damage,1) day=0 account=0"},
        {"deduct.caps", "event=0 day=1 account=0", "event=0 day=2 account=0"},
        {"deduct.caps", "event=0 day=0 account=0",
         "event=0 day=0 account=balance"},
        {"rights", "access,erase erase_within=1d inflight=void",
         "access erase_within=1d inflight=void"},
        {"rights", "access erase_within=1d inflight=void",
         "access(2/y) erase_within=1d inflight=void"},
        {"rights", "erase(self-service) erase_within=1d inflight=void",
         "erase erase_within=1d inflight=void"},
        {"rights", "access erase_within=1d inflight=void",
         "access erase_within=2d inflight=void"},
        {"rights", "access erase_within=1d inflight=void",
         "access erase_within=1d inflight=finish"},
        {"rights", "access erase_within=1d inflight=void refund=case_by_case",
         "access erase_within=1d inflight=void"},
        {"rights", "access erase_within=1d inflight=void erase_trigger=cancel",
         "access erase_within=1d inflight=void"},
        {"rights", "access erase_within=1d inflight=void children=erase_now",
         "access erase_within=1d inflight=void children=erase_on_notice"},
        {"rights",
         "access erase_within=1d inflight=void children=erase_on_notice",
         "access erase_within=1d inflight=void"},
        {"rights", "access erase_within=1d inflight=void",
         "access erase_within=1d inflight=void keep.correspondence=1d"},
        {"change", "notice=30d exit=none", "notice=29d exit=none"},
        {"change", "notice=30d(email) exit=none", "notice=30d exit=none"},
        {"change", "notice=30d exit=none",
         "notice=30d(announce if wider) exit=none"},
        {"change", "notice=0d(publish) exit=none",
         "notice=0d(on_cooperation) exit=none"},
        {"change", "notice=30d exit=erase", "notice=30d exit=none"},
    };
    fraud_policy_t tight, loose;
    fraud_setting_id_t id;
    uint32_t seen = 0;
    fraud_err_t err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        id = id_of(cases[i][0]);
        assert_int_equal(parse(&tight, strict, &err), FRAUD_OK);
        loose = tight;
        assert_int_equal(
            fraud_value_parse(&tight.settings, id, str(cases[i][1]), &err),
            FRAUD_OK);
        assert_int_equal(
            fraud_value_parse(&loose.settings, id, str(cases[i][2]), &err),
            FRAUD_OK);
        assert_int_equal(fraud_policy_loosens(&tight, &loose), 1u << id);
        assert_int_equal(fraud_policy_loosens(&loose, &tight), 0);
        assert_int_equal(fraud_policy_loosens(&loose, &loose), 0);
        seen |= 1u << id;
    }
    /* all but the window, which has a test of its own */
    assert_int_equal(seen, (1u << FRAUD_SETTING_N) - 1 -
                               (1u << FRAUD_SETTING_DEDUCT_WINDOW));
}

/* Neither is stricter: both ways loosen. */
static void what_does_not_compare(void **state) {
    static const char *const cases[][3] = {
        {"purpose", "attack", "abuse"},
        {"share", "default=never processor=token(case)",
         "default=never processor=token(consent)"},
        {"share", "default=never processor=identified(case)",
         "default=never processor=aggregate(necessary)"},
    };
    fraud_policy_t a, b;
    fraud_err_t err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(&a, strict, &err), FRAUD_OK);
        b = a;
        assert_int_equal(fraud_value_parse(&a.settings, id_of(cases[i][0]),
                                           str(cases[i][1]), &err),
                         FRAUD_OK);
        assert_int_equal(fraud_value_parse(&b.settings, id_of(cases[i][0]),
                                           str(cases[i][2]), &err),
                         FRAUD_OK);
        assert_int_equal(fraud_policy_loosens(&a, &b),
                         1u << id_of(cases[i][0]));
        assert_int_equal(fraud_policy_loosens(&b, &a) != 0, 1);
    }
}

static void windows(void **state) {
    fraud_policy_t old, now;

    (void)state;
    load_file(&old, "asogen");
    now = old;
    now.settings.window_hold--;
    assert_int_equal(fraud_policy_loosens(&old, &now),
                     1u << FRAUD_SETTING_DEDUCT_WINDOW);
    assert_int_equal(fraud_policy_loosens(&now, &old), 0);
    now = old;
    now.settings.window_appeal--;
    assert_int_equal(fraud_policy_loosens(&old, &now),
                     1u << FRAUD_SETTING_DEDUCT_WINDOW);
    /* nothing is deducted any more: nobody has to wait for it */
    now.settings.deduct = FRAUD_DEDUCT_FORBID;
    now.settings.cap_event = now.settings.cap_day = 0;
    now.settings.cap_account = FRAUD_CAP_ZERO;
    now.settings.window_hold = now.settings.window_appeal = 0;
    assert_int_equal(fraud_policy_loosens(&old, &now), 0);
}

static void due_days(void **state) {
    fraud_policy_t old, now;
    fraud_err_t err;

    (void)state;
    assert_int_equal(parse(&old, strict, &err), FRAUD_OK);
    now = old;
    now.notice = old.effective + 100;
    now.effective = now.notice;
    assert_int_equal(fraud_policy_due(&old, &now), now.effective);
    now.settings.keep_backup += 1;
    /* the old policy's promise counts, not the new one's */
    now.settings.notice = 0;
    assert_int_equal(fraud_policy_due(&old, &now), now.notice + 30);
    now.effective = now.notice + 31;
    assert_int_equal(fraud_policy_due(&old, &now), now.effective);
    old.settings.notice = DAY + 1;
    now.effective = now.notice;
    assert_int_equal(fraud_policy_due(&old, &now), now.notice + 2);
}

static void canonical_form(void **state) {
    static uint8_t first[FRAUD_POLICY_MAX_PRINT], second[sizeof(first)];
    fraud_policy_t policy, again;
    fraud_buf_t a, b;
    fraud_err_t err;
    size_t f;

    (void)state;
    for (f = 0; f < FILES; f++) {
        load_file(&policy, files[f]);
        fraud_buf_init(&a, first, sizeof(first));
        fraud_policy_print(&a, &policy);
        assert_false(a.full);
        assert_int_equal(
            fraud_policy_parse(&again, (const char *)first, a.len, &err),
            FRAUD_OK);
        assert_memory_equal(&again.settings, &policy.settings,
                            sizeof(again.settings));
        assert_memory_equal(again.digest, policy.digest, sizeof(again.digest));
        fraud_buf_init(&b, second, sizeof(second));
        fraud_policy_print(&b, &again);
        assert_int_equal(b.len, a.len);
        assert_memory_equal(second, first, a.len);
    }
    assert_int_equal(parse(&policy, strict, &err), FRAUD_OK);
    assert_int_equal(parse(&again, setting(strict, "geo", "city"), &err),
                     FRAUD_OK);
    assert_memory_not_equal(again.digest, policy.digest, sizeof(again.digest));
    assert_int_equal(parse(&again, setting(strict, "version", "2"), &err),
                     FRAUD_OK);
    assert_memory_not_equal(again.digest, policy.digest, sizeof(again.digest));
}

/* FIPS 180-4's own example. */
static void digest_is_sha256(void **state) {
    static const uint8_t want[] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t digest[FRAUD_PID_DIGEST_LEN];

    (void)state;
    fraud_pid_digest(digest, "abc", 3);
    assert_memory_equal(digest, want, sizeof(want));
}

static void bases(void **state) {
    static const struct {
        const char *comment;
        fraud_policy_basis_t basis;
        const char *quote;
    } cases[] = {
        {"", FRAUD_POLICY_UNSAID, ""},
        {"# stated: \xe2\x80\x9cno place\xe2\x80\x9d\n", FRAUD_POLICY_STATED,
         "no place"},
        {"#derived: \xe2\x80\x9cno\n#  place\xe2\x80\x9d of \xe2\x80\x9c"
         "any\xe2\x80\x9d\n",
         FRAUD_POLICY_DERIVED, "no place"},
        {"; gap: none\n", FRAUD_POLICY_GAP, ""},
        {"# conflict: \xe2\x80\x9copen\n", FRAUD_POLICY_CONFLICT, ""},
        {"# stated: x\n\n", FRAUD_POLICY_UNSAID, ""},
        {"# x stated: x\n", FRAUD_POLICY_UNSAID, ""},
        {"# gap\n", FRAUD_POLICY_UNSAID, ""},
    };
    static char text[MAX_TEXT];
    uint8_t quote[256];
    fraud_policy_t policy;
    fraud_buf_t buf;
    fraud_err_t err;
    size_t i, line;
    const char *geo = strstr(strict, "geo = ");

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(geo - strict),
                       strict, cases[i].comment, geo);
        assert_int_equal(fraud_policy_parse(&policy, text, strlen(text), &err),
                         FRAUD_OK);
        assert_int_equal(fraud_policy_basis(&policy, FRAUD_SETTING_GEO),
                         cases[i].basis);
        /* a comment is that of one setting only */
        assert_int_equal(fraud_policy_basis(&policy, FRAUD_SETTING_AUTOMATION),
                         FRAUD_POLICY_UNSAID);
        memset(quote, 0, sizeof(quote));
        fraud_buf_init(&buf, quote, sizeof(quote) - 1);
        fraud_lines_quote(&buf, policy.comment[FRAUD_SETTING_GEO]);
        assert_string_equal((const char *)quote, cases[i].quote);
        assert_int_equal(buf.len, strlen(cases[i].quote));
        for (line = 17, geo = cases[i].comment; *geo != '\0'; geo++) {
            line += *geo == '\n';
        }
        assert_int_equal(policy.line[FRAUD_SETTING_GEO], line);
        geo = strstr(strict, "geo = ");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_settings_are_tried),
        cmocka_unit_test(good_values),
        cmocka_unit_test(wrong_values),
        cmocka_unit_test(a_value_may_be_long),
        cmocka_unit_test(missing_and_doubled),
        cmocka_unit_test(heads),
        cmocka_unit_test(forms),
        cmocka_unit_test(limits),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(evidence_lasts),
        cmocka_unit_test(shipped_files),
        cmocka_unit_test(what_files_mean),
        cmocka_unit_test(default_is_strict),
        cmocka_unit_test(loosening),
        cmocka_unit_test(what_does_not_compare),
        cmocka_unit_test(windows),
        cmocka_unit_test(due_days),
        cmocka_unit_test(canonical_form),
        cmocka_unit_test(digest_is_sha256),
        cmocka_unit_test(bases),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
