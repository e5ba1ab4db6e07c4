-- Secrets of apps, sealed. Versions are never given twice, so that an old row that is put
-- back does not pass for a new one. Nothing reads these tables before this release.
CREATE SEQUENCE credential_versions;

CREATE TABLE credentials (
    app        TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    version    BIGINT NOT NULL,
    key_id     TEXT NOT NULL,
    nonce      BYTEA NOT NULL CHECK (octet_length(nonce) = 24),
    sealed     BYTEA NOT NULL,
    -- Bytes before sealing.
    size       INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (app, name)
);
CREATE INDEX credentials_key_id ON credentials (key_id);
-- What is sealed cannot be compressed.
ALTER TABLE credentials ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Which call read which credential, refusals included. It outlives the app.
CREATE TABLE credential_reads (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app     TEXT COLLATE "C" NOT NULL,
    release UUID NOT NULL,
    call    UUID NOT NULL,
    name    TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('given', 'undeclared', 'not_set', 'failed')),
    at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX credential_reads_app ON credential_reads (app, name, at);
CREATE INDEX credential_reads_at ON credential_reads (at);
