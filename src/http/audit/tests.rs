use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::http::testing::{ADMIN_PASSWORD, PASSWORD, TestHost};

/// What the log holds, newest first: actor, action, subject.
async fn told(host: &TestHost) -> Vec<(String, String, String)> {
    let admin = host.bearer(&host.token_of("admin", ADMIN_PASSWORD).await);
    let answer = admin.get("/api/audit").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let entries = answer.body["entries"].as_array().unwrap();
    entries
        .iter()
        // The login of this very question.
        .skip(1)
        .map(|entry| {
            (
                text(entry, "actor"),
                text(entry, "action"),
                text(entry, "subject"),
            )
        })
        .collect()
}

fn is(actor: &str, action: &str, subject: &str) -> (String, String, String) {
    (actor.to_owned(), action.to_owned(), subject.to_owned())
}

#[tokio::test]
async fn changes_of_users_roles_and_tokens_are_told() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let role = json!({ "permissions": ["sales:read"] });
    admin.put("/admin/api/roles/sales", &role).await;
    let user = json!({ "username": "ben", "password": PASSWORD, "roles": ["sales"] });
    admin.post("/admin/api/users", &user).await;
    admin
        .patch(
            "/admin/api/users/ben",
            &json!({ "enabled": false, "roles": [] }),
        )
        .await;
    let password = json!({ "password": "another password" });
    admin.post("/admin/api/users/ben/password", &password).await;
    admin.delete("/admin/api/users/ben").await;
    admin.delete("/admin/api/roles/sales").await;
    let token = json!({ "name": "reports", "scopes": ["apps:call"] });
    let token = admin.post("/api/tokens", &token).await.body;
    let id = token["id"].as_str().unwrap();
    admin.delete(&format!("/api/tokens/{id}")).await;

    let told = told(&host).await;

    assert_eq!(
        told[..told.len() - 2],
        [
            is("admin", "token.revoke", id),
            is("admin", "token.create", id),
            is("admin", "role.delete", "sales"),
            is("admin", "user.delete", "ben"),
            is("admin", "user.password", "ben"),
            is("admin", "user.update", "ben"),
            is("admin", "user.create", "ben"),
            is("admin", "role.replace", "sales"),
        ]
    );
    assert_eq!(told[told.len() - 1], is("(skep)", "user.create", "admin"));
    assert_eq!(told[told.len() - 2].1, "session.begin");
    let all = host.admin().await.get("/api/audit").await.body.to_string();
    let secret = token["token"].as_str().unwrap();
    for secret in [PASSWORD, ADMIN_PASSWORD, "another password", secret] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_change_that_is_refused_is_not_told() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let before = told(&host).await.len();

    let answer = admin.delete("/admin/api/users/admin").await;

    assert_eq!(answer.status, StatusCode::CONFLICT);
    // One more login, by the question before.
    assert_eq!(told(&host).await.len(), before + 1);
}

#[tokio::test]
async fn logins_are_told_and_names_that_nobody_has_are_not() {
    let host = TestHost::start().await;
    let nobody = host.anonymous();

    nobody.login("admin", "a wrong password").await;
    nobody
        .login("my secret typed into the wrong field", "x")
        .await;

    let told = told(&host).await;
    assert_eq!(told[0], is("(nobody)", "session.refused", "(unknown)"));
    assert_eq!(told[1], is("(nobody)", "session.refused", "admin"));
}

#[tokio::test]
async fn a_token_that_something_is_done_with_is_named() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let token = json!({ "name": "robot", "scopes": ["*"] });
    let token = admin.post("/api/tokens", &token).await.body;
    let robot = host.bearer(token["token"].as_str().unwrap());

    robot
        .put("/admin/api/roles/sales", &json!({ "permissions": [] }))
        .await;

    let answer = admin.get("/api/audit?limit=1").await;
    let entry = &answer.body["entries"][0];
    assert_eq!(entry["actor"], "admin");
    assert_eq!(entry["details"]["token"], token["id"]);
}

#[tokio::test]
async fn only_auditors_read_the_log_and_only_administrators_cut_it() {
    let host = TestHost::start().await;
    let ann = host.user("ann", &["skep:users", "skep:apps"]).await;
    for path in ["/api/audit", "/api/audit/export", "/api/audit/verify"] {
        let answer = ann.get(path).await;
        answer.must_be(
            StatusCode::FORBIDDEN,
            "insufficient permissions: skep:audit required",
        );
    }

    let eve = host.user("eve", &["skep:audit"]).await;
    let verdict = eve.get("/api/audit/verify").await.body;
    assert_eq!(verdict["whole"], true, "{verdict}");
    let cut = json!({ "before": "2030-01-01T00:00:00Z" });
    eve.post("/api/audit/cut", &cut).await.must_be(
        StatusCode::FORBIDDEN,
        "insufficient permissions: * required",
    );

    let noted = format!(
        "{}:{}",
        verdict["good"]["seq"],
        verdict["good"]["hash"].as_str().unwrap()
    );
    let path = format!("/api/audit/verify?noted={noted}");
    assert_eq!(eve.get(&path).await.body["whole"], true);
    let answer = host.admin().await.post("/api/audit/cut", &cut).await;
    assert!(answer.body["removed"].as_u64().unwrap() > 5, "{answer:?}");
    let verdict = eve.get("/api/audit/verify").await.body;
    assert_eq!(verdict["whole"], true, "{verdict}");
}

#[tokio::test]
async fn a_question_that_is_malformed_is_refused() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    for path in [
        "/api/audit?since=yesterday",
        "/api/audit?apps=x",
        "/api/audit/verify?noted=7",
        "/api/audit/verify?noted=7:abc",
    ] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn what_the_database_cannot_hold_is_the_requests_mistake() {
    let host = TestHost::start().await;
    let admin = host.admin().await;

    for answer in [
        admin.get("/api/audit?actor=a%00b").await,
        admin
            .post(
                "/api/notify/subscribe",
                &json!({ "app_name": "shop", "action_name": "a\u{0}b" }),
            )
            .await,
    ] {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        let error = answer.body["error"].as_str().unwrap();
        assert!(error.contains("NUL"), "{error}");
    }
}
