/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_POLICY_H
#define FRAUD_POLICY_H

/*
 * A privacy policy as a file: [policy] with its name, version and dates, and
 * [settings] with all 25 settings of fraud_setting.h, each after a comment
 * that says where its value comes from.
 */

#include "fraud_buf.h"
#include "fraud_pid.h"
#include "fraud_setting.h"
#include "fraud_str.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_POLICY_MAX_BYTES 65536u
#define FRAUD_POLICY_MAX_LINE 192u   /* of a setting, continued lines folded */
#define FRAUD_POLICY_MAX_PRINT 4096u /* bytes of the canonical form */
#define FRAUD_POLICY_MAX_VERSION 999999u

typedef enum {
    FRAUD_POLICY_UNSAID = 0,
    FRAUD_POLICY_STATED,
    FRAUD_POLICY_DERIVED,
    FRAUD_POLICY_GAP,
    FRAUD_POLICY_CONFLICT
} fraud_policy_basis_t;

typedef struct {
    char name[FRAUD_NAME_MAX + 1];
    uint32_t version;
    uint32_t notice;    /* the day it was announced, see fraud_day.h */
    uint32_t effective; /* the first day it is in force */
    fraud_settings_t settings;
    uint8_t digest[FRAUD_PID_DIGEST_LEN]; /* of the canonical form */
    size_t line[FRAUD_SETTING_N];
    fraud_str_t comment[FRAUD_SETTING_N]; /* above it, see fraud_lines.h */
} fraud_policy_t;

/*
 * fraud_policy_parse(policy, text, len, err):
 * Parse a policy file. The comments point into ${text}, nothing else does.
 * FRAUD_EINVAL: err->line and err->why, which names the setting, what it says
 * and what it may say. FRAUD_ELIMIT past FRAUD_POLICY_MAX_BYTES, FRAUD_ENOMEM.
 */
fraud_rc fraud_policy_parse(fraud_policy_t *policy, const char *text,
                            size_t len, fraud_err_t *err) FRAUD_CHECK;

/*
 * fraud_policy_print(buf, policy):
 * Append the canonical form, which is a policy file itself: the same for all
 * files that say the same.
 */
void fraud_policy_print(fraud_buf_t *buf, const fraud_policy_t *policy);

/*
 * fraud_policy_loosens(old, now):
 * Return a bit, 1 << id, for each setting about which ${now} allows anything
 * that ${old} does not. What cannot be compared counts as more.
 */
uint32_t fraud_policy_loosens(const fraud_policy_t *old,
                              const fraud_policy_t *now);

/*
 * fraud_policy_due(old, now):
 * Return the first day on which ${now} may replace ${old}: its own effective
 * day and, if it loosens any setting, as long after its announcement as the
 * old policy promises.
 */
uint32_t fraud_policy_due(const fraud_policy_t *old, const fraud_policy_t *now);

/*
 * fraud_policy_replays(policy):
 * Return 1 if backups outlive an erasure, so that a restore has to replay the
 * tombstones before it serves anything.
 */
int fraud_policy_replays(const fraud_policy_t *policy);

/*
 * fraud_policy_basis(policy, id):
 * Return where the value of ${id} comes from, as the first word of its comment
 * says: "stated:", "derived:", "gap:" or "conflict:".
 */
fraud_policy_basis_t fraud_policy_basis(const fraud_policy_t *policy,
                                        fraud_setting_id_t id);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_POLICY_H */
