-- What a merchant's tills may take without an answer: who set what, and when. Line 0 is what the shop began with.
CREATE TABLE policy_changes (
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    number      BIGINT  NOT NULL,
    at_ms       BIGINT  NOT NULL,
    -- user:<id> or server
    by_whom     TEXT    NOT NULL,
    -- JSON, as the interface has it.
    settings    TEXT    NOT NULL,
    -- Out of the settings: a window that was shortened holds on for tills that are offline.
    window_ms   BIGINT  NOT NULL,
    PRIMARY KEY (merchant_id, number)
);

-- The newest that was signed.
CREATE TABLE policy_documents (
    merchant_id   TEXT PRIMARY KEY REFERENCES merchants (id),
    version       BIGINT  NOT NULL,
    signed_ms     BIGINT  NOT NULL,
    -- The change that it tells of.
    change_number BIGINT  NOT NULL,
    cert          TEXT    NOT NULL,
    jws           TEXT    NOT NULL
);

-- Payments above a cap that a manager let through.
CREATE TABLE approvals (
    payment_id TEXT PRIMARY KEY REFERENCES payments (id),
    by_whom    TEXT    NOT NULL,
    at_ms      BIGINT  NOT NULL,
    -- What stood in the way, words with a space between them.
    lifted     TEXT    NOT NULL
);

-- What waits on a device by brand, entry and age, as it last told: JSON.
ALTER TABLE devices ADD COLUMN told_risk TEXT;
