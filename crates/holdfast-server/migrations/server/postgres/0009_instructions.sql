-- What people asked for about payments: refunds, voids, retries. Kept before anything is done about it.
CREATE TABLE instructions (
    payment_id   TEXT    NOT NULL REFERENCES payments (id),
    -- Made by whoever asks: the same id again is the same instruction.
    id           TEXT    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('refund', 'void', 'retry')),
    -- Which one of its kind for this payment; with the payment's id it names a refund at the acquirer.
    number       BIGINT  NOT NULL,
    amount_minor BIGINT  NOT NULL,
    reason       TEXT    NOT NULL,
    -- Who asked: user:<id>, device:<id> or server.
    asked_by     TEXT    NOT NULL,
    progress     TEXT    NOT NULL CHECK (progress IN ('asked', 'sent', 'done', 'refused')),
    code         TEXT,
    asked_ms     BIGINT  NOT NULL,
    changed_ms   BIGINT  NOT NULL,
    PRIMARY KEY (payment_id, id),
    UNIQUE (payment_id, kind, number)
);

-- One at a time.
CREATE UNIQUE INDEX instructions_open ON instructions (payment_id) WHERE progress IN ('asked', 'sent');

-- A refund is asked of the acquirer too.
ALTER TABLE acquirer_attempts DROP CONSTRAINT acquirer_attempts_kind_check;
ALTER TABLE acquirer_attempts ADD CONSTRAINT acquirer_attempts_kind_check
    CHECK (kind IN ('authorisation', 'capture', 'reversal', 'refund'));
