/* SPDX-License-Identifier: BSD-2-Clause */

#include "notice.h"

#include "amount.h"
#include "clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RULE_SIZE 512
#define TAIL 2560 /* kept free for what follows the rules */

typedef struct {
    char *data;
    size_t len;
} text_t;

#if defined(__GNUC__)
static void say(text_t *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#endif

static void say(text_t *text, const char *format, ...) {
    size_t room = NOTICE_SIZE - text->len;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text->data + text->len, room, format, args);
    va_end(args);
    if (n > 0) {
        text->len += (size_t)n < room ? (size_t)n : room - 1;
    }
}

const char *notice_name(notice_kind_t kind) {
    static const char *const names[] = {
        [NOTICE_HOLD] = "hold",
        [NOTICE_POST] = "post",
        [NOTICE_VOID] = "void",
        [NOTICE_REVERSE] = "reverse",
    };

    return names[kind];
}

static const char *damage_words(const char *kind) {
    static const struct {
        const char *kind, *words;
    } kinds[] = {
        {"resource_metered", "use of the service that cost it resources"},
        {"chargeback", "payments that were charged back"},
        {"third_party_claim", "claims of others against the service"},
        {"remediation", "work to put things right"},
        {"reputational", "harm to the reputation of the service"},
    };
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            return kinds[i].words;
        }
    }
    return kind;
}

static void say_what(text_t *text, const notice_t *notice) {
    const char *currency = notice->incident->currency;
    char amount[AMOUNT_SIZE], left[AMOUNT_SIZE], at[AMOUNT_SIZE];

    amount_print(amount, notice->amount, currency);
    amount_print(left, notice->left, currency);
    amount_time(at, notice->at);
    say(text, "Reference: %s\n\nWhat happened\n", notice->incident->id);
    switch (notice->kind) {
    case NOTICE_HOLD:
        say(text,
            "On %s, %s of your balance was put on hold. It is not deducted "
            "yet.\n",
            at, amount);
        break;
    case NOTICE_POST:
        say(text,
            "On %s, %s that was on hold was deducted from your "
            "balance.\n",
            at, amount);
        if (notice->left != 0) {
            say(text, "%s of the hold was given back.\n", left);
        }
        break;
    case NOTICE_VOID:
        say(text,
            "On %s, the hold of %s on your balance ended. Nothing was "
            "deducted: all of it is yours again.\n",
            at, amount);
        break;
    case NOTICE_REVERSE:
        say(text, "On %s, %s was given back to your balance.\n", at, amount);
        say(text,
            notice->left != 0 ? "%s of what was deducted remains deducted.\n"
                              : "Nothing (%s) remains deducted.\n",
            left);
        break;
    }
}

static void say_rule(text_t *text, const evidence_rule_t *rule) {
    size_t i;

    say(text,
        "- rule %s, version %" PRId64 ": it asks for %" PRId64
        " events within %" PRId64 " seconds; %" PRId64
        " were observed, and it was raised %" PRId64 " time%s; signals:",
        rule->rule, rule->version, rule->threshold, rule->window,
        rule->observed, rule->flags, rule->flags == 1 ? "" : "s");
    for (i = 0; i < rule->nsignals; i++) {
        say(text, "%s %s", i == 0 ? "" : ",", rule->signals[i]);
    }
    say(text, "\n");
}

static void say_why(text_t *text, const notice_t *notice) {
    const incident_t *incident = notice->incident;
    const evidence_t *evidence = notice->evidence;
    char amount[AMOUNT_SIZE], first[AMOUNT_SIZE], last[AMOUNT_SIZE];
    size_t i;

    if (evidence == NULL) {
        return;
    }
    amount_print(amount, incident->amount, incident->currency);
    amount_time(first, incident->first);
    amount_time(last, incident->last);
    say(text,
        "\nWhy\nBetween %s and %s, rules against abuse found the following "
        "on your account:\n",
        first, last);
    for (i = 0; i < evidence->nrules; i++) {
        if (text->len + RULE_SIZE + TAIL > NOTICE_SIZE) {
            break;
        }
        say_rule(text, &evidence->rule[i]);
    }
    if (i < evidence->nrules || evidence->more) {
        say(text, "- more rules, which you can ask us for\n");
    }
    if (evidence->nrules == 0) {
        say(text, "- the details were deleted when their time was over\n");
    }
    if (strcmp(incident->fraud, "refuted") == 0) {
        say(text, "It was found that this was no fraud.\n");
        return;
    }
    say(text,
        "A person looked at it and found that it was fraud. The damage, %s, "
        "is %s: %s.\n",
        damage_words(incident->kind), incident->damage, amount);
}

static void say_object(text_t *text, const notice_t *notice) {
    char until[AMOUNT_SIZE];

    amount_time(until, notice->incident->post_at -
                           (int64_t)INCIDENT_SLACK * CLOCK_SECOND);
    say(text,
        "\nWhat you can do\nYou can object until %s: tell our support, with "
        "the reference above. You need not give reasons, but they help. "
        "Somebody who had no part in this will look at all of it anew. If "
        "nobody has found against you by then, the hold ends and the money is "
        "yours. If you do not object, it is deducted after that time.\n",
        until);
}

static void say_appeal(text_t *text, const notice_t *notice) {
    say(text,
        "%s%s you can appeal, to our support with the reference above: for at "
        "least %" PRId64
        " days, and later, too, as long as our books have the deduction. "
        "Somebody who had no part in this will look at it, and you can be "
        "given back all or a part. Every case is discussed by itself.\n",
        notice->kind == NOTICE_HOLD ? "" : "\nWhat you can do\n",
        notice->kind == NOTICE_HOLD ? "After a deduction" : "Against this",
        notice->appeal / FRAUD_SETTING_DAY);
}

void notice_print(char text[NOTICE_SIZE], const notice_t *notice) {
    text_t out = {text, 0};

    say_what(&out, notice);
    say_why(&out, notice);
    if (notice->kind == NOTICE_HOLD) {
        say_object(&out, notice);
    }
    if (notice->kind == NOTICE_HOLD || notice->kind == NOTICE_POST ||
        (notice->kind == NOTICE_REVERSE && notice->left != 0)) {
        say_appeal(&out, notice);
    }
    if (notice->kind == NOTICE_HOLD || notice->kind == NOTICE_POST) {
        say(&out, "\nWho decided\nA person did. Nothing was decided about "
                  "you by a machine alone.\n");
    }
    say(&out, "\nYour rights\nYou can ask what we know about you, and have it "
              "corrected. You can complain to the data protection supervisory "
              "authority of the place where you live or work, or where you "
              "think the wrong was done.\n");
}

db_rc notice_add(billing_t *billing, const notice_t *notice,
                 const char *transfer) {
    static char text[NOTICE_SIZE];
    static evidence_t evidence;
    notice_t whole = *notice;
    char id[BILLING_ID_SIZE];
    db_rc rc = evidence_read(billing->db, &evidence, notice->incident->id);

    if (rc != DB_OK) {
        return rc;
    }
    whole.evidence = &evidence;
    notice_print(text, &whole);
    billing_id(id, "ntc", transfer, NULL);
    return db_run(billing->db,
                  "INSERT INTO notice (id, incident, kind, text, at) "
                  "VALUES ($1, $2, $3, $4, $5)",
                  DB_ARGS(DB_T(id), DB_T(notice->incident->id),
                          DB_T(notice_name(notice->kind)), DB_T(text),
                          DB_I(notice->at)));
}
