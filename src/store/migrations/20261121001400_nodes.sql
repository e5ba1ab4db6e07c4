-- The nodes that serve, each with its last sign of life. A new table only: the binary before this
-- one neither writes nor reads it.
CREATE TABLE nodes (
    -- As beside the attempts at jobs. A process has a new one at each start.
    name       TEXT COLLATE "C" PRIMARY KEY,
    version    TEXT NOT NULL,
    -- The address that it serves on.
    listen     TEXT NOT NULL,
    -- By the clock of the database, which all nodes share.
    started_at TIMESTAMPTZ NOT NULL,
    seen_at    TIMESTAMPTZ NOT NULL
);
