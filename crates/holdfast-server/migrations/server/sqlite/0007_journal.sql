-- The shop's books: double entry, written by the booking job and by nobody else.

-- The hour on the shop's clock when its business day begins. The clock is that of merchants.zone.
ALTER TABLE merchants ADD COLUMN day_start_hour INTEGER NOT NULL DEFAULT 0 CHECK (day_start_hour BETWEEN 0 AND 23);

-- How far the books have read the merchant's payment_events, and the number of their last entry. Moved in the transaction that
-- writes the entries: what was read is booked, and what is booked was read, whenever the process ends.
CREATE TABLE book_cursors (
    merchant_id TEXT PRIMARY KEY REFERENCES merchants (id),
    last_change INTEGER NOT NULL,
    last_entry  INTEGER NOT NULL
) STRICT;

-- One row an entry. source is what it is about (a payment's id, or a name such as payout/…), and key tells it from the source's others.
CREATE TABLE journal (
    merchant_id    TEXT    NOT NULL REFERENCES merchants (id),
    entry          INTEGER NOT NULL,
    source         TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    -- The business day as days since 1970-01-01, and the hour on the shop's clock.
    day            INTEGER NOT NULL,
    hour           INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL,
    booked_ms      INTEGER NOT NULL,
    currency       TEXT    NOT NULL,
    device_id      TEXT    NOT NULL,
    staff          TEXT    NOT NULL,
    tender         TEXT    NOT NULL,
    offline        INTEGER NOT NULL,
    refunded_minor INTEGER NOT NULL,
    PRIMARY KEY (merchant_id, entry),
    UNIQUE (merchant_id, source, key)
) STRICT;

-- A debit is positive, a credit negative; the lines of an entry add up to nothing.
CREATE TABLE journal_lines (
    merchant_id  TEXT    NOT NULL,
    entry        INTEGER NOT NULL,
    line         INTEGER NOT NULL,
    account      TEXT    NOT NULL,
    tax_bp       INTEGER,
    amount_minor INTEGER NOT NULL,
    item         TEXT    NOT NULL,
    category     TEXT    NOT NULL,
    quantity     INTEGER NOT NULL,
    PRIMARY KEY (merchant_id, entry, line)
) STRICT, WITHOUT ROWID;

-- What the journal's entries add up to, by business day and by what a report asks for. Written with the entries, and can be made anew.
CREATE TABLE book_sums (
    merchant_id       TEXT    NOT NULL,
    kind              TEXT    NOT NULL,
    day               INTEGER NOT NULL,
    key               TEXT    NOT NULL,
    currency          TEXT    NOT NULL,
    count             INTEGER NOT NULL,
    quantity          INTEGER NOT NULL,
    net_minor         INTEGER NOT NULL,
    tax_minor         INTEGER NOT NULL,
    tips_minor        INTEGER NOT NULL,
    refunds_minor     INTEGER NOT NULL,
    refunds_tax_minor INTEGER NOT NULL,
    lost_minor        INTEGER NOT NULL,
    balance_minor     INTEGER NOT NULL,
    PRIMARY KEY (merchant_id, kind, day, key, currency)
) STRICT, WITHOUT ROWID;

-- Append only, by the database itself.
CREATE TRIGGER journal_stay BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
CREATE TRIGGER journal_hold BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
CREATE TRIGGER journal_lines_stay BEFORE DELETE ON journal_lines BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
CREATE TRIGGER journal_lines_hold BEFORE UPDATE ON journal_lines BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
