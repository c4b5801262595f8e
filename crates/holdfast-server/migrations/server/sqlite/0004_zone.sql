-- The shop's time zone, by its name in the IANA database: what its receipts and its days go by.
ALTER TABLE merchants ADD COLUMN zone TEXT NOT NULL DEFAULT 'UTC';
