/* SPDX-License-Identifier: BSD-2-Clause */

#include "person.h"

#include "fail.h"
#include "fraud_ip.h"
#include "keydir.h"

#include <stdio.h>
#include <string.h>

#define LOG_PREFIX "log."

/* What an address is cut to where nobody may have a score. */
#define PREFIX4 24u
#define PREFIX6 48u

static int same(fraud_str_t a, const char *b, size_t len) {
    return a.len == len && memcmp(a.data, b, len) == 0;
}

static int is_asked(const person_t *person, const site_identity_t *identity) {
    if (person->identity != NULL) {
        return same(identity->name, person->identity, strlen(person->identity));
    }
    return identity->kind == person->kind;
}

int person_asks(const person_t *person, const site_t *site, size_t i,
                const char **name) {
    const site_identity_t *all = site->identities;
    size_t k;

    if (!is_asked(person, &all[i])) {
        return 0;
    }
    for (k = 0; k < i; k++) {
        if (same(all[k].name, (const char *)all[i].name.data,
                 all[i].name.len)) {
            return 0;
        }
    }
    *name = (const char *)all[i].name.data;
    return 1;
}

void person_check(const person_t *person, const site_t *site) {
    size_t i;

    for (i = 0; i < site->nidentities && person->identity != NULL; i++) {
        if (is_asked(person, &site->identities[i])) {
            return;
        }
    }
    if (person->identity != NULL) {
        fail("the configuration has no identity \"%s\"", person->identity);
    }
}

/* "NAME", "log.NAME", and either with "@POLICY" behind it. */
static int is_domain_of(fraud_str_t domain, fraud_str_t name) {
    size_t skip = sizeof(LOG_PREFIX) - 1;

    if (domain.len > skip && memcmp(domain.data, LOG_PREFIX, skip) == 0) {
        domain.data += skip;
        domain.len -= skip;
    }
    return domain.len >= name.len &&
           memcmp(domain.data, name.data, name.len) == 0 &&
           (domain.len == name.len || domain.data[name.len] == '@');
}

/* Return 1 if it is of a policy under which nobody may have a score. */
static int is_of_nobody(fraud_str_t domain, const site_t *site) {
    const fraud_policy_t *policy;
    size_t i, len;

    for (i = 0; i < site->npolicies; i++) {
        policy = site->policies[i].policy;
        len = strlen(policy->name);
        if (domain.len > len && domain.data[domain.len - len - 1] == '@' &&
            memcmp(domain.data + domain.len - len, policy->name, len) == 0) {
            return policy->settings.automation == FRAUD_AUTOMATION_NONE;
        }
    }
    return 0;
}

static void cut(fraud_ip_t *ip, const site_identity_t *identity, int nobody) {
    unsigned ipv4 = identity->ipv4, ipv6 = identity->ipv6;

    if (nobody && same(identity->name, "address", strlen("address"))) {
        ipv4 = ipv4 < PREFIX4 ? ipv4 : PREFIX4;
        ipv6 = ipv6 < PREFIX6 ? ipv6 : PREFIX6;
    }
    fraud_ip_mask(ip, ipv4, ipv6);
}

static void add_file(const person_t *person, const site_identity_t *identity,
                     const fraud_keys_t *keys, const site_t *site,
                     pids_t *pids) {
    const void *data = person->value;
    size_t len = strlen(person->value);
    const char *at = keys->lines;
    fraud_str_t domain;
    fraud_pid_key_t key;
    fraud_pid_t pid;
    fraud_ip_t ip;

    while (fraud_keys_next(keys, &at, &domain, &key)) {
        if (!is_domain_of(domain, identity->name)) {
            continue;
        }
        if (identity->kind == SITE_ADDRESS) {
            if (fraud_ip_parse(&ip, person->value, strlen(person->value)) !=
                FRAUD_OK) {
                fail("the value is no address");
            }
            cut(&ip, identity, is_of_nobody(domain, site));
            data = ip.bytes;
            len = fraud_ip_len(&ip);
        }
        fraud_pid_make(&pid, &key, domain, data, len);
        pids_add(pids, site->arena, &pid);
    }
    fraud_pid_key_wipe(&key);
}

void person_keys(const person_t *person, const site_t *site, const char *dir,
                 pids_t *pids) {
    char name[FRAUD_KEYS_NAME_SIZE];
    uint64_t *numbers;
    keyfile_t file;
    fraud_err_t err;
    keydir_t keydir;
    size_t i, k, n;
    fraud_rc rc;

    keydir_open(&keydir, dir, -1, 0);
    numbers = keydir_files(&keydir, site->arena, &n);
    for (i = 0; i < n; i++) {
        fraud_keys_name(name, numbers[i]);
        rc = keydir_read(&keydir, name, &file, &err);
        if (rc == FRAUD_EINVAL) {
            fail("%s/%s line %zu %s", dir, name, err.line, err.why);
        }
        for (k = 0; k < site->nidentities && rc == FRAUD_OK; k++) {
            if (is_asked(person, &site->identities[k])) {
                add_file(person, &site->identities[k], &file.keys, site, pids);
            }
        }
        keydir_release(&file);
    }
    keydir_close(&keydir);
}

void person_answer(const char *text, arena_t *arena, pids_t *pids) {
    static const char *const keys[] = {"\"pid\":\"", "\"previous\":\"",
                                       "\"log_pid\":\"", "\"log_previous\":\""};
    fraud_pid_t pid;
    const char *at;
    size_t i;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        for (at = text; (at = strstr(at, keys[i])) != NULL;) {
            at += strlen(keys[i]);
            if (strcspn(at, "\"") == FRAUD_PID_TEXT_LEN &&
                fraud_pid_decode(&pid, at, FRAUD_PID_TEXT_LEN) == FRAUD_OK) {
                pids_add(pids, arena, &pid);
            }
        }
    }
}

void person_wipe(person_t *person) {
    volatile char *p = person->value;
    size_t i;

    for (i = 0; i < sizeof(person->value); i++) {
        p[i] = '\0';
    }
}
