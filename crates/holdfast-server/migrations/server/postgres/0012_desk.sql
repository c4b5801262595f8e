-- What the owner decided about a string in quarantine. Then what was sealed in it goes, and what it claimed to be stays.
ALTER TABLE quarantine ADD COLUMN decision TEXT CHECK (decision IN ('released', 'written-off'));
ALTER TABLE quarantine ADD COLUMN decided_ms BIGINT;
ALTER TABLE quarantine ADD COLUMN decided_by TEXT REFERENCES users (id);
ALTER TABLE quarantine ADD COLUMN decided_why TEXT;
ALTER TABLE quarantine ADD COLUMN claims TEXT;

-- Names of categories and items are a shop's own: two shops may both have an item "espresso".
ALTER TABLE items DROP CONSTRAINT items_category_id_fkey;
ALTER TABLE items DROP CONSTRAINT items_pkey;
ALTER TABLE categories DROP CONSTRAINT categories_pkey;
ALTER TABLE categories ADD PRIMARY KEY (merchant_id, id);
ALTER TABLE items ADD PRIMARY KEY (merchant_id, id);
ALTER TABLE items ADD FOREIGN KEY (merchant_id, category_id) REFERENCES categories (merchant_id, id);
