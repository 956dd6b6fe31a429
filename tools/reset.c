/* SPDX-License-Identifier: BSD-2-Clause */

#include "reset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "fail.h"

#define DEFAULT_URL "http://127.0.0.1/fraud/control"
#define TIMEOUT_S 10
#define MAX_VALUE 4096
#define MAX_ANSWER 4096

const char reset_usage[] =
    "  reset [--control URL] [--socket PATH] --address VALUE\n"
    "  reset ... --session VALUE | --account VALUE | --identity NAME VALUE\n"
    "      forget what a running nginx knows of a subject, by its location\n"
    "      with \"fraud_control\" (" DEFAULT_URL ", or\n"
    "      $FRAUD_CONTROL); --socket is a unix socket that nginx listens on;\n"
    "      VALUE - is read from standard input, so that no list of processes\n"
    "      shows it\n";

typedef struct {
    const char *url;
    const char *socket;
    const char *identity;
    char value[MAX_VALUE + 1];
} call_t;

typedef struct {
    char text[MAX_ANSWER + 1];
    size_t len;
} answer_t;

static void take_value(call_t *call, const char *identity, const char *value) {
    size_t i, len;

    if (call->identity != NULL) {
        fail("reset takes one subject, not two");
    }
    call->identity = identity;
    if (strcmp(value, "-") == 0) {
        if (fgets(call->value, sizeof(call->value), stdin) == NULL) {
            fail("no value on standard input");
        }
        call->value[strcspn(call->value, "\r\n")] = '\0';
        value = call->value;
    }
    len = strlen(value);
    if (len == 0 || len > MAX_VALUE) {
        fail("the value is empty or over %d bytes", MAX_VALUE);
    }
    for (i = 0; i < len; i++) {
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f) {
            fail("the value has control characters");
        }
    }
    memmove(call->value, value, len + 1);
}

static void parse(call_t *call, int argc, char **argv) {
    static const char *const kinds[] = {"--address", "--session", "--account"};
    size_t k;
    int i;

    for (i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;

        for (k = 0; k < 3 && strcmp(argv[i], kinds[k]) != 0; k++) {
        }
        if (next == NULL) {
            fail("\"%s\" is unknown or lacks its value, see fraudctl help",
                 argv[i]);
        }
        i++;
        if (k < 3) {
            take_value(call, kinds[k] + 2, next);
        } else if (strcmp(argv[i - 1], "--identity") == 0 && i + 1 < argc) {
            take_value(call, next, argv[++i]);
        } else if (strcmp(argv[i - 1], "--control") == 0) {
            call->url = next;
        } else if (strcmp(argv[i - 1], "--socket") == 0) {
            call->socket = next;
        } else {
            fail("unknown option \"%s\", see fraudctl help", argv[i - 1]);
        }
    }
    if (call->identity == NULL) {
        fail("reset needs a subject, e.g. --address 192.0.2.1");
    }
}

static size_t keep_answer(char *data, size_t size, size_t n, void *user) {
    answer_t *answer = user;
    size_t len = size * n;

    if (len > MAX_ANSWER - answer->len) {
        return 0; /* that is not nginx with this module */
    }
    memcpy(answer->text + answer->len, data, len);
    answer->len += len;
    answer->text[answer->len] = '\0';
    return len;
}

static struct curl_slist *header(struct curl_slist *list, const char *name,
                                 const char *value) {
    char line[MAX_VALUE + 64];
    struct curl_slist *longer;

    (void)snprintf(line, sizeof(line), "%s: %s", name, value);
    longer = curl_slist_append(list, line);
    if (longer == NULL) {
        fail("no memory");
    }
    return longer;
}

static int tell(CURLcode rc, long status, const call_t *call,
                const answer_t *answer) {
    if (rc != CURLE_OK) {
        (void)fprintf(stderr, "fraudctl: %s: %s\n", call->url,
                      curl_easy_strerror(rc));
        return 1;
    }
    if (status == 200) {
        (void)fputs(answer->text, stdout);
        return 0;
    }
    (void)fprintf(stderr, "fraudctl: %s answered %ld: %s\n", call->url, status,
                  status == 400   ? "not a value of that identity"
                  : status == 404 ? "no such identity, or no fraud_control"
                  : status == 405 ? "no fraud_control there"
                                  : "refused");
    return 1;
}

static int send_call(const call_t *call) {
    answer_t answer = {"", 0};
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    long status = 0;
    CURLcode rc;

    if (curl == NULL) {
        fail("no memory");
    }
    headers = header(headers, "Fraud-Operation", "reset");
    headers = header(headers, "Fraud-Identity", call->identity);
    headers = header(headers, "Fraud-Value", call->value);
    (void)curl_easy_setopt(curl, CURLOPT_URL, call->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (call->socket != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, call->socket);
    }
    rc = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return tell(rc, status, call, &answer);
}

int reset(int argc, char **argv) {
    call_t call = {NULL, NULL, NULL, ""};
    int rc;

    call.url = getenv("FRAUD_CONTROL");
    if (call.url == NULL || call.url[0] == '\0') {
        call.url = DEFAULT_URL;
    }
    parse(&call, argc, argv);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fail("libcurl cannot start");
    }
    rc = send_call(&call);
    curl_global_cleanup();
    return rc;
}
