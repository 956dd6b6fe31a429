/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef CORE_H
#define CORE_H

/*
 * core_none():
 * Leave no core file behind: keys and accounts are in this memory.
 */
void core_none(void);

#endif /* CORE_H */
