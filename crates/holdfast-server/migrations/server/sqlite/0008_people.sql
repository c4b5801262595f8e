-- People who run shops. A password is kept as argon2id, a second factor's secret wrapped by the key-encryption key, and a token
-- as its SHA-256 only.

CREATE TABLE users (
    id           TEXT PRIMARY KEY,
    email        TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    password     TEXT,
    totp         BLOB,
    -- The last time step whose code was taken: a code works once.
    totp_step    INTEGER NOT NULL DEFAULT 0,
    is_operator  INTEGER NOT NULL DEFAULT 0,
    created_ms   INTEGER NOT NULL
) STRICT;

-- Who may do what at which merchant.
CREATE TABLE memberships (
    user_id     TEXT NOT NULL REFERENCES users (id),
    merchant_id TEXT NOT NULL REFERENCES merchants (id),
    role        TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'cashier')),
    PRIMARY KEY (user_id, merchant_id)
) STRICT;

CREATE TABLE sessions (
    token_hash  TEXT PRIMARY KEY,
    user_id     TEXT    NOT NULL REFERENCES users (id),
    -- The one merchant that this session acts for, once it is known.
    merchant_id TEXT    REFERENCES merchants (id),
    stage       TEXT    NOT NULL CHECK (stage IN ('code', 'set-up', 'open')),
    -- Wrapped, while a second factor is being set up and not proven yet.
    totp_offer  BLOB,
    created_ms  INTEGER NOT NULL,
    used_ms     INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_of ON sessions (user_id);

-- One-time links by which a person chooses a password.
CREATE TABLE invitations (
    token_hash TEXT PRIMARY KEY,
    user_id    TEXT    NOT NULL REFERENCES users (id),
    expires_ms INTEGER NOT NULL
) STRICT;

-- Failed attempts to sign in, by account and by address; the subject is a hash.
CREATE TABLE sign_in_failures (
    subject     TEXT PRIMARY KEY,
    failures    INTEGER NOT NULL,
    last_ms     INTEGER NOT NULL,
    -- Nothing is tried before.
    wait_until_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE locations (
    id          TEXT PRIMARY KEY,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    name        TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL
) STRICT;

CREATE INDEX locations_of ON locations (merchant_id);

ALTER TABLE devices ADD COLUMN location_id TEXT REFERENCES locations (id);
ALTER TABLE enrolment_codes ADD COLUMN location_id TEXT REFERENCES locations (id);

-- The answer to a request that a person may repeat, wrapped, under the key that came with it.
CREATE TABLE repeated_requests (
    subject      TEXT PRIMARY KEY,
    request_hash TEXT    NOT NULL,
    answer       BLOB    NOT NULL,
    created_ms   INTEGER NOT NULL
) STRICT;
