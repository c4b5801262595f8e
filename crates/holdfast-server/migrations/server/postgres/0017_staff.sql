-- Who sells at the tills. Somebody who left stays, switched off: the books name them.
CREATE TABLE staff (
    id          TEXT   NOT NULL,
    merchant_id TEXT   NOT NULL REFERENCES merchants (id),
    name        TEXT   NOT NULL,
    role        TEXT   NOT NULL CHECK (role IN ('cashier', 'manager')),
    -- What a till tries a PIN against; none while it is to be set.
    pin         TEXT,
    is_active   BIGINT NOT NULL,
    changed_ms  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, id)
);

-- The till's lock and tips, and how often what tills are told of their shop has changed.
ALTER TABLE merchants ADD COLUMN must_sign_in BIGINT NOT NULL DEFAULT 1;
ALTER TABLE merchants ADD COLUMN idle_lock_ms BIGINT NOT NULL DEFAULT 300000;
ALTER TABLE merchants ADD COLUMN staff_on_receipts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE merchants ADD COLUMN tips TEXT NOT NULL DEFAULT '{"kind":"off","values":[]}';
ALTER TABLE merchants ADD COLUMN shop_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE merchants ADD COLUMN shop_digest TEXT NOT NULL DEFAULT '';

-- A tip is a part of the amount; who sold is a staff id, or empty.
ALTER TABLE payments ADD COLUMN tip_minor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN staff TEXT NOT NULL DEFAULT '';
