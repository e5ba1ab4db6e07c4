//! How a quiet app fares beside five hostile ones: a measurement, which asserts no time.
//!
//! `cargo test --release --test it neighbours -- --ignored --nocapture` prints the table of
//! `docs/performance.md`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bundle::Bundle;
use crate::host::{Client, Host, Setup};

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(6);
const TOTAL_MB: u64 = 2_048;
const HOSTILE: [&str; 5] = [
    "loop",
    "touch",
    "log-flood",
    "statement-flood",
    "host-calls",
];
/// As many calls of each as an app may have running.
const CALLS_OF_EACH: usize = 16;

/// The quiet apps' calls: one computes nothing, the other asks the database.
fn quiet() -> [(&'static str, Value); 2] {
    [
        ("echo", json!({ "a": 1 })),
        ("sql", json!({ "sql": "SELECT '1'" })),
    ]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of a minute, for a machine that does nothing else"]
async fn a_quiet_app_beside_hostile_ones() {
    let host = Setup::default()
        .setting("SKEP_LOG", "warn")
        .setting("SKEP_LIMITS__TOTAL_MEMORY_MB", TOTAL_MB.to_string())
        .setting("SKEP_LIMITS__DEFAULT__MEMORY_MB", "16")
        .start()
        .await;
    for guest in HOSTILE {
        let bundle = Bundle::of_guest(guest, guest)
            .with("limits", json!({ "wall_ms": 3_000 }))
            .with(
                "tables",
                json!([format!(
                    "CREATE TABLE IF NOT EXISTS \"{guest}\".notes (id int)"
                )]),
            );
        host.install(&bundle).await;
    }
    for (guest, _) in quiet() {
        host.install(&Bundle::of_guest(guest, guest)).await;
    }

    let mut alone = [Vec::new(), Vec::new()];
    let mut beside = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        measure(&host, &mut alone).await;
        let mut attack = attack(&host);
        // The round begins once the first calls have been stopped, so all are at work.
        attack.join_next().await;
        measure(&host, &mut beside).await;
        attack.shutdown().await;
        settle(&host).await;
    }

    println!("| call | | calls | p50 | p99 | most |\n| --- | --- | --- | --- | --- | --- |");
    for (index, (guest, _)) in quiet().into_iter().enumerate() {
        for (name, times) in [("alone", &mut alone[index]), ("beside", &mut beside[index])] {
            times.sort();
            let at = |share: usize| {
                let time = times[(times.len() - 1) * share / 100];
                format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
            };
            let calls = times.len();
            println!(
                "| {guest} | {name} | {calls} | {} | {} | {} |",
                at(50),
                at(99),
                at(100)
            );
        }
        let p99 = |times: &[Duration]| times[times.len() * 99 / 100].as_secs_f64();
        println!(
            "ratio of p99 of {guest}: {:.1}",
            p99(&beside[index]) / p99(&alone[index])
        );
    }
    let peak = host.peak_memory() / (1024 * 1024);
    println!("peak of the server's memory: {peak} MiB; for cells: {TOTAL_MB} MiB");
}

/// Calls the quiet apps one after the other, for a round.
async fn measure(host: &Host, times: &mut [Vec<Duration>; 2]) {
    let client = host.admin();
    let until = Instant::now() + ROUND;
    while Instant::now() < until {
        for ((app, data), times) in quiet().iter().zip(&mut *times) {
            let began = Instant::now();
            client.call(app, data).await.expect(200);
            times.push(began.elapsed());
        }
    }
}

/// Keeps all places of the hostile apps taken. A task ends with its first call that has ended,
/// and leaves another one to go on.
fn attack(host: &Host) -> JoinSet<()> {
    let mut attack = JoinSet::new();
    for app in HOSTILE {
        for first in 0..CALLS_OF_EACH {
            let client = host.admin();
            attack.spawn(async move {
                if app == HOSTILE[0] && first == 0 {
                    client.call(app, &json!({})).await;
                    return;
                }
                call_for_ever(&client, app).await;
            });
        }
    }
    attack
}

async fn call_for_ever(client: &Client, app: &str) {
    loop {
        client.call(app, &json!({})).await;
    }
}

/// Waits until the last hostile calls have ended, which go on though nobody waits for them.
async fn settle(host: &Host) {
    for app in HOSTILE {
        for _ in 0..CALLS_OF_EACH {
            let calm = host.call(app, json!({ "calm": 1 })).await;
            assert!([200, 503].contains(&calm.status), "{}", calm.body);
        }
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
}
