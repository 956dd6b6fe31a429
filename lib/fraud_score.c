/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_score.h"

uint32_t fraud_score_sum(const fraud_reason_t *reasons, size_t n) {
    uint32_t sum = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        if (reasons[i].points >= FRAUD_SCORE_MAX - sum) {
            return FRAUD_SCORE_MAX;
        }
        sum += reasons[i].points;
    }
    return sum;
}

void fraud_score_sort(fraud_reason_t *reasons, size_t n) {
    fraud_reason_t reason;
    size_t i, k;

    for (i = 1; i < n; i++) {
        reason = reasons[i];
        for (k = i; k > 0 && reasons[k - 1].points < reason.points; k--) {
            reasons[k] = reasons[k - 1];
        }
        reasons[k] = reason;
    }
}

void fraud_score_print(fraud_buf_t *buf, const fraud_reason_t *reasons,
                       size_t n) {
    size_t i;

    for (i = 0; i < n; i++) {
        if (i != 0) {
            fraud_buf_char(buf, ',');
        }
        fraud_buf_add(buf, reasons[i].name.data, reasons[i].name.len);
        fraud_buf_char(buf, '=');
        fraud_buf_uint(buf, reasons[i].points, 1);
    }
}

const fraud_threshold_t *
fraud_score_threshold(const fraud_threshold_t *thresholds, size_t n,
                      uint32_t score) {
    while (n > 0) {
        if (score >= thresholds[--n].score) {
            return &thresholds[n];
        }
    }
    return NULL;
}

const char *fraud_action_name(fraud_action_t action) {
    static const char *const names[FRAUD_ACTION_N] = {"allow", "delay", "limit",
                                                      "deny", "drop"};

    return action < FRAUD_ACTION_N ? names[action] : "unknown";
}
