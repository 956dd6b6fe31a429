/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_literal.h"

#include <string.h>

#define MAX_DEPTH 32

typedef enum { ONCE, REPEATED, OPTIONAL } quantity_t;

typedef enum { GROUP_REQUIRED, GROUP_NEGATED, GROUP_SETTING } group_t;

/*
 * The set is a stack: below are the best literals so far of each unfinished
 * branch, outermost first, and past the last one the bytes of the current run.
 * Every byte on it stems from another byte of the pattern, so it cannot
 * overflow.
 */
typedef struct {
    const uint8_t *p;
    const uint8_t *end;
    fraud_literals_t *set;
    size_t run;     /* bytes that follow each other in every match */
    unsigned depth; /* of groups */
    int lost;       /* met what is not understood */
} parser_t;

static int is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static int is_letter(uint8_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static uint8_t fold(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static int next_is(const parser_t *ps, uint8_t c) {
    return ps->p < ps->end && *ps->p == c;
}

/* Returns 0, so that a parser of atoms can return it. */
static int give_up(parser_t *ps) {
    ps->lost = 1;
    return 0;
}

static void expect(parser_t *ps, uint8_t c) {
    if (next_is(ps, c)) {
        ps->p++;
    } else {
        ps->lost = 1;
    }
}

static size_t bytes_used(const fraud_literals_t *set, size_t n) {
    return n != 0 ? (size_t)set->item[n - 1].at + set->item[n - 1].len : 0;
}

static size_t shortest(const fraud_literals_t *set, size_t from, size_t to) {
    size_t i, len = FRAUD_LITERAL_MAX;

    for (i = from; i < to; i++) {
        len = set->item[i].len < len ? set->item[i].len : len;
    }
    return len;
}

/* Keep of the literals [base, mid) and [mid, n) those that tell more. */
static void keep_better(fraud_literals_t *set, size_t base, size_t mid) {
    size_t old, new, from, to, i;

    if (base == mid || mid == set->n) {
        return;
    }
    old = shortest(set, base, mid);
    new = shortest(set, mid, set->n);
    if (new < old || (new == old && set->n - mid >= mid - base)) {
        set->n = mid;
        return;
    }
    from = bytes_used(set, mid);
    to = bytes_used(set, base);
    memmove(set->bytes + to, set->bytes + from, bytes_used(set, set->n) - from);
    for (i = mid; i < set->n; i++) {
        set->item[base + i - mid].at = (uint16_t)(set->item[i].at - from + to);
        set->item[base + i - mid].len = set->item[i].len;
    }
    set->n -= mid - base;
}

static void run_add(parser_t *ps, uint8_t c) {
    if (ps->run < FRAUD_LITERAL_MAX) {
        ps->set->bytes[bytes_used(ps->set, ps->set->n) + ps->run] = fold(c);
        ps->run++;
    }
}

/* The next byte need not follow the last: offer the run to its branch. */
static void run_end(parser_t *ps, size_t base) {
    fraud_literals_t *set = ps->set;
    size_t mid = set->n;

    if (ps->run >= FRAUD_LITERAL_MIN) {
        set->item[mid].at = (uint16_t)bytes_used(set, mid);
        set->item[mid].len = (uint16_t)ps->run;
        set->n++;
        keep_better(set, base, mid);
    }
    ps->run = 0;
}

/*
 * {n} {n,} {n,m}. {,m} is a quantifier since PCRE2 10.43 and text before;
 * OPTIONAL is true of both, as it adds nothing to the run. Blanks inside are
 * another novelty of 10.43.
 */
static quantity_t parse_braces(parser_t *ps) {
    const uint8_t *p = ps->p + 1;
    quantity_t quantity = OPTIONAL;

    if (p == ps->end ||
        (!is_digit(*p) && *p != ',' && *p != ' ' && *p != '\t')) {
        return ONCE;
    }
    for (; p < ps->end && is_digit(*p); p++) {
        quantity = *p != '0' ? REPEATED : quantity;
    }
    if (p < ps->end && *p == ',') {
        do {
            p++;
        } while (p < ps->end && is_digit(*p));
    }
    if (p == ps->end || *p != '}') {
        ps->lost = 1;
        return OPTIONAL;
    }
    ps->p = p + 1;
    return quantity;
}

/* The quantifier after an atom, if any, greedy, lazy or possessive. */
static quantity_t parse_quantity(parser_t *ps) {
    quantity_t quantity = ONCE;

    if (next_is(ps, '?') || next_is(ps, '*')) {
        quantity = OPTIONAL;
        ps->p++;
    } else if (next_is(ps, '+')) {
        quantity = REPEATED;
        ps->p++;
    } else if (next_is(ps, '{')) {
        quantity = parse_braces(ps);
    }
    if (quantity != ONCE && (next_is(ps, '?') || next_is(ps, '+'))) {
        ps->p++;
    }
    return quantity;
}

static int hex_value(uint8_t c) {
    if (is_digit(c)) {
        return c - '0';
    }
    c = fold(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Past "\x", of which only the form with two digits is the same everywhere. */
static int parse_hex(parser_t *ps, uint8_t *c) {
    int high, low;

    if (ps->end - ps->p < 2) {
        return give_up(ps);
    }
    high = hex_value(ps->p[0]);
    low = hex_value(ps->p[1]);
    if (high < 0 || low < 0) {
        return give_up(ps);
    }
    *c = (uint8_t)(high * 16 + low);
    ps->p += 2;
    return 1;
}

/* Past a backslash. Return 1 if it stands for exactly the byte ${*c}. */
static int parse_escape(parser_t *ps, uint8_t *c) {
    static const char control[] = "a\ae\033f\fn\nr\rt\t";
    static const char wide[] = "ABDGHKRSVWZbdhsvwz";
    const char *found;

    if (ps->p == ps->end) {
        return give_up(ps);
    }
    *c = *ps->p++;
    if (is_digit(*c)) {
        /* \0 and more than one digit may be octal, else a back reference */
        return *c == '0' || (ps->p < ps->end && is_digit(*ps->p)) ? give_up(ps)
                                                                  : 0;
    }
    if (!is_letter(*c)) {
        return 1;
    }
    found = strchr(control, *c);
    if (found != NULL) {
        *c = (uint8_t)found[1];
        return 1;
    }
    if (*c == 'x') {
        return parse_hex(ps, c);
    }
    if (strchr(wide, *c) != NULL || (*c == 'N' && !next_is(ps, '{'))) {
        return 0;
    }
    return give_up(ps);
}

/* Past "[:" within a class. */
static void skip_posix(parser_t *ps) {
    while (ps->p < ps->end && (is_letter(*ps->p) || *ps->p == '^')) {
        ps->p++;
    }
    expect(ps, ':');
    expect(ps, ']');
}

/* One member of a class. Return 1 if it is (or may be) just the byte ${*c}. */
static int parse_member(parser_t *ps, uint8_t *c) {
    *c = *ps->p++;
    if (*c == '[' && next_is(ps, ':')) {
        ps->p++;
        skip_posix(ps);
        return 0;
    }
    if (*c == '[' && (next_is(ps, '.') || next_is(ps, '='))) {
        return give_up(ps);
    }
    if (*c != '\\') {
        return 1;
    }
    if (ps->p == ps->end) {
        return give_up(ps);
    }
    *c = *ps->p++;
    if (*c == 'Q' || *c == 'E' || *c == 'c') {
        return give_up(ps);
    }
    return !is_letter(*c) && !is_digit(*c);
}

/* Past '['. Return 1 if the class is one byte, ASCII case aside. */
static int parse_class(parser_t *ps, uint8_t *c) {
    uint8_t member;
    int single = 1, first = 1;

    if (next_is(ps, '^')) {
        single = 0;
        ps->p++;
    }
    /* a ']' in the first place is a member */
    while (!ps->lost && (first || !next_is(ps, ']'))) {
        if (ps->p == ps->end) {
            return give_up(ps);
        }
        if (!parse_member(ps, &member)) {
            single = 0;
        } else if (first) {
            *c = fold(member);
        } else if (fold(member) != *c) {
            single = 0;
        }
        first = 0;
    }
    expect(ps, ']');
    return single;
}

/* Anything but a group. Return 1 if it is exactly the byte ${*c}. */
static int parse_atom(parser_t *ps, uint8_t *c) {
    *c = *ps->p++;
    switch (*c) {
    case '\\':
        return parse_escape(ps, c);
    case '[':
        return parse_class(ps, c);
    case '.':
    case '^':
    case '$':
        return 0;
    default:
        return 1;
    }
}

static group_t parse_name(parser_t *ps, uint8_t close) {
    while (ps->p < ps->end &&
           (is_letter(*ps->p) || is_digit(*ps->p) || *ps->p == '_')) {
        ps->p++;
    }
    expect(ps, close);
    return GROUP_REQUIRED;
}

/* Past "(?": letters, then ':' or ')'. */
static group_t parse_setting(parser_t *ps) {
    static const char known[] = {'i', 'm', 's', 'U', '-'};

    while (ps->p < ps->end && memchr(known, *ps->p, sizeof(known)) != NULL) {
        ps->p++;
    }
    if (ps->p == ps->end || (*ps->p != ':' && *ps->p != ')')) {
        ps->lost = 1;
        return GROUP_SETTING;
    }
    return *ps->p++ == ':' ? GROUP_REQUIRED : GROUP_SETTING;
}

/* Past '(': read what kind of group it is. */
static group_t parse_open(parser_t *ps) {
    if (!next_is(ps, '?')) {
        ps->lost |= next_is(ps, '*');
        return GROUP_REQUIRED;
    }
    ps->p++;
    if (next_is(ps, 'P') && ps->end - ps->p > 1 && ps->p[1] == '<') {
        ps->p++;
    }
    if (next_is(ps, '\'')) {
        ps->p++;
        return parse_name(ps, '\'');
    }
    if (next_is(ps, '<')) {
        ps->p++;
        if (!next_is(ps, '=') && !next_is(ps, '!')) {
            return parse_name(ps, '>');
        }
    }
    if (next_is(ps, '!')) {
        ps->p++;
        return GROUP_NEGATED;
    }
    if (next_is(ps, '>') || next_is(ps, '|') || next_is(ps, '=')) {
        ps->p++;
        return GROUP_REQUIRED;
    }
    return parse_setting(ps);
}

static void parse_alternatives(parser_t *ps);

/* At '('. Leaves the literals that the group requires on the stack. */
static void parse_group(parser_t *ps) {
    size_t base = ps->set->n;
    group_t group;

    ps->p++;
    group = parse_open(ps);
    if (group == GROUP_SETTING) {
        return;
    }
    if (ps->lost || ps->depth == MAX_DEPTH) {
        ps->lost = 1;
        return;
    }
    ps->depth++;
    parse_alternatives(ps);
    ps->depth--;
    expect(ps, ')');
    if (group == GROUP_NEGATED) {
        ps->set->n = base;
    }
}

/* ${base}: where the literals of the branch begin. */
static void parse_item(parser_t *ps, size_t base) {
    size_t mid;
    quantity_t quantity;
    uint8_t c;
    int single;

    if (*ps->p == '(') {
        run_end(ps, base);
        mid = ps->set->n;
        parse_group(ps);
        if (parse_quantity(ps) == OPTIONAL) {
            ps->set->n = mid;
        }
        keep_better(ps->set, base, mid);
        return;
    }
    single = parse_atom(ps, &c);
    quantity = parse_quantity(ps);
    if (single && quantity != OPTIONAL) {
        run_add(ps, c);
    }
    if (!single || quantity != ONCE) {
        run_end(ps, base);
    }
}

/* Up to ')' or the end. Leaves nothing if one branch requires nothing. */
static void parse_alternatives(parser_t *ps) {
    size_t start, base = ps->set->n;
    int free_branch = 0;

    for (;;) {
        start = ps->set->n;
        while (!ps->lost && ps->p < ps->end && *ps->p != '|' && *ps->p != ')') {
            parse_item(ps, start);
        }
        run_end(ps, start);
        free_branch |= ps->set->n == start;
        if (ps->lost || !next_is(ps, '|')) {
            break;
        }
        ps->p++;
    }
    if (free_branch) {
        ps->set->n = base;
    }
}

void fraud_literal_derive(fraud_literals_t *set, const uint8_t *pattern,
                          size_t len) {
    parser_t ps = {pattern, pattern + len, set, 0, 0, 0};

    set->n = 0;
    if (len > FRAUD_LITERAL_PATTERN) {
        return;
    }
    parse_alternatives(&ps);
    if (ps.lost || ps.p != ps.end) {
        set->n = 0;
    }
}
