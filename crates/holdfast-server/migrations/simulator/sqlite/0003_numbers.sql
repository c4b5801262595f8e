-- A payment may have several refunds, and several tries: one carried-out request of a kind and a number per reference.
ALTER TABLE entries ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE entries SET number = 1 WHERE kind = 'refund';
DROP INDEX entries_once;
CREATE UNIQUE INDEX entries_once ON entries (reference, kind, number);
