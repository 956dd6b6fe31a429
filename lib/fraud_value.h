/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_VALUE_H
#define FRAUD_VALUE_H

/*
 * The value of one setting, from the text of a policy. Parts stand in any
 * order and blanks are free; what is not said has the meaning that the table
 * of settings gives it.
 */

#include "fraud_setting.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_VALUE_MAX 255 /* bytes of a value, its blanks folded */

/*
 * fraud_value_parse(settings, id, text, err):
 * Set what ${settings} say about ${id} to ${text}. FRAUD_EINVAL: err->why
 * names the setting, the word that is wrong and what may stand there;
 * ${settings} have an unknown part of the value.
 */
fraud_rc fraud_value_parse(fraud_settings_t *settings, fraud_setting_id_t id,
                           fraud_str_t text, fraud_err_t *err) FRAUD_CHECK;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_VALUE_H */
