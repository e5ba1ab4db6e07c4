use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::Request;
use serde_json::{Value, json};

use super::*;
use crate::http::auth::extract::{AppsCaller, AppsOperator};
use crate::http::testing::{Answer, Client, TestHost, text};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn create_with(client: &Client<'_>, body: &Value) -> Answer {
    client.post("/api/tokens", body).await
}

async fn created(client: &Client<'_>, scopes: &[&str]) -> (String, String) {
    let answer = create_with(client, &json!({ "name": "ci", "scopes": scopes })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
    (text(&answer.body["token"]), text(&answer.body["id"]))
}

async fn count(host: &TestHost) -> usize {
    let tokens = tokens::list(host.services.store.pool(), None).await;
    tokens.unwrap().len()
}

#[tokio::test]
async fn a_token_is_shown_once_and_kept_as_a_digest() {
    let host = TestHost::start().await;
    let anna = host.user("anna", &["sales:read"]).await;

    let answer = create_with(&anna, &json!({ "name": "ci", "scopes": ["sales:read"] })).await;

    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let mut about = answer.body.clone();
    let secret = text(&about.as_object_mut().unwrap().remove("token").unwrap());
    assert_eq!(about["username"], "anna");
    assert_eq!(about["scopes"], json!(["sales:read"]));
    assert_eq!(about["expires_at"], "2027-02-19T12:00:00Z");

    let listed = anna.get("/api/tokens").await;
    assert_eq!(listed.body, json!({ "tokens": [about] }));
    let row: String = sqlx::query_scalar("SELECT to_jsonb(tokens)::text FROM tokens")
        .fetch_one(host.services.store.pool())
        .await
        .unwrap();
    assert!(!row.contains(&secret), "{row}");

    let me = host.bearer(&secret).get("/api/auth/me").await;
    assert_eq!(me.body["via"], "token");
    assert_eq!(me.body["username"], "anna");
    assert_eq!(me.body["scopes"], json!(["sales:read"]));
}

#[tokio::test]
async fn a_token_lasts_as_long_as_asked() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    for (body, expires_at) in [
        (
            json!({ "name": "ci", "scopes": ["*"], "expires_in_days": 1 }),
            json!("2026-11-22T12:00:00Z"),
        ),
        (
            json!({ "name": "ci", "scopes": ["*"], "never_expires": true }),
            Value::Null,
        ),
    ] {
        let answer = create_with(&admin, &body).await;
        assert_eq!(answer.body["expires_at"], expires_at);
    }
}

#[tokio::test]
async fn an_unsuitable_token_is_refused_and_not_made() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    for (body, error) in [
        (
            json!({ "name": "ci", "scopes": ["*"], "expires_in_days": 0 }),
            "a token lasts 1 to 366 days, or has `never_expires` set",
        ),
        (
            json!({ "name": "ci", "scopes": ["*"], "expires_in_days": 367 }),
            "a token lasts 1 to 366 days, or has `never_expires` set",
        ),
        (
            json!({ "name": "ci", "scopes": ["*"], "expires_in_days": 1, "never_expires": true }),
            "`expires_in_days` and `never_expires` exclude each other",
        ),
        (
            json!({ "name": "", "scopes": ["*"] }),
            "a token's name has 1 to 100 characters, none of them a control character",
        ),
        (
            json!({ "name": "ci", "scopes": [] }),
            "a token needs 1 to 64 scopes: permissions such as `sales:read`, `apps:call` to call \
             apps, or `*` for all that its user may",
        ),
        (
            json!({ "name": "ci", "scopes": ["all"] }),
            "the body does not fit: invalid permission `all`: write `resource:verb` in lower \
             case, such as `sales:read` or `sales:*`, or `*` for everything (at most 128 \
             characters) at line 1 column 29",
        ),
        (
            json!({ "name": "ci", "scopes": ["*"], "user": "bert" }),
            "the body does not fit: unknown field `user`, expected one of `name`, `scopes`, \
             `expires_in_days`, `never_expires` at line 1 column 34",
        ),
    ] {
        let answer = create_with(&admin, &body).await;

        answer.must_be(StatusCode::BAD_REQUEST, error);
        assert_eq!(count(&host).await, 0);
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_even_while_it_is_remembered() {
    let host = TestHost::start().await;
    let body = json!({ "name": "ci", "scopes": ["*"], "expires_in_days": 1 });
    let answer = create_with(&host.admin().await, &body).await;
    let client = host.bearer(answer.body["token"].as_str().unwrap());
    assert_eq!(client.get("/api/auth/me").await.status, StatusCode::OK);

    host.services.clock.advance(DAY);

    let answer = client.get("/api/auth/me").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_and_stays_listed() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let (secret, id) = created(&admin, &["*"]).await;
    let client = host.bearer(&secret);
    assert_eq!(client.get("/api/auth/me").await.status, StatusCode::OK);

    let answer = admin.delete(&format!("/api/tokens/{id}")).await;

    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let answer = client.get("/api/auth/me").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let listed = admin.get("/api/tokens").await;
    assert_eq!(
        listed.body["tokens"][0]["revoked_at"],
        "2026-11-21T12:00:00Z"
    );
}

#[tokio::test]
async fn a_token_may_no_more_than_its_scopes() {
    let host = TestHost::start().await;
    let (secret, _) = created(&host.admin().await, &["skep:apps"]).await;
    let client = host.bearer(&secret);

    client.get("/admin/api/users").await.must_be(
        StatusCode::FORBIDDEN,
        "insufficient permissions: skep:users required",
    );

    let mut parts = Request::get("/")
        .header("authorization", format!("Bearer {secret}"))
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let operator = AppsOperator::from_request_parts(&mut parts, &host.services).await;
    assert_eq!(operator.unwrap().username, "admin");
    let caller = AppsCaller::from_request_parts(&mut parts, &host.services).await;
    assert_eq!(
        caller.unwrap_err().to_string(),
        "insufficient permissions: apps:call required"
    );
}

#[tokio::test]
async fn a_token_makes_none_that_is_wider_or_outlives_it() {
    let host = TestHost::start().await;
    let (secret, _) = created(&host.admin().await, &["sales:*"]).await;
    let client = host.bearer(&secret);

    for scope in ["*", "apps:call"] {
        let answer = create_with(&client, &json!({ "name": "x", "scopes": [scope] })).await;
        answer.must_be(
            StatusCode::FORBIDDEN,
            &format!("insufficient permissions: {scope} required"),
        );
    }
    for longer in [
        json!({ "name": "x", "scopes": ["sales:read"], "expires_in_days": 91 }),
        json!({ "name": "x", "scopes": ["sales:read"], "never_expires": true }),
    ] {
        create_with(&client, &longer).await.must_be(
            StatusCode::BAD_REQUEST,
            "a token cannot make one that outlives it: log in with a password, or ask for less \
             time",
        );
    }
    assert_eq!(count(&host).await, 1);

    let within = json!({ "name": "x", "scopes": ["sales:read"], "expires_in_days": 7 });
    let answer = create_with(&client, &within).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_token_revokes_none_that_is_wider_than_itself() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let (narrow, narrow_id) = created(&admin, &["sales:read"]).await;
    let (wide, wide_id) = created(&admin, &["*"]).await;
    let client = host.bearer(&narrow);

    let answer = client.delete(&format!("/api/tokens/{wide_id}")).await;
    answer.must_be(
        StatusCode::FORBIDDEN,
        "insufficient permissions: * required",
    );
    let me = host.bearer(&wide).get("/api/auth/me").await;
    assert_eq!(me.status, StatusCode::OK);

    let answer = client.delete(&format!("/api/tokens/{narrow_id}")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn other_peoples_tokens_are_for_those_who_manage_users() {
    let host = TestHost::start().await;
    let anna = host.user("anna", &[]).await;
    let bert = host.user("bert", &["skep:users"]).await;
    let (secret, id) = created(&anna, &["*"]).await;

    let answer = bert.delete(&format!("/api/tokens/{id}")).await;
    answer.must_be(StatusCode::NOT_FOUND, &format!("no such token: `{id}`"));
    let answer = bert.delete("/api/tokens/nonsense").await;
    answer.must_be(StatusCode::NOT_FOUND, "no such token: `nonsense`");
    assert_eq!(bert.get("/api/tokens").await.body, json!({ "tokens": [] }));
    let me = host.bearer(&secret).get("/api/auth/me").await;
    assert_eq!(me.status, StatusCode::OK);

    let listed = bert.get("/admin/api/tokens").await;
    assert_eq!(listed.body["tokens"][0]["username"], "anna");
    let answer = bert.delete(&format!("/admin/api/tokens/{id}")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let me = host.bearer(&secret).get("/api/auth/me").await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_last_use_is_known_to_the_minute() {
    let host = TestHost::start().await;
    let (secret, _) = created(&host.admin().await, &["*"]).await;
    let client = host.bearer(&secret);
    let last_use = async || {
        host.services.auth.forget();
        let listed = client.get("/api/tokens").await;
        listed.body["tokens"][0]["last_used_at"].clone()
    };

    assert_eq!(last_use().await, "2026-11-21T12:00:00Z");
    host.services.clock.advance(Duration::from_secs(59));
    assert_eq!(last_use().await, "2026-11-21T12:00:00Z");
    host.services.clock.advance(Duration::from_secs(1));
    assert_eq!(last_use().await, "2026-11-21T12:01:00Z");
}

#[tokio::test]
async fn a_token_is_not_logged_out() {
    let host = TestHost::start().await;
    let (secret, _) = created(&host.admin().await, &["*"]).await;
    let client = host.bearer(&secret);

    let answer = client.post("/api/auth/logout", &Value::Null).await;

    answer.must_be(
        StatusCode::BAD_REQUEST,
        "this is an API token, not a session: end it with `DELETE /api/tokens/{id}`",
    );
    assert_eq!(client.get("/api/auth/me").await.status, StatusCode::OK);
}
