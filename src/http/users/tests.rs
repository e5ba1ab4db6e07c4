use axum::http::Method;
use serde_json::json;

use super::*;
use crate::http::testing::{ADMIN_PASSWORD, PASSWORD, TestHost};

const LAST_ADMINISTRATOR: &str = "this is the last enabled user with the role `admin`: give the \
                                  role to somebody else first";
const ADMIN: &str = "/admin/api/users/admin";
const ANNA: &str = "/admin/api/users/anna";

async fn usernames(host: &TestHost) -> Vec<String> {
    let users = users::list(host.services.store.pool()).await.unwrap();
    users.into_iter().map(|user| user.username).collect()
}

#[tokio::test]
async fn a_user_is_added_shown_changed_and_deleted() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let body = json!({ "username": "anna", "password": PASSWORD });

    let created = admin.post("/admin/api/users", &body).await;

    assert_eq!(created.status, StatusCode::CREATED);
    let anna = json!({
        "username": "anna",
        "enabled": true,
        "roles": ["user"],
        "permissions": [],
        "created_at": "2026-11-21T12:00:00Z",
        "updated_at": "2026-11-21T12:00:00Z",
    });
    assert_eq!(created.body, anna);
    assert_eq!(admin.get("/admin/api/users/ANNA").await.body, anna);
    assert_eq!(admin.get("/admin/api/users").await.body["users"][1], anna);

    let change = json!({ "enabled": false, "roles": ["user", "admin", "user"] });
    let changed = admin.patch(ANNA, &change).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(changed.body["enabled"], false);
    assert_eq!(changed.body["roles"], json!(["admin", "user"]));
    assert_eq!(changed.body["permissions"], json!(["*"]));
    assert_eq!(admin.patch(ANNA, &json!({})).await.body, changed.body);

    let deleted = admin.delete(ANNA).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(usernames(&host).await, ["admin"]);
}

#[tokio::test]
async fn an_unsuitable_new_user_is_refused_and_not_added() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    for (body, status, error) in [
        (
            json!({ "username": "ADMIN", "password": PASSWORD }),
            StatusCode::CONFLICT,
            "there is a user `ADMIN` already",
        ),
        (
            json!({ "username": "anna", "password": "short" }),
            StatusCode::BAD_REQUEST,
            "the password is too short: use at least 10 characters",
        ),
        (
            json!({ "username": "anna", "password": PASSWORD, "roles": ["user", "bees"] }),
            StatusCode::BAD_REQUEST,
            "no such role: `bees`",
        ),
        (
            json!({ "username": "a b", "password": PASSWORD }),
            StatusCode::BAD_REQUEST,
            "the body does not fit: invalid username `a b`: use 1 to 64 of a-z, A-Z, 0-9, `.`, \
             `_`, `@` and `-`, beginning with a letter or digit at line 1 column 17",
        ),
        (
            json!({ "username": "anna", "password": PASSWORD, "role": "admin" }),
            StatusCode::BAD_REQUEST,
            "the body does not fit: unknown field `role`, expected one of `username`, `password`, \
             `roles`, `enabled` at line 1 column 53",
        ),
    ] {
        let answer = admin.post("/admin/api/users", &body).await;

        answer.must_be(status, error);
        assert_eq!(usernames(&host).await, ["admin"]);
    }
}

#[tokio::test]
async fn the_last_administrator_cannot_be_lost() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    // Has the role, but cannot log in.
    let _ = host.user("anna", &[]).await;
    let change = json!({ "roles": ["admin"], "enabled": false });
    admin.patch(ANNA, &change).await;

    let disabled = admin.patch(ADMIN, &json!({ "enabled": false })).await;
    disabled.must_be(StatusCode::CONFLICT, LAST_ADMINISTRATOR);
    let stripped = admin.patch(ADMIN, &json!({ "roles": ["user"] })).await;
    stripped.must_be(StatusCode::CONFLICT, LAST_ADMINISTRATOR);
    let deleted = admin.delete(ADMIN).await;
    deleted.must_be(StatusCode::CONFLICT, LAST_ADMINISTRATOR);

    let after = admin.get(ADMIN).await;
    assert_eq!(after.body["enabled"], true);
    assert_eq!(after.body["roles"], json!(["admin"]));

    admin.patch(ANNA, &json!({ "enabled": true })).await;
    assert_eq!(admin.delete(ADMIN).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn of_two_administrators_who_are_stripped_at_once_one_remains() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let _ = host.user("anna", &[]).await;
    admin.patch(ANNA, &json!({ "roles": ["admin"] })).await;
    let pool = host.services.store.pool();
    let anna = users::find(pool, "anna").await.unwrap().unwrap();

    let mut other = pool.begin().await.unwrap();
    users::lock_rights(&mut other).await.unwrap();
    users::set_roles(&mut other, anna.id, &[], anna.updated_at)
        .await
        .unwrap();
    let no_roles = json!({ "roles": [] });
    let strip = admin.patch(ADMIN, &no_roles);
    let commit = async {
        until_somebody_waits(pool).await;
        other.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(strip, commit);

    answer.must_be(StatusCode::CONFLICT, LAST_ADMINISTRATOR);
    assert!(users::has_administrator(pool).await.unwrap());
}

/// Returns when a statement waits for a lock; or, should none ever, after a while.
async fn until_somebody_waits(pool: &sqlx::PgPool) {
    for _ in 0..2000 {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (
                 SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'
             )",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        if waits {
            return;
        }
    }
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_stays_out() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let anna = host.user("anna", &[]).await;
    let token = anna
        .post("/api/tokens", &json!({ "name": "ci", "scopes": ["*"] }))
        .await;
    let by_token = host.bearer(token.body["token"].as_str().unwrap());
    assert_eq!(anna.get("/api/auth/me").await.status, StatusCode::OK);
    assert_eq!(by_token.get("/api/auth/me").await.status, StatusCode::OK);

    admin.patch(ANNA, &json!({ "enabled": false })).await;

    for client in [&anna, &by_token] {
        let answer = client.get("/api/auth/me").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }

    // Enabled again, the tokens are good, but the old sessions are not.
    admin.patch(ANNA, &json!({ "enabled": true })).await;
    assert_eq!(
        anna.get("/api/auth/me").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(by_token.get("/api/auth/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_deleted_users_credentials_are_void() {
    let host = TestHost::start().await;
    let anna = host.user("anna", &[]).await;
    assert_eq!(anna.get("/api/auth/me").await.status, StatusCode::OK);

    host.admin().await.delete(ANNA).await;

    assert_eq!(
        anna.get("/api/auth/me").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn taking_a_role_takes_effect_at_once() {
    let host = TestHost::start().await;
    let anna = host.user("anna", &["skep:users"]).await;
    assert_eq!(anna.get("/admin/api/users").await.status, StatusCode::OK);

    let admin = host.admin().await;
    admin.patch(ANNA, &json!({ "roles": [] })).await;

    anna.get("/admin/api/users").await.must_be(
        StatusCode::FORBIDDEN,
        "insufficient permissions: skep:users required",
    );
}

#[tokio::test]
async fn a_reset_password_ends_the_sessions() {
    let host = TestHost::start().await;
    let anna = host.user("anna", &[]).await;
    let admin = host.admin().await;
    let path = "/admin/api/users/anna/password";

    let short = admin.post(path, &json!({ "password": "short" })).await;
    short.must_be(
        StatusCode::BAD_REQUEST,
        "the password is too short: use at least 10 characters",
    );
    assert_eq!(anna.get("/api/auth/me").await.status, StatusCode::OK);

    let new = json!({ "password": "quite another one" });
    assert_eq!(admin.post(path, &new).await.status, StatusCode::NO_CONTENT);

    assert_eq!(
        anna.get("/api/auth/me").await.status,
        StatusCode::UNAUTHORIZED
    );
    host.token_of("anna", "quite another one").await;
}

#[tokio::test]
async fn an_unknown_user_is_not_found() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let path = "/admin/api/users/nobody";
    let password = json!({ "password": PASSWORD });

    for answer in [
        admin.get(path).await,
        admin.patch(path, &json!({ "enabled": true })).await,
        admin.delete(path).await,
        admin
            .post("/admin/api/users/nobody/password", &password)
            .await,
    ] {
        answer.must_be(StatusCode::NOT_FOUND, "no such user: `nobody`");
    }
}

#[tokio::test]
async fn whoever_may_manage_users_gains_nothing_by_it() {
    let host = TestHost::start().await;
    let operator = host.user("operator", &["skep:users", "sales:*"]).await;
    let everything = "insufficient permissions: * required";
    let admin_user = json!({ "username": "eve", "password": PASSWORD, "roles": ["admin"] });
    let roles = json!({ "roles": ["operator", "admin"] });
    let password = json!({ "password": "quite another one" });

    for answer in [
        operator.post("/admin/api/users", &admin_user).await,
        operator.patch("/admin/api/users/operator", &roles).await,
        operator.patch(ADMIN, &json!({ "enabled": false })).await,
        operator
            .post("/admin/api/users/admin/password", &password)
            .await,
        operator.delete(ADMIN).await,
    ] {
        answer.must_be(StatusCode::FORBIDDEN, everything);
    }
    assert_eq!(usernames(&host).await, ["admin", "operator"]);
    host.token_of("admin", ADMIN_PASSWORD).await;

    let user = json!({ "username": "bert", "password": PASSWORD, "roles": ["operator"] });
    let answer = operator.post("/admin/api/users", &user).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn managing_users_needs_the_permission() {
    let host = TestHost::start().await;
    let anna = host
        .user("anna", &["skep:apps", "skep:read", "sales:*"])
        .await;
    let anonymous = host.anonymous();
    let body = || Some(json!({ "username": "eve", "password": PASSWORD }).to_string());

    for (method, path) in [
        (Method::GET, "/admin/api/users"),
        (Method::POST, "/admin/api/users"),
        (Method::GET, ADMIN),
        (Method::PATCH, ADMIN),
        (Method::DELETE, ADMIN),
        (Method::POST, "/admin/api/users/admin/password"),
        (Method::GET, "/admin/api/roles"),
        (Method::POST, "/admin/api/roles"),
        (Method::PUT, "/admin/api/roles/user"),
        (Method::DELETE, "/admin/api/roles/anna"),
        (Method::GET, "/admin/api/tokens"),
        (Method::DELETE, "/admin/api/tokens/x"),
    ] {
        let answer = anna.send(method.clone(), path, body()).await;
        answer.must_be(
            StatusCode::FORBIDDEN,
            "insufficient permissions: skep:users required",
        );
        let answer = anonymous.send(method, path, body()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(usernames(&host).await, ["admin", "anna"]);
}

#[test]
fn no_password_is_seen_in_debug_output() {
    let new: NewUserBody =
        serde_json::from_str(r#"{"username":"anna","password":"hunter2hunter2"}"#).unwrap();
    let reset: NewPassword = serde_json::from_str(r#"{"password":"hunter2hunter2"}"#).unwrap();

    assert!(!format!("{new:?} {reset:?}").contains("hunter2"));
}
