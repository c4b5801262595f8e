-- Where each merchant's feed of changes stands. The row is locked until the commit, so a number is never seen before those below it.
CREATE TABLE feeds (
    feed        TEXT PRIMARY KEY,
    last_change BIGINT  NOT NULL
);

INSERT INTO feeds (feed, last_change) SELECT merchant_id, max(change) FROM payments GROUP BY merchant_id;

-- What happened to payments: a row when one is stored, and one for every change of its state, in the same transaction. A
-- merchant's changes are numbered in the order of their commits.
CREATE TABLE payment_events (
    merchant_id  TEXT    NOT NULL REFERENCES merchants (id),
    change       BIGINT  NOT NULL,
    payment_id   TEXT    NOT NULL REFERENCES payments (id),
    state        TEXT    NOT NULL,
    reason       TEXT,
    amount_minor BIGINT  NOT NULL,
    currency     TEXT    NOT NULL,
    at_ms        BIGINT  NOT NULL,
    PRIMARY KEY (merchant_id, change)
);

CREATE INDEX payment_events_of ON payment_events (payment_id);

-- Of payments that are older than this table, the last change is known.
INSERT INTO payment_events (merchant_id, change, payment_id, state, reason, amount_minor, currency, at_ms)
SELECT merchant_id, change, id, state, reason, amount_minor, currency, changed_ms FROM payments;

-- Append only, by the database itself.
CREATE TRIGGER payment_events_stay BEFORE UPDATE OR DELETE ON payment_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payment_events_are_not_emptied BEFORE TRUNCATE ON payment_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What follows from a change and is done after it: one row a topic, until it is done.
CREATE TABLE outbox_tasks (
    topic          TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    merchant_id    TEXT    NOT NULL REFERENCES merchants (id),
    payment_id     TEXT    REFERENCES payments (id),
    payload        TEXT    NOT NULL,
    due_ms         BIGINT  NOT NULL,
    lease_until_ms BIGINT  NOT NULL DEFAULT 0,
    failures       BIGINT  NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, key)
);

CREATE INDEX outbox_tasks_due ON outbox_tasks (topic, due_ms);
