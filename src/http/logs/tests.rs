use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::capability::log::policy::Most;
use crate::capability::log::{CallLog, Identity};
use crate::http::testing::{Client, TestHost};
use crate::ids::ReleaseId;
use crate::store::apps;

const CALL: CallId = CallId(Uuid::from_u128(7));

async fn host() -> TestHost {
    let host = TestHost::start().await;
    let mut connection = host.services.store.pool().acquire().await.unwrap();
    for app in ["shop", "other"] {
        let app = app.parse().unwrap();
        let now = host.services.clock.now();
        apps::ensure(&mut connection, &app, now).await.unwrap();
    }
    drop(connection);
    host
}

fn log(host: &TestHost, app: &str, call: CallId) -> CallLog {
    let identity = Identity {
        app: app.parse().unwrap(),
        release: ReleaseId(Uuid::nil()),
        call,
        job: None,
    };
    let most = Most {
        lines: 1_000,
        bytes: 1_000_000,
    };
    CallLog::new(identity, most, host.services.book.clone())
}

async fn messages(client: &Client<'_>, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/api/logs{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let lines = answer.body["lines"].as_array().unwrap();
    let message = |line: &Value| line["message"].as_str().unwrap().to_owned();
    lines.iter().map(message).collect()
}

#[tokio::test]
async fn lines_are_found_by_whatever_is_known_of_them() {
    let host = host().await;
    let (shop, other) = (
        log(&host, "shop", CALL),
        log(&host, "other", CallId(Uuid::nil())),
    );
    shop.write(Level::Debug, Origin::Log, "first", None);
    other.write(
        Level::Warn,
        Origin::Stderr,
        "100% of _",
        Some(r#"{"needle": 1}"#),
    );
    host.services.clock.advance(Duration::from_secs(3_600));
    shop.conclude("last", None);
    let admin = host.admin().await;

    for (query, found) in [
        ("", vec!["last", "100% of _", "first"]),
        ("?app=shop", vec!["last", "first"]),
        ("?level=warn", vec!["last", "100% of _"]),
        ("?level=ERROR", vec!["last"]),
        ("?source=stderr", vec!["100% of _"]),
        (&format!("?call={CALL}"), vec!["last", "first"]),
        ("?since=2026-11-21T13:00:00Z", vec!["last"]),
        ("?until=2026-11-21T13:00:00Z", vec!["100% of _", "first"]),
        ("?q=needle", vec!["100% of _"]),
        ("?q=0%25%20of%20_", vec!["100% of _"]),
        ("?q=%25", vec!["100% of _"]),
        ("?q=LAST", vec![]),
        (&format!("?job={}", Uuid::nil()), vec![]),
    ] {
        assert_eq!(messages(&admin, query).await, found, "{query}");
    }
    for unknown in [
        "/api/logs?app=none",
        &format!("/api/apps/none/calls/{CALL}/logs"),
    ] {
        assert_eq!(admin.get(unknown).await.status, 404, "{unknown}");
    }
    let of_call = admin
        .get(&format!("/api/apps/shop/calls/{CALL}/logs"))
        .await;
    assert_eq!(of_call.body["lines"].as_array().unwrap().len(), 2);
    let line = &of_call.body["lines"][0];
    assert_eq!(line["at"], "2026-11-21T13:00:00Z");
    assert_eq!(line["call"], CALL.to_string());
    assert_eq!(
        (&line["app"], &line["level"], &line["source"]),
        (&json!("shop"), &json!("error"), &json!("failure"))
    );
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_also_within_one_moment() {
    let host = host().await;
    let shop = log(&host, "shop", CALL);
    for number in 0..5 {
        shop.write(Level::Info, Origin::Log, &number.to_string(), None);
    }
    let admin = host.admin().await;

    let first = admin.get("/api/logs?limit=2").await.body;
    let next = first["next"].as_str().unwrap();
    assert_eq!(
        messages(&admin, &format!("?limit=2&before={next}")).await,
        ["2", "1"]
    );
    let last = admin
        .get(&format!("/api/logs?limit=3&before={next}"))
        .await
        .body;
    assert_eq!(last["next"], Value::Null);
    assert_eq!(last["lines"].as_array().unwrap().len(), 3);
    assert_eq!(first["newest"], first["lines"][0]["id"]);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let host = host().await;
    let admin = host.admin().await;
    for (query, error) in [
        (
            "?level=loud",
            "there is no level `loud`: it is one of debug, info, warn, error",
        ),
        (
            "?source=x",
            "there is no source `x`: it is one of log, stdout, stderr, failure, host",
        ),
        ("?limit=0", "`limit` is 0: it must be from 1 to 1000"),
        (
            "?before=x",
            "`before` is not `next` of a page: leave it out for the first",
        ),
        ("?q=a%00", "`q` holds a NUL, which no line does"),
    ] {
        let answer = admin.get(&format!("/api/logs{query}")).await;
        answer.must_be(StatusCode::BAD_REQUEST, error);
    }
    let long = format!("/api/logs?q={}", "a".repeat(1_001));
    let answer = admin.get(&long).await;
    answer.must_be(StatusCode::BAD_REQUEST, "`q` is longer than 1000 bytes");
}

#[tokio::test]
async fn logs_are_for_those_who_may_see_them() {
    let host = host().await;
    for (name, permission, status) in [
        ("a", "skep:logs", StatusCode::OK),
        ("b", "skep:read", StatusCode::OK),
        ("c", "skep:apps", StatusCode::OK),
        ("d", "skep:users", StatusCode::FORBIDDEN),
    ] {
        let client = host.user(name, &[permission]).await;
        let call = format!("/api/apps/shop/calls/{CALL}/logs");
        for path in ["/api/logs", &call] {
            assert_eq!(client.get(path).await.status, status, "{permission} {path}");
        }
        if status == StatusCode::FORBIDDEN {
            let answer = client.get("/api/logs/follow").await;
            answer.must_be(status, "insufficient permissions: skep:logs required");
        }
    }
    let nobody = host.anonymous().get("/api/logs/follow").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

/// Reads the events of a follower, as far as it wants.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn open(host: &TestHost, query: &str, last: Option<i64>) -> Self {
        let opened = Self::try_open(host, query, last).await;
        opened.expect("a place")
    }

    async fn try_open(host: &TestHost, query: &str, last: Option<i64>) -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let token = host
            .token_of("admin", crate::http::testing::ADMIN_PASSWORD)
            .await;
        let url = format!("http://{}/api/logs/follow{query}", host.serve().await);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.get(url).bearer_auth(token);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        let text = String::new();
        (response.status() == StatusCode::OK).then_some(Self { response, text })
    }

    /// The next line's message.
    async fn next(&mut self) -> String {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                let line = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
                self.text = rest.to_owned();
                if let Some(line) = line {
                    return line["message"].as_str().unwrap().to_owned();
                }
            }
            let chunk = self.response.chunk().await.unwrap().expect("more");
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn who_follows_sees_new_lines_that_fit_and_comes_back_where_they_were() {
    let host = host().await;
    let (shop, other) = (log(&host, "shop", CALL), log(&host, "other", CALL));
    shop.write(Level::Error, Origin::Log, "old", None);
    host.services.book.flush(Duration::from_secs(60)).await;

    let mut events = Events::open(&host, "?app=shop&level=warn", None).await;
    other.write(Level::Error, Origin::Log, "another's", None);
    shop.write(Level::Info, Origin::Log, "quiet", None);
    shop.write(Level::Warn, Origin::Log, "loud\nand long", None);
    assert_eq!(events.next().await, "loud\nand long");
    shop.write(Level::Warn, Origin::Log, "more", None);
    assert_eq!(events.next().await, "more");
    drop(events);

    shop.write(Level::Error, Origin::Log, "meanwhile", None);
    host.services.book.flush(Duration::from_secs(60)).await;
    let newest = logs::newest(host.services.store.pool()).await.unwrap();
    let mut again = Events::open(&host, "?app=shop&after=0", Some(newest - 2)).await;
    assert_eq!(again.next().await, "more");
    assert_eq!(again.next().await, "meanwhile");
    let mut all = Events::open(&host, "?after=0", None).await;
    assert_eq!(all.next().await, "old");
}

#[tokio::test]
async fn a_user_follows_only_so_many_at_once_until_one_is_closed() {
    let host = host().await;
    let admin = host.admin().await;
    let mut open = Vec::new();
    for _ in 0..OF_USER {
        open.push(Events::open(&host, "", None).await);
    }

    let refused = admin.get("/api/logs/follow").await;
    let text = "you follow 8 logs already, and may not follow more: close one";
    refused.must_be(StatusCode::SERVICE_UNAVAILABLE, text);

    open.pop();
    let shop = log(&host, "shop", CALL);
    while Events::try_open(&host, "", None).await.is_none() {
        // The server learns of it when it next writes.
        shop.write(Level::Info, Origin::Log, "x", None);
        host.services.book.flush(Duration::from_secs(60)).await;
    }
}

#[tokio::test]
async fn a_node_that_stops_lets_its_followers_go() {
    let host = host().await;
    let mut events = Events::open(&host, "", None).await;

    host.services.draining.cancel();

    while events.response.chunk().await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_search_that_takes_too_long_says_what_to_do() {
    let host = host().await;
    let mut tx = host.services.store.pool().begin().await.unwrap();
    logs::bound(&mut tx, Duration::from_millis(1))
        .await
        .unwrap();
    let slow = sqlx::query("SELECT pg_sleep(60)").execute(&mut *tx).await;

    let error = took_too_long(&slow.unwrap_err()).expect("it took too long");

    let text = "the search took longer than 10 s: narrow it down with `app`, `since` or `call`";
    assert_eq!(error.to_string(), text);
}
