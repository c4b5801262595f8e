-- The server's books. Money is integers of minor units, instants are milliseconds since 1970 in UTC.
-- A released migration is never edited, and no migration drops a table that may hold money.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Who sells what.

CREATE TABLE merchants (
    id                TEXT PRIMARY KEY,
    name              TEXT    NOT NULL,
    currency          TEXT    NOT NULL,
    locale            TEXT    NOT NULL,
    tax_inclusive     BIGINT  NOT NULL,
    keypad_tax_bp     BIGINT  NOT NULL,
    receipt_footer    TEXT    NOT NULL,
    window_ms         BIGINT  NOT NULL,
    payment_minor_max BIGINT  NOT NULL,
    keyed_minor_max   BIGINT  NOT NULL,
    total_minor_max   BIGINT  NOT NULL
);

CREATE TABLE categories (
    id          TEXT PRIMARY KEY,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    position    BIGINT  NOT NULL,
    name        TEXT    NOT NULL,
    colour      TEXT    NOT NULL
);

CREATE TABLE items (
    id          TEXT PRIMARY KEY,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    category_id TEXT    NOT NULL REFERENCES categories (id),
    position    BIGINT  NOT NULL,
    name        TEXT    NOT NULL,
    price_minor BIGINT  NOT NULL,
    tax_bp      BIGINT  NOT NULL,
    sku         TEXT,
    barcode     TEXT
);

-- Who may upload.

CREATE TABLE devices (
    id            TEXT PRIMARY KEY,
    merchant_id   TEXT    NOT NULL REFERENCES merchants (id),
    number        BIGINT  NOT NULL,
    name          TEXT    NOT NULL,
    x             TEXT    NOT NULL,
    y             TEXT    NOT NULL,
    enrolled_ms   BIGINT  NOT NULL,
    revoked_ms    BIGINT,
    heartbeat_ms  BIGINT,
    waiting_count BIGINT,
    waiting_minor BIGINT,
    -- The head of the chain as the device last told it, to be compared with chain_heads.
    told_seq      BIGINT,
    told_hash     TEXT,
    UNIQUE (merchant_id, number)
);

-- A code is kept as its SHA-256 only.
CREATE TABLE enrolment_codes (
    code_hash   TEXT PRIMARY KEY,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    expires_ms  BIGINT  NOT NULL,
    used_ms     BIGINT
);

-- Payments. `record` holds the signed record with its ciphertext until the authorisation result is known; its hash stays, so
-- that a replay is recognised. `card_key_kid` is set for as long as an envelope waits to be opened: it keeps that key alive.

CREATE TABLE payments (
    id            TEXT PRIMARY KEY,
    merchant_id   TEXT    NOT NULL REFERENCES merchants (id),
    device_id     TEXT    NOT NULL REFERENCES devices (id),
    seq           BIGINT  NOT NULL,
    prev          TEXT    NOT NULL,
    record_hash   TEXT    NOT NULL,
    record        TEXT,
    card_key_kid  TEXT,
    number        TEXT    NOT NULL,
    amount_minor  BIGINT  NOT NULL,
    currency      TEXT    NOT NULL,
    tax_minor     BIGINT  NOT NULL,
    lines         TEXT    NOT NULL,
    brand         TEXT    NOT NULL,
    last4         TEXT    NOT NULL,
    entry         TEXT    NOT NULL,
    offline       BIGINT  NOT NULL,
    pan_hmac      TEXT,
    taken_ms      BIGINT  NOT NULL,
    received_ms   BIGINT  NOT NULL,
    state         TEXT    NOT NULL,
    reason        TEXT,
    approval_code TEXT,
    settled_ms    BIGINT,
    changed_ms    BIGINT  NOT NULL,
    -- Position in the merchant's feed of changes; also what a writer compares, so that two never overwrite each other.
    change        BIGINT  NOT NULL,
    UNIQUE (merchant_id, change),
    UNIQUE (device_id, seq)
);

CREATE INDEX payments_unopened ON payments (card_key_kid) WHERE card_key_kid IS NOT NULL;

CREATE TABLE chain_heads (
    device_id   TEXT PRIMARY KEY REFERENCES devices (id),
    seq         BIGINT  NOT NULL,
    record_hash TEXT    NOT NULL
);

-- What the acquirer was asked. Committed before every call, so that a crash leaves the question and not only the doubt.
CREATE TABLE acquirer_attempts (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id  TEXT    NOT NULL REFERENCES payments (id),
    kind        TEXT    NOT NULL CHECK (kind IN ('authorisation', 'capture', 'reversal')),
    asked_ms    BIGINT  NOT NULL,
    answered_ms BIGINT,
    outcome     TEXT
);

CREATE INDEX acquirer_attempts_open ON acquirer_attempts (payment_id) WHERE answered_ms IS NULL;

-- One job per payment that still has a way to go.
CREATE TABLE jobs (
    payment_id     TEXT PRIMARY KEY REFERENCES payments (id),
    due_ms         BIGINT  NOT NULL,
    lease_until_ms BIGINT  NOT NULL DEFAULT 0,
    failures       BIGINT  NOT NULL DEFAULT 0
);

CREATE INDEX jobs_due ON jobs (due_ms);

-- What could not be taken as a payment, as it came, for the owner to judge.
CREATE TABLE quarantine (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id    TEXT    NOT NULL REFERENCES devices (id),
    record_hash  TEXT    NOT NULL,
    payment_id   TEXT,
    reason       TEXT    NOT NULL,
    raw          BYTEA   NOT NULL,
    card_key_kid TEXT,
    received_ms  BIGINT  NOT NULL,
    UNIQUE (device_id, record_hash)
);

-- Keys. Private halves are wrapped by the key-encryption key, and NULL once destroyed.

CREATE TABLE signers (
    kid           TEXT PRIMARY KEY,
    private       BYTEA   NOT NULL,
    cert          TEXT    NOT NULL,
    not_before_ms BIGINT  NOT NULL,
    not_after_ms  BIGINT  NOT NULL
);

CREATE TABLE ack_keys (
    kid        TEXT PRIMARY KEY,
    private    BYTEA   NOT NULL,
    x          TEXT    NOT NULL,
    y          TEXT    NOT NULL,
    created_ms BIGINT  NOT NULL
);

CREATE TABLE card_keys (
    kid             TEXT PRIMARY KEY,
    n               TEXT    NOT NULL,
    e               TEXT    NOT NULL,
    private         BYTEA,
    not_before_ms   BIGINT  NOT NULL,
    use_until_ms    BIGINT  NOT NULL,
    accept_until_ms BIGINT  NOT NULL,
    destroyed_ms    BIGINT
);

CREATE TABLE key_sets (
    version    BIGINT PRIMARY KEY,
    jws        TEXT    NOT NULL,
    issued_ms  BIGINT  NOT NULL,
    expires_ms BIGINT  NOT NULL
);

CREATE TABLE key_log (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms  BIGINT  NOT NULL,
    kid    TEXT    NOT NULL,
    event  TEXT    NOT NULL,
    reason TEXT    NOT NULL
);

-- Append only, by the database itself.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the table % is append only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER key_log_stays BEFORE UPDATE OR DELETE ON key_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER key_log_is_not_emptied BEFORE TRUNCATE ON key_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
