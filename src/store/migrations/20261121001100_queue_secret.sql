-- Whoever queues a job of an app says who owns it and how often it is tried. The database believed
-- every session of the app in that; now the host proves that it is the one who speaks.

-- SHA-256 of a secret that the host derives from its key.
ALTER TABLE app_roles ADD COLUMN queue_secret BYTEA CHECK (octet_length(queue_secret) = 32);

DROP FUNCTION skep_jobs.enqueue(
    UUID, TEXT, TEXT, UUID, INTEGER, BIGINT, INTEGER, INTEGER, INTEGER, INTEGER, TEXT
);
CREATE FUNCTION skep_jobs.enqueue(
    new_id UUID, body TEXT, key TEXT, owner UUID, level INTEGER, delay_ms BIGINT,
    at_once INTEGER, most_attempts INTEGER, most_retries INTEGER, pause_ms INTEGER,
    what TEXT, secret BYTEA
) RETURNS UUID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own TEXT;
    found_id UUID;
BEGIN
    -- The host asks for neither. It is refused here too, for who comes past the reading of
    -- statements: hooks are the host's to call, and the queue is no store for large texts.
    IF what LIKE 'hook %' OR octet_length(body) > 16777216 THEN
        RAISE EXCEPTION 'an app queues its own tasks, with payloads of at most 16 MiB'
            USING ERRCODE = '42501';
    END IF;
    SELECT app INTO own FROM skep.app_roles
    WHERE role = session_user AND queue_secret = sha256(secret);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only the host queues jobs of an app' USING ERRCODE = '42501';
    END IF;
    found_id := skep.put_job(
        new_id, own, body, 'app:' || key, owner, level, delay_ms, at_once, most_attempts,
        most_retries, pause_ms, what
    );
    IF NOT EXISTS (
        SELECT FROM skep.jobs WHERE id = found_id AND payload = body AND entry = what
    ) THEN
        RAISE EXCEPTION 'the key belongs to a job with another payload' USING ERRCODE = 'SK002';
    END IF;
    RETURN found_id;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA skep_jobs FROM PUBLIC;

-- As before, and a job that is done keeps what it said last of how far it was. Its two times are
-- the same: an app reads one of them.
CREATE OR REPLACE FUNCTION skep_jobs.complete(job UUID, number INTEGER, token BYTEA, result TEXT)
RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment TIMESTAMPTZ := clock_timestamp();
BEGIN
    UPDATE skep.job_attempts AS attempt
    SET ended_at = moment, outcome = 'completed'
    WHERE attempt.job = complete.job AND attempt.number = complete.number
        AND attempt.token = sha256(complete.token) AND attempt.ended_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this attempt of the job is over: another was started, or it was cancelled'
            USING ERRCODE = 'SK001';
    END IF;
    UPDATE skep.jobs SET
        status = 'completed', progress = 100, result = complete.result, error = NULL,
        progress_text = (
            SELECT pulse.progress_text FROM skep.job_pulses AS pulse
            WHERE pulse.job = complete.job AND pulse.attempt = complete.number
        ),
        finished_at = moment, updated_at = moment
    WHERE id = complete.job;
END $$;
