/* SPDX-License-Identifier: BSD-2-Clause */

#include "billing/clock.h"
#include "billing/export.h"
#include "billing/review.h"
#include "core.h"
#include "escrow.h"
#include "explain.h"
#include "keys.h"
#include "log.h"
#include "policy.h"
#include "purge.h"
#include "reset.h"
#include "rights.h"
#include "verb.h"

static const verb_t verbs[] = {
    {"case", review, review_usage},
    {"escrow", escrow, escrow_usage},
    {"explain", explain, explain_usage},
    {"export", export_main, export_usage},
#ifdef BILLING_TEST
    {"failpoints", failpoints_main, failpoints_usage},
#endif
    {"keys", keys, keys_usage},
    {"log", log_verb, log_usage},
    {"policy", policy, policy_usage},
    {"purge", purge, purge_usage},
    {"reset", reset, reset_usage},
    {"subject", rights, rights_usage},
};

int main(int argc, char **argv) {
    core_none();
    return verb_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
