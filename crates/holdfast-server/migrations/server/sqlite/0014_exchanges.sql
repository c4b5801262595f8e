-- What was sent to an acquirer that cannot be asked (ISO 8583), and what came back. It holds no card data. It is the only record of
-- what a reversal must name.
CREATE TABLE exchanges (
    -- The payment's id.
    reference     TEXT    NOT NULL,
    -- Which exchange of the payment, from 1: two servers that decide upon the same story cannot both go on with it.
    nth           INTEGER NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind IN ('authorisation', 'capture', 'reversal', 'refund')),
    -- Which try of the payment, or which refund; 0 for everything else.
    number        INTEGER NOT NULL DEFAULT 0,
    -- The exchange of the payment that this one continues or takes back.
    original      INTEGER,
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
    answered_ms   INTEGER,
    -- The server that waits for the answer, and until when no other one touches the exchange.
    holder        TEXT,
    held_until_ms INTEGER NOT NULL DEFAULT 0,
    -- 1: from a log of its own, as earlier versions kept it.
    imported      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (reference, nth),
    FOREIGN KEY (reference, original) REFERENCES exchanges (reference, nth)
) STRICT;

CREATE UNIQUE INDEX exchanges_stan ON exchanges (day, stan) WHERE imported = 0;
-- An answer names these two.
CREATE INDEX exchanges_answer ON exchanges (stan, rrn);
-- Nothing is asked for twice while the first may stand.
CREATE UNIQUE INDEX exchanges_once ON exchanges (reference, kind, number) WHERE kind <> 'reversal' AND state IN ('open', 'answered');
CREATE UNIQUE INDEX exchanges_reversed_once ON exchanges (reference, original) WHERE kind = 'reversal';
CREATE INDEX exchanges_open ON exchanges (held_until_ms) WHERE state = 'open';

-- The last STAN of a day that was given out, or is in a block that a server took. The epoch tells whether numbers may be missing here.
CREATE TABLE stans (
    day   INTEGER PRIMARY KEY,
    last  INTEGER NOT NULL,
    epoch TEXT    NOT NULL
) STRICT;
