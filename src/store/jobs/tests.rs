mod entries;

use std::time::Duration;

use time::macros::datetime;

use super::attempts::{Claim, Claimant, Claimed, Counts, Next, Said};
use super::*;
use crate::services::{Clock, Entropy};
use crate::store::apps;
use crate::store::testing::TestDatabase;

const SETTINGS: Settings = Settings {
    concurrency: 2,
    max_attempts: 3,
    retries: 0,
    backoff_ms: 1_000,
};
const LEASE: Duration = Duration::from_secs(60);
const TOKEN: [u8; 32] = [7; 32];

struct Queue {
    database: TestDatabase,
    last: std::sync::Mutex<String>,
}

impl Queue {
    /// A queue with these apps, which have a release each.
    async fn with(names: &[&str]) -> Self {
        let database = TestDatabase::create().await;
        for name in names {
            database.live_app(name).await;
        }
        Self {
            database,
            last: std::sync::Mutex::default(),
        }
    }

    fn pool(&self) -> &sqlx::PgPool {
        self.database.store.pool()
    }

    async fn put(&self, app: &str) -> JobId {
        self.put_with(app, |_| {}).await
    }

    async fn put_with(&self, app: &str, change: impl FnOnce(&mut NewJob<'_>)) -> JobId {
        let app: AppName = app.parse().unwrap();
        let mut job = NewJob {
            id: JobId(Entropy.id(&Clock::system())),
            app: &app,
            entry: &JobEntry::Execute,
            payload: "{}",
            key: None,
            created_by: None,
            priority: 0,
            settings: SETTINGS,
        };
        change(&mut job);
        insert(self.pool(), job).await.unwrap()
    }

    async fn claim_for(&self, lease: Duration, not_here: &[AppName]) -> Claim {
        let after = self.last.lock().unwrap().clone();
        let claimant = Claimant {
            node: "one",
            not_here,
            after: &after,
            lease,
            token: &TOKEN,
        };
        let claim = attempts::claim(self.pool(), claimant).await.unwrap();
        if let Claim::Job(claimed) = &claim {
            *self.last.lock().unwrap() = claimed.app.to_string();
        }
        claim
    }

    async fn claim(&self) -> Option<Claimed> {
        match self.claim_for(LEASE, &[]).await {
            Claim::Job(claimed) => Some(claimed),
            Claim::Nothing => None,
            Claim::Again(app) => panic!("nobody else claims, but {app} was gone"),
        }
    }

    async fn status(&self, job: JobId) -> String {
        find(self.pool(), job).await.unwrap().unwrap().status
    }

    async fn complete(&self, claimed: &Claimed) -> bool {
        let mut tx = self.pool().begin().await.unwrap();
        let done = attempts::complete(&mut tx, claimed.job, claimed.number, "{}");
        let done = done.await.unwrap();
        tx.commit().await.unwrap();
        done
    }

    async fn beat(&self, claimed: &Claimed) -> bool {
        let beat = attempts::beat(self.pool(), claimed.job, claimed.number, LEASE);
        beat.await.unwrap()
    }

    /// Gives every job back whose lease has run out.
    async fn reap(&self) -> usize {
        let mut tx = self.pool().begin().await.unwrap();
        let expired = attempts::end_expired(&mut tx, 10).await.unwrap();
        for (job, counts) in &expired {
            let next = Next::Pending {
                delay: Duration::ZERO,
            };
            let settled = attempts::settle(&mut tx, *job, *counts, next, Said::error("lost"));
            settled.await.unwrap();
        }
        tx.commit().await.unwrap();
        expired.len()
    }
}

fn all_but(seconds: i64, keep: i64) -> Surplus {
    Surplus {
        seconds,
        keep,
        spare_newest: false,
    }
}

#[tokio::test]
async fn apps_take_turns_whatever_one_of_them_has_queued() {
    let queue = Queue::with(&["busy", "quiet", "zero"]).await;
    for _ in 0..20 {
        queue
            .put_with("busy", |job| job.settings.concurrency = 20)
            .await;
    }
    queue.put("quiet").await;
    queue.put("zero").await;

    let mut apps = Vec::new();
    for _ in 0..4 {
        apps.push(queue.claim().await.unwrap().app.to_string());
    }

    assert_eq!(apps, ["busy", "quiet", "zero", "busy"]);
}

#[tokio::test]
async fn an_app_runs_no_more_jobs_at_once_than_it_may() {
    let queue = Queue::with(&["a"]).await;
    for _ in 0..3 {
        queue.put("a").await;
    }

    let first = queue.claim().await.unwrap();
    queue.claim().await.unwrap();
    assert_eq!(queue.claim().await, None);

    assert!(queue.complete(&first).await);
    assert!(queue.claim().await.is_some());
}

#[tokio::test]
async fn two_claims_at_the_same_time_never_exceed_what_an_app_may_run() {
    let queue = Queue::with(&["a"]).await;
    for _ in 0..20 {
        queue.put("a").await;
    }

    let claims = (0..8).map(|_| queue.claim_for(LEASE, &[]));
    let claims = futures_util::future::join_all(claims).await;

    let claimed = claims.iter().filter(|claim| matches!(claim, Claim::Job(_)));
    assert_eq!(claimed.count(), 2);
}

#[tokio::test]
async fn jobs_of_an_app_run_by_priority_and_then_in_order() {
    let queue = Queue::with(&["a"]).await;
    let mut put = Vec::new();
    for priority in [0, -1, 1, 0] {
        put.push(
            queue
                .put_with("a", |job| {
                    job.priority = priority;
                    job.settings.concurrency = 9;
                })
                .await,
        );
    }

    let mut claimed = Vec::new();
    while let Some(next) = queue.claim().await {
        claimed.push(next.job);
    }

    assert_eq!(claimed, [put[2], put[0], put[3], put[1]]);
}

#[tokio::test]
async fn a_node_takes_no_job_of_an_app_that_it_cannot_run() {
    let queue = Queue::with(&["a", "b"]).await;
    queue.put("a").await;
    let other = queue.put("b").await;

    let claim = queue.claim_for(LEASE, &["a".parse().unwrap()]).await;

    let Claim::Job(claimed) = claim else {
        panic!("{claim:?}");
    };
    assert_eq!(claimed.job, other);
    assert!(matches!(
        queue.claim_for(LEASE, &["a".parse().unwrap()]).await,
        Claim::Nothing
    ));
}

#[tokio::test]
async fn jobs_of_a_disabled_app_wait() {
    let queue = Queue::with(&["a"]).await;
    queue.put("a").await;
    let app = "a".parse().unwrap();
    let now = datetime!(2026-11-21 12:00 UTC);
    let mut connection = queue.pool().acquire().await.unwrap();

    apps::set_enabled(&mut connection, &app, false, now)
        .await
        .unwrap();
    assert_eq!(queue.claim().await, None);

    apps::set_enabled(&mut connection, &app, true, now)
        .await
        .unwrap();
    assert!(queue.claim().await.is_some());
}

#[tokio::test]
async fn a_key_makes_one_job_of_many_requests() {
    let queue = Queue::with(&["a", "b"]).await;
    let first = queue.put_with("a", |job| job.key = Some("k")).await;

    assert_eq!(queue.put_with("a", |job| job.key = Some("k")).await, first);
    assert_ne!(queue.put_with("b", |job| job.key = Some("k")).await, first);
    assert!(
        is_same(queue.pool(), first, &JobEntry::Execute, "{}")
            .await
            .unwrap()
    );
    assert!(
        !is_same(queue.pool(), first, &JobEntry::Execute, "{ }")
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn an_attempt_whose_lease_has_run_out_is_over_and_another_takes_its_place() {
    let queue = Queue::with(&["a"]).await;
    let job = queue.put("a").await;
    let Claim::Job(lost) = queue.claim_for(Duration::ZERO, &[]).await else {
        panic!("there is a job");
    };

    assert_eq!(queue.reap().await, 1);
    assert_eq!(queue.status(job).await, "pending");
    let taken = queue.claim().await.unwrap();
    assert_eq!((taken.job, taken.number), (job, lost.number + 1));

    assert!(!queue.beat(&lost).await);
    assert!(!queue.complete(&lost).await);
    assert_eq!(queue.status(job).await, "running");
    assert!(queue.beat(&taken).await);
    assert_eq!(queue.reap().await, 0);
    assert!(queue.complete(&taken).await);
    let history = attempts_of(queue.pool(), job).await.unwrap();
    let outcomes: Vec<_> = history.iter().map(|row| row.outcome.as_deref()).collect();
    assert_eq!(outcomes, [Some("lost"), Some("completed")]);
}

#[tokio::test]
async fn a_heartbeat_keeps_a_lease() {
    let queue = Queue::with(&["a"]).await;
    queue.put("a").await;
    let Claim::Job(claimed) = queue.claim_for(Duration::ZERO, &[]).await else {
        panic!("there is a job");
    };

    assert!(queue.beat(&claimed).await);

    assert_eq!(queue.reap().await, 0);
}

#[tokio::test]
async fn an_attempt_that_is_being_committed_is_not_taken_away() {
    let queue = Queue::with(&["a"]).await;
    let job = queue.put("a").await;
    let Claim::Job(claimed) = queue.claim_for(Duration::ZERO, &[]).await else {
        panic!("there is a job");
    };

    let mut committing = queue.pool().begin().await.unwrap();
    assert!(
        attempts::complete(&mut committing, job, claimed.number, "{}")
            .await
            .unwrap()
    );
    assert_eq!(queue.reap().await, 0);
    committing.commit().await.unwrap();

    assert_eq!(queue.status(job).await, "completed");
    assert_eq!(queue.reap().await, 0);
}

#[tokio::test]
async fn a_cancelled_job_never_starts_and_a_running_one_is_over() {
    let queue = Queue::with(&["a"]).await;
    let running = queue.put("a").await;
    let claimed = queue.claim().await.unwrap();
    let waiting = queue.put("a").await;
    let mut connection = queue.pool().acquire().await.unwrap();

    for job in [running, waiting] {
        assert!(cancel(&mut connection, job).await.unwrap());
        assert!(!cancel(&mut connection, job).await.unwrap());
        let row = find(queue.pool(), job).await.unwrap().unwrap();
        assert_eq!(row.status, "failed");
        assert_eq!(row.error.as_deref(), Some("cancelled"));
        assert_eq!(row.reason.as_deref(), Some("cancelled"));
    }

    assert!(!queue.complete(&claimed).await);
    assert_eq!(queue.claim().await, None);
}

#[tokio::test]
async fn a_failed_job_is_tried_again_from_the_beginning() {
    let queue = Queue::with(&["a"]).await;
    let job = queue.put("a").await;
    let claimed = queue.claim().await.unwrap();
    let mut tx = queue.pool().begin().await.unwrap();
    let counts = attempts::give_up(&mut tx, job, claimed.number, "failed", "boom")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        counts,
        Counts {
            spent: 1,
            failures: 0,
            max_attempts: 3,
            retries: 0,
            backoff_ms: 1_000
        }
    );
    let next = Next::Failed { reason: "failed" };
    attempts::settle(&mut tx, job, counts, next, Said::error("boom"))
        .await
        .unwrap();
    assert!(!cancel(&mut tx, job).await.unwrap());
    tx.commit().await.unwrap();
    let failed = find(queue.pool(), job).await.unwrap().unwrap();
    assert_eq!(failed.error.as_deref(), Some("boom"));

    let mut connection = queue.pool().acquire().await.unwrap();
    assert!(retry(&mut connection, job).await.unwrap());
    assert!(!retry(&mut connection, job).await.unwrap());

    assert_eq!(queue.claim().await.unwrap().number, 2);
}

#[tokio::test]
async fn a_purge_keeps_the_newest_and_what_has_not_finished() {
    let queue = Queue::with(&["a"]).await;
    let mut put = Vec::new();
    for _ in 0..4 {
        put.push(queue.put("a").await);
    }
    for _ in 0..3 {
        let claimed = queue.claim().await.unwrap();
        assert!(queue.complete(&claimed).await);
    }

    let purged = purge(queue.pool(), "a", all_but(30, 1), 100).await.unwrap();

    assert_eq!(purged, 2);
    for (job, is_there) in put.into_iter().zip([false, false, true, true]) {
        let found = find(queue.pool(), job).await.unwrap();
        assert_eq!(found.is_some(), is_there);
    }
}

#[tokio::test]
async fn a_list_is_filtered_and_newest_first() {
    let queue = Queue::with(&["a", "b"]).await;
    let owner = UserId(Entropy.id(&Clock::system()));
    let first = queue
        .put_with("a", |job| job.created_by = Some(owner))
        .await;
    let second = queue.put("a").await;
    queue.put("b").await;
    let app = "a".parse().unwrap();
    let ids = async |filter: Filter<'_>| -> Vec<JobId> {
        let rows = list(queue.pool(), filter).await.unwrap();
        rows.into_iter().map(|row| row.id).collect()
    };
    let all = || Filter {
        app: Some(&app),
        limit: 10,
        ..Filter::default()
    };

    assert_eq!(ids(all()).await, [second, first]);
    assert_eq!(
        ids(Filter {
            before: Some(second),
            ..all()
        })
        .await,
        [first]
    );
    assert_eq!(
        ids(Filter {
            created_by: Some(owner),
            ..all()
        })
        .await,
        [first]
    );
    assert_eq!(
        ids(Filter {
            status: Some("failed"),
            ..all()
        })
        .await,
        []
    );
    assert_eq!(waiting(queue.pool(), &app, 1).await.unwrap(), 1);
    assert_eq!(waiting(queue.pool(), &app, 9).await.unwrap(), 2);
}
