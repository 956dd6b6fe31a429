/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SCRUB_H
#define SCRUB_H

/*
 * Pseudonyms out of the zone of a running nginx, wherever they are in it.
 */

#include "control.h"
#include "site.h"
#include "tombstone.h"

/*
 * scrub_all(control, pids, records):
 * Have all entries of ${pids}, and those that name one of them, wiped, and add
 * to ${*records} how many there were. Return 0 if nginx did not do it, which is
 * said on standard error.
 */
int scrub_all(const control_t *control, const pids_t *pids, uint64_t *records);

/*
 * scrub_flush(site):
 * If lines of logs may wait in the memory of workers, have these write them,
 * as when logs are opened anew (SIGUSR1), and wait for it. Return 0 if nginx
 * is not reached by the "pid" of its configuration, which is said.
 */
int scrub_flush(const site_t *site);

#endif /* SCRUB_H */
