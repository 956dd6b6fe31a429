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

uint64_t fraud_gcra_limit(const fraud_gcra_conf_t *conf) {
    return ((uint64_t)conf->burst + 1) * conf->period_us;
}

uint64_t fraud_gcra_wait(const fraud_gcra_conf_t *conf, uint64_t debt) {
    uint64_t limit = fraud_gcra_limit(conf);

    return debt > limit ? ceil_div(debt - limit, conf->n) : 0;
}

uint64_t fraud_gcra_most(const fraud_gcra_conf_t *conf) {
    uint64_t most;

    most = fraud_gcra_limit(conf) + (uint64_t)conf->n * FRAUD_GCRA_EXCESS_US;
    return most < FRAUD_OP_MAX ? most : FRAUD_OP_MAX - 1;
}

/* Bring ${s} into its ranges: no debt past the most, no absurd time. */
static void gcra_clamp(fraud_gcra_t *s, const fraud_gcra_conf_t *conf,
                       uint64_t now_us) {
    uint64_t most, life;

    most = fraud_gcra_most(conf);
    if (s->debt > most) {
        s->debt = most;
    }
    if (s->last_us <= now_us) {
        return;
    }
    life = ceil_div(most, conf->n) + FRAUD_OP_SKEW_US;
    if (is_absurd(s->last_us, now_us, life)) {
        s->debt = 0;
        s->last_us = now_us;
    }
}

/* What is left of ${debt} ${elapsed} later. */
static uint64_t gcra_drain(uint64_t debt, uint32_t n, uint64_t elapsed) {
    return elapsed > debt / n ? 0 : debt - elapsed * n;
}

int fraud_gcra(fraud_gcra_t *state, const fraud_gcra_conf_t *conf,
               uint32_t cost, uint64_t now_us, int charge,
               fraud_gcra_result_t *result) {
    fraud_gcra_t s;
    uint64_t most, ahead, charged, wait_us;

    s = *state;
    gcra_clamp(&s, conf, now_us);
    if (s.last_us < now_us) {
        /* else last_us stays ahead of a late clock */
        s.debt = gcra_drain(s.debt, conf->n, now_us - s.last_us);
        s.last_us = now_us;
    }
    ahead = s.last_us - now_us;
    result->debt = s.debt + ahead * conf->n;
    most = (uint64_t)conf->burst + 1;
    charged = (cost < most ? cost : most) * conf->period_us;
    wait_us = fraud_gcra_wait(conf, s.debt + charged);

    if (cost > most || (cost != 0 && wait_us != 0)) {
        result->over = 1;
        result->retry_us = ahead + wait_us;
        return 0;
    }
    result->over = 0;
    result->retry_us = 0;
    if (!charge || cost == 0) {
        return 0;
    }
    s.debt += charged;
    result->debt += charged;
    *state = s;
    return 1;
}

/* A number from elsewhere, below 2^52. */
static uint64_t at_most(uint64_t value) {
    return value < FRAUD_OP_MAX ? value : FRAUD_OP_MAX - 1;
}

uint64_t fraud_gcra_merge(fraud_gcra_t *state, const fraud_gcra_conf_t *conf,
                          const fraud_gcra_fold_t *fold, uint64_t now_us) {
    fraud_gcra_t s;
    uint64_t elapsed, ahead, debt, merged, other, most;

    s = *state;
    gcra_clamp(&s, conf, now_us);
    elapsed = s.last_us < now_us ? now_us - s.last_us : 0;
    ahead = s.last_us > now_us ? s.last_us - now_us : 0;
    debt = gcra_drain(s.debt, conf->n, elapsed);

    merged = debt + at_most(fold->add);
    other = gcra_drain(s.debt + at_most(fold->sum), conf->n, elapsed);
    merged = merged > other ? merged : other;
    /* the state's debt is that of its own time */
    other = gcra_drain(at_most(fold->least), conf->n, ahead);
    merged = merged > other ? merged : other;
    most = fraud_gcra_most(conf);
    merged = merged < most ? merged : most;

    if (merged > debt) {
        state->last_us = now_us + ahead;
        state->debt = merged;
    }
    return at_most(merged + ahead * conf->n);
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

int fraud_swap_merge(fraud_swap_t *state, const fraud_swap_t *other,
                     uint64_t age_us, uint64_t now_us) {
    fraud_swap_t before;
    uint64_t written_us, unused;
    int newer;

    if (other->len == 0 || other->len > FRAUD_SWAP_MAX) {
        return 0;
    }
    written_us = age_us < now_us ? now_us - age_us : 0;
    fraud_swap(state, NULL, 0, now_us, &before, &unused);
    newer = before.time_us < written_us;
    if (before.len == 1 && other->len == 1) {
        newer = before.time_us > written_us;
    }
    if (before.len != 0 && !newer) {
        return 0;
    }
    return fraud_swap(state, other->bytes, other->len, written_us, &before,
                      &unused);
}
