-- Finds the newest success of what an app calls, which outlives the others.
CREATE INDEX jobs_completed ON jobs (app, entry, finished_at, id) WHERE status = 'completed';
