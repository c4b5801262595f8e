-- The shop's books: double entry, written by the booking job and by nobody else.

-- The hour on the shop's clock when its business day begins. The clock is that of merchants.zone.
ALTER TABLE merchants ADD COLUMN day_start_hour BIGINT NOT NULL DEFAULT 0 CHECK (day_start_hour BETWEEN 0 AND 23);

-- How far the books have read the merchant's payment_events, and the number of their last entry. Moved in the transaction that
-- writes the entries: what was read is booked, and what is booked was read, whenever the process ends.
CREATE TABLE book_cursors (
    merchant_id TEXT PRIMARY KEY REFERENCES merchants (id),
    last_change BIGINT  NOT NULL,
    last_entry  BIGINT  NOT NULL
);

-- One row an entry. source is what it is about (a payment's id, or a name such as payout/…), and key tells it from the source's others.
CREATE TABLE journal (
    merchant_id    TEXT    NOT NULL REFERENCES merchants (id),
    entry          BIGINT  NOT NULL,
    source         TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    -- The business day as days since 1970-01-01, and the hour on the shop's clock.
    day            BIGINT  NOT NULL,
    hour           BIGINT  NOT NULL,
    at_ms          BIGINT  NOT NULL,
    booked_ms      BIGINT  NOT NULL,
    currency       TEXT    NOT NULL,
    device_id      TEXT    NOT NULL,
    staff          TEXT    NOT NULL,
    tender         TEXT    NOT NULL,
    offline        BIGINT  NOT NULL,
    refunded_minor BIGINT  NOT NULL,
    PRIMARY KEY (merchant_id, entry),
    UNIQUE (merchant_id, source, key)
);

-- A debit is positive, a credit negative; the lines of an entry add up to nothing.
CREATE TABLE journal_lines (
    merchant_id  TEXT    NOT NULL,
    entry        BIGINT  NOT NULL,
    line         BIGINT  NOT NULL,
    account      TEXT    NOT NULL,
    tax_bp       BIGINT ,
    amount_minor BIGINT  NOT NULL,
    item         TEXT    NOT NULL,
    category     TEXT    NOT NULL,
    quantity     BIGINT  NOT NULL,
    PRIMARY KEY (merchant_id, entry, line)
);

-- What the journal's entries add up to, by business day and by what a report asks for. Written with the entries, and can be made anew.
CREATE TABLE book_sums (
    merchant_id       TEXT    NOT NULL,
    kind              TEXT    NOT NULL,
    day               BIGINT  NOT NULL,
    key               TEXT    NOT NULL,
    currency          TEXT    NOT NULL,
    count             BIGINT  NOT NULL,
    quantity          BIGINT  NOT NULL,
    net_minor         BIGINT  NOT NULL,
    tax_minor         BIGINT  NOT NULL,
    tips_minor        BIGINT  NOT NULL,
    refunds_minor     BIGINT  NOT NULL,
    refunds_tax_minor BIGINT  NOT NULL,
    lost_minor        BIGINT  NOT NULL,
    balance_minor     BIGINT  NOT NULL,
    PRIMARY KEY (merchant_id, kind, day, key, currency)
);

-- Append only, by the database itself.
CREATE TRIGGER journal_stay BEFORE UPDATE OR DELETE ON journal FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_are_not_emptied BEFORE TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_lines_stay BEFORE UPDATE OR DELETE ON journal_lines FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_lines_are_not_emptied BEFORE TRUNCATE ON journal_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
