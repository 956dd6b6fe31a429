/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Any bytes as a configuration: read to the end, words within it, and what
 * leaks is looked for.
 */

#include "fraud_conf.h"
#include "fraud_leak.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *exact = copy(data, size);
    static fraud_leak_t leak;
    fraud_conf_what_t what;
    fraud_conf_t conf;
    size_t i, steps = 0;

    fraud_leak_init(&leak);
    fraud_conf_init(&conf, exact, size);
    while ((what = fraud_conf_next(&conf)) != FRAUD_CONF_END) {
        CLAIM(steps++ < size);
        for (i = 0; i < conf.n; i++) {
            CLAIM(conf.words[i].data >= exact &&
                  conf.words[i].len <=
                      (size_t)(exact + size - conf.words[i].data));
        }
        if (what == FRAUD_CONF_OPEN) {
            fraud_leak_open(&leak, conf.words, conf.n);
        } else if (what == FRAUD_CONF_CLOSE) {
            fraud_leak_close(&leak);
        } else {
            fraud_leak_directive(&leak, conf.words, conf.n, 0, conf.first);
        }
    }
    (void)fraud_leak_find(&leak);
    free(exact);
    return 0;
}
