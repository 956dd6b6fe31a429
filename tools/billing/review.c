/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "review.h"

#include "clock.h"
#include "fail.h"
#include "ledger.h"
#include "option.h"
#include "principal.h"
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRIES 5 /* while the database cannot be reached, a second apart */

const char review_usage[] =
    "  case list [--all] [--json]\n"
    "                   what waits for a person, or everything\n"
    "  case show ID     the evidence in words, what may be decided and why "
    "not,\n"
    "                   the history and the notice; who has seen it is "
    "recorded\n"
    "  case confirm ID --reason CODE --amount N\n"
    "                   it was fraud: hold N minor units (0: nothing)\n"
    "  case refute ID --reason CODE\n"
    "  case assess ID --reason HOW --damage none|assessed|proven|disproven\n"
    "          --amount N [--currency EUR]\n"
    "                   how much the damage is, and how that is known\n"
    "  case object ID --reason CODE\n"
    "                   the person objects: somebody new has to judge\n"
    "  case uphold ID --reason CODE\n"
    "  case appeal ID --reference NAME --reason CODE\n"
    "                   the person appeals against what was deducted\n"
    "  case reject ID --reference NAME --reason CODE\n"
    "  case reverse ID --reference NAME --reason CODE --amount N\n"
    "                   give back all or a part of it\n"
    "  case restrict|lift ID --reason CODE\n"
    "                   stop all deadlines of the case, and go on\n"
    "          all with [-c FILE], the configuration of fraud-billing; root\n"
    "          may say --as NAME\n";

typedef struct {
    const char *conf;
    const char *as;
    const char *code;
    int all;
    int json;
    review_t review;
} case_t;

static void parse_option(case_t *c, int argc, char **argv, int *i) {
    static const struct {
        const char *name;
        size_t at;
    } texts[] = {
        {"-c", offsetof(case_t, conf)},
        {"--as", offsetof(case_t, as)},
        {"--reason", offsetof(case_t, code)},
        {"--reference", offsetof(case_t, review.reference)},
        {"--damage", offsetof(case_t, review.damage)},
        {"--currency", offsetof(case_t, review.currency)},
    };
    const char *value;
    size_t k;

    for (k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
        value = option(argc, argv, i, texts[k].name);
        if (value != NULL) {
            memcpy((char *)c + texts[k].at, &value, sizeof(value));
            return;
        }
    }
    value = option(argc, argv, i, "--amount");
    if (value != NULL) {
        c->review.amount = (int64_t)option_uint("--amount", value);
        if (c->review.amount > LEDGER_MAX_AMOUNT || c->review.amount < 0) {
            fail("--amount is more than %lld", (long long)LEDGER_MAX_AMOUNT);
        }
    } else if (strcmp(argv[*i], "--all") == 0) {
        c->all = 1;
    } else if (strcmp(argv[*i], "--json") == 0) {
        c->json = 1;
    } else if (argv[*i][0] != '-' && c->review.incident == NULL) {
        c->review.incident = argv[*i];
    } else {
        fail("unknown option \"%s\", or more than one case at a time, see "
             "fraudctl help",
             argv[*i]);
    }
}

static void need_reason(case_t *c) {
    review_t *review = &c->review;
    char codes[512] = "";
    size_t len = 0;
    unsigned i;
    int n;

    review->reason =
        c->code != NULL ? reason_find(review->action, c->code) : NULL;
    if (review->reason != NULL) {
        return;
    }
    for (i = 0; reason_get(i) != NULL; i++) {
        if (reason_find(review->action, reason_get(i)->code) != NULL) {
            n = snprintf(codes + len, sizeof(codes) - len, "%s%s",
                         len == 0 ? "" : ", ", reason_get(i)->code);
            len += n > 0 ? (size_t)n : 0;
        }
    }
    fail("case %s needs a --reason: %s", reason_action(review->action), codes);
}

static int is_currency(const char *text) {
    return strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}

static int is_damage(const char *text) {
    return strcmp(text, "none") == 0 || strcmp(text, "assessed") == 0 ||
           strcmp(text, "proven") == 0 || strcmp(text, "disproven") == 0;
}

/* What each verb cannot do without. */
static void check(case_t *c) {
    review_t *review = &c->review;
    const char *name = reason_action(review->action);

    need_reason(c);
    if ((review->action == ACTION_CONFIRM || review->action == ACTION_ASSESS ||
         review->action == ACTION_REVERSE) != (review->amount >= 0)) {
        fail(review->amount < 0 ? "case %s needs --amount, in minor units"
                                : "case %s has no --amount",
             name);
    }
    if ((review->action == ACTION_ASSESS) != (review->damage != NULL) ||
        (review->damage != NULL && !is_damage(review->damage))) {
        fail("case assess, and no other, needs --damage "
             "none|assessed|proven|disproven");
    }
    if (review->currency != NULL && !is_currency(review->currency)) {
        fail("--currency is not three upper-case letters");
    }
    if (review->reference != NULL &&
        !principal_is_word(review->reference, BILLING_NAME_SIZE - 1)) {
        fail("--reference is not at most %d of a-z, A-Z, 0-9, '.', '_', '-'",
             BILLING_NAME_SIZE - 1);
    }
    if (review->reference != NULL && review->action != ACTION_APPEAL &&
        review->action != ACTION_REJECT && review->action != ACTION_REVERSE) {
        fail("case %s has no --reference", name);
    }
}

/* Until it is known whether it is done: its row tells. */
static db_rc insist(billing_t *billing, review_t *review) {
    db_rc rc = DB_DOWN;
    int i;

    for (i = 0; rc == DB_DOWN && i < TRIES; i++) {
        if (i != 0) {
            (void)sleep(1);
        }
        rc = review->action == ACTION_SHOW
                 ? show_case(billing, review)
                 : billing_again(billing, review_act, review);
    }
    return rc;
}

static void name_row(review_t *review) {
    char now[24], ms[24], pid[24];

    (void)snprintf(now, sizeof(now), "%" PRId64, review->now);
    (void)snprintf(ms, sizeof(ms), "%" PRId64, clock_ms());
    (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    billing_id(review->id, "rvw", review->incident, review->who,
               reason_action(review->action), now, ms, pid, NULL);
}

static int run(case_t *c, const char *verb) {
    billing_t *billing;
    db_rc rc;

    c->review.who = principal(c->as);
    billing = billing_open(c->conf, 0);
    c->review.now = clock_us();
    if (strcmp(verb, "list") == 0) {
        rc = show_list(billing, c->all, c->json);
    } else {
        name_row(&c->review);
        rc = insist(billing, &c->review);
        failpoint("review-committed");
    }
    if (rc == DB_NONE) {
        (void)fprintf(stderr, "fraudctl: refused: %s\n", c->review.why);
    } else if (rc != DB_OK) {
        fail("the database: %s", db_error(billing->db));
    } else if (c->review.said[0] != '\0') {
        (void)puts(c->review.said);
    }
    billing_close(billing);
    return rc == DB_OK ? 0 : 1;
}

int review(int argc, char **argv) {
    static case_t c;
    int i;

    c.review.amount = -1;
    if (argc < 2) {
        fail("case needs a verb, see fraudctl help");
    }
    for (i = 2; i < argc; i++) {
        parse_option(&c, argc, argv, &i);
    }
    if (strcmp(argv[1], "list") == 0) {
        if (c.review.incident != NULL) {
            fail("case list is about no single case");
        }
        return run(&c, argv[1]);
    }
    while (c.review.action < ACTION_N &&
           (c.review.action == ACTION_SECOND ||
            strcmp(reason_action(c.review.action), argv[1]) != 0)) {
        c.review.action++;
    }
    if (c.review.action == ACTION_N) {
        fail("unknown verb \"%s\" of case, see fraudctl help", argv[1]);
    }
    if (c.review.incident == NULL) {
        fail("case %s needs the id of a case, see fraudctl case list", argv[1]);
    }
    if (c.review.action != ACTION_SHOW) {
        check(&c);
    }
    return run(&c, argv[1]);
}
