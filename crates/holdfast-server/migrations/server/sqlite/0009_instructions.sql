-- What people asked for about payments: refunds, voids, retries. Kept before anything is done about it.
CREATE TABLE instructions (
    payment_id   TEXT    NOT NULL REFERENCES payments (id),
    -- Made by whoever asks: the same id again is the same instruction.
    id           TEXT    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('refund', 'void', 'retry')),
    -- Which one of its kind for this payment; with the payment's id it names a refund at the acquirer.
    number       INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    -- Who asked: user:<id>, device:<id> or server.
    asked_by     TEXT    NOT NULL,
    progress     TEXT    NOT NULL CHECK (progress IN ('asked', 'sent', 'done', 'refused')),
    code         TEXT,
    asked_ms     INTEGER NOT NULL,
    changed_ms   INTEGER NOT NULL,
    PRIMARY KEY (payment_id, id),
    UNIQUE (payment_id, kind, number)
) STRICT;

-- One at a time.
CREATE UNIQUE INDEX instructions_open ON instructions (payment_id) WHERE progress IN ('asked', 'sent');

-- A refund is asked of the acquirer too. SQLite changes a check by making the table anew.
CREATE TABLE attempts_with_refunds (
    id          INTEGER PRIMARY KEY,
    payment_id  TEXT    NOT NULL REFERENCES payments (id),
    kind        TEXT    NOT NULL CHECK (kind IN ('authorisation', 'capture', 'reversal', 'refund')),
    asked_ms    INTEGER NOT NULL,
    answered_ms INTEGER,
    outcome     TEXT
) STRICT;

INSERT INTO attempts_with_refunds (id, payment_id, kind, asked_ms, answered_ms, outcome)
SELECT id, payment_id, kind, asked_ms, answered_ms, outcome FROM acquirer_attempts;

DROP TABLE acquirer_attempts;
ALTER TABLE attempts_with_refunds RENAME TO acquirer_attempts;
CREATE INDEX acquirer_attempts_open ON acquirer_attempts (payment_id) WHERE answered_ms IS NULL;
