/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "hold.h"

#include "conf.h"
#include "fail.h"
#include "fraud_day.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOLDS "holds"
#define ABOUT "/hold" /* in the directory of a case: what it is */
#define MAX_NAME 64
#define SECONDS_PER_DAY 86400u

static void check_name(const char *name) {
    static const char may[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t len = strlen(name);

    if (len == 0 || len > MAX_NAME || name[0] == '.' ||
        strspn(name, may) != len) {
        fail("invalid case \"%s\", use 1 to %d letters, digits, \"-\", \"_\" "
             "and \".\"",
             name, MAX_NAME);
    }
}

/* The bit of a ground among those there are, 0 if there is no such. */
static uint32_t ground_bit(const char *name) {
    const fraud_part_t *part;
    size_t i, w;

    for (i = 0; (part = fraud_setting_part(i)) != NULL; i++) {
        for (w = 0; part->id == FRAUD_SETTING_HOLD && w < part->nwords; w++) {
            if (strcmp(part->words[w].name, name) == 0 && name[0] != '\0') {
                return FRAUD_SETTING_BIT(w);
            }
        }
    }
    return 0;
}

static void check(const hold_t *hold, const fraud_policy_t *policy,
                  uint64_t now) {
    uint32_t bit, day, today = (uint32_t)(now / SECONDS_PER_DAY);

    check_name(hold->name);
    if (hold->ground == NULL || hold->review == NULL) {
        fail("a hold needs --ground and --review");
    }
    bit = ground_bit(hold->ground);
    if (bit == 0 || (policy->settings.hold & bit) == 0) {
        fail("policy \"%s\" knows no hold for \"%s\"", policy->name,
             hold->ground);
    }
    if (fraud_day_parse(&day, hold->review, strlen(hold->review)) != FRAUD_OK) {
        fail("invalid date \"%s\", use YYYY-MM-DD", hold->review);
    }
    if (day <= today || day > today + HOLD_REVIEW_DAYS) {
        fail("a hold is reviewed within %u days, not on %s", HOLD_REVIEW_DAYS,
             hold->review);
    }
}

const char *hold_open(const vault_t *vault, const hold_t *hold,
                      const fraud_policy_t *policy, uint64_t now) {
    const char *dir;
    char text[512], path[4096];
    int len;

    check(hold, policy, now);
    dir = vault_join(vault, HOLDS, hold->name);
    vault_dir(vault_join(vault, HOLDS, ""));
    vault_dir(dir);
    len = snprintf(text, sizeof(text),
                   "review %s\nground %s\npolicy %s.%u\nopened %llu\n",
                   hold->review, hold->ground, policy->name,
                   (unsigned)policy->version, (unsigned long long)now);
    if (len < 0 || (size_t)len >= sizeof(text) ||
        strlen(dir) + sizeof(ABOUT) > sizeof(path)) {
        fail("the path of the case is too long");
    }
    (void)snprintf(path, sizeof(path), "%s%s", dir, ABOUT);
    vault_write(path, text, (size_t)len);
    return dir;
}

static void remove_in(const char *dir, const char *name) {
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

    if (n < 0 || (size_t)n >= sizeof(path) || unlink(path) == -1) {
        fail("cannot remove %s/%s: %s", dir, name, strerror(errno));
    }
}

void hold_release(const vault_t *vault, const char *name) {
    struct dirent *entry;
    const char *dir;
    DIR *entries;

    check_name(name);
    dir = vault_join(vault, HOLDS, name);
    entries = opendir(dir);
    if (entries == NULL) {
        fail("no case \"%s\" in %s", name, vault->path);
    }
    while ((entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0) {
            remove_in(dir, entry->d_name);
        }
    }
    (void)closedir(entries);
    vault_sync(dir);
    if (rmdir(dir) == -1) {
        fail("cannot remove %s: %s", dir, strerror(errno));
    }
    vault_sync(vault_join(vault, HOLDS, ""));
}

const char **hold_cases(const vault_t *vault, size_t *n) {
    const char **cases = NULL, *dir = vault_join(vault, HOLDS, "");
    DIR *entries = vault->there ? opendir(dir) : NULL;
    struct dirent *entry;

    *n = 0;
    if (entries == NULL) {
        if (vault->there && errno != ENOENT) {
            fail("cannot read %s: %s", dir, strerror(errno));
        }
        return NULL;
    }
    while ((entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] != '.') {
            cases = arena_grow(vault->arena, cases, *n, sizeof(*cases));
            cases[(*n)++] = vault_join(vault, HOLDS, entry->d_name);
        }
    }
    (void)closedir(entries);
    return cases;
}

/* Return 1 if the case should have been looked at, -1 if that is not known. */
static int overdue(const char *dir, uint32_t today) {
    char line[64] = "", path[4096];
    uint32_t day = 0;
    FILE *in;
    int n = snprintf(path, sizeof(path), "%s%s", dir, ABOUT), bad;

    in = n < 0 || (size_t)n >= sizeof(path) ? NULL : fopen(path, "r");
    bad = in == NULL || fgets(line, sizeof(line), in) == NULL ||
          strncmp(line, "review ", 7) != 0 ||
          fraud_day_parse(&day, line + 7, strcspn(line + 7, "\n")) != FRAUD_OK;
    if (in != NULL) {
        (void)fclose(in);
    }
    if (bad) {
        (void)fprintf(stderr, "fraudctl: %s says no date of review\n", path);
        return -1;
    }
    if (day > today) {
        return 0;
    }
    (void)fprintf(stderr,
                  "fraudctl: %s was to be reviewed by %.10s, review or release "
                  "it\n",
                  dir, line + 7);
    return 1;
}

int hold_overdue(const vault_t *vault, uint64_t now) {
    const char **cases;
    int one, all = 0;
    size_t i, n;

    cases = hold_cases(vault, &n);
    for (i = 0; i < n; i++) {
        one = overdue(cases[i], (uint32_t)(now / SECONDS_PER_DAY));
        if (one == -1) {
            return -1;
        }
        all += one;
    }
    return all;
}
