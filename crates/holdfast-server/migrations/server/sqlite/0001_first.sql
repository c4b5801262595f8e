-- The server's books. Money is integers of minor units, instants are milliseconds since 1970 in UTC.
-- A released migration is never edited, and no migration drops a table that may hold money.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Who sells what.

CREATE TABLE merchants (
    id                TEXT PRIMARY KEY,
    name              TEXT    NOT NULL,
    currency          TEXT    NOT NULL,
    locale            TEXT    NOT NULL,
    tax_inclusive     INTEGER NOT NULL,
    keypad_tax_bp     INTEGER NOT NULL,
    receipt_footer    TEXT    NOT NULL,
    window_ms         INTEGER NOT NULL,
    payment_minor_max INTEGER NOT NULL,
    keyed_minor_max   INTEGER NOT NULL,
    total_minor_max   INTEGER NOT NULL
) STRICT;

CREATE TABLE categories (
    id          TEXT PRIMARY KEY,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    position    INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    colour      TEXT    NOT NULL
) STRICT;

CREATE TABLE items (
    id          TEXT PRIMARY KEY,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    category_id TEXT    NOT NULL REFERENCES categories (id),
    position    INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    price_minor INTEGER NOT NULL,
    tax_bp      INTEGER NOT NULL,
    sku         TEXT,
    barcode     TEXT
) STRICT;

-- Who may upload.

CREATE TABLE devices (
    id            TEXT PRIMARY KEY,
    merchant_id   TEXT    NOT NULL REFERENCES merchants (id),
    number        INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    x             TEXT    NOT NULL,
    y             TEXT    NOT NULL,
    enrolled_ms   INTEGER NOT NULL,
    revoked_ms    INTEGER,
    heartbeat_ms  INTEGER,
    waiting_count INTEGER,
    waiting_minor INTEGER,
    -- The head of the chain as the device last told it, to be compared with chain_heads.
    told_seq      INTEGER,
    told_hash     TEXT,
    UNIQUE (merchant_id, number)
) STRICT;

-- A code is kept as its SHA-256 only.
CREATE TABLE enrolment_codes (
    code_hash   TEXT PRIMARY KEY,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    expires_ms  INTEGER NOT NULL,
    used_ms     INTEGER
) STRICT;

-- Payments. `record` holds the signed record with its ciphertext until the authorisation result is known; its hash stays, so
-- that a replay is recognised. `card_key_kid` is set for as long as an envelope waits to be opened: it keeps that key alive.

CREATE TABLE payments (
    id            TEXT PRIMARY KEY,
    merchant_id   TEXT    NOT NULL REFERENCES merchants (id),
    device_id     TEXT    NOT NULL REFERENCES devices (id),
    seq           INTEGER NOT NULL,
    prev          TEXT    NOT NULL,
    record_hash   TEXT    NOT NULL,
    record        TEXT,
    card_key_kid  TEXT,
    number        TEXT    NOT NULL,
    amount_minor  INTEGER NOT NULL,
    currency      TEXT    NOT NULL,
    tax_minor     INTEGER NOT NULL,
    lines         TEXT    NOT NULL,
    brand         TEXT    NOT NULL,
    last4         TEXT    NOT NULL,
    entry         TEXT    NOT NULL,
    offline       INTEGER NOT NULL,
    pan_hmac      TEXT,
    taken_ms      INTEGER NOT NULL,
    received_ms   INTEGER NOT NULL,
    state         TEXT    NOT NULL,
    reason        TEXT,
    approval_code TEXT,
    settled_ms    INTEGER,
    changed_ms    INTEGER NOT NULL,
    -- Position in the merchant's feed of changes; also what a writer compares, so that two never overwrite each other.
    change        INTEGER NOT NULL UNIQUE,
    UNIQUE (device_id, seq)
) STRICT;

CREATE INDEX payments_feed ON payments (merchant_id, change);
CREATE INDEX payments_unopened ON payments (card_key_kid) WHERE card_key_kid IS NOT NULL;

CREATE TABLE chain_heads (
    device_id   TEXT PRIMARY KEY REFERENCES devices (id),
    seq         INTEGER NOT NULL,
    record_hash TEXT    NOT NULL
) STRICT;

-- What the acquirer was asked. Committed before every call, so that a crash leaves the question and not only the doubt.
CREATE TABLE acquirer_attempts (
    id          INTEGER PRIMARY KEY,
    payment_id  TEXT    NOT NULL REFERENCES payments (id),
    kind        TEXT    NOT NULL CHECK (kind IN ('authorisation', 'capture', 'reversal')),
    asked_ms    INTEGER NOT NULL,
    answered_ms INTEGER,
    outcome     TEXT
) STRICT;

CREATE INDEX acquirer_attempts_open ON acquirer_attempts (payment_id) WHERE answered_ms IS NULL;

-- One job per payment that still has a way to go.
CREATE TABLE jobs (
    payment_id     TEXT PRIMARY KEY REFERENCES payments (id),
    due_ms         INTEGER NOT NULL,
    lease_until_ms INTEGER NOT NULL DEFAULT 0,
    failures       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX jobs_due ON jobs (due_ms);

-- What could not be taken as a payment, as it came, for the owner to judge.
CREATE TABLE quarantine (
    id           INTEGER PRIMARY KEY,
    device_id    TEXT    NOT NULL REFERENCES devices (id),
    record_hash  TEXT    NOT NULL,
    payment_id   TEXT,
    reason       TEXT    NOT NULL,
    raw          BLOB    NOT NULL,
    card_key_kid TEXT,
    received_ms  INTEGER NOT NULL,
    UNIQUE (device_id, record_hash)
) STRICT;

-- Keys. Private halves are wrapped by the key-encryption key, and NULL once destroyed.

CREATE TABLE signers (
    kid           TEXT PRIMARY KEY,
    private       BLOB    NOT NULL,
    cert          TEXT    NOT NULL,
    not_before_ms INTEGER NOT NULL,
    not_after_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE ack_keys (
    kid        TEXT PRIMARY KEY,
    private    BLOB    NOT NULL,
    x          TEXT    NOT NULL,
    y          TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE card_keys (
    kid             TEXT PRIMARY KEY,
    n               TEXT    NOT NULL,
    e               TEXT    NOT NULL,
    private         BLOB,
    not_before_ms   INTEGER NOT NULL,
    use_until_ms    INTEGER NOT NULL,
    accept_until_ms INTEGER NOT NULL,
    destroyed_ms    INTEGER
) STRICT;

CREATE TABLE key_sets (
    version    INTEGER PRIMARY KEY,
    jws        TEXT    NOT NULL,
    issued_ms  INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE key_log (
    id     INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    kid    TEXT    NOT NULL,
    event  TEXT    NOT NULL,
    reason TEXT    NOT NULL
) STRICT;

-- Append only, by the database itself.
CREATE TRIGGER key_log_stays BEFORE DELETE ON key_log BEGIN SELECT RAISE(ABORT, 'the key log is append only'); END;
CREATE TRIGGER key_log_holds BEFORE UPDATE ON key_log BEGIN SELECT RAISE(ABORT, 'the key log is append only'); END;
