/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef VOCABULARY_H
#define VOCABULARY_H

/*
 * The settings of a privacy policy and what each may say, on standard output.
 */

#include "fraud_setting.h"

/*
 * vocabulary_words(part, bits):
 * Print the words of ${part} whose bits are set, each with what it means.
 */
void vocabulary_words(const fraud_part_t *part, uint32_t bits);

/*
 * vocabulary_setting(id, more):
 * Print the setting ${id} and what it may say, strict to loose, after an empty
 * line if there was one before it.
 */
void vocabulary_setting(fraud_setting_id_t id, int more);

#endif /* VOCABULARY_H */
