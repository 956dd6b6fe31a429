/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ESCROW_H
#define ESCROW_H

/*
 * fraudctl escrow: the key that opens the "link_seal" of log lines, and the
 * openings, each for a case and written down before anything is shown. The
 * rows in escrow.log of the vault are chained: each has the SHA-256 of the one
 * before it, and no seal is opened behind a broken chain.
 */

extern const char escrow_usage[];

/*
 * escrow(argc, argv):
 * Carry out the verb; ${argv}[0] is its name. Return the exit status.
 */
int escrow(int argc, char **argv);

#endif /* ESCROW_H */
