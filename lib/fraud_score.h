/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_SCORE_H
#define FRAUD_SCORE_H

/*
 * From the signals that fired to a score, its reasons and an action.
 */

#include "fraud_buf.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_SCORE_MAX 100

typedef enum {
    FRAUD_ACTION_ALLOW = 0,
    FRAUD_ACTION_DELAY,
    FRAUD_ACTION_LIMIT,
    FRAUD_ACTION_DENY,
    FRAUD_ACTION_DROP,
    FRAUD_ACTION_N
} fraud_action_t;

/* One contribution; a list of them is in configuration order. */
typedef struct {
    fraud_str_t name;
    uint32_t points;
} fraud_reason_t;

/* At score and above; a list of them is in rising order of score. */
typedef struct {
    uint32_t score;
    fraud_action_t action;
    uint32_t status;   /* 0: the action's own */
    uint32_t delay_ms; /* FRAUD_ACTION_DELAY */
} fraud_threshold_t;

/*
 * fraud_score_sum(reasons, n):
 * Return the points of all ${n} reasons, at most FRAUD_SCORE_MAX.
 */
uint32_t fraud_score_sum(const fraud_reason_t *reasons, size_t n);

/*
 * fraud_score_sort(reasons, n):
 * Bring ${reasons} into falling order of points; equals keep their order.
 */
void fraud_score_sort(fraud_reason_t *reasons, size_t n);

/*
 * fraud_score_print(buf, reasons, n):
 * Append "a=40,b=20" to ${buf}, in the order given.
 */
void fraud_score_print(fraud_buf_t *buf, const fraud_reason_t *reasons,
                       size_t n);

/*
 * fraud_score_threshold(thresholds, n, score):
 * Return the highest of the ${n} thresholds that ${score} reaches, or NULL.
 */
const fraud_threshold_t *
fraud_score_threshold(const fraud_threshold_t *thresholds, size_t n,
                      uint32_t score);

/*
 * fraud_action_name(action):
 * Return "allow", "delay", "limit", "deny" or "drop".
 */
const char *fraud_action_name(fraud_action_t action);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_SCORE_H */
