-- Webhooks. Whom a merchant's events are told, by its owner's wish. Secrets are wrapped by the key-encryption key.
CREATE TABLE webhook_endpoints (
    id               TEXT PRIMARY KEY,
    merchant_id      TEXT    NOT NULL REFERENCES merchants (id),
    url              TEXT    NOT NULL,
    -- Types of events with a space between them; empty means every one.
    events           TEXT    NOT NULL,
    -- failed: switched off after a long failure; gone: it said 410 itself.
    state            TEXT    NOT NULL CHECK (state IN ('on', 'off', 'failed', 'gone')),
    secret           BLOB    NOT NULL,
    -- The one before, until its time is over.
    old_secret       BLOB,
    old_until_ms     INTEGER,
    -- Since when nothing was taken.
    failing_since_ms INTEGER,
    created_ms       INTEGER NOT NULL
) STRICT;

CREATE INDEX webhook_endpoints_of ON webhook_endpoints (merchant_id);

-- The last event of a merchant's payments that was turned into a message. A merchant that never had an endpoint has no row.
CREATE TABLE webhook_cursors (
    merchant_id TEXT PRIMARY KEY REFERENCES merchants (id),
    last_change INTEGER NOT NULL
) STRICT;

-- One message an event, with the very bytes that are signed.
CREATE TABLE webhook_messages (
    id          TEXT PRIMARY KEY,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    type        TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    UNIQUE (merchant_id, source)
) STRICT;

CREATE INDEX webhook_messages_of ON webhook_messages (merchant_id, created_ms);

-- A message on its way to an endpoint: the queue, and what became of it.
CREATE TABLE webhook_deliveries (
    endpoint_id    TEXT    NOT NULL REFERENCES webhook_endpoints (id),
    message_id     TEXT    NOT NULL REFERENCES webhook_messages (id),
    state          TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts       INTEGER NOT NULL DEFAULT 0,
    -- In a row, since it was last sent by somebody's wish.
    failures       INTEGER NOT NULL DEFAULT 0,
    -- The answer's code, or a word for why there was none; and how the answer began.
    code           TEXT,
    excerpt        TEXT,
    created_ms     INTEGER NOT NULL,
    due_ms         INTEGER NOT NULL,
    lease_until_ms INTEGER NOT NULL DEFAULT 0,
    changed_ms     INTEGER NOT NULL,
    PRIMARY KEY (endpoint_id, message_id)
) STRICT;

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_ms) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (endpoint_id, created_ms, message_id);
CREATE INDEX webhook_deliveries_of ON webhook_deliveries (message_id);
