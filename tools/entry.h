/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ENTRY_H
#define ENTRY_H

/*
 * What is told of a subject, an element of a JSON array each.
 */

#include <stddef.h>

/*
 * entry_line(line, len):
 * Print a line of a log: one that is JSON as it is, another one as a string.
 */
void entry_line(const char *line, size_t len);

/*
 * entry_record(pid, bytes, len, ttl, whole):
 * Print a record of Redis with the seconds that it lives on, and with ${whole}
 * its bytes, in hexadecimal.
 */
void entry_record(const char *pid, const unsigned char *bytes, size_t len,
                  long long ttl, int whole);

#endif /* ENTRY_H */
