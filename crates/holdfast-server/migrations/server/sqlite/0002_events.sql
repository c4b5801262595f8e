-- Where the feed of changes stands. There is one writer, so one feed serves all merchants, as `change` always did.
CREATE TABLE feeds (
    feed        TEXT PRIMARY KEY,
    last_change INTEGER NOT NULL
) STRICT;

INSERT INTO feeds (feed, last_change) SELECT 'all', coalesce(max(change), 0) FROM payments;

-- What happened to payments: a row when one is stored, and one for every change of its state, in the same transaction. A
-- merchant's changes are numbered in the order of their commits.
CREATE TABLE payment_events (
    merchant_id  TEXT    NOT NULL REFERENCES merchants (id),
    change       INTEGER NOT NULL,
    payment_id   TEXT    NOT NULL REFERENCES payments (id),
    state        TEXT    NOT NULL,
    reason       TEXT,
    amount_minor INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    at_ms        INTEGER NOT NULL,
    PRIMARY KEY (merchant_id, change)
) STRICT;

CREATE INDEX payment_events_of ON payment_events (payment_id);

-- Of payments that are older than this table, the last change is known.
INSERT INTO payment_events (merchant_id, change, payment_id, state, reason, amount_minor, currency, at_ms)
SELECT merchant_id, change, id, state, reason, amount_minor, currency, changed_ms FROM payments;

-- Append only, by the database itself.
CREATE TRIGGER payment_events_stay BEFORE DELETE ON payment_events BEGIN SELECT RAISE(ABORT, 'payment events are append only'); END;
CREATE TRIGGER payment_events_hold BEFORE UPDATE ON payment_events BEGIN SELECT RAISE(ABORT, 'payment events are append only'); END;

-- What follows from a change and is done after it: one row a topic, until it is done.
CREATE TABLE outbox_tasks (
    topic          TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    merchant_id    TEXT    NOT NULL REFERENCES merchants (id),
    payment_id     TEXT    REFERENCES payments (id),
    payload        TEXT    NOT NULL,
    due_ms         INTEGER NOT NULL,
    lease_until_ms INTEGER NOT NULL DEFAULT 0,
    failures       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, key)
) STRICT;

CREATE INDEX outbox_tasks_due ON outbox_tasks (topic, due_ms);
