/* SPDX-License-Identifier: BSD-2-Clause */

#include "verify.h"

#include <stddef.h>

#define FINDINGS 100 /* that are named of one check */

#define BACK "('release', 'void', 'expire', 'reverse')"
#define ENDS "('post', 'void', 'expire')"

/* Each transfer twice, as each account sees it. */
#define MOVES                                                                  \
    "(SELECT seq, credit AS account, amount AS net FROM transfer UNION ALL"    \
    " SELECT seq, debit, -amount FROM transfer)"

/* Every row that comes is a finding: an id, and maybe more about it. */
static const struct {
    const char *check;
    const char *what;
    const char *sql;
} checks[] = {
    {"I1", "its balance is not what its transfers add up to",
     "SELECT a.id FROM account a LEFT JOIN (SELECT account, SUM(net) AS net"
     " FROM " MOVES " AS m GROUP BY account) AS t ON t.account = a.id "
     "WHERE a.balance <> COALESCE(t.net, 0) LIMIT 100"},
    {"I1", "is not in the table of accounts",
     "SELECT DISTINCT m.account FROM " MOVES " AS m WHERE NOT EXISTS"
     " (SELECT 1 FROM account a WHERE a.id = m.account) LIMIT 100"},
    {"I1", "the balances of a currency do not add up to 0",
     "SELECT currency FROM account GROUP BY currency"
     " HAVING SUM(balance) <> 0 LIMIT 100"},
    {"I1", "is of another currency than one of its accounts",
     "SELECT t.id FROM transfer t JOIN account a ON a.id IN (t.debit, t.credit)"
     " WHERE a.currency <> t.currency LIMIT 100"},
    {"I1", "its accounts or its amount are none for its kind",
     "SELECT id, kind FROM transfer WHERE amount < 1 OR NOT (CASE kind"
     " WHEN 'deposit' THEN debit = 'sys:billing:' || currency"
     " WHEN 'spend' THEN credit = 'sys:billing:' || currency"
     " WHEN 'hold' THEN credit = 'sys:fraud_hold:' || currency"
     " WHEN 'reverse' THEN debit = 'sys:fraud_recovery:' || currency"
     " ELSE debit = 'sys:fraud_hold:' || currency END)"
     " OR NOT (CASE kind WHEN 'post'"
     " THEN credit = 'sys:fraud_recovery:' || currency"
     " WHEN 'spend' THEN debit LIKE 'cust:%' WHEN 'hold' THEN debit LIKE"
     " 'cust:%' ELSE credit LIKE 'cust:%' END) LIMIT 100"},
    {"I2", "went below 0",
     "SELECT DISTINCT account FROM (SELECT account, SUM(net) OVER"
     " (PARTITION BY account ORDER BY seq) AS balance FROM " MOVES " AS m"
     " WHERE account LIKE 'cust:%') AS b WHERE balance < 0 LIMIT 100"},
    {"I2", "is below 0",
     "SELECT id FROM account WHERE id LIKE 'cust:%' AND balance < 0 LIMIT 100"},
    {"I3", "has more than one hold",
     "SELECT incident FROM transfer WHERE kind = 'hold' GROUP BY incident"
     " HAVING COUNT(*) > 1 LIMIT 100"},
    {"I3", "was resolved more than once",
     "SELECT pending FROM transfer WHERE kind IN " ENDS " GROUP BY pending"
     " HAVING COUNT(*) > 1 LIMIT 100"},
    {"I3", "has no hold of the same incident and account before it",
     "SELECT t.id FROM transfer t WHERE t.kind IN ('post', 'release', 'void',"
     " 'expire', 'reverse') AND NOT EXISTS (SELECT 1 FROM transfer h"
     " WHERE h.id = t.pending AND h.kind = 'hold' AND h.seq < t.seq"
     " AND h.incident = t.incident AND h.currency = t.currency"
     " AND (t.kind = 'post' OR h.debit = t.credit)) LIMIT 100"},
    {"I3", "belongs to no incident of its account and policy",
     "SELECT t.id FROM transfer t WHERE t.kind NOT IN ('deposit', 'spend')"
     " AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.id = t.incident"
     " AND i.policy = t.policy AND (t.kind = 'post' OR i.account = CASE t.kind"
     " WHEN 'hold' THEN t.debit ELSE t.credit END)) LIMIT 100"},
    {"I4", "more was reversed than was posted",
     "SELECT pending FROM transfer WHERE kind IN ('post', 'reverse')"
     " GROUP BY pending HAVING SUM(CASE kind WHEN 'post' THEN amount"
     " ELSE -amount END) < 0 LIMIT 100"},
    {"I4", "has no appeal, and was not refuted",
     "SELECT t.id FROM transfer t JOIN incident i ON i.id = t.incident"
     " WHERE t.kind = 'reverse' AND i.fraud <> 'refuted' AND (SELECT COUNT(*)"
     " FROM review a WHERE a.incident = t.incident AND a.action = 'appeal'"
     " AND a.at <= t.at) < (SELECT COUNT(*) FROM transfer r"
     " WHERE r.incident = t.incident AND r.kind = 'reverse'"
     " AND r.seq <= t.seq) LIMIT 100"},
    {"I5", "what ended it is not as much as it held",
     "SELECT h.id FROM transfer h JOIN transfer e ON e.pending = h.id"
     " AND e.kind IN ('post', 'release', 'void', 'expire')"
     " WHERE h.kind = 'hold' GROUP BY h.id, h.amount"
     " HAVING SUM(e.amount) <> h.amount LIMIT 100"},
    {"I5", "is more than the damage",
     "SELECT t.id FROM transfer t JOIN incident i ON i.id = t.incident"
     " WHERE t.kind = 'post' AND t.amount > i.amount LIMIT 100"},
    {"I5", "is not covered by a decision to leave it to a person",
     "SELECT t.id FROM transfer t WHERE t.kind IN ('hold', 'post')"
     " AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.id = t.decision"
     " AND d.incident = t.incident AND d.verdict = 'review'"
     " AND d.max_amount >= t.amount) LIMIT 100"},
    {"I7", "nobody confirmed it before",
     "SELECT h.id FROM transfer h WHERE h.kind = 'hold' AND NOT EXISTS"
     " (SELECT 1 FROM review r WHERE r.incident = h.incident"
     " AND r.action IN ('confirm', 'second') AND r.amount >= h.amount"
     " AND r.at <= h.at) LIMIT 100"},
    {"I7", "there is no notice to the person",
     "SELECT t.id FROM transfer t WHERE t.kind IN ('hold', 'post', 'void',"
     " 'expire', 'reverse') AND (SELECT COUNT(*) FROM notice n"
     " WHERE n.incident = t.incident AND n.at = t.at AND n.kind = CASE t.kind"
     " WHEN 'expire' THEN 'void' ELSE t.kind END) < 1 LIMIT 100"},
    {"I7", "decided without having opened the evidence for 30 seconds",
     "SELECT r.id, r.incident FROM review r WHERE r.action IN ('confirm',"
     " 'second', 'uphold', 'refute', 'assess', 'reject', 'reverse')"
     " AND NOT EXISTS (SELECT 1 FROM review s WHERE s.incident = r.incident"
     " AND s.reviewer = r.reviewer AND s.action = 'show'"
     " AND s.at <= r.at - 30000000) LIMIT 100"},
    {"I7", "is of whoever confirmed it first",
     "SELECT r.id, r.incident FROM review r JOIN review f"
     " ON f.incident = r.incident AND f.reviewer = r.reviewer"
     " WHERE r.action IN ('second', 'uphold', 'reject')"
     " AND f.action = 'confirm' LIMIT 100"},
    {"I7", "was posted while an objection was open",
     "SELECT DISTINCT p.id FROM transfer p JOIN review o"
     " ON o.incident = p.incident AND o.action = 'object' AND o.at <= p.at"
     " WHERE p.kind = 'post' AND NOT EXISTS (SELECT 1 FROM review u"
     " WHERE u.incident = o.incident AND u.action = 'uphold'"
     " AND u.at >= o.at AND u.at <= p.at) LIMIT 100"},
    {"I9", "was refused and entered",
     "SELECT r.id FROM refusal r JOIN transfer t ON t.id = r.id LIMIT 100"},
    {"state", "is not as the ledger has it",
     "SELECT id, state FROM (SELECT i.id AS id, i.state AS state,"
     " i.hold AS hold,"
     " (SELECT COUNT(*) FROM transfer t WHERE t.incident = i.id"
     " AND t.kind = 'hold') AS held,"
     " (SELECT COUNT(*) FROM transfer t WHERE t.incident = i.id"
     " AND t.kind IN ('void', 'expire')) AS voided,"
     " (SELECT COUNT(*) FROM transfer t WHERE t.incident = i.id"
     " AND t.kind = 'post') AS posted,"
     " (SELECT COALESCE(SUM(CASE t.kind WHEN 'post' THEN t.amount"
     " WHEN 'reverse' THEN -t.amount ELSE 0 END), 0) FROM transfer t"
     " WHERE t.incident = i.id) AS kept FROM incident i) AS s"
     " WHERE NOT (CASE state WHEN 'held' THEN held = 1 AND voided + posted = 0"
     " WHEN 'objected' THEN held = 1 AND voided + posted = 0"
     " WHEN 'posted' THEN posted = 1 AND kept > 0"
     " WHEN 'reversed' THEN posted = 1 AND kept = 0"
     " WHEN 'voided' THEN voided = 1 ELSE held = 0 END) LIMIT 100"},
    {"state", "money moved, and fraud was never confirmed",
     "SELECT i.id FROM incident i WHERE i.fraud = 'suspected' AND EXISTS"
     " (SELECT 1 FROM transfer t WHERE t.incident = i.id) LIMIT 100"},
    {"spool", "records are missing before",
     "SELECT writer, CAST(seq AS TEXT) FROM (SELECT writer, seq, LAG(seq)"
     " OVER (PARTITION BY writer ORDER BY seq) AS before FROM arrival) AS a"
     " WHERE seq <> COALESCE(before, -1) + 1 LIMIT 100"},
    {"spool", "has a record after its end:",
     "SELECT a.writer, CAST(a.seq AS TEXT) FROM (SELECT writer, MIN(seq) AS seq"
     " FROM arrival WHERE became = 'end' GROUP BY writer) AS e JOIN arrival a"
     " ON a.writer = e.writer AND a.seq > e.seq LIMIT 100"},
    {"inbox", "counted on arrival and is not there",
     "SELECT COALESCE(a.id, '-'), a.writer FROM arrival a WHERE a.became IN"
     " ('counted', 'repeated') AND NOT EXISTS (SELECT 1 FROM inbox i"
     " WHERE i.id = a.id) LIMIT 100"},
    {"inbox", "counted more than once on arrival",
     "SELECT id FROM arrival WHERE became = 'counted' GROUP BY id"
     " HAVING COUNT(*) > 1 LIMIT 100"},
    {"inbox", "is there and did not count on arrival",
     "SELECT id FROM (SELECT id FROM inbox EXCEPT SELECT id FROM arrival"
     " WHERE became = 'counted') AS i WHERE NOT EXISTS (SELECT 1 FROM dead d"
     " WHERE d.state = 'redriven' AND d.seq < 0) LIMIT 100"},
    {"inbox", "is of no incident",
     "SELECT i.id FROM inbox i WHERE NOT EXISTS (SELECT 1 FROM incident n"
     " WHERE n.id = i.incident) LIMIT 100"},
    {"inbox", "its events are not as many as its flags",
     "SELECT n.id FROM incident n WHERE n.events <> (SELECT COUNT(*)"
     " FROM inbox i WHERE i.incident = n.id) LIMIT 100"},
    {"inbox", "its amount is not what its flags add up to",
     "SELECT n.id FROM incident n WHERE n.damage = 'suspected'"
     " AND n.amount <> (SELECT COALESCE(SUM(i.amount), 0) FROM inbox i"
     " WHERE i.incident = n.id) LIMIT 100"},
    {"dead", "is dead and did not arrive so",
     "SELECT d.id FROM dead d WHERE d.seq >= 0 AND d.state = 'dead'"
     " AND NOT EXISTS (SELECT 1 FROM arrival a WHERE a.writer = d.writer"
     " AND a.seq = d.seq AND a.became = 'dead') LIMIT 100"},
    {"outbox", "the billing system is not told",
     "SELECT t.id FROM transfer t WHERE t.kind IN ('hold', 'post', 'void',"
     " 'expire', 'reverse') AND NOT EXISTS (SELECT 1 FROM outbox o"
     " WHERE o.id = t.id AND o.incident = t.incident AND o.type = CASE t.kind"
     " WHEN 'hold' THEN 'fraud.hold.created'"
     " WHEN 'post' THEN 'fraud.hold.posted'"
     " WHEN 'reverse' THEN 'fraud.post.reversed'"
     " ELSE 'fraud.hold.voided' END) LIMIT 100"},
    {"outbox", "tells of it otherwise than the ledger",
     "SELECT t.id FROM transfer t JOIN outbox o ON o.id = t.id"
     " WHERE o.body <> '' AND o.body NOT LIKE '%\"id\":\"' || t.id"
     " || '\",\"kind\":\"' || t.kind || '\",\"amount_minor\":\"'"
     " || t.amount || '\",\"currency\":\"' || t.currency || '\"%'"
     " LIMIT 100"},
    {"outbox", "tells of what is not in the ledger",
     "SELECT o.id FROM outbox o WHERE o.type <> 'fraud.case.opened'"
     " AND NOT EXISTS (SELECT 1 FROM transfer t WHERE t.id = o.id) LIMIT 100"},
    {"outbox", "tells of a case that there is not",
     "SELECT o.id FROM outbox o WHERE o.type = 'fraud.case.opened'"
     " AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.id = o.incident"
     " AND i.state <> 'watch') LIMIT 100"},
    {"outbox", "a case was opened, and nobody is told",
     "SELECT id FROM incident WHERE state NOT IN ('watch', 'closed') EXCEPT"
     " SELECT incident FROM outbox WHERE type = 'fraud.case.opened' LIMIT 100"},
};

db_rc verify_rows(verify_t *v) {
    db_t *db = v->billing->db;
    const char *more;
    size_t i;
    int n;
    db_rc rc;

    for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        v->checks++;
        rc = db_run(db, checks[i].sql, DB_NO_ARGS);
        if (rc != DB_OK && rc != DB_NONE) {
            return rc;
        }
        for (n = 0; rc == DB_OK && (n == 0 || db_next(db)); n++) {
            more = db_text(db, 1);
            verify_found(v, checks[i].check, db_text(db, 0), checks[i].what,
                         more[0] != '\0' ? more : NULL);
        }
        if (n == FINDINGS) {
            verify_found(v, checks[i].check, "...",
                         "and more, which are not named", NULL);
        }
    }
    return DB_OK;
}
