/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "outbox.h"

#include "clock.h"
#include "fail.h"
#include "fraud_hook.h"
#include "message.h"
#include "option.h"
#include "say.h"
#include "transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRETS 4096 /* bytes of the file */
#define LOOK_MS 250  /* between two looks for what is due */
#define ERROR_SIZE 64
#define GONE 410
#define GONE_KEY "webhook.gone"

/* A message that is under way, or is answered and not written down yet. */
typedef struct {
    char id[BILLING_ID_SIZE];
    int64_t tries; /* this one included */
    int used;
    int answered;
    long status;
    char why[ERROR_SIZE];
} flight_t;

struct outbox_s {
    billing_t *billing;
    transport_t *transport;
    fraud_hook_secret_t secret; /* the first one */
    char endpoint[BILLING_HASH_SIZE];
    int64_t looked; /* clock_ms() */
    int64_t now;
    flight_t flight[OUTBOX_FLIGHT];
};

static const int delays[] = {5,     300,   1800,  7200, 18000,
                             36000, 50400, 72000, 86400}; /* seconds */

int64_t outbox_delay(const char *id, int64_t tries) {
    char hash[BILLING_HASH_SIZE], number[24];
    int64_t delay, less;

    if (tries < 1 || tries > (int64_t)(sizeof(delays) / sizeof(delays[0]))) {
        return 0;
    }
    (void)snprintf(number, sizeof(number), "%lld", (long long)tries);
    billing_hash(hash, "delay", id, number, (char *)NULL);
    hash[4] = '\0';
    delay = delays[tries - 1] * (int64_t)CLOCK_SECOND;
    less = delay / 10 * (int64_t)strtoul(hash, NULL, 16) / 65536;
    return delay - less;
}

db_rc outbox_add(billing_t *billing, const char *id, const char *type,
                 const char *incident, const char *transfer, int64_t now) {
    char body[MESSAGE_SIZE];
    db_rc rc;

    rc = message_render(billing->db, body, type, incident, transfer, now);
    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_FAIL : rc;
    }
    rc = db_run(
        billing->db,
        "INSERT INTO outbox (id, type, incident, body, state, tries, "
        "next_at, error, at, sent_at) VALUES ($1, $2, $3, $4, "
        "'waiting', 0, $5, NULL, $5, NULL) ON CONFLICT (id) DO NOTHING",
        DB_ARGS(DB_T(id), DB_T(type), DB_T(incident), DB_T(body), DB_I(now)));
    return rc == DB_NONE ? DB_OK : rc;
}

static void read_secret(outbox_t *outbox, const char *path) {
    char line[SECRETS];
    fraud_str_t text;
    int bad;

    if (path == NULL || !option_secret(line, sizeof(line), path)) {
        fail("[webhook] secret: cannot read a secret in \"%s\"",
             path != NULL ? path : "");
    }
    text.data = (const uint8_t *)line;
    text.len = strlen(line);
    bad = fraud_hook_secret(&outbox->secret, text) != FRAUD_OK;
    billing_wipe(line, sizeof(line));
    if (bad) {
        fail("[webhook] secret: the first line of \"%s\" is not \"whsec_\" and "
             "the base64 of 24 to 64 bytes",
             path);
    }
}

static int timeout(void) {
#ifdef BILLING_TEST
    const char *text = getenv("FRAUD_TIMEOUT");

    if (text != NULL) {
        return atoi(text);
    }
#endif
    return OUTBOX_TIMEOUT;
}

outbox_t *outbox_open(billing_t *billing) {
    const billing_conf_t *conf = &billing->conf;
    outbox_t *outbox;

    if (conf->webhook_url == NULL) {
        return NULL;
    }
    if (!transport_is_url(conf->webhook_url)) {
        fail("[webhook] url: \"%s\" is not https://..., and without a user "
             "in it",
             conf->webhook_url);
    }
    outbox = calloc(1, sizeof(*outbox));
    if (outbox == NULL) {
        fail("no memory");
    }
    read_secret(outbox, conf->webhook_secret);
    outbox->billing = billing;
    outbox->looked = clock_ms() - LOOK_MS;
    billing_hash(outbox->endpoint, "endpoint", conf->webhook_url, (char *)NULL);
    outbox->transport = transport_open(conf->webhook_url, conf->webhook_ca,
                                       timeout(), OUTBOX_FLIGHT);
    if (outbox->transport == NULL) {
        fail("libcurl cannot start");
    }
    return outbox;
}

void outbox_close(outbox_t *outbox) {
    if (outbox != NULL) {
        transport_close(outbox->transport);
        fraud_hook_wipe(&outbox->secret);
        free(outbox);
    }
}

/* The account of ${incident} in the application; 0: erased, or not for us. */
static int reveal(billing_t *billing, char *raw, const char *incident) {
    char account[BILLING_ACCOUNT_SIZE], box[BILLING_BOX_SIZE];

    if (db_run(billing->db,
               "SELECT r.account, r.box FROM resolver r JOIN incident i ON "
               "i.account = r.account WHERE i.id = $1",
               DB_ARGS(DB_T(incident))) != DB_OK) {
        return 0;
    }
    (void)snprintf(account, sizeof(account), "%s", db_text(billing->db, 0));
    (void)snprintf(box, sizeof(box), "%s", db_text(billing->db, 1));
    return billing_open_account(billing, raw, MESSAGE_ACCOUNT + 1, account,
                                box);
}

/* Begin an attempt. What cannot be begun is as one that was not answered. */
static void post(outbox_t *outbox, flight_t *flight, const char *body,
                 const char *account) {
    char text[MESSAGE_SIZE], id[BILLING_ID_SIZE + 16];
    char stamp[48], signature[FRAUD_HOOK_SIGNATURE + 32];
    const char *headers[] = {"Content-Type: application/json", id, stamp,
                             signature, NULL};
    static const char name[] = "webhook-signature: ";
    uint64_t seconds = (uint64_t)(outbox->now / CLOCK_SECOND);
    fraud_str_t key = {(const uint8_t *)flight->id, strlen(flight->id)};
    fraud_str_t all = {(const uint8_t *)text, 0};

    all.len = message_address(text, sizeof(text), body, account);
    (void)snprintf(id, sizeof(id), "webhook-id: %s", flight->id);
    (void)snprintf(stamp, sizeof(stamp), "webhook-timestamp: %llu",
                   (unsigned long long)seconds);
    memcpy(signature, name, sizeof(name) - 1);
    signature[sizeof(name) - 1 + FRAUD_HOOK_SIGNATURE] = '\0';
    flight->used = 1;
    if (all.len == 0 ||
        fraud_hook_sign(signature + sizeof(name) - 1, &outbox->secret, key,
                        seconds, all) != FRAUD_OK ||
        !transport_post(outbox->transport, headers, text, all.len, flight)) {
        flight->answered = 1;
        (void)snprintf(flight->why, sizeof(flight->why), "cannot be sent");
    }
    billing_wipe(text, sizeof(text));
}

typedef struct {
    outbox_t *outbox;
    flight_t *flight;
    char body[MESSAGE_SIZE];
    char incident[BILLING_ID_SIZE];
} due_t;

/*
 * The attempt counts from here on: who comes after a crash waits until the
 * lease is over, and nobody sends it at the same time.
 */
static db_rc claim(billing_t *billing, void *data) {
    due_t *due = data;
    flight_t *flight = due->flight;
    int64_t now = due->outbox->now;
    db_t *db = billing->db;
    db_rc rc;

    rc = db_run(db, "SELECT value FROM meta WHERE key = $1",
                DB_ARGS(DB_T(GONE_KEY)));
    if (rc == DB_OK && strcmp(db_text(db, 0), due->outbox->endpoint) == 0) {
        return DB_NONE;
    }
    if (rc == DB_OK || rc == DB_NONE) {
        rc = db_run(db,
                    "SELECT id, tries, body, incident FROM outbox WHERE state "
                    "= 'waiting' AND next_at <= $1 ORDER BY next_at, id "
                    "LIMIT 1",
                    DB_ARGS(DB_I(now)));
    }
    if (rc != DB_OK) {
        return rc;
    }
    memset(flight, 0, sizeof(*flight));
    (void)snprintf(flight->id, sizeof(flight->id), "%s", db_text(db, 0));
    flight->tries = db_int(db, 1) + 1;
    (void)snprintf(due->body, sizeof(due->body), "%s", db_text(db, 2));
    (void)snprintf(due->incident, sizeof(due->incident), "%s", db_text(db, 3));
    rc = db_run(db,
                "UPDATE outbox SET tries = $2, next_at = $3 WHERE id = $1 AND "
                "state = 'waiting' AND tries = $2 - 1",
                DB_ARGS(DB_T(flight->id), DB_I(flight->tries),
                        DB_I(now + OUTBOX_LEASE * (int64_t)CLOCK_SECOND)));
    return rc == DB_NONE ? DB_RETRY : rc;
}

/* Send what is due, as far as there is room. */
static db_rc send_due(outbox_t *outbox) {
    char raw[MESSAGE_ACCOUNT + 1];
    due_t due;
    size_t i;
    db_rc rc;

    due.outbox = outbox;
    for (i = 0; i < OUTBOX_FLIGHT; i++) {
        if (outbox->flight[i].used) {
            continue;
        }
        due.flight = &outbox->flight[i];
        rc = billing_again(outbox->billing, claim, &due);
        if (rc != DB_OK) {
            return rc == DB_NONE ? DB_OK : rc;
        }
        failpoint("outbox-claimed");
        post(outbox, due.flight, due.body,
             reveal(outbox->billing, raw, due.incident) ? raw : NULL);
        billing_wipe(raw, sizeof(raw));
    }
    return DB_OK;
}

static void answered(void *data, long status, const char *why) {
    flight_t *flight = data;

    flight->answered = 1;
    flight->status = status;
    if (status != 0) {
        (void)snprintf(flight->why, sizeof(flight->why), "HTTP %ld", status);
    } else {
        (void)snprintf(flight->why, sizeof(flight->why), "%s", why);
    }
}

static db_rc write_down(billing_t *billing, void *data) {
    const due_t *due = data;
    const flight_t *flight = due->flight;
    int64_t now = due->outbox->now, delay;
    db_t *db = billing->db;
    db_rc rc;

    if (flight->status >= 200 && flight->status <= 299) {
        rc = db_run(db,
                    "UPDATE outbox SET state = 'sent', sent_at = $2, error = "
                    "NULL WHERE id = $1 AND state <> 'sent'",
                    DB_ARGS(DB_T(flight->id), DB_I(now)));
        return rc == DB_NONE ? DB_OK : rc;
    }
    delay =
        flight->status == GONE ? 0 : outbox_delay(flight->id, flight->tries);
    rc = db_run(
        db,
        "UPDATE outbox SET state = $2, next_at = $3, error = $4 WHERE "
        "id = $1 AND state = 'waiting' AND tries = $5",
        DB_ARGS(DB_T(flight->id), DB_T(delay != 0 ? "waiting" : "parked"),
                DB_I(now + delay), DB_T(flight->why), DB_I(flight->tries)));
    if (rc != DB_OK || flight->status != GONE) {
        return rc == DB_NONE ? DB_OK : rc;
    }
    return db_run(db,
                  "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT "
                  "(key) DO UPDATE SET value = $2",
                  DB_ARGS(DB_T(GONE_KEY), DB_T(due->outbox->endpoint)));
}

static void tell(const flight_t *flight) {
    if (flight->status >= 200 && flight->status <= 299) {
        say(SAY_INFO, "sent",
            SAY(SAY_T("id", flight->id), SAY_I("attempt", flight->tries)));
    } else if (flight->status == GONE) {
        say(SAY_ALARM, "endpoint gone",
            SAY(SAY_T("id", flight->id), SAY_T("answer", flight->why)));
    } else if (outbox_delay(flight->id, flight->tries) == 0) {
        say(SAY_ALARM, "parked",
            SAY(SAY_T("id", flight->id), SAY_I("attempt", flight->tries),
                SAY_T("answer", flight->why)));
    } else {
        say(SAY_WARN, "not sent",
            SAY(SAY_T("id", flight->id), SAY_I("attempt", flight->tries),
                SAY_T("answer", flight->why)));
    }
}

/* Return how many answers are in the database now, -1 if it is down. */
static int take_answers(outbox_t *outbox) {
    due_t due;
    size_t i;
    int n = 0;

    due.outbox = outbox;
    for (i = 0; i < OUTBOX_FLIGHT; i++) {
        due.flight = &outbox->flight[i];
        if (!due.flight->answered) {
            continue;
        }
        failpoint("outbox-answered");
        if (billing_again(outbox->billing, write_down, &due) != DB_OK) {
            return -1;
        }
        tell(due.flight);
        memset(due.flight, 0, sizeof(*due.flight));
        n++;
    }
    return n;
}

int outbox_send(outbox_t *outbox, int64_t now, int wait) {
    int n, more;

    if (outbox == NULL) {
        return 0;
    }
    outbox->now = now;
    n = take_answers(outbox);
    if (n < 0) {
        return -1;
    }
    if (n != 0 || clock_ms() - outbox->looked >= LOOK_MS) {
        outbox->looked = clock_ms();
        if (send_due(outbox) != DB_OK) {
            return -1;
        }
    }
    (void)transport_wait(outbox->transport, wait, answered);
    more = take_answers(outbox);
    return more < 0 ? -1 : n + more + (int)transport_busy(outbox->transport);
}

typedef struct {
    const char *id;
    int64_t now;
} retry_t;

static db_rc retry(billing_t *billing, void *data) {
    const retry_t *r = data;
    db_rc rc;

    rc = db_run(billing->db, "DELETE FROM meta WHERE key = $1",
                DB_ARGS(DB_T(GONE_KEY)));
    if (rc != DB_OK && rc != DB_NONE) {
        return rc;
    }
    if (r->id == NULL) {
        rc = db_run(billing->db,
                    "UPDATE outbox SET state = 'waiting', tries = 0, next_at = "
                    "$1 WHERE state = 'parked'",
                    DB_ARGS(DB_I(r->now)));
        return rc == DB_NONE ? DB_OK : rc;
    }
    return db_run(billing->db,
                  "UPDATE outbox SET state = 'waiting', tries = 0, next_at = "
                  "$2 WHERE id = $1 AND state = 'parked'",
                  DB_ARGS(DB_T(r->id), DB_I(r->now)));
}

db_rc outbox_retry(billing_t *billing, const char *id, int64_t now) {
    retry_t r = {id, now};

    return billing_again(billing, retry, &r);
}
