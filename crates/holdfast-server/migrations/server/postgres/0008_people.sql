-- People who run shops. A password is kept as argon2id, a second factor's secret wrapped by the key-encryption key, and a token
-- as its SHA-256 only.

CREATE TABLE users (
    id           TEXT PRIMARY KEY,
    email        TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    password     TEXT,
    totp         BYTEA,
    -- The last time step whose code was taken: a code works once.
    totp_step    BIGINT  NOT NULL DEFAULT 0,
    is_operator  BIGINT  NOT NULL DEFAULT 0,
    created_ms   BIGINT  NOT NULL
);

-- Who may do what at which merchant.
CREATE TABLE memberships (
    user_id     TEXT NOT NULL REFERENCES users (id),
    merchant_id TEXT NOT NULL REFERENCES merchants (id),
    role        TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'cashier')),
    PRIMARY KEY (user_id, merchant_id)
);

CREATE TABLE sessions (
    token_hash  TEXT PRIMARY KEY,
    user_id     TEXT    NOT NULL REFERENCES users (id),
    -- The one merchant that this session acts for, once it is known.
    merchant_id TEXT    REFERENCES merchants (id),
    stage       TEXT    NOT NULL CHECK (stage IN ('code', 'set-up', 'open')),
    -- Wrapped, while a second factor is being set up and not proven yet.
    totp_offer  BYTEA,
    created_ms  BIGINT  NOT NULL,
    used_ms     BIGINT  NOT NULL,
    expires_ms  BIGINT  NOT NULL
);

CREATE INDEX sessions_of ON sessions (user_id);

-- One-time links by which a person chooses a password.
CREATE TABLE invitations (
    token_hash TEXT PRIMARY KEY,
    user_id    TEXT    NOT NULL REFERENCES users (id),
    expires_ms BIGINT  NOT NULL
);

-- Failed attempts to sign in, by account and by address; the subject is a hash.
CREATE TABLE sign_in_failures (
    subject     TEXT PRIMARY KEY,
    failures    BIGINT  NOT NULL,
    last_ms     BIGINT  NOT NULL,
    -- Nothing is tried before.
    wait_until_ms BIGINT  NOT NULL
);

CREATE TABLE locations (
    id          TEXT PRIMARY KEY,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    name        TEXT    NOT NULL,
    created_ms  BIGINT  NOT NULL
);

CREATE INDEX locations_of ON locations (merchant_id);

ALTER TABLE devices ADD COLUMN location_id TEXT REFERENCES locations (id);
ALTER TABLE enrolment_codes ADD COLUMN location_id TEXT REFERENCES locations (id);

-- The answer to a request that a person may repeat, wrapped, under the key that came with it.
CREATE TABLE repeated_requests (
    subject      TEXT PRIMARY KEY,
    request_hash TEXT    NOT NULL,
    answer       BYTEA    NOT NULL,
    created_ms   BIGINT  NOT NULL
);
