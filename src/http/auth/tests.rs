use axum::http::Method;
use serde_json::{Value, json};

use super::*;
use crate::auth::Auth;
use crate::config::Config;
use crate::http::testing::{ADMIN_PASSWORD, Answer, Client, PASSWORD, TestHost, text};
use crate::ids::SessionId;
use crate::services::HostKey;

const NOT_LOGGED_IN: &str =
    "not logged in: send `Authorization: Bearer TOKEN`, or log in at `POST /api/auth/login`";

async fn count(host: &TestHost, table: &'static str) -> i64 {
    let sql = match table {
        "sessions" => "SELECT count(*) FROM sessions",
        "login_failures" => "SELECT count(*) FROM login_failures",
        other => panic!("{other}"),
    };
    sqlx::query_scalar(sql)
        .fetch_one(host.services.store.pool())
        .await
        .unwrap()
}

async fn is_let_in(client: &Client<'_>) -> bool {
    let answer = client.get("/api/auth/me").await;
    match answer.status {
        StatusCode::OK => true,
        StatusCode::UNAUTHORIZED => {
            answer.must_be(StatusCode::UNAUTHORIZED, NOT_LOGGED_IN);
            false
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_login_gives_a_token_and_a_cookie() {
    let host = TestHost::start().await;

    let answer = host.anonymous().login("Admin", ADMIN_PASSWORD).await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["expires_at"], "2026-11-22T00:00:00Z");
    let token = text(&answer.body["token"]);
    assert_eq!(
        answer.headers["set-cookie"],
        format!("skep_session={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=43200")
    );
    assert_eq!(answer.headers["cache-control"], "no-store");

    let me = host.bearer(&token).get("/api/auth/me").await;
    assert_eq!(
        me.body,
        json!({
            "username": "admin",
            "roles": ["admin"],
            "permissions": ["*"],
            "via": "session",
            "expires_at": "2026-11-22T00:00:00Z",
        })
    );
    let cookie = format!("a=b; skep_session={token}");
    let by_cookie = host.anonymous().with("cookie", &cookie);
    assert_eq!(by_cookie.get("/api/auth/me").await.body, me.body);
}

#[tokio::test]
async fn behind_https_the_cookie_is_for_https_only() {
    let host = TestHost::start_with(Config {
        secure_cookies: true,
        ..Config::for_tests()
    })
    .await;

    let answer = host.anonymous().login("admin", ADMIN_PASSWORD).await;

    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; Secure"), "{cookie}");
}

#[tokio::test]
async fn every_failed_login_reads_the_same_and_begins_no_session() {
    let host = TestHost::start().await;
    let _ = host.user("anna", &[]).await;
    host.admin()
        .await
        .patch("/admin/api/users/anna", &json!({ "enabled": false }))
        .await;
    let sessions = count(&host, "sessions").await;

    for (username, password) in [
        ("admin", "not the password"),
        ("admin", ""),
        ("nobody", ADMIN_PASSWORD),
        ("not a username", ADMIN_PASSWORD),
        ("", ""),
        // Disabled.
        ("anna", PASSWORD),
        ("admin", &"x".repeat(2000)),
    ] {
        let answer = host.anonymous().login(username, password).await;

        answer.must_be(StatusCode::UNAUTHORIZED, "wrong username or password");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(count(&host, "sessions").await, sessions);
}

#[tokio::test]
async fn a_login_body_with_anything_else_is_refused() {
    let host = TestHost::start().await;
    for (body, error) in [
        (
            r#"{"username":"admin"}"#,
            "the body does not fit: missing field `password` at line 1 column 20",
        ),
        (
            r#"{"username":"a","password":"b","remember":true}"#,
            "the body does not fit: unknown field `remember`, expected `username` or `password` \
             at line 1 column 41",
        ),
        (
            r#"{"username"#,
            "the body is not valid JSON: EOF while parsing a string at line 1 column 10",
        ),
    ] {
        let answer = host
            .anonymous()
            .send(Method::POST, "/api/auth/login", Some(body.to_owned()))
            .await;

        answer.must_be(StatusCode::BAD_REQUEST, error);
    }
    assert_eq!(count(&host, "login_failures").await, 0);
}

#[tokio::test]
async fn a_username_that_failed_five_times_is_refused_even_with_its_password() {
    let host = TestHost::start().await;
    for _ in 0..5 {
        let answer = host.anonymous().login("ADMIN", "not the password").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    host.services
        .clock
        .advance(std::time::Duration::from_secs(300));

    let elsewhere = host.anonymous().at([10, 0, 0, 2]);
    let answer = elsewhere.login("admin", ADMIN_PASSWORD).await;

    answer.must_be(
        StatusCode::TOO_MANY_REQUESTS,
        "too many failed logins: try again in 600 s",
    );
    assert_eq!(answer.headers["retry-after"], "600");
    assert_eq!(count(&host, "sessions").await, 0);

    host.services
        .clock
        .advance(std::time::Duration::from_secs(600));
    let answer = elsewhere.login("admin", ADMIN_PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_disabled_users_password_counts_as_a_wrong_one() {
    let host = TestHost::start().await;
    let _ = host.user("anna", &[]).await;
    let admin = host.admin().await;
    let disabled = json!({ "enabled": false });
    admin.patch("/admin/api/users/anna", &disabled).await;
    for _ in 0..5 {
        host.anonymous()
            .login("anna", PASSWORD)
            .await
            .must_be(StatusCode::UNAUTHORIZED, "wrong username or password");
    }

    let answer = host.anonymous().login("anna", PASSWORD).await;

    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_success_forgives_the_usernames_failures() {
    let host = TestHost::start().await;
    for _ in 0..3 {
        for _ in 0..4 {
            host.anonymous().login("admin", "not the password").await;
        }
        let answer = host.anonymous().login("admin", ADMIN_PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_address_that_failed_twenty_times_locks_out_nobody_but_itself() {
    let host = TestHost::start().await;
    for number in 0..20 {
        let answer = host
            .anonymous()
            .login(&format!("guess{number}"), "not the password")
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }

    for _ in 0..6 {
        let answer = host.anonymous().login("admin", ADMIN_PASSWORD).await;
        answer.must_be(
            StatusCode::TOO_MANY_REQUESTS,
            "too many failed logins: try again in 900 s",
        );
    }

    let elsewhere = host.anonymous().at([10, 0, 0, 2]);
    let answer = elsewhere.login("admin", ADMIN_PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_chooses_its_address_only_if_the_operator_says_so() {
    for (trust_forwarded_for, blocked) in [(false, true), (true, false)] {
        let host = TestHost::start_with(Config {
            trust_forwarded_for,
            ..Config::for_tests()
        })
        .await;
        for number in 0..20 {
            host.anonymous()
                .with("x-forwarded-for", &format!("10.1.0.{number}"))
                .login(&format!("guess{number}"), "not the password")
                .await;
        }

        let answer = host.anonymous().login("admin", ADMIN_PASSWORD).await;

        let is_blocked = answer.status == StatusCode::TOO_MANY_REQUESTS;
        assert_eq!(is_blocked, blocked);
    }
}

#[tokio::test]
async fn guesses_made_at_once_get_no_more_attempts_than_one_after_the_other() {
    let host = TestHost::start().await;
    let client = host.anonymous();

    let guesses = (0..16).map(|_| client.login("admin", "not the password"));
    let answers: Vec<Answer> = futures_util::future::join_all(guesses).await;

    let made = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::UNAUTHORIZED)
        .count();
    assert_eq!(made, 5);
}

#[tokio::test]
async fn logins_made_at_once_with_the_right_password_all_succeed() {
    let host = TestHost::start().await;
    let client = host.anonymous();

    let logins = (0..16).map(|_| client.login("admin", ADMIN_PASSWORD));

    for answer in futures_util::future::join_all(logins).await {
        assert_eq!(answer.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn without_a_good_credential_nobody_is_let_in() {
    let host = TestHost::start().await;
    let foreign_key = Auth::new(
        host.services.store.clone(),
        host.services.clock.clone(),
        host.services.entropy.clone(),
        &HostKey::from_bytes([8; 32]),
        time::Duration::HOUR,
    );
    let forged = foreign_key
        .login("admin", ADMIN_PASSWORD.into(), [10, 0, 0, 1].into())
        .await
        .unwrap();

    assert!(!is_let_in(&host.anonymous()).await);
    assert!(!is_let_in(&host.bearer(forged.token.expose_secret())).await);
    assert!(!is_let_in(&host.bearer("nonsense")).await);
    assert!(!is_let_in(&host.bearer("skep_nonsense")).await);
    assert!(!is_let_in(&host.bearer("")).await);
    let basic = host.anonymous().with("authorization", "Basic YTpi");
    assert!(!is_let_in(&basic).await);
    let cookie = host.anonymous().with("cookie", "skep_session=nonsense");
    assert!(!is_let_in(&cookie).await);

    let answer = host.anonymous().get("/api/auth/me").await;
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn a_bad_bearer_token_is_not_made_up_for_by_a_good_cookie() {
    let host = TestHost::start().await;
    let token = host.token_of("admin", ADMIN_PASSWORD).await;
    let cookie = format!("skep_session={token}");

    let both = host.bearer("nonsense").with("cookie", &cookie);
    assert!(!is_let_in(&both).await);
    let basic = host
        .anonymous()
        .with("authorization", "Basic YTpi")
        .with("cookie", &cookie);
    assert!(is_let_in(&basic).await);
}

#[tokio::test]
async fn a_session_ends_when_it_expires_even_while_it_is_remembered() {
    let host = TestHost::start().await;
    let client = host.admin().await;
    assert!(is_let_in(&client).await);

    host.services
        .clock
        .advance(std::time::Duration::from_secs(12 * 3600));

    assert!(!is_let_in(&client).await);
}

#[tokio::test]
async fn logging_out_ends_this_session_and_no_other() {
    let host = TestHost::start().await;
    let client = host.admin().await;
    let other = host.admin().await;

    let answer = client.post("/api/auth/logout", &Value::Null).await;

    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(
        answer.headers["set-cookie"],
        "skep_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
    );
    assert!(!is_let_in(&client).await);
    assert!(is_let_in(&other).await);
}

#[tokio::test]
async fn what_another_node_ended_is_over_for_those_who_look() {
    let host = TestHost::start().await;
    let token = host.token_of("admin", ADMIN_PASSWORD).await;
    let other = host.another_node();
    let identity = other.auth.identify(&token).await.unwrap();

    host.services
        .auth
        .logout(&identity, identity.session().unwrap())
        .await
        .unwrap();

    // Remembered for the moment, by design; see `auth::cache` for how long.
    assert!(other.auth.identify(&token).await.is_ok());
    other.auth.forget();
    assert!(other.auth.identify(&token).await.is_err());
}

#[tokio::test]
async fn a_session_is_its_users_only() {
    let host = TestHost::start().await;
    let token = host.token_of("admin", ADMIN_PASSWORD).await;
    let session = host.services.auth.identify(&token).await.unwrap();
    host.services.auth.forget();
    let anna = host.user("anna", &[]).await;
    drop(anna);

    sqlx::query(
        "UPDATE sessions
         SET user_id = (SELECT id FROM users WHERE username = 'anna')
         WHERE id = $1",
    )
    .bind::<SessionId>(session.session().unwrap())
    .execute(host.services.store.pool())
    .await
    .unwrap();
    host.services.auth.forget();

    assert!(!is_let_in(&host.bearer(&token)).await);
}

#[tokio::test]
async fn a_cookie_from_another_site_changes_nothing() {
    let host = TestHost::start().await;
    let token = host.token_of("admin", ADMIN_PASSWORD).await;
    let cookie = format!("skep_session={token}");
    let browser = || {
        host.anonymous()
            .with("cookie", &cookie)
            .with("host", "skep.example")
    };
    let refused = "cross-site request refused: send it from Skep's own pages, or with a bearer \
                   token";

    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
    ] {
        let answer = browser()
            .with(header, value)
            .post("/api/auth/logout", &Value::Null)
            .await;
        answer.must_be(StatusCode::FORBIDDEN, refused);
        assert!(is_let_in(&browser()).await);
    }

    // A foreign page cannot make a browser send a bearer token.
    let bearer = host.bearer(&token).with("sec-fetch-site", "cross-site");
    let answer = bearer.post("/api/auth/logout", &Value::Null).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_cookie_from_our_own_page_may_change_things() {
    for (header, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", "http://skep.example"),
        ("x-neither", "not a browser"),
    ] {
        let host = TestHost::start().await;
        let token = host.token_of("admin", ADMIN_PASSWORD).await;
        let answer = host
            .anonymous()
            .with("cookie", &format!("skep_session={token}"))
            .with("host", "skep.example")
            .with(header, value)
            .post("/api/auth/logout", &Value::Null)
            .await;

        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{header}");
        assert!(!is_let_in(&host.bearer(&token)).await);
    }
}

#[tokio::test]
async fn another_site_logs_nobody_in() {
    let host = TestHost::start().await;

    let answer = host
        .anonymous()
        .with("sec-fetch-site", "cross-site")
        .login("admin", ADMIN_PASSWORD)
        .await;

    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.body["code"], "cross_site");
    assert_eq!(count(&host, "sessions").await, 0);
}

#[tokio::test]
async fn changing_the_password_ends_the_other_sessions() {
    let host = TestHost::start().await;
    let client = host.admin().await;
    let other = host.admin().await;
    let new = "quite another one";
    let body = json!({ "old_password": ADMIN_PASSWORD, "new_password": new });

    let answer = client.post("/api/auth/password", &body).await;

    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(is_let_in(&client).await);
    assert!(!is_let_in(&other).await);
    let with_old = host.anonymous().login("admin", ADMIN_PASSWORD).await;
    assert_eq!(with_old.status, StatusCode::UNAUTHORIZED);
    let with_new = host.anonymous().login("admin", new).await;
    assert_eq!(with_new.status, StatusCode::OK);
}

#[tokio::test]
async fn a_password_is_not_changed_without_the_old_one_or_to_a_bad_one() {
    let host = TestHost::start().await;
    let client = host.admin().await;
    let change = async |old: &str, new: &str| {
        let body = json!({ "old_password": old, "new_password": new });
        client.post("/api/auth/password", &body).await
    };

    change("not the password", "quite another one")
        .await
        .must_be(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the old password is wrong",
        );
    change(ADMIN_PASSWORD, "short").await.must_be(
        StatusCode::BAD_REQUEST,
        "the password is too short: use at least 10 characters",
    );
    change(ADMIN_PASSWORD, &"x".repeat(1025)).await.must_be(
        StatusCode::BAD_REQUEST,
        "the password is too long: use at most 1024 bytes",
    );
    assert!(is_let_in(&host.admin().await).await);

    for _ in 0..5 {
        change("not the password", "quite another one").await;
    }
    let answer = change(ADMIN_PASSWORD, "quite another one").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_login_that_a_disabling_overtakes_begins_no_session() {
    let host = TestHost::start().await;
    let user = crate::store::users::find_login(host.services.store.pool(), "admin")
        .await
        .unwrap()
        .unwrap();
    let session = |password_hash| crate::store::sessions::NewSession {
        id: SessionId(host.services.entropy.id(&host.services.clock)),
        user: user.id,
        password_hash,
        now: host.services.clock.now(),
        expires_at: host.services.clock.now() + time::Duration::HOUR,
    };
    let other_hash = SecretString::from("what the password was before");
    let pool = host.services.store.pool();

    let stale = crate::store::sessions::insert(pool, &session(&other_hash)).await;
    assert!(!stale.unwrap());
    let current = crate::store::sessions::insert(pool, &session(&user.password_hash)).await;
    assert!(current.unwrap());
    assert_eq!(count(&host, "sessions").await, 1);
}

#[tokio::test]
async fn old_sessions_and_failures_are_cleared_away() {
    let host = TestHost::start().await;
    let _ = host.admin().await;
    host.anonymous().login("nobody", "not the password").await;
    host.services
        .clock
        .advance(std::time::Duration::from_secs(13 * 3600));

    let _ = host.admin().await;

    assert_eq!(count(&host, "sessions").await, 1);
    // The address's, with no failure in it.
    assert_eq!(count(&host, "login_failures").await, 1);
}

#[test]
fn no_secret_is_seen_in_debug_output() {
    let login: LoginBody =
        serde_json::from_str(r#"{"username":"anna","password":"hunter2hunter2"}"#).unwrap();
    let change: PasswordChange =
        serde_json::from_str(r#"{"old_password":"hunter2a","new_password":"hunter2b"}"#).unwrap();

    let debug = format!("{login:?} {change:?}");

    assert!(debug.contains("anna"));
    assert!(!debug.contains("hunter2"), "{debug}");
}
