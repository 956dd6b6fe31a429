/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SUBJECT_H
#define SUBJECT_H

/*
 * The part of a score that needs subjects: who they are, and what is asked of
 * their records.
 */

#include "score.h"

/*
 * subject_init(score):
 * Prepare what all entries share.
 */
void subject_init(score_t *score);

/*
 * subject_value(score, rule, value, text):
 * Set ${text} to ${value} of ${rule}. Return 0 if it is unknown, which is
 * noted in ${rule}.
 */
int subject_value(score_t *score, rule_t *rule, const value_t *value,
                  fraud_str_t *text);

/*
 * subject_condition(score, rule):
 * Return 1 if ${rule} has no condition or a true one: not empty, not "0".
 */
int subject_condition(score_t *score, rule_t *rule);

/*
 * subject_identify(score):
 * Set the actors of the entry.
 */
void subject_identify(score_t *score);

/*
 * subject_request(score, i), subject_response(score, i, earned):
 * Carry out what the request, or the response with the points ${earned}, asks
 * of the subject of the identity ${i} of the scope.
 */
void subject_request(score_t *score, size_t i);
void subject_response(score_t *score, size_t i, unsigned earned);

#endif /* SUBJECT_H */
