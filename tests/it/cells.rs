//! What a cell cannot do to its host, or to another call.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Host, until};

#[tokio::test]
async fn a_call_that_computes_for_ever_is_stopped_at_its_time() {
    let host = host_with("loop", json!({ "wall_ms": 300 })).await;

    refuses_with_a_timeout(&host).await;
}

#[tokio::test]
async fn a_call_that_waits_for_the_clock_is_stopped_at_its_time() {
    let host = host_with("sleeper", json!({ "wall_ms": 300 })).await;

    refuses_with_a_timeout(&host).await;
}

#[tokio::test]
async fn a_call_that_waits_for_the_database_is_stopped_and_so_is_its_statement() {
    let host = host_with("sql", json!({ "wall_ms": 500 })).await;

    let answer = host
        .call(
            "app",
            json!({ "sql": "SELECT count(*) FROM generate_series(1, 100000000000)" }),
        )
        .await
        .expect(504);

    assert_eq!(
        answer.error(),
        "the call was stopped: it took longer than its 0.5 s"
    );
    let database = host.database().await;
    let running = "SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active'
            AND query LIKE 'SELECT count(*) FROM generate_series%'";
    until("the statement is cancelled", async || {
        let rows = database.query(running, &[]).await.unwrap();
        rows.is_empty().then_some(())
    })
    .await;
    // The app is not harmed.
    host.call("app", json!({ "sql": "SELECT 1" }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_call_that_wants_too_much_memory_is_refused_it() {
    let host = host_with("grow", json!({ "memory_mb": 32 })).await;

    let answer = host.call("app", json!({})).await.expect(507);

    assert_eq!(
        answer.error(),
        "the call was stopped: it needed more than its 32 MiB of memory"
    );
}

#[tokio::test]
async fn a_call_gets_the_memory_of_its_budget_and_not_a_page_more() {
    let host = host_with("fit", json!({ "memory_mb": 32 })).await;

    let pages = host.call("app", json!({})).await.expect(200).json()["result"]
        .as_u64()
        .unwrap();

    // Its tables take some of it.
    let all = 32 * 1024 / 64;
    assert!(all - 2 <= pages && pages <= all, "{pages}");
}

#[tokio::test]
async fn a_call_that_crashes_or_ends_itself_harms_nobody() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("trap", "trap")).await;
    host.install(&Bundle::of_guest("exit", "exit")).await;
    host.install(&Bundle::of_guest("echo", "echo")).await;

    let crashed = host.call("trap", json!({})).await.expect(500);
    let error = crashed.error();
    assert!(error.starts_with("the app crashed: "), "{error}");
    assert!(error.contains("unreachable"), "{error}");

    let ended = host.call("exit", json!({})).await.expect(500);
    assert_eq!(
        ended.error(),
        "the app crashed: it ended itself with exit code 1"
    );

    host.call("echo", json!({})).await.expect(200);
}

#[tokio::test]
async fn a_cell_serves_one_call_unless_the_manifest_asks_for_reuse() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("fresh", "counter")).await;
    let reused = Bundle::of_guest("reused", "counter").with("instances", json!("reused"));
    host.install(&reused).await;

    for call in 1..=3 {
        let fresh = host.call("fresh", json!({})).await.expect(200);
        assert_eq!(fresh.json(), json!({ "result": 1 }));
        let reused = host.call("reused", json!({})).await.expect(200);
        assert_eq!(reused.json(), json!({ "result": call }));
    }
}

#[tokio::test]
async fn a_reused_cell_is_not_used_by_the_next_release() {
    let host = Host::start().await;
    let app = Bundle::of_guest("app", "counter").with("instances", json!("reused"));
    host.install(&app).await;
    host.call("app", json!({})).await.expect(200);

    host.install(&app.version("2.0.0")).await;

    let answer = host.call("app", json!({})).await.expect(200);
    assert_eq!(answer.json(), json!({ "result": 1 }));
}

#[tokio::test]
async fn twenty_calls_of_one_app_overlap() {
    let limits = json!({ "wall_ms": 2_000, "concurrency": 20, "memory_mb": 16 });
    let host = host_with("sleeper", limits).await;
    let began = Instant::now();

    let answers = join_all((0..20).map(|_| host.call("app", json!({})))).await;

    for answer in answers {
        answer.expect(504);
    }
    // One after the other, they would take 40 s.
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn calls_over_an_apps_concurrency_wait_for_their_turn() {
    let host = host_with_gate().await;
    let database = host.database().await;
    let gate = host.gate().await;

    let first = host.call("app", json!({ "sql": "SELECT count(*) FROM gate" }));
    let second = host.call("app", json!({ "sql": "SELECT 2" }));
    let release = async {
        until("the first call waits", async || {
            waiting(&database).await.then_some(())
        })
        .await;
        drop(gate);
    };
    let (first, second, ()) = tokio::join!(first, second, release);

    first.expect(200);
    second.expect(200);
}

#[tokio::test]
async fn so_many_calls_wait_and_the_next_is_told_to_come_again() {
    const WAITING: usize = 512;
    let host = host_with_gate().await;
    let gate = host.gate().await;

    let mut calls: FuturesUnordered<_> = (0..WAITING + 2)
        .map(|_| host.call("app", json!({ "sql": "SELECT count(*) FROM gate" })))
        .collect();
    // One runs and the others wait, so that the first to be answered is the one too many.
    let refused = calls.next().await.unwrap().expect(503);
    drop(gate);

    assert_eq!(
        refused.error(),
        "the app is busy: too many calls are waiting"
    );
    assert_eq!(refused.header("retry-after"), "1");
    while let Some(answer) = calls.next().await {
        answer.expect(200);
    }
}

/// One call of an app at a time, which can read the table `gate`.
async fn host_with_gate() -> Host {
    let host = Host::start().await;
    let bundle = Bundle::of_guest("app", "sql")
        .with(
            "tables",
            json!(["CREATE TABLE IF NOT EXISTS gate (id int)"]),
        )
        .with("limits", json!({ "concurrency": 1 }));
    host.install(&bundle).await;
    host
}

async fn waiting(database: &tokio_postgres::Client) -> bool {
    let waiting = "SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    !database.query(waiting, &[]).await.unwrap().is_empty()
}

async fn refuses_with_a_timeout(host: &Host) {
    let began = Instant::now();
    let answer = host.call("app", json!({})).await.expect(504);

    assert_eq!(
        answer.error(),
        "the call was stopped: it took longer than its 0.3 s"
    );
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

/// A server on which `app` is this guest with these limits.
async fn host_with(guest: &str, limits: Value) -> Host {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", guest).with("limits", limits))
        .await;
    host
}
