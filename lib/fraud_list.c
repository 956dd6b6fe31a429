/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_list.h"

#include "fraud_nets.h"

#include <string.h>

/*
 * A table holds networks and markers by their prefix. The lengths that occur
 * form a binary tree. A search asks the table for the address cut to the
 * length of the root; if that is there, something longer may be too and the
 * search goes on among the longer lengths, if not, among the shorter ones. So
 * that it finds its way, a network has a marker at every length where the
 * path to its own turns longer. A marker knows the longest network that holds
 * it, therefore no search has to turn back.
 *
 * Of all trees the one is taken that costs the given list the fewest probes
 * and markers (optimal binary search tree, by dynamic programming). In sorted
 * order all that share a prefix are neighbours, and one sweep with the nested
 * networks on a stack knows every marker and its best match.
 */

#define MAX_BITS 128
#define LENGTHS (MAX_BITS + 1)
#define NONE 0xff /* where a length is expected */

/*
 * The last word of a slot, 0 if it is empty: the length of the prefix and
 * that of the longest network that holds all of it, or NONE.
 */
#define MARK(bits, best) (1u << 16 | (uint32_t)(best) << 8 | (uint32_t)(bits))
#define MARK_BITS(mark) ((mark)&0xff)
#define MARK_BEST(mark) ((mark) >> 8 & 0xff)

typedef struct {
    size_t words;
    uint32_t *slots; /* words of the prefix, then the mark */
    size_t size;     /* below 2^32: a network has at most 15 slots on average */
    uint64_t seed;
    uint8_t root; /* the tree: a length and those to ask next, or NONE */
    uint8_t shorter[LENGTHS];
    uint8_t longer[LENGTHS];
} table_t;

struct fraud_list_s {
    const fraud_mem_t *mem;
    size_t count;
    table_t v4;
    table_t v6;
};

/* The k lengths that occur; cost and pick are of the lengths [from, to). */
typedef struct {
    size_t k;
    uint8_t bits[LENGTHS];
    uint64_t before[LENGTHS + 1]; /* networks of lengths below the i-th */
    uint64_t cost[LENGTHS + 1][LENGTHS + 1];
    uint8_t pick[LENGTHS + 1][LENGTHS + 1];
} plan_t;

/* What the prefixes of the current network have, in a sweep. */
typedef struct {
    uint8_t nest[LENGTHS]; /* lengths of the networks around it, rising */
    size_t depth;
    uint8_t placed[LENGTHS]; /* 1 where a slot is made at that length */
} sweep_t;

static void cut(uint32_t *prefix, const uint32_t *words, size_t n,
                unsigned bits) {
    unsigned keep;
    size_t i;

    for (i = 0; i < n; i++) {
        keep = bits < 32 ? bits : 32;
        prefix[i] = keep == 32 ? words[i] : words[i] & ~(UINT32_MAX >> keep);
        bits -= keep;
    }
}

/* Return how many leading bits two addresses share. */
static unsigned common_bits(const uint32_t *a, const uint32_t *b, size_t n) {
    unsigned bits = 0;
    uint32_t differ;
    size_t i;

    for (i = 0; i < n && a[i] == b[i]; i++) {
        bits += 32;
    }
    if (i < n) {
        for (differ = a[i] ^ b[i]; differ >> 31 == 0; differ <<= 1) {
            bits++;
        }
    }
    return bits;
}

/* One step of the hash: whatever differs reaches the upper half. */
static uint64_t stir(uint64_t hash, uint32_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

/* Return the slot where the search for a prefix begins. */
static size_t first_slot(const table_t *table, const uint32_t *prefix,
                         unsigned bits) {
    uint64_t hash = table->seed;
    size_t i;

    for (i = 0; i < table->words; i++) {
        hash = stir(hash, prefix[i]);
    }
    hash = stir(hash, bits);
    return (size_t)((hash >> 32) * table->size >> 32);
}

static int is_same(const uint32_t *a, const uint32_t *b, size_t n) {
    size_t i;

    for (i = 0; i < n; i++) {
        if (a[i] != b[i]) {
            return 0;
        }
    }
    return 1;
}

/* Return the mark of the address cut to ${bits}, or 0. */
static uint32_t probe(const table_t *table, const uint32_t *words,
                      unsigned bits) {
    size_t stride = table->words + 1;
    const uint32_t *end = table->slots + table->size * stride;
    uint32_t prefix[FRAUD_NETS_V6_WORDS];
    const uint32_t *slot;
    uint32_t mark;

    cut(prefix, words, table->words, bits);
    slot = table->slots + first_slot(table, prefix, bits) * stride;
    for (;;) {
        mark = slot[stride - 1];
        if (mark == 0 ||
            (MARK_BITS(mark) == bits && is_same(slot, prefix, stride - 1))) {
            return mark;
        }
        slot += stride;
        if (slot == end) {
            slot = table->slots;
        }
    }
}

/* Fill a slot for a prefix that has none yet. */
static void insert(table_t *table, const uint32_t *words, unsigned bits,
                   unsigned best) {
    uint32_t prefix[FRAUD_NETS_V6_WORDS];
    uint32_t *slot;
    size_t at;

    cut(prefix, words, table->words, bits);
    at = first_slot(table, prefix, bits);
    for (;;) {
        slot = table->slots + at * (table->words + 1);
        if (slot[table->words] == 0) {
            break;
        }
        at = at + 1 < table->size ? at + 1 : 0;
    }
    memcpy(slot, prefix, table->words * sizeof(*slot));
    slot[table->words] = MARK(bits, best);
}

/*
 * Make the slots that a network needs and its neighbours have not made;
 * return their number. Without a table they are only counted.
 */
static size_t place(table_t *table, sweep_t *sweep, const uint32_t *net) {
    unsigned bits = net[table->words];
    unsigned best = NONE;
    unsigned node = table->root;
    size_t made = 0;
    size_t i = 0;

    for (;;) {
        if (bits < node) {
            node = table->shorter[node];
            continue;
        }
        if (!sweep->placed[node]) {
            while (i < sweep->depth && sweep->nest[i] <= node) {
                best = sweep->nest[i++];
            }
            if (table->slots != NULL) {
                insert(table, net, node, best);
            }
            sweep->placed[node] = 1;
            made++;
        }
        if (bits == node) {
            return made;
        }
        node = table->longer[node];
    }
}

/* Place all networks; return the number of slots. */
static size_t place_all(table_t *table, const fraud_nets_family_t *nets) {
    const uint32_t *net = nets->data;
    size_t stride = nets->words + 1;
    size_t slots = 0;
    unsigned common;
    sweep_t sweep;
    size_t i;

    memset(&sweep, 0, sizeof(sweep));
    for (i = 0; i < nets->n; i++, net += stride) {
        common = i != 0 ? common_bits(net - stride, net, nets->words) : 0;
        while (sweep.depth != 0 && sweep.nest[sweep.depth - 1] > common) {
            sweep.depth--;
        }
        memset(sweep.placed + common + 1, 0, MAX_BITS - common);
        sweep.nest[sweep.depth++] = (uint8_t)net[nets->words];
        slots += place(table, &sweep, net);
    }
    return slots;
}

static void plan_lengths(plan_t *plan, const fraud_nets_family_t *nets) {
    uint64_t count[LENGTHS] = {0};
    unsigned bits;
    size_t i;

    for (i = 0; i < nets->n; i++) {
        count[nets->data[i * (nets->words + 1) + nets->words]]++;
    }
    plan->k = 0;
    plan->before[0] = 0;
    for (bits = 0; bits < LENGTHS; bits++) {
        if (count[bits] != 0) {
            plan->bits[plan->k] = (uint8_t)bits;
            plan->before[plan->k + 1] = plan->before[plan->k] + count[bits];
            plan->k++;
        }
    }
}

/*
 * Find the tree of the lengths [from, to). A network costs a probe at each
 * node on its path and a marker, as dear as two, where that turns longer.
 * Addresses that are in no network ask too: half of the probes are spread over
 * all lengths, which keeps the tree flat.
 */
static void plan_range(plan_t *plan, size_t from, size_t to) {
    const uint64_t *before = plan->before;
    uint64_t spread = before[plan->k] / plan->k + 1;
    uint64_t least = UINT64_MAX;
    uint64_t cost;
    size_t i;

    for (i = from; i < to; i++) {
        cost = plan->cost[from][i] + plan->cost[i + 1][to];
        cost += 2 * (before[to] - before[i + 1]);
        if (cost < least) {
            least = cost;
            plan->pick[from][to] = (uint8_t)i;
        }
    }
    plan->cost[from][to] =
        least + before[to] - before[from] + (to - from) * spread;
}

/* Copy the tree of the lengths [from, to); return its root. */
static uint8_t grow(table_t *table, const plan_t *plan, size_t from,
                    size_t to) {
    size_t i;
    uint8_t bits;

    if (from == to) {
        return NONE;
    }
    i = plan->pick[from][to];
    bits = plan->bits[i];
    table->shorter[bits] = grow(table, plan, from, i);
    table->longer[bits] = grow(table, plan, i + 1, to);
    return bits;
}

static fraud_rc choose_tree(table_t *table, const fraud_mem_t *mem,
                            const fraud_nets_family_t *nets) {
    size_t from, span;
    plan_t *plan;

    plan = fraud_mem_alloc(mem, sizeof(*plan));
    if (plan == NULL) {
        return FRAUD_ENOMEM;
    }
    plan_lengths(plan, nets);
    for (from = 0; from <= plan->k; from++) {
        plan->cost[from][from] = 0;
    }
    for (span = 1; span <= plan->k; span++) {
        for (from = 0; from + span <= plan->k; from++) {
            plan_range(plan, from, from + span);
        }
    }
    table->root = grow(table, plan, 0, plan->k);
    fraud_mem_free(mem, plan);
    return FRAUD_OK;
}

static size_t table_bytes(const table_t *table) {
    return table->size * (table->words + 1) * sizeof(*table->slots);
}

/* Build the table of one family; its slots are the caller's in any case. */
static fraud_rc build(table_t *table, const fraud_mem_t *mem,
                      const fraud_nets_family_t *nets) {
    size_t stride = nets->words + 1;
    size_t slots, i;

    table->words = nets->words;
    table->root = NONE;
    if (nets->n == 0) {
        return FRAUD_OK;
    }
    if (choose_tree(table, mem, nets) != FRAUD_OK) {
        return FRAUD_ENOMEM;
    }
    /* From the content, lest one set of networks collides in every list. */
    for (i = 0; i < nets->n * stride; i++) {
        table->seed = stir(table->seed, nets->data[i]);
    }
    slots = place_all(table, nets);
    table->size = slots + slots / 3 * 2 + 1;
    table->slots = fraud_mem_resize(mem, NULL, table->size,
                                    stride * sizeof(*table->slots));
    if (table->slots == NULL) {
        return FRAUD_ENOMEM;
    }
    memset(table->slots, 0, table->size * stride * sizeof(*table->slots));
    (void)place_all(table, nets);
    return FRAUD_OK;
}

static fraud_rc build_list(fraud_list_t **list, const fraud_nets_t *nets) {
    fraud_list_t *built;

    built = fraud_mem_zalloc(nets->mem, sizeof(*built));
    if (built == NULL) {
        return FRAUD_ENOMEM;
    }
    built->mem = nets->mem;
    built->count = nets->v4.n + nets->v6.n;
    if (build(&built->v4, nets->mem, &nets->v4) != FRAUD_OK ||
        build(&built->v6, nets->mem, &nets->v6) != FRAUD_OK) {
        fraud_list_free(built);
        return FRAUD_ENOMEM;
    }
    *list = built;
    return FRAUD_OK;
}

fraud_rc fraud_list_load(fraud_list_t **list, const fraud_mem_t *mem,
                         const char *text, size_t len, fraud_err_t *err) {
    fraud_nets_t nets;
    fraud_rc rc;

    fraud_nets_init(&nets, fraud_mem_or_default(mem), FRAUD_LIST_MAX_ENTRIES);
    rc = fraud_nets_read(&nets, text, len, err);
    if (rc == FRAUD_OK) {
        rc = build_list(list, &nets);
    }
    fraud_nets_clear(&nets);
    return rc;
}

int fraud_list_find(const fraud_list_t *list, const fraud_ip_t *ip,
                    unsigned *bits) {
    const table_t *table = ip->family == 4 ? &list->v4 : &list->v6;
    uint32_t words[FRAUD_NETS_V6_WORDS];
    unsigned node = table->root;
    unsigned best = NONE;
    uint32_t mark;

    fraud_nets_load(words, ip);
    while (node != NONE) {
        mark = probe(table, words, node);
        if (mark != 0) {
            best = MARK_BEST(mark);
        }
        node = mark != 0 ? table->longer[node] : table->shorter[node];
    }
    if (best == NONE) {
        return 0;
    }
    if (bits != NULL) {
        *bits = best;
    }
    return 1;
}

size_t fraud_list_count(const fraud_list_t *list) {
    return list->count;
}

size_t fraud_list_bytes(const fraud_list_t *list) {
    return sizeof(*list) + table_bytes(&list->v4) + table_bytes(&list->v6);
}

void fraud_list_free(fraud_list_t *list) {
    if (list == NULL) {
        return;
    }
    fraud_mem_free(list->mem, list->v6.slots);
    fraud_mem_free(list->mem, list->v4.slots);
    fraud_mem_free(list->mem, list);
}
