-- Apps, their releases and the bytes behind them. Blobs are here too, so that a backup
-- of the database is a whole backup. Nothing reads these tables before this release.
CREATE TABLE blobs (
    digest     TEXT PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    bytes      BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
-- Bundles and components are compressed already.
ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE apps (
    name           TEXT COLLATE "C" PRIMARY KEY,
    enabled        BOOLEAN NOT NULL,
    active_release UUID,
    created_at     TIMESTAMPTZ NOT NULL,
    updated_at     TIMESTAMPTZ NOT NULL
);

CREATE TABLE releases (
    id           UUID PRIMARY KEY,
    app          TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    version      TEXT NOT NULL,
    manifest     JSONB NOT NULL,
    -- SHA-256 of the bundle's files, whatever the zip around them looks like.
    digest       TEXT NOT NULL,
    bundle       TEXT NOT NULL REFERENCES blobs (digest),
    component    TEXT NOT NULL REFERENCES blobs (digest),
    -- loading: the deploy is at work; committing: the app's transaction `xid` is about to
    -- be committed; ready: it can serve.
    state        TEXT NOT NULL CHECK (state IN ('loading', 'committing', 'ready')),
    xid          TEXT,
    created_by   TEXT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    activated_at TIMESTAMPTZ,
    UNIQUE (app, number)
);
CREATE INDEX releases_component ON releases (component);
CREATE INDEX releases_bundle ON releases (bundle);

ALTER TABLE apps ADD FOREIGN KEY (active_release) REFERENCES releases (id);

-- Which component was built from which sources by which builder: building takes seconds.
CREATE TABLE builds (
    recipe    TEXT PRIMARY KEY,
    component TEXT NOT NULL REFERENCES blobs (digest) ON DELETE CASCADE
);
