/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXPORT_H
#define EXPORT_H

/*
 * "fraudctl export": incidents and transfers for billing in batches.
 */

extern const char export_usage[];

int export_main(int argc, char **argv);

#endif /* EXPORT_H */
