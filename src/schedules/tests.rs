use serde_json::{Value, json};
use sqlx::postgres::PgListener;
use time::format_description::well_known::Rfc3339;

use super::*;
use crate::app::JobEntry;
use crate::http::testing::TestHost;
use crate::ids::{AppName, JobId};
use crate::store::jobs::{self, JobRow};
use crate::store::schedules::runs::{self, RunRow};
use crate::store::schedules::{ScheduleRow, ShownRow};

/// A host without apps that run: jobs stay where they are queued.
struct Bench {
    host: TestHost,
    app: AppName,
}

impl Bench {
    /// An app `app` with a schedule `s`, at two in the night unless the fields say otherwise.
    async fn with(fields: Value) -> Self {
        let host = TestHost::start().await;
        let app = host.live_app("app").await;
        let bench = Self { host, app };
        bench.declare("s", fields).await;
        bench
    }

    async fn declare(&self, name: &str, fields: Value) {
        let mut schedule = json!({ "cron": "0 2 * * *" });
        let object = schedule.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        let schedules = json!({ name: schedule });
        self.host.declare_schedules(&self.app, schedules).await;
    }

    fn schedules(&self) -> &Schedules {
        &self.host.services.schedules
    }

    fn pool(&self) -> &sqlx::PgPool {
        self.host.services.store.pool()
    }

    /// Makes every schedule one that is to fire at a time, as was planned the day before.
    async fn plan(&self, next: OffsetDateTime) {
        sqlx::query("UPDATE schedules SET next_fire_at = $1, planned_at = $1 - INTERVAL '1 day'")
            .bind(next)
            .execute(self.pool())
            .await
            .unwrap();
    }

    async fn look(&self, now: OffsetDateTime) {
        self.schedules().look(Some(now)).await.unwrap();
    }

    async fn shown(&self) -> ShownRow {
        let shown = schedules::find(self.pool(), &self.app, "s").await.unwrap();
        shown.unwrap()
    }

    async fn row(&self) -> ScheduleRow {
        self.shown().await.schedule
    }

    /// What became of the firings, oldest first, with the reason or how the job is.
    async fn runs(&self) -> Vec<(String, String)> {
        let runs = self.history().await;
        let word = |run: RunRow| (run.state, run.reason.or(run.outcome).unwrap_or_default());
        runs.into_iter().map(word).collect()
    }

    async fn history(&self) -> Vec<RunRow> {
        let listed = runs::list(self.pool(), &self.app, "s", None, 1_000).await;
        let mut listed = listed.unwrap();
        listed.reverse();
        listed
    }

    /// Jobs of all apps, oldest first.
    async fn jobs(&self) -> Vec<JobRow> {
        let filter = jobs::Filter {
            limit: 1_000,
            ..jobs::Filter::default()
        };
        let mut listed = jobs::list(self.pool(), filter).await.unwrap();
        listed.reverse();
        listed
    }

    async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(self.pool()).await.unwrap();
    }

    /// Ends the jobs that have not.
    async fn complete(&self) {
        self.run(
            "UPDATE jobs SET status = 'completed', finished_at = clock_timestamp()
             WHERE finished_at IS NULL",
        )
        .await;
    }
}

fn at(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap()
}

fn two_in_the_night() -> OffsetDateTime {
    at("2026-11-22T02:00:00Z")
}

fn words<const N: usize>(runs: [(&str, &str); N]) -> Vec<(String, String)> {
    let owned = runs.map(|(state, why)| (state.to_owned(), why.to_owned()));
    owned.into()
}

const SECOND: time::Duration = time::Duration::SECOND;
const DAY: time::Duration = time::Duration::DAY;

#[tokio::test]
async fn a_firing_is_one_job_of_nobody_with_the_payload_and_the_next_is_planned() {
    let bench = Bench::with(json!({ "payload": { "full": true } })).await;
    let due = two_in_the_night();
    bench.plan(due).await;

    bench.look(due - SECOND).await;
    assert_eq!(bench.jobs().await.len(), 0);
    for _ in 0..3 {
        bench.look(due + SECOND).await;
    }

    let jobs = bench.jobs().await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(
        (jobs[0].created_by, jobs[0].status.as_str()),
        (None, "pending")
    );
    let payload = jobs::is_same(
        bench.pool(),
        jobs[0].id,
        &JobEntry::Execute,
        r#"{"full":true}"#,
    );
    assert!(payload.await.unwrap());
    let row = bench.row().await;
    assert_eq!(row.next_fire_at, Some(due + DAY));
    assert_eq!(row.last_fire_at, Some(due));
    assert_eq!(row.last_job, Some(jobs[0].id));
    assert_eq!(bench.runs().await, words([("queued", "pending")]));
}

#[tokio::test]
async fn many_nodes_fire_each_schedule_once() {
    let bench = Bench::with(json!({})).await;
    for n in 0..9 {
        let app = bench.host.live_app(&format!("app{n}")).await;
        let many: serde_json::Map<String, Value> = (0..50)
            .map(|n| (format!("s{n}"), json!({ "cron": "0 2 * * *" })))
            .collect();
        bench
            .host
            .declare_schedules(&app, Value::Object(many))
            .await;
    }
    let due = two_in_the_night();
    bench.plan(due).await;

    let node = || {
        let services = &bench.host.services;
        let schedules = Schedules::new(
            services.store.clone(),
            services.clock.clone(),
            services.entropy.clone(),
        );
        async move { while schedules.look(Some(due + SECOND)).await.unwrap() {} }
    };
    tokio::join!(node(), node(), node(), node());

    assert_eq!(bench.jobs().await.len(), 451);
    let planned: i64 = sqlx::query_scalar("SELECT count(*) FROM schedules WHERE next_fire_at = $1")
        .bind(due + DAY)
        .fetch_one(bench.pool())
        .await
        .unwrap();
    assert_eq!(planned, 451);
}

#[tokio::test]
async fn a_crash_in_the_middle_fires_nothing_and_the_next_look_fires_once() {
    let bench = Bench::with(json!({})).await;
    let due = two_in_the_night();
    bench.plan(due).await;
    // The job is written, and what became of the firing cannot be.
    let mut blocker = bench.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE schedule_runs IN SHARE MODE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let schedules = bench.schedules().clone();
    let looking = tokio::spawn(async move { schedules.look(Some(due + SECOND)).await });
    let killed = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let killed: Option<bool> = sqlx::query_scalar(killed)
            .fetch_optional(bench.pool())
            .await
            .unwrap();
        if killed.is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(looking.await.unwrap().is_err());
    blocker.rollback().await.unwrap();
    assert_eq!(bench.jobs().await.len(), 0);

    bench.look(due + SECOND).await;
    assert_eq!(bench.jobs().await.len(), 1);
    assert_eq!(bench.row().await.next_fire_at, Some(due + DAY));
}

#[tokio::test]
async fn a_time_that_comes_again_is_one_job_though_nobody_remembers_the_firing() {
    let bench = Bench::with(json!({})).await;
    let due = two_in_the_night();
    bench.plan(due).await;
    bench.look(due).await;
    bench.complete().await;

    bench.plan(due).await;
    bench.look(due).await;
    assert_eq!(bench.jobs().await.len(), 1);
    bench.run("DELETE FROM schedule_runs").await;
    bench.plan(due).await;
    bench.look(due).await;

    assert_eq!(bench.jobs().await.len(), 1);
    assert_eq!(bench.row().await.next_fire_at, Some(due + DAY));
}

#[tokio::test]
async fn a_clock_that_was_a_year_ahead_neither_doubles_nor_loses_a_firing() {
    let bench = Bench::with(json!({})).await;
    let due = two_in_the_night();
    bench.plan(due).await;
    bench.look(due).await;
    bench.complete().await;

    // Ahead: what seems to be missed is one job, and the next time is a year away.
    let ahead = due + 365 * DAY + 9 * SECOND;
    bench.look(ahead).await;
    bench.complete().await;
    assert_eq!(bench.jobs().await.len(), 2);
    assert_eq!(bench.row().await.next_fire_at, Some(due + 366 * DAY));

    // Right again: the next time is tomorrow's, and it fires.
    bench.look(due + 60 * SECOND).await;
    assert_eq!(bench.row().await.next_fire_at, Some(due + DAY));
    assert_eq!(bench.jobs().await.len(), 2);
    bench.look(due + DAY).await;
    assert_eq!(bench.jobs().await.len(), 3);

    // A step back over a firing does not fire it again.
    bench.complete().await;
    bench.look(due + DAY - 600 * SECOND).await;
    assert_eq!(bench.row().await.next_fire_at, Some(due + DAY));
    bench.look(due + DAY).await;
    assert_eq!(bench.jobs().await.len(), 3);
    assert_eq!(bench.row().await.next_fire_at, Some(due + 2 * DAY));
}

#[tokio::test]
async fn three_days_that_were_missed_are_one_job_or_none() {
    let late = two_in_the_night() + 3 * DAY + 3_600 * SECOND;
    for (missed, jobs, run) in [
        ("run_once", 1, ("queued", "pending")),
        ("skip", 0, ("skipped", "missed")),
    ] {
        let bench = Bench::with(json!({ "missed": missed })).await;
        bench.plan(two_in_the_night()).await;

        bench.look(late).await;
        bench.look(late).await;

        assert_eq!(bench.jobs().await.len(), jobs, "{missed}");
        assert_eq!(bench.runs().await, words([run]));
        let run = bench.history().await.remove(0);
        assert_eq!(run.fire_at, two_in_the_night() + 3 * DAY);
        assert_eq!(run.missed_from, Some(two_in_the_night()));
        assert_eq!(
            bench.row().await.next_fire_at,
            Some(two_in_the_night() + 4 * DAY)
        );
    }
}

#[tokio::test]
async fn while_a_job_runs_firings_are_skipped_and_kept() {
    let bench = Bench::with(json!({})).await;
    bench.plan(two_in_the_night()).await;

    bench.look(two_in_the_night()).await;
    bench.run("UPDATE jobs SET status = 'running'").await;
    bench.look(two_in_the_night() + DAY).await;
    bench.complete().await;
    bench.look(two_in_the_night() + 2 * DAY).await;

    let expected = [
        ("queued", "completed"),
        ("skipped", "running"),
        ("queued", "pending"),
    ];
    assert_eq!(bench.runs().await, words(expected));
}

#[tokio::test]
async fn one_firing_waits_behind_a_job_and_has_its_turn_when_that_ends() {
    let bench = Bench::with(json!({ "overlap": "queue_after" })).await;
    bench.plan(two_in_the_night()).await;
    bench.look(two_in_the_night()).await;
    bench.look(two_in_the_night() + DAY).await;
    bench.look(two_in_the_night() + 2 * DAY).await;
    let expected = [
        ("queued", "pending"),
        ("waiting", ""),
        ("skipped", "waiting"),
    ];
    assert_eq!(bench.runs().await, words(expected));
    assert!(bench.shown().await.waiting);

    // The end of a job is told to all nodes.
    let mut listener = PgListener::connect_with(bench.pool()).await.unwrap();
    listener.listen(schedules::CHANNEL).await.unwrap();
    bench.complete().await;
    listener.recv().await.unwrap();
    bench.look(two_in_the_night() + 2 * DAY).await;

    let expected = [
        ("queued", "completed"),
        ("queued", "pending"),
        ("skipped", "waiting"),
    ];
    assert_eq!(bench.runs().await, words(expected));
    assert_eq!(bench.jobs().await.len(), 2);
    let history = bench.history().await;
    assert_eq!(bench.row().await.last_job, history[1].job);
}

#[tokio::test]
async fn a_firing_takes_the_place_of_the_job_that_runs() {
    let bench = Bench::with(json!({ "overlap": "cancel_active" })).await;
    bench.plan(two_in_the_night()).await;

    bench.look(two_in_the_night()).await;
    bench.look(two_in_the_night() + DAY).await;

    let expected = [("queued", "cancelled"), ("queued", "pending")];
    assert_eq!(bench.runs().await, words(expected));
}

#[tokio::test]
async fn a_disabled_app_is_not_called_and_not_made_up_for() {
    let bench = Bench::with(json!({})).await;
    bench.plan(two_in_the_night()).await;
    bench.run("UPDATE apps SET enabled = FALSE").await;

    bench.look(two_in_the_night()).await;

    assert_eq!(bench.runs().await, words([("skipped", "disabled")]));
    assert_eq!(bench.jobs().await.len(), 0);
    assert!(bench.row().await.next_fire_at.is_some());
}

#[tokio::test]
async fn a_schedule_that_cannot_be_fired_keeps_no_other_from_it() {
    let bench = Bench::with(json!({ "payload": { "bad": true } })).await;
    let other = bench.host.live_app("other").await;
    let alike = json!({ "s": { "cron": "0 2 * * *" } });
    bench.host.declare_schedules(&other, alike).await;
    let due = two_in_the_night();
    bench.plan(due).await;
    bench
        .run("ALTER TABLE jobs ADD CONSTRAINT broken CHECK (payload NOT LIKE '%bad%')")
        .await;

    bench.look(due).await;
    bench.look(due).await;

    let jobs = bench.jobs().await;
    let apps: Vec<&str> = jobs.iter().map(|job| job.app.as_str()).collect();
    assert_eq!(apps, ["other"]);
    assert!(bench.row().await.last_error.is_some());

    bench.run("ALTER TABLE jobs DROP CONSTRAINT broken").await;
    bench.look(due + RETRY - SECOND).await;
    assert_eq!(bench.jobs().await.len(), 1);
    bench.look(due + RETRY).await;
    assert_eq!(bench.jobs().await.len(), 2);
    assert_eq!(bench.history().await[0].fire_at, due);
    assert_eq!(bench.row().await.last_error, None);
}

#[tokio::test]
async fn what_became_of_firings_outlives_their_jobs_but_is_not_kept_for_ever() {
    let bench = Bench::with(json!({})).await;
    bench.plan(two_in_the_night()).await;
    bench.look(two_in_the_night()).await;
    for days in 1..=110 {
        bench.look(two_in_the_night() + days * DAY).await;
    }
    // The job runs, so that its firing is not forgotten.
    let runs = bench.runs().await;
    assert_eq!(runs.len(), 101);
    assert_eq!(runs[0], ("queued".to_owned(), "pending".to_owned()));
    assert_eq!(bench.jobs().await.len(), 1);

    bench.complete().await;
    bench.look(two_in_the_night() + 110 * DAY).await;
    bench.run("DELETE FROM jobs").await;
    let shown = bench.shown().await;
    assert!(shown.success_at.is_some());
    assert_eq!(
        bench.runs().await[0],
        ("queued".to_owned(), "completed".to_owned())
    );
}

#[tokio::test]
async fn a_schedule_runs_by_hand_while_it_is_paused_and_not_twice_at_once() {
    let bench = Bench::with(json!({ "enabled": false })).await;
    assert_eq!(bench.row().await.next_fire_at, None);
    let fire = async || {
        let mut tx = bench.pool().begin().await.unwrap();
        let schedules = bench.schedules();
        let fired = schedules.fire_now(&mut tx, &bench.app, "s", "ann").await;
        tx.commit().await.unwrap();
        fired
    };

    let job: JobId = fire().await.unwrap().job.unwrap();
    let refused = fire().await.unwrap_err();
    assert!(matches!(refused, NotFired::Running(_)), "{refused:?}");
    bench.complete().await;
    let next = fire().await.unwrap().job.unwrap();

    assert_ne!(job, next);
    let history = bench.history().await;
    let by: Vec<Option<&str>> = history
        .iter()
        .map(|run| run.requested_by.as_deref())
        .collect();
    assert_eq!(by, [Some("ann"), Some("ann")]);
    assert_eq!(bench.row().await.next_fire_at, None);
}

#[tokio::test]
async fn a_node_hears_of_a_change_fires_by_the_databases_clock_and_stops() {
    let bench = Bench::with(json!({ "cron": "0 0 1 1 *" })).await;
    let mut jobs = PgListener::connect_with(bench.pool()).await.unwrap();
    jobs.listen(jobs::CHANNEL).await.unwrap();
    let stop = CancellationToken::new();
    let schedules = bench.schedules().clone();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { schedules.run(stop).await }
    });

    // Its own clock stands still, and does not matter.
    bench
        .run(
            "UPDATE schedules SET next_fire_at = clock_timestamp();
             SELECT pg_notify('skep_schedules', '')",
        )
        .await;
    jobs.recv().await.unwrap();
    assert_eq!(bench.jobs().await.len(), 1);

    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_node_sleeps_until_something_is_due_and_looks_now_and_then() {
    let bench = Bench::with(json!({ "cron": "0 0 1 1 *" })).await;
    assert_eq!(bench.schedules().round().await.unwrap(), POLL);

    // Due, and another node's.
    bench
        .run("UPDATE schedules SET next_fire_at = clock_timestamp() - INTERVAL '1 hour'")
        .await;
    let mut other = bench.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM schedules FOR UPDATE")
        .execute(&mut *other)
        .await
        .unwrap();
    assert_eq!(bench.schedules().round().await.unwrap(), LEAST);
    assert_eq!(bench.jobs().await.len(), 0);
}

#[tokio::test]
#[ignore = "a measurement that wants an idle machine"]
async fn how_long_ten_thousand_firings_take_that_are_due_at_once() {
    let bench = Bench::with(json!({})).await;
    for n in 0..100 {
        let app = bench.host.live_app(&format!("app{n}")).await;
        let many: serde_json::Map<String, Value> = (0..100)
            .map(|n| (format!("s{n}"), json!({ "cron": "0 2 * * *" })))
            .collect();
        let many = Value::Object(many);
        bench.host.declare_schedules(&app, many).await;
    }
    bench.plan(two_in_the_night()).await;

    let began = std::time::Instant::now();
    let mut longest = Duration::ZERO;
    loop {
        let one = std::time::Instant::now();
        let more = bench
            .schedules()
            .look(Some(two_in_the_night()))
            .await
            .unwrap();
        longest = longest.max(one.elapsed());
        if !more {
            break;
        }
    }
    eprintln!(
        "10,001 firings in {:.1?}; the longest transaction took {longest:.1?}",
        began.elapsed()
    );
}
