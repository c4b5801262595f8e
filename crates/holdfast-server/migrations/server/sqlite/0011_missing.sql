-- Payments that tills were told are stored, and that these books do not hold: the books came from a copy, or from a standby that had not heard of
-- them. A till names them when it sees another epoch. One that comes in after all is in `payments` as well, and counts as missing no more.
CREATE TABLE missing_payments (
    id           INTEGER PRIMARY KEY,
    merchant_id  TEXT    NOT NULL REFERENCES merchants (id),
    device_id    TEXT    NOT NULL REFERENCES devices (id),
    payment_id   TEXT    NOT NULL,
    record_hash  TEXT    NOT NULL,
    seq          INTEGER NOT NULL,
    -- What it was acknowledged as, when, and in which epoch.
    status       TEXT    NOT NULL,
    acked_ms     INTEGER NOT NULL,
    epoch        TEXT    NOT NULL,
    number       TEXT    NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    brand        TEXT    NOT NULL,
    last4        TEXT    NOT NULL,
    created_ms   INTEGER NOT NULL,
    reported_ms  INTEGER NOT NULL,
    UNIQUE (merchant_id, record_hash)
) STRICT;

CREATE INDEX missing_payments_by_device ON missing_payments (device_id);
