/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef OPTION_H
#define OPTION_H

/*
 * Options of the command line; what is malformed ends the program (fail.h).
 */

#include <stddef.h>
#include <stdint.h>

#define OPTION_CONF "/etc/nginx/nginx.conf"

/*
 * option(argc, argv, i, name):
 * Return the value of the option ${name} at ${*i}: after '=', or the next
 * word, on which ${*i} is then. NULL if it is another option.
 */
const char *option(int argc, char **argv, int *i, const char *name);

/*
 * option_time(name, text), option_uint(name, text):
 * Return the seconds of a time as nginx writes it, or a number.
 */
uint64_t option_time(const char *name, const char *text);
uint64_t option_uint(const char *name, const char *text);

/*
 * option_now():
 * Return the time, in seconds since 1970.
 */
uint64_t option_now(void);

/*
 * option_secret(secret, size, path):
 * Write the first line of the file at ${path}, with a NUL, to the ${size} bytes
 * at ${secret}, for the caller to overwrite. Return 0 if there is none.
 */
int option_secret(char *secret, size_t size, const char *path);

#endif /* OPTION_H */
