-- Payments that were voided on their device before they were uploaded. The payment has the place in the chain that its record had; the void that
-- came instead has a place of its own.
CREATE TABLE voids (
    payment_id  TEXT PRIMARY KEY REFERENCES payments (id),
    device_id   TEXT    NOT NULL REFERENCES devices (id),
    seq         INTEGER NOT NULL,
    -- Of the record that was voided: should it ever come, it is known, and not charged.
    record_hash TEXT    NOT NULL,
    UNIQUE (device_id, seq)
) STRICT;
