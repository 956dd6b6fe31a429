/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "amount.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ISO 4217: all that have other than two decimals. */
static unsigned decimals(const char *currency) {
    static const char none[] =
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI "
        "VND VUV XAF XOF XPF";
    static const char three[] = "BHD IQD JOD KWD LYD OMR TND";
    static const char four[] = "CLF UYW";

    if (strlen(currency) != 3) {
        return 0;
    }
    if (strstr(none, currency) != NULL) {
        return 0;
    }
    if (strstr(three, currency) != NULL) {
        return 3;
    }
    return strstr(four, currency) != NULL ? 4 : 2;
}

void amount_print(char text[AMOUNT_SIZE], int64_t amount,
                  const char *currency) {
    unsigned n = decimals(currency);
    uint64_t size = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount;
    const char *sign = amount < 0 ? "-" : "";
    char units[24];
    size_t cut;

    if (n == 0) {
        (void)snprintf(text, AMOUNT_SIZE, "%s%" PRIu64 "%s%.3s", sign, size,
                       currency[0] != '\0' ? " " : "", currency);
        return;
    }
    (void)snprintf(units, sizeof(units), "%0*" PRIu64, (int)n + 1, size);
    cut = strlen(units) - n;
    (void)snprintf(text, AMOUNT_SIZE, "%s%.*s.%s %.3s", sign, (int)cut, units,
                   units + cut, currency);
}

static void print(char text[AMOUNT_SIZE], int64_t us, const char *format) {
    time_t seconds = (time_t)(us / CLOCK_SECOND);
    struct tm tm;

    if (us == 0 || gmtime_r(&seconds, &tm) == NULL ||
        strftime(text, AMOUNT_SIZE, format, &tm) == 0) {
        (void)snprintf(text, AMOUNT_SIZE, "-");
    }
}

void amount_time(char text[AMOUNT_SIZE], int64_t us) {
    print(text, us, "%Y-%m-%d %H:%M UTC");
}

void amount_day(char text[AMOUNT_SIZE], int64_t us) {
    print(text, us, "%Y-%m-%d");
}
