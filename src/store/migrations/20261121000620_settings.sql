-- Settings of apps: values that were set, whatever the release declares. Nothing reads this
-- table before this release.
CREATE TABLE settings (
    app        TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    key        TEXT COLLATE "C" NOT NULL,
    value      JSONB NOT NULL,
    -- None where the app itself did it.
    updated_by TEXT,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (app, key)
);
