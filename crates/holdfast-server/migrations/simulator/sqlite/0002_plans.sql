-- What is to become of a payment after its approval, written with it: whose it is, the code that its capture is refused with, and the
-- chargeback that follows so long after its capture.
CREATE TABLE plans (
    reference        TEXT PRIMARY KEY,
    merchant_id      TEXT    NOT NULL,
    capture_code     TEXT,
    dispute_reason   TEXT,
    dispute_after_ms INTEGER
) STRICT;
