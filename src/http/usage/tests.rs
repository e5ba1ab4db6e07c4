use axum::http::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use crate::http::testing::TestHost;
use crate::ids::{AppName, CallId, ReleaseId};
use crate::store::calls::{self, NewCall, Used};

/// Writes down a call of an app that began so many hours ago.
async fn called(host: &TestHost, app: &str, outcome: &'static str, ms: i64, hours: i64) {
    let (services, name) = (&host.services, app.parse::<AppName>().unwrap());
    let now = services.clock.now();
    let mut connection = services.store.pool().acquire().await.unwrap();
    crate::store::apps::ensure(&mut connection, &name, now)
        .await
        .unwrap();
    let call = NewCall {
        id: CallId(services.entropy.id(&services.clock)),
        app: name,
        release: ReleaseId(services.entropy.id(&services.clock)),
        entry: "execute",
        caller: Some("anna".to_owned()),
        job: None,
        started_at: now - Duration::hours(hours),
        outcome,
        error: (outcome != "ok").then(|| format!("{outcome} after {ms} ms")),
        used: Used {
            wall_micros: ms * 1_000,
            ..Used::default()
        },
    };
    calls::insert(&mut *connection, &[call]).await.unwrap();
}

async fn some_calls() -> TestHost {
    let host = TestHost::start().await;
    for (app, outcome, ms, hours) in [
        ("one", "ok", 10, 3),
        ("one", "app_error", 30, 2),
        ("two", "ok", 900, 1),
        ("one", "ok", 20, 0),
        ("old", "crashed", 5, 30),
    ] {
        called(&host, app, outcome, ms, hours).await;
    }
    host
}

/// The app and the time of each call of a list.
fn shown(body: &Value) -> Vec<(String, f64)> {
    let calls = body["calls"].as_array().unwrap().iter();
    calls
        .map(|call| {
            let app = call["app"].as_str().unwrap().to_owned();
            (app, call["wall_ms"].as_f64().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn calls_of_all_apps_are_listed_by_what_is_asked_for() {
    let host = some_calls().await;
    let admin = host.admin().await;
    for (query, expected) in [
        (
            "",
            vec![("one", 20.0), ("two", 900.0), ("one", 30.0), ("one", 10.0)],
        ),
        (
            "?order=slowest&limit=2",
            vec![("two", 900.0), ("one", 30.0)],
        ),
        ("?outcome=failed", vec![("one", 30.0)]),
        (
            "?outcome=failed&hours=48",
            vec![("old", 5.0), ("one", 30.0)],
        ),
        ("?outcome=crashed&hours=48", vec![("old", 5.0)]),
        ("?app=two", vec![("two", 900.0)]),
        ("?app=nothing", vec![]),
        ("?slower_than_ms=30", vec![("two", 900.0), ("one", 30.0)]),
    ] {
        let answer = admin.get(&format!("/api/calls{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {:?}", answer.body);
        let expected: Vec<(String, f64)> = expected
            .into_iter()
            .map(|(app, ms)| (app.to_owned(), ms))
            .collect();
        assert_eq!(shown(&answer.body), expected, "{query}");
        assert_eq!(answer.body["next"], Value::Null, "{query}");
    }
}

#[tokio::test]
async fn a_list_of_calls_is_read_page_by_page() {
    let host = some_calls().await;
    let admin = host.admin().await;

    let first = admin.get("/api/calls?limit=3").await.body;
    assert_eq!(shown(&first).len(), 3);
    let next = first["next"].as_i64().unwrap();
    let last = admin
        .get(&format!("/api/calls?limit=3&before={next}"))
        .await;

    assert_eq!(shown(&last.body), vec![("one".to_owned(), 10.0)]);
    assert_eq!(last.body["next"], Value::Null);
}

#[tokio::test]
async fn the_summary_says_who_fails_and_who_is_slow() {
    let host = some_calls().await;
    let answer = host.admin().await.get("/api/calls/summary").await;
    assert_eq!(
        answer.body,
        json!({ "apps": [
            {
                "app": "one", "calls": 3, "failed": 1, "median_ms": 20.0, "p95_ms": 30.0,
                "slowest_ms": 30.0, "last_failed_at": "2026-11-21T10:00:00Z",
                "last_error": "app_error after 30 ms",
            },
            {
                "app": "two", "calls": 1, "failed": 0, "median_ms": 900.0, "p95_ms": 900.0,
                "slowest_ms": 900.0, "last_failed_at": null, "last_error": null,
            },
        ] })
    );
}

#[tokio::test]
async fn calls_of_all_apps_are_for_who_looks_after_the_host() {
    let host = TestHost::start().await;
    for (name, permissions, status) in [
        ("nobody", &[][..], StatusCode::FORBIDDEN),
        ("seller", &["sales:read"], StatusCode::FORBIDDEN),
        ("reader", &["skep:read"], StatusCode::OK),
        ("deployer", &["skep:apps"], StatusCode::OK),
    ] {
        let client = host.user(name, permissions).await;
        for path in ["/api/calls", "/api/calls/summary"] {
            assert_eq!(client.get(path).await.status, status, "{name} {path}");
        }
    }
}

#[tokio::test]
async fn a_question_that_does_not_fit_is_refused() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    for (path, error) in [
        (
            "/api/calls?limit=0",
            "`limit` is 0: it must be from 1 to 1000",
        ),
        (
            "/api/calls?hours=0",
            "`hours` is 0: it must be from 1 to 8784",
        ),
        (
            "/api/calls/summary?hours=9000",
            "`hours` is 9000: it must be from 1 to 8784",
        ),
    ] {
        admin
            .get(path)
            .await
            .must_be(StatusCode::BAD_REQUEST, error);
    }
    for path in [
        "/api/calls?outcome=good",
        "/api/calls?order=best",
        "/api/calls?app=a/b",
        "/api/calls?x=1",
    ] {
        assert_eq!(
            admin.get(path).await.status,
            StatusCode::BAD_REQUEST,
            "{path}"
        );
    }
}

#[tokio::test]
async fn calls_are_counted_over_time_without_gaps() {
    let host = some_calls().await;
    let admin = host.admin().await;

    let body = admin.get("/api/calls/timeline?hours=4").await.body;
    assert_eq!(body["seconds"], 300);
    let stretches = body["stretches"].as_array().unwrap();
    assert_eq!(stretches.len(), 4 * 12 + 1);
    let filled: Vec<Value> = stretches
        .iter()
        .filter(|stretch| stretch["calls"] != 0)
        .cloned()
        .collect();
    let stretch = |at: &str, failed: i64, ms: f64| json!({ "at": at, "calls": 1, "failed": failed, "median_ms": ms, "p95_ms": ms });
    assert_eq!(
        filled,
        [
            stretch("2026-11-21T09:00:00Z", 0, 10.0),
            stretch("2026-11-21T10:00:00Z", 1, 30.0),
            stretch("2026-11-21T11:00:00Z", 0, 900.0),
            stretch("2026-11-21T12:00:00Z", 0, 20.0),
        ]
    );
    let empty = json!({
        "at": "2026-11-21T08:00:00Z", "calls": 0, "failed": 0, "median_ms": null, "p95_ms": null,
    });
    assert_eq!(stretches[0], empty);

    let body = admin.get("/api/calls/timeline?app=two").await.body;
    assert_eq!(body["seconds"], 900);
    let calls = body["stretches"].as_array().unwrap().iter();
    assert_eq!(
        calls
            .map(|stretch| stretch["calls"].as_i64().unwrap())
            .sum::<i64>(),
        1
    );

    let uma = host.user("uma", &["sales:read"]).await;
    assert_eq!(
        uma.get("/api/calls/timeline").await.status,
        StatusCode::FORBIDDEN
    );
    let answer = admin.get("/api/calls/timeline?hours=0").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[test]
fn there_are_about_a_hundred_stretches() {
    for hours in 1..=super::HOURS_MOST {
        let stretches = i64::from(hours) * 3_600 / super::stretch(hours);
        assert!((20..=101).contains(&stretches), "{hours}: {stretches}");
    }
}
