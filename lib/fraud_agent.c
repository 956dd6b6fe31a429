/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_agent.h"

#include <string.h>

typedef struct {
    const char *part; /* lower case */
    const char *word;
} known_t;

/* Most browsers name those before them, too: the first that is found counts. */
static const known_t types[] = {
    {"bot", "bot"},         {"crawl", "bot"},      {"spider", "bot"},
    {"slurp", "bot"},       {"curl/", "tool"},     {"wget/", "tool"},
    {"python", "tool"},     {"go-http", "tool"},   {"libwww", "tool"},
    {"java/", "tool"},      {"okhttp", "tool"},    {"httpclient", "tool"},
    {"scrapy", "tool"},     {"axios", "tool"},     {"node-fetch", "tool"},
    {"edg/", "edge"},       {"edge/", "edge"},     {"edga/", "edge"},
    {"edgios/", "edge"},    {"opr/", "opera"},     {"opera", "opera"},
    {"samsung", "samsung"}, {"fxios/", "firefox"}, {"firefox/", "firefox"},
    {"crios/", "chrome"},   {"chrome/", "chrome"}, {"chromium", "chrome"},
    {"safari/", "safari"},  {"msie ", "explorer"}, {"trident/", "explorer"},
};

/* Android is a Linux, and what runs on iOS says that it is like macOS. */
static const known_t platforms[] = {
    {"windows", "windows"}, {"android", "android"}, {"iphone", "ios"},
    {"ipad", "ios"},        {"ipod", "ios"},        {"macintosh", "macos"},
    {"mac os", "macos"},    {"cros ", "chromeos"},  {"linux", "linux"},
    {"x11", "linux"},
};

static uint8_t lower(uint8_t ch) {
    return ch >= 'A' && ch <= 'Z' ? (uint8_t)(ch | 0x20) : ch;
}

static int has(const uint8_t *text, size_t len, const char *part) {
    size_t i, k, n = strlen(part);

    for (i = 0; i + n <= len; i++) {
        for (k = 0; k < n && lower(text[i + k]) == (uint8_t)part[k]; k++) {
        }
        if (k == n) {
            return 1;
        }
    }
    return 0;
}

static const char *find(const known_t *known, size_t n, const void *text,
                        size_t len) {
    size_t i;

    if (len == 0) {
        return "-";
    }
    len = len < FRAUD_AGENT_MAX ? len : FRAUD_AGENT_MAX;
    for (i = 0; i < n; i++) {
        if (has(text, len, known[i].part)) {
            return known[i].word;
        }
    }
    return "other";
}

const char *fraud_agent_type(const void *text, size_t len) {
    return find(types, sizeof(types) / sizeof(types[0]), text, len);
}

const char *fraud_agent_platform(const void *text, size_t len) {
    return find(platforms, sizeof(platforms) / sizeof(platforms[0]), text, len);
}
