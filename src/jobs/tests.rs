use std::time::Duration;

use zeroize::Zeroizing;

use super::*;
use crate::app::JobEntry;
use crate::app::manifest::JobWishes;
use crate::capability::db::fence;
use crate::capability::jobs::backlog;
use crate::capability::jobs::policy::JobsGrant;
use crate::http::testing::TestHost;
use crate::limits::Limits;
use crate::store::jobs::attempts::{self, Claim, Claimant};
use crate::store::jobs::{self, NewJob};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A running job of an app that no node serves, held for this long.
async fn held(host: &TestHost, lease: Duration) -> JobId {
    let services = &host.services;
    let pool = services.store.pool();
    let app = host.live_app("app").await;
    let job = NewJob {
        id: JobId(services.entropy.id(&services.clock)),
        app: &app,
        entry: &JobEntry::Execute,
        payload: "{}",
        key: None,
        created_by: None,
        priority: 0,
        settings: JobsGrant::new(JobWishes::default(), &Limits::STANDARD).settings,
    };
    let id = jobs::insert(pool, job).await.unwrap();
    let claimant = Claimant {
        node: "elsewhere",
        not_here: &[],
        after: "",
        lease,
        token: &fence::token(&Zeroizing::new([1; 16])),
    };
    let claim = attempts::claim(pool, claimant).await.unwrap();
    assert!(matches!(claim, Claim::Job(_)), "{claim:?}");
    id
}

async fn status(host: &TestHost, job: JobId) -> String {
    let found = jobs::find(host.services.store.pool(), job).await.unwrap();
    found.unwrap().status
}

#[tokio::test]
async fn a_clock_that_jumps_takes_no_job_away_and_keeps_none() {
    let host = TestHost::start().await;
    let job = held(&host, Duration::from_secs(60)).await;

    host.services.clock.advance(DAY);
    host.services.jobs.look().await.unwrap();
    assert_eq!(status(&host, job).await, "running");
}

#[tokio::test]
async fn a_job_whose_node_is_gone_is_given_back_whatever_a_clock_says() {
    let host = TestHost::start().await;
    let job = held(&host, Duration::ZERO).await;

    host.services.jobs.look().await.unwrap();

    assert_eq!(status(&host, job).await, "pending");
}

#[tokio::test]
async fn an_app_of_whose_jobs_too_many_wait_queues_no_more() {
    let host = TestHost::start().await;
    let app = host.live_app("app").await;
    sqlx::query(
        "INSERT INTO jobs (id, app, payload, status, priority, concurrency, run_after, attempt,
             spent, failures, max_attempts, retries, backoff_ms, progress, created_at, updated_at)
         SELECT gen_random_uuid(), 'app', '{}', 'pending', 0, 1, now(), 0, 0, 0, 1, 0, 1, 0, now(),
             now()
         FROM generate_series(1, $1)",
    )
    .bind(backlog::MOST)
    .execute(host.services.store.pool())
    .await
    .unwrap();

    let other = host.live_app("other").await;
    assert!(!host.services.jobs.has_room(&app).await.unwrap());
    assert!(host.services.jobs.has_room(&other).await.unwrap());
}
