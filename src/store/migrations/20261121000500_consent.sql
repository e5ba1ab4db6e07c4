-- Releases that wait for consent, what each release was granted, and what an operator has
-- consented to. Safe beside the binary before: it lists and serves `ready` releases only,
-- and the new columns have defaults.
ALTER TABLE releases DROP CONSTRAINT releases_state_check;
ALTER TABLE releases ADD CONSTRAINT releases_state_check
-- waiting: held until somebody consents, none of its SQL has run; refused: somebody did not.
CHECK (state IN ('loading', 'committing', 'ready', 'waiting', 'refused'));

-- What it has beyond what every app has. Releases from before have nothing beyond.
ALTER TABLE releases ADD COLUMN granted JSONB NOT NULL DEFAULT '[]';
-- What was shown to whoever decided; null for releases from before.
ALTER TABLE releases ADD COLUMN plan JSONB;
-- Was held for consent: a deploy of it that fails makes it wait again.
ALTER TABLE releases ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE releases ADD COLUMN decided_by TEXT;
ALTER TABLE releases ADD COLUMN decided_at TIMESTAMPTZ;
ALTER TABLE releases ADD COLUMN reason TEXT;

-- A refused release stays for people to see, without its bytes.
ALTER TABLE releases ALTER COLUMN bundle DROP NOT NULL;
ALTER TABLE releases ALTER COLUMN component DROP NOT NULL;
ALTER TABLE releases ADD CONSTRAINT releases_bytes_check
CHECK (state = 'refused' OR (bundle IS NOT NULL AND component IS NOT NULL));

CREATE UNIQUE INDEX releases_one_waiting ON releases (app) WHERE state = 'waiting';

-- What somebody has consented to and nobody has withdrawn, whether or not the active release
-- asks for it: an earlier one that serves again gets nothing else.
CREATE TABLE consents (
    app TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    -- What it is about, such as `table:public.items`.
    key TEXT COLLATE "C" NOT NULL,
    -- With its extent, such as whether it is for writing too.
    granted JSONB NOT NULL,
    accepted_by TEXT NOT NULL,
    accepted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (app, key)
);

-- How much of that was used since it was given. Nodes add to it now and then.
CREATE TABLE grant_uses (
    app TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    uses BIGINT NOT NULL,
    last_used TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (app, key),
    FOREIGN KEY (app, key) REFERENCES consents (app, key) ON DELETE CASCADE
);
