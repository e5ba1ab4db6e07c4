//! Attempts on the app's own connections, with another attempt beside them.

use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::*;
use crate::app::JobEntry;
use crate::app::manifest::JobWishes;
use crate::bindings::skep::app::db as db_wit;
use crate::capability::db::Inspector;
use crate::capability::db::fence::{self, Fence};
use crate::capability::db::session::Source;
use crate::capability::log::book::LogBook;
use crate::capability::log::policy::Most;
use crate::capability::log::{CallLog, Identity};
use crate::capability::notify::policy::Fired;
use crate::ids::{AppName, CallId, ReleaseId};
use crate::limits::Limits;
use crate::postgres::AppPools;
use crate::store::jobs::attempts::{self, Claim, Claimant, Claimed, Next, Said};
use crate::store::jobs::{self, JobRow, NewJob};
use crate::store::notifications;
use crate::store::testing::TestDatabase;

const LEASE: Duration = Duration::from_secs(60);

struct App {
    name: AppName,
    inspector: Inspector,
    pools: AppPools,
    database: TestDatabase,
}

impl App {
    /// An app with a table `items`.
    async fn with_items() -> Self {
        let database = TestDatabase::create().await;
        let name = database.live_app("shop").await;
        let roles = database.database.roles();
        roles.prepare(&name).await.unwrap();
        roles.admit_to_jobs(&name).await.unwrap();
        let pools = database.database.pools();
        let owner = pools.owner(&name, Duration::from_secs(10)).await.unwrap();
        owner
            .batch_execute(
                "CREATE TABLE items (id int PRIMARY KEY, parent int
                     REFERENCES items DEFERRABLE INITIALLY DEFERRED)",
            )
            .await
            .unwrap();
        Self {
            inspector: database.database.inspector(&name).await,
            name,
            pools,
            database,
        }
    }

    fn pool(&self) -> &sqlx::PgPool {
        self.database.store.pool()
    }

    fn id() -> JobId {
        JobId(Entropy.id(&Clock::system()))
    }

    async fn put(&self) -> JobId {
        let job = NewJob {
            id: Self::id(),
            app: &self.name,
            entry: &JobEntry::Execute,
            payload: "{}",
            key: None,
            created_by: None,
            priority: 0,
            settings: JobsGrant::new(JobWishes::default(), &Limits::STANDARD).settings,
        };
        jobs::insert(self.pool(), job).await.unwrap()
    }

    async fn claim(&self) -> (Claimed, Fence) {
        let secret = Zeroizing::new(Entropy.bytes());
        let claimant = Claimant {
            node: "one",
            not_here: &[],
            after: "",
            lease: LEASE,
            token: &fence::token(&secret),
        };
        match attempts::claim(self.pool(), claimant).await.unwrap() {
            Claim::Job(claimed) => {
                let fence = Fence::new(claimed.job, claimed.number, secret);
                (claimed, fence)
            }
            claim @ (Claim::Again(_) | Claim::Nothing) => panic!("{claim:?}"),
        }
    }

    /// Queues a job and takes it.
    async fn attempt(&self) -> (JobId, Database) {
        let job = self.put().await;
        let (_, fence) = self.claim().await;
        (job, self.call(Some(fence)))
    }

    fn call(&self, fence: Option<Fence>) -> Database {
        let source = Source::App {
            pools: self.pools.clone(),
            app: self.name.clone(),
            inspector: self.inspector.clone(),
        };
        let limits = Limits::STANDARD;
        let budget = limits.budget(&limits.default);
        let most = Most {
            lines: 10,
            bytes: 10_000,
        };
        let id = || Entropy.id(&Clock::system());
        let identity = Identity {
            app: self.name.clone(),
            release: ReleaseId(id()),
            call: CallId(id()),
            job: None,
        };
        let log = CallLog::new(identity, most, LogBook::unwritten(Clock::system()));
        let deadline = Instant::now() + Duration::from_secs(60);
        Database::new(source, deadline, budget, log, fence)
    }

    /// Takes a job away from whoever works at it, and gives it to another.
    async fn supersede(&self, job: JobId) -> Database {
        let number = self.row(job).await.attempt;
        let mut tx = self.pool().begin().await.unwrap();
        let counts = attempts::give_up(&mut tx, job, number, "lost", "gone");
        let counts = counts.await.unwrap().unwrap();
        let delay = Duration::ZERO;
        attempts::settle(
            &mut tx,
            job,
            counts,
            Next::Pending { delay },
            Said::error("gone"),
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let (claimed, fence) = self.claim().await;
        assert_eq!((claimed.job, claimed.number), (job, number + 1));
        self.call(Some(fence))
    }

    async fn row(&self, job: JobId) -> JobRow {
        jobs::find(self.pool(), job).await.unwrap().unwrap()
    }

    /// What the server says of a statement that nobody has read before.
    async fn as_role(&self, sql: &str) -> String {
        let object = self.pools.get(&self.name, Duration::from_secs(10)).await;
        let sent = object.unwrap().batch_execute(sql).await;
        sent.unwrap_err().code().unwrap().code().to_owned()
    }

    async fn items(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM public.items")
            .fetch_one(self.pool())
            .await
            .unwrap()
    }

    async fn jobs(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM jobs")
            .fetch_one(self.pool())
            .await
            .unwrap()
    }
}

async fn run(connection: &mut Connection, sql: &str) -> Result<db_wit::Outcome, DbError> {
    connection.execute(sql, &[]).await
}

fn code<T>(result: &Result<T, DbError>) -> &str {
    match result {
        Err(error) => error.sqlstate().unwrap_or("no code"),
        Ok(_) => "no error",
    }
}

#[tokio::test]
async fn a_superseded_attempt_commits_nothing() {
    let app = App::with_items().await;
    let (job, old) = app.attempt().await;
    let mut connection = Connection::transactional(old.clone());
    run(&mut connection, "INSERT INTO items VALUES (1)")
        .await
        .unwrap();

    let new = app.supersede(job).await;
    let mut other = Connection::transactional(new.clone());
    run(&mut other, "INSERT INTO items VALUES (2)")
        .await
        .unwrap();
    other.commit().await.unwrap();

    assert_eq!(code(&connection.commit().await), SUPERSEDED);
    assert!(old.is_stopped());
    assert!(!new.is_stopped());
    assert_eq!(app.items().await, 1);
}

#[tokio::test]
async fn a_superseded_attempt_commits_no_single_statement_either() {
    let app = App::with_items().await;
    let (job, old) = app.attempt().await;
    app.supersede(job).await;

    let mut connection = Connection::autocommit(old);
    let result = run(&mut connection, "INSERT INTO items VALUES (1)").await;

    assert_eq!(code(&result), SUPERSEDED);
    assert_eq!(app.items().await, 0);
}

#[tokio::test]
async fn a_jobs_effects_and_its_result_are_one_transaction() {
    let app = App::with_items().await;
    let (job, call) = app.attempt().await;
    let mut connection = Connection::transactional(call.clone());
    run(&mut connection, "INSERT INTO items VALUES (1)")
        .await
        .unwrap();
    connection.commit_on_return();
    connection.close().await;
    assert_eq!(
        (app.items().await, &*app.row(job).await.status),
        (0, "running")
    );

    call.conclude(r#"{"done":true}"#, &[]).await.unwrap();
    call.finish();

    assert!(call.fence().unwrap().is_completed());
    let row = app.row(job).await;
    assert_eq!(app.items().await, 1);
    assert_eq!((&*row.status, row.progress_now), ("completed", 100));
    assert_eq!(row.result.as_deref(), Some(r#"{"done":true}"#));
}

#[tokio::test]
async fn a_superseded_attempt_completes_nothing() {
    let app = App::with_items().await;
    let (job, old) = app.attempt().await;
    let mut connection = Connection::transactional(old.clone());
    run(&mut connection, "INSERT INTO items VALUES (1)")
        .await
        .unwrap();
    connection.commit_on_return();
    app.supersede(job).await;

    let concluded = old.conclude("{}", &[]).await;

    assert_eq!(code(&concluded), SUPERSEDED);
    assert!(!old.fence().unwrap().is_completed());
    assert_eq!(
        (app.items().await, &*app.row(job).await.status),
        (0, "running")
    );
}

#[tokio::test]
async fn a_commit_that_fails_leaves_the_job_as_it_was() {
    let app = App::with_items().await;
    let (job, call) = app.attempt().await;
    let mut connection = Connection::transactional(call.clone());
    run(&mut connection, "INSERT INTO items VALUES (1, 99)")
        .await
        .unwrap();
    connection.commit_on_return();

    let concluded = call.conclude("{}", &[]).await;

    assert_eq!(code(&concluded), "23503");
    assert!(!call.is_stopped());
    assert_eq!(
        (app.items().await, &*app.row(job).await.status),
        (0, "running")
    );
}

#[tokio::test]
async fn what_a_job_fired_is_sent_in_the_transaction_that_completes_it() {
    let app = App::with_items().await;
    let (job, call) = app.attempt().await;
    let mut connection = Connection::transactional(call.clone());
    run(&mut connection, "INSERT INTO items VALUES (1)")
        .await
        .unwrap();
    connection.commit_on_return();

    call.conclude("{}", &fired(&["1", "2"])).await.unwrap();

    let sent: Vec<(String, String, String, JobId)> =
        sqlx::query_as("SELECT app, action, payload, job_id FROM notifications ORDER BY id")
            .fetch_all(app.pool())
            .await
            .unwrap();
    let row = |payload: &str| ("shop".into(), "sold".into(), payload.into(), job);
    assert_eq!(sent, [row("1"), row("2")]);
    assert_eq!(&*app.row(job).await.status, "completed");
    assert_eq!(app.items().await, 1);
}

#[tokio::test]
async fn an_attempt_that_completes_nothing_sends_nothing() {
    let app = App::with_items().await;
    let (job, old) = app.attempt().await;
    let mut connection = Connection::transactional(old.clone());
    run(&mut connection, "INSERT INTO items VALUES (1)")
        .await
        .unwrap();
    connection.commit_on_return();
    app.supersede(job).await;
    let concluded = old.conclude("{}", &fired(&["1"])).await;
    assert_eq!(code(&concluded), SUPERSEDED);

    // One whose own constraints refuse it at the end.
    let (job, call) = app.attempt().await;
    let mut connection = Connection::transactional(call.clone());
    run(&mut connection, "INSERT INTO items VALUES (1, 99)")
        .await
        .unwrap();
    connection.commit_on_return();
    let concluded = call.conclude("{}", &fired(&["2"])).await;
    assert_eq!(code(&concluded), "23503");
    assert_eq!(&*app.row(job).await.status, "running");

    assert_eq!(notifications::newest(app.pool()).await.unwrap(), 0);
}

fn fired(payloads: &[&str]) -> Vec<Fired> {
    let one = |payload: &&str| Fired {
        action: "sold".to_owned(),
        payload: (*payload).to_owned(),
    };
    payloads.iter().map(one).collect()
}

#[tokio::test]
async fn an_answer_commits_for_a_call_of_no_job_too() {
    let app = App::with_items().await;
    let call = app.call(None);
    let mut connection = Connection::transactional(call.clone());
    run(&mut connection, "INSERT INTO items VALUES (1)")
        .await
        .unwrap();
    connection.commit_on_return();
    connection.close().await;

    call.conclude("{}", &[]).await.unwrap();

    assert_eq!(app.items().await, 1);
}

#[tokio::test]
async fn a_cancelled_job_commits_nothing_more() {
    let app = App::with_items().await;
    let (job, call) = app.attempt().await;
    let mut connection = Connection::transactional(call.clone());
    run(&mut connection, "INSERT INTO items VALUES (1)")
        .await
        .unwrap();

    let mut host = app.pool().acquire().await.unwrap();
    assert!(jobs::cancel(&mut host, job).await.unwrap());

    assert_eq!(code(&connection.commit().await), SUPERSEDED);
    assert_eq!(app.items().await, 0);
}

#[tokio::test]
async fn a_heartbeat_neither_waits_for_a_transaction_nor_disturbs_a_serializable_one() {
    let app = App::with_items().await;
    let (job, call) = app.attempt().await;
    let mut connection = Connection::transactional(call.clone());
    connection.set_modes(db_wit::TransactionModes {
        isolation: Some(db_wit::Isolation::Serializable),
        read_only: None,
        deferrable: None,
    });
    let progress = format!("UPDATE noderouter_core.job_queue SET progress = 7 WHERE id = '{job}'");
    for sql in ["INSERT INTO items VALUES (1)", &progress] {
        run(&mut connection, sql).await.unwrap();
    }

    assert!(attempts::beat(app.pool(), job, 1, LEASE).await.unwrap());
    call.report(Some(3), Some("working")).await.unwrap();
    connection.commit_on_return();
    call.conclude("{}", &[]).await.unwrap();

    assert_eq!(app.row(job).await.status, "completed");
    assert_eq!(app.items().await, 1);
}

#[tokio::test]
async fn progress_is_seen_at_once_and_held_between_0_and_99() {
    let app = App::with_items().await;
    let (job, call) = app.attempt().await;

    for (given, shown) in [(Some(40), 40), (None, 40), (Some(400), 99), (Some(-1), 0)] {
        call.report(given, Some("reading")).await.unwrap();
        let row = app.row(job).await;
        assert_eq!(row.progress_now, shown);
        assert_eq!(row.progress_text_now.as_deref(), Some("reading"));
    }

    let mut connection = Connection::transactional(call.clone());
    run(&mut connection, "INSERT INTO items VALUES (1)")
        .await
        .unwrap();
    connection.commit_on_return();
    call.conclude("{}", &[]).await.unwrap();
    let done = app.row(job).await;
    assert_eq!(
        (done.status.as_str(), done.progress_now),
        ("completed", 100)
    );
    assert_eq!(done.progress_text_now.as_deref(), Some("reading"));
}

#[tokio::test]
async fn a_superseded_attempt_shows_no_progress() {
    let app = App::with_items().await;
    let (job, old) = app.attempt().await;
    let mut connection = Connection::transactional(old.clone());
    let progress = format!("UPDATE noderouter_core.job_queue SET progress = 7 WHERE id = '{job}'");
    run(&mut connection, &progress).await.unwrap();

    let new = app.supersede(job).await;
    new.report(Some(50), None).await.unwrap();

    assert_eq!(code(&old.report(Some(10), None).await), SUPERSEDED);
    assert_eq!(app.row(job).await.progress_now, 50);
    let _ = connection.commit().await;
    assert_eq!(app.row(job).await.progress_now, 50);
}

#[tokio::test]
async fn an_app_writes_progress_by_sql_and_nothing_else() {
    let app = App::with_items().await;
    let (job, call) = app.attempt().await;
    let mut connection = Connection::autocommit(call.clone());

    let progress = |percent: i32| {
        format!(
            "UPDATE noderouter_core.job_queue SET progress = {percent}, updated_at = now()
             WHERE id = '{job}'"
        )
    };
    for (given, shown) in [(30, 30), (250, 99), (-5, 0)] {
        let outcome = run(&mut connection, &progress(given)).await.unwrap();
        assert_eq!(outcome.affected, 1);
        assert_eq!(app.row(job).await.progress_now, shown);
    }
    // Each wall refuses these by itself: the reading of statements, and the role.
    for (sql, by_role) in [
        (
            "UPDATE noderouter_core.job_queue SET status = 'completed'",
            "42501",
        ),
        ("UPDATE noderouter_core.job_queue SET result = '1'", "42501"),
        ("SELECT * FROM skep.jobs", "42501"),
        ("UPDATE skep.job_progress SET progress = 1", "42501"),
        ("SELECT * FROM skep.job_attempts", "42501"),
        ("DELETE FROM noderouter_core.job_queue", "55000"),
        (
            "INSERT INTO noderouter_core.job_queue (progress) VALUES (1)",
            "0A000",
        ),
    ] {
        let refused = run(&mut connection, sql).await;
        assert!(matches!(refused, Err(DbError::Refused(_))), "{sql}");
        assert_eq!(app.as_role(sql).await, by_role, "{sql}");
    }

    let mut host = app.pool().acquire().await.unwrap();
    assert!(jobs::cancel(&mut host, job).await.unwrap());
    let mut later = Connection::autocommit(app.call(None));
    let outcome = run(&mut later, &progress(50)).await.unwrap();
    assert_eq!(outcome.affected, 0);
    assert_eq!(app.row(job).await.progress_now, 0);
}

#[tokio::test]
async fn an_app_sees_its_own_jobs_only() {
    let app = App::with_items().await;
    let own = app.put().await;
    let other = app.database.live_app("other").await;
    let job = NewJob {
        id: App::id(),
        app: &other,
        entry: &JobEntry::Execute,
        payload: "{}",
        key: None,
        created_by: None,
        priority: 0,
        settings: JobsGrant::new(JobWishes::default(), &Limits::STANDARD).settings,
    };
    jobs::insert(app.pool(), job).await.unwrap();

    let mut connection = Connection::autocommit(app.call(None));
    let outcome = run(
        &mut connection,
        "SELECT id::text, app_name, status, progress, payload FROM noderouter_core.job_queue",
    )
    .await
    .unwrap();

    assert_eq!(outcome.rows.len(), 1);
    assert!(format!("{:?}", outcome.rows[0]).contains(&own.to_string()));
}

#[tokio::test]
async fn nobody_completes_a_job_without_its_secret() {
    let app = App::with_items().await;
    let (job, _) = app.attempt().await;

    for sql in [
        format!("SELECT skep_jobs.complete('{job}', 1, '\\x00', '{{}}')"),
        format!("SELECT skep_jobs.fence('{job}', 1, sha256('x'))"),
        format!("SELECT skep_jobs.report('{job}', 1, NULL, 5, NULL)"),
    ] {
        assert_eq!(app.as_role(&sql).await, SUPERSEDED, "{sql}");
    }
    for sql in [
        "SELECT skep.put_job(gen_random_uuid(), 'shop', '{}', NULL, NULL, 0, 0, 1, 1, 0, 1)",
        "SELECT skep_jobs.write_progress()",
    ] {
        assert_eq!(app.as_role(sql).await, "42501", "{sql}");
    }
    assert_eq!(app.row(job).await.status, "running");
}

#[tokio::test]
async fn nobody_queues_a_job_without_the_secret_of_the_queue() {
    let app = App::with_items().await;
    let own = app.pools.queue_secret(&app.name);
    let other = app.pools.queue_secret(&"other".parse().unwrap());
    let queue = |entry: &str, body: &str, secret: &[u8]| {
        let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "SELECT skep_jobs.enqueue(gen_random_uuid(), {body}, NULL, gen_random_uuid(), 1, 0, \
             32, 1000, 0, 1, '{entry}', '\\x{secret}')"
        )
    };

    for sql in [
        queue("execute", "'{}'", b""),
        queue("execute", "'{}'", &other),
        queue("execute", "'{}'", b"x").replace("'\\x78'", "NULL"),
        // With it too, the queue is no way to a hook, and no store.
        queue("hook on_install", "'{}'", &own),
        queue("execute", "repeat('x', 17000000)", &own),
    ] {
        assert_eq!(app.as_role(&sql).await, "42501", "{sql}");
    }
    assert_eq!(app.jobs().await, 0);
    let session = app.pools.get(&app.name, Duration::from_secs(10)).await;
    let queue_one = queue("execute", "'{}'", &own);
    session.unwrap().batch_execute(&queue_one).await.unwrap();
    assert_eq!(app.jobs().await, 1);
}

fn request(payload: &str, key: Option<&str>) -> wit::Request {
    wit::Request {
        payload: payload.to_owned(),
        task: None,
        key: key.map(str::to_owned),
        priority: wit::Priority::High,
        delay_ms: 0,
    }
}

struct View {
    jobs: CallJobs,
    database: Database,
    table: ResourceTable,
}

impl View {
    fn of(app: &App, database: Database) -> Self {
        Self {
            jobs: CallJobs {
                app: app.name.clone(),
                grant: JobsGrant::new(JobWishes::default(), &Limits::STANDARD),
                backlog: Backlog::new(app.database.store.clone()),
                clock: Clock::system(),
                queued: 0,
            },
            database,
            table: ResourceTable::new(),
        }
    }

    fn jobs(&mut self) -> Jobs<'_> {
        Jobs {
            jobs: &mut self.jobs,
            database: &self.database,
            caller: None,
            table: &mut self.table,
        }
    }
}

#[tokio::test]
async fn a_job_that_is_queued_in_a_transaction_shares_its_fate() {
    use wit::Host as _;

    let app = App::with_items().await;
    let mut view = View::of(&app, app.call(None));
    let connection = Connection::transactional(view.database.clone());
    let handle = view.table.push(connection).unwrap();
    let borrowed = || Resource::<Connection>::new_borrow(handle.rep());

    view.jobs()
        .enqueue_with(borrowed(), request("{}", None))
        .await
        .unwrap();
    view.table
        .get_mut(&handle)
        .unwrap()
        .rollback()
        .await
        .unwrap();
    assert_eq!(app.jobs().await, 0);

    let id = view
        .jobs()
        .enqueue_with(borrowed(), request(r#"{"a":1}"#, None))
        .await
        .unwrap();
    assert_eq!(app.jobs().await, 0);
    view.table.get_mut(&handle).unwrap().commit().await.unwrap();

    let row = app.row(id.parse().unwrap()).await;
    assert_eq!((&*row.status, row.priority), ("pending", 1));
}

#[tokio::test]
async fn a_job_that_a_superseded_attempt_queues_does_not_exist() {
    use wit::Host as _;

    let app = App::with_items().await;
    let (job, old) = app.attempt().await;
    app.supersede(job).await;

    let refused = View::of(&app, old)
        .jobs()
        .enqueue(request("{}", None))
        .await;

    assert!(matches!(
        refused.unwrap_err().for_guest(),
        Ok(wit::Error::Superseded)
    ));
    assert_eq!(app.jobs().await, 1);
}

#[tokio::test]
async fn a_key_makes_one_job_of_many() {
    use wit::Host as _;

    let app = App::with_items().await;
    let mut view = View::of(&app, app.call(None));

    let first = view.jobs().enqueue(request("{}", Some("k"))).await.unwrap();
    let second = view.jobs().enqueue(request("{}", Some("k"))).await.unwrap();
    assert_eq!(first, second);

    let other = view.jobs().enqueue(request(r#"{"a":1}"#, Some("k"))).await;
    assert!(matches!(
        other.unwrap_err().for_guest(),
        Ok(wit::Error::Invalid(_))
    ));
    assert_eq!(app.jobs().await, 1);
}

#[tokio::test]
async fn what_a_call_queues_is_bounded() {
    use wit::Host as _;

    let app = App::with_items().await;
    let mut view = View::of(&app, app.call(None));

    let text = view.jobs().enqueue(request("[]", None)).await.unwrap_err();
    assert_eq!(text.to_string(), "the body must be a JSON object");
    view.jobs.queued = policy::QUEUED_BY_ONE_CALL;
    let full = view.jobs().enqueue(request("{}", None)).await;
    assert!(matches!(full, Err(JobsError::QueueFull)));
    assert_eq!(app.jobs().await, 0);
}

#[tokio::test]
async fn a_call_that_is_no_jobs_has_no_progress_to_report() {
    use wit::Host as _;

    let app = App::with_items().await;
    let mut view = View::of(&app, app.call(None));

    assert!(view.jobs().current().await.unwrap().is_none());
    assert!(matches!(
        view.jobs().report(Some(1), None).await,
        Err(JobsError::NotAJob)
    ));

    let (job, call) = app.attempt().await;
    let mut view = View::of(&app, call);
    let current = view.jobs().current().await.unwrap().unwrap();
    assert_eq!((current.id, current.attempt), (job.to_string(), 1));
}
