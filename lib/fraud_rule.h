/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_RULE_H
#define FRAUD_RULE_H

/*
 * The grammar of the directives that declare signals: fraud_rate,
 * fraud_distinct, fraud_match, fraud_list, fraud_signal, fraud_travel and
 * fraud_reputation. From the words of a directive to a rule whose numbers are
 * checked; texts with variables stay texts. The module and the tools read
 * configurations by this one parser.
 */

#include "fraud_op.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_RULE_FACTOR_MAX 1000u

typedef enum {
    FRAUD_RULE_RATE = 0,
    FRAUD_RULE_DISTINCT,
    FRAUD_RULE_MATCH,
    FRAUD_RULE_LIST,
    FRAUD_RULE_SIGNAL,
    FRAUD_RULE_TRAVEL,
    FRAUD_RULE_REPUTATION
} fraud_rule_type_t;

/* Slices point into the words that were parsed; absent ones have no data. */
typedef struct {
    fraud_rule_type_t type;
    fraud_str_t name;       /* of the signal; of a reputation: its identity */
    fraud_str_t identity;   /* rate, distinct, travel, reputation */
    fraud_str_t value;      /* match, list: VALUE; distinct: of= */
    fraud_str_t pattern;    /* match, unless file */
    fraud_str_t file;       /* match, list */
    fraud_str_t condition;  /* if= */
    fraud_str_t cost;       /* rate: a number or a text with variables */
    fraud_str_t per;        /* rate: the identity whose good ones widen it */
    uint32_t points;        /* 0 to 100; of a reputation: max= */
    uint32_t factor;        /* rate with per=: 1 to FRAUD_RULE_FACTOR_MAX */
    uint32_t max;           /* distinct: 1 to FRAUD_DISTINCT_MAX */
    uint32_t speed;         /* travel: km/h */
    uint32_t distance;      /* travel: km */
    uint32_t weight;        /* reputation: 1/1000 */
    uint64_t window_us;     /* distinct */
    uint64_t half_life_us;  /* reputation */
    fraud_gcra_conf_t gcra; /* rate */
    unsigned shadow : 1;
    unsigned response : 1;
    unsigned trust : 1;
    unsigned strings : 1; /* list: type=string */
    unsigned nocase : 1;  /* match */
    unsigned off : 1;     /* signal: remove the one of this name */
} fraud_rule_t;

/*
 * fraud_rule_type(type, word):
 * Set ${type} to what the directive ${word} declares. FRAUD_NOTFOUND if it
 * declares no signal.
 */
fraud_rc fraud_rule_type(fraud_rule_type_t *type, fraud_str_t word) FRAUD_CHECK;

/*
 * fraud_rule_parse(rule, words, n, err):
 * Parse the ${n} ${words} of a directive, its name first. FRAUD_EINVAL: the
 * word number err->at (from 0, as in ${words}; ${n} if one is missing) is
 * wrong, and err->why says what to write instead. FRAUD_NOTFOUND: the same for
 * a parameter that the directive does not have.
 */
fraud_rc fraud_rule_parse(fraud_rule_t *rule, const fraud_str_t *words,
                          size_t n, fraud_err_t *err) FRAUD_CHECK;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_RULE_H */
