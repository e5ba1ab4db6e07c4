//! Guests that want to harm: each is stopped by its own bound, with an error of its own, and
//! nothing of it is left.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Host, Setup, until};

/// A guest, what it may use, and how its call ends.
struct Case {
    guest: &'static str,
    limits: Value,
    status: u16,
    code: &'static str,
    error: &'static str,
}

fn stopped(guest: &'static str, error: &'static str) -> Case {
    Case {
        guest,
        limits: json!({ "wall_ms": 300 }),
        status: 504,
        code: "timed_out",
        error,
    }
}

fn failed(guest: &'static str, limits: Value, error: &'static str) -> Case {
    Case {
        guest,
        limits,
        status: 500,
        code: "app_failed",
        error,
    }
}

const LATE: &str = "the call was stopped: it took longer than its 0.3 s";

fn cases() -> Vec<Case> {
    let any = || json!({});
    vec![
        stopped("loop", LATE),
        stopped("sleeper", LATE),
        stopped("log-flood", LATE),
        stopped("print-flood", LATE),
        stopped("host-calls", LATE),
        stopped("random-flood", LATE),
        stopped("poll-many", LATE),
        stopped("lock-loop", LATE),
        Case {
            guest: "grow",
            limits: json!({ "memory_mb": 32 }),
            status: 507,
            code: "out_of_memory",
            error: "the call was stopped: it needed more than its 32 MiB of memory",
        },
        failed(
            "statement-flood",
            json!({ "statements": 50 }),
            "the call sent more than 50 statements: work on many rows with one statement",
        ),
        failed(
            "transfer-flood",
            any(),
            "the call moved more than 8 MiB between app and host: let the database work on data \
             where it is",
        ),
        failed(
            "recurse",
            any(),
            "the app crashed: its stack is over 512 KiB: too deep recursion",
        ),
        failed(
            "trap",
            any(),
            "the app crashed: wasm trap: wasm `unreachable` instruction executed",
        ),
        failed(
            "exit",
            any(),
            "the app crashed: it ended itself with exit code 1",
        ),
        failed(
            "exit-well",
            any(),
            "the app crashed: it ended itself with exit code 0",
        ),
        failed(
            "handles",
            any(),
            "the app crashed: it holds more than 10000 handles",
        ),
        failed(
            "random-much",
            any(),
            "the app crashed: requested len 1048577 exceeds limit 1048576",
        ),
        failed(
            "copy-much",
            any(),
            "the app crashed: too much data is being copied between the host and the guest: fuel \
             allocated for hostcalls has been exhausted",
        ),
        failed(
            "big",
            any(),
            "the app's answer is larger than 16 MiB: send it in parts",
        ),
    ]
}

#[tokio::test]
async fn every_hostile_call_meets_its_own_error_and_leaves_nothing() {
    let host = Setup::default()
        .setting("SKEP_LIMITS__DEFAULT__TRANSFER_MB", "8")
        .start()
        .await;
    let database = host.database().await;

    for case in cases() {
        let guest = case.guest;
        install(&host, guest, &case.limits).await;

        let answer = host.call(guest, json!({ "note": 1 })).await;
        assert_eq!(answer.status, case.status, "{guest}: {}", answer.body);
        assert_eq!(answer.error(), case.error, "{guest}");
        assert_eq!(answer.json()["code"], case.code, "{guest}");

        // The transaction is undone and over, so that its locks are gone too.
        until("the call's transaction is over", async || {
            let open = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
                AND xact_start IS NOT NULL AND pid <> pg_backend_pid()";
            let open = database.query(open, &[]).await.unwrap();
            open.is_empty().then_some(())
        })
        .await;
        let count = format!("SELECT count(*) FROM {}.notes", quoted(guest));
        let kept: i64 = database.query_one(&count, &[]).await.unwrap().get(0);
        assert_eq!(kept, if guest == "lock-loop" { 1 } else { 0 }, "{guest}");

        // The same app goes on.
        let calm = json!({ "calm": guest });
        let answer = host.call(guest, calm.clone()).await.expect(200);
        assert_eq!(answer.json(), calm, "{guest}");
    }
}

#[tokio::test]
async fn a_flood_of_lines_ends_with_one_that_says_so_and_the_reason_of_the_end() {
    let host = Setup::default()
        .setting("SKEP_LIMITS__DEFAULT__LOG_KB", "64")
        .start()
        .await;
    install(&host, "log-flood", &json!({ "wall_ms": 300 })).await;
    install(&host, "print-flood", &json!({ "wall_ms": 300 })).await;

    for (app, source, lines, last) in [
        (
            "log-flood",
            "log",
            8,
            "the call wrote more than 64 KiB to its log; the rest is left out",
        ),
        (
            "print-flood",
            "stdout",
            1_000,
            "the call wrote more than 1000 log lines; the rest is left out",
        ),
    ] {
        host.call(app, json!({})).await.expect(504);

        host.logged("the end of the call", |line| {
            line["app"] == app && line["message"] == LATE
        })
        .await;
        let log = host.log();
        let of = |source: &str| {
            let lines = log.iter().filter(|line| line["app"] == app);
            lines.filter(|line| line["source"] == source).count()
        };
        assert_eq!(of(source), lines, "{app}");
        assert_eq!(of("host"), 1, "{app}");
        assert!(log.iter().any(|line| line["message"] == last), "{app}");
    }
}

#[tokio::test]
async fn calls_of_another_app_come_through_while_hostile_ones_run_everywhere() {
    let host = Host::start().await;
    let limits = json!({ "wall_ms": 6_000, "memory_mb": 4 });
    for guest in ["loop", "host-calls", "random-flood", "print-flood"] {
        install(&host, guest, &limits).await;
    }
    host.install(&Bundle::of_guest("quiet", "echo")).await;

    let call = async |app: &'static str, data: Value| (app, host.call(app, data).await);
    let mut calls = FuturesUnordered::new();
    for _ in 0..8 {
        for guest in ["loop", "host-calls", "random-flood", "print-flood"] {
            calls.push(call(guest, json!({})));
        }
    }
    for _ in 0..20 {
        calls.push(call("quiet", json!({ "a": 1 })));
    }

    // The quiet app's calls are all answered before the first hostile one is stopped.
    for _ in 0..20 {
        let (app, answer) = calls.next().await.unwrap();
        assert_eq!(app, "quiet", "{}", answer.body);
        answer.expect(200);
    }
    while let Some((_, answer)) = calls.next().await {
        answer.expect(504);
    }
}

#[tokio::test]
async fn what_waits_in_the_database_is_cancelled_there() {
    let host = Host::start().await;
    install(&host, "sql", &json!({ "wall_ms": 500 })).await;
    let database = host.database().await;
    database
        .batch_execute("INSERT INTO \"sql\".notes VALUES (1)")
        .await
        .unwrap();
    let holder = host.database().await;
    holder
        .batch_execute("BEGIN; SELECT * FROM \"sql\".notes FOR UPDATE")
        .await
        .unwrap();

    for statement in [
        "UPDATE notes SET id = 2",
        "SELECT * FROM notes FOR UPDATE",
        "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b",
        "SELECT sum(length(repeat('x', 1000000 + n))) FROM generate_series(1, 10000000) n",
    ] {
        let answer = host
            .call("sql", json!({ "sql": statement }))
            .await
            .expect(504);
        assert_eq!(
            answer.error(),
            "the call was stopped: it took longer than its 0.5 s",
            "{statement}"
        );
        until("the statement is cancelled", async || {
            let running = "SELECT 1 FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'active' AND query = $1";
            let running = database.query(running, &[&statement]).await.unwrap();
            running.is_empty().then_some(())
        })
        .await;
    }

    holder.batch_execute("ROLLBACK").await.unwrap();
    let kept = json!({ "sql": "SELECT id::text FROM notes" });
    let kept = host.call("sql", kept).await.expect(200);
    assert_eq!(kept.json(), json!({ "result": 1 }));
}

#[tokio::test]
async fn a_result_over_its_bounds_is_refused_by_rows_bytes_and_values() {
    let host = Host::start().await;
    install(&host, "sql", &json!({ "rows": 100, "result_mb": 1 })).await;

    for (statement, error) in [
        (
            "SELECT generate_series(1, 101)",
            "the result has more than 100 rows: add a LIMIT, or read it in parts",
        ),
        (
            "SELECT repeat('x', 1048577)",
            "the result is larger than 1048576 bytes: select fewer columns, or read it in parts",
        ),
    ] {
        let answer = host
            .call("sql", json!({ "sql": statement }))
            .await
            .expect(500);
        assert_eq!(answer.error(), error);
    }
    // A thousand values of nothing in each row.
    let nulls = vec!["null"; 1_000].join(",");
    let nulls = format!("SELECT {nulls} FROM generate_series(1, 100)");
    let answer = host.call("sql", json!({ "sql": nulls })).await.expect(500);
    assert!(
        answer
            .error()
            .starts_with("the result is larger than 1048576 bytes")
    );
    host.call("sql", json!({ "sql": "SELECT generate_series(1, 100)" }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_large_body_and_a_deep_answer_pass_through() {
    let host = Host::start().await;
    install(&host, "echo", &json!({ "memory_mb": 64 })).await;
    install(&host, "deep", &json!({})).await;

    let large = json!({ "a": "x".repeat(15 << 20) });
    let answer = host.call("echo", large.clone()).await.expect(200);
    assert_eq!(answer.json(), large);

    let deep = host.call("deep", json!({})).await.expect(200);
    assert!(deep.body.starts_with("{\"result\":[[[["));
    host.call("echo", json!({})).await.expect(200);
}

/// Installs a guest as an app of its own name, with a table `notes`.
async fn install(host: &Host, guest: &str, limits: &Value) {
    let schema = quoted(guest);
    let mut tables = vec![format!(
        "CREATE TABLE IF NOT EXISTS {schema}.notes (id int)"
    )];
    if guest == "lock-loop" {
        tables.push(format!(
            "INSERT INTO {schema}.notes SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM {schema}.notes)"
        ));
    }
    let bundle = Bundle::of_guest(guest, guest)
        .with("limits", limits.clone())
        .with("tables", json!(tables));
    host.install(&bundle).await;
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

#[tokio::test]
async fn a_statement_that_takes_the_databases_memory_fails_alone() {
    let host = Setup::embedded().start().await;
    install(&host, "sql", &json!({})).await;

    let statement = "SELECT length(string_agg(repeat('x', 1000000), ''))::text \
                     FROM generate_series(1, 900)";
    let answer = host
        .call("sql", json!({ "sql": statement }))
        .await
        .expect(500);

    assert_eq!(answer.error(), "53200");
    let after = json!({ "sql": "SELECT '1'" });
    assert_eq!(
        host.call("sql", after).await.expect(200).json(),
        json!({ "result": 1 })
    );
}
