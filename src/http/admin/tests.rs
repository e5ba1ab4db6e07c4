use axum::http::StatusCode;

use crate::http::testing::TestHost;
use crate::ui;

fn nonce(policy: &str) -> String {
    let (_, rest) = policy.split_once("script-src 'nonce-").unwrap();
    rest.split('\'').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_page_may_load_only_what_carries_its_nonce() {
    let host = TestHost::start().await;
    let mut seen = Vec::new();
    for path in [
        "/admin/",
        "/admin/apps",
        "/admin/apps/a/releases/1",
        "/admin/login",
    ] {
        let answer = host.anonymous().file(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-frame-options"], "DENY");

        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        let nonce = nonce(policy);
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
                 img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'none'; require-trusted-types-for 'script'; \
                 trusted-types 'none'"
            )
        );
        let html = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(!html.contains('{'), "{html}");
        let loads = html.matches("<script").count()
            + html.matches("stylesheet").count()
            + html.matches("modulepreload").count();
        assert_eq!(html.matches(&format!("nonce=\"{nonce}\"")).count(), loads);
        assert!(!seen.contains(&nonce));
        seen.push(nonce);
    }
}

#[tokio::test]
async fn the_pages_files_are_kept_for_good_under_their_digest() {
    let host = TestHost::start().await;
    let html = host.anonymous().file("/admin/").await;
    let html = String::from_utf8(html.body.to_vec()).unwrap();
    let mut asked = 0;
    for part in html.split("=\"/admin/assets/").skip(1) {
        let path = part.split('"').next().unwrap();
        if path == ui::ADMIN_DIGEST {
            continue;
        }
        let answer = host
            .anonymous()
            .file(&format!("/admin/assets/{path}"))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(
            answer.headers["cache-control"],
            "public, max-age=31536000, immutable"
        );
        asked += 1;
    }
    assert!(asked > 10, "{asked}");

    // A page that was loaded before Skep was replaced still finds its scripts.
    let answer = host
        .anonymous()
        .file("/admin/assets/0123456789abcdef/main.js")
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["cache-control"], "public, no-cache");
    for path in ["index.html", "nothing.js", "../ui.rs"] {
        let address = format!("/admin/assets/{}/{path}", ui::ADMIN_DIGEST);
        let answer = host.anonymous().file(&address).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_page_is_not_answered_with_one() {
    let host = TestHost::start().await;
    for path in [
        "/admin/api",
        "/admin/api/nothing",
        "/admin/assets/x",
        "/nothing",
    ] {
        let answer = host.anonymous().get(path).await;
        answer.must_be(StatusCode::NOT_FOUND, "there is nothing at this address");
        assert_eq!(
            answer.headers["content-security-policy"],
            "default-src 'none'; frame-ancestors 'none'"
        );
    }
    for path in ["/", "/admin"] {
        let answer = host.anonymous().file(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.headers["location"], "/admin/");
    }
}
