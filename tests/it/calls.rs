//! Calls of apps: what goes in, what comes out, and every way in which a call is refused.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Client, Host};

#[tokio::test]
async fn an_object_goes_in_and_comes_out_and_nothing_goes_in_as_an_empty_one() {
    let host = host_with_echo().await;
    let admin = host.admin();

    let answer = admin
        .call_raw("echo", r#"{"b": 1.0, "a": "ü"}"#)
        .await
        .expect(200);
    assert_eq!(answer.body, r#"{"b": 1.0, "a": "ü"}"#);
    assert_eq!(answer.header("content-type"), "application/json");

    assert_eq!(admin.call_raw("echo", "").await.expect(200).body, "{}");
    assert_eq!(admin.call_raw("echo", " \n").await.expect(200).body, "{}");
}

#[tokio::test]
async fn a_body_that_is_not_an_object_is_refused() {
    let host = host_with_echo().await;
    let admin = host.admin();

    for body in ["[]", "1", "null", "\"{}\""] {
        let answer = admin.call_raw("echo", body).await.expect(400);
        assert_eq!(answer.error(), "the body must be a JSON object", "{body}");
    }
    for body in ["{", "{} {}", "{'a': 1}"] {
        let answer = admin.call_raw("echo", body).await.expect(400);
        let error = answer.error();
        assert!(error.starts_with("the body is not valid JSON: "), "{error}");
    }
    let answer = admin
        .call_raw("echo", vec![b'"', 0xff, b'"'])
        .await
        .expect(400);
    assert_eq!(
        answer.error(),
        "the body is not valid JSON: it is not UTF-8"
    );
}

#[tokio::test]
async fn a_body_of_16_mib_is_taken_and_a_larger_one_refused() {
    const LIMIT: usize = 16 * 1024 * 1024;
    let host = host_with_echo().await;
    let body_of = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));

    let taken = host
        .admin()
        .call_raw("echo", body_of(LIMIT))
        .await
        .expect(200);
    assert_eq!(taken.body.len(), LIMIT);

    let refused = host
        .admin()
        .call_raw("echo", body_of(LIMIT + 1))
        .await
        .expect(413);
    assert_eq!(
        refused.error(),
        "the body is larger than 16 MiB: send it in parts"
    );
}

#[tokio::test]
async fn a_job_id_that_a_caller_sends_never_reaches_the_app() {
    let host = host_with_echo().await;

    for body in [
        r#"{"a":1,"_job_id":"x"}"#,
        r#"{"_job\u005fid":"x","a":1}"#,
        r#"{"_job_id":1,"a":1,"_job_id":2}"#,
    ] {
        let answer = host.admin().call_raw("echo", body).await.expect(200);
        assert_eq!(answer.body, r#"{"a":1}"#, "{body}");
    }
}

#[tokio::test]
async fn actions_are_taken_out_of_an_answer_at_its_top_only() {
    let host = host_with("actions").await;

    let answer = host.call("app", json!({})).await.expect(200);

    assert_eq!(answer.json(), json!({ "sold": 1, "in": { "_actions": 1 } }));
}

#[tokio::test]
async fn an_answer_that_is_no_object_is_wrapped() {
    let host = host_with("list").await;

    let answer = host.call("app", json!({})).await.expect(200);

    assert_eq!(answer.body, r#"{"result":[1, 2]}"#);
}

#[tokio::test]
async fn an_answer_that_is_not_json_fails_the_call() {
    let host = host_with("not-json").await;

    let answer = host.call("app", json!({})).await.expect(500);

    assert_eq!(answer.error(), "response serialization failed");
}

#[tokio::test]
async fn an_answer_over_16_mib_fails_the_call() {
    let host = host_with("big").await;

    let answer = host.call("app", json!({})).await.expect(500);

    assert_eq!(
        answer.error(),
        "the app's answer is larger than 16 MiB: send it in parts"
    );
}

#[tokio::test]
async fn an_apps_own_failure_is_answered_in_its_own_words() {
    let host = host_with("fail").await;

    let answer = host.call("app", json!({})).await.expect(500);

    assert_eq!(answer.error(), "OutOfStock");
    assert_eq!(answer.json()["code"], "app_failed");
}

#[tokio::test]
async fn an_app_that_is_not_there_and_a_name_that_none_can_have_are_told_apart() {
    let host = Host::start().await;

    let missing = host.call("nothing", json!({})).await.expect(404);
    assert_eq!(missing.error(), "app 'nothing' not found");

    let too_long = "x".repeat(65);
    for name in ["-app", "a%20b", "a.b", "pg_x", &too_long] {
        let answer = host.call(name, json!({})).await.expect(400);
        let shown = name.replace("%20", " ");
        assert_eq!(
            answer.error(),
            format!(
                "invalid app name '{shown}': must start with alphanumeric and contain only \
                 [a-zA-Z0-9_-] (max 64 chars)"
            )
        );
    }
}

#[tokio::test]
async fn a_call_without_a_login_or_with_a_bad_one_is_refused() {
    let host = host_with_echo().await;
    let anonymous = host.anonymous();

    for client in [anonymous.clone(), anonymous.with_token("not a token")] {
        let answer = client.call("echo", &json!({})).await.expect(401);
        let error = answer.error();
        assert!(error.starts_with("not logged in: "), "{error}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn an_app_that_requires_a_permission_is_called_by_those_who_have_it() {
    let host = Host::start().await;
    let app = Bundle::of_guest("sales", "echo").with("required_permission", json!("sales:access"));
    host.install(&app).await;
    let role = json!({ "name": "seller", "description": "", "permissions": ["sales:access"] });
    host.admin()
        .post("/admin/api/roles", &role)
        .await
        .expect(201);

    let outsider = host.user("ann", &["user"]).await;
    let refused = outsider.call("sales", &json!({})).await.expect(403);
    assert_eq!(
        refused.error(),
        "insufficient permissions: sales:access required"
    );

    let seller = host.user("bea", &["user", "seller"]).await;
    seller.call("sales", &json!({})).await.expect(200);
}

#[tokio::test]
async fn a_disabled_app_is_refused_until_it_is_enabled() {
    let host = host_with_echo().await;
    let admin = host.admin();

    admin
        .post("/admin/api/apps/echo/disable", &Value::Null)
        .await
        .expect(204);
    let answer = host.call("echo", json!({})).await.expect(503);
    assert_eq!(answer.error(), "app 'echo' is disabled");
    assert_eq!(answer.header("retry-after"), "10");

    admin
        .post("/admin/api/apps/echo/enable", &Value::Null)
        .await
        .expect(204);
    host.call("echo", json!({})).await.expect(200);
}

#[tokio::test]
async fn every_answer_says_which_request_it_answers_and_where_the_time_went() {
    let host = host_with_echo().await;
    const SENT: &str = "0190f1d2-0000-7000-8000-000000000001";

    let request = host
        .admin()
        .request(reqwest::Method::POST, "/api/sync/echo")
        .header("x-request-id", SENT);
    let answer = host.admin().send(request).await.expect(200);

    assert_eq!(answer.header("x-request-id"), SENT);
    let timing = answer.header("server-timing");
    let names: Vec<&str> = timing
        .split(", ")
        .filter_map(|part| part.split(';').next())
        .collect();
    let durations = ["queue", "cell", "app", "db", "total"];
    assert_eq!(names[..5], durations, "{timing}");
    assert!(names.contains(&"memory"), "{timing}");
    assert!(
        timing.contains("statements;desc=0, rows;desc=0"),
        "{timing}"
    );
}

#[tokio::test]
async fn there_is_nothing_at_other_addresses() {
    let host = Host::start().await;
    let admin = host.admin();

    let missing = admin.get("/api/nothing").await.expect(404);
    assert_eq!(missing.error(), "there is nothing at this address");
    let wrong = admin.get("/api/sync/echo").await.expect(405);
    assert_eq!(wrong.json()["code"], "method_not_allowed");
}

#[tokio::test]
async fn a_browser_calls_with_its_cookie_and_another_site_does_not() {
    let host = host_with_echo().await;
    let cookie = format!("skep_session={}", host.token());
    let call = |site: &'static str| {
        let client: Client = host.anonymous();
        let request = client
            .request(reqwest::Method::POST, "/api/sync/echo")
            .header("cookie", &cookie)
            .header("sec-fetch-site", site)
            .body("{}");
        async move { client.send(request).await }
    };

    call("same-origin").await.expect(200);

    let refused = call("cross-site").await.expect(403);
    assert_eq!(refused.json()["code"], "cross_site");
}

async fn host_with_echo() -> Host {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("echo", "echo")).await;
    host
}

/// A server on which `app` is this guest.
async fn host_with(guest: &str) -> Host {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", guest)).await;
    host
}
