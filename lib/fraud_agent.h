/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_AGENT_H
#define FRAUD_AGENT_H

/*
 * What kind of software sent a request, and on what system, from its
 * User-Agent: a few words and nothing else of it, so that a log that has them
 * tells nobody apart by version or build.
 */

#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_AGENT_MAX 512u /* bytes that are looked at */

/*
 * fraud_agent_type(text, len):
 * Return the kind of software: "bot", "tool", "edge", "opera", "samsung",
 * "firefox", "chrome", "safari", "explorer", "other"; "-" for no text.
 */
const char *fraud_agent_type(const void *text, size_t len);

/*
 * fraud_agent_platform(text, len):
 * Return the system: "windows", "android", "ios", "macos", "chromeos",
 * "linux", "other"; "-" for no text.
 */
const char *fraud_agent_platform(const void *text, size_t len);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_AGENT_H */
