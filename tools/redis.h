/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef REDIS_H
#define REDIS_H

/*
 * The records of subjects in Redis: looked at, and deleted; in one server, in
 * the master that sentinels name, or in all masters of a cluster.
 */

#include "site.h"
#include "tombstone.h"

typedef struct redis_s redis_t;

/*
 * redis_open(site):
 * Connect to what the configuration names. NULL if it names none.
 */
redis_t *redis_open(const site_t *site);

/*
 * redis_each(redis, pids, print, data):
 * Call ${print} with the bytes and the seconds left of each record of ${pids}.
 * Return how many there are.
 */
typedef void (*redis_print_t)(void *data, const char *pid,
                              const unsigned char *bytes, size_t len,
                              long long ttl);
size_t redis_each(redis_t *redis, const pids_t *pids, redis_print_t print,
                  void *data);

/*
 * redis_erase(redis, pids):
 * Delete the records of ${pids} and those of others that name one of them, and
 * have append-only files rewritten. Return how many records there were.
 */
size_t redis_erase(redis_t *redis, const pids_t *pids);

/*
 * redis_close(redis):
 * Close it; NULL is a no-op. Return 1 if something could not be reached or was
 * refused, which was said on standard error, else 0.
 */
int redis_close(redis_t *redis);

#endif /* REDIS_H */
