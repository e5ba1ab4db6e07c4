-- What the nodes of this database must have in common. Nothing reads the table before this
-- release.
CREATE TABLE host (
    single          BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (single),
    -- Of the host key that the apps' passwords are derived from.
    key_fingerprint TEXT NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL
);
