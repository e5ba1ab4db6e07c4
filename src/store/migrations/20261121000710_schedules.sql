-- Work that apps have done again and again. New tables, and a trigger of `jobs` that speaks up
-- for jobs of schedules only: the binary before this one knows neither.
--
-- Times are the database's own, because all nodes must agree on what is due. Locks are taken in
-- the order app, schedule, job.
CREATE TABLE schedules (
    app TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    -- What the active release declares.
    cron TEXT NOT NULL,
    timezone TEXT NOT NULL,
    -- JSON text of an object.
    payload TEXT NOT NULL,
    missed TEXT NOT NULL CHECK (missed IN ('run_once', 'skip')),
    grace_seconds INTEGER NOT NULL,
    overlap TEXT NOT NULL CHECK (overlap IN ('skip_if_running', 'queue_after', 'cancel_active')),
    jitter_seconds INTEGER NOT NULL,
    enabled BOOLEAN NOT NULL,
    -- How the release's jobs are run.
    concurrency INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    backoff_ms INTEGER NOT NULL,
    -- What an operator has said instead. It stays when another release is deployed.
    own_cron TEXT,
    own_timezone TEXT,
    own_paused BOOLEAN,
    changed_by TEXT,
    changed_at TIMESTAMPTZ,
    -- None while it is paused, or cannot fire; then the error says why.
    next_fire_at TIMESTAMPTZ,
    -- When that was worked out. It lies ahead once the database's clock has gone back.
    planned_at TIMESTAMPTZ NOT NULL,
    -- After a firing that did not succeed: when to try it again.
    retry_at TIMESTAMPTZ,
    last_error TEXT,
    -- The last firing that has queued a job, and the job.
    last_fire_at TIMESTAMPTZ,
    last_job UUID,
    -- When a job of it was last completed. It stays when old jobs are deleted.
    last_success_at TIMESTAMPTZ,
    PRIMARY KEY (app, name)
);
CREATE INDEX schedules_next ON schedules ((coalesce(retry_at, next_fire_at)));
CREATE INDEX schedules_planned ON schedules (planned_at);

-- What became of each firing, also of those that queued nothing.
CREATE TABLE schedule_runs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- The time that it stands for, and the oldest one where several were missed.
    fire_at TIMESTAMPTZ NOT NULL,
    missed_from TIMESTAMPTZ,
    -- Who asked for it; none where its time had come.
    requested_by TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'waiting', 'skipped')),
    -- Why it was skipped.
    reason TEXT CHECK (reason IN ('running', 'waiting', 'missed', 'disabled')),
    -- The row outlives the job.
    job UUID,
    -- How and when the job has ended: `completed`, or the reason why it failed.
    outcome TEXT,
    ended_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    FOREIGN KEY (app, name) REFERENCES schedules (app, name) ON DELETE CASCADE,
    CHECK ((state = 'skipped') = (reason IS NOT NULL)),
    CHECK ((state = 'queued') = (job IS NOT NULL))
);
-- One firing stands for a time only.
CREATE UNIQUE INDEX schedule_runs_firing ON schedule_runs (app, name, fire_at)
WHERE requested_by IS NULL;
CREATE INDEX schedule_runs_of ON schedule_runs (app, name, id);
-- One firing waits at most.
CREATE UNIQUE INDEX schedule_runs_waiting ON schedule_runs (app, name) WHERE state = 'waiting';

-- Those whose job may end yet; one that failed may be tried again.
CREATE INDEX schedule_runs_open ON schedule_runs (job)
WHERE state = 'queued' AND outcome IS DISTINCT FROM 'completed';

-- Tells the nodes that a job has ended for which a firing may wait. Keys of schedules are the
-- host's own.
CREATE FUNCTION tell_schedules() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
BEGIN
    PERFORM pg_notify('skep_schedules', '');
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION tell_schedules() FROM PUBLIC;

CREATE TRIGGER tell_schedules AFTER UPDATE OF finished_at ON jobs
FOR EACH ROW
WHEN (
    old.finished_at IS NULL AND new.finished_at IS NOT NULL
    AND new.idempotency_key LIKE 'schedule:%'
)
EXECUTE FUNCTION tell_schedules();
