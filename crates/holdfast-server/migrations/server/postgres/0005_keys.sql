-- Emergency rotation, renewed signers, and a key log whose lines are bound to each other.

-- Set when an emergency rotation took the key out of the published set. It still opens.
ALTER TABLE card_keys ADD COLUMN withdrawn_ms BIGINT;

-- A signer that was superseded: its private half is empty from then on.
ALTER TABLE signers ADD COLUMN destroyed_ms BIGINT;

-- Signers that wait for their certificate from an offline root.
CREATE TABLE signer_requests (
    kid        TEXT PRIMARY KEY,
    private    BYTEA  NOT NULL,
    x          TEXT   NOT NULL,
    y          TEXT   NOT NULL,
    created_ms BIGINT NOT NULL
);

-- The hash of the line before. Lines of before this step have none; their hashes are worked out when they are read.
ALTER TABLE key_log ADD COLUMN prev TEXT NOT NULL DEFAULT '';

-- Lines are counted without a gap, which a sequence does not promise.
ALTER TABLE key_log ALTER COLUMN id DROP IDENTITY;
