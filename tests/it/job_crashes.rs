//! Kill -9 of nodes and of PostgreSQL while jobs are queued and run: in the end each accepted job
//! was done once.
//!
//! `SKEP_TEST_KILLS=1000 cargo nextest run --test it job_crashes` takes a quarter of an hour; CI kills
//! a few.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::host::{Client, Host, Setup, until};
use crate::job_app;

const KILLS: u32 = 10;

/// What the one who queues jobs was promised.
#[derive(Default)]
struct Accepted {
    jobs: Mutex<BTreeSet<String>>,
    stop: AtomicBool,
}

#[tokio::test]
async fn every_accepted_job_is_done_once_whatever_is_killed() {
    let setup = Setup::embedded()
        .setting("SKEP_JOB_LEASE_SECONDS", "2")
        // A thousand kills leave more finished jobs than are kept otherwise.
        .setting("SKEP_RETENTION__JOBS_ROWS", "1000000");
    let mut host = setup.start().await;
    // Many more crashes than an operator would believe.
    let bundle = job_app::bundle().with("jobs", json!({ "attempts": 1_000 }));
    host.install(&bundle).await;
    let mut node = host.node_with_jobs().await;
    let accepted = Arc::new(Accepted::default());

    for kill in 0..kills() {
        let queueing = tokio::spawn(queue(
            [host.admin(), node.admin()],
            Arc::clone(&accepted),
            kill,
        ));
        let before = accepted.count();
        until("some jobs are accepted", async || {
            (accepted.count() >= before + 20).then_some(())
        })
        .await;
        match kill % 3 {
            0 => {
                node.kill().await;
                node.restart().await;
            }
            1 => {
                host.kill_postmaster();
                until("the database is back", async || {
                    let ready = host.anonymous().try_get("/readyz").await;
                    ready.is_ok_and(|answer| answer.status == 200).then_some(())
                })
                .await;
            }
            _ => {
                // Its database goes with it, and the other node has to wait for both.
                host.kill().await;
                host.restart().await;
            }
        }
        accepted.stop.store(true, Ordering::Release);
        queueing.await.unwrap();
        accepted.stop.store(false, Ordering::Release);
    }

    all_are_done_once(&host, &accepted).await;
}

fn kills() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "says how long the test is")]
    let kills = std::env::var("SKEP_TEST_KILLS");
    kills.map_or(KILLS, |kills| kills.parse().unwrap())
}

/// Queues jobs at one node or the other until it is told to stop. Each has a key, so that one whose
/// answer was lost is queued again and still is one.
async fn queue(clients: [Client; 2], accepted: Arc<Accepted>, round: u32) {
    let (mut number, mut turn) = (0_u32, 0_usize);
    while !accepted.stop.load(Ordering::Acquire) {
        turn += 1;
        let client = &clients[turn % 2];
        let request = client
            .request(Method::POST, "/api/async/app")
            .header("Idempotency-Key", format!("{round}-{number}"))
            .timeout(Duration::from_secs(15))
            .json(&json!({ "number": number }));
        match client.try_send(request).await {
            Ok(answer) if answer.status == 202 => {
                let id = answer.json()["job_id"].as_str().unwrap().to_owned();
                accepted.jobs.lock().unwrap().insert(id);
                number += 1;
            }
            // The other node may be there.
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn all_are_done_once(host: &Host, accepted: &Accepted) {
    let database = host.database().await;
    until("no job waits or runs", async || {
        let open = "SELECT count(*) FROM skep.jobs WHERE status IN ('pending', 'running')";
        let row = database.query_one(open, &[]).await.unwrap();
        (row.get::<_, i64>(0) == 0).then_some(())
    })
    .await;

    let rows = database
        .query(
            "SELECT id::text, status, coalesce(error, ''), attempt,
                 (SELECT count(*) FROM public.effects WHERE effects.job = jobs.id),
                 (SELECT count(*) FROM skep.job_attempts
                  WHERE job = jobs.id AND outcome = 'completed')
             FROM skep.jobs",
            &[],
        )
        .await
        .unwrap();
    let mut known = BTreeSet::new();
    let mut attempts = 0;
    for row in &rows {
        let id: String = row.get(0);
        let (status, error): (String, String) = (row.get(1), row.get(2));
        assert_eq!(status, "completed", "{id}: {error}");
        assert_eq!(row.get::<_, i64>(4), 1, "effects of {id}");
        assert_eq!(row.get::<_, i64>(5), 1, "completions of {id}");
        attempts += row.get::<_, i32>(3);
        known.insert(id);
    }
    let accepted = accepted.jobs.lock().unwrap().clone();
    let lost: Vec<&String> = accepted.difference(&known).take(10).collect();
    assert!(lost.is_empty(), "lost, or more: {lost:?}");
    let effects = "SELECT count(*) FROM public.effects";
    let effects: i64 = database.query_one(effects, &[]).await.unwrap().get(0);
    assert_eq!(effects, i64::try_from(rows.len()).unwrap());
    let figures = json!({ "jobs": rows.len(), "accepted": accepted.len(), "attempts": attempts });
    println!("{figures}");
    assert_ne!(figures["accepted"], Value::from(0));
}

impl Accepted {
    fn count(&self) -> usize {
        self.jobs.lock().unwrap().len()
    }
}
