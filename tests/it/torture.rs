//! Python apps in their cells: what authors may rely on, and how their mistakes end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Host, until};
use crate::job_app::until_status;
use crate::python::{self, install_torture};

#[tokio::test]
async fn the_guides_own_app_deploys_from_source_and_answers() {
    let host = python::host().await;
    let source = |name| std::fs::read_to_string(python::source("guide").join(name)).unwrap();
    let app = Bundle::new("app_guide").file("main.py", source("main.py"));

    let report = {
        let _turn = python::turn();
        host.install(&app).await
    };

    assert_eq!(report["app"], "app_guide");
    let call = async |data: Value| host.call("app_guide", data).await.expect(200).json();
    assert_eq!(call(json!({})).await, json!({ "message": "ok" }));
    assert_eq!(
        call(json!({ "action": "create", "name": "one" })).await,
        json!({ "id": 1 })
    );
    let rows = json!({ "rows": [{ "id": 1, "name": "one" }] });
    assert_eq!(call(json!({ "action": "list" })).await, rows);
    let report = call(json!({ "action": "run_report", "_job_id": "not mine" })).await;
    assert_eq!(report, json!({ "message": "done", "processed": 100 }));

    // The same as a job, which writes its progress by SQL.
    let job = json!({ "action": "run_report" });
    let job = host.admin().post("/api/async/app_guide", &job).await;
    let id = job.expect(202).json()["job_id"].clone();
    let done = until_status(&host.admin(), id.as_str().unwrap(), "completed").await;
    assert_eq!(done["result"], report);
    let written = "SELECT max(progress)::int FROM skep.job_progress";
    let written = host.database().await.query_one(written, &[]).await.unwrap();
    assert_eq!(written.get::<_, i32>(0), 99);

    // The same sources are not built twice.
    let again = host.install(&app.version("1.0.1")).await;
    assert_eq!(again["number"], 2);
    assert_eq!(call(json!({ "action": "list" })).await, rows);

    let before = host.state().await;
    for (main, expected) in [
        (
            "def execute(data):\n    return {\n",
            "the app would break, or break others:\nmain.py:3:1: a Python source cannot be read (SK-P01)",
        ),
        // What is in the wrong place is for the interpreter to find.
        (
            "def execute(data):\n    return {}\nreturn\n",
            "the app does not build: main.py, line 3: SyntaxError: ",
        ),
    ] {
        let broken = Bundle::new("app_guide").file("main.py", main);
        let error = host.deploy(&broken).await.expect(422).error();
        assert!(error.starts_with(expected), "{error}");
    }
    assert_eq!(host.state().await, before);
    assert_eq!(call(json!({ "action": "list" })).await, rows);
}

#[tokio::test]
async fn what_a_python_app_returns_and_raises_is_what_its_caller_gets() {
    let host = torture(json!({})).await;

    for (data, answer) in [
        (
            json!({ "action": "nan" }),
            json!({ "a": null, "b": [null], "1": "ü" }),
        ),
        (json!({ "action": "actions" }), json!({ "a": 1 })),
        (json!({ "action": "x" }), json!({ "result": ["x"] })),
        (
            json!({ "action": "async", "value": 5 }),
            json!({ "value": 5 }),
        ),
        (
            json!({ "action": "data", "_job_id": "x" }),
            json!({ "action": "data" }),
        ),
        (
            json!({ "action": "imports" }),
            json!({ "library": "library", "namespace": "namespace", "sibling": "sibling",
                "late": "late", "lazy": 2 }),
        ),
    ] {
        let got = host.call("torture", data.clone()).await.expect(200);
        assert_eq!(got.json(), answer, "{data}");
    }

    for (kind, error) in [
        ("key", "'missing'"),
        ("value", "own text"),
        ("set", "response serialization failed"),
        ("exit", "3"),
        ("recursion", "maximum recursion depth exceeded"),
    ] {
        let got = host
            .call("torture", json!({ "action": "fail", "kind": kind }))
            .await
            .expect(500);
        assert_eq!(got.error(), error);
        assert_eq!(got.json()["code"], "app_failed", "{kind}");
    }
}

#[tokio::test]
async fn a_python_app_takes_the_largest_body_and_the_deepest() {
    let host = torture(json!({})).await;

    let text = "xyz ".repeat(4_000_000);
    let large = json!({ "action": "data", "text": text });
    assert!(large.to_string().len() > 15 << 20);
    let got = host.call("torture", large.clone()).await.expect(200);
    assert!(got.json() == large, "another text came back");

    let deep = (1..499).fold(json!(0), |inner, _| json!([inner]));
    let deep = json!({ "action": "data", "deep": deep });
    let got = host.call("torture", deep.clone()).await.expect(200);
    // Compared as text: deeper than the tests' own reader of JSON goes.
    assert_eq!(got.body.replace(' ', ""), deep.to_string());
}

#[tokio::test]
async fn a_python_call_over_its_budget_is_stopped() {
    let host = torture(json!({ "wall_ms": 2_000, "memory_mb": 96 })).await;
    let fail = |kind: &str| host.call("torture", json!({ "action": "fail", "kind": kind }));

    let memory = fail("memory").await.expect(507);
    assert_eq!(
        memory.error(),
        "the call was stopped: it needed more than its 96 MiB of memory"
    );

    for kind in ["loop", "sleep"] {
        let began = Instant::now();
        let stopped = fail(kind).await.expect(504);
        assert_eq!(
            stopped.error(),
            "the call was stopped: it took longer than its 2 s",
            "{kind}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(6),
            "{kind}: {:?}",
            began.elapsed()
        );
    }
    let sleeping = "SELECT 1 FROM pg_stat_activity
        WHERE state = 'active' AND query = 'SELECT count(*) FROM generate_series(1, 100000000000)'";
    let database = host.database().await;
    until("the statement is cancelled", async || {
        let rows = database.query(sleeping, &[]).await.unwrap();
        rows.is_empty().then_some(())
    })
    .await;
    host.call("torture", json!({})).await.expect(200);
}

#[tokio::test]
async fn a_python_call_is_one_transaction_that_it_may_cut_itself() {
    let host = torture(json!({})).await;
    let insert = |name: &str, commit: bool, then: Option<&str>| {
        let data = json!({ "action": "insert", "name": name, "commit": commit, "then": then });
        host.call("torture", data)
    };

    insert("kept", false, None).await.expect(200);
    insert("undone", false, Some("value")).await.expect(500);
    insert("committed", true, Some("value")).await.expect(500);
    // An answer that is no JSON undoes the call too.
    insert("unanswered", false, Some("set")).await.expect(500);

    let names = host
        .call("torture", json!({ "action": "names" }))
        .await
        .expect(200);
    assert_eq!(names.json(), json!({ "names": ["committed", "kept"] }));
}

#[tokio::test]
async fn an_app_knows_who_calls_it_and_its_lines_carry_the_calls_id() {
    let host = torture(json!({})).await;
    let ann = host.user("ann", &["user"]).await;

    let who = ann
        .call("torture", &json!({ "action": "who" }))
        .await
        .expect(200);
    assert_eq!(
        who.json(),
        json!({ "username": "ann", "roles": ["user"], "call": who.header("x-request-id") })
    );

    let answer = ann
        .call("torture", &json!({ "action": "log" }))
        .await
        .expect(200);
    let call = answer.header("x-request-id");
    for (text, level) in [
        ("to stdout", "INFO"),
        ("to stderr", "WARN"),
        ("by logging", "WARN"),
    ] {
        let line = host.logged(text, |line| {
            line["call"] == call && line["message"].as_str().unwrap_or_default().contains(text)
        });
        let line = line.await;
        assert_eq!(line["level"], level, "{line}");
        assert_eq!(line["app"], "torture", "{line}");
    }

    // The trace of an exception is the operator's, not the caller's.
    let failed = ann
        .call("torture", &json!({ "action": "fail", "kind": "key" }))
        .await
        .expect(500);
    assert_eq!(failed.error(), "'missing'");
    let call = failed.header("x-request-id");
    let line = host.logged("the trace", |line| {
        line["call"] == call && line["level"] == "ERROR"
    });
    let line = line.await;
    assert!(
        line["detail"].as_str().unwrap().contains("main.py"),
        "{line}"
    );
}

#[tokio::test]
async fn a_migration_of_a_python_app_that_fails_changes_nothing_and_names_its_line() {
    let host = torture(json!({})).await;
    let data = json!({ "action": "insert", "name": "kept" });
    host.call("torture", data).await.expect(200);
    let before = host.state().await;

    // The module's own statement then fails: there is no such column to index.
    let tables = json!(["ALTER TABLE torture_items DROP COLUMN IF EXISTS name"]);
    let error = host
        .deploy(&python::torture().with("tables", tables))
        .await
        .expect(422)
        .error();

    assert!(
        error.starts_with("loading the app failed: UndefinedColumn: "),
        "{error}"
    );
    assert!(error.contains("column \"name\" does not exist"), "{error}");
    assert!(error.contains("main.py\", line 21"), "{error}");
    assert_eq!(host.state().await, before);
    let names = host
        .call("torture", json!({ "action": "names" }))
        .await
        .expect(200);
    assert_eq!(names.json(), json!({ "names": ["kept"] }));
}

#[tokio::test]
async fn python_calls_overlap() {
    let host = torture(json!({ "wall_ms": 20_000 })).await;
    let database = host.database().await;

    let calls = (0..4).map(|_| {
        let client = host.admin();
        tokio::spawn(async move {
            client
                .call("torture", &json!({ "action": "fail", "kind": "sleep" }))
                .await
        })
    });
    let calls: Vec<_> = calls.collect();
    let sleeping = "SELECT pid FROM pg_stat_activity
        WHERE state = 'active' AND query = 'SELECT count(*) FROM generate_series(1, 100000000000)'";
    until("all calls are in the database", async || {
        (database.query(sleeping, &[]).await.unwrap().len() == 4).then_some(())
    })
    .await;
    let end = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        WHERE query = 'SELECT count(*) FROM generate_series(1, 100000000000)'";
    database.batch_execute(end).await.unwrap();

    for call in calls {
        let error = call.await.unwrap().expect(500).error();
        assert!(
            error.starts_with("canceling statement due to user request"),
            "{error}"
        );
    }
}

async fn torture(limits: Value) -> Host {
    let host = python::host().await;
    install_torture(&host, limits).await;
    host
}
