-- Receipts by e-mail. The address is there for as long as the letter waits, and NULL from its end on.
CREATE TABLE receipt_mails (
    id          TEXT PRIMARY KEY,
    payment_id  TEXT    NOT NULL REFERENCES payments (id),
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    address     TEXT,
    state       TEXT    NOT NULL,
    code        TEXT,
    asked_ms    BIGINT  NOT NULL,
    changed_ms  BIGINT  NOT NULL
);

CREATE INDEX receipt_mails_of ON receipt_mails (payment_id);

-- What a merchant's letters look like. The highest version counts; a version is never changed.
CREATE TABLE mail_templates (
    merchant_id TEXT    NOT NULL REFERENCES merchants (id),
    version     BIGINT  NOT NULL,
    subject     TEXT    NOT NULL,
    body_text   TEXT    NOT NULL,
    body_html   TEXT    NOT NULL,
    created_ms  BIGINT  NOT NULL,
    PRIMARY KEY (merchant_id, version)
);
