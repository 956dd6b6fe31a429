/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_backoff.h"

uint32_t fraud_backoff_delay(uint32_t base, uint32_t max, uint32_t attempt,
                             uint32_t random) {
    uint64_t ceiling = base != 0 ? base : 1;

    if (max == 0) {
        max = 1;
    }
    for (; attempt > 1 && ceiling < max; attempt--) {
        ceiling *= 2;
    }
    if (ceiling > max) {
        ceiling = max;
    }
    return (uint32_t)(1 + (random * ceiling >> 32));
}
