/* SPDX-License-Identifier: BSD-2-Clause */

#include "vocabulary.h"

#include "fraud_wording.h"

#include <stdio.h>

#define MAX_ALLOWED 512

void vocabulary_words(const fraud_part_t *part, uint32_t bits) {
    size_t i;

    for (i = 0; i < part->nwords; i++) {
        if ((bits & FRAUD_SETTING_BIT(i)) != 0) {
            (void)printf("    %s: %s\n",
                         part->words[i].name[0] != '\0' ? part->words[i].name
                                                        : "(left out)",
                         part->words[i].means);
        }
    }
}

/* What all recipients have in common is told once, with the first. */
static void print_levels(const fraud_part_t *part) {
    size_t i;

    if (part->optional) {
        return;
    }
    (void)puts("  to each at most one of these, strict to loose; never if left "
               "out, and by default:");
    vocabulary_words(part, FRAUD_SETTING_BIT(part->nwords) - 1);
    (void)puts("  with one of these in parentheses, or without (case and "
               "consent may stand alone):");
    for (i = 1; fraud_setting_when(i) != NULL; i++) {
        (void)printf("    %s: %s\n", fraud_setting_when(i)->name,
                     fraud_setting_when(i)->means);
    }
}

static void print_range(const fraud_part_t *part, const char *order) {
    uint8_t text[MAX_ALLOWED + 1] = {0};
    fraud_buf_t buf;

    fraud_buf_init(&buf, text, MAX_ALLOWED);
    fraud_wording_allowed(&buf, part);
    (void)printf("    %s; %s\n", (const char *)text, order);
}

static void print_part(const fraud_part_t *part) {
    const char *order = part->tight ? "more is stricter" : "less is stricter";

    if (part->type == FRAUD_PART_SHARE) {
        print_levels(part);
    }
    if (part->key[0] != '\0') {
        (void)printf("  %s %s%s\n", part->key, part->means,
                     part->optional ? " (may be left out)" : "");
    }
    switch (part->type) {
    case FRAUD_PART_SET:
        (void)printf("  any of these, with commas%s; %s:\n",
                     part->optional ? ", or none" : "", order);
        break;
    case FRAUD_PART_CHOICE:
        if (part->key[0] == '\0') {
            (void)puts("  one of these, strict to loose:");
        }
        break;
    case FRAUD_PART_SHARE:
        return;
    case FRAUD_PART_TIME:
    case FRAUD_PART_NUMBER:
    case FRAUD_PART_CAP:
        print_range(part, order);
        return;
    }
    vocabulary_words(part, FRAUD_SETTING_BIT(part->nwords) - 1);
}

void vocabulary_setting(fraud_setting_id_t id, int more) {
    const fraud_part_t *part;
    size_t i;

    (void)printf("%s%s\n  %s\n", more ? "\n" : "", fraud_setting_get(id)->name,
                 fraud_setting_get(id)->about);
    for (i = 0; (part = fraud_setting_part(i)) != NULL; i++) {
        if (part->id == id) {
            print_part(part);
        }
    }
}
