/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef PRINCIPAL_H
#define PRINCIPAL_H

#include <stddef.h>

/*
 * principal(as):
 * Return the login name of whoever runs this, as principal_name() has it: what
 * he does is done under it.
 * Root may say another one (${as}, NULL: none was said), as anybody may to a
 * build for tests. What is no such name ends the program (fail.h).
 */
const char *principal(const char *as);

/*
 * principal_name(name, text, size):
 * Write ${text} to the ${size} bytes at ${name} as all names of persons are
 * compared, in lower case: "Anna" and "anna" are one. Return 0 if it is no such
 * name (principal_is_word()), or too long.
 */
int principal_name(char *name, const char *text, size_t size);

/*
 * principal_is_word(text, max):
 * Return 1 if ${text} is 1 to ${max} of a-z, A-Z, 0-9, '.', '_' and '-'.
 */
int principal_is_word(const char *text, size_t max);

#endif /* PRINCIPAL_H */
