/* SPDX-License-Identifier: BSD-2-Clause */

#define _DEFAULT_SOURCE /* setrlimit() */

#include "core.h"

#include <stddef.h>
#include <sys/resource.h>

void core_none(void) {
    struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
}
