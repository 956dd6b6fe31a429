/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_op.h"

#include <string.h>

/*
 * A Redis script does the same in doubles, so all products, sums and dividends
 * stay below 2^53, up to where floor(a / b) is exact there. Whatever could pass
 * that (elapsed * n, cost * period_us, elapsed * 256) is divided or compared
 * before it is multiplied.
 */

#define DECAY_STEPS 256u /* in a halving */
#define DECAY_ONE 24u    /* log2 of decay_factor[0] */

#define SET_BYTES 48u

/* 2^24 * 2^(-i / 256), rounded down. */
static const uint32_t decay_factor[DECAY_STEPS] = {
    16777216, 16731851, 16686609, 16641489, 16596492, 16551616, 16506861,
    16462227, 16417714, 16373322, 16329049, 16284896, 16240863, 16196949,
    16153153, 16109476, 16065917, 16022475, 15979151, 15935945, 15892855,
    15849881, 15807024, 15764283, 15721657, 15679147, 15636751, 15594470,
    15552304, 15510251, 15468312, 15426487, 15384774, 15343175, 15301688,
    15260313, 15219050, 15177898, 15136858, 15095929, 15055110, 15014402,
    14973804, 14933316, 14892937, 14852667, 14812506, 14772454, 14732510,
    14692675, 14652946, 14613326, 14573812, 14534405, 14495105, 14455911,
    14416823, 14377841, 14338964, 14300192, 14261525, 14222963, 14184505,
    14146151, 14107900, 14069753, 14031709, 13993769, 13955930, 13918194,
    13880560, 13843028, 13805597, 13768268, 13731039, 13693911, 13656883,
    13619956, 13583128, 13546400, 13509772, 13473242, 13436811, 13400479,
    13364244, 13328108, 13292070, 13256129, 13220285, 13184538, 13148888,
    13113334, 13077876, 13042514, 13007248, 12972077, 12937002, 12902021,
    12867134, 12832342, 12797644, 12763040, 12728530, 12694112, 12659788,
    12625557, 12591418, 12557372, 12523417, 12489555, 12455784, 12422104,
    12388515, 12355017, 12321610, 12288293, 12255066, 12221929, 12188882,
    12155924, 12123055, 12090275, 12057583, 12024980, 11992465, 11960038,
    11927699, 11895447, 11863283, 11831205, 11799214, 11767310, 11735492,
    11703759, 11672113, 11640552, 11609077, 11577687, 11546381, 11515161,
    11484024, 11452972, 11422004, 11391119, 11360318, 11329601, 11298966,
    11268414, 11237945, 11207558, 11177254, 11147031, 11116890, 11086831,
    11056853, 11026955, 10997139, 10967404, 10937748, 10908173, 10878678,
    10849263, 10819927, 10790671, 10761493, 10732395, 10703375, 10674434,
    10645571, 10616785, 10588078, 10559449, 10530897, 10502422, 10474024,
    10445702, 10417458, 10389290, 10361198, 10333181, 10305241, 10277376,
    10249587, 10221873, 10194233, 10166669, 10139178, 10111763, 10084421,
    10057153, 10029959, 10002839, 9975792,  9948818,  9921917,  9895088,
    9868333,  9841649,  9815038,  9788499,  9762031,  9735635,  9709311,
    9683057,  9656875,  9630763,  9604722,  9578751,  9552851,  9527021,
    9501260,  9475569,  9449948,  9424396,  9398913,  9373498,  9348153,
    9322876,  9297668,  9272527,  9247455,  9222450,  9197513,  9172644,
    9147841,  9123106,  9098438,  9073836,  9049301,  9024832,  9000430,
    8976093,  8951822,  8927617,  8903477,  8879402,  8855393,  8831449,
    8807569,  8783754,  8760003,  8736316,  8712694,  8689135,  8665640,
    8642209,  8618841,  8595536,  8572294,  8549115,  8525999,  8502945,
    8479953,  8457024,  8434157,  8411351};

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

static uint64_t ceil_div(uint64_t a, uint64_t b) {
    return a / b + (a % b != 0);
}

fraud_rc fraud_gcra_check(const fraud_gcra_conf_t *conf) {
    if (conf->period_us == 0 || conf->n == 0) {
        return FRAUD_EINVAL;
    }
    /* 1,000,000 a second is one a microsecond */
    if (conf->n > FRAUD_GCRA_MAX_RATE || conf->n > conf->period_us) {
        return FRAUD_ELIMIT;
    }
    if (conf->burst >= (FRAUD_OP_MAX - 1) / conf->period_us) {
        return FRAUD_ELIMIT;
    }
    return FRAUD_OK;
}

fraud_rc fraud_gcra_widen(fraud_gcra_conf_t *wide,
                          const fraud_gcra_conf_t *conf, uint32_t factor) {
    uint64_t n = (uint64_t)conf->n * factor;
    uint64_t room = ((uint64_t)conf->burst + 1) * factor;

    if (n > UINT32_MAX || room > UINT32_MAX) {
        return FRAUD_ELIMIT;
    }
    wide->period_us = conf->period_us;
    wide->n = (uint32_t)n;
    wide->burst = room != 0 ? (uint32_t)(room - 1) : 0;
    return fraud_gcra_check(wide);
}

/* Whether ${then}, later than ${now}, is past what ${life} allows. */
static int is_absurd(uint64_t then, uint64_t now, uint64_t life) {
    return then >= FRAUD_OP_MAX || then - now > life;
}

/* Drain ${s} until ${now_us}; its last_us stays ahead of a late clock. */
static void gcra_forward(fraud_gcra_t *s, uint64_t limit, uint32_t n,
                         uint64_t now_us) {
    uint64_t elapsed, life;

    if (s->debt > limit) {
        s->debt = limit;
    }
    if (s->last_us <= now_us) {
        elapsed = now_us - s->last_us;
        s->debt = elapsed > s->debt / n ? 0 : s->debt - elapsed * n;
        s->last_us = now_us;
        return;
    }
    life = ceil_div(limit, n) + FRAUD_OP_SKEW_US;
    if (is_absurd(s->last_us, now_us, life)) {
        s->debt = 0;
        s->last_us = now_us;
    }
}

int fraud_gcra(fraud_gcra_t *state, const fraud_gcra_conf_t *conf,
               uint32_t cost, uint64_t now_us, int charge,
               fraud_gcra_result_t *result) {
    fraud_gcra_t s;
    uint64_t most, room, excess;

    most = (uint64_t)conf->burst + 1;
    s = *state;
    gcra_forward(&s, most * conf->period_us, conf->n, now_us);
    room = most * conf->period_us - s.debt;

    if (cost > most || cost * conf->period_us > room) {
        excess = cost > most ? s.debt : cost * conf->period_us - room;
        result->over = 1;
        result->retry_us = s.last_us - now_us + ceil_div(excess, conf->n);
        return 0;
    }
    result->over = 0;
    result->retry_us = 0;
    if (!charge || cost == 0) {
        return 0;
    }
    s.debt += cost * conf->period_us;
    *state = s;
    return 1;
}

/* Halve ${s} up to the last whole step before ${now_us}. */
static void decay_forward(fraud_decay_t *s, uint64_t half_life_us,
                          uint64_t now_us) {
    uint64_t halvings, rest, step, life;

    if (s->value > FRAUD_DECAY_MAX) {
        s->value = FRAUD_DECAY_MAX;
    }
    if (s->time_us <= now_us) {
        halvings = (now_us - s->time_us) / half_life_us;
        rest = (now_us - s->time_us) % half_life_us;
        step = rest * DECAY_STEPS / half_life_us;
        s->value = s->value * decay_factor[step] >> DECAY_ONE;
        s->value = halvings < FRAUD_DECAY_LIFE ? s->value >> halvings : 0;
        /* rounded up: a step may be shorter than a microsecond */
        s->time_us += halvings * half_life_us +
                      ceil_div(step * half_life_us, DECAY_STEPS);
    } else {
        life = half_life_us * FRAUD_DECAY_LIFE + FRAUD_OP_SKEW_US;
        if (is_absurd(s->time_us, now_us, life)) {
            s->value = 0;
        }
    }
    if (s->value == 0) {
        s->time_us = now_us;
    }
}

int fraud_decay(fraud_decay_t *state, uint64_t half_life_us, uint64_t add,
                uint64_t now_us, uint64_t *value) {
    fraud_decay_t s;

    s = *state;
    decay_forward(&s, half_life_us, now_us);
    if (add > FRAUD_DECAY_MAX - s.value) {
        add = FRAUD_DECAY_MAX - s.value;
    }
    s.value += add;
    *value = s.value;
    /* a value that was still at its maximum has not come forward either */
    if (add == 0) {
        return 0;
    }
    *state = s;
    return 1;
}

static void distinct_clear(fraud_distinct_t *s, unsigned i) {
    s->n[i] = 0;
    memset(s->set[i], 0, SET_BYTES);
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
    if (s->window == window ||
        (s->window > window && !is_absurd(s->window, window, life))) {
        return;
    }
    distinct_clear(s, 1);
    if (s->window < window && s->window + 1 == window) {
        s->n[1] = s->n[0];
        memcpy(s->set[1], s->set[0], SET_BYTES);
    }
    distinct_clear(s, 0);
    s->window = window;
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

static unsigned map_count(const uint8_t *map) {
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

/* Add ${fingerprint} to the current window; return 1 if that changed it. */
static int distinct_insert(fraud_distinct_t *s, unsigned fingerprint) {
    uint8_t map[SET_BYTES] = {0};
    uint8_t *list;

    if (s->n[0] == FRAUD_DISTINCT_BITMAP) {
        return map_set(s->set[0], fingerprint);
    }
    if (list_has(s->set[0], s->n[0], fingerprint)) {
        return 0;
    }
    if (s->n[0] < FRAUD_DISTINCT_LIST) {
        list = s->set[0] + 2 * s->n[0]++;
        list[0] = (uint8_t)(fingerprint & 0xff);
        list[1] = (uint8_t)(fingerprint >> 8);
        return 1;
    }
    map_merge(map, s, 0);
    map_set(map, fingerprint);
    memcpy(s->set[0], map, SET_BYTES);
    s->n[0] = FRAUD_DISTINCT_BITMAP;
    return 1;
}

/* Count the union of both windows. */
static uint32_t distinct_union(const fraud_distinct_t *s) {
    uint8_t map[SET_BYTES] = {0};
    unsigned i, fingerprint, count;

    map_merge(map, s, 0);
    if (s->n[0] == FRAUD_DISTINCT_BITMAP || s->n[1] == FRAUD_DISTINCT_BITMAP) {
        map_merge(map, s, 1);
        return distinct_estimate[map_count(map)];
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
    changed = distinct_insert(&s, hash & 0xffff);
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

int fraud_swap(fraud_swap_t *state, const uint8_t *bytes, size_t len,
               uint64_t now_us, fraud_swap_t *before, uint64_t *age_us) {
    *before = *state;
    if (before->len > FRAUD_SWAP_MAX || before->time_us >= FRAUD_OP_MAX) {
        memset(before, 0, sizeof(*before));
    }
    *age_us = 0;
    if (before->len != 0 && before->time_us < now_us) {
        *age_us = now_us - before->time_us;
    }
    if (len == 0) {
        return 0;
    }
    if (len > FRAUD_SWAP_MAX) {
        len = FRAUD_SWAP_MAX;
    }
    memset(state, 0, sizeof(*state));
    state->time_us = now_us;
    state->len = (uint8_t)len;
    memcpy(state->bytes, bytes, len);
    return 1;
}
