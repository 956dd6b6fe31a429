-- The state of fraud-billing. One schema for SQLite and PostgreSQL: a line
-- "-- sqlite", "-- postgresql" or "-- both" says for whom what follows it is.
-- Times are microseconds since 1970, money is minor units, ids are text.
-- Statements end at a semicolon at the end of a line. What follows a line
-- "-- since N" is new in version N of the schema, up to the next such line.

-- both

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- What became of each record of each spool: nothing is lost unseen.
CREATE TABLE arrival (
    writer TEXT NOT NULL,
    seq BIGINT NOT NULL CHECK (seq >= 0),
    became TEXT NOT NULL CHECK (became IN
        ('counted', 'repeated', 'refused', 'dead', 'end', 'lost')),
    id TEXT, -- of its row in inbox or dead
    at BIGINT NOT NULL,
    PRIMARY KEY (writer, seq)
);

-- One row for each flag that counts. The id is the producer's.
CREATE TABLE inbox (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    incident TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    body TEXT,
    at BIGINT NOT NULL,
    keep_until BIGINT NOT NULL
);

CREATE INDEX inbox_incident ON inbox (incident);
CREATE INDEX inbox_keep ON inbox (keep_until) WHERE body IS NOT NULL;

-- Events that could not be taken, whole, for a person to look at. A body that
-- is not plain ASCII is "hex:" and digits. seq -1: the line did not say.
CREATE TABLE dead (
    id TEXT PRIMARY KEY,
    writer TEXT NOT NULL,
    seq BIGINT NOT NULL,
    reason TEXT NOT NULL,
    body TEXT NOT NULL,
    tries INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('dead', 'redriven', 'dropped')),
    at BIGINT NOT NULL
);

CREATE INDEX dead_state ON dead (state, at);

-- Whom an account of the ledger belongs to, sealed for the resolver's key. An
-- erasure deletes the row, and the account is nobody's.
CREATE TABLE resolver (
    account TEXT PRIMARY KEY,
    policy TEXT NOT NULL,
    box TEXT NOT NULL,
    erase INTEGER NOT NULL CHECK (erase IN (0, 1)),
    at BIGINT NOT NULL
);

CREATE INDEX resolver_erase ON resolver (account) WHERE erase = 1;

-- "cust:..." may not go below 0; the balance is what the transfers add up to.
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    currency TEXT NOT NULL,
    balance BIGINT NOT NULL,
    touched BIGINT NOT NULL,
    CHECK (balance >= 0 OR id LIKE 'sys:%')
);

-- What one account is suspected of by one family of rules on one UTC day.
CREATE TABLE incident (
    id TEXT PRIMARY KEY,
    policy TEXT NOT NULL,
    policy_version INTEGER NOT NULL,
    account TEXT NOT NULL,
    family TEXT NOT NULL,
    day INTEGER NOT NULL,
    pid TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    events BIGINT NOT NULL CHECK (events >= 1),
    observed BIGINT NOT NULL,
    signals INTEGER NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    fraud TEXT NOT NULL CHECK (fraud IN ('suspected', 'confirmed', 'refuted')),
    damage TEXT NOT NULL CHECK (damage IN
        ('none', 'suspected', 'assessed', 'proven', 'disproven')),
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    currency TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('watch', 'case', 'second', 'held', 'objected', 'posted', 'voided',
         'refuted', 'reversed', 'closed')),
    restricted BIGINT,
    hold TEXT,
    post_at BIGINT,
    expires_at BIGINT,
    changed BIGINT NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX incident_state ON incident (state, post_at);
CREATE INDEX incident_account ON incident (account, day);

-- What was decided, on what grounds, and under which policies.
CREATE TABLE decision (
    id TEXT PRIMARY KEY,
    incident TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('forbid', 'review')),
    reason TEXT NOT NULL,
    max_amount BIGINT NOT NULL CHECK (max_amount >= 0),
    policy TEXT NOT NULL,
    version_then INTEGER NOT NULL,
    version_now INTEGER NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX decision_incident ON decision (incident, at);

-- What a person looked at and said.
CREATE TABLE review (
    id TEXT PRIMARY KEY,
    incident TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN
        ('show', 'confirm', 'second', 'uphold', 'refute', 'assess', 'object',
         'appeal', 'reject', 'reverse', 'restrict', 'lift', 'erase')),
    reason TEXT NOT NULL,
    amount BIGINT,
    reference TEXT,
    at BIGINT NOT NULL
);

CREATE INDEX review_incident ON review (incident, at);
CREATE INDEX review_reviewer ON review (reviewer, at);

-- What the person concerned was told.
CREATE TABLE notice (
    id TEXT PRIMARY KEY,
    incident TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('hold', 'post', 'void', 'reverse')),
    text TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX notice_incident ON notice (incident, at);

-- Double entry, insert only, each row chained to the one before.
CREATE TABLE transfer (
    seq BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN
        ('deposit', 'spend', 'hold', 'post', 'release', 'void', 'expire',
         'reverse')),
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    pending TEXT,
    incident TEXT,
    decision TEXT,
    policy TEXT,
    policy_version INTEGER,
    request TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    at BIGINT NOT NULL,
    CHECK (debit <> credit)
);

CREATE UNIQUE INDEX transfer_hold ON transfer (incident) WHERE kind = 'hold';
CREATE UNIQUE INDEX transfer_resolved ON transfer (pending)
    WHERE kind IN ('post', 'void', 'expire');
CREATE INDEX transfer_pending ON transfer (pending);
CREATE INDEX transfer_incident ON transfer (incident);

-- An id that was refused stays refused, and so does what it asked for.
CREATE TABLE refusal (
    id TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- The head of the chain: whoever adds a transfer holds this row.
CREATE TABLE chain (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);

INSERT INTO chain (one, seq, hash) VALUES (1, 0, '');

-- What is to be told to the billing system, until it has said that it knows.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    incident TEXT,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'parked')),
    tries INTEGER NOT NULL,
    next_at BIGINT NOT NULL,
    error TEXT,
    at BIGINT NOT NULL,
    sent_at BIGINT
);

CREATE INDEX outbox_next ON outbox (state, next_at);

-- How far each source has been read.
CREATE TABLE progress (
    source TEXT PRIMARY KEY,
    position TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- Rights that reach the store of nginx, until it has said that they did.
CREATE TABLE verdict (
    id TEXT PRIMARY KEY,
    policy TEXT NOT NULL,
    pid TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    said TEXT NOT NULL CHECK (said IN ('confirmed', 'refuted')),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'gone')),
    at BIGINT NOT NULL
);

-- sqlite

CREATE TRIGGER transfer_kept BEFORE UPDATE ON transfer
    BEGIN SELECT RAISE(ABORT, 'transfers are not changed'); END;
CREATE TRIGGER transfer_stays BEFORE DELETE ON transfer
    BEGIN SELECT RAISE(ABORT, 'transfers are not deleted'); END;
CREATE TRIGGER review_kept BEFORE UPDATE ON review
    BEGIN SELECT RAISE(ABORT, 'reviews are not changed'); END;
CREATE TRIGGER review_stays BEFORE DELETE ON review
    BEGIN SELECT RAISE(ABORT, 'reviews are not deleted'); END;

-- postgresql

CREATE FUNCTION insert_only() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''% is insert only'', TG_TABLE_NAME; END';
CREATE TRIGGER transfer_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer
    FOR EACH STATEMENT EXECUTE FUNCTION insert_only();
CREATE TRIGGER review_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON review
    FOR EACH STATEMENT EXECUTE FUNCTION insert_only();

-- since 2

-- both

-- Accounts that were erased, and when: what they did until then does not count
-- any more, whenever it is told.
CREATE TABLE erased (
    account TEXT PRIMARY KEY,
    at BIGINT NOT NULL
);

CREATE INDEX erased_at ON erased (at);

-- Incidents and erasures that could not be done, and when they are tried again.
CREATE TABLE aside (
    id TEXT PRIMARY KEY,
    tries BIGINT NOT NULL,
    next_at BIGINT NOT NULL
);
