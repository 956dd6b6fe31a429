/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef PERSON_H
#define PERSON_H

/*
 * Somebody as the operator names him, and all pseudonyms that he has in epochs
 * whose secrets live: from a directory of secrets, and from a running nginx.
 */

#include "control.h"
#include "site.h"
#include "tombstone.h"

typedef struct {
    const char *identity; /* a name, or NULL: all of ${kind} */
    site_kind_t kind;
    const char *word; /* "account", as it was asked for */
    char value[CONTROL_MAX_VALUE + 1];
} person_t;

/*
 * person_keys(person, site, dir, pids):
 * Add to ${pids} what the secrets in the directory ${dir} make of him.
 */
void person_keys(const person_t *person, const site_t *site, const char *dir,
                 pids_t *pids);

/*
 * person_asks(person, site, i, name):
 * Set ${name} to that of the ${i}th identity of the configuration under which
 * he may be known; each name comes once. Return 0 if that one is another.
 */
int person_asks(const person_t *person, const site_t *site, size_t i,
                const char **name);

/*
 * person_check(person, site):
 * An identity that was named and that the configuration has not, which would be
 * an erasure of nobody, ends the program (fail.h).
 */
void person_check(const person_t *person, const site_t *site);

/*
 * person_answer(text, arena, pids):
 * Add to ${pids} those in what nginx answered to "show" or "erase".
 */
void person_answer(const char *text, arena_t *arena, pids_t *pids);

/*
 * person_wipe(person):
 * Forget his name.
 */
void person_wipe(person_t *person);

#endif /* PERSON_H */
