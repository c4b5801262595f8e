-- The simulator's own books. Never the server's: the two are reconciled against each other.
CREATE TABLE entries (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference     TEXT    NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind IN ('authorisation', 'capture', 'reversal', 'refund')),
    amount_minor  BIGINT  NOT NULL,
    currency      TEXT    NOT NULL,
    approved      BIGINT  NOT NULL CHECK (approved IN (0, 1)),
    code          TEXT    NOT NULL,
    last4         TEXT    NOT NULL CHECK (length(last4) <= 4),
    approval_code TEXT,
    at_ms         BIGINT  NOT NULL
);

-- One carried-out request of a kind per reference.
CREATE UNIQUE INDEX entries_once ON entries (reference, kind);

-- Requests that repeated a reference. A repeated capture is an alarm.
CREATE TABLE repeats (
    reference TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    count     BIGINT  NOT NULL,
    PRIMARY KEY (reference, kind)
);
