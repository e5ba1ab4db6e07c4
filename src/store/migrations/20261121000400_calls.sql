-- What each call used and came to. A new table only: the binary before this one neither
-- writes nor reads it.
CREATE TABLE calls (
    -- The order of writing. A call's id does not serve: clients choose it, and may choose one
    -- twice.
    seq                BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                 UUID NOT NULL,
    app                TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    -- It may be gone: that of a deploy that failed is.
    release_id         UUID NOT NULL,
    entry              TEXT NOT NULL,
    -- Who called, by name, because a user may be deleted; null where nobody did.
    caller             TEXT,
    started_at         TIMESTAMPTZ NOT NULL,
    outcome            TEXT NOT NULL,
    error              TEXT,
    wall_micros        BIGINT NOT NULL,
    queued_micros      BIGINT NOT NULL,
    instantiate_micros BIGINT NOT NULL,
    guest_micros       BIGINT NOT NULL,
    db_micros          BIGINT NOT NULL,
    fuel               BIGINT,
    memory_bytes       BIGINT NOT NULL,
    statements         BIGINT NOT NULL,
    rows               BIGINT NOT NULL,
    db_sent_bytes      BIGINT NOT NULL,
    db_received_bytes  BIGINT NOT NULL,
    egress_micros      BIGINT NOT NULL,
    egress_requests    BIGINT NOT NULL,
    egress_sent_bytes  BIGINT NOT NULL,
    egress_received_bytes BIGINT NOT NULL,
    payload_bytes      BIGINT NOT NULL,
    answer_bytes       BIGINT NOT NULL,
    log_lines          BIGINT NOT NULL
);
-- Lists show one app's calls, newest first.
CREATE INDEX calls_app ON calls (app, seq);
CREATE INDEX calls_id ON calls (id);
-- The oldest are purged first.
CREATE INDEX calls_started_at ON calls (started_at);
