//! What is known of each call afterwards: its receipt, the log of calls, metrics.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Answer, Client, Host};
use crate::python::{self, install_torture};

const MIB: i64 = 1024 * 1024;

#[tokio::test]
async fn a_receipt_says_exactly_what_a_call_has_used() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "receipt")).await;

    let answer = host.call("app", json!({ "a": 1 })).await.expect(200);

    let call = only_call(&host, "app").await;
    assert_eq!(call["id"], answer.header("x-request-id"));
    assert_eq!(call["entry"], "execute");
    assert_eq!(call["release"], 1);
    assert_eq!(call["caller"], "admin");
    assert_eq!(call["outcome"], "ok");
    assert_eq!(call["error"], Value::Null);
    assert_eq!(call["statements"], 3);
    assert_eq!(call["rows"], 7);
    assert_eq!(call["db_sent_bytes"], 8 + 27 + 35);
    assert_eq!(call["payload_bytes"], r#"{"a":1}"#.len());
    assert_eq!(call["answer_bytes"], "{}".len());
    assert_eq!(call["log_lines"], 0);
    let number = |key: &str| call[key].as_f64().unwrap();
    // An `int4` of one digit as text, and what the protocol needs around it.
    assert!(number("db_received_bytes") >= 7.0, "{call}");
    let memory = call["memory_bytes"].as_i64().unwrap();
    assert!((2 * MIB..3 * MIB).contains(&memory), "{memory}");
    assert!(number("db_ms") > 0.0 && number("guest_ms") > 0.0, "{call}");
    let parts = ["queued_ms", "instantiate_ms", "guest_ms", "db_ms"].map(number);
    let difference = number("wall_ms") - parts.iter().sum::<f64>();
    // Each is cut to whole microseconds.
    assert!(difference.abs() < 0.01, "{call}");
    let timing = answer.header("server-timing");
    let used = "statements;desc=3, rows;desc=7, sent;desc=70, ";
    assert!(timing.contains(used), "{timing}");
    assert!(
        timing.contains(&format!("memory;desc={memory}, ")),
        "{timing}"
    );
}

#[tokio::test]
async fn a_python_call_is_told_like_any_other() {
    let host = python::host().await;
    install_torture(&host, json!({})).await;
    let call = async |data| host.call("torture", data).await;
    for name in ["a", "b", "c"] {
        call(json!({ "action": "insert", "name": name }))
            .await
            .expect(200);
    }

    call(json!({ "action": "names" })).await.expect(200);
    call(json!({ "action": "log" })).await.expect(200);
    call(json!({ "action": "fail", "kind": "key" }))
        .await
        .expect(500);

    let calls = list(&host.admin(), "torture", "?limit=3").await;
    let [failed, log, names] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!(
        (&names["statements"], &names["rows"]),
        (&json!(1), &json!(3))
    );
    assert!(names["db_ms"].as_f64().unwrap() > 0.0, "{names}");
    assert!(names["memory_bytes"].as_i64().unwrap() > MIB, "{names}");
    assert_eq!(
        (&log["statements"], &log["log_lines"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(failed["outcome"], "app_error");
    assert_eq!(failed["error"], "KeyError: 'missing'");
}

#[tokio::test]
async fn every_way_to_fail_is_told_by_its_name() {
    let host = Host::start().await;
    let limits = json!({ "wall_ms": 300, "memory_mb": 16 });
    let cases = [
        ("fail", "app_error", "OutOfStock: OutOfStock"),
        ("loop", "timed_out", "it took longer than its 0.3 s"),
        ("grow", "out_of_memory", "it needed more than its 16 MiB"),
        ("trap", "crashed", "unreachable"),
    ];
    for (guest, outcome, text) in cases {
        host.install(&Bundle::of_guest(guest, guest).with("limits", limits.clone()))
            .await;
        let answer = host.call(guest, json!({})).await;

        let call = only_call(&host, guest).await;
        assert_eq!(call["outcome"], outcome, "{guest}: {}", answer.body);
        let error = call["error"].as_str().unwrap();
        assert!(error.contains(text), "{guest}: {error}");
    }
    host.install(&Bundle::of_guest("big", "big")).await;
    host.call("big", json!({})).await.expect(500);
    assert_eq!(only_call(&host, "big").await["outcome"], "answer_too_large");
}

#[tokio::test]
async fn a_call_that_never_got_a_cell_is_told_too() {
    let host = Host::start().await;
    let limits = json!({ "wall_ms": 300, "concurrency": 1 });
    host.install(&Bundle::of_guest("app", "sleeper").with("limits", limits))
        .await;

    let (one, other) = tokio::join!(host.call("app", json!({})), host.call("app", json!({})));

    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [503, 504]);
    let busy = list(&host.admin(), "app", "?outcome=busy").await;
    assert_eq!(busy.len(), 1, "{busy:?}");
    assert_eq!(
        (&busy[0]["memory_bytes"], &busy[0]["guest_ms"]),
        (&json!(0), &json!(0.0))
    );
}

#[tokio::test]
async fn the_load_of_a_release_is_a_call_with_its_receipt() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "load")).await;

    let call = only_call(&host, "app").await;

    assert_eq!(
        (&call["entry"], &call["outcome"]),
        (&json!("load"), &json!("ok"))
    );
    assert_eq!(call["caller"], Value::Null);
    assert!(call["statements"].as_i64().unwrap() > 0, "{call}");
}

#[tokio::test]
async fn calls_are_found_by_outcome_by_time_page_by_page_and_by_id() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "sql")).await;
    for sql in [
        "SELECT 1",
        "SELEC",
        "SELECT count(*) FROM generate_series(1, 3000000)",
    ] {
        host.call("app", json!({ "sql": sql })).await;
    }
    let admin = host.admin();

    let all = list(&admin, "app", "").await;
    let ids: Vec<&str> = all
        .iter()
        .map(|call| call["id"].as_str().unwrap())
        .collect();
    let [slow, failed, first] = ids.as_slice() else {
        panic!("{all:?}");
    };
    let found = async |query: &str| {
        let calls = list(&admin, "app", query).await;
        let ids = calls
            .iter()
            .map(|call| call["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(found("?outcome=failed").await, [*failed]);
    assert_eq!(found("?outcome=app_error").await, [*failed]);
    assert_eq!(found("?outcome=crashed").await, Vec::<String>::new());
    assert!(
        found("?slower_than_ms=200")
            .await
            .contains(&(*slow).to_owned())
    );
    assert_eq!(found("?slower_than_ms=60000").await, Vec::<String>::new());

    let page = admin
        .get("/api/apps/app/calls?limit=2")
        .await
        .expect(200)
        .json();
    let next = page["next"].as_i64().unwrap();
    assert_eq!(page["calls"].as_array().unwrap().len(), 2);
    let page = admin
        .get(&format!("/api/apps/app/calls?limit=2&before={next}"))
        .await
        .expect(200)
        .json();
    assert_eq!(page["calls"][0]["id"], *first);
    assert_eq!(page["next"], Value::Null);

    let one = admin.get(&format!("/api/apps/app/calls/{failed}")).await;
    assert_eq!(one.expect(200).json(), all[1]);
}

#[tokio::test]
async fn a_request_for_calls_that_cannot_be_is_refused_in_words() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;
    let admin = host.admin();
    let nobody = "00000000-0000-0000-0000-000000000000";

    for (path, status, error) in [
        ("none/calls", 404, "app 'none' not found"),
        (
            "app/calls?limit=0",
            400,
            "`limit` is 0: it must be from 1 to 1000",
        ),
        (
            "app/calls?limit=1001",
            400,
            "`limit` is 1001: it must be from 1 to 1000",
        ),
        (
            "app/calls?outcome=fine",
            400,
            "there is no outcome `fine`: it is one of ok, app_error, ",
        ),
        (
            "app/calls?before=x",
            400,
            "the query does not fit: before: ",
        ),
        ("app/calls?color=red", 400, "the query does not fit: "),
        (
            "app/calls/x",
            400,
            "`x` is not the id of a call: it is a UUID",
        ),
        (
            &format!("app/calls/{nobody}"),
            404,
            &format!("app 'app' has no call {nobody} in its log"),
        ),
    ] {
        let answer = admin.get(&format!("/api/apps/{path}")).await.expect(status);
        assert!(
            answer.error().starts_with(error),
            "{path}: {}",
            answer.error()
        );
    }

    let outsider = host.user("ann", &["user"]).await;
    for path in ["app/calls", &format!("app/calls/{nobody}"), "none/calls"] {
        let answer = outsider.get(&format!("/api/apps/{path}")).await.expect(403);
        assert_eq!(
            answer.error(),
            "insufficient permissions: skep:read required"
        );
    }
}

#[tokio::test]
async fn one_id_for_two_calls_hides_neither() {
    const SENT: &str = "0190f1d2-0000-7000-8000-000000000001";
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;
    let admin = host.admin();

    for body in ["{}", r#"{"a":1}"#] {
        let request = admin
            .request(reqwest::Method::POST, "/api/sync/app")
            .header("x-request-id", SENT)
            .body(body);
        admin.send(request).await.expect(200);
    }

    let calls = list(&admin, "app", "").await;
    assert_eq!(calls.len(), 2, "{calls:?}");
    let found = admin.get(&format!("/api/apps/app/calls/{SENT}")).await;
    assert_eq!(found.expect(200).json()["payload_bytes"], 7);
}

#[tokio::test]
async fn a_stop_loses_no_call_and_a_deleted_app_takes_its_calls_with_it() {
    let mut host = Host::start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;
    host.install(&Bundle::of_guest("other", "echo")).await;
    for _ in 0..3 {
        host.call("app", json!({})).await.expect(200);
    }
    host.call("other", json!({})).await.expect(200);

    // Before anything waits for the log.
    host.terminate();
    assert!(host.ended().await.success());
    host.restart().await;
    let admin = host.admin();
    assert_eq!(list(&admin, "app", "").await.len(), 3);

    admin
        .delete("/admin/api/apps/app?tables=drop")
        .await
        .expect(204);
    admin.get("/api/apps/app/calls").await.expect(404);
    host.install(&Bundle::of_guest("app", "echo")).await;
    assert_eq!(list(&admin, "app", "").await, Vec::<Value>::new());
    assert_eq!(list(&admin, "other", "").await.len(), 1);
}

#[tokio::test]
async fn a_scraper_with_the_permission_reads_exact_numbers() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "receipt")).await;
    host.install(&Bundle::of_guest("trap", "trap")).await;
    for _ in 0..2 {
        host.call("app", json!({})).await.expect(200);
    }
    host.call("trap", json!({})).await.expect(500);
    let scraper = scraper(&host).await;

    let answer = scraper.get("/metrics").await.expect(200);

    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let numbers = numbers(&answer);
    for (series, number) in [
        (r#"skep_calls_total{app="app",outcome="ok"}"#, 2.0),
        (r#"skep_calls_total{app="app",outcome="crashed"}"#, 0.0),
        (r#"skep_calls_total{app="trap",outcome="crashed"}"#, 1.0),
        (r#"skep_db_statements_total{app="app"}"#, 6.0),
        (r#"skep_db_rows_total{app="app"}"#, 14.0),
        (r#"skep_db_sent_bytes_total{app="app"}"#, 140.0),
        (r#"skep_call_answer_bytes_total{app="app"}"#, 4.0),
        (r#"skep_call_wall_seconds_count{app="app"}"#, 2.0),
        (
            r#"skep_call_memory_bytes_bucket{app="app",le="1048576"}"#,
            0.0,
        ),
        (
            r#"skep_call_memory_bytes_bucket{app="app",le="4194304"}"#,
            2.0,
        ),
        (r#"skep_calls_running{app="app"}"#, 0.0),
        (r#"skep_calls_waiting{app="app"}"#, 0.0),
        (r#"skep_cells{state="running"}"#, 0.0),
        ("skep_call_log_lost_total", 0.0),
    ] {
        assert_eq!(
            numbers.get(series),
            Some(&number),
            "{series}: {}",
            answer.body
        );
    }
    let host_time = numbers[r#"skep_call_host_seconds_sum{app="app",capability="db"}"#];
    assert!(host_time > 0.0);
    assert!(numbers["process_resident_memory_bytes"] > 1e6);
    assert!(numbers["skep_db_connections"] >= 1.0);

    host.admin()
        .delete("/admin/api/apps/trap?tables=drop")
        .await
        .expect(204);
    let answer = scraper.get("/metrics").await.expect(200);
    assert!(!answer.body.contains("\"trap\""), "{}", answer.body);
    assert!(answer.body.contains("\"app\""), "{}", answer.body);
}

#[tokio::test]
async fn nobody_reads_the_metrics_without_the_permission() {
    let host = Host::start().await;

    let answer = host.anonymous().get("/metrics").await.expect(401);
    assert!(answer.error().starts_with("not logged in: "));
    let outsider = host.user("ann", &["user"]).await;
    let answer = outsider.get("/metrics").await.expect(403);
    assert_eq!(
        answer.error(),
        "insufficient permissions: skep:metrics required"
    );
    host.admin().get("/metrics").await.expect(200);
}

/// A client with a token that reads the metrics and does nothing else.
async fn scraper(host: &Host) -> Client {
    let admin = host.admin();
    let role = json!({ "name": "scraper", "description": "", "permissions": ["skep:metrics"] });
    admin.post("/admin/api/roles", &role).await.expect(201);
    let user = host.user("prometheus", &["scraper"]).await;
    let token = json!({ "name": "scraper", "scopes": ["skep:metrics"] });
    let token = user.post("/api/tokens", &token).await.expect(201).json();
    host.anonymous()
        .with_token(token["token"].as_str().unwrap())
}

/// Series and their numbers.
fn numbers(answer: &Answer) -> BTreeMap<&str, f64> {
    let lines = answer.body.lines();
    lines
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let (series, number) = line.rsplit_once(' ').unwrap();
            (series, number.parse().unwrap())
        })
        .collect()
}

async fn list(client: &Client, app: &str, query: &str) -> Vec<Value> {
    let path = format!("/api/apps/{app}/calls{query}");
    let answer = client.get(&path).await.expect(200).json();
    answer["calls"].as_array().unwrap().clone()
}

async fn only_call(host: &Host, app: &str) -> Value {
    let mut calls = list(&host.admin(), app, "").await;
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls.remove(0)
}
