-- Work that runs later. New tables, schemas and functions only: the binary before this one
-- reads none of them, and the views of `noderouter_core` did not exist.
--
-- Times are the database's own, because leases are compared over nodes whose clocks differ.
-- Locks are always taken in the order attempt, job, pulse.
CREATE TABLE jobs (
    id UUID PRIMARY KEY,
    app TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    -- The release that was active when it was queued; each attempt has its own.
    release UUID,
    -- JSON text, kept to the letter.
    payload TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    -- Why it failed for good.
    reason TEXT CHECK (reason IN ('failed', 'timed_out', 'cancelled', 'lost')),
    priority SMALLINT NOT NULL CHECK (priority BETWEEN -1 AND 1),
    -- How many jobs of the app may run while this one starts.
    concurrency INTEGER NOT NULL CHECK (concurrency > 0),
    run_after TIMESTAMPTZ NOT NULL,
    -- The number of the newest attempt, which fences all others off.
    attempt INTEGER NOT NULL,
    -- Attempts that count, and those of them that the app itself failed.
    spent INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    backoff_ms INTEGER NOT NULL,
    idempotency_key TEXT,
    -- The user behind it. The row outlives the user.
    created_by UUID,
    -- What the last attempt came to; while one runs, its progress is beside.
    progress SMALLINT NOT NULL,
    progress_text TEXT,
    result TEXT,
    error TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ
);
-- Finds the next app with work, and the next job of an app, without reading a backlog.
CREATE INDEX jobs_pending ON jobs (app, priority, run_after, id) WHERE status = 'pending';
CREATE INDEX jobs_running ON jobs (app) WHERE status = 'running';
CREATE UNIQUE INDEX jobs_idempotency_key ON jobs (app, idempotency_key)
WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_app ON jobs (app, id);
CREATE INDEX jobs_created_by ON jobs (created_by, id);
CREATE INDEX jobs_finished ON jobs (app, finished_at) WHERE finished_at IS NOT NULL;

-- The history. An attempt that has not ended is the current one, and only it may commit.
CREATE TABLE job_attempts (
    job UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    node TEXT NOT NULL,
    -- SHA-256 of the secret that proves a statement to be the attempt's.
    token BYTEA NOT NULL CHECK (octet_length(token) = 32),
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    outcome TEXT CHECK (
        outcome IN ('completed', 'failed', 'timed_out', 'cancelled', 'lost', 'returned')
    ),
    error TEXT,
    PRIMARY KEY (job, number),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);

-- What changes while an attempt runs. In a table of its own, so that a heartbeat neither waits
-- for the app's transaction nor disturbs one that reads a snapshot.
CREATE TABLE job_pulses (
    job UUID PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    lease_until TIMESTAMPTZ NOT NULL,
    progress SMALLINT NOT NULL,
    progress_text TEXT,
    updated_at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 70);

-- Progress that an app writes by SQL, one row an attempt: what a superseded attempt has not
-- committed keeps nobody waiting.
CREATE TABLE job_progress (
    job UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    progress SMALLINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (job, attempt)
) WITH (fillfactor = 70);

-- Which app a database session is.
CREATE TABLE app_roles (
    role NAME PRIMARY KEY,
    app TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE
);
CREATE INDEX app_roles_app ON app_roles (app);

-- A job with the progress that counts now.
CREATE VIEW jobs_now AS
SELECT
    jobs.*,
    CASE
        WHEN jobs.status <> 'running' THEN jobs.progress
        WHEN written.updated_at > coalesce(pulse.updated_at, '-infinity') THEN written.progress
        ELSE coalesce(pulse.progress, 0::smallint)
    END AS progress_now,
    CASE WHEN jobs.status = 'running' THEN pulse.progress_text ELSE jobs.progress_text END
        AS progress_text_now
FROM jobs
LEFT JOIN job_pulses AS pulse ON pulse.job = jobs.id AND pulse.attempt = jobs.attempt
LEFT JOIN job_progress AS written
    ON written.job = jobs.id AND written.attempt = jobs.attempt;

-- Takes the next job for a node: of the first app after `after` that has one ready and room for
-- it, so that every app has its turn whatever the others have queued.
--
-- One row without an id means that another node was quicker with that app: ask again from there.
-- At most one lock on an app is taken, so that nodes never wait for each other in a circle.
CREATE FUNCTION claim_job(
    node TEXT, not_here TEXT [], after TEXT, lease INTERVAL, token BYTEA
) RETURNS TABLE (id UUID, app TEXT, number INTEGER, payload TEXT, created_by UUID)
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
#variable_conflict use_column
DECLARE
    place TEXT := after;
    wrapped BOOLEAN := false;
    next_app TEXT;
    chosen jobs;
BEGIN
    LOOP
        SELECT jobs.app INTO next_app FROM jobs
        WHERE jobs.status = 'pending' AND jobs.app > place
        ORDER BY jobs.app LIMIT 1;
        IF next_app IS NULL AND NOT wrapped THEN
            wrapped := true;
            place := '';
            CONTINUE;
        END IF;
        IF next_app IS NULL OR (wrapped AND next_app > after) THEN
            RETURN;
        END IF;
        place := next_app;
        CONTINUE WHEN next_app = ANY (not_here);
        CONTINUE WHEN NOT EXISTS (
            SELECT FROM apps
            WHERE apps.name = next_app AND apps.enabled AND apps.active_release IS NOT NULL
        );
        chosen := next_job(next_app);
        CONTINUE WHEN chosen.id IS NULL;

        -- Only one claim of an app at a time can count what runs.
        PERFORM pg_advisory_xact_lock(hashtextextended('skep jobs ' || next_app, 0));
        chosen := next_job(next_app);
        IF chosen.id IS NOT NULL THEN
            -- Progress that an attempt before has not committed must not keep this one waiting.
            PERFORM FROM jobs WHERE jobs.id = chosen.id AND jobs.status = 'pending'
            FOR NO KEY UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                chosen := NULL;
            END IF;
        END IF;
        IF chosen.id IS NULL THEN
            RETURN QUERY SELECT NULL::uuid, next_app, NULL::integer, NULL::text, NULL::uuid;
            RETURN;
        END IF;

        UPDATE jobs SET
            status = 'running', attempt = chosen.attempt + 1, spent = chosen.spent + 1,
            progress = 0, progress_text = NULL, updated_at = clock_timestamp()
        WHERE jobs.id = chosen.id;
        INSERT INTO job_attempts (job, number, node, token, started_at)
        VALUES (chosen.id, chosen.attempt + 1, node, token, clock_timestamp());
        INSERT INTO job_pulses (job, attempt, lease_until, progress, updated_at)
        VALUES (chosen.id, chosen.attempt + 1, clock_timestamp() + lease, 0, clock_timestamp())
        ON CONFLICT (job) DO UPDATE SET
            attempt = excluded.attempt, lease_until = excluded.lease_until, progress = 0,
            progress_text = NULL, updated_at = excluded.updated_at;
        RETURN QUERY SELECT
            chosen.id, chosen.app, chosen.attempt + 1, chosen.payload, chosen.created_by;
        RETURN;
    END LOOP;
END $$;

-- The job that an app would run next; none where it has none ready or runs enough.
CREATE FUNCTION next_job(app_name TEXT) RETURNS jobs
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
DECLARE
    chosen jobs;
    running BIGINT;
BEGIN
    FOR level IN REVERSE 1..-1 LOOP
        SELECT * INTO chosen FROM jobs
        WHERE app = app_name AND status = 'pending' AND priority = level
            AND run_after <= clock_timestamp()
        ORDER BY run_after, id LIMIT 1;
        EXIT WHEN FOUND;
    END LOOP;
    SELECT count(*) INTO running FROM jobs WHERE app = app_name AND status = 'running';
    IF running >= chosen.concurrency THEN
        RETURN NULL;
    END IF;
    RETURN chosen;
END $$;

-- What the sessions of apps may call, and only with what the host knows: the functions below run
-- with the host's rights.
CREATE SCHEMA skep_jobs;
CREATE SCHEMA IF NOT EXISTS noderouter_core;

-- Refuses whatever is not the current attempt, and keeps it current until the transaction ends.
CREATE FUNCTION skep_jobs.fence(job UUID, number INTEGER, token BYTEA) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM skep.job_attempts AS attempt
    WHERE attempt.job = fence.job AND attempt.number = fence.number
        AND attempt.token = sha256(fence.token) AND attempt.ended_at IS NULL
    FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this attempt of the job is over: another was started, or it was cancelled'
            USING ERRCODE = 'SK001';
    END IF;
END $$;

-- Completes the current attempt, in the transaction that holds what it did.
CREATE FUNCTION skep_jobs.complete(job UUID, number INTEGER, token BYTEA, result TEXT)
RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE skep.job_attempts AS attempt
    SET ended_at = clock_timestamp(), outcome = 'completed'
    WHERE attempt.job = complete.job AND attempt.number = complete.number
        AND attempt.token = sha256(complete.token) AND attempt.ended_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this attempt of the job is over: another was started, or it was cancelled'
            USING ERRCODE = 'SK001';
    END IF;
    UPDATE skep.jobs SET
        status = 'completed', progress = 100, result = complete.result, error = NULL,
        finished_at = clock_timestamp(), updated_at = clock_timestamp()
    WHERE id = complete.job;
END $$;

-- Shows how far the current attempt is.
CREATE FUNCTION skep_jobs.report(
    job UUID, number INTEGER, token BYTEA, percent INTEGER, message TEXT
) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM skep_jobs.fence(report.job, report.number, report.token);
    UPDATE skep.job_pulses AS pulse SET
        progress = CASE
            WHEN percent IS NULL THEN pulse.progress ELSE least(greatest(percent, 0), 99)
        END,
        progress_text = coalesce(message, pulse.progress_text),
        updated_at = clock_timestamp()
    WHERE pulse.job = report.job AND pulse.attempt = report.number;
END $$;

-- Queues a job of the app that the session belongs to, as part of its transaction. What comes
-- back is its id, or the id of the job that has the key already.
CREATE FUNCTION skep_jobs.enqueue(
    new_id UUID, body TEXT, key TEXT, owner UUID, level INTEGER, delay_ms BIGINT,
    at_once INTEGER, most_attempts INTEGER, most_retries INTEGER, pause_ms INTEGER
) RETURNS UUID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own TEXT;
    found_id UUID;
BEGIN
    SELECT app INTO STRICT own FROM skep.app_roles WHERE role = session_user;
    found_id := skep.put_job(
        new_id, own, body, 'app:' || key, owner, level, delay_ms, at_once, most_attempts,
        most_retries, pause_ms
    );
    IF NOT EXISTS (SELECT FROM skep.jobs WHERE id = found_id AND payload = body) THEN
        RAISE EXCEPTION 'the key belongs to a job with another payload' USING ERRCODE = 'SK002';
    END IF;
    RETURN found_id;
END $$;

-- Writes a job down and wakes the nodes, once the transaction is committed.
CREATE FUNCTION put_job(
    new_id UUID, of_app TEXT, body TEXT, key TEXT, owner UUID, level INTEGER, delay_ms BIGINT,
    at_once INTEGER, most_attempts INTEGER, most_retries INTEGER, pause_ms INTEGER
) RETURNS UUID
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
DECLARE
    found_id UUID;
    moment TIMESTAMPTZ := clock_timestamp();
BEGIN
    INSERT INTO jobs (
        id, app, release, payload, status, priority, concurrency, run_after, attempt, spent,
        failures, max_attempts, retries, backoff_ms, idempotency_key, created_by, progress,
        created_at, updated_at
    )
    SELECT
        new_id, apps.name, apps.active_release, body, 'pending', level, at_once,
        moment + delay_ms * INTERVAL '1 millisecond', 0, 0, 0, most_attempts, most_retries,
        pause_ms, key, owner, 0, moment, moment
    FROM apps WHERE apps.name = of_app
    ON CONFLICT (app, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING jobs.id INTO found_id;
    IF found_id IS NOT NULL THEN
        PERFORM pg_notify('skep_jobs', '');
        RETURN found_id;
    END IF;
    SELECT jobs.id INTO STRICT found_id FROM jobs
    WHERE jobs.app = of_app AND jobs.idempotency_key = key;
    RETURN found_id;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA skep, skep_jobs FROM PUBLIC;

-- The table of the NodeRouter contract, as far as an app may see and write it.
CREATE VIEW noderouter_core.job_queue WITH (security_barrier = true) AS
SELECT
    id,
    app AS app_name,
    NULL::uuid AS node_id,
    payload::json AS payload,
    status,
    progress_now::integer AS progress,
    result::json AS result,
    error AS error_message,
    created_at,
    updated_at
FROM skep.jobs_now
WHERE app = (SELECT own.app FROM skep.app_roles AS own WHERE own.role = session_user);

-- Which attempt a session works for is set by the host when its transaction begins. A session
-- of no attempt writes for the one that runs.
CREATE FUNCTION skep_jobs.write_progress() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own TEXT := current_setting('skep.attempt', true);
    number INTEGER;
BEGIN
    IF OLD.status <> 'running' OR NEW.progress IS NULL THEN
        RETURN NULL;
    END IF;
    IF split_part(own, ':', 1) = OLD.id::text THEN
        number := split_part(own, ':', 2)::integer;
    ELSE
        SELECT attempt INTO number FROM skep.jobs WHERE id = OLD.id;
    END IF;
    INSERT INTO skep.job_progress (job, attempt, progress, updated_at)
    VALUES (OLD.id, number, least(greatest(NEW.progress, 0), 99), clock_timestamp())
    ON CONFLICT (job, attempt) DO UPDATE
    SET progress = excluded.progress, updated_at = excluded.updated_at;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION skep_jobs.write_progress() FROM PUBLIC;

CREATE TRIGGER write_progress INSTEAD OF UPDATE ON noderouter_core.job_queue
FOR EACH ROW EXECUTE FUNCTION skep_jobs.write_progress();

-- The calls of jobs are in the log of calls too. Nothing else reads or writes these columns.
ALTER TABLE calls
    ADD COLUMN job UUID,
    ADD COLUMN attempt INTEGER;
