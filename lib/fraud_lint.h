/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_LINT_H
#define FRAUD_LINT_H

/*
 * Settings that are well-formed, each alone, and contradict each other.
 */

#include "fraud_setting.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_LINT_STATE_MAX 3600u /* seconds, without automation */
#define FRAUD_LINT_HOLD_MIN (14 * FRAUD_SETTING_DAY)
#define FRAUD_LINT_APPEAL_MIN (30 * FRAUD_SETTING_DAY)
#define FRAUD_LINT_ANSWER (30 * FRAUD_SETTING_DAY) /* an appeal is decided */

/*
 * fraud_lint_check(settings, id, err):
 * FRAUD_EINVAL at the first contradiction in ${settings}: ${id} is the setting
 * to look at, err->why names it and the one that it contradicts.
 */
fraud_rc fraud_lint_check(const fraud_settings_t *settings,
                          fraud_setting_id_t *id, fraud_err_t *err) FRAUD_CHECK;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_LINT_H */
