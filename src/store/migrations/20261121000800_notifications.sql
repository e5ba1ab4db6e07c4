-- Notifications, kept for a while so that who was away reads what was missed, and who wants which.
-- New tables, and triggers that only count changes: the binary before this one neither writes nor
-- reads any of it.
CREATE TABLE notifications (
    -- In the order of commit, which `put_notifications` sees to: who has read up to one has missed
    -- none before it. A transaction that was rolled back leaves a gap.
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app          TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    action       TEXT COLLATE "C" NOT NULL,
    -- JSON text, kept to the letter but for its line breaks.
    payload      TEXT NOT NULL,
    job_id       UUID,
    triggered_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX notifications_app ON notifications (app, id);
CREATE INDEX notifications_triggered_at ON notifications (triggered_at);

-- Up to where an app's notifications were deleted because they were old or too many.
CREATE TABLE notification_purges (
    app   TEXT COLLATE "C" PRIMARY KEY REFERENCES apps (name) ON DELETE CASCADE,
    up_to BIGINT NOT NULL
);

CREATE TABLE subscriptions (
    user_id    UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    app        TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    action     TEXT COLLATE "C" NOT NULL,
    -- The newest notification when it was made: what is older was not missed.
    after      BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, app, action)
);
CREATE INDEX subscriptions_action ON subscriptions (app, action);

-- What nodes remember of rights and subscriptions holds as long as these numbers do. They are read
-- in one statement with notifications, so that none goes out by rights that were taken away before.
CREATE TABLE notification_versions (
    only_row      BOOLEAN PRIMARY KEY CHECK (only_row),
    rights        BIGINT NOT NULL,
    subscriptions BIGINT NOT NULL
);
INSERT INTO notification_versions VALUES (true, 0, 0);

-- Runs at the end of its transaction, so that the row that everybody shares is always locked last,
-- and counts once for all that the transaction changed. The argument is the column.
CREATE FUNCTION count_change() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
DECLARE
    counted TEXT := 'skep.counted_' || TG_ARGV[0];
BEGIN
    IF current_setting(counted, true) = pg_current_xact_id()::text THEN
        RETURN NULL;
    END IF;
    PERFORM set_config(counted, pg_current_xact_id()::text, true);
    UPDATE notification_versions SET
        rights = rights + (TG_ARGV[0] = 'rights')::integer,
        subscriptions = subscriptions + (TG_ARGV[0] = 'subscriptions')::integer;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER count_rights AFTER DELETE ON sessions
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_change('rights');
CREATE CONSTRAINT TRIGGER count_rights AFTER UPDATE OF revoked_at OR DELETE ON tokens
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_change('rights');
CREATE CONSTRAINT TRIGGER count_rights AFTER UPDATE OF enabled OR DELETE ON users
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_change('rights');
CREATE CONSTRAINT TRIGGER count_rights AFTER INSERT OR UPDATE OR DELETE ON user_roles
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_change('rights');
CREATE CONSTRAINT TRIGGER count_rights AFTER UPDATE OF permissions OR DELETE ON roles
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_change('rights');
CREATE CONSTRAINT TRIGGER count_subscriptions AFTER INSERT OR DELETE ON subscriptions
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_change('subscriptions');

-- The notifications that users can subscribe to, of every app that has gone live.
CREATE VIEW declared_notifications AS
SELECT
    apps.name AS app,
    apps.enabled,
    releases.manifest ->> 'display_name' AS app_display_name,
    action.declared ->> 'name' AS action,
    action.declared ->> 'display_name' AS display_name,
    action.declared ->> 'description' AS description,
    action.declared ->> 'required_permission' AS required_permission
FROM apps
INNER JOIN releases ON apps.active_release = releases.id
CROSS JOIN LATERAL jsonb_array_elements(releases.manifest -> 'notifications') AS action (declared);

-- Where notifications of an app are sent by HTTP. The secret of each is sealed among the app's
-- credentials, under a name that no credential can have.
CREATE TABLE webhooks (
    id         UUID PRIMARY KEY,
    app        TEXT COLLATE "C" NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    -- All of the app's, if null.
    action     TEXT COLLATE "C",
    url        TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX webhooks_app ON webhooks (app, id);

-- One notification for one webhook, tried until it was taken or given up. Times are the database's
-- own, because leases are compared over nodes whose clocks differ.
CREATE TABLE webhook_deliveries (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What the receiver knows a delivery by that comes twice.
    id           UUID NOT NULL,
    webhook      UUID NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    action       TEXT COLLATE "C" NOT NULL,
    -- None of a test.
    notification BIGINT,
    -- None once it is over.
    payload      TEXT,
    job_id       UUID,
    triggered_at TIMESTAMPTZ NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts     INTEGER NOT NULL,
    -- The next try, or the end of the time that the node has for this one.
    due_at       TIMESTAMPTZ NOT NULL,
    -- Of the last try.
    status       INTEGER,
    error        TEXT,
    created_at   TIMESTAMPTZ NOT NULL,
    finished_at  TIMESTAMPTZ,
    CHECK ((state = 'pending') = (finished_at IS NULL))
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook, seq);
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at)
WHERE finished_at IS NOT NULL;

-- Writes notifications down and tells every node, once the transaction is committed. It is to be
-- the last thing of its transaction: nobody else writes any until that ends.
CREATE FUNCTION put_notifications(
    of_apps TEXT [], actions TEXT [], payloads TEXT [], job UUID, moments TIMESTAMPTZ []
) RETURNS VOID
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
DECLARE
    present TEXT [];
    hooks UUID [];
    newest BIGINT;
BEGIN
    -- Before the lock that all share, and without waiting: an app that is being deleted would keep
    -- everybody.
    SELECT array_agg(name) INTO present FROM (
        SELECT name FROM apps WHERE name = ANY (of_apps) ORDER BY name
        FOR KEY SHARE SKIP LOCKED
    ) AS locked;
    IF present IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(id) INTO hooks FROM (
        SELECT id FROM webhooks WHERE app = ANY (present)
        AND (action IS NULL OR action = ANY (actions)) ORDER BY id
        FOR KEY SHARE SKIP LOCKED
    ) AS locked;
    -- Numbers are given under this lock, which is held until the commit: else one could be read
    -- before a smaller one is there, and that one never.
    PERFORM pg_advisory_xact_lock(hashtextextended('skep notifications', 0));
    WITH written AS (
        INSERT INTO notifications (app, action, payload, job_id, triggered_at)
        SELECT fired.app, fired.action, fired.payload, job, fired.moment
        FROM unnest(of_apps, actions, payloads, moments) WITH ORDINALITY
            AS fired (app, action, payload, moment, place)
        WHERE fired.app = ANY (present)
        ORDER BY fired.place
        RETURNING *
    ), queued AS (
        INSERT INTO webhook_deliveries (
            id, webhook, action, notification, payload, job_id, triggered_at, state, attempts,
            due_at, created_at
        )
        SELECT
            gen_random_uuid(), webhooks.id, written.action, written.id, written.payload,
            written.job_id, written.triggered_at, 'pending', 0, clock_timestamp(),
            clock_timestamp()
        FROM written
        INNER JOIN webhooks ON written.app = webhooks.app
            AND (webhooks.action IS NULL OR webhooks.action = written.action)
        WHERE webhooks.id = ANY (hooks)
        ORDER BY written.id
    )
    SELECT max(id) INTO newest FROM written;
    -- The number alone: a word has room for 8,000 bytes.
    PERFORM pg_notify('skep_notifications', newest::text);
END $$;

-- The notifications of a job, in the transaction that completes it.
CREATE FUNCTION put_job_notifications(of_job UUID, actions TEXT [], payloads TEXT [])
RETURNS VOID
LANGUAGE plpgsql SET search_path = skep, pg_catalog AS $$
DECLARE
    count INTEGER := cardinality(actions);
BEGIN
    PERFORM put_notifications(
        array_fill(jobs.app, ARRAY [count]), actions, payloads, of_job,
        array_fill(clock_timestamp(), ARRAY [count])
    )
    FROM jobs WHERE jobs.id = of_job;
END $$;

-- Completes the current attempt and sends its notifications, in the transaction that holds what it
-- did. Beside the function without them, which the binary before this one calls.
CREATE FUNCTION skep_jobs.complete(
    job UUID, number INTEGER, token BYTEA, result TEXT, actions TEXT [], payloads TEXT []
) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM skep_jobs.complete(job, number, token, result);
    PERFORM skep.put_job_notifications(job, actions, payloads);
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA skep, skep_jobs FROM PUBLIC;
