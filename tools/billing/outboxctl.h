/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef OUTBOXCTL_H
#define OUTBOXCTL_H

/*
 * "fraud-billing outbox list|retry": what the billing system was told, and has
 * still to be.
 */

extern const char outbox_usage[];

int outbox_main(int argc, char **argv);

#endif /* OUTBOXCTL_H */
