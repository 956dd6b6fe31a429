/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_WORDING_H
#define FRAUD_WORDING_H

/*
 * Settings as text: the value in one canonical form, and for people what it
 * means and what else might stand there.
 */

#include "fraud_buf.h"
#include "fraud_setting.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/*
 * fraud_wording_value(buf, settings, id):
 * Append what ${settings} say about ${id}, in the form that is the same
 * however it was written. fraud_value_parse() reads it back.
 */
void fraud_wording_value(fraud_buf_t *buf, const fraud_settings_t *settings,
                         fraud_setting_id_t id);

/*
 * fraud_wording_part(buf, settings, part):
 * Append what ${part} of ${settings} says, without its key.
 */
void fraud_wording_part(fraud_buf_t *buf, const fraud_settings_t *settings,
                        const fraud_part_t *part);

/*
 * fraud_wording_time(buf, seconds):
 * Append a time in the largest unit that is exact, or "inf".
 */
void fraud_wording_time(fraud_buf_t *buf, uint32_t seconds);

/*
 * fraud_wording_allowed(buf, part):
 * Append what may stand in ${part}.
 */
void fraud_wording_allowed(fraud_buf_t *buf, const fraud_part_t *part);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_WORDING_H */
