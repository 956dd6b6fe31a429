/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_WORD_H
#define FRAUD_WORD_H

/*
 * The words of which a web server's own messages are made: those of its fixed
 * texts, of the system's and OpenSSL's errors, and the names of functions,
 * methods and directives that stand in them. A text of these words alone names
 * nobody.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_WORD_MAX 40

/*
 * fraud_word_is_fixed(data, len):
 * Return 1 if the ${len} bytes are one of the words, case counting, else 0.
 */
int fraud_word_is_fixed(const void *data, size_t len);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_WORD_H */
