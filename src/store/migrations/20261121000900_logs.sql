-- What apps have logged. New tables and a function only: the binary before this one neither
-- writes nor reads them.
CREATE TABLE logs (
    -- The order of writing, and of becoming visible: see put_logs.
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         TIMESTAMPTZ NOT NULL,
    app        TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    -- It may be gone: that of a deploy that failed is.
    release_id UUID NOT NULL,
    call_id    UUID NOT NULL,
    -- Where the call worked at a job.
    job_id     UUID,
    attempt    INTEGER,
    -- debug, info, warn, error: 0 to 3.
    level      SMALLINT NOT NULL CHECK (level BETWEEN 0 AND 3),
    source     TEXT NOT NULL CHECK (source IN ('log', 'stdout', 'stderr', 'failure', 'host')),
    message    TEXT NOT NULL,
    detail     JSONB,
    -- About what it takes, indexes included.
    bytes      INTEGER NOT NULL
)
-- Rows come at one end and go at the other: what was freed must be found again soon.
WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);
-- Lists show one app's lines, newest first, and its oldest are purged first.
CREATE INDEX logs_app ON logs (app, at, seq);
CREATE INDEX logs_call ON logs (call_id);
CREATE INDEX logs_job ON logs (job_id) WHERE job_id IS NOT NULL;

-- How much of it is each app's, so that nobody counts millions of rows.
CREATE TABLE log_sizes (
    app   TEXT COLLATE "C" PRIMARY KEY REFERENCES apps (name) ON DELETE CASCADE,
    rows  BIGINT NOT NULL,
    bytes BIGINT NOT NULL
) WITH (fillfactor = 50);

-- Writes lines down. Those of an app that is gone, or is being deleted, are left out.
--
-- One at a time over all nodes, so that lines become visible in the order of their numbers: who
-- has read up to a number has missed none before it. A function, so that a node that stops in
-- the middle keeps nobody waiting: the lock is held while the server works, and no longer.
CREATE FUNCTION put_logs(
    ats TIMESTAMPTZ [], apps TEXT [], releases UUID [], calls UUID [], jobs UUID [],
    attempts INTEGER [], levels SMALLINT [], sources TEXT [], messages TEXT [], details TEXT [],
    sizes INTEGER []
) RETURNS VOID
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('skep logs', 0));
    WITH added AS (
        SELECT * FROM unnest(
            ats, put_logs.apps, put_logs.releases, calls, jobs, attempts, levels, sources,
            messages, details, sizes
        ) WITH ORDINALITY AS line (
            at, app, release_id, call_id, job_id, attempt, level, source, message, detail,
            bytes, place
        )
    ), here AS (
        -- Without SKIP LOCKED, the lines of all apps would wait for one app's deletion.
        SELECT name FROM apps WHERE name = ANY (put_logs.apps)
        FOR KEY SHARE SKIP LOCKED
    ), written AS (
        INSERT INTO logs (
            at, app, release_id, call_id, job_id, attempt, level, source, message, detail, bytes
        )
        SELECT
            at, app, release_id, call_id, job_id, attempt, level, source, message,
            detail::jsonb, bytes
        FROM added INNER JOIN here ON here.name = added.app
        ORDER BY place
        RETURNING logs.app, logs.bytes
    )
    INSERT INTO log_sizes (app, rows, bytes)
    SELECT app, count(*), sum(bytes) FROM written GROUP BY app
    ON CONFLICT (app) DO UPDATE
    SET rows = log_sizes.rows + excluded.rows, bytes = log_sizes.bytes + excluded.bytes;
END $$;

-- Deletes some of an app's lines that are older than a time, the oldest first; says how many, and
-- what they took. No row where another node is at it. Those of an app that is being deleted are
-- left to that. A function, as above: nothing is locked while a node thinks.
CREATE FUNCTION purge_logs(of_app TEXT, than TIMESTAMPTZ, chunk BIGINT)
RETURNS TABLE (rows BIGINT, bytes BIGINT)
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
#variable_conflict use_column
DECLARE
    gone_rows BIGINT;
    gone_bytes BIGINT;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('skep purge logs', 0)) THEN
        RETURN;
    END IF;
    PERFORM FROM apps WHERE name = of_app FOR KEY SHARE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 0::bigint, 0::bigint;
        RETURN;
    END IF;
    WITH gone AS (
        DELETE FROM logs WHERE seq IN (
            SELECT seq FROM logs WHERE app = of_app AND at < than ORDER BY at, seq LIMIT chunk
        )
        RETURNING logs.bytes
    )
    SELECT count(*), coalesce(sum(gone.bytes), 0) INTO gone_rows, gone_bytes FROM gone;
    UPDATE log_sizes
    SET rows = log_sizes.rows - gone_rows, bytes = log_sizes.bytes - gone_bytes
    WHERE app = of_app AND gone_rows > 0;
    RETURN QUERY SELECT gone_rows, gone_bytes;
END $$;
REVOKE ALL ON FUNCTION put_logs, purge_logs FROM PUBLIC;
