-- What was sent to the acquirer and what came back. It holds no card data. With the books, it is the only record of what a
-- reversal must name, so it is backed up together with them.
CREATE TABLE exchanges (
    id            INTEGER PRIMARY KEY,
    -- The payment's id.
    reference     TEXT    NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind IN ('authorisation', 'capture', 'reversal', 'refund')),
    -- Which refund of the payment; 0 for everything else.
    number        INTEGER NOT NULL DEFAULT 0,
    -- The exchange that a reversal takes back.
    original      INTEGER REFERENCES exchanges (id),
    -- UTC day since 1970; a STAN is unique within it.
    day           INTEGER NOT NULL,
    stan          INTEGER NOT NULL,
    rrn           TEXT    NOT NULL,
    -- Fields 7, 12 and 13 are made from it, so that a repeat carries the same.
    sent_ms       INTEGER NOT NULL,
    amount_minor  INTEGER NOT NULL,
    currency      TEXT    NOT NULL,
    -- open: sent, or about to be, with no answer known. unsent: certainly never left. reversed: taken back at the acquirer.
    state         TEXT    NOT NULL CHECK (state IN ('open', 'unsent', 'answered', 'reversed')),
    sends         INTEGER NOT NULL DEFAULT 1,
    code          TEXT,
    approval_code TEXT,
    answered_ms   INTEGER
) STRICT;

CREATE UNIQUE INDEX exchanges_stan ON exchanges (day, stan);
CREATE INDEX exchanges_reference ON exchanges (reference);
-- An answer names these two.
CREATE INDEX exchanges_answer ON exchanges (stan, rrn);
-- Nothing is asked for twice while the first may stand.
CREATE UNIQUE INDEX exchanges_once ON exchanges (reference, kind, number) WHERE kind <> 'reversal' AND state IN ('open', 'answered');
CREATE UNIQUE INDEX exchanges_reversed_once ON exchanges (original) WHERE kind = 'reversal';

-- The last STAN that was given out on a day, also for sign-on and echo.
CREATE TABLE stans (
    day  INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;
