/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "billing.h"

#include "clock.h"
#include "fail.h"
#include "fraud_backoff.h"
#include "fraud_decide.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SUFFIX ".policy"
#define RETRY_MS 50 /* ceiling of the first wait */
#define RETRY_MAX_MS 1000

static void load_policy(billing_t *billing, const char *path) {
    fraud_policy_t *policy = &billing->policy[billing->npolicies];
    char *text = arena_alloc(&billing->arena, FRAUD_POLICY_MAX_BYTES + 1);
    const fraud_policy_t *same;
    fraud_err_t err;
    size_t len;
    FILE *in;

    if (billing->npolicies == BILLING_POLICIES) {
        fail("more than %d policies in %s", BILLING_POLICIES,
             billing->conf.policies);
    }
    in = fopen(path, "rb");
    if (in == NULL) {
        fail("cannot read %s: %s", path, strerror(errno));
    }
    len = fread(text, 1, FRAUD_POLICY_MAX_BYTES + 1, in);
    if (ferror(in)) {
        fail("cannot read %s: %s", path, strerror(errno));
    }
    (void)fclose(in);
    if (fraud_policy_parse(policy, text, len, &err) != FRAUD_OK) {
        fail_in(path, (unsigned)err.line, "%s", err.why);
    }
    same = billing_policy_then(billing, policy->name, policy->version);
    if (same != NULL) {
        fail("%s is version %u of \"%s\", as another file is", path,
             (unsigned)policy->version, policy->name);
    }
    billing->npolicies++;
}

static void load_policies(billing_t *billing) {
    const char *dir = billing->conf.policies;
    struct dirent *entry;
    DIR *list = opendir(dir);
    size_t len;

    if (list == NULL) {
        fail("cannot read the policies in %s: %s", dir, strerror(errno));
    }
    while ((entry = readdir(list)) != NULL) {
        len = strlen(entry->d_name);
        if (len > sizeof(SUFFIX) - 1 && entry->d_name[0] != '.' &&
            strcmp(entry->d_name + len - (sizeof(SUFFIX) - 1), SUFFIX) == 0) {
            load_policy(billing,
                        arena_join(&billing->arena, dir, entry->d_name));
        }
    }
    (void)closedir(list);
    if (billing->npolicies == 0) {
        fail("no *%s in %s", SUFFIX, dir);
    }
}

billing_t *billing_open(const char *path, int keys) {
    billing_t *billing = calloc(1, sizeof(*billing));

    if (billing == NULL) {
        fail("not enough memory");
    }
    billing_read_conf(&billing->conf, &billing->arena, path);
    load_policies(billing);
    if (keys) {
        if (billing->conf.key == NULL) {
            fail("%s has no \"key\", see \"fraud-billing keygen\"",
                 billing->conf.path);
        }
        billing->keys = billing_read_keys(billing->conf.key);
    }
    billing->db = db_open(billing->conf.database);
    if (billing->db == NULL) {
        fail("%s: the database is neither sqlite:PATH nor postgresql://...",
             billing->conf.path);
    }
    return billing;
}

void billing_close(billing_t *billing) {
    if (billing != NULL) {
        db_close(billing->db);
        billing_free_keys(billing->keys);
        arena_free(&billing->arena);
        free(billing);
    }
}

const fraud_policy_t *billing_policy_then(const billing_t *billing,
                                          const char *name, uint32_t version) {
    size_t i;

    for (i = 0; i < billing->npolicies; i++) {
        if (billing->policy[i].version == version &&
            strcmp(billing->policy[i].name, name) == 0) {
            return &billing->policy[i];
        }
    }
    return NULL;
}

const fraud_policy_t *billing_policy_now(const billing_t *billing,
                                         const char *name, int64_t us) {
    const fraud_policy_t *now = NULL, *policy;
    size_t i;

    for (i = 0; i < billing->npolicies; i++) {
        policy = &billing->policy[i];
        if (strcmp(policy->name, name) == 0 &&
            (int64_t)policy->effective <= clock_day(us) &&
            (now == NULL || policy->version > now->version)) {
            now = policy;
        }
    }
    return now;
}

int billing_settings(const billing_t *billing, fraud_settings_t *settings,
                     const char *name, uint32_t version, int64_t us) {
    const fraud_policy_t *then = billing_policy_then(billing, name, version);
    const fraud_policy_t *now = billing_policy_now(billing, name, us);

    if (then == NULL || now == NULL) {
        return 0;
    }
    fraud_decide_meet(settings, &then->settings, &now->settings);
    return 1;
}

static void wait_before(uint32_t attempt) {
    uint32_t ms, random = (uint32_t)clock_us() * 2654435761u;
    struct timespec ts;

    ms = fraud_backoff_delay(RETRY_MS, RETRY_MAX_MS, attempt, random);
    ts.tv_sec = ms / 1000;
    ts.tv_nsec = (long)(ms % 1000) * 1000000;
    (void)nanosleep(&ts, NULL);
}

db_rc billing_again(billing_t *billing, billing_work_t work, void *data) {
    db_rc rc = DB_RETRY;
    uint32_t i;

    for (i = 0; rc == DB_RETRY && i < DB_MAX_TRIES; i++) {
        if (i != 0) {
            wait_before(i);
        }
        rc = db_begin(billing->db);
        if (rc != DB_OK) {
            continue;
        }
        rc = work(billing, data);
        if (rc == DB_OK) {
            rc = db_commit(billing->db);
        } else {
            db_rollback(billing->db);
        }
    }
    return rc;
}
