-- What the owner decided about a string in quarantine. Then what was sealed in it goes, and what it claimed to be stays.
ALTER TABLE quarantine ADD COLUMN decision TEXT CHECK (decision IN ('released', 'written-off'));
ALTER TABLE quarantine ADD COLUMN decided_ms INTEGER;
ALTER TABLE quarantine ADD COLUMN decided_by TEXT REFERENCES users (id);
ALTER TABLE quarantine ADD COLUMN decided_why TEXT;
ALTER TABLE quarantine ADD COLUMN claims TEXT;

-- Names of categories and items are a shop's own: two shops may both have an item "espresso".
CREATE TABLE own_categories (
    id          TEXT    NOT NULL,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    position    INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    colour      TEXT    NOT NULL,
    PRIMARY KEY (merchant_id, id)
) STRICT;

CREATE TABLE own_items (
    id          TEXT    NOT NULL,
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    category_id TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    price_minor INTEGER NOT NULL,
    tax_bp      INTEGER NOT NULL,
    sku         TEXT,
    barcode     TEXT,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, category_id) REFERENCES own_categories (merchant_id, id)
) STRICT;

INSERT INTO own_categories (id, merchant_id, position, name, colour)
SELECT id, merchant_id, position, name, colour FROM categories;
INSERT INTO own_items (id, merchant_id, category_id, position, name, price_minor, tax_bp, sku, barcode)
SELECT id, merchant_id, category_id, position, name, price_minor, tax_bp, sku, barcode FROM items;
DROP TABLE items;
DROP TABLE categories;
ALTER TABLE own_categories RENAME TO categories;
ALTER TABLE own_items RENAME TO items;
