-- Paying again. A payment that was declined or came too late can be paid by another one, which its customer makes on the live receipt. The two
-- name each other, and no payment has two others in its place.
ALTER TABLE payments ADD COLUMN replaces TEXT REFERENCES payments (id);
ALTER TABLE payments ADD COLUMN replaced_by TEXT REFERENCES payments (id);
CREATE UNIQUE INDEX payments_replaces ON payments (replaces) WHERE replaces IS NOT NULL;

-- When the shop said that an unpaid sale was settled in another way, and who said it: from then on it cannot be paid again.
ALTER TABLE payments ADD COLUMN settled_otherwise_ms BIGINT;
ALTER TABLE payments ADD COLUMN settled_otherwise_by TEXT REFERENCES users (id);

-- A merchant's live receipts stand among its devices, so that their payments are like all others. Nobody has the private half of that key.
ALTER TABLE devices ADD COLUMN kind TEXT NOT NULL DEFAULT 'till' CHECK (kind IN ('till', 'receipt'));
