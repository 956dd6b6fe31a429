/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * drive CONF keys FILE | flag NAME=VALUE... | deposit|spend ID ACCOUNT AMOUNT
 * | tick | account ACCOUNT: the parts of fraud-billing one at a time, by the
 * clock of the test. A flag is made and sealed as nginx does it; what is said
 * of it are account, rule, family, amount, currency, observed, signals, policy,
 * version, epoch and window (its start, seconds since 1970).
 */

#include "billing.h"
#include "clock.h"
#include "fraud_flag.h"
#include "incident.h"
#include "intake.h"
#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICY "asogen"

static const char *find(int argc, char **argv, const char *name,
                        const char *other) {
    size_t len = strlen(name);
    int i;

    for (i = 0; i < argc; i++) {
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=') {
            return argv[i] + len + 1;
        }
    }
    return other;
}

static uint64_t find_number(int argc, char **argv, const char *name,
                            uint64_t other) {
    const char *text = find(argc, argv, name, NULL);

    return text != NULL ? strtoull(text, NULL, 10) : other;
}

static fraud_str_t str(const char *text) {
    fraud_str_t s = {(const uint8_t *)text, strlen(text)};

    return s;
}

static void need(int right, const char *what) {
    if (!right) {
        (void)fprintf(stderr, "drive: %s\n", what);
        exit(3);
    }
}

static void read_public(const billing_t *billing, fraud_seal_public_t *key) {
    char path[512], line[FRAUD_SEAL_LINE];
    FILE *in;
    size_t len;

    (void)snprintf(path, sizeof(path), "%s.pub", billing->conf.key);
    in = fopen(path, "r");
    need(in != NULL, "no public key");
    len = fread(line, 1, sizeof(line), in);
    (void)fclose(in);
    need(fraud_seal_read_public(key, line, len) == FRAUD_OK, "no public key");
}

static void give(billing_t *billing, const char *writer, uint64_t seq,
                 fraud_str_t event) {
    intake_record_t record;
    intake_count_t count;
    db_rc rc;

    memset(&record, 0, sizeof(record));
    memset(&count, 0, sizeof(count));
    memcpy(record.writer, writer, FRAUD_SPOOL_WRITER_LEN);
    record.seq = seq;
    record.event = event;
    rc = intake_batch(billing, &record, 1, NULL, &count);
    need(rc == DB_OK, db_error(billing->db));
    (void)printf(
        "counted %llu repeated %llu refused %llu dead %llu\n",
        (unsigned long long)count.counted, (unsigned long long)count.repeated,
        (unsigned long long)count.refused, (unsigned long long)count.dead);
}

static void flag(billing_t *billing, int argc, char **argv) {
    static const char *const names[] = {"rate", "spread", "agent", "travel",
                                        "list", "match",  "trap",  "geo"};
    const char *account = find(argc, argv, "account", "alice");
    const char *currency = find(argc, argv, "currency", "EUR");
    const char *text = find(argc, argv, "policy", POLICY);
    uint64_t now = (uint64_t)clock_us() / 1000;
    char id[FRAUD_FLAG_ID_LEN + 1] = "", writer[FRAUD_SPOOL_WRITER_LEN + 1];
    char seal[FRAUD_SEAL_TEXT_LEN(FRAUD_SEAL_MAX_DATA)];
    static uint8_t data[FRAUD_FLAG_MAX_BYTES];
    fraud_pid_key_t key = {{7}};
    fraud_seal_public_t public;
    const fraud_policy_t *policy;
    fraud_flag_t f;
    size_t len, i;

    memset(&f, 0, sizeof(f));
    read_public(billing, &public);
    need(fraud_spool_writer(writer) == FRAUD_OK, "no random bytes");
    writer[FRAUD_SPOOL_WRITER_LEN] = '\0';
    f.policy = str(text);
    f.version = (uint32_t)find_number(argc, argv, "version", 1);
    policy = billing_policy_then(billing, text, f.version);
    need(policy != NULL, "no such policy");
    memcpy(f.digest, policy->digest, sizeof(f.digest));
    f.node = str("n1");
    f.writer = str(writer);
    f.rule = str(find(argc, argv, "rule", "cred_stuffing"));
    f.family = str(find(argc, argv, "family", "stuffing"));
    f.rule_version = 4;
    f.window = 600;
    f.threshold = 20;
    f.observed = (uint32_t)find_number(argc, argv, "observed", 137);
    f.nsignals = find_number(argc, argv, "signals", 2);
    for (i = 0; i < f.nsignals; i++) {
        f.signals[i] = str(names[i]);
    }
    f.epoch = find_number(argc, argv, "epoch", 1);
    key.bytes[1] = (uint8_t)f.epoch;
    fraud_pid_make(&f.pid, &key, str("billing"), account, strlen(account));
    f.damage = FRAUD_DAMAGE_METERED;
    f.amount = (uint32_t)find_number(argc, argv, "amount", 1234);
    f.metered = f.amount != 0;
    (void)snprintf(f.currency, sizeof(f.currency), "%s", currency);
    f.first_ms = now - 60000;
    f.last_ms = now - 1000;
    f.now_ms = now;
    f.expiry_ms = now + (uint64_t)policy->settings.keep_evidence * 1000;
    fraud_flag_id(id, &key, &f, find_number(argc, argv, "window", now / 1000));
    need(fraud_seal_close(seal, &len, &public, str(id), str(account)) ==
             FRAUD_OK,
         "no seal");
    f.seal.data = (const uint8_t *)seal;
    f.seal.len = len;
    need(fraud_flag_print(data, &len, &f, id) == FRAUD_OK, "no flag");
    f.seal.data = data;
    f.seal.len = len - 1;
    give(billing, writer, 0, f.seal);
    f.seal = str(FRAUD_SPOOL_END);
    give(billing, writer, 1, f.seal);
}

typedef struct {
    transfer_t transfer;
    ledger_rc rc;
} entry_t;

static db_rc enter(billing_t *billing, void *data) {
    entry_t *entry = data;
    db_rc rc = DB_OK;

    entry->rc = ledger_transfer(billing->db, &entry->transfer, &rc);
    return rc == DB_NONE ? DB_OK : rc;
}

static void transfer(billing_t *billing, char **argv) {
    static const char *const words[] = {"ok", "exists", "differs", "refused",
                                        "db"};
    char account[BILLING_ACCOUNT_SIZE];
    entry_t entry;
    int gives = strcmp(argv[0], "spend") == 0;
    db_rc rc;

    memset(&entry, 0, sizeof(entry));
    billing_account(billing, account, POLICY, str(argv[2]));
    (void)snprintf(entry.transfer.id, BILLING_ID_SIZE, "%s", argv[1]);
    entry.transfer.kind = argv[0];
    entry.transfer.debit = gives ? account : LEDGER_BILLING;
    entry.transfer.credit = gives ? LEDGER_BILLING : account;
    entry.transfer.amount = strtoll(argv[3], NULL, 10);
    entry.transfer.currency = argv[4];
    entry.transfer.at = clock_us();
    rc = billing_again(billing, enter, &entry);
    need(rc == DB_OK, db_error(billing->db));
    (void)puts(words[entry.rc]);
}

int main(int argc, char **argv) {
    char account[BILLING_ACCOUNT_SIZE];
    billing_t *billing;
    int done = 1;

    need(argc > 2, "see the source");
    if (strcmp(argv[2], "keys") == 0) {
        billing_make_keys(argv[3]);
        return 0;
    }
    billing = billing_open(argv[1], 1);
    if (strcmp(argv[2], "flag") == 0) {
        flag(billing, argc - 3, argv + 3);
    } else if (strcmp(argv[2], "tick") == 0) {
        while (done) {
            need(incident_tick(billing, clock_us(), &done) == DB_OK,
                 db_error(billing->db));
        }
    } else if (strcmp(argv[2], "account") == 0) {
        billing_account(billing, account, POLICY, str(argv[3]));
        (void)puts(account);
    } else {
        need(argc == 7, "transfer");
        transfer(billing, argv + 2);
    }
    billing_close(billing);
    return 0;
}
