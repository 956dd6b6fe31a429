/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_share.h"

#include <string.h>

#define LITTLE_DEBT 16u   /* of a limit this part */
#define LITTLE_DECAY 500u /* millipoints */

static int gcra_near(const fraud_gcra_conf_t *conf, uint64_t debt) {
    return debt > fraud_gcra_limit(conf) / 2;
}

int fraud_share_near(const fraud_op_t *op, uint64_t value, uint64_t max) {
    switch (op->type) {
    case FRAUD_OP_GCRA:
        return gcra_near(&op->u.gcra, value);
    case FRAUD_OP_DISTINCT:
        return value > max / 2;
    case FRAUD_OP_DECAY:
    case FRAUD_OP_SWAP:
        break;
    }
    return 1;
}

int fraud_share_echo(const fraud_op_t *op, uint32_t unsent,
                     const fraud_delta_t *shared) {
    return unsent != 0 && op->type == FRAUD_OP_GCRA &&
           gcra_near(&op->u.gcra, shared->gcra.least);
}

int fraud_share_differs(const fraud_op_t *op, uint64_t local, uint64_t shared) {
    uint64_t apart = local > shared ? local - shared : shared - local;

    switch (op->type) {
    case FRAUD_OP_GCRA:
        return apart > fraud_gcra_limit(&op->u.gcra) / LITTLE_DEBT;
    case FRAUD_OP_DECAY:
        return apart > LITTLE_DECAY;
    case FRAUD_OP_DISTINCT:
    case FRAUD_OP_SWAP:
        break;
    }
    return 0;
}

int fraud_share_adopt(const fraud_op_t *op, fraud_delta_t *state,
                      int rehashed) {
    switch (op->type) {
    case FRAUD_OP_GCRA:
        state->gcra.add = state->gcra.least;
        state->gcra.least = 0;
        return state->gcra.add != 0;
    case FRAUD_OP_DECAY:
        return state->decay != 0;
    case FRAUD_OP_DISTINCT:
        if (rehashed) {
            memset(state, 0, sizeof(*state));
        }
        return state->distinct.n[0] != 0 || state->distinct.n[1] != 0;
    case FRAUD_OP_SWAP:
        break;
    }
    return state->swap.len != 0;
}
