-- The acquirer's accounts of our days, and what differs between them and our books.

-- An account as it came, named by a hash of it: the same one again changes nothing. One account of a day counts.
CREATE TABLE settlement_files (
    id          TEXT PRIMARY KEY,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    -- The business day as days since 1970-01-01.
    day         BIGINT  NOT NULL,
    is_complete BIGINT  NOT NULL,
    is_current  BIGINT  NOT NULL,
    imported_ms BIGINT  NOT NULL
);

CREATE INDEX settlement_files_of ON settlement_files (merchant_id, day);

-- Signed as the shop sees it: a refund and a chargeback are negative.
CREATE TABLE settlement_lines (
    file         TEXT    NOT NULL REFERENCES settlement_files (id),
    line         BIGINT  NOT NULL,
    merchant_id  TEXT    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('capture', 'refund', 'chargeback', 'payout')),
    reference    TEXT    NOT NULL,
    number       BIGINT  NOT NULL,
    amount_minor BIGINT  NOT NULL,
    fee_minor    BIGINT  NOT NULL,
    currency     TEXT    NOT NULL,
    at_ms        BIGINT  NOT NULL,
    reason       TEXT,
    PRIMARY KEY (file, line)
);

CREATE INDEX settlement_lines_of ON settlement_lines (merchant_id, reference);

-- Lines that could not be read, in words that tell nothing of what stands in them. Line 0 is the file as a whole.
CREATE TABLE settlement_faults (
    file  TEXT    NOT NULL REFERENCES settlement_files (id),
    line  BIGINT  NOT NULL,
    words TEXT    NOT NULL,
    PRIMARY KEY (file, line)
);

-- What card banks took back.
CREATE TABLE chargebacks (
    payment_id   TEXT    NOT NULL REFERENCES payments (id),
    number       BIGINT  NOT NULL,
    merchant_id  TEXT    NOT NULL REFERENCES merchants (id),
    amount_minor BIGINT  NOT NULL,
    currency     TEXT    NOT NULL,
    reason       TEXT,
    at_ms        BIGINT  NOT NULL,
    noticed_ms   BIGINT  NOT NULL,
    PRIMARY KEY (payment_id, number)
);

CREATE INDEX chargebacks_of ON chargebacks (merchant_id, at_ms);

-- Days that were compared. run counts how often.
CREATE TABLE reconciliations (
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    day         BIGINT  NOT NULL,
    file        TEXT    NOT NULL REFERENCES settlement_files (id),
    run         BIGINT  NOT NULL,
    compared_ms BIGINT  NOT NULL,
    PRIMARY KEY (merchant_id, day)
);

CREATE TABLE reconciled_sums (
    merchant_id  TEXT    NOT NULL,
    day          BIGINT  NOT NULL,
    currency     TEXT    NOT NULL,
    count        BIGINT  NOT NULL,
    amount_minor BIGINT  NOT NULL,
    PRIMARY KEY (merchant_id, day, currency)
);

-- One row a difference. It stays, and says when it was seen first and since when it is gone.
CREATE TABLE differences (
    merchant_id   TEXT    NOT NULL REFERENCES merchants (id),
    day           BIGINT  NOT NULL,
    kind          TEXT    NOT NULL,
    item          TEXT    NOT NULL,
    reference     TEXT    NOT NULL,
    number        BIGINT  NOT NULL,
    occurrence    BIGINT  NOT NULL,
    ours_minor    BIGINT ,
    theirs_minor  BIGINT ,
    currency      TEXT    NOT NULL,
    state         TEXT,
    line          BIGINT ,
    seen_run      BIGINT  NOT NULL,
    first_seen_ms BIGINT  NOT NULL,
    resolved_ms   BIGINT ,
    PRIMARY KEY (merchant_id, day, kind, item, reference, number, occurrence)
);

CREATE INDEX differences_open ON differences (merchant_id, day) WHERE resolved_ms IS NULL;

-- Money that moved at the acquirer, by time: what a day is compared by.
CREATE INDEX payment_events_of_money ON payment_events (merchant_id, at_ms) WHERE state IN ('captured', 'partly-refunded', 'refunded');

-- What was done with the cash drawer, by the id that whoever did it gave it.
CREATE TABLE cash_moves (
    merchant_id    TEXT    NOT NULL REFERENCES merchants (id),
    id             TEXT    NOT NULL,
    kind           TEXT    NOT NULL CHECK (kind IN ('float', 'pay-in', 'pay-out', 'count')),
    -- Of a count: what was counted.
    amount_minor   BIGINT  NOT NULL,
    -- Of a count: what the books expected.
    expected_minor BIGINT ,
    currency       TEXT    NOT NULL,
    note           TEXT    NOT NULL,
    user_id        TEXT    NOT NULL REFERENCES users (id),
    day            BIGINT  NOT NULL,
    at_ms          BIGINT  NOT NULL,
    PRIMARY KEY (merchant_id, id)
);

CREATE INDEX cash_moves_of ON cash_moves (merchant_id, day);
