use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use uuid::Uuid;

use super::*;
use crate::capability::log::policy::Most;
use crate::capability::log::{CallLog, Identity, Level, Origin};
use crate::config::Config;
use crate::http::testing::TestHost;
use crate::ids::{AppName, CallId, ReleaseId};
use crate::ledger::tests::call;
use crate::limits::count;
use crate::store::calls::NewCall;
use crate::store::{apps, calls, logs};

const FOR_EVER: Duration = Duration::from_secs(600);
const DAY: time::Duration = time::Duration::DAY;

struct Host(TestHost);

impl Host {
    async fn start() -> Self {
        Self::keeping(Keep::STANDARD).await
    }

    async fn keeping(retention: Keep) -> Self {
        let config = Config {
            retention,
            ..Config::for_tests()
        };
        let host = Self(TestHost::start_with(config).await);
        for app in ["shop", "other"] {
            let mut connection = host.0.services.store.pool().acquire().await.unwrap();
            let app = app.parse().unwrap();
            apps::ensure(&mut connection, &app, host.now())
                .await
                .unwrap();
        }
        host
    }

    fn now(&self) -> OffsetDateTime {
        self.0.services.clock.now()
    }

    async fn run(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(self.0.services.store.pool())
            .await
            .unwrap();
    }

    async fn numbers(&self, sql: &'static str) -> Vec<i64> {
        sqlx::query_scalar(sql)
            .fetch_all(self.0.services.store.pool())
            .await
            .unwrap()
    }

    /// Purges by the policy, after a dry run that must say the same.
    async fn purge(&self, kind: Kind) -> Gone {
        self.purge_by(kind, Order::default()).await
    }

    async fn purge_by(&self, kind: Kind, order: Order) -> Gone {
        let retention = &self.0.services.retention;
        let dry_run = Order {
            dry_run: true,
            ..order
        };
        let foreseen = retention.purge(kind, dry_run).await.unwrap();
        let gone = retention.purge(kind, order).await.unwrap();
        assert_eq!(foreseen, gone, "{kind}");
        assert_eq!(retention.purge(kind, order).await.unwrap().rows, 0);
        gone
    }

    async fn write_calls(&self, number: usize, age: time::Duration) {
        let aged = NewCall {
            started_at: self.now() - age,
            ..call()
        };
        let calls = vec![aged; number];
        calls::insert(self.0.services.store.pool(), &calls)
            .await
            .unwrap();
    }

    /// Writes lines of an app that are so old.
    async fn write_lines(&self, app: &str, number: u32, age: time::Duration, message: &str) {
        let identity = Identity {
            app: app.parse().unwrap(),
            release: ReleaseId(Uuid::nil()),
            call: CallId(Uuid::nil()),
            job: None,
        };
        let most = Most {
            lines: u32::MAX,
            bytes: usize::MAX,
        };
        let book = &self.0.services.book;
        let log = CallLog::new(identity, most, book.clone());
        for _ in 0..number {
            log.write(Level::Info, Origin::Log, message, None);
        }
        book.flush(FOR_EVER).await;
        let seconds = age.whole_seconds();
        let mark = format!(
            "UPDATE skep.logs SET at = at - {seconds} * interval '1 second'
             WHERE app = '{app}' AND message = '{message}'"
        );
        self.run(&mark).await;
    }

    async fn sizes(&self) -> Vec<(String, i64, i64)> {
        let sizes = logs::sizes(self.0.services.store.pool()).await.unwrap();
        let size = |size: logs::SizeRow| (size.app.to_string(), size.rows, size.bytes);
        sizes.into_iter().map(size).collect()
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.0.services.config.data.join(name)
    }

    /// Makes a file that was changed so long ago.
    fn file(&self, path: &str, bytes: usize, age: time::Duration) -> PathBuf {
        let path = self.folder(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, vec![0; bytes]).unwrap();
        self.age(&path, age);
        path
    }

    fn age(&self, path: &std::path::Path, age: time::Duration) {
        let time = SystemTime::from(self.now() - age);
        fs::File::open(path).unwrap().set_modified(time).unwrap();
    }
}

#[tokio::test]
async fn calls_that_are_too_old_go_and_the_rest_stays() {
    let host = Host::start().await;
    let chunk = usize::try_from(tables::CHUNK).unwrap();
    host.write_calls(chunk + 1, 14 * DAY + time::Duration::SECOND)
        .await;
    host.write_calls(2, 14 * DAY - time::Duration::SECOND).await;
    host.write_calls(1, 15 * DAY).await;

    let gone = host.purge(Kind::Calls).await;

    assert_eq!(gone.rows, tables::CHUNK + 2);
    let measure = host
        .0
        .services
        .retention
        .measure(Kind::Calls)
        .await
        .unwrap();
    let oldest = Some(host.now() - 14 * DAY + time::Duration::SECOND);
    assert_eq!((measure.rows, measure.oldest), (2, oldest));
    assert!(measure.bytes > 0);
    let order = Order {
        older_than: Some(DAY),
        ..Order::default()
    };
    assert_eq!(host.purge_by(Kind::Calls, order).await.rows, 2);
}

#[tokio::test]
async fn of_too_many_calls_the_newest_stay() {
    let host = Host::keeping(Keep {
        calls_rows: count(3),
        ..Keep::STANDARD
    })
    .await;
    host.write_calls(10, DAY).await;

    assert_eq!(host.purge(Kind::Calls).await.rows, 7);

    assert_eq!(
        host.numbers("SELECT seq FROM calls ORDER BY seq").await,
        [8, 9, 10]
    );
}

#[tokio::test]
async fn lines_that_are_too_old_go_and_what_is_left_is_counted() {
    let host = Host::start().await;
    let old = 2_500;
    host.write_lines("shop", old, 15 * DAY, "old").await;
    host.write_lines("shop", 2, 13 * DAY, "young").await;
    host.write_lines("other", 1, 15 * DAY, "old").await;
    let measure = host.0.services.retention.measure(Kind::Logs).await.unwrap();
    assert_eq!(
        (measure.rows, measure.oldest),
        (2_503, Some(host.now() - 15 * DAY))
    );

    let gone = host.purge(Kind::Logs).await;

    assert_eq!(gone, Gone::sized(2_501, 2_501 * 253));
    let left = [("shop".to_owned(), 2, 2 * 255), ("other".to_owned(), 0, 0)];
    assert_eq!(host.sizes().await, left);
    assert_eq!(host.numbers("SELECT count(*) FROM logs").await, [2]);
}

#[tokio::test]
async fn an_app_that_logs_too_much_loses_its_own_oldest_lines() {
    let host = Host::keeping(Keep {
        logs_app_mb: count(1),
        ..Keep::STANDARD
    })
    .await;
    let text = "x".repeat(8_000);
    host.write_lines("other", 3, 2 * DAY, "quiet").await;
    host.write_lines("shop", 200, DAY, &text).await;
    let newest = host.numbers("SELECT max(seq) FROM logs").await;

    host.0
        .services
        .retention
        .purge(Kind::Logs, Order::default())
        .await
        .unwrap();

    let sizes = host.sizes().await;
    let (app, rows, bytes) = &sizes[0];
    assert_eq!((app.as_str(), *rows), ("shop", 1024 * 1024 / 8_250));
    assert!(*bytes <= 1024 * 1024, "{bytes}");
    assert_eq!(sizes[1].1, 3);
    assert_eq!(host.numbers("SELECT max(seq) FROM logs").await, newest);
}

#[tokio::test]
async fn everybody_writes_and_reads_while_a_purge_is_at_work() {
    let host = Host::start().await;
    host.write_lines("shop", 1_500, 15 * DAY, "old").await;
    host.write_calls(1_500, 15 * DAY).await;
    let services = &host.0.services;
    let retention = services.retention.clone();
    // Each stops in the middle of its second piece.
    let mut gate = services.store.pool().begin().await.unwrap();
    for table in ["logs", "calls"] {
        let lock = format!(
            "SELECT FROM {table} WHERE seq = (SELECT seq FROM {table} ORDER BY seq OFFSET 1200 LIMIT 1)
             FOR UPDATE"
        );
        sqlx::query(sqlx::AssertSqlSafe(lock))
            .execute(&mut *gate)
            .await
            .unwrap();
    }
    let purging = [Kind::Logs, Kind::Calls].map(|kind| {
        let retention = retention.clone();
        tokio::spawn(async move { retention.purge(kind, Order::default()).await })
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while host.numbers(waiting).await != [2] {
        tokio::task::yield_now().await;
    }
    assert_eq!(host.numbers("SELECT count(*) FROM logs").await, [500]);

    // Nothing of it waits: neither the same app's lines and calls, nor a second purge.
    host.write_lines("shop", 700, time::Duration::ZERO, "new")
        .await;
    host.write_calls(700, time::Duration::ZERO).await;
    for kind in [Kind::Logs, Kind::Calls] {
        let busy = retention.purge(kind, Order::default()).await;
        assert!(matches!(busy, Err(PurgeError::Busy(_))), "{busy:?}");
        retention.measure(kind).await.unwrap();
    }
    assert_eq!(host.numbers("SELECT count(*) FROM logs").await, [1_200]);

    gate.rollback().await.unwrap();
    for purged in purging {
        assert_eq!(purged.await.unwrap().unwrap().rows, 1_500);
    }
    assert_eq!(host.sizes().await[0].1, 700);
    assert_eq!(host.numbers("SELECT count(*) FROM calls").await, [700]);
}

#[tokio::test]
async fn a_purge_that_was_cut_goes_on_where_it_was() {
    let host = Host::start().await;
    host.write_lines("shop", 1_500, 15 * DAY, "old").await;
    let retention = host.0.services.retention.clone();
    let mut gate = host.0.services.store.pool().begin().await.unwrap();
    let lock =
        "SELECT FROM logs WHERE seq = (SELECT seq FROM logs ORDER BY seq OFFSET 1200 LIMIT 1)
        FOR UPDATE";
    sqlx::query(lock).execute(&mut *gate).await.unwrap();
    let purging = tokio::spawn(async move { retention.purge(Kind::Logs, Order::default()).await });
    while host.numbers("SELECT count(*) FROM logs").await != [500] {
        tokio::task::yield_now().await;
    }

    purging.abort();
    assert!(purging.await.unwrap_err().is_cancelled());
    gate.rollback().await.unwrap();

    // The server notices in its own time that nobody waits for the second piece.
    while host.numbers("SELECT count(*) FROM logs").await != [0] {
        let _ = host
            .0
            .services
            .retention
            .purge(Kind::Logs, Order::default())
            .await;
    }
    assert_eq!(host.sizes().await, [("shop".to_owned(), 0, 0)]);
}

#[tokio::test]
async fn jobs_that_ended_long_ago_or_are_too_many_go_and_unfinished_ones_stay() {
    let host = Host::keeping(Keep {
        jobs_rows: count(3),
        ..Keep::STANDARD
    })
    .await;
    host.run(
        "INSERT INTO skep.jobs (id, app, payload, status, priority, concurrency, run_after, attempt,
             spent, failures, max_attempts, retries, backoff_ms, progress, created_at, updated_at,
             finished_at)
         SELECT gen_random_uuid(), 'shop', '{}', CASE WHEN days IS NULL THEN 'pending' ELSE
             'completed' END, 0, 1, now(), 0, 0, 0, 1, 0, 0, 0, now(), now(),
             now() - days * interval '1 day'
         FROM unnest(ARRAY[31, 29, 5, 4, 3, NULL]) AS days",
    )
    .await;

    // The newest success of a task stays, however old it is.
    host.run(
        "INSERT INTO skep.jobs (id, app, entry, payload, status, priority, concurrency, run_after,
             attempt, spent, failures, max_attempts, retries, backoff_ms, progress, created_at,
             updated_at, finished_at)
         SELECT gen_random_uuid(), 'shop', 'task sync', '{}', 'completed', 0, 1, now(), 0, 0, 0, 1, 0,
             0, 0, now(), now(), now() - days * interval '1 day'
         FROM unnest(ARRAY[90, 91]) AS days",
    )
    .await;

    assert_eq!(host.purge(Kind::Jobs).await.rows, 3);

    let left = "SELECT extract(day FROM now() - finished_at)::bigint FROM jobs
        WHERE finished_at IS NOT NULL ORDER BY 1";
    assert_eq!(host.numbers(left).await, [3, 4, 5, 90]);
    let order = Order {
        older_than: Some(4 * DAY - time::Duration::HOUR),
        ..Order::default()
    };
    assert_eq!(host.purge_by(Kind::Jobs, order).await.rows, 3);
    assert_eq!(host.numbers("SELECT count(*) FROM jobs").await, [2]);
}

#[tokio::test]
async fn notifications_that_are_old_or_too_many_go() {
    let host = Host::keeping(Keep {
        notifications_rows: count(3),
        ..Keep::STANDARD
    })
    .await;
    let now = host.now().unix_timestamp();
    host.run(&format!(
        "INSERT INTO skep.notifications (app, action, payload, triggered_at)
         SELECT app, 'done', '{{}}', to_timestamp({now}) - hours * interval '1 hour'
         FROM unnest(ARRAY['shop', 'shop', 'shop', 'shop', 'shop', 'other', 'other'],
             ARRAY[25, 4, 3, 2, 1, 30, 5]) AS sent (app, hours)"
    ))
    .await;

    assert_eq!(host.purge(Kind::Notifications).await.rows, 3);

    let measure = host
        .0
        .services
        .retention
        .measure(Kind::Notifications)
        .await
        .unwrap();
    assert_eq!(
        (measure.rows, measure.oldest),
        (4, Some(host.now() - time::Duration::hours(5)))
    );
    let order = Order {
        older_than: Some(time::Duration::minutes(90)),
        ..Order::default()
    };
    assert_eq!(host.purge_by(Kind::Notifications, order).await.rows, 3);
}

/// Makes releases of an app from 1 to 15, each with bytes of its own, the last of them active.
async fn releases(host: &Host, app: &str) {
    let now = host.now().unix_timestamp();
    host.run(&format!(
        "INSERT INTO skep.blobs (digest, bytes, created_at)
         SELECT encode(sha256(('{app}' || kind || number)::bytea), 'hex'), repeat('x', 100)::bytea,
             to_timestamp({now})
         FROM generate_series(1, 15) AS number CROSS JOIN (VALUES ('b'), ('c')) AS of (kind);
         INSERT INTO skep.releases (id, app, number, version, manifest, digest, bundle, component,
             state, created_by, created_at, activated_at)
         SELECT gen_random_uuid(), '{app}', number, '1.0.0', '{{}}', '',
             encode(sha256(('{app}b' || number)::bytea), 'hex'),
             encode(sha256(('{app}c' || number)::bytea), 'hex'), 'ready', 'ann',
             to_timestamp({now}) - (20 - number) * interval '1 day',
             to_timestamp({now}) - (20 - number) * interval '1 day'
         FROM generate_series(1, 15) AS number;
         UPDATE skep.apps SET active_release = releases.id
         FROM skep.releases WHERE apps.name = '{app}' AND app = '{app}' AND number = 15"
    ))
    .await;
}

const NUMBERS: &str = "SELECT number::bigint FROM releases WHERE app = 'shop' ORDER BY number";

#[tokio::test]
async fn of_releases_the_newest_stay_with_their_bytes() {
    let host = Host::start().await;
    releases(&host, "shop").await;
    releases(&host, "other").await;

    let gone = host.purge(Kind::Releases).await;

    assert_eq!(gone, Gone::sized(10, 10 * 200));
    assert_eq!(host.numbers(NUMBERS).await, (6..=15).collect::<Vec<_>>());
    assert_eq!(
        host.numbers("SELECT count(*) FROM blobs").await,
        [2 * 2 * 10]
    );
}

#[tokio::test]
async fn a_release_that_somebody_may_need_stays_however_old() {
    let host = Host::start().await;
    releases(&host, "shop").await;
    let long_ago = host.now().unix_timestamp() - 2 * 86_400;
    host.run(&format!(
        // The first serves again, the second did before it, the third has a job, and the fourth
        // waits for consent.
        "UPDATE skep.releases SET activated_at = to_timestamp({long_ago}) - interval '1 hour'
         WHERE number = 2;
         UPDATE skep.releases SET activated_at = to_timestamp({long_ago}) WHERE number = 1;
         UPDATE skep.apps SET active_release = releases.id
         FROM skep.releases WHERE apps.name = 'shop' AND number = 1;
         INSERT INTO skep.jobs (id, app, release, payload, status, priority, concurrency,
             run_after, attempt, spent, failures, max_attempts, retries, backoff_ms, progress,
             created_at, updated_at)
         SELECT gen_random_uuid(), 'shop', id, '{{}}', 'pending', 0, 1, now(), 0, 0, 0, 1, 0, 0, 0,
             now(), now()
         FROM skep.releases WHERE number = 3;
         UPDATE skep.releases SET state = 'waiting' WHERE number = 4"
    ))
    .await;

    assert_eq!(host.purge(Kind::Releases).await.rows, 1);

    let left: Vec<i64> = (1..=15).filter(|number| *number != 5).collect();
    assert_eq!(host.numbers(NUMBERS).await, left);
}

#[tokio::test]
async fn releases_of_an_app_that_has_just_changed_stay_for_calls_that_still_run() {
    let host = Host::start().await;
    releases(&host, "shop").await;
    let now = host.now().unix_timestamp();
    host.run(&format!(
        "UPDATE skep.releases SET activated_at = to_timestamp({now}) - interval '59 minutes'
         WHERE number = 15"
    ))
    .await;

    assert_eq!(host.purge(Kind::Releases).await.rows, 0);

    host.0.services.clock.advance(Duration::from_secs(61));
    assert_eq!(host.purge(Kind::Releases).await.rows, 5);
}

#[tokio::test]
async fn an_app_that_somebody_deploys_is_left_for_the_next_time() {
    let host = Host::start().await;
    releases(&host, "shop").await;
    let app: AppName = "shop".parse().unwrap();
    let mut deploying = host.0.services.store.pool().begin().await.unwrap();
    assert!(apps::lock(&mut deploying, &app).await.unwrap());
    let retention = &host.0.services.retention;

    assert_eq!(
        retention
            .purge(Kind::Releases, Order::default())
            .await
            .unwrap()
            .rows,
        0
    );

    deploying.rollback().await.unwrap();
    assert_eq!(
        retention
            .purge(Kind::Releases, Order::default())
            .await
            .unwrap()
            .rows,
        5
    );
}

#[tokio::test]
async fn images_that_nobody_has_used_for_long_go_and_those_that_serve_stay() {
    let host = Host::start().await;
    releases(&host, "shop").await;
    let active: String = sqlx::query_scalar("SELECT component FROM releases WHERE number = 15")
        .fetch_one(host.0.services.store.pool())
        .await
        .unwrap();
    let image =
        |digest: &str, age| host.file(&format!("cache/compiled/{digest}-0123.image"), 1_000, age);
    let served = image(&active, 300 * DAY);
    let old = image("1111", 31 * DAY);
    let recent = image("2222", 29 * DAY);
    let cut = host.file("cache/compiled/3333-0123.image.17.new", 10, 31 * DAY);
    let foreign = host.file("cache/compiled/README", 10, 31 * DAY);

    assert_eq!(host.purge(Kind::Images).await, Gone::sized(2, 1_010));

    let there = [&served, &old, &recent, &cut, &foreign].map(|path| path.exists());
    assert_eq!(there, [true, false, true, false, true]);
    let measure = host
        .0
        .services
        .retention
        .measure(Kind::Images)
        .await
        .unwrap();
    assert_eq!((measure.rows, measure.bytes), (2, 2_000));
}

#[tokio::test]
async fn what_a_build_has_left_goes_once_nobody_can_be_at_it() {
    let host = Host::start().await;
    let hour = time::Duration::HOUR;
    host.file("work/build-1/deep/file", 10, 2 * hour);
    host.age(&host.folder("work/build-1"), 2 * hour);
    host.file("work/build-2/file", 10, 2 * hour);
    host.age(&host.folder("work/build-2"), hour / 2);
    let worked = host.folder("work/build-3");
    fs::create_dir_all(&worked).unwrap();
    host.age(&worked, 2 * hour);
    let lock = fs::File::open(&worked).unwrap();
    lock.lock().unwrap();

    assert_eq!(host.purge(Kind::Work).await.rows, 1);

    let left = ["work/build-1", "work/build-2", "work/build-3"];
    let left = left.map(|folder| host.folder(folder).exists());
    assert_eq!(left, [false, true, true]);
    let measure = host.0.services.retention.measure(Kind::Work).await.unwrap();
    assert_eq!((measure.rows, measure.bytes), (2, 10));
}

#[tokio::test]
async fn reads_of_credentials_go_and_the_audit_log_does_not() {
    let host = Host::start().await;
    let now = host.now().unix_timestamp();
    host.run(&format!(
        "INSERT INTO skep.credential_reads (app, release, call, name, outcome, at)
         SELECT 'shop', gen_random_uuid(), gen_random_uuid(), 'erp', 'given',
             to_timestamp({now}) - days * interval '1 day'
         FROM unnest(ARRAY[91, 89]) AS days"
    ))
    .await;

    assert_eq!(host.purge(Kind::CredentialReads).await.rows, 1);

    let retention = &host.0.services.retention;
    let left = retention.measure(Kind::CredentialReads).await.unwrap();
    assert_eq!((left.rows, left.oldest), (1, Some(host.now() - 89 * DAY)));
    let order = Order {
        older_than: Some(time::Duration::ZERO),
        ..Order::default()
    };
    let audit = retention.purge(Kind::Audit, order).await;
    assert!(matches!(audit, Err(PurgeError::Audit)));
}

#[tokio::test]
async fn whoever_purges_is_named_in_the_audit_log_and_must_be_allowed_to() {
    use axum::http::StatusCode;
    use serde_json::json;

    let host = Host::start().await;
    host.write_lines("shop", 3, 15 * DAY, "old").await;
    let reader = host.0.user("reader", &["skep:read"]).await;
    let keeper = host.0.user("keeper", &["skep:retention"]).await;

    let shown = reader.get("/api/retention").await;
    assert_eq!(shown.status, StatusCode::OK);
    let kinds = shown.body["kinds"].as_array().unwrap();
    assert_eq!(kinds.len(), Kind::ALL.len());
    assert_eq!(
        (&kinds[1]["kind"], &kinds[1]["rows"]),
        (&json!("logs"), &json!(3))
    );
    let refused = reader.post("/api/retention/purge", &json!({})).await;
    let text = "insufficient permissions: skep:retention required";
    refused.must_be(StatusCode::FORBIDDEN, text);
    for (body, error) in [
        (
            json!({ "kind": "audit" }),
            "the audit log is never purged: `skep audit cut` exports and shortens it",
        ),
        (
            json!({ "older_than_seconds": 5 }),
            "`older_than_seconds` is for one `kind`: name it",
        ),
        (
            json!({ "kind": "logs", "older_than_seconds": -1 }),
            "`older_than_seconds` is -1: it must be from 0 to 3162240000",
        ),
    ] {
        let answer = keeper.post("/api/retention/purge", &body).await;
        answer.must_be(StatusCode::BAD_REQUEST, error);
    }

    let order = json!({ "kind": "logs", "older_than_seconds": 86_400, "dry_run": true });
    let foreseen = keeper.post("/api/retention/purge", &order).await;
    let expected = json!([{ "kind": "logs", "rows": 3, "bytes": 3 * 253 }]);
    assert_eq!(foreseen.body["gone"], expected);
    assert_eq!(host.numbers("SELECT count(*) FROM logs").await, [3]);
    let gone = keeper.post("/api/retention/purge", &json!({})).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    assert_eq!(gone.body["gone"][1], expected[0]);

    let admin = host.0.admin().await;
    let told = admin.get("/api/audit?actor=keeper").await;
    let told = told.body["entries"].as_array().unwrap();
    let told = told
        .iter()
        .filter(|entry| entry["action"] == "retention.purge");
    assert_eq!(told.count(), Kind::ALL.len() - 1);
}
