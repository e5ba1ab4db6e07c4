-- What a job calls: `execute`, `task NAME` or `hook NAME`. The binary before this one queues jobs
-- as it did, because what is new has a default; it must not run beside this one once an app has
-- hooks or tasks, since it would call `execute` for them.
ALTER TABLE jobs ADD COLUMN entry TEXT NOT NULL DEFAULT 'execute'
CHECK (entry = 'execute' OR entry LIKE 'task _%' OR entry LIKE 'hook _%');
-- An app that is disabled is told so, whatever else of it waits.
CREATE INDEX jobs_disabling ON jobs (app, run_after, id)
WHERE status = 'pending' AND entry = 'hook on_disable';
CREATE INDEX jobs_waiting_hooks ON jobs (app) WHERE status = 'pending' AND entry LIKE 'hook %';

-- When a job of the task `sync` was completed for the first time. It stays when jobs are deleted.
ALTER TABLE apps ADD COLUMN first_run_at TIMESTAMPTZ;

-- What a schedule calls: a task, or `execute` where there is none.
ALTER TABLE schedules ADD COLUMN task TEXT;

CREATE OR REPLACE VIEW jobs_now AS
SELECT
    jobs.id, jobs.app, jobs.release, jobs.payload, jobs.status, jobs.reason, jobs.priority,
    jobs.concurrency, jobs.run_after, jobs.attempt, jobs.spent, jobs.failures,
    jobs.max_attempts, jobs.retries, jobs.backoff_ms, jobs.idempotency_key, jobs.created_by,
    jobs.progress, jobs.progress_text, jobs.result, jobs.error, jobs.created_at, jobs.updated_at,
    jobs.finished_at,
    CASE
        WHEN jobs.status <> 'running' THEN jobs.progress
        WHEN written.updated_at > coalesce(pulse.updated_at, '-infinity') THEN written.progress
        ELSE coalesce(pulse.progress, 0::smallint)
    END AS progress_now,
    CASE WHEN jobs.status = 'running' THEN pulse.progress_text ELSE jobs.progress_text END
        AS progress_text_now,
    jobs.entry
FROM jobs
LEFT JOIN job_pulses AS pulse ON pulse.job = jobs.id AND pulse.attempt = jobs.attempt
LEFT JOIN job_progress AS written
    ON written.job = jobs.id AND written.attempt = jobs.attempt;

-- As before, and it says what the job calls. Whether an app may run anything is asked in
-- `next_job`.
DROP FUNCTION claim_job(TEXT, TEXT [], TEXT, INTERVAL, BYTEA);
CREATE FUNCTION claim_job(
    node TEXT, not_here TEXT [], after TEXT, lease INTERVAL, token BYTEA
) RETURNS TABLE (
    id UUID, app TEXT, number INTEGER, payload TEXT, created_by UUID, entry TEXT
)
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
            RETURN QUERY SELECT
                NULL::uuid, next_app, NULL::integer, NULL::text, NULL::uuid, NULL::text;
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
            chosen.id, chosen.app, chosen.attempt + 1, chosen.payload, chosen.created_by,
            chosen.entry;
        RETURN;
    END LOOP;
END $$;

-- The job that an app would run next; none where it has none ready or runs enough. Hooks of an
-- app run one at a time, and a disabled app runs nothing but the hook that tells it so.
CREATE OR REPLACE FUNCTION next_job(app_name TEXT) RETURNS jobs
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
DECLARE
    chosen jobs;
    running BIGINT;
    hook_runs BOOLEAN;
    enabled BOOLEAN;
BEGIN
    SELECT apps.enabled INTO enabled FROM apps
    WHERE name = app_name AND active_release IS NOT NULL;
    IF enabled IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT count(*), coalesce(bool_or(entry LIKE 'hook %'), false) INTO running, hook_runs
    FROM jobs WHERE app = app_name AND status = 'running';
    IF enabled THEN
        FOR level IN REVERSE 1..-1 LOOP
            SELECT * INTO chosen FROM jobs
            WHERE app = app_name AND status = 'pending' AND priority = level
                AND run_after <= clock_timestamp()
                AND NOT (hook_runs AND entry LIKE 'hook %')
            ORDER BY run_after, id LIMIT 1;
            EXIT WHEN FOUND;
        END LOOP;
    ELSIF NOT hook_runs THEN
        SELECT * INTO chosen FROM jobs
        WHERE app = app_name AND status = 'pending' AND entry = 'hook on_disable'
            AND run_after <= clock_timestamp()
        ORDER BY run_after, id LIMIT 1;
    END IF;
    IF running >= chosen.concurrency THEN
        RETURN NULL;
    END IF;
    RETURN chosen;
END $$;

-- As before, with what the job calls.
DROP FUNCTION put_job(
    UUID, TEXT, TEXT, TEXT, UUID, INTEGER, BIGINT, INTEGER, INTEGER, INTEGER, INTEGER
);
CREATE FUNCTION put_job(
    new_id UUID, of_app TEXT, body TEXT, key TEXT, owner UUID, level INTEGER, delay_ms BIGINT,
    at_once INTEGER, most_attempts INTEGER, most_retries INTEGER, pause_ms INTEGER,
    what TEXT DEFAULT 'execute'
) RETURNS UUID
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
DECLARE
    found_id UUID;
    moment TIMESTAMPTZ := clock_timestamp();
BEGIN
    INSERT INTO jobs (
        id, app, release, payload, status, priority, concurrency, run_after, attempt, spent,
        failures, max_attempts, retries, backoff_ms, idempotency_key, created_by, progress,
        created_at, updated_at, entry
    )
    SELECT
        new_id, apps.name, apps.active_release, body, 'pending', level, at_once,
        moment + delay_ms * INTERVAL '1 millisecond', 0, 0, 0, most_attempts, most_retries,
        pause_ms, key, owner, 0, moment, moment, what
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

DROP FUNCTION skep_jobs.enqueue(
    UUID, TEXT, TEXT, UUID, INTEGER, BIGINT, INTEGER, INTEGER, INTEGER, INTEGER
);
CREATE FUNCTION skep_jobs.enqueue(
    new_id UUID, body TEXT, key TEXT, owner UUID, level INTEGER, delay_ms BIGINT,
    at_once INTEGER, most_attempts INTEGER, most_retries INTEGER, pause_ms INTEGER,
    what TEXT DEFAULT 'execute'
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
    SELECT app INTO STRICT own FROM skep.app_roles WHERE role = session_user;
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

-- An id as the host makes them, so that lists keep their order.
CREATE FUNCTION new_job_id() RETURNS UUID
LANGUAGE sql VOLATILE SET search_path = skep, pg_catalog AS $$
    SELECT encode(
        set_bit(
            set_bit(
                overlay(
                    uuid_send(gen_random_uuid()) PLACING substring(
                        int8send((extract(EPOCH FROM clock_timestamp()) * 1000)::bigint) FROM 3
                    ) FROM 1 FOR 6
                ),
                52, 1
            ),
            53, 1
        ),
        'hex'
    )::uuid
$$;

-- Remembers the first time that the task `sync` of an app is completed, and tells the app, in the
-- transaction of the completion.
CREATE FUNCTION note_first_run() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
BEGIN
    UPDATE apps SET first_run_at = clock_timestamp()
    WHERE name = NEW.app AND first_run_at IS NULL;
    IF FOUND AND EXISTS (
        SELECT FROM apps JOIN releases ON releases.id = apps.active_release
        WHERE apps.name = NEW.app AND releases.manifest -> 'hooks' ? 'on_first_run_success'
    ) THEN
        PERFORM put_job(
            new_job_id(), NEW.app, json_build_object('job', NEW.id)::text, NULL, NULL, 1, 0,
            NEW.concurrency, 3, 0, 0, 'hook on_first_run_success'
        );
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER first_run AFTER UPDATE OF status ON jobs
FOR EACH ROW
WHEN (OLD.status <> 'completed' AND NEW.status = 'completed' AND NEW.entry = 'task sync')
EXECUTE FUNCTION note_first_run();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA skep FROM PUBLIC;
REVOKE ALL ON FUNCTION skep_jobs.enqueue(
    UUID, TEXT, TEXT, UUID, INTEGER, BIGINT, INTEGER, INTEGER, INTEGER, INTEGER, TEXT
) FROM PUBLIC;
