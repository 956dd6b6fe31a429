/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef HOOK_H
#define HOOK_H

/*
 * "fraud-billing hook verify": what a receiver asks of each message. Its parts
 * are lib/fraud_hook.h, for receivers in C.
 */

extern const char hook_usage[];

int hook_main(int argc, char **argv);

#endif /* HOOK_H */
