/* SPDX-License-Identifier: BSD-2-Clause */

#include "control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "fail.h"
#include "fraud_pid.h"

#define TIMEOUT_S 10

void control_value(char *to, const char *value) {
    size_t i, len;

    if (strcmp(value, "-") == 0) {
        if (fgets(to, CONTROL_MAX_VALUE + 1, stdin) == NULL) {
            fail("no value on standard input");
        }
        to[strcspn(to, "\r\n")] = '\0';
        value = to;
    }
    len = strlen(value);
    if (len == 0 || len > CONTROL_MAX_VALUE) {
        fail("the value is empty or over %d bytes", CONTROL_MAX_VALUE);
    }
    for (i = 0; i < len; i++) {
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f) {
            fail("the value has control characters");
        }
    }
    memmove(to, value, len + 1);
}

static size_t keep_answer(char *data, size_t size, size_t n, void *user) {
    control_answer_t *answer = user;
    size_t len = size * n;

    if (len > CONTROL_MAX_ANSWER - answer->len) {
        return 0; /* that is not nginx with this module */
    }
    memcpy(answer->text + answer->len, data, len);
    answer->len += len;
    answer->text[answer->len] = '\0';
    return len;
}

static struct curl_slist *header(struct curl_slist *list, const char *name,
                                 const char *value) {
    char line[CONTROL_MAX_VALUE + 64];
    struct curl_slist *longer;

    (void)snprintf(line, sizeof(line), "%s: %s", name, value);
    longer = curl_slist_append(list, line);
    if (longer == NULL) {
        fail("no memory");
    }
    return longer;
}

static void hex(char *text, const uint8_t *data) {
    size_t i;

    for (i = 0; i < FRAUD_PID_DIGEST_LEN; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", data[i]);
    }
}

/* As module/ngx_http_fraud_control.c says. */
static struct curl_slist *sign(struct curl_slist *list,
                               const control_t *control, const char *operation,
                               const char *identity, const char *value) {
    char digest[2 * FRAUD_PID_DIGEST_LEN + 1], text[CONTROL_MAX_VALUE + 256];
    uint8_t bytes[FRAUD_PID_DIGEST_LEN];
    char seconds[32];
    int len;

    if (control->secret == NULL) {
        return list;
    }
    fraud_pid_digest(bytes, value, strlen(value));
    hex(digest, bytes);
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)time(NULL));
    len = snprintf(text, sizeof(text), "%s\n%s\n%s\n%s", operation, identity,
                   seconds, digest);
    if (len < 0 || (size_t)len >= sizeof(text)) {
        fail("the name of the identity is too long");
    }
    fraud_pid_sign(bytes, control->secret, strlen(control->secret), text,
                   (size_t)len);
    hex(digest, bytes);
    return header(header(list, "Fraud-Time", seconds), "Fraud-Signature",
                  digest);
}

static int tell(CURLcode rc, const char *url, const control_answer_t *answer) {
    if (rc != CURLE_OK) {
        (void)fprintf(stderr, "fraudctl: %s: %s\n", url,
                      curl_easy_strerror(rc));
        return 0;
    }
    if (answer->status == 200) {
        return 1;
    }
    (void)fprintf(stderr, "fraudctl: %s answered %ld: %s\n", url,
                  answer->status,
                  answer->status == 400   ? "not a value of that identity"
                  : answer->status == 403 ? "not signed, or not from there"
                  : answer->status == 404 ? "no such identity, or no "
                                            "fraud_control"
                  : answer->status == 405 ? "no fraud_control there"
                                          : "refused");
    return 0;
}

static const char *url_of(const control_t *control) {
    const char *url = control->url;

    if (url == NULL) {
        url = getenv("FRAUD_CONTROL");
        url = url != NULL && url[0] != '\0' ? url : CONTROL_URL;
    }
    return url;
}

static CURLcode perform(const control_t *control, const char *operation,
                        const char *identity, const char *value,
                        control_answer_t *answer) {
    const char *url = url_of(control);
    struct curl_slist *headers;
    CURLcode rc;
    CURL *curl;

    answer->len = 0;
    answer->status = 0;
    answer->text[0] = '\0';
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (curl = curl_easy_init()) == NULL) {
        fail("libcurl cannot start");
    }
    headers = header(NULL, "Fraud-Operation", operation);
    headers = header(headers, "Fraud-Identity", identity);
    headers = header(headers, "Fraud-Value", value);
    headers = sign(headers, control, operation, identity, value);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (control->socket != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, control->socket);
    }
    rc = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return rc;
}

int control_send(const control_t *control, const char *operation,
                 const char *identity, const char *value,
                 control_answer_t *answer) {
    return perform(control, operation, identity, value, answer) == CURLE_OK;
}

int control_ask(const control_t *control, const char *operation,
                const char *identity, const char *value,
                control_answer_t *answer) {
    return tell(perform(control, operation, identity, value, answer),
                url_of(control), answer);
}
