/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_distinct.h"

#include "fraud_op.h"

#include <string.h>

#define SET_BYTES 48u

/*
 * By number of bits set: -384 * ln(clear / 384), rounded. A full map counts as
 * one with half a bit clear.
 */
static const uint16_t distinct_estimate[FRAUD_DISTINCT_BITS + 1] = {
    0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,
    12,   13,   14,   15,   16,   17,   18,   19,   21,   22,   23,   24,
    25,   26,   27,   28,   29,   30,   31,   32,   33,   35,   36,   37,
    38,   39,   40,   41,   42,   43,   44,   46,   47,   48,   49,   50,
    51,   52,   54,   55,   56,   57,   58,   59,   61,   62,   63,   64,
    65,   66,   68,   69,   70,   71,   72,   74,   75,   76,   77,   79,
    80,   81,   82,   83,   85,   86,   87,   88,   90,   91,   92,   94,
    95,   96,   97,   99,   100,  101,  103,  104,  105,  106,  108,  109,
    110,  112,  113,  114,  116,  117,  119,  120,  121,  123,  124,  125,
    127,  128,  130,  131,  132,  134,  135,  137,  138,  140,  141,  142,
    144,  145,  147,  148,  150,  151,  153,  154,  156,  157,  159,  160,
    162,  163,  165,  166,  168,  169,  171,  173,  174,  176,  177,  179,
    180,  182,  184,  185,  187,  189,  190,  192,  193,  195,  197,  198,
    200,  202,  204,  205,  207,  209,  210,  212,  214,  216,  217,  219,
    221,  223,  225,  226,  228,  230,  232,  234,  235,  237,  239,  241,
    243,  245,  247,  249,  250,  252,  254,  256,  258,  260,  262,  264,
    266,  268,  270,  272,  274,  276,  278,  280,  283,  285,  287,  289,
    291,  293,  295,  297,  300,  302,  304,  306,  308,  311,  313,  315,
    317,  320,  322,  324,  327,  329,  331,  334,  336,  339,  341,  343,
    346,  348,  351,  353,  356,  358,  361,  364,  366,  369,  371,  374,
    377,  379,  382,  385,  387,  390,  393,  396,  399,  401,  404,  407,
    410,  413,  416,  419,  422,  425,  428,  431,  434,  437,  440,  443,
    447,  450,  453,  456,  460,  463,  466,  470,  473,  477,  480,  484,
    487,  491,  494,  498,  502,  505,  509,  513,  517,  521,  524,  528,
    532,  536,  540,  545,  549,  553,  557,  561,  566,  570,  575,  579,
    584,  588,  593,  598,  602,  607,  612,  617,  622,  627,  632,  638,
    643,  648,  654,  659,  665,  670,  676,  682,  688,  694,  700,  706,
    713,  719,  726,  733,  739,  746,  753,  760,  768,  775,  783,  791,
    799,  807,  815,  823,  832,  841,  850,  859,  869,  878,  888,  898,
    909,  920,  931,  942,  954,  966,  979,  992,  1005, 1019, 1034, 1049,
    1065, 1081, 1098, 1116, 1135, 1154, 1175, 1197, 1220, 1245, 1272, 1300,
    1331, 1364, 1401, 1441, 1487, 1538, 1597, 1667, 1753, 1863, 2019, 2285,
    2551};

/* Whether window ${then}, later than ${now}, is past what ${life} allows. */
static int is_absurd(uint64_t then, uint64_t now, uint64_t life) {
    return then >= FRAUD_OP_MAX || then - now > life;
}

static void distinct_clear(fraud_distinct_t *s, unsigned i) {
    s->n[i] = 0;
    memset(s->set[i], 0, SET_BYTES);
}

/* Roll ${s} over to ${window}, unless it is there or ahead. */
static void distinct_roll(fraud_distinct_t *s, uint64_t window) {
    if (s->window >= window) {
        return;
    }
    distinct_clear(s, 1);
    if (s->window + 1 == window) {
        s->n[1] = s->n[0];
        memcpy(s->set[1], s->set[0], SET_BYTES);
    }
    distinct_clear(s, 0);
    s->window = window;
}

/* Roll ${s} over to the window of ${now_us}, unless it is ahead of that. */
static void distinct_forward(fraud_distinct_t *s, uint64_t window_us,
                             uint64_t now_us) {
    uint64_t window, life;
    unsigned i;

    for (i = 0; i < 2; i++) {
        if (s->n[i] > FRAUD_DISTINCT_LIST && s->n[i] != FRAUD_DISTINCT_BITMAP) {
            distinct_clear(s, i);
        }
    }
    window = now_us / window_us;
    life = 2 + FRAUD_OP_SKEW_US / window_us;
    if (s->window > window && is_absurd(s->window, window, life)) {
        distinct_clear(s, 0);
        distinct_clear(s, 1);
        s->window = window;
    }
    distinct_roll(s, window);
}

static unsigned fingerprint_at(const uint8_t *list, unsigned i) {
    return list[2 * i] | (unsigned)list[2 * i + 1] << 8;
}

static int list_has(const uint8_t *list, unsigned n, unsigned fingerprint) {
    unsigned i;

    for (i = 0; i < n; i++) {
        if (fingerprint_at(list, i) == fingerprint) {
            return 1;
        }
    }
    return 0;
}

/* Set the bit of ${fingerprint}; return 1 if it was clear. */
static int map_set(uint8_t *map, unsigned fingerprint) {
    unsigned bit, mask;

    bit = fingerprint * FRAUD_DISTINCT_BITS >> 16;
    mask = 1u << bit % 8;
    if (map[bit / 8] & mask) {
        return 0;
    }
    map[bit / 8] = (uint8_t)(map[bit / 8] | mask);
    return 1;
}

/* Add what the window ${i} of ${s} holds to ${map}. */
static void map_merge(uint8_t *map, const fraud_distinct_t *s, unsigned i) {
    unsigned j;

    if (s->n[i] == FRAUD_DISTINCT_BITMAP) {
        for (j = 0; j < SET_BYTES; j++) {
            map[j] |= s->set[i][j];
        }
        return;
    }
    for (j = 0; j < s->n[i]; j++) {
        map_set(map, fingerprint_at(s->set[i], j));
    }
}

/* Make a bitmap of the window ${i} if it is a list. */
static void distinct_convert(fraud_distinct_t *s, unsigned i) {
    uint8_t map[SET_BYTES] = {0};

    map_merge(map, s, i);
    memcpy(s->set[i], map, SET_BYTES);
    s->n[i] = FRAUD_DISTINCT_BITMAP;
}

/* Add ${fingerprint} to the window ${i}; return 1 if that changed it. */
static int distinct_insert(fraud_distinct_t *s, unsigned i,
                           unsigned fingerprint) {
    uint8_t *list;

    if (s->n[i] == FRAUD_DISTINCT_BITMAP) {
        return map_set(s->set[i], fingerprint);
    }
    if (list_has(s->set[i], s->n[i], fingerprint)) {
        return 0;
    }
    if (s->n[i] < FRAUD_DISTINCT_LIST) {
        list = s->set[i] + 2 * s->n[i]++;
        list[0] = (uint8_t)(fingerprint & 0xff);
        list[1] = (uint8_t)(fingerprint >> 8);
        return 1;
    }
    distinct_convert(s, i);
    map_set(s->set[i], fingerprint);
    return 1;
}

/* Add the window ${i} of ${other} to that of ${s}; return 1 if it changed. */
static int distinct_unite(fraud_distinct_t *s, const fraud_distinct_t *other,
                          unsigned i) {
    uint8_t map[SET_BYTES];
    unsigned j;
    int changed;

    changed = 0;
    if (other->n[i] != FRAUD_DISTINCT_BITMAP) {
        for (j = 0; j < other->n[i]; j++) {
            changed |= distinct_insert(s, i, fingerprint_at(other->set[i], j));
        }
        return changed;
    }
    if (s->n[i] != FRAUD_DISTINCT_BITMAP) {
        distinct_convert(s, i);
        changed = 1;
    }
    memcpy(map, s->set[i], SET_BYTES);
    map_merge(s->set[i], other, i);
    return changed || memcmp(map, s->set[i], SET_BYTES) != 0;
}

/* Count the union of both windows. */
static uint32_t distinct_union(const fraud_distinct_t *s) {
    uint8_t map[SET_BYTES] = {0};
    unsigned i, fingerprint, count;

    map_merge(map, s, 0);
    if (s->n[0] == FRAUD_DISTINCT_BITMAP || s->n[1] == FRAUD_DISTINCT_BITMAP) {
        map_merge(map, s, 1);
        return distinct_estimate[fraud_distinct_bits(map)];
    }
    count = s->n[0];
    for (i = 0; i < s->n[1]; i++) {
        /* the map spares nearly all searches of the list */
        fingerprint = fingerprint_at(s->set[1], i);
        count += map_set(map, fingerprint) ||
                 !list_has(s->set[0], s->n[0], fingerprint);
    }
    return count;
}

int fraud_distinct(fraud_distinct_t *state, uint64_t window_us, uint64_t hash,
                   uint64_t now_us, int add, uint32_t *count) {
    fraud_distinct_t s;
    int changed;

    s = *state;
    distinct_forward(&s, window_us, now_us);
    changed = distinct_insert(&s, 0, hash & 0xffff);
    *count = distinct_union(&s);
    if (!add || !changed) {
        return 0;
    }
    *state = s;
    return 1;
}

uint32_t fraud_distinct_count(const fraud_distinct_t *state, uint64_t window_us,
                              uint64_t now_us) {
    fraud_distinct_t s;

    s = *state;
    distinct_forward(&s, window_us, now_us);
    return distinct_union(&s);
}

int fraud_distinct_merge(fraud_distinct_t *state, uint64_t window_us,
                         const fraud_distinct_t *other, uint64_t now_us) {
    fraud_distinct_t s, o;
    int changed;

    s = *state;
    o = *other;
    distinct_forward(&s, window_us, now_us);
    distinct_forward(&o, window_us, now_us);
    distinct_roll(&s, o.window);
    distinct_roll(&o, s.window);
    changed = distinct_unite(&s, &o, 0);
    changed |= distinct_unite(&s, &o, 1);
    if (changed) {
        *state = s;
    }
    return changed;
}

unsigned fraud_distinct_bits(const uint8_t *map) {
    uint64_t x;
    unsigned i, count;

    count = 0;
    for (i = 0; i < SET_BYTES; i += (unsigned)sizeof(x)) {
        memcpy(&x, map + i, sizeof(x));
        x -= x >> 1 & 0x5555555555555555u;
        x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
        x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
        count += (unsigned)(x * 0x0101010101010101u >> 56);
    }
    return count;
}
