/* SPDX-License-Identifier: BSD-2-Clause */

#include "message.h"

#include "fraud_event.h"

#include <stdio.h>
#include <string.h>

#define END "}}" /* of the data, and of the object */
#define KIND 12
#define ROOM (MESSAGE_SIZE - 6 * MESSAGE_ACCOUNT - 32)

static void put(fraud_event_t *event, const char *key, const char *text) {
    fraud_str_t name = {(const uint8_t *)key, strlen(key)};

    fraud_event_str(event, name, text, strlen(text));
}

static void put_time(fraud_event_t *event, const char *key, int64_t us) {
    fraud_str_t name = {(const uint8_t *)key, strlen(key)};

    fraud_event_time(event, name, (uint64_t)(us / 1000));
}

static void put_amount(fraud_event_t *event, const char *key, int64_t amount) {
    char text[24];

    (void)snprintf(text, sizeof(text), "%lld", (long long)amount);
    put(event, key, text);
}

static db_rc render_incident(db_t *db, fraud_event_t *event,
                             const char *incident) {
    db_rc rc;

    rc = db_run(db,
                "SELECT id, account, policy, policy_version, family, fraud, "
                "damage, kind, amount, currency, state, post_at FROM incident "
                "WHERE id = $1",
                DB_ARGS(DB_T(incident)));
    if (rc != DB_OK) {
        return rc;
    }
    put(event, "incident", db_text(db, 0));
    put(event, "ledger_account", db_text(db, 1));
    put(event, "policy", db_text(db, 2));
    fraud_event_uint(event, FRAUD_STR("policy_version"),
                     (uint64_t)db_int(db, 3));
    put(event, "family", db_text(db, 4));
    put(event, "fraud", db_text(db, 5));
    put(event, "damage", db_text(db, 6));
    put(event, "damage_kind", db_text(db, 7));
    put_amount(event, "damage_minor", db_int(db, 8));
    put(event, "currency", db_text(db, 9));
    put(event, "state", db_text(db, 10));
    if (db_int(db, 11) != 0) {
        put_time(event, "post_at", db_int(db, 11));
    }
    return DB_OK;
}

/* ${kind} is then that of the transfer. */
static db_rc render_transfer(db_t *db, fraud_event_t *event, char *kind,
                             const char *transfer) {
    db_rc rc;

    kind[0] = '\0';
    if (transfer == NULL) {
        return DB_OK;
    }
    rc = db_run(db,
                "SELECT id, kind, amount, currency, seq, pending, at FROM "
                "transfer WHERE id = $1",
                DB_ARGS(DB_T(transfer)));
    if (rc != DB_OK) {
        return rc;
    }
    (void)snprintf(kind, KIND, "%s", db_text(db, 1));
    fraud_event_open(event, FRAUD_STR("transfer"));
    put(event, "id", db_text(db, 0));
    put(event, "kind", kind);
    put_amount(event, "amount_minor", db_int(db, 2));
    put(event, "currency", db_text(db, 3));
    fraud_event_uint(event, FRAUD_STR("sequence"), (uint64_t)db_int(db, 4));
    if (db_text(db, 5)[0] != '\0') {
        put(event, "of", db_text(db, 5));
    }
    put_time(event, "at", db_int(db, 6));
    fraud_event_close(event);
    return DB_OK;
}

/* The person's reason, or before there was a person the function's. */
static db_rc render_reason(db_t *db, fraud_event_t *event,
                           const char *incident) {
    db_rc rc;

    rc = db_run(db,
                "SELECT reason FROM review WHERE incident = $1 AND action "
                "NOT IN ('show', 'erase', 'restrict', 'lift') "
                "ORDER BY at DESC, id LIMIT 1",
                DB_ARGS(DB_T(incident)));
    if (rc == DB_NONE) {
        rc = db_run(db,
                    "SELECT reason FROM decision WHERE incident = $1 "
                    "ORDER BY at DESC, id LIMIT 1",
                    DB_ARGS(DB_T(incident)));
    }
    if (rc == DB_OK) {
        put(event, "reason", db_text(db, 0));
    }
    return rc == DB_NONE ? DB_OK : rc;
}

static db_rc render_notice(db_t *db, fraud_event_t *event, const char *type,
                           const char *incident) {
    static const char *const kinds[][2] = {{"fraud.hold.created", "hold"},
                                           {"fraud.hold.posted", "post"},
                                           {"fraud.hold.voided", "void"},
                                           {"fraud.post.reversed", "reverse"}};
    size_t i;
    db_rc rc;

    for (i = 0; strcmp(kinds[i][0], type) != 0; i++) {
        if (i + 1 == sizeof(kinds) / sizeof(kinds[0])) {
            return DB_OK;
        }
    }
    rc = db_run(db,
                "SELECT text FROM notice WHERE incident = $1 AND kind = $2 "
                "ORDER BY at DESC, id LIMIT 1",
                DB_ARGS(DB_T(incident), DB_T(kinds[i][1])));
    if (rc == DB_OK) {
        put(event, "notice", db_text(db, 0));
    }
    return rc == DB_NONE ? DB_OK : rc;
}

db_rc message_render(db_t *db, char *body, const char *type,
                     const char *incident, const char *transfer, int64_t now) {
    char kind[KIND];
    fraud_event_t event;
    db_rc rc;

    fraud_event_begin(&event, (uint8_t *)body, ROOM);
    put(&event, "type", type);
    put_time(&event, "timestamp", now);
    fraud_event_open(&event, FRAUD_STR("data"));
    rc = render_incident(db, &event, incident);
    if (rc == DB_OK) {
        rc = render_transfer(db, &event, kind, transfer);
    }
    if (rc == DB_OK) {
        rc = render_reason(db, &event, incident);
    }
    if (rc == DB_OK) {
        rc = render_notice(db, &event, type, incident);
    }
    if (rc != DB_OK) {
        return rc;
    }
    fraud_event_close(&event);
    if (fraud_event_end(&event) != FRAUD_OK) {
        return DB_FAIL;
    }
    body[event.buf.len - 1] = '\0'; /* the line feed */
    return DB_OK;
}

/* Bytes of the character at ${p} (RFC 3629, 4), 0 if it is none. */
static size_t character(const uint8_t *p) {
    size_t i, n = p[0] < 0x80                    ? 1
                  : p[0] >= 0xc2 && p[0] <= 0xdf ? 2
                  : p[0] >= 0xe0 && p[0] <= 0xef ? 3
                  : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                 : 0;

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) {
        return 0;
    }
    return n;
}

static int is_utf8(const char *text) {
    const uint8_t *p = (const uint8_t *)text;
    size_t n;

    for (; *p != '\0'; p += n) {
        n = character(p);
        if (n == 0) {
            return 0;
        }
    }
    return 1;
}

static void add_account(fraud_buf_t *buf, const char *account) {
    int utf8 = is_utf8(account);
    char escape[8];

    fraud_buf_char(buf, '"');
    for (; *account != '\0'; account++) {
        unsigned ch = (unsigned char)*account;

        if (ch < 0x20 || ch == '"' || ch == '\\' || ch == 0x7f ||
            (ch >= 0x80 && !utf8)) {
            (void)snprintf(escape, sizeof(escape), "\\u%04x", ch);
            fraud_buf_text(buf, escape);
        } else {
            fraud_buf_char(buf, *account);
        }
    }
    fraud_buf_char(buf, '"');
}

size_t message_address(char *text, size_t size, const char *body,
                       const char *account) {
    size_t len = strlen(body), end = sizeof(END) - 1;
    fraud_buf_t buf;

    if (len < end || strcmp(body + len - end, END) != 0) {
        return 0;
    }
    fraud_buf_init(&buf, (uint8_t *)text, size - 1);
    fraud_buf_add(&buf, body, len - end);
    fraud_buf_text(&buf, ",\"account\":");
    if (account != NULL) {
        add_account(&buf, account);
    } else {
        fraud_buf_text(&buf, "null");
    }
    fraud_buf_text(&buf, END);
    if (buf.full) {
        return 0;
    }
    text[buf.len] = '\0';
    return buf.len;
}
