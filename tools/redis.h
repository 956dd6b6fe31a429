/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef REDIS_H
#define REDIS_H

/*
 * The records of subjects in Redis: looked at, and deleted. One server; what
 * is behind TLS, Sentinel or Cluster is nginx's to reach.
 */

#include "site.h"
#include "tombstone.h"

typedef struct redis_s redis_t;

/*
 * redis_open(site):
 * Connect to the server of the configuration. NULL if there is none, or none
 * that can be reached from here; the latter is said on standard error. A server
 * that does not answer ends the program (fail.h).
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
 * redis_erase(redis, pids, deep):
 * Delete the records of ${pids}, and with ${deep} also those of others that
 * name one of them. Return how many there were.
 */
size_t redis_erase(redis_t *redis, const pids_t *pids, int deep);

/*
 * redis_close(redis):
 * Close it; NULL is a no-op.
 */
void redis_close(redis_t *redis);

#endif /* REDIS_H */
