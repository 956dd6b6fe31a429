/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SHIP_H
#define SHIP_H

/*
 * "fraud-billing ship": a spool directory into the stream that "run" reads,
 * each record at least once. Where it is stands in a file; a Redis that was
 * started anew may have forgotten, and is told all of the spool again.
 */

extern const char ship_usage[];

int ship_main(int argc, char **argv);

#endif /* SHIP_H */
