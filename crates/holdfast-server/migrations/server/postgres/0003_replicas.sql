-- Servers that share these books. One that no longer says that it is alive loses what it had taken on.
CREATE TABLE replicas (
    id             TEXT PRIMARY KEY,
    alive_until_ms BIGINT NOT NULL
);

ALTER TABLE jobs ADD COLUMN holder TEXT;

CREATE INDEX jobs_held ON jobs (holder) WHERE holder IS NOT NULL;

-- What only one of them does at a time.
CREATE TABLE duties (
    name     TEXT PRIMARY KEY,
    holder   TEXT    NOT NULL,
    until_ms BIGINT  NOT NULL
);
