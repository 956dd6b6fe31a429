/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mkflags: a spool of flags for the tests of billing, the same for the same
 * arguments but for the seals.
 *
 *   mkflags DIR KEY.pub POLICY [NAME=VALUE...]
 *
 *   flags=1000      different ones
 *   accounts=100    "user-0" ...
 *   rules=3         "rule_0" ...
 *   families=1      "family_0" ...; a rule is in family RULE modulo FAMILIES
 *   writers=1       spools, between which flags are dealt out
 *   duplicates=0    per cent of flags that are raised again, by any writer
 *   reorder=0       1: in any order
 *   amount=100      most minor units of a flag; 0: nothing is metered
 *   currency=EUR
 *   signals=2
 *   observed=25     and a bit
 *   segment=100000  records of a file
 *   end=1           0: writers do not say that they ended
 *   seed=1
 *   host=0          another one raises the same flags by writers of its own
 *   seal=1          0: what looks like a seal and opens for nobody
 *   forged=0        1: a seal that opens, to another account
 *   window=600      seconds
 *   start=...       of the first window, seconds since 1970; a day ago
 *
 * On standard output: "flags N records N amount N incidents N", and with
 * truth=FILE a line "ACCOUNT EVENTS AMOUNT" for each account there.
 */

#include "fraud_flag.h"
#include "fraud_pid.h"
#include "fraud_policy.h"
#include "fraud_seal.h"
#include "fraud_spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_WRITERS 64
#define MAX_SIGNALS 8

typedef struct {
    char name[FRAUD_SPOOL_WRITER_LEN + 1];
    uint64_t seq;
    FILE *out;
} writer_t;

static struct {
    const char *name;
    uint64_t value;
} options[] = {{"flags", 1000},  {"accounts", 100},   {"rules", 3},
               {"families", 1},  {"writers", 1},      {"duplicates", 0},
               {"reorder", 0},   {"amount", 100},     {"signals", 2},
               {"observed", 25}, {"segment", 100000}, {"end", 1},
               {"seed", 1},      {"host", 0},         {"seal", 1},
               {"window", 600},  {"start", 0},        {"forged", 0}};

static const char *dir, *truth_file, *currency = "EUR";
static fraud_policy_t policy;
static fraud_seal_public_t seal_key;
static fraud_pid_key_t pid_key;
static writer_t writers[MAX_WRITERS];
static uint64_t state;

static void die(const char *what) {
    fprintf(stderr, "mkflags: %s\n", what);
    exit(2);
}

static uint64_t get(const char *name) {
    size_t i;

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(options[i].name, name) == 0) {
            return options[i].value;
        }
    }
    die(name);
    return 0;
}

static void set(const char *arg) {
    const char *value = strchr(arg, '=');
    size_t i;

    if (value == NULL) {
        die(arg);
    }
    value++;
    if (strncmp(arg, "currency=", 9) == 0) {
        currency = value;
        return;
    }
    if (strncmp(arg, "truth=", 6) == 0) {
        truth_file = value;
        return;
    }
    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strlen(options[i].name) == (size_t)(value - arg - 1) &&
            strncmp(options[i].name, arg, (size_t)(value - arg - 1)) == 0) {
            options[i].value = strtoull(value, NULL, 10);
            return;
        }
    }
    die(arg);
}

/* splitmix64 */
static uint64_t mix(uint64_t z) {
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t next(uint64_t below) {
    state = mix(state);
    return state % below;
}

static size_t slurp(const char *path, char *text, size_t size) {
    FILE *in = fopen(path, "rb");
    size_t len;

    if (in == NULL) {
        die(path);
    }
    len = fread(text, 1, size, in);
    fclose(in);
    return len;
}

static void open_writer(writer_t *writer) {
    char name[FRAUD_SPOOL_NAME_SIZE], path[4096];

    if (writer->out != NULL) {
        fclose(writer->out);
    }
    fraud_spool_name(name, writer->name, writer->seq);
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    writer->out = fopen(path, "a");
    if (writer->out == NULL) {
        die(path);
    }
    chmod(path, 0600);
}

static void append(writer_t *writer, fraud_str_t event) {
    uint8_t head[FRAUD_SPOOL_HEAD];

    if (writer->seq % get("segment") == 0) {
        open_writer(writer);
    }
    fraud_spool_frame(head, writer->name, writer->seq++, event);
    if (fwrite(head, 1, sizeof(head), writer->out) != sizeof(head) ||
        fwrite(event.data, 1, event.len, writer->out) != event.len ||
        fputc('\n', writer->out) == EOF) {
        die("cannot write");
    }
}

static fraud_str_t slice(const char *text) {
    return (fraud_str_t){(const uint8_t *)text, strlen(text)};
}

static uint64_t amount_of(uint64_t n) {
    return get("amount") == 0 ? 0
                              : 1 + mix(get("seed") ^ n << 20) % get("amount");
}

static void close_seal(char *seal, size_t *len, const char *id,
                       const char *account) {
    fraud_str_t context = {(const uint8_t *)id, FRAUD_FLAG_ID_LEN};

    if (get("seal") == 0) {
        *len = FRAUD_SEAL_TEXT_LEN(40);
        memset(seal, 'A', *len);
    } else if (fraud_seal_close(seal, len, &seal_key, context,
                                slice(get("forged") ? "forged" : account)) !=
               FRAUD_OK) {
        die("cannot seal");
    }
}

/* Flag number ${n}: the account in the lowest place, then rule, then window. */
static void raise_flag(uint64_t n) {
    static const char *const names[MAX_SIGNALS] = {
        "burst", "spread", "agent", "travel", "probe", "list", "trap", "seven"};
    char account[32], domain[64], rule[32], family[32];
    char seal[FRAUD_SEAL_TEXT_LEN(FRAUD_SEAL_MAX_DATA)], id[FRAUD_FLAG_ID_LEN];
    uint8_t event[FRAUD_FLAG_MAX_BYTES];
    uint64_t accounts = get("accounts"), rules = get("rules"), start, i;
    writer_t *writer = &writers[next(get("writers"))];
    fraud_flag_t flag;
    size_t len;

    memset(&flag, 0, sizeof(flag));
    snprintf(account, sizeof(account), "user-%" PRIu64, n % accounts);
    snprintf(rule, sizeof(rule), "rule_%" PRIu64, n / accounts % rules);
    snprintf(family, sizeof(family), "family_%" PRIu64,
             n / accounts % rules % get("families"));
    snprintf(domain, sizeof(domain), "billing@%s", policy.name);
    start = get("start") + n / accounts / rules * get("window");
    flag.policy = slice(policy.name);
    flag.version = policy.version;
    memcpy(flag.digest, policy.digest, sizeof(flag.digest));
    flag.node = slice("n1");
    flag.writer = slice(writer->name);
    flag.seq = writer->seq;
    flag.rule = slice(rule);
    flag.family = slice(family);
    flag.rule_version = 1;
    flag.window = (uint32_t)get("window");
    flag.threshold = 20;
    flag.observed = (uint32_t)(get("observed") + n % 7);
    flag.nsignals = (size_t)get("signals");
    for (i = 0; i < flag.nsignals; i++) {
        flag.signals[i] = slice(names[i]);
    }
    fraud_pid_make(&flag.pid, &pid_key, slice(domain), account,
                   strlen(account));
    flag.epoch = start / 86400;
    flag.damage = FRAUD_DAMAGE_METERED;
    flag.amount = (uint32_t)amount_of(n);
    flag.metered = flag.amount != 0;
    snprintf(flag.currency, sizeof(flag.currency), "%s", currency);
    flag.first_ms = start * 1000;
    flag.last_ms = start * 1000 + next(get("window") * 1000);
    flag.now_ms = flag.last_ms;
    flag.expiry_ms =
        flag.last_ms + ((uint64_t)policy.settings.keep_evidence + 1) * 1000;
    fraud_flag_id(id, &pid_key, &flag, start);
    close_seal(seal, &len, id, account);
    flag.seal.data = (const uint8_t *)seal;
    flag.seal.len = len;
    if (fraud_flag_print(event, &len, &flag, id) != FRAUD_OK) {
        die("no such flag");
    }
    append(writer, (fraud_str_t){event, len - 1});
}

static void tell_truth(uint64_t flags) {
    uint64_t accounts = get("accounts"), i, n;
    uint64_t *events = calloc(accounts, sizeof(*events));
    uint64_t *amounts = calloc(accounts, sizeof(*amounts));
    FILE *out = fopen(truth_file, "w");

    if (events == NULL || amounts == NULL || out == NULL) {
        die("cannot write the truth");
    }
    for (n = 0; n < flags; n++) {
        events[n % accounts]++;
        amounts[n % accounts] += amount_of(n);
    }
    for (i = 0; i < accounts; i++) {
        fprintf(out, "user-%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i, events[i],
                amounts[i]);
    }
    fclose(out);
    free(events);
    free(amounts);
}

/* How many accounts, families and days there are between them. */
static uint64_t count_incidents(uint64_t flags) {
    uint64_t accounts = get("accounts"), rules = get("rules"), n, count = 0;
    uint64_t families = get("families"), days, day,
             first = get("start") / 86400;
    unsigned char *seen;

    days = (get("start") + flags / accounts / rules * get("window")) / 86400 -
           first + 1;
    seen = calloc(accounts * families, days);
    if (seen == NULL) {
        die("no memory");
    }
    for (n = 0; n < flags; n++) {
        day = (get("start") + n / accounts / rules * get("window")) / 86400 -
              first;
        day = (day * families + n / accounts % rules % families) * accounts +
              n % accounts;
        count += !seen[day];
        seen[day] = 1;
    }
    free(seen);
    return count;
}

static void prepare(int argc, char **argv) {
    static char text[FRAUD_POLICY_MAX_BYTES + 1], line[FRAUD_SEAL_LINE + 1];
    fraud_err_t err;
    uint64_t bits;
    size_t i, len;
    int arg;

    if (argc < 4) {
        die("usage: mkflags DIR KEY.pub POLICY [NAME=VALUE...]");
    }
    dir = argv[1];
    for (arg = 4; arg < argc; arg++) {
        set(argv[arg]);
    }
    for (i = 0; get("start") == 0 && i < sizeof(options) / sizeof(options[0]);
         i++) {
        if (strcmp(options[i].name, "start") == 0) {
            options[i].value =
                ((uint64_t)time(NULL) - 86400) / get("window") * get("window");
        }
    }
    len = slurp(argv[2], line, sizeof(line));
    if (fraud_seal_read_public(&seal_key, line, len) != FRAUD_OK) {
        die("no key");
    }
    len = slurp(argv[3], text, sizeof(text));
    if (fraud_policy_parse(&policy, text, len, &err) != FRAUD_OK) {
        die(err.why);
    }
    if (get("writers") == 0 || get("writers") > MAX_WRITERS ||
        get("signals") == 0 || get("signals") > MAX_SIGNALS) {
        die("too many writers or signals");
    }
    state = mix(get("seed"));
    bits = mix(state);
    for (i = 0; i < sizeof(pid_key.bytes); i++) {
        pid_key.bytes[i] = (uint8_t)(bits >> 8 * (i % 8));
    }
    for (i = 0; i < get("writers"); i++) {
        snprintf(writers[i].name, sizeof(writers[i].name), "%016" PRIx64,
                 mix(mix(get("seed") + (get("host") << 32)) + i));
    }
}

int main(int argc, char **argv) {
    uint64_t n, flags, records = 0, amount = 0, i, swap, *order;

    prepare(argc, argv);
    flags = get("flags");
    order = malloc((flags + 1) * sizeof(*order));
    if (order == NULL) {
        die("no memory");
    }
    for (n = 0; n < flags; n++) {
        order[n] = n;
        amount += amount_of(n);
    }
    for (n = flags; get("reorder") && n > 1; n--) {
        i = next(n);
        swap = order[i];
        order[i] = order[n - 1];
        order[n - 1] = swap;
    }
    for (n = 0; n < flags; n++) {
        raise_flag(order[n]);
        records++;
        if (next(100) < get("duplicates")) {
            raise_flag(order[next(n + 1)]);
            records++;
        }
    }
    for (i = 0; i < get("writers"); i++) {
        if (get("end")) {
            append(&writers[i], slice(FRAUD_SPOOL_END));
        }
        if (writers[i].out != NULL && fclose(writers[i].out) != 0) {
            die("cannot write");
        }
    }
    if (truth_file != NULL) {
        tell_truth(flags);
    }
    printf("flags %" PRIu64 " records %" PRIu64 " amount %" PRIu64
           " incidents %" PRIu64 "\n",
           flags, records, amount, count_incidents(flags));
    free(order);
    return 0;
}
