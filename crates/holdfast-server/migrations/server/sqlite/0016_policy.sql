-- What a merchant's tills may take without an answer: who set what, and when. Line 0 is what the shop began with.
CREATE TABLE policy_changes (
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    number      INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    -- user:<id> or server
    by_whom     TEXT    NOT NULL,
    -- JSON, as the interface has it.
    settings    TEXT    NOT NULL,
    -- Out of the settings: a window that was shortened holds on for tills that are offline.
    window_ms   INTEGER NOT NULL,
    PRIMARY KEY (merchant_id, number)
) STRICT;

-- The newest that was signed.
CREATE TABLE policy_documents (
    merchant_id   TEXT PRIMARY KEY REFERENCES merchants (id),
    version       INTEGER NOT NULL,
    signed_ms     INTEGER NOT NULL,
    -- The change that it tells of.
    change_number INTEGER NOT NULL,
    cert          TEXT    NOT NULL,
    jws           TEXT    NOT NULL
) STRICT;

-- Payments above a cap that a manager let through.
CREATE TABLE approvals (
    payment_id TEXT PRIMARY KEY REFERENCES payments (id),
    by_whom    TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    -- What stood in the way, words with a space between them.
    lifted     TEXT    NOT NULL
) STRICT;

-- What waits on a device by brand, entry and age, as it last told: JSON.
ALTER TABLE devices ADD COLUMN told_risk TEXT;
