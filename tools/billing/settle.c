/* SPDX-License-Identifier: BSD-2-Clause */

#include "settle.h"

#include "clock.h"
#include "notice.h"
#include "outbox.h"

#include <stdio.h>
#include <string.h>

#define LOOK_AGAIN (3600ll * CLOCK_SECOND) /* whether a message is sent */

/* A transfer of the incident: all of them but the hold have it as pending. */
static transfer_t plan(const incident_t *incident, const char *kind,
                       const char *debit, const char *credit, int64_t amount,
                       int64_t now) {
    transfer_t transfer;

    memset(&transfer, 0, sizeof(transfer));
    transfer.kind = kind;
    transfer.debit = debit;
    transfer.credit = credit;
    transfer.amount = amount;
    transfer.currency = incident->currency;
    transfer.pending = incident->hold;
    transfer.incident = incident->id;
    transfer.policy = incident->policy;
    transfer.policy_version = incident->policy_version;
    transfer.at = now;
    return transfer;
}

/* What has to be there once, and was not: anything else is a defect. */
static db_rc enter(billing_t *billing, const transfer_t *transfer) {
    db_rc rc = DB_OK;

    return ledger_transfer(billing->db, transfer, &rc) == LEDGER_OK ||
                   rc != DB_OK
               ? rc
               : DB_FAIL;
}

static db_rc tell(billing_t *billing, const notice_t *notice,
                  const transfer_t *transfer, const char *type) {
    db_rc rc = notice_add(billing, notice, transfer->id);

    return rc == DB_OK
               ? outbox_add(billing, transfer->id, type, transfer->incident,
                            transfer->id, transfer->at)
               : rc;
}

static int64_t appeal_window(const billing_t *billing,
                             const incident_t *incident, int64_t now) {
    fraud_settings_t settings;

    return billing_settings(billing, &settings, incident->policy,
                            incident->policy_version, now)
               ? (int64_t)settings.window_appeal
               : 0;
}

static db_rc begin_hold(billing_t *billing, incident_t *incident,
                        const transfer_t *transfer) {
    fraud_settings_t settings;
    notice_t notice = {NOTICE_HOLD, incident,     NULL, transfer->amount,
                       0,           transfer->at, 0};
    db_rc rc;

    if (!billing_settings(billing, &settings, incident->policy,
                          incident->policy_version, transfer->at)) {
        return DB_FAIL;
    }
    memcpy(incident->hold, transfer->id, sizeof(incident->hold));
    incident->post_at =
        transfer->at +
        ((int64_t)settings.window_hold + INCIDENT_SLACK) * CLOCK_SECOND;
    incident->expires_at =
        incident->post_at + (int64_t)billing->conf.grace * CLOCK_SECOND;
    rc = db_run(billing->db,
                "UPDATE incident SET hold = $2, post_at = $3, expires_at = $4 "
                "WHERE id = $1",
                DB_ARGS(DB_T(incident->id), DB_T(incident->hold),
                        DB_I(incident->post_at), DB_I(incident->expires_at)));
    if (rc == DB_OK) {
        rc = incident_move(billing->db, incident, "held", transfer->at);
    }
    failpoint("hold-entered");
    notice.appeal = settings.window_appeal;
    return rc == DB_OK ? tell(billing, &notice, transfer, "fraud.hold.created")
                       : rc;
}

static transfer_t plan_hold(const incident_t *incident, int64_t now,
                            int64_t amount) {
    transfer_t transfer =
        plan(incident, "hold", incident->account, LEDGER_HOLD, amount, now);

    transfer.pending = NULL;
    billing_id(transfer.id, "hld", incident->id, NULL);
    return transfer;
}

ledger_rc settle_hold(billing_t *billing, incident_t *incident, int64_t now,
                      const char *decision, int64_t amount, db_rc *rc) {
    transfer_t transfer = plan_hold(incident, now, amount);
    ledger_rc ledger;

    transfer.decision = decision;
    ledger = ledger_transfer(billing->db, &transfer, rc);
    if (ledger != LEDGER_OK) {
        return ledger;
    }
    *rc = begin_hold(billing, incident, &transfer);
    return *rc == DB_OK ? LEDGER_OK : LEDGER_DB;
}

db_rc settle_refuse(billing_t *billing, const incident_t *incident, int64_t now,
                    int64_t amount, const char *reason) {
    transfer_t transfer = plan_hold(incident, now, amount);

    return ledger_refuse(billing->db, &transfer, reason);
}

/* What the hold of the incident took. */
static db_rc held(db_t *db, const incident_t *incident, int64_t *amount) {
    db_rc rc = db_run(db, "SELECT amount FROM transfer WHERE id = $1",
                      DB_ARGS(DB_T(incident->hold)));

    if (rc == DB_OK) {
        *amount = db_int(db, 0);
    }
    return rc == DB_NONE ? DB_FAIL : rc;
}

/*
 * The time to object begins when the hold does, or when the billing system,
 * which tells the person, took its message later than clocks may differ. 0: it
 * has not yet.
 */
static db_rc find_told(billing_t *billing, const incident_t *incident,
                       int64_t *at) {
    db_rc rc = db_run(billing->db,
                      "SELECT t.at, o.state, o.sent_at FROM transfer t"
                      " LEFT JOIN outbox o ON o.id = t.id WHERE t.id = $1",
                      DB_ARGS(DB_T(incident->hold)));
    int64_t sent_at;

    if (rc != DB_OK) {
        return rc == DB_NONE ? DB_FAIL : rc;
    }
    *at = db_int(billing->db, 0);
    if (billing->conf.webhook_url == NULL) {
        return DB_OK; /* somebody exports what is to be told */
    }
    sent_at = db_int(billing->db, 2);
    if (strcmp(db_text(billing->db, 1), "sent") != 0) {
        *at = 0;
    } else if (sent_at > *at + (int64_t)INCIDENT_SLACK * CLOCK_SECOND) {
        *at = sent_at;
    }
    return DB_OK;
}

/* Who is not told in time is not charged: the hold expires when it would. */
static db_rc put_off(billing_t *billing, const incident_t *incident,
                     int64_t now) {
    int64_t next = now + LOOK_AGAIN;

    return db_run(
        billing->db, "UPDATE incident SET post_at = $2 WHERE id = $1",
        DB_ARGS(DB_T(incident->id),
                DB_I(next < incident->expires_at ? next
                                                 : incident->expires_at + 1)));
}

db_rc settle_due(billing_t *billing, const incident_t *incident, int64_t now,
                 int *due) {
    fraud_settings_t settings;
    int64_t at, post_at;
    db_rc rc;

    *due = 1;
    if (!billing_settings(billing, &settings, incident->policy,
                          incident->policy_version, now)) {
        return DB_OK;
    }
    rc = find_told(billing, incident, &at);
    if (rc != DB_OK) {
        return rc;
    }
    if (at == 0) {
        *due = 0;
        return put_off(billing, incident, now);
    }
    post_at =
        at + ((int64_t)settings.window_hold + INCIDENT_SLACK) * CLOCK_SECOND;
    *due = post_at <= now;
    return *due ? DB_OK
                : db_run(billing->db,
                         "UPDATE incident SET post_at = $2, expires_at = $3 "
                         "WHERE id = $1",
                         DB_ARGS(DB_T(incident->id), DB_I(post_at),
                                 DB_I(post_at + (int64_t)billing->conf.grace *
                                                    CLOCK_SECOND)));
}

db_rc settle_post(billing_t *billing, incident_t *incident, int64_t now,
                  const char *decision, int64_t most) {
    transfer_t post, release;
    notice_t notice = {NOTICE_POST, incident, NULL, 0, 0, now, 0};
    int64_t whole = 0;
    db_rc rc = held(billing->db, incident, &whole);

    if (rc != DB_OK) {
        return rc;
    }
    notice.amount = most < whole ? most : whole;
    notice.left = whole - notice.amount;
    notice.appeal = appeal_window(billing, incident, now);
    if (notice.left != 0) {
        release = plan(incident, "release", LEDGER_HOLD, incident->account,
                       notice.left, now);
        release.decision = decision;
        billing_id(release.id, "rel", incident->hold, NULL);
        rc = enter(billing, &release);
    }
    if (rc == DB_OK) {
        post = plan(incident, "post", LEDGER_HOLD, LEDGER_RECOVERY,
                    notice.amount, now);
        post.decision = decision;
        billing_id(post.id, "pst", incident->hold, NULL);
        rc = enter(billing, &post);
    }
    failpoint("post-entered");
    if (rc == DB_OK) {
        rc = incident_move(billing->db, incident, "posted", now);
    }
    return rc == DB_OK ? tell(billing, &notice, &post, "fraud.hold.posted")
                       : rc;
}

db_rc settle_back(billing_t *billing, incident_t *incident, int64_t now,
                  const char *kind, const char *decision) {
    transfer_t back;
    notice_t notice = {NOTICE_VOID, incident, NULL, 0, 0, now, 0};
    db_rc rc = held(billing->db, incident, &notice.amount);

    if (rc != DB_OK) {
        return rc;
    }
    back = plan(incident, kind, LEDGER_HOLD, incident->account, notice.amount,
                now);
    back.decision = decision;
    billing_id(back.id, kind[0] == 'v' ? "voi" : "exp", incident->hold, NULL);
    rc = enter(billing, &back);
    failpoint("back-entered");
    if (rc == DB_OK) {
        rc = incident_move(billing->db, incident, "voided", now);
    }
    return rc == DB_OK ? tell(billing, &notice, &back, "fraud.hold.voided")
                       : rc;
}

db_rc settle_left(db_t *db, const incident_t *incident, int64_t *amount) {
    db_rc rc =
        db_run(db,
               "SELECT CAST(COALESCE(SUM(CASE WHEN kind = 'post' THEN amount"
               " WHEN kind = 'reverse' THEN -amount ELSE 0 END), 0) AS BIGINT) "
               "FROM transfer WHERE incident = $1",
               DB_ARGS(DB_T(incident->id)));

    if (rc == DB_OK) {
        *amount = db_int(db, 0);
    }
    return rc == DB_NONE ? DB_FAIL : rc;
}

static ledger_rc reversed(db_t *db, const transfer_t *transfer, db_rc *rc) {
    *rc = db_run(db, "SELECT amount FROM transfer WHERE id = $1",
                 DB_ARGS(DB_T(transfer->id)));
    if (*rc == DB_OK) {
        return db_int(db, 0) == transfer->amount ? LEDGER_EXISTS
                                                 : LEDGER_DIFFERS;
    }
    return *rc == DB_NONE ? LEDGER_OK : LEDGER_DB;
}

ledger_rc settle_reverse(billing_t *billing, incident_t *incident, int64_t now,
                         const char *appeal, int64_t amount, db_rc *rc) {
    transfer_t back = plan(incident, "reverse", LEDGER_RECOVERY,
                           incident->account, amount, now);
    notice_t notice = {NOTICE_REVERSE, incident, NULL, amount, 0, now, 0};
    ledger_rc ledger;

    billing_id(back.id, "rev", incident->hold, appeal, NULL);
    ledger = reversed(billing->db, &back, rc);
    if (ledger != LEDGER_OK) {
        return ledger;
    }
    *rc = settle_left(billing->db, incident, &notice.left);
    if (*rc != DB_OK) {
        return LEDGER_DB;
    }
    if (amount < 1 || amount > notice.left) {
        return LEDGER_REFUSED;
    }
    notice.left -= amount;
    notice.appeal = appeal_window(billing, incident, now);
    *rc = enter(billing, &back);
    failpoint("reverse-entered");
    if (*rc == DB_OK && notice.left == 0) {
        *rc = incident_move(billing->db, incident, "reversed", now);
    }
    if (*rc == DB_OK) {
        *rc = tell(billing, &notice, &back, "fraud.post.reversed");
    }
    return *rc == DB_OK ? LEDGER_OK : LEDGER_DB;
}

db_rc settle_verdict(billing_t *billing, const incident_t *incident,
                     const char *said, int64_t now) {
    char id[BILLING_ID_SIZE];
    db_rc rc;

    billing_id(id, "vrd", incident->id, said, NULL);
    rc = db_run(billing->db,
                "INSERT INTO verdict (id, policy, pid, epoch, said, state, at) "
                "VALUES ($1, $2, $3, $4, $5, 'waiting', $6) "
                "ON CONFLICT (id) DO NOTHING",
                DB_ARGS(DB_T(id), DB_T(incident->policy), DB_T(incident->pid),
                        DB_I(incident->epoch), DB_T(said), DB_I(now)));
    return rc == DB_NONE ? DB_OK : rc;
}
