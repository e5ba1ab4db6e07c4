use axum::http::StatusCode;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::config::Config;
use crate::http::testing::{ADMIN_PASSWORD, TestHost};

async fn live_host() -> TestHost {
    TestHost::start_with(Config {
        live: Some("nothing-is-built-here".into()),
        admin_password: Some(ADMIN_PASSWORD.to_owned().into()),
        ..Config::for_tests()
    })
    .await
}

fn key(host: &TestHost) -> String {
    let live = host.services.live.as_ref().unwrap();
    live.key().expose_secret().to_owned()
}

#[test]
fn only_names_of_this_machine_are_answered_to() {
    for host in [
        "127.0.0.1:3000",
        "localhost",
        "localhost:80",
        "[::1]:3000",
        "[::1]",
    ] {
        assert!(super::is_local(host), "{host}");
    }
    for host in [
        "evil.example:3000",
        "127.0.0.1.evil.example",
        "localhost:80@evil.example",
        "evil.example:localhost",
        "",
        "[::2]:3000",
    ] {
        assert!(!super::is_local(host), "{host}");
    }
}

#[tokio::test]
async fn failed_logins_of_others_do_not_close_the_link() {
    let host = live_host().await;
    for _ in 0..6 {
        let wrong = json!({ "username": "admin", "password": "not the password" });
        host.anonymous().post("/api/auth/login", &wrong).await;
    }

    let path = format!("/dev/login?key={}", key(&host));
    assert_eq!(
        host.anonymous().get(&path).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn only_a_server_for_development_has_these_addresses() {
    let host = TestHost::start().await;

    for path in ["/dev/login?key=", "/dev/news"] {
        let answer = host.anonymous().get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_link_logs_in_and_leads_to_the_app() {
    let host = live_host().await;
    let key = key(&host);

    for (more, to) in [("&app=shop", "/apps/shop/"), ("", "/admin/")] {
        let answer = host
            .anonymous()
            .get(&format!("/dev/login?key={key}{more}"))
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.headers["location"], to);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("skep_session="), "{cookie}");
        assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    }
}

#[tokio::test]
async fn a_wrong_link_logs_nobody_in_and_leads_nowhere() {
    let host = live_host().await;
    let key = key(&host);

    for (path, status) in [
        ("/dev/login?key=guess".to_owned(), StatusCode::NOT_FOUND),
        ("/dev/login".to_owned(), StatusCode::BAD_REQUEST),
        (
            format!("/dev/login?key={key}&app=//evil.example"),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let answer = host.anonymous().get(&path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
    let news = host.anonymous().get("/dev/news").await;
    assert_eq!(news.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn pages_under_development_have_the_script_that_loads_them_again() {
    for (host, has) in [(TestHost::start().await, false), (live_host().await, true)] {
        let admin = host.admin().await;
        let page = admin.file("/apps/nothing/").await;

        assert_eq!(page.status, StatusCode::NOT_FOUND);
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        assert_eq!(html.contains("/live.js\" nonce=\""), has, "{html}");
    }
}
