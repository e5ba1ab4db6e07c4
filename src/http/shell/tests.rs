use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::types::Json;

use crate::app::manifest::noderouter;
use crate::http::testing::{File, TestHost};
use crate::ui;

/// An app of which nothing is on this node, with this in its manifest.
async fn elsewhere(host: &TestHost, more: Value) {
    let app = host.live_app("shop").await;
    let mut manifest = json!({ "app_name": "shop", "version": "1.0.0" });
    manifest
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let parsed = noderouter::parse(manifest.to_string().as_bytes()).unwrap();
    sqlx::query("UPDATE releases SET manifest = $2 WHERE app = $1")
        .bind(&app)
        .bind(Json(parsed.manifest))
        .execute(host.services.store.pool())
        .await
        .unwrap();
}

async fn run(host: &TestHost, sql: &'static str) {
    sqlx::query(sql)
        .execute(host.services.store.pool())
        .await
        .unwrap();
}

/// A page that says what the matter is: its status, title, heading and words.
fn said(page: &File) -> (StatusCode, String, String, String) {
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    let part = |begin: &str, end: &str| {
        let (_, rest) = html.split_once(begin).unwrap_or_else(|| panic!("{html}"));
        rest.split(end).next().unwrap().to_owned()
    };
    assert!(!html.contains("class=\"nr-app\""), "{html}");
    (
        page.status,
        part("<title>", "</title>"),
        part("<h1>", "</h1>"),
        part("</h1><p>", "</p>"),
    )
}

#[tokio::test]
async fn an_address_without_its_last_slash_leads_to_the_one_with_it() {
    let host = TestHost::start().await;
    for (from, to) in [
        ("/apps/shop", "/apps/shop/"),
        ("/apps/shop?a=1&b=%2F", "/apps/shop/?a=1&b=%2F"),
    ] {
        let answer = host.anonymous().file(from).await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT, "{from}");
        assert_eq!(answer.headers["location"], to);
    }
    // What is no app's name leads nowhere.
    for from in [
        "/apps/%2F%2Fevil.example",
        "/apps/..%2F..",
        "/apps/a%0d%0ax",
    ] {
        let answer = host.anonymous().file(from).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{from}");
    }
    for from in ["/apps", "/apps/"] {
        let answer = host.anonymous().file(from).await;
        assert_eq!(answer.headers["location"], "/admin/apps", "{from}");
    }
}

#[tokio::test]
async fn who_is_not_logged_in_is_led_to_log_in_and_back() {
    let host = TestHost::start().await;
    elsewhere(&host, json!({})).await;

    let answer = host.anonymous().file("/apps/shop/?tab=2&x=%26").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        answer.headers["location"],
        "/admin/login?next=%2Fapps%2Fshop%2F%3Ftab%3D2%26x%3D%2526"
    );
    let old = host.bearer("no token of ours").file("/apps/shop/").await;
    assert_eq!(old.status, StatusCode::SEE_OTHER);

    // A file is no page to go to.
    let answer = host.anonymous().get("/apps/shop/index.js").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_page_that_cannot_show_its_app_says_why() {
    let host = TestHost::start().await;
    let admin = host.admin().await;

    for path in ["/apps/shop/", "/apps/not%20a%20name/"] {
        let (status, title, heading, _) = said(&admin.file(path).await);
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(title, "There is no such app · Skep");
        assert_eq!(heading, "There is no such app");
    }

    // Another node serves it: this one is about to.
    let hostile = "<script>alert(1)</script> & \u{202e}co";
    elsewhere(&host, json!({ "display_name": hostile })).await;
    let page = admin.file("/apps/shop/").await;
    let (status, title, heading, _) = said(&page);
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        title,
        "&#60;script&#62;alert(1)&#60;/script&#62; &#38; \\u{202e}co · Skep"
    );
    assert_eq!(heading, "This app is getting ready");
    assert_eq!(page.headers["retry-after"], "5");
    assert!(
        page.body
            .windows(18)
            .any(|part| part == b"http-equiv=\"refres")
    );

    run(&host, "UPDATE apps SET active_release = NULL").await;
    run(&host, "UPDATE releases SET state = 'waiting'").await;
    let (status, _, heading, words) = said(&admin.file("/apps/shop/").await);
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(heading, "This app waits for consent");
    assert!(words.starts_with("Release 1 goes live when"), "{words}");

    run(&host, "UPDATE releases SET state = 'refused'").await;
    let (status, _, heading, _) = said(&admin.file("/apps/shop/").await);
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(heading, "This app has never gone live");
}

#[tokio::test]
async fn only_who_may_look_at_a_release_is_led_to_it() {
    let host = TestHost::start().await;
    elsewhere(&host, json!({})).await;
    run(&host, "UPDATE apps SET active_release = NULL").await;
    run(&host, "UPDATE releases SET state = 'waiting'").await;
    let link = "href=\"/admin/apps/shop/releases/1\"";

    for (who, sees) in [
        (host.admin().await, true),
        (host.user("uma", &["sales:read"]).await, false),
    ] {
        let page = who.file("/apps/shop/").await;
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        assert_eq!(html.contains(link), sees, "{html}");
    }
}

#[tokio::test]
async fn whoever_may_not_call_an_app_may_not_see_it() {
    let host = TestHost::start().await;
    elsewhere(&host, json!({ "required_permission": "sales:access" })).await;

    let uma = host.user("uma", &["sales:read"]).await;
    let (status, _, heading, words) = said(&uma.file("/apps/shop/").await);
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(heading, "You may not open this app");
    assert!(words.contains("permission sales:access"), "{words}");

    // A token that may call no app.
    let scopes = json!({ "name": "reads", "scopes": ["skep:read"] });
    let token = host.admin().await.post("/api/tokens", &scopes).await;
    let token = crate::http::testing::text(&token.body["token"]);
    let (status, _, _, words) = said(&host.bearer(&token).file("/apps/shop/").await);
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(words.contains("permission apps:call"), "{words}");
}

#[tokio::test]
async fn every_page_may_load_only_what_is_of_this_host() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let page = admin.file("/apps/shop/").await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        let (_, rest) = policy.split_once("script-src 'nonce-").unwrap();
        let nonce = rest.split('\'').next().unwrap().to_owned();
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; script-src 'nonce-{nonce}' 'self'; script-src-attr 'none'; \
                 style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
                 font-src 'self' data:; media-src 'self' data: blob:; connect-src 'self'; \
                 worker-src 'self' blob:; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'none', \
                 script-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
            )
        );
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["x-frame-options"], "DENY");
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        let scripts = html.matches("<script").count();
        assert_eq!(html.matches(&format!("nonce=\"{nonce}\"")).count(), scripts);
        assert!(!html.contains('{'), "{html}");
        assert!(!html.contains("<style"), "{html}");
        assert!(!seen.contains(&nonce));
        seen.push(nonce);
    }
}

#[tokio::test]
async fn the_layouts_files_are_kept_for_good_under_their_digest() {
    let host = TestHost::start().await;
    let page = host.admin().await.file("/apps/shop/").await;
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    let mut asked = 0;
    for part in html.split("=\"/").skip(1) {
        let path = part.split('"').next().unwrap();
        if !path.starts_with("assets/") && !path.starts_with("static/") {
            continue;
        }
        let answer = host.anonymous().file(&format!("/{path}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let kept = answer.headers["cache-control"].to_str().unwrap();
        assert!(kept.ends_with("immutable"), "{path}: {kept}");
        asked += 1;
    }
    assert!(asked >= 7, "{asked}");

    let digest = ui::SHELL_DIGEST;
    for (path, status) in [
        (format!("/assets/shell/{digest}/layout.html"), 404),
        (format!("/assets/shell/{digest}/nothing.js"), 404),
        ("/assets/shell/0123456789abcdef/shell.js".to_owned(), 200),
    ] {
        assert_eq!(host.anonymous().file(&path).await.status, status, "{path}");
    }
}
