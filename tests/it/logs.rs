//! The logs of apps: what is kept of every line, and how people find it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Client, Host, Setup, skep, until};
use crate::python::{self, install_torture};
use crate::secrets;

/// The lines that fit, oldest first.
async fn lines(client: &Client, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("/api/logs?limit=1000{query}")).await;
    let mut lines = answer.expect(200).json()["lines"]
        .as_array()
        .unwrap()
        .clone();
    lines.reverse();
    lines
}

fn messages(lines: &[Value]) -> Vec<&str> {
    let lines = lines.iter();
    lines
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

/// What `skep` prints.
fn printed(host: &Host, arguments: &[&str]) -> String {
    let output = skep()
        .args(arguments)
        .env("SKEP_URL", host.url())
        .env("SKEP_TOKEN", host.token())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn whatever_a_python_app_says_is_kept_with_its_call_also_when_the_call_fails() {
    let host = python::host().await;
    install_torture(&host, json!({})).await;
    let admin = host.admin();

    let answer = host.call("torture", json!({ "action": "log" })).await;
    let answer = answer.expect(200);
    let call = answer.header("x-request-id");
    let kept = lines(&admin, &format!("&app=torture&call={call}")).await;
    let said: Vec<_> = kept
        .iter()
        .map(|line| ["level", "source", "message"].map(|key| line[key].as_str().unwrap()))
        .collect();
    let expected = [
        ["info", "stdout", "to stdout"],
        ["warn", "stderr", "to stderr"],
        ["warn", "log", "by logging"],
    ];
    for line in expected {
        assert!(said.contains(&line), "{said:?}");
    }
    assert_eq!(kept.len(), 3, "{kept:?}");
    for line in &kept {
        assert_eq!((&line["release"], &line["call"]), (&json!(1), &json!(call)));
        assert_eq!(
            (&line["job"], &line["attempt"]),
            (&Value::Null, &Value::Null)
        );
    }

    // Its transaction is rolled back, and what it said stays.
    let data = json!({ "action": "fail", "kind": "key" });
    let failed = host.call("torture", data).await.expect(500);
    let call = failed.header("x-request-id");
    let path = format!("/api/apps/torture/calls/{call}/logs");
    let of_call = admin.get(&path).await.expect(200).json();
    let [line] = of_call["lines"].as_array().unwrap().as_slice() else {
        panic!("{of_call}");
    };
    assert_eq!(
        (&line["level"], &line["source"]),
        (&json!("error"), &json!("failure"))
    );
    assert_eq!(line["message"], "KeyError: 'missing'");
    let detail = &line["detail"];
    assert_eq!(
        (&detail["exception"], &detail["file"]),
        (&json!("KeyError"), &json!("main.py"))
    );
    let source = include_str!("../apps/torture/main.py");
    let number = usize::try_from(detail["line"].as_u64().unwrap()).unwrap();
    let culprit = source.lines().nth(number - 1).unwrap();
    assert!(culprit.contains(r#"{}["missing"]"#), "{number}: {culprit}");
    assert!(
        detail["traceback"]
            .as_str()
            .unwrap()
            .contains(culprit.trim()),
        "{detail}"
    );

    let shown = printed(&host, &["logs", "torture", "--level", "error"]);
    assert!(
        shown.contains("error  failure  KeyError: 'missing'"),
        "{shown}"
    );
    assert!(shown.contains(&format!("    call {call}\n")), "{shown}");
    assert!(shown.contains("\n      File \"main.py\", line "), "{shown}");
}

#[tokio::test]
async fn what_a_terminal_would_obey_and_what_is_no_text_is_kept_and_does_no_harm() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "print-hostile"))
        .await;
    host.call("app", json!({})).await.expect(200);

    let kept = lines(&host.admin(), "&app=app").await;
    let expected = [
        "clear\x1b[2J\x07",
        "nul\u{fffd}end",
        "bad\u{fffd}\u{fffd}text",
        "last",
    ];
    assert_eq!(messages(&kept), expected);

    let text = printed(&host, &["logs", "app"]);
    assert!(text.contains(r"clear\u{1b}[2J\u{7}"), "{text}");
    let raw = printed(&host, &["logs", "app", "--json"]);
    for shown in [&text, &raw] {
        assert!(
            !shown
                .chars()
                .any(|character| character.is_control() && character != '\n')
        );
        assert_eq!(shown.lines().count(), 4);
    }
    let first: Value = serde_json::from_str(raw.lines().next().unwrap()).unwrap();
    assert_eq!(first["message"], expected[0]);
    assert_eq!(
        printed(&host, &["logs", "app", "--grep", "\x1b[2J"])
            .lines()
            .count(),
        1
    );
}

#[tokio::test]
async fn a_flood_is_cut_and_the_log_says_so() {
    let host = Host::start().await;
    let flood = Bundle::of_guest("app", "print-flood");
    host.install(&flood.with("limits", json!({ "wall_ms": 1_000 })))
        .await;

    host.call("app", json!({})).await.expect(504);

    let kept = lines(&host.admin(), "&level=warn").await;
    let expected = [
        "the call wrote more than 1000 log lines; the rest is left out",
        "the call was stopped: it took longer than its 1 s",
    ];
    assert_eq!(messages(&kept), expected);
    assert_eq!(kept[0]["detail"], json!({ "part": "log" }));
    let database = host.database().await;
    let count = "SELECT count(*), sum(bytes)::bigint FROM skep.logs";
    let counted = database.query_one(count, &[]).await.unwrap();
    let sizes = "SELECT rows, bytes FROM skep.log_sizes WHERE app = 'app'";
    let kept = database.query_one(sizes, &[]).await.unwrap();
    assert_eq!(counted.get::<_, i64>(0), 1_002);
    for column in 0..2 {
        assert_eq!(counted.get::<_, i64>(column), kept.get::<_, i64>(column));
    }
}

#[tokio::test]
async fn a_secret_that_an_app_gives_away_is_hidden_in_everything_that_is_written() {
    let host = python::host().await;
    let app = Bundle::new("secrets")
        .file("component.wasm", python::built("secrets"))
        .with("needs", json!({ "credentials": ["erp", "account"] }));
    host.install(&app).await;
    let secret = "canary-of-the-log-4711";
    secrets::set(&host.admin(), "secrets", "erp", secret)
        .await
        .expect(200);

    let failed = host
        .call("secrets", json!({ "action": "tell" }))
        .await
        .expect(500);

    // The app's own answer is its own affair.
    assert_eq!(failed.error(), format!("failed with {secret}"));
    let kept = lines(&host.admin(), "&app=secrets").await;
    let expected = [
        "printed [secret]",
        "logged [secret]",
        "told",
        "RuntimeError: failed with [secret]",
    ];
    for message in expected {
        assert!(messages(&kept).contains(&message), "{kept:?}");
    }
    assert!(!format!("{kept:?}").contains(secret), "{kept:?}");
    let calls = host
        .admin()
        .get("/api/apps/secrets/calls")
        .await
        .expect(200);
    assert_eq!(
        calls.json()["calls"][0]["error"],
        "RuntimeError: failed with [secret]"
    );
    let log = String::from_utf8(host.raw_log()).unwrap();
    assert!(
        log.contains("printed [secret]") && !log.contains(secret),
        "{log}"
    );
}

#[tokio::test]
async fn the_command_line_follows_the_lines_of_every_node() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "print-hostile"))
        .await;
    host.install(&Bundle::of_guest("other", "print-hostile"))
        .await;
    host.call("app", json!({})).await.expect(200);
    let mut following = skep()
        .args(["logs", "app", "--follow", "-n", "1"])
        .env("SKEP_URL", host.url())
        .env("SKEP_TOKEN", host.token())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = BufReader::new(following.stdout.take().unwrap()).lines();
    let line = shown.next().unwrap().unwrap();
    assert!(line.ends_with("last"), "{line}");

    let other_node = host.second_node().await;
    // It compiles what it has not seen yet.
    for app in ["other", "app"] {
        until("the other node serves", async || {
            let answer = other_node.call(app, json!({})).await;
            (answer.status == 200).then_some(())
        })
        .await;
    }

    let lines: Vec<String> = shown.by_ref().take(4).map(Result::unwrap).collect();
    assert!(
        lines[0].ends_with(r"info   stdout   clear\u{1b}[2J\u{7}"),
        "{lines:?}"
    );
    assert!(lines[3].ends_with("last"), "{lines:?}");
    following.kill().unwrap();
    following.wait().unwrap();
}

#[tokio::test]
async fn what_was_said_before_a_stop_is_kept() {
    let mut host = Host::start().await;
    host.install(&Bundle::of_guest("app", "print-hostile"))
        .await;

    host.call("app", json!({})).await.expect(200);
    host.terminate();
    host.ended().await;

    let database = host.database().await;
    let count = "SELECT count(*) FROM skep.logs";
    let count: i64 = database.query_one(count, &[]).await.unwrap().get(0);
    assert_eq!(count, 4);
}

#[tokio::test]
async fn the_lines_of_an_app_go_with_it() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "print-hostile"))
        .await;
    host.call("app", json!({})).await.expect(200);
    assert_eq!(lines(&host.admin(), "").await.len(), 4);

    let deleted = host.admin().delete("/admin/api/apps/app?tables=drop").await;

    deleted.expect(204);
    assert_eq!(lines(&host.admin(), "").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_log_shipper_reads_every_line_as_json_from_files_that_stay_small_and_few() {
    let shipped = crate::host::folder();
    let file = shipped.path().join("skep.json");
    let mut host = Setup::default()
        .setting("SKEP_LOG", "warn")
        .setting("SKEP_LOGS__JSON_FILE", file.to_str().unwrap())
        .setting("SKEP_LOGS__JSON_FILE_MB", "1")
        .setting("SKEP_LOGS__JSON_FILES", "2")
        .start()
        .await;
    let flood = Bundle::of_guest("flood", "log-flood");
    let flood = flood.with("limits", json!({ "wall_ms": 2_000 }));
    host.install(&flood).await;
    host.install(&Bundle::of_guest("app", "print-hostile"))
        .await;

    // Each call writes 1 MiB, and is cut.
    for _ in 0..5 {
        host.call("flood", json!({})).await.expect(504);
    }
    let answer = host.call("app", json!({})).await.expect(200);
    host.terminate();
    host.ended().await;

    let mut files: Vec<_> = std::fs::read_dir(shipped.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in &files {
        let size = std::fs::metadata(file).unwrap().len();
        assert!(size < 1024 * 1024 + 64 * 1024, "{file:?}: {size}");
    }
    let newest = std::fs::read_to_string(&file).unwrap();
    let lines = newest
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let of_call: Vec<&Value> = lines
        .iter()
        .filter(|line| line["call"] == answer.header("x-request-id"))
        .collect();
    assert_eq!(of_call.len(), 4, "{of_call:?}");
    assert_eq!(of_call[0]["message"], r"clear\u{1b}[2J\u{7}");
    for (key, value) in [
        ("level", "INFO"),
        ("target", "skep::app"),
        ("app", "app"),
        ("source", "stdout"),
    ] {
        assert_eq!(of_call[0][key], value, "{key}");
    }
    assert!(of_call[0]["timestamp"].is_string() && of_call[0]["release"].is_string());
    // The terminal has less of it.
    assert!(!String::from_utf8(host.raw_log()).unwrap().contains("clear"));
}
